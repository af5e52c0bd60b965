/*
 * A report: one SQL statement over the control database (in the subset ClickHouse shares) or a walk over records, a table of columns, and a
 * registry line. The table on the terminal, --json and --csv come from the same rows. Column names are relied on: add, never rename.
 */
#pragma once

#include "store/query.h"

enum column_type { COLUMN_TEXT, COLUMN_COUNT, COLUMN_TIME, COLUMN_ADDR, COLUMN_DURATION, COLUMN_REAL, COLUMN_ID, COLUMN_DAY };

struct column {
    const char *name; /* JSON key: a fact's name where it is one, e.g. "source.ip" */
    const char *title;
    enum column_type type;
    const char *unit, *help;
};

struct table; /* rows being collected: report/table.h */

struct report {
    const char *name, *title, *help;
    const char *sql; /* or NULL and: */
    int (*walk)(struct query *, const struct query_range *, struct table *);
    const struct column *columns;
    size_t column_count;
    int64_t limit; /* rows shown unless --limit says otherwise; 0: all */
};

const struct report *const *reports_all(size_t *ret_count);
const struct report *report_by_name(struct span name);
