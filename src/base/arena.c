#include "base/arena.h"

#include <stdlib.h>

enum { FIRST_CHUNK = 512, LARGEST_CHUNK = 64 * 1024 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t len;
    size_t size;
    max_align_t data[];
};

void arena_init(struct arena *a, size_t cap)
{
    *a = (struct arena){.cap = cap};
}

void arena_done(struct arena *a)
{
    if (a == NULL)
        return;
    for (struct arena_chunk *chunk = a->chunks; chunk != NULL;) {
        struct arena_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    *a = (struct arena){.cap = a->cap};
}

static struct arena_chunk *chunk_new(struct arena *a, size_t len)
{
    size_t size = a->chunks == NULL ? FIRST_CHUNK : a->chunks->size * 2;
    if (size > LARGEST_CHUNK)
        size = LARGEST_CHUNK;
    if (size < len)
        size = len;
    size_t whole = sizeof(struct arena_chunk) + size;
    if (a->used > a->cap || whole > a->cap - a->used) {
        size = len; /* the last chunk under the cap may be as small as the wish */
        whole = sizeof(struct arena_chunk) + size;
        if (a->used > a->cap || whole > a->cap - a->used)
            return NULL;
    }
    struct arena_chunk *chunk = malloc(whole);
    if (chunk == NULL)
        return NULL;
    chunk->next = a->chunks;
    chunk->len = 0;
    chunk->size = size;
    a->chunks = chunk;
    a->used += whole;
    return chunk;
}

void *arena_alloc(struct arena *a, size_t len)
{
    size_t unit = sizeof(max_align_t);
    if (len > SIZE_MAX / 2)
        return NULL;
    len = (len + unit - 1) / unit * unit;
    struct arena_chunk *chunk = a->chunks;
    if (chunk == NULL || len > chunk->size - chunk->len) {
        chunk = chunk_new(a, len);
        if (chunk == NULL)
            return NULL;
    }
    void *at = (uint8_t *)chunk->data + chunk->len;
    chunk->len += len;
    memset(at, 0, len);
    return at;
}

char *arena_copy(struct arena *a, struct span bytes)
{
    if (bytes.len > SIZE_MAX / 4)
        return NULL;
    char *copy = arena_alloc(a, bytes.len + 1);
    if (copy != NULL && bytes.len > 0)
        memcpy(copy, bytes.at, bytes.len);
    return copy;
}
