/* How much a server may be asked: its pace, its day, its personal data sets, and how long we stay away; with a clock of the test's own. */
#include "reach/budgets.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SECOND INT64_C(1000)
#define HOUR (3600 * SECOND)
#define START (500000 * HOUR)

static struct budget budget_of(struct whois_server server)
{
    struct budget b;
    budget_init(&b, &server);
    return b;
}

static bool may(const struct budget *b, int64_t now)
{
    int64_t when = 0;
    return budget_ask(b, now, &when) == BUDGET_OK;
}

static int64_t when_of(const struct budget *b, int64_t now)
{
    int64_t when = 0;
    assert_int_equal(budget_ask(b, now, &when), BUDGET_LATER);
    assert_true(when > now);
    return when;
}

static void the_clock_runs_as_fast_as_it_is_told(void **state)
{
    (void)state;
    assert_int_equal(budget_clock(1234567, 1), 1234);
    assert_int_equal(budget_clock(1234567, 1000), 1234567);
    assert_int_equal(budget_clock(INT64_C(1800000000) * USEC_PER_SEC, 100000), INT64_C(1800000000) * 1000 * 100000);
    for (int64_t speed = 1; speed <= 100000; speed = speed * 7 + 3) {
        for (int64_t clock = START; clock < START + 50; clock++) {
            usec_t wall = budget_wall(clock, speed);
            assert_true(budget_clock(wall, speed) >= clock);
            assert_true(budget_clock(wall - 1, speed) < clock);
        }
    }
}

static void the_pace_counts_from_the_end_of_the_last(void **state)
{
    (void)state;
    struct budget b = budget_of((struct whois_server){.per_second_milli = 500, .at_once = 1});
    assert_true(may(&b, START));
    budget_take(&b, START);
    int64_t when = 0;
    assert_int_equal(budget_ask(&b, START + 10 * SECOND, &when), BUDGET_BUSY);
    budget_end(&b, START, START + 10 * SECOND, 0);
    assert_int_equal(when_of(&b, START + 10 * SECOND), START + 12 * SECOND);
    assert_true(may(&b, START + 12 * SECOND));
}

static void so_many_connections_at_once_as_it_allows(void **state)
{
    (void)state;
    struct budget b = budget_of((struct whois_server){.at_once = 3});
    int64_t when;
    for (unsigned i = 0; i < 3; i++) {
        assert_true(may(&b, START));
        budget_take(&b, START);
    }
    assert_int_equal(budget_ask(&b, START, &when), BUDGET_BUSY);
    budget_end(&b, START, START, 0);
    assert_true(may(&b, START));
}

/* A server that counts in windows of 24 hours, however they are cut, never sees more. */
static void no_day_however_cut_sees_more(void **state)
{
    enum { PER_DAY = 37, PERSONAL = 60, ASKED = 4000 };
    static int64_t times[ASKED];
    static unsigned personal[ASKED];
    (void)state;
    struct budget b = budget_of((struct whois_server){.per_day = PER_DAY, .personal_per_day = PERSONAL, .per_second_milli = 2000, .at_once = 1});
    int64_t now = START + 17 * 60 * SECOND, when = 0;
    size_t asked = 0;
    uint32_t random = 1;
    while (asked < 600) {
        enum budget_verdict verdict = budget_ask(&b, now, &when);
        if (verdict == BUDGET_LATER) {
            now = when;
            continue;
        }
        assert_int_equal(verdict, BUDGET_OK);
        budget_take(&b, now);
        random = random * 1664525U + 1013904223U;
        times[asked] = now + (random >> 20); /* it arrives within four seconds */
        personal[asked] = random >> 16 & 3;
        budget_end(&b, now, now + 5 * SECOND, personal[asked]);
        now += 5 * SECOND + (random >> 12);
        asked++;
    }
    for (size_t i = 0; i < asked; i++) {
        unsigned questions = 0, sets = 0;
        for (size_t k = i; k < asked && times[k] < times[i] + 24 * HOUR; k++) {
            questions++;
            sets += personal[k];
        }
        assert_in_range(questions, 1, PER_DAY);
        assert_in_range(sets, 0, PERSONAL);
    }
}

static void what_an_answer_may_hold_is_kept_free(void **state)
{
    (void)state;
    struct budget b = budget_of((struct whois_server){.personal_per_day = 1000, .at_once = 2});
    budget_add(&b, START / HOUR, 5, 965);
    assert_true(may(&b, START));
    budget_take(&b, START); /* it may bring 20 */
    int64_t when = 0;
    assert_int_equal(budget_ask(&b, START, &when), BUDGET_BUSY);
    budget_end(&b, START, START, 0);
    assert_true(may(&b, START));
    budget_add(&b, START / HOUR, 0, 16);
    assert_int_equal(when_of(&b, START), (START / HOUR + BUDGET_HOURS_KEPT) * HOUR);
}

static void it_stays_away_twice_as_long_each_time(void **state)
{
    (void)state;
    struct budget b = budget_of((struct whois_server){.back_off = 600 * USEC_PER_SEC, .at_once = 2});
    budget_limited(&b, START);
    assert_int_equal(when_of(&b, START), START + 600 * SECOND);
    budget_limited(&b, START + SECOND); /* of an earlier question */
    assert_int_equal(when_of(&b, START), START + 600 * SECOND);
    int64_t again = START + 700 * SECOND;
    assert_true(may(&b, again));
    budget_limited(&b, again);
    assert_int_equal(when_of(&b, again), again + 1200 * SECOND);
    again += 2000 * SECOND;
    budget_good(&b);
    budget_limited(&b, again);
    assert_int_equal(when_of(&b, again), again + 600 * SECOND);
    b.banned = true;
    int64_t when;
    assert_int_equal(budget_ask(&b, again + 999 * HOUR, &when), BUDGET_NEVER);
}

static void a_clock_set_back_makes_no_room(void **state)
{
    (void)state;
    struct budget b = budget_of((struct whois_server){.per_day = 10, .at_once = 1});
    budget_add(&b, START / HOUR, 10, 0);
    assert_false(may(&b, START - 5 * HOUR));
    assert_int_equal(budget_questions(&b, START - 5 * HOUR), 10);
}

static void what_does_not_matter_may_be_forgotten(void **state)
{
    (void)state;
    struct budget b = budget_of((struct whois_server){.per_second_milli = 1000, .at_once = 1});
    assert_true(budget_forgettable(&b, START));
    budget_take(&b, START);
    assert_false(budget_forgettable(&b, START));
    budget_end(&b, START, START, 0);
    assert_false(budget_forgettable(&b, START));
    assert_true(budget_forgettable(&b, START + SECOND));
    struct budget day = budget_of((struct whois_server){.per_day = 100, .at_once = 1});
    budget_add(&day, START / HOUR, 1, 0);
    assert_false(budget_forgettable(&day, START + 20 * HOUR));
    assert_true(budget_forgettable(&day, START + 27 * HOUR));
}

/* ---- the message ---- */

struct told {
    size_t count;
    struct registry_count last;
};

static void tell(void *user, const struct registry_count *one)
{
    struct told *told = user;
    told->count++;
    told->last = *one;
}

static void registries_are_read_whole_or_not_at_all(void **state)
{
    struct told told = {.count = 0};
    struct buf body;
    bool end = true;
    (void)state;
    buf_init(&body, 0);
    buf_be(&body, 2, 4);
    for (unsigned i = 0; i < 2; i++) {
        buf_be(&body, 10, 1);
        buf_text(&body, "whois.test");
        buf_be(&body, i, 1);
        buf_be(&body, 1000, 8);
        buf_be(&body, 2000, 8);
        buf_be(&body, 2, 1);
        for (unsigned k = 0; k < 2; k++) {
            buf_be(&body, 500000 + k, 8);
            buf_be(&body, 7, 4);
            buf_be(&body, 9, 4);
        }
    }
    for (size_t len = 0; len < body.len; len++)
        assert_int_not_equal(registries_read(span_of(body.data, len), tell, &told, &end), 0);
    assert_int_equal(told.count, 0);
    assert_int_equal(registries_read(buf_as_span(&body), tell, &told, &end), 0);
    assert_false(end);
    assert_int_equal(told.count, 2);
    assert_true(told.last.banned);
    assert_int_equal(told.last.away_until, 2000);
    assert_int_equal(told.last.hours[1].hour, 500001);
    assert_int_equal(told.last.hours[1].personal, 9);
    buf_clear(&body);
    buf_be(&body, 0, 4);
    assert_int_equal(registries_read(buf_as_span(&body), tell, &told, &end), 0);
    assert_true(end);
    buf_done(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clock_runs_as_fast_as_it_is_told),     cmocka_unit_test(the_pace_counts_from_the_end_of_the_last),
        cmocka_unit_test(so_many_connections_at_once_as_it_allows), cmocka_unit_test(no_day_however_cut_sees_more),
        cmocka_unit_test(what_an_answer_may_hold_is_kept_free),     cmocka_unit_test(it_stays_away_twice_as_long_each_time),
        cmocka_unit_test(a_clock_set_back_makes_no_room),           cmocka_unit_test(what_does_not_matter_may_be_forgotten),
        cmocka_unit_test(registries_are_read_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
