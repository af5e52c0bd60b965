/* Whole answers as hosts send them (IAC, 220, header lines): rules must find in them what they find in the bare texts. */
#include "analyse/device/compile.h"
#include "analyse/device/fields.h"
#include "analyse/device/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static char folder[4096];
static struct device_rules *rules;
static struct buf image;

static struct span decode(struct arena *arena, const char *base64)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t *bytes = arena_alloc(arena, strlen(base64) + 1);
    size_t len = 0;
    unsigned have = 0;
    uint32_t bits = 0;
    assert_non_null(bytes);
    for (const char *at = base64; *at != '\0' && *at != '='; at++) {
        bits = (bits << 6 | (uint32_t)(strchr(letters, *at) - letters)) & 0xffffff;
        have += 6;
        if (have >= 8)
            bytes[len++] = (uint8_t)(bits >> (have -= 8));
    }
    return span_of(bytes, len);
}

static json_t *read_lines(const char *name)
{
    char path[4200];
    char *text = NULL;
    size_t size = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return NULL;
    json_t *list = json_array();
    for (ssize_t len; (len = getline(&text, &size, file)) > 0;)
        (void)json_array_append_new(list, json_loadb(text, (size_t)len, JSON_ALLOW_NUL, NULL));
    free(text);
    (void)fclose(file);
    return list;
}

static enum device_field field_of(const char *file)
{
    char name[100];
    snprintf(name, sizeof name, "%s.xml", file);
    for (int field = 0; field < DEVICE_FIELD_COUNT; field++) {
        if (strcmp(field_recog_file((enum device_field)field), name) == 0)
            return (enum device_field)field;
    }
    fail_msg("no field for %s", file);
    return DEVICE_FIELD_COUNT;
}

static bool says(const struct evidence *list, size_t count, const struct evidence *sought)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equal(list[i].rule, sought->rule) && span_equal(list[i].model, sought->model) && span_equal(list[i].firmware, sought->firmware))
            return true;
    }
    return false;
}

/* The k-th line of a wire file of some source is the k-th example of that source. */
static const json_t *example_of(const json_t *examples, const char *source, size_t *at)
{
    for (; *at < json_array_size(examples); ++*at) {
        const json_t *example = json_array_get(examples, *at);
        if (strcmp(json_string_value(json_object_get(example, "file")), source) == 0)
            return json_array_get(examples, (*at)++);
    }
    return NULL;
}

static void compare(const json_t *wires, const json_t *examples, size_t least)
{
    char source[80] = "";
    size_t at = 0, good = 0;
    for (size_t i = 0; i < json_array_size(wires); i++) {
        struct arena arena;
        struct evidence direct[DEVICE_EVIDENCE_MAX], whole[DEVICE_EVIDENCE_MAX];
        size_t whole_count = 0, missing = 0;
        const json_t *wire = json_array_get(wires, i);
        if (strcmp(source, json_string_value(json_object_get(wire, "source_file"))) != 0)
            at = 0;
        snprintf(source, sizeof source, "%s", json_string_value(json_object_get(wire, "source_file")));
        const json_t *example = example_of(examples, source, &at);
        assert_non_null(example);
        assert_int_equal(json_integer_value(json_object_get(example, "fp")), json_integer_value(json_object_get(wire, "fp")));
        arena_init(&arena, 1024 * 1024);
        struct span text = decode(&arena, json_string_value(json_object_get(example, "b64")));
        struct span bytes = decode(&arena, json_string_value(json_object_get(wire, "wire_b64")));
        struct span service = span_text(json_string_value(json_object_get(wire, "proto")));
        size_t count = device_match(rules, field_of(source), text, &arena, direct, DEVICE_EVIDENCE_MAX);
        assert_int_equal(device_judge_bytes(rules, service, bytes, &arena, whole, DEVICE_EVIDENCE_MAX, &whole_count), 0);
        for (size_t k = 0; k < count; k++)
            missing += !says(whole, whole_count, &direct[k]);
        good += missing == 0;
        if (missing > 0)
            print_message("%s print %lld: %.80s\n", source, json_integer_value(json_object_get(wire, "fp")),
                          json_string_value(json_object_get(example, "text")));
        arena_done(&arena);
    }
    print_message("%zu of %zu answers\n", good, json_array_size(wires));
    assert_true(good >= least && good <= json_array_size(wires));
}

static void finds_in_answers_what_it_finds_in_texts(void **unused)
{
    (void)unused;
    json_t *examples = read_lines("recog_examples.jsonl");
    json_t *telnet = read_lines("wire_telnet.jsonl"), *ftp = read_lines("wire_ftp.jsonl"), *http = read_lines("wire_http.jsonl");
    if (examples == NULL || telnet == NULL || ftp == NULL || http == NULL) {
        print_message("skipped: %s/wire_*.jsonl are not there\n", folder);
        skip();
    }
    char recog[4200], own[4200];
    struct device_compiled compiled;
    struct conf_error error;
    snprintf(recog, sizeof recog, "%s/recog_xml", folder);
    snprintf(own, sizeof own, "%s/conf/fingerprints", getenv("NOROSHI_SOURCE") != NULL ? getenv("NOROSHI_SOURCE") : ".");
    buf_init(&image, 0);
    if (device_compile_sources(&(struct device_sources){.own = own, .recog = recog}, NULL, &image, &compiled, &error) != 0)
        fail_msg("%s", error.text);
    print_message("%zu rules of ours, %zu of recog's, %zu left out, %zu examples\n", compiled.own, compiled.recog, compiled.recog_left_out,
                  compiled.examples);
    assert_true(compiled.recog_left_out <= 2);
    assert_int_equal(device_open(&rules, buf_as_span(&image)), 0);
    compare(telnet, examples, 179);
    compare(ftp, examples, 315);
    compare(http, examples, 1501);
    device_close(rules);
    buf_done(&image);
    json_decref(examples);
    json_decref(telnet);
    json_decref(ftp);
    json_decref(http);
}

int main(void)
{
    snprintf(folder, sizeof folder, "%s/data/banners", getenv("NOROSHI_SHARED") != NULL ? getenv("NOROSHI_SHARED") : "../shared");
    const struct CMUnitTest tests[] = {cmocka_unit_test(finds_in_answers_what_it_finds_in_texts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
