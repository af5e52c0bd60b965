/*
 * The part `makers` of the book: whom makers of devices want told of weaknesses in them. A line of the file:
 *
 *   NAME | OTHER NAME …: contact contact … (source, date)        Example: psirt@example.com https://example.com/psirt (its page, 2026-11-20)
 *
 * Names are compared by their letters and digits alone, without case: "TP-LINK" is "TP-Link", and fingerprints' makers are found, too.
 */
#pragma once

#include "contact/book.h"

enum { MAKER_CONTACTS_MAX = 4, MAKER_NAMES_MAX = 8 };

struct maker {
    struct maker *next;
    struct span names[MAKER_NAMES_MAX]; /* the first is what it is called */
    size_t name_count;
    struct span contacts[MAKER_CONTACTS_MAX]; /* mail addresses in finding.h's one form, URLs of pages */
    size_t contact_count;
    struct span line;
};

struct makers; /* book_part(book, BOOK_makers) */

const struct maker *makers_find(const struct makers *, struct span name); /* NULL: not known; NULL makers: none is */
const struct maker *makers_first(const struct makers *);

int book_open_makers(struct arena *, struct span text, const char *path, void **ret, struct conf_error *);
