/* Web servers for tests, on the loopback, one thread each: what they say is a function of the test's. With TLS their certificates are made anew. */
#pragma once

#include "base/addr.h"
#include "base/buf.h"

struct site;

/* A connection, blocking. */
struct site_peer;
void site_say(struct site_peer *, struct span);
void site_text(struct site_peer *, const char *text);
/* All of `len` bytes; false when the other side has gone. */
bool site_put(struct site_peer *, const void *bytes, size_t len);
/* Until the empty line that ends a request's head; what was heard, valid until the next. */
struct span site_hear(struct site_peer *);
void site_pause(unsigned msec);

typedef void site_scenario(struct site_peer *, void *user);

enum site_certificate {
    SITE_PLAIN,
    SITE_GOOD /* site.example, of the test's CA */,
    SITE_SELF,
    SITE_EXPIRED,
    SITE_OTHER /* other.example */,
    SITE_SMALL /* a 1024-bit key, TLS 1.0 to 1.2 */
};

/* Serves until site_stop; every connection is one call of the scenario. Ends the program when it can't. */
struct site *site_start(enum site_certificate kind, site_scenario *scenario, void *user);
struct endpoint site_endpoint(const struct site *);
void site_stop(struct site *);
/* The CA's certificate as PEM; valid until the program ends. */
struct span site_ca(void);
