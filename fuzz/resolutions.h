/* Passive DNS. */
#pragma once

#include "imported.h"

static inline int put_resolution(void *user, const struct record *record)
{
    (void)user;
    struct buf frame;
    struct fact facts[RECORD_FACTS_MAX];
    buf_init(&frame, 0);
    struct record back = over_the_wire(record, &frame, facts);
    const struct fact *name = record_fact(&back, FACT_HOST_NAME), *type = record_fact(&back, FACT_DNS_TYPE);
    const struct fact *first = record_fact(&back, FACT_FIRST_SEEN), *last = record_fact(&back, FACT_LAST_SEEN);
    MUST(back.kind == KIND_RESOLUTION && name != NULL && name->text.len > 0 && name->text.len <= 253 && type != NULL);
    MUST(first != NULL && last != NULL && first->number >= 0 && first->number <= last->number && last->number == back.time);
    buf_done(&frame);
    return 0;
}

static inline int fuzz_resolutions(const char *format, const uint8_t *data, size_t len)
{
    return fuzz_reader(format, put_resolution, data, len);
}
