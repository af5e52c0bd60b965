#include "check.h"

#include "base/addr.h"

static struct addr parsed(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(span_text(text), &a), 0);
    return a;
}

static void addresses_print_as_rfc_5952(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"192.0.2.1", "192.0.2.1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
        {"2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1"},
        {"::", "::"},
        {"::1", "::1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"2001:db8:ffff:ffff:ffff:ffff:255.255.255.255", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"},
    };
    char text[ADDR_TEXT_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(addr_print(parsed(cases[i][0]), text), cases[i][1]);
    assert_true(addr_is_v4(parsed("192.0.2.1")));
    assert_false(addr_is_v4(parsed("2001:db8::1")));
    assert_true(addr_equal(addr_v4(0xc0000201), parsed("192.0.2.1")));
}

static void bad_addresses_are_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {"",         "1.2.3",     "1.2.3.4.5", "256.1.1.1", " 1.2.3.4", "1.2.3.4 ",
                                        "01.2.3.4", "fe80::1%1", "2001:db8:", ":::",       "[::1]",    "localhost"};
    struct addr a = addr_v4(7), before = a;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(addr_parse(span_text(cases[i]), &a), -ERR_MALFORMED);
    assert_int_equal(addr_parse(span_of("1.2.3.4\0x", 9), &a), -ERR_MALFORMED);
    char longest[100];
    memset(longest, '1', sizeof longest);
    assert_int_equal(addr_parse(span_of(longest, sizeof longest), &a), -ERR_MALFORMED);
    assert_true(addr_equal(a, before)); /* untouched on failure */
}

static void endpoints_round_trip(void **state)
{
    (void)state;
    static const char *const good[] = {"192.0.2.1:23", "[2001:db8::1]:0", "[::]:65535", "0.0.0.0:1"};
    static const char *const bad[] = {"192.0.2.1",
                                      "192.0.2.1:",
                                      "192.0.2.1:65536",
                                      "2001:db8::1:23",
                                      "[2001:db8::1]",
                                      "[2001:db8::1]23",
                                      "[2001:db8::1",
                                      ":23",
                                      "[]:23",
                                      "192.0.2.1:+1",
                                      "192.0.2.1:000001",
                                      "[",
                                      "192.0.2.1:2 ",
                                      ""};
    char text[ENDPOINT_TEXT_SIZE];
    struct endpoint e;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(endpoint_parse(span_text(good[i]), &e), 0);
        assert_string_equal(endpoint_print(e, text), good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(endpoint_parse(span_text(bad[i]), &e), -ERR_MALFORMED);
}

static void socket_addresses_convert_both_ways(void **state)
{
    (void)state;
    static const char *const cases[] = {"192.0.2.1:23", "[2001:db8::1]:2323"};
    for (size_t i = 0; i < 2; i++) {
        struct endpoint e, back;
        struct sockaddr_storage sa;
        assert_int_equal(endpoint_parse(span_text(cases[i]), &e), 0);
        socklen_t len = endpoint_to_sockaddr(e, &sa);
        assert_int_equal(len, i == 0 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
        assert_int_equal(endpoint_from_sockaddr((const struct sockaddr *)&sa, &back), 0);
        assert_true(addr_equal(e.addr, back.addr));
        assert_int_equal(e.port, back.port);
    }
    struct sockaddr_storage other = {.ss_family = AF_UNIX};
    struct endpoint e;
    assert_int_equal(endpoint_from_sockaddr((const struct sockaddr *)&other, &e), -ERR_MALFORMED);
}

static void prefixes_round_trip_and_hold(void **state)
{
    (void)state;
    static const char *const good[] = {"192.0.2.0/24", "0.0.0.0/0", "::/0", "2001:db8::/32", "192.0.2.1/32", "2001:db8::1/128", "198.51.100.128/25"};
    static const char *const bad[] = {"192.0.2.1/24", "192.0.2.0/33", "2001:db8::/129", "192.0.2.0/",
                                      "192.0.2.0/-1", "/24",          "2001:db8::1/32", "192.0.2.0/24 "};
    char text[PREFIX_TEXT_SIZE];
    struct prefix p;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(prefix_parse(span_text(good[i]), &p), 0);
        assert_string_equal(prefix_print(p, text), good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(prefix_parse(span_text(bad[i]), &p), -ERR_MALFORMED);
    assert_int_equal(prefix_parse(span_text("192.0.2.7"), &p), 0);
    assert_string_equal(prefix_print(p, text), "192.0.2.7/32");
    assert_int_equal(prefix_parse(span_text("198.51.100.128/25"), &p), 0);
    assert_true(prefix_holds(p, parsed("198.51.100.255")));
    assert_false(prefix_holds(p, parsed("198.51.100.127")));
    assert_int_equal(prefix_parse(span_text("0.0.0.0/0"), &p), 0);
    assert_true(prefix_holds(p, parsed("203.0.113.9")));
    assert_false(prefix_holds(p, parsed("2001:db8::1")));
}

static void trie_put_text(struct trie *t, const char *prefix, char *value)
{
    struct prefix p;
    assert_int_equal(prefix_parse(span_text(prefix), &p), 0);
    assert_int_equal(trie_put(t, p, value), 0);
}

static void the_longest_prefix_wins(void **state)
{
    (void)state;
    struct trie *t;
    assert_int_equal(trie_new(&t), 0);
    assert_null(trie_find(t, parsed("192.0.2.1"), NULL));
    char all[] = "all", net[] = "net", half[] = "half", host[] = "host", six[] = "six", again[] = "again";
    trie_put_text(t, "::/0", all);
    trie_put_text(t, "192.0.2.0/24", net);
    trie_put_text(t, "192.0.2.128/25", half);
    trie_put_text(t, "192.0.2.129", host);
    trie_put_text(t, "2001:db8::/32", six);
    struct prefix found;
    char text[PREFIX_TEXT_SIZE];
    assert_ptr_equal(trie_find(t, parsed("192.0.2.129"), &found), host);
    assert_string_equal(prefix_print(found, text), "192.0.2.129/32");
    assert_ptr_equal(trie_find(t, parsed("192.0.2.130"), &found), half);
    assert_string_equal(prefix_print(found, text), "192.0.2.128/25");
    assert_ptr_equal(trie_find(t, parsed("192.0.2.1"), NULL), net);
    assert_ptr_equal(trie_find(t, parsed("2001:db8:1::"), NULL), six);
    assert_ptr_equal(trie_find(t, parsed("203.0.113.1"), &found), all);
    assert_string_equal(prefix_print(found, text), "::/0");
    trie_put_text(t, "192.0.2.0/24", again);
    assert_ptr_equal(trie_find(t, parsed("192.0.2.1"), NULL), again);
    assert_int_equal(prefix_parse(span_text("192.0.2.128/25"), &found), 0);
    assert_true(trie_drop(t, found));
    assert_false(trie_drop(t, found));
    assert_ptr_equal(trie_find(t, parsed("192.0.2.130"), NULL), again);
    assert_ptr_equal(trie_find(t, parsed("192.0.2.129"), NULL), host);
    trie_free(t);
    trie_free(NULL);
}

/* Against a walk over all prefixes, on addresses from a small generator. */
static void the_trie_agrees_with_a_linear_search(void **state)
{
    (void)state;
    enum { COUNT = 300 };
    static struct prefix prefixes[COUNT];
    static int values[COUNT];
    struct trie *t;
    assert_int_equal(trie_new(&t), 0);
    uint32_t seed = 1;
    for (size_t i = 0; i < COUNT; i++) {
        seed = seed * 1664525 + 1013904223;
        unsigned bits = 1 + (seed >> 8) % 12;
        uint32_t v4 = (seed >> 12) << 20 & ~(UINT32_MAX >> bits);
        prefixes[i] = (struct prefix){.addr = addr_v4(v4), .bits = (uint8_t)(96 + bits)};
        assert_int_equal(trie_put(t, prefixes[i], &values[i]), 0);
    }
    for (size_t n = 0; n < 5000; n++) {
        seed = seed * 1664525 + 1013904223;
        struct addr a = addr_v4(seed);
        int *best = NULL;
        uint8_t bits = 0;
        for (size_t i = 0; i < COUNT; i++) {
            if (prefix_holds(prefixes[i], a) && prefixes[i].bits >= bits) {
                best = &values[i]; /* the last put of equal prefixes replaced the others */
                bits = prefixes[i].bits;
            }
        }
        struct prefix found;
        assert_ptr_equal(trie_find(t, a, &found), best);
        if (best != NULL)
            assert_int_equal(found.bits, bits);
    }
    trie_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_print_as_rfc_5952),
        cmocka_unit_test(bad_addresses_are_refused),
        cmocka_unit_test(endpoints_round_trip),
        cmocka_unit_test(socket_addresses_convert_both_ways),
        cmocka_unit_test(prefixes_round_trip_and_hold),
        cmocka_unit_test(the_longest_prefix_wins),
        cmocka_unit_test(the_trie_agrees_with_a_linear_search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
