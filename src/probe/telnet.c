/*
 * Telnet up to the login prompt. Many servers show it only after their options were answered, so they are, as a client with few wishes would:
 * ECHO and SGA are welcome, everything else is refused (RFC 854, RFC 1143). Each option is answered at most once in each direction and
 * ANSWERS_MAX in all, so no storm or loop makes us talk on. Nothing else is ever said: no user name, no line end.
 *
 *   DATA ─IAC─► COMMAND ─┬─ WILL WONT DO DONT ─► OPTION ─► DATA
 *                        ├─ SB ─► SUB ─IAC─► SUB_IAC ─SE─► DATA
 *                        └─ any other ─► DATA
 */
#include "base/buf.h"
#include "probe/learn.h"

enum { IAC = 255, DONT = 254, DO = 253, WONT = 252, WILL = 251, SB = 250, SE = 240 };
enum { OPTION_ECHO = 1, OPTION_SGA = 3 };
enum { ANSWERS_MAX = 64, LISTED_MAX = 32 };

enum phase { DATA, COMMAND, OPTION, SUB, SUB_IAC };

struct telnet {
    enum phase phase;
    uint8_t verb;             /* of the option being read */
    bool text;                /* something for a person to read has come */
    uint8_t told[2][256 / 8]; /* options answered: its own side's (WILL), ours (DO) */
    unsigned answers, listed;
    uint8_t list[LISTED_MAX][2]; /* what it asked, in order */
};

static void answer(struct telnet *telnet, uint8_t option, struct buf *out)
{
    bool its = telnet->verb == WILL || telnet->verb == WONT, asked = telnet->verb == WILL || telnet->verb == DO;
    uint8_t *told = &telnet->told[its ? 0 : 1][option / 8], bit = (uint8_t)(1U << option % 8);
    if (telnet->listed < LISTED_MAX) {
        telnet->list[telnet->listed][0] = telnet->verb;
        telnet->list[telnet->listed++][1] = option;
    }
    /* What is off already needs no answer: everything is off at first. */
    if (!asked || (*told & bit) != 0 || telnet->answers >= ANSWERS_MAX)
        return;
    *told |= bit;
    telnet->answers++;
    bool welcome = option == OPTION_SGA || (its && option == OPTION_ECHO);
    uint8_t reply = its ? (welcome ? DO : DONT) : (welcome ? WILL : WONT);
    buf_put(out, (const uint8_t[]){IAC, reply, option}, 3);
}

static void read_byte(struct telnet *telnet, uint8_t byte, struct buf *out)
{
    switch (telnet->phase) {
    case DATA:
        if (byte == IAC)
            telnet->phase = COMMAND;
        else if (byte > ' ')
            telnet->text = true;
        break;
    case COMMAND:
        telnet->verb = byte;
        if (byte >= WILL && byte != IAC)
            telnet->phase = OPTION;
        else
            telnet->phase = byte == SB ? SUB : DATA;
        break;
    case OPTION:
        answer(telnet, byte, out);
        telnet->phase = DATA;
        break;
    case SUB:
        if (byte == IAC)
            telnet->phase = SUB_IAC;
        break;
    case SUB_IAC:
        telnet->phase = byte == SE ? DATA : SUB;
        break;
    }
}

static void ask(struct talk *talk)
{
    talk_wake(talk, talk_first_byte(talk));
}

static void hear(struct talk *talk, struct span bytes)
{
    struct telnet *telnet = talk_state(talk);
    bool text = telnet->text;
    struct buf out;
    buf_init(&out, 3 * ANSWERS_MAX);
    for (size_t i = 0; i < bytes.len; i++)
        read_byte(telnet, bytes.at[i], &out);
    if (out.error == 0 && out.len > 0)
        talk_say(talk, buf_as_span(&out));
    buf_done(&out);
    /* After options alone a server may still look up our name before it greets. */
    if (telnet->text && !text)
        talk_wake(talk, talk_quiet(talk));
}

static void quiet(struct talk *talk)
{
    talk_fail(talk, talk_heard(talk).len > 0 ? ENDING_QUIET : ENDING_SILENT);
}

static void end(struct talk *talk)
{
    const struct telnet *telnet = talk_state(talk);
    static const char *const verbs[] = {"WILL", "WONT", "DO", "DONT"};
    static const char *const names[] = {
#define TELNET_OPTION(number, name) [number] = (name),
#include "record/telnet_options.def"
#undef TELNET_OPTION
    };
    struct buf list, lines;
    buf_init(&list, 0);
    buf_init(&lines, 0);
    for (unsigned i = 0; i < telnet->listed; i++) {
        uint8_t option = telnet->list[i][1];
        buf_printf(&list, "%s%s ", i > 0 ? ", " : "", verbs[telnet->list[i][0] - WILL]);
        if (option < sizeof names / sizeof names[0] && names[option] != NULL)
            buf_text(&list, names[option]);
        else
            buf_printf(&list, "%u", option);
    }
    if (list.error == 0)
        learn_line(&lines, "options", buf_as_span(&list));
    learn_detail(talk, &lines);
    buf_done(&lines);
    buf_done(&list);
    if (talk_heard(talk).len > 0)
        talk_done(talk);
}

const struct probe probe_telnet = {
    .name = "telnet",
    .help = "answers options and waits for the login prompt, and says nothing to it",
    .over = TRANSPORT_TCP,
    .care = CARE_POLITE,
    .ports = {23, 2323},
    .state_size = sizeof(struct telnet),
    .ask = ask,
    .hear = hear,
    .quiet = quiet,
    .end = end,
};
