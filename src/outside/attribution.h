/*
 * Who we are, said wherever a probe can say it (RFC 9511): the text a web server gives at /.well-known/probing.txt and the User-Agent, both
 * from operator.*.
 */
#pragma once

#include "base/buf.h"
#include "base/conf.h"

/* All of organisation, mail and page are filled in. */
bool operator_named(const struct conf *);
/* What is filled in must be of use: -ERR_CONFIG with one line for a mail address without @, a page that is no https URL, a line break. */
int operator_check(const struct conf *, struct conf_error *error);

/* Appended to `out`. The operator must be named and checked. */
void attribution_agent(const struct conf *, struct buf *out);            /* "Mozilla/5.0 (compatible; Noroshi/0.1.0; +https://…)" */
void attribution_text(const struct conf *, usec_t now, struct buf *out); /* probing.txt, RFC 9511 §2, good for half a year */
void attribution_canonical(const struct conf *, struct buf *out);        /* its URL: on the host of operator.page */
