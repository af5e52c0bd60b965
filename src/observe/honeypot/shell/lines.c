/*
 * A line comes, a prompt goes.
 *
 *   idle ── line ──► parsed ── unfinished ──► "> " and the next line
 *                      │ run
 *                      ▼
 *                   running ── reads the terminal ──► its lines until ^D
 *                      │   └── long answer ──► shell_more
 *                      │   └── sh ──► one level deeper
 *                      ▼ done
 *                   prompt; lines typed meanwhile are next
 */
#include "observe/honeypot/shell/inside.h"

#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { END_OF_FILE = 0x04 };

static void pump(struct shell *);

int shell_new(struct shell **ret, const struct shell_host *host)
{
    struct shell *sh = arena_alloc(host->arena, sizeof *sh);
    if (sh == NULL)
        return -ENOMEM;
    *sh = (struct shell){.host = *host};
    int r = tree_new(&sh->tree, host->profile, host->arena, host->now(host->user));
    if (r < 0)
        return r;
    tree_on_loss(sh->tree, sample_lost, sh);
    sh->context.name = span_text("-sh");
    /* A home that is not there leaves the shell in the root. */
    struct tree_stat st;
    bool home = host->profile->login_home.len > 0 && tree_stat(sh->tree, span_text("/"), host->profile->login_home, true, &st) == 0;
    sh->cwd = home ? host->profile->login_home : span_text("/");
    buf_init(&sh->line, SHELL_PENDING_MAX);
    buf_init(&sh->typed, SHELL_PENDING_MAX);
    *ret = sh;
    return 0;
}

static void state_line(struct shell *sh)
{
    if (sh->stated || sh->line.len == 0)
        return;
    sh->stated = true;
    struct buf text;
    buf_init(&text, 0);
    text_to_utf8(&text, span_part(buf_as_span(&sh->line), 0, RECORD_TEXT_MAX / 4));
    const struct fact facts[] = {
        fact_text(FACT_COMMAND_LINE, buf_as_span(&text)),
        fact_int(FACT_EXIT_CODE, sh->status & 0xff),
        fact_text(FACT_EVENT_OUTCOME, span_text(sh->failed ? "failure" : "success")),
    };
    sh->host.fact(sh->host.user, KIND_COMMAND, facts, sizeof facts / sizeof facts[0]);
    sh->counts.commands++;
    buf_done(&text);
}

static void engine_free(struct engine *m)
{
    if (m == NULL)
        return;
    engine_done(m);
    free(m);
}

void shell_free(struct shell *sh)
{
    if (sh == NULL)
        return;
    sh->ended = true;
    if (!sh->more)
        state_line(sh);
    samples_left(sh);
    engine_free(sh->engine);
    sh->engine = NULL;
    while (sh->level != NULL) {
        struct level *level = sh->level;
        engine_free(level->engine);
        buf_done(&level->line);
        free(level->kept_args);
        sh->level = level->below;
        free(level);
    }
    buf_done(&sh->line);
    buf_done(&sh->typed);
    free(sh->kept_args);
    free(sh->kept);
    variables_free(sh);
    tree_free(sh->tree);
}

void shell_end(struct shell *sh, enum reason reason)
{
    if (sh->ended)
        return;
    sh->ended = true;
    sh->host.end(sh->host.user, reason);
}

struct shell_counts shell_counts(const struct shell *sh)
{
    return sh->counts;
}

uint32_t shell_steps(const struct shell *sh)
{
    return sh->steps;
}

bool shell_wants_raw(const struct shell *sh)
{
    return sh->engine != NULL && sh->engine->wait == WAIT_TERMINAL;
}

bool shell_busy(const struct shell *sh)
{
    return !sh->ended && sh->engine != NULL && sh->engine->wait != WAIT_TERMINAL;
}

/* \w: the working directory, the home at its start as "~". */
static void put_directory(struct shell *sh, struct buf *text)
{
    struct span home = {0}, cwd = sh->cwd;
    (void)variable_get(sh, span_text("HOME"), &home);
    if (home.len > 1 && cwd.len >= home.len && memcmp(cwd.at, home.at, home.len) == 0 && (cwd.len == home.len || cwd.at[home.len] == '/')) {
        buf_byte(text, '~');
        cwd = span_part(cwd, home.len, cwd.len);
    }
    buf_span(text, cwd);
}

static void put_escape(struct shell *sh, struct buf *text, uint8_t escape)
{
    struct span cwd = sh->cwd, host = sh->host.profile->hostname;
    size_t slash = cwd.len;
    switch (escape) {
    case 'w':
        put_directory(sh, text);
        break;
    case 'W':
        while (slash > 1 && cwd.at[slash - 1] != '/')
            slash--;
        buf_span(text, cwd.len > 1 ? span_part(cwd, slash, cwd.len) : cwd);
        break;
    case 'u':
        buf_span(text, sh->host.user_name);
        break;
    case 'h':
        buf_span(text, span_part(host, 0, span_find(host, '.')));
        break;
    case 'H':
        buf_span(text, host);
        break;
    case '$':
        buf_byte(text, '#');
        break;
    case 'n':
        buf_byte(text, '\n');
        break;
    case 'e':
        buf_byte(text, 0x1b);
        break;
    case '[':
    case ']':
        break;
    default:
        buf_byte(text, escape);
    }
}

/* PS1 and PS2 with the escapes busybox knows. */
static void say_prompt(struct shell *sh, const char *variable)
{
    struct span format;
    if (sh->ended || !variable_get(sh, span_text(variable), &format))
        return;
    if (span_find(format, '\\') == format.len && span_find(format, '$') == format.len) {
        terminal_out(sh, format);
        return;
    }
    struct buf text;
    buf_init(&text, 4096);
    for (size_t i = 0; i < format.len; i++) {
        if (format.at[i] == '$' && span_starts(span_part(format, i, 4), "$PWD")) {
            buf_span(&text, sh->cwd);
            i += 3;
        } else if (format.at[i] == '\\' && i + 1 < format.len)
            put_escape(sh, &text, format.at[++i]);
        else
            buf_byte(&text, format.at[i]);
    }
    terminal_out(sh, buf_as_span(&text));
    buf_done(&text);
}

static void say_greeting(struct shell *sh)
{
    const struct profile *profile = sh->host.profile;
    if (!profile->greeting)
        return;
    terminal_out(sh, span_text("\n\nBusyBox "));
    terminal_out(sh, profile->busybox_version);
    terminal_out(sh, span_text(" built-in shell (ash)\nEnter 'help' for a list of built-in commands.\n\n"));
}

void shell_greet(struct shell *sh)
{
    say_greeting(sh);
    say_prompt(sh, "PS1");
}

/* The line that ran needs nothing any more. */
static void forget_line(struct shell *sh)
{
    buf_done(&sh->line);
    sh->more = sh->awaited_line = false;
    sh->awaited_len = 0;
    sh->failed = sh->stated = false;
    sh->line_steps = 0;
}

/* `sh`: what is left of the outer line waits below. */
static void level_push(struct shell *sh)
{
    struct engine *m = sh->engine;
    m->wait = WAIT_NONE;
    m->status = sh->status = 0;
    state_line(sh);
    if (sh->levels >= SHELL_DEPTH_MAX) {
        /* Deeper than any visitor needs: the same shell greets again. */
        say_greeting(sh);
        return;
    }
    struct level *level = calloc(1, sizeof *level);
    if (level == NULL) {
        shell_end(sh, REASON_MEMORY);
        return;
    }
    level->below = sh->level;
    level->context = sh->context;
    level->kept_args = sh->kept_args;
    sh->kept_args = NULL;
    if (m->count > 0) {
        level->engine = m;
        level->line = sh->line;
        buf_init(&sh->line, SHELL_PENDING_MAX);
    } else
        engine_free(m);
    sh->engine = NULL;
    sh->level = level;
    sh->levels++;
    level->undo = scope_enter(sh);
    variables_inherit(sh);
    sh->context = (struct context){.name = span_text("sh")};
    forget_line(sh);
    say_greeting(sh);
    say_prompt(sh, "PS1");
}

/* `exit`: back to the shell below, which goes on with its line; from the last one there is no way back. */
static void level_pop(struct shell *sh)
{
    struct level *level = sh->level;
    if (level == NULL) {
        shell_end(sh, REASON_LOGOUT);
        return;
    }
    scope_leave(sh, level->undo);
    sh->level = level->below;
    sh->levels--;
    sh->context = level->context;
    free(sh->kept_args);
    sh->kept_args = level->kept_args;
    sh->engine = level->engine;
    if (sh->engine != NULL) {
        sh->engine->status = sh->status;
        buf_done(&sh->line);
        sh->line = level->line;
        sh->stated = true;
    } else
        say_prompt(sh, "PS1");
    free(level);
}

/* The line is done. */
static void finish(struct shell *sh)
{
    struct engine *m = sh->engine;
    bool left = m->left;
    sh->status = m->status & 0xff;
    sh->engine = NULL;
    sh->answers = NULL;
    state_line(sh);
    engine_free(m);
    /* What a line opens it closes. */
    assert(sh->level != NULL || (sh->depth == 0 && sh->scope == 0 && sh->undo_count == 0));
    forget_line(sh);
    if (sh->ended)
        return;
    if (left)
        level_pop(sh);
    else
        say_prompt(sh, "PS1");
}

static void syntax_failed(struct shell *sh, struct engine *m, const struct parser *p)
{
    if (p->state == SYNTAX_DEEP)
        shell_end(sh, REASON_WORK);
    else if (p->state == SYNTAX_MEMORY)
        shell_end(sh, REASON_MEMORY);
    else
        complain(m, "%s", p->message);
    m->status = 2;
}

/* Parses what has come and starts it, or asks for more. */
static void start(struct shell *sh, bool more_may_come)
{
    struct span text = buf_as_span(&sh->line);
    struct engine *m = malloc(sizeof *m);
    if (m == NULL) {
        shell_end(sh, REASON_MEMORY);
        return;
    }
    engine_init(m, sh, NULL, NULL);
    struct parser p;
    struct node *node = NULL;
    parser_init(&p, text, m->arena, more_may_come);
    sh->engine = m;
    enum syntax r = engine_step(m, 1 + text.len / (SHELL_BYTES_PER_STEP / 2)) ? parse_unit(&p, &node) : SYNTAX_OK;
    if (sh->ended)
        return;
    if (r == SYNTAX_MORE) {
        sh->more = true;
        sh->awaited_line = p.awaited_line;
        sh->awaited_len = (uint8_t)(p.awaited.len < sizeof sh->awaited_text ? p.awaited.len : 0);
        if (sh->awaited_len > 0)
            memcpy(sh->awaited_text, p.awaited.at, sh->awaited_len);
        sh->engine = NULL;
        engine_free(m);
        return;
    }
    sh->more = false;
    if (r != SYNTAX_OK)
        syntax_failed(sh, m, &p);
    else
        engine_exec(m, node);
}

/* May this line end what is unfinished? Saves parsing a long here-document at each of its lines. */
static bool may_end(const struct shell *sh, struct span line)
{
    struct span awaited = span_of(sh->awaited_text, sh->awaited_len);
    if (awaited.len == 0)
        return true;
    if (!sh->awaited_line)
        return span_find(line, awaited.at[0]) < line.len;
    while (line.len > 0 && line.at[0] == '\t')
        line = span_part(line, 1, line.len);
    return span_equal(line, awaited);
}

static void put_line(struct shell *sh, struct span line)
{
    while (line.len > 0) {
        size_t len = span_find(line, '\0');
        buf_span(&sh->line, span_part(line, 0, len));
        line = span_part(line, len + 1, line.len);
    }
}

/* A line given to the shell itself. */
static void take(struct shell *sh, struct span line)
{
    if (!sh->more) {
        forget_line(sh);
        buf_init(&sh->line, SHELL_PENDING_MAX);
    } else
        buf_byte(&sh->line, '\n');
    put_line(sh, line);
    if (sh->line.error != 0) {
        shell_end(sh, REASON_MEMORY);
        return;
    }
    if (sh->more && !may_end(sh, line)) {
        say_prompt(sh, "PS2");
        return;
    }
    size_t blank = 0;
    while (blank < sh->line.len && strchr(" \t\n\r", sh->line.data[blank]) != NULL)
        blank++;
    if (blank == sh->line.len) {
        forget_line(sh);
        say_prompt(sh, "PS1");
        return;
    }
    start(sh, true);
    if (sh->more && !sh->ended)
        say_prompt(sh, "PS2");
}

static void end_of_file(struct shell *sh)
{
    if (sh->engine != NULL)
        engine_end_of_file(sh->engine);
    else if (sh->more)
        start(sh, false);
    else {
        sh->status = 0;
        level_pop(sh);
    }
}

/* To what reads the terminal now: the running command or the shell itself. */
static void type_now(struct shell *sh, struct span line)
{
    if (line.len == 1 && line.at[0] == END_OF_FILE)
        end_of_file(sh);
    else if (sh->engine != NULL)
        engine_feed(sh->engine, line);
    else
        take(sh, line);
}

/* Goes on with what there is until something is to be waited for. */
static void pump(struct shell *sh)
{
    for (;;) {
        if (sh->engine != NULL) {
            bool nested = sh->engine->wait == WAIT_NESTED;
            if (sh->ended || (!nested && engine_run(sh->engine))) {
                finish(sh);
                if (sh->ended)
                    return;
                continue;
            }
            if (sh->engine->wait != WAIT_NONE && sh->engine->own.used > SHELL_WAITING_MAX) {
                shell_end(sh, REASON_MEMORY);
                continue;
            }
            if (sh->engine->wait == WAIT_NESTED) {
                if (sh->answers != NULL && !answers_go_on(sh))
                    return; /* what was said before it leaves first: it lies in the engine's memory, which may go now */
                level_push(sh);
                continue;
            }
            if (sh->engine->wait != WAIT_TERMINAL)
                return; /* a long answer */
        }
        if (sh->ended || sh->typed_at >= sh->typed.len)
            break;
        struct span rest = span_part(buf_as_span(&sh->typed), sh->typed_at, sh->typed.len);
        struct span line = span_part(rest, 0, span_find(rest, '\n'));
        sh->typed_at += line.len + 1;
        type_now(sh, line);
    }
    buf_done(&sh->typed);
    sh->typed_at = 0;
}

/* Whatever comes goes through `typed`, so that lines keep their order while something runs. */
static void type(struct shell *sh, struct span line)
{
    if (sh->ended)
        return;
    tree_clock(sh->tree, sh->host.now(sh->host.user));
    bool busy = sh->engine != NULL && sh->engine->wait != WAIT_TERMINAL;
    if (busy || sh->typed.len > 0) {
        buf_span(&sh->typed, line);
        buf_byte(&sh->typed, '\n');
        if (sh->typed.error != 0)
            shell_end(sh, REASON_INPUT);
        return;
    }
    type_now(sh, line);
    pump(sh);
}

void shell_line(struct shell *sh, struct span line)
{
    type(sh, span_part(line, 0, SHELL_LINE_MAX));
}

void shell_end_of_file(struct shell *sh)
{
    static const uint8_t end = END_OF_FILE;
    type(sh, span_of(&end, 1));
}

void shell_more(struct shell *sh)
{
    if (!sh->ended && sh->engine != NULL && sh->answers != NULL)
        pump(sh);
}

void shell_interrupt(struct shell *sh)
{
    if (sh->ended)
        return;
    buf_done(&sh->typed);
    sh->typed_at = 0;
    sh->status = 130;
    if (!sh->more)
        state_line(sh);
    struct engine *m = sh->engine;
    sh->engine = NULL;
    sh->answers = NULL; /* they are the engine's memory: nothing may be said through it any more */
    engine_free(m);
    terminal_out(sh, span_text("\n"));
    forget_line(sh);
    say_prompt(sh, "PS1");
}
