/* Reading the store: reports over the control database, and walks over records for details. Any process that may read the data folder. */
#pragma once

#include "base/buf.h"
#include "record/types.h"

struct query;

int query_open(struct query **ret, const char *data_folder, struct buf *why);
void query_close(struct query *);

/* Runs a report's SQL over the control database. Named parameters in it: :since and :until (µs, UTC, until exclusive), :limit, :offset_usec
 * (report.timezone's offset). Values are SQLite's types. Return non-zero from `row` to stop. */
struct query_value {
    enum { QUERY_NULL, QUERY_INT, QUERY_REAL, QUERY_TEXT, QUERY_BYTES } type;
    int64_t number;
    double real;
    struct span bytes;
};
struct query_range {
    usec_t since, until;
    int64_t limit; /* 0: none */
    int64_t offset_usec;
};
int query_rows(struct query *, const char *sql, const struct query_range *, int (*row)(void *user, const struct query_value *, size_t count),
               void *user);

/* The same with values for ?1, ?2 …: what a user typed never becomes SQL. Named parameters, if any, must come after them. */
int query_rows_with(struct query *, const char *sql, const struct query_range *, const struct query_value *given, size_t given_count,
                    int (*row)(void *user, const struct query_value *, size_t count), void *user);

/* Records in the order of their ids (so of time, to the millisecond), day by day. Zero members do not restrict. */
struct query_filter {
    usec_t since, until;
    struct id session;
    bool by_source, by_destination; /* the latter is quick for kinds dial, answer, visit, device, listing: name them */
    struct addr source, destination;
    uint64_t kinds; /* bit per enum kind; 0: all */
    bool newest_first;
};
int query_records(struct query *, const struct query_filter *, int (*each)(void *user, const struct record *), void *user);

/* A blob by its SHA-256 (32 bytes): bytes appended to `out`; -ERR_NOT_FOUND. */
int query_blob(struct query *, const uint8_t sha256[static 32], struct buf *out);
