/* Look-ups: a rate of their own and none of the probes' budgets, but every other rule. */
#include "check.h"

#include <sys/socket.h>
#include <unistd.h>

static struct dial_request lookup(const char *addr, uint16_t port)
{
    struct dial_request request = to(addr, port);
    request.care = CARE_LOOKUP;
    request.asn = 64500;
    return request;
}

static void look_ups_have_a_rate_of_their_own(void **state)
{
    (void)state;
    enum { RATE = 20, ASKED = 400 };
    static usec_t times[ASKED];
    struct dial *dial = policy(NAMED "contact: {rate: 20}\noutside: {daily: 0, rate: 1}\n");
    usec_t now = NOON;
    size_t allowed = 0, at_once = 0;
    while (allowed < ASKED) {
        struct dial_request request = lookup(allowed % 2 == 0 ? "8.8.8.8" : "2400::1", 43);
        struct dial_answer answer = dial_ask(dial, &request, now, false);
        if (answer.verdict == DIAL_OK) {
            times[allowed++] = now;
            at_once += now == NOON;
            continue;
        }
        assert_int_equal(answer.verdict, DIAL_LATER);
        assert_int_equal(answer.why, DENIAL_RATE_LOOKUP);
        assert_true(answer.not_before > now);
        now = answer.not_before;
    }
    assert_int_equal(at_once, RATE / 10);
    for (size_t i = 0; i + RATE < ASKED; i++)
        assert_true(times[i + RATE] - times[i] >= USEC_PER_SEC);
    assert_true(now - NOON < (ASKED / RATE + 4) * USEC_PER_SEC);
    assert_int_equal(dial_counters(dial)->allowed, ASKED);
    assert_true(dial_counters(dial)->refused[DENIAL_RATE_LOOKUP] > 0);
    dial_free(dial);
}

static void look_ups_count_against_no_budget_of_probes(void **state)
{
    (void)state;
    struct dial *dial = policy(NAMED "contact: {rate: 100000}\noutside: {daily: 1, daily_per_address: 1, rate: 1, rate_per_as: 1}\n");
    struct dial_request probe = to("8.8.8.8", 80);
    probe.asn = 64500;
    for (int i = 0; i < 1000; i++)
        check_answer(dial, lookup("8.8.8.8", 80), NOON + i * 1000, DIAL_OK, DENIAL_NONE);
    assert_int_equal(dial_last(dial, probe.to.addr), 0);
    check_answer(dial, probe, NOON + USEC_PER_SEC, DIAL_OK, DENIAL_NONE);
    check_answer(dial, probe, NOON + 2 * USEC_PER_SEC, DIAL_NEVER, DENIAL_DAILY);
    check_answer(dial, lookup("8.8.8.8", 80), NOON + 2 * USEC_PER_SEC, DIAL_OK, DENIAL_NONE);
    dial_free(dial);
}

static void one_that_is_given_back_may_be_asked_again(void **state)
{
    (void)state;
    struct dial *dial = policy(NAMED "contact: {rate: 1}\noutside: {daily: 5}\n");
    struct dial_request request = lookup("8.8.8.8", 43);
    check_answer(dial, request, NOON, DIAL_OK, DENIAL_NONE);
    check_answer(dial, request, NOON, DIAL_LATER, DENIAL_RATE_LOOKUP);
    dial_give_back(dial, &request, NOON);
    check_answer(dial, request, NOON, DIAL_OK, DENIAL_NONE);
    for (int i = 0; i < 3; i++)
        assert_int_equal(dial_ask(dial, &request, NOON, true).verdict, DIAL_LATER);
    dial_free(dial);
}

static void every_other_rule_holds(void **state)
{
    (void)state;
    size_t bad = 0;
    static const char block[] = "9.0.0.0/8\n", out[] = "8.0.0.0/8\n";
    struct dial *dial = policy("{}\n");
    check_answer(dial, lookup("7.0.0.1", 43), NOON, DIAL_NEVER, DENIAL_OPERATOR);
    dial_free(dial);
    dial = policy(NAMED "services: [{service: telnet, listen: \"6.0.0.1:23\"}]\nprobe: {ics: true}\noutside: {hours: \"13:00-14:00\"}\n");
    assert_int_equal(dial_lists(dial, span_text(block), span_text(out), &bad, NULL, 0), 0);
    check_answer(dial, lookup("10.0.0.1", 43), NOON, DIAL_NEVER, DENIAL_SPECIAL);
    check_answer(dial, lookup("9.0.0.1", 43), NOON, DIAL_NEVER, DENIAL_BLOCKLIST);
    check_answer(dial, lookup("8.0.0.1", 43), NOON, DIAL_NEVER, DENIAL_OPTOUT);
    check_answer(dial, lookup("6.0.0.1", 80), NOON, DIAL_NEVER, DENIAL_OWN);
    check_answer(dial, lookup("7.0.0.1", 43), NOON, DIAL_LATER, DENIAL_HOURS);
    check_answer(dial, lookup("7.0.0.1", 43), NOON + USEC_PER_HOUR, DIAL_OK, DENIAL_NONE);
    dial_free(dial);
    dial = policy(NAMED "outside: {dry_run: true, test_network: [127.0.0.0/8]}\n");
    check_answer(dial, lookup("127.0.0.1", 43), NOON, DIAL_NEVER, DENIAL_DRY);
    dial_free(dial);
}

/* A link on a page may name any port. */
static void a_look_up_is_never_industrial(void **state)
{
    (void)state;
    struct dial *dial = policy(NAMED "probe: {ics: true}\n");
    struct dial_request request = to("7.0.0.1", 502);
    request.care = CARE_ICS;
    check_answer(dial, request, NOON, DIAL_OK, DENIAL_NONE);
    check_answer(dial, lookup("7.0.0.1", 502), NOON, DIAL_NEVER, DENIAL_ICS);
    int fd = -1;
    enum denial why = DENIAL_NONE;
    request = lookup("7.0.0.1", 502);
    assert_int_equal(dial_open(dial, &request, NOON, &fd, &why), -ERR_DENIED);
    assert_int_equal(why, DENIAL_ICS);
    dial_free(dial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(look_ups_have_a_rate_of_their_own),
        cmocka_unit_test(look_ups_count_against_no_budget_of_probes),
        cmocka_unit_test(one_that_is_given_back_may_be_asked_again),
        cmocka_unit_test(every_other_rule_holds),
        cmocka_unit_test(a_look_up_is_never_industrial),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
