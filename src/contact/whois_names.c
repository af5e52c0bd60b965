/* Parts `tlds` and `mailboxes`, and who is asked first. */
#include "contact/whois_tables.h"

#include "base/err.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

enum { NAMES_MAX = 20000, NAME_BYTES_MAX = 253 };

struct tlds {
    struct tld_entry *list; /* by name */
    size_t count;
};
struct mailboxes {
    struct mailbox_entry *list; /* by mail */
    size_t count;
};

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static struct span keep_lower(struct arena *arena, struct span text)
{
    uint8_t *copy = arena_alloc(arena, text.len + 1);
    for (size_t i = 0; copy != NULL && i < text.len; i++)
        copy[i] = lower(text.at[i]);
    return span_of(copy, copy != NULL ? text.len : 0);
}

static size_t count_lines(struct part_lines reader)
{
    size_t lines = 0;
    while (part_lines_next(&reader))
        lines++;
    return lines < NAMES_MAX ? lines : NAMES_MAX;
}

/* ---- tlds ---- */

static int compare_tld(const void *a, const void *b)
{
    const struct tld_entry *x = a, *y = b;
    return span_compare(x->name, y->name);
}

int book_open_tlds(struct arena *arena, struct span text, const char *path, void **ret, struct conf_error *error);
int book_open_tlds(struct arena *arena, struct span text, const char *path, void **ret, struct conf_error *error)
{
    struct part_lines reader = part_lines_of(text, path, error);
    struct tlds *tlds = arena_alloc(arena, sizeof *tlds);
    size_t room = count_lines(reader);
    struct tld_entry *list = arena_alloc(arena, (room + 1) * sizeof *list);
    if (tlds == NULL || list == NULL)
        return -ENOMEM;
    while (part_lines_next(&reader)) {
        struct span line = reader.text, name = part_word(&line), whois = part_word(&line), rdap = part_word(&line);
        if (whois.len == 0 || whois.len > WHOIS_SERVER_MAX || line.len > 0 || tlds->count == room || (rdap.len > 0 && !span_starts(rdap, "http")))
            return part_lines_expected(&reader,
                                       "a top-level domain, its WHOIS server or -, and perhaps its RDAP address; for example jp whois.jprs.jp");
        struct tld_entry *e = &list[tlds->count++];
        e->name = keep_lower(arena, name);
        e->whois = part_keep(arena, span_is(whois, "-") ? span_part(whois, 0, 0) : whois);
        e->rdap = part_keep(arena, rdap);
        if (e->name.at == NULL || e->whois.at == NULL || e->rdap.at == NULL)
            return -ENOMEM;
    }
    qsort(list, tlds->count, sizeof *list, compare_tld);
    tlds->list = list;
    *ret = tlds;
    return 0;
}

const struct tld_entry *tlds_find(const struct tlds *tlds, struct span domain)
{
    uint8_t name[NAME_BYTES_MAX + 1];
    if (tlds == NULL || domain.len == 0 || domain.len > NAME_BYTES_MAX)
        return NULL;
    for (size_t i = 0; i < domain.len; i++)
        name[i] = lower(domain.at[i]);
    for (struct span left = span_of(name, domain.len); left.len > 0;) {
        const struct tld_entry wanted = {.name = left};
        const struct tld_entry *hit = bsearch(&wanted, tlds->list, tlds->count, sizeof wanted, compare_tld);
        if (hit != NULL)
            return hit;
        left = span_part(left, span_find(left, '.') + 1, left.len);
    }
    return NULL;
}

/* ---- mailboxes ---- */

static int compare_mailbox(const void *a, const void *b)
{
    const struct mailbox_entry *x = a, *y = b;
    return span_compare(x->mail, y->mail);
}

/* "address kind owner; name; name" */
static int read_mailbox(struct part_lines *reader, struct arena *arena, struct mailbox_entry *e)
{
    struct span line = reader->text, mail = part_word(&line), kind = part_word(&line);
    e->national = span_is(kind, "csirt");
    if (span_find(mail, '@') == mail.len || (!e->national && !span_is(kind, "registry")) || line.len == 0)
        return part_lines_expected(reader, "an address or @domain, registry or csirt, its owner; for example abuse@ripe.net registry RIPE NCC");
    e->mail = keep_lower(arena, mail);
    if (e->mail.at == NULL)
        return -ENOMEM;
    while (line.len > 0) {
        struct span name = span_part(line, 0, span_find(line, ';'));
        line = span_part(line, name.len + 1, line.len);
        while (name.len > 0 && name.at[0] == ' ')
            name = span_part(name, 1, name.len);
        struct mailbox_alias *alias = arena_alloc(arena, sizeof *alias);
        if (alias == NULL)
            return -ENOMEM;
        *alias = (struct mailbox_alias){.next = e->aliases, .name = keep_lower(arena, name)};
        if (alias->name.at == NULL)
            return -ENOMEM;
        e->aliases = alias;
        if (e->owner.at == NULL)
            e->owner = part_keep(arena, name);
    }
    return 0;
}

int book_open_mailboxes(struct arena *arena, struct span text, const char *path, void **ret, struct conf_error *error);
int book_open_mailboxes(struct arena *arena, struct span text, const char *path, void **ret, struct conf_error *error)
{
    struct part_lines reader = part_lines_of(text, path, error);
    struct mailboxes *boxes = arena_alloc(arena, sizeof *boxes);
    size_t room = count_lines(reader);
    struct mailbox_entry *list = arena_alloc(arena, (room + 1) * sizeof *list);
    if (boxes == NULL || list == NULL)
        return -ENOMEM;
    while (part_lines_next(&reader)) {
        int r = boxes->count < room ? read_mailbox(&reader, arena, &list[boxes->count++]) : -ERR_LIMIT;
        if (r != 0)
            return r;
    }
    qsort(list, boxes->count, sizeof *list, compare_mailbox);
    boxes->list = list;
    *ret = boxes;
    return 0;
}

const struct mailbox_entry *mailboxes_find(const struct mailboxes *boxes, struct span mail)
{
    uint8_t text[FINDING_VALUE_MAX];
    if (boxes == NULL || mail.len == 0 || mail.len > sizeof text)
        return NULL;
    for (size_t i = 0; i < mail.len; i++)
        text[i] = lower(mail.at[i]);
    struct mailbox_entry wanted = {.mail = span_of(text, mail.len)};
    const struct mailbox_entry *hit = bsearch(&wanted, boxes->list, boxes->count, sizeof wanted, compare_mailbox);
    for (size_t at = span_find(wanted.mail, '@'); hit == NULL && at < mail.len;) {
        wanted.mail = span_part(span_of(text, mail.len), at, mail.len);
        hit = bsearch(&wanted, boxes->list, boxes->count, sizeof wanted, compare_mailbox);
        /* a subdomain of the registry's is the registry's: "@mail.apnic.net" */
        size_t dot = at + 1 + span_find(span_part(span_of(text, mail.len), at + 1, mail.len), '.');
        if (dot >= mail.len)
            break;
        text[dot] = '@';
        at = dot;
    }
    return hit;
}

/* Whole words only: "APNIC" is not in "CAPNICS". */
static bool holds_name(struct span text, struct span name)
{
    for (size_t i = 0; name.len > 0 && i + name.len <= text.len; i++) {
        if (strncasecmp((const char *)&text.at[i], (const char *)name.at, name.len) != 0)
            continue;
        bool before = i == 0 || lower(text.at[i - 1]) < 'a' || lower(text.at[i - 1]) > 'z';
        bool after = i + name.len == text.len || lower(text.at[i + name.len]) < 'a' || lower(text.at[i + name.len]) > 'z';
        if (before && after)
            return true;
    }
    return false;
}

bool mailbox_owner_is(const struct mailboxes *boxes, const struct mailbox_entry *entry, struct span holder)
{
    (void)boxes;
    for (const struct mailbox_alias *a = entry->aliases; a != NULL; a = a->next) {
        if (holds_name(holder, a->name))
            return true;
    }
    return false;
}

/* ---- who is asked first ---- */

/* RFC 3056 §2: the 32 bits after 2002::/16. RFC 4380 §4: 2001::/32, the client's address is in the last 32 bits, all of them turned round. */
static struct addr look_through(struct addr a)
{
    uint32_t v4 = 0;
    if (a.bytes[0] == 0x20 && a.bytes[1] == 0x02) {
        for (size_t i = 2; i < 6; i++)
            v4 = v4 << 8 | a.bytes[i];
        return addr_v4(v4);
    }
    if (a.bytes[0] == 0x20 && a.bytes[1] == 0x01 && a.bytes[2] == 0 && a.bytes[3] == 0) {
        for (size_t i = 12; i < 16; i++)
            v4 = v4 << 8 | (uint8_t)~a.bytes[i];
        return addr_v4(v4);
    }
    return a;
}

int whois_first(const struct book *book, struct addr addr, struct span *ret_server, struct addr *ret_asked)
{
    struct addr asked = look_through(addr);
    const struct block_entry *entry = blocks_find(book_part(book, BOOK_blocks), asked);
    if (entry == NULL)
        return -ERR_NOT_FOUND;
    if (entry->server.len == 0)
        return -ERR_DENIED;
    *ret_server = entry->server;
    *ret_asked = asked;
    return 0;
}

int whois_first_domain(const struct book *book, struct span domain, struct span *ret_server)
{
    const struct tld_entry *entry = tlds_find(book_part(book, BOOK_tlds), domain);
    if (entry != NULL && entry->whois.len == 0)
        return -ERR_NOT_FOUND;
    *ret_server = entry != NULL ? entry->whois : span_text("whois.iana.org");
    return 0;
}

/* IANA's special-purpose AS numbers: RFC 7607, RFC 4893, documentation (RFC 5398), private use (RFC 6996), the last ones (RFC 7300). */
static const struct {
    uint32_t first, last;
} special_as[] = {{0, 0}, {23456, 23456}, {64496, 65551}, {4200000000, UINT32_MAX}};

int whois_first_as(const struct book *book, uint32_t as, struct span *ret_server)
{
    struct span server = blocks_find_as(book_part(book, BOOK_blocks), as);
    for (size_t i = 0; i < sizeof special_as / sizeof special_as[0]; i++) {
        if (as >= special_as[i].first && as <= special_as[i].last)
            return -ERR_DENIED;
    }
    if (server.len == 0)
        return -ERR_NOT_FOUND;
    *ret_server = server;
    return 0;
}
