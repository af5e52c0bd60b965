/* JSON-LD (schema.org): what a page says of itself for search engines. */
#include "contact/page_work.h"

#include <jansson.h>

enum { JSONLD_MAX = 256 * 1024, JSONLD_DEPTH = 12, JSONLD_VALUES = 5000 };

struct walk {
    struct page_work *work;
    unsigned left;
};

static void text_of(struct walk *walk, struct span key, struct span text)
{
    struct page_work *w = walk->work;
    bool mail = starts_with_folded(key, "email") || starts_with_folded(key, "mail") || starts_with_folded(text, "mailto:");
    if (span_is(key, "sameAs"))
        accounts_link(w, text, false);
    else if (mail)
        address_mailto(w, text, "json-ld", text);
    else if (!starts_with_folded(text, "http") && span_find(text, '@') < text.len && !span_starts(key, "@"))
        address_scan(w, text, "json-ld", 0);
}

static void value_of(struct walk *walk, struct span key, const json_t *value, unsigned depth)
{
    const char *name;
    if (depth > JSONLD_DEPTH || walk->left == 0)
        return;
    walk->left--;
    if (json_is_string(value)) {
        text_of(walk, key, span_of(json_string_value(value), json_string_length(value)));
    } else if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++)
            value_of(walk, key, json_array_get(value, i), depth + 1);
    } else if (json_is_object(value)) {
        void *at = json_object_iter((json_t *)(uintptr_t)value);
        for (; at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)value, at)) {
            name = json_object_iter_key(at);
            value_of(walk, span_text(name), json_object_iter_value(at), depth + 1);
        }
    }
}

/* The brackets of "<![CDATA[" and "]]>". */
static bool is_cover(struct span text, size_t at)
{
    struct span name = span_text("CDATA");
    return (at + 6 < text.len && span_equal(span_part(text, at + 1, name.len), name)) ||
           (at >= 6 && span_equal(span_part(text, at - 5, name.len), name));
}

static bool is_cover_end(struct span whole, size_t at)
{
    size_t end = at + 1 < whole.len && whole.at[at + 1] == ']' ? at + 2 : at + 1;
    return end < whole.len && whole.at[end] == '>';
}

/* What people get wrong and readers forgive: a cover of comments around it, commas behind the last member. NULL: still none. */
static json_t *forgiving(struct arena *arena, struct span text)
{
    char *clean = arena_alloc(arena, text.len + 1);
    size_t len = 0, from = 0;
    bool quoted = false;
    struct span whole = text;
    while (from < text.len && text.at[from] != '{' && (text.at[from] != '[' || is_cover(text, from)))
        from++;
    while (text.len > from && text.at[text.len - 1] != '}' && (text.at[text.len - 1] != ']' || is_cover_end(whole, text.len - 1)))
        text.len--;
    for (size_t i = from; clean != NULL && i < text.len; i++) {
        char c = (char)text.at[i];
        if (c == '"' && (i == from || text.at[i - 1] != '\\'))
            quoted = !quoted;
        if (!quoted && (c == '}' || c == ']')) {
            size_t end = len;
            while (end > 0 && (uint8_t)clean[end - 1] <= ' ')
                end--;
            len = end > 0 && clean[end - 1] == ',' ? end - 1 : len;
        }
        clean[len++] = c;
    }
    return clean != NULL ? json_loadb(clean, len, JSON_ALLOW_NUL, NULL) : NULL;
}

void jsonld_read(struct page_work *w, struct span text)
{
    struct walk walk = {.work = w, .left = JSONLD_VALUES};
    if (text.len == 0 || text.len > JSONLD_MAX)
        return;
    json_t *root = json_loadb((const char *)text.at, text.len, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
    if (root == NULL)
        root = forgiving(w->arena, text);
    if (root != NULL)
        value_of(&walk, span_text(""), root, 0);
    json_decref(root);
}
