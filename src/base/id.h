/*
 * Identifiers that sort by time: 48 bits of milliseconds since 1970 (UTC), then 80 bits that are random for live records and a
 * digest for imported ones. The text form is the ULID's: 26 characters of Crockford's base 32, upper case.
 */
#pragma once

#include "base/usec.h"

struct id {
    uint8_t bytes[16];
};

enum { ID_TEXT_LEN = 26, ID_TEXT_SIZE = 27 };

struct id id_new(usec_t time);                             /* random part from a per-process generator seeded by getrandom() */
struct id id_digest(usec_t time, struct span digest);      /* the first 10 bytes of `digest` (at least 10 long) as the random part */
usec_t id_time(struct id);                                 /* its time, in whole milliseconds */
char *id_print(struct id, char text[static ID_TEXT_SIZE]); /* returns `text` */
int id_parse(struct span text, struct id *ret);            /* either case; 0 or -ERR_MALFORMED */

static inline bool id_equal(struct id a, struct id b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

static inline int id_compare(struct id a, struct id b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes);
}

static inline bool id_is_zero(struct id a)
{
    return id_equal(a, (struct id){0});
}
