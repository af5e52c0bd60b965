/*
 * One day's file, for writing. A table per kind: seq (row number, growing over all tables of the file), id (BLOB, unique), time, sensor
 * (number, named by table `sensor`), source_ip, source_port, destination_ip, destination_port (addresses as BLOBs of 4 or 16 bytes, NULL
 * when unknown), transport, session, and a column per fact. A BYTES column holds the bytes as a BLOB, or, when they lie in blobs/, their
 * SHA-256 as TEXT. View `record` shows all kinds with readable times and addresses.
 *
 *   live (WAL, index on id only) ──day_seal──► sealed (journal_mode=DELETE, indexes on session and source_ip, of kinds of active observation on
 * destination_ip too) ▲                                        │ day_open for a late record: WAL again, indexes stay
 *        └────────────────────────────────────────┘
 */
#pragma once

#include "record/types.h"
#include "store/db.h"

struct day;

/* Creates the file, or adds the columns that facts have got since. */
int day_open(struct day **ret, const char *path, struct buf *why);
void day_close(struct day *); /* rolls back what is open; NULL accepted */

int64_t day_last_row(const struct day *); /* committed or not */
sqlite3 *day_database(struct day *);
bool day_dirty(const struct day *); /* has rows that are not committed */

/* 0 and the row's number, 1: the id is there already; negative: roll back. `blob` names the blob of one BYTES fact (0: none). */
int day_put(struct day *, const struct record *, int64_t sensor, enum fact_name blob_fact, const char *blob_hex, int64_t *ret_row);
int day_name_sensor(struct day *, int64_t sensor, struct span name);
int day_commit(struct day *);
void day_rollback(struct day *);

/* -ERR_BUSY while another process reads it: try again later. */
int day_seal(struct day *);

/*
 * For readers, who may create no file and do not write: a live file through its log, shared with the store; a sealed one (and one whose
 * log has gone, since whoever closed it last could write it all back) immutable, which takes no lock. `*ret_immutable`: the file
 * must not change while it is open; watch its time. Not for a file this process has open: closing a descriptor of it would drop
 * SQLite's locks.
 */
int day_open_to_read(sqlite3 **ret, const char *path, bool *ret_immutable);
/* Is the file at `path` live, by its header? The same warning holds. */
bool day_file_live(const char *path);
