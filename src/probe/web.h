/*
 * What http and https do alike:
 *
 *   GET / ─┬─ redirected inside the same origin ─► GET that path, once ─┬─► GET /favicon.ico ─► done
 *          └────────────────────────────────────────────────────────────┘
 *
 * in the same connection as long as the host keeps it; one that closes gets at most one further connection (talk_again), for the redirection or
 * else for the icon. No other host, port or scheme is ever followed to, no script is run, nothing is sent but these GETs.
 */
#pragma once

#include "probe/http_response.h"
#include "probe/probe.h"

enum web_stage { WEB_PAGE, WEB_REDIRECTED, WEB_FAVICON };

enum { WEB_PATH_MAX = 255, WEB_PAGE_MAX = 64 * 1024 /* of a page; what is longer is ended by us */, WEB_CONTENT_MAX = 96 * 1024 };

struct web {
    struct http_reader reader;
    enum web_stage stage;
    size_t from;                 /* where in what was heard the answer being read begins */
    size_t head, head_len;       /* header lines of a page that redirected */
    char path[WEB_PATH_MAX + 1]; /* where to, for this or the second connection; "" for none */
    bool tls, other, over;       /* other: what comes is not HTTP; over: all that was to be learned here is stated */
};

void web_ask(struct talk *, bool tls);
void web_hear(struct talk *, struct span);
void web_quiet(struct talk *);
void web_end(struct talk *);
