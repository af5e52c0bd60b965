#include "cli/show.h"
#include "record/transcript.h"

#include <errno.h>
#include <time.h>

#define BLOCK_GAP USEC_PER_SEC

/* Telnet's commands in a stream of bytes (RFC 854), whatever pieces it comes in:
 *
 *   TEXT ──IAC──► COMMAND ──WILL WONT DO DONT──► OPTION ──any──► TEXT
 *                    │ SB                                          ▲
 *                    └──► INSIDE ──IAC──► INSIDE_IAC ──SE──────────┘   (IAC IAC is the byte 255)
 */
struct telnet {
    enum { TELNET_TEXT, TELNET_COMMAND, TELNET_OPTION, TELNET_INSIDE, TELNET_INSIDE_IAC } state;
    uint8_t command;
};

enum { IAC = 255, SB = 250, SE = 240, WILL = 251, DONT = 254 };

static void name_option(struct buf *out, uint8_t command, uint8_t option)
{
    static const char *const commands[] = {"WILL", "WONT", "DO", "DONT"};
    static const char *const options[40] = {
        [0] = "BINARY",  [1] = "ECHO",   [3] = "SGA",       [5] = "STATUS",    [6] = "TM",           [24] = "TTYPE",      [31] = "NAWS",
        [32] = "TSPEED", [33] = "LFLOW", [34] = "LINEMODE", [35] = "XDISPLOC", [36] = "OLD-ENVIRON", [39] = "NEW-ENVIRON"};
    const char *name = option < 40 ? options[option] : NULL;
    if (name != NULL)
        buf_printf(out, "[%s %s]", commands[command - WILL], name);
    else
        buf_printf(out, "[%s %u]", commands[command - WILL], option);
}

/* Appends what is text of a byte to `out`; commands by name when `named`. */
static void telnet_byte(struct telnet *t, struct buf *out, uint8_t byte, bool named)
{
    switch (t->state) {
    case TELNET_TEXT:
        if (byte == IAC)
            t->state = TELNET_COMMAND;
        else
            buf_byte(out, byte);
        return;
    case TELNET_COMMAND:
        t->command = byte;
        t->state = byte == SB ? TELNET_INSIDE : byte >= WILL && byte <= DONT ? TELNET_OPTION : TELNET_TEXT;
        if (byte == IAC)
            buf_byte(out, byte);
        else if (named && t->state == TELNET_TEXT)
            buf_printf(out, "[IAC %u]", byte);
        else if (named && byte == SB)
            buf_text(out, "[SB …]");
        return;
    case TELNET_OPTION:
        if (named)
            name_option(out, t->command, byte);
        t->state = TELNET_TEXT;
        return;
    case TELNET_INSIDE:
        t->state = byte == IAC ? TELNET_INSIDE_IAC : TELNET_INSIDE;
        return;
    case TELNET_INSIDE_IAC:
        t->state = byte == SE ? TELNET_TEXT : TELNET_INSIDE;
        return;
    }
}

/* A carriage return moves a terminal's cursor back over what stands there, so it is left out; line feeds say the same here. */
static void take(struct telnet *t, struct buf *out, struct span bytes, bool telnet, bool named)
{
    for (size_t n = 0; n < bytes.len; n++) {
        if (bytes.at[n] == '\r' || bytes.at[n] == '\0')
            continue;
        if (telnet)
            telnet_byte(t, out, bytes.at[n], named);
        else
            buf_byte(out, bytes.at[n]);
    }
}

static void print_marked(const struct invocation *i, bool received, struct span text)
{
    struct buf out;
    buf_init(&out, 0);
    text_escape_lines(&out, text);
    bool mark = received && i->color && out.len > 0;
    printf("%s%s%s", mark ? "\033[36m" : "", buf_cstr(&out), mark ? "\033[0m" : "");
    buf_done(&out);
}

int show_replay(const struct invocation *i, struct span transcript, bool telnet, double speed)
{
    struct cursor cursor = cursor_of(transcript);
    struct transcript_piece piece;
    struct telnet states[2] = {0};
    struct buf text;
    int more;
    buf_init(&text, 0);
    while ((more = transcript_next(&cursor, &piece)) > 0) {
        usec_t wait = piece.after > 0 ? (usec_t)((double)piece.after / speed) : 0;
        struct timespec pause = {.tv_sec = wait / USEC_PER_SEC, .tv_nsec = wait % USEC_PER_SEC * 1000};
        fflush(stdout);
        while (nanosleep(&pause, &pause) != 0 && errno == EINTR)
            ;
        bool received = piece.direction == TRANSCRIPT_RECEIVED;
        buf_clear(&text);
        take(&states[received], &text, piece.bytes, telnet, false);
        print_marked(i, received, buf_as_span(&text));
    }
    putchar('\n');
    buf_done(&text);
    return more < 0 ? failed("the transcript is damaged") : EXIT_OK;
}

static void print_block(const struct invocation *i, struct span block, usec_t at, bool received)
{
    while (block.len > 0) {
        struct span line = span_part(block, 0, span_find(block, '\n'));
        block = span_part(block, line.len + 1, block.len);
        printf("%9.3f %c ", (double)at / 1e6, received ? '<' : '>');
        print_marked(i, received, line);
        putchar('\n');
    }
}

/* Successive pieces of one direction without a pause stand together. */
int show_transcript(const struct invocation *i, struct span transcript, bool telnet)
{
    struct cursor cursor = cursor_of(transcript);
    struct transcript_piece piece = {0};
    struct telnet states[2] = {0};
    struct buf block;
    usec_t at = 0, block_at = 0;
    bool received = false;
    int more;
    buf_init(&block, 0);
    printf("\n%stranscript%s (< from the attacker, > answered)\n", i->color ? "\033[1m" : "", i->color ? "\033[0m" : "");
    do {
        more = transcript_next(&cursor, &piece);
        at += more > 0 ? piece.after : 0;
        bool from = piece.direction == TRANSCRIPT_RECEIVED;
        if (block.len > 0 && (more <= 0 || from != received || at - block_at > BLOCK_GAP)) {
            print_block(i, buf_as_span(&block), block_at, received);
            buf_clear(&block);
        }
        if (block.len == 0) {
            block_at = at;
            received = from;
        }
        if (more > 0)
            take(&states[from], &block, piece.bytes, telnet, true);
    } while (more > 0);
    buf_done(&block);
    return more < 0 ? failed("the transcript is damaged") : EXIT_OK;
}
