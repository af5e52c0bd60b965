/*
 * A bounded reader over untrusted bytes. The first error sticks: reads after it give zeroes and empty spans, so a parser reads a
 * whole layout and checks `error` once. Nothing here reads past `end`.
 */
#pragma once

#include "base/err.h"
#include "base/span.h"

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
    int error; /* 0 or the first negative code */
};

static inline struct cursor cursor_of(struct span bytes)
{
    return (struct cursor){.at = bytes.at, .end = bytes.len > 0 ? bytes.at + bytes.len : bytes.at, .error = 0};
}

static inline size_t cursor_left(const struct cursor *c)
{
    return c->error == 0 ? (size_t)(c->end - c->at) : 0;
}

static inline void cursor_fail(struct cursor *c, int error)
{
    if (c->error == 0)
        c->error = error;
}

/* The next `len` bytes, or an empty span and -ERR_TRUNCATED. */
static inline struct span cursor_take(struct cursor *c, size_t len)
{
    if (cursor_left(c) < len || c->error != 0) {
        cursor_fail(c, -ERR_TRUNCATED);
        return (struct span){0};
    }
    struct span out = span_of(c->at, len);
    if (len > 0)
        c->at += len;
    return out;
}

/* The next `len` bytes into `to`, which stays as it is when so many are not there. */
static inline void cursor_copy(struct cursor *c, void *to, size_t len)
{
    struct span bytes = cursor_take(c, len);
    if (bytes.len > 0)
        memcpy(to, bytes.at, bytes.len);
}

static inline struct span cursor_rest(struct cursor *c)
{
    return cursor_take(c, cursor_left(c));
}

/* Big-endian (network order) unsigned number of 1 to 8 bytes. */
static inline uint64_t cursor_be(struct cursor *c, size_t width)
{
    struct span bytes = cursor_take(c, width);
    uint64_t value = 0;
    if (bytes.at == NULL)
        return 0;
    for (size_t i = 0; i < bytes.len; i++)
        value = value << 8 | bytes.at[i];
    return value;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
    return (uint8_t)cursor_be(c, 1);
}

static inline uint16_t cursor_be16(struct cursor *c)
{
    return (uint16_t)cursor_be(c, 2);
}

static inline uint32_t cursor_be32(struct cursor *c)
{
    return (uint32_t)cursor_be(c, 4);
}

static inline uint64_t cursor_be64(struct cursor *c)
{
    return cursor_be(c, 8);
}

/* LEB128, at most 10 bytes; an over-long or overflowing number is -ERR_MALFORMED. */
static inline uint64_t cursor_varint(struct cursor *c)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = cursor_u8(c);
        if (c->error != 0)
            return 0;
        uint64_t bits = byte & 0x7f;
        if (shift == 63 && bits > 1)
            break;
        value |= bits << shift;
        if ((byte & 0x80) == 0)
            return value;
    }
    cursor_fail(c, -ERR_MALFORMED);
    return 0;
}
