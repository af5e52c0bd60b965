/* Part `servers`: how each is asked and how patient it is; and the questions in their forms. */
#include "contact/whois_tables.h"

#include "base/err.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

enum { SERVERS_MAX = 2000, SIGN_TEXT_MIN = 5, WHOIS_PORT = 43, BACK_OFF_HOURS = 1 };

struct server_node {
    struct server_node *next;
    struct server_entry entry;
    struct span alias[8];
    size_t alias_count;
};
struct servers {
    struct server_node *first, **last;
    size_t count;
    struct server_node *any; /* the section `*`: what holds for all; NULL: there is none */
};

static const struct server_entry unknown = {.server = {.port = WHOIS_PORT, .at_once = 1, .back_off = BACK_OFF_HOURS * USEC_PER_HOUR}};

static bool same_name(struct span a, struct span b)
{
    while (a.len > 0 && a.at[a.len - 1] == '.')
        a.len--;
    return a.len == b.len && a.len > 0 && strncasecmp((const char *)a.at, (const char *)b.at, a.len) == 0;
}

/* "1000", "0.5" in thousandths. */
static bool read_milli(struct span text, unsigned *ret)
{
    uint64_t value = 0;
    unsigned decimals = 0;
    bool point = false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '.' && !point && i > 0) {
            point = true;
            continue;
        }
        if (text.at[i] < '0' || text.at[i] > '9' || value > 1000000 || decimals == 3)
            return false;
        value = value * 10 + (uint64_t)(text.at[i] - '0');
        decimals += point;
    }
    for (; decimals < 3; decimals++)
        value *= 10;
    *ret = (unsigned)value;
    return text.len > 0 && value <= UINT32_MAX / 2;
}

static bool read_count(struct span text, unsigned *ret)
{
    unsigned milli;
    if (!read_milli(text, &milli) || milli % 1000 != 0)
        return false;
    *ret = milli / 1000;
    return true;
}

static bool read_duration(struct span text, usec_t *ret)
{
    unsigned count;
    static const struct {
        uint8_t unit;
        usec_t usec;
    } units[] = {{'s', USEC_PER_SEC}, {'m', 60 * USEC_PER_SEC}, {'h', USEC_PER_HOUR}, {'d', USEC_PER_DAY}};
    for (size_t i = 0; text.len > 1 && i < sizeof units / sizeof units[0]; i++) {
        if (text.at[text.len - 1] == units[i].unit && read_count(span_part(text, 0, text.len - 1), &count)) {
            *ret = (usec_t)count * units[i].usec;
            return true;
        }
    }
    return false;
}

static int add_sign(struct arena *arena, struct server_entry *entry, enum sign sign, struct span text)
{
    struct server_sign *s = arena_alloc(arena, sizeof *s);
    char *copy = arena_copy(arena, text);
    if (s == NULL || copy == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < text.len; i++) {
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] + ('a' - 'A'));
    }
    *s = (struct server_sign){.next = entry->signs, .sign = sign, .text = span_of(copy, text.len)};
    entry->signs = s;
    return 0;
}

/* 0: read; 1: no such key, or not of that form. */
static int read_number_key(struct server_entry *e, struct span key, struct span value)
{
    unsigned port;
    if (span_is(key, "port:")) {
        if (!read_count(value, &port) || port == 0 || port > UINT16_MAX)
            return 1;
        e->server.port = (uint16_t)port;
        return 0;
    }
    if (span_is(key, "per-second:"))
        return !read_milli(value, &e->server.per_second_milli);
    if (span_is(key, "per-day:"))
        return !read_count(value, &e->server.per_day);
    if (span_is(key, "personal-per-day:"))
        return !read_count(value, &e->server.personal_per_day);
    if (span_is(key, "at-once:"))
        return !read_count(value, &e->server.at_once) || e->server.at_once == 0;
    if (span_is(key, "back-off:"))
        return !read_duration(value, &e->server.back_off);
    return 1;
}

static int read_key(struct arena *arena, struct server_node *node, struct span key, struct span value)
{
    static const char *const signs[SIGN_COUNT] = {"limited:", "reduced:", "banned:", "empty:", "broken:"};
    struct server_entry *e = &node->entry;
    struct span *text = span_is(key, "registry:")  ? &e->server.registry
                        : span_is(key, "charset:") ? &e->server.charset
                        : span_is(key, "rdap:")    ? &e->server.rdap
                        : span_is(key, "address:") ? &e->address
                        : span_is(key, "domain:")  ? &e->domain
                        : span_is(key, "handle:")  ? &e->handle
                        : span_is(key, "block:")   ? &e->block
                        : span_is(key, "as:")      ? &e->as
                                                   : NULL;
    if (span_is(key, "alias:") && node->alias_count < sizeof node->alias / sizeof node->alias[0])
        text = &node->alias[node->alias_count++];
    for (unsigned i = 0; i < SIGN_COUNT; i++) {
        if (span_is(key, signs[i]))
            return value.len >= SIGN_TEXT_MIN ? add_sign(arena, e, (enum sign)i, value) : 1;
    }
    if (text == NULL)
        return read_number_key(e, key, value);
    *text = part_keep(arena, value);
    return text->at != NULL ? 0 : -ENOMEM;
}

static int begin_server(struct arena *arena, struct servers *servers, struct span name, struct server_node **ret)
{
    struct server_node *node = arena_alloc(arena, sizeof *node);
    if (node == NULL)
        return -ENOMEM;
    node->entry = servers->any != NULL ? servers->any->entry : unknown;
    node->entry.signs = NULL;
    node->entry.server.name = part_keep(arena, name);
    if (node->entry.server.name.at == NULL)
        return -ENOMEM;
    if (span_is(name, "*")) {
        servers->any = node;
    } else {
        *servers->last = node;
        servers->last = &node->next;
        servers->count++;
    }
    *ret = node;
    return 0;
}

int book_open_servers(struct arena *arena, struct span text, const char *path, void **ret, struct conf_error *error);
int book_open_servers(struct arena *arena, struct span text, const char *path, void **ret, struct conf_error *error)
{
    struct part_lines reader = part_lines_of(text, path, error);
    struct servers *servers = arena_alloc(arena, sizeof *servers);
    struct server_node *node = NULL;
    if (servers == NULL)
        return -ENOMEM;
    servers->last = &servers->first;
    while (part_lines_next(&reader)) {
        struct span line = reader.text;
        int r = 1;
        if (line.at[0] == '[') {
            struct span name = span_part(line, 1, span_find(line, ']') - 1);
            if (name.len == 0 || name.len + 2 != line.len || name.len > WHOIS_SERVER_MAX || servers->count == SERVERS_MAX)
                return part_lines_expected(&reader, "a server's name in brackets, for example [whois.ripe.net]");
            r = begin_server(arena, servers, name, &node);
        } else if (node != NULL) {
            struct span key = part_word(&line);
            r = read_key(arena, node, key, line);
        }
        if (r > 0)
            return part_lines_expected(&reader, "a key and its value, for example per-second: 0.5");
        if (r < 0)
            return r;
    }
    *ret = servers;
    return 0;
}

const struct server_entry *servers_find(const struct servers *servers, struct span name)
{
    for (const struct server_node *n = servers != NULL ? servers->first : NULL; n != NULL; n = n->next) {
        if (same_name(name, n->entry.server.name))
            return &n->entry;
        for (size_t i = 0; i < n->alias_count; i++) {
            if (same_name(name, n->alias[i]))
                return &n->entry;
        }
    }
    return servers != NULL && servers->any != NULL ? &servers->any->entry : &unknown;
}

const struct server_sign *servers_signs(const struct servers *servers)
{
    return servers != NULL && servers->any != NULL ? servers->any->entry.signs : NULL;
}

struct span servers_of_registry(const struct servers *servers, struct span registry)
{
    for (const struct server_node *n = servers != NULL ? servers->first : NULL; n != NULL; n = n->next) {
        if (span_equal(registry, n->entry.server.registry))
            return n->entry.server.name;
    }
    return (struct span){0};
}

const struct whois_server *whois_server(const struct book *book, struct span name)
{
    return &servers_find(book_part(book, BOOK_servers), name)->server;
}

/* ---- questions ---- */

/* Control characters would be a second question. */
static int write_query(struct span form, struct span what, struct buf *query)
{
    size_t hole = 0;
    for (size_t i = 0; i < what.len; i++) {
        if (what.at[i] < 0x20 || what.at[i] == 0x7f)
            return -ERR_MALFORMED;
    }
    if (what.len == 0)
        return -ERR_MALFORMED;
    while (hole + 1 < form.len && (form.at[hole] != '{' || form.at[hole + 1] != '}'))
        hole++;
    if (hole + 1 < form.len) {
        buf_span(query, span_part(form, 0, hole));
        buf_span(query, what);
        buf_span(query, span_part(form, hole + 2, form.len));
    } else {
        buf_span(query, what);
    }
    return query->error != 0 ? query->error : query->len > WHOIS_QUERY_MAX ? -ERR_LIMIT : 0;
}

int whois_query_address(const struct book *book, struct span server, struct addr addr, struct buf *query)
{
    char text[ADDR_TEXT_SIZE];
    return write_query(servers_find(book_part(book, BOOK_servers), server)->address, span_text(addr_print(addr, text)), query);
}

int whois_query_domain(const struct book *book, struct span server, struct span domain, struct buf *query)
{
    return write_query(servers_find(book_part(book, BOOK_servers), server)->domain, domain, query);
}

int whois_query_as(const struct book *book, struct span server, uint32_t as, struct buf *query)
{
    char text[16];
    struct span form = servers_find(book_part(book, BOOK_servers), server)->as;
    (void)snprintf(text, sizeof text, "%" PRIu32, as);
    return write_query(form.len > 0 ? form : span_text("AS{}"), span_text(text), query);
}

int whois_query_handle(const struct book *book, struct span server, struct span handle, struct buf *query)
{
    const struct server_entry *entry = servers_find(book_part(book, BOOK_servers), server);
    return write_query(whois_handle_is_network(handle) ? entry->block : entry->handle, handle, query);
}
