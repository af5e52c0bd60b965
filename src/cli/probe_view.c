/* What visits brought: records of their tasks, evidence, and the host as the store has merged it. */
#include "base/err.h"
#include "cli/probe.h"

#include <errno.h>
#include <stdlib.h>

enum { EXCERPT = 160, HOSTS_PER_QUERY = 100 };

static const struct column port_columns[] = {
    {.name = "destination.ip", .title = "host", .type = COLUMN_ADDR, .help = "whom"},
    {.name = "destination.port", .title = "port", .type = COLUMN_COUNT, .help = "where"},
    {.name = "noroshi.probe", .title = "probe", .type = COLUMN_TEXT, .help = "by which probe"},
    {.name = "event.reason", .title = "how it went", .type = COLUMN_TEXT, .help = "how it went, or why policy refused"},
    {.name = "noroshi.reply.ttl", .title = "TTL", .type = COLUMN_COUNT, .help = "TTL of the reply as it arrived"},
    {.name = "noroshi.banner", .title = "what it said", .type = COLUMN_TEXT, .help = "the beginning of what it said"},
};
enum { PORT_COLUMNS = sizeof port_columns / sizeof port_columns[0] };

/* Columns of the table `host` and the facts they are, each with the rule that says so. */
static const struct {
    const char *column, *fact, *title;
} says[] = {{"class", "noroshi.device.class", "class"},          {"maker", "device.manufacturer", "maker"}, {"model", "device.model.name", "model"},
            {"firmware", "noroshi.device.firmware", "firmware"}, {"ics", "noroshi.ics.protocol", "ICS"},    {"residue", "noroshi.residue", "residue"},
            {"honeypot", "noroshi.honeypot", "honeypot"}};
enum { SAYS = sizeof says / sizeof says[0], HOST_COLUMNS = 1 + 2 * SAYS + 3 };

/* One target's part of the document. */
struct part {
    struct buf answers, refused, evidence, device;
    struct json json_answers, json_refused, json_evidence;
    bool visited, answered, told; /* told: has a row */
    char outcome[16], reason[64];
};

struct view {
    const struct probing *p;
    struct part *parts;
    struct table *ports, *devices;
    int error;
};

static struct span text_of(const struct record *r, enum fact_name name)
{
    const struct fact *fact = record_fact(r, name);
    return fact != NULL ? fact->text : (struct span){0};
}

static void json_excerpt(struct json *json, struct span bytes)
{
    struct buf text;
    buf_init(&text, 0);
    text_to_utf8(&text, span_part(bytes, 0, EXCERPT * 4));
    json_span(json, buf_as_span(&text));
    buf_done(&text);
}

/* What a record states, without what is the same for the whole target. */
static void json_facts(struct json *json, const struct record *r)
{
    char id[ID_TEXT_SIZE];
    json_begin_object(json);
    json_key(json, "event.id");
    json_text(json, id_print(r->id, id));
    if (r->destination.port != 0) {
        json_key(json, "destination.port");
        json_int(json, r->destination.port);
        json_key(json, "network.transport");
        json_text(json, transport_name(r->transport));
    }
    for (size_t i = 0; i < r->fact_count; i++) {
        const struct fact *f = &r->facts[i];
        const struct fact_info *info = fact_info(f->name);
        if (info == NULL || f->name == FACT_TASK || f->name == FACT_CAUSE || info->type == FACT_TYPE_ADDR)
            continue;
        json_key(json, info->text);
        if (info->type == FACT_TYPE_INT)
            json_int(json, f->number);
        else if (info->type == FACT_TYPE_BYTES)
            json_excerpt(json, f->text);
        else
            json_span(json, f->text);
    }
    json_end_object(json);
}

static int port_row(struct view *view, const struct record *r)
{
    const struct fact *ttl = record_fact(r, FACT_REPLY_TTL);
    const struct query_value row[PORT_COLUMNS] = {value_bytes(span_of(r->destination.addr.bytes, 16)),
                                                  value_int(r->destination.port),
                                                  value_text(text_of(r, FACT_PROBE)),
                                                  value_text(text_of(r, FACT_EVENT_REASON)),
                                                  ttl != NULL ? value_int(ttl->number) : value_null(),
                                                  value_text(span_part(text_of(r, FACT_BANNER), 0, EXCERPT))};
    return table_row(view->ports, row, PORT_COLUMNS);
}

static void keep_visit(struct part *part, const struct record *r)
{
    struct span outcome = text_of(r, FACT_EVENT_OUTCOME), reason = text_of(r, FACT_EVENT_REASON);
    part->visited = true;
    part->answered = span_is(outcome, "success");
    (void)snprintf(part->outcome, sizeof part->outcome, "%.*s", (int)(outcome.len < 15 ? outcome.len : 15), (const char *)outcome.at);
    (void)snprintf(part->reason, sizeof part->reason, "%.*s", (int)(reason.len < 63 ? reason.len : 63), (const char *)reason.at);
}

static int on_record(void *user, const struct record *r)
{
    struct view *view = user;
    const struct probe_target *target = probing_find(view->p, r->destination.addr);
    if (target == NULL || (r->kind != KIND_DEVICE && !span_is(text_of(r, FACT_TASK), target->key)))
        return 0;
    struct part *part = &view->parts[target - view->p->targets];
    bool refused = span_is(text_of(r, FACT_EVENT_OUTCOME), "failure");
    if (r->kind == KIND_DEVICE)
        json_facts(&part->json_evidence, r);
    else if (r->kind == KIND_ANSWER)
        json_facts(&part->json_answers, r);
    else if (r->kind == KIND_DIAL && refused)
        json_facts(&part->json_refused, r);
    else if (r->kind == KIND_VISIT)
        keep_visit(part, r);
    if (r->kind == KIND_ANSWER || (r->kind == KIND_DIAL && refused)) {
        part->told = true;
        view->error = port_row(view, r);
    }
    return view->error;
}

/* ---- the host ---- */

static void json_device(struct json *json, const struct query_value *v)
{
    const struct query_value *conflicts = &v[1 + 2 * SAYS], *hosts = &v[2 + 2 * SAYS], *reason = &v[3 + 2 * SAYS];
    json_begin_object(json);
    for (size_t i = 0; i < SAYS; i++) {
        if (v[1 + 2 * i].type != QUERY_TEXT)
            continue;
        json_key(json, says[i].fact);
        json_span(json, v[1 + 2 * i].bytes);
    }
    json_key(json, "rules");
    json_begin_object(json);
    for (size_t i = 0; i < SAYS; i++) {
        if (v[2 + 2 * i].type != QUERY_TEXT)
            continue;
        json_key(json, says[i].fact);
        json_span(json, v[2 + 2 * i].bytes);
    }
    json_end_object(json);
    if (conflicts->type == QUERY_TEXT && conflicts->bytes.len > 0) {
        json_key(json, "conflicts");
        json_span(json, conflicts->bytes);
    }
    if (hosts->type == QUERY_INT) {
        json_key(json, "hosts_at_least");
        json_int(json, hosts->number);
    }
    if (reason->type == QUERY_TEXT) {
        json_key(json, "hosts_reason");
        json_span(json, reason->bytes);
    }
    json_end_object(json);
}

static int on_host(void *user, const struct query_value *v, size_t count)
{
    struct view *view = user;
    struct addr addr;
    struct query_value row[SAYS + 2];
    if (count != HOST_COLUMNS || v[0].bytes.len != sizeof addr.bytes)
        return 0;
    memcpy(addr.bytes, v[0].bytes.at, sizeof addr.bytes);
    const struct probe_target *target = probing_find(view->p, addr);
    if (target == NULL)
        return 0;
    struct part *part = &view->parts[target - view->p->targets];
    struct json json;
    json_init(&json, &part->device, false);
    json_device(&json, v);
    bool any = false;
    row[0] = value_bytes(v[0].bytes);
    row[SAYS + 1] = value_null();
    for (size_t i = 0; i < SAYS; i++) {
        row[i + 1] = v[1 + 2 * i];
        any = any || v[1 + 2 * i].type == QUERY_TEXT;
        if (row[SAYS + 1].type == QUERY_NULL)
            row[SAYS + 1] = v[2 + 2 * i];
    }
    if (any)
        view->error = table_row(view->devices, row, SAYS + 2);
    return view->error;
}

static int read_hosts(struct view *view, struct query *query)
{
    const struct probing *p = view->p;
    const struct query_range all = {.until = INT64_MAX};
    struct buf sql;
    char digits[33];
    int r = 0;
    buf_init(&sql, 0);
    for (size_t from = 0; r >= 0 && from < p->count; from += HOSTS_PER_QUERY) {
        buf_clear(&sql);
        buf_text(&sql, "SELECT source_ip");
        for (size_t i = 0; i < SAYS; i++)
            buf_printf(&sql, ",%s,%s_rule", says[i].column, says[i].column);
        buf_text(&sql, ",conflicts,hosts_at_least,hosts_reason FROM host WHERE source_ip IN (");
        for (size_t i = from; i < p->count && i < from + HOSTS_PER_QUERY; i++)
            buf_printf(&sql, "%sx'%s'", i > from ? "," : "", text_hex(span_of(p->targets[i].addr.bytes, 16), digits));
        buf_text(&sql, ") ORDER BY source_ip");
        r = sql.error != 0 ? sql.error : query_rows(query, buf_cstr(&sql), &all, on_host, view);
    }
    buf_done(&sql);
    return r < 0 ? r : view->error;
}

/* ---- output ---- */

static void json_list(struct json *json, const char *key, struct buf *list, struct json *inner)
{
    json_end_array(inner);
    json_key(json, key);
    json_raw(json, buf_as_span(list));
}

static void print_target(struct view *view, struct json *json, size_t n)
{
    struct part *part = &view->parts[n];
    char text[ADDR_TEXT_SIZE];
    json_begin_object(json);
    json_key(json, "destination.ip");
    json_text(json, addr_print(view->p->targets[n].addr, text));
    json_key(json, "noroshi.task");
    json_text(json, view->p->targets[n].key);
    json_key(json, "event.outcome");
    json_text(json, part->visited ? part->outcome : "unknown");
    json_key(json, "event.reason");
    json_text(json, part->visited ? part->reason : view->p->targets[n].ended ? "given up" : "not over yet");
    json_list(json, "answers", &part->answers, &part->json_answers);
    json_list(json, "refused", &part->refused, &part->json_refused);
    json_list(json, "evidence", &part->evidence, &part->json_evidence);
    json_key(json, "device");
    if (part->device.len > 0)
        json_raw(json, buf_as_span(&part->device));
    else
        json_nil(json);
    json_end_object(json);
}

static int print_json(struct view *view)
{
    struct buf out;
    struct json json;
    buf_init(&out, 0);
    json_init(&json, &out, true);
    json_begin_array(&json);
    for (size_t n = 0; n < view->p->count; n++)
        print_target(view, &json, n);
    json_end_array(&json);
    int status = out.error != 0 ? failed("%s", err_text(out.error)) : EXIT_OK;
    if (status == EXIT_OK)
        printf("%s\n", buf_cstr(&out));
    buf_done(&out);
    return status;
}

/* By host and port; visits of several hosts go on beside each other. */
static int compare_row(const struct query_value *a, const struct query_value *b)
{
    int order = span_compare(a[0].bytes, b[0].bytes);
    return order != 0 ? order : (a[1].number > b[1].number) - (a[1].number < b[1].number);
}

static int print_tables(struct view *view)
{
    struct table_look look = reading_look(view->p->invocation, false);
    int status = EXIT_OK;
    table_sort(view->ports, compare_row);
    if (table_rows(view->ports) > 0)
        status = reading_printed(table_print(view->ports, "", "", TABLE_TERMINAL, &look, stdout));
    if (status == EXIT_OK && table_rows(view->devices) > 0) {
        printf("\n");
        look = reading_look(view->p->invocation, false);
        status = reading_printed(table_print(view->devices, "", "", TABLE_TERMINAL, &look, stdout));
    }
    for (size_t n = 0; n < view->p->count; n++) {
        char text[ADDR_TEXT_SIZE];
        const struct part *part = &view->parts[n];
        if (!part->visited || !part->told)
            note(view->p->invocation, "%s: %s", addr_print(view->p->targets[n].addr, text),
                 !part->visited                         ? "the visit is not over yet"
                 : strcmp(part->reason, "visited") != 0 ? part->reason
                                                        : "nothing was learned");
    }
    return status;
}

static int verdict(const struct view *view)
{
    size_t answered = 0, visited = 0, count = view->p->count;
    for (size_t n = 0; n < count; n++) {
        answered += view->parts[n].answered;
        visited += view->parts[n].visited;
    }
    if (answered == count)
        return EXIT_OK;
    return answered == 0 && visited == count ? EXIT_NOTHING : EXIT_PARTLY;
}

static int read_all(struct view *view)
{
    struct query *query = NULL;
    struct buf why;
    buf_init(&why, 0);
    const struct query_filter filter = {.since = view->p->began - USEC_PER_SEC,
                                        .kinds = UINT64_C(1) << KIND_DIAL | UINT64_C(1) << KIND_ANSWER | UINT64_C(1) << KIND_VISIT |
                                                 UINT64_C(1) << KIND_DEVICE};
    int r = query_open(&query, view->p->invocation->data, &why);
    if (r == 0)
        r = query_records(query, &filter, on_record, view);
    if (r >= 0)
        r = read_hosts(view, query);
    int status = r < 0 ? failed("reading what the visits brought: %s", why.len > 0 ? buf_cstr(&why) : err_text(r)) : 0;
    query_close(query);
    buf_done(&why);
    return status;
}

static int make_tables(struct view *view, struct column columns[static SAYS + 2])
{
    columns[0] = port_columns[0];
    for (size_t i = 0; i < SAYS; i++)
        columns[i + 1] = (struct column){.name = says[i].fact, .title = says[i].title, .type = COLUMN_TEXT, .help = says[i].title};
    columns[SAYS + 1] = (struct column){.name = "rule.name", .title = "rule", .type = COLUMN_TEXT, .help = "rule that says so"};
    int r = table_new(&view->ports, port_columns, PORT_COLUMNS);
    return r == 0 ? table_new(&view->devices, columns, SAYS + 2) : r;
}

static void prepare(struct part *part)
{
    buf_init(&part->answers, 0);
    buf_init(&part->refused, 0);
    buf_init(&part->evidence, 0);
    buf_init(&part->device, 0);
    json_init(&part->json_answers, &part->answers, false);
    json_init(&part->json_refused, &part->refused, false);
    json_init(&part->json_evidence, &part->evidence, false);
    json_begin_array(&part->json_answers);
    json_begin_array(&part->json_refused);
    json_begin_array(&part->json_evidence);
}

static void release(struct view *view)
{
    for (size_t n = 0; view->parts != NULL && n < view->p->count; n++) {
        buf_done(&view->parts[n].answers);
        buf_done(&view->parts[n].refused);
        buf_done(&view->parts[n].evidence);
        buf_done(&view->parts[n].device);
    }
    free(view->parts);
    table_free(view->ports);
    table_free(view->devices);
}

int probe_view(struct probing *p)
{
    struct view view = {.p = p, .parts = calloc(p->count, sizeof *view.parts)};
    struct column columns[SAYS + 2];
    if (view.parts == NULL || make_tables(&view, columns) != 0) {
        release(&view);
        return failed("%s", err_text(-ENOMEM));
    }
    for (size_t n = 0; n < p->count; n++)
        prepare(&view.parts[n]);
    int status = read_all(&view);
    if (status == 0)
        status = p->json ? print_json(&view) : print_tables(&view);
    if (status == EXIT_OK)
        status = output_done(verdict(&view));
    release(&view);
    return status;
}
