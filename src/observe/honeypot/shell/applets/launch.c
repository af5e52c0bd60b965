/* Commands that start others: busybox, sh, env, xargs, time, timeout, nohup, setsid, watch, su … and which, printenv, clear. */
#include "observe/honeypot/shell/applets/common.h"

#include <ctype.h>

/* ---- busybox */

static void print_banner(struct run *run)
{
    struct span version = run_profile(run)->busybox_version;
    unsigned minor = busybox_minor(run);
    run_printf(run, "BusyBox %.*s multi-call binary%s\n", TEXT(version), minor >= 14 ? "." : "");
    if (minor >= 22) {
        run_printf(run, "BusyBox is copyrighted by many authors between 1998-%d.\n", minor >= 23 ? 2015 : 2012);
        run_text(run, "Licensed under GPLv2. See source distribution for detailed\ncopyright notices.\n\n");
    } else {
        run_printf(run, "Copyright (C) 1998-%d Erik Andersen, Rob Landley, Denys Vlasenko\nand others. Licensed under GPLv2.\n",
                   minor < 11   ? 2008
                   : minor < 16 ? 2009
                   : minor < 20 ? 2011
                                : 2012);
        run_text(run, "See source distribution for full notice.\n\n");
    }
    run_text(run, minor >= 15 ? "Usage: busybox [function [arguments]...]\n" : "Usage: busybox [function] [arguments]...\n");
    if (minor >= 20)
        run_text(run, "   or: busybox --list[-full]\n");
    if (minor >= 22)
        run_text(run, "   or: busybox --install [-s] [DIR]\n");
    run_text(run,
             "   or: function [arguments]...\n\n\tBusyBox is a multi-call binary that combines many common Unix\n"
             "\tutilities into a single executable.  Most people will create a\n\tlink to busybox for each function they wish to use and BusyBox\n");
    run_text(run, minor >= 18 ? "\twill act like whatever it was invoked as.\n\nCurrently defined functions:\n"
                              : "\twill act like whatever it was invoked as!\n\nCurrently defined functions:\n");
}

static void print_applets(struct run *run)
{
    const struct profile *p = run_profile(run);
    size_t column = 0;
    for (size_t i = 0; i < p->applet_count; i++) {
        size_t len = p->applets[i].len + 2;
        if (column >= 80 - len) {
            run_text(run, ",\n");
            column = 0;
        }
        run_text(run, column == 0 ? "\t" : ", ");
        column = column == 0 ? 6 : column;
        run_out(run, p->applets[i]);
        column += len;
    }
    run_text(run, "\n");
}

static int busybox(struct run *run)
{
    const struct profile *p = run_profile(run);
    if (run->argc < 2 || span_is(run->argv[1], "--help")) {
        if (run->argc > 2 && applet_by_name(run->argv[2]) != NULL && profile_has_applet(p, run->argv[2])) {
            run->self = applet_by_name(run->argv[2]);
            (void)run_usage(run);
            return 0;
        }
        print_banner(run);
        print_applets(run);
        run_text(run, "\n");
        return 0;
    }
    if (busybox_minor(run) >= 20 && (span_is(run->argv[1], "--list") || span_is(run->argv[1], "--list-full"))) {
        for (size_t i = 0; i < p->applet_count && run_step(run, i % 32 == 31); i++)
            run_printf(run, "%.*s\n", TEXT(p->applets[i]));
        return 0;
    }
    if (span_is(run->argv[1], "--install"))
        return 0;
    struct span name = path_base(run->argv[1]);
    const struct applet *applet = applet_by_name(name);
    if (applet == NULL || applet->where == APPLET_BUILTIN || !profile_has_applet(p, name)) {
        run_error(run, "%.*s: applet not found\n", TEXT(name));
        return 127;
    }
    /* The program changes its name and is the applet from here on. */
    run->argv++;
    run->argc--;
    struct applet *program = arena_alloc(run_scratch(run), sizeof *program);
    if (program == NULL)
        return 1;
    *program = *applet;
    program->where = APPLET_BUSYBOX;
    run->self = program;
    return applet->run(run);
}

const struct applet applet_busybox = {.name = "busybox", .run = busybox};

/* ---- shells */

static int shell_file(struct run *run, size_t at)
{
    struct input in = {0};
    struct tree_stat stat;
    int error = tree_stat(run_tree(run), run_cwd(run), run->argv[at], true, &stat), status = 0;
    /* What would have been downloaded runs without a word. */
    bool silent = error == 0 && stat.generated != NULL;
    if (error == 0 && !silent)
        error = input_open(run, run->argv[at], &in);
    if (error < 0) {
        bool told = busybox_minor(run) >= 27;
        run_error(run, "%.*s: can't open '%.*s'%s%s\n", TEXT(name_of(run)), TEXT(run->argv[at]), told ? ": " : "", told ? errno_text(error) : "");
        return told ? 2 : 127;
    }
    if (!silent)
        status = run_script(run, in.bytes, run->argv[at], run->argc - at, run->argv + at);
    input_close(&in);
    return status;
}

static int shell(struct run *run)
{
    size_t at = 1;
    bool command = false, from_input = false, interactive = false;
    for (; at < run->argc && run->argv[at].len > 1 && (run->argv[at].at[0] == '-' || run->argv[at].at[0] == '+'); at++) {
        struct span word = run->argv[at];
        if (span_is(word, "--")) {
            at++;
            break;
        }
        if (span_is(word, "--help")) {
            (void)run_usage(run);
            return 0;
        }
        for (size_t i = 1; i < word.len; i++) {
            command = command || word.at[i] == 'c';
            from_input = from_input || word.at[i] == 's';
            interactive = interactive || word.at[i] == 'i';
            if (word.at[i] == 'o')
                at += i + 1 == word.len && at + 1 < run->argc;
        }
    }
    if (at < run->argc && span_is(run->argv[at], "-"))
        at++;
    if (command && at >= run->argc) {
        run_error(run, "%.*s: -c requires an argument\n", TEXT(name_of(run)));
        return 2;
    }
    if (command)
        return run_script(run, run->argv[at], (struct span){0}, run->argc - at - 1, run->argc > at + 1 ? run->argv + at + 1 : NULL);
    if (at < run->argc && !from_input)
        return shell_file(run, at);
    if (run->input_is_terminal) {
        run_nested_shell(run);
        return 0;
    }
    (void)interactive;
    return run_script(run, run_input(run), (struct span){0}, 1, run->argv);
}

const struct applet applet_sh = {
    .name = "sh",
    .run = shell,
    .usage = "sh [-il] [-|+Cabefmnuvx] [-|+o OPT]... [-c 'SCRIPT' [ARG0 ARGS] | FILE [ARGS] | -s [ARGS]]\n\nUnix shell interpreter"};
const struct applet applet_ash = {
    .name = "ash",
    .run = shell,
    .usage = "ash [-il] [-|+Cabefmnuvx] [-|+o OPT]... [-c 'SCRIPT' [ARG0 ARGS] | FILE [ARGS] | -s [ARGS]]\n\nUnix shell interpreter"};
const struct applet applet_bash = {.name = "bash", .run = shell};
const struct applet applet_hush = {
    .name = "hush", .run = shell, .usage = "hush [-enxl] [-c 'SCRIPT' [ARG0 ARGS] | FILE [ARGS] | -s [ARGS]]\n\nUnix shell interpreter"};

/* su and login as root ask nothing. */
static int su(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "mplc:s:fh:", NULL))
        return o.status;
    struct span user = {0};
    for (size_t i = 0; i < o.arg_count && user.len == 0; i++)
        if (!span_is(o.args[i], "-"))
            user = o.args[i];
    if (user.len > 0 && !span_is(user, "root")) {
        struct span rest = file_text(run, "/etc/passwd", 4096), line;
        bool ended, known = false;
        while (line_next(&rest, &line, &ended))
            known = known || span_equal(span_part(line, 0, span_find(line, ':')), user);
        if (!known && span_is(name_of(run), "su")) {
            run_error(run, "su: unknown user %.*s\n", TEXT(user));
            return 1;
        }
    }
    if (option(&o, 'c'))
        return run_script(run, option_value(&o, 'c'), (struct span){0}, 0, NULL);
    run_nested_shell(run);
    return 0;
}

const struct applet applet_su = {
    .name = "su", .run = su, .usage = "su [-lmp] [-s SH] [-] [USER [FILE ARGS | -c CMD [ARG0]]]\n\nRun shell under USER (by default, root)"};
const struct applet applet_login = {.name = "login", .run = su, .usage = "login [-p] [-h HOST] [[-f] USER]\n\nBegin a new session on the system"};

static int sudo(struct run *run)
{
    size_t at = 1;
    while (at < run->argc && run->argv[at].len > 1 && run->argv[at].at[0] == '-') {
        bool value = span_is(run->argv[at], "-u") || span_is(run->argv[at], "-g");
        if (span_is(run->argv[at], "-i") || span_is(run->argv[at], "-s")) {
            run_nested_shell(run);
            return 0;
        }
        at += value ? 2 : 1;
    }
    if (at >= run->argc) {
        run_error(run, "usage: sudo -h | -K | -k | -V\nusage: sudo [-u user] command\n");
        return 1;
    }
    if (!command_exists(run, run->argv[at])) {
        run_error(run, "sudo: %.*s: command not found\n", TEXT(run->argv[at]));
        return 1;
    }
    return run_command(run, run->argc - at, run->argv + at);
}

const struct applet applet_sudo = {.name = "sudo", .run = sudo};

/* ---- wrappers */

struct printing {
    struct run *run;
    struct span name; /* the one wanted, or none */
    bool found;
};

static void print_variable(void *user, struct span name, struct span value)
{
    struct printing *p = user;
    if (p->name.len == 0)
        run_printf(p->run, "%.*s=%.*s\n", TEXT(name), TEXT(value));
    else if (span_equal(p->name, name))
        run_printf(p->run, "%.*s\n", TEXT(value));
    p->found = p->found || span_equal(p->name, name);
}

/* Runs a program with variables of its own: in a shell that exports the assignments first. */
static int run_assigned(struct run *run, size_t assignments, size_t argc, const struct span *argv)
{
    if (!command_exists(run, argv[assignments]))
        return run_program(run, argc - assignments, argv + assignments);
    struct buf script;
    struct span *words = arena_alloc(run_scratch(run), (argc + 2) * sizeof *words);
    buf_init(&script, SHELL_WORD_MAX);
    buf_text(&script, "export");
    for (size_t i = 0; i < assignments; i++)
        buf_printf(&script, " \"${%zu}\"", i + 1);
    buf_printf(&script, "; shift %zu; \"$@\"", assignments);
    int status = 1;
    if (words != NULL && script.error == 0) {
        words[0] = span_text("sh");
        memcpy(words + 1, argv, argc * sizeof *argv);
        status = run_script(run, buf_as_span(&script), (struct span){0}, argc + 1, words);
    }
    buf_done(&script);
    return status;
}

static int env(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "+iu:0", "ignore-environment=i unset=u"))
        return o.status;
    size_t at = 0;
    while (at < o.arg_count && span_find(o.args[at], '=') < o.args[at].len)
        at++;
    if (at == o.arg_count) {
        struct printing printing = {.run = run};
        if (!option(&o, 'i'))
            run_environment(run, print_variable, &printing);
        for (size_t i = 0; i < at; i++)
            run_printf(run, "%.*s\n", TEXT(o.args[i]));
        return 0;
    }
    return at > 0 ? run_assigned(run, at, o.arg_count, o.args) : run_program(run, o.arg_count, o.args);
}

const struct applet applet_env = {
    .name = "env",
    .run = env,
    .usage = "env [-i0] [-u NAME]... [-] [NAME=VALUE]... [PROG ARGS]\n\nPrint current environment or run PROG after setting up environment"};

static int printenv(struct run *run)
{
    int status = 0;
    struct printing all = {.run = run};
    if (run->argc < 2)
        run_environment(run, print_variable, &all);
    for (size_t i = 1; i < run->argc && run_step(run, 1); i++) {
        struct printing one = {.run = run, .name = run->argv[i]};
        if (one.name.len > 0)
            run_environment(run, print_variable, &one);
        status |= !one.found;
    }
    return status;
}

const struct applet applet_printenv = {.name = "printenv", .run = printenv, .usage = "printenv [VARIABLE]...\n\nPrint environment VARIABLEs"};

/* Options with their arguments that come before the program, as "+…" getopt strings; then the program. */
static int wrap(struct run *run, const char *spec, size_t own)
{
    struct options o;
    if (!options_parse(run, &o, spec, NULL))
        return o.status;
    if (o.arg_count <= own)
        return run_usage(run);
    return run_program(run, o.arg_count - own, o.args + own);
}

static int nohup(struct run *run)
{
    if (run->argc < 2)
        return run_usage(run);
    if (run->output_is_terminal)
        run_error(run, "nohup: appending output to nohup.out\n");
    return run_program(run, run->argc - 1, run->argv + 1);
}

static int setsid(struct run *run)
{
    return wrap(run, "+c", 0);
}

static int timeout(struct run *run)
{
    bool old = false;
    for (size_t i = 1; i < run->argc; i++)
        old = old || span_is(run->argv[i], "-t");
    return old ? wrap(run, "+t:s:", 0) : wrap(run, "+s:k:", 1);
}

static int nice(struct run *run)
{
    if (run->argc < 2) {
        run_text(run, "0\n");
        return 0;
    }
    return wrap(run, "+n:", 0);
}

static int ionice(struct run *run)
{
    if (run->argc < 2) {
        run_text(run, "none: prio 0\n");
        return 0;
    }
    return wrap(run, "+n:c:p:", 0);
}

static int time_run(struct run *run)
{
    int status = wrap(run, "+vpao:f:", 0);
    if (run->argc > 1)
        run_error(run, "real\t0m 0.0%us\nuser\t0m 0.00s\nsys\t0m 0.00s\n", seed_of(run, "time") % 4);
    return status;
}

static int chroot_run(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "+", NULL))
        return o.status;
    struct tree_stat stat;
    if (o.arg_count == 0)
        return run_usage(run);
    int error = tree_stat(run_tree(run), run_cwd(run), o.args[0], true, &stat);
    if (error == 0 && stat.type != TREE_DIRECTORY)
        error = -ENOTDIR;
    if (error < 0) {
        run_error(run, "chroot: can't change root directory to '%.*s': %s\n", TEXT(o.args[0]), errno_text(error));
        return 1;
    }
    if (!span_is(stat.path, "/")) {
        run_error(run, "chroot: can't execute '%.*s': No such file or directory\n", TEXT(o.arg_count > 1 ? o.args[1] : span_text("/bin/sh")));
        return 127;
    }
    if (o.arg_count > 1)
        return run_program(run, o.arg_count - 1, o.args + 1);
    run_nested_shell(run);
    return 0;
}

static int watch(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "+dtn:", NULL))
        return o.status;
    if (o.arg_count == 0)
        return run_usage(run);
    run_text(run, "\033[H\033[J");
    run_text(run, option(&o, 't') ? "" : "Every 2s: ");
    for (size_t i = 0; i < o.arg_count && !option(&o, 't'); i++)
        run_printf(run, "%.*s ", TEXT(o.args[i]));
    run_text(run, option(&o, 't') ? "" : "\n\n");
    return run_program(run, o.arg_count, o.args);
}

static int start_stop_daemon(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o,
                       "+SKx:n:a:u:p:s:bmqotvN:c:d:k:", "start=S stop=K exec=x pidfile=p background=b make-pidfile=m quiet=q name=n startas=a"))
        return o.status;
    if (option(&o, 'K'))
        return 1;
    struct span program = option(&o, 'x') ? option_value(&o, 'x') : option_value(&o, 'a');
    if (!option(&o, 'S') || program.len == 0)
        return run_usage(run);
    struct span *argv = arena_alloc(run_scratch(run), (o.arg_count + 2) * sizeof *argv);
    if (argv == NULL)
        return 1;
    argv[0] = program;
    for (size_t i = 0; i < o.arg_count; i++)
        argv[i + 1] = o.args[i];
    return run_program(run, o.arg_count + 1, argv);
}

const struct applet applet_nohup = {
    .name = "nohup", .run = nohup, .usage = "nohup PROG ARGS\n\nRun PROG immune to hangups, with output to a non-tty"};
const struct applet applet_setsid = {.name = "setsid", .run = setsid, .usage = "setsid [-c] PROG ARGS\n\nRun PROG in a new session"};
const struct applet applet_timeout = {
    .name = "timeout",
    .run = timeout,
    .usage = "timeout [-s SIG] [-k KILL_SECS] SECS PROG ARGS\n\nRun PROG. Send SIG to it if it is not gone in SECS seconds."};
const struct applet applet_nice = {.name = "nice", .run = nice, .usage = "nice [-n ADJUST] [PROG ARGS]\n\nChange scheduling priority, run PROG"};
const struct applet applet_ionice = {
    .name = "ionice", .run = ionice, .usage = "ionice [-c 1-3] [-n 0-7] [-p PID] [PROG ARGS]\n\nChange I/O priority and class"};
const struct applet applet_time = {
    .name = "time", .run = time_run, .usage = "time [-vpa] [-o FILE] PROG ARGS\n\nRun PROG, display resource usage when it exits"};
const struct applet applet_chroot = {
    .name = "chroot", .run = chroot_run, .usage = "chroot NEWROOT [PROG ARGS]\n\nRun PROG with root directory set to NEWROOT"};
const struct applet applet_watch = {.name = "watch", .run = watch, .usage = "watch [-n SEC] [-t] PROG ARGS\n\nRun PROG periodically"};
const struct applet applet_start_stop_daemon = {.name = "start-stop-daemon",
                                                .run = start_stop_daemon,
                                                .usage =
                                                    "start-stop-daemon [OPTIONS] [-S|-K] ... [-- ARGS...]\n\nSearch for matching processes, and "
                                                    "then\n-K: stop all matching processes\n-S: start a process unless a matching process is found"};

/* ---- xargs */

enum { XARGS_RUNS_MAX = 2000 };

struct items {
    struct span *words;
    size_t count;
};

/* Words of the input: blanks and line ends separate unless quoted (or NULs, or lines alone). */
static void split_items(struct run *run, struct span text, bool zero, bool lines, struct items *ret)
{
    ret->words = arena_alloc(run_scratch(run), SHELL_WORDS_MAX * sizeof *ret->words);
    uint8_t *bytes = arena_alloc(run_scratch(run), text.len + 1);
    size_t used = 0, start = 0;
    bool open = false;
    uint8_t quote = 0;
    for (size_t i = 0; ret->words != NULL && bytes != NULL && i <= text.len && ret->count < SHELL_WORDS_MAX; i++) {
        uint8_t byte = i < text.len ? text.at[i] : zero ? '\0' : '\n';
        bool ends = zero ? byte == '\0' : quote == 0 && (byte == '\n' || (!lines && isspace(byte)));
        if (ends) {
            if (open)
                ret->words[ret->count++] = span_of(bytes + start, used - start);
            open = false;
            start = used;
            continue;
        }
        if (!zero && !open && isspace(byte))
            continue;
        open = true;
        if (!zero && quote == 0 && (byte == '\'' || byte == '"')) {
            quote = byte;
            continue;
        }
        if (quote != 0 && byte == quote) {
            quote = 0;
            continue;
        }
        if (!zero && quote == 0 && byte == '\\' && i + 1 < text.len)
            byte = text.at[++i];
        bytes[used++] = byte;
    }
}

static struct span replace_all(struct run *run, struct span word, struct span mark, struct span by)
{
    struct buf out;
    buf_init(&out, SHELL_WORD_MAX);
    for (size_t i = 0; i < word.len; i++) {
        if (mark.len > 0 && span_equal(span_part(word, i, mark.len), mark)) {
            buf_span(&out, by);
            i += mark.len - 1;
        } else {
            buf_byte(&out, word.at[i]);
        }
    }
    struct span result = scratch_copy(run, buf_as_span(&out));
    buf_done(&out);
    return result;
}

static int xargs_once(struct run *run, const struct options *o, const struct span *items, size_t count)
{
    static const struct span echo = {.at = (const uint8_t *)"echo", .len = 4};
    size_t fixed = o->arg_count > 0 ? o->arg_count : 1, argc = 0;
    struct span *argv = arena_alloc(run_scratch(run), (fixed + count + 1) * sizeof *argv);
    if (argv == NULL)
        return 1;
    for (size_t i = 0; i < fixed; i++) {
        struct span word = o->arg_count > 0 ? o->args[i] : echo;
        argv[argc++] = option(o, 'I') ? replace_all(run, word, option_value(o, 'I'), count > 0 ? items[0] : (struct span){0}) : word;
    }
    for (size_t i = 0; i < count && !option(o, 'I'); i++)
        argv[argc++] = items[i];
    if (option(o, 't')) {
        for (size_t i = 0; i < argc; i++)
            run_error(run, i > 0 ? " %.*s" : "%.*s", TEXT(argv[i]));
        run_error(run, "\n");
    }
    if (!command_exists(run, argv[0])) {
        run_error(run, "xargs: %.*s: No such file or directory\n", TEXT(argv[0]));
        return 127;
    }
    return run_command(run, argc, argv);
}

static int xargs(struct run *run)
{
    struct options o;
    uint64_t most = SHELL_WORDS_MAX / 2;
    if (!options_parse(run, &o, "+0a:rtpE:e:I:i:n:s:P:x", "no-run-if-empty=r null=0"))
        return o.status;
    if (option(&o, 'n') && (!number_parse(option_value(&o, 'n'), &most) || most == 0))
        return number_fail(run, option_value(&o, 'n'));
    if (run->input_is_terminal)
        return run_await_input(run, false);
    struct items items = {0};
    split_items(run, run_input(run), option(&o, '0'), option(&o, 'I'), &items);
    if (option(&o, 'I'))
        most = 1;
    if (items.count == 0)
        return option(&o, 'r') || option(&o, 'I') ? 0 : xargs_once(run, &o, NULL, 0);
    int status = 0;
    size_t runs = 0;
    for (size_t at = 0; at < items.count && runs < XARGS_RUNS_MAX && run_step(run, 1); runs++) {
        size_t count = items.count - at < most ? items.count - at : (size_t)most;
        int one = xargs_once(run, &o, items.words + at, count);
        if (one == 127 || one == 126)
            return one;
        status = one != 0 ? 123 : status;
        at += count;
    }
    return status;
}

const struct applet applet_xargs = {.name = "xargs",
                                    .run = xargs,
                                    .usage =
                                        "xargs [OPTIONS] [PROG ARGS]\n\nRun PROG on every item given by stdin\n\n\t-0\tNUL terminated "
                                        "input\n\t-r\tDon't run command if input is empty\n\t-t\tPrint the command on stderr before execution\n\t-I "
                                        "STR\tReplace STR within PROG ARGS with input line\n\t-n N\tPass no more than N args to PROG"};

/* ---- which, clear */

static int which(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "a", NULL))
        return o.status;
    if (o.arg_count == 0)
        return run_usage(run);
    int status = 0;
    for (size_t i = 0; i < o.arg_count && run_step(run, 1); i++) {
        struct span path = command_path(run, o.args[i]);
        if (path.len > 0)
            run_printf(run, "%.*s\n", TEXT(path));
        else
            status = 1;
    }
    return status;
}

const struct applet applet_which = {.name = "which", .run = which, .usage = "which [COMMAND]...\n\nLocate a COMMAND"};

static int clear(struct run *run)
{
    run_text(run, span_is(name_of(run), "reset") && run->output_is_terminal ? "\033c\033(B\033[0m\033[J\033[?25h" : "\033[H\033[J");
    return 0;
}

const struct applet applet_clear = {.name = "clear", .run = clear, .usage = "clear\n\nClear screen"};
const struct applet applet_reset = {.name = "reset", .run = clear, .usage = "reset\n\nReset the screen"};
