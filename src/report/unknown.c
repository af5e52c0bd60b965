/* Answers that no fingerprint rule knows, clustered; of each cluster a rule is proposed. */
#include "analyse/unknown.h"
#include "analyse/device/fields.h"
#include "base/err.h"
#include "report/table.h"

#include <errno.h>
#include <stdlib.h>

static const struct column columns[] = {
    {.name = "hosts", .title = "hosts", .type = COLUMN_COUNT, .help = "addresses that show it"},
    {.name = "answers", .title = "answers", .type = COLUMN_COUNT, .help = "answers that hold it", .spare = 3},
    {.name = "noroshi.matched", .title = "field", .type = COLUMN_TEXT, .help = "field of the answer: what a rule would be `on`"},
    {.name = "noroshi.ports", .title = "ports", .type = COLUMN_TEXT, .help = "ports it was seen on, at most eight"},
    {.name = "shapes", .title = "shapes", .type = COLUMN_COUNT, .help = "forms it comes in, numbers and addresses aside", .spare = 2},
    {.name = "example", .title = "example", .type = COLUMN_TEXT, .help = "one of its values, cut at 400 bytes"},
    {.name = "rule",
     .title = "proposed rule",
     .type = COLUMN_TEXT,
     .help = "a line for a file in conf/fingerprints, below `rules:`; class, maker and model are yours to fill in. --json has it as it is; "
             "elsewhere a backslash in an example is shown twice",
     .spare = 1},
};

enum { COLUMNS = sizeof columns / sizeof columns[0], KNOWN_MAX = 16 * 1024 * 1024, ARENA_CAP = 4 * 1024 * 1024 };

struct walking {
    struct unknowns *unknowns;
    struct id *known; /* answers that a rule knows; in order once all are there */
    size_t count, room;
    struct field_list *fields;
    int error;
};

/* ---- what is known ---- */

static bool says(const struct record *r, enum fact_name name)
{
    const struct fact *f = record_fact(r, name);
    return f != NULL && f->text.len > 0;
}

static int each_device(void *user, const struct record *r)
{
    struct walking *w = user;
    if (!says(r, FACT_DEVICE_CLASS) && !says(r, FACT_DEVICE_MAKER) && !says(r, FACT_ICS_PROTOCOL) && !says(r, FACT_RESIDUE) &&
        !says(r, FACT_HONEYPOT))
        return 0;
    if (w->count > 0 && id_equal(w->known[w->count - 1], r->session))
        return 0;
    if (w->count == w->room) {
        size_t room = w->room == 0 ? 1024 : w->room * 2;
        struct id *more = room <= KNOWN_MAX ? realloc(w->known, room * sizeof *more) : NULL;
        if (more == NULL) {
            w->error = -ENOMEM;
            return 1;
        }
        w->known = more;
        w->room = room;
    }
    w->known[w->count++] = r->session;
    return 0;
}

static int compare_ids(const void *a, const void *b)
{
    const struct id *x = a, *y = b;
    return id_compare(*x, *y);
}

/* ---- what is not ---- */

/* What a rule may well be made of: no whole pages, no header with a date in it. */
static const char *field_name(enum device_field field)
{
    static const char *const names[] = {
#define DEVICE_FIELD(name, text, recog, help) [DEVICE_FIELD_##name] = (text),
#include "analyse/device/fields.def"
#undef DEVICE_FIELD
    };
    switch (field) {
    case DEVICE_FIELD_HTTP_BODY:
    case DEVICE_FIELD_HTTP_HEADER:
    case DEVICE_FIELD_HTTP_COOKIE:
    case DEVICE_FIELD_HTTP_FAVICON:
        return NULL;
    default:
        return names[field];
    }
}

/* The whole banner says nothing more where the service has fields of its own. */
static bool only_field(const struct field_list *fields)
{
    for (size_t i = 0; i < fields->count; i++) {
        if (fields->list[i].field != DEVICE_FIELD_BANNER && field_name(fields->list[i].field) != NULL)
            return false;
    }
    return true;
}

static void add_facts(struct field_list *fields, const struct record *r)
{
    static const struct {
        enum fact_name fact;
        enum device_field field;
    } facts[] = {
        {FACT_HTTP_TITLE, DEVICE_FIELD_HTTP_TITLE},   {FACT_HTTP_REALM, DEVICE_FIELD_HTTP_REALM},       {FACT_HTTP_SERVER, DEVICE_FIELD_HTTP_SERVER},
        {FACT_TLS_SUBJECT, DEVICE_FIELD_TLS_SUBJECT}, {FACT_SNMP_SYSDESCR, DEVICE_FIELD_SNMP_SYSDESCR},
    };
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        const struct fact *f = record_fact(r, facts[i].fact);
        if (f != NULL && !fields_has(fields, facts[i].field))
            fields_add(fields, facts[i].field, f->text);
    }
}

static int each_answer(void *user, const struct record *r)
{
    struct walking *w = user;
    if (w->count > 0 && bsearch(&r->id, w->known, w->count, sizeof *w->known, compare_ids) != NULL)
        return 0;
    struct arena arena;
    const struct fact *banner = record_fact(r, FACT_BANNER), *service = record_fact(r, FACT_NETWORK_PROTOCOL);
    arena_init(&arena, ARENA_CAP);
    w->fields->arena = &arena;
    w->fields->count = 0;
    if (banner != NULL && banner->text.len > 0 && service != NULL)
        (void)fields_of_bytes(w->fields, service->text, banner->text);
    add_facts(w->fields, r);
    bool alone = only_field(w->fields);
    for (size_t i = 0; i < w->fields->count && w->error == 0; i++) {
        const char *name = field_name(w->fields->list[i].field);
        if (name != NULL && (w->fields->list[i].field != DEVICE_FIELD_BANNER || alone))
            w->error = unknowns_add(w->unknowns, name, w->fields->list[i].value, r->destination.addr, r->destination.port);
    }
    arena_done(&arena);
    return w->error != 0;
}

/* ---- the table ---- */

static int put(struct table *table, const struct unknown_cluster *cluster)
{
    struct buf ports, example;
    buf_init(&ports, 256);
    buf_init(&example, 0);
    for (size_t i = 0; i < cluster->port_count; i++)
        buf_printf(&ports, "%s%u", i > 0 ? "," : "", cluster->ports[i]);
    text_to_utf8(&example, cluster->example);
    const struct query_value row[COLUMNS] = {
        value_int((int64_t)cluster->hosts), value_int((int64_t)cluster->answers), value_text(span_text(cluster->field)),
        value_text(buf_as_span(&ports)),    value_int((int64_t)cluster->shapes),  value_text(buf_as_span(&example)),
        value_text(cluster->rule),
    };
    int error = ports.error != 0 ? ports.error : example.error != 0 ? example.error : table_row(table, row, COLUMNS);
    buf_done(&ports);
    buf_done(&example);
    return error;
}

static int collect(struct walking *w, struct query *query, const struct query_range *range, struct table *table)
{
    struct query_filter filter = {.since = range->since, .until = range->until, .kinds = UINT64_C(1) << KIND_DEVICE};
    int error = query_records(query, &filter, each_device, w);
    if (error < 0 || w->error != 0)
        return error < 0 ? error : w->error;
    if (w->count > 0)
        qsort(w->known, w->count, sizeof *w->known, compare_ids);
    filter.kinds = UINT64_C(1) << KIND_ANSWER;
    error = query_records(query, &filter, each_answer, w);
    if (error < 0 || w->error != 0)
        return error < 0 ? error : w->error;
    const struct unknown_cluster *clusters = NULL;
    size_t count = 0;
    error = unknowns_cluster(w->unknowns, &clusters, &count);
    for (size_t i = 0; i < count && error == 0 && (int64_t)i < range->limit; i++)
        error = put(table, &clusters[i]);
    return error;
}

static int walk(struct query *query, const struct query_range *range, struct table *table)
{
    struct walking w = {.fields = calloc(1, sizeof *w.fields)};
    int error = w.fields == NULL ? -ENOMEM : unknowns_new(&w.unknowns);
    if (error == 0)
        error = collect(&w, query, range, table);
    unknowns_free(w.unknowns);
    free(w.fields);
    free(w.known);
    return error;
}

const struct report report_unknown = {
    .name = "unknown",
    .title = "Answers no fingerprint rule knows, and rules that would",
    .help = "banners of probed hosts that no rule knows, those alike put together, the most hosts first, each with a rule to complete",
    .walk = walk,
    .columns = columns,
    .column_count = COLUMNS,
    .limit = 50,
};
