/* Which domains passive DNS ties to an address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "contact/pdns.h"

#include <stdio.h>

#define DAY USEC_PER_DAY
#define WHEN (INT64_C(20000) * DAY)

static struct addr address(const char *text)
{
    struct addr addr;
    assert_int_equal(addr_parse(span_text(text), &addr), 0);
    return addr;
}

static void every_spelling_of_an_address_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *addr, *name;
    } cases[] = {
        {"192.0.2.17", "192-0-2-17.dyn.isp.example"},
        {"192.0.2.17", "ip192.0.2.17.isp.example"},
        {"192.0.2.17", "host_192_0_2_17.isp.example"},
        {"192.0.2.17", "17.2.0.192.in-addr.isp.example"},
        {"192.0.2.17", "17-2-0-192.isp.example"},
        {"192.0.2.17", "192-000-002-017.isp.example"},
        {"192.0.2.17", "p192000002017.isp.example"},
        {"192.0.2.17", "192000002017.isp.example"},
        {"192.0.2.17", "017002000192.isp.example"},
        {"192.0.2.17", "c0000211.isp.example"},
        {"192.0.2.17", "ipc0000211.isp.example"},
        {"192.0.2.17", "110200c0.isp.example"},
        {"192.0.2.17", "c0-00-02-11.isp.example"},
        {"192.0.2.17", "c0.0.2.11.isp.example"},
        {"192.0.2.17", "3221226001.isp.example"},
        {"192.0.2.17", "h285343936.isp.example"},
        {"192.0.2.17", "cpe192x0x2x17.isp.example"},
        {"192.0.2.17", "pool-192-0.2-17.isp.example"},
        {"198.51.100.7", "7.100-51-198.isp.example"},
        {"2001:db8::7", "2001-db8--7.isp.example"},
        {"2001:db8::7", "ip6-2001-db8-0-0-0-0-0-7.isp.example"},
        {"2001:db8::7", "2001.db8.0.0.0.0.0.7.isp.example"},
        {"2001:db8::7", "2001-0db8-0000-0000-0000-0000-0000-0007.isp.example"},
        {"2001:db8::7", "p20010db8000000000000000000000007.isp.example"},
        {"2001:db8::7", "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.isp.example"},
        {"2001:db8:1:2:3:4:5:6", "2001_db8_1_2_3_4_5_6.isp.example"},
        {"2001:db8:1:2:3:4:5:6", "host.2001-db8-1-2-3-4-5-6.v6.isp.example"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (!pdns_holds_address(span_text(cases[i].name), address(cases[i].addr)))
            fail_msg("%s holds %s", cases[i].name, cases[i].addr);
    }
}

static void other_names_are_not_taken_for_one(void **state)
{
    (void)state;
    static const struct {
        const char *addr, *name;
    } cases[] = {
        {"192.0.2.17", "www.site.example"},
        {"192.0.2.17", "192-0-2-18.isp.example"},
        {"192.0.2.17", "web17.site.example"},
        {"192.0.2.17", "2-17.net.example"},
        {"192.0.2.17", "c000021.site.example"},
        {"192.0.2.17", "mail-192.site2.example17"},
        {"1.1.1.1", "www1.site1.example"},
        {"2001:db8::7", "2001-db8--8.isp.example"},
        {"2001:db8::7", "db8-7.site.example"},
        {"10.0.0.1", "v10-site-0-long-words-0-and-1.example"},
        {"192.0.2.17", ""},
        {"2001:db8::7", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (pdns_holds_address(span_text(cases[i].name), address(cases[i].addr)))
            fail_msg("%s does not hold %s", cases[i].name, cases[i].addr);
    }
}

static struct contact_resolution row(const char *name, uint16_t type, const char *data, uint64_t count, int64_t first_day, int64_t last_day)
{
    return (struct contact_resolution){.name = span_text(name),
                                       .type = type,
                                       .data = span_text(data),
                                       .count = count,
                                       .first = WHEN + first_day * DAY,
                                       .last = WHEN + last_day * DAY};
}

static enum pdns_drop drop_of(const struct pdns *p, const char *fqdn)
{
    for (size_t i = 0; i < p->name_count; i++) {
        if (span_is(p->names[i].fqdn, fqdn))
            return p->names[i].drop;
    }
    fail_msg("%s is not there", fqdn);
    return PDNS_KEPT;
}

static const struct pdns_domain *domain_of(const struct pdns *p, const char *domain)
{
    for (size_t i = 0; i < p->domain_count; i++) {
        if (span_is(p->domains[i].domain, domain))
            return &p->domains[i];
    }
    return NULL;
}

static void the_filters_of_the_paper(void **state)
{
    (void)state;
    struct contact_resolution rows[] = {
        row("www.shop.co.jp", DNS_A, "192.0.2.17", 11, -1, 1),
        row("few.other.com", DNS_A, "192.0.2.17", 10, -1, 1),
        row("old.past.com", DNS_A, "192.0.2.17", 5000, -400, -29),
        row("edge.before.com", DNS_A, "192.0.2.17", 50, -28, -28),
        row("edge.after.com", DNS_A, "192.0.2.17", 50, 28, 28),
        row("late.after.com", DNS_A, "192.0.2.17", 50, 29, 40),
        row("192-0-2-17.isp.net", DNS_A, "192.0.2.17", 9999, -10, 10),
        row("www.two.org", DNS_A, "192.0.2.17", 6, -20, -10),
        row("www.two.org", DNS_A, "192.0.2.17", 5, 5, 10),
        row("elsewhere.net", DNS_A, "192.0.2.18", 500, -10, 10),
        row("co.jp", DNS_A, "192.0.2.17", 500, -10, 10),
        /* 560 days, 560 resolutions, of which the window holds 28 */
        row("long.since.com", DNS_A, "192.0.2.17", 560, -560, 0),
        row("rare.since.com", DNS_A, "192.0.2.17", 100, -560, 0),
    };
    struct arena arena;
    struct pdns p;
    arena_init(&arena, 1024 * 1024);
    assert_int_equal(pdns_domains(&arena, address("192.0.2.17"), WHEN, rows, sizeof rows / sizeof rows[0], &p), 0);
    assert_int_equal(p.name_count, 11);
    assert_int_equal(drop_of(&p, "www.shop.co.jp"), PDNS_KEPT);
    assert_int_equal(drop_of(&p, "few.other.com"), PDNS_TOO_FEW);
    assert_int_equal(drop_of(&p, "old.past.com"), PDNS_WINDOW_MISSED);
    assert_int_equal(drop_of(&p, "edge.before.com"), PDNS_KEPT);
    assert_int_equal(drop_of(&p, "edge.after.com"), PDNS_KEPT);
    assert_int_equal(drop_of(&p, "late.after.com"), PDNS_WINDOW_MISSED);
    assert_int_equal(drop_of(&p, "192-0-2-17.isp.net"), PDNS_HOLDS_ADDRESS);
    assert_int_equal(drop_of(&p, "www.two.org"), PDNS_KEPT);
    assert_int_equal(drop_of(&p, "co.jp"), PDNS_NO_DOMAIN);
    assert_int_equal(drop_of(&p, "long.since.com"), PDNS_KEPT);
    assert_int_equal(drop_of(&p, "rare.since.com"), PDNS_TOO_FEW);
    assert_int_equal(p.kept, 5);
    assert_int_equal(p.domain_count, 5);
    assert_non_null(domain_of(&p, "shop.co.jp"));
    assert_int_equal(domain_of(&p, "two.org")->count, 11);
    assert_null(domain_of(&p, "isp.net"));
    arena_done(&arena);
}

static void a_server_serves_domains_for_their_pages_alone(void **state)
{
    (void)state;
    struct contact_resolution rows[] = {
        row("mx.host.com", DNS_A, "192.0.2.17", 100, -5, 5),       row("mx2.isp.net", DNS_A, "192.0.2.17", 2, -5, 5),
        row("customer.org", DNS_MX, "mx.host.com", 1, -5, 5),      row("mail.customer.org", DNS_MX, "mx.host.com", 7, -5, 5),
        row("host.com", DNS_MX, "mx.host.com", 40, -5, 5),         row("other.org", DNS_MX, "mx2.isp.net", 40, -5, 5),
        row("past.org", DNS_NS, "mx.host.com", 40, -90, -40),      row("zone.org", DNS_NS, "mx.host.com", 3, -5, 5),
        row("alias.org", 5 /* CNAME */, "mx.host.com", 40, -5, 5),
    };
    struct arena arena;
    struct pdns p;
    arena_init(&arena, 1024 * 1024);
    assert_int_equal(pdns_domains(&arena, address("192.0.2.17"), WHEN, rows, sizeof rows / sizeof rows[0], &p), 0);
    assert_int_equal(p.domain_count, 3);
    assert_true(span_is(p.domains[0].domain, "host.com") && !p.domains[0].web_only);
    assert_true(domain_of(&p, "customer.org")->web_only && domain_of(&p, "customer.org")->count == 8);
    assert_true(span_is(domain_of(&p, "customer.org")->fqdn, "mx.host.com"));
    assert_true(domain_of(&p, "zone.org")->web_only);
    arena_done(&arena);
}

static void many_domains_and_strange_rows(void **state)
{
    (void)state;
    static struct contact_resolution rows[600];
    static char names[600][32];
    struct arena arena;
    struct pdns p;
    arena_init(&arena, 4 * 1024 * 1024);
    for (size_t i = 0; i < 600; i++) {
        (void)snprintf(names[i], sizeof names[i], "www.site%zu.com", i);
        rows[i] = row(names[i], DNS_A, "192.0.2.17", 11 + i, -1, 1);
    }
    assert_int_equal(pdns_domains(&arena, address("192.0.2.17"), WHEN, rows, 600, &p), 0);
    assert_int_equal(p.domain_count, PDNS_DOMAINS_MAX);
    assert_int_equal(p.domains_left_out, 400);
    assert_true(span_is(p.domains[0].domain, "site599.com"));
    rows[0] = (struct contact_resolution){.name = span_text("a.com"), .type = DNS_A, .count = UINT64_MAX, .first = INT64_MIN, .last = INT64_MAX};
    rows[1] = (struct contact_resolution){.name = span_text("a.com"), .type = DNS_A, .count = UINT64_MAX, .first = 0, .last = INT64_MAX};
    rows[2] = (struct contact_resolution){.name = span_text("a.com"), .type = DNS_A, .count = 5, .first = 9, .last = 3};
    assert_int_equal(pdns_domains(&arena, address("192.0.2.17"), INT64_MAX, rows, 3, &p), 0);
    assert_int_equal(pdns_domains(&arena, address("192.0.2.17"), INT64_MIN, rows, 3, &p), 0);
    assert_int_equal(pdns_domains(&arena, address("192.0.2.17"), 0, NULL, 0, &p), 0);
    assert_int_equal(p.domain_count, 0);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_spelling_of_an_address_is_known),
        cmocka_unit_test(other_names_are_not_taken_for_one),
        cmocka_unit_test(the_filters_of_the_paper),
        cmocka_unit_test(a_server_serves_domains_for_their_pages_alone),
        cmocka_unit_test(many_domains_and_strange_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
