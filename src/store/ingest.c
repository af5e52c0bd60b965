#include "store/ingest.h"

#include "base/err.h"
#include "record/wire.h"

#include <errno.h>
#include <stdlib.h>

enum { WRITERS_MAX = 1024, BATCH_BYTES_MAX = 16 * 1024 * 1024 };

static const usec_t retry_first = 100 * USEC_PER_MSEC, retry_most = 5 * USEC_PER_SEC;

struct tallied {
    uint64_t records, duplicates;
};

struct ingest_writer {
    struct ingest *ingest;
    void *user;
    struct ingest_writer *next;
    bool started, broken, seal;
    uint64_t seen; /* last sequence number that arrived */
    uint64_t put;  /* in the batch */
    uint64_t committed;
    uint64_t rejected, rejected_put; /* until the last commit; in the batch */
    struct tallied batch, count;     /* in the batch; committed since the last count */
};

/* A message that is not committed yet. */
struct held {
    struct ingest_writer *writer; /* NULL: it left, or findings */
    bool findings;
    size_t at, len; /* in ingest.bytes */
};

struct ingest {
    struct store *store;
    struct ingest_events events;
    void *user;
    size_t batch_max, batch;
    struct ingest_writer *writers;
    struct held *held;
    size_t held_count, held_room;
    struct buf bytes;
    usec_t retry_at, retry_after;
    bool followed; /* the batch ends with a place of the analysis */
    usec_t day;
    int64_t row;
    struct tallied found_batch, found_count;
    struct fact facts[RECORD_FACTS_MAX];
};

int ingest_new(struct ingest **ret, struct store *store, size_t batch, const struct ingest_events *events, void *user)
{
    struct ingest *ingest = calloc(1, sizeof *ingest);
    if (ingest == NULL)
        return -ENOMEM;
    ingest->store = store;
    ingest->batch_max = batch;
    ingest->events = *events;
    ingest->user = user;
    buf_init(&ingest->bytes, INGEST_HELD_MAX);
    *ret = ingest;
    return 0;
}

void ingest_free(struct ingest *ingest)
{
    if (ingest == NULL)
        return;
    for (struct ingest_writer *writer = ingest->writers, *next; writer != NULL; writer = next) {
        next = writer->next;
        ingest_leave(writer);
    }
    buf_done(&ingest->bytes);
    free(ingest->held);
    free(ingest);
}

int ingest_join(struct ingest *ingest, struct ingest_writer **ret, void *writer_user)
{
    struct ingest_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        return -ENOMEM;
    writer->ingest = ingest;
    writer->user = writer_user;
    writer->next = ingest->writers;
    ingest->writers = writer;
    *ret = writer;
    return 0;
}

void ingest_leave(struct ingest_writer *writer)
{
    if (writer == NULL)
        return;
    struct ingest *ingest = writer->ingest;
    struct ingest_writer **link = &ingest->writers;
    while (*link != writer)
        link = &(*link)->next;
    *link = writer->next;
    for (size_t i = 0; i < ingest->held_count; i++) {
        if (ingest->held[i].writer == writer)
            ingest->held[i].writer = NULL;
    }
    free(writer);
}

/* ---- into the batch ---- */

/* A frame that could not be decoded: steps over it when its length can be believed. */
static bool skip_frame(struct cursor *c)
{
    struct cursor ahead = *c;
    size_t len = cursor_be32(&ahead);
    (void)cursor_take(&ahead, len);
    if (ahead.error != 0)
        return false;
    *c = ahead;
    return true;
}

/* Puts frames until the end; what is not a record is counted in *ret_rejected, and what follows a frame without an end is given up. */
static int put_frames(struct ingest *ingest, struct cursor *c, struct tallied *sums, uint64_t *ret_frames, uint64_t *ret_rejected)
{
    *ret_frames = *ret_rejected = 0;
    while (cursor_left(c) > 0) {
        struct record record;
        int r = wire_decode(c, &record, ingest->facts);
        if (r != 0 && !skip_frame(c)) {
            ++*ret_rejected;
            return 0;
        }
        ++*ret_frames;
        if (r == 0)
            r = store_put(ingest->store, &record);
        else
            r = -ERR_DENIED;
        if (r < 0 && r != -ERR_DENIED)
            return r;
        ingest->batch++;
        *ret_rejected += r == -ERR_DENIED ? 1 : 0;
        sums->records += r == 0 ? 1 : 0;
        sums->duplicates += r == 1 ? 1 : 0;
    }
    return 0;
}

static int put_records(struct ingest *ingest, const struct held *held)
{
    struct ingest_writer *writer = held->writer;
    struct cursor c = cursor_of(span_part(buf_as_span(&ingest->bytes), held->at, held->len));
    uint64_t first = cursor_be64(&c), frames, rejected;
    struct tallied sums = {0};
    int r = put_frames(ingest, &c, &sums, &frames, &rejected);
    if (r != 0 || writer == NULL)
        return r;
    writer->put = first - 1 + frames;
    writer->batch.records += sums.records;
    writer->batch.duplicates += sums.duplicates;
    writer->rejected_put += rejected;
    if (rejected > 0)
        writer->broken = true;
    return 0;
}

static int put_findings(struct ingest *ingest, const struct held *held)
{
    struct cursor c = cursor_of(span_part(buf_as_span(&ingest->bytes), held->at, held->len));
    usec_t day = (usec_t)cursor_be32(&c) * USEC_PER_DAY;
    int64_t row = (int64_t)cursor_be64(&c);
    struct span state = cursor_take(&c, cursor_be32(&c));
    uint64_t frames, rejected;
    int r = put_frames(ingest, &c, &ingest->found_batch, &frames, &rejected);
    if (r == 0)
        r = store_follow(ingest->store, day, row, state);
    if (r == 0) {
        ingest->followed = true;
        ingest->day = day;
        ingest->row = row;
    }
    return r;
}

static int put_held(struct ingest *ingest, const struct held *held)
{
    return held->findings ? put_findings(ingest, held) : put_records(ingest, held);
}

/* The batch is undone; its messages stay. */
static void roll_back(struct ingest *ingest, usec_t monotonic)
{
    store_rollback(ingest->store);
    for (struct ingest_writer *writer = ingest->writers; writer != NULL; writer = writer->next) {
        writer->put = writer->committed;
        writer->batch = (struct tallied){0};
        writer->rejected_put = 0;
    }
    ingest->found_batch = (struct tallied){0};
    ingest->followed = false;
    ingest->batch = 0;
    ingest->retry_after = ingest->retry_after == 0 ? retry_first : ingest->retry_after * 2;
    if (ingest->retry_after > retry_most)
        ingest->retry_after = retry_most;
    ingest->retry_at = monotonic + ingest->retry_after;
}

static int hold(struct ingest *ingest, struct ingest_writer *writer, struct span body)
{
    if (ingest->held_count == ingest->held_room) {
        size_t room = ingest->held_room == 0 ? 64 : ingest->held_room * 2;
        struct held *more = realloc(ingest->held, room * sizeof *more);
        if (more == NULL)
            return -ENOMEM;
        ingest->held = more;
        ingest->held_room = room;
    }
    struct held held = {.writer = writer, .findings = writer == NULL, .at = ingest->bytes.len, .len = body.len};
    buf_span(&ingest->bytes, body);
    if (ingest->bytes.error != 0) {
        int r = ingest->bytes.error == -ERR_LIMIT ? -ERR_FULL : ingest->bytes.error;
        ingest->bytes.error = 0;
        return r;
    }
    ingest->held[ingest->held_count++] = held;
    if (ingest->retry_at != 0)
        return 0; /* put when the store works again */
    int r = put_held(ingest, &ingest->held[ingest->held_count - 1]);
    if (r != 0) {
        roll_back(ingest, usec_monotonic());
        return 0;
    }
    return ingest->batch >= ingest->batch_max || ingest->bytes.len >= BATCH_BYTES_MAX ? 1 : 0;
}

int ingest_records(struct ingest_writer *writer, struct span body)
{
    struct cursor c = cursor_of(body);
    uint64_t first = cursor_be64(&c);
    if (c.error != 0 || first == 0 || first > INT64_MAX || (writer->started && first != writer->seen + 1) || cursor_left(&c) == 0)
        return -ERR_MALFORMED;
    uint64_t frames = 0;
    while (cursor_left(&c) > 0 && skip_frame(&c))
        frames++;
    if (!writer->started)
        writer->committed = writer->put = first - 1;
    writer->started = true;
    writer->seen = first - 1 + frames;
    return hold(writer->ingest, writer, body);
}

int ingest_findings(struct ingest *ingest, struct span body)
{
    struct cursor c = cursor_of(body);
    (void)cursor_be32(&c);
    uint64_t row = cursor_be64(&c);
    (void)cursor_take(&c, cursor_be32(&c));
    if (c.error != 0 || row > INT64_MAX)
        return -ERR_MALFORMED;
    return hold(ingest, NULL, body);
}

void ingest_seal(struct ingest_writer *writer)
{
    writer->seal = true;
}

/* ---- commit ---- */

static int put_again(struct ingest *ingest)
{
    int r = 0;
    for (size_t i = 0; i < ingest->held_count && r == 0; i++)
        r = put_held(ingest, &ingest->held[i]);
    return r;
}

static void count_in(struct tallied *sum, const struct tallied *more)
{
    sum->records += more->records;
    sum->duplicates += more->duplicates;
}

static void acknowledge(struct ingest *ingest)
{
    /* A writer that is told to end may be removed in the event, so the next one is found first. */
    for (struct ingest_writer *writer = ingest->writers, *next; writer != NULL; writer = next) {
        next = writer->next;
        if (writer->put == writer->committed && !writer->broken)
            continue;
        struct tallied batch = writer->batch;
        count_in(&writer->count, &batch);
        writer->batch = (struct tallied){0};
        writer->rejected += writer->rejected_put;
        writer->rejected_put = 0;
        writer->committed = writer->put;
        ingest->events.acknowledge(writer->user, writer->committed, batch.records, batch.duplicates, writer->broken);
    }
    count_in(&ingest->found_count, &ingest->found_batch);
    ingest->found_batch = (struct tallied){0};
    if (ingest->followed) {
        ingest->followed = false;
        ingest->events.found(ingest->user, ingest->day, ingest->row);
    }
}

static int seal(struct ingest *ingest)
{
    int r = store_tidy(ingest->store, usec_now(), true);
    for (struct ingest_writer *writer = ingest->writers, *next; writer != NULL && r == 0; writer = next) {
        next = writer->next;
        if (!writer->seal)
            continue;
        writer->seal = false;
        ingest->events.acknowledge(writer->user, writer->committed, 0, 0, false);
    }
    return r;
}

int ingest_commit(struct ingest *ingest, usec_t monotonic)
{
    int r = ingest->retry_at != 0 ? put_again(ingest) : 0;
    if (r == 0)
        r = store_commit(ingest->store);
    if (r != 0) {
        roll_back(ingest, monotonic);
        return r;
    }
    ingest->retry_at = 0;
    ingest->batch = 0;
    ingest->held_count = 0;
    buf_clear(&ingest->bytes);
    acknowledge(ingest);
    bool wanted = false;
    for (struct ingest_writer *writer = ingest->writers; writer != NULL; writer = writer->next)
        wanted = wanted || writer->seal;
    r = wanted ? seal(ingest) : 0;
    if (r != 0)
        roll_back(ingest, monotonic);
    else
        ingest->retry_after = 0;
    return r;
}

bool ingest_waiting(const struct ingest *ingest)
{
    bool waiting = ingest->held_count > 0;
    for (const struct ingest_writer *writer = ingest->writers; writer != NULL && !waiting; writer = writer->next)
        waiting = writer->seal;
    return waiting;
}

usec_t ingest_retry_at(const struct ingest *ingest)
{
    return ingest->retry_at;
}

struct ingest_counts ingest_count(struct ingest_writer *writer)
{
    struct ingest_counts counts = {
        .committed = writer->committed, .rejected = writer->rejected, .records = writer->count.records, .duplicates = writer->count.duplicates};
    writer->count = (struct tallied){0};
    return counts;
}

struct ingest_counts ingest_count_findings(struct ingest *ingest)
{
    struct ingest_counts counts = {.records = ingest->found_count.records, .duplicates = ingest->found_count.duplicates};
    ingest->found_count = (struct tallied){0};
    return counts;
}
