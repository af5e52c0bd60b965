#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "harness.h"
#include "probe/ics.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- transcripts ---- */

static struct span unhex(const char *text, uint8_t *bytes, size_t size)
{
    size_t len = strlen(text) / 2;
    assert_true(len <= size);
    assert_int_equal(text_unhex(span_text(text), bytes, len), 0);
    return span_of(bytes, len);
}

static const struct probe *probe_called(const char *name)
{
    const struct probe *probe = probe_by_name(span_text(name));
    assert_non_null(probe);
    return probe;
}

static void has(struct talk *t, const char *text)
{
    if (strstr(harness_summary(t), text) == NULL)
        fail_msg("not found: %s\nin:\n%s", text, harness_summary(t));
}

static void said(const struct talk *t, const char *hex)
{
    char text[2 * HARNESS_SAID_MAX + 1];
    assert_string_equal(text_hex(buf_as_span(&t->said), text), hex);
}

/* What a host sends over TCP, at any cut, gives this. */
static struct talk *converse(const char *name, const char *hex)
{
    uint8_t bytes[2048];
    return harness_every_cut(probe_called(name), 0, unhex(hex, bytes, sizeof bytes));
}

static void modbus_names_the_device(void **state)
{
    (void)state;
    struct talk *t = converse(
        "modbus", "00010000003aff2b0e0101000004000d4578616d706c6520576f726b73010745583130323420020656312e322e3305104578616d706c652050616e656c203120");
    said(t, "000100000005ff2b0e0100");
    assert_int_equal(t->says, 1);
    has(t, "ending=answered\n");
    has(t, "device.manufacturer=Example Works\n");
    has(t, "device.model.name=Example Panel 1\n");
    has(t, "noroshi.device.firmware=V1.2.3\n");
    has(t, "noroshi.ics.protocol=modbus\n");
    has(t, "product code: EX1024");
    harness_free(t);
}

static void modbus_that_does_not_know_the_question(void **state)
{
    (void)state;
    struct talk *t = converse("modbus", "000100000003ffab01");
    has(t, "ending=answered\n");
    has(t, "noroshi.ics.protocol=modbus\n");
    has(t, "noroshi.detail=exception: illegal function\\nunit: 255\\n");
    assert_null(harness_fact(t, FACT_DEVICE_MAKER));
    harness_free(t);
}

static void another_protocol_at_the_port(void **state)
{
    (void)state;
    static const char *const names[] = {"modbus", "s7", "fox", "enip", "dnp3"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct talk *t = harness_every_cut(probe_called(names[i]), 0, span_text("SSH-2.0-OpenSSH_9.2\r\n"));
        has(t, "ending=other protocol\n");
        assert_int_equal(t->fact_count, 0);
        assert_int_equal(t->says, 1);
        harness_free(t);
        t = harness_talk(probe_called(names[i]), 0, (struct span){0}, 0);
        has(t, "ending=silent\n");
        assert_int_equal(t->fact_count, 0);
        harness_free(t);
    }
}

static void bacnet_names_the_device(void **state)
{
    (void)state;
    uint8_t bytes[512];
    /* Vendor's name in UTF-8, vendor id, model in UCS-2, firmware in ISO 8859-1, software not there (an error), the object's name, the serial number.
     */
    struct span answer = unhex("810a0060010030010e0c020000071e29794e7509004578616d706c65734f29784e2205dc4f29464e750704004d005800e94f292c4e75050576312"
                               "ee94f290c5e910291205f294d4e750800526f6f6d2037324f2a01744e750500534e2d314f1f",
                               bytes, sizeof bytes);
    struct talk *t = harness_talk(probe_called("bacnet"), 0, answer, 0);
    said(t, "810a002001040005010e0c023fffff1e097909780946092c090c094d0a01741f");
    has(t, "ending=answered\n");
    has(t, "device.manufacturer=Examples\n");
    has(t, "device.model.name=MX\xc3\xa9\n");
    has(t, "noroshi.device.firmware=v1.\xc3\xa9\n");
    has(t, "noroshi.device.serial=SN-1\n");
    has(t, "noroshi.ics.protocol=bacnet\n");
    has(t, "vendor id: 1500");
    has(t, "device instance: 7");
    has(t, "object name: Room 72");
    harness_free(t);
}

static void bacnet_that_is_too_small_for_the_question(void **state)
{
    (void)state;
    uint8_t bytes[64];
    struct talk *t = harness_talk(probe_called("bacnet"), 0, unhex("810a00090100600109", bytes, sizeof bytes), 0);
    has(t, "ending=answered\n");
    has(t, "noroshi.detail=answer: rejected\\nreason: 9\\n");
    assert_int_equal(t->says, 1);
    harness_free(t);
    /* Through a router, and by a broadcast management device; an id that the table knows. */
    t = harness_talk(probe_called("bacnet"), 0, unhex("8104001ec0000201bac00108000501071000c40200000922040091032105", bytes, sizeof bytes), 0);
    has(t, "device.manufacturer=Johnson Controls\n");
    has(t, "device instance: 9");
    harness_free(t);
    /* A datagram that is cut is not waited for as if it were a stream; one of another service is none of it. */
    t = harness_talk(probe_called("bacnet"), 0, unhex("810a0017010030", bytes, sizeof bytes), 0);
    has(t, "ending=deadline\n");
    harness_free(t);
    t = harness_talk(probe_called("bacnet"), 0, span_text("HTTP/1.1 200 OK\r\n"), 0);
    has(t, "ending=other protocol\n");
    harness_free(t);
}

#define COTP_CONFIRM "0300001611d00001000200c0010ac1020100c2020102"
#define S7_SET_UP "0300001b02f080320300000100000800000000f0000001000100f0"

static void s7_names_the_device(void **state)
{
    (void)state;
    struct talk *t =
        converse("s7", COTP_CONFIRM S7_SET_UP
                 "0300007d02f080320700000200000c0060000112081284010100000000ff09005c00110000001c0003000136455337203331352d32454831342d304142302000c00"
                 "0040001000636455337203331352d32454831342d304142302000c0000400010007202020202020202020202020202020202020202000c056030206");
    said(t, "0300001611e00000000100c0010ac1020100c2020102"
            "0300001902f08032010000000100080000f0000001000101e0"
            "0300002102f080320700000002000800080001120411440100ff09000400110000");
    assert_int_equal(t->says, 3);
    has(t, "ending=answered\n");
    has(t, "device.manufacturer=Siemens\n");
    has(t, "device.model.name=SIMATIC S7-300 CPU 315-2 PN/DP (6ES7 315-2EH14-0AB0)\n");
    has(t, "noroshi.device.firmware=V3.2.6\n");
    has(t, "noroshi.ics.protocol=s7\n");
    harness_free(t);
}

static void s7_that_refuses(void **state)
{
    (void)state;
    /* COTP's disconnect request: whatever it is, it did not speak S7. */
    struct talk *t = converse("s7", "0300000b06800001000000");
    has(t, "ending=other protocol\n");
    assert_int_equal(t->says, 1);
    assert_int_equal(t->fact_count, 0);
    harness_free(t);
    /* No such list: not asked for another. */
    t = converse("s7", COTP_CONFIRM S7_SET_UP "0300002102f080320700000200000c000400011208128401010000d4010a000000");
    assert_int_equal(t->says, 3);
    has(t, "ending=answered\n");
    has(t, "noroshi.ics.protocol=s7\n");
    has(t, "list: not available");
    harness_free(t);
}

static const char hello[] =
    "fox a 0 -1 fox hello\n{\nfox.version=s:1.0\nid=i:7\nhostName=s:station.example\nhostAddress=s:192.0.2.9\napp.name=s:Station\n"
    "app.version=s:3.8.41.2\nvm.name=s:J9\nos.name=s:QNX\nos.version=s:6.4.1\nstation.name=s:Example\nlang=s:en\n"
    "hostId=s:Qnx-NPM6-0000-12AB-34CD\nbrandId=s:WEBs-AX\nsysInfo=o:bog 61[<bog version=\"1.0\">\n</bog>\n]\n};;\n";

static void fox_names_the_station(void **state)
{
    (void)state;
    struct talk *t = harness_every_cut(probe_called("fox"), 0, span_text(hello));
    assert_int_equal(t->says, 1);
    has(t, "ending=answered\n");
    has(t, "device.manufacturer=Honeywell\n");
    has(t, "device.model.name=JACE NPM6\n");
    has(t, "noroshi.device.firmware=3.8.41.2\n");
    has(t, "noroshi.device.serial=Qnx-NPM6-0000-12AB-34CD\n");
    has(t, "station: Example");
    has(t, "os version: 6.4.1");
    harness_free(t);
    t = harness_every_cut(probe_called("fox"), 0, span_text("fox a 0 1 fox rejected\n{\n};;\n"));
    has(t, "ending=answered\n");
    has(t, "answer: rejected");
    harness_free(t);
}

static void enip_names_the_device(void **state)
{
    (void)state;
    struct talk *t = converse("enip", "63003300000000000000000000000000000000000000000001000c002d0001000002af12c0000209000000000000000001000e0068000a"
                                      "043000785634120b313735362d454e3354523103");
    said(t, "630000000000000000000000000000000000000000000000");
    has(t, "ending=answered\n");
    has(t, "device.manufacturer=Rockwell Automation\n");
    has(t, "device.model.name=1756-EN3TR1\n");
    has(t, "noroshi.device.firmware=10.004\n");
    has(t, "noroshi.device.serial=12345678\n");
    has(t, "device profile: programmable logic controller");
    harness_free(t);
    /* It speaks the protocol and lists nothing. */
    t = converse("enip", "630000000000000001000000000000000000000000000000");
    has(t, "noroshi.ics.protocol=enip\n");
    has(t, "noroshi.detail=status: 1\\n");
    harness_free(t);
}

static void dnp3_answers_its_link_status(void **state)
{
    (void)state;
    struct talk *t = converse("dnp3", "0564050b00000100baf0");
    said(t, "056405c901000000de8e");
    has(t, "ending=answered\n");
    has(t, "noroshi.ics.protocol=dnp3\n");
    has(t, "noroshi.detail=answer: link status\\naddress: 1\\npeer address: 0\\n");
    harness_free(t);
    t = converse("dnp3", "0564050f00000100a27c");
    has(t, "answer: not supported");
    harness_free(t);
    /* A wrong checksum is not DNP3. */
    t = converse("dnp3", "0564050b00000100baf1");
    has(t, "ending=other protocol\n");
    harness_free(t);
}

static void all_are_industrial_and_ask_once(void **state)
{
    (void)state;
    static const char *const names[] = {"modbus", "bacnet", "s7", "fox", "enip", "dnp3"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct probe *probe = probe_called(names[i]);
        assert_int_equal(probe->care, CARE_ICS);
        assert_false(probe->tls);
        assert_ptr_equal(probe_for_port(probe->ports[0], probe->over), probe);
        struct ics_identity id;
        assert_int_equal(ics_decode(span_text(names[i]), (struct span){0}, &id), -ERR_TRUNCATED);
    }
    struct ics_identity id;
    assert_int_equal(ics_decode(span_text("http"), span_text("x"), &id), -ERR_UNKNOWN);
}

static void texts_are_cleaned(void **state)
{
    (void)state;
    char text[ICS_TEXT_MAX + 1];
    ics_text(text, span_text("  A\x1b[2J\xff\xc2\x9b\xc3\xa9 B \r\n"));
    assert_string_equal(text, "A[2J\xc3\xa9 B");
    ics_text(text, span_of("Ab\0cd", 5));
    assert_string_equal(text, "Ab");
    char longest[400];
    memset(longest, 'x', sizeof longest);
    ics_text(text, span_of(longest, sizeof longest));
    assert_int_equal(strlen(text), ICS_TEXT_MAX);
    struct ics_identity id = {.protocol = NULL};
    for (unsigned i = 0; i < 100; i++)
        ics_detail(&id, "name", span_of(longest, sizeof longest));
    assert_true(strlen(id.detail) <= ICS_DETAIL_MAX && id.detail[strlen(id.detail) - 1] == '\n');
}

/* ---- answers of real devices, when they are there ---- */

struct tally {
    size_t records, right;
};

static bool says(const struct ics_identity *id, const char *text)
{
    return strcmp(id->maker, text) == 0 || strcmp(id->model, text) == 0 || strcmp(id->firmware, text) == 0 || strcmp(id->serial, text) == 0 ||
           strstr(id->detail, text) != NULL || strstr(id->model, text) != NULL;
}

/* As a decoder cleans it: the truth of some records holds NULs and blanks. */
static bool says_json(const struct ics_identity *id, const json_t *value)
{
    char text[ICS_TEXT_MAX + 1];
    ics_text(text, span_of(json_string_value(value), json_string_length(value)));
    return says(id, text);
}

static bool is_text(const json_t *object, const char *key, const char *field)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL)
        return true;
    char text[ICS_TEXT_MAX + 1];
    ics_text(text, span_of(json_string_value(value), json_string_length(value)));
    return strcmp(text, field) == 0;
}

static bool right_modbus(const struct ics_identity *id, const json_t *truth)
{
    bool named = json_object_get(truth, "model_name") != NULL;
    return is_text(truth, "vendor", id->maker) && is_text(truth, named ? "model_name" : "product_code", id->model) &&
           is_text(truth, "revision", id->firmware) && says_json(id, json_object_get(truth, "product_code"));
}

/* "firmware-revision: ISO 10646 UCS-2 '5.1.0.4400'", "vendor-identifier: (Unsigned) 5" */
static bool right_bacnet(const struct ics_identity *id, const json_t *truth)
{
    const char *property = json_string_value(json_object_get(truth, "property"));
    const char *detail = json_string_value(json_array_get(json_object_get(truth, "detail"), 0));
    if (strcmp(property, "vendor-identifier") == 0)
        return strcmp(id->maker, "Johnson Controls") == 0 && strstr(id->detail, "vendor id: 5\n") != NULL;
    if (detail == NULL || strchr(detail, '\'') == NULL)
        return strncmp(property, "object-", 7) == 0 && id->detail[0] != '\0';
    char text[ICS_TEXT_MAX + 1];
    const char *from = strchr(detail, '\'') + 1;
    ics_text(text, span_of(from, strcspn(from, "'")));
    if (text[0] == '\0')
        return true;
    const char *field = strcmp(property, "vendor-name") == 0         ? id->maker
                        : strcmp(property, "model-name") == 0        ? id->model
                        : strcmp(property, "firmware-revision") == 0 ? id->firmware
                                                                     : id->detail;
    return strcmp(field, text) == 0;
}

static bool right_i_am(const struct ics_identity *id, const json_t *truth)
{
    char text[64];
    (void)snprintf(text, sizeof text, "device instance: %s\n", json_string_value(json_object_get(truth, "device_instance")));
    bool instance = strstr(id->detail, text) != NULL;
    (void)snprintf(text, sizeof text, "vendor id: %s\n", json_string_value(json_object_get(truth, "vendor_identifier")));
    return instance && strstr(id->detail, text) != NULL;
}

static bool right_s7(const struct ics_identity *id, const json_t *truth)
{
    const json_t *strings = json_object_get(truth, "ascii_strings");
    bool right = strcmp(id->maker, "Siemens") == 0;
    for (size_t i = 0; i < json_array_size(strings); i++) {
        const json_t *text = json_array_get(strings, i);
        /* The boot loader is of no interest; a copyright is. */
        if (json_string_length(text) > 0 && strcmp(json_string_value(text), "Boot Loader") != 0)
            right = says_json(id, text) && right;
    }
    return right;
}

static bool right_fox(const struct ics_identity *id, const json_t *truth)
{
    return strcmp(id->maker, "Tridium") == 0 && is_text(truth, "app.version", id->firmware) && is_text(truth, "hostId", id->serial) &&
           strncmp(id->model, "JACE", 4) == 0 && says_json(id, json_object_get(truth, "station.name")) &&
           says_json(id, json_object_get(truth, "os.version"));
}

static const struct {
    const char *proto, *service;
    bool (*right)(const struct ics_identity *, const json_t *);
} truths[] = {
    {"modbus-mei", "modbus", right_modbus},
    {"bacnet", "bacnet", right_bacnet},
    {"bacnet-iam", "bacnet", right_i_am},
    {"s7-szl", "s7", right_s7},
    {"fox", "fox", right_fox},
};

/* Addresses and names inside the answers are other people's: only numbers of lines are shown. */
static void check_line(struct tally *tally, const char *line)
{
    uint8_t bytes[4096];
    json_t *root = json_loads(line, JSON_ALLOW_NUL, NULL);
    assert_non_null(root);
    const char *proto = json_string_value(json_object_get(root, "proto"));
    struct span answer = unhex(json_string_value(json_object_get(root, "response_hex")), bytes, sizeof bytes);
    bool right = false;
    for (size_t i = 0; i < sizeof truths / sizeof truths[0]; i++) {
        if (strcmp(proto, truths[i].proto) != 0)
            continue;
        struct ics_identity id;
        int r = ics_decode(span_text(truths[i].service), answer, &id);
        right = r == 0 && id.protocol != NULL && truths[i].right(&id, json_object_get(root, "truth"));
    }
    tally->records++;
    tally->right += right;
    if (!right)
        print_message("%s: record %zu is not as stated\n", proto, tally->records);
    json_decref(root);
}

static struct tally check_file(const char *name)
{
    struct tally tally = {0};
    char path[4096];
    const char *shared = getenv("NOROSHI_SHARED");
    (void)snprintf(path, sizeof path, "%s/data/banners/ics/%s", shared != NULL ? shared : "../shared", name);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        print_message("SKIPPED: there is no data/banners/ics/%s below NOROSHI_SHARED\n", name);
        skip();
    }
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, file) > 0)
        check_line(&tally, line);
    free(line);
    (void)fclose(file);
    print_message("%s: %zu of %zu as stated\n", name, tally.right, tally.records);
    return tally;
}

static void answers_of_real_devices(void **state)
{
    (void)state;
    struct tally tally = check_file("ics.jsonl");
    assert_int_equal(tally.right, tally.records);
    assert_true(tally.records >= 49);
}

static void answers_of_real_modbus_devices(void **state)
{
    (void)state;
    struct tally tally = check_file("modbus_mei_reencoded.jsonl");
    assert_int_equal(tally.right, tally.records);
    assert_true(tally.records >= 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modbus_names_the_device),
        cmocka_unit_test(modbus_that_does_not_know_the_question),
        cmocka_unit_test(another_protocol_at_the_port),
        cmocka_unit_test(bacnet_names_the_device),
        cmocka_unit_test(bacnet_that_is_too_small_for_the_question),
        cmocka_unit_test(s7_names_the_device),
        cmocka_unit_test(s7_that_refuses),
        cmocka_unit_test(fox_names_the_station),
        cmocka_unit_test(enip_names_the_device),
        cmocka_unit_test(dnp3_answers_its_link_status),
        cmocka_unit_test(all_are_industrial_and_ask_once),
        cmocka_unit_test(texts_are_cleaned),
        cmocka_unit_test(answers_of_real_devices),
        cmocka_unit_test(answers_of_real_modbus_devices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
