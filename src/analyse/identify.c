#include "analyse/identify.h"

#include "record/wire.h"
#include "store/blob.h"

#include <errno.h>
#include <stdlib.h>

enum { ARENA_CAP = 4 * 1024 * 1024 };

struct identify {
    struct device_rules *rules;
    struct evidence evidence[DEVICE_EVIDENCE_MAX];
};

int identify_new(struct identify **ret, struct span image)
{
    struct identify *identify = calloc(1, sizeof *identify);
    if (identify == NULL)
        return -ENOMEM;
    int r = device_open(&identify->rules, image);
    if (r != 0) {
        free(identify);
        return r;
    }
    *ret = identify;
    return 0;
}

void identify_free(struct identify *identify)
{
    if (identify == NULL)
        return;
    device_close(identify->rules);
    free(identify);
}

static void put_text(struct buf *out, struct span text)
{
    buf_be(out, text.len, 4);
    buf_span(out, text);
}

/* The answer's time, then a digest of answer, rule, field and what they say: one field may hold two devices' words. */
static int evidence_id(const struct record *record, const struct evidence *e, struct id *ret)
{
    struct buf what;
    uint8_t digest[BLOB_HASH_LEN];
    buf_init(&what, 64 * 1024);
    buf_put(&what, record->id.bytes, sizeof record->id.bytes);
    put_text(&what, e->rule);
    buf_be(&what, (uint64_t)e->field, 2);
    const struct span said[] = {e->class_, e->maker, e->model, e->firmware, e->ics, e->residue, e->honeypot};
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++)
        put_text(&what, said[i]);
    int r = what.error != 0 ? what.error : blob_hash(buf_as_span(&what), digest);
    buf_done(&what);
    if (r == 0)
        *ret = id_digest(id_time(record->id), span_of(digest, sizeof digest));
    return r;
}

int identify_state(const struct record *record, const struct evidence *evidence, size_t count, struct buf *frames)
{
    for (size_t i = 0; i < count; i++) {
        struct fact facts[RECORD_FACTS_MAX], kept[RECORD_FACTS_MAX];
        size_t said = device_facts(&evidence[i], facts), fact_count = 0;
        for (size_t k = 0; k < said; k++) {
            if (kind_has(KIND_DEVICE, facts[k].name))
                kept[fact_count++] = facts[k];
        }
        const struct fact *protocol = record_fact(record, FACT_NETWORK_PROTOCOL);
        struct record device = *record;
        device.kind = KIND_DEVICE;
        device.session = record->id;
        device.facts = kept;
        device.fact_count = fact_count;
        if (protocol != NULL && fact_count < RECORD_FACTS_MAX && record_fact(&device, FACT_NETWORK_PROTOCOL) == NULL) {
            kept[fact_count++] = *protocol;
            device.fact_count = fact_count;
        }
        int r = evidence_id(record, &evidence[i], &device.id);
        if (r != 0)
            return r;
        wire_encode(frames, &device);
    }
    return frames->error;
}

int identify_record(struct identify *identify, const struct record *record, struct buf *frames, size_t *ret_count)
{
    struct arena arena;
    size_t count = 0;
    arena_init(&arena, ARENA_CAP);
    /* An answer that can't be judged (no such service, too much for its memory) must not stop the others: nothing is said of it. */
    if (device_judge_record(identify->rules, record, &arena, identify->evidence, DEVICE_EVIDENCE_MAX, &count) != 0)
        count = 0;
    int r = identify_state(record, identify->evidence, count, frames);
    if (r == 0)
        *ret_count = count;
    arena_done(&arena);
    return r;
}
