/*
 * What readers of passive DNS have in common: a row (owner's name, type, data, count, first, last) becomes a RESOLUTION record for each of its data.
 * Its time is that of its last sight; of A and AAAA the address is the destination. Names are in lower case without the last dot; of an MX the host
 * alone is kept.
 */
#pragma once

#include "observe/import/reader.h"

#include <jansson.h>

enum { RESOLUTION_DATA_MAX = 4096 /* of one row */ };

struct resolution {
    const char *list; /* whose: dnsdb, cof, csv */
    struct span name, type;
    usec_t first, last;
    int64_t count; /* negative: not said */
};

/* One datum of the row. 0, -ERR_MALFORMED: it was skipped, with the reason, or a code that ends the run. `text` and `ordinal` make the id. */
int resolution_emit(struct source *, struct emit *, const struct resolution *, struct span data, struct span text, unsigned ordinal);
/* Seconds since 1970, whole or with a fraction, or a date and time; -ERR_MALFORMED. */
int resolution_time(struct span text, usec_t *ret);

struct listing;
/* An object with rrname, rrtype, rdata (a text, or an array of them), count, time_first, time_last (or zone_time_…, or …_ms): for listing_read. */
int resolution_object(struct listing *, const json_t *);
