#include "report/report.h"

static const struct column columns[] = {
    {.name = "source.ip",
     .title = "source",
     .type = COLUMN_ADDR,
     .help = "address; :: stands for the sources above 1,000,000 of one day, counted together"},
    {.name = "connections", .title = "connections", .type = COLUMN_COUNT, .help = "connections it made", .spare = 5},
    {.name = "sessions", .title = "sessions", .type = COLUMN_COUNT, .help = "conversations of it that ended"},
    {.name = "logins", .title = "logins", .type = COLUMN_COUNT, .help = "logins it tried"},
    {.name = "logins_accepted", .title = "accepted", .type = COLUMN_COUNT, .help = "logins that were accepted"},
    {.name = "commands", .title = "commands", .type = COLUMN_COUNT, .help = "command lines it gave to a shell"},
    {.name = "downloads", .title = "downloads", .type = COLUMN_COUNT, .help = "downloads it asked for", .spare = 6},
    {.name = "samples", .title = "samples", .type = COLUMN_COUNT, .help = "files it left, repeated ones included", .spare = 7},
    {.name = "days", .title = "days", .type = COLUMN_COUNT, .unit = "days", .help = "UTC days on which it was seen", .spare = 9},
    {.name = "first_seen", .title = "first seen", .type = COLUMN_TIME, .help = "first record of it in the days reported", .spare = 8},
    {.name = "last_seen", .title = "last seen", .type = COLUMN_TIME, .help = "last record of it in the days reported"},
};

/* The narrow query chooses, the wide one fetches: the sorter then carries little over many days. */
static const char sql[] =
    "WITH top AS (SELECT source_ip, sum(connections) AS c, sum(sessions) AS s FROM rollup_source"
    " WHERE day > :since - 86400000000 AND day < :until GROUP BY source_ip ORDER BY c DESC, s DESC, source_ip LIMIT :limit)"
    " SELECT source_ip, sum(connections) AS c, sum(sessions) AS s, sum(logins), sum(logins_ok), sum(commands), sum(downloads), sum(samples),"
    " count(*), min(first), max(last) FROM rollup_source"
    " WHERE day > :since - 86400000000 AND day < :until AND source_ip IN (SELECT source_ip FROM top)"
    " GROUP BY source_ip ORDER BY c DESC, s DESC, source_ip";

const struct report report_attackers = {
    .name = "attackers",
    .title = "Sources of attacks, those with the most connections first",
    .help = "who attacks: per source address what it did and when (whole UTC days)",
    .sql = sql,
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .limit = 100,
};
