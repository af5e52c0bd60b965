#include "analyse/device/device.h"
#include "report/table.h"

static const struct column columns[] = {
    {.name = "noroshi.device.class", .title = "class", .type = COLUMN_TEXT, .help = "class of the device, as rules and `search` name it"},
    {.name = "title", .title = "device", .type = COLUMN_TEXT, .help = "its name"},
    {.name = "models",
     .title = "models",
     .type = COLUMN_COUNT,
     .help = "different makers and models that were told, hosts without a model not counted"},
    {.name = "hosts", .title = "hosts", .type = COLUMN_COUNT, .help = "attacking hosts of that class"},
};

/* Other people's honeypots are no devices that attack. */
static const char sql[] =
    "SELECT class, NULL, count(DISTINCT CASE WHEN model IS NOT NULL THEN lower(coalesce(maker, '') || ' ' || model) END), count(*) AS hosts"
    " FROM host WHERE class IS NOT NULL AND honeypot IS NULL AND last_attack >= :since AND first_attack < :until"
    " GROUP BY class ORDER BY hosts DESC, class LIMIT :limit";

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
    row[1] = title != NULL ? value_text(span_text(title)) : values[0];
    w->error = table_row(w->table, row, count);
    return w->error;
}

static int walk(struct query *query, const struct query_range *range, struct table *table)
{
    struct walking w = {.table = table};
    int error = query_rows(query, sql, range, each, &w);
    return w.error != 0 ? w.error : error;
}

const struct report report_devices = {
    .name = "devices",
    .title = "Devices that attacked, the most frequent classes first",
    .help = "which devices attack: per class the models and the attacking hosts (those with an attack in the range)",
    .walk = walk,
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
};
