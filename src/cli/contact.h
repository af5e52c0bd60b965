/* The parts of the verb `contact`. */
#pragma once

#include "cli/reading.h"
#include "cli/verb.h"
#include "contact/order.h"

enum {
    CONTACT_CHANNELS,
    CONTACT_PLAN,
    CONTACT_FRESH,
    CONTACT_WAIT,
    CONTACT_JSON,
    CONTACT_CSV,
    CONTACT_LIST,
    CONTACT_ADD,
    CONTACT_REMOVE,
    CONTACT_IMPORT,
    CONTACT_FOR,
    CONTACT_ROLE_OPTION,
    CONTACT_EXPIRES,
    CONTACT_NOTE,
    CONTACT_CHECK,
    CONTACT_EXISTS,
    CONTACT_MESSAGES,
    CONTACT_OWNER,
    CONTACT_UNBAN,
    CONTACT_BULK,
    CONTACT_OPTIONS
};

extern const struct verb verb_contact;

enum contact_task { CONTACT_TASK_OPEN, CONTACT_TASK_PUT_OFF, CONTACT_TASK_ENDED };

struct contact_target {
    struct addr addr;   /* zero address: the domain */
    struct span domain; /* in the arena */
    struct span key;    /* of its task */
    usec_t when;        /* of its last attack, as the store knows it; 0: it does not */
    enum contact_task task;
    usec_t due; /* put off until */
};

struct contacting {
    const struct invocation *invocation;
    const struct options *options;
    struct arena arena; /* of the targets' texts */
    struct contact_target *targets;
    size_t count, room;
    uint64_t bad; /* lines that were skipped */
    struct span channels[CONTACT_ORDER_CHANNELS_MAX];
    size_t channel_count;
    usec_t began, wait;
};

/* Prints what is known of the targets. An exit status. */
int contact_view(struct contacting *);
/* What would be asked, of whom, for how many days; sends nothing. */
int contact_plan(struct contacting *);
/* --bulk: loads the registries' files that the words name. An exit status. */
int contact_bulk(const struct invocation *, const struct options *);
/* --list, --add, --remove, --import, --check, --unban. An exit status. */
int contact_entries(const struct invocation *, const struct options *);

/* ---- what control.db knows of a target ---- */
struct found_origin {
    struct span channel, found_for, objection, role, attribute, server, lookup, holder, block, evidence;
    int64_t rank;
};
struct found_contact {
    struct id id;
    struct span kind, value, role, objection, there, match, valid, flags, choice, reason;
    int64_t rfc2142, word, score;
    usec_t first, last;
    struct span check_there, check_messages, check_owner, check_who; /* of an account; empty: nobody has looked */
    struct found_origin *origins;                                    /* what says so; those without objection first */
    size_t origin_count;
};
struct found_target {
    bool known; /* it was searched for */
    struct span outcome, reason, task, channels, debts, domains, holder, block, ptr;
    usec_t not_before, first, last;
    struct found_contact *contacts; /* chosen first, then by score; those that are none last */
    size_t contact_count;
};
/* Everything lies in the arena. 0, -ENOMEM, other codes. */
int contact_read(struct query *, struct addr, struct span domain, struct arena *, struct found_target *ret);
/* Members of the object that is open. */
void contact_json(struct json *, const struct found_contact *, bool origins);
/* Of its origins without repetition, with commas. */
void contact_channels(struct buf *, const struct found_contact *);
