/*
 * Inside the WHOIS engine: what the readers of the registries' forms share. A reader states candidates (an address, where it stood, how good that
 * place is); whois_note_finish weighs them against each other and makes findings of them.
 */
#pragma once

#include "contact/whois_tables.h"

enum { READING_CANDIDATES_MAX = 400, READING_ATTRIBUTES_MAX = 4000, READING_LINE_MAX = 2000 };

/* How good a place is: lower is better. Between two numbers there is room for finer ones. */
enum weight {
    WEIGHT_ABUSE_LINE = 100,   /* the registry's own statement: "% Abuse contact for …", the network's abuse contact */
    WEIGHT_ABUSE = 200,        /* abuse attribute of the holder's or of its contacts */
    WEIGHT_ABUSE_TEAM = 300,   /* of its response team */
    WEIGHT_ABUSE_REMARK = 400, /* a remark names it for abuse */
    WEIGHT_SECURITY_REMARK = 450,
    WEIGHT_NOC = 500,
    WEIGHT_TECHNICAL = 600,
    WEIGHT_ADMINISTRATIVE = 700,
    WEIGHT_OWNER = 800,
    WEIGHT_OTHER = 900,
    WEIGHT_ABOVE = 1000,    /* added for each step up: the block around the most specific one */
    WEIGHT_ELSEWHERE = 5000 /* added for entries that belong to the reply but not to the block */
};

struct candidate {
    enum contact_kind kind;
    enum contact_role role;
    enum objection objection;
    bool hard; /* the objection is to the address, wherever else it stands; else to this place alone */
    unsigned weight;
    struct span value, attribute, evidence;
};

struct range {
    struct addr first, last;
};

struct attribute {
    struct span key, value, line; /* the value trimmed; continuation lines are attributes of the same key */
    unsigned object;              /* objects are separated by empty lines */
};

struct reading {
    const struct book *book;
    const struct mailboxes *mailboxes;
    const struct server_entry *server;
    struct arena *arena;
    struct findings *findings;
    struct whois_reply *ret;
    struct span text, domain;
    struct addr addr;
    bool has_addr;
    uint32_t as; /* what is asked for, when not 0: then addr, range and blocks are AS numbers (whois_as_addr) */
    struct candidate *list;
    size_t count;
    bool found;          /* an entry about what was asked for */
    bool elsewhere;      /* the entry only says that another registry has it: its addresses are that registry's */
    bool reserved;       /* special use, not allocated */
    bool page;           /* it was saved as a web page */
    bool others_refused; /* "complaints sent to any other contact are ignored" */
    struct range range;  /* the most specific one so far */
    bool has_range;
    int error;
};

/* ---- text ---- */
struct span whois_trim(struct span);
bool whois_same(struct span, const char *word); /* case does not count */
bool whois_same_span(struct span, struct span);
bool whois_has(struct span text, const char *word); /* anywhere, case does not count */
/* The next line without its end; false at the end. */
bool whois_line(struct span *left, struct span *ret);
/* "key: value"; false: there is no colon after a word. */
bool whois_pair(struct span line, struct span *ret_key, struct span *ret_value);
/* The next mail address as written in *left, which is moved behind it; *ret_before: what stood before it. False: no more. */
bool whois_mail(struct span *left, struct span *ret_mail, struct span *ret_before);
/* "name AT example.net", alone: an address that is hidden from collectors. */
bool whois_spelled(struct span text);
struct span whois_unspell(struct arena *, struct span text); /* as an address; the text itself when it is none */
/* "a - b", "a/len", "177.224/13", one address. 0 or -ERR_MALFORMED. */
int whois_range(struct span text, struct range *ret);
/* The same, or AS numbers ("AS1 - AS9", "1"), as this reading is about. */
int whois_reading_range(const struct reading *, struct span text, struct range *ret);
struct addr whois_as_addr(uint32_t as);
bool whois_range_holds(const struct range *, struct addr);
/* Is a inside b, or equal? */
bool whois_range_inside(const struct range *a, const struct range *b);
struct prefix whois_range_around(const struct range *);                    /* the smallest prefix that holds it */
struct prefix whois_range_within(const struct range *, struct addr inner); /* the largest prefix around the address inside it */
/* All "key: value" lines that are not comments (%, #), as an array in the arena; NULL: no memory. */
struct attribute *whois_attributes(struct reading *, size_t *ret_count);

/* ---- replies as they were saved ---- */
/* Without a byte order mark; UTF-16 as UTF-8, in the arena. 0, -ENOMEM. */
int whois_saved_bytes(struct arena *, struct span *bytes);
bool whois_is_text(struct span bytes);
/* r->text without a page's tags, a mail's quoting, a listing's indentation; empty: it is no reply of WHOIS. */
void whois_saved_text(struct reading *);

/* What clients print of a chain of servers: each reply with the server that the client named before it (empty: it named none). At least one. */
enum { SAVED_PARTS_MAX = 8 };
struct saved_part {
    struct span server, text;
};
size_t whois_saved_parts(struct span text, struct saved_part *parts);

/* ---- candidates ---- */
void whois_note_add(struct reading *, const struct candidate *); /* the value is normalised here; what is no address is left out */
/* Every address in the value. */
void whois_note_mails(struct reading *, struct span text, const struct candidate *like);
/* Lines of people's text, in order: addresses and pages with what the words about them say. */
void whois_note_remarks(struct reading *, const struct span *lines, size_t count, unsigned add_weight, struct span attribute);
void whois_note_handle(struct reading *, struct span handle, enum contact_role);
/* Keeps the narrowest range that holds the address (any, when there is no address). Whether it is now the most specific one. */
bool whois_note_range(struct reading *, const struct range *);
void whois_note_next(struct reading *, struct span server, uint16_t port, struct span reason);
void whois_note_next_registry(struct reading *, const char *registry, struct span reason);
/* "% …" lines and other text outside of entries: addresses there are the server's own. */
void whois_note_banner(struct reading *);
int whois_note_finish(struct reading *);

/* ---- the registries' forms; each reads r->text ---- */
void whois_form_rpsl(struct reading *);
void whois_form_arin(struct reading *);
void whois_form_lacnic(struct reading *);
void whois_form_jpnic(struct reading *);
void whois_form_krnic(struct reading *);
void whois_form_twnic(struct reading *);
void whois_form_rwhois(struct reading *);
void whois_form_iana(struct reading *);
void whois_form_domain(struct reading *);
