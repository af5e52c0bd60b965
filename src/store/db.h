/* SQLite as the store uses it: one way to open, to prepare, to run, and to turn its results into our codes. */
#pragma once

#include "base/buf.h"

#include <sqlite3.h>

enum db_use { DB_WRITE, DB_READ, DB_IMMUTABLE };

/* Temporary tables stay in memory, since readers may create no file. The error's text goes to `why` when it is not NULL. */
int db_open(sqlite3 **ret, const char *path, enum db_use use, struct buf *why);
void db_close(sqlite3 *); /* finalizes nothing; NULL accepted */

int db_run(sqlite3 *, const char *sql); /* one or more statements without results */
int db_prepare(sqlite3 *, sqlite3_stmt **ret, const char *sql);
int db_done(sqlite3_stmt *);                             /* steps a statement that gives no row, resets it; 0 or a code */
int db_row(sqlite3_stmt *);                              /* 1: a row, 0: none left, negative; the caller resets */
int db_number(sqlite3 *, const char *sql, int64_t *ret); /* first column of the first row; untouched when there is none */

/* 0 for SQLITE_OK, ROW and DONE; -ERR_FULL, -ERR_BUSY, -ENOMEM, -EIO, -ERR_MALFORMED (not a database, damaged), else -ERR_STORE. */
int db_code(int sqlite_result);

/* Brings a database from the version in PRAGMA user_version to `count`: steps[i] makes version i + 1 of version i; each in one transaction.
 * A version above `count` is -ERR_VERSION. */
int db_migrate(sqlite3 *, const char *const *steps, int count);

void db_bind_span(sqlite3_stmt *, int at, struct span text); /* TEXT, not copied: must live until the reset */
void db_bind_bytes(sqlite3_stmt *, int at, struct span bytes);
struct span db_span(sqlite3_stmt *, int column); /* TEXT or BLOB, valid until the next step */
