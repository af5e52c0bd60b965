/*
 * A rule says something of a source or a session from the records it sees, one after the other: one file, one line in rules.def. Pure: no clock,
 * no file, no memory but its declared state, so the same records give the same findings, live or replayed.
 *
 *   record of a wanted kind ─► state of its key and window (zeroed when new) ─► judge ─► verdict: a finding, or nothing
 *
 * A finding's id is made of rule, key, window and finding: judging again what was judged before changes nothing.
 */
#pragma once

#include "record/types.h"

enum rule_key { RULE_BY_SOURCE, RULE_BY_SESSION };

enum { RULE_STATE_MAX = 512, RULE_EVIDENCE_MAX = 512 };

/* What a rule sees beside the record. */
struct view {
    void *state;                                        /* its own, state_size bytes, kept until the next record of the same key and window */
    uint64_t (*hash)(const struct view *, struct span); /* keyed: attackers can't choose collisions; the same in every life */
    const void *secret;
};

struct verdict {
    const char *finding;              /* one word of the rule's own; NULL: nothing */
    int64_t count;                    /* how many, 0: not stated */
    char evidence[RULE_EVIDENCE_MAX]; /* UTF-8 */
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

/* For evidence: cut at a character's border, NUL-terminated. */
void verdict_evidence(struct verdict *, const char *before, struct span text);
