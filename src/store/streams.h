/*
 * What became of each stream of records (schema.h, table pipeline): the edges' own counters, read from their journals' first page,
 * beside what the store committed of them.
 */
#pragma once

#include "store/control.h"
#include "store/ingest.h"

enum { STREAMS_EDGES_MAX = 256, STREAM_NAME_SIZE = 17 };

/* An edge's journal as it was last written to the table. */
struct stream {
    char name[STREAM_NAME_SIZE]; /* "": not known yet */
    uint64_t committed;          /* last sequence number */
    uint64_t rejected;           /* in all */
    uint64_t rejected_before;    /* by writers of this stream that went */
    uint64_t duplicates;         /* not written yet */
    struct journal_counters written;
    uint64_t committed_written;
};

struct streams {
    struct stream edges[STREAMS_EDGES_MAX];
    struct ingest_counts clients, findings; /* not written yet */
    uint64_t clients_committed, findings_committed;
};

int streams_init(struct streams *, struct control *);
/* Counts of a writer: an edge by its index, else a verb. `gone`: the writer leaves. */
void streams_take(struct streams *, bool edge, unsigned index, struct ingest_counts, bool gone);
void streams_take_findings(struct streams *, struct ingest_counts);
/* Writes what changed, in a transaction of its own. `ring`: the descriptor of an edge's journal, or -1. */
int streams_write(struct streams *, struct control *, int (*ring)(void *user, unsigned index), void *user, usec_t now);
