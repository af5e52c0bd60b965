/* Walks: from the first server to the holder's mailbox, what is asked on the way and why, what is owed when something fails. */
#include "../base/check.h"
#include "harness.h"
#include "shipped.h"

#include "contact/whois.h"

extern const struct channel channel_ip_whois, channel_domain_whois;

static struct quest *for_address(const char *text)
{
    struct target target = {.when = 1};
    assert_int_equal(addr_parse(span_text(text), &target.addr), 0);
    return harness_quest(&channel_ip_whois, target, book);
}

static struct quest *for_domain(const char *text)
{
    return harness_quest(&channel_domain_whois, (struct target){.domain = span_text(text), .when = 1}, book);
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

static const char apnic_jp[] = "% [whois.apnic.net]\n\n% Abuse contact for '101.203.64.0 - 101.203.95.255' is 'hostmaster@nic.ad.jp'\n\n"
                               "inetnum:        101.203.64.0 - 101.203.95.255\nnetname:        ONE\ndescr:          One KK\ncountry:        JP\n"
                               "admin-c:        JNIC1-AP\ntech-c:         JNIC1-AP\nmnt-by:         MAINT-JPNIC\nsource:         APNIC\n";
static const char jpnic[] =
    "[ JPNIC database provides information regarding IP address and ASN. ]\n\nNetwork Information:\n"
    "a. [Network Number]             101.203.70.0/24\ng. [Organization]               One KK\n"
    "m. [Administrative Contact]     JP00010080\nn. [Technical Contact]          JP00010081\n\n"
    "Less Specific Info.\n----------\nUp KK [Allocation]      101.203.64.0/19\n\nMore Specific Info.\n----------\nNo match!!\n";

static void registry_national_registry_handle_mailbox(void **state)
{
    (void)state;
    struct quest *q = for_address("101.203.70.90");
    says(q, "whois.apnic.net", "101.203.70.90", apnic_jp);
    says(q, "whois.nic.ad.jp", "101.203.70.90/e", jpnic);
    says(q, "whois.nic.ad.jp", "JP00010081/e",
         "[ JPNIC database provides ]\n\nGroup Contact Information:\n[Group Handle]      JP00010081\n[E-Mail]      tech@one.ad.jp\n");
    says(q, "whois.nic.ad.jp", "JP00010080/e",
         "[ JPNIC database provides ]\n\nGroup Contact Information:\n[Group Handle]      JP00010080\n[E-Mail]      admin@one.ad.jp\n");
    comes_to(q, "ask whois whois.apnic.net:43 101.203.70.90 -> answered (IANA gave the block to this registry)\n"
                "ask whois whois.nic.ad.jp:43 101.203.70.90/e -> answered (whois.apnic.net: mnt-by:         MAINT-JPNIC)\n"
                "ask whois whois.nic.ad.jp:43 JP00010081/e -> answered (contact JP00010081 of the entry)\n"
                "ask whois whois.nic.ad.jp:43 JP00010080/e -> answered (contact JP00010080 of the entry)\n"
                "found mail tech@one.ad.jp technical rank=0 [E-Mail]\n"
                "found mail admin@one.ad.jp administrative rank=1 [E-Mail]\n"
                "found mail hostmaster@nic.ad.jp abuse rank=2 objection=registry [Abuse contact]\n"
                "covers 101.203.70.0/24\n");
}

static void the_block_above_when_handles_give_nothing(void **state)
{
    (void)state;
    struct quest *q = for_address("101.203.70.90");
    says(q, "whois.apnic.net", NULL, apnic_jp);
    says(q, "whois.nic.ad.jp", "101.203.70.90/e", jpnic);
    says(q, "whois.nic.ad.jp", "NET 101.203.64.0/19/e",
         "[ JPNIC database provides ]\n\nNetwork Information:\na. [Network Number]             101.203.64.0/19\ng. [Organization]  Up KK\n"
         "o. [Abuse]                      abuse@up.ad.jp\n");
    says(q, "whois.nic.ad.jp", NULL, "[ JPNIC database provides ]\n\nNo match!!\n");
    harness_run(q);
    assert_int_equal(harness_contacts(q), 1);
    assert_non_null(harness_found(q, "abuse@up.ad.jp"));
    assert_int_equal(q->asked_count, 5);
    harness_free(q);
}

static void a_failed_hop_is_a_debt(void **state)
{
    (void)state;
    struct quest *q = for_address("101.203.70.90");
    says(q, "whois.apnic.net", NULL, apnic_jp);
    harness_whois(q, "whois.nic.ad.jp", NULL, OUTCOME_LIMITED, (struct span){0});
    comes_to(q, "ask whois whois.apnic.net:43 101.203.70.90 -> answered (IANA gave the block to this registry)\n"
                "ask whois whois.nic.ad.jp:43 101.203.70.90/e -> limited (whois.apnic.net: mnt-by:         MAINT-JPNIC)\n"
                "found mail hostmaster@nic.ad.jp abuse rank=0 objection=registry [Abuse contact]\n"
                "debt whois.nic.ad.jp: was asked as much as it allows\n");
    q = for_address("177.37.164.71");
    says(q, "whois.lacnic.net", NULL,
         "% Copyright (c) Nic.br\n\n% Query rate limit exceeded. Reduced information.\n\ninetnum: 177.37.160.0/20\nabuse-c: A1\n");
    harness_run(q);
    assert_int_equal(q->debt_count, 1);
    assert_int_equal(q->asked_count, 1);
    assert_int_equal(q->covers_count, 0);
    harness_free(q);
}

static void referrals_in_a_circle_end(void **state)
{
    (void)state;
    struct quest *q = for_address("198.20.1.1");
    says(q, "whois.arin.net", NULL,
         "NetRange: 198.20.0.0 - 198.20.255.255\nOrgName: One\nReferralServer: rwhois://a.one.net:4321\nOrgAbuseEmail: abuse@one.net\n");
    says(q, "a.one.net", NULL, "NetRange: 198.20.0.0 - 198.20.255.255\nReferralServer: rwhois://b.one.net:4321\n");
    says(q, "b.one.net", NULL, "NetRange: 198.20.0.0 - 198.20.255.255\nReferralServer: rwhois://a.one.net:4321\n");
    harness_run(q);
    assert_int_equal(q->asked_count, 3);
    assert_non_null(harness_found(q, "abuse@one.net"));
    harness_free(q);

    char server[64], text[256];
    q = for_address("198.20.1.1");
    says(q, "whois.arin.net", NULL, "NetRange: 198.20.0.0 - 198.20.255.255\nReferralServer: whois://h0.one.net\n");
    for (int i = 0; i < 50; i++) {
        (void)snprintf(server, sizeof server, "h%d.one.net", i);
        (void)snprintf(text, sizeof text, "NetRange: 198.20.0.0 - 198.20.255.255\nReferralServer: whois://h%d.one.net\n", i + 1);
        says(q, server, NULL, text);
    }
    harness_run(q);
    assert_int_equal(q->asked_count, WHOIS_HOPS_MAX);
    assert_int_equal(q->debt_count, 1);
    harness_free(q);
}

static void arin_knows_who_has_what_another_does_not(void **state)
{
    (void)state;
    struct quest *q = for_address("193.1.1.1");
    says(q, "whois.ripe.net", NULL,
         "% This is the RIPE Database query service.\n\ninetnum: 193.0.0.0 - 193.255.255.255\nnetname: NON-RIPE-NCC-MANAGED-ADDRESS-BLOCK\nsource: "
         "RIPE\n");
    says(q, "whois.arin.net", NULL, "NetRange: 193.1.0.0 - 193.1.255.255\nOrgName: One\nOrgId: ONE\nOrgAbuseEmail: abuse@one.net\n");
    comes_to(q, "ask whois whois.ripe.net:43 -r --charset UTF-8 193.1.1.1 -> answered (IANA gave the block to this registry)\n"
                "ask whois whois.arin.net:43 n + 193.1.1.1 -> answered (whois.ripe.net: inetnum: 193.0.0.0 - 193.255.255.255)\n"
                "found mail abuse@one.net abuse rank=0 [OrgAbuseEmail]\n"
                "covers 193.1.0.0/16\n");
}

static const char arin_refers[] = "NetRange: 198.20.0.0 - 198.20.255.255\nOrgName: One\nOrgAbuseEmail: abuse@one.net\n\n"
                                  "ReferralServer: rwhois://rwhois.one.net:4321\n";

static void a_handle_of_rwhois_is_asked_for_at_its_registry(void **state)
{
    (void)state;
    struct quest *q = for_address("198.20.3.4");
    says(q, "whois.arin.net", "n + 198.20.3.4", arin_refers);
    says(q, "rwhois.one.net", NULL,
         "%rwhois V-1.5\nnetwork:IP-Network:198.20.3.0/24\nnetwork:Org-Name:Two\nnetwork:Abuse-Contact;I:ABU1-ARIN\n%ok\n");
    says(q, "whois.arin.net", "p + ABU1-ARIN", "Name: Abuse\nHandle: ABU1-ARIN\nEmail: abuse@two.net\n");
    comes_to(q, "ask whois whois.arin.net:43 n + 198.20.3.4 -> answered (IANA gave the block to this registry)\n"
                "ask whois rwhois.one.net:4321 198.20.3.4 -> answered (whois.arin.net: ReferralServer: rwhois://rwhois.one.net:4321)\n"
                "ask whois whois.arin.net:43 p + ABU1-ARIN -> answered (contact ABU1-ARIN of the entry)\n"
                "found mail abuse@two.net abuse rank=0 [Email]\n"
                "found mail abuse@one.net abuse rank=1 [OrgAbuseEmail]\n"
                "covers 198.20.3.0/24\n");
}

static void a_provider_that_does_not_know_its_customer_is_no_debt(void **state)
{
    (void)state;
    struct quest *q = for_address("198.20.3.4");
    says(q, "whois.arin.net", "n + 198.20.3.4", arin_refers);
    says(q, "rwhois.one.net", NULL, "%rwhois V-1.5\n%error 230 No Objects Found\n");
    harness_run(q);
    assert_int_equal(q->debt_count, 0);
    assert_int_equal(harness_contacts(q), 1);
    assert_int_equal(q->covers_count, 1);
    harness_free(q);
}

static void nobody_is_asked_for_special_addresses(void **state)
{
    (void)state;
    comes_to(for_address("192.168.1.1"), "");
    comes_to(for_address("2002:a00:1::1"), "");
    struct quest *q = for_address("2002:c100:1::1");
    says(q, "whois.ripe.net", "-r --charset UTF-8 193.0.0.1",
         "% This is the RIPE Database query service.\n\n% Abuse contact for '193.0.0.0 - 193.0.0.255' is 'abuse@one.nl'\n\ninetnum: 193.0.0.0 - "
         "193.0.0.255\nsource: RIPE\n");
    harness_run(q);
    assert_non_null(harness_found(q, "abuse@one.nl"));
    harness_free(q);
}

static void the_registry_then_the_registrar(void **state)
{
    (void)state;
    struct quest *q = for_domain("www.one.com");
    says(q, "whois.verisign-grs.com", "domain one.com",
         "   Domain Name: ONE.COM\n   Registrar WHOIS Server: whois.registrar.net\n   Registrar: R\n   Registrar Abuse Contact Email: "
         "abuse@registrar.net\n");
    says(q, "whois.registrar.net", "one.com",
         "Domain Name: one.com\nRegistrar: R\nRegistrant Email: owner@one.com\nAdmin Email: admin@one.com\nTech Email: tech@one.com\n"
         "Registrar Abuse Contact Email: abuse@registrar.net\nRegistrar WHOIS Server: whois.registrar.net\n");
    comes_to(q, "ask whois whois.verisign-grs.com:43 domain one.com -> answered (the registry of the top-level domain)\n"
                "ask whois whois.registrar.net:43 one.com -> answered (whois.verisign-grs.com: Registrar WHOIS Server: whois.registrar.net)\n"
                "found mail tech@one.com technical rank=0 [Tech Email]\n"
                "found mail admin@one.com administrative rank=1 [Admin Email]\n"
                "found mail owner@one.com owner rank=2 [Registrant Email]\n"
                "found mail abuse@registrar.net registrar rank=3 [Registrar Abuse Contact Email]\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registry_national_registry_handle_mailbox),
        cmocka_unit_test(the_block_above_when_handles_give_nothing),
        cmocka_unit_test(a_failed_hop_is_a_debt),
        cmocka_unit_test(referrals_in_a_circle_end),
        cmocka_unit_test(arin_knows_who_has_what_another_does_not),
        cmocka_unit_test(a_handle_of_rwhois_is_asked_for_at_its_registry),
        cmocka_unit_test(a_provider_that_does_not_know_its_customer_is_no_debt),
        cmocka_unit_test(nobody_is_asked_for_special_addresses),
        cmocka_unit_test(the_registry_then_the_registrar),
    };
    return cmocka_run_group_tests(tests, open_book, close_book);
}
