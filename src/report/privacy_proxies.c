#include "report/report.h"

static const struct column columns[] = {
    {.name = "mail_domain",
     .title = "mail domain",
     .type = COLUMN_TEXT,
     .help = "domain of mail addresses in the WHOIS entries of different domains"},
    {.name = "domains", .title = "domains", .type = COLUMN_COUNT, .help = "different domains whose entry names it"},
    {.name = "addresses", .title = "addresses", .type = COLUMN_COUNT, .help = "different addresses there"},
    {.name = "pairs", .title = "pairs", .type = COLUMN_COUNT, .help = "pairs of a target and such an address", .spare = 1},
    {.name = "known", .title = "known", .type = COLUMN_COUNT, .help = "1 when it is in our list of privacy services, else 0: worth a look"},
    {.name = "free_mail", .title = "free mail", .type = COLUMN_COUNT, .help = "1 when it is a provider of mailboxes for everyone, else 0"},
    {.name = "share", .title = "share", .type = COLUMN_REAL, .unit = "%", .help = "of all addresses found by WHOIS of domains"},
};

/* The method: a mail domain that recurs for different input domains. Addresses are told apart by their domain entry, as the paper counts them. */
static const char sql[] =
    "WITH p AS (SELECT DISTINCT c.number AS number, c.value AS value, c.mail_domain AS mail_domain, c.flags AS flags,"
    " CASE WHEN o.found_for <> '' THEN o.found_for ELSE c.domain END AS input FROM contact AS c JOIN contact_origin AS o ON o.contact = c.number"
    " WHERE o.channel = 'domain_whois' AND o.objection IN ('', 'registry') AND c.kind = 'mail' AND c.last >= :since AND c.last < :until),"
    " t AS (SELECT count(DISTINCT input || ' ' || value) AS n FROM p)"
    " SELECT mail_domain, count(DISTINCT input) AS domains, count(DISTINCT value), count(DISTINCT number),"
    " max(CASE WHEN instr(flags, 'privacy-proxy') > 0 THEN 1 ELSE 0 END), max(CASE WHEN instr(flags, 'free-mail') > 0 THEN 1 ELSE 0 END),"
    " count(DISTINCT input || ' ' || value) * 100.0 / (SELECT n FROM t) FROM p GROUP BY mail_domain HAVING count(DISTINCT input) > 1"
    " ORDER BY domains DESC, mail_domain LIMIT :limit";

const struct report report_privacy_proxies = {
    .name = "privacy-proxies",
    .title = "Mail domains that recur in the WHOIS entries of different domains",
    .help = "mail domains in the entries of more than one domain: privacy services among them, those we know and those to look at",
    .sql = sql,
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .limit = 200,
};
