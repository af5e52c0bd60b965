/*
 * What look-ups tell of whom to write to (schema.h): records of kinds lookup, contact, quest and resolution, and dials of look-ups, are collected
 * between two flushes and then written with the rollups, in one transaction, like what active observation tells (hosts.h). A quest's task is done, or
 * waits for its next attempt, in the very transaction that takes in its record.
 */
#pragma once

#include "base/hash.h"
#include "record/types.h"
#include "store/db.h"

struct contacts;

struct contacts_limits {
    int64_t clock_speed; /* contact.clock_speed: seconds of the registries' budgets in one of the wall clock's */
    usec_t cache;        /* how long an answer holds for its whole block; 0: not at all */
};

int contacts_new(struct contacts **ret, sqlite3 *control, const struct hash_key *key, const struct contacts_limits *);
void contacts_free(struct contacts *); /* NULL accepted */

/* Records of other kinds are left alone. */
int contacts_add(struct contacts *, const struct record *);
bool contacts_full(const struct contacts *);
/* Inside the caller's transaction. Keeps what was collected: forget it after the commit. */
int contacts_flush(struct contacts *);
void contacts_forget(struct contacts *);

/* Is the kind one of a look-up, where the target is the destination? Its records are in no rollup of sources and services. */
static inline bool contacts_kind(enum kind kind)
{
    return kind == KIND_LOOKUP || kind == KIND_CONTACT || kind == KIND_QUEST || kind == KIND_RESOLUTION;
}

/* A connection of a look-up, not of a probe: it says whom it is to. */
static inline bool contacts_dial(const struct record *record)
{
    return record->kind == KIND_DIAL && record_fact(record, FACT_LOOKUP_SERVER) != NULL;
}

/* The hour of the budgets' clock, and the wall clock's time at which it begins. */
int64_t contacts_hour(usec_t wall, int64_t clock_speed);
usec_t contacts_hour_begin(int64_t hour, int64_t clock_speed);

/* ---- for leases: what the store knows of a target goes out with its task ---- */

/* `input` is a task's of kind contact; what is known is added behind it (contact/order.h). `as`, `country`: of the address, when the caller knows
 * better than table host; 0, "" otherwise. `bulk` may be NULL. 0, -ERR_MALFORMED, other codes. */
struct bulk;
int contacts_complete(sqlite3 *control, struct bulk *, struct span input, uint32_t as, struct span country, usec_t now, struct buf *out);

/* Bodies of REGISTRIES, each given to `send` (which takes the buf over, whatever it returns); the last is the empty one. */
int contacts_registries(sqlite3 *control, int64_t clock_speed, usec_t now, int (*send)(void *user, struct buf *body), void *user);
