/*
 * What readers of other projects' host lists have in common: a JSON object for each line, or one document that is an array of them; each
 * service of a host becomes a LISTING record, its host being the destination. What such a list says is that project's word, no observation of
 * ours.
 */
#pragma once

#include "observe/import/reader.h"

#include <jansson.h>

struct listing {
    const char *list; /* whose: shodan, censys */
    struct source *source;
    struct emit *emit;
    struct span text; /* the object being read */
    unsigned ordinal; /* records it gave so far */
    struct record record;
    struct fact facts[RECORD_FACTS_MAX];
    struct buf detail; /* lines "name: value" of the record in hand */
    struct buf bytes;  /* its banner, when that was written in hexadecimal */
    char service[32];
};

enum { LISTING_SERVICES_MAX = 4096, LISTING_DETAIL_MAX = 8 * 1024 };

/* Calls `object` with each object of the input; a code it returns ends the file. */
int listing_read(struct source *, struct emit *, const char *list, int (*object)(struct listing *, const json_t *));

/* The value at a path such as "location.country_code", or NULL; null is as good as missing. */
const json_t *listing_at(const json_t *, const char *path);
struct span listing_text(const json_t *); /* of a string; empty for all else */

/* One record: begin, then facts, then end. begin reads when and where; -ERR_MALFORMED: it was skipped, with the reason. Times without a zone are
 * UTC. */
int listing_begin(struct listing *, const json_t *time, const json_t *addr, const json_t *port, struct span transport);
void listing_fact(struct listing *, enum fact_name, struct span text); /* empty ones are not stated; the first of a name stays */
void listing_detail(struct listing *, const char *name, struct span value);
void listing_asn(struct listing *, const json_t *); /* 64500 or "AS64500" */
/* Which service it is, in our words, by the name the list gives it, else by the port; whether it is an industrial one. `tagged`: the list
 * says so itself. */
void listing_service(struct listing *, struct span name, bool tagged);
bool listing_is_ics(const struct listing *);
void listing_class(struct listing *, struct span word); /* a class of ours, when the list's word has one */
int listing_end(struct listing *);                      /* 0, or a code that ends the run */

/* For sniffing: whether the head holds that key, quoted. */
bool listing_has_key(struct span head, const char *key);
