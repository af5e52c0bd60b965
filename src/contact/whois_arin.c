/*
 * ARIN: one section for each network ("NetRange:" begins it; "ASNumber:" that of an AS), the widest first, each with its organisation (or customer)
 * and points of contact. The last section that holds the address is the holder's; what it lacks the ones above have.
 */
#include "contact/whois_reading.h"

#include <strings.h>

enum { COMMENTS_MAX = 200, RWHOIS_PORT = 4321, WHOIS_PORT = 43 };

static const struct {
    const char *key;
    enum contact_role role;
    unsigned weight;
    bool others; /* of no use for reports */
} keys[] = {
    {"RAbuseEmail", CONTACT_ROLE_ABUSE, WEIGHT_ABUSE_LINE, false},
    {"NetAbuseEmail", CONTACT_ROLE_ABUSE, WEIGHT_ABUSE_LINE, false},
    {"OrgAbuseEmail", CONTACT_ROLE_ABUSE, WEIGHT_ABUSE, false},
    {"AbuseEmail", CONTACT_ROLE_ABUSE, WEIGHT_ABUSE, false},
    {"RNOCEmail", CONTACT_ROLE_NOC, WEIGHT_NOC, false},
    {"OrgNOCEmail", CONTACT_ROLE_NOC, WEIGHT_NOC + 10, false},
    {"NOCEmail", CONTACT_ROLE_NOC, WEIGHT_NOC + 10, false},
    {"RTechEmail", CONTACT_ROLE_TECHNICAL, WEIGHT_TECHNICAL, false},
    {"OrgTechEmail", CONTACT_ROLE_TECHNICAL, WEIGHT_TECHNICAL + 10, false},
    {"TechEmail", CONTACT_ROLE_TECHNICAL, WEIGHT_TECHNICAL + 10, false},
    {"OrgAdminEmail", CONTACT_ROLE_ADMINISTRATIVE, WEIGHT_ADMINISTRATIVE, false},
    {"AdminEmail", CONTACT_ROLE_ADMINISTRATIVE, WEIGHT_ADMINISTRATIVE, false},
    {"OrgDNSEmail", CONTACT_ROLE_TECHNICAL, WEIGHT_OTHER, true},
    {"OrgRoutingEmail", CONTACT_ROLE_TECHNICAL, WEIGHT_OTHER, true},
    {"ROrgRoutingEmail", CONTACT_ROLE_TECHNICAL, WEIGHT_OTHER, true},
};

struct arin {
    struct reading *r;
    const struct attribute *list;
    size_t count;
    size_t from, until; /* the section that is read */
    unsigned step;
    bool narrowest;
};

static const char *section_key(const struct arin *a)
{
    return a->r->as != 0 ? "ASNumber" : "NetRange";
}

/* The sections from the end: the narrowest network first. 0: no more. */
static size_t section_before(const struct arin *a, size_t until)
{
    for (size_t i = until; i > 0; i--) {
        if (whois_same(a->list[i - 1].key, section_key(a)))
            return i;
    }
    return 0;
}

static const char *registry_of(struct span value)
{
    static const char *const names[] = {"APNIC", "RIPE", "LACNIC", "AFRINIC"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (whois_has(value, names[i]))
            return names[i];
    }
    return NULL;
}

/* "whois://whois.ripe.net:43", "rwhois://rwhois.example.net:4321/", "whois.example.net" */
static void take_referral(struct arin *a, const struct attribute *line)
{
    struct span value = line->value;
    uint16_t port = WHOIS_PORT;
    uint32_t number = 0;
    if (span_starts(value, "rwhois://"))
        port = RWHOIS_PORT;
    for (size_t i = 0; i + 3 <= value.len; i++) {
        if (memcmp(&value.at[i], "://", 3) == 0) {
            value = span_part(value, i + 3, value.len);
            break;
        }
    }
    value = span_part(value, 0, span_find(value, '/'));
    size_t colon = span_find(value, ':');
    for (size_t i = colon + 1; i < value.len && number <= UINT16_MAX; i++)
        number = value.at[i] >= '0' && value.at[i] <= '9' ? number * 10 + (uint32_t)(value.at[i] - '0') : UINT16_MAX + 1;
    if (number > 0 && number <= UINT16_MAX)
        port = (uint16_t)number;
    whois_note_next(a->r, span_part(value, 0, colon), port, line->line);
}

/* Does the section only say that another registry has the block, or that nobody has? */
static void look_elsewhere(struct arin *a)
{
    struct reading *r = a->r;
    const struct attribute *reason = NULL;
    const char *registry = NULL;
    for (size_t i = a->from; i < a->until; i++) {
        const struct attribute *line = &a->list[i];
        bool moved = whois_has(line->value, "allocated to") || whois_has(line->value, "transferred to") || whois_has(line->value, "maintained by");
        if (whois_same(line->key, "NetType") && (whois_has(line->value, "iana special") || whois_has(line->value, "iana reserved")))
            r->reserved = true;
        if (whois_same(line->key, "OrgId") && whois_same(line->value, "IANA"))
            r->reserved = true;
        const char *named = NULL;
        if (whois_same(line->key, "NetType") && moved)
            named = registry_of(line->value);
        if (whois_same(line->key, "OrgId") && registry_of(line->value) != NULL && whois_same(line->value, registry_of(line->value)))
            named = registry_of(line->value);
        if (whois_same(line->key, "OrgId") && whois_same(line->value, "AFRNIC"))
            named = "AFRINIC";
        if (named != NULL && registry == NULL) {
            registry = named;
            reason = line;
        }
    }
    r->elsewhere = registry != NULL;
    if (r->reserved)
        r->ret->authority = span_text("IANA");
    if (registry != NULL)
        whois_note_next_registry(r, registry, reason->line);
}

static void take_names(struct arin *a)
{
    struct reading *r = a->r;
    struct range range;
    for (size_t i = a->from; i < a->until; i++) {
        const struct attribute *line = &a->list[i];
        if (whois_same(line->key, section_key(a)) && whois_reading_range(r, line->value, &range) == 0)
            (void)whois_note_range(r, &range);
        else if (whois_same(line->key, "NetName") || whois_same(line->key, "ASName"))
            r->ret->netname = line->value;
        else if (whois_same(line->key, "OrgName") || whois_same(line->key, "CustName"))
            r->ret->holder = line->value;
        else if (whois_same(line->key, "Country"))
            r->ret->country = line->value;
    }
    r->found = true;
}

static void take_contacts(struct arin *a)
{
    struct span comments[COMMENTS_MAX];
    size_t count = 0;
    for (size_t i = a->from; i < a->until; i++) {
        const struct attribute *line = &a->list[i];
        for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
            if (!whois_same(line->key, keys[k].key))
                continue;
            struct candidate c = {.role = keys[k].role,
                                  .weight = keys[k].weight + a->step,
                                  .objection = keys[k].others ? OBJECTION_NOT_FOR_US : OBJECTION_NONE,
                                  .attribute = line->key,
                                  .evidence = line->line};
            whois_note_mails(a->r, line->value, &c);
        }
        if ((whois_same(line->key, "Comment") || whois_same(line->key, "Remarks")) && count < COMMENTS_MAX)
            comments[count++] = line->value;
    }
    whois_note_remarks(a->r, comments, count, a->step, span_text("Comment"));
}

/* A handle's answer, or old output: contacts without a network. */
static void take_point_of_contact(struct arin *a)
{
    for (size_t i = 0; i < a->count; i++) {
        const struct attribute *line = &a->list[i];
        struct candidate c = {.role = CONTACT_ROLE_NONE, .weight = WEIGHT_OTHER, .attribute = line->key, .evidence = line->line};
        if (whois_same(line->key, "Email") || whois_same(line->key, "Mailbox"))
            whois_note_mails(a->r, line->value, &c);
    }
}

/*
 * A question without flag that fits several networks gets a list, "One Inc. ONE-NET (NET-192-0-2-0-1) 192.0.2.0 - 192.0.2.255": the narrowest is to
 * be asked for by its handle.
 */
static void take_list(struct reading *r)
{
    struct span best = {0};
    for (struct span left = r->text, line; whois_line(&left, &line);) {
        struct range range;
        size_t open = span_find(line, '('), close;
        while (open < line.len && !span_starts(span_part(line, open, line.len), "(NET"))
            open += 1 + span_find(span_part(line, open + 1, line.len), '(');
        if (open >= line.len || line.at[0] == '#')
            continue;
        close = open + span_find(span_part(line, open, line.len), ')');
        if (close < line.len && whois_range(span_part(line, close + 1, line.len), &range) == 0 && whois_note_range(r, &range)) {
            best = span_part(line, open + 1, close - open - 1);
            r->found = true;
        }
    }
    whois_note_handle(r, best, CONTACT_ROLE_NONE);
}

void whois_form_arin(struct reading *r)
{
    struct arin a = {.r = r, .narrowest = true};
    a.list = whois_attributes(r, &a.count);
    if (a.list == NULL)
        return;
    size_t first = a.count;
    for (size_t until = a.count, from; (from = section_before(&a, until)) > 0; until = from - 1) {
        struct range range;
        a.from = from - 1;
        a.until = until;
        first = a.from;
        if (whois_reading_range(r, a.list[a.from].value, &range) != 0 || (r->has_addr && !whois_range_holds(&range, r->addr)))
            continue;
        if (a.narrowest) {
            take_names(&a);
            look_elsewhere(&a);
        } else if (r->elsewhere || r->reserved || (r->has_range && !whois_range_inside(&r->range, &range))) {
            continue;
        }
        take_contacts(&a);
        for (size_t i = a.from; a.narrowest && i < a.until; i++) {
            if (whois_same(a.list[i].key, "ReferralServer") && a.list[i].value.len > 0)
                take_referral(&a, &a.list[i]);
        }
        a.narrowest = false;
        a.step += WEIGHT_ABOVE;
    }
    if (first == a.count) {
        take_point_of_contact(&a);
        take_list(r);
    }
}
