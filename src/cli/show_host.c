#include "base/err.h"
#include "cli/show.h"

enum { RECORDS_MAX = 200000, LISTED_MAX = 20 };

static const struct column sum_columns[] = {
    {.name = "connections", .title = "connections", .type = COLUMN_COUNT},
    {.name = "sessions", .title = "sessions", .type = COLUMN_COUNT},
    {.name = "logins", .title = "logins", .type = COLUMN_COUNT},
    {.name = "logins_accepted", .title = "accepted", .type = COLUMN_COUNT},
    {.name = "commands", .title = "commands", .type = COLUMN_COUNT},
    {.name = "downloads", .title = "downloads", .type = COLUMN_COUNT},
    {.name = "samples", .title = "samples", .type = COLUMN_COUNT},
    {.name = "findings", .title = "findings", .type = COLUMN_COUNT},
    {.name = "days", .title = "days", .type = COLUMN_COUNT},
    {.name = "first_seen", .title = "first seen", .type = COLUMN_TIME},
    {.name = "last_seen", .title = "last seen", .type = COLUMN_TIME},
};
enum { SUM_COLUMNS = sizeof sum_columns / sizeof sum_columns[0] };

static const struct column session_columns[] = {
    {.name = "noroshi.session", .title = "session", .type = COLUMN_ID},
    {.name = "event.end", .title = "end", .type = COLUMN_TIME},
    {.name = "event.duration", .title = "duration", .type = COLUMN_DURATION, .unit = "ns"},
    {.name = "destination.port", .title = "port", .type = COLUMN_COUNT},
    {.name = "network.protocol", .title = "service", .type = COLUMN_TEXT},
    {.name = "event.reason", .title = "why", .type = COLUMN_TEXT},
};
static const struct column credential_columns[] = {
    {.name = "user.name", .title = "user", .type = COLUMN_TEXT},
    {.name = "noroshi.password", .title = "password", .type = COLUMN_TEXT},
    {.name = "logins", .title = "tried", .type = COLUMN_COUNT},
};
static const struct column line_columns[] = {
    {.name = "process.command_line", .title = "command", .type = COLUMN_TEXT},
    {.name = "commands", .title = "times", .type = COLUMN_COUNT},
};
static const struct column finding_columns[] = {
    {.name = "@timestamp", .title = "time", .type = COLUMN_TIME},
    {.name = "noroshi.finding", .title = "finding", .type = COLUMN_TEXT},
    {.name = "rule.name", .title = "rule", .type = COLUMN_TEXT},
    {.name = "noroshi.evidence", .title = "why", .type = COLUMN_TEXT},
};
static const struct column download_columns[] = {
    {.name = "@timestamp", .title = "time", .type = COLUMN_TIME},
    {.name = "noroshi.download.method", .title = "method", .type = COLUMN_TEXT},
    {.name = "url.full", .title = "URL", .type = COLUMN_TEXT},
};

enum part { PART_SUMS, PART_FINDINGS, PART_SESSIONS, PART_CREDENTIALS, PART_COMMANDS, PART_DOWNLOADS, PART_COUNT };

static const struct {
    const char *heading, *key;
    const struct column *columns;
    size_t column_count;
    bool counted; /* equal rows are counted in the last column, the most frequent come first */
} parts[PART_COUNT] = {
    [PART_SUMS] = {"what it did", "sums", sum_columns, SUM_COLUMNS, false},
    [PART_FINDINGS] = {"findings", "findings", finding_columns, 4, false},
    [PART_SESSIONS] = {"sessions, the latest", "sessions", session_columns, 6, false},
    [PART_CREDENTIALS] = {"credentials tried", "credentials", credential_columns, 3, true},
    [PART_COMMANDS] = {"commands", "commands", line_columns, 2, true},
    [PART_DOWNLOADS] = {"downloads asked for", "downloads", download_columns, 3, false},
};

struct host {
    struct device_view *device;
    struct table *tables[PART_COUNT];
    size_t records;
    int error;
};

static struct query_value text_of(const struct record *r, enum fact_name name)
{
    const struct fact *f = record_fact(r, name);
    return f != NULL ? value_text(f->text) : value_null();
}

static int put(struct host *h, enum part part, const struct query_value *row)
{
    if (!parts[part].counted && table_rows(h->tables[part]) >= LISTED_MAX)
        return 0;
    return table_row(h->tables[part], row, parts[part].column_count);
}

static int collect(void *user, const struct record *r)
{
    struct host *h = user;
    const struct fact *duration = record_fact(r, FACT_EVENT_DURATION);
    if (r->kind == KIND_SESSION) {
        const struct query_value row[] = {value_bytes(span_of(r->session.bytes, 16)),
                                          value_int(r->time),
                                          duration != NULL ? value_int(duration->number) : value_null(),
                                          value_int(r->destination.port),
                                          text_of(r, FACT_NETWORK_PROTOCOL),
                                          text_of(r, FACT_EVENT_REASON)};
        h->error = put(h, PART_SESSIONS, row);
    } else if (r->kind == KIND_LOGIN) {
        const struct query_value row[] = {text_of(r, FACT_USER_NAME), text_of(r, FACT_PASSWORD), value_int(1)};
        h->error = put(h, PART_CREDENTIALS, row);
    } else if (r->kind == KIND_COMMAND) {
        const struct query_value row[] = {text_of(r, FACT_COMMAND_LINE), value_int(1)};
        h->error = put(h, PART_COMMANDS, row);
    } else if (r->kind == KIND_FINDING) {
        const struct query_value row[] = {value_int(r->time), text_of(r, FACT_FINDING), text_of(r, FACT_RULE), text_of(r, FACT_EVIDENCE)};
        h->error = put(h, PART_FINDINGS, row);
    } else if (r->kind == KIND_DOWNLOAD) {
        const struct query_value row[] = {value_int(r->time), text_of(r, FACT_DOWNLOAD_METHOD), text_of(r, FACT_URL_FULL)};
        h->error = put(h, PART_DOWNLOADS, row);
    }
    return h->error != 0 || ++h->records >= RECORDS_MAX;
}

static int compare_text(const struct query_value *a, const struct query_value *b)
{
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    size_t least = a->bytes.len < b->bytes.len ? a->bytes.len : b->bytes.len;
    int order = least > 0 ? memcmp(a->bytes.at, b->bytes.at, least) : 0;
    return order != 0 ? order : (a->bytes.len > b->bytes.len) - (a->bytes.len < b->bytes.len);
}

static int by_pair(const struct query_value *a, const struct query_value *b)
{
    int order = compare_text(&a[0], &b[0]);
    return order != 0 ? order : compare_text(&a[1], &b[1]);
}

static int by_line(const struct query_value *a, const struct query_value *b)
{
    return compare_text(&a[0], &b[0]);
}

static int by_pair_count(const struct query_value *a, const struct query_value *b)
{
    return (b[2].number > a[2].number) - (b[2].number < a[2].number);
}

static int by_line_count(const struct query_value *a, const struct query_value *b)
{
    return (b[1].number > a[1].number) - (b[1].number < a[1].number);
}

/* Equal rows become one with their number; the most frequent first. */
static int count_equal(struct host *h, enum part part)
{
    struct table *from = h->tables[part], *to = NULL;
    size_t last = parts[part].column_count - 1;
    int (*order)(const struct query_value *, const struct query_value *) = part == PART_CREDENTIALS ? by_pair : by_line;
    table_sort(from, order);
    int error = table_new(&to, parts[part].columns, parts[part].column_count);
    for (size_t r = 0; r < table_rows(from) && error == 0;) {
        struct query_value row[4];
        memcpy(row, table_value(from, r, 0), (last + 1) * sizeof row[0]);
        row[last] = value_int(0);
        for (size_t first = r; r < table_rows(from) && order(table_value(from, first, 0), table_value(from, r, 0)) == 0; r++)
            row[last].number++;
        error = table_row(to, row, last + 1);
    }
    if (error != 0) {
        table_free(to);
        return error;
    }
    table_sort(to, part == PART_CREDENTIALS ? by_pair_count : by_line_count);
    table_clip(to, LISTED_MAX);
    table_free(from);
    h->tables[part] = to;
    return 0;
}

static int put_sums(void *user, const struct query_value *values, size_t count)
{
    /* Sums over no rows are one row of NULLs. */
    return values[0].type == QUERY_NULL ? 0 : table_row(user, values, count);
}

static int fetch_sums(struct query *query, struct table *table, struct addr addr)
{
    char hex[33];
    struct buf sql;
    const struct query_range range = {.since = REPORT_SINCE_ALL, .until = REPORT_UNTIL_ALL, .limit = 1};
    buf_init(&sql, 0);
    buf_printf(&sql,
               "SELECT sum(connections), sum(sessions), sum(logins), sum(logins_ok), sum(commands), sum(downloads), sum(samples), sum(findings),"
               " count(*), min(first), max(last) FROM rollup_source WHERE source_ip = x'%s'",
               text_hex(span_of(addr.bytes, sizeof addr.bytes), hex));
    int error = sql.error != 0 ? sql.error : query_rows(query, buf_cstr(&sql), &range, put_sums, table);
    buf_done(&sql);
    return error;
}

static int gather(struct host *h, struct query *query, struct addr addr)
{
    int error = 0;
    for (int p = 0; p < PART_COUNT && error == 0; p++)
        error = table_new(&h->tables[p], parts[p].columns, parts[p].column_count);
    if (error == 0)
        error = device_view_new(&h->device, query, addr);
    if (error == 0)
        error = fetch_sums(query, h->tables[PART_SUMS], addr);
    const struct query_filter filter = {.by_source = true, .source = addr, .newest_first = true};
    if (error == 0)
        error = query_records(query, &filter, collect, h);
    if (error >= 0)
        error = h->error;
    for (int p = 0; p < PART_COUNT && error == 0; p++)
        if (parts[p].counted)
            error = count_equal(h, (enum part)p);
    return error;
}

static void print_json(const struct host *h, const char *address)
{
    struct buf out;
    struct json json;
    buf_init(&out, 0);
    json_init(&json, &out, true);
    json_begin_object(&json);
    json_key(&json, "source.ip");
    json_text(&json, address);
    device_view_json(h->device, &json);
    for (int p = 0; p < PART_COUNT; p++) {
        json_key(&json, parts[p].key);
        if (p == PART_SUMS && table_rows(h->tables[p]) > 0)
            table_json_row(h->tables[p], &json, 0);
        else
            table_json_rows(h->tables[p], &json);
    }
    json_end_object(&json);
    printf("%s\n", buf_cstr(&out));
    buf_done(&out);
}

int show_host(const struct invocation *i, const struct options *o, struct query *query, const char *address)
{
    struct addr addr;
    char text[ADDR_TEXT_SIZE];
    struct host h = {0};
    if (addr_parse(span_text(address), &addr) != 0)
        return usage_error(&verb_show, "host: expected an IPv4 or IPv6 address, got \"%.60s\"", address);
    addr_print(addr, text);
    int error = gather(&h, query, addr);
    int status = error == 0 ? EXIT_OK : failed("show host: %s", err_text(error));
    if (status == EXIT_OK && h.records == 0 && table_rows(h.tables[PART_SUMS]) == 0 && device_view_empty(h.device)) {
        note(i, "nothing was seen of %s", text);
        status = EXIT_NOTHING;
    } else if (status == EXIT_OK && o->values[SHOW_JSON] != NULL) {
        print_json(&h, text);
    } else if (status == EXIT_OK) {
        printf("host %s\n", text);
        status = device_view_print(i, h.device);
        for (int p = 0; p < PART_COUNT && status == EXIT_OK; p++)
            status = show_table(i, parts[p].heading, h.tables[p]);
        if (h.records >= RECORDS_MAX)
            note(i, "of more than %d records the latest are shown", RECORDS_MAX);
    }
    device_view_free(h.device);
    for (int p = 0; p < PART_COUNT; p++)
        table_free(h.tables[p]);
    return status;
}
