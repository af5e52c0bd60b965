/* The registry of applets, and what they may use. */
#include "observe/honeypot/shell/inside.h"

#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define APPLET(name) extern const struct applet applet_##name;
#include "observe/honeypot/shell/applets.def"
#undef APPLET

/* Ended by NULL, so that it is never empty; sorted at first use. */
static const struct applet *applets[] = {
#define APPLET(name) &applet_##name,
#include "observe/honeypot/shell/applets.def"
#undef APPLET
    NULL};
enum { APPLETS = sizeof applets / sizeof applets[0] - 1 };
static bool sorted;

static int by_name(const void *a, const void *b)
{
    const struct applet *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

const struct applet *const *applets_all(size_t *ret_count)
{
    if (!sorted) {
        qsort(applets, APPLETS, sizeof applets[0], by_name);
        sorted = true;
    }
    *ret_count = APPLETS;
    return applets;
}

const struct applet *applet_by_name(struct span name)
{
    size_t low = 0, high;
    (void)applets_all(&high);
    while (low < high) {
        size_t middle = (low + high) / 2;
        struct span at = span_text(applets[middle]->name);
        int order = span_compare(at, name);
        if (order == 0)
            return applets[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static struct command_run *whole(struct run *run)
{
    return (struct command_run *)(void *)run;
}

struct span run_input(struct run *run)
{
    struct engine *m = whole(run)->engine;
    return stream_rest(m, m->io->fd[0]);
}

int run_await_input(struct run *run, bool by_line)
{
    whole(run)->engine->ask = by_line ? ASK_LINES : ASK_ALL;
    return 0;
}

void run_out(struct run *run, struct span bytes)
{
    struct command_run *cr = whole(run);
    if (cr->out.len + bytes.len > 4096)
        run_flush(cr);
    if (bytes.len > 1024) {
        int r = stream_out(cr->engine, cr->engine->io->fd[1], bytes);
        if (r < 0 && r != -EPIPE && cr->error == 0)
            cr->error = r;
        return;
    }
    buf_span(&cr->out, bytes);
}

void run_text(struct run *run, const char *text)
{
    run_out(run, span_text(text));
}

void run_printf(struct run *run, const char *format, ...)
{
    struct buf text;
    va_list args;
    buf_init(&text, SHELL_WORD_MAX);
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    run_out(run, buf_as_span(&text));
    buf_done(&text);
}

void run_error(struct run *run, const char *format, ...)
{
    struct command_run *cr = whole(run);
    struct buf text;
    va_list args;
    buf_init(&text, SHELL_WORD_MAX);
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    run_flush(cr);
    (void)stream_out(cr->engine, cr->engine->io->fd[2], buf_as_span(&text));
    buf_done(&text);
}

int run_fail(struct run *run, struct span path, int error)
{
    run_error(run, "%s: %.*s: %s\n", run->self->name, (int)path.len, (const char *)path.at, strerror(error < 0 ? -error : error));
    return 1;
}

int run_usage(struct run *run)
{
    struct span version = run->shell->host.profile->busybox_version;
    run_error(run, "BusyBox %.*s multi-call binary.\n\nUsage: %s\n", (int)version.len, (const char *)version.at,
              run->self->usage != NULL ? run->self->usage : run->self->name);
    return 1;
}

/* The whole of a generated file into an empty one: a reference, no bytes. */
static bool cat_by_reference(struct engine *m, const struct tree_stat *st, struct stream *out)
{
    struct tree *t = m->shell->tree;
    struct tree_stat to;
    if (st->generated == NULL || out->type != STREAM_FILE || out->at != 0)
        return false;
    if (tree_stat(t, span_text("/"), out->text, true, &to) < 0 || to.size != 0)
        return false;
    if (tree_copy(t, span_text("/"), st->path, out->text) < 0)
        return false;
    out->at = st->size;
    return true;
}

static int cat_now(struct command_run *cr, struct span path, size_t size)
{
    struct engine *m = cr->engine;
    for (size_t at = 0; at < size && m->unwind == UNWIND_NONE && !m->shell->ended;) {
        uint8_t chunk[SHELL_CHUNK];
        size_t want = size - at < sizeof chunk ? size - at : sizeof chunk;
        ssize_t got = tree_read(m->shell->tree, span_text("/"), path, at, chunk, want);
        if (got <= 0)
            return got < 0 && at == 0 ? (int)got : 0;
        at += (size_t)got;
        int r = stream_out(m, m->io->fd[1], span_of(chunk, (size_t)got));
        if (r < 0) {
            cr->error = r != -EPIPE ? r : 0;
            return 0;
        }
    }
    return 0;
}

int run_cat(struct run *run, struct span path)
{
    struct command_run *cr = whole(run);
    struct engine *m = cr->engine;
    struct shell *sh = run->shell;
    struct tree_stat st;
    char absolute[TREE_PATH_MAX];
    int r = tree_stat(sh->tree, sh->cwd, path, true, &st);
    if (r == 0 && st.type == TREE_DIRECTORY)
        r = -EISDIR;
    if (r == 0)
        r = tree_absolute(sh->cwd, path, absolute);
    if (r < 0)
        return r;
    run_flush(cr);
    struct stream *out = m->io->fd[1];
    if (out == NULL || out->type == STREAM_NULL || (out->type == STREAM_FILE && cat_by_reference(m, &st, out)))
        return 0;
    bool endless = st.type == TREE_DEVICE;
    if (out->type == STREAM_TERMINAL && (endless || st.size > SHELL_CHUNK / 4) && sh->engine != NULL) {
        struct answer *a = engine_alloc(m, sizeof *a);
        struct span copy = engine_copy(m, span_text(absolute));
        if (a == NULL || copy.len == 0)
            return 0;
        *a = (struct answer){.path = copy};
        if (sh->answers == NULL)
            sh->answers_end = &sh->answers;
        *sh->answers_end = a;
        sh->answers_end = &a->next;
        return 0;
    }
    size_t most = out->type == STREAM_PIPE ? SHELL_PIPE_MAX + 1 : TREE_FILE_MAX + 1;
    /* A file of /proc may have grown since; a file that is copied onto itself ends where it ended. */
    size_t size = endless ? most : st.size + (span_starts(st.path, "/proc/") ? 64U : 0U);
    return cat_now(cr, span_text(absolute), size < most ? size : most);
}

struct tree *run_tree(struct run *run)
{
    return run->shell->tree;
}

struct span run_cwd(struct run *run)
{
    return run->shell->cwd;
}

int run_chdir(struct run *run, struct span path)
{
    struct shell *sh = run->shell;
    struct tree_stat st;
    char absolute[TREE_PATH_MAX];
    int r = tree_stat(sh->tree, sh->cwd, path, true, &st);
    if (r == 0 && st.type != TREE_DIRECTORY)
        r = -ENOTDIR;
    if (r == 0)
        r = tree_absolute(sh->cwd, path, absolute);
    return r < 0 ? r : cwd_set(sh, span_text(absolute));
}

const struct profile *run_profile(struct run *run)
{
    return run->shell->host.profile;
}

const struct shell_host *run_host(struct run *run)
{
    return &run->shell->host;
}

struct arena *run_scratch(struct run *run)
{
    return whole(run)->engine->arena;
}

struct span run_variable(struct run *run, struct span name)
{
    struct span value;
    return variable_get(run->shell, name, &value) ? value : (struct span){0};
}

int run_set(struct run *run, struct span name, struct span value)
{
    return is_name(name) ? variable_set(run->shell, name, value) : -EINVAL;
}

void run_unset(struct run *run, struct span name)
{
    (void)variable_unset(run->shell, name);
}

bool run_step(struct run *run, size_t steps)
{
    struct engine *m = whole(run)->engine;
    return engine_step(m, steps) && m->unwind == UNWIND_NONE;
}

static struct span *copy_words(struct engine *m, size_t argc, const struct span *argv)
{
    struct span *words = engine_alloc(m, (argc + 1) * sizeof *words);
    for (size_t i = 0; i < argc && words != NULL; i++)
        words[i] = engine_copy(m, argv[i]);
    return words;
}

int run_command(struct run *run, size_t argc, const struct span *argv)
{
    struct command_run *cr = whole(run);
    struct engine *m = cr->engine;
    struct span *words = argc > 0 ? copy_words(m, argc, argv) : NULL;
    run_flush(cr);
    return words != NULL ? command_run(m, argc, words) : 1;
}

int run_script(struct run *run, struct span text, struct span name, size_t argc, const struct span *argv)
{
    struct command_run *cr = whole(run);
    struct engine *m = cr->engine;
    struct shell *sh = run->shell;
    run_flush(cr);
    if (name.len > 0) {
        struct tree_stat st;
        if (tree_stat(sh->tree, sh->cwd, name, true, &st) == 0) {
            if (st.generated != NULL && st.by_attacker)
                return 0; /* a placeholder says nothing, whatever it is taken for */
            if (st.by_attacker)
                sample_file(sh, st.path, "written");
        }
    }
    struct span *words = argc > 0 && argv != NULL ? copy_words(m, argc, argv) : NULL;
    return engine_script(m, engine_copy(m, text), engine_copy(m, name), words != NULL ? argc : 0, words);
}

void run_nested_shell(struct run *run)
{
    if (run->input_is_terminal)
        whole(run)->engine->ask = ASK_NESTED;
}

void run_exit(struct run *run, int status)
{
    struct engine *m = whole(run)->engine;
    m->status = status;
    m->unwind = UNWIND_EXIT;
}

void run_sleep(struct run *run, usec_t time)
{
    struct command_run *cr = whole(run);
    run_flush(cr);
    /* A job in the background sleeps without anyone waiting for it. */
    if (cr->engine->job_limit == 0 && time > 0)
        run->shell->host.delay(run->shell->host.user, time);
}

void run_download(struct run *run, const char *method, struct span url, struct span host, struct span target, struct span path)
{
    struct shell *sh = run->shell;
    struct buf texts[4];
    const struct span spans[4] = {url, host, target, path};
    static const enum fact_name names[4] = {FACT_URL_FULL, FACT_URL_DOMAIN, FACT_DOWNLOAD_TARGET, FACT_FILE_PATH};
    struct fact facts[5] = {fact_text(FACT_DOWNLOAD_METHOD, span_text(method))};
    size_t count = 1;
    for (size_t i = 0; i < 4; i++) {
        buf_init(&texts[i], 4096);
        text_to_utf8(&texts[i], span_part(spans[i], 0, 1024));
        if (texts[i].len > 0)
            facts[count++] = fact_text(names[i], buf_as_span(&texts[i]));
    }
    sh->host.fact(sh->host.user, KIND_DOWNLOAD, facts, count);
    sh->counts.downloads++;
    for (size_t i = 0; i < 4; i++)
        buf_done(&texts[i]);
}

void run_sample(struct run *run, struct span path, const char *origin)
{
    sample_file(run->shell, path, origin);
}
