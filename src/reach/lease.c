/* What the store sends: tasks, and the day's counts. */
#include "base/err.h"
#include "base/log.h"
#include "contact/order.h"
#include "reach/parts.h"

#include <errno.h>
#include <stdlib.h>

struct dialled {
    uint16_t port;
    enum transport transport;
};

enum { DIALLED_MAX = 256, SPENT_SIZE = 16 + 4 * 4 + 8, TASK_KEY_LEN_MAX = 256 };

static bool dialled_before(const struct dialled *list, size_t count, uint16_t port, enum transport transport)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].port == port && list[i].transport == transport)
            return true;
    }
    return false;
}

static void add_port(struct visit *v, const struct order_port *port, const struct dialled *before, size_t before_count)
{
    const struct probe *probe = port->probe[0] != '\0' ? probe_by_name(span_text(port->probe)) : probe_for_port(port->port, port->transport);
    if (probe == NULL || v->port_count >= VISIT_PORTS_MAX || dialled_before(before, before_count, port->port, probe->over))
        return;
    for (size_t i = 0; i < v->port_count; i++) {
        if (v->ports[i].port == port->port && v->ports[i].probe->over == probe->over)
            return;
    }
    v->ports[v->port_count++] = (struct visit_port){.probe = probe, .port = port->port};
}

static void add_ports(struct visit *v, const struct order *order, const struct dialled *before, size_t before_count)
{
    const struct reach *r = v->reach;
    for (size_t i = 0; i < order->count; i++)
        add_port(v, &order->ports[i], before, before_count);
    if (order->count > 0)
        return;
    for (size_t i = 0; i < r->port_count; i++)
        add_port(v, &r->ports[i], before, before_count);
    for (size_t i = 0; i < r->ics_port_count && r->ics; i++)
        add_port(v, &r->ics_ports[i], before, before_count);
}

/* How many ports there may be, so that a visit takes no more memory than it needs. */
static size_t ports_most(const struct reach *r, const struct order *order)
{
    size_t most = order->count > 0 ? order->count : r->port_count + r->ics_port_count;
    return most < VISIT_PORTS_MAX ? most : VISIT_PORTS_MAX;
}

static struct span keep(uint8_t **at, struct span text)
{
    memcpy(*at, text.at, text.len);
    struct span kept = span_of(*at, text.len);
    *at += text.len;
    return kept;
}

enum denial lease_look(const struct visit *v)
{
    const struct reach *r = v->reach;
    struct id cause;
    if (v->again)
        return DENIAL_NONE; /* what was begun is ended whenever that is */
    if (id_parse(v->cause, &cause) == 0 && r->wall - id_time(cause) > r->age_max)
        return DENIAL_STALE;
    usec_t last = dial_last(r->dial, v->addr);
    if ((v->flags & ORDER_BY_HAND) == 0 && last != 0 && r->wall - last < r->interval)
        return DENIAL_INTERVAL;
    return DENIAL_NONE;
}

static struct visit *visit_new(struct reach *r, const struct order *order, struct span key, const struct dialled *before, size_t before_count)
{
    size_t room = ports_most(r, order), cause_len = strlen(order->cause);
    struct visit *v = calloc(1, sizeof *v + room * sizeof v->ports[0] + key.len + cause_len);
    if (v == NULL)
        return NULL;
    uint8_t *behind = (uint8_t *)&v->ports[room];
    v->reach = r;
    v->alarm.ring = visit_rings;
    v->addr = order->addr;
    v->asn = order->asn;
    v->flags = order->flags;
    v->began = r->now;
    v->again = before_count > 0;
    v->key = keep(&behind, key);
    v->cause = keep(&behind, span_of(order->cause, cause_len));
    add_ports(v, order, before, before_count);
    return v;
}

int lease_take(struct reach *r, struct span body)
{
    struct cursor c = cursor_of(body);
    struct dialled before[DIALLED_MAX];
    struct order order;
    (void)cursor_be64(&c); /* the lease: a VISIT record ends its task by the key */
    uint32_t attempt = cursor_be32(&c);
    struct span kind = cursor_take(&c, cursor_be16(&c));
    struct span key = cursor_take(&c, cursor_be16(&c));
    struct span input = cursor_take(&c, cursor_be32(&c));
    size_t count = cursor_be16(&c);
    if (c.error == 0 && (count > DIALLED_MAX || key.len == 0 || key.len > TASK_KEY_LEN_MAX))
        cursor_fail(&c, -ERR_LIMIT);
    for (size_t i = 0; i < count && c.error == 0; i++)
        before[i] = (struct dialled){.port = cursor_be16(&c), .transport = cursor_u8(&c) == TRANSPORT_UDP ? TRANSPORT_UDP : TRANSPORT_TCP};
    if (c.error != 0 || cursor_left(&c) != 0)
        return c.error != 0 ? c.error : -ERR_MALFORMED;
    if (span_is(kind, CONTACT_TASK_KIND)) {
        r->wanted_quests -= r->wanted_quests > 0;
        return r->seek != NULL ? seek_lease(r->seek, key, attempt, input) : 0; /* it runs out */
    }
    r->wanted -= r->wanted > 0;
    if (!span_is(kind, ORDER_TASK_KIND))
        return -ERR_UNKNOWN;
    int e = order_decode(input, &order);
    if (e != 0)
        return e;
    r->counts.leased++;
    for (const struct visit *v = visit_find(r, order.addr); v != NULL; v = v->behind) {
        if (span_equal(v->key, key))
            return 0; /* it took long, and was leased again: it goes on */
    }
    struct visit *v = visit_new(r, &order, key, before, count);
    if (v == NULL)
        return -ENOMEM; /* its lease runs out */
    visit_put(v);
    return 0;
}

int spent_take(struct reach *r, struct span body)
{
    struct cursor c = cursor_of(body);
    uint32_t count = cursor_be32(&c);
    if (c.error != 0 || cursor_left(&c) != (size_t)count * SPENT_SIZE)
        return -ERR_MALFORMED;
    if (r->spent_known)
        return 0; /* the store was started anew: we have counted ourselves since */
    if (count == 0)
        r->spent_known = true;
    for (uint32_t i = 0; i < count; i++) {
        struct addr addr = {0};
        cursor_copy(&c, addr.bytes, sizeof addr.bytes);
        uint32_t asn = cursor_be32(&c), connections = cursor_be32(&c), industrial = cursor_be32(&c), neighbours = cursor_be32(&c);
        usec_t last = (usec_t)cursor_be64(&c);
        int e = last < 0 ? -ERR_MALFORMED : dial_spent(r->dial, addr, asn, connections, industrial, neighbours, last, r->wall);
        if (e != 0 && e != -ERR_FULL)
            return e;
    }
    return 0;
}
