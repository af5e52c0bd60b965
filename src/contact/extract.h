/*
 * What a web page says of whom to write to: mail addresses in every spelling people use against collectors, forms by what they ask, accounts of
 * social networks, links that lead to a contact page. Pure; the page is hostile.
 */
#pragma once

#include "contact/book.h"
#include "contact/finding.h"

enum {
    EXTRACT_PAGE_MAX = 4 * 1024 * 1024, /* more is cut */
    EXTRACT_ADDRESSES_MAX = 500,
    EXTRACT_FORMS_MAX = 200,
    EXTRACT_FIELDS_MAX = 100,
    EXTRACT_LINKS_MAX = 200,
    EXTRACT_ACCOUNTS_MAX = 200
};

struct page_address {
    struct span mail;     /* in the one form of finding.h */
    struct span source;   /* "text", "mailto", "attribute", "json-ld", "cloudflare" */
    struct span written;  /* as it stood, when that is another spelling */
    struct span evidence; /* the text around it */
};

enum form_kind {
    FORM_CONTACT,
    FORM_COMMENT,
    FORM_SEARCH,
    FORM_LOGIN,
    FORM_REGISTRATION,
    FORM_RECOVERY,
    FORM_NEWSLETTER,
    FORM_ORDER,
    FORM_OTHER,
    FORM_KIND_COUNT
};
const char *form_kind_text(enum form_kind); /* "contact", "comment", … */

struct form_field {
    struct span name, type, label; /* type: text, email, password, textarea, select, checkbox, hidden, submit … */
    struct span asks;              /* what we take it for: "name", "mail", "message", "subject", "phone", "password", "search", "" */
};

struct page_form {
    enum form_kind kind;
    int score;            /* of the kind, in thousandths */
    struct span action;   /* absolute URL */
    struct span method;   /* "get", "post" */
    struct span evidence; /* what decided, in words */
    const struct form_field *fields;
    size_t field_count;
    bool answerable; /* contact or comment, with a message field and a way to be answered */
};

struct page_account {
    struct span network;     /* "facebook", "x", "instagram", … */
    struct span handle, url; /* one form of URL for all spellings of one account */
};

enum { PAGE_LINK_WEAK = 5 };

struct page_link {
    struct span url, text, reason; /* reason: the word that said it, or "frame", "refresh" */
    unsigned rank;                 /* 0: surest; from PAGE_LINK_WEAK on it may lead to a contact, but does not say so ("about us") */
};

struct page {
    struct span title, charset, language; /* the set as the standard decides it (WHATWG encoding sniffing), but what is surely UTF-8 is read so,
                                             and what is whole in the set of two bytes its meta names, where a server says Latin-1 of all */
    struct page_address *addresses;
    struct page_form *forms; /* in the order of the document, all of them */
    struct page_account *accounts;
    struct page_link *links; /* to contact pages, frames and refreshes included; best first; absolute; same document left out */
    size_t address_count, form_count, account_count, link_count;
    bool needs_scripts; /* it shows nothing of its own without scripts */
    bool cut;
    struct span maker; /* a device's own page: its maker's name, when the page says so; empty otherwise */
};

/* `type`: Content-Type as sent, may be empty. Everything lies in the arena. 0, -ENOMEM; a page that is no HTML is read as text. */
int page_read(const struct book *, struct arena *, struct span url, struct span type, struct span bytes, struct page *ret);
/* `reference` seen from `base`, without fragment; 0, -ERR_MALFORMED (also: no http(s)), -ENOMEM. */
int url_join(struct arena *, struct span base, struct span reference, struct span *ret);
