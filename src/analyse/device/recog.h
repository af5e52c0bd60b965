/*
 * recog's fingerprint files (github.com/rapid7/recog), read as they are: <fingerprints> of <fingerprint pattern flags certainty> with
 * <description>, <example ATTRIBUTE="…">, <param pos name value>. Ruby's ^^ becomes ^; every flag for lines means that a dot matches \n.
 * Documents with a DTD are refused.
 */
#pragma once

#include "analyse/device/patterns.h"
#include "base/arena.h"
#include "base/conf.h"

struct recog_param {
    struct span name, value; /* value may hold {name of another param} */
    unsigned capture;        /* 0: the value as written */
};

struct recog_attribute {
    struct span name, value;
};

struct recog_example {
    struct span text; /* decoded */
    const struct recog_attribute *attributes;
    size_t attribute_count;
};

struct recog_print {
    struct pattern pattern;
    struct span description;
    unsigned certainty; /* in %, 0: not said */
    const struct recog_param *params;
    size_t param_count;
    const struct recog_example *examples;
    size_t example_count;
    unsigned line;
};

struct recog_file {
    const struct recog_print *prints;
    size_t count;
    size_t unreadable; /* prints left out: not a regular expression that can be compiled, too many captures */
};

enum { RECOG_FILE_MAX = 16 * 1024 * 1024, RECOG_PRINTS_MAX = 16384, RECOG_PARAMS_MAX = 64, RECOG_EXAMPLES_MAX = 1024, RECOG_TEXT_MAX = 64 * 1024 };

/* Everything lives in the arena. 0, -ERR_CONFIG, -ENOMEM and `error`. */
int recog_read(struct arena *, const char *file, struct span xml, struct recog_file *ret, struct conf_error *error);

const struct recog_param *recog_param(const struct recog_print *, const char *name);
/* A param's value with captures still marked (device/rules.h): {names} are put in, a capture gives its mark; empty when there is none. */
int recog_template(const struct recog_print *, const struct recog_param *, struct buf *ret);

struct drafts;
/* The prints of a file as rules on a field. What says nothing of a device stays, since recog takes the first that matches. */
int recog_drafts(struct drafts *, int field, const char *file, struct span xml, size_t *ret_left_out, struct conf_error *error);
