/*
 * The only door out: every connection of ours to another host is asked for here, and made here. Policy, in this order; the first that
 * says no is the reason that is recorded:
 *
 *   operator not named · special-purpose address (IANA's registries, unless inside outside.test_network) · lists not read yet · opt-out
 *   list · blocklist · own address · ICS not allowed · neighbourhoods not allowed · outside the time of day · budget of the day: global,
 *   address, /24 (IPv6 /48), AS, ICS, neighbourhoods · rate: global, address, /24, AS, ICS · outside.dry_run
 *
 * A budget or list says no for good (DIAL_NEVER), a rate or the time of day says when (DIAL_LATER). Pure but for dial_open: the clock is
 * given, counters live in memory; the store keeps the audit, and sends the day's counts at the start (dial_spent).
 *
 * Look-ups (CARE_LOOKUP: WHOIS, web pages of whom to notify) are not probes: of the budgets only their own rate holds for them (contact.rate), and
 * they count against no other; all the rest of the list above does. An industrial port is never theirs, whatever probe.ics says.
 *
 * A day is the UTC day. A rate of N a minute (second) means: in no minute more than N, however the minutes are cut; a third of N (a tenth)
 * may go at once, industrial ones only one at a time. A clock set back never makes room. Counters are bounded: 786,432 addresses a day,
 * half as many networks; what finds no room is refused (DENIAL_FULL). Ports of industrial.def are industrial whatever asks.
 *
 * (The one other socket of this folder goes to the resolver the operator named, and to nobody else: dns.h.)
 *
 *   dial_ask ─ok: counted─► DIAL record committed (the intent) ─► dial_open: lists and clock are asked again ─► socket, connect
 */
#pragma once

#include "base/addr.h"
#include "base/conf.h"
#include "outside/list.h"
#include "probe/probe.h"

struct dial;

enum dial_verdict { DIAL_OK, DIAL_LATER, DIAL_NEVER };

/* Why not: recorded as event.reason of a DIAL record. */
enum denial {
#define DENIAL(name, text, help) DENIAL_##name,
#include "outside/denials.def"
#undef DENIAL
    DENIAL_COUNT
};
const char *denial_text(enum denial);

struct dial_request {
    struct endpoint to;
    enum transport transport;
    enum care care;
    uint32_t asn;   /* 0: unknown, then only the /24's budget holds */
    bool neighbour; /* of a neighbourhood's survey: outside.daily_neighbours holds, too */
};

struct dial_answer {
    enum dial_verdict verdict;
    enum denial why;   /* of LATER and NEVER */
    usec_t not_before; /* of LATER: wall clock */
};

/* From the settings operator.*, outside.*, probe.ics. -ERR_CONFIG with one line. `now`: wall clock µs. */
int dial_new(struct dial **ret, const struct conf *settings, struct conf_error *error);
void dial_free(struct dial *);
bool dial_enabled(const struct dial *); /* the operator named himself */

/* Lists in ZMap's format (list.h). Replaces the earlier ones whole, while running. A bad line is left out and reported through `bad` (may
 * be NULL), the rest holds: a typing mistake must not open the door. Before the first call, and after one that failed (-ENOMEM,
 * -ERR_LIMIT), nothing is allowed. `bad` has the block list's lines first; list_error.list says which. */
int dial_lists(struct dial *, struct span blocklist, struct span optout, size_t *ret_bad, struct list_error *bad, size_t bad_room);

/* Counts of the day so far, from the audit, before the first ask: `connections` of which so many `industrial` and to `neighbours`. They
 * count when `last` is of the day of `now`. -ERR_FULL: no room; what was not counted will be refused. */
int dial_spent(struct dial *, struct addr, uint32_t asn, uint32_t connections, uint32_t industrial, uint32_t neighbours, usec_t last, usec_t now);
/* The last connection to this address that is known here (dial_spent, dial_ask), 0 when none. */
usec_t dial_last(const struct dial *, struct addr);

/* May we, now? OK counts it against every budget and rate. `dry`: counts nothing. */
struct dial_answer dial_ask(struct dial *, const struct dial_request *, usec_t now, bool dry);
/* A connection that was asked for (at `asked`, the time given to dial_ask) but never opened: opted out meanwhile, stopped. */
void dial_give_back(struct dial *, const struct dial_request *, usec_t asked);

/* Asks lists, addresses and the clock once more, then makes a non-blocking close-on-exec socket and connects it (UDP: connected too).
 * 0 and the socket in *ret_fd, yours: connected or on its way (POLLOUT, then SO_ERROR). -ERR_DENIED with *ret_why; -errno. After an error
 * no connection is there: -ECONNREFUSED when loopback said so at once, -ENETUNREACH, -EMFILE … Never SO_LINGER 0: a connection ends with a FIN. */
int dial_open(struct dial *, const struct dial_request *, usec_t now, int *ret_fd, enum denial *ret_why);

struct dial_counters {
    uint64_t asked, allowed, opened, refused[DENIAL_COUNT];
};
const struct dial_counters *dial_counters(const struct dial *);
