/* Follows committed rows of day files through the rules: which days have how much left, one of them open at a time. */
#pragma once

#include "analyse/engine.h"
#include "store/db.h"

struct follow_day {
    usec_t day;
    int64_t saved;    /* up to here the store knows that it was judged */
    int64_t followed; /* judged */
    int64_t target;   /* committed */
};

struct follow {
    const char *folder; /* the data folder; lives longer */
    struct engine *engine;
    struct follow_day *days;
    size_t count, room;
    sqlite3 *db; /* of `open`; NULL: none */
    usec_t open;
    bool immutable;
};

void follow_init(struct follow *, const char *data_folder, struct engine *);
void follow_done(struct follow *);
void follow_close(struct follow *); /* lets go of the open file, so that it can be sealed */

/* The body of a PLACE message: everything starts anew from there. */
int follow_place(struct follow *, struct span body);
/* Rows of a day up to `row` are committed. */
int follow_committed(struct follow *, usec_t day, int64_t row);

/* Judges some rows of one day, up to `rows`, appending findings to `frames`. 1 and the day; 0: nothing is left to judge; negative: try
 * later (-ERR_BUSY, …). A day whose file has gone is passed over. */
int follow_step(struct follow *, size_t rows, struct buf *frames, size_t *ret_findings, struct follow_day **ret);
/* The day the next step would judge; NULL: nothing is left. */
const struct follow_day *follow_next(struct follow *);
/* Days with saved < followed; the first of them, or NULL. */
struct follow_day *follow_unsaved(struct follow *);
