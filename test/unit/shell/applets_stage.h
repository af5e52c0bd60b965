/* A device with every applet there is, for the tests of applets; on top of the shell's stage. */
#pragma once

#include "stage.h"

static const struct profile_node whole_nodes[] = {
    DIRECTORY("/", false),
    DIRECTORY("/bin", false),
    PROGRAM("/bin/busybox", 40000),
    BOX("/bin/cat"),
    BOX("/bin/echo"),
    BOX("/bin/ls"),
    BOX("/bin/sh"),
    DIRECTORY("/dev", true),
    DEVICE_NODE("/dev/null", "c 1 3"),
    DEVICE_NODE("/dev/zero", "c 1 5"),
    DIRECTORY("/etc", false),
    PLAIN("/etc/group", "root:x:0:\n"),
    PLAIN("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nadmin:x:500:500::/:/bin/sh\n"),
    PLAIN("/etc/resolv.conf", "nameserver 192.0.2.53\n"),
    DIRECTORY("/proc", false),
    PLAIN("/proc/loadavg", "0.12 0.08 0.02 1/31 812\n"),
    PLAIN("/proc/meminfo", "MemTotal:          61952 kB\nMemFree:           11784 kB\nBuffers:            2312 kB\nCached:            15836 kB\n"),
    PLAIN("/proc/modules", "usbcore 126592 1 - Live 0xbf000000\n"),
    PLAIN("/proc/mounts",
          "rootfs / rootfs rw 0 0\n/dev/root / squashfs ro,relatime 0 0\nproc /proc proc rw,relatime 0 0\ntmpfs /tmp tmpfs rw,relatime 0 0\n"),
    DIRECTORY("/proc/sys", false),
    DIRECTORY("/proc/sys/kernel", false),
    PLAIN("/proc/sys/kernel/hostname", "device\n"),
    PLAIN("/proc/uptime", "93784.50 900.25\n"),
    DIRECTORY("/tmp", true),
    DIRECTORY("/tmp/w", true),
    DIRECTORY("/usr", false),
    DIRECTORY("/usr/bin", false),
    PROGRAM("/usr/bin/curl", 60000),
};

static const struct profile_process whole_processes[] = {
    {.pid = 1, .parent = 0, .size_kib = 1288, .user = SPAN("root"), .state = SPAN("S"), .command = SPAN("init")},
    {.pid = 2, .parent = 0, .user = SPAN("root"), .state = SPAN("SW"), .command = SPAN("[kthreadd]")},
    {.pid = 512, .parent = 1, .size_kib = 1296, .user = SPAN("root"), .state = SPAN("S"), .command = SPAN("/usr/sbin/telnetd -l /bin/login")},
    {.pid = 810, .parent = 512, .size_kib = 1300, .user = SPAN("root"), .state = SPAN("S"), .command = SPAN("-sh")},
};

static const struct profile_interface whole_interfaces[] = {
    {.name = SPAN("lo"), .address = {.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}}, .bits = 8},
    {.name = SPAN("eth0"),
     .mac = {0, 0x12, 0x34, 0x56, 0x78, 0x9a},
     .address = {.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 20}},
     .bits = 24},
};

/* The profile of the tests: `name` only keeps compilers quiet about one that is not used. */
static inline struct profile whole_profile(void)
{
    static struct span names[1024];
    size_t count = 0, all = 0;
    const struct applet *const *applets = applets_all(&all);
    for (size_t i = 0; i < all && count < 1024; i++)
        if (applets[i]->where != APPLET_BUILTIN && applets[i]->usage != NULL)
            names[count++] = span_text(applets[i]->name);
    /* Those without a usage text that BusyBox has too. */
    static const char *const plain[] = {"[", "[[", "busybox", "echo", "false", "test", "true"};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        names[count++] = span_text(plain[i]);
    for (size_t i = 1; i < count; i++)
        for (size_t k = i; k > 0 && strcmp((const char *)names[k - 1].at, (const char *)names[k].at) > 0; k--) {
            struct span swap = names[k];
            names[k] = names[k - 1];
            names[k - 1] = swap;
        }
    return (struct profile){
        .name = SPAN("whole"),
        .machine = MACHINE_MIPSEL,
        .hostname = SPAN("device"),
        .kernel_release = SPAN("2.6.30.9"),
        .kernel_version = SPAN("#1 Tue Mar 4 10:00:00 CST 2014"),
        .machine_text = SPAN("mips"),
        .busybox_version = SPAN("v1.19.4 (2014-01-01 00:00:00 UTC)"),
        .prompt = SPAN("# "),
        .login_home = SPAN("/"),
        .applets = names,
        .applet_count = count,
        .nodes = whole_nodes,
        .node_count = sizeof whole_nodes / sizeof whole_nodes[0],
        .processes = whole_processes,
        .process_count = sizeof whole_processes / sizeof whole_processes[0],
        .shell_pid = 810,
        .interfaces = whole_interfaces,
        .interface_count = sizeof whole_interfaces / sizeof whole_interfaces[0],
        .gateway = {.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1}},
        .memory_kib = 61952,
        .period = 4000000,
    };
}
