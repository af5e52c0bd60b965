/* Attack, survey, stray: which records are which, and whom an attack sends us to. */
#include "analyse/scanners.h"
#include "analyse/traffic.h"
#include "stage.h"

static size_t login(struct stage *s, uint32_t source, usec_t time, const char *user, const char *password)
{
    struct fact facts[] = {fact_text(FACT_USER_NAME, span_text(user)), fact_text(FACT_PASSWORD, span_text(password))};
    struct record record = stage_record(KIND_LOGIN, source, time, facts, 2);
    return stage_judge(s, &record);
}

static size_t session(struct stage *s, uint32_t source, usec_t time, int64_t bytes)
{
    struct fact facts[] = {fact_int(FACT_SOURCE_BYTES, bytes)};
    struct record record = stage_record(KIND_SESSION, source, time, facts, 1);
    return stage_judge(s, &record);
}

static size_t syn(struct stage *s, uint32_t source, int64_t ttl, int64_t window, const char *options)
{
    struct fact facts[] = {fact_int(FACT_SYN_TTL, ttl), fact_int(FACT_SYN_WINDOW, window), fact_text(FACT_SYN_OPTIONS, span_text(options))};
    struct record record = stage_record(KIND_CONNECTION, source, START, facts, 3);
    return stage_judge(s, &record);
}

static size_t text(struct stage *s, enum kind kind, uint32_t source, enum fact_name name, const char *value)
{
    struct fact facts[] = {fact_text(name, span_text(value))};
    struct record record = stage_record(kind, source, START, facts, 1);
    return stage_judge(s, &record);
}

static void attacks_are_told(void **state)
{
    (void)state;
    struct stage *s = stage_new("attack");
    assert_int_equal(login(s, 1, START, "root", ""), 1);
    assert_string_equal(s->finding, "attack");
    assert_string_equal(s->evidence, "a login attempt as root");
    assert_int_equal(s->count, 1);
    assert_int_equal(text(s, KIND_COMMAND, 2, FACT_COMMAND_LINE, "enable"), 1);
    assert_string_equal(s->evidence, "a command: enable");
    assert_int_equal(text(s, KIND_DOWNLOAD, 3, FACT_URL_FULL, "http://192.0.2.9/x"), 1);
    assert_int_equal(text(s, KIND_SAMPLE, 4, FACT_FILE_SHA256, "ab"), 1);
    assert_int_equal(text(s, KIND_EXPLOIT, 5, FACT_VULNERABILITY_ID, "CVE-2014-8361"), 1);
    assert_string_equal(s->evidence, "an exploit: CVE-2014-8361");
    assert_int_equal(text(s, KIND_FORWARD, 6, FACT_FORWARD_HOST, "mail.example"), 1);
    struct fact key[] = {fact_text(FACT_USER_NAME, span_text("")), fact_text(FACT_KEY_FINGERPRINT, span_text("SHA256:x"))};
    struct record by_key = stage_record(KIND_LOGIN, 7, START, key, 2);
    assert_int_equal(stage_judge(s, &by_key), 1);
    assert_string_equal(s->finding, "attack");
    /* Once a day a source, and again the next day. */
    assert_int_equal(login(s, 1, START + 5, "root", "x"), 0);
    assert_int_equal(login(s, 1, START + USEC_PER_DAY, "root", "x"), 1);
    assert_int_equal(s->count, 3);
    assert_int_equal(s->task_count, 0); /* the operator has not named himself */
    stage_free(s);
}

static void surveys_are_told(void **state)
{
    (void)state;
    struct stage *s = stage_new("attack");
    assert_int_equal(login(s, 1, START, "GET / HTTP/1.1", "Host: 192.0.2.1"), 1);
    assert_string_equal(s->finding, "survey");
    assert_int_equal(text(s, KIND_COMMAND, 1, FACT_COMMAND_LINE, "User-Agent: x"), 0);
    assert_int_equal(login(s, 2, START, "", ""), 1);
    assert_string_equal(s->finding, "survey");
    assert_int_equal(login(s, 3, START, "\x16\x03\x01", ""), 1);
    assert_string_equal(s->finding, "survey");
    assert_int_equal(text(s, KIND_CLIENT, 4, FACT_CLIENT_VERSION, "SSH-2.0-ZGrab ZGrab SSH Survey"), 1);
    assert_string_equal(s->evidence, "a client that names itself SSH-2.0-ZGrab ZGrab SSH Survey");
    assert_int_equal(text(s, KIND_CLIENT, 5, FACT_CLIENT_VERSION, "SSH-2.0-OpenSSH_9.2"), 0);
    assert_int_equal(syn(s, 6, 240, 65535, ""), 1);
    assert_string_equal(s->evidence, "a SYN as made by ZMap");
    assert_int_equal(syn(s, 7, 244, 1025, "mss"), 1);
    assert_string_equal(s->evidence, "a SYN as made by masscan");
    assert_int_equal(syn(s, 8, 41, 1024, "mss"), 1);
    assert_string_equal(s->evidence, "a SYN as made by nmap");
    assert_int_equal(syn(s, 9, 50, 64240, "mss,sok,ts,nop,ws"), 0);
    assert_int_equal(syn(s, 9, 240, 65535, "mss,nop,ws,sok,ts"), 0);
    assert_int_equal(session(s, 10, START, 12), 1);
    assert_string_equal(s->finding, "survey");
    /* An attack is said even so; then nothing less. */
    assert_int_equal(login(s, 6, START, "root", "vizxv"), 1);
    assert_string_equal(s->finding, "attack");
    assert_int_equal(session(s, 6, START, 12), 0);
    assert_int_equal(syn(s, 6, 240, 65535, ""), 0);
    stage_free(s);
}

static void strays_are_told(void **state)
{
    (void)state;
    struct stage *s = stage_new("attack");
    assert_int_equal(session(s, 1, START, 0), 1);
    assert_string_equal(s->finding, "stray");
    for (int i = 1; i < 4; i++)
        assert_int_equal(session(s, 1, START + i, 0), 0);
    assert_int_equal(session(s, 1, START + 4, 0), 1);
    assert_string_equal(s->finding, "survey");
    assert_int_equal(s->count, 5);
    /* What an imported source does not say is not guessed; a session that tried is told by its own records. */
    struct record unknown = stage_record(KIND_SESSION, 2, START, NULL, 0);
    assert_int_equal(stage_judge(s, &unknown), 0);
    struct fact tried[] = {fact_int(FACT_SOURCE_BYTES, 90), fact_int(FACT_LOGINS, 2)};
    struct record session_tried = stage_record(KIND_SESSION, 3, START, tried, 2);
    assert_int_equal(stage_judge(s, &session_tried), 0);
    stage_free(s);
}

static void allow(struct stage *s)
{
    s->background.attackers = true;
    s->background.delay = 10 * 60 * USEC_PER_SEC;
    s->background.jitter = 20 * 60 * USEC_PER_SEC;
    s->background.interval = 7 * USEC_PER_DAY;
}

static uint32_t asn_of(const void *geo, struct addr addr)
{
    (void)geo;
    return 64500U + addr.bytes[15];
}

static void an_attack_makes_one_visit(void **state)
{
    (void)state;
    struct stage *s = stage_new("attack");
    allow(s);
    s->background.asn = asn_of;
    usec_t least = INT64_MAX, most = 0;
    for (uint32_t i = 1; i <= 200; i++) {
        (void)login(s, 0xc6336400U + i, START, "root", "root");
        usec_t after = s->task[i - 1].due - START;
        least = after < least ? after : least;
        most = after > most ? after : most;
        assert_true(after >= s->background.delay && after <= s->background.delay + s->background.jitter);
    }
    assert_int_equal(s->task_count, 200);
    assert_true(most - least > s->background.jitter / 2); /* by chance */
    const struct order *order = &s->task[0].order;
    assert_true(addr_equal(order->addr, addr_v4(0xc6336401U)));
    assert_int_equal(order->asn, 64501);
    assert_int_equal(order->count, 0); /* probe.ports */
    assert_int_equal(order->flags, 0);
    char cause[ID_TEXT_SIZE];
    assert_string_equal(order->cause, id_print(stage_id(START, UINT64_C(0xc633640100) | KIND_LOGIN), cause));
    /* Not again within the interval. */
    (void)login(s, 0xc6336401U, START + 1, "root", "admin");
    (void)login(s, 0xc6336401U, START + 7 * USEC_PER_DAY - 1, "root", "admin");
    assert_int_equal(s->task_count, 200);
    (void)login(s, 0xc6336401U, START + 7 * USEC_PER_DAY, "root", "admin");
    assert_int_equal(s->task_count, 201);
    assert_string_not_equal(s->task[0].key, s->task[200].key);
    /* Surveys and strays are not visited, nor is nobody. */
    (void)session(s, 9, START, 0);
    (void)session(s, 10, START, 9);
    (void)login(s, 11, START, "GET / HTTP/1.0", "");
    struct record nobody = stage_record(KIND_COMMAND, 0, START, NULL, 0);
    nobody.source.addr = (struct addr){{0}};
    assert_int_equal(stage_judge(s, &nobody), 0);
    assert_int_equal(s->task_count, 201);
    stage_free(s);
}

static void judged_again_it_is_the_same(void **state)
{
    (void)state;
    struct stage *once = stage_new("attack"), *twice = stage_new("attack");
    allow(once);
    allow(twice);
    struct buf saved;
    buf_init(&saved, 0);
    engine_save(twice->engine, &saved); /* the secret is kept with the states */
    assert_int_equal(engine_load(once->engine, buf_as_span(&saved)), 0);
    for (uint32_t i = 1; i < 50; i++) {
        (void)login(once, i, START + i, "root", "root");
        (void)login(twice, i, START + i, "root", "root");
        assert_true(id_equal(once->id, twice->id));
        assert_string_equal(once->task[i - 1].key, twice->task[i - 1].key);
        assert_int_equal(once->task[i - 1].due, twice->task[i - 1].due);
    }
    /* Saved in the middle: visits that were asked for are not asked for again. */
    buf_clear(&saved);
    engine_save(once->engine, &saved);
    struct stage *later = stage_new("attack");
    allow(later);
    assert_int_equal(engine_load(later->engine, buf_as_span(&saved)), 0);
    for (uint32_t i = 1; i < 50; i++)
        assert_int_equal(login(later, i, START + 100 + i, "root", "root"), 0);
    assert_int_equal(later->task_count, 0);
    buf_done(&saved);
    stage_free(once);
    stage_free(twice);
    stage_free(later);
}

static void acknowledged_scanners_are_left_alone(void **state)
{
    (void)state;
    struct stage *s = stage_new("attack");
    struct scanners *scanners = NULL;
    size_t bad = 0;
    assert_int_equal(scanners_parse(&scanners,
                                    span_text("# comment\n\n192.0.2.0/24 # Example Survey\r\n198.51.100.7\nnonsense\n0.0.0.0/0\n"
                                              "2001:db8::/32\t#\n192.0.2.1/24 # host bits"),
                                    &bad),
                     0);
    assert_int_equal(bad, 3);
    s->background.scanners = scanners_trie(scanners);
    allow(s);
    assert_int_equal(login(s, 0xc0000205U, START, "root", "root"), 1);
    assert_string_equal(s->finding, "survey");
    assert_string_equal(s->evidence, "an acknowledged scanner: Example Survey");
    assert_int_equal(login(s, 0xc6336407U, START, "root", "root"), 1);
    assert_string_equal(s->evidence, "an acknowledged scanner: 198.51.100.7");
    assert_int_equal(text(s, KIND_COMMAND, 0xc0000205U, FACT_COMMAND_LINE, "cd /tmp"), 1);
    assert_string_equal(s->finding, "attack"); /* that is no survey */
    assert_int_equal(s->task_count, 0);
    assert_int_equal(login(s, 0xc6336408U, START, "root", "root"), 1);
    assert_int_equal(s->task_count, 1);
    scanners_free(scanners);
    scanners_free(NULL);
    stage_free(s);
}

static void the_settings_say_who_is_visited(void **state)
{
    (void)state;
    struct conf *settings = NULL;
    struct conf_error error = {0};
    struct background b = {.attackers = true};
    assert_int_equal(
        conf_parse(&settings, "test", span_text("operator: {organisation: Example CSIRT, mail: abuse@csirt.example}"), settings_schema(), &error), 0);
    background_settings(&b, settings);
    assert_false(b.attackers);
    assert_int_equal(conf_override(settings, "operator.page=https://csirt.example/probing", &error), 0);
    background_settings(&b, settings);
    assert_true(b.attackers);
    assert_false(b.neighbours);
    assert_int_equal(b.interval, 7 * USEC_PER_DAY);
    assert_int_equal(b.neighbours_max, 2048);
    assert_int_equal(conf_override(settings, "probe.attackers=false", &error), 0);
    assert_int_equal(conf_override(settings, "probe.neighbours=true", &error), 0);
    background_settings(&b, settings);
    assert_false(b.attackers);
    assert_true(b.neighbours);
    conf_free(settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attacks_are_told),
        cmocka_unit_test(surveys_are_told),
        cmocka_unit_test(strays_are_told),
        cmocka_unit_test(an_attack_makes_one_visit),
        cmocka_unit_test(judged_again_it_is_the_same),
        cmocka_unit_test(acknowledged_scanners_are_left_alone),
        cmocka_unit_test(the_settings_say_who_is_visited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
