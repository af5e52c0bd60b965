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

/* What else looks at rows: states records about one, as frames. 0 or negative. `record` is whole: a large BYTES fact was read from its blob. */
typedef int follow_look(void *user, const struct record *record, struct buf *frames, size_t *ret_count);

struct follow {
    const char *folder; /* the data folder; lives longer */
    struct engine *engine;
    follow_look *look; /* at rows of `look_kinds`; may be NULL */
    void *look_user;
    uint64_t look_kinds;
    struct buf blob;
    struct follow_day *days;
    size_t count, room;
    sqlite3 *db; /* of `open`; NULL: none */
    usec_t open;
    bool immutable;
};

void follow_init(struct follow *, const char *data_folder, struct engine *);
void follow_looks(struct follow *follow, follow_look *look, void *user, uint64_t kinds);
void follow_done(struct follow *);
void follow_close(struct follow *); /* lets go of the open file, so that it can be sealed */

/* The body of a PLACE message: everything starts anew from there. */
int follow_place(struct follow *, struct span body);
/* Rows of a day up to `row` are committed. */
int follow_committed(struct follow *, usec_t day, int64_t row);

/* Judges some rows of one day, up to `rows`, appending findings to `frames` and tasks to `tasks`. 1 and the day; 0: nothing is left to
 * judge; negative: try later (-ERR_BUSY, …). A day whose file has gone is passed over. */
int follow_step(struct follow *, size_t rows, struct buf *frames, struct buf *tasks, size_t *ret_findings, struct follow_day **ret);
/* The day the next step would judge; NULL: nothing is left. */
const struct follow_day *follow_next(struct follow *);
/* Days with saved < followed; the first of them, or NULL. */
struct follow_day *follow_unsaved(struct follow *);
