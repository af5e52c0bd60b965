/* Is a contact any good: each rule, the flags, the shipped lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "contact/crawl.h"
#include "contact/evaluate.h"
#include "contact/maildomains.h"
#include "contact/surveys.h"
#include "contact/words.h"

#include "shipped.h"

static struct arena arena;

static int begin(void **state)
{
    arena_init(&arena, 64 * 1024 * 1024);
    return open_book(state);
}

static int end(void **state)
{
    arena_done(&arena);
    return close_book(state);
}

static const struct channel whois = {.name = "ip_whois", .trust = 330}, web = {.name = "domain_web", .trust = 250},
                            ip_web = {.name = "ip_web", .trust = 200}, guess = {.name = "rfc2142_guess", .trust = 150};

static struct finding mail(const struct channel *channel, const char *value)
{
    return (struct finding){.channel = channel, .kind = CONTACT_MAIL, .role = CONTACT_ROLE_OWNER, .value = span_text(value)};
}

static struct verdict_of_contact judge(struct finding finding, const char *domain, enum known exists)
{
    struct target target = {.when = 1};
    struct verdict_of_contact v;
    struct span domains[1] = {span_text(domain)};
    struct mail_host host = {.domain = mail_domain(finding.value), .exists = exists, .host = span_text("mx.test")};
    assert_int_equal(addr_parse(span_text("192.0.2.17"), &target.addr), 0);
    assert_int_equal(contact_evaluate(book, &arena, &finding, &target, domains, domain != NULL ? 1 : 0, &host, exists == KNOWN_NOT ? 0 : 1, &v), 0);
    assert_true(v.reason.len > 0 && v.reason.len <= 512 && v.score >= 0 && v.score <= 1000);
    return v;
}

static void domains_match_exactly_nearly_or_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *mail, *domain;
        enum match match;
    } cases[] = {
        {"a@site.com", "site.com", MATCH_EXACT},
        {"a@site.com", "www.site.com", MATCH_EXACT},
        {"a@mail.site.com", "site.com", MATCH_REGISTRABLE},
        {"a@org.net", "org.com", MATCH_NAME},
        {"a@org.co.jp", "org.com", MATCH_NAME},
        {"a@other.com", "site.com", MATCH_NONE},
        {"a@x.co.jp", "y.co.jp", MATCH_NONE},
        {"a@site.com.evil.net", "site.com", MATCH_NONE},
        {"a@notsite.com", "site.com", MATCH_NONE},
        {"a@jp.site.co.jp", "www.site.co.jp", MATCH_REGISTRABLE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(judge(mail(&web, cases[i].mail), cases[i].domain, KNOWN_YES).match, cases[i].match);
    assert_int_equal(judge(mail(&web, "a@site.com"), NULL, KNOWN_YES).match, MATCH_NONE);
    struct finding found_for = mail(&web, "a@site.com");
    found_for.domain = span_text("site.com");
    assert_int_equal(judge(found_for, NULL, KNOWN_YES).match, MATCH_EXACT);
}

static void mailbox_names_of_rfc_2142(void **state)
{
    (void)state;
    static const char *const yes[] = {"info",  "marketing",  "sales",  "support", "abuse", "noc",       "security", "postmaster",
                                      "ABUSE", "hostmaster", "usenet", "news",    "www",   "webmaster", "uucp",     "ftp"};
    static const char *const no[] = {"abuse2", "contact", "admin", "yamada", "infos", "no"};
    char text[64];
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        (void)snprintf(text, sizeof text, "%s@site.com", yes[i]);
        struct verdict_of_contact v = judge(mail(&web, text), NULL, KNOWN_YES);
        assert_true(v.rfc2142 && v.word && v.valid == KNOWN_YES);
    }
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++) {
        (void)snprintf(text, sizeof text, "%s@site.com", no[i]);
        assert_false(judge(mail(&web, text), NULL, KNOWN_YES).rfc2142);
    }
}

static void words_of_many_languages(void **state)
{
    (void)state;
    static const char *const yes[] = {
        "contact",    "contacto",  "kontakt",       "contato",   "contatto",   "abuse-desk", "network.security", "jpcert",
        "cert",       "csirt",     "toiawase",      "otoiawase", "munui",      "kefu",       "iletisim",         "epikoinonia",
        "hotro",      "kapcsolat", "bezopasnost",   "noc-jp",    "it.support", "info-jp",    "customer.service", "hubungi",
        "tietoturva", "soporte",   "kundenservice", "misbruk"};
    static const char *const no[] = {"yamada", "enoch", "jupiter", "wwwest", "taro.suzuki", "j.smith", "pinocchio", "no-reply", "fragata"};
    char text[64];
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        (void)snprintf(text, sizeof text, "%s@site.com", yes[i]);
        if (!judge(mail(&web, text), NULL, KNOWN_YES).word)
            fail_msg("%s holds a word", yes[i]);
    }
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++) {
        (void)snprintf(text, sizeof text, "%s@site.com", no[i]);
        if (judge(mail(&web, text), NULL, KNOWN_YES).word)
            fail_msg("%s holds no word", no[i]);
    }
    struct span seen[64];
    size_t languages = 0, count;
    const struct word *words = words_of(book_part(book, BOOK_words), WORD_LOCAL, &count);
    for (size_t i = 0; i < count && languages < 64; i++) {
        bool known = false;
        for (size_t j = 0; j < languages; j++)
            known = known || span_equal(seen[j], words[i].language);
        if (!known)
            seen[languages++] = words[i].language;
    }
    assert_true(languages >= 12);
}

/* valid = (1) and one of (2), (3-a), (3-b). */
static void the_rule_of_the_paper(void **state)
{
    (void)state;
    static const struct {
        const char *mail, *domain;
        enum known exists, valid;
    } cases[] = {
        {"yamada@site.com", "site.com", KNOWN_YES, KNOWN_YES},   {"yamada@other.com", "site.com", KNOWN_YES, KNOWN_NO},
        {"yamada@site.net", "site.com", KNOWN_YES, KNOWN_NO},    {"abuse@other.com", "site.com", KNOWN_YES, KNOWN_YES},
        {"kontakt@other.com", "site.com", KNOWN_YES, KNOWN_YES}, {"abuse@other.com", "site.com", KNOWN_NO, KNOWN_NO},
        {"yamada@site.com", "site.com", KNOWN_NO, KNOWN_NO},     {"abuse@other.com", "site.com", KNOWN_NOT, KNOWN_NOT},
        {"yamada@other.com", "site.com", KNOWN_NOT, KNOWN_NO},   {"yamada@jp.site.com", "site.com", KNOWN_YES, KNOWN_NO},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(judge(mail(&web, cases[i].mail), cases[i].domain, cases[i].exists).valid, cases[i].valid);
}

static void a_null_mx_takes_no_mail(void **state)
{
    (void)state;
    struct finding finding = mail(&web, "abuse@site.com");
    struct target target = {.when = 1};
    struct verdict_of_contact v;
    struct mail_host host = {.domain = span_text("site.com"), .exists = KNOWN_YES, .null_mx = true};
    assert_int_equal(contact_evaluate(book, &arena, &finding, &target, NULL, 0, &host, 1, &v), 0);
    assert_true(v.exists == KNOWN_NO && v.valid == KNOWN_NO && (v.flags & FLAG_NULL_MX) != 0 && v.score == 0);
}

static void the_kinds_of_mail_domains(void **state)
{
    (void)state;
    static const struct {
        const char *mail;
        unsigned flag;
    } cases[] = {
        {"a@gmail.com", FLAG_FREE_MAIL},
        {"a@docomo.ne.jp", FLAG_FREE_MAIL},
        {"a@ezweb.ne.jp", FLAG_FREE_MAIL},
        {"a@softbank.ne.jp", FLAG_FREE_MAIL},
        {"a@nifty.ne.jp", FLAG_FREE_MAIL},
        {"a@daum.net", FLAG_FREE_MAIL},
        {"a@naver.com", FLAG_FREE_MAIL},
        {"a@proton.me", FLAG_FREE_MAIL},
        {"a@hanmail.net", FLAG_FREE_MAIL},
        {"a@i.softbank.jp", FLAG_FREE_MAIL},
        {"a@qq.com", FLAG_FREE_MAIL},
        {"a@mailinator.com", FLAG_DISPOSABLE},
        {"x@domainsbyproxy.com", FLAG_PRIVACY_PROXY},
        {"x@o-w-o.info", FLAG_PRIVACY_PROXY},
        {"x@some-whoisprivacy.net", FLAG_PRIVACY_PROXY},
        {"x@a1b2.protect.withheldforprivacy.com", FLAG_PRIVACY_PROXY},
        {"whoisproxy@value-domain.com", FLAG_PRIVACY_PROXY},
        {"webmaster@example.com", FLAG_DEFAULT_PAGE},
        {"you@yourdomain.com", FLAG_DEFAULT_PAGE},
        {"Your.Email@gmail.com", FLAG_DEFAULT_PAGE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if ((judge(mail(&whois, cases[i].mail), NULL, KNOWN_YES).flags & cases[i].flag) == 0)
            fail_msg("%s", cases[i].mail);
    }
    assert_int_equal(judge(mail(&whois, "abuse@isp.test.net"), NULL, KNOWN_YES).flags, 0);
    assert_int_equal(judge(mail(&whois, "hostmaster@value-domain.com"), NULL, KNOWN_YES).flags, 0);
    /* The maker's address on a device's page, not in the registry's entry of its own network. */
    assert_true((judge(mail(&ip_web, "support@tp-link.com"), NULL, KNOWN_YES).flags & FLAG_VENDOR) != 0);
    assert_int_equal(judge(mail(&whois, "abuse@microsoft.com"), NULL, KNOWN_YES).flags & FLAG_VENDOR, 0);
    assert_int_equal(judge(mail(&web, "info@asus.com"), "asus.com", KNOWN_YES).flags & FLAG_VENDOR, 0);
    struct finding made_up = mail(&guess, "abuse@site.com");
    made_up.guess = true;
    assert_true((judge(made_up, "site.com", KNOWN_YES).flags & FLAG_GUESS) != 0);
}

static void surveys_are_no_victims(void **state)
{
    (void)state;
    struct finding finding = mail(&whois, "abuse@isp.test.net");
    struct verdict_of_contact v;
    struct target target = {.when = 1};
    assert_true((judge(finding, "scan-01.shadowserver.org", KNOWN_YES).flags & FLAG_SURVEY) != 0);
    assert_true((judge(finding, "a.internet-census.org", KNOWN_YES).flags & FLAG_SURVEY) != 0);
    assert_true((judge(mail(&whois, "abuse@binaryedge.io"), NULL, KNOWN_YES).flags & FLAG_SURVEY) != 0);
    assert_int_equal(judge(mail(&web, "info@binaryedge.io"), "site.com", KNOWN_YES).flags & FLAG_SURVEY, 0);
    assert_int_equal(judge(finding, "notshodan.io", KNOWN_YES).flags & FLAG_SURVEY, 0);
    assert_int_equal(addr_parse(span_text("167.94.138.7"), &target.addr), 0);
    assert_int_equal(contact_evaluate(book, &arena, &finding, &target, NULL, 0, NULL, 0, &v), 0);
    assert_true((v.flags & FLAG_SURVEY) != 0);
}

static void forms_and_accounts(void **state)
{
    (void)state;
    struct finding form = {
        .channel = &web, .kind = CONTACT_FORM, .value = span_text("https://www.site.com/contact"), .attribute = span_text(CRAWL_FORM)};
    struct verdict_of_contact v = judge(form, "site.com", KNOWN_NOT);
    assert_true(v.valid == KNOWN_YES && v.exists == KNOWN_YES && v.match == MATCH_REGISTRABLE);
    form.attribute = span_text(CRAWL_FORM_SILENT);
    assert_int_equal(judge(form, "site.com", KNOWN_NOT).valid, KNOWN_NO);
    form.channel = &whois;
    assert_int_equal(judge(form, "site.com", KNOWN_NOT).valid, KNOWN_NOT);
    struct finding account = {.channel = &web, .kind = CONTACT_ACCOUNT, .value = span_text("https://x.com/site")};
    v = judge(account, "site.com", KNOWN_NOT);
    assert_true(v.valid == KNOWN_NOT && v.account.exists == KNOWN_NOT);
    assert_int_equal(contact_evaluate_account(&arena, &account, (struct account_check){KNOWN_YES, KNOWN_YES, KNOWN_NOT}, &v), 0);
    assert_int_equal(v.valid, KNOWN_NOT);
    assert_int_equal(contact_evaluate_account(&arena, &account, (struct account_check){KNOWN_YES, KNOWN_YES, KNOWN_YES}, &v), 0);
    assert_int_equal(v.valid, KNOWN_YES);
    assert_int_equal(contact_evaluate_account(&arena, &account, (struct account_check){KNOWN_YES, KNOWN_NO, KNOWN_YES}, &v), 0);
    assert_int_equal(v.valid, KNOWN_NO);
}

static void better_contacts_score_higher(void **state)
{
    (void)state;
    struct finding abuse = mail(&whois, "abuse@isp.test.net"), person = mail(&whois, "taro@isp.test.net"), banner = abuse;
    abuse.role = CONTACT_ROLE_ABUSE;
    person.role = CONTACT_ROLE_TECHNICAL;
    banner.objection = OBJECTION_BANNER;
    int best = judge(abuse, NULL, KNOWN_YES).score;
    assert_true(best > judge(abuse, NULL, KNOWN_NOT).score);
    assert_true(best > judge(person, NULL, KNOWN_YES).score);
    assert_int_equal(judge(abuse, NULL, KNOWN_NO).score, 0);
    assert_int_equal(judge(banner, NULL, KNOWN_YES).score, 0);
    struct finding second = abuse;
    second.rank = 2;
    assert_true(best > judge(second, NULL, KNOWN_YES).score);
    /* A provider of mail has a desk of its own. */
    struct finding provider = mail(&whois, "abuse@hinet.net");
    provider.role = CONTACT_ROLE_ABUSE;
    assert_int_equal(judge(provider, NULL, KNOWN_YES).score, best);
}

/* The list of free mail that others use (read at test time, where it is there): how much of ours it has, and what of ours it lacks. */
static void beside_another_list_of_free_mail(void **state)
{
    (void)state;
    char path[4096], line[256];
    const char *shared = getenv("NOROSHI_SHARED");
    (void)snprintf(path, sizeof path, "%s/data/contact/lists/freemail/free.txt", shared != NULL ? shared : "../shared");
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        print_message("skipped: %s is not there\n", path);
        skip();
    }
    size_t both = 0, all = 0, wrong = 0;
    const struct maildomains *domains = book_part(book, BOOK_maildomains);
    while (fgets(line, sizeof line, file) != NULL) {
        char address[300];
        line[strcspn(line, "\r\n")] = '\0';
        (void)snprintf(address, sizeof address, "someone@%s", line);
        unsigned flags = maildomains_flags(domains, span_text(address), NULL);
        all++;
        both += (flags & FLAG_FREE_MAIL) != 0;
        wrong += (flags & (FLAG_VENDOR | FLAG_PRIVACY_PROXY)) != 0;
    }
    (void)fclose(file);
    print_message(
        "%zu of its %zu domains are free mail here, too; entries of ours, of all classes: %zu; %zu of its domains are vendors or proxies here\n",
        both, all, maildomains_count(domains), wrong);
    assert_true(both >= 380);
    assert_int_equal(wrong, 0);
}

static void broken_files_are_refused_with_a_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {{"free gmail.com\n", "mail:1:"},
                 {"# x\nfrei: a.com\n", "mail:2:"},
                 {"free: A.com\n", "lower case"},
                 {"free: a b\n", "expected a domain"},
                 {"free:\n", "mail:1:"}};
    struct conf_error error;
    void *part;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        error.text[0] = '\0';
        assert_true(book_open_maildomains(&arena, span_text(cases[i].text), "mail", &part, &error) != 0);
        if (strstr(error.text, cases[i].says) == NULL)
            fail_msg("%s", error.text);
    }
    assert_true(book_open_surveys(&arena, span_text("A: 192.0.2.1/24\n"), "surveys", &part, &error) != 0);
    assert_non_null(strstr(error.text, "surveys:1:"));
    assert_true(book_open_surveys(&arena, span_text("A survey.example\n"), "surveys", &part, &error) != 0);
    assert_int_equal(book_open_surveys(&arena, span_text("A B: survey.example, 192.0.2.0/24 2001:db8::/32\n"), "surveys", &part, &error), 0);
    struct addr addr;
    assert_int_equal(addr_parse(span_text("2001:db8::1"), &addr), 0);
    assert_true(span_is(surveys_by_addr(part, addr), "A B") && span_is(surveys_by_name(part, span_text("x.survey.example")), "A B"));
    assert_true(surveys_by_name(part, span_text("xsurvey.example")).len == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(domains_match_exactly_nearly_or_by_name),
        cmocka_unit_test(mailbox_names_of_rfc_2142),
        cmocka_unit_test(words_of_many_languages),
        cmocka_unit_test(the_rule_of_the_paper),
        cmocka_unit_test(a_null_mx_takes_no_mail),
        cmocka_unit_test(the_kinds_of_mail_domains),
        cmocka_unit_test(surveys_are_no_victims),
        cmocka_unit_test(forms_and_accounts),
        cmocka_unit_test(better_contacts_score_higher),
        cmocka_unit_test(beside_another_list_of_free_mail),
        cmocka_unit_test(broken_files_are_refused_with_a_line),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
