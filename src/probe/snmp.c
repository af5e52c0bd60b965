/*
 * SNMP: sysDescr.0 and sysObjectID.0 in one GetRequest of version 2c (RFC 3416, RFC 3418) with the community "public", which is a name that
 * agents give to everyone and not a secret. Only where the operator asked for it (probe.extra). Nothing is walked, nothing is set.
 */
#include "base/cursor.h"
#include "probe/learn.h"

enum {
    INTEGER = 0x02,
    OCTET_STRING = 0x04,
    OBJECT_IDENTIFIER = 0x06,
    SEQUENCE = 0x30,
    RESPONSE = 0xa2,
    BINDINGS_MAX = 8,
    SUBIDENTIFIERS_MAX = 128 /* RFC 2578 §3.5 */
};

struct snmp {
    bool answered;
};

/* 1.3.6.1.2.1.1.1.0 and .2.0 */
static const uint8_t sys_descr[] = {0x2b, 6, 1, 2, 1, 1, 1, 0}, sys_object_id[] = {0x2b, 6, 1, 2, 1, 1, 2, 0};

static const char request[] = "\x30\x37\x02\x01\x01"                                     /* version 2c */
                              "\x04\x06public"                                           /* community */
                              "\xa0\x2a\x02\x04noro"                                     /* GetRequest, request-id */
                              "\x02\x01\x00\x02\x01\x00"                                 /* error-status, error-index */
                              "\x30\x1c"                                                 /* bindings, each of a name and NULL */
                              "\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x01\x00\x05\x00" /* sysDescr.0 */
                              "\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x02\x00\x05\x00" /* sysObjectID.0 */;

/* ---- BER (X.690), definite lengths only ---- */

/* The next value, whatever its tag; *ret_tag 0 and the cursor's error when there is none. */
static struct span take_value(struct cursor *c, uint8_t *ret_tag)
{
    uint8_t tag = cursor_u8(c);
    uint64_t len = cursor_u8(c);
    if ((tag & 0x1f) == 0x1f || len == 0x80 || len > 0x84)
        cursor_fail(c, -ERR_MALFORMED);
    else if (len > 0x80)
        len = cursor_be(c, len & 0x7f);
    struct span value = cursor_take(c, (size_t)len);
    *ret_tag = c->error == 0 ? tag : 0;
    return value;
}

static struct span take(struct cursor *c, uint8_t wanted)
{
    uint8_t tag;
    struct span value = take_value(c, &tag);
    if (tag != wanted)
        cursor_fail(c, -ERR_MALFORMED);
    return c->error == 0 ? value : (struct span){0};
}

/* "1.3.6.1.4.1.8072.3.2.10" */
static int print_identifier(struct buf *out, struct span bytes)
{
    struct cursor c = cursor_of(bytes);
    for (unsigned i = 0; cursor_left(&c) > 0; i++) {
        uint64_t value = 0;
        uint8_t byte;
        do {
            byte = cursor_u8(&c);
            if (c.error != 0 || value > UINT32_MAX >> 7)
                return -ERR_MALFORMED;
            value = value << 7 | (byte & 0x7f);
        } while ((byte & 0x80) != 0);
        if (i >= SUBIDENTIFIERS_MAX)
            return -ERR_LIMIT;
        if (i == 0) {
            unsigned first = value < 80 ? (unsigned)value / 40 : 2;
            buf_printf(out, "%u.%llu", first, (unsigned long long)(value - 40 * first));
        } else {
            buf_printf(out, ".%llu", (unsigned long long)value);
        }
    }
    return out->error;
}

/* ---- the conversation ---- */

static void ask(struct talk *talk)
{
    _Static_assert(sizeof request - 1 == 2 + 0x37, "the lengths inside hold");
    talk_say(talk, span_of(request, sizeof request - 1));
    talk_wake(talk, talk_first_byte(talk));
}

static void state_binding(struct talk *talk, struct span binding)
{
    struct cursor c = cursor_of(binding);
    uint8_t tag;
    struct span name = take(&c, OBJECT_IDENTIFIER), value = take_value(&c, &tag);
    if (c.error != 0)
        return;
    if (tag == OCTET_STRING && span_equal(name, span_of(sys_descr, sizeof sys_descr))) {
        while (value.len > 0 && value.at[value.len - 1] == 0) /* a C string's end, sent along */
            value.len--;
        learn_text(talk, FACT_SNMP_SYSDESCR, value);
    } else if (tag == OBJECT_IDENTIFIER && span_equal(name, span_of(sys_object_id, sizeof sys_object_id))) {
        struct buf text;
        buf_init(&text, 0);
        if (print_identifier(&text, value) == 0)
            learn_text(talk, FACT_SNMP_SYSOBJID, buf_as_span(&text));
        buf_done(&text);
    }
}

/* 0, or -ERR_…: not an answer to our question. */
static int read_message(struct talk *talk, struct span datagram)
{
    struct cursor outer = cursor_of(datagram), message = cursor_of(take(&outer, SEQUENCE));
    if (outer.error != 0)
        return outer.error;
    (void)take(&message, INTEGER);
    (void)take(&message, OCTET_STRING);
    struct cursor pdu = cursor_of(take(&message, RESPONSE));
    if (message.error != 0)
        return message.error;
    struct span id = take(&pdu, INTEGER);
    (void)take(&pdu, INTEGER);
    (void)take(&pdu, INTEGER);
    struct cursor bindings = cursor_of(take(&pdu, SEQUENCE));
    if (pdu.error != 0 || !span_is(id, "noro"))
        return -ERR_MALFORMED;
    for (unsigned i = 0; i < BINDINGS_MAX && cursor_left(&bindings) > 0; i++) {
        struct span binding = take(&bindings, SEQUENCE);
        if (bindings.error == 0)
            state_binding(talk, binding);
    }
    return 0;
}

static void hear(struct talk *talk, struct span datagram)
{
    struct snmp *snmp = talk_state(talk);
    if (snmp->answered || read_message(talk, datagram) != 0)
        return;
    snmp->answered = true;
    talk_done(talk);
}

static void quiet(struct talk *talk)
{
    talk_fail(talk, talk_heard(talk).len > 0 ? ENDING_OTHER : ENDING_SILENT);
}

const struct probe probe_snmp = {
    .name = "snmp",
    .help = "sysDescr and sysObjectID by the public community",
    .over = TRANSPORT_UDP,
    .care = CARE_ASKED,
    .ports = {161},
    .state_size = sizeof(struct snmp),
    .ask = ask,
    .hear = hear,
    .quiet = quiet,
};
