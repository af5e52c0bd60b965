#include "report/report.h"

static const struct column columns[] = {
    {.name = "process.command_line",
     .title = "command",
     .type = COLUMN_TEXT,
     .help = "the line, cut at 512 bytes; none for the lines above 20,000 of one day, counted together"},
    {.name = "commands", .title = "times", .type = COLUMN_COUNT, .help = "times it was given to a shell"},
    {.name = "days", .title = "days", .type = COLUMN_COUNT, .unit = "days", .help = "UTC days on which it was given", .spare = 9},
    {.name = "first_seen", .title = "first seen", .type = COLUMN_TIME, .help = "first time in the days reported", .spare = 8},
    {.name = "last_seen", .title = "last seen", .type = COLUMN_TIME, .help = "last time in the days reported", .spare = 7},
};

static const char sql[] = "WITH top AS (SELECT hash, sum(n) AS total FROM rollup_command WHERE day > :since - 86400000000 AND day < :until"
                          " GROUP BY hash ORDER BY total DESC, hash LIMIT :limit)"
                          " SELECT max(command) AS line, sum(n) AS total, count(*), min(first), max(last) FROM rollup_command"
                          " WHERE day > :since - 86400000000 AND day < :until AND hash IN (SELECT hash FROM top)"
                          " GROUP BY hash ORDER BY total DESC, line, hash";

const struct report report_commands = {
    .name = "commands",
    .title = "Command lines given to shells, the most frequent first",
    .help = "what attackers type once they are in (whole UTC days)",
    .sql = sql,
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .limit = 100,
};
