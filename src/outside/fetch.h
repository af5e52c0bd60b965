/*
 * GET over HTTP/1.1 with or without TLS, by libcurl, over a socket that the caller made with dial_open: no socket is made here, no name is looked
 * up, no file is read, no thread started, nothing is remembered from one request to the next (no cookies, no credentials, no connection). Redirects
 * are not followed but told: each is a new question to policy (fetch_follow says where to).
 *
 *   dial_open ─► fetch_start ─► connected ─► TLS ─► request ─► head ─► body ─► `done` is told, the socket is closed
 *                                   (any of them may end it: time, size, speed, what the host does)
 *
 * What a host can make us spend is bounded: time to connect, to the first byte, in all; its slowness; bytes of head and body, the body's after
 * decompression (gzip, deflate; br of one that sends it unasked), one layer of compression, bytes of all bodies together. The caller watches fetch_fd
 * for reading and calls fetch_run then, and when it is fetch_due: the same shape as dns.h, but libcurl reads the monotonic clock itself.
 */
#pragma once

#include "base/addr.h"
#include "base/buf.h"
#include "base/usec.h"

enum {
    FETCH_URL_MAX = 2048,
    FETCH_HOST_MAX = 253,
    FETCH_HEAD_MAX = 64 * 1024, /* of all heads of an answer together */
    FETCH_TYPE_MAX = 255,
    FETCH_BODY_MAX = 4 * 1024 * 1024,
    FETCH_HELD_MAX = 96 * 1024 * 1024, /* of all bodies that are under way */
    FETCH_CERTIFICATE_MAX = 32 * 1024, /* a longer one is not told */
    FETCH_BROTLI_MAX = 4,              /* at once: each may want 16 MiB to decode */
    FETCH_HOPS_MAX = 6
};

/* ---- URLs ---- */

struct fetch_url {
    bool https;
    uint16_t port;
    char host[FETCH_HOST_MAX + 1]; /* ASCII (IDN as xn--…) in lower case without a last dot, or an address without brackets */
    bool is_addr;
    struct addr addr;             /* of is_addr */
    char text[FETCH_URL_MAX + 1]; /* whole, as it is asked for: without fragment and credentials */
};
/* http and https only. -ERR_DENIED: another scheme, or a port where no web server is; -ERR_MALFORMED; -ERR_LIMIT: too long. */
int fetch_url_read(struct span text, struct fetch_url *ret);

/* Where a chain of redirects has been; zero at first. */
struct fetch_trail {
    unsigned hops;
    uint64_t seen[FETCH_HOPS_MAX + 1];
};
/* The next URL of a redirect (301, 302, 303, 307, 308 with a Location) that `from` answered. 0; -ERR_NOT_FOUND: it is none; -ERR_LIMIT: too many,
 * or a URL it has been to; -ERR_DENIED: as fetch_url_read, or from https to http where `secure` is wanted; -ERR_MALFORMED. */
int fetch_follow(struct fetch_trail *, const struct fetch_url *from, int status, struct span location, bool secure, struct fetch_url *ret);

/* ---- heads ---- */

/* What is of use in the lines of a head; zero at first. */
struct fetch_head {
    size_t bytes;
    int status;
    char type[FETCH_TYPE_MAX + 1];    /* Content-Type; bytes that are no printable ASCII are left out */
    char location[FETCH_URL_MAX + 1]; /* as sent; one that is longer, or has control characters, is none */
    usec_t retry_after;               /* Retry-After as a time to wait; 0: not said */
    usec_t retry_at;                  /* Retry-After as a date, wall clock by the host's; 0: not said */
    unsigned compressions;
    bool brotli;
};
/* One line, with or without its line break; the status line of a further head (after 1xx) begins anew. -ERR_LIMIT: too much;
 * -ERR_MALFORMED: a NUL, or a compression that is not wanted (another than named above, or several). */
int fetch_head_line(struct fetch_head *, struct span line);

/* ---- requests ---- */

enum fetch_ending {
    FETCH_WHOLE,       /* the answer, from the first to the last byte */
    FETCH_TOO_MUCH,    /* the body is longer than it may be: the first bytes of it are told */
    FETCH_SLOW,        /* it came more slowly than it may, or not within the time: what came is told */
    FETCH_SHORT,       /* the host ended it early: what came is told */
    FETCH_REFUSED,     /* no connection: refused */
    FETCH_UNREACHABLE, /* no connection: no answer in time, or no way there */
    FETCH_SILENT,      /* connected, and not one byte of an answer */
    FETCH_TLS,         /* no TLS could be agreed on */
    FETCH_UNTRUSTED,   /* the certificate is not trusted, expired, or another host's */
    FETCH_BROKEN,      /* no HTTP, a head too long, a body that can't be decompressed */
    FETCH_MEMORY,      /* we had no room for it: ask again later */
    FETCH_ENDING_COUNT
};
const char *fetch_ending_text(enum fetch_ending);

struct fetch_limits {
    usec_t connect, first_byte, total; /* from fetch_start */
    usec_t pace;                       /* in every such time … */
    size_t pace_bytes;                 /* … at least so many bytes come, once the body begins; 0: any */
    size_t body_max;                   /* at most FETCH_BODY_MAX; 0: that */
};
extern const struct fetch_limits fetch_limits_usual;

struct fetch_request {
    const struct fetch_url *url; /* copied */
    struct endpoint to;          /* where the socket leads; the URL's host is not looked up */
    int fd;                      /* of dial_open, on its way or there by now: its connect() did not wait; taken over, also on an error */
    bool verify;                 /* https: the certificate must be trusted and the host's own; else anything goes, old TLS too */
    const char *accept;          /* the Accept header, NULL: any */
    struct fetch_limits limits;
    void *user;
};

struct fetch_result {
    enum fetch_ending ending;
    const struct fetch_head *head; /* status 0: none came */
    struct span body;              /* decompressed; valid during the call */
    struct span certificate;       /* https: the leaf that the host showed, trusted or not, as DER; empty: none came. Valid during the call */
    uint64_t bytes_in;             /* of head and body, as they came */
    const char *detail;            /* of a failure: libcurl's or the system's words; "" */
};
struct fetch;
struct fetch_client;

/* A request is over; called by fetch_run alone. It may start and drop others. */
typedef void fetch_done(void *client_user, void *request_user, const struct fetch_result *);

/* `agent`: the User-Agent (attribution_agent), copied. `ca`: PEM certificates that are trusted; empty: with `verify` nobody is.
 * -ERR_MALFORMED: `ca` has none; -ENOMEM, -errno. */
int fetch_client_new(struct fetch_client **ret, const char *agent, struct span ca, fetch_done *done, void *user);
/* Ends what is under way without a word; NULL accepted. Not inside `done`. */
void fetch_client_free(struct fetch_client *);
int fetch_fd(const struct fetch_client *);
/* 0 and, when ret is not NULL, what fetch_drop takes; -ENOMEM, -errno, -ERR_MALFORMED: nothing will be told, the socket is closed. */
int fetch_start(struct fetch_client *, const struct fetch_request *, struct fetch **ret);
void fetch_drop(struct fetch *); /* not wanted any more; it must be under way. `done` is not called */
void fetch_run(struct fetch_client *);
usec_t fetch_due(const struct fetch_client *); /* usec_monotonic; 0: never */

struct fetch_counters {
    uint64_t started, ended[FETCH_ENDING_COUNT];
    size_t under_way, held; /* now; bytes of bodies */
};
const struct fetch_counters *fetch_counters(const struct fetch_client *);
