/* Records as bytes: what is written is read back the same, and every damage is refused. */
#include "record/wire.h"
#include "record/transcript.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct fact sample_facts[] = {
    {.name = FACT_NETWORK_PROTOCOL},
    {.name = FACT_SYN_TTL, .number = 53},
    {.name = FACT_RELAY_IP},
};

static struct record sample(void)
{
    sample_facts[0].text = span_text("telnet");
    sample_facts[2].addr = addr_v4(0xc0000201);
    return (struct record){
        .id = id_new(1700000000000000),
        .time = 1700000000123456,
        .sensor = span_text("sensor-1"),
        .kind = KIND_CONNECTION,
        .transport = TRANSPORT_TCP,
        .source = {addr_v4(0xcb007105), 40000},
        .destination = {addr_v4(0xc6336401), 23},
        .session = id_new(1700000000000000),
        .facts = sample_facts,
        .fact_count = 3,
    };
}

static void reads_back_what_was_written(void **state)
{
    (void)state;
    struct record in = sample(), out;
    struct fact facts[RECORD_FACTS_MAX];
    struct buf b;
    buf_init(&b, 0);
    wire_encode(&b, &in);
    wire_encode(&b, &in);
    assert_int_equal(b.error, 0);
    struct cursor c = cursor_of(buf_as_span(&b));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(wire_decode(&c, &out, facts), 0);
        assert_true(id_equal(in.id, out.id) && id_equal(in.session, out.session));
        assert_int_equal(out.time, in.time);
        assert_int_equal(out.kind, in.kind);
        assert_int_equal(out.transport, in.transport);
        assert_true(addr_equal(in.source.addr, out.source.addr) && out.source.port == 40000 && out.destination.port == 23);
        assert_true(span_equal(in.sensor, out.sensor));
        assert_int_equal(out.fact_count, 3);
        assert_true(span_is(record_fact(&out, FACT_NETWORK_PROTOCOL)->text, "telnet"));
        assert_int_equal(record_fact(&out, FACT_SYN_TTL)->number, 53);
        assert_true(addr_equal(record_fact(&out, FACT_RELAY_IP)->addr, addr_v4(0xc0000201)));
        assert_null(record_fact(&out, FACT_PROFILE));
    }
    assert_int_equal(cursor_left(&c), 0);
    buf_done(&b);
}

static void refuses_every_cut(void **state)
{
    (void)state;
    struct record in = sample(), out;
    struct fact facts[RECORD_FACTS_MAX];
    struct buf b;
    buf_init(&b, 0);
    wire_encode(&b, &in);
    for (size_t len = 0; len < b.len; len++) {
        struct cursor c = cursor_of(span_of(b.data, len));
        assert_int_equal(wire_decode(&c, &out, facts), -ERR_TRUNCATED);
        /* The same cut with a length that claims to be whole. */
        if (len >= 4) {
            uint8_t *copy = malloc(len);
            memcpy(copy, b.data, len);
            copy[2] = (uint8_t)((len - 4) >> 8);
            copy[3] = (uint8_t)(len - 4);
            c = cursor_of(span_of(copy, len));
            assert_int_equal(wire_decode(&c, &out, facts), -ERR_MALFORMED);
            free(copy);
        }
    }
    buf_done(&b);
}

static void refuses_facts_a_kind_may_not_have_and_repeats(void **state)
{
    (void)state;
    struct record in = sample(), out;
    struct fact facts[RECORD_FACTS_MAX];
    struct buf b;
    buf_init(&b, 0);
    wire_encode(&b, &in);
    /* The first fact's name follows the header: 4 + 1 + 16 + 8 + 1 + 1 + 18 + 18 + 16 + 1 + 8 + 1 bytes. */
    size_t at = 4 + 1 + 16 + 8 + 1 + 1 + 18 + 18 + 16 + 1 + 8 + 1;
    static const uint16_t wrong[] = {0, FACT_PASSWORD, FACT_OBSERVER_PRODUCT + 200, 0xffff};
    assert_int_equal(b.data[at + 1], FACT_NETWORK_PROTOCOL);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        b.data[at] = (uint8_t)(wrong[i] >> 8);
        b.data[at + 1] = (uint8_t)wrong[i];
        struct cursor c = cursor_of(buf_as_span(&b));
        assert_int_equal(wire_decode(&c, &out, facts), -ERR_MALFORMED);
    }
    b.data[at] = 0;
    b.data[at + 1] = FACT_NETWORK_PROTOCOL;
    b.data[at + 3] = 0xc3; /* a lone UTF-8 lead byte in the text */
    struct cursor c = cursor_of(buf_as_span(&b));
    assert_int_equal(wire_decode(&c, &out, facts), -ERR_MALFORMED);
    buf_done(&b);
}

static void foreign_bytes_become_clean_text(void **state)
{
    (void)state;
    struct fact facts_in[] = {{.name = FACT_USER_NAME}, {.name = FACT_PASSWORD}};
    facts_in[0].text = span_of("a\0b\xff", 4);
    uint8_t *big = malloc(RECORD_TEXT_MAX + 10);
    memset(big, 'x', RECORD_TEXT_MAX + 10);
    memcpy(big + RECORD_TEXT_MAX - 1, "\xc3\xa9", 2); /* a character across the cap */
    facts_in[1].text = span_of(big, RECORD_TEXT_MAX + 10);
    struct record in = sample(), out;
    in.kind = KIND_LOGIN;
    in.facts = facts_in;
    in.fact_count = 2;
    struct fact facts[RECORD_FACTS_MAX];
    struct buf b;
    buf_init(&b, 0);
    wire_encode(&b, &in);
    struct cursor c = cursor_of(buf_as_span(&b));
    assert_int_equal(wire_decode(&c, &out, facts), 0);
    assert_true(span_is(out.facts[0].text, "a\\x00b\\xff") || span_is(out.facts[0].text, "a\\x00b\\xFF"));
    assert_true(out.facts[1].text.len <= RECORD_TEXT_MAX && out.facts[1].text.len >= RECORD_TEXT_MAX - 8);
    free(big);
    buf_done(&b);
}

static void tables_are_whole(void **state)
{
    (void)state;
    for (unsigned i = 0; i < KIND_LIMIT; i++) {
        const struct kind_info *info = kind_info(i);
        if (info == NULL)
            continue;
        assert_ptr_equal(kind_by_name(span_text(info->name)), info);
        assert_true(info->fact_count > 0 && info->fact_count <= RECORD_FACTS_MAX);
        for (size_t f = 0; f < info->fact_count; f++) {
            assert_non_null(fact_info(info->facts[f]));
            assert_true(kind_has(info->kind, info->facts[f]));
        }
    }
    const struct fact_info *fact = fact_by_name(span_text("file.hash.sha256"));
    assert_non_null(fact);
    assert_string_equal(fact->column, "file_hash_sha256");
    assert_null(fact_info(0));
    assert_null(fact_info(FACT_LIMIT));
    assert_null(kind_info(KIND_LIMIT));
}

static void transcript_keeps_time_and_direction(void **state)
{
    (void)state;
    struct transcript t = {0};
    buf_init(&t.bytes, 200);
    transcript_add(&t, 1000, TRANSCRIPT_SENT, span_text("login: "));
    transcript_add(&t, 1500, TRANSCRIPT_RECEIVED, span_text("root\r\n"));
    uint8_t many[300] = {0};
    transcript_add(&t, 1600, TRANSCRIPT_RECEIVED, span_of(many, sizeof many));
    assert_true(t.bytes.len <= 200 && t.cut > 100);
    struct cursor c = cursor_of(buf_as_span(&t.bytes));
    struct transcript_piece piece;
    assert_int_equal(transcript_next(&c, &piece), 1);
    assert_true(piece.direction == TRANSCRIPT_SENT && piece.after == 0 && span_is(piece.bytes, "login: "));
    assert_int_equal(transcript_next(&c, &piece), 1);
    assert_true(piece.direction == TRANSCRIPT_RECEIVED && piece.after == 500 && span_is(piece.bytes, "root\r\n"));
    assert_int_equal(transcript_next(&c, &piece), 1);
    assert_int_equal(piece.bytes.len + t.cut, 300);
    assert_int_equal(transcript_next(&c, &piece), 0);
    c = cursor_of(span_of(t.bytes.data, t.bytes.len - 1));
    assert_int_equal(transcript_next(&c, &piece), 1);
    assert_int_equal(transcript_next(&c, &piece), 1);
    assert_int_equal(transcript_next(&c, &piece), -ERR_MALFORMED);
    buf_done(&t.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_back_what_was_written),
        cmocka_unit_test(refuses_every_cut),
        cmocka_unit_test(refuses_facts_a_kind_may_not_have_and_repeats),
        cmocka_unit_test(foreign_bytes_become_clean_text),
        cmocka_unit_test(tables_are_whole),
        cmocka_unit_test(transcript_keeps_time_and_direction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
