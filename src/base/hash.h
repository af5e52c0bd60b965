/* Hashes: keyed where attackers choose what is hashed, plain where the same must come out in every life and nobody gains by a collision. */
#pragma once

#include "base/span.h"

struct hash_key {
    uint64_t a, b;
};

/* SipHash-2-4 (Aumasson, Bernstein 2012). */
uint64_t hash_bytes(const struct hash_key *, struct span bytes);

/* Stable: for details of what is shown, and tables whose keys are our own. */
uint64_t hash_seeded(uint64_t seed, struct span);
uint64_t hash_mix(uint64_t);
