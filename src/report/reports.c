#include "report/report.h"

#include "report/table.h"

#define REPORT(name) extern const struct report report_##name;
#include "report/reports.def"
#undef REPORT

static const struct report *const reports[] = {
#define REPORT(name) &report_##name,
#include "report/reports.def"
#undef REPORT
};

const struct report *const *reports_all(size_t *ret_count)
{
    *ret_count = sizeof reports / sizeof reports[0];
    return reports;
}

const struct report *report_by_name(struct span name)
{
    for (size_t i = 0; i < sizeof reports / sizeof reports[0]; i++)
        if (span_is(name, reports[i]->name))
            return reports[i];
    return NULL;
}

struct collecting {
    struct table *table;
    int error;
};

static int collect(void *user, const struct query_value *values, size_t count)
{
    struct collecting *c = user;
    c->error = table_row(c->table, values, count);
    return c->error;
}

int report_run(const struct report *report, struct query *query, const struct query_range *range, struct table *table, bool *ret_more)
{
    /* One row more than asked for tells whether there are more. */
    struct query_range asked = *range;
    asked.limit = range->limit > 0 ? range->limit + 1 : INT64_MAX;
    struct collecting c = {.table = table};
    int error = report->sql != NULL ? query_rows(query, report->sql, &asked, collect, &c) : report->walk(query, &asked, table);
    if (c.error != 0 || error < 0)
        return c.error != 0 ? c.error : error;
    bool more = range->limit > 0 && table_rows(table) > (size_t)range->limit;
    if (more)
        table_clip(table, (size_t)range->limit);
    *ret_more = more;
    return 0;
}
