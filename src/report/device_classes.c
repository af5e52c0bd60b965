#include "analyse/device/device.h"
#include "report/table.h"

static const struct column columns[] = {
    {.name = "noroshi.device.class",
     .title = "class",
     .type = COLUMN_TEXT,
     .help = "class of device; last come `identified`, hosts with a class, and `attackers`, all attacking hosts"},
    {.name = "title", .title = "device", .type = COLUMN_TEXT, .help = "its name"},
    {.name = "hosts", .title = "hosts", .type = COLUMN_COUNT, .help = "attacking hosts; one that shows several classes counts in each"},
    {.name = "share", .title = "share", .type = COLUMN_REAL, .unit = "%", .help = "of all attacking hosts"},
};

/* Classes that say little are a host's only when nothing better is known of it. */
static const char sql[] =
    "WITH a AS (SELECT source_ip, class FROM host WHERE last_attack >= :since AND first_attack < :until AND honeypot IS NULL),"
    " t AS (SELECT count(*) AS n FROM a),"
    " c AS (SELECT source_ip AS address, class FROM a WHERE class IS NOT NULL"
    " UNION SELECT e.address, e.class FROM evidence AS e JOIN a ON a.source_ip = e.address WHERE e.class IS NOT NULL AND e.residue IS NULL"
    " AND e.honeypot IS NULL AND e.class NOT IN ('embedded', 'server', 'other'))"
    " SELECT class, NULL, hosts, share FROM ("
    " SELECT 0 AS part, class, count(*) AS hosts, count(*) * 100.0 / (SELECT n FROM t) AS share FROM c GROUP BY class"
    " UNION ALL SELECT 1, 'identified', count(DISTINCT address), count(DISTINCT address) * 100.0 / (SELECT n FROM t) FROM c WHERE (SELECT n FROM t) "
    "> 0"
    " UNION ALL SELECT 2, 'attackers', n, 100.0 FROM t WHERE n > 0) ORDER BY part, hosts DESC, class LIMIT :limit";

struct walking {
    struct table *table;
    int error;
};

static int each(void *user, const struct query_value *values, size_t count)
{
    struct walking *w = user;
    struct query_value row[sizeof columns / sizeof columns[0]];
    const char *title = class_title(values[0].bytes);
    memcpy(row, values, sizeof row);
    row[1] = title != NULL ? value_text(span_text(title)) : value_null();
    /* Not one attacker: the sums over nothing are no row. */
    if (row[2].type != QUERY_INT || row[3].type == QUERY_NULL)
        return 0;
    w->error = table_row(w->table, row, count);
    return w->error;
}

static int walk(struct query *query, const struct query_range *range, struct table *table)
{
    struct walking w = {.table = table};
    int error = query_rows(query, sql, range, each, &w);
    return w.error != 0 ? w.error : error;
}

const struct report report_device_classes = {
    .name = "device-classes",
    .title = "Classes of devices among the attackers, and how many of these were identified",
    .help = "how many attacking hosts show each class of device, and which share of the attackers could be identified at all",
    .walk = walk,
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
};
