/*
 * What active observation tells of hosts (schema.h): records of kinds dial, answer, visit, device and listing, and the TTLs of attackers'
 * connections, are collected between two flushes and then written with the rollups, in one transaction. A crash loses nothing of it: the rows
 * tell it again, like the rollups. A visit's task is done in the very transaction that takes in its record.
 */
#pragma once

#include "base/hash.h"
#include "record/types.h"
#include "store/db.h"
#include "store/geo.h"

struct hosts;

/* `geo` may be NULL; both it and `key` must outlive it. */
int hosts_new(struct hosts **ret, sqlite3 *control, const struct hash_key *key, const struct geo *geo);
void hosts_free(struct hosts *); /* NULL accepted */

/* Records of other kinds, and connections of look-ups (contacts.h), are left alone. `day`: start of the day whose file the record is in. */
int hosts_add(struct hosts *, const struct record *, usec_t day);
bool hosts_full(const struct hosts *);
/* Inside the caller's transaction. Keeps what was collected: forget it after the commit. */
int hosts_flush(struct hosts *);
void hosts_forget(struct hosts *);

/* Is the kind one of active observation, where the host is the destination? Its records are in no rollup of sources and services. */
static inline bool hosts_kind(enum kind kind)
{
    return kind == KIND_DIAL || kind == KIND_ANSWER || kind == KIND_VISIT || kind == KIND_DEVICE || kind == KIND_LISTING;
}
