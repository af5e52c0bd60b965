/* Candidates weighed against each other: which are contacts, in which order, and why the others are none. */
#include "contact/whois_reading.h"

#include "base/err.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

/* A registry's own block is small; what holds more than this much of the space is its whole share. */
enum { OWN_BLOCK_MIN_BITS = 96 + 16, OWN_BLOCK_MIN_BITS_V6 = 32 };

void whois_note_add(struct reading *r, const struct candidate *c)
{
    struct span value = c->value;
    if (r->count == READING_CANDIDATES_MAX || r->error != 0)
        return;
    if (c->kind == CONTACT_MAIL) {
        int e = mail_normalise(r->arena, value, &value);
        if (e == -ENOMEM)
            r->error = e;
        if (e != 0)
            return;
    } else if (value.len == 0 || value.len > FINDING_VALUE_MAX) {
        return;
    }
    if (r->list == NULL) {
        r->list = arena_alloc(r->arena, READING_CANDIDATES_MAX * sizeof *r->list);
        if (r->list == NULL) {
            r->error = -ENOMEM;
            return;
        }
    }
    r->list[r->count] = *c;
    r->list[r->count++].value = value;
}

void whois_note_mails(struct reading *r, struct span text, const struct candidate *like)
{
    struct span left = span_part(text, 0, READING_LINE_MAX), mail, before;
    struct candidate c = *like;
    c.kind = CONTACT_MAIL;
    if (span_find(left, '@') == left.len)
        left = whois_unspell(r->arena, left);
    while (whois_mail(&left, &mail, &before)) {
        c.value = mail;
        whois_note_add(r, &c);
    }
}

void whois_note_handle(struct reading *r, struct span handle, enum contact_role role)
{
    struct whois_reply *ret = r->ret;
    handle = whois_trim(handle);
    if (handle.len == 0 || handle.len > 80 || span_find(handle, ' ') < handle.len || ret->handle_count == WHOIS_HANDLES_MAX)
        return;
    for (size_t i = 0; i < ret->handle_count; i++) {
        if (whois_same_span(ret->handles[i], handle))
            return;
    }
    ret->handles[ret->handle_count] = handle;
    ret->handle_roles[ret->handle_count++] = role;
}

bool whois_note_range(struct reading *r, const struct range *range)
{
    if (r->has_addr && !whois_range_holds(range, r->addr))
        return false;
    if (r->has_range && !whois_range_inside(range, &r->range))
        return false;
    r->range = *range;
    r->has_range = true;
    return true;
}

void whois_note_next(struct reading *r, struct span server, uint16_t port, struct span reason)
{
    server = whois_trim(server);
    while (server.len > 0 && (server.at[server.len - 1] == '.' || server.at[server.len - 1] == '/'))
        server.len--;
    if (server.len == 0 || server.len > WHOIS_SERVER_MAX || span_find(server, '.') == server.len)
        return;
    for (size_t i = 0; i < server.len; i++) {
        uint8_t c = server.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-'))
            return;
    }
    uint8_t *copy = arena_alloc(r->arena, server.len + 1);
    if (copy == NULL) {
        r->error = -ENOMEM;
        return;
    }
    for (size_t i = 0; i < server.len; i++)
        copy[i] = (uint8_t)(server.at[i] >= 'A' && server.at[i] <= 'Z' ? server.at[i] + ('a' - 'A') : server.at[i]);
    r->ret->next = span_of(copy, server.len);
    r->ret->next_port = port != 0 ? port : whois_server(r->book, r->ret->next)->port;
    r->ret->next_reason = reason;
}

void whois_note_next_registry(struct reading *r, const char *registry, struct span reason)
{
    struct span name = servers_of_registry(book_part(r->book, BOOK_servers), span_text(registry));
    if (name.len > 0)
        whois_note_next(r, name, 0, reason);
}

/* Everything that has no place in an entry: whole comment lines; all lines of a reply without entry, which is the server's help. */
void whois_note_banner(struct reading *r)
{
    for (struct span left = r->text, line; whois_line(&left, &line);) {
        struct span text = whois_trim(line);
        bool comment = text.len > 0 && (text.at[0] == '%' || text.at[0] == '#' || text.at[0] == '*');
        if ((comment || (!r->found && r->count == 0)) && span_find(text, '@') < text.len)
            whois_note_mails(
                r, text,
                &(struct candidate){.objection = OBJECTION_BANNER, .weight = WEIGHT_OTHER, .attribute = span_text("banner"), .evidence = text});
    }
}

/* ---- objections to an address itself ---- */

static bool holder_is(const struct reading *r, const struct mailbox_entry *entry)
{
    const struct prefix *block = &r->ret->block;
    unsigned least = addr_is_v4(block->addr) ? OWN_BLOCK_MIN_BITS : OWN_BLOCK_MIN_BITS_V6;
    if (r->elsewhere || r->ret->next.len > 0 || (r->has_range && r->as == 0 && block->bits < least))
        return false;
    return mailbox_owner_is(r->mailboxes, entry, r->ret->holder);
}

static bool is_placeholder(struct span mail)
{
    struct span local = span_part(mail, 0, span_find(mail, '@')), domain = span_part(mail, local.len + 1, mail.len);
    static const char *const locals[] = {"noreply", "no-reply", "no.reply", "do-not-reply", "donotreply",
                                         "nobody",  "null",     "none",     "unread",       "devnull"};
    static const char *const domains[] = {"example.com", "example.net", "example.org", "localhost.localdomain", "domain.com", "domain.tld"};
    for (size_t i = 0; i < sizeof locals / sizeof locals[0]; i++) {
        if (whois_same(local, locals[i]))
            return true;
    }
    for (size_t i = 0; i < sizeof domains / sizeof domains[0]; i++) {
        if (whois_same(domain, domains[i]))
            return true;
    }
    return whois_has(domain, ".invalid") || whois_has(local, "nospam");
}

/* A mailbox for the administration of addresses is none for reports, where there is one for them. */
static bool administers_addresses(struct span mail)
{
    static const char *const words[] = {"ipaddress", "ip-address", "ip.address", "ip_address", "addressing", "swip", "ipreg", "ip-reg"};
    struct span local = span_part(mail, 0, span_find(mail, '@'));
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (whois_has(local, words[i]))
            return true;
    }
    return false;
}

static void object(struct candidate *c, enum objection objection)
{
    c->objection = objection;
    c->hard = true;
}

static void judge(const struct reading *r, struct candidate *c, bool has_abuse)
{
    const struct mailbox_entry *entry = c->kind == CONTACT_MAIL ? mailboxes_find(r->mailboxes, c->value) : NULL;
    if (r->reserved)
        object(c, OBJECTION_RESERVED);
    else if (entry != NULL && entry->national)
        object(c, OBJECTION_NATIONAL);
    else if (r->elsewhere || (entry != NULL && !holder_is(r, entry)))
        object(c, OBJECTION_REGISTRY);
    else if (c->kind == CONTACT_MAIL && is_placeholder(c->value))
        object(c, OBJECTION_PLACEHOLDER);
    else if (c->objection != OBJECTION_NONE || c->kind != CONTACT_MAIL)
        return;
    else if (r->others_refused && c->weight % WEIGHT_ABOVE >= WEIGHT_NOC)
        c->objection = OBJECTION_REFUSED; /* not hard: the same mailbox may be named for reports beside it */
    else if (has_abuse && c->weight % WEIGHT_ABOVE >= WEIGHT_NOC && administers_addresses(c->value))
        object(c, OBJECTION_NOT_FOR_US);
}

/* ---- one statement for each address ---- */

static bool same_value(const struct candidate *a, const struct candidate *b)
{
    return a->kind == b->kind && whois_same_span(a->value, b->value);
}

static int compare_value(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    size_t shorter = x->value.len < y->value.len ? x->value.len : y->value.len;
    int order = strncasecmp((const char *)x->value.at, (const char *)y->value.at, shorter);
    if (order != 0 || x->value.len != y->value.len)
        return order != 0 ? order : x->value.len < y->value.len ? -1 : 1;
    return x->weight != y->weight ? (x->weight < y->weight ? -1 : 1) : (x->evidence.at > y->evidence.at) - (x->evidence.at < y->evidence.at);
}

static int compare_weight(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    bool bad_x = x->objection != OBJECTION_NONE, bad_y = y->objection != OBJECTION_NONE;
    if (bad_x != bad_y)
        return bad_x ? 1 : -1;
    if (x->weight != y->weight)
        return x->weight < y->weight ? -1 : 1;
    return (x->evidence.at > y->evidence.at) - (x->evidence.at < y->evidence.at);
}

/* Of all places of one address (list is sorted: the best first) the one that is kept. */
static struct candidate settle(const struct candidate *list, size_t count)
{
    const struct candidate *contact = NULL, *hard = NULL;
    for (size_t i = 0; i < count; i++) {
        if (list[i].objection == OBJECTION_NONE && contact == NULL)
            contact = &list[i];
        if (list[i].hard && hard == NULL)
            hard = &list[i];
    }
    /* An explicit place for reports outweighs a remark that knows another purpose, nothing else. */
    if (hard != NULL && hard->objection == OBJECTION_NOT_FOR_US && contact != NULL && contact->weight < WEIGHT_ABUSE_REMARK)
        hard = NULL;
    return hard != NULL ? *hard : contact != NULL ? *contact : list[0];
}

static void emit(struct reading *r, const struct candidate *c, unsigned rank)
{
    struct finding f = {.kind = c->kind,
                        .role = c->role,
                        .objection = c->objection,
                        .rank = rank,
                        .value = c->value,
                        .attribute = c->attribute,
                        .evidence = c->evidence,
                        .origin = r->server->server.name,
                        .holder = r->ret->holder,
                        .domain = r->domain,
                        .block = r->ret->block};
    if (findings_add(r->findings, &f) == NULL && r->findings->error == -ENOMEM)
        r->error = -ENOMEM;
}

int whois_note_finish(struct reading *r)
{
    bool has_abuse = false;
    size_t kept = 0;
    unsigned rank = 0;
    for (size_t i = 0; i < r->count; i++)
        has_abuse = has_abuse || (r->list[i].kind == CONTACT_MAIL && r->list[i].objection == OBJECTION_NONE && r->list[i].weight < WEIGHT_NOC &&
                                  mailboxes_find(r->mailboxes, r->list[i].value) == NULL);
    for (size_t i = 0; i < r->count; i++)
        judge(r, &r->list[i], has_abuse);
    if (r->count > 0)
        qsort(r->list, r->count, sizeof *r->list, compare_value);
    for (size_t from = 0, until; from < r->count; from = until) {
        for (until = from + 1; until < r->count && same_value(&r->list[from], &r->list[until]);)
            until++;
        r->list[kept++] = settle(&r->list[from], until - from);
    }
    if (kept > 0)
        qsort(r->list, kept, sizeof *r->list, compare_weight);
    for (size_t i = 0; i < kept; i++) {
        const struct candidate *c = &r->list[i];
        if (i > 0 && c->objection == OBJECTION_NONE && c->weight != r->list[i - 1].weight)
            rank++;
        emit(r, c, rank);
    }
    r->count = kept;
    return r->error;
}
