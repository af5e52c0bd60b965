/* Any service that speaks first: nothing is said, what comes is kept. Whoever waits for the client stays silent, and that is an answer, too. */
#include "probe/probe.h"

static void ask(struct talk *talk)
{
    talk_wake(talk, talk_first_byte(talk));
}

static void hear(struct talk *talk, struct span bytes)
{
    if (talk_heard(talk).len <= bytes.len)
        talk_wake(talk, talk_quiet(talk));
}

static void quiet(struct talk *talk)
{
    talk_fail(talk, talk_heard(talk).len > 0 ? ENDING_QUIET : ENDING_SILENT);
}

static void end(struct talk *talk)
{
    if (talk_heard(talk).len > 0)
        talk_done(talk);
}

const struct probe probe_banner = {
    .name = "banner",
    .help = "waits for what a service says by itself, and says nothing",
    .over = TRANSPORT_TCP,
    .care = CARE_POLITE,
    .ask = ask,
    .hear = hear,
    .quiet = quiet,
    .end = end,
};
