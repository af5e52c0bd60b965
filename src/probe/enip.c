/*
 * EtherNet/IP: ListIdentity, which needs no session (ODVA, "EtherNet/IP Adaptation of CIP", §2-4.2), over TCP: what is reached from outside is as
 * a rule only the TCP port of explicit messages, and a port of TCP closes properly. Numbers are little-endian but for the socket address.
 */
#include "probe/ics.h"

#include <stdio.h>

enum { HEADER = 24, LIST_IDENTITY = 0x63, ITEM_IDENTITY = 0x0c, DATA_MAX = 4096, ITEMS_MAX = 8 };

static const uint8_t question[HEADER] = {LIST_IDENTITY};

static const struct {
    uint16_t number;
    const char *name;
} vendors[] = {
#define ENIP_VENDOR(number, name) {(number), (name)},
#include "probe/enip_vendors.def"
#undef ENIP_VENDOR
};

static uint32_t le(struct cursor *c, size_t width)
{
    struct span bytes = cursor_take(c, width);
    uint32_t value = 0;
    for (size_t i = bytes.len; i > 0; i--)
        value = value << 8 | bytes.at[i - 1];
    return value;
}

/* CIP's device profiles, those of controllers and of what stands before them. */
static const char *type_text(unsigned type)
{
    switch (type) {
    case 0x00:
        return "generic device";
    case 0x02:
        return "AC drive";
    case 0x07:
        return "general purpose discrete I/O";
    case 0x0c:
        return "communications adapter";
    case 0x0e:
        return "programmable logic controller";
    case 0x10:
        return "position controller";
    case 0x13:
        return "DC drive";
    case 0x18:
        return "human-machine interface";
    case 0x23:
        return "safety discrete I/O";
    case 0x25:
        return "CIP motion drive";
    case 0x2b:
        return "generic device, keyable";
    case 0x2c:
        return "managed Ethernet switch";
    default:
        return NULL;
    }
}

static void set_vendor(struct ics_identity *id, uint32_t number)
{
    ics_detail_int(id, "vendor id", number);
    for (size_t i = 0; i < sizeof vendors / sizeof vendors[0]; i++) {
        if (vendors[i].number == number)
            ics_text(id->maker, span_text(vendors[i].name));
    }
}

static void read_identity(struct cursor *c, struct ics_identity *id)
{
    (void)le(c, 2);           /* version of the encapsulation */
    (void)cursor_take(c, 16); /* the socket address it says it has */
    uint32_t vendor = le(c, 2), type = le(c, 2), product = le(c, 2);
    unsigned major = cursor_u8(c), minor = cursor_u8(c);
    (void)le(c, 2); /* status */
    uint32_t serial = le(c, 4);
    if (c->error != 0)
        return;
    char text[32];
    set_vendor(id, vendor);
    ics_detail_int(id, "device type", type);
    if (type_text(type) != NULL)
        ics_detail(id, "device profile", span_text(type_text(type)));
    ics_detail_int(id, "product code", product);
    (void)snprintf(text, sizeof text, "%u.%03u", major, minor);
    ics_text(id->firmware, span_text(text));
    (void)snprintf(text, sizeof text, "%08x", serial);
    ics_text(id->serial, span_text(text));
    ics_text(id->model, cursor_take(c, cursor_u8(c)));
}

int enip_decode(struct span bytes, struct ics_identity *ret)
{
    static const uint8_t start[] = {LIST_IDENTITY, 0};
    if (bytes.len > 0 && memcmp(bytes.at, start, bytes.len < 2 ? bytes.len : 2) != 0)
        return -ERR_MALFORMED;
    struct cursor c = cursor_of(bytes);
    (void)le(&c, 2);
    size_t len = le(&c, 2);
    (void)le(&c, 4); /* session */
    uint32_t status = le(&c, 4);
    (void)cursor_take(&c, 12); /* context, options */
    if (c.error != 0)
        return -ERR_TRUNCATED;
    if (len > DATA_MAX)
        return -ERR_MALFORMED;
    if (cursor_left(&c) < len)
        return -ERR_TRUNCATED;
    ret->protocol = "enip";
    if (status != 0)
        ics_detail_int(ret, "status", status);
    struct cursor data = cursor_of(cursor_take(&c, len));
    unsigned count = le(&data, 2);
    for (unsigned i = 0; i < count && i < ITEMS_MAX && data.error == 0; i++) {
        unsigned type = le(&data, 2);
        struct cursor item = cursor_of(cursor_take(&data, le(&data, 2)));
        if (type == ITEM_IDENTITY && data.error == 0) {
            read_identity(&item, ret);
            break;
        }
    }
    return 0;
}

static void enip_ask(struct talk *talk)
{
    talk_say(talk, span_of(question, sizeof question));
}

static void enip_hear(struct talk *talk, struct span bytes)
{
    (void)bytes;
    ics_hear(talk, enip_decode);
}

static void enip_end(struct talk *talk)
{
    ics_end(talk, enip_decode);
}

extern const struct probe probe_enip;
const struct probe probe_enip = {
    .name = "enip",
    .help = "EtherNet/IP: ListIdentity, which opens no session",
    .over = TRANSPORT_TCP,
    .care = CARE_ICS,
    .ports = {44818},
    .ask = enip_ask,
    .hear = enip_hear,
    .end = enip_end,
};
