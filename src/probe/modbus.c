/*
 * Modbus over TCP: function 43, MEI type 14, read device identification, basic, from object 0, once ("MODBUS Application Protocol
 * Specification V1.1b3" §6.21).
 *
 * The unit identifier is 255: "MODBUS Messaging on TCP/IP Implementation Guide V1.0b" §4.4.2 says so for a server reached by its own IP address.
 * A gateway takes 255 as itself; with 1 it would pass the question on to a device on its serial line, which nobody asked after.
 */
#include "probe/ics.h"

enum { HEADER = 7, FUNCTION = 0x2b, MEI = 0x0e, EXCEPTION = 0x80, TRANSACTION = 1, PDU_MAX = 253 };

static const uint8_t question[] = {0, TRANSACTION, 0, 0, 0, 5, 0xff, FUNCTION, MEI, 1, 0};

static const char *const objects[] = {"vendor", "product code", "revision", "vendor url", "product name", "model name", "application name"};

static void read_objects(struct cursor *c, struct ics_identity *id)
{
    (void)cursor_u8(c); /* the code that was asked */
    (void)cursor_u8(c); /* conformity */
    (void)cursor_u8(c); /* more follows: not asked for */
    (void)cursor_u8(c); /* from which object on */
    unsigned count = cursor_u8(c);
    char model_name[ICS_TEXT_MAX + 1] = "";
    for (unsigned i = 0; i < count && c->error == 0; i++) {
        unsigned object = cursor_u8(c);
        struct span value = cursor_take(c, cursor_u8(c));
        if (c->error != 0)
            break;
        if (object == 0)
            ics_text(id->maker, value);
        else if (object == 1)
            ics_text(id->model, value);
        else if (object == 2)
            ics_text(id->firmware, value);
        else if (object == 5)
            ics_text(model_name, value);
        if (object < sizeof objects / sizeof objects[0])
            ics_detail(id, objects[object], value);
    }
    /* Basic is vendor, product code and revision; a device that adds its model's name means that. */
    if (model_name[0] != '\0')
        memcpy(id->model, model_name, sizeof model_name);
}

static const char *exception_text(unsigned code)
{
    static const char *const texts[] = {[1] = "illegal function",
                                        [2] = "illegal data address",
                                        [3] = "illegal data value",
                                        [4] = "server device failure",
                                        [5] = "acknowledge",
                                        [6] = "server device busy",
                                        [8] = "memory parity error",
                                        [10] = "gateway path unavailable",
                                        [11] = "gateway target device failed to respond"};
    return code < sizeof texts / sizeof texts[0] && texts[code] != NULL ? texts[code] : "unknown";
}

int modbus_decode(struct span bytes, struct ics_identity *ret)
{
    struct cursor c = cursor_of(bytes);
    /* Each byte that is there must be right, so that another protocol is known by its first bytes. */
    if ((bytes.len > 2 && bytes.at[2] != 0) || (bytes.len > 3 && bytes.at[3] != 0) ||
        (bytes.len > HEADER && (bytes.at[HEADER] & ~EXCEPTION) != FUNCTION))
        return -ERR_MALFORMED;
    (void)cursor_be32(&c);
    size_t len = cursor_be16(&c);
    if (c.error == 0 && (len < 3 || len > PDU_MAX + 1))
        return -ERR_MALFORMED;
    unsigned unit = cursor_u8(&c);
    unsigned function = cursor_u8(&c);
    if (c.error != 0)
        return -ERR_TRUNCATED;
    struct span rest = span_of(c.at, cursor_left(&c));
    bool whole = rest.len >= len - 2;
    struct cursor body = cursor_of(span_part(rest, 0, len - 2));
    if ((function & EXCEPTION) != 0) {
        if (!whole)
            return -ERR_TRUNCATED;
        ics_detail(ret, "exception", span_text(exception_text(cursor_u8(&body))));
    } else {
        unsigned mei = cursor_u8(&body);
        if (body.error == 0 && mei != MEI)
            return -ERR_MALFORMED;
        if (body.error == 0)
            read_objects(&body, ret);
    }
    ret->protocol = "modbus";
    ics_detail_int(ret, "unit", unit);
    return whole ? 0 : -ERR_TRUNCATED;
}

static void modbus_ask(struct talk *talk)
{
    talk_say(talk, span_of(question, sizeof question));
}

static void modbus_hear(struct talk *talk, struct span bytes)
{
    (void)bytes;
    ics_hear(talk, modbus_decode);
}

static void modbus_end(struct talk *talk)
{
    ics_end(talk, modbus_decode);
}

extern const struct probe probe_modbus;
const struct probe probe_modbus = {
    .name = "modbus",
    .help = "Modbus/TCP: read device identification (function 43/14), basic, once",
    .over = TRANSPORT_TCP,
    .care = CARE_ICS,
    .ports = {502},
    .ask = modbus_ask,
    .hear = modbus_hear,
    .end = modbus_end,
};
