/* Patterns: matching, and the paths of the tree that match. */
#include "observe/honeypot/shell/inside.h"

#include <stdlib.h>

static bool in_class(struct span name, uint8_t c)
{
    bool lower = c >= 'a' && c <= 'z', upper = c >= 'A' && c <= 'Z', digit = c >= '0' && c <= '9';
    if (span_is(name, "alpha"))
        return lower || upper;
    if (span_is(name, "digit"))
        return digit;
    if (span_is(name, "alnum"))
        return lower || upper || digit;
    if (span_is(name, "lower"))
        return lower;
    if (span_is(name, "upper"))
        return upper;
    if (span_is(name, "space"))
        return c == ' ' || (c >= '\t' && c <= '\r');
    if (span_is(name, "blank"))
        return c == ' ' || c == '\t';
    if (span_is(name, "xdigit"))
        return digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (span_is(name, "print"))
        return c >= ' ' && c < 0x7f;
    if (span_is(name, "punct"))
        return c > ' ' && c < 0x7f && !lower && !upper && !digit;
    return span_is(name, "cntrl") && (c < ' ' || c == 0x7f);
}

/* A bracket expression at `at` ("["): its end, or 0 when it is none; *ret whether it takes `c`. */
static size_t bracket(struct span p, size_t at, uint8_t c, bool *ret)
{
    bool negated = false, hit = false;
    size_t i = at + 1, first;
    if (i < p.len && (p.at[i] == '!' || p.at[i] == '^')) {
        negated = true;
        i++;
    }
    for (first = i; i < p.len && (p.at[i] != ']' || i == first); i++) {
        if (p.at[i] == '[' && i + 1 < p.len && p.at[i + 1] == ':') {
            struct span rest = span_part(p, i + 2, p.len);
            size_t len = span_find(rest, ':');
            if (len + 1 < rest.len && rest.at[len + 1] == ']') {
                hit = hit || in_class(span_part(rest, 0, len), c);
                i += len + 3;
                continue;
            }
        }
        if (p.at[i] == '\\' && i + 1 < p.len)
            i++;
        uint8_t low = p.at[i], high = low;
        if (i + 2 < p.len && p.at[i + 1] == '-' && p.at[i + 2] != ']') {
            i += 2;
            if (p.at[i] == '\\' && i + 1 < p.len)
                i++;
            high = p.at[i];
        }
        hit = hit || (c >= low && c <= high);
    }
    if (i >= p.len)
        return 0;
    *ret = hit != negated;
    return i + 1;
}

bool pattern_matches(struct span p, struct span text)
{
    /* On a mismatch only the last star takes one byte more, so the work is at most the product of the lengths. */
    size_t i = 0, at = 0, star = SIZE_MAX, star_at = 0;
    for (;;) {
        size_t next = 0;
        bool hit = false;
        if (i < p.len && p.at[i] == '*') {
            star = ++i;
            star_at = at;
            continue;
        }
        if (at == text.len && i == p.len)
            return true;
        if (at < text.len && i < p.len) {
            if (p.at[i] == '?') {
                hit = true;
                next = i + 1;
            } else if (p.at[i] == '[' && (next = bracket(p, i, text.at[at], &hit)) != 0) {
                /* taken or not by the set */
            } else {
                size_t literal = p.at[i] == '\\' && i + 1 < p.len ? i + 1 : i;
                hit = p.at[literal] == text.at[at];
                next = literal + 1;
            }
        }
        if (hit) {
            i = next;
            at++;
            continue;
        }
        if (star == SIZE_MAX || star_at >= text.len)
            return false;
        i = star;
        at = ++star_at;
    }
}

struct found_paths {
    struct engine *m;
    struct span pattern, directory; /* what a directory's entries must match; what they are put behind */
    struct span *paths;
    size_t count, room;
    bool directories; /* more components follow */
};

static void add(struct found_paths *f, struct span directory, struct span name)
{
    if (f->count >= SHELL_WORDS_MAX || directory.len + name.len >= TREE_PATH_MAX)
        return;
    if (f->count == f->room) {
        size_t room = f->room == 0 ? 16 : f->room * 2;
        struct span *paths = engine_alloc(f->m, room * sizeof *paths);
        if (paths == NULL)
            return;
        if (f->count > 0)
            memcpy(paths, f->paths, f->count * sizeof *paths);
        f->paths = paths;
        f->room = room;
    }
    uint8_t *path = engine_alloc(f->m, directory.len + name.len + 1);
    if (path == NULL)
        return;
    if (directory.len > 0)
        memcpy(path, directory.at, directory.len);
    if (name.len > 0)
        memcpy(path + directory.len, name.at, name.len);
    f->paths[f->count++] = span_of(path, directory.len + name.len);
}

static int each_entry(void *user, struct span name, const struct tree_stat *st)
{
    struct found_paths *f = user;
    if (!engine_step(f->m, 1))
        return 1;
    if (name.at[0] == '.' && f->pattern.at[0] != '.' && !(f->pattern.at[0] == '\\' && f->pattern.len > 1 && f->pattern.at[1] == '.'))
        return 0;
    if (f->directories && st->type != TREE_DIRECTORY && st->type != TREE_LINK)
        return 0;
    if (pattern_matches(f->pattern, name))
        add(f, f->directory, name);
    return 0;
}

static bool is_pattern(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '\\')
            i++;
        else if (text.at[i] == '*' || text.at[i] == '?' || text.at[i] == '[')
            return true;
    }
    return false;
}

static struct span unquoted(struct engine *m, struct span text)
{
    uint8_t *to = engine_alloc(m, text.len + 1);
    size_t len = 0;
    if (to == NULL)
        return (struct span){0};
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '\\' && i + 1 < text.len)
            i++;
        to[len++] = text.at[i];
    }
    return span_of(to, len);
}

/* One component of the pattern against every directory found so far. */
static void component(struct engine *m, struct found_paths *from, struct span name, bool last, struct found_paths *ret)
{
    struct shell *sh = m->shell;
    bool pattern = is_pattern(name);
    struct span plain = pattern ? name : unquoted(m, name);
    for (size_t i = 0; i < from->count && !sh->ended; i++) {
        struct span directory = from->paths[i];
        if (!pattern) {
            size_t before = ret->count;
            add(ret, directory, plain);
            struct tree_stat st;
            if (last && ret->count > before && tree_stat(sh->tree, sh->cwd, ret->paths[before], false, &st) < 0)
                ret->count = before;
        } else {
            ret->pattern = name;
            ret->directory = directory;
            ret->directories = !last;
            (void)tree_list(sh->tree, sh->cwd, directory.len > 0 ? directory : span_text("."), each_entry, ret);
        }
        if (!engine_step(m, 1))
            return;
    }
    for (size_t i = 0; i < ret->count && !last; i++) {
        struct span path = ret->paths[i];
        uint8_t *longer = engine_alloc(m, path.len + 1);
        if (longer == NULL)
            return;
        memcpy(longer, path.at, path.len);
        longer[path.len] = '/';
        ret->paths[i] = span_of(longer, path.len + 1);
    }
}

static int by_path(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    return span_compare(*x, *y);
}

size_t glob(struct engine *m, struct span pattern, void (*each)(void *, struct span), void *user)
{
    if (pattern.len == 0 || pattern.len >= TREE_PATH_MAX)
        return 0;
    struct found_paths now = {.m = m};
    size_t at = 0;
    while (at < pattern.len && pattern.at[at] == '/')
        at++;
    add(&now, (struct span){0}, at > 0 ? span_text("/") : (struct span){0});
    while (at < pattern.len && now.count > 0 && !m->shell->ended) {
        struct span rest = span_part(pattern, at, pattern.len);
        struct span name = span_part(rest, 0, span_find(rest, '/'));
        at += name.len;
        while (at < pattern.len && pattern.at[at] == '/')
            at++;
        struct found_paths next = {.m = m};
        component(m, &now, name, at >= pattern.len, &next);
        now = next;
    }
    if (m->shell->ended)
        return 0;
    if (now.count > 1)
        qsort(now.paths, now.count, sizeof *now.paths, by_path);
    for (size_t i = 0; i < now.count; i++)
        each(user, now.paths[i]);
    return now.count;
}
