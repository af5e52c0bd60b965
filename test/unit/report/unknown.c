/* The report over answers: what a rule knows is left out, what is alike is one row, and attackers' bytes reach no terminal. */
#include "base/err.h"
#include "report/table.h"
#include "settings.h"
#include "store/store.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define START (INT64_C(1715299200) * USEC_PER_SEC)

static struct id id_of(uint64_t number)
{
    uint8_t digest[10] = {(uint8_t)(number >> 8), (uint8_t)number};
    return id_digest(START, span_of(digest, sizeof digest));
}

static void put_answer(struct store *store, uint32_t number, uint16_t port, const char *service, struct span banner)
{
    struct fact facts[] = {fact_text(FACT_EVENT_OUTCOME, span_text("success")), fact_text(FACT_NETWORK_PROTOCOL, span_text(service)),
                           fact_text(FACT_PROBE, span_text(service)), fact_text(FACT_BANNER, banner)};
    struct record record = {.id = id_of(number),
                            .time = START,
                            .sensor = span_text("s"),
                            .kind = KIND_ANSWER,
                            .transport = TRANSPORT_TCP,
                            .destination = {addr_v4(0xc0000200U + number), port},
                            .facts = facts,
                            .fact_count = sizeof facts / sizeof facts[0]};
    assert_int_equal(store_put(store, &record), 0);
}

static void put_device(struct store *store, uint32_t number, uint64_t answer, enum fact_name name, const char *value)
{
    struct fact facts[] = {fact_text(FACT_RULE, span_text("r")), fact_text(name, span_text(value))};
    struct record record = {.id = id_of(1000 + number),
                            .time = START,
                            .sensor = span_text("s"),
                            .kind = KIND_DEVICE,
                            .destination = {addr_v4(0xc0000200U + number), 23},
                            .session = id_of(answer),
                            .facts = facts,
                            .fact_count = 2};
    assert_int_equal(store_put(store, &record), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

static void unknown_answers_are_put_together(void **state)
{
    (void)state;
    char folder[] = "/tmp/noroshi-unknown-XXXXXX", assignment[128];
    struct conf *settings = NULL;
    struct conf_error error = {0};
    struct store *store = NULL;
    struct buf why;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(conf_parse(&settings, "test", span_text("{}"), settings_schema(), &error), 0);
    (void)snprintf(assignment, sizeof assignment, "store.folder=%s", folder);
    assert_int_equal(conf_override(settings, assignment, &error), 0);
    assert_int_equal(conf_override(settings, "store.retention=0", &error), 0);
    buf_init(&why, 0);
    if (store_open(&store, settings, &why) != 0)
        fail_msg("%s", buf_cstr(&why));
    for (uint32_t i = 0; i < 6; i++) {
        char banner[64];
        (void)snprintf(banner, sizeof banner, "\xff\xfb\x01\xff\xfb\x03\r\nAcme Gate %u\r\nlogin: ", i);
        put_answer(store, i, i == 5 ? 2323 : 23, "telnet", span_text(banner));
    }
    put_answer(store, 6, 23, "telnet", span_text("\r\n\x1b[2J=cmd|' /C calc'!A1 login: "));
    put_answer(store, 7, 80, "http",
               span_text("HTTP/1.1 200 OK\r\nServer: acme-httpd/2.1\r\nContent-Type: text/html\r\n\r\n<html><title>Acme Gate</title></html>"));
    put_device(store, 4, 4, FACT_DEVICE_CLASS, "gateway");  /* known */
    put_device(store, 3, 3, FACT_MATCHED, "telnet.banner"); /* a rule that names nothing */
    assert_int_equal(store_commit(store), 0);
    assert_int_equal(store_flush(store), 0);

    const struct report *report = report_by_name(span_text("unknown"));
    const struct query_range range = {.until = REPORT_UNTIL_ALL, .limit = 2};
    struct query *query = NULL;
    struct table *table = NULL;
    bool more = false;
    assert_non_null(report);
    assert_int_equal(table_new(&table, report->columns, report->column_count), 0);
    assert_int_equal(query_open(&query, folder, &why), 0);
    assert_int_equal(report_run(report, query, &range, table, &more), 0);
    assert_true(more);
    assert_int_equal(table_rows(table), 2);
    assert_int_equal(table_value(table, 0, 0)->number, 5);
    assert_true(span_is(table_value(table, 0, 2)->bytes, "telnet.banner"));
    assert_true(span_is(table_value(table, 0, 3)->bytes, "23,2323"));
    assert_int_equal(table_value(table, 1, 0)->number, 1);
    table_free(table);

    /* Neither terminal nor CSV gets control characters, or a formula. */
    char *text = NULL;
    size_t len = 0;
    assert_int_equal(table_new(&table, report->columns, report->column_count), 0);
    assert_int_equal(report_run(report, query, &(struct query_range){.until = REPORT_UNTIL_ALL}, table, &more), 0);
    assert_int_equal(table_rows(table), 4);
    for (enum table_form form = TABLE_TERMINAL; form <= TABLE_CSV; form++) {
        FILE *out = open_memstream(&text, &len);
        assert_int_equal(table_print(table, report->name, report->title, form, NULL, out), 0);
        assert_int_equal(fclose(out), 0);
        assert_null(memchr(text, '\x1b', len));
        assert_null(strstr(text, "\n="));
        free(text);
    }
    table_free(table);
    query_close(query);
    store_close(store);
    conf_free(settings);
    buf_done(&why);
    (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(unknown_answers_are_put_together)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
