/* Channel domain_whois: the registry of the top-level domain, then the registrar that it names. */
#include "contact/whois_walk.h"

#include "base/err.h"

extern const struct channel channel_domain_whois;

static void ask(struct quest *q)
{
    struct walk *w = quest_state(q);
    struct span server, domain = domain_registrable(quest_target(q)->domain);
    if (domain.len == 0)
        return; /* a public suffix: it is nobody's */
    w->domain = domain;
    int r = whois_first_domain(quest_book(q), domain, &server);
    if (r != 0) {
        quest_debt(q, "the top-level domain has no WHOIS server");
        return;
    }
    walk_begin(q, w, &channel_domain_whois, server, "the registry of the top-level domain");
}

static void hear(struct quest *q, const struct answer *answer)
{
    walk_hear(q, quest_state(q), answer);
}

/* Findings belong to the domain that was asked about, which may be below the registered one. */
static void end(struct quest *q)
{
    struct walk *w = quest_state(q);
    struct prefix cover;
    if (w->channel == NULL)
        return;
    w->domain = quest_target(q)->domain;
    walk_end(q, w, &cover);
}

const struct channel channel_domain_whois = {
    .name = "domain_whois",
    .trust = 210,
    .help = "WHOIS of the domain: registry, registrar",
    .wants = CHANNEL_DOMAIN,
    .state_size = sizeof(struct walk),
    .ask = ask,
    .hear = hear,
    .end = end,
};
