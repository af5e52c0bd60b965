/* The telnet service alone: options, login, terminal, a vendor's command line. */
#include "conn.h"
#include "device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define BYTES(text) span_of((text), sizeof(text) - 1)

static const struct endpoint peer = {.addr = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7}}, .port = 40000};

static struct talk *begin(const struct profile *device)
{
    return talk_new(service_by_name(span_text("telnet")), device, peer);
}

static const char *facts(struct talk *talk)
{
    return buf_cstr(&talk->facts);
}

/* What was said since the last call, as text. */
static size_t seen;

static struct span said(struct talk *talk)
{
    struct span all = buf_as_span(&talk->output);
    struct span fresh = span_part(all, seen, all.len);
    seen = all.len;
    return fresh;
}

static void assert_said(struct talk *talk, struct span expected)
{
    struct span got = said(talk);
    if (!span_equal(got, expected))
        fail_msg("said \"%.*s\" (%zu bytes), expected \"%.*s\" (%zu bytes)", (int)got.len, (const char *)got.at, got.len, (int)expected.len,
                 (const char *)expected.at, expected.len);
}

static void assert_fact(struct talk *talk, const char *expected)
{
    if (strstr(facts(talk), expected) == NULL)
        fail_msg("no \"%s\" in\n%s", expected, facts(talk));
}

static void assert_no_fact(struct talk *talk, const char *unexpected)
{
    if (strstr(facts(talk), unexpected) != NULL)
        fail_msg("\"%s\" in\n%s", unexpected, facts(talk));
}

static struct talk *start(const struct profile *device)
{
    seen = 0;
    struct talk *talk = begin(device);
    (void)said(talk);
    return talk;
}

static void end(struct talk *talk)
{
    talk_free(talk);
    seen = 0;
}

static void says_the_profiles_options_first(void **state)
{
    (void)state;
    seen = 0;
    struct talk *talk = begin(&device_ash);
    assert_said(talk, BYTES("\xff\xfd\x1f\xff\xfb\x01\xff\xfb\x03\r\ngate login: "));
    assert_int_equal(talk->delayed, 100 * USEC_PER_MSEC);
    end(talk);
    talk = begin(&device_cli);
    assert_said(talk, BYTES("\xff\xfd\x18\xff\xfb\x05Username:"));
    end(talk);
}

static void any_line_end_ends_a_line(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t len;
    } ends[] = {{"\r\n", 2}, {"\r\0", 2}, {"\r", 1}, {"\n", 1}};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct talk *talk = start(&device_ash);
        char line[16] = "root";
        memcpy(line + 4, ends[i].name, ends[i].len);
        talk_input(talk, span_of(line, 4 + ends[i].len));
        assert_said(talk, BYTES("root\r\nPassword: "));
        char word[16] = "xc3511";
        memcpy(word + 6, ends[i].name, ends[i].len);
        talk_input(talk, span_of(word, 6 + ends[i].len));
        assert_fact(talk, "login event.outcome=success user.name=root noroshi.password=xc3511\n");
        end(talk);
    }
}

static void everything_in_one_packet_before_any_prompt(void **state)
{
    (void)state;
    struct talk *talk = start(&device_cli);
    talk_input(talk, BYTES("admin\r\nadmin\r\nshow version\r\nexit\r\n"));
    assert_said(talk, BYTES("Password:\r\nWelcome\r\nOLT> Example OS 1.2\r\nOLT> "));
    assert_fact(talk, "command process.command_line=show version event.outcome=success\n");
    assert_int_equal(talk->reason, REASON_LOGOUT);
    talk_close(talk);
    assert_fact(talk, "session noroshi.session.logged_in=1 noroshi.session.logins=1 noroshi.session.commands=2");
    end(talk);
}

static void an_empty_name_prompts_again(void **state)
{
    (void)state;
    struct talk *talk = start(&device_ash);
    talk_input(talk, BYTES("\r\n"));
    assert_said(talk, BYTES("\r\nlogin: "));
    talk_input(talk, BYTES("\n\0\r\0"));
    assert_said(talk, BYTES("\r\nlogin: \r\nlogin: "));
    assert_string_equal(facts(talk), "");
    end(talk);
}

static void the_terminal_edits_the_line(void **state)
{
    (void)state;
    struct talk *talk = start(&device_ash);
    talk_input(talk, BYTES("rx\bo\x7fookt\b\bt"));
    assert_said(talk, BYTES("rx\b \bo\b \bookt\b \b\b \bt"));
    talk_input(talk, BYTES("\x15"));
    assert_said(talk, BYTES("\b \b\b \b\b \b\b \b"));
    talk_input(talk, BYTES("two words \x17one\t\x1b[A\x1bOP\r"));
    assert_said(talk, BYTES("two words \b \b\b \b\b \b\b \b\b \b\b \bone\r\nPassword: "));
    talk_input(talk, BYTES("ab\bc\r"));
    assert_fact(talk, "user.name=two one noroshi.password=ac\n");
    end(talk);
}

static void echo_follows_the_option(void **state)
{
    (void)state;
    struct talk *talk = start(&device_ash);
    talk_input(talk, BYTES("a\xff\xfe\x01"
                           "b\r\n"));
    assert_said(talk, BYTES("aPassword: ")); /* what was asked for and refused needs no answer */
    talk_input(talk, BYTES("x\r\n\xff\xfd\x01"));
    assert_fact(talk, "user.name=ab noroshi.password=x\n");
    end(talk);
    talk = start(&device_cli); /* never offered: never echoed */
    talk_input(talk, BYTES("admin\r\n"));
    assert_said(talk, BYTES("Password:"));
    talk_input(talk, BYTES("\xff\xfd\x01"));
    assert_said(talk, BYTES("\xff\xfc\x01"));
    end(talk);
}

static void busyboxs_daemon_answers_no_option_and_echoes_always(void **state)
{
    (void)state;
    struct profile device = device_ash;
    device.telnet_options = BYTES("\xff\xfd\x01\xff\xfd\x1f\xff\xfb\x01\xff\xfb\x03");
    struct talk *talk = start(&device);
    talk_input(talk, BYTES("\xff\xfe\x01\xff\xfe\x03\xff\xfc\x01\xff\xfb\x22\xff\xfd\x63r"));
    assert_said(talk, BYTES("r"));
    talk_input(talk, BYTES("oot\r\n"));
    assert_said(talk, BYTES("oot\r\nPassword: "));
    end(talk);
}

static void bsds_daemon_offers_echo_when_the_terminal_is_known(void **state)
{
    (void)state;
    struct profile device = device_ash;
    device.telnet_options = BYTES("\xff\xfd\x18\xff\xfd\x27");
    device.telnet_do = BYTES("\x18\x1f\x27");
    struct talk *talk = start(&device);
    talk_input(talk, BYTES("\xff\xfc\x18"));
    assert_said(talk, BYTES(""));
    talk_input(talk, BYTES("\xff\xfb\x27"));
    assert_said(talk, BYTES("\xff\xfa\x27\x01\xff\xf0\xff\xfb\x01\xff\xfb\x03\xff\xfd\x1f"));
    talk_input(talk, BYTES("\xff\xfd\x01\xff\xfd\x03\xff\xfc\x1f\xff\xfc\x18"));
    assert_said(talk, BYTES(""));
    talk_input(talk, BYTES("r"));
    assert_said(talk, BYTES("r"));
    end(talk);
}

static void options_are_answered_by_the_profiles_lists(void **state)
{
    (void)state;
    struct talk *talk = start(&device_ash);
    talk_input(talk, BYTES("\xff\xfd\x01\xff\xfd\x03\xff\xfb\x1f")); /* answers to what we asked */
    assert_said(talk, BYTES(""));
    talk_input(talk, BYTES("\xff\xfd\x01\xff\xfb\x1f")); /* already so */
    assert_said(talk, BYTES(""));
    talk_input(talk, BYTES("\xff\xfb\x18\xff\xfb\x22\xff\xfd\x63\xff\xfc\x63\xff\xfe\x63"));
    assert_said(talk, BYTES("\xff\xfd\x18\xff\xfa\x18\x01\xff\xf0\xff\xfe\x22\xff\xfc\x63"));
    talk_input(talk, BYTES("\xff\xfe\x03\xff\xfc\x1f"));
    assert_said(talk, BYTES("\xff\xfc\x03\xff\xfe\x1f"));
    talk_close(talk);
    assert_fact(talk, "noroshi.telnet.options=DO ECHO, DO SGA, WILL NAWS, WILL TTYPE, WILL LINEMODE, DO 99, WONT 99, DONT 99, DONT SGA, WONT "
                      "NAWS ");
    end(talk);
}

static void what_the_client_says_of_itself_is_stated(void **state)
{
    (void)state;
    struct talk *talk = start(&device_ash);
    talk_input(talk, BYTES("\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0\xff\xfa\x18\x00xterm\xff\xf0"));
    talk_input(talk, BYTES("\xff\xfa\x27\x00\x00USER\x01-f root\x03"
                           "DIS\x02\x00P\x01:0\xff\xf0"));
    talk_input(talk, BYTES("\xff\xfa\x27\x00\x00USER\x01-froot\xff\xf0\xff\xfa\x27\x00\x00USER\x01guest\xff\xf0"));
    assert_string_equal(facts(talk), "client noroshi.terminal.columns=80 noroshi.terminal.rows=24\n"
                                     "client noroshi.terminal.type=xterm\n"
                                     "client noroshi.variable.name=USER noroshi.variable.value=-f root\n"
                                     "exploit vulnerability.id=CVE-2026-24061 event.outcome=failure noroshi.variable.name=USER "
                                     "noroshi.variable.value=-f root\n"
                                     "client noroshi.variable.name=DIS\\x00P noroshi.variable.value=:0\n"
                                     "client noroshi.variable.name=USER noroshi.variable.value=-froot\n"
                                     "exploit vulnerability.id=CVE-2007-0882 event.outcome=failure noroshi.variable.name=USER "
                                     "noroshi.variable.value=-froot\n"
                                     "client noroshi.variable.name=USER noroshi.variable.value=guest\n");
    end(talk);
}

static void a_flood_of_options_ends_it(void **state)
{
    (void)state;
    struct talk *talk = start(&device_ash);
    for (unsigned i = 0; i < 1000000 && !talk_over(talk); i++)
        talk_input(talk, BYTES("\xff\xfb\x22\xff\xfa\x27\x00\x00"
                               "A\x01"
                               "B\xff\xf0\xff\xf1"));
    assert_int_equal(talk->reason, REASON_OPTIONS);
    assert_true(talk->output.len < 4096);
    assert_true(talk->facts.len < 4096);
    end(talk);
    talk = start(&device_ash);
    talk_input(talk, BYTES("\xff\xfa\x56\xff\xf0\x78\x9c\x4b\x4c\x4a\x06\x00\x02\x4d\x01\x27")); /* compression nobody agreed on */
    assert_int_equal(talk->reason, REASON_OPTIONS);
    end(talk);
}

static void wrong_logins_end_after_the_profiles_number(void **state)
{
    (void)state;
    struct talk *talk = start(&device_cli);
    talk_input(talk, BYTES("root\nroot\n"));
    assert_said(talk, BYTES("Password:\r\n\r\n% Bad passwords\r\nUsername:"));
    talk_input(talk, BYTES("admin\nroot\nignored\n"));
    assert_said(talk, BYTES("Password:\r\n\r\n% Bad passwords\r\n"));
    assert_int_equal(talk->reason, REASON_LOGIN_FAILED);
    talk_close(talk);
    assert_string_equal(facts(talk), "login event.outcome=failure user.name=root noroshi.password=root\n"
                                     "login event.outcome=failure user.name=admin noroshi.password=root\n"
                                     "session noroshi.session.logged_in=0 noroshi.session.logins=2 noroshi.session.commands=0 "
                                     "noroshi.session.downloads=0 noroshi.session.samples=0\n");
    end(talk);
}

static struct profile with_rule(enum auth_rule rule, uint32_t after, uint32_t tries_max)
{
    struct profile device = device_cli;
    device.auth = rule;
    device.auth_after = after;
    device.tries_max = tries_max;
    return device;
}

static void rules_after_and_never(void **state)
{
    (void)state;
    struct profile device = with_rule(AUTH_AFTER, 3, 10);
    struct talk *talk = start(&device);
    talk_input(talk, BYTES("a\na\nb\nb\n"));
    assert_no_fact(talk, "success");
    talk_input(talk, BYTES("c\nc\n"));
    assert_fact(talk, "login event.outcome=success user.name=c noroshi.password=c\n");
    end(talk);
    device = with_rule(AUTH_NEVER, 0, 5);
    talk = start(&device);
    talk_input(talk, BYTES("a\na\nb\nb\nc\nc\nd\nd\n"));
    assert_int_equal(talk->reason, REASON_NONE);
    talk_input(talk, BYTES("e\ne\n"));
    assert_int_equal(talk->reason, REASON_LOGIN_FAILED);
    assert_no_fact(talk, "success");
    end(talk);
}

static void a_device_may_ask_for_a_password_alone_or_for_nothing(void **state)
{
    (void)state;
    struct profile device = with_rule(AUTH_ANY, 0, 3);
    device.login_prompt = (struct span){0};
    struct talk *talk = start(&device);
    talk_input(talk, BYTES("secret\r\n"));
    assert_said(talk, BYTES("\r\nWelcome\r\nOLT> "));
    assert_fact(talk, "login event.outcome=success user.name= noroshi.password=secret\n");
    end(talk);
    device.password_prompt = (struct span){0};
    seen = 0;
    talk = begin(&device);
    assert_said(talk, BYTES("\xff\xfd\x18\xff\xfb\x05Welcome\r\nOLT> "));
    end(talk);
}

static void the_vendors_line_answers_as_the_profile_says(void **state)
{
    (void)state;
    struct talk *talk = start(&device_cli);
    talk_input(talk, BYTES("admin\nadmin\nenable\nsystem\nshell\n  foo bar \n\n"));
    assert_said(talk, BYTES("Password:\r\nWelcome\r\nOLT> OLT> OLT> % Not allowed\r\nOLT> % Bad command\r\nOLT> OLT> "));
    assert_fact(talk, "command process.command_line=foo bar event.outcome=failure\n");
    assert_int_equal(talk->reason, REASON_NONE);
    end(talk);
}

static void bytes_of_255_are_doubled(void **state)
{
    (void)state;
    struct talk *talk = start(&device_ash);
    talk_input(talk, BYTES("a\xff\xff"
                           "b\r\n"));
    assert_said(talk, BYTES("a\xff\xff"
                            "b\r\nPassword: "));
    end(talk);
}

static void a_long_line_costs_no_more_than_its_cap(void **state)
{
    (void)state;
    struct talk *talk = start(&device_cli);
    static uint8_t block[64 * 1024];
    memset(block, 'A', sizeof block);
    for (unsigned i = 0; i < 160; i++)
        talk_input(talk, span_of(block, sizeof block));
    talk_input(talk, BYTES("\nadmin\nadmin\nadmin\n"));
    for (unsigned i = 0; i < 160; i++)
        talk_input(talk, span_of(block, sizeof block));
    talk_input(talk, BYTES("\n"));
    assert_fact(talk, "login event.outcome=success user.name=admin noroshi.password=admin\n");
    assert_true(talk->facts.len < 80 * 1024);
    end(talk);
}

static void control_keys_and_their_telnet_commands(void **state)
{
    (void)state;
    struct talk *talk = start(&device_cli);
    talk_input(talk, BYTES("adminx\xff\xf7\nwrong\xff\xf8"
                           "admin\n"));
    assert_said(talk, BYTES("Password:\r\nWelcome\r\nOLT> "));
    talk_input(talk, BYTES("abc\xff\xf4"));
    assert_said(talk, BYTES("\r\nOLT> "));
    talk_input(talk, BYTES("x\x04\x7f\x04"));
    assert_int_equal(talk->reason, REASON_LOGOUT);
    end(talk);
    talk = start(&device_ash);
    talk_input(talk, BYTES("root\x03"));
    assert_int_equal(talk->reason, REASON_LOGOUT);
    end(talk);
}

/* One stream with everything in it, whole, then cut in two at every byte, then byte by byte: output and facts must be the same. */
static void no_cut_of_the_stream_matters(void **state)
{
    (void)state;
    static const char stream[] =
        "\xff\xfb\x1f\xff\xfa\x1f\x00\x50\xff\xff\x18\xff\xf0\xff\xfd\x01\xff\xfc\x22"
        "ro\xff\xff"
        "o\bt\r\0wrong\x15"
        "wrong\r\nadmin\r\nadm\xff\xfd\x05in\n\xff\xfa\x27\x00\x00USER\x01-f root\xff\xf0show version\r\nenable\r\x1b[Ax\r\n\r\nexit\n";
    struct span all = BYTES(stream);
    for (unsigned d = 0; d < 2; d++) {
        const struct profile *device = d == 0 ? &device_cli : &device_ash;
        struct talk *whole = begin(device);
        talk_input(whole, all);
        talk_close(whole);
        for (size_t cut = 1; cut <= all.len; cut++) {
            struct talk *talk = begin(device);
            if (cut < all.len) {
                talk_input(talk, span_part(all, 0, cut));
                talk_input(talk, span_part(all, cut, all.len));
            } else {
                for (size_t i = 0; i < all.len; i++)
                    talk_input(talk, span_part(all, i, 1));
            }
            talk_close(talk);
            if (!span_equal(buf_as_span(&talk->output), buf_as_span(&whole->output)) ||
                !span_equal(buf_as_span(&talk->facts), buf_as_span(&whole->facts)) || talk->reason != whole->reason)
                fail_msg("device %s differs when cut at %zu", (const char *)device->name.at, cut);
            talk_free(talk);
        }
        talk_free(whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_the_profiles_options_first),
        cmocka_unit_test(any_line_end_ends_a_line),
        cmocka_unit_test(everything_in_one_packet_before_any_prompt),
        cmocka_unit_test(an_empty_name_prompts_again),
        cmocka_unit_test(the_terminal_edits_the_line),
        cmocka_unit_test(echo_follows_the_option),
        cmocka_unit_test(busyboxs_daemon_answers_no_option_and_echoes_always),
        cmocka_unit_test(bsds_daemon_offers_echo_when_the_terminal_is_known),
        cmocka_unit_test(options_are_answered_by_the_profiles_lists),
        cmocka_unit_test(what_the_client_says_of_itself_is_stated),
        cmocka_unit_test(a_flood_of_options_ends_it),
        cmocka_unit_test(wrong_logins_end_after_the_profiles_number),
        cmocka_unit_test(rules_after_and_never),
        cmocka_unit_test(a_device_may_ask_for_a_password_alone_or_for_nothing),
        cmocka_unit_test(the_vendors_line_answers_as_the_profile_says),
        cmocka_unit_test(bytes_of_255_are_doubled),
        cmocka_unit_test(a_long_line_costs_no_more_than_its_cap),
        cmocka_unit_test(control_keys_and_their_telnet_commands),
        cmocka_unit_test(no_cut_of_the_stream_matters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
