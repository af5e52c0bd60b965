/*
 * Where an address is said to be: country and autonomous system, by the operator's own databases in MaxMind's format (MaxMind, DB-IP, IPinfo),
 * read with libmaxminddb, which bounds every read by the file's size. The files come as descriptors, since roles may open none by name.
 */
#pragma once

#include "base/addr.h"

struct geo;

struct geo_place {
    char country[3]; /* ISO 3166-1 alpha-2, upper case; "" when unknown */
    uint32_t asn;    /* 0 when unknown */
    char as_name[128];
};

/* Descriptors of mmdb files, -1 for none; they stay the caller's. -ERR_MALFORMED: one of them is no such file, *ret_bad says which ("country",
 * "asn"). */
int geo_open(struct geo **ret, int country_fd, int asn_fd, const char **ret_bad);
void geo_close(struct geo *); /* NULL accepted */

/* NULL is a geo that knows nothing. */
void geo_find(const struct geo *, struct addr, struct geo_place *ret);
