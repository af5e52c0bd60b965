/*
 * Rows of one day file as records, in the order of their row numbers or of their ids, merged over the kinds' tables. Reads files of older
 * versions too: a column that is not there is a fact that is not there.
 */
#pragma once

#include "record/types.h"
#include "store/db.h"

enum scan_order { SCAN_BY_ROW, SCAN_BY_ID, SCAN_BY_ID_NEWEST_FIRST };

struct scan_want {
    uint64_t kinds;               /* bit per kind, 0: all */
    int64_t after_row, up_to_row; /* exclusive, inclusive; 0: no bound */
    struct id after_id, up_to_id; /* both inclusive; zero: no bound */
    usec_t since, until;          /* by time, until exclusive; 0: no bound */
    struct id session;            /* zero: any */
    bool by_source, by_destination;
    struct addr source, destination;
};

/* One row. A BYTES column that holds the name of a blob is left out of the record's facts, and named here. */
struct scan_row {
    int64_t row;
    int64_t sensor; /* its number */
    struct record record;
    struct fact facts[RECORD_FACTS_MAX];
    enum fact_name blob_fact; /* 0: none */
    struct span blob_hex;     /* 64 hexadecimal digits */
};

struct scan;

/* The database stays the caller's. */
int scan_open(struct scan **ret, sqlite3 *day, const struct scan_want *, enum scan_order);
void scan_close(struct scan *);
/* The next row: 1, 0 at the end, negative. What it points to is valid until the next call. */
int scan_next(struct scan *, struct scan_row *ret);
