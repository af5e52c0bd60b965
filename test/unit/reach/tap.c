/* The packet tap: SYN-ACKs of our own making, whole and cut; and, where a packet socket may be had, real ones of the loopback. */
#include "reach/tap.h"

#include "base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* What a Linux host answers: MSS 1460, SACK permitted, timestamps, scale 7. */
static const uint8_t linux_options[] = {2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7};

static void tcp_header(struct buf *out, uint16_t from, uint16_t to, const uint8_t *options, size_t len)
{
    size_t padded = (len + 3) / 4 * 4;
    buf_be(out, from, 2);
    buf_be(out, to, 2);
    buf_be(out, 0x11223344, 4);
    buf_be(out, 0x55667788, 4);
    buf_byte(out, (uint8_t)((5 + padded / 4) << 4));
    buf_byte(out, 0x12); /* SYN, ACK */
    buf_be(out, 28960, 2);
    buf_be(out, 0, 4);
    buf_put(out, options, len);
    for (size_t i = len; i < padded; i++)
        buf_byte(out, 0);
}

/* From 192.0.2.7, with so many words of IP options. */
static void packet_v4(struct buf *out, size_t words, const uint8_t *options, size_t len)
{
    buf_clear(out);
    buf_byte(out, (uint8_t)(0x45 + words));
    buf_byte(out, 0);
    buf_be(out, 40 + words * 4 + len, 2);
    buf_be(out, 0x12344000, 4);
    buf_byte(out, 57);
    buf_byte(out, IPPROTO_TCP);
    buf_be(out, 0, 2);
    buf_be(out, 0xc0000207, 4);
    buf_be(out, 0xc6336401, 4);
    for (size_t i = 0; i < words; i++)
        buf_be(out, 0x01010101, 4);
    tcp_header(out, 23, 40123, options, len);
}

/* From 2001:db8::7, with an extension header of that kind, or TCP at once. */
static void packet_v6(struct buf *out, uint8_t next, const uint8_t *options, size_t len)
{
    static const uint8_t from[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 7}, to[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    buf_clear(out);
    buf_be(out, 0x60000000, 4);
    buf_be(out, 20 + len + (next != IPPROTO_TCP ? 8 : 0), 2);
    buf_byte(out, next);
    buf_byte(out, 250);
    buf_put(out, from, sizeof from);
    buf_put(out, to, sizeof to);
    if (next != IPPROTO_TCP) {
        buf_byte(out, IPPROTO_TCP);
        buf_be(out, 0, 7);
    }
    tcp_header(out, 443, 50001, options, len);
}

/* A copy of exact length, so that a sanitizer sees a read behind it. */
static int parse(struct span packet, struct endpoint *remote, uint16_t *port, struct syn *syn)
{
    uint8_t *copy = malloc(packet.len > 0 ? packet.len : 1);
    assert_non_null(copy);
    if (packet.len > 0)
        memcpy(copy, packet.at, packet.len);
    int r = tap_parse(span_of(copy, packet.len), remote, port, syn);
    free(copy);
    return r;
}

static void assert_parsed(const struct buf *packet, const char *from, uint16_t to, uint8_t ttl, const char *options)
{
    struct endpoint remote;
    struct syn syn;
    uint16_t port = 0;
    char text[ENDPOINT_TEXT_SIZE];
    assert_int_equal(packet->error, 0);
    assert_int_equal(parse(buf_as_span(packet), &remote, &port, &syn), 0);
    assert_string_equal(endpoint_print(remote, text), from);
    assert_int_equal(port, to);
    assert_int_equal(syn.ttl, ttl);
    assert_int_equal(syn.window, 28960);
    assert_string_equal(syn.options, options);
}

static void a_syn_ack_says_who_sent_it(void **state)
{
    (void)state;
    static const uint8_t camera[] = {2, 4, 0x05, 0xb4};
    struct buf packet;
    buf_init(&packet, 0);
    packet_v4(&packet, 0, linux_options, sizeof linux_options);
    assert_parsed(&packet, "192.0.2.7:23", 40123, 57, "mss,sok,ts,nop,ws");
    packet_v4(&packet, 0, camera, sizeof camera);
    assert_parsed(&packet, "192.0.2.7:23", 40123, 57, "mss");
    packet_v4(&packet, 0, NULL, 0);
    assert_parsed(&packet, "192.0.2.7:23", 40123, 57, "");
    packet_v4(&packet, 10, linux_options, sizeof linux_options); /* the longest IP header */
    assert_parsed(&packet, "192.0.2.7:23", 40123, 57, "mss,sok,ts,nop,ws");
    packet_v6(&packet, IPPROTO_TCP, linux_options, sizeof linux_options);
    assert_parsed(&packet, "[2001:db8::7]:443", 50001, 250, "mss,sok,ts,nop,ws");
    buf_text(&packet, "data behind it is of no interest");
    assert_parsed(&packet, "[2001:db8::7]:443", 50001, 250, "mss,sok,ts,nop,ws");
    buf_done(&packet);
}

static void cut_packets_are_refused(void **state)
{
    (void)state;
    struct buf packet;
    buf_init(&packet, 0);
    for (unsigned i = 0; i < 3; i++) {
        if (i < 2)
            packet_v4(&packet, i * 3, linux_options, sizeof linux_options);
        else
            packet_v6(&packet, IPPROTO_TCP, linux_options, sizeof linux_options);
        for (size_t len = 0; len < packet.len; len++) {
            struct endpoint remote = {.port = 4711};
            struct syn syn;
            uint16_t port = 4712;
            assert_int_equal(parse(span_of(packet.data, len), &remote, &port, &syn), -ERR_TRUNCATED);
            assert_true(remote.port == 4711 && port == 4712); /* untouched */
        }
    }
    buf_done(&packet);
}

static void what_is_no_tcp_is_refused(void **state)
{
    (void)state;
    static const uint8_t extensions[] = {IPPROTO_HOPOPTS, IPPROTO_DSTOPTS, IPPROTO_FRAGMENT, IPPROTO_UDP, IPPROTO_ICMPV6};
    struct endpoint remote;
    struct syn syn;
    uint16_t port;
    struct buf packet;
    buf_init(&packet, 0);
    for (size_t i = 0; i < sizeof extensions; i++) { /* their ports stand elsewhere: none is better than a wrong one */
        packet_v6(&packet, extensions[i], linux_options, sizeof linux_options);
        assert_int_equal(parse(buf_as_span(&packet), &remote, &port, &syn), -ERR_MALFORMED);
    }
    packet_v4(&packet, 0, linux_options, sizeof linux_options);
    packet.data[9] = IPPROTO_UDP;
    assert_int_equal(parse(buf_as_span(&packet), &remote, &port, &syn), -ERR_MALFORMED);
    for (unsigned header = 0; header < 5; header++) { /* an IP header shorter than it can be */
        packet_v4(&packet, 0, linux_options, sizeof linux_options);
        packet.data[0] = (uint8_t)(0x40 + header);
        assert_int_equal(parse(buf_as_span(&packet), &remote, &port, &syn), -ERR_MALFORMED);
    }
    for (unsigned offset = 0; offset < 5; offset++) { /* and a TCP header */
        packet_v4(&packet, 0, linux_options, sizeof linux_options);
        packet.data[20 + 12] = (uint8_t)(offset << 4);
        assert_int_equal(parse(buf_as_span(&packet), &remote, &port, &syn), -ERR_MALFORMED);
    }
    for (unsigned version = 0; version < 16; version++) {
        packet_v4(&packet, 0, linux_options, sizeof linux_options);
        packet.data[0] = (uint8_t)(version << 4 | 5);
        if (version != 4)
            assert_true(parse(buf_as_span(&packet), &remote, &port, &syn) < 0);
    }
    buf_done(&packet);
}

static void any_options_are_survived(void **state)
{
    (void)state;
    struct buf packet;
    buf_init(&packet, 0);
    for (unsigned kind = 0; kind < 256; kind++) {
        for (unsigned len = 0; len < 256; len += len < 12 ? 1 : 61) {
            uint8_t options[40];
            struct endpoint remote;
            struct syn syn;
            uint16_t port;
            memset(options, (int)kind, sizeof options);
            options[1] = (uint8_t)len;
            packet_v4(&packet, 0, options, sizeof options);
            assert_int_equal(parse(buf_as_span(&packet), &remote, &port, &syn), 0);
            assert_true(memchr(syn.options, 0, sizeof syn.options) != NULL);
        }
    }
    buf_done(&packet);
}

/* ---- real packets ---- */

struct link {
    int listener, fd;
    struct tap_wait wait;
};

static void link_up(struct link *link, struct tap *tap, const char *addr)
{
    struct endpoint at = {.port = 0};
    struct sockaddr_storage sa;
    assert_int_equal(addr_parse(span_text(addr), &at.addr), 0);
    socklen_t len = endpoint_to_sockaddr(at, &sa);
    link->listener = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    link->fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(link->listener >= 0 && link->fd >= 0);
    assert_int_equal(bind(link->listener, (struct sockaddr *)&sa, len), 0);
    assert_int_equal(listen(link->listener, 4), 0);
    len = sizeof sa;
    assert_int_equal(getsockname(link->listener, (struct sockaddr *)&sa, &len), 0);
    assert_int_equal(endpoint_from_sockaddr((struct sockaddr *)&sa, &link->wait.remote), 0);
    assert_int_equal(connect(link->fd, (struct sockaddr *)&sa, len), 0);
    len = sizeof sa;
    assert_int_equal(getsockname(link->fd, (struct sockaddr *)&sa, &len), 0);
    assert_int_equal(endpoint_from_sockaddr((struct sockaddr *)&sa, &at), 0);
    link->wait.local_port = at.port;
    if (tap != NULL)
        tap_expect(tap, &link->wait);
}

static void link_down(struct link *link)
{
    (void)close(link->fd);
    (void)close(link->listener);
}

/* The tap, or the test is skipped. */
static int open_or_skip(void)
{
    int fd = -1;
    struct buf why;
    buf_init(&why, 256);
    int r = tap_open(&fd, &why);
    if (r == -EPERM || r == -EACCES) {
        print_message("skipped: %s\n", buf_cstr(&why));
        buf_done(&why);
        skip();
    }
    if (r != 0)
        fail_msg("%s", buf_cstr(&why));
    buf_done(&why);
    return fd;
}

static void who_waits_is_told(void **state)
{
    (void)state;
    int fd = open_or_skip();
    struct tap *tap;
    struct link ours = {0}, strangers = {0}, forgotten = {0};
    assert_int_equal(tap_new(&tap, fd), 0);
    tap_read(tap); /* nothing yet */
    link_up(&strangers, NULL, "127.0.0.3");
    link_up(&forgotten, tap, "127.0.0.4");
    tap_forget(tap, &forgotten.wait);
    tap_forget(tap, &forgotten.wait);
    link_up(&ours, tap, "127.0.0.2");
    tap_read(tap);
    assert_true(ours.wait.seen);
    assert_int_equal(ours.wait.ttl, 64);
    assert_true(ours.wait.window > 0);
    assert_non_null(strstr(ours.wait.options, "mss"));
    assert_false(forgotten.wait.seen || strangers.wait.seen);
    tap_forget(tap, &ours.wait);
    link_down(&ours);
    link_down(&strangers);
    link_down(&forgotten);
    tap_free(tap);
    (void)close(fd);
}

/* More connections than the ring has frames: it is read as it goes, and its end leads to its start. */
static void the_ring_goes_round(void **state)
{
    (void)state;
    enum { ROUNDS = 10000 };
    int fd = open_or_skip();
    struct tap *tap;
    unsigned seen = 0;
    assert_int_equal(tap_new(&tap, fd), 0);
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct link link = {0};
        const struct linger hard = {.l_onoff = 1}; /* no TIME_WAIT is left */
        link_up(&link, tap, "127.0.0.2");
        tap_read(tap);
        seen += link.wait.seen;
        tap_forget(tap, &link.wait);
        (void)setsockopt(link.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        link_down(&link);
    }
    assert_int_equal(seen, ROUNDS);
    tap_free(tap);
    /* A successor takes the ring over where it was left. */
    struct link link = {0};
    assert_int_equal(tap_new(&tap, fd), 0);
    link_up(&link, tap, "127.0.0.2");
    tap_read(tap);
    assert_true(link.wait.seen);
    tap_forget(tap, &link.wait);
    link_down(&link);
    tap_free(tap);
    (void)close(fd);
}

/* The supervisor's descriptor can't be made to see more. */
static void its_filter_is_locked(void **state)
{
    (void)state;
    int fd = open_or_skip(), off = 0;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &off, sizeof off), -1);
    (void)close(fd);
}

static void what_is_no_tap_is_refused(void **state)
{
    (void)state;
    struct tap *tap = NULL;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(tap_new(&tap, fd) < 0);
    assert_null(tap);
    tap_free(NULL);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_syn_ack_says_who_sent_it), cmocka_unit_test(cut_packets_are_refused),   cmocka_unit_test(what_is_no_tcp_is_refused),
        cmocka_unit_test(any_options_are_survived),   cmocka_unit_test(who_waits_is_told),         cmocka_unit_test(the_ring_goes_round),
        cmocka_unit_test(its_filter_is_locked),       cmocka_unit_test(what_is_no_tap_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
