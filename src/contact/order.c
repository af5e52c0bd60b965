#include "contact/order.h"

#include "base/err.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

enum { VERSION = 1, ENTRY_HEAD = 5, CUT_ROOM = ENTRY_HEAD };

enum entry { ENTRY_RESOLUTION = 1, ENTRY_BLOCK, ENTRY_MANUAL, ENTRY_CHECK, ENTRY_ORIGIN, ENTRY_CUT, ENTRY_LIMIT };

/* ---- writing ---- */

/* At most `most` bytes, cut at a character's border, never with a NUL in it. */
static struct span fit(struct span text, size_t most)
{
    if (text.at == NULL)
        return (struct span){0};
    text = span_part(text, 0, most);
    text.len = text_utf8_valid(text);
    text.len = span_find(text, 0);
    return text;
}

static void put_text(struct buf *out, struct span text, size_t width, size_t most)
{
    text = fit(text, most);
    buf_be(out, text.len, width);
    buf_span(out, text);
}

static void put_prefix(struct buf *out, struct prefix prefix)
{
    buf_put(out, prefix.addr.bytes, sizeof prefix.addr.bytes);
    buf_be(out, prefix.bits, 1);
}

void contact_order_encode(struct buf *out, const struct contact_order *order)
{
    assert(order->cause.len <= CONTACT_ORDER_CAUSE_MAX && order->domain.len <= CONTACT_ORDER_DOMAIN_MAX);
    assert(order->channel_count <= CONTACT_ORDER_CHANNELS_MAX);
    buf_be(out, VERSION, 1);
    buf_put(out, order->addr.bytes, sizeof order->addr.bytes);
    buf_be(out, (uint64_t)order->when, 8);
    buf_be(out, order->flags, 1);
    put_text(out, order->cause, 1, CONTACT_ORDER_CAUSE_MAX);
    put_text(out, order->domain, 1, CONTACT_ORDER_DOMAIN_MAX);
    buf_be(out, order->channel_count, 1);
    for (size_t i = 0; i < order->channel_count; i++) {
        assert(order->channels[i].len <= CONTACT_ORDER_CHANNEL_MAX);
        put_text(out, order->channels[i], 1, CONTACT_ORDER_CHANNEL_MAX);
    }
}

/* An entry is written behind room for its head; end_entry takes it back when it does not fit. */
static size_t begin_entry(struct buf *out, enum entry kind)
{
    size_t start = out->len;
    buf_be(out, (uint64_t)kind, 1);
    buf_be(out, 0, 4);
    return start;
}

static int end_entry(struct buf *out, size_t start, size_t room)
{
    if (out->error != 0)
        return out->error;
    if (out->len > CONTACT_ORDER_SIZE_MAX - room) {
        out->len = start;
        return -ERR_LIMIT;
    }
    size_t len = out->len - start - ENTRY_HEAD;
    for (size_t i = 0; i < 4; i++)
        out->data[start + 1 + i] = (uint8_t)(len >> (24 - 8 * i));
    return 0;
}

int contact_order_add_resolution(struct buf *out, const struct contact_resolution *row)
{
    size_t start = begin_entry(out, ENTRY_RESOLUTION);
    buf_be(out, row->type, 2);
    buf_be(out, row->count, 8);
    buf_be(out, (uint64_t)row->first, 8);
    buf_be(out, (uint64_t)row->last, 8);
    put_text(out, row->name, 1, CONTACT_ORDER_DOMAIN_MAX);
    put_text(out, row->data, 2, CONTACT_ORDER_DATA_MAX);
    return end_entry(out, start, CUT_ROOM);
}

static void put_finding(struct buf *out, const struct finding *finding)
{
    buf_be(out, (uint64_t)finding->kind, 1);
    buf_be(out, (uint64_t)finding->role, 1);
    buf_be(out, (uint64_t)finding->objection, 1);
    buf_be(out, finding->rank > UINT16_MAX ? UINT16_MAX : finding->rank, 2);
    put_prefix(out, finding->block);
    const struct span texts[] = {finding->value, finding->attribute, finding->evidence, finding->origin, finding->holder};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        put_text(out, texts[i], 2, CONTACT_ORDER_TEXT_MAX);
}

int contact_order_add_block(struct buf *out, const struct contact_block *block)
{
    size_t start = begin_entry(out, ENTRY_BLOCK);
    size_t count = block->finding_count < CONTACT_ORDER_FINDINGS_MAX ? block->finding_count : CONTACT_ORDER_FINDINGS_MAX;
    put_prefix(out, block->block);
    buf_be(out, (uint64_t)block->expires, 8);
    put_text(out, block->channel, 1, CONTACT_ORDER_CHANNEL_MAX);
    put_text(out, block->server, 1, CONTACT_ORDER_DOMAIN_MAX);
    put_text(out, block->holder, 2, CONTACT_ORDER_TEXT_MAX);
    buf_be(out, count, 2);
    for (size_t i = 0; i < count; i++)
        put_finding(out, &block->findings[i]);
    return end_entry(out, start, CUT_ROOM);
}

int contact_order_add_manual(struct buf *out, const struct contact_manual *manual)
{
    size_t start = begin_entry(out, ENTRY_MANUAL);
    buf_be(out, (uint64_t)manual->kind, 1);
    buf_be(out, (uint64_t)manual->role, 1);
    buf_be(out, (uint64_t)manual->entered, 8);
    buf_be(out, (uint64_t)manual->expires, 8);
    const struct span texts[] = {manual->value, manual->scope, manual->note, manual->who};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        put_text(out, texts[i], 2, CONTACT_ORDER_TEXT_MAX);
    return end_entry(out, start, CUT_ROOM);
}

int contact_order_add_check(struct buf *out, const struct contact_check *check)
{
    size_t start = begin_entry(out, ENTRY_CHECK);
    buf_be(out, (uint64_t)check->check.exists, 1);
    buf_be(out, (uint64_t)check->check.takes_messages, 1);
    buf_be(out, (uint64_t)check->check.owner_matches, 1);
    buf_be(out, (uint64_t)check->entered, 8);
    put_text(out, check->url, 2, CONTACT_ORDER_TEXT_MAX);
    put_text(out, check->who, 2, CONTACT_ORDER_TEXT_MAX);
    return end_entry(out, start, CUT_ROOM);
}

int contact_order_add_origin(struct buf *out, uint32_t as, struct span country)
{
    size_t start = begin_entry(out, ENTRY_ORIGIN);
    buf_be(out, as, 4);
    put_text(out, country.len == 2 ? country : (struct span){0}, 1, 2);
    return end_entry(out, start, CUT_ROOM);
}

int contact_order_add_cut(struct buf *out)
{
    size_t start = begin_entry(out, ENTRY_CUT);
    return end_entry(out, start, 0);
}

/* ---- reading ---- */

static struct span take_text(struct cursor *c, size_t width, size_t most)
{
    size_t len = (size_t)cursor_be(c, width);
    if (len > most)
        cursor_fail(c, -ERR_LIMIT);
    struct span text = cursor_take(c, len);
    if (text_utf8_valid(text) != text.len || span_find(text, 0) != text.len)
        cursor_fail(c, -ERR_MALFORMED);
    return c->error == 0 ? text : (struct span){0};
}

static struct prefix take_prefix(struct cursor *c)
{
    struct prefix prefix = {.bits = 0};
    cursor_copy(c, prefix.addr.bytes, sizeof prefix.addr.bytes);
    prefix.bits = cursor_u8(c);
    if (prefix.bits > 128)
        cursor_fail(c, -ERR_MALFORMED);
    for (unsigned bit = prefix.bits; c->error == 0 && bit < 128; bit++) {
        if ((prefix.addr.bytes[bit / 8] >> (7 - bit % 8) & 1) != 0)
            cursor_fail(c, -ERR_MALFORMED);
    }
    return c->error == 0 ? prefix : (struct prefix){.bits = 0};
}

static unsigned take_below(struct cursor *c, unsigned limit)
{
    unsigned value = cursor_u8(c);
    if (value >= limit)
        cursor_fail(c, -ERR_MALFORMED);
    return c->error == 0 ? value : 0;
}

static usec_t take_time(struct cursor *c)
{
    return (usec_t)cursor_be64(c);
}

static void take_resolution(struct cursor *c, struct contact_resolution *row)
{
    row->type = cursor_be16(c);
    row->count = cursor_be64(c);
    row->first = take_time(c);
    row->last = take_time(c);
    row->name = take_text(c, 1, CONTACT_ORDER_DOMAIN_MAX);
    row->data = take_text(c, 2, CONTACT_ORDER_DATA_MAX);
    if (row->name.len == 0)
        cursor_fail(c, -ERR_MALFORMED);
}

static void take_finding(struct cursor *c, struct finding *finding)
{
    finding->kind = (enum contact_kind)take_below(c, CONTACT_KIND_COUNT);
    finding->role = (enum contact_role)take_below(c, CONTACT_ROLE_COUNT);
    finding->objection = (enum objection)take_below(c, OBJECTION_COUNT);
    finding->rank = cursor_be16(c);
    finding->block = take_prefix(c);
    struct span *const texts[] = {&finding->value, &finding->attribute, &finding->evidence, &finding->origin, &finding->holder};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *texts[i] = take_text(c, 2, CONTACT_ORDER_TEXT_MAX);
}

static void take_block(struct cursor *c, struct arena *arena, struct contact_block *block)
{
    enum { FINDING_LEAST = 32 }; /* bytes of an empty one: a count is not believed beyond what is there */
    block->block = take_prefix(c);
    block->expires = take_time(c);
    block->channel = take_text(c, 1, CONTACT_ORDER_CHANNEL_MAX);
    block->server = take_text(c, 1, CONTACT_ORDER_DOMAIN_MAX);
    block->holder = take_text(c, 2, CONTACT_ORDER_TEXT_MAX);
    size_t count = cursor_be16(c);
    if (count > CONTACT_ORDER_FINDINGS_MAX)
        cursor_fail(c, -ERR_LIMIT);
    if (c->error == 0 && count > cursor_left(c) / FINDING_LEAST)
        cursor_fail(c, -ERR_TRUNCATED);
    if (c->error != 0 || count == 0)
        return;
    block->findings = arena_alloc(arena, count * sizeof block->findings[0]);
    if (block->findings == NULL) {
        cursor_fail(c, -ENOMEM);
        return;
    }
    block->finding_count = count;
    for (size_t i = 0; i < count; i++)
        take_finding(c, &block->findings[i]);
}

static void take_manual(struct cursor *c, struct contact_manual *manual)
{
    manual->kind = (enum contact_kind)take_below(c, CONTACT_KIND_COUNT);
    manual->role = (enum contact_role)take_below(c, CONTACT_ROLE_COUNT);
    manual->entered = take_time(c);
    manual->expires = take_time(c);
    struct span *const texts[] = {&manual->value, &manual->scope, &manual->note, &manual->who};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *texts[i] = take_text(c, 2, CONTACT_ORDER_TEXT_MAX);
}

static void take_check(struct cursor *c, struct contact_check *check)
{
    check->check.exists = (enum known)take_below(c, KNOWN_NOT + 1);
    check->check.takes_messages = (enum known)take_below(c, KNOWN_NOT + 1);
    check->check.owner_matches = (enum known)take_below(c, KNOWN_NOT + 1);
    check->entered = take_time(c);
    check->url = take_text(c, 2, CONTACT_ORDER_TEXT_MAX);
    check->who = take_text(c, 2, CONTACT_ORDER_TEXT_MAX);
}

static void take_order(struct cursor *c, struct contact_order *order)
{
    cursor_copy(c, order->addr.bytes, sizeof order->addr.bytes);
    order->when = take_time(c);
    order->flags = cursor_u8(c);
    order->cause = take_text(c, 1, CONTACT_ORDER_CAUSE_MAX);
    order->domain = take_text(c, 1, CONTACT_ORDER_DOMAIN_MAX);
    order->channel_count = cursor_u8(c);
    if (order->channel_count > CONTACT_ORDER_CHANNELS_MAX)
        cursor_fail(c, -ERR_LIMIT);
    for (size_t i = 0; c->error == 0 && i < order->channel_count; i++)
        order->channels[i] = take_text(c, 1, CONTACT_ORDER_CHANNEL_MAX);
}

/* How many entries of each kind there are; their frames are whole after this. */
static int count_entries(struct cursor c, size_t counts[static ENTRY_LIMIT])
{
    static const size_t most[ENTRY_LIMIT] = {
        0, CONTACT_ORDER_RESOLUTIONS_MAX, CONTACT_ORDER_BLOCKS_MAX, CONTACT_ORDER_MANUALS_MAX, CONTACT_ORDER_CHECKS_MAX, 1, 1};
    while (c.error == 0 && cursor_left(&c) > 0) {
        unsigned kind = cursor_u8(&c);
        size_t len = cursor_be32(&c);
        (void)cursor_take(&c, len);
        if (kind == 0 || kind >= ENTRY_LIMIT)
            return -ERR_MALFORMED;
        if (++counts[kind] > most[kind])
            return -ERR_LIMIT;
    }
    return c.error != 0 ? -ERR_MALFORMED : 0;
}

struct places {
    struct contact_resolution *resolutions;
    struct contact_block *blocks;
    struct contact_manual *manuals;
    struct contact_check *checks;
};

static int make_places(struct arena *arena, const size_t counts[static ENTRY_LIMIT], struct places *ret)
{
    *ret = (struct places){
        .resolutions = arena_alloc(arena, (counts[ENTRY_RESOLUTION] + 1) * sizeof *ret->resolutions),
        .blocks = arena_alloc(arena, (counts[ENTRY_BLOCK] + 1) * sizeof *ret->blocks),
        .manuals = arena_alloc(arena, (counts[ENTRY_MANUAL] + 1) * sizeof *ret->manuals),
        .checks = arena_alloc(arena, (counts[ENTRY_CHECK] + 1) * sizeof *ret->checks),
    };
    return ret->resolutions == NULL || ret->blocks == NULL || ret->manuals == NULL || ret->checks == NULL ? -ENOMEM : 0;
}

static int take_entry(struct cursor *all, struct arena *arena, struct places *places, struct contact_order *order)
{
    enum entry kind = (enum entry)cursor_u8(all);
    struct cursor c = cursor_of(cursor_take(all, cursor_be32(all)));
    switch (kind) {
    case ENTRY_RESOLUTION:
        take_resolution(&c, &places->resolutions[order->resolution_count++]);
        break;
    case ENTRY_BLOCK:
        take_block(&c, arena, &places->blocks[order->block_count++]);
        break;
    case ENTRY_MANUAL:
        take_manual(&c, &places->manuals[order->manual_count++]);
        break;
    case ENTRY_CHECK:
        take_check(&c, &places->checks[order->check_count++]);
        break;
    case ENTRY_ORIGIN:
        order->as = cursor_be32(&c);
        order->country = take_text(&c, 1, 2);
        if (order->country.len == 1)
            cursor_fail(&c, -ERR_MALFORMED);
        break;
    case ENTRY_CUT:
        order->cut = true;
        break;
    case ENTRY_LIMIT:
        break;
    }
    if (c.error == -ENOMEM || c.error == -ERR_LIMIT)
        return c.error;
    return c.error != 0 || cursor_left(&c) != 0 ? -ERR_MALFORMED : 0;
}

int contact_order_decode(struct arena *arena, struct span input, struct contact_order *ret)
{
    if (input.len > CONTACT_ORDER_SIZE_MAX)
        return -ERR_LIMIT;
    struct cursor c = cursor_of(input);
    struct contact_order order = {.channel_count = 0};
    if (cursor_u8(&c) != VERSION)
        return input.len == 0 ? -ERR_MALFORMED : -ERR_VERSION;
    take_order(&c, &order);
    if (c.error != 0)
        return c.error == -ERR_LIMIT ? c.error : -ERR_MALFORMED;
    size_t counts[ENTRY_LIMIT] = {0};
    struct places places;
    int r = count_entries(c, counts);
    if (r == 0)
        r = make_places(arena, counts, &places);
    while (r == 0 && cursor_left(&c) > 0)
        r = take_entry(&c, arena, &places, &order);
    if (r != 0)
        return r;
    order.resolutions = places.resolutions;
    order.blocks = places.blocks;
    order.manuals = places.manuals;
    order.checks = places.checks;
    *ret = order;
    return 0;
}

char *contact_order_key(const struct contact_order *order, char text[static CONTACT_ORDER_KEY_SIZE])
{
    char addr[ADDR_TEXT_SIZE];
    struct span target = order->domain.len > 0 ? order->domain : span_text(addr_print(order->addr, addr));
    (void)snprintf(text, CONTACT_ORDER_KEY_SIZE, "contact %.*s %.*s", (int)target.len, (const char *)target.at, (int)order->cause.len,
                   (const char *)order->cause.at);
    return text;
}
