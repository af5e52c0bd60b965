/* Quests: what is put when, what is put once for many, what a hostile server can do, what the records say, and what budgets and blocks spare. */
#include "quests.h"

/* ---- what happens ---- */

static void a_quest_asks_hears_and_tells(void **state)
{
    (void)state;
    resolver_make();
    struct scene *s = begin_with(no_limits, one_channel, NULL);
    quest_for(s, "192.0.2.7");
    await_quests(s, 1);
    assert_int_equal(heard, 1);
    assert_int_equal(ended, 1);
    assert_int_equal(last_outcome, OUTCOME_ANSWERED);
    assert_string_equal(last_bytes, reply);
    const struct said *dial = find_said(s, KIND_DIAL, whois, " event.outcome=success "), *lookup = find_said(s, KIND_LOOKUP, NULL, "");
    assert_non_null(dial);
    assert_non_null(lookup);
    assert_said(s, KIND_DIAL, whois, " noroshi.lookup.server=127.0.0.3 ");
    assert_said(s, KIND_LOOKUP, NULL, "lookup 192.0.2.7:0/ event.outcome=success event.reason=the test wants to know ");
    assert_said(s, KIND_LOOKUP, NULL, " noroshi.lookup.query=192.0.2.7 noroshi.lookup.state=good ");
    assert_said(s, KIND_LOOKUP, NULL, "inetnum:        192.0.2.0 - 192.0.2.255");
    assert_said(s, KIND_CONTACT, NULL,
                " noroshi.channel=asker noroshi.contact.kind=mail noroshi.contact.value=abuse@net.example noroshi.contact.role=abuse ");
    assert_said(s, KIND_CONTACT, NULL, " noroshi.contact.exists=yes ");
    assert_said(s, KIND_CONTACT, NULL, " noroshi.contact.rfc2142=1 ");
    assert_said(s, KIND_CONTACT, NULL, " noroshi.contact.valid=yes ");
    assert_said(s, KIND_CONTACT, NULL, " noroshi.contact.choice=primary ");
    char id[ID_TEXT_SIZE + 32];
    (void)snprintf(id, sizeof id, " noroshi.lookup.id=%.26s ", id_print(lookup->id, (char[ID_TEXT_SIZE]){0}));
    assert_said(s, KIND_CONTACT, NULL, id);
    assert_said(s, KIND_QUEST, NULL, "quest 192.0.2.7:0/ event.outcome=success ");
    assert_said(s, KIND_QUEST, NULL, " noroshi.count=1 ");
    assert_said(s, KIND_QUEST, NULL, " destination.domain=host.net.example ");
    for (size_t i = 0; i < s->said_count; i++)
        assert_true(id_equal(s->said[i].session, dial->id)); /* the quest's: the id of its first record */
    assert_int_equal(s->said[s->said_count - 1].kind, KIND_QUEST);
    assert_int_equal(seek_state(s->reach->seek).quests, 0);
    finish(s);
}

static void no_packet_leaves_before_its_record_is_committed(void **state)
{
    (void)state;
    struct scene *s = begin_with(no_limits, one_channel, NULL);
    s->withhold = true;
    quest_for(s, "192.0.2.7");
    await(s, KIND_DIAL, whois, " event.outcome=success ");
    run(s, 100);
    assert_int_equal(whois->guest_count, 0);
    s->withhold = false;
    acknowledge(s, s->last);
    await_quests(s, 1);
    assert_int_equal(farm.asked, 1);
    finish(s);
}

static void nothing_is_asked_before_the_registries_are_known(void **state)
{
    (void)state;
    struct scene *s = begin_bare(no_limits, one_channel, NULL);
    quest_for(s, "192.0.2.7");
    run(s, 50);
    assert_int_equal(s->said_count, 0);
    registries(s, NULL);
    await_quests(s, 1);
    finish(s);
}

static void the_same_question_is_put_once(void **state)
{
    (void)state;
    struct scene *s = begin_with(no_limits, two_channels, NULL);
    farm.msec = 50;
    quest_for(s, "192.0.2.7");
    await_quests(s, 1);
    assert_int_equal(heard, 2);
    assert_int_equal(farm.asked, 1);
    assert_int_equal(dials(s), 1);
    assert_said(s, KIND_LOOKUP, NULL, " noroshi.channel=asker,other ");
    /* Of a later quest, too: the answer is kept a while. */
    quest_again(s, "192.0.2.7", 2, CONTACT_ORDER_BY_HAND);
    await_quests(s, 2);
    assert_int_equal(heard, 4);
    assert_int_equal(farm.asked, 1);
    finish(s);
}

static void a_server_is_asked_by_one_connection_at_a_time(void **state)
{
    (void)state;
    struct scene *s = begin_with(no_limits, one_channel, NULL);
    farm.msec = 5;
    for (unsigned i = 0; i < 20; i++) {
        char addr[32];
        (void)snprintf(addr, sizeof addr, "192.0.2.%u", i);
        quest_for(s, addr);
    }
    await_quests(s, 20);
    assert_int_equal(farm.asked, 20);
    assert_int_equal(farm.most_open, 1);
    finish(s);
    s = begin_with("[*]\nat-once: 4\n", one_channel, NULL);
    farm.msec = 20;
    questions = 8;
    quest_for(s, "192.0.2.1");
    await_quests(s, 1);
    assert_int_equal(farm.asked, 8);
    assert_int_equal(farm.most_open, 4);
    finish(s);
}

static void the_pace_of_a_server_is_kept(void **state)
{
    (void)state;
    struct scene *s = begin_with("[*]\nper-second: 20\n", one_channel, NULL);
    questions = 6;
    usec_t began = usec_monotonic();
    quest_for(s, "192.0.2.1");
    await_quests(s, 1);
    assert_true(usec_monotonic() - began >= 5 * 50 * USEC_PER_MSEC);
    assert_int_equal(farm.asked, 6);
    finish(s);
}

/* ---- hostile servers ---- */

static void an_endless_reply_is_cut(void **state)
{
    (void)state;
    struct scene *s = begin_with(no_limits, one_channel, NULL);
    farm.endless = true;
    quest_for(s, "192.0.2.7");
    await_quests(s, 1);
    assert_int_equal(last_outcome, OUTCOME_CUT);
    assert_said(s, KIND_LOOKUP, NULL, " noroshi.lookup.state=cut ");
    assert_said(s, KIND_LOOKUP, NULL, " noroshi.content=262144:");
    finish(s);
}

static void a_byte_a_time_is_not_waited_for_for_ever(void **state)
{
    (void)state;
    struct scene *s = begin_with(no_limits, one_channel, NULL);
    farm.drips = true;
    usec_t began = usec_monotonic();
    quest_for(s, "192.0.2.7");
    await_quests(s, 1);
    assert_in_range(usec_monotonic() - began, 900 * USEC_PER_MSEC, 5 * USEC_PER_SEC);
    assert_int_equal(last_outcome, OUTCOME_CUT);
    finish(s);
}

static void silence_and_closed_ports_are_debts(void **state)
{
    (void)state;
    struct scene *s = begin_with(no_limits, one_channel, NULL);
    farm.silent = true;
    quest_for(s, "192.0.2.7");
    await_quests(s, 1);
    assert_int_equal(last_outcome, OUTCOME_FAILED);
    assert_said(s, KIND_QUEST, NULL, " event.outcome=failure ");
    assert_said(s, KIND_QUEST, NULL, " noroshi.debts=asker: the registry did not answer ");
    assert_said(s, KIND_QUEST, NULL, " noroshi.not_before=");
    whois = closed_port(s, "127.0.0.3", TRANSPORT_TCP);
    quest_again(s, "192.0.2.8", 3, 0); /* the last time that it is tried for a server that is not there */
    await_quests(s, 2);
    assert_int_equal(last_outcome, OUTCOME_FAILED);
    assert_int_equal(count_said(s, KIND_QUEST, NULL, " event.outcome=success "), 1);
    finish(s);
}

static void a_query_can_not_hold_a_line_break(void **state)
{
    (void)state;
    struct scene *s = begin_with(no_limits, one_channel, NULL);
    struct quest q = {.seek = s->reach->seek};
    struct call call = {.quest = &q, .channel = &asker};
    q.current = &call;
    assert_int_equal(quest_whois(&q, span_text("127.0.0.3"), 43, span_text("a\r\nb"), 1), -ERR_MALFORMED);
    assert_int_equal(quest_whois(&q, span_text("127.0.0.3"), 43, span_text(""), 1), -ERR_MALFORMED);
    assert_int_equal(quest_whois(&q, span_text("127.0.0.3\n"), 43, span_text("a"), 1), -ERR_MALFORMED);
    assert_int_equal(quest_whois(&q, span_text(""), 43, span_text("a"), 1), -ERR_MALFORMED);
    assert_int_equal(quest_whois(&q, span_text("127.0.0.3"), 25, span_text("a"), 1), -ERR_DENIED);
    assert_int_equal(quest_whois(&q, span_text("127.0.0.3"), 0, span_text("a"), 1), -ERR_DENIED);
    q.asked = QUEST_QUESTIONS_MAX;
    assert_int_equal(quest_whois(&q, span_text("127.0.0.3"), 43, span_text("a"), 1), -ERR_LIMIT);
    finish(s);
}

/* ---- budgets ---- */

static void a_server_that_says_it_was_too_much_is_left_alone(void **state)
{
    (void)state;
    struct scene *s = begin_with(no_limits, one_channel, NULL);
    farm.reply = "% Sorry, TOO MUCH is too much.\n";
    quest_for(s, "192.0.2.7");
    await_quests(s, 1);
    assert_int_equal(last_outcome, OUTCOME_LIMITED);
    assert_said(s, KIND_LOOKUP, NULL, " noroshi.lookup.state=limited ");
    assert_said(s, KIND_LOOKUP, NULL, " noroshi.not_before=");
    assert_said(s, KIND_QUEST, NULL, " event.outcome=failure ");
    assert_said(s, KIND_QUEST, NULL, " noroshi.not_before=");
    quest_for(s, "192.0.2.8"); /* an hour is longer than its patience */
    await_quests(s, 2);
    assert_int_equal(farm.asked, 1);
    assert_int_equal(count_said(s, KIND_LOOKUP, NULL, ""), 1); /* what was not put is no look-up */
    finish(s);
}

static void put_registry(struct buf *body, bool banned, usec_t from, usec_t until, int64_t hour, uint32_t asked, uint32_t personal)
{
    buf_be(body, 1, 4);
    buf_be(body, 9, 1);
    buf_text(body, "127.0.0.3");
    buf_be(body, banned, 1);
    buf_be(body, (uint64_t)from, 8);
    buf_be(body, (uint64_t)until, 8);
    buf_be(body, 1, 1);
    buf_be(body, (uint64_t)hour, 8);
    buf_be(body, asked, 4);
    buf_be(body, personal, 4);
}

static void assert_limited(const char *servers, const struct buf *body)
{
    struct scene *s = begin_bare(servers, one_channel, NULL);
    registries(s, body);
    quest_for(s, "192.0.2.7");
    await_quests(s, 1);
    assert_int_equal(last_outcome, OUTCOME_LIMITED);
    assert_int_equal(farm.asked, 0);
    assert_int_equal(dials(s), 0);
    assert_said(s, KIND_QUEST, NULL, " event.outcome=failure ");
    finish(s);
}

static void what_was_asked_before_a_restart_counts(void **state)
{
    (void)state;
    usec_t now = usec_now();
    int64_t hour = now / USEC_PER_HOUR;
    struct buf body;
    buf_init(&body, 0);
    put_registry(&body, true, 0, 0, hour, 1, 0);
    assert_limited(no_limits, &body);
    buf_clear(&body);
    put_registry(&body, false, now, now + USEC_PER_HOUR, hour, 1, 0);
    assert_limited(no_limits, &body);
    buf_clear(&body);
    put_registry(&body, false, 0, 0, hour - 20, 100, 0);
    assert_limited("[*]\nper-day: 100\n", &body);
    buf_clear(&body);
    put_registry(&body, false, 0, 0, hour - 20, 1, 90);
    assert_limited("[*]\npersonal-per-day: 100\n", &body);
    buf_done(&body);
}

static void a_ban_that_is_lifted_holds_no_more(void **state)
{
    (void)state;
    struct scene *s = begin_with("[*]\nbanned: go away for ever\n", one_channel, NULL);
    farm.reply = "% You: go away for ever\n";
    quest_for(s, "192.0.2.1");
    await_quests(s, 1);
    assert_said(s, KIND_LOOKUP, NULL, " noroshi.lookup.state=banned ");
    farm.reply = reply;
    quest_for(s, "192.0.2.2");
    await_quests(s, 2);
    assert_int_equal(farm.asked, 1);
    registries(s, NULL);
    run(s, 20);
    quest_for(s, "192.0.2.3");
    await_quests(s, 3);
    assert_int_equal(farm.asked, 2);
    assert_int_equal(last_outcome, OUTCOME_ANSWERED);
    finish(s);
}

static void a_faster_clock_serves_the_whole_day_at_once(void **state)
{
    (void)state;
    struct scene *s = begin_with("[*]\nper-day: 4\n", one_channel, (const char *const[]){"contact.clock_speed=100000", NULL});
    questions = 6; /* the fifth waits for 26 hours: a second */
    usec_t began = usec_monotonic();
    quest_for(s, "192.0.2.1");
    await_quests(s, 1);
    assert_int_equal(farm.asked, 6);
    assert_int_equal(last_outcome, OUTCOME_ANSWERED);
    assert_true(usec_monotonic() - began >= 850 * USEC_PER_MSEC);
    finish(s);
}

/* ---- blocks ---- */

static void a_block_costs_one_walk(void **state)
{
    (void)state;
    struct scene *s = begin_with(no_limits, walking, NULL);
    assert_int_equal(prefix_parse(span_text("192.0.2.0/24"), &covers), 0);
    farm.msec = 10;
    for (unsigned i = 0; i < 60; i++) {
        char addr[32];
        (void)snprintf(addr, sizeof addr, "192.0.2.%u", i);
        quest_for(s, addr);
    }
    await_quests(s, 60);
    assert_int_equal(farm.asked, 1);
    assert_int_equal(count_said(s, KIND_CONTACT, NULL, " noroshi.contact.value=abuse@net.example "), 60);
    assert_int_equal(count_said(s, KIND_CONTACT, NULL, " noroshi.block=192.0.2.0/24 "), 60);
    quest_again(s, "192.0.2.200", 1, CONTACT_ORDER_FRESH);
    await_quests(s, 61);
    assert_int_equal(farm.asked, 2);
    finish(s);
}

/* Parts of it may be assigned to others: neighbours are served, who is farther away is asked for. */
static void an_answer_about_a_wide_block_serves_the_neighbours(void **state)
{
    (void)state;
    struct scene *s = begin_with(no_limits, walking, NULL);
    static const struct {
        const char *block, *addr;
        size_t asked;
    } steps[] = {{"192.0.0.0/15", "192.0.2.1", 1},           {"192.0.0.0/15", "192.0.2.254", 1},   {"192.0.0.0/15", "192.0.3.1", 2},
                 {"198.51.0.0/16", "198.51.100.1", 3},       {"198.51.0.0/16", "198.51.7.7", 3},   {"2001:d00::/24", "2001:db8::1", 4},
                 {"2001:d00::/24", "2001:db8:0:ffff::1", 4}, {"2001:d00::/24", "2001:db8:1::1", 5}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        assert_int_equal(prefix_parse(span_text(steps[i].block), &covers), 0);
        quest_for(s, steps[i].addr);
        await_quests(s, i + 1);
        assert_int_equal(farm.asked, steps[i].asked);
    }
    finish(s);
}

static void an_as_costs_one_walk(void **state)
{
    (void)state;
    struct scene *s = begin_with(no_limits, of_as, NULL);
    quest_of_as(s, "192.0.2.1", 1, 0, 3333);
    await_quests(s, 1);
    quest_of_as(s, "198.51.100.1", 1, 0, 3333);
    await_quests(s, 2);
    assert_int_equal(farm.asked, 1);
    assert_int_equal(count_said(s, KIND_CONTACT, NULL, " noroshi.contact.value=abuse@net.example "), 2);
    assert_int_equal(count_said(s, KIND_CONTACT, NULL, " noroshi.block="), 0); /* it holds for no block */
    quest_of_as(s, "198.51.100.2", 1, 0, 3334);
    await_quests(s, 3);
    quest_of_as(s, "198.51.100.3", 1, CONTACT_ORDER_FRESH, 3333);
    await_quests(s, 4);
    assert_int_equal(farm.asked, 3);
    finish(s);
}

static void who_waited_for_a_walk_that_failed_goes_himself(void **state)
{
    (void)state;
    struct scene *s = begin_with(no_limits, walking, NULL);
    for (unsigned i = 0; i < 5; i++) {
        char addr[32];
        (void)snprintf(addr, sizeof addr, "192.0.2.%u", i);
        quest_for(s, addr);
    }
    await_quests(s, 5);
    assert_int_equal(farm.asked, 5);
    assert_int_equal(farm.most_open, 1);
    finish(s);
}

/* ---- pages and names ---- */

static void serve_page(struct host *h, struct guest *g)
{
    (void)h;
    guest_hear(g);
    const char *end = strstr(g->heard, "\r\n\r\n");
    if (end != NULL && g->step == 0) {
        guest_step(g);
        farm.asked++;
        bool start = strncmp(g->heard, "GET /start ", 11) == 0;
        guest_say(g, span_text(start && farm.reply[0] != 'H' ? "HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n"
                               : farm.reply[0] == 'H'        ? farm.reply
                                                             : "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nmail"));
    }
    if (g->over)
        guest_leaves(g);
}

static struct scene *begin_web(const char *page)
{
    resolver_make();
    struct scene *s = begin_with(no_limits, web_channels, NULL);
    whois = tcp_host(s, "127.0.0.4", serve_page);
    farm.reply = page;
    quest_for(s, "192.0.2.7");
    await_quests(s, 1);
    assert_int_equal(heard, 1);
    assert_int_equal(last_records, 1);
    assert_said(s, KIND_LOOKUP, NULL, " network.protocol=dns ");
    assert_said(s, KIND_LOOKUP, NULL, " noroshi.lookup.query=net.example MX ");
    return s;
}

static void a_redirect_is_another_connection(void **state)
{
    (void)state;
    struct scene *s = begin_web("");
    assert_int_equal(last_outcome, OUTCOME_ANSWERED);
    assert_int_equal(last_status, 200);
    assert_string_equal(last_bytes, "mail");
    assert_non_null(strstr(answered_by, "/next"));
    assert_int_equal(dials(s), 2);
    assert_said(s, KIND_DIAL, whois, " network.protocol=http ");
    assert_said(s, KIND_LOOKUP, NULL, " http.response.status_code=200 ");
    assert_said(s, KIND_QUEST, NULL, " noroshi.domains=learned.example noroshi.debts=of_domains: asked for it ");
    finish(s);
}

static void a_loop_of_redirects_ends(void **state)
{
    (void)state;
    struct scene *s = begin_web("HTTP/1.1 302 Found\r\nLocation: /start\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(last_status, 302);
    assert_in_range(dials(s), 1, FETCH_HOPS_MAX + 1);
    finish(s);
}

static void a_web_server_may_say_that_it_was_too_much(void **state)
{
    (void)state;
    struct scene *s = begin_web("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7200\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(last_outcome, OUTCOME_LIMITED);
    assert_said(s, KIND_LOOKUP, NULL, " noroshi.lookup.state=limited ");
    assert_said(s, KIND_QUEST, NULL, " event.outcome=failure ");
    finish(s);
}

/* ---- policy, memory, the end ---- */

static void who_opts_out_is_not_asked(void **state)
{
    (void)state;
    struct scene *s = begin_with(no_limits, one_channel, NULL);
    lists(s, "", "127.0.0.3\n");
    quest_for(s, "192.0.2.7");
    await_quests(s, 1);
    assert_int_equal(last_outcome, OUTCOME_DENIED);
    assert_said(s, KIND_DIAL, whois, " event.outcome=failure event.reason=opted out ");
    assert_int_equal(whois->guest_count, 0);
    lists(s, "", "");
    farm.silent = true;
    quest_for(s, "192.0.2.8");
    while (farm.open == 0)
        turn(s);
    lists(s, "127.0.0.0/29\n", "");
    await_quests(s, 2);
    assert_int_equal(last_outcome, OUTCOME_DENIED);
    run(s, 20);
    assert_int_equal(guests_open(s), 0);
    finish(s);
}

static void a_full_journal_is_waited_for(void **state)
{
    static uint8_t bytes[RECORD_TEXT_MAX];
    (void)state;
    struct scene *s = begin_with(no_limits, one_channel, NULL);
    memset(bytes, 'n', sizeof bytes);
    s->withhold = true;
    quest_for(s, "192.0.2.7");
    farm.msec = 100;
    await(s, KIND_DIAL, whois, "");
    acknowledge(s, s->last);
    const struct fact fact = fact_text(FACT_EVENT_ORIGINAL, span_of(bytes, sizeof bytes));
    const struct fact small = fact_text(FACT_EVENT_ORIGINAL, span_of(bytes, 100));
    struct record record = {
        .id = id_new(usec_now()), .time = usec_now(), .sensor = span_text("test"), .kind = KIND_NOTE, .facts = &fact, .fact_count = 1};
    while (journal_fits(s->journal, sizeof bytes + 200))
        assert_int_equal(journal_append(s->journal, &record), 0);
    record.facts = &small;
    while (journal_fits(s->journal, 300))
        assert_int_equal(journal_append(s->journal, &record), 0);
    run(s, 300);
    assert_int_equal(farm.asked, 1);
    assert_int_equal(heard, 0);
    assert_int_equal(count_said(s, KIND_LOOKUP, NULL, ""), 0);
    s->withhold = false;
    acknowledge(s, s->last);
    await_quests(s, 1);
    assert_int_equal(heard, 1);
    finish(s);
}

static void quests_are_left_to_a_later_lease_at_the_end(void **state)
{
    (void)state;
    struct scene *s = begin_with(no_limits, one_channel, NULL);
    farm.silent = true;
    quest_for(s, "192.0.2.7");
    quest_for(s, "192.0.2.8");
    while (farm.asked == 0)
        turn(s);
    reach_stop(s->reach, 100 * USEC_PER_MSEC);
    run(s, 50);
    assert_true(s->stopped);
    assert_int_equal(count_said(s, KIND_QUEST, NULL, ""), 0);
    assert_said(s, KIND_LOOKUP, NULL, " noroshi.lookup.state=stopped ");
    assert_int_equal(reach_state(s->reach).quests, 0);
    finish(s);
}

static void no_more_are_taken_than_wanted(void **state)
{
    (void)state;
    struct scene *s = begin_bare(no_limits, one_channel, (const char *const[]){"contact.in_flight=3", NULL});
    run(s, 20);
    assert_int_equal(s->wanted_quests, 3);
    registries(s, NULL);
    quest_for(s, "192.0.2.7");
    quest_for(s, "192.0.2.8");
    quest_for(s, "192.0.2.9");
    quest_for(s, "192.0.2.9"); /* leased again: it goes on */
    await_quests(s, 3);
    run(s, 20);
    assert_in_range(s->wanted_quests, 1, 3);
    finish(s);
}

static void leases_that_are_none_are_survived(void **state)
{
    (void)state;
    struct scene *s = begin_with(no_limits, one_channel, NULL);
    struct buf body;
    buf_init(&body, 0);
    buf_be(&body, 7, 8);
    buf_be(&body, 1, 4);
    buf_be(&body, 7, 2);
    buf_text(&body, "contact");
    buf_be(&body, 1, 2);
    buf_text(&body, "k");
    buf_be(&body, 3, 4);
    buf_text(&body, "abc");
    buf_be(&body, 0, 2);
    store_send(s, MESSAGE_LEASE, &body);
    run(s, 20);
    assert_int_equal(reach_state(s->reach).quests, 0);
    buf_done(&body);
    finish(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quest_asks_hears_and_tells),
        cmocka_unit_test(no_packet_leaves_before_its_record_is_committed),
        cmocka_unit_test(nothing_is_asked_before_the_registries_are_known),
        cmocka_unit_test(the_same_question_is_put_once),
        cmocka_unit_test(a_server_is_asked_by_one_connection_at_a_time),
        cmocka_unit_test(the_pace_of_a_server_is_kept),
        cmocka_unit_test(an_endless_reply_is_cut),
        cmocka_unit_test(a_byte_a_time_is_not_waited_for_for_ever),
        cmocka_unit_test(silence_and_closed_ports_are_debts),
        cmocka_unit_test(a_query_can_not_hold_a_line_break),
        cmocka_unit_test(a_server_that_says_it_was_too_much_is_left_alone),
        cmocka_unit_test(what_was_asked_before_a_restart_counts),
        cmocka_unit_test(a_ban_that_is_lifted_holds_no_more),
        cmocka_unit_test(a_faster_clock_serves_the_whole_day_at_once),
        cmocka_unit_test(a_block_costs_one_walk),
        cmocka_unit_test(an_answer_about_a_wide_block_serves_the_neighbours),
        cmocka_unit_test(an_as_costs_one_walk),
        cmocka_unit_test(who_waited_for_a_walk_that_failed_goes_himself),
        cmocka_unit_test(a_redirect_is_another_connection),
        cmocka_unit_test(a_loop_of_redirects_ends),
        cmocka_unit_test(a_web_server_may_say_that_it_was_too_much),
        cmocka_unit_test(who_opts_out_is_not_asked),
        cmocka_unit_test(a_full_journal_is_waited_for),
        cmocka_unit_test(quests_are_left_to_a_later_lease_at_the_end),
        cmocka_unit_test(no_more_are_taken_than_wanted),
        cmocka_unit_test(leases_that_are_none_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
