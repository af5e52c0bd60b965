#include "report/report.h"

static const struct column columns[] = {
    {.name = "day", .title = "day", .type = COLUMN_DAY, .help = "UTC day"},
    {.name = "noroshi.probe", .title = "probe", .type = COLUMN_TEXT, .help = "what was asked"},
    {.name = "sent", .title = "sent", .type = COLUMN_COUNT, .help = "connections that policy allowed; each has its record"},
    {.name = "answered", .title = "answered", .type = COLUMN_COUNT, .help = "of them: the host said something"},
    {.name = "closed", .title = "closed", .type = COLUMN_COUNT, .help = "of them: the port is closed", .spare = 2},
    {.name = "unanswered", .title = "unanswered", .type = COLUMN_COUNT, .help = "of them: nothing came, or nothing usable", .spare = 1},
    {.name = "refused", .title = "refused", .type = COLUMN_COUNT, .help = "connections that policy refused: not a packet was sent"},
    {.name = "opted_out", .title = "opted out", .type = COLUMN_COUNT, .help = "of the refused: the owner does not want to be probed"},
    {.name = "reasons", .title = "why refused", .type = COLUMN_TEXT, .help = "reasons and their numbers"},
};

#define ANSWERED "'answered', 'quiet', 'too much', 'other protocol'"

static const char sql[] =
    "SELECT day, probe, sum(CASE WHEN step = 'dial' AND word = '' THEN n ELSE 0 END),"
    " sum(CASE WHEN step = 'answer' AND word IN (" ANSWERED ") THEN n ELSE 0 END),"
    " sum(CASE WHEN step = 'answer' AND word = 'refused' THEN n ELSE 0 END),"
    " sum(CASE WHEN step = 'answer' AND word NOT IN (" ANSWERED ", 'refused', 'policy') THEN n ELSE 0 END),"
    " sum(CASE WHEN step = 'dial' AND word <> '' THEN n ELSE 0 END),"
    " sum(CASE WHEN step = 'dial' AND word = 'opted out' THEN n ELSE 0 END),"
    " (SELECT group_concat(word || ' ' || n, ', ') FROM (SELECT word, n FROM rollup_probe AS r WHERE r.day = p.day AND r.probe = p.probe"
    " AND r.step = 'dial' AND r.word <> '' ORDER BY n DESC, word))"
    " FROM rollup_probe AS p WHERE day > :since - 86400000000 AND day < :until GROUP BY day, probe ORDER BY day DESC, probe LIMIT :limit";

const struct report report_probes = {
    .name = "probes",
    .title = "Probes sent and refused, per day and probe",
    .help = "what was asked of other hosts, what they answered, and what policy refused and why (whole UTC days)",
    .sql = sql,
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .limit = 200,
};
