/*
 * The lines of a part's file: comments and empty ones left out, and what is wrong with one said with its number. A `#` at the start of a line, or
 * after a blank, begins a comment.
 */
#pragma once

#include "base/arena.h"
#include "base/conf.h"

struct part_lines {
    struct span rest;
    const char *path;
    struct conf_error *error;
    unsigned number;  /* of the line in hand, from 1 */
    struct span text; /* the line in hand, without comment and blanks around it */
};

struct part_lines part_lines_of(struct span text, const char *path, struct conf_error *);
bool part_lines_next(struct part_lines *);
/* Cuts the next word, ended by blanks or commas, off `rest`; empty: there is none. */
struct span part_lines_word(struct span *rest);
/* The same, ended by blanks alone; what is left is trimmed. */
struct span part_word(struct span *rest);
struct span part_keep(struct arena *, struct span); /* a copy; .at NULL: no memory */
/* Splits the line in hand at its first ':'; -ERR_CONFIG with `example` when there is none, or nothing on one of its sides. */
int part_lines_split(const struct part_lines *, const char *example, struct span *ret_head, struct span *ret_rest);
/* "path:line: …" as the error; -ERR_CONFIG. */
int part_lines_refuse(const struct part_lines *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same: "expected …, got …", the beginning of the line in hand. */
int part_lines_expected(const struct part_lines *, const char *expected);
