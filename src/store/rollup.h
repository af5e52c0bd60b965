/*
 * The rollups of schema.h, those of hosts included: records are summed in memory by their keys; flushing adds the sums to the control database. What
 * a crash loses of the memory is summed again from the rows of the day files (store.c). Bounded: when rollup_full, flush.
 */
#pragma once

#include "record/types.h"
#include "store/blob.h"
#include "store/contacts.h"
#include "store/db.h"
#include "store/geo.h"

struct rollup;

/* What a record's bytes in blobs/ are. */
struct blob_ref {
    enum fact_name fact; /* 0: no blob */
    char hex[BLOB_HEX_SIZE];
    uint64_t size;
};

/* Texts are keyed by a hash whose secret is in the control database (table `secret`), so that it stays the same. */
int rollup_new(struct rollup **ret, sqlite3 *control, const struct geo *, const struct contacts_limits *); /* geo: NULL, or to outlive it */
void rollup_free(struct rollup *);

/* `day`: start of the day whose file the record is in; `row` its number there. */
int rollup_add(struct rollup *, const struct record *, int64_t sensor, usec_t day, int64_t row, const struct blob_ref *);
bool rollup_full(const struct rollup *);
bool rollup_empty(const struct rollup *);
/* Inside the caller's transaction; afterwards each day's `applied` is the last row added. Keeps the sums: forget them after the commit. */
int rollup_flush(struct rollup *);
void rollup_forget(struct rollup *);
/* Rows of a day were removed with its file, or counts are to be read anew. */
void rollup_recount(struct rollup *);
