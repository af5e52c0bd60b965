/* Records go in once, come back as they were, and are counted. */
#include "make.h"

static void put_some(struct store *store, usec_t day, uint64_t from, uint64_t count)
{
    for (uint64_t i = from; i < from + count; i++) {
        struct fact facts[] = {fact_text(FACT_NETWORK_PROTOCOL, span_text("telnet")),
                               fact_text(FACT_EVENT_OUTCOME, span_text(i % 4 == 0 ? "success" : "failure")),
                               fact_text(FACT_USER_NAME, span_text("root")), fact_text(FACT_PASSWORD, span_text(i % 2 == 0 ? "xc3511" : "vizxv"))};
        struct record record = record_of(KIND_LOGIN, day + (usec_t)i * USEC_PER_SEC, i);
        record.facts = facts;
        record.fact_count = sizeof facts / sizeof facts[0];
        assert_int_equal(store_put(store, &record), 0);
    }
}

struct seen {
    struct record last;
    size_t count;
    struct fact facts[RECORD_FACTS_MAX];
    char text[4096];
};

static int see(void *user, const struct record *record)
{
    struct seen *seen = user;
    seen->count++;
    seen->last = *record;
    size_t at = 0;
    for (size_t i = 0; i < record->fact_count; i++) {
        seen->facts[i] = record->facts[i];
        if (fact_info((unsigned)record->facts[i].name)->type <= FACT_TYPE_BYTES && record->facts[i].text.len > 0 &&
            at + record->facts[i].text.len < sizeof seen->text) {
            memcpy(seen->text + at, record->facts[i].text.at, record->facts[i].text.len);
            seen->facts[i].text = span_of(seen->text + at, record->facts[i].text.len);
            at += record->facts[i].text.len;
        }
    }
    seen->last.facts = seen->facts;
    return 0;
}

static size_t count_records(const struct place *place, const struct query_filter *filter, struct seen *seen)
{
    struct query *query = NULL;
    struct buf why;
    buf_init(&why, 0);
    assert_int_equal(query_open(&query, place->folder, &why), 0);
    *seen = (struct seen){.count = 0};
    assert_int_equal(query_records(query, filter, see, seen), 0);
    query_close(query);
    buf_done(&why);
    return seen->count;
}

static void kept_records_come_back(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    struct addr relay;
    assert_int_equal(addr_parse(span_text("2001:db8::7"), &relay), 0);
    const uint8_t transcript[] = {0, 1, 2, 0xff, 'x'};
    struct fact facts[] = {fact_text(FACT_NETWORK_PROTOCOL, span_text("telnet")), fact_text(FACT_PROFILE, span_text("")), fact_int(FACT_SYN_TTL, -3),
                           fact_addr(FACT_RELAY_IP, relay)};
    struct record connection = record_of(KIND_CONNECTION, DAY_ZERO + 5, 1);
    connection.facts = facts;
    connection.fact_count = 4;
    connection.source.addr = relay;
    connection.session = connection.id;
    assert_int_equal(store_put(store, &connection), 0);
    struct fact bytes = fact_text(FACT_TRANSCRIPT, span_of(transcript, sizeof transcript));
    struct record session = record_of(KIND_SESSION, DAY_ZERO + 10000, 2);
    session.facts = &bytes;
    session.fact_count = 1;
    session.source = (struct endpoint){0};
    session.transport = TRANSPORT_NONE;
    assert_int_equal(store_put(store, &session), 0);
    assert_int_equal(store_commit(store), 0);

    struct seen seen;
    /* The store is open and writing: another reader sees what is committed. */
    assert_int_equal(count_records(&place, &(struct query_filter){.kinds = UINT64_C(1) << KIND_CONNECTION}, &seen), 1);
    assert_memory_equal(&seen.last.id, &connection.id, sizeof connection.id);
    assert_memory_equal(&seen.last.session, &connection.id, sizeof connection.id);
    assert_int_equal(seen.last.time, connection.time);
    assert_int_equal(seen.last.transport, TRANSPORT_TCP);
    assert_true(addr_equal(seen.last.source.addr, relay));
    assert_true(addr_equal(seen.last.destination.addr, connection.destination.addr));
    assert_int_equal(seen.last.source.port, 40000);
    assert_int_equal(seen.last.destination.port, 23);
    assert_int_equal(seen.last.fact_count, 4);
    assert_true(span_is(record_fact(&seen.last, FACT_NETWORK_PROTOCOL)->text, "telnet"));
    assert_int_equal(record_fact(&seen.last, FACT_PROFILE)->text.len, 0);
    assert_int_equal(record_fact(&seen.last, FACT_SYN_TTL)->number, -3);
    assert_true(addr_equal(record_fact(&seen.last, FACT_RELAY_IP)->addr, relay));
    assert_int_equal(count_records(&place, &(struct query_filter){.kinds = UINT64_C(1) << KIND_SESSION}, &seen), 1);
    assert_true(span_equal(record_fact(&seen.last, FACT_TRANSCRIPT)->text, bytes.text));
    assert_true(id_is_zero(seen.last.session));
    assert_int_equal(seen.last.transport, TRANSPORT_NONE);
    assert_int_equal(seen.last.source.port, 0);
    assert_int_equal(day_number(&place, "2024-05-10", "SELECT count(*) FROM record WHERE source='2001:0db8:0000:0000:0000:0000:0000:0007'"), 1);
    assert_int_equal(day_number(&place, "2024-05-10",
                                "SELECT count(*) FROM record WHERE destination='198.51.100.1' AND transport='tcp'"
                                " AND time='2024-05-10T00:00:00.000005Z' AND sensor='sensor-1'"),
                     1);
    store_close(store);
    place_done(&place);
}

static void the_same_id_is_kept_once(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    struct record record = record_of(KIND_CONNECTION, DAY_ZERO, 7);
    assert_int_equal(store_put(store, &record), 0);
    assert_int_equal(store_put(store, &record), 1);
    assert_int_equal(store_commit(store), 0);
    assert_int_equal(store_put(store, &record), 1);
    assert_int_equal(store_commit(store), 0);
    store_close(store);
    store = store_at(&place);
    assert_int_equal(store_put(store, &record), 1);
    assert_int_equal(store_commit(store), 0);
    store_close(store);
    assert_int_equal(day_number(&place, "2024-05-10", "SELECT count(*) FROM connection"), 1);
    assert_int_equal(control_number(&place, "SELECT sum(n) FROM rollup_port"), 1);
    assert_int_equal(control_number(&place, "SELECT sum(connections) FROM rollup_source"), 1);
    place_done(&place);
}

static void a_rollback_leaves_nothing(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    put_some(store, DAY_ZERO, 0, 10);
    assert_int_equal(store_commit(store), 0);
    put_some(store, DAY_ZERO, 10, 10);
    store_rollback(store);
    put_some(store, DAY_ZERO, 20, 5);
    assert_int_equal(store_commit(store), 0);
    assert_int_equal(store_flush(store), 0);
    assert_int_equal(day_number(&place, "2024-05-10", "SELECT count(*) FROM login"), 15);
    assert_int_equal(control_number(&place, "SELECT sum(logins) FROM rollup_source"), 15);
    assert_int_equal(control_number(&place, "SELECT sum(tried) FROM rollup_credential"), 15);
    /* Row numbers have no holes, so that whoever follows them misses none. */
    assert_int_equal(day_number(&place, "2024-05-10", "SELECT max(seq) FROM login"), 15);
    store_close(store);
    place_done(&place);
}

static void rollups_say_what_rows_say(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    put_some(store, DAY_ZERO, 0, 4000);
    put_some(store, DAY_ZERO + USEC_PER_DAY, 4000, 100);
    struct fact refused[] = {fact_text(FACT_EVENT_REASON, span_text("peer limit")), fact_int(FACT_COUNT, 50)};
    struct record refusal = record_of(KIND_REFUSAL, DAY_ZERO, 9000);
    refusal.facts = refused;
    refusal.fact_count = 2;
    assert_int_equal(store_put(store, &refusal), 0);
    struct fact line = fact_text(FACT_COMMAND_LINE, span_text("/bin/busybox MIRAI"));
    for (uint64_t i = 0; i < 3; i++) {
        struct record command = record_of(KIND_COMMAND, DAY_ZERO + (usec_t)i, 9100 + i);
        command.facts = &line;
        command.fact_count = 1;
        assert_int_equal(store_put(store, &command), 0);
    }
    assert_int_equal(store_commit(store), 0);
    assert_int_equal(store_flush(store), 0);
    assert_int_equal(control_number(&place, "SELECT sum(n) FROM rollup_port WHERE kind=3 AND port=23 AND transport=1"), 4100);
    assert_int_equal(control_number(&place, "SELECT count(*) FROM rollup_port WHERE kind=3"), 3); /* 4000 s are two hours, and the next day */
    assert_int_equal(control_number(&place, "SELECT n FROM rollup_port WHERE kind=10"), 50);
    assert_int_equal(control_number(&place, "SELECT sum(n) FROM rollup_service WHERE protocol='telnet' AND kind=3"), 4100);
    assert_int_equal(control_number(&place, "SELECT count(*) FROM rollup_source"), 200);
    assert_int_equal(control_number(&place, "SELECT sum(logins_ok) FROM rollup_source"), 1025);
    assert_int_equal(control_number(&place, "SELECT count(*) FROM rollup_credential"), 4);
    assert_int_equal(control_number(&place, "SELECT sum(tried) FROM rollup_credential WHERE user='root' AND password='xc3511'"), 2050);
    assert_int_equal(control_number(&place, "SELECT sum(ok) FROM rollup_credential WHERE password='xc3511'"), 1025);
    assert_int_equal(control_number(&place, "SELECT n FROM rollup_command WHERE command='/bin/busybox MIRAI'"), 3);
    assert_int_equal(control_number(&place, "SELECT count(*) FROM host WHERE days=2"), 100);
    assert_int_equal(control_number(&place, "SELECT records FROM day WHERE day=1715299200000000"), 4004);
    assert_int_equal(control_number(&place, "SELECT applied FROM day WHERE day=1715299200000000"), 4004);
    assert_int_equal(control_number(&place, "SELECT last FROM sensor WHERE name='sensor-1'"), DAY_ZERO + USEC_PER_DAY + 4099 * USEC_PER_SEC);
    store_close(store);
    place_done(&place);
}

static void untrue_records_are_refused(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    struct record record = record_of(KIND_CONNECTION, DAY_ZERO, 1);
    assert_int_equal(store_put(store, &record), 0);
    struct record apart = record;
    apart.time += 2 * USEC_PER_HOUR;
    assert_int_equal(store_put(store, &apart), -ERR_DENIED);
    struct record future = record_of(KIND_CONNECTION, usec_now() + 3 * USEC_PER_DAY, 2);
    assert_int_equal(store_put(store, &future), -ERR_DENIED);
    struct record past = record_of(KIND_CONNECTION, -5, 3);
    past.time = -5;
    assert_int_equal(store_put(store, &past), -ERR_DENIED);
    assert_int_equal(store_commit(store), 0);
    assert_int_equal(day_number(&place, "2024-05-10", "SELECT count(*) FROM connection"), 1);
    store_close(store);
    place_done(&place);
}

static void many_days_in_one_batch(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    for (uint64_t i = 0; i < 60; i++) {
        struct record record = record_of(KIND_CONNECTION, DAY_ZERO - (usec_t)(i % 20) * USEC_PER_DAY, i);
        assert_int_equal(store_put(store, &record), 0);
    }
    assert_int_equal(store_commit(store), 0);
    assert_int_equal(store_flush(store), 0);
    struct store_day days[64];
    assert_int_equal(store_touched(store, days, 64), 20);
    assert_int_equal(store_touched(store, days, 64), 0);
    assert_int_equal(control_number(&place, "SELECT sum(connections) FROM rollup_source"), 60);
    assert_int_equal(control_number(&place, "SELECT count(*) FROM day"), 20);
    struct seen seen;
    assert_int_equal(count_records(&place, &(struct query_filter){.since = 0}, &seen), 60);
    store_close(store);
    place_done(&place);
}

static void samples_become_blobs(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    struct span content = span_text("\177ELF and so on");
    uint8_t sha256[32];
    char hex[65];
    assert_int_equal(blob_hash(content, sha256), 0);
    text_hex(span_of(sha256, 32), hex);
    struct fact facts[] = {fact_text(FACT_CONTENT, content), fact_text(FACT_FILE_SHA256, span_text(hex)),
                           fact_int(FACT_FILE_SIZE, (int64_t)content.len), fact_text(FACT_SAMPLE_ARCHITECTURE, span_text("mips")),
                           fact_text(FACT_SAMPLE_ORIGIN, span_text("written"))};
    for (uint64_t i = 0; i < 4; i++) {
        struct record record = record_of(KIND_SAMPLE, DAY_ZERO + (usec_t)i, i);
        record.source.addr = addr_v4(0xc0000200U + (uint32_t)(i % 2));
        record.facts = facts;
        record.fact_count = 5;
        assert_int_equal(store_put(store, &record), 0);
    }
    struct record wrong = record_of(KIND_SAMPLE, DAY_ZERO, 50);
    struct fact untrue[] = {fact_text(FACT_CONTENT, span_text("other")), facts[1]};
    wrong.facts = untrue;
    wrong.fact_count = 2;
    assert_int_equal(store_put(store, &wrong), -ERR_DENIED);
    facts[2].number++;
    wrong.facts = facts;
    wrong.fact_count = 3;
    assert_int_equal(store_put(store, &wrong), -ERR_DENIED);
    assert_int_equal(store_commit(store), 0);
    assert_int_equal(store_flush(store), 0);
    assert_int_equal(control_number(&place, "SELECT times FROM sample WHERE kept=1 AND architecture='mips' AND origin='written'"), 4);
    assert_int_equal(control_number(&place, "SELECT sources FROM sample"), 2);
    assert_int_equal(control_number(&place, "SELECT count(*) FROM blob"), 1);
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/blobs/%.2s/%.2s/%s", place.folder, hex, hex + 2, hex);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0440);
    struct query *query = NULL;
    struct buf out;
    buf_init(&out, 0);
    assert_int_equal(query_open(&query, place.folder, &out), 0);
    assert_int_equal(query_blob(query, sha256, &out), 0);
    assert_true(span_equal(buf_as_span(&out), content));
    sha256[0] ^= 1;
    assert_int_equal(query_blob(query, sha256, &out), -ERR_NOT_FOUND);
    query_close(query);
    buf_done(&out);
    struct seen seen;
    assert_int_equal(count_records(&place, &(struct query_filter){.since = 0}, &seen), 4);
    assert_null(record_fact(&seen.last, FACT_CONTENT));
    assert_true(span_is(record_fact(&seen.last, FACT_FILE_SHA256)->text, hex));
    store_close(store);
    place_done(&place);
}

static void two_stores_never_write(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place), *other = NULL;
    struct buf why;
    buf_init(&why, 0);
    assert_int_equal(store_open(&other, place.settings, &why), -ERR_BUSY);
    assert_true(why.len > 0);
    store_close(store);
    assert_int_equal(store_open(&other, place.settings, &why), 0);
    store_close(other);
    buf_done(&why);
    place_done(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_records_come_back),    cmocka_unit_test(the_same_id_is_kept_once),   cmocka_unit_test(a_rollback_leaves_nothing),
        cmocka_unit_test(rollups_say_what_rows_say), cmocka_unit_test(untrue_records_are_refused), cmocka_unit_test(many_days_in_one_batch),
        cmocka_unit_test(samples_become_blobs),      cmocka_unit_test(two_stores_never_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
