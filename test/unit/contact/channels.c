/* The channels that need no more than a question or two: security.txt, SOA, zones, guesses, databases, desks, what an operator entered. */
#include "../base/check.h"
#include "harness.h"
#include "lists.h"

#include "contact/order.h"

extern const struct channel channel_abuse_zone, channel_desk, channel_domain_mdb, channel_manual, channel_rfc2142_guess, channel_security_txt,
    channel_soa_rname;

static const usec_t when = INT64_C(1767225600) * USEC_PER_SEC; /* 2026-01-01 */

static struct quest *for_domain(const struct channel *channel, const char *domain)
{
    return harness_quest(channel, (struct target){.domain = span_text(domain), .when = when}, NULL);
}

static struct quest *for_address(const struct channel *channel, const char *address, const struct book *book)
{
    struct target target = {.when = when};
    assert_int_equal(addr_parse(span_text(address), &target.addr), 0);
    return harness_quest(channel, target, book);
}

static void check_summary(struct quest *q, const char *expected)
{
    assert_string_equal(harness_summary(q), expected);
    harness_free(q);
}

/* ---- security.txt ---- */

static void a_page_of_a_site(struct quest *q, const char *url, int status, const char *text)
{
    harness_page(q, url, status, "text/plain; charset=utf-8", NULL, span_text(text));
}

static void security_txt_in_the_owners_order(void **state)
{
    struct quest *q = for_domain(&channel_security_txt, "example.com");
    (void)state;
    a_page_of_a_site(
        q, "https://example.com/.well-known/security.txt", 200,
        "# our policy\r\nContact: mailto:security@example.com\r\ncontact: https://example.com/report#top\r\nContact: tel:+81-3-0000-0000\r\n"
        "Expires: 2027-01-01T00:00:00.000Z\r\nPreferred-Languages: en, ja\r\n");
    harness_run(q);
    const struct finding *f = harness_found(q, "security@example.com");
    assert_non_null(f);
    assert_true(span_is(f->evidence, "Contact: mailto:security@example.com [expires 2027-01-01]"));
    assert_true(span_is(f->origin, "https://example.com/.well-known/security.txt"));
    check_summary(q, "ask fetch https://example.com/.well-known/security.txt -> answered (RFC 9116)\n"
                     "found mail security@example.com security rank=0 [Contact]\n"
                     "found form https://example.com/report security rank=1 [Contact]\n");
}

static void security_txt_signed_expired_and_at_the_old_place(void **state)
{
    struct quest *q = for_domain(&channel_security_txt, "example.com");
    (void)state;
    a_page_of_a_site(q, "https://example.com/.well-known/security.txt", 404, "no");
    a_page_of_a_site(
        q, "https://example.com/security.txt", 200,
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n- Contact: security@example.com\nExpires: 2025-06-01T00:00:00Z\n"
        "Canonical: https://other.example/security.txt\n-----BEGIN PGP SIGNATURE-----\nContact: forged@example.com\n-----END PGP SIGNATURE-----\n");
    harness_run(q);
    assert_null(harness_found(q, "forged@example.com"));
    const struct finding *f = harness_found(q, "security@example.com");
    assert_non_null(f);
    assert_int_not_equal(f->rank, 0);
    assert_true(span_is(f->evidence, "Contact: security@example.com [expired 2025-06-01, signed, not verified, Canonical names another place, "
                                     "without mailto:]"));
    harness_free(q);
}

static void security_txt_that_is_none(void **state)
{
    static const struct {
        int status;
        const char *type, *text;
    } none[] = {
        {200, "text/html", "<html>Contact: a@example.com"},
        {200, "", " <!DOCTYPE html>\nContact: a@example.com\n"},
        {200, "text/plain", "Contact:\nContact: nobody\n"},
        {500, "text/plain", "Contact: mailto:a@example.com"},
        {200, "text/plain", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        struct quest *q = for_domain(&channel_security_txt, "example.com");
        harness_page(q, NULL, none[i].status, none[i].type, NULL, span_text(none[i].text));
        harness_run(q);
        assert_int_equal(q->findings.count, 0);
        assert_int_equal(q->debt_count, none[i].status == 500 ? 2 : 0);
        harness_free(q);
    }
    struct quest *q = for_domain(&channel_security_txt, "example.com");
    harness_run(q); /* no connection: one debt, and the other place is not tried */
    check_summary(q, "ask fetch https://example.com/.well-known/security.txt -> failed (RFC 9116)\n"
                     "debt https://example.com/.well-known/security.txt: failed\n");
}

static void security_txt_without_end(void **state)
{
    struct quest *q = for_domain(&channel_security_txt, "example.com");
    struct buf text;
    (void)state;
    buf_init(&text, 0);
    for (int i = 0; i < 200000; i++)
        buf_printf(&text, "Contact: mailto:a%d@example.com\n", i);
    harness_page(q, NULL, 200, "text/plain", NULL, buf_as_span(&text));
    harness_run(q);
    assert_int_equal(q->findings.count, 50);
    buf_done(&text);
    harness_free(q);
}

/* ---- SOA ---- */

static void soa_of_a_domain_and_the_zone_above(void **state)
{
    struct quest *q = for_domain(&channel_soa_rname, "www.example.co.jp");
    (void)state;
    harness_dns(q, DNS_SOA, "www.example.co.jp", 0, NULL, 0);
    harness_dns_text(q, DNS_SOA, "example.co.jp", "First\\.Last.Example.co.jp.");
    harness_run(q);
    check_summary(q, "ask dns 6 www.example.co.jp -> answered (the mailbox of the domain's zone)\n"
                     "ask dns 6 example.co.jp -> answered (the mailbox of the zone above)\n"
                     "found mail First.Last@example.co.jp technical rank=0 [SOA RNAME]\n");
}

static void soa_of_the_reverse_zone_goes_up(void **state)
{
    struct quest *q = for_address(&channel_soa_rname, "192.0.2.33", NULL);
    (void)state;
    harness_dns(q, DNS_SOA, "2.0.192.in-addr.arpa", 3, NULL, 0);
    harness_dns_text(q, DNS_SOA, "0.192.in-addr.arpa", "dns\\064x.example.net");
    harness_run(q);
    assert_int_equal(q->findings.count, 0); /* \064 is @: two of them */
    harness_free(q);
    q = for_address(&channel_soa_rname, "192.0.2.33", NULL);
    harness_dns_text(q, DNS_SOA, "2.0.192.in-addr.arpa", "hostmaster.example.net");
    harness_run(q);
    check_summary(q, "ask dns 6 2.0.192.in-addr.arpa -> answered (the mailbox of the reverse zone /24)\n"
                     "found mail hostmaster@example.net technical rank=0 objection=placeholder [SOA RNAME]\n");
    q = for_address(&channel_soa_rname, "2001:db8:1:2::1", NULL);
    harness_dns(q, DNS_SOA, NULL, 0, NULL, 0);
    harness_run(q);
    assert_int_equal(q->asked_count, 7);
    assert_true(span_is(q->asked[0].text, "2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"));
    assert_true(span_is(q->asked[6].text, "8.b.d.0.1.0.0.2.ip6.arpa"));
    harness_free(q);
}

static void rname_that_is_no_mailbox(void **state)
{
    static const char *const none[] = {".", "root", "nobody.", "\\", "a\\", "a\\ b.example.net", "localhost", "a.b"};
    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        struct quest *q = for_domain(&channel_soa_rname, "example.net");
        harness_dns_text(q, DNS_SOA, NULL, none[i]);
        harness_run(q);
        assert_int_equal(q->findings.count, 0);
        harness_free(q);
    }
}

/* ---- zones, guesses ---- */

static void abuse_zones_of_the_settings(void **state)
{
    struct quest *q = for_address(&channel_abuse_zone, "192.0.2.33", NULL);
    (void)state;
    harness_run(q);
    check_summary(q, "");
    q = for_address(&channel_abuse_zone, "192.0.2.33", NULL);
    harness_settings(q, "contact: {abuse_zones: [.contacts.test., other.test]}\n");
    harness_dns_text(q, DNS_TXT, "33.2.0.192.contacts.test", "abuse@isp.co.jp, cert@isp.co.jp;nonsense");
    harness_run(q);
    check_summary(q, "ask dns 16 33.2.0.192.contacts.test -> answered (abuse zone of the settings)\n"
                     "ask dns 16 33.2.0.192.other.test -> failed (abuse zone of the settings)\n"
                     "found mail abuse@isp.co.jp abuse rank=0 [TXT]\nfound mail cert@isp.co.jp abuse rank=1 [TXT]\n"
                     "debt TXT of 33.2.0.192.other.test: failed\n");
    q = for_address(&channel_abuse_zone, "2001:db8::1", NULL);
    harness_settings(q, "contact: {abuse_zones: contacts.test}\n");
    harness_run(q);
    assert_true(span_is(q->asked[0].text, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.contacts.test"));
    harness_free(q);
}

static void a_registry_answers_for_all_it_has(void **state)
{
    struct book *book = shipped_book();
    struct quest *q = for_address(&channel_abuse_zone, "192.0.2.33", book);
    (void)state;
    harness_settings(q, "contact: {abuse_zones: contacts.test}\n");
    harness_dns_text(q, DNS_TXT, NULL, "abuse@lacnic.net");
    harness_run(q);
    assert_int_equal(harness_found(q, "abuse@lacnic.net")->objection, OBJECTION_REGISTRY);
    harness_free(q);
    book_close(book);
}

static void guesses_are_marked(void **state)
{
    struct quest *q = for_domain(&channel_rfc2142_guess, "www.example.co.jp");
    (void)state;
    harness_run(q);
    const struct finding *f = harness_found(q, "abuse@example.co.jp");
    assert_true(f != NULL && f->guess && f->role == CONTACT_ROLE_ABUSE && f->rank == 0);
    assert_non_null(harness_found(q, "security@example.co.jp"));
    assert_int_equal(q->findings.count, 6);
    harness_free(q);
    q = for_domain(&channel_rfc2142_guess, "co.jp");
    harness_run(q);
    check_summary(q, "");
}

/* ---- databases of addresses ---- */

static void only_generic_addresses_are_taken(void **state)
{
    struct quest *q = for_domain(&channel_domain_mdb, "www.isp.co.jp");
    (void)state;
    harness_settings(q, "contact: {mdb_url: 'https://mdb.test/find?d={domain}&k={key}', mdb_key: 'a b&c'}\n");
    harness_page(
        q, "https://mdb.test/find?d=isp.co.jp&k=a%20b%26c", 200, "application/json", NULL,
        span_text("{\"data\":{\"domain\":\"isp.co.jp\",\"emails\":[{\"value\":\"taro.yamada@isp.co.jp\",\"type\":\"personal\"},"
                  "{\"value\":\"Info@isp.co.jp\",\"type\":\"generic\"},{\"value\":\"x@isp.co.jp\"},{\"value\":7,\"type\":\"generic\"},3]}}"));
    harness_run(q);
    const struct finding *f = harness_found(q, "Info@isp.co.jp");
    assert_non_null(f);
    assert_true(span_is(f->evidence, "Info@isp.co.jp: generic; 3 others left out"));
    assert_true(span_is(f->origin, "https://mdb.test/find"));
    assert_int_equal(q->findings.count, 1);
    assert_null(strstr(harness_summary(q), "taro"));
    harness_free(q);
}

static void a_database_that_refuses_is_a_debt(void **state)
{
    static const struct {
        int status;
        const char *text;
    } bad[] = {{401, "{}"}, {429, "{}"}, {500, ""}, {200, "<html>"}, {200, "[1]"}, {200, "{\"data\":"}};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct quest *q = for_domain(&channel_domain_mdb, "isp.co.jp");
        harness_settings(q, "contact: {mdb_url: 'https://mdb.test/{domain}?k={key}', mdb_key: verysecret}\n");
        harness_page(q, NULL, bad[i].status, "application/json", NULL, span_text(bad[i].text));
        harness_run(q);
        assert_int_equal(q->debt_count, 1);
        assert_null(strstr(buf_cstr(&q->debts), "verysecret"));
        harness_free(q);
    }
}

int book_open_mdb(struct arena *, struct span, const char *, void **, struct conf_error *);

static void a_file_of_addresses(void **state)
{
    struct arena arena;
    struct conf_error error;
    void *part;
    (void)state;
    arena_init(&arena, 1024 * 1024);
    assert_int_equal(book_open_mdb(&arena,
                                   span_text("domain,mail,type\nexample.com,\"info@example.com\",generic\nexample.com,a@example.com,personal\n"), "f",
                                   &part, &error),
                     0);
    assert_int_equal(book_open_mdb(&arena, span_text("domain,mail,type\n\nexample.com,nonsense,generic\n"), "f", &part, &error), -ERR_CONFIG);
    assert_non_null(strstr(error.text, "f:3: expected domain,mail,type"));
    arena_done(&arena);
}

/* ---- desks, manual entries ---- */

static void desks_by_system_country_and_domain(void **state)
{
    struct book *book = shipped_book();
    struct quest *q = for_address(&channel_desk, "192.0.2.33", book);
    (void)state;
    q->order->as = 4713;
    q->order->country = span_text("JP");
    harness_run(q);
    const struct finding *ocn = harness_found(q, "abuse@ocn.ad.jp"), *national = harness_found(q, "info@jpcert.or.jp");
    assert_true(ocn != NULL && ocn->role == CONTACT_ROLE_ABUSE);
    assert_true(national != NULL && national->role == CONTACT_ROLE_NATIONAL && national->rank > ocn->rank);
    assert_int_equal(harness_found(q, "https://www.jpcert.or.jp/form/")->kind, CONTACT_FORM);
    assert_null(harness_found(q, "abuse@sakura.ad.jp"));
    harness_free(q);
    q = harness_quest(&channel_desk, (struct target){.domain = span_text("www1234.sakura.ne.jp"), .when = when}, book);
    harness_run(q);
    assert_non_null(harness_found(q, "https://abuse.sakura.ad.jp/"));
    assert_non_null(harness_found(q, "info@jpcert.or.jp"));
    harness_free(q);
    q = harness_quest(&channel_desk, (struct target){.domain = span_text("notsakura.co.uk"), .when = when}, book);
    harness_run(q);
    assert_non_null(harness_found(q, "incidents@ncsc.gov.uk"));
    assert_int_equal(q->findings.count, 2);
    harness_free(q);
    book_close(book);
}

int book_open_desks(struct arena *, struct span, const char *, void **, struct conf_error *);

static void desks_are_checked_when_read(void **state)
{
    static const char *const bad[] = {"JP national",
                                      "JP nobody a@b.example X",
                                      "JP national nonsense X",
                                      "AS0 abuse a@b.example X",
                                      "JP national a@b.example",
                                      "10.1.2.3/8 abuse a@b.example X",
                                      "jp abuse a@b.example X"};
    struct arena arena;
    struct conf_error error;
    void *part;
    (void)state;
    arena_init(&arena, 1024 * 1024);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(book_open_desks(&arena, span_text(bad[i]), "desks", &part, &error), -ERR_CONFIG);
        assert_non_null(strstr(error.text, "desks:1: expected scopes, a role, contacts, a name"));
    }
    assert_int_equal(
        book_open_desks(&arena, span_text("# x\n192.0.2.0/24,AS1 abuse a@b.example,https://b.example/f Name of it # y\n"), "desks", &part, &error),
        0);
    arena_done(&arena);
}

static void manual_entries_until_they_expire(void **state)
{
    struct quest *q = for_address(&channel_manual, "192.0.2.33", NULL);
    const struct contact_manual entries[] = {
        {.kind = CONTACT_MAIL,
         .role = CONTACT_ROLE_ABUSE,
         .value = span_text("Desk@example.NET"),
         .scope = span_text("192.0.2.0/24"),
         .note = span_text("told by phone"),
         .who = span_text("hanako"),
         .entered = when - USEC_PER_DAY,
         .expires = when + USEC_PER_DAY},
        {.kind = CONTACT_MAIL, .role = CONTACT_ROLE_ABUSE, .value = span_text("old@example.net"), .expires = when - 1},
        {.kind = CONTACT_MAIL, .note = span_text("nobody is to be told")},
        {.kind = CONTACT_FORM, .role = CONTACT_ROLE_NOC, .value = span_text("https://example.net/form")},
        {.kind = CONTACT_MAIL, .value = span_text("no address")},
    };
    (void)state;
    q->order->manuals = entries;
    q->order->manual_count = sizeof entries / sizeof entries[0];
    harness_run(q);
    const struct finding *f = harness_found(q, "Desk@example.net");
    assert_non_null(f);
    assert_true(span_is(f->evidence, "entered by hanako on 2025-12-31 for 192.0.2.0/24, until 2026-01-02: told by phone"));
    check_summary(q, "found mail Desk@example.net abuse rank=0 [manual entry]\nfound form https://example.net/form noc rank=1 [manual entry]\n"
                     "debt a manual entry has expired: old@example.net\ndebt a manual entry is no mail address\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(security_txt_in_the_owners_order),
        cmocka_unit_test(security_txt_signed_expired_and_at_the_old_place),
        cmocka_unit_test(security_txt_that_is_none),
        cmocka_unit_test(security_txt_without_end),
        cmocka_unit_test(soa_of_a_domain_and_the_zone_above),
        cmocka_unit_test(soa_of_the_reverse_zone_goes_up),
        cmocka_unit_test(rname_that_is_no_mailbox),
        cmocka_unit_test(abuse_zones_of_the_settings),
        cmocka_unit_test(a_registry_answers_for_all_it_has),
        cmocka_unit_test(guesses_are_marked),
        cmocka_unit_test(only_generic_addresses_are_taken),
        cmocka_unit_test(a_database_that_refuses_is_a_debt),
        cmocka_unit_test(a_file_of_addresses),
        cmocka_unit_test(desks_by_system_country_and_domain),
        cmocka_unit_test(desks_are_checked_when_read),
        cmocka_unit_test(manual_entries_until_they_expire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
