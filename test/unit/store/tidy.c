/* Days are sealed, reopened by late records, removed when too old or too much. */
#include "make.h"

#include "store/day.h"

#include <fcntl.h>

static void put(struct store *store, usec_t time, uint64_t number, int expected)
{
    struct fact fact = fact_text(FACT_COMMAND_LINE, span_text("uname -a"));
    struct record record = record_of(KIND_COMMAND, time, number);
    record.facts = &fact;
    record.fact_count = 1;
    record.session = id_of(time, number % 10);
    assert_int_equal(store_put(store, &record), expected);
}

static void fill(struct store *store, usec_t day, uint64_t from, uint64_t count)
{
    for (uint64_t i = from; i < from + count; i++)
        put(store, day + (usec_t)i * 1000, i, 0);
    assert_int_equal(store_commit(store), 0);
}

static bool live(const struct place *place, const char *day)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/days/%s.db", place->folder, day);
    return day_file_live(path);
}

static int count_one(void *user, const struct record *record)
{
    (void)record;
    ++*(size_t *)user;
    return 0;
}

static size_t count(const struct place *place, const struct query_filter *filter)
{
    struct query *query = NULL;
    struct buf why;
    size_t n = 0;
    buf_init(&why, 0);
    assert_int_equal(query_open(&query, place->folder, &why), 0);
    assert_int_equal(query_records(query, filter, count_one, &n), 0);
    query_close(query);
    buf_done(&why);
    return n;
}

static void past_days_are_sealed(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    fill(store, DAY_ZERO, 0, 100);
    fill(store, DAY_ZERO + USEC_PER_DAY, 100, 100);
    /* Within the hour of grace after midnight nothing happens. */
    assert_int_equal(store_tidy(store, DAY_ZERO + USEC_PER_DAY + USEC_PER_HOUR / 2, false), 0);
    assert_int_equal(control_number(&place, "SELECT count(*) FROM day WHERE sealed=1"), 0);
    assert_int_equal(store_tidy(store, DAY_ZERO + USEC_PER_DAY + 2 * USEC_PER_HOUR, false), 0);
    assert_int_equal(control_number(&place, "SELECT count(*) FROM day WHERE sealed=1 AND bytes>0"), 1);
    assert_false(live(&place, "2024-05-10"));
    assert_false(file_there(&place, "days/2024-05-10.db-wal"));
    assert_int_equal(day_number(&place, "2024-05-10", "SELECT count(*) FROM sqlite_master WHERE name IN ('command_session','command_source')"), 2);
    assert_int_equal(count(&place, &(struct query_filter){.since = 0}), 200);

    /* A late record reopens it; then it is sealed again. */
    put(store, DAY_ZERO + 5, 5000, 0);
    put(store, DAY_ZERO + 7 * 1000, 7, 1);
    assert_int_equal(store_commit(store), 0);
    assert_int_equal(control_number(&place, "SELECT count(*) FROM day WHERE sealed=1"), 0);
    assert_int_equal(count(&place, &(struct query_filter){.until = DAY_ZERO + USEC_PER_DAY}), 101);
    assert_int_equal(store_tidy(store, DAY_ZERO + 3 * USEC_PER_DAY, true), 0);
    assert_int_equal(control_number(&place, "SELECT count(*) FROM day WHERE sealed=1"), 2);
    assert_int_equal(count(&place, &(struct query_filter){.until = DAY_ZERO + USEC_PER_DAY}), 101);
    assert_int_equal(control_number(&place, "SELECT sum(commands) FROM rollup_source"), 201);
    store_close(store);
    place_done(&place);
}

static void a_late_record_after_a_crash_is_counted(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    fill(store, DAY_ZERO, 0, 10);
    assert_int_equal(store_tidy(store, DAY_ZERO + 3 * USEC_PER_DAY, true), 0);
    store_close(store);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        store = store_at(&place);
        put(store, DAY_ZERO + 5, 5000, 0);
        _exit(store_commit(store) == 0 ? 0 : 1);
    }
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    store = store_at(&place);
    assert_int_equal(control_number(&place, "SELECT sum(commands) FROM rollup_source"), 11);
    store_close(store);
    place_done(&place);
}

/* What an immutable reader of a sealed day sees while the day is reopened under it is still every record once. */
struct reopening {
    struct store *store;
    size_t seen;
};

static int reopen_once(void *user, const struct record *record)
{
    struct reopening *r = user;
    (void)record;
    if (r->seen++ == 3) {
        for (uint64_t i = 0; i < 5000; i++)
            put(r->store, DAY_ZERO + USEC_PER_HOUR + (usec_t)i * 1000, 20000 + i, 0);
        assert_int_equal(store_commit(r->store), 0);
        assert_int_equal(store_tidy(r->store, DAY_ZERO + 3 * USEC_PER_DAY, true), 0);
    }
    return 0;
}

static void a_reader_survives_the_reopening(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct reopening r = {.store = store_at(&place)};
    fill(r.store, DAY_ZERO, 0, 100);
    assert_int_equal(store_tidy(r.store, DAY_ZERO + 3 * USEC_PER_DAY, true), 0);
    struct query *query = NULL;
    struct buf why;
    buf_init(&why, 0);
    assert_int_equal(query_open(&query, place.folder, &why), 0);
    assert_int_equal(query_records(query, &(struct query_filter){.since = 0}, reopen_once, &r), 0);
    assert_int_equal(r.seen, 5100);
    query_close(query);
    buf_done(&why);
    store_close(r.store);
    place_done(&place);
}

/* As if a day's file had been written on that day. */
static void written_then(const struct place *place, usec_t day)
{
    char path[PATH_MAX], name[USEC_TEXT_SIZE];
    const struct timespec times[2] = {{.tv_sec = day / USEC_PER_SEC}, {.tv_sec = day / USEC_PER_SEC}};
    (void)snprintf(path, sizeof path, "%s/days/%s.db", place->folder, usec_print_day(day, name));
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void old_days_are_removed(void **state)
{
    (void)state;
    struct place place = place_make("store.retention=10d");
    struct store *store = store_at(&place);
    for (int i = 0; i < 15; i++)
        fill(store, DAY_ZERO + i * USEC_PER_DAY, (uint64_t)i * 100, 10);
    assert_int_equal(store_tidy(store, DAY_ZERO + 14 * USEC_PER_DAY, true), 0);
    /* Written just now, as by an import: they stay as long as new ones. */
    assert_int_equal(control_number(&place, "SELECT count(*) FROM day"), 15);
    for (int i = 0; i < 14; i++)
        written_then(&place, DAY_ZERO + i * USEC_PER_DAY);
    assert_int_equal(store_tidy(store, DAY_ZERO + 14 * USEC_PER_DAY, true), 0);
    assert_int_equal(control_number(&place, "SELECT count(*) FROM day"), 11);
    assert_false(file_there(&place, "days/2024-05-13.db"));
    assert_true(file_there(&place, "days/2024-05-14.db"));
    assert_int_equal(control_number(&place, "SELECT min(day)=1715299200000000+4*86400000000 FROM rollup_source"), 1);
    assert_int_equal(control_number(&place, "SELECT count(*) FROM rollup_command WHERE day<1715299200000000+4*86400000000"), 0);
    assert_true(control_number(&place, "SELECT count(*) FROM rollup_port WHERE hour<1715299200000000+4*86400000000") > 0);
    assert_int_equal(count(&place, &(struct query_filter){.since = 0}), 110);
    store_close(store);
    /* They stay removed. */
    store = store_at(&place);
    assert_int_equal(control_number(&place, "SELECT count(*) FROM day"), 11);
    store_close(store);
    place_done(&place);
}

static void put_sample(struct store *store, usec_t time, uint64_t number, const char *content)
{
    uint8_t sha256[32];
    char hex[65];
    assert_int_equal(blob_hash(span_text(content), sha256), 0);
    struct fact facts[] = {fact_text(FACT_CONTENT, span_text(content)), fact_text(FACT_FILE_SHA256, span_text(text_hex(span_of(sha256, 32), hex))),
                           fact_int(FACT_FILE_SIZE, (int64_t)strlen(content))};
    struct record record = record_of(KIND_SAMPLE, time, number);
    record.facts = facts;
    record.fact_count = 3;
    assert_int_equal(store_put(store, &record), 0);
}

static void blobs_go_with_their_last_record(void **state)
{
    (void)state;
    struct place place = place_make("store.retention=10d");
    struct store *store = store_at(&place);
    put_sample(store, DAY_ZERO, 1, "old");
    put_sample(store, DAY_ZERO, 2, "old and new");
    put_sample(store, DAY_ZERO + 12 * USEC_PER_DAY, 3, "old and new");
    assert_int_equal(store_commit(store), 0);
    assert_int_equal(store_tidy(store, DAY_ZERO + 14 * USEC_PER_DAY, true), 0);
    written_then(&place, DAY_ZERO);
    assert_int_equal(store_tidy(store, DAY_ZERO + 14 * USEC_PER_DAY, true), 0);
    assert_int_equal(control_number(&place, "SELECT count(*) FROM blob"), 1);
    assert_int_equal(control_number(&place, "SELECT count(*) FROM sample WHERE kept=1"), 1);
    assert_int_equal(control_number(&place, "SELECT count(*) FROM sample"), 1);
    uint8_t sha256[32];
    struct buf out;
    buf_init(&out, 0);
    assert_int_equal(blob_hash(span_text("old"), sha256), 0);
    assert_int_equal(blob_get(place.folder, sha256, &out), -ERR_NOT_FOUND);
    assert_int_equal(blob_hash(span_text("old and new"), sha256), 0);
    assert_int_equal(blob_get(place.folder, sha256, &out), 0);
    buf_done(&out);
    store_close(store);
    place_done(&place);
}

static void too_much_is_removed_oldest_first(void **state)
{
    (void)state;
    struct place place = place_make("store.size_max=4M");
    struct store *store = store_at(&place);
    for (int i = 0; i < 8; i++)
        fill(store, DAY_ZERO + i * USEC_PER_DAY, (uint64_t)i * 10000, 4000);
    assert_int_equal(store_tidy(store, DAY_ZERO + 7 * USEC_PER_DAY, true), 0);
    assert_int_equal(store_tidy(store, DAY_ZERO + 7 * USEC_PER_DAY, true), 0);
    int64_t left = control_number(&place, "SELECT count(*) FROM day");
    assert_true(left >= 1 && left < 8);
    assert_true(file_there(&place, "days/2024-05-17.db")); /* today */
    assert_false(file_there(&place, "days/2024-05-10.db"));
    assert_int_equal(control_number(&place, "SELECT sum(commands) FROM rollup_source"), 32000);
    store_close(store);
    place_done(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(past_days_are_sealed),
        cmocka_unit_test(a_late_record_after_a_crash_is_counted),
        cmocka_unit_test(a_reader_survives_the_reopening),
        cmocka_unit_test(old_days_are_removed),
        cmocka_unit_test(blobs_go_with_their_last_record),
        cmocka_unit_test(too_much_is_removed_oldest_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
