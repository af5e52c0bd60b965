/* The shipped conf/noroshi.yaml against the program's settings. */
#include "check.h"

#include "settings.h"

#include <stdio.h>
#include <stdlib.h>

static char *shipped(void)
{
    static char path[4096];
    const char *source = getenv("NOROSHI_SOURCE");
    (void)snprintf(path, sizeof path, "%s/conf/noroshi.yaml", source != NULL ? source : ".");
    return path;
}

static void the_shipped_file_loads_and_is_safe(void **state)
{
    (void)state;
    struct conf *conf = NULL;
    struct conf_error error;
    if (conf_load(&conf, shipped(), settings_schema(), &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(conf_count(conf, "services"), 1);
    const struct conf_node *telnet = conf_item(conf, "services", 0);
    char text[ENDPOINT_TEXT_SIZE];
    assert_string_equal(node_text(telnet, "service"), "telnet");
    assert_string_equal(endpoint_print(node_endpoint(telnet, "listen"), text), "127.0.0.1:2323");
    assert_string_equal(endpoint_print(node_endpoint(telnet, "public"), text), "[::]:23");
    assert_string_equal(node_text(telnet, "profile"), "any");
    conf_free(conf);
}

/* Line by line: the file with one kind of comment removed. "# key: value" is a commented setting, "# Words" is prose. */
static void uncomment(FILE *in, struct buf *out)
{
    char line[1024];
    while (fgets(line, sizeof line, in) != NULL) {
        size_t indent = strspn(line, " ");
        const char *rest = line + indent;
        size_t word = rest[0] == '#' && rest[1] == ' ' ? strspn(rest + 2, "abcdefghijklmnopqrstuvwxyz_- ") : 0;
        bool setting = word > 0 && rest[2 + word] == ':' && strchr(" \n", rest[3 + word]) != NULL && memchr(rest + 2, ' ', word) == NULL;
        bool item = strncmp(rest, "#   - {", 7) == 0;
        if (setting || item)
            buf_printf(out, "%.*s%s", (int)indent, line, rest + 2);
        else
            buf_text(out, line);
    }
}

static void every_setting_is_shown_with_its_default(void **state)
{
    (void)state;
    FILE *in = fopen(shipped(), "re");
    assert_non_null(in);
    struct buf yaml;
    buf_init(&yaml, 0);
    uncomment(in, &yaml);
    (void)fclose(in);
    struct conf *all = NULL, *none = NULL;
    struct conf_error error;
    if (conf_parse(&all, shipped(), buf_as_span(&yaml), settings_schema(), &error) != 0)
        fail_msg("%s\n%s", error.text, buf_cstr(&yaml));
    assert_int_equal(conf_parse(&none, shipped(), (struct span){0}, settings_schema(), &error), 0);
    struct buf shown, defaults;
    buf_init(&shown, 0);
    buf_init(&defaults, 0);
    /* Each setting but the services is in the file, with the value it has without it. */
    assert_int_equal(conf_override(all, "services=", &error), 0);
    assert_int_equal(conf_override(none, "services=", &error), 0);
    /* What is written in the file as empty. */
    for (const struct conf_rule *rule = settings_schema(); rule->path != NULL; rule++) {
        char empty[128];
        (void)snprintf(empty, sizeof empty, "%s=%s", rule->path, rule->type == CONF_TEXTS ? "[]" : "");
        if (rule->type == CONF_TEXTS || (rule->preset != NULL && rule->preset[0] == '\0'))
            assert_int_equal(conf_override(none, empty, &error), 0);
    }
    assert_int_equal(conf_dump(all, &shown), 0);
    assert_int_equal(conf_dump(none, &defaults), 0);
    assert_string_equal(buf_cstr(&shown), buf_cstr(&defaults));
    const char *text = buf_cstr(&yaml);
    for (const struct conf_rule *rule = settings_schema(); rule->path != NULL; rule++) {
        const char *dot = strrchr(rule->path, '.');
        char key[128];
        (void)snprintf(key, sizeof key, "%s%s:", dot != NULL ? "\n  " : "\n", dot != NULL ? dot + 1 : rule->path);
        if (strstr(text, key) == NULL)
            fail_msg("%s is not in conf/noroshi.yaml", rule->path);
        for (const struct conf_rule *inner = rule->items; inner != NULL && inner->path != NULL; inner++) {
            (void)snprintf(key, sizeof key, "%s:", inner->path);
            if (strstr(text, key) == NULL)
                fail_msg("%s[].%s is not in conf/noroshi.yaml", rule->path, inner->path);
        }
    }
    conf_free(all);
    conf_free(none);
    buf_done(&yaml);
    buf_done(&shown);
    buf_done(&defaults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shipped_file_loads_and_is_safe),
        cmocka_unit_test(every_setting_is_shown_with_its_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
