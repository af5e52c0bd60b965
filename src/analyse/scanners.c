#include "analyse/scanners.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>

/* Nobody surveys from more than a /8: what is wider is a typing mistake that would make everybody a scanner. */
enum { LEAST_V4 = 96 + 8, LEAST_V6 = 16 };

struct scanners {
    struct trie *trie;
    struct arena names;
};

static int add_line(struct scanners *scanners, struct span line, size_t *bad)
{
    size_t mark = span_find(line, '#');
    struct span text = span_trim(span_part(line, 0, mark)), name = span_trim(span_part(line, mark + 1, line.len));
    struct prefix prefix;
    if (text.len == 0)
        return 0;
    if (prefix_parse(text, &prefix) != 0 || prefix.bits < (addr_is_v4(prefix.addr) ? LEAST_V4 : LEAST_V6)) {
        ++*bad;
        return 0;
    }
    name = span_part(name, 0, SCANNERS_NAME_MAX);
    name = span_part(name, 0, text_utf8_valid(name));
    if (name.len == 0)
        name = text;
    char *copy = arena_copy(&scanners->names, name);
    return copy != NULL ? trie_put(scanners->trie, prefix, copy) : -ENOMEM;
}

int scanners_parse(struct scanners **ret, struct span text, size_t *ret_bad)
{
    if (text.len > SCANNERS_FILE_MAX)
        return -ERR_LIMIT;
    struct scanners *scanners = calloc(1, sizeof *scanners);
    if (scanners == NULL)
        return -ENOMEM;
    arena_init(&scanners->names, 2 * (size_t)SCANNERS_FILE_MAX);
    size_t bad = 0;
    int r = trie_new(&scanners->trie);
    while (r == 0 && text.len > 0) {
        size_t end = span_find(text, '\n');
        r = add_line(scanners, span_part(text, 0, end), &bad);
        text = span_part(text, end + 1, text.len);
    }
    if (r != 0) {
        scanners_free(scanners);
        return r;
    }
    *ret_bad = bad;
    *ret = scanners;
    return 0;
}

void scanners_free(struct scanners *scanners)
{
    if (scanners == NULL)
        return;
    trie_free(scanners->trie);
    arena_done(&scanners->names);
    free(scanners);
}

const struct trie *scanners_trie(const struct scanners *scanners)
{
    return scanners->trie;
}
