#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define BYTES(text) span_of((text), sizeof(text) - 1)

extern const struct probe probe_banner;

/* The same however the stream is cut; what was learned, and what was said. */
static void learns(const char *host, size_t len, const char *summary, const char *said)
{
    struct talk *t = harness_every_cut(&probe_banner, 0, span_of(host, len));
    assert_string_equal(harness_summary(t), summary);
    assert_true(span_is(buf_as_span(&t->said), said));
    harness_free(t);
}

#define LEARNS(host, summary, said) learns((host), sizeof(host) - 1, (summary), (said))

static void keeps_what_a_service_says_by_itself(void **state)
{
    (void)state;
    LEARNS("+OK POP3 mail.example ready\r\n", "ending=quiet\n", "");
    LEARNS("\xff\xfb\x01\0\x01\xfe", "ending=quiet\n", "");
}

static void says_nothing_to_a_silent_host(void **state)
{
    (void)state;
    LEARNS("", "ending=silent\n", "");
}

static void takes_a_close_after_the_banner_as_its_end(void **state)
{
    (void)state;
    struct talk *t = harness_open(&probe_banner, 0);
    assert_true(t->wake == talk_first_byte(t));
    harness_hear(t, BYTES("hello"));
    assert_true(t->wake == talk_quiet(t));
    harness_close(t);
    assert_string_equal(harness_summary(t), "ending=answered\n");
    harness_free(t);
}

static void ends_an_endless_stream(void **state)
{
    (void)state;
    struct talk *t = harness_open(&probe_banner, 0);
    for (int i = 0; i < 40 && !t->over; i++) {
        static const uint8_t zeroes[4096];
        harness_hear(t, span_of(zeroes, sizeof zeroes));
    }
    harness_close(t);
    assert_string_equal(harness_summary(t), "ending=too much\n");
    harness_free(t);
}

static void is_used_where_no_other_probe_is(void **state)
{
    (void)state;
    assert_ptr_equal(probe_for_port(20012, TRANSPORT_TCP), &probe_banner);
    assert_ptr_equal(probe_for_port(23, TRANSPORT_TCP), probe_by_name(BYTES("telnet")));
    assert_ptr_equal(probe_for_port(8443, TRANSPORT_TCP), probe_by_name(BYTES("https")));
    assert_ptr_equal(probe_for_port(161, TRANSPORT_UDP), probe_by_name(BYTES("snmp")));
    assert_null(probe_for_port(20012, TRANSPORT_UDP));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_what_a_service_says_by_itself),       cmocka_unit_test(says_nothing_to_a_silent_host),
        cmocka_unit_test(takes_a_close_after_the_banner_as_its_end), cmocka_unit_test(ends_an_endless_stream),
        cmocka_unit_test(is_used_where_no_other_probe_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
