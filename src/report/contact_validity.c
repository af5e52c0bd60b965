#include "report/report.h"

static const struct column columns[] = {
    {.name = "noroshi.channel", .title = "channel", .type = COLUMN_TEXT, .help = "way it was found; `total` counts each pair once"},
    {.name = "noroshi.contact.kind", .title = "kind", .type = COLUMN_TEXT, .help = "mail, form or account"},
    {.name = "collected", .title = "collected", .type = COLUMN_COUNT, .help = "pairs of a target and a contact"},
    {.name = "exists",
     .title = "(1) exists",
     .type = COLUMN_COUNT,
     .help = "(1): its mail domain has a mail host that has an address; an account is known"},
    {.name = "matches", .title = "(2) domain", .type = COLUMN_COUNT, .help = "(2): its domain is the target's"},
    {.name = "matches_partly",
     .title = "in part",
     .type = COLUMN_COUNT,
     .help = "same registrable domain, or same name with another suffix",
     .spare = 4},
    {.name = "rfc2142", .title = "(3-a)", .type = COLUMN_COUNT, .help = "(3-a): its local part is a mailbox name of RFC 2142"},
    {.name = "word",
     .title = "(3-b)",
     .type = COLUMN_COUNT,
     .help = "(3-b): its local part holds a word such as abuse, security or contact, those of (3-a) included"},
    {.name = "valid",
     .title = "valid",
     .type = COLUMN_COUNT,
     .help = "a mail address: (1) and one of (2), (3-a), (3-b); a form: a message and a way to be answered; "
             "an account: known, takes messages, owner matches"},
    {.name = "valid_share", .title = "valid", .type = COLUMN_REAL, .unit = "%", .help = "of those collected"},
    {.name = "exists_matches", .title = "(1)(2)", .type = COLUMN_COUNT, .help = "of those that exist: (2)", .spare = 3},
    {.name = "exists_rfc2142", .title = "(1)(3-a)", .type = COLUMN_COUNT, .help = "of those that exist: (3-a)", .spare = 3},
    {.name = "exists_word", .title = "(1)(3-b)", .type = COLUMN_COUNT, .help = "of those that exist: (3-b)", .spare = 3},
    {.name = "valid_of_existing", .title = "valid of (1)", .type = COLUMN_REAL, .unit = "%", .help = "valid ones of those that exist", .spare = 2},
    {.name = "unknown", .title = "unknown", .type = COLUMN_COUNT, .help = "whether it exists could not be found out", .spare = 1},
};

#define CHANNEL(name) " UNION ALL SELECT '" #name "'"
#define SUMS                                                                                                                 \
    "kind, count(*), sum(lives), sum(exact), sum(part), sum(mailbox), sum(worded), sum(good), sum(good) * 100.0 / count(*)," \
    " sum(lives * exact), sum(lives * mailbox), sum(lives * worded), sum(lives * good) * 100.0 / nullif(sum(lives), 0), sum(unknown)"

/* Flags are 0 or 1. */
static const char sql[] =
    "WITH names AS (SELECT '' AS channel WHERE 0"
#include "contact/channels.def"
    "), ch AS (SELECT channel, row_number() OVER () AS place FROM names),"
    " c AS (SELECT number, kind, CASE WHEN there = 'yes' THEN 1 ELSE 0 END AS lives,"
    " CASE WHEN match = 'exact' THEN 1 ELSE 0 END AS exact, CASE WHEN match IN ('registrable', 'name') THEN 1 ELSE 0 END AS part,"
    " CASE WHEN rfc2142 = 1 THEN 1 ELSE 0 END AS mailbox, CASE WHEN word = 1 THEN 1 ELSE 0 END AS worded,"
    " CASE WHEN valid = 'yes' THEN 1 ELSE 0 END AS good, CASE WHEN there IN ('yes', 'no') THEN 0 ELSE 1 END AS unknown"
    " FROM contact WHERE objection = '' AND last >= :since AND last < :until),"
    " p AS (SELECT DISTINCT o.channel AS channel, number, kind, lives, exact, part, mailbox, worded, good, unknown"
    " FROM c JOIN contact_origin AS o ON o.contact = c.number AND o.objection = ''),"
    " sums(place, channel, kind, collected, exist, matches, partly, mailbox, words, good, share, e2, e3a, e3b, good_share, unknown) AS"
    " (SELECT ch.place, p.channel, " SUMS " FROM p LEFT JOIN ch ON ch.channel = p.channel GROUP BY p.channel, kind"
    " UNION ALL SELECT 1000, 'total', " SUMS " FROM c GROUP BY kind)"
    " SELECT channel, kind, collected, exist, matches, partly, mailbox, words, good, share, e2, e3a, e3b, good_share, unknown FROM sums"
    " ORDER BY place, CASE kind WHEN 'mail' THEN 0 WHEN 'form' THEN 1 ELSE 2 END LIMIT :limit";
#undef CHANNEL

const struct report report_contact_validity = {
    .name = "contact-validity",
    .title = "Are the contacts any good?",
    .help = "of the contacts of each channel: which exist, fit the target's domain, are made for such notices, and are valid by the paper's rule",
    .sql = sql,
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
};
