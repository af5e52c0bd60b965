#include "report/report.h"

static const struct column columns[] = {
    {.name = "day", .title = "day", .type = COLUMN_DAY, .help = "day, cut by report.timezone"},
    {.name = "network.protocol",
     .title = "service",
     .type = COLUMN_TEXT,
     .help = "service spoken; the ten most frequent of the time reported, the others together as other; empty when the source did not say"},
    {.name = "connections", .title = "connections", .type = COLUMN_COUNT, .help = "connections to it"},
    {.name = "sessions", .title = "sessions", .type = COLUMN_COUNT, .help = "conversations that ended"},
    {.name = "logins", .title = "logins", .type = COLUMN_COUNT, .help = "logins tried"},
    {.name = "commands", .title = "commands", .type = COLUMN_COUNT, .help = "command lines given"},
    {.name = "downloads", .title = "downloads", .type = COLUMN_COUNT, .help = "downloads asked for", .spare = 7},
    {.name = "samples", .title = "samples", .type = COLUMN_COUNT, .help = "files left, repeated ones included", .spare = 8},
    {.name = "refused",
     .title = "refused",
     .type = COLUMN_COUNT,
     .help = "connections refused, a refusal record each (one per source and minute)",
     .spare = 9},
};

/* The numbers are those of record/kinds.def. Findings (11) are ours, not an attacker's. */
static const char sql[] =
    "WITH top AS (SELECT protocol, sum(CASE WHEN kind = 1 THEN n ELSE 0 END) AS c, sum(n) AS a FROM rollup_service"
    " WHERE hour > :since - 3600000000 AND hour < :until AND kind <> 11 AND protocol <> 'other' GROUP BY protocol"
    " ORDER BY c DESC, a DESC, protocol LIMIT 10)"
    " SELECT (hour + :offset_usec) - (hour + :offset_usec) % 86400000000 AS d,"
    " CASE WHEN protocol IN (SELECT protocol FROM top) THEN protocol ELSE 'other' END AS p,"
    " sum(CASE WHEN kind = 1 THEN n ELSE 0 END) AS c, sum(CASE WHEN kind = 2 THEN n ELSE 0 END) AS s,"
    " sum(CASE WHEN kind = 3 THEN n ELSE 0 END), sum(CASE WHEN kind = 4 THEN n ELSE 0 END), sum(CASE WHEN kind = 5 THEN n ELSE 0 END),"
    " sum(CASE WHEN kind = 6 THEN n ELSE 0 END), sum(CASE WHEN kind = 10 THEN n ELSE 0 END)"
    " FROM rollup_service WHERE hour > :since - 3600000000 AND hour < :until AND kind <> 11"
    " GROUP BY d, p ORDER BY d, CASE WHEN p = 'other' THEN 1 ELSE 0 END, c DESC, s DESC, p LIMIT :limit";

const struct report report_services = {
    .name = "services",
    .title = "Services met per day",
    .help = "how much each service is attacked, day by day: the ten most frequent and the others together (whole hours)",
    .sql = sql,
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
};
