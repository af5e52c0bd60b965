#include "contact/rdap_bootstrap.h"

#include "base/err.h"
#include "base/text.h"
#include "contact/finding.h"
#include "contact/rdap.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

enum { ENTRIES_MAX = 100000, NAME_BYTES_MAX = 253 };

enum key { KEY_PREFIX, KEY_AS, KEY_DOMAIN };

struct entry {
    struct prefix prefix;
    uint32_t first, last; /* AS numbers */
    struct span name;     /* lower case; "" is the root */
    struct span url;
};
struct bootstrap {
    struct entry *list;
    size_t count;
};

/* ---- reading ---- */

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

static bool read_key(struct arena *arena, struct span text, enum key key, struct entry *ret)
{
    size_t dash = span_find(text, '-');
    if (key == KEY_PREFIX)
        return prefix_parse(text, &ret->prefix) == 0;
    if (key == KEY_AS)
        return read_number(span_part(text, 0, dash), &ret->first) &&
               read_number(dash < text.len ? span_part(text, dash + 1, text.len) : text, &ret->last) && ret->last >= ret->first;
    char *copy = text.len <= NAME_BYTES_MAX ? arena_copy(arena, text) : NULL;
    for (size_t i = 0; copy != NULL && i < text.len; i++)
        copy[i] = (char)(copy[i] >= 'A' && copy[i] <= 'Z' ? copy[i] + ('a' - 'A') : copy[i]);
    ret->name = span_of(copy, copy != NULL ? text.len : 0);
    return copy != NULL;
}

static struct span text_of(const json_t *value)
{
    return json_is_string(value) ? span_of(json_string_value(value), json_string_length(value)) : (struct span){0};
}

/* The first URL that is https, with its last slash; empty: there is none. */
static struct span read_url(struct arena *arena, const json_t *urls)
{
    for (size_t i = 0; i < json_array_size(urls); i++) {
        struct span url = text_of(json_array_get(urls, i));
        bool plain = span_starts(url, "https://") && url.len > sizeof "https://" && url.len < RDAP_URL_MAX / 2;
        for (size_t k = 0; k < url.len; k++)
            plain = plain && url.at[k] > ' ' && url.at[k] < 0x7f;
        if (!plain)
            continue;
        bool slash = url.at[url.len - 1] == '/';
        uint8_t *copy = arena_alloc(arena, url.len + 1);
        if (copy == NULL)
            return (struct span){0};
        memcpy(copy, url.at, url.len);
        copy[url.len] = '/';
        return span_of(copy, url.len + !slash);
    }
    return (struct span){0};
}

/* One service, [[key, …], [URL, …]]; what of it is not understood is passed over (RFC 9224 §3). */
static void read_service(struct arena *arena, const json_t *service, enum key key, struct bootstrap *b, size_t room)
{
    const json_t *keys = json_array_get(service, 0);
    struct span url = read_url(arena, json_array_get(service, 1));
    for (size_t i = 0; i < json_array_size(keys) && url.len > 0; i++) {
        const json_t *text = json_array_get(keys, i);
        struct entry e = {.url = url};
        if (json_is_string(text) && b->count < room && read_key(arena, text_of(text), key, &e))
            b->list[b->count++] = e;
    }
}

static int open_file(struct arena *arena, struct span text, const char *path, enum key key, void **ret, struct conf_error *error)
{
    json_t *root = NULL;
    size_t room = 0;
    struct bootstrap *b = arena_alloc(arena, sizeof *b);
    int r = b != NULL ? rdap_load(text, &root) : -ENOMEM;
    const json_t *services = r == 0 ? json_object_get(root, "services") : NULL;
    for (size_t i = 0; i < json_array_size(services); i++)
        room += json_array_size(json_array_get(json_array_get(services, i), 0));
    room = room < ENTRIES_MAX ? room : ENTRIES_MAX;
    if (b != NULL)
        b->list = arena_alloc(arena, (room + 1) * sizeof *b->list);
    if (r == 0 && b->list == NULL)
        r = -ENOMEM;
    for (size_t i = 0; r == 0 && i < json_array_size(services); i++)
        read_service(arena, json_array_get(services, i), key, b, room);
    json_decref(root);
    if (r == -ENOMEM)
        return r;
    if (r != 0 || b->count == 0) {
        (void)snprintf(error->text, sizeof error->text, "%s: expected a bootstrap file of IANA (RFC 9224) with services that are asked over https",
                       path);
        return -ERR_CONFIG;
    }
    *ret = b;
    return 0;
}

int book_open_rdap_ipv4(struct arena *, struct span text, const char *path, void **ret, struct conf_error *);
int book_open_rdap_ipv4(struct arena *arena, struct span text, const char *path, void **ret, struct conf_error *error)
{
    return open_file(arena, text, path, KEY_PREFIX, ret, error);
}

int book_open_rdap_ipv6(struct arena *, struct span text, const char *path, void **ret, struct conf_error *);
int book_open_rdap_ipv6(struct arena *arena, struct span text, const char *path, void **ret, struct conf_error *error)
{
    return open_file(arena, text, path, KEY_PREFIX, ret, error);
}

int book_open_rdap_asn(struct arena *, struct span text, const char *path, void **ret, struct conf_error *);
int book_open_rdap_asn(struct arena *arena, struct span text, const char *path, void **ret, struct conf_error *error)
{
    return open_file(arena, text, path, KEY_AS, ret, error);
}

int book_open_rdap_dns(struct arena *, struct span text, const char *path, void **ret, struct conf_error *);
int book_open_rdap_dns(struct arena *arena, struct span text, const char *path, void **ret, struct conf_error *error)
{
    return open_file(arena, text, path, KEY_DOMAIN, ret, error);
}

/* ---- finding ---- */

struct span bootstrap_of_address(const struct book *book, struct addr addr)
{
    const struct bootstrap *b = book_part(book, addr_is_v4(addr) ? BOOK_rdap_ipv4 : BOOK_rdap_ipv6);
    const struct entry *best = NULL;
    for (size_t i = 0; b != NULL && i < b->count; i++) {
        if (prefix_holds(b->list[i].prefix, addr) && (best == NULL || b->list[i].prefix.bits > best->prefix.bits))
            best = &b->list[i];
    }
    return best != NULL ? best->url : (struct span){0};
}

struct span bootstrap_of_as(const struct book *book, uint32_t as)
{
    const struct bootstrap *b = book_part(book, BOOK_rdap_asn);
    for (size_t i = 0; b != NULL && i < b->count; i++) {
        if (as >= b->list[i].first && as <= b->list[i].last) /* ranges do not overlap: RFC 9224 §5.3 */
            return b->list[i].url;
    }
    return (struct span){0};
}

/* Whole labels from the right: RFC 9224 §4. */
static bool is_below(struct span domain, struct span name)
{
    if (name.len == 0)
        return true;
    if (domain.len < name.len || (domain.len > name.len && domain.at[domain.len - name.len - 1] != '.'))
        return false;
    return strncasecmp((const char *)&domain.at[domain.len - name.len], (const char *)name.at, name.len) == 0;
}

struct span bootstrap_of_domain(const struct book *book, struct span domain)
{
    const struct bootstrap *b = book_part(book, BOOK_rdap_dns);
    const struct entry *best = NULL;
    for (size_t i = 0; b != NULL && i < b->count; i++) {
        if (is_below(domain, b->list[i].name) && (best == NULL || b->list[i].name.len > best->name.len))
            best = &b->list[i];
    }
    return best != NULL ? best->url : (struct span){0};
}
