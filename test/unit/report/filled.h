/* Reports over a store that a test filled. */
#pragma once

#include "../store/make.h"
#include "rows.h"

#define T(n) (DAY_ZERO + (usec_t)(n)*USEC_PER_HOUR)

static inline void check(const struct place *place, const char *name, struct query_range range, const char *expected)
{
    char *rows = rows_of(place->folder, name, range, NULL);
    for (char *c = rows, *to = rows;; c++) { /* CSV ends lines with CR LF */
        if (*c != '\r')
            *to++ = *c;
        if (*c == '\0')
            break;
    }
    assert_string_equal(rows, expected);
    free(rows);
}

static inline void finish(struct store *store)
{
    assert_int_equal(store_commit(store), 0);
    assert_int_equal(store_flush(store), 0);
    store_close(store);
}
