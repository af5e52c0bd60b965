/*
 * One role's process, as its supervisor sees it.
 *
 *            child_start                READY
 *   DOWN ───────────────► STARTING ──────────────► READY
 *    ▲  ▲                    │                       │ child_stop
 *    │  │ ended              │ died                  ▼
 *    │  └──── WAITING ◄──────┴────────────◄───── STOPPING ──time is up──► SIGKILL
 *    │      (back-off)  died                         │
 *    └───────────────────────────────────────────────┘ ended
 *
 * A process has ended when it was reaped and its channel was read to the end, so that its last word (FAILED) is heard.
 */
#pragma once

#include "base/usec.h"
#include "process/role.h"

#include <sys/types.h>

enum child_state { CHILD_DOWN, CHILD_WAITING, CHILD_STARTING, CHILD_READY, CHILD_STOPPING };

struct child;

struct child_events {
    void (*started)(struct child *, void *user); /* the process is there: tell it its settings, grants, peers, START */
    void (*ready)(struct child *, void *user);
    void (*failed)(struct child *, void *user, struct span line); /* it can't start or go on; its end follows */
    void (*accused)(struct child *, void *user, struct span name);
    /* It ended with this wait status. child_again or child_free may be called in it. */
    void (*ended)(struct child *, void *user, int status);
};

int child_new(struct child **ret, uv_loop_t *, const struct role *, unsigned index, int program_fd, const struct child_events *, void *user);
void child_free(struct child *); /* no process may be left; the loop must run to close its timer */

int child_start(struct child *);  /* forks and executes; 0 or -errno */
void child_again(struct child *); /* starts it after its back-off */
void child_stop(struct child *, uint64_t timeout_msec);
void child_kill(struct child *);
void child_reap(struct child *); /* after SIGCHLD */

/* Sends in order, waiting as long as the process is slow to read. `fd` is duplicated; -1 for none. */
void child_tell(struct child *, enum message, struct span body, int fd);

enum child_state child_state(const struct child *);
const char *child_name(const struct child *); /* "edge.0" */
const struct role *child_role(const struct child *);
pid_t child_pid(const struct child *);
bool child_overdue(const struct child *);          /* it was killed since it did not end in time */
unsigned child_early_deaths(const struct child *); /* in a row, each before READY */

/* The time to wait before a start, after a process that was started after waiting `previous_msec` lived this long: 0.1 s doubling to
 * 10 s, forgotten after a minute's life. */
uint64_t child_backoff(uint64_t previous_msec, usec_t lived);
