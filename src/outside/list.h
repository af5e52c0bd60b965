/*
 * A list of networks in ZMap's format: a CIDR or an address a line, what follows the first word is ignored, '#' begins a comment. IPv4 and
 * IPv6. Host bits are tolerated as ZMap does (10.1.2.3/8 is all of 10/8). Host names are not looked up: such a line is bad.
 */
#pragma once

#include "base/addr.h"
#include "base/buf.h"

struct list;

struct list_error {
    const char *list; /* "blocklist", "optout" */
    unsigned line;
    char text[120]; /* the line's first word, escaped */
};

/* Reads all of `text`; bad lines are left out, counted in *ret_bad, and the first `room` of them are in `bad` (may be NULL with room 0).
 * `name` becomes list_error.list and must outlive it. -ENOMEM; -ERR_LIMIT above 4,000,000 networks. */
int list_read(struct list **ret, const char *name, struct span text, size_t *ret_bad, struct list_error *bad, size_t room);
void list_free(struct list *);
/* In O(log n). A NULL list holds nothing. */
bool list_holds(const struct list *, struct addr);
/* Are all addresses of this network in it? */
bool list_covers(const struct list *, struct prefix);
size_t list_networks(const struct list *); /* lines that were read */

/* One line's network: 0 and *ret; 1 for a line without one (empty, comment); -ERR_MALFORMED. */
int list_line(struct span line, struct prefix *ret);
