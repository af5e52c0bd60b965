/*
 * Lines given to a shell on a device that has every applet. Each line runs with the terminal, then with its output and input in pipes.
 * Whatever comes: no crash, bounded output, bounded work.
 */
#include "../test/unit/shell/applets_stage.h"

#include "target.h"

enum { INPUT_MAX = 8 * 1024, LINES_MAX = 24 };

static void one_line(struct stage *s, struct span line)
{
    struct buf piped;
    shell_line(s->shell, line);
    shell_end_of_file(s->shell);
    if (s->ended != REASON_NONE || line.len > 4096)
        return;
    buf_init(&piped, 8192);
    buf_text(&piped, "cat /etc/passwd | ");
    buf_span(&piped, line);
    buf_text(&piped, " | cat");
    shell_line(s->shell, buf_as_span(&piped));
    buf_done(&piped);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct profile profile;
    struct stage s;
    if (len < 1 || len > INPUT_MAX)
        return 0;
    if (profile.name.len == 0)
        profile = whole_profile();
    /* The version decides much of what is said. */
    static const char *const versions[] = {"v1.01 (2007)", "v1.19.4 (2014)", "v1.22.1 (2015)", "v1.35.0 (2022)"};
    profile.busybox_version = span_text(versions[data[0] & 3]);
    profile.machine = data[0] & 4 ? MACHINE_MIPS : MACHINE_ARM;
    if (stage_open(&s, &profile) != 0)
        abort();
    s.now = INT64_C(1795220000) * USEC_PER_SEC;
    shell_line(s.shell, span_text("cd /tmp; printf 'one\\ntwo\\nx:1 y\\n' > f; printf '\\001\\377\\000' > b; mkdir d; ln -s f l"));
    struct span rest = span_of(data + 1, len - 1);
    for (unsigned n = 0; rest.len > 0 && s.ended == REASON_NONE && n < LINES_MAX; n++) {
        struct span line = span_part(rest, 0, span_find(rest, '\n'));
        rest = span_part(rest, line.len + 1, rest.len);
        one_line(&s, line);
        if (s.said.len > STAGE_OUTPUT_MAX / 2)
            break;
    }
    if (s.said.error != 0 || s.facts.error != 0)
        abort();
    stage_close(&s);
    return 0;
}
