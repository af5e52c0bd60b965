#include "report/report.h"

static const struct column columns[] = {
    {.name = "noroshi.channel", .title = "channel", .type = COLUMN_TEXT, .help = "way to find contacts; last comes `total`, each pair once"},
    {.name = "tried", .title = "tried", .type = COLUMN_COUNT, .help = "targets that the channel was asked for, in the latest search for each"},
    {.name = "found", .title = "found for", .type = COLUMN_COUNT, .help = "of them: it found a contact", .spare = 2},
    {.name = "mail", .title = "mail", .type = COLUMN_COUNT, .help = "pairs of a target and a mail address"},
    {.name = "mail_only", .title = "only here", .type = COLUMN_REAL, .unit = "%", .help = "of these pairs: found by no other channel"},
    {.name = "form", .title = "forms", .type = COLUMN_COUNT, .help = "pairs of a target and a page with a form"},
    {.name = "form_only", .title = "only here", .type = COLUMN_REAL, .unit = "%", .help = "of these pairs: found by no other channel"},
    {.name = "account", .title = "accounts", .type = COLUMN_COUNT, .help = "pairs of a target and an account of a social network"},
    {.name = "account_only", .title = "only here", .type = COLUMN_REAL, .unit = "%", .help = "of these pairs: found by no other channel"},
    {.name = "pairs", .title = "pairs", .type = COLUMN_COUNT, .help = "all of them"},
    {.name = "pairs_only", .title = "only here", .type = COLUMN_REAL, .unit = "%", .help = "of all: found by no other channel"},
    {.name = "objected", .title = "none", .type = COLUMN_COUNT, .help = "pairs that stood in an answer and are no contacts", .spare = 1},
};

#define CHANNEL(name) " UNION ALL SELECT '" #name "'"
#define OF(kind) "sum(CASE WHEN kind = '" kind "' THEN 1 ELSE 0 END)"
#define ONLY(kind) "sum(CASE WHEN kind = '" kind "' AND finders = 1 THEN 1 ELSE 0 END) * 100.0 / nullif(" OF(kind) ", 0)"

/* What a later search no longer found is not in the table contact: pairs are those known now, seen last in the range. */
static const char sql[] =
    "WITH names AS (SELECT '' AS channel WHERE 0"
#include "contact/channels.def"
    "), ch AS (SELECT channel, row_number() OVER () AS place FROM names),"
    " o AS (SELECT DISTINCT contact, channel FROM contact_origin WHERE objection = ''),"
    " p AS (SELECT c.number AS number, c.address AS address, c.domain AS domain, c.kind AS kind, o.channel AS channel,"
    " count(*) OVER (PARTITION BY c.number) AS finders FROM contact AS c JOIN o ON o.contact = c.number"
    " WHERE c.last >= :since AND c.last < :until),"
    " sums AS (SELECT channel, count(DISTINCT hex(address) || domain) AS found, " OF("mail") " AS mail, " ONLY("mail") " AS mail_only, " OF(
        "form") " AS form, " ONLY("form") " AS form_only, " OF("account") " AS account, " ONLY("account") " AS account_only, count(*) AS pairs,"
                                                                                                          " sum(CASE WHEN finders = 1 THEN 1 "
                                                                                                          "ELSE 0 END) * 100.0 / count(*) AS "
                                                                                                          "pairs_only FROM p GROUP BY channel),"
                                                                                                          " q AS (SELECT address, domain, ',' || "
                                                                                                          "replace(channels, ' ', '') || ',' AS "
                                                                                                          "channels FROM quest WHERE last >= "
                                                                                                          ":since AND last < :until),"
                                                                                                          " none AS (SELECT o.channel AS "
                                                                                                          "channel, count(DISTINCT o.contact) AS "
                                                                                                          "n FROM contact_origin AS o JOIN "
                                                                                                          "contact AS c ON c.number = o.contact"
                                                                                                          " WHERE o.objection <> '' AND c.last "
                                                                                                          ">= :since AND c.last < :until GROUP "
                                                                                                          "BY o.channel),"
                                                                                                          " once AS (SELECT number, min(address) "
                                                                                                          "AS address, min(domain) AS domain, "
                                                                                                          "min(kind) AS kind, 2 AS finders FROM "
                                                                                                          "p GROUP BY number)"
                                                                                                          " SELECT channel, tried, found, mail, "
                                                                                                          "mail_only, form, form_only, account, "
                                                                                                          "account_only, pairs, pairs_only, "
                                                                                                          "objected FROM ("
                                                                                                          " SELECT ch.place AS place, ch.channel "
                                                                                                          "AS channel, (SELECT count(*) FROM q "
                                                                                                          "WHERE instr(q.channels, ',' || "
                                                                                                          "ch.channel || ',') > 0) AS tried,"
                                                                                                          " ifnull(found, 0) AS found, "
                                                                                                          "ifnull(mail, 0) AS mail, mail_only, "
                                                                                                          "ifnull(form, 0) AS form, form_only, "
                                                                                                          "ifnull(account, 0) AS account,"
                                                                                                          " account_only, ifnull(pairs, 0) AS "
                                                                                                          "pairs, pairs_only, ifnull(none.n, 0) "
                                                                                                          "AS objected FROM ch LEFT JOIN sums ON "
                                                                                                          "sums.channel = ch.channel"
                                                                                                          " LEFT JOIN none ON none.channel = "
                                                                                                          "ch.channel"
                                                                                                          " UNION ALL SELECT 1000, 'total', "
                                                                                                          "(SELECT count(*) FROM q), "
                                                                                                          "count(DISTINCT hex(address) || "
                                                                                                          "domain), " OF("mail") ", NULL, " OF(
                                                                                                              "form") ","
                                                                                                                      " NULL, " OF(
                                                                                                                          "account") ", NULL, "
                                                                                                                                     "count(*), "
                                                                                                                                     "NULL, "
                                                                                                                                     "(SELECT "
                                                                                                                                     "count(*) "
                                                                                                                                     "FROM "
                                                                                                                                     "contact "
                                                                                                                                     "WHERE "
                                                                                                                                     "objection "
                                                                                                                                     "<> '' AND "
                                                                                                                                     "last >= "
                                                                                                                                     ":since AND "
                                                                                                                                     "last < "
                                                                                                                                     ":until)"
                                                                                                                                     " FROM once "
                                                                                                                                     "HAVING "
                                                                                                                                     "count(*) > "
                                                                                                                                     "0 OR "
                                                                                                                                     "(SELECT "
                                                                                                                                     "count(*) "
                                                                                                                                     "FROM q) > "
                                                                                                                                     "0)"
                                                                                                                                     " WHERE "
                                                                                                                                     "tried > 0 "
                                                                                                                                     "OR pairs > "
                                                                                                                                     "0 OR "
                                                                                                                                     "objected > "
                                                                                                                                     "0 ORDER BY "
                                                                                                                                     "place "
                                                                                                                                     "LIMIT "
                                                                                                                                     ":limit";
#undef CHANNEL

const struct report report_contacts = {
    .name = "contacts",
    .title = "Contacts found, per channel",
    .help = "pairs of a target and a contact per channel and kind, and the share of them found by no other channel",
    .sql = sql,
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
};
