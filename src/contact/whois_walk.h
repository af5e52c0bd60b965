/*
 * A walk over WHOIS servers, for the channels ip_whois, as_whois and domain_whois:
 *
 *   first server ─► reply ─► referral ─► … ─► the holder's own entry ─► its handles, one by one, until a contact is known ─► the block above
 *
 * Every (server, question) is put once; hops are capped. What failed on the way is a debt. In the end the findings of all replies become the
 * channel's: those of the narrowest entry first.
 */
#pragma once

#include "contact/channel.h"
#include "contact/whois.h"

enum {
    WALK_QUESTIONS_MAX = 24,
    WALK_WAITING_MAX = 24,
    WALK_RANK_OF_AS = 5 /* an AS's contacts begin here: behind those of the block itself */
};

struct walk_step {
    struct span server, query, handle; /* handle: empty for a network, an AS or a domain */
    enum contact_role role;
    unsigned depth; /* the deeper, the nearer to the holder */
    struct findings *found;
    struct prefix cover;
    bool answered, contact;
};

struct walk {
    const struct channel *channel;
    struct addr addr;   /* what is asked for, when it is an address */
    struct span domain; /* else this */
    uint32_t as;        /* or this, when it is not 0 */
    struct walk_step steps[WALK_QUESTIONS_MAX];
    size_t step_count, open, hops;
    struct {
        struct span server, handle;
        enum contact_role role;
        unsigned depth;
    } waiting[WALK_WAITING_MAX]; /* handles that are asked for when those before gave nothing */
    size_t waiting_count, waiting_next;
    struct span circle; /* who refers to a server that was asked already; empty: nobody */
    bool debt;
};

void walk_begin(struct quest *, struct walk *, const struct channel *, struct span server, const char *because);
void walk_hear(struct quest *, struct walk *, const struct answer *);
/* Adds the findings; *ret_cover: what they hold for, length 0 of :: when something was missing. */
void walk_end(struct quest *, struct walk *, struct prefix *ret_cover);
