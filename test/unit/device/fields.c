/* Answers taken apart, service by service, and whole records judged. */
#include "analyse/device/fields.h"
#include "analyse/device/compile.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#define BYTES(literal) ((struct span){.at = (const uint8_t *)(literal), .len = sizeof(literal) - 1})

static struct arena arena;
static struct field_list fields;

static void take(const char *service, struct span data)
{
    arena_done(&arena);
    arena_init(&arena, 1024 * 1024);
    fields = (struct field_list){.arena = &arena};
    assert_true(fields_of_bytes(&fields, span_text(service), data));
}

static void is(struct span text, const char *expected)
{
    char got[2048] = "";
    assert_true(text.len < sizeof got);
    if (text.len > 0)
        memcpy(got, text.at, text.len);
    assert_string_equal(got, expected);
}

/* The index-th value of a field. */
static void has(enum device_field field, size_t index, const char *expected)
{
    for (size_t i = 0; i < fields.count; i++) {
        if (fields.list[i].field == field && index-- == 0) {
            is(fields.list[i].value, expected);
            return;
        }
    }
    fail_msg("no such field: %s", expected);
}

static void telnet(void **unused)
{
    (void)unused;
    take("telnet", BYTES("\xff\xfd\x18\xff\xfb\x01\xff\xfa\x18\x01\xff\xf0\xff\xfa\xff\xff\xff\xf0\r\n\r\nacme \xff\xff login: "));
    has(DEVICE_FIELD_TELNET, 0, "acme \xff login:");
    has(DEVICE_FIELD_BANNER, 0, "acme \xff login:");
    take("telnet", BYTES("\xff\xfd"));
    assert_int_equal(fields.count, 0);
    take("telnet", BYTES("x\xff\xfa\x18"));
    has(DEVICE_FIELD_TELNET, 0, "x");
    take("telnet", BYTES("a\0b"));
    has(DEVICE_FIELD_TELNET, 0, "ab");
}

static void ftp(void **unused)
{
    (void)unused;
    take("ftp", BYTES("220-Welcome\r\n220-to us\r\n220 Acme FTP 1.0 ready.\r\n"));
    has(DEVICE_FIELD_FTP, 0, "Welcome\r\nto us\r\nAcme FTP 1.0 ready.");
    has(DEVICE_FIELD_FTP, 1, "Welcome\r\n220-to us\r\n220 Acme FTP 1.0 ready.");
    take("ftp", BYTES("220 ready\r\n"));
    has(DEVICE_FIELD_FTP, 0, "ready");
    assert_int_equal(fields.count, 2);
    take("ftp", BYTES(""));
    assert_int_equal(fields.count, 0);
}

static void ssh(void **unused)
{
    (void)unused;
    take("ssh", BYTES("hello\r\nSSH-2.0-dropbear_2012.55\r\n\0\0\1\x14"));
    has(DEVICE_FIELD_SSH, 0, "dropbear_2012.55");
    has(DEVICE_FIELD_BANNER, 0, "SSH-2.0-dropbear_2012.55");
    take("ssh", BYTES("SSH-"));
    assert_false(fields_has(&fields, DEVICE_FIELD_SSH));
}

static void http(void **unused)
{
    (void)unused;
    take("http", BYTES("HTTP/1.1 401 Unauthorized\r\nServer: Acme-Webs\r\nset-cookie: a=1; path=/\r\nSet-Cookie: b=2\r\nWWW-Authenticate: Basic\r\n "
                       "realm=\"DVR\"\r\nX-Powered-By: PHP/5\r\nX-Odd\r\n\r\n<html><TITLE lang=en>\n Acme&nbsp;&amp; Co&#46; &#x263a; "
                       "&bogus;\n</title></html>"));
    has(DEVICE_FIELD_HTTP_SERVER, 0, "Acme-Webs");
    has(DEVICE_FIELD_HTTP_COOKIE, 0, "a=1; path=/");
    has(DEVICE_FIELD_HTTP_COOKIE, 1, "b=2");
    has(DEVICE_FIELD_HTTP_REALM, 0, "Basic realm=\"DVR\"");
    has(DEVICE_FIELD_HTTP_POWERED, 0, "PHP/5");
    has(DEVICE_FIELD_HTTP_TITLE, 0, "Acme&nbsp;&amp; Co&#46; &#x263a; &bogus;");
    has(DEVICE_FIELD_HTTP_TITLE, 1, "Acme & Co. \xe2\x98\xba &bogus;");
    has(DEVICE_FIELD_HTTP_HEADER, 0,
        "Server: Acme-Webs\nset-cookie: a=1; path=/\nSet-Cookie: b=2\nWWW-Authenticate: Basic realm=\"DVR\"\nX-Powered-By: PHP/5\nX-Odd\n");
    take("https", BYTES("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n<title>\r\n5\r\nA DVR\r\n8;x=y\r\n</title>\r\n0\r\n\r\n"));
    has(DEVICE_FIELD_HTTP_TITLE, 0, "A DVR");
    has(DEVICE_FIELD_HTTP_BODY, 0, "<title>A DVR</title>");
    take("http", BYTES("<html><title>no status line</title>"));
    has(DEVICE_FIELD_HTTP_TITLE, 0, "no status line");
    take("http", BYTES("HTTP/1.0 200"));
    assert_false(fields_has(&fields, DEVICE_FIELD_HTTP_BODY));
}

static void rtsp_and_upnp(void **unused)
{
    (void)unused;
    take("rtsp", BYTES("RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\nServer: Acme Rtsp\r\nWWW-Authenticate: Digest realm=\"x\"\r\n\r\n"));
    has(DEVICE_FIELD_RTSP_SERVER, 0, "Acme Rtsp");
    has(DEVICE_FIELD_RTSP_REALM, 0, "Digest realm=\"x\"");
    take("upnp", BYTES("HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\nSERVER: Linux/2.4 UPnP/1.0 Acme/1\r\n\r\n"));
    has(DEVICE_FIELD_UPNP_SERVER, 0, "Linux/2.4 UPnP/1.0 Acme/1");
    assert_false(fields_has(&fields, DEVICE_FIELD_HTTP_SERVER));
}

/* A GetResponse with sysDescr.0 "Acme" and sysObjectID.0 1.3.6.1.4.1.99999.2. */
static const char response[] = "\x30\x42\x02\x01\x01\x04\x06public\xa2\x35\x02\x01\x07\x02\x01\x00\x02\x01\x00\x30\x2a"
                               "\x30\x10\x06\x08\x2b\x06\x01\x02\x01\x01\x01\x00\x04\x04"
                               "Acme\x30\x16\x06\x08\x2b\x06\x01\x02\x01\x01\x02\x00\x06\x0a\x2b\x06\x01\x04\x01\x86\x8d\x1f\x02\x00";

static void snmp(void **unused)
{
    (void)unused;
    take("snmp", BYTES(response));
    has(DEVICE_FIELD_SNMP_SYSDESCR, 0, "Acme");
    has(DEVICE_FIELD_SNMP_SYSOBJID, 0, "1.3.6.1.4.1.99999.2.0");
    take("snmp", BYTES("Linux acme 2.6.18"));
    has(DEVICE_FIELD_SNMP_SYSDESCR, 0, "Linux acme 2.6.18");
    for (size_t len = 0; len < sizeof response - 1; len++)
        take("snmp", span_of(response, len));
}

static void a_service_that_was_not_known_is_known_by_its_bytes(void **unused)
{
    (void)unused;
    take("banner", BYTES("SSH-2.0-x\r\n"));
    has(DEVICE_FIELD_SSH, 0, "x");
    take("banner", BYTES("220 x\r\n"));
    has(DEVICE_FIELD_FTP, 0, "x");
    take("banner", BYTES("HTTP/1.0 200 OK\r\nServer: x\r\n\r\n"));
    has(DEVICE_FIELD_HTTP_SERVER, 0, "x");
    take("banner", BYTES("\xff\xfb\x01login:"));
    has(DEVICE_FIELD_TELNET, 0, "login:");
    take("banner", BYTES("* OK x"));
    has(DEVICE_FIELD_BANNER, 0, "* OK x");
    fields = (struct field_list){.arena = &arena};
    assert_false(fields_of_bytes(&fields, span_text("gopher"), BYTES("x")));
}

static const char rules_text[] =
    "rules:\n"
    "  - {name: title, on: http.title, match: '^DVR (\\w+)', class: dvr, maker: Acme, model: $1, examples: [{text: DVR 4, model: '4'}]}\n"
    "  - {name: server, on: http.server, match: '^Acme', class: embedded, examples: [Acme]}\n"
    "  - {name: subject, on: tls.subject, match: 'CN=acme', maker: Acme, examples: [CN=acme]}\n"
    "  - {name: cookie, on: http.cookie, match: '=', maker: Acme, examples: [a=b]}\n"
    "  - {name: plc, on: ics, match: '^maker: Acme$', class: plc, examples: [\"protocol: modbus\\nmaker: Acme\\n\"]}\n"
    "  - {name: wifatch, on: telnet.banner, match: 'Wifatch', residue: wifatch, examples: [REINCARNA / Linux.Wifatch]}\n";

static struct device_rules *rules;
static struct buf image;

static int open_rules(void **unused)
{
    struct device_compiled compiled;
    struct conf_error error;
    (void)unused;
    buf_init(&image, 0);
    if (device_compile_text("rules.yaml", span_text(rules_text), &image, &compiled, &error) != 0) {
        print_error("%s\n", error.text);
        return -1;
    }
    return device_open(&rules, buf_as_span(&image));
}

static int close_rules(void **unused)
{
    (void)unused;
    device_close(rules);
    buf_done(&image);
    arena_done(&arena);
    return 0;
}

static void bytes_are_judged(void **unused)
{
    (void)unused;
    struct evidence e[8];
    size_t count = 99;
    arena_done(&arena);
    arena_init(&arena, 1024 * 1024);
    assert_int_equal(device_judge_bytes(rules, span_text("gopher"), BYTES("x"), &arena, e, 8, &count), -ERR_UNKNOWN);
    assert_int_equal(count, 99);
    assert_int_equal(
        device_judge_bytes(rules, span_text("http"),
                           BYTES("HTTP/1.0 200 OK\r\nServer: Acme\r\nSet-Cookie: a=1\r\nSet-Cookie: b=1\r\n\r\n<title>DVR 4&nbsp;</title>"), &arena,
                           e, 8, &count),
        0);
    assert_int_equal(count, 3); /* the second cookie, the second form of the title say nothing new */
    is(e[2].rule, "title");
    is(e[2].model, "4");
    assert_int_equal(device_judge_bytes(rules, span_text("telnet"), BYTES("\xff\xfb\x01REINCARNA / Linux.Wifatch\n"), &arena, e, 8, &count), 0);
    assert_int_equal(count, 1);
    is(e[0].residue, "wifatch");
    /* FC 43/14: vendor Acme, product P1, revision 1.0 */
    assert_int_equal(
        device_judge_bytes(rules, span_text("modbus"), BYTES("\0\1\0\0\0\x19\0\x2b\x0e\x01\x01\0\0\3\0\4Acme\1\2P1\2\0031.0"), &arena, e, 8, &count),
        0);
    assert_int_equal(count, 2);
    is(e[0].rule, "modbus");
    is(e[0].ics, "modbus");
    is(e[0].maker, "Acme");
    is(e[0].firmware, "1.0");
    is(e[1].class_, "plc");
    assert_int_equal(device_judge_bytes(rules, span_text("modbus"), BYTES("GET / HTTP"), &arena, e, 8, &count), 0);
    assert_int_equal(count, 0);
}

static void records_are_judged(void **unused)
{
    (void)unused;
    struct evidence e[8];
    size_t count = 0;
    arena_done(&arena);
    arena_init(&arena, 1024 * 1024);
    const struct fact facts[] = {
        fact_text(FACT_NETWORK_PROTOCOL, span_text("https")),
        fact_text(FACT_HTTP_SERVER, span_text("Acme")),
        fact_text(FACT_HTTP_TITLE, span_text("DVR 9")),
        fact_text(FACT_TLS_SUBJECT, span_text("CN=acme,O=x")),
        fact_text(FACT_BANNER, span_text("HTTP/1.0 200 OK\r\nServer: Acme 2\r\n\r\n")),
    };
    struct record r = {.kind = KIND_ANSWER, .transport = TRANSPORT_TCP, .destination.port = 443, .time = 5, .facts = facts, .fact_count = 5};
    assert_int_equal(device_judge_record(rules, &r, &arena, e, 8, &count), 0);
    assert_int_equal(count, 3);
    is(e[0].rule, "server");
    is(e[0].matched, "Acme");
    is(e[1].model, "9");
    is(e[2].rule, "subject");
    for (size_t i = 0; i < count; i++)
        assert_true(e[i].at.port == 443 && e[i].time == 5 && e[i].transport == TRANSPORT_TCP);
    const struct fact industrial[] = {fact_text(FACT_NETWORK_PROTOCOL, span_text("modbus")), fact_text(FACT_ICS_PROTOCOL, span_text("modbus")),
                                      fact_text(FACT_DEVICE_MAKER, span_text("Acme")), fact_text(FACT_BANNER, span_text("\1\2"))};
    r.facts = industrial;
    r.fact_count = 4;
    assert_int_equal(device_judge_record(rules, &r, &arena, e, 8, &count), 0);
    assert_int_equal(count, 2);
    is(e[0].ics, "modbus");
    is(e[1].class_, "plc");
    const struct fact listed[] = {fact_text(FACT_LIST_SOURCE, span_text("shodan")), fact_text(FACT_DEVICE_CLASS, span_text("no such")),
                                  fact_text(FACT_DEVICE_MAKER, span_text("Best")), fact_text(FACT_HTTP_TITLE, span_text("DVR 1"))};
    r.kind = KIND_LISTING;
    r.facts = listed;
    assert_int_equal(device_judge_record(rules, &r, &arena, e, 8, &count), 0);
    assert_int_equal(count, 2);
    is(e[1].rule, "shodan");
    is(e[1].maker, "Best");
    is(e[1].class_, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(telnet),
        cmocka_unit_test(ftp),
        cmocka_unit_test(ssh),
        cmocka_unit_test(http),
        cmocka_unit_test(rtsp_and_upnp),
        cmocka_unit_test(snmp),
        cmocka_unit_test(bytes_are_judged),
        cmocka_unit_test(a_service_that_was_not_known_is_known_by_its_bytes),
        cmocka_unit_test(records_are_judged),
    };
    return cmocka_run_group_tests(tests, open_rules, close_rules);
}
