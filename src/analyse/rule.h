/*
 * A rule says something of a source, a session or a network from the records it sees, one after the other: one file, one line in rules.def.
 * Pure: no clock, no file, no memory but its declared state, so the same records give the same findings, live or replayed.
 *
 *   record of a wanted kind ─► state of its key and window (zeroed when new) ─► judge ─► verdict: a finding, tasks, or nothing
 *
 * A finding's id is made of rule, key, window, finding and `about`: judging again what was judged before changes nothing. A task's key
 * says what the work is, so a task that is asked for again is there already.
 */
#pragma once

#include "base/buf.h"
#include "base/conf.h"
#include "record/types.h"

struct order;

/*
 * Whose record it is: its host is the source of what attackers do, and the destination of what was asked of it (dial, answer, visit,
 * device, listing). A network is the host's /16, of IPv6 its /32.
 */
enum rule_key { RULE_BY_SOURCE, RULE_BY_SESSION, RULE_BY_NETWORK };

enum { RULE_STATE_MAX = 1024, RULE_EVIDENCE_MAX = 512, COUNTRY_SIZE = 3 };

/* What stays as it is while records come. All may be empty. */
struct background {
    /* When and whom to visit, from the settings; nobody while operator.* is not filled in. */
    bool attackers, neighbours;
    usec_t delay, jitter, interval;
    int64_t neighbours_max, neighbours_stop;
    const struct trie *scanners; /* acknowledged scanners; the value is a name (const char *) */
    /* Of an address: its autonomous system, 0 when unknown; its country, "" when unknown. May be NULL. */
    uint32_t (*asn)(const void *geo, struct addr);
    void (*country)(const void *geo, struct addr, char ret[static COUNTRY_SIZE]);
    const void *geo;
};

/* Takes probe.* and operator.* over; the other members stay. */
void background_settings(struct background *, const struct conf *settings);

/* What a rule sees beside the record. */
struct view {
    void *state;                                        /* its own, state_size bytes, kept until the next record of the same key and window */
    uint64_t (*hash)(const struct view *, struct span); /* keyed: attackers can't choose collisions; the same in every life */
    const void *secret;
    const struct background *background; /* never NULL */
};

struct verdict {
    const char *finding;              /* one word of the rule's own; NULL: nothing */
    int64_t count;                    /* how many, 0: not stated */
    uint64_t about;                   /* tells findings of one key and window apart, e.g. a day or a port */
    char evidence[RULE_EVIDENCE_MAX]; /* UTF-8 */
    /* The finding is of a network, not of one host: its first address, and a port. It is the finding's destination then, which has no source. */
    struct endpoint network;
    struct buf *tasks; /* verdict_task appends */
    size_t task_count;
};

struct rule {
    const char *name, *help;
    uint64_t wants; /* bit per enum kind */
    enum rule_key by;
    usec_t window;     /* states are per key and per time / window; 0: one per key */
    size_t state_size; /* at most RULE_STATE_MAX */
    size_t states_max; /* the oldest give way */
    void (*judge)(const struct view *, const struct record *, struct verdict *);
};

const struct rule *const *rules_all(size_t *ret_count);

/* The host a record is of. */
struct addr record_host(const struct record *);

/* For evidence: cut at a character's border, NUL-terminated. */
void verdict_evidence(struct verdict *, const char *before, struct span text);
/* Asks for work, in the form of a TASKS message's entries (process/messages.def). `due`: wall clock. */
void verdict_task(struct verdict *, struct span key, const char *kind, usec_t due, struct span input);
/* A task that visits a host (probe/order.h). */
void verdict_visit(struct verdict *, const struct order *, usec_t due);
