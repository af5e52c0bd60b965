/*
 * Forms by what they ask. Told of each tag in the order of the page; at a form's end its features (form_features.def) are weighed
 * (form_weights.def, a logistic regression over kinds; test/bench/extract.py says how it was made and how good it is).
 */
#pragma once

#include "contact/page_work.h"

enum form_feature {
#define FEATURE(name, text) FORM_HAS_##name,
#include "contact/form_features.def"
#undef FEATURE
    FORM_FEATURE_COUNT
};

enum { FORM_LABELS_MAX = 100, FORM_LABEL_MAX = 120, FORM_NAMED_MAX = 400, FORM_ID_MAX = 100 };

struct form_label {
    struct span of, text;
};

struct forms {
    struct page_work *work;
    const struct buf *text; /* of the page so far */
    struct page_form *form; /* the one that is open; NULL: none */
    struct form_field *fields;
    size_t field_count;
    struct form_label *labels;
    size_t label_count;
    struct span label_for, ids[EXTRACT_FIELDS_MAX];
    size_t start, last_end, heading_start, heading_end, label_start, button_start; /* offsets in text */
    bool in_label, in_button;
    int button; /* index of the field whose text is being read */
    unsigned hidden;
    struct buf named, buttons;
    bool page_contact, page_login;
};

void forms_init(struct forms *, struct page_work *, const struct buf *text);
void forms_done(struct forms *); /* ends a form that is open, and frees */
/* A tag of the page: before its own text is appended. */
void forms_token(struct forms *, const struct html_token *);
