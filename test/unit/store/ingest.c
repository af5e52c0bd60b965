/* Messages of writers: what is acknowledged, what is left out, what ends a writer, what a full disk does. */
#include "make.h"

#include "store/ingest.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

struct heard {
    uint64_t seq, records, duplicates;
    unsigned times;
    bool broken;
};

static void on_acknowledge(void *user, uint64_t seq, uint64_t records, uint64_t duplicates, bool broken)
{
    struct heard *heard = user;
    heard->seq = seq;
    heard->records += records;
    heard->duplicates += duplicates;
    heard->broken = heard->broken || broken;
    heard->times++;
}

static usec_t found_day;
static int64_t found_row;

static void on_found(void *user, usec_t day, int64_t row)
{
    (void)user;
    found_day = day;
    found_row = row;
}

static const struct ingest_events events = {.acknowledge = on_acknowledge, .found = on_found};

static void put_frame(struct buf *message, uint64_t number)
{
    struct fact fact = fact_text(FACT_COMMAND_LINE, span_text("cat /proc/mounts"));
    struct record record = record_of(KIND_COMMAND, DAY_ZERO + (usec_t)number * 1000, number);
    record.facts = &fact;
    record.fact_count = 1;
    wire_encode(message, &record);
}

static void begin(struct buf *message, uint64_t seq)
{
    buf_clear(message);
    buf_be(message, seq, 8);
}

struct setup {
    struct place place;
    struct store *store;
    struct ingest *ingest;
    struct ingest_writer *writer;
    struct heard heard;
    struct buf message;
};

static void set_up(struct setup *s)
{
    *s = (struct setup){.place = place_make(NULL)};
    s->store = store_at(&s->place);
    assert_int_equal(ingest_new(&s->ingest, s->store, 100, &events, s), 0);
    assert_int_equal(ingest_join(s->ingest, &s->writer, &s->heard), 0);
    buf_init(&s->message, 0);
}

static void set_down(struct setup *s)
{
    ingest_free(s->ingest);
    store_close(s->store);
    buf_done(&s->message);
    place_done(&s->place);
}

static void acknowledged_after_the_commit(void **state)
{
    (void)state;
    struct setup s;
    set_up(&s);
    begin(&s.message, 1);
    put_frame(&s.message, 1);
    put_frame(&s.message, 2);
    assert_int_equal(ingest_records(s.writer, buf_as_span(&s.message)), 0);
    begin(&s.message, 3);
    put_frame(&s.message, 2); /* delivered twice */
    assert_int_equal(ingest_records(s.writer, buf_as_span(&s.message)), 0);
    assert_int_equal(s.heard.times, 0);
    assert_true(ingest_waiting(s.ingest));
    assert_int_equal(ingest_commit(s.ingest, 0), 0);
    assert_false(ingest_waiting(s.ingest));
    assert_int_equal(s.heard.seq, 3);
    assert_int_equal(s.heard.records, 2);
    assert_int_equal(s.heard.duplicates, 1);
    assert_int_equal(ingest_commit(s.ingest, 0), 0);
    assert_int_equal(s.heard.times, 1);
    struct ingest_counts counts = ingest_count(s.writer);
    assert_int_equal(counts.committed, 3);
    assert_int_equal(counts.records, 2);
    assert_int_equal(counts.duplicates, 1);
    assert_int_equal(ingest_count(s.writer).records, 0);
    set_down(&s);
}

static void a_full_batch_asks_for_its_commit(void **state)
{
    (void)state;
    struct setup s;
    set_up(&s);
    begin(&s.message, 1);
    for (uint64_t i = 0; i < 100; i++)
        put_frame(&s.message, i);
    assert_int_equal(ingest_records(s.writer, buf_as_span(&s.message)), 1);
    set_down(&s);
}

static void other_records_survive_a_bad_one(void **state)
{
    (void)state;
    struct setup s;
    struct ingest_writer *other = NULL;
    struct heard other_heard = {0};
    set_up(&s);
    assert_int_equal(ingest_join(s.ingest, &other, &other_heard), 0);
    begin(&s.message, 1);
    put_frame(&s.message, 50);
    assert_int_equal(ingest_records(other, buf_as_span(&s.message)), 0);
    begin(&s.message, 10);
    put_frame(&s.message, 1);
    size_t bad = s.message.len;
    put_frame(&s.message, 2);
    s.message.data[bad + 4] ^= 0xff; /* no such version */
    put_frame(&s.message, 3);
    struct record future = record_of(KIND_CONNECTION, usec_now() + 30 * USEC_PER_DAY, 4);
    wire_encode(&s.message, &future);
    put_frame(&s.message, 5);
    assert_int_equal(ingest_records(s.writer, buf_as_span(&s.message)), 0);
    assert_int_equal(ingest_commit(s.ingest, 0), 0);
    assert_int_equal(s.heard.seq, 14);
    assert_int_equal(s.heard.records, 3);
    assert_true(s.heard.broken);
    assert_int_equal(other_heard.records, 1);
    assert_false(other_heard.broken);
    assert_int_equal(ingest_count(s.writer).rejected, 2);
    assert_int_equal(day_number(&s.place, "2024-05-10", "SELECT count(*) FROM command"), 4);
    set_down(&s);
}

static void an_unfinished_frame_breaks_its_writer(void **state)
{
    (void)state;
    struct setup s;
    set_up(&s);
    begin(&s.message, 1);
    put_frame(&s.message, 1);
    put_frame(&s.message, 2);
    assert_int_equal(ingest_records(s.writer, span_part(buf_as_span(&s.message), 0, s.message.len - 3)), 0);
    assert_int_equal(ingest_commit(s.ingest, 0), 0);
    assert_int_equal(s.heard.seq, 1);
    assert_int_equal(s.heard.records, 1);
    assert_true(s.heard.broken);
    set_down(&s);
}

static void hostile_messages_are_refused(void **state)
{
    (void)state;
    struct setup s;
    set_up(&s);
    assert_int_equal(ingest_records(s.writer, span_text("")), -ERR_MALFORMED);
    assert_int_equal(ingest_records(s.writer, span_text("1234567")), -ERR_MALFORMED);
    begin(&s.message, 0);
    put_frame(&s.message, 1);
    assert_int_equal(ingest_records(s.writer, buf_as_span(&s.message)), -ERR_MALFORMED);
    begin(&s.message, UINT64_MAX);
    put_frame(&s.message, 1);
    assert_int_equal(ingest_records(s.writer, buf_as_span(&s.message)), -ERR_MALFORMED);
    begin(&s.message, 5);
    put_frame(&s.message, 1);
    assert_int_equal(ingest_records(s.writer, buf_as_span(&s.message)), 0);
    begin(&s.message, 7); /* 6 is missing */
    put_frame(&s.message, 2);
    assert_int_equal(ingest_records(s.writer, buf_as_span(&s.message)), -ERR_MALFORMED);
    begin(&s.message, 5); /* again */
    put_frame(&s.message, 1);
    assert_int_equal(ingest_records(s.writer, buf_as_span(&s.message)), -ERR_MALFORMED);
    assert_int_equal(ingest_findings(s.ingest, span_text("short")), -ERR_MALFORMED);
    assert_int_equal(ingest_findings(s.ingest, span_of("\0\0\0\1\0\0\0\0\0\0\0\1\377\377\377\377", 16)), -ERR_MALFORMED);
    assert_int_equal(ingest_commit(s.ingest, 0), 0);
    set_down(&s);
}

/* Every single byte of a message turned: nothing crashes, and what is kept are records. */
static void turned_bytes_do_no_harm(void **state)
{
    (void)state;
    struct setup s;
    set_up(&s);
    struct buf good;
    buf_init(&good, 0);
    begin(&good, 1);
    put_frame(&good, 1);
    put_frame(&good, 2);
    for (size_t at = 8; at < good.len; at++) {
        struct ingest_writer *writer = NULL;
        struct heard heard = {0};
        assert_int_equal(ingest_join(s.ingest, &writer, &heard), 0);
        buf_clear(&s.message);
        buf_span(&s.message, buf_as_span(&good));
        s.message.data[at] = (uint8_t)(s.message.data[at] + 1 + at % 255);
        (void)ingest_records(writer, buf_as_span(&s.message));
        assert_int_equal(ingest_commit(s.ingest, 0), 0);
        ingest_leave(writer);
    }
    buf_done(&good);
    set_down(&s);
}

static void findings_and_place_go_together(void **state)
{
    (void)state;
    struct setup s;
    set_up(&s);
    usec_t day = DAY_ZERO;
    buf_clear(&s.message);
    buf_be(&s.message, (uint64_t)(day / USEC_PER_DAY), 4);
    buf_be(&s.message, 77, 8);
    buf_be(&s.message, 5, 4);
    buf_text(&s.message, "state");
    struct fact facts[] = {fact_text(FACT_RULE, span_text("bot")), fact_text(FACT_FINDING, span_text("mirai"))};
    struct record finding = record_of(KIND_FINDING, DAY_ZERO, 1);
    finding.facts = facts;
    finding.fact_count = 2;
    wire_encode(&s.message, &finding);
    assert_int_equal(ingest_findings(s.ingest, buf_as_span(&s.message)), 0);
    assert_int_equal(ingest_commit(s.ingest, 0), 0);
    assert_int_equal(found_day, day);
    assert_int_equal(found_row, 77);
    assert_int_equal(ingest_count_findings(s.ingest).records, 1);
    /* The same again changes nothing. */
    assert_int_equal(ingest_findings(s.ingest, buf_as_span(&s.message)), 0);
    assert_int_equal(ingest_commit(s.ingest, 0), 0);
    assert_int_equal(day_number(&s.place, "2024-05-10", "SELECT count(*) FROM finding"), 1);
    struct store_place *places = NULL;
    size_t count = 0;
    assert_int_equal(store_places(s.store, &places, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(places[0].day, day);
    assert_int_equal(places[0].followed, 77);
    free(places);
    struct buf saved;
    buf_init(&saved, 0);
    assert_int_equal(store_rule_state(s.store, &saved), 0);
    assert_true(span_is(buf_as_span(&saved), "state"));
    buf_done(&saved);
    assert_int_equal(control_number(&s.place, "SELECT sum(findings) FROM rollup_source"), 1);
    set_down(&s);
}

static void sealing_is_answered(void **state)
{
    (void)state;
    struct setup s;
    set_up(&s);
    begin(&s.message, 1);
    put_frame(&s.message, 1);
    assert_int_equal(ingest_records(s.writer, buf_as_span(&s.message)), 0);
    ingest_seal(s.writer);
    assert_int_equal(ingest_commit(s.ingest, 0), 0);
    assert_int_equal(s.heard.times, 2);
    assert_int_equal(s.heard.records, 1);
    assert_int_equal(control_number(&s.place, "SELECT count(*) FROM day WHERE sealed=1"), 1);
    assert_int_equal(control_number(&s.place, "SELECT sum(n) FROM rollup_port"), 1);
    set_down(&s);
}

/* A small file system of its own for the data folder. False where that is not permitted. */
static bool mount_small(const char *folder)
{
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return false;
    return mount("tmpfs", folder, "tmpfs", 0, "size=6m") == 0;
}

static void fill_disk(const char *folder, bool full)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/ballast", folder);
    if (!full) {
        (void)unlink(path);
        return;
    }
    static const char zeroes[4096];
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while (fd >= 0 && write(fd, zeroes, sizeof zeroes) > 0)
        ;
    (void)close(fd);
}

static void a_full_disk_loses_nothing(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0) {
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        place_done(&place);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
            print_message("skipped: mounting a small file system needs root\n");
            skip();
        }
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        return;
    }
    /* In the child, whose mounts go with it; it says by its exit status how far it came. */
    if (!mount_small(place.folder))
        _exit(77);
    struct store *store = store_at(&place);
    struct ingest *ingest = NULL;
    struct ingest_writer *writer = NULL;
    struct heard heard = {0};
    struct buf message;
    buf_init(&message, 0);
    if (ingest_new(&ingest, store, 1000000, &events, NULL) != 0 || ingest_join(ingest, &writer, &heard) != 0)
        _exit(10);
    uint64_t seq = 1;
    unsigned failures = 0;
    for (unsigned round = 0; round < 6; round++) {
        fill_disk(place.folder, round % 2 == 1);
        for (unsigned i = 0; i < 20; i++) {
            begin(&message, seq);
            for (unsigned n = 0; n < 100; n++)
                put_frame(&message, seq++);
            if (ingest_records(writer, buf_as_span(&message)) < 0)
                _exit(11);
            if (i % 5 == 4 && ingest_commit(ingest, usec_monotonic()) != 0)
                failures++;
        }
        if (ingest_retry_at(ingest) != 0 && heard.seq == seq - 1)
            _exit(12); /* acknowledged what it could not write */
    }
    fill_disk(place.folder, false);
    if (failures == 0 || ingest_commit(ingest, usec_monotonic()) != 0 || ingest_retry_at(ingest) != 0)
        _exit(13);
    if (heard.seq != seq - 1 || heard.broken)
        _exit(14);
    if (store_flush(store) != 0)
        _exit(15);
    ingest_free(ingest);
    store_close(store);
    buf_done(&message);
    if (day_number(&place, "2024-05-10", "SELECT count(DISTINCT id) FROM command") != (int64_t)seq - 1)
        _exit(16);
    if (control_number(&place, "SELECT sum(commands) FROM rollup_source") != (int64_t)seq - 1)
        _exit(17);
    _exit(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acknowledged_after_the_commit),   cmocka_unit_test(a_full_batch_asks_for_its_commit),
        cmocka_unit_test(other_records_survive_a_bad_one), cmocka_unit_test(an_unfinished_frame_breaks_its_writer),
        cmocka_unit_test(hostile_messages_are_refused),    cmocka_unit_test(turned_bytes_do_no_harm),
        cmocka_unit_test(findings_and_place_go_together),  cmocka_unit_test(sealing_is_answered),
        cmocka_unit_test(a_full_disk_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
