#include "record/wire.h"

#include "base/text.h"

#include <assert.h>

static void encode_endpoint(struct buf *out, const struct endpoint *e)
{
    buf_put(out, e->addr.bytes, sizeof e->addr.bytes);
    buf_be(out, e->port, 2);
}

/* Cuts at a character's border: a UTF-8 sequence is never longer than four bytes. */
static struct span cut_utf8(struct span text, size_t most)
{
    if (text.len <= most)
        return text;
    size_t len = most;
    while (len > 0 && most - len < 4 && (text.at[len] & 0xc0) == 0x80)
        len--;
    return span_part(text, 0, len);
}

static void encode_text(struct buf *out, struct span text)
{
    text = span_part(text, 0, RECORD_TEXT_MAX);
    if (text_utf8_valid(text) == text.len && (text.len == 0 || memchr(text.at, '\0', text.len) == NULL)) {
        buf_varint(out, text.len);
        buf_span(out, text);
        return;
    }
    struct buf clean;
    buf_init(&clean, RECORD_TEXT_MAX * 4);
    text_to_utf8(&clean, text);
    struct span whole = cut_utf8(buf_as_span(&clean), RECORD_TEXT_MAX);
    if (clean.error != 0 && out->error == 0)
        out->error = clean.error;
    buf_varint(out, whole.len);
    buf_span(out, whole);
    buf_done(&clean);
}

static void encode_fact(struct buf *out, const struct fact *fact)
{
    const struct fact_info *info = fact_info((unsigned)fact->name);
    buf_be(out, (uint64_t)fact->name, 2);
    switch (info->type) {
    case FACT_TYPE_TEXT:
        encode_text(out, fact->text);
        break;
    case FACT_TYPE_BYTES:
        buf_varint(out, fact->text.len);
        buf_span(out, fact->text);
        break;
    case FACT_TYPE_INT:
        buf_be(out, (uint64_t)fact->number, 8);
        break;
    case FACT_TYPE_ADDR:
        buf_put(out, fact->addr.bytes, sizeof fact->addr.bytes);
        break;
    }
}

static void assert_record(const struct record *record)
{
    assert(kind_info((unsigned)record->kind) != NULL);
    assert(record->sensor.len >= 1 && record->sensor.len <= RECORD_SENSOR_MAX);
    assert(record->fact_count <= RECORD_FACTS_MAX);
    for (size_t i = 0; i < record->fact_count; i++) {
        assert(kind_has(record->kind, record->facts[i].name));
        for (size_t before = 0; before < i; before++)
            assert(record->facts[before].name != record->facts[i].name);
    }
}

void wire_encode(struct buf *out, const struct record *record)
{
    assert_record(record);
    size_t start = out->len;
    buf_be(out, 0, 4);
    buf_byte(out, WIRE_VERSION);
    buf_put(out, record->id.bytes, sizeof record->id.bytes);
    buf_be(out, (uint64_t)record->time, 8);
    buf_byte(out, (uint8_t)record->kind);
    buf_byte(out, (uint8_t)record->transport);
    encode_endpoint(out, &record->source);
    encode_endpoint(out, &record->destination);
    buf_put(out, record->session.bytes, sizeof record->session.bytes);
    buf_byte(out, (uint8_t)record->sensor.len);
    buf_span(out, record->sensor);
    buf_byte(out, (uint8_t)record->fact_count);
    for (size_t i = 0; i < record->fact_count; i++)
        encode_fact(out, &record->facts[i]);
    if (out->error != 0)
        return;
    size_t len = out->len - start - 4;
    if (len > RECORD_SIZE_MAX) {
        out->len = start;
        out->error = -ERR_LIMIT;
        return;
    }
    for (size_t i = 0; i < 4; i++)
        out->data[start + i] = (uint8_t)(len >> (8 * (3 - i)));
}

static void decode_endpoint(struct cursor *c, struct endpoint *ret)
{
    cursor_copy(c, ret->addr.bytes, sizeof ret->addr.bytes);
    ret->port = cursor_be16(c);
}

static void decode_id(struct cursor *c, struct id *ret)
{
    cursor_copy(c, ret->bytes, sizeof ret->bytes);
}

static bool clean_text(struct span text)
{
    return text_utf8_valid(text) == text.len && (text.len == 0 || memchr(text.at, '\0', text.len) == NULL);
}

static void decode_fact(struct cursor *c, struct fact *ret)
{
    const struct fact_info *info = fact_info(cursor_be16(c));
    if (info == NULL) {
        cursor_fail(c, -ERR_MALFORMED);
        return;
    }
    ret->name = info->name;
    switch (info->type) {
    case FACT_TYPE_TEXT:
        ret->text = cursor_take(c, (size_t)cursor_varint(c));
        if (ret->text.len > RECORD_TEXT_MAX || !clean_text(ret->text))
            cursor_fail(c, -ERR_MALFORMED);
        break;
    case FACT_TYPE_BYTES:
        ret->text = cursor_take(c, (size_t)cursor_varint(c));
        break;
    case FACT_TYPE_INT:
        ret->number = (int64_t)cursor_be64(c);
        break;
    case FACT_TYPE_ADDR:
        cursor_copy(c, ret->addr.bytes, sizeof ret->addr.bytes);
        break;
    }
}

static int decode_facts(struct cursor *c, struct record *ret, struct fact *facts)
{
    size_t count = cursor_u8(c);
    if (count > RECORD_FACTS_MAX)
        return -ERR_LIMIT;
    uint64_t seen[(FACT_LIMIT + 63) / 64] = {0};
    for (size_t i = 0; i < count; i++) {
        decode_fact(c, &facts[i]);
        if (c->error != 0)
            return -ERR_MALFORMED;
        unsigned name = (unsigned)facts[i].name;
        if (!kind_has(ret->kind, facts[i].name) || (seen[name / 64] >> (name % 64) & 1U) != 0)
            return -ERR_MALFORMED;
        seen[name / 64] |= UINT64_C(1) << (name % 64);
    }
    ret->facts = facts;
    ret->fact_count = count;
    return 0;
}

int wire_decode(struct cursor *from, struct record *ret, struct fact facts[static RECORD_FACTS_MAX])
{
    struct cursor whole = *from;
    size_t len = cursor_be32(&whole);
    if (whole.error != 0)
        return -ERR_TRUNCATED;
    if (len > RECORD_SIZE_MAX)
        return -ERR_LIMIT;
    struct span frame = cursor_take(&whole, len);
    if (whole.error != 0)
        return -ERR_TRUNCATED;
    struct cursor c = cursor_of(frame);
    if (cursor_u8(&c) != WIRE_VERSION)
        return c.error != 0 ? -ERR_MALFORMED : -ERR_VERSION;
    struct record record = {0};
    decode_id(&c, &record.id);
    record.time = (usec_t)cursor_be64(&c);
    unsigned kind = cursor_u8(&c);
    unsigned transport = cursor_u8(&c);
    decode_endpoint(&c, &record.source);
    decode_endpoint(&c, &record.destination);
    decode_id(&c, &record.session);
    record.sensor = cursor_take(&c, cursor_u8(&c));
    if (c.error != 0 || kind_info(kind) == NULL || transport > TRANSPORT_ICMP || record.sensor.len < 1 || record.sensor.len > RECORD_SENSOR_MAX ||
        !clean_text(record.sensor))
        return -ERR_MALFORMED;
    record.kind = (enum kind)kind;
    record.transport = (enum transport)transport;
    int r = decode_facts(&c, &record, facts);
    if (r != 0)
        return r;
    if (c.error != 0 || cursor_left(&c) > 0)
        return -ERR_MALFORMED;
    *from = whole;
    *ret = record;
    return 0;
}
