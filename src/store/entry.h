/*
 * What an operator enters by hand, as the body of MESSAGE_ENTRIES: entries one behind the other.
 *
 *   u8 what · u32 length · body:
 *   ADD     u8 kind · u8 role · i64 expires (0: never) · u16 length + each of value, scope, note, who
 *   REMOVE  u16 length + each of value, scope; an empty value removes the entry that says that nobody is to be told
 *   CHECK   u8 exists · u8 takes messages · u8 owner matches (enum known) · u16 length + each of account's URL, who
 *   UNBAN   u16 length + server's name
 */
#pragma once

#include "base/buf.h"
#include "contact/evaluate.h"
#include "store/db.h"

enum entry_what { ENTRY_ADD = 1, ENTRY_REMOVE, ENTRY_CHECK_ACCOUNT, ENTRY_UNBAN, ENTRY_WHAT_LIMIT };
enum { ENTRY_TEXT_MAX = 2048, ENTRY_SCOPE_MAX = 253, ENTRY_BODY_MAX = 3 * 1024 * 1024 };

struct entry {
    enum entry_what what;
    enum contact_kind kind;
    enum contact_role role;
    usec_t expires;
    struct span value, scope, note, who; /* value: the contact, the account's URL, or the server's name */
    struct account_check check;
};

/* For whom an entry is: an address or network, "AS64500", or a domain. -ERR_MALFORMED. */
struct entry_scope {
    struct prefix network; /* with `is_network` */
    bool is_network;
    uint32_t as;        /* 0: none */
    struct span domain; /* empty: none */
    struct span text;   /* in one form */
};
int entry_scope_read(struct arena *, struct span text, struct entry_scope *ret);

void entry_encode(struct buf *, const struct entry *);
/* Is the body well formed? 0, -ERR_MALFORMED. */
int entries_check(struct span body);
/* Into the control database, inside the caller's transaction. *ret_unbanned: a ban was lifted. */
int entries_apply(sqlite3 *control, struct span body, usec_t now, bool *ret_unbanned);
