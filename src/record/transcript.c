#include "record/transcript.h"

/* A piece's two numbers take at most 20 bytes. */
enum { HEAD_MAX = 20 };

void transcript_add(struct transcript *t, usec_t now, enum transcript_direction direction, struct span bytes)
{
    if (bytes.len == 0)
        return;
    size_t room = t->bytes.max > t->bytes.len ? t->bytes.max - t->bytes.len : 0;
    size_t keep = room > HEAD_MAX ? room - HEAD_MAX : 0;
    if (keep > bytes.len)
        keep = bytes.len;
    t->cut += bytes.len - keep;
    if (keep == 0)
        return;
    usec_t after = t->last != 0 && now > t->last ? now - t->last : 0;
    buf_varint(&t->bytes, (uint64_t)after);
    buf_varint(&t->bytes, (uint64_t)keep * 2 + (uint64_t)direction);
    buf_put(&t->bytes, bytes.at, keep);
    t->last = now;
}

int transcript_next(struct cursor *c, struct transcript_piece *ret)
{
    if (cursor_left(c) == 0)
        return c->error != 0 ? -ERR_MALFORMED : 0;
    uint64_t after = cursor_varint(c);
    uint64_t head = cursor_varint(c);
    if (head / 2 > cursor_left(c) || after > INT64_MAX)
        cursor_fail(c, -ERR_MALFORMED);
    struct span bytes = cursor_take(c, (size_t)(head / 2));
    if (c->error != 0)
        return -ERR_MALFORMED;
    *ret = (struct transcript_piece){
        .after = (usec_t)after,
        .direction = (head & 1) != 0 ? TRANSCRIPT_RECEIVED : TRANSCRIPT_SENT,
        .bytes = bytes,
    };
    return 1;
}
