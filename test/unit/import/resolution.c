/* Passive DNS of other projects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "observe/import/import.h"
#include "observe/import/resolution.h"

/* What an import gave: each record as one readable line. */
struct taken {
    struct buf text, skipped;
    struct id ids[16];
    size_t count, failed;
};

static int take(void *user, const struct record *record)
{
    struct taken *t = user;
    char addr[ADDR_TEXT_SIZE], day[USEC_TEXT_SIZE];
    assert_int_equal(record->kind, KIND_RESOLUTION);
    buf_printf(&t->text, "%s %s", usec_print_day(record->time, day), addr_print(record->destination.addr, addr));
    for (size_t i = 0; i < record->fact_count; i++) {
        const struct fact *fact = &record->facts[i];
        assert_true(kind_has(KIND_RESOLUTION, fact->name));
        if (fact_info(fact->name)->type == FACT_TYPE_INT)
            buf_printf(&t->text, " %lld", (long long)fact->number);
        else
            buf_printf(&t->text, " %.*s", (int)fact->text.len, (const char *)fact->text.at);
    }
    buf_byte(&t->text, '\n');
    if (t->count < 16)
        t->ids[t->count] = record->id;
    t->count++;
    return 0;
}

static void skipped(void *user, const char *file, uint64_t line, const char *why)
{
    struct taken *t = user;
    (void)file;
    buf_printf(&t->skipped, "%llu: %s\n", (unsigned long long)line, why);
}

static void failed(void *user, const char *file, const char *why)
{
    struct taken *t = user;
    (void)file;
    t->failed++;
    buf_printf(&t->skipped, "%s\n", why);
}

static void read_it(struct taken *t, const char *format, const char *input)
{
    struct import_totals totals;
    struct import_options options = {.format = format, .user = t, .put = take, .skipped = skipped, .failed = failed};
    *t = (struct taken){.count = 0};
    buf_init(&t->text, 0);
    buf_init(&t->skipped, 0);
    assert_int_equal(import_bytes(&options, "test", span_text(input), &totals), 0);
    assert_int_equal(totals.records, t->count);
}

static void done(struct taken *t)
{
    buf_done(&t->text);
    buf_done(&t->skipped);
}

static void gives(const char *format, const char *input, const char *expected)
{
    struct taken t;
    read_it(&t, format, input);
    if (t.failed > 0 || t.skipped.len > 0)
        fail_msg("skipped: %s", buf_cstr(&t.skipped));
    assert_string_equal(buf_cstr(&t.text), expected);
    done(&t);
}

static void skips(const char *format, const char *input, const char *why)
{
    struct taken t;
    read_it(&t, format, input);
    assert_int_equal(t.count, 0);
    if (strstr(buf_cstr(&t.skipped), why) == NULL)
        fail_msg("expected \"%s\" in: %s", why, buf_cstr(&t.skipped));
    done(&t);
}

static void dnsdb_of_both_versions(void **state)
{
    (void)state;
    gives(NULL,
          "{\"count\":51,\"time_first\":1372688083,\"time_last\":1374023864,\"rrname\":\"WWW.Site.Example.\",\"rrtype\":\"A\",\"bailiwick\":\"site."
          "example.\","
          "\"rdata\":[\"192.0.2.17\",\"192.0.2.18\"]}\n",
          "2013-07-17 192.0.2.17 dnsdb www.site.example A 192.0.2.17 51 1372688083000000 1374023864000000\n"
          "2013-07-17 192.0.2.18 dnsdb www.site.example A 192.0.2.18 51 1372688083000000 1374023864000000\n");
    gives(NULL,
          "{\"cond\":\"begin\"}\n"
          "{\"obj\":{\"count\":7,\"zone_time_first\":1372688083,\"zone_time_last\":1374023864,\"rrname\":\"site.example.\",\"rrtype\":\"MX\","
          "\"rdata\":[\"10 MX1.site.example.\"]}}\n"
          "{\"obj\":{\"count\":3,\"time_first\":1,\"time_last\":2,\"rrname\":\"v6.site.example.\",\"rrtype\":\"AAAA\",\"rdata\":\"2001:db8::0:7\"}}\n"
          "{\"cond\":\"succeeded\"}\n",
          "2013-07-17 :: dnsdb site.example MX mx1.site.example 7 1372688083000000 1374023864000000\n"
          "1970-01-01 2001:db8::7 dnsdb v6.site.example AAAA 2001:db8::7 3 1000000 2000000\n");
}

static void what_an_answer_lacks_is_said(void **state)
{
    (void)state;
    skips("dnsdb", "{\"obj\":{\"rrname\":\"a.example.\",\"rrtype\":\"A\",\"raw_rrname\":\"0161\"}}\n", "expected rrname and rdata");
    skips("dnsdb", "{\"cond\":\"limited\",\"msg\":\"Result limit reached\"}\n", "not complete: limited");
    skips("cof", "{\"rrname\":\"a.example\",\"rrtype\":\"A\",\"rdata\":\"192.0.2.1\",\"time_first\":5,\"time_last\":4}\n",
          "the first sight before the last");
    skips("cof", "{\"rrname\":\"a.example\",\"rrtype\":\"A\",\"rdata\":\"2001:db8::1\",\"time_first\":4,\"time_last\":5}\n",
          "expected an IPv4 address");
    skips("cof", "{\"rrname\":\"a.example\",\"rrtype\":\"TXT\",\"rdata\":\"x\",\"time_first\":4,\"time_last\":5}\n", "type: expected one of");
    skips("cof", "{\"rrname\":\"a b.example\",\"rrtype\":\"A\",\"rdata\":\"192.0.2.1\",\"time_first\":4,\"time_last\":5}\n", "name: expected");
    skips("cof", "{\"rrname\":\"a.example\",\"rrtype\":\"A\",\"rdata\":\"192.0.2.1\"}\n", "time_first and time_last");
}

static void the_common_output_format(void **state)
{
    (void)state;
    gives(
        NULL,
        "{\"count\": 868, \"origin\": \"https://pdns.example/\", \"time_first\": 1298398002, \"rrtype\": \"AAAA\", \"rrname\": \"www.foo.example\", "
        "\"rdata\": \"2001:db8::19\", \"time_last\": 1383124252}\n",
        "2013-10-30 2001:db8::19 cof www.foo.example AAAA 2001:db8::19 868 1298398002000000 1383124252000000\n");
    gives("cof", "{\"rrname\":\"a.example\",\"rrtype\":\"CNAME\",\"rdata\":[\"b.example\"],\"time_first_ms\":1500,\"time_last_ms\":2500}\n",
          "1970-01-01 :: cof a.example CNAME b.example 1500000 2500000\n");
}

static void csv_with_titles_in_any_order(void **state)
{
    (void)state;
    gives(NULL,
          "rrname,rrtype,rdata,count,time_first,time_last\nwww.a.example,A,192.0.2.1,12,100,200.5\n\"mx.a.example\",\"MX\",\"10 "
          "b.example.\",1,100,200\n",
          "1970-01-01 192.0.2.1 csv www.a.example A 192.0.2.1 12 100000000 200500000\n"
          "1970-01-01 :: csv mx.a.example MX b.example 1 100000000 200000000\n");
    gives(NULL,
          "\xef\xbb\xbf"
          "First_Seen;Last_Seen;IP;FQDN\r\n2024-01-01;2024-01-02T03:04:05Z;2001:db8::5;A.Example.\r\n",
          "2024-01-02 2001:db8::5 csv a.example AAAA 2001:db8::5 1704067200000000 1704164645000000\n");
    skips("pdnscsv", "a,b,c\n1,2,3\n", "expected columns");
    skips("pdnscsv", "name,ip,first,last\n\"a.example,192.0.2.1,1,2\n", "times: expected");
}

static void the_same_row_is_the_same_record(void **state)
{
    (void)state;
    const char *input = "{\"rrname\":\"a.example\",\"rrtype\":\"A\",\"rdata\":[\"192.0.2.1\",\"192.0.2.2\"],\"time_first\":4,\"time_last\":5}\n";
    struct taken a, b;
    read_it(&a, "cof", input);
    read_it(&b, "cof", input);
    assert_int_equal(a.count, 2);
    assert_true(id_equal(a.ids[0], b.ids[0]) && id_equal(a.ids[1], b.ids[1]) && !id_equal(a.ids[0], a.ids[1]));
    done(&a);
    done(&b);
}

static void formats_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *head, *reader;
    } cases[] = {
        {"{\"eventid\":\"cowrie.session.connect\",\"src_ip\":\"192.0.2.1\",\"session\":\"a\"}\n", "cowrie"},
        {"{\"cond\":\"begin\"}\n{\"obj\":{\"rrname\":\"a.\",\"rrtype\":\"A\",\"rdata\":\"192.0.2.1\"}}\n", "dnsdb"},
        {"{\"rrname\":\"a.\",\"rrtype\":\"A\",\"rdata\":\"192.0.2.1\",\"bailiwick\":\".\"}\n", "dnsdb"},
        {"{\"rrname\":\"a\",\"rrtype\":\"A\",\"rdata\":\"192.0.2.1\"}\n", "cof"},
        {"name,type,value,count,first,last\n", "pdnscsv"},
        {"some,other,table\n", NULL},
    };
    size_t count;
    const struct reader *const *readers = readers_all(&count);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *best = NULL;
        int sure = 0;
        for (size_t r = 0; r < count; r++) {
            int score = readers[r]->sniff(span_text(cases[i].head));
            if (score > sure)
                best = readers[r]->name;
            sure = score > sure ? score : sure;
        }
        if (cases[i].reader == NULL)
            assert_null(best);
        else
            assert_string_equal(best, cases[i].reader);
    }
}

static void times_as_they_are_written(void **state)
{
    (void)state;
    usec_t t;
    assert_int_equal(resolution_time(span_text("1700000000"), &t), 0);
    assert_true(t == 1700000000 * USEC_PER_SEC);
    assert_int_equal(resolution_time(span_text(" 1.25 "), &t), 0);
    assert_true(t == 1250000);
    assert_int_equal(resolution_time(span_text("1.0000000000000000000000000001"), &t), 0);
    assert_int_equal(resolution_time(span_text(""), &t), -ERR_MALFORMED);
    assert_int_equal(resolution_time(span_text("99999999999999"), &t), -ERR_MALFORMED);
    assert_int_equal(resolution_time(span_text("999999999999"), &t), -ERR_MALFORMED);
    assert_int_equal(resolution_time(span_text("yesterday"), &t), -ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dnsdb_of_both_versions),       cmocka_unit_test(what_an_answer_lacks_is_said),    cmocka_unit_test(the_common_output_format),
        cmocka_unit_test(csv_with_titles_in_any_order), cmocka_unit_test(the_same_row_is_the_same_record), cmocka_unit_test(formats_are_told_apart),
        cmocka_unit_test(times_as_they_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
