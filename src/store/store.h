/*
 * Where records are kept, by the only writer. DATA/ holds
 *   control.db        derived state: sensors, hosts, samples, tasks, rollups, places, pipeline counters (SQLite, WAL)
 *   days/2026-11-20.db  one file per UTC day of records: one table per kind, one column per fact, a view `record` over all;
 *                     append only, indexed when the day is sealed
 *   blobs/ab/cd/<sha256>  samples and other large bytes, mode 0440, never executable
 *   journal/          the edges' rings and spools
 *   lock, control     who writes; the socket verbs use while `run` holds the folder
 * The folder days/ itself is locked too, so that two stores can never write.
 *
 * Commit order of a batch: blobs (fsync, rename), day files, control database, then the acknowledgement. A crash between day file and
 * control database is mended at the next start by rolling forward from the rows: each day's `applied` row number is in the
 * control database, row numbers grow over all tables of a day file.
 */
#pragma once

#include "base/conf.h"
#include "record/types.h"

struct store;

/* Opens for writing (creates, migrates, rolls forward). `why`: one line for the operator. -ERR_BUSY: another process writes. */
int store_open(struct store **ret, const struct conf *settings, struct buf *why);
/* The same, with databases that say where hosts are; they must outlive the store. */
struct geo;
int store_open_with(struct store **ret, const struct conf *settings, const struct geo *, struct buf *why);
void store_close(struct store *); /* what is not committed is lost; NULL accepted */

/*
 * Takes one decoded record into the open batch (copied as needed). 0; 1 when its id is already kept (a duplicate, harmless).
 * -ERR_DENIED: the record is not true (its id's time and its time are more than an hour apart, it lies before 1970 or more than a day
 * ahead, or a sample's hash or size is not that of its content): not taken, the batch is as it was.
 * Any other negative code: the store failed, the batch must be rolled back.
 * A batch that touches many days or grows large may be committed in part on the way: more durable than asked for, never less.
 */
int store_put(struct store *, const struct record *);
int store_commit(struct store *); /* durable after return; the rollups follow at most a second later */
void store_rollback(struct store *);
/* The rollups of all that is committed, now: at the end of an import, before a report. */
int store_flush(struct store *);

/* Days (µs of their start) and their last row that commits touched since this was asked last. Up to `room`; the rest next time. */
struct store_day {
    usec_t day;
    int64_t row;
};
size_t store_touched(struct store *, struct store_day *ret, size_t room);

/* Analysis: findings are put like any record; its place and the rules' memory go with the next commit. -ERR_LIMIT: the state is too large. */
int store_follow(struct store *, usec_t day, int64_t row, struct span rule_state);
/* Every day's place (`row` followed up to) and last row applied; the array is the caller's to free. */
struct store_place {
    usec_t day;
    int64_t followed, last;
};
int store_places(struct store *, struct store_place **ret, size_t *ret_count);
int store_rule_state(struct store *, struct buf *out);

/* Seals days that are over (or, `all`, every past day, as after an import), applies retention. Call now and then, with no batch open. */
int store_tidy(struct store *, usec_t now, bool all);

struct control;
struct control *store_control(struct store *); /* for pipeline counters and tasks; with no batch open */
const char *store_folder(const struct store *);
int64_t store_clock_speed(const struct store *);
const struct geo *store_geo(const struct store *); /* may be NULL */
struct bulk;
struct bulk *store_bulk(const struct store *); /* what bulk files of registries say (bulk.h) */
