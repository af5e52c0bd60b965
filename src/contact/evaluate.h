/*
 * Is a contact any good? (1) it exists: its domain has a mail host that has an address (RFC 5321 §5.1; null MX RFC 7505); (2) its domain is the
 * target's; (3-a) its local part is a mailbox of RFC 2142; (3-b) its local part holds a word such as abuse, security, contact in many languages. The
 * rule of the paper that doc/contacts.md names: valid = (1) and one of (2), (3-a), (3-b). Our own score stands beside it. Pure.
 */
#pragma once

#include "contact/book.h"
#include "contact/channel.h"

enum known { KNOWN_NO, KNOWN_YES, KNOWN_NOT /* could not be found out, or not asked */ };

enum match { MATCH_NONE, MATCH_EXACT, MATCH_REGISTRABLE, MATCH_NAME /* same name, other suffix */, MATCH_COUNT };

enum {
    FLAG_PRIVACY_PROXY = 1,
    FLAG_FREE_MAIL = 2,
    FLAG_DISPOSABLE = 4,
    FLAG_DEFAULT_PAGE = 8, /* webmaster@example.com and its like */
    FLAG_VENDOR = 16,      /* the maker of the device or the software */
    FLAG_SURVEY = 32,      /* the target is a project that surveys: not a victim, not to be told */
    FLAG_GUESS = 64,
    FLAG_NULL_MX = 128
};

/* What DNS said of a mail domain; gathered by whoever asks (reach), kept once for all findings of that domain. */
struct mail_host {
    struct span domain;
    enum known exists;
    bool null_mx;
    struct span host; /* the first that has an address */
};

struct account_check { /* what an operator entered; KNOWN_NOT otherwise */
    enum known exists, takes_messages, owner_matches;
};

struct verdict_of_contact {
    enum known exists; /* (1); a form: the page has it */
    enum match match;  /* (2) */
    bool rfc2142;      /* (3-a) */
    bool word;         /* (3-b), RFC 2142's names included */
    enum known valid;  /* the paper's rule */
    unsigned flags;
    int score;          /* ours, 0 to 1000 */
    struct span reason; /* in words, both; at most 512 bytes */
    struct account_check account;
};

/* `domains`: those of the target (empty for an address alone: then PTR and holder's domains count as far as given). */
int contact_evaluate(const struct book *, struct arena *, const struct finding *, const struct target *, const struct span *domains,
                     size_t domain_count, const struct mail_host *hosts, size_t host_count, struct verdict_of_contact *ret);
/* What an operator found out about an account joins its verdict: exists, valid (all three of the paper's rule), score, reason. */
int contact_evaluate_account(struct arena *, const struct finding *, struct account_check, struct verdict_of_contact *);

/* ---- choice: whom to write to, for one target ---- */
enum choice { CHOICE_NO, CHOICE_PRIMARY, CHOICE_FALLBACK, CHOICE_COPY, CHOICE_COUNT };
const char *choice_text(enum choice); /* "", "primary", "fallback", "copy" */

struct chosen {
    const struct finding *finding;
    const struct verdict_of_contact *verdict;
    enum choice choice;
    struct span reason; /* why this one, why not a better one */
};
/* One primary, at most two fallbacks, copies; manual entries win over all; nothing when all that is known is unfit, with that as reason. `list` is
 * parallel to the findings in their order. */
int contact_choose(const struct book *, struct arena *, const struct target *, const struct findings *, const struct verdict_of_contact *list,
                   struct chosen *ret, size_t room, size_t *ret_count, struct span *ret_reason);
