/*
 * What page_read finds in pages, and how fast: extract WORDS [--features | --alone] < LIST, whose lines are FILE, URL, Content-Type and the number of
 * times it is read, separated by tabs. Prints a JSON object for each page, and one with the times at the end: CPU seconds of page_read, and of MyHTML
 * and gumbo parsing the same bytes without anything else (not with --alone, for profiles).
 */
#include "base/text.h"
#include "contact/forms.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <myhtml/api.h>
#ifdef HAVE_GUMBO
#include <gumbo.h>
#endif

enum { PAGE_ARENA = 64 * 1024 * 1024, LINE_FIELDS = 4 };

static const char *const feature_names[] = {
#define FEATURE(name, text) #name,
#include "contact/form_features.def"
#undef FEATURE
};

struct seen {
    bool has[EXTRACT_FORMS_MAX][FORM_FEATURE_COUNT];
};
static struct seen seen;

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void watch(void *user, size_t index, const bool *features)
{
    struct seen *to = user;
    memcpy(to->has[index], features, sizeof to->has[index]);
}

static bool read_file(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "rbe");
    buf_init(out, 0);
    if (file == NULL)
        return false;
    for (;;) {
        uint8_t *room = buf_reserve(out, 65536);
        size_t len = room != NULL ? fread(room, 1, 65536, file) : 0;
        if (len == 0)
            break;
        out->len += len;
    }
    (void)fclose(file);
    return out->error == 0;
}

static void print_page(const struct page *p, const char *file, bool features)
{
    struct json json;
    struct buf out;
    buf_init(&out, 0);
    json_init(&json, &out, false);
    json_begin_object(&json);
    json_key(&json, "file");
    json_text(&json, file);
    json_key(&json, "charset");
    json_span(&json, p->charset);
    json_key(&json, "needs_scripts");
    json_bool(&json, p->needs_scripts);
    json_key(&json, "addresses");
    json_begin_array(&json);
    for (size_t i = 0; i < p->address_count; i++) {
        json_begin_array(&json);
        json_span(&json, p->addresses[i].mail);
        json_span(&json, p->addresses[i].source);
        json_span(&json, p->addresses[i].written);
        json_end_array(&json);
    }
    json_end_array(&json);
    json_key(&json, "forms");
    json_begin_array(&json);
    for (size_t i = 0; i < p->form_count; i++) {
        json_begin_object(&json);
        json_key(&json, "kind");
        json_text(&json, form_kind_text(p->forms[i].kind));
        json_key(&json, "score");
        json_int(&json, p->forms[i].score);
        if (features) {
            json_key(&json, "features");
            json_begin_array(&json);
            for (size_t f = 0; f < FORM_FEATURE_COUNT; f++) {
                if (seen.has[i][f])
                    json_text(&json, feature_names[f]);
            }
            json_end_array(&json);
        }
        json_end_object(&json);
    }
    json_end_array(&json);
    json_end_object(&json);
    buf_byte(&out, '\n');
    (void)fwrite(out.data, 1, out.len, stdout);
    buf_done(&out);
}

static double time_myhtml(struct span bytes)
{
    double start = now();
    myhtml_t *html = myhtml_create();
    myhtml_tree_t *tree = myhtml_tree_create();
    if (html == NULL || tree == NULL || myhtml_init(html, MyHTML_OPTIONS_PARSE_MODE_SINGLE, 1, 0) != MyHTML_STATUS_OK ||
        myhtml_tree_init(tree, html) != MyHTML_STATUS_OK)
        exit(1);
    (void)myhtml_parse(tree, MyENCODING_UTF_8, (const char *)bytes.at, bytes.len);
    (void)myhtml_tree_destroy(tree);
    (void)myhtml_destroy(html);
    return now() - start;
}

static double time_gumbo(struct span bytes)
{
#ifdef HAVE_GUMBO
    double start = now();
    GumboOutput *output = gumbo_parse_with_options(&kGumboDefaultOptions, (const char *)bytes.at, bytes.len);
    gumbo_destroy_output(&kGumboDefaultOptions, output);
    return now() - start;
#else
    (void)bytes;
    return 0;
#endif
}

struct times {
    double read, myhtml, gumbo;
    size_t pages, bytes;
    bool parsers;
};

static void one(const struct words *words, char *const field[LINE_FIELDS], bool features, struct times *t)
{
    struct buf bytes;
    struct page page = {0};
    long times = strtol(field[3], NULL, 10);
    if (!read_file(field[0], &bytes)) {
        fprintf(stderr, "%s: can't be read\n", field[0]);
        exit(1);
    }
    for (long i = 0; i < times; i++) {
        struct arena arena;
        arena_init(&arena, PAGE_ARENA);
        double start = now();
        int r =
            page_read_watched(words, &arena, span_text(field[1]), span_text(field[2]), buf_as_span(&bytes), features ? watch : NULL, &seen, &page);
        if (r != 0) {
            fprintf(stderr, "%s: error %d\n", field[0], r);
            exit(1);
        }
        t->read += now() - start;
        if (i == 0)
            print_page(&page, field[0], features);
        arena_done(&arena);
        if (t->parsers) {
            t->myhtml += time_myhtml(buf_as_span(&bytes));
            t->gumbo += time_gumbo(buf_as_span(&bytes));
        }
        t->pages++;
        t->bytes += bytes.len;
    }
    buf_done(&bytes);
}

int main(int argc, char **argv)
{
    struct conf_error error = {0};
    struct arena memory;
    struct buf text;
    void *words = NULL;
    char *line = NULL;
    size_t size = 0;
    struct times t = {.parsers = argc < 3 || strcmp(argv[2], "--alone") != 0};
    arena_init(&memory, PAGE_ARENA);
    if (argc < 2 || !read_file(argv[1], &text) || book_open_words(&memory, buf_as_span(&text), argv[1], &words, &error) != 0) {
        fprintf(stderr, "bench-extract: %s\n", error.text);
        return 1;
    }
    while (getline(&line, &size, stdin) > 0) {
        char *field[LINE_FIELDS] = {line};
        line[strcspn(line, "\n")] = '\0';
        for (int i = 1; i < LINE_FIELDS && field[i - 1] != NULL; i++) {
            field[i] = strchr(field[i - 1], '\t');
            if (field[i] != NULL)
                *field[i]++ = '\0';
        }
        if (field[LINE_FIELDS - 1] != NULL)
            one(words, field, argc > 2 && strcmp(argv[2], "--features") == 0, &t);
    }
    printf("{\"pages\": %zu, \"bytes\": %zu, \"read\": %.6f, \"myhtml\": %.6f, \"gumbo\": %.6f}\n", t.pages, t.bytes, t.read, t.myhtml, t.gumbo);
    free(line);
    buf_done(&text);
    arena_done(&memory);
    return 0;
}
