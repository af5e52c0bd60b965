/* What the tests of this folder share: exports into memory, read back by another JSON parser. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>

#include "share/sink.h"

static inline int keep(void *user, struct span bytes)
{
    struct buf *b = user;
    buf_span(b, bytes);
    return b->error;
}

static inline struct export *export_into(struct buf *out, const char *sink, bool content)
{
    struct export *e;
    const struct sink_options options = {.content = content};
    assert_non_null(sink_by_name(sink));
    assert_int_equal(export_open(&e, sink_by_name(sink), &options, keep, out), 0);
    return e;
}

static inline void export_one(struct buf *out, const char *sink, bool content, const struct record *record)
{
    struct export *e = export_into(out, sink, content);
    assert_int_equal(export_put(e, record), 0);
    assert_int_equal(export_flush(e), 0);
    export_close(e);
}

/* The lines of an export as a JSON array. */
static inline json_t *lines_of(struct buf *b)
{
    json_t *all = json_array();
    for (struct span left = buf_as_span(b); left.len > 0;) {
        size_t end = span_find(left, '\n');
        assert_true(end < left.len); /* whole lines */
        json_error_t error;
        json_t *line = json_loadb((const char *)left.at, end, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
        if (line == NULL)
            fail_msg("%s in %.*s", error.text, (int)end, (const char *)left.at);
        assert_int_equal(json_array_append_new(all, line), 0);
        left = span_part(left, end + 1, left.len);
    }
    return all;
}

/* A record of our own: session 01…, 192.0.2.1:1024 to 198.51.100.7:23. */
static inline struct record own_record(enum kind kind, const struct fact *facts, size_t count)
{
    struct record r = {.time = INT64_C(1795210864082989),
                       .sensor = span_text("sensor-1"),
                       .kind = kind,
                       .transport = TRANSPORT_TCP,
                       .source = {addr_v4(0xc0000201), 1024},
                       .destination = {addr_v4(0xc6336407), 23},
                       .facts = facts,
                       .fact_count = count};
    r.id = id_digest(r.time, span_text("0123456789"));
    r.session = id_digest(r.time, span_text("abcdefghij"));
    return r;
}
