/* Who holds how many connections, and what had to be refused: counted at once, stated as one record per reason, source and minute. */
#include "observe/honeypot/conversation.h"

#include <stdlib.h>
#include <sys/random.h>

enum { PEERS_FIRST = 256 };

static uint64_t mix(uint64_t x)
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

static uint64_t hash(uint64_t seed, struct addr a)
{
    uint64_t half[2];
    memcpy(half, a.bytes, sizeof half);
    return mix(mix(seed ^ half[0]) + half[1]);
}

int peers_init(struct peers *p)
{
    *p = (struct peers){.size = PEERS_FIRST};
    /* Without a secret a /32 of addresses could be chosen that all share a bucket. */
    if (getrandom(&p->seed, sizeof p->seed, 0) != (ssize_t)sizeof p->seed)
        p->seed = (uint64_t)usec_now();
    p->buckets = calloc(p->size, sizeof(struct peer *));
    return p->buckets != NULL ? 0 : -ENOMEM;
}

void peers_done(struct peers *p)
{
    for (size_t i = 0; p->buckets != NULL && i < p->size; i++) {
        for (struct peer *peer = p->buckets[i]; peer != NULL;) {
            struct peer *next = peer->next;
            free(peer);
            peer = next;
        }
    }
    free(p->buckets);
    *p = (struct peers){0};
}

static void peers_grow(struct peers *p)
{
    size_t size = p->size * 2;
    struct peer **buckets = calloc(size, sizeof(struct peer *));
    if (buckets == NULL)
        return; /* longer chains, nothing worse */
    for (size_t i = 0; i < p->size; i++) {
        for (struct peer *peer = p->buckets[i]; peer != NULL;) {
            struct peer *next = peer->next;
            size_t at = hash(p->seed, peer->addr) & (size - 1);
            peer->next = buckets[at];
            buckets[at] = peer;
            peer = next;
        }
    }
    free(p->buckets);
    p->buckets = buckets;
    p->size = size;
}

struct peer *peers_take(struct peers *p, struct addr a, uint32_t most, enum refusal *ret_why)
{
    if (!addr_is_v4(a))
        memset(a.bytes + 8, 0, 8); /* a /64 is one customer */
    size_t at = hash(p->seed, a) & (p->size - 1);
    for (struct peer *peer = p->buckets[at]; peer != NULL; peer = peer->next) {
        if (!addr_equal(peer->addr, a))
            continue;
        if (peer->open >= most) {
            *ret_why = REFUSAL_PEER_LIMIT;
            return NULL;
        }
        peer->open++;
        return peer;
    }
    struct peer *peer = malloc(sizeof *peer);
    if (peer == NULL) {
        *ret_why = REFUSAL_DESCRIPTORS;
        return NULL;
    }
    *peer = (struct peer){.addr = a, .open = 1, .next = p->buckets[at]};
    p->buckets[at] = peer;
    p->count++;
    if (p->count > p->size)
        peers_grow(p);
    return peer;
}

void peers_give(struct peers *p, struct peer *peer)
{
    if (peer == NULL)
        return;
    peer->open--;
    if (peer->open > 0)
        return;
    struct peer **link = &p->buckets[hash(p->seed, peer->addr) & (p->size - 1)];
    while (*link != peer)
        link = &(*link)->next;
    *link = peer->next;
    p->count--;
    free(peer);
}

void refusals_flush(struct converse *cv)
{
    struct refusals *r = &cv->refusals;
    for (size_t i = 0; r->count > 0 && i < REFUSALS_SIZE; i++) {
        struct refused *entry = &r->table[i];
        if (entry->listener == NULL)
            continue;
        const struct fact facts[] = {
            fact_text(FACT_EVENT_REASON, span_text(reason_text(refusal_reason(entry->refusal)))),
            fact_text(FACT_NETWORK_PROTOCOL, span_text(entry->listener->is.service->name)),
            fact_int(FACT_COUNT, entry->count),
        };
        const struct record record = {.kind = KIND_REFUSAL,
                                      .transport = TRANSPORT_TCP,
                                      .source = {.addr = entry->source},
                                      .destination = entry->listener->local,
                                      .facts = facts,
                                      .fact_count = sizeof facts / sizeof facts[0]};
        (void)converse_append(cv, &record);
        *entry = (struct refused){0};
    }
    r->count = 0;
    r->flush_at = 0;
}

void refuse(struct converse *cv, const struct listener *listener, struct addr source, enum refusal refusal)
{
    struct refusals *r = &cv->refusals;
    uint64_t *counter = &cv->counters->refused[refusal];
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
    if (r->count >= REFUSALS_SIZE / 2)
        refusals_flush(cv);
    if (r->flush_at == 0) {
        usec_t minute = 60 * USEC_PER_SEC;
        r->flush_at = cv->now + minute - (cv->wall > 0 ? cv->wall % minute : 0);
    }
    size_t at = hash(cv->peers.seed + (uint64_t)refusal, source) % REFUSALS_SIZE;
    for (;; at = (at + 1) % REFUSALS_SIZE) {
        struct refused *entry = &r->table[at];
        if (entry->listener == NULL) {
            *entry = (struct refused){.listener = listener, .source = source, .refusal = refusal, .count = 1};
            r->count++;
            return;
        }
        if (entry->listener == listener && entry->refusal == refusal && addr_equal(entry->source, source)) {
            entry->count++;
            return;
        }
    }
}
