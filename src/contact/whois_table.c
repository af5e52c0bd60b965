/* Lines of the parts: what their readers share. */
#include "contact/whois_tables.h"

#include "base/err.h"
#include "base/text.h"

#include <stdio.h>

bool table_next(struct table_reader *reader)
{
    while (reader->left.len > 0) {
        struct span line = span_part(reader->left, 0, span_find(reader->left, '\n'));
        reader->left = span_part(reader->left, line.len + 1, reader->left.len);
        reader->number++;
        for (size_t i = 0; i < line.len; i++) {
            if (line.at[i] == '#' && (i == 0 || span_is_blank(line.at[i - 1])))
                line.len = i;
        }
        reader->line = span_trim(line);
        if (reader->line.len > 0)
            return true;
    }
    return false;
}

struct span table_word(struct span *line)
{
    size_t len = 0;
    *line = span_trim(*line);
    while (len < line->len && !span_is_blank(line->at[len]))
        len++;
    struct span word = span_part(*line, 0, len);
    *line = span_trim(span_part(*line, len, line->len));
    return word;
}

int table_error(const struct table_reader *reader, const char *expected)
{
    struct buf text;
    buf_init(&text, 120);
    text_escape(&text, span_part(reader->line, 0, 24));
    (void)snprintf(reader->error->text, sizeof reader->error->text, "%s:%u: expected %s, got \"%s\"", reader->path, reader->number, expected,
                   buf_cstr(&text));
    buf_done(&text);
    return -ERR_CONFIG;
}

struct span table_keep(struct arena *arena, struct span text)
{
    char *copy = arena_copy(arena, text);
    return span_of(copy, copy != NULL ? text.len : 0);
}
