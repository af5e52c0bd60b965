/*
 * Questions to the operator's own recursive resolver over UDP. Strangers are reached through dial.h alone; the resolver is none, since the
 * operator named it (outside.resolver): no policy is asked, no record is written, and this one socket goes to it and nowhere else. No answer is
 * worth much: whoever holds a network or a zone writes into it as he likes.
 *
 *                    room                     answer, or silence twice
 *        WAITING ────────► UNDER WAY ─────────────────────────────────► over: `done` is told
 *   ask ──┤                                                              ▲
 *         └ READY: the cache knows it ───────────────────────────────────┘
 *
 * One connected socket whose port the kernel chose. A question has a random id and random upper and lower case (known as 0x20);
 * an answer counts when both come back as they went out. Asked again once after DNS_TIMEOUT. At most DNS_UNDER_WAY_MAX are under way, more wait
 * in their order; the same question of several goes out once. Answers are kept as long as their TTL says (RFC 1035 §3.2.1; that there is nothing:
 * RFC 2308 §5), bounded in time, number and bytes (dns_cache.h). The clock is given (monotonic); the caller watches dns_fd for reading, calls
 * dns_read then, and dns_run when it is dns_due.
 */
#pragma once

#include "base/conf.h"
#include "base/usec.h"
#include "outside/dns_types.h"

enum {
    DNS_UNDER_WAY_MAX = 256,
    DNS_NAME_MAX = 253,
    DNS_REVERSE_SIZE = 80,
    DNS_MESSAGE_MAX = 1232, /* what is asked for by EDNS */
    DNS_QUERY_MAX = 288,
    DNS_RECORDS_MAX = 96,
    DNS_ALIASES_MAX = 8, /* CNAMEs followed within an answer */
    DNS_SILENT = -1      /* instead of an RCODE */
};
#define DNS_TIMEOUT (3 * USEC_PER_SEC)

struct dns;

/* The caller's, zero at first; at its place until it is over or dropped. */
struct dns_question {
    struct dns_question *next, *before;
    enum { DNS_OVER, DNS_WAITING, DNS_READY, DNS_UNDER_WAY, DNS_TELLING } stage;
    uint16_t slot;
    uint16_t type;
    char name[DNS_NAME_MAX + 1]; /* lower case, without the last dot */
};

struct dns_answer {
    int rcode;   /* RFC 1035 §4.1.1: 0, 3 (no such name) are answers, 2, 5 … are failures; DNS_SILENT: none came */
    bool cut;    /* the resolver had more than it could send (TC), or a part can't be read: that a record is missing says nothing */
    bool cached; /* not asked for now */
    const struct dns_record *records;
    size_t count;        /* of the type that was asked for, of the name or what its CNAMEs lead to; 0 unless rcode is 0 */
    struct span message; /* as it came; empty for DNS_SILENT */
};

/* A question is over; called by dns_read and dns_run alone. The answer is valid during the call. It may ask and drop. */
typedef void dns_done(void *user, struct dns_question *, const struct dns_answer *);

/* outside.resolver; port 0: none. -ERR_CONFIG with one line. */
int dns_resolver(const struct conf *, struct endpoint *ret, struct conf_error *);

/* 0, -ENOMEM or -errno. That the resolver can't be reached at the moment is no error here. */
int dns_new(struct dns **ret, struct endpoint resolver, dns_done *done, void *user);
void dns_free(struct dns *); /* without a word to who asked; NULL accepted */
int dns_fd(const struct dns *);
/* -ERR_MALFORMED: what can't be a name (letters, digits, - _ . / * in labels of at most 63); nothing will be told then. A last dot is accepted. */
int dns_ask(struct dns *, struct dns_question *, enum dns_type, struct span name, usec_t now);
/* For the name of an address (PTR; RFC 1035 §3.5, RFC 3596 §2.5). */
void dns_ask_name(struct dns *, struct dns_question *, struct addr, usec_t now);
void dns_drop(struct dns *, struct dns_question *, usec_t now); /* not wanted any more; one that is over is accepted. `done` is not called */
void dns_read(struct dns *, usec_t now);
void dns_run(struct dns *, usec_t now);
usec_t dns_due(const struct dns *); /* 0: never; it may lie in the past */

struct dns_counters {
    uint64_t asked, answered, empty, failed, silent; /* put to the resolver; with records, without, an RCODE that says no answer, none */
    uint64_t cached, joined;                         /* told from the cache; put together with the same question */
    uint64_t strange;                                /* datagrams that answer no question of ours */
};
const struct dns_counters *dns_counters(const struct dns *);

/* Of several names the first by the alphabet: an answer's order is chance. Empty: none. */
struct span dns_first_name(const struct dns_answer *);
char *dns_reverse(struct addr, char name[static DNS_REVERSE_SIZE]); /* "1.2.0.192.in-addr.arpa"; returns `name` */

/* ---- messages ---- */

enum { DNS_TEXT_MAX = DNS_RECORDS_MAX * (DNS_NAME_MAX + 1) };

struct dns_message {
    int rcode;
    bool cut;
    uint32_t ttl; /* seconds for which it holds; 0: for this once */
    size_t count;
    struct dns_record records[DNS_RECORDS_MAX];
    size_t text_len;
    uint8_t text[DNS_TEXT_MAX]; /* the records' */
};

/* Lower case, without the last dot. -ERR_MALFORMED. */
int dns_name(struct span text, char name[static DNS_NAME_MAX + 1]);
/* A question into `query`; bit i of `cases`: the i-th letter of the name, as often as they come round, is a capital. Its length, or -ENOMEM,
 * -ERR_MALFORMED. */
int dns_encode(const char *name, enum dns_type, uint16_t id, uint64_t cases, uint8_t query[static DNS_QUERY_MAX]);
/* Is it an answer to that question: id, kind, and the question as it went out? */
bool dns_answers(struct span query, struct span message);
/* Reads an answer to the question inside it. A record with a name that no host can have is left out. -ERR_MALFORMED: it is no answer. */
int dns_decode(struct span message, struct dns_message *ret);
