/* recog's own examples, of all its files, read from the shared data: what matches, which print is the first, and the captures. */
#include "analyse/device/recog.h"
#include "analyse/device/rules.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILES_MAX = 64, FILE_MAX = 4 * 1024 * 1024 };

struct source {
    char name[64];
    struct recog_file file;
    struct pattern_set *patterns;
};

static struct source sources[FILES_MAX];
static size_t source_count;
static struct arena arena;
static char folder[4096];

static struct span read_whole(const char *path)
{
    FILE *file = fopen(path, "rbe");
    uint8_t *bytes = arena_alloc(&arena, FILE_MAX);
    assert_non_null(file);
    assert_non_null(bytes);
    size_t len = fread(bytes, 1, FILE_MAX, file);
    (void)fclose(file);
    return span_of(bytes, len);
}

static struct source *source_named(const char *name)
{
    char path[4200], why[200] = "";
    struct conf_error error = {0};
    struct buf compiled;
    size_t bad = 0;
    for (size_t i = 0; i < source_count; i++) {
        if (strcmp(sources[i].name, name) == 0)
            return &sources[i];
    }
    struct source *s = &sources[source_count++];
    assert_true(source_count <= FILES_MAX);
    snprintf(s->name, sizeof s->name, "%s", name);
    snprintf(path, sizeof path, "%s/recog_xml/%s.xml", folder, name);
    if (recog_read(&arena, path, read_whole(path), &s->file, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(s->file.unreadable, 0);
    struct pattern *patterns = calloc(s->file.count, sizeof *patterns);
    for (size_t i = 0; i < s->file.count; i++)
        patterns[i] = s->file.prints[i].pattern;
    buf_init(&compiled, 0);
    if (patterns_compile(patterns, s->file.count, &compiled, &bad, why, sizeof why) != 0)
        fail_msg("%s:%u: %s", path, s->file.prints[bad].line, why);
    assert_int_equal(patterns_open(&s->patterns, patterns, s->file.count, buf_as_span(&compiled)), 0);
    buf_done(&compiled);
    free(patterns);
    return s;
}

/* The param's value with its captures put in. */
static void value_of(const struct recog_print *print, const char *name, const struct span *captures, struct buf *ret)
{
    struct buf template;
    buf_clear(ret);
    buf_init(&template, 0);
    for (size_t i = 0; i < print->param_count; i++) {
        if (!span_is(print->params[i].name, name))
            continue;
        buf_clear(&template);
        buf_clear(ret);
        assert_int_equal(recog_template(print, &print->params[i], &template), 0);
        for (size_t k = 0; k < template.len; k++) {
            if (template.data[k] == CAPTURE_MARK)
                buf_span(ret, captures[template.data[++k]]);
            else
                buf_byte(ret, template.data[k]);
        }
    }
    buf_done(&template);
}

struct score {
    size_t examples, matched, first, asserted, equal;
};

static void try_example(const json_t *line, struct score *score)
{
    struct source *s = source_named(json_string_value(json_object_get(line, "file")));
    size_t index = (size_t)json_integer_value(json_object_get(line, "fp"));
    const char *base64 = json_string_value(json_object_get(line, "b64"));
    const struct pattern_hit *hits;
    struct pattern_budget budget = {.steps = PATTERN_BUDGET};
    struct span captures[PATTERN_CAPTURES] = {0};
    /* The file's example is the text itself; only the captured values are needed of the JSON. */
    json_t *captured = json_object_get(line, "captured");
    struct buf value;
    struct span text = {0};
    uint8_t *bytes = arena_alloc(&arena, strlen(base64) + 1);
    size_t len = 0;
    unsigned have = 0;
    uint32_t bits = 0;
    for (const char *at = base64; *at != '\0' && *at != '='; at++) {
        static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        bits = (bits << 6 | (uint32_t)(strchr(letters, *at) - letters)) & 0xffffff;
        have += 6;
        if (have >= 8)
            bytes[len++] = (uint8_t)(bits >> (have -= 8));
    }
    text = span_of(bytes, len);
    score->examples++;
    score->asserted += json_object_size(captured);
    size_t found = patterns_scan(s->patterns, text, &hits), at = 0;
    while (at < found && hits[at].index != index)
        at++;
    if (at == found) {
        print_message("no match: %s print %zu: %.80s\n", s->name, index, json_string_value(json_object_get(line, "desc")));
        return;
    }
    score->matched++;
    score->first += at == 0;
    if (patterns_capture(s->patterns, hits[at], text, &budget, captures) != 0)
        print_message("no captures: %s print %zu\n", s->name, index);
    const char *name;
    json_t *expected;
    buf_init(&value, 0);
    json_object_foreach(captured, name, expected)
    {
        value_of(&s->file.prints[index], name, captures, &value);
        bool equal = span_equal(buf_as_span(&value), span_of(json_string_value(expected), json_string_length(expected)));
        score->equal += equal;
        if (!equal)
            print_message("%s print %zu: %s: expected \"%s\", got \"%s\"\n", s->name, index, name, json_string_value(expected), buf_cstr(&value));
    }
    buf_done(&value);
}

static void matches_its_examples(void **unused)
{
    char path[4200];
    char *text = NULL;
    size_t size = 0;
    struct score score = {0};
    (void)unused;
    snprintf(folder, sizeof folder, "%s/data/banners", getenv("NOROSHI_SHARED") != NULL ? getenv("NOROSHI_SHARED") : "../shared");
    snprintf(path, sizeof path, "%s/recog_examples.jsonl", folder);
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        print_message("skipped: %s is not there\n", path);
        skip();
    }
    arena_init(&arena, (size_t)512 * 1024 * 1024);
    for (ssize_t len; (len = getline(&text, &size, file)) > 0;) {
        json_t *line = json_loadb(text, (size_t)len, JSON_ALLOW_NUL, NULL);
        assert_non_null(line);
        try_example(line, &score);
        json_decref(line);
    }
    free(text);
    (void)fclose(file);
    for (size_t i = 0; i < source_count; i++)
        patterns_close(sources[i].patterns);
    arena_done(&arena);
    print_message("%zu examples of %zu files, %zu matched, %zu of them first in their file; %zu of %zu captures equal\n", score.examples,
                  source_count, score.matched, score.first, score.equal, score.asserted);
    assert_int_equal(score.examples, 7525);
    assert_true(score.matched >= 7518);
    assert_true(score.first >= 7518);
    assert_int_equal(score.asserted, 7852);
    assert_true(score.equal >= 7849);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(matches_its_examples)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
