#include "check.h"

#include "base/err.h"
#include "observe/import/import.h"
#include "record/transcript.h"

#include <stdio.h>
#include <stdlib.h>

/* The keys of an object in their order: "session,protocol,…". */
static void keys_of(json_t *object, struct buf *out)
{
    const char *key;
    json_t *value;
    buf_clear(out);
    json_object_foreach(object, key, value) buf_printf(out, "%s%s", out->len > 0 ? "," : "", key);
}

#define IDENTITY "session,protocol,src_ip,src_port,dst_ip,dst_port,"
#define TAIL "eventid,sensor,uuid,timestamp,message"

/* A record of ours gives these lines, each as "eventid: keys: message". */
static void gives(const struct record *record, const char *expected)
{
    struct buf out, keys, said;
    buf_init(&out, 0);
    buf_init(&keys, 0);
    buf_init(&said, 0);
    export_one(&out, "cowrie", false, record);
    json_t *lines = lines_of(&out);
    for (size_t i = 0; i < json_array_size(lines); i++) {
        json_t *line = json_array_get(lines, i);
        keys_of(line, &keys);
        const char *text = buf_cstr(&keys);
        assert_int_equal(strncmp(text, IDENTITY, strlen(IDENTITY)), 0);
        size_t own = strlen(text) - strlen(IDENTITY) - strlen(TAIL);
        assert_string_equal(text + strlen(IDENTITY) + own, TAIL);
        assert_string_equal(json_string_value(json_object_get(line, "sensor")), "sensor-1");
        assert_string_equal(json_string_value(json_object_get(line, "timestamp")), "2026-11-20T21:41:04.082989Z");
        assert_string_equal(json_string_value(json_object_get(line, "session")), "65666768696a");
        assert_string_equal(json_string_value(json_object_get(line, "src_ip")), "192.0.2.1");
        assert_int_equal(json_integer_value(json_object_get(line, "src_port")), 1024);
        assert_int_equal(strlen(json_string_value(json_object_get(line, "uuid"))), 36);
        buf_printf(&said, "%s [%.*s] %s\n", json_string_value(json_object_get(line, "eventid")), (int)own, text + strlen(IDENTITY),
                   json_string_value(json_object_get(line, "message")));
    }
    assert_string_equal(buf_cstr(&said), expected);
    json_decref(lines);
    buf_done(&out);
    buf_done(&keys);
    buf_done(&said);
}

#define TELNET fact_text(FACT_NETWORK_PROTOCOL, span_text("telnet"))
#define T(name, text) fact_text(FACT_##name, span_text(text))
#define N(name, number) fact_int(FACT_##name, number)
#define GIVES(kind, expected, ...)                                                            \
    do {                                                                                      \
        const struct fact facts[] = {TELNET, __VA_ARGS__};                                    \
        const struct record record = own_record(kind, facts, sizeof facts / sizeof facts[0]); \
        gives(&record, expected);                                                             \
    } while (0)

#define SHA "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void our_own_records_become_cowries_events(void **state)
{
    (void)state;
    GIVES(KIND_CONNECTION, "cowrie.session.connect [] New connection: 192.0.2.1:1024 (198.51.100.7:23) [session: 65666768696a]\n", N(SYN_TTL, 64));
    GIVES(KIND_LOGIN, "cowrie.login.success [username,password,] login attempt [root/xc3511] succeeded\n", T(USER_NAME, "root"),
          T(PASSWORD, "xc3511"), T(EVENT_OUTCOME, "success"));
    GIVES(KIND_LOGIN, "cowrie.login.failed [username,password,] login attempt [/] failed\n", T(USER_NAME, ""), T(EVENT_OUTCOME, "failure"));
    GIVES(KIND_COMMAND, "cowrie.command.input [input,] CMD: /bin/busybox MIRAI\n", T(COMMAND_LINE, "/bin/busybox MIRAI"));
    GIVES(KIND_CLIENT, "cowrie.client.size [width,height,] Terminal Size: 80 24\n", N(TERMINAL_COLUMNS, 80), N(TERMINAL_ROWS, 24));
    GIVES(KIND_CLIENT, "cowrie.client.var [name,value,] request_env: USER=-f root\n", T(VARIABLE_NAME, "USER"), T(VARIABLE_VALUE, "-f root"));
    GIVES(KIND_CLIENT, "cowrie.client.var [name,value,] request_env: TERM=xterm\n", T(TERMINAL_TYPE, "xterm"));
    GIVES(KIND_CLIENT, "cowrie.client.version [version,] Remote SSH version: SSH-2.0-Go\n", T(CLIENT_VERSION, "SSH-2.0-Go"));
    GIVES(KIND_SAMPLE,
          "cowrie.session.file_download [duplicate,outfile,shasum,destfile,] Saved redir contents with SHA-256 " SHA
          " to var/lib/cowrie/downloads/" SHA "\n",
          T(FILE_SHA256, SHA), T(FILE_PATH, "/tmp/.x"), T(SAMPLE_ORIGIN, "written"));
    GIVES(KIND_DOWNLOAD, "cowrie.session.file_download.failed [url,] Attempt to download file(s) from URL (http://203.0.113.80/a) failed\n",
          T(URL_FULL, "http://203.0.113.80/a"), T(DOWNLOAD_METHOD, "wget"));
    GIVES(KIND_DOWNLOAD, "cowrie.session.file_download.failed [url,] Attempt to download file(s) from URL (tftp://203.0.113.80/a.arm) failed\n",
          T(URL_DOMAIN, "203.0.113.80"), T(DOWNLOAD_METHOD, "tftp"), T(DOWNLOAD_TARGET, "a.arm"));
    GIVES(KIND_DOWNLOAD, "", T(COMMAND_LINE, "wget"));
    GIVES(KIND_EXPLOIT, "cowrie.telnet.exploit_attempt [cve,name,value,] CVE-2026-24061 was tried\n", T(VULNERABILITY_ID, "CVE-2026-24061"),
          T(VARIABLE_NAME, "USER"), T(VARIABLE_VALUE, "-f root"));
    GIVES(KIND_SESSION,
          "cowrie.telnet.option [command,option_name,option_byte,] Telnet WILL NAWS\n"
          "cowrie.telnet.option [command,option_name,option_byte,] Telnet DONT 200\n"
          "cowrie.session.closed [duration_ms,] Connection lost after 1500 milliseconds\n",
          T(TELNET_OPTIONS, "WILL NAWS, DONT 200"), N(EVENT_DURATION, INT64_C(1500999999)));
    GIVES(KIND_FINDING, "", T(RULE, "x"));
    GIVES(KIND_REFUSAL, "", N(COUNT, 5));
}

static void a_transcript_becomes_a_closed_log(void **state)
{
    (void)state;
    struct transcript t = {.last = 1000};
    buf_init(&t.bytes, 4096);
    transcript_add(&t, 1000, TRANSCRIPT_SENT, span_text("login: "));
    transcript_add(&t, 501000, TRANSCRIPT_RECEIVED, span_text("ab"));
    transcript_add(&t, 2501000, TRANSCRIPT_RECEIVED, span_text("c"));
    const struct fact facts[] = {TELNET, fact_text(FACT_TRANSCRIPT, buf_as_span(&t.bytes)), N(EVENT_DURATION, 3000000000)};
    struct record record = own_record(KIND_SESSION, facts, 3);
    /* SHA-256 of "abc": FIPS 180-2, appendix B.1. */
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    gives(&record,
          "cowrie.log.closed [ttylog,size,shasum,duplicate,duration_ms,] Closing TTY Log: var/lib/cowrie/tty/" ABC " after 2500 milliseconds\n"
          "cowrie.session.closed [duration_ms,] Connection lost after 3000 milliseconds\n");
    struct buf out;
    buf_init(&out, 0);
    export_one(&out, "cowrie", false, &record);
    assert_non_null(strstr(buf_cstr(&out), "\"size\":130,\"shasum\":\"" ABC "\"")); /* 3 pieces, an opening, a closing: 5 * 24 + 10 */
    buf_done(&out);
    buf_done(&t.bytes);
}

static void a_sensor_has_one_uuid(void **state)
{
    (void)state;
    struct record one = own_record(KIND_CONNECTION, NULL, 0), two = one;
    two.sensor = span_text("sensor-2");
    struct buf out;
    buf_init(&out, 0);
    struct export *e = export_into(&out, "cowrie", false);
    assert_int_equal(export_put(e, &one), 0);
    assert_int_equal(export_put(e, &two), 0);
    assert_int_equal(export_put(e, &one), 0);
    assert_int_equal(export_flush(e), 0);
    export_close(e);
    json_t *lines = lines_of(&out);
    const char *uuids[3];
    for (size_t i = 0; i < 3; i++)
        uuids[i] = json_string_value(json_object_get(json_array_get(lines, i), "uuid"));
    assert_string_equal(uuids[0], uuids[2]);
    assert_string_not_equal(uuids[0], uuids[1]);
    assert_int_equal(uuids[0][14], '8'); /* version and variant of RFC 9562 */
    assert_non_null(strchr("89ab", uuids[0][19]));
    json_decref(lines);
    buf_done(&out);
}

static int pass_on(void *user, const struct record *record)
{
    return export_put(user, record);
}

static void nothing_skipped(void *user, const char *file, uint64_t line, const char *why)
{
    (void)user;
    fail_msg("%s:%llu: %s", file, (unsigned long long)line, why);
}

/* A Cowrie log in and out again. */
static json_t *there_and_back(struct span log)
{
    struct buf out;
    buf_init(&out, 0);
    struct export *e = export_into(&out, "cowrie", false);
    const struct import_options options = {.format = "cowrie", .user = e, .put = pass_on, .skipped = nothing_skipped};
    struct import_totals totals;
    assert_int_equal(import_bytes(&options, "log", log, &totals), 0);
    assert_int_equal(export_flush(e), 0);
    export_close(e);
    json_t *lines = lines_of(&out);
    buf_done(&out);
    return lines;
}

static bool read_whole(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    uint8_t block[65536];
    for (size_t got; (got = fread(block, 1, sizeof block, file)) > 0;)
        buf_put(out, block, got);
    (void)fclose(file);
    return true;
}

static void read_shared(const char *name, struct buf *out)
{
    char path[4096];
    const char *folder = getenv("NOROSHI_SHARED");
    (void)snprintf(path, sizeof path, "%s/data/honeypot/%s", folder != NULL ? folder : "../shared", name);
    if (!read_whole(path, out)) {
        print_message("SKIPPED: %s is not there\n", path);
        skip();
    }
}

static void todays_dialect_comes_out_as_it_went_in(void **state)
{
    (void)state;
    struct buf log, keys, golden_keys;
    buf_init(&log, 0);
    buf_init(&keys, 0);
    buf_init(&golden_keys, 0);
    read_shared("cowrie-2026-golden.jsonl", &log);
    json_t *golden = lines_of(&log), *lines = there_and_back(buf_as_span(&log));
    assert_int_equal(json_array_size(lines), json_array_size(golden));
    for (size_t i = 0; i < json_array_size(golden); i++) {
        json_t *line = json_array_get(lines, i), *expected = json_array_get(golden, i);
        keys_of(line, &keys);
        keys_of(expected, &golden_keys);
        assert_string_equal(buf_cstr(&keys), buf_cstr(&golden_keys)); /* all keys, in this order */
        if (json_equal(line, expected) != 1)
            fail_msg("%s\n%s", json_dumps(line, 0), json_dumps(expected, 0)); /* no exceptions */
    }
    json_decref(golden);
    json_decref(lines);
    buf_done(&log);
    buf_done(&keys);
    buf_done(&golden_keys);
}

/* Event for event; what each says of its own is the same, but for the names and numbers that have changed since. */
static void check_old(struct buf *log)
{
    json_t *old = lines_of(log), *lines = there_and_back(buf_as_span(log));
    assert_int_equal(json_array_size(lines), json_array_size(old));
    for (size_t i = 0; i < json_array_size(old); i++) {
        json_t *line = json_array_get(lines, i), *expected = json_array_get(old, i), *value;
        const char *key;
        json_object_foreach(expected, key, value)
        {
            json_t *now = json_object_get(line, key);
            if (strcmp(key, "system") == 0 || strcmp(key, "isError") == 0) {
                assert_null(now); /* gone since */
            } else if (strcmp(key, "duration") == 0) {
                assert_null(now);
                double seconds = json_is_string(value) ? atof(json_string_value(value)) : json_number_value(value);
                assert_int_equal(json_integer_value(json_object_get(line, "duration_ms")), (int64_t)(seconds * 1000));
            } else if (strcmp(key, "timestamp") == 0) {
                assert_int_equal(strncmp(json_string_value(now), json_string_value(value), 19), 0); /* now with µs and zone always */
            } else if (strcmp(key, "message") == 0) {
                assert_true(json_is_string(now)); /* reworded, never a list */
            } else if (strcmp(key, "input") == 0 && strchr(json_string_value(now), '\x1b') != NULL) {
                assert_non_null(strstr(json_string_value(now), "\\x00")); /* a NUL can't be in a fact */
            } else if (json_equal(now, value) != 1) {
                fail_msg("%s\n%s", json_dumps(line, 0), json_dumps(expected, 0));
            }
        }
    }
    json_decref(old);
    json_decref(lines);
}

static void older_dialects_come_out_in_todays(void **state)
{
    (void)state;
    static const char *const names[] = {"cowrie-2018.jsonl", "cowrie-2023.jsonl"};
    for (size_t i = 0; i < 2; i++) {
        char path[4096];
        const char *source = getenv("NOROSHI_SOURCE");
        struct buf log;
        buf_init(&log, 0);
        (void)snprintf(path, sizeof path, "%s/test/unit/import/%s", source != NULL ? source : ".", names[i]);
        assert_true(read_whole(path, &log));
        check_old(&log);
        buf_done(&log);
    }
}

static void a_real_log_comes_out_in_todays_dialect(void **state)
{
    (void)state;
    struct buf log;
    buf_init(&log, 0);
    read_shared("tpot-2025/cowrie.json", &log);
    check_old(&log);
    buf_done(&log);
}

static void a_line_too_long_to_keep_still_comes_out(void **state)
{
    (void)state;
    struct buf log;
    buf_init(&log, 0);
    buf_text(&log, "{\"eventid\":\"cowrie.client.kex\",\"hassh\":\"h\",\"hasshAlgorithms\":\"a\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"session\":"
                   "\"a\",\"x\":\"");
    for (int i = 0; i < 100000; i++)
        buf_byte(&log, 'x');
    buf_text(&log, "\"}\n");
    json_t *lines = there_and_back(buf_as_span(&log));
    assert_int_equal(json_array_size(lines), 1);
    json_t *line = json_array_get(lines, 0);
    assert_string_equal(json_string_value(json_object_get(line, "hassh")), "h");
    assert_null(json_object_get(line, "x"));
    json_decref(lines);
    buf_done(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_own_records_become_cowries_events),
        cmocka_unit_test(a_transcript_becomes_a_closed_log),
        cmocka_unit_test(a_sensor_has_one_uuid),
        cmocka_unit_test(todays_dialect_comes_out_as_it_went_in),
        cmocka_unit_test(older_dialects_come_out_in_todays),
        cmocka_unit_test(a_real_log_comes_out_in_todays_dialect),
        cmocka_unit_test(a_line_too_long_to_keep_still_comes_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
