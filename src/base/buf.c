#include "base/buf.h"

#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_done(struct buf *b)
{
    if (b == NULL)
        return;
    free(b->data);
    *b = (struct buf){.max = b->max};
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->error = 0;
}

uint8_t *buf_reserve(struct buf *b, size_t len)
{
    if (b->error != 0)
        return NULL;
    if (len > SIZE_MAX / 4 - b->len || (b->max != 0 && len > b->max - b->len)) {
        b->error = -ERR_LIMIT;
        return NULL;
    }
    size_t need = b->len + len;
    if (need > b->size) {
        size_t size = b->size < 64 ? 64 : b->size;
        while (size < need)
            size += size / 2;
        if (b->max != 0 && size > b->max)
            size = b->max;
        uint8_t *data = realloc(b->data, size);
        if (data == NULL) {
            b->error = -ENOMEM;
            return NULL;
        }
        b->data = data;
        b->size = size;
    }
    return b->data != NULL ? b->data + b->len : NULL;
}

void buf_put(struct buf *b, const void *bytes, size_t len)
{
    if (len == 0)
        return;
    uint8_t *room = buf_reserve(b, len);
    if (room == NULL)
        return;
    memcpy(room, bytes, len);
    b->len += len;
}

void buf_byte(struct buf *b, uint8_t byte)
{
    buf_put(b, &byte, 1);
}

void buf_text(struct buf *b, const char *text)
{
    buf_put(b, text, strlen(text));
}

void buf_span(struct buf *b, struct span bytes)
{
    buf_put(b, bytes.at, bytes.len);
}

void buf_be(struct buf *b, uint64_t value, size_t width)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < width; i++)
        bytes[i] = (uint8_t)(value >> (8 * (width - 1 - i)));
    buf_put(b, bytes, width);
}

void buf_varint(struct buf *b, uint64_t value)
{
    uint8_t bytes[10];
    size_t len = 0;
    do {
        bytes[len] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        len++;
        value >>= 7;
    } while (value != 0);
    buf_put(b, bytes, len);
}

void buf_vprintf(struct buf *b, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (len < 0) {
        b->error = b->error != 0 ? b->error : -EINVAL;
        return;
    }
    /* One more byte for vsnprintf's NUL, outside the cap's count. */
    size_t max = b->max;
    if (max != 0)
        b->max = max + 1;
    uint8_t *room = buf_reserve(b, (size_t)len + 1);
    b->max = max;
    if (room == NULL)
        return;
    (void)vsnprintf((char *)room, (size_t)len + 1, format, args);
    b->len += (size_t)len;
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vprintf(b, format, args);
    va_end(args);
}

void buf_consume(struct buf *b, size_t len)
{
    if (len >= b->len) {
        b->len = 0;
        return;
    }
    memmove(b->data, b->data + len, b->len - len);
    b->len -= len;
}

const char *buf_cstr(struct buf *b)
{
    size_t max = b->max;
    if (max != 0)
        b->max = max + 1;
    uint8_t *room = buf_reserve(b, 1);
    b->max = max;
    if (room == NULL)
        return "";
    *room = '\0';
    return (const char *)b->data;
}
