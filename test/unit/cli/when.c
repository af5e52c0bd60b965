/* Times as --since and --until take them. */
#include "cli/when.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NOW INT64_C(1763674864082989) /* 2025-11-20T21:41:04.082989Z */

static void expect(const char *text, int zone, const char *time)
{
    usec_t got = 0;
    char printed[USEC_TEXT_SIZE];
    assert_int_equal(when_parse(span_text(text), NOW, zone, &got), 0);
    assert_string_equal(usec_print(got, printed), time);
}

static void dates_and_times_are_read_in_the_zone(void **state)
{
    (void)state;
    expect("2025-11-20", 0, "2025-11-20T00:00:00.000000Z");
    expect("2025-11-20", 540, "2025-11-19T15:00:00.000000Z");
    expect("2025-11-20T12:00:00Z", 540, "2025-11-20T12:00:00.000000Z");
    expect("2025-11-20 12:00", 540, "2025-11-20T03:00:00.000000Z");
    expect("2025-11-20T12:00:00.5+02:00", 0, "2025-11-20T10:00:00.500000Z");
}

static void words_mean_days_of_the_zone(void **state)
{
    (void)state;
    expect("now", 0, "2025-11-20T21:41:04.082989Z");
    expect("today", 0, "2025-11-20T00:00:00.000000Z");
    expect("yesterday", 0, "2025-11-19T00:00:00.000000Z");
    /* At +09:00 it is the 21st already. */
    expect("today", 540, "2025-11-20T15:00:00.000000Z");
    expect("yesterday", 540, "2025-11-19T15:00:00.000000Z");
    expect("today", -720, "2025-11-20T12:00:00.000000Z");
}

static void ages_count_back_from_now(void **state)
{
    (void)state;
    expect("90s", 0, "2025-11-20T21:39:34.082989Z");
    expect("15m", 0, "2025-11-20T21:26:04.082989Z");
    expect("12h", 540, "2025-11-20T09:41:04.082989Z");
    expect("7d", 0, "2025-11-13T21:41:04.082989Z");
    expect("2w", 0, "2025-11-06T21:41:04.082989Z");
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "d", "7", "7y", "-7d", "7 d", "99999999d", "2025-13-01", "2025-02-30", "soon", "2025-11-20T", "today "};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        usec_t got = 42;
        assert_int_not_equal(when_parse(span_text(bad[i]), NOW, 0, &got), 0);
        assert_int_equal(got, 42);
    }
}

static void zones_are_offsets(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int minutes;
    } good[] = {{"+00:00", 0}, {"+09:00", 540}, {"-03:30", -210}, {"+0545", 345}, {"+14:00", 840}, {"Z", 0}, {"UTC", 0}};
    static const char *const bad[] = {"", "9", "+9", "+09", "09:00", "+09:60", "+15:00", "+09:0a", "Asia/Tokyo", "+09:000"};
    int got = 0;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(zone_parse(span_text(good[i].text), &got), 0);
        assert_int_equal(got, good[i].minutes);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_not_equal(zone_parse(span_text(bad[i]), &got), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_and_times_are_read_in_the_zone),
        cmocka_unit_test(words_mean_days_of_the_zone),
        cmocka_unit_test(ages_count_back_from_now),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(zones_are_offsets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
