#include "check.h"

static const char *text_at(const json_t *root, const char *path)
{
    char part[64];
    for (const char *dot; (dot = strchr(path, '.')) != NULL; path = dot + 1) {
        (void)snprintf(part, sizeof part, "%.*s", (int)(dot - path), path);
        root = json_object_get(root, part);
    }
    return json_string_value(json_object_get(root, path));
}

static void a_document_is_nested_and_exact(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 0);
    const struct fact facts[] = {fact_text(FACT_EVENT_OUTCOME, span_text("success")), fact_text(FACT_NETWORK_PROTOCOL, span_text("telnet")),
                                 fact_text(FACT_USER_NAME, span_text("ro\"ot")), fact_text(FACT_PASSWORD, span_text("\x1b[2J"))};
    struct record record = own_record(KIND_LOGIN, facts, 4);
    export_one(&out, "ecs", false, &record);
    assert_string_equal(buf_cstr(&out),
                        "{\"@timestamp\":\"2026-11-20T21:41:04.082989Z\",\"destination\":{\"ip\":\"198.51.100.7\",\"port\":23},"
                        "\"ecs\":{\"version\":\"8.11.0\"},\"event\":{\"category\":[\"authentication\"],\"dataset\":\"noroshi.login\","
                        "\"id\":\"01M7XEFSEJ60RK4CSM6MV3EE1S\",\"kind\":\"event\",\"module\":\"noroshi\",\"outcome\":\"success\"},"
                        "\"network\":{\"protocol\":\"telnet\",\"transport\":\"tcp\"},"
                        "\"noroshi\":{\"password\":\"\\u001b[2J\",\"session\":{\"id\":\"01M7XEFSEJC5H66S35CSKPGTBA\"}},"
                        "\"observer\":{\"name\":\"sensor-1\"},\"source\":{\"ip\":\"192.0.2.1\",\"port\":1024},\"user\":{\"name\":\"ro\\\"ot\"}}\n");
    buf_done(&out);
}

static void every_fact_of_every_kind_is_in_its_place(void **state)
{
    (void)state;
    for (unsigned k = 1; k < KIND_LIMIT; k++) {
        const struct kind_info *kind = kind_info(k);
        if (kind == NULL)
            continue;
        struct fact facts[RECORD_FACTS_MAX];
        assert_true(kind->fact_count <= RECORD_FACTS_MAX);
        for (size_t i = 0; i < kind->fact_count; i++) {
            facts[i] = (struct fact){.name = kind->facts[i]};
            if (fact_info(kind->facts[i])->type == FACT_TYPE_INT)
                facts[i].number = 7;
            else if (fact_info(kind->facts[i])->type == FACT_TYPE_ADDR)
                facts[i].addr = addr_v4(0xc0000201);
            else
                facts[i].text = span_text("\xff\x01z");
        }
        struct record record = own_record(kind->kind, facts, kind->fact_count);
        struct buf out;
        buf_init(&out, 0);
        export_one(&out, "ecs", true, &record);
        json_t *lines = lines_of(&out);
        const json_t *root = json_array_get(lines, 0);
        assert_int_equal(json_array_size(lines), 1);
        for (size_t i = 0; i < kind->fact_count; i++) {
            const struct fact_info *info = fact_info(kind->facts[i]);
            char path[64];
            (void)snprintf(path, sizeof path, "%s", info->text);
            const json_t *at = root;
            for (char *part = path, *dot; part != NULL; part = dot) {
                dot = strchr(part, '.');
                if (dot != NULL)
                    *dot++ = '\0';
                at = json_object_get(at, part);
            }
            if (at == NULL)
                fail_msg("%s is missing in %s", info->text, buf_cstr(&out));
            if (info->type == FACT_TYPE_INT)
                assert_int_equal(json_integer_value(at), 7);
            else
                assert_string_equal(json_string_value(at), info->type == FACT_TYPE_ADDR    ? "192.0.2.1"
                                                           : info->type == FACT_TYPE_BYTES ? "/wF6"
                                                                                           : "\xef\xbf\xbd\x01z");
        }
        assert_string_equal(text_at(root, "ecs.version"), "8.11.0");
        json_decref(lines);
        buf_done(&out);
    }
}

static void content_stays_at_home_unless_asked_for(void **state)
{
    (void)state;
    const struct fact facts[] = {fact_text(FACT_CONTENT, span_text("\x7f"
                                                                   "ELF"))};
    struct record record = own_record(KIND_SAMPLE, facts, 1);
    record.source = record.destination = (struct endpoint){0};
    record.session = (struct id){0};
    record.transport = TRANSPORT_NONE;
    struct buf out;
    buf_init(&out, 0);
    export_one(&out, "ecs", false, &record);
    assert_null(strstr(buf_cstr(&out), "content"));
    assert_null(strstr(buf_cstr(&out), "source"));
    assert_null(strstr(buf_cstr(&out), "session"));
    buf_clear(&out);
    export_one(&out, "ecs", true, &record);
    assert_non_null(strstr(buf_cstr(&out), "\"noroshi\":{\"content\":\"f0VMRg==\"}"));
    buf_done(&out);
}

static int refuse(void *user, struct span bytes)
{
    (void)user;
    (void)bytes;
    return -5;
}

static void large_exports_go_out_in_pieces_and_errors_end_them(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 0);
    const struct record record = own_record(KIND_CONNECTION, NULL, 0);
    struct export *e = export_into(&out, "ecs", false);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(export_put(e, &record), 0);
    assert_true(out.len > 100000);
    assert_int_equal(export_flush(e), 0);
    assert_int_equal(export_flush(e), 0);
    export_close(e);
    json_t *lines = lines_of(&out);
    assert_int_equal(json_array_size(lines), 1000);
    json_decref(lines);
    buf_done(&out);
    const struct sink_options options = {0};
    assert_int_equal(export_open(&e, sink_by_name("ecs"), &options, refuse, NULL), 0);
    assert_int_equal(export_put(e, &record), 0);
    assert_int_equal(export_flush(e), -5);
    export_close(e);
    export_close(NULL);
    size_t count;
    (void)sinks_all(&count);
    assert_int_equal(count, 2);
    assert_null(sink_by_name("nonsense"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_is_nested_and_exact),
        cmocka_unit_test(every_fact_of_every_kind_is_in_its_place),
        cmocka_unit_test(content_stays_at_home_unless_asked_for),
        cmocka_unit_test(large_exports_go_out_in_pieces_and_errors_end_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
