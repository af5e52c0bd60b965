#include "check.h"

#include <jansson.h>

#include "base/text.h"

#include <math.h>
#include <stdlib.h>

#define SPAN(literal) span_of(literal, sizeof(literal) - 1)

static void utf8_is_checked_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t valid;
    } cases[] = {
        {"plain", 5},
        {"caf\xc3\xa9", 5},
        {"\xe2\x82\xac", 3},
        {"\xf0\x9f\x98\x80", 4},
        {"\xf4\x8f\xbf\xbf", 4},  /* U+10FFFF */
        {"a\xf4\x90\x80\x80", 1}, /* beyond */
        {"a\xc0\x80", 1},         /* overlong NUL */
        {"a\xc1\xbf", 1},
        {"a\xe0\x9f\xbf", 1}, /* overlong */
        {"a\xf0\x8f\xbf\xbf", 1},
        {"a\xed\xa0\x80", 1}, /* surrogate */
        {"a\xed\x9f\xbf", 4},
        {"a\x80", 1},
        {"a\xff", 1},
        {"a\xe2\x82", 1}, /* cut */
        {"a\xe2\x28\xa1", 1},
        {"a\xf8\x88\x80\x80\x80", 1},
        {"", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(text_utf8_valid(span_text(cases[i].text)), cases[i].valid);
    assert_int_equal(text_utf8_valid(SPAN("a\0b")), 3);
}

static void check_escape(struct span in, const char *expected)
{
    struct buf b;
    buf_init(&b, 4096);
    text_escape(&b, in);
    check_text(&b, expected);
    buf_done(&b);
}

static void terminal_sequences_are_escaped(void **state)
{
    (void)state;
    check_escape(SPAN("plain text, caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac"), "plain text, caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac");
    check_escape(SPAN("\x1b[2J\x1b]0;title\x07"), "\\x1b[2J\\x1b]0;title\\x07");
    check_escape(SPAN("a\nb\rc\td\\e\0f\x7fg\"h\""), "a\\nb\\rc\\td\\\\e\\x00f\\x7fg\"h\"");
    check_escape(SPAN("\xc2\x9b"
                      "31m \xc2\x85"),
                 "\\u{9B}31m \\u{85}");                    /* C1: CSI, NEL */
    check_escape(SPAN("\x9b\x80\xff"), "\\x9b\\x80\\xff"); /* raw C1 bytes are not UTF-8 */
    check_escape(SPAN("\xe2\x80\xae\xe2\x80\xaa\xe2\x81\xa6\xe2\x81\xa9\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c"),
                 "\\u{202E}\\u{202A}\\u{2066}\\u{2069}\\u{200E}\\u{200F}\\u{61C}");
    check_escape(SPAN("\xe2\x80\xa8\xe2\x80\xa9"), "\\u{2028}\\u{2029}");
    check_escape(SPAN("\xe2\x82"), "\\xe2\\x82");
    check_escape(SPAN(""), "");
    struct buf b;
    buf_init(&b, 4096);
    text_escape_lines(&b, SPAN("a\nb\tc\r\n\x1b[0m"));
    check_text(&b, "a\nb\tc\\r\n\\x1b[0m");
    buf_done(&b);
}

static void whatever_comes_in_escaped_text_is_printable(void **state)
{
    (void)state;
    uint32_t seed = 7;
    for (int round = 0; round < 2000; round++) {
        uint8_t bytes[24];
        for (size_t i = 0; i < sizeof bytes; i++) {
            seed = seed * 1664525 + 1013904223;
            bytes[i] = (uint8_t)(seed >> 24);
        }
        struct buf b;
        buf_init(&b, 4096);
        text_escape(&b, span_of(bytes, sizeof bytes));
        assert_int_equal(text_utf8_valid(buf_as_span(&b)), b.len);
        for (size_t i = 0; i < b.len; i++) {
            assert_true(b.data[i] >= 0x20 && b.data[i] != 0x7f);
            assert_false(b.data[i] == 0xc2 && b.data[i + 1] < 0xa0); /* no C1 */
        }
        buf_clear(&b);
        text_to_utf8(&b, span_of(bytes, sizeof bytes));
        assert_int_equal(text_utf8_valid(buf_as_span(&b)), b.len);
        assert_null(memchr(b.data, 0, b.len));
        buf_done(&b);
    }
}

static void facts_become_valid_utf8(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 4096);
    text_to_utf8(&b, SPAN("ok\x1b\n\\ caf\xc3\xa9 \xff\xfe \0 end\xe2"));
    check_text(&b, "ok\x1b\n\\ caf\xc3\xa9 \\xff\\xfe \\x00 end\\xe2");
    buf_clear(&b);
    text_to_utf8(&b, (struct span){0});
    assert_int_equal(b.len, 0);
    buf_done(&b);
}

static json_t *parsed(struct buf *b)
{
    json_error_t error;
    json_t *root = json_loadb((const char *)b->data, b->len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (root == NULL)
        fail_msg("not JSON: %s in %s", error.text, buf_cstr(b));
    return root;
}

static void write_sample(struct buf *b, bool pretty)
{
    struct json j;
    json_init(&j, b, pretty);
    json_begin_object(&j);
    json_key(&j, "text");
    json_text(&j, "a\"b\\c\n\x01\x7f\xe2\x82\xac");
    json_key(&j, "null");
    json_text(&j, NULL);
    json_key(&j, "int");
    json_int(&j, INT64_MIN);
    json_key(&j, "reals");
    json_begin_array(&j);
    json_decimal(&j, 0.1);
    json_decimal(&j, 1e300);
    json_decimal(&j, -3);
    json_decimal(&j, NAN);
    json_decimal(&j, INFINITY);
    json_end_array(&j);
    json_key(&j, "empty");
    json_begin_object(&j);
    json_end_object(&j);
    json_key(&j, "none");
    json_begin_array(&j);
    json_end_array(&j);
    json_key(&j, "nested");
    json_begin_array(&j);
    json_begin_object(&j);
    json_key(&j, "yes");
    json_bool(&j, true);
    json_key(&j, "no");
    json_bool(&j, false);
    json_end_object(&j);
    json_nil(&j);
    json_end_array(&j);
    json_end_object(&j);
    assert_int_equal(j.depth, 0);
}

static void json_moves_no_terminal(void **state)
{
    (void)state;
    struct buf b;
    struct json j;
    buf_init(&b, 0);
    json_init(&j, &b, false);
    json_text(&j, "a\x1b\x7f\xc2\x9b\xe2\x80\xae\xc3\xa9");
    check_text(&b, "\"a\\u001b\\u007f\\u009b\\u202e\xc3\xa9\"");
    buf_done(&b);
}

static void what_is_not_seen_is_shown(void **state)
{
    (void)state;
    static const char *const texts[] = {"a\u200b.", "a\xc2\xad.", "a\ufeff.", "a\u200d.", "a\u2060."};
    static const char *const shown[] = {"a\\u{200B}.", "a\\u{AD}.", "a\\u{FEFF}.", "a\\u{200D}.", "a\\u{2060}."};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct buf b;
        buf_init(&b, 0);
        text_escape(&b, span_text(texts[i]));
        check_text(&b, shown[i]);
        buf_done(&b);
    }
}

static void json_is_what_another_parser_reads(void **state)
{
    (void)state;
    for (int pretty = 0; pretty < 2; pretty++) {
        struct buf b;
        buf_init(&b, 65536);
        write_sample(&b, pretty != 0);
        json_t *root = parsed(&b);
        assert_string_equal(json_string_value(json_object_get(root, "text")), "a\"b\\c\n\x01\x7f\xe2\x82\xac");
        assert_true(json_is_null(json_object_get(root, "null")));
        assert_true(json_integer_value(json_object_get(root, "int")) == INT64_MIN);
        json_t *reals = json_object_get(root, "reals");
        assert_int_equal(json_array_size(reals), 5);
        assert_true(json_real_value(json_array_get(reals, 0)) <= 0.1 && json_real_value(json_array_get(reals, 0)) >= 0.1);
        assert_true(json_real_value(json_array_get(reals, 1)) >= 1e300);
        assert_true(json_is_real(json_array_get(reals, 2)));
        assert_true(json_is_null(json_array_get(reals, 3)) && json_is_null(json_array_get(reals, 4)));
        assert_int_equal(json_object_size(json_object_get(root, "empty")), 0);
        assert_true(json_is_true(json_object_get(json_array_get(json_object_get(root, "nested"), 0), "yes")));
        assert_int_equal(json_object_size(root), 7);
        json_decref(root);
        buf_done(&b);
    }
}

static void compact_json_is_exact(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 65536);
    write_sample(&b, false);
    check_text(&b, "{\"text\":\"a\\\"b\\\\c\\n\\u0001\\u007f\xe2\x82\xac\",\"null\":null,\"int\":-9223372036854775808,"
                   "\"reals\":[0.1,1e+300,-3.0,null,null],\"empty\":{},\"none\":[],\"nested\":[{\"yes\":true,\"no\":false},null]}");
    buf_done(&b);
}

static void json_takes_any_bytes(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 65536);
    struct json j;
    json_init(&j, &b, false);
    json_begin_array(&j);
    for (unsigned c = 0; c < 256; c++) {
        uint8_t bytes[3] = {'<', (uint8_t)c, '>'};
        json_span(&j, span_of(bytes, 3));
    }
    json_end_array(&j);
    json_t *root = parsed(&b);
    assert_int_equal(json_array_size(root), 256);
    for (unsigned c = 0; c < 256; c++) {
        json_t *item = json_array_get(root, c);
        if (c < 0x80) {
            assert_int_equal(json_string_length(item), 3);
            assert_int_equal((uint8_t)json_string_value(item)[1], c);
        } else {
            assert_string_equal(json_string_value(item), "<\xef\xbf\xbd>");
        }
    }
    json_decref(root);
    buf_done(&b);
}

static void hex_and_base64(void **state)
{
    (void)state;
    char text[9];
    uint8_t bytes[4];
    assert_string_equal(text_hex(SPAN("\x00\xff\x1a\x2b"), text), "00ff1a2b");
    assert_int_equal(text_unhex(span_text("00fF1A2b"), bytes, 4), 0);
    assert_memory_equal(bytes, "\x00\xff\x1a\x2b", 4);
    assert_int_equal(text_unhex(span_text("00ff1a2"), bytes, 4), -ERR_MALFORMED);
    assert_int_equal(text_unhex(span_text("00ff1a2b0"), bytes, 4), -ERR_MALFORMED);
    assert_int_equal(text_unhex(span_text("00ff1a2g"), bytes, 4), -ERR_MALFORMED);
    assert_int_equal(text_unhex(span_text(""), bytes, 0), 0);
    /* RFC 4648 §10 */
    static const char *const vectors[][2] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct buf b;
        buf_init(&b, 64);
        text_base64(&b, span_text(vectors[i][0]));
        check_text(&b, vectors[i][1]);
        buf_done(&b);
    }
}

static void a_full_buf_ends_the_work(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10);
    struct json j;
    json_init(&j, &b, false);
    json_begin_array(&j);
    for (int i = 0; i < 100; i++)
        json_text(&j, "text");
    json_end_array(&j);
    assert_int_equal(b.error, -ERR_LIMIT);
    assert_true(b.len <= 10);
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_is_checked_strictly),
        cmocka_unit_test(terminal_sequences_are_escaped),
        cmocka_unit_test(whatever_comes_in_escaped_text_is_printable),
        cmocka_unit_test(facts_become_valid_utf8),
        cmocka_unit_test(json_moves_no_terminal),
        cmocka_unit_test(what_is_not_seen_is_shown),
        cmocka_unit_test(json_is_what_another_parser_reads),
        cmocka_unit_test(compact_json_is_exact),
        cmocka_unit_test(json_takes_any_bytes),
        cmocka_unit_test(hex_and_base64),
        cmocka_unit_test(a_full_buf_ends_the_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
