/*
 * What a task of kind "contact" says: whom to find contacts for, why, by which channels; and what the store adds when it leases the task, so that
 * whoever works on it reads nothing else. The order comes first, then entries, each with its length, in any order and number up to the limits:
 *
 *   u8 version (1) · 16 address · i64 time of the attack · u8 flags · u8 length + cause · u8 length + domain · u8 count of channels, 0 for all: u8
 *   length + name each · entries: u8 kind · u32 length · body
 *
 *   RESOLUTION  u16 DNS type · u64 count · i64 first · i64 last · u8 length + name · u16 length + data
 *   BLOCK       16+u8 prefix · i64 expires · u8 length + channel · u8 length + server · u16 length + holder · u16 count of findings: u8 kind ·
 *               u8 role · u8 objection · u16 rank · 16+u8 prefix · u16 length + each of value, attribute, evidence, origin, holder
 *   MANUAL      u8 kind · u8 role · i64 entered · i64 expires (0: never) · u16 length + each of value, scope, note, who
 *   CHECK       u8 exists · u8 takes messages · u8 owner matches (enum known) · i64 entered · u16 length + each of account's URL, who
 *   ORIGIN      u32 autonomous system, 0: unknown · u8 length + country (two letters, or none)
 *   CUT         nothing: more was known than fits
 *
 * All numbers big-endian, texts UTF-8 without NUL, times in µs since 1970.
 */
#pragma once

#include "base/buf.h"
#include "base/cursor.h"
#include "contact/evaluate.h"

#define CONTACT_TASK_KIND "contact"

enum {
    CONTACT_ORDER_SIZE_MAX = 1024 * 1024, /* with all entries */
    CONTACT_ORDER_CAUSE_MAX = 64,
    CONTACT_ORDER_DOMAIN_MAX = 253,
    CONTACT_ORDER_CHANNELS_MAX = 32,
    CONTACT_ORDER_CHANNEL_MAX = 32, /* bytes of a channel's name */
    CONTACT_ORDER_RESOLUTIONS_MAX = 10000,
    CONTACT_ORDER_BLOCKS_MAX = 64,
    CONTACT_ORDER_FINDINGS_MAX = 200, /* of a block */
    CONTACT_ORDER_MANUALS_MAX = 256,
    CONTACT_ORDER_CHECKS_MAX = 256,
    CONTACT_ORDER_DATA_MAX = 512,  /* bytes of a resolution's data */
    CONTACT_ORDER_TEXT_MAX = 2048, /* bytes of all other texts */
    CONTACT_ORDER_KEY_SIZE = 8 + 1 + CONTACT_ORDER_DOMAIN_MAX + 1 + CONTACT_ORDER_CAUSE_MAX + 1
};

enum {
    CONTACT_ORDER_BY_HAND = 1, /* the operator asked */
    CONTACT_ORDER_FRESH = 2    /* cached blocks are not to be used: ask again */
};

/* A row of passive DNS that concerns the target: A or AAAA whose address it is; or, for the names of those rows, an MX, NS, CNAME or PTR row that
 * points to one of them. */
struct contact_resolution {
    struct span name; /* the owner's, lower case, without the last dot */
    uint16_t type;    /* enum dns_type, or another RFC 1035 number */
    struct span data; /* as passive DNS has it: an address as text; a name; MX: the host alone, without preference */
    uint64_t count;   /* resolutions seen from `first` to `last` */
    usec_t first, last;
};

/* What an earlier answer said of a whole block: it serves the target, too, until it expires. */
struct contact_block {
    struct prefix block;
    usec_t expires;
    struct span channel, server, holder;
    struct finding *findings; /* an array; channel and next are NULL; of FINDING's limits */
    size_t finding_count;
};

/* What an operator entered: it wins over all that is found, until it expires. */
struct contact_manual {
    enum contact_kind kind;
    enum contact_role role;
    usec_t entered, expires; /* expires 0: never */
    struct span value, scope, note,
        who; /* value empty: nobody is to be told, the note says why. scope: the address, prefix, AS or domain it was entered for */
};

/* What an operator found out about an account with a login of his. */
struct contact_check {
    struct span url, who;
    struct account_check check;
    usec_t entered;
};

struct contact_order {
    struct addr addr;   /* zero address: the domain is the target */
    struct span domain; /* in finding.h's one form; empty: the address is the target */
    usec_t when;        /* of the attack; wall clock */
    uint8_t flags;
    struct span cause; /* a record's id as text, or "operator" */
    struct span channels[CONTACT_ORDER_CHANNELS_MAX];
    size_t channel_count; /* 0: all */
    /* Of the entries. */
    const struct contact_resolution *resolutions;
    const struct contact_block *blocks;
    const struct contact_manual *manuals;
    const struct contact_check *checks;
    size_t resolution_count, block_count, manual_count, check_count;
    uint32_t as;
    struct span country;
    bool cut;
};

/* The order alone, without entries: what the task's maker writes. Texts must keep their limits (asserted). */
void contact_order_encode(struct buf *, const struct contact_order *);

/* An entry more, for the store. 0, or -ERR_LIMIT: it does not fit any more (nothing was written; say so with contact_order_add_cut, for which there
 * is always room), or -ENOMEM. Texts are cut at their limits, a block's findings, too. Counts are the caller's to watch: decoding refuses more. */
int contact_order_add_resolution(struct buf *, const struct contact_resolution *);
int contact_order_add_block(struct buf *, const struct contact_block *);
int contact_order_add_manual(struct buf *, const struct contact_manual *);
int contact_order_add_check(struct buf *, const struct contact_check *);
int contact_order_add_origin(struct buf *, uint32_t as, struct span country);
int contact_order_add_cut(struct buf *);

/* Order and entries; texts point into the input, arrays lie in the arena. 0, -ERR_MALFORMED, -ERR_VERSION, -ERR_LIMIT, -ENOMEM. */
int contact_order_decode(struct arena *, struct span input, struct contact_order *ret);

/* The task's key: "contact TARGET CAUSE". */
char *contact_order_key(const struct contact_order *, char text[static CONTACT_ORDER_KEY_SIZE]);
