/*
 * WHOIS (RFC 3912), RWhois (RFC 2167): which server is asked first, how a question is put to it, what its reply says: who else to ask, which
 * handles to resolve, which addresses are contacts, which are not and why. Pure: text in, statements out. The rules follow the registries' own
 * documents; each stands beside its code.
 */
#pragma once

#include "contact/book.h"
#include "contact/finding.h"

enum { WHOIS_REPLY_MAX = 256 * 1024, WHOIS_HOPS_MAX = 8, WHOIS_HANDLES_MAX = 16, WHOIS_QUERY_MAX = 320, WHOIS_SERVER_MAX = 253 };

/* A server of the part `servers`, or, for one that is not listed, its defaults. */
struct whois_server {
    struct span name;
    uint16_t port;
    struct span registry; /* "RIPE", "JPNIC", … empty: none of those we know */
    struct span rdap;     /* base URL of that registry's RDAP service (RFC 9224) with its last slash; empty: none is known */
    struct span charset;  /* of replies that are no UTF-8 (WHATWG Encoding's labels); empty: Latin-1 */
    /* Its patience, as it counts: 0 means no limit is known. */
    unsigned per_second_milli; /* questions a second, in thousandths */
    unsigned per_day;          /* questions in 24 hours */
    unsigned personal_per_day; /* personal data sets (person and role objects) in 24 hours */
    unsigned at_once;          /* connections at one time; 1 unless stated */
    usec_t back_off;           /* how long we stay away after it said that it was too much */
};
const struct whois_server *whois_server(const struct book *, struct span name); /* never NULL */

/* Where an address, an AS number or a domain is asked for first. 6to4 and Teredo look through to their IPv4 address: *ret_asked is the address to ask
 * for. -ERR_DENIED: special-purpose, never asked; -ERR_NOT_FOUND: nobody is known. */
int whois_first(const struct book *, struct addr, struct span *ret_server, struct addr *ret_asked);
int whois_first_domain(const struct book *, struct span domain, struct span *ret_server);
int whois_first_as(const struct book *, uint32_t as, struct span *ret_server);

/* The question in that server's form, without the final CR LF. `handle`: for a person or role, not an address. */
int whois_query_address(const struct book *, struct span server, struct addr, struct buf *query);
int whois_query_domain(const struct book *, struct span server, struct span domain, struct buf *query);
int whois_query_handle(const struct book *, struct span server, struct span handle, struct buf *query);
int whois_query_as(const struct book *, struct span server, uint32_t as, struct buf *query);

/* What of a reply that is not about contents: it was too much, come back later, for ever, broken. */
enum whois_state {
    WHOIS_GOOD,
    WHOIS_EMPTY,   /* the server knows nothing of it */
    WHOIS_LIMITED, /* asked too much: back off */
    WHOIS_BANNED,  /* not served any more, until somebody writes to them */
    WHOIS_REDUCED, /* limited, and answered with less: no addresses does not mean no contact */
    WHOIS_BROKEN   /* an error of the server, a login page, an empty reply */
};

struct whois_reply {
    enum whois_state state;
    struct span authority; /* the registry that speaks: "RIPE", "ARIN", "JPNIC" …, of an inline answer the inner one; "IANA" */
    struct span next;      /* the server to ask instead or as well; empty: none */
    uint16_t next_port;
    struct span next_reason; /* the line that says so */
    bool final;              /* the holder's own entry: nobody below is known */
    struct prefix block;     /* the most specific one that it speaks of, as the smallest prefix that holds its range; length 0 of ::: none */
    struct prefix cover;     /* the largest prefix around the asked address that lies wholly in that range: for the netblock cache; likewise */
    struct span holder, netname, country;
    struct span handles[WHOIS_HANDLES_MAX]; /* to resolve at the same server, best first; only those whose mail is still wanted;
                                               a network among them is the one to ask for, or the one above */
    enum contact_role handle_roles[WHOIS_HANDLES_MAX];
    size_t handle_count;
    unsigned personal; /* personal data sets in it, as that registry counts them */
    struct span text;  /* as UTF-8 */
};

/* Reads a reply of `server` (empty: guessed from its text, which may then be what a client printed of a whole chain of servers) to a question for
 * `addr` (or for a domain: whois_read_domain). Findings go to the list, contacts with role and rank (0: to be taken first), others with their
 * objection. Views lie in the list's arena. 0, -ENOMEM. */
int whois_read(const struct book *, struct span server, struct addr, struct span bytes, struct findings *, struct whois_reply *ret);
int whois_read_domain(const struct book *, struct span server, struct span domain, struct span bytes, struct findings *, struct whois_reply *ret);
/* A reply to whois_query_as: the holder of the AS. It speaks of no block of addresses. */
int whois_read_as(const struct book *, struct span server, uint32_t as, struct span bytes, struct findings *, struct whois_reply *ret);
/* A handle that stands for a network, such as NET-192-0-2-0-1 or 192.0.2.0/24: its reply is whois_read's. */
bool whois_handle_is_network(struct span handle);
/* A reply to whois_query_handle: the handle's mail joins, with the role it was asked for. */
int whois_read_handle(const struct book *, struct span server, struct span handle, enum contact_role, unsigned rank, struct span bytes,
                      struct findings *, struct whois_reply *ret);
/* As valid UTF-8 in the arena: bytes that are UTF-8 or have the escapes of ISO-2022-JP as such, others as of that character set (empty: Latin-1).
 * What is broken, and a NUL, becomes U+FFFD. */
int whois_decode(struct arena *, struct span bytes, struct span charset, struct span *ret);
