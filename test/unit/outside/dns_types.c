/* Answers of every type, and what is kept of them. */
#include "dns_asker.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_read),
        cmocka_unit_test(only_what_was_asked_for_counts),
        cmocka_unit_test(aliases_are_followed_in_any_order_and_not_for_ever),
        cmocka_unit_test(an_answer_that_is_cut_or_broken_is_told_so),
        cmocka_unit_test(only_names_are_asked_for),
        cmocka_unit_test(answers_are_kept_as_long_as_they_hold),
        cmocka_unit_test(that_there_is_nothing_is_kept_as_the_zone_says),
        cmocka_unit_test(the_same_question_goes_out_once),
        cmocka_unit_test(the_cache_has_its_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
