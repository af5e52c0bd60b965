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

/* What an import gave: each record as one readable line, to be searched. */
struct taken {
    struct buf text;
    struct id ids[4096];
    struct id sessions[4096];
    size_t count, kinds[KIND_LIMIT];
    struct buf skipped;
    uint64_t failed;
};

static void print_fact(struct buf *out, const struct fact *fact)
{
    const struct fact_info *info = fact_info(fact->name);
    buf_printf(out, " %s=", info->text);
    if (info->type == FACT_TYPE_INT)
        buf_printf(out, "%lld", (long long)fact->number);
    else
        buf_span(out, fact->text);
}

static int take(void *user, const struct record *record)
{
    struct taken *t = user;
    char time[USEC_TEXT_SIZE], source[ENDPOINT_TEXT_SIZE], destination[ENDPOINT_TEXT_SIZE];
    buf_printf(&t->text, "%s %s %.*s %s>%s", kind_info(record->kind)->name, usec_print(record->time, time), (int)record->sensor.len,
               (const char *)record->sensor.at, endpoint_print(record->source, source), endpoint_print(record->destination, destination));
    bool seen[FACT_LIMIT] = {false};
    for (size_t i = 0; i < record->fact_count; i++) {
        assert_true(kind_has(record->kind, record->facts[i].name));
        assert_false(seen[record->facts[i].name]);
        seen[record->facts[i].name] = true;
        print_fact(&t->text, &record->facts[i]);
    }
    buf_byte(&t->text, '\n');
    if (t->count < 4096) {
        t->ids[t->count] = record->id;
        t->sessions[t->count] = record->session;
    }
    t->count++;
    t->kinds[record->kind]++;
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

static struct import_options options_for(struct taken *t)
{
    return (struct import_options){.user = t, .put = take, .skipped = skipped, .failed = failed};
}

static struct taken *import_text(const char *text, struct import_totals *totals)
{
    struct taken *t = taken_new();
    struct import_options options = options_for(t);
    options.format = "cowrie";
    assert_int_equal(import_bytes(&options, "log", span_text(text), totals), 0);
    return t;
}

static struct taken *import_path(const char *path, struct import_totals *totals)
{
    struct taken *t = taken_new();
    struct import_options options = options_for(t);
    assert_int_equal(import_run(&options, &path, 1, totals), 0);
    return t;
}

static const char *fixture(const char *name)
{
    static char path[4096];
    const char *source = getenv("NOROSHI_SOURCE");
    (void)snprintf(path, sizeof path, "%s/test/unit/import/%s", source != NULL ? source : ".", name);
    return path;
}

static void has(struct taken *t, const char *text)
{
    if (strstr(buf_cstr(&t->text), text) == NULL)
        fail_msg("not found: %s\nin:\n%s", text, buf_cstr(&t->text));
}

static void the_2018_dialect(void **state)
{
    (void)state;
    struct import_totals totals;
    struct taken *t = import_path(fixture("cowrie-2018.jsonl"), &totals);
    assert_int_equal(totals.lines, 14);
    assert_int_equal(totals.skipped, 0);
    assert_int_equal(totals.records, 15); /* the download is a sample too */
    assert_int_equal(totals.files, 1);
    assert_int_equal(t->kinds[KIND_CONNECTION], 1);
    assert_int_equal(t->kinds[KIND_CLIENT], 2);
    assert_int_equal(t->kinds[KIND_LOGIN], 3);
    assert_int_equal(t->kinds[KIND_COMMAND], 2);
    assert_int_equal(t->kinds[KIND_SAMPLE], 1);
    assert_int_equal(t->kinds[KIND_DOWNLOAD], 1);
    assert_int_equal(t->kinds[KIND_SESSION], 2);
    assert_int_equal(t->kinds[KIND_NOTE], 3);
    has(t, "connection 2018-05-21T08:15:02.481730Z pot-a 192.0.2.44:51022>198.51.100.7:2222 observer.product=cowrie "
           "event.action=cowrie.session.connect noroshi.cowrie.session=5f1d2c3b network.protocol=ssh\n");
    /* Only the connect says the port and the protocol: the session remembers. */
    has(t, "login 2018-05-21T08:15:04.118201Z pot-a 192.0.2.44:51022>198.51.100.7:2222 observer.product=cowrie event.action=cowrie.login.failed "
           "noroshi.cowrie.session=5f1d2c3b network.protocol=ssh user.name=root noroshi.password=123456 event.outcome=failure\n");
    has(t, "process.command_line=caf\xc3\xa9 \\x00\x1b[2J\n");
    has(t, "noroshi.client.version=SSH-2.0-Go event.original={\"macCS\"");
    has(t, "noroshi.terminal.columns=80 noroshi.terminal.rows=24\n");
    has(t, "url.full=http://203.0.113.80/x.sh file.hash.sha256=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 "
           "noroshi.sample.origin=download");
    has(t, "url.domain=203.0.113.80 event.outcome=success\n");
    has(t, "session 2018-05-21T08:15:08.731730Z pot-a 192.0.2.44:51022>198.51.100.7:2222 observer.product=cowrie event.action=cowrie.session.closed "
           "noroshi.cowrie.session=5f1d2c3b network.protocol=ssh event.duration=6250000000 noroshi.session.logins=2 noroshi.session.commands=2 "
           "noroshi.session.downloads=1 noroshi.session.samples=1 noroshi.session.logged_in=1\n");
    /* No connect was seen, the time has no zone, the duration is a text. */
    has(t, "login 2018-05-21T08:16:00.000000Z pot-a 192.0.2.45:0>[::]:0 observer.product=cowrie event.action=cowrie.login.failed "
           "noroshi.time.assumed=+00:00 noroshi.cowrie.session=00aa11bb user.name=pi");
    has(t, "noroshi.cowrie.session=00aa11bb event.duration=1500000000\n");
    for (size_t i = 0; i < 13; i++)
        assert_true(id_equal(t->sessions[i], t->ids[0]));
    assert_true(id_equal(t->sessions[13], t->ids[13]));
    assert_true(id_equal(t->sessions[14], t->ids[13]));
    taken_free(t);
}

static void the_2023_dialect(void **state)
{
    (void)state;
    struct import_totals totals;
    struct taken *t = import_path(fixture("cowrie-2023.jsonl"), &totals);
    assert_int_equal(totals.lines, 17);
    assert_int_equal(totals.records, 17);
    assert_int_equal(totals.skipped, 0);
    has(t, "login 2023-11-30T10:00:01.500000Z pot-b [2001:db8::44]:40012>[2001:db8:1::7]:2223");
    has(t, "network.protocol=telnet user.name=root noroshi.password= event.outcome=success\n");
    has(t, "host.architecture=linux-x64-lsb\n");
    has(t, "file.path=/tmp/.x noroshi.duplicate=1 noroshi.sample.origin=written");
    has(t, "file.path=sshd noroshi.sample.origin=upload");
    has(t, "url.full=ftp://user:pw@files.example:21/a event.outcome=failure url.domain=files.example");
    /* What it asked to be forwarded to is not where it connected to. */
    has(t, "forward 2023-11-30T10:00:06.000000Z pot-b [2001:db8::44]:40012>[2001:db8:1::7]:2223");
    has(t, "noroshi.forward.host=mail.example noroshi.forward.port=25 noroshi.forward.data=b'EHLO x\\r\\n'");
    has(t, "noroshi.client.hassh=ec7378c1a92f5a8dde7e8b7a1ddf33d1 noroshi.client.hassh_algorithms=curve25519-sha256;aes128-ctr;hmac-sha2-256;none");
    has(t, "user.name=git noroshi.key.fingerprint=aa:bb:cc noroshi.key.content=ssh-rsa AAAA noroshi.key.type=ssh-rsa");
    has(t, "noroshi.variable.name=LANG noroshi.variable.value=C.UTF-8\n");
    has(t, "exploit 2023-11-30T10:00:06.900000Z");
    has(t, "vulnerability.id=CVE-2026-24061 noroshi.variable.name=USER noroshi.variable.value=-f root");
    has(t, "event.duration=7123456789 noroshi.session.logins=1 noroshi.session.commands=1 noroshi.session.downloads=1 noroshi.session.samples=2");
    has(t, "note 2023-11-30T10:00:08.000000Z pot-b [2001:db8::44]:40012>[2001:db8:1::7]:2223 observer.product=cowrie "
           "event.action=cowrie.reversedns.connect");
    has(t, "note 2023-11-30T10:00:09.000000Z pot-b [::]:0>[::]:0 observer.product=cowrie event.action=cowrie.abuseipdb.started event.original={");
    assert_int_equal(t->kinds[KIND_NOTE], 3);
    assert_int_equal(t->kinds[KIND_COMMAND], 1);
    taken_free(t);
}

static void bad_lines_are_skipped_with_their_place(void **state)
{
    (void)state;
#define HEAD "{\"eventid\":\"cowrie.login.failed\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"session\":\"a\","
    struct import_totals totals;
    struct taken *t =
        import_text("{\"eventid\":\n"
                    "[]\n"
                    "\n"
                    "{\"eventid\":5}\n"
                    "{\"eventid\":\"other.thing\"}\n"
                    "{\"eventid\":\"cowrie.login.failed\"}\n"
                    "{\"eventid\":\"cowrie.login.failed\",\"timestamp\":\"2026-02-30T00:00:00Z\"}\n"
                    "{\"eventid\":\"cowrie.login.failed\",\"timestamp\":\"1950-01-01T00:00:00Z\"}\n" HEAD "\"src_ip\":\"300.0.0.1\"}\n" HEAD
                    "\"src_ip\":7}\n" HEAD "\"src_port\":65536}\n" HEAD "\"src_port\":\"22\"}\n" HEAD "\"dst_port\":-1}\n" HEAD
                    "\"username\":[\"root\"]}\n" HEAD "\"protocol\":\"a protocol with a long name\"}\n"
                    "{\"eventid\":\"cowrie.session.connect\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"session\":\"a\"}\n"
                    "{\"eventid\":\"cowrie.session.closed\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"session\":\"a\",\"duration_ms\":1.5}\n"
                    "{\"eventid\":\"cowrie.session.closed\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"session\":\"a\",\"duration\":\"nan\"}\n"
                    "{\"eventid\":\"cowrie.session.closed\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"session\":\"a\",\"duration\":-1}\n"
                    "{\"eventid\":\"cowrie.session.file_download\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"session\":\"a\",\"shasum\":\"zz\"}\n"
                    "{\"eventid\":\"cowrie.telnet.option\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"session\":\"a\"}\n" HEAD
                    "\"sensor\":\"\\u0000\"}\r\n" HEAD "\"src_ip\":null,\"src_port\":null,\"username\":null}\r\n" HEAD "\"password\":\"\\ud800\"}",
                    &totals);
    assert_int_equal(totals.lines, 24);
    assert_int_equal(totals.records, 1); /* nulls are as good as missing */
    assert_int_equal(totals.skipped, 22);
    has(t, "login 2026-01-01T00:00:00.000000Z import [::]:0>[::]:0");
    const char *text = buf_cstr(&t->skipped);
    assert_non_null(strstr(text, "log:1: not JSON: "));
    assert_non_null(strstr(text, "log:2: expected an object\n"));
    assert_null(strstr(text, "log:3: "));
    assert_non_null(strstr(text, "log:5: eventid: expected a text that starts with \"cowrie.\"\n"));
    assert_non_null(strstr(text, "log:6: timestamp: expected a date and time from 1970 on\n"));
    assert_non_null(strstr(text, "log:9: src_ip: expected an IP address\n"));
    assert_non_null(strstr(text, "log:11: src_port: expected a port from 0 to 65535\n"));
    assert_non_null(strstr(text, "log:14: username: expected a text\n"));
    assert_non_null(strstr(text, "log:16: session.connect: expected session and src_ip\n"));
    assert_non_null(strstr(text, "log:20: shasum: expected 64 hexadecimal digits\n"));
    assert_null(strstr(text, "log:24: ")); /* the first 20 are shown */
    taken_free(t);
}

static void a_number_used_again_is_another_session(void **state)
{
    (void)state;
    struct import_totals totals;
    struct taken *t =
        import_text("{\"eventid\":\"cowrie.session.connect\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"session\":\"a\",\"sensor\":\"x\",\"src_ip\":"
                    "\"192.0.2.1\",\"src_port\":1}\n"
                    "{\"eventid\":\"cowrie.session.connect\",\"timestamp\":\"2026-01-01T00:00:01Z\",\"session\":\"a\",\"sensor\":\"y\",\"src_ip\":"
                    "\"192.0.2.2\",\"src_port\":2}\n"
                    "{\"eventid\":\"cowrie.session.closed\",\"timestamp\":\"2026-01-01T00:00:02Z\",\"session\":\"a\",\"sensor\":\"x\"}\n"
                    "{\"eventid\":\"cowrie.session.connect\",\"timestamp\":\"2026-01-01T00:00:03Z\",\"session\":\"a\",\"sensor\":\"x\",\"src_ip\":"
                    "\"192.0.2.3\"}\n"
                    "{\"eventid\":\"cowrie.session.closed\",\"timestamp\":\"2026-01-01T00:00:04Z\",\"session\":\"a\",\"sensor\":\"x\"}\n",
                    &totals);
    assert_int_equal(totals.records, 5);
    assert_true(id_equal(t->sessions[2], t->ids[0]));
    assert_true(id_equal(t->sessions[4], t->ids[3]));
    assert_false(id_equal(t->ids[0], t->ids[3]));
    has(t, "session 2026-01-01T00:00:02.000000Z x 192.0.2.1:1>");
    has(t, "session 2026-01-01T00:00:04.000000Z x 192.0.2.3:0>");
    taken_free(t);
}

/* Far more sessions than the map holds: memory stays, the newest are known. */
static void the_session_map_is_bounded(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 0);
    for (int i = 0; i < 70000; i++)
        buf_printf(&text,
                   "{\"eventid\":\"cowrie.session.connect\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"session\":\"%d\",\"src_ip\":\"192.0.2.1\",\"src_"
                   "port\":%d}\n",
                   i, i % 60000 + 1);
    buf_text(&text, "{\"eventid\":\"cowrie.session.closed\",\"timestamp\":\"2026-01-01T00:00:02Z\",\"session\":\"69999\"}\n"
                    "{\"eventid\":\"cowrie.session.closed\",\"timestamp\":\"2026-01-01T00:00:02Z\",\"session\":\"0\"}\n");
    struct import_totals totals;
    struct taken *t = import_text(buf_cstr(&text), &totals);
    assert_int_equal(totals.records, 70002);
    has(t, "session 2026-01-01T00:00:02.000000Z import 192.0.2.1:10000>");
    has(t, "session 2026-01-01T00:00:02.000000Z import [::]:0>[::]:0");
    taken_free(t);
    buf_done(&text);
}

static char *shared(const char *name)
{
    static char path[4096];
    const char *folder = getenv("NOROSHI_SHARED");
    (void)snprintf(path, sizeof path, "%s/data/honeypot/%s", folder != NULL ? folder : "../shared", name);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        print_message("SKIPPED: %s is not there\n", path);
        skip();
    }
    (void)fclose(file);
    return path;
}

static size_t count_of(struct buf *b, const char *text)
{
    size_t n = 0;
    for (const char *at = buf_cstr(b); (at = strstr(at, text)) != NULL; at++)
        n++;
    return n;
}

static void read_whole(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    uint8_t block[65536];
    for (size_t got; (got = fread(block, 1, sizeof block, file)) > 0;)
        buf_put(out, block, got);
    (void)fclose(file);
}

static void every_line_of_a_real_log_is_accounted_for(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 0);
    read_whole(shared("tpot-2025/cowrie.json"), &text);
    struct import_totals totals;
    struct taken *t = import_path(shared("tpot-2025/cowrie.json"), &totals);
    assert_int_equal(totals.lines, count_of(&text, "\n"));
    assert_int_equal(totals.skipped, 0);
    assert_int_equal(totals.records, totals.lines); /* none has an url */
    assert_int_equal(count_of(&text, "\"url\":"), 0);
#define EVENTS(name) count_of(&text, "\"eventid\":\"cowrie." name "\"")
    size_t spaced = count_of(&text, "\"eventid\": \"");
    assert_int_equal(spaced, 0);
    assert_int_equal(t->kinds[KIND_CONNECTION], EVENTS("session.connect"));
    assert_int_equal(t->kinds[KIND_SESSION], EVENTS("session.closed"));
    assert_int_equal(t->kinds[KIND_LOGIN], EVENTS("login.success") + EVENTS("login.failed"));
    assert_int_equal(t->kinds[KIND_COMMAND], EVENTS("command.input"));
    assert_int_equal(t->kinds[KIND_CLIENT],
                     EVENTS("client.version") + EVENTS("client.kex") + EVENTS("client.size") + EVENTS("client.var") + EVENTS("session.params"));
    assert_int_equal(t->kinds[KIND_NOTE], EVENTS("log.closed"));
    assert_true(t->kinds[KIND_CONNECTION] > 0 && t->kinds[KIND_LOGIN] > 0);
    /* Every event has its session's addresses, ports and protocol, and no two have one id. */
    assert_int_equal(count_of(&t->text, " network.protocol=telnet") + count_of(&t->text, " network.protocol=ssh"), totals.records);
    assert_int_equal(count_of(&t->text, ":0>"), 0);
    for (size_t i = 0; i < t->count; i++) {
        for (size_t k = i + 1; k < t->count; k++)
            assert_false(id_equal(t->ids[i], t->ids[k]));
    }
    taken_free(t);
    buf_done(&text);
}

static void the_2026_dialect_is_read_whole_and_cut_anywhere(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 0);
    read_whole(shared("cowrie-2026-golden.jsonl"), &text);
    struct import_totals totals;
    struct taken *whole = import_text(buf_cstr(&text), &totals);
    assert_int_equal(totals.records, 10);
    assert_int_equal(totals.skipped, 0);
    assert_int_equal(whole->kinds[KIND_CLIENT], 2);
    assert_int_equal(whole->kinds[KIND_NOTE], 3);
    has(whole, "noroshi.cowrie.uuid=00000000-0000-4000-8000-000000000001 noroshi.telnet.options=WILL NAWS\n");
    has(whole, "event.duration=15047000000 noroshi.session.logins=1 ");
    for (size_t len = 0; len < text.len; len++) {
        struct taken *t = taken_new();
        struct import_options options = options_for(t);
        options.format = "cowrie";
        assert_int_equal(import_bytes(&options, "cut", span_of(text.data, len), &totals), 0);
        assert_true(totals.skipped <= 1);
        assert_true(totals.records <= 10);
        for (size_t i = 0; i < t->count; i++) /* what is whole is the same */
            assert_true(id_equal(t->ids[i], whole->ids[i]));
        taken_free(t);
    }
    taken_free(whole);
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_2018_dialect),
        cmocka_unit_test(the_2023_dialect),
        cmocka_unit_test(bad_lines_are_skipped_with_their_place),
        cmocka_unit_test(a_number_used_again_is_another_session),
        cmocka_unit_test(the_session_map_is_bounded),
        cmocka_unit_test(every_line_of_a_real_log_is_accounted_for),
        cmocka_unit_test(the_2026_dialect_is_read_whole_and_cut_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
