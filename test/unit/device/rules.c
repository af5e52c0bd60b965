/* Rule files: what is accepted, what is refused with which line; images; the rules that are shipped. */
#include "analyse/device/rules.h"
#include "analyse/device/compile.h"
#include "analyse/device/recog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct buf image;
static struct device_compiled compiled;
static struct conf_error error;

static struct device_rules *compile(const char *yaml)
{
    struct device_rules *rules = NULL;
    buf_init(&image, 0);
    if (device_compile_text("test.yaml", span_text(yaml), &image, &compiled, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(device_open(&rules, buf_as_span(&image)), 0);
    return rules;
}

static void refused(const char *yaml, const char *expected)
{
    buf_init(&image, 0);
    assert_int_equal(device_compile_text("test.yaml", span_text(yaml), &image, &compiled, &error), -ERR_CONFIG);
    assert_string_equal(error.text, expected);
    buf_done(&image);
}

static void is(struct span text, const char *expected)
{
    char got[4 * DEVICE_TEXT_MAX + 1] = "";
    if (text.len > 0)
        memcpy(got, text.at, text.len);
    assert_string_equal(got, expected);
}

#define RULE "rules:\n  - {name: a-b, on: http.title, match: '^x(\\d*)$', maker: Acme, examples: [x, x1]"

static void wrong_files_are_named(void **unused)
{
    (void)unused;
    refused("rules: [{name: a, on: http.title, match: x, maker: M}]",
            "test.yaml:1: rules[0]: examples: expected a list of texts that match; for example [\"Acme DVR 4\"]");
    refused("rules: [{name: a, on: http.title, match: x, maker: M, examples: []}]",
            "test.yaml:1: rules[0]: examples: expected a list of texts that match; for example [\"Acme DVR 4\"]");
    refused("rules: [{name: a, on: http.title, match: x, model: M, examples: [x]}]",
            "test.yaml:1: rules[0]: expected a class, maker, ics, residue or honeypot: the rule says nothing");
    refused("rules: [{name: a, on: http.title, match: x, class: toaster, examples: [x]}]",
            "test.yaml:1: rules[0]: class: expected a word of the classes of devices, got \"toaster\"; for example dvr");
    refused("rules: [{name: a, on: http.titel, match: x, maker: M, examples: [x]}]",
            "test.yaml:1: rules[0]: on: expected a field of an answer, got \"http.titel\"; for example http.title");
    refused("rules: [{name: A--b, on: http.title, match: x, maker: M, examples: [x]}]",
            "test.yaml:1: rules[0]: name: expected small letters, digits and single -, got \"A--b\"; for example acme-dvr-title");
    refused("rules: [{name: a, on: http.title, match: '(x', maker: M, examples: [x]}]",
            "test.yaml:1: rules[0]: match: missing closing parenthesis, at byte 2");
    refused(RULE "}\n  - {name: a-b, on: http.title, match: x, maker: M, examples: [x]}\n",
            "test.yaml:3: rules[1]: name: a-b is taken by the rule at test.yaml:2");
    refused(RULE ", counterexamples: [x22]}\n", "test.yaml:2: a-b: this counterexample matches");
    refused("rules:\n  - name: a\n    on: http.title\n    match: ^x\n    maker: M\n    examples:\n      - x\n      - yx\n",
            "test.yaml:8: a: this example does not match");
    refused("rules:\n  - name: a\n    on: http.title\n    match: ^x(.*)\n    maker: M\n    model: $1\n    examples: [{text: xa, model: b}]\n",
            "test.yaml:7: a: model: the example expects \"b\", the rule says \"a\"");
    refused("rules:\n  - name: a\n    on: http.title\n    match: ^x\n    maker: M\n    examples: [{text: xa, modell: b}]\n",
            "test.yaml:6: rules[0].examples[0].modell: expected text, class, maker, model, firmware, ics, residue or honeypot, got \"modell\"");
    refused("rules:\n  - name: a\n    on: http.title\n    match: ^x\n    maker: M\n    examples: [{model: b}]\n",
            "test.yaml:6: rules[0].examples[0]: expected a text; for example {text: \"Acme DVR 4\", model: \"4\"}");
    refused("rules: [{name: a, on: http.title, match: x, maker: M, certainty: 101, examples: [x]}]",
            "test.yaml:1: rules[0].certainty: expected a number from 1 to 100, got \"101\"; for example 80");
}

static void values_take_captures(void **unused)
{
    (void)unused;
    struct arena arena;
    struct evidence e[4];
    struct device_rules *rules =
        compile("rules:\n"
                "  - name: a\n    on: http.title\n    match: 'Acme (\\w+) v([\\d.]+)?'\n    nocase: true\n    class: dvr\n    maker: Acme\n"
                "    model: 'A-$1 ($2)'\n    firmware: $2\n    certainty: 33\n"
                "    examples: [{text: 'acme x1 V2.3', model: 'A-x1 (2.3)', firmware: '2.3', class: dvr}]\n"
                "    counterexamples: [Acme]\n");
    arena_init(&arena, 4096);
    assert_int_equal(device_match(rules, DEVICE_FIELD_HTTP_TITLE, span_text("My ACME Z9 v"), &arena, e, 4), 1);
    is(e[0].rule, "a");
    is(e[0].class_, "dvr");
    is(e[0].model, "A-Z9 ()");
    is(e[0].firmware, "");
    is(e[0].matched, "ACME Z9 v");
    assert_int_equal(e[0].certainty, 33);
    assert_true(e[0].own);
    assert_int_equal(device_match(rules, DEVICE_FIELD_HTTP_BODY, span_text("Acme x v1"), &arena, e, 4), 0);
    /* What is not UTF-8 is made so. */
    assert_int_equal(device_match(rules, DEVICE_FIELD_HTTP_TITLE, span_text("\xff Acme Z9 v1.2"), &arena, e, 4), 1);
    is(e[0].model, "A-Z9 (1.2)");
    arena_done(&arena);
    device_close(rules);
    buf_done(&image);
}

static void what_only_pcre2_can_do_is_confirmed(void **unused)
{
    (void)unused;
    struct arena arena;
    struct evidence e[4];
    struct device_rules *rules =
        compile("rules:\n  - {name: a, on: banner, match: '^(\\w+) \\1$', maker: Twice, examples: [ab ab], counterexamples: [ab cd]}\n"
                "  - {name: b, on: banner, match: '^x(?!y)', maker: NoY, examples: [xa], counterexamples: [xy]}\n");
    arena_init(&arena, 4096);
    assert_int_equal(device_match(rules, DEVICE_FIELD_BANNER, span_text("foo foo"), &arena, e, 4), 1);
    assert_int_equal(device_match(rules, DEVICE_FIELD_BANNER, span_text("foo bar"), &arena, e, 4), 0);
    assert_int_equal(device_match(rules, DEVICE_FIELD_BANNER, span_text("xy"), &arena, e, 4), 0);
    arena_done(&arena);
    device_close(rules);
    buf_done(&image);
}

static void room_is_kept(void **unused)
{
    (void)unused;
    struct arena arena;
    struct evidence e[2];
    struct device_rules *rules = compile("rules:\n  - {name: a, on: banner, match: x, maker: A, examples: [x]}\n"
                                         "  - {name: b, on: banner, match: x, maker: B, examples: [x]}\n"
                                         "  - {name: c, on: banner, match: x, maker: C, examples: [x]}\n");
    arena_init(&arena, 4096);
    assert_int_equal(device_match(rules, DEVICE_FIELD_BANNER, span_text("x"), &arena, e, 2), 2);
    is(e[0].maker, "A");
    is(e[1].maker, "B");
    assert_int_equal(device_match(rules, DEVICE_FIELD_BANNER, (struct span){0}, &arena, e, 2), 0);
    arena_done(&arena);
    device_close(rules);
    buf_done(&image);
}

static void images_that_are_broken_do_not_open(void **unused)
{
    (void)unused;
    struct device_rules *rules = compile(RULE "}\n");
    device_close(rules);
    for (size_t len = 0; len < image.len; len += len < 200 ? 1 : 97)
        assert_int_not_equal(device_open(&rules, span_of(image.data, len)), 0);
    for (size_t at = 0; at < 40; at++) {
        image.data[at] ^= 0x55;
        if (device_open(&rules, buf_as_span(&image)) == 0)
            device_close(rules);
        image.data[at] ^= 0x55;
    }
    buf_done(&image);
}

static const char xml[] =
    "<?xml version='1.0'?><fingerprints matches='x' protocol='telnet'><fingerprint pattern='^bare$'><description>nothing</description>"
    "<example>bare</example><param pos='0' name='hw.certainty' value='0.0'/></fingerprint>"
    "<fingerprint pattern='^^Acme (\\S+) ([\\d.]+)$' flags='REG_ICASE' certainty='0.9'><description>Acme router</description>"
    "<example _encoding='base64' hw.product='x' os.version='1.2'>QWNtZSB4IDEuMg==</example><param pos='0' name='hw.vendor' value='Acme'/>"
    "<param pos='0' name='hw.device' value='Broadband Router'/><param pos='1' name='hw.product'/><param pos='2' name='os.version'/>"
    "<param pos='0' name='hw.cpe23' value='cpe:/h:acme:{hw.product}'/></fingerprint>"
    "<fingerprint pattern='^Acme'><description>too late</description><param pos='0' name='hw.vendor' value='Other'/></fingerprint>"
    "<fingerprint pattern='(broken'><description>no</description><param pos='0' name='hw.vendor' value='Other'/></fingerprint></fingerprints>";

static void recog_is_read(void **unused)
{
    (void)unused;
    struct arena arena;
    struct recog_file file;
    struct buf value;
    arena_init(&arena, 1024 * 1024);
    if (recog_read(&arena, "x.xml", span_text(xml), &file, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(file.count, 3);
    assert_int_equal(file.unreadable, 1);
    const struct recog_print *print = &file.prints[1];
    is(print->pattern.regex, "^Acme (\\S+) ([\\d.]+)$");
    assert_true(print->pattern.nocase && !print->pattern.dotall);
    assert_int_equal(print->certainty, 90);
    is(print->examples[0].text, "Acme x 1.2");
    is(print->examples[0].attributes[1].value, "1.2");
    buf_init(&value, 0);
    assert_int_equal(recog_template(print, recog_param(print, "hw.cpe23"), &value), 0);
    is(buf_as_span(&value), "cpe:/h:acme:\x01\x01");
    buf_done(&value);
    assert_int_equal(recog_read(&arena, "x.xml", span_text("<!DOCTYPE a [<!ENTITY b 'c'>]><fingerprints/>"), &file, &error), -ERR_CONFIG);
    assert_string_equal(error.text, "x.xml:1: a document type is not expected");
    assert_int_equal(recog_read(&arena, "x.xml", span_text("<fingerprints>\n<fingerprint>"), &file, &error), -ERR_CONFIG);
    assert_string_equal(error.text, "x.xml:2: no element found");
    assert_int_equal(recog_read(&arena, "x.xml", span_text("<a/>"), &file, &error), -ERR_CONFIG);
    arena_done(&arena);
}

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wbe");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
}

static void recogs_first_print_wins_and_the_cache_serves(void **unused)
{
    (void)unused;
    char folder[] = "/tmp/noroshi-device-XXXXXX", cache[64], path[64];
    struct device_rules *rules;
    struct arena arena;
    struct evidence e[4];
    assert_non_null(mkdtemp(folder));
    snprintf(cache, sizeof cache, "%s/cache", folder);
    write_file(folder, "own.yaml", "rules: [{name: own, on: telnet.banner, match: Acme, class: modem, examples: [Acme]}]\n");
    write_file(folder, "telnet_banners.xml", xml);
    for (int round = 0; round < 4; round++) {
        if (round == 2)
            write_file(folder, "cache", "noroFC02 and then something else");
        buf_init(&image, 0);
        if (device_compile_sources(&(struct device_sources){.own = folder, .recog = folder}, cache, &image, &compiled, &error) != 0)
            fail_msg("%s", error.text);
        assert_int_equal(compiled.cached, round == 1 || round == 3);
        assert_int_equal(compiled.own, 1);
        assert_int_equal(compiled.recog, 3);
        assert_int_equal(compiled.recog_left_out, 1);
        assert_int_equal(compiled.examples, 3);
        assert_int_equal(device_open(&rules, buf_as_span(&image)), 0);
        arena_init(&arena, 4096);
        assert_int_equal(device_match(rules, DEVICE_FIELD_TELNET, span_text("acme T7 3.4"), &arena, e, 4), 1);
        is(e[0].rule, "recog:telnet_banners.xml:Acme router");
        is(e[0].class_, "broadband-router");
        is(e[0].maker, "Acme");
        is(e[0].model, "T7");
        is(e[0].firmware, "3.4");
        assert_int_equal(e[0].certainty, 90);
        assert_int_equal(device_match(rules, DEVICE_FIELD_TELNET, span_text("Acme T7 3.4"), &arena, e, 4), 2);
        is(e[0].rule, "own");
        assert_int_equal(device_match(rules, DEVICE_FIELD_TELNET, span_text("bare"), &arena, e, 4), 0);
        arena_done(&arena);
        device_close(rules);
        buf_done(&image);
    }
    static const char *const names[] = {"own.yaml", "telnet_banners.xml", "cache"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(folder), 0);
    buf_init(&image, 0);
    assert_int_equal(device_compile_sources(&(struct device_sources){.own = folder, .recog = ""}, NULL, &image, &compiled, &error), -ERR_CONFIG);
    buf_done(&image);
}

/* The words of recog's table are classes of ours. */
static void recogs_devices_have_classes(void **unused)
{
    (void)unused;
    static const char *const classes[] = {
#define DEVICE(word, class) (class),
#include "analyse/device/recog_devices.def"
#undef DEVICE
    };
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        assert_int_not_equal(class_rank(span_text(classes[i])), 0);
}

static void shipped_rules_hold_their_examples(void **unused)
{
    (void)unused;
    char own[4096];
    snprintf(own, sizeof own, "%s/conf/fingerprints", getenv("NOROSHI_SOURCE") != NULL ? getenv("NOROSHI_SOURCE") : ".");
    buf_init(&image, 0);
    if (device_compile_sources(&(struct device_sources){.own = own, .recog = ""}, NULL, &image, &compiled, &error) != 0)
        fail_msg("%s", error.text);
    print_message("%zu rules, %zu examples\n", compiled.own, compiled.examples);
    assert_true(compiled.own >= 400);
    assert_true(compiled.examples >= compiled.own);
    buf_done(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_files_are_named),
        cmocka_unit_test(values_take_captures),
        cmocka_unit_test(what_only_pcre2_can_do_is_confirmed),
        cmocka_unit_test(room_is_kept),
        cmocka_unit_test(images_that_are_broken_do_not_open),
        cmocka_unit_test(recog_is_read),
        cmocka_unit_test(recogs_first_print_wins_and_the_cache_serves),
        cmocka_unit_test(recogs_devices_have_classes),
        cmocka_unit_test(shipped_rules_hold_their_examples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
