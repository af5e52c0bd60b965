/* Pages read with the book's words; apart from page.c, which needs nothing else of the book. */
#include "contact/page_work.h"

int page_read(const struct book *book, struct arena *arena, struct span url, struct span type, struct span bytes, struct page *ret)
{
    return page_read_watched(book != NULL ? book_part(book, BOOK_words) : NULL, arena, url, type, bytes, NULL, NULL, ret);
}
