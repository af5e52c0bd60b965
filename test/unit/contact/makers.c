/* Makers and whom they want told: names are found however they are spelt, and the shipped list joins with those that pages and fingerprints give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "contact/finding.h"
#include "contact/makers.h"
#include "contact/words.h"

#include "harness.h"
#include "shipped.h"

#include <string.h>

extern const struct channel channel_maker;

static void names_are_compared_by_their_letters(void **state)
{
    (void)state;
    struct arena arena;
    struct conf_error error = {.text = ""};
    void *part = NULL;
    arena_init(&arena, 1 << 20);
    static const char text[] = "# a comment\nA-B Cameras | ABC | 株式会社: PSIRT@Example.COM, https://example.com/psirt (its page, 2026-11-20)\n";
    assert_int_equal(book_open_makers(&arena, span_text(text), "makers", &part, &error), 0);
    const struct maker *m = makers_find(part, span_text("ab_cameras"));
    assert_non_null(m);
    assert_ptr_equal(m, makers_find(part, span_text("A B C")));
    assert_ptr_equal(m, makers_find(part, span_text("株式会社")));
    assert_null(makers_find(part, span_text("AB")));
    assert_null(makers_find(part, span_text("--")));
    assert_null(makers_find(NULL, span_text("ABC")));
    assert_int_equal(m->contact_count, 2);
    assert_true(span_is(m->contacts[0], "PSIRT@example.com") && span_is(m->contacts[1], "https://example.com/psirt"));
    arena_done(&arena);
}

static void a_wrong_line_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } wrong[] = {{"Example\n", "makers:1: expected a line such as"},
                 {"Example: (its page)\n", "makers:1: expected a line such as"},
                 {"# x\n-: psirt@example.com\n", "makers:2: expected names of a maker"},
                 {"Example: nowhere\n", "makers:1: expected a mail address or the URL of a page, got \"nowhere\""},
                 {"Example: ftp://example.com/\n", "got \"ftp://example.com/\""},
                 {"E: a@x.example b@x.example c@x.example d@x.example e@x.example\n", "at most 4 contacts"},
                 {"Ex-Ample: psirt@example.com\nEXAMPLE: a@example.com\n", "makers:2: EXAMPLE stands in the file already"}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct arena arena;
        struct conf_error error = {.text = ""};
        void *part = NULL;
        arena_init(&arena, 1 << 20);
        assert_true(book_open_makers(&arena, span_text(wrong[i].text), "makers", &part, &error) != 0);
        if (strstr(error.text, wrong[i].says) == NULL)
            fail_msg("%s", error.text);
        arena_done(&arena);
    }
}

static void the_shipped_list_joins_with_pages(void **state)
{
    (void)state;
    size_t count = 0, joined = 0, makers = 0;
    const struct word *words = words_of(book_part(book, BOOK_words), WORD_MAKER, &count);
    for (size_t i = 0; i < count; i++)
        joined += makers_find(book_part(book, BOOK_makers), words[i].language) != NULL;
    assert_in_range(joined, 35, count); /* of the words on devices' pages */
    for (const struct maker *m = makers_first(book_part(book, BOOK_makers)); m != NULL; m = m->next) {
        makers++;
        if (span_find(m->line, '(') == m->line.len || memmem(m->line.at, m->line.len, "20", 2) == NULL)
            fail_msg("no source and date: %.*s", (int)m->line.len, (const char *)m->line.at);
    }
    assert_in_range(makers, 50, 5000);
    /* As fingerprint rules name them. */
    static const char *const rules[] = {"TP-LINK",    "ZyXEL", "Hikvision", "Schneider Electric", "Rockwell Automation", "Palo Alto Networks",
                                        "Mitsubishi", "QNAP"};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        assert_non_null(makers_find(book_part(book, BOOK_makers), span_text(rules[i])));
}

static void the_channel_names_the_maker(void **state)
{
    (void)state;
    struct target target = {.when = 1};
    assert_int_equal(addr_parse(span_text("192.0.2.17"), &target.addr), 0);
    struct quest *q = harness_quest(&channel_maker, target, book);
    quest_is_device(q, span_text("Axis"));
    quest_is_device(q, span_text("Hikvision")); /* the first that was said counts */
    harness_run(q);
    assert_int_equal(q->asked_count, 0);
    const struct finding *f = harness_found(q, "product-security@axis.com");
    assert_non_null(f);
    assert_true(f->role == CONTACT_ROLE_MAKER && f->kind == CONTACT_MAIL && f->rank == 0 && span_is(f->attribute, "Axis"));
    assert_true(memmem(f->evidence.at, f->evidence.len, "(CVE, ", 6) != NULL);
    assert_int_equal(q->findings.count, 2);
    assert_int_equal(q->findings.first->next->kind, CONTACT_FORM);
    harness_free(q);
    q = harness_quest(&channel_maker, target, book);
    harness_run(q);
    assert_int_equal(q->findings.count, 0);
    harness_free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_compared_by_their_letters),
        cmocka_unit_test(a_wrong_line_is_told),
        cmocka_unit_test(the_shipped_list_joins_with_pages),
        cmocka_unit_test(the_channel_names_the_maker),
    };
    return cmocka_run_group_tests(tests, open_book, close_book);
}
