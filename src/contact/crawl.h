/*
 * Pages of a site, for the channels ip_web and domain_web: its top page, and from there what leads to a contact page, frames and refreshes included;
 * a handful of pages in all, as far as each origin's robots.txt allows (RFC 9309). What they say of whom to write to becomes findings.
 *
 *   host ─► http://HOST/robots.txt ─► http://HOST/ ─► contact pages
 *     │          └ no answer ─► the same by https
 *     └► done ─► the next host (www.), unless a redirect led there already
 */
#pragma once

#include "contact/channel.h"
#include "contact/extract.h"
#include "contact/robots.h"

/* The attribute of findings that are forms of pages. */
#define CRAWL_FORM "contact form"
#define CRAWL_FORM_SILENT "form without a way to be answered"
/* Our name in robots.txt. */
#define CRAWL_AGENT "noroshi"

enum {
    CRAWL_PAGES_MAX = 6,  /* of a host, the top page included */
    CRAWL_DEPTH_MAX = 3,  /* from the top page; frames and refreshes count */
    CRAWL_SITES_MAX = 12, /* origins, each with its robots.txt */
    CRAWL_HOSTS_MAX = 2,  /* the domain and its www. */
};

struct crawl_page {
    struct span url;
    uint8_t site, host, depth;
    bool asked, done;
};

struct crawl_site {
    struct span origin; /* "https://www.site.example", without a slash at its end */
    struct robots robots;
    bool known; /* robots.txt was heard of */
};

struct crawl_host {
    struct span name; /* as in a URL: a domain, an address, [an IPv6 address] */
    size_t pages;     /* taken */
    bool begun, by_https, answered;
};

/* A channel's state: zero at first. */
struct crawl {
    const struct channel *channel;
    bool by_address; /* the target is an address: the page of a device speaks of its maker, not of its owner */
    struct crawl_host hosts[CRAWL_HOSTS_MAX];
    struct crawl_site sites[CRAWL_SITES_MAX];
    struct crawl_page pages[CRAWL_HOSTS_MAX * (CRAWL_PAGES_MAX + 1)];
    uint64_t bodies[CRAWL_HOSTS_MAX * (CRAWL_PAGES_MAX + 1)]; /* of pages that were read: one under two names is read once */
    size_t host_count, site_count, page_count, body_count;
    bool is_maker; /* of a device's page: its addresses are the maker's */
};

/* Hosts are copied; the first is begun, the others follow. */
void crawl_begin(struct quest *, struct crawl *, const struct channel *, const struct span *hosts, size_t count);
void crawl_hear(struct quest *, struct crawl *, const struct answer *);
