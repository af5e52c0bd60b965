/*
 * A conversation with a probed host, without a network: every talk_* function of probe/probe.h over memory, for tests and fuzzers. What the
 * probe does is kept as it did it; what it must not do (a fact that no ANSWER record may carry, foreign bytes as text, a second
 * connection of an industrial probe) ends the process.
 *
 *   harness_open ─► harness_hear* / harness_silence* ─► harness_close ─► look at it ─► harness_free
 */
#pragma once

#include "base/buf.h"
#include "probe/probe.h"

enum { HARNESS_SAID_MAX = 4096, HARNESS_HEARD_MAX = 96 * 1024, HARNESS_ARENA_MAX = 1024 * 1024 };

struct talk {
    const struct probe *probe;
    unsigned round;
    struct arena arena;
    void *state;
    struct buf said;  /* all requests, one after the other */
    struct buf heard; /* all answers, up to HARNESS_HEARD_MAX */
    struct fact facts[RECORD_FACTS_MAX];
    size_t fact_count;
    size_t says;        /* calls of talk_say */
    bool said_too_much; /* more than a talk may say: what was too much was dropped */
    usec_t wake;        /* after this time of silence quiet is called; 0: it is not */
    bool over;          /* talk_done or talk_fail was called, or the host closed: nothing more is heard */
    bool again;         /* talk_again was called */
    bool ended;         /* end was called */
    enum ending ending; /* ENDING_COUNT until it is known */
    bool ending_now;    /* in end, or after it */
    struct endpoint target;
    struct buf summary;
};

/* Connected, and asked. Never NULL. */
struct talk *harness_open(const struct probe *, unsigned round);
/* The second connection that a closed talk asked for (talk_again), with the state it left. Both are freed by the caller. */
struct talk *harness_again(const struct talk *first);
void harness_hear(struct talk *, struct span); /* one piece of the stream, or one datagram */
/* Nothing comes for as long as the probe wished to be woken after: quiet is called. Whether it was. */
bool harness_silence(struct talk *);
/* The host closes (over UDP: nothing more comes until the deadline), if the probe has not ended it before; then `end`. */
void harness_close(struct talk *);
void harness_free(struct talk *); /* closes it when that was not done; NULL accepted */

/* A whole conversation: the host sends `bytes` in pieces of `piece` bytes (0: in one), is silent for as long as the probe wants to be woken (at
 * most 8 times), then closes. */
struct talk *harness_talk(const struct probe *, unsigned round, struct span bytes, size_t piece);

/* What was learned, as text: "ending=…", "again=1" when so, then a line "name=value" for each fact in the order of their numbers, all
 * escaped. Valid until the talk is freed or this is called again. */
const char *harness_summary(struct talk *);
const struct fact *harness_fact(const struct talk *, enum fact_name); /* NULL: there is none */

/* The same stream cut at every byte, and byte by byte: the summary and what was said must be those of the stream as a whole, else the process
 * ends. Then the stream ended at every byte, which must only be survived. Returns the talk of the whole stream. */
struct talk *harness_every_cut(const struct probe *, unsigned round, struct span bytes);

/* For fuzzers: the first byte tells the size of the pieces (over UDP: of the datagrams; 0 or no byte: one piece), the rest comes from the host, in
 * both rounds when the probe wants a second one. */
void harness_fuzz(const struct probe *, const uint8_t *data, size_t len);
