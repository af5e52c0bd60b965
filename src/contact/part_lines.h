/* The lines of a part's file: comments and empty ones left out, and what is wrong with one said with its number. */
#pragma once

#include "base/conf.h"

struct part_lines {
    struct span rest;
    const char *path;
    struct conf_error *error;
    unsigned number;  /* of the line in hand, from 1 */
    struct span text; /* the line in hand, trimmed */
};

struct part_lines part_lines_of(struct span text, const char *path, struct conf_error *);
bool part_lines_next(struct part_lines *);
/* Cuts the next word, ended by blanks or commas, off `rest`; empty: there is none. */
struct span part_lines_word(struct span *rest);
/* Splits the line in hand at its first ':'; -ERR_CONFIG with `example` when there is none, or nothing on one of its sides. */
int part_lines_split(const struct part_lines *, const char *example, struct span *ret_head, struct span *ret_rest);
/* "path:line: …" as the error; -ERR_CONFIG. */
int part_lines_refuse(const struct part_lines *, const char *format, ...) __attribute__((format(printf, 2, 3)));
