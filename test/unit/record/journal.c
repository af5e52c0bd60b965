/* The journal: order, acknowledgement, the spool, and an owner that is killed. The store's end is played by this file. */
#include "record/journal.h"

#include "base/buf.h"
#include "base/cursor.h"
#include "process/channel.h"
#include "record/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* The channel the journal sends on, played: messages are decoded and the numbers in them checked for order. */
struct channel {
    uint64_t room;     /* messages it takes before it says -EAGAIN */
    uint64_t seq;      /* last sequence number received */
    uint64_t number;   /* last record number received */
    uint64_t received; /* records, those that came again included */
    uint64_t again;    /* records seen before */
};

int channel_send(struct channel *store, enum message type, struct span body, const int *fds, size_t fd_count)
{
    (void)fds;
    assert_int_equal(type, MESSAGE_RECORDS);
    assert_int_equal(fd_count, 0);
    if (store->room == 0)
        return -EAGAIN;
    store->room--;
    struct cursor c = cursor_of(body);
    uint64_t seq = cursor_be64(&c);
    while (cursor_left(&c) > 0) {
        struct record record;
        struct fact facts[RECORD_FACTS_MAX];
        assert_int_equal(wire_decode(&c, &record, facts), 0);
        uint64_t number = (uint64_t)record_fact(&record, FACT_COUNT)->number;
        if (number <= store->number) {
            store->again++;
        } else {
            assert_int_equal(number, store->number + 1);
            store->number = number;
        }
        store->received++;
        store->seq = seq++;
    }
    return 0;
}

static int ring_fd, spool_fd;
enum { RING = 4096 + JOURNAL_RING_LEAST };

static int files(void **state)
{
    (void)state;
    ring_fd = memfd_create("ring", MFD_CLOEXEC);
    spool_fd = memfd_create("spool", MFD_CLOEXEC);
    return ring_fd >= 0 && spool_fd >= 0 && ftruncate(ring_fd, RING) == 0 ? 0 : -1;
}

static int files_gone(void **state)
{
    (void)state;
    close(ring_fd);
    close(spool_fd);
    return 0;
}

static int put(struct journal *j, uint64_t number, size_t ballast)
{
    static char text[RECORD_TEXT_MAX];
    if (text[0] == '\0')
        memset(text, 'r', sizeof text);
    struct fact facts[] = {fact_int(FACT_COUNT, (int64_t)number), fact_text(FACT_EVENT_REASON, span_of(text, ballast))};
    struct record record = {
        .id = id_new(usec_now()), .time = usec_now(), .sensor = span_text("s"), .kind = KIND_REFUSAL, .facts = facts, .fact_count = 2};
    return journal_append(j, &record);
}

static int acknowledge(struct journal *j, uint64_t seq)
{
    struct buf body;
    buf_init(&body, 24);
    buf_be(&body, seq, 8);
    buf_be(&body, 0, 8);
    buf_be(&body, 0, 8);
    int r = journal_acknowledge(j, buf_as_span(&body));
    buf_done(&body);
    return r;
}

static void hands_over_in_order(void **state)
{
    (void)state;
    struct journal *j;
    struct channel store = {.room = UINT64_MAX};
    assert_int_equal(journal_open(&j, ring_fd, spool_fd, 1 << 20), 0);
    assert_true(journal_empty(j));
    for (uint64_t i = 1; i <= 1000; i++)
        assert_int_equal(put(j, i, 10), 0);
    journal_attach(j, &store);
    assert_int_equal(store.number, 1000);
    assert_false(journal_empty(j));
    assert_int_equal(acknowledge(j, 1001), -ERR_MALFORMED);
    assert_int_equal(acknowledge(j, 600), 0);
    assert_int_equal(journal_counters(j)->acknowledged, 600);
    /* The store dies and comes again: what was not acknowledged is sent again, nothing else. */
    journal_attach(j, NULL);
    store.received = 0;
    journal_attach(j, &store);
    assert_int_equal(store.received, 400);
    assert_int_equal(store.again, 400);
    assert_int_equal(acknowledge(j, store.seq), 0);
    assert_true(journal_empty(j));
    journal_free(j);
}

static void waits_when_the_channel_is_full(void **state)
{
    (void)state;
    struct journal *j;
    struct channel store = {.room = 3};
    assert_int_equal(journal_open(&j, ring_fd, spool_fd, 0), 0);
    for (uint64_t i = 1; i <= 100; i++)
        assert_int_equal(put(j, i, 20000), 0);
    journal_attach(j, &store);
    assert_true(store.number > 0 && store.number < 100);
    store.room = UINT64_MAX;
    journal_push(j);
    assert_int_equal(store.number, 100);
    assert_int_equal(store.again, 0);
    journal_free(j);
}

static void spills_to_the_spool_and_comes_back_in_order(void **state)
{
    (void)state;
    struct journal *j;
    struct channel store = {.room = UINT64_MAX};
    enum { SPOOL = 20 << 20, COUNT = 600 };
    assert_int_equal(journal_open(&j, ring_fd, spool_fd, SPOOL), 0);
    const struct journal_counters *counters = journal_counters(j);
    /* Three rounds, so that ring and spool both go round their ends. */
    uint64_t number = 0;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < COUNT; i++) {
            number++;
            assert_int_equal(put(j, number, 30000 + (size_t)(i * 37 % 1000)), 0);
        }
        assert_true(counters->spool_bytes > 0);
        store.room = UINT64_MAX;
        journal_attach(j, &store);
        while (!journal_empty(j))
            assert_int_equal(acknowledge(j, store.seq), 0);
        assert_int_equal(store.number, number);
        assert_int_equal(counters->spool_bytes, 0);
        assert_int_equal(lseek(spool_fd, 0, SEEK_END), 0);
        journal_attach(j, NULL);
    }
    assert_int_equal(counters->dropped, 0);
    assert_int_equal(store.again, 0);
    journal_free(j);
}

static void counts_what_it_must_drop(void **state)
{
    (void)state;
    struct journal *j;
    struct channel store = {.room = UINT64_MAX};
    assert_int_equal(journal_open(&j, ring_fd, spool_fd, 1 << 20), 0);
    uint64_t kept = 0, dropped = 0;
    for (int i = 0; i < 300; i++) {
        int r = put(j, kept + 1, 50000);
        kept += r == 0;
        dropped += r == -ERR_FULL;
    }
    assert_true(dropped > 0 && kept > 100);
    assert_int_equal(kept + dropped, 300);
    assert_int_equal(journal_counters(j)->dropped, dropped);
    assert_int_equal(journal_counters(j)->appended, kept);
    journal_attach(j, &store);
    while (!journal_empty(j))
        assert_int_equal(acknowledge(j, store.seq), 0);
    assert_int_equal(store.number, kept);
    journal_free(j);
}

static void a_full_disk_drops_and_counts(void **state)
{
    (void)state;
    struct journal *j;
    int full = open("/dev/full", O_RDWR | O_CLOEXEC);
    assert_true(full >= 0);
    assert_int_equal(journal_open(&j, ring_fd, full, 1 << 30), 0);
    int r = 0;
    uint64_t kept = 0;
    while (r == 0 && kept < 1000) {
        r = put(j, kept + 1, 50000);
        kept += r == 0;
    }
    assert_int_equal(r, -ERR_FULL);
    assert_int_equal(journal_counters(j)->dropped, 1);
    journal_free(j);
    close(full);
}

static void refuses_a_damaged_ring(void **state)
{
    (void)state;
    struct journal *j;
    assert_int_equal(journal_open(&j, ring_fd, spool_fd, 0), 0);
    for (uint64_t i = 1; i <= 10; i++)
        assert_int_equal(put(j, i, 10), 0);
    journal_free(j);
    uint8_t bad[4] = {0xff, 0xff, 0xff, 0xff};
    assert_int_equal(pwrite(ring_fd, bad, sizeof bad, 4096 + 8), sizeof bad); /* the first frame's length */
    assert_int_equal(journal_open(&j, ring_fd, spool_fd, 0), -ERR_MALFORMED);
    assert_int_equal(ftruncate(ring_fd, 8192), 0);
    assert_int_equal(journal_open(&j, ring_fd, spool_fd, 0), -ERR_LIMIT);
}

/* What the killed owner and its judge share. */
struct shared {
    _Atomic uint64_t number; /* last record whose append returned */
    _Atomic uint64_t committed;
};

static void owner(struct shared *shared, struct channel store, unsigned seed)
{
    struct journal *j;
    if (journal_open(&j, ring_fd, spool_fd, 8 << 20) != 0)
        _exit(3);
    journal_attach(j, &store);
    for (;;) {
        uint64_t number = atomic_load(&shared->number) + 1;
        /* The number the dead one appended last may not have been noted: the journal knows. */
        uint64_t appended = journal_counters(j)->appended;
        if (number <= appended)
            number = appended + 1;
        if (put(j, number, (size_t)(rand_r(&seed) % 60000)) == 0)
            atomic_store(&shared->number, number);
        int dice = rand_r(&seed) % 64;
        if (dice < 48)
            journal_push(j);
        if (dice == 0 && store.seq > 0 && acknowledge(j, store.seq) != 0)
            _exit(4);
        if (dice == 1)
            store.room = 100;
    }
}

static void a_killed_owner_loses_nothing_it_appended(void **state)
{
    (void)state;
    struct shared *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(shared, MAP_FAILED);
    struct channel judge = {.room = 0};
    for (unsigned round = 0; round < 60; round++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            owner(shared, (struct channel){.room = 100, .number = UINT64_MAX}, round + 1); /* its store does not look */
        usleep(1000 + round * 331 % 9000);
        kill(pid, SIGKILL);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        if (round % 3 != 0)
            continue; /* several deaths in a row before anybody looks */
        struct journal *j;
        assert_int_equal(journal_open(&j, ring_fd, spool_fd, 8 << 20), 0);
        const struct journal_counters *counters = journal_counters(j);
        assert_true(counters->appended >= atomic_load(&shared->number));
        /* What the owner's store acknowledged is not ours to see: go on behind it. */
        judge.number = counters->acknowledged > judge.number ? counters->acknowledged : judge.number;
        judge.room = UINT64_MAX;
        judge.seq = counters->acknowledged;
        journal_attach(j, &judge);
        while (!journal_empty(j))
            assert_int_equal(acknowledge(j, judge.seq), 0);
        assert_int_equal(judge.number, counters->appended);
        atomic_store(&shared->number, judge.number);
        journal_free(j);
    }
    assert_true(judge.number > 100);
    munmap(shared, 4096);
}

static void conversations_of_a_dead_owner_are_cut(void **state)
{
    (void)state;
    struct journal *j;
    assert_int_equal(journal_open(&j, ring_fd, spool_fd, 0), 0);
    journal_counters(j)->accepted = 10;
    journal_counters(j)->ended = 7;
    journal_free(j);
    assert_int_equal(journal_open(&j, ring_fd, spool_fd, 0), 0);
    assert_int_equal(journal_counters(j)->cut, 3);
    const struct journal_counters *seen = journal_counters_map(ring_fd);
    assert_non_null(seen);
    assert_int_equal(seen->accepted, 10);
    assert_int_equal(seen->stream, journal_counters(j)->stream);
    journal_free(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hands_over_in_order, files, files_gone),
        cmocka_unit_test_setup_teardown(waits_when_the_channel_is_full, files, files_gone),
        cmocka_unit_test_setup_teardown(spills_to_the_spool_and_comes_back_in_order, files, files_gone),
        cmocka_unit_test_setup_teardown(counts_what_it_must_drop, files, files_gone),
        cmocka_unit_test_setup_teardown(a_full_disk_drops_and_counts, files, files_gone),
        cmocka_unit_test_setup_teardown(refuses_a_damaged_ring, files, files_gone),
        cmocka_unit_test_setup_teardown(a_killed_owner_loses_nothing_it_appended, files, files_gone),
        cmocka_unit_test_setup_teardown(conversations_of_a_dead_owner_are_cut, files, files_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
