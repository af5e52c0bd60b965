/* What the fuzzers of passive DNS have in common: any bytes; what a reader states must be records that the wire takes. */
#pragma once

#include "observe/import/import.h"
#include "record/wire.h"

#include "target.h"

static inline int put_resolution(void *user, const struct record *record)
{
    (void)user;
    struct buf frame;
    buf_init(&frame, 0);
    wire_encode(&frame, record);
    MUST(frame.error == 0);
    struct cursor c = cursor_of(buf_as_span(&frame));
    struct record back;
    struct fact facts[RECORD_FACTS_MAX];
    MUST(wire_decode(&c, &back, facts) == 0);
    MUST(id_equal(back.id, record->id) && back.fact_count == record->fact_count && back.time == record->time);
    const struct fact *name = record_fact(&back, FACT_HOST_NAME), *type = record_fact(&back, FACT_DNS_TYPE);
    const struct fact *first = record_fact(&back, FACT_FIRST_SEEN), *last = record_fact(&back, FACT_LAST_SEEN);
    MUST(back.kind == KIND_RESOLUTION && name != NULL && name->text.len > 0 && name->text.len <= 253 && type != NULL);
    MUST(first != NULL && last != NULL && first->number >= 0 && first->number <= last->number && last->number == back.time);
    buf_done(&frame);
    return 0;
}

static inline int fuzz_resolutions(const char *format, const uint8_t *data, size_t len)
{
    struct import_totals totals;
    struct import_options options = {.format = format, .put = put_resolution};
    MUST(import_bytes(&options, "fuzz", span_of(data, len), &totals) == 0);
    size_t count;
    const struct reader *const *readers = readers_all(&count);
    for (size_t i = 0; i < count; i++) {
        int sure = readers[i]->sniff(span_of(data, len));
        MUST(sure >= 0 && sure <= 100);
    }
    return 0;
}
