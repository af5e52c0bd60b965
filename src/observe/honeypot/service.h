/*
 * A service a honeypot imitates: bytes in, bytes and facts out. It owns no socket, clock, file or log, so the daemon, a transcript
 * test, the fuzzer and a replay drive the very same functions. One file, one line in services.def.
 *
 *   accepted ─► open ─► input* / idle* / more* ─► close        close is always last, whoever ended it
 */
#pragma once

#include "base/arena.h"
#include "record/types.h"

struct conn;    /* a conversation, made by converse.c or a test's harness */
struct profile; /* observe/honeypot/profile.h */

struct service {
    const char *name, *help;
    enum transport over;
    uint16_t port;     /* the usual one */
    size_t state_size; /* zeroed memory at conn_state */
    void (*open)(struct conn *);
    void (*input)(struct conn *, struct span); /* any cut of the stream; over UDP one datagram */
    void (*idle)(struct conn *);               /* the time of conn_wake came; a conversation whose peer has said all lasts until then */
    void (*more)(struct conn *);               /* all that was said has left: a long answer may go on. May be NULL */
    void (*close)(struct conn *);              /* free what a library allocated, state what was left */
};

/* Why a conversation ended or was refused: recorded as event.reason. REASON(name, text, help) */
enum reason {
#define REASON(name, text, help) REASON_##name,
#include "observe/honeypot/reasons.def"
#undef REASON
    REASON_COUNT
};
const char *reason_text(enum reason);

/* The reasons for which a connection is refused, as places of journal_counters.refused. */
enum refusal {
    REFUSAL_PEER_LIMIT,
    REFUSAL_SERVICE_LIMIT,
    REFUSAL_GLOBAL_LIMIT,
    REFUSAL_DESCRIPTORS,
    REFUSAL_PROXY_MISSING,
    REFUSAL_PROXY_BAD,
    REFUSAL_PROXY_UNEXPECTED,
    REFUSAL_PROXY_STRANGER,
    REFUSAL_COUNT /* at most 8: the file's layout */
};
enum reason refusal_reason(enum refusal);

/* What a service may do. Everything said after conn_hangup is dropped. */
void *conn_state(struct conn *);
struct arena *conn_arena(struct conn *); /* freed after close; capped (honeypot.memory_per_session) */
const struct profile *conn_profile(struct conn *);
struct endpoint conn_source(const struct conn *);
struct endpoint conn_destination(const struct conn *);
usec_t conn_now(const struct conn *);        /* wall clock of this turn */
uint64_t conn_seed(const struct conn *);     /* a stable hash of the attacker's address: for details that shall stay the same for him */
void conn_say(struct conn *, struct span);   /* copied; beyond honeypot.output_max the conversation ends with REASON_OUTPUT */
size_t conn_unsent(const struct conn *);     /* bytes waiting; a long answer stops above some and goes on in `more` */
void conn_delay(struct conn *, usec_t);      /* what is said from now on leaves this much later; input waits too */
void conn_wake(struct conn *, usec_t after); /* calls idle after this time, once; 0 cancels */
/* States something as a record of this session. Spans need to live only during the call. */
void conn_fact(struct conn *, enum kind, const struct fact *facts, size_t count);
/* Facts of the session's closing record, kept until it is written: text is copied to the arena. A name given again replaces.
 * LOGGED_IN = 1 also ends the time allowed for logging in. */
void conn_sum(struct conn *, struct fact);
void conn_hangup(struct conn *, enum reason); /* after what was said has left; close follows, not inside this call */
bool conn_ending(const struct conn *);

/* The registry. */
const struct service *service_by_name(struct span name);
const struct service *const *services_all(size_t *ret_count);
