#include "report/report.h"

static const struct column columns[] = {
    {.name = "network", .title = "network", .type = COLUMN_TEXT, .help = "social network, by the account's host; last comes `total`"},
    {.name = "links", .title = "links", .type = COLUMN_COUNT, .help = "pairs of a target and an account that its pages link to"},
    {.name = "accounts", .title = "accounts", .type = COLUMN_COUNT, .help = "different accounts of these", .spare = 1},
    {.name = "known", .title = "(1-a) known", .type = COLUMN_COUNT, .help = "pairs whose account exists"},
    {.name = "messages", .title = "(1-b) messages", .type = COLUMN_COUNT, .help = "of the known: it takes messages from strangers"},
    {.name = "messages_share", .title = "of known", .type = COLUMN_REAL, .unit = "%", .help = "of the known"},
    {.name = "owner", .title = "(2) owner", .type = COLUMN_COUNT, .help = "of the known: its owner is the page's"},
    {.name = "valid", .title = "valid", .type = COLUMN_COUNT, .help = "all three"},
    {.name = "unknown",
     .title = "unchecked",
     .type = COLUMN_COUNT,
     .help = "pairs whose account nobody has looked at; `noroshi contact --check` enters what you saw"},
};

/* Each flag is 0 or 1. */
#define SUMS                                                                                               \
    "count(*), count(DISTINCT value), sum(known), sum(takes), sum(takes) * 100.0 / nullif(sum(known), 0)," \
    " sum(owned), sum(takes * owned), sum(unknown)"

static const char sql[] =
    "WITH c AS (SELECT c.value AS value, coalesce(a.there, c.there) AS there, coalesce(a.messages, 'unknown') AS messages,"
    " coalesce(a.owner, 'unknown') AS owner, substr(c.value, instr(c.value, '://') + 3) AS rest FROM contact AS c LEFT JOIN account AS a"
    " ON a.url = c.value WHERE c.kind = 'account' AND c.objection = '' AND c.last >= :since AND c.last < :until),"
    " h AS (SELECT value, there, messages, owner, CASE WHEN instr(rest, '/') > 0 THEN substr(rest, 1, instr(rest, '/') - 1) ELSE rest END AS host"
    " FROM c),"
    " n AS (SELECT value, CASE WHEN there = 'yes' THEN 1 ELSE 0 END AS known,"
    " CASE WHEN there = 'yes' AND messages = 'yes' THEN 1 ELSE 0 END AS takes,"
    " CASE WHEN there = 'yes' AND owner = 'yes' THEN 1 ELSE 0 END AS owned,"
    " CASE WHEN there IN ('yes', 'no') THEN 0 ELSE 1 END AS unknown,"
    " CASE WHEN host LIKE 'www.%' THEN substr(host, 5) ELSE host END AS network FROM h),"
    " sums(place, network, links, accounts, known, messages, share, owner, good, unknown) AS (SELECT 0, network, " SUMS " FROM n GROUP BY network"
    " UNION ALL SELECT 1, 'total', " SUMS " FROM n HAVING count(*) > 0)"
    " SELECT network, links, accounts, known, messages, share, owner, good, unknown FROM sums ORDER BY place, links DESC, network LIMIT :limit";

const struct report report_sns = {
    .name = "sns",
    .title = "Accounts of social networks",
    .help = "accounts that targets' pages link to: which are known, take messages, and are the page's owner's",
    .sql = sql,
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
};
