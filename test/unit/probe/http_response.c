#include "probe/http_response.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define BYTES(text) span_of((text), sizeof(text) - 1)

/* Reads the stream byte by byte, from a copy that moves; the answer must end at `len` and be `status`. */
static void whole_at(struct span stream, size_t len, unsigned status)
{
    struct http_reader r;
    http_begin(&r, "HTTP");
    for (size_t cut = 0; cut <= len; cut++) {
        uint8_t *copy = malloc(cut + 1);
        assert_non_null(copy);
        if (cut > 0)
            memcpy(copy, stream.at, cut);
        assert_int_equal(http_more(&r, span_of(copy, cut)), cut < len ? -ERR_TRUNCATED : 0);
        free(copy);
    }
    struct http_response response;
    http_view(&r, stream, &response);
    assert_true(response.whole);
    assert_int_equal(response.len, len);
    assert_int_equal(response.status, status);
}

#define WHOLE(text, behind, status) whole_at(BYTES(text behind), sizeof(text) - 1, (status))

static void finds_the_end_of_an_answer(void **state)
{
    (void)state;
    WHOLE("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 404", 200);
    WHOLE("HTTP/1.1 200 OK\nContent-length :  5 \n\nhello", "x", 200);
    WHOLE("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "x", 200);
    WHOLE("HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc", "x", 200);
    WHOLE("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "x", 304);
    WHOLE("\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", "x", 204);
    WHOLE("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n5;x=y\r\nhello\r\n00A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n", "x", 200);
    WHOLE("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1 \r\nh\r\n0\r\n\r\n", "x", 200);
    WHOLE("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 401 No\r\nContent-Length: 1\r\n\r\n!", "x", 401);
}

static void reads_until_the_close_what_has_no_length(void **state)
{
    (void)state;
    static const char *const heads[] = {
        "HTTP/1.0 200 OK\r\nServer: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0x10\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        char text[256];
        struct http_response response;
        int len = snprintf(text, sizeof text, "%s<title>x</title>", heads[i]);
        assert_int_equal(http_parse(span_of(text, (size_t)len), "HTTP", &response), 0);
        assert_true(response.whole);
        assert_false(response.keep_alive);
        assert_true(span_is(response.body, "<title>x</title>"));
    }
}

static void keeps_what_came_of_a_broken_answer(void **state)
{
    (void)state;
    struct http_response response;
    struct buf content;
    buf_init(&content, 100);
    static const char *const sizes[] = {"ffffffffffffffffff", "-1", "g", "", "5x"};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char text[256];
        int len = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n%s\r\nrest", sizes[i]);
        assert_int_equal(http_parse(span_of(text, (size_t)len), "HTTP", &response), 0);
        assert_false(response.whole);
        buf_clear(&content);
        http_content(&response, &content);
        assert_true(span_is(buf_as_span(&content), "abc"));
    }
    /* A chunk of 1 GB of which three bytes came; a length of which some came. */
    assert_int_equal(http_parse(BYTES("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40000000\r\nabc"), "HTTP", &response), 0);
    buf_clear(&content);
    http_content(&response, &content);
    assert_true(span_is(buf_as_span(&content), "abc"));
    assert_int_equal(http_parse(BYTES("HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\nabc"), "HTTP", &response), 0);
    assert_true(span_is(response.body, "abc"));
    assert_false(response.whole);
    buf_done(&content);
}

static void reads_an_answer_that_is_only_begun(void **state)
{
    (void)state;
    struct http_response response;
    assert_int_equal(http_parse(BYTES("HTTP/1.1 401 Unauthorized"), "HTTP", &response), 0);
    assert_int_equal(response.status, 401);
    assert_int_equal(http_parse(BYTES("HTTP/1.1 200 OK\r\nServer: x\r\nDate"), "HTTP", &response), 0);
    assert_true(span_is(response.head, "Server: x\r\n"));
    assert_int_equal(response.body.len, 0);
}

static void refuses_what_is_no_answer(void **state)
{
    (void)state;
    struct http_response response;
    static const char *const wrong[] = {"", "HTT", "SSH-2.0-x\r\n", "<html>", "xHTTP/1.1 200 OK\r\n\r\n", "RTSP/1.0 200 OK\r\n\r\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(http_parse(span_text(wrong[i]), "HTTP", &response), -ERR_MALFORMED);
    assert_int_equal(http_parse(BYTES("RTSP/1.0 200 OK\r\n\r\n"), "RTSP", &response), 0);
    assert_true(response.whole);
    /* Odd status lines that devices send. */
    assert_int_equal(http_parse(BYTES("HTTP/1.1 abc\r\n\r\n"), "HTTP", &response), 0);
    assert_int_equal(response.status, 0);
    assert_int_equal(http_parse(BYTES("http/1.1  200\r\n\r\n"), "HTTP", &response), 0);
    assert_int_equal(response.status, 200);
}

static void does_not_read_a_line_without_end(void **state)
{
    (void)state;
    static char text[40000] = "HTTP/1.1 ";
    struct http_reader r;
    memset(text + 9, '2', sizeof text - 9);
    http_begin(&r, "HTTP");
    int error = -ERR_TRUNCATED;
    for (size_t cut = 100; cut <= sizeof text && error == -ERR_TRUNCATED; cut += 100)
        error = http_more(&r, span_of(text, cut));
    assert_int_equal(error, -ERR_MALFORMED);
}

static void knows_whether_the_connection_is_kept(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool kept;
    } cases[] = {
        {"HTTP/1.1 204 x\r\n\r\n", true},
        {"HTTP/1.0 204 x\r\n\r\n", false},
        {"HTTP/1.0 204 x\r\nConnection: Keep-Alive\r\n\r\n", true},
        {"HTTP/1.1 204 x\r\nConnection: x, Close\r\n\r\n", false},
        {"HTTP/1.1 200 x\r\nContent-Length: 4\r\n\r\nabc", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_response response;
        assert_int_equal(http_parse(span_text(cases[i].text), "HTTP", &response), 0);
        assert_int_equal(response.keep_alive, cases[i].kept);
    }
}

static void reads_headers_as_they_came(void **state)
{
    (void)state;
    struct span rest = BYTES("Server:  GoAhead-Webs \r\nX-Folded: one\r\n  two\r\n\tthree\r\nno colon here\r\n: no name\r\nEmpty:\r\nlast: x\0y");
    static const char *const expected[][2] = {
        {"Server", "GoAhead-Webs"}, {"X-Folded", "one two three"}, {"", "no colon here"}, {"", "no name"}, {"Empty", ""}};
    struct span name, value;
    struct buf text;
    buf_init(&text, 0);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_true(http_header_next(&rest, &name, &value));
        assert_true(span_is(name, expected[i][0]));
        buf_clear(&text);
        http_unfold(&text, value);
        assert_string_equal(buf_cstr(&text), expected[i][1]);
    }
    assert_true(http_header_next(&rest, &name, &value));
    assert_int_equal(value.len, 3);
    assert_false(http_header_next(&rest, &name, &value));
    assert_true(http_header(BYTES("a: 1\r\nB: 2\r\nb: 3\r\n"), "b", &value));
    assert_true(span_is(value, "2"));
    assert_false(http_header(BYTES("a: 1\r\n"), "b", &value));
    buf_done(&text);
}

static void finds_the_title(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"<html><head><TITLE>DVR Login</TITLE></head>", "DVR Login"},
        {"<title lang=en\n>\n WEB&nbsp;SERVICE </title >", "\n WEB&nbsp;SERVICE "},
        {"<titles>no</titles><title>yes</title>", "yes"},
        {"<title>never closed<body>", "never closed"},
        {"<title>never closed", "never closed"},
        {"<title></title>", ""},
        {"<title", ""},
        {"no title", ""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_true(span_is(http_title(span_text(cases[i][0])), cases[i][1]));
    static char text[5000] = "<title>";
    memset(text + 7, 'x', sizeof text - 7);
    assert_int_equal(http_title(span_of(text, sizeof text)).len, HTTP_TITLE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_end_of_an_answer),
        cmocka_unit_test(reads_until_the_close_what_has_no_length),
        cmocka_unit_test(keeps_what_came_of_a_broken_answer),
        cmocka_unit_test(reads_an_answer_that_is_only_begun),
        cmocka_unit_test(refuses_what_is_no_answer),
        cmocka_unit_test(does_not_read_a_line_without_end),
        cmocka_unit_test(knows_whether_the_connection_is_kept),
        cmocka_unit_test(reads_headers_as_they_came),
        cmocka_unit_test(finds_the_title),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
