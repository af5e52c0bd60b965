/*
 * What became of each stream of records (schema.h, table pipeline): the edges' and reach's own counters, read from their journals' first page,
 * beside what the store committed of them.
 */
#pragma once

#include "store/control.h"
#include "store/ingest.h"

/* Journals by the number of their ring: those of the edges, then reach's. */
enum { STREAMS_REACH = 256, STREAMS_JOURNALS_MAX, STREAM_NAME_SIZE = 17 };

enum stream_writer { STREAM_CLIENT, STREAM_EDGE, STREAM_REACH };

/* A journal as it was last written to the table. */
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
    struct stream journals[STREAMS_JOURNALS_MAX];
    struct ingest_counts clients, findings; /* not written yet */
    uint64_t clients_committed, findings_committed;
};

int streams_init(struct streams *, struct control *);
/* Counts of a writer; index: which edge. `gone`: the writer leaves. */
void streams_take(struct streams *, enum stream_writer, unsigned index, struct ingest_counts, bool gone);
void streams_take_findings(struct streams *, struct ingest_counts);
/* Writes what changed, in a transaction of its own. `ring`: the descriptor of a journal by its number, or -1. */
int streams_write(struct streams *, struct control *, int (*ring)(void *user, unsigned index), void *user, usec_t now);
