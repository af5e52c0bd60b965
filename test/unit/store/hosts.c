/* What probes, rules and lists say of hosts becomes rows: one device per address, its ports, what they showed, who says so. */
#include "observe.h"

#include <signal.h>

#define T(n) (DAY_ZERO + (usec_t)(n)*USEC_PER_HOUR)
#define HOST(n) " WHERE source_ip=x'00000000000000000000ffffc00002" n "'"
#define ADDRESS(n) " WHERE address=x'00000000000000000000ffffc00002" n "'"

static int64_t there(const struct place *place, const char *sql)
{
    return control_number(place, sql);
}

static const struct said dvr = {.rule = "example-dvr", .field = "http.title", .class = "dvr", .maker = "Example", .model = "X100", .certainty = 90};
static const struct said busybox = {.rule = "busybox-login", .field = "telnet.banner", .class = "embedded", .certainty = 30};
static const struct said wifatch = {.rule = "wifatch", .field = "telnet.banner", .residue = "wifatch", .certainty = 95};

static void fill(struct store *store)
{
    /* 1: a recorder that attacks; its telnet port is closed later. */
    put_attack(store, T(1), 1, 23, 52, "root");
    put_attack(store, T(2), 1, 2323, 52, NULL);
    put_answer(store, T(3), host_at(1, 23), "telnet", "quiet", 51, NULL, "dvr login: ");
    put_answer(store, T(3), host_at(1, 80), "http", "answered", 51, "Example DVR", "HTTP/1.1 200 OK\r\n\r\n");
    put_answer(store, T(3), host_at(1, 21), "ftp", "refused", 0, NULL, NULL);
    put_answer(store, T(3), host_at(1, 443), "https", "timeout", 0, NULL, NULL);
    put_device(store, T(3), host_at(1, 80), &dvr);
    put_device(store, T(3), host_at(1, 23), &busybox);
    put_answer(store, T(30), host_at(1, 23), "telnet", "refused", 0, NULL, NULL);
    put_device(store, T(30), host_at(1, 80), &dvr);
    /* 2: two machines behind one address, only connected; industrial. */
    put_attack(store, T(4), 2, 445, 110, NULL);
    put_answer(store, T(5), host_at(2, 502), "modbus", "answered", 45, NULL, "\x01");
    put_answer(store, T(5), host_at(2, 3389), "banner", "silent", 109, NULL, NULL);
    put_device(store, T(5), host_at(2, 502), &(struct said){.rule = "modbus", .field = "ics", .class = "plc", .ics = "modbus"});
    /* 3: never attacked, nothing there; no row of its own. */
    put_answer(store, T(6), host_at(3, 20012), "banner", "timeout", 0, NULL, NULL);
    /* 4: only listed. */
    const struct fact listed[] = {fact_text(FACT_LIST_SOURCE, span_text("shodan")),
                                  fact_text(FACT_ICS_PROTOCOL, span_text("bacnet")),
                                  fact_text(FACT_COUNTRY, span_text("JP")),
                                  fact_int(FACT_ASN, 64501),
                                  fact_text(FACT_HOST_NAME, span_text("plant.example")),
                                  fact_int(FACT_REPLY_TTL, 111)};
    put_observed(store, KIND_LISTING, T(7), host_at(4, 47808), listed, 6);
}

static void check(const struct place *place)
{
    assert_int_equal(there(place, "SELECT class='dvr' AND class_rule='example-dvr' AND maker='Example' AND model='X100' AND model_rule='example-dvr'"
                                  " FROM host" HOST("01")),
                     1);
    assert_int_equal(there(place, "SELECT first_attack=last_attack AND first_attack=1715302800000000 FROM host" HOST("01")), 1);
    assert_int_equal(there(place, "SELECT last_probe-first_probe=27*3600000000 AND days=1 FROM host" HOST("01")), 1);
    assert_int_equal(there(place, "SELECT count(*) FROM host_port" ADDRESS("01")), 4);
    assert_int_equal(
        there(place, "SELECT state='closed' AND ttl=51 AND ending='refused' AND excerpt=CAST('dvr login: ' AS BLOB) FROM host_port" ADDRESS(
                         "01") " AND port=23"),
        1);
    assert_int_equal(there(place, "SELECT state='open' AND summary='Example DVR' AND protocol='http' FROM host_port" ADDRESS("01") " AND port=80"),
                     1);
    assert_int_equal(there(place, "SELECT state='silent' AND ttl IS NULL FROM host_port" ADDRESS("01") " AND port=443"), 1);
    assert_int_equal(there(place, "SELECT count(*) FROM host_banner" ADDRESS("01")), 2);
    assert_int_equal(
        there(place, "SELECT n=2 AND last-first=27*3600000000 AND matched IS NULL FROM evidence" ADDRESS("01") " AND rule='example-dvr'"), 1);
    assert_int_equal(there(place, "SELECT count(*) FROM host_attack" ADDRESS("01")), 2);
    assert_int_equal(
        there(place, "SELECT ics='modbus' AND class='plc' AND hosts_at_least=2 AND hosts_reason<>'' AND first_attack IS NULL FROM host" HOST("02")),
        1);
    assert_int_equal(there(place, "SELECT count(*) FROM host" HOST("03")), 0);
    assert_int_equal(there(place, "SELECT count(*) FROM host_port" ADDRESS("03") " AND state='silent'"), 1);
    assert_int_equal(there(place, "SELECT country='JP' AND asn=64501 AND ptr='plant.example' AND days=0 FROM host" HOST("04")), 1);
    assert_int_equal(there(place, "SELECT ics='bacnet' AND ttl=111 AND list='shodan' FROM host_listing"), 1);
    assert_int_equal(there(place, "SELECT sum(n) FROM rollup_probe WHERE step='answer'"), 8);
    /* Answers are no traffic of their hosts. */
    assert_int_equal(there(place, "SELECT sum(connections)=3 AND sum(logins)=1 AND sum(others)=0 FROM rollup_source"), 1);
    assert_int_equal(there(place, "SELECT sum(n) FROM rollup_port"), 4);
}

static void rows_say_what_records_said(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    fill(store);
    assert_int_equal(store_commit(store), 0);
    assert_int_equal(store_flush(store), 0);
    check(&place);
    store_close(store);
    place_done(&place);
}

static void rows_are_told_again_after_a_crash(void **state)
{
    (void)state;
    told_again_after_a_crash(fill, check);
}

static void a_batch_rolled_back_leaves_nothing(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    fill(store);
    store_rollback(store);
    assert_int_equal(store_flush(store), 0);
    assert_int_equal(there(&place, "SELECT (SELECT count(*) FROM host)+(SELECT count(*) FROM host_port)+(SELECT count(*) FROM evidence)"), 0);
    fill(store);
    assert_int_equal(store_commit(store), 0);
    assert_int_equal(store_flush(store), 0);
    check(&place);
    store_close(store);
    place_done(&place);
}

static void malware_does_not_hide_what_was_there_before(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    const struct said router = {.rule = "example-router", .field = "telnet.banner", .class = "router", .maker = "Example", .certainty = 70};
    put_answer(store, T(1), host_at(1, 23), "telnet", "quiet", 51, NULL, "Example router login: ");
    put_device(store, T(1), host_at(1, 23), &router);
    put_device(store, T(1), host_at(1, 23), &busybox);
    put_answer(store, T(50), host_at(1, 23), "telnet", "quiet", 51, NULL, "REINCARNA / Linux.Wifatch");
    put_device(store, T(50), host_at(1, 23), &wifatch);
    put_device(store, T(50), host_at(1, 23), &busybox);
    /* 2: only ever seen with it. */
    put_device(store, T(50), host_at(2, 23), &wifatch);
    put_device(store, T(50), host_at(2, 23), &busybox);
    assert_int_equal(store_commit(store), 0);
    assert_int_equal(store_flush(store), 0);
    assert_int_equal(there(&place, "SELECT class='router' AND maker='Example' AND residue='wifatch' AND residue_rule='wifatch' FROM host" HOST("01")),
                     1);
    assert_int_equal(there(&place, "SELECT class IS NULL AND residue='wifatch' FROM host" HOST("02")), 1);
    assert_int_equal(there(&place, "SELECT count(*) FROM host_banner" ADDRESS("01")), 2);
    store_close(store);
    place_done(&place);
}

static void telnet_is_shown_without_its_options(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    put_answer(store, T(1), host_at(1, 23), "telnet", "quiet", 51, NULL, "\xff\xfd\x01\xff\xfa\x18\x01\xff\xf0login\xff\xff: \xff\xfb");
    put_answer(store, T(1), host_at(2, 23), "telnet", "quiet", 51, NULL, "\xff\xfa\x18\x01login");
    put_answer(store, T(1), host_at(3, 23), "banner", "quiet", 51, NULL, "\xff\xfd\x01");
    assert_int_equal(store_commit(store), 0);
    assert_int_equal(store_flush(store), 0);
    assert_int_equal(there(&place, "SELECT summary='login\\xff: ' AND length(excerpt)=20 FROM host_port" ADDRESS("01")), 1);
    assert_int_equal(there(&place, "SELECT summary IS NULL AND digest IS NOT NULL FROM host_port" ADDRESS("02")), 1);
    assert_int_equal(there(&place, "SELECT summary LIKE '\\xff\\xfd%' FROM host_port" ADDRESS("03")), 1);
    store_close(store);
    place_done(&place);
}

static void hostile_hosts_fill_no_disk(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    char text[64];
    for (unsigned i = 0; i < 1000; i++) {
        (void)snprintf(text, sizeof text, "banner %u", i);
        put_answer(store, T(1) + i, host_at(1, 23), "telnet", "quiet", 51, NULL, text);
        put_answer(store, T(1) + i, host_at(1, (uint16_t)(1000 + i)), "banner", "quiet", 51, NULL, text);
        put_device(store, T(1) + i, host_at(1, 23), &(struct said){.rule = "r", .field = "banner", .model = text});
        put_attack(store, T(1) + i, 1, (uint16_t)(1 + i), 60, NULL);
        put_answer(store, T(1) + i, host_at(2, 1), text, text, 0, NULL, NULL);
    }
    assert_int_equal(store_commit(store), 0);
    assert_int_equal(store_flush(store), 0);
    assert_int_equal(there(&place, "SELECT count(*) FROM host_port" ADDRESS("01")), 512);
    assert_int_equal(there(&place, "SELECT count(*) FROM host_banner" ADDRESS("01") " AND port=23"), 32);
    assert_int_equal(there(&place, "SELECT count(*) FROM host_banner" ADDRESS(
                                       "01") " AND port=23 AND summary='banner 999' AND excerpt=CAST('banner 999' AS BLOB)"),
                     1);
    assert_int_equal(there(&place, "SELECT count(*) FROM evidence" ADDRESS("01")), 256);
    assert_int_equal(there(&place, "SELECT count(*) FROM host_attack" ADDRESS("01")), 64);
    assert_int_equal(there(&place, "SELECT n FROM rollup_probe WHERE probe='other' AND word='other'"), 1000);
    store_close(store);
    place_done(&place);
}

static int count_one(void *user, const struct record *record)
{
    (void)record;
    ++*(int *)user;
    return 0;
}

static int found(const struct place *place, uint8_t host)
{
    struct query *query = NULL;
    struct buf why;
    int count = 0;
    buf_init(&why, 0);
    assert_int_equal(query_open(&query, place->folder, &why), 0);
    const struct query_filter filter = {.by_destination = true,
                                        .destination = host_at(host, 0).addr,
                                        .kinds = UINT64_C(1) << KIND_ANSWER | UINT64_C(1) << KIND_DEVICE | UINT64_C(1) << KIND_LISTING};
    assert_int_equal(query_records(query, &filter, count_one, &count), 0);
    query_close(query);
    buf_done(&why);
    return count;
}

static void records_are_found_by_the_host_they_are_of(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    fill(store);
    assert_int_equal(store_commit(store), 0);
    assert_int_equal(found(&place, 1), 8);
    assert_int_equal(store_tidy(store, DAY_ZERO + 3 * USEC_PER_DAY, true), 0);
    assert_int_equal(found(&place, 1), 8);
    assert_int_equal(found(&place, 4), 1);
    assert_int_equal(found(&place, 9), 0);
    assert_int_equal(day_number(&place, "2024-05-10", "SELECT count(*) FROM sqlite_master WHERE type='index' AND name='answer_destination'"), 1);
    store_close(store);
    place_done(&place);
}

/* A control database as the first version made it, with a host and a task in it. */
static void the_first_version_is_taken_over(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    put_attack(store, T(1), 1, 23, 0, "root");
    assert_int_equal(store_commit(store), 0);
    store_close(store);
    char path[PATH_MAX];
    sqlite3 *db = NULL;
    (void)snprintf(path, sizeof path, "%s/control.db", place.folder);
    assert_int_equal(db_open(&db, path, DB_WRITE, NULL), 0);
    static const char *const tables[] = {"host_port",     "host_banner",  "host_attack",  "host_listing", "evidence",       "host_dial",
                                         "dialled",       "rollup_probe", "quest",        "contact",      "contact_origin", "registry",
                                         "registry_hour", "block",        "quest_answer", "resolution",   "manual",         "account"};
    char sql[256];
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        (void)snprintf(sql, sizeof sql, "DROP TABLE %s", tables[i]);
        assert_int_equal(db_run(db, sql), 0);
    }
    assert_int_equal(db_run(db,
                            "DROP INDEX task_lease;CREATE TABLE old(source_ip BLOB PRIMARY KEY,first INTEGER,last_day INTEGER,days INTEGER NOT NULL)"
                            " WITHOUT ROWID;INSERT INTO old SELECT source_ip,first,last_day,days FROM host;DROP TABLE host;"
                            "ALTER TABLE old RENAME TO host;PRAGMA user_version=1"),
                     0);
    db_close(db);
    store = store_at(&place);
    assert_int_equal(there(&place, "SELECT count(*) FROM host WHERE days=1 AND class IS NULL"), 1);
    put_device(store, T(2), host_at(1, 80), &dvr);
    put_answer(store, T(2), host_at(1, 80), "http", "answered", 51, "Example DVR", NULL);
    assert_int_equal(store_commit(store), 0);
    assert_int_equal(store_flush(store), 0);
    assert_int_equal(there(&place, "SELECT class='dvr' AND days=1 FROM host" HOST("01")), 1);
    assert_int_equal(there(&place, "PRAGMA user_version"), 3);
    store_close(store);
    place_done(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_say_what_records_said),
        cmocka_unit_test(rows_are_told_again_after_a_crash),
        cmocka_unit_test(a_batch_rolled_back_leaves_nothing),
        cmocka_unit_test(malware_does_not_hide_what_was_there_before),
        cmocka_unit_test(telnet_is_shown_without_its_options),
        cmocka_unit_test(hostile_hosts_fill_no_disk),
        cmocka_unit_test(records_are_found_by_the_host_they_are_of),
        cmocka_unit_test(the_first_version_is_taken_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
