/*
 * Passive DNS: which domains an address belongs to, by the names that resolved to it. The filters are those of the paper that doc/contacts.md names:
 * seen within four weeks of the attack, on either side; more than ten resolutions in that time; no name that holds the address itself, in whatever
 * spelling, as an access provider's do. Where a name left is that of a mail or name server, the domains it serves count, too, but for their pages
 * alone. Pure.
 */
#pragma once

#include "contact/order.h"

#define PDNS_WINDOW (28 * USEC_PER_DAY)

enum { PDNS_COUNT_LEAST = 11, PDNS_DOMAINS_MAX = 200 };

enum pdns_drop {
    PDNS_KEPT,
    PDNS_WINDOW_MISSED, /* not seen within the window */
    PDNS_TOO_FEW,       /* resolutions in the window */
    PDNS_HOLDS_ADDRESS, /* its name is made of the address */
    PDNS_NO_DOMAIN,     /* a public suffix, or no name */
    PDNS_DROP_COUNT
};

struct pdns_name {
    struct span fqdn; /* as passive DNS has it */
    uint64_t count;   /* resolutions in the window */
    enum pdns_drop drop;
};

struct pdns_domain {
    struct span domain; /* registrable (libpsl) */
    struct span fqdn;   /* the name that led to it: the one seen most, or the server's */
    uint64_t count;     /* resolutions of all its names in the window */
    bool web_only;      /* served by the mail or name server `fqdn` */
};

struct pdns {
    struct pdns_name *names;     /* each once, those dropped as well */
    size_t name_count, kept;     /* kept: of the paper's counts */
    struct pdns_domain *domains; /* each once, by count, those of servers last; at most PDNS_DOMAINS_MAX */
    size_t domain_count;
    size_t domains_left_out; /* over that limit */
};

/* `rows`: of contact_order. A row's resolutions are taken as spread evenly from first to last. Everything lies in the arena; texts stay the rows'. 0,
 * -ENOMEM. */
int pdns_domains(struct arena *, struct addr, usec_t when, const struct contact_resolution *rows, size_t count, struct pdns *ret);

/* Is a name made of the address? IPv4: octets in either order with any separators, zero-padded, run together, in hexadecimal, as one number; IPv6: as
 * written (RFC 5952 and its longer forms) with dashes, dots or underscores, as 32 nibbles in either order. `name` in lower case. */
bool pdns_holds_address(struct span name, struct addr);
