/* What the fuzzers of readers have in common: any bytes, compressed or not; what a reader states must be records that the wire takes. */
#pragma once

#include "observe/import/import.h"
#include "record/wire.h"

#include "target.h"

/* The same, having gone over the wire; views are the caller's facts'. */
static inline struct record over_the_wire(const struct record *record, struct buf *frame, struct fact facts[static RECORD_FACTS_MAX])
{
    struct record back;
    wire_encode(frame, record);
    MUST(frame->error == 0);
    struct cursor c = cursor_of(buf_as_span(frame));
    MUST(wire_decode(&c, &back, facts) == 0);
    MUST(id_equal(back.id, record->id) && back.fact_count == record->fact_count && back.time == record->time);
    return back;
}

static inline int fuzz_reader(const char *format, int (*put)(void *user, const struct record *), const uint8_t *data, size_t len)
{
    struct import_totals totals;
    struct import_options options = {.format = format, .put = put};
    MUST(import_bytes(&options, "fuzz", span_of(data, len), &totals) == 0);
    MUST(totals.files == 1);
    size_t count;
    const struct reader *const *readers = readers_all(&count);
    for (size_t i = 0; i < count; i++) {
        int sure = readers[i]->sniff(span_of(data, len));
        MUST(sure >= 0 && sure <= 100);
    }
    return 0;
}
