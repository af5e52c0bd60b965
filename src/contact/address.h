/*
 * How addresses are found in text: it is folded (full-width forms as plain ones, blanks as one kind, with the way back), address.c reads candidates
 * around whatever may stand for @, and address_judge.c takes out what people are asked to take out and says whether it is an address.
 */
#pragma once

#include "contact/page_work.h"

struct folded {
    struct span text, original;
    uint8_t *bytes;
    uint32_t *map; /* where each byte of `text` stood; NULL: where it stands */
};

int address_fold(struct span text, struct folded *);
void address_fold_done(struct folded *);

enum { LOCAL_MAX = 80, DOMAIN_MAX = 260, LABELS_MAX = 10, GAP_MAX = 3, LOCAL_PARTS = 4 };

enum anchor_kind { ANCHOR_SIGN, ANCHOR_BRACKET, ANCHOR_DASH, ANCHOR_BARE, ANCHOR_SUBSTITUTE };

struct anchor {
    enum anchor_kind kind;
    size_t start, end;
    bool loud; /* in capitals: "AT" */
};

/* A candidate as it grows. */
struct candidate {
    size_t start, end; /* in the folded text */
    char local[LOCAL_MAX + 1], domain[DOMAIN_MAX + 1];
    size_t local_len, domain_len;
    bool dot_words; /* a dot was written as a word */
    bool spaced;    /* blanks around the anchor */
};

static inline bool byte_is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static inline bool byte_is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool byte_is_alnum(uint8_t c)
{
    return byte_is_letter(c) || byte_is_digit(c);
}

static inline uint8_t byte_small(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static inline uint8_t byte_at(struct span t, size_t at)
{
    return at < t.len ? t.at[at] : 0;
}

static inline size_t address_skip_blanks(struct span t, size_t at, size_t max)
{
    for (size_t i = 0; i < max && byte_at(t, at) == ' '; i++)
        at++;
    return at;
}

/* ASCII letters of any case; `word` is in small ones. */
static inline bool address_same(struct span text, size_t at, struct span word)
{
    if (word.len > text.len - at)
        return false;
    for (size_t i = 0; i < word.len; i++) {
        if (byte_small(text.at[at + i]) != word.at[i])
            return false;
    }
    return true;
}

/* Its last label is one that the Internet has, or one of RFC 2606's. */
bool address_suffix_known(struct span domain);
/* Takes traps ("nospam") out of a local part or a domain. */
void address_take_out(const struct words *, char *text, size_t *len, bool domain);
/* Cuts what a sentence put behind the domain until its last label is known; false when nothing is left. */
bool address_trim(struct candidate *, unsigned flags);
/* " at " and a plain domain, or an @ with blanks around, may be a sentence ("meet us at example.com"): it must stand behind a colon, or be a
 * mailbox's name that stands alone on its line (`alone`). */
bool address_is_set_off(const struct words *, struct span text, const struct candidate *, bool alone);
bool address_is_sentence(const struct words *, struct span text, const struct anchor *, const struct candidate *);
/* "Рейтинг@mail.ru", a counter's name: letters of another alphabet have no mailbox under a plain domain; "example@mail.example": an example. */
bool address_is_foreign(const struct words *, const struct candidate *);
/* "stay-at-home.example": a dash is a part of names. */
bool address_is_name(const struct words *, struct span text, const struct anchor *, const struct candidate *);
