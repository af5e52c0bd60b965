/* Frames of records from an untrusted peer: what decodes keeps every promise of types.h and, encoded again, is the same record. */
#include "record/wire.h"
#include "base/text.h"
#include "record/transcript.h"

#include "target.h"

#include <assert.h>

static void check_fact(const struct record *record, size_t at)
{
    const struct fact *fact = &record->facts[at];
    const struct fact_info *info = fact_info((unsigned)fact->name);
    assert(info != NULL && kind_has(record->kind, fact->name));
    assert(record_fact(record, fact->name) == fact); /* none twice */
    if (info->type != FACT_TYPE_TEXT && info->type != FACT_TYPE_BYTES)
        return;
    if (info->type == FACT_TYPE_TEXT) {
        assert(fact->text.len <= RECORD_TEXT_MAX && text_utf8_valid(fact->text) == fact->text.len);
        assert(span_find(fact->text, 0) == fact->text.len);
    }
    if (fact->name == FACT_TRANSCRIPT) {
        struct cursor c = cursor_of(fact->text);
        struct transcript_piece piece;
        while (transcript_next(&c, &piece) == 1)
            assert(piece.bytes.len <= fact->text.len);
    }
}

static void check_record(const struct record *record)
{
    assert(kind_info((unsigned)record->kind) != NULL);
    assert(record->transport <= TRANSPORT_ICMP);
    assert(record->sensor.len >= 1 && record->sensor.len <= RECORD_SENSOR_MAX);
    assert(record->fact_count <= RECORD_FACTS_MAX);
    for (size_t i = 0; i < record->fact_count; i++)
        check_fact(record, i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct cursor c = cursor_of(span_of(data, len));
    struct fact facts[RECORD_FACTS_MAX], facts_again[RECORD_FACTS_MAX];
    struct record record, again;
    struct buf frame;
    buf_init(&frame, 0);
    for (;;) {
        const uint8_t *start = c.at;
        if (wire_decode(&c, &record, facts) != 0) {
            assert(c.at == start); /* nothing is taken of what is not whole */
            break;
        }
        check_record(&record);
        buf_clear(&frame);
        wire_encode(&frame, &record);
        assert(frame.error == 0);
        struct cursor back = cursor_of(buf_as_span(&frame));
        assert(wire_decode(&back, &again, facts_again) == 0 && cursor_left(&back) == 0);
        struct buf second;
        buf_init(&second, 0);
        wire_encode(&second, &again);
        assert(span_equal(buf_as_span(&frame), buf_as_span(&second)));
        buf_done(&second);
    }
    buf_done(&frame);
    return 0;
}
