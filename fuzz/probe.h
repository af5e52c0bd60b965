/*
 * A probe on whatever a host sends: in pieces of the size the first byte tells, in both connections; and what it learns and says must not depend on
 * the pieces, as long as no limit is in play.
 */
#include "harness.h"

#include "target.h"

#include <string.h>

enum { FUZZ_SAME_MAX = 8 * 1024 };

static inline void fuzz_same(const struct probe *probe, struct span stream, size_t piece)
{
    struct talk *whole = harness_talk(probe, 0, stream, 0), *cut = harness_talk(probe, 0, stream, piece);
    struct buf expected;
    buf_init(&expected, 0);
    buf_text(&expected, harness_summary(whole));
    MUST(span_is(buf_as_span(&expected), harness_summary(cut)));
    MUST(span_equal(buf_as_span(&whole->said), buf_as_span(&cut->said)));
    buf_done(&expected);
    harness_free(whole);
    harness_free(cut);
}

#define FUZZ_PROBE(name)                                                                     \
    extern const struct probe probe_##name;                                                  \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)                              \
    {                                                                                        \
        harness_fuzz(&probe_##name, data, len);                                              \
        if (probe_##name.over == TRANSPORT_TCP && len > 1 && len < FUZZ_SAME_MAX)            \
            fuzz_same(&probe_##name, span_of(data + 1, len - 1), data[0] > 0 ? data[0] : 1); \
        return 0;                                                                            \
    }
