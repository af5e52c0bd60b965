/*
 * What a channel found for a target: a candidate for its contact, with the words it came from. Findings of all channels are gathered in one list,
 * evaluated (evaluate.h) and chosen from (choose.h).
 *
 * Addresses are kept in one form: local part as written, domain in lower case and ASCII (IDNA 2008), "mailto:" and query cut off. URLs of forms
 * and accounts are absolute, without fragment.
 */
#pragma once

#include "base/addr.h"
#include "base/arena.h"
#include "base/hash.h"
#include "base/usec.h"

enum contact_kind {
#define KIND(name, text, help) CONTACT_##name,
#include "contact/kinds.def"
#undef KIND
    CONTACT_KIND_COUNT
};
enum contact_role {
#define ROLE(name, text, help) CONTACT_ROLE_##name,
#include "contact/contact_roles.def"
#undef ROLE
    CONTACT_ROLE_COUNT
};
enum objection {
#define OBJECTION(name, text, help) OBJECTION_##name,
#include "contact/objections.def"
#undef OBJECTION
    OBJECTION_COUNT
};
const char *contact_kind_text(enum contact_kind);
const char *contact_role_text(enum contact_role);
const char *objection_text(enum objection);
/* -1: not known. */
int contact_kind_by_text(struct span);
int contact_role_by_text(struct span);
int objection_by_text(struct span);

struct channel;

struct finding {
    struct finding *next;
    const struct channel *channel; /* NULL in offline use */
    enum contact_kind kind;
    enum contact_role role;
    enum objection objection; /* not NONE: stands there, and is no contact */
    unsigned rank;            /* within its channel: 0 is what the channel would take first; equal ranks are equally good */
    struct span value;
    struct span attribute; /* where it stood: "abuse-mailbox", "OrgAbuseEmail", "mailto", "text", "jCard email", … */
    struct span evidence;  /* the line or element it stood in, as UTF-8, at most FINDING_EVIDENCE_MAX bytes */
    struct span origin;    /* who said it: a server's name or a page's URL */
    struct span holder;    /* of the block or domain, as that source names it; empty: not known */
    struct span domain;    /* the domain it was found for; empty: the address itself */
    struct prefix block;   /* an address's: what the answer speaks of; length 0 of :: when not known */
    bool guess;            /* made up from a rule (RFC 2142), not found anywhere */
};

enum { FINDING_VALUE_MAX = 2048, FINDING_EVIDENCE_MAX = 512, FINDINGS_MAX = 2000 /* of a target */ };

struct findings {
    struct arena *arena; /* everything above is copied into it */
    struct finding *first, **last;
    size_t count;
    int error;              /* -ENOMEM, -ERR_LIMIT, -ERR_MALFORMED: some were left out */
    struct finding **slots; /* by what makes two the same; finding.c's own */
    struct hash_key key;
};

void findings_init(struct findings *, struct arena *);
/* A copy at the end of the list, spans cut to their limits; the same kind, value, channel, domain and objection again: the better rank and role
 * stay (mail addresses that differ in the case of their letters are the same). Returns the one in the list, NULL when it could not be kept: memory,
 * FINDINGS_MAX, a value that is empty, no UTF-8 or longer than FINDING_VALUE_MAX. */
struct finding *findings_add(struct findings *, const struct finding *);

/* The address grammar of finding.c: RFC 5321 mailbox (dot-string local part, no quotes, no literals), domain with at least one dot and a top-level
 * label that is not all digits; RFC 6531 characters are kept. Trims what surrounds it: <>, mailto:, blanks, a final dot. On success the one form in
 * *ret, in the arena: 0; -ERR_MALFORMED, -ENOMEM. */
int mail_normalise(struct arena *, struct span text, struct span *ret);
struct span mail_local(struct span mail);
struct span mail_domain(struct span mail);
/* The registrable domain (libpsl) of a domain in the one form: empty when it is itself a public suffix. */
struct span domain_registrable(struct span domain);
/* Whether its top-level label is one of the Internet's (libpsl): "file.png" is no domain, whatever its grammar says. Not for names of tests. */
bool domain_suffix_known(struct span domain);
/* A domain in the one form; 0, -ERR_MALFORMED, -ENOMEM. */
int domain_normalise(struct arena *, struct span text, struct span *ret);
