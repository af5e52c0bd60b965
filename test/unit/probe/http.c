#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define BYTES(text) span_of((text), sizeof(text) - 1)
#define GET(path)                                                                                                                         \
    "GET " path " HTTP/1.1\r\nHost: 192.0.2.77\r\nUser-Agent: noroshi (+https://research.example/probing)\r\nAccept: */*\r\nConnection: " \
    "keep-alive\r\n\r\n"
#define ICON "HTTP/1.1 200 OK\r\nContent-Type: image/x-icon\r\nContent-Length: 4\r\n\r\nicon"
#define ICON_MD5 "baec6461b0d69dde1b861aefbe375d8a"

extern const struct probe probe_http, probe_https;

static void learns(const char *host, size_t len, const char *summary, const char *said)
{
    struct talk *t = harness_every_cut(&probe_http, 0, span_of(host, len));
    assert_string_equal(harness_summary(t), summary);
    assert_true(span_is(buf_as_span(&t->said), said));
    harness_free(t);
}

#define LEARNS(host, summary, said) learns((host), sizeof(host) - 1, (summary), (said))

static void reads_a_page_and_the_icon_in_one_connection(void **state)
{
    (void)state;
    LEARNS("HTTP/1.1 401 Unauthorized\r\nServer: GoAhead-Webs\r\nWWW-Authenticate: Basic realm=\"DVR\"\r\nwww-authenticate: Digest\r\n  "
           "realm=\"x\"\r\nContent-Length: 24\r\n\r\n<title>DVR Login</title>" ICON,
           "ending=answered\nhttp.response.status_code=401\nnoroshi.http.headers=Server: GoAhead-Webs\\nWWW-Authenticate: Basic "
           "realm=\"DVR\"\\nwww-authenticate: Digest realm=\"x\"\\nContent-Length: 24\nnoroshi.http.title=DVR "
           "Login\nnoroshi.http.realm=Basic realm=\"DVR\"\\nDigest realm=\"x\"\nnoroshi.http.server=GoAhead-Webs\n"
           "noroshi.http.favicon.md5=" ICON_MD5 "\n",
           GET("/") GET("/favicon.ico"));
}

static void reads_chunks(void **state)
{
    (void)state;
    LEARNS(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<titl\r\n11\r\ne>Router</title>!\r\n0\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: "
        "0\r\n\r\n",
        "ending=answered\nhttp.response.status_code=200\nnoroshi.http.headers=Transfer-Encoding: chunked\nnoroshi.http.title=Router\n",
        GET("/") GET("/favicon.ico"));
}

static void asks_a_host_that_closes_for_its_icon_once_more(void **state)
{
    (void)state;
    struct talk *t = harness_open(&probe_http, 0);
    harness_hear(t, BYTES("HTTP/1.0 200 OK\r\nServer: Boa/0.94\r\n\r\n<title>Camera</title>"));
    harness_close(t);
    assert_string_equal(harness_summary(t), "ending=answered\nagain=1\nhttp.response.status_code=200\nnoroshi.http.headers=Server: "
                                            "Boa/0.94\nnoroshi.http.title=Camera\nnoroshi.http.server=Boa/0.94\n");
    struct talk *second = harness_again(t);
    assert_true(span_is(buf_as_span(&second->said), GET("/favicon.ico")));
    harness_hear(second, BYTES("HTTP/1.0 200 OK\r\n\r\nicon"));
    harness_close(second);
    assert_string_equal(harness_summary(second), "ending=answered\nnoroshi.http.favicon.md5=" ICON_MD5 "\n");
    harness_free(second);
    harness_free(t);
}

static void follows_one_redirection_inside_the_origin(void **state)
{
    (void)state;
    LEARNS("HTTP/1.1 302 Found\r\nLocation: /doc/page/login.asp?x=1#top\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 "
           "OK\r\nServer: s\r\nContent-Length: 16\r\n\r\n<title>t</title>" ICON,
           "ending=answered\nhttp.response.status_code=200\nnoroshi.http.headers=Location: /doc/page/login.asp?x=1#top\\nSet-Cookie: "
           "a=b\\nContent-Length: 0\\nServer: s\\nContent-Length: "
           "16\nnoroshi.http.title=t\nnoroshi.http.server=s\nnoroshi.http.favicon.md5=" ICON_MD5
           "\nnoroshi.detail=redirected: /doc/page/login.asp?x=1\n",
           GET("/") GET("/doc/page/login.asp?x=1") GET("/favicon.ico"));
}

static void does_not_go_round_in_circles(void **state)
{
    (void)state;
#define MOVED "HTTP/1.1 301 x\r\nLocation: b\r\nContent-Length: 0\r\n\r\n"
    struct talk *t = harness_every_cut(&probe_http, 0, BYTES(MOVED MOVED MOVED MOVED MOVED));
    assert_true(span_is(buf_as_span(&t->said), GET("/") GET("/b") GET("/favicon.ico")));
    harness_free(t);
}

static void follows_a_redirection_in_a_second_connection(void **state)
{
    (void)state;
    struct talk *t = harness_open(&probe_http, 0);
    harness_hear(t, BYTES("HTTP/1.0 302 Redirect\r\nServer: GoAhead-Webs\r\nLocation: http://192.0.2.77/login.htm\r\n\r\n<html>moved"));
    harness_close(t);
    assert_true(t->again);
    struct talk *second = harness_again(t);
    assert_true(span_is(buf_as_span(&second->said), GET("/login.htm")));
    harness_hear(second, BYTES("HTTP/1.0 200 OK\r\n\r\n<title>NVR</title>"));
    harness_close(second);
    assert_string_equal(harness_summary(second), "ending=answered\nhttp.response.status_code=200\nnoroshi.http.title=NVR\nnoroshi.detail=redirected: "
                                                 "/login.htm\n");
    assert_false(second->again);
    harness_free(second);
    harness_free(t);
}

static void follows_to_no_other_host_port_or_scheme(void **state)
{
    (void)state;
    static const char *const places[] = {
        "http://192.0.2.78/x",
        "http://192.0.2.77:81/x",
        "https://192.0.2.77/x",
        "//192.0.2.77/x",
        "http://device.example/x",
        "javascript:x",
        "ftp://192.0.2.77/",
        "/",
        "",
        "/a b",
        "/a\x7f",
        "/\xc3\xa9",
        "http://192.0.2.77",
        "http://192.0.2.77/",
        "http://[::1]/x",
        "http://192.0.2.77@x/",
        "http:/x",
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char text[256];
        int len = snprintf(text, sizeof text, "HTTP/1.1 302 x\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", places[i]);
        struct talk *t = harness_talk(&probe_http, 0, span_of(text, (size_t)len), 0);
        assert_true(span_is(buf_as_span(&t->said), GET("/") GET("/favicon.ico")));
        harness_free(t);
    }
}

static void names_the_port_and_scheme_it_speaks_to(void **state)
{
    (void)state;
    struct talk *t = harness_open(&probe_https, 0);
    assert_true(span_is(buf_as_span(&t->said), GET("/")));
    harness_hear(t, BYTES("HTTP/1.1 302 x\r\nLocation: https://192.0.2.77:443/x\r\nContent-Length: 0\r\n\r\n"));
    assert_true(span_is(buf_as_span(&t->said), GET("/") GET("/x")));
    harness_free(t);
}

static void a_page_in_the_icons_place_is_none(void **state)
{
    (void)state;
#define PAGE "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define PAGE_FACTS "ending=answered\nhttp.response.status_code=200\nnoroshi.http.headers=Content-Length: 0\n"
    LEARNS(PAGE "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=x\r\nContent-Length: 4\r\n\r\nicon", PAGE_FACTS, GET("/") GET("/favicon.ico"));
    LEARNS(PAGE "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", PAGE_FACTS, GET("/") GET("/favicon.ico"));
    LEARNS(PAGE PAGE, PAGE_FACTS, GET("/") GET("/favicon.ico"));
    LEARNS(PAGE "garbage", PAGE_FACTS, GET("/") GET("/favicon.ico"));
}

static void states_what_came_of_an_answer_that_was_cut_off(void **state)
{
    (void)state;
    LEARNS("HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 1000\r\n\r\n<title>half</title>",
           "ending=quiet\nagain=1\nhttp.response.status_code=200\nnoroshi.http.headers=Server: x\\nContent-Length: "
           "1000\nnoroshi.http.title=half\nnoroshi.http.server=x\n",
           GET("/"));
    LEARNS("HTTP/1.1 500 x\r\nServer: x\r\nDa",
           "ending=quiet\nhttp.response.status_code=500\nnoroshi.http.headers=Server: "
           "x\nnoroshi.http.server=x\n",
           GET("/"));
}

static void tells_other_services(void **state)
{
    (void)state;
    LEARNS("SSH-2.0-dropbear\r\n", "ending=other protocol\n", GET("/"));
    LEARNS("<html><title>old</title>", "ending=other protocol\nnoroshi.http.title=old\n", GET("/"));
    LEARNS("", "ending=silent\n", GET("/"));
}

static void makes_text_of_hostile_bytes(void **state)
{
    (void)state;
    LEARNS("HTTP/1.1 200 OK\r\nServer: a\xff\0b\r\nContent-Length: 18\r\n\r\n<title>\xfe\0\xe3</title>HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n",
           "ending=answered\nhttp.response.status_code=200\nnoroshi.http.headers=Server: a\\\\xff\\\\x00b\\nContent-Length: "
           "18\nnoroshi.http.title=\\\\xfe\\\\x00\\\\xe3\nnoroshi.http.server=a\\\\xff\\\\x00b\n",
           GET("/") GET("/favicon.ico"));
}

static struct talk *flood(const char *head, const char *piece, size_t times)
{
    struct talk *t = harness_open(&probe_http, 0);
    harness_hear(t, span_text(head));
    for (size_t i = 0; i < times && !t->over; i++)
        harness_hear(t, span_text(piece));
    harness_close(t);
    return t;
}

static void bounds_what_has_no_end(void **state)
{
    (void)state;
    struct talk *t =
        flood("HTTP/1.1 200 OK\r\n", "X-Header: \xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\r\n", 100000);
    assert_int_equal(t->ending, ENDING_TOO_MUCH);
    assert_true(harness_fact(t, FACT_HTTP_HEADERS)->text.len <= RECORD_TEXT_MAX);
    harness_free(t);
    t = flood("HTTP/1.1 200 OK\r\nX: y\r\n", " folded\r\n", 100000);
    assert_int_equal(t->ending, ENDING_TOO_MUCH);
    harness_free(t);
    /* A page that is too long is ended by us, and the icon asked for. */
    t = flood("HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n<title>x</title>", "0123456789abcdef0123456789abcdef", 100000);
    assert_int_equal(t->ending, ENDING_ANSWERED);
    assert_true(t->again);
    assert_true(t->heard.len < 70 * 1024);
    harness_free(t);
    t = flood("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", 100000);
    assert_int_equal(t->ending, ENDING_ANSWERED);
    harness_free(t);
    t = flood("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n", 100000);
    assert_true(t->ending == ENDING_TOO_MUCH || t->ending == ENDING_ANSWERED);
    harness_free(t);
    t = flood("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", "0123456789abcdef", 100000);
    assert_int_equal(t->ending, ENDING_TOO_MUCH);
    assert_null(harness_fact(t, FACT_HTTP_FAVICON));
    harness_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_page_and_the_icon_in_one_connection),
        cmocka_unit_test(reads_chunks),
        cmocka_unit_test(asks_a_host_that_closes_for_its_icon_once_more),
        cmocka_unit_test(follows_one_redirection_inside_the_origin),
        cmocka_unit_test(does_not_go_round_in_circles),
        cmocka_unit_test(follows_a_redirection_in_a_second_connection),
        cmocka_unit_test(follows_to_no_other_host_port_or_scheme),
        cmocka_unit_test(names_the_port_and_scheme_it_speaks_to),
        cmocka_unit_test(a_page_in_the_icons_place_is_none),
        cmocka_unit_test(states_what_came_of_an_answer_that_was_cut_off),
        cmocka_unit_test(tells_other_services),
        cmocka_unit_test(makes_text_of_hostile_bytes),
        cmocka_unit_test(bounds_what_has_no_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
