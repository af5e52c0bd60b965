#include "probe/ics.h"

#include "base/text.h"

#include <stdio.h>

static const struct {
    const char *service;
    int (*decode)(struct span, struct ics_identity *);
} decoders[] = {
    {"modbus", modbus_decode}, {"bacnet", bacnet_decode}, {"s7", s7_decode}, {"fox", fox_decode}, {"enip", enip_decode}, {"dnp3", dnp3_decode},
};

int ics_decode(struct span service, struct span bytes, struct ics_identity *ret)
{
    *ret = (struct ics_identity){.protocol = NULL};
    for (size_t i = 0; i < sizeof decoders / sizeof decoders[0]; i++) {
        if (span_is(service, decoders[i].service))
            return decoders[i].decode(bytes, ret);
    }
    return -ERR_UNKNOWN;
}

/* Length of the UTF-8 sequence at the front, 0 when there is none. */
static size_t sequence(struct span from)
{
    for (size_t len = 1; len <= 4 && len <= from.len; len++) {
        if (text_utf8_valid(span_part(from, 0, len)) == len)
            return len;
    }
    return 0;
}

/* C0, DEL and C1. */
static bool is_control(struct span s)
{
    return (s.len == 1 && (s.at[0] < 0x20 || s.at[0] == 0x7f)) || (s.len == 2 && s.at[0] == 0xc2 && s.at[1] < 0xa0);
}

static size_t clean(char *to, size_t room, struct span from)
{
    from = span_part(from, 0, span_find(from, 0));
    size_t len = 0;
    while (from.len > 0) {
        size_t step = sequence(from);
        struct span one = span_part(from, 0, step);
        if (step > room - len)
            break;
        bool leading = len == 0 && step == 1 && one.at[0] == ' ';
        if (step > 0 && !leading && !is_control(one)) {
            memcpy(to + len, one.at, step);
            len += step;
        }
        from = span_part(from, step > 0 ? step : 1, from.len);
    }
    while (len > 0 && to[len - 1] == ' ')
        len--;
    to[len] = '\0';
    return len;
}

void ics_text(char to[static ICS_TEXT_MAX + 1], struct span from)
{
    (void)clean(to, ICS_TEXT_MAX, from);
}

void ics_detail(struct ics_identity *id, const char *name, struct span value)
{
    char text[ICS_TEXT_MAX + 1];
    if (clean(text, ICS_TEXT_MAX, value) == 0)
        return;
    size_t used = strlen(id->detail), room = ICS_DETAIL_MAX - used;
    if (strlen(name) + strlen(text) + 3 <= room)
        (void)snprintf(id->detail + used, room + 1, "%s: %s\n", name, text);
}

void ics_detail_int(struct ics_identity *id, const char *name, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    ics_detail(id, name, span_text(text));
}

void ics_hear(struct talk *talk, int (*decode)(struct span, struct ics_identity *))
{
    struct span heard = talk_heard(talk);
    struct ics_identity id = {.protocol = NULL};
    int r = decode(heard, &id);
    if (r == 0)
        talk_done(talk);
    else if (r != -ERR_TRUNCATED)
        talk_fail(talk, ENDING_OTHER);
    else if (heard.len > ICS_HEARD_MAX)
        talk_fail(talk, ENDING_TOO_MUCH);
}

static void state(struct talk *talk, enum fact_name name, const char *text)
{
    if (text[0] != '\0')
        talk_fact(talk, fact_text(name, span_text(text)));
}

void ics_end(struct talk *talk, int (*decode)(struct span, struct ics_identity *))
{
    struct ics_identity id = {.protocol = NULL};
    int r = decode(talk_heard(talk), &id);
    if ((r != 0 && r != -ERR_TRUNCATED) || id.protocol == NULL)
        return;
    state(talk, FACT_ICS_PROTOCOL, id.protocol);
    state(talk, FACT_DEVICE_MAKER, id.maker);
    state(talk, FACT_DEVICE_MODEL, id.model);
    state(talk, FACT_DEVICE_FIRMWARE, id.firmware);
    state(talk, FACT_DEVICE_SERIAL, id.serial);
    state(talk, FACT_DETAIL, id.detail);
}
