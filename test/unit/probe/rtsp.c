#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define BYTES(text) span_of((text), sizeof(text) - 1)

extern const struct probe probe_rtsp;

/* The same however the stream is cut; what was learned, and what was said. */
static void learns(const char *host, size_t len, const char *summary, const char *said)
{
    struct talk *t = harness_every_cut(&probe_rtsp, 0, span_of(host, len));
    assert_string_equal(harness_summary(t), summary);
    assert_true(span_is(buf_as_span(&t->said), said));
    harness_free(t);
}

#define LEARNS(host, summary, said) learns((host), sizeof(host) - 1, (summary), (said))

#define ASKED "OPTIONS rtsp://192.0.2.77:554/ RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: noroshi (+https://research.example/probing)\r\n\r\n"

static void reads_server_realm_and_methods(void **state)
{
    (void)state;
    LEARNS("RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\nserver: H264DVR 1.0\r\nWWW-Authenticate: Digest realm=\"Surveillance Server\"\r\nPublic: "
           "OPTIONS,\r\n "
           "DESCRIBE\r\nContent-Length: 2\r\n\r\nhi",
           "ending=answered\nnoroshi.detail=status: 401\\nserver: H264DVR 1.0\\nrealm: Digest realm=\"Surveillance Server\"\\npublic: OPTIONS,   "
           "DESCRIBE\n",
           ASKED);
}

static void needs_no_length(void **state)
{
    (void)state;
    LEARNS("RTSP/1.0 200 OK\r\n\r\n", "ending=answered\nnoroshi.detail=status: 200\n", ASKED);
}

static void tells_other_services(void **state)
{
    (void)state;
    LEARNS("HTTP/1.1 400 Bad Request\r\n\r\n", "ending=other protocol\n", ASKED);
    LEARNS("", "ending=silent\n", ASKED);
}

static void states_what_came_of_an_answer_that_was_cut_off(void **state)
{
    (void)state;
    LEARNS("RTSP/1.0 200 OK\r\nServer: x\r\nPub", "ending=quiet\nnoroshi.detail=status: 200\\nserver: x\n", ASKED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_server_realm_and_methods),
        cmocka_unit_test(needs_no_length),
        cmocka_unit_test(tells_other_services),
        cmocka_unit_test(states_what_came_of_an_answer_that_was_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
