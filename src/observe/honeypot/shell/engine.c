/*
 * Runs commands: a stack of frames, one step at a time, instead of recursion, so that it can wait for the terminal in the middle of a line.
 * Leaving (break, exit, an error) takes frames off until one of them is where it ends.
 */
#include "observe/honeypot/shell/inside.h"

#include <errno.h>
#include <stdlib.h>

void engine_init(struct engine *m, struct shell *sh, struct engine *outer, struct arena *arena)
{
    *m = (struct engine){.shell = sh, .outer = outer, .io = &io_terminal, .status = sh->status};
    m->frames = m->first;
    m->room = sizeof m->first / sizeof m->first[0];
    if (arena == NULL) {
        arena_init(&m->own, SHELL_SCRATCH_MAX);
        m->arena = &m->own;
    } else
        m->arena = arena;
    if (outer != NULL) {
        m->sync = true;
        m->io = outer->io;
        m->status = outer->status;
        m->job_limit = outer->job_limit;
    }
}

void *engine_alloc(struct engine *m, size_t len)
{
    void *made = arena_alloc(m->arena, len);
    if (made == NULL)
        shell_end(m->shell, REASON_MEMORY);
    return made;
}

struct span engine_copy(struct engine *m, struct span bytes)
{
    uint8_t *copy = bytes.len > 0 ? engine_alloc(m, bytes.len) : NULL;
    if (copy == NULL)
        return (struct span){0};
    memcpy(copy, bytes.at, bytes.len);
    return span_of(copy, bytes.len);
}

bool engine_step(struct engine *m, size_t steps)
{
    struct shell *sh = m->shell;
    if (sh->ended)
        return false;
    steps += tree_work(sh->tree) / SHELL_WORK_PER_STEP;
    if (steps > SHELL_STEPS_MAX)
        steps = SHELL_STEPS_MAX;
    sh->steps += (uint32_t)steps;
    sh->line_steps += (uint32_t)steps;
    if (m->job_limit != 0 && sh->line_steps > m->job_limit) {
        if (m->unwind == UNWIND_NONE)
            m->unwind = UNWIND_JOB;
        return false;
    }
    if (sh->steps > SHELL_STEPS_MAX || sh->line_steps > SHELL_LINE_STEPS_MAX) {
        shell_end(sh, REASON_WORK);
        return false;
    }
    return true;
}

bool engine_deeper(struct engine *m)
{
    if (m->shell->depth < SHELL_DEPTH_MAX) {
        m->shell->depth++;
        return true;
    }
    if (m->job_limit != 0 && m->unwind == UNWIND_NONE)
        m->unwind = UNWIND_JOB;
    else
        shell_end(m->shell, REASON_WORK);
    return false;
}

struct frame *engine_push(struct engine *m, enum frame_type type)
{
    if (m->count == m->room) {
        struct frame *frames = m->count < SHELL_FRAMES_MAX ? arena_alloc(m->arena, m->room * 2 * sizeof *frames) : NULL;
        if (frames == NULL) {
            shell_end(m->shell, m->count < SHELL_FRAMES_MAX ? REASON_MEMORY : REASON_WORK);
            return NULL;
        }
        memcpy(frames, m->frames, m->count * sizeof *frames);
        m->frames = frames;
        m->room *= 2;
    }
    struct frame *f = &m->frames[m->count++];
    *f = (struct frame){.type = type};
    return f;
}

static struct frame *top(struct engine *m)
{
    return &m->frames[m->count - 1];
}

static void free_buf(struct buf *b)
{
    if (b == NULL)
        return;
    buf_done(b);
    free(b);
}

/* Takes the top frame off and puts back what it had changed. */
void engine_pop(struct engine *m)
{
    struct frame *f = &m->frames[--m->count];
    struct shell *sh = m->shell;
    if (f->io != NULL)
        m->io = f->io;
    if (f->deep)
        sh->depth--;
    if (f->type == FRAME_PIPE) {
        free_buf(f->pipe.in);
        free_buf(f->pipe.out);
    } else if (f->type == FRAME_READ)
        free_buf(f->read.typed);
    if (f->type != FRAME_SCOPE && f->type != FRAME_CALL)
        return;
    if (f->type == FRAME_SCOPE && f->scope.scoped)
        scope_leave(sh, f->scope.undo);
    if (f->type == FRAME_CALL)
        locals_leave(sh, f->scope.undo);
    if (f->scope.whole)
        sh->context = f->scope.saved;
    if (f->scope.job) {
        m->job_limit = f->scope.outer_limit;
        m->status = 0;
    }
    if (f->scope.function != NULL)
        function_done(f->scope.function);
}

void engine_done(struct engine *m)
{
    while (m->count > 0)
        engine_pop(m);
    if (m->arena == &m->own)
        arena_done(&m->own);
}

void engine_abort(struct engine *m, int status)
{
    m->status = status;
    if (m->unwind == UNWIND_NONE)
        m->unwind = UNWIND_ERROR;
}

unsigned engine_loops(const struct engine *m)
{
    unsigned loops = 0;
    for (size_t i = m->count; i > 0; i--) {
        enum frame_type type = m->frames[i - 1].type;
        if (type == FRAME_SCOPE || type == FRAME_CALL)
            break;
        if (type == FRAME_WHILE || type == FRAME_FOR)
            loops++;
    }
    return loops;
}

struct frame *engine_frame(struct engine *m, enum frame_type type)
{
    for (size_t i = m->count; i > 0; i--) {
        if (m->frames[i - 1].type == type)
            return &m->frames[i - 1];
        if (m->frames[i - 1].type == FRAME_SCOPE)
            break;
    }
    return NULL;
}

void engine_text(struct engine *m, struct span text, enum text_kind kind)
{
    struct frame *f = engine_push(m, FRAME_TEXT);
    if (f == NULL)
        return;
    f->text.text = text;
    f->text.kind = kind;
}

static struct frame *push_scope(struct engine *m, struct io *restore)
{
    struct frame *f = engine_push(m, FRAME_SCOPE);
    if (f == NULL)
        return NULL;
    f->io = restore;
    f->scope.scoped = f->scope.whole = true;
    f->scope.saved = m->shell->context;
    f->scope.undo = scope_enter(m->shell);
    return f;
}

int engine_script(struct engine *m, struct span text, struct span name, size_t argc, const struct span *argv)
{
    if (!engine_deeper(m))
        return 2;
    struct frame *f = push_scope(m, m->io);
    if (f == NULL) {
        m->shell->depth--;
        return 2;
    }
    f->deep = true;
    variables_inherit(m->shell);
    struct context *context = &m->shell->context;
    *context = (struct context){.name = name.len > 0 ? name : span_text("sh"), .numbered = name.len > 0, .line = 1};
    if (argc > 1) {
        context->args = argv + 1;
        context->argc = argc - 1;
    }
    if (name.len == 0 && argc > 0 && argv[0].len > 0)
        context->name = argv[0];
    engine_text(m, text, TEXT_SCRIPT);
    return 0;
}

static void report_syntax(struct engine *m, const struct parser *p)
{
    if (p->state == SYNTAX_DEEP)
        shell_end(m->shell, REASON_WORK);
    else if (p->state == SYNTAX_MEMORY)
        shell_end(m->shell, REASON_MEMORY);
    else {
        complain(m, "%s", p->message);
        engine_abort(m, 2);
    }
}

static void step_text(struct engine *m)
{
    struct frame *f = top(m);
    struct span text = f->text.text;
    uint32_t *line = &m->shell->context.line;
    if (f->text.kind == TEXT_SCRIPT) {
        /* A unit's messages tell the line it starts in. */
        *line += f->text.lines;
        f->text.lines = 0;
        for (; f->text.at < text.len && (text.at[f->text.at] == '\n' || text.at[f->text.at] == ' '); f->text.at++)
            *line += text.at[f->text.at] == '\n';
    }
    if (f->text.at >= text.len) {
        engine_pop(m);
        return;
    }
    struct parser p;
    struct span rest = span_part(text, f->text.at, text.len);
    parser_init(&p, rest, m->arena, false);
    struct node *node;
    enum syntax r = parse_unit(&p, &node);
    f->text.at += p.at;
    for (size_t i = 0; i < p.at && f->text.kind == TEXT_SCRIPT; i++)
        f->text.lines += rest.at[i] == '\n';
    if (!engine_step(m, 1 + p.at / SHELL_BYTES_PER_STEP))
        return;
    if (r != SYNTAX_OK) {
        *line += f->text.lines;
        report_syntax(m, &p);
    } else
        engine_exec(m, node);
}

static void step_list(struct engine *m)
{
    struct frame *f = top(m);
    const struct node *node = f->node;
    if (node == NULL) {
        engine_pop(m);
        return;
    }
    f->node = node->next;
    if (node->next == NULL)
        engine_pop(m); /* the last one needs no frame: what comes after it is somebody else's */
    if (!node->background) {
        engine_exec(m, node);
        return;
    }
    struct io *io = io_copy(m), *old = m->io;
    if (io == NULL)
        return;
    io->fd[0] = io_nothing.fd[0];
    struct frame *job = push_scope(m, old);
    if (job == NULL)
        return;
    job->scope.job = true;
    job->scope.outer_limit = m->job_limit;
    if (m->job_limit == 0)
        m->job_limit = m->shell->line_steps + SHELL_BACKGROUND_STEPS;
    m->shell->background = m->shell->background == 0 ? 400 + (uint32_t)(m->shell->host.seed % 1000) : m->shell->background + 1;
    m->io = io;
    engine_exec(m, node);
}

static void step_andor(struct engine *m)
{
    struct frame *f = top(m);
    const struct node *node = f->node;
    while (node != NULL && ((node->link == LINK_AND && m->status != 0) || (node->link == LINK_OR && m->status == 0)))
        node = node->next;
    if (node == NULL || node->next == NULL)
        engine_pop(m);
    else
        f->node = node->next;
    if (node != NULL)
        engine_exec(m, node);
}

static struct buf *new_buf(struct engine *m)
{
    struct buf *b = malloc(sizeof *b);
    if (b == NULL)
        shell_end(m->shell, REASON_MEMORY);
    else
        buf_init(b, SHELL_PIPE_MAX);
    return b;
}

static void step_pipe(struct engine *m)
{
    struct frame *f = top(m);
    const struct node *node = f->node;
    free_buf(f->pipe.in);
    f->pipe.in = f->pipe.out;
    f->pipe.out = NULL;
    if (node == NULL) {
        if (f->state != 0)
            m->status = m->status == 0;
        engine_pop(m);
        return;
    }
    f->node = node->next;
    struct io *io = io_copy(m), *old = m->io;
    struct stream *in = engine_alloc(m, sizeof *in), *out = engine_alloc(m, sizeof *out);
    if (io == NULL || in == NULL || out == NULL)
        return;
    if (f->pipe.in != NULL) {
        *in = (struct stream){.type = STREAM_TEXT, .text = buf_as_span(f->pipe.in)};
        io->fd[0] = in;
    }
    if (node->next != NULL) {
        f->pipe.out = new_buf(m);
        if (f->pipe.out == NULL)
            return;
        *out = (struct stream){.type = STREAM_PIPE, .buf = f->pipe.out};
        io->fd[1] = out;
    }
    if (push_scope(m, old) == NULL)
        return;
    m->io = io;
    engine_exec(m, node);
}

static void step_while(struct engine *m)
{
    struct frame *f = top(m);
    if (!engine_step(m, 1))
        return;
    if (f->state == 0) {
        f->state = 1;
        engine_exec(m, f->node->condition);
        return;
    }
    if ((m->status == 0) == f->node->negated) {
        m->status = 0;
        engine_pop(m);
        return;
    }
    f->state = 0;
    engine_exec(m, f->node->first);
}

static void step_for(struct engine *m)
{
    struct frame *f = top(m);
    if (!engine_step(m, 1))
        return;
    if (f->each.at == f->each.count) {
        engine_pop(m);
        return;
    }
    const struct node *node = f->node;
    if (variable_set(m->shell, node->name, f->each.words[f->each.at++]) == -EPERM) {
        complain(m, "%.*s: is read only", (int)node->name.len, (const char *)node->name.at);
        engine_abort(m, 2);
        return;
    }
    engine_exec(m, node->first);
}

static void step_if(struct engine *m)
{
    struct frame *f = top(m);
    const struct node *node = f->node;
    if (f->state == 0) {
        f->state = 1;
        engine_exec(m, node->condition);
        return;
    }
    if (m->status != 0 && node->other != NULL && node->other->type == CMD_IF) {
        f->node = node->other;
        f->state = 0;
        return;
    }
    const struct node *next = m->status == 0 ? node->first : node->other;
    engine_pop(m);
    m->status = 0;
    if (next != NULL)
        engine_exec(m, next);
}

static void step(struct engine *m)
{
    switch (top(m)->type) {
    case FRAME_TEXT:
        step_text(m);
        return;
    case FRAME_LIST:
        step_list(m);
        return;
    case FRAME_ANDOR:
        step_andor(m);
        return;
    case FRAME_PIPE:
        step_pipe(m);
        return;
    case FRAME_WHILE:
        step_while(m);
        return;
    case FRAME_FOR:
        step_for(m);
        return;
    case FRAME_IF:
        step_if(m);
        return;
    case FRAME_READ:
        m->wait = WAIT_TERMINAL;
        return;
    case FRAME_REDIRECT:
    case FRAME_SCOPE:
    case FRAME_CALL:
        engine_pop(m);
        return;
    }
}

/* Takes one frame off on the way out, or stays where the way ends. */
static void unwind(struct engine *m)
{
    struct frame *f = top(m);
    enum unwind how = m->unwind;
    switch (how) {
    case UNWIND_NONE:
        return;
    case UNWIND_BREAK:
    case UNWIND_CONTINUE:
        if (f->type == FRAME_SCOPE)
            m->unwind = UNWIND_NONE;
        if ((f->type == FRAME_WHILE || f->type == FRAME_FOR) && --m->unwind_count == 0) {
            m->unwind = UNWIND_NONE;
            if (how == UNWIND_CONTINUE) {
                f->state = 0;
                return;
            }
        }
        engine_pop(m);
        return;
    case UNWIND_RETURN:
        if (f->type == FRAME_CALL || f->type == FRAME_SCOPE)
            m->unwind = UNWIND_NONE;
        engine_pop(m);
        return;
    case UNWIND_EXIT:
    case UNWIND_ERROR:
        if (f->type == FRAME_SCOPE)
            m->unwind = UNWIND_NONE;
        engine_pop(m);
        return;
    case UNWIND_PIPE:
        if (f->type == FRAME_PIPE) {
            m->unwind = UNWIND_NONE;
            m->status = 141;
            return;
        }
        engine_pop(m);
        return;
    case UNWIND_JOB:
        if (f->type == FRAME_SCOPE && f->scope.job && f->scope.outer_limit == 0)
            m->unwind = UNWIND_NONE;
        engine_pop(m);
        return;
    }
}

bool engine_run(struct engine *m)
{
    struct shell *sh = m->shell;
    while (m->count > 0 && !sh->ended) {
        if (sh->answers != NULL && !m->sync && !answers_go_on(sh))
            return false;
        if (sh->ended)
            break;
        if (m->unwind != UNWIND_NONE)
            unwind(m);
        else
            step(m);
        if (m->wait != WAIT_NONE) {
            if (!m->sync)
                return false;
            m->wait = WAIT_NONE; /* nothing to wait for here */
        }
    }
    while (m->count > 0)
        engine_pop(m);
    if (!m->sync && !sh->ended && sh->answers != NULL && !answers_go_on(sh))
        return false;
    if (m->unwind == UNWIND_EXIT)
        m->left = true;
    m->unwind = UNWIND_NONE;
    return true;
}

static void exec_for(struct engine *m, const struct node *node)
{
    struct span *words = NULL;
    size_t count = 0;
    if (node->all_arguments) {
        count = m->shell->context.argc;
        words = count > 0 ? engine_alloc(m, count * sizeof *words) : NULL;
        for (size_t i = 0; i < count && words != NULL; i++)
            words[i] = engine_copy(m, m->shell->context.args[i]);
        if (words == NULL)
            count = 0;
    } else if (!expand_words(m, node->words, &words, &count))
        return;
    m->status = 0;
    struct frame *f = engine_push(m, FRAME_FOR);
    if (f == NULL)
        return;
    f->node = node;
    f->each.words = words;
    f->each.count = count;
}

static void exec_case(struct engine *m, const struct node *node)
{
    struct span word, pattern;
    if (!expand_one(m, node->words->text, EXPAND_WORD, &word))
        return;
    for (const struct arm *arm = node->arms; arm != NULL; arm = arm->next) {
        for (const struct word *w = arm->patterns; w != NULL; w = w->next) {
            if (!engine_step(m, 1) || !expand_one(m, w->text, EXPAND_PATTERN, &pattern) ||
                !engine_step(m, pattern.len * word.len / (SHELL_BYTES_PER_STEP * 4)))
                return;
            if (!pattern_matches(pattern, word))
                continue;
            m->status = 0;
            engine_exec(m, arm->body);
            return;
        }
    }
    m->status = 0;
}

/* Redirections of a compound command: a frame that puts them back. False: one failed. */
static bool redirected(struct engine *m, const struct node *node)
{
    if (node->redirects == NULL)
        return true;
    struct io *old = m->io;
    if (redirect_all(m, node->redirects) < 0) {
        m->io = old;
        m->status = 1;
        return false;
    }
    struct frame *f = engine_push(m, FRAME_REDIRECT);
    if (f == NULL)
        return false;
    f->io = old;
    return true;
}

static void push_node(struct engine *m, enum frame_type type, const struct node *node)
{
    struct frame *f = engine_push(m, type);
    if (f != NULL)
        f->node = node;
}

void engine_exec(struct engine *m, const struct node *node)
{
    if (node == NULL || m->shell->ended)
        return;
    if (node->type == CMD_SIMPLE) {
        command_exec(m, node);
        return;
    }
    if (!engine_step(m, 1) || !redirected(m, node))
        return;
    switch (node->type) {
    case CMD_SIMPLE:
        return;
    case CMD_LIST:
    case CMD_GROUP:
        push_node(m, FRAME_LIST, node->type == CMD_LIST ? node->first : node->first->first);
        return;
    case CMD_ANDOR:
        push_node(m, FRAME_ANDOR, node->first);
        return;
    case CMD_PIPE:
        push_node(m, FRAME_PIPE, node->first);
        if (m->count > 0 && !m->shell->ended)
            top(m)->state = node->negated;
        return;
    case CMD_SUB:
        if (push_scope(m, m->io) != NULL)
            engine_exec(m, node->first);
        return;
    case CMD_WHILE:
        push_node(m, FRAME_WHILE, node);
        return;
    case CMD_FOR:
        exec_for(m, node);
        return;
    case CMD_IF:
        push_node(m, FRAME_IF, node);
        return;
    case CMD_CASE:
        exec_case(m, node);
        return;
    case CMD_FUNCTION:
        m->status = function_set(m->shell, node->name, node->text) == 0 ? 0 : 1;
        if (m->status != 0)
            shell_end(m->shell, REASON_MEMORY);
        return;
    }
}

struct span engine_substitute(struct engine *m, struct span text)
{
    struct span result = {0};
    if (!engine_step(m, 1) || !engine_deeper(m))
        return result;
    struct buf out;
    buf_init(&out, SHELL_PIPE_MAX);
    struct engine *sub = malloc(sizeof *sub);
    struct io *io = io_copy(m);
    struct stream *pipe = engine_alloc(m, sizeof *pipe);
    if (sub == NULL || io == NULL || pipe == NULL) {
        shell_end(m->shell, REASON_MEMORY);
        free(sub);
        m->shell->depth--;
        return result;
    }
    engine_init(sub, m->shell, m, m->arena);
    *pipe = (struct stream){.type = STREAM_PIPE, .buf = &out};
    io->fd[1] = pipe;
    if (push_scope(sub, NULL) != NULL) {
        sub->io = io;
        engine_text(sub, text, TEXT_EVAL);
        (void)engine_run(sub);
    }
    m->substituted = sub->status;
    engine_done(sub);
    free(sub);
    m->shell->depth--;
    result = buf_as_span(&out);
    while (result.len > 0 && result.at[result.len - 1] == '\n')
        result.len--;
    if (result.len > SHELL_WORD_MAX)
        result.len = SHELL_WORD_MAX;
    (void)engine_step(m, result.len / SHELL_BYTES_PER_STEP);
    result = engine_copy(m, result);
    buf_done(&out);
    return result;
}

void engine_feed(struct engine *m, struct span line)
{
    struct frame *f = top(m);
    m->wait = WAIT_NONE;
    m->shell->line_steps = 0;
    if (!f->read.by_line && !f->read.once) {
        buf_span(f->read.typed, line);
        buf_byte(f->read.typed, '\n');
        return;
    }
    struct io *old = m->io, *io = io_copy(m);
    struct stream *in = engine_alloc(m, sizeof *in);
    uint8_t *text = engine_alloc(m, line.len + 1);
    if (io == NULL || in == NULL || text == NULL)
        return;
    if (line.len > 0)
        memcpy(text, line.at, line.len);
    text[line.len] = '\n';
    *in = (struct stream){.type = STREAM_TEXT, .text = span_of(text, line.len + 1)};
    io->fd[0] = in;
    const struct span *argv = f->read.argv;
    size_t argc = f->read.argc;
    if (f->read.once)
        engine_pop(m);
    (void)engine_step(m, 1 + line.len / SHELL_BYTES_PER_STEP);
    m->io = io;
    m->status = command_run(m, argc, argv);
    m->ask = ASK_NOTHING;
    m->io = old;
}

void engine_end_of_file(struct engine *m)
{
    struct frame *f = top(m);
    m->wait = WAIT_NONE;
    struct frame ended = *f;
    f->read.typed = NULL;
    engine_pop(m);
    if (ended.read.by_line)
        return;
    struct io *old = m->io, *io = io_copy(m);
    struct stream *in = engine_alloc(m, sizeof *in);
    if (io != NULL && in != NULL) {
        *in = (struct stream){.type = STREAM_TEXT};
        if (ended.read.typed != NULL)
            in->text = engine_copy(m, buf_as_span(ended.read.typed));
        io->fd[0] = in;
        m->io = io;
        m->status = command_run(m, ended.read.argc, ended.read.argv);
        m->ask = ASK_NOTHING;
        m->io = old;
    }
    free_buf(ended.read.typed);
}
