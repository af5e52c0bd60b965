/* What the fuzzers of industrial probes have in common: FUZZ_ICS(NAME) is the whole target. */
#pragma once

#include "base/text.h"
#include "harness.h"
#include "probe/ics.h"

#include "target.h"

/* Texts are short, valid and printable on one line; a device is named only when the protocol is known. */
static inline void check_text(const char *text)
{
    struct span s = span_text(text);
    MUST(s.len <= ICS_TEXT_MAX && text_utf8_valid(s) == s.len);
    for (size_t i = 0; i < s.len; i++)
        MUST(s.at[i] >= ' ' && s.at[i] != 0x7f);
    MUST(s.len == 0 || (s.at[0] != ' ' && s.at[s.len - 1] != ' '));
}

static inline void fuzz_ics(const struct probe *probe, const uint8_t *data, size_t len)
{
    harness_fuzz(probe, data, len);
    struct ics_identity id;
    int r = ics_decode(span_text(probe->name), len > 1 ? span_of(data + 1, len - 1) : (struct span){0}, &id);
    MUST(r == 0 || r == -ERR_TRUNCATED || r == -ERR_MALFORMED);
    MUST(r != 0 || (id.protocol != NULL && span_is(span_text(id.protocol), probe->name)));
    check_text(id.maker);
    check_text(id.model);
    check_text(id.firmware);
    check_text(id.serial);
    MUST(strlen(id.detail) <= ICS_DETAIL_MAX && text_utf8_valid(span_text(id.detail)) == strlen(id.detail));
    MUST(id.detail[0] == '\0' || id.detail[strlen(id.detail) - 1] == '\n');
}

#define FUZZ_ICS(name)                                          \
    extern const struct probe probe_##name;                     \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) \
    {                                                           \
        fuzz_ics(&probe_##name, data, len);                     \
        return 0;                                               \
    }
