/* The shipped lists, open around a group of tests: cmocka_run_group_tests(tests, open_book, close_book). */
#pragma once

#include "lists.h"

static struct book *book;

static inline int open_book(void **state)
{
    (void)state;
    book = shipped_book();
    return 0;
}

static inline int close_book(void **state)
{
    (void)state;
    book_close(book);
    return 0;
}
