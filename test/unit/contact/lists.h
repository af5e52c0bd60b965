/* The shipped lists as a book, for tests that run in the source folder. */
#pragma once

#include "contact/book.h"

#include <stdio.h>
#include <stdlib.h>

static inline struct book *shipped_book(void)
{
    struct conf_error error;
    struct book *book = NULL;
    struct buf image;
    char path[4096];
    const char *source = getenv("NOROSHI_SOURCE");
    (void)snprintf(path, sizeof path, "%s/conf/lists/contact", source != NULL ? source : ".");
    buf_init(&image, 0);
    int r = book_pack(path, &image, &error);
    if (r == 0)
        r = book_open(&book, buf_as_span(&image), &error);
    buf_done(&image);
    if (r != 0) {
        (void)fprintf(stderr, "%s\n", error.text);
        abort();
    }
    return book;
}
