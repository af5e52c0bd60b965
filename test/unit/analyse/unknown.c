/* Unknown banners: which are put together, what rule is proposed, and that nobody's banner can make it wrong, large or slow. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "analyse/unknown.h"
#include "analyse/unknown_text.h"
#include "base/conf.h"

#include <pcre2.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static const char *shape_of(struct buf *out, const char *value)
{
    buf_clear(out);
    unknown_shape(span_text(value), out);
    return buf_cstr(out);
}

static void values_become_shapes(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 0);
    assert_string_equal(shape_of(&out, "Acme X100 login: "), "Acme X# login: ");
    assert_string_equal(shape_of(&out, "up 12:34:56 2026-11-20"), "up #:#:# #-#-#");
    assert_string_equal(shape_of(&out, "host 192.0.2.17 ready"), "host <ip> ready");
    assert_string_equal(shape_of(&out, "id 00:11:22:aa:bb:cc, 00-11-22-AA-BB-CC"), "id <mac>, <mac>");
    assert_string_equal(shape_of(&out, "nonce=\"5f2ab81c99\" serial DEADBEEF"), "nonce=\"<hex>\" serial DEADBEEF");
    assert_string_equal(shape_of(&out, "a\r\n\r\n\tb"), "a b");
    assert_string_equal(shape_of(&out, "\xff\xfb\x01 caf\xc3\xa9"), "<?> caf<?>");
    assert_string_equal(shape_of(&out, "1.2.3.4.5 999.1"), "<ip>.# #.#");
    assert_string_equal(shape_of(&out, ""), "");
    buf_done(&out);
}

static void add(struct unknowns *u, const char *field, const char *value, uint32_t host, uint16_t port)
{
    assert_int_equal(unknowns_add(u, field, span_text(value), addr_v4(host), port), 0);
}

static const struct conf_rule rule_items[] = {
    {.path = "name", .type = CONF_TEXT},    {.path = "on", .type = CONF_TEXT},
    {.path = "match", .type = CONF_TEXT},   {.path = "class", .type = CONF_TEXT, .preset = ""},
    {.path = "examples", .type = CONF_ANY}, {0},
};
static const struct conf_rule rule_schema[] = {{.path = "rules", .type = CONF_ITEMS, .items = rule_items}, {0}};

static bool matches(const char *pattern, struct span value)
{
    int error;
    PCRE2_SIZE where;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_MULTILINE, &error, &where, NULL);
    if (code == NULL)
        fail_msg("%s: wrong at %zu", pattern, (size_t)where);
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(code, NULL);
    int r = pcre2_match(code, value.at, value.len, 0, 0, data, NULL);
    pcre2_match_data_free(data);
    pcre2_code_free(code);
    return r >= 0;
}

/* A rule file can be made of the line; its expression matches the value given. */
static void check_rule(const struct unknown_cluster *cluster, struct span value)
{
    struct buf file;
    struct conf *conf = NULL;
    struct conf_error error = {0};
    buf_init(&file, 0);
    buf_text(&file, "rules:\n");
    buf_span(&file, cluster->rule);
    buf_text(&file, "\n");
    assert_null(memchr(cluster->rule.at, '\n', cluster->rule.len));
    if (conf_parse(&conf, "rules.yaml", buf_as_span(&file), rule_schema, &error) != 0)
        fail_msg("%s\n%s", error.text, buf_cstr(&file));
    assert_int_equal(conf_count(conf, "rules"), 1);
    const struct conf_node *rule = conf_item(conf, "rules", 0);
    assert_string_equal(node_text(rule, "on"), cluster->field);
    assert_string_equal(node_text(rule, "class"), "");
    assert_true(matches(node_text(rule, "match"), value));
    const struct conf_node *examples = node_any(rule, "examples");
    assert_non_null(examples);
    for (size_t i = 0; i < node_size(examples); i++)
        assert_true(matches(node_text(rule, "match"), node_scalar(node_at(examples, i))));
    conf_free(conf);
    buf_done(&file);
}

static void the_biggest_come_first(void **state)
{
    (void)state;
    struct unknowns *u = NULL;
    const struct unknown_cluster *c = NULL;
    size_t count = 0;
    assert_int_equal(unknowns_new(&u), 0);
    assert_int_equal(unknowns_cluster(u, &c, &count), 0);
    assert_int_equal(count, 0);
    for (uint32_t i = 0; i < 5; i++) {
        char banner[64];
        (void)snprintf(banner, sizeof banner, "Acme Recorder X%u\r\nlogin: ", 100 + i);
        add(u, "telnet.banner", banner, i, 23);
        add(u, "telnet.banner", banner, i, 2323); /* the same hosts */
    }
    add(u, "telnet.banner", "Acme Recorder Pro\r\nlogin: ", 9, 23); /* words in common: joins */
    add(u, "http.title", "Acme Recorder X1\r\nlogin: ", 1, 80);     /* another field */
    add(u, "telnet.banner", "Quite other", 1, 23);
    add(u, "telnet.banner", "", 1, 23);
    assert_int_equal(unknowns_cluster(u, &c, &count), 0);
    assert_int_equal(count, 3);
    assert_string_equal(c[0].field, "telnet.banner");
    assert_int_equal(c[0].hosts, 6);
    assert_int_equal(c[0].answers, 11);
    assert_int_equal(c[0].shapes, 2);
    assert_int_equal(c[0].port_count, 2);
    assert_int_equal(c[0].ports[0], 23);
    assert_int_equal(c[0].ports[1], 2323);
    assert_true(span_is(c[0].example, "Acme Recorder X100\r\nlogin: "));
    check_rule(&c[0], span_text("Acme Recorder X104\r\nlogin: "));
    check_rule(&c[0], span_text("Acme Recorder Pro\r\nlogin: "));
    assert_int_equal(c[1].hosts, 1);
    check_rule(&c[1], c[1].example);
    check_rule(&c[2], c[2].example);
    unknowns_free(u);
}

static void the_order_does_not_matter(void **state)
{
    (void)state;
    static const char *const words[] = {"alpha", "beta", "gamma", "delta", "epsilon", "zeta"};
    char values[300][80];
    for (size_t i = 0; i < 300; i++)
        (void)snprintf(values[i], sizeof values[i], "%s %s router v%zu %s", words[i % 6], words[i / 6 % 6], i, words[i / 36 % 6]);
    struct unknowns *a = NULL, *b = NULL;
    assert_int_equal(unknowns_new(&a), 0);
    assert_int_equal(unknowns_new(&b), 0);
    for (uint32_t i = 0; i < 300; i++) {
        add(a, "banner", values[i], i % 50, (uint16_t)(i % 20));
        add(b, "banner", values[299 - i], (299 - i) % 50, (uint16_t)((299 - i) % 20));
    }
    const struct unknown_cluster *x = NULL, *y = NULL;
    size_t nx = 0, ny = 0;
    assert_int_equal(unknowns_cluster(a, &x, &nx), 0);
    assert_int_equal(unknowns_cluster(b, &y, &ny), 0);
    assert_int_equal(nx, ny);
    assert_true(nx > 1);
    size_t answers = 0;
    for (size_t i = 0; i < nx; i++) {
        assert_int_equal(x[i].hosts, y[i].hosts);
        assert_true(span_equal(x[i].rule, y[i].rule));
        assert_true(span_equal(x[i].example, y[i].example));
        assert_memory_equal(x[i].ports, y[i].ports, sizeof x[i].ports);
        answers += x[i].answers;
        check_rule(&x[i], x[i].example);
    }
    assert_int_equal(answers, 300);
    unknowns_free(a);
    unknowns_free(b);
}

static void hostile_values_make_valid_rules(void **state)
{
    (void)state;
    uint8_t bytes[600];
    uint32_t seed = 12345;
    static const char signs[] = "'\"\\{}[]()#:,-?*&!|>%@`$^.+/ \r\n\t09afAZ\x00\x1b\xff\xc3\xa9\xe2\x80\xae";
    for (size_t round = 0; round < 3000; round++) {
        struct unknowns *u = NULL;
        const struct unknown_cluster *c = NULL;
        size_t count = 0, len = round % sizeof bytes;
        for (size_t i = 0; i < len; i++) {
            seed = seed * 1664525U + 1013904223U;
            bytes[i] = round % 2 == 0 ? (uint8_t)signs[(seed >> 16) % (sizeof signs - 1)] : (uint8_t)(seed >> 16);
        }
        assert_int_equal(unknowns_new(&u), 0);
        assert_int_equal(unknowns_add(u, "telnet.banner", span_of(bytes, len), addr_v4(1), 23), 0);
        assert_int_equal(unknowns_cluster(u, &c, &count), 0);
        assert_int_equal(count, len > 0);
        if (count > 0)
            check_rule(&c[0], span_of(bytes, len));
        unknowns_free(u);
    }
}

static void memory_is_bounded(void **state)
{
    (void)state;
    struct unknowns *u = NULL;
    const struct unknown_cluster *c = NULL;
    size_t count = 0;
    assert_int_equal(unknowns_new(&u), 0);
    char value[500];
    memset(value, 'x', sizeof value);
    clock_t began = clock();
    for (uint32_t i = 0; i < 60000; i++) {
        for (size_t k = 0; k < 12; k++)
            value[k * 3] = (char)('a' + (i >> (k % 8 * 4) & 15));
        for (size_t k = 2; k < 300; k += 7)
            value[k] = ' ';
        assert_int_equal(unknowns_add(u, "banner", span_of(value, sizeof value), addr_v4(i), 23), 0);
    }
    assert_true(unknowns_left_out(u) > 0);
    assert_int_equal(unknowns_cluster(u, &c, &count), 0);
    assert_true(count > 0 && count <= UNKNOWN_SHAPES_MAX);
    assert_true((double)(clock() - began) / CLOCKS_PER_SEC < 60);
    unknowns_free(u);
    unknowns_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_become_shapes),      cmocka_unit_test(the_biggest_come_first),
        cmocka_unit_test(the_order_does_not_matter), cmocka_unit_test(hostile_values_make_valid_rules),
        cmocka_unit_test(memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
