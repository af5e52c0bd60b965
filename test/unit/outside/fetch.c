/* Requests to web servers on the loopback: good ones, and every way a host can be hostile. */
#include "check.h"

#include "outside/fetch.h"
#include "site.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

/* Long for a test, so that nothing but what is tested ends it. */
static const struct fetch_limits patient = {
    .connect = 20 * USEC_PER_SEC, .first_byte = 20 * USEC_PER_SEC, .total = 20 * USEC_PER_SEC, .body_max = FETCH_BODY_MAX};

struct got {
    bool over;
    enum fetch_ending ending;
    struct fetch_head head;
    struct buf body;
    uint64_t bytes_in;
    size_t certificate_len;
    bool is_sequence; /* DER's first byte */
    char detail[256];
};

static void on_done(void *client_user, void *request_user, const struct fetch_result *result)
{
    struct got *got = request_user;
    (void)client_user;
    assert_false(got->over);
    got->over = true;
    got->ending = result->ending;
    got->head = *result->head;
    got->bytes_in = result->bytes_in;
    got->certificate_len = result->certificate.len;
    got->is_sequence = result->certificate.len > 0 && result->certificate.at[0] == 0x30;
    buf_init(&got->body, 0);
    buf_span(&got->body, result->body);
    (void)snprintf(got->detail, sizeof got->detail, "%s", result->detail);
}

static struct fetch_client *client_of(struct span ca)
{
    struct fetch_client *client = NULL;
    assert_int_equal(fetch_client_new(&client, "Mozilla/5.0 (compatible; Test/1)", ca, on_done, NULL), 0);
    return client;
}

static int connect_to(struct endpoint to)
{
    struct sockaddr_storage sa;
    socklen_t len = endpoint_to_sockaddr(to, &sa);
    int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_true(connect(fd, (struct sockaddr *)&sa, len) == 0 || errno == EINPROGRESS);
    return fd;
}

static struct fetch *start(struct fetch_client *client, const char *text, struct endpoint to, bool verify, const struct fetch_limits *limits,
                           struct got *got)
{
    struct fetch_url url;
    struct fetch *f = NULL;
    memset(got, 0, sizeof *got);
    assert_int_equal(fetch_url_read(span_text(text), &url), 0);
    const struct fetch_request request = {
        .url = &url, .to = to, .fd = connect_to(to), .verify = verify, .accept = "text/html", .limits = *limits, .user = got};
    assert_int_equal(fetch_start(client, &request, &f), 0);
    return f;
}

static void turn(struct fetch_client *client)
{
    struct pollfd readable = {.fd = fetch_fd(client), .events = POLLIN};
    usec_t due = fetch_due(client), now = usec_monotonic();
    int wait = due == 0 ? 1000 : due <= now ? 0 : (int)((due - now) / USEC_PER_MSEC + 1);
    (void)poll(&readable, 1, wait < 1000 ? wait : 1000);
    fetch_run(client);
}

static void until_over(struct fetch_client *client, const struct got *got)
{
    usec_t most = usec_monotonic() + 30 * USEC_PER_SEC;
    while (!got->over) {
        turn(client);
        assert_true(usec_monotonic() < most);
    }
}

/* One request to one server. */
static struct got fetch_of(enum site_certificate kind, site_scenario *scenario, void *user, const char *url, bool verify,
                           const struct fetch_limits *limits)
{
    struct got got;
    struct site *web = site_start(kind, scenario, user);
    struct fetch_client *client = client_of(site_ca());
    (void)start(client, url, site_endpoint(web), verify, limits, &got);
    until_over(client, &got);
    assert_int_equal(fetch_counters(client)->under_way, 0);
    assert_int_equal(fetch_counters(client)->held, 0);
    assert_int_equal(fetch_counters(client)->ended[got.ending], 1);
    fetch_client_free(client);
    site_stop(web);
    return got;
}

static struct got plain(site_scenario *scenario, void *user)
{
    return fetch_of(SITE_PLAIN, scenario, user, "http://site.example/", false, &patient);
}

static void expect(struct got *got, enum fetch_ending ending)
{
    if (got->ending != ending)
        fail_msg("\"%s\" (%s) instead of \"%s\"", fetch_ending_text(got->ending), got->detail, fetch_ending_text(ending));
    buf_done(&got->body);
}

/* ---- answers ---- */

static char request_heard[16384];

static void say_page(struct site_peer *p, void *user)
{
    struct span heard = site_hear(p);
    (void)user;
    memcpy(request_heard, heard.at, heard.len);
    request_heard[heard.len] = '\0';
    site_text(p, "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=EUC-JP\r\nSet-Cookie: a=b\r\nContent-Length: 5\r\n\r\nhello");
}

static void a_page_is_told(void **state)
{
    (void)state;
    struct got got = fetch_of(SITE_PLAIN, say_page, NULL, "http://Site.Example/contact?a=%41#part", false, &patient);
    assert_int_equal(got.head.status, 200);
    assert_string_equal(got.head.type, "text/html; charset=EUC-JP");
    assert_string_equal(buf_cstr(&got.body), "hello");
    assert_true(got.bytes_in > 100);
    expect(&got, FETCH_WHOLE);
    assert_ptr_equal(strstr(request_heard, "GET /contact?a=%41 HTTP/1.1\r\n"), request_heard);
    assert_non_null(strstr(request_heard, "\r\nHost: site.example\r\n"));
    assert_non_null(strstr(request_heard, "\r\nUser-Agent: Mozilla/5.0 (compatible; Test/1)\r\n"));
    assert_non_null(strstr(request_heard, "\r\nAccept: text/html\r\n"));
    assert_non_null(strstr(request_heard, "\r\nAccept-Encoding: gzip, deflate\r\n"));
    assert_non_null(strstr(request_heard, "\r\nConnection: close\r\n"));
    assert_null(strstr(request_heard, "ookie"));
    assert_null(strstr(request_heard, "uthorization"));
}

static void nothing_is_remembered(void **state)
{
    (void)state;
    struct got got;
    struct site *web = site_start(SITE_PLAIN, say_page, NULL);
    struct fetch_client *client = client_of((struct span){0});
    for (int i = 0; i < 3; i++) {
        (void)start(client, "http://site.example/", site_endpoint(web), false, &patient, &got);
        until_over(client, &got);
        expect(&got, FETCH_WHOLE);
        assert_null(strstr(request_heard, "ookie"));
    }
    fetch_client_free(client);
    site_stop(web);
}

static void say_slowly(struct site_peer *p, void *user)
{
    const char *text = user;
    (void)site_hear(p);
    for (; *text != '\0'; text++) {
        if (!site_put(p, text, 1))
            return;
    }
}

static void any_cut_of_the_stream_will_do(void **state)
{
    (void)state;
    char text[] = "HTTP/1.1 100 Continue\r\nLocation: /no\r\n\r\nHTTP/1.1 301 Moved\r\nLocation: /there\r\nRetry-After: 120\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nLocation: /trailer\r\n\r\n";
    struct got got = plain(say_slowly, text);
    assert_int_equal(got.head.status, 301);
    assert_string_equal(got.head.location, "/there");
    assert_int_equal(got.head.retry_after, 120 * USEC_PER_SEC);
    assert_string_equal(buf_cstr(&got.body), "abcde");
    expect(&got, FETCH_WHOLE);
}

/* ---- too much ---- */

static void say_endlessly(struct site_peer *p, void *user)
{
    static char part[65536];
    (void)site_hear(p);
    memset(part, 'x', sizeof part);
    site_text(p, user);
    while (site_put(p, part, sizeof part))
        ;
}

static void an_endless_body_is_cut(void **state)
{
    (void)state;
    static char *const heads[] = {"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n",
                                  "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999\r\n\r\n"};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        struct got got = plain(say_endlessly, heads[i]);
        assert_int_equal(got.body.len, FETCH_BODY_MAX);
        assert_true(got.bytes_in < FETCH_BODY_MAX + 200000);
        expect(&got, FETCH_TOO_MUCH);
    }
    struct fetch_limits small = patient;
    small.body_max = 1000;
    struct got got = fetch_of(SITE_PLAIN, say_endlessly, heads[0], "http://site.example/", false, &small);
    assert_int_equal(got.body.len, 1000);
    expect(&got, FETCH_TOO_MUCH);
}

static void say_gzip_bomb(struct site_peer *p, void *user)
{
    static uint8_t zeros[1 << 20], packed[1 << 20];
    z_stream z = {.next_in = zeros};
    (void)site_hear(p);
    site_text(p, user);
    if (deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        return;
    for (int i = 0; i < 1024; i++) { /* 1 GiB */
        z.next_in = zeros;
        z.avail_in = sizeof zeros;
        z.next_out = packed;
        z.avail_out = sizeof packed;
        (void)deflate(&z, Z_SYNC_FLUSH);
        if (!site_put(p, packed, sizeof packed - z.avail_out))
            break;
    }
    (void)deflateEnd(&z);
}

/* 16 MiB of zeros in 26 bytes (RFC 7932). */
static void say_brotli_bomb(struct site_peer *p, void *user)
{
    static const uint8_t bomb[] = {0xcb, 0xff, 0xff, 0x3f, 0x00, 0x24, 0x00, 0xe2, 0xb1, 0x40, 0x72, 0xef, 0xff,
                                   0xf2, 0xff, 0xff, 0x0f, 0x80, 0x04, 0x40, 0x1c, 0x16, 0x80, 0xee, 0xfd, 0x1f};
    (void)user;
    (void)site_hear(p);
    site_text(p, "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 26\r\n\r\n");
    site_say(p, span_of(bomb, sizeof bomb));
}

/* Blocks without content: it decompresses to nothing, for ever. */
static void say_empty_blocks(struct site_peer *p, void *user)
{
    static const uint8_t begin[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
    static uint8_t blocks[65535];
    (void)user;
    (void)site_hear(p);
    for (size_t i = 0; i < sizeof blocks; i++)
        blocks[i] = i % 5 >= 3 ? 0xff : 0;
    site_text(p, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n");
    site_say(p, span_of(begin, sizeof begin));
    while (site_put(p, blocks, sizeof blocks))
        ;
}

static void bombs_are_cut(void **state)
{
    (void)state;
    struct got got = plain(say_gzip_bomb, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n");
    assert_int_equal(got.body.len, FETCH_BODY_MAX);
    assert_true(got.bytes_in < 200000);
    expect(&got, FETCH_TOO_MUCH);
    got = plain(say_brotli_bomb, NULL);
    assert_int_equal(got.body.len, FETCH_BODY_MAX);
    expect(&got, FETCH_TOO_MUCH);
    got = plain(say_empty_blocks, NULL);
    assert_int_equal(got.body.len, 0);
    assert_true(got.bytes_in < 2 * FETCH_BODY_MAX); /* libcurl reads a good deal before it asks */
    expect(&got, FETCH_TOO_MUCH);
}

static void say_text(struct site_peer *p, void *user)
{
    (void)site_hear(p);
    site_text(p, user);
}

static void only_simple_compression_is_taken(void **state)
{
    (void)state;
    static char *const heads[] = {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\n\r\nx", "HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\n\r\nx",
                                  "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Encoding: br\r\n\r\nx",
                                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\nx",
                                  "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nno gzip at all"};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        struct got got = plain(say_text, heads[i]);
        expect(&got, FETCH_BROKEN);
    }
    struct got got = plain(say_text, "HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 1\r\n\r\nx");
    expect(&got, FETCH_WHOLE);
}

/* ---- too slow ---- */

static void say_a_byte_at_a_time(struct site_peer *p, void *user)
{
    (void)site_hear(p);
    site_text(p, user);
    while (site_put(p, "x", 1))
        site_pause(20);
}

static void one_that_is_slow_is_cut(void **state)
{
    (void)state;
    struct fetch_limits limits = patient;
    limits.pace = 200 * USEC_PER_MSEC;
    limits.pace_bytes = 1000;
    struct got got = fetch_of(SITE_PLAIN, say_a_byte_at_a_time, "HTTP/1.1 200 OK\r\n\r\n", "http://site.example/", false, &limits);
    assert_true(got.body.len > 0 && got.body.len < 100);
    expect(&got, FETCH_SLOW);
    /* The head, too. */
    got = fetch_of(SITE_PLAIN, say_a_byte_at_a_time, "HTTP/1.1 200 OK\r\nX: ", "http://site.example/", false, &limits);
    expect(&got, FETCH_SLOW);
    limits = patient;
    limits.total = 300 * USEC_PER_MSEC;
    got = fetch_of(SITE_PLAIN, say_a_byte_at_a_time, "HTTP/1.1 200 OK\r\n\r\n", "http://site.example/", false, &limits);
    assert_true(got.body.len > 0);
    assert_string_equal(got.detail, "the time is used up");
    expect(&got, FETCH_SLOW);
}

static void say_nothing(struct site_peer *p, void *user)
{
    (void)user;
    (void)site_hear(p);
    site_pause(400);
}

static void hang_up(struct site_peer *p, void *user)
{
    (void)user;
    (void)site_hear(p);
}

static void silence_is_told(void **state)
{
    (void)state;
    struct fetch_limits limits = patient;
    limits.first_byte = 100 * USEC_PER_MSEC;
    struct got got = fetch_of(SITE_PLAIN, say_nothing, NULL, "http://site.example/", false, &limits);
    expect(&got, FETCH_SILENT);
    got = fetch_of(SITE_PLAIN, say_nothing, NULL, "https://site.example/", true, &limits);
    expect(&got, FETCH_SILENT);
    got = plain(hang_up, NULL);
    expect(&got, FETCH_SILENT);
}

static void an_early_end_is_told_with_what_came(void **state)
{
    (void)state;
    struct got got = plain(say_text, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome");
    assert_string_equal(buf_cstr(&got.body), "some");
    expect(&got, FETCH_SHORT);
    got = plain(say_text, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n");
    assert_string_equal(buf_cstr(&got.body), "some");
    expect(&got, FETCH_SHORT);
}

static void a_closed_port_is_told(void **state)
{
    (void)state;
    struct got got;
    struct site *web = site_start(SITE_PLAIN, hang_up, NULL);
    struct endpoint to = site_endpoint(web);
    site_stop(web);
    struct fetch_client *client = client_of((struct span){0});
    struct fetch_url url;
    assert_int_equal(fetch_url_read(span_text("http://site.example/"), &url), 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_storage sa;
    socklen_t len = endpoint_to_sockaddr(to, &sa);
    (void)connect(fd, (struct sockaddr *)&sa, len);
    const struct fetch_request request = {.url = &url, .to = to, .fd = fd, .limits = patient, .user = &got};
    memset(&got, 0, sizeof got);
    assert_int_equal(fetch_start(client, &request, NULL), 0);
    until_over(client, &got);
    assert_true(got.ending == FETCH_REFUSED || got.ending == FETCH_UNREACHABLE); /* loopback may have said so at once */
    fetch_client_free(client);
}

/* ---- heads ---- */

static void say_head_endlessly(struct site_peer *p, void *user)
{
    (void)site_hear(p);
    site_text(p, "HTTP/1.1 200 OK\r\n");
    while (site_put(p, user, strlen(user)))
        ;
}

static void say_line_endlessly(struct site_peer *p, void *user)
{
    (void)site_hear(p);
    while (site_put(p, user, strlen(user)))
        ;
}

static void say_nul(struct site_peer *p, void *user)
{
    (void)user;
    static const char answer[] = "HTTP/1.1 200 OK\r\nServer: a\0b\r\nContent-Length: 1\r\n\r\nx";
    (void)site_hear(p);
    site_say(p, span_of((const uint8_t *)answer, sizeof answer - 1));
}

static void say_trailers(struct site_peer *p, void *user)
{
    (void)user;
    (void)site_hear(p);
    site_text(p, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n");
    while (site_put(p, "X-Trailer: and another one\r\n", 28))
        ;
}

static void hostile_heads_are_refused(void **state)
{
    (void)state;
    struct got got = plain(say_head_endlessly, "X-Line: and another one\r\n");
    assert_true(got.bytes_in <= FETCH_HEAD_MAX + 100);
    expect(&got, FETCH_BROKEN);
    got = plain(say_head_endlessly, "one line without an end");
    expect(&got, FETCH_BROKEN);
    got = plain(say_line_endlessly, "HTTP/1.1 100 Continue\r\n\r\n");
    expect(&got, FETCH_BROKEN);
    got = plain(say_trailers, NULL);
    expect(&got, FETCH_BROKEN);
    got = plain(say_nul, NULL);
    expect(&got, FETCH_BROKEN);
    got = plain(say_text, "SSH-2.0-OpenSSH_9.2\r\n");
    expect(&got, FETCH_BROKEN);
    got = plain(say_text, "HTTP/1.1 999999999999 OK\r\n\r\n");
    assert_int_equal(got.head.status, 0);
    buf_done(&got.body);
}

/* ---- TLS ---- */

static void certificates_are_looked_at_where_it_matters(void **state)
{
    (void)state;
    static const struct {
        enum site_certificate kind;
        enum fetch_ending verified;
        const char *says;
    } cases[] = {{SITE_GOOD, FETCH_WHOLE, ""},
                 {SITE_SELF, FETCH_UNTRUSTED, "self-signed"},
                 {SITE_EXPIRED, FETCH_UNTRUSTED, "expired"},
                 {SITE_OTHER, FETCH_UNTRUSTED, "site.example"},
                 {SITE_SMALL, FETCH_TLS, ""},
                 {SITE_PLAIN, FETCH_TLS, ""}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct got got = fetch_of(cases[i].kind, say_page, NULL, "https://site.example/", true, &patient);
        if (strstr(got.detail, cases[i].says) == NULL)
            fail_msg("case %zu: %s", i, got.detail);
        bool shows = cases[i].kind != SITE_PLAIN;
        if (cases[i].verified != FETCH_TLS)
            assert_true(got.is_sequence); /* whoever vouches for it */
        expect(&got, cases[i].verified);
        got = fetch_of(cases[i].kind, say_page, NULL, "https://site.example/", false, &patient);
        assert_int_equal(got.is_sequence, shows);
        assert_int_equal(got.certificate_len > 200, shows);
        expect(&got, cases[i].kind == SITE_PLAIN ? FETCH_TLS : FETCH_WHOLE);
    }
}

static void without_certificates_nobody_is_trusted(void **state)
{
    (void)state;
    struct got got;
    struct site *web = site_start(SITE_GOOD, say_page, NULL);
    struct fetch_client *client = client_of((struct span){0});
    (void)start(client, "https://site.example/", site_endpoint(web), true, &patient, &got);
    until_over(client, &got);
    expect(&got, FETCH_UNTRUSTED);
    fetch_client_free(client);
    assert_int_equal(fetch_client_new(&client, "a", span_text("no certificate"), on_done, NULL), -ERR_MALFORMED);
    site_stop(web);
}

static void say_garbage(struct site_peer *p, void *user)
{
    (void)user;
    site_text(p, "\x16\x03\x01\x02garbage instead of a handshake, more of it than a record's head");
    site_pause(50);
}

static void broken_tls_is_told(void **state)
{
    (void)state;
    struct got got = fetch_of(SITE_PLAIN, say_garbage, NULL, "https://site.example/", false, &patient);
    assert_true(got.ending == FETCH_TLS || got.ending == FETCH_SILENT);
    buf_done(&got.body);
}

/* ---- many ---- */

static size_t open_files(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    (void)closedir(folder);
    return count;
}

static void many_are_under_way_and_some_dropped(void **state)
{
    (void)state;
    enum { MANY = 60 };
    static struct got got[MANY];
    struct fetch *fetches[MANY];
    struct site *web = site_start(SITE_PLAIN, say_page, NULL);
    size_t before = open_files();
    struct fetch_client *client = client_of(site_ca());
    for (size_t i = 0; i < MANY; i++)
        fetches[i] = start(client, "http://site.example/", site_endpoint(web), false, &patient, &got[i]);
    assert_int_equal(fetch_counters(client)->under_way, MANY);
    for (size_t i = 0; i < MANY; i += 3)
        fetch_drop(fetches[i]);
    for (size_t i = 0; i < MANY; i++) {
        if (i % 3 == 0)
            continue;
        until_over(client, &got[i]);
        expect(&got[i], FETCH_WHOLE);
    }
    for (size_t i = 0; i < MANY; i += 3)
        assert_false(got[i].over);
    assert_int_equal(fetch_counters(client)->under_way, 0);
    site_stop(web);
    web = site_start(SITE_PLAIN, say_nothing, NULL);
    (void)start(client, "http://site.example/", site_endpoint(web), false, &patient, &got[0]);
    turn(client);
    fetch_client_free(client); /* with one under way */
    assert_false(got[0].over);
    site_stop(web);
    assert_true(open_files() <= before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_told),
        cmocka_unit_test(nothing_is_remembered),
        cmocka_unit_test(any_cut_of_the_stream_will_do),
        cmocka_unit_test(an_endless_body_is_cut),
        cmocka_unit_test(bombs_are_cut),
        cmocka_unit_test(only_simple_compression_is_taken),
        cmocka_unit_test(one_that_is_slow_is_cut),
        cmocka_unit_test(silence_is_told),
        cmocka_unit_test(an_early_end_is_told_with_what_came),
        cmocka_unit_test(a_closed_port_is_told),
        cmocka_unit_test(hostile_heads_are_refused),
        cmocka_unit_test(certificates_are_looked_at_where_it_matters),
        cmocka_unit_test(without_certificates_nobody_is_trusted),
        cmocka_unit_test(broken_tls_is_told),
        cmocka_unit_test(many_are_under_way_and_some_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
