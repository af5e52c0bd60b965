#include "base/err.h"
#include "cli/show.h"

#include <limits.h>
#include <unistd.h>

static const struct column sample_columns[] = {
    {.name = "file.hash.sha256", .title = "SHA-256", .type = COLUMN_TEXT},
    {.name = "file.size", .title = "size", .type = COLUMN_COUNT},
    {.name = "noroshi.sample.architecture", .title = "architecture", .type = COLUMN_TEXT},
    {.name = "noroshi.sample.origin", .title = "origin", .type = COLUMN_TEXT},
    {.name = "file.path", .title = "path", .type = COLUMN_TEXT},
    {.name = "url.full", .title = "URL", .type = COLUMN_TEXT},
    {.name = "samples", .title = "times", .type = COLUMN_COUNT},
    {.name = "sources", .title = "sources", .type = COLUMN_COUNT},
    {.name = "kept", .title = "kept", .type = COLUMN_COUNT},
    {.name = "first_seen", .title = "first seen", .type = COLUMN_TIME},
    {.name = "last_seen", .title = "last seen", .type = COLUMN_TIME},
};
enum { SAMPLE_COLUMNS = sizeof sample_columns / sizeof sample_columns[0], SAMPLE_KEPT = 8, SOURCES_SHOWN = 50 };

static const struct column source_columns[] = {
    {.name = "source.ip", .title = "source", .type = COLUMN_ADDR},
    {.name = "first_seen", .title = "first seen", .type = COLUMN_TIME},
};

static int put_row(void *user, const struct query_value *values, size_t count)
{
    return table_row(user, values, count);
}

/* `hex` is hexadecimal digits of lower case only, so it can stand in a statement. */
static int fetch_sources(struct query *query, struct table *table, const char *hex)
{
    struct buf sql;
    const struct query_range range = {.since = REPORT_SINCE_ALL, .until = REPORT_UNTIL_ALL, .limit = SOURCES_SHOWN};
    buf_init(&sql, 0);
    buf_printf(&sql, "SELECT source_ip, first FROM sample_source WHERE sha256 = '%s' ORDER BY first LIMIT %d", hex, SOURCES_SHOWN);
    int error = sql.error != 0 ? sql.error : query_rows(query, buf_cstr(&sql), &range, put_row, table);
    buf_done(&sql);
    return error;
}

static void print_head(const struct table *sample, const char *hex, const char *path)
{
    printf("sample %s\n", hex);
    for (size_t c = 1; c < SAMPLE_COLUMNS; c++) {
        const struct query_value *v = table_value(sample, 0, c);
        if (c == SAMPLE_KEPT || v->type == QUERY_NULL)
            continue;
        if (sample_columns[c].type == COLUMN_TIME)
            show_time(sample_columns[c].title, v->number);
        else if (v->type == QUERY_INT)
            show_line(sample_columns[c].title, "%lld", (long long)v->number);
        else
            show_span(sample_columns[c].title, v->bytes);
    }
    show_line("file", "%s", path != NULL ? path : "its bytes were not kept: the source named it by its hash only");
}

static void print_json(const struct table *sample, const struct table *sources, const char *path)
{
    struct buf out;
    struct json json;
    buf_init(&out, 0);
    json_init(&json, &out, true);
    json_begin_object(&json);
    json_key(&json, "sample");
    table_json_row(sample, &json, 0);
    json_key(&json, "file");
    json_text(&json, path);
    json_key(&json, "sources");
    table_json_rows(sources, &json);
    json_end_object(&json);
    printf("%s\n", buf_cstr(&out));
    buf_done(&out);
}

/* A beginning of a SHA-256 stands for it when no other sample's begins so. `hex` holds what was given, checked; it becomes the whole. */
static int complete(struct query *query, struct table *sample, char hex[static 65])
{
    static const char select[] = "SELECT sha256, size, architecture, origin, path, url, times, sources, kept, first, last FROM sample";
    struct buf sql;
    const struct query_range range = {.since = REPORT_SINCE_ALL, .until = REPORT_UNTIL_ALL, .limit = 2};
    buf_init(&sql, 0);
    /* 'g' comes behind every hexadecimal digit. */
    buf_printf(&sql, "%s WHERE sha256 >= '%s' AND sha256 < '%sg' LIMIT 2", select, hex, hex);
    int error = sql.error != 0 ? sql.error : query_rows(query, buf_cstr(&sql), &range, put_row, sample);
    buf_done(&sql);
    if (error == 0 && table_rows(sample) == 1) {
        struct span whole = table_value(sample, 0, 0)->bytes;
        if (whole.len == 64)
            memcpy(hex, whole.at, whole.len);
        hex[64] = '\0';
    }
    return error;
}

static bool read_hex(const char *text, char hex[static 65])
{
    size_t length = strlen(text);
    if (length < 6 || length > 64 || strspn(text, "0123456789abcdefABCDEF") != length)
        return false;
    for (size_t i = 0; i <= length; i++)
        hex[i] = (char)(text[i] >= 'A' && text[i] <= 'F' ? text[i] - 'A' + 'a' : text[i]);
    return true;
}

static int print(const struct invocation *i, const struct options *o, const struct table *sample, struct table *sources, const char *hex)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/blobs/%.2s/%.2s/%s", i->data, hex, hex + 2, hex);
    bool kept = length < (int)sizeof path && access(path, F_OK) == 0;
    if (o->values[SHOW_JSON] != NULL) {
        print_json(sample, sources, kept ? path : NULL);
        return EXIT_OK;
    }
    print_head(sample, hex, kept ? path : NULL);
    return show_table(i, "left by", sources);
}

int show_sample(const struct invocation *i, const struct options *o, struct query *query, const char *sha256)
{
    char hex[65];
    if (!read_hex(sha256, hex))
        return usage_error(&verb_show, "sample: expected a SHA-256, or 6 digits or more of its beginning, got \"%.70s\"", sha256);
    struct table *sample = NULL, *sources = NULL;
    int error = table_new(&sample, sample_columns, SAMPLE_COLUMNS);
    if (error == 0)
        error = table_new(&sources, source_columns, 2);
    if (error == 0)
        error = complete(query, sample, hex);
    bool one = error == 0 && table_rows(sample) == 1;
    if (one)
        error = fetch_sources(query, sources, hex);
    int status = EXIT_OK;
    if (error != 0)
        status = failed("show sample: %s", err_text(error));
    else if (one)
        status = print(i, o, sample, sources, hex);
    else {
        note(i, table_rows(sample) == 0 ? "no sample %s" : "more than one sample begins with %s", hex);
        status = EXIT_NOTHING;
    }
    table_free(sample);
    table_free(sources);
    return status;
}
