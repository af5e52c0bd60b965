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
        size_t end = span_find(lines->rest, '\n');
        lines->text = span_trim(span_part(lines->rest, 0, end));
        lines->rest = span_part(lines->rest, end + 1, lines->rest.len);
        lines->number++;
        if (lines->text.len > 0 && lines->text.at[0] != '#')
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
