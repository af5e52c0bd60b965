#include "base/text.h"

#include "base/err.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { JSON_DEPTH_MAX = 32 };

/* One UTF-8 sequence at the start of `text`: its length and code point, or 0 when it is not valid (RFC 3629 §4). */
static size_t sequence(struct span text, uint32_t *ret)
{
    const uint8_t *at = text.at;
    if (text.len == 0)
        return 0;
    if (at[0] < 0x80) {
        *ret = at[0];
        return 1;
    }
    size_t len = at[0] >= 0xc2 && at[0] <= 0xdf ? 2 : at[0] >= 0xe0 && at[0] <= 0xef ? 3 : at[0] >= 0xf0 && at[0] <= 0xf4 ? 4 : 0;
    if (len == 0 || text.len < len)
        return 0;
    /* The second byte's range shuts out overlong forms, surrogates and what lies beyond U+10FFFF. */
    uint8_t least = at[0] == 0xe0 ? 0xa0 : at[0] == 0xf0 ? 0x90 : 0x80;
    uint8_t most = at[0] == 0xed ? 0x9f : at[0] == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < least || at[1] > most)
        return 0;
    uint32_t point = at[0] & (0xffU >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (at[i] & 0x3fU);
    }
    *ret = point;
    return len;
}

/* Length of the run of printable ASCII and other bytes below 0x80 that need no look: the common case, taken in one go. */
static size_t plain_run(struct span text)
{
    size_t len = 0;
    while (len < text.len && text.at[len] >= 0x20 && text.at[len] < 0x7f && text.at[len] != '\\' && text.at[len] != '"')
        len++;
    return len;
}

size_t text_utf8_valid(struct span text)
{
    size_t len = 0;
    uint32_t point;
    while (len < text.len) {
        if (text.at[len] < 0x80) {
            len++;
            continue;
        }
        size_t step = sequence(span_part(text, len, 4), &point);
        if (step == 0)
            break;
        len += step;
    }
    return len;
}

static const char hex_digits[] = "0123456789abcdef";

static void put_hex(struct buf *out, uint8_t byte)
{
    const char text[4] = {'\\', 'x', hex_digits[byte >> 4], hex_digits[byte & 15]};
    buf_put(out, text, sizeof text);
}

void text_to_utf8(struct buf *out, struct span text)
{
    while (text.len > 0) {
        size_t valid = text_utf8_valid(text);
        size_t stop = span_find(span_part(text, 0, valid), 0);
        buf_span(out, span_part(text, 0, stop));
        if (stop < text.len)
            put_hex(out, text.at[stop]);
        text = span_part(text, stop + 1, text.len);
    }
}

/* Characters that move the cursor, break a line, turn the direction of what follows, or are not seen, so that two texts look alike. */
static bool is_dangerous(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0xad || point == 0x61c || point == 0x180e ||
           (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) || (point >= 0x2060 && point <= 0x206f) || point == 0xfeff;
}

/* Writes what is plain at the beginning; false when nothing comes behind it. */
static bool past_plain(struct buf *out, struct span *text)
{
    size_t run = plain_run(*text);
    buf_span(out, span_part(*text, 0, run));
    *text = span_part(*text, run, text->len);
    return text->len > 0 && out->error == 0;
}

static void escape(struct buf *out, struct span text, bool lines)
{
    while (past_plain(out, &text)) {
        uint32_t point = 0;
        size_t len = sequence(text, &point);
        if (len == 0) {
            put_hex(out, text.at[0]);
            len = 1;
        } else if (lines && (point == '\n' || point == '\t')) {
            buf_byte(out, (uint8_t)point);
        } else if (point == '\n' || point == '\r' || point == '\t' || point == '\\') {
            buf_text(out, point == '\n' ? "\\n" : point == '\r' ? "\\r" : point == '\t' ? "\\t" : "\\\\");
        } else if (point < 0x80 && is_dangerous(point)) {
            put_hex(out, (uint8_t)point);
        } else if (is_dangerous(point)) {
            buf_printf(out, "\\u{%" PRIX32 "}", point);
        } else {
            buf_span(out, span_part(text, 0, len));
        }
        text = span_part(text, len, text.len);
    }
}

void text_escape(struct buf *out, struct span text)
{
    escape(out, text, false);
}

void text_escape_lines(struct buf *out, struct span text)
{
    escape(out, text, true);
}

void json_init(struct json *j, struct buf *out, bool pretty)
{
    *j = (struct json){.out = out, .pretty = pretty};
}

static void new_line(struct json *j)
{
    if (!j->pretty)
        return;
    buf_byte(j->out, '\n');
    for (unsigned i = 0; i < j->depth; i++)
        buf_text(j->out, "  ");
}

/* Before every value and key: the comma and the line break that are due. */
static void separate(struct json *j)
{
    if (j->after_key) {
        j->after_key = false;
        return;
    }
    if (j->depth == 0)
        return;
    uint32_t bit = UINT32_C(1) << (j->depth - 1);
    if ((j->has_item & bit) != 0)
        buf_byte(j->out, ',');
    j->has_item |= bit;
    new_line(j);
}

static void begin(struct json *j, uint8_t bracket)
{
    separate(j);
    buf_byte(j->out, bracket);
    assert(j->depth < JSON_DEPTH_MAX);
    j->depth++;
    j->has_item &= ~(UINT32_C(1) << (j->depth - 1));
}

static void end(struct json *j, uint8_t bracket)
{
    assert(j->depth > 0 && !j->after_key);
    bool any = (j->has_item >> (j->depth - 1) & 1U) != 0;
    j->depth--;
    if (any)
        new_line(j);
    buf_byte(j->out, bracket);
}

void json_begin_object(struct json *j)
{
    begin(j, '{');
}

void json_begin_array(struct json *j)
{
    begin(j, '[');
}

void json_end_object(struct json *j)
{
    end(j, '}');
}

void json_end_array(struct json *j)
{
    end(j, ']');
}

static void put_control(struct buf *out, uint8_t byte)
{
    switch (byte) {
    case '"':
        buf_text(out, "\\\"");
        break;
    case '\\':
        buf_text(out, "\\\\");
        break;
    case '\b':
        buf_text(out, "\\b");
        break;
    case '\f':
        buf_text(out, "\\f");
        break;
    case '\n':
        buf_text(out, "\\n");
        break;
    case '\r':
        buf_text(out, "\\r");
        break;
    case '\t':
        buf_text(out, "\\t");
        break;
    default: {
        const char text[6] = {'\\', 'u', '0', '0', hex_digits[byte >> 4], hex_digits[byte & 15]};
        buf_put(out, text, sizeof text);
    }
    }
}

static void put_string(struct buf *out, struct span text)
{
    buf_byte(out, '"');
    while (past_plain(out, &text)) {
        uint32_t point = 0;
        size_t len = sequence(text, &point);
        if (len == 1)
            put_control(out, text.at[0]);
        else if (len > 1 && is_dangerous(point)) /* the same to who parses it, harmless to a terminal */
            buf_printf(out, "\\u%04" PRIx32, point);
        else if (len > 1)
            buf_span(out, span_part(text, 0, len));
        else
            buf_text(out, "\xef\xbf\xbd");
        text = span_part(text, len > 0 ? len : 1, text.len);
    }
    buf_byte(out, '"');
}

void json_key(struct json *j, const char *key)
{
    assert(!j->after_key);
    separate(j);
    put_string(j->out, span_text(key));
    buf_text(j->out, j->pretty ? ": " : ":");
    j->after_key = true;
}

void json_span(struct json *j, struct span text)
{
    separate(j);
    put_string(j->out, text);
}

void json_text(struct json *j, const char *text)
{
    if (text == NULL)
        json_nil(j);
    else
        json_span(j, span_text(text));
}

void json_int(struct json *j, int64_t value)
{
    separate(j);
    buf_printf(j->out, "%" PRId64, value);
}

void json_decimal(struct json *j, double value)
{
    if (!isfinite(value)) {
        json_nil(j);
        return;
    }
    separate(j);
    /* The shortest of the usual widths that reads back to the same number; locales never change the point, since nothing calls setlocale
     * for LC_NUMERIC. */
    char text[40];
    int len = snprintf(text, sizeof text, "%.15g", value);
    if (strtod(text, NULL) < value || strtod(text, NULL) > value)
        len = snprintf(text, sizeof text, "%.17g", value);
    buf_put(j->out, text, (size_t)len);
    if (strpbrk(text, ".e") == NULL)
        buf_text(j->out, ".0");
}

void json_bool(struct json *j, bool value)
{
    separate(j);
    buf_text(j->out, value ? "true" : "false");
}

void json_nil(struct json *j)
{
    separate(j);
    buf_text(j->out, "null");
}

void json_raw(struct json *j, struct span value)
{
    separate(j);
    buf_span(j->out, value);
}

char *text_hex(struct span bytes, char *text)
{
    for (size_t i = 0; i < bytes.len; i++) {
        text[2 * i] = hex_digits[bytes.at[i] >> 4];
        text[2 * i + 1] = hex_digits[bytes.at[i] & 15];
    }
    text[2 * bytes.len] = '\0';
    return text;
}

static int digit_value(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int text_unhex(struct span text, uint8_t *bytes, size_t len)
{
    if (text.len / 2 != len || text.len % 2 != 0)
        return -ERR_MALFORMED;
    for (size_t i = 0; i < text.len; i++) {
        if (digit_value(text.at[i]) < 0)
            return -ERR_MALFORMED;
    }
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(digit_value(text.at[2 * i]) * 16 + digit_value(text.at[2 * i + 1]));
    return 0;
}

void text_base64(struct buf *out, struct span bytes)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t have = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t group = (uint32_t)bytes.at[i] << 16;
        if (have > 1)
            group |= (uint32_t)bytes.at[i + 1] << 8;
        if (have > 2)
            group |= bytes.at[i + 2];
        const char text[4] = {alphabet[group >> 18 & 63], alphabet[group >> 12 & 63], have > 1 ? alphabet[group >> 6 & 63] : '=',
                              have > 2 ? alphabet[group & 63] : '='};
        buf_put(out, text, sizeof text);
    }
}
