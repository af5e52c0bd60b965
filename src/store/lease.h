/*
 * Work for reach: tasks that were asked for wait for the commit, tasks that are due go out as leases, as many as reach said it can take.
 *
 *   TASKS ─► held ─commit─► task table ─due─► LEASE ─► reach ─► records ─► VISIT or QUEST committed: done (store/hosts.h, contacts.h)
 *                              ▲                 │
 *                              └── reach went ◄──┘      an attempt counts when its lease was given
 *
 * One reach at a time: when it goes, or another comes, what it held waits again at once. A task that was begun before comes with the ports it
 * dialled then.
 */
#pragma once

#include "process/channel.h"
#include "store/store.h"

enum { LEASE_TASKS_HELD_MAX = 64 * 1024 * 1024 };

struct lease;

int lease_new(struct lease **ret, struct store *, usec_t interval); /* interval: hosts dialled that lately are told of at the start */
void lease_free(struct lease *);                                    /* NULL accepted; the channel is the caller's */

/* Body of TASKS: held until lease_put. 0; -ERR_MALFORMED: nothing of it is taken, end the sender; -ERR_FULL, -ENOMEM. */
int lease_tasks(struct lease *, struct span body);
/* Body of ENTRIES, likewise. */
int lease_entries(struct lease *, struct span body);
bool lease_waiting(const struct lease *);  /* tasks or entries are held */
int lease_put(struct lease *, usec_t now); /* into the control database, all or none; on failure they stay held */

/* A reach is there: what was leased before waits again, and it is told what was spent today and what registries were
 * asked. With no batch open. NULL: it went. */
int lease_join(struct lease *, struct channel *reach, usec_t now);
int lease_want(struct lease *, struct span body); /* body of WANT */
bool lease_hungry(const struct lease *);          /* reach waits for tasks */
/* Gives what is due, and renews what was given. */
int lease_serve(struct lease *, usec_t now);
/* Sends what the channel could not take. 0, or the channel's error. */
int lease_push(struct lease *);
