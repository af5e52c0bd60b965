/* Finds and starts one command. Nothing is executed: a command is one of ash's own, an applet, an answer of the profile, or a file looked at. */
#include "observe/honeypot/shell/inside.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

__attribute__((format(printf, 3, 0))) static void complain_list(struct engine *m, const char *builtin, const char *format, va_list args)
{
    const struct context *c = &m->shell->context;
    char line[32] = "", text[1024];
    if (c->numbered)
        (void)snprintf(line, sizeof line, "line %u: ", (unsigned)c->line);
    size_t name_len = c->name.len < 256 ? c->name.len : 256;
    int len = snprintf(text, sizeof text, "%.*s: %s%s%s", (int)name_len, (const char *)c->name.at, builtin, builtin[0] != '\0' ? ": " : "", line);
    size_t at = len > 0 ? (size_t)len : 0;
    len = vsnprintf(text + at, sizeof text - at - 1, format, args);
    if (len > 0)
        at += (size_t)len < sizeof text - at - 1 ? (size_t)len : sizeof text - at - 2;
    text[at++] = '\n';
    (void)stream_out(m, m->io->fd[2], span_of(text, at));
}

void complain(struct engine *m, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain_list(m, "", format, args);
    va_end(args);
}

void complain_builtin(struct engine *m, const char *builtin, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain_list(m, builtin, format, args);
    va_end(args);
}

static struct span basename_of(struct span path)
{
    size_t at = path.len;
    while (at > 0 && path.at[at - 1] != '/')
        at--;
    return span_part(path, at, path.len);
}

static bool is_busybox(const struct tree_stat *st)
{
    return st->type == TREE_APPLET || (st->generated != NULL && span_is(basename_of(st->generated->path), "busybox"));
}

/* What running the file at `path` would be. */
static struct command find_file(struct engine *m, struct span path)
{
    struct shell *sh = m->shell;
    struct command c = {.path = path};
    struct tree_stat st;
    if (tree_stat(sh->tree, sh->cwd, path, true, &st) < 0)
        return c;
    if (st.type == TREE_DIRECTORY || st.type == TREE_DEVICE || (st.mode & 0111) == 0) {
        c.found = FOUND_DENIED;
        return c;
    }
    struct span name = basename_of(path);
    if (is_busybox(&st)) {
        c.applet = applet_by_name(name);
        bool has = st.type == TREE_APPLET || span_is(name, "busybox") || profile_has_applet(sh->host.profile, name);
        c.found = !has ? FOUND_UNKNOWN : c.applet != NULL ? FOUND_APPLET : FOUND_SILENT;
    } else if (st.generated != NULL) {
        /* A program of its own on this device, perhaps one that busybox has too. */
        if (!st.by_attacker)
            c.applet = applet_by_name(name);
        c.found = c.applet != NULL ? FOUND_APPLET : FOUND_SILENT;
    } else
        c.found = FOUND_FILE;
    return c;
}

static struct command find_in_path(struct engine *m, struct span name)
{
    struct command c = {.found = FOUND_NOTHING};
    struct span dirs;
    if (!variable_get(m->shell, span_text("PATH"), &dirs))
        return c;
    for (unsigned tries = 0; dirs.len > 0 && tries < 16; tries++) {
        size_t len = span_find(dirs, ':');
        char path[TREE_PATH_MAX];
        int all = snprintf(path, sizeof path, "%.*s/%.*s", (int)(len < 256 ? len : 256), (const char *)dirs.at,
                           (int)(name.len < TREE_PATH_MAX ? name.len : TREE_PATH_MAX), (const char *)name.at);
        dirs = span_part(dirs, len + 1, dirs.len);
        if (all <= 0 || (size_t)all >= sizeof path)
            continue;
        struct command at = find_file(m, span_of(path, (size_t)all));
        if (at.found == FOUND_NOTHING)
            continue;
        c = at;
        c.path = engine_copy(m, at.path);
        if (c.found != FOUND_DENIED)
            return c;
    }
    return c;
}

struct command command_find(struct engine *m, struct span name, bool functions)
{
    struct shell *sh = m->shell;
    struct command c = {.found = FOUND_NOTHING};
    if (name.len == 0)
        return c;
    if (span_find(name, '/') < name.len)
        return find_file(m, name);
    if (functions && sh->function_count > 0) {
        c.function = function_find(sh, name);
        if (c.function != NULL) {
            c.found = FOUND_FUNCTION;
            return c;
        }
    }
    c.applet = builtin_by_name(name);
    if (c.applet != NULL) {
        c.found = FOUND_BUILTIN;
        return c;
    }
    c.applet = applet_by_name(name);
    if (c.applet != NULL && c.applet->where != APPLET_BUSYBOX) {
        c.found = FOUND_BUILTIN;
        return c;
    }
    if (profile_has_applet(sh->host.profile, name)) {
        c.found = c.applet != NULL ? FOUND_APPLET : FOUND_SILENT;
        return c;
    }
    return find_in_path(m, name);
}

/* The profile's answer to a whole command line, words joined by one space. */
static const struct profile_answer *find_answer(const struct profile *profile, size_t argc, const struct span *argv)
{
    for (size_t i = 0; i < profile->answer_count; i++) {
        struct span line = profile->answers[i].command;
        size_t at = 0, word = 0;
        for (; word < argc; word++) {
            size_t need = argv[word].len + (word > 0 ? 1 : 0);
            if (need > line.len - at || (word > 0 && line.at[at] != ' '))
                break;
            at += need - argv[word].len;
            if (argv[word].len > 0 && memcmp(line.at + at, argv[word].at, argv[word].len) != 0)
                break;
            at += argv[word].len;
        }
        if (word == argc && at == line.len)
            return &profile->answers[i];
    }
    return NULL;
}

void run_flush(struct command_run *cr)
{
    if (cr->out.len == 0)
        return;
    int r = stream_out(cr->engine, cr->engine->io->fd[1], buf_as_span(&cr->out));
    if (r < 0 && r != -EPIPE && cr->error == 0)
        cr->error = r;
    buf_clear(&cr->out);
}

int command_applet(struct engine *m, const struct applet *applet, size_t argc, const struct span *argv)
{
    struct io *io = m->io;
    struct command_run cr = {.engine = m};
    if (!engine_deeper(m)) /* commands that run commands: busybox, command, xargs */
        return 1;
    cr.run = (struct run){.shell = m->shell,
                          .argc = argc,
                          .argv = argv,
                          .self = applet,
                          .input_is_terminal = io->fd[0] != NULL && io->fd[0]->type == STREAM_TERMINAL && !m->sync,
                          .output_is_terminal = io->fd[1] != NULL && io->fd[1]->type == STREAM_TERMINAL};
    buf_init(&cr.out, SHELL_PIPE_MAX);
    int status = applet->run(&cr.run);
    m->shell->depth--;
    run_flush(&cr);
    if (cr.error != 0) {
        char text[128];
        int len = snprintf(text, sizeof text, "%.*s: write error: %s\n", (int)(argv[0].len < 64 ? argv[0].len : 64), (const char *)argv[0].at,
                           strerror(-cr.error));
        (void)stream_out(m, io->fd[2], span_of(text, len > 0 ? (size_t)len : 0));
        status = 1;
    }
    buf_done(&cr.out);
    return status;
}

static int call_function(struct engine *m, struct function *function, size_t argc, const struct span *argv)
{
    if (!engine_deeper(m))
        return 2;
    struct frame *f = engine_push(m, FRAME_CALL);
    if (f == NULL) {
        m->shell->depth--;
        return 2;
    }
    f->deep = true;
    f->scope.whole = true;
    f->scope.saved = m->shell->context;
    f->scope.undo = m->shell->undo_count;
    f->scope.function = function;
    function->users++;
    m->shell->context.args = argv + 1;
    m->shell->context.argc = argc - 1;
    engine_text(m, function_body(function), TEXT_EVAL);
    return 0;
}

static bool is_elf(struct span content)
{
    return content.len >= 20 && memcmp(content.at, "\177ELF", 4) == 0;
}

static bool runs_here(const struct profile *profile, struct span elf)
{
    const struct machine_info *info = machine_info(profile->machine);
    bool big = elf.at[5] == 2;
    unsigned machine = big ? (unsigned)(elf.at[18] << 8 | elf.at[19]) : (unsigned)(elf.at[19] << 8 | elf.at[18]);
    return info != NULL && elf.at[4] == info->elf_class && big == info->big_endian && machine == info->e_machine;
}

/* A file of the attacker's, or a script of the device. */
static int run_file(struct engine *m, struct span path, size_t argc, const struct span *argv)
{
    struct shell *sh = m->shell;
    struct tree_stat st;
    if (tree_stat(sh->tree, sh->cwd, path, true, &st) < 0)
        return 127;
    if (st.by_attacker)
        sample_file(sh, st.path, "written");
    size_t len = st.size < TREE_FILE_MAX ? st.size : TREE_FILE_MAX;
    if (!engine_step(m, 1 + len / (SHELL_BYTES_PER_STEP * 16)))
        return 1;
    struct span name = argv[0], text = {0};
    uint8_t head[64];
    ssize_t got = tree_read(sh->tree, sh->cwd, path, 0, head, sizeof head);
    struct span start = span_of(head, got > 0 ? (size_t)got : 0);
    if (is_elf(start)) {
        if (runs_here(sh->host.profile, start))
            return 0;
        /* The kernel refuses it, so ash reads it as a script. */
        char message[TREE_PATH_MAX + 64];
        int n = snprintf(message, sizeof message, "%.*s: line 1: syntax error: unexpected \"(\"\n", (int)(name.len < 400 ? name.len : 400),
                         (const char *)name.at);
        (void)stream_out(m, m->io->fd[2], span_of(message, n > 0 ? (size_t)n : 0));
        return 2;
    }
    if (span_starts(start, "#!")) {
        struct span interpreter = span_part(start, 2, span_find(start, '\n') - 2);
        while (interpreter.len > 0 && interpreter.at[0] == ' ')
            interpreter = span_part(interpreter, 1, interpreter.len);
        interpreter.len = span_find(interpreter, ' ');
        struct span base = basename_of(interpreter);
        if (tree_stat(sh->tree, span_text("/"), interpreter, true, &st) < 0) {
            complain(m, "%.*s: not found", (int)name.len, (const char *)name.at);
            return 127;
        }
        if (!span_is(base, "sh") && !span_is(base, "ash") && !span_is(base, "bash"))
            return 0;
    }
    uint8_t *bytes = len > 0 ? engine_alloc(m, len) : NULL;
    if (bytes != NULL) {
        got = tree_read(sh->tree, sh->cwd, path, 0, bytes, len);
        text = span_of(bytes, got > 0 ? (size_t)got : 0);
    }
    struct span *args = engine_alloc(m, (argc + 1) * sizeof *args);
    if (args == NULL)
        return 1;
    memcpy(args, argv, argc * sizeof *args);
    return engine_script(m, text, name, argc, args);
}

int command_run(struct engine *m, size_t argc, const struct span *argv)
{
    struct shell *sh = m->shell;
    if (argc == 0 || !engine_step(m, 1))
        return 0;
    struct command c = command_find(m, argv[0], true);
    if (c.found == FOUND_FUNCTION)
        return call_function(m, c.function, argc, argv);
    if (c.found == FOUND_BUILTIN)
        return command_applet(m, c.applet, argc, argv);
    const struct profile_answer *answer = find_answer(sh->host.profile, argc, argv);
    if (answer != NULL) {
        (void)stream_out(m, m->io->fd[1], answer->output);
        return answer->status & 0xff;
    }
    struct span name = argv[0];
    switch (c.found) {
    case FOUND_APPLET:
        return command_applet(m, c.applet, argc, argv);
    case FOUND_SILENT:
        return 0;
    case FOUND_FILE:
        return run_file(m, c.path, argc, argv);
    case FOUND_UNKNOWN: {
        struct span base = basename_of(name);
        char text[TREE_PATH_MAX];
        int len = snprintf(text, sizeof text, "%.*s: applet not found\n", (int)(base.len < 256 ? base.len : 256), (const char *)base.at);
        (void)stream_out(m, m->io->fd[2], span_of(text, len > 0 ? (size_t)len : 0));
        sh->failed = true;
        return 127;
    }
    case FOUND_DENIED:
        complain(m, "%.*s: Permission denied", (int)name.len, (const char *)name.at);
        return 126;
    default:
        complain(m, "%.*s: not found", (int)name.len, (const char *)name.at);
        sh->failed = true;
        return 127;
    }
}

/* Assignments before a command (then it finds them in its environment), or alone. False: given up. */
static bool assign_all(struct engine *m, const struct word *first, bool export)
{
    for (const struct word *w = first; w != NULL; w = w->next) {
        struct span name = span_part(w->text, 0, span_find(w->text, '=')), value;
        if (!engine_step(m, 1) || !expand_one(m, span_part(w->text, name.len + 1, w->text.len), EXPAND_WORD, &value))
            return false;
        int r = variable_set(m->shell, name, value);
        if (r == -EPERM) {
            complain(m, "%.*s: is read only", (int)name.len, (const char *)name.at);
            engine_abort(m, 2);
            return false;
        }
        if (r < 0) {
            shell_end(m->shell, REASON_MEMORY);
            return false;
        }
        if (export)
            variable_find(m->shell, name)->exported = true;
    }
    return true;
}

/* What the command that just returned asked for: the terminal, or a shell of its own. */
static void heed(struct engine *m, size_t argc, const struct span *argv)
{
    int ask = (int)m->ask;
    m->ask = ASK_NOTHING;
    if (ask == ASK_NOTHING || m->sync || m->shell->ended)
        return;
    if (ask == ASK_NESTED) {
        m->wait = WAIT_NESTED;
        return;
    }
    struct frame *f = engine_push(m, FRAME_READ);
    if (f == NULL)
        return;
    f->read.argc = argc;
    f->read.argv = argv;
    f->read.by_line = ask == ASK_LINES;
    f->read.once = ask == ASK_ONE;
    if (ask == ASK_ALL) {
        f->read.typed = malloc(sizeof *f->read.typed);
        if (f->read.typed == NULL)
            shell_end(m->shell, REASON_MEMORY);
        else
            buf_init(f->read.typed, SHELL_PIPE_MAX);
    }
}

/* A frame under the command: it puts back the redirections, and the variables set for this command alone. */
static bool push_under(struct engine *m, struct io *old, bool scoped)
{
    struct frame *f = engine_push(m, scoped ? FRAME_SCOPE : FRAME_REDIRECT);
    if (f == NULL)
        return false;
    f->io = old;
    if (scoped) {
        f->scope.scoped = true;
        f->scope.undo = scope_enter(m->shell);
    }
    return true;
}

void command_exec(struct engine *m, const struct node *node)
{
    struct span *argv = NULL;
    size_t argc = 0;
    m->substituted = 0;
    if (!engine_step(m, 1) || !expand_words(m, node->words, &argv, &argc))
        return;
    struct io *old = m->io;
    if (node->redirects != NULL && redirect_all(m, node->redirects) < 0) {
        if (m->unwind == UNWIND_NONE)
            m->status = 1;
        return;
    }
    if (argc == 0) {
        m->io = old;
        if (assign_all(m, node->assignments, false))
            m->status = m->substituted;
        return;
    }
    struct command c = node->assignments != NULL ? command_find(m, argv[0], true) : (struct command){0};
    bool scoped = node->assignments != NULL && c.found != FOUND_FUNCTION && c.found != FOUND_BUILTIN;
    size_t before = m->count;
    bool lasting = span_is(argv[0], "exec") && argc == 1;
    if (((m->io != old && !lasting) || scoped) && !push_under(m, old, scoped))
        return;
    size_t with = m->count;
    if (node->assignments != NULL && !assign_all(m, node->assignments, scoped))
        return;
    m->status = command_run(m, argc, argv);
    heed(m, argc, argv);
    /* Nothing waits on top of it: the frame below the command has done its work. */
    if (with > before && m->count == with && m->wait == WAIT_NONE && m->unwind == UNWIND_NONE)
        engine_pop(m);
}
