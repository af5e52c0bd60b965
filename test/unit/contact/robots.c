/* robots.txt: whose group counts, which rule wins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "contact/robots.h"

static bool allowed(const char *text, const char *path)
{
    struct arena arena;
    struct robots robots;
    arena_init(&arena, 1024 * 1024);
    assert_int_equal(robots_by_status(&arena, span_text("noroshi"), 200, span_text(text), &robots), 0);
    bool allow = robots_allow(&robots, span_text(path));
    arena_done(&arena);
    return allow;
}

static void our_own_group_counts_before_that_for_all(void **state)
{
    (void)state;
    const char *text = "User-agent: *\nDisallow: /\n\nUser-Agent: Noroshi/1.0\nDisallow: /private # not for us\n";
    assert_true(allowed(text, "/"));
    assert_false(allowed(text, "/private/x"));
    assert_false(allowed("User-agent: *\nDisallow: /", "/contact"));
    assert_true(allowed("User-agent: other\nDisallow: /", "/contact"));
    assert_false(allowed("User-agent: a\nUser-agent: noroshi\nDisallow: /x\n", "/x"));
    assert_false(allowed("User-agent: noroshi\nDisallow: /x\nUser-agent: b\nDisallow: /y\nUser-agent: noroshi\nDisallow: /z", "/z"));
    assert_true(allowed("User-agent: noroshi\nDisallow: /x\nUser-agent: b\nDisallow: /y\n", "/y"));
}

static void the_longest_rule_wins_and_allow_at_a_draw(void **state)
{
    (void)state;
    const char *text = "User-agent: *\nDisallow: /shop\nAllow: /shop/contact\nDisallow: /a\nAllow: /a\n";
    assert_false(allowed(text, "/shop/cart"));
    assert_true(allowed(text, "/shop/contact"));
    assert_true(allowed(text, "/a"));
    assert_true(allowed("User-agent: *\nDisallow:\n", "/"));
}

static void stars_and_ends(void **state)
{
    (void)state;
    const char *text = "User-agent: *\nDisallow: /*.php$\nDisallow: /x*y*z\nDisallow: /end$\n";
    assert_false(allowed(text, "/a/b.php"));
    assert_true(allowed(text, "/a/b.php?q=1"));
    assert_false(allowed(text, "/x1y2z3"));
    assert_true(allowed(text, "/x1z2y3"));
    assert_false(allowed(text, "/end"));
    assert_true(allowed(text, "/endless"));
    assert_false(allowed("User-agent: *\nDisallow: *\n", "/"));
}

static void escapes_are_one_form(void **state)
{
    (void)state;
    assert_false(allowed("User-agent: *\nDisallow: /%7Ejoe/\n", "/~joe/index.html"));
    assert_false(allowed("User-agent: *\nDisallow: /\xe5\x95\x8f\n", "/%e5%95%8f/form"));
    assert_true(allowed("User-agent: *\nDisallow: /a%2Fb\n", "/a/b"));
}

static void broken_texts_and_line_ends(void **state)
{
    (void)state;
    assert_false(allowed("\xef\xbb\xbfUser-agent: *\rDisallow: /x\r", "/x"));
    assert_true(allowed("<html><body>Not found</body></html>", "/x"));
    assert_true(allowed("", "/x"));
    assert_true(allowed("Disallow: /x\n", "/x"));
}

static void answers_without_a_text(void **state)
{
    (void)state;
    struct arena arena;
    struct robots robots;
    static const struct {
        int status;
        bool allow;
    } cases[] = {{404, true}, {403, true}, {301, true}, {500, false}, {503, false}, {429, false}, {0, false}};
    arena_init(&arena, 64 * 1024);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(robots_by_status(&arena, span_text("noroshi"), cases[i].status, (struct span){0}, &robots), 0);
        assert_int_equal(robots_allow(&robots, span_text("/")), cases[i].allow);
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_own_group_counts_before_that_for_all),
        cmocka_unit_test(the_longest_rule_wins_and_allow_at_a_draw),
        cmocka_unit_test(stars_and_ends),
        cmocka_unit_test(escapes_are_one_form),
        cmocka_unit_test(broken_texts_and_line_ends),
        cmocka_unit_test(answers_without_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
