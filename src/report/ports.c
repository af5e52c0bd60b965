#include "report/report.h"

static const struct column columns[] = {
    {.name = "destination.port", .title = "port", .type = COLUMN_COUNT, .help = "port of ours"},
    {.name = "network.transport", .title = "transport", .type = COLUMN_TEXT, .help = "tcp, udp, icmp"},
    {.name = "connections", .title = "connections", .type = COLUMN_COUNT, .help = "connections to it"},
    {.name = "sessions", .title = "sessions", .type = COLUMN_COUNT, .help = "conversations on it that ended", .spare = 6},
    {.name = "logins", .title = "logins", .type = COLUMN_COUNT, .help = "logins tried on it"},
    {.name = "commands", .title = "commands", .type = COLUMN_COUNT, .help = "command lines given on it"},
    {.name = "downloads", .title = "downloads", .type = COLUMN_COUNT, .help = "downloads asked for on it", .spare = 7},
    {.name = "samples", .title = "samples", .type = COLUMN_COUNT, .help = "files left on it, repeated ones included", .spare = 8},
    {.name = "refused", .title = "refused", .type = COLUMN_COUNT, .help = "connections to it that were refused", .spare = 5},
    {.name = "first_seen", .title = "first seen", .type = COLUMN_TIME, .help = "first record of it in the hours reported", .spare = 9},
    {.name = "last_seen", .title = "last seen", .type = COLUMN_TIME, .help = "last record of it in the hours reported", .spare = 4},
};

/* The numbers are those of record/kinds.def. */
static const char sql[] =
    "SELECT r.port AS p, t.name AS t, sum(CASE WHEN r.kind = 1 THEN r.n ELSE 0 END) AS c, sum(CASE WHEN r.kind = 2 THEN r.n ELSE 0 END) AS s,"
    " sum(CASE WHEN r.kind = 3 THEN r.n ELSE 0 END), sum(CASE WHEN r.kind = 4 THEN r.n ELSE 0 END),"
    " sum(CASE WHEN r.kind = 5 THEN r.n ELSE 0 END), sum(CASE WHEN r.kind = 6 THEN r.n ELSE 0 END),"
    " sum(CASE WHEN r.kind = 10 THEN r.n ELSE 0 END) AS f, min(r.first), max(r.last)"
    " FROM rollup_port AS r JOIN transport AS t ON t.number = r.transport"
    " WHERE r.hour > :since - 3600000000 AND r.hour < :until AND r.port > 0"
    " GROUP BY r.port, t.name ORDER BY c DESC, s DESC, f DESC, p, t LIMIT :limit";

const struct report report_ports = {
    .name = "ports",
    .title = "Ports of ours that were met, those with the most connections first",
    .help = "which ports are attacked (whole hours)",
    .sql = sql,
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .limit = 100,
};
