/* Several hosts behind one address: the six of the fusion paper's table 2, and the borders of the families. */
#include "analyse/device/device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TCP(number, hops)                                           \
    {                                                               \
        .port = (number), .transport = TRANSPORT_TCP, .ttl = (hops) \
    }
#define UDP(number, hops)                                           \
    {                                                               \
        .port = (number), .transport = TRANSPORT_UDP, .ttl = (hops) \
    }
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static struct hosts_guess guess;

static void guessed(const struct port_ttl *open, size_t open_count, const struct port_ttl *attacks, size_t attack_count, unsigned at_least,
                    const char *reason)
{
    device_hosts(open, open_count, attacks, attack_count, &guess);
    assert_string_equal(guess.reason, reason);
    assert_int_equal(guess.at_least, at_least);
}

static void table_row_a(void **unused)
{
    (void)unused;
    static const struct port_ttl open[] = {TCP(23, 111), UDP(47808, 111)}, attacks[] = {TCP(445, 104)};
    guessed(open, COUNT(open), attacks, 1, 1,
            "ports 23, 47808/udp answer from an initial TTL of 128, as the attack on 445 came: nothing speaks for more than one host");
}

static void table_row_b(void **unused)
{
    (void)unused;
    static const struct port_ttl open[] = {TCP(13, 50), TCP(21, 50), TCP(22, 50), TCP(80, 50), TCP(81, 50), TCP(502, 50)}, attacks[] = {TCP(23, 51)};
    guessed(open, COUNT(open), attacks, 1, 1,
            "ports 13, 21, 22, 80, 81, 502 answer from an initial TTL of 64, as the attack on 23 came: nothing speaks for more than one host");
}

static void table_row_c_is_two_hosts(void **unused)
{
    (void)unused;
    static const struct port_ttl open[] = {TCP(502, 45), TCP(8080, 45), TCP(3389, 109)}, attacks[] = {TCP(445, 110)};
    guessed(open, COUNT(open), attacks, 1, 2,
            "ports 502, 8080 answer from an initial TTL of 64; port 3389 answers from an initial TTL of 128, as the attack on 445 came: at least 2 "
            "hosts, or a middlebox");
    /* Without the second family among the ports, the attack tells as much. */
    guessed(open, 2, attacks, 1, 2,
            "ports 502, 8080 answer from an initial TTL of 64; the attack on 445 came from an initial TTL of 128: at least 2 hosts, or a middlebox");
}

static void table_row_d(void **unused)
{
    (void)unused;
    static const struct port_ttl open[] = {TCP(80, 117), TCP(1911, 117)}, attacks[] = {TCP(445, 118)};
    guessed(open, COUNT(open), attacks, 1, 1,
            "ports 80, 1911 answer from an initial TTL of 128, as the attack on 445 came: nothing speaks for more than one host");
}

static void table_row_e(void **unused)
{
    (void)unused;
    static const struct port_ttl open[] = {TCP(1911, 114), TCP(3389, 114)}, attacks[] = {TCP(3389, 116)};
    guessed(open, COUNT(open), attacks, 1, 1,
            "ports 1911, 3389 answer from an initial TTL of 128, as the attack on 3389 came: nothing speaks for more than one host");
}

static void table_row_f_has_a_port_of_no_family(void **unused)
{
    (void)unused;
    static const struct port_ttl open[] = {TCP(23, 50), TCP(80, 80), TCP(102, 15)}, attacks[] = {TCP(445, 117)};
    guessed(
        open, COUNT(open), attacks, 1, 3,
        "port 102 answers from an initial TTL of 32; port 23 answers from an initial TTL of 64; the attack on 445 came from an initial TTL of 128: "
        "at least 3 hosts, or a middlebox (port 80: too far from any initial TTL)");
}

static void says_nothing_of_nothing(void **unused)
{
    (void)unused;
    static const struct port_ttl open[] = {TCP(23, 0), TCP(80, 80)};
    guessed(NULL, 0, NULL, 0, 0, "no reply's TTL is known");
    guessed(open, 2, NULL, 0, 0, "no reply's TTL is known");
}

static void many_hops_only_hint(void **unused)
{
    (void)unused;
    static const struct port_ttl near[] = {TCP(23, 50), TCP(80, 58)}, far[] = {TCP(23, 49), TCP(80, 58)};
    guessed(near, 2, NULL, 0, 1, "ports 23, 80 answer from an initial TTL of 64: nothing speaks for more than one host");
    guessed(far, 2, NULL, 0, 1,
            "ports 23, 80 answer from an initial TTL of 64: nothing speaks for more than one host (9 hops between them hint at more)");
}

static void many_ports_fit_into_a_sentence(void **unused)
{
    (void)unused;
    struct port_ttl open[400];
    for (size_t i = 0; i < COUNT(open); i++)
        open[i] = (struct port_ttl){.port = (uint16_t)(60000 + i), .transport = TRANSPORT_UDP, .ttl = (uint8_t)(30 + i % 200)};
    device_hosts(open, COUNT(open), open, COUNT(open), &guess);
    assert_int_equal(guess.at_least, 4);
    assert_true(strlen(guess.reason) < sizeof guess.reason);
}

static void initial_ttls(void **unused)
{
    (void)unused;
    static const unsigned pairs[][2] = {{0, 0},  {1, 32},   {32, 32},   {33, 64}, {64, 64}, {65, 0},    {80, 0},
                                        {87, 0}, {88, 128}, {128, 128}, {129, 0}, {214, 0}, {215, 255}, {255, 255}};
    for (size_t i = 0; i < COUNT(pairs); i++)
        assert_int_equal(ttl_initial(pairs[i][0]), pairs[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_row_a),
        cmocka_unit_test(table_row_b),
        cmocka_unit_test(table_row_c_is_two_hosts),
        cmocka_unit_test(table_row_d),
        cmocka_unit_test(table_row_e),
        cmocka_unit_test(table_row_f_has_a_port_of_no_family),
        cmocka_unit_test(says_nothing_of_nothing),
        cmocka_unit_test(many_hops_only_hint),
        cmocka_unit_test(many_ports_fit_into_a_sentence),
        cmocka_unit_test(initial_ttls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
