/*
 * Character sets. What the C library converts with is read from files; a role that has none left keeps the converters it opened before
 * (whois_decode_prepare). UTF-8 and Latin-1 need none.
 */
#include "contact/whois.h"

#include "base/text.h"

#include <errno.h>
#include <iconv.h>
#include <strings.h>

enum { CONVERTERS = 4, GROWTH = 4 };

static struct {
    const char *name;
    iconv_t handle;
    bool open, tried;
} converters[CONVERTERS] = {{.name = "ISO-2022-JP"}, {.name = "EUC-KR"}, {.name = "EUC-JP"}, {.name = "GB18030"}};

static bool same(struct span text, const char *name)
{
    return text.len == strlen(name) && strncasecmp((const char *)text.at, name, text.len) == 0;
}

static iconv_t *converter_of(struct span charset)
{
    for (size_t i = 0; i < CONVERTERS; i++) {
        if (!same(charset, converters[i].name))
            continue;
        if (!converters[i].tried) {
            /* CP949 is EUC-KR with the syllables that it lacks */
            converters[i].handle = iconv_open("UTF-8", i == 1 ? "CP949" : converters[i].name);
            converters[i].open = converters[i].handle != (iconv_t)-1;
            converters[i].tried = true;
        }
        return converters[i].open ? &converters[i].handle : NULL;
    }
    return NULL;
}

void whois_decode_prepare(void)
{
    for (size_t i = 0; i < CONVERTERS; i++)
        (void)converter_of(span_text(converters[i].name));
}

static void put_without_nul(struct buf *out, struct span text)
{
    while (text.len > 0) {
        size_t nul = span_find(text, 0);
        buf_span(out, span_part(text, 0, nul));
        if (nul < text.len)
            buf_text(out, "\xef\xbf\xbd");
        text = span_part(text, nul + 1, text.len);
    }
}

/* U+FFFD for what is not valid, and for NUL. */
static void put_utf8(struct buf *out, struct span text)
{
    while (text.len > 0) {
        size_t valid = text_utf8_valid(text);
        put_without_nul(out, span_part(text, 0, valid));
        if (valid < text.len)
            buf_text(out, "\xef\xbf\xbd");
        text = span_part(text, valid + 1, text.len);
    }
}

static void put_latin(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < 0x80) {
            buf_byte(out, text.at[i]);
        } else {
            buf_byte(out, (uint8_t)(0xc0 | text.at[i] >> 6));
            buf_byte(out, (uint8_t)(0x80 | (text.at[i] & 0x3f)));
        }
    }
}

static void put_converted(struct buf *out, iconv_t handle, struct span text)
{
    char *in = (char *)(uintptr_t)text.at;
    size_t left = text.len;
    (void)iconv(handle, NULL, NULL, NULL, NULL);
    while (left > 0 && out->error == 0) {
        size_t room = left * GROWTH + 16;
        uint8_t *at = buf_reserve(out, room);
        char *to = (char *)at;
        if (at == NULL)
            return;
        size_t before = room, r = iconv(handle, &in, &left, &to, &room);
        out->len += before - room;
        if (r == (size_t)-1 && errno != E2BIG && left > 0) {
            buf_text(out, "\xef\xbf\xbd");
            in++;
            left--;
        }
    }
}

static bool has_escapes(struct span bytes)
{
    for (size_t i = 0; i + 2 < bytes.len; i++) {
        if (bytes.at[i] == 0x1b && (bytes.at[i + 1] == '$' || bytes.at[i + 1] == '('))
            return true;
    }
    return false;
}

int whois_decode(struct arena *arena, struct span bytes, struct span charset, struct span *ret)
{
    struct buf out, clean;
    bool valid = text_utf8_valid(bytes) == bytes.len, escapes = has_escapes(bytes);
    iconv_t *handle = escapes ? converter_of(span_text("ISO-2022-JP")) : valid ? NULL : converter_of(charset);
    if (valid && !escapes && (bytes.len == 0 || memchr(bytes.at, 0, bytes.len) == NULL)) {
        char *copy = arena_copy(arena, bytes);
        *ret = span_of(copy, bytes.len);
        return copy != NULL ? 0 : -ENOMEM;
    }
    buf_init(&out, 0);
    buf_init(&clean, 0);
    if (handle != NULL)
        put_converted(&out, *handle, bytes);
    else if (valid || same(charset, "UTF-8"))
        put_utf8(&out, bytes);
    else
        put_latin(&out, bytes);
    put_utf8(&clean, buf_as_span(&out));
    char *copy = out.error == 0 && clean.error == 0 ? arena_copy(arena, buf_as_span(&clean)) : NULL;
    if (copy != NULL)
        *ret = span_of(copy, clean.len);
    buf_done(&out);
    buf_done(&clean);
    return copy != NULL ? 0 : -ENOMEM;
}
