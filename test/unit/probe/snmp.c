#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define BYTES(text) span_of((text), sizeof(text) - 1)

extern const struct probe probe_snmp;

#define DESCR                                                  \
    "\x30\x19\x06\x08\x2b\x06\x01\x02\x01\x01\x01\x00\x04\x0d" \
    "HP LaserJet \0"
#define OBJECT "\x30\x18\x06\x08\x2b\x06\x01\x02\x01\x01\x02\x00\x06\x0c\x2b\x06\x01\x04\x01\xbf\x08\x8f\xff\xff\xff\x7f"
#define HEADER "\x30\x50\x02\x01\x01\x04\x06public\xa2\x43\x02\x04noro\x02\x01\x00\x02\x01\x00\x30\x35"
#define ANSWER HEADER DESCR OBJECT

static struct talk *play(struct span datagram)
{
    struct talk *t = harness_open(&probe_snmp, 0);
    harness_hear(t, datagram);
    (void)harness_silence(t);
    harness_close(t);
    return t;
}

static void reads_both_objects(void **state)
{
    (void)state;
    struct talk *t = play(BYTES(ANSWER));
    assert_string_equal(harness_summary(t),
                        "ending=answered\nnoroshi.snmp.sysdescr=HP LaserJet \nnoroshi.snmp.sysobjectid=1.3.6.1.4.1.8072.4294967295\n");
    harness_free(t);
}

static void asks_one_question(void **state)
{
    (void)state;
    struct talk *t = harness_open(&probe_snmp, 0);
    assert_int_equal(t->says, 1);
    assert_int_equal(t->said.len, 57);
    assert_int_equal(t->said.data[1], 55);
    harness_free(t);
}

static void reads_long_lengths(void **state)
{
    (void)state;
    /* Lengths in one, two and four bytes more than are needed. */
    static const char answer[] =
        "\x30\x82\x00\x3a\x02\x81\x01\x01\x04\x06public\xa2\x84\x00\x00\x00\x28\x02\x04noro\x02\x01\x00\x02\x01\x00\x30\x81\x19"
        "\x30\x17\x06\x08\x2b\x06\x01\x02\x01\x01\x01\x00\x04\x0b"
        "ten letters";
    struct talk *t = play(BYTES(answer));
    assert_string_equal(harness_summary(t), "ending=answered\nnoroshi.snmp.sysdescr=ten letters\n");
    harness_free(t);
}

static void passes_over_what_the_agent_does_not_have(void **state)
{
    (void)state;
    static const char answer[] = "\x30\x29\x02\x01\x01\x04\x06public\xa2\x1c\x02\x04noro\x02\x01\x02\x02\x01\x01\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01"
                                 "\x02\x01\x01\x01\x00\x80\x00";
    struct talk *t = play(BYTES(answer));
    assert_string_equal(harness_summary(t), "ending=answered\n");
    harness_free(t);
}

static void takes_no_answer_to_another_question(void **state)
{
    (void)state;
    char answer[] = ANSWER;
    answer[18] = 'x'; /* of the request-id */
    struct talk *t = play(BYTES(answer));
    assert_string_equal(harness_summary(t), "ending=other protocol\n");
    harness_free(t);
}

static void survives_every_shorter_and_every_damaged_datagram(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ANSWER - 1; i++) {
        struct talk *t = play(span_of(ANSWER, i));
        assert_string_equal(harness_summary(t), i == 0 ? "ending=silent\n" : "ending=other protocol\n");
        harness_free(t);
        for (unsigned value = 0; value < 256; value += 17) {
            uint8_t damaged[sizeof ANSWER - 1];
            memcpy(damaged, ANSWER, sizeof damaged);
            damaged[i] = (uint8_t)value;
            harness_free(play(span_of(damaged, sizeof damaged)));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_both_objects),
        cmocka_unit_test(asks_one_question),
        cmocka_unit_test(reads_long_lengths),
        cmocka_unit_test(passes_over_what_the_agent_does_not_have),
        cmocka_unit_test(takes_no_answer_to_another_question),
        cmocka_unit_test(survives_every_shorter_and_every_damaged_datagram),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
