#include "contact/surveys.h"

#include "base/err.h"
#include "contact/part_lines.h"

#include <errno.h>

enum { ENTRIES_MAX = 20000 };

struct survey_name {
    struct survey_name *next;
    struct span text, project;
};

struct survey_network {
    struct survey_network *next;
    struct prefix prefix;
    struct span project;
};

/* Some hundred entries at most, asked a few times for each target: lists do. */
struct surveys {
    struct survey_name *names;
    struct survey_network *networks;
    size_t count;
};

static int add_word(struct arena *arena, const struct part_lines *lines, struct surveys *s, struct span word, struct span project)
{
    struct prefix prefix;
    if (s->count++ >= ENTRIES_MAX)
        return part_lines_refuse(lines, "too many entries");
    if (prefix_parse(word, &prefix) == 0) {
        struct survey_network *network = arena_alloc(arena, sizeof *network);
        if (network == NULL)
            return -ENOMEM;
        *network = (struct survey_network){.next = s->networks, .prefix = prefix, .project = project};
        s->networks = network;
        return 0;
    }
    if (span_find(word, '/') < word.len || span_find(word, ':') < word.len || span_find(word, '.') == word.len || word.at[0] == '.')
        return part_lines_refuse(lines, "expected a name or a network, such as survey.example or 192.0.2.0/24, got \"%.*s\"", (int)word.len,
                                 (const char *)word.at);
    struct survey_name *name = arena_alloc(arena, sizeof *name);
    char *copy = arena_copy(arena, word);
    if (name == NULL || copy == NULL)
        return -ENOMEM;
    *name = (struct survey_name){.next = s->names, .text = span_of(copy, word.len), .project = project};
    s->names = name;
    return 0;
}

int book_open_surveys(struct arena *arena, struct span text, const char *path, void **ret, struct conf_error *error)
{
    struct surveys *s = arena_alloc(arena, sizeof *s);
    if (s == NULL)
        return -ENOMEM;
    for (struct part_lines lines = part_lines_of(text, path, error); part_lines_next(&lines);) {
        struct span head, rest, word;
        int r = part_lines_split(&lines, "Example Survey: survey.example 192.0.2.0/24", &head, &rest);
        struct span project = {0};
        if (r == 0) {
            project = span_of(arena_copy(arena, head), head.len);
            r = project.at == NULL ? -ENOMEM : 0;
        }
        while (r == 0 && (word = part_lines_word(&rest)).len > 0)
            r = add_word(arena, &lines, s, word, project);
        if (r != 0)
            return r;
    }
    *ret = s;
    return 0;
}

struct span surveys_by_addr(const struct surveys *s, struct addr addr)
{
    for (const struct survey_network *n = s != NULL ? s->networks : NULL; n != NULL; n = n->next) {
        if (prefix_holds(n->prefix, addr))
            return n->project;
    }
    return (struct span){0};
}

struct span surveys_by_name(const struct surveys *s, struct span domain)
{
    for (const struct survey_name *n = s != NULL ? s->names : NULL; n != NULL; n = n->next) {
        size_t len = n->text.len;
        if (domain.len >= len && span_equal(span_part(domain, domain.len - len, len), n->text) &&
            (domain.len == len || domain.at[domain.len - len - 1] == '.'))
            return n->project;
    }
    return (struct span){0};
}
