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

void jsonld_read(struct page_work *w, struct span text)
{
    struct walk walk = {.work = w, .left = JSONLD_VALUES};
    if (text.len == 0 || text.len > JSONLD_MAX)
        return;
    json_t *root = json_loadb((const char *)text.at, text.len, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
    if (root != NULL)
        value_of(&walk, span_text(""), root, 0);
    json_decref(root);
}
