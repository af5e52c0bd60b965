/* /proc and /sys as they follow from a profile's own values, in the words of its kernel's age. */
#include "observe/honeypot/profile_draft.h"

#include <stdio.h>

static int put(struct draft *d, const char *path, struct span content)
{
    return draft_put(d, draft_copy(d, span_text(path)), TREE_FILE, 0444, content, 0);
}

static int put_buf(struct draft *d, const char *path, struct buf *text)
{
    int error = text->error;
    struct span content = error == 0 ? draft_copy(d, buf_as_span(text)) : (struct span){0};
    buf_done(text);
    if (error == 0 && content.at == NULL)
        error = -ENOMEM;
    return error != 0 ? error : put(d, path, content);
}

static struct span lines_of(struct draft *d, const char *first, const struct span *lines, size_t count)
{
    struct buf text;
    buf_init(&text, PROFILE_TEXT_MAX);
    buf_text(&text, first);
    for (size_t i = 0; i < count; i++) {
        buf_span(&text, lines[i]);
        buf_byte(&text, '\n');
    }
    if (text.error != 0 && d->failed == 0)
        d->failed = text.error;
    struct span copy = draft_copy(d, buf_as_span(&text));
    buf_done(&text);
    return copy;
}

static int put_meminfo(struct draft *d)
{
    struct buf text;
    buf_init(&text, 4096);
    uint64_t total = d->p.memory_kib, free_kib = total / 100 * (8 + draft_random(d, "free", 0) % 30) + draft_random(d, "free", 1) % 64 * 4;
    uint64_t buffers = total / 100 * (draft_random(d, "buffers", 0) % 6) + 72, cached = total / 100 * (12 + draft_random(d, "cached", 0) % 20) + 4;
    bool old = d->kernel < 20600;
    if (old)
        buf_printf(&text,
                   "        total:    used:    free:  shared: buffers:  cached:\nMem:  %8llu %8llu %8llu        0 %8llu %8llu\nSwap:        0        "
                   "0        0\n",
                   (unsigned long long)total * 1024, (unsigned long long)(total - free_kib) * 1024, (unsigned long long)free_kib * 1024,
                   (unsigned long long)buffers * 1024, (unsigned long long)cached * 1024);
    const struct {
        const char *name;
        uint64_t kib;
        unsigned from, until; /* kernels that have the line */
    } lines[] = {
        {"MemTotal:", total, 0, 99999},
        {"MemFree:", free_kib, 0, 99999},
        {"MemAvailable:", free_kib + cached * 3 / 4, 31400, 99999},
        {"MemShared:", 0, 0, 20599},
        {"Buffers:", buffers, 0, 99999},
        {"Cached:", cached, 0, 99999},
        {"SwapCached:", 0, 0, 99999},
        {"Active:", cached / 2 + buffers, 0, 99999},
        {"Inactive:", cached / 2, 0, 99999},
        {"Active(anon):", total / 12, 20628, 99999},
        {"Inactive(anon):", 0, 20628, 99999},
        {"HighTotal:", 0, 20400, 20627},
        {"LowTotal:", total, 20400, 20627},
        {"LowFree:", free_kib, 20400, 20627},
        {"SwapTotal:", 0, 0, 99999},
        {"SwapFree:", 0, 0, 99999},
        {"Dirty:", draft_random(d, "dirty", 0) % 4 * 4, 20600, 99999},
        {"Writeback:", 0, 20600, 99999},
        {"AnonPages:", total / 12, 20618, 99999},
        {"Mapped:", total / 20, 20600, 99999},
        {"Slab:", total / 9, 20600, 99999},
        {"PageTables:", 200 + draft_random(d, "tables", 0) % 50 * 4, 20600, 99999},
        {"CommitLimit:", total / 2, 20610, 99999},
        {"Committed_AS:", total / 3, 20600, 99999},
        {"VmallocTotal:", 1048548 - draft_random(d, "vmalloc", 0) % 16 * 1024, 20600, 99999},
        {"VmallocUsed:", 4000 + draft_random(d, "vmalloc", 1) % 4000, 20600, 99999},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (d->kernel >= lines[i].from && d->kernel <= lines[i].until)
            buf_printf(&text, "%-*s %8llu kB\n", d->kernel >= 20628 ? 15 : 13, lines[i].name, (unsigned long long)lines[i].kib);
    return put_buf(d, "/proc/meminfo", &text);
}

/* As it stood when the device had been up for half a period; a reader may show later values. */
static int put_counters(struct draft *d)
{
    uint64_t up = d->p.period / 2, busy = draft_random(d, "load", 0) % 60;
    int error = put(d, "/proc/uptime",
                    draft_printf(d, "%llu.%02llu %llu.%02llu\n", (unsigned long long)up, (unsigned long long)(busy + 7) % 100,
                                 (unsigned long long)(up - up * busy / 100), (unsigned long long)(busy + 31) % 100));
    if (error == 0)
        error =
            put(d, "/proc/loadavg",
                draft_printf(d, "0.%02llu 0.%02llu 0.%02llu 1/%zu %u\n", (unsigned long long)busy,
                             (unsigned long long)(busy + draft_random(d, "load", 1) % 9) % 100,
                             (unsigned long long)(busy + draft_random(d, "load", 2) % 12) % 100, d->p.process_count, (unsigned)d->p.shell_pid + 1));
    uint64_t user = up * busy, idle = up * (100 - busy);
    if (error == 0)
        error = put(d, "/proc/stat",
                    draft_printf(d,
                                 "cpu  %llu 0 %llu %llu 0 0 %llu 0\ncpu0 %llu 0 %llu %llu 0 0 %llu 0\nintr %llu\nctxt %llu\nbtime 0\nprocesses "
                                 "%u\nprocs_running 1\nprocs_blocked 0\n",
                                 (unsigned long long)user / 3, (unsigned long long)user / 2, (unsigned long long)idle, (unsigned long long)user / 6,
                                 (unsigned long long)user / 3, (unsigned long long)user / 2, (unsigned long long)idle, (unsigned long long)user / 6,
                                 (unsigned long long)up * 250, (unsigned long long)up * 410, (unsigned)d->p.shell_pid));
    return error;
}

static int put_filesystems(struct draft *d)
{
    struct buf text;
    buf_init(&text, 4096);
    buf_text(&text, "nodev\trootfs\nnodev\tbdev\nnodev\tproc\nnodev\tsockfs\nnodev\tpipefs\n");
    for (size_t i = 0; i < d->mount_count; i++) {
        struct span rest = d->mounts[i], what = text_word(&rest), where = text_word(&rest), type = text_word(&rest);
        bool seen = span_is(type, "rootfs") || span_is(type, "proc");
        for (size_t k = 0; k < i; k++) {
            struct span before = d->mounts[k];
            (void)text_word(&before);
            (void)text_word(&before);
            seen = seen || span_equal(text_word(&before), type);
        }
        (void)where;
        if (!seen)
            buf_printf(&text, "%s\t%.*s\n", what.len > 0 && what.at[0] == '/' ? "" : "nodev", (int)type.len, (const char *)type.at);
    }
    return put_buf(d, "/proc/filesystems", &text);
}

static int put_flash(struct draft *d)
{
    if (d->flash_count == 0)
        return 0;
    struct buf mtd, partitions;
    buf_init(&mtd, 8192);
    buf_init(&partitions, 8192);
    buf_text(&mtd, "dev:    size   erasesize  name\n");
    buf_text(&partitions, "major minor  #blocks  name\n\n");
    int error = 0;
    for (size_t i = 0; error == 0 && i < d->flash_count; i++) {
        struct span rest = d->flash[i], size = text_word(&rest), erase = text_word(&rest), name = text_word(&rest);
        unsigned long long bytes = 0;
        for (size_t k = 0; k < size.len && k < 8; k++)
            bytes = bytes * 16 + (unsigned)(size.at[k] <= '9' ? size.at[k] - '0' : (size.at[k] | 32) - 'a' + 10) % 16;
        if (size.len != 8 || erase.len != 8 || name.len == 0)
            error = node_error(source_item(d->source, "flash", i), d->error, "expected SIZE ERASESIZE NAME; for example \"00040000 00010000 boot\"");
        buf_printf(&mtd, "mtd%zu: %.8s %.8s \"%.*s\"\n", i, size.len == 8 ? (const char *)size.at : "", erase.len == 8 ? (const char *)erase.at : "",
                   (int)name.len, name.len > 0 ? (const char *)name.at : "");
        buf_printf(&partitions, "  31     %zu  %9llu mtdblock%zu\n", i, bytes / 1024, i);
    }
    if (error != 0) {
        buf_done(&mtd);
        buf_done(&partitions);
        return error;
    }
    error = put_buf(d, "/proc/mtd", &mtd);
    if (error != 0) {
        buf_done(&partitions);
        return error;
    }
    return put_buf(d, "/proc/partitions", &partitions);
}

static int put_system(struct draft *d)
{
    const struct profile *p = &d->p;
    struct span version = draft_printf(d, "Linux version %.*s (%.*s) (%.*s) %.*s\n", (int)p->kernel_release.len, (const char *)p->kernel_release.at,
                                       (int)d->builder.len, (const char *)d->builder.at, (int)d->compiler.len, (const char *)d->compiler.at,
                                       (int)p->kernel_version.len, (const char *)p->kernel_version.at);
    const struct {
        const char *path;
        struct span content;
    } files[] = {
        {"/proc/cpuinfo", d->cpuinfo},
        {"/proc/version", version},
        {"/proc/mounts", lines_of(d, "", d->mounts, d->mount_count)},
        {"/proc/modules", lines_of(d, "", d->modules, d->module_count)},
        {"/proc/cmdline", draft_printf(d, "%.*s\n", (int)d->command_line.len, (const char *)d->command_line.at)},
        {"/proc/devices",
         span_text("Character devices:\n  1 mem\n  2 pty\n  3 ttyp\n  4 ttyS\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n 10 misc\n 90 mtd\n"
                   "128 ptm\n136 pts\n\nBlock devices:\n  1 ramdisk\n  7 loop\n 31 mtdblock\n")},
        {"/proc/swaps", span_text("Filename\t\t\t\tType\t\tSize\tUsed\tPriority\n")},
        {"/proc/sys/kernel/hostname", draft_printf(d, "%.*s\n", (int)p->hostname.len, (const char *)p->hostname.at)},
        {"/proc/sys/kernel/osrelease", draft_printf(d, "%.*s\n", (int)p->kernel_release.len, (const char *)p->kernel_release.at)},
        {"/proc/sys/kernel/ostype", span_text("Linux\n")},
        {"/proc/sys/kernel/version", draft_printf(d, "%.*s\n", (int)p->kernel_version.len, (const char *)p->kernel_version.at)},
        {"/proc/sys/net/ipv4/ip_forward", span_text(draft_random(d, "forward", 0) % 2 == 0 ? "1\n" : "0\n")},
    };
    int error = 0;
    for (size_t i = 0; error == 0 && i < sizeof files / sizeof files[0]; i++)
        error = files[i].content.at != NULL || files[i].content.len == 0 ? put(d, files[i].path, files[i].content) : -ENOMEM;
    if (error == 0)
        error = put_meminfo(d);
    if (error == 0)
        error = put_counters(d);
    if (error == 0)
        error = put_filesystems(d);
    return error != 0 ? error : put_flash(d);
}

/* ---- /proc/net ---- */

/* An address as the kernel prints it: the bytes in memory read as a number of the machine. */
static unsigned kernel_hex(const struct draft *d, struct addr a)
{
    const uint8_t *b = a.bytes + 12;
    if (machine_info(d->p.machine)->big_endian)
        return (unsigned)b[0] << 24 | (unsigned)b[1] << 16 | (unsigned)b[2] << 8 | b[3];
    return (unsigned)b[3] << 24 | (unsigned)b[2] << 16 | (unsigned)b[1] << 8 | b[0];
}

static struct addr mask_of(unsigned bits)
{
    return addr_v4(bits == 0 ? 0 : UINT32_MAX << (32 - bits));
}

static int put_sockets(struct draft *d, const char *path, const uint16_t *ports, size_t count, bool udp)
{
    struct buf text;
    buf_init(&text, 16384);
    buf_text(&text, udp ? "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"
                        : "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n");
    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "%4zu: 00000000:%04X 00000000:0000 %s 00000000:00000000 00:00000000 00000000     0        0 %-5u 1 %08x 300 0 0 2 -1\n", i,
                   (unsigned)ports[i], udp ? "07" : "0A", (unsigned)(400 + draft_random(d, path, i) % 3000),
                   (unsigned)(0x80000000 + (draft_random(d, path, i + 100) % 0x3ffffff) * 32));
    return put_buf(d, path, &text);
}

static int put_net_devices(struct draft *d)
{
    struct buf text;
    buf_init(&text, 8192);
    buf_text(&text, "Inter-|   Receive                                                |  Transmit\n"
                    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n");
    for (size_t i = 0; i < d->p.interface_count; i++) {
        struct span name = d->p.interfaces[i].name;
        unsigned received = (unsigned)(draft_random(d, "packets", i) % 4000000),
                 sent = (unsigned)(received / 2 + draft_random(d, "packets", i + 50) % 1000000);
        if (i == 0)
            received = sent = received % 20000;
        buf_printf(&text, "%6.*s:%8llu %7u    0    0    0     0          0         0 %8llu %7u    0    0    0     0       0          0\n",
                   (int)name.len, (const char *)name.at, (unsigned long long)received * 217, received,
                   (unsigned long long)sent * (i == 0 ? 217 : 180), sent);
    }
    return put_buf(d, "/proc/net/dev", &text);
}

static int put_routes(struct draft *d)
{
    struct buf routes, neighbours;
    buf_init(&routes, 8192);
    buf_init(&neighbours, 4096);
    buf_text(&routes, "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n");
    buf_text(&neighbours, "IP address       HW type     Flags       HW address            Mask     Device\n");
    bool routed = !addr_equal(d->p.gateway, (struct addr){{0}});
    for (size_t i = 1; i < d->p.interface_count; i++) {
        const struct profile_interface *interface = &d->p.interfaces[i];
        if (interface->bits == 0)
            continue;
        struct addr mask = mask_of(interface->bits), net = interface->address;
        bool gateway_here = routed;
        for (size_t k = 12; k < 16; k++) {
            net.bytes[k] &= mask.bytes[k];
            gateway_here = gateway_here && (d->p.gateway.bytes[k] & mask.bytes[k]) == net.bytes[k];
        }
        buf_printf(&routes, "%.*s\t%08X\t00000000\t0001\t0\t0\t0\t%08X\t0\t0\t0\n", (int)interface->name.len, (const char *)interface->name.at,
                   kernel_hex(d, net), kernel_hex(d, mask));
        if (!gateway_here)
            continue;
        buf_printf(&routes, "%.*s\t00000000\t%08X\t0003\t0\t0\t0\t00000000\t0\t0\t0\n", (int)interface->name.len, (const char *)interface->name.at,
                   kernel_hex(d, d->p.gateway));
        char address[ADDR_TEXT_SIZE];
        uint64_t mac = draft_random(d, "gateway", 0);
        addr_print(d->p.gateway, address);
        buf_printf(&neighbours, "%-16s 0x1         0x2         00:1d:aa:%02x:%02x:%02x     *        %.*s\n", address, (unsigned)(mac & 255),
                   (unsigned)(mac >> 8 & 255), (unsigned)(mac >> 16 & 255), (int)interface->name.len, (const char *)interface->name.at);
        routed = false;
    }
    int error = put_buf(d, "/proc/net/route", &routes);
    if (error != 0) {
        buf_done(&neighbours);
        return error;
    }
    return put_buf(d, "/proc/net/arp", &neighbours);
}

static int put_net(struct draft *d)
{
    int error = put_sockets(d, "/proc/net/tcp", d->tcp_ports, d->tcp_count, false);
    if (error == 0)
        error = put_sockets(d, "/proc/net/udp", d->udp_ports, d->udp_count, true);
    if (error == 0)
        error = put_net_devices(d);
    if (error == 0)
        error = put_routes(d);
    bool has_sys = false;
    for (size_t i = 0; i < d->mount_count; i++)
        has_sys = has_sys || memmem(d->mounts[i].at, d->mounts[i].len, " /sys ", 6) != NULL;
    for (size_t i = 0; error == 0 && has_sys && i < d->p.interface_count; i++) {
        const struct profile_interface *interface = &d->p.interfaces[i];
        char path[64];
        snprintf(path, sizeof path, "/sys/class/net/%.*s/address", (int)interface->name.len, (const char *)interface->name.at);
        error = put(d, path,
                    draft_printf(d, "%02x:%02x:%02x:%02x:%02x:%02x\n", interface->mac[0], interface->mac[1], interface->mac[2], interface->mac[3],
                                 interface->mac[4], interface->mac[5]));
        snprintf(path, sizeof path, "/sys/class/net/%.*s/mtu", (int)interface->name.len, (const char *)interface->name.at);
        if (error == 0)
            error = put(d, path, span_text(i == 0 ? "16436\n" : "1500\n"));
    }
    return error;
}

/* ---- /proc/PID ---- */

static struct span short_name(const struct profile_process *process)
{
    struct span rest = process->command, name = text_word(&rest);
    bool thread = process->executable.len == 0;
    if (thread && name.len > 2)
        name = span_part(name, 1, name.len - 2);
    for (size_t i = name.len; !thread && i-- > 0;)
        if (name.at[i] == '/') {
            name = span_part(name, i + 1, SIZE_MAX);
            break;
        }
    if (name.len > 0 && name.at[0] == '-')
        name = span_part(name, 1, SIZE_MAX);
    return span_part(name, 0, 15);
}

static const char *state_name(struct span state)
{
    if (state.len > 0 && state.at[0] == 'R')
        return "R (running)";
    if (state.len > 0 && state.at[0] == 'D')
        return "D (disk sleep)";
    return "S (sleeping)";
}

static struct span arguments_of(struct draft *d, const struct profile_process *process)
{
    struct buf out;
    buf_init(&out, 1024);
    struct span rest = process->command;
    for (struct span word = text_word(&rest); word.len > 0; word = text_word(&rest)) {
        buf_span(&out, word);
        buf_byte(&out, 0);
    }
    struct span copy = draft_copy(d, buf_as_span(&out));
    buf_done(&out);
    return copy;
}

static struct span maps_of(struct draft *d, struct span program)
{
    static const unsigned long long bases[MACHINE_COUNT] = {
        [MACHINE_ARM] = 0x8000,      [MACHINE_ARMEB] = 0x8000,       [MACHINE_AARCH64] = 0x400000, [MACHINE_MIPS] = 0x400000,
        [MACHINE_MIPSEL] = 0x400000, [MACHINE_MIPS64] = 0x120000000, [MACHINE_PPC] = 0x10000000,   [MACHINE_SPARC] = 0x10000,
        [MACHINE_SH4] = 0x400000,    [MACHINE_X86] = 0x8048000,      [MACHINE_X86_64] = 0x400000,  [MACHINE_M68K] = 0x80000000,
    };
    static const unsigned long long libraries[MACHINE_COUNT] = {
        [MACHINE_ARM] = 0x40000000,    [MACHINE_ARMEB] = 0x40000000,    [MACHINE_AARCH64] = 0x7f9c200000,  [MACHINE_MIPS] = 0x2aaa8000,
        [MACHINE_MIPSEL] = 0x2aaa8000, [MACHINE_MIPS64] = 0x5555558000, [MACHINE_PPC] = 0x30000000,        [MACHINE_SPARC] = 0x70000000,
        [MACHINE_SH4] = 0x29556000,    [MACHINE_X86] = 0xb7700000,      [MACHINE_X86_64] = 0x7f5e0a000000, [MACHINE_M68K] = 0xc0000000,
    };
    unsigned long long base = bases[d->p.machine], at = libraries[d->p.machine];
    unsigned size = 200000;
    for (size_t i = 0; i < d->node_count; i++)
        if (span_equal(d->nodes[i].node.path, program))
            size = d->nodes[i].node.size;
    unsigned pages = (size + 4095) / 4096, inode = (unsigned)(hash_seeded(4, program) % 900 + 20);
    const char *loader = elf_interpreter(d->p.machine, d->p.libc);
    return draft_printf(d,
                        "%08llx-%08llx r-xp 00000000 1f:02 %-10u %.*s\n%08llx-%08llx rw-p %08x 1f:02 %-10u %.*s\n%08llx-%08llx rwxp 00000000 00:00 0 "
                        "         [heap]\n"
                        "%08llx-%08llx r-xp 00000000 1f:02 %-10u %s\n",
                        base, base + pages * 4096ULL, inode, (int)program.len, (const char *)program.at, base + (pages + 15) * 4096ULL,
                        base + (pages + 17) * 4096ULL, pages * 4096, inode, (int)program.len, (const char *)program.at, base + (pages + 17) * 4096ULL,
                        base + (pages + 41) * 4096ULL, at, at + 0x6000, (unsigned)(hash_seeded(4, span_text(loader)) % 900 + 20), loader);
}

static int put_program_files(struct draft *d, const struct profile_process *process, const char *folder)
{
    char path[64];
    snprintf(path, sizeof path, "%s/exe", folder);
    int error = draft_put(d, draft_copy(d, span_text(path)), TREE_LINK, 0777, process->executable, 0);
    snprintf(path, sizeof path, "%s/maps", folder);
    if (error == 0)
        error = put(d, path, maps_of(d, process->executable));
    static const char *const targets[][2] = {{"cwd", "/"}, {"root", "/"}, {"fd/0", "/dev/null"}, {"fd/1", "/dev/console"}, {"fd/2", "/dev/console"}};
    for (size_t i = 0; error == 0 && i < sizeof targets / sizeof targets[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, targets[i][0]);
        error = draft_put(d, draft_copy(d, span_text(path)), TREE_LINK, 0777,
                          span_text(process->pid == d->p.shell_pid && i >= 2 ? "/dev/pts/0" : targets[i][1]), 0);
    }
    return error;
}

static int put_process(struct draft *d, const struct profile_process *process, struct span mounts)
{
    char folder[32], path[64];
    struct span name = short_name(process);
    unsigned pid = process->pid, resident = process->size_kib / 3;
    uint64_t random = draft_random(d, "process", pid);
    snprintf(folder, sizeof folder, "/proc/%u", pid);
    snprintf(path, sizeof path, "%s/cmdline", folder);
    int error = put(d, path, process->executable.len > 0 ? arguments_of(d, process) : (struct span){0});
    snprintf(path, sizeof path, "%s/stat", folder);
    if (error == 0)
        error = put(d, path,
                    draft_printf(
                        d, "%u (%.*s) %c %u %u %u 0 -1 %u %u 0 %u 0 %u %u 0 0 %d %d 1 0 %u %u %u 4294967295 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0\n",
                        pid, (int)name.len, (const char *)name.at, process->state.at[0], (unsigned)process->parent, process->size_kib > 0 ? pid : 0,
                        process->size_kib > 0 ? pid : 0, process->size_kib > 0 ? 256u : 8256u, (unsigned)(random % 900),
                        (unsigned)(random >> 10) % 40, (unsigned)(random >> 20) % 400, (unsigned)(random >> 30) % 300,
                        memchr(process->state.at, '<', process->state.len) != NULL ? 10 : 20,
                        memchr(process->state.at, '<', process->state.len) != NULL ? -10 : 0, pid * 3 + 40, (unsigned)process->size_kib * 1024,
                        resident / 4));
    char memory[128] = "";
    if (process->size_kib > 0)
        snprintf(memory, sizeof memory, "VmSize:\t%8u kB\nVmRSS:\t%8u kB\nVmStk:\t      84 kB\n", (unsigned)process->size_kib, resident);
    snprintf(path, sizeof path, "%s/status", folder);
    if (error == 0)
        error = put(d, path,
                    draft_printf(d,
                                 "Name:\t%.*s\nState:\t%s\nTgid:\t%u\nPid:\t%u\nPPid:\t%u\nTracerPid:\t0\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:"
                                 "\t32\n%sThreads:\t1\n",
                                 (int)name.len, (const char *)name.at, state_name(process->state), pid, pid, (unsigned)process->parent, memory));
    snprintf(path, sizeof path, "%s/comm", folder);
    if (error == 0 && d->kernel >= 20633)
        error = put(d, path, draft_printf(d, "%.*s\n", (int)name.len, (const char *)name.at));
    snprintf(path, sizeof path, "%s/mounts", folder);
    if (error == 0 && process->executable.len > 0)
        error = put(d, path, mounts);
    return error == 0 && process->executable.len > 0 ? put_program_files(d, process, folder) : error;
}

int draft_proc(struct draft *d)
{
    int error = put_system(d);
    if (error == 0)
        error = put_net(d);
    struct span mounts = lines_of(d, "", d->mounts, d->mount_count);
    for (size_t i = 0; error == 0 && i < d->p.process_count; i++)
        error = put_process(d, &d->p.processes[i], mounts);
    if (error == 0)
        error = draft_put(d, span_text("/proc/self"), TREE_LINK, 0777, draft_printf(d, "%u", (unsigned)d->p.shell_pid), 0);
    return error;
}
