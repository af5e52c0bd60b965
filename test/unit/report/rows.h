/* What a report says of a data folder. */
#pragma once

#include "report/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* As CSV without its heading; freed by the caller. *ret_more may be NULL. */
static inline char *rows_of(const char *folder, const char *name, struct query_range range, bool *ret_more)
{
    const struct report *report = report_by_name(span_text(name));
    struct query *query = NULL;
    struct table *table = NULL;
    struct buf why;
    buf_init(&why, 0);
    assert_non_null(report);
    if (query_open(&query, folder, &why) != 0)
        fail_msg("%s", buf_cstr(&why));
    assert_int_equal(table_new(&table, report->columns, report->column_count), 0);
    if (range.until == 0)
        range.until = REPORT_UNTIL_ALL;
    bool more = false;
    assert_int_equal(report_run(report, query, &range, table, &more), 0);
    if (ret_more != NULL)
        *ret_more = more;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    assert_int_equal(table_print(table, name, "", TABLE_CSV, NULL, out), 0);
    (void)fclose(out);
    table_free(table);
    query_close(query);
    buf_done(&why);
    const char *heading_end = strchr(text, '\n');
    assert_non_null(heading_end);
    char *body = strdup(heading_end + 1);
    assert_non_null(body);
    free(text);
    return body;
}
