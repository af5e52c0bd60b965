#include "outside/dns_cache.h"

#include "base/hash.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

enum { BUCKETS = 16384 };

struct entry {
    struct entry *chain;         /* of its bucket */
    struct entry *newer, *older; /* by use */
    uint64_t hash;
    usec_t until;
    uint16_t type, name_len, message_len;
    uint8_t bytes[]; /* name, message */
};

struct dns_cache {
    struct hash_key key;
    struct entry *newest, *oldest;
    size_t count, bytes;
    struct entry *buckets[BUCKETS];
};

int dns_cache_new(struct dns_cache **ret)
{
    struct dns_cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL)
        return -ENOMEM;
    if (getrandom(&cache->key, sizeof cache->key, 0) != (ssize_t)sizeof cache->key) {
        free(cache);
        return -EIO;
    }
    *ret = cache;
    return 0;
}

static size_t size_of(const struct entry *e)
{
    return sizeof *e + e->name_len + e->message_len;
}

static void unlink_use(struct dns_cache *cache, struct entry *e)
{
    *(e->newer != NULL ? &e->newer->older : &cache->newest) = e->older;
    *(e->older != NULL ? &e->older->newer : &cache->oldest) = e->newer;
}

static void link_newest(struct dns_cache *cache, struct entry *e)
{
    e->newer = NULL;
    e->older = cache->newest;
    *(cache->newest != NULL ? &cache->newest->newer : &cache->oldest) = e;
    cache->newest = e;
}

static void forget(struct dns_cache *cache, struct entry *e)
{
    assert(e != NULL);
    struct entry **place = &cache->buckets[e->hash % BUCKETS];
    while (*place != e)
        place = &(*place)->chain;
    *place = e->chain;
    unlink_use(cache, e);
    cache->count--;
    cache->bytes -= size_of(e);
    free(e);
}

void dns_cache_free(struct dns_cache *cache)
{
    if (cache == NULL)
        return;
    while (cache->newest != NULL)
        forget(cache, cache->newest);
    free(cache);
}

static struct entry *find(const struct dns_cache *cache, uint64_t hash, uint16_t type, struct span name)
{
    struct entry *e = cache->buckets[hash % BUCKETS];
    while (e != NULL && (e->hash != hash || e->type != type || !span_equal(span_of(e->bytes, e->name_len), name)))
        e = e->chain;
    return e;
}

static uint64_t hash_of(const struct dns_cache *cache, uint16_t type, struct span name)
{
    return hash_bytes(&cache->key, name) ^ (uint64_t)type * UINT64_C(0x9e3779b97f4a7c15);
}

bool dns_cache_get(struct dns_cache *cache, uint16_t type, struct span name, usec_t now, struct span *ret_message)
{
    struct entry *e = find(cache, hash_of(cache, type, name), type, name);
    if (e == NULL || e->until <= now)
        return false; /* put replaces it */
    unlink_use(cache, e);
    link_newest(cache, e);
    *ret_message = span_of(e->bytes + e->name_len, e->message_len);
    return true;
}

void dns_cache_put(struct dns_cache *cache, uint16_t type, struct span name, struct span message, usec_t until)
{
    uint64_t hash = hash_of(cache, type, name);
    struct entry *e = find(cache, hash, type, name);
    if (e != NULL)
        forget(cache, e);
    if (name.len > UINT8_MAX || message.len > UINT16_MAX || (e = malloc(sizeof *e + name.len + message.len)) == NULL)
        return;
    *e = (struct entry){.hash = hash, .until = until, .type = type, .name_len = (uint16_t)name.len, .message_len = (uint16_t)message.len};
    if (name.len > 0)
        memcpy(e->bytes, name.at, name.len);
    if (message.len > 0)
        memcpy(e->bytes + name.len, message.at, message.len);
    e->chain = cache->buckets[hash % BUCKETS];
    cache->buckets[hash % BUCKETS] = e;
    link_newest(cache, e);
    cache->count++;
    cache->bytes += size_of(e);
    while (cache->count > DNS_CACHE_ENTRIES || cache->bytes > DNS_CACHE_BYTES)
        forget(cache, cache->oldest);
}

size_t dns_cache_count(const struct dns_cache *cache)
{
    return cache->count;
}

size_t dns_cache_bytes(const struct dns_cache *cache)
{
    return cache->bytes;
}
