/* Reports of devices over a store filled with known hosts: the sums are counted here a second time, row by row where there are few. */
#include "../store/observe.h"

#include "filled.h"

static void devices_are_counted_by_class(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    static const char *const models[] = {"X100", "X200", "x100", NULL};
    unsigned attackers = 0, recorders = 0, routers = 0;
    for (uint8_t i = 1; i <= 90; i++) {
        bool attacks = i % 3 != 0, recorder = i % 2 == 0, honeypot = i % 15 == 1;
        if (attacks)
            put_attack(store, T(i % 20), i, 23, 60, "root");
        if (i % 5 != 0)
            put_device(store, T(30), host_at(i, 80),
                       &(struct said){.rule = "r", .class = recorder ? "dvr" : "router", .maker = "Example", .model = models[i % 4]});
        if (i % 10 == 2) /* its telnet port shows another device */
            put_device(store, T(30), host_at(i, 23), &(struct said){.rule = "s", .class = "modem", .certainty = 10});
        if (honeypot)
            put_device(store, T(30), host_at(i, 22), &(struct said){.rule = "h", .honeypot = "cowrie", .certainty = 99});
        attackers += attacks && !honeypot;
        recorders += attacks && !honeypot && recorder && i % 5 != 0;
        routers += attacks && !honeypot && !recorder && i % 5 != 0;
    }
    finish(store);
    char expected[512];
    /* Models are told apart without regard to case. */
    unsigned x[2] = {0, 0};
    for (unsigned recorder = 0; recorder < 2; recorder++) {
        bool seen[2] = {false, false};
        for (unsigned i = 1; i <= 90; i++) {
            const char *model = models[i % 4];
            if (i % 3 != 0 && i % 15 != 1 && i % 5 != 0 && (i % 2 == 0) == (recorder == 1) && model != NULL)
                seen[strcmp(model, "X200") == 0] = true;
        }
        x[recorder] = (unsigned)seen[0] + (unsigned)seen[1];
    }
    const char *first = recorders >= routers ? "dvr,DVR" : "router,Router", *second = recorders >= routers ? "router,Router" : "dvr,DVR";
    (void)snprintf(expected, sizeof expected, "%s,%u,%u\n%s,%u,%u\n", first, x[recorders >= routers], recorders >= routers ? recorders : routers,
                   second, x[recorders < routers], recorders >= routers ? routers : recorders);
    check(&place, "devices", (struct query_range){0}, expected);
    /* Nobody attacked on the second day, nor before the first. */
    check(&place, "devices", (struct query_range){.since = T(24)}, "");
    check(&place, "devices", (struct query_range){.until = T(0)}, "");
    assert_int_equal(control_number(&place, "SELECT count(*) FROM host WHERE first_attack IS NOT NULL AND honeypot IS NULL"), attackers);
    place_done(&place);
}

static void classes_and_the_identified_share(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    for (uint8_t i = 1; i <= 8; i++)
        put_attack(store, T(1), i, 23, 60, "root");
    put_attack(store, T(1), 9, 23, 60, NULL); /* only connected */
    put_device(store, T(2), host_at(1, 80), &(struct said){.rule = "a", .class = "dvr"});
    put_device(store, T(2), host_at(1, 23), &(struct said){.rule = "b", .class = "router", .certainty = 20});
    put_device(store, T(2), host_at(1, 22), &(struct said){.rule = "c", .class = "embedded", .certainty = 5});
    put_device(store, T(2), host_at(2, 80), &(struct said){.rule = "a", .class = "dvr"});
    put_device(store, T(2), host_at(9, 80), &(struct said){.rule = "a", .class = "dvr"});
    put_device(store, T(2), host_at(20, 80), &(struct said){.rule = "a", .class = "dvr"});
    finish(store);
    check(&place, "device-classes", (struct query_range){0}, "dvr,DVR,2,25\nrouter,Router,1,12.5\nidentified,,2,25\nattackers,,8,100\n");
    check(&place, "device-classes", (struct query_range){.since = T(24)}, "");
    place_done(&place);
}

static void industrial_attackers_with_their_ttls(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    const struct said modbus = {.rule = "modbus", .field = "ics", .class = "plc", .ics = "modbus"};
    /* As host C of the table: two families of initial TTLs. */
    put_attack(store, T(1), 3, 445, 110, NULL);
    put_answer(store, T(2), host_at(3, 502), "modbus", "answered", 45, NULL, "x");
    put_answer(store, T(2), host_at(3, 8080), "http", "answered", 45, NULL, "x");
    put_answer(store, T(2), host_at(3, 3389), "banner", "silent", 109, NULL, NULL);
    put_device(store, T(2), host_at(3, 502), &modbus);
    /* Industrial, but it never came to us. */
    put_answer(store, T(2), host_at(4, 502), "modbus", "answered", 45, NULL, "x");
    put_device(store, T(2), host_at(4, 502), &modbus);
    /* Only a list says so. */
    const struct fact listed[] = {fact_text(FACT_LIST_SOURCE, span_text("shodan")), fact_text(FACT_ICS_PROTOCOL, span_text("bacnet")),
                                  fact_int(FACT_REPLY_TTL, 111)};
    struct endpoint fifth = host_at(5, 47808);
    put_attack(store, T(3), 5, 445, 112, NULL);
    put_observed(store, KIND_LISTING, T(2), fifth, listed, 3);
    finish(store);
    char *rows = rows_of(place.folder, "ics", (struct query_range){0}, NULL);
    assert_non_null(strstr(rows, "192.0.2.3,,\"502, 8080 (45), 3389 (109)\",modbus,445 (110),2,probe,"));
    assert_non_null(strstr(rows, "192.0.2.5,,47808 (111),bacnet,445 (112),1,shodan,"));
    assert_null(strstr(rows, "192.0.2.4"));
    free(rows);
    place_done(&place);
}

static void put_finding(struct store *store, usec_t time, uint32_t network, uint16_t port)
{
    const struct fact facts[] = {fact_text(FACT_RULE, span_text("outbreak")), fact_text(FACT_FINDING, span_text("outbreak")),
                                 fact_int(FACT_COUNT, 3)};
    put_observed(store, KIND_FINDING, time, (struct endpoint){addr_v4(network), port}, facts, 3);
}

static void outbreaks_per_block(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    put_finding(store, T(1), 0xc6336400U, 20012); /* 198.51.100.0 */
    put_finding(store, T(2), 0xc6330000U, 20012); /* the same /16 */
    unsigned listeners[2] = {0, 0}, asked[2] = {0, 0}, telnet[2] = {0, 0};
    for (uint32_t block = 0; block < 2; block++) {
        for (uint32_t host = 1; host < 100; host++) {
            struct endpoint at = {addr_v4(0xc6336400U + (block << 8) + host), 20012};
            bool listens = host % 4 == 0 && (block == 0 || host < 20);
            put_answer(store, T(3), at, "banner", listens ? "silent" : "timeout", 0, NULL, NULL);
            listeners[block] += listens;
            asked[block]++;
            if (!listens || host % 8 != 0)
                continue;
            at.port = 23;
            put_answer(store, T(3), at, "telnet", "quiet", 0, NULL, host % 16 == 0 ? "Residential Gateway" : "Residential gateway 2");
            telnet[block]++;
        }
    }
    put_answer(store, T(3), (struct endpoint){addr_v4(0xcb007101U), 20012}, "banner", "silent", 0, NULL, NULL); /* another /16 */
    finish(store);
    char *rows = rows_of(place.folder, "outbreaks", (struct query_range){0}, NULL);
    char expected[256];
    for (unsigned block = 0; block < 2; block++) {
        (void)snprintf(expected, sizeof expected, "198.51.0.0/16,20012,198.51.%u.0/24,", 100 + block);
        char *row = strstr(rows, expected);
        assert_non_null(row);
        unsigned told_asked, told_listeners, told_telnet;
        double share;
        assert_int_equal(
            sscanf(row + strlen("198.51.0.0/16,20012,198.51.100.0/24,"), "%u,%u,%lf,%u", &told_asked, &told_listeners, &share, &told_telnet), 4);
        assert_int_equal(told_asked, asked[block]);
        assert_int_equal(told_listeners, listeners[block]);
        assert_int_equal(told_telnet, telnet[block]);
        assert_true(share > listeners[block] * 100.0 / asked[block] - 0.1 && share < listeners[block] * 100.0 / asked[block] + 0.1);
    }
    assert_non_null(strstr(rows, "Residential Gateway"));
    assert_null(strstr(rows, "203.0.113"));
    free(rows);
    check(&place, "outbreaks", (struct query_range){.since = T(5)}, "");
    place_done(&place);
}

static void put_dial(struct store *store, usec_t time, const char *probe, const char *reason)
{
    struct fact facts[] = {fact_text(FACT_PROBE, span_text(probe)), fact_text(FACT_EVENT_OUTCOME, span_text(reason == NULL ? "success" : "failure")),
                           fact_text(FACT_EVENT_REASON, span_text(reason))};
    put_observed(store, KIND_DIAL, time, host_at(1, 23), facts, reason != NULL ? 3 : 2);
}

static void probes_sent_and_refused(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    for (int i = 0; i < 5; i++)
        put_dial(store, T(1), "telnet", NULL);
    put_dial(store, T(1), "telnet", "opted out");
    put_dial(store, T(1), "telnet", "opted out");
    put_dial(store, T(1), "telnet", "blocklist");
    put_answer(store, T(1), host_at(1, 23), "telnet", "quiet", 0, NULL, "x");
    put_answer(store, T(1), host_at(2, 23), "telnet", "answered", 0, NULL, "x");
    put_answer(store, T(1), host_at(3, 23), "telnet", "refused", 0, NULL, NULL);
    put_answer(store, T(1), host_at(4, 23), "telnet", "timeout", 0, NULL, NULL);
    put_answer(store, T(1), host_at(5, 23), "telnet", "silent", 0, NULL, NULL);
    put_dial(store, T(25), "modbus", "industrial probes off");
    finish(store);
    check(&place, "probes", (struct query_range){0},
          "2024-05-11,modbus,0,0,0,0,1,0,industrial probes off 1\n2024-05-10,telnet,5,2,1,2,3,2,\"opted out 2, blocklist 1\"\n");
    check(&place, "probes", (struct query_range){.since = T(24)}, "2024-05-11,modbus,0,0,0,0,1,0,industrial probes off 1\n");
    place_done(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_are_counted_by_class),
        cmocka_unit_test(classes_and_the_identified_share),
        cmocka_unit_test(industrial_attackers_with_their_ttls),
        cmocka_unit_test(outbreaks_per_block),
        cmocka_unit_test(probes_sent_and_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
