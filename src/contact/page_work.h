/* What the parts of page_read share while a page is read: page.c walks it, the others are told what stands in it. */
#pragma once

#include "base/hash.h"
#include "contact/extract.h"
#include "contact/html.h"
#include "contact/words.h"

enum {
    ADDRESS_SLOTS = 2048 /* a power of two above twice EXTRACT_ADDRESSES_MAX */,
    ADDRESS_TRIES = 20000,
    URL_JOINS_MAX = 2000,
    EVIDENCE_MAX = 200,
    SUBSTITUTES_MAX = 4
};

/* Told of each form's features (forms.h) as it is judged: for those who tune the weights. */
typedef void form_watch(void *user, size_t index, const bool *features);

struct page_work {
    const struct words *words;
    struct arena *arena;
    struct span url, base;
    struct page *page;
    int error; /* the first one; -ENOMEM */

    uint16_t slots[ADDRESS_SLOTS]; /* index + 1 of the address */
    unsigned tries;                /* candidates looked at */
    unsigned joins;
    form_watch *watch; /* NULL: nobody */
    void *watch_user;
    bool at_begins[256];                   /* bytes that a word for @ begins with, of either case */
    bool at_pairs[26 * 26];                /* pairs of letters that one begins with: most words of a text are told apart so */
    uint32_t substitutes[SUBSTITUTES_MAX]; /* characters that the page says stand for @ */
    size_t substitute_count;
};

/* ---- address.c ---- */
void address_init(struct page_work *);
enum { ADDRESS_STRICT = 1 /* the place is one for addresses alone: any top-level label will do */ };
/* All addresses of a text, in every spelling. */
void address_scan(struct page_work *, struct span text, const char *source, unsigned flags);
/* One that is written in full and stands for itself; true when it is one. `written`: as it stood. */
bool address_add(struct page_work *, struct span mail, const char *source, struct span written, struct span evidence);
/* A URL of the scheme mailto (RFC 6068), with its to, cc and bcc fields. */
void address_mailto(struct page_work *, struct span href, const char *source, struct span evidence);
/* What Cloudflare's script would put there: hexadecimal, each byte crossed with the first. */
void address_cloudflare(struct page_work *, struct span hex, struct span evidence);
/* Attributes that hold one, whole or in two parts. */
void address_attributes(struct page_work *, const struct html_token *);
/* ---- jsonld.c ---- */
void jsonld_read(struct page_work *, struct span text);
/* ---- accounts.c ---- */
/* `me`: the page says rel="me". */
void accounts_link(struct page_work *, struct span url, bool me);
/* ---- links.c ---- */
/* A link, button or area: its text and titles say whether it leads to a contact page. `kind`: NULL, "frame" or "refresh". */
void links_add(struct page_work *, struct span reference, struct span text, struct span title, const char *kind);
void links_done(struct page_work *);

/* ---- page.c ---- */
/* page_read with somebody who watches. */
int page_read_watched(const struct words *words, struct arena *arena, struct span url, struct span type, struct span bytes, form_watch *watch,
                      void *user, struct page *ret);

/* ---- common ---- */
/* A copy in the arena, valid UTF-8, blanks as one, at most `max` bytes. */
struct span page_copy(struct page_work *, struct span text, size_t max);
/* Joined with the page's base; empty when it is none of http(s) or too many were joined. */
struct span page_url(struct page_work *, struct span reference);
/* ASCII letters of any case. */
static inline bool starts_with_folded(struct span text, const char *lower)
{
    size_t i = 0;
    for (; i < text.len && lower[i] != '\0'; i++) {
        if ((text.at[i] >= 'A' && text.at[i] <= 'Z' ? text.at[i] + 32 : text.at[i]) != (uint8_t)lower[i])
            return false;
    }
    return lower[i] == '\0';
}
/* Whether it stands anywhere in it. */
bool page_contains(struct span text, const char *lower);
