/*
 * Bulk files: what a regional registry publishes of its whole database, in RPSL (RFC 2622), one file per class of objects ("split") or one for all.
 * Persons, and often mail addresses, are left out there or replaced; roles for abuse, response teams and organisations are not.
 *
 *   lines ─► bulk_reader ─► object ─► contacts by handle (bulk_contacts)
 *                                └──► network: with the objects that it refers to, as the little reply that the registry's server would have given:
 *                                     bulk_answer, read by whois_read, so that the same rules rank both
 *
 * Pure: no file, no clock.
 */
#pragma once

#include "contact/whois_reading.h"

enum bulk_registry { BULK_RIPE, BULK_APNIC, BULK_AFRINIC, BULK_REGISTRIES };
const char *bulk_registry_text(enum bulk_registry); /* "RIPE" */

/* ---- objects ---- */
enum bulk_class { BULK_OTHER, BULK_NETWORK, BULK_CONTACT };
enum { BULK_OBJECT_MAX = 64 * 1024, BULK_HANDLE_MAX = 80, BULK_REFERRED_MAX = 64 };

struct bulk_object {
    enum bulk_class class;
    enum bulk_registry registry;
    struct range range; /* a network's */
    struct span handle; /* a contact's */
    struct span text;   /* the attributes that matter, a line each */
    uint64_t line;      /* where it begins */
};

struct bulk_reader {
    struct buf text;
    uint64_t line;
    bool open, keeps, mails, refers; /* in an object; the attribute goes into the text; there is an address; it refers to others */
    bool has_range;
    const char *broken; /* why the object is none; NULL: it is */
    enum bulk_class class;
    unsigned source; /* enum bulk_registry, or one of those below */
    struct range range;
    uint8_t handle[BULK_HANDLE_MAX];
    size_t handle_len;
};

void bulk_reader_init(struct bulk_reader *);
void bulk_reader_done(struct bulk_reader *);
/* A line without its end, and its number. 1: before it an object ended, *ret holds until the next call; 0: nothing yet, or one that does not matter
 * (another class, a contact that says nothing); -ERR_MALFORMED: an object ended that is broken, ret->line and *ret_why (static) say which and why; of
 * class BULK_NETWORK, with its range and without text: one that is there, so that nobody around it may answer for it; -ENOMEM.
 * bulk_reader_end: the file is over; likewise. */
int bulk_reader_line(struct bulk_reader *, struct span line, uint64_t number, struct bulk_object *ret, const char **ret_why);
int bulk_reader_end(struct bulk_reader *, struct bulk_object *ret, const char **ret_why);

/* ---- contacts by handle, in memory ---- */
struct bulk_contacts;
enum { BULK_CONTACTS_MAX = 8 * 1000 * 1000 };
int bulk_contacts_new(struct bulk_contacts **ret, const struct hash_key *);
void bulk_contacts_free(struct bulk_contacts *); /* NULL accepted */
/* Copied; one with the same handle is replaced. 0, -ERR_LIMIT, -ENOMEM. */
int bulk_contacts_add(struct bulk_contacts *, const struct bulk_object *);
size_t bulk_contacts_count(const struct bulk_contacts *);

/* ---- answers ---- */
/* Networks' texts, the one that is asked for first, then those around it, from the inside out. Whether it can be answered: a contact for abuse or
 * security of the holder's is known, and the server would not refer to anybody else: 1, with findings and reply (holder, block), both in the
 * findings' arena; 0; -ENOMEM. */
struct bulk_network {
    struct range range;
    struct span text;
};
int bulk_answer(const struct book *, const struct bulk_contacts *, enum bulk_registry, const struct bulk_network *chain, size_t count,
                struct buf *work, struct findings *, struct whois_reply *ret);
