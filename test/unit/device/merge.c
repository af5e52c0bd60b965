/* Evidence of several answers becomes one device. */
#include "analyse/device/device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TEXT(literal)                                                \
    {                                                                \
        .at = (const uint8_t *)(literal), .len = sizeof(literal) - 1 \
    }
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static void is(struct span text, const char *expected)
{
    char got[DEVICE_TEXT_MAX + 1] = "";
    if (text.len > 0)
        memcpy(got, text.at, text.len);
    assert_string_equal(got, expected);
}

static void agreeing_evidence_adds_up(void **unused)
{
    (void)unused;
    static const struct evidence list[] = {
        {.rule = TEXT("a"), .class_ = TEXT("router"), .maker = TEXT("Acme"), .certainty = 85, .own = true, .at.port = 80, .time = 1},
        {.rule = TEXT("b"), .class_ = TEXT("dvr"), .maker = TEXT("Best"), .certainty = 70, .own = true, .at.port = 23, .time = 1},
        {.rule = TEXT("c"), .class_ = TEXT("dvr"), .maker = TEXT("BEST"), .certainty = 70, .own = true, .at.port = 554, .time = 1},
    };
    struct device d;
    device_merge(list, COUNT(list), &d);
    is(d.class_.text, "dvr");
    assert_int_equal(d.class_.votes, 2);
    assert_int_equal(d.class_.certainty, 91);
    is(d.maker.text, "Best");
    assert_int_equal(d.conflict_count, 1);
    assert_ptr_equal(d.conflicts[0], &list[0]);
}

static void one_rule_is_one_voice(void **unused)
{
    (void)unused;
    struct evidence list[9];
    for (size_t i = 0; i < 8; i++)
        list[i] = (struct evidence){.rule = TEXT("b"), .class_ = TEXT("dvr"), .certainty = 50, .at.port = 80, .time = (usec_t)i};
    list[8] = (struct evidence){.rule = TEXT("a"), .class_ = TEXT("printer"), .certainty = 60, .at.port = 9100, .time = 1};
    struct device d;
    device_merge(list, COUNT(list), &d);
    is(d.class_.text, "printer");
}

static void finer_classes_are_served_by_coarser_ones(void **unused)
{
    (void)unused;
    static const struct evidence list[] = {
        {.rule = TEXT("a"), .class_ = TEXT("embedded"), .certainty = 90, .own = true, .at.port = 80, .time = 3},
        {.rule = TEXT("b"), .class_ = TEXT("surveillance-device"), .certainty = 90, .own = true, .at.port = 23, .time = 2},
        {.rule = TEXT("c"), .class_ = TEXT("dvr"), .certainty = 60, .at.port = 554, .time = 1},
    };
    struct device d;
    device_merge(list, COUNT(list), &d);
    is(d.class_.text, "dvr");
    assert_int_equal(d.conflict_count, 0);
    assert_true(class_rank(span_text("dvr")) > class_rank(span_text("surveillance-device")));
    assert_true(class_rank(span_text("surveillance-device")) > class_rank(span_text("embedded")));
    assert_true(class_rank(span_text("embedded")) > class_rank(span_text("other")));
    assert_int_equal(class_rank(span_text("toaster")), 0);
    assert_string_equal(class_title(span_text("dvr")), "DVR");
    assert_null(class_title(span_text("")));
}

static void our_rules_come_before_others(void **unused)
{
    (void)unused;
    static const struct evidence list[] = {
        {.rule = TEXT("recog:x"), .class_ = TEXT("printer"), .maker = TEXT("Best"), .certainty = 80, .at.port = 80, .time = 2},
        {.rule = TEXT("own"), .class_ = TEXT("nas"), .maker = TEXT("Acme"), .certainty = 80, .own = true, .at.port = 80, .time = 2},
    };
    struct device d;
    device_merge(list, COUNT(list), &d);
    is(d.class_.text, "nas");
    is(d.maker.text, "Acme");
    assert_int_equal(d.conflict_count, 1);
}

static void a_model_needs_the_maker_chosen(void **unused)
{
    (void)unused;
    static const struct evidence list[] = {
        {.rule = TEXT("a"), .class_ = TEXT("nas"), .maker = TEXT("Acme"), .certainty = 90, .own = true, .at.port = 80, .time = 1},
        {.rule = TEXT("b"),
         .maker = TEXT("Best"),
         .model = TEXT("B 1"),
         .firmware = TEXT("9"),
         .certainty = 85,
         .own = true,
         .at.port = 23,
         .time = 1},
        {.rule = TEXT("c"), .maker = TEXT("ACME"), .model = TEXT("A 7"), .certainty = 30, .at.port = 21, .time = 1},
    };
    struct device d;
    device_merge(list, COUNT(list), &d);
    is(d.maker.text, "Acme");
    is(d.model.text, "A 7");
    is(d.firmware.text, "");
    assert_null(d.firmware.why);
}

static void newer_answers_of_a_port_replace_older_ones(void **unused)
{
    (void)unused;
    static const struct evidence list[] = {
        {.rule = TEXT("a"), .class_ = TEXT("dvr"), .maker = TEXT("Acme"), .model = TEXT("1"), .certainty = 95, .own = true, .at.port = 80, .time = 1},
        {.rule = TEXT("b"), .class_ = TEXT("router"), .maker = TEXT("Best"), .certainty = 60, .own = true, .at.port = 80, .time = 2},
    };
    struct device d;
    device_merge(list, COUNT(list), &d);
    is(d.class_.text, "router");
    is(d.maker.text, "Best");
    is(d.model.text, "");
    assert_int_equal(d.conflict_count, 0);
}

static void a_vaguer_answer_replaces_nothing(void **unused)
{
    (void)unused;
    static const struct evidence list[] = {
        {.rule = TEXT("a"), .class_ = TEXT("dvr"), .maker = TEXT("Acme"), .certainty = 80, .own = true, .at.port = 80, .time = 1},
        {.rule = TEXT("b"), .class_ = TEXT("embedded"), .certainty = 80, .own = true, .at.port = 80, .time = 2},
    };
    struct device d;
    device_merge(list, COUNT(list), &d);
    is(d.class_.text, "dvr");
    is(d.maker.text, "Acme");
}

static void residue_is_never_the_device(void **unused)
{
    (void)unused;
    static const struct evidence list[] = {
        {.rule = TEXT("a"), .class_ = TEXT("dvr"), .maker = TEXT("Acme"), .certainty = 70, .own = true, .at.port = 23, .time = 1},
        {.rule = TEXT("w"), .residue = TEXT("wifatch"), .certainty = 99, .own = true, .at.port = 23, .time = 2},
        {.rule = TEXT("b"), .class_ = TEXT("server"), .maker = TEXT("Best"), .certainty = 99, .own = true, .at.port = 23, .time = 2},
    };
    struct device d;
    device_merge(list, COUNT(list), &d);
    is(d.residue.text, "wifatch");
    is(d.class_.text, "dvr");
    is(d.maker.text, "Acme");
    assert_int_equal(d.conflict_count, 0);
    device_merge(list + 1, 2, &d);
    is(d.residue.text, "wifatch");
    is(d.class_.text, "");
}

static void honeypots_and_protocols_are_kept(void **unused)
{
    (void)unused;
    static const struct evidence list[] = {
        {.rule = TEXT("a"), .honeypot = TEXT("cowrie"), .certainty = 70, .own = true, .at.port = 22, .time = 1},
        {.rule = TEXT("modbus"),
         .ics = TEXT("modbus"),
         .maker = TEXT("Acme"),
         .model = TEXT("P"),
         .certainty = 95,
         .own = true,
         .at.port = 502,
         .time = 1},
    };
    struct device d;
    device_merge(list, COUNT(list), &d);
    is(d.honeypot.text, "cowrie");
    is(d.ics.text, "modbus");
    is(d.model.text, "P");
    device_merge(NULL, 0, &d);
    assert_null(d.class_.why);
}

static void order_does_not_matter_and_many_are_bounded(void **unused)
{
    (void)unused;
    static struct evidence list[2000];
    struct device d, back;
    for (size_t i = 0; i < COUNT(list); i++)
        list[i] = (struct evidence){.rule = TEXT("r"),
                                    .class_ = i % 3 == 0   ? (struct span)TEXT("dvr")
                                              : i % 3 == 1 ? (struct span)TEXT("router")
                                                           : (struct span)TEXT("nas"),
                                    .maker = TEXT("Acme"),
                                    .certainty = (uint8_t)(1 + i % 99),
                                    .at.port = (uint16_t)(i % 50),
                                    .time = (usec_t)i};
    device_merge(list, COUNT(list), &d);
    for (size_t i = 0; i < COUNT(list) / 2; i++) {
        struct evidence other = list[i];
        list[i] = list[COUNT(list) - 1 - i];
        list[COUNT(list) - 1 - i] = other;
    }
    device_merge(list, COUNT(list), &back);
    assert_true(span_equal(d.class_.text, back.class_.text));
    assert_int_equal(d.class_.certainty, back.class_.certainty);
    assert_true(d.conflict_count <= 16);
}

static void facts_and_back(void **unused)
{
    (void)unused;
    struct fact facts[RECORD_FACTS_MAX];
    const struct evidence e = {.rule = TEXT("recog:x.xml:y"),
                               .class_ = TEXT("dvr"),
                               .maker = TEXT("Acme"),
                               .model = TEXT("M"),
                               .firmware = TEXT("1"),
                               .ics = TEXT("s7"),
                               .residue = TEXT("w"),
                               .honeypot = TEXT("h"),
                               .matched = TEXT("part"),
                               .field = DEVICE_FIELD_HTTP_TITLE,
                               .certainty = 42,
                               .at.port = 80,
                               .transport = TRANSPORT_TCP,
                               .time = 7};
    struct record r = {.kind = KIND_DEVICE, .transport = TRANSPORT_TCP, .destination = {.port = 80}, .time = 7, .facts = facts};
    struct evidence back;
    r.fact_count = device_facts(&e, facts);
    for (size_t i = 0; i < r.fact_count; i++)
        assert_true(kind_has(KIND_DEVICE, facts[i].name));
    device_from_record(&r, &back);
    is(back.rule, "recog:x.xml:y");
    is(back.class_, "dvr");
    is(back.maker, "Acme");
    is(back.model, "M");
    is(back.firmware, "1");
    is(back.ics, "s7");
    is(back.residue, "w");
    is(back.honeypot, "h");
    is(back.matched, "part");
    assert_int_equal(back.field, DEVICE_FIELD_HTTP_TITLE);
    assert_int_equal(back.certainty, 42);
    assert_int_equal(back.at.port, 80);
    assert_int_equal(back.time, 7);
    assert_false(back.own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agreeing_evidence_adds_up),
        cmocka_unit_test(one_rule_is_one_voice),
        cmocka_unit_test(finer_classes_are_served_by_coarser_ones),
        cmocka_unit_test(our_rules_come_before_others),
        cmocka_unit_test(a_model_needs_the_maker_chosen),
        cmocka_unit_test(newer_answers_of_a_port_replace_older_ones),
        cmocka_unit_test(a_vaguer_answer_replaces_nothing),
        cmocka_unit_test(residue_is_never_the_device),
        cmocka_unit_test(honeypots_and_protocols_are_kept),
        cmocka_unit_test(order_does_not_matter_and_many_are_bounded),
        cmocka_unit_test(facts_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
