/* Option negotiation as the profile's device does it. libtelnet splits the stream and leaves the answers to us: a device's own list and
 * order of options is part of what it looks like. */
#include "base/cursor.h"
#include "observe/honeypot/telnet.h"

#include <stdio.h>

static const char *const option_names[] = {
    [TELNET_TELOPT_BINARY] = "BINARY",     [TELNET_TELOPT_ECHO] = "ECHO",
    [TELNET_TELOPT_RCP] = "RCP",           [TELNET_TELOPT_SGA] = "SGA",
    [TELNET_TELOPT_STATUS] = "STATUS",     [TELNET_TELOPT_TM] = "TM",
    [TELNET_TELOPT_LOGOUT] = "LOGOUT",     [TELNET_TELOPT_TTYPE] = "TTYPE",
    [TELNET_TELOPT_EOR] = "EOR",           [TELNET_TELOPT_NAWS] = "NAWS",
    [TELNET_TELOPT_TSPEED] = "TSPEED",     [TELNET_TELOPT_LFLOW] = "LFLOW",
    [TELNET_TELOPT_LINEMODE] = "LINEMODE", [TELNET_TELOPT_XDISPLOC] = "XDISPLOC",
    [TELNET_TELOPT_ENVIRON] = "ENVIRON",   [TELNET_TELOPT_AUTHENTICATION] = "AUTHENTICATION",
    [TELNET_TELOPT_ENCRYPT] = "ENCRYPT",   [TELNET_TELOPT_NEW_ENVIRON] = "NEW-ENVIRON",
};

enum { BITS = 64 };

static uint64_t bit(uint8_t option)
{
    return option < BITS ? UINT64_C(1) << option : 0;
}

static void answer(struct conn *c, uint8_t command, uint8_t option)
{
    const uint8_t bytes[3] = {TELNET_IAC, command, option};
    conn_say(c, span_of(bytes, sizeof bytes));
}

static bool listed(struct span options, uint8_t option)
{
    return span_find(options, option) < options.len;
}

bool telnet_echoes(struct conn *c)
{
    const struct telnet_session *t = telnet_of(c); /* a deaf daemon's terminal echoes whatever the client says */
    return ((t->us | t->us_asked) & bit(TELNET_TELOPT_ECHO)) != 0;
}

void telnet_options_open(struct conn *c)
{
    struct telnet_session *t = telnet_of(c);
    struct span options = conn_profile(c)->telnet_options;
    conn_say(c, options);
    for (size_t i = 0; i + 2 < options.len; i++) {
        uint8_t command = options.at[i + 1], option = options.at[i + 2];
        if (options.at[i] != TELNET_IAC || command < TELNET_WILL)
            continue;
        if (command == TELNET_WILL)
            t->us_asked |= bit(option);
        else if (command == TELNET_DO)
            t->him_asked |= bit(option);
        i += 2;
    }
    /* busybox's telnetd, known by asking the client to echo and for nothing of its terminal but the size: it skips over all options it gets. */
    t->deaf = (t->him_asked & (bit(TELNET_TELOPT_ECHO) | bit(TELNET_TELOPT_TTYPE))) == bit(TELNET_TELOPT_ECHO);
    /* The BSD telnetd and its heirs ask about the terminal first, and offer echo only when all that was answered. */
    if (!t->deaf && (t->us_asked & bit(TELNET_TELOPT_ECHO)) == 0 && listed(conn_profile(c)->telnet_will, TELNET_TELOPT_ECHO))
        t->later = t->him_asked;
}

/* What was agreed on and has a value to ask for: RFC 1091, 1079, 1096, 1572. */
static void ask(struct conn *c, uint8_t option)
{
    const uint8_t send[6] = {TELNET_IAC, TELNET_SB, option, TELNET_TTYPE_SEND, TELNET_IAC, TELNET_SE};
    if (option == TELNET_TELOPT_TTYPE || option == TELNET_TELOPT_TSPEED || option == TELNET_TELOPT_XDISPLOC || option == TELNET_TELOPT_NEW_ENVIRON)
        conn_say(c, span_of(send, sizeof send));
}

/* One side of RFC 1143's table without its queues, since we never change our mind: `on` and `asked` are ours or his. */
static void agree(struct conn *c, uint64_t *on, uint64_t *asked, uint8_t option, bool wish, bool possible, uint8_t yes, uint8_t no)
{
    uint64_t b = bit(option);
    bool his = yes == TELNET_DO;
    if ((*asked & b) != 0) {
        *asked &= ~b;
        if (!wish)
            return;
        *on |= b;
        if (his)
            ask(c, option);
    } else if (wish && (*on & b) == 0) {
        if (possible && b != 0)
            *on |= b;
        answer(c, (*on & b) != 0 ? yes : no, option);
        if (his && (*on & b) != 0)
            ask(c, option);
    } else if (!wish && (*on & b) != 0) {
        *on &= ~b;
        answer(c, no, option);
    }
}

static void remember(struct conn *c, uint8_t command, uint8_t option)
{
    struct telnet_session *t = telnet_of(c);
    uint16_t pair = (uint16_t)(command << 8 | option);
    if (t->listed == NULL)
        t->listed = arena_alloc(conn_arena(c), TELNET_LISTED_MAX * sizeof *t->listed);
    if (t->listed == NULL || t->listed_count == TELNET_LISTED_MAX)
        return;
    for (size_t i = 0; i < t->listed_count; i++) {
        if (t->listed[i] == pair)
            return;
    }
    t->listed[t->listed_count] = pair;
    t->listed_count++;
}

static const char *command_name(unsigned command)
{
    static const char *const names[] = {"WILL", "WONT", "DO", "DONT"};
    return names[command - TELNET_WILL];
}

void telnet_options_sum(struct conn *c)
{
    const struct telnet_session *t = telnet_of(c);
    char text[TELNET_LISTED_MAX * 24];
    size_t len = 0;
    for (size_t i = 0; i < t->listed_count; i++) {
        unsigned option = t->listed[i] & 0xff;
        const char *name = option < sizeof option_names / sizeof option_names[0] ? option_names[option] : NULL;
        char number[8];
        (void)snprintf(number, sizeof number, "%u", option);
        int wrote =
            snprintf(text + len, sizeof text - len, "%s%s %s", i > 0 ? ", " : "", command_name(t->listed[i] >> 8), name != NULL ? name : number);
        if (wrote < 0 || (size_t)wrote >= sizeof text - len)
            break;
        len += (size_t)wrote;
    }
    if (len > 0)
        conn_sum(c, fact_text(FACT_TELNET_OPTIONS, span_of(text, len)));
}

/* The second round: what the device has to offer and to ask beyond the first. */
static void ask_the_rest(struct conn *c)
{
    struct telnet_session *t = telnet_of(c);
    const struct profile *profile = conn_profile(c);
    uint64_t asked = t->later;
    t->later = 0;
    for (size_t i = 0; i < profile->telnet_will.len; i++) {
        uint64_t b = bit(profile->telnet_will.at[i]) & ~(t->us | t->us_asked);
        t->us_asked |= b;
        if (b != 0)
            answer(c, TELNET_WILL, profile->telnet_will.at[i]);
    }
    for (size_t i = 0; i < profile->telnet_do.len; i++) {
        uint64_t b = bit(profile->telnet_do.at[i]) & ~(t->him | t->him_asked | asked);
        t->him_asked |= b;
        if (b != 0)
            answer(c, TELNET_DO, profile->telnet_do.at[i]);
    }
}

static void negotiated(struct conn *c, uint8_t command, uint8_t option)
{
    struct telnet_session *t = telnet_of(c);
    const struct profile *profile = conn_profile(c);
    remember(c, command, option);
    if (t->deaf)
        return;
    if (command == TELNET_DO || command == TELNET_DONT)
        agree(c, &t->us, &t->us_asked, option, command == TELNET_DO, listed(profile->telnet_will, option), TELNET_WILL, TELNET_WONT);
    else
        agree(c, &t->him, &t->him_asked, option, command == TELNET_WILL, listed(profile->telnet_do, option), TELNET_DO, TELNET_DONT);
    if (t->later != 0 && t->him_asked == 0)
        ask_the_rest(c);
}

static bool client_room(struct conn *c)
{
    struct telnet_session *t = telnet_of(c);
    if (t->client_count >= TELNET_CLIENT_MAX)
        return false;
    t->client_count++;
    return true;
}

static void window_size(struct conn *c, struct cursor value)
{
    uint16_t columns = cursor_be16(&value), rows = cursor_be16(&value);
    if (value.error != 0 || !client_room(c))
        return;
    const struct fact facts[] = {fact_int(FACT_TERMINAL_COLUMNS, columns), fact_int(FACT_TERMINAL_ROWS, rows)};
    conn_fact(c, KIND_CLIENT, facts, 2);
}

static void terminal_type(struct conn *c, struct cursor value)
{
    if (cursor_u8(&value) != TELNET_TTYPE_IS || value.error != 0 || !client_room(c))
        return;
    const struct fact fact = fact_text(FACT_TERMINAL_TYPE, span_part(cursor_rest(&value), 0, TELNET_NAME_MAX));
    conn_fact(c, KIND_CLIENT, &fact, 1);
}

/* Variables that telnet daemons handed to login(1) or to the linker. */
static const char *exploit_of(struct span name, struct span value)
{
    if (span_is(name, "USER") && span_starts(value, "-f"))
        return span_starts(value, "-f ") ? "CVE-2026-24061" : "CVE-2007-0882";
    if (span_is(name, "TTYPROMPT"))
        return "CVE-2001-0797";
    if (span_is(name, "LD_LIBRARY_PATH") || span_is(name, "LD_PRELOAD"))
        return "CVE-1999-0073";
    return NULL;
}

static void variable(struct conn *c, struct span name, struct span value)
{
    if (name.len == 0 || !client_room(c))
        return;
    const struct fact facts[] = {fact_text(FACT_VARIABLE_NAME, name), fact_text(FACT_VARIABLE_VALUE, value)};
    conn_fact(c, KIND_CLIENT, facts, 2);
    const char *cve = exploit_of(name, value);
    if (cve == NULL)
        return;
    const struct fact exploit[] = {fact_text(FACT_VULNERABILITY_ID, span_text(cve)), fact_text(FACT_EVENT_OUTCOME, span_text("failure")), facts[0],
                                   facts[1]};
    conn_fact(c, KIND_EXPLOIT, exploit, sizeof exploit / sizeof exploit[0]);
}

/* Up to the next VAR, USERVAR or (in a name) VALUE; ESC makes the next byte plain. Cut at TELNET_NAME_MAX. */
static struct span environ_text(struct cursor *c, bool name, uint8_t text[static TELNET_NAME_MAX])
{
    size_t len = 0;
    while (cursor_left(c) > 0) {
        uint8_t byte = *c->at;
        if (byte == TELNET_ENVIRON_VAR || byte == TELNET_ENVIRON_USERVAR || (name && byte == TELNET_ENVIRON_VALUE))
            break;
        (void)cursor_u8(c);
        if (byte == TELNET_ENVIRON_ESC && cursor_left(c) > 0)
            byte = cursor_u8(c);
        if (len < TELNET_NAME_MAX)
            text[len++] = byte;
    }
    return span_of(text, len);
}

static void environment(struct conn *c, struct cursor value)
{
    uint8_t command = cursor_u8(&value);
    if (value.error != 0 || (command != TELNET_ENVIRON_IS && command != TELNET_ENVIRON_INFO))
        return;
    while (cursor_left(&value) > 0) {
        uint8_t name[TELNET_NAME_MAX], content[TELNET_NAME_MAX];
        (void)cursor_u8(&value); /* VAR or USERVAR */
        struct span name_span = environ_text(&value, true, name), content_span = span_of(content, 0);
        if (cursor_left(&value) > 0 && *value.at == TELNET_ENVIRON_VALUE) {
            (void)cursor_u8(&value);
            content_span = environ_text(&value, false, content);
        }
        variable(c, name_span, content_span);
    }
}

static void subnegotiated(struct conn *c, uint8_t option, struct span value)
{
    if (option == TELNET_TELOPT_NAWS)
        window_size(c, cursor_of(value));
    else if (option == TELNET_TELOPT_TTYPE)
        terminal_type(c, cursor_of(value));
    else if (option == TELNET_TELOPT_NEW_ENVIRON || option == TELNET_TELOPT_ENVIRON)
        environment(c, cursor_of(value));
}

static void command(struct conn *c, uint8_t code)
{
    static const char yes[] = "\r\n[Yes]\r\n";
    switch (code) {
    case TELNET_IP:
    case TELNET_BREAK:
        telnet_control(c, 3);
        break;
    case TELNET_EC:
        telnet_control(c, 127);
        break;
    case TELNET_EL:
        telnet_control(c, 21);
        break;
    case TELNET_EOF:
        telnet_control(c, 4);
        break;
    case TELNET_AYT:
        /* The daemons with long option lists of their own answer; busybox's does not know it. */
        if (listed(conn_profile(c)->telnet_will, TELNET_TELOPT_STATUS))
            telnet_say(c, span_of(yes, sizeof yes - 1));
        break;
    default:
        break;
    }
}

void telnet_options_event(struct conn *c, const telnet_event_t *event)
{
    struct telnet_session *t = telnet_of(c);
    if (conn_ending(c) || event->type == TELNET_EV_SEND)
        return;
    if (t->commands >= TELNET_COMMANDS_MAX || event->type == TELNET_EV_COMPRESS) {
        conn_hangup(c, REASON_OPTIONS); /* compression was never agreed on */
        return;
    }
    switch (event->type) {
    case TELNET_EV_WILL:
        negotiated(c, TELNET_WILL, event->neg.telopt);
        break;
    case TELNET_EV_WONT:
        negotiated(c, TELNET_WONT, event->neg.telopt);
        break;
    case TELNET_EV_DO:
        negotiated(c, TELNET_DO, event->neg.telopt);
        break;
    case TELNET_EV_DONT:
        negotiated(c, TELNET_DONT, event->neg.telopt);
        break;
    case TELNET_EV_SUBNEGOTIATION:
        subnegotiated(c, event->sub.telopt, span_of(event->sub.buffer, event->sub.size));
        break;
    case TELNET_EV_IAC:
        command(c, event->iac.cmd);
        break;
    default:
        return; /* the library's own reading of values, and its warnings */
    }
    t->commands++;
}
