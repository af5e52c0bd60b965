/* The command line of a verb, read by its table. */
#include "cli/options.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { SINCE, LIMIT, JSON, VERBOSE };

static const struct verb_option table[] = {
    [SINCE] = {"since", 's', "TIME", ""},
    [LIMIT] = {"limit", 'n', "ROWS", ""},
    [JSON] = {"json", 'j', NULL, ""},
    [VERBOSE] = {"verbose", 'v', NULL, ""},
};
static const struct verb verb = {.name = "try", .arguments = "", .help = "", .options = table, .option_count = 4};

/* Parses up to 8 arguments; what was wrong goes to `why`. */
static int parse(struct options *ret, char why_text[static 200], const char *const *arguments)
{
    static char copies[8][64];
    static char *argv[9];
    int argc = 0;
    for (; arguments[argc] != NULL; argc++) {
        snprintf(copies[argc], sizeof copies[argc], "%s", arguments[argc]);
        argv[argc] = copies[argc];
    }
    struct buf why;
    buf_init(&why, 0);
    int result = options_read(&verb, argc, argv, ret, &why);
    snprintf(why_text, 200, "%s", buf_cstr(&why));
    buf_done(&why);
    return result;
}

#define PARSE(...) parse(&o, why, (const char *const[]){__VA_ARGS__, NULL})

static void options_and_words_may_be_mixed(void **state)
{
    (void)state;
    struct options o;
    char why[200];
    assert_int_equal(PARSE("attackers", "--since", "7d", "-n5", "more", "--json"), 0);
    assert_int_equal(o.word_count, 2);
    assert_string_equal(o.words[0], "attackers");
    assert_string_equal(o.words[1], "more");
    assert_string_equal(o.values[SINCE], "7d");
    assert_string_equal(o.values[LIMIT], "5");
    assert_non_null(o.values[JSON]);
    assert_null(o.values[VERBOSE]);
}

static void values_may_stand_in_several_forms(void **state)
{
    (void)state;
    struct options o;
    char why[200];
    assert_int_equal(PARSE("--since=yesterday", "-jv", "-n", "3"), 0);
    assert_string_equal(o.values[SINCE], "yesterday");
    assert_string_equal(o.values[LIMIT], "3");
    assert_non_null(o.values[JSON]);
    assert_non_null(o.values[VERBOSE]);
    assert_int_equal(PARSE("-jn3"), 0);
    assert_string_equal(o.values[LIMIT], "3");
    assert_int_equal(PARSE("--since="), 0);
    assert_string_equal(o.values[SINCE], "");
}

static void two_dashes_end_the_options(void **state)
{
    (void)state;
    struct options o;
    char why[200];
    assert_int_equal(PARSE("--json", "--", "--since", "-"), 0);
    assert_int_equal(o.word_count, 2);
    assert_string_equal(o.words[0], "--since");
    assert_int_equal(PARSE("-"), 0);
    assert_int_equal(o.word_count, 1);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    struct options o;
    char why[200];
    assert_true(PARSE("--sinse", "7d") < 0);
    assert_string_equal(why, "unknown option --sinse (perhaps --since)");
    assert_true(PARSE("--zebra") < 0);
    assert_string_equal(why, "unknown option --zebra");
    assert_true(PARSE("--since") < 0);
    assert_string_equal(why, "--since: expected TIME after it");
    assert_true(PARSE("-n") < 0);
    assert_string_equal(why, "--limit: expected ROWS after it");
    assert_true(PARSE("--json=1") < 0);
    assert_string_equal(why, "--json takes no value");
    assert_true(PARSE("-jx") < 0);
    assert_string_equal(why, "unknown option -x");
    assert_true(PARSE("--\x1b[2J") < 0);
    assert_string_equal(why, "unknown option --\\x1b[2J");
}

static void help_is_every_verbs(void **state)
{
    (void)state;
    struct options o;
    char why[200];
    assert_int_equal(PARSE("x", "--help"), 1);
    assert_int_equal(PARSE("-h"), 1);
    assert_int_equal(PARSE("-jh"), 1);
}

static const char *name_at(size_t index, const void *user)
{
    static const char *const names[] = {"attackers", "credentials", "commands", "ports"};
    (void)user;
    return index < 4 ? names[index] : NULL;
}

static void the_nearest_name_is_found(void **state)
{
    (void)state;
    assert_string_equal(nearest_name("atackers", name_at, NULL), "attackers");
    assert_string_equal(nearest_name("prots", name_at, NULL), "ports");
    assert_string_equal(nearest_name("cred", name_at, NULL), "credentials");
    assert_string_equal(nearest_name("comands", name_at, NULL), "commands");
    assert_null(nearest_name("zebra", name_at, NULL));
    assert_null(nearest_name("", name_at, NULL));
    assert_null(nearest_name("a-word-that-is-far-longer-than-any-name-there-is", name_at, NULL));
}

static void numbers_are_whole_and_bounded(void **state)
{
    (void)state;
    int64_t got = -1;
    assert_int_equal(option_number("25", 0, 100, &got), 0);
    assert_int_equal(got, 25);
    static const char *const bad[] = {"", "x", "5x", "1.5", "-1", "101", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_not_equal(option_number(bad[i], 0, 100, &got), 0);
    assert_int_equal(got, 25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_words_may_be_mixed),
        cmocka_unit_test(values_may_stand_in_several_forms),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(help_is_every_verbs),
        cmocka_unit_test(the_nearest_name_is_found),
        cmocka_unit_test(numbers_are_whole_and_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
