/*
 * Where records are kept, by the only writer. DATA/ holds
 *   control.db        derived state: sensors, hosts, samples, tasks, rollups, places, pipeline counters (SQLite, WAL)
 *   days/2026-11-20.db  one file per UTC day of records: one table per kind, one column per fact, a view `record` over all;
 *                     append only, indexed when the day is sealed
 *   blobs/ab/cd/<sha256>  samples and other large bytes, mode 0440, never executable
 *   journal/          the edges' rings and spools
 *   lock, control     who writes; the socket verbs use while `run` holds the folder
 *
 * Commit order of a batch: blobs (fsync, rename), day files, control database, then the acknowledgement. A crash between day file and
 * control database is mended at the next start by rolling forward from the rows: each day's `applied` row number is in the
 * control database, row numbers grow over all tables of a day file.
 */
#pragma once

#include "base/conf.h"
#include "record/types.h"

struct store;

/* Opens for writing (creates, migrates, rolls forward). `why`: one line for the operator. */
int store_open(struct store **ret, const struct conf *settings, struct buf *why);
void store_close(struct store *); /* commits nothing; NULL accepted */

/* Takes one decoded record into the open batch (copied as needed). 0; 1 when its id is already kept (a duplicate, harmless);
 * negative when the store failed: the batch must be rolled back. */
int store_put(struct store *, const struct record *);
int store_commit(struct store *); /* durable after return */
void store_rollback(struct store *);

/* Seals days that are over (or, `all`, every day touched by imports), applies retention. Call now and then. */
int store_tidy(struct store *, usec_t now, bool all);
