#include "store/streams.h"

#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int streams_init(struct streams *streams, struct control *control)
{
    uint64_t ignored;
    *streams = (struct streams){0};
    int r = control_pipeline_read(control, "control", &streams->clients_committed, &ignored);
    return r == 0 ? control_pipeline_read(control, "analyse", &streams->findings_committed, &ignored) : r;
}

void streams_take(struct streams *streams, enum stream_writer writer, unsigned index, struct ingest_counts counts, bool gone)
{
    if (writer == STREAM_CLIENT) {
        streams->clients.records += counts.records;
        streams->clients.duplicates += counts.duplicates;
        return;
    }
    if (writer == STREAM_EDGE && index >= STREAMS_REACH)
        return;
    struct stream *stream = &streams->journals[writer == STREAM_REACH ? STREAMS_REACH : index];
    if (counts.committed > stream->committed)
        stream->committed = counts.committed;
    stream->duplicates += counts.duplicates;
    if (stream->rejected_before + counts.rejected > stream->rejected)
        stream->rejected = stream->rejected_before + counts.rejected;
    if (gone)
        stream->rejected_before += counts.rejected;
}

void streams_take_findings(struct streams *streams, struct ingest_counts counts)
{
    streams->findings.records += counts.records;
    streams->findings.duplicates += counts.duplicates;
}

/* A copy of the counters, taken while their owner goes on; false when there are none yet. */
static bool read_counters(int ring_fd, struct journal_counters *ret)
{
    const struct journal_counters *counters = ring_fd >= 0 ? journal_counters_map(ring_fd) : NULL;
    if (counters == NULL)
        return false;
    const uint64_t *from = &counters->stream;
    uint64_t *to = &ret->stream;
    for (size_t i = 0; i < sizeof *ret / sizeof *to; i++)
        to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uintptr_t start = (uintptr_t)counters / page * page;
    (void)munmap((void *)start, 4096);
    return ret->stream != 0;
}

static const char *word_of(unsigned index)
{
    return index == STREAMS_REACH ? "reach" : "edge";
}

static unsigned number_of(unsigned index)
{
    return index == STREAMS_REACH ? 0 : index;
}

/* Another journal than before: the old one's row is closed, what is known of the new one is read. */
static int follow(struct stream *stream, struct control *control, unsigned index, const char *name)
{
    if (strcmp(stream->name, name) == 0)
        return 0;
    struct stream fresh = {.committed = 0};
    (void)snprintf(fresh.name, sizeof fresh.name, "%s", name);
    uint64_t committed = 0;
    int r = control_pipeline_read(control, name, &committed, &fresh.rejected_before);
    if (r == 0)
        r = control_pipeline_replaced(control, word_of(index), number_of(index), name);
    if (r != 0)
        return r;
    /* What was counted before the first look at this journal is its own; a name that changes means counts of the old one. */
    if (stream->name[0] == '\0') {
        fresh.committed = stream->committed;
        fresh.duplicates = stream->duplicates;
        fresh.rejected = stream->rejected;
    }
    if (committed + fresh.rejected_before > fresh.committed)
        fresh.committed = committed + fresh.rejected_before;
    fresh.rejected += fresh.rejected_before;
    *stream = fresh;
    return 0;
}

static int write_journal(struct stream *stream, struct control *control, unsigned index, int ring_fd, usec_t now)
{
    struct journal_counters counters;
    if (!read_counters(ring_fd, &counters))
        return 0;
    char name[STREAM_NAME_SIZE];
    (void)snprintf(name, sizeof name, "%016llx", (unsigned long long)counters.stream);
    int r = follow(stream, control, index, name);
    if (r != 0)
        return r;
    /* What was acknowledged was committed, even if the store that did it is not there any more to say so. */
    if (counters.acknowledged > stream->committed)
        stream->committed = counters.acknowledged;
    if (memcmp(&counters, &stream->written, sizeof counters) == 0 && stream->committed == stream->committed_written && stream->duplicates == 0)
        return 0;
    uint64_t committed = stream->committed > stream->rejected ? stream->committed - stream->rejected : 0;
    const struct pipeline_row row = {.stream = name,
                                     .writer = word_of(index),
                                     .number = number_of(index),
                                     .current = true,
                                     .appended = counters.appended,
                                     .committed = committed,
                                     .waiting = counters.appended > stream->committed ? counters.appended - stream->committed : 0,
                                     .rejected = stream->rejected,
                                     .records = committed,
                                     .duplicates = stream->duplicates,
                                     .counters = &counters,
                                     .now = now};
    r = control_pipeline(control, &row);
    if (r == 0) {
        stream->written = counters;
        stream->committed_written = stream->committed;
        stream->duplicates = 0;
    }
    return r;
}

static int write_other(struct control *control, const char *stream, const char *writer, struct ingest_counts *counts, uint64_t *committed, usec_t now)
{
    if (counts->records == 0 && counts->duplicates == 0)
        return 0;
    *committed += counts->records + counts->duplicates;
    const struct pipeline_row row = {.stream = stream,
                                     .writer = writer,
                                     .current = true,
                                     .appended = *committed,
                                     .committed = *committed,
                                     .records = counts->records,
                                     .duplicates = counts->duplicates,
                                     .now = now};
    int r = control_pipeline(control, &row);
    *counts = (struct ingest_counts){0};
    return r;
}

int streams_write(struct streams *streams, struct control *control, int (*ring)(void *user, unsigned index), void *user, usec_t now)
{
    int r = control_begin(control);
    for (unsigned i = 0; i < STREAMS_JOURNALS_MAX && r == 0; i++) {
        int ring_fd = ring(user, i);
        if (ring_fd >= 0)
            r = write_journal(&streams->journals[i], control, i, ring_fd, now);
    }
    if (r == 0)
        r = write_other(control, "control", "client", &streams->clients, &streams->clients_committed, now);
    if (r == 0)
        r = write_other(control, "analyse", "analyse", &streams->findings, &streams->findings_committed, now);
    if (r == 0)
        r = control_commit(control);
    if (r != 0)
        control_rollback(control);
    return r;
}
