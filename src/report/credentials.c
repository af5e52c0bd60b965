#include "report/report.h"

static const struct column columns[] = {
    {.name = "user.name",
     .title = "user",
     .type = COLUMN_TEXT,
     .help = "user name tried, cut at 256 bytes; none with key logins and for the pairs above 50,000 of one day, counted together"},
    {.name = "noroshi.password", .title = "password", .type = COLUMN_TEXT, .help = "password tried, cut at 256 bytes"},
    {.name = "logins", .title = "logins", .type = COLUMN_COUNT, .help = "times the pair was tried"},
    {.name = "logins_accepted", .title = "accepted", .type = COLUMN_COUNT, .help = "times it was accepted"},
    {.name = "days", .title = "days", .type = COLUMN_COUNT, .unit = "days", .help = "UTC days on which it was tried", .spare = 9},
    {.name = "first_seen", .title = "first seen", .type = COLUMN_TIME, .help = "first try in the days reported", .spare = 8},
    {.name = "last_seen", .title = "last seen", .type = COLUMN_TIME, .help = "last try in the days reported"},
};

static const char sql[] =
    "WITH top AS (SELECT hash, sum(tried) AS n FROM rollup_credential WHERE day > :since - 86400000000 AND day < :until"
    " GROUP BY hash ORDER BY n DESC, hash LIMIT :limit)"
    " SELECT max(user) AS u, max(password) AS p, sum(tried) AS n, sum(ok), count(*), min(first), max(last) FROM rollup_credential"
    " WHERE day > :since - 86400000000 AND day < :until AND hash IN (SELECT hash FROM top)"
    " GROUP BY hash ORDER BY n DESC, u, p, hash";

const struct report report_credentials = {
    .name = "credentials",
    .title = "Credentials tried, the most frequent first",
    .help = "which user names and passwords are tried (whole UTC days)",
    .sql = sql,
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .limit = 100,
};
