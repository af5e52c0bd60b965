/*
 * From sorted networks to segments: a sweep over their first addresses with the networks that are open on a stack, the innermost on top. What is
 * emitted between two changes of the stack has the top as its narrowest network. A network is answered once, when its first segment is emitted.
 */
#include "store/bulk_parts.h"

#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

enum { CHAIN_MAX = 32, HOLDER_MAX = 255, ARENA_MAX = 16 * 1024 * 1024, SETS_FIRST = 1 << 12, FINDING_TEXT_MAX = 512 };

struct level {
    uint32_t entry;
    bool tried;
    int64_t said; /* 0: it has no answer */
    uint8_t holder[HOLDER_MAX];
    size_t holder_len;
};

struct set {
    uint64_t a, b; /* two digests of its bytes */
    int64_t number;
};

struct sweep {
    const struct bulk_table *table;
    sqlite3 *db;
    sqlite3_stmt *put_segment, *put_said;
    struct bulk_totals *totals;
    struct level *stack;
    size_t depth, room;
    struct addr pos; /* what lies before it is done */
    bool all_done;   /* there is nothing behind the last address */
    struct addr cut; /* up to here networks cut each other */
    bool is_cut;
    struct hash_key keys[2];
    struct set *sets;
    size_t set_count, set_room;
    struct buf work, findings;
};

static int order_of(struct addr a, struct addr b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes);
}

static struct addr before(struct addr a)
{
    for (size_t i = sizeof a.bytes; i-- > 0 && a.bytes[i]-- == 0;)
        ;
    return a;
}

/* The address behind; false: there is none. */
static bool behind(struct addr *a)
{
    for (size_t i = sizeof a->bytes; i-- > 0;) {
        if (++a->bytes[i] != 0)
            return true;
    }
    return false;
}

/* ---- sets of findings ---- */

static struct span cut_text(struct span text, size_t most)
{
    text = span_part(text, 0, most);
    return span_part(text, 0, text_utf8_valid(text));
}

static void put_text(struct buf *out, struct span text, size_t most)
{
    text = cut_text(text, most);
    buf_be(out, text.len, 2);
    buf_span(out, text);
}

/* The line about the abuse contact is ours, so what the banner's rules say of it is not told. */
static bool is_told(const struct finding *f)
{
    return f->objection != OBJECTION_BANNER && f->value.len <= FINDING_VALUE_MAX;
}

static void encode(struct buf *out, const struct findings *found)
{
    size_t count = 0;
    buf_clear(out);
    for (const struct finding *f = found->first; f != NULL; f = f->next)
        count += is_told(f);
    count = count < CONTACT_ORDER_FINDINGS_MAX ? count : CONTACT_ORDER_FINDINGS_MAX;
    buf_be(out, count, 2);
    for (const struct finding *f = found->first; f != NULL && count > 0; f = f->next) {
        if (!is_told(f))
            continue;
        buf_byte(out, (uint8_t)f->kind);
        buf_byte(out, (uint8_t)f->role);
        buf_byte(out, (uint8_t)f->objection);
        buf_be(out, f->rank < UINT16_MAX ? f->rank : UINT16_MAX, 2);
        put_text(out, f->value, FINDING_VALUE_MAX);
        put_text(out, f->attribute, FINDING_TEXT_MAX);
        put_text(out, f->evidence, FINDING_TEXT_MAX);
        count--;
    }
}

static int grow_sets(struct sweep *s)
{
    if (s->set_count * 2 < s->set_room)
        return 0;
    size_t room = s->set_room == 0 ? SETS_FIRST : s->set_room * 2;
    struct set *sets = calloc(room, sizeof *sets);
    if (sets == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < s->set_room; i++) {
        size_t at = s->sets[i].a & (room - 1);
        while (s->sets[i].number != 0 && sets[at].number != 0)
            at = (at + 1) & (room - 1);
        if (s->sets[i].number != 0)
            sets[at] = s->sets[i];
    }
    free(s->sets);
    s->sets = sets;
    s->set_room = room;
    return 0;
}

static int number_of(struct sweep *s, struct span bytes, int64_t *ret)
{
    int r = grow_sets(s);
    if (r != 0)
        return r;
    const struct set wanted = {.a = hash_bytes(&s->keys[0], bytes), .b = hash_bytes(&s->keys[1], bytes), .number = (int64_t)s->set_count + 1};
    size_t at = wanted.a & (s->set_room - 1);
    while (s->sets[at].number != 0 && (s->sets[at].a != wanted.a || s->sets[at].b != wanted.b))
        at = (at + 1) & (s->set_room - 1);
    if (s->sets[at].number == 0) {
        s->sets[at] = wanted;
        s->set_count++;
        (void)sqlite3_bind_int64(s->put_said, 1, wanted.number);
        db_bind_bytes(s->put_said, 2, bytes);
        r = db_done(s->put_said);
    }
    *ret = s->sets[at].number;
    return r;
}

/* ---- answers ---- */

static int answer_it(struct sweep *s, struct level *level)
{
    struct bulk_network chain[CHAIN_MAX];
    struct whois_reply reply;
    struct findings found;
    struct arena arena;
    size_t count = 0;
    for (size_t i = s->depth; i-- > 0 && count < CHAIN_MAX;) {
        const struct bulk_entry *e = &s->table->entries[s->stack[i].entry];
        chain[count++] = (struct bulk_network){.range = e->range, .text = span_part(s->table->spill, e->at, e->len)};
    }
    level->tried = true;
    arena_init(&arena, ARENA_MAX);
    findings_init(&found, &arena);
    int r = bulk_answer(s->table->book, s->table->contacts, s->table->registry, chain, count, &s->work, &found, &reply);
    if (r == 1) {
        struct span holder = cut_text(reply.holder, sizeof level->holder);
        if (holder.len > 0)
            memcpy(level->holder, holder.at, holder.len);
        level->holder_len = holder.len;
        encode(&s->findings, &found);
        r = s->findings.error != 0 ? s->findings.error : number_of(s, buf_as_span(&s->findings), &level->said);
        s->totals->answered++;
    }
    arena_done(&arena);
    return r == -ERR_LIMIT ? 0 : r;
}

static void bind_address(const struct sweep *s, int at, const struct addr *a)
{
    db_bind_bytes(s->put_segment, at, s->table->v6 ? span_of(a->bytes, sizeof a->bytes) : span_of(&a->bytes[12], 4));
}

/* The top has the addresses from pos to `last`. */
static int emit(struct sweep *s, struct addr last)
{
    if (s->is_cut && order_of(s->pos, s->cut) <= 0) {
        if (order_of(last, s->cut) <= 0)
            return 0;
        s->pos = s->cut;
        (void)behind(&s->pos);
    }
    if (s->all_done || order_of(s->pos, last) > 0)
        return 0;
    struct level *top = &s->stack[s->depth - 1];
    int r = top->tried ? 0 : answer_it(s, top);
    if (r != 0 || top->said == 0)
        return r;
    const struct range *range = &s->table->entries[top->entry].range;
    bind_address(s, 1, &s->pos);
    bind_address(s, 2, &last);
    if (order_of(range->first, s->pos) == 0 && order_of(range->last, last) == 0) {
        (void)sqlite3_bind_null(s->put_segment, 3);
        (void)sqlite3_bind_null(s->put_segment, 4);
    } else {
        bind_address(s, 3, &range->first);
        bind_address(s, 4, &range->last);
    }
    db_bind_span(s->put_segment, 5, span_of(top->holder, top->holder_len));
    (void)sqlite3_bind_int64(s->put_segment, 6, top->said);
    s->totals->segments++;
    return db_done(s->put_segment);
}

/* ---- the sweep ---- */

static int pop(struct sweep *s)
{
    struct addr last = s->table->entries[s->stack[s->depth - 1].entry].range.last;
    int r = emit(s, last);
    s->depth--;
    if (!s->all_done) {
        s->pos = last;
        s->all_done = !behind(&s->pos);
    }
    return r;
}

static int push(struct sweep *s, uint32_t entry)
{
    if (s->depth == s->room) {
        size_t room = s->room == 0 ? 32 : s->room * 2;
        struct level *stack = reallocarray(s->stack, room, sizeof *stack);
        if (stack == NULL)
            return -ENOMEM;
        s->stack = stack;
        s->room = room;
    }
    struct level *level = &s->stack[s->depth++];
    level->entry = entry;
    level->tried = false;
    level->said = 0;
    level->holder_len = 0;
    return 0;
}

/* A range that ends behind one that it begins in: nobody knows whose they are, from here to its end nothing is answered. */
static bool cuts(struct sweep *s, const struct range *range)
{
    bool found = false;
    for (size_t i = s->depth; i-- > 0;) {
        const struct range *open = &s->table->entries[s->stack[i].entry].range;
        if (order_of(range->last, open->last) <= 0)
            break; /* those below are wider */
        found = true;
    }
    if (found && (!s->is_cut || order_of(s->cut, range->last) < 0))
        s->cut = range->last;
    s->is_cut = s->is_cut || found;
    return found;
}

static int add(struct sweep *s, uint32_t entry)
{
    const struct range *range = &s->table->entries[entry].range;
    int r = 0;
    while (r == 0 && s->depth > 0 && order_of(s->table->entries[s->stack[s->depth - 1].entry].range.last, range->first) < 0)
        r = pop(s);
    if (r != 0)
        return r;
    if (s->depth > 0) {
        const struct range *top = &s->table->entries[s->stack[s->depth - 1].entry].range;
        if (order_of(top->first, range->first) == 0 && order_of(top->last, range->last) == 0) {
            s->totals->twice++;
            return 0;
        }
        if (order_of(s->pos, range->first) < 0)
            r = emit(s, before(range->first));
    }
    if (r != 0)
        return r;
    s->pos = range->first;
    s->all_done = false;
    if (cuts(s, range)) {
        s->totals->overlapping++;
        return 0;
    }
    return push(s, entry);
}

static int sweep_all(struct sweep *s)
{
    int r = 0;
    for (size_t i = 0; i < s->table->count && r == 0; i++) {
        r = add(s, s->table->order[i]);
        if (s->table->progress != NULL)
            s->table->progress(s->table->user);
    }
    while (r == 0 && s->depth > 0)
        r = pop(s);
    s->totals->sets = s->set_count;
    return r;
}

/* ---- the file ---- */

static const char schema[] = "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA page_size=4096; BEGIN;"
                             "CREATE TABLE about(key TEXT PRIMARY KEY,value) WITHOUT ROWID;"
                             "CREATE TABLE said(number INTEGER PRIMARY KEY,findings BLOB);"
                             "CREATE TABLE segment(first BLOB PRIMARY KEY,last BLOB,begin BLOB,end BLOB,holder TEXT,said INTEGER) WITHOUT ROWID;"
                             "PRAGMA user_version=1";

static int put_about(const struct sweep *s)
{
    const struct bulk_table *t = s->table;
    sqlite3_stmt *put = NULL;
    int r = db_prepare(s->db, &put, "INSERT INTO about VALUES('registry',?1),('date',?2),('file',?3),('networks',?4)");
    if (r == 0) {
        struct span file = span_text(t->file);
        db_bind_span(put, 1, span_text(bulk_registry_text(t->registry)));
        (void)sqlite3_bind_int64(put, 2, t->date);
        db_bind_span(put, 3, span_part(file, 0, text_utf8_valid(file)));
        (void)sqlite3_bind_int64(put, 4, (int64_t)t->count);
        r = db_done(put);
    }
    (void)sqlite3_finalize(put);
    return r;
}

static int write_all(struct sweep *s)
{
    int r = db_run(s->db, schema);
    if (r == 0)
        r = db_prepare(s->db, &s->put_said, "INSERT INTO said VALUES(?1,?2)");
    if (r == 0)
        r = db_prepare(s->db, &s->put_segment, "INSERT INTO segment VALUES(?1,?2,?3,?4,?5,?6)");
    if (r == 0)
        r = put_about(s);
    if (r == 0)
        r = sweep_all(s);
    (void)sqlite3_finalize(s->put_said);
    (void)sqlite3_finalize(s->put_segment);
    return r == 0 ? db_run(s->db, "COMMIT") : r;
}

int bulk_table_write(const struct bulk_table *table, struct bulk_totals *ret, struct buf *why)
{
    struct sweep s = {.table = table, .totals = ret};
    *ret = (struct bulk_totals){.registry = table->registry, .v6 = table->v6, .date = table->date, .networks = table->count};
    if (getrandom(s.keys, sizeof s.keys, 0) != (ssize_t)sizeof s.keys)
        return -EIO;
    buf_init(&s.work, 4 * WHOIS_REPLY_MAX);
    buf_init(&s.findings, CONTACT_ORDER_SIZE_MAX);
    int r = db_open(&s.db, table->path, DB_WRITE, why);
    if (r == 0) {
        r = write_all(&s);
        if (r != 0)
            buf_printf(why, "%s: %s", table->path, r == -ENOMEM ? err_text(r) : sqlite3_errmsg(s.db));
    }
    db_close(s.db);
    free(s.stack);
    free(s.sets);
    buf_done(&s.work);
    buf_done(&s.findings);
    return r;
}
