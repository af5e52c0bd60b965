#include "observe/honeypot/syn.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define BYTES(text) span_of((text), sizeof(text) - 1)

/* IPv4, 60 bytes: TTL 52, window 29200, mss 1460, sok, ts, nop, ws 7. */
#define V4_HEADER "\x45\x00\x00\x3c\x12\x34\x40\x00\x34\x06\x00\x00\xc0\x00\x02\x07\xc6\x33\x64\x01"
#define TCP_HEADER "\x9c\x40\x00\x17\x01\x02\x03\x04\x00\x00\x00\x00\xa0\x02\x72\x10\x00\x00\x00\x00"
#define LINUX_OPTIONS "\x02\x04\x05\xb4\x04\x02\x08\x0a\x00\x00\x00\x01\x00\x00\x00\x00\x01\x03\x03\x07"
#define V6_HEADER                                                                                                                                  \
    "\x60\x00\x00\x00\x00\x28\x06\x40\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00" \
    "\x00"                                                                                                                                         \
    "\x00\x00\x00\x02"

static int parse(struct span packet, struct syn *syn)
{
    /* An exact copy, so that a read past the end is seen by the sanitizer. */
    uint8_t *copy = malloc(packet.len > 0 ? packet.len : 1);
    assert_non_null(copy);
    if (packet.len > 0)
        memcpy(copy, packet.at, packet.len);
    int r = syn_parse(span_of(copy, packet.len), syn);
    free(copy);
    return r;
}

static void reads_ipv4(void **state)
{
    (void)state;
    struct syn syn = {0};
    assert_int_equal(parse(BYTES(V4_HEADER TCP_HEADER LINUX_OPTIONS), &syn), 0);
    assert_int_equal(syn.ttl, 52);
    assert_int_equal(syn.window, 29200);
    assert_int_equal(syn.length, 60);
    assert_true(syn.has_mss && syn.has_scale);
    assert_int_equal(syn.mss, 1460);
    assert_int_equal(syn.scale, 7);
    assert_string_equal(syn.options, "mss,sok,ts,nop,ws");
}

static void reads_ipv6_with_extension_headers(void **state)
{
    (void)state;
    struct syn syn = {0};
    assert_int_equal(parse(BYTES(V6_HEADER TCP_HEADER LINUX_OPTIONS), &syn), 0);
    assert_int_equal(syn.ttl, 64);
    assert_int_equal(syn.length, 80);
    assert_string_equal(syn.options, "mss,sok,ts,nop,ws");
    static const char extended[] = "\x60\x00\x00\x00\x00\x38\x00\x3f\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x20\x01\x0d\xb8"
                                   "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02"
                                   "\x3c\x00\x01\x04\x00\x00\x00\x00"
                                   "\x06\x00\x01\x04\x00\x00\x00\x00" TCP_HEADER LINUX_OPTIONS;
    assert_int_equal(parse(BYTES(extended), &syn), 0);
    assert_int_equal(syn.ttl, 63);
    assert_int_equal(syn.length, 96);
}

static void reads_a_bare_syn(void **state)
{
    (void)state;
    struct syn syn = {0};
    assert_int_equal(parse(BYTES("\x45\x00\x00\x28\xd4\x31\x00\x00\xf1\x06\x00\x00\xc0\x00\x02\x07\xc6\x33\x64\x01"
                                 "\x9c\x40\x00\x17\x01\x02\x03\x04\x00\x00\x00\x00\x50\x02\xff\xff\x00\x00\x00\x00"),
                           &syn),
                     0);
    assert_int_equal(syn.ttl, 241);
    assert_int_equal(syn.window, 65535);
    assert_int_equal(syn.length, 40);
    assert_false(syn.has_mss || syn.has_scale);
    assert_string_equal(syn.options, "");
}

static void odd_options_are_named_and_end_the_list(void **state)
{
    (void)state;
    struct syn syn = {0};
#define WITH(offset, options) BYTES(V4_HEADER "\x9c\x40\x00\x17\x01\x02\x03\x04\x00\x00\x00\x00" offset "\x02\x72\x10\x00\x00\x00\x00" options)
    assert_int_equal(parse(WITH("\x70", "\x22\x04\x01\x02\x01\x00\x05\x05"), &syn), 0);
    assert_string_equal(syn.options, "34,nop,eol");
    assert_int_equal(parse(WITH("\x60", "\x02\x03\x05\x01"), &syn), 0);
    assert_string_equal(syn.options, "mss,nop");
    assert_false(syn.has_mss);
    assert_int_equal(parse(WITH("\x60", "\x01\x02\x05\x01"), &syn), 0);
    assert_string_equal(syn.options, "nop,bad");
    assert_int_equal(parse(WITH("\x60", "\x01\x01\x01\x02"), &syn), 0);
    assert_string_equal(syn.options, "nop,nop,nop,bad");
    assert_int_equal(parse(WITH("\x60", "\x08\x00\x01\x01"), &syn), 0);
    assert_string_equal(syn.options, "bad");
    /* The longest text: 40 options of three digits can't be, 20 can. */
    static const char many[] = V4_HEADER "\x9c\x40\x00\x17\x01\x02\x03\x04\x00\x00\x00\x00\xf0\x02\x72\x10\x00\x00\x00\x00"
                                         "\xfe\x02\xfe\x02\xfe\x02\xfe\x02\xfe\x02\xfe\x02\xfe\x02\xfe\x02\xfe\x02\xfe\x02"
                                         "\xfe\x02\xfe\x02\xfe\x02\xfe\x02\xfe\x02\xfe\x02\xfe\x02\xfe\x02\xfe\x02\xfe\x02";
    assert_int_equal(parse(BYTES(many), &syn), 0);
    assert_int_equal(strlen(syn.options), 20 * 4 - 1);
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    static const char v4[] = V4_HEADER TCP_HEADER LINUX_OPTIONS, v6[] = V6_HEADER TCP_HEADER LINUX_OPTIONS;
    for (size_t len = 0; len < sizeof v4 - 1; len++) {
        struct syn syn;
        assert_int_equal(parse(span_of(v4, len), &syn), -ERR_TRUNCATED);
    }
    for (size_t len = 0; len < sizeof v6 - 1; len++) {
        struct syn syn;
        assert_int_equal(parse(span_of(v6, len), &syn), -ERR_TRUNCATED);
    }
}

static void what_is_no_syn_is_refused(void **state)
{
    (void)state;
    struct syn syn;
    assert_int_equal(parse(BYTES("\x55" TCP_HEADER LINUX_OPTIONS), &syn), -ERR_MALFORMED);
    assert_int_equal(parse(BYTES("\x44\x00\x00\x3c\x12\x34\x40\x00\x34\x06\x00\x00\xc0\x00\x02\x07\xc6\x33\x64\x01" TCP_HEADER), &syn),
                     -ERR_MALFORMED);
    assert_int_equal(parse(BYTES("\x45\x00\x00\x3c\x12\x34\x40\x00\x34\x11\x00\x00\xc0\x00\x02\x07\xc6\x33\x64\x01" TCP_HEADER), &syn),
                     -ERR_MALFORMED);
    assert_int_equal(parse(BYTES(V4_HEADER "\x9c\x40\x00\x17\x01\x02\x03\x04\x00\x00\x00\x00\x40\x02\x72\x10\x00\x00\x00\x00"), &syn),
                     -ERR_MALFORMED);
    /* Extension headers without end. */
    char chain[40 + 8 * 32] = V6_HEADER;
    chain[6] = 0;
    assert_int_equal(parse(span_of(chain, sizeof chain), &syn), -ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_ipv4),
        cmocka_unit_test(reads_ipv6_with_extension_headers),
        cmocka_unit_test(reads_a_bare_syn),
        cmocka_unit_test(odd_options_are_named_and_end_the_list),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(what_is_no_syn_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
