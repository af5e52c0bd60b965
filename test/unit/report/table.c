/* A table in its three forms, with text as an attacker would choose it. */
#include "report/table.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct column columns[] = {
    {.name = "source.ip", .title = "source", .type = COLUMN_ADDR, .unit = "", .help = "who"},
    {.name = "process.command_line", .title = "command", .type = COLUMN_TEXT, .help = "what he typed"},
    {.name = "commands", .title = "times", .type = COLUMN_COUNT, .help = "how often"},
    {.name = "first_seen", .title = "first seen", .type = COLUMN_TIME, .help = "when"},
    {.name = "event.duration", .title = "duration", .type = COLUMN_DURATION, .unit = "ns", .help = "how long"},
};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

static char *print(struct table *t, enum table_form form, struct table_look *look)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(table_print(t, "commands", "Commands", form, look, out), 0);
    fclose(out);
    return text;
}

static struct table *one_row(struct span text)
{
    struct table *t = NULL;
    struct addr addr = addr_v4(0xc0000211);
    assert_int_equal(table_new(&t, columns, COLUMNS), 0);
    const struct query_value row[COLUMNS] = {value_bytes(span_of(addr.bytes, 16)), value_text(text), value_int(7),
                                             value_int(INT64_C(1763674864082989)), value_int(INT64_C(61500000000))};
    assert_int_equal(table_row(t, row, COLUMNS), 0);
    return t;
}

static void json_has_report_columns_and_rows(void **state)
{
    (void)state;
    struct table *t = one_row(span_text("echo \"x\""));
    char *text = print(t, TABLE_JSON, NULL);
    assert_string_equal(text,
                        "{\n"
                        "  \"report\": \"commands\",\n"
                        "  \"columns\": [\n"
                        "    {\n      \"name\": \"source.ip\",\n      \"unit\": \"\",\n      \"help\": \"who\"\n    },\n"
                        "    {\n      \"name\": \"process.command_line\",\n      \"unit\": \"\",\n      \"help\": \"what he typed\"\n    },\n"
                        "    {\n      \"name\": \"commands\",\n      \"unit\": \"\",\n      \"help\": \"how often\"\n    },\n"
                        "    {\n      \"name\": \"first_seen\",\n      \"unit\": \"\",\n      \"help\": \"when\"\n    },\n"
                        "    {\n      \"name\": \"event.duration\",\n      \"unit\": \"ns\",\n      \"help\": \"how long\"\n    }\n"
                        "  ],\n"
                        "  \"rows\": [\n"
                        "    {\n      \"source.ip\": \"192.0.2.17\",\n      \"process.command_line\": \"echo \\\"x\\\"\",\n      \"commands\": 7,\n"
                        "      \"first_seen\": \"2025-11-20T21:41:04.082989Z\",\n      \"event.duration\": 61500000000\n    }\n"
                        "  ]\n"
                        "}\n");
    free(text);
    table_free(t);
}

static void an_empty_table_is_still_a_document(void **state)
{
    (void)state;
    struct table *t = NULL;
    assert_int_equal(table_new(&t, columns, COLUMNS), 0);
    char *json = print(t, TABLE_JSON, NULL), *csv = print(t, TABLE_CSV, NULL), *terminal = print(t, TABLE_TERMINAL, NULL);
    assert_non_null(strstr(json, "\"rows\": []"));
    assert_string_equal(csv, "source.ip,process.command_line,commands,first_seen,event.duration\r\n");
    assert_string_equal(terminal, "");
    free(json);
    free(csv);
    free(terminal);
    table_free(t);
}

static void expect_csv_cell(struct span text, const char *cell)
{
    struct table *t = one_row(text);
    char *csv = print(t, TABLE_CSV, NULL);
    char expected[256];
    snprintf(expected, sizeof expected, "\r\n192.0.2.17,%s,7,2025-11-20T21:41:04.082989Z,61500000000\r\n", cell);
    assert_string_equal(csv + strlen("source.ip,process.command_line,commands,first_seen,event.duration"), expected);
    free(csv);
    table_free(t);
}

static void csv_quotes_as_rfc_4180_says(void **state)
{
    (void)state;
    expect_csv_cell(span_text("plain"), "plain");
    expect_csv_cell(span_text("a,b"), "\"a,b\"");
    expect_csv_cell(span_text("say \"hi\""), "\"say \"\"hi\"\"\"");
    expect_csv_cell(span_text("two\nlines"), "two\\nlines");
    expect_csv_cell(span_text(""), "");
}

static void csv_makes_no_formula_of_foreign_text(void **state)
{
    (void)state;
    expect_csv_cell(span_text("=1+1"), "\"'=1+1\"");
    expect_csv_cell(span_text("+cmd"), "\"'+cmd\"");
    expect_csv_cell(span_text("-2"), "\"'-2\"");
    expect_csv_cell(span_text("@SUM(A1)"), "\"'@SUM(A1)\"");
    expect_csv_cell(span_text("\t=1"), "\\t=1");
}

/* Whatever comes, no byte of the output can move the cursor or turn the text around. */
static void assert_harmless(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++)
        assert_true((*at >= 0x20 && *at != 0x7f) || *at == '\n' || *at == '\r');
    assert_null(strstr(text, "\xe2\x80\xae"));
    assert_null(strstr(text, "\xc2\x9b"));
    assert_int_equal(text_utf8_valid(span_text(text)), strlen(text));
}

static void hostile_text_is_escaped(void **state)
{
    (void)state;
    static const char hostile[] = "\x1b]0;owned\x07\x1b[2J\r\xe2\x80\xae"
                                  "abc\xc2\x9b"
                                  "31m\xff\xfe";
    struct table *t = one_row(span_of(hostile, sizeof hostile - 1));
    char *terminal = print(t, TABLE_TERMINAL, NULL), *csv = print(t, TABLE_CSV, NULL), *json = print(t, TABLE_JSON, NULL);
    assert_harmless(terminal);
    assert_non_null(strstr(terminal, "\\x1b]0;owned\\x07\\x1b[2J\\r\\u{202E}abc"));
    assert_harmless(csv);
    assert_int_equal(text_utf8_valid(span_text(json)), strlen(json));
    assert_non_null(strstr(json, "\\u001b]0;owned\\u0007"));
    free(terminal);
    free(csv);
    free(json);
    table_free(t);
}

static void the_terminal_form_is_cut_to_its_width(void **state)
{
    (void)state;
    char command[600];
    memset(command, 'a', sizeof command);
    struct table *t = one_row(span_of(command, sizeof command));
    struct table_look narrow = {.width = 80};
    char *text = print(t, TABLE_TERMINAL, &narrow);
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        size_t length = strcspn(line, "\n");
        wchar_t wide[200];
        char copy[400];
        assert_true(length < sizeof copy);
        memcpy(copy, line, length);
        copy[length] = '\0';
        assert_in_range(mbstowcs(wide, copy, 200), 1, 80);
    }
    assert_non_null(strstr(text, "aaa…"));
    assert_non_null(strstr(text, "61.5 s"));
    assert_non_null(strstr(text, "2025-11-20 21:41:04Z"));
    free(text);
    table_free(t);
}

static void colours_are_printed_only_when_asked_for(void **state)
{
    (void)state;
    struct table *t = one_row(span_text("ls"));
    struct table_look coloured = {.color = true, .title = true, .width = 80};
    char *with = print(t, TABLE_TERMINAL, &coloured), *without = print(t, TABLE_TERMINAL, NULL);
    assert_non_null(strchr(with, '\033'));
    assert_null(strchr(without, '\033'));
    assert_null(strstr(without, "Commands"));
    free(with);
    free(without);
    table_free(t);
}

static int by_count(const struct query_value *a, const struct query_value *b)
{
    return (a[2].number > b[2].number) - (a[2].number < b[2].number);
}

static void sorting_is_stable(void **state)
{
    (void)state;
    struct table *t = NULL;
    assert_int_equal(table_new(&t, columns, COLUMNS), 0);
    for (int64_t n = 0; n < 100; n++) {
        const struct query_value row[COLUMNS] = {value_null(), value_null(), value_int(n % 3), value_int(n), value_null()};
        assert_int_equal(table_row(t, row, COLUMNS), 0);
    }
    table_sort(t, by_count);
    for (size_t r = 1; r < table_rows(t); r++) {
        const struct query_value *before = table_value(t, r - 1, 0), *now = table_value(t, r, 0);
        assert_true(before[2].number < now[2].number || (before[2].number == now[2].number && before[3].number < now[3].number));
    }
    table_free(t);
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_has_report_columns_and_rows),
        cmocka_unit_test(an_empty_table_is_still_a_document),
        cmocka_unit_test(csv_quotes_as_rfc_4180_says),
        cmocka_unit_test(csv_makes_no_formula_of_foreign_text),
        cmocka_unit_test(hostile_text_is_escaped),
        cmocka_unit_test(the_terminal_form_is_cut_to_its_width),
        cmocka_unit_test(colours_are_printed_only_when_asked_for),
        cmocka_unit_test(sorting_is_stable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
