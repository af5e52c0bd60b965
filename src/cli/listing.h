/* The verbs that list what a registry holds: a table, or with --json an array of objects. */
#pragma once

#include "cli/reading.h"

enum { LISTING_JSON };
extern const struct verb_option listing_options[];
enum { LISTING_OPTIONS = 1 };

/* A row of texts. */
int listing_row(struct table *, const char *const *texts, size_t count);
/* Prints and frees; `error` of filling the table is told instead. Returns the exit status; EXIT_NOTHING for an empty list. */
int listing_print(const struct invocation *, const struct options *, struct table *, int error);
