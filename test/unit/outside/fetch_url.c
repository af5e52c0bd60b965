/* URLs as they are asked for, redirects and where they end, lines of a head. */
#include "check.h"

#include "outside/fetch.h"

static void urls_are_read_as_they_will_be_asked(void **state)
{
    (void)state;
    static const struct {
        const char *text, *url, *host;
        uint16_t port;
    } good[] = {
        {"http://Example.COM", "http://example.com/", "example.com", 80},
        {" https://example.com:8443/a b?c=d#e\r\n", "https://example.com:8443/a%20b?c=d", "example.com", 8443},
        {"HTTPS://example.com./", "https://example.com/", "example.com", 443},
        {"http://192.0.2.1/", "http://192.0.2.1/", "192.0.2.1", 80},
        {"http://0xc0000201/", "http://192.0.2.1/", "192.0.2.1", 80},
        {"http://[2001:db8::1]:8080/", "http://[2001:db8::1]:8080/", "2001:db8::1", 8080},
        {"http://user:secret@example.com/", "http://example.com/", "example.com", 80},
        {"http://m\xc3\xbcller.example/\xc3\xbc", "http://xn--mller-kva.example/%c3%bc", "xn--mller-kva.example", 80},
    };
    static const struct {
        const char *text;
        int error;
    } bad[] = {
        {"", -ERR_MALFORMED},
        {"example.com", -ERR_MALFORMED},
        {"ftp://example.com/", -ERR_DENIED},
        {"file:///etc/passwd", -ERR_DENIED},
        {"gopher://example.com/", -ERR_DENIED},
        {"x-own://example.com/", -ERR_DENIED},
        {"http://example.com:25/", -ERR_DENIED},
        {"https://example.com:1023/", -ERR_DENIED},
        {"http://example.com:6667/", -ERR_DENIED},
        {"http://", -ERR_MALFORMED},
        {"http://exa mple.com/", -ERR_MALFORMED},
        {"http://example.com:99999/", -ERR_MALFORMED},
        {"http://example.com:0/", -ERR_MALFORMED},
        {"http://exa_mple..com/", -ERR_MALFORMED},
        {"http://[fe80::1%25eth0]/", -ERR_MALFORMED},
        {"http://[::1/", -ERR_MALFORMED},
        {"http://a*b.example/", -ERR_MALFORMED},
        {"http://1./", -ERR_MALFORMED},
        {"http://10.0.0.999/", -ERR_MALFORMED},
        {"http://a.0x1f/", -ERR_MALFORMED},
        {"http://example.com/\x01", -ERR_MALFORMED},
        {"http://example.com/\nHost: x", -ERR_MALFORMED},
    };
    struct fetch_url url;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (fetch_url_read(span_text(good[i].text), &url) != 0)
            fail_msg("%s is refused", good[i].text);
        assert_string_equal(url.text, good[i].url);
        assert_string_equal(url.host, good[i].host);
        assert_int_equal(url.port, good[i].port);
        assert_int_equal(url.https, good[i].url[4] == 's');
        assert_int_equal(url.is_addr, strchr(good[i].host, ':') != NULL || good[i].host[0] == '1');
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int r = fetch_url_read(span_text(bad[i].text), &url);
        if (r != bad[i].error)
            fail_msg("%s: %d", bad[i].text, r);
    }
    assert_int_equal(fetch_url_read(span_of((const uint8_t *)"http://a\0b/", 11), &url), -ERR_MALFORMED);
    char longer[FETCH_URL_MAX + 2];
    memset(longer, 'a', sizeof longer);
    memcpy(longer, "http://a/", 9);
    assert_int_equal(fetch_url_read(span_of((uint8_t *)longer, FETCH_URL_MAX + 1), &url), -ERR_LIMIT);
    assert_int_equal(fetch_url_read(span_of((uint8_t *)longer, FETCH_URL_MAX), &url), 0);
    memset(longer + 9, ' ', 1000); /* each becomes three */
    longer[FETCH_URL_MAX - 1] = 'a';
    assert_int_equal(fetch_url_read(span_of((uint8_t *)longer, FETCH_URL_MAX), &url), -ERR_LIMIT);
}

static struct fetch_url url_of(const char *text)
{
    struct fetch_url url;
    assert_int_equal(fetch_url_read(span_text(text), &url), 0);
    return url;
}

static void redirects_lead_on(void **state)
{
    (void)state;
    static const struct {
        const char *location, *url;
        int error;
    } cases[] = {
        {"/top", "http://example.com/top", 0},
        {"next?x", "http://example.com/a/next?x", 0},
        {"../up", "http://example.com/up", 0},
        {"//other.example/", "http://other.example/", 0},
        {"https://example.com/", "https://example.com/", 0},
        {"?q=\xe3\x81\x82", "http://example.com/a/b?q=%e3%81%82", 0},
        {"http://example.com:8080/", "http://example.com:8080/", 0},
        {"http://example.com:22/", NULL, -ERR_DENIED},
        {"ftp://example.com/", NULL, -ERR_DENIED},
        {"file:///etc/passwd", NULL, -ERR_DENIED},
        {"javascript://x/%0aalert(1)", NULL, -ERR_DENIED},
        {"http://exa mple/", NULL, -ERR_MALFORMED},
        {"", NULL, -ERR_NOT_FOUND},
        {"#only-a-part", NULL, -ERR_LIMIT}, /* where it was */
    };
    struct fetch_url from = url_of("http://example.com/a/b"), next;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fetch_trail trail = {0};
        int r = fetch_follow(&trail, &from, 302, span_text(cases[i].location), false, &next);
        if (r != cases[i].error)
            fail_msg("%s: %d", cases[i].location, r);
        if (r == 0)
            assert_string_equal(next.text, cases[i].url);
    }
    struct fetch_trail trail = {0};
    static const int no[] = {200, 204, 300, 304, 305, 306, 404, 0};
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        assert_int_equal(fetch_follow(&trail, &from, no[i], span_text("/"), false, &next), -ERR_NOT_FOUND);
    from = url_of("https://example.com/");
    assert_int_equal(fetch_follow(&trail, &from, 308, span_text("http://example.com/x"), true, &next), -ERR_DENIED);
    assert_int_equal(fetch_follow(&trail, &from, 308, span_text("http://example.com/x"), false, &next), 0);
}

static void redirects_end(void **state)
{
    (void)state;
    struct fetch_trail trail = {0};
    struct fetch_url at = url_of("http://a.example/"), next;
    assert_int_equal(fetch_follow(&trail, &at, 301, span_text("http://b.example/"), false, &next), 0);
    assert_int_equal(fetch_follow(&trail, &next, 301, span_text("http://A.example"), false, &at), -ERR_LIMIT);
    assert_int_equal(fetch_follow(&trail, &next, 301, span_text("/"), false, &at), -ERR_LIMIT); /* to itself */
    trail = (struct fetch_trail){0};
    at = url_of("http://a.example/");
    for (unsigned i = 0; i < FETCH_HOPS_MAX; i++) {
        char location[16];
        (void)snprintf(location, sizeof location, "/%u", i);
        assert_int_equal(fetch_follow(&trail, &at, 307, span_text(location), false, &next), 0);
        at = next;
    }
    assert_int_equal(fetch_follow(&trail, &at, 307, span_text("/more"), false, &next), -ERR_LIMIT);
}

static int line(struct fetch_head *head, const char *text)
{
    return fetch_head_line(head, span_text(text));
}

static void heads_are_read(void **state)
{
    (void)state;
    struct fetch_head head = {0};
    assert_int_equal(line(&head, "HTTP/1.1 429 Too Many Requests\r\n"), 0);
    assert_int_equal(head.status, 429);
    assert_int_equal(line(&head, "CONTENT-type:\ttext/html\x1b[m\r\n"), 0);
    assert_string_equal(head.type, "text/html[m");
    assert_int_equal(line(&head, "Content-Type: text/plain\r\n"), 0);
    assert_string_equal(head.type, "text/html[m");
    assert_int_equal(line(&head, "Retry-After: Sat, 21 Nov 2026 07:00:00 GMT\r\n"), 0);
    assert_int_equal(head.retry_at, INT64_C(1795244400) * USEC_PER_SEC);
    assert_int_equal(line(&head, "Retry-After: 99999999999999999999999999\r\n"), 0);
    assert_int_equal(head.retry_after, 366 * USEC_PER_DAY);
    assert_int_equal(line(&head, "Retry-After: soon\r\n"), 0);
    assert_int_equal(line(&head, "Location: /a\x7f\r\n"), 0);
    assert_string_equal(head.location, "");
    assert_int_equal(line(&head, "Location: /a b\r\n"), 0);
    assert_int_equal(line(&head, "Location: /second\r\n"), 0);
    assert_string_equal(head.location, "/a b");
    assert_int_equal(line(&head, "Transfer-Encoding: Chunked"), 0);
    assert_int_equal(line(&head, "Content-Encoding: , GZIP ,identity"), 0);
    assert_int_equal(line(&head, "Content-Encoding: deflate"), -ERR_MALFORMED);
    assert_int_equal(line(&head, "no header at all"), 0);
    assert_int_equal(line(&head, "\r\n"), 0);
    assert_int_equal(line(&head, ""), 0);
    size_t before = head.bytes;
    assert_int_equal(line(&head, "HTTP/1.1 abc\r\n"), 0);
    assert_int_equal(head.status, 0);
    assert_string_equal(head.type, "");
    assert_int_equal(head.bytes, before + 14);
    static uint8_t longest[FETCH_HEAD_MAX + 1];
    memset(longest, 'a', sizeof longest);
    assert_int_equal(fetch_head_line(&head, span_of(longest, sizeof longest)), -ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_read_as_they_will_be_asked),
        cmocka_unit_test(redirects_lead_on),
        cmocka_unit_test(redirects_end),
        cmocka_unit_test(heads_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
