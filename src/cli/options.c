#include "cli/options.h"

#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>

enum { NAME_MAX_LEN = 40 };

void options_begin(struct option_reader *r, const struct verb_option *options, size_t count, int argc, char **argv)
{
    *r = (struct option_reader){.options = options, .count = count, .argc = argc, .argv = argv};
}

static const char *option_name_at(size_t index, const void *user)
{
    const struct option_reader *r = user;
    return index < r->count ? r->options[index].name : index == r->count ? "help" : NULL;
}

static enum option_event unknown_name(struct option_reader *r, struct span name, struct buf *why)
{
    char word[NAME_MAX_LEN + 1] = "";
    if (name.len <= NAME_MAX_LEN)
        memcpy(word, name.at, name.len);
    const char *near = nearest_name(word, option_name_at, r);
    buf_text(why, "unknown option --");
    text_escape(why, span_part(name, 0, NAME_MAX_LEN));
    if (near != NULL)
        buf_printf(why, " (perhaps --%s)", near);
    return OPTION_BAD;
}

static enum option_event wants_value(const struct verb_option *o, struct buf *why)
{
    buf_printf(why, "--%s: expected %s after it", o->name, o->argument);
    return OPTION_BAD;
}

static enum option_event long_option(struct option_reader *r, const char *text, size_t *ret_index, const char **ret_value, struct buf *why)
{
    struct span name = span_text(text);
    size_t equals = span_find(name, '=');
    const char *value = equals < name.len ? text + equals + 1 : NULL;
    name = span_part(name, 0, equals);
    if (span_is(name, "help"))
        return OPTION_HELP;
    for (size_t i = 0; i < r->count; i++) {
        const struct verb_option *o = &r->options[i];
        if (!span_is(name, o->name))
            continue;
        if (o->argument == NULL && value != NULL) {
            buf_printf(why, "--%s takes no value", o->name);
            return OPTION_BAD;
        }
        if (o->argument != NULL && value == NULL) {
            if (r->at == r->argc)
                return wants_value(o, why);
            value = r->argv[r->at++];
        }
        *ret_index = i;
        *ret_value = value != NULL ? value : "";
        return OPTION_GIVEN;
    }
    return unknown_name(r, name, why);
}

static enum option_event letter_option(struct option_reader *r, size_t *ret_index, const char **ret_value, struct buf *why)
{
    char letter = *r->letters++;
    const char *rest = r->letters;
    if (*rest == '\0')
        r->letters = NULL;
    if (letter == 'h')
        return OPTION_HELP;
    for (size_t i = 0; i < r->count; i++) {
        const struct verb_option *o = &r->options[i];
        if (o->letter != letter)
            continue;
        *ret_index = i;
        *ret_value = "";
        if (o->argument == NULL)
            return OPTION_GIVEN;
        if (*rest == '\0' && r->at == r->argc)
            return wants_value(o, why);
        *ret_value = *rest != '\0' ? rest : r->argv[r->at++];
        r->letters = NULL;
        return OPTION_GIVEN;
    }
    buf_text(why, "unknown option -");
    text_escape(why, span_of(&letter, 1));
    return OPTION_BAD;
}

enum option_event options_next(struct option_reader *r, size_t *ret_index, const char **ret_value, struct buf *why)
{
    if (r->letters != NULL)
        return letter_option(r, ret_index, ret_value, why);
    if (r->at == r->argc)
        return OPTION_END;
    const char *text = r->argv[r->at++];
    if (r->words_only || text[0] != '-' || text[1] == '\0') {
        *ret_value = text;
        return OPTION_WORD;
    }
    if (strcmp(text, "--") == 0) {
        r->words_only = true;
        return options_next(r, ret_index, ret_value, why);
    }
    if (text[1] == '-')
        return long_option(r, text + 2, ret_index, ret_value, why);
    r->letters = text + 1;
    return letter_option(r, ret_index, ret_value, why);
}

int options_read(const struct verb *verb, int argc, char **argv, struct options *ret, struct buf *why)
{
    struct option_reader reader;
    options_begin(&reader, verb->options, verb->option_count, argc, argv);
    struct options out = {.words = argv};
    for (;;) {
        size_t index = 0;
        const char *value = NULL;
        switch (options_next(&reader, &index, &value, why)) {
        case OPTION_END:
            *ret = out;
            return 0;
        case OPTION_GIVEN:
            out.values[index] = value;
            break;
        case OPTION_WORD:
            out.words[out.word_count++] = argv[reader.at - 1];
            break;
        case OPTION_HELP:
            return 1;
        case OPTION_BAD:
            return -ERR_MALFORMED;
        }
    }
}

int option_number(const char *text, int64_t least, int64_t most, int64_t *ret)
{
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < least || value > most)
        return -ERR_MALFORMED;
    *ret = value;
    return 0;
}

static size_t least3(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Letters to change, insert, drop or swap with their neighbour (optimal string alignment). */
static size_t edit_distance(const char *a, const char *b)
{
    size_t rows[3][NAME_MAX_LEN + 1];
    size_t alen = strlen(a), blen = strlen(b);
    if (alen > NAME_MAX_LEN || blen > NAME_MAX_LEN)
        return SIZE_MAX;
    for (size_t j = 0; j <= blen; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= alen; i++) {
        size_t *now = rows[i % 3], *before = rows[(i - 1) % 3], *earlier = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= blen; j++) {
            size_t change = before[j - 1] + (a[i - 1] != b[j - 1]);
            now[j] = least3(before[j] + 1, now[j - 1] + 1, change);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && earlier[j - 2] + 1 < now[j])
                now[j] = earlier[j - 2] + 1;
        }
    }
    return rows[alen % 3][blen];
}

const char *nearest_name(const char *word, const char *(*name_at)(size_t index, const void *user), const void *user)
{
    size_t length = strlen(word), best_distance = length < 4 ? 1 : length < 8 ? 2 : 3;
    const char *best = NULL, *name;
    if (length == 0)
        return NULL;
    for (size_t i = 0; (name = name_at(i, user)) != NULL; i++) {
        size_t distance = edit_distance(word, name);
        /* A beginning counts as near: "cred" means credentials. */
        if (length >= 3 && strncmp(word, name, length) == 0)
            distance = 1;
        if (distance < best_distance || (distance == best_distance && best == NULL)) {
            best = name;
            best_distance = distance;
        }
    }
    return best;
}
