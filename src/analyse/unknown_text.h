/* A value taken into pieces, and what is made of them: its shape, its words, an expression that matches it. */
#pragma once

#include "base/buf.h"

enum piece_kind { PIECE_WORD /* letters */, PIECE_SIGN, PIECE_SPACE, PIECE_DIGITS, PIECE_HEX, PIECE_IP, PIECE_MAC, PIECE_OTHER };

struct piece {
    enum piece_kind kind;
    struct span text;
};

/* The piece at *at, which is moved behind it; false at the end. */
bool piece_next(struct span value, size_t *at, struct piece *ret);

/* What of a value can be written as an example, from its beginning on: valid text, not too long. */
struct span unknown_example(struct span value);
/* An expression (PCRE2) for values of this shape, from their beginning on. */
void unknown_expression(struct span value, struct buf *out);
/* One for values that have these words in this order. */
void unknown_expression_of_words(const struct span *words, size_t count, struct buf *out);
/* A line of a rule file. `hash` makes its name; the example may be empty. */
void unknown_rule(const char *field, uint32_t hash, struct span expression, struct span example, struct buf *out);
