/*
 * Deadlines of many things: a binary heap over alarms that lie in those things. No clock of its own; not for several threads.
 */
#pragma once

#include "base/usec.h"

#include <stddef.h>
#include <stdint.h>

struct alarm {
    usec_t due;
    uint32_t place; /* in the heap, from 1; 0: not set */
    uint32_t turn;  /* among those of the same time: who was set first rings first */
    void (*ring)(struct alarm *);
};

/* The thing of that type whose member it is. */
#define ALARM_OF(alarm, type, member) ((type *)(void *)((char *)(alarm)-offsetof(type, member)))

struct alarms {
    struct alarm **heap; /* from 1 */
    uint32_t count, size, turns;
};

/* Moves one that is set. 0, -ENOMEM. */
int alarm_set(struct alarms *, struct alarm *, usec_t due);
/* The same, but one that is set for an earlier time stays: whoever rings looks whether it is time. For deadlines that move back with every byte. */
int alarm_set_lazily(struct alarms *, struct alarm *, usec_t due);
void alarm_drop(struct alarms *, struct alarm *); /* one that is not set is let be */
usec_t alarms_first(const struct alarms *);       /* 0: none is set */
/* Rings those that are due, each once: one that sets itself again at once gets its turn with the next call. */
void alarms_run(struct alarms *, usec_t now);
void alarms_free(struct alarms *);
