#include "contact/makers.h"

#include "base/err.h"
#include "contact/finding.h"
#include "contact/part_lines.h"

#include <errno.h>

enum { MAKERS_MAX = 5000 };

struct makers {
    struct maker *first, **last;
    size_t count;
};

/* ---- names ---- */

static uint8_t folded(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint8_t)(c + ('a' - 'A'));
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80 ? c : 0;
}

/* The next letter or digit at or behind *at, past it then; 0: none. */
static uint8_t next_letter(struct span name, size_t *at)
{
    while (*at < name.len) {
        uint8_t c = folded(name.at[(*at)++]);
        if (c != 0)
            return c;
    }
    return 0;
}

static bool same_name(struct span a, struct span b)
{
    size_t i = 0, k = 0, letters = 0;
    for (;; letters++) {
        uint8_t x = next_letter(a, &i), y = next_letter(b, &k);
        if (x != y)
            return false;
        if (x == 0)
            return letters > 0;
    }
}

/* ---- reading ---- */

static const char example[] = "Example: psirt@example.com https://example.com/psirt (its page, 2026-11-20)";

static int keep(struct arena *arena, struct span text, struct span *ret)
{
    const char *copy = arena_copy(arena, text);
    *ret = span_of(copy, copy != NULL ? text.len : 0);
    return copy != NULL ? 0 : -ENOMEM;
}

static int read_names(struct arena *arena, const struct part_lines *lines, struct span head, struct maker *m)
{
    int r = 0;
    while (r == 0 && head.len > 0) {
        size_t bar = span_find(head, '|');
        struct span name = span_trim(span_part(head, 0, bar));
        head = span_part(head, bar + 1, head.len);
        if (!same_name(name, name) || m->name_count == MAKER_NAMES_MAX)
            return part_lines_refuse(lines, "expected names of a maker, at most %d, such as \"%s\"", MAKER_NAMES_MAX, example);
        r = keep(arena, name, &m->names[m->name_count++]);
    }
    return r;
}

static int read_contacts(struct arena *arena, const struct part_lines *lines, struct span rest, struct maker *m)
{
    struct span word;
    int r = 0;
    rest = span_part(rest, 0, span_find(rest, '(')); /* behind it: source and date */
    while (r == 0 && (word = part_lines_word(&rest)).len > 0) {
        if (m->contact_count == MAKER_CONTACTS_MAX)
            return part_lines_refuse(lines, "expected at most %d contacts of a maker", MAKER_CONTACTS_MAX);
        struct span *contact = &m->contacts[m->contact_count++];
        r = span_starts(word, "https://") || span_starts(word, "http://") ? keep(arena, word, contact) : mail_normalise(arena, word, contact);
        if (r != 0 && r != -ENOMEM)
            return part_lines_refuse(lines, "expected a mail address or the URL of a page, got \"%.*s\"", (int)(word.len < 80 ? word.len : 80),
                                     (const char *)word.at);
    }
    return r == 0 && m->contact_count == 0 ? part_lines_refuse(lines, "expected a line such as \"%s\"", example) : r;
}

static int read_maker(struct arena *arena, const struct part_lines *lines, struct makers *makers)
{
    struct span head, rest;
    struct maker *m = arena_alloc(arena, sizeof *m);
    if (makers->count++ == MAKERS_MAX)
        return part_lines_refuse(lines, "too many entries");
    int r = m != NULL ? part_lines_split(lines, example, &head, &rest) : -ENOMEM;
    if (r == 0)
        r = keep(arena, lines->text, &m->line);
    if (r == 0)
        r = read_names(arena, lines, head, m);
    if (r == 0)
        r = read_contacts(arena, lines, rest, m);
    for (size_t i = 0; r == 0 && i < m->name_count; i++) {
        if (makers_find(makers, m->names[i]) != NULL)
            r = part_lines_refuse(lines, "%.*s stands in the file already", (int)(m->names[i].len < 80 ? m->names[i].len : 80),
                                  (const char *)m->names[i].at);
    }
    if (r != 0)
        return r;
    *makers->last = m;
    makers->last = &m->next;
    return 0;
}

int book_open_makers(struct arena *arena, struct span text, const char *path, void **ret, struct conf_error *error)
{
    struct makers *makers = arena_alloc(arena, sizeof *makers);
    if (makers == NULL)
        return -ENOMEM;
    makers->last = &makers->first;
    for (struct part_lines lines = part_lines_of(text, path, error); part_lines_next(&lines);) {
        int r = read_maker(arena, &lines, makers);
        if (r != 0)
            return r;
    }
    *ret = makers;
    return 0;
}

/* ---- asking ---- */

const struct maker *makers_first(const struct makers *makers)
{
    return makers != NULL ? makers->first : NULL;
}

const struct maker *makers_find(const struct makers *makers, struct span name)
{
    for (const struct maker *m = makers_first(makers); m != NULL; m = m->next) {
        for (size_t i = 0; i < m->name_count; i++) {
            if (same_name(m->names[i], name))
                return m;
        }
    }
    return NULL;
}
