/* Lists are replaced whole and asked often: sorted ranges, joined where they touch, are a third of a trie's size and as quick. */
#include "outside/list.h"

#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { NETWORKS_MAX = 4000000, ROOM_FIRST = 64 };

struct range {
    struct addr first, last;
};

struct list {
    struct range *ranges;
    size_t count, size;
    size_t networks;
};

static int compare_addr(const struct addr *a, const struct addr *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

static int compare_range(const void *a, const void *b)
{
    const struct range *x = a, *y = b;
    int order = compare_addr(&x->first, &y->first);
    return order != 0 ? order : compare_addr(&x->last, &y->last);
}

static struct range range_of(struct prefix p)
{
    struct range r = {.first = p.addr, .last = p.addr};
    for (unsigned bit = p.bits; bit < 128; bit++) {
        r.first.bytes[bit / 8] &= (uint8_t) ~(0x80U >> bit % 8);
        r.last.bytes[bit / 8] |= (uint8_t)(0x80U >> bit % 8);
    }
    return r;
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\v' || byte == '\f';
}

static struct span first_word(struct span line)
{
    line = span_part(line, 0, span_find(line, '#'));
    size_t from = 0, to;
    while (from < line.len && is_blank(line.at[from]))
        from++;
    for (to = from; to < line.len && !is_blank(line.at[to]);)
        to++;
    return span_part(line, from, to - from);
}

int list_line(struct span line, struct prefix *ret)
{
    struct span word = first_word(line);
    if (word.len == 0)
        return 1;
    size_t slash = span_find(word, '/');
    struct span address = span_part(word, 0, slash), digits = span_part(word, slash + 1, word.len);
    struct prefix p;
    if (addr_parse(address, &p.addr) != 0)
        return -ERR_MALFORMED;
    unsigned most = span_find(address, ':') < address.len ? 128 : 32, bits = most;
    if (slash < word.len) {
        if (digits.len == 0 || digits.len > 3)
            return -ERR_MALFORMED;
        bits = 0;
        for (size_t i = 0; i < digits.len; i++) {
            if (digits.at[i] < '0' || digits.at[i] > '9')
                return -ERR_MALFORMED;
            bits = bits * 10 + (unsigned)(digits.at[i] - '0');
        }
    }
    if (bits > most)
        return -ERR_MALFORMED;
    p.bits = (uint8_t)(bits + 128 - most);
    p.addr = range_of(p).first;
    *ret = p;
    return 0;
}

static int add(struct list *list, struct prefix p)
{
    if (list->networks == NETWORKS_MAX)
        return -ERR_LIMIT;
    if (list->count == list->size) {
        size_t size = list->size > 0 ? 2 * list->size : ROOM_FIRST;
        struct range *more = reallocarray(list->ranges, size, sizeof *more);
        if (more == NULL)
            return -ENOMEM;
        list->ranges = more;
        list->size = size;
    }
    list->ranges[list->count++] = range_of(p);
    list->networks++;
    return 0;
}

/* Sorts, and joins what overlaps, so that a search by the first address is enough. */
static void join(struct list *list)
{
    if (list->count == 0)
        return;
    qsort(list->ranges, list->count, sizeof list->ranges[0], compare_range);
    size_t kept = 0;
    for (size_t i = 1; i < list->count; i++) {
        struct range *last = &list->ranges[kept];
        if (compare_addr(&list->ranges[i].first, &last->last) > 0)
            list->ranges[++kept] = list->ranges[i];
        else if (compare_addr(&list->ranges[i].last, &last->last) > 0)
            last->last = list->ranges[i].last;
    }
    list->count = kept + 1;
}

static void complain(struct list_error *error, const char *name, unsigned line, struct span word)
{
    struct buf text;
    buf_init(&text, sizeof error->text - 1);
    text_escape(&text, span_part(word, 0, 24)); /* a byte becomes at most five characters */
    error->list = name;
    error->line = line;
    (void)snprintf(error->text, sizeof error->text, "%s", buf_cstr(&text));
    buf_done(&text);
}

int list_read(struct list **ret, const char *name, struct span text, size_t *ret_bad, struct list_error *bad, size_t room)
{
    struct list *list = calloc(1, sizeof *list);
    size_t bad_count = 0;
    int r = list != NULL ? 0 : -ENOMEM;
    if (text.len >= 3 && memcmp(text.at, "\xef\xbb\xbf", 3) == 0)
        text = span_part(text, 3, text.len);
    for (unsigned number = 1; r == 0 && text.len > 0; number++) {
        struct span line = span_part(text, 0, span_find(text, '\n'));
        struct prefix p;
        int read = list_line(line, &p);
        text = span_part(text, line.len + 1, text.len);
        if (read == 0)
            r = add(list, p);
        if (read < 0 && bad_count++ < room)
            complain(&bad[bad_count - 1], name, number, first_word(line));
    }
    if (r != 0) {
        list_free(list);
        return r;
    }
    join(list);
    *ret = list;
    *ret_bad = bad_count;
    return 0;
}

void list_free(struct list *list)
{
    if (list == NULL)
        return;
    free(list->ranges);
    free(list);
}

/* The range that begins last at or before this address. */
static const struct range *before(const struct list *list, const struct addr *a)
{
    size_t low = 0, high = list != NULL ? list->count : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_addr(&list->ranges[middle].first, a) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? &list->ranges[low - 1] : NULL;
}

bool list_holds(const struct list *list, struct addr a)
{
    const struct range *r = before(list, &a);
    return r != NULL && compare_addr(&a, &r->last) <= 0;
}

bool list_covers(const struct list *list, struct prefix p)
{
    struct range wanted = range_of(p);
    const struct range *r = before(list, &wanted.first);
    return r != NULL && compare_addr(&wanted.last, &r->last) <= 0;
}

size_t list_networks(const struct list *list)
{
    return list != NULL ? list->networks : 0;
}
