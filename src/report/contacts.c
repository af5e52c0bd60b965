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

/* What a later search no longer found is not in the table contact: pairs are those known now, seen last in the range. Flags are 0 or 1. */
static const char sql[] =
    "WITH names AS (SELECT '' AS channel WHERE 0"
#include "contact/channels.def"
    "), ch AS (SELECT channel, row_number() OVER () AS place FROM names),"
    " o AS (SELECT DISTINCT contact, channel FROM contact_origin WHERE objection = ''),"
    " c AS (SELECT number, hex(address) || domain AS target, objection, CASE WHEN kind = 'mail' THEN 1 ELSE 0 END AS mail,"
    " CASE WHEN kind = 'form' THEN 1 ELSE 0 END AS form, CASE WHEN kind = 'account' THEN 1 ELSE 0 END AS account"
    " FROM contact WHERE last >= :since AND last < :until),"
    " p AS (SELECT channel, number, target, mail, form, account, CASE WHEN count(*) OVER (PARTITION BY number) = 1 THEN 1 ELSE 0 END AS only"
    " FROM c JOIN o ON o.contact = c.number),"
    " sums AS (SELECT channel, count(DISTINCT target) AS targets, sum(mail) AS mails, sum(mail * only) * 100.0 / nullif(sum(mail), 0) AS mail_only,"
    " sum(form) AS forms, sum(form * only) * 100.0 / nullif(sum(form), 0) AS form_only,"
    " sum(account) AS accounts, sum(account * only) * 100.0 / nullif(sum(account), 0) AS account_only,"
    " count(*) AS pairs, sum(only) * 100.0 / count(*) AS pairs_only FROM p GROUP BY channel),"
    " q AS (SELECT ',' || replace(channels, ' ', '') || ',' AS channels FROM quest WHERE last >= :since AND last < :until),"
    " none AS (SELECT o.channel AS channel, count(DISTINCT o.contact) AS n FROM contact_origin AS o JOIN c ON c.number = o.contact"
    " WHERE o.objection <> '' GROUP BY o.channel),"
    " once AS (SELECT DISTINCT number, target, mail, form, account FROM p)"
    " SELECT channel, tried, found, mails, mail_only, forms, form_only, accounts, account_only, pairs, pairs_only, objected FROM ("
    " SELECT ch.place AS place, ch.channel AS channel,"
    " (SELECT count(*) FROM q WHERE instr(q.channels, ',' || ch.channel || ',') > 0) AS tried, ifnull(sums.targets, 0) AS found,"
    " ifnull(sums.mails, 0) AS mails, mail_only, ifnull(sums.forms, 0) AS forms, form_only, ifnull(sums.accounts, 0) AS accounts, account_only,"
    " ifnull(sums.pairs, 0) AS pairs, pairs_only, ifnull(none.n, 0) AS objected"
    " FROM ch LEFT JOIN sums ON sums.channel = ch.channel LEFT JOIN none ON none.channel = ch.channel"
    " UNION ALL SELECT 1000, 'total', (SELECT count(*) FROM q), count(DISTINCT target), sum(mail), NULL, sum(form), NULL, sum(account), NULL,"
    " count(*), NULL, (SELECT count(*) FROM c WHERE objection <> '')"
    " FROM once HAVING count(*) > 0 OR (SELECT count(*) FROM q) > 0)"
    " WHERE tried > 0 OR pairs > 0 OR objected > 0 ORDER BY place LIMIT :limit";
#undef CHANNEL

const struct report report_contacts = {
    .name = "contacts",
    .title = "Contacts found, per channel",
    .help = "pairs of a target and a contact per channel and kind, and the share of them found by no other channel",
    .sql = sql,
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
};
