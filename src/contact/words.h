/*
 * The part `words` of the book: words by what they are for (word_uses.def) and by language. A line of the file is
 *
 *   USE LANGUAGE: word, word, …          local de: kontakt, missbrauch, =post
 *
 * LANGUAGE is a code of ISO 639-1, or `any` (for `maker`: the maker's name). A word is found anywhere in a text; with `=` in front it must stand
 * alone there, with anything but letters before and behind it: for short ones. Words are written in lower case, UTF-8. They are compared folded:
 * without accents, in lower case, full-width forms as their plain ones.
 */
#pragma once

#include "contact/book.h"

struct words; /* book_part(book, BOOK_words) */

enum word_use {
#define USE(name, text, help) WORD_##name,
#include "contact/word_uses.def"
#undef USE
    WORD_USE_COUNT
};

struct word {
    struct span text, language;
    struct span folded;
    enum word_use use;
    bool whole; /* stood with `=` */
};

enum { WORD_MAX = 64 };

int book_open_words(struct arena *, struct span text, const char *path, void **ret, struct conf_error *);

/* All of a use, in the order of the file. NULL words: none. */
const struct word *words_of(const struct words *, enum word_use, size_t *ret_count);
/* The longest word of that use in the first kilobyte of `text`; NULL: none. */
const struct word *words_in(const struct words *, enum word_use, struct span text);
/* The uses of all words in `folded` text, a bit each. Time is linear in its length. */
uint64_t words_uses(const struct words *, struct span folded);

static inline bool word_bit(uint64_t uses, enum word_use use)
{
    return (uses >> use & 1) != 0;
}

/* Appends `text` folded. `names`: it is an identifier, "yourEmail" becomes "your_email". */
void words_fold(struct buf *, struct span text, bool names);
/* The code point at `at` (below text.len), U+FFFD for what is none, and its length. */
uint32_t utf8_read(struct span text, size_t at, size_t *ret_len);
/* As words_fold does for one code point: 0 for what is left out. */
uint32_t code_fold(uint32_t code);
