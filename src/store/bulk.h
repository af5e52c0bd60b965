/*
 * What bulk files of registries say (contact/bulk.h), ready to be looked up: DATA/bulk/REGISTRY.4.db and .6.db, one for each registry and IP version,
 * made whole beside the old one and then put in its place, so that whoever looks something up sees all of one file or of the other. Tables:
 *
 *   about    key, value                               registry, date (µs: of the oldest of the files), file (of its networks), networks
 *   segment  first, last, begin, end, holder, said    key first. Addresses (4 or 16 bytes) for which one network is the narrowest; segments do not
 *                                                     overlap; begin, end: that network's, NULL when it has no other inside
 *   said     number, findings                         each set of findings once: u16 count, then u8 kind · u8 role · u8 objection · u16 rank ·
 *                                                     u16 length + each of value, attribute, evidence
 *
 * Only networks that can be answered are in it; of all others the registry must be asked.
 */
#pragma once

#include "base/buf.h"
#include "contact/bulk.h"
#include "contact/order.h"

#define BULK_FOLDER "bulk"

/* ---- looking up ---- */
struct bulk;
/* `days`: how long after its date a file answers; 0: never. Files that come or go are seen. */
int bulk_open(struct bulk **ret, const char *data_folder, int64_t days);
void bulk_close(struct bulk *); /* NULL accepted */
/* 1 and an answer for the network around the address, in the arena; 0: there is none, or two registries claim the address; or a code: a file is
 * damaged, -ENOMEM. */
int bulk_find(struct bulk *, struct addr, usec_t now, struct arena *, struct contact_block *ret);

/* ---- loading ---- */
struct bulk_load;
enum { BULK_FILES_MAX = 1000, BULK_NETWORKS_MAX = 64 * 1000 * 1000 };

struct bulk_totals {
    enum bulk_registry registry;
    bool v6;
    usec_t date;
    uint64_t networks, answered; /* networks; those that can be answered */
    uint64_t twice, overlapping; /* left out: the same range again; ranges that begin in another and end behind it: nothing there is answered */
    uint64_t segments, sets;
};

/* `book` must outlive it. -ERR_BUSY: another one is loading. */
int bulk_load_new(struct bulk_load **ret, const struct book *, const char *data_folder, struct buf *why);
void bulk_load_free(struct bulk_load *); /* NULL accepted; what was not finished leaves nothing behind */
/* Objects that follow are of this file. */
int bulk_load_file(struct bulk_load *, const char *name, usec_t date);
int bulk_load_object(struct bulk_load *, const struct bulk_object *);
size_t bulk_load_contacts(const struct bulk_load *);
size_t bulk_load_networks(const struct bulk_load *);
/* Makes the tables of each registry and IP version of which there are networks, and puts them in place, one after the other; `told` after each,
 * `progress` now and then. */
int bulk_load_finish(struct bulk_load *, void (*told)(void *user, const struct bulk_totals *),
                     void (*progress)(void *user, uint64_t done, uint64_t all), void *user, struct buf *why);
