/* What is known of blocks: the smallest that holds an address serves it, until it expires; memory stays bounded. */
#include "reach/netblocks.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct addr ip(const char *text)
{
    struct addr a = {.bytes = {0}};
    assert_int_equal(addr_parse(span_text(text), &a), 0);
    return a;
}

static struct prefix net(const char *text)
{
    struct prefix p = {.bits = 0};
    assert_int_equal(prefix_parse(span_text(text), &p), 0);
    return p;
}

static void put(struct netblocks *b, const char *block, const char *value, usec_t expires)
{
    const struct finding f = {.value = span_text(value), .origin = span_text("whois.test")};
    assert_int_equal(netblocks_put(b, "ip_whois", net(block), expires, &f), 0);
}

static void assert_known(struct netblocks *b, const char *addr, const char *value)
{
    const struct netblock *block = netblocks_find(b, "ip_whois", ip(addr), 100);
    if (value == NULL) {
        assert_null(block);
        return;
    }
    assert_non_null(block);
    assert_true(span_is(block->findings->value, value));
}

static void the_smallest_block_serves(void **state)
{
    (void)state;
    struct netblocks *b;
    assert_int_equal(netblocks_new(&b), 0);
    put(b, "192.0.2.0/24", "wide@net.example", 200);
    put(b, "192.0.2.64/26", "narrow@net.example", 200);
    put(b, "2001:db8::/32", "six@net.example", 200);
    assert_known(b, "192.0.2.1", "wide@net.example");
    assert_known(b, "192.0.2.65", "narrow@net.example");
    assert_known(b, "2001:db8::1", "six@net.example");
    assert_known(b, "192.0.3.1", NULL);
    assert_null(netblocks_find(b, "rdap", ip("192.0.2.1"), 100));
    put(b, "192.0.2.0/24", "newer@net.example", 200);
    assert_known(b, "192.0.2.1", "newer@net.example");
    assert_known(b, "192.0.2.65", "narrow@net.example");
    assert_int_equal(netblocks_count(b), 3);
    netblocks_free(b);
}

static void what_has_expired_gives_way_to_the_wider(void **state)
{
    (void)state;
    struct netblocks *b;
    assert_int_equal(netblocks_new(&b), 0);
    put(b, "192.0.2.0/24", "wide@net.example", 200);
    put(b, "192.0.2.64/26", "old@net.example", 50);
    assert_known(b, "192.0.2.65", "wide@net.example");
    assert_int_equal(netblocks_count(b), 1);
    netblocks_free(b);
}

static void a_block_as_large_as_the_internet_is_not_believed(void **state)
{
    (void)state;
    struct netblocks *b;
    assert_int_equal(netblocks_new(&b), 0);
    assert_true(netblocks_put(b, "ip_whois", net("0.0.0.0/7"), 200, NULL) < 0);
    assert_true(netblocks_put(b, "ip_whois", net("::/0"), 200, NULL) < 0);
    assert_int_equal(netblocks_put(b, "ip_whois", net("10.0.0.0/8"), 200, NULL), 0);
    assert_non_null(netblocks_find(b, "ip_whois", ip("10.1.2.3"), 100));
    netblocks_free(b);
}

static void what_was_put_first_goes_first(void **state)
{
    (void)state;
    struct netblocks *b;
    assert_int_equal(netblocks_new(&b), 0);
    const struct finding f = {.value = span_text("abuse@net.example")};
    for (uint32_t i = 0; i < BLOCKS_MAX + 100; i++) {
        const struct prefix p = {.addr = addr_v4(0x0a000000 + i * 16), .bits = 124};
        assert_int_equal(netblocks_put(b, "ip_whois", p, 200, &f), 0);
    }
    assert_int_equal(netblocks_count(b), BLOCKS_MAX);
    assert_null(netblocks_find(b, "ip_whois", addr_v4(0x0a000000), 100));
    assert_non_null(netblocks_find(b, "ip_whois", addr_v4(0x0a000000 + 100 * 16), 100));
    netblocks_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_block_serves),
        cmocka_unit_test(what_has_expired_gives_way_to_the_wider),
        cmocka_unit_test(a_block_as_large_as_the_internet_is_not_believed),
        cmocka_unit_test(what_was_put_first_goes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
