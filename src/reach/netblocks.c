#include "reach/netblocks.h"

#include "base/err.h"
#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>

enum { BLOCK_SIZE_MAX = 1024 * 1024, BUCKETS = 1 << 16 };

struct kept {
    struct netblock block;
    struct kept *bucket_next;   /* of the same bucket: by trie and prefix */
    struct kept *next, *before; /* by age */
    struct trie *trie;
    struct arena arena;
};

struct netblocks {
    struct {
        const char *channel; /* a struct channel's */
        struct trie *trie;
    } tries[BLOCKS_CHANNELS_MAX];
    size_t trie_count, count, bytes, dropped; /* dropped: since the tries were made; their nodes stay */
    struct kept *oldest, *newest;
    struct kept *buckets[BUCKETS];
};

static struct kept **bucket_of(struct netblocks *b, const struct trie *trie, struct prefix prefix)
{
    uint64_t hash = hash_seeded(prefix.bits, span_of(prefix.addr.bytes, sizeof prefix.addr.bytes));
    return &b->buckets[hash_mix(hash ^ (uint64_t)(uintptr_t)trie) % BUCKETS];
}

int netblocks_new(struct netblocks **ret)
{
    struct netblocks *b = calloc(1, sizeof *b);
    if (b == NULL)
        return -ENOMEM;
    *ret = b;
    return 0;
}

static void drop(struct netblocks *b, struct kept *k)
{
    struct kept **place = bucket_of(b, k->trie, k->block.prefix);
    while (*place != k)
        place = &(*place)->bucket_next;
    *place = k->bucket_next;
    (void)trie_drop(k->trie, k->block.prefix);
    b->dropped++;
    if (k->before != NULL)
        k->before->next = k->next;
    else
        b->oldest = k->next;
    if (k->next != NULL)
        k->next->before = k->before;
    else
        b->newest = k->before;
    b->count--;
    b->bytes -= sizeof *k + k->arena.used;
    arena_done(&k->arena);
    free(k);
}

static void forget_all(struct netblocks *b)
{
    while (b->oldest != NULL)
        drop(b, b->oldest);
    for (size_t i = 0; i < b->trie_count; i++)
        trie_free(b->tries[i].trie);
    b->trie_count = b->dropped = 0;
}

void netblocks_free(struct netblocks *b)
{
    if (b == NULL)
        return;
    forget_all(b);
    free(b);
}

static struct trie *trie_of(struct netblocks *b, const char *channel)
{
    for (size_t i = 0; i < b->trie_count; i++) {
        if (strcmp(b->tries[i].channel, channel) == 0)
            return b->tries[i].trie;
    }
    return NULL;
}

static int make_trie(struct netblocks *b, const char *channel, struct trie **ret)
{
    *ret = trie_of(b, channel);
    if (*ret != NULL)
        return 0;
    if (b->trie_count == BLOCKS_CHANNELS_MAX)
        return -ERR_LIMIT;
    int e = trie_new(ret);
    if (e == 0) {
        b->tries[b->trie_count].channel = channel;
        b->tries[b->trie_count++].trie = *ret;
    }
    return e;
}

static bool copy_text(struct arena *arena, struct span *text)
{
    const char *copy = arena_copy(arena, *text);
    *text = span_of(copy, copy != NULL ? text->len : 0);
    return copy != NULL;
}

static int copy_findings(struct kept *k, const struct finding *findings)
{
    struct finding *first = NULL, **last = &first;
    for (const struct finding *f = findings; f != NULL; f = f->next) {
        struct finding *copy = arena_alloc(&k->arena, sizeof *copy);
        if (copy == NULL)
            return -ERR_LIMIT;
        *copy = *f;
        copy->next = NULL;
        copy->channel = NULL;
        if (!copy_text(&k->arena, &copy->value) || !copy_text(&k->arena, &copy->attribute) || !copy_text(&k->arena, &copy->evidence) ||
            !copy_text(&k->arena, &copy->origin) || !copy_text(&k->arena, &copy->holder) || !copy_text(&k->arena, &copy->domain))
            return -ERR_LIMIT;
        *last = copy;
        last = &copy->next;
    }
    k->block.findings = first;
    return 0;
}

static bool is_believable(struct prefix p)
{
    bool v4 = p.bits >= 96 && addr_is_v4(p.addr);
    return v4 ? p.bits >= BLOCK_BITS_LEAST_V4 : p.bits >= BLOCK_BITS_LEAST_V6;
}

/* In the place of what is known of that very block. */
static int enter(struct netblocks *b, struct kept *k)
{
    struct kept **bucket = bucket_of(b, k->trie, k->block.prefix), *same = *bucket;
    while (same != NULL &&
           (same->trie != k->trie || same->block.prefix.bits != k->block.prefix.bits || !addr_equal(same->block.prefix.addr, k->block.prefix.addr)))
        same = same->bucket_next;
    if (same != NULL)
        drop(b, same);
    int e = trie_put(k->trie, k->block.prefix, k);
    if (e != 0)
        return e;
    k->bucket_next = *bucket;
    *bucket = k;
    k->before = b->newest;
    if (b->newest != NULL)
        b->newest->next = k;
    else
        b->oldest = k;
    b->newest = k;
    b->count++;
    b->bytes += sizeof *k + k->arena.used;
    while (b->count > BLOCKS_MAX || (b->bytes > BLOCKS_BYTES_MAX && b->oldest != k))
        drop(b, b->oldest);
    return 0;
}

int netblocks_put(struct netblocks *b, const char *channel, struct prefix prefix, usec_t expires, const struct finding *findings)
{
    struct trie *trie;
    if (!is_believable(prefix))
        return -ERR_LIMIT;
    if (b->dropped > 4 * BLOCKS_MAX)
        forget_all(b);
    int e = make_trie(b, channel, &trie);
    if (e != 0)
        return e;
    struct kept *k = calloc(1, sizeof *k);
    if (k == NULL)
        return -ENOMEM;
    k->block = (struct netblock){.prefix = prefix, .expires = expires};
    k->trie = trie;
    arena_init(&k->arena, BLOCK_SIZE_MAX);
    e = copy_findings(k, findings);
    if (e == 0)
        e = enter(b, k);
    if (e != 0) {
        arena_done(&k->arena);
        free(k);
    }
    return e;
}

const struct netblock *netblocks_find(struct netblocks *b, const char *channel, struct addr addr, usec_t now)
{
    struct trie *trie = trie_of(b, channel);
    struct kept *k;
    while (trie != NULL && (k = trie_find(trie, addr, NULL)) != NULL) {
        if (k->block.expires > now)
            return &k->block;
        drop(b, k);
    }
    return NULL;
}

size_t netblocks_count(const struct netblocks *b)
{
    return b->count;
}
