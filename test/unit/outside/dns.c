/* Questions to a resolver on the loopback: good answers of every type, hostile ones, silence, what is kept. The clock is the test's. */
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
static void describe(struct asker *a, const struct dns_answer *answer)
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

static void on_done(void *user, struct dns_question *q, const struct dns_answer *answer)
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

static struct asker *set_up(void)
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

static void tear_down(struct asker *a)
{
    dns_free(a->dns);
    if (a->fd >= 0)
        (void)close(a->fd);
    buf_done(&a->text);
    free(a);
}

static void ask(struct asker *a, size_t at, const char *addr)
{
    dns_ask_name(a->dns, &a->questions[at], ip(addr), a->now);
}

/* The resolver's next question. */
static bool hears(struct asker *a)
{
    a->from_len = sizeof a->from;
    ssize_t got = recvfrom(a->fd, a->query, sizeof a->query, 0, (struct sockaddr *)&a->from, &a->from_len);
    a->query_len = got > 0 ? (size_t)got : 0;
    return got > 0;
}

/* Header and question of an answer to the last question, with `count` records to come. */
static void begin_answer(const struct asker *a, struct buf *out, uint8_t code, size_t count)
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

static void add_record(struct buf *out, unsigned type, const char *target, size_t len)
{
    buf_be(out, 0xc00c, 2);
    buf_be(out, type, 2);
    buf_be(out, 1, 2);
    buf_be(out, 60, 4);
    buf_be(out, len, 2);
    buf_put(out, target, len);
}
#define PTR(out, target) add_record(out, 12, target, sizeof(target)) /* the string's own NUL is the root */

static void send_span(struct asker *a, struct span bytes)
{
    assert_int_equal(sendto(a->fd, bytes.at, bytes.len, 0, (struct sockaddr *)&a->from, a->from_len), (ssize_t)bytes.len);
    struct pollfd poll_for = {.fd = dns_fd(a->dns), .events = POLLIN};
    assert_int_equal(poll(&poll_for, 1, 5000), 1);
    dns_read(a->dns, a->now);
}

static void send_answer(struct asker *a, struct buf *out)
{
    assert_int_equal(out->error, 0);
    send_span(a, buf_as_span(out));
    buf_done(out);
}

static void say(struct asker *a, const char *target, size_t len)
{
    struct buf out;
    begin_answer(a, &out, 0, 1);
    add_record(&out, 12, target, len);
    send_answer(a, &out);
}

static void names_are_told(void **state)
{
    (void)state;
    struct asker *a = set_up();
    ask(a, 0, "192.0.2.1");
    ask(a, 1, "2001:db8::1:a5");
    assert_true(hears(a));
    /* id, RD, one question, EDNS; the name is the address the other way round, whatever its case. */
    assert_memory_equal(a->query + 2, "\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01", 10);
    assert_int_equal(a->query_len, 12 + 24 + 4 + OPT);
    assert_int_equal(strcasecmp((char *)a->query + 12, "\0011\0012\0010\003192\007in-addr\004arpa"), 0);
    say(a, "\004Host\007example\003net", 18);
    assert_string_equal(a->names[0], "host.example.net");
    assert_true(hears(a));
    assert_int_equal(strcasecmp((char *)a->query + 12,
                                "\0015\001a\0010\0010\0011\0010\0010\0010\0010\0010\0010\0010\0010\0010\0010\0010\0010\0010\0010"
                                "\0010\0010\0010\0010\0010\0018\001b\001d\0010\0011\0010\0010\0012\003ip6\004arpa"),
                     0);
    say(a, "\004six6\007example\003net", 18);
    assert_string_equal(a->names[1], "six6.example.net");
    struct buf out;
    ask(a, 2, "192.0.2.3");
    assert_true(hears(a));
    begin_answer(a, &out, 0, 3);
    PTR(&out, "\001z\007example\003net");
    PTR(&out, "\003B_b\007example\003net");
    PTR(&out, "\003ccc\007example\003net");
    send_answer(a, &out);
    assert_string_equal(a->names[2], "b_b.example.net");
    assert_int_equal(a->done, 3);
    assert_int_equal(dns_due(a->dns), 0);
    tear_down(a);
}

/* RFC 2317 */
static void a_delegated_name_is_followed(void **state)
{
    (void)state;
    static const char alias[] = "\0011\0060-0027\0012\0010\003192\007in-addr\004arpa";
    struct asker *a = set_up();
    struct buf out;
    ask(a, 0, "192.0.2.1");
    assert_true(hears(a));
    begin_answer(a, &out, 0, 2);
    add_record(&out, 5, alias, sizeof alias);
    buf_put(&out, alias, sizeof alias);
    buf_be(&out, 12, 2);
    buf_be(&out, 1, 2);
    buf_be(&out, 60, 4);
    buf_be(&out, 18, 2);
    buf_put(&out, "\004host\007example\003net", 18);
    send_answer(a, &out);
    assert_string_equal(a->names[0], "host.example.net");
    tear_down(a);
}

static void there_may_be_no_name(void **state)
{
    (void)state;
    struct asker *a = set_up();
    struct buf out;
    static const uint8_t codes[] = {3 /* NXDOMAIN */, 0 /* no record */, 2 /* SERVFAIL */, 5 /* REFUSED */};
    for (size_t i = 0; i < sizeof codes; i++) {
        ask(a, i, "192.0.2.1");
        assert_true(hears(a));
        begin_answer(a, &out, codes[i], 0);
        send_answer(a, &out);
        assert_int_equal(a->told[i], 1);
        assert_string_equal(a->names[i], "");
    }
    /* A name with a code that says no is none. */
    ask(a, 4, "192.0.2.1");
    assert_true(hears(a));
    begin_answer(a, &out, 3, 1);
    PTR(&out, "\004host\007example\003net");
    send_answer(a, &out);
    assert_string_equal(a->names[4], "");
    assert_int_equal(dns_counters(a->dns)->empty, 3);
    assert_int_equal(dns_counters(a->dns)->failed, 2);
    assert_false(hears(a));
    tear_down(a);
}

static void hostile_names_are_none(void **state)
{
    (void)state;
    struct asker *a = set_up();
    static const struct {
        const char *bytes;
        size_t len;
    } targets[] = {
        {"", 1},                        /* the root */
        {"\003a b\003net", 9},          /* a space */
        {"\004a\033[m\003net", 10},     /* an escape sequence */
        {"\002a\0\003net", 8},          /* a NUL */
        {"\003a.b\003net", 9},          /* a dot inside a label */
        {"\003\xe3\x81\x82\003net", 9}, /* no ASCII */
        {"\077host", 5},                /* ends in its label */
        {"\xff\xff", 2},                /* points behind the end */
        {"\x80", 1},                    /* a kind of label that is none */
        {"", 0},
    };
    size_t count = sizeof targets / sizeof targets[0];
    for (size_t i = 0; i < count; i++) {
        dns_ask_name(a->dns, &a->questions[i], addr_v4(0xc6336400U + (uint32_t)i), a->now);
        assert_true(hears(a));
        say(a, targets[i].bytes, targets[i].len);
        assert_int_equal(a->told[i], 1);
        assert_string_equal(a->names[i], "");
    }
    /* A name that points to itself, and one too long: four labels of 63. */
    char loop[2] = {(char)0xc0, 0}, longest[4 * 64 + 1];
    ask(a, count, "192.0.2.1");
    assert_true(hears(a));
    loop[1] = (char)(a->query_len - OPT + 12);
    say(a, loop, 2);
    for (size_t i = 0; i < 4; i++) {
        longest[i * 64] = 63;
        memset(longest + i * 64 + 1, 'a', 63);
    }
    longest[sizeof longest - 1] = '\0';
    ask(a, count + 1, "192.0.2.2");
    assert_true(hears(a));
    say(a, longest, sizeof longest);
    longest[3 * 64] = 61; /* 253 characters are as many as there may be */
    longest[3 * 64 + 62] = '\0';
    ask(a, count + 2, "192.0.2.3");
    assert_true(hears(a));
    say(a, longest, sizeof longest - 2);
    assert_int_equal(a->done, count + 3);
    assert_string_equal(a->names[count], "");
    assert_string_equal(a->names[count + 1], "");
    assert_int_equal(strlen(a->names[count + 2]), DNS_NAME_MAX);
    tear_down(a);
}

/* What answers no question of ours is passed over; the real answer counts. */
static void strange_datagrams_are_passed_over(void **state)
{
    (void)state;
    struct asker *a = set_up();
    struct buf out;
    static const struct {
        size_t at;
        uint8_t flip;
    } bent[] = {{0, 0x01},
                {1, 0x80},
                {2, 0x80} /* a question */,
                {2, 0x20} /* another opcode */,
                {5, 0x02},
                {4, 0x01},
                {13, 0x04} /* the name */,
                {25, 0x20} /* its case */,
                {37, 0x01} /* type */,
                {39, 0x02} /* class */};
    ask(a, 0, "192.0.2.1");
    assert_true(hears(a));
    for (size_t i = 0; i < sizeof bent / sizeof bent[0]; i++) {
        begin_answer(a, &out, 0, 1);
        PTR(&out, "\004evil\007example\003net");
        out.data[bent[i].at] ^= bent[i].flip;
        send_answer(a, &out);
        assert_int_equal(a->done, 0);
    }
    begin_answer(a, &out, 0, 1);
    PTR(&out, "\004evil\007example\003net");
    for (size_t len = 1; len < a->query_len - OPT; len++)
        send_span(a, span_part(buf_as_span(&out), 0, len));
    buf_done(&out);
    buf_init(&out, 0);
    begin_answer(a, &out, 0, 1);
    while (out.len <= DNS_MESSAGE_MAX)
        PTR(&out, "\004evil\007example\003net");
    send_answer(a, &out);
    assert_int_equal(a->done, 0);
    assert_int_equal(dns_counters(a->dns)->strange, sizeof bent / sizeof bent[0] + a->query_len - OPT - 1 + 1);
    say(a, "\004host\007example\003net", 18);
    assert_string_equal(a->names[0], "host.example.net");
    say(a, "\004evil\007example\003net", 18); /* too late */
    assert_int_equal(a->done, 1);
    assert_string_equal(a->names[0], "host.example.net");
    tear_down(a);
}

static void silence_is_asked_once_more(void **state)
{
    (void)state;
    struct asker *a = set_up();
    uint8_t first[DNS_QUERY_MAX];
    ask(a, 0, "192.0.2.1");
    ask(a, 1, "192.0.2.2");
    assert_true(hears(a));
    size_t len = a->query_len;
    memcpy(first, a->query, len);
    assert_true(hears(a));
    assert_int_equal(dns_due(a->dns), a->now + DNS_TIMEOUT);
    dns_run(a->dns, a->now + DNS_TIMEOUT - 1);
    assert_false(hears(a));
    a->now += LATER;
    dns_run(a->dns, a->now);
    assert_true(hears(a));
    assert_int_equal(a->query_len, len);
    assert_memory_equal(a->query, first, len); /* the same, so that a late answer to either counts */
    say(a, "\004host\007example\003net", 18);
    assert_string_equal(a->names[0], "host.example.net");
    assert_true(hears(a));
    a->now += LATER;
    dns_run(a->dns, a->now);
    assert_false(hears(a));
    assert_int_equal(a->told[1], 1);
    assert_string_equal(a->names[1], "");
    assert_int_equal(dns_due(a->dns), 0);
    assert_int_equal(dns_counters(a->dns)->silent, 1);
    tear_down(a);
}

static void a_resolver_may_be_away_and_come_back(void **state)
{
    (void)state;
    struct asker *a = set_up();
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    assert_int_equal(getsockname(a->fd, (struct sockaddr *)&sa, &len), 0);
    (void)close(a->fd);
    ask(a, 0, "192.0.2.1");
    dns_read(a->dns, a->now);
    for (int i = 0; i < 2; i++) {
        a->now += LATER;
        dns_run(a->dns, a->now);
        dns_read(a->dns, a->now);
    }
    assert_int_equal(a->told[0], 1);
    a->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(a->fd, (struct sockaddr *)&sa, len), 0);
    ask(a, 1, "192.0.2.2");
    assert_true(hears(a));
    say(a, "\004host\007example\003net", 18);
    assert_string_equal(a->names[1], "host.example.net");
    tear_down(a);
}

static void no_more_are_under_way_than_allowed(void **state)
{
    (void)state;
    struct asker *a = set_up();
    size_t heard = 0;
    for (size_t i = 0; i < QUESTIONS; i++)
        dns_ask_name(a->dns, &a->questions[i], addr_v4(0xc0000200U + (uint32_t)i), a->now);
    dns_drop(a->dns, &a->questions[0], a->now);
    dns_drop(a->dns, &a->questions[0], a->now);             /* it is over */
    dns_drop(a->dns, &a->questions[QUESTIONS - 1], a->now); /* it waits */
    while (hears(a)) {
        heard++;
        if (heard == 1)
            continue; /* of the one that was dropped */
        assert_true(heard - a->done <= DNS_UNDER_WAY_MAX + 1);
        if (heard % 2 == 0)
            say(a, "\004host\007example\003net", 18);
    }
    for (int i = 0; i < 6; i++) {
        a->now += LATER;
        dns_run(a->dns, a->now);
    }
    assert_int_equal(a->done, QUESTIONS - 2);
    assert_int_equal(a->told[0] + a->told[QUESTIONS - 1], 0);
    for (size_t i = 1; i < QUESTIONS - 1; i++)
        assert_int_equal(a->told[i], 1);
    assert_int_equal(dns_due(a->dns), 0);
    tear_down(a);
}

static void ids_and_cases_are_left_to_chance(void **state)
{
    (void)state;
    struct asker *a = set_up();
    size_t same = 0;
    uint8_t before[2] = {0}, cases[32] = {0};
    for (size_t i = 0; i < 40; i++) {
        ask(a, i, "192.0.2.1");
        assert_true(hears(a));
        dns_drop(a->dns, &a->questions[i], a->now);
        same += memcmp(before, a->query, 2) == 0;
        memcpy(before, a->query, 2);
        for (size_t k = 0; k < 24; k++)
            cases[k] |= (uint8_t)(a->query[12 + k] & 0x20 ? 2 : 1);
    }
    assert_true(same < 3);
    /* 1 1 1 2 1 0 3 192 7 in-addr 4 arpa 0: the letters come in both. */
    static const uint8_t letters[] = {11, 12, 14, 15, 16, 17, 19, 20, 21, 22};
    for (size_t i = 0; i < sizeof letters; i++)
        assert_int_equal(cases[letters[i]], 3);
    tear_down(a);
}

/* ---- all types ---- */

static void ask_for(struct asker *a, size_t at, enum dns_type type, const char *name)
{
    assert_int_equal(dns_ask(a->dns, &a->questions[at], type, span_text(name), a->now), 0);
}

static void add_named(struct buf *out, struct span owner, unsigned type, uint32_t ttl, struct span data)
{
    buf_span(out, owner);
    buf_be(out, type, 2);
    buf_be(out, 1, 2);
    buf_be(out, ttl, 4);
    buf_be(out, data.len, 2);
    buf_span(out, data);
}
#define BYTES(text) span_of((const uint8_t *)(text), sizeof(text) - 1)
#define LITERAL(text)                             \
    {                                             \
        (const uint8_t *)(text), sizeof(text) - 1 \
    }
#define LITERAL_NAME(text)                    \
    {                                         \
        (const uint8_t *)(text), sizeof(text) \
    }
#define ASKED BYTES("\xc0\x0c")
#define NAME(text) span_of((const uint8_t *)(text), sizeof(text)) /* the string's own NUL is the root */

static const struct {
    enum dns_type type;
    struct span data;
    const char *says;
} kinds[] = {
    {DNS_A, LITERAL("\xc0\x00\x02\x07"), "0 | 192.0.2.7"},
    {DNS_A, LITERAL("\xc0\x00\x02"), "0"},
    {DNS_AAAA, LITERAL("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x09"), "0 | 2001:db8::9"},
    {DNS_AAAA, LITERAL("\xc0\x00\x02\x07"), "0"},
    {DNS_NS, LITERAL_NAME("\002Ns\007example\003net"), "0 | ns.example.net"},
    {DNS_NS, LITERAL("\0"), "0"},
    {DNS_NS, LITERAL("\xc0\x0c"), "0 | mail.example"},
    {DNS_MX, LITERAL_NAME("\0\012\002mX\007example\003net"), "0 | 10 mx.example.net"},
    {DNS_MX, LITERAL("\0\0\0"), "0 | 0 "}, /* null MX, RFC 7505 */
    {DNS_MX, LITERAL("\0\012\003a b\0"), "0"},
    {DNS_MX, LITERAL("\0\012"), "0"},
    {DNS_TXT, LITERAL("\005abuse\001@\004a.bc"), "0 | abuse@a.bc"},
    {DNS_TXT, LITERAL("\0"), "0 | "},
    {DNS_TXT, LITERAL("\011abuse"), "0"},
    {DNS_TXT, LITERAL(""), "0"},
    {DNS_SOA, LITERAL("\002ns\0\012Hostmaster\007example\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5"), "0 | Hostmaster.example"},
    {DNS_SOA, LITERAL("\002ns\0\012noc.tokyo1\007example\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5"), "0 | noc\\.tokyo1.example"},
    {DNS_SOA, LITERAL("\002ns\0\005a@b;c\007example\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5"), "0 | a@b;c.example"},
    {DNS_SOA, LITERAL("\002ns\0\003a\033c\007example\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5"), "0"},
    {DNS_SOA, LITERAL("\002ns\0"), "0"},
};

static void every_type_is_read(void **state)
{
    (void)state;
    struct asker *a = set_up();
    struct buf out;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        ask_for(a, i, kinds[i].type, "Mail.Example.");
        assert_true(hears(a));
        assert_int_equal(a->query[a->query_len - OPT - 3], kinds[i].type);
        begin_answer(a, &out, 0, 1);
        add_named(&out, ASKED, kinds[i].type, 0, kinds[i].data);
        send_answer(a, &out);
        assert_int_equal(a->told[i], 1);
        assert_string_equal(buf_cstr(&a->text), kinds[i].says);
    }
    tear_down(a);
}

static void only_what_was_asked_for_counts(void **state)
{
    (void)state;
    struct asker *a = set_up();
    struct buf out;
    ask_for(a, 0, DNS_A, "mail.example");
    assert_true(hears(a));
    begin_answer(a, &out, 0, 4);
    add_named(&out, NAME("\005other\007example"), DNS_A, 60, BYTES("\x7f\0\0\1"));
    add_named(&out, ASKED, DNS_TXT, 60, BYTES("\001a"));
    add_named(&out, NAME("\004MAIL\007EXAMPLE"), DNS_A, 60, BYTES("\xc0\0\2\1"));
    buf_put(&out, "\xc0\x0c\0\1\0\3\0\0\0\1\0\4\xc0\0\2\2", 16); /* of another class */
    send_answer(a, &out);
    assert_string_equal(buf_cstr(&a->text), "0 | 192.0.2.1");
    tear_down(a);
}

static void aliases_are_followed_in_any_order_and_not_for_ever(void **state)
{
    (void)state;
    struct asker *a = set_up();
    struct buf out;
    ask_for(a, 0, DNS_A, "www.example");
    assert_true(hears(a));
    begin_answer(a, &out, 0, 3);
    add_named(&out, NAME("\001c"), DNS_A, 60, BYTES("\xc0\0\2\1"));
    add_named(&out, NAME("\001B"), 5, 60, NAME("\001C"));
    add_named(&out, ASKED, 5, 60, NAME("\001b"));
    send_answer(a, &out);
    assert_string_equal(buf_cstr(&a->text), "0 | 192.0.2.1");
    ask_for(a, 1, DNS_A, "loop.example");
    assert_true(hears(a));
    begin_answer(a, &out, 0, 2);
    add_named(&out, ASKED, 5, 60, NAME("\001b"));
    add_named(&out, NAME("\001b"), 5, 60, ASKED);
    send_answer(a, &out);
    assert_string_equal(buf_cstr(&a->text), "0");
    ask_for(a, 2, DNS_A, "far.example");
    assert_true(hears(a));
    begin_answer(a, &out, 0, DNS_ALIASES_MAX + 2);
    for (char i = 0; i < DNS_ALIASES_MAX + 1; i++) {
        const uint8_t from[] = {1, (uint8_t)('a' + i), 0}, to_name[] = {1, (uint8_t)('b' + i), 0};
        add_named(&out, i == 0 ? ASKED : span_of(from, 3), 5, 60, span_of(to_name, 3));
    }
    add_named(&out, BYTES("\001j\0"), DNS_A, 60, BYTES("\xc0\0\2\1"));
    send_answer(a, &out);
    assert_string_equal(buf_cstr(&a->text), "0");
    tear_down(a);
}

static void an_answer_that_is_cut_or_broken_is_told_so(void **state)
{
    (void)state;
    struct asker *a = set_up();
    struct buf out;
    ask_for(a, 0, DNS_A, "mail.example");
    assert_true(hears(a));
    begin_answer(a, &out, 0, 1);
    out.data[2] |= 2; /* TC */
    add_named(&out, ASKED, DNS_A, 60, BYTES("\xc0\0\2\1"));
    send_answer(a, &out);
    assert_string_equal(buf_cstr(&a->text), "0 cut | 192.0.2.1");
    ask_for(a, 0, DNS_A, "mail.example"); /* not kept */
    assert_true(hears(a));
    begin_answer(a, &out, 0, 2); /* of which one is not there */
    add_named(&out, ASKED, DNS_A, 60, BYTES("\xc0\0\2\1"));
    send_answer(a, &out);
    assert_string_equal(buf_cstr(&a->text), "0 cut");
    ask_for(a, 0, DNS_MX, "mail.example");
    assert_true(hears(a));
    begin_answer(a, &out, 2, 0);
    send_answer(a, &out);
    assert_string_equal(buf_cstr(&a->text), "2");
    tear_down(a);
}

static void only_names_are_asked_for(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      ".",
                                      "a..b",
                                      ".a",
                                      "a b",
                                      "a\\.b",
                                      "caf\xc3\xa9.example",
                                      "a\n",
                                      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example"};
    struct asker *a = set_up();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(dns_ask(a->dns, &a->questions[0], DNS_A, span_text(bad[i]), a->now), -ERR_MALFORMED);
        assert_int_equal(a->questions[0].stage, DNS_OVER);
    }
    char longest[DNS_NAME_MAX + 2];
    for (size_t i = 0; i < sizeof longest; i++)
        longest[i] = i % 60 == 59 ? '.' : 'a';
    assert_int_equal(dns_ask(a->dns, &a->questions[0], DNS_A, span_of((uint8_t *)longest, DNS_NAME_MAX + 1), a->now), -ERR_MALFORMED);
    assert_int_equal(dns_ask(a->dns, &a->questions[0], DNS_A, span_of((uint8_t *)longest, DNS_NAME_MAX), a->now), 0);
    assert_true(hears(a));
    assert_int_equal(a->query_len, 12 + DNS_NAME_MAX + 2 + 4 + OPT);
    tear_down(a);
}

/* ---- what is kept ---- */

static void say_address(struct asker *a, uint32_t ttl)
{
    struct buf out;
    assert_true(hears(a));
    begin_answer(a, &out, 0, 1);
    add_named(&out, ASKED, DNS_A, ttl, BYTES("\xc0\0\2\1"));
    send_answer(a, &out);
}

static void answers_are_kept_as_long_as_they_hold(void **state)
{
    (void)state;
    struct asker *a = set_up();
    ask_for(a, 0, DNS_A, "mail.example");
    say_address(a, 60);
    a->now += 59 * USEC_PER_SEC;
    ask_for(a, 1, DNS_A, "MAIL.example");
    assert_false(hears(a));
    assert_int_equal(a->told[1], 0); /* never inside dns_ask */
    assert_true(dns_due(a->dns) != 0 && dns_due(a->dns) <= a->now);
    dns_run(a->dns, a->now);
    assert_string_equal(buf_cstr(&a->text), "0 cached | 192.0.2.1");
    assert_int_equal(dns_due(a->dns), 0);
    /* Another type is another question. */
    ask_for(a, 2, DNS_AAAA, "mail.example");
    assert_true(hears(a));
    dns_drop(a->dns, &a->questions[2], a->now);
    /* It was known when it was asked for, and is too old when it would be told. */
    ask_for(a, 3, DNS_A, "mail.example");
    a->now += USEC_PER_SEC;
    dns_run(a->dns, a->now);
    assert_int_equal(a->told[3], 0);
    say_address(a, 0);
    assert_string_equal(buf_cstr(&a->text), "0 | 192.0.2.1");
    ask_for(a, 4, DNS_A, "mail.example"); /* TTL 0 holds once */
    say_address(a, UINT32_C(0x80000000));
    ask_for(a, 5, DNS_A, "mail.example"); /* RFC 2181 §8: as 0 */
    say_address(a, 100);
    assert_int_equal(dns_counters(a->dns)->cached, 1);
    tear_down(a);
}

static void that_there_is_nothing_is_kept_as_the_zone_says(void **state)
{
    (void)state;
    struct asker *a = set_up();
    struct buf out;
    static const char soa[] = "\0\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0"; /* MINIMUM: the last byte and the literal's NUL */
    for (unsigned code = 0; code <= 3; code += 3) {
        const char *name = code == 0 ? "a.example" : "b.example";
        ask_for(a, 0, DNS_MX, name);
        assert_true(hears(a));
        begin_answer(a, &out, (uint8_t)code, 0);
        out.data[9] = 1;
        buf_put(&out, "\0\0\6\0\1\0\0\0\74", 9); /* the root's SOA, TTL 60 */
        buf_be(&out, 22, 2);
        buf_put(&out, soa, 21);
        buf_byte(&out, 30);
        send_answer(a, &out);
        ask_for(a, 1, DNS_MX, name);
        a->now += 29 * USEC_PER_SEC;
        dns_run(a->dns, a->now);
        assert_string_equal(buf_cstr(&a->text), code == 0 ? "0 cached" : "3 cached");
        a->now += 2 * USEC_PER_SEC;
        ask_for(a, 2, DNS_MX, name);
        assert_true(hears(a));
        dns_drop(a->dns, &a->questions[2], a->now);
    }
    tear_down(a);
}

static void drop_another(struct asker *a)
{
    dns_drop(a->dns, &a->questions[2], a->now);
}

static void the_same_question_goes_out_once(void **state)
{
    (void)state;
    struct asker *a = set_up();
    for (size_t i = 0; i < 5; i++)
        ask_for(a, i, DNS_A, "mail.example");
    dns_drop(a->dns, &a->questions[0], a->now); /* the others still want it */
    a->on_told = drop_another;
    say_address(a, 0);
    assert_false(hears(a));
    assert_int_equal(a->done, 3);
    assert_int_equal(a->told[0] + a->told[2], 0);
    assert_int_equal(a->told[1] + a->told[3] + a->told[4], 3);
    assert_int_equal(dns_counters(a->dns)->asked, 1);
    assert_int_equal(dns_counters(a->dns)->joined, 4);
    a->on_told = NULL;
    ask_for(a, 0, DNS_A, "other.example");
    ask_for(a, 2, DNS_A, "other.example");
    dns_drop(a->dns, &a->questions[0], a->now);
    dns_drop(a->dns, &a->questions[2], a->now);
    assert_int_equal(dns_due(a->dns), 0);
    for (size_t i = 0; i < 3; i++)
        ask_for(a, i, DNS_A, "silent.example");
    for (int i = 0; i < 2; i++) {
        a->now += LATER;
        dns_run(a->dns, a->now);
    }
    assert_int_equal(a->done, 6);
    assert_string_equal(buf_cstr(&a->text), "-1");
    tear_down(a);
}

static void the_cache_has_its_bounds(void **state)
{
    (void)state;
    struct dns_cache *cache = NULL;
    static uint8_t message[DNS_MESSAGE_MAX];
    struct span known;
    char name[32];
    assert_int_equal(dns_cache_new(&cache), 0);
    for (unsigned i = 0; i < 100000; i++) {
        (void)snprintf(name, sizeof name, "%u.example", i);
        message[0] = (uint8_t)i;
        dns_cache_put(cache, DNS_A, span_text(name), span_of(message, i % 3 == 0 ? sizeof message : 60), i + 10);
        assert_true(dns_cache_bytes(cache) <= DNS_CACHE_BYTES && dns_cache_count(cache) <= DNS_CACHE_ENTRIES);
        if (i >= 5000) /* asked for often: kept */
            assert_true(i < 5000 || dns_cache_get(cache, DNS_A, BYTES("4999.example"), 0, &known));
    }
    assert_true(dns_cache_count(cache) > 5000);
    assert_false(dns_cache_get(cache, DNS_A, BYTES("0.example"), 0, &known));
    assert_true(dns_cache_get(cache, DNS_A, BYTES("99999.example"), 0, &known));
    assert_int_equal(known.at[0], 99999 & 255);
    assert_false(dns_cache_get(cache, DNS_AAAA, BYTES("99999.example"), 0, &known));
    assert_false(dns_cache_get(cache, DNS_A, BYTES("99999.example"), 100009, &known));
    size_t before = dns_cache_count(cache);
    dns_cache_put(cache, DNS_A, BYTES("99999.example"), BYTES("again"), 10);
    assert_int_equal(dns_cache_count(cache), before);
    assert_true(dns_cache_get(cache, DNS_A, BYTES("99999.example"), 0, &known));
    assert_int_equal(known.len, 5);
    dns_cache_free(cache);
}

static void the_setting_is_an_address(void **state)
{
    (void)state;
    static const char *const good[][2] = {{"192.0.2.53", "192.0.2.53:53"},
                                          {"192.0.2.53:5353", "192.0.2.53:5353"},
                                          {"2001:db8::53", "[2001:db8::53]:53"},
                                          {"[2001:db8::53]:5353", "[2001:db8::53]:5353"}};
    static const char *const bad[] = {"resolver.example", "192.0.2.53:0", "192.0.2.53:", "192.0.2.0/24"};
    struct conf *conf = settings_of("{}\n");
    struct conf_error error;
    struct endpoint to;
    char text[ENDPOINT_TEXT_SIZE], change[128];
    assert_int_equal(dns_resolver(conf, &to, &error), 0);
    assert_int_equal(to.port, 0);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        (void)snprintf(change, sizeof change, "outside.resolver=%s", good[i][0]);
        assert_int_equal(conf_override(conf, change, &error), 0);
        assert_int_equal(dns_resolver(conf, &to, &error), 0);
        assert_string_equal(endpoint_print(to, text), good[i][1]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)snprintf(change, sizeof change, "outside.resolver=%s", bad[i]);
        assert_int_equal(conf_override(conf, change, &error), 0);
        assert_int_equal(dns_resolver(conf, &to, &error), -ERR_CONFIG);
        assert_non_null(strstr(error.text, "outside.resolver: expected the address of a resolver"));
    }
    conf_free(conf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_told),
        cmocka_unit_test(a_delegated_name_is_followed),
        cmocka_unit_test(there_may_be_no_name),
        cmocka_unit_test(hostile_names_are_none),
        cmocka_unit_test(strange_datagrams_are_passed_over),
        cmocka_unit_test(silence_is_asked_once_more),
        cmocka_unit_test(a_resolver_may_be_away_and_come_back),
        cmocka_unit_test(no_more_are_under_way_than_allowed),
        cmocka_unit_test(ids_and_cases_are_left_to_chance),
        cmocka_unit_test(every_type_is_read),
        cmocka_unit_test(only_what_was_asked_for_counts),
        cmocka_unit_test(aliases_are_followed_in_any_order_and_not_for_ever),
        cmocka_unit_test(an_answer_that_is_cut_or_broken_is_told_so),
        cmocka_unit_test(only_names_are_asked_for),
        cmocka_unit_test(answers_are_kept_as_long_as_they_hold),
        cmocka_unit_test(that_there_is_nothing_is_kept_as_the_zone_says),
        cmocka_unit_test(the_same_question_goes_out_once),
        cmocka_unit_test(the_cache_has_its_bounds),
        cmocka_unit_test(the_setting_is_an_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
