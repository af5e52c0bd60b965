/* The AS of the address: who is asked for it, in which form, and that its contacts are told as the AS's, behind the block's own. */
#include "../base/check.h"
#include "harness.h"
#include "shipped.h"

#include "contact/order.h"
#include "contact/whois.h"

#include "base/err.h"

extern const struct channel channel_as_whois;

static struct quest *for_as(uint32_t as)
{
    struct target target = {.addr = addr_v4(0xc0000207), .when = 1};
    struct quest *q = harness_quest(&channel_as_whois, target, book);
    q->order->as = as;
    return q;
}

static void says(struct quest *q, const char *server, const char *query, const char *text)
{
    harness_whois(q, server, query, OUTCOME_ANSWERED, span_text(text));
}

static void comes_to(struct quest *q, const char *expected)
{
    harness_run(q);
    assert_string_equal(harness_summary(q), expected);
    harness_free(q);
}

static void query_is(const char *server, const char *expected)
{
    struct buf query;
    buf_init(&query, 0);
    assert_int_equal(whois_query_as(book, span_text(server), 3333, &query), 0);
    assert_string_equal(buf_cstr(&query), expected);
    buf_done(&query);
}

static void each_server_in_its_form(void **state)
{
    (void)state;
    query_is("whois.ripe.net", "-r --charset UTF-8 AS3333");
    query_is("whois.arin.net", "a + 3333");
    query_is("whois.nic.ad.jp", "AS 3333/e");
    query_is("whois.afrinic.net", "-B AS3333");
    query_is("whois.apnic.net", "AS3333");
    query_is("whois.lacnic.net", "AS3333");
    query_is("nobody.example", "AS3333");
}

static void nobody_is_asked_for_none_or_special_ones(void **state)
{
    static const uint32_t none[] = {0, 23456, 64496, 64512, 65535, 65551, 4200000000, UINT32_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        comes_to(for_as(none[i]), "");
}

static void ripe_and_its_handle(void **state)
{
    struct quest *q = for_as(3333);
    (void)state;
    says(q, "whois.ripe.net", "-r --charset UTF-8 AS3333",
         "% This is the RIPE Database query service.\n\nas-block:       AS3209 - AS3353\ndescr:          RIPE NCC ASN block\nadmin-c:        "
         "CREW-RIPE\n"
         "mnt-by:         RIPE-NCC-HM-MNT\nsource:         RIPE # Filtered\n\naut-num:        AS3333\nas-name:        ONE-AS\ndescr:          One "
         "B.V.\n"
         "remarks:        peering: peering@one.nl\nimport:         from AS1 accept ANY\nadmin-c:        AB1-RIPE\nabuse-c:        AB2-RIPE\n"
         "mnt-by:         ONE-MNT\nnotify:         changes@one.nl\nsource:         RIPE # Filtered\n");
    says(q, "whois.ripe.net", "-B -r --charset UTF-8 AB2-RIPE",
         "% This is the RIPE Database query service.\n\nrole:           Abuse\nnic-hdl:        AB2-RIPE\nabuse-mailbox:  abuse@one.nl\nsource:       "
         "  RIPE\n");
    harness_run(q);
    const struct finding *f = harness_found(q, "abuse@one.nl");
    assert_non_null(f);
    assert_true(span_is(f->attribute, "AS3333 abuse-mailbox"));
    assert_int_equal(f->role, CONTACT_ROLE_ABUSE);
    assert_true(f->rank >= 5);
    assert_int_equal(f->block.bits, 0);
    assert_int_equal(harness_found(q, "changes@one.nl")->objection, OBJECTION_NOTIFY);
    assert_int_equal(q->asked_count, 2);
    assert_int_equal(q->covers_count, 0);
    assert_int_equal(q->debt_count, 0);
    harness_free(q);
}

static void the_statement_about_the_as(void **state)
{
    struct quest *q = for_as(3333);
    (void)state;
    says(q, "whois.ripe.net", NULL,
         "% This is the RIPE Database query service.\n\n% Abuse contact for 'AS3333' is 'abuse@one.nl'\n\naut-num:        AS3333\nas-name:        "
         "ONE-AS\n"
         "org:            ORG-ON1-RIPE\nsource:         RIPE\n\norganisation:   ORG-ON1-RIPE\norg-name:       One B.V.\ne-mail:         "
         "office@one.nl\n"
         "source:         RIPE\n");
    harness_run(q);
    assert_true(span_is(harness_found(q, "abuse@one.nl")->holder, "One B.V."));
    assert_string_equal(harness_summary(q), "ask whois whois.ripe.net:43 -r --charset UTF-8 AS3333 -> answered (IANA gave AS3333 to this registry)\n"
                                            "found mail abuse@one.nl abuse rank=5 [AS3333 Abuse contact]\n"
                                            "found mail office@one.nl owner rank=6 [AS3333 e-mail]\n");
    harness_free(q);
}

static void arin_refers(void **state)
{
    struct quest *q = for_as(1000);
    (void)state;
    says(q, "whois.arin.net", "a + 1000",
         "ASNumber:       990 - 1010\nASName:         RIPE-ASNBLOCK\nASHandle:       AS990\n\nOrgName:        RIPE Network Coordination Centre\n"
         "OrgId:          RIPE\n\nReferralServer:  whois://whois.ripe.net\n\nOrgAbuseEmail:  abuse@ripe.net\n");
    says(q, "whois.ripe.net", "-r --charset UTF-8 AS1000",
         "% This is the RIPE Database query service.\n\n% Abuse contact for 'AS1000' is 'abuse@one.nl'\n\naut-num:        AS1000\nsource:         "
         "RIPE\n");
    comes_to(q, "ask whois whois.arin.net:43 a + 1000 -> answered (IANA gave AS1000 to this registry)\n"
                "ask whois whois.ripe.net:43 -r --charset UTF-8 AS1000 -> answered (whois.arin.net: ReferralServer:  whois://whois.ripe.net)\n"
                "found mail abuse@one.nl abuse rank=5 [AS1000 Abuse contact]\n"
                "found mail abuse@ripe.net abuse rank=6 objection=registry [AS1000 OrgAbuseEmail]\n");
}

static void arin_itself(void **state)
{
    struct quest *q = for_as(1000);
    (void)state;
    says(q, "whois.arin.net", NULL,
         "ASNumber:       1000\nASName:         ONE\nASHandle:       AS1000\n\nOrgName:        One LLC\nOrgId:          ONE\n\n"
         "OrgTechEmail:  tech@one.net\nOrgAbuseEmail:  abuse@one.net\n");
    comes_to(q, "ask whois whois.arin.net:43 a + 1000 -> answered (IANA gave AS1000 to this registry)\n"
                "found mail abuse@one.net abuse rank=5 [AS1000 OrgAbuseEmail]\n"
                "found mail tech@one.net technical rank=6 [AS1000 OrgTechEmail]\n");
}

static void down_to_the_national_registry(void **state)
{
    struct quest *q = for_as(2515);
    (void)state;
    says(q, "whois.apnic.net", "AS2515",
         "% [whois.apnic.net]\n\nas-block:       AS2497 - AS2528\ndescr:          JPNIC ASN block\nadmin-c:        JNIC1-AP\nmnt-by:         "
         "MAINT-JPNIC\n"
         "source:         APNIC\n");
    says(q, "whois.nic.ad.jp", "AS 2515/e",
         "[ JPNIC database provides information regarding IP address and ASN. ]\n\nAutonomous System Information:\na. [AS Number]                  "
         "2515\n"
         "b. [AS Name]                    ONE\ng. [Organization]               One KK\nm. [Administrative Contact]     JP00010080\n"
         "n. [Technical Contact]          JP00010081\n");
    says(q, "whois.nic.ad.jp", "JP00010081/e",
         "[ JPNIC database provides ]\n\nGroup Contact Information:\n[Group Handle]      JP00010081\n[E-Mail]      tech@one.ad.jp\n");
    says(q, "whois.nic.ad.jp", "JP00010080/e", "[ JPNIC database provides ]\n\nNo match!!\n");
    comes_to(q, "ask whois whois.apnic.net:43 AS2515 -> answered (IANA gave AS2515 to this registry)\n"
                "ask whois whois.nic.ad.jp:43 AS 2515/e -> answered (whois.apnic.net: mnt-by:         MAINT-JPNIC)\n"
                "ask whois whois.nic.ad.jp:43 JP00010081/e -> answered (contact JP00010081 of the entry)\n"
                "ask whois whois.nic.ad.jp:43 JP00010080/e -> answered (contact JP00010080 of the entry)\n"
                "found mail tech@one.ad.jp technical rank=5 [AS2515 E-Mail]\n");
}

static void lacnic_lists_blocks_below_the_as(void **state)
{
    struct quest *q = for_as(27700);
    (void)state;
    says(q, "whois.lacnic.net", "AS27700",
         "% Copyright LACNIC lacnic.net\n\naut-num:     AS27700\nowner:       One SA\nownerid:     AR-ONSA-LACNIC\ncountry:     AR\n"
         "owner-c:     ABC\nrouting-c:   DEF\nabuse-c:     GHI\n\nnic-hdl:     ABC\nperson:      A\ne-mail:      owner@one.ar\n\n"
         "nic-hdl:     DEF\nperson:      D\ne-mail:      net@one.ar\n\nnic-hdl:     GHI\nperson:      G\ne-mail:      abuse@one.ar\n\n"
         "inetnum:     192.0.2.0/24\n");
    comes_to(q, "ask whois whois.lacnic.net:43 AS27700 -> answered (IANA gave AS27700 to this registry)\n"
                "found mail abuse@one.ar abuse rank=5 [AS27700 e-mail]\n"
                "found mail net@one.ar technical rank=6 [AS27700 e-mail]\n"
                "found mail owner@one.ar owner rank=7 [AS27700 e-mail]\n");
}

static void what_fails_is_a_debt(void **state)
{
    struct quest *q = for_as(3333);
    (void)state;
    harness_whois(q, "whois.ripe.net", NULL, OUTCOME_LIMITED, (struct span){0});
    harness_run(q);
    assert_int_equal(q->debt_count, 1);
    harness_free(q);
    q = for_as(3333); /* another AS's entry is none */
    says(q, "whois.ripe.net", NULL, "% This is the RIPE Database query service.\n\naut-num: AS3334\nabuse-mailbox: abuse@other.nl\nsource: RIPE\n");
    says(q, "whois.arin.net", NULL, "No match found for a + 3333.\n");
    harness_run(q);
    assert_int_equal(harness_contacts(q), 0);
    assert_int_equal(q->debt_count, 1);
    assert_int_equal(q->asked_count, 2);
    harness_free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_server_in_its_form),
        cmocka_unit_test(nobody_is_asked_for_none_or_special_ones),
        cmocka_unit_test(ripe_and_its_handle),
        cmocka_unit_test(the_statement_about_the_as),
        cmocka_unit_test(arin_refers),
        cmocka_unit_test(arin_itself),
        cmocka_unit_test(down_to_the_national_registry),
        cmocka_unit_test(lacnic_lists_blocks_below_the_as),
        cmocka_unit_test(what_fails_is_a_debt),
    };
    return cmocka_run_group_tests(tests, open_book, close_book);
}
