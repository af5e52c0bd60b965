/* Lists as a book, for tests and fuzzers: the shipped ones (in the source folder), or texts of their own. */
#pragma once

#include "contact/book.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline struct book *book_of_image(struct buf *image)
{
    struct conf_error error;
    struct book *opened = NULL;
    int r = book_open(&opened, buf_as_span(image), &error);
    buf_done(image);
    if (r != 0) {
        (void)fprintf(stderr, "%s\n", error.text);
        abort();
    }
    return opened;
}

/* The parts of these names with these texts; an image is what book_pack makes of files. */
static inline struct book *book_of_texts(const char *const (*texts)[2], size_t count)
{
    struct buf image;
    buf_init(&image, 0);
    buf_put(&image, "nrsbook", 8);
    buf_byte(&image, 1);
    for (size_t i = 0; i < 2 * count; i++) {
        buf_varint(&image, strlen(texts[i / 2][i % 2]));
        buf_text(&image, texts[i / 2][i % 2]);
    }
    return book_of_image(&image);
}

static inline struct book *shipped_book(void)
{
    struct conf_error error;
    struct buf image;
    char path[4096];
    const char *source = getenv("NOROSHI_SOURCE");
    (void)snprintf(path, sizeof path, "%s/conf/lists/contact", source != NULL ? source : ".");
    buf_init(&image, 0);
    if (book_pack(path, &image, &error) != 0) {
        (void)fprintf(stderr, "%s\n", error.text);
        abort();
    }
    return book_of_image(&image);
}
