/*
 * How much went where: per key (an address, a network, an AS as an address) the day's connections, a rate's state and the last
 * time. Bounded: a table at its cap gives no new place, and its owner must refuse then.
 */
#pragma once

#include "base/addr.h"
#include "base/usec.h"

struct counter {
    struct addr key;
    int64_t due;    /* of a rate: when, at an even pace, the next would be due, ns; see rate_wait */
    usec_t last;    /* the last connection; 0: none */
    int32_t day;    /* of `today` */
    uint32_t today; /* connections of that day */
};

struct counters;

/* `cap` places, a power of two, of which three quarters are used; begins small. */
int counters_new(struct counters **ret, size_t cap);
void counters_free(struct counters *);
/* NULL when it is not there. Valid until the next counters_get. */
struct counter *counters_find(const struct counters *, struct addr key);
/* Makes it when it is not there; -ERR_FULL, -ENOMEM. At the cap, those of earlier days give way. */
int counters_get(struct counters *, struct addr key, int32_t day, int64_t now_ns, struct counter **ret);
size_t counters_used(const struct counters *);

/* A rate: one every `pace` on average, up to `burst` at once. In no window more than it was made for. */
struct rate {
    int64_t pace, ahead; /* ns: from one to the next; how far ahead of the pace one may be */
};
/* At most `most` in any `window`, of which so many may go at once (1 to most). */
struct rate rate_of(int64_t most, usec_t window, int64_t burst);
/* ns to wait, 0: now. */
int64_t rate_wait(const struct rate *, int64_t due, int64_t now_ns);
int64_t rate_take(const struct rate *, int64_t due, int64_t now_ns);
