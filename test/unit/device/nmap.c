/* nmap's service probes: the form of its file, and what its rules say of whole answers. */
#include "analyse/device/nmap.h"
#include "analyse/device/compile.h"
#include "analyse/device/rules.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BYTES_INIT(literal)                                          \
    {                                                                \
        .at = (const uint8_t *)(literal), .len = sizeof(literal) - 1 \
    }
#define BYTES(literal) ((struct span)BYTES_INIT(literal))
#define INSTALLED "/usr/share/nmap/nmap-service-probes"

static const char probes[] =
    "# Probes of this test\n"
    "Exclude T:9100-9107\n"
    "Probe TCP NULL q||\n"
    "totalwaitms 6000\n"
    "match ftp m|^220 Acme ([-\\w]+) FTP\\r\\n| p/Acme $1 ftpd/ v/1/ i/r/ h/x/ o/y/ d/webcam/\n"                                         /* 5 */
    "softmatch telnet m=^\\xff\\xfb\\x01.*acme=si p%Acme T9 telnetd%  d'router'\n"                                                       /* 6 */
    "match telnet m/^\\xff\\xfb\\x01\\r\\nAcme (\\w+) v(\\S+)$/ p|Acme $1|\td|broadband router| cpe:/h:acme:$1:$2/a cpe:/o:acme:os/\r\n" /* 7 */
    "match http m@^HTTP/1\\.[01] 200 .*<b>(.)</b>(..)<i>([^<]*)</i>@s p/Acme httpd/ i/Acme-Cam P_1/ d/webcam/ "
    "cpe:|/h:acme:acme%2dcam_p%5f1:$SUBST(3,\"_\",\".\")|\n"                                                         /* 8 */
    "match http m|^HTTP/1\\.1 401 (.+)\\r\\n| p/Wide $P(1) httpd/ d/printer/\n"                                      /* 9 */
    "match snmp m|^0(..)(..)|s d/switch/ cpe:/h:blue_line:sw$I(1,\">\")-$I(2,\"<\"):$SUBST(2,\"\\x01\\n\",\":\")/\n" /* 10 */
    "match ssl/http m|^HTTP/1\\.0 404| d/specialized/ cpe:/h:d-link:des_1210-28/\n"                                  /* 11 */
    "match ftp m|^220 nothing of a device| p/vsftpd/\n"                                                              /* 12 */
    "match ftp m|^220 program (\\d+)| p/Acme $1 ftpd/ d/printer/ cpe:/a:acme:ftpd/\n"                                /* 13 */
    "match ftp m|^220 broken (| d/printer/\n"                                                                        /* 14 */
    "match ftp m|^220 drawer| p/Acme 7/ d/proxy server/\n"                                                           /* 15 */
    "match ftp m|^220 ([\\w-]+) \\d+ (?!old)box| p/Acme 9 new pop3d/ d/storage-misc/\n"                              /* 16 */
    "match ftp m|^220 \\Gonly PCRE2| d/printer/\n"                                                                   /* 17 */
    "match wave m|^wave| d/unheard of/ cpe:/h:-:x9/\n"                                                               /* 18 */
    "rarity 1\nports 1-9\nsslports 443\nfallback NULL\ntcpwrappedms 3000\n";

static struct drafts drafts;
static struct conf_error error;
static size_t left_out;

static int read_text(struct span text)
{
    drafts_done(&drafts);
    drafts_init(&drafts);
    left_out = 0;
    error.text[0] = '\0';
    return nmap_drafts(&drafts, "probes", text, &left_out, &error);
}

static void is(struct span text, const char *expected)
{
    char got[512];
    assert_true(text.len < sizeof got);
    if (text.len > 0)
        memcpy(got, text.at, text.len);
    got[text.len] = '\0';
    assert_string_equal(got, expected);
}

static void lines_that_say_a_device_become_rules(void **unused)
{
    (void)unused;
    static const char *const names[] = {"nmap:ftp:5",  "nmap:telnet:7", "nmap:http:8", "nmap:http:9",  "nmap:snmp:10", "nmap:ssl/http:11",
                                        "nmap:ftp:13", "nmap:ftp:16",   "nmap:ftp:17", "nmap:wave:18", "nmap:telnet:6"};
    assert_int_equal(read_text(BYTES(probes)), 0);
    assert_int_equal(left_out, 1);
    assert_int_equal(drafts.count, sizeof names / sizeof names[0]);
    for (size_t i = 0; i < drafts.count; i++) {
        is(drafts.list[i].name, names[i]);
        assert_int_equal(drafts.list[i].certainty, i + 1 < drafts.count ? 60 : 40);
        assert_int_equal(drafts.list[i].field, DEVICE_FIELD_RAW);
        assert_false(drafts.list[i].own);
    }
    drafts_done(&drafts);
}

static void wrong_lines_are_named(void **unused)
{
    (void)unused;
    static const struct {
        struct span text;
        const char *says;
    } cases[] = {
        {BYTES_INIT("match\n"), "probes:1: expected a service's name"},
        {BYTES_INIT("\n\nmatch f\x01p m|x|\n"), "probes:3: expected a service's name"},
        {BYTES_INIT("match ffffffffffffffffffffffffffffffffffffffffffffffffffff m|x|"), "probes:1: expected a service's name"},
        {BYTES_INIT("match ftp\n"), "probes:1: expected m|regular expression|"},
        {BYTES_INIT("match ftp q|x|\n"), "probes:1: expected m|regular expression|"},
        {BYTES_INIT("match ftp m\n"), "probes:1: expected a regular expression between two delimiters"},
        {BYTES_INIT("match ftp m|x\n"), "probes:1: expected a regular expression between two delimiters"},
        {BYTES_INIT("match ftp m\0x\0\n"), "probes:1: expected a regular expression between two delimiters"},
        {BYTES_INIT("match ftp m|x|g\n"), "probes:1: expected i, s or nothing behind the regular expression"},
        {BYTES_INIT("match ftp m|x| q/x/\n"), "probes:1: expected p/, v/, i/, h/, o/, d/ or cpe:/"},
        {BYTES_INIT("match ftp m|x| p/x\n"), "probes:1: expected what is said between two delimiters"},
        {BYTES_INIT("match ftp m|x| p x \n"), "probes:1: expected what is said between two delimiters"},
        {BYTES_INIT("match ftp m|x| cpe:\n"), "probes:1: expected what is said between two delimiters"},
        {BYTES_INIT("match ftp m|x| p/x/v/y/\n"), "probes:1: expected a blank behind the delimiter"},
        {BYTES_INIT("match ftp m|x| d/printer/ cpe:/h:a:$0/\n"), "probes:1: expected $1 to $9, $P(1), $SUBST(1,\"a\",\"b\") or $I(1,\">\")"},
        {BYTES_INIT("match ftp m|x| d/printer/ cpe:/h:a:$P(1/\n"), "probes:1: expected $1 to $9, $P(1), $SUBST(1,\"a\",\"b\") or $I(1,\">\")"},
        {BYTES_INIT("match ftp m|x| cpe:/h:a:b:$I(1,\"=\")/\n"), "probes:1: expected $1 to $9, $P(1), $SUBST(1,\"a\",\"b\") or $I(1,\">\")"},
        {BYTES_INIT("match ftp m|x| cpe:/h:a:b:$SUBST(1,\"a\",\"b)/\n"), "probes:1: expected $1 to $9, $P(1), $SUBST(1,\"a\",\"b\") or $I(1,\">\")"},
        {BYTES_INIT("match ftp m|x| cpe:/h:a:b:$SUBST(1,a,b)/\n"), "probes:1: expected $1 to $9, $P(1), $SUBST(1,\"a\",\"b\") or $I(1,\">\")"},
        {BYTES_INIT("match ftp m|x| cpe:/h:a:b$/\n"), "probes:1: expected $1 to $9, $P(1), $SUBST(1,\"a\",\"b\") or $I(1,\">\")"},
        {BYTES_INIT("match ftp m|x| cpe:/h:a:b:\x01/\n"), "probes:1: expected no control character in what is said"},
        {BYTES_INIT("# x\nroot:x:0:0\n"), "probes:2: expected match, softmatch, Probe or another word of nmap's service probes"},
        {BYTES_INIT("softmatch ftp m|x|\nsoftmatch ftp m|x\n"), "probes:2: expected a regular expression between two delimiters"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(read_text(cases[i].text), -ERR_CONFIG);
        assert_string_equal(error.text, cases[i].says);
    }
    assert_int_equal(read_text((struct span){0}), 0);
    assert_int_equal(read_text(BYTES("match ftp m|a\0b| d/printer/\nmatch ftp m|| d/printer/\nmatch ftp m|\\C(?R)| d/printer/")), 0);
    assert_int_equal(drafts.count, 0);
    assert_int_equal(left_out, 3);
    drafts_done(&drafts);
}

/* Names that are too long say nothing, and a long line does no harm. */
static void long_lines_are_bounded(void **unused)
{
    (void)unused;
    struct buf text;
    buf_init(&text, 0);
    buf_text(&text, "match ftp m|^x| d/printer/ cpe:/h:");
    for (int i = 0; i < 5000; i++)
        buf_text(&text, "acme");
    buf_text(&text, ":$1/\nmatch ftp m|");
    for (int i = 0; i < 5000; i++)
        buf_text(&text, "acme");
    buf_text(&text, "| d/printer/\n");
    assert_int_equal(text.error, 0);
    assert_int_equal(read_text(buf_as_span(&text)), 0);
    assert_int_equal(drafts.count, 1);
    assert_int_equal(left_out, 1);
    is(drafts.list[0].values[VALUE_MAKER], "");
    assert_int_equal(drafts.list[0].values[VALUE_MODEL].len, 2);
    buf_done(&text);
    drafts_done(&drafts);
}

/* ---- answers ---- */

static struct buf image;
static struct device_rules *rules;
static struct device_compiled compiled;
static struct arena arena;
static struct evidence e[16];

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wbe");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
}

/* Rules of one file of nmap's and one of ours. */
static int compile_file(const char *folder, const char *nmap, const char *cache)
{
    buf_init(&image, 0);
    rules = NULL;
    int r = device_compile_sources(&(struct device_sources){.own = folder, .nmap = nmap}, cache, &image, &compiled, &error);
    return r == 0 ? device_open(&rules, buf_as_span(&image)) : r;
}

static void close_all(void)
{
    device_close(rules);
    buf_done(&image);
}

/* What nmap's rules say of a service's answer: the number of them that do, the first in e[0]. */
static size_t judge(const char *service, struct span answer)
{
    size_t count = 0, kept = 0;
    arena_done(&arena);
    arena_init(&arena, 1024 * 1024);
    assert_int_equal(device_judge_bytes(rules, span_text(service), answer, &arena, e, 16, &count), 0);
    for (size_t i = 0; i < count; i++) {
        if (span_starts(e[i].rule, "nmap:"))
            e[kept++] = e[i];
    }
    return kept;
}

static void says(const char *service, struct span answer, const char *rule, const char *const values[static 4])
{
    assert_int_equal(judge(service, answer), 1);
    is(e[0].rule, rule);
    is(e[0].class_, values[0]);
    is(e[0].maker, values[1]);
    is(e[0].model, values[2]);
    is(e[0].firmware, values[3]);
    assert_int_equal(e[0].field, DEVICE_FIELD_RAW);
    assert_false(e[0].own);
}

#define SAYS(service, answer, rule, ...) says(service, BYTES(answer), rule, (const char *const[4]){__VA_ARGS__})

static void judge_our_own(void)
{
    SAYS("ftp", "220 Acme CX-1 FTP\r\n", "nmap:ftp:5", "ip-camera", "", "Acme CX-1", "");
    assert_int_equal(e[0].certainty, 60);
    SAYS("banner", "220 Acme CX-1 FTP\r\n", "nmap:ftp:5", "ip-camera", "", "Acme CX-1", "");
    assert_int_equal(judge("ftp", BYTES("220-\r\n220 Acme CX-1 FTP\r\n")), 0); /* ^ is the beginning of the answer */
    assert_int_equal(judge("http", BYTES("220 Acme CX-1 FTP\r\n")), 0);
    SAYS("telnet", "\xff\xfb\x01\r\nAcme T7 v1.2", "nmap:telnet:7", "broadband-router", "Acme", "T7", "1.2");
    SAYS("telnet", "\xff\xfb\x01\n ACME", "nmap:telnet:6", "router", "", "Acme T9", "");
    assert_int_equal(e[0].certainty, 40);
    assert_int_equal(judge("telnet", BYTES("ACME")), 0);
    SAYS("http", "HTTP/1.1 200 OK\r\nX: y\r\n\r\n<b>x</b>  <i>1_2_3</i>", "nmap:http:8", "ip-camera", "Acme", "Acme-Cam P_1", "1.2.3");
    SAYS("https", "HTTP/1.1 401 P\0R\0O\0\xff 7\0\r\n", "nmap:http:9", "printer", "", "Wide PRO 7", "");
    SAYS("snmp", "0\1\2\1\n", "nmap:snmp:10", "switch", "Blue Line", "SW258-2561", ":");
    SAYS("https", "HTTP/1.0 404 x\r\n", "nmap:ssl/http:11", "embedded", "D-Link", "DES 1210-28", "");
    SAYS("ftp", "220 program 7\r\n", "nmap:ftp:13", "printer", "", "", "");
    assert_int_equal(judge("ftp", BYTES("220 drawer\r\n")), 0);
    SAYS("ftp", "220 a 1 box\r\n", "nmap:ftp:16", "nas", "", "Acme 9", "");
    assert_int_equal(judge("ftp", BYTES("220 a 1 oldbox\r\n")), 0); /* only PCRE2 can tell */
    SAYS("banner", "wave", "nmap:wave:18", "", "", "X9", "");
    assert_int_equal(judge("telnet", BYTES("wave")), 0);
    assert_int_equal(judge("modbus", BYTES("wave")), 0);
}

/* What was recorded without its protocol being known may be anything; an industrial answer is never looked at. */
static void judge_records(void)
{
    size_t count = 0;
    struct fact facts[2] = {fact_text(FACT_BANNER, span_text("wave"))};
    struct record r = {.kind = KIND_ANSWER, .facts = facts, .fact_count = 1};
    assert_int_equal(device_judge_record(rules, &r, &arena, e, 16, &count), 0);
    assert_int_equal(count, 1);
    is(e[0].rule, "nmap:wave:18");
    struct fact said[RECORD_FACTS_MAX];
    struct evidence back;
    struct record device = {.kind = KIND_DEVICE, .facts = said};
    device.fact_count = device_facts(&e[0], said);
    device_from_record(&device, &back);
    assert_int_equal(back.field, DEVICE_FIELD_RAW);
    assert_false(back.own);
    facts[1] = fact_text(FACT_NETWORK_PROTOCOL, span_text("telnet"));
    r.fact_count = 2;
    assert_int_equal(device_judge_record(rules, &r, &arena, e, 16, &count), 0);
    assert_int_equal(count, 0);
    facts[1] = fact_text(FACT_ICS_PROTOCOL, span_text("modbus"));
    assert_int_equal(device_judge_record(rules, &r, &arena, e, 16, &count), 0);
    for (size_t i = 0; i < count; i++)
        assert_true(e[i].own);
}

static void answers_are_judged_as_they_came(void **unused)
{
    (void)unused;
    char folder[] = "/tmp/noroshi-nmap-XXXXXX", path[64], cache[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/probes", folder);
    snprintf(cache, sizeof cache, "%s/cache", folder);
    write_file(folder, "probes", probes);
    write_file(folder, "own.yaml", "rules: [{name: own, on: raw, match: ^wave$, class: nas, examples: [wave]}]\n");
    for (int round = 0; round < 2; round++) {
        if (compile_file(folder, path, cache) != 0)
            fail_msg("%s", error.text);
        assert_int_equal(compiled.nmap, 11);
        assert_int_equal(compiled.nmap_left_out, 2); /* one by each library */
        assert_int_equal(compiled.cached, round == 1);
        judge_our_own();
        close_all();
    }
    /* Without it: nothing of it is left, and ours may look at the same field. */
    assert_int_equal(compile_file(folder, "", cache), 0);
    assert_int_equal(compiled.nmap, 0);
    assert_int_equal(judge("ftp", BYTES("220 Acme CX-1 FTP\r\n")), 0);
    assert_int_equal(device_match(rules, DEVICE_FIELD_RAW, BYTES("a\nwave"), &arena, e, 16), 1);
    close_all();
    write_file(folder, "own.yaml", "rules: [{name: own, on: ftp.banner, match: own, class: nas, examples: [own]}]\n");
    assert_int_equal(compile_file(folder, path, NULL), 0);
    judge_records();
    close_all();
    write_file(folder, "probes", "nonsense\n");
    assert_int_equal(compile_file(folder, path, cache), -ERR_CONFIG);
    assert_non_null(strstr(error.text, "/probes:1: expected match"));
    close_all();
    assert_int_equal(compile_file(folder, "/nonexistent/probes", cache), -ERR_CONFIG);
    assert_non_null(strstr(error.text, "/nonexistent/probes: cannot be read"));
    close_all();
    static const char *const files[] = {"probes", "own.yaml", "cache"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(folder), 0);
    arena_done(&arena);
}

/* The file as nmap ships it, where nmap is installed. */
static void the_installed_file_is_read(void **unused)
{
    (void)unused;
    char folder[] = "/tmp/noroshi-nmap-XXXXXX", path[64];
    if (access(INSTALLED, R_OK) != 0) {
        print_message("skipped: " INSTALLED " is not there\n");
        skip();
    }
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/own.yaml", folder);
    write_file(folder, "own.yaml", "rules: [{name: own, on: ftp.banner, match: own, class: nas, examples: [own]}]\n");
    int r = compile_file(folder, INSTALLED, NULL);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    if (r != 0)
        fail_msg("%s", error.text);
    print_message("%zu rules of nmap's, %zu left out\n", compiled.nmap, compiled.nmap_left_out);
    assert_true(compiled.nmap > 3000);
    assert_int_equal(compiled.nmap_left_out, 0);
    static const struct {
        const char *service;
        struct span answer;
        const char *class_, *maker, *model;
    } answers[] = {
        {"ftp", BYTES_INIT("220 JD FTP Server Ready\r\n"), "print-server", "", ""},
        {"ftp", BYTES_INIT("220 AXIS 540+ FTP Network Print Server V6.00 Jul  2 2002 ready.\r\n"), "print-server", "AXIS", "540+"},
        {"ftp", BYTES_INIT("220 FRITZ!BoxWLAN3170 FTP server ready.\r\n"), "access-point", "", "FRITZ!Box WLAN 3170"},
        {"telnet", BYTES_INIT("\xff\xfb\x01\xff\xfb\x03\xff\xfd\x18\r\nTA 908e\r\n\n\n\ruser: "), "router", "Adtran", "TA 908e"},
        {"telnet", BYTES_INIT("220 JD FTP Server Ready\r\n"), "", "", ""},
        {"telnet", BYTES_INIT("\xff\xfc\x01PCS-TL50 Telnet Server\r\nlogin: "), "media-player", "", "Sony PCS-TL50"},
        {"telnet",
         BYTES_INIT("\xff\xfd\x01\xff\xfd\x1f\xff\xfd!\xff\xfb\x01\xff\xfb\x03"
                    "Fritz!Box web password: "),
         "access-point", "", "AVM FRITZ!Box 7170"},
        {"http", BYTES_INIT("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n<html>\n<head>\n<title>MoBif TA-200 Configuration</title>\n</head>"),
         "voip", "", "MoBif TA-200"},
        {"http",
         BYTES_INIT(
             "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<BODY><CENTER><BR><BR><strong><font size=5 face=verdana>SRW224 24-Port 10/100 + 2-Port "
             "Gigabit <BR>"),
         "switch", "Linksys", "SRW224"},
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        size_t count = judge(answers[i].service, answers[i].answer);
        assert_int_equal(count, answers[i].class_[0] != '\0');
        if (count == 0)
            continue;
        is(e[0].class_, answers[i].class_);
        is(e[0].maker, answers[i].maker);
        is(e[0].model, answers[i].model);
    }
    close_all();
    arena_done(&arena);
}

/* The words of nmap's table are classes of ours, its services are ours. */
static void tables_hold(void **unused)
{
    (void)unused;
    static const char *const classes[] = {
#define NMAP_DEVICE(type, class, model) (class),
#include "analyse/device/nmap_devices.def"
#undef NMAP_DEVICE
    };
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        assert_true(classes[i][0] == '\0' || class_rank(span_text(classes[i])) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_that_say_a_device_become_rules),
        cmocka_unit_test(wrong_lines_are_named),
        cmocka_unit_test(long_lines_are_bounded),
        cmocka_unit_test(answers_are_judged_as_they_came),
        cmocka_unit_test(the_installed_file_is_read),
        cmocka_unit_test(tables_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
