/*
 * LACNIC and NIC.br: "inetnum:" (of an AS "aut-num:"), "owner:", then contacts by handle ("nic-hdl:", at NIC.br "nic-hdl-br:"). abuse-c is the one to
 * tell, then tech-c, then owner-c. NIC.br leaves addresses out when it was asked too much ("Reduced information"): that is no absence of contacts.
 */
#include "contact/whois_reading.h"

enum { ROLES = 5 };

static const struct {
    const char *key;
    enum contact_role role;
    unsigned weight;
} references[ROLES] = {
    {"abuse-c", CONTACT_ROLE_ABUSE, WEIGHT_ABUSE_LINE},
    {"tech-c", CONTACT_ROLE_TECHNICAL, WEIGHT_TECHNICAL},
    {"routing-c", CONTACT_ROLE_TECHNICAL, WEIGHT_TECHNICAL + 10}, /* of an AS */
    {"admin-c", CONTACT_ROLE_ADMINISTRATIVE, WEIGHT_ADMINISTRATIVE},
    {"owner-c", CONTACT_ROLE_OWNER, WEIGHT_OWNER},
};

static void take_network(struct reading *r, const struct attribute *a)
{
    struct range range;
    if (whois_same(a->key, r->as != 0 ? "aut-num" : "inetnum") && whois_reading_range(r, a->value, &range) == 0 && whois_note_range(r, &range))
        r->found = true;
    else if (whois_same(a->key, "owner"))
        r->ret->holder = a->value;
    else if (whois_same(a->key, "ownerid"))
        r->ret->netname = a->value;
    else if (whois_same(a->key, "country") && r->ret->country.len == 0)
        r->ret->country = a->value;
    if (whois_same(a->key, "status") && (whois_has(a->value, "reserved") || whois_has(a->value, "unallocated")))
        r->reserved = true;
}

void whois_form_lacnic(struct reading *r)
{
    size_t count;
    const struct attribute *list = whois_attributes(r, &count);
    struct span handles[ROLES] = {{0}}, handle = {0};
    if (list == NULL)
        return;
    for (size_t i = 0; i < count; i++) {
        take_network(r, &list[i]);
        for (size_t k = 0; k < ROLES; k++) {
            if (whois_same(list[i].key, references[k].key) && handles[k].len == 0)
                handles[k] = list[i].value;
        }
    }
    unsigned object = 0;
    for (size_t i = 0; i < count; i++) {
        struct candidate c = {.weight = WEIGHT_OTHER, .attribute = list[i].key, .evidence = list[i].line};
        if (list[i].object != object)
            handle = (struct span){0};
        object = list[i].object;
        if (whois_same(list[i].key, "nic-hdl") || whois_same(list[i].key, "nic-hdl-br")) {
            handle = list[i].value;
            r->ret->personal++;
        }
        if (!whois_same(list[i].key, "e-mail"))
            continue;
        c.role = CONTACT_ROLE_NONE;
        for (size_t k = ROLES; k > 0; k--) {
            if (handle.len > 0 && whois_same_span(handles[k - 1], handle)) {
                c.role = references[k - 1].role;
                c.weight = references[k - 1].weight;
            }
        }
        whois_note_mails(r, list[i].value, &c);
    }
    for (size_t k = 0; k < ROLES; k++)
        whois_note_handle(r, handles[k], references[k].role);
}
