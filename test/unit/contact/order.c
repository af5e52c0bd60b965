/* The input of a task of kind "contact": there and back, limits, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "contact/order.h"

static struct addr address(const char *text)
{
    struct addr addr;
    assert_int_equal(addr_parse(span_text(text), &addr), 0);
    return addr;
}

static struct prefix network(const char *text)
{
    struct prefix prefix;
    assert_int_equal(prefix_parse(span_text(text), &prefix), 0);
    return prefix;
}

static struct contact_order plain(void)
{
    struct contact_order order = {
        .addr = address("192.0.2.7"), .when = 1700000000000000, .flags = CONTACT_ORDER_BY_HAND, .cause = span_text("operator")};
    order.channels[0] = span_text("ip_whois");
    order.channels[1] = span_text("rdap");
    order.channel_count = 2;
    return order;
}

static void write_all(struct buf *out)
{
    struct contact_order order = plain();
    struct finding findings[2] = {
        {.kind = CONTACT_MAIL,
         .role = CONTACT_ROLE_ABUSE,
         .rank = 1,
         .value = span_text("abuse@net.example"),
         .attribute = span_text("abuse-mailbox"),
         .evidence = span_text("abuse-mailbox: abuse@net.example"),
         .origin = span_text("whois.ripe.net"),
         .holder = span_text("Net"),
         .block = network("192.0.2.0/24")},
        {.kind = CONTACT_FORM, .role = CONTACT_ROLE_NONE, .objection = OBJECTION_REGISTRY, .value = span_text("https://net.example/report")},
    };
    contact_order_encode(out, &order);
    assert_int_equal(
        contact_order_add_resolution(
            out,
            &(struct contact_resolution){
                .name = span_text("www.site.example"), .type = DNS_A, .data = span_text("192.0.2.7"), .count = 12, .first = 5, .last = 9}),
        0);
    assert_int_equal(contact_order_add_block(out, &(struct contact_block){.block = network("192.0.2.0/24"),
                                                                          .expires = 77,
                                                                          .channel = span_text("ip_whois"),
                                                                          .server = span_text("whois.ripe.net"),
                                                                          .holder = span_text("Net"),
                                                                          .findings = findings,
                                                                          .finding_count = 2}),
                     0);
    assert_int_equal(contact_order_add_manual(out, &(struct contact_manual){.kind = CONTACT_MAIL,
                                                                            .role = CONTACT_ROLE_SECURITY,
                                                                            .entered = 1,
                                                                            .expires = 2,
                                                                            .value = span_text("csirt@net.example"),
                                                                            .scope = span_text("192.0.2.0/24"),
                                                                            .note = span_text("told by phone"),
                                                                            .who = span_text("op")}),
                     0);
    assert_int_equal(contact_order_add_check(out, &(struct contact_check){.url = span_text("https://x.com/net"),
                                                                          .who = span_text("op"),
                                                                          .entered = 3,
                                                                          .check = {KNOWN_YES, KNOWN_NO, KNOWN_NOT}}),
                     0);
    assert_int_equal(contact_order_add_origin(out, 64500, span_text("JP")), 0);
    assert_int_equal(contact_order_add_cut(out), 0);
}

static void everything_comes_back(void **state)
{
    (void)state;
    struct buf out;
    struct arena arena;
    struct contact_order order;
    buf_init(&out, 0);
    arena_init(&arena, 1024 * 1024);
    write_all(&out);
    assert_int_equal(contact_order_decode(&arena, buf_as_span(&out), &order), 0);
    assert_true(addr_equal(order.addr, address("192.0.2.7")));
    assert_true(order.when == 1700000000000000 && order.flags == CONTACT_ORDER_BY_HAND && span_is(order.cause, "operator"));
    assert_true(order.channel_count == 2 && span_is(order.channels[1], "rdap") && order.domain.len == 0);
    assert_true(order.resolution_count == 1 && span_is(order.resolutions[0].name, "www.site.example") && order.resolutions[0].count == 12);
    assert_true(order.block_count == 1 && order.blocks[0].finding_count == 2 && order.blocks[0].block.bits == 120);
    const struct finding *finding = order.blocks[0].findings;
    assert_true(span_is(finding[0].value, "abuse@net.example") && finding[0].role == CONTACT_ROLE_ABUSE && finding[0].rank == 1);
    assert_true(finding[1].kind == CONTACT_FORM && finding[1].objection == OBJECTION_REGISTRY);
    assert_true(order.manual_count == 1 && span_is(order.manuals[0].note, "told by phone") && order.manuals[0].expires == 2);
    assert_true(order.check_count == 1 && order.checks[0].check.exists == KNOWN_YES && order.checks[0].check.owner_matches == KNOWN_NOT);
    assert_true(order.as == 64500 && span_is(order.country, "JP") && order.cut);
    char key[CONTACT_ORDER_KEY_SIZE];
    assert_string_equal(contact_order_key(&order, key), "contact 192.0.2.7 operator");
    arena_done(&arena);
    buf_done(&out);
}

/* No cut of it may be read as a whole, but where an entry ends. */
static void cuts_are_refused_or_shorter(void **state)
{
    (void)state;
    struct buf out;
    struct contact_order order;
    buf_init(&out, 0);
    write_all(&out);
    size_t good = 0;
    for (size_t len = 0; len < out.len; len++) {
        struct arena arena;
        arena_init(&arena, 1024 * 1024);
        good += contact_order_decode(&arena, span_part(buf_as_span(&out), 0, len), &order) == 0;
        arena_done(&arena);
    }
    assert_int_equal(good, 6);
    buf_done(&out);
}

static void hostile_counts_are_refused(void **state)
{
    (void)state;
    struct buf out;
    struct arena arena;
    struct contact_order order = plain();
    buf_init(&out, 0);
    arena_init(&arena, 1024 * 1024);
    contact_order_encode(&out, &order);
    size_t start = out.len;
    buf_be(&out, 2, 1); /* a block that promises 200 findings and holds none */
    buf_be(&out, 17 + 8 + 1 + 1 + 2 + 2, 4);
    for (size_t i = 0; i < 17 + 8 + 1 + 1 + 2; i++)
        buf_byte(&out, 0);
    buf_be(&out, 200, 2);
    assert_int_equal(contact_order_decode(&arena, buf_as_span(&out), &order), -ERR_MALFORMED);
    out.len = start;
    buf_be(&out, 9, 1); /* no such entry */
    buf_be(&out, 0, 4);
    assert_int_equal(contact_order_decode(&arena, buf_as_span(&out), &order), -ERR_MALFORMED);
    out.len = start;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(contact_order_add_origin(&out, 1, span_text("")), 0);
    assert_int_equal(contact_order_decode(&arena, buf_as_span(&out), &order), -ERR_LIMIT);
    arena_done(&arena);
    buf_done(&out);
}

static void what_does_not_fit_is_not_written(void **state)
{
    (void)state;
    struct buf out;
    struct arena arena;
    struct contact_order order = plain();
    static char big[CONTACT_ORDER_TEXT_MAX + 1];
    memset(big, 'a', sizeof big - 1);
    buf_init(&out, 0);
    arena_init(&arena, 4 * 1024 * 1024);
    contact_order_encode(&out, &order);
    struct contact_manual manual = {.value = span_text("a@b.example"), .note = span_text(big), .scope = span_text(big), .who = span_text(big)};
    struct contact_block block = {.block = network("192.0.2.0/24")};
    static struct finding many[CONTACT_ORDER_FINDINGS_MAX];
    for (size_t i = 0; i < CONTACT_ORDER_FINDINGS_MAX; i++)
        many[i].evidence = span_text(big);
    block.findings = many;
    block.finding_count = CONTACT_ORDER_FINDINGS_MAX;
    int r = 0;
    while ((r = contact_order_add_block(&out, &block)) == 0)
        continue;
    assert_int_equal(r, -ERR_LIMIT);
    while ((r = contact_order_add_manual(&out, &manual)) == 0)
        continue;
    assert_int_equal(r, -ERR_LIMIT);
    assert_int_equal(contact_order_add_cut(&out), 0);
    assert_int_equal(contact_order_decode(&arena, buf_as_span(&out), &order), 0);
    assert_true(order.cut && order.block_count == 2);
    arena_done(&arena);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_comes_back),
        cmocka_unit_test(cuts_are_refused_or_shorter),
        cmocka_unit_test(hostile_counts_are_refused),
        cmocka_unit_test(what_does_not_fit_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
