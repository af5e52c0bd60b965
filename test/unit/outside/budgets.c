/* Budgets and rates at their edges, by address, network, AS, industrial, neighbourhood; tables that are full. */
#include "check.h"

#include "outside/counters.h"

/* Everything wide open but what a test narrows. */
#define WIDE                                                                                                                                        \
    NAMED "probe: {ics: true, neighbours: true}\noutside: {rate: 1000000, rate_per_address: 1000000, rate_per_network: 1000000, rate_per_as: "      \
          "1000000, rate_ics: 1000000, daily: 1000000000, daily_per_address: 1000000000, daily_per_network: 1000000000, daily_per_as: 1000000000, " \
          "daily_ics: 1000000000, daily_neighbours: 1000000000"

static struct dial *narrowed(const char *setting, const char *value)
{
    char assignment[80];
    struct dial *dial = NULL;
    struct conf_error error;
    size_t bad = 0;
    struct conf *conf = settings_of(WIDE "}\n");
    (void)snprintf(assignment, sizeof assignment, "outside.%s=%s", setting, value);
    assert_int_equal(conf_override(conf, assignment, &error), 0);
    assert_int_equal(dial_new(&dial, conf, &error), 0);
    assert_int_equal(dial_lists(dial, (struct span){0}, (struct span){0}, &bad, NULL, 0), 0);
    conf_free(conf);
    return dial;
}

static struct dial_request nth(uint32_t n, uint32_t asn)
{
    return (struct dial_request){.to = {.addr = addr_v4(0x08000000U + n), .port = 23}, .transport = TRANSPORT_TCP, .care = CARE_POLITE, .asn = asn};
}

enum { BUDGET = 7 };

/* What a budget counts: the n-th request that it holds for, and one beside it for which it does not. */
static struct dial_request request_of(const char *setting, uint32_t n)
{
    struct dial_request request = nth(strstr(setting, "address") != NULL ? 5 : strstr(setting, "network") != NULL ? n % 200 : n << 8, 64500);
    request.care = strstr(setting, "ics") != NULL ? CARE_ICS : CARE_POLITE;
    request.neighbour = strstr(setting, "neighbours") != NULL;
    return request;
}

static void a_daily_budget_ends_at_its_number_and_with_the_day(void **state)
{
    (void)state;
    static const struct {
        const char *setting;
        enum denial why;
        bool beside; /* another request is still allowed */
    } cases[] = {{"daily", DENIAL_DAILY, false},
                 {"daily_per_address", DENIAL_DAILY_ADDRESS, true},
                 {"daily_per_network", DENIAL_DAILY_NETWORK, true},
                 {"daily_per_as", DENIAL_DAILY_AS, true},
                 {"daily_ics", DENIAL_DAILY_ICS, true},
                 {"daily_neighbours", DENIAL_DAILY_NEIGHBOURS, true}};
    usec_t end = NOON + 12 * USEC_PER_HOUR;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dial *dial = narrowed(cases[i].setting, "7");
        usec_t now = end - USEC_PER_SEC;
        for (uint32_t n = 0; n < BUDGET; n++)
            check_answer(dial, request_of(cases[i].setting, n), now + n * 1000, DIAL_OK, DENIAL_NONE);
        check_answer(dial, request_of(cases[i].setting, BUDGET), end - 1, DIAL_NEVER, cases[i].why);
        struct dial_request beside = nth(UINT32_C(0x10000ff), 64501);
        if (cases[i].beside)
            check_answer(dial, beside, end - 1, DIAL_OK, DENIAL_NONE);
        /* The clock set back: still the same day. */
        check_answer(dial, request_of(cases[i].setting, BUDGET), NOON - USEC_PER_DAY, DIAL_NEVER, cases[i].why);
        check_answer(dial, request_of(cases[i].setting, BUDGET), end, DIAL_OK, DENIAL_NONE);
        dial_free(dial);
    }
}

static void a_budget_of_zero_allows_nothing(void **state)
{
    (void)state;
    struct dial *dial = narrowed("daily_per_address", "0");
    check_answer(dial, nth(1, 0), NOON, DIAL_NEVER, DENIAL_DAILY_ADDRESS);
    dial_free(dial);
}

static void an_ipv6_network_is_a_48(void **state)
{
    (void)state;
    struct dial *dial = narrowed("daily_per_network", "1");
    check_answer(dial, to("2400:1:2:3::1", 23), NOON, DIAL_OK, DENIAL_NONE);
    check_answer(dial, to("2400:1:2:ffff::9", 23), NOON + USEC_PER_SEC, DIAL_NEVER, DENIAL_DAILY_NETWORK);
    check_answer(dial, to("2400:1:3::1", 23), NOON + USEC_PER_SEC, DIAL_OK, DENIAL_NONE);
    check_answer(dial, to("8.1.1.1", 23), NOON + USEC_PER_SEC, DIAL_OK, DENIAL_NONE);
    check_answer(dial, to("8.1.1.255", 23), NOON + USEC_PER_SEC, DIAL_NEVER, DENIAL_DAILY_NETWORK);
    check_answer(dial, to("8.1.2.0", 23), NOON + USEC_PER_SEC, DIAL_OK, DENIAL_NONE);
    dial_free(dial);
}

static void without_an_as_only_the_network_counts(void **state)
{
    (void)state;
    struct dial *dial = narrowed("daily_per_as", "1");
    check_answer(dial, nth(1, 0), NOON, DIAL_OK, DENIAL_NONE);
    check_answer(dial, nth(300, 0), NOON + 1000, DIAL_OK, DENIAL_NONE);
    check_answer(dial, nth(600, 7), NOON + 2000, DIAL_OK, DENIAL_NONE);
    check_answer(dial, nth(900, 7), NOON + 3000, DIAL_NEVER, DENIAL_DAILY_AS);
    dial_free(dial);
}

/* As many as are allowed, at the very times at which they are: counted in every window. */
static void a_rate_is_never_exceeded_however_the_minutes_are_cut(void **state)
{
    (void)state;
    static const struct {
        const char *setting, *value;
        unsigned most;
        usec_t window;
        enum denial why;
        unsigned at_once;
    } cases[] = {{"rate", "100", 100, USEC_PER_SEC, DENIAL_RATE, 10},
                 {"rate", "1", 1, USEC_PER_SEC, DENIAL_RATE, 1},
                 {"rate_per_address", "30", 30, 60 * USEC_PER_SEC, DENIAL_RATE_ADDRESS, 10},
                 {"rate_per_network", "120", 120, 60 * USEC_PER_SEC, DENIAL_RATE_NETWORK, 40},
                 {"rate_per_as", "20", 20, USEC_PER_SEC, DENIAL_RATE_AS, 2},
                 {"rate_ics", "20", 20, 60 * USEC_PER_SEC, DENIAL_RATE_ICS, 1}};
    static usec_t times[4000];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dial *dial = narrowed(cases[i].setting, cases[i].value);
        usec_t now = NOON;
        size_t allowed = 0;
        unsigned at_once = 0;
        uint32_t n = 0;
        while (allowed < 12 * cases[i].most && allowed < sizeof times / sizeof times[0]) {
            struct dial_request request = request_of(cases[i].setting, n++);
            struct dial_answer answer = dial_ask(dial, &request, now, false);
            if (answer.verdict == DIAL_OK) {
                times[allowed++] = now;
                at_once += now == NOON;
                continue;
            }
            assert_int_equal(answer.verdict, DIAL_LATER);
            assert_int_equal(answer.why, cases[i].why);
            assert_true(answer.not_before > now);
            now = answer.not_before;
            /* A pause lets the burst come back, but no more than that. */
            if (allowed == 5 * cases[i].most)
                now += 3 * cases[i].window;
        }
        assert_int_equal(at_once, cases[i].at_once);
        for (size_t k = 0; k + cases[i].most < allowed; k++)
            if (times[k + cases[i].most] - times[k] < cases[i].window)
                fail_msg("%s: %u in %lld us", cases[i].setting, cases[i].most + 1, (long long)(times[k + cases[i].most] - times[k]));
        dial_free(dial);
    }
}

static void a_clock_set_back_makes_no_room(void **state)
{
    (void)state;
    struct dial *dial = narrowed("rate_per_address", "3");
    struct dial_request request = nth(5, 0);
    check_answer(dial, request, NOON, DIAL_OK, DENIAL_NONE);
    struct dial_answer answer = dial_ask(dial, &request, NOON - USEC_PER_DAY, false);
    assert_int_equal(answer.verdict, DIAL_LATER);
    assert_true(answer.not_before <= NOON - USEC_PER_DAY + 60 * USEC_PER_SEC); /* and no lasting silence */
    dial_free(dial);
}

static void a_dry_question_counts_nothing(void **state)
{
    (void)state;
    struct dial *dial = narrowed("daily", "1");
    struct dial_request request = nth(1, 9);
    for (int i = 0; i < 5; i++)
        assert_int_equal(dial_ask(dial, &request, NOON, true).verdict, DIAL_OK);
    check_answer(dial, request, NOON, DIAL_OK, DENIAL_NONE);
    assert_int_equal(dial_ask(dial, &request, NOON, true).verdict, DIAL_NEVER);
    assert_int_equal(dial_counters(dial)->asked, 1);
    dial_free(dial);
}

static void what_was_spent_before_a_restart_counts(void **state)
{
    (void)state;
    struct dial *dial = narrowed("daily_per_address", "7");
    struct addr addr = nth(1, 0).to.addr;
    assert_int_equal(dial_spent(dial, addr, 7, 6, 0, 0, NOON - USEC_PER_HOUR, NOON), 0);
    assert_int_equal(dial_last(dial, addr), NOON - USEC_PER_HOUR);
    check_answer(dial, nth(1, 7), NOON, DIAL_OK, DENIAL_NONE);
    check_answer(dial, nth(1, 7), NOON + USEC_PER_SEC, DIAL_NEVER, DENIAL_DAILY_ADDRESS);
    /* Yesterday's only say when it was. */
    assert_int_equal(dial_spent(dial, nth(2, 0).to.addr, 7, 99, 0, 0, NOON - USEC_PER_DAY, NOON), 0);
    check_answer(dial, nth(2, 7), NOON + USEC_PER_SEC, DIAL_OK, DENIAL_NONE);
    dial_free(dial);
    dial = narrowed("daily_ics", "3");
    assert_int_equal(dial_spent(dial, addr, 7, 6, 3, 2, NOON, NOON), 0);
    check_answer(dial, request_of("daily_ics", 9), NOON, DIAL_NEVER, DENIAL_DAILY_ICS);
    dial_free(dial);
    dial = narrowed("daily_neighbours", "3");
    assert_int_equal(dial_spent(dial, addr, 7, 6, 3, 3, NOON, NOON), 0);
    check_answer(dial, request_of("daily_neighbours", 9), NOON, DIAL_NEVER, DENIAL_DAILY_NEIGHBOURS);
    dial_free(dial);
}

static void full_tables_refuse_instead_of_forgetting(void **state)
{
    (void)state;
    struct dial *dial = policy(WIDE "}\n");
    uint32_t n = 0;
    int r = 0;
    while (r == 0 && n < 2000000)
        r = dial_spent(dial, addr_v4(0x0b000000U + n++), 0, 1, 0, 0, NOON, NOON);
    assert_int_equal(r, -ERR_FULL);
    assert_int_equal(n - 1, 786432);
    check_answer(dial, to("8.8.8.8", 23), NOON, DIAL_NEVER, DENIAL_FULL);
    check_answer(dial, to("11.0.0.5", 23), NOON + 10, DIAL_OK, DENIAL_NONE); /* that one has its counter */
    usec_t clock_begin = usec_monotonic();
    for (uint32_t i = 0; i < 1000; i++)
        check_answer(dial, nth(i, 0), NOON + USEC_PER_SEC + i * 10, DIAL_NEVER, DENIAL_FULL);
    assert_true(usec_monotonic() - clock_begin < USEC_PER_SEC); /* a full table is not swept for each */
    check_answer(dial, to("8.8.8.8", 23), NOON + USEC_PER_DAY, DIAL_OK, DENIAL_NONE);
    dial_free(dial);
}

static void many_keys_keep_their_own_counts(void **state)
{
    (void)state;
    struct counters *counters = NULL;
    struct counter *counter = NULL;
    assert_int_equal(counters_new(&counters, 1 << 16), 0);
    for (int round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 40000; i++) {
            assert_int_equal(counters_get(counters, addr_v4(i * 2654435761U), 1, 0, &counter), 0);
            assert_int_equal(counter->today, round);
            counter->today++;
        }
    }
    assert_int_equal(counters_used(counters), 40000);
    assert_null(counters_find(counters, ip("2400::1")));
    counters_free(counters);
}

/* Told, not judged: other work shares the machine. */
static void asking_is_cheap(void **state)
{
    (void)state;
    struct dial *dial = policy(WIDE "}\n");
    struct buf list;
    size_t bad = 0;
    enum { ASKED = 300000 };
    buf_init(&list, 0);
    for (uint32_t i = 0; i < 20000; i++)
        buf_printf(&list, "11.%u.%u.0/25\n", i >> 8 & 255, i & 255);
    assert_int_equal(dial_lists(dial, buf_as_span(&list), buf_as_span(&list), &bad, NULL, 0), 0);
    usec_t begin = usec_monotonic();
    unsigned allowed = 0;
    for (uint32_t i = 0; i < ASKED; i++) {
        struct dial_request request = nth(i * 77 % 4000000, i % 5000 + 1);
        allowed += dial_ask(dial, &request, NOON + i * 10, false).verdict == DIAL_OK;
    }
    print_message("dial_ask: %.0f ns\n", (double)(usec_monotonic() - begin) * 1000 / ASKED);
    assert_true(allowed > ASKED / 2);
    buf_done(&list);
    dial_free(dial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_daily_budget_ends_at_its_number_and_with_the_day),
        cmocka_unit_test(a_budget_of_zero_allows_nothing),
        cmocka_unit_test(an_ipv6_network_is_a_48),
        cmocka_unit_test(without_an_as_only_the_network_counts),
        cmocka_unit_test(a_rate_is_never_exceeded_however_the_minutes_are_cut),
        cmocka_unit_test(a_clock_set_back_makes_no_room),
        cmocka_unit_test(a_dry_question_counts_nothing),
        cmocka_unit_test(what_was_spent_before_a_restart_counts),
        cmocka_unit_test(full_tables_refuse_instead_of_forgetting),
        cmocka_unit_test(many_keys_keep_their_own_counts),
        cmocka_unit_test(asking_is_cheap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
