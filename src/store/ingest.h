/*
 * From messages to committed records: many writers, one batch. Messages are kept until their commit, so that a batch which had to be rolled
 * back (full disk) is put again without anyone sending anew; nothing is acknowledged before it is durable.
 *
 *   message ─► held ─► put ─► commit ─► acknowledged, forgotten
 *                ▲               │ failed
 *                └── retry_at ◄──┘ rollback; meanwhile messages are only held, up to INGEST_HELD_MAX
 *
 * A frame that is not a valid record is left out and counted; its writer is to be ended, after what else it sent is acknowledged.
 */
#pragma once

#include "store/store.h"

enum { INGEST_HELD_MAX = 256 * 1024 * 1024 };

struct ingest;
struct ingest_writer;

struct ingest_events {
    /* What the writer sent up to `seq` is committed, or its wish to seal is fulfilled. `broken`: end it now; it may be removed in here. */
    void (*acknowledge)(void *writer_user, uint64_t seq, uint64_t records, uint64_t duplicates, bool broken);
    /* The findings up to there are committed. */
    void (*found)(void *user, usec_t day, int64_t row);
};

int ingest_new(struct ingest **ret, struct store *, size_t batch, const struct ingest_events *, void *user);
void ingest_free(struct ingest *); /* writers too; nothing is committed */

int ingest_join(struct ingest *, struct ingest_writer **ret, void *writer_user);
void ingest_leave(struct ingest_writer *); /* what it sent stays in the batch; NULL accepted */

/* Bodies of RECORDS and FINDINGS. 0; 1: the batch is full, commit; -ERR_MALFORMED: no such message, end the sender at once;
 * -ERR_FULL: INGEST_HELD_MAX, the store can't go on; -ENOMEM. */
int ingest_records(struct ingest_writer *, struct span body);
int ingest_findings(struct ingest *, struct span body);
void ingest_seal(struct ingest_writer *); /* with the next commit every past day is sealed */

/* Commits and acknowledges. On failure the batch is rolled back and kept for ingest_retry_at; the code says why. */
int ingest_commit(struct ingest *, usec_t monotonic);
bool ingest_waiting(const struct ingest *);    /* something is not committed yet */
usec_t ingest_retry_at(const struct ingest *); /* monotonic; 0: the store works */

/* Since the writer joined: last sequence number committed, and records left out. Since the last call: records and duplicates committed. */
struct ingest_counts {
    uint64_t committed, rejected, records, duplicates;
};
struct ingest_counts ingest_count(struct ingest_writer *);
/* Findings committed since the last call. */
struct ingest_counts ingest_count_findings(struct ingest *);
