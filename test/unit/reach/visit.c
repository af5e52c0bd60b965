/* Visits: what is asked when, what policy and the store have to say first, and what is left behind when something goes away. */
#include "reach/parts.h"

#include "base/log.h"
#include "scene.h"

static char banner[] = "220 device\r\n";

/* A host with a banner. */
static struct host *speaker(struct scene *s, const char *addr)
{
    struct host *h = tcp_host(s, addr, serve_text);
    h->user = banner;
    return h;
}

/* Fills the journal until a record of `room` bytes finds none; the store keeps back its acknowledgements. */
static void fill_journal(struct scene *s, size_t room)
{
    static uint8_t bytes[RECORD_TEXT_MAX];
    memset(bytes, 'n', sizeof bytes);
    assert_true(s->withhold);
    for (size_t len = sizeof bytes; len >= 64; len /= 2) {
        const struct fact fact = fact_text(FACT_EVENT_ORIGINAL, span_of(bytes, len));
        const struct record record = {
            .id = id_new(usec_now()), .time = usec_now(), .sensor = span_text("test"), .kind = KIND_NOTE, .facts = &fact, .fact_count = 1};
        while (journal_fits(s->journal, room + len + 160))
            assert_int_equal(journal_append(s->journal, &record), 0);
    }
    assert_true(journal_fits(s->journal, room));
    assert_false(journal_fits(s->journal, room + 256));
    journal_push(s->journal);
}

static void acknowledge_all(struct scene *s)
{
    s->withhold = false;
    acknowledge(s, s->last);
}

static size_t dials(const struct scene *s)
{
    return count_said(s, KIND_DIAL, NULL, " event.outcome=success ");
}

/* ---- before a packet leaves ---- */

static void no_packet_leaves_before_its_record_is_committed(void **state)
{
    (void)state;
    struct scene *s = set_up(NULL);
    struct host *host = speaker(s, "127.0.0.2");
    s->withhold = true;
    lease_one(s, host, "banner");
    await(s, KIND_DIAL, host, " event.outcome=success ");
    run(s, 200);
    assert_int_equal(host->guest_count, 0);
    acknowledge_all(s);
    await_visits(s, 1);
    assert_int_equal(host->guest_count, 1);
    tear_down(s);
}

static void nothing_is_asked_before_lists_and_counts_are_known(void **state)
{
    (void)state;
    struct scene *s = set_up_bare(NULL, -1);
    struct host *host = speaker(s, "127.0.0.2");
    store_comes(s);
    lease_one(s, host, "banner");
    run(s, 50);
    spent_nothing(s);
    run(s, 50);
    assert_int_equal(s->said_count, 0);
    lists(s, "", "");
    await_visits(s, 1);
    assert_int_equal(host->guest_count, 1);
    tear_down(s);
    s = set_up_bare(NULL, -1);
    host = speaker(s, "127.0.0.2");
    lists(s, "", "");
    store_comes(s);
    lease_one(s, host, "banner");
    run(s, 50);
    assert_int_equal(s->said_count, 0);
    spent_nothing(s);
    await_visits(s, 1);
    tear_down(s);
}

static void who_opts_out_before_the_packet_gets_none(void **state)
{
    (void)state;
    struct scene *s = set_up(NULL);
    struct host *host = speaker(s, "127.0.0.2"), *other = speaker(s, "127.0.0.2");
    struct order order = order_for("127.0.0.2");
    order_ask(&order, host, "banner");
    order_ask(&order, other, "banner");
    s->withhold = true;
    lease(s, &order);
    await(s, KIND_DIAL, host, " event.outcome=success ");
    lists(s, "", "127.0.0.0/29\n");
    acknowledge_all(s);
    await_visits(s, 1);
    assert_said(s, KIND_ANSWER, host, " event.outcome=failure event.reason=policy ");
    assert_said(s, KIND_ANSWER, host, " noroshi.detail=opted out ");
    assert_said(s, KIND_DIAL, other, " event.outcome=failure event.reason=opted out ");
    assert_said(s, KIND_VISIT, NULL, " event.outcome=failure ");
    assert_int_equal(guests_seen(s), 0);
    tear_down(s);
}

static void who_opts_out_during_a_talk_is_left_alone(void **state)
{
    (void)state;
    struct scene *s = set_up((const char *const[]){"probe.deadline=60s", "probe.first_byte=60s", NULL});
    struct host *host = tcp_host(s, "127.0.0.2", serve_silence), *bystander = tcp_host(s, "127.0.0.9", serve_silence);
    lease_one(s, host, "banner");
    lease_one(s, bystander, "banner");
    while (guests_seen(s) < 2)
        turn(s);
    run(s, 20);
    lists(s, "", "127.0.0.2\n");
    await_visits(s, 1);
    assert_said(s, KIND_ANSWER, host, " event.outcome=failure event.reason=policy ");
    assert_said(s, KIND_ANSWER, host, " noroshi.detail=opted out ");
    assert_int_equal(guests_open(s), 1);
    assert_int_equal(count_said(s, KIND_ANSWER, bystander, ""), 0);
    lists(s, "127.0.0.8/29\n", "");
    await_visits(s, 2);
    assert_said(s, KIND_ANSWER, bystander, " noroshi.detail=blocklist ");
    assert_int_equal(guests_open(s), 0);
    tear_down(s);
}

/* The page was answered; before its icon is asked for, the host opts out. */
static void who_opts_out_between_two_connections_is_asked_once(void **state)
{
    (void)state;
    static char page[] = "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok";
    struct scene *s = set_up((const char *const[]){"outside.rate_per_address=60", "probe.connect_timeout=5s", NULL});
    struct host *host = tcp_host(s, "127.0.0.2", serve_and_close);
    host->user = page;
    lease_one(s, host, "http");
    s->withhold = true;
    await(s, KIND_DIAL, host, "");
    acknowledge(s, s->last);
    while (dials(s) < 2)
        turn(s);
    lists(s, "", "127.0.0.2\n");
    acknowledge_all(s);
    await_visits(s, 1);
    assert_int_equal(host->guest_count, 1);
    assert_int_equal(count_said(s, KIND_ANSWER, host, ""), 1);
    assert_said(s, KIND_ANSWER, host, " event.outcome=success event.reason=answered ");
    assert_said(s, KIND_VISIT, NULL, " noroshi.count=1 ");
    tear_down(s);
}

static void what_policy_refuses_is_recorded(void **state)
{
    (void)state;
    static const struct {
        const char *change, *blocklist, *probe, *why;
    } cases[] = {
        {"operator.page=", "", "banner", "operator not named"},
        {"outside.test_network=[]", "", "banner", "special-purpose address"},
        {"outside.dry_run=false", "127.0.0.0/8\n", "banner", "blocklist"},
        {"outside.dry_run=true", "", "banner", "dry run"},
        {"outside.daily=0", "", "banner", "daily budget"},
        {"outside.daily_per_network=0", "", "banner", "daily budget of the network"},
        {"probe.ics=false", "", "modbus", "industrial probes off"},
        {"probe.extra=[]", "", "upnp", "probe not switched on"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char reason[128];
        struct scene *s = set_up((const char *const[]){cases[i].change, NULL});
        struct host *host = speaker(s, "127.0.0.2");
        lists(s, cases[i].blocklist, "");
        lease_one(s, host, cases[i].probe);
        await_visits(s, 1);
        (void)snprintf(reason, sizeof reason, " event.outcome=failure event.reason=%s ", cases[i].why);
        assert_said(s, KIND_DIAL, NULL, reason);
        assert_said(s, KIND_VISIT, NULL, reason);
        assert_int_equal(count_said(s, KIND_ANSWER, NULL, ""), 0);
        assert_int_equal(guests_seen(s), 0);
        assert_int_equal(reach_state(s->reach).refused, 1);
        tear_down(s);
    }
}

static void a_daily_budget_ends_a_visit(void **state)
{
    (void)state;
    struct scene *s = set_up((const char *const[]){"outside.daily_per_address=2", NULL});
    struct order order = order_for("127.0.0.2");
    for (unsigned i = 0; i < 4; i++)
        order_ask(&order, speaker(s, "127.0.0.2"), "banner");
    lease(s, &order);
    await_visits(s, 1);
    assert_int_equal(guests_seen(s), 2);
    assert_int_equal(count_said(s, KIND_DIAL, NULL, " event.reason=daily budget of the address "), 1); /* said once, not for each port */
    assert_said(s, KIND_VISIT, NULL, " event.outcome=success event.reason=visited ");
    assert_said(s, KIND_VISIT, NULL, " noroshi.count=2 ");
    tear_down(s);
}

static void a_rate_is_waited_for(void **state)
{
    (void)state;
    struct scene *s = set_up((const char *const[]){"outside.rate=10", NULL});
    usec_t from = usec_monotonic();
    for (unsigned i = 0; i < 4; i++) {
        char addr[16];
        (void)snprintf(addr, sizeof addr, "127.0.0.%u", 10 + i);
        lease_one(s, speaker(s, addr), "banner");
    }
    while (guests_seen(s) < 4)
        turn(s);
    assert_true(usec_monotonic() - from >= 250 * USEC_PER_MSEC);
    await_visits(s, 4);
    tear_down(s);
}

/* ---- one after another ---- */

static void an_address_has_one_connection_at_a_time(void **state)
{
    (void)state;
    struct scene *s = set_up(NULL);
    struct order first = order_for("127.0.0.2"), second = order_for("127.0.0.2");
    for (unsigned i = 0; i < 5; i++) {
        struct host *host = speaker(s, "127.0.0.2");
        order_ask(i < 3 ? &first : &second, host, "banner");
    }
    (void)snprintf(second.cause, sizeof second.cause, "another");
    lease(s, &first);
    lease(s, &second);
    await_visits(s, 2);
    assert_int_equal(guests_seen(s), 5);
    assert_int_equal(s->most_open, 1);
    assert_int_equal(count_said(s, KIND_ANSWER, NULL, " noroshi.task=probe 127.0.0.2 operator "), 3);
    assert_int_equal(count_said(s, KIND_ANSWER, NULL, " noroshi.task=probe 127.0.0.2 another "), 2);
    /* The second begins when the first is over. */
    assert_true(find_said(s, KIND_VISIT, NULL, " 127.0.0.2 operator ") < find_said(s, KIND_DIAL, NULL, " 127.0.0.2 another "));
    assert_false(id_equal(find_said(s, KIND_VISIT, NULL, " operator ")->session, find_said(s, KIND_VISIT, NULL, " another ")->session));
    tear_down(s);
}

static void no_more_are_in_flight_than_allowed(void **state)
{
    (void)state;
    struct scene *s = set_up((const char *const[]){"outside.in_flight=3", NULL});
    for (unsigned i = 0; i < 10; i++) {
        char addr[16];
        (void)snprintf(addr, sizeof addr, "127.0.0.%u", 10 + i);
        lease_one(s, speaker(s, addr), "banner");
    }
    while (count_said(s, KIND_VISIT, NULL, "") < 10) {
        turn(s);
        assert_true(reach_state(s->reach).in_flight <= 3);
    }
    assert_int_equal(s->most_open, 3);
    tear_down(s);
}

static void a_second_visit_soon_after_is_not_made(void **state)
{
    (void)state;
    struct scene *s = set_up(NULL);
    struct host *host = speaker(s, "127.0.0.2");
    struct order order = order_for("127.0.0.2");
    order.flags = 0;
    order_ask(&order, host, "banner");
    lease(s, &order);
    (void)snprintf(order.cause, sizeof order.cause, "another");
    lease(s, &order);
    await_visits(s, 2);
    assert_said(s, KIND_VISIT, NULL, " event.outcome=failure event.reason=visited lately ");
    assert_int_equal(host->guest_count, 1);
    order.flags = ORDER_BY_HAND; /* the operator may ask again */
    (void)snprintf(order.cause, sizeof order.cause, "operator");
    lease(s, &order);
    await_visits(s, 3);
    assert_int_equal(host->guest_count, 2);
    tear_down(s);
}

/* So many connections of today to an address, the last at that time. */
static void spent(struct scene *s, const char *addr, uint32_t connections, usec_t last)
{
    struct addr a = ip(addr);
    struct buf body;
    buf_init(&body, 0);
    buf_be(&body, 1, 4);
    buf_put(&body, a.bytes, sizeof a.bytes);
    buf_be(&body, 64500, 4);
    buf_be(&body, connections, 4);
    buf_be(&body, 0, 4);
    buf_be(&body, 0, 4);
    buf_be(&body, (uint64_t)last, 8);
    store_send(s, MESSAGE_SPENT, &body);
    buf_done(&body);
}

static void what_was_spent_before_counts(void **state)
{
    (void)state;
    struct scene *s = set_up_bare((const char *const[]){"outside.daily_per_address=7", NULL}, -1);
    struct host *lately = speaker(s, "127.0.0.2"), *before = speaker(s, "127.0.0.3"), *often = speaker(s, "127.0.0.4");
    lists(s, "", "");
    store_comes(s);
    spent(s, "127.0.0.2", 1, usec_now() - 50 * 60 * USEC_PER_SEC);
    spent(s, "127.0.0.3", 1, usec_now() - 70 * 60 * USEC_PER_SEC);
    spent(s, "127.0.0.4", 7, usec_now());
    spent_nothing(s);
    spent(s, "127.0.0.3", 1, usec_now()); /* after the end: a store that came again; we have counted ourselves since */
    struct host *const hosts[] = {lately, before, often};
    for (size_t i = 0; i < 3; i++) {
        char addr[ADDR_TEXT_SIZE];
        struct order order = order_for(addr_print(hosts[i]->at.addr, addr));
        order.flags = i < 2 ? 0 : ORDER_BY_HAND;
        order_ask(&order, hosts[i], "banner");
        lease(s, &order);
    }
    await_visits(s, 3);
    assert_said(s, KIND_VISIT, NULL, "visit 127.0.0.2:0/ event.outcome=failure event.reason=visited lately ");
    assert_said(s, KIND_VISIT, NULL, "visit 127.0.0.3:0/ event.outcome=success event.reason=visited ");
    assert_said(s, KIND_VISIT, NULL, "visit 127.0.0.4:0/ event.outcome=failure event.reason=daily budget of the address ");
    assert_int_equal(guests_seen(s), 1);
    tear_down(s);
}

static void an_old_cause_is_given_up(void **state)
{
    (void)state;
    struct scene *s = set_up(NULL);
    struct host *host = speaker(s, "127.0.0.2"), *fresh = speaker(s, "127.0.0.3");
    struct order order = order_for("127.0.0.2");
    order_ask(&order, host, "banner");
    (void)id_print(id_new(usec_now() - 61 * 60 * USEC_PER_SEC), order.cause);
    lease(s, &order);
    order = order_for("127.0.0.3");
    order_ask(&order, fresh, "banner");
    (void)id_print(id_new(usec_now() - 59 * 60 * USEC_PER_SEC), order.cause);
    lease(s, &order);
    await_visits(s, 2);
    assert_said(s, KIND_VISIT, NULL, "visit 127.0.0.2:0/ event.outcome=failure event.reason=too old ");
    assert_said(s, KIND_VISIT, NULL, "visit 127.0.0.3:0/ event.outcome=success event.reason=visited ");
    assert_int_equal(guests_seen(s), 1);
    tear_down(s);
}

static void without_ports_the_settings_say_which(void **state)
{
    (void)state;
    struct scene *s = set_up((const char *const[]){"probe.ports=[\"21212:ftp\", \"23232:telnet\", \"23232:banner\"]", "probe.ics_ports=[502]",
                                                   "outside.dry_run=true", NULL});
    const struct order order = order_for("127.0.0.2");
    lease(s, &order);
    await_visits(s, 1);
    assert_int_equal(count_said(s, KIND_DIAL, NULL, " event.reason=dry run "), 3);
    assert_said(s, KIND_DIAL, NULL, "dial 127.0.0.2:21212/tcp ");
    assert_said(s, KIND_DIAL, NULL, "dial 127.0.0.2:502/tcp ");
    assert_said(s, KIND_VISIT, NULL, " noroshi.ports=21212/tcp,23232/tcp,502/tcp ");
    tear_down(s);
}

/* ---- leases ---- */

static void what_an_earlier_lease_dialled_is_not_asked_again(void **state)
{
    (void)state;
    struct scene *s = set_up(NULL);
    struct host *done = speaker(s, "127.0.0.2"), *left = speaker(s, "127.0.0.2");
    struct order order = order_for("127.0.0.2");
    order.flags = 0;
    order_ask(&order, done, "banner");
    order_ask(&order, left, "banner");
    (void)id_print(id_new(usec_now() - 3 * 3600 * USEC_PER_SEC), order.cause); /* what was begun is ended, however late */
    lease_again(s, &order, order.ports, 1);
    await_visits(s, 1);
    assert_int_equal(done->guest_count, 0);
    assert_int_equal(left->guest_count, 1);
    assert_said(s, KIND_VISIT, NULL, " event.outcome=success event.reason=visited ");
    /* All of it: the record that ends the task was missing. */
    order = order_for("127.0.0.3");
    order_ask(&order, done, "banner");
    lease_again(s, &order, order.ports, 1);
    await_visits(s, 2);
    assert_said(s, KIND_VISIT, NULL, "visit 127.0.0.3:0/ event.outcome=failure event.reason=visited ");
    assert_int_equal(guests_seen(s), 1);
    /* The same port over the other transport is another. */
    struct order_port other = {.port = left->at.port, .transport = TRANSPORT_UDP};
    order = order_for("127.0.0.2");
    order_ask(&order, left, "banner");
    lease_again(s, &order, &other, 1);
    await_visits(s, 3);
    assert_int_equal(left->guest_count, 2);
    tear_down(s);
}

static void a_lease_given_twice_is_one_visit(void **state)
{
    (void)state;
    struct scene *s = set_up(NULL);
    struct host *host = speaker(s, "127.0.0.2");
    lease_one(s, host, "banner");
    lease_one(s, host, "banner");
    while (host->guest_count == 0)
        turn(s);
    lease_one(s, host, "banner");
    await_visits(s, 1);
    run(s, 100);
    assert_int_equal(count_said(s, KIND_VISIT, NULL, ""), 1);
    assert_int_equal(host->guest_count, 1);
    tear_down(s);
}

static void work_is_asked_for_when_there_is_room(void **state)
{
    (void)state;
    struct scene *s = set_up((const char *const[]){"outside.dry_run=true", "outside.in_flight=1", NULL});
    run(s, 20);
    assert_int_equal(s->wants, 1);
    uint32_t room = s->wanted;
    assert_true(room >= 2);
    s->withhold = true; /* so that they stay */
    fill_journal(s, JOURNAL_SPARE - 4096);
    for (uint32_t i = 0; i < room; i++) {
        struct order order = order_for("127.0.0.2");
        order.addr = addr_v4(0x7f020000 + i);
        lease(s, &order);
        turn(s);
    }
    run(s, 20);
    assert_int_equal(reach_state(s->reach).visits, room);
    assert_int_equal(s->wants, 1);
    acknowledge_all(s);
    while (s->wants < 2)
        turn(s);
    assert_true(s->wanted >= room / 2 && s->wanted <= room);
    tear_down(s);
}

static void cut_messages_are_survived(void **state)
{
    (void)state;
    struct scene *s = set_up_bare(NULL, -1);
    struct host *host = speaker(s, "127.0.0.2");
    struct order order = order_for("127.0.0.2");
    struct buf body;
    lists(s, "", "");
    store_comes(s);
    buf_init(&body, 0);
    order_ask(&order, host, "banner");
    lease_encode(&body, &order, order.ports, 1);
    for (size_t len = 18; len < body.len; len++) {
        struct buf cut;
        buf_init(&cut, 0);
        buf_span(&cut, span_part(buf_as_span(&body), 0, len));
        store_send(s, MESSAGE_LEASE, &cut);
        turn(s);
        buf_done(&cut);
    }
    buf_byte(&body, 0); /* and one byte too many */
    store_send(s, MESSAGE_LEASE, &body);
    turn(s);
    assert_int_equal(reach_state(s->reach).leased, 0);
    buf_clear(&body);
    buf_be(&body, 1, 4);
    for (unsigned i = 0; i < 40; i++) {
        store_send(s, MESSAGE_SPENT, &body);
        turn(s);
        buf_byte(&body, (uint8_t)i);
    }
    buf_clear(&body);
    buf_be(&body, UINT32_MAX, 4);
    store_send(s, MESSAGE_SPENT, &body);
    turn(s);
    assert_false(s->reach->spent_known);
    buf_done(&body);
    spent_nothing(s);
    lease_one(s, host, "banner");
    await_visits(s, 1);
    assert_int_equal(host->guest_count, 1);
    tear_down(s);
}

/* ---- no room, no store ---- */

static void a_full_journal_stops_new_connections(void **state)
{
    (void)state;
    struct scene *s = set_up(NULL);
    struct host *host = speaker(s, "127.0.0.2"), *other = speaker(s, "127.0.0.3");
    s->withhold = true;
    fill_journal(s, JOURNAL_SPARE - 4096);
    lease_one(s, host, "banner");
    lease_one(s, other, "banner");
    run(s, 100);
    assert_int_equal(s->said_count, 0);
    assert_int_equal(reach_state(s->reach).visits, 2);
    assert_int_equal(reach_state(s->reach).in_flight, 0);
    acknowledge_all(s);
    await_visits(s, 2);
    assert_int_equal(guests_seen(s), 2);
    tear_down(s);
}

/* The talks are over while there is no room: what was learned waits, and no new one begins. */
static void answers_wait_for_room(void **state)
{
    (void)state;
    struct scene *s = set_up((const char *const[]){"outside.in_flight=4", NULL});
    for (unsigned i = 0; i < 6; i++) {
        char addr[16];
        (void)snprintf(addr, sizeof addr, "127.0.0.%u", 10 + i);
        lease_one(s, speaker(s, addr), "banner");
    }
    while (guests_seen(s) < 4)
        turn(s);
    s->withhold = true;
    fill_journal(s, 200); /* less than an answer needs */
    run(s, 400);
    assert_int_equal(count_said(s, KIND_ANSWER, NULL, ""), 0);
    assert_int_equal(guests_seen(s), 4);
    assert_int_equal(guests_open(s), 0);
    acknowledge_all(s);
    await_visits(s, 6);
    assert_int_equal(count_said(s, KIND_ANSWER, NULL, " noroshi.banner=12:220 device"), 6);
    run(s, 5);
    assert_int_equal(reach_state(s->reach).in_flight, 0);
    tear_down(s);
}

static void serve_lots(struct host *h, struct guest *g)
{
    static uint8_t block[64 * 1024];
    (void)h;
    guest_hear(g);
    for (ssize_t sent = 1; sent > 0 && g->sent < 2 * 1024 * 1024;) {
        sent = send(g->fd, block, sizeof block, MSG_NOSIGNAL);
        g->sent += sent > 0 ? (size_t)sent : 0;
    }
    if (g->over)
        guest_leaves(g);
}

/* There is room for a new connection's records, but not for the longest answer: it must not be tried for ever. */
static void a_long_answer_waits_for_more_room_than_a_short_one(void **state)
{
    (void)state;
    struct scene *s = set_up((const char *const[]){"probe.answer_max=1M", NULL});
    struct host *host = tcp_host(s, "127.0.0.2", serve_lots);
    lease_one(s, host, "banner");
    while (host->guest_count == 0)
        turn(s);
    s->withhold = true;
    uint64_t before = s->last;
    fill_journal(s, JOURNAL_SPARE); /* and the answer is a little longer */
    while (reach_state(s->reach).in_flight > 0 && s->reach->full.first == NULL)
        turn(s);
    while (s->last < before + 1)
        turn(s);
    acknowledge(s, s->acknowledged); /* nothing more was committed */
    run(s, 50);
    assert_int_equal(count_said(s, KIND_ANSWER, host, ""), 0);
    acknowledge_all(s);
    await_visits(s, 1);
    assert_said(s, KIND_ANSWER, host, " event.reason=too much ");
    assert_said(s, KIND_ANSWER, host, " noroshi.banner=1048576:");
    tear_down(s);
}

static void the_store_goes_away_and_comes_back(void **state)
{
    (void)state;
    struct scene *s = set_up(NULL);
    struct host *asked = speaker(s, "127.0.0.2"), *talking = tcp_host(s, "127.0.0.3", serve_silence);
    lease_one(s, talking, "banner");
    while (talking->guest_count == 0)
        turn(s);
    s->withhold = true;
    lease_one(s, asked, "banner");
    await(s, KIND_DIAL, asked, " event.outcome=success ");
    store_goes(s);
    run(s, 400); /* the talk ends meanwhile */
    assert_int_equal(asked->guest_count, 0);
    assert_int_equal(count_said(s, KIND_ANSWER, NULL, ""), 0);
    s->withhold = false;
    uint32_t wants = (uint32_t)s->wants;
    store_comes(s);
    spent_nothing(s);
    lease_one(s, asked, "banner"); /* the store gives its leases again */
    struct order order = order_for("127.0.0.3");
    order_ask(&order, talking, "banner");
    lease_again(s, &order, order.ports, 1); /* it has not seen yet that this one is over */
    await_visits(s, 3);
    assert_int_equal(count_said(s, KIND_VISIT, NULL, "visit 127.0.0.2:0/ "), 1);
    assert_true(s->wants > wants);
    assert_int_equal(asked->guest_count, 1);
    assert_int_equal(talking->guest_count, 1);
    assert_said(s, KIND_ANSWER, talking, " event.reason=silent ");
    tear_down(s);
}

/* ---- the end ---- */

static void stopping_without_work_is_at_once(void **state)
{
    (void)state;
    struct scene *s = set_up(NULL);
    run(s, 20);
    reach_stop(s->reach, USEC_PER_SEC);
    run(s, 20);
    assert_true(s->stopped);
    reach_stop(s->reach, USEC_PER_SEC); /* again: nothing */
    run(s, 20);
    tear_down(s);
}

static void stopping_leaves_open_visits_to_a_later_lease(void **state)
{
    (void)state;
    struct scene *s = set_up((const char *const[]){"probe.deadline=60s", "probe.first_byte=60s", "outside.in_flight=3", NULL});
    struct host *talking = tcp_host(s, "127.0.0.2", serve_silence), *asked = speaker(s, "127.0.0.3"), *waiting = speaker(s, "127.0.0.4");
    struct host *behind = speaker(s, "127.0.0.2");
    lease_one(s, talking, "banner");
    while (talking->guest_count == 0)
        turn(s);
    s->withhold = true;
    lease_one(s, asked, "banner");
    await(s, KIND_DIAL, asked, "");
    fill_journal(s, JOURNAL_SPARE - 64 * 1024);
    lease_one(s, waiting, "banner");
    struct order order = order_for("127.0.0.2");
    order_ask(&order, behind, "banner");
    (void)snprintf(order.cause, sizeof order.cause, "another");
    lease(s, &order);
    run(s, 20);
    usec_t from = usec_monotonic();
    reach_stop(s->reach, 200 * USEC_PER_MSEC);
    lease_one(s, waiting, "telnet"); /* too late */
    while (!s->stopped && usec_monotonic() - from < 5 * USEC_PER_SEC)
        turn(s);
    assert_true(s->stopped && usec_monotonic() - from >= 199 * USEC_PER_MSEC);
    run(s, 20);
    acknowledge_all(s);
    run(s, 20);
    assert_said(s, KIND_ANSWER, talking, " event.outcome=failure event.reason=stopped ");
    assert_said(s, KIND_ANSWER, asked, " event.outcome=failure event.reason=stopped "); /* no packet, but an end of what was announced */
    assert_int_equal(count_said(s, KIND_VISIT, NULL, ""), 0);
    assert_int_equal(guests_seen(s), 1);
    assert_int_equal(guests_open(s), 0);
    assert_int_equal(reach_state(s->reach).visits, 0);
    assert_true(journal_empty(s->journal));
    tear_down(s);
}

static void a_talk_that_ends_in_time_ends_its_visit(void **state)
{
    (void)state;
    struct scene *s = set_up(NULL);
    struct host *last = tcp_host(s, "127.0.0.2", serve_silence), *first = tcp_host(s, "127.0.0.3", serve_silence), *second = speaker(s, "127.0.0.3");
    struct order order = order_for("127.0.0.3");
    order_ask(&order, first, "banner");
    order_ask(&order, second, "banner");
    lease_one(s, last, "banner");
    lease(s, &order);
    while (guests_seen(s) < 2)
        turn(s);
    reach_stop(s->reach, 5 * USEC_PER_SEC);
    while (!s->stopped)
        turn(s);
    run(s, 20);
    assert_said(s, KIND_ANSWER, last, " event.reason=silent ");
    assert_said(s, KIND_ANSWER, first, " event.reason=silent ");
    assert_int_equal(second->guest_count, 0);
    assert_int_equal(count_said(s, KIND_VISIT, NULL, ""), 1);
    assert_said(s, KIND_VISIT, NULL, "visit 127.0.0.2:0/ ");
    tear_down(s);
}

static void settings_that_can_not_be_used_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"probe.ports=[\"99999\"]", "probe.ports=[\"80:nothing\"]", "outside.test_network=[all]", "outside.hours=late",
                                      "operator.page=gopher://x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct scene *s = set_up_bare(NULL, -1);
        struct reach *reach = NULL;
        struct conf_error error;
        assert_int_equal(conf_override(s->conf, bad[i], &error), 0);
        assert_int_equal(reach_check(s->conf, &error), -ERR_CONFIG);
        struct reach_config config = s->reach->config;
        assert_int_equal(reach_new(&reach, &config, &error), -ERR_CONFIG);
        assert_null(reach);
        char path[32];
        (void)snprintf(path, sizeof path, "%.*s", (int)strcspn(bad[i], "="), bad[i]);
        if (strstr(error.text, path) == NULL)
            fail_msg("%s does not name %s", error.text, path);
        tear_down(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_packet_leaves_before_its_record_is_committed),
        cmocka_unit_test(nothing_is_asked_before_lists_and_counts_are_known),
        cmocka_unit_test(who_opts_out_before_the_packet_gets_none),
        cmocka_unit_test(who_opts_out_during_a_talk_is_left_alone),
        cmocka_unit_test(who_opts_out_between_two_connections_is_asked_once),
        cmocka_unit_test(what_policy_refuses_is_recorded),
        cmocka_unit_test(a_daily_budget_ends_a_visit),
        cmocka_unit_test(a_rate_is_waited_for),
        cmocka_unit_test(an_address_has_one_connection_at_a_time),
        cmocka_unit_test(no_more_are_in_flight_than_allowed),
        cmocka_unit_test(a_second_visit_soon_after_is_not_made),
        cmocka_unit_test(what_was_spent_before_counts),
        cmocka_unit_test(an_old_cause_is_given_up),
        cmocka_unit_test(without_ports_the_settings_say_which),
        cmocka_unit_test(what_an_earlier_lease_dialled_is_not_asked_again),
        cmocka_unit_test(a_lease_given_twice_is_one_visit),
        cmocka_unit_test(work_is_asked_for_when_there_is_room),
        cmocka_unit_test(cut_messages_are_survived),
        cmocka_unit_test(a_full_journal_stops_new_connections),
        cmocka_unit_test(answers_wait_for_room),
        cmocka_unit_test(a_long_answer_waits_for_more_room_than_a_short_one),
        cmocka_unit_test(the_store_goes_away_and_comes_back),
        cmocka_unit_test(stopping_without_work_is_at_once),
        cmocka_unit_test(stopping_leaves_open_visits_to_a_later_lease),
        cmocka_unit_test(a_talk_that_ends_in_time_ends_its_visit),
        cmocka_unit_test(settings_that_can_not_be_used_are_refused),
    };
    log_open("reach", LOG_LEVEL_ERROR); /* the warnings about bent messages are meant */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
