/* Tasks that are asked for go to reach when they are due, once; what a reach that went had begun goes to the next, with the ports it dialled. */
#include "make.h"

#include "base/cursor.h"
#include "probe/order.h"
#include "store/lease.h"
#include "store/task.h"

#include <signal.h>

struct given {
    char key[257];
    uint32_t attempt, ports;
    uint16_t port;
};

struct setup {
    struct place place;
    struct store *store;
    struct lease *lease;
    struct channel *store_end, *reach_end;
    struct given given[64];
    size_t given_count, spent_count;
    bool spent_ended;
    uint8_t spent[64][40];
};

static void on_message(struct channel *channel, void *user, enum message message, struct span body, int *fds, size_t fd_count)
{
    (void)channel;
    (void)fds;
    (void)fd_count;
    struct setup *s = user;
    struct cursor c = cursor_of(body);
    if (message == MESSAGE_REGISTRIES) {
        assert_int_equal(cursor_be32(&c), 0);
    } else if (message == MESSAGE_SPENT) {
        uint32_t count = cursor_be32(&c);
        s->spent_ended = count == 0;
        for (uint32_t i = 0; i < count; i++)
            cursor_copy(&c, s->spent[s->spent_count++], 40);
    } else {
        struct given *given = &s->given[s->given_count++];
        assert_int_equal(message, MESSAGE_LEASE);
        (void)cursor_be64(&c);
        given->attempt = cursor_be32(&c);
        assert_true(span_is(cursor_take(&c, cursor_be16(&c)), ORDER_TASK_KIND));
        struct span key = cursor_take(&c, cursor_be16(&c));
        memcpy(given->key, key.at, key.len);
        (void)cursor_take(&c, cursor_be32(&c));
        given->ports = cursor_be16(&c);
        for (uint32_t i = 0; i < given->ports; i++) {
            given->port = cursor_be16(&c);
            assert_int_equal(cursor_u8(&c), TRANSPORT_TCP);
        }
    }
    assert_int_equal(c.error, 0);
    assert_int_equal(cursor_left(&c), 0);
}

static void on_closed(struct channel *channel, void *user, int error)
{
    (void)channel;
    (void)user;
    (void)error;
}

static const struct channel_events events = {.message = on_message, .closed = on_closed};

static void join(struct setup *s, usec_t now)
{
    int ends[2];
    assert_int_equal(channel_pair(ends), 0);
    assert_int_equal(channel_new(&s->store_end, NULL, ends[0], PARTY_STORE, PARTY_REACH, &events, s), 0);
    assert_int_equal(channel_new(&s->reach_end, NULL, ends[1], PARTY_REACH, PARTY_STORE, &events, s), 0);
    assert_int_equal(lease_join(s->lease, s->store_end, now), 0);
}

static void leave(struct setup *s)
{
    channel_free(s->store_end);
    channel_free(s->reach_end);
    s->store_end = s->reach_end = NULL;
}

static void set_up(struct setup *s)
{
    *s = (struct setup){.place = place_make(NULL)};
    s->store = store_at(&s->place);
    assert_int_equal(lease_new(&s->lease, s->store, 7 * USEC_PER_DAY), 0);
}

static void set_down(struct setup *s)
{
    leave(s);
    lease_free(s->lease);
    store_close(s->store);
    place_done(&s->place);
}

static void put_entry(struct buf *body, const char *key, usec_t due, uint8_t flags)
{
    struct order order = {.addr = addr_v4(0xc0000207), .asn = 64500, .flags = flags, .cause = "operator"};
    struct buf input;
    buf_init(&input, 0);
    order_encode(&input, &order);
    buf_be(body, strlen(key), 2);
    buf_text(body, key);
    buf_be(body, 5, 2);
    buf_text(body, "probe");
    buf_be(body, (uint64_t)due, 8);
    buf_be(body, input.len, 4);
    buf_span(body, buf_as_span(&input));
    buf_done(&input);
}

static void ask(struct setup *s, const char *key, usec_t due, uint8_t flags)
{
    struct buf body;
    buf_init(&body, 0);
    put_entry(&body, key, due, flags);
    assert_int_equal(lease_tasks(s->lease, buf_as_span(&body)), 0);
    buf_done(&body);
}

static int want(struct setup *s, uint32_t count)
{
    const uint8_t body[8] = {(uint8_t)(count >> 24), (uint8_t)(count >> 16), (uint8_t)(count >> 8), (uint8_t)count};
    return lease_want(s->lease, span_of(body, sizeof body));
}

static void hear(struct setup *s)
{
    while (channel_receive(s->reach_end, 0) == 0)
        ;
}

static void due_tasks_go_out_as_far_as_wanted(void **state)
{
    (void)state;
    struct setup s;
    set_up(&s);
    ask(&s, "probe a", 100, 0);
    ask(&s, "probe b", 90, 0);
    ask(&s, "probe c", 5000, 0);
    ask(&s, "probe a", 1, 0); /* is there already */
    assert_true(lease_waiting(s.lease));
    assert_int_equal(control_number(&s.place, "SELECT count(*) FROM task"), 0);
    assert_int_equal(lease_put(s.lease, 50), 0);
    assert_false(lease_waiting(s.lease));
    assert_int_equal(control_number(&s.place, "SELECT count(*) FROM task WHERE state='waiting'"), 3);
    assert_int_equal(lease_serve(s.lease, 1000), 0); /* nobody is there */
    join(&s, 1000);
    hear(&s);
    assert_true(s.spent_ended);
    assert_int_equal(lease_serve(s.lease, 1000), 0);
    hear(&s);
    assert_int_equal(s.given_count, 0); /* nothing was wanted */
    assert_int_equal(want(&s, 1), 0);
    assert_true(lease_hungry(s.lease));
    assert_int_equal(lease_serve(s.lease, 1000), 0);
    hear(&s);
    assert_int_equal(s.given_count, 1);
    assert_string_equal(s.given[0].key, "probe b");
    assert_int_equal(s.given[0].attempt, 1);
    assert_false(lease_hungry(s.lease));
    assert_int_equal(want(&s, 5), 0);
    assert_int_equal(lease_serve(s.lease, 1000), 0);
    hear(&s);
    assert_int_equal(s.given_count, 2);
    assert_string_equal(s.given[1].key, "probe a");
    /* Credit is remembered until more is due. */
    assert_int_equal(lease_serve(s.lease, 6000), 0);
    hear(&s);
    assert_int_equal(s.given_count, 3);
    assert_string_equal(s.given[2].key, "probe c");
    set_down(&s);
}

static void what_is_malformed_is_refused_whole(void **state)
{
    (void)state;
    struct setup s;
    struct buf body;
    set_up(&s);
    buf_init(&body, 0);
    put_entry(&body, "probe a", 1, 0);
    size_t whole = body.len;
    put_entry(&body, "probe b", 1, 0);
    for (size_t cut = 1; cut < body.len; cut++) {
        if (cut != whole)
            assert_int_equal(lease_tasks(s.lease, span_of(body.data, cut)), -ERR_MALFORMED);
    }
    body.data[whole + 2 + 7 + 2 + 5 + 8 + 4] = 99; /* the version of the order */
    assert_int_equal(lease_tasks(s.lease, buf_as_span(&body)), -ERR_MALFORMED);
    assert_false(lease_waiting(s.lease));
    assert_int_equal(want(&s, UINT32_MAX), -ERR_MALFORMED);
    buf_done(&body);
    set_down(&s);
}

static void put_dial(struct setup *s, uint64_t number, const char *task, uint16_t port, const char *probe, const char *reason)
{
    usec_t now = usec_now();
    struct fact facts[6] = {fact_text(FACT_PROBE, span_text(probe)), fact_text(FACT_TASK, span_text(task)), fact_int(FACT_ASN, 64500),
                            fact_text(FACT_EVENT_OUTCOME, span_text(reason == NULL ? "success" : "failure"))};
    if (reason != NULL)
        facts[4] = fact_text(FACT_EVENT_REASON, span_text(reason));
    struct record record = record_of(KIND_DIAL, now, number);
    record.source = (struct endpoint){0};
    record.destination = (struct endpoint){addr_v4(0xc0000207), port};
    record.facts = facts;
    record.fact_count = reason != NULL ? 5 : 4;
    assert_int_equal(store_put(s->store, &record), 0);
}

static void put_visit(struct setup *s, uint64_t number, const char *task)
{
    struct fact facts[] = {fact_text(FACT_TASK, span_text(task)), fact_text(FACT_EVENT_REASON, span_text("visited"))};
    struct record record = record_of(KIND_VISIT, usec_now(), number);
    record.source = (struct endpoint){0};
    record.destination = (struct endpoint){addr_v4(0xc0000207), 0};
    record.facts = facts;
    record.fact_count = 2;
    assert_int_equal(store_put(s->store, &record), 0);
}

static void the_next_reach_goes_on_where_the_last_one_stopped(void **state)
{
    (void)state;
    struct setup s;
    set_up(&s);
    usec_t now = usec_now();
    ask(&s, "probe a", 1, 0);
    ask(&s, "probe n", 1, ORDER_NEIGHBOUR);
    ask(&s, "probe done", 1, 0);
    assert_int_equal(lease_put(s.lease, now), 0);
    join(&s, now);
    assert_int_equal(want(&s, 10), 0);
    assert_int_equal(lease_serve(s.lease, now), 0);
    hear(&s);
    assert_int_equal(s.given_count, 3);
    put_dial(&s, 1, "probe a", 23, "telnet", NULL);
    put_dial(&s, 2, "probe a", 502, "modbus", "industrial probes off");
    put_dial(&s, 3, "probe n", 10101, "banner", NULL);
    put_dial(&s, 4, "probe done", 502, "modbus", NULL);
    put_visit(&s, 5, "probe done");
    assert_int_equal(store_commit(s.store), 0);
    assert_int_equal(store_flush(s.store), 0);
    assert_int_equal(control_number(&s.place, "SELECT count(*) FROM task WHERE state='done' AND key='probe done'"), 1);
    assert_int_equal(control_number(&s.place, "SELECT count(*) FROM dialled"), 2);
    leave(&s);
    s.given_count = 0;
    join(&s, now + USEC_PER_SEC);
    hear(&s);
    /* One address, three connections today, one industrial, one to a neighbour. */
    assert_int_equal(s.spent_count, 1);
    assert_true(s.spent_ended);
    struct cursor c = cursor_of(span_of(s.spent[0], 40));
    struct addr addr;
    cursor_copy(&c, addr.bytes, 16);
    assert_true(addr_equal(addr, addr_v4(0xc0000207)));
    assert_int_equal(cursor_be32(&c), 64500);
    assert_int_equal(cursor_be32(&c), 3);
    assert_int_equal(cursor_be32(&c), 1);
    assert_int_equal(cursor_be32(&c), 1);
    assert_true((usec_t)cursor_be64(&c) >= now);
    assert_int_equal(want(&s, 10), 0);
    assert_int_equal(lease_serve(s.lease, now + USEC_PER_SEC), 0);
    hear(&s);
    assert_int_equal(s.given_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(s.given[i].attempt, 2);
        assert_int_equal(s.given[i].ports, 1);
        assert_int_equal(s.given[i].port, strcmp(s.given[i].key, "probe a") == 0 ? 23 : 10101);
    }
    /* What ends is forgotten. */
    put_visit(&s, 6, "probe a");
    put_visit(&s, 7, "probe n");
    assert_int_equal(store_commit(s.store), 0);
    assert_int_equal(store_flush(s.store), 0);
    assert_int_equal(control_number(&s.place, "SELECT count(*) FROM dialled"), 0);
    assert_int_equal(control_number(&s.place, "SELECT count(*) FROM task WHERE state='done'"), 3);
    assert_int_equal(control_number(&s.place, "SELECT sum(n) FROM rollup_probe WHERE step='dial' AND word=''"), 3);
    assert_int_equal(control_number(&s.place, "SELECT n FROM rollup_probe WHERE step='dial' AND probe='modbus' AND word='industrial probes off'"), 1);
    /* Nothing of it is traffic of ours. */
    assert_int_equal(control_number(&s.place, "SELECT (SELECT count(*) FROM rollup_source)+(SELECT count(*) FROM rollup_port)"), 0);
    set_down(&s);
}

static void leases_hold_while_reach_lives(void **state)
{
    (void)state;
    struct setup s;
    set_up(&s);
    usec_t now = 1000 * USEC_PER_HOUR;
    ask(&s, "probe a", 1, 0);
    assert_int_equal(lease_put(s.lease, now), 0);
    join(&s, now);
    assert_int_equal(want(&s, 10), 0);
    for (int minute = 0; minute < 60; minute++) {
        assert_int_equal(lease_serve(s.lease, now), 0);
        now += 60 * USEC_PER_SEC;
    }
    hear(&s);
    assert_int_equal(s.given_count, 1);
    /* It went: its task waits again at once. */
    assert_int_equal(lease_join(s.lease, NULL, now), 0);
    assert_int_equal(control_number(&s.place, "SELECT count(*) FROM task WHERE state='waiting' AND attempts=1"), 1);
    set_down(&s);
}

/* The store dies between the commit of a VISIT record and the rollups: the task is done after the next start. */
static void a_visit_is_not_forgotten_by_a_crash(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct setup s = {.place = place};
        s.store = store_at(&place);
        assert_int_equal(lease_new(&s.lease, s.store, 0), 0);
        ask(&s, "probe a", 1, 0);
        ask(&s, "probe b", 1, 0);
        assert_int_equal(lease_put(s.lease, usec_now()), 0);
        put_dial(&s, 1, "probe a", 23, "telnet", NULL);
        put_visit(&s, 2, "probe a");
        put_dial(&s, 3, "probe b", 80, "http", NULL);
        assert_int_equal(store_commit(s.store), 0);
        put_visit(&s, 4, "probe b");
        (void)raise(SIGKILL);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    for (int i = 0; i < 2; i++) {
        store_close(store_at(&place));
        assert_int_equal(control_number(&place, "SELECT count(*) FROM task WHERE key='probe a' AND state='done'"), 1);
        assert_int_equal(control_number(&place, "SELECT count(*) FROM task WHERE key='probe b' AND state='waiting'"), 1);
        assert_int_equal(control_number(&place, "SELECT port FROM dialled WHERE task='probe b'"), 80);
        assert_int_equal(control_number(&place, "SELECT count(*) FROM dialled"), 1);
        assert_int_equal(control_number(&place, "SELECT n FROM host_dial"), 2);
        assert_int_equal(control_number(&place, "SELECT sum(n) FROM rollup_probe"), 2);
    }
    place_done(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(due_tasks_go_out_as_far_as_wanted),
        cmocka_unit_test(what_is_malformed_is_refused_whole),
        cmocka_unit_test(the_next_reach_goes_on_where_the_last_one_stopped),
        cmocka_unit_test(leases_hold_while_reach_lives),
        cmocka_unit_test(a_visit_is_not_forgotten_by_a_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
