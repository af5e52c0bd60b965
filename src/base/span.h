/* A span is a view of bytes that someone else owns. It is never NUL-terminated by contract. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const uint8_t *at;
    size_t len;
};

static inline struct span span_of(const void *at, size_t len)
{
    return (struct span){.at = at, .len = len};
}

/* Of a C string, without its NUL; NULL gives the empty span. */
static inline struct span span_text(const char *text)
{
    return (struct span){.at = (const uint8_t *)text, .len = text != NULL ? strlen(text) : 0};
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool span_is(struct span a, const char *text)
{
    return span_equal(a, span_text(text));
}

/* Bytewise order, what is shorter first: below, at or above 0. */
static inline int span_compare(struct span a, struct span b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter > 0 ? memcmp(a.at, b.at, shorter) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static inline bool span_starts(struct span a, const char *text)
{
    size_t len = strlen(text);
    return a.len >= len && memcmp(a.at, text, len) == 0;
}

/* The part from `from` on, at most `len` bytes; both are clamped, so the result always lies inside. */
static inline struct span span_part(struct span a, size_t from, size_t len)
{
    if (from > a.len)
        from = a.len;
    if (len > a.len - from)
        len = a.len - from;
    return (struct span){.at = len > 0 ? a.at + from : a.at, .len = len};
}

/* Index of the first `byte`, or a.len. */
static inline size_t span_find(struct span a, uint8_t byte)
{
    const uint8_t *hit = a.len > 0 ? memchr(a.at, byte, a.len) : NULL;
    return hit != NULL ? (size_t)(hit - a.at) : a.len;
}

static inline bool span_is_blank(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* Without the blanks, tabs and line ends around it. */
static inline struct span span_trim(struct span a)
{
    while (a.len > 0 && span_is_blank(a.at[0]))
        a = span_part(a, 1, a.len);
    while (a.len > 0 && span_is_blank(a.at[a.len - 1]))
        a.len--;
    return a;
}
