/* What the pipeline table says of streams: nothing is unaccounted for. */
#include "make.h"

#include "base/hash.h"
#include "record/journal.h"
#include "store/streams.h"

#include <fcntl.h>
#include <sys/mman.h>

struct setup {
    struct place place;
    struct control *control;
    struct streams *streams;
    int ring;
};

static int ring_of(void *user, unsigned index)
{
    return index == 0 ? ((struct setup *)user)->ring : -1;
}

static void set_up(struct setup *s)
{
    *s = (struct setup){.place = place_make(NULL), .ring = -1};
    s->control = place_control(&s->place);
    s->streams = malloc(sizeof *s->streams);
    assert_non_null(s->streams);
    assert_int_equal(streams_init(s->streams, s->control), 0);
}

static void set_down(struct setup *s)
{
    control_close(s->control);
    free(s->streams);
    place_done(&s->place);
}

static struct journal *journal_of(struct setup *s)
{
    struct journal *journal = NULL;
    s->ring = memfd_create("ring", MFD_CLOEXEC);
    assert_true(s->ring >= 0);
    assert_int_equal(ftruncate(s->ring, JOURNAL_RING_LEAST + 65536), 0);
    assert_int_equal(journal_open(&journal, s->ring, -1, 0), 0);
    return journal;
}

static void append(struct journal *journal, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct record record = record_of(KIND_CONNECTION, DAY_ZERO + (usec_t)i, i);
        assert_int_equal(journal_append(journal, &record), 0);
    }
}

#define LOST "SELECT dropped+appended-committed-waiting FROM pipeline WHERE writer='edge' AND current="

static void what_waits_is_not_lost(void **state)
{
    (void)state;
    struct setup s;
    set_up(&s);
    /* Nothing is granted yet, or the edge has not made its header. */
    assert_int_equal(streams_write(s.streams, s.control, ring_of, &s, 5), 0);
    assert_int_equal(control_number(&s.place, "SELECT count(*) FROM pipeline"), 0);
    struct journal *journal = journal_of(&s);
    append(journal, 10);
    journal_counters(journal)->accepted = 3;
    journal_counters(journal)->refused[0] = 4;
    streams_take(s.streams, STREAM_EDGE, 0, (struct ingest_counts){.committed = 6, .records = 6, .duplicates = 2}, false);
    assert_int_equal(streams_write(s.streams, s.control, ring_of, &s, 6), 0);
    assert_int_equal(
        control_number(&s.place, "SELECT appended=10 AND committed=6 AND records=6 AND duplicates=2 AND waiting=4 AND accepted=3 FROM pipeline"), 1);
    assert_int_equal(control_number(&s.place, "SELECT n FROM pipeline_refused WHERE reason='peer limit'"), 4);
    assert_int_equal(control_number(&s.place, LOST "1"), 0);
    /* One was no record: it is lost, and said to be. */
    streams_take(s.streams, STREAM_EDGE, 0, (struct ingest_counts){.committed = 10, .rejected = 1}, false);
    assert_int_equal(streams_write(s.streams, s.control, ring_of, &s, 7), 0);
    assert_int_equal(control_number(&s.place, "SELECT committed=9 AND waiting=0 AND rejected=1 FROM pipeline"), 1);
    assert_int_equal(control_number(&s.place, LOST "1"), 1);
    /* Nothing changed: nothing is written. */
    assert_int_equal(streams_write(s.streams, s.control, ring_of, &s, 99), 0);
    assert_int_equal(control_number(&s.place, "SELECT last FROM pipeline"), 7);
    journal_free(journal);
    (void)close(s.ring);
    set_down(&s);
}

static void a_replaced_journal_is_lost_as_far_as_it_was_not_committed(void **state)
{
    (void)state;
    struct setup s;
    set_up(&s);
    struct journal *journal = journal_of(&s);
    append(journal, 10);
    streams_take(s.streams, STREAM_EDGE, 0, (struct ingest_counts){.committed = 7}, true);
    assert_int_equal(streams_write(s.streams, s.control, ring_of, &s, 1), 0);
    journal_free(journal);
    (void)close(s.ring);
    journal = journal_of(&s);
    append(journal, 2);
    assert_int_equal(streams_write(s.streams, s.control, ring_of, &s, 2), 0);
    assert_int_equal(control_number(&s.place, LOST "0"), 3);
    assert_int_equal(control_number(&s.place, LOST "1"), 0);
    assert_int_equal(control_number(&s.place, "SELECT waiting FROM pipeline WHERE current=1"), 2);
    journal_free(journal);
    (void)close(s.ring);
    set_down(&s);
}

static void a_new_store_goes_on_counting(void **state)
{
    (void)state;
    struct setup s;
    set_up(&s);
    struct journal *journal = journal_of(&s);
    append(journal, 10);
    streams_take(s.streams, STREAM_EDGE, 0, (struct ingest_counts){.committed = 8, .rejected = 1, .duplicates = 1}, false);
    assert_int_equal(streams_write(s.streams, s.control, ring_of, &s, 1), 0);
    assert_int_equal(streams_init(s.streams, s.control), 0);
    /* The new one has seen nothing of it yet. */
    streams_take(s.streams, STREAM_EDGE, 0, (struct ingest_counts){.committed = 0}, false);
    append(journal, 1);
    assert_int_equal(streams_write(s.streams, s.control, ring_of, &s, 2), 0);
    assert_int_equal(control_number(&s.place, "SELECT committed=7 AND rejected=1 AND waiting=3 AND appended=11 AND duplicates=1 FROM pipeline"), 1);
    streams_take(s.streams, STREAM_EDGE, 0, (struct ingest_counts){.committed = 11}, false);
    assert_int_equal(streams_write(s.streams, s.control, ring_of, &s, 3), 0);
    assert_int_equal(control_number(&s.place, "SELECT committed=10 AND records=10 AND waiting=0 FROM pipeline"), 1);
    assert_int_equal(control_number(&s.place, LOST "1"), 1);
    journal_free(journal);
    (void)close(s.ring);
    set_down(&s);
}

static void verbs_and_findings_are_counted(void **state)
{
    (void)state;
    struct setup s;
    set_up(&s);
    streams_take(s.streams, STREAM_CLIENT, 3, (struct ingest_counts){.records = 5, .duplicates = 1}, false);
    streams_take_findings(s.streams, (struct ingest_counts){.records = 2});
    assert_int_equal(streams_write(s.streams, s.control, ring_of, &s, 1), 0);
    assert_int_equal(streams_init(s.streams, s.control), 0);
    streams_take(s.streams, STREAM_CLIENT, 4, (struct ingest_counts){.records = 10}, true);
    assert_int_equal(streams_write(s.streams, s.control, ring_of, &s, 2), 0);
    assert_int_equal(
        control_number(&s.place, "SELECT records=15 AND duplicates=1 AND appended=16 AND committed=16 FROM pipeline WHERE stream='control'"), 1);
    assert_int_equal(control_number(&s.place, "SELECT records FROM pipeline WHERE writer='analyse'"), 2);
    set_down(&s);
}

/* The vectors of SipHash's authors. */
static void hashes_are_siphash(void **state)
{
    (void)state;
    uint8_t bytes[64];
    struct hash_key key;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    memcpy(&key, bytes, sizeof key);
    assert_int_equal(hash_bytes(&key, span_of(bytes, 0)), UINT64_C(0x726fdb47dd0e0e31));
    assert_int_equal(hash_bytes(&key, span_of(bytes, 15)), UINT64_C(0xa129ca6149be45e5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_is_not_lost),       cmocka_unit_test(a_replaced_journal_is_lost_as_far_as_it_was_not_committed),
        cmocka_unit_test(a_new_store_goes_on_counting), cmocka_unit_test(verbs_and_findings_are_counted),
        cmocka_unit_test(hashes_are_siphash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
