/* The profiles that are shipped: each agrees with itself, and no two look alike. */
#include "devices.h"

#include "base/cursor.h"

/* Names the profile a check failed for. */
#define check(p, condition)                                                        \
    do {                                                                           \
        if (!(condition)) {                                                        \
            print_error("%.*s: ", (int)(p)->name.len, (const char *)(p)->name.at); \
            fail_msg("%s", #condition);                                            \
        }                                                                          \
    } while (0)

static struct span content(const struct profile *p, const char *path)
{
    const struct profile_node *node = profile_node(p, span_text(path));
    check(p, node != NULL);
    return node->content;
}

static bool holds(struct span text, struct span part)
{
    return part.len == 0 || memmem(text.at, text.len, part.at, part.len) != NULL;
}

static bool holds_text(struct span text, const char *part)
{
    return holds(text, span_text(part));
}

static bool ends(struct span text, const char *end)
{
    size_t len = strlen(end);
    return text.len >= len && memcmp(text.at + text.len - len, end, len) == 0;
}

static struct span word(struct span *rest)
{
    while (rest->len > 0 && rest->at[0] == ' ')
        *rest = span_part(*rest, 1, SIZE_MAX);
    size_t len = span_find(*rest, ' ');
    struct span found = span_part(*rest, 0, len);
    *rest = span_part(*rest, len, SIZE_MAX);
    return found;
}

static struct span line(struct span *rest)
{
    size_t len = span_find(*rest, '\n');
    struct span found = span_part(*rest, 0, len);
    *rest = span_part(*rest, len + 1, SIZE_MAX);
    return found;
}

static void there_are_many_kinds(void **state)
{
    (void)state;
    bool machines[MACHINE_COUNT] = {false};
    size_t kinds = 0, orders = 0, without_transfer = 0;
    for (size_t i = 0; i < profiles_count(all); i++) {
        const struct profile *p = profiles_at(all, i);
        bool known = false;
        for (size_t k = 0; k < i; k++)
            known = known || span_equal(profiles_at(all, k)->telnet_options, p->telnet_options);
        orders += known ? 0 : 1;
        kinds += machines[p->machine] ? 0 : 1;
        machines[p->machine] = true;
        without_transfer += !profile_has_applet(p, span_text("wget")) && !profile_has_applet(p, span_text("tftp")) ? 1 : 0;
    }
    print_message("%zu profiles, %zu machines, %zu option orders, %zu without wget and tftp, image of %zu bytes\n", profiles_count(all), kinds,
                  orders, without_transfer, image.len);
    assert_true(profiles_count(all) >= 52);
    assert_true(kinds >= 9);
    assert_true(orders >= 12);
    assert_true(without_transfer >= 15);
    assert_true(image.len < 3 * 1024 * 1024);
    const enum machine needed[] = {MACHINE_ARM, MACHINE_MIPS, MACHINE_MIPSEL, MACHINE_PPC, MACHINE_SPARC, MACHINE_SH4, MACHINE_MIPS64, MACHINE_X86};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        assert_true(machines[needed[i]]);
}

/* What `ps` shows, as one text. */
static void process_text(const struct profile *p, struct buf *out)
{
    for (size_t i = 0; i < p->process_count; i++)
        buf_printf(out, "%u %.*s %u %.*s\n", (unsigned)p->processes[i].pid, (int)p->processes[i].user.len, (const char *)p->processes[i].user.at,
                   (unsigned)p->processes[i].size_kib, (int)p->processes[i].command.len, (const char *)p->processes[i].command.at);
}

static void no_two_look_alike(void **state)
{
    (void)state;
    for (size_t i = 0; i < profiles_count(all); i++)
        for (size_t k = 0; k < i; k++) {
            const struct profile *p = profiles_at(all, i), *q = profiles_at(all, k);
            struct buf left, right;
            buf_init(&left, 0);
            buf_init(&right, 0);
            process_text(p, &left);
            process_text(q, &right);
            check(p, !span_equal(buf_as_span(&left), buf_as_span(&right)));
            buf_done(&left);
            buf_done(&right);
            check(p, !span_equal(p->banner, q->banner) || !span_equal(p->login_prompt, q->login_prompt));
            check(p, !span_equal(p->busybox_version, q->busybox_version));
            check(p, !span_equal(p->kernel_version, q->kernel_version));
            check(p, !span_equal(content(p, "/proc/version"), content(q, "/proc/version")));
            check(p, !span_equal(content(p, "/proc/cpuinfo"), content(q, "/proc/cpuinfo")));
            check(p, !span_equal(content(p, "/proc/mounts"), content(q, "/proc/mounts")));
            check(p, !span_equal(content(p, "/proc/meminfo"), content(q, "/proc/meminfo")));
            check(p, !span_equal(span_of(p->interfaces[1].mac, 6), span_of(q->interfaces[1].mac, 6)));
        }
}

/* What shows honeypots to those who look for them: names and texts other honeypots ship. */
static void none_bears_the_marks_of_a_honeypot(void **state)
{
    (void)state;
    static const char *const marks[] = {
        "svr04", "EmbyLinux", "/home/richard", "/home/phil",   "/root/Jun2", "The programs included with the Debian GNU/Linux", "nas3", "cowrie",
        "kippo", "honeypot",  "Honeypot",      "@LocalHost:]", "debian.org"};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (holds_text(buf_as_span(&image), marks[i]))
            fail_msg("the image holds %s", marks[i]);
    for (size_t i = 0; i < profiles_count(all); i++) {
        const struct profile *p = profiles_at(all, i);
        static const uint8_t naws[] = {0xff, 0xfd, 0x1f};
        bool lone = span_equal(p->telnet_options, span_of(naws, sizeof naws));
        check(p, !lone || p->banner.len > 0 || !span_starts(p->login_prompt, "login: "));
        check(p, p->telnet_options.len >= 3 && p->telnet_options.at[0] == 255);
    }
}

static bool cpu_agrees(const struct profile *p, struct span cpu)
{
    switch (p->machine) {
    case MACHINE_ARM:
    case MACHINE_ARMEB:
        if (!holds_text(cpu, "Hardware\t: ") || !holds_text(cpu, "BogoMIPS\t: "))
            return false;
        if (span_starts(p->machine_text, "armv7"))
            return holds_text(cpu, "ARMv7") && holds_text(cpu, "CPU architecture: 7");
        if (span_starts(p->machine_text, "armv6"))
            return holds_text(cpu, "ARMv6");
        if (span_starts(p->machine_text, "armv4"))
            return holds_text(cpu, "(v4l)") && holds_text(cpu, "CPU architecture: 4");
        return holds_text(cpu, p->machine == MACHINE_ARMEB ? "(v5b)" : "(v5l)") && holds_text(cpu, "CPU architecture: 5TE");
    case MACHINE_AARCH64:
        return holds_text(cpu, "CPU architecture: 8");
    case MACHINE_MIPS:
    case MACHINE_MIPSEL:
    case MACHINE_MIPS64:
        return holds_text(cpu, "system type\t\t: ") && holds_text(cpu, "cpu model\t\t: ");
    case MACHINE_PPC:
        return holds_text(cpu, "timebase\t: ") && holds_text(cpu, "(pvr ");
    case MACHINE_SPARC:
        return holds_text(cpu, "ncpus probed\t: ") && holds_text(cpu, "MMU type");
    case MACHINE_SH4:
        return holds_text(cpu, "cpu family\t: sh4");
    case MACHINE_X86:
        return holds_text(cpu, "vendor_id\t: ") && !holds_text(cpu, " lm ");
    case MACHINE_X86_64:
        return holds_text(cpu, "vendor_id\t: ") && holds_text(cpu, " lm ");
    case MACHINE_M68K:
        return holds_text(cpu, "CPU:\t\t");
    case MACHINE_COUNT:
        break;
    }
    return false;
}

static uint64_t number(struct span bytes, bool big)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.len; i++)
        value = value << 8 | bytes.at[big ? i : bytes.len - 1 - i];
    return value;
}

static void uname_proc_and_elf_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < profiles_count(all); i++) {
        const struct profile *p = profiles_at(all, i);
        const struct machine_info *m = machine_info(p->machine);
        struct span version = content(p, "/proc/version"), osrelease = content(p, "/proc/sys/kernel/osrelease");
        check(p, span_starts(version, "Linux version "));
        check(p, holds(version, p->kernel_release) && holds(version, p->kernel_version));
        check(p, osrelease.len == p->kernel_release.len + 1 && holds(osrelease, p->kernel_release));
        check(p, holds(content(p, "/proc/sys/kernel/hostname"), p->hostname) && holds(content(p, "/etc/hostname"), p->hostname));
        check(p, cpu_agrees(p, content(p, "/proc/cpuinfo")));
        const struct profile_node *busybox = profile_node(p, span_text("/bin/busybox"));
        check(p, busybox != NULL && busybox->type == TREE_BINARY && busybox->size >= 100000);
        uint8_t head[64];
        check(p, profile_binary(p, busybox, 0, head, sizeof head) == sizeof head);
        struct cursor c = cursor_of(span_of(head, sizeof head));
        check(p, memcmp(cursor_take(&c, 4).at, "\177ELF", 4) == 0);
        check(p, cursor_u8(&c) == m->elf_class);
        check(p, cursor_u8(&c) == (m->big_endian ? 2 : 1));
        (void)cursor_take(&c, 10);
        check(p, number(cursor_take(&c, 2), m->big_endian) == 2); /* an executable */
        check(p, number(cursor_take(&c, 2), m->big_endian) == m->e_machine);
        /* /proc/net/route prints addresses in the machine's byte order; the loader the ELF asks for is there. */
        check(p, p->interfaces[1].bits != 24 || holds_text(content(p, "/proc/net/route"), m->big_endian ? "\tFFFFFF00\t" : "\t00FFFFFF\t"));
        uint8_t first[1024];
        size_t got = profile_binary(p, busybox, 0, first, sizeof first);
        const uint8_t *loader = memmem(first, got, "/lib", 4);
        check(p, loader != NULL && profile_node(p, span_text((const char *)loader)) != NULL);
    }
}

static void mounts_agree_with_the_tree(void **state)
{
    (void)state;
    for (size_t i = 0; i < profiles_count(all); i++) {
        const struct profile *p = profiles_at(all, i);
        struct span rest = content(p, "/proc/mounts");
        bool dropper_finds_a_place = false, has_proc = false;
        while (rest.len > 0) {
            struct span text = line(&rest), device = word(&text), path = word(&text), type = word(&text), options = word(&text);
            const struct profile_node *node = profile_node(p, path);
            check(p, device.len > 0 && type.len > 0);
            check(p, node != NULL && node->type == TREE_DIRECTORY);
            has_proc = has_proc || span_is(path, "/proc");
            /* A loader writes "kami" + path into a file of each rw mount and takes the first it reads back in 31 characters. */
            if (span_starts(options, "rw") && node->writable && path.len + 4 < 31)
                dropper_finds_a_place = true;
        }
        check(p, has_proc);
        check(p, dropper_finds_a_place);
        check(p, span_equal(content(p, "/proc/mounts"), content(p, "/proc/1/mounts")));
        const struct profile_node *busybox = profile_node(p, span_text("/bin/busybox"));
        const struct profile_node *proc = profile_node(p, span_text("/proc/version"));
        check(p, busybox != NULL && proc != NULL && !proc->writable);
    }
}

static void processes_lie_in_proc(void **state)
{
    (void)state;
    for (size_t i = 0; i < profiles_count(all); i++) {
        const struct profile *p = profiles_at(all, i);
        bool has_shell = false, has_init = false;
        for (size_t k = 0; k < p->process_count; k++) {
            const struct profile_process *process = &p->processes[k];
            char path[64];
            check(p, k == 0 || p->processes[k - 1].pid < process->pid);
            snprintf(path, sizeof path, "/proc/%u/status", (unsigned)process->pid);
            struct span status = content(p, path);
            check(p, holds_text(status, "Name:\t") && holds_text(status, "PPid:\t"));
            has_shell = has_shell || (process->pid == p->shell_pid && span_is(process->command, "-sh"));
            has_init = has_init || process->pid == 1;
            snprintf(path, sizeof path, "/proc/%u/exe", (unsigned)process->pid);
            const struct profile_node *exe = profile_node(p, span_text(path));
            check(p, (exe != NULL) == (process->executable.len > 0));
            if (exe == NULL)
                continue;
            check(p, span_equal(exe->content, process->executable));
            const struct profile_node *file = profile_node(p, process->executable);
            check(p, file != NULL && file->type != TREE_DIRECTORY);
        }
        char self[16];
        snprintf(self, sizeof self, "%u", (unsigned)p->shell_pid);
        check(p, has_shell && has_init);
        check(p, span_is(content(p, "/proc/self"), self));
    }
}

static void applets_are_installed(void **state)
{
    (void)state;
    for (size_t i = 0; i < profiles_count(all); i++) {
        const struct profile *p = profiles_at(all, i);
        static const char *const folders[] = {"/bin", "/sbin", "/usr/bin", "/usr/sbin"};
        for (size_t k = 0; k < p->applet_count; k++) {
            size_t found = 0;
            for (size_t n = 0; n < 4; n++) {
                char path[128];
                snprintf(path, sizeof path, "%s/%.*s", folders[n], (int)p->applets[k].len, (const char *)p->applets[k].at);
                const struct profile_node *node = profile_node(p, span_text(path));
                found += node != NULL && (node->type == TREE_APPLET || span_is(p->applets[k], "busybox")) ? 1 : 0;
            }
            check(p, found == 1);
        }
        static const char *const needed[] = {"sh",    "cat", "echo", "cp", "rm",    "mount", "ps",
                                             "chmod", "dd",  "kill", "ls", "mkdir", "uname", "busybox"};
        for (size_t k = 0; k < sizeof needed / sizeof needed[0]; k++)
            check(p, profile_has_applet(p, span_text(needed[k])));
    }
}

static void every_folder_is_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < profiles_count(all); i++) {
        const struct profile *p = profiles_at(all, i);
        for (size_t k = 1; k < p->node_count; k++) {
            struct span path = p->nodes[k].path;
            while (path.at[path.len - 1] != '/')
                path.len--;
            path.len -= path.len > 1 ? 1 : 0;
            const struct profile_node *parent = profile_node(p, path);
            check(p, parent != NULL && parent->type == TREE_DIRECTORY);
        }
    }
}

struct release {
    const char *version;
    const char *day; /* released about then, or a little before */
};

static const struct release kernels[] = {
    {"2.4.20", "2002-11-01"}, {"2.4.24", "2004-01-01"}, {"2.4.37", "2008-12-01"}, {"2.6.14", "2005-10-01"}, {"2.6.16", "2006-03-01"},
    {"2.6.17", "2006-06-01"}, {"2.6.18", "2006-09-01"}, {"2.6.20", "2007-02-01"}, {"2.6.21", "2007-04-01"}, {"2.6.22", "2007-07-01"},
    {"2.6.23", "2007-10-01"}, {"2.6.24", "2008-01-01"}, {"2.6.28", "2008-12-01"}, {"2.6.29", "2009-03-01"}, {"2.6.30", "2009-06-01"},
    {"2.6.31", "2009-09-01"}, {"2.6.32", "2009-12-01"}, {"2.6.33", "2010-02-01"}, {"2.6.34", "2010-05-01"}, {"2.6.35", "2010-08-01"},
    {"2.6.36", "2010-10-01"}, {"2.6.37", "2011-01-01"}, {"2.6.38", "2011-03-01"}, {"2.6.39", "2011-05-01"}, {"3.0.8", "2011-10-01"},
    {"3.2", "2012-01-01"},    {"3.3", "2012-03-01"},    {"3.4", "2012-05-01"},    {"3.10", "2013-06-01"},   {"3.14", "2014-03-01"},
    {"4.1", "2015-06-01"},
};

static const struct release busyboxes[] = {
    {"v1.00 ", "2004-10-01"}, {"v1.01 ", "2005-08-01"}, {"v1.1.", "2006-01-01"},  {"v1.2.", "2006-06-01"},  {"v1.4.", "2007-01-01"},
    {"v1.6.", "2007-06-01"},  {"v1.7.", "2007-08-01"},  {"v1.8.", "2007-11-01"},  {"v1.9.", "2007-12-01"},  {"v1.10.", "2008-03-01"},
    {"v1.11.", "2008-06-01"}, {"v1.12.", "2008-08-01"}, {"v1.13.", "2008-11-01"}, {"v1.14.", "2009-04-01"}, {"v1.15.", "2009-08-01"},
    {"v1.16.", "2010-01-01"}, {"v1.17.", "2010-06-01"}, {"v1.18.", "2010-11-01"}, {"v1.19.", "2011-08-01"}, {"v1.20.", "2012-04-01"},
    {"v1.23.", "2014-12-01"}, {"v1.24.", "2015-10-01"}, {"v1.26.", "2016-12-01"}, {"v1.28.", "2018-01-01"}, {"v1.30.", "2018-12-01"},
};

static const struct release libcs[] = {
    {"uClibc 0.9.27", "2005-01-01"}, {"uClibc 0.9.28", "2005-08-01"}, {"uClibc 0.9.29", "2007-05-01"}, {"uClibc 0.9.30", "2008-11-01"},
    {"uClibc 0.9.31", "2010-04-01"}, {"uClibc 0.9.32", "2011-06-01"}, {"uClibc 0.9.33", "2012-02-01"}, {"glibc 2.2.5", "2002-01-01"},
    {"glibc 2.3.", "2003-02-01"},    {"glibc 2.5", "2006-09-01"},     {"glibc 2.6", "2007-05-01"},     {"glibc 2.8", "2008-04-01"},
    {"glibc 2.10", "2009-05-01"},    {"glibc 2.11", "2009-10-01"},    {"glibc 2.12", "2010-05-01"},    {"glibc 2.13", "2011-01-01"},
    {"glibc 2.22", "2015-08-01"},    {"musl 1.1.", "2014-04-01"},
};

static usec_t released(const struct profile *p, const struct release *list, size_t count, struct span version)
{
    usec_t day = -1;
    for (size_t i = 0; i < count; i++)
        if (span_starts(version, list[i].version))
            assert_int_equal(usec_parse(span_text(list[i].day), 0, &day, NULL), 0);
    check(p, day >= 0);
    return day;
}

/* "#1 SMP Tue Sep 20 10:17:53 CST 2011" */
static usec_t kernel_day(const struct profile *p)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    static const char *const days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    for (size_t i = 0; i + 10 < p->kernel_version.len; i++)
        for (unsigned m = 0; m < 12; m++) {
            if (!span_starts(span_part(p->kernel_version, i, 4), months[m]) || p->kernel_version.at[i + 3] != ' ')
                continue;
            char text[16];
            struct span day = span_part(p->kernel_version, i + 4, 2), year = span_part(p->kernel_version, p->kernel_version.len - 4, 4);
            usec_t time;
            snprintf(text, sizeof text, "%.4s-%02u-%c%c", (const char *)year.at, m + 1, day.at[0] == ' ' ? '0' : day.at[0], day.at[1]);
            check(p, usec_parse(span_text(text), 0, &time, NULL) == 0);
            check(p, span_is(span_part(p->kernel_version, i - 4, 3), days[usec_day(time) % 7]));
            return time;
        }
    check(p, false);
    return 0;
}

static void dates_are_possible(void **state)
{
    (void)state;
    for (size_t i = 0; i < profiles_count(all); i++) {
        const struct profile *p = profiles_at(all, i);
        usec_t kernel = kernel_day(p), busybox;
        char day[11];
        size_t at = span_find(p->busybox_version, '(');
        snprintf(day, sizeof day, "%.10s", (const char *)p->busybox_version.at + at + 1);
        day[4] = day[7] = '-';
        check(p, usec_parse(span_text(day), 0, &busybox, NULL) == 0);
        check(p, kernel >= released(p, kernels, sizeof kernels / sizeof kernels[0], p->kernel_release));
        check(p, busybox >= released(p, busyboxes, sizeof busyboxes / sizeof busyboxes[0], p->busybox_version));
        check(p, kernel >= released(p, libcs, sizeof libcs / sizeof libcs[0], p->libc));
        check(p, kernel - busybox <= 400 * USEC_PER_DAY && busybox - kernel <= 400 * USEC_PER_DAY);
        const struct profile_node *file = profile_node(p, span_text("/bin/busybox"));
        check(p, file != NULL && file->changed >= busybox && file->changed >= kernel);
    }
}

static void prompts_are_what_bots_wait_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < profiles_count(all); i++) {
        const struct profile *p = profiles_at(all, i);
        check(p, p->login_prompt.len > 1 && p->password_prompt.len > 1);
        check(p, ends(p->login_prompt, ":") || ends(p->login_prompt, ": "));
        check(p, holds_text(p->password_prompt, "assword"));
        check(p, ends(p->prompt, "# ") || ends(p->prompt, "$ ") || ends(p->prompt, "> "));
        check(p, p->shell == LOGIN_SHELL_ASH || ends(p->cli_prompt, ">") || ends(p->cli_prompt, "> ") || ends(p->cli_prompt, "# "));
        check(p, p->tries_max >= 1 && (p->auth != AUTH_LIST || p->login_count > 0));
        check(p, p->auth != AUTH_AFTER || p->tries_max >= p->auth_after);
        check(p, p->banner_delay + p->password_delay + p->shell_delay < 2 * USEC_PER_SEC);
        check(p, profile_node(p, p->login_home) != NULL);
    }
}

static void uptime_grows_and_starts_again(void **state)
{
    (void)state;
    const struct profile *p = profiles_at(all, 0);
    usec_t now = INT64_C(1750000000) * USEC_PER_SEC;
    uint64_t before = profile_uptime(p, now);
    assert_true(before >= 600 && before < p->period + 600);
    assert_true(profile_uptime(p, now + 60 * USEC_PER_SEC) == before + 60 || profile_uptime(p, now + 60 * USEC_PER_SEC) < before);
    assert_int_equal(profile_uptime(p, now + (usec_t)p->period * USEC_PER_SEC), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_are_many_kinds),
        cmocka_unit_test(no_two_look_alike),
        cmocka_unit_test(none_bears_the_marks_of_a_honeypot),
        cmocka_unit_test(uname_proc_and_elf_agree),
        cmocka_unit_test(mounts_agree_with_the_tree),
        cmocka_unit_test(processes_lie_in_proc),
        cmocka_unit_test(applets_are_installed),
        cmocka_unit_test(every_folder_is_there),
        cmocka_unit_test(dates_are_possible),
        cmocka_unit_test(prompts_are_what_bots_wait_for),
        cmocka_unit_test(uptime_grows_and_starts_again),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
