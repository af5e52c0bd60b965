#include "check.h"

#include "base/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct conf_rule inner_rule[] = {
    {.path = "port", .type = CONF_INT, .min = 1, .max = 65535, .preset = "", .help = "a port"},
    {.path = "net", .type = CONF_PREFIX, .preset = "", .help = "a net"},
    {0},
};

static const struct conf_rule item_rule[] = {
    {.path = "service", .type = CONF_TEXT, .min = 1, .max = 32, .help = "which", .example = "telnet"},
    {.path = "listen", .type = CONF_ENDPOINT, .help = "where", .example = "127.0.0.1:2323"},
    {.path = "public", .type = CONF_ENDPOINT, .preset = "", .help = "where else"},
    {.path = "profile", .type = CONF_TEXT, .min = 1, .max = 64, .preset = "any", .help = "device"},
    {.path = "rules", .type = CONF_ITEMS, .items = inner_rule, .help = "inner"},
    {.path = "relays", .type = CONF_TEXTS, .help = "relays"},
    {.path = "extra", .type = CONF_ANY, .help = "anything"},
    {0},
};

static const struct conf_rule schema[] = {
    {.path = "sensor.name", .type = CONF_TEXT, .min = 1, .max = 8, .preset = "noroshi", .help = "name", .example = "sensor-1"},
    {.path = "services", .type = CONF_ITEMS, .items = item_rule, .help = "services"},
    {.path = "honeypot.backlog", .type = CONF_INT, .min = 128, .max = 65535, .preset = "4096", .unit = "connections", .help = "backlog"},
    {.path = "honeypot.limits.deep", .type = CONF_INT, .preset = "-5", .help = "unbounded"},
    {.path = "honeypot.profiles", .type = CONF_PATH, .preset = "profiles", .help = "folder"},
    {.path = "store.keep", .type = CONF_DURATION, .min = 0, .max = 365 * USEC_PER_DAY, .preset = "30d", .help = "keep"},
    {.path = "store.size", .type = CONF_SIZE, .min = 1024, .max = INT64_MAX, .preset = "64M", .unit = "bytes", .help = "size"},
    {.path = "store.on", .type = CONF_BOOL, .preset = "true", .help = "on"},
    {.path = "store.folder", .type = CONF_PATH, .preset = "", .help = "folder"},
    {.path = "log.level", .type = CONF_CHOICE, .choices = "debug|info|warning", .preset = "info", .help = "level"},
    {.path = "net.from", .type = CONF_ADDR, .help = "from"},
    {.path = "net.allow", .type = CONF_PREFIX, .help = "allow"},
    {.path = "net.words", .type = CONF_TEXTS, .min = 1, .max = 8, .preset = "[a, b]", .help = "words"},
    {.path = "tree", .type = CONF_ANY, .help = "any"},
    {0},
};

static struct conf *read_text(const char *yaml)
{
    struct conf *conf = NULL;
    struct conf_error error;
    if (conf_parse(&conf, "/etc/noroshi/test.yaml", span_text(yaml), schema, &error) != 0)
        fail_msg("%s", error.text);
    return conf;
}

static void complains(const char *yaml, const char *expected)
{
    struct conf *conf = NULL;
    struct conf_error error;
    assert_int_equal(conf_parse(&conf, "/etc/noroshi/test.yaml", span_text(yaml), schema, &error), -ERR_CONFIG);
    assert_null(conf);
    assert_string_equal(error.text, expected);
}

static void an_empty_file_gives_the_defaults(void **state)
{
    (void)state;
    static const char *const files[] = {"", "# nothing\n", "---\n", "{}", "sensor:\nstore:\n  # all commented out\nservices:\n", "\xef\xbb\xbf"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct conf *conf = read_text(files[i]);
        assert_string_equal(conf_text(conf, "sensor.name"), "noroshi");
        assert_true(conf_int(conf, "honeypot.backlog") == 4096);
        assert_true(conf_int(conf, "honeypot.limits.deep") == -5);
        assert_true(conf_int(conf, "store.keep") == 30 * USEC_PER_DAY);
        assert_true(conf_int(conf, "store.size") == 64 << 20);
        assert_true(conf_bool(conf, "store.on"));
        assert_true(conf_int(conf, "store.on") == 1);
        assert_string_equal(conf_text(conf, "store.folder"), "");
        assert_string_equal(conf_text(conf, "honeypot.profiles"), "/etc/noroshi/profiles"); /* relative to the file */
        assert_string_equal(conf_text(conf, "log.level"), "info");
        assert_int_equal(conf_count(conf, "services"), 0);
        assert_int_equal(conf_count(conf, "net.words"), 2);
        assert_string_equal(conf_texts(conf, "net.words", 1), "b");
        assert_int_equal(conf_endpoint(conf, "net.from").port, 0);
        assert_null(conf_any(conf, "tree"));
        conf_free(conf);
    }
    conf_free(NULL);
}

static void values_of_every_type_are_read(void **state)
{
    (void)state;
    struct conf *conf = read_text("sensor: {name: \"caf\\xe9\"}\n"
                                  "honeypot:\n"
                                  "  backlog: 128\n"
                                  "  limits: {deep: -9223372036854775808}\n"
                                  "  profiles: ../else\n"
                                  "store:\n"
                                  "  keep: 1500ms\n"
                                  "  size: 1T\n"
                                  "  on: no\n"
                                  "  folder: /srv/data\n"
                                  "log: {level: 'debug'}\n"
                                  "net:\n"
                                  "  from: 2001:db8::1\n"
                                  "  allow: 192.0.2.0/24\n"
                                  "  words: single\n"
                                  "services:\n"
                                  "  - {service: telnet, listen: \"127.0.0.1:2323\"}\n"
                                  "  - service: telnet\n"
                                  "    listen: \"[::1]:23\"\n"
                                  "    public: \"[::]:23\"\n"
                                  "    profile: a,b\n"
                                  "    rules: [{port: 23}, {net: 198.51.100.0/25}]\n"
                                  "    relays: [192.0.2.0/24, 2001:db8::/32]\n"
                                  "    extra: {k: [1, {x: \"\\0y\"}], \"\": z}\n");
    char text[ENDPOINT_TEXT_SIZE];
    assert_string_equal(conf_text(conf, "sensor.name"), "caf\xc3\xa9");
    assert_true(conf_int(conf, "honeypot.limits.deep") == INT64_MIN);
    assert_string_equal(conf_text(conf, "honeypot.profiles"), "/etc/noroshi/../else");
    assert_true(conf_int(conf, "store.keep") == 1500 * USEC_PER_MSEC);
    assert_true(conf_int(conf, "store.size") == INT64_C(1) << 40);
    assert_false(conf_bool(conf, "store.on"));
    assert_string_equal(conf_text(conf, "store.folder"), "/srv/data");
    assert_string_equal(endpoint_print(conf_endpoint(conf, "net.from"), text), "[2001:db8::1]:0");
    assert_int_equal(conf_prefix(conf, "net.allow").bits, 120);
    assert_int_equal(conf_count(conf, "net.words"), 1);
    assert_string_equal(conf_texts(conf, "net.words", 0), "single");
    assert_int_equal(conf_count(conf, "services"), 2);
    const struct conf_node *first = conf_item(conf, "services", 0), *second = conf_item(conf, "services", 1);
    assert_string_equal(node_text(first, "profile"), "any");
    assert_false(node_given(first, "profile"));
    assert_false(node_given(first, "public"));
    assert_int_equal(node_endpoint(first, "public").port, 0);
    assert_int_equal(node_count(first, "rules"), 0);
    assert_null(node_any(first, "extra"));
    assert_int_equal(node_line(first), 17);
    assert_int_equal(node_line(second), 18);
    assert_true(node_given(second, "profile"));
    assert_string_equal(endpoint_print(node_endpoint(second, "public"), text), "[::]:23");
    assert_int_equal(node_count(second, "rules"), 2);
    assert_true(node_int(node_item(second, "rules", 0), "port") == 23);
    assert_int_equal(node_prefix(node_item(second, "rules", 1), "net").bits, 96 + 25);
    assert_int_equal(node_count(second, "relays"), 2);
    assert_string_equal(node_texts(second, "relays", 1), "2001:db8::/32");
    const struct conf_node *extra = node_any(second, "extra");
    assert_int_equal(node_kind(extra), NODE_MAP);
    assert_int_equal(node_size(extra), 2);
    assert_string_equal(node_key_at(extra, 0), "k");
    assert_string_equal(node_key_at(extra, 1), "");
    assert_int_equal(node_kind(node_at(extra, 0)), NODE_LIST);
    const struct conf_node *x = node_at(node_at(node_at(extra, 0), 1), 0);
    assert_true(span_equal(node_scalar(x), span_of("\0y", 2)));
    conf_free(conf);
}

static void every_error_is_one_line_that_helps(void **state)
{
    (void)state;
    complains("sensor:\n  name: ''\n", "test.yaml:2: sensor.name: expected a text of 1 to 8 bytes, got \"\"; for example sensor-1");
    complains("sensor:\n  name:\n", "test.yaml:2: sensor.name: expected a text of 1 to 8 bytes, got nothing; for example sensor-1");
    complains("sensor:\n  name: [a]\n", "test.yaml:2: sensor.name: expected a text of 1 to 8 bytes, got a list; for example sensor-1");
    complains("sensor:\n  name: \"a\\0b\"\n", "test.yaml:2: sensor.name: expected a text of 1 to 8 bytes, got \"a\\\\x00b\"; for example sensor-1");
    complains("sensor: text\n", "test.yaml:1: sensor: expected a mapping, got a text; for example sensor.name");
    complains("sensor: {nmae: x}\n", "test.yaml:1: sensor.nmae: expected a setting, got \"nmae\"; for example sensor.name");
    complains("backlog: 5\n", "test.yaml:1: backlog: expected a setting, got \"backlog\"; for example honeypot.backlog");
    complains("service: []\n", "test.yaml:1: service: expected a setting, got \"service\"; for example services");
    complains("honeypot: {backlog: 5}\n", "test.yaml:1: honeypot.backlog: expected a number from 128 to 65535, got \"5\"; for example 4096");
    complains("honeypot: {backlog: 0x80}\n", "test.yaml:1: honeypot.backlog: expected a number from 128 to 65535, got \"0x80\"; for example 4096");
    complains("honeypot: {limits: {deep: 9223372036854775808}}\n",
              "test.yaml:1: honeypot.limits.deep: expected a number, got \"9223372036854775808\"; for example -5");
    complains("store: {keep: 30}\n", "test.yaml:1: store.keep: expected a duration from 0 to 365d, got \"30\"; for example 30d");
    complains("store: {keep: 366d}\n", "test.yaml:1: store.keep: expected a duration from 0 to 365d, got \"366d\"; for example 30d");
    complains("store: {keep: 9999999999999999d}\n",
              "test.yaml:1: store.keep: expected a duration from 0 to 365d, got \"9999999999999999d\"; for example 30d");
    complains("store: {size: 1}\n", "test.yaml:1: store.size: expected a size of 1K or more, got \"1\"; for example 64M");
    complains("store: {size: 1Q}\n", "test.yaml:1: store.size: expected a size of 1K or more, got \"1Q\"; for example 64M");
    complains("store: {on: maybe}\n", "test.yaml:1: store.on: expected true or false, got \"maybe\"; for example true");
    complains("log: {level: loud}\n", "test.yaml:1: log.level: expected one of debug, info, warning, got \"loud\"; for example info");
    complains("log: {level: 'debug|info'}\n", "test.yaml:1: log.level: expected one of debug, info, warning, got \"debug|info\"; for example info");
    complains("net: {from: localhost}\n", "test.yaml:1: net.from: expected an address, got \"localhost\"; for example 192.0.2.1");
    complains("net: {allow: 192.0.2.1/24}\n",
              "test.yaml:1: net.allow: expected an address or a prefix, got \"192.0.2.1/24\"; for example 192.0.2.0/24");
    complains("net: {words: {a: b}}\n", "test.yaml:1: net.words: expected a list of texts, got a mapping; for example [a, b]");
    complains("net:\n  words:\n    - a\n    - [b]\n", "test.yaml:4: net.words[1]: expected a text of 1 to 8 bytes, got a list; for example text");
    complains("services: telnet\n", "test.yaml:1: services: expected a list of mappings, got \"telnet\"; for example [{key: value}]");
    complains("services: [telnet]\n", "test.yaml:1: services[0]: expected a mapping, got a text");
    complains("services:\n  - {service: telnet}\n",
              "test.yaml:2: services[0].listen: expected address:port, got nothing; for example 127.0.0.1:2323");
    complains("services:\n  - {service: telnet, listen: '23'}\n",
              "test.yaml:2: services[0].listen: expected address:port, got \"23\"; for example 127.0.0.1:2323");
    complains("services:\n- {service: a, listen: '1.1.1.1:1'}\n- {service: a, listen: '1.1.1.1:1', rules: [{port: 0}]}\n",
              "test.yaml:3: services[1].rules[0].port: expected a number from 1 to 65535, got \"0\"; for example 1");
    complains("services:\n- {service: a, listen: '1.1.1.1:1', profil: x}\n",
              "test.yaml:2: services[0].profil: expected a setting, got \"profil\"; for example profile");
    complains("- a\n", "test.yaml:1: expected a mapping of settings, got a list");
    complains("text\n", "test.yaml:1: expected a mapping of settings, got a text");
}

static void yaml_that_is_refused(void **state)
{
    (void)state;
    complains("sensor: {name: a}\nlog: {level: info}\nsensor: {name: b}\n",
              "test.yaml:3: sensor: expected each key once, got \"sensor\" again (first on line 1)");
    complains("tree:\n  a: 1\n  b: 2\n  c: {x: 1,\n    x: 2}\n", "test.yaml:5: tree.c.x: expected each key once, got \"x\" again (first on line 4)");
    complains("tree: &a [1]\n", "test.yaml:1: tree: expected plain YAML, got an anchor, an alias or a tag");
    complains("tree: *a\n", "test.yaml:1: tree: expected plain YAML, got an anchor, an alias or a tag");
    complains("tree: !!int 5\n", "test.yaml:1: tree: expected plain YAML, got an anchor, an alias or a tag");
    complains("tree: 1\n---\ntree: 2\n", "test.yaml:2: expected one document, got a second one");
    complains("tree: {[a]: b}\n", "test.yaml:1: tree: expected a key that is a text, got a list or a mapping");
    complains("tree: [[[[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]]]]\n",
              "test.yaml:1: tree[0][0][0][0][0][0][0][0][0][0][0][0][0][0]: expected at most 16 levels of nesting");
    complains("a: b: c\n", "test.yaml:1: expected well-formed YAML: mapping values are not allowed in this context");
    complains("tree: [a\n\n", "test.yaml:3: expected well-formed YAML: did not find expected ',' or ']'");
    complains("tree:\n\tx: y\n", "test.yaml:2: expected well-formed YAML: found character that cannot start any token");
    complains("tree: 1\nx: \xff\n", "test.yaml:2: expected well-formed YAML: invalid leading UTF-8 octet");
    complains("tree: 1\nx: \x1b[2J\n", "test.yaml:2: expected well-formed YAML: control characters are not allowed");
    char key[400];
    (void)snprintf(key, sizeof key, "tree: {%0300d: 1}", 7);
    complains(key, "test.yaml:1: tree: expected a key of at most 255 bytes without NUL");
    complains("tree: {\"a\\0b\": 1}", "test.yaml:1: tree: expected a key of at most 255 bytes without NUL");
}

static void foreign_text_in_errors_is_escaped_and_bounded(void **state)
{
    (void)state;
    complains("log: {level: \"\\e[2J\\nforged\"}\n",
              "test.yaml:1: log.level: expected one of debug, info, warning, got \"\\x1b[2J\\nforged\"; for example info");
    complains("\"\\e[2J\": 1\n", "test.yaml:1: \\x1b[2J: expected a setting, got \"\\x1b[2J\"; for example tree");
    char yaml[4096];
    (void)snprintf(yaml, sizeof yaml, "log: {level: '%03000d'}\n", 1);
    complains(yaml,
              "test.yaml:1: log.level: expected one of debug, info, warning, got \"0000000000000000000000000000000000000000...\"; for example info");
    struct conf *conf = NULL;
    struct conf_error error;
    char name[2000];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    assert_int_equal(conf_parse(&conf, name, span_text("a: b"), schema, &error), -ERR_CONFIG);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
}

static void hostile_sizes_are_refused(void **state)
{
    (void)state;
    struct conf *conf = NULL;
    struct conf_error error;
    size_t len = 4 * 1024 * 1024;
    char *big = malloc(len + 1);
    assert_non_null(big);
    memset(big, '#', len + 1);
    assert_int_equal(conf_parse(&conf, "t", span_of(big, len + 1), schema, &error), -ERR_CONFIG);
    assert_string_equal(error.text, "t: expected at most 4 MiB");
    assert_int_equal(conf_parse(&conf, "t", span_of(big, len), schema, &error), 0); /* one long comment */
    conf_free(conf);
    memcpy(big, "tree: [", 7);
    for (size_t i = 7; i + 1 < len; i += 2)
        memcpy(big + i, "a,", 2);
    assert_int_equal(conf_parse(&conf, "t", span_of(big, len), schema, &error), -ERR_CONFIG);
    assert_string_equal(error.text, "t:1: tree: expected at most 65536 values in all");
    memset(big, '[', len);
    assert_int_equal(conf_parse(&conf, "t", span_of(big, len), schema, &error), -ERR_CONFIG);
    memset(big, '{', len);
    assert_int_equal(conf_parse(&conf, "t", span_of(big, len), schema, &error), -ERR_CONFIG);
    memset(big, '-', len);
    (void)conf_parse(&conf, "t", span_of(big, len), schema, &error);
    free(big);
}

static void overrides_are_checked_like_the_file(void **state)
{
    (void)state;
    struct conf *conf = read_text("honeypot: {backlog: 200}\n");
    struct conf_error error;
    assert_int_equal(conf_override(conf, "honeypot.backlog=300", &error), 0);
    assert_true(conf_int(conf, "honeypot.backlog") == 300);
    assert_int_equal(conf_override(conf, "sensor.name=a: b #", &error), 0); /* a text needs no quotes */
    assert_string_equal(conf_text(conf, "sensor.name"), "a: b #");
    assert_int_equal(conf_override(conf, "services=[{service: telnet, listen: \"127.0.0.1:2323\"}, {service: x, listen: \"[::]:1\"}]", &error), 0);
    assert_int_equal(conf_count(conf, "services"), 2);
    assert_string_equal(node_text(conf_item(conf, "services", 1), "service"), "x");
    assert_int_equal(conf_override(conf, "services=", &error), 0);
    assert_int_equal(conf_count(conf, "services"), 0);
    assert_int_equal(conf_override(conf, "net.words=[x, y, z]", &error), 0);
    assert_int_equal(conf_count(conf, "net.words"), 3);
    assert_int_equal(conf_override(conf, "net.words=x, y", &error), 0);
    assert_string_equal(conf_texts(conf, "net.words", 0), "x, y");
    assert_int_equal(conf_override(conf, "net.from=2001:db8::1", &error), 0);
    assert_int_equal(conf_override(conf, "store.folder=", &error), 0);
    assert_string_equal(conf_text(conf, "store.folder"), "");
    assert_int_equal(conf_override(conf, "store.folder=data", &error), 0);
    char *here = getcwd(NULL, 0), expected[PATH_MAX + 8];
    (void)snprintf(expected, sizeof expected, "%s/data", here);
    free(here);
    assert_string_equal(conf_text(conf, "store.folder"), expected); /* relative to the current folder */

    static const char *const bad[][2] = {
        {"honeypot.backlog=5", "-o honeypot.backlog: expected a number from 128 to 65535, got \"5\"; for example 4096"},
        {"honeypot.backlog=", "-o honeypot.backlog: expected a number from 128 to 65535, got \"\"; for example 4096"},
        {"honeypot.backlgo=5", "-o honeypot.backlgo: expected a setting, got \"honeypot.backlgo\"; for example honeypot.backlog"},
        {"honeypot=5", "-o honeypot: expected a setting, got \"honeypot\"; for example honeypot.backlog"},
        {"nonsense", "-o nonsense: expected section.key=value; for example log.level=debug"},
        {"=5", "-o =5: expected section.key=value; for example log.level=debug"},
        {"services=[{service: telnet}]", "-o services[0].listen: expected address:port, got nothing; for example 127.0.0.1:2323"},
        {"services=[{", "-o: expected well-formed YAML: did not find expected node content"},
        {"sensor.name=\xff", "-o sensor.name=\\xff: expected UTF-8"},
        {"log.level=\x1b[2J", "-o log.level: expected one of debug, info, warning, got \"\\x1b[2J\"; for example info"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(conf_override(conf, bad[i][0], &error), -ERR_CONFIG);
        assert_string_equal(error.text, bad[i][1]);
    }
    assert_true(conf_int(conf, "honeypot.backlog") == 300); /* nothing has changed */
    conf_free(conf);
}

static void a_dump_reads_back_to_the_same(void **state)
{
    (void)state;
    static const char *const files[] = {
        "",
        "sensor: {name: \"a\\\"\\\\\\e\\x85\"}\nstore: {size: 1537, keep: 61s}\nnet: {from: 192.0.2.9, allow: '::/0', words: []}\n",
        ("services: [{service: \"x\\ty\", listen: '1.2.3.4:5', rules: [{port: 7}, {}], relays: [a, \"\\u202e\", \"\\uFEFF\\U0001F600\"],"
         " extra: {a: {b: [c, [], {}]}, \"k\\e\": ''}}]\ntree: [1, '', {x: y}]\n"),
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct conf *conf = read_text(files[i]), *again = NULL;
        struct conf_error error;
        struct buf first, second;
        buf_init(&first, 0);
        buf_init(&second, 0);
        assert_int_equal(conf_dump(conf, &first), 0);
        /* Under another name: the paths must not move. */
        if (conf_parse(&again, "/elsewhere/dump", buf_as_span(&first), schema, &error) != 0)
            fail_msg("%s\n%s", error.text, buf_cstr(&first));
        assert_int_equal(conf_dump(again, &second), 0);
        assert_string_equal(buf_cstr(&first), buf_cstr(&second));
        assert_string_equal(conf_text(again, "sensor.name"), conf_text(conf, "sensor.name"));
        assert_string_equal(conf_text(again, "honeypot.profiles"), "/etc/noroshi/profiles");
        assert_true(conf_int(again, "store.size") == conf_int(conf, "store.size"));
        assert_int_equal(conf_count(again, "services"), conf_count(conf, "services"));
        buf_done(&first);
        buf_done(&second);
        conf_free(conf);
        conf_free(again);
    }
}

static void files_are_loaded_or_named(void **state)
{
    (void)state;
    struct conf *conf = NULL;
    struct conf_error error;
    char folder[] = "/tmp/noroshi-conf-XXXXXX", file[64], expected[128];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(file, sizeof file, "%s/my.yaml", folder);
    assert_int_equal(conf_load(&conf, file, schema, &error), -ENOENT);
    (void)snprintf(expected, sizeof expected, "%s: No such file or directory", file);
    assert_string_equal(error.text, expected);
    assert_int_equal(conf_load(&conf, folder, schema, &error), -EISDIR);
    FILE *out = fopen(file, "we");
    assert_non_null(out);
    assert_true(fputs("honeypot: {profiles: mine}\n", out) >= 0);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(conf_load(&conf, file, schema, &error), 0);
    (void)snprintf(expected, sizeof expected, "%s/mine", folder);
    assert_string_equal(conf_text(conf, "honeypot.profiles"), expected);
    conf_free(conf);
    /* A relative name: paths are absolute all the same. */
    char *before = getcwd(NULL, 0);
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(conf_load(&conf, "my.yaml", schema, &error), 0);
    assert_string_equal(conf_text(conf, "honeypot.profiles"), expected);
    conf_free(conf);
    assert_int_equal(chdir(before), 0);
    free(before);
    (void)unlink(file);
    (void)rmdir(folder);
}

static void the_schema_describes_itself(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    conf_describe(schema, &b);
    const char *text = buf_cstr(&b);
    assert_non_null(strstr(text, "honeypot.backlog\n    backlog\n    a number from 128 to 65535 (connections); default 4096\n"));
    assert_non_null(strstr(text, "services[].listen\n    where\n    address:port; must be given; for example 127.0.0.1:2323\n"));
    assert_non_null(strstr(text, "services[].rules[].port\n"));
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_file_gives_the_defaults),
        cmocka_unit_test(values_of_every_type_are_read),
        cmocka_unit_test(every_error_is_one_line_that_helps),
        cmocka_unit_test(yaml_that_is_refused),
        cmocka_unit_test(foreign_text_in_errors_is_escaped_and_bounded),
        cmocka_unit_test(hostile_sizes_are_refused),
        cmocka_unit_test(overrides_are_checked_like_the_file),
        cmocka_unit_test(a_dump_reads_back_to_the_same),
        cmocka_unit_test(files_are_loaded_or_named),
        cmocka_unit_test(the_schema_describes_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
