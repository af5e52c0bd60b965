#include "probe/order.h"

#include "base/err.h"

#include <stdio.h>

enum { VERSION = 1 };

void order_encode(struct buf *out, const struct order *order)
{
    buf_be(out, VERSION, 1);
    buf_put(out, order->addr.bytes, sizeof order->addr.bytes);
    buf_be(out, order->asn, 4);
    buf_be(out, order->flags, 1);
    buf_be(out, strlen(order->cause), 1);
    buf_span(out, span_text(order->cause));
    buf_be(out, order->count, 1);
    for (size_t i = 0; i < order->count; i++) {
        const struct order_port *port = &order->ports[i];
        buf_be(out, port->port, 2);
        buf_be(out, (uint64_t)port->transport, 1);
        buf_be(out, strlen(port->probe), 1);
        buf_span(out, span_text(port->probe));
    }
}

/* A length and that many bytes, none of them NUL, as a string. */
static int read_text(struct cursor *c, char *text, size_t most)
{
    size_t len = cursor_u8(c);
    if (len > most)
        return -ERR_LIMIT;
    struct span bytes = cursor_take(c, len);
    if (c->error != 0 || memchr(bytes.at, 0, bytes.len) != NULL)
        return -ERR_MALFORMED;
    memcpy(text, bytes.at, len);
    text[len] = '\0';
    return 0;
}

int order_decode(struct span input, struct order *ret)
{
    struct cursor c = cursor_of(input);
    struct order order = {.count = 0};
    if (cursor_u8(&c) != VERSION)
        return input.len == 0 ? -ERR_MALFORMED : -ERR_VERSION;
    struct span addr = cursor_take(&c, sizeof order.addr.bytes);
    if (addr.len != sizeof order.addr.bytes)
        return -ERR_MALFORMED;
    memcpy(order.addr.bytes, addr.at, addr.len);
    order.asn = cursor_be32(&c);
    order.flags = cursor_u8(&c);
    int r = read_text(&c, order.cause, ORDER_CAUSE_MAX);
    order.count = cursor_u8(&c);
    if (r == 0 && order.count > ORDER_PORTS_MAX)
        r = -ERR_LIMIT;
    for (size_t i = 0; r == 0 && i < order.count; i++) {
        struct order_port *port = &order.ports[i];
        port->port = cursor_be16(&c);
        unsigned transport = cursor_u8(&c);
        port->transport = transport == TRANSPORT_UDP ? TRANSPORT_UDP : TRANSPORT_TCP;
        r = read_text(&c, port->probe, ORDER_PROBE_MAX);
        if (r == 0 && (port->port == 0 || (transport != TRANSPORT_TCP && transport != TRANSPORT_UDP)))
            r = -ERR_MALFORMED;
    }
    if (r == 0 && (c.error != 0 || cursor_left(&c) != 0))
        r = -ERR_MALFORMED;
    if (r == 0)
        *ret = order;
    return r;
}

char *order_key(const struct order *order, char text[static ORDER_KEY_SIZE])
{
    char addr[ADDR_TEXT_SIZE];
    (void)snprintf(text, ORDER_KEY_SIZE, "probe %s %s", addr_print(order->addr, addr), order->cause);
    return text;
}
