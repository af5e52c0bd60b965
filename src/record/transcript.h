/*
 * A conversation's bytes with their times, compact: a sequence of
 *   varint (µs since the previous piece) · varint (length * 2 + direction; 1 = from the source) · bytes
 */
#pragma once

#include "base/buf.h"
#include "base/cursor.h"
#include "base/usec.h"

enum transcript_direction { TRANSCRIPT_SENT = 0, TRANSCRIPT_RECEIVED = 1 }; /* SENT: what the honeypot said */

struct transcript {
    struct buf bytes; /* give it a cap with buf_init */
    usec_t last;      /* time of the previous piece */
    uint64_t cut;     /* bytes left out because of the cap */
};

void transcript_add(struct transcript *, usec_t now, enum transcript_direction, struct span bytes);

struct transcript_piece {
    usec_t after; /* µs since the previous piece */
    enum transcript_direction direction;
    struct span bytes;
};

/* The next piece: 1, 0 at the end, -ERR_MALFORMED. */
int transcript_next(struct cursor *, struct transcript_piece *ret);
