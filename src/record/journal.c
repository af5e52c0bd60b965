#include "record/journal.h"

#include "base/buf.h"
#include "base/cursor.h"
#include "process/channel.h"
#include "record/wire.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The ring file: one page of header, then the ring. Ring and spool hold entries: u64 sequence number + the record's wire frame, both
 * big-endian, never wrapped over the end: where an entry does not fit, a sequence number of PAD says "go on at the start".
 * Positions only grow; the place in the ring or spool is position % size. The bytes of an entry are written before the position that
 * makes them part of the journal, so an owner that dies in between leaves a valid file; counters that such a death may leave
 * behind are made true again from the entries' sequence numbers.
 */
enum { HEADER_SIZE = 4096, ENTRY_HEAD = 12, FRAME_HEAD = 4 };
#define MAGIC UINT64_C(0x6e6f726f73686931) /* "noroshi1" */
#define PAD UINT64_MAX

struct header {
    uint64_t magic;
    uint64_t ring_size;
    _Atomic uint64_t head, tail; /* positions in the ring: next to write, oldest not acknowledged */
    uint64_t spool_size;
    _Atomic uint64_t spool_head, spool_tail;
    struct journal_counters counters;
};
_Static_assert(sizeof(struct header) <= HEADER_SIZE, "the header is one page");

struct journal {
    struct header *header;
    uint8_t *ring;
    size_t mapped;
    int spool_fd;
    struct channel *store;
    uint64_t sent;     /* position in the ring: next to send */
    uint64_t sent_seq; /* sequence number of the last sent */
    struct buf frame;  /* an entry being made, or read from the spool */
    struct buf message;
};

static uint64_t get(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void set(uint64_t *counter, uint64_t value)
{
    __atomic_store_n(counter, value, __ATOMIC_RELAXED);
}

static void add(uint64_t *counter, uint64_t more)
{
    set(counter, get(counter) + more);
}

static uint64_t load(_Atomic uint64_t *position)
{
    return atomic_load_explicit(position, memory_order_acquire);
}

static void store(_Atomic uint64_t *position, uint64_t value)
{
    atomic_store_explicit(position, value, memory_order_release);
}

/* What an entry at some place says of itself; len is the whole entry's. Returns -ERR_MALFORMED for what can't be one. */
struct entry {
    uint64_t seq;
    size_t len;
    bool pad;
};

static int entry_read(struct span bytes, struct entry *ret)
{
    struct cursor c = cursor_of(bytes);
    struct entry entry = {.seq = cursor_be64(&c)};
    if (c.error != 0 || entry.seq == PAD) {
        /* Fewer than eight bytes are left before the end: padding too short to be marked. */
        *ret = (struct entry){.len = bytes.len, .pad = true};
        return 0;
    }
    size_t frame = cursor_be32(&c);
    if (c.error != 0) {
        *ret = (struct entry){.len = bytes.len, .pad = true};
        return 0;
    }
    if (frame > RECORD_SIZE_MAX || frame + ENTRY_HEAD > bytes.len)
        return -ERR_MALFORMED;
    entry.len = frame + ENTRY_HEAD;
    *ret = entry;
    return 0;
}

/* The contiguous bytes from a ring position to the ring's end, or to `head` when that comes first. */
static struct span ring_part(const struct journal *j, uint64_t position, uint64_t head)
{
    uint64_t size = j->header->ring_size;
    uint64_t offset = position % size, len = size - offset;
    if (len > head - position)
        len = head - position;
    return span_of(j->ring + offset, (size_t)len);
}

/* ---- opening ---- */

static int header_make(struct header *h, uint64_t ring_size, uint64_t spool_size)
{
    h->ring_size = ring_size;
    h->spool_size = spool_size;
    if (getrandom(&h->counters.stream, sizeof h->counters.stream, 0) != (ssize_t)sizeof h->counters.stream)
        return -errno;
    h->counters.stream &= INT64_MAX; /* it becomes an SQL integer */
    h->magic = MAGIC;
    return 0;
}

static bool all_zero(const struct header *h)
{
    const uint8_t *bytes = (const uint8_t *)h;
    for (size_t i = 0; i < sizeof *h; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

static bool header_valid(struct header *h, uint64_t ring_size)
{
    uint64_t head = load(&h->head), tail = load(&h->tail);
    return h->magic == MAGIC && h->ring_size == ring_size && tail <= head && head - tail <= ring_size;
}

/* Walks the ring's entries; the first and last sequence number in it (0 when empty). */
static int ring_walk(struct journal *j, uint64_t *ret_first, uint64_t *ret_last)
{
    uint64_t head = load(&j->header->head), first = 0, last = 0;
    for (uint64_t at = load(&j->header->tail); at < head;) {
        struct entry entry;
        int r = entry_read(ring_part(j, at, head), &entry);
        if (r != 0 || entry.len == 0)
            return -ERR_MALFORMED;
        at += entry.len;
        if (entry.pad)
            continue;
        if (last != 0 && entry.seq != last + 1)
            return -ERR_MALFORMED;
        first = first == 0 ? entry.seq : first;
        last = entry.seq;
    }
    *ret_first = first;
    *ret_last = last;
    return 0;
}

/* The spool entry at a position, into j->frame: 1, 0 for padding (its length in *ret), negative. */
static int spool_read(struct journal *j, uint64_t position, uint64_t head, struct entry *ret)
{
    uint64_t size = j->header->spool_size, offset = position % size, left = size - offset;
    if (left > head - position)
        left = head - position;
    uint8_t bytes[ENTRY_HEAD];
    size_t want = left < sizeof bytes ? (size_t)left : sizeof bytes;
    ssize_t got = pread(j->spool_fd, bytes, want, (off_t)offset);
    if (got < 0)
        return -errno;
    struct cursor c = cursor_of(span_of(bytes, (size_t)got));
    uint64_t seq = cursor_be64(&c);
    if (want < ENTRY_HEAD || seq == PAD) {
        *ret = (struct entry){.len = (size_t)left, .pad = true};
        return 0;
    }
    uint64_t len = cursor_be32(&c);
    if (c.error != 0 || len > RECORD_SIZE_MAX || len + ENTRY_HEAD > left)
        return -ERR_MALFORMED;
    *ret = (struct entry){.seq = seq, .len = (size_t)len + ENTRY_HEAD};
    buf_clear(&j->frame);
    uint8_t *room = buf_reserve(&j->frame, ret->len);
    if (room == NULL)
        return j->frame.error;
    got = pread(j->spool_fd, room, ret->len, (off_t)offset);
    if (got < 0 || (size_t)got != ret->len)
        return got < 0 ? -errno : -ERR_TRUNCATED;
    j->frame.len = ret->len;
    return 1;
}

static void spool_empty(struct journal *j)
{
    store(&j->header->spool_head, 0);
    store(&j->header->spool_tail, 0);
    set(&j->header->counters.spool_bytes, 0);
    if (j->spool_fd >= 0 && ftruncate(j->spool_fd, 0) != 0)
        return; /* the room is used again from the start all the same */
}

/* Makes the counters agree with the entries that are there, whatever a predecessor's death left half done. */
static int mend(struct journal *j)
{
    struct header *h = j->header;
    uint64_t first, last;
    int r = ring_walk(j, &first, &last);
    if (r != 0)
        return r;
    uint64_t at = load(&h->spool_tail), end = load(&h->spool_head);
    if (j->spool_fd < 0 || h->spool_size == 0 || end <= at || end - at > h->spool_size) {
        spool_empty(j);
        at = end = 0;
    }
    uint64_t kept = at;
    while (at < end) {
        struct entry entry;
        r = spool_read(j, at, end, &entry);
        if (r < 0) {
            /* The disk lost its end (power): what can be read is kept, the rest is gone and counted. */
            store(&h->spool_head, at);
            break;
        }
        at += entry.len;
        if (r == 0)
            continue;
        if (last != 0 && entry.seq <= last) {
            kept = at; /* it had been moved into the ring already */
            continue;
        }
        first = first == 0 ? entry.seq : first;
        last = entry.seq;
    }
    store(&h->spool_tail, kept);
    if (first != 0) {
        uint64_t believed = get(&h->counters.appended);
        if (believed > last)
            add(&h->counters.dropped, believed - last);
        set(&h->counters.acknowledged, first - 1);
        set(&h->counters.appended, last);
    } else {
        uint64_t believed = get(&h->counters.appended), known = get(&h->counters.acknowledged);
        set(&h->counters.acknowledged, believed > known ? believed : known);
        set(&h->counters.appended, get(&h->counters.acknowledged));
    }
    return 0;
}

int journal_open(struct journal **ret, int ring_fd, int spool_fd, uint64_t spool_max)
{
    struct stat st;
    if (fstat(ring_fd, &st) != 0)
        return -errno;
    if (st.st_size < HEADER_SIZE + JOURNAL_RING_LEAST)
        return -ERR_LIMIT;
    struct journal *j = calloc(1, sizeof *j);
    if (j == NULL)
        return -ENOMEM;
    j->mapped = (size_t)st.st_size;
    void *map = mmap(NULL, j->mapped, PROT_READ | PROT_WRITE, MAP_SHARED, ring_fd, 0);
    if (map == MAP_FAILED) {
        int r = -errno;
        free(j);
        return r;
    }
    j->header = map;
    j->ring = (uint8_t *)map + HEADER_SIZE;
    j->spool_fd = spool_max > 0 ? spool_fd : -1;
    buf_init(&j->frame, RECORD_SIZE_MAX + ENTRY_HEAD);
    buf_init(&j->message, RECORD_SIZE_MAX + 64);
    uint64_t ring_size = (uint64_t)st.st_size - HEADER_SIZE;
    int r = 0;
    if (all_zero(j->header))
        r = header_make(j->header, ring_size, spool_max);
    else if (!header_valid(j->header, ring_size))
        r = -ERR_MALFORMED;
    if (r == 0)
        r = mend(j);
    if (r != 0) {
        journal_free(j);
        return r;
    }
    /* A new bound of the spool holds from the next time it is empty. */
    if (load(&j->header->spool_head) == 0)
        j->header->spool_size = spool_max;
    struct journal_counters *c = &j->header->counters;
    set(&c->cut, get(&c->accepted) - get(&c->ended));
    j->sent = load(&j->header->tail);
    j->sent_seq = get(&c->acknowledged);
    *ret = j;
    return 0;
}

void journal_free(struct journal *j)
{
    if (j == NULL)
        return;
    buf_done(&j->frame);
    buf_done(&j->message);
    (void)munmap(j->header, j->mapped);
    free(j);
}

/* ---- taking in ---- */

/* Copies an entry into the ring; false when there is no room. */
static bool ring_put(struct journal *j, struct span entry)
{
    struct header *h = j->header;
    uint64_t head = load(&h->head), tail = load(&h->tail), size = h->ring_size;
    if (head == tail && head % size != 0) {
        /* Empty: start over at the beginning, so that a ring with little in it touches few pages. */
        head = tail = (head / size + 1) * size;
        store(&h->head, head); /* head first: tail <= head must hold at every moment */
        store(&h->tail, tail);
        j->sent = tail;
    }
    uint64_t offset = head % size, to_end = size - offset, pad = entry.len > to_end ? to_end : 0;
    if (entry.len + pad > size - (head - tail))
        return false;
    if (pad > 0) {
        for (uint64_t i = 0; i < pad && i < 8; i++)
            j->ring[offset + i] = 0xff;
        head += pad;
        offset = 0;
    }
    memcpy(j->ring + offset, entry.at, entry.len);
    store(&h->head, head + entry.len);
    return true;
}

static int write_whole(int fd, struct span bytes, uint64_t offset)
{
    for (size_t done = 0; done < bytes.len;) {
        ssize_t wrote = pwrite(fd, bytes.at + done, bytes.len - done, (off_t)(offset + done));
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return wrote < 0 ? -errno : -ENOSPC;
        done += (size_t)wrote;
    }
    return 0;
}

static bool spool_put(struct journal *j, struct span entry)
{
    struct header *h = j->header;
    uint64_t head = load(&h->spool_head), size = h->spool_size;
    if (j->spool_fd < 0 || size < entry.len)
        return false;
    uint64_t offset = head % size, to_end = size - offset, pad = entry.len > to_end ? to_end : 0;
    if (entry.len + pad > size - (head - load(&h->spool_tail)))
        return false;
    static const uint8_t mark[8] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    if (pad > 0) {
        if (write_whole(j->spool_fd, span_of(mark, pad < sizeof mark ? (size_t)pad : sizeof mark), offset) != 0)
            return false;
        head += pad;
        offset = 0;
    }
    if (write_whole(j->spool_fd, entry, offset) != 0)
        return false;
    store(&h->spool_head, head + entry.len);
    add(&h->counters.spooled, 1);
    set(&h->counters.spool_bytes, head + entry.len - load(&h->spool_tail));
    return true;
}

static bool spool_waits(const struct journal *j)
{
    return load(&j->header->spool_head) > load(&j->header->spool_tail);
}

int journal_append(struct journal *j, const struct record *record)
{
    struct journal_counters *c = &j->header->counters;
    uint64_t seq = get(&c->appended) + 1;
    buf_clear(&j->frame);
    buf_be(&j->frame, seq, 8);
    wire_encode(&j->frame, record);
    bool taken = j->frame.error == 0 && ((!spool_waits(j) && ring_put(j, buf_as_span(&j->frame))) || spool_put(j, buf_as_span(&j->frame)));
    if (!taken) {
        add(&c->dropped, 1);
        return -ERR_FULL;
    }
    set(&c->appended, seq);
    return 0;
}

/* Room for an entry of that length, padding included. */
static bool has_room(uint64_t head, uint64_t tail, uint64_t size, uint64_t len)
{
    uint64_t to_end = size - head % size;
    return len + (len > to_end ? to_end : 0) <= size - (head - tail);
}

bool journal_fits(const struct journal *j, size_t bytes)
{
    struct header *h = j->header;
    uint64_t len = bytes + 8, head = load(&h->head), tail = load(&h->tail);
    if (!spool_waits(j) && (head == tail ? len <= h->ring_size : has_room(head, tail, h->ring_size, len)))
        return true;
    return j->spool_fd >= 0 && h->spool_size >= len && has_room(load(&h->spool_head), load(&h->spool_tail), h->spool_size, len);
}

/* Moves what fits from the spool into the ring. */
static void refill(struct journal *j)
{
    struct header *h = j->header;
    while (spool_waits(j)) {
        uint64_t at = load(&h->spool_tail), end = load(&h->spool_head);
        struct entry entry = {0};
        int r = spool_read(j, at, end, &entry);
        if (r == -ENOMEM)
            return;
        if (r < 0) {
            /* Unreadable: nothing behind it can be found either. */
            uint64_t last = j->sent_seq;
            uint64_t first, in_ring = 0;
            if (ring_walk(j, &first, &in_ring) == 0 && in_ring > last)
                last = in_ring;
            add(&h->counters.dropped, get(&h->counters.appended) - last);
            set(&h->counters.appended, last);
            spool_empty(j);
            return;
        }
        if (r > 0 && !ring_put(j, buf_as_span(&j->frame)))
            return;
        store(&h->spool_tail, at + entry.len);
        set(&h->counters.spool_bytes, end - at - entry.len);
    }
    if (load(&h->spool_head) != 0)
        spool_empty(j);
}

/* ---- handing over ---- */

/* Fills j->message with the next entries to send; the position behind them. False when there is nothing. */
static bool next_message(struct journal *j, uint64_t *ret_position, uint64_t *ret_seq)
{
    uint64_t head = load(&j->header->head), at = j->sent, seq = j->sent_seq;
    buf_clear(&j->message);
    buf_be(&j->message, seq + 1, 8);
    bool any = false;
    while (at < head) {
        struct entry entry;
        if (entry_read(ring_part(j, at, head), &entry) != 0 || entry.len == 0)
            break;
        if (!entry.pad) {
            if (any && j->message.len + entry.len > JOURNAL_MESSAGE_MAX)
                break;
            buf_put(&j->message, j->ring + at % j->header->ring_size + 8, entry.len - 8);
            seq = entry.seq;
            any = true;
        }
        at += entry.len;
    }
    *ret_position = at;
    *ret_seq = seq;
    return any && j->message.error == 0;
}

void journal_push(struct journal *j)
{
    uint64_t position, seq;
    while (j->store != NULL && j->sent < load(&j->header->head) && next_message(j, &position, &seq)) {
        int r = channel_send(j->store, MESSAGE_RECORDS, buf_as_span(&j->message), NULL, 0);
        if (r == -EAGAIN)
            return;
        if (r != 0) {
            j->store = NULL;
            return;
        }
        j->sent = position;
        j->sent_seq = seq;
    }
}

void journal_attach(struct journal *j, struct channel *store_channel)
{
    j->store = store_channel;
    j->sent = load(&j->header->tail);
    j->sent_seq = get(&j->header->counters.acknowledged);
    refill(j);
    journal_push(j);
}

int journal_acknowledge(struct journal *j, struct span body)
{
    struct cursor c = cursor_of(body);
    uint64_t seq = cursor_be64(&c);
    struct journal_counters *counters = &j->header->counters;
    if (c.error != 0 || seq > j->sent_seq)
        return -ERR_MALFORMED;
    uint64_t head = load(&j->header->head), at = load(&j->header->tail);
    uint64_t acknowledged = get(&counters->acknowledged);
    while (at < j->sent && acknowledged < seq) {
        struct entry entry;
        int r = entry_read(ring_part(j, at, head), &entry);
        if (r != 0 || entry.len == 0)
            return -ERR_MALFORMED;
        if (!entry.pad)
            acknowledged = entry.seq;
        at += entry.len;
    }
    store(&j->header->tail, at);
    set(&counters->acknowledged, acknowledged);
    refill(j);
    journal_push(j);
    return 0;
}

bool journal_empty(const struct journal *j)
{
    return get(&j->header->counters.acknowledged) == get(&j->header->counters.appended);
}

struct journal_counters *journal_counters(struct journal *j)
{
    return &j->header->counters;
}

const struct journal_counters *journal_counters_map(int ring_fd)
{
    struct stat st;
    if (fstat(ring_fd, &st) != 0 || st.st_size < HEADER_SIZE)
        return NULL;
    void *map = mmap(NULL, HEADER_SIZE, PROT_READ, MAP_SHARED, ring_fd, 0);
    if (map == MAP_FAILED)
        return NULL;
    const struct header *h = map;
    return &h->counters; /* stream is 0 until the owner made the header */
}
