/*
 * What answers said of whole blocks of addresses, by channel: one answer serves every address of its block (netblock cache). Bounded: what was put
 * first goes first.
 */
#pragma once

#include "contact/channel.h"

enum { BLOCKS_MAX = 1 << 16, BLOCKS_BYTES_MAX = 64 * 1024 * 1024, BLOCKS_CHANNELS_MAX = 16, BLOCK_BITS_LEAST_V4 = 96 + 8, BLOCK_BITS_LEAST_V6 = 16 };

struct netblocks;

struct netblock {
    struct prefix prefix;
    usec_t expires;                 /* wall clock */
    const struct finding *findings; /* linked; channel is NULL */
};

int netblocks_new(struct netblocks **ret);
void netblocks_free(struct netblocks *); /* NULL accepted */
/* A copy; replaces what is known of that block. 0; -ERR_LIMIT: a block too large to believe, or findings too long; -ENOMEM. */
int netblocks_put(struct netblocks *, const char *channel, struct prefix, usec_t expires, const struct finding *findings);
/* The smallest block that holds the address and has not expired; NULL: none. Valid until the next netblocks_put. */
const struct netblock *netblocks_find(struct netblocks *, const char *channel, struct addr, usec_t now);
size_t netblocks_count(const struct netblocks *);
