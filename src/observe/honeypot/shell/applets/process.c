/* Processes: ps, top, kill, killall, pidof, pgrep, pkill, free, uptime, w, who. The list is the profile's and the command that asks. */
#include "observe/honeypot/shell/applets/common.h"
#include "observe/honeypot/shell/applets/pattern.h"

#include <stdio.h>
#include <time.h>

/* The process id of the command that runs: a little above the last one, other from time to time. */
static uint32_t own_pid(struct run *run)
{
    const struct profile *p = run_profile(run);
    uint32_t last = p->process_count > 0 ? p->processes[p->process_count - 1].pid : 400;
    last = last > p->shell_pid ? last : p->shell_pid;
    return last + 1 + (uint32_t)(now_of(run) / USEC_PER_SEC % 997);
}

static struct span own_command(struct run *run)
{
    struct span text = {0};
    for (size_t i = 0; i < run->argc && text.len < 256; i++) {
        if (i == 0) {
            text = scratch_copy(run, path_base(run->argv[0]));
            continue;
        }
        char *joined = arena_alloc(run_scratch(run), text.len + run->argv[i].len + 2);
        if (joined == NULL)
            break;
        memcpy(joined, text.at, text.len);
        joined[text.len] = ' ';
        if (run->argv[i].len > 0)
            memcpy(joined + text.len + 1, run->argv[i].at, run->argv[i].len);
        text = span_of(joined, text.len + 1 + run->argv[i].len);
    }
    return text;
}

/* The n-th process, the asking one last; false behind it. */
static bool process_at(struct run *run, size_t n, struct profile_process *ret)
{
    const struct profile *p = run_profile(run);
    if (n < p->process_count) {
        *ret = p->processes[n];
        return true;
    }
    if (n > p->process_count)
        return false;
    uint32_t size = 0;
    for (size_t i = 0; i < p->process_count; i++)
        if (p->processes[i].pid == p->shell_pid)
            size = p->processes[i].size_kib;
    *ret = (struct profile_process){.pid = own_pid(run),
                                    .parent = p->shell_pid,
                                    .size_kib = size > 0 ? size : 1472,
                                    .user = span_text("root"),
                                    .state = span_text("R"),
                                    .command = own_command(run)};
    return true;
}

/* The name a process is known by: the last part of its program's path. */
static struct span process_name(const struct profile_process *p)
{
    struct span word = field(p->command, 0, " ");
    if (word.len > 2 && (word.at[0] == '[' || word.at[0] == '{'))
        word = span_part(word, 1, word.len - 2);
    if (word.len > 1 && word.at[0] == '-')
        word = span_part(word, 1, SIZE_MAX);
    size_t colon = span_find(word, ':');
    return path_base(span_part(word, 0, colon > 0 ? colon : word.len));
}

static void print_size(char text[static 12], uint32_t kib)
{
    if (kib < 100000)
        (void)snprintf(text, 12, "%5u", kib);
    else
        (void)snprintf(text, 12, "%4um", kib / 1024);
}

static void ps_columns(struct run *run, struct span list)
{
    struct profile_process p;
    static const char *const heads[] = {"pid",  "PID  ",    "ppid", "PPID ", "user", "USER    ", "comm", "COMMAND         ",
                                        "args", "COMMAND",  "vsz",  "VSZ ",  "stat", "STAT",     "time", "TIME ",
                                        "tty",  "TT      ", "rss",  "RSS ",  NULL};
    for (size_t n = 0; n == 0 || process_at(run, n - 1, &p); n++) {
        struct span rest = list;
        while (rest.len > 0 && run_step(run, 0)) {
            struct span column = span_part(rest, 0, span_find(rest, ','));
            rest = span_part(rest, column.len + 1, SIZE_MAX);
            const char *gap = rest.len > 0 ? " " : "";
            size_t i = 0;
            while (heads[i] != NULL && !span_is(column, heads[i]))
                i += 2;
            if (n == 0)
                run_printf(run, "%s%s", heads[i] != NULL ? heads[i + 1] : "", gap);
            else if (i == 0 || i == 2)
                run_printf(run, "%5u%s", i == 0 ? p.pid : p.parent, gap);
            else if (i == 4)
                run_printf(run, "%-8.*s%s", TEXT(p.user), gap);
            else if (i == 6)
                run_printf(run, "%-16.*s%s", TEXT(process_name(&p)), gap);
            else if (i == 8)
                run_printf(run, "%.*s%s", TEXT(p.command), gap);
            else if (i == 10 || i == 18)
                run_printf(run, "%4u%s", p.size_kib, gap);
            else if (i == 12)
                run_printf(run, "%-4.*s%s", TEXT(p.state), gap);
            else
                run_printf(run, "%s%s", i == 14 ? " 0:00" : i == 16 ? "?       " : "", gap);
        }
        run_text(run, "\n");
    }
}

static int ps(struct run *run)
{
    struct profile_process p;
    /* What is no option of this ps is ignored, as builds without "desktop" do. */
    for (size_t i = 1; i + 1 < run->argc; i++)
        if (span_is(run->argv[i], "-o")) {
            ps_columns(run, run->argv[i + 1]);
            return 0;
        }
    bool old = busybox_minor(run) < 5;
    run_text(run, old ? "  PID  Uid     VmSize Stat Command\n" : "  PID USER       VSZ STAT COMMAND\n");
    bool wide = !run->output_is_terminal;
    for (size_t i = 1; i < run->argc; i++)
        wide = wide || span_find(run->argv[i], 'w') < run->argv[i].len;
    for (size_t i = 0; process_at(run, i, &p) && run_step(run, i % 8 == 7); i++) {
        char size[12], line[80];
        print_size(size, p.size_kib);
        int len;
        if (old && p.size_kib == 0)
            len = snprintf(line, sizeof line, "%5u %-8.*s        %-3.*s ", p.pid, TEXT(p.user), TEXT(p.state));
        else if (old)
            len = snprintf(line, sizeof line, "%5u %-8.*s  %5u %-3.*s ", p.pid, TEXT(p.user), p.size_kib, TEXT(p.state));
        else
            len = snprintf(line, sizeof line, "%5u %-8.8s %s %-4.*s ", p.pid, "", size, TEXT(p.state));
        if (!old) {
            /* The name in its place: %-8.8s needs a string that ends. */
            for (size_t k = 0; k < 8 && k < p.user.len; k++)
                line[6 + k] = (char)p.user.at[k];
        }
        run_out(run, span_of(line, (size_t)len));
        run_out(run, wide ? p.command : span_part(p.command, 0, 79 - (size_t)len));
        run_text(run, "\n");
    }
    return 0;
}

const struct applet applet_ps = {.name = "ps", .run = ps, .usage = "ps [-o COL1,COL2=HEADER] [-T]\n\nShow list of processes"};

/* ---- memory and time */

struct memory {
    uint64_t total, free, shared, buffers, cached, available;
};

static uint64_t meminfo(struct span text, const char *name)
{
    const uint8_t *at = text_in(text, name);
    uint64_t value = 0;
    if (text.len > 0 && at != NULL)
        (void)number_parse(field(span_part(text, (size_t)(at - text.at) + strlen(name), 64), 0, " \t:"), &value);
    return value;
}

static struct memory memory_of(struct run *run)
{
    struct span text = file_text(run, "/proc/meminfo", 4096);
    struct memory m = {.total = meminfo(text, "MemTotal:"),
                       .free = meminfo(text, "MemFree:"),
                       .shared = meminfo(text, "Shmem:"),
                       .buffers = meminfo(text, "Buffers:"),
                       .cached = meminfo(text, "\nCached:"),
                       .available = meminfo(text, "MemAvailable:")};
    if (m.total == 0) {
        m.total = run_profile(run)->memory_kib > 0 ? run_profile(run)->memory_kib : 65536;
        m.free = m.total / 3;
        m.buffers = m.total / 40;
        m.cached = m.total / 5;
    }
    if (m.free > m.total)
        m.free = m.total / 4;
    if (m.available == 0)
        m.available = m.free + m.buffers + m.cached / 2;
    return m;
}

static int free_run(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "bkmgh", NULL))
        return o.status;
    struct memory m = memory_of(run);
    uint64_t up = option(&o, 'b') ? 1024 : 1, down = option(&o, 'm') ? 1024 : option(&o, 'g') ? 1024 * 1024 : 1;
#define UNITS(kib) (unsigned long long)((kib)*up / down)
    uint64_t used = m.total - m.free;
    if (busybox_minor(run) >= 24) {
        uint64_t cache = m.buffers + m.cached;
        run_text(run, "              total        used        free      shared  buff/cache   available\n");
        run_printf(run, "Mem:    %11llu %11llu %11llu %11llu %11llu %11llu\n", UNITS(m.total), UNITS(used > cache ? used - cache : 0), UNITS(m.free),
                   UNITS(m.shared), UNITS(cache), UNITS(m.available));
        run_printf(run, "Swap:   %11llu %11llu %11llu\n", 0ULL, 0ULL, 0ULL);
        return 0;
    }
    uint64_t lent = m.buffers + (busybox_minor(run) >= 20 ? m.cached : 0);
    run_text(run, "             total         used         free       shared      buffers\n");
    run_printf(run, "Mem:    %10llu   %10llu   %10llu   %10llu   %10llu\n", UNITS(m.total), UNITS(used), UNITS(m.free), UNITS(m.shared),
               UNITS(m.buffers));
    if (busybox_minor(run) >= 14)
        run_printf(run, "-/+ buffers:         %10llu   %10llu\n", UNITS(used > lent ? used - lent : 0), UNITS(m.free + lent));
    run_printf(run, "Swap:   %10llu   %10llu   %10llu\n", 0ULL, 0ULL, 0ULL);
#undef UNITS
    return 0;
}

const struct applet applet_free = {.name = "free", .run = free_run, .usage = "free [-bkmgh]\n\nDisplay free and used memory"};

/* "0.08 0.03 0.05" of /proc/loadavg, or something as idle. */
static void load_of(struct run *run, char text[static 32], const char *gap)
{
    struct span line = file_text(run, "/proc/loadavg", 64), words[3];
    for (size_t i = 0; i < 3; i++)
        words[i] = field(line, i, " \n");
    uint32_t seed = seed_of(run, "load");
    if (words[2].len > 0 && words[0].len < 8 && words[1].len < 8 && words[2].len < 8)
        (void)snprintf(text, 32, "%.*s%s%.*s%s%.*s", TEXT(words[0]), gap, TEXT(words[1]), gap, TEXT(words[2]));
    else
        (void)snprintf(text, 32, "0.%02u%s0.%02u%s0.%02u", seed % 40, gap, seed / 40 % 20, gap, seed / 800 % 10);
}

static void print_uptime(struct run *run, const char *first)
{
    struct tm tm;
    time_split(now_of(run), &tm);
    uint64_t minutes = (uint64_t)(uptime_of(run) / USEC_PER_SEC) / 60, days = minutes / 1440, hours = minutes / 60 % 24;
    char load[32];
    load_of(run, load, ", ");
    run_printf(run, "%s%02d:%02d:%02d up ", first, tm.tm_hour, tm.tm_min, tm.tm_sec);
    if (days > 0)
        run_printf(run, "%llu day%s, ", (unsigned long long)days, days > 1 ? "s" : "");
    if (hours > 0)
        run_printf(run, "%2llu:%02llu", (unsigned long long)hours, (unsigned long long)(minutes % 60));
    else
        run_printf(run, "%llu min", (unsigned long long)(minutes % 60));
    run_printf(run, ",%s load average: %s\n", busybox_minor(run) >= 20 ? "  0 users, " : " ", load);
}

static int uptime(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "", NULL))
        return o.status;
    print_uptime(run, " ");
    return 0;
}

const struct applet applet_uptime = {.name = "uptime", .run = uptime, .usage = "uptime\n\nDisplay the time since the last boot"};

static int w_run(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "aH", NULL))
        return o.status;
    run_text(run, span_is(name_of(run), "w") ? "USER\t\tTTY\t\tIDLE\tTIME\t\t HOST\n" : "");
    return 0;
}

const struct applet applet_w = {.name = "w", .run = w_run, .usage = "w\n\nShow who is logged on"};
const struct applet applet_who = {.name = "who", .run = w_run, .usage = "who [-aH]\n\nShow who is logged on"};
const struct applet applet_users = {.name = "users", .run = w_run, .usage = "users\n\nPrint the users currently logged on"};

static int top(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "bmn:d:H", NULL))
        return o.status;
    struct memory m = memory_of(run);
    struct profile_process p;
    char load[32];
    load_of(run, load, " ");
    if (run->output_is_terminal && !option(&o, 'b'))
        run_text(run, "\033[H\033[J");
    run_printf(run, "Mem: %lluK used, %lluK free, %lluK shrd, %lluK buff, %lluK cached\n", (unsigned long long)(m.total - m.free),
               (unsigned long long)m.free, (unsigned long long)m.shared, (unsigned long long)m.buffers, (unsigned long long)m.cached);
    run_text(run, "CPU:   0% usr   2% sys   0% nic  97% idle   0% io   0% irq   0% sirq\n");
    run_printf(run, "Load average: %s 1/%zu %u\n", load, run_profile(run)->process_count + 1, own_pid(run));
    run_text(run, run->output_is_terminal && !option(&o, 'b') ? "\033[7m  PID  PPID USER     STAT   VSZ %VSZ CPU %CPU COMMAND\033[0m\n"
                                                              : "  PID  PPID USER     STAT   VSZ %VSZ CPU %CPU COMMAND\n");
    size_t rows = run->output_is_terminal && !option(&o, 'b') ? 19 : SIZE_MAX;
    for (size_t i = 0; i < rows && process_at(run, i, &p) && run_step(run, i % 8 == 7); i++) {
        char size[12];
        print_size(size, p.size_kib);
        run_printf(run, "%5u %5u %-8.*s %-4.*s %s %3llu%%   0   0%% %.*s\n", p.pid, p.parent, TEXT(span_part(p.user, 0, 8)), TEXT(p.state), size,
                   (unsigned long long)(p.size_kib * 100ULL / (m.total > 0 ? m.total : 1)), TEXT(span_part(p.command, 0, 40)));
    }
    return 0;
}

const struct applet applet_top = {
    .name = "top", .run = top, .usage = "top [-b] [-n COUNT] [-d SECONDS]\n\nProvide a view of process activity in real time"};

/* ---- signals */

static const char *const signals[] = {"EXIT", "HUP",  "INT",  "QUIT", "ILL",    "TRAP",   "ABRT",  "BUS",  "FPE",  "KILL", "USR1",
                                      "SEGV", "USR2", "PIPE", "ALRM", "TERM",   "STKFLT", "CHLD",  "CONT", "STOP", "TSTP", "TTIN",
                                      "TTOU", "URG",  "XCPU", "XFSZ", "VTALRM", "PROF",   "WINCH", "POLL", "PWR",  "SYS"};

static int signal_number(struct span text)
{
    uint64_t number;
    if (number_parse(text, &number))
        return number < 65 ? (int)number : -1;
    if (text.len > 3 && (span_starts(text, "SIG") || span_starts(text, "sig")))
        text = span_part(text, 3, SIZE_MAX);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        if (text.len == strlen(signals[i]) && strncasecmp(signals[i], (const char *)text.at, text.len) == 0)
            return (int)i;
    return -1;
}

/* The option of a signal, "-9", "-KILL", "-s KILL", "-q": moves *at. False: the status to end with. */
static bool read_signal(struct run *run, size_t *at, int *ret_signal, bool *ret_quiet, int *ret_status)
{
    *ret_signal = 15;
    for (; *at < run->argc; ++*at) {
        struct span word = run->argv[*at];
        if (word.len < 2 || word.at[0] != '-')
            return true;
        struct span name = span_part(word, 1, SIZE_MAX);
        if (span_is(name, "q")) {
            *ret_quiet = true;
            continue;
        }
        if (span_is(name, "-")) {
            ++*at;
            return true;
        }
        if (span_is(name, "s") && *at + 1 < run->argc)
            name = run->argv[++*at];
        *ret_signal = signal_number(name);
        if (*ret_signal < 0) {
            run_error(run, "%.*s: bad signal name '%.*s'\n", TEXT(name_of(run)), TEXT(name));
            *ret_status = 1;
            return false;
        }
    }
    return true;
}

static void list_signals(struct run *run, size_t at)
{
    if (at >= run->argc) {
        for (size_t i = 1; i < sizeof signals / sizeof signals[0]; i++)
            run_printf(run, "%2zu) %s\n", i, signals[i]);
        return;
    }
    for (; at < run->argc; at++) {
        int number = signal_number(run->argv[at]);
        uint64_t given;
        if (number_parse(run->argv[at], &given) && number >= 0 && number < 32)
            run_printf(run, "%s\n", signals[number]);
        else if (number >= 0)
            run_printf(run, "%d\n", number);
    }
}

/* What kill and killall begin with. False: the status to end with. */
static bool signal_and_whom(struct run *run, size_t *at, int *ret_signal, bool *ret_quiet, int *ret_status)
{
    if (run->argc > 1 && span_is(run->argv[1], "-l")) {
        list_signals(run, 2);
        *ret_status = 0;
        return false;
    }
    if (!read_signal(run, at, ret_signal, ret_quiet, ret_status))
        return false;
    if (*at < run->argc)
        return true;
    run_error(run, "%.*s: you need to specify whom to kill\n", TEXT(name_of(run)));
    *ret_status = 1;
    return false;
}

static bool process_exists(struct run *run, uint64_t pid)
{
    struct profile_process p;
    for (size_t i = 0; process_at(run, i, &p); i++)
        if (p.pid == pid)
            return true;
    return false;
}

static int kill_run(struct run *run)
{
    size_t at = 1;
    int signal = 15, status = 0;
    bool quiet = false;
    if (!signal_and_whom(run, &at, &signal, &quiet, &status))
        return status;
    for (; at < run->argc && run_step(run, 1); at++) {
        int64_t pid = 0;
        struct span text = run->argv[at];
        if (text.len > 0 && text.at[0] == '%') {
            run_error(run, "%.*s: %.*s: no such job\n", TEXT(name_of(run)), TEXT(text));
            status = 1;
        } else if (!number_signed(text, &pid)) {
            status = number_fail(run, text);
        } else if (pid > 0 && (uint64_t)pid == run_profile(run)->shell_pid && signal == 9) {
            run_exit(run, 137);
        } else if (pid > 0 && !process_exists(run, (uint64_t)pid)) {
            run_error(run, "%.*s: can't kill pid %lld: No such process\n", TEXT(name_of(run)), (long long)pid);
            status = 1;
        }
    }
    return status;
}

const struct applet applet_kill = {
    .name = "kill",
    .where = APPLET_BOTH,
    .run = kill_run,
    .usage = "kill [-l] [-SIG] PID...\n\nSend a signal (default: TERM) to given PIDs\n\n\t-l\tList all signal names and numbers"};

static size_t count_named(struct run *run, struct span name)
{
    struct profile_process p;
    size_t count = 0;
    for (size_t i = 0; process_at(run, i, &p); i++)
        count += p.size_kib > 0 && p.pid != own_pid(run) && span_equal(process_name(&p), path_base(name));
    return count;
}

static int killall(struct run *run)
{
    size_t at = 1;
    int signal, status = 0;
    bool quiet = false;
    if (!signal_and_whom(run, &at, &signal, &quiet, &status))
        return status;
    for (; at < run->argc && run_step(run, 1); at++) {
        if (count_named(run, run->argv[at]) > 0)
            continue;
        if (!quiet)
            run_error(run, "killall: %.*s: no process killed\n", TEXT(run->argv[at]));
        status += status < 255;
    }
    return status;
}

const struct applet applet_killall = {
    .name = "killall", .run = killall, .usage = "killall [-lq] [-SIG] PROCESS_NAME...\n\nSend a signal (default: TERM) to given processes"};

static int pidof(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "so:", NULL))
        return o.status;
    struct profile_process p;
    size_t found = 0, total = run_profile(run)->process_count;
    for (size_t k = 0; k < o.arg_count && run_step(run, 1); k++)
        for (size_t i = total; i > 0; i--) {
            (void)process_at(run, i - 1, &p);
            if (!span_equal(process_name(&p), path_base(o.args[k])) || p.size_kib == 0 || (option(&o, 's') && found > 0))
                continue;
            run_printf(run, found > 0 ? " %u" : "%u", p.pid);
            found++;
        }
    if (found > 0)
        run_text(run, "\n");
    return found > 0 ? 0 : 1;
}

const struct applet applet_pidof = {
    .name = "pidof", .run = pidof, .usage = "pidof [OPTIONS] [NAME]...\n\nList PIDs of all processes with names that match NAMEs"};

static int pgrep(struct run *run)
{
    struct options o;
    bool kills = span_is(name_of(run), "pkill");
    /* pkill's signal is an option of its own: it is taken out. */
    struct span *argv = arena_alloc(run_scratch(run), (run->argc + 1) * sizeof *argv);
    size_t argc = 0;
    if (argv == NULL)
        return 1;
    for (size_t i = 0; i < run->argc; i++) {
        struct span word = run->argv[i];
        bool signal = kills && i > 0 && word.len > 1 && word.at[0] == '-' && signal_number(span_part(word, 1, SIZE_MAX)) >= 0;
        if (!signal)
            argv[argc++] = word;
    }
    run->argv = argv;
    run->argc = argc;
    if (!options_parse(run, &o, "vlafonxs:P:u:t:", NULL))
        return o.status;
    if (o.arg_count != 1)
        return run_usage(run);
    struct pattern *pattern;
    const char *message;
    if (pattern_new(&pattern, o.args[0], PATTERN_EXTENDED, &message) < 0) {
        run_error(run, "%.*s: bad regex '%.*s': %s\n", TEXT(name_of(run)), TEXT(o.args[0]), message);
        return 1;
    }
    struct profile_process p;
    struct span groups[PATTERN_GROUPS];
    size_t found = 0;
    for (size_t i = 0; i < run_profile(run)->process_count && process_at(run, i, &p); i++) {
        struct span name = option(&o, 'f') ? p.command : process_name(&p);
        bool hit = pattern_find(run, pattern, name, 0, groups) && (!option(&o, 'x') || groups[0].len == name.len);
        if (hit == option(&o, 'v'))
            continue;
        found++;
        if (!kills && option(&o, 'l'))
            run_printf(run, "%u %.*s\n", p.pid, TEXT(name));
        else if (!kills)
            run_printf(run, "%u\n", p.pid);
    }
    pattern_free(pattern);
    return found > 0 ? 0 : 1;
}

const struct applet applet_pgrep = {
    .name = "pgrep", .run = pgrep, .usage = "pgrep [-flanovx] [-s SID|-P PPID|PATTERN]\n\nDisplay process(es) selected by regex PATTERN"};
const struct applet applet_pkill = {
    .name = "pkill",
    .run = pgrep,
    .usage = "pkill [-l|-SIGNAL] [-xfvnoe] [-s SID|-P PPID|PATTERN]\n\nSend signal to processes selected by regex PATTERN"};

static int pstree(struct run *run)
{
    struct profile_process p;
    bool first = true;
    for (size_t i = 0; i < run_profile(run)->process_count && process_at(run, i, &p) && run_step(run, i % 8 == 7); i++) {
        if (p.size_kib == 0 || p.pid == 1)
            continue;
        run_printf(run, "%s%.*s\n", first ? "init-+-" : "     |-", TEXT(process_name(&p)));
        first = false;
    }
    return 0;
}

const struct applet applet_pstree = {.name = "pstree", .run = pstree, .usage = "pstree [-p] [PID|USER]\n\nDisplay process tree"};
