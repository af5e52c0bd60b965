#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define BYTES(text) span_of((text), sizeof(text) - 1)

extern const struct probe probe_upnp;

#define ANSWER                                                                                                                           \
    "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nST: upnp:rootdevice\r\nUSN: uuid:1::upnp:rootdevice\r\nEXT:\r\nSERVER: Linux/2.6 " \
    "UPnP/1.0 miniupnpd/1.5\r\nLOCATION: http://192.0.2.77:5000/rootDesc.xml\r\n\r\n"

static struct talk *play(const struct span *datagrams, size_t count)
{
    struct talk *t = harness_open(&probe_upnp, 0);
    for (size_t i = 0; i < count; i++)
        harness_hear(t, datagrams[i]);
    while (harness_silence(t))
        ;
    harness_close(t);
    return t;
}

static void reads_what_a_device_says_of_itself(void **state)
{
    (void)state;
    const struct span datagrams[] = {BYTES("noise"), BYTES(ANSWER), BYTES("HTTP/1.1 200 OK\r\nSERVER: second\r\n\r\n")};
    struct talk *t = play(datagrams, 3);
    assert_string_equal(harness_summary(t), "ending=answered\nnoroshi.detail=server: Linux/2.6 UPnP/1.0 miniupnpd/1.5\\nlocation: "
                                            "http://192.0.2.77:5000/rootDesc.xml\\nst: upnp:rootdevice\\nusn: uuid:1::upnp:rootdevice\n");
    assert_true(span_is(buf_as_span(&t->said), "M-SEARCH * HTTP/1.1\r\nHOST: 192.0.2.77:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: "
                                               "upnp:rootdevice\r\nUSER-AGENT: noroshi (+https://research.example/probing)\r\n\r\n"));
    harness_free(t);
}

static void stops_listening_after_a_few_answers(void **state)
{
    (void)state;
    struct talk *t = harness_open(&probe_upnp, 0);
    for (unsigned i = 0; i < 10; i++)
        harness_hear(t, BYTES(ANSWER));
    assert_true(t->over);
    assert_int_equal(t->heard.len, 4 * (sizeof ANSWER - 1));
    harness_free(t);
}

static void survives_every_shorter_datagram(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof ANSWER - 1; len++) {
        struct span datagram = span_of(ANSWER, len);
        harness_free(play(&datagram, 1));
    }
}

static void tells_silence_from_something_else(void **state)
{
    (void)state;
    struct span noise = BYTES("\x01\x02");
    struct talk *t = play(&noise, 1);
    assert_string_equal(harness_summary(t), "ending=other protocol\n");
    harness_free(t);
    t = play(NULL, 0);
    assert_string_equal(harness_summary(t), "ending=silent\n");
    harness_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_a_device_says_of_itself),
        cmocka_unit_test(stops_listening_after_a_few_answers),
        cmocka_unit_test(survives_every_shorter_datagram),
        cmocka_unit_test(tells_silence_from_something_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
