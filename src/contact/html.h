/*
 * HTML as a stream of tags and text (MyHTML's tokenizer, HTML §13.2.5): no tree is built, so that nesting costs nothing, and a form owns the fields
 * between its tags as browsers' form pointer has it.
 */
#pragma once

#include "base/span.h"

enum { HTML_ATTRIBUTES_MAX = 64, HTML_MARKUP_MAX = 400 * 1000 /* tags and attributes of a page */ };

enum html_kind { HTML_OPEN, HTML_CLOSE, HTML_TEXT };

struct html_attribute {
    struct span name, value; /* name in lower case; references resolved */
};

struct html_token {
    enum html_kind kind;
    struct span tag;  /* in lower case */
    bool block;       /* begins a line of its own, or ends one */
    struct span text; /* references resolved; in elements of raw text as it stands */
    const struct html_attribute *attributes;
    size_t attribute_count;
};

/* Calls `hear` for each in order; views hold until it returns. *ret_cut: HTML_MARKUP_MAX was reached, the rest was left. 0, -ENOMEM. */
int html_read(struct span utf8, void (*hear)(void *user, const struct html_token *), void *user, bool *ret_cut);

static inline bool html_is(const struct html_token *t, const char *tag)
{
    size_t len = strlen(tag);
    return t->tag.len == len && memcmp(t->tag.at, tag, len) == 0;
}

/* The value of the first attribute of that name; at == NULL: it is not there. */
static inline struct span html_attribute(const struct html_token *t, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < t->attribute_count; i++) {
        if (t->attributes[i].name.len == len && memcmp(t->attributes[i].name.at, name, len) == 0)
            return t->attributes[i].value.at != NULL ? t->attributes[i].value : span_text("");
    }
    return (struct span){0};
}
