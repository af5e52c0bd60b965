/* The terminal: line editing and echo of what comes, line ends of what goes. The state survives any cut of the stream. */
#include "observe/honeypot/telnet.h"

enum {
    KEY_NUL = 0,
    KEY_INTERRUPT = 3,
    KEY_END = 4,
    KEY_BACKSPACE = 8,
    KEY_TAB = 9,
    KEY_LF = 10,
    KEY_CR = 13,
    KEY_KILL = 21,
    KEY_WORD = 23,
    KEY_ESCAPE = 27,
    KEY_DELETE = 127,
    LINE_KEPT = 256 /* memory a finished line leaves for the next */
};

void telnet_say(struct conn *c, struct span bytes)
{
    struct telnet_session *t = telnet_of(c);
    while (bytes.len > 0) {
        size_t run = span_find(bytes, TELNET_IAC);
        size_t with = run < bytes.len ? run + 1 : run;
        conn_say(c, span_part(bytes, 0, with));
        if (with > run)
            conn_say(c, span_part(bytes, run, 1));
        t->said_cr = bytes.at[with - 1] == KEY_CR;
        bytes = span_part(bytes, with, bytes.len);
    }
}

void telnet_print(struct conn *c, struct span text)
{
    struct telnet_session *t = telnet_of(c);
    while (text.len > 0) {
        size_t run = span_find(text, '\n');
        telnet_say(c, span_part(text, 0, run));
        if (run == text.len)
            return;
        telnet_say(c, span_text(t->said_cr ? "\n" : "\r\n"));
        text = span_part(text, run + 1, text.len);
    }
}

static bool secret(struct conn *c)
{
    return telnet_of(c)->stage == TELNET_PASSWORD;
}

static void echo(struct conn *c, struct span bytes)
{
    if (!secret(c) && telnet_echoes(c))
        telnet_say(c, bytes);
}

static void line_done(struct conn *c)
{
    struct telnet_session *t = telnet_of(c);
    struct buf line = t->line;
    t->line = (struct buf){0};
    /* After a password nothing was echoed, yet every login program moves to a new line. */
    if (secret(c) || telnet_echoes(c))
        telnet_say(c, span_text("\r\n"));
    telnet_line(c, buf_as_span(&line));
    if (line.size > LINE_KEPT || t->accepted) {
        buf_done(&line);
        return;
    }
    buf_clear(&line);
    t->line = line;
}

/* Removes what matches from the line's end and from the screen. */
static void erase(struct conn *c, size_t count)
{
    struct telnet_session *t = telnet_of(c);
    for (; count > 0 && t->line.len > 0; count--) {
        t->line.len--;
        echo(c, span_text("\b \b"));
    }
}

static size_t last_word(const struct buf *line)
{
    size_t at = line->len;
    while (at > 0 && line->data[at - 1] == ' ')
        at--;
    while (at > 0 && line->data[at - 1] != ' ')
        at--;
    return line->len - at;
}

void telnet_control(struct conn *c, uint8_t key)
{
    struct telnet_session *t = telnet_of(c);
    switch (key) {
    case KEY_INTERRUPT:
        echo(c, span_text("^C"));
        buf_clear(&t->line);
        telnet_interrupt(c);
        break;
    case KEY_END:
        telnet_end_of_file(c, t->line.len == 0);
        break;
    case KEY_BACKSPACE:
    case KEY_DELETE:
        erase(c, 1);
        break;
    case KEY_KILL:
        erase(c, t->line.len);
        break;
    case KEY_WORD:
        erase(c, last_word(&t->line));
        break;
    case KEY_ESCAPE:
        t->escape = 1;
        break;
    default:
        break; /* NUL, tab, bell …: a login and a shell without completion show nothing */
    }
}

/* The rest of an arrow or function key: ESC [ … letter, ESC O letter, ESC letter. */
static void escape_byte(struct telnet_session *t, uint8_t byte)
{
    if (t->escape == 1)
        t->escape = byte == '[' || byte == 'O' ? 2 : 0;
    else if (byte >= 0x40 && byte <= 0x7e)
        t->escape = 0;
}

static bool plain(uint8_t byte)
{
    return byte >= ' ' && byte != KEY_DELETE;
}

static void line_add(struct conn *c, struct span bytes)
{
    struct telnet_session *t = telnet_of(c);
    size_t max = telnet_line_max(c);
    size_t room = t->line.len < max ? max - t->line.len : 0;
    bytes = span_part(bytes, 0, room);
    buf_span(&t->line, bytes);
    if (t->line.error != 0) {
        conn_hangup(c, REASON_MEMORY);
        return;
    }
    echo(c, bytes);
}

void telnet_typed(struct conn *c, struct span bytes)
{
    struct telnet_session *t = telnet_of(c);
    size_t i = 0;
    while (i < bytes.len && !conn_ending(c)) {
        uint8_t byte = bytes.at[i];
        bool after_cr = t->after_cr;
        t->after_cr = false;
        if (after_cr && (byte == KEY_LF || byte == KEY_NUL)) {
            i++;
        } else if (byte == KEY_CR || byte == KEY_LF) {
            t->after_cr = byte == KEY_CR;
            t->escape = 0;
            i++;
            line_done(c);
        } else if (t->escape != 0) {
            escape_byte(t, byte);
            i++;
        } else if (plain(byte)) {
            size_t from = i;
            while (i < bytes.len && plain(bytes.at[i]))
                i++;
            line_add(c, span_part(bytes, from, i - from));
        } else {
            telnet_control(c, byte);
            i++;
        }
    }
}
