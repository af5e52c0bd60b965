/* Who asks, and a resolver on the loopback that answers as a test says. The clock is the test's. */
#pragma once

#include "check.h"

#include "outside/dns.h"
#include "outside/dns_cache.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { QUESTIONS = 600, OPT = 11 };
#define LATER (DNS_TIMEOUT + 1)

struct asker {
    struct dns *dns;
    int fd; /* the resolver's */
    usec_t now;
    struct dns_question questions[QUESTIONS];
    char names[QUESTIONS][DNS_NAME_MAX + 1];
    size_t told[QUESTIONS], done;
    struct sockaddr_storage from; /* of the last question the resolver had */
    socklen_t from_len;
    uint8_t query[DNS_MESSAGE_MAX];
    size_t query_len;
    struct buf text;
    void (*on_told)(struct asker *);
};

/* Of the last answer, as text: "rcode", "cut", "cached", then each record. */
static inline void describe(struct asker *a, const struct dns_answer *answer)
{
    char address[ADDR_TEXT_SIZE];
    buf_clear(&a->text);
    buf_printf(&a->text, "%d%s%s", answer->rcode, answer->cut ? " cut" : "", answer->cached ? " cached" : "");
    for (size_t i = 0; i < answer->count; i++) {
        const struct dns_record *r = &answer->records[i];
        buf_printf(&a->text, r->type == DNS_MX ? " | %u " : " | ", r->preference);
        if (r->type == DNS_A || r->type == DNS_AAAA)
            buf_text(&a->text, addr_print(r->addr, address));
        else
            buf_span(&a->text, r->text);
    }
}

static inline void on_done(void *user, struct dns_question *q, const struct dns_answer *answer)
{
    struct asker *a = user;
    size_t at = (size_t)(q - a->questions);
    struct span name = q->type == DNS_PTR ? dns_first_name(answer) : (struct span){0};
    assert_true(name.len <= DNS_NAME_MAX);
    assert_true((answer->rcode == DNS_SILENT) == (answer->message.len == 0));
    if (name.len > 0)
        memcpy(a->names[at], name.at, name.len);
    a->names[at][name.len] = '\0';
    describe(a, answer);
    a->told[at]++;
    a->done++;
    if (a->on_told != NULL)
        a->on_told(a);
}

static inline struct asker *set_up(void)
{
    struct asker *a = calloc(1, sizeof *a);
    struct endpoint resolver = {.addr = ip("127.0.0.53")};
    struct sockaddr_storage sa;
    assert_non_null(a);
    socklen_t len = endpoint_to_sockaddr(resolver, &sa);
    a->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(a->fd >= 0);
    assert_int_equal(bind(a->fd, (struct sockaddr *)&sa, len), 0);
    assert_int_equal(getsockname(a->fd, (struct sockaddr *)&sa, &len), 0);
    assert_int_equal(endpoint_from_sockaddr((struct sockaddr *)&sa, &resolver), 0);
    a->now = USEC_PER_HOUR;
    buf_init(&a->text, 0);
    assert_int_equal(dns_new(&a->dns, resolver, on_done, a), 0);
    return a;
}

static inline void tear_down(struct asker *a)
{
    dns_free(a->dns);
    if (a->fd >= 0)
        (void)close(a->fd);
    buf_done(&a->text);
    free(a);
}

static inline void ask(struct asker *a, size_t at, const char *addr)
{
    dns_ask_name(a->dns, &a->questions[at], ip(addr), a->now);
}

/* The resolver's next question. */
static inline bool hears(struct asker *a)
{
    a->from_len = sizeof a->from;
    ssize_t got = recvfrom(a->fd, a->query, sizeof a->query, 0, (struct sockaddr *)&a->from, &a->from_len);
    a->query_len = got > 0 ? (size_t)got : 0;
    return got > 0;
}

/* Header and question of an answer to the last question, with `count` records to come. */
static inline void begin_answer(const struct asker *a, struct buf *out, uint8_t code, size_t count)
{
    buf_init(out, 4096);
    buf_put(out, a->query, 2);
    buf_byte(out, 0x81);
    buf_byte(out, 0x80 | code);
    buf_be(out, 1, 2);
    buf_be(out, count, 2);
    buf_be(out, 0, 4);
    buf_put(out, a->query + 12, a->query_len - 12 - OPT);
}

static inline void add_record(struct buf *out, unsigned type, const char *target, size_t len)
{
    buf_be(out, 0xc00c, 2);
    buf_be(out, type, 2);
    buf_be(out, 1, 2);
    buf_be(out, 60, 4);
    buf_be(out, len, 2);
    buf_put(out, target, len);
}
#define PTR(out, target) add_record(out, 12, target, sizeof(target)) /* the string's own NUL is the root */

static inline void send_span(struct asker *a, struct span bytes)
{
    assert_int_equal(sendto(a->fd, bytes.at, bytes.len, 0, (struct sockaddr *)&a->from, a->from_len), (ssize_t)bytes.len);
    struct pollfd poll_for = {.fd = dns_fd(a->dns), .events = POLLIN};
    assert_int_equal(poll(&poll_for, 1, 5000), 1);
    dns_read(a->dns, a->now);
}

static inline void send_answer(struct asker *a, struct buf *out)
{
    assert_int_equal(out->error, 0);
    send_span(a, buf_as_span(out));
    buf_done(out);
}

static inline void say(struct asker *a, const char *target, size_t len)
{
    struct buf out;
    begin_answer(a, &out, 0, 1);
    add_record(&out, 12, target, len);
    send_answer(a, &out);
}
