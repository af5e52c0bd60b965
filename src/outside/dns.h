/*
 * The name of an address (PTR, RFC 1035 §3.5, RFC 3596 §2.5), asked of the operator's own recursive resolver over UDP. Strangers are reached
 * through dial.h alone; the resolver is none, since the operator named it (outside.resolver): no policy is asked, no record is written, and
 * this one socket goes to it and nowhere else. No answer is worth much: whoever holds a network writes its names as he likes.
 *
 *             room                     answer, or silence twice
 *   WAITING ────────► UNDER WAY ─────────────────────────────────► over: `done` is told
 *
 * One connected socket whose port the kernel chose. A question has a random id and random upper and lower case (known as 0x20);
 * an answer counts when both come back as they went out. Asked again once after DNS_TIMEOUT. At most DNS_UNDER_WAY_MAX are under way, more wait
 * in their order. The clock is given (monotonic); the caller watches dns_fd for reading, calls dns_read then, and dns_run when it is dns_due.
 */
#pragma once

#include "base/addr.h"
#include "base/conf.h"
#include "base/usec.h"

enum { DNS_UNDER_WAY_MAX = 256, DNS_NAME_MAX = 253, DNS_MESSAGE_MAX = 1232 /* what is asked for by EDNS */, DNS_QUERY_MAX = 128 };
#define DNS_TIMEOUT (3 * USEC_PER_SEC)

struct dns;

/* The caller's, zero at first; at its place until it is over or dropped. */
struct dns_question {
    struct dns_question *next, *before;
    struct addr addr;
    enum { DNS_OVER, DNS_WAITING, DNS_UNDER_WAY } stage;
    uint16_t slot;
};

/* A question is over; called by dns_read and dns_run alone. `name`: empty when there is none, valid during the call. */
typedef void dns_done(void *user, struct dns_question *, struct span name);

/* outside.resolver; port 0: none. -ERR_CONFIG with one line. */
int dns_resolver(const struct conf *, struct endpoint *ret, struct conf_error *);

/* 0, -ENOMEM or -errno. That the resolver can't be reached at the moment is no error here. */
int dns_new(struct dns **ret, struct endpoint resolver, dns_done *done, void *user);
void dns_free(struct dns *); /* without a word to who asked; NULL accepted */
int dns_fd(const struct dns *);
void dns_ask(struct dns *, struct dns_question *, struct addr, usec_t now);
void dns_drop(struct dns *, struct dns_question *, usec_t now); /* not wanted any more; one that is over is accepted. `done` is not called */
void dns_read(struct dns *, usec_t now);
void dns_run(struct dns *, usec_t now);
usec_t dns_due(const struct dns *); /* 0: never */

struct dns_counters {
    uint64_t asked, named, nameless, silent, strange; /* strange: datagrams that answer no question of ours */
};
const struct dns_counters *dns_counters(const struct dns *);

/* ---- messages ---- */

/* A question into `query`; bit i of `cases`: the i-th letter of the name, as often as they come round, is a capital. Its length, or -ENOMEM. */
int dns_encode(struct addr, uint16_t id, uint64_t cases, uint8_t query[static DNS_QUERY_MAX]);
/* The name in an answer to `query`, of several the first by the alphabet: lower case, without the last dot, at most DNS_NAME_MAX characters
 * of printable ASCII. An answer with a name that no host can have (other bytes than letters, digits, - _ . / *) has none. 1; 0: it answers,
 * and there is no name; -ERR_MALFORMED: it is no answer to that question. */
int dns_decode(struct span query, struct span message, char name[static DNS_NAME_MAX + 1]);
