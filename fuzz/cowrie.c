/* The Cowrie reader on any bytes as a log, compressed or not: what it states must be records that the wire takes, and that every sink gives
 * away as lines of JSON. */
#include <jansson.h>

#include "base/err.h"
#include "observe/import/import.h"
#include "record/wire.h"
#include "share/sink.h"

#include "target.h"

static int check_lines(void *user, struct span bytes)
{
    (void)user;
    while (bytes.len > 0) {
        size_t end = span_find(bytes, '\n');
        json_error_t error;
        json_t *line = end < bytes.len ? json_loadb((const char *)bytes.at, end, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error) : NULL;
        MUST(json_is_object(line));
        json_decref(line);
        bytes = span_part(bytes, end + 1, bytes.len);
    }
    return 0;
}

static struct export *exports[2];

static int put(void *user, const struct record *record)
{
    (void)user;
    for (size_t i = 0; i < 2; i++)
        MUST(export_put(exports[i], record) == 0 && export_flush(exports[i]) == 0);
    struct buf frame;
    buf_init(&frame, 0);
    wire_encode(&frame, record);
    MUST(frame.error == 0);
    struct cursor c = cursor_of(buf_as_span(&frame));
    struct record back;
    struct fact facts[RECORD_FACTS_MAX];
    MUST(wire_decode(&c, &back, facts) == 0);
    MUST(id_equal(back.id, record->id) && back.fact_count == record->fact_count && back.time == record->time);
    MUST(!id_is_zero(record->session) || record->source.port == 0 || record->transport == TRANSPORT_NONE);
    buf_done(&frame);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct import_totals totals, sniffed;
    const struct sink_options content = {.content = true};
    MUST(export_open(&exports[0], sink_by_name("ecs"), &content, check_lines, NULL) == 0);
    MUST(export_open(&exports[1], sink_by_name("cowrie"), &content, check_lines, NULL) == 0);
    struct import_options options = {.format = "cowrie", .put = put, .zone_minutes = 540};
    MUST(import_bytes(&options, "fuzz", span_of(data, len), &totals) == 0);
    MUST(totals.skipped + totals.records <= 2 * totals.lines && totals.files == 1);
    options.format = NULL;
    MUST(import_bytes(&options, "fuzz", span_of(data, len), &sniffed) == 0);
    MUST(sniffed.records == totals.records || sniffed.records == 0);
    export_close(exports[0]);
    export_close(exports[1]);
    return 0;
}
