/*
 * RIPE, APNIC, AFRINIC and the registries that answer in RPSL (RFC 2622): objects of "key: value" lines. The network object of the asked address
 * is the narrowest; its references (abuse-c, mnt-irt, tech-c, admin-c, org) say in which part of the reply its contacts are.
 */
#include "contact/whois_reading.h"

#include <strings.h>

enum { REFERENCES_MAX = 64, REMARKS_MAX = 300 };

struct reference {
    struct span handle;
    enum contact_role role;
    unsigned weight;
    unsigned step; /* WEIGHT_ABOVE for each block above the narrowest */
};

struct rpsl {
    struct reading *r;
    const struct attribute *list;
    size_t count;
    struct reference references[REFERENCES_MAX];
    size_t reference_count;
    struct span network_source; /* of the narrowest network object; the last such one */
    struct span other_source;   /* of another object for the same network */
    bool abuse_c;
};

/* The national registries below APNIC: by `source:`, by maintainer, by incident team. `asks`: it has a server of its own with better data;
 * `asks_as`: of AS numbers, too. */
static const struct {
    const char *name, *maintainer, *team;
    bool asks, asks_as;
} nirs[] = {
    {"JPNIC", "MAINT-JPNIC", "IRT-JPNIC-JP", true, true},      {"KRNIC", "MNT-KRNIC-AP", "IRT-KRNIC-KR", true, true},
    {"TWNIC", "MAINT-TW-TWNIC", "IRT-TWNIC-AP", true, false},  {"IRINN", "MAINT-IN-IRINN", "IRT-IRINN-IN", true, false},
    {"IDNIC", "MNT-APJII-ID", "IRT-IDNIC-ID", false, false},   {"VNNIC", "MAINT-VN-VNNIC", "IRT-VNNIC-AP", false, false},
    {"CNNIC", "MAINT-CNNIC-AP", "IRT-CNNIC-CN", false, false},
};

enum { NIR_COUNT = sizeof nirs / sizeof nirs[0] };

static size_t object_end(const struct rpsl *p, size_t from)
{
    size_t until = from;
    while (until < p->count && p->list[until].object == p->list[from].object)
        until++;
    return until;
}

static struct span value_of(const struct rpsl *p, size_t from, size_t until, const char *key)
{
    for (size_t i = from; i < until; i++) {
        if (whois_same(p->list[i].key, key))
            return p->list[i].value;
    }
    return (struct span){0};
}

/* A value without what stands behind "#": "RIPE # Filtered". */
static struct span bare(struct span value)
{
    return whois_trim(span_part(value, 0, span_find(value, '#')));
}

/* What was asked for, or what is around it. */
static bool is_network(const struct rpsl *p, struct span key)
{
    if (p->r->as != 0)
        return whois_same(key, "aut-num") || whois_same(key, "as-block");
    return whois_same(key, "inetnum") || whois_same(key, "inet6num");
}

static bool is_contact(struct span key)
{
    return whois_same(key, "role") || whois_same(key, "person") || whois_same(key, "irt") || whois_same(key, "organisation");
}

/* ---- the narrowest network ---- */

static void refer(struct rpsl *p, struct span handle, enum contact_role role, unsigned weight, unsigned step)
{
    handle = bare(handle);
    if (handle.len > 0 && p->reference_count < REFERENCES_MAX)
        p->references[p->reference_count++] = (struct reference){.handle = handle, .role = role, .weight = weight, .step = step};
}

static void refer_all(struct rpsl *p, size_t from, size_t until, unsigned step)
{
    for (size_t i = from; i < until; i++) {
        struct span key = p->list[i].key, value = p->list[i].value;
        if (whois_same(key, "abuse-c"))
            refer(p, value, CONTACT_ROLE_ABUSE, WEIGHT_ABUSE, step);
        else if (whois_same(key, "mnt-irt"))
            refer(p, value, CONTACT_ROLE_SECURITY, WEIGHT_ABUSE_TEAM, step);
        else if (whois_same(key, "tech-c"))
            refer(p, value, CONTACT_ROLE_TECHNICAL, WEIGHT_TECHNICAL, step);
        else if (whois_same(key, "admin-c"))
            refer(p, value, CONTACT_ROLE_ADMINISTRATIVE, WEIGHT_ADMINISTRATIVE, step);
        else if (whois_same(key, "org"))
            refer(p, value, CONTACT_ROLE_OWNER, WEIGHT_OWNER, step);
    }
}

/* Whose object the network's is: its range, names and source. */
static void take_network(struct rpsl *p, size_t from, size_t until)
{
    struct reading *r = p->r;
    struct range range;
    if (whois_reading_range(p->r, p->list[from].value, &range) != 0)
        return;
    struct range before = r->range;
    bool had = r->has_range;
    if (!whois_note_range(r, &range))
        return;
    struct span source = bare(value_of(p, from, until, "source"));
    if (had && memcmp(&before, &range, sizeof range) == 0)
        p->other_source = p->network_source;
    else
        p->other_source = (struct span){0};
    p->network_source = source;
    r->found = true;
    r->ret->netname = value_of(p, from, until, r->as != 0 ? "as-name" : "netname");
    r->ret->country = value_of(p, from, until, "country");
    r->ret->holder = value_of(p, from, until, "descr");
    if (r->ret->holder.len == 0)
        r->ret->holder = r->ret->netname;
}

static void find_network(struct rpsl *p)
{
    for (size_t from = 0, until; from < p->count; from = until) {
        until = object_end(p, from);
        if (is_network(p, p->list[from].key))
            take_network(p, from, until);
    }
    for (size_t from = 0, until; from < p->count; from = until) {
        struct range range;
        until = object_end(p, from);
        if (!is_network(p, p->list[from].key) || whois_reading_range(p->r, p->list[from].value, &range) != 0 || !p->r->has_range)
            continue;
        bool same = memcmp(&range, &p->r->range, sizeof range) == 0;
        if (whois_same(p->list[from].key, "as-block"))
            continue; /* its contacts are the registry's */
        refer_all(p, from, until, same ? 0 : whois_range_inside(&p->r->range, &range) ? WEIGHT_ABOVE : WEIGHT_ELSEWHERE);
    }
    /* an organisation's own contacts count as the network's, a little less */
    for (size_t from = 0, until; from < p->count; from = until) {
        until = object_end(p, from);
        struct span name = bare(p->list[from].value);
        for (size_t k = 0, known = p->reference_count; k < known && whois_same(p->list[from].key, "organisation"); k++) {
            if (p->references[k].role != CONTACT_ROLE_OWNER || !whois_same_span(p->references[k].handle, name))
                continue;
            if (p->references[k].step == 0)
                p->r->ret->holder = value_of(p, from, until, "org-name");
            refer_all(p, from, until, p->references[k].step + 20);
            break;
        }
    }
}

static const struct reference *reference_of(const struct rpsl *p, struct span handle)
{
    const struct reference *best = NULL;
    for (size_t i = 0; i < p->reference_count; i++) {
        const struct reference *f = &p->references[i];
        if (whois_same_span(f->handle, handle) && (best == NULL || f->weight + f->step < best->weight + best->step))
            best = f;
    }
    return best;
}

/* ---- contacts ---- */

static unsigned abuse_weight(const struct reference *ref, struct span kind)
{
    if (whois_same(kind, "irt"))
        return WEIGHT_ABUSE_TEAM;
    if (ref == NULL)
        return whois_same(kind, "mntner") ? WEIGHT_ABUSE + 60 : WEIGHT_ABUSE + 40;
    return ref->role == CONTACT_ROLE_ABUSE ? WEIGHT_ABUSE : WEIGHT_ABUSE + 10;
}

/* One attribute with an address in an object; `ref`: how the network refers to it, NULL: not at all. */
static void take_attribute(struct rpsl *p, const struct attribute *a, struct span kind, const struct reference *ref, unsigned step)
{
    struct candidate c = {.attribute = a->key, .evidence = a->line, .role = ref != NULL ? ref->role : CONTACT_ROLE_NONE};
    bool team = whois_same(kind, "irt");
    if (whois_same(a->key, "abuse-mailbox")) {
        c.role = CONTACT_ROLE_ABUSE;
        c.weight = abuse_weight(ref, kind) + step;
    } else if (whois_same(a->key, "e-mail") || whois_same(a->key, "email")) {
        c.weight = (team ? WEIGHT_ABUSE_TEAM + 10 : ref != NULL ? ref->weight : WEIGHT_OTHER) + step;
        if (team)
            c.role = CONTACT_ROLE_SECURITY;
        else if (ref != NULL && ref->role == CONTACT_ROLE_ABUSE)
            c.weight += 10;
    } else if (whois_same(a->key, "changed") || whois_same(a->key, "last-modified")) {
        c.objection = OBJECTION_UPDATER;
    } else if (whois_same(a->key, "notify") || whois_same(a->key, "mnt-nfy") || whois_same(a->key, "upd-to") || whois_same(a->key, "ref-nfy") ||
               whois_same(a->key, "irt-nfy")) {
        c.objection = OBJECTION_NOTIFY;
    } else {
        return;
    }
    whois_note_mails(p->r, a->value, &c);
}

static bool is_text(struct span key)
{
    return whois_same(key, "remarks") || whois_same(key, "descr") || whois_same(key, "trouble") || whois_same(key, "comment") ||
           whois_same(key, "address");
}

static void take_remarks(struct rpsl *p, size_t from, size_t until, unsigned weight)
{
    struct span lines[REMARKS_MAX];
    size_t count = 0;
    for (size_t i = from; i < until && count < REMARKS_MAX; i++) {
        if (is_text(p->list[i].key))
            lines[count++] = p->list[i].value;
    }
    whois_note_remarks(p->r, lines, count, weight, span_text("remarks"));
}

static void take_object(struct rpsl *p, size_t from, size_t until)
{
    struct span kind = p->list[from].key, name = bare(p->list[from].value), handle = bare(value_of(p, from, until, "nic-hdl"));
    const struct reference *ref = reference_of(p, handle.len > 0 ? handle : name);
    unsigned step = ref != NULL ? ref->step : is_contact(kind) ? 0 : 60;
    if (is_network(p, kind)) {
        struct range range;
        bool own = whois_reading_range(p->r, p->list[from].value, &range) == 0 && memcmp(&range, &p->r->range, sizeof range) == 0;
        step = own ? 0 : WEIGHT_ABOVE;
    }
    for (size_t i = from; i < until; i++)
        take_attribute(p, &p->list[i], kind, ref, step);
    take_remarks(p, from, until, step + (is_network(p, kind) ? 0 : 20));
}

/* "% Abuse contact for '192.0.2.0 - 192.0.2.255' is 'abuse@example.net'" */
static void take_statement(struct rpsl *p, struct span line)
{
    struct span rest = span_part(line, span_find(line, '\'') + 1, line.len), text = span_part(rest, 0, span_find(rest, '\''));
    struct range range;
    struct candidate c = {.role = CONTACT_ROLE_ABUSE, .weight = WEIGHT_ABUSE_LINE, .attribute = span_text("Abuse contact"), .evidence = line};
    if (whois_reading_range(p->r, text, &range) == 0 && p->r->has_range && memcmp(&range, &p->r->range, sizeof range) != 0)
        c.weight += whois_range_inside(&p->r->range, &range) ? 50 : WEIGHT_ELSEWHERE;
    whois_note_mails(p->r, span_part(rest, text.len, rest.len), &c);
}

/* ---- somebody else has it ---- */

static const char *registry_in(struct span text, struct span except)
{
    static const char *const names[] = {"RIPE", "ARIN", "LACNIC", "AFRINIC", "APNIC"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (whois_has(text, names[i]) && !span_is(except, names[i]))
            return names[i];
    }
    return NULL;
}

/* The registry's entry for space that it does not have: who has it is said in the text, or ARIN knows, which refers to all others. */
static void not_here(struct rpsl *p, size_t from, size_t until, struct span reason)
{
    const char *registry = NULL;
    p->r->elsewhere = true;
    for (size_t i = from; i < until; i++) {
        if (registry == NULL && whois_has(p->list[i].value, "transferred to"))
            registry = registry_in(p->list[i].value, (struct span){0});
    }
    if (registry == NULL && span_starts(value_of(p, from, until, "netname"), "AFRINIC-NET-TRANSFERRED"))
        registry = "AFRINIC";
    if (registry == NULL && !span_is(p->r->ret->authority, "ARIN"))
        registry = "ARIN";
    if (registry != NULL)
        whois_note_next_registry(p->r, registry, reason);
}

/* "descr: Transferred to the RIPE region on …" */
static bool is_moved(const struct rpsl *p, const struct attribute *a)
{
    static const char words[] = "transferred to";
    return whois_same(a->key, "descr") && whois_same(span_part(a->value, 0, sizeof words - 1), words) &&
           registry_in(a->value, p->r->ret->authority) != NULL;
}

static void look_elsewhere(struct rpsl *p)
{
    static const char *const signs[] = {
        "NON-RIPE-NCC-MANAGED", "AFRINIC-NET-TRANSFERRED", "ERX-NETBLOCK", "IANA-NETBLOCK", "IANA-BLK", "EU-ZZ-", "ROOT", "IANA-BLOCK"};
    for (size_t from = 0, until; from < p->count; from = until) {
        struct range range;
        until = object_end(p, from);
        if (!is_network(p, p->list[from].key) || whois_reading_range(p->r, p->list[from].value, &range) != 0 ||
            memcmp(&range, &p->r->range, sizeof range) != 0)
            continue;
        struct span netname = value_of(p, from, until, "netname");
        struct prefix around = whois_range_around(&range);
        bool whole = around.bits == 0 || (addr_is_v4(range.first) && around.bits == 96);
        for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
            whole = whole || (netname.len >= strlen(signs[i]) && strncasecmp((const char *)netname.at, signs[i], strlen(signs[i])) == 0);
        for (size_t i = from; i < until; i++)
            whole = whole || (whois_same(p->list[i].key, "mnt-by") && whois_same(p->list[i].value, "APNIC-STUB")) || is_moved(p, &p->list[i]);
        if (whole)
            not_here(p, from, until, p->list[from].line);
    }
}

/* ---- national registries below APNIC ---- */

static int nir_of_network(const struct rpsl *p, struct span *ret_reason)
{
    int found = -1;
    for (size_t from = 0, until; from < p->count; from = until) {
        struct range range;
        until = object_end(p, from);
        if (!is_network(p, p->list[from].key) || whois_reading_range(p->r, p->list[from].value, &range) != 0 ||
            memcmp(&range, &p->r->range, sizeof range) != 0)
            continue;
        for (size_t i = from; i < until; i++) {
            struct span key = p->list[i].key, value = bare(p->list[i].value);
            for (int k = 0; k < NIR_COUNT; k++) {
                bool by_source = whois_same(key, "source") && whois_same(value, nirs[k].name);
                /* mnt-lower: the regional registry's entry for the whole share of the national one */
                bool by_maintainer = (whois_same(key, "mnt-by") || whois_same(key, "mnt-lower")) && whois_same(value, nirs[k].maintainer);
                bool by_team = whois_same(key, "mnt-irt") && whois_same(value, nirs[k].team);
                if (by_source || (found < 0 && (by_maintainer || by_team))) {
                    found = k;
                    *ret_reason = p->list[i].line;
                }
            }
        }
    }
    return found;
}

/* "… please use the KRNIC whois server at whois.krnic.net." may name another of its servers than ours. */
static struct span server_in_remarks(const struct rpsl *p, const char *registry, struct span *ret_reason)
{
    const void *servers = book_part(p->r->book, BOOK_servers);
    for (size_t i = 0; i < p->count; i++) {
        if (!whois_same(p->list[i].key, "remarks") || !whois_has(p->list[i].value, "whois"))
            continue;
        for (struct span left = p->list[i].value; left.len > 0;) {
            struct span word = part_word(&left);
            while (word.len > 0 && (word.at[word.len - 1] == '.' || word.at[word.len - 1] == ','))
                word.len--;
            if (span_starts(word, "whois.") && whois_same(servers_find(servers, word)->server.registry, registry)) {
                *ret_reason = p->list[i].line;
                return word;
            }
        }
    }
    return (struct span){0};
}

static void join_authority(struct reading *r, const char *below)
{
    struct buf text;
    buf_init(&text, 64);
    buf_span(&text, r->ret->authority);
    buf_byte(&text, '/');
    buf_text(&text, below);
    char *copy = arena_copy(r->arena, buf_as_span(&text));
    if (copy != NULL)
        r->ret->authority = span_of(copy, text.len);
    buf_done(&text);
}

static void look_at_nir(struct rpsl *p)
{
    struct reading *r = p->r;
    struct span reason = {0};
    int nir = nir_of_network(p, &reason);
    if (nir < 0 || r->elsewhere || !span_is(r->ret->authority, "APNIC"))
        return;
    if (whois_same(p->network_source, nirs[nir].name) || whois_same(p->other_source, nirs[nir].name))
        join_authority(r, nirs[nir].name);
    if (!(r->as != 0 ? nirs[nir].asks_as : nirs[nir].asks))
        return;
    struct span named = server_in_remarks(p, nirs[nir].name, &reason);
    if (named.len > 0)
        whois_note_next(r, named, 0, reason);
    else
        whois_note_next_registry(r, nirs[nir].name, reason);
}

/* ---- AS numbers ---- */

/* Only the block of numbers around the AS is here: another registry's, which its text names, or ARIN knows, which refers to all others. */
static void look_around_as(struct rpsl *p)
{
    struct reading *r = p->r;
    for (size_t from = 0, until; from < p->count; from = until) {
        const char *registry = NULL;
        struct span reason = p->list[from].line;
        struct range range;
        until = object_end(p, from);
        if (!whois_same(p->list[from].key, "as-block") || whois_reading_range(r, p->list[from].value, &range) != 0 ||
            memcmp(&range, &r->range, sizeof range) != 0)
            continue;
        int nir = nir_of_network(p, &reason);
        if (nir >= 0 && nirs[nir].asks_as)
            registry = nirs[nir].name;
        for (size_t i = from; i < until && registry == NULL; i++) {
            registry = registry_in(p->list[i].value, r->ret->authority);
            if (registry != NULL)
                reason = p->list[i].line;
        }
        r->elsewhere = true;
        whois_note_next_registry(r, registry != NULL ? registry : "ARIN", reason);
        return;
    }
}

/* ---- the reply ---- */

/* RIPE counts person and role objects that are not for abuse alone; AFRINIC counts persons, we count roles as well. */
static unsigned count_personal(const struct rpsl *p)
{
    unsigned personal = 0;
    for (size_t from = 0, until; from < p->count; from = until) {
        until = object_end(p, from);
        const struct reference *ref = reference_of(p, bare(value_of(p, from, until, "nic-hdl")));
        bool for_abuse = ref != NULL && ref->role == CONTACT_ROLE_ABUSE;
        personal += whois_same(p->list[from].key, "person") || (whois_same(p->list[from].key, "role") && !for_abuse);
    }
    return personal;
}

/* Is this contact's object in the reply, with an address? Then there is nothing to ask for. */
static bool is_told(const struct rpsl *p, struct span handle)
{
    for (size_t from = 0, until; from < p->count; from = until) {
        until = object_end(p, from);
        if (!whois_same_span(bare(value_of(p, from, until, "nic-hdl")), handle))
            continue;
        if (value_of(p, from, until, "e-mail").len > 0 || value_of(p, from, until, "abuse-mailbox").len > 0)
            return true;
    }
    return false;
}

/* abuse-c first; those of the response team are read, not asked for: their objects come with the network's. */
static void list_handles(struct rpsl *p)
{
    static const enum contact_role order[] = {CONTACT_ROLE_ABUSE, CONTACT_ROLE_TECHNICAL, CONTACT_ROLE_ADMINISTRATIVE};
    for (size_t k = 0; k < sizeof order / sizeof order[0]; k++) {
        for (size_t i = 0; i < p->reference_count; i++) {
            if (p->references[i].role == order[k] && p->references[i].step < WEIGHT_ABOVE && !is_told(p, p->references[i].handle))
                whois_note_handle(p->r, p->references[i].handle, order[k]);
        }
    }
}

void whois_form_rpsl(struct reading *r)
{
    struct rpsl p = {.r = r};
    p.list = whois_attributes(r, &p.count);
    if (p.list == NULL)
        return;
    find_network(&p);
    for (size_t from = 0, until; from < p.count; from = until) {
        until = object_end(&p, from);
        take_object(&p, from, until);
    }
    for (struct span left = r->text, line; whois_line(&left, &line);) {
        if (line.len > 0 && line.at[0] == '%' && whois_has(line, "abuse contact for"))
            take_statement(&p, whois_trim(line));
    }
    if (r->has_range)
        look_elsewhere(&p);
    if (r->has_range && r->as != 0)
        look_around_as(&p);
    if (r->has_range)
        look_at_nir(&p);
    r->ret->personal = count_personal(&p);
    list_handles(&p);
}
