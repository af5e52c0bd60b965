/*
 * A probe: what one service of a host is asked, politely, and how its answer is read. Like a honeypot's service it owns no socket,
 * clock or file, so reach, a test that cuts the stream at every byte, and the fuzzer drive the very same functions. One file, one line in
 * probes.def. A probe never sends credentials, never exploits, never writes to a device.
 *
 *   connected (and TLS done) ─► ask ─► hear* / quiet* ─► end       end is always last, whoever ended it: it states what was learned
 *
 * Whatever the host sends is kept as it came (talk_heard), up to probe.answer_max (96 kB); what is more ends the talk.
 */
#pragma once

#include "base/arena.h"
#include "record/types.h"

struct talk; /* one conversation with a probed host, made by probe/driver.c or a test's harness */

enum care {
    CARE_POLITE, /* the usual budget */
    CARE_ASKED,  /* only when the operator switched it on by name (probe.extra) */
    CARE_ICS,    /* industrial: off until probe.ics; one connection, one question, proper FIN, no second try, a slower budget of its own */
    CARE_LOOKUP  /* no probe's: a public service is asked whom to notify. A rate of its own (contact.rate), no budget of the day; never industrial */
};

struct probe {
    const char *name, *help; /* name is also network.protocol of its records */
    enum transport over;
    bool tls; /* the driver speaks TLS below it, verifies nothing and states the certificate's facts */
    enum care care;
    uint16_t ports[8]; /* where it is used unless told otherwise, ended by 0 */
    size_t state_size; /* zeroed memory at talk_state */
    void (*ask)(struct talk *);
    void (*hear)(struct talk *, struct span); /* any cut of the stream; over UDP one datagram */
    void (*quiet)(struct talk *);             /* the time of talk_wake came. May be NULL */
    void (*end)(struct talk *);               /* may be NULL */
};

/* How a talk went: recorded as event.reason. */
enum ending {
#define ENDING(name, text, help) ENDING_##name,
#include "probe/endings.def"
#undef ENDING
    ENDING_COUNT
};
const char *ending_text(enum ending);

/* What a probe may do. */
void *talk_state(struct talk *);
struct arena *talk_arena(struct talk *); /* freed after end; capped */
struct endpoint talk_target(const struct talk *);
struct span talk_agent(const struct talk *); /* the User-Agent that says who we are and where to read about it (RFC 9511) */
unsigned talk_round(const struct talk *);    /* 0; 1 in the connection that talk_again asked for */
void talk_say(struct talk *, struct span);   /* copied; small requests only, at most 4096 bytes a talk */
struct span talk_heard(const struct talk *); /* all that came so far, as it came; the view lasts until the next byte */
void talk_wake(struct talk *, usec_t after); /* calls quiet after this time without a further byte (each byte starts it anew); 0 cancels */
usec_t talk_first_byte(const struct talk *); /* setting probe.first_byte: how long to wait for a host that should speak first */
usec_t talk_quiet(const struct talk *);      /* setting probe.quiet: silence after which a host has said what it had to say */
void talk_fact(struct talk *, struct fact);  /* a fact of the ANSWER record: copied; a name given again replaces */
/* All was heard: half-close, wait for the host's FIN a little, close. `end` follows, not inside. Called in `end` it says that what came
 * before the host's own close was whole (an HTTP answer without a length): ENDING_CLOSED becomes ENDING_ANSWERED, any other ending stays. */
void talk_done(struct talk *);
void talk_fail(struct talk *, enum ending); /* what came is not this protocol, or nothing more is to be had */
/* One more connection of this probe to the same port, asked of the policy like any other; at most one, not for ICS. It begins when this
 * one has ended (talk_done or talk_fail is still called): `ask` with talk_round 1, talk_state as it was left, talk_heard empty again. Both make one
 * ANSWER record: the facts of both, the ending and banner of the first. May be called in `end`. */
void talk_again(struct talk *);

/* The registry. */
const struct probe *probe_by_name(struct span name);
const struct probe *const *probes_all(size_t *ret_count);
/* The probe used at that port unless told otherwise: `banner` where no other claims it. */
const struct probe *probe_for_port(uint16_t port, enum transport);
