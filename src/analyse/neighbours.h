/*
 * The survey of an outbreak's neighbourhood: which addresses of a /16 are asked, in which order, and when to stop. Pure; its state is
 * part of the rule's, so it goes on where it was.
 *
 *   begin ─► batch of up to 16 addresses of one /24 ─► their answers and the end of each visit come as records ─► next batch …
 *              │                                                                                                    │
 *              └── the /24 of the outbreak first, then those beside it: 0, +1, -1, +2 …                              ▼ over, and why
 *
 * Over when: neighbours_max addresses were asked; neighbours_stop addresses in a row gave no answer; none of the first three /24s has a
 * listener; a batch is not back after a day; all /24s were asked.
 */
#pragma once

#include "analyse/rule.h"
#include "probe/order.h"

enum { NEIGHBOURS_BATCH = 16, NEIGHBOURS_EMPTY_MAX = 3 };

struct neighbours {
    struct id cause;     /* of the record that began it; zero: never begun */
    uint32_t first;      /* its hour, since 1970 */
    uint32_t batch_hour; /* when the batch under way was handed out */
    uint16_t port;       /* that is asked for, beside 23/tcp */
    uint16_t block;      /* number of the /24 under way, in the order above */
    uint16_t host;       /* last byte of the batch's first address */
    uint16_t asked;      /* addresses handed out */
    uint16_t silent;     /* in a row, without an answer */
    uint16_t listeners;  /* on `port`, of all */
    uint16_t answered;   /* bit per address of the batch */
    uint16_t back;       /* visits of the batch that are over */
    uint8_t listens;     /* the /24 under way has a listener */
    uint8_t with;        /* /24s with a listener; stays at its most */
    uint8_t seed;        /* third byte of the outbreak's /24 */
    uint8_t size;        /* of the batch; 0: no survey is under way */
    uint16_t batch_open; /* bit per address of the batch that listens on `port` */
};

/* Begins: the first batch is asked for. `of`: any address of the outbreak's /24. */
void neighbours_begin(struct neighbours *, const struct view *, const struct record *, struct addr of, uint16_t port, struct verdict *);
/* Is the record of this survey? */
bool neighbours_own(const struct neighbours *, const struct record *);
/* An ANSWER or VISIT record of it. May ask for the next batch. When the survey ends: true, and a sentence's end that says why. */
bool neighbours_hear(struct neighbours *, const struct view *, const struct record *, bool open, struct verdict *, const char **ret_why);
/* Any record of the network: a batch that has not come back ends it. */
bool neighbours_stale(struct neighbours *, const struct record *, const char **ret_why);
