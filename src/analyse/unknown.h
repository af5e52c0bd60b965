/*
 * Banners that no rule knows, put together by what they have in common, so that one rule may name many. Pure and bounded, whatever hosts
 * send: the same values give the same clusters, in whatever order they come.
 *
 *   value ─ mask numbers, hexadecimal, addresses ─► shape ─ same shape ─► count ─ most words shared ─► cluster ─► proposed rule
 */
#pragma once

#include "base/addr.h"
#include "base/buf.h"

enum {
    UNKNOWN_VALUE_MAX = 400,    /* bytes of a value that are looked at */
    UNKNOWN_SHAPES_MAX = 20000, /* more are counted, not kept */
    UNKNOWN_PORTS_MAX = 8
};

struct unknowns;

int unknowns_new(struct unknowns **ret);
void unknowns_free(struct unknowns *); /* NULL accepted */

/* `field`: what a rule would be `on` (analyse/device/fields.def's text); must outlive. Empty values count for nothing. 0, -ENOMEM. */
int unknowns_add(struct unknowns *, const char *field, struct span value, struct addr host, uint16_t port);

struct unknown_cluster {
    const char *field;
    size_t hosts, answers, shapes;
    uint16_t ports[UNKNOWN_PORTS_MAX]; /* the lowest */
    size_t port_count;                 /* may be more */
    struct span example;               /* a value as it came, cut */
    struct span rule;                  /* a line for a rule file (conf/fingerprints), class and names left to fill in */
};

/* The most hosts first; valid until the next call or the end. */
int unknowns_cluster(struct unknowns *, const struct unknown_cluster **ret, size_t *ret_count);
size_t unknowns_left_out(const struct unknowns *); /* values of shapes beyond UNKNOWN_SHAPES_MAX */

/* The shape of a value: "Acme X#, <ip>, login:". */
void unknown_shape(struct span value, struct buf *out);
