/* Whom to write to: primary, fallbacks, copies, and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "contact/evaluate.h"

#include "shipped.h"

enum { MOST = 16 };

static const struct channel manual = {.name = "manual", .trust = 400}, whois = {.name = "ip_whois", .trust = 330},
                            rdap = {.name = "rdap", .trust = 320}, web = {.name = "domain_web", .trust = 250},
                            ip_web = {.name = "ip_web", .trust = 200}, maker = {.name = "maker", .trust = 300}, desk = {.name = "desk", .trust = 380},
                            guess = {.name = "rfc2142_guess", .trust = 150}, domain_whois = {.name = "domain_whois", .trust = 210};

struct scene {
    struct arena arena;
    struct findings findings;
    struct mail_host hosts[MOST];
    size_t host_count;
    struct target target;
    struct verdict_of_contact list[MOST];
    struct chosen chosen[MOST];
    size_t count;
    struct span reason;
};

static struct scene *scene_of(const char *addr)
{
    struct scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    arena_init(&s->arena, 16 * 1024 * 1024);
    findings_init(&s->findings, &s->arena);
    s->target.when = 1;
    if (addr != NULL)
        assert_int_equal(addr_parse(span_text(addr), &s->target.addr), 0);
    return s;
}

static void scene_free(struct scene *s)
{
    arena_done(&s->arena);
    free(s);
}

static struct finding *found(struct scene *s, const struct channel *channel, const char *value, enum contact_role role, unsigned rank,
                             enum known exists)
{
    struct finding f = {.channel = channel, .kind = CONTACT_MAIL, .role = role, .rank = rank, .value = span_text(value)};
    struct finding *kept = findings_add(&s->findings, &f);
    assert_non_null(kept);
    if (exists != KNOWN_NOT)
        s->hosts[s->host_count++] = (struct mail_host){.domain = mail_domain(kept->value), .exists = exists};
    return kept;
}

static void choose(struct scene *s)
{
    size_t i = 0;
    for (const struct finding *f = s->findings.first; f != NULL; f = f->next)
        assert_int_equal(contact_evaluate(book, &s->arena, f, &s->target, NULL, 0, s->hosts, s->host_count, &s->list[i++]), 0);
    assert_int_equal(contact_choose(book, &s->arena, &s->target, &s->findings, s->list, s->chosen, MOST, &s->count, &s->reason), 0);
    assert_true(s->reason.len > 0);
    for (i = 0; i < s->count; i++)
        assert_true(s->chosen[i].reason.len > 0 && s->chosen[i].reason.len <= 512);
}

static void is(const struct scene *s, size_t place, enum choice choice, const char *value)
{
    assert_true(place < s->count);
    if (!span_is(s->chosen[place].finding->value, value) || s->chosen[place].choice != choice)
        fail_msg("at %zu: expected %s %s, got %s %.*s", place, choice_text(choice), value, choice_text(s->chosen[place].choice),
                 (int)s->chosen[place].finding->value.len, (const char *)s->chosen[place].finding->value.at);
}

static bool says(struct span text, const char *what)
{
    return memmem(text.at, text.len, what, strlen(what)) != NULL;
}

static void the_best_is_primary_and_others_follow(void **state)
{
    (void)state;
    struct scene *s = scene_of("192.0.2.17");
    found(s, &whois, "noc@isp.net", CONTACT_ROLE_TECHNICAL, 1, KNOWN_YES);
    found(s, &whois, "abuse@isp.net", CONTACT_ROLE_ABUSE, 0, KNOWN_YES);
    found(s, &web, "info@site.org", CONTACT_ROLE_OWNER, 1, KNOWN_YES);
    found(s, &rdap, "ABUSE@isp.net", CONTACT_ROLE_ABUSE, 0, KNOWN_YES);
    choose(s);
    assert_int_equal(s->count, 3);
    is(s, 0, CHOICE_PRIMARY, "abuse@isp.net");
    assert_int_equal(s->chosen[1].choice, CHOICE_FALLBACK);
    assert_int_equal(s->chosen[2].choice, CHOICE_FALLBACK);
    scene_free(s);
}

/* Its channel knows the order of its own answer better than a score that sees words. */
static void ranks_hold_within_a_channel(void **state)
{
    (void)state;
    struct scene *s = scene_of("192.0.2.17");
    found(s, &whois, "hostmaster@registry-of-isp.net", CONTACT_ROLE_ABUSE, 1, KNOWN_YES);
    found(s, &whois, "taro@isp.net", CONTACT_ROLE_TECHNICAL, 0, KNOWN_YES);
    choose(s);
    is(s, 0, CHOICE_PRIMARY, "taro@isp.net");
    is(s, 1, CHOICE_FALLBACK, "hostmaster@registry-of-isp.net");
    scene_free(s);
}

static void what_can_not_be_reached_is_passed_over_and_named(void **state)
{
    (void)state;
    struct scene *s = scene_of("192.0.2.17");
    found(s, &whois, "abuse@gone.net", CONTACT_ROLE_ABUSE, 0, KNOWN_NO);
    found(s, &whois, "noc@isp.net", CONTACT_ROLE_NOC, 1, KNOWN_YES);
    choose(s);
    assert_int_equal(s->count, 1);
    is(s, 0, CHOICE_PRIMARY, "noc@isp.net");
    assert_true(says(s->chosen[0].reason, "not abuse@gone.net (its domain has no mail host)"));
    scene_free(s);
}

static void an_operators_entry_wins_over_all(void **state)
{
    (void)state;
    struct scene *s = scene_of("192.0.2.17");
    found(s, &whois, "abuse@isp.net", CONTACT_ROLE_ABUSE, 0, KNOWN_YES);
    found(s, &manual, "taro@unreachable.net", CONTACT_ROLE_NONE, 0, KNOWN_NO);
    choose(s);
    is(s, 0, CHOICE_PRIMARY, "taro@unreachable.net");
    is(s, 1, CHOICE_FALLBACK, "abuse@isp.net");
    assert_true(says(s->reason, "operator"));
    scene_free(s);
}

static void national_csirts_and_makers_get_copies(void **state)
{
    (void)state;
    struct scene *s = scene_of("192.0.2.17");
    found(s, &desk, "info@national-cert.org", CONTACT_ROLE_NATIONAL, 0, KNOWN_YES);
    found(s, &ip_web, "security@maker.com", CONTACT_ROLE_MAKER, 0, KNOWN_YES);
    found(s, &whois, "cert@cert.br", CONTACT_ROLE_NONE, 5, KNOWN_YES)->objection = OBJECTION_NATIONAL;
    choose(s);
    assert_int_equal(s->count, 3);
    is(s, 0, CHOICE_COPY, "info@national-cert.org");
    is(s, 1, CHOICE_COPY, "cert@cert.br");
    is(s, 2, CHOICE_COPY, "security@maker.com");
    assert_true(says(s->reason, "none of 3 is fit") && says(s->reason, "the maker's"));
    scene_free(s);
    /* Whom the maker wants told goes before what stood on the page. */
    s = scene_of("192.0.2.17");
    found(s, &ip_web, "sales@maker.com", CONTACT_ROLE_MAKER, 2, KNOWN_YES);
    found(s, &ip_web, "support@maker.com", CONTACT_ROLE_MAKER, 3, KNOWN_YES);
    found(s, &maker, "psirt@maker.com", CONTACT_ROLE_MAKER, 0, KNOWN_YES);
    choose(s);
    assert_int_equal(s->count, 2);
    is(s, 0, CHOICE_COPY, "psirt@maker.com");
    scene_free(s);
}

static void objections_registrars_and_default_pages_are_never_chosen(void **state)
{
    (void)state;
    struct scene *s = scene_of("192.0.2.17");
    found(s, &whois, "hostmaster@nic.test.net", CONTACT_ROLE_ABUSE, 0, KNOWN_YES)->objection = OBJECTION_REGISTRY;
    found(s, &domain_whois, "abuse@registrar.net", CONTACT_ROLE_REGISTRAR, 0, KNOWN_YES);
    found(s, &ip_web, "webmaster@example.com", CONTACT_ROLE_TECHNICAL, 0, KNOWN_YES);
    found(s, &web, "someone@mailinator.com", CONTACT_ROLE_OWNER, 0, KNOWN_YES);
    choose(s);
    assert_int_equal(s->count, 0);
    assert_true(says(s->reason, "registry") && says(s->reason, "registrar's") && says(s->reason, "default pages") && says(s->reason, "disposable"));
    scene_free(s);
}

static void a_guess_or_a_proxy_only_where_nothing_else_is(void **state)
{
    (void)state;
    struct scene *s = scene_of(NULL);
    s->target.domain = span_text("site.org");
    found(s, &guess, "abuse@site.org", CONTACT_ROLE_ABUSE, 0, KNOWN_YES)->guess = true;
    found(s, &domain_whois, "x@domainsbyproxy.com", CONTACT_ROLE_OWNER, 0, KNOWN_YES);
    choose(s);
    assert_int_equal(s->count, 2);
    assert_true(says(s->chosen[0].reason, "nothing better is known"));
    is(s, 0, CHOICE_PRIMARY, "abuse@site.org");
    scene_free(s);
    s = scene_of(NULL);
    s->target.domain = span_text("site.org");
    found(s, &guess, "abuse@site.org", CONTACT_ROLE_ABUSE, 0, KNOWN_YES)->guess = true;
    found(s, &web, "mail@site.org", CONTACT_ROLE_OWNER, 3, KNOWN_YES);
    choose(s);
    assert_int_equal(s->count, 1);
    is(s, 0, CHOICE_PRIMARY, "mail@site.org");
    scene_free(s);
}

static void nobody_is_told_of_a_survey_but_by_hand(void **state)
{
    (void)state;
    struct scene *s = scene_of("162.142.125.9");
    found(s, &whois, "abuse@isp.net", CONTACT_ROLE_ABUSE, 0, KNOWN_YES);
    found(s, &desk, "info@national-cert.org", CONTACT_ROLE_NATIONAL, 0, KNOWN_YES);
    choose(s);
    assert_int_equal(s->count, 0);
    assert_true(says(s->reason, "surveys the Internet"));
    scene_free(s);
    s = scene_of("162.142.125.9");
    found(s, &whois, "abuse@isp.net", CONTACT_ROLE_ABUSE, 0, KNOWN_YES);
    found(s, &manual, "scans@project.org", CONTACT_ROLE_ABUSE, 0, KNOWN_YES);
    choose(s);
    assert_int_equal(s->count, 1);
    is(s, 0, CHOICE_PRIMARY, "scans@project.org");
    scene_free(s);
}

static void nothing_found_is_said(void **state)
{
    (void)state;
    struct scene *s = scene_of("192.0.2.17");
    choose(s);
    assert_int_equal(s->count, 0);
    assert_true(says(s->reason, "nothing was found"));
    scene_free(s);
}

static void at_most_two_fallbacks(void **state)
{
    (void)state;
    struct scene *s = scene_of("192.0.2.17");
    char value[32];
    for (unsigned i = 0; i < 8; i++) {
        (void)snprintf(value, sizeof value, "desk%u@isp%u.net", i, i);
        found(s, &whois, value, CONTACT_ROLE_ABUSE, i, KNOWN_YES);
    }
    choose(s);
    assert_int_equal(s->count, 3);
    is(s, 0, CHOICE_PRIMARY, "desk0@isp0.net");
    is(s, 2, CHOICE_FALLBACK, "desk2@isp2.net");
    scene_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_is_primary_and_others_follow),
        cmocka_unit_test(ranks_hold_within_a_channel),
        cmocka_unit_test(what_can_not_be_reached_is_passed_over_and_named),
        cmocka_unit_test(an_operators_entry_wins_over_all),
        cmocka_unit_test(national_csirts_and_makers_get_copies),
        cmocka_unit_test(objections_registrars_and_default_pages_are_never_chosen),
        cmocka_unit_test(a_guess_or_a_proxy_only_where_nothing_else_is),
        cmocka_unit_test(nobody_is_told_of_a_survey_but_by_hand),
        cmocka_unit_test(nothing_found_is_said),
        cmocka_unit_test(at_most_two_fallbacks),
    };
    return cmocka_run_group_tests(tests, open_book, close_book);
}
