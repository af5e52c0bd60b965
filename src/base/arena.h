/*
 * Memory with one lifetime and a cap: a conversation's or a request's. Nothing is freed singly; arena_done frees all.
 * The first chunk is small, so that an idle conversation costs little.
 */
#pragma once

#include "base/span.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks;
    size_t used; /* bytes taken from malloc, chunk headers included */
    size_t cap;
};

void arena_init(struct arena *, size_t cap);
void arena_done(struct arena *);

/* Zeroed, aligned for any type; NULL when the cap is reached or memory is short. */
void *arena_alloc(struct arena *, size_t len);
/* A copy with a NUL behind it; NULL as above. */
char *arena_copy(struct arena *, struct span);
