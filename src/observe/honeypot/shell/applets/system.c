/* The machine: uname, hostname, id, date, mount, df, dmesg, sysctl, modules, and commands that end the session or change nothing. */
#include "observe/honeypot/shell/applets/common.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* ---- who and what */

static int uname_run(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "amnrspvio", "all=a machine=m nodename=n kernel-release=r kernel-name=s kernel-version=v"))
        return o.status;
    const struct profile *p = run_profile(run);
    struct span machine = p->machine_text, name = file_text(run, "/proc/sys/kernel/hostname", 64);
    name = span_part(name, 0, span_find(name, '\n'));
    bool any = false;
    static const char letters[] = "snrvmpio";
    for (size_t i = 0; i < sizeof letters - 1; i++)
        any = any || option(&o, letters[i]);
    const struct span values[] = {span_text("Linux"),
                                  name.len > 0 ? name : p->hostname,
                                  p->kernel_release,
                                  p->kernel_version,
                                  machine,
                                  span_text("unknown"),
                                  span_text("unknown"),
                                  span_text("GNU/Linux")};
    bool first = true;
    for (size_t i = 0; i < sizeof letters - 1; i++) {
        /* -a leaves out what is unknown. */
        bool wanted = option(&o, letters[i]) || (option(&o, 'a') && (i < 5 || i == 7)) || (!any && !option(&o, 'a') && i == 0);
        if (!wanted)
            continue;
        run_printf(run, first ? "%.*s" : " %.*s", TEXT(values[i]));
        first = false;
    }
    run_text(run, "\n");
    return 0;
}

const struct applet applet_uname = {
    .name = "uname",
    .run = uname_run,
    .usage = "uname [-amnrspvio]\n\nPrint system information\n\n\t-a\tPrint all\n\t-m\tMachine (hardware) type\n\t-n\tHostname\n\t-r\tKernel "
             "release\n\t-s\tKernel name (default)\n\t-p\tProcessor type\n\t-v\tKernel version\n\t-i\tHardware platform\n\t-o\tOS name"};

static int arch(struct run *run)
{
    run_printf(run, "%.*s\n", TEXT(run_profile(run)->machine_text));
    return 0;
}

const struct applet applet_arch = {.name = "arch", .run = arch, .usage = "arch\n\nPrint system architecture"};

static int nproc(struct run *run)
{
    struct span rest = file_text(run, "/proc/cpuinfo", 16384), line;
    bool ended;
    unsigned count = 0;
    while (line_next(&rest, &line, &ended))
        count += span_starts(line, "processor") && span_find(line, ':') < line.len && field(line, 1, " \t:").len < 4;
    run_printf(run, "%u\n", count > 0 ? count : 1);
    return 0;
}

const struct applet applet_nproc = {.name = "nproc", .run = nproc, .usage = "nproc [--all] [--ignore=N]\n\nPrint number of available CPUs"};

static int hostname_run(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "disfF:", NULL))
        return o.status;
    const struct profile *p = run_profile(run);
    if (o.arg_count > 0 || option(&o, 'F'))
        return 0;
    if (option(&o, 'i')) {
        char text[ADDR_TEXT_SIZE] = "127.0.0.1";
        for (size_t i = 0; i < p->interface_count; i++)
            if (p->interfaces[i].bits > 0 && !span_is(p->interfaces[i].name, "lo")) {
                (void)addr_print(p->interfaces[i].address, text);
                break;
            }
        run_printf(run, "%s\n", text);
    } else if (option(&o, 'd') || span_is(name_of(run), "dnsdomainname")) {
        run_text(run, "\n");
    } else {
        run_printf(run, "%.*s\n", TEXT(p->hostname));
    }
    return 0;
}

const struct applet applet_hostname = {
    .name = "hostname", .run = hostname_run, .usage = "hostname [-sidf] [HOSTNAME | -F FILE]\n\nShow or set hostname or DNS domain name"};
const struct applet applet_dnsdomainname = {.name = "dnsdomainname", .run = hostname_run, .usage = "dnsdomainname\n\nPrint DNS domain name"};

static int hostid(struct run *run)
{
    run_text(run, "00000000\n");
    return 0;
}

const struct applet applet_hostid = {.name = "hostid", .run = hostid, .usage = "hostid\n\nPrint out a unique 32-bit identifier for the machine"};

static int id(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "urgnGZ", NULL))
        return o.status;
    struct span root = user_name(run, 0);
    if (o.arg_count > 0 && !span_equal(o.args[0], root) && !span_is(o.args[0], "root") && !span_is(o.args[0], "0")) {
        run_error(run, "id: unknown user %.*s\n", TEXT(o.args[0]));
        return 1;
    }
    if (option(&o, 'u') || option(&o, 'g') || option(&o, 'G')) {
        run_printf(run, option(&o, 'n') ? "%.*s\n" : "0\n", TEXT(option(&o, 'u') ? root : span_text("root")));
        return 0;
    }
    run_printf(run, "uid=0(%.*s) gid=0(root)%s\n", TEXT(root), busybox_minor(run) >= 17 && o.arg_count > 0 ? " groups=0(root)" : "");
    return 0;
}

static int whoami(struct run *run)
{
    run_printf(run, "%.*s\n", TEXT(user_name(run, 0)));
    return 0;
}

static int groups(struct run *run)
{
    run_text(run, "root\n");
    return 0;
}

const struct applet applet_id = {
    .name = "id",
    .run = id,
    .usage = "id [OPTIONS] [USER]\n\nPrint information about USER or the current user\n\n\t-u\tUser ID\n\t-g\tGroup ID\n\t-G\tSupplementary group "
             "IDs\n\t-n\tPrint names instead of numbers\n\t-r\tPrint real ID instead of effective ID"};
const struct applet applet_whoami = {
    .name = "whoami", .run = whoami, .usage = "whoami\n\nPrint the username associated with the current effective user id"};
const struct applet applet_logname = {.name = "logname", .run = whoami, .usage = "logname\n\nPrint the name of the current user"};
const struct applet applet_groups = {.name = "groups", .run = groups, .usage = "groups [USER]\n\nPrint the groups USER is in"};

static int pwd_run(struct run *run)
{
    run_printf(run, "%.*s\n", TEXT(run_cwd(run)));
    return 0;
}

const struct applet applet_pwd = {
    .name = "pwd", .where = APPLET_BOTH, .run = pwd_run, .usage = "pwd\n\nPrint the full filename of the current working directory"};

static int tty(struct run *run)
{
    bool silent = run->argc > 1 && span_is(run->argv[1], "-s");
    if (!silent)
        run_text(run, run->input_is_terminal ? "/dev/pts/0\n" : "not a tty\n");
    return run->input_is_terminal ? 0 : 1;
}

const struct applet applet_tty = {.name = "tty", .run = tty, .usage = "tty [-s]\n\nPrint file name of stdin's terminal"};

/* ---- time */

static void format_time(struct run *run, struct span format, const struct tm *tm)
{
    char text[512], pattern[256];
    size_t len = format.len < sizeof pattern - 1 ? format.len : sizeof pattern - 1;
    if (len > 0)
        memcpy(pattern, format.at, len);
    pattern[len] = '\0';
    /* strftime knows no conversion that writes more than it reads of the buffer; widths are glibc's and bounded by the buffer too. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    size_t out = strftime(text, sizeof text, pattern, tm);
#pragma GCC diagnostic pop
    run_out(run, span_of(text, out));
    run_text(run, "\n");
}

static int date(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "Rs:ud:r:I:D:", "rfc-822=R set=s utc=u date=d reference=r"))
        return o.status;
    usec_t now = now_of(run);
    struct span wanted = option(&o, 'd') ? option_value(&o, 'd') : (struct span){0};
    if (wanted.len > 0) {
        uint64_t seconds;
        if (wanted.at[0] == '@' && number_parse(span_part(wanted, 1, SIZE_MAX), &seconds) && seconds < (UINT64_C(1) << 40))
            now = (usec_t)seconds * USEC_PER_SEC;
        else if (usec_parse(wanted, 0, &now, NULL) < 0) {
            run_error(run, "date: invalid date '%.*s'\n", TEXT(wanted));
            return 1;
        }
    }
    if (option(&o, 'r')) {
        struct tree_stat stat;
        int error = tree_stat(run_tree(run), run_cwd(run), option_value(&o, 'r'), true, &stat);
        if (error < 0)
            return run_fail(run, option_value(&o, 'r'), error);
        now = stat.changed;
    }
    struct tm tm;
    time_split(now, &tm);
    struct span format = span_text(option(&o, 'R') ? "%a, %d %b %Y %H:%M:%S +0000" : "%a %b %e %H:%M:%S UTC %Y");
    for (size_t i = 0; i < o.arg_count; i++) {
        if (o.args[i].len > 0 && o.args[i].at[0] == '+') {
            format = span_part(o.args[i], 1, SIZE_MAX);
        } else {
            usec_t set;
            uint64_t digits;
            if (!number_parse(o.args[i], &digits) && usec_parse(o.args[i], 0, &set, NULL) < 0) {
                run_error(run, "date: invalid date '%.*s'\n", TEXT(o.args[i]));
                return 1;
            }
        }
    }
    format_time(run, format, &tm);
    return 0;
}

const struct applet applet_date = {.name = "date",
                                   .run = date,
                                   .usage = "date [OPTIONS] [+FMT] [TIME]\n\nDisplay time (using +FMT), or set time\n\n\t[-s] TIME\tSet time to "
                                            "TIME\n\t-u\t\tWork in UTC (don't convert to local time)\n\t-R\t\tOutput RFC-2822 compliant date "
                                            "string\n\t-r FILE\t\tDisplay last modification time of FILE\n\t-d TIME\t\tDisplay TIME, not 'now'"};

static int cal(struct run *run)
{
    static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                         "July",    "August",   "September", "October", "November", "December"};
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    struct tm tm;
    time_split(now_of(run), &tm);
    int year = tm.tm_year + 1900, days = lengths[tm.tm_mon % 12], first = (tm.tm_wday - (tm.tm_mday - 1) % 7 + 7) % 7;
    if (tm.tm_mon == 1 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
        days = 29;
    char title[32];
    int len = snprintf(title, sizeof title, "%s %d", months[tm.tm_mon % 12], year);
    run_printf(run, "%*s%s\nSu Mo Tu We Th Fr Sa\n%*s", (20 - len) / 2, "", title, first * 3, "");
    for (int day = 1; day <= days; day++)
        run_printf(run, (first + day) % 7 == 0 || day == days ? "%2d\n" : "%2d ", day);
    return 0;
}

const struct applet applet_cal = {.name = "cal", .run = cal, .usage = "cal [-jmy] [[MONTH] YEAR]\n\nDisplay a calendar"};

/* ---- file systems */

static struct span mounts_text(struct run *run)
{
    struct span text = file_text(run, "/proc/mounts", 8192);
    return text.len > 0 ? text : file_text(run, "/etc/mtab", 8192);
}

/* Whether something is mounted on the folder, or from the device. */
static bool is_mounted(struct run *run, struct span what)
{
    struct span rest = mounts_text(run), line;
    bool ended;
    while (line_next(&rest, &line, &ended))
        if (span_equal(field(line, 1, " "), what) || span_equal(field(line, 0, " "), what))
            return true;
    return false;
}

static int mount_list(struct run *run, const struct options *o)
{
    struct span rest = mounts_text(run), line;
    bool ended;
    if (rest.len == 0) {
        run_error(run, "mount: no /proc/mounts\n");
        return 1;
    }
    while (line_next(&rest, &line, &ended) && run_step(run, 0)) {
        struct span type = field(line, 2, " ");
        if (span_is(type, "rootfs") || (option(o, 't') && !span_equal(type, option_value(o, 't'))))
            continue;
        run_printf(run, "%.*s on %.*s type %.*s (%.*s)\n", TEXT(field(line, 0, " ")), TEXT(field(line, 1, " ")), TEXT(type),
                   TEXT(field(line, 3, " ")));
    }
    return 0;
}

static int mount_run(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "t:o:arwvnfisO:", "bind=b"))
        return o.status;
    if (o.arg_count == 0)
        return option(&o, 'a') ? 0 : mount_list(run, &o);
    struct span last = o.args[o.arg_count - 1], options = option_value(&o, 'o');
    bool remount = text_in(options, "remount") != NULL;
    if (o.arg_count == 1) {
        if (remount && is_mounted(run, last))
            return 0;
        run_error(run, "mount: can't find %.*s in %s\n", TEXT(last), remount ? "/proc/mounts" : "/etc/fstab");
        return 1;
    }
    struct tree_stat stat;
    int error = tree_stat(run_tree(run), run_cwd(run), last, true, &stat);
    struct span type = option_value(&o, 't');
    bool virtual_type = span_is(type, "tmpfs") || span_is(type, "ramfs") || span_is(type, "proc") || span_is(type, "sysfs") || span_is(type, "none");
    bool bind = text_in(options, "bind") != NULL;
    if (error == 0 && !virtual_type && !remount)
        error = tree_stat(run_tree(run), run_cwd(run), o.args[0], true, &stat);
    if (error == 0 && !virtual_type && !remount && !bind)
        error = stat.type == TREE_DEVICE ? -EINVAL : -ENOTBLK;
    if (error < 0)
        run_error(run, "mount: mounting %.*s on %.*s failed: %s\n", TEXT(o.args[0]), TEXT(last), errno_text(error));
    return error < 0 ? 255 : 0;
}

const struct applet applet_mount = {
    .name = "mount",
    .run = mount_run,
    .usage = "mount [OPTIONS] [-o OPT] DEVICE NODE\n\nMount a filesystem. Filesystem autodetection requires /proc.\n\n\t-a\tMount all filesystems in "
             "fstab\n\t-r\tRead-only mount\n\t-t FSTYPE\tFilesystem type\n\t-o OPT\tOptions"};

static int umount_run(struct run *run)
{
    struct options o;
    int status = 0;
    if (!options_parse(run, &o, "fldnrat:", NULL))
        return o.status;
    if (o.arg_count == 0)
        return option(&o, 'a') ? 0 : run_usage(run);
    for (size_t i = 0; i < o.arg_count && run_step(run, 1); i++) {
        struct tree_stat stat;
        int error = tree_stat(run_tree(run), run_cwd(run), o.args[i], true, &stat);
        if (error == 0)
            error = !is_mounted(run, stat.path) ? -EINVAL : option(&o, 'l') ? 0 : -EBUSY;
        if (error == 0)
            continue;
        run_error(run, "umount: can't unmount %.*s: %s\n", TEXT(o.args[i]), errno_text(error));
        status = 1;
    }
    return status;
}

const struct applet applet_umount = {
    .name = "umount", .run = umount_run, .usage = "umount [-rlfda] [-t FSTYPE] FILESYSTEM|DIRECTORY\n\nUnmount filesystems"};

/* Sizes are made up, but the same at every look: by device and mount point. */
static void df_line(struct run *run, const struct options *o, struct span line)
{
    struct span device = field(line, 0, " "), folder = field(line, 1, " "), type = field(line, 2, " ");
    uint32_t hash = path_number(run, folder);
    uint64_t total = span_is(type, "tmpfs") || span_is(type, "devtmpfs") || span_is(type, "ramfs")
                         ? (run_profile(run)->memory_kib > 0 ? run_profile(run)->memory_kib / 2 : 32768)
                         : 2048 + hash % 24 * 512;
    bool full = span_is(type, "squashfs") || span_is(type, "cramfs") || span_is(type, "romfs");
    uint64_t used = full ? total : span_is(type, "tmpfs") ? hash % 40 * 4 : total * (25 + hash % 60) / 100;
    if (option(o, 'h')) {
        char text[3][16];
        const uint64_t values[3] = {total, used, total - used};
        for (size_t i = 0; i < 3; i++)
            (void)snprintf(text[i], sizeof text[i],
                           values[i] >= 1024 ? "%.1fM"
                           : values[i] > 0   ? "%.1fK"
                                             : "0",
                           (double)values[i] / (values[i] >= 1024 ? 1024 : 1));
        run_printf(run, "%-22.*s %9s %9s %9s", TEXT(device), text[0], text[1], text[2]);
    } else {
        uint64_t unit = option(o, 'm') ? 1024 : 1;
        run_printf(run, "%-20.*s %9" PRIu64 " %9" PRIu64 " %9" PRIu64, TEXT(device), total / unit, used / unit, (total - used) / unit);
    }
    run_printf(run, " %3" PRIu64 "%% %.*s\n", total > 0 ? (used * 100 + total / 2) / total : 0, TEXT(folder));
}

static int df(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "PkmhTaiB:t:", NULL))
        return o.status;
    if (option(&o, 'h'))
        run_text(run, "Filesystem                Size      Used Available Use% Mounted on\n");
    else
        run_printf(run, "Filesystem           %s      Used Available Use%% Mounted on\n", option(&o, 'm') ? "1M-blocks" : "1K-blocks");
    struct span rest = mounts_text(run), line;
    bool ended;
    int status = 0;
    for (size_t i = 0; i < o.arg_count; i++) {
        struct tree_stat stat;
        if (tree_stat(run_tree(run), run_cwd(run), o.args[i], true, &stat) < 0) {
            run_error(run, "df: %.*s: can't find mount point\n", TEXT(o.args[i]));
            status = 1;
        }
    }
    while (line_next(&rest, &line, &ended) && run_step(run, 1)) {
        struct span type = field(line, 2, " ");
        bool virtual_type = span_is(type, "proc") || span_is(type, "sysfs") || span_is(type, "devpts") || span_is(type, "usbfs") ||
                            span_is(type, "rootfs") || span_is(type, "debugfs");
        if (!virtual_type && (o.arg_count == 0 || span_is(field(line, 1, " "), "/") || span_equal(field(line, 1, " "), o.args[0])))
            df_line(run, &o, line);
    }
    return status;
}

const struct applet applet_df = {.name = "df", .run = df, .usage = "df [-PkmhTai] [-B SIZE] [FILESYSTEM]...\n\nPrint filesystem usage statistics"};

/* ---- kernel */

static int dmesg(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "cs:n:r", NULL))
        return o.status;
    const struct profile *p = run_profile(run);
    if (option(&o, 'n'))
        return 0;
    struct span kept = file_text(run, "/var/log/dmesg", 65536);
    if (kept.len > 0) {
        (void)out_paid(run, kept);
        return 0;
    }
    bool stamps = p->kernel_release.len > 3 && !span_starts(p->kernel_release, "2.4") && seed_of(run, "printk") % 4 != 0;
    struct span cpu = file_text(run, "/proc/cpuinfo", 2048), command = file_text(run, "/proc/cmdline", 512);
    const char *stamp = stamps ? "[    0.000000] " : "";
    run_printf(run, "%sLinux version %.*s (build@buildhost) (gcc version 4.4.1) %.*s\n", stamp, TEXT(p->kernel_release), TEXT(p->kernel_version));
    struct span line = {0};
    bool ended;
    struct span rest = cpu;
    (void)line_next(&rest, &line, &ended);
    struct span value = span_part(line, span_find(line, ':') + 2, SIZE_MAX);
    if (value.len > 3)
        run_printf(run, "%sCPU: %.*s\n", stamp, TEXT(value));
    if (command.len > 1)
        run_printf(run, "%sKernel command line: %.*s\n", stamp, TEXT(span_part(command, 0, span_find(command, '\n'))));
    run_printf(run, "%sMemory: %uk available\n", stamp, p->memory_kib);
    for (size_t i = 0; i < p->interface_count; i++)
        if (!span_is(p->interfaces[i].name, "lo"))
            run_printf(run, "%s%.*s: link up, 100Mbps, full-duplex\n", stamps ? "[    6.231840] " : "", TEXT(p->interfaces[i].name));
    return 0;
}

const struct applet applet_dmesg = {
    .name = "dmesg", .run = dmesg, .usage = "dmesg [-c] [-n LEVEL] [-s SIZE]\n\nPrint or control the kernel ring buffer"};

static int lsmod(struct run *run)
{
    struct span rest = file_text(run, "/proc/modules", 16384), line;
    bool ended;
    struct tree_stat stat;
    if (tree_stat(run_tree(run), span_text("/"), span_text("/proc/modules"), true, &stat) < 0) {
        run_error(run, "lsmod: can't open '/proc/modules': No such file or directory\n");
        return 1;
    }
    run_text(run, "Module                  Size  Used by    Not tainted\n");
    while (line_next(&rest, &line, &ended) && run_step(run, 0)) {
        struct span users = field(line, 3, " ");
        run_printf(run, "%-19.*s %8.*s  %.*s %.*s\n", TEXT(field(line, 0, " ")), TEXT(field(line, 1, " ")), TEXT(field(line, 2, " ")),
                   TEXT(span_is(users, "-") ? span_of(NULL, 0) : users));
    }
    return 0;
}

const struct applet applet_lsmod = {.name = "lsmod", .run = lsmod, .usage = "lsmod\n\nList loaded kernel modules"};

static int insmod(struct run *run)
{
    if (run->argc < 2)
        return run_usage(run);
    struct tree_stat stat;
    int error = tree_stat(run_tree(run), run_cwd(run), run->argv[1], true, &stat);
    error = error < 0 ? error : -ENOEXEC;
    run_error(run,
              error == -ENOEXEC ? "insmod: can't insert '%.*s': invalid module format\n" : "insmod: can't insert '%.*s': No such file or directory\n",
              TEXT(run->argv[1]));
    return 1;
}

static int rmmod(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "wfaqrD", NULL))
        return o.status;
    bool probe = span_is(name_of(run), "modprobe");
    if (o.arg_count == 0)
        return option(&o, 'a') ? 0 : run_usage(run);
    if (probe && !option(&o, 'r')) {
        run_error(run, "modprobe: module %.*s not found in modules.dep\n", TEXT(o.args[0]));
        return 1;
    }
    run_error(run, "%.*s: can't unload '%.*s': No such file or directory\n", TEXT(name_of(run)), TEXT(o.args[0]));
    return 1;
}

const struct applet applet_insmod = {.name = "insmod", .run = insmod, .usage = "insmod FILE [SYMBOL=VALUE]...\n\nLoad kernel module"};
const struct applet applet_rmmod = {.name = "rmmod", .run = rmmod, .usage = "rmmod [-wfa] [MODULE]...\n\nUnload kernel modules"};
const struct applet applet_modprobe = {
    .name = "modprobe", .run = rmmod, .usage = "modprobe [-rq] MODULE [SYMBOL=VALUE]...\n\nLoad or remove modules"};

static int sysctl(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "neqawp", NULL))
        return o.status;
    int status = 0;
    if (o.arg_count == 0 && !option(&o, 'a') && !option(&o, 'p'))
        return run_usage(run);
    for (size_t i = 0; i < o.arg_count && run_step(run, 1); i++) {
        size_t equal = span_find(o.args[i], '=');
        char path[TREE_PATH_MAX];
        struct span key = span_part(o.args[i], 0, equal < 200 ? equal : 200);
        int len = snprintf(path, sizeof path, "/proc/sys/%.*s", TEXT(key));
        for (int k = 10; k < len; k++)
            if (path[k] == '.')
                path[k] = '/';
        struct tree_stat stat;
        if (tree_stat(run_tree(run), span_text("/"), span_text(path), true, &stat) < 0) {
            if (!option(&o, 'e'))
                run_error(run, "sysctl: error: '%s' is an unknown key\n", path + 10);
            status = option(&o, 'e') ? status : 1;
            continue;
        }
        struct span value = equal < o.args[i].len ? span_part(o.args[i], equal + 1, SIZE_MAX) : file_text(run, path, 1024);
        value = span_part(value, 0, span_find(value, '\n'));
        if (option(&o, 'n'))
            run_printf(run, "%.*s\n", TEXT(value));
        else if (!option(&o, 'q'))
            run_printf(run, "%.*s = %.*s\n", TEXT(key), TEXT(value));
    }
    return status;
}

const struct applet applet_sysctl = {
    .name = "sysctl", .run = sysctl, .usage = "sysctl [-enq] { -a | -p [FILE]... | [-w] [KEY[=VALUE]]... }\n\nShow/set kernel parameters"};

/* ---- the end */

static int halt(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "d:nfwi", NULL))
        return o.status;
    if (!span_is(name_of(run), "init") || o.arg_count > 0) {
        /* The connection dies with the device, however many shells are open. */
        run_sleep(run, USEC_PER_SEC);
        run_exit(run, 0);
        run_host(run)->end(run_host(run)->user, REASON_LOGOUT);
    }
    return 0;
}

const struct applet applet_halt = {.name = "halt", .run = halt, .usage = "halt [-d DELAY] [-nf]\n\nHalt the system"};
const struct applet applet_poweroff = {.name = "poweroff", .run = halt, .usage = "poweroff [-d DELAY] [-nf]\n\nHalt and shut off power"};
const struct applet applet_reboot = {.name = "reboot", .run = halt, .usage = "reboot [-d DELAY] [-nf]\n\nReboot the system"};

static int init(struct run *run)
{
    run_error(run, "init: must be run as PID 1\n");
    return 1;
}

const struct applet applet_init = {.name = "init", .run = init, .usage = "init\n\nInit is the first process started during boot. It never exits."};
