#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define BYTES(text) span_of((text), sizeof(text) - 1)

extern const struct probe probe_ftp;

/* The same however the stream is cut; what was learned, and what was said. */
static void learns(const char *host, size_t len, const char *summary, const char *said)
{
    struct talk *t = harness_every_cut(&probe_ftp, 0, span_of(host, len));
    assert_string_equal(harness_summary(t), summary);
    assert_true(span_is(buf_as_span(&t->said), said));
    harness_free(t);
}

#define LEARNS(host, summary, said) learns((host), sizeof(host) - 1, (summary), (said))

static void reads_a_greeting_and_leaves_politely(void **state)
{
    (void)state;
    LEARNS("220 dvr FTP server ready.\r\n221 Goodbye.\r\n", "ending=answered\n", "QUIT\r\n");
    LEARNS("220 dvr FTP server ready.\n", "ending=answered\n", "QUIT\r\n");
}

static void reads_a_greeting_of_several_lines(void **state)
{
    (void)state;
    LEARNS("220-Welcome\r\n220-\r\n 221 not yet\r\n230 nor now\r\n220 ready\r\n221-Bye\r\n221 now\r\n", "ending=answered\n", "QUIT\r\n");
    /* Never closed: heard, and not answered. */
    LEARNS("220-Welcome\r\n220-\r\n", "ending=quiet\n", "");
}

static void waits_for_a_server_that_is_not_ready(void **state)
{
    (void)state;
    LEARNS("120 Ready in 1 minute\r\n220 ready\r\n", "ending=answered\n", "QUIT\r\n");
}

static void does_not_talk_to_a_host_that_refuses(void **state)
{
    (void)state;
    LEARNS("421 Too many connections\r\n", "ending=answered\n", "");
    LEARNS("530 Not from your address\r\n", "ending=answered\n", "");
}

static void passes_over_lines_without_a_number(void **state)
{
    (void)state;
    LEARNS("\r\nhello\r\n220 ready\r\nmore text\r\n", "ending=answered\n", "QUIT\r\n");
}

static void tells_other_services(void **state)
{
    (void)state;
    LEARNS("SSH-2.0-dropbear\r\n", "ending=other protocol\n", "");
    LEARNS("\0\0\0", "ending=other protocol\n", "");
    LEARNS("220 no line end", "ending=quiet\n", "");
    LEARNS("", "ending=silent\n", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_greeting_and_leaves_politely), cmocka_unit_test(reads_a_greeting_of_several_lines),
        cmocka_unit_test(waits_for_a_server_that_is_not_ready), cmocka_unit_test(does_not_talk_to_a_host_that_refuses),
        cmocka_unit_test(passes_over_lines_without_a_number),   cmocka_unit_test(tells_other_services),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
