/* usec and id: times and the identifiers that sort by them. */
#include "check.h"

#include "base/id.h"

#include <stdlib.h>
#include <time.h>

static void reads_to(const char *text, int zone, const char *expected, bool zoned)
{
    usec_t t = 0;
    bool was_zoned = !zoned;
    char printed[USEC_TEXT_SIZE];
    if (usec_parse(span_text(text), zone, &t, &was_zoned) != 0)
        fail_msg("%s was refused", text);
    assert_string_equal(usec_print(t, printed), expected);
    assert_int_equal(was_zoned, zoned);
}

static void times_are_read_in_all_forms(void **state)
{
    (void)state;
    reads_to("2026-11-20T21:41:04.082989Z", 0, "2026-11-20T21:41:04.082989Z", true);
    reads_to("2026-11-20t21:41:04z", 540, "2026-11-20T21:41:04.000000Z", true);
    reads_to("2026-11-20 21:41", 0, "2026-11-20T21:41:00.000000Z", false);
    reads_to("2026-11-20", 0, "2026-11-20T00:00:00.000000Z", false);
    reads_to("2026-11-20", 540, "2026-11-19T15:00:00.000000Z", false);
    reads_to("2026-11-20T06:00:00+09:00", 0, "2026-11-19T21:00:00.000000Z", true);
    reads_to("2026-11-20T06:00:00-0330", 0, "2026-11-20T09:30:00.000000Z", true);
    reads_to("2026-11-20T06:00:00.1", 60, "2026-11-20T05:00:00.100000Z", false);
    reads_to("2026-11-20T06:00:00.1234567899Z", 0, "2026-11-20T06:00:00.123456Z", true);
    reads_to("2026-11-20T06:00:00,5Z", 0, "2026-11-20T06:00:00.500000Z", true);
    reads_to("2016-12-31T23:59:60Z", 0, "2017-01-01T00:00:00.000000Z", true); /* a leap second */
    reads_to("2024-02-29", 0, "2024-02-29T00:00:00.000000Z", false);
    reads_to("2000-02-29T12:00Z", 0, "2000-02-29T12:00:00.000000Z", true);
    reads_to("1970-01-01", 0, "1970-01-01T00:00:00.000000Z", false);
    reads_to("1969-12-31T23:59:59.999999Z", 0, "1969-12-31T23:59:59.999999Z", true);
    reads_to("0001-01-01", 0, "0001-01-01T00:00:00.000000Z", false);
    reads_to("9999-12-31T23:59:59.999999Z", 0, "9999-12-31T23:59:59.999999Z", true);
}

static void bad_times_are_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "2026",
        "2026-11",
        "2026-11-",
        "2026-11-31",
        "2026-02-29",
        "1900-02-29",
        "2026-13-01",
        "2026-00-01",
        "2026-01-00",
        "0000-01-01",
        "2026-1-1",
        "20261120",
        "2026-11-20T",
        "2026-11-20T24:00",
        "2026-11-20T23:60",
        "2026-11-20T23:59:61Z",
        "2026-11-20T23:59:59.Z",
        "2026-11-20T23:59:59+24:00",
        "2026-11-20T23:59:59+09:60",
        "2026-11-20T23:59:59+9",
        "2026-11-20T23:59:59ZZ",
        "2026-11-20X23:59",
        "2026-11-20T23",
        "-026-11-20",
        "2026-11-20T23:59:59 Z",
        "2026-11-20T2\xd9\xa3:59",
    };
    usec_t t = 42;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (usec_parse(span_text(cases[i]), 0, &t, NULL) != -ERR_MALFORMED)
            fail_msg("%s was accepted", cases[i]);
    }
    assert_true(t == 42);
}

static void years_outside_are_clamped(void **state)
{
    (void)state;
    char text[USEC_TEXT_SIZE];
    assert_string_equal(usec_print(INT64_MIN, text), "0000-01-01T00:00:00.000000Z");
    assert_string_equal(usec_print(INT64_MAX, text), "9999-12-31T23:59:59.999999Z");
    assert_string_equal(usec_print_day(-1, text), "1969-12-31");
    assert_string_equal(usec_print_day(0, text), "1970-01-01");
    assert_true(usec_day(-1) == -1);
    assert_true(usec_day(-USEC_PER_DAY) == -1);
    assert_true(usec_day(-USEC_PER_DAY - 1) == -2);
    assert_true(usec_day(USEC_PER_DAY - 1) == 0);
    assert_true(usec_day(USEC_PER_DAY) == 1);
}

/* Every 101st day of four centuries and a bit, against the C library. */
static void the_calendar_agrees_with_the_c_library(void **state)
{
    (void)state;
    for (int64_t day = -150000; day < 150000; day += 101) {
        time_t seconds = (time_t)(day * 86400 + 3661);
        struct tm tm;
        char expected[64], text[USEC_TEXT_SIZE];
        assert_non_null(gmtime_r(&seconds, &tm));
        assert_true(strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S.000000Z", &tm) > 0);
        assert_string_equal(usec_print((usec_t)seconds * USEC_PER_SEC, text), expected);
        usec_t back;
        assert_int_equal(usec_parse(span_text(text), 0, &back, NULL), 0);
        assert_true(back == (usec_t)seconds * USEC_PER_SEC);
    }
}

static void clocks_go_forward(void **state)
{
    (void)state;
    usec_t wall = usec_now(), steady = usec_monotonic();
    assert_true(wall > INT64_C(1577836800) * USEC_PER_SEC); /* 2020 */
    assert_true(usec_monotonic() >= steady);
}

static void ids_sort_by_time_and_differ(void **state)
{
    (void)state;
    usec_t t = INT64_C(1700000000123) * USEC_PER_MSEC + 456;
    struct id first = id_new(t), second = id_new(t), later = id_new(t + USEC_PER_MSEC), earlier = id_new(0);
    assert_false(id_equal(first, second));
    assert_true(id_compare(first, later) < 0);
    assert_true(id_compare(second, later) < 0);
    assert_true(id_compare(earlier, first) < 0);
    assert_true(id_time(first) == INT64_C(1700000000123) * USEC_PER_MSEC);
    assert_true(id_time(id_new(-5)) == 0);
    assert_true(id_time(id_new(INT64_MAX)) == ((INT64_C(1) << 48) - 1) * USEC_PER_MSEC || id_time(id_new(INT64_MAX)) > t);
    assert_true(id_is_zero((struct id){0}));
    assert_false(id_is_zero(first));
    struct id a = id_digest(t, span_text("0123456789abcdef")), b = id_digest(t, span_text("0123456789zzzzzz"));
    assert_true(id_equal(a, b));
    assert_true(id_time(a) == id_time(first));
    /* More than one block of random bytes. */
    static struct id many[1000];
    for (size_t i = 0; i < 1000; i++)
        many[i] = id_new(t);
    for (size_t i = 0; i < 1000; i++) {
        for (size_t k = i + 1; k < 1000; k++)
            assert_false(id_equal(many[i], many[k]));
    }
}

static void ids_round_trip_as_ulids(void **state)
{
    (void)state;
    /* The ULID specification's example: its time and its form. */
    struct id id;
    assert_int_equal(id_parse(span_text("01ARZ3NDEKTSV4RRFFQ69G5FAV"), &id), 0);
    assert_true(id_time(id) == INT64_C(1469922850259) * USEC_PER_MSEC);
    char text[ID_TEXT_SIZE];
    assert_string_equal(id_print(id, text), "01ARZ3NDEKTSV4RRFFQ69G5FAV");
    struct id lower;
    assert_int_equal(id_parse(span_text("01arz3ndektsv4rrffq69g5fav"), &lower), 0);
    assert_true(id_equal(id, lower));
    memset(&id, 0xff, sizeof id);
    assert_string_equal(id_print(id, text), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    assert_int_equal(id_parse(span_text(text), &lower), 0);
    assert_true(id_equal(id, lower));
    struct id last = {0};
    char last_text[ID_TEXT_SIZE];
    for (size_t bit = 128; bit-- > 0;) { /* the text sorts as the id does */
        struct id one = {0};
        one.bytes[bit / 8] = (uint8_t)(0x80 >> (bit % 8));
        id_print(one, text);
        assert_int_equal(id_parse(span_text(text), &lower), 0);
        assert_true(id_equal(one, lower));
        assert_true(strcmp(text, id_print(last, last_text)) > 0);
        last = one;
    }
    static const char *const bad[] = {"",
                                      "01ARZ3NDEKTSV4RRFFQ69G5FA",
                                      "01ARZ3NDEKTSV4RRFFQ69G5FAVV",
                                      "81ARZ3NDEKTSV4RRFFQ69G5FAV",
                                      "01ARZ3NDEKTSV4RRFFQ69G5FAU",
                                      "01ARZ3NDEKTSV4RRFFQ69G5FA-",
                                      "01ARZ3NDEKTSV4RRFFQ69G5FAI"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(id_parse(span_text(bad[i]), &id), -ERR_MALFORMED);
    assert_int_equal(id_parse(span_of("01ARZ3NDEKTSV4RRFFQ69G5FA\0", 26), &id), -ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read_in_all_forms), cmocka_unit_test(bad_times_are_refused),
        cmocka_unit_test(years_outside_are_clamped),   cmocka_unit_test(the_calendar_agrees_with_the_c_library),
        cmocka_unit_test(clocks_go_forward),           cmocka_unit_test(ids_sort_by_time_and_differ),
        cmocka_unit_test(ids_round_trip_as_ulids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
