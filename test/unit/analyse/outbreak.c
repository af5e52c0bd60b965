/* Neighbourhoods of attackers on an unusual port, and the survey of one: in which steps, and when it stops. */
#include "stage.h"

enum { PORT = 20012 };
#define NETWORK UINT32_C(0xcb007100) /* 203.0.113.0, of 203.0.0.0/16 */

static size_t attack_on(struct stage *s, uint32_t source, uint16_t port, usec_t time)
{
    struct fact facts[] = {fact_text(FACT_USER_NAME, span_text("root")), fact_text(FACT_PASSWORD, span_text("root"))};
    struct record record = stage_record(KIND_LOGIN, source, time, facts, 2);
    record.destination.port = port;
    return stage_judge(s, &record);
}

/* An answer or a visit's end: the host is the destination. */
static size_t heard(struct stage *s, enum kind kind, uint32_t host, uint16_t port, const char *reason, const char *cause, usec_t time)
{
    struct fact facts[] = {fact_text(FACT_EVENT_OUTCOME, span_text(strcmp(reason, "answered") == 0 ? "success" : "failure")),
                           fact_text(FACT_EVENT_REASON, span_text(reason)), fact_text(FACT_CAUSE, span_text(cause))};
    struct record record = stage_record(kind, host, time, facts, 3);
    record.source = (struct endpoint){.port = 0};
    record.destination = (struct endpoint){addr_v4(host), port};
    return stage_judge(s, &record);
}

static size_t listing(struct stage *s, uint32_t host, uint16_t port, usec_t time)
{
    struct record record = stage_record(KIND_LISTING, host, time, NULL, 0);
    record.source = (struct endpoint){.port = 0};
    record.destination = (struct endpoint){addr_v4(host), port};
    return stage_judge(s, &record);
}

static void country_of(const void *geo, struct addr addr, char ret[static COUNTRY_SIZE])
{
    (void)geo;
    (void)addr;
    (void)snprintf(ret, COUNTRY_SIZE, "JP");
}

static uint32_t asn_of(const void *geo, struct addr addr)
{
    (void)geo;
    (void)addr;
    return 64500;
}

static void three_of_a_24_are_an_outbreak(void **state)
{
    (void)state;
    struct stage *s = stage_new("outbreak");
    s->background.asn = asn_of;
    s->background.country = country_of;
    assert_int_equal(attack_on(s, NETWORK + 1, PORT, START), 0);
    assert_int_equal(attack_on(s, NETWORK + 1, PORT, START + 1), 0); /* the same host */
    assert_int_equal(attack_on(s, NETWORK + 0x100, PORT, START), 0); /* another /24 */
    assert_int_equal(attack_on(s, NETWORK + 7, PORT, START), 0);
    assert_int_equal(attack_on(s, NETWORK + 9, PORT + 1, START), 0); /* another port */
    assert_int_equal(attack_on(s, NETWORK + 9, 23, START), 0);       /* a usual one */
    assert_int_equal(attack_on(s, NETWORK + 9, PORT, START), 1);
    assert_string_equal(s->finding, "outbreak");
    assert_int_equal(s->count, 3);
    assert_string_equal(s->evidence, "3 attackers of 203.0.113.0/24 speak on 20012/tcp: 203.0.113.1, 203.0.113.7, 203.0.113.9; AS64500; JP");
    /* It is of the network, not of one host. */
    assert_true(addr_equal(s->destination.addr, addr_v4(NETWORK)));
    assert_int_equal(s->destination.port, PORT);
    assert_true(addr_equal(s->source.addr, (struct addr){{0}}));
    assert_int_equal(attack_on(s, NETWORK + 10, PORT, START), 0); /* said */
    assert_int_equal(s->task_count, 0);                           /* neighbours are not asked unless that is allowed */
    stage_free(s);
}

static void eight_of_a_16_are_an_outbreak(void **state)
{
    (void)state;
    struct stage *s = stage_new("outbreak");
    for (uint32_t i = 0; i < 7; i++)
        assert_int_equal(attack_on(s, 0xcb000001U + (i << 8), PORT, START), 0);
    assert_int_equal(attack_on(s, 0xcb000a01U, PORT, START), 1);
    assert_int_equal(s->count, 8);
    assert_non_null(strstr(s->evidence, "8 attackers of 203.0.0.0/16 speak on 20012/tcp: "));
    assert_true(addr_equal(s->destination.addr, addr_v4(0xcb000000U)));
    /* IPv6 neighbours say nothing. */
    for (uint8_t i = 1; i < 20; i++) {
        struct fact facts[] = {fact_text(FACT_USER_NAME, span_text("root"))};
        struct record record = stage_record(KIND_LOGIN, i, START, facts, 1);
        record.source.addr = (struct addr){{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, i}};
        record.destination.port = PORT;
        assert_int_equal(stage_judge(s, &record), 0);
    }
    stage_free(s);
}

static void answers_and_lists_tell_who_listens(void **state)
{
    (void)state;
    struct stage *s = stage_new("outbreak");
    char cause[ID_TEXT_SIZE];
    (void)id_print(stage_id(START, 1), cause);
    assert_int_equal(heard(s, KIND_ANSWER, NETWORK + 1, PORT, "answered", cause, START), 0);
    assert_int_equal(heard(s, KIND_ANSWER, NETWORK + 2, PORT, "silent", cause, START), 0);
    assert_int_equal(heard(s, KIND_ANSWER, NETWORK + 3, PORT, "refused", cause, START), 0);
    assert_int_equal(heard(s, KIND_ANSWER, NETWORK + 4, PORT, "timeout", cause, START), 0);
    assert_int_equal(heard(s, KIND_ANSWER, NETWORK + 5, PORT, "answered", "operator", START), 0); /* asked by hand: no attacker */
    assert_int_equal(heard(s, KIND_ANSWER, NETWORK + 6, 8080, "answered", cause, START), 0);
    /* Listed first, attacking later, and the other way round. */
    assert_int_equal(listing(s, NETWORK + 7, PORT, START), 0);
    assert_int_equal(listing(s, NETWORK + 8, PORT, START), 0);
    assert_int_equal(attack_on(s, NETWORK + 7, 23, START + 1), 1);
    assert_int_equal(s->count, 3);
    stage_free(s);
    s = stage_new("outbreak");
    for (uint32_t i = 1; i <= 3; i++) {
        assert_int_equal(attack_on(s, NETWORK + i, 23, START), 0);
        assert_int_equal(listing(s, NETWORK + i, PORT, START), i == 3);
    }
    stage_free(s);
}

static void allow(struct stage *s, int64_t most, int64_t stop)
{
    s->background.neighbours = true;
    s->background.neighbours_max = most;
    s->background.neighbours_stop = stop;
}

static void break_out(struct stage *s, uint32_t network)
{
    for (uint32_t i = 1; i <= 3; i++)
        (void)attack_on(s, network + i, PORT, START + i);
}

/* Works on tasks as they are handed out, until there are no more; `listens` says who listens. */
static size_t work(struct stage *s, bool (*listens)(uint32_t host))
{
    size_t done = 0;
    while (done < s->task_count) {
        const struct seen_task task = s->task[done++];
        uint32_t host = (uint32_t)task.order.addr.bytes[12] << 24 | (uint32_t)task.order.addr.bytes[13] << 16 |
                        (uint32_t)task.order.addr.bytes[14] << 8 | task.order.addr.bytes[15];
        for (size_t p = 0; p < task.order.count; p++)
            (void)heard(s, KIND_ANSWER, host, task.order.ports[p].port, listens(host) ? "answered" : "timeout", task.order.cause, task.due);
        (void)heard(s, KIND_VISIT, host, 0, "done", task.order.cause, task.due);
    }
    return done;
}

static bool nobody(uint32_t host)
{
    (void)host;
    return false;
}

static bool everybody(uint32_t host)
{
    (void)host;
    return true;
}

static bool every_tenth(uint32_t host)
{
    return (host & 0xff) % 10 == 0;
}

static bool only_23(uint32_t host)
{
    return (host >> 8 & 0xff) == 114 && (host & 0xff) == 30;
}

static void neighbours_are_asked_step_by_step(void **state)
{
    (void)state;
    struct stage *s = stage_new("outbreak");
    allow(s, 2048, 256);
    s->background.asn = asn_of;
    break_out(s, NETWORK);
    assert_int_equal(s->task_count, 16);
    for (uint32_t i = 0; i < 16; i++) {
        const struct order *order = &s->task[i].order;
        assert_true(addr_equal(order->addr, addr_v4(NETWORK + 1 + i)));
        assert_int_equal(order->flags, ORDER_NEIGHBOUR);
        assert_int_equal(order->asn, 64500);
        assert_int_equal(order->count, 2);
        assert_int_equal(order->ports[0].port, PORT);
        assert_string_equal(order->ports[0].probe, "banner");
        assert_int_equal(order->ports[1].port, 23);
        assert_string_equal(order->ports[1].probe, "telnet");
    }
    /* Fifteen of them back: no more yet; attacks of others do not move it. */
    char cause[ORDER_CAUSE_MAX + 1];
    (void)snprintf(cause, sizeof cause, "%s", s->task[0].order.cause);
    for (uint32_t i = 0; i < 15; i++)
        (void)heard(s, KIND_VISIT, NETWORK + 1 + i, 0, "done", cause, START);
    (void)attack_on(s, NETWORK + 77, PORT, START);
    (void)heard(s, KIND_VISIT, NETWORK + 15, 0, "done", cause, START);                        /* a second time */
    (void)heard(s, KIND_VISIT, NETWORK + 200, 0, "done", cause, START);                       /* not of the batch */
    (void)heard(s, KIND_VISIT, NETWORK + 16, 0, "done", "01ARZ3NDEKTSV4RRFFQ69G5FAV", START); /* of something else */
    assert_int_equal(s->task_count, 16);
    (void)heard(s, KIND_VISIT, NETWORK + 16, 0, "done", cause, START);
    assert_int_equal(s->task_count, 32);
    stage_free(s);
}

static void no_answers_end_it(void **state)
{
    (void)state;
    struct stage *s = stage_new("outbreak");
    allow(s, 2048, 40);
    break_out(s, NETWORK);
    assert_int_equal(work(s, nobody), 48);
    assert_string_equal(s->finding, "neighbours");
    assert_int_equal(s->count, 0);
    assert_non_null(strstr(s->evidence, "so many addresses in a row gave no answer"));
    /* It is not begun again for the same outbreak. */
    (void)attack_on(s, NETWORK + 99, PORT, START + 50);
    assert_int_equal(s->task_count, 48);
    stage_free(s);
}

static void no_listener_in_three_24s_ends_it(void **state)
{
    (void)state;
    struct stage *s = stage_new("outbreak");
    allow(s, 2048, 65536);
    break_out(s, NETWORK);
    assert_int_equal(work(s, nobody), 3 * 254);
    assert_non_null(strstr(s->evidence, "the first three /24s have no listener"));
    /* The outbreak's /24, then the ones beside it. */
    assert_int_equal(s->task[0].order.addr.bytes[14], 113);
    assert_int_equal(s->task[254].order.addr.bytes[14], 114);
    assert_int_equal(s->task[2 * 254].order.addr.bytes[14], 112);
    stage_free(s);
}

static void it_is_bounded(void **state)
{
    (void)state;
    struct stage *s = stage_new("outbreak");
    allow(s, 1000, 256);
    break_out(s, NETWORK);
    assert_int_equal(work(s, everybody), 1000);
    assert_int_equal(s->count, 1000);
    assert_non_null(strstr(s->evidence, "1000 of 1000 addresses asked listen on 20012/tcp, in 4 /24s; over because probe.neighbours_max"));
    assert_true(addr_equal(s->destination.addr, addr_v4(0xcb000000U)));
    assert_int_equal(s->destination.port, PORT);
    stage_free(s);
    s = stage_new("outbreak");
    allow(s, 2048, 256);
    break_out(s, NETWORK);
    assert_int_equal(work(s, every_tenth), 2048);
    assert_int_equal(s->count, 8 * 25 + 1);
    stage_free(s);
    /* A single listener in the second /24 lets it go on past the third. */
    s = stage_new("outbreak");
    allow(s, 900, 65536);
    break_out(s, NETWORK);
    assert_int_equal(work(s, only_23), 900);
    assert_int_equal(s->count, 1);
    stage_free(s);
    /* At the edge of a /16: only inside it. */
    s = stage_new("outbreak");
    allow(s, 2048, 256);
    break_out(s, 0xcb00ff00U);
    assert_int_equal(work(s, everybody), 2048);
    for (size_t i = 0; i < s->task_count; i++) {
        assert_int_equal(s->task[i].order.addr.bytes[12], 0xcb);
        assert_int_equal(s->task[i].order.addr.bytes[13], 0);
        assert_true(s->task[i].order.addr.bytes[15] >= 1 && s->task[i].order.addr.bytes[15] <= 254);
        for (size_t k = 0; k < i && i < 600; k++)
            assert_string_not_equal(s->task[i].key, s->task[k].key);
    }
    stage_free(s);
}

static void what_does_not_come_back_ends_it(void **state)
{
    (void)state;
    struct stage *s = stage_new("outbreak");
    allow(s, 2048, 256);
    break_out(s, NETWORK);
    assert_int_equal(attack_on(s, NETWORK + 50, PORT, START + 20 * USEC_PER_HOUR), 0);
    assert_int_equal(attack_on(s, NETWORK + 51, PORT, START + 26 * USEC_PER_HOUR), 1);
    assert_string_equal(s->finding, "neighbours");
    /* Its late answers make nobody an attacker, nor do they ask for more. */
    size_t findings = s->findings;
    (void)work(s, everybody);
    assert_int_equal(s->task_count, 16);
    assert_int_equal(s->findings, findings);
    stage_free(s);
}

static void it_goes_on_after_a_restart(void **state)
{
    (void)state;
    struct stage *s = stage_new("outbreak"), *later = stage_new("outbreak");
    allow(s, 64, 256);
    allow(later, 64, 256);
    break_out(s, NETWORK);
    struct buf saved;
    buf_init(&saved, 0);
    engine_save(s->engine, &saved);
    assert_int_equal(engine_load(later->engine, buf_as_span(&saved)), 0);
    later->task_count = s->task_count;
    memcpy(later->task, s->task, s->task_count * sizeof s->task[0]);
    assert_int_equal(work(s, every_tenth), 64);
    assert_int_equal(work(later, every_tenth), 64);
    for (size_t i = 0; i < 64; i++)
        assert_string_equal(s->task[i].key, later->task[i].key);
    assert_true(id_equal(s->id, later->id));
    assert_string_equal(s->evidence, later->evidence);
    buf_done(&saved);
    stage_free(s);
    stage_free(later);
}

static void many_networks_stay_bounded(void **state)
{
    (void)state;
    struct stage *s = stage_new("outbreak");
    for (uint32_t i = 0; i < 20000; i++)
        (void)attack_on(s, 0x0a000001U + (i << 16), (uint16_t)(20000 + i % 5000), START + i);
    for (uint32_t i = 0; i < 60000; i++) /* and many hosts and ports in one */
        (void)attack_on(s, 0xcb000000U + i, (uint16_t)(20000 + i % 97), START + i);
    struct buf saved;
    buf_init(&saved, 0);
    engine_save(s->engine, &saved);
    assert_true(saved.len <= ENGINE_SAVED_MAX + 1024);
    buf_done(&saved);
    stage_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_of_a_24_are_an_outbreak),
        cmocka_unit_test(eight_of_a_16_are_an_outbreak),
        cmocka_unit_test(answers_and_lists_tell_who_listens),
        cmocka_unit_test(neighbours_are_asked_step_by_step),
        cmocka_unit_test(no_answers_end_it),
        cmocka_unit_test(no_listener_in_three_24s_ends_it),
        cmocka_unit_test(it_is_bounded),
        cmocka_unit_test(what_does_not_come_back_ends_it),
        cmocka_unit_test(it_goes_on_after_a_restart),
        cmocka_unit_test(many_networks_stay_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
