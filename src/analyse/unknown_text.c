#include "analyse/unknown_text.h"

#include "analyse/unknown.h"
#include "base/text.h"

enum { HEX_LEAST = 8, MAC_LEN = 17, EXPRESSION_MAX = 200, EXAMPLE_MAX = 200 };

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(uint8_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_other(uint8_t c)
{
    return !is_space(c) && (c < 0x20 || c > 0x7e);
}

static size_t run(struct span s, bool (*of)(uint8_t))
{
    size_t len = 0;
    while (len < s.len && of(s.at[len]))
        len++;
    return len;
}

static bool is_alnum(uint8_t c)
{
    return is_digit(c) || is_letter(c);
}

/* "00:11:22:aa:bb:cc" or with dashes, and no further digit behind it. */
static size_t mac_len(struct span s)
{
    if (s.len < MAC_LEN || (s.len > MAC_LEN && is_alnum(s.at[MAC_LEN])))
        return 0;
    for (size_t i = 0; i < MAC_LEN; i++) {
        if (i % 3 == 2 ? (s.at[i] != s.at[2] || (s.at[i] != ':' && s.at[i] != '-')) : !is_hex(s.at[i]))
            return 0;
    }
    return MAC_LEN;
}

static size_t ip_len(struct span s)
{
    size_t at = 0;
    for (int part = 0; part < 4; part++) {
        size_t digits = run(span_part(s, at, 4), is_digit);
        if (digits < 1 || digits > 3)
            return 0;
        at += digits;
        if (part < 3 && (at >= s.len || s.at[at++] != '.'))
            return 0;
    }
    return at < s.len && is_alnum(s.at[at]) ? 0 : at;
}

/* A whole word of hexadecimal digits, some of them letters and some not: a serial number, an address, a digest. */
static size_t hex_len(struct span s)
{
    size_t len = run(s, is_hex), digits = 0;
    if (len < HEX_LEAST || (len < s.len && is_alnum(s.at[len])))
        return 0;
    for (size_t i = 0; i < len; i++)
        digits += is_digit(s.at[i]);
    return digits > 0 && digits < len ? len : 0;
}

bool piece_next(struct span value, size_t *at, struct piece *ret)
{
    struct span rest = span_part(value, *at, value.len);
    if (rest.len == 0)
        return false;
    bool begins = *at == 0 || !is_alnum(value.at[*at - 1]);
    uint8_t c = rest.at[0];
    size_t len;
    enum piece_kind kind;
    if (begins && (len = mac_len(rest)) > 0) {
        kind = PIECE_MAC;
    } else if (begins && (len = ip_len(rest)) > 0) {
        kind = PIECE_IP;
    } else if (begins && (len = hex_len(rest)) > 0) {
        kind = PIECE_HEX;
    } else if (is_space(c)) {
        kind = PIECE_SPACE;
        len = run(rest, is_space);
    } else if (is_digit(c)) {
        kind = PIECE_DIGITS;
        len = run(rest, is_digit);
    } else if (is_letter(c)) {
        kind = PIECE_WORD;
        len = run(rest, is_letter);
    } else if (is_other(c)) {
        kind = PIECE_OTHER;
        len = run(rest, is_other);
    } else {
        kind = PIECE_SIGN;
        len = 1;
    }
    *ret = (struct piece){.kind = kind, .text = span_part(rest, 0, len)};
    *at += len;
    return true;
}

void unknown_shape(struct span value, struct buf *out)
{
    struct piece piece;
    value = span_part(value, 0, UNKNOWN_VALUE_MAX);
    for (size_t at = 0; piece_next(value, &at, &piece);) {
        switch (piece.kind) {
        case PIECE_WORD:
        case PIECE_SIGN:
            buf_span(out, piece.text);
            break;
        case PIECE_SPACE:
            buf_byte(out, ' ');
            break;
        case PIECE_DIGITS:
            buf_byte(out, '#');
            break;
        case PIECE_HEX:
            buf_text(out, "<hex>");
            break;
        case PIECE_IP:
            buf_text(out, "<ip>");
            break;
        case PIECE_MAC:
            buf_text(out, "<mac>");
            break;
        case PIECE_OTHER:
            buf_text(out, "<?>");
            break;
        }
    }
}

/* Without a backslash, which a terminal or a CSV file would show twice: a copied line stays right. */
static void literal(struct span text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        if (c == '\\' || c == '^')
            buf_byte(out, '.'); /* neither can be said by a class alone */
        else if (memchr("$.|?*+()[]{}", c, 12) != NULL)
            buf_printf(out, "[%c]", c);
        else
            buf_byte(out, c);
    }
}

void unknown_expression(struct span value, struct buf *out)
{
    struct piece piece;
    value = span_part(value, 0, UNKNOWN_VALUE_MAX);
    buf_byte(out, '^');
    size_t begin = out->len, at = 0;
    while (out->len - begin < EXPRESSION_MAX && piece_next(value, &at, &piece)) {
        switch (piece.kind) {
        case PIECE_WORD:
            /* What the cap may have cut in two would be taken for a whole word all the same: it is matched from its beginning. */
        case PIECE_SIGN:
            literal(span_part(piece.text, 0, EXPRESSION_MAX), out);
            break;
        case PIECE_SPACE:
            buf_text(out, "[[:space:]]+");
            break;
        case PIECE_DIGITS:
            buf_text(out, "[0-9]+");
            break;
        case PIECE_HEX:
            buf_text(out, "[0-9A-Fa-f]+");
            break;
        case PIECE_IP:
            buf_text(out, "[0-9.]+");
            break;
        case PIECE_MAC:
            buf_text(out, "[0-9A-Fa-f:-]+");
            break;
        case PIECE_OTHER:
            buf_text(out, "[^ -~]+");
            break;
        }
    }
}

void unknown_expression_of_words(const struct span *words, size_t count, struct buf *out)
{
    size_t begin = out->len;
    for (size_t i = 0; i < count && out->len - begin < EXPRESSION_MAX; i++) {
        if (i > 0)
            buf_text(out, "(?s:.*)");
        literal(span_part(words[i], 0, EXPRESSION_MAX), out);
    }
}

struct span unknown_example(struct span value)
{
    value = span_part(value, 0, EXAMPLE_MAX);
    return span_part(value, 0, text_utf8_valid(value));
}

/* In double quotes: white space becomes one blank, which the expression takes as well. */
static void quoted(struct span text, struct buf *out)
{
    struct buf plain, safe;
    struct piece piece;
    buf_init(&plain, 0);
    buf_init(&safe, 0);
    text = unknown_example(text);
    for (size_t at = 0; piece_next(text, &at, &piece);)
        buf_span(&plain, piece.kind == PIECE_SPACE ? span_text(" ") : piece.text);
    text_escape(&safe, buf_as_span(&plain)); /* every character that could deceive a reader is in it as \xHH, \u{H…} */
    buf_byte(out, '"');
    for (size_t i = 0; i < safe.len; i++) {
        uint8_t c = safe.data[i];
        if (c == '"')
            buf_byte(out, '\\');
        /* \u{H…} becomes YAML's \UHHHHHHHH */
        if (c == '\\' && i + 2 < safe.len && safe.data[i + 1] == 'u' && safe.data[i + 2] == '{') {
            size_t digits = 0;
            while (i + 3 + digits < safe.len && safe.data[i + 3 + digits] != '}')
                digits++;
            buf_text(out, "\\U");
            for (size_t zero = digits; zero < 8; zero++)
                buf_byte(out, '0');
            buf_put(out, safe.data + i + 3, digits);
            i += 3 + digits;
            continue;
        }
        buf_byte(out, c);
        if (c == '\\' && i + 1 < safe.len)
            buf_byte(out, safe.data[++i]);
    }
    buf_byte(out, '"');
    if ((plain.error != 0 || safe.error != 0) && out->error == 0)
        out->error = plain.error != 0 ? plain.error : safe.error;
    buf_done(&plain);
    buf_done(&safe);
}

void unknown_rule(const char *field, uint32_t hash, struct span expression, struct span example, struct buf *out)
{
    buf_printf(out, "- {name: unknown-%08x, on: %s, match: '", hash, field);
    for (size_t i = 0; i < expression.len; i++) {
        if (expression.at[i] == '\'')
            buf_byte(out, '\'');
        buf_byte(out, expression.at[i]);
    }
    buf_text(out, "', class: '', examples: [");
    if (unknown_example(example).len > 0)
        quoted(example, out);
    buf_text(out, "]}");
}
