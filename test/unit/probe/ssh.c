#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define BYTES(text) span_of((text), sizeof(text) - 1)

extern const struct probe probe_ssh;

#define AGENT "noroshi (+https://research.example/probing)"
#define NAME(text) "\0\0\0" text
/* KEXINIT: 16 bytes of cookie, ten name-lists, follows, reserved. */
#define KEXINIT                                                                                                                                     \
    "\x14"                                                                                                                                          \
    "0123456789abcdef" NAME("\x0a"                                                                                                                  \
                            "kex1,kex-2") NAME("\x07"                                                                                               \
                                               "ssh-rsa") NAME("\x03"                                                                               \
                                                               "aes") NAME("\x04"                                                                   \
                                                                           "aes2") NAME("\x04"                                                      \
                                                                                        "mac1") NAME("\x04"                                         \
                                                                                                     "mac2") NAME("\x04"                            \
                                                                                                                  "none") NAME("\x04"               \
                                                                                                                               "none") NAME("\x00") \
        NAME("\x00") "\0\0\0\0\0"
#define PACKET "\0\0\0\x71\x0a" KEXINIT "PADDINGPAD"

static void reads_version_and_algorithms(void **state)
{
    (void)state;
    static const char host[] = "Authorized use only\r\nSSH-2.0-dropbear_2019.78\r\n" PACKET;
    assert_int_equal(sizeof PACKET - 1, 4 + 0x71);
    struct talk *t = harness_every_cut(&probe_ssh, 0, BYTES(host));
    assert_string_equal(harness_summary(t), "ending=answered\nnoroshi.detail=version: SSH-2.0-dropbear_2019.78\\nhassh_server: "
                                            "24831aad848359372796b013dfa077dd\\nkex: kex1,kex-2\\nhost_key: ssh-rsa\\ncipher: "
                                            "aes2\\nmac: mac2\\ncompression: none\n");
    struct span said = buf_as_span(&t->said);
    assert_true(span_starts(said, "SSH-2.0-Noroshi\r\n"));
    said = span_part(said, 17, said.len);
    /* The DISCONNECT is one whole packet and says who asked. */
    assert_int_equal(said.at[3], said.len - 4);
    assert_int_equal(said.len % 8, 0);
    assert_int_equal(said.at[5], 1);
    assert_memory_equal(said.at + 14, AGENT, sizeof AGENT - 1);
    harness_free(t);
}

static void takes_a_version_alone_as_an_answer(void **state)
{
    (void)state;
    struct talk *t = harness_open(&probe_ssh, 0);
    harness_hear(t, BYTES("SSH-2.0-ROSSSH\n"));
    harness_close(t);
    assert_string_equal(harness_summary(t), "ending=answered\nnoroshi.detail=version: SSH-2.0-ROSSSH\n");
    harness_free(t);
}

static void does_not_speak_version_1(void **state)
{
    (void)state;
    struct talk *t = harness_every_cut(&probe_ssh, 0, BYTES("SSH-1.5-Cisco-1.25\r\n"));
    assert_string_equal(harness_summary(t), "ending=answered\nnoroshi.detail=version: SSH-1.5-Cisco-1.25\n");
    assert_int_equal(t->said.len, 0);
    harness_free(t);
}

static void bounds_what_is_no_packet(void **state)
{
    (void)state;
    static const char *const answers[] = {"\xff\xff\xff\xff", "\0\0\0\1", "\0\0\0\x02\xff\x14", "\0\0\0\x04\x01\x15xyz"};
    static const size_t lens[] = {4, 4, 6, 9};
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        char host[64] = "SSH-2.0-x\r\n";
        memcpy(host + 11, answers[i], lens[i]);
        struct talk *t = harness_every_cut(&probe_ssh, 0, span_of(host, 11 + lens[i]));
        assert_string_equal(harness_summary(t), "ending=answered\nnoroshi.detail=version: SSH-2.0-x\n");
        harness_free(t);
    }
}

static void tells_other_services(void **state)
{
    (void)state;
    static char many[60];
    memset(many, '\n', sizeof many);
    static char longest[3000];
    memset(longest, 'x', sizeof longest);
    const struct span hosts[] = {BYTES("220 ftp\r\n"), span_of(many, sizeof many), span_of(longest, sizeof longest)};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        struct talk *t = harness_talk(&probe_ssh, 0, hosts[i], 7);
        assert_string_equal(harness_summary(t), "ending=other protocol\n");
        assert_int_equal(t->said.len, 0);
        harness_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_version_and_algorithms), cmocka_unit_test(takes_a_version_alone_as_an_answer),
        cmocka_unit_test(does_not_speak_version_1),     cmocka_unit_test(bounds_what_is_no_packet),
        cmocka_unit_test(tells_other_services),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
