/* One visit of one port: what hosts do to a connection, and how each becomes the record of an answer. */
#include "reach/parts.h"

#include "certificate.h"
#include "scene.h"

#include <openssl/err.h>

/* Memory of this process that is in use, in bytes. */
static size_t resident(void)
{
    size_t pages = 0, ignored = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%zu %zu", &ignored, &pages), 2);
    (void)fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Nothing is left open, and the connections' memory went back. */
static void assert_idle(struct scene *s)
{
    run(s, 5);
    assert_int_equal(reach_state(s->reach).in_flight, 0);
    assert_int_equal(reach_state(s->reach).visits, 0);
    assert_int_equal(s->reach->held, 0);
    assert_int_equal(s->reach->deadlines.count, 0);
    assert_int_equal(guests_open(s), 0);
    assert_true(journal_empty(s->journal));
}

static void a_banner_becomes_an_answer(void **state)
{
    (void)state;
    struct scene *s = set_up(NULL);
    struct host *host = tcp_host(s, "127.0.0.2", serve_text);
    static char banner[] = "220 camera.example\r\n";
    host->user = banner;
    lease_one(s, host, "banner");
    const struct said *answer = await(s, KIND_ANSWER, host, " event.outcome=success event.reason=quiet ");
    assert_said(s, KIND_ANSWER, host, " noroshi.banner=20:220 camera.example\r\n ");
    assert_said(s, KIND_ANSWER, host, " noroshi.probe=banner ");
    assert_said(s, KIND_ANSWER, host, " network.protocol=banner ");
    assert_said(s, KIND_ANSWER, host, " noroshi.cause=operator ");
    assert_said(s, KIND_ANSWER, host, " noroshi.task=probe 127.0.0.2 operator ");
    assert_said(s, KIND_ANSWER, host, " source.bytes=0 destination.bytes=20 ");
    assert_true(addr_equal(answer->source.addr, ip("127.0.0.1")) && answer->source.port != 0);
    await_visits(s, 1);
    const struct said *dial = find_said(s, KIND_DIAL, host, " event.outcome=success "), *visit = find_said(s, KIND_VISIT, NULL, "");
    assert_non_null(dial);
    assert_true(id_equal(dial->id, dial->session) && id_equal(dial->id, answer->session) && id_equal(dial->id, visit->session));
    assert_true(dial < answer && answer < visit);
    assert_said(s, KIND_VISIT, NULL, "visit 127.0.0.2:0/ event.outcome=success event.reason=visited ");
    assert_said(s, KIND_VISIT, NULL, " noroshi.count=1 ");
    assert_true(host->guests[0].over && !host->guests[0].reset); /* with a FIN */
    assert_int_equal(host->guests[0].heard_len, 0);
    assert_idle(s);
    tear_down(s);
}

static void what_is_said_before_a_close_is_whole(void **state)
{
    (void)state;
    struct scene *s = set_up(NULL);
    struct host *host = tcp_host(s, "127.0.0.2", serve_and_close), *mute = tcp_host(s, "127.0.0.3", serve_and_close);
    static char banner[] = "hello", nothing[] = "";
    host->user = banner;
    mute->user = nothing;
    lease_one(s, host, "banner");
    lease_one(s, mute, "banner");
    await_visits(s, 2);
    assert_said(s, KIND_ANSWER, host, " event.outcome=success event.reason=answered ");
    assert_said(s, KIND_ANSWER, mute, " event.outcome=failure event.reason=silent ");
    assert_idle(s);
    tear_down(s);
}

static void closed_ports_are_refused(void **state)
{
    (void)state;
    struct scene *s = set_up(NULL);
    struct host *tcp = closed_port(s, "127.0.0.2", TRANSPORT_TCP);
    lease_one(s, tcp, "telnet");
    await_visits(s, 1);
    assert_said(s, KIND_ANSWER, tcp, " event.outcome=failure event.reason=refused ");
    assert_said(s, KIND_VISIT, NULL, " event.outcome=failure event.reason=visited ");
    assert_idle(s);
    tear_down(s);
}

static void who_says_nothing_is_silent(void **state)
{
    (void)state;
    struct scene *s = set_up(NULL);
    struct host *host = tcp_host(s, "127.0.0.2", serve_silence);
    usec_t from = usec_monotonic();
    lease_one(s, host, "banner");
    await(s, KIND_ANSWER, host, " event.outcome=failure event.reason=silent ");
    assert_true(usec_monotonic() - from >= 249 * USEC_PER_MSEC);
    await_visits(s, 1);
    assert_idle(s);
    tear_down(s);
}

static void who_says_nothing_to_the_deadline_is_silent_too(void **state)
{
    (void)state;
    struct scene *s = set_up((const char *const[]){"probe.deadline=300ms", "probe.first_byte=60s", NULL});
    struct host *host = tcp_host(s, "127.0.0.2", serve_silence);
    lease_one(s, host, "banner");
    await(s, KIND_ANSWER, host, " event.outcome=failure event.reason=silent ");
    await_visits(s, 1);
    assert_idle(s);
    tear_down(s);
}

static void who_does_not_take_connections_times_out(void **state)
{
    (void)state;
    struct scene *s = set_up(NULL);
    struct host *host = tcp_host(s, "127.0.0.2", NULL);
    struct sockaddr_storage sa;
    socklen_t len = endpoint_to_sockaddr(host->at, &sa);
    int fds[4];
    assert_int_equal(listen(host->fd, 0), 0); /* a queue that is soon full: further SYNs are dropped */
    for (size_t i = 0; i < 4; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(fds[i], (struct sockaddr *)&sa, len);
    }
    run(s, 20);
    lease_one(s, host, "banner");
    await(s, KIND_ANSWER, host, " event.outcome=failure event.reason=timeout ");
    await_visits(s, 1);
    assert_idle(s);
    for (size_t i = 0; i < 4; i++)
        (void)close(fds[i]);
    tear_down(s);
}

/* ---- hosts that do not end ---- */

/* As much and as fast as the connection takes, 1 GB at most. */
static void serve_flood(struct host *h, struct guest *g)
{
    static uint8_t block[256 * 1024];
    (void)h;
    memset(block, 'F', sizeof block);
    for (;;) {
        ssize_t sent = send(g->fd, block, sizeof block, MSG_NOSIGNAL);
        if (sent > 0)
            g->sent += (size_t)sent;
        if (sent < 0 && errno == EAGAIN)
            return;
        if (sent < 0 || g->sent >= 1000000000) {
            guest_leaves(g);
            return;
        }
    }
}

static void an_endless_answer_is_cut(void **state)
{
    (void)state;
    struct scene *s = set_up(NULL);
    struct host *host = tcp_host(s, "127.0.0.2", serve_flood);
    lease_one(s, host, "banner");
    await(s, KIND_ANSWER, host, " event.outcome=success event.reason=too much ");
    assert_said(s, KIND_ANSWER, host, " noroshi.banner=98304:FFFF");
    assert_said(s, KIND_ANSWER, host, " noroshi.banner_cut=");
    await_visits(s, 1);
    run(s, 20);
    assert_true(host->guests[0].sent < 32 * 1024 * 1024);
    assert_idle(s);
    tear_down(s);
}

static void many_floods_do_not_grow_memory(void **state)
{
    (void)state;
    enum { HOSTS = 60 };
    struct scene *s = set_up((const char *const[]){"probe.answer_max=1M", "outside.in_flight=10", NULL});
    struct host *host = tcp_host(s, "0.0.0.0", serve_flood);
    struct order order;
    size_t most = 0;
    for (unsigned i = 0; i < HOSTS; i++) {
        char addr[32];
        (void)snprintf(addr, sizeof addr, "127.0.1.%u", i + 1);
        order = order_for(addr);
        order_ask(&order, host, "banner");
        lease(s, &order);
    }
    turn(s);
    size_t before = resident();
    usec_t until = usec_monotonic() + PATIENCE_MSEC * USEC_PER_MSEC;
    while (count_said(s, KIND_VISIT, NULL, "") < HOSTS && usec_monotonic() < until) {
        turn(s);
        most = s->reach->held > most ? s->reach->held : most;
    }
    assert_int_equal(count_said(s, KIND_ANSWER, NULL, " event.reason=too much "), HOSTS);
    assert_int_equal(count_said(s, KIND_ANSWER, NULL, " noroshi.banner=1048576:F"), HOSTS);
    assert_true(most > 0 && most <= 10 * 1024 * 1024);
#ifndef NOROSHI_SANITIZED
    assert_true(resident() < before + 48 * 1024 * 1024);
#else
    (void)before;
#endif
    assert_true(s->most_open <= 10);
    assert_idle(s);
    tear_down(s);
}

static void serve_drip(struct host *h, struct guest *g)
{
    serve_silence(h, g);
    if (g->fd < 0 || usec_monotonic() - g->since < 30 * USEC_PER_MSEC)
        return;
    guest_say(g, span_text("."));
    guest_step(g);
}

static void a_slow_drip_ends_at_the_deadline(void **state)
{
    (void)state;
    struct scene *s = set_up((const char *const[]){"probe.quiet=400ms", "probe.first_byte=400ms", NULL});
    struct host *host = tcp_host(s, "127.0.0.2", serve_drip);
    usec_t from = usec_monotonic();
    lease_one(s, host, "banner");
    await(s, KIND_ANSWER, host, " event.outcome=success event.reason=deadline ");
    assert_true(usec_monotonic() - from >= 999 * USEC_PER_MSEC);
    await_visits(s, 1);
    assert_idle(s);
    tear_down(s);
}

/* Goes on whatever we close, and never closes itself. */
static void serve_rudely(struct host *h, struct guest *g)
{
    (void)h;
    guest_hear(g);
    if (g->step == 0)
        guest_say(g, span_text("hello"));
    if (g->step == 0 || usec_monotonic() - g->since > 50 * USEC_PER_MSEC) {
        if (g->over && send(g->fd, "still here", 10, MSG_NOSIGNAL) < 0)
            guest_leaves(g);
        else
            guest_step(g);
    }
}

static void a_host_that_does_not_close_is_left(void **state)
{
    (void)state;
    struct scene *s = set_up(NULL);
    struct host *host = tcp_host(s, "127.0.0.2", serve_rudely);
    usec_t from = usec_monotonic();
    lease_one(s, host, "banner");
    await(s, KIND_ANSWER, host, " event.reason=quiet ");
    assert_said(s, KIND_ANSWER, host, " noroshi.banner=5:hello ");
    usec_t took = usec_monotonic() - from;
    assert_true(took >= 1050 * USEC_PER_MSEC && took < 5 * USEC_PER_SEC); /* quiet, and a second for its FIN */
    await_visits(s, 1);
    run(s, 200);
    assert_idle(s);
    tear_down(s);
}

static void serve_reset(struct host *h, struct guest *g)
{
    const struct linger hard = {.l_onoff = 1};
    guest_hear(g);
    if (g->step == 0) {
        guest_say(g, span_text(h->user));
        guest_step(g);
    } else if (usec_monotonic() - g->since > 30 * USEC_PER_MSEC) {
        (void)setsockopt(g->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        guest_leaves(g);
    }
}

static void a_reset_is_told(void **state)
{
    (void)state;
    struct scene *s = set_up(NULL);
    static char half[] = "half a", nothing[] = "";
    struct host *some = tcp_host(s, "127.0.0.2", serve_reset), *none = tcp_host(s, "127.0.0.3", serve_reset);
    some->user = half;
    none->user = nothing;
    lease_one(s, some, "banner");
    lease_one(s, none, "http");
    await_visits(s, 2);
    assert_said(s, KIND_ANSWER, some, " event.outcome=success event.reason=reset ");
    assert_said(s, KIND_ANSWER, some, " noroshi.banner=6:half a ");
    assert_said(s, KIND_ANSWER, none, " event.outcome=failure event.reason=reset ");
    assert_idle(s);
    tear_down(s);
}

/* ---- HTTP: what is asked, and asked again ---- */

/* Answers a whole request: the favicon with an icon, other paths with `user`; then closes. */
static void serve_web(struct host *h, struct guest *g)
{
    guest_hear(g);
    g->heard[g->heard_len] = '\0';
    if (g->step == 0 && strstr(g->heard, "\r\n\r\n") != NULL) {
        bool icon = strncmp(g->heard, "GET /favicon.ico ", 17) == 0;
        guest_say(g, span_text(icon ? "HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nicon" : h->user));
        (void)shutdown(g->fd, SHUT_WR);
        guest_step(g);
    }
    if (g->over)
        guest_leaves(g);
}

static void a_second_connection_is_asked_for_like_the_first(void **state)
{
    (void)state;
    struct scene *s = set_up(NULL);
    struct host *host = tcp_host(s, "127.0.0.2", serve_web);
    static char page[] = "HTTP/1.0 200 OK\r\nServer: mini\r\nContent-Length: 24\r\n\r\n<title>Camera 12</title>\n";
    host->user = page;
    lease_one(s, host, "http");
    await_visits(s, 1);
    assert_int_equal(host->guest_count, 2);
    assert_int_equal(s->most_open, 1);
    assert_int_equal(count_said(s, KIND_DIAL, host, " event.outcome=success "), 2);
    assert_int_equal(count_said(s, KIND_ANSWER, host, ""), 1);
    assert_said(s, KIND_ANSWER, host, " event.outcome=success event.reason=answered ");
    assert_said(s, KIND_ANSWER, host, " http.response.status_code=200 ");
    assert_said(s, KIND_ANSWER, host, "Camera 12 ");
    assert_said(s, KIND_ANSWER, host, ":HTTP/1.0 200 OK\r\nServer: mini"); /* the banner is the first connection's */
    assert_said(s, KIND_ANSWER, host, "baec6461b0d69dde1b861aefbe375d8a"); /* MD5 of "icon" */
    assert_said(s, KIND_VISIT, NULL, " noroshi.count=1 ");
    assert_non_null(strstr(host->guests[0].heard, "GET / HTTP/1.1\r\n"));
    assert_non_null(strstr(host->guests[0].heard, "https://csirt.example/probing"));
    assert_non_null(strstr(host->guests[1].heard, "GET /favicon.ico HTTP/1.1\r\n"));
    assert_idle(s);
    tear_down(s);
}

static void an_early_close_is_told(void **state)
{
    (void)state;
    struct scene *s = set_up(NULL);
    struct host *host = tcp_host(s, "127.0.0.2", serve_web);
    static char page[] = "HTTP/1.0 401 Unauthorized\r\nContent-Length: 1000\r\n\r\n<title>Half";
    host->user = page;
    lease_one(s, host, "http");
    await_visits(s, 1);
    assert_said(s, KIND_ANSWER, host, " event.outcome=success event.reason=closed ");
    assert_said(s, KIND_ANSWER, host, " http.response.status_code=401 ");
    assert_int_equal(host->guest_count, 1);
    assert_idle(s);
    tear_down(s);
}

static void over_ipv6_it_is_the_same(void **state)
{
    (void)state;
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in6 one = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    bool has = fd >= 0 && bind(fd, (const struct sockaddr *)&one, sizeof one) == 0;
    (void)close(fd);
    if (!has) {
        print_message("skipped: there is no ::1 here\n");
        skip();
    }
    struct scene *s = set_up(NULL);
    struct host *host = tcp_host(s, "::1", serve_text), *closed = closed_port(s, "::1", TRANSPORT_UDP);
    static char banner[] = "SSH-2.0-device\r\n";
    host->user = banner;
    struct order order = order_for("::1");
    order_ask(&order, host, "banner");
    order_ask(&order, closed, "bacnet");
    lease(s, &order);
    await_visits(s, 1);
    assert_said(s, KIND_ANSWER, host, " noroshi.banner=16:SSH-2.0-device");
    assert_said(s, KIND_ANSWER, closed, " event.reason=refused ");
    assert_idle(s);
    tear_down(s);
}

static void the_tap_tells_how_a_host_answers(void **state)
{
    (void)state;
    int tap = -1;
    struct buf why;
    buf_init(&why, 256);
    if (tap_open(&tap, &why) != 0) {
        print_message("skipped: %s\n", buf_cstr(&why));
        buf_done(&why);
        skip();
    }
    buf_done(&why);
    struct scene *s = set_up_bare(NULL, tap);
    struct host *host = tcp_host(s, "127.0.0.2", serve_silence), *closed = closed_port(s, "127.0.0.3", TRANSPORT_TCP);
    int ttl = 77;
    assert_int_equal(setsockopt(host->fd, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl), 0);
    lists(s, "", "");
    store_comes(s);
    spent_nothing(s);
    lease_one(s, host, "banner");
    lease_one(s, closed, "banner");
    await_visits(s, 2);
    assert_said(s, KIND_ANSWER, host, " noroshi.reply.ttl=77 noroshi.reply.window=");
    assert_said(s, KIND_ANSWER, host, " noroshi.reply.options=mss,");
    assert_null(find_said(s, KIND_ANSWER, closed, " noroshi.reply."));
    assert_idle(s);
    tear_down(s);
    (void)close(tap);
}

/* ---- datagrams ---- */

/* sysDescr.0 is "cam" */
static const uint8_t snmp_reply[] = "\x30\x2c\x02\x01\x01\x04\x06public\xa2\x1f\x02\x04noro\x02\x01\x00\x02\x01\x00\x30\x11\x30\x0f"
                                    "\x06\x08\x2b\x06\x01\x02\x01\x01\x01\x00\x04\x03"
                                    "cam";

static void a_datagram_is_answered(void **state)
{
    (void)state;
    struct scene *s = set_up((const char *const[]){"probe.extra=[snmp]", NULL});
    struct host *host = host_new(s, "127.0.0.2", TRANSPORT_UDP, NULL);
    struct sockaddr_storage from;
    socklen_t len = sizeof from;
    uint8_t request[256];
    lease_one(s, host, "snmp");
    await(s, KIND_DIAL, host, " event.outcome=success ");
    struct pollfd wait = {.fd = host->fd, .events = POLLIN};
    while (poll(&wait, 1, 0) == 0)
        turn(s);
    ssize_t got = recvfrom(host->fd, request, sizeof request, 0, (struct sockaddr *)&from, &len);
    assert_true(got > 0 && memmem(request, (size_t)got, "public", 6) != NULL);
    assert_int_equal(sendto(host->fd, snmp_reply, sizeof snmp_reply - 1, 0, (struct sockaddr *)&from, len), sizeof snmp_reply - 1);
    await_visits(s, 1);
    assert_said(s, KIND_ANSWER, host, " event.outcome=success event.reason=answered ");
    assert_said(s, KIND_ANSWER, host, " noroshi.reply.ttl=64 ");
    assert_said(s, KIND_ANSWER, host, "=cam ");
    assert_idle(s);
    tear_down(s);
}

static void icmp_unreachable_is_an_answer_too(void **state)
{
    (void)state;
    struct scene *s = set_up((const char *const[]){"probe.extra=[snmp]", NULL});
    struct host *closed = closed_port(s, "127.0.0.2", TRANSPORT_UDP), *mute = host_new(s, "127.0.0.3", TRANSPORT_UDP, NULL);
    lease_one(s, closed, "snmp");
    lease_one(s, mute, "snmp");
    await_visits(s, 2);
    assert_said(s, KIND_ANSWER, closed, " event.outcome=failure event.reason=refused ");
    assert_said(s, KIND_ANSWER, mute, " event.outcome=failure event.reason=silent ");
    assert_idle(s);
    tear_down(s);
}

/* ---- TLS ---- */

/* A device's web server: `user` is its context. */
static void serve_tls(struct host *h, struct guest *g)
{
    SSL *ssl = g->user;
    if (ssl == NULL) {
        ssl = g->user = SSL_new(h->user);
        assert_non_null(ssl);
        (void)SSL_set_fd(ssl, g->fd);
        SSL_set_accept_state(ssl);
    }
    ERR_clear_error();
    int got = SSL_read(ssl, g->heard + g->heard_len, (int)(HEARD_MAX - g->heard_len));
    int error = got > 0 ? SSL_ERROR_NONE : SSL_get_error(ssl, got);
    if (got > 0) {
        g->heard_len += (size_t)got;
        g->heard[g->heard_len] = '\0';
        static const char page[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 19\r\nConnection: close\r\n\r\n<title>Cam</title>\n";
        if (strstr(g->heard, "\r\n\r\n") != NULL) {
            (void)SSL_write(ssl, page, (int)sizeof page - 1);
            (void)SSL_shutdown(ssl);
            (void)shutdown(g->fd, SHUT_WR);
        }
    } else if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
        SSL_free(ssl);
        g->user = NULL;
        guest_leaves(g);
    }
    ERR_clear_error();
}

static void a_certificate_is_stated_and_not_judged(void **state)
{
    (void)state;
    char digest[2 * EVP_MAX_MD_SIZE + 1];
    struct scene *s = set_up(NULL);
    struct host *host = tcp_host(s, "127.0.0.2", serve_tls);
    SSL_CTX *context = device_context(0);
    host->user = context;
    lease_one(s, host, "https");
    await_visits(s, 1);
    assert_said(s, KIND_ANSWER, host, " event.outcome=success event.reason=answered ");
    assert_said(s, KIND_ANSWER, host, " http.response.status_code=404 ");
    assert_said(s, KIND_ANSWER, host, " tls.version=1.3 ");
    assert_said(s, KIND_ANSWER, host, "CN=camera.example,O=Example Cameras ");
    assert_said(s, KIND_ANSWER, host, "2031-02-03T04:05:06Z ");
    assert_said(s, KIND_ANSWER, host, context_digest(context, digest));
    assert_said(s, KIND_ANSWER, host, ":HTTP/1.1 404 Not Found"); /* the banner is what was said inside */
    assert_idle(s);
    SSL_CTX_free(context);
    tear_down(s);
}

static void broken_tls_is_told(void **state)
{
    (void)state;
    static char plain[] = "HTTP/1.0 400 Bad Request\r\n\r\n", half[] = "\x16\x03\x03\x00\x40\x02", nothing[] = "";
    struct scene *s = set_up(NULL);
    struct host *other = tcp_host(s, "127.0.0.2", serve_text), *stuck = tcp_host(s, "127.0.0.3", serve_text);
    struct host *closes = tcp_host(s, "127.0.0.4", serve_and_close), *floods = tcp_host(s, "127.0.0.5", serve_flood);
    other->user = plain;
    stuck->user = half;
    closes->user = nothing;
    lease_one(s, other, "https");
    lease_one(s, stuck, "https");
    lease_one(s, closes, "https");
    lease_one(s, floods, "https");
    await_visits(s, 4);
    assert_int_equal(count_said(s, KIND_ANSWER, NULL, " event.outcome=failure event.reason=tls failed "), 4);
    assert_idle(s);
    tear_down(s);
}

static void an_oversized_chain_is_refused(void **state)
{
    (void)state;
    struct scene *s = set_up(NULL);
    struct host *host = tcp_host(s, "127.0.0.2", serve_tls);
    SSL_CTX *context = device_context(80 * 1024);
    host->user = context;
    lease_one(s, host, "https");
    await_visits(s, 1);
    assert_said(s, KIND_ANSWER, host, " event.reason=tls failed ");
    assert_null(find_said(s, KIND_ANSWER, host, "camera.example"));
    assert_idle(s);
    SSL_CTX_free(context);
    tear_down(s);
}

/* ---- and the end ---- */

static void what_is_open_is_closed_with_the_reach(void **state)
{
    (void)state;
    struct scene *s = set_up(NULL);
    struct host *host = tcp_host(s, "127.0.0.2", serve_silence), *secure = tcp_host(s, "127.0.0.3", serve_silence);
    struct host *web = tcp_host(s, "127.0.0.4", serve_drip), *behind = tcp_host(s, "127.0.0.2", serve_silence);
    lease_one(s, host, "banner");
    lease_one(s, secure, "https");
    lease_one(s, web, "http");
    struct order order = order_for("127.0.0.2");
    order_ask(&order, behind, "banner");
    (void)snprintf(order.cause, sizeof order.cause, "another");
    lease(s, &order);
    while (guests_seen(s) < 3)
        turn(s);
    run(s, 50);
    assert_int_equal(reach_state(s->reach).visits, 4);
    tear_down(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_banner_becomes_an_answer),
        cmocka_unit_test(what_is_said_before_a_close_is_whole),
        cmocka_unit_test(closed_ports_are_refused),
        cmocka_unit_test(who_says_nothing_is_silent),
        cmocka_unit_test(who_says_nothing_to_the_deadline_is_silent_too),
        cmocka_unit_test(who_does_not_take_connections_times_out),
        cmocka_unit_test(an_endless_answer_is_cut),
        cmocka_unit_test(many_floods_do_not_grow_memory),
        cmocka_unit_test(a_slow_drip_ends_at_the_deadline),
        cmocka_unit_test(a_host_that_does_not_close_is_left),
        cmocka_unit_test(a_reset_is_told),
        cmocka_unit_test(a_second_connection_is_asked_for_like_the_first),
        cmocka_unit_test(an_early_close_is_told),
        cmocka_unit_test(over_ipv6_it_is_the_same),
        cmocka_unit_test(the_tap_tells_how_a_host_answers),
        cmocka_unit_test(a_datagram_is_answered),
        cmocka_unit_test(icmp_unreachable_is_an_answer_too),
        cmocka_unit_test(a_certificate_is_stated_and_not_judged),
        cmocka_unit_test(broken_tls_is_told),
        cmocka_unit_test(an_oversized_chain_is_refused),
        cmocka_unit_test(what_is_open_is_closed_with_the_reach),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
