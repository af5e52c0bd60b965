#include "analyse/neighbours.h"

#include <stdio.h>

enum { HOST_FIRST = 1, HOST_LAST = 254, BLOCKS = 511 /* 0, +1, -1 … +255, -255 */, BATCH_HOURS_MAX = 24 };

static uint32_t hour_of(const struct record *record)
{
    return record->time > 0 ? (uint32_t)(record->time / USEC_PER_HOUR) : 0;
}

/* The third byte of the /24 of that number, or -1 when it lies outside of the /16. */
static int block_byte(const struct neighbours *n, unsigned block)
{
    int step = (int)((block + 1) / 2);
    int byte = n->seed + (block % 2 == 1 ? step : -step);
    return byte >= 0 && byte <= UINT8_MAX ? byte : -1;
}

static struct addr address_of(const struct neighbours *n, struct addr of, unsigned index)
{
    of.bytes[14] = (uint8_t)block_byte(n, n->block);
    of.bytes[15] = (uint8_t)(n->host + index);
    return of;
}

static void add_port(struct order *order, uint16_t port)
{
    struct order_port *to = &order->ports[order->count++];
    to->port = port;
    to->transport = TRANSPORT_TCP;
    (void)snprintf(to->probe, sizeof to->probe, "%s", port == 23 ? "telnet" : "banner");
}

/* Batches do not cross a /24's end. The visits are spread over time, one a second; reach's budgets hold anyway. */
static void hand_out(struct neighbours *n, const struct view *view, const struct record *record, struct verdict *verdict)
{
    const struct background *b = view->background;
    int64_t left = b->neighbours_max - n->asked;
    unsigned size = HOST_LAST + 1U - n->host;
    if (size > NEIGHBOURS_BATCH)
        size = NEIGHBOURS_BATCH;
    if ((int64_t)size > left)
        size = (unsigned)left;
    n->size = (uint8_t)size;
    n->answered = n->back = n->batch_open = 0;
    n->batch_hour = hour_of(record);
    for (unsigned i = 0; i < size; i++) {
        struct order order = {.addr = address_of(n, record_host(record), i), .flags = ORDER_NEIGHBOUR};
        (void)id_print(n->cause, order.cause);
        if (b->asn != NULL)
            order.asn = b->asn(b->geo, order.addr);
        add_port(&order, n->port);
        if (n->port != 23)
            add_port(&order, 23);
        verdict_visit(verdict, &order, record->time + (usec_t)i * USEC_PER_SEC);
    }
    n->asked = (uint16_t)(n->asked + size);
}

void neighbours_begin(struct neighbours *n, const struct view *view, const struct record *record, struct addr of, uint16_t port,
                      struct verdict *verdict)
{
    *n = (struct neighbours){.cause = record->id, .first = hour_of(record), .port = port, .seed = of.bytes[14], .host = HOST_FIRST};
    hand_out(n, view, record, verdict);
}

bool neighbours_own(const struct neighbours *n, const struct record *record)
{
    const struct fact *cause = record_fact(record, FACT_CAUSE);
    struct id id;
    return !id_is_zero(n->cause) && cause != NULL && id_parse(cause->text, &id) == 0 && id_equal(id, n->cause);
}

/* To the next /24 of the /16. */
static const char *next_block(struct neighbours *n)
{
    if (n->listens != 0 && n->with < UINT8_MAX)
        n->with++;
    n->listens = 0;
    unsigned done = 0;
    for (unsigned block = 0; block <= n->block; block++)
        done += block_byte(n, block) >= 0 ? 1U : 0U;
    if (done >= NEIGHBOURS_EMPTY_MAX && n->with == 0)
        return "the first three /24s have no listener";
    do
        n->block++;
    while (n->block < BLOCKS && block_byte(n, n->block) < 0);
    n->host = HOST_FIRST;
    return n->block >= BLOCKS ? "the whole /16 was asked" : NULL;
}

/* The batch is back: why the survey is over, or NULL and the next batch is to be handed out. */
static const char *next_batch(struct neighbours *n, const struct background *b)
{
    const char *why = NULL;
    for (unsigned i = 0; i < n->size; i++) {
        n->silent = ((unsigned)n->answered >> i & 1U) != 0 ? 0 : (uint16_t)(n->silent + 1);
        if (n->silent >= b->neighbours_stop && why == NULL)
            why = "so many addresses in a row gave no answer";
    }
    n->host = (uint16_t)(n->host + n->size);
    if (why == NULL && n->host > HOST_LAST)
        why = next_block(n);
    if (why == NULL && n->asked >= b->neighbours_max)
        why = "probe.neighbours_max addresses were asked";
    if (why == NULL && !b->neighbours)
        why = "probe.neighbours is off";
    return why;
}

static void end(struct neighbours *n)
{
    if (n->listens != 0 && n->with < UINT8_MAX)
        n->with++;
    n->listens = 0;
    n->size = 0;
}

bool neighbours_hear(struct neighbours *n, const struct view *view, const struct record *record, bool open, struct verdict *verdict,
                     const char **ret_why)
{
    struct addr host = record_host(record);
    unsigned index = 0;
    while (index < n->size && !addr_equal(address_of(n, host, index), host))
        index++;
    if (index == n->size)
        return false;
    uint16_t bit = (uint16_t)(1U << index);
    if (record->kind == KIND_ANSWER && open) {
        n->answered |= bit;
        if (record->destination.port == n->port && (n->batch_open & bit) == 0) {
            n->batch_open |= bit;
            n->listeners++;
            n->listens = 1;
        }
    }
    if (record->kind != KIND_VISIT)
        return false;
    n->back |= bit;
    if (__builtin_popcount(n->back) < n->size)
        return false;
    const char *why = next_batch(n, view->background);
    if (why == NULL) {
        hand_out(n, view, record, verdict);
        return false;
    }
    end(n);
    *ret_why = why;
    return true;
}

bool neighbours_stale(struct neighbours *n, const struct record *record, const char **ret_why)
{
    if (n->size == 0 || hour_of(record) <= n->batch_hour + BATCH_HOURS_MAX)
        return false;
    end(n);
    *ret_why = "the last visits were not made within a day";
    return true;
}
