/*
 * Channel ip_whois: from the regional registry that IANA's table names, by referrals, to the national registry or RWhois server that really has the
 * block, down to the handles of its entry. 6to4 and Teredo addresses are looked through to the IPv4 address in them.
 */
#include "contact/whois_walk.h"

#include "base/err.h"

#include <stdio.h>

extern const struct channel channel_ip_whois;

static void ask(struct quest *q)
{
    struct walk *w = quest_state(q);
    struct span server;
    char because[160], text[ADDR_TEXT_SIZE];
    struct addr addr = quest_target(q)->addr;
    int r = whois_first(quest_book(q), addr, &server, &w->addr);
    if (r == -ERR_DENIED)
        return; /* of special purpose: there is nobody, and that is no debt */
    if (r != 0) {
        quest_debt(q, "no registry is known for the address");
        return;
    }
    (void)snprintf(because, sizeof because,
                   addr_equal(addr, w->addr) ? "IANA gave the block to this registry"
                                             : "IANA gave the block of %s, which is inside the address, to this registry",
                   addr_print(w->addr, text));
    walk_begin(q, w, &channel_ip_whois, server, because);
}

static void hear(struct quest *q, const struct answer *answer)
{
    walk_hear(q, quest_state(q), answer);
}

static void end(struct quest *q)
{
    struct walk *w = quest_state(q);
    struct prefix cover;
    struct addr addr = quest_target(q)->addr;
    if (w->channel == NULL)
        return;
    walk_end(q, w, &cover);
    if (cover.bits > 0 && addr_equal(addr, w->addr) && prefix_holds(cover, addr))
        quest_covers(q, cover);
}

const struct channel channel_ip_whois = {
    .name = "ip_whois",
    .trust = 330,
    .help = "WHOIS of the address: regional registry, national registry, RWhois, handles",
    .wants = CHANNEL_ADDRESS,
    .serves = CHANNEL_SERVES_BLOCK,
    .state_size = sizeof(struct walk),
    .ask = ask,
    .hear = hear,
    .end = end,
};
