/* What remarks say, as candidates of a reply. */
#include "contact/remark.h"
#include "contact/whois_reading.h"

static void place_candidate(struct candidate *c, enum remark_purpose purpose)
{
    switch (purpose) {
    case REMARK_ABUSE:
        c->role = CONTACT_ROLE_ABUSE;
        c->weight += WEIGHT_ABUSE_REMARK;
        break;
    case REMARK_SECURITY:
        c->role = CONTACT_ROLE_SECURITY;
        c->weight += WEIGHT_SECURITY_REMARK;
        break;
    case REMARK_NOC:
        c->role = CONTACT_ROLE_NOC;
        c->weight += WEIGHT_NOC;
        break;
    case REMARK_OTHERS:
    case REMARK_REFUSES:
        c->objection = purpose == REMARK_REFUSES ? OBJECTION_REFUSED : OBJECTION_NOT_FOR_US;
        c->hard = true;
        c->weight += WEIGHT_OTHER;
        break;
    case REMARK_FOR_NOBODY:
    default:
        c->weight += WEIGHT_OTHER;
        break;
    }
}

struct noting {
    struct reading *r;
    unsigned add_weight;
    struct span attribute;
};

static void hear(void *user, const struct remark *remark)
{
    const struct noting *n = user;
    struct candidate c = {.kind = remark->page ? CONTACT_FORM : CONTACT_MAIL,
                          .role = CONTACT_ROLE_NONE,
                          .weight = n->add_weight + (remark->page ? 10 : 0),
                          .value = remark->what,
                          .attribute = n->attribute,
                          .evidence = remark->line};
    place_candidate(&c, remark->purpose);
    whois_note_add(n->r, &c);
}

void whois_note_remarks(struct reading *r, const struct span *lines, size_t count, unsigned add_weight, struct span attribute)
{
    struct noting noting = {.r = r, .add_weight = add_weight, .attribute = attribute};
    if (remark_read(r->arena, lines, count, hear, &noting))
        r->others_refused = true;
}
