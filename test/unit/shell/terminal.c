/* The terminal's side: prompts, shells in shells, commands that read what is typed, long answers, ^C and ^D. */
#include "stage.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int open_stage(void **state)
{
    static struct stage s;
    *state = &s;
    return stage_open(&s, &stage_profile);
}

static int close_stage(void **state)
{
    stage_close(*state);
    return 0;
}

static void a_shell_in_a_shell_greets_and_is_left(void **state)
{
    struct stage *s = *state;
    assert_string_equal(stage_lines(s, "sh"), "# ");
    assert_string_equal(stage_lines(s, "nothere"), "sh: nothere: not found\n# ");
    assert_string_equal(stage_lines(s, "X=1; cd /tmp; sh -c pwd; exit 3"), "/tmp\n# ");
    assert_string_equal(stage_lines(s, "echo $? .$X. $PWD"), "3 .. /\n# ");
    assert_int_equal(s->ended, REASON_NONE);
    assert_string_equal(stage_lines(s, "exit"), "");
    assert_int_equal(s->ended, REASON_LOGOUT);
    assert_string_equal(stage_lines(s, "echo too late"), "");
}

static void what_follows_sh_on_a_line_waits_for_its_exit(void **state)
{
    struct stage *s = *state;
    assert_string_equal(stage_lines(s, "for i in a b; do echo $i; sh; done; echo end"), "a\n# ");
    assert_string_equal(stage_lines(s, "echo in"), "in\n# ");
    assert_string_equal(stage_lines(s, "exit"), "b\n# ");
    assert_string_equal(stage_lines(s, "exit"), "end\n# ");
    assert_string_equal(stage_lines(s, "exit"), "");
    assert_int_equal(s->ended, REASON_LOGOUT);
}

static void the_greeting_is_the_profiles(void **state)
{
    (void)state;
    struct stage s;
    struct profile profile = stage_profile;
    profile.greeting = true;
    profile.prompt = span_text("\\u@\\h:\\w\\$ ");
    assert_int_equal(stage_open(&s, &profile), 0);
    shell_greet(s.shell);
    assert_string_equal(buf_cstr(&s.said), "\n\nBusyBox v1.19.4 (2014-01-01 00:00:00 UTC) built-in shell (ash)\nEnter 'help' for a list of built-in "
                                           "commands.\n\nroot@device:/# ");
    assert_string_equal(stage_lines(&s, "cd /tmp"), "root@device:/tmp# ");
    assert_string_equal(stage_lines(&s, "PS1='> '"), "> ");
    stage_close(&s);
}

static void a_file_is_typed_in_until_the_end_of_file(void **state)
{
    struct stage *s = *state;
    assert_string_equal(stage_lines(s, "cat > /tmp/f; echo done\nfirst line\nsecond"), "");
    assert_true(shell_wants_raw(s->shell));
    shell_end_of_file(s->shell);
    assert_string_equal(buf_cstr(&s->said), "done\n# ");
    assert_string_equal(stage_lines(s, "cat /tmp/f"), "first line\nsecond\n# ");
    /* Only what was given to the shell is a command. */
    assert_string_equal(buf_cstr(&s->facts), "command line=cat > /tmp/f; echo done status=0 outcome=success\ncommand line=cat /tmp/f status=0 "
                                             "outcome=success\n");
}

static void cat_alone_repeats_lines(void **state)
{
    struct stage *s = *state;
    assert_string_equal(stage_lines(s, "cat\na\nb"), "a\nb\n");
    shell_interrupt(s->shell);
    assert_string_equal(buf_cstr(&s->said), "a\nb\n\n# ");
    assert_string_equal(stage_lines(s, "echo $?"), "130\n# ");
}

static void read_takes_one_line(void **state)
{
    struct stage *s = *state;
    assert_string_equal(stage_lines(s, "read X Y; echo $Y $X\nones others here"), "others here ones\n# ");
    assert_string_equal(stage_lines(s, "while read L; do echo \"<$L>\"; done\na\nb"), "<a>\n<b>\n");
    shell_end_of_file(s->shell);
    assert_string_equal(buf_cstr(&s->said), "<a>\n<b>\n# ");
}

static void the_end_of_file_leaves_the_shell(void **state)
{
    struct stage *s = *state;
    (void)stage_lines(s, "sh");
    shell_end_of_file(s->shell);
    assert_int_equal(s->ended, REASON_NONE);
    (void)stage_lines(s, "if true");
    shell_end_of_file(s->shell);
    assert_int_equal(s->ended, REASON_NONE);
    shell_end_of_file(s->shell);
    assert_int_equal(s->ended, REASON_LOGOUT);
}

static void an_interrupt_gives_up_what_is_unfinished(void **state)
{
    struct stage *s = *state;
    assert_string_equal(stage_lines(s, "for i in 1 2"), "> ");
    shell_interrupt(s->shell);
    assert_string_equal(stage_lines(s, "echo on"), "on\n# ");
}

static void a_long_answer_leaves_in_pieces(void **state)
{
    struct stage *s = *state;
    s->slow = true;
    (void)stage_lines(s, "cat /bin/busybox; echo end");
    assert_true(s->said.len >= 16 * 1024 && s->said.len < 64 * 1024);
    /* Typed ahead: answered after it. */
    shell_line(s->shell, span_text("busybox TOKEN"));
    for (int turns = 0; turns < 100 && s->said.len < 40000 + 40; turns++) {
        size_t before = s->said.len;
        s->unsent = 0;
        shell_more(s->shell);
        assert_true(s->said.len - before <= 48 * 1024);
        if (s->said.len == before)
            break;
    }
    assert_memory_equal(s->said.data, "\177ELF\1\1", 6);
    assert_memory_equal(s->said.data + 40000, "end\n# TOKEN: applet not found\n# ", 32);
    assert_int_equal(s->said.len, 40032);
}

static void an_interrupt_stops_a_long_answer(void **state)
{
    struct stage *s = *state;
    s->slow = true;
    (void)stage_lines(s, "cat /dev/zero");
    shell_interrupt(s->shell);
    s->unsent = 0;
    assert_string_equal(stage_lines(s, "echo on"), "on\n# ");
}

static void facts_say_what_was_not_found(void **state)
{
    struct stage *s = *state;
    (void)stage_lines(s, "nothere; true\n\ntrue\nfalse\nif true\nthen echo a; fi");
    assert_string_equal(buf_cstr(&s->facts), "command line=nothere; true status=0 outcome=failure\n"
                                             "command line=true status=0 outcome=success\n"
                                             "command line=false status=1 outcome=success\n"
                                             "command line=if true\nthen echo a; fi status=0 outcome=success\n");
    assert_int_equal(shell_counts(s->shell).commands, 4);
}

static void bytes_that_are_no_text_are_taken(void **state)
{
    struct stage *s = *state;
    const uint8_t line[] = {'e', 'c', 'h', 'o', ' ', 0xff, 0, 'a', 0xc3, 'b'};
    shell_line(s->shell, span_of(line, sizeof line));
    assert_memory_equal(s->said.data,
                        "\xff"
                        "a\xc3"
                        "b\n# ",
                        7);
    assert_true(strstr(buf_cstr(&s->facts), "line=echo \\xff") != NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_shell_in_a_shell_greets_and_is_left),
        TEST(what_follows_sh_on_a_line_waits_for_its_exit),
        cmocka_unit_test(the_greeting_is_the_profiles),
        TEST(a_file_is_typed_in_until_the_end_of_file),
        TEST(cat_alone_repeats_lines),
        TEST(read_takes_one_line),
        TEST(the_end_of_file_leaves_the_shell),
        TEST(an_interrupt_gives_up_what_is_unfinished),
        TEST(a_long_answer_leaves_in_pieces),
        TEST(an_interrupt_stops_a_long_answer),
        TEST(facts_say_what_was_not_found),
        TEST(bytes_that_are_no_text_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
