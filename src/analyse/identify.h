/* States DEVICE records: what the fingerprint rules say of an answer or a list's entry. Judged again, the records have the same ids. */
#pragma once

#include "analyse/device/device.h"
#include "base/buf.h"

struct identify;

/* The image must outlive it. Negative code of device_open. */
int identify_new(struct identify **ret, struct span image);
void identify_free(struct identify *); /* NULL accepted */

#define IDENTIFY_KINDS (UINT64_C(1) << KIND_ANSWER | UINT64_C(1) << KIND_LISTING)

/* Appends a frame (record/wire.h) per piece of evidence: its session is the record's id, its destination the host. 0, -ENOMEM, the buf's error. */
int identify_record(struct identify *, const struct record *, struct buf *frames, size_t *ret_count);
/* The same with evidence at hand. */
int identify_state(const struct record *, const struct evidence *, size_t count, struct buf *frames);
