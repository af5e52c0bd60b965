#include "store/scan.h"

#include "base/err.h"

#include <errno.h>
#include <stdlib.h>

enum {
    COL_SEQ,
    COL_ID,
    COL_TIME,
    COL_SENSOR,
    COL_SOURCE_IP,
    COL_SOURCE_PORT,
    COL_DESTINATION_IP,
    COL_DESTINATION_PORT,
    COL_TRANSPORT,
    COL_SESSION,
    COL_FACTS
};

enum { SENSORS_MAX = 65536 };

/* One kind's table, and the row its statement stands on. */
struct lane {
    enum kind kind;
    sqlite3_stmt *select;
    enum fact_name fact[RECORD_FACTS_MAX]; /* by column, from COL_FACTS */
    size_t fact_count;
    bool has_row;
    int64_t row;
    struct id id;
};

struct scan {
    sqlite3 *db;
    enum scan_order order;
    struct scan_want want;
    struct lane lanes[KIND_LIMIT];
    size_t lane_count;
    struct lane *given; /* its row was handed out: step before the next is chosen */
    sqlite3_stmt *sensor;
    char **sensors; /* names by number, filled as they are met */
    size_t sensor_count;
};

static void where(struct buf *sql, const struct scan *scan)
{
    const struct scan_want *want = &scan->want;
    buf_text(sql, " WHERE 1");
    if (want->after_row > 0)
        buf_text(sql, " AND seq>:after_row");
    if (want->up_to_row > 0)
        buf_text(sql, " AND seq<=:up_to_row");
    if (!id_is_zero(want->session))
        buf_text(sql, " AND session=:session");
    if (want->by_source)
        buf_text(sql, " AND source_ip=:source");
    if (want->by_destination)
        buf_text(sql, " AND destination_ip=:destination");
    /* With a unary plus an index on the column is not used: the one on session or an address is better. */
    const char *plus = !id_is_zero(want->session) || want->by_source || want->by_destination ? "+" : "";
    if (!id_is_zero(want->after_id))
        buf_printf(sql, " AND %sid>=:after_id", plus);
    if (!id_is_zero(want->up_to_id))
        buf_printf(sql, " AND %sid<=:up_to_id", plus);
    if (want->since != 0)
        buf_text(sql, " AND time>=:since");
    if (want->until != 0)
        buf_text(sql, " AND time<:until");
    switch (scan->order) {
    case SCAN_BY_ROW:
        buf_text(sql, " ORDER BY seq");
        break;
    case SCAN_BY_ID:
        buf_printf(sql, " ORDER BY %sid", plus);
        break;
    case SCAN_BY_ID_NEWEST_FIRST:
        buf_printf(sql, " ORDER BY %sid DESC", plus);
        break;
    }
}

static void bind_addr(sqlite3_stmt *select, const char *name, const struct addr *addr)
{
    int at = sqlite3_bind_parameter_index(select, name);
    if (at > 0)
        db_bind_bytes(select, at, addr_is_v4(*addr) ? span_of(addr->bytes + 12, 4) : span_of(addr->bytes, 16));
}

static void bind_want(struct lane *lane, const struct scan_want *want)
{
    sqlite3_stmt *select = lane->select;
    int at;
    if ((at = sqlite3_bind_parameter_index(select, ":after_row")) > 0)
        (void)sqlite3_bind_int64(select, at, want->after_row);
    if ((at = sqlite3_bind_parameter_index(select, ":up_to_row")) > 0)
        (void)sqlite3_bind_int64(select, at, want->up_to_row);
    if ((at = sqlite3_bind_parameter_index(select, ":session")) > 0)
        db_bind_bytes(select, at, span_of(want->session.bytes, sizeof want->session.bytes));
    bind_addr(select, ":source", &want->source);
    bind_addr(select, ":destination", &want->destination);
    if ((at = sqlite3_bind_parameter_index(select, ":after_id")) > 0)
        db_bind_bytes(select, at, span_of(want->after_id.bytes, sizeof want->after_id.bytes));
    if ((at = sqlite3_bind_parameter_index(select, ":up_to_id")) > 0)
        db_bind_bytes(select, at, span_of(want->up_to_id.bytes, sizeof want->up_to_id.bytes));
    if ((at = sqlite3_bind_parameter_index(select, ":since")) > 0)
        (void)sqlite3_bind_int64(select, at, want->since);
    if ((at = sqlite3_bind_parameter_index(select, ":until")) > 0)
        (void)sqlite3_bind_int64(select, at, want->until);
}

static int lane_step(struct lane *lane)
{
    int r = db_row(lane->select);
    lane->has_row = r == 1;
    if (r < 0)
        return r;
    if (r == 1) {
        struct span id = db_span(lane->select, COL_ID);
        lane->row = sqlite3_column_int64(lane->select, COL_SEQ);
        lane->id = (struct id){0};
        if (id.len == sizeof lane->id.bytes)
            memcpy(lane->id.bytes, id.at, id.len);
    }
    return 0;
}

/* 1 when the file has no such table (an older version's, or one whose set-up was not finished). */
static int lane_open(struct scan *scan, struct lane *lane, const struct kind_info *kind)
{
    int result = sqlite3_table_column_metadata(scan->db, "main", kind->name, NULL, NULL, NULL, NULL, NULL, NULL);
    if (result != SQLITE_OK)
        return result == SQLITE_ERROR ? 1 : db_code(result);
    struct buf sql;
    buf_init(&sql, 32768);
    buf_text(&sql, "SELECT seq,id,time,sensor,source_ip,source_port,destination_ip,destination_port,transport,session");
    for (size_t i = 0; i < kind->fact_count && lane->fact_count < RECORD_FACTS_MAX; i++) {
        const struct fact_info *fact = fact_info((unsigned)kind->facts[i]);
        if (sqlite3_table_column_metadata(scan->db, "main", kind->name, fact->column, NULL, NULL, NULL, NULL, NULL) != SQLITE_OK)
            continue;
        buf_printf(&sql, ",%s", fact->column);
        lane->fact[lane->fact_count++] = kind->facts[i];
    }
    buf_printf(&sql, " FROM \"%s\"", kind->name);
    where(&sql, scan);
    lane->kind = kind->kind;
    int r = sql.error != 0 ? sql.error : db_prepare(scan->db, &lane->select, buf_cstr(&sql));
    buf_done(&sql);
    if (r == 0) {
        bind_want(lane, &scan->want);
        r = lane_step(lane);
    }
    return r;
}

int scan_open(struct scan **ret, sqlite3 *day, const struct scan_want *want, enum scan_order order)
{
    struct scan *scan = calloc(1, sizeof *scan);
    if (scan == NULL)
        return -ENOMEM;
    scan->db = day;
    scan->want = *want;
    scan->order = order;
    int64_t tables = 0;
    int r = db_number(day, "SELECT count(*) FROM sqlite_master WHERE name='sensor'", &tables);
    if (r == 0 && tables > 0)
        r = db_prepare(day, &scan->sensor, "SELECT name FROM sensor WHERE number=?1");
    for (unsigned k = 0; k < KIND_LIMIT && r == 0 && tables > 0; k++) {
        const struct kind_info *kind = kind_info(k);
        if (kind == NULL || (want->kinds != 0 && (want->kinds >> k & 1U) == 0))
            continue;
        r = lane_open(scan, &scan->lanes[scan->lane_count], kind);
        if (r == 0 || scan->lanes[scan->lane_count].select != NULL)
            scan->lane_count++;
        else if (r == 1)
            r = 0;
    }
    if (r != 0) {
        scan_close(scan);
        return r;
    }
    *ret = scan;
    return 0;
}

void scan_close(struct scan *scan)
{
    if (scan == NULL)
        return;
    for (size_t i = 0; i < scan->lane_count; i++)
        (void)sqlite3_finalize(scan->lanes[i].select);
    (void)sqlite3_finalize(scan->sensor);
    for (size_t i = 0; i < scan->sensor_count; i++)
        free(scan->sensors[i]);
    free(scan->sensors);
    free(scan);
}

/* The name behind a number, kept for the scan's life. */
static int sensor_name(struct scan *scan, int64_t number, struct span *ret)
{
    if (number < 0 || number >= SENSORS_MAX)
        return -ERR_MALFORMED;
    size_t at = (size_t)number;
    if (at >= scan->sensor_count) {
        char **more = realloc(scan->sensors, (at + 1) * sizeof *more);
        if (more == NULL)
            return -ENOMEM;
        for (size_t i = scan->sensor_count; i <= at; i++)
            more[i] = NULL;
        scan->sensors = more;
        scan->sensor_count = at + 1;
    }
    if (scan->sensors[at] == NULL) {
        (void)sqlite3_bind_int64(scan->sensor, 1, number);
        int r = db_row(scan->sensor);
        struct span name = r == 1 ? db_span(scan->sensor, 0) : span_text("unknown");
        scan->sensors[at] = strndup((const char *)name.at, name.len < RECORD_SENSOR_MAX ? name.len : RECORD_SENSOR_MAX);
        (void)sqlite3_reset(scan->sensor);
        if (r < 0)
            return r;
        if (scan->sensors[at] == NULL)
            return -ENOMEM;
    }
    *ret = span_text(scan->sensors[at]);
    return 0;
}

static void read_endpoint(sqlite3_stmt *select, int ip, int port, struct endpoint *ret)
{
    struct span address = db_span(select, ip);
    if (address.len == 4)
        ret->addr = addr_v4((uint32_t)address.at[0] << 24 | (uint32_t)address.at[1] << 16 | (uint32_t)address.at[2] << 8 | address.at[3]);
    else if (address.len == 16)
        memcpy(ret->addr.bytes, address.at, 16);
    ret->port = (uint16_t)sqlite3_column_int(select, port);
}

static void read_facts(struct lane *lane, struct scan_row *ret)
{
    for (size_t i = 0; i < lane->fact_count; i++) {
        int column = COL_FACTS + (int)i;
        int stored = sqlite3_column_type(lane->select, column);
        if (stored == SQLITE_NULL)
            continue;
        struct fact fact = {.name = lane->fact[i]};
        switch (fact_info((unsigned)fact.name)->type) {
        case FACT_TYPE_TEXT:
            fact.text = db_span(lane->select, column);
            break;
        case FACT_TYPE_BYTES:
            fact.text = db_span(lane->select, column);
            if (stored == SQLITE_TEXT) {
                ret->blob_fact = fact.name;
                ret->blob_hex = fact.text;
                continue;
            }
            break;
        case FACT_TYPE_INT:
            fact.number = sqlite3_column_int64(lane->select, column);
            break;
        case FACT_TYPE_ADDR: {
            struct span address = db_span(lane->select, column);
            if (address.len != sizeof fact.addr.bytes)
                continue;
            memcpy(fact.addr.bytes, address.at, address.len);
            break;
        }
        }
        ret->facts[ret->record.fact_count++] = fact;
    }
}

static int read_row(struct scan *scan, struct lane *lane, struct scan_row *ret)
{
    ret->row = lane->row;
    ret->sensor = sqlite3_column_int64(lane->select, COL_SENSOR);
    ret->blob_fact = (enum fact_name)0;
    ret->blob_hex = (struct span){0};
    ret->record = (struct record){.id = lane->id, .kind = lane->kind, .facts = ret->facts};
    struct record *record = &ret->record;
    record->time = sqlite3_column_int64(lane->select, COL_TIME);
    read_endpoint(lane->select, COL_SOURCE_IP, COL_SOURCE_PORT, &record->source);
    read_endpoint(lane->select, COL_DESTINATION_IP, COL_DESTINATION_PORT, &record->destination);
    int transport = sqlite3_column_int(lane->select, COL_TRANSPORT);
    record->transport = transport >= TRANSPORT_NONE && transport <= TRANSPORT_ICMP ? (enum transport)transport : TRANSPORT_NONE;
    struct span session = db_span(lane->select, COL_SESSION);
    if (session.len == sizeof record->session.bytes)
        memcpy(record->session.bytes, session.at, session.len);
    read_facts(lane, ret);
    return sensor_name(scan, ret->sensor, &record->sensor);
}

/* Does the row of `a` come before that of `b`? */
static bool before(enum scan_order order, const struct lane *a, const struct lane *b)
{
    switch (order) {
    case SCAN_BY_ROW:
        return a->row < b->row;
    case SCAN_BY_ID:
        return id_compare(a->id, b->id) < 0;
    case SCAN_BY_ID_NEWEST_FIRST:
    default:
        return id_compare(a->id, b->id) > 0;
    }
}

int scan_next(struct scan *scan, struct scan_row *ret)
{
    if (scan->given != NULL) {
        int r = lane_step(scan->given);
        if (r != 0)
            return r;
        scan->given = NULL;
    }
    struct lane *first = NULL;
    for (size_t i = 0; i < scan->lane_count; i++) {
        struct lane *lane = &scan->lanes[i];
        if (lane->has_row && (first == NULL || before(scan->order, lane, first)))
            first = lane;
    }
    if (first == NULL)
        return 0;
    int r = read_row(scan, first, ret);
    if (r != 0)
        return r;
    scan->given = first;
    return 1;
}
