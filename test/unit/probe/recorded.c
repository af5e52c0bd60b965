/* Banners of many real services, as a conversation delivers them: each is heard as a whole, in pieces, and cut in the middle of it. */
#include "harness.h"

#include "base/text.h"

#include <jansson.h>
#include <openssl/evp.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

extern const struct probe probe_http, probe_ftp, probe_telnet;

typedef void check_fn(struct talk *, const json_t *line, struct span wire);

struct file {
    const char *name;
    const struct probe *probe;
    check_fn *check;
    size_t at_least;
};

static void play(const struct file *file, const json_t *line)
{
    const char *base64 = json_string_value(json_object_get(line, "wire_b64"));
    assert_non_null(base64);
    size_t len = strlen(base64);
    uint8_t *wire = malloc(len + 1);
    assert_non_null(wire);
    int decoded = EVP_DecodeBlock(wire, (const uint8_t *)base64, (int)len);
    assert_true(decoded >= 0);
    for (size_t i = len; i > 0 && base64[i - 1] == '='; i--)
        decoded--;
    struct span stream = span_of(wire, (size_t)decoded);
    struct talk *whole = harness_talk(file->probe, 0, stream, 0);
    file->check(whole, line, stream);
    const size_t pieces[] = {1, 2, 7, stream.len / 2 + 1};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct talk *cut = harness_talk(file->probe, 0, stream, pieces[i]);
        char *expected = strdup(harness_summary(whole));
        assert_string_equal(harness_summary(cut), expected);
        assert_true(span_equal(buf_as_span(&cut->said), buf_as_span(&whole->said)));
        free(expected);
        harness_free(cut);
    }
    harness_free(whole);
    free(wire);
}

static void play_file(const struct file *file)
{
    const char *shared = getenv("NOROSHI_SHARED");
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/data/banners/%s", shared != NULL ? shared : "", file->name);
    FILE *in = shared != NULL ? fopen(path, "re") : NULL;
    if (in == NULL) {
        (void)fprintf(stderr, "SKIPPED: %s is not there\n", path);
        skip();
    }
    char *text = NULL;
    size_t room = 0, count = 0;
    while (getline(&text, &room, in) > 0) {
        json_t *line = json_loads(text, 0, NULL);
        assert_non_null(line);
        play(file, line);
        json_decref(line);
        count++;
    }
    free(text);
    (void)fclose(in);
    (void)fprintf(stderr, "%s: %zu conversations\n", file->name, count);
    assert_true(count >= file->at_least);
}

/* Which of the facts the example is about must be there, with its text inside the wire's bytes. */
static void check_http(struct talk *t, const json_t *line, struct span wire)
{
    const char *source = json_string_value(json_object_get(line, "source_file"));
    enum fact_name wanted = strcmp(source, "html_title") == 0     ? FACT_HTTP_TITLE
                            : strcmp(source, "http_wwwauth") == 0 ? FACT_HTTP_REALM
                                                                  : FACT_HTTP_SERVER;
    const struct fact *fact = harness_fact(t, wanted), *status = harness_fact(t, FACT_HTTP_STATUS);
    assert_non_null(status);
    assert_non_null(harness_fact(t, FACT_HTTP_HEADERS));
    if (fact == NULL) {
        /* Only where the example itself is empty. */
        assert_true(memmem(wire.at, wire.len, "Server: \r\n", 10) != NULL || memmem(wire.at, wire.len, "<title></title>", 15) != NULL);
        return;
    }
    struct buf text;
    buf_init(&text, 0);
    text_to_utf8(&text, wire);
    if (memchr(fact->text.at, '\n', fact->text.len) == NULL)
        assert_non_null(memmem(text.data, text.len, fact->text.at, fact->text.len));
    buf_done(&text);
}

static void check_ftp(struct talk *t, const json_t *line, struct span wire)
{
    (void)line;
    (void)wire;
    assert_true(t->ending == ENDING_ANSWERED || t->ending == ENDING_QUIET);
    if (t->ending == ENDING_ANSWERED)
        assert_true(span_is(buf_as_span(&t->said), "QUIT\r\n"));
}

static void check_telnet(struct talk *t, const json_t *line, struct span wire)
{
    (void)line;
    assert_int_equal(t->ending, ENDING_QUIET);
    assert_true(span_equal(talk_heard(t), wire));
    assert_true(span_is(buf_as_span(&t->said), "\xff\xfc\x18\xff\xfc\x20\xff\xfd\x01\xff\xfd\x03"));
}

static void hears_http(void **state)
{
    (void)state;
    play_file(&(const struct file){"wire_http.jsonl", &probe_http, check_http, 1502});
}

static void hears_ftp(void **state)
{
    (void)state;
    play_file(&(const struct file){"wire_ftp.jsonl", &probe_ftp, check_ftp, 315});
}

static void hears_telnet(void **state)
{
    (void)state;
    play_file(&(const struct file){"wire_telnet.jsonl", &probe_telnet, check_telnet, 179});
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(hears_http), cmocka_unit_test(hears_ftp), cmocka_unit_test(hears_telnet)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
