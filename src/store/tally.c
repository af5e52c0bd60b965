#include "store/tally.h"

#include <stdlib.h>

void tally_init(struct tally *t, size_t entry_size, size_t key_size)
{
    *t = (struct tally){.entry_size = entry_size, .key_size = key_size};
}

void tally_done(struct tally *t)
{
    free(t->entries);
    free(t->slots);
    *t = (struct tally){0};
}

void tally_clear(struct tally *t)
{
    if (t->count > 0)
        memset(t->slots, 0, t->slot_count * sizeof *t->slots);
    t->count = 0;
}

static size_t slot_of(const struct tally *t, const struct hash_key *hash, const void *key)
{
    size_t at = (size_t)hash_bytes(hash, span_of(key, t->key_size)) & (t->slot_count - 1);
    while (t->slots[at] != 0 && memcmp(tally_entry(t, t->slots[at] - 1), key, t->key_size) != 0)
        at = (at + 1) & (t->slot_count - 1);
    return at;
}

static bool grow(struct tally *t, const struct hash_key *hash)
{
    size_t room = t->room == 0 ? 64 : t->room * 2;
    uint8_t *entries = realloc(t->entries, room * t->entry_size);
    if (entries == NULL)
        return false;
    t->entries = entries;
    uint32_t *slots = calloc(room * 2, sizeof *slots);
    if (slots == NULL)
        return false;
    free(t->slots);
    t->slots = slots;
    t->slot_count = room * 2;
    t->room = room;
    for (size_t i = 0; i < t->count; i++)
        t->slots[slot_of(t, hash, tally_entry(t, i))] = (uint32_t)i + 1;
    return true;
}

void *tally_at(struct tally *t, const struct hash_key *hash, const void *key, bool *ret_new)
{
    if (t->count == t->room && !grow(t, hash))
        return NULL;
    size_t at = slot_of(t, hash, key);
    bool new = t->slots[at] == 0;
    if (new) {
        uint8_t *entry = tally_entry(t, t->count);
        memset(entry, 0, t->entry_size);
        memcpy(entry, key, t->key_size);
        t->slots[at] = (uint32_t)++t->count;
    }
    if (ret_new != NULL)
        *ret_new = new;
    return tally_entry(t, t->slots[at] - 1);
}

void *tally_find(const struct tally *t, const struct hash_key *hash, const void *key)
{
    if (t->count == 0)
        return NULL;
    size_t at = slot_of(t, hash, key);
    return t->slots[at] != 0 ? tally_entry(t, t->slots[at] - 1) : NULL;
}
