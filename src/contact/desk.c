/*
 * Abuse desks and national CSIRTs that are known beforehand (part `desks` of the book): by the target's autonomous system and country, as the task
 * says them, by prefix, by domain. Nothing is asked.
 */
#include "base/err.h"
#include "contact/note.h"
#include "contact/order.h"
#include "contact/whois_tables.h"

#include <errno.h>

enum { DESKS_MAX = 20000, DESK_CONTACTS_MAX = 4, SCOPES_MAX = 32 };

struct desk {
    enum { SCOPE_AS, SCOPE_PREFIX, SCOPE_COUNTRY, SCOPE_DOMAIN } kind;
    uint32_t as;
    struct prefix prefix;
    struct span text; /* country or domain; otherwise as written */
    enum contact_role role;
    struct span contacts[DESK_CONTACTS_MAX];
    size_t contact_count;
    struct span name, line;
};

/* What book_part(…, BOOK_desks) is. */
struct desks {
    struct desk *list;
    size_t count;
};

/* ---- the part ---- */

static const char form_of_line[] = "scopes, a role, contacts, a name, for example JP national info@jpcert.or.jp JPCERT/CC";

static bool is_capital(uint8_t c)
{
    return c >= 'A' && c <= 'Z';
}

static bool read_as(struct span digits, uint32_t *ret)
{
    uint64_t value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9' || value > UINT32_MAX)
            return false;
        value = value * 10 + (uint64_t)(digits.at[i] - '0');
    }
    *ret = (uint32_t)value;
    return digits.len > 0 && value > 0 && value <= UINT32_MAX;
}

static int read_scope(struct arena *arena, struct span text, struct desk *d)
{
    d->text = part_keep(arena, text);
    if (d->text.at == NULL)
        return -ENOMEM;
    if (text.len == 2 && is_capital(text.at[0]) && is_capital(text.at[1])) {
        d->kind = SCOPE_COUNTRY;
        return 0;
    }
    if (span_starts(text, "AS") && read_as(span_part(text, 2, text.len), &d->as)) {
        d->kind = SCOPE_AS;
        return 0;
    }
    if (prefix_parse(text, &d->prefix) == 0) {
        d->kind = SCOPE_PREFIX;
        return 0;
    }
    d->kind = SCOPE_DOMAIN;
    return domain_normalise(arena, text, &d->text);
}

static int read_contacts(struct arena *arena, struct span text, struct desk *d)
{
    while (text.len > 0) {
        struct span one = span_part(text, 0, span_find(text, ','));
        text = span_part(text, one.len + 1, text.len);
        struct span *kept = &d->contacts[d->contact_count];
        if (d->contact_count++ == DESK_CONTACTS_MAX)
            return -ERR_LIMIT;
        if (span_starts(one, "https://") || span_starts(one, "http://")) {
            *kept = part_keep(arena, one);
            if (kept->at == NULL)
                return -ENOMEM;
            continue;
        }
        int r = mail_normalise(arena, one, kept);
        if (r != 0)
            return r;
    }
    return d->contact_count > 0 ? 0 : -ERR_MALFORMED;
}

/* Everything of a line but its scopes. */
static int read_desk(struct arena *arena, struct span line, struct span *ret_scopes, struct desk *d)
{
    struct span rest = line, scopes = part_word(&rest), role = part_word(&rest), contacts = part_word(&rest);
    int known = contact_role_by_text(role);
    if (scopes.len == 0 || known < 0 || contacts.len == 0 || rest.len == 0)
        return -ERR_MALFORMED;
    d->role = (enum contact_role)known;
    d->name = part_keep(arena, rest);
    d->line = part_keep(arena, line);
    if (d->name.at == NULL || d->line.at == NULL)
        return -ENOMEM;
    *ret_scopes = scopes;
    return read_contacts(arena, contacts, d);
}

static int add_line(struct arena *arena, struct span line, struct desks *desks)
{
    struct desk d = {0};
    struct span scopes;
    int r = read_desk(arena, line, &scopes, &d);
    for (unsigned n = 0; r == 0 && scopes.len > 0; n++) {
        struct span one = span_part(scopes, 0, span_find(scopes, ','));
        scopes = span_part(scopes, one.len + 1, scopes.len);
        if (n == SCOPES_MAX || desks->count == DESKS_MAX)
            return -ERR_LIMIT;
        r = read_scope(arena, one, &d);
        desks->list[desks->count++] = d;
    }
    return r;
}

static size_t count_scopes(struct part_lines reader)
{
    size_t count = 1;
    while (part_lines_next(&reader)) {
        struct span line = reader.text, scopes = part_word(&line);
        count++;
        for (size_t i = 0; i < scopes.len; i++)
            count += scopes.at[i] == ',';
    }
    return count < DESKS_MAX ? count : DESKS_MAX;
}

int book_open_desks(struct arena *arena, struct span text, const char *path, void **ret, struct conf_error *error);
int book_open_desks(struct arena *arena, struct span text, const char *path, void **ret, struct conf_error *error)
{
    struct part_lines reader = part_lines_of(text, path, error);
    struct desks *desks = arena_alloc(arena, sizeof *desks);
    if (desks == NULL)
        return -ENOMEM;
    desks->list = arena_alloc(arena, (count_scopes(reader) + 1) * sizeof *desks->list);
    if (desks->list == NULL)
        return -ENOMEM;
    while (part_lines_next(&reader)) {
        int r = add_line(arena, reader.text, desks);
        if (r == -ENOMEM)
            return r;
        if (r != 0)
            return part_lines_expected(&reader, form_of_line);
    }
    *ret = desks;
    return 0;
}

/* ---- the channel ---- */

extern const struct channel channel_desk;

static bool ends_with(struct span text, struct span end)
{
    return text.len >= end.len && span_equal(span_part(text, text.len - end.len, end.len), end);
}

static bool is_below(struct span domain, struct span above)
{
    return span_equal(domain, above) || (ends_with(domain, above) && domain.at[domain.len - above.len - 1] == '.');
}

/* A domain's country is its top level's, when there is no address whose country is known. ISO 3166 says GB where the DNS says uk. */
static struct span country_of(struct quest *q, char text[static 3])
{
    const struct target *target = quest_target(q);
    struct span known = quest_order(q)->country, domain = target->domain;
    if (known.len == 2 || domain.len < 4)
        return known;
    size_t dot = domain.len - 3;
    if (domain.at[dot] != '.')
        return known;
    struct span top = span_part(domain, dot + 1, 2);
    if (span_is(top, "uk"))
        top = span_text("gb");
    text[0] = (char)(top.at[0] & ~0x20);
    text[1] = (char)(top.at[1] & ~0x20);
    text[2] = 0;
    return span_text(text);
}

/* How closely the desk's scope is about the target: 0: not at all. */
static unsigned closeness(const struct desk *d, struct quest *q, struct span country)
{
    const struct target *target = quest_target(q);
    const struct contact_order *order = quest_order(q);
    if (target->domain.len > 0 && d->kind == SCOPE_DOMAIN)
        return is_below(target->domain, d->text) ? 4 : 0;
    if (d->kind == SCOPE_COUNTRY)
        return span_equal(d->text, country) ? 1 : 0;
    if (target->domain.len > 0)
        return 0;
    if (d->kind == SCOPE_PREFIX)
        return prefix_holds(d->prefix, target->addr) ? 3 : 0;
    return d->kind == SCOPE_AS && d->as == order->as ? 2 : 0;
}

static void take(struct quest *q, const struct desk *d, unsigned close)
{
    for (size_t i = 0; i < d->contact_count; i++) {
        bool form = span_starts(d->contacts[i], "http");
        struct finding f = {.channel = &channel_desk,
                            .kind = form ? CONTACT_FORM : CONTACT_MAIL,
                            .role = d->role,
                            .rank = 4 - close,
                            .value = d->contacts[i],
                            .attribute = d->text,
                            .evidence = d->line,
                            .origin = span_text("desks"),
                            .holder = d->role != CONTACT_ROLE_NATIONAL ? d->name : (struct span){0},
                            .domain = quest_target(q)->domain};
        /* As the list has it: whoever keeps it knows whom he entered, so a registry's or CSIRT's mailbox is no objection. */
        (void)findings_add(quest_findings(q), &f);
    }
}

static void ask(struct quest *q)
{
    static const struct addr none;
    const struct desks *desks = quest_book(q) != NULL ? book_part(quest_book(q), BOOK_desks) : NULL;
    const struct target *target = quest_target(q);
    char text[3];
    bool again = target->domain.len > 0 && !addr_equal(target->addr, none); /* the country was taken with the address */
    struct span country = !again ? country_of(q, text) : (struct span){0};
    for (size_t i = 0; desks != NULL && i < desks->count; i++) {
        unsigned close = closeness(&desks->list[i], q, country);
        if (close > 0)
            take(q, &desks->list[i], close);
    }
}

const struct channel channel_desk = {
    .name = "desk",
    .trust = 380,
    .help = "known abuse desks and national CSIRTs by autonomous system, prefix, country and domain",
    .wants = CHANNEL_ADDRESS | CHANNEL_DOMAIN,
    .ask = ask,
};
