/* Mail addresses and domains in their one form, and the list of findings. */
#include "contact/finding.h"
#include "../base/check.h"
#include "contact/channel.h"

#include <stdio.h>
#include <time.h>

static struct arena arena;

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, 64 * 1024 * 1024);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

/* "" for what is no address. */
static void check_mail(const char *text, const char *expected)
{
    struct span mail = {0};
    int r = mail_normalise(&arena, span_text(text), &mail);
    if (r != (expected[0] != 0 ? 0 : -ERR_MALFORMED) || !span_is(mail, expected))
        fail_msg("\"%s\" gives %d \"%.*s\", not \"%s\"", text, r, (int)mail.len, (const char *)mail.at, expected);
}

static void addresses_have_one_form(void **state)
{
    (void)state;
    check_mail("abuse@example.com", "abuse@example.com");
    check_mail("Abuse.Desk+x@EXAMPLE.Com", "Abuse.Desk+x@example.com");
    check_mail("  <abuse@example.com> ", "abuse@example.com");
    check_mail("Abuse Desk <abuse@example.com>", "abuse@example.com");
    check_mail("abuse@example.com.", "abuse@example.com");
    check_mail("<abuse@example.com>.", "");
    check_mail("mailto:abuse@example.com?subject=Hello,%20you", "abuse@example.com");
    check_mail("MAILTO:abuse%40example.com", "abuse@example.com");
    check_mail("mailto:a@example.com,b@example.com", "a@example.com");
    check_mail("mailto:%20abuse@example.com%20", "abuse@example.com");
    check_mail("o'neil_{x}~!#$%&*/=?^`|@example.org", "o'neil_{x}~!#$%&*/=?^`|@example.org");
    check_mail("info@b\xc3\xbc"
               "cher.example",
               "info@xn--bcher-kva.example");
    check_mail("info@B\xc3\x9c"
               "CHER.example",
               "info@xn--bcher-kva.example");
    check_mail("info@XN--BCHER-KVA.example", "info@xn--bcher-kva.example");
    check_mail("info@\xef\xbd\x85xample\xe3\x80\x82\xe7\xb5\x84\xe7\xb9\x94", "info@example.xn--uc0atv");
    check_mail("\xe7\xaa\x93\xe5\x8f\xa3@example.jp", "\xe7\xaa\x93\xe5\x8f\xa3@example.jp"); /* RFC 6531 */
    check_mail("a@a-b.c--d.example", "a@a-b.c--d.example");
}

static void what_is_no_address_is_refused(void **state)
{
    char longest[400];
    static const char *const none[] = {"@example.com",
                                       "a@",
                                       "abuse",
                                       "a b@example.com",
                                       "a..b@example.com",
                                       ".a@example.com",
                                       "a.@example.com",
                                       "a@example",
                                       "a@.example",
                                       "a@example..com",
                                       "a@-x.example",
                                       "a@x-.example",
                                       "a@[192.0.2.1]",
                                       "a@192.0.2.1",
                                       "a@1.2",
                                       "\"a b\"@example.com",
                                       "a@exam_ple.com",
                                       "a@b@example.com",
                                       "a@example.c",
                                       "a@exa mple.com",
                                       "a,b@x.example",
                                       "a\xe2\x80\xae@x.example",
                                       "a\xff@x.example",
                                       "a\xef\xbc\xa0x.example",
                                       "a\xc2\xa0@x.example",
                                       "<>",
                                       "mailto:",
                                       ""};
    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        check_mail(none[i], "");
    /* Limits of RFC 5321 §4.5.3.1. */
    for (size_t len = 64; len <= 65; len++) {
        (void)snprintf(longest, sizeof longest, "%0*d@example.com", (int)len, 0);
        check_mail(longest, len == 64 ? longest : "");
        (void)snprintf(longest, sizeof longest, "a@%0*d.example", (int)len - 1, 0);
        check_mail(longest, len == 64 ? longest : "");
    }
    struct span mail;
    struct buf much;
    buf_init(&much, 0);
    for (int i = 0; i < 300000; i++)
        buf_text(&much, "a@");
    assert_int_equal(mail_normalise(&arena, buf_as_span(&much), &mail), -ERR_MALFORMED);
    buf_done(&much);
    const char nul[] = "a\0b@example.com";
    assert_int_equal(mail_normalise(&arena, span_of(nul, sizeof nul - 1), &mail), -ERR_MALFORMED);
}

static void check_domain(const char *text, const char *expected, const char *registrable)
{
    struct span domain = {0};
    int r = domain_normalise(&arena, span_text(text), &domain);
    assert_int_equal(r, expected[0] != 0 ? 0 : -ERR_MALFORMED);
    assert_true(span_is(domain, expected));
    if (!span_is(domain_registrable(domain), registrable))
        fail_msg("%s: registrable %.*s", text, (int)domain_registrable(domain).len, (const char *)domain_registrable(domain).at);
}

static void domains_and_what_can_be_registered(void **state)
{
    (void)state;
    check_domain("WWW.Example.COM.", "www.example.com", "example.com");
    check_domain("a.b.example.co.jp", "a.b.example.co.jp", "example.co.jp");
    check_domain("co.jp", "co.jp", "");
    check_domain("host_1.example.net", "host_1.example.net", "example.net");
    check_domain("\xe4\xbe\x8b.jp", "xn--fsq.jp", "xn--fsq.jp");
    check_domain("www.city.kawasaki.jp", "www.city.kawasaki.jp", "city.kawasaki.jp");
    check_domain("x.unheard-of", "x.unheard-of", "x.unheard-of");
    check_domain("localhost", "", "");
    check_domain("192.0.2.1", "", "");
    check_domain("", "", "");
    assert_true(domain_suffix_known(span_text("example.co.jp")));
    assert_true(domain_suffix_known(span_text("x.xn--fiqs8s")));
    assert_false(domain_suffix_known(span_text("image.png")));
    assert_false(domain_suffix_known(span_text("")));
    assert_true(span_is(mail_local(span_text("a@b.example")), "a"));
    assert_true(span_is(mail_domain(span_text("a@b.example")), "b.example"));
    assert_int_equal(mail_domain(span_text("nobody")).len, 0);
}

static struct finding mail_of(const char *value, enum contact_role role, unsigned rank)
{
    return (struct finding){.kind = CONTACT_MAIL, .role = role, .rank = rank, .value = span_text(value), .evidence = span_text("e")};
}

static void the_same_again_keeps_the_better_rank_and_role(void **state)
{
    struct findings list;
    (void)state;
    findings_init(&list, &arena);
    struct finding a = mail_of("abuse@example.com", CONTACT_ROLE_TECHNICAL, 7), b = mail_of("ABUSE@example.com", CONTACT_ROLE_ABUSE, 9),
                   c = mail_of("abuse@example.com", CONTACT_ROLE_OWNER, 2), d = a, e = a;
    d.objection = OBJECTION_REGISTRY;
    e.domain = span_text("example.net");
    struct finding *first = findings_add(&list, &a);
    assert_ptr_equal(findings_add(&list, &b), first);
    assert_ptr_equal(findings_add(&list, &c), first);
    assert_int_equal(first->role, CONTACT_ROLE_ABUSE);
    assert_int_equal(first->rank, 2);
    assert_ptr_not_equal(findings_add(&list, &d), first);
    assert_ptr_not_equal(findings_add(&list, &e), first);
    a.kind = CONTACT_FORM;
    assert_ptr_not_equal(findings_add(&list, &a), first);
    assert_int_equal(list.count, 4);
    assert_ptr_equal(list.first, first);
    assert_int_equal(list.error, 0);
}

static void long_and_broken_texts_are_cut_to_valid_ones(void **state)
{
    struct findings list;
    struct buf text;
    (void)state;
    findings_init(&list, &arena);
    buf_init(&text, 0);
    for (int i = 0; i < 400; i++)
        buf_text(&text, "\xe7\xaa\x93");
    struct finding f = mail_of("abuse@example.com", CONTACT_ROLE_ABUSE, 0);
    f.evidence = buf_as_span(&text);
    f.attribute = span_text("a\xff"
                            "b");
    struct finding *kept = findings_add(&list, &f);
    assert_non_null(kept);
    assert_true(kept->evidence.len <= FINDING_EVIDENCE_MAX && kept->evidence.len > FINDING_EVIDENCE_MAX - 8);
    assert_int_equal(kept->evidence.len % 3, 0);
    assert_true(span_is(kept->attribute, "a\\xffb") || span_is(kept->attribute, "a\\xFFb"));
    f.value = span_text("");
    assert_null(findings_add(&list, &f));
    f.value = span_text("a\xff");
    assert_null(findings_add(&list, &f));
    while (text.len <= FINDING_VALUE_MAX)
        buf_text(&text, "x");
    f.value = buf_as_span(&text);
    assert_null(findings_add(&list, &f));
    assert_int_not_equal(list.error, 0);
    buf_done(&text);
}

static void a_page_full_of_addresses_stays_linear(void **state)
{
    struct findings list;
    char value[64];
    clock_t start = clock();
    (void)state;
    findings_init(&list, &arena);
    for (int i = 0; i < 200000; i++) {
        (void)snprintf(value, sizeof value, "a%d@example.com", i % 5000);
        struct finding f = mail_of(value, CONTACT_ROLE_NONE, 0);
        (void)findings_add(&list, &f);
    }
    assert_int_equal(list.count, FINDINGS_MAX);
    assert_int_equal(list.error, -ERR_LIMIT);
    assert_true(clock() - start < 5 * CLOCKS_PER_SEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(addresses_have_one_form, begin, end),
        cmocka_unit_test_setup_teardown(what_is_no_address_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(domains_and_what_can_be_registered, begin, end),
        cmocka_unit_test_setup_teardown(the_same_again_keeps_the_better_rank_and_role, begin, end),
        cmocka_unit_test_setup_teardown(long_and_broken_texts_are_cut_to_valid_ones, begin, end),
        cmocka_unit_test_setup_teardown(a_page_full_of_addresses_stays_linear, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
