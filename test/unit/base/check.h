/* What every unit test of this folder includes. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"

/* The buf's content equals a text; shows both when it does not. */
static inline void check_text(struct buf *b, const char *expected)
{
    assert_int_equal(b->error, 0);
    assert_string_equal(buf_cstr(b), expected);
}
