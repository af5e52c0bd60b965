#include "contact/part_lines.h"

#include "base/err.h"
#include "base/text.h"

#include <stdio.h>

struct part_lines part_lines_of(struct span text, const char *path, struct conf_error *error)
{
    return (struct part_lines){.rest = text, .path = path, .error = error};
}

bool part_lines_next(struct part_lines *lines)
{
    while (lines->rest.len > 0) {
        struct span line = span_part(lines->rest, 0, span_find(lines->rest, '\n'));
        lines->rest = span_part(lines->rest, line.len + 1, lines->rest.len);
        lines->number++;
        for (size_t i = 0; i < line.len; i++) {
            if (line.at[i] == '#' && (i == 0 || span_is_blank(line.at[i - 1])))
                line.len = i;
        }
        lines->text = span_trim(line);
        if (lines->text.len > 0)
            return true;
    }
    return false;
}

struct span part_lines_word(struct span *rest)
{
    size_t start = 0;
    while (start < rest->len && (span_is_blank(rest->at[start]) || rest->at[start] == ','))
        start++;
    size_t end = start;
    while (end < rest->len && !span_is_blank(rest->at[end]) && rest->at[end] != ',')
        end++;
    struct span word = span_part(*rest, start, end - start);
    *rest = span_part(*rest, end, rest->len);
    return word;
}

struct span part_word(struct span *rest)
{
    size_t len = 0;
    *rest = span_trim(*rest);
    while (len < rest->len && !span_is_blank(rest->at[len]))
        len++;
    struct span word = span_part(*rest, 0, len);
    *rest = span_trim(span_part(*rest, len, rest->len));
    return word;
}

struct span part_keep(struct arena *arena, struct span text)
{
    char *copy = arena_copy(arena, text);
    return span_of(copy, copy != NULL ? text.len : 0);
}

int part_lines_split(const struct part_lines *lines, const char *example, struct span *ret_head, struct span *ret_rest)
{
    size_t colon = span_find(lines->text, ':');
    struct span head = span_trim(span_part(lines->text, 0, colon));
    struct span rest = span_trim(span_part(lines->text, colon + 1, lines->text.len));
    if (colon == lines->text.len || head.len == 0 || rest.len == 0)
        return part_lines_refuse(lines, "expected a line such as \"%s\"", example);
    *ret_head = head;
    *ret_rest = rest;
    return 0;
}

int part_lines_refuse(const struct part_lines *lines, const char *format, ...)
{
    char why[320];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why, sizeof why, format, args);
    va_end(args);
    struct buf clean;
    buf_init(&clean, sizeof lines->error->text);
    text_escape(&clean, span_text(why));
    (void)snprintf(lines->error->text, sizeof lines->error->text, "%s:%u: %.*s", lines->path, lines->number, (int)clean.len,
                   clean.data != NULL ? (const char *)clean.data : "");
    buf_done(&clean);
    return -ERR_CONFIG;
}

int part_lines_expected(const struct part_lines *lines, const char *expected)
{
    enum { SHOWN_MAX = 24 };
    int shown = (int)(lines->text.len < SHOWN_MAX ? lines->text.len : SHOWN_MAX);
    return part_lines_refuse(lines, "expected %s, got \"%.*s\"", expected, shown, (const char *)lines->text.at);
}
