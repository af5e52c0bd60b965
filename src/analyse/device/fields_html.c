#include "analyse/device/fields_html.h"
#include "base/buf.h"

#include <errno.h>

static const struct {
    const char *name;
    uint32_t code;
} names[] = {
    {"amp", '&'},    {"lt", '<'},        {"gt", '>'},      {"quot", '"'},    {"apos", '\''},    {"nbsp", ' '},     {"reg", 0xae},
    {"copy", 0xa9},  {"trade", 0x2122},  {"middot", 0xb7}, {"bull", 0x2022}, {"ndash", 0x2013}, {"mdash", 0x2014}, {"raquo", 0xbb},
    {"laquo", 0xab}, {"hellip", 0x2026}, {"auml", 0xe4},   {"ouml", 0xf6},   {"uuml", 0xfc},    {"Auml", 0xc4},    {"Ouml", 0xd6},
    {"Uuml", 0xdc},  {"szlig", 0xdf},    {"eacute", 0xe9}, {"egrave", 0xe8}, {"agrave", 0xe0},  {"ccedil", 0xe7},  {"deg", 0xb0},
};

static void put_utf8(struct buf *out, uint32_t code)
{
    if (code == 0xa0)
        code = ' ';
    if (code < 0x80) {
        buf_byte(out, code >= ' ' ? (uint8_t)code : ' ');
    } else if (code < 0x800) {
        buf_byte(out, (uint8_t)(0xc0 | code >> 6));
        buf_byte(out, (uint8_t)(0x80 | (code & 0x3f)));
    } else if (code < 0x10000) {
        if (code >= 0xd800 && code < 0xe000)
            return;
        buf_byte(out, (uint8_t)(0xe0 | code >> 12));
        buf_byte(out, (uint8_t)(0x80 | (code >> 6 & 0x3f)));
        buf_byte(out, (uint8_t)(0x80 | (code & 0x3f)));
    } else if (code < 0x110000) {
        buf_byte(out, (uint8_t)(0xf0 | code >> 18));
        buf_byte(out, (uint8_t)(0x80 | (code >> 12 & 0x3f)));
        buf_byte(out, (uint8_t)(0x80 | (code >> 6 & 0x3f)));
        buf_byte(out, (uint8_t)(0x80 | (code & 0x3f)));
    }
}

static int digit(uint8_t byte, unsigned base)
{
    int value = byte >= '0' && byte <= '9'   ? byte - '0'
                : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10
                : byte >= 'A' && byte <= 'F' ? byte - 'A' + 10
                                             : 99;
    return value < (int)base ? value : -1;
}

/* What stands between & and ; */
static bool reference(struct span name, uint32_t *ret)
{
    if (name.len >= 2 && name.at[0] == '#') {
        unsigned base = (name.at[1] | 0x20) == 'x' ? 16 : 10;
        struct span digits = span_part(name, base == 16 ? 2 : 1, name.len);
        uint32_t code = 0;
        for (size_t i = 0; i < digits.len; i++) {
            int value = digit(digits.at[i], base);
            if (value < 0 || code > 0x10ffff)
                return false;
            code = code * base + (uint32_t)value;
        }
        *ret = code;
        return digits.len > 0 && code != 0;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (span_is(name, names[i].name)) {
            *ret = names[i].code;
            return true;
        }
    }
    return false;
}

int html_text(struct arena *arena, struct span html, struct span *ret)
{
    struct buf out;
    buf_init(&out, 0);
    for (size_t i = 0; i < html.len; i++) {
        uint8_t byte = html.at[i];
        uint32_t code;
        size_t end = span_find(span_part(html, i, 12), ';');
        if (byte == '&' && i + end < html.len && reference(span_part(html, i + 1, end - 1), &code)) {
            put_utf8(&out, code);
            i += end;
        } else if (byte > ' ' || out.len == 0 || out.data[out.len - 1] != ' ') {
            buf_byte(&out, byte > ' ' ? byte : ' ');
        }
    }
    const char *copy = out.error == 0 ? arena_copy(arena, buf_as_span(&out)) : NULL;
    *ret = span_of(copy, copy != NULL ? out.len : 0);
    buf_done(&out);
    return copy != NULL ? 0 : -ENOMEM;
}
