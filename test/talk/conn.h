/*
 * A conversation without sockets, clock and store: what a service says is gathered, what it states is written down as text, delays take no time.
 * It stands in for converse.c, so a program links either.
 */
#pragma once

#include "base/buf.h"
#include "observe/honeypot/service.h"

struct talk {
    struct conn *conn;
    struct buf output;  /* everything said */
    struct buf facts;   /* one line each: "login event.outcome=success user.name=root …", the sums last as "session …" */
    enum reason reason; /* why it was hung up, or NONE */
    usec_t delayed;     /* all delays together */
    size_t output_max;  /* 0: none */
};

/* The profile must outlive the talk. */
struct talk *talk_new(const struct service *, const struct profile *, struct endpoint source);
void talk_input(struct talk *, struct span); /* nothing after a hang-up */
void talk_close(struct talk *);              /* the service's close and the sums; the texts stay until talk_free */
void talk_free(struct talk *);
bool talk_over(const struct talk *);
