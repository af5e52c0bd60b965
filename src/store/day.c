#include "store/day.h"

#include "base/err.h"
#include "store/contacts.h"
#include "store/hosts.h"
#include "store/schema.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Places of the columns every kind has, as parameters of the insert; facts follow. */
enum {
    AT_SEQ = 1,
    AT_ID,
    AT_TIME,
    AT_SENSOR,
    AT_SOURCE_IP,
    AT_SOURCE_PORT,
    AT_DESTINATION_IP,
    AT_DESTINATION_PORT,
    AT_TRANSPORT,
    AT_SESSION,
    AT_FACTS
};

/* 8 KiB pages: as fast as 16 KiB, and a day with few records stays small. The log is copied into the file every 64 MiB. */
#define SET_UP                                                                                                                                     \
    "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=8192; PRAGMA journal_size_limit=67108864;" \
    "PRAGMA cache_size=-8192"

struct day {
    sqlite3 *db;
    sqlite3_stmt *insert[KIND_LIMIT]; /* made when first needed */
    uint8_t parameter[KIND_LIMIT][FACT_LIMIT];
    sqlite3_stmt *begin, *commit, *sensor;
    int64_t last_row, committed_row;
    bool open; /* a transaction is */
};

static void text_of_fact_type(struct buf *sql, enum fact_type type)
{
    switch (type) {
    case FACT_TYPE_TEXT:
        buf_text(sql, " TEXT");
        break;
    case FACT_TYPE_INT:
        buf_text(sql, " INTEGER");
        break;
    case FACT_TYPE_BYTES:
    case FACT_TYPE_ADDR:
        buf_text(sql, " BLOB");
        break;
    }
}

static void create_kind(struct buf *sql, const struct kind_info *kind)
{
    buf_printf(sql,
               "CREATE TABLE IF NOT EXISTS \"%s\"(seq INTEGER PRIMARY KEY,id BLOB NOT NULL UNIQUE,time INTEGER NOT NULL,sensor INTEGER NOT NULL,"
               "source_ip BLOB,source_port INTEGER,destination_ip BLOB,destination_port INTEGER,transport INTEGER,session BLOB",
               kind->name);
    for (size_t i = 0; i < kind->fact_count; i++) {
        const struct fact_info *fact = fact_info((unsigned)kind->facts[i]);
        buf_printf(sql, ",%s", fact->column);
        text_of_fact_type(sql, fact->type);
    }
    buf_text(sql, ");");
}

/* The value of the hexadecimal digit at `at` of h: SQLite has no function for it, and '0' is not in the list, so it gives 0. */
static void octet(struct buf *sql, unsigned at)
{
    buf_printf(sql, "(instr('123456789ABCDEF',substr(h,%u,1))*16+instr('123456789ABCDEF',substr(h,%u,1)))", at, at + 1);
}

static void address_text(struct buf *sql, const char *column)
{
    buf_printf(sql, "(SELECT CASE length(h) WHEN 8 THEN ");
    for (unsigned i = 0; i < 4; i++) {
        buf_text(sql, i > 0 ? "||'.'||" : "");
        octet(sql, 2 * i + 1);
    }
    buf_text(sql, " WHEN 32 THEN ");
    for (unsigned i = 0; i < 8; i++)
        buf_printf(sql, "%ssubstr(lower(h),%u,4)", i > 0 ? "||':'||" : "", 4 * i + 1);
    buf_printf(sql, " END FROM (SELECT hex(%s) AS h))", column);
}

static void create_view(struct buf *sql)
{
    buf_text(sql, "DROP VIEW IF EXISTS record;CREATE VIEW record AS ");
    const char *between = "";
    for (unsigned k = 0; k < KIND_LIMIT; k++) {
        const struct kind_info *kind = kind_info(k);
        if (kind == NULL)
            continue;
        buf_printf(sql,
                   "%sSELECT seq,'%s' AS kind,lower(hex(id)) AS id,strftime('%%Y-%%m-%%dT%%H:%%M:%%S',time/1000000,'unixepoch')"
                   "||printf('.%%06dZ',time%%1000000) AS time,(SELECT name FROM sensor WHERE number=sensor) AS sensor,",
                   between, kind->name);
        address_text(sql, "source_ip");
        buf_text(sql, " AS source,source_port,");
        address_text(sql, "destination_ip");
        buf_printf(sql,
                   " AS destination,destination_port,CASE transport WHEN %d THEN 'tcp' WHEN %d THEN 'udp' WHEN %d THEN 'icmp' END AS transport,"
                   "lower(hex(session)) AS session FROM \"%s\"",
                   TRANSPORT_TCP, TRANSPORT_UDP, TRANSPORT_ICMP, kind->name);
        between = " UNION ALL ";
    }
    buf_text(sql, ";");
}

/* Facts declared since the file was made. */
static int add_columns(sqlite3 *db, struct buf *sql, const struct kind_info *kind)
{
    for (size_t i = 0; i < kind->fact_count; i++) {
        const struct fact_info *fact = fact_info((unsigned)kind->facts[i]);
        int result = sqlite3_table_column_metadata(db, "main", kind->name, fact->column, NULL, NULL, NULL, NULL, NULL);
        if (result == SQLITE_OK)
            continue;
        if (result != SQLITE_ERROR)
            return db_code(result);
        buf_printf(sql, "ALTER TABLE \"%s\" ADD COLUMN %s", kind->name, fact->column);
        text_of_fact_type(sql, fact->type);
        buf_text(sql, ";");
    }
    return 0;
}

static int set_up(sqlite3 *db)
{
    int64_t version = 0;
    int r = db_run(db, SET_UP);
    if (r == 0)
        r = db_number(db, "PRAGMA user_version", &version);
    if (r == 0 && version > SCHEMA_DAY_VERSION)
        r = -ERR_VERSION;
    if (r != 0)
        return r;
    struct buf sql;
    buf_init(&sql, 256 * 1024);
    for (unsigned k = 0; k < KIND_LIMIT && r == 0; k++) {
        const struct kind_info *kind = kind_info(k);
        if (kind == NULL)
            continue;
        int result = sqlite3_table_column_metadata(db, "main", kind->name, NULL, NULL, NULL, NULL, NULL, NULL);
        if (result == SQLITE_OK)
            r = add_columns(db, &sql, kind);
        else if (result == SQLITE_ERROR)
            create_kind(&sql, kind);
        else
            r = db_code(result);
    }
    if (r == 0 && sql.len > 0) {
        buf_text(&sql, "CREATE TABLE IF NOT EXISTS sensor(number INTEGER PRIMARY KEY,name TEXT NOT NULL);");
        create_view(&sql);
        buf_printf(&sql, "PRAGMA user_version=%d;COMMIT", SCHEMA_DAY_VERSION);
        r = db_run(db, "BEGIN IMMEDIATE");
        if (r == 0)
            r = sql.error != 0 ? sql.error : db_run(db, buf_cstr(&sql));
    }
    buf_done(&sql);
    return r;
}

static int find_last_row(struct day *day)
{
    for (unsigned k = 0; k < KIND_LIMIT; k++) {
        const struct kind_info *kind = kind_info(k);
        if (kind == NULL)
            continue;
        char sql[96];
        (void)snprintf(sql, sizeof sql, "SELECT ifnull(max(seq),0) FROM \"%s\"", kind->name);
        int64_t last = 0;
        int r = db_number(day->db, sql, &last);
        if (r != 0)
            return r;
        if (last > day->last_row)
            day->last_row = last;
    }
    day->committed_row = day->last_row;
    return 0;
}

/* The log of a live file stays when its last user closes it, so that a reader who may create nothing can open the file. */
static void keep_log(struct day *day, bool yes)
{
    int keep = yes ? 1 : 0;
    (void)sqlite3_file_control(day->db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
}

int day_open(struct day **ret, const char *path, struct buf *why)
{
    struct day *day = calloc(1, sizeof *day);
    if (day == NULL)
        return -ENOMEM;
    int r = db_open(&day->db, path, DB_WRITE, why);
    if (r == 0) {
        keep_log(day, true);
        r = set_up(day->db);
        if (r == 0)
            r = db_prepare(day->db, &day->begin, "BEGIN IMMEDIATE");
        if (r == 0)
            r = db_prepare(day->db, &day->commit, "COMMIT");
        if (r == 0)
            r = db_prepare(day->db, &day->sensor, "INSERT OR IGNORE INTO sensor(number,name) VALUES(?1,?2)");
        if (r == 0)
            r = find_last_row(day);
        if (r != 0 && why != NULL)
            buf_printf(why, "%s: %s", path, r == -ERR_VERSION ? err_text(r) : sqlite3_errmsg(day->db));
    }
    if (r != 0) {
        day_close(day);
        return r;
    }
    *ret = day;
    return 0;
}

void day_close(struct day *day)
{
    if (day == NULL)
        return;
    day_rollback(day);
    for (size_t k = 0; k < KIND_LIMIT; k++)
        (void)sqlite3_finalize(day->insert[k]);
    (void)sqlite3_finalize(day->begin);
    (void)sqlite3_finalize(day->commit);
    (void)sqlite3_finalize(day->sensor);
    db_close(day->db);
    free(day);
}

int64_t day_last_row(const struct day *day)
{
    return day->last_row;
}

sqlite3 *day_database(struct day *day)
{
    return day->db;
}

bool day_dirty(const struct day *day)
{
    return day->open;
}

static int prepare_insert(struct day *day, unsigned k)
{
    const struct kind_info *kind = kind_info(k);
    struct buf sql;
    buf_init(&sql, 16384);
    buf_printf(&sql, "INSERT OR IGNORE INTO \"%s\"(seq,id,time,sensor,source_ip,source_port,destination_ip,destination_port,transport,session",
               kind->name);
    for (size_t i = 0; i < kind->fact_count; i++) {
        buf_printf(&sql, ",%s", fact_info((unsigned)kind->facts[i])->column);
        day->parameter[k][kind->facts[i]] = (uint8_t)(AT_FACTS + i);
    }
    buf_text(&sql, ") VALUES(?");
    for (size_t i = 1; i < AT_SESSION + kind->fact_count; i++)
        buf_text(&sql, ",?");
    buf_text(&sql, ")");
    int r = sql.error != 0 ? sql.error : db_prepare(day->db, &day->insert[k], buf_cstr(&sql));
    buf_done(&sql);
    return r;
}

static void bind_endpoint(sqlite3_stmt *insert, int at_ip, int at_port, const struct endpoint *end)
{
    static const struct addr none;
    if (addr_is_v4(end->addr))
        db_bind_bytes(insert, at_ip, span_of(end->addr.bytes + 12, 4));
    else if (!addr_equal(end->addr, none))
        db_bind_bytes(insert, at_ip, span_of(end->addr.bytes, 16));
    if (end->port != 0)
        (void)sqlite3_bind_int(insert, at_port, end->port);
}

static void bind_fact(sqlite3_stmt *insert, int at, const struct fact *fact)
{
    switch (fact_info((unsigned)fact->name)->type) {
    case FACT_TYPE_TEXT:
        db_bind_span(insert, at, fact->text);
        break;
    case FACT_TYPE_BYTES:
        db_bind_bytes(insert, at, fact->text);
        break;
    case FACT_TYPE_INT:
        (void)sqlite3_bind_int64(insert, at, fact->number);
        break;
    case FACT_TYPE_ADDR:
        db_bind_bytes(insert, at, span_of(fact->addr.bytes, sizeof fact->addr.bytes));
        break;
    }
}

int day_put(struct day *day, const struct record *record, int64_t sensor, enum fact_name blob_fact, const char *blob_hex, int64_t *ret_row)
{
    unsigned k = (unsigned)record->kind;
    if (day->insert[k] == NULL) {
        int r = prepare_insert(day, k);
        if (r != 0)
            return r;
    }
    if (!day->open) {
        int r = db_done(day->begin);
        if (r != 0)
            return r;
        day->open = true;
    }
    sqlite3_stmt *insert = day->insert[k];
    (void)sqlite3_clear_bindings(insert);
    (void)sqlite3_bind_int64(insert, AT_SEQ, day->last_row + 1);
    db_bind_bytes(insert, AT_ID, span_of(record->id.bytes, sizeof record->id.bytes));
    (void)sqlite3_bind_int64(insert, AT_TIME, record->time);
    (void)sqlite3_bind_int64(insert, AT_SENSOR, sensor);
    bind_endpoint(insert, AT_SOURCE_IP, AT_SOURCE_PORT, &record->source);
    bind_endpoint(insert, AT_DESTINATION_IP, AT_DESTINATION_PORT, &record->destination);
    if (record->transport != TRANSPORT_NONE)
        (void)sqlite3_bind_int(insert, AT_TRANSPORT, (int)record->transport);
    if (!id_is_zero(record->session))
        db_bind_bytes(insert, AT_SESSION, span_of(record->session.bytes, sizeof record->session.bytes));
    for (size_t i = 0; i < record->fact_count; i++) {
        const struct fact *fact = &record->facts[i];
        int at = day->parameter[k][fact->name];
        if (fact->name == blob_fact)
            db_bind_span(insert, at, span_text(blob_hex));
        else
            bind_fact(insert, at, fact);
    }
    int r = db_done(insert);
    if (r != 0)
        return r;
    if (sqlite3_changes(day->db) == 0)
        return 1;
    *ret_row = ++day->last_row;
    return 0;
}

int day_name_sensor(struct day *day, int64_t sensor, struct span name)
{
    if (!day->open) {
        int r = db_done(day->begin);
        if (r != 0)
            return r;
        day->open = true;
    }
    (void)sqlite3_bind_int64(day->sensor, 1, sensor);
    db_bind_span(day->sensor, 2, name);
    return db_done(day->sensor);
}

int day_commit(struct day *day)
{
    if (!day->open)
        return 0;
    int r = db_done(day->commit);
    if (r != 0)
        return r;
    day->open = false;
    day->committed_row = day->last_row;
    return 0;
}

void day_rollback(struct day *day)
{
    /* SQLite itself rolls back on a full disk; then there is no transaction any more. */
    if (day->open && sqlite3_get_autocommit(day->db) == 0)
        (void)db_run(day->db, "ROLLBACK");
    day->open = false;
    day->last_row = day->committed_row;
}

static int index_tables(struct day *day)
{
    for (unsigned k = 0; k < KIND_LIMIT; k++) {
        const struct kind_info *kind = kind_info(k);
        int64_t any = 0;
        char sql[256];
        if (kind == NULL)
            continue;
        (void)snprintf(sql, sizeof sql, "SELECT 1 FROM \"%s\" LIMIT 1", kind->name);
        int r = db_number(day->db, sql, &any);
        if (r == 0 && any != 0) {
            (void)snprintf(sql, sizeof sql,
                           "CREATE INDEX IF NOT EXISTS %s_session ON \"%s\"(session);CREATE INDEX IF NOT EXISTS %s_source ON \"%s\"(source_ip)",
                           kind->name, kind->name, kind->name, kind->name);
            r = db_run(day->db, sql);
        }
        if (r == 0 && any != 0 && (hosts_kind(kind->kind) || contacts_kind(kind->kind))) {
            (void)snprintf(sql, sizeof sql, "CREATE INDEX IF NOT EXISTS %s_destination ON \"%s\"(destination_ip)", kind->name, kind->name);
            r = db_run(day->db, sql);
        }
        if (r != 0)
            return r;
    }
    return 0;
}

int day_seal(struct day *day)
{
    assert(!day->open);
    int r = index_tables(day);
    if (r != 0)
        return r;
    /* Statements that are prepared do not hinder the change of mode, readers in other processes do. */
    sqlite3_stmt *mode = NULL;
    keep_log(day, false);
    r = db_run(day->db, "PRAGMA wal_checkpoint(TRUNCATE)");
    if (r == 0)
        r = db_prepare(day->db, &mode, "PRAGMA journal_mode=DELETE");
    if (r == 0) {
        r = db_row(mode);
        if (r == 1)
            r = span_is(db_span(mode, 0), "delete") ? 0 : -ERR_BUSY;
    }
    (void)sqlite3_finalize(mode);
    if (r != 0)
        keep_log(day, true);
    return r;
}

bool day_file_live(const char *path)
{
    /* Bytes 18 and 19 of the header are 2 in WAL mode (SQLite's file format §1.3.4). */
    uint8_t header[20] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got = pread(fd, header, sizeof header, 0);
    (void)close(fd);
    return got == (ssize_t)sizeof header && (header[18] == 2 || header[19] == 2);
}

int day_open_to_read(sqlite3 **ret, const char *path, bool *ret_immutable)
{
    char log[PATH_MAX];
    bool immutable = !day_file_live(path);
    if (!immutable && (size_t)snprintf(log, sizeof log, "%s-wal", path) < sizeof log)
        immutable = access(log, F_OK) != 0;
    int r = db_open(ret, path, immutable ? DB_IMMUTABLE : DB_READ, NULL);
    if (r == 0)
        *ret_immutable = immutable;
    return r;
}
