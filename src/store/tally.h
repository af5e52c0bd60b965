/* Sums by key, kept in memory between two flushes: a hash table of fixed-size entries in the order of their arrival. */
#pragma once

#include "base/hash.h"

struct tally {
    size_t entry_size, key_size; /* an entry begins with its key, compared as bytes: zero all padding */
    uint8_t *entries;
    size_t count, room;
    uint32_t *slots; /* index + 1, 0: free */
    size_t slot_count;
};

void tally_init(struct tally *, size_t entry_size, size_t key_size);
void tally_done(struct tally *);
void tally_clear(struct tally *); /* keeps the memory */

/* The entry of `key`, made (zeroed but for the key) when it was not there; NULL when memory is short. Valid until the next call. */
void *tally_at(struct tally *, const struct hash_key *, const void *key, bool *ret_new);

/* The same, but NULL when it is not there. */
void *tally_find(const struct tally *, const struct hash_key *, const void *key);

static inline void *tally_entry(const struct tally *t, size_t index)
{
    return t->entries + index * t->entry_size;
}
