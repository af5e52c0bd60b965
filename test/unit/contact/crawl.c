/* Pages of a site: which are asked for, what of them becomes a finding, what is a debt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "contact/crawl.h"

#include "harness.h"
#include "shipped.h"

#define HTML "text/html; charset=utf-8"

extern const struct channel channel_ip_web, channel_domain_web;

static struct quest *by_domain(const char *domain)
{
    return harness_quest(&channel_domain_web, (struct target){.domain = span_text(domain), .when = 1}, book);
}

static struct quest *by_address(const char *addr)
{
    struct target target = {.when = 1};
    assert_int_equal(addr_parse(span_text(addr), &target.addr), 0);
    return harness_quest(&channel_ip_web, target, book);
}

static void page(struct quest *q, const char *url, const char *body)
{
    harness_page(q, url, 200, HTML, NULL, span_text(body));
}

static void no_robots(struct quest *q, const char *url)
{
    harness_page(q, url, 404, HTML, NULL, span_text("<h1>Not found</h1>"));
}

static bool asked(const struct quest *q, const char *url)
{
    for (size_t i = 0; i < q->asked_count; i++) {
        if (span_is(q->asked[i].text, url))
            return true;
    }
    return false;
}

static bool owes(struct quest *q, const char *text)
{
    return strstr(buf_cstr(&q->debts), text) != NULL;
}

static const char contact_page[] =
    "<html><head><title>Contact</title></head><body><h1>Contact us</h1><p>Write to <a href=\"mailto:info@site.com\">us</a>.</p>"
    "<form method=post action=/send><label>Name <input name=name></label><label>E-mail <input type=email name=email></label>"
    "<label>Message <textarea name=message></textarea></label><input type=submit value=Send></form></body></html>";

static void contact_links_are_followed(void **state)
{
    (void)state;
    struct quest *q = by_domain("site.com");
    no_robots(q, "http://site.com/robots.txt");
    page(q, "http://site.com/",
         "<html><body><p>Welcome to our shop of fine things.</p><a href=/products>Products</a> <a href=\"/contact.html\">Contact "
         "us</a></body></html>");
    page(q, "http://site.com/contact.html", contact_page);
    no_robots(q, "http://www.site.com/robots.txt");
    harness_run(q);
    assert_true(asked(q, "http://site.com/contact.html") && !asked(q, "http://site.com/products"));
    assert_true(asked(q, "http://www.site.com/") && !asked(q, "https://site.com/"));
    const struct finding *mail = harness_found(q, "info@site.com"), *form = harness_found(q, "http://site.com/contact.html");
    assert_true(mail != NULL && mail->kind == CONTACT_MAIL && mail->role == CONTACT_ROLE_OWNER && span_is(mail->domain, "site.com"));
    assert_true(span_is(mail->attribute, "mailto") && span_is(mail->origin, "http://site.com/contact.html"));
    assert_true(form != NULL && form->kind == CONTACT_FORM && span_is(form->attribute, CRAWL_FORM));
    harness_free(q);
}

static void robots_txt_is_honoured(void **state)
{
    (void)state;
    struct quest *q = by_domain("site.com");
    harness_page(q, "http://site.com/robots.txt", 200, "text/plain", NULL, span_text("User-agent: *\nDisallow: /contact\n"));
    page(q, "http://site.com/", "<html><body><p>Welcome to our shop of fine things.</p><a href=\"/contact.html\">Contact us</a></body></html>");
    page(q, "http://site.com/contact.html", contact_page);
    harness_page(q, "http://www.site.com/robots.txt", 200, "text/plain", NULL, span_text("User-agent: noroshi\nDisallow: /\n"));
    harness_run(q);
    assert_true(asked(q, "http://site.com/") && !asked(q, "http://site.com/contact.html") && !asked(q, "http://www.site.com/"));
    assert_true(owes(q, "http://site.com/contact.html: its robots.txt does not allow it") && owes(q, "http://www.site.com/: its robots.txt"));
    assert_int_equal(harness_contacts(q), 0);
    harness_free(q);
}

static void by_https_what_does_not_answer_by_http(void **state)
{
    (void)state;
    struct quest *q = by_domain("site.com");
    no_robots(q, "https://site.com/robots.txt");
    page(q, "https://site.com/", contact_page);
    harness_run(q);
    assert_true(asked(q, "http://site.com/robots.txt") && !asked(q, "http://site.com/"));
    assert_non_null(harness_found(q, "info@site.com"));
    assert_true(asked(q, "https://www.site.com/robots.txt"));
    assert_true(owes(q, "http://site.com: failed") && owes(q, "https://www.site.com: failed"));
    harness_free(q);
}

static void a_redirect_to_www_is_not_walked_twice(void **state)
{
    (void)state;
    struct quest *q = by_domain("site.com");
    no_robots(q, "http://site.com/robots.txt");
    harness_page(q, "http://site.com/", 200, HTML, "https://www.site.com/", span_text(contact_page));
    harness_run(q);
    assert_int_equal(q->asked_count, 2);
    assert_true(span_is(harness_found(q, "info@site.com")->origin, "https://www.site.com/"));
    harness_free(q);
}

static void a_handful_of_pages_and_no_loops(void **state)
{
    (void)state;
    struct quest *q = by_domain("www.site.com");
    struct buf body;
    char url[64];
    buf_init(&body, 0);
    buf_text(&body, "<html><body><p>Many ways to reach us, one for each of our offices.</p>");
    for (unsigned i = 0; i < 50; i++)
        buf_printf(&body, "<a href=\"/contact-%u.html\">Contact</a> ", i);
    buf_text(&body, "<a href=\"/\">Contact</a></body></html>");
    no_robots(q, "http://www.site.com/robots.txt");
    page(q, "http://www.site.com/", buf_cstr(&body));
    for (unsigned i = 0; i < 50; i++) {
        (void)snprintf(url, sizeof url, "http://www.site.com/contact-%u.html", i);
        page(q, url, buf_cstr(&body));
    }
    harness_run(q);
    assert_int_equal(q->asked_count, 1 + CRAWL_PAGES_MAX);
    buf_done(&body);
    harness_free(q);
}

static void frames_and_refreshes_are_part_of_a_page(void **state)
{
    (void)state;
    struct quest *q = by_domain("www.site.com");
    no_robots(q, "http://www.site.com/robots.txt");
    page(q, "http://www.site.com/", "<html><head><meta http-equiv=refresh content=\"0; url=/start/\"></head><body></body></html>");
    page(q, "http://www.site.com/start/", "<html><frameset cols=\"20%,80%\"><frame src=menu.html><frame src=main.html></frameset></html>");
    page(q, "http://www.site.com/start/main.html", "<html><body><p>Our address: office@site.com, or call us by telephone.</p></body></html>");
    harness_run(q);
    assert_true(asked(q, "http://www.site.com/start/main.html"));
    assert_non_null(harness_found(q, "office@site.com"));
    harness_free(q);
}

static void roles_are_told_by_the_mailbox(void **state)
{
    (void)state;
    struct quest *q = by_domain("www.site.com");
    no_robots(q, "http://www.site.com/robots.txt");
    page(q, "http://www.site.com/",
         "<html><body><p>Report abuse to abuse@site.com, holes to security@site.com, the rest to hello@site.com.</p>"
         "<a href=\"https://www.facebook.com/siteofficial\">Facebook</a></body></html>");
    harness_run(q);
    assert_int_equal(harness_found(q, "abuse@site.com")->role, CONTACT_ROLE_ABUSE);
    assert_int_equal(harness_found(q, "security@site.com")->role, CONTACT_ROLE_SECURITY);
    assert_true(harness_found(q, "hello@site.com")->role == CONTACT_ROLE_OWNER && harness_found(q, "hello@site.com")->rank > 0);
    bool account = false;
    for (const struct finding *f = q->findings.first; f != NULL; f = f->next)
        account = account || (f->kind == CONTACT_ACCOUNT && span_is(f->attribute, "facebook"));
    assert_true(account);
    harness_free(q);
}

static void a_devices_page_speaks_of_its_maker(void **state)
{
    (void)state;
    static const char login[] =
        "<html><head><title>TP-LINK Wireless Router</title></head><body><form><input name=username><input type=password name=password>"
        "<input type=submit value=Login></form><p>Copyright TP-LINK. Support: support@tp-link.com</p></body></html>";
    struct quest *q = by_address("192.0.2.17");
    no_robots(q, "http://192.0.2.17/robots.txt");
    page(q, "http://192.0.2.17/", login);
    harness_run(q);
    assert_true(harness_found(q, "support@tp-link.com") != NULL && harness_found(q, "support@tp-link.com")->role == CONTACT_ROLE_MAKER);
    assert_true(span_is(q->maker, "TP-Link")); /* channel maker is told */
    harness_free(q);
    q = by_address("2001:db8::7");
    no_robots(q, "http://[2001:db8::7]/robots.txt");
    page(q, "http://[2001:db8::7]/", "<html><body><p>The page of a small office, reachable at office@site.com by mail.</p></body></html>");
    harness_run(q);
    assert_true(harness_found(q, "office@site.com") != NULL && harness_found(q, "office@site.com")->role == CONTACT_ROLE_OWNER);
    assert_int_equal(q->maker.len, 0);
    harness_free(q);
}

static void an_address_without_pages_owes_nothing(void **state)
{
    (void)state;
    struct quest *q = by_address("192.0.2.18");
    harness_run(q);
    assert_true(asked(q, "http://192.0.2.18/robots.txt") && asked(q, "https://192.0.2.18/robots.txt"));
    assert_int_equal(q->debts.len, 0);
    harness_free(q);
    q = by_address("192.0.2.19");
    no_robots(q, "http://192.0.2.19/robots.txt");
    page(q, "http://192.0.2.19/", "<html><body><p>Welcome to our shop of fine things.</p><a href=\"/contact.html\">Contact us</a></body></html>");
    harness_run(q);
    assert_true(owes(q, "http://192.0.2.19/contact.html: failed"));
    harness_free(q);
}

static void what_needs_scripts_is_a_debt(void **state)
{
    (void)state;
    struct quest *q = by_domain("www.site.com");
    no_robots(q, "http://www.site.com/robots.txt");
    page(q, "http://www.site.com/",
         "<html><head><title>App</title></head><body><noscript>You need to enable JavaScript to run this app.</noscript>"
         "<div id=root></div><script src=/app.js></script></body></html>");
    harness_run(q);
    assert_true(owes(q, "shows nothing without scripts"));
    harness_free(q);
}

static void refused_and_late_questions_end_well(void **state)
{
    (void)state;
    for (size_t refuse = 0; refuse < 4; refuse++) {
        struct quest *q = by_domain("site.com");
        q->refuse_after = refuse;
        q->latest_first = refuse % 2 != 0;
        no_robots(q, "http://site.com/robots.txt");
        page(q, "http://site.com/", "<html><body><p>Welcome to our shop of fine things.</p><a href=\"/contact.html\">Contact us</a></body></html>");
        page(q, "http://site.com/contact.html", contact_page);
        harness_run(q);
        harness_free(q);
    }
    struct quest *q = by_domain("site.com");
    harness_fetch_outcome(q, "http://site.com/robots.txt", OUTCOME_DENIED, 0);
    harness_fetch_outcome(q, "https://site.com/robots.txt", OUTCOME_LIMITED, 0);
    harness_run(q);
    assert_true(owes(q, "denied") && owes(q, "limited"));
    harness_free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contact_links_are_followed),
        cmocka_unit_test(robots_txt_is_honoured),
        cmocka_unit_test(by_https_what_does_not_answer_by_http),
        cmocka_unit_test(a_redirect_to_www_is_not_walked_twice),
        cmocka_unit_test(a_handful_of_pages_and_no_loops),
        cmocka_unit_test(frames_and_refreshes_are_part_of_a_page),
        cmocka_unit_test(roles_are_told_by_the_mailbox),
        cmocka_unit_test(a_devices_page_speaks_of_its_maker),
        cmocka_unit_test(an_address_without_pages_owes_nothing),
        cmocka_unit_test(what_needs_scripts_is_a_debt),
        cmocka_unit_test(refused_and_late_questions_end_well),
    };
    return cmocka_run_group_tests(tests, open_book, close_book);
}
