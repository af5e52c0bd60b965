#include "base/err.h"
#include "report/table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const struct column columns[] = {
    {.name = "network", .title = "/16", .type = COLUMN_TEXT, .help = "where the outbreak is"},
    {.name = "destination.port", .title = "port", .type = COLUMN_COUNT, .help = "the unusual port its attackers speak on"},
    {.name = "block", .title = "/24", .type = COLUMN_TEXT, .help = "a part of it; empty: nobody there was asked yet"},
    {.name = "asked", .title = "asked", .type = COLUMN_COUNT, .help = "addresses of the /24 that were asked on that port"},
    {.name = "listeners", .title = "listen", .type = COLUMN_COUNT, .help = "those that listen on it"},
    {.name = "share", .title = "share", .type = COLUMN_REAL, .unit = "%", .help = "listeners of those asked"},
    {.name = "telnet", .title = "telnet", .type = COLUMN_COUNT, .help = "listeners that listen on 23/tcp, too"},
    {.name = "attackers", .title = "attack", .type = COLUMN_COUNT, .help = "listeners that attacked", .spare = 3},
    {.name = "banner", .title = "banner", .type = COLUMN_TEXT, .help = "what most of them show, on that port or on 23/tcp"},
    {.name = "banner_hosts", .title = "show it", .type = COLUMN_COUNT, .help = "listeners that show it", .spare = 2},
    {.name = "source.as.number", .title = "AS", .type = COLUMN_COUNT, .help = "autonomous system of most listeners"},
    {.name = "source.geo.country_iso_code", .title = "country", .type = COLUMN_TEXT, .help = "country of most listeners"},
    {.name = "first_seen", .title = "found", .type = COLUMN_TIME, .help = "when the rule found the outbreak", .spare = 1},
};

enum { COLUMNS = sizeof columns / sizeof columns[0], OUTBREAKS_MAX = 1000 };

struct outbreak {
    struct addr network; /* of the /16 */
    uint16_t port;
    usec_t found;
};

struct walking {
    struct query *query;
    struct table *table;
    struct outbreak *found;
    size_t count;
    const struct outbreak *at;
    size_t rows;
    int64_t limit;
    int error;
};

/* ---- which: findings of the rule ---- */

static int each_finding(void *user, const struct record *r)
{
    struct walking *w = user;
    const struct fact *rule = record_fact(r, FACT_RULE);
    if (rule == NULL || !span_is(rule->text, "outbreak") || !addr_is_v4(r->destination.addr) || r->destination.port == 0)
        return 0;
    struct outbreak outbreak = {.network = r->destination.addr, .port = r->destination.port, .found = r->time};
    outbreak.network.bytes[14] = outbreak.network.bytes[15] = 0;
    for (size_t i = 0; i < w->count; i++) {
        if (addr_equal(w->found[i].network, outbreak.network) && w->found[i].port == outbreak.port)
            return 0;
    }
    if (w->count == OUTBREAKS_MAX)
        return 1;
    w->found[w->count++] = outbreak;
    return 0;
}

/* ---- what is known of each ---- */

/* ?1, ?2: first and last address; ?3: the port. Addresses of one /24 share their first 15 bytes. */
#define LISTENS "p.address BETWEEN ?1 AND ?2 AND p.port = ?3 AND p.transport = 1"
static const char blocks_sql[] =
    "SELECT substr(p.address, 1, 15) AS block, count(*), sum(p.state = 'open') AS listeners,"
    " sum(p.state = 'open' AND EXISTS (SELECT 1 FROM host_port AS t WHERE t.address = p.address AND t.port = 23 AND t.transport = 1 AND t.state = "
    "'open')),"
    " sum(p.state = 'open' AND EXISTS (SELECT 1 FROM host AS h WHERE h.source_ip = p.address AND h.first_attack IS NOT NULL))"
    " FROM host_port AS p WHERE " LISTENS " GROUP BY block ORDER BY listeners DESC, block";

/* ?4: the /24's 15 bytes. */
#define OF_BLOCK LISTENS " AND substr(p.address, 1, 15) = ?4 AND p.state = 'open'"
static const char banner_sql[] =
    "SELECT coalesce(b.summary, CAST(b.excerpt AS TEXT)) AS banner, count(DISTINCT b.address) AS n FROM host_port AS p JOIN host_port AS b"
    " ON b.address = p.address AND b.port IN (?3, 23) AND b.transport = 1 AND b.digest IS NOT NULL AND banner IS NOT NULL"
    " WHERE " OF_BLOCK " GROUP BY b.digest ORDER BY n DESC, banner LIMIT 1";
static const char where_sql[] = "SELECT h.asn, h.country, count(*) AS n FROM host_port AS p JOIN host AS h ON h.source_ip = p.address WHERE " OF_BLOCK
                                " GROUP BY h.asn, h.country ORDER BY n DESC, h.asn LIMIT 1";

struct most {
    struct buf text;
    int64_t numbers[2]; /* -1: none */
};

static int take_banner(void *user, const struct query_value *v, size_t count)
{
    struct most *most = user;
    (void)count;
    text_to_utf8(&most->text, v[0].bytes);
    most->numbers[0] = v[1].number;
    return 1;
}

static int take_where(void *user, const struct query_value *v, size_t count)
{
    struct most *most = user;
    (void)count;
    if (v[0].type == QUERY_INT)
        most->numbers[0] = v[0].number;
    buf_span(&most->text, v[1].bytes);
    return 1;
}

static char *print_network(struct addr network, unsigned bits, char text[static PREFIX_TEXT_SIZE])
{
    return prefix_print((struct prefix){.addr = network, .bits = (uint8_t)(96 + bits)}, text);
}

static struct query_value text_or_null(const struct buf *text)
{
    return text->len > 0 ? value_text(buf_as_span(text)) : value_null();
}

static void bounds(const struct outbreak *outbreak, struct addr *ret_last)
{
    *ret_last = outbreak->network;
    ret_last->bytes[14] = ret_last->bytes[15] = 255;
}

static int put_block(struct walking *w, const struct query_value *v)
{
    char network[PREFIX_TEXT_SIZE], block[PREFIX_TEXT_SIZE];
    struct addr last, part = {{0}};
    struct most banner = {.numbers = {-1, -1}}, where = {.numbers = {-1, -1}};
    const struct query_range all = {.limit = 0};
    bounds(w->at, &last);
    memcpy(part.bytes, v[0].bytes.at, v[0].bytes.len < 15 ? v[0].bytes.len : 15);
    buf_init(&banner.text, 16 * 1024);
    buf_init(&where.text, 256);
    const struct query_value given[] = {value_bytes(span_of(w->at->network.bytes, 16)), value_bytes(span_of(last.bytes, 16)), value_int(w->at->port),
                                        value_bytes(span_of(part.bytes, 15))};
    int error = query_rows_with(w->query, banner_sql, &all, given, 4, take_banner, &banner);
    if (error == 0)
        error = query_rows_with(w->query, where_sql, &all, given, 4, take_where, &where);
    const struct query_value row[COLUMNS] = {
        value_text(span_text(print_network(w->at->network, 16, network))),
        value_int(w->at->port),
        value_text(span_text(print_network(part, 24, block))),
        v[1],
        v[2],
        {.type = QUERY_REAL, .real = v[1].number > 0 ? (double)v[2].number * 100.0 / (double)v[1].number : 0},
        v[3],
        v[4],
        text_or_null(&banner.text),
        banner.numbers[0] >= 0 ? value_int(banner.numbers[0]) : value_null(),
        where.numbers[0] >= 0 ? value_int(where.numbers[0]) : value_null(),
        text_or_null(&where.text),
        value_int(w->at->found),
    };
    if (error == 0)
        error = table_row(w->table, row, COLUMNS);
    buf_done(&banner.text);
    buf_done(&where.text);
    return error;
}

static int each_block(void *user, const struct query_value *v, size_t count)
{
    struct walking *w = user;
    (void)count;
    w->rows++;
    w->error = put_block(w, v);
    return w->error != 0 || (int64_t)table_rows(w->table) >= w->limit;
}

static int put_outbreak(struct walking *w)
{
    struct addr last;
    char network[PREFIX_TEXT_SIZE];
    const struct query_range all = {.limit = 0};
    bounds(w->at, &last);
    const struct query_value given[] = {value_bytes(span_of(w->at->network.bytes, 16)), value_bytes(span_of(last.bytes, 16)), value_int(w->at->port)};
    w->rows = 0;
    int error = query_rows_with(w->query, blocks_sql, &all, given, 3, each_block, w);
    if (error != 0 || w->error != 0)
        return w->error != 0 ? w->error : error;
    if (w->rows > 0)
        return 0;
    struct query_value row[COLUMNS] = {value_text(span_text(print_network(w->at->network, 16, network))), value_int(w->at->port)};
    row[COLUMNS - 1] = value_int(w->at->found);
    return table_row(w->table, row, COLUMNS);
}

static int walk(struct query *query, const struct query_range *range, struct table *table)
{
    const struct query_filter filter = {.since = range->since, .until = range->until, .kinds = UINT64_C(1) << KIND_FINDING};
    struct walking w = {.query = query, .table = table, .limit = range->limit, .found = calloc(OUTBREAKS_MAX, sizeof *w.found)};
    if (w.found == NULL)
        return -ENOMEM;
    int error = query_records(query, &filter, each_finding, &w);
    for (size_t i = 0; i < w.count && error >= 0 && (int64_t)table_rows(table) < w.limit; i++) {
        w.at = &w.found[i];
        error = put_outbreak(&w);
    }
    free(w.found);
    return error < 0 ? error : 0;
}

const struct report report_outbreaks = {
    .name = "outbreaks",
    .title = "Outbreaks: who listens where in their neighbourhoods",
    .help = "neighbourhoods whose attackers speak on an unusual port: listeners per /24, shared banner, AS and country",
    .walk = walk,
    .columns = columns,
    .column_count = COLUMNS,
    .limit = 300,
};
