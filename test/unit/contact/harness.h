/*
 * A quest without a network: every quest_* function of contact/channel.h over a table of answers, for tests and fuzzers. What the channel does is
 * kept as it did it; what it must not do (a question after the end, a URL that is not http, a finding of no kind) ends the process.
 *
 *   harness_quest ─► harness_whois* harness_dns* harness_page* (the table) ─► harness_run ─► look at it ─► harness_free
 *
 * A question that the table does not hold is answered with OUTCOME_FAILED.
 */
#pragma once

#include "base/buf.h"
#include "contact/channel.h"

enum { HARNESS_ASKED_MAX = 200, HARNESS_ARENA_MAX = 32 * 1024 * 1024, HARNESS_DOMAINS_MAX = 100 };

struct harness_question {
    enum question_kind kind;
    enum dns_type type;  /* DNS */
    struct span server;  /* WHOIS */
    uint16_t port;       /* WHOIS */
    struct span text;    /* the query, the name, the URL */
    struct span because; /* why, as quest_because said; empty when nothing was said */
    unsigned tag;
    enum outcome outcome; /* of the answer it got */
};

struct harness_domain {
    struct span name;
    bool web_only;
};

struct harness_reply; /* a line of the table */

struct quest {
    const struct channel *channel;
    struct target target;
    const struct book *book;
    struct conf *settings;       /* defaults unless harness_settings */
    struct contact_order *order; /* empty; the test fills it in */
    struct arena arena;          /* the channel's and the findings'; harness's own copies, too */
    void *state;
    struct findings findings;
    struct harness_question asked[HARNESS_ASKED_MAX];
    size_t asked_count, heard_count;
    struct harness_domain domains[HARNESS_DOMAINS_MAX];
    size_t domain_count;
    struct span maker; /* of a device */
    struct prefix covers[HARNESS_DOMAINS_MAX];
    size_t covers_count;
    struct buf debts; /* a line each */
    size_t debt_count;
    struct buf because;  /* for the next question */
    size_t refuse_after; /* this many questions are taken, more are refused; preset HARNESS_ASKED_MAX */
    bool latest_first;   /* answers come in the opposite order */
    bool ended;
    struct harness_reply *table;
    struct buf summary;
};

/* Nothing is asked yet. Everything of `target` is copied. Never NULL. `book` may be NULL for channels that read none. */
struct quest *harness_quest(const struct channel *, struct target target, const struct book *);
void harness_free(struct quest *); /* NULL accepted */

/* What quest_settings gives from now on: a configuration as a file would hold it. */
void harness_settings(struct quest *, const char *yaml);

/* The table. Everything is copied. A server NULL, or a query NULL, means any; what was entered first is found first. */
void harness_whois(struct quest *, const char *server, const char *query, enum outcome, struct span bytes);
void harness_dns(struct quest *, enum dns_type, const char *name, int rcode, const struct dns_record *, size_t count);
/* One record with this text (NS, PTR, TXT, SOA's RNAME, MX "10 host") or address (A, AAAA). */
void harness_dns_text(struct quest *, enum dns_type, const char *name, const char *text);
/* `answered_by`: the URL after redirects; NULL: the same. */
void harness_page(struct quest *, const char *url, int status, const char *content_type, const char *answered_by, struct span body);
/* The certificate (DER) that the host of the page entered last shows. */
void harness_certificate(struct quest *, struct span der);
/* The same with an outcome other than OUTCOME_ANSWERED. */
void harness_fetch_outcome(struct quest *, const char *url, enum outcome, int status);

/* ask; every question is answered from the table until none is left; end. */
void harness_run(struct quest *);

/* What it did, as text: a line "ask …" for each question, "found …" for each finding in order, "debt …", "domain …", "covers …"; valid until it is
 * freed or this is called again. */
const char *harness_summary(struct quest *);
/* The first finding with this value (any objection), or NULL. */
const struct finding *harness_found(const struct quest *, const char *value);
/* Contacts alone (no objection). */
size_t harness_contacts(const struct quest *);

/* For fuzzers: the bytes are cut at 0xff 0xfe and given as the answers, one after the other, whatever is asked. The first byte: outcome and status.
 * A page's piece is its host's certificate, too. */
void harness_fuzz(const struct channel *, struct target, const struct book *, const uint8_t *data, size_t len);
