#include "observe/honeypot/proxy.h"

#include "base/cursor.h"

static const uint8_t signature_v2[12] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
static const char *const signatures_v1[] = {"PROXY TCP4 ", "PROXY TCP6 ", "PROXY UNKNOWN"};

static int signature_match(struct span stream, struct span signature)
{
    size_t len = stream.len < signature.len ? stream.len : signature.len;
    if (len > 0 && memcmp(stream.at, signature.at, len) != 0)
        return 0;
    return len == signature.len ? 1 : -ERR_TRUNCATED;
}

int proxy_signature(struct span stream)
{
    int best = signature_match(stream, span_of(signature_v2, sizeof signature_v2));
    for (size_t i = 0; i < sizeof signatures_v1 / sizeof signatures_v1[0] && best != 1; i++) {
        int r = signature_match(stream, span_text(signatures_v1[i]));
        if (r != 0)
            best = r;
    }
    return best;
}

static int port_parse(struct span text, uint16_t *ret)
{
    uint32_t value = 0;
    if (text.len == 0 || text.len > 5 || (text.at[0] == '0' && text.len > 1))
        return -ERR_MALFORMED;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return -ERR_MALFORMED;
        value = value * 10 + (uint32_t)(text.at[i] - '0');
    }
    if (value > UINT16_MAX)
        return -ERR_MALFORMED;
    *ret = (uint16_t)value;
    return 0;
}

/* "a b p q", one space between. */
static int v1_addresses(struct span text, bool v6, struct proxy_header *ret)
{
    struct span words[4];
    for (size_t i = 0; i < 4; i++) {
        size_t len = span_find(text, ' ');
        if (len == text.len ? i != 3 : i == 3)
            return -ERR_MALFORMED;
        words[i] = span_part(text, 0, len);
        text = span_part(text, len + 1, text.len);
    }
    for (size_t i = 0; i < 2; i++) {
        if ((span_find(words[i], ':') < words[i].len) != v6)
            return -ERR_MALFORMED;
    }
    int r = addr_parse(words[0], &ret->source.addr);
    if (r == 0)
        r = addr_parse(words[1], &ret->destination.addr);
    if (r == 0)
        r = port_parse(words[2], &ret->source.port);
    if (r == 0)
        r = port_parse(words[3], &ret->destination.port);
    ret->has_source = r == 0;
    return r;
}

static int v1(struct span stream, struct proxy_header *ret)
{
    size_t end = span_find(span_part(stream, 0, PROXY_V1_MAX), '\n');
    if (end >= PROXY_V1_MAX)
        return -ERR_LIMIT;
    if (end == stream.len) {
        /* A CR in the middle can't become the end any more. */
        size_t cr = span_find(stream, '\r');
        return cr + 1 < stream.len ? -ERR_MALFORMED : -ERR_TRUNCATED;
    }
    if (end < 1 || span_find(stream, '\r') != end - 1)
        return -ERR_MALFORMED;
    struct span line = span_part(stream, 0, end - 1);
    ret->len = end + 1;
    if (span_starts(line, "PROXY UNKNOWN"))
        return line.len == 13 || line.at[13] == ' ' ? 0 : -ERR_MALFORMED;
    return v1_addresses(span_part(line, 11, line.len), line.at[9] == '6', ret);
}

static struct addr take_addr(struct cursor *c, bool v6)
{
    struct addr a = {0};
    if (!v6)
        return addr_v4(cursor_be32(c));
    cursor_copy(c, a.bytes, sizeof a.bytes);
    return a;
}

static int v2(struct span stream, struct proxy_header *ret)
{
    struct cursor c = cursor_of(span_part(stream, sizeof signature_v2, stream.len));
    uint8_t command = cursor_u8(&c);
    if (c.error == 0 && command != 0x20 && command != 0x21)
        return -ERR_MALFORMED;
    uint8_t family = cursor_u8(&c);
    if (c.error == 0 && (family >> 4 > 3 || (family & 15) > 2))
        return -ERR_MALFORMED;
    size_t len = cursor_be16(&c);
    if (c.error != 0)
        return -ERR_TRUNCATED;
    ret->len = sizeof signature_v2 + 4 + len;
    if (ret->len > PROXY_V2_MAX)
        return -ERR_LIMIT;
    bool given = command == 0x21 && (family == 0x11 || family == 0x21);
    bool v6 = family == 0x21;
    if (given && len < (v6 ? 36U : 12U))
        return -ERR_MALFORMED;
    if (stream.len < ret->len)
        return -ERR_TRUNCATED;
    if (!given)
        return 0; /* LOCAL, UNSPEC, UNIX, datagrams: nothing a connection of ours could be named by */
    ret->has_source = true;
    ret->source.addr = take_addr(&c, v6);
    ret->destination.addr = take_addr(&c, v6);
    ret->source.port = cursor_be16(&c);
    ret->destination.port = cursor_be16(&c);
    return c.error;
}

int proxy_parse(struct span stream, struct proxy_header *ret)
{
    int r = proxy_signature(stream);
    if (r == 0)
        return -ERR_NOT_FOUND;
    if (r < 0)
        return -ERR_TRUNCATED;
    struct proxy_header header = {0};
    r = stream.at[0] == 'P' ? v1(stream, &header) : v2(stream, &header);
    if (r == 0)
        *ret = header;
    return r;
}
