/*
 * A channel: one way to find whom to tell. Like a probe it owns no socket, clock or file: it asks questions, and hears their answers, so that the
 * role that goes out, a test with recorded answers and the fuzzer drive the very same functions. One file, one line in channels.def.
 *
 *   ask ─► (quest_whois | quest_dns | quest_fetch | quest_resolve)* ─► hear, once for each, in any order ─► … ─► end when nothing is under way
 *
 * `ask` is called once for a target; a channel that wants a domain is called once for each domain of it. What it finds goes to quest_findings.
 * A question may be refused (policy, budget, size), fail or end late: `hear` is told so; that is a debt, never a "there is no contact".
 */
#pragma once

#include "contact/finding.h"
#include "outside/dns_types.h"

struct conf;
struct contact_order;
struct quest;

enum { CHANNEL_ADDRESS = 1, CHANNEL_DOMAIN = 2, CHANNEL_MAKER = 4 /* once the maker of a device is known (quest_is_device) */ };

/* What an answer about an address is kept for, so that others need not be asked for: the block that the channel tells (quest_covers), the AS. */
enum channel_serves { CHANNEL_SERVES_TARGET, CHANNEL_SERVES_BLOCK, CHANNEL_SERVES_AS };

enum outcome {
    OUTCOME_ANSWERED, /* there are bytes, or DNS records, or it is certain that there are none */
    OUTCOME_CUT,      /* bytes, but not all: size or time was used up */
    OUTCOME_FAILED,   /* no connection, no answer, broken TLS, SERVFAIL */
    OUTCOME_LIMITED,  /* the server says that we asked too much, or our budget for it is used up for longer than this quest lasts */
    OUTCOME_DENIED,   /* our own policy: lists, special address, robots.txt, no operator */
    OUTCOME_COUNT
};
const char *outcome_text(enum outcome);

enum question_kind { QUESTION_WHOIS, QUESTION_DNS, QUESTION_FETCH, QUESTION_KIND_COUNT };

struct answer {
    enum question_kind kind;
    unsigned tag; /* as given with the question */
    enum outcome outcome;
    struct span question;    /* WHOIS: the query; DNS: the name; FETCH: the URL that was asked for */
    struct span server;      /* WHOIS: its name. FETCH: the URL that answered, after redirects */
    struct span bytes;       /* WHOIS: as they came; FETCH: the body after decompression */
    struct span type;        /* FETCH: Content-Type as sent */
    struct span certificate; /* FETCH of https: the leaf certificate (DER) that the host asked first showed, whatever became of the page */
    int status;              /* FETCH: of HTTP, 0 when none came; DNS: the RCODE */
    const struct dns_record *records;
    size_t record_count;
};

/* What a quest is for; complete: a channel reads nothing else. */
struct target {
    struct addr addr;   /* zero address when it is a domain alone */
    struct span domain; /* empty for channels of addresses */
    usec_t when;        /* of the attack; wall clock */
};

struct channel {
    const char *name, *help;
    int trust;         /* up to 400, a part of the score: who keeps what it reads, and how near he is to the target */
    unsigned wants;    /* CHANNEL_ADDRESS, CHANNEL_DOMAIN or both; CHANNEL_MAKER */
    const char *needs; /* the setting that must not be empty or false for it to be of use; NULL: none */
    bool secret;       /* its questions hold a key and its answers persons: of a LOOKUP neither query, URL behind `?`, nor bytes are recorded */
    bool verified;     /* https without a trusted certificate is no answer */
    enum channel_serves serves;
    size_t state_size; /* zeroed memory at quest_state, one for each call of ask */
    void (*ask)(struct quest *);
    void (*hear)(struct quest *, const struct answer *); /* views are valid during the call; NULL: it asks nothing */
    void (*end)(struct quest *);                         /* nothing more will come; it may still add findings, not ask. May be NULL */
};

/* What a channel may do. Questions are copied; `tag` comes back with the answer. 0, or negative: not taken, nothing will be heard (-ERR_LIMIT: more
 * questions than a quest may ask). The same question of two channels, or two quests, is put once and heard by all. */
int quest_whois(struct quest *, struct span server, uint16_t port, struct span query, unsigned tag);
int quest_dns(struct quest *, enum dns_type, struct span name, unsigned tag);
/* GET; http and https only; redirects are followed within the limits of outside/fetch.h. `by_address` asks http(s)://ADDRESS/ as it stands. */
int quest_fetch(struct quest *, struct span url, unsigned tag);
void *quest_state(struct quest *);
struct arena *quest_arena(struct quest *); /* of this quest, capped; freed after end */
const struct target *quest_target(const struct quest *);
struct findings *quest_findings(struct quest *);
/* The registries' tables, the word lists and the desks: shared by all quests, read-only. */
const struct book *quest_book(const struct quest *);
/* The settings (src/settings.h); never NULL. */
const struct conf *quest_settings(const struct quest *);
/* What the task came with (order.h): manual entries, passive DNS, where the address is; never NULL, without entries in offline use. */
const struct contact_order *quest_order(const struct quest *);
/* For `noroshi whois --trace` and the record of the look-up: why this question is asked, in a few words. Holds for the next question. */
void quest_because(struct quest *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A debt: something that should have been known is not, and why; told with the result, so that nobody takes silence for a "no". */
void quest_debt(struct quest *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The block that an answer speaks of: everything this channel found so far holds for all of it (netblock cache). */
void quest_covers(struct quest *, struct prefix block);
/* A domain that belongs to the target was learned: channels that want domains are asked for it, too. `web_only`: those of pages alone. */
void quest_domain(struct quest *, struct span domain, bool web_only);
/* The page at the address is a device's own, of that maker; the first that says so counts. */
void quest_is_device(struct quest *, struct span maker);
struct span quest_maker(const struct quest *); /* empty: not known */

const struct channel *channel_by_name(struct span name);
const struct channel *const *channels_all(size_t *ret_count);
