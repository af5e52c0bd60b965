/* Lists of hosts. */
#pragma once

#include "imported.h"

static inline int put_listing(void *user, const struct record *record)
{
    (void)user;
    struct buf frame;
    struct fact facts[RECORD_FACTS_MAX];
    buf_init(&frame, 0);
    struct record back = over_the_wire(record, &frame, facts);
    MUST(back.kind == KIND_LISTING && record_fact(&back, FACT_LIST_SOURCE) != NULL && back.transport != TRANSPORT_NONE);
    buf_done(&frame);
    return 0;
}

static inline int fuzz_listing(const char *format, const uint8_t *data, size_t len)
{
    return fuzz_reader(format, put_listing, data, len);
}
