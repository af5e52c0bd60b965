#include "store/lease.h"

#include "base/cursor.h"
#include "base/err.h"
#include "contact/order.h"
#include "probe/order.h"
#include "store/contacts.h"
#include "store/control.h"
#include "store/entry.h"
#include "store/geo.h"
#include "store/task.h"

#include <errno.h>
#include <stdlib.h>

enum {
    TASKS_INPUT_LEAST = 16, /* of a TASKS entry without its texts: u16 + u16 + i64 + u32 */
    ATTEMPTS_MAX = 8,
    CONTACT_ATTEMPTS_MAX = 64, /* most of them only wait for a registry's budget */
    ORDER_MEMORY_MAX = 256 * 1024,
    ENTRIES_HELD_MAX = 16 * 1024 * 1024,
    OUT_MAX = 256, /* messages waiting for the channel; no lease is taken while that many wait */
    SPENT_PER_MESSAGE = 50 * 1000,
    SPENT_ENTRY = 40,
    DIALLED_MAX = 256,
    WANT_MAX = 1000 * 1000,
};

static const usec_t lease_time = 600 * USEC_PER_SEC, renew_every = 60 * USEC_PER_SEC;

/* One program, one reach: its index is not needed to tell workers apart. */
static const char worker[] = "reach";

/* What reach takes, in the order of the numbers of WANT. */
enum work { WORK_VISIT, WORK_QUEST, WORK_COUNT };
static const char *const work_kinds[WORK_COUNT] = {[WORK_VISIT] = ORDER_TASK_KIND, [WORK_QUEST] = CONTACT_TASK_KIND};

struct outgoing {
    enum message message;
    struct buf body;
};

struct lease {
    struct store *store;
    usec_t interval;
    struct buf held;    /* bodies of TASKS, one after the other */
    struct buf entries; /* bodies of ENTRIES */
    struct channel *reach;
    uint64_t credit[WORK_COUNT]; /* tasks it can take */
    usec_t renew_at;
    struct outgoing *out; /* from out_at: not sent yet */
    size_t out_at, out_count, out_room;
};

int lease_new(struct lease **ret, struct store *store, usec_t interval)
{
    struct lease *lease = calloc(1, sizeof *lease);
    if (lease == NULL)
        return -ENOMEM;
    lease->store = store;
    lease->interval = interval;
    buf_init(&lease->held, LEASE_TASKS_HELD_MAX);
    buf_init(&lease->entries, ENTRIES_HELD_MAX);
    *ret = lease;
    return 0;
}

static void forget_outgoing(struct lease *lease)
{
    for (size_t i = lease->out_at; i < lease->out_count; i++)
        buf_done(&lease->out[i].body);
    lease->out_at = lease->out_count = 0;
}

void lease_free(struct lease *lease)
{
    if (lease == NULL)
        return;
    forget_outgoing(lease);
    free(lease->out);
    buf_done(&lease->held);
    buf_done(&lease->entries);
    free(lease);
}

static sqlite3 *database(struct lease *lease)
{
    return control_database(store_control(lease->store));
}

/* ---- tasks that are asked for ---- */

static int read_task(struct cursor *c, struct task *ret)
{
    ret->key = cursor_take(c, cursor_be16(c));
    ret->kind = cursor_take(c, cursor_be16(c));
    ret->due = (usec_t)cursor_be64(c);
    ret->input = cursor_take(c, cursor_be32(c));
    ret->attempts_max = ATTEMPTS_MAX;
    if (c->error != 0 || ret->key.len == 0 || ret->key.len > TASK_KEY_MAX || ret->kind.len == 0 || ret->kind.len > TASK_KIND_MAX || ret->due < 0 ||
        ret->input.len > TASK_INPUT_MAX)
        return -ERR_MALFORMED;
    /* What a worker can't read would be tried again and again. */
    struct order order;
    if (span_is(ret->kind, ORDER_TASK_KIND) && order_decode(ret->input, &order) != 0)
        return -ERR_MALFORMED;
    if (!span_is(ret->kind, CONTACT_TASK_KIND))
        return 0;
    ret->attempts_max = CONTACT_ATTEMPTS_MAX;
    struct arena arena;
    struct contact_order target;
    arena_init(&arena, ORDER_MEMORY_MAX);
    int r = contact_order_decode(&arena, ret->input, &target);
    arena_done(&arena);
    return r == 0 || r == -ENOMEM ? r : -ERR_MALFORMED;
}

int lease_tasks(struct lease *lease, struct span body)
{
    struct cursor c = cursor_of(body);
    if (body.len < TASKS_INPUT_LEAST)
        return -ERR_MALFORMED;
    while (cursor_left(&c) > 0) {
        struct task task;
        int r = read_task(&c, &task);
        if (r != 0)
            return r;
    }
    buf_span(&lease->held, body);
    int r = lease->held.error;
    lease->held.error = 0;
    return r == -ERR_LIMIT ? -ERR_FULL : r;
}

int lease_entries(struct lease *lease, struct span body)
{
    int r = entries_check(body);
    if (r != 0)
        return r;
    buf_span(&lease->entries, body);
    r = lease->entries.error;
    lease->entries.error = 0;
    return r == -ERR_LIMIT ? -ERR_FULL : r;
}

bool lease_waiting(const struct lease *lease)
{
    return lease->held.len > 0 || lease->entries.len > 0;
}

static int tell_registries(struct lease *lease, usec_t now);

int lease_put(struct lease *lease, usec_t now)
{
    if (!lease_waiting(lease))
        return 0;
    bool unbanned = false;
    struct control *control = store_control(lease->store);
    int r = control_begin(control);
    if (r != 0)
        return r;
    struct cursor c = cursor_of(buf_as_span(&lease->held));
    while (r >= 0 && cursor_left(&c) > 0) {
        struct task task;
        r = read_task(&c, &task);
        if (r == 0)
            r = task_put(database(lease), &task, now);
    }
    if (r >= 0)
        r = entries_apply(database(lease), buf_as_span(&lease->entries), now, &unbanned);
    if (r >= 0)
        r = control_commit(control);
    if (r != 0) {
        control_rollback(control);
        return r;
    }
    buf_clear(&lease->held);
    buf_clear(&lease->entries);
    /* A reach that is there learns of it; one that can't be told now is told at its next start. */
    if (unbanned && lease->reach != NULL && tell_registries(lease, now) == 0)
        (void)lease_push(lease);
    return 0;
}

/* ---- what is sent ---- */

/* Takes over the body, whether or not it could be kept. */
static int enqueue(struct lease *lease, enum message message, struct buf *body)
{
    int r = body->error;
    if (r == 0 && lease->out_at > 0 && lease->out_at == lease->out_count)
        lease->out_at = lease->out_count = 0;
    if (r == 0 && lease->out_count == lease->out_room) {
        size_t room = lease->out_room == 0 ? 64 : lease->out_room * 2;
        struct outgoing *more = realloc(lease->out, room * sizeof *more);
        if (more != NULL) {
            lease->out = more;
            lease->out_room = room;
        } else {
            r = -ENOMEM;
        }
    }
    if (r != 0) {
        buf_done(body);
        return r;
    }
    lease->out[lease->out_count++] = (struct outgoing){.message = message, .body = *body};
    return 0;
}

int lease_push(struct lease *lease)
{
    while (lease->reach != NULL && lease->out_at < lease->out_count) {
        struct outgoing *next = &lease->out[lease->out_at];
        int r = channel_send(lease->reach, next->message, buf_as_span(&next->body), NULL, 0);
        if (r == -EAGAIN)
            return 0;
        if (r != 0)
            return r;
        buf_done(&next->body);
        lease->out_at++;
    }
    return 0;
}

static int send_registries(void *user, struct buf *body)
{
    return enqueue(user, MESSAGE_REGISTRIES, body);
}

/* What was asked of each registry's server; an empty message ends them. */
static int tell_registries(struct lease *lease, usec_t now)
{
    return contacts_registries(database(lease), store_clock_speed(lease->store), now, send_registries, lease);
}

/* Hosts dialled today with their counts, and those dialled within the interval without. */
static int tell_spent(struct lease *lease, usec_t now)
{
    usec_t today = usec_day(now) * USEC_PER_DAY, since = now - lease->interval;
    sqlite3_stmt *select = NULL;
    struct buf body;
    uint32_t count = 0;
    buf_init(&body, 4 + SPENT_PER_MESSAGE * SPENT_ENTRY);
    int r = db_prepare(database(lease), &select,
                       "SELECT address,max(ifnull(asn,0)),sum(CASE WHEN day=?1 THEN n ELSE 0 END),sum(CASE WHEN day=?1 THEN ics ELSE 0 END),"
                       "sum(CASE WHEN day=?1 THEN neighbours ELSE 0 END),max(last) FROM host_dial WHERE day>=?2 AND (day=?1 OR last>=?3)"
                       " GROUP BY address");
    if (r == 0) {
        (void)sqlite3_bind_int64(select, 1, today);
        (void)sqlite3_bind_int64(select, 2, usec_day(since < today ? since : today) * USEC_PER_DAY);
        (void)sqlite3_bind_int64(select, 3, since);
    }
    while (r == 0) {
        r = db_row(select);
        bool end = r <= 0;
        if (r == 1 && db_span(select, 0).len == 16) {
            if (count++ == 0)
                buf_be(&body, 0, 4);
            buf_span(&body, db_span(select, 0));
            for (int i = 1; i <= 4; i++)
                buf_be(&body, (uint64_t)sqlite3_column_int64(select, i) & UINT32_MAX, 4);
            buf_be(&body, (uint64_t)sqlite3_column_int64(select, 5), 8);
        }
        r = r > 0 ? 0 : r;
        if (r == 0 && count > 0 && (end || count == SPENT_PER_MESSAGE)) {
            for (unsigned i = 0; i < 4 && body.error == 0; i++)
                body.data[i] = (uint8_t)(count >> (24 - 8 * i));
            r = enqueue(lease, MESSAGE_SPENT, &body);
            buf_init(&body, 4 + SPENT_PER_MESSAGE * SPENT_ENTRY);
            count = 0;
        }
        if (end)
            break;
    }
    (void)sqlite3_finalize(select);
    buf_clear(&body);
    if (r != 0) {
        buf_done(&body);
        return r;
    }
    buf_be(&body, 0, 4);
    return enqueue(lease, MESSAGE_SPENT, &body);
}

int lease_join(struct lease *lease, struct channel *reach, usec_t now)
{
    forget_outgoing(lease);
    lease->reach = reach;
    memset(lease->credit, 0, sizeof lease->credit);
    lease->renew_at = now + renew_every;
    int r = task_give_back(database(lease), span_text(worker), now);
    if (r < 0 || reach == NULL)
        return r < 0 ? r : 0;
    r = tell_spent(lease, now);
    if (r == 0)
        r = tell_registries(lease, now);
    return r == 0 ? lease_push(lease) : r;
}

int lease_want(struct lease *lease, struct span body)
{
    struct cursor c = cursor_of(body);
    for (size_t work = 0; work < WORK_COUNT; work++) {
        lease->credit[work] += cursor_be32(&c);
        if (lease->credit[work] > WANT_MAX)
            cursor_fail(&c, -ERR_MALFORMED);
    }
    return c.error != 0 ? -ERR_MALFORMED : 0;
}

bool lease_hungry(const struct lease *lease)
{
    return lease->reach != NULL && (lease->credit[WORK_VISIT] > 0 || lease->credit[WORK_QUEST] > 0);
}

/* ---- leases ---- */

/* u16 count of ports the task dialled before, and each. */
static int put_dialled(struct lease *lease, struct span key, struct buf *body)
{
    sqlite3_stmt *select = NULL;
    struct buf ports;
    uint32_t count = 0;
    buf_init(&ports, DIALLED_MAX * 3);
    int r = db_prepare(database(lease), &select, "SELECT port,transport FROM dialled WHERE task=?1 LIMIT ?2");
    if (r == 0) {
        db_bind_span(select, 1, key);
        (void)sqlite3_bind_int64(select, 2, DIALLED_MAX);
    }
    while (r == 0 && (r = db_row(select)) == 1) {
        r = 0;
        buf_be(&ports, (uint64_t)sqlite3_column_int(select, 0) & UINT16_MAX, 2);
        buf_be(&ports, (uint64_t)sqlite3_column_int(select, 1) & UINT8_MAX, 1);
        count++;
    }
    (void)sqlite3_finalize(select);
    buf_be(body, count, 2);
    buf_span(body, buf_as_span(&ports));
    if (r == 0)
        r = ports.error;
    buf_done(&ports);
    return r;
}

struct giving {
    struct lease *lease;
    enum work work;
    usec_t now;
};

/* What the store knows of the target goes with it. */
static int put_contact_input(const struct giving *giving, struct span input, struct buf *body)
{
    struct buf complete;
    struct geo_place place = {.asn = 0};
    struct contact_order order = {.channel_count = 0};
    struct arena arena;
    buf_init(&complete, CONTACT_ORDER_SIZE_MAX + 65536);
    arena_init(&arena, ORDER_MEMORY_MAX);
    int r = contact_order_decode(&arena, input, &order);
    if (r == 0) {
        geo_find(store_geo(giving->lease->store), order.addr, &place);
        r = contacts_complete(database(giving->lease), store_bulk(giving->lease->store), input, place.asn, span_text(place.country), giving->now,
                              &complete);
    }
    arena_done(&arena);
    buf_be(body, complete.len, 4);
    buf_span(body, buf_as_span(&complete));
    buf_done(&complete);
    return r;
}

static int put_input(const struct giving *giving, struct span input, struct buf *body)
{
    if (giving->work == WORK_QUEST)
        return put_contact_input(giving, input, body);
    buf_be(body, input.len, 4);
    buf_span(body, input);
    return 0;
}

static int give(void *user, const struct task_given *task)
{
    const struct giving *giving = user;
    struct lease *lease = giving->lease;
    const char *kind = work_kinds[giving->work];
    struct buf body;
    buf_init(&body, 0);
    buf_be(&body, (uint64_t)task->lease, 8);
    buf_be(&body, (uint64_t)task->attempt, 4);
    buf_be(&body, strlen(kind), 2);
    buf_text(&body, kind);
    buf_be(&body, task->key.len, 2);
    buf_span(&body, task->key);
    int r = put_input(giving, task->input, &body);
    if (r == 0 && giving->work == WORK_VISIT && task->attempt > 1)
        r = put_dialled(lease, task->key, &body);
    else
        buf_be(&body, 0, 2);
    if (r != 0) {
        buf_done(&body);
        return r;
    }
    return enqueue(lease, MESSAGE_LEASE, &body);
}

/* What is due of one kind. */
static int serve(struct lease *lease, enum work work, usec_t now)
{
    uint64_t *credit = &lease->credit[work];
    int r = 0;
    while (r >= 0 && *credit > 0 && lease->out_count - lease->out_at < OUT_MAX) {
        size_t before = lease->out_count - lease->out_at;
        size_t room = OUT_MAX - before < *credit ? OUT_MAX - before : (size_t)*credit;
        struct giving giving = {.lease = lease, .work = work, .now = now};
        r = task_take_many(database(lease), span_text(work_kinds[work]), span_text(worker), now, now + lease_time, room, give, &giving);
        if (r < 0) {
            /* Rolled back: what would have gone out was not given. */
            while (lease->out_count - lease->out_at > before)
                buf_done(&lease->out[--lease->out_count].body);
            break;
        }
        *credit -= (uint64_t)r < *credit ? (uint64_t)r : *credit;
        bool all = (size_t)r < room;
        r = lease_push(lease);
        if (all)
            break;
    }
    return r;
}

int lease_serve(struct lease *lease, usec_t now)
{
    if (lease->reach == NULL)
        return 0;
    int r = 0;
    if (now >= lease->renew_at || now < lease->renew_at - renew_every) {
        r = task_renew(database(lease), span_text(worker), now + lease_time);
        lease->renew_at = now + renew_every;
    }
    for (enum work work = 0; work < WORK_COUNT && r >= 0; work++)
        r = serve(lease, work, now);
    return r < 0 ? r : 0;
}
