/*
 * A record as bytes: what edges, the journal, importers and the store exchange.
 *
 *   u32 length of what follows · u8 version (1) · 16 id · i64 time · u8 kind · u8 transport · 16+u16 source · 16+u16 destination ·
 *   16 session · u8 length + sensor · u8 number of facts · for each: u16 name · by type: varint length + bytes | i64 | 16
 *
 * All numbers big-endian. Decoding re-validates everything: known kind, known facts that the kind may have, none twice, UTF-8 without
 * NUL in TEXT, caps of types.h, nothing left over.
 */
#pragma once

#include "base/buf.h"
#include "base/cursor.h"
#include "record/types.h"

enum { WIRE_VERSION = 1 };

/* Appends one frame. Asserts what a producer of ours must keep (facts the kind may have, none twice); TEXT that is not clean UTF-8 is
 * escaped with text_to_utf8 and cut at RECORD_TEXT_MAX at a character's border. Errors are the buf's. */
void wire_encode(struct buf *, const struct record *);

/* Reads one frame. Spans point into the cursor's bytes; facts go to `facts`. 0, -ERR_TRUNCATED (a whole frame is not there yet),
 * -ERR_MALFORMED, -ERR_VERSION, -ERR_LIMIT. */
int wire_decode(struct cursor *, struct record *ret, struct fact facts[static RECORD_FACTS_MAX]);
