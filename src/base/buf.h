/*
 * A growing byte buffer with a cap. The first error (-ENOMEM, or -ERR_LIMIT at the cap) sticks and later writes do nothing, so a
 * writer builds a whole message and checks `error` once.
 */
#pragma once

#include "base/span.h"

#include <stdarg.h>

struct buf {
    uint8_t *data;
    size_t len;
    size_t size; /* allocated */
    size_t max;  /* never longer than this; 0 means no cap */
    int error;
};

void buf_init(struct buf *, size_t max);
void buf_done(struct buf *);  /* frees; the buf may be used again after buf_init; NULL accepted */
void buf_clear(struct buf *); /* empties and forgets the error, keeps the memory */

void buf_put(struct buf *, const void *bytes, size_t len);
void buf_byte(struct buf *, uint8_t);
void buf_text(struct buf *, const char *text);
void buf_span(struct buf *, struct span);
void buf_be(struct buf *, uint64_t value, size_t width); /* big-endian, width 1 to 8 */
void buf_varint(struct buf *, uint64_t value);           /* LEB128 */
void buf_printf(struct buf *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *, const char *format, va_list) __attribute__((format(printf, 2, 0)));

/* Room for `len` more bytes at data + len, or NULL (the error is set); add to `len` what was written. */
uint8_t *buf_reserve(struct buf *, size_t len);
/* Drops the first `len` bytes (clamped). */
void buf_consume(struct buf *, size_t len);

static inline struct span buf_as_span(const struct buf *b)
{
    return span_of(b->data, b->len);
}

/* The content as a C string, valid until the next change; "" after an error. */
const char *buf_cstr(struct buf *);
