/*
 * Visits to other hosts, and quests for whom to notify (seek.h): takes tasks from the store, asks policy for each connection, writes the intent to
 * the audit, connects, lets a probe talk, and states what was learned as records. The only part that connects to strangers; every socket comes from
 * outside/: dial.h, or, to the operator's resolver for a host's name, dns.h. The name is asked for once something of the host is connected to; VISIT
 * waits for it DNS_TIMEOUT at most.
 *
 *   LEASE ─► visit: its ports one after the other, one connection to an address at a time
 *
 *             ┌────────────── next port ◄──────────────────────────────────────────────┐
 *             ▼      LATER                                                             │
 *           READY ◄────────► waits                                                     │
 *             │ dial_ask: yes                  acknowledged           ended            │
 *             ├─ DIAL "success" ──► INTENT ────────────────► TALK ──────────► ANSWER ──┤
 *             │ no                                                                     │ no port left
 *             └─ DIAL "failure", why ──────────────────────────────────────────────────┴─► VISIT, which ends the task
 *
 * No packet leaves before its DIAL record is committed. Records:
 *   DIAL     event.outcome success: the connection may be made (the intent); failure: policy refused it, event.reason says why
 *   ANSWER   one for each intent, with what the probe stated; event.outcome success when something was learned
 *   VISIT    event.outcome success when a port answered; noroshi.count says how many did; event.reason "visited", or why nothing was asked
 * Each has the host as destination, our own endpoint as source once known, the id of the visit's first DIAL record as session.
 */
#pragma once

#include "base/conf.h"
#include "contact/book.h"
#include "contact/channel.h"
#include "record/journal.h"

#include <uv.h>

struct reach;

struct reach_config {
    uv_loop_t *loop;
    const struct conf *settings; /* sensor.name, operator.*, outside.*, probe.*; outlives the reach */
    struct journal *journal;
    const struct book *book;               /* for quests (seek.h); NULL: none are taken. Outlives the reach */
    struct span ca;                        /* for quests: certificates of the authorities that are trusted, PEM; read at once */
    const struct channel *const *channels; /* of quests, ended by NULL; NULL: all there are */
    int tap_fd;                            /* a descriptor of tap_open, not taken over; -1: none, replies over TCP have no TTL */
    void *user;
    void (*stopped)(void *user); /* after reach_stop: the last visit has ended; once */
};

/* Are the settings of use? -ERR_CONFIG with one line, for the program's start; reach_new would refuse them, too. */
int reach_check(const struct conf *, struct conf_error *);
/* -ERR_CONFIG, -ENOMEM, -errno, with one line. */
int reach_new(struct reach **ret, const struct reach_config *, struct conf_error *);
/* Closes what is open without a record; NULL accepted. The loop must run once more to close the handles. */
void reach_free(struct reach *);
/* A channel to the store (again): takes over `fd`, sends what the journal holds, asks for work. */
void reach_store(struct reach *, int fd);
/* The lists as they are now. They hold at once: a talk with a host that has just been listed ends. Nothing is asked before the first. */
void reach_lists(struct reach *, struct span blocklist, struct span optout);
/* Takes no more work. Talks that are open may go on for `patience`; what is open then ends as `stopped`, and its visit gets no VISIT record,
 * so that the task is leased again. */
void reach_stop(struct reach *, usec_t patience);

struct reach_state {
    size_t visits;    /* held */
    size_t in_flight; /* connections: asked for, open or being closed */
    uint64_t leased, dialled, answered, refused;
    size_t quests; /* held */
};
struct reach_state reach_state(const struct reach *);
