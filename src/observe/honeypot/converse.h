/*
 * Sockets <-> services: accepts on listeners it was given, keeps limits and deadlines, reads the PROXY protocol's header where relays
 * connect, moves bytes, and states every connection and its end as records.
 *
 *            no room, EMFILE ──────────────────────────► refused (counted)
 *               │                    bad, missing, late ─────▲
 *   accept ─────┴──► HEADER (relays' listeners only) ────────┘
 *               │      │ header read
 *               └──────┴─► OPEN ──hang-up──► ENDING ──all sent──► LINGER ──peer closed, 2 s──► gone
 *                            └── reset, time-outs, limits: at once ─────────────────────────────▲
 *
 * One epoll descriptor of its own, watched by the libuv loop, holds all sockets: a handle of libuv's per conversation would cost 250
 * bytes and two more turns of the loop at its close. One timer serves all deadlines (a heap).
 */
#pragma once

#include "observe/honeypot/service.h"
#include "record/journal.h"

#include <uv.h>

struct converse;
struct conf;

struct converse_limits {
    uint32_t connections, per_service, per_peer; /* at one time; a peer is an IPv4 address or an IPv6 /64 */
    usec_t login_timeout, idle_timeout, session_timeout;
    uint64_t input_max, output_max;
    size_t memory, transcript_max;
};
/* From the settings honeypot.*. */
struct converse_limits converse_limits(const struct conf *);

struct converse_config {
    uv_loop_t *loop;
    struct journal *journal;
    struct span sensor; /* lives as long as the converse */
    struct converse_limits limits;
    void *user;
    void (*drained)(void *user); /* after converse_drain: the last conversation is over */
};

struct converse_listener {
    const struct service *service;
    const struct prefix *relays; /* none: no PROXY protocol here */
    size_t relay_count;
    /* The device shown to this peer at this address of ours; never NULL. */
    const struct profile *(*pick)(void *user, struct endpoint source, struct endpoint destination);
    void *user;
};

int converse_new(struct converse **ret, const struct converse_config *);
/* Ends what is open as `stopped`, without waiting; NULL accepted. The loop must run once more to close the handles. */
void converse_free(struct converse *);

/* A bound and listening socket, with TCP_SAVE_SYN set if the SYN's facts are wanted; not taken over, must outlive the converse. The struct is
 * copied, what it points to is not. */
int converse_listen(struct converse *, int fd, const struct converse_listener *);
/* Takes no new connections; `drained` follows when none is open. */
void converse_drain(struct converse *);
/* Ends every conversation now; their records are appended on return. */
void converse_end_all(struct converse *, enum reason);
size_t converse_count(const struct converse *);
