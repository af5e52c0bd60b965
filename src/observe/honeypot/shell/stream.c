/* Where input comes from and output goes: the terminal, pipes, files of the tree, text. */
#include "observe/honeypot/shell/inside.h"

#include <errno.h>

static struct stream terminal = {.type = STREAM_TERMINAL};
static struct stream nothing = {.type = STREAM_NULL};
struct io io_terminal = {.fd = {&terminal, &terminal, &terminal}};
struct io io_nothing = {.fd = {&nothing, &nothing, &nothing}};

struct io *io_copy(struct engine *m)
{
    struct io *io = engine_alloc(m, sizeof *io);
    if (io != NULL)
        *io = *m->io;
    return io;
}

static struct answer *answer_push(struct shell *sh)
{
    struct engine *m = sh->engine;
    struct answer *a = m != NULL ? engine_alloc(m, sizeof *a) : NULL;
    if (a == NULL)
        return NULL;
    if (sh->answers == NULL)
        sh->answers_end = &sh->answers;
    *sh->answers_end = a;
    sh->answers_end = &a->next;
    return a;
}

void terminal_out(struct shell *sh, struct span bytes)
{
    if (bytes.len == 0 || sh->ended)
        return;
    bool full = sh->engine != NULL && sh->host.unsent(sh->host.user) >= SHELL_UNSENT_MAX;
    if (sh->answers == NULL && !full) {
        sh->host.say(sh->host.user, bytes);
        return;
    }
    /* Behind what has not all left: the line waits, instead of filling the conversation's queue beyond its cap. */
    struct answer *a = answer_push(sh);
    if (a != NULL)
        a->bytes = engine_copy(sh->engine, bytes);
}

bool answers_go_on(struct shell *sh)
{
    while (sh->answers != NULL && !sh->ended) {
        if (sh->host.unsent(sh->host.user) >= SHELL_UNSENT_MAX)
            return false;
        struct answer *a = sh->answers;
        size_t sent = a->bytes.len;
        if (a->path.len == 0)
            sh->host.say(sh->host.user, a->bytes);
        else {
            uint8_t chunk[SHELL_CHUNK];
            ssize_t got = tree_read(sh->tree, span_text("/"), a->path, a->at, chunk, sizeof chunk);
            if (got > 0) {
                sent = (size_t)got;
                a->at += sent;
                sh->host.say(sh->host.user, span_of(chunk, sent));
            }
            if (got == (ssize_t)sizeof chunk) {
                if (!engine_step(sh->engine, 1 + sent / SHELL_BYTES_PER_STEP))
                    return true;
                continue;
            }
        }
        sh->answers = a->next;
    }
    sh->answers = NULL;
    return true;
}

int stream_out(struct engine *m, struct stream *s, struct span bytes)
{
    if (bytes.len == 0 || s == NULL)
        return s == NULL ? -EBADF : 0;
    if (!engine_step(m, bytes.len / SHELL_BYTES_PER_STEP))
        return 0;
    switch (s->type) {
    case STREAM_TERMINAL:
        terminal_out(m->shell, bytes);
        return 0;
    case STREAM_NULL:
        return 0;
    case STREAM_TEXT:
        return -EBADF;
    case STREAM_PIPE:
        if (bytes.len > s->buf->max - s->buf->len) {
            bytes.len = s->buf->max - s->buf->len;
            if (m->unwind == UNWIND_NONE)
                m->unwind = UNWIND_PIPE;
        }
        buf_span(s->buf, bytes);
        return m->unwind == UNWIND_PIPE ? -EPIPE : 0;
    case STREAM_FILE: {
        int r = tree_write(m->shell->tree, span_text("/"), s->text, s->append ? SIZE_MAX : s->at, bytes);
        if (r == 0)
            s->at += bytes.len;
        return r;
    }
    }
    return 0;
}

struct span stream_rest(struct engine *m, struct stream *s)
{
    struct span rest = {0};
    if (s == NULL)
        return rest;
    if (s->type == STREAM_TEXT) {
        rest = span_part(s->text, s->at, s->text.len);
        s->at = s->text.len;
    }
    if (s->type != STREAM_FILE)
        return rest;
    struct tree_stat st;
    if (tree_stat(m->shell->tree, span_text("/"), s->text, true, &st) < 0 || st.type == TREE_DIRECTORY)
        return rest;
    /* Of a device that never ends, what a pipe would hold. */
    size_t len = st.type == TREE_DEVICE ? SHELL_PIPE_MAX : st.size > s->at ? st.size - s->at : 0;
    if (st.type != TREE_DEVICE && span_starts(st.path, "/proc/"))
        len += 64; /* may have grown */
    if (len > TREE_FILE_MAX)
        len = TREE_FILE_MAX;
    uint8_t *bytes = len > 0 && engine_step(m, 1 + len / (SHELL_BYTES_PER_STEP * 4)) ? engine_alloc(m, len) : NULL;
    if (bytes == NULL)
        return rest;
    ssize_t got = tree_read(m->shell->tree, span_text("/"), s->text, s->at, bytes, len);
    if (got <= 0)
        return rest;
    s->at += (size_t)got;
    return span_of(bytes, (size_t)got);
}

bool stream_line(struct engine *m, struct stream *s, struct span *ret)
{
    if (s == NULL)
        return false;
    if (s->type == STREAM_TEXT) {
        struct span rest = span_part(s->text, s->at, s->text.len);
        size_t len = span_find(rest, '\n');
        *ret = span_part(rest, 0, len < rest.len ? len + 1 : len);
        s->at += ret->len;
        return ret->len > 0;
    }
    if (s->type != STREAM_FILE)
        return false;
    struct buf line;
    buf_init(&line, SHELL_WORD_MAX);
    bool ended = false;
    while (!ended) {
        uint8_t chunk[512];
        ssize_t got = tree_read(m->shell->tree, span_text("/"), s->text, s->at + line.len, chunk, sizeof chunk);
        if (got <= 0)
            break;
        struct span piece = span_of(chunk, (size_t)got);
        size_t len = span_find(piece, '\n');
        ended = len < piece.len;
        if (ended)
            len++;
        buf_put(&line, chunk, len);
        if (line.error != 0)
            break;
    }
    *ret = engine_copy(m, buf_as_span(&line));
    s->at += ret->len;
    buf_done(&line);
    return ret->len > 0;
}

static const char *create_error(int error)
{
    return error == -ENOENT || error == -ENOTDIR ? "nonexistent directory" : strerror(-error);
}

/* Opens a path as the redirection wants it; NULL after the message. */
static struct stream *open_path(struct engine *m, const struct redirect *r, struct span path)
{
    struct shell *sh = m->shell;
    struct tree_stat st = {0};
    int error = tree_stat(sh->tree, sh->cwd, path, true, &st);
    if (r->type == REDIRECT_READ && error == -ENOENT) {
        complain(m, "can't open %.*s: no such file", (int)path.len, (const char *)path.at);
        return NULL;
    }
    if (error == 0 && st.type == TREE_DEVICE) {
        struct span device = st.target;
        if (span_starts(device, "c 5 ") || span_starts(device, "c 136 "))
            return &terminal;
        if (r->type != REDIRECT_READ || (!span_is(device, "c 1 5") && !span_is(device, "c 1 8") && !span_is(device, "c 1 9")))
            return &nothing;
    }
    if (r->type == REDIRECT_WRITE)
        error = tree_truncate(sh->tree, sh->cwd, path, 0);
    else if (r->type != REDIRECT_READ)
        error = tree_write(sh->tree, sh->cwd, path, SIZE_MAX, (struct span){0});
    char absolute[TREE_PATH_MAX];
    if (error == 0)
        error = tree_absolute(sh->cwd, path, absolute);
    if (error < 0) {
        bool reading = r->type == REDIRECT_READ;
        complain(m, "can't %s %.*s: %s", reading ? "open" : "create", (int)path.len, (const char *)path.at,
                 reading && error == -ENOTDIR ? "no such file"
                 : reading                    ? strerror(-error)
                                              : create_error(error));
        return NULL;
    }
    struct stream *s = engine_alloc(m, sizeof *s);
    if (s == NULL)
        return NULL;
    *s = (struct stream){.type = STREAM_FILE, .text = engine_copy(m, span_text(absolute)), .append = r->type == REDIRECT_APPEND};
    return s;
}

static struct span without_tabs(struct engine *m, struct span body)
{
    uint8_t *to = engine_alloc(m, body.len + 1);
    size_t len = 0;
    if (to == NULL)
        return body;
    bool start = true;
    for (size_t i = 0; i < body.len; i++) {
        if (start && body.at[i] == '\t')
            continue;
        start = body.at[i] == '\n';
        to[len++] = body.at[i];
    }
    return span_of(to, len);
}

static int redirect_one(struct engine *m, const struct redirect *r)
{
    struct io *io = m->io;
    struct stream *s = NULL;
    struct span word;
    if (r->type == REDIRECT_HERE) {
        word = r->strip ? without_tabs(m, r->target) : r->target;
        if (!r->literal && !expand_one(m, word, EXPAND_HERE, &word))
            return -1;
        s = engine_alloc(m, sizeof *s);
        if (s == NULL)
            return -1;
        *s = (struct stream){.type = STREAM_TEXT, .text = word};
        io->fd[r->fd] = s;
        return 0;
    }
    if (!expand_one(m, r->target, EXPAND_WORD, &word))
        return -1;
    if (r->type == REDIRECT_DUPLICATE && span_is(word, "-")) {
        io->fd[r->fd] = NULL;
        return 0;
    }
    if (r->type == REDIRECT_DUPLICATE && word.len == 1 && word.at[0] >= '0' && word.at[0] <= '9') {
        s = io->fd[word.at[0] - '0'];
        if (s == NULL) {
            complain(m, "%c: Bad file descriptor", word.at[0]);
            return -1;
        }
        io->fd[r->fd] = s;
        return 0;
    }
    struct redirect file = *r;
    if (r->type == REDIRECT_DUPLICATE) { /* >&file */
        file.type = REDIRECT_WRITE;
        file.with_error = true;
    }
    s = open_path(m, &file, word);
    if (s == NULL)
        return -1;
    io->fd[r->fd] = s;
    if (file.with_error)
        io->fd[2] = s;
    return 0;
}

int redirect_all(struct engine *m, const struct redirect *first)
{
    struct io *io = io_copy(m), *old = m->io;
    if (io == NULL)
        return -1;
    /* Each sees what the ones before it changed; a message goes where errors went before. */
    for (const struct redirect *r = first; r != NULL; r = r->next) {
        m->io = io;
        if (!engine_step(m, 1) || redirect_one(m, r) < 0) {
            m->io = old;
            return -1;
        }
    }
    return 0;
}
