/*
 * Work that survives a crash: a row per task in the control database. A worker leases what is due; a lease that is not answered before its
 * deadline is given to another.
 *
 *                enqueue                lease
 *   (none) ───────────────► waiting ─────────────► leased ──complete──► done
 *                            ▲  ▲                    │  │
 *                            │  └── deadline passed ─┘  │ fail
 *                            └──── back-off ◄──────────┘ ──attempts used up──► failed
 */
#pragma once

#include "base/buf.h"
#include "base/usec.h"
#include "store/db.h"

enum { TASK_KEY_MAX = 256, TASK_KIND_MAX = 64, TASK_INPUT_MAX = 1024 * 1024, TASK_ERROR_MAX = 512 };

struct task {
    struct span key;   /* idempotent: what the work is, e.g. "probe 192.0.2.1 2026-11-20" */
    struct span kind;  /* which workers take it */
    struct span input; /* complete: a worker reads nothing else */
    usec_t due;
    int64_t attempts_max;
};

/* Makes a task unless its key is there. 0, or 1 when it was there. */
int task_put(sqlite3 *control, const struct task *, usec_t now);

struct task_lease {
    struct buf key, input; /* buf_init by the caller; replaced */
    int64_t attempt;       /* from 1 */
    int64_t lease;         /* to be given back with the answer: of an earlier lease it is refused */
};
/* The task of that kind that has been due longest: 1 and *ret, 0 when there is none, negative. Expired leases are given back first. */
int task_take(sqlite3 *control, struct span kind, struct span worker, usec_t now, usec_t deadline, struct task_lease *ret);

/* Up to `room` of them at once, each given to `each` (negative stops, and is returned); returns how many. One transaction: the caller's when one
 * is open. */
struct task_given {
    struct span key, input; /* valid during the call */
    int64_t attempt, lease;
};
int task_take_many(sqlite3 *control, struct span kind, struct span worker, usec_t now, usec_t deadline, size_t room,
                   int (*each)(void *user, const struct task_given *), void *user);
/* The worker lives: its leases hold until then. */
int task_renew(sqlite3 *control, struct span worker, usec_t deadline);
/* The worker is gone: what it held waits again, due now; tasks without attempts left fail. Returns how many it held. */
int task_give_back(sqlite3 *control, struct span worker, usec_t now);
/* Done, whoever holds it or does not: its result is committed. Returns 1 when it was not done before, 0 when there is no such task or it had
 * ended. */
int task_finish(sqlite3 *control, struct span key, struct span result, usec_t now);
/* Over, but not done: waits for its next attempt until `due` (from the fourth on at least 1, 2, 4 … 24 times `step`), or, when that is 0, 1, 2, 4, 8,
 * then 24 times `step`. Fails when `attempts_most`, or the
 * task's own attempts_max, were made. Returns 1 when it was waiting or leased, else 0. */
int task_put_off(sqlite3 *control, struct span key, struct span why, usec_t now, usec_t due, int64_t attempts_most, usec_t step);

/* Answers. -ERR_NOT_FOUND: the lease is not held any more. Inside the caller's transaction when one is open, so that results commit with it. */
int task_complete(sqlite3 *control, struct span key, int64_t lease, struct span result, usec_t now);
/* Waits 1, 2, 4 … minutes (at most a day) before the next attempt; `failed` when attempts_max were made. */
int task_fail(sqlite3 *control, struct span key, int64_t lease, struct span error, usec_t now);
/* Gives back leases whose deadline passed (those without attempts left fail); returns how many, or negative. */
int task_expire(sqlite3 *control, usec_t now);
