#include "analyse/engine.h"

#include "base/cursor.h"
#include "base/hash.h"
#include "record/wire.h"
#include "store/blob.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

enum { SAVED_VERSION = 1, KEY_SIZE = 16, HEAD_SIZE = KEY_SIZE + 8 };

/* Before each state. */
struct head {
    uint8_t key[KEY_SIZE]; /* an address or a session's id */
    int64_t window;
    uint32_t next; /* in its chain: index + 1, 0: last */
    uint32_t used; /* 0: this place is free */
};

/* One rule's states: places are taken in a circle, so the oldest give way; found by chains. */
struct table {
    const struct rule *rule;
    size_t entry_size;
    uint8_t *entries;
    size_t room, hand; /* places allocated; the next to take */
    uint32_t *chains;  /* index + 1 of the first */
    size_t chain_count;
};

struct engine {
    struct hash_key secret;
    const struct background *background;
    size_t count;
    struct table *tables;
    uint64_t wants;
};

static struct head *head_at(const struct table *t, size_t index)
{
    return (struct head *)(void *)(t->entries + index * t->entry_size);
}

static size_t chain_of(const struct engine *engine, const struct table *t, const uint8_t *key, int64_t window)
{
    uint8_t both[HEAD_SIZE];
    memcpy(both, key, KEY_SIZE);
    memcpy(both + KEY_SIZE, &window, sizeof window);
    return (size_t)hash_bytes(&engine->secret, span_of(both, sizeof both)) & (t->chain_count - 1);
}

static int table_init(struct table *t, const struct rule *rule)
{
    assert(rule->state_size <= RULE_STATE_MAX && rule->states_max > 0);
    t->rule = rule;
    t->entry_size = sizeof(struct head) + (rule->state_size + 7) / 8 * 8;
    t->chain_count = 64;
    while (t->chain_count < rule->states_max)
        t->chain_count *= 2;
    t->chains = calloc(t->chain_count, sizeof *t->chains);
    return t->chains != NULL ? 0 : -ENOMEM;
}

int engine_new(struct engine **ret, const struct rule *const *rules, size_t count, const struct background *background)
{
    static const struct background none;
    struct engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL)
        return -ENOMEM;
    engine->background = background != NULL ? background : &none;
    engine->tables = calloc(count > 0 ? count : 1, sizeof *engine->tables);
    int r = engine->tables == NULL ? -ENOMEM : 0;
    if (r == 0 && getrandom(&engine->secret, sizeof engine->secret, 0) != (ssize_t)sizeof engine->secret)
        r = -EIO;
    for (size_t i = 0; i < count && r == 0; i++) {
        r = table_init(&engine->tables[i], rules[i]);
        engine->count++;
        engine->wants |= rules[i]->wants;
    }
    if (r != 0) {
        engine_free(engine);
        return r;
    }
    *ret = engine;
    return 0;
}

void engine_free(struct engine *engine)
{
    if (engine == NULL)
        return;
    for (size_t i = 0; i < engine->count; i++) {
        free(engine->tables[i].entries);
        free(engine->tables[i].chains);
    }
    free(engine->tables);
    free(engine);
}

uint64_t engine_wants(const struct engine *engine)
{
    return engine->wants;
}

static void unlink_place(struct engine *engine, struct table *t, size_t index)
{
    struct head *head = head_at(t, index);
    uint32_t *link = &t->chains[chain_of(engine, t, head->key, head->window)];
    while (*link != index + 1)
        link = &head_at(t, *link - 1)->next;
    *link = head->next;
    head->used = 0;
}

/* The next place of the circle, emptied; NULL when memory is short. */
static struct head *take_place(struct engine *engine, struct table *t, size_t *ret_index)
{
    if (t->hand == t->room && t->room < t->rule->states_max) {
        size_t room = t->room == 0 ? 64 : t->room * 2;
        if (room > t->rule->states_max)
            room = t->rule->states_max;
        uint8_t *more = realloc(t->entries, room * t->entry_size);
        if (more == NULL)
            return NULL;
        memset(more + t->room * t->entry_size, 0, (room - t->room) * t->entry_size);
        t->entries = more;
        t->room = room;
    }
    if (t->hand == t->room)
        t->hand = 0;
    size_t index = t->hand++;
    if (head_at(t, index)->used != 0)
        unlink_place(engine, t, index);
    memset(head_at(t, index), 0, t->entry_size);
    *ret_index = index;
    return head_at(t, index);
}

/* The state of a key and window, made when new; NULL when memory is short. */
static void *state_of(struct engine *engine, struct table *t, const uint8_t *key, int64_t window)
{
    size_t chain = chain_of(engine, t, key, window);
    for (uint32_t at = t->chains[chain]; at != 0; at = head_at(t, at - 1)->next) {
        struct head *head = head_at(t, at - 1);
        if (head->window == window && memcmp(head->key, key, KEY_SIZE) == 0)
            return head + 1;
    }
    size_t index;
    struct head *head = take_place(engine, t, &index);
    if (head == NULL)
        return NULL;
    memcpy(head->key, key, KEY_SIZE);
    head->window = window;
    head->used = 1;
    head->next = t->chains[chain];
    t->chains[chain] = (uint32_t)index + 1;
    return head + 1;
}

static uint64_t view_hash(const struct view *view, struct span bytes)
{
    return hash_bytes(view->secret, bytes);
}

/* SHA-256 over rule, finding, key, window and what it is about; the time is the window's start, or the session's, unless the record lies an hour off.
 */
static int finding_id(const struct rule *rule, const uint8_t *key, int64_t window, const struct verdict *verdict, const struct record *record,
                      struct id *ret)
{
    struct buf what;
    uint8_t digest[BLOB_HASH_LEN];
    buf_init(&what, 4096);
    buf_printf(&what, "%s/%s/", rule->name, verdict->finding);
    buf_put(&what, key, KEY_SIZE);
    buf_be(&what, (uint64_t)window, 8);
    if (verdict->about != 0)
        buf_be(&what, verdict->about, 8);
    int r = what.error != 0 ? what.error : blob_hash(buf_as_span(&what), digest);
    buf_done(&what);
    if (r != 0)
        return r;
    usec_t start = rule->window > 0 ? window * rule->window : id_time(record->session);
    usec_t apart = record->time > start ? record->time - start : start - record->time;
    *ret = id_digest(apart < USEC_PER_HOUR ? start : record->time, span_of(digest, sizeof digest));
    return 0;
}

/* The probed host is the destination of these. */
static bool is_of_destination(enum kind kind)
{
    return kind == KIND_DIAL || kind == KIND_ANSWER || kind == KIND_VISIT || kind == KIND_DEVICE || kind == KIND_LISTING;
}

struct addr record_host(const struct record *record)
{
    return is_of_destination(record->kind) ? record->destination.addr : record->source.addr;
}

static int state_finding(const struct rule *rule, const uint8_t *key, int64_t window, const struct verdict *verdict, const struct record *record,
                         struct buf *frames)
{
    struct fact facts[5];
    size_t count = 0;
    facts[count++] = fact_text(FACT_RULE, span_text(rule->name));
    facts[count++] = fact_text(FACT_FINDING, span_text(verdict->finding));
    facts[count++] = fact_text(FACT_EVIDENCE, span_text(verdict->evidence));
    if (verdict->count != 0)
        facts[count++] = fact_int(FACT_COUNT, verdict->count);
    const struct fact *protocol = record_fact(record, FACT_NETWORK_PROTOCOL);
    if (protocol != NULL)
        facts[count++] = *protocol;
    struct record finding = *record;
    finding.kind = KIND_FINDING;
    if (verdict->network.port != 0) {
        finding.source = (struct endpoint){.port = 0};
        finding.destination = verdict->network;
    } else if (is_of_destination(record->kind)) {
        finding.source = (struct endpoint){.addr = record->destination.addr};
        finding.destination = (struct endpoint){.port = record->destination.port};
    }
    finding.facts = facts;
    finding.fact_count = count;
    int r = finding_id(rule, key, window, verdict, record, &finding.id);
    if (r != 0)
        return r;
    wire_encode(frames, &finding);
    return frames->error;
}

/* A record without that key is not the rule's. */
static bool key_of(const struct rule *rule, const struct record *record, uint8_t key[static KEY_SIZE])
{
    static const uint8_t none[KEY_SIZE];
    struct addr host = record_host(record);
    switch (rule->by) {
    case RULE_BY_SOURCE:
        memcpy(key, record->source.addr.bytes, KEY_SIZE);
        break;
    case RULE_BY_SESSION:
        memcpy(key, record->session.bytes, KEY_SIZE);
        break;
    case RULE_BY_NETWORK: {
        size_t kept = addr_is_v4(host) ? 14 : 4;
        memset(key, 0, KEY_SIZE);
        if (memcmp(host.bytes, none, KEY_SIZE) != 0)
            memcpy(key, host.bytes, kept);
        break;
    }
    }
    return memcmp(key, none, KEY_SIZE) != 0;
}

int engine_judge(struct engine *engine, const struct record *record, struct buf *frames, struct buf *tasks, size_t *ret_findings)
{
    size_t findings = 0;
    for (size_t i = 0; i < engine->count; i++) {
        struct table *t = &engine->tables[i];
        uint8_t key[KEY_SIZE];
        if ((t->rule->wants >> (unsigned)record->kind & 1U) == 0 || !key_of(t->rule, record, key))
            continue;
        int64_t window = t->rule->window > 0 ? record->time / t->rule->window : 0;
        void *state = state_of(engine, t, key, window);
        if (state == NULL)
            return -ENOMEM;
        const struct view view = {.state = state, .hash = view_hash, .secret = &engine->secret, .background = engine->background};
        struct verdict verdict = {.finding = NULL, .tasks = tasks};
        t->rule->judge(&view, record, &verdict);
        if (tasks->error != 0)
            return tasks->error;
        if (verdict.finding == NULL)
            continue;
        int r = state_finding(t->rule, key, window, &verdict, record, frames);
        if (r != 0)
            return r;
        findings++;
    }
    *ret_findings = findings;
    return 0;
}

/* ---- saving ---- */

static size_t used_of(const struct table *t)
{
    size_t used = 0;
    for (size_t at = 0; at < t->room; at++)
        used += head_at(t, at)->used;
    return used;
}

/* The newest `count` of its states, oldest first. */
static void save_table(const struct table *t, size_t count, struct buf *out)
{
    size_t skip = used_of(t) - count;
    buf_byte(out, (uint8_t)strlen(t->rule->name));
    buf_text(out, t->rule->name);
    buf_be(out, t->rule->state_size, 2);
    buf_be(out, count, 4);
    for (size_t at = 0; at < t->room; at++) {
        const struct head *head = head_at(t, (t->hand + at) % t->room);
        if (head->used == 0 || (skip > 0 && skip-- > 0))
            continue;
        buf_put(out, head->key, KEY_SIZE);
        buf_be(out, (uint64_t)head->window, 8);
        buf_put(out, head + 1, t->rule->state_size);
    }
}

/* u8 version · 16 secret · per rule: u8 length + name · u16 state size · u32 count · count times: 16 key · i64 window · state; oldest first. Where
 * not all have room, each rule gives up the same part of its own. */
void engine_save(const struct engine *engine, struct buf *out)
{
    uint64_t all = 0;
    buf_byte(out, SAVED_VERSION);
    buf_put(out, &engine->secret, sizeof engine->secret);
    for (size_t i = 0; i < engine->count; i++)
        all += (uint64_t)used_of(&engine->tables[i]) * (HEAD_SIZE + engine->tables[i].rule->state_size);
    for (size_t i = 0; i < engine->count; i++) {
        uint64_t used = used_of(&engine->tables[i]);
        save_table(&engine->tables[i], (size_t)(all > ENGINE_SAVED_MAX ? used * ENGINE_SAVED_MAX / all : used), out);
    }
}

static struct table *table_named(struct engine *engine, struct span name, size_t state_size)
{
    for (size_t i = 0; i < engine->count; i++) {
        if (span_is(name, engine->tables[i].rule->name) && engine->tables[i].rule->state_size == state_size)
            return &engine->tables[i];
    }
    return NULL;
}

static void forget_all(struct engine *engine)
{
    for (size_t i = 0; i < engine->count; i++) {
        struct table *t = &engine->tables[i];
        free(t->entries);
        t->entries = NULL;
        t->room = t->hand = 0;
        memset(t->chains, 0, t->chain_count * sizeof *t->chains);
    }
}

static int load(struct engine *engine, struct cursor *c)
{
    if (cursor_u8(c) != SAVED_VERSION)
        return -ERR_MALFORMED;
    cursor_copy(c, &engine->secret, sizeof engine->secret);
    while (cursor_left(c) > 0) {
        struct span name = cursor_take(c, cursor_u8(c));
        size_t state_size = cursor_be16(c), count = cursor_be32(c);
        struct table *t = table_named(engine, name, state_size);
        for (size_t i = 0; i < count && c->error == 0; i++) {
            uint8_t key[KEY_SIZE] = {0};
            cursor_copy(c, key, sizeof key);
            int64_t window = (int64_t)cursor_be64(c);
            struct span bytes = cursor_take(c, state_size);
            if (c->error != 0 || t == NULL)
                continue;
            void *state = state_of(engine, t, key, window);
            if (state == NULL)
                return -ENOMEM;
            memcpy(state, bytes.at, bytes.len);
        }
    }
    return c->error != 0 ? -ERR_MALFORMED : 0;
}

int engine_load(struct engine *engine, struct span saved)
{
    forget_all(engine);
    struct cursor c = cursor_of(saved);
    int r = saved.len > 0 ? load(engine, &c) : 0;
    if (r != 0)
        forget_all(engine);
    return r;
}
