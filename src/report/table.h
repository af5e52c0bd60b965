/*
 * A table: on a terminal with libsmartcols, as JSON, as CSV. All three come from the same rows.
 *
 *   terminal  foreign text escaped (text_escape); wide text columns are cut to the terminal's width, with an ellipsis
 *   JSON      {"report": name, "columns": [{"name","unit","help"}], "rows": [{…}]}; counts are integers, times RFC 3339 UTC with µs,
 *             addresses and ids text; text is as it was seen (RFC 8259 escapes)
 *   CSV       RFC 4180, a header of column names; text is escaped as on the terminal, and a cell that begins with = + - @ gets an
 *             apostrophe before it, so that a spreadsheet takes no attacker's text for a formula
 */
#pragma once

#include "base/text.h"
#include "report/report.h"

#include <stdio.h>

struct table;

int table_new(struct table **ret, const struct column *, size_t count); /* the columns must outlive it */
void table_free(struct table *);                                        /* NULL accepted */
/* The values are copied; as many as there are columns. 0, -ENOMEM. */
int table_row(struct table *, const struct query_value *values, size_t count);
size_t table_rows(const struct table *);
void table_clip(struct table *, size_t rows); /* drops all but the first `rows` */
/* A value of a row, valid while the table lives. */
const struct query_value *table_value(const struct table *, size_t row, size_t column);
/* Orders the rows by an ordering of two rows' values, stably. */
void table_sort(struct table *, int (*compare)(const struct query_value *, const struct query_value *));

/* The rows as a JSON array of objects, or one row as an object. */
void table_json_rows(const struct table *, struct json *);
void table_json_row(const struct table *, struct json *, size_t row);

enum table_form { TABLE_TERMINAL, TABLE_JSON, TABLE_CSV, TABLE_JSON_ROWS /* only the array of rows: for lists */ };

struct table_look {
    bool color;     /* the heading is bold */
    bool title;     /* the title stands above */
    unsigned width; /* of the terminal in characters; 0: not a terminal, cells are cut only when very long */
    size_t hidden;  /* told by table_print: columns that did not fit */
};

/* 0, -ENOMEM, -errno of writing. `look` counts for the terminal only; NULL is a plain one. */
int table_print(struct table *, const char *name, const char *title, enum table_form, struct table_look *look, FILE *out);

/* Makers of values. */
static inline struct query_value value_null(void)
{
    return (struct query_value){.type = QUERY_NULL};
}

static inline struct query_value value_int(int64_t number)
{
    return (struct query_value){.type = QUERY_INT, .number = number};
}

static inline struct query_value value_text(struct span text)
{
    return (struct query_value){.type = QUERY_TEXT, .bytes = text};
}

static inline struct query_value value_bytes(struct span bytes)
{
    return (struct query_value){.type = QUERY_BYTES, .bytes = bytes};
}
