/* The heap of deadlines: in order, moved, dropped, set again while it rings. */
#include "base/alarm.h"

#include "check.h"

enum { THINGS = 500 };

struct thing {
    int number, rung, again;
    usec_t due; /* 0: none */
    struct alarm alarm;
};

static struct alarms all;
static struct thing things[THINGS];
static usec_t last;

static void rings(struct alarm *alarm)
{
    struct thing *t = ALARM_OF(alarm, struct thing, alarm);
    assert_true(t == &things[t->number]);
    assert_int_equal(alarm->place, 0);
    assert_int_equal(alarm->due, t->due);
    assert_true(alarm->due >= last);
    last = alarm->due;
    t->rung++;
    t->due = 0;
    if (t->again > 0) {
        t->again--;
        t->due = last;
        assert_int_equal(alarm_set(&all, alarm, last), 0);
    }
}

static void start(void)
{
    last = 0;
    for (int i = 0; i < THINGS; i++)
        things[i] = (struct thing){.number = i, .alarm.ring = rings};
}

static usec_t earliest(void)
{
    usec_t first = 0;
    for (int i = 0; i < THINGS; i++) {
        if (things[i].due != 0 && (first == 0 || things[i].due < first))
            first = things[i].due;
    }
    return first;
}

static void rings_in_order_however_it_was_set_moved_and_dropped(void **state)
{
    (void)state;
    uint32_t random = 12345;
    int set = 0, rung = 0;
    start();
    assert_int_equal(alarms_first(&all), 0);
    for (int step = 0; step < 20000; step++) {
        random = random * 1103515245 + 12345;
        struct thing *t = &things[(random >> 8) % THINGS];
        if (random >> 30 == 0) {
            alarm_drop(&all, &t->alarm);
            t->due = 0;
        } else {
            t->due = 1 + (usec_t)((random >> 4) % 100000);
            assert_int_equal(alarm_set(&all, &t->alarm, t->due), 0);
        }
        if (step % 64 == 0)
            assert_int_equal(alarms_first(&all), earliest());
    }
    for (int i = 0; i < THINGS; i++)
        set += things[i].due != 0;
    assert_int_equal(all.count, set);
    for (usec_t now = 0; now <= 100001; now += 777) {
        alarms_run(&all, now);
        assert_true(alarms_first(&all) == 0 || alarms_first(&all) > now);
    }
    alarms_run(&all, 200000);
    for (int i = 0; i < THINGS; i++)
        rung += things[i].rung;
    assert_int_equal(rung, set);
    assert_int_equal(alarms_first(&all), 0);
    alarms_free(&all);
}

static void one_that_sets_itself_again_waits_for_the_next_call(void **state)
{
    (void)state;
    start();
    things[0].again = 2;
    for (int i = 0; i < 3; i++) {
        things[i].due = 10;
        assert_int_equal(alarm_set(&all, &things[i].alarm, 10), 0);
    }
    for (int calls = 1; calls <= 3; calls++) {
        alarms_run(&all, 10);
        assert_int_equal(things[0].rung, calls);
        assert_int_equal(things[1].rung, 1);
    }
    assert_int_equal(all.count, 0);
    alarms_free(&all);
}

static void lazily_a_later_time_is_not_moved_to(void **state)
{
    (void)state;
    start();
    assert_int_equal(alarm_set_lazily(&all, &things[0].alarm, 50), 0);
    assert_int_equal(alarm_set_lazily(&all, &things[0].alarm, 70), 0);
    assert_int_equal(alarms_first(&all), 50);
    assert_int_equal(alarm_set_lazily(&all, &things[0].alarm, 30), 0);
    assert_int_equal(alarms_first(&all), 30);
    alarm_drop(&all, &things[0].alarm);
    alarm_drop(&all, &things[0].alarm);
    assert_int_equal(alarms_first(&all), 0);
    alarms_free(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rings_in_order_however_it_was_set_moved_and_dropped),
        cmocka_unit_test(one_that_sets_itself_again_waits_for_the_next_call),
        cmocka_unit_test(lazily_a_later_time_is_not_moved_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
