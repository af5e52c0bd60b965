/*
 * Listening sockets: one per service and edge (SO_REUSEPORT), bound and listening before privileges go, held by the supervisor so that
 * what waits to be accepted survives an edge's death.
 */
#pragma once

#include "base/conf.h"

/* Where: each service's `listen`, its `public` where it has one, or nowhere, for a verb that wants no honeypots. */
enum listening { LISTENING_LOCAL, LISTENING_PUBLIC, LISTENING_NOT };

struct listeners {
    int *fds; /* services × edges; -1 where there is none */
    struct endpoint *at;
    size_t services;
    unsigned edges;
};

/*
 * Checks the names of `services` against the registry and binds. `old` (NULL: none) is what is held already: its sockets are duplicated where
 * endpoint, transport and edge are the same, so that a reload loses no waiting connection. -ERR_CONFIG for what the configuration must mend,
 * -errno for the machine; one line in `error`.
 */
int listeners_open(struct listeners *, const struct conf *settings, enum listening, const struct listeners *old, struct conf_error *error);
int listeners_fd(const struct listeners *, size_t service, unsigned edge);
/* Ends those sockets of `old` that `kept` does not go on with, whoever else still holds them. */
void listeners_end(const struct listeners *old, const struct listeners *kept);
void listeners_close(struct listeners *); /* safe after a failure and on zeroes */
