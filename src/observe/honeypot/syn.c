#include "observe/honeypot/syn.h"

#include "base/cursor.h"

#include <netinet/in.h>
#include <stdio.h>

enum { OPTION_EOL = 0, OPTION_NOP = 1, OPTION_MSS = 2, OPTION_SCALE = 3, OPTION_SACK = 4, OPTION_TIME = 8 };

static void append(struct syn *syn, size_t *len, const char *name)
{
    int wrote = snprintf(syn->options + *len, sizeof syn->options - *len, *len > 0 ? ",%s" : "%s", name);
    if (wrote > 0 && (size_t)wrote < sizeof syn->options - *len)
        *len += (size_t)wrote;
}

/* The option's value, without kind and length, was cut to `value`. */
static void option(struct syn *syn, size_t *len, uint8_t kind, struct cursor value)
{
    char number[8];
    size_t size = cursor_left(&value);
    switch (kind) {
    case OPTION_MSS:
        if (size == 2) {
            syn->has_mss = true;
            syn->mss = cursor_be16(&value);
        }
        append(syn, len, "mss");
        break;
    case OPTION_SCALE:
        if (size == 1) {
            syn->has_scale = true;
            syn->scale = cursor_u8(&value);
        }
        append(syn, len, "ws");
        break;
    case OPTION_SACK:
        append(syn, len, "sok");
        break;
    case OPTION_TIME:
        append(syn, len, "ts");
        break;
    default:
        (void)snprintf(number, sizeof number, "%u", kind);
        append(syn, len, number);
        break;
    }
}

static void options(struct syn *syn, struct span bytes)
{
    struct cursor c = cursor_of(bytes);
    size_t len = 0;
    while (cursor_left(&c) > 0) {
        uint8_t kind = cursor_u8(&c);
        if (kind == OPTION_EOL) {
            append(syn, &len, "eol");
            return;
        }
        if (kind == OPTION_NOP) {
            append(syn, &len, "nop");
            continue;
        }
        uint8_t size = cursor_u8(&c);
        struct span value = cursor_take(&c, size >= 2 ? size - 2U : SIZE_MAX);
        if (c.error != 0) {
            append(syn, &len, "bad");
            return;
        }
        option(syn, &len, kind, cursor_of(value));
    }
}

static int tcp(struct cursor *c, struct syn *syn)
{
    (void)cursor_take(c, 12); /* ports, sequence and acknowledgement numbers */
    uint8_t offset = cursor_u8(c) >> 4;
    (void)cursor_u8(c); /* flags */
    syn->window = cursor_be16(c);
    (void)cursor_be32(c); /* checksum, urgent pointer */
    if (c->error == 0 && offset < 5)
        cursor_fail(c, -ERR_MALFORMED);
    struct span rest = cursor_take(c, offset >= 5 ? offset * 4U - 20U : 0);
    if (c->error == 0)
        options(syn, rest);
    return c->error;
}

static int ipv4(struct cursor *c, uint8_t first, struct syn *syn)
{
    size_t header = (first & 15U) * 4U;
    (void)cursor_u8(c); /* type of service */
    syn->length = cursor_be16(c);
    (void)cursor_be32(c); /* identification, fragment */
    syn->ttl = cursor_u8(c);
    uint8_t protocol = cursor_u8(c);
    (void)cursor_take(c, 10); /* checksum, addresses */
    if (c->error == 0 && (header < 20 || protocol != IPPROTO_TCP))
        cursor_fail(c, -ERR_MALFORMED);
    (void)cursor_take(c, header >= 20 ? header - 20 : 0);
    return c->error;
}

static int ipv6(struct cursor *c, struct syn *syn)
{
    (void)cursor_take(c, 3); /* class, flow label */
    syn->length = cursor_be16(c) + 40U;
    uint8_t next = cursor_u8(c);
    syn->ttl = cursor_u8(c);
    (void)cursor_take(c, 32); /* addresses */
    for (unsigned i = 0; i < SYN_EXTENSIONS_MAX && c->error == 0; i++) {
        if (next == IPPROTO_TCP)
            return 0;
        bool by_fours = next == IPPROTO_AH, fragment = next == IPPROTO_FRAGMENT;
        if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS && !by_fours && !fragment)
            break;
        next = cursor_u8(c);
        size_t size = cursor_u8(c);
        (void)cursor_take(c, fragment ? 6 : by_fours ? (size + 2) * 4 - 2 : (size + 1) * 8 - 2);
    }
    cursor_fail(c, -ERR_MALFORMED);
    return c->error;
}

int syn_parse(struct span packet, struct syn *ret)
{
    struct cursor c = cursor_of(packet);
    struct syn syn = {0};
    uint8_t first = cursor_u8(&c);
    int r = c.error;
    if (r == 0 && first >> 4 == 4)
        r = ipv4(&c, first, &syn);
    else if (r == 0 && first >> 4 == 6)
        r = ipv6(&c, &syn);
    else if (r == 0)
        r = -ERR_MALFORMED;
    if (r == 0)
        r = tcp(&c, &syn);
    if (r == 0)
        *ret = syn;
    return r;
}
