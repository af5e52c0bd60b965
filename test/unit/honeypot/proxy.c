#include "observe/honeypot/proxy.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define BYTES(text) span_of((text), sizeof(text) - 1)
#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4_ADDRESSES "\xc0\x00\x02\x07\xc6\x33\x64\x01\x9c\x40\x00\x17"

static int parse(struct span stream, struct proxy_header *header)
{
    uint8_t *copy = malloc(stream.len > 0 ? stream.len : 1);
    assert_non_null(copy);
    if (stream.len > 0)
        memcpy(copy, stream.at, stream.len);
    int r = proxy_parse(span_of(copy, stream.len), header);
    free(copy);
    return r;
}

/* A good header with bytes behind it: whole, and refused as too short at every cut. */
static struct proxy_header good(struct span stream, size_t len)
{
    struct proxy_header header = {0};
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(parse(span_part(stream, 0, cut), &header), -ERR_TRUNCATED);
    for (size_t cut = len; cut <= stream.len; cut++) {
        assert_int_equal(parse(span_part(stream, 0, cut), &header), 0);
        assert_int_equal(header.len, len);
    }
    return header;
}

static void assert_endpoints(const struct proxy_header *header, const char *source, const char *destination)
{
    char text[ENDPOINT_TEXT_SIZE];
    assert_true(header->has_source);
    assert_string_equal(endpoint_print(header->source, text), source);
    assert_string_equal(endpoint_print(header->destination, text), destination);
}

static void reads_version_1(void **state)
{
    (void)state;
    struct proxy_header header = good(BYTES("PROXY TCP4 192.0.2.7 198.51.100.1 40000 23\r\nroot\r\n"), 44);
    assert_endpoints(&header, "192.0.2.7:40000", "198.51.100.1:23");
    header = good(BYTES("PROXY TCP6 2001:db8::7 2001:db8::1 65535 0\r\nx"), 44);
    assert_endpoints(&header, "[2001:db8::7]:65535", "[2001:db8::1]:0");
    header = good(BYTES("PROXY UNKNOWN\r\nx"), 15);
    assert_false(header.has_source);
    header = good(BYTES("PROXY UNKNOWN ffff:f...f ffff:f...f 65535 65535\r\nx"), 49);
    assert_false(header.has_source);
    char longest[128] = "PROXY UNKNOWN ";
    memset(longest + 14, 'f', 91);
    memcpy(longest + 105, "\r\nroot", 6);
    header = good(span_of(longest, 111), 107);
    assert_false(header.has_source);
}

static void refuses_what_is_wrong_in_version_1(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "PROXY TCP4 192.0.2.7 198.51.100.1 40000 65536\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 040000 23\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 40000\r\n",
        "PROXY TCP4 192.0.2.7  198.51.100.1 40000 23\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 40000 23 \r\n",
        "PROXY TCP4 192.0.2 198.51.100.1 40000 23\r\n",
        "PROXY TCP4 2001:db8::7 2001:db8::1 40000 23\r\n",
        "PROXY TCP6 192.0.2.7 198.51.100.1 40000 23\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 40000 23\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 4\r00 23\r\n",
        "PROXY UNKNOWNx\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 +1 23\r\n",
    };
    struct proxy_header header;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (parse(span_text(wrong[i]), &header) != -ERR_MALFORMED)
            fail_msg("taken: %s", wrong[i]);
    }
    char endless[200] = "PROXY TCP4 ";
    memset(endless + 11, '1', sizeof endless - 11);
    assert_int_equal(parse(span_of(endless, 106), &header), -ERR_TRUNCATED);
    assert_int_equal(parse(span_of(endless, 107), &header), -ERR_LIMIT);
    assert_int_equal(parse(span_of(endless, sizeof endless), &header), -ERR_LIMIT);
    assert_int_equal(parse(BYTES("PROXY UDP4 "), &header), -ERR_NOT_FOUND);
    assert_int_equal(parse(BYTES("root\r\n"), &header), -ERR_NOT_FOUND);
}

static void reads_version_2(void **state)
{
    (void)state;
    struct proxy_header header = good(BYTES(SIGNATURE "\x21\x11\x00\x0c" V4_ADDRESSES "root\r\n"), 28);
    assert_endpoints(&header, "192.0.2.7:40000", "198.51.100.1:23");
    header =
        good(BYTES(SIGNATURE "\x21\x21\x00\x24\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07\x20\x01\x0d\xb8\x00\x00\x00\x00\x00"
                             "\x00\x00\x00\x00\x00\x00\x01\x9c\x40\x00\x17x"),
             52);
    assert_endpoints(&header, "[2001:db8::7]:40000", "[2001:db8::1]:23");
    /* TLVs behind the addresses are skipped. */
    header = good(BYTES(SIGNATURE "\x21\x11\x00\x13" V4_ADDRESSES "\x04\x00\x04\x00\x00\x00\x00"
                                  "x"),
                  35);
    assert_endpoints(&header, "192.0.2.7:40000", "198.51.100.1:23");
    /* LOCAL, UNSPEC, UNIX sockets, datagrams: the socket's own addresses hold. */
    assert_false(good(BYTES(SIGNATURE "\x20\x00\x00\x00x"), 16).has_source);
    assert_false(good(BYTES(SIGNATURE "\x20\x11\x00\x0c" V4_ADDRESSES "x"), 28).has_source);
    assert_false(good(BYTES(SIGNATURE "\x21\x00\x00\x02yyx"), 18).has_source);
    assert_false(good(BYTES(SIGNATURE "\x21\x12\x00\x0c" V4_ADDRESSES "x"), 28).has_source);
}

static void refuses_what_is_wrong_in_version_2(void **state)
{
    (void)state;
    struct proxy_header header;
    assert_int_equal(parse(BYTES(SIGNATURE "\x11\x11\x00\x0c" V4_ADDRESSES), &header), -ERR_MALFORMED);
    assert_int_equal(parse(BYTES(SIGNATURE "\x22\x11\x00\x0c" V4_ADDRESSES), &header), -ERR_MALFORMED);
    assert_int_equal(parse(BYTES(SIGNATURE "\x21\x41\x00\x0c" V4_ADDRESSES), &header), -ERR_MALFORMED);
    assert_int_equal(parse(BYTES(SIGNATURE "\x21\x13\x00\x0c" V4_ADDRESSES), &header), -ERR_MALFORMED);
    assert_int_equal(parse(BYTES(SIGNATURE "\x21\x11\x00\x0b" V4_ADDRESSES), &header), -ERR_MALFORMED);
    assert_int_equal(parse(BYTES(SIGNATURE "\x21\x21\x00\x0c" V4_ADDRESSES), &header), -ERR_MALFORMED);
    assert_int_equal(parse(BYTES(SIGNATURE "\x21\x11\xff\xff" V4_ADDRESSES), &header), -ERR_LIMIT);
    assert_int_equal(parse(BYTES("\r\n\r\nroot"), &header), -ERR_NOT_FOUND);
}

static void tells_a_signature_from_a_name(void **state)
{
    (void)state;
    assert_int_equal(proxy_signature(BYTES("PROXY TCP4 ")), 1);
    assert_int_equal(proxy_signature(BYTES("PROXY TCP6 2001:db8::7")), 1);
    assert_int_equal(proxy_signature(BYTES("PROXY UNKNOWN\r\n")), 1);
    assert_int_equal(proxy_signature(BYTES(SIGNATURE)), 1);
    assert_int_equal(proxy_signature(BYTES("")), -ERR_TRUNCATED);
    assert_int_equal(proxy_signature(BYTES("P")), -ERR_TRUNCATED);
    assert_int_equal(proxy_signature(BYTES("PROXY TCP")), -ERR_TRUNCATED);
    assert_int_equal(proxy_signature(BYTES("\r\n\r\n")), -ERR_TRUNCATED);
    assert_int_equal(proxy_signature(BYTES("PROXY\r\n")), 0);
    assert_int_equal(proxy_signature(BYTES("PROXY TCP5 ")), 0);
    assert_int_equal(proxy_signature(BYTES("root")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_version_1),
        cmocka_unit_test(refuses_what_is_wrong_in_version_1),
        cmocka_unit_test(reads_version_2),
        cmocka_unit_test(refuses_what_is_wrong_in_version_2),
        cmocka_unit_test(tells_a_signature_from_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
