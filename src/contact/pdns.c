#include "contact/pdns.h"

#include <errno.h>
#include <stdlib.h>

/* ---- a row ---- */

static bool in_window(const struct contact_resolution *row, usec_t when)
{
    return row->first >= 0 && row->last >= when - PDNS_WINDOW && row->first <= when + PDNS_WINDOW && row->first <= row->last;
}

/* Of its resolutions, those in the window, as if they were spread evenly. */
static uint64_t count_in_window(const struct contact_resolution *row, usec_t when)
{
    usec_t from = row->first > when - PDNS_WINDOW ? row->first : when - PDNS_WINDOW;
    usec_t to = row->last < when + PDNS_WINDOW ? row->last : when + PDNS_WINDOW;
    if (!in_window(row, when))
        return 0;
    if (row->first == row->last || (from == row->first && to == row->last))
        return row->count;
    double share = (double)(to - from) / (double)(row->last - row->first);
    return (uint64_t)((double)row->count * share + 0.5);
}

static bool is_of_address(const struct contact_resolution *row, struct addr wanted)
{
    struct addr addr;
    if (row->type != DNS_A && row->type != DNS_AAAA)
        return false;
    return row->data.len == 0 || (addr_parse(row->data, &addr) == 0 && addr_equal(addr, wanted));
}

/* ---- names ---- */

static int name_by_text(const void *a, const void *b)
{
    return span_compare(((const struct pdns_name *)a)->fqdn, ((const struct pdns_name *)b)->fqdn);
}

static uint64_t sum(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static enum pdns_drop judge(const struct pdns_name *name, struct addr addr, bool seen)
{
    if (domain_registrable(name->fqdn).len == 0)
        return PDNS_NO_DOMAIN;
    if (pdns_holds_address(name->fqdn, addr))
        return PDNS_HOLDS_ADDRESS;
    if (!seen)
        return PDNS_WINDOW_MISSED;
    return name->count < PDNS_COUNT_LEAST ? PDNS_TOO_FEW : PDNS_KEPT;
}

/* The names of the address's rows, each once, with what they count; sorted by text. */
static void gather_names(struct addr addr, usec_t when, const struct contact_resolution *rows, size_t count, struct pdns *p)
{
    for (size_t i = 0; i < count; i++) {
        if (is_of_address(&rows[i], addr))
            p->names[p->name_count++] = (struct pdns_name){
                .fqdn = rows[i].name, .count = count_in_window(&rows[i], when), .drop = in_window(&rows[i], when) ? PDNS_KEPT : PDNS_WINDOW_MISSED};
    }
    qsort(p->names, p->name_count, sizeof p->names[0], name_by_text);
    size_t out = 0;
    for (size_t i = 0; i < p->name_count;) {
        struct pdns_name name = p->names[i];
        bool seen = name.drop == PDNS_KEPT;
        for (i++; i < p->name_count && span_equal(p->names[i].fqdn, name.fqdn); i++) {
            name.count = sum(name.count, p->names[i].count);
            seen = seen || p->names[i].drop == PDNS_KEPT;
        }
        name.drop = judge(&name, addr, seen);
        p->kept += name.drop == PDNS_KEPT;
        p->names[out++] = name;
    }
    p->name_count = out;
}

static const struct pdns_name *kept_name(const struct pdns *p, struct span fqdn)
{
    struct pdns_name wanted = {.fqdn = fqdn};
    const struct pdns_name *hit = p->name_count > 0 ? bsearch(&wanted, p->names, p->name_count, sizeof wanted, name_by_text) : NULL;
    return hit != NULL && hit->drop == PDNS_KEPT ? hit : NULL;
}

/* ---- domains ---- */

/* Of one domain: those that are not of a server first, then the name seen most. */
static int domain_by_text(const void *a, const void *b)
{
    const struct pdns_domain *x = a, *y = b;
    int order = span_compare(x->domain, y->domain);
    if (order == 0)
        order = (int)x->web_only - (int)y->web_only;
    if (order == 0)
        order = (x->count < y->count) - (x->count > y->count);
    return order != 0 ? order : span_compare(x->fqdn, y->fqdn);
}

static int domain_by_weight(const void *a, const void *b)
{
    const struct pdns_domain *x = a, *y = b;
    int order = (int)x->web_only - (int)y->web_only;
    if (order == 0)
        order = (x->count < y->count) - (x->count > y->count);
    return order != 0 ? order : span_compare(x->domain, y->domain);
}

static void gather_domains(usec_t when, const struct contact_resolution *rows, size_t count, struct pdns *p)
{
    for (size_t i = 0; i < p->name_count; i++) {
        const struct pdns_name *name = &p->names[i];
        if (name->drop == PDNS_KEPT)
            p->domains[p->domain_count++] = (struct pdns_domain){.domain = domain_registrable(name->fqdn), .fqdn = name->fqdn, .count = name->count};
    }
    for (size_t i = 0; i < count; i++) {
        const struct pdns_name *server = rows[i].type == DNS_MX || rows[i].type == DNS_NS ? kept_name(p, rows[i].data) : NULL;
        struct span domain = server != NULL && in_window(&rows[i], when) ? domain_registrable(rows[i].name) : (struct span){0};
        if (domain.len > 0)
            p->domains[p->domain_count++] =
                (struct pdns_domain){.domain = domain, .fqdn = server->fqdn, .count = count_in_window(&rows[i], when), .web_only = true};
    }
    qsort(p->domains, p->domain_count, sizeof p->domains[0], domain_by_text);
    size_t out = 0;
    for (size_t i = 0; i < p->domain_count;) {
        struct pdns_domain domain = p->domains[i];
        for (i++; i < p->domain_count && span_equal(p->domains[i].domain, domain.domain); i++)
            domain.count = sum(domain.count, p->domains[i].web_only && !domain.web_only ? 0 : p->domains[i].count);
        p->domains[out++] = domain;
    }
    p->domain_count = out;
    qsort(p->domains, p->domain_count, sizeof p->domains[0], domain_by_weight);
}

int pdns_domains(struct arena *arena, struct addr addr, usec_t when, const struct contact_resolution *rows, size_t count, struct pdns *ret)
{
    struct pdns p = {.names = arena_alloc(arena, (count + 1) * sizeof *p.names), .domains = arena_alloc(arena, (2 * count + 1) * sizeof *p.domains)};
    if (p.names == NULL || p.domains == NULL)
        return -ENOMEM;
    when = when < 0 ? 0 : when > INT64_MAX / 2 ? INT64_MAX / 2 : when;
    gather_names(addr, when, rows, count, &p);
    gather_domains(when, rows, count, &p);
    if (p.domain_count > PDNS_DOMAINS_MAX) {
        p.domains_left_out = p.domain_count - PDNS_DOMAINS_MAX;
        p.domain_count = PDNS_DOMAINS_MAX;
    }
    *ret = p;
    return 0;
}
