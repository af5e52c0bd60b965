#include "observe/honeypot/telnet.h"

enum {
    PIECE = 4096, /* given to the parser at once, so that an ending is noticed in time */
    TRIES_DEFAULT = 3,
    STEPS_PER_TURN = 4000 /* of the shell, then other conversations have their turn */
};

/* ---- the shell ---- */

static void host_say(void *user, struct span bytes)
{
    telnet_print(user, bytes);
}

static size_t host_unsent(void *user)
{
    return conn_unsent(user);
}

static void host_delay(void *user, usec_t wait)
{
    conn_delay(user, wait);
}

static void host_fact(void *user, enum kind kind, const struct fact *facts, size_t count)
{
    struct telnet_session *t = telnet_of(user);
    t->command_count += kind == KIND_COMMAND;
    t->download_count += kind == KIND_DOWNLOAD;
    t->sample_count += kind == KIND_SAMPLE;
    conn_fact(user, kind, facts, count);
}

/* Called while the shell runs, so it can't be freed here. */
static void host_end(void *user, enum reason reason)
{
    struct telnet_session *t = telnet_of(user);
    t->shell_ended = true;
    t->shell_reason = (uint8_t)reason;
}

static usec_t host_now(void *user)
{
    return conn_now(user);
}

static bool shell_start(struct conn *c)
{
    struct telnet_session *t = telnet_of(c);
    const struct shell_host host = {.user = c,
                                    .say = host_say,
                                    .unsent = host_unsent,
                                    .delay = host_delay,
                                    .fact = host_fact,
                                    .end = host_end,
                                    .now = host_now,
                                    .seed = conn_seed(c),
                                    .arena = conn_arena(c),
                                    .profile = conn_profile(c),
                                    .user_name = t->user};
    t->shell_ended = false;
    if (t->shell == NULL && shell_new(&t->shell, &host) != 0) {
        t->shell = NULL;
        conn_hangup(c, REASON_MEMORY);
    }
    return t->shell != NULL;
}

static void cli_prompt(struct conn *c)
{
    telnet_of(c)->stage = TELNET_CLI;
    telnet_say(c, conn_profile(c)->cli_prompt);
}

/* After everything that runs the shell: it may have said that it is over. */
static void shell_ran(struct conn *c)
{
    struct telnet_session *t = telnet_of(c);
    if (t->shell == NULL || !t->shell_ended)
        return;
    shell_free(t->shell);
    t->shell = NULL;
    if (t->shell_reason == REASON_LOGOUT && conn_profile(c)->shell == LOGIN_SHELL_CLI && !conn_ending(c))
        cli_prompt(c);
    else
        conn_hangup(c, (enum reason)t->shell_reason);
}

static void shell_enter(struct conn *c)
{
    telnet_of(c)->stage = TELNET_ASH;
    if (shell_start(c))
        shell_greet(telnet_of(c)->shell);
    shell_ran(c);
}

/* ---- the vendor's command line ---- */

static struct span trim(struct span line)
{
    while (line.len > 0 && line.at[0] == ' ')
        line = span_part(line, 1, line.len);
    while (line.len > 0 && line.at[line.len - 1] == ' ')
        line.len--;
    return line;
}

static bool among(struct span word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (span_is(word, words[i]))
            return true;
    }
    return false;
}

static const struct profile_answer *answer_to(const struct profile *profile, struct span command)
{
    for (size_t i = 0; i < profile->answer_count; i++) {
        if (span_equal(profile->answers[i].command, command))
            return &profile->answers[i];
    }
    return NULL;
}

static void cli_fact(struct conn *c, struct span line, bool known)
{
    const struct fact facts[] = {fact_text(FACT_COMMAND_LINE, line), fact_text(FACT_EVENT_OUTCOME, span_text(known ? "success" : "failure"))};
    telnet_of(c)->command_count++;
    conn_fact(c, KIND_COMMAND, facts, 2);
}

/*
 * A command of the device's own line: the profile's answers know it by its text; "*" answers what is not known. Words that open the shell
 * on such devices do, unless the profile answers them with a status that isn't 0; "enable" and "system" alone change nothing one sees.
 */
static void cli_line(struct conn *c, struct span whole)
{
    static const char *const leave[] = {"exit", "logout", "quit"};
    static const char *const shells[] = {"sh", "shell", "ash", "bash", "linuxshell", "start-shell", "busybox sh", "/bin/sh"};
    static const char *const silent[] = {"enable", "system", "en"};
    const struct profile *profile = conn_profile(c);
    struct span line = trim(whole);
    if (line.len == 0) {
        cli_prompt(c);
        return;
    }
    const struct profile_answer *answer = answer_to(profile, line);
    bool opens = among(line, shells, sizeof shells / sizeof shells[0]) && (answer == NULL || answer->status == 0);
    bool leaves = answer == NULL && among(line, leave, sizeof leave / sizeof leave[0]);
    bool known = answer != NULL || opens || leaves || among(line, silent, sizeof silent / sizeof silent[0]);
    if (!known)
        answer = answer_to(profile, span_text("*"));
    cli_fact(c, line, known);
    if (answer != NULL)
        telnet_print(c, answer->output);
    else if (!known)
        telnet_print(c, span_text("Unknown command.\n"));
    if (leaves)
        conn_hangup(c, REASON_LOGOUT);
    else if (opens)
        shell_enter(c);
    else
        cli_prompt(c);
}

/* ---- the login ---- */

static void ask_name(struct conn *c)
{
    const struct profile *profile = conn_profile(c);
    telnet_of(c)->stage = profile->login_prompt.len > 0 ? TELNET_USER : TELNET_PASSWORD;
    telnet_say(c, profile->login_prompt.len > 0 ? profile->login_prompt : profile->password_prompt);
}

static void enter(struct conn *c)
{
    const struct profile *profile = conn_profile(c);
    telnet_of(c)->accepted = true;
    conn_sum(c, fact_int(FACT_LOGGED_IN, 1));
    conn_delay(c, profile->shell_delay);
    telnet_say(c, profile->motd);
    if (profile->shell == LOGIN_SHELL_CLI)
        cli_prompt(c);
    else
        shell_enter(c);
}

static bool accepts(const struct profile *profile, uint32_t tries, struct span user, struct span password)
{
    switch (profile->auth) {
    case AUTH_ANY:
        return true;
    case AUTH_AFTER:
        return tries >= profile->auth_after;
    case AUTH_LIST:
        for (size_t i = 0; i < profile->login_count; i++) {
            if (span_equal(profile->logins[i].name, user) && span_equal(profile->logins[i].value, password))
                return true;
        }
        return false;
    case AUTH_NEVER:
        break;
    }
    return false;
}

static void name_line(struct conn *c, struct span name)
{
    struct telnet_session *t = telnet_of(c);
    const struct profile *profile = conn_profile(c);
    if (name.len == 0) {
        ask_name(c);
        return;
    }
    const char *copy = arena_copy(conn_arena(c), name);
    if (copy == NULL) {
        conn_hangup(c, REASON_MEMORY);
        return;
    }
    t->user = span_of(copy, name.len);
    t->stage = TELNET_PASSWORD;
    conn_delay(c, profile->password_delay);
    telnet_say(c, profile->password_prompt);
}

static void password_line(struct conn *c, struct span password)
{
    struct telnet_session *t = telnet_of(c);
    const struct profile *profile = conn_profile(c);
    t->tries++;
    bool accepted = accepts(profile, t->tries, t->user, password);
    const struct fact facts[] = {fact_text(FACT_EVENT_OUTCOME, span_text(accepted ? "success" : "failure")), fact_text(FACT_USER_NAME, t->user),
                                 fact_text(FACT_PASSWORD, password)};
    conn_fact(c, KIND_LOGIN, facts, sizeof facts / sizeof facts[0]);
    if (accepted) {
        enter(c);
        return;
    }
    conn_delay(c, profile->failed_delay);
    telnet_say(c, profile->failed);
    if (t->tries >= (profile->tries_max > 0 ? profile->tries_max : TRIES_DEFAULT))
        conn_hangup(c, REASON_LOGIN_FAILED);
    else
        ask_name(c);
}

/* ---- what the terminal hands on ---- */

void telnet_line(struct conn *c, struct span line)
{
    struct telnet_session *t = telnet_of(c);
    switch ((enum telnet_stage)t->stage) {
    case TELNET_USER:
        name_line(c, line);
        break;
    case TELNET_PASSWORD:
        password_line(c, line);
        break;
    case TELNET_CLI:
        cli_line(c, line);
        break;
    case TELNET_ASH:
        if (shell_start(c))
            shell_line(t->shell, line);
        shell_ran(c);
        break;
    }
}

void telnet_interrupt(struct conn *c)
{
    struct telnet_session *t = telnet_of(c);
    if (t->stage == TELNET_ASH) {
        if (shell_start(c))
            shell_interrupt(t->shell);
        shell_ran(c);
    } else if (t->stage == TELNET_CLI) {
        telnet_say(c, span_text("\r\n"));
        cli_prompt(c);
    } else {
        conn_hangup(c, REASON_LOGOUT); /* login(1) dies of it and the daemon goes with it */
    }
}

void telnet_end_of_file(struct conn *c, bool line_empty)
{
    struct telnet_session *t = telnet_of(c);
    if (!line_empty)
        return;
    if (t->stage == TELNET_ASH) {
        if (shell_start(c))
            shell_end_of_file(t->shell);
        shell_ran(c);
    } else {
        conn_hangup(c, REASON_LOGOUT);
    }
}

size_t telnet_line_max(struct conn *c)
{
    return telnet_of(c)->stage < TELNET_CLI ? (size_t)TELNET_NAME_MAX : (size_t)SHELL_LINE_MAX;
}

/* ---- the service ---- */

static void on_telnet(telnet_t *parser, telnet_event_t *event, void *user)
{
    struct conn *c = user;
    (void)parser;
    if (event->type == TELNET_EV_DATA)
        telnet_typed(c, span_of(event->data.buffer, event->data.size));
    else
        telnet_options_event(c, event);
}

static void telnet_open(struct conn *c)
{
    struct telnet_session *t = telnet_of(c);
    const struct profile *profile = conn_profile(c);
    /* As a "proxy" the library hands every option on and answers none. */
    t->parser = telnet_init(NULL, on_telnet, TELNET_FLAG_PROXY, c);
    if (t->parser == NULL) {
        conn_hangup(c, REASON_MEMORY);
        return;
    }
    telnet_options_open(c);
    conn_delay(c, profile->banner_delay);
    telnet_say(c, profile->banner);
    if (profile->login_prompt.len == 0 && profile->password_prompt.len == 0)
        enter(c);
    else
        ask_name(c);
}

static bool busy(const struct telnet_session *t)
{
    return t->shell != NULL && shell_busy(t->shell);
}

/* Up to and with the first line end, so that what comes behind a line can wait for its answer. */
static size_t piece_of(struct span bytes)
{
    size_t cr = span_find(bytes, '\r'), lf = span_find(span_part(bytes, 0, cr), '\n');
    size_t len = lf < bytes.len ? lf + 1 : lf;
    return len < PIECE ? len : PIECE;
}

static uint32_t steps_of(const struct telnet_session *t)
{
    return t->shell != NULL ? shell_steps(t->shell) : 0;
}

/*
 * What a terminal would echo in the midst of a long answer waits for its end instead: then no cut of the stream matters. Many lines that
 * are hard work wait for the next turn, and nothing more is read until then.
 */
static void telnet_input(struct conn *c, struct span bytes)
{
    struct telnet_session *t = telnet_of(c);
    uint32_t before = steps_of(t);
    bool tired = false;
    while (bytes.len > 0 && !busy(t) && t->held.len == 0 && !tired && !conn_ending(c)) {
        size_t len = piece_of(bytes);
        telnet_recv(t->parser, (const char *)bytes.at, len);
        bytes = span_part(bytes, len, bytes.len);
        tired = steps_of(t) - before > STEPS_PER_TURN;
    }
    if (bytes.len == 0 || conn_ending(c))
        return;
    t->held.max = TELNET_HELD_MAX;
    buf_span(&t->held, bytes);
    if (t->held.error != 0)
        conn_hangup(c, REASON_INPUT);
    if (tired && !busy(t)) {
        conn_delay(c, 1);
        conn_wake(c, 1);
    }
}

static void held_goes_on(struct conn *c)
{
    struct telnet_session *t = telnet_of(c);
    if (t->held.len == 0 || busy(t))
        return;
    struct buf held = t->held;
    t->held = (struct buf){0};
    telnet_input(c, buf_as_span(&held));
    buf_done(&held);
}

static void telnet_more(struct conn *c)
{
    struct telnet_session *t = telnet_of(c);
    if (t->shell != NULL)
        shell_more(t->shell);
    shell_ran(c);
    held_goes_on(c);
}

static void telnet_close(struct conn *c)
{
    struct telnet_session *t = telnet_of(c);
    shell_free(t->shell); /* what was left behind becomes samples here */
    t->shell = NULL;
    if (t->parser != NULL)
        telnet_free(t->parser);
    buf_done(&t->line);
    buf_done(&t->held);
    telnet_options_sum(c);
    conn_sum(c, fact_int(FACT_LOGGED_IN, t->accepted ? 1 : 0));
    conn_sum(c, fact_int(FACT_LOGINS, t->tries));
    conn_sum(c, fact_int(FACT_COMMANDS, t->command_count));
    conn_sum(c, fact_int(FACT_DOWNLOADS, t->download_count));
    conn_sum(c, fact_int(FACT_SAMPLES, t->sample_count));
}

const struct service service_telnet = {
    .name = "telnet",
    .help = "login and shell of routers, cameras and recorders",
    .over = TRANSPORT_TCP,
    .port = 23,
    .state_size = sizeof(struct telnet_session),
    .open = telnet_open,
    .input = telnet_input,
    .idle = held_goes_on,
    .more = telnet_more,
    .close = telnet_close,
};
