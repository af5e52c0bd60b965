/*
 * The parts of the book that the WHOIS engine reads: blocks, servers, tlds, mailboxes (book_parts.def). Each file explains its format in its own
 * head.
 */
#pragma once

#include "contact/part_lines.h"
#include "contact/whois.h"

/* ---- blocks ---- */
struct blocks;
struct block_entry {
    struct span server; /* empty: special-purpose, never asked */
    struct span why;    /* of a special-purpose block: what it is for */
};
const struct block_entry *blocks_find(const struct blocks *, struct addr); /* NULL: nobody is known */
struct span blocks_find_as(const struct blocks *, uint32_t as);            /* empty: nobody is known */

/* ---- servers ---- */
enum sign { SIGN_LIMITED, SIGN_REDUCED, SIGN_BANNED, SIGN_EMPTY, SIGN_BROKEN, SIGN_COUNT };

struct server_sign {
    const struct server_sign *next;
    enum sign sign;
    struct span text; /* lower case */
};
struct server_entry {
    struct whois_server server;
    struct span address, domain, handle, as, block; /* forms of a question; {} stands for what is asked for; empty: it alone */
    const struct server_sign *signs;
};
struct servers;
/* NULL servers give the defaults. Never NULL. */
const struct server_entry *servers_find(const struct servers *, struct span name);
/* The signs that hold for every server. */
const struct server_sign *servers_signs(const struct servers *);
/* The one of that registry; empty: none. */
struct span servers_of_registry(const struct servers *, struct span registry);

/* ---- tlds ---- */
struct tlds;
struct tld_entry {
    struct span name, whois, rdap; /* either may be empty */
};
const struct tld_entry *tlds_find(const struct tlds *, struct span domain); /* the longest suffix; NULL */

/* ---- mailboxes ---- */
struct mailboxes;
struct mailbox_entry {
    struct span mail;  /* address, or @domain; lower case */
    struct span owner; /* short name */
    bool national;     /* a national CSIRT, not a registry */
    const struct mailbox_alias {
        const struct mailbox_alias *next;
        struct span name;
    } * aliases; /* names of the owner as holders are written */
};
const struct mailbox_entry *mailboxes_find(const struct mailboxes *, struct span mail); /* NULL: not a registry's */
/* Is the holder of an entry that registry itself? */
bool mailbox_owner_is(const struct mailboxes *, const struct mailbox_entry *, struct span holder);
