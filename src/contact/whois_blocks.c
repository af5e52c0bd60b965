/*
 * Part `blocks`: IANA's registries of address space and AS numbers. Prefixes of one length are kept sorted, one array per length in use: about
 * sixteen searches, no allocation of its own.
 */
#include "contact/whois_tables.h"

#include "base/err.h"

#include <errno.h>
#include <stdlib.h>

enum { BLOCKS_MAX = 100000 };

struct block {
    struct prefix prefix;
    struct block_entry entry;
};
struct as_range {
    uint32_t first, last;
    struct span server;
};
struct blocks {
    struct block *list; /* longer prefixes first, then by address */
    size_t count;
    struct as_range *ranges;
    size_t range_count;
};

static int compare_block(const void *a, const void *b)
{
    const struct block *x = a, *y = b;
    if (x->prefix.bits != y->prefix.bits)
        return x->prefix.bits > y->prefix.bits ? -1 : 1;
    return memcmp(x->prefix.addr.bytes, y->prefix.addr.bytes, sizeof x->prefix.addr.bytes);
}

static bool read_number(struct span text, uint32_t *ret)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9' || value > UINT32_MAX)
            return false;
        value = value * 10 + (uint64_t)(text.at[i] - '0');
    }
    *ret = (uint32_t)value;
    return text.len > 0 && value <= UINT32_MAX;
}

/* "AS1877-1901" */
static bool read_range(struct span text, struct as_range *ret)
{
    text = span_part(text, 2, text.len);
    size_t dash = span_find(text, '-');
    if (!read_number(span_part(text, 0, dash), &ret->first))
        return false;
    ret->last = ret->first;
    return dash == text.len || (read_number(span_part(text, dash + 1, text.len), &ret->last) && ret->last >= ret->first);
}

static int read_line(struct part_lines *reader, struct arena *arena, struct blocks *blocks)
{
    static const char expected[] = "a block or AS range, then its server, or \"special\" and why; for example 2.0.0.0/8 whois.ripe.net";
    struct span line = reader->text, what = part_word(&line), server = part_word(&line);
    struct block block = {0};
    struct as_range range;
    bool special = span_is(server, "special");
    if (server.len == 0 || server.len > WHOIS_SERVER_MAX || blocks->count + blocks->range_count == BLOCKS_MAX)
        return part_lines_expected(reader, expected);
    struct span kept = {0};
    if (!special)
        kept = part_keep(arena, server);
    if (!special && kept.at == NULL)
        return -ENOMEM;
    if (span_starts(what, "AS")) {
        if (special || !read_range(what, &range))
            return part_lines_expected(reader, expected);
        range.server = kept;
        blocks->ranges[blocks->range_count++] = range;
        return 0;
    }
    if (prefix_parse(what, &block.prefix) != 0)
        return part_lines_expected(reader, expected);
    block.entry.server = kept;
    block.entry.why = special ? part_keep(arena, line) : (struct span){0};
    blocks->list[blocks->count++] = block;
    return special && block.entry.why.at == NULL ? -ENOMEM : 0;
}

int book_open_blocks(struct arena *arena, struct span text, const char *path, void **ret, struct conf_error *error);
int book_open_blocks(struct arena *arena, struct span text, const char *path, void **ret, struct conf_error *error)
{
    size_t lines = 0;
    struct part_lines count = part_lines_of(text, path, error), reader = count;
    while (part_lines_next(&count))
        lines++;
    if (lines > BLOCKS_MAX)
        lines = BLOCKS_MAX;
    struct blocks *blocks = arena_alloc(arena, sizeof *blocks);
    if (blocks == NULL)
        return -ENOMEM;
    blocks->list = arena_alloc(arena, (lines + 1) * sizeof *blocks->list);
    blocks->ranges = arena_alloc(arena, (lines + 1) * sizeof *blocks->ranges);
    if (blocks->list == NULL || blocks->ranges == NULL)
        return -ENOMEM;
    while (part_lines_next(&reader)) {
        int r = read_line(&reader, arena, blocks);
        if (r != 0)
            return r;
    }
    qsort(blocks->list, blocks->count, sizeof *blocks->list, compare_block);
    *ret = blocks;
    return 0;
}

static struct prefix cut(struct addr addr, unsigned bits)
{
    struct prefix p = {.addr = addr, .bits = (uint8_t)bits};
    for (unsigned bit = bits; bit < 128; bit++)
        p.addr.bytes[bit / 8] &= (uint8_t) ~(0x80U >> bit % 8);
    return p;
}

const struct block_entry *blocks_find(const struct blocks *blocks, struct addr addr)
{
    for (size_t from = 0, until; blocks != NULL && from < blocks->count; from = until) {
        unsigned bits = blocks->list[from].prefix.bits;
        struct block wanted = {.prefix = cut(addr, bits)};
        /* The end of this length: what comes before the lowest prefix of the next shorter one. */
        size_t low = from, high = blocks->count;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (blocks->list[middle].prefix.bits == bits)
                low = middle + 1;
            else
                high = middle;
        }
        until = low;
        const struct block *hit = bsearch(&wanted, &blocks->list[from], until - from, sizeof wanted, compare_block);
        if (hit != NULL)
            return &hit->entry;
    }
    return NULL;
}

struct span blocks_find_as(const struct blocks *blocks, uint32_t as)
{
    struct span best = {0};
    uint32_t width = UINT32_MAX;
    for (size_t i = 0; blocks != NULL && i < blocks->range_count; i++) {
        const struct as_range *r = &blocks->ranges[i];
        if (as >= r->first && as <= r->last && (best.len == 0 || r->last - r->first < width)) {
            best = r->server;
            width = r->last - r->first;
        }
    }
    return best;
}
