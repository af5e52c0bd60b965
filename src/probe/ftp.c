/*
 * FTP's greeting, then QUIT (RFC 959). A greeting is a line "220 text" or begins with "220-text" and goes on up to "220 text"; lines in front of
 * it, or without a number, are heard and passed over.
 *
 *   GREETING ─"220 …"─► QUIT said ─"221 …" or close─► done
 *            └─"421 …", "530 …": the host says no and closes ─► done
 */
#include "probe/learn.h"

enum { LINE_KEPT = 4 };

struct ftp {
    uint8_t line[LINE_KEPT]; /* how the line being read begins */
    size_t line_len;
    bool spoke; /* a line with a number came */
    bool quit;
    uint8_t code[3]; /* of a reply of several lines, not yet over; 0: none */
};

static void ask(struct talk *talk)
{
    talk_wake(talk, talk_first_byte(talk));
}

static bool has_code(const struct ftp *ftp)
{
    return ftp->line_len >= 3 && ftp->line[0] >= '1' && ftp->line[0] <= '6' && ftp->line[1] >= '0' && ftp->line[1] <= '9' && ftp->line[2] >= '0' &&
           ftp->line[2] <= '9';
}

/* A line is over. Whether it ended a reply. */
static bool reply_ends(struct ftp *ftp)
{
    if (!has_code(ftp))
        return false;
    bool more = ftp->line_len > 3 && ftp->line[3] == '-';
    bool inside = ftp->code[0] != 0;
    ftp->spoke = true;
    if (inside && memcmp(ftp->code, ftp->line, 3) != 0)
        return false;
    if (more) {
        memcpy(ftp->code, ftp->line, 3);
        return false;
    }
    ftp->code[0] = 0;
    return true;
}

static void hear(struct talk *talk, struct span bytes)
{
    struct ftp *ftp = talk_state(talk);
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.at[i] != '\n') {
            if (ftp->line_len < LINE_KEPT && bytes.at[i] != '\r')
                ftp->line[ftp->line_len++] = bytes.at[i];
            continue;
        }
        bool ended = reply_ends(ftp);
        uint8_t kind = ftp->line[0];
        ftp->line_len = 0;
        if (!ended || kind == '1') /* "120: ready in n minutes": the greeting is still to come */
            continue;
        if (ftp->quit || kind != '2') {
            talk_done(talk);
            return;
        }
        ftp->quit = true;
        talk_say(talk, span_text("QUIT\r\n"));
    }
    talk_wake(talk, ftp->quit || !ftp->spoke ? talk_quiet(talk) : talk_first_byte(talk));
}

static void quiet(struct talk *talk)
{
    const struct ftp *ftp = talk_state(talk);
    if (ftp->quit)
        talk_done(talk); /* it greeted; not every host says goodbye */
    else if (talk_heard(talk).len == 0)
        talk_fail(talk, ENDING_SILENT);
    else
        talk_fail(talk, ftp->spoke || has_code(ftp) ? ENDING_QUIET : ENDING_OTHER);
}

static void end(struct talk *talk)
{
    const struct ftp *ftp = talk_state(talk);
    if (ftp->quit || ftp->spoke)
        talk_done(talk);
}

const struct probe probe_ftp = {
    .name = "ftp",
    .help = "reads the greeting and says QUIT",
    .over = TRANSPORT_TCP,
    .care = CARE_POLITE,
    .ports = {21, 2121},
    .state_size = sizeof(struct ftp),
    .ask = ask,
    .hear = hear,
    .quiet = quiet,
    .end = end,
};
