/*
 * The supervisor's own state, shared by its files: supervisor.c (start, signals, stop), member.c (what each role gets and what its
 * end means), reload.c.
 *
 *   STARTING ── all ready ──► RUNNING ──SIGTERM──► ENDING_EDGES ──► ENDING_ANALYSIS ──► ENDING_STORE ──► over
 *      └────── FAILED ────────────────────────────────▲
 */
#pragma once

#include "process/child.h"
#include "process/folder.h"
#include "process/generation.h"
#include "process/lists.h"
#include "process/supervisor.h"

enum { SLOTS_MAX = 256, EARLY_DEATHS_MAX = 5 };

enum phase { PHASE_STARTING, PHASE_RUNNING, PHASE_ENDING_EDGES, PHASE_ENDING_ANALYSIS, PHASE_ENDING_STORE, PHASE_OVER };

struct team;

struct member {
    struct member *next;
    struct team *team;
    struct child *child;
    struct generation *generation;
    unsigned slot;     /* of an edge and of reach: its journal files' */
    unsigned position; /* of an edge: which of the listeners' sockets are its own */
    bool draining;     /* an edge that takes nothing new and ends when its journal is empty */
    bool renewing;     /* stopped only to start again with other settings */
    bool leaving;      /* not to be started again */
    bool explained;    /* it said itself, FAILED, why it ends */
};

/* The journal files of an edge, or of reach; a slot is one edge's until it has ended. */
struct slot {
    int ring_fd, ring_view_fd, spool_fd;
    bool open, taken;
};

struct team {
    const struct supervision *how;
    uv_loop_t loop;
    uv_signal_t signals[4];
    struct folder folder;
    int program_fd, control_fd;
    struct generation *now, *next; /* next: a reload under way */
    struct member *members;
    struct slot slots[SLOTS_MAX + 1]; /* the last is reach's */
    struct lists lists;
    uv_timer_t lists_timer;
    enum phase phase;
    usec_t asked_to_stop; /* monotonic time of the first wish, 0: none yet */
    bool reload_again;
    int status;
};

/* member.c */
int member_add(struct team *, const char *role, unsigned index, unsigned position, struct generation *, struct member **ret);
void member_forget(struct member *);                       /* no process may be left */
struct member *member_of(const struct team *, enum party); /* the first alive or to be started again, not leaving */
bool member_is_edge(const struct member *);
int slot_open(struct team *, unsigned index, struct buf *why);
unsigned slot_free(const struct team *); /* SLOTS_MAX: none is free */
/* Makes and starts the edges of a generation. */
int edges_add(struct team *, struct generation *, struct buf *why);
bool edges_ready(const struct team *, const struct generation *);

/* Starts the roles of which there is at most one, and ends those that are not wanted (any more): analyse, reach, store. Those that got other settings
 * or files than from `old` start anew; NULL: none does. */
int singles_settle(struct team *, const struct generation *old, struct buf *why);
void reach_tell_lists(struct team *);

/* supervisor.c */
void team_ready(struct team *, struct member *);
void team_end(struct team *, int status); /* begins the orderly end; `status` is left when not 0 */
void team_advance(struct team *);         /* a role ended while ending */
uint64_t team_stop_msec(const struct team *);

/* reload.c */
void reload_begin(struct team *);
void reload_ready(struct team *);                  /* a role became ready */
void reload_undo(struct team *, const char *line); /* the new edges can't start */
