#include "base/err.h"
#include "report/table.h"

#include <stdio.h>

static const struct column columns[] = {
    {.name = "source.ip", .title = "host", .type = COLUMN_ADDR, .help = "address that attacked and has an industrial system behind it"},
    {.name = "source.geo.country_iso_code", .title = "country", .type = COLUMN_TEXT, .help = "its country, by the operator's database"},
    {.name = "ports",
     .title = "listens on (TTL)",
     .type = COLUMN_TEXT,
     .help = "open ports, those with one reply TTL together: 502, 8080 (45), 3389 (109)"},
    {.name = "noroshi.ics.protocol", .title = "ICS", .type = COLUMN_TEXT, .help = "industrial protocols spoken"},
    {.name = "attacked", .title = "attacked (TTL)", .type = COLUMN_TEXT, .help = "ports of ours it connected to, with the TTL of its packets"},
    {.name = "hosts_at_least", .title = "hosts", .type = COLUMN_COUNT, .help = "how many hosts seem to be behind the address"},
    {.name = "told_by",
     .title = "told by",
     .type = COLUMN_TEXT,
     .help = "who says it is industrial: probe, or the list it was imported from",
     .spare = 2},
    {.name = "device.manufacturer", .title = "maker", .type = COLUMN_TEXT, .help = "maker of the device", .spare = 4},
    {.name = "device.model.name", .title = "model", .type = COLUMN_TEXT, .help = "its model", .spare = 5},
    {.name = "reason", .title = "why", .type = COLUMN_TEXT, .help = "reason for the number of hosts", .spare = 1},
    {.name = "last_attack", .title = "last attack", .type = COLUMN_TIME, .help = "when it last attacked, or connected", .spare = 3},
};

enum { COLUMNS = sizeof columns / sizeof columns[0], PORTS_SHOWN = 64 };

/* Connecting to a sensor is attack enough for a controller. */
static const char hosts_sql[] =
    "SELECT h.source_ip, h.country, h.ics, h.hosts_at_least, h.maker, h.model, h.hosts_reason,"
    " coalesce(h.last_attack, (SELECT max(a.last) FROM host_attack AS a WHERE a.address = h.source_ip), h.last_day) AS latest,"
    " (SELECT count(*) FROM evidence AS e WHERE e.address = h.source_ip AND e.ics IS NOT NULL AND EXISTS (SELECT 1 FROM host_port AS p"
    " WHERE p.address = e.address AND p.port = e.port AND p.transport = e.transport AND p.state = 'open'))"
    " FROM host AS h WHERE (h.ics IS NOT NULL OR h.source_ip IN (SELECT address FROM host_listing WHERE ics IS NOT NULL))"
    " AND h.days > 0 AND h.honeypot IS NULL AND latest >= :since AND h.first < :until ORDER BY h.source_ip LIMIT :limit";

static const char protocols_sql[] = "SELECT ics FROM evidence WHERE address = ?1 AND ics IS NOT NULL"
                                    " UNION SELECT ics FROM host_listing WHERE address = ?1 AND ics IS NOT NULL ORDER BY 1";
static const char lists_sql[] = "SELECT DISTINCT list FROM host_listing WHERE address = ?1 AND ics IS NOT NULL ORDER BY 1";
static const char ports_sql[] = "SELECT port, transport, ttl FROM host_port WHERE address = ?1 AND state = 'open'"
                                " UNION SELECT port, transport, max(ttl) FROM host_listing WHERE address = ?1 AND (port, transport) NOT IN"
                                " (SELECT port, transport FROM host_port WHERE address = ?1) GROUP BY port, transport ORDER BY 1, 2 LIMIT :limit";
static const char attacks_sql[] = "SELECT port, 1, ttl FROM host_attack WHERE address = ?1 ORDER BY port, ttl LIMIT :limit";

struct port {
    int64_t port, transport, ttl; /* ttl 0: unknown */
    bool written;
};

struct host {
    struct port ports[PORTS_SHOWN];
    size_t count;
};

struct walking {
    struct query *query;
    struct table *table;
    int error;
};

static int add_port(void *user, const struct query_value *values, size_t count)
{
    struct host *host = user;
    (void)count;
    if (host->count == PORTS_SHOWN)
        return 1;
    host->ports[host->count++] = (struct port){.port = values[0].number, .transport = values[1].number, .ttl = values[2].number};
    return 0;
}

/* "502, 8080 (45), 3389 (109)": in the order of ports, each TTL's ports together. */
static void write_ports(struct buf *out, struct host *host)
{
    for (size_t i = 0; i < host->count; i++) {
        if (host->ports[i].written)
            continue;
        for (size_t j = i; j < host->count; j++) {
            if (host->ports[j].written || host->ports[j].ttl != host->ports[i].ttl)
                continue;
            host->ports[j].written = true;
            buf_printf(out, "%s%lld%s", out->len > 0 ? ", " : "", (long long)host->ports[j].port,
                       host->ports[j].transport == TRANSPORT_UDP ? "/udp" : "");
        }
        if (host->ports[i].ttl > 0)
            buf_printf(out, " (%lld)", (long long)host->ports[i].ttl);
    }
}

static int add_word(void *user, const struct query_value *values, size_t count)
{
    struct buf *out = user;
    (void)count;
    if (out->len > 0)
        buf_text(out, ", ");
    buf_span(out, values[0].bytes);
    return 0;
}

static int ports_of(struct walking *w, const char *sql, const struct query_value *address, struct buf *out)
{
    const struct query_range range = {.limit = PORTS_SHOWN};
    struct host host = {.count = 0};
    int error = query_rows_with(w->query, sql, &range, address, 1, add_port, &host);
    write_ports(out, &host);
    return error;
}

static struct query_value text_or_null(const struct buf *text)
{
    return text->len > 0 ? value_text(buf_as_span(text)) : value_null();
}

static int each(void *user, const struct query_value *v, size_t count)
{
    struct walking *w = user;
    const struct query_range all = {.limit = 0};
    struct buf ports, protocols, attacks, told;
    (void)count;
    buf_init(&ports, 4096);
    buf_init(&protocols, 4096);
    buf_init(&attacks, 4096);
    buf_init(&told, 4096);
    if (v[8].number > 0)
        buf_text(&told, "probe");
    w->error = ports_of(w, ports_sql, &v[0], &ports);
    if (w->error == 0)
        w->error = ports_of(w, attacks_sql, &v[0], &attacks);
    if (w->error == 0)
        w->error = query_rows_with(w->query, protocols_sql, &all, &v[0], 1, add_word, &protocols);
    if (w->error == 0)
        w->error = query_rows_with(w->query, lists_sql, &all, &v[0], 1, add_word, &told);
    const struct query_value row[COLUMNS] = {v[0],
                                             v[1],
                                             text_or_null(&ports),
                                             protocols.len > 0 ? value_text(buf_as_span(&protocols)) : v[2],
                                             text_or_null(&attacks),
                                             v[3],
                                             text_or_null(&told),
                                             v[4],
                                             v[5],
                                             v[6],
                                             v[7]};
    if (w->error == 0)
        w->error = table_row(w->table, row, COLUMNS);
    buf_done(&ports);
    buf_done(&protocols);
    buf_done(&attacks);
    buf_done(&told);
    return w->error;
}

static int walk(struct query *query, const struct query_range *range, struct table *table)
{
    struct walking w = {.query = query, .table = table};
    int error = query_rows(query, hosts_sql, range, each, &w);
    return w.error != 0 ? w.error : error;
}

const struct report report_ics = {
    .name = "ics",
    .title = "Attackers with an industrial system behind their address",
    .help = "hosts that our own probe or an imported list says are industrial, and that attacked: ports and TTLs, protocol, attack, hosts behind",
    .walk = walk,
    .columns = columns,
    .column_count = COLUMNS,
    .limit = 200,
};
