/* Every report over a store filled with known records: the rows are asserted one by one. */
#include "rows.h"
#include "settings.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define DAY(n) (INT64_C(1763596800000000) + (n)*USEC_PER_DAY) /* 2025-11-20 */

struct fixture {
    char folder[64];
    struct conf *settings;
};

static struct id session_of(unsigned number)
{
    uint8_t digest[10] = {(uint8_t)number};
    return id_digest(DAY(0) + (int64_t)number * USEC_PER_HOUR, span_of(digest, sizeof digest));
}

/* One record of session `number`, `after` µs after its start. */
static void put(struct store *store, unsigned number, unsigned nth, enum kind kind, uint8_t host, usec_t after, const struct fact *facts,
                size_t count)
{
    uint8_t digest[10] = {(uint8_t)number, (uint8_t)nth, (uint8_t)kind};
    usec_t time = DAY(0) + (int64_t)number * USEC_PER_HOUR + after;
    const struct record record = {
        .id = id_digest(time, span_of(digest, sizeof digest)),
        .time = time,
        .sensor = span_text("sensor-1"),
        .kind = kind,
        .transport = TRANSPORT_TCP,
        .source = {addr_v4(0xc0000200u + host), (uint16_t)(40000 + number)},
        .destination = {addr_v4(0xc6336401u), number % 2 == 0 ? 23 : 2323},
        .session = session_of(number),
        .facts = facts,
        .fact_count = count,
    };
    assert_int_equal(store_put(store, &record), 0);
}

static struct fact words(enum fact_name name, const char *text)
{
    return fact_text(name, span_text(text));
}

static void put_login(struct store *store, unsigned number, unsigned nth, uint8_t host, const char *user, const char *password, bool accepted)
{
    const struct fact facts[] = {words(FACT_NETWORK_PROTOCOL, "telnet"), words(FACT_USER_NAME, user), words(FACT_PASSWORD, password),
                                 words(FACT_EVENT_OUTCOME, accepted ? "success" : "failure")};
    put(store, number, nth, KIND_LOGIN, host, (usec_t)nth * USEC_PER_SEC, facts, 4);
}

static void put_command(struct store *store, unsigned number, unsigned nth, uint8_t host, const char *line)
{
    const struct fact facts[] = {words(FACT_NETWORK_PROTOCOL, "telnet"), words(FACT_COMMAND_LINE, line)};
    put(store, number, nth, KIND_COMMAND, host, (usec_t)nth * USEC_PER_SEC, facts, 2);
}

static void put_session(struct store *store, unsigned number, uint8_t host, int64_t logins, int64_t commands, const char *protocol)
{
    const struct fact begin[] = {words(FACT_NETWORK_PROTOCOL, protocol)};
    put(store, number, 0, KIND_CONNECTION, host, 0, begin, 1);
    const struct fact end[] = {
        words(FACT_NETWORK_PROTOCOL, protocol), words(FACT_EVENT_REASON, "peer closed"), fact_int(FACT_EVENT_DURATION, INT64_C(30000000000)),
        fact_int(FACT_LOGINS, logins),          fact_int(FACT_COMMANDS, commands),       fact_int(FACT_LOGGED_IN, commands > 0)};
    put(store, number, 99, KIND_SESSION, host, 30 * USEC_PER_SEC, end, 6);
}

static const char sha[] = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

static void fill(struct store *store)
{
    /* Host 1: two sessions on the first day, one 30 hours later. Host 2: one. Host 3: another service. */
    put_session(store, 2, 1, 2, 2, "telnet");
    put_login(store, 2, 1, 1, "root", "xc3511", false);
    put_login(store, 2, 2, 1, "root", "admin", true);
    put_command(store, 2, 3, 1, "enable");
    put_command(store, 2, 4, 1, "=cmd|' /C calc'!A0");
    put_session(store, 3, 1, 1, 0, "telnet");
    put_login(store, 3, 1, 1, "root", "xc3511", false);
    put_session(store, 4, 2, 1, 1, "telnet");
    put_login(store, 4, 1, 2, "root", "xc3511", true);
    put_command(store, 4, 2, 2, "enable");
    const struct fact sample[] = {
        words(FACT_NETWORK_PROTOCOL, "telnet"),    words(FACT_FILE_SHA256, sha),         fact_int(FACT_FILE_SIZE, 4),
        words(FACT_FILE_PATH, "/tmp/upnp"),        words(FACT_SAMPLE_ORIGIN, "written"), words(FACT_SAMPLE_ARCHITECTURE, "data"),
        fact_text(FACT_CONTENT, span_text("test"))};
    put(store, 4, 5, KIND_SAMPLE, 2, 5 * USEC_PER_SEC, sample, 7);
    put_session(store, 6, 3, 0, 0, "ssh");
    put_session(store, 30, 1, 0, 0, "telnet");
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct conf_error error = {0};
    struct buf why;
    char text[128];
    struct store *store = NULL;
    snprintf(f->folder, sizeof f->folder, "/tmp/noroshi-reports-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    assert_int_equal(conf_parse(&f->settings, "test", span_text("{}"), settings_schema(), &error), 0);
    snprintf(text, sizeof text, "store.folder=%s", f->folder);
    assert_int_equal(conf_override(f->settings, text, &error), 0);
    assert_int_equal(conf_override(f->settings, "store.retention=0", &error), 0);
    buf_init(&why, 0);
    if (store_open(&store, f->settings, &why) != 0)
        fail_msg("%s", buf_cstr(&why));
    fill(store);
    assert_int_equal(store_commit(store), 0);
    assert_int_equal(store_tidy(store, DAY(1), true), 0);
    store_close(store);
    buf_done(&why);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
    assert_int_equal(system(command), 0);
    conf_free(f->settings);
    free(f);
    return 0;
}

static const char *folder_of(void **state)
{
    const struct fixture *f = *state;
    return f->folder;
}

static void expect_rows(void **state, const char *name, struct query_range range, const char *expected)
{
    char *rows = rows_of(folder_of(state), name, range, NULL);
    assert_string_equal(rows, expected);
    free(rows);
}

static void attackers_are_summed_over_days(void **state)
{
    expect_rows(state, "attackers", (struct query_range){0},
                "192.0.2.1,3,3,3,1,2,0,0,2,2025-11-20T02:00:00.000000Z,2025-11-21T06:00:30.000000Z\r\n"
                "192.0.2.2,1,1,1,1,1,0,1,1,2025-11-20T04:00:00.000000Z,2025-11-20T04:00:30.000000Z\r\n"
                "192.0.2.3,1,1,0,0,0,0,0,1,2025-11-20T06:00:00.000000Z,2025-11-20T06:00:30.000000Z\r\n");
}

static void a_range_chooses_days(void **state)
{
    expect_rows(state, "attackers", (struct query_range){.since = DAY(1)},
                "192.0.2.1,1,1,0,0,0,0,0,1,2025-11-21T06:00:00.000000Z,2025-11-21T06:00:30.000000Z\r\n");
    /* A day that the range cuts is counted whole. */
    expect_rows(state, "credentials", (struct query_range){.since = DAY(0) + 23 * USEC_PER_HOUR, .until = DAY(1)},
                "root,xc3511,3,1,1,2025-11-20T02:00:01.000000Z,2025-11-20T04:00:01.000000Z\r\n"
                "root,admin,1,1,1,2025-11-20T02:00:02.000000Z,2025-11-20T02:00:02.000000Z\r\n");
    expect_rows(state, "attackers", (struct query_range){.since = DAY(2)}, "");
}

static void a_limit_tells_that_there_is_more(void **state)
{
    bool more = false;
    char *rows = rows_of(folder_of(state), "attackers", (struct query_range){.limit = 1}, &more);
    assert_true(more);
    assert_string_equal(rows, "192.0.2.1,3,3,3,1,2,0,0,2,2025-11-20T02:00:00.000000Z,2025-11-21T06:00:30.000000Z\r\n");
    free(rows);
    rows = rows_of(folder_of(state), "attackers", (struct query_range){.limit = 3}, &more);
    assert_false(more);
    free(rows);
}

static void commands_are_counted_and_no_formula(void **state)
{
    expect_rows(state, "commands", (struct query_range){0},
                "enable,2,1,2025-11-20T02:00:03.000000Z,2025-11-20T04:00:02.000000Z\r\n"
                "\"'=cmd|' /C calc'!A0\",1,1,2025-11-20T02:00:04.000000Z,2025-11-20T02:00:04.000000Z\r\n");
}

static void ports_are_ours(void **state)
{
    expect_rows(state, "ports", (struct query_range){0},
                "23,tcp,4,4,3,3,0,1,0,2025-11-20T02:00:00.000000Z,2025-11-21T06:00:30.000000Z\r\n"
                "2323,tcp,1,1,1,0,0,0,0,2025-11-20T03:00:00.000000Z,2025-11-20T03:00:30.000000Z\r\n");
    expect_rows(state, "ports", (struct query_range){.since = DAY(0) + 3 * USEC_PER_HOUR, .until = DAY(0) + 4 * USEC_PER_HOUR},
                "2323,tcp,1,1,1,0,0,0,0,2025-11-20T03:00:00.000000Z,2025-11-20T03:00:30.000000Z\r\n");
}

static void services_are_counted_per_day(void **state)
{
    expect_rows(state, "services", (struct query_range){0},
                "2025-11-20,telnet,3,3,4,3,0,1,0\r\n"
                "2025-11-20,ssh,1,1,0,0,0,0,0\r\n"
                "2025-11-21,telnet,1,1,0,0,0,0,0\r\n");
    /* At -05:00 the first day's hours before five belong to the day before. */
    expect_rows(state, "services", (struct query_range){.offset_usec = -5 * USEC_PER_HOUR},
                "2025-11-19,telnet,3,3,4,3,0,1,0\r\n"
                "2025-11-20,ssh,1,1,0,0,0,0,0\r\n"
                "2025-11-21,telnet,1,1,0,0,0,0,0\r\n");
}

static void sessions_come_latest_first(void **state)
{
    char *rows = rows_of(folder_of(state), "sessions", (struct query_range){.limit = 2}, NULL);
    char id[ID_TEXT_SIZE], expected[600], id2[ID_TEXT_SIZE];
    snprintf(expected, sizeof expected,
             "%s,2025-11-21T06:00:00.000000Z,30000000000,192.0.2.1,40030,198.51.100.1,23,telnet,0,0,0,,,peer closed,\r\n"
             "%s,2025-11-20T06:00:00.000000Z,30000000000,192.0.2.3,40006,198.51.100.1,23,ssh,0,0,0,,,peer closed,\r\n",
             id_print(session_of(30), id), id_print(session_of(6), id2));
    assert_string_equal(rows, expected);
    free(rows);
    rows = rows_of(folder_of(state), "sessions", (struct query_range){0}, NULL);
    size_t lines = 0;
    for (const char *at = rows; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    assert_int_equal(lines, 5);
    free(rows);
}

static void samples_have_their_sources(void **state)
{
    char expected[300];
    snprintf(expected, sizeof expected, "%s,4,data,written,/tmp/upnp,,1,1,1,2025-11-20T04:00:05.000000Z,2025-11-20T04:00:05.000000Z\r\n", sha);
    expect_rows(state, "samples", (struct query_range){0}, expected);
    expect_rows(state, "samples", (struct query_range){.since = DAY(1)}, "");
}

static void every_report_explains_its_columns(void **state)
{
    (void)state;
    size_t count = 0;
    const struct report *const *reports = reports_all(&count);
    assert_true(count >= 8);
    for (size_t i = 0; i < count; i++) {
        assert_true(reports[i]->sql != NULL || reports[i]->walk != NULL);
        assert_ptr_equal(report_by_name(span_text(reports[i]->name)), reports[i]);
        for (size_t c = 0; c < reports[i]->column_count; c++) {
            assert_non_null(reports[i]->columns[c].help);
            for (size_t other = 0; other < c; other++)
                assert_string_not_equal(reports[i]->columns[c].name, reports[i]->columns[other].name);
        }
    }
}

static void an_empty_pipeline_has_no_total(void **state)
{
    const struct fixture *f = *state;
    (void)f;
    char *rows = rows_of(folder_of(state), "pipeline", (struct query_range){0}, NULL);
    assert_string_equal(rows, "");
    free(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attackers_are_summed_over_days),
        cmocka_unit_test(a_range_chooses_days),
        cmocka_unit_test(a_limit_tells_that_there_is_more),
        cmocka_unit_test(commands_are_counted_and_no_formula),
        cmocka_unit_test(ports_are_ours),
        cmocka_unit_test(services_are_counted_per_day),
        cmocka_unit_test(sessions_come_latest_first),
        cmocka_unit_test(samples_have_their_sources),
        cmocka_unit_test(every_report_explains_its_columns),
        cmocka_unit_test(an_empty_pipeline_has_no_total),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
