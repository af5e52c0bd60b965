/* What store.c, forward.c and tidy.c share: the store's own structure. */
#pragma once

#include "store/control.h"
#include "store/day.h"
#include "store/rollup.h"
#include "store/store.h"

#include <limits.h>

enum { OPEN_DAYS_MAX = 4, SENSOR_BITS = 65536 };

struct open_day {
    usec_t day;
    struct day *file;
    uint64_t used;                           /* when, in turns */
    uint8_t sensors[SENSOR_BITS / CHAR_BIT]; /* those the file names */
};

struct store {
    char folder[PATH_MAX - 128];
    int lock_fd;
    struct control *control;
    struct rollup *rollup;
    struct open_day *open[OPEN_DAYS_MAX]; /* NULL: free */
    uint64_t turn;
    uint64_t batch_records;    /* put since the last commit */
    bool failed;               /* roll back before going on */
    bool behind;               /* committed rows are missing in the sums: forward_all before the next put */
    usec_t flushed_at;         /* monotonic */
    struct store_day *touched; /* by commits since store_touched was asked */
    size_t touched_count, touched_room;
    bool follow; /* a place waits for the commit */
    struct store_day place;
    struct buf rule_state;
    struct contacts_limits limits;
    const struct geo *geo;
    struct bulk *bulk;
    usec_t retention;
    int64_t size_max;
};

/* The day's file, opened for writing, made live when it was sealed; may commit the batch and close another day's. */
int store_day(struct store *, usec_t day, struct open_day **ret);
int store_close_day(struct store *, struct open_day *); /* it must be clean */
int store_path_of_day(const struct store *, usec_t day, char path[static PATH_MAX]);

/* Adds the rows of a day that are not in the rollups yet. Leaves sums in memory; flushes when they grow. */
int forward_day(struct store *, struct open_day *);
/* The same for every file that may have such rows. */
int forward_all(struct store *);
