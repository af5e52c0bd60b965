#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define BYTES(text) span_of((text), sizeof(text) - 1)

extern const struct probe probe_telnet;

/* The same however the stream is cut; what was learned, and what was said. */
static void learns(const char *host, size_t len, const char *summary, const char *said)
{
    struct talk *t = harness_every_cut(&probe_telnet, 0, span_of(host, len));
    assert_string_equal(harness_summary(t), summary);
    assert_true(span_is(buf_as_span(&t->said), said));
    harness_free(t);
}

#define LEARNS(host, summary, said) learns((host), sizeof(host) - 1, (summary), (said))

static void answers_options_so_that_the_prompt_comes(void **state)
{
    (void)state;
    LEARNS("\xff\xfd\x18\xff\xfd\x20\xff\xfb\x01\xff\xfb\x03\xff\xfd\x03\r\ndvr login: ",
           "ending=quiet\nnoroshi.detail=options: DO TTYPE, DO TSPEED, WILL ECHO, WILL SGA, DO SGA\n",
           "\xff\xfc\x18\xff\xfc\x20\xff\xfd\x01\xff\xfd\x03\xff\xfb\x03");
}

static void says_nothing_at_a_prompt(void **state)
{
    (void)state;
    LEARNS("Welcome\r\nlogin: ", "ending=quiet\n", "");
    LEARNS("Password: ", "ending=quiet\n", "");
}

static void passes_over_commands_and_subnegotiations(void **state)
{
    (void)state;
    /* A subnegotiation with a doubled 255 and what looks like options inside, 255 as data, AYT, GA. */
    LEARNS("\xff\xfa\x18\x01\xff\xff\xfd\x01\xff\xf0\xff\xff\xff\xf6\xff\xf9\xff\xfb\x2dx", "ending=quiet\nnoroshi.detail=options: WILL 45\n",
           "\xff\xfe\x2d");
}

static void lets_an_option_be_once_it_was_answered(void **state)
{
    (void)state;
    LEARNS("\xff\xfb\x01\xff\xfc\x01\xff\xfb\x01\xff\xfe\x03\xff\xfb\x01",
           "ending=quiet\nnoroshi.detail=options: WILL ECHO, WONT ECHO, WILL ECHO, DONT SGA, WILL ECHO\n", "\xff\xfd\x01");
}

static void is_not_drawn_into_a_storm(void **state)
{
    (void)state;
    struct talk *t = harness_open(&probe_telnet, 0);
    for (unsigned i = 0; i < 20000 && !t->over; i++) {
        uint8_t option[3] = {255, (uint8_t)(251 + i % 4), (uint8_t)(i / 4)};
        harness_hear(t, span_of(option, sizeof option));
    }
    assert_int_equal(t->said.len, 3 * 64);
    assert_false(t->said_too_much);
    harness_free(t);
}

static void waits_longer_after_options_than_after_text(void **state)
{
    (void)state;
    struct talk *t = harness_open(&probe_telnet, 0);
    harness_hear(t, BYTES("\xff\xfb\x01\r\n"));
    assert_true(t->wake == talk_first_byte(t));
    harness_hear(t, BYTES("l"));
    assert_true(t->wake == talk_quiet(t));
    harness_close(t);
    assert_int_equal(t->ending, ENDING_ANSWERED);
    harness_free(t);
}

static void calls_a_silent_host_silent(void **state)
{
    (void)state;
    LEARNS("", "ending=silent\n", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_options_so_that_the_prompt_comes),
        cmocka_unit_test(says_nothing_at_a_prompt),
        cmocka_unit_test(passes_over_commands_and_subnegotiations),
        cmocka_unit_test(lets_an_option_be_once_it_was_answered),
        cmocka_unit_test(is_not_drawn_into_a_storm),
        cmocka_unit_test(waits_longer_after_options_than_after_text),
        cmocka_unit_test(calls_a_silent_host_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
