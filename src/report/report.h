/*
 * A report: one SQL statement over the control database (store/schema.h; in the subset ClickHouse shares) or a walk over records, a
 * table of columns, and a line in reports.def. The table on the terminal, --json and --csv come from the same rows. Column names are
 * relied on: add, never rename.
 */
#pragma once

#include "store/query.h"

/* How a value is shown. The SQL gives: TEXT text, COUNT an integer, TIME µs UTC, ADDR 16 bytes, DURATION ns, REAL a real, ID 16 bytes,
 * DAY the µs at which a day begins (as the clock of report.timezone reads it). NULL is allowed everywhere. */
enum column_type { COLUMN_TEXT, COLUMN_COUNT, COLUMN_TIME, COLUMN_ADDR, COLUMN_DURATION, COLUMN_REAL, COLUMN_ID, COLUMN_DAY };

struct column {
    const char *name;  /* JSON key and CSV heading: a fact's name where it is one, e.g. "source.ip" */
    const char *title; /* heading on the terminal */
    enum column_type type;
    const char *unit, *help;
    uint8_t spare; /* on a terminal that is too narrow the column with the highest goes first; 0: stays */
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

enum { REPORT_SINCE_ALL = 0 };
#define REPORT_UNTIL_ALL INT64_C(253402300800000000) /* the year 10000 */

/* For the report `registries`: what servers allow (contact/whois.h), which only those who hold the book know, and the speed of the budgets' clock
 * (contact.clock_speed). NULL: limits are not told. */
struct report_limits {
    struct span registry;
    unsigned per_day, personal_per_day; /* 0: none is known */
};
void report_tell_budgets(struct report_limits (*find)(const void *user, struct span server), const void *user, int64_t clock_speed);

/* Collects a report's rows into a table made for its columns. range->limit 0: all rows. *ret_more: rows were left out because of the limit. */
int report_run(const struct report *, struct query *, const struct query_range *range, struct table *, bool *ret_more);
