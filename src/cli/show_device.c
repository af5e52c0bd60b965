#include "base/err.h"
#include "cli/show.h"

#include <errno.h>
#include <stdlib.h>

enum { ROWS_MAX = 200 };

static const struct column device_columns[] = {
    {.name = "noroshi.device.class", .title = "class", .type = COLUMN_TEXT},
    {.name = "device.manufacturer", .title = "maker", .type = COLUMN_TEXT},
    {.name = "device.model.name", .title = "model", .type = COLUMN_TEXT},
    {.name = "noroshi.device.firmware", .title = "firmware", .type = COLUMN_TEXT},
    {.name = "noroshi.ics.protocol", .title = "ICS", .type = COLUMN_TEXT},
    {.name = "noroshi.residue", .title = "residue", .type = COLUMN_TEXT},
    {.name = "noroshi.honeypot", .title = "honeypot", .type = COLUMN_TEXT},
    {.name = "class_rule", .title = "class by", .type = COLUMN_TEXT},
    {.name = "maker_rule", .title = "maker by", .type = COLUMN_TEXT},
    {.name = "model_rule", .title = "model by", .type = COLUMN_TEXT},
    {.name = "firmware_rule", .title = "firmware by", .type = COLUMN_TEXT},
    {.name = "ics_rule", .title = "ICS by", .type = COLUMN_TEXT},
    {.name = "residue_rule", .title = "residue by", .type = COLUMN_TEXT},
    {.name = "honeypot_rule", .title = "honeypot by", .type = COLUMN_TEXT},
    {.name = "conflicts", .title = "but", .type = COLUMN_TEXT},
    {.name = "hosts_at_least", .title = "hosts behind", .type = COLUMN_COUNT},
    {.name = "hosts_reason", .title = "because", .type = COLUMN_TEXT},
    {.name = "host.as.number", .title = "AS", .type = COLUMN_COUNT},
    {.name = "host.geo.country_iso_code", .title = "country", .type = COLUMN_TEXT},
    {.name = "host.domain", .title = "name", .type = COLUMN_TEXT},
    {.name = "first_attack", .title = "first attack", .type = COLUMN_TIME},
    {.name = "last_attack", .title = "last attack", .type = COLUMN_TIME},
    {.name = "first_probe", .title = "first probe", .type = COLUMN_TIME},
    {.name = "last_probe", .title = "last probe", .type = COLUMN_TIME},
};
enum { RULES_FROM = 7, RULED = 7, CONFLICTS = 14 };

static const struct column port_columns[] = {
    {.name = "destination.port", .title = "port", .type = COLUMN_COUNT},
    {.name = "network.transport", .title = "over", .type = COLUMN_TEXT},
    {.name = "network.protocol", .title = "asked as", .type = COLUMN_TEXT},
    {.name = "state", .title = "state", .type = COLUMN_TEXT},
    {.name = "event.reason", .title = "ended", .type = COLUMN_TEXT, .spare = 2},
    {.name = "noroshi.reply.ttl", .title = "TTL", .type = COLUMN_COUNT},
    {.name = "last_seen", .title = "last asked", .type = COLUMN_TIME, .spare = 1},
    {.name = "banner", .title = "shows", .type = COLUMN_TEXT},
};
static const struct column banner_columns[] = {
    {.name = "destination.port", .title = "port", .type = COLUMN_COUNT}, {.name = "first_seen", .title = "from", .type = COLUMN_TIME},
    {.name = "last_seen", .title = "to", .type = COLUMN_TIME},           {.name = "times", .title = "times", .type = COLUMN_COUNT},
    {.name = "banner", .title = "showed", .type = COLUMN_TEXT},
};
static const struct column evidence_columns[] = {
    {.name = "destination.port", .title = "port", .type = COLUMN_COUNT},
    {.name = "rule.name", .title = "rule", .type = COLUMN_TEXT},
    {.name = "noroshi.matched", .title = "of", .type = COLUMN_TEXT, .spare = 3},
    {.name = "noroshi.certainty", .title = "sure", .type = COLUMN_COUNT, .unit = "%"},
    {.name = "noroshi.device.class", .title = "class", .type = COLUMN_TEXT},
    {.name = "device.manufacturer", .title = "maker", .type = COLUMN_TEXT},
    {.name = "device.model.name", .title = "model", .type = COLUMN_TEXT},
    {.name = "noroshi.device.firmware", .title = "firmware", .type = COLUMN_TEXT, .spare = 4},
    {.name = "noroshi.ics.protocol", .title = "ICS", .type = COLUMN_TEXT, .spare = 5},
    {.name = "noroshi.residue", .title = "residue", .type = COLUMN_TEXT, .spare = 6},
    {.name = "noroshi.honeypot", .title = "honeypot", .type = COLUMN_TEXT, .spare = 7},
    {.name = "noroshi.evidence", .title = "matched", .type = COLUMN_TEXT, .spare = 2},
    {.name = "first_seen", .title = "first", .type = COLUMN_TIME, .spare = 8},
    {.name = "last_seen", .title = "last", .type = COLUMN_TIME, .spare = 1},
};
static const struct column listing_columns[] = {
    {.name = "noroshi.list", .title = "list", .type = COLUMN_TEXT},
    {.name = "destination.port", .title = "port", .type = COLUMN_COUNT},
    {.name = "network.transport", .title = "over", .type = COLUMN_TEXT},
    {.name = "network.protocol", .title = "service", .type = COLUMN_TEXT},
    {.name = "noroshi.device.class", .title = "class", .type = COLUMN_TEXT, .spare = 3},
    {.name = "device.manufacturer", .title = "maker", .type = COLUMN_TEXT, .spare = 2},
    {.name = "device.model.name", .title = "model", .type = COLUMN_TEXT, .spare = 1},
    {.name = "noroshi.ics.protocol", .title = "ICS", .type = COLUMN_TEXT, .spare = 4},
    {.name = "last_seen", .title = "last", .type = COLUMN_TIME},
    {.name = "banner", .title = "shows", .type = COLUMN_TEXT},
};
static const struct column attack_columns[] = {
    {.name = "destination.port", .title = "port", .type = COLUMN_COUNT},   {.name = "noroshi.syn.ttl", .title = "TTL", .type = COLUMN_COUNT},
    {.name = "connections", .title = "connections", .type = COLUMN_COUNT}, {.name = "first_seen", .title = "first", .type = COLUMN_TIME},
    {.name = "last_seen", .title = "last", .type = COLUMN_TIME},
};

enum part { PART_DEVICE, PART_PORTS, PART_BANNERS, PART_EVIDENCE, PART_LISTINGS, PART_ATTACKS, PART_COUNT };

#define OVER "CASE transport WHEN 1 THEN 'tcp' WHEN 2 THEN 'udp' END"
#define SHOWN "coalesce(summary, CAST(excerpt AS TEXT))"
#define COLUMNS_OF(columns) (columns), sizeof(columns) / sizeof(columns)[0]

static const struct {
    const char *heading, *key;
    const struct column *columns;
    size_t column_count;
    const char *sql; /* ?1: the address */
} parts[PART_COUNT] = {
    [PART_DEVICE] = {"what it is", "device", COLUMNS_OF(device_columns),
                     "SELECT class, maker, model, firmware, ics, residue, honeypot, class_rule, maker_rule, model_rule, firmware_rule, ics_rule,"
                     " residue_rule, honeypot_rule, conflicts, hosts_at_least, hosts_reason, asn, country, ptr, first_attack, last_attack,"
                     " first_probe, last_probe FROM host WHERE source_ip = ?1"},
    [PART_PORTS] = {"ports", "ports", COLUMNS_OF(port_columns),
                    "SELECT port, " OVER ", protocol, state, ending, ttl, last, " SHOWN " FROM host_port WHERE address = ?1"
                    " ORDER BY state <> 'open', transport, port LIMIT :limit"},
    [PART_BANNERS] = {"what its ports have shown", "banners", COLUMNS_OF(banner_columns),
                      "SELECT port, first, last, n, " SHOWN " FROM host_banner WHERE address = ?1 ORDER BY port, transport, first LIMIT :limit"},
    [PART_EVIDENCE] = {"what rules say", "evidence", COLUMNS_OF(evidence_columns),
                       "SELECT port, rule, field, certainty, class, maker, model, firmware, ics, residue, honeypot, matched, first, last"
                       " FROM evidence WHERE address = ?1 ORDER BY certainty DESC, port, rule LIMIT :limit"},
    [PART_LISTINGS] = {"what others' lists say", "listings", COLUMNS_OF(listing_columns),
                       "SELECT list, port, " OVER ", protocol, class, maker, model, ics, last, summary FROM host_listing WHERE address = ?1"
                       " ORDER BY list, transport, port LIMIT :limit"},
    [PART_ATTACKS] = {"how it came: ports of ours, TTL of its packets", "attacks", COLUMNS_OF(attack_columns),
                      "SELECT port, ttl, n, first, last FROM host_attack WHERE address = ?1 ORDER BY last DESC, port LIMIT :limit"},
};

struct device_view {
    struct table *tables[PART_COUNT];
    struct table *at;
    int error;
};

static int each(void *user, const struct query_value *values, size_t count)
{
    struct device_view *view = user;
    view->error = table_row(view->at, values, count);
    return view->error;
}

int device_view_new(struct device_view **ret, struct query *query, struct addr addr)
{
    const struct query_range range = {.limit = ROWS_MAX};
    const struct query_value address = value_bytes(span_of(addr.bytes, sizeof addr.bytes));
    struct device_view *view = calloc(1, sizeof *view);
    if (view == NULL)
        return -ENOMEM;
    int error = 0;
    for (int p = 0; p < PART_COUNT && error == 0; p++) {
        error = table_new(&view->tables[p], parts[p].columns, parts[p].column_count);
        view->at = view->tables[p];
        if (error == 0)
            error = query_rows_with(query, parts[p].sql, &range, &address, 1, each, view);
        if (error == 0)
            error = view->error;
    }
    if (error != 0) {
        device_view_free(view);
        return error;
    }
    *ret = view;
    return 0;
}

void device_view_free(struct device_view *view)
{
    if (view == NULL)
        return;
    for (int p = 0; p < PART_COUNT; p++)
        table_free(view->tables[p]);
    free(view);
}

bool device_view_empty(const struct device_view *view)
{
    for (int p = 0; p < PART_COUNT; p++) {
        if (table_rows(view->tables[p]) > 0)
            return false;
    }
    return true;
}

static void show_conflicts(struct span lines)
{
    while (lines.len > 0) {
        size_t end = span_find(lines, '\n');
        show_span("but", span_part(lines, 0, end));
        lines = span_part(lines, end + 1, lines.len);
    }
}

/* What is known of it, line by line, with the rule that says so. */
static void show_device(const struct table *table)
{
    for (size_t c = 0; c < sizeof device_columns / sizeof device_columns[0]; c++) {
        const struct query_value *v = table_value(table, 0, c);
        if (v->type == QUERY_NULL || (c >= RULES_FROM && c < RULES_FROM + RULED))
            continue;
        if (device_columns[c].type == COLUMN_TIME) {
            show_time(device_columns[c].title, v->number);
        } else if (v->type == QUERY_INT) {
            show_line(device_columns[c].title, "%lld", (long long)v->number);
        } else if (c == CONFLICTS) {
            show_conflicts(v->bytes);
        } else {
            const struct query_value *rule = c < RULED ? table_value(table, 0, RULES_FROM + c) : NULL;
            struct buf text;
            buf_init(&text, 0);
            buf_span(&text, v->bytes);
            if (rule != NULL && rule->type == QUERY_TEXT) {
                buf_text(&text, "   by ");
                buf_span(&text, rule->bytes);
            }
            show_span(device_columns[c].title, buf_as_span(&text));
            buf_done(&text);
        }
    }
}

int device_view_print(const struct invocation *i, const struct device_view *view)
{
    if (table_rows(view->tables[PART_DEVICE]) > 0)
        show_device(view->tables[PART_DEVICE]);
    int status = EXIT_OK;
    for (int p = PART_PORTS; p < PART_COUNT && status == EXIT_OK; p++)
        status = show_table(i, parts[p].heading, view->tables[p]);
    return status;
}

void device_view_json(const struct device_view *view, struct json *json)
{
    for (int p = 0; p < PART_COUNT; p++) {
        json_key(json, parts[p].key);
        if (p == PART_DEVICE && table_rows(view->tables[p]) > 0)
            table_json_row(view->tables[p], json, 0);
        else
            table_json_rows(view->tables[p], json);
    }
}
