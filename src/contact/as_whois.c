/*
 * Channel as_whois: the holder of the autonomous system that announces the address, as the store knows it (order.h). The same walk as ip_whois's,
 * with the AS number instead of the address. Whoever runs the AS is one step farther from the machine than the holder of the block: its contacts say
 * so, and their ranks begin behind. It holds for no block of addresses; the question is the same for every address of the AS, and so put once.
 */
#include "contact/order.h"
#include "contact/whois_walk.h"

#include "base/err.h"

#include <inttypes.h>
#include <stdio.h>

extern const struct channel channel_as_whois;

static void ask(struct quest *q)
{
    struct walk *w = quest_state(q);
    uint32_t as = quest_order(q)->as;
    struct span server;
    char because[80];
    int r = as != 0 ? whois_first_as(quest_book(q), as, &server) : -ERR_DENIED;
    if (r == -ERR_DENIED)
        return; /* none is known, or one of special purpose */
    if (r != 0) {
        quest_debt(q, "no registry is known for AS%" PRIu32, as);
        return;
    }
    w->as = as;
    (void)snprintf(because, sizeof because, "IANA gave AS%" PRIu32 " to this registry", as);
    walk_begin(q, w, &channel_as_whois, server, because);
}

static void hear(struct quest *q, const struct answer *answer)
{
    walk_hear(q, quest_state(q), answer);
}

static void end(struct quest *q)
{
    struct walk *w = quest_state(q);
    struct prefix cover;
    if (w->channel != NULL)
        walk_end(q, w, &cover);
}

const struct channel channel_as_whois = {
    .name = "as_whois",
    .trust = 200,
    .help = "WHOIS of the autonomous system (AS) that announces the address",
    .wants = CHANNEL_ADDRESS,
    .serves = CHANNEL_SERVES_AS,
    .state_size = sizeof(struct walk),
    .ask = ask,
    .hear = hear,
    .end = end,
};
