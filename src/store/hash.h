/* SipHash-2-4 (Aumasson, Bernstein 2012), keyed: attackers choose what is hashed. */
#pragma once

#include "base/span.h"

struct hash_key {
    uint64_t a, b;
};

uint64_t hash_bytes(const struct hash_key *, struct span bytes);
