/* ash's own commands: those that change the shell itself. (echo, printf, test, [, kill, pwd are applets that are builtins too.) */
#include "observe/honeypot/shell/inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static struct engine *engine_of(struct run *run)
{
    return ((struct command_run *)(void *)run)->engine;
}

static const char *own_name(struct run *run)
{
    return run->self->name;
}

/* A decimal argument; false after the message. */
static bool number_argument(struct run *run, size_t index, int *ret)
{
    struct span text = run->argv[index];
    int value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9' || i > 8) {
            complain_builtin(engine_of(run), own_name(run), "Illegal number: %.*s", (int)text.len, (const char *)text.at);
            return false;
        }
        value = value * 10 + text.at[i] - '0';
    }
    *ret = value;
    return text.len > 0;
}

static int builtin_true(struct run *run)
{
    (void)run;
    return 0;
}

static int builtin_false(struct run *run)
{
    (void)run;
    return 1;
}

/* Newer versions tell the cause behind "can't cd to" and "can't open". */
static bool tells_cause(const struct profile *profile)
{
    struct span version = profile->busybox_version;
    unsigned minor = 0;
    size_t at = span_find(version, '.') + 1;
    while (at < version.len && version.at[at] >= '0' && version.at[at] <= '9' && minor < 1000)
        minor = minor * 10 + version.at[at++] - '0';
    return minor >= 34;
}

static int builtin_cd(struct run *run)
{
    struct shell *sh = run->shell;
    struct span path;
    size_t at = 1;
    while (at < run->argc && (span_is(run->argv[at], "-P") || span_is(run->argv[at], "-L") || span_is(run->argv[at], "--")))
        at++;
    bool back = at < run->argc && span_is(run->argv[at], "-");
    if (at < run->argc && !back)
        path = run->argv[at];
    else if (!variable_get(sh, span_text(back ? "OLDPWD" : "HOME"), &path))
        return 0;
    struct tree_stat st;
    int r = path.len == 0 ? 0 : tree_stat(sh->tree, sh->cwd, path, true, &st);
    if (r == 0 && path.len > 0 && st.type != TREE_DIRECTORY)
        r = -ENOTDIR;
    char absolute[TREE_PATH_MAX];
    if (r == 0)
        r = tree_absolute(sh->cwd, path, absolute);
    if (r < 0) {
        bool cause = tells_cause(sh->host.profile);
        complain_builtin(engine_of(run), own_name(run), "can't cd to %.*s%s%s", (int)path.len, (const char *)path.at, cause ? ": " : "",
                         cause ? strerror(-r) : "");
        return sh->context.numbered ? 2 : 1;
    }
    if (cwd_set(sh, span_text(absolute)) < 0)
        shell_end(sh, REASON_MEMORY);
    if (back)
        run_printf(run, "%s\n", absolute);
    return 0;
}

static int builtin_exit(struct run *run)
{
    struct engine *m = engine_of(run);
    int status = m->status;
    if (run->argc > 1 && !number_argument(run, 1, &status))
        return 2;
    m->unwind = UNWIND_EXIT;
    return status & 0xff;
}

static int builtin_return(struct run *run)
{
    struct engine *m = engine_of(run);
    int status = m->status;
    if (run->argc > 1 && !number_argument(run, 1, &status))
        return 2;
    m->unwind = UNWIND_RETURN;
    return status & 0xff;
}

static int builtin_break(struct run *run)
{
    struct engine *m = engine_of(run);
    int count = 1;
    if (run->argc > 1 && (!number_argument(run, 1, &count) || count == 0))
        return 2;
    unsigned loops = engine_loops(m);
    if (loops == 0)
        return 0;
    m->unwind = run->self->name[0] == 'b' ? UNWIND_BREAK : UNWIND_CONTINUE;
    m->unwind_count = (unsigned)count < loops ? (unsigned)count : loops;
    return 0;
}

static int builtin_eval(struct run *run)
{
    struct engine *m = engine_of(run);
    size_t len = 0;
    for (size_t i = 1; i < run->argc; i++)
        len += run->argv[i].len + 1;
    uint8_t *text = len > 0 ? engine_alloc(m, len) : NULL;
    if (text == NULL)
        return 0;
    size_t at = 0;
    for (size_t i = 1; i < run->argc; i++) {
        if (i > 1)
            text[at++] = ' ';
        if (run->argv[i].len > 0)
            memcpy(text + at, run->argv[i].at, run->argv[i].len);
        at += run->argv[i].len;
    }
    /* An eval inside an eval without end is as deep as frames go. */
    engine_text(m, span_of(text, at), TEXT_EVAL);
    return 0;
}

static int builtin_source(struct run *run)
{
    struct engine *m = engine_of(run);
    struct shell *sh = run->shell;
    if (run->argc < 2)
        return 0;
    struct span name = run->argv[1], path = name;
    struct tree_stat st;
    int r = tree_stat(sh->tree, sh->cwd, path, true, &st);
    if (r < 0) {
        bool cause = tells_cause(sh->host.profile);
        complain_builtin(m, ".", "can't open '%.*s'%s%s", (int)name.len, (const char *)name.at, cause ? ": " : "", cause ? strerror(-r) : "");
        if (sh->context.numbered)
            engine_abort(m, 2);
        return 2;
    }
    if (st.type == TREE_DIRECTORY || st.generated != NULL)
        return st.type == TREE_DIRECTORY ? 2 : 0;
    if (st.by_attacker)
        sample_file(sh, st.path, "written");
    struct stream file = {.type = STREAM_FILE, .text = engine_copy(m, st.path)};
    struct span text = stream_rest(m, &file);
    if (!engine_deeper(m))
        return 2;
    struct frame *f = engine_push(m, FRAME_CALL);
    if (f == NULL) {
        sh->depth--;
        return 2;
    }
    f->deep = true;
    f->scope.whole = true;
    f->scope.saved = sh->context;
    f->scope.undo = sh->undo_count;
    if (run->argc > 2) {
        sh->context.args = run->argv + 2;
        sh->context.argc = run->argc - 2;
    }
    engine_text(m, text, TEXT_EVAL);
    return 0;
}

static int builtin_exec(struct run *run)
{
    struct engine *m = engine_of(run);
    if (run->argc < 2)
        return 0;
    struct command c = command_find(m, run->argv[1], false);
    if (c.found == FOUND_NOTHING) {
        complain_builtin(m, "exec", "%.*s: not found", (int)run->argv[1].len, (const char *)run->argv[1].at);
        run->shell->failed = true;
        return 127;
    }
    size_t before = m->count;
    int status = command_run(m, run->argc - 1, run->argv + 1);
    if (m->count == before && m->ask == ASK_NOTHING && m->unwind == UNWIND_NONE)
        m->unwind = UNWIND_EXIT;
    return status;
}

static void print_quoted(struct engine *m, struct span text)
{
    struct stream *out = m->io->fd[1];
    (void)stream_out(m, out, span_text("'"));
    while (text.len > 0) {
        size_t quote = span_find(text, '\'');
        (void)stream_out(m, out, span_part(text, 0, quote));
        if (quote < text.len)
            (void)stream_out(m, out, span_text("'\\''"));
        text = span_part(text, quote + 1, text.len);
    }
    (void)stream_out(m, out, span_text("'\n"));
}

static void print_variable(struct engine *m, const struct variable *v)
{
    (void)stream_out(m, m->io->fd[1], span_of(v->text, v->name_len + 1U));
    print_quoted(m, span_of(v->text + v->name_len + 1, v->value_len));
}

static void print_export(struct engine *m, const struct variable *v)
{
    (void)stream_out(m, m->io->fd[1], span_text("export "));
    print_variable(m, v);
}

static void print_readonly(struct engine *m, const struct variable *v)
{
    (void)stream_out(m, m->io->fd[1], span_text("readonly "));
    print_variable(m, v);
}

/* export, readonly, local: NAME or NAME=value each. */
static int builtin_declare(struct run *run)
{
    struct engine *m = engine_of(run);
    struct shell *sh = run->shell;
    bool export = span_is(span_text(own_name(run)), "export"), local = span_is(span_text(own_name(run)), "local");
    if (local && engine_frame(m, FRAME_CALL) == NULL) {
        complain_builtin(m, "local", "not in a function");
        return 2;
    }
    size_t at = 1;
    while (at < run->argc && run->argv[at].len > 1 && run->argv[at].at[0] == '-')
        at++;
    if (at == run->argc && !local)
        variables_sorted(m, export ? print_export : print_readonly, export, !export);
    for (; at < run->argc; at++) {
        struct span word = run->argv[at], name = span_part(word, 0, span_find(word, '='));
        if (!is_name(name)) {
            complain_builtin(m, own_name(run), "%.*s: bad variable name", (int)word.len, (const char *)word.at);
            return 2;
        }
        struct span value = {0};
        bool had = variable_get(sh, name, &value);
        value = engine_copy(m, value);
        int r = local ? variable_local(sh, name) : 0;
        if (r == 0 && name.len < word.len)
            r = variable_set(sh, name, span_part(word, name.len + 1, word.len));
        else if (r == 0 && !local && variable_find(sh, name) == NULL && had)
            r = variable_set(sh, name, value);
        if (r == -EPERM) {
            complain_builtin(m, own_name(run), "%.*s: is read only", (int)name.len, (const char *)name.at);
            return 2;
        }
        struct variable *v = variable_find(sh, name);
        if (r < 0)
            shell_end(sh, REASON_MEMORY);
        else if (v != NULL && export)
            v->exported = true;
        else if (v != NULL && !local)
            v->readonly = true;
    }
    return 0;
}

static int builtin_unset(struct run *run)
{
    struct engine *m = engine_of(run);
    bool functions = false;
    size_t at = 1;
    for (; at < run->argc && run->argv[at].len > 1 && run->argv[at].at[0] == '-'; at++) {
        if (!span_is(run->argv[at], "-f") && !span_is(run->argv[at], "-v")) {
            complain_builtin(m, "unset", "illegal option %.*s", (int)run->argv[at].len, (const char *)run->argv[at].at);
            return 2;
        }
        functions = span_is(run->argv[at], "-f");
    }
    for (; at < run->argc; at++) {
        if (functions) {
            (void)function_unset(run->shell, run->argv[at]);
            continue;
        }
        if (!is_name(run->argv[at])) {
            complain_builtin(m, "unset", "%.*s: bad variable name", (int)run->argv[at].len, (const char *)run->argv[at].at);
            return 2;
        }
        if (variable_unset(run->shell, run->argv[at]) == -EPERM) {
            complain_builtin(m, "unset", "%.*s: is read only", (int)run->argv[at].len, (const char *)run->argv[at].at);
            return 2;
        }
    }
    return 0;
}

/* $1 … become these; an interactive shell keeps them beyond the line. */
static void set_arguments(struct run *run, size_t from)
{
    struct engine *m = engine_of(run);
    struct shell *sh = run->shell;
    size_t count = run->argc - from, len = count * sizeof(struct span);
    for (size_t i = from; i < run->argc; i++)
        len += run->argv[i].len;
    bool lasts = m->outer == NULL && engine_frame(m, FRAME_CALL) == NULL;
    for (size_t i = 0; i < m->count; i++)
        lasts = lasts && m->frames[i].type != FRAME_SCOPE;
    struct span *args = lasts ? malloc(len > 0 ? len : 1) : engine_alloc(m, len > 0 ? len : 1);
    if (args == NULL) {
        shell_end(sh, REASON_MEMORY);
        return;
    }
    uint8_t *bytes = (uint8_t *)(args + count);
    for (size_t i = 0; i < count; i++) {
        struct span arg = run->argv[from + i];
        if (arg.len > 0)
            memcpy(bytes, arg.at, arg.len);
        args[i] = span_of(bytes, arg.len);
        bytes += arg.len;
    }
    if (lasts) {
        free(sh->kept_args);
        sh->kept_args = args;
    }
    sh->context.args = args;
    sh->context.argc = count;
}

static int builtin_set(struct run *run)
{
    struct engine *m = engine_of(run);
    if (run->argc == 1) {
        variables_sorted(m, print_variable, false, false);
        return 0;
    }
    size_t at = 1;
    for (; at < run->argc && run->argv[at].len > 0 && (run->argv[at].at[0] == '-' || run->argv[at].at[0] == '+'); at++) {
        if (span_is(run->argv[at], "--")) {
            set_arguments(run, at + 1);
            return 0;
        }
        for (size_t i = 1; i < run->argv[at].len; i++) {
            if (strchr("aefIimnsuvxbClo", run->argv[at].at[i]) == NULL) {
                complain_builtin(m, "set", "illegal option %c%c", run->argv[at].at[0], run->argv[at].at[i]);
                return 2;
            }
        }
        if (span_is(run->argv[at], "-o") || span_is(run->argv[at], "+o"))
            at = at + 1 < run->argc ? at + 1 : at;
    }
    if (at < run->argc)
        set_arguments(run, at);
    return 0;
}

static int builtin_shift(struct run *run)
{
    struct context *c = &run->shell->context;
    int count = 1;
    if (run->argc > 1 && !number_argument(run, 1, &count))
        return 2;
    if ((size_t)count > c->argc)
        return 1;
    c->args = count > 0 ? c->args + count : c->args;
    c->argc -= (size_t)count;
    return 0;
}

/* Splits a line among the names: the last takes the rest. */
static void assign_fields(struct run *run, size_t first, struct span line)
{
    struct span between = field_separators(engine_of(run));
    size_t at = 0;
    for (size_t i = first; i < run->argc; i++) {
        while (at < line.len && strchr(" \t\n", line.at[at]) != NULL && span_find(between, line.at[at]) < between.len)
            at++;
        size_t end = at;
        if (i + 1 < run->argc) {
            while (end < line.len && span_find(between, line.at[end]) == between.len)
                end++;
        } else {
            end = line.len;
            while (end > at && strchr(" \t\n", line.at[end - 1]) != NULL && span_find(between, line.at[end - 1]) < between.len)
                end--;
        }
        if (variable_set(run->shell, run->argv[i], span_part(line, at, end - at)) == -ENOSPC)
            shell_end(run->shell, REASON_MEMORY);
        at = end < line.len ? end + 1 : end;
    }
}

static int builtin_read(struct run *run)
{
    struct engine *m = engine_of(run);
    bool raw = false;
    size_t at = 1;
    struct span prompt = {0};
    for (; at < run->argc && run->argv[at].len > 1 && run->argv[at].at[0] == '-'; at++) {
        struct span option = run->argv[at];
        uint8_t last = option.at[option.len - 1];
        raw = raw || span_find(option, 'r') < option.len;
        if (last == 'p' && at + 1 < run->argc)
            prompt = run->argv[++at];
        else if ((last == 't' || last == 'n' || last == 'u') && at + 1 < run->argc)
            at++;
    }
    for (size_t i = at; i < run->argc; i++) {
        if (!is_name(run->argv[i])) {
            complain_builtin(m, "read", "'%.*s': bad variable name", (int)run->argv[i].len, (const char *)run->argv[i].at);
            return 1;
        }
    }
    if (run->input_is_terminal) {
        (void)stream_out(m, m->io->fd[2], prompt);
        m->ask = ASK_ONE;
        return 0;
    }
    struct span line;
    if (!engine_step(m, 1) || !stream_line(m, m->io->fd[0], &line))
        line = (struct span){0};
    bool whole = line.len > 0 && line.at[line.len - 1] == '\n';
    uint8_t *text = engine_alloc(m, line.len + 1);
    if (text == NULL)
        return 1;
    size_t len = 0;
    for (size_t i = 0; i < line.len; i++) {
        if (line.at[i] == '\\' && !raw && i + 1 < line.len)
            i++;
        if (line.at[i] != '\0' && line.at[i] != '\n')
            text[len++] = line.at[i];
    }
    struct run names = *run;
    struct span reply[] = {span_text("REPLY"), {0}};
    struct command_run cr = {.engine = m, .run = names};
    if (at == run->argc) {
        cr.run.argv = reply;
        cr.run.argc = 1;
        at = 0;
    }
    assign_fields(&cr.run, at, span_of(text, len));
    return whole ? 0 : 1;
}

static int builtin_type(struct run *run)
{
    struct engine *m = engine_of(run);
    bool command = span_is(span_text(own_name(run)), "command");
    size_t at = 1;
    bool brief = false, tell = !command;
    for (; command && at < run->argc && run->argv[at].len > 1 && run->argv[at].at[0] == '-'; at++) {
        brief = brief || span_is(run->argv[at], "-v");
        tell = tell || brief || span_is(run->argv[at], "-V");
    }
    if (!tell)
        return at < run->argc ? command_run(m, run->argc - at, run->argv + at) : 0;
    int status = 0;
    for (; at < run->argc && run_step(run, 1); at++) {
        struct span name = run->argv[at];
        struct command c = command_find(m, name, true);
        if (c.found == FOUND_NOTHING || c.found == FOUND_DENIED || c.found == FOUND_UNKNOWN) {
            status = 127;
            if (!brief)
                run_printf(run, "%.*s: not found\n", (int)name.len, (const char *)name.at);
            continue;
        }
        struct span path = c.path.len > 0 ? c.path : name;
        if (brief)
            run_printf(run, "%.*s\n", (int)path.len, (const char *)path.at);
        else if (c.found == FOUND_FUNCTION)
            run_printf(run, "%.*s is a function\n", (int)name.len, (const char *)name.at);
        else if (c.found == FOUND_BUILTIN)
            run_printf(run, "%.*s is a %sshell builtin\n", (int)name.len, (const char *)name.at, builtin_is_special(c.applet) ? "special " : "");
        else
            run_printf(run, "%.*s is %.*s\n", (int)name.len, (const char *)name.at, (int)path.len, (const char *)path.at);
    }
    return status;
}

static int builtin_umask(struct run *run)
{
    struct shell *sh = run->shell;
    struct span text = run->argc > 1 ? run->argv[run->argc - 1] : (struct span){0};
    if (text.len == 0 || text.at[0] == '-') {
        run_printf(run, "%04o\n", (unsigned)(sh->umask_kept ? sh->umask : 022));
        return 0;
    }
    unsigned value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '7' || i > 3) {
            complain_builtin(engine_of(run), "umask", "illegal mode: %.*s", (int)text.len, (const char *)text.at);
            return 1;
        }
        value = value * 8 + text.at[i] - '0';
    }
    sh->umask = value & 0777;
    sh->umask_kept = true;
    return 0;
}

static int builtin_ulimit(struct run *run)
{
    static const struct {
        char option;
        const char *text, *value;
    } limits[] = {{'f', "-f: file size (blocks)             ", "unlimited"}, {'t', "-t: cpu time (seconds)             ", "unlimited"},
                  {'d', "-d: data seg size (kb)             ", "unlimited"}, {'s', "-s: stack size (kb)                ", "8192"},
                  {'c', "-c: core file size (blocks)        ", "0"},         {'m', "-m: resident set size (kb)         ", "unlimited"},
                  {'l', "-l: locked memory (kb)             ", "64"},        {'p', "-p: processes                      ", "1024"},
                  {'n', "-n: file descriptors               ", "1024"},      {'v', "-v: address space (kb)             ", "unlimited"},
                  {'w', "-w: locks                          ", "unlimited"}, {'e', "-e: scheduling priority            ", "0"},
                  {'r', "-r: real-time priority             ", "0"}};
    char option = 'f';
    if (run->argc > 1 && run->argv[1].len > 1 && run->argv[1].at[0] == '-')
        option = (char)run->argv[1].at[run->argv[1].len - 1];
    bool all = option == 'a', known = all;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        if (!all && limits[i].option != option)
            continue;
        known = true;
        if (all)
            run_printf(run, "%s%s\n", limits[i].text, limits[i].value);
        else if (run->argc < 3)
            run_printf(run, "%s\n", limits[i].value);
    }
    if (!known)
        complain_builtin(engine_of(run), "ulimit", "illegal option -%c", option);
    return known ? 0 : 2;
}

static int builtin_getopts(struct run *run)
{
    struct shell *sh = run->shell;
    const struct span *args = run->argc > 3 ? run->argv + 3 : sh->context.args;
    size_t argc = run->argc > 3 ? run->argc - 3 : sh->context.argc;
    struct span index_text;
    int64_t index = 1;
    if (run->argc < 3 || !is_name(run->argv[2]))
        return 2;
    if (variable_get(sh, span_text("OPTIND"), &index_text) && !arithmetic(engine_of(run), index_text, &index))
        return 2;
    if (index <= 1)
        sh->getopts_at = 0;
    if (index < 1 || (size_t)index > argc || args[index - 1].len < 2 || args[index - 1].at[0] != '-' || span_is(args[index - 1], "--")) {
        (void)variable_set(sh, run->argv[2], span_text("?"));
        return 1;
    }
    struct span word = args[index - 1], options = run->argv[1];
    size_t place = sh->getopts_at > 0 && sh->getopts_at < word.len ? sh->getopts_at : 1;
    uint8_t letter = word.at[place++];
    size_t known = letter == ':' ? options.len : span_find(options, letter);
    struct span name = known < options.len ? span_of(&letter, 1) : span_text("?");
    bool more = place < word.len;
    if (known < options.len && known + 1 < options.len && options.at[known + 1] == ':') {
        struct span value = more ? span_part(word, place, word.len) : (size_t)index < argc ? args[index] : (struct span){0};
        index += more ? 0 : 1;
        more = false;
        (void)variable_set(sh, span_text("OPTARG"), value);
    } else if (known < options.len)
        (void)variable_unset(sh, span_text("OPTARG"));
    else
        complain(engine_of(run), "Illegal option -%c", letter);
    sh->getopts_at = more ? (uint16_t)(place < UINT16_MAX ? place : 0) : 0;
    index += more ? 0 : 1;
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%lld", (long long)index);
    uint16_t at = sh->getopts_at;
    (void)variable_set(sh, span_text("OPTIND"), span_of(digits, (size_t)len));
    sh->getopts_at = at;
    (void)variable_set(sh, run->argv[2], name);
    return 0;
}

static int builtin_let(struct run *run)
{
    int64_t value = 0;
    for (size_t i = 1; i < run->argc; i++) {
        if (!arithmetic(engine_of(run), run->argv[i], &value))
            return 2;
    }
    return value == 0;
}

static int builtin_times(struct run *run)
{
    run_text(run, "0m0.010s 0m0.020s\n0m0.000s 0m0.000s\n");
    return 0;
}

static int builtin_job(struct run *run)
{
    complain_builtin(engine_of(run), own_name(run), "No current job");
    return 2;
}

static int builtin_hash(struct run *run)
{
    int status = 0;
    for (size_t i = 1; i < run->argc; i++) {
        struct span name = run->argv[i];
        if (name.len > 0 && name.at[0] == '-')
            continue;
        if (command_find(engine_of(run), name, true).found == FOUND_NOTHING) {
            complain_builtin(engine_of(run), "hash", "%.*s: not found", (int)name.len, (const char *)name.at);
            status = 1;
        }
    }
    return status;
}

static int builtin_help(struct run *run);

#define BUILTIN(text, function)                                    \
    {                                                              \
        .name = (text), .where = APPLET_BUILTIN, .run = (function) \
    }
static const struct applet builtins[] = {
    BUILTIN(".", builtin_source),       BUILTIN(":", builtin_true),        BUILTIN("alias", builtin_true),   BUILTIN("bg", builtin_job),
    BUILTIN("break", builtin_break),    BUILTIN("cd", builtin_cd),         BUILTIN("chdir", builtin_cd),     BUILTIN("command", builtin_type),
    BUILTIN("continue", builtin_break), BUILTIN("eval", builtin_eval),     BUILTIN("exec", builtin_exec),    BUILTIN("exit", builtin_exit),
    BUILTIN("export", builtin_declare), BUILTIN("false", builtin_false),   BUILTIN("fg", builtin_job),       BUILTIN("getopts", builtin_getopts),
    BUILTIN("hash", builtin_hash),      BUILTIN("help", builtin_help),     BUILTIN("history", builtin_true), BUILTIN("jobs", builtin_true),
    BUILTIN("let", builtin_let),        BUILTIN("local", builtin_declare), BUILTIN("read", builtin_read),    BUILTIN("readonly", builtin_declare),
    BUILTIN("return", builtin_return),  BUILTIN("set", builtin_set),       BUILTIN("shift", builtin_shift),  BUILTIN("source", builtin_source),
    BUILTIN("times", builtin_times),    BUILTIN("trap", builtin_true),     BUILTIN("true", builtin_true),    BUILTIN("type", builtin_type),
    BUILTIN("ulimit", builtin_ulimit),  BUILTIN("umask", builtin_umask),   BUILTIN("unalias", builtin_true), BUILTIN("unset", builtin_unset),
    BUILTIN("wait", builtin_true),
};
enum { BUILTINS = sizeof builtins / sizeof builtins[0] };

const struct applet *builtin_by_name(struct span name)
{
    size_t low = 0, high = BUILTINS;
    while (low < high) {
        size_t middle = (low + high) / 2;
        struct span at = span_text(builtins[middle].name);
        int order = span_compare(at, name);
        if (order == 0)
            return &builtins[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

bool builtin_is_special(const struct applet *applet)
{
    static const char *const special[] = {".",      ":",        "break", "continue", "eval",  "exec", "exit", "export",
                                          "return", "readonly", "set",   "shift",    "times", "trap", "unset"};
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        if (strcmp(applet->name, special[i]) == 0)
            return true;
    }
    return false;
}

static int by_text(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

static int builtin_help(struct run *run)
{
    const char *names[BUILTINS + 64];
    size_t count = 0, known = 0, column = 0;
    for (size_t i = 0; i < BUILTINS; i++)
        names[count++] = builtins[i].name;
    const struct applet *const *all = applets_all(&known);
    for (size_t i = 0; i < known && count < sizeof names / sizeof names[0]; i++) {
        if (all[i]->where != APPLET_BUSYBOX)
            names[count++] = all[i]->name;
    }
    qsort(names, count, sizeof names[0], by_text);
    run_text(run, "Built-in commands:\n------------------\n");
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(names[i]);
        if (i > 0 && strcmp(names[i], names[i - 1]) == 0)
            continue;
        run_text(run, column == 0 ? "\t" : column + len + 1 > 60 ? "\n\t" : " ");
        column = column == 0 || column + len + 1 > 60 ? len : column + len + 1;
        run_text(run, names[i]);
    }
    run_text(run, "\n\n");
    return 0;
}
