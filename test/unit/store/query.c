/* Walks over records: what the filters let through, in which order; old files and new versions. */
#include "make.h"

#include "store/day.h"

struct walked {
    struct id ids[512];
    usec_t times[512];
    size_t count, stop_at;
};

static int walk(void *user, const struct record *record)
{
    struct walked *w = user;
    if (w->count < 512) {
        w->ids[w->count] = record->id;
        w->times[w->count] = record->time;
    }
    w->count++;
    return w->stop_at != 0 && w->count == w->stop_at;
}

static struct walked records(const struct place *place, struct query_filter filter, size_t stop_at)
{
    struct query *query = NULL;
    struct buf why;
    struct walked w = {.stop_at = stop_at};
    buf_init(&why, 0);
    assert_int_equal(query_open(&query, place->folder, &why), 0);
    assert_int_equal(query_records(query, &filter, walk, &w), 0);
    query_close(query);
    buf_done(&why);
    for (size_t i = 1; i < w.count && i < 512; i++)
        assert_true(filter.newest_first ? id_compare(w.ids[i - 1], w.ids[i]) > 0 : id_compare(w.ids[i - 1], w.ids[i]) < 0);
    return w;
}

/* Three days, 100 records each, of two kinds in turn, ten a session, from ten sources. */
static void fill(struct store *store)
{
    for (uint64_t i = 0; i < 300; i++) {
        usec_t time = DAY_ZERO + (usec_t)(i / 100) * USEC_PER_DAY + (usec_t)(i % 100) * 60 * USEC_PER_SEC;
        struct record record = record_of(i % 2 == 0 ? KIND_CONNECTION : KIND_NOTE, time, i);
        record.source.addr = addr_v4(0xc0000200U + (uint32_t)(i % 10));
        record.session = id_of(DAY_ZERO + (usec_t)(i / 100) * USEC_PER_DAY, 1000 + i / 10);
        assert_int_equal(store_put(store, &record), 0);
    }
    assert_int_equal(store_commit(store), 0);
}

static void check_filters(const struct place *place)
{
    const usec_t day = USEC_PER_DAY, hour = USEC_PER_HOUR;
    assert_int_equal(records(place, (struct query_filter){.since = 0}, 0).count, 300);
    assert_int_equal(records(place, (struct query_filter){.newest_first = true}, 0).count, 300);
    assert_int_equal(records(place, (struct query_filter){.since = DAY_ZERO + day}, 0).count, 200);
    assert_int_equal(records(place, (struct query_filter){.until = DAY_ZERO + day}, 0).count, 100);
    assert_int_equal(records(place, (struct query_filter){.since = DAY_ZERO + day + hour / 2, .until = DAY_ZERO + day + hour}, 0).count, 30);
    assert_int_equal(records(place, (struct query_filter){.kinds = UINT64_C(1) << KIND_NOTE}, 0).count, 150);
    assert_int_equal(records(place, (struct query_filter){.kinds = UINT64_C(1) << KIND_LOGIN}, 0).count, 0);
    assert_int_equal(records(place, (struct query_filter){.session = id_of(DAY_ZERO + day, 1012)}, 0).count, 10);
    assert_int_equal(records(place, (struct query_filter){.session = id_of(DAY_ZERO, 5)}, 0).count, 0);
    assert_int_equal(records(place, (struct query_filter){.by_source = true, .source = addr_v4(0xc0000203U)}, 0).count, 30);
    assert_int_equal(
        records(place, (struct query_filter){.by_source = true, .source = addr_v4(0xc0000203U), .since = DAY_ZERO + 2 * day, .newest_first = true}, 0)
            .count,
        10);
    assert_int_equal(records(place, (struct query_filter){.by_source = true, .source = addr_v4(0xc0000263U)}, 0).count, 0);
    struct walked newest = records(place, (struct query_filter){.newest_first = true}, 5);
    assert_int_equal(newest.count, 5);
    assert_int_equal(newest.times[0], DAY_ZERO + 2 * day + 99 * 60 * USEC_PER_SEC);
}

static void filters_on_live_and_sealed_files(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    fill(store);
    check_filters(&place);
    assert_int_equal(store_tidy(store, DAY_ZERO + 2 * USEC_PER_DAY + 1, true), 0); /* two sealed, one live */
    check_filters(&place);
    assert_int_equal(store_tidy(store, DAY_ZERO + 5 * USEC_PER_DAY, true), 0);
    check_filters(&place);
    store_close(store);
    check_filters(&place);
    place_done(&place);
}

/* Someone who opened a file with a tool of his own, as its last user, has written the log back and removed it. */
static void a_live_file_without_its_log(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    fill(store);
    store_close(store);
    char path[PATH_MAX];
    sqlite3 *db = NULL;
    (void)snprintf(path, sizeof path, "%s/days/2024-05-11.db", place.folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(db_run(db, "PRAGMA wal_checkpoint(TRUNCATE)"), 0);
    db_close(db);
    assert_false(file_there(&place, "days/2024-05-11.db-wal"));
    assert_true(day_file_live(path));
    bool immutable = false;
    assert_int_equal(day_open_to_read(&db, path, &immutable), 0);
    assert_true(immutable);
    db_close(db);
    check_filters(&place);
    place_done(&place);
}

static void another_process_reads_while_one_writes(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    fill(store);
    struct record open = record_of(KIND_CONNECTION, DAY_ZERO, 9999);
    assert_int_equal(store_put(store, &open), 0); /* not committed: not seen */
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        check_filters(&place);
        _exit(0);
    }
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(store_commit(store), 0);
    assert_int_equal(records(&place, (struct query_filter){.since = 0}, 0).count, 301);
    store_close(store);
    place_done(&place);
}

static void nothing_is_stored(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct query *query = NULL;
    struct buf why;
    buf_init(&why, 0);
    assert_int_equal(query_open(&query, place.folder, &why), -ERR_NOT_FOUND);
    assert_true(why.len > 0);
    buf_done(&why);
    store_close(store_at(&place));
    assert_int_equal(records(&place, (struct query_filter){.since = 0}, 0).count, 0);
    place_done(&place);
}

static int take_row(void *user, const struct query_value *values, size_t count)
{
    struct query_value *kept = user;
    assert_int_equal(count, 5);
    memcpy(kept, values, 5 * sizeof *kept);
    return 1;
}

static void reports_get_their_parameters(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    store_close(store_at(&place));
    struct query *query = NULL;
    struct buf why;
    struct query_value values[5];
    buf_init(&why, 0);
    assert_int_equal(query_open(&query, place.folder, &why), 0);
    const struct query_range range = {.since = 5, .until = 0, .limit = 0, .offset_usec = 9};
    assert_int_equal(query_rows(query, "SELECT :since, :until, :limit, 1.5, NULL", &range, take_row, values), 0);
    assert_int_equal(values[0].number, 5);
    assert_int_equal(values[1].number, INT64_MAX);
    assert_int_equal(values[2].number, -1);
    assert_int_equal(values[3].type, QUERY_REAL);
    assert_int_equal(values[4].type, QUERY_NULL);
    assert_true(query_rows(query, "SELECT nonsense FROM nowhere", &range, take_row, values) < 0);
    assert_true(query_rows(query, "DELETE FROM kind", &range, take_row, values) < 0);
    query_close(query);
    buf_done(&why);
    place_done(&place);
}

static void run_sql(const struct place *place, const char *file, const char *sql)
{
    char path[PATH_MAX];
    sqlite3 *db = NULL;
    (void)snprintf(path, sizeof path, "%s/%s", place->folder, file);
    assert_int_equal(db_open(&db, path, DB_WRITE, NULL), 0);
    if (db_run(db, sql) != 0)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    db_close(db);
}

/* A file made before some facts and kinds were declared. */
static void older_day_files_are_read_and_extended(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    fill(store);
    assert_int_equal(store_tidy(store, DAY_ZERO + 5 * USEC_PER_DAY, true), 0);
    store_close(store);
    run_sql(
        &place, "days/2024-05-10.db",
        "DROP VIEW record;ALTER TABLE connection DROP COLUMN noroshi_syn_ttl;ALTER TABLE connection DROP COLUMN noroshi_profile;DROP TABLE finding");
    check_filters(&place);
    store = store_at(&place);
    struct fact facts[] = {fact_int(FACT_SYN_TTL, 64), fact_text(FACT_PROFILE, span_text("router"))};
    struct record late = record_of(KIND_CONNECTION, DAY_ZERO + 1, 7777);
    late.facts = facts;
    late.fact_count = 2;
    assert_int_equal(store_put(store, &late), 0);
    assert_int_equal(store_commit(store), 0);
    assert_int_equal(day_number(&place, "2024-05-10", "SELECT count(*) FROM connection WHERE noroshi_syn_ttl=64 AND noroshi_profile='router'"), 1);
    assert_int_equal(day_number(&place, "2024-05-10", "SELECT count(*) FROM record"), 101);
    store_close(store);
    place_done(&place);
}

static void newer_versions_are_refused(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    store_close(store_at(&place));
    run_sql(&place, "control.db", "PRAGMA user_version=9999");
    struct store *store = NULL;
    struct buf why;
    buf_init(&why, 0);
    assert_int_equal(store_open(&store, place.settings, &why), -ERR_VERSION);
    assert_non_null(strstr(buf_cstr(&why), "newer version"));
    buf_done(&why);
    place_done(&place);
}

static void migrations_go_step_by_step(void **state)
{
    (void)state;
    static const char *const steps[] = {"CREATE TABLE a(x);INSERT INTO a VALUES(1)", "ALTER TABLE a ADD COLUMN y;UPDATE a SET y=x+1",
                                        "CREATE TABLE b AS SELECT * FROM a;DROP TABLE a"};
    static const char *const broken[] = {"CREATE TABLE a(x);INSERT INTO a VALUES(1)", "CREATE TABLE half(x);INSERT INTO nowhere VALUES(1)"};
    struct place place = place_make(NULL);
    char path[PATH_MAX];
    sqlite3 *db = NULL;
    (void)snprintf(path, sizeof path, "%s/x.db", place.folder);
    assert_int_equal(db_open(&db, path, DB_WRITE, NULL), 0);
    assert_int_equal(db_migrate(db, steps, 1), 0);
    assert_int_equal(number_in(path, "PRAGMA user_version"), 1);
    assert_true(db_migrate(db, broken, 2) < 0); /* a step that fails leaves nothing of itself */
    assert_int_equal(number_in(path, "PRAGMA user_version"), 1);
    assert_int_equal(number_in(path, "SELECT count(*) FROM sqlite_master WHERE name='half'"), 0);
    assert_int_equal(db_migrate(db, steps, 3), 0);
    assert_int_equal(number_in(path, "SELECT y FROM b"), 2);
    assert_int_equal(db_migrate(db, steps, 3), 0);
    assert_int_equal(db_migrate(db, steps, 2), -ERR_VERSION);
    db_close(db);
    place_done(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_on_live_and_sealed_files), cmocka_unit_test(another_process_reads_while_one_writes),
        cmocka_unit_test(a_live_file_without_its_log),      cmocka_unit_test(nothing_is_stored),
        cmocka_unit_test(reports_get_their_parameters),     cmocka_unit_test(older_day_files_are_read_and_extended),
        cmocka_unit_test(newer_versions_are_refused),       cmocka_unit_test(migrations_go_step_by_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
