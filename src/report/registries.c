#include "report/table.h"
#include "store/contacts.h"

static const struct column columns[] = {
    {.name = "noroshi.lookup.server", .title = "server", .type = COLUMN_TEXT, .help = "WHOIS or RDAP server"},
    {.name = "registry", .title = "registry", .type = COLUMN_TEXT, .help = "whose it is, where it is listed", .spare = 3},
    {.name = "queries", .title = "queries", .type = COLUMN_COUNT, .help = "questions put to it in the range"},
    {.name = "refusals", .title = "refusals", .type = COLUMN_COUNT, .help = "of them: it said that it was too much, or answered with less for it"},
    {.name = "personal",
     .title = "personal",
     .type = COLUMN_COUNT,
     .help = "personal data sets in its answers in the range, as it counts them",
     .spare = 4},
    {.name = "queries_today", .title = "last 24 h", .type = COLUMN_COUNT, .help = "questions in the last 24 hours of the budgets' clock"},
    {.name = "queries_left",
     .title = "left",
     .type = COLUMN_COUNT,
     .help = "questions left of what it allows in 24 hours; nothing: no limit is known"},
    {.name = "personal_today", .title = "personal 24 h", .type = COLUMN_COUNT, .help = "personal data sets in the last 24 hours", .spare = 2},
    {.name = "personal_left", .title = "left", .type = COLUMN_COUNT, .help = "personal data sets left of what it allows; nothing: no limit is known"},
    {.name = "noroshi.lookup.state", .title = "last said", .type = COLUMN_TEXT, .help = "state of its last answer", .spare = 5},
    {.name = "back_off", .title = "not before", .type = COLUMN_TIME, .help = "until when we stay away because it said that it was too much"},
    {.name = "banned",
     .title = "banned",
     .type = COLUMN_TIME,
     .help = "since when it does not serve us; `noroshi contact --unban SERVER` when you have settled that"},
    {.name = "last_seen", .title = "last asked", .type = COLUMN_TIME, .help = "when it last answered", .spare = 1},
};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

/* What servers allow is not the store's to know: whoever prints the report tells. */
static struct report_limits (*told_find)(const void *user, struct span server);
static const void *told_user;
static int64_t told_speed = 1;

void report_tell_budgets(struct report_limits (*find)(const void *user, struct span server), const void *user, int64_t clock_speed)
{
    told_find = find;
    told_user = user;
    told_speed = clock_speed > 0 ? clock_speed : 1;
}

enum {
    SQL_SERVER,
    SQL_QUERIES,
    SQL_REFUSALS,
    SQL_PERSONAL,
    SQL_QUERIES_TODAY,
    SQL_PERSONAL_TODAY,
    SQL_STATE,
    SQL_BACK_OFF,
    SQL_BANNED,
    SQL_LAST,
    SQL_COLUMNS
};

/* ?1: the first hour of the last 24; ?2: now (numbered parameters must come before named ones). A connection whose answer never came counts as a
 * question. */
static const char sql[] =
    "WITH given AS (SELECT ?1 AS today, ?2 AS now)"
    " SELECT h.server, sum(CASE WHEN h.begin > :since - 3600000000 AND h.begin < :until THEN max(h.dials, h.questions) ELSE 0 END),"
    " sum(CASE WHEN h.begin > :since - 3600000000 AND h.begin < :until THEN h.refusals ELSE 0 END),"
    " sum(CASE WHEN h.begin > :since - 3600000000 AND h.begin < :until THEN h.personal ELSE 0 END),"
    " sum(CASE WHEN h.hour >= (SELECT today FROM given) THEN max(h.dials, h.questions) ELSE 0 END), sum(CASE WHEN h.hour >= (SELECT today FROM "
    "given) THEN h.personal ELSE 0 END),"
    " r.state, CASE WHEN r.back_off > (SELECT now FROM given) THEN r.back_off END, r.banned, r.last"
    " FROM registry_hour AS h LEFT JOIN registry AS r ON r.server = h.server GROUP BY h.server"
    " HAVING sum(CASE WHEN h.begin > :since - 3600000000 AND h.begin < :until THEN 1 ELSE 0 END) > 0 OR r.banned IS NOT NULL"
    " ORDER BY r.banned IS NULL, 2 DESC, h.server LIMIT :limit";

struct walking {
    struct table *table;
    int error;
};

static struct query_value left_of(unsigned limit, const struct query_value *used)
{
    if (limit == 0)
        return value_null();
    return value_int(used->number < (int64_t)limit ? (int64_t)limit - used->number : 0);
}

static int each(void *user, const struct query_value *v, size_t count)
{
    struct walking *w = user;
    if (count != SQL_COLUMNS)
        return 1;
    struct report_limits limits = {.per_day = 0};
    if (told_find != NULL)
        limits = told_find(told_user, v[SQL_SERVER].bytes);
    const struct query_value row[COLUMNS] = {
        v[SQL_SERVER],
        limits.registry.len > 0 ? value_text(limits.registry) : value_null(),
        v[SQL_QUERIES],
        v[SQL_REFUSALS],
        v[SQL_PERSONAL],
        v[SQL_QUERIES_TODAY],
        left_of(limits.per_day, &v[SQL_QUERIES_TODAY]),
        v[SQL_PERSONAL_TODAY],
        left_of(limits.personal_per_day, &v[SQL_PERSONAL_TODAY]),
        v[SQL_STATE],
        v[SQL_BACK_OFF],
        v[SQL_BANNED],
        v[SQL_LAST],
    };
    w->error = table_row(w->table, row, COLUMNS);
    return w->error;
}

static int walk(struct query *query, const struct query_range *range, struct table *table)
{
    struct walking w = {.table = table};
    usec_t now = usec_now();
    const struct query_value given[] = {value_int(contacts_hour(now, told_speed) - 24), value_int(now)};
    int error = query_rows_with(query, sql, range, given, 2, each, &w);
    return w.error != 0 ? w.error : error;
}

const struct report report_registries = {
    .name = "registries",
    .title = "Registries: what they were asked, and what they allow",
    .help = "questions, refusals and personal data sets per WHOIS and RDAP server, what is left of its budget, and who must not be asked now",
    .walk = walk,
    .columns = columns,
    .column_count = COLUMNS,
};
