#include "base/hash.h"

#include <endian.h>

struct state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t turn(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static inline void mix(struct state *s)
{
    s->v0 += s->v1;
    s->v1 = turn(s->v1, 13) ^ s->v0;
    s->v0 = turn(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = turn(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = turn(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = turn(s->v1, 17) ^ s->v2;
    s->v2 = turn(s->v2, 32);
}

static inline void take(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    mix(s);
    mix(s);
    s->v0 ^= word;
}

/* Little-endian, as the algorithm says; the last word may be short. */
static inline uint64_t word_at(const uint8_t *at, size_t len)
{
    uint64_t word = 0;
    memcpy(&word, at, len);
    return le64toh(word);
}

uint64_t hash_bytes(const struct hash_key *key, struct span bytes)
{
    struct state s = {key->a ^ UINT64_C(0x736f6d6570736575), key->b ^ UINT64_C(0x646f72616e646f6d), key->a ^ UINT64_C(0x6c7967656e657261),
                      key->b ^ UINT64_C(0x7465646279746573)};
    size_t whole = bytes.len / 8 * 8;
    for (size_t at = 0; at < whole; at += 8)
        take(&s, word_at(bytes.at + at, 8));
    size_t rest = bytes.len - whole;
    uint64_t last = (uint64_t)bytes.len << 56;
    if (rest > 0)
        last |= word_at(bytes.at + whole, rest);
    take(&s, last);
    s.v2 ^= 0xff;
    for (int i = 0; i < 4; i++)
        mix(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/* FNV-1a (Fowler, Noll, Vo) and the finaliser of SplitMix64, by which every input bit reaches every output bit. */
uint64_t hash_mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

uint64_t hash_seeded(uint64_t seed, struct span bytes)
{
    uint64_t hash = seed ^ UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < bytes.len; i++)
        hash = (hash ^ bytes.at[i]) * UINT64_C(0x100000001b3);
    return hash_mix(hash ^ bytes.len);
}
