/*
 * What a task of kind "probe" says: whom to visit, why, which ports. The input is complete: whoever works on it reads nothing else.
 *
 *   u8 version (1) · 16 address · u32 autonomous system (0: unknown) · u8 flags · u8 length + cause · u8 count · for each: u16 port · u8
 *   transport · u8 length + probe's name
 */
#pragma once

#include "base/buf.h"
#include "base/cursor.h"
#include "record/types.h"

#define ORDER_TASK_KIND "probe"

enum { ORDER_PORTS_MAX = 64, ORDER_CAUSE_MAX = 64, ORDER_PROBE_MAX = 16 };

enum {
    ORDER_BY_HAND = 1,  /* the operator asked: no minimum interval between visits */
    ORDER_NEIGHBOUR = 2 /* of a neighbourhood's survey: its own budget (probe.neighbours) */
};

struct order_port {
    uint16_t port;
    enum transport transport;
    char probe[ORDER_PROBE_MAX + 1];
};

struct order {
    struct addr addr;
    uint32_t asn;
    uint8_t flags;
    char cause[ORDER_CAUSE_MAX + 1]; /* a record's id as text, or "operator" */
    size_t count;                    /* 0: the ports of probe.ports */
    struct order_port ports[ORDER_PORTS_MAX];
};

void order_encode(struct buf *, const struct order *);
int order_decode(struct span, struct order *ret); /* 0, -ERR_MALFORMED, -ERR_VERSION, -ERR_LIMIT */

/* The key of a visit's task: "probe ADDRESS CAUSE". */
enum { ORDER_KEY_SIZE = 8 + ADDR_TEXT_SIZE + ORDER_CAUSE_MAX };
char *order_key(const struct order *, char text[static ORDER_KEY_SIZE]);

/* "23", "23/tcp", "161/udp", "8080:http", "161/udp:snmp" -> a port; the probe is probe_for_port's when not named. -ERR_MALFORMED, -ERR_UNKNOWN. */
int order_port_parse(struct span text, struct order_port *ret);
