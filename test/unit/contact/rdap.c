/* RDAP answers: whole, cut, hostile; and the answers of registries against what their WHOIS says of the same addresses. */
#include "../base/check.h"
#include "harness.h"
#include "shipped.h"

#include "base/file.h"
#include "contact/order.h"

#include <stdlib.h>
#include <strings.h>

extern const struct channel channel_rdap;

static struct quest *for_address(const char *address)
{
    struct target target = {.when = INT64_C(1767225600) * USEC_PER_SEC};
    assert_int_equal(addr_parse(span_text(address), &target.addr), 0);
    return harness_quest(&channel_rdap, target, book);
}

static void answer(struct quest *q, const char *url, int status, const char *json)
{
    harness_page(q, url, status, "application/rdap+json", NULL, span_text(json));
}

static const char network[] =
    "{\"objectClassName\":\"ip "
    "network\",\"handle\":\"NET-1\",\"name\":\"ONE\",\"startAddress\":\"193.000.016.000\",\"endAddress\":\"193.0.31.255/32\","
    "\"entities\":[{\"handle\":\"ORG-1\",\"roles\":[\"registrant\"],\"vcardArray\":[\"vcard\",[[\"version\",{},\"text\",\"4.0\"],[\"fn\",{},\"text\","
    "\"One "
    "Ltd\"]]],"
    "\"entities\":[{\"handle\":\"AB-1\",\"roles\":[\"technical\",\"abuse\"],\"vcardArray\":[\"vcard\",[[\"email\",{\"pref\":\"1\"},\"text\",\"abuse@"
    "one.co.jp\"],"
    "[\"contact-uri\",{},\"uri\",\"https://one.co.jp/abuse\"]]]},"
    "{\"handle\":\"AD-1\",\"roles\":[\"administrative\"],\"vcardArray\":[\"vcard\",[[\"email\",{},\"text\",[\"boss@one.co.jp\",\"ceo@one.co.jp\"]]]]}"
    "]},"
    "{\"handle\":\"MNT\",\"roles\":[\"notifications\"],\"vcardArray\":[\"vcard\",[[\"email\",{},\"text\",\"changes@one.co.jp\"]]]},"
    "{\"handle\":\"IRT\",\"roles\":[\"abuse\"],\"vcardArray\":[\"vcard\",[[\"email\",{},\"text\",\"hostmaster@nic.ad.jp\"]]]}],"
    "\"remarks\":[{\"description\":[\"Spam to spam@one.co.jp,\",\"security incidents to csirt@one.co.jp\",\"only for corrections of this entry: "
    "changes2@one.co.jp\",\"report attacks at https://one.co.jp/form.\"]}],"
    "\"notices\":[{\"title\":\"help\",\"description\":[\"Questions: help@one.co.jp\"]}]}";

static void a_network_and_its_entities(void **state)
{
    struct quest *q = for_address("193.0.17.9");
    (void)state;
    answer(q, "https://rdap.db.ripe.net/ip/193.0.17.9", 200, network);
    harness_run(q);
    assert_string_equal(harness_summary(q), "ask fetch https://rdap.db.ripe.net/ip/193.0.17.9 -> answered (RDAP of the registry of whois.ripe.net)\n"
                                            "found mail spam@one.co.jp abuse rank=10 [remarks]\n"
                                            "found mail csirt@one.co.jp security rank=11 [remarks]\n"
                                            "found mail changes2@one.co.jp unknown rank=10 objection=other-purpose [remarks]\n"
                                            "found form https://one.co.jp/form abuse rank=10 [remarks]\n"
                                            "found mail abuse@one.co.jp abuse rank=1 [jCard email]\n"
                                            "found form https://one.co.jp/abuse abuse rank=1 [jCard contact-uri]\n"
                                            "found mail boss@one.co.jp administrative rank=51 [jCard email]\n"
                                            "found mail ceo@one.co.jp administrative rank=51 [jCard email]\n"
                                            "found mail changes@one.co.jp unknown rank=70 objection=notify [jCard email]\n"
                                            "found mail hostmaster@nic.ad.jp abuse rank=0 objection=registry [jCard email]\n"
                                            "found mail help@one.co.jp unknown rank=15 objection=banner [notices]\n"
                                            "covers 193.0.16.0/20\n");
    const struct finding *f = harness_found(q, "abuse@one.co.jp");
    assert_true(span_is(f->holder, "One Ltd"));
    assert_true(span_is(f->evidence, "[\"email\",{\"pref\":\"1\"},\"text\",\"abuse@one.co.jp\"]"));
    harness_free(q);
}

static void an_entity_without_card_is_asked_for_at_the_same_server_alone(void **state)
{
    struct quest *q = for_address("193.0.17.9");
    (void)state;
    answer(q, "https://rdap.db.ripe.net/ip/193.0.17.9", 200,
           "{\"startAddress\":\"193.0.17.0\",\"endAddress\":\"193.0.17.255\",\"entities\":["
           "{\"handle\":\"A\",\"roles\":[\"abuse\"],\"links\":[{\"rel\":\"self\",\"href\":\"http://rdap.db.ripe.net/entity/A\"}]},"
           "{\"handle\":\"A\",\"roles\":[\"abuse\"],\"links\":[{\"rel\":\"self\",\"href\":\"https://rdap.db.ripe.net/entity/A\"}]},"
           "{\"handle\":\"B\",\"roles\":[\"abuse\"],\"links\":[{\"rel\":\"self\",\"href\":\"https://elsewhere.test/entity/B\"}]},"
           "{\"handle\":\"C\",\"roles\":[\"abuse\"],\"links\":[{\"rel\":\"self\",\"href\":\"https://rdap.db.ripe.net/en tity\"}]},"
           "{\"handle\":\"D\",\"roles\":[\"registrant\"],\"links\":[{\"rel\":\"self\",\"href\":\"https://rdap.db.ripe.net/entity/D\"}]}]}");
    answer(q, "https://rdap.db.ripe.net/entity/A", 200,
           "{\"objectClassName\":\"entity\",\"handle\":\"A\",\"vcardArray\":[\"vcard\",[[\"email\",{},\"text\",\"abuse@one.co.jp\"]]]}");
    harness_run(q);
    assert_int_equal(q->asked_count, 2);
    const struct finding *f = harness_found(q, "abuse@one.co.jp");
    assert_true(f != NULL && f->role == CONTACT_ROLE_ABUSE && f->rank == 0);
    assert_int_equal(f->block.bits, 96 + 24);
    assert_int_equal(q->covers_count, 1);
    harness_free(q);
    /* The entity did not answer: what is known does not hold for the block. */
    q = for_address("193.0.17.9");
    answer(q, "https://rdap.db.ripe.net/ip/193.0.17.9", 200,
           "{\"startAddress\":\"193.0.17.0\",\"endAddress\":\"193.0.17.255\",\"entities\":["
           "{\"handle\":\"A\",\"roles\":[\"abuse\"],\"links\":[{\"rel\":\"self\",\"href\":\"https://rdap.db.ripe.net/entity/A\"}]}]}");
    answer(q, NULL, 429, "");
    harness_run(q);
    assert_int_equal(q->covers_count, 0);
    assert_int_equal(q->debt_count, 1);
    harness_free(q);
}

static void no_contact_leads_to_the_autonomous_system(void **state)
{
    struct quest *q = for_address("193.0.17.9");
    (void)state;
    q->order->as = 3333;
    answer(q, "https://rdap.db.ripe.net/ip/193.0.17.9", 404, "{\"errorCode\":404,\"title\":\"none\"}");
    harness_page(q, NULL, 200, "application/rdap+json", NULL,
                 span_text("{\"objectClassName\":\"autnum\",\"entities\":[{\"roles\":[\"abuse\"],\"vcardArray\":[\"vcard\",[[\"email\",{},\"text\","
                           "\"abuse@two.co.jp\"]]]}]}"));
    harness_run(q);
    assert_int_equal(q->asked_count, 2);
    assert_non_null(harness_found(q, "abuse@two.co.jp"));
    assert_int_equal(q->debt_count, 0);
    harness_free(q);
}

static void a_domain_its_registry_and_its_registrar(void **state)
{
    struct quest *q = harness_quest(&channel_rdap, (struct target){.domain = span_text("www.one.com")}, book);
    (void)state;
    answer(q, "https://rdap.verisign.com/com/v1/domain/one.com", 200,
           "{\"objectClassName\":\"domain\",\"links\":[{\"rel\":\"related\",\"type\":\"application/rdap+json\",\"href\":\"https://"
           "rdap.registrar.test/domain/ONE.COM\"}],"
           "\"entities\":[{\"roles\":[\"registrar\"],\"entities\":[{\"roles\":[\"abuse\"],\"vcardArray\":[\"vcard\",[[\"email\",{},\"text\",\"abuse@"
           "registrar.co.jp\"]]]}]}]}");
    answer(q, "https://rdap.registrar.test/domain/ONE.COM", 200,
           "{\"objectClassName\":\"domain\",\"links\":[{\"rel\":\"related\",\"href\":\"https://rdap.registrar.test/loop\"}],"
           "\"entities\":[{\"roles\":[\"registrant\"],\"vcardArray\":[\"vcard\",[[\"fn\",{},\"text\",\"REDACTED\"],[\"email\",{},\"text\",\"owner@"
           "one.com\"]]]}]}");
    harness_run(q);
    assert_int_equal(q->asked_count, 2);
    assert_int_equal(harness_found(q, "abuse@registrar.co.jp")->role, CONTACT_ROLE_REGISTRAR);
    assert_int_equal(harness_found(q, "owner@one.com")->role, CONTACT_ROLE_OWNER);
    harness_free(q);
}

static void no_answer_is_a_debt_and_special_addresses_are_not_asked(void **state)
{
    static const struct {
        int status;
        const char *json;
    } bad[] = {{429, ""},
               {500, "x"},
               {200, "<html>"},
               {200, ""},
               {200, "[]"},
               {200, "{\"errorCode\":503}"},
               {200, "{\"errorCode\":\"x\"}"},
               {301, ""},
               {0, ""},
               {200, "{\"startAddress\":\"0.0.0.0\",\"endAddress\":\"255.255.255.255\",\"name\":\"IANA-BLK\"}"}};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct quest *q = for_address("193.0.17.9");
        answer(q, NULL, bad[i].status, bad[i].json);
        harness_run(q);
        assert_int_equal(q->debt_count, 1);
        assert_int_equal(q->findings.count, 0);
        assert_int_equal(q->covers_count, 0);
        harness_free(q);
    }
    struct quest *q = for_address("10.1.2.3");
    harness_run(q);
    assert_string_equal(harness_summary(q), "");
    harness_free(q);
}

static void cut_anywhere_it_is_survived(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof network - 1; len += 7) {
        struct quest *q = for_address("193.0.17.9");
        harness_page(q, NULL, 200, "application/rdap+json", NULL, span_of(network, len));
        harness_run(q);
        assert_int_equal(q->findings.count, 0);
        assert_int_equal(q->debt_count, 1);
        harness_free(q);
    }
}

static void hostile_answers_stay_within_their_limits(void **state)
{
    struct buf deep, wide, entities;
    (void)state;
    buf_init(&deep, 0);
    buf_init(&wide, 0);
    buf_init(&entities, 0);
    for (int i = 0; i < 100000; i++)
        buf_text(&deep, "{\"entities\":[");
    buf_text(&wide, "{\"a\":[0");
    for (int i = 0; i < 200000; i++)
        buf_text(&wide, ",0");
    buf_text(&wide, "]}");
    buf_text(&entities, "{\"entities\":[0");
    for (int i = 0; i < 5000; i++)
        buf_printf(&entities, ",{\"roles\":[\"abuse\"],\"vcardArray\":[\"vcard\",[[\"email\",{},\"text\",\"a%d@one.co.jp\"]]]}", i);
    buf_text(&entities, "]}");
    const struct {
        struct span bytes;
        size_t debts, findings;
    } cases[] = {{buf_as_span(&deep), 1, 0}, {buf_as_span(&wide), 1, 0}, {buf_as_span(&entities), 0, 199}};
    for (size_t i = 0; i < 3; i++) {
        struct quest *q = for_address("193.0.17.9");
        harness_page(q, NULL, 200, "application/rdap+json", NULL, cases[i].bytes);
        harness_run(q);
        assert_int_equal(q->debt_count, cases[i].debts);
        assert_int_equal(q->findings.count, cases[i].findings);
        harness_free(q);
    }
    buf_done(&deep);
    buf_done(&wide);
    buf_done(&entities);
}

/* A card with errors (RFC 7095) gives what of it is right; the entities beside it are whole. */
static void cards_with_errors(void **state)
{
    static const struct {
        const char *card;
        size_t found;
    } cases[] = {
        {"false", 0},
        {"[]", 0},
        {"[\"vcard\"]", 0},
        {"[\"vcard\", false]", 0},
        {"[\"vcardX\", [[\"email\",{},\"text\",\"card@one.co.jp\"]]]", 0},
        {"[\"vcard\", [[\"email\"]]]", 0},
        {"[\"vcard\", [[\"email\",{},\"text\"]]]", 0},
        {"[\"vcard\", [[\"email\",{},\"text\",null,true,42,{}]]]", 0},
        {"[\"vcard\", [[\"email\",{},\"text\",[[\"card@one.co.jp\"]]]]]", 0},
        {"[\"vcard\", [[false,{},\"text\",\"4.0\"],[\"email\",{},\"text\",\"card@one.co.jp\"]]]", 1},
        {"[\"vcard\", [\"email\",[\"email\",false,42,\"card@one.co.jp\"]]]", 1},
        {"[\"vcard\", [[\"email\",{},\"text\",7,[\"card@one.co.jp\"]]]]", 1},
        {"[\"vcard\", [[\"email\",{},\"uri\",\"mailto:card@one.co.jp\"]]]", 1},
        {"[\"vcard\", [[\"EMAIL\",{},\"text\",\"card@one.co.jp\"]]]", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct quest *q = for_address("193.0.17.9");
        struct buf text;
        buf_init(&text, 0);
        buf_printf(&text,
                   "{\"startAddress\":\"193.0.17.0\",\"endAddress\":\"193.0.17.255\",\"entities\":[{\"roles\":[\"abuse\"],\"vcardArray\":%s},"
                   "{\"roles\":[\"technical\"],\"vcardArray\":[\"vcard\",[[\"email\",{},\"text\",\"tech@one.co.jp\"]]]}]}",
                   cases[i].card);
        answer(q, NULL, 200, buf_cstr(&text));
        harness_run(q);
        if ((harness_found(q, "card@one.co.jp") != NULL) != (cases[i].found == 1) || harness_found(q, "tech@one.co.jp") == NULL)
            fail_msg("%s: %s", cases[i].card, harness_summary(q));
        assert_int_equal(q->debt_count, 0);
        buf_done(&text);
        harness_free(q);
    }
}

/* ---- the registries' answers of the shared corpus ---- */

static bool read_shared(const char *name, struct buf *ret)
{
    char path[4096];
    const char *shared = getenv("NOROSHI_SHARED");
    (void)snprintf(path, sizeof path, "%s/data/contact/%s", shared != NULL ? shared : "../shared", name);
    buf_init(ret, 0);
    return file_read(path, ret) == 0;
}

static void cards_of_another_projects_tests(void **state)
{
    static const char *const names[] = {"error_bad_properties_array",
                                        "error_bad_property_name",
                                        "error_bad_property_nest_depth",
                                        "error_bad_property_parameters",
                                        "error_bad_property_parameters_2",
                                        "error_bad_property_size",
                                        "error_bad_property_type",
                                        "error_bad_top_type",
                                        "error_bad_vcard_label",
                                        "error_invalid_json",
                                        "error_invalid_properties",
                                        "example",
                                        "mixed"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char name[200];
        struct buf card, text;
        (void)snprintf(name, sizeof name, "rdap/openrdap/jcard/%s.json", names[i]);
        if (!read_shared(name, &card)) {
            print_message("skipped: ../shared/data/contact is not there\n");
            buf_done(&card);
            skip();
        }
        struct quest *q = for_address("193.0.17.9");
        buf_init(&text, 0);
        buf_printf(&text,
                   "{\"startAddress\":\"193.0.17.0\",\"endAddress\":\"193.0.17.255\",\"entities\":[{\"roles\":[\"abuse\"],\"vcardArray\":%s}]}",
                   buf_cstr(&card));
        answer(q, NULL, 200, buf_cstr(&text));
        harness_run(q);
        bool is_json = strstr(names[i], "invalid_json") == NULL && strstr(names[i], "parameters_2") == NULL && strstr(names[i], "nest_depth") == NULL;
        if (q->debt_count != (is_json ? 0U : 1U) || harness_contacts(q) != (strcmp(names[i], "example") == 0 ? 1U : 0U))
            fail_msg("%s: %s", names[i], harness_summary(q));
        harness_free(q);
        buf_done(&card);
        buf_done(&text);
    }
}

static const struct finding *best(const struct quest *q)
{
    const struct finding *best = NULL;
    for (const struct finding *f = q->findings.first; f != NULL; f = f->next) {
        if (f->objection == OBJECTION_NONE && f->kind == CONTACT_MAIL && (best == NULL || f->rank < best->rank))
            best = f;
    }
    return best;
}

static bool holds(struct span text, struct span what)
{
    for (size_t i = 0; i + what.len <= text.len; i++) {
        if (strncasecmp((const char *)&text.at[i], (const char *)what.at, what.len) == 0)
            return true;
    }
    return false;
}

static void rdap_and_whois_agree(void **state)
{
    /* What WHOIS and RDAP must say alike. `agrees`: the best of RDAP stands in the WHOIS reply; where they hold different entries (the two were taken
     * at different times, or WHOIS hides addresses), `expected` alone. Empty: a registry's mailbox only, the holder is known to another registry. */
    static const struct {
        const char *address, *file, *expected;
        bool agrees;
    } cases[] = {
        {"196.11.240.215", "196.11.240.215", "abuse@mtnbusiness.co.za", true},
        {"200.57.141.161", "200.57.141.161", "operacion.redes@triara.com", true},
        {"2001:4860:4860::8888", "2001_4860_4860__8888", "arin-contact@google.com", true},
        {"2801:10:c000::", "2801_10_c000__", "sistemas.red@uco.edu.co", true},
        {"74.125.225.229", "74.125.225.229", "arin-contact@google.com", true},
        {"62.239.237.1", "62.239.237.1", "zzdnsr@bt.com", false},
        {"2a00:2381:ffff::1", "2a00_2381_ffff__1", "zzdnsr@bt.com", false},
        {"2001:43f8:7b0::", "2001_43f8_7b0__", "jpmuga@tespok.co.ke", false},
        {"210.107.73.73", "210.107.73.73", "abuse@bora.net", false},
        {"2001:240:10c:1::ca20:9d1d", "2001_240_10c_1__ca20_9d1d", "", false},
    };
    size_t agreed = 0;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf json, whois;
        char name[200];
        (void)snprintf(name, sizeof name, "rdap/ipwhois/ip_%s.json", cases[i].file);
        if (!read_shared(name, &json)) {
            print_message("skipped: ../shared/data/contact is not there\n");
            buf_done(&json);
            skip();
        }
        (void)snprintf(name, sizeof name, "ip-whois/ipwhois/%s.txt", cases[i].file);
        bool has_whois = read_shared(name, &whois);
        struct quest *q = for_address(cases[i].address);
        harness_page(q, NULL, 200, "application/rdap+json", NULL, buf_as_span(&json));
        harness_run(q);
        const struct finding *f = best(q);
        if (f == NULL ? cases[i].expected[0] != 0 : strncasecmp((const char *)f->value.at, cases[i].expected, f->value.len) != 0)
            fail_msg("%s: %s", cases[i].address, harness_summary(q));
        assert_int_equal(q->covers_count, 1);
        if (cases[i].agrees) {
            assert_true(has_whois && holds(buf_as_span(&whois), f->value));
            agreed++;
        }
        harness_free(q);
        buf_done(&json);
        buf_done(&whois);
    }
    assert_int_equal(agreed, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_and_its_entities),
        cmocka_unit_test(an_entity_without_card_is_asked_for_at_the_same_server_alone),
        cmocka_unit_test(no_contact_leads_to_the_autonomous_system),
        cmocka_unit_test(a_domain_its_registry_and_its_registrar),
        cmocka_unit_test(no_answer_is_a_debt_and_special_addresses_are_not_asked),
        cmocka_unit_test(cut_anywhere_it_is_survived),
        cmocka_unit_test(hostile_answers_stay_within_their_limits),
        cmocka_unit_test(cards_with_errors),
        cmocka_unit_test(cards_of_another_projects_tests),
        cmocka_unit_test(rdap_and_whois_agree),
    };
    return cmocka_run_group_tests(tests, open_book, close_book);
}
