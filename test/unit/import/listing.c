/* Host lists of other projects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "observe/import/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

/* What an import gave: each record as one readable line, to be searched. */
struct taken {
    struct buf text, skipped;
    struct id ids[64];
    size_t count, failed;
};

static int take(void *user, const struct record *record)
{
    struct taken *t = user;
    char time[USEC_TEXT_SIZE], at[ENDPOINT_TEXT_SIZE];
    assert_int_equal(record->kind, KIND_LISTING);
    assert_true(id_is_zero(record->session));
    buf_printf(&t->text, "%s %.*s %s/%s", usec_print(record->time, time), (int)record->sensor.len, (const char *)record->sensor.at,
               endpoint_print(record->destination, at), transport_name(record->transport));
    bool seen[FACT_LIMIT] = {false};
    for (size_t i = 0; i < record->fact_count; i++) {
        const struct fact *fact = &record->facts[i];
        const struct fact_info *info = fact_info(fact->name);
        assert_true(kind_has(KIND_LISTING, fact->name));
        assert_false(seen[fact->name]);
        seen[fact->name] = true;
        buf_printf(&t->text, " %s=", info->text);
        if (info->type == FACT_TYPE_INT)
            buf_printf(&t->text, "%lld", (long long)fact->number);
        for (size_t at_byte = 0; info->type != FACT_TYPE_INT && at_byte < fact->text.len; at_byte++)
            buf_byte(&t->text, fact->text.at[at_byte] == '\n' ? '|' : fact->text.at[at_byte] == 0 ? '@' : fact->text.at[at_byte]);
    }
    buf_byte(&t->text, '\n');
    if (t->count < 64)
        t->ids[t->count] = record->id;
    t->count++;
    return 0;
}

static void skipped(void *user, const char *file, uint64_t line, const char *why)
{
    struct taken *t = user;
    buf_printf(&t->skipped, "%s:%llu: %s\n", file, (unsigned long long)line, why);
}

static void failed(void *user, const char *file, const char *why)
{
    struct taken *t = user;
    t->failed++;
    buf_printf(&t->skipped, "%s: %s\n", file, why);
}

static struct taken *taken_new(void)
{
    struct taken *t = calloc(1, sizeof *t);
    assert_non_null(t);
    buf_init(&t->text, 0);
    buf_init(&t->skipped, 0);
    return t;
}

static void taken_free(struct taken *t)
{
    buf_done(&t->text);
    buf_done(&t->skipped);
    free(t);
}

static struct taken *import_span(const char *format, struct span bytes, struct import_totals *totals)
{
    struct taken *t = taken_new();
    const struct import_options options = {.user = t, .put = take, .skipped = skipped, .failed = failed, .format = format, .zone_minutes = 540};
    assert_int_equal(import_bytes(&options, "list", bytes, totals), 0);
    return t;
}

static void read_fixture(const char *name, struct buf *out)
{
    char path[4096];
    const char *source = getenv("NOROSHI_SOURCE");
    (void)snprintf(path, sizeof path, "%s/test/unit/import/%s", source != NULL ? source : ".", name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    uint8_t block[4096];
    buf_init(out, 0);
    for (size_t got; (got = fread(block, 1, sizeof block, file)) > 0;)
        buf_put(out, block, got);
    (void)fclose(file);
}

static struct taken *import_fixture(const char *name, struct import_totals *totals)
{
    struct buf bytes;
    read_fixture(name, &bytes);
    struct taken *t = import_span(NULL, buf_as_span(&bytes), totals);
    buf_done(&bytes);
    return t;
}

static void has(struct taken *t, const char *text)
{
    if (strstr(buf_cstr(&t->text), text) == NULL)
        fail_msg("not found: %s\nin:\n%s\nskipped:\n%s", text, buf_cstr(&t->text), buf_cstr(&t->skipped));
}

static void shodan_banners(void **state)
{
    (void)state;
    struct import_totals totals;
    struct taken *t = import_fixture("shodan.jsonl", &totals);
    assert_int_equal(totals.lines, 11);
    assert_int_equal(totals.records, 11);
    assert_int_equal(totals.skipped, 0);
    /* The time is UTC, whatever --timezone says. */
    has(t, "2026-03-01T10:00:00.123456Z import 192.0.2.10:502/tcp noroshi.list=shodan network.protocol=modbus noroshi.ics.protocol=modbus "
           "device.model.name=Examples EX1024 V1.2");
    has(t, "destination.as.number=64500 destination.geo.country_iso_code=JP destination.domain=a.example");
    has(t, "noroshi.detail=host name: b.example|tag: ics|organisation: Example Net|provider: Example Net");
    has(t, "192.0.2.11:47808/udp noroshi.list=shodan network.protocol=bacnet noroshi.ics.protocol=bacnet device.manufacturer=Examples Ltd "
           "noroshi.device.firmware=4.2 device.model.name=BX-1");
    has(t, "192.0.2.12:102/tcp noroshi.list=shodan network.protocol=s7 noroshi.ics.protocol=s7 device.model.name=CPU 315-2 PN/DP "
           "noroshi.device.firmware=v.3.2.6");
    has(t, "192.0.2.13:44818/tcp noroshi.list=shodan network.protocol=enip noroshi.ics.protocol=enip device.model.name=1756-EN3TR "
           "device.manufacturer=Rockwell Automation/Allen-Bradley");
    has(t, "network.protocol=fox noroshi.ics.protocol=fox noroshi.device.firmware=3.8.41.2");
    has(t, "device.manufacturer=Tridium");
    has(t, "network.protocol=dnp3 noroshi.ics.protocol=dnp3");
    has(t, "192.0.2.16:80/tcp noroshi.list=shodan network.protocol=http noroshi.device.class=web-camera device.model.name=Example DVR "
           "noroshi.device.firmware=2.1 noroshi.banner=HTTP/1.1 200 OK");
    has(t, "noroshi.http.title=DVR Login noroshi.http.server=Example-Web/1.0");
    has(t, "[2001:db8::17]:443/tcp noroshi.list=shodan network.protocol=https");
    has(t, "certificate: box.example");
    /* No module, but the list calls it industrial and the port is known; a named service at an industrial port is what it is named. */
    has(t, "192.0.2.19:2404/tcp noroshi.list=shodan network.protocol=iec-104 noroshi.ics.protocol=iec-104");
    has(t, "192.0.2.20:502/tcp noroshi.list=shodan network.protocol=ssh noroshi.banner=");
    taken_free(t);
}

static void censys_hosts(void **state)
{
    (void)state;
    struct import_totals totals;
    struct taken *t = import_fixture("censys.jsonl", &totals);
    assert_int_equal(totals.lines, 3);
    assert_int_equal(totals.records, 7);
    assert_int_equal(totals.skipped, 0);
    has(t, "2026-03-02T01:02:03.123456Z import 198.51.100.10:502/tcp noroshi.list=censys network.protocol=modbus noroshi.ics.protocol=modbus "
           "device.manufacturer=Examples device.model.name=EX1024 noroshi.device.firmware=V1.2 destination.as.number=64501 "
           "destination.geo.country_iso_code=JP destination.domain=h.example noroshi.banner=@\x01@@");
    has(t, "198.51.100.10:80/tcp noroshi.list=censys network.protocol=http noroshi.http.title=Panel noroshi.http.server=Example-Web");
    has(t, "software: examples web 1.0");
    has(t, "[2001:db8::20]:47808/udp noroshi.list=censys network.protocol=bacnet noroshi.ics.protocol=bacnet device.manufacturer=Examples Ltd "
           "device.model.name=BX-1 noroshi.device.firmware=4.2");
    has(t, "[2001:db8::20]:102/tcp noroshi.list=censys network.protocol=s7 noroshi.ics.protocol=s7 device.model.name=CPU 315-2 PN/DP");
    has(t, "device.manufacturer=Siemens");
    has(t, "[2001:db8::20]:443/tcp noroshi.list=censys noroshi.device.class=nvr network.protocol=https");
    has(t, "destination.domain=box.example");
    has(t, "[2001:db8::20]:20000/tcp noroshi.list=censys network.protocol=dnp3 noroshi.ics.protocol=dnp3");
    has(t, "2026-03-03T00:00:00.000000Z import 198.51.100.30:44818/tcp noroshi.list=censys network.protocol=enip noroshi.ics.protocol=enip "
           "device.model.name=1756-EN3TR");
    taken_free(t);
}

/* Lines, an array over many lines, a search's answer: the same records. */
static void one_document_is_as_good_as_lines(void **state)
{
    (void)state;
    static const char *const lists[] = {"shodan.jsonl", "censys.jsonl"};
    for (size_t which = 0; which < 2; which++) {
        struct import_totals totals;
        struct taken *lines = import_fixture(lists[which], &totals);
        struct buf bytes, text;
        read_fixture(lists[which], &bytes);
        buf_init(&text, 0);
        buf_text(&text, "[\n");
        for (struct span rest = buf_as_span(&bytes); rest.len > 0; rest = span_part(rest, span_find(rest, '\n') + 1, rest.len)) {
            buf_span(&text, span_part(rest, 0, span_find(rest, '\n')));
            buf_text(&text, rest.len > span_find(rest, '\n') + 1 ? ",\n" : "\n]\n");
        }
        struct taken *array = import_span(NULL, buf_as_span(&text), &totals);
        assert_int_equal(totals.skipped, 0);
        assert_string_equal(buf_cstr(&array->text), buf_cstr(&lines->text));
        assert_memory_equal(array->ids, lines->ids, lines->count * sizeof lines->ids[0]);
        struct buf answer;
        buf_init(&answer, 0);
        buf_text(&answer, which == 0 ? "{\n \"total\": 11,\n \"matches\": " : "{\"code\": 200,\n \"result\": {\"hits\": ");
        buf_span(&answer, buf_as_span(&text));
        buf_text(&answer, which == 0 ? "}\n" : "}\n}\n");
        struct taken *document = import_span(NULL, buf_as_span(&answer), &totals);
        assert_int_equal(totals.skipped, 0);
        assert_string_equal(buf_cstr(&document->text), buf_cstr(&lines->text));
        taken_free(document);
        taken_free(array);
        taken_free(lines);
        buf_done(&answer);
        buf_done(&text);
        buf_done(&bytes);
    }
}

static void compressed_and_again(void **state)
{
    (void)state;
    struct buf bytes;
    read_fixture("shodan.jsonl", &bytes);
    struct import_totals totals;
    struct taken *plain = import_span(NULL, buf_as_span(&bytes), &totals);
    static uint8_t packed[64 * 1024];
    z_stream z = {.next_in = bytes.data, .avail_in = (uInt)bytes.len, .next_out = packed, .avail_out = sizeof packed};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    struct taken *again = import_span(NULL, span_of(packed, z.total_out), &totals);
    assert_string_equal(buf_cstr(&again->text), buf_cstr(&plain->text));
    assert_memory_equal(again->ids, plain->ids, plain->count * sizeof plain->ids[0]);
    for (size_t i = 0; i < plain->count; i++) {
        for (size_t j = 0; j < i; j++)
            assert_false(id_equal(plain->ids[i], plain->ids[j]));
    }
    (void)deflateEnd(&z);
    taken_free(again);
    taken_free(plain);
    buf_done(&bytes);
}

static void each_reader_knows_its_own(void **state)
{
    (void)state;
    static const char *const files[] = {"cowrie-2018.jsonl", "cowrie-2023.jsonl", "shodan.jsonl", "censys.jsonl"};
    static const char *const names[] = {"cowrie", "cowrie", "shodan", "censys"};
    size_t count;
    const struct reader *const *readers = readers_all(&count);
    for (size_t file = 0; file < 4; file++) {
        struct buf bytes;
        read_fixture(files[file], &bytes);
        for (size_t i = 0; i < count; i++) {
            int sure = readers[i]->sniff(buf_as_span(&bytes));
            assert_true(strcmp(readers[i]->name, names[file]) == 0 ? sure >= 50 : sure == 0);
        }
        buf_done(&bytes);
    }
    /* What an attacker typed, or a host answered, stands in a text: its quotes are escaped. */
    static const char typed[] =
        "{\"eventid\":\"cowrie.command.input\",\"input\":\"echo {\\\"ip_str\\\":1,\\\"port\\\":2,\\\"services\\\":[],\\\"ip\\\":1}\"}\n";
    assert_int_equal(reader_by_name("shodan")->sniff(span_text(typed)), 0);
    assert_int_equal(reader_by_name("censys")->sniff(span_text(typed)), 0);
    static const char answered[] =
        "{\"ip_str\":\"192.0.2.1\",\"port\":1,\"transport\":\"tcp\",\"data\":\"{\\\"eventid\\\":\\\"cowrie.login\\\"}\"}\n";
    assert_int_equal(reader_by_name("cowrie")->sniff(span_text(answered)), 0);
    assert_true(reader_by_name("shodan")->sniff(span_text(answered)) >= 50);
    assert_int_equal(reader_by_name("shodan")->sniff((struct span){0}), 0);
    assert_int_equal(reader_by_name("censys")->sniff((struct span){0}), 0);
}

static void bad_entries_are_skipped_with_their_place(void **state)
{
    (void)state;
    struct import_totals totals;
#define TIME "\"timestamp\":\"2026-01-01T00:00:00\""
    struct taken *t = import_span("shodan",
                                  span_text("{\"ip_str\":\"192.0.2.1\",\"port\":23," TIME "}\n"
                                            "{\"ip_str\":\n"
                                            "[]\n"
                                            "\n"
                                            "{\"ip_str\":\"300.0.0.1\",\"port\":23," TIME "}\n"
                                            "{\"ip_str\":\"192.0.2.1\",\"port\":70000," TIME "}\n"
                                            "{\"ip_str\":\"192.0.2.1\",\"port\":23,\"timestamp\":\"yesterday\"}\n"
                                            "{\"matches\":[5,{\"ip_str\":\"192.0.2.2\",\"port\":23," TIME ",\"data\":\"a\\u0000b\"}]}\n"
                                            "{\"ip_str\":\"192.0.2.3\",\"ports\":[80],\"data\":[{\"port\":80," TIME
                                            ",\"_shodan\":5,\"tags\":\"ics\",\"http\":[]}]}\n"),
                                  &totals);
    assert_int_equal(totals.records, 3);
    assert_int_equal(totals.skipped, 6);
    has(t, "192.0.2.1:23/tcp noroshi.list=shodan\n");
    has(t, "192.0.2.2:23/tcp noroshi.list=shodan noroshi.banner=a@b\n");
    has(t, "192.0.2.3:80/tcp noroshi.list=shodan network.protocol=http\n");
    const char *text = buf_cstr(&t->skipped);
    assert_non_null(strstr(text, "list:2: not JSON: "));
    assert_non_null(strstr(text, "list:3: expected an object\n"));
    assert_non_null(strstr(text, "list:5: address: expected an IP address\n"));
    assert_non_null(strstr(text, "list:6: port: expected a port from 0 to 65535\n"));
    assert_non_null(strstr(text, "list:7: time: expected a date and time from 1970 on\n"));
    taken_free(t);
    t = import_span("censys",
                    span_text("{\"ip\":\"192.0.2.1\"}\n"
                              "{\"ip\":\"192.0.2.1\",\"services\":[7,{\"port\":1},{\"port\":1,\"observed_at\":\"2026-01-01T00:00:00Z\"}]}\n"
                              "{\"result\":{\"hits\":[3]}}\n"),
                    &totals);
    assert_int_equal(totals.records, 1);
    assert_int_equal(totals.skipped, 4);
    taken_free(t);
    /* A document that breaks off. */
    t = import_span("shodan", span_text("[\n{\"ip_str\":\"192.0.2.1\",\"port\":23," TIME "},\n{\"ip_str\":\"}\n"), &totals);
    assert_int_equal(totals.records, 1);
    assert_non_null(strstr(buf_cstr(&t->skipped), "the last object has no end"));
    taken_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shodan_banners),
        cmocka_unit_test(censys_hosts),
        cmocka_unit_test(one_document_is_as_good_as_lines),
        cmocka_unit_test(compressed_and_again),
        cmocka_unit_test(each_reader_knows_its_own),
        cmocka_unit_test(bad_entries_are_skipped_with_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
