/*
 * The part `surveys` of the book: projects that survey the Internet and say so. They are not victims, so nobody is told of them. A line of the file:
 *
 *   PROJECT: name network …      Example Survey: survey.example 192.0.2.0/24
 */
#pragma once

#include "contact/book.h"

struct surveys; /* book_part(book, BOOK_surveys) */

/* The project whose network holds the address, or whose name this one is or lies below; empty: none. NULL surveys: none. */
struct span surveys_by_addr(const struct surveys *, struct addr);
struct span surveys_by_name(const struct surveys *, struct span domain);

int book_open_surveys(struct arena *, struct span text, const char *path, void **ret, struct conf_error *);
