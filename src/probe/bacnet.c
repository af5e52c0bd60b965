/*
 * BACnet/IP (ANSI/ASHRAE 135, annex J): one confirmed request, ReadPropertyMultiple of what names a device, to the device object
 * 4194303, which each device takes as its own (clause 15.5.2). ReadProperty would give one property for each request; a device too
 * small for ReadPropertyMultiple rejects it, which still says that it speaks BACnet, and is not asked a second time.
 */
#include "probe/ics.h"

enum {
    BVLC_IP = 0x81,
    BVLC_RESULT = 0x00,
    BVLC_FORWARDED = 0x04,
    BVLC_UNICAST = 0x0a,
    BVLC_BROADCAST = 0x0b,
    NPDU_VERSION = 1,
    NPDU_NETWORK_MESSAGE = 0x80,
    NPDU_DESTINATION = 0x20,
    NPDU_SOURCE = 0x08,
    PDU_UNCONFIRMED = 1,
    PDU_COMPLEX_ACK = 3,
    PDU_ERROR = 5,
    PDU_REJECT = 6,
    PDU_ABORT = 7,
    SEGMENTED = 0x08,
    SERVICE_I_AM = 0,
    SERVICE_READ_PROPERTY = 12,
    SERVICE_READ_PROPERTY_MULTIPLE = 14,
    INVOKE = 1,
};

enum property {
    PROPERTY_APPLICATION_SOFTWARE = 12,
    PROPERTY_DESCRIPTION = 28,
    PROPERTY_FIRMWARE = 44,
    PROPERTY_LOCATION = 58,
    PROPERTY_MODEL = 70,
    PROPERTY_OBJECT_ID = 75,
    PROPERTY_OBJECT_NAME = 77,
    PROPERTY_VENDOR_ID = 120,
    PROPERTY_VENDOR_NAME = 121,
    PROPERTY_SERIAL = 372,
};

/* Up to 1476 bytes are taken in one piece, expecting a reply. Asked for are vendor's name and id, model, firmware, application software, name of
 * the object, serial number; location and description, which name places and people, are not. */
static const uint8_t question[] = {0x81, 0x0a, 0,    32,  1,    4,  0x00, 0x05, INVOKE, 14, 0x0c, 0x02, 0x3f, 0xff, 0xff, 0x1e,
                                   0x09, 121,  0x09, 120, 0x09, 70, 0x09, 44,   0x09,   12, 0x09, 77,   0x0a, 0x01, 0x74, 0x1f};
_Static_assert(sizeof question == 32, "its length stands in it");

static const struct {
    uint16_t number;
    const char *name;
} vendors[] = {
#define BACNET_VENDOR(number, name) {(number), (name)},
#include "probe/bacnet_vendors.def"
#undef BACNET_VENDOR
};

struct tag {
    unsigned number;
    bool context, opening, closing;
    uint32_t len; /* of an application or context tag's value */
};

/* Clause 20.2.1. */
static struct tag read_tag(struct cursor *c)
{
    unsigned first = cursor_u8(c);
    struct tag tag = {.number = first >> 4, .context = (first & 8) != 0, .len = first & 7};
    if (tag.number == 15)
        tag.number = cursor_u8(c);
    if (tag.context && tag.len >= 6) {
        tag.opening = tag.len == 6;
        tag.closing = tag.len == 7;
        tag.len = 0;
    } else if (!tag.context && tag.number == 1) {
        tag.len = 0; /* a boolean lies in the tag */
    } else if (tag.len == 5) {
        tag.len = cursor_u8(c);
        if (tag.len == 254)
            tag.len = cursor_be16(c);
        else if (tag.len == 255)
            tag.len = cursor_be32(c);
    }
    return tag;
}

static uint32_t read_unsigned(struct cursor *c, struct tag tag)
{
    if (tag.len > 4)
        cursor_fail(c, -ERR_MALFORMED);
    return (uint32_t)cursor_be(c, tag.len);
}

static size_t put_utf8(char *to, size_t room, uint32_t point)
{
    if (point == 0 || point > 0x10ffff || (point >= 0xd800 && point < 0xe000) || room < 4)
        return 0;
    if (point < 0x80) {
        to[0] = (char)point;
        return 1;
    }
    size_t more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    static const unsigned lead[] = {0, 0xc0, 0xe0, 0xf0};
    to[0] = (char)(lead[more] | point >> (6 * more));
    for (size_t i = 1; i <= more; i++)
        to[i] = (char)(0x80 | (point >> (6 * (more - i)) & 0x3f));
    return more + 1;
}

/* Clause 20.2.9: UTF-8 (or US-ASCII), UCS-4, UCS-2, ISO 8859-1. Others give nothing. */
static struct span read_string(struct span value, char text[static ICS_TEXT_MAX * 4])
{
    struct cursor c = cursor_of(value);
    unsigned set = cursor_u8(&c);
    if (set == 0 || c.error != 0)
        return cursor_rest(&c);
    size_t width = set == 3 ? 4 : set == 4 ? 2 : set == 5 ? 1 : 0;
    size_t len = 0;
    while (width > 0 && cursor_left(&c) >= width && len + 4 <= ICS_TEXT_MAX * 4)
        len += put_utf8(text + len, ICS_TEXT_MAX * 4 - len, (uint32_t)cursor_be(&c, width));
    return span_of(text, len);
}

static void set_vendor(struct ics_identity *id, uint32_t number)
{
    ics_detail_int(id, "vendor id", number);
    for (size_t i = 0; i < sizeof vendors / sizeof vendors[0]; i++) {
        if (vendors[i].number == number && id->maker[0] == '\0')
            ics_text(id->maker, span_text(vendors[i].name));
    }
}

static void set_instance(struct ics_identity *id, uint32_t object)
{
    if (object >> 22 == 8)
        ics_detail_int(id, "device instance", object & 0x3fffff);
}

static void set_text(struct ics_identity *id, uint32_t property, struct span text)
{
    switch (property) {
    case PROPERTY_VENDOR_NAME:
        if (text.len > 0)
            ics_text(id->maker, text);
        return;
    case PROPERTY_MODEL:
        ics_text(id->model, text);
        return;
    case PROPERTY_FIRMWARE:
        ics_text(id->firmware, text);
        return;
    case PROPERTY_SERIAL:
        ics_text(id->serial, text);
        return;
    case PROPERTY_APPLICATION_SOFTWARE:
        ics_detail(id, "application software", text);
        return;
    case PROPERTY_OBJECT_NAME:
        ics_detail(id, "object name", text);
        return;
    case PROPERTY_DESCRIPTION:
        ics_detail(id, "description", text);
        return;
    case PROPERTY_LOCATION:
        ics_detail(id, "location", text);
        return;
    default:
        return;
    }
}

/* What stands between an opening tag and its closing one: the first value counts. */
static void read_value(struct cursor *c, struct ics_identity *id, uint32_t property, bool is_error)
{
    unsigned depth = 1;
    bool first = !is_error;
    char text[ICS_TEXT_MAX * 4];
    while (depth > 0 && c->error == 0) {
        struct tag tag = read_tag(c);
        if (tag.opening || tag.closing) {
            depth = tag.opening ? depth + 1 : depth - 1;
            continue;
        }
        struct span value = cursor_take(c, tag.len);
        struct cursor v = cursor_of(value);
        if (c->error != 0 || !first || tag.context)
            continue;
        first = false;
        if (tag.number == 7)
            set_text(id, property, read_string(value, text));
        else if (tag.number == 2 && property == PROPERTY_VENDOR_ID)
            set_vendor(id, read_unsigned(&v, tag));
        else if (tag.number == 12 && property == PROPERTY_OBJECT_ID && tag.len == 4)
            set_instance(id, cursor_be32(&v));
    }
}

/* ReadProperty-ACK: [0] object, [1] property, [2] index, [3] value. */
static void read_property(struct cursor *c, struct ics_identity *id)
{
    uint32_t property = 0;
    while (c->error == 0 && cursor_left(c) > 0) {
        struct tag tag = read_tag(c);
        if (tag.opening && tag.number == 3)
            read_value(c, id, property, false);
        else if (tag.context && tag.number == 1)
            property = read_unsigned(c, tag);
        else
            (void)cursor_take(c, tag.len);
    }
}

/* ReadPropertyMultiple-ACK: [0] object, [1]{ [2] property, [3] index, [4]{value} or [5]{error} … } … */
static void read_properties(struct cursor *c, struct ics_identity *id)
{
    uint32_t property = 0;
    while (c->error == 0 && cursor_left(c) > 0) {
        struct tag tag = read_tag(c);
        if (tag.opening && (tag.number == 4 || tag.number == 5))
            read_value(c, id, property, tag.number == 5);
        else if (tag.opening || tag.closing)
            continue;
        else if (tag.context && tag.number == 2)
            property = read_unsigned(c, tag);
        else if (tag.context && tag.number == 0 && tag.len == 4)
            set_instance(id, cursor_be32(c));
        else
            (void)cursor_take(c, tag.len);
    }
}

/* I-Am: object, largest APDU, segmentation, vendor id. */
static void read_i_am(struct cursor *c, struct ics_identity *id)
{
    for (unsigned i = 0; i < 4 && c->error == 0; i++) {
        struct tag tag = read_tag(c);
        struct span value = cursor_take(c, tag.len);
        struct cursor v = cursor_of(value);
        if (c->error != 0)
            return;
        if (i == 0 && tag.number == 12 && tag.len == 4)
            set_instance(id, cursor_be32(&v));
        else if (i == 3 && tag.number == 2)
            set_vendor(id, read_unsigned(&v, tag));
    }
}

static void read_apdu(struct cursor *c, struct ics_identity *id)
{
    unsigned first = cursor_u8(c), type = first >> 4;
    if (type == PDU_UNCONFIRMED) {
        if (cursor_u8(c) == SERVICE_I_AM)
            read_i_am(c, id);
        return;
    }
    (void)cursor_u8(c); /* invoke id */
    if (type == PDU_COMPLEX_ACK) {
        if ((first & SEGMENTED) != 0)
            (void)cursor_be16(c); /* sequence number, window: the first segment is all that is read */
        unsigned service = cursor_u8(c);
        if (service == SERVICE_READ_PROPERTY)
            read_property(c, id);
        else if (service == SERVICE_READ_PROPERTY_MULTIPLE)
            read_properties(c, id);
    } else if (type == PDU_ERROR) {
        ics_detail(id, "answer", span_text("error"));
    } else if (type == PDU_REJECT) {
        ics_detail(id, "answer", span_text("rejected"));
        ics_detail_int(id, "reason", cursor_u8(c));
    } else if (type == PDU_ABORT) {
        ics_detail(id, "answer", span_text("aborted"));
        ics_detail_int(id, "reason", cursor_u8(c));
    }
}

/* Clause 6.2. */
static int read_npdu(struct cursor *c, struct ics_identity *id)
{
    unsigned version = cursor_u8(c), control = cursor_u8(c);
    if (c->error != 0 || version != NPDU_VERSION)
        return -ERR_MALFORMED;
    if ((control & NPDU_DESTINATION) != 0) {
        (void)cursor_be16(c);
        (void)cursor_take(c, cursor_u8(c));
    }
    if ((control & NPDU_SOURCE) != 0) {
        (void)cursor_be16(c);
        (void)cursor_take(c, cursor_u8(c));
    }
    if ((control & NPDU_DESTINATION) != 0)
        (void)cursor_u8(c); /* hops */
    if (c->error != 0)
        return -ERR_MALFORMED;
    id->protocol = "bacnet";
    if ((control & NPDU_NETWORK_MESSAGE) == 0)
        read_apdu(c, id);
    return 0;
}

int bacnet_decode(struct span bytes, struct ics_identity *ret)
{
    struct cursor c = cursor_of(bytes);
    do {
        unsigned type = cursor_u8(&c), function = cursor_u8(&c);
        size_t len = cursor_be16(&c);
        if (c.error != 0)
            return bytes.len > 0 && bytes.at[0] != BVLC_IP ? -ERR_MALFORMED : -ERR_TRUNCATED;
        if (type != BVLC_IP || function > BVLC_BROADCAST || len < 4)
            return -ERR_MALFORMED;
        if (cursor_left(&c) < len - 4 && ret->protocol == NULL)
            return -ERR_TRUNCATED;
        struct cursor body = cursor_of(cursor_take(&c, len - 4));
        if (function == BVLC_FORWARDED)
            (void)cursor_take(&body, 6);
        int r = 0;
        if (function == BVLC_FORWARDED || function == BVLC_UNICAST || function == BVLC_BROADCAST)
            r = read_npdu(&body, ret);
        else if (function == BVLC_RESULT)
            ret->protocol = "bacnet";
        if (r != 0 && ret->protocol == NULL)
            return r;
    } while (cursor_left(&c) > 0);
    return ret->protocol != NULL ? 0 : -ERR_MALFORMED;
}

static void bacnet_ask(struct talk *talk)
{
    talk_say(talk, span_of(question, sizeof question));
}

static void bacnet_hear(struct talk *talk, struct span datagram)
{
    (void)datagram;
    ics_hear(talk, bacnet_decode);
}

static void bacnet_end(struct talk *talk)
{
    ics_end(talk, bacnet_decode);
}

extern const struct probe probe_bacnet;
const struct probe probe_bacnet = {
    .name = "bacnet",
    .help = "BACnet/IP: vendor, model, firmware of the device object by one ReadPropertyMultiple",
    .over = TRANSPORT_UDP,
    .care = CARE_ICS,
    .ports = {47808},
    .ask = bacnet_ask,
    .hear = bacnet_hear,
    .end = bacnet_end,
};
