/* Who may be connected to, and why not: the order of the policy, each denial, lists replaced while running, the door itself. */
#include "check.h"

#include "outside/hours.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Real unicast addresses nobody is asked at: dial_ask sends nothing. */
#define SOMEBODY "8.1.2.3"
#define OTHER "8.1.9.9"

static void nothing_goes_out_until_the_operator_names_himself(void **state)
{
    (void)state;
    static const char *const parts[] = {"", "operator: {organisation: Example CSIRT}\n",
                                        "operator: {organisation: Example CSIRT, mail: abuse@csirt.example}\n",
                                        "operator: {mail: abuse@csirt.example, page: \"https://csirt.example\"}\n"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct dial *dial = policy(parts[i]);
        assert_false(dial_enabled(dial));
        check_answer(dial, to(SOMEBODY, 23), NOON, DIAL_NEVER, DENIAL_OPERATOR);
        check_answer(dial, to("127.0.0.1", 23), NOON, DIAL_NEVER, DENIAL_OPERATOR);
        dial_free(dial);
    }
    struct dial *dial = policy(NAMED);
    assert_true(dial_enabled(dial));
    check_answer(dial, to(SOMEBODY, 23), NOON, DIAL_OK, DENIAL_NONE);
    dial_free(dial);
}

static void settings_of_no_use_are_refused_in_one_line(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"operator: {mail: nobody}\n", "test:1: operator.mail: expected a mail address, such as scan-abuse@csirt.example, got \"nobody\""},
        {"operator: {mail: \"a b@c.example\"}\n",
         "test:1: operator.mail: expected a mail address, such as scan-abuse@csirt.example, got \"a b@c.example\""},
        {"operator: {page: \"http://csirt.example\"}\n",
         "test:1: operator.page: expected an https URL, such as https://csirt.example/probing, got \"http://csirt.example\""},
        {"operator: {page: \"https://a.example/\\r\\nX: y\"}\n",
         "test:1: operator.page: expected an https URL, such as https://csirt.example/probing, got \"https://a.example/\\r\\nX: y\""},
        {"operator: {organisation: \"two\\nlines\"}\n",
         "test:1: operator.organisation: expected one line of text, such as Example CSIRT, got \"two\\nlines\""},
        {"outside: {hours: 9-17}\n", "test:1: outside.hours: expected a time of day from and until, such as 09:00-17:30, got \"9-17\""},
        {"outside: {hours: \"09:00-09:00\"}\n",
         "test:1: outside.hours: expected a time of day from and until, such as 09:00-17:30, got \"09:00-09:00\""},
        {"outside: {test_network: [10.77.0.1/16]}\n", "test:1: outside.test_network: expected a prefix, such as 10.77.0.0/16, got \"10.77.0.1/16\""},
        {"report: {timezone: Tokyo}\n", "test:1: report.timezone: expected an offset from UTC, such as +09:00, got \"Tokyo\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dial *dial = NULL;
        struct conf_error error;
        struct conf *conf = settings_of(cases[i][0]);
        assert_int_equal(dial_new(&dial, conf, &error), -ERR_CONFIG);
        assert_string_equal(error.text, cases[i][1]);
        assert_null(dial);
        conf_free(conf);
    }
}

static void nothing_goes_out_before_the_lists_were_read(void **state)
{
    (void)state;
    struct dial *dial = NULL;
    struct conf_error error;
    struct conf *conf = settings_of(NAMED);
    assert_int_equal(dial_new(&dial, conf, &error), 0);
    check_answer(dial, to(SOMEBODY, 23), NOON, DIAL_LATER, DENIAL_LISTS);
    check_answer(dial, to("10.0.0.1", 23), NOON, DIAL_NEVER, DENIAL_SPECIAL);
    conf_free(conf);
    dial_free(dial);
}

/* Each case breaks everything that comes after its reason, too: the first that says no is the one that is told. */
static void the_first_reason_is_told(void **state)
{
    (void)state;
    struct dial *dial = policy(NAMED "services: [{service: telnet, listen: \"9.0.0.1:23\"}]\n"
                                     "outside: {hours: \"01:00-02:00\", daily: 0, dry_run: true}\n");
    size_t bad = 0;
    static const char block[] = "9.0.0.0/8\n10.0.0.0/8\n", out[] = "9.0.0.2\n10.0.0.0/8\n";
    assert_int_equal(dial_lists(dial, span_text(block), span_text(out), &bad, NULL, 0), 0);
    struct dial_request ics = to(OTHER, 502);
    ics.care = CARE_ICS;
    ics.neighbour = true;
    check_answer(dial, to("10.0.0.1", 23), NOON, DIAL_NEVER, DENIAL_SPECIAL);
    check_answer(dial, to("9.0.0.2", 23), NOON, DIAL_NEVER, DENIAL_OPTOUT);
    check_answer(dial, to("9.0.0.1", 23), NOON, DIAL_NEVER, DENIAL_BLOCKLIST);
    assert_int_equal(dial_lists(dial, (struct span){0}, (struct span){0}, &bad, NULL, 0), 0);
    check_answer(dial, to("9.0.0.1", 80), NOON, DIAL_NEVER, DENIAL_OWN);
    check_answer(dial, ics, NOON, DIAL_NEVER, DENIAL_ICS);
    ics.care = CARE_POLITE;
    ics.to.port = 23;
    check_answer(dial, ics, NOON, DIAL_NEVER, DENIAL_NEIGHBOURS);
    check_answer(dial, to(OTHER, 23), NOON, DIAL_LATER, DENIAL_HOURS);
    usec_t open = NOON - 11 * USEC_PER_HOUR;
    check_answer(dial, to(OTHER, 23), open, DIAL_NEVER, DENIAL_DAILY);
    dial_free(dial);
    dial = policy(NAMED "outside: {rate: 1, dry_run: true}\n");
    struct dial_request request = to(OTHER, 23);
    check_answer(dial, request, NOON, DIAL_NEVER, DENIAL_DRY);
    assert_int_equal(dial_ask(dial, &request, NOON, true).verdict, DIAL_OK);
    int fd = -1;
    enum denial why = DENIAL_NONE;
    assert_int_equal(dial_open(dial, &request, NOON, &fd, &why), -ERR_DENIED);
    assert_int_equal(why, DENIAL_DRY);
    assert_int_equal(dial_counters(dial)->refused[DENIAL_DRY], 2);
    assert_int_equal(dial_counters(dial)->asked, 1);
    dial_free(dial);
}

static void industrial_ports_are_industrial_whatever_asks(void **state)
{
    (void)state;
    static const struct {
        uint16_t port;
        enum transport transport;
    } ports[] = {{102, TRANSPORT_TCP},   {502, TRANSPORT_TCP},   {1911, TRANSPORT_TCP}, {4911, TRANSPORT_TCP},
                 {20000, TRANSPORT_TCP}, {44818, TRANSPORT_TCP}, {47808, TRANSPORT_UDP}};
    struct dial *dial = policy(NAMED);
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
        struct dial_request request = to(SOMEBODY, ports[i].port);
        request.transport = ports[i].transport;
        check_answer(dial, request, NOON, DIAL_NEVER, DENIAL_ICS);
    }
    struct dial_request request = to(SOMEBODY, 502);
    request.transport = TRANSPORT_UDP;
    check_answer(dial, request, NOON, DIAL_OK, DENIAL_NONE);
    dial_free(dial);
}

static void special_addresses_are_never_asked(void **state)
{
    (void)state;
    static const char *const never[] = {"0.0.0.0",
                                        "0.1.2.3",
                                        "10.255.255.255",
                                        "100.64.0.1",
                                        "100.127.255.255",
                                        "127.0.0.1",
                                        "169.254.1.1",
                                        "172.16.0.0",
                                        "172.31.255.255",
                                        "192.0.0.1",
                                        "192.0.0.170",
                                        "192.0.2.1",
                                        "192.31.196.1",
                                        "192.52.193.1",
                                        "192.88.99.1",
                                        "192.168.1.1",
                                        "192.175.48.1",
                                        "198.18.0.1",
                                        "198.19.255.255",
                                        "198.51.100.7",
                                        "203.0.113.7",
                                        "224.0.0.1",
                                        "239.255.255.255",
                                        "240.0.0.1",
                                        "255.255.255.255",
                                        "::",
                                        "::1",
                                        "::ffff:127.0.0.1",
                                        "::ffff:10.0.0.1",
                                        "::10.0.0.1",
                                        "::8.8.8.8",
                                        "64:ff9b::808:808",
                                        "64:ff9b:1::1",
                                        "100::1",
                                        "100:0:0:1::1",
                                        "2001::1",
                                        "2001:0:c000:201::f7f7:f7f7",
                                        "2001:2::1",
                                        "2001:10::1",
                                        "2001:20::1",
                                        "2001:1ff:ffff::1",
                                        "2001:db8::1",
                                        "2002:808:808::1",
                                        "2002:a00:1::1",
                                        "2620:4f:8000::1",
                                        "3fff::1",
                                        "3fff:fff::1",
                                        "4000::1",
                                        "5f00::1",
                                        "8000::1",
                                        "9000::1",
                                        "c000::1",
                                        "e000::1",
                                        "f000::1",
                                        "fc00::1",
                                        "fdff::1",
                                        "fe80::1",
                                        "fec0::1",
                                        "ff02::1",
                                        "ffff::1"};
    static const char *const allowed[] = {"1.0.0.1",      "9.255.255.255", "11.0.0.1",     "100.63.255.255", "100.128.0.1", "172.15.0.1",
                                          "172.32.0.1",   "192.0.1.1",     "192.0.3.1",    "198.17.0.1",     "198.20.0.1",  "223.255.255.255",
                                          "2000::1",      "2001:200::1",   "2001:db7::1",  "2001:db9::1",    "2003::1",     "2620:4f:7fff::1",
                                          "2a00:1450::1", "3ffe::1",       "3fff:1000::1", "3ffe:ffff::1",   "2400::1",     "::ffff:8.8.8.8"};
    struct dial *dial = policy(NAMED "outside: {rate: 1000000, rate_per_address: 100000}\n");
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        struct dial_request request = to(never[i], 23);
        if (dial_ask(dial, &request, NOON, false).why != DENIAL_SPECIAL)
            fail_msg("%s is special", never[i]);
    }
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
        struct dial_request request = to(allowed[i], 23);
        if (dial_ask(dial, &request, NOON + (usec_t)i * USEC_PER_SEC, false).verdict != DIAL_OK)
            fail_msg("%s is a host's", allowed[i]);
    }
    dial_free(dial);
}

static void a_laboratory_is_excepted_but_nothing_behind_it(void **state)
{
    (void)state;
    struct dial *dial = policy(NAMED "outside: {rate: 1000000, test_network: [10.77.0.0/16, 0.0.0.0/8, 224.0.0.0/3, \"2002::/16\", \"2001::/32\", "
                                     "\"64:ff9b::/96\", \"ff00::/8\"]}\n");
    static const char *const never[] = {
        "10.76.0.1",      "10.78.0.1",          "127.0.0.1",         "0.0.0.0",
        "224.0.0.1",      "255.255.255.255",    "ff02::1",           "2002:a00:1::1",
        "2002:7f00:1::1", "64:ff9b::127.0.0.1", "64:ff9b::10.1.1.1", "2001:0:808:808::80ff:fffe" /* 127.0.0.1, each bit turned */};
    static const char *const allowed[] = {"10.77.0.1", "10.77.255.255", "2002:a4d:1::1", "2002:808:808::1", "64:ff9b::10.77.0.1", "64:ff9b::8.8.8.8"};
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        struct dial_request request = to(never[i], 23);
        if (dial_ask(dial, &request, NOON, false).why != DENIAL_SPECIAL)
            fail_msg("%s is special", never[i]);
    }
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        check_answer(dial, to(allowed[i], 23), NOON + (usec_t)i * USEC_PER_SEC, DIAL_OK, DENIAL_NONE);
    dial_free(dial);
}

static void own_addresses_are_not_asked(void **state)
{
    (void)state;
    struct dial *dial = policy(NAMED "services:\n"
                                     "  - {service: telnet, listen: \"127.0.0.1:2323\", public: \"[::]:23\"}\n"
                                     "  - {service: telnet, listen: \"0.0.0.0:2424\"}\n"
                                     "  - {service: telnet, listen: \"8.8.4.4:23\", public: \"[2400::5]:23\"}\n"
                                     "outside: {rate: 1000000, test_network: [127.0.0.0/8]}\n");
    check_answer(dial, to("127.0.0.1", 2323), NOON, DIAL_NEVER, DENIAL_OWN);
    check_answer(dial, to("127.0.0.9", 2424), NOON, DIAL_NEVER, DENIAL_OWN);
    check_answer(dial, to("8.8.4.4", 80), NOON, DIAL_NEVER, DENIAL_OWN);
    check_answer(dial, to("2400::5", 80), NOON, DIAL_NEVER, DENIAL_OWN);
    check_answer(dial, to("127.0.0.1", 2324), NOON, DIAL_OK, DENIAL_NONE);
    check_answer(dial, to("127.0.0.1", 23), NOON, DIAL_OK, DENIAL_NONE);
    check_answer(dial, to("8.8.8.8", 2424), NOON, DIAL_OK, DENIAL_NONE);
    dial_free(dial);
}

static void lists_are_replaced_while_running(void **state)
{
    (void)state;
    struct dial *dial = policy(NAMED "outside: {rate: 1000000}\n");
    struct list_error bad[3];
    size_t count = 0;
    static const char block[] = "# who\n8.1.0.0/16 # reason\nbad line\n", out[] = "2400::/16\n300.1.1.1\nexample.org\n1.2.3.4/33\n";
    check_answer(dial, to(SOMEBODY, 23), NOON, DIAL_OK, DENIAL_NONE);
    assert_int_equal(dial_lists(dial, span_text(block), span_text(out), &count, bad, 3), 0);
    assert_int_equal(count, 4);
    assert_string_equal(bad[0].list, "blocklist");
    assert_int_equal(bad[0].line, 3);
    assert_string_equal(bad[0].text, "bad");
    assert_string_equal(bad[1].list, "optout");
    assert_int_equal(bad[1].line, 2);
    assert_string_equal(bad[2].text, "example.org");
    check_answer(dial, to(SOMEBODY, 23), NOON, DIAL_NEVER, DENIAL_BLOCKLIST);
    check_answer(dial, to("2400::77", 23), NOON, DIAL_NEVER, DENIAL_OPTOUT);
    /* Between the intent and the connection, too. */
    struct dial_request request = to(SOMEBODY, 23);
    int fd = -1;
    enum denial why = DENIAL_NONE;
    assert_int_equal(dial_open(dial, &request, NOON, &fd, &why), -ERR_DENIED);
    assert_int_equal(why, DENIAL_BLOCKLIST);
    assert_int_equal(fd, -1);
    assert_int_equal(dial_lists(dial, (struct span){0}, (struct span){0}, &count, NULL, 0), 0);
    check_answer(dial, to(SOMEBODY, 23), NOON + USEC_PER_HOUR, DIAL_OK, DENIAL_NONE);
    dial_free(dial);
}

static void hours_hold_in_the_zone_and_over_midnight(void **state)
{
    (void)state;
    static const struct {
        const char *hours, *zone;
        int minute; /* UTC, since midnight */
        int opens;  /* 0: within; else the minute, which may be of the next day */
    } cases[] = {
        {"", "+00:00", 0, 0},
        {"09:00-17:30", "+00:00", 9 * 60, 0},
        {"09:00-17:30", "+00:00", 9 * 60 - 1, 9 * 60},
        {"09:00-17:30", "+00:00", 17 * 60 + 29, 0},
        {"09:00-17:30", "+00:00", 17 * 60 + 30, 33 * 60},
        {"09:00-17:30", "+09:00", 0, 0},
        {"09:00-17:30", "+09:00", 8 * 60 + 29, 0},
        {"09:00-17:30", "+09:00", 8 * 60 + 30, 24 * 60},
        {"09:00-17:30", "-03:30", 12 * 60, 12 * 60 + 30},
        {"22:00-06:00", "+00:00", 23 * 60, 0},
        {"22:00-06:00", "+00:00", 5 * 60 + 59, 0},
        {"22:00-06:00", "+00:00", 6 * 60, 22 * 60},
        {"22:00-06:00", "+00:00", 21 * 60 + 59, 22 * 60},
        {"22:00-06:00", "+09:00", 13 * 60, 0},
        {"22:00-06:00", "+09:00", 21 * 60, 37 * 60},
        {"00:00-24:00", "+05:30", 777, 0},
        {"22:00-00:00", "+00:00", 23 * 60 + 59, 0},
        {"22:00-00:00", "+00:00", 1, 22 * 60},
    };
    static const char *const bad[] = {"9:00-10:00", "09:00", "09:00-", "24:00-06:00", "09:60-10:00", "25:00-26:00", "09:00-10:0x", "09:00 10:00"};
    usec_t midnight = NOON - 12 * USEC_PER_HOUR, minute = 60 * USEC_PER_SEC;
    struct hours h;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(hours_parse(span_text(cases[i].hours), span_text(cases[i].zone), &h), 0);
        usec_t wait = hours_wait(&h, midnight + cases[i].minute * minute);
        usec_t expected = cases[i].opens == 0 ? 0 : midnight + cases[i].opens * minute;
        if (wait != expected)
            fail_msg("%s %s at %d: %lld", cases[i].hours, cases[i].zone, cases[i].minute, (long long)((wait - midnight) / minute));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(hours_parse(span_text(bad[i]), span_text("+00:00"), &h), -ERR_MALFORMED);
    struct dial *dial = policy(NAMED "outside: {hours: \"22:00-06:00\"}\nreport: {timezone: \"+09:00\"}\n");
    struct dial_request request = to(SOMEBODY, 23);
    struct dial_answer answer = dial_ask(dial, &request, NOON, false);
    assert_int_equal(answer.verdict, DIAL_LATER);
    assert_int_equal(answer.why, DENIAL_HOURS);
    assert_int_equal(answer.not_before, NOON + USEC_PER_HOUR);
    check_answer(dial, request, answer.not_before, DIAL_OK, DENIAL_NONE);
    dial_free(dial);
}

static int listener(struct sockaddr_in *ret)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &length), 0);
    *ret = at;
    return fd;
}

static void the_door_opens_a_socket_that_does_not_block(void **state)
{
    (void)state;
    struct sockaddr_in at;
    int server = listener(&at), fd = -1;
    enum denial why = DENIAL_NONE;
    struct dial *dial = policy(NAMED "outside: {test_network: [127.0.0.0/8]}\n");
    struct dial_request request = to("127.0.0.1", ntohs(at.sin_port));
    check_answer(dial, request, NOON, DIAL_OK, DENIAL_NONE);
    assert_int_equal(dial_open(dial, &request, NOON, &fd, &why), 0);
    assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    struct linger linger = {.l_onoff = 1};
    socklen_t length = sizeof linger;
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &length), 0);
    assert_int_equal(linger.l_onoff, 0);
    int peer = accept(server, NULL, NULL);
    assert_true(peer >= 0);
    close(peer);
    close(fd);
    close(server);
    assert_int_equal(dial_counters(dial)->opened, 1);
    request.transport = TRANSPORT_UDP;
    assert_int_equal(dial_open(dial, &request, NOON, &fd, &why), 0);
    close(fd);
    request.to.port = 0;
    assert_int_equal(dial_open(dial, &request, NOON, &fd, &why), -EINVAL);
    request = to("127.0.0.1", ntohs(at.sin_port));
    int r = dial_open(dial, &request, NOON, &fd, &why);
    assert_true(r == -ECONNREFUSED || r == 0);
    if (r == 0)
        close(fd);
    dial_free(dial);
}

static void counts_come_back_when_nothing_was_opened(void **state)
{
    (void)state;
    struct dial *dial = policy(NAMED "outside: {daily_per_address: 1, rate_per_address: 1, rate: 1}\n");
    struct dial_request request = to(SOMEBODY, 23);
    for (int i = 0; i < 3; i++) {
        check_answer(dial, request, NOON, DIAL_OK, DENIAL_NONE);
        dial_give_back(dial, &request, NOON);
    }
    check_answer(dial, request, NOON, DIAL_OK, DENIAL_NONE);
    /* What was asked for yesterday is not today's. */
    dial_give_back(dial, &request, NOON - USEC_PER_DAY);
    check_answer(dial, request, NOON + USEC_PER_HOUR, DIAL_NEVER, DENIAL_DAILY_ADDRESS);
    assert_int_equal(dial_last(dial, ip(SOMEBODY)), NOON);
    assert_int_equal(dial_last(dial, ip(OTHER)), 0);
    dial_free(dial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_goes_out_until_the_operator_names_himself),
        cmocka_unit_test(settings_of_no_use_are_refused_in_one_line),
        cmocka_unit_test(nothing_goes_out_before_the_lists_were_read),
        cmocka_unit_test(the_first_reason_is_told),
        cmocka_unit_test(industrial_ports_are_industrial_whatever_asks),
        cmocka_unit_test(special_addresses_are_never_asked),
        cmocka_unit_test(a_laboratory_is_excepted_but_nothing_behind_it),
        cmocka_unit_test(own_addresses_are_not_asked),
        cmocka_unit_test(lists_are_replaced_while_running),
        cmocka_unit_test(hours_hold_in_the_zone_and_over_midnight),
        cmocka_unit_test(the_door_opens_a_socket_that_does_not_block),
        cmocka_unit_test(counts_come_back_when_nothing_was_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
