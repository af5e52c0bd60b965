/* The parts of the file tree that follow from a profile's own values: programs, libraries, /etc, /dev. */
#include "observe/honeypot/profile_draft.h"

#include <stdio.h>

struct busybox_line {
    const char *name, *folder, *set;
};

static const struct busybox_line busybox_lines[] = {
#define BUSYBOX(name, folder, set) {name, folder, #set},
#include "observe/honeypot/busybox.def"
#undef BUSYBOX
};

enum { BUSYBOX_LINES = sizeof busybox_lines / sizeof busybox_lines[0] };

const char *busybox_folder(struct span applet)
{
    for (size_t i = 0; i < BUSYBOX_LINES; i++)
        if (span_is(applet, busybox_lines[i].name))
            return busybox_lines[i].folder;
    return NULL;
}

/* Sets are written @core and listed as CORE. */
static bool is_set(const char *listed, struct span name)
{
    if (strlen(listed) != name.len)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if ((uint8_t)(listed[i] - 'A' + 'a') != name.at[i])
            return false;
    return true;
}

int busybox_set(struct span name, int (*each)(void *user, const char *applet), void *user)
{
    bool all = span_is(name, "all"), found = all;
    for (size_t i = 0; i < BUSYBOX_LINES; i++)
        found = found || is_set(busybox_lines[i].set, name);
    if (!found)
        return -ERR_UNKNOWN;
    for (size_t i = 0; i < BUSYBOX_LINES; i++) {
        int error = all || is_set(busybox_lines[i].set, name) ? each(user, busybox_lines[i].name) : 0;
        if (error != 0)
            return error;
    }
    return 0;
}

static uint32_t size_between(const struct draft *d, const char *what, uint64_t index, uint32_t least, uint32_t most)
{
    return least + (uint32_t)(draft_random(d, what, index) % (most - least));
}

static int put_applets(struct draft *d)
{
    int error = draft_put_binary(d, span_text("/bin/busybox"), d->busybox_size);
    for (size_t i = 0; error == 0 && i < d->p.applet_count; i++) {
        struct span name = d->p.applets[i];
        const char *folder = busybox_folder(name);
        if (span_is(name, "busybox") || folder == NULL)
            continue;
        const char *target = strcmp(folder, "/bin") == 0 ? "busybox" : strncmp(folder, "/usr", 4) == 0 ? "../../bin/busybox" : "../bin/busybox";
        struct span path = draft_printf(d, "%s/%.*s", folder, (int)name.len, (const char *)name.at);
        error = draft_put(d, path, TREE_APPLET, 0777, span_text(target), d->installed);
    }
    return error;
}

/* /lib/NAME-VERSION.so and its link, as each C library installs them. */
static int put_library(struct draft *d, const char *name, struct span version, const char *link, uint32_t size)
{
    struct span file = draft_printf(d, "/lib/%s-%.*s.so", name, (int)version.len, (const char *)version.at);
    int error = draft_put_binary(d, file, size);
    if (error != 0)
        return error;
    char path[64];
    snprintf(path, sizeof path, "/lib/%s", link);
    return draft_put(d, draft_copy(d, span_text(path)), TREE_LINK, 0777, span_part(file, 5, SIZE_MAX), d->installed);
}

static int put_c_library(struct draft *d)
{
    struct span rest = d->p.libc, name = text_word(&rest), version = text_word(&rest);
    const char *interpreter = elf_interpreter(d->p.machine, d->p.libc);
    if (version.len == 0 || version.len > 16)
        return draft_error(d->source, "libc: expected a C library and its version; for example uClibc 0.9.33");
    if (span_is(name, "musl")) {
        int error = draft_put_binary(d, span_text("/lib/libc.so"), size_between(d, "libc", 0, 560000, 690000));
        return error != 0 ? error : draft_put_link(d, interpreter, "libc.so");
    }
    bool small = span_is(name, "uClibc");
    if (!small && !span_is(name, "glibc"))
        return draft_error(d->source, "libc: expected uClibc, glibc or musl and its version; for example uClibc 0.9.33");
    const struct {
        const char *file, *small_link, *link;
        uint32_t least, most;
    } files[] = {
        {small ? "libuClibc" : "libc", "libc.so.0", "libc.so.6", small ? 270000 : 1150000, small ? 420000 : 1400000},
        {"libcrypt", "libcrypt.so.0", "libcrypt.so.1", 12000, 30000},
        {"libm", "libm.so.0", "libm.so.6", small ? 40000 : 400000, small ? 90000 : 600000},
        {"libpthread", "libpthread.so.0", "libpthread.so.0", 60000, 110000},
        {"libdl", "libdl.so.0", "libdl.so.2", 8192, 14000},
    };
    int error = 0;
    for (size_t i = 0; error == 0 && i < sizeof files / sizeof files[0]; i++)
        error = put_library(d, files[i].file, version, small ? files[i].small_link : files[i].link,
                            size_between(d, "libc", i, files[i].least, files[i].most));
    if (error != 0)
        return error;
    struct span loader = draft_printf(d, "/lib/ld%s-%.*s.so", small ? "-uClibc" : "", (int)version.len, (const char *)version.at);
    error = draft_put_binary(d, loader, size_between(d, "loader", 0, small ? 20000 : 100000, small ? 34000 : 140000));
    if (error != 0)
        return error;
    struct span target =
        strncmp(interpreter, "/lib64/", 7) == 0 ? draft_printf(d, "../lib/%s", (const char *)loader.at + 5) : span_part(loader, 5, SIZE_MAX);
    return draft_put(d, span_text(interpreter), TREE_LINK, 0777, target, d->installed);
}

static int put_libraries(struct draft *d)
{
    int error = put_c_library(d);
    if (error == 0 && !span_starts(d->p.libc, "glibc"))
        error = draft_put_binary(d, span_text("/lib/libgcc_s.so.1"), size_between(d, "libgcc", 0, 40000, 90000));
    for (size_t i = 0; error == 0 && i < d->library_count; i++) {
        struct span name = d->libraries[i];
        struct span path = draft_printf(d, "%s%.*s", name.len > 0 && name.at[0] == '/' ? "" : "/lib/", (int)name.len, (const char *)name.at);
        error = draft_put_binary(d, path, size_between(d, "library", i, 20000, 400000));
        if (error == -ERR_MALFORMED)
            return node_error(source_item(d->source, "libraries", i), d->error, "expected the name of a file");
    }
    for (size_t i = 0; error == 0 && i < d->module_count; i++) {
        struct span rest = d->modules[i], name = text_word(&rest), size = text_word(&rest);
        int64_t bytes;
        if (parse_size(size, &bytes) != 0 || bytes > PROFILE_BINARY_MAX)
            return node_error(source_item(d->source, "kernel.modules", i), d->error, "expected a line of /proc/modules");
        struct span path = draft_printf(d, "/lib/modules/%.*s/%.*s.ko", (int)d->p.kernel_release.len, (const char *)d->p.kernel_release.at,
                                        (int)name.len, (const char *)name.at);
        error = draft_put_binary(d, path, (uint32_t)bytes + (uint32_t)bytes / 8);
    }
    return error;
}

/* What runs must lie somewhere. */
static int put_programs(struct draft *d)
{
    int error = 0;
    for (size_t i = 0; error == 0 && i < d->p.process_count; i++) {
        struct span path = d->p.processes[i].executable;
        if (path.len == 0 || draft_has(d, path))
            continue;
        uint32_t most = d->p.processes[i].size_kib > 3000 ? 1500000 : 220000;
        error = draft_put_binary(d, path, size_between(d, "program", i, 26000, most));
        if (error == -ERR_MALFORMED)
            return draft_error(d->source, "processes: expected a command of at most %d bytes", PROFILE_PATH_MAX);
    }
    return error;
}

/* ---- /etc ---- */

/* A password's hash as MD5-crypt writes it; of no password at all, so nobody can crack it. */
static void put_hash(const struct draft *d, struct buf *out, uint64_t index)
{
    static const char letters[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    buf_text(out, "$1$");
    for (size_t i = 0; i < 30; i++) {
        buf_byte(out, (uint8_t)letters[draft_random(d, "hash", index * 64 + i) % 64]);
        if (i == 7)
            buf_byte(out, '$');
    }
}

static int put_text(struct draft *d, const char *path, uint16_t mode, struct buf *text)
{
    int error = text->error;
    struct span content = error == 0 ? draft_copy(d, buf_as_span(text)) : (struct span){0};
    buf_done(text);
    return error != 0 ? error : draft_put_text(d, path, mode, content);
}

static int put_users(struct draft *d)
{
    struct buf passwd, shadow;
    buf_init(&passwd, PROFILE_TEXT_MAX);
    buf_init(&shadow, PROFILE_TEXT_MAX);
    struct span home = d->p.login_home;
    struct span preset = draft_printf(d, "root:*:0:0:root:%.*s:/bin/sh", (int)home.len, (const char *)home.at);
    size_t count = d->user_count > 0 ? d->user_count : 1;
    for (size_t i = 0; i < count; i++) {
        struct span line = d->user_count > 0 ? d->users[i] : preset;
        size_t name = span_find(line, ':'), rest = name + 1;
        size_t password = span_find(span_part(line, rest, SIZE_MAX), ':');
        if (name == line.len || rest + password == line.len) {
            buf_done(&passwd);
            buf_done(&shadow);
            return node_error(source_item(d->source, "users", i), d->error, "expected a line of /etc/passwd with * for a password");
        }
        bool secret = span_is(span_part(line, rest, password), "*");
        buf_span(&passwd, span_part(line, 0, rest));
        buf_span(&shadow, span_part(line, 0, rest));
        if (d->shadow)
            buf_text(&passwd, "x");
        else if (secret)
            put_hash(d, &passwd, i);
        else
            buf_span(&passwd, span_part(line, rest, password));
        if (secret)
            put_hash(d, &shadow, i);
        else
            buf_text(&shadow, "*");
        buf_span(&passwd, span_part(line, rest + password, SIZE_MAX));
        buf_byte(&passwd, '\n');
        buf_printf(&shadow, ":%llu:0:99999:7:::\n", (unsigned long long)(d->installed / USEC_PER_DAY));
    }
    int error = put_text(d, "/etc/passwd", 0644, &passwd);
    if (error != 0 || !d->shadow) {
        buf_done(&shadow);
        return error;
    }
    return put_text(d, "/etc/shadow", 0600, &shadow);
}

/* The start script: the file systems and the programs that the process list shows. */
static int put_start_script(struct draft *d)
{
    struct buf text;
    buf_init(&text, PROFILE_TEXT_MAX);
    buf_text(&text, "#!/bin/sh\n\nPATH=/sbin:/bin:/usr/sbin:/usr/bin\nexport PATH\n\n");
    for (size_t i = 0; i < d->mount_count; i++) {
        struct span rest = d->mounts[i], what = text_word(&rest), where = text_word(&rest), type = text_word(&rest);
        if (!span_is(where, "/") && !span_is(type, "rootfs"))
            buf_printf(&text, "mount -t %.*s %.*s %.*s\n", (int)type.len, (const char *)type.at, (int)what.len, (const char *)what.at, (int)where.len,
                       (const char *)where.at);
    }
    buf_printf(&text, "\nhostname %.*s\n", (int)d->p.hostname.len, (const char *)d->p.hostname.at);
    for (size_t i = 1; i < d->p.interface_count; i++) {
        const struct profile_interface *interface = &d->p.interfaces[i];
        char address[ADDR_TEXT_SIZE];
        if (interface->bits == 0)
            continue;
        addr_print(interface->address, address);
        buf_printf(&text, "ifconfig %.*s %s up\n", (int)interface->name.len, (const char *)interface->name.at, address);
    }
    for (size_t i = 0; i < d->module_count; i++) {
        struct span rest = d->modules[i], name = text_word(&rest);
        buf_printf(&text, "insmod /lib/modules/%.*s/%.*s.ko\n", (int)d->p.kernel_release.len, (const char *)d->p.kernel_release.at, (int)name.len,
                   (const char *)name.at);
    }
    buf_text(&text, "\n");
    for (size_t i = 0; i < d->p.process_count; i++) {
        const struct profile_process *process = &d->p.processes[i];
        if (process->pid == 1 || process->executable.len == 0 || process->command.at[0] == '-' || process->pid == d->p.shell_pid)
            continue;
        buf_printf(&text, "%.*s &\n", (int)process->command.len, (const char *)process->command.at);
    }
    return put_text(d, "/etc/init.d/rcS", 0755, &text);
}

static int put_fstab(struct draft *d)
{
    struct buf text;
    buf_init(&text, PROFILE_TEXT_MAX);
    buf_text(&text, "# <file system> <mount point> <type> <options> <dump> <pass>\n");
    for (size_t i = 0; i < d->mount_count; i++) {
        struct span rest = d->mounts[i], what = text_word(&rest), where = text_word(&rest), type = text_word(&rest);
        if (!span_is(type, "rootfs"))
            buf_printf(&text, "%.*s\t%.*s\t%.*s\tdefaults\t0 0\n", (int)what.len, (const char *)what.at, (int)where.len, (const char *)where.at,
                       (int)type.len, (const char *)type.at);
    }
    return put_text(d, "/etc/fstab", 0644, &text);
}

static int put_etc(struct draft *d)
{
    static const char services[] =
        "ftp\t\t21/tcp\nssh\t\t22/tcp\ntelnet\t\t23/tcp\nsmtp\t\t25/tcp\ndomain\t\t53/tcp\ndomain\t\t53/udp\nbootps\t\t67/udp\n"
        "bootpc\t\t68/udp\ntftp\t\t69/udp\nhttp\t\t80/tcp\nntp\t\t123/udp\nsnmp\t\t161/udp\nhttps\t\t443/tcp\nsyslog\t\t514/udp\n";
    struct span host = d->p.hostname;
    char gateway[ADDR_TEXT_SIZE];
    addr_print(d->p.gateway, gateway);
    bool routed = !addr_equal(d->p.gateway, (struct addr){{0}});
    struct span console = memmem(d->command_line.at, d->command_line.len, "ttyAMA0", 7) != NULL ? span_text("ttyAMA0") : span_text("ttyS0");
    int error = put_users(d);
    if (error == 0)
        error = draft_put_text(d, "/etc/group", 0644, span_text("root:x:0:\nbin:x:1:\ndaemon:x:2:\nsys:x:3:\nadm:x:4:\ntty:x:5:\nnobody:x:99:\n"));
    if (error == 0)
        error =
            draft_put_text(d, "/etc/hosts", 0644, draft_printf(d, "127.0.0.1\tlocalhost\n127.0.0.1\t%.*s\n", (int)host.len, (const char *)host.at));
    if (error == 0)
        error = draft_put_text(d, "/etc/hostname", 0644, draft_printf(d, "%.*s\n", (int)host.len, (const char *)host.at));
    if (error == 0)
        error =
            draft_put_text(d, "/etc/resolv.conf", 0644, routed ? draft_printf(d, "nameserver %s\n", gateway) : span_text("nameserver 127.0.0.1\n"));
    if (error == 0)
        error = draft_put_text(d, "/etc/services", 0644, span_text(services));
    if (error == 0)
        error = draft_put_text(d, "/etc/protocols", 0644, span_text("ip\t0\tIP\nicmp\t1\tICMP\ntcp\t6\tTCP\nudp\t17\tUDP\n"));
    if (error == 0)
        error = draft_put_text(d, "/etc/inittab", 0644,
                               draft_printf(d,
                                            "::sysinit:/etc/init.d/rcS\n%.*s::respawn:/sbin/getty -L %.*s 115200 vt100\n::ctrlaltdel:/sbin/reboot\n"
                                            "::shutdown:/bin/umount -a -r\n",
                                            (int)console.len, (const char *)console.at, (int)console.len, (const char *)console.at));
    if (error == 0)
        error = draft_put_text(d, "/etc/profile", 0644, span_text("PATH=/sbin:/usr/sbin:/bin:/usr/bin\nexport PATH\numask 022\n"));
    if (error == 0)
        error = draft_put_link(d, "/etc/mtab", "/proc/mounts");
    if (error == 0)
        error = put_fstab(d);
    return error != 0 ? error : put_start_script(d);
}

/* ---- /dev ---- */

static int put_device(struct draft *d, const char *path, const char *what, uint16_t mode)
{
    return draft_put(d, draft_copy(d, span_text(path)), TREE_DEVICE, mode, draft_copy(d, span_text(what)), 0);
}

static int put_devices(struct draft *d)
{
    static const struct {
        const char *path, *what;
        uint16_t mode;
    } devices[] = {
        {"/dev/console", "c 5 1", 0600}, {"/dev/full", "c 1 7", 0666}, {"/dev/kmem", "c 1 2", 0640},  {"/dev/kmsg", "c 1 11", 0660},
        {"/dev/mem", "c 1 1", 0640},     {"/dev/null", "c 1 3", 0666}, {"/dev/ptmx", "c 5 2", 0666},  {"/dev/pts/0", "c 136 0", 0620},
        {"/dev/random", "c 1 8", 0666},  {"/dev/tty", "c 5 0", 0666},  {"/dev/ttyp0", "c 3 0", 0666}, {"/dev/urandom", "c 1 9", 0666},
        {"/dev/zero", "c 1 5", 0666},    {"/dev/ram0", "b 1 0", 0660}, {"/dev/loop0", "b 7 0", 0660},
    };
    int error = 0;
    for (size_t i = 0; error == 0 && i < sizeof devices / sizeof devices[0]; i++)
        error = put_device(d, devices[i].path, devices[i].what, devices[i].mode);
    bool amba = memmem(d->command_line.at, d->command_line.len, "ttyAMA0", 7) != NULL;
    if (error == 0)
        error = put_device(d, amba ? "/dev/ttyAMA0" : "/dev/ttyS0", amba ? "c 204 64" : "c 4 64", 0660);
    for (size_t i = 0; error == 0 && i < d->flash_count; i++) {
        char path[48], what[48];
        snprintf(path, sizeof path, "/dev/mtd%zu", i);
        snprintf(what, sizeof what, "c 90 %zu", i * 2);
        error = put_device(d, path, what, 0660);
        snprintf(path, sizeof path, "/dev/mtdblock%zu", i);
        snprintf(what, sizeof what, "b 31 %zu", i);
        if (error == 0)
            error = put_device(d, path, what, 0660);
    }
    return error;
}

static int put_folders(struct draft *d)
{
    static const char *const fixed[] = {"/bin", "/dev", "/etc", "/lib", "/mnt", "/sbin", "/usr", "/usr/bin", "/usr/sbin", "/usr/lib"};
    static const char *const changing[] = {"/tmp", "/var", "/var/run", "/var/log", "/var/tmp", "/var/lock"};
    int error = 0;
    for (size_t i = 0; error == 0 && i < sizeof fixed / sizeof fixed[0]; i++)
        error = draft_put_dir(d, fixed[i]);
    for (size_t i = 0; error == 0 && i < sizeof changing / sizeof changing[0]; i++)
        error = draft_put(d, span_text(changing[i]), TREE_DIRECTORY, strstr(changing[i], "tmp") != NULL ? 01777 : 0755, (struct span){0}, 0);
    if (error == 0 && d->p.login_home.len > 1)
        error = draft_put(d, d->p.login_home, TREE_DIRECTORY, 0700, (struct span){0}, d->installed);
    /* Daemons leave their number behind. */
    for (size_t i = 0; error == 0 && i < d->p.process_count; i++) {
        const struct profile_process *process = &d->p.processes[i];
        struct span rest = process->command, program = text_word(&rest);
        size_t slash = program.len;
        while (slash > 0 && program.at[slash - 1] != '/')
            slash--;
        program = span_part(program, slash, SIZE_MAX);
        if (process->executable.len == 0 || process->pid == 1 || process->pid == d->p.shell_pid || program.len == 0 ||
            program.at[program.len - 1] != 'd')
            continue;
        struct span path = draft_printf(d, "/var/run/%.*s.pid", (int)program.len, (const char *)program.at);
        error = draft_put(d, path, TREE_FILE, 0644, draft_printf(d, "%u\n", (unsigned)process->pid), 0);
    }
    return error;
}

int draft_system(struct draft *d)
{
    int error = put_folders(d);
    if (error == 0)
        error = put_applets(d);
    if (error == 0)
        error = put_libraries(d);
    if (error == 0)
        error = put_programs(d);
    if (error == 0)
        error = put_etc(d);
    return error != 0 ? error : put_devices(d);
}
