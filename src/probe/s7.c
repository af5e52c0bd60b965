/*
 * Siemens S7 over ISO-on-TCP (RFC 1006, RFC 905): connection request, setup communication, then one system status list: 0x0011 "module
 * identification", which holds order number and firmware and fits into one PDU. (0x001c "component identification" has the serial number
 * but no firmware, names plant and module, and needs a second question where PDUs are of 240 bytes.) Three messages are the least that gets an
 * identification; all three go over one connection, none of them writes. A CPU that keeps no such list says so; it is not asked for another.
 *
 * The remote TSAP is 01.02: connection of the kind "programming device", rack 0, slot 2, where the CPU of an S7-300 is; 1200 and 1500 take
 * any slot.
 *
 *   connected ─ CR ─► CC ─ setup ─► its answer ─ read SZL ─► its answer ─► done
 */
#include "probe/ics.h"

#include <stdio.h>

enum {
    TPKT_HEADER = 4,
    TPKT_VERSION = 3,
    COTP_CONFIRM = 0xd0,
    COTP_REFUSE = 0x80, /* disconnect request */
    COTP_DATA = 0xf0,
    COTP_LAST = 0x80,
    S7_ID = 0x32,
    S7_ANSWER = 3,
    S7_USERDATA = 7,
    SZL_MODULE = 0x11,
    SZL_COMPONENT = 0x1c,
    ORDER_NUMBER = 20,
    COMPONENT = 34, /* a record of list 0x001c */
    MESSAGES_MAX = 16,
};

static const uint8_t connect_request[] = {3,    0,    0,  22,
                                          17,   0xe0, 0,  0,
                                          0,    1,    0, /* source 1, class 0 */
                                          0xc0, 1,    10, /* TPDUs of 1024 bytes */ 0xc1,
                                          2,    1,    0,  0xc2,
                                          2,    1,    2};
static const uint8_t setup[] = {3, 0, 0, 25, 2, COTP_DATA, COTP_LAST, S7_ID, 1, 0, 0, 0, 1, 0, 8, 0, 0, 0xf0, 0, 0, 1, 0, 1, 1, 0xe0};
static const uint8_t read_list[] = {3, 0, 0,  33, 2,  COTP_DATA, COTP_LAST, S7_ID, S7_USERDATA, 0, 0, 0, 2, 0,          8, 0, 8,
                                    0, 1, 18, 4,  17, 0x44,      1,         0,     0xff,        9, 0, 4, 0, SZL_MODULE, 0, 0};
_Static_assert(sizeof connect_request == 22 && sizeof setup == 25 && sizeof read_list == 33, "their lengths stand in them");

static const struct {
    const char *order, *model;
} models[] = {
#define S7_MODEL(order, model) {(order), (model)},
#include "probe/s7_models.def"
#undef S7_MODEL
};

/* What a conversation has come to. */
struct progress {
    unsigned confirmed, set_up, lists; /* answers of each kind */
    bool more, refused;                /* the list goes on in another PDU, which is not asked for; there is none to be had */
    unsigned list;                     /* number of the one being read */
    size_t record, left;               /* length of its records, and of what is left of one that was cut */
    uint8_t cut[64];
};

/* The family of an order number, such as "6ES7 315-2EH14-0AB0". */
static const char *model_of(const char *order)
{
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        if (strncmp(order, models[i].order, strlen(models[i].order)) == 0)
            return models[i].model;
    }
    return NULL;
}

static void set_order(struct ics_identity *id, struct span text)
{
    char order[ICS_TEXT_MAX + 1];
    ics_text(order, text);
    ics_detail(id, "order number", span_text(order));
    const char *model = model_of(order);
    if (id->model[0] != '\0' || order[0] == '\0')
        return;
    char both[2 * ICS_TEXT_MAX];
    if (model != NULL)
        (void)snprintf(both, sizeof both, "%s (%s)", model, order);
    ics_text(id->model, span_text(model != NULL ? both : order));
}

/* Index, order number, type of module, version: of the module (1), of its basic hardware (6), of its firmware (7: "V", then three numbers). */
static void read_module(struct cursor *c, struct ics_identity *id)
{
    unsigned index = cursor_be16(c);
    struct span order = cursor_take(c, ORDER_NUMBER);
    (void)cursor_be16(c);
    struct span version = cursor_take(c, 4);
    if (c->error != 0)
        return;
    char text[32];
    if (index == 1) {
        set_order(id, order);
    } else if (index == 6) {
        ics_detail(id, "basic hardware", order);
    } else if (index == 7 && version.at[0] == 'V') {
        (void)snprintf(text, sizeof text, "V%u.%u.%u", version.at[1], version.at[2], version.at[3]);
        ics_text(id->firmware, span_text(text));
    }
}

static void read_component(struct cursor *c, struct ics_identity *id)
{
    unsigned index = cursor_be16(c) & 0xff;
    struct span text = cursor_take(c, 32);
    if (c->error != 0)
        return;
    if (index == 1)
        ics_detail(id, "system name", text);
    else if (index == 2)
        ics_detail(id, "module name", text);
    else if (index == 3)
        ics_detail(id, "plant", text);
    else if (index == 4)
        ics_detail(id, "copyright", text);
    else if (index == 5)
        ics_text(id->serial, text);
    else if (index == 7)
        ics_text(id->model, text);
    else if (index == 8)
        ics_detail(id, "memory card", text);
}

/* Records of the list's length; one that the PDU's end cut goes on in the next. */
static void read_records(struct progress *p, struct cursor *c, struct ics_identity *id)
{
    while (p->record >= 4 && p->record <= sizeof p->cut && cursor_left(c) > 0) {
        size_t part = p->record - p->left < cursor_left(c) ? p->record - p->left : cursor_left(c);
        cursor_copy(c, p->cut + p->left, part);
        p->left += part;
        if (p->left < p->record)
            return;
        struct cursor record = cursor_of(span_of(p->cut, p->record));
        p->left = 0;
        if ((p->list & 0xff) == SZL_MODULE)
            read_module(&record, id);
        else if ((p->list & 0xff) == SZL_COMPONENT)
            read_component(&record, id);
    }
}

/* A later PDU of a list by itself, as in a capture: it ends with the last of a component's records, and may begin inside one whose index
 * is that before the next. */
static void begin_amid(struct progress *p, struct cursor *body)
{
    size_t part = cursor_left(body) % COMPONENT;
    p->list = SZL_COMPONENT;
    p->record = COMPONENT;
    p->left = 0;
    if (part == COMPONENT - 2 && body->at[part + 1] > 0) {
        p->cut[0] = 0;
        p->cut[1] = (uint8_t)(body->at[part + 1] - 1);
        p->left = 2;
    } else {
        (void)cursor_take(body, part);
    }
}

/* An answer to "read SZL": parameters 00 01 12, length, method, type and group, subfunction, sequence, then unit, last, error. */
static int read_userdata(struct progress *p, struct cursor *c, struct ics_identity *id)
{
    (void)cursor_be16(c);
    size_t parameters = cursor_be16(c), length = cursor_be16(c);
    struct cursor head = cursor_of(cursor_take(c, parameters));
    (void)cursor_be32(&head); /* 00 01 12, length */
    (void)cursor_u8(&head);   /* method */
    unsigned group = cursor_u8(&head), function = cursor_u8(&head);
    (void)cursor_u8(&head);
    (void)cursor_u8(&head);
    unsigned not_last = cursor_u8(&head);
    unsigned error = cursor_be16(&head);
    if (c->error != 0 || (group & 0x0f) != 4 || function != 1)
        return -ERR_MALFORMED;
    p->lists++;
    struct cursor body = cursor_of(span_part(span_of(c->at, cursor_left(c)), 0, length));
    unsigned status = cursor_u8(&body);
    (void)cursor_u8(&body);
    (void)cursor_be16(&body);
    if (head.error != 0 || error != 0 || status != 0xff) {
        p->refused = true;
        ics_detail(id, "list", span_text("not available"));
        return 0;
    }
    if (!p->more && cursor_left(&body) >= 8 && (body.at[1] == SZL_MODULE || body.at[1] == SZL_COMPONENT)) {
        p->list = cursor_be16(&body);
        (void)cursor_be16(&body); /* index */
        p->record = cursor_be16(&body);
        (void)cursor_be16(&body); /* how many */
        p->left = 0;
    } else if (!p->more && cursor_left(&body) >= 2 * COMPONENT) {
        begin_amid(p, &body);
    }
    p->more = not_last != 0;
    read_records(p, &body, id);
    return 0;
}

static int read_pdu(struct progress *p, struct cursor *c, struct ics_identity *id)
{
    unsigned protocol = cursor_u8(c), type = cursor_u8(c);
    (void)cursor_be16(c); /* redundancy identification */
    if (c->error != 0 || protocol != S7_ID)
        return -ERR_MALFORMED;
    id->protocol = "s7";
    ics_text(id->maker, span_text("Siemens"));
    if (type == S7_ANSWER)
        p->set_up++;
    else if (type == S7_USERDATA)
        return read_userdata(p, c, id);
    return 0;
}

/* One TPKT. A COTP connection is not S7's alone: nothing is said of the protocol before its first PDU. */
static int read_packet(struct progress *p, struct cursor *c, struct ics_identity *id)
{
    size_t header = cursor_u8(c);
    struct cursor cotp = cursor_of(cursor_take(c, header));
    unsigned type = cursor_u8(&cotp);
    if (c->error != 0 || cotp.error != 0)
        return -ERR_MALFORMED;
    if ((type & 0xf0) == COTP_CONFIRM) {
        p->confirmed++;
        return 0;
    }
    if (type == COTP_REFUSE) {
        p->refused = true;
        return 0;
    }
    return type == COTP_DATA ? read_pdu(p, c, id) : -ERR_MALFORMED;
}

static int walk(struct span bytes, struct progress *p, struct ics_identity *id)
{
    struct cursor c = cursor_of(bytes);
    for (unsigned i = 0; cursor_left(&c) > 0 && i < MESSAGES_MAX; i++) {
        struct span head = span_of(c.at, cursor_left(&c));
        if (head.at[0] != TPKT_VERSION || (head.len > 1 && head.at[1] != 0))
            return id->protocol != NULL ? 0 : -ERR_MALFORMED;
        (void)cursor_be16(&c);
        size_t len = cursor_be16(&c);
        if (c.error != 0)
            return -ERR_TRUNCATED;
        if (len < TPKT_HEADER + 2)
            return -ERR_MALFORMED;
        if (cursor_left(&c) < len - TPKT_HEADER)
            return -ERR_TRUNCATED;
        struct cursor packet = cursor_of(cursor_take(&c, len - TPKT_HEADER));
        int r = read_packet(p, &packet, id);
        if (r != 0)
            return r;
        if (p->refused)
            return id->protocol != NULL ? 0 : -ERR_MALFORMED;
    }
    return p->lists == 0 ? -ERR_TRUNCATED : 0;
}

int s7_decode(struct span bytes, struct ics_identity *ret)
{
    struct progress p = {.more = false};
    return walk(bytes, &p, ret);
}

/* How many of its messages a talk has sent. */
struct s7 {
    unsigned sent;
};

static void s7_ask(struct talk *talk)
{
    struct s7 *s7 = talk_state(talk);
    s7->sent = 1;
    talk_say(talk, span_of(connect_request, sizeof connect_request));
}

static void s7_hear(struct talk *talk, struct span bytes)
{
    (void)bytes;
    struct s7 *s7 = talk_state(talk);
    struct progress p = {.more = false};
    struct ics_identity id = {.protocol = NULL};
    (void)walk(talk_heard(talk), &p, &id);
    if (p.confirmed > 0 && s7->sent == 1) {
        s7->sent = 2;
        talk_say(talk, span_of(setup, sizeof setup));
    }
    if (p.set_up > 0 && s7->sent == 2) {
        s7->sent = 3;
        talk_say(talk, span_of(read_list, sizeof read_list));
    }
    ics_hear(talk, s7_decode);
}

static void s7_end(struct talk *talk)
{
    ics_end(talk, s7_decode);
}

extern const struct probe probe_s7;
const struct probe probe_s7 = {
    .name = "s7",
    .help = "Siemens S7: connect, set up, read the list of component identification once",
    .over = TRANSPORT_TCP,
    .care = CARE_ICS,
    .ports = {102},
    .state_size = sizeof(struct s7),
    .ask = s7_ask,
    .hear = s7_hear,
    .end = s7_end,
};
