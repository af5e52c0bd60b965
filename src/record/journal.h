/*
 * The journal: hand-over of records to the store with acknowledgement. What is appended lives in a ring in a file the supervisor
 * created and handed over as a descriptor (mapped shared, so a killed owner loses nothing that was appended: the next owner goes on
 * from there); when the ring is full, in a spool file; when that is full too, it is dropped and counted.
 *
 *            append                 sent                  acknowledged (after commit)
 *   record ─────────► ring ────────────────► store ─────────────────────► room
 *                      │ full   ▲ room
 *                      ▼        │
 *                    spool ─────┘
 *
 * Order is kept. Re-delivery after a break is harmless: the store knows records by id.
 */
#pragma once

#include "record/types.h"

struct journal;
struct channel;

/* Counters kept in the ring file's first page, so that the supervisor, the store and a successor see them. Written by the owner
 * only, with relaxed atomics; never reset while the file lives. */
struct journal_counters {
    uint64_t stream;       /* random, made with the file */
    uint64_t appended;     /* records taken in: the sequence number of the last */
    uint64_t acknowledged; /* sequence number of the last that was committed */
    uint64_t dropped;      /* records lost because ring and spool were full */
    uint64_t spooled;      /* records that went through the spool */
    uint64_t spool_bytes;  /* now waiting in the spool */
    uint64_t accepted;     /* connections accepted */
    uint64_t ended;        /* conversations whose session record was appended */
    uint64_t cut;          /* conversations without one: open when a predecessor died, or there was no room for it */
    uint64_t refused[8];   /* connections refused, by enum refusal of observe/honeypot/service.h */
};

enum {
    JOURNAL_RING_LEAST = 5 * 1024 * 1024, /* a ring must hold the longest record */
    JOURNAL_MESSAGE_MAX = 60 * 1024       /* a message holds one record, or several up to this size */
};

/* Maps the ring; both descriptors stay the caller's and must outlive the journal. The ring file was sized by the supervisor with
 * posix_fallocate (at least JOURNAL_RING_LEAST); a file that is all zero is made new, a damaged one is -ERR_MALFORMED, a smaller one
 * -ERR_LIMIT. `spool_max` in bytes; 0: no spool. A predecessor's open conversations are added to `cut`. */
int journal_open(struct journal **ret, int ring_fd, int spool_fd, uint64_t spool_max);
void journal_free(struct journal *);

/* Appends; never blocks. 0, or -ERR_FULL: dropped and counted. */
int journal_append(struct journal *, const struct record *);

/* Would a record of up to that many bytes (encoded, RECORD_SIZE_MAX at most) be taken now? For who would rather wait than lose one. */
bool journal_fits(const struct journal *, size_t bytes);

/* The store's channel came (again): sends from the first unacknowledged on. NULL: it went. */
void journal_attach(struct journal *, struct channel *store);
/* Sends what can be sent; call when the channel can take more, and at the end of each turn of the loop. */
void journal_push(struct journal *);
/* A message ACK came from the store: 0, or -ERR_MALFORMED when it acknowledges what was never sent. Sends more when there is more. */
int journal_acknowledge(struct journal *, struct span body);

/* Everything appended has been acknowledged. */
bool journal_empty(const struct journal *);
struct journal_counters *journal_counters(struct journal *);

/* Another process's view of a ring file's counters (read-only mapping); NULL when it isn't one. */
const struct journal_counters *journal_counters_map(int ring_fd);
