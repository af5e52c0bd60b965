/* Names of addresses: good answers, hostile ones, silence, a resolver that is away. */
#include "dns_asker.h"

static void names_are_told(void **state)
{
    (void)state;
    struct asker *a = set_up();
    ask(a, 0, "192.0.2.1");
    ask(a, 1, "2001:db8::1:a5");
    assert_true(hears(a));
    /* id, RD, one question, EDNS; the name is the address the other way round, whatever its case. */
    assert_memory_equal(a->query + 2, "\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01", 10);
    assert_int_equal(a->query_len, 12 + 24 + 4 + OPT);
    assert_int_equal(strcasecmp((char *)a->query + 12, "\0011\0012\0010\003192\007in-addr\004arpa"), 0);
    say(a, "\004Host\007example\003net", 18);
    assert_string_equal(a->names[0], "host.example.net");
    assert_true(hears(a));
    assert_int_equal(strcasecmp((char *)a->query + 12,
                                "\0015\001a\0010\0010\0011\0010\0010\0010\0010\0010\0010\0010\0010\0010\0010\0010\0010\0010\0010"
                                "\0010\0010\0010\0010\0010\0018\001b\001d\0010\0011\0010\0010\0012\003ip6\004arpa"),
                     0);
    say(a, "\004six6\007example\003net", 18);
    assert_string_equal(a->names[1], "six6.example.net");
    struct buf out;
    ask(a, 2, "192.0.2.3");
    assert_true(hears(a));
    begin_answer(a, &out, 0, 3);
    PTR(&out, "\001z\007example\003net");
    PTR(&out, "\003B_b\007example\003net");
    PTR(&out, "\003ccc\007example\003net");
    send_answer(a, &out);
    assert_string_equal(a->names[2], "b_b.example.net");
    assert_int_equal(a->done, 3);
    assert_int_equal(dns_due(a->dns), 0);
    tear_down(a);
}

/* RFC 2317 */
static void a_delegated_name_is_followed(void **state)
{
    (void)state;
    static const char alias[] = "\0011\0060-0027\0012\0010\003192\007in-addr\004arpa";
    struct asker *a = set_up();
    struct buf out;
    ask(a, 0, "192.0.2.1");
    assert_true(hears(a));
    begin_answer(a, &out, 0, 2);
    add_record(&out, 5, alias, sizeof alias);
    buf_put(&out, alias, sizeof alias);
    buf_be(&out, 12, 2);
    buf_be(&out, 1, 2);
    buf_be(&out, 60, 4);
    buf_be(&out, 18, 2);
    buf_put(&out, "\004host\007example\003net", 18);
    send_answer(a, &out);
    assert_string_equal(a->names[0], "host.example.net");
    tear_down(a);
}

static void there_may_be_no_name(void **state)
{
    (void)state;
    struct asker *a = set_up();
    struct buf out;
    static const uint8_t codes[] = {3 /* NXDOMAIN */, 0 /* no record */, 2 /* SERVFAIL */, 5 /* REFUSED */};
    for (size_t i = 0; i < sizeof codes; i++) {
        ask(a, i, "192.0.2.1");
        assert_true(hears(a));
        begin_answer(a, &out, codes[i], 0);
        send_answer(a, &out);
        assert_int_equal(a->told[i], 1);
        assert_string_equal(a->names[i], "");
    }
    /* A name with a code that says no is none. */
    ask(a, 4, "192.0.2.1");
    assert_true(hears(a));
    begin_answer(a, &out, 3, 1);
    PTR(&out, "\004host\007example\003net");
    send_answer(a, &out);
    assert_string_equal(a->names[4], "");
    assert_int_equal(dns_counters(a->dns)->empty, 3);
    assert_int_equal(dns_counters(a->dns)->failed, 2);
    assert_false(hears(a));
    tear_down(a);
}

static void hostile_names_are_none(void **state)
{
    (void)state;
    struct asker *a = set_up();
    static const struct {
        const char *bytes;
        size_t len;
    } targets[] = {
        {"", 1},                        /* the root */
        {"\003a b\003net", 9},          /* a space */
        {"\004a\033[m\003net", 10},     /* an escape sequence */
        {"\002a\0\003net", 8},          /* a NUL */
        {"\003a.b\003net", 9},          /* a dot inside a label */
        {"\003\xe3\x81\x82\003net", 9}, /* no ASCII */
        {"\077host", 5},                /* ends in its label */
        {"\xff\xff", 2},                /* points behind the end */
        {"\x80", 1},                    /* a kind of label that is none */
        {"", 0},
    };
    size_t count = sizeof targets / sizeof targets[0];
    for (size_t i = 0; i < count; i++) {
        dns_ask_name(a->dns, &a->questions[i], addr_v4(0xc6336400U + (uint32_t)i), a->now);
        assert_true(hears(a));
        say(a, targets[i].bytes, targets[i].len);
        assert_int_equal(a->told[i], 1);
        assert_string_equal(a->names[i], "");
    }
    /* A name that points to itself, and one too long: four labels of 63. */
    char loop[2] = {(char)0xc0, 0}, longest[4 * 64 + 1];
    ask(a, count, "192.0.2.1");
    assert_true(hears(a));
    loop[1] = (char)(a->query_len - OPT + 12);
    say(a, loop, 2);
    for (size_t i = 0; i < 4; i++) {
        longest[i * 64] = 63;
        memset(longest + i * 64 + 1, 'a', 63);
    }
    longest[sizeof longest - 1] = '\0';
    ask(a, count + 1, "192.0.2.2");
    assert_true(hears(a));
    say(a, longest, sizeof longest);
    longest[3 * 64] = 61; /* 253 characters are as many as there may be */
    longest[3 * 64 + 62] = '\0';
    ask(a, count + 2, "192.0.2.3");
    assert_true(hears(a));
    say(a, longest, sizeof longest - 2);
    assert_int_equal(a->done, count + 3);
    assert_string_equal(a->names[count], "");
    assert_string_equal(a->names[count + 1], "");
    assert_int_equal(strlen(a->names[count + 2]), DNS_NAME_MAX);
    tear_down(a);
}

/* What answers no question of ours is passed over; the real answer counts. */
static void strange_datagrams_are_passed_over(void **state)
{
    (void)state;
    struct asker *a = set_up();
    struct buf out;
    static const struct {
        size_t at;
        uint8_t flip;
    } bent[] = {{0, 0x01},
                {1, 0x80},
                {2, 0x80} /* a question */,
                {2, 0x20} /* another opcode */,
                {5, 0x02},
                {4, 0x01},
                {13, 0x04} /* the name */,
                {25, 0x20} /* its case */,
                {37, 0x01} /* type */,
                {39, 0x02} /* class */};
    ask(a, 0, "192.0.2.1");
    assert_true(hears(a));
    for (size_t i = 0; i < sizeof bent / sizeof bent[0]; i++) {
        begin_answer(a, &out, 0, 1);
        PTR(&out, "\004evil\007example\003net");
        out.data[bent[i].at] ^= bent[i].flip;
        send_answer(a, &out);
        assert_int_equal(a->done, 0);
    }
    begin_answer(a, &out, 0, 1);
    PTR(&out, "\004evil\007example\003net");
    for (size_t len = 1; len < a->query_len - OPT; len++)
        send_span(a, span_part(buf_as_span(&out), 0, len));
    buf_done(&out);
    buf_init(&out, 0);
    begin_answer(a, &out, 0, 1);
    while (out.len <= DNS_MESSAGE_MAX)
        PTR(&out, "\004evil\007example\003net");
    send_answer(a, &out);
    assert_int_equal(a->done, 0);
    assert_int_equal(dns_counters(a->dns)->strange, sizeof bent / sizeof bent[0] + a->query_len - OPT - 1 + 1);
    say(a, "\004host\007example\003net", 18);
    assert_string_equal(a->names[0], "host.example.net");
    say(a, "\004evil\007example\003net", 18); /* too late */
    assert_int_equal(a->done, 1);
    assert_string_equal(a->names[0], "host.example.net");
    tear_down(a);
}

static void silence_is_asked_once_more(void **state)
{
    (void)state;
    struct asker *a = set_up();
    uint8_t first[DNS_QUERY_MAX];
    ask(a, 0, "192.0.2.1");
    ask(a, 1, "192.0.2.2");
    assert_true(hears(a));
    size_t len = a->query_len;
    memcpy(first, a->query, len);
    assert_true(hears(a));
    assert_int_equal(dns_due(a->dns), a->now + DNS_TIMEOUT);
    dns_run(a->dns, a->now + DNS_TIMEOUT - 1);
    assert_false(hears(a));
    a->now += LATER;
    dns_run(a->dns, a->now);
    assert_true(hears(a));
    assert_int_equal(a->query_len, len);
    assert_memory_equal(a->query, first, len); /* the same, so that a late answer to either counts */
    say(a, "\004host\007example\003net", 18);
    assert_string_equal(a->names[0], "host.example.net");
    assert_true(hears(a));
    a->now += LATER;
    dns_run(a->dns, a->now);
    assert_false(hears(a));
    assert_int_equal(a->told[1], 1);
    assert_string_equal(a->names[1], "");
    assert_int_equal(dns_due(a->dns), 0);
    assert_int_equal(dns_counters(a->dns)->silent, 1);
    tear_down(a);
}

static void a_resolver_may_be_away_and_come_back(void **state)
{
    (void)state;
    struct asker *a = set_up();
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    assert_int_equal(getsockname(a->fd, (struct sockaddr *)&sa, &len), 0);
    (void)close(a->fd);
    ask(a, 0, "192.0.2.1");
    dns_read(a->dns, a->now);
    for (int i = 0; i < 2; i++) {
        a->now += LATER;
        dns_run(a->dns, a->now);
        dns_read(a->dns, a->now);
    }
    assert_int_equal(a->told[0], 1);
    a->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(a->fd, (struct sockaddr *)&sa, len), 0);
    ask(a, 1, "192.0.2.2");
    assert_true(hears(a));
    say(a, "\004host\007example\003net", 18);
    assert_string_equal(a->names[1], "host.example.net");
    tear_down(a);
}

static void no_more_are_under_way_than_allowed(void **state)
{
    (void)state;
    struct asker *a = set_up();
    size_t heard = 0;
    for (size_t i = 0; i < QUESTIONS; i++)
        dns_ask_name(a->dns, &a->questions[i], addr_v4(0xc0000200U + (uint32_t)i), a->now);
    dns_drop(a->dns, &a->questions[0], a->now);
    dns_drop(a->dns, &a->questions[0], a->now);             /* it is over */
    dns_drop(a->dns, &a->questions[QUESTIONS - 1], a->now); /* it waits */
    while (hears(a)) {
        heard++;
        if (heard == 1)
            continue; /* of the one that was dropped */
        assert_true(heard - a->done <= DNS_UNDER_WAY_MAX + 1);
        if (heard % 2 == 0)
            say(a, "\004host\007example\003net", 18);
    }
    for (int i = 0; i < 6; i++) {
        a->now += LATER;
        dns_run(a->dns, a->now);
    }
    assert_int_equal(a->done, QUESTIONS - 2);
    assert_int_equal(a->told[0] + a->told[QUESTIONS - 1], 0);
    for (size_t i = 1; i < QUESTIONS - 1; i++)
        assert_int_equal(a->told[i], 1);
    assert_int_equal(dns_due(a->dns), 0);
    tear_down(a);
}

static void ids_and_cases_are_left_to_chance(void **state)
{
    (void)state;
    struct asker *a = set_up();
    size_t same = 0;
    uint8_t before[2] = {0}, cases[32] = {0};
    for (size_t i = 0; i < 40; i++) {
        ask(a, i, "192.0.2.1");
        assert_true(hears(a));
        dns_drop(a->dns, &a->questions[i], a->now);
        same += memcmp(before, a->query, 2) == 0;
        memcpy(before, a->query, 2);
        for (size_t k = 0; k < 24; k++)
            cases[k] |= (uint8_t)(a->query[12 + k] & 0x20 ? 2 : 1);
    }
    assert_true(same < 3);
    /* 1 1 1 2 1 0 3 192 7 in-addr 4 arpa 0: the letters come in both. */
    static const uint8_t letters[] = {11, 12, 14, 15, 16, 17, 19, 20, 21, 22};
    for (size_t i = 0; i < sizeof letters; i++)
        assert_int_equal(cases[letters[i]], 3);
    tear_down(a);
}

static void the_setting_is_an_address(void **state)
{
    (void)state;
    static const char *const good[][2] = {{"192.0.2.53", "192.0.2.53:53"},
                                          {"192.0.2.53:5353", "192.0.2.53:5353"},
                                          {"2001:db8::53", "[2001:db8::53]:53"},
                                          {"[2001:db8::53]:5353", "[2001:db8::53]:5353"}};
    static const char *const bad[] = {"resolver.example", "192.0.2.53:0", "192.0.2.53:", "192.0.2.0/24"};
    struct conf *conf = settings_of("{}\n");
    struct conf_error error;
    struct endpoint to;
    char text[ENDPOINT_TEXT_SIZE], change[128];
    assert_int_equal(dns_resolver(conf, &to, &error), 0);
    assert_int_equal(to.port, 0);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        (void)snprintf(change, sizeof change, "outside.resolver=%s", good[i][0]);
        assert_int_equal(conf_override(conf, change, &error), 0);
        assert_int_equal(dns_resolver(conf, &to, &error), 0);
        assert_string_equal(endpoint_print(to, text), good[i][1]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)snprintf(change, sizeof change, "outside.resolver=%s", bad[i]);
        assert_int_equal(conf_override(conf, change, &error), 0);
        assert_int_equal(dns_resolver(conf, &to, &error), -ERR_CONFIG);
        assert_non_null(strstr(error.text, "outside.resolver: expected the address of a resolver"));
    }
    conf_free(conf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_told),
        cmocka_unit_test(a_delegated_name_is_followed),
        cmocka_unit_test(there_may_be_no_name),
        cmocka_unit_test(hostile_names_are_none),
        cmocka_unit_test(strange_datagrams_are_passed_over),
        cmocka_unit_test(silence_is_asked_once_more),
        cmocka_unit_test(a_resolver_may_be_away_and_come_back),
        cmocka_unit_test(no_more_are_under_way_than_allowed),
        cmocka_unit_test(ids_and_cases_are_left_to_chance),
        cmocka_unit_test(the_setting_is_an_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
