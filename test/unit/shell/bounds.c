/* Whatever is typed costs no more than the caps: the session ends with a reason, or the answer is cut. */
#include "stage.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Gives the lines in a fresh session; returns why it ended. */
static enum reason outcome(const char *lines)
{
    struct stage s;
    assert_int_equal(stage_open(&s, &stage_profile), 0);
    (void)stage_lines(&s, lines);
    enum reason ended = s.ended;
    assert_true(s.said.len < STAGE_OUTPUT_MAX);
    stage_close(&s);
    return ended;
}

static void endless_work_ends_the_session(void **state)
{
    (void)state;
    static const char *const endless[] = {
        "while true; do :; done",
        "until false; do echo x; done",
        "while :; do :; done > /dev/null",
        "f(){ f|f& };f",
        "f(){ f|f; };f",
        "f() { f; }; f",
        "f() { f; f; }; f",
        "f() { X=$(f); }; f",
        "eval 'X=\"eval \\\"\\$X\\\"\"'; X='eval \"$X\"'; eval \"$X\"",
        "for i in 1 2 3 4 5 6 7 8 9; do for j in 1 2 3 4 5 6 7 8 9; do for k in 1 2 3 4 5 6 7 8 9; do for l in 1 2 3 4 5 6 7 8 9; do for m in 1 2 3 "
        "4 5; "
        "do :; done; done; done; done; done",
        "echo '. /tmp/s' > /tmp/s; . /tmp/s",
        "echo /tmp/s > /tmp/s; chmod 755 /tmp/s; /tmp/s",
        "yes | while read i; do yes; done > /dev/null",
    };
    for (size_t i = 0; i < sizeof endless / sizeof endless[0]; i++) {
        enum reason ended = outcome(endless[i]);
        /* A job in the background is left to itself instead. */
        if (ended != REASON_WORK && strchr(endless[i], '&') == NULL)
            fail_msg("%s ended with %d", endless[i], (int)ended);
    }
}

static void many_lines_use_up_the_budget(void **state)
{
    (void)state;
    struct stage s;
    assert_int_equal(stage_open(&s, &stage_profile), 0);
    size_t lines = 0;
    while (s.ended == REASON_NONE && lines < SHELL_STEPS_MAX) {
        (void)stage_lines(&s, "for i in 1 2 3 4 5 6 7 8 9; do for j in 1 2 3 4 5 6 7 8 9; do :; done; done");
        lines++;
    }
    assert_int_equal(s.ended, REASON_WORK);
    assert_true(lines > 100);
    stage_close(&s);
}

static char *repeated(const char *before, const char *piece, size_t times, const char *after)
{
    size_t len = strlen(piece);
    char *text = malloc(strlen(before) + len * times + strlen(after) + 1), *at = text;
    assert_non_null(text);
    at = stpcpy(at, before);
    for (size_t i = 0; i < times; i++)
        at = stpcpy(at, piece);
    (void)stpcpy(at, after);
    return text;
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    static const struct {
        const char *before, *piece, *after;
    } deep[] = {
        {"", "(", ""},
        {"", "{ ", ""},
        {"echo ", "$(", ""},
        {"echo \"", "$(echo \"", ""},
        {"", "if ", ""},
        {"", "while ", ""},
        {"echo ", "${X:-", ""},
        {"echo $((", "(", "))"},
        {"echo $((", "-", "1))"},
        {"echo $((1", "**1", "))"},
        {"", "! ", "true"},
        {"", "for i in 1;do ", ""},
        {"", "case x in x) ", ""},
        {"", "f()", "{ :; }"},
        {"echo $((1", "?1", "))"},
        {"echo $((x", "=x", "))"},
        {"", "eval ", "true"},
        {"", "busybox ", "true"},
        {"", "command ", "true"},
        {"echo ", "`", ""},
        {"echo ", "\\", ""},
        {"true", "&&true", ""},
        {"true", "|true", ""},
        {"true", ";true", ""},
        {"", "sh -c ", "true"},
        {"", "X=1 ", "true"},
        {"echo", " >/tmp/x", ""},
        {"echo ", "*/", "x"},
        {"echo /", "*/../", "*"},
        {"case x in ", "x|", "x) :;; esac"},
    };
    for (size_t i = 0; i < sizeof deep / sizeof deep[0]; i++) {
        for (size_t times = 10; times < SHELL_LINE_MAX / 2; times *= 20) {
            char *text = repeated(deep[i].before, deep[i].piece, times, deep[i].after);
            (void)outcome(text);
            free(text);
        }
    }
}

static void words_and_lines_are_cut(void **state)
{
    (void)state;
    struct stage s;
    assert_int_equal(stage_open(&s, &stage_profile), 0);
    /* Doubling: a word stops growing at its cap. */
    (void)stage_lines(&s, "X=0123456789abcdef; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do X=$X$X; done; echo ${#X}");
    assert_true(s.ended != REASON_NONE || atoi(buf_cstr(&s.said)) <= SHELL_WORD_MAX);
    stage_close(&s);
    assert_int_equal(stage_open(&s, &stage_profile), 0);
    char *text = repeated("echo ", "a ", 100000, "");
    (void)stage_lines(&s, text);
    assert_true(s.said.len <= SHELL_LINE_MAX + 16);
    free(text);
    stage_close(&s);
    /* A long line of anything. */
    static const char *const pieces[] = {"a",  "$",    "`", "'",  "\"", "(",  "$(", "${", "\\", "*", "a;",
                                         "a|", "<<a ", "~", "$$", "[",  "a=", ">",  "&",  "{",  "#", "\x80"};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        text = repeated("", pieces[i], 10 * 1024 * 1024 / 2, "");
        (void)outcome(text);
        free(text);
    }
}

static void an_unfinished_construct_is_bounded(void **state)
{
    (void)state;
    static const char *const openings[] = {"echo '", "cat << X", "if true", "echo $(", "true &&", "echo a\\"};
    for (size_t i = 0; i < sizeof openings / sizeof openings[0]; i++) {
        struct stage s;
        assert_int_equal(stage_open(&s, &stage_profile), 0);
        (void)stage_lines(&s, openings[i]);
        for (size_t k = 0; k < 300000 && s.ended == REASON_NONE; k++) {
            buf_clear(&s.said);
            shell_line(s.shell, span_text(i == 2 ? "then true; if true" : i == 4 ? "true &&" : i == 5 ? "b\\" : "x"));
        }
        assert_true(s.ended == REASON_WORK || s.ended == REASON_MEMORY);
        stage_close(&s);
    }
}

static void a_pipe_stops_its_writer(void **state)
{
    (void)state;
    struct stage s;
    assert_int_equal(stage_open(&s, &stage_profile), 0);
    assert_string_equal(stage_lines(&s, "cat /dev/zero | head -c 3 | wc -c"), "3\n# ");
    assert_string_equal(stage_lines(&s, "X=$(cat /dev/zero); echo ${#X}; echo on"), "65536\non\n# ");
    assert_int_equal(s.ended, REASON_NONE);
    stage_close(&s);
}

static void a_job_in_the_background_is_left_to_itself(void **state)
{
    (void)state;
    struct stage s;
    assert_int_equal(stage_open(&s, &stage_profile), 0);
    (void)stage_lines(&s, "while true; do sleep 60; done & echo on");
    assert_string_equal(buf_cstr(&s.said), "on\n# ");
    assert_int_equal(s.delayed, 0);
    assert_int_equal(s.ended, REASON_NONE);
    assert_string_equal(stage_lines(&s, "sleep 2; echo later"), "later\n# ");
    assert_int_equal(s.delayed, 2 * USEC_PER_SEC);
    stage_close(&s);
}

static void what_is_typed_ahead_is_bounded(void **state)
{
    (void)state;
    struct stage s;
    assert_int_equal(stage_open(&s, &stage_profile), 0);
    s.slow = true;
    (void)stage_lines(&s, "cat /bin/busybox");
    char *line = repeated("", "x", 1000, "");
    for (size_t i = 0; i < 10000 && s.ended == REASON_NONE; i++)
        shell_line(s.shell, span_text(line));
    assert_int_equal(s.ended, REASON_INPUT);
    free(line);
    stage_close(&s);
}

static void an_idle_shell_is_small(void **state)
{
    (void)state;
    struct stage s;
    assert_int_equal(stage_open(&s, &stage_profile), 0);
    shell_greet(s.shell);
    (void)stage_lines(&s, "sh\n/bin/busybox MIRAI");
    assert_true(s.arena.used < 1200);
    stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endless_work_ends_the_session),
        cmocka_unit_test(many_lines_use_up_the_budget),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(words_and_lines_are_cut),
        cmocka_unit_test(an_unfinished_construct_is_bounded),
        cmocka_unit_test(a_pipe_stops_its_writer),
        cmocka_unit_test(a_job_in_the_background_is_left_to_itself),
        cmocka_unit_test(what_is_typed_ahead_is_bounded),
        cmocka_unit_test(an_idle_shell_is_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
