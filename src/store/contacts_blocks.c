/*
 * The netblock cache: what a quest's channel found for an address holds for the whole block that its QUEST record states, as long as every answer on
 * the way was a good one and the channel owes nothing.
 */
#include "store/contacts_parts.h"

#include "base/err.h"
#include "contact/order.h"

#include <errno.h>

/* Channels whose findings are of a block, not of the address alone. */
static const char *const block_channels[] = {"ip_whois", "rdap"};
enum { BLOCK_CHANNELS = 2, BITS_LEAST_V4 = 96 + 6, BITS_LEAST_V6 = 12, MEMORY_MAX = 4 * 1024 * 1024 };

static bool is_among(struct span list, const char *word)
{
    while (list.len > 0) {
        size_t end = span_find(list, ',');
        if (span_is(span_part(list, 0, end), word))
            return true;
        list = span_part(list, end + 1, list.len);
        while (list.len > 0 && list.at[0] == ' ')
            list = span_part(list, 1, list.len);
    }
    return false;
}

static bool plain_address(const struct told_record *told)
{
    static const struct addr none;
    return !addr_equal(told->address, none) && !id_is_zero(told->session);
}

int contacts_block_heard(struct contacts *contacts, const struct told_record *told)
{
    struct span channels = told_text(contacts, told, FACT_CHANNEL), state = told_text(contacts, told, FACT_LOOKUP_STATE);
    struct span server = span_part(told_text(contacts, told, FACT_LOOKUP_SERVER), 0, CONTACT_NAME_MAX);
    struct span holder = told_text(contacts, told, FACT_HOLDER);
    struct prefix block = {.bits = 0};
    bool bad = !span_is(state, "good") && !span_is(state, "empty") && !span_is(state, "answered");
    int r = 0;
    if (!plain_address(told) || contacts->limits.cache <= 0)
        return 0;
    if (!contacts_prefix(told_text(contacts, told, FACT_BLOCK), &block) || !prefix_holds(block, told->address))
        block.bits = 0;
    for (size_t i = 0; i < BLOCK_CHANNELS && r == 0; i++) {
        sqlite3_stmt *put = contacts->statements[PUT_QUEST_ANSWER];
        if (!is_among(channels, block_channels[i]))
            continue;
        db_bind_bytes(put, 1, span_of(told->session.bytes, sizeof told->session.bytes));
        db_bind_span(put, 2, span_text(block_channels[i]));
        db_bind_span(put, 3, server.len > 0 ? server : span_text(""));
        db_bind_span(put, 4, holder.len > 0 ? holder : span_text(""));
        (void)sqlite3_bind_int(put, 5, block.bits);
        (void)sqlite3_bind_int(put, 6, bad);
        (void)sqlite3_bind_int64(put, 7, told->time);
        r = db_done(put);
    }
    return r;
}

struct kept_block {
    struct span channel, server, holder;
    struct prefix prefix;
};

static struct span copy(struct arena *arena, struct span text)
{
    char *at = arena_copy(arena, text);
    return span_of(at, at != NULL ? text.len : 0);
}

static int read_finding(sqlite3_stmt *select, struct arena *arena, struct finding *finding)
{
    int kind = contact_kind_by_text(db_span(select, 0)), role = contact_role_by_text(db_span(select, 2)),
        objection = objection_by_text(db_span(select, 3));
    *finding = (struct finding){.kind = kind >= 0 ? (enum contact_kind)kind : CONTACT_MAIL,
                                .role = role >= 0 ? (enum contact_role)role : CONTACT_ROLE_NONE,
                                .objection = objection >= 0 ? (enum objection)objection : OBJECTION_NONE,
                                .rank = (unsigned)sqlite3_column_int(select, 4),
                                .value = copy(arena, db_span(select, 1)),
                                .attribute = copy(arena, db_span(select, 5)),
                                .evidence = copy(arena, db_span(select, 6)),
                                .origin = copy(arena, db_span(select, 7)),
                                .holder = copy(arena, db_span(select, 8))};
    if (!contacts_prefix(db_span(select, 9), &finding->block))
        finding->block = (struct prefix){.bits = 0};
    return finding->value.len > 0 ? 0 : -ENOMEM;
}

static int read_findings(struct contacts *contacts, const struct told_record *quest, struct span channel, struct arena *arena,
                         struct contact_block *block)
{
    sqlite3_stmt *select = contacts->statements[READ_FINDINGS];
    int r;
    block->findings = arena_alloc(arena, CONTACT_ORDER_FINDINGS_MAX * sizeof block->findings[0]);
    if (block->findings == NULL)
        return -ENOMEM;
    db_bind_bytes(select, 1, span_of(quest->address.bytes, sizeof quest->address.bytes));
    db_bind_span(select, 2, span_text(""));
    db_bind_bytes(select, 3, span_of(quest->session.bytes, sizeof quest->session.bytes));
    db_bind_span(select, 4, channel);
    while ((r = db_row(select)) == 1 && block->finding_count < CONTACT_ORDER_FINDINGS_MAX) {
        r = read_finding(select, arena, &block->findings[block->finding_count++]);
        if (r != 0)
            break;
    }
    (void)sqlite3_reset(select);
    return r < 0 ? r : 0;
}

static int keep_block(struct contacts *contacts, const struct told_record *quest, const struct kept_block *kept, struct arena *arena)
{
    usec_t expires = quest->time + contacts->limits.cache;
    struct contact_block block = {
        .block = kept->prefix, .expires = expires, .channel = kept->channel, .server = kept->server, .holder = kept->holder};
    struct buf bytes;
    buf_init(&bytes, CONTACT_ORDER_SIZE_MAX);
    int r = read_findings(contacts, quest, kept->channel, arena, &block);
    if (r == 0)
        r = contact_order_add_block(&bytes, &block);
    if (r == 0) {
        sqlite3_stmt *put = contacts->statements[PUT_BLOCK];
        db_bind_bytes(put, 1, span_of(kept->prefix.addr.bytes, sizeof kept->prefix.addr.bytes));
        (void)sqlite3_bind_int(put, 2, kept->prefix.bits);
        db_bind_span(put, 3, kept->channel);
        db_bind_span(put, 4, kept->server);
        db_bind_span(put, 5, kept->holder);
        (void)sqlite3_bind_int64(put, 6, expires);
        (void)sqlite3_bind_int64(put, 7, quest->time);
        db_bind_bytes(put, 8, buf_as_span(&bytes));
        r = db_done(put);
    }
    buf_done(&bytes);
    return r == -ERR_LIMIT ? 0 : r; /* too much for one: it is asked again */
}

/* Did the channel owe something? Its debts begin with its name. */
static bool owes(struct span debts, struct span channel)
{
    while (debts.len > 0) {
        size_t end = span_find(debts, '\n');
        struct span line = span_part(debts, 0, end);
        if (span_equal(span_part(line, 0, channel.len), channel))
            return true;
        debts = span_part(debts, end + 1, debts.len);
    }
    return false;
}

/* The block for which a quest's answers hold; false: for none. */
static bool block_of(const struct contacts *contacts, const struct told_record *quest, struct prefix *ret)
{
    if (!plain_address(quest) || contacts->limits.cache <= 0 || span_is(told_text(contacts, quest, FACT_EVENT_OUTCOME), "failure"))
        return false;
    unsigned least = addr_is_v4(quest->address) ? BITS_LEAST_V4 : BITS_LEAST_V6;
    return contacts_prefix(told_text(contacts, quest, FACT_BLOCK), ret) && ret->bits >= least && prefix_holds(*ret, quest->address);
}

static int keep_blocks(struct contacts *contacts, const struct told_record *quest, struct prefix prefix)
{
    sqlite3_stmt *select = contacts->statements[READ_QUEST_ANSWERS];
    struct kept_block kept[BLOCK_CHANNELS];
    size_t count = 0;
    int r;
    struct arena arena;
    arena_init(&arena, MEMORY_MAX);
    db_bind_bytes(select, 1, span_of(quest->session.bytes, sizeof quest->session.bytes));
    while ((r = db_row(select)) == 1 && count < BLOCK_CHANNELS) {
        if (sqlite3_column_int(select, 3) != 0 || owes(told_text(contacts, quest, FACT_DEBTS), db_span(select, 0)))
            continue;
        kept[count++] = (struct kept_block){.prefix = prefix,
                                            .channel = copy(&arena, db_span(select, 0)),
                                            .server = copy(&arena, db_span(select, 1)),
                                            .holder = copy(&arena, db_span(select, 2))};
    }
    (void)sqlite3_reset(select);
    r = r < 0 ? r : 0;
    for (size_t i = 0; i < count && r == 0; i++)
        r = keep_block(contacts, quest, &kept[i], &arena);
    arena_done(&arena);
    return r;
}

int contacts_blocks_keep(struct contacts *contacts, const struct told_record *quest)
{
    sqlite3_stmt *drop = contacts->statements[DROP_QUEST_ANSWERS];
    struct prefix prefix;
    int r = block_of(contacts, quest, &prefix) ? keep_blocks(contacts, quest, prefix) : 0;
    if (r != 0)
        return r;
    db_bind_bytes(drop, 1, span_of(quest->session.bytes, sizeof quest->session.bytes));
    return db_done(drop);
}
