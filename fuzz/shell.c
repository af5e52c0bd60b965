/*
 * Lines given to a shell with a fixed profile. The first byte's lowest bit makes the terminal slow, so that long answers come in pieces.
 * "\x04" alone on a line is ^D, "\x03" is ^C. Whatever comes: no crash, bounded output, and the session is ended or takes another line.
 */
#include "../test/unit/shell/stage.h"

#include "target.h"

enum { INPUT_MAX = 64 * 1024 };

static void drain(struct stage *s)
{
    for (unsigned turns = 0; turns < 4096 && s->unsent > 0; turns++) {
        s->unsent = 0;
        shell_more(s->shell);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 1 || len > INPUT_MAX)
        return 0;
    struct stage s;
    if (stage_open(&s, &stage_profile) != 0)
        abort();
    shell_greet(s.shell);
    s.slow = (data[0] & 1) != 0;
    struct span rest = span_of(data + 1, len - 1);
    while (rest.len > 0 && s.ended == REASON_NONE) {
        struct span line = span_part(rest, 0, span_find(rest, '\n'));
        rest = span_part(rest, line.len + 1, rest.len);
        if (span_is(line, "\x04"))
            shell_end_of_file(s.shell);
        else if (span_is(line, "\x03"))
            shell_interrupt(s.shell);
        else
            shell_line(s.shell, line);
        s.now += USEC_PER_SEC;
        if (s.slow && (line.len & 3) == 0)
            drain(&s);
        if (s.said.len > STAGE_OUTPUT_MAX / 2)
            s.ended = REASON_OUTPUT;
    }
    if (s.said.error != 0 || s.facts.error != 0)
        abort();
    /* Alive means that another line is answered. */
    if (s.ended == REASON_NONE) {
        /* A slow terminal takes what was said first: a line waits until it has left. */
        shell_interrupt(s.shell);
        drain(&s);
        buf_clear(&s.said);
        shell_line(s.shell, span_text("true"));
        drain(&s);
        if (s.ended == REASON_NONE && s.said.len == 0)
            abort();
    }
    stage_close(&s);
    return 0;
}
