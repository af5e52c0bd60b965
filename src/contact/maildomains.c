#include "contact/maildomains.h"

#include "base/err.h"
#include "contact/part_lines.h"

#include <errno.h>
#include <stdlib.h>

static const struct {
    const char *name;
    unsigned flag;
} classes[] = {
    {"free", FLAG_FREE_MAIL}, {"disposable", FLAG_DISPOSABLE}, {"privacy-proxy", FLAG_PRIVACY_PROXY},
    {"vendor", FLAG_VENDOR},  {"example", FLAG_DEFAULT_PAGE},
};

enum { ENTRIES_MAX = 500000, WORDS_MAX = 1000 };

struct entry {
    struct span text, name; /* a domain, or local@domain */
    unsigned flag;
};

struct maildomains {
    struct entry *entries; /* sorted by text */
    size_t count;
    struct entry *words; /* a name that holds one is such a service */
    size_t word_count;
};

/* ---- reading ---- */

static unsigned class_of(struct span head, struct span *ret_name)
{
    struct span rest = head;
    struct span word = part_lines_word(&rest);
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        if (span_is(word, classes[i].name)) {
            *ret_name = rest.len > 0 ? span_part(rest, 1, rest.len) : (struct span){0};
            return classes[i].flag;
        }
    }
    return 0;
}

/* Lower case, at least one dot or an address; only what a domain in the one form may have. */
static bool is_entry(struct span word)
{
    bool dot = false;
    for (size_t i = 0; i < word.len; i++) {
        uint8_t c = word.at[i];
        dot = dot || c == '.' || c == '@';
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '@' || c == '_' || c == '+'))
            return false;
    }
    return word.len > 0 && word.len <= 320 && (dot || span_is(word, "localhost"));
}

static int by_text(const void *a, const void *b)
{
    return span_compare(((const struct entry *)a)->text, ((const struct entry *)b)->text);
}

static size_t count_words(struct span text)
{
    size_t count = 0;
    for (struct part_lines lines = part_lines_of(text, "", NULL); part_lines_next(&lines);) {
        struct span rest = lines.text;
        while (part_lines_word(&rest).len > 0)
            count++;
    }
    return count;
}

static int read_line(struct arena *arena, const struct part_lines *lines, struct maildomains *m)
{
    struct span head, rest, name = {0}, word;
    int r = part_lines_split(lines, "free: mail.example post.example", &head, &rest);
    if (r != 0)
        return r;
    bool is_word = span_is(head, "privacy-word");
    unsigned flag = is_word ? FLAG_PRIVACY_PROXY : class_of(head, &name);
    if (flag == 0)
        return part_lines_refuse(lines, "expected free, disposable, privacy-proxy, privacy-word, vendor or example, got \"%.*s\"", (int)head.len,
                                 (const char *)head.at);
    if (name.len > 0)
        name = span_of(arena_copy(arena, name), name.len);
    while ((word = part_lines_word(&rest)).len > 0) {
        if (!is_word && !is_entry(word))
            return part_lines_refuse(lines, "expected a domain in lower case, such as mail.example, got \"%.*s\"", (int)word.len,
                                     (const char *)word.at);
        if (m->count >= ENTRIES_MAX || m->word_count >= WORDS_MAX)
            return part_lines_refuse(lines, "too many entries");
        const char *copy = arena_copy(arena, word);
        if (copy == NULL || (name.len > 0 && name.at == NULL))
            return -ENOMEM;
        struct entry entry = {.text = span_of(copy, word.len), .name = name, .flag = flag};
        if (is_word)
            m->words[m->word_count++] = entry;
        else
            m->entries[m->count++] = entry;
    }
    return 0;
}

int book_open_maildomains(struct arena *arena, struct span text, const char *path, void **ret, struct conf_error *error)
{
    struct maildomains *m = arena_alloc(arena, sizeof *m);
    size_t most = count_words(text);
    if (m == NULL)
        return -ENOMEM;
    m->entries = arena_alloc(arena, (most < ENTRIES_MAX ? most : ENTRIES_MAX) * sizeof m->entries[0]);
    m->words = arena_alloc(arena, (most < WORDS_MAX ? most : WORDS_MAX) * sizeof m->words[0]);
    if (m->entries == NULL || m->words == NULL)
        return -ENOMEM;
    for (struct part_lines lines = part_lines_of(text, path, error); part_lines_next(&lines);) {
        int r = read_line(arena, &lines, m);
        if (r != 0)
            return r;
    }
    qsort(m->entries, m->count, sizeof m->entries[0], by_text);
    *ret = m;
    return 0;
}

/* ---- asking ---- */

static void add_matches(const struct maildomains *m, struct span text, unsigned *flags, struct span *name)
{
    struct entry wanted = {.text = text};
    const struct entry *hit = m->count > 0 ? bsearch(&wanted, m->entries, m->count, sizeof wanted, by_text) : NULL;
    if (hit == NULL)
        return;
    while (hit > m->entries && span_equal(hit[-1].text, text))
        hit--;
    for (; hit < m->entries + m->count && span_equal(hit->text, text); hit++) {
        *flags |= hit->flag;
        if (hit->name.len > 0)
            *name = hit->name;
    }
}

unsigned maildomains_flags(const struct maildomains *m, struct span mail, struct span *ret_name)
{
    unsigned flags = 0;
    struct span name = {0};
    if (m == NULL)
        return 0;
    struct span domain = span_part(mail, span_find(mail, '@') + 1, mail.len);
    for (struct span part = domain; part.len > 0; part = span_part(part, span_find(part, '.') + 1, part.len))
        add_matches(m, part, &flags, &name);
    char lower[FINDING_VALUE_MAX];
    size_t len = mail.len < sizeof lower ? mail.len : sizeof lower;
    for (size_t i = 0; i < len; i++)
        lower[i] = (char)(mail.at[i] >= 'A' && mail.at[i] <= 'Z' ? mail.at[i] + ('a' - 'A') : mail.at[i]);
    add_matches(m, span_of(lower, len), &flags, &name);
    for (size_t i = 0; i < m->word_count && domain.len > 0; i++) {
        if (memmem(domain.at, domain.len, m->words[i].text.at, m->words[i].text.len) != NULL)
            flags |= m->words[i].flag;
    }
    if (ret_name != NULL)
        *ret_name = name;
    return flags;
}

size_t maildomains_count(const struct maildomains *m)
{
    return m != NULL ? m->count : 0;
}
