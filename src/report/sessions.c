#include "report/table.h"

static const struct column columns[] = {
    {.name = "noroshi.session", .title = "session", .type = COLUMN_ID, .help = "its id, for `show session`"},
    {.name = "event.start", .title = "start", .type = COLUMN_TIME, .help = "when it began"},
    {.name = "event.duration", .title = "duration", .type = COLUMN_DURATION, .unit = "ns", .help = "how long it lasted", .spare = 2},
    {.name = "source.ip", .title = "source", .type = COLUMN_ADDR, .help = "address it came from"},
    {.name = "source.port", .title = "port", .type = COLUMN_COUNT, .help = "port it came from", .spare = 5},
    {.name = "destination.ip", .title = "to", .type = COLUMN_ADDR, .help = "address of ours", .spare = 8},
    {.name = "destination.port", .title = "port", .type = COLUMN_COUNT, .help = "port of ours", .spare = 1},
    {.name = "network.protocol", .title = "service", .type = COLUMN_TEXT, .help = "service spoken"},
    {.name = "noroshi.session.logged_in", .title = "in", .type = COLUMN_COUNT, .help = "1 when a login was accepted, else 0", .spare = 3},
    {.name = "noroshi.session.logins", .title = "logins", .type = COLUMN_COUNT, .help = "login attempts"},
    {.name = "noroshi.session.commands", .title = "commands", .type = COLUMN_COUNT, .help = "command lines"},
    {.name = "noroshi.session.downloads", .title = "downloads", .type = COLUMN_COUNT, .help = "download commands", .spare = 6},
    {.name = "noroshi.session.samples", .title = "samples", .type = COLUMN_COUNT, .help = "samples kept", .spare = 7},
    {.name = "event.reason", .title = "end", .type = COLUMN_TEXT, .help = "why it ended", .spare = 4},
    {.name = "noroshi.profile", .title = "profile", .type = COLUMN_TEXT, .help = "device profile that answered", .spare = 9},
};

enum { COLUMNS = sizeof columns / sizeof columns[0] };

struct walking {
    struct table *table;
    int64_t limit;
    int error;
};

static struct query_value number_of(const struct record *r, enum fact_name name)
{
    const struct fact *f = record_fact(r, name);
    return f != NULL ? value_int(f->number) : value_null();
}

static struct query_value text_of(const struct record *r, enum fact_name name)
{
    const struct fact *f = record_fact(r, name);
    return f != NULL ? value_text(f->text) : value_null();
}

static struct query_value addr_of(const struct addr *addr)
{
    static const struct addr none;
    return addr_equal(*addr, none) ? value_null() : value_bytes(span_of(addr->bytes, sizeof addr->bytes));
}

static int each(void *user, const struct record *r)
{
    struct walking *w = user;
    const struct fact *duration = record_fact(r, FACT_EVENT_DURATION);
    const struct query_value row[COLUMNS] = {
        value_bytes(span_of(r->session.bytes, sizeof r->session.bytes)),
        value_int(r->time - (duration != NULL ? duration->number / 1000 : 0)),
        number_of(r, FACT_EVENT_DURATION),
        addr_of(&r->source.addr),
        r->source.port > 0 ? value_int(r->source.port) : value_null(),
        addr_of(&r->destination.addr),
        r->destination.port > 0 ? value_int(r->destination.port) : value_null(),
        text_of(r, FACT_NETWORK_PROTOCOL),
        number_of(r, FACT_LOGGED_IN),
        number_of(r, FACT_LOGINS),
        number_of(r, FACT_COMMANDS),
        number_of(r, FACT_DOWNLOADS),
        number_of(r, FACT_SAMPLES),
        text_of(r, FACT_EVENT_REASON),
        text_of(r, FACT_PROFILE),
    };
    w->error = table_row(w->table, row, COLUMNS);
    return w->error != 0 || (int64_t)table_rows(w->table) >= w->limit;
}

static int walk(struct query *query, const struct query_range *range, struct table *table)
{
    struct query_filter filter = {.since = range->since, .until = range->until, .kinds = UINT64_C(1) << KIND_SESSION, .newest_first = true};
    struct walking w = {.table = table, .limit = range->limit};
    int error = query_records(query, &filter, each, &w);
    return w.error != 0 ? w.error : error < 0 ? error : 0;
}

const struct report report_sessions = {
    .name = "sessions",
    .title = "Conversations, the latest first",
    .help = "single conversations that ended in the range, the latest first; `show session ID` shows one",
    .walk = walk,
    .columns = columns,
    .column_count = COLUMNS,
    .limit = 100,
};
