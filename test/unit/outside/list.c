/* Lists in ZMap's format, and how we say who we are. */
#include "check.h"

#include "outside/attribution.h"

static struct list *read_list(const char *text, size_t expected_bad)
{
    struct list *list = NULL;
    size_t bad = 99;
    assert_int_equal(list_read(&list, "blocklist", span_text(text), &bad, NULL, 0), 0);
    assert_int_equal(bad, expected_bad);
    return list;
}

static void lines_read_as_zmap_reads_them(void **state)
{
    (void)state;
    static const char *const good[][2] = {
        {"10.0.0.0/8", "10.0.0.0/8"},
        {"10.1.2.3/8 # host bits", "10.0.0.0/8"},
        {"  192.0.2.1\t", "192.0.2.1/32"},
        {"192.0.2.1\r", "192.0.2.1/32"},
        {"192.0.2.0/24 a reason", "192.0.2.0/24"},
        {"192.0.2.1#reason", "192.0.2.1/32"},
        {"0.0.0.0/0", "0.0.0.0/0"},
        {"2001:db8::1/32", "2001:db8::/32"},
        {"2001:DB8::", "2001:db8::/128"},
        {"::ffff:192.0.2.9/120", "192.0.2.0/24"},
        {"::ffff:192.0.2.9", "192.0.2.9/32"},
        {"192.0.2.0/024", "192.0.2.0/24"},
    };
    static const char *const none[] = {"", "   ", "# all", "\t# 10.0.0.0/8", "\r"};
    static const char *const bad[] = {"10.0.0.0/33",    "10.0.0/8",    "example.org",       "10.0.0.0/",   "10.0.0.0/8/8", "/8",
                                      "2001:db8::/129", "10.0.0.0/-1", "10.0.0.0-10.0.0.9", "10.0.0.0/8,", "1.2.3.4/0032", "10.0.0.0 /8x"};
    struct prefix p;
    char text[PREFIX_TEXT_SIZE];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(list_line(span_text(good[i][0]), &p), 0);
        assert_string_equal(prefix_print(p, text), good[i][1]);
    }
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_int_equal(list_line(span_text(none[i]), &p), 1);
    for (size_t i = 0; i + 1 < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(list_line(span_text(bad[i]), &p), -ERR_MALFORMED);
    assert_int_equal(list_line(span_of("1.2.3.4\0x", 9), &p), -ERR_MALFORMED);
}

static void a_list_holds_what_its_lines_say(void **state)
{
    (void)state;
    struct list *list =
        read_list("\xef\xbb\xbf# mark before\n8.0.0.0/9\n8.64.0.0/10\n8.128.0.1\n\n8.128.0.2\nnonsense\n2400::/16\r\n8.128.0.1\n9.9.9.9", 1);
    static const char *const in[] = {"8.0.0.0", "8.127.255.255", "8.64.1.1", "8.128.0.1", "8.128.0.2", "2400::", "2400:ffff::1", "9.9.9.9"};
    static const char *const out[] = {"7.255.255.255", "8.128.0.0", "8.128.0.3", "2401::", "23ff:ffff::1", "::", "255.255.255.255", "9.9.9.8"};
    for (size_t i = 0; i < sizeof in / sizeof in[0]; i++)
        assert_true(list_holds(list, ip(in[i])));
    for (size_t i = 0; i < sizeof out / sizeof out[0]; i++)
        assert_false(list_holds(list, ip(out[i])));
    assert_int_equal(list_networks(list), 7);
    struct prefix p;
    assert_int_equal(prefix_parse(span_text("8.64.0.0/12"), &p), 0);
    assert_true(list_covers(list, p));
    assert_int_equal(prefix_parse(span_text("8.0.0.0/8"), &p), 0);
    assert_false(list_covers(list, p));
    list_free(list);
    assert_false(list_holds(NULL, ip("8.0.0.0")));
}

static void bad_lines_are_told_by_number_and_escaped(void **state)
{
    (void)state;
    struct list *list = NULL;
    struct list_error bad[2];
    size_t count = 0;
    assert_int_equal(list_read(&list, "optout", span_text("ok?\n# fine\n1.2.3.4\n\x1b[31mred\nthird\n"), &count, bad, 2), 0);
    assert_int_equal(count, 3);
    assert_int_equal(bad[0].line, 1);
    assert_string_equal(bad[0].text, "ok?");
    assert_int_equal(bad[1].line, 4);
    assert_string_equal(bad[1].text, "\\x1b[31mred");
    assert_true(list_holds(list, ip("1.2.3.4")));
    list_free(list);
}

static void who_we_are_is_said_the_same_everywhere(void **state)
{
    (void)state;
    struct conf *conf = settings_of(NAMED);
    struct buf out;
    buf_init(&out, 0);
    assert_true(operator_named(conf));
    attribution_agent(conf, &out);
    const char *agent = buf_cstr(&out);
    assert_int_equal(strncmp(agent, "Mozilla/5.0 (compatible; Noroshi/", 33), 0);
    assert_non_null(strstr(agent, "; +https://csirt.example/probing)"));
    buf_clear(&out);
    attribution_text(conf, NOON, &out);
    const char *text = buf_cstr(&out);
    static const char *const lines[] = {"Canonical: https://csirt.example/.well-known/probing.txt\n", "Contact: mailto:abuse@csirt.example\n",
                                        "Expires: 2027-05-21T12:00:00Z\n", "Preferred-Languages: en\n", "Description: Example CSIRT "};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (strstr(text, lines[i]) == NULL)
            fail_msg("no \"%s\" in\n%s", lines[i], text);
    assert_non_null(strstr(text, "opt out: https://csirt.example/probing\n"));
    buf_done(&out);
    conf_free(conf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_read_as_zmap_reads_them),
        cmocka_unit_test(a_list_holds_what_its_lines_say),
        cmocka_unit_test(bad_lines_are_told_by_number_and_escaped),
        cmocka_unit_test(who_we_are_is_said_the_same_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
