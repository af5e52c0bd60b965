#include "outside/counters.h"

#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

enum { FIRST_SIZE = 1024 };

struct counters {
    struct counter *at; /* open addressing; a free place has day FREE */
    size_t size, used, cap;
    uint64_t seed[2]; /* attackers choose the addresses: they must not choose the places */
    int32_t swept;    /* the day the full table was swept: once a day is enough */
};

#define FREE INT32_MIN

static struct counter *places(size_t size)
{
    struct counter *at = calloc(size, sizeof *at);
    for (size_t i = 0; at != NULL && i < size; i++)
        at[i].day = FREE;
    return at;
}

int counters_new(struct counters **ret, size_t cap)
{
    struct counters *c = calloc(1, sizeof *c);
    assert(cap >= FIRST_SIZE && (cap & (cap - 1)) == 0);
    if (c == NULL)
        return -ENOMEM;
    c->cap = cap;
    c->size = FIRST_SIZE;
    c->swept = FREE;
    c->at = places(c->size);
    int r = c->at == NULL ? -ENOMEM : getrandom(c->seed, sizeof c->seed, 0) != sizeof c->seed ? -EIO : 0;
    if (r != 0) {
        counters_free(c);
        return r;
    }
    *ret = c;
    return 0;
}

void counters_free(struct counters *c)
{
    if (c == NULL)
        return;
    free(c->at);
    free(c);
}

static uint64_t stir(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* The place of the key, or the free one where it belongs. */
static size_t place_of(const struct counters *c, const struct counter *at, size_t size, const struct addr *key)
{
    uint64_t half[2];
    memcpy(half, key->bytes, sizeof half);
    size_t place = (size_t)stir(stir(half[0] ^ c->seed[0]) ^ half[1] ^ c->seed[1]) & (size - 1);
    while (at[place].day != FREE && memcmp(at[place].key.bytes, key->bytes, sizeof key->bytes) != 0)
        place = (place + 1) & (size - 1);
    return place;
}

struct counter *counters_find(const struct counters *c, struct addr key)
{
    struct counter *found = &c->at[place_of(c, c->at, c->size, &key)];
    return found->day != FREE ? found : NULL;
}

/* Into a new table; at the cap without those that no budget and no rate needs any more. */
static int rebuild(struct counters *c, size_t size, int32_t day, int64_t now_ns)
{
    struct counter *at = places(size);
    size_t used = 0;
    if (at == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < c->size; i++) {
        const struct counter *old = &c->at[i];
        bool idle = (old->day < day || old->today == 0) && old->due <= now_ns;
        if (old->day == FREE || (size == c->size && idle))
            continue;
        at[place_of(c, at, size, &old->key)] = *old;
        used++;
    }
    free(c->at);
    c->at = at;
    c->size = size;
    c->used = used;
    return 0;
}

static int make_room(struct counters *c, int32_t day, int64_t now_ns)
{
    if (c->used < c->size / 4 * 3)
        return 0;
    if (c->size < c->cap)
        return rebuild(c, 2 * c->size, day, now_ns);
    if (c->swept == day)
        return -ERR_FULL;
    c->swept = day;
    int r = rebuild(c, c->size, day, now_ns);
    return r != 0 ? r : c->used < c->size / 4 * 3 ? 0 : -ERR_FULL;
}

int counters_get(struct counters *c, struct addr key, int32_t day, int64_t now_ns, struct counter **ret)
{
    size_t place = place_of(c, c->at, c->size, &key);
    if (c->at[place].day == FREE) {
        int r = make_room(c, day, now_ns);
        if (r != 0)
            return r;
        place = place_of(c, c->at, c->size, &key);
        c->at[place] = (struct counter){.key = key, .day = day};
        c->used++;
    }
    *ret = &c->at[place];
    return 0;
}

size_t counters_used(const struct counters *c)
{
    return c->used;
}

/*
 * In a window of w (its end left out) an even pace p with b at once lets through at most w / p + b - 1, rounded up: so p = w / (most - b + 1).
 */
struct rate rate_of(int64_t most, usec_t window, int64_t burst)
{
    if (burst > most)
        burst = most;
    if (burst < 1)
        burst = 1;
    int64_t share = most - burst + 1;
    int64_t pace = (window * 1000 + share - 1) / share;
    return (struct rate){.pace = pace, .ahead = pace * (burst - 1)};
}

/* What is further ahead than one can get was counted before the clock was set back. */
static int64_t bounded(const struct rate *rate, int64_t due, int64_t now_ns)
{
    int64_t most = now_ns + rate->ahead + rate->pace;
    return due < now_ns ? now_ns : due > most ? most : due;
}

int64_t rate_wait(const struct rate *rate, int64_t due, int64_t now_ns)
{
    int64_t wait = bounded(rate, due, now_ns) - now_ns - rate->ahead;
    return wait > 0 ? wait : 0;
}

int64_t rate_take(const struct rate *rate, int64_t due, int64_t now_ns)
{
    return bounded(rate, due, now_ns) + rate->pace;
}
