#include "store/db.h"

#include "base/err.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

int db_code(int sqlite_result)
{
    switch (sqlite_result & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_FULL:
        return -ERR_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -ERR_BUSY;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_IOERR:
        return -EIO;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return -ERR_MALFORMED;
    default:
        return -ERR_STORE;
    }
}

/* An URI is needed for immutable; everything that means something in one is escaped. */
static void uri_of(struct buf *out, const char *path, bool immutable)
{
    buf_text(out, "file:");
    for (const char *c = path; *c != '\0'; c++) {
        if (*c == '%' || *c == '?' || *c == '#')
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)*c);
        else
            buf_byte(out, (uint8_t)*c);
    }
    if (immutable)
        buf_text(out, "?immutable=1");
}

/* Nobody asks SQLite how much memory it has; counting costs a lock per allocation. Before its first use; later it is refused, harmlessly. */
__attribute__((constructor)) static void configure(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

int db_open(sqlite3 **ret, const char *path, enum db_use use, struct buf *why)
{
    struct buf uri;
    buf_init(&uri, 3 * PATH_MAX);
    uri_of(&uri, path, use == DB_IMMUTABLE);
    int flags = SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | (use == DB_WRITE ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
    sqlite3 *db = NULL;
    int result = uri.error != 0 ? SQLITE_CANTOPEN : sqlite3_open_v2(buf_cstr(&uri), &db, flags, NULL);
    buf_done(&uri);
    int r = db_code(result);
    if (r == 0) {
        (void)sqlite3_extended_result_codes(db, 1);
        (void)sqlite3_busy_timeout(db, use == DB_WRITE ? 2000 : 5000);
        r = db_run(db, "PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON");
    }
    if (r != 0) {
        if (why != NULL)
            buf_printf(why, "%s: %s", path, db != NULL ? sqlite3_errmsg(db) : err_text(r));
        (void)sqlite3_close_v2(db);
        return r;
    }
    *ret = db;
    return 0;
}

void db_close(sqlite3 *db)
{
    (void)sqlite3_close_v2(db);
}

int db_run(sqlite3 *db, const char *sql)
{
    return db_code(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

int db_prepare(sqlite3 *db, sqlite3_stmt **ret, const char *sql)
{
    return db_code(sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL));
}

int db_done(sqlite3_stmt *statement)
{
    int result = sqlite3_step(statement);
    (void)sqlite3_reset(statement);
    return db_code(result);
}

int db_row(sqlite3_stmt *statement)
{
    int result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        return 1;
    return db_code(result);
}

int db_number(sqlite3 *db, const char *sql, int64_t *ret)
{
    sqlite3_stmt *statement = NULL;
    int r = db_prepare(db, &statement, sql);
    if (r == 0) {
        r = db_row(statement);
        if (r == 1) {
            *ret = sqlite3_column_int64(statement, 0);
            r = 0;
        }
    }
    (void)sqlite3_finalize(statement);
    return r;
}

int db_migrate(sqlite3 *db, const char *const *steps, int count)
{
    int64_t version = 0;
    int r = db_number(db, "PRAGMA user_version", &version);
    if (r != 0)
        return r;
    if (version < 0 || version > count)
        return -ERR_VERSION;
    for (int64_t at = version; at < count; at++) {
        char set[48];
        (void)snprintf(set, sizeof set, "PRAGMA user_version=%d", (int)at + 1);
        r = db_run(db, "BEGIN IMMEDIATE");
        if (r == 0)
            r = db_run(db, steps[at]);
        if (r == 0)
            r = db_run(db, set);
        if (r == 0)
            r = db_run(db, "COMMIT");
        if (r != 0) {
            (void)db_run(db, "ROLLBACK");
            return r;
        }
    }
    return 0;
}

void db_bind_span(sqlite3_stmt *statement, int at, struct span text)
{
    (void)sqlite3_bind_text64(statement, at, text.len > 0 ? (const char *)text.at : "", text.len, SQLITE_STATIC, SQLITE_UTF8);
}

void db_bind_bytes(sqlite3_stmt *statement, int at, struct span bytes)
{
    (void)sqlite3_bind_blob64(statement, at, bytes.len > 0 ? (const void *)bytes.at : "", bytes.len, SQLITE_STATIC);
}

struct span db_span(sqlite3_stmt *statement, int column)
{
    const void *at = sqlite3_column_blob(statement, column);
    return span_of(at, at != NULL ? (size_t)sqlite3_column_bytes(statement, column) : 0);
}
