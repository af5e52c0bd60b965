/* The control database (schema.h), for writing: sensors' numbers, days, places, pipeline counters. Rollups and tasks have files of their own. */
#pragma once

#include "base/usec.h"
#include "record/journal.h"
#include "store/db.h"

struct control;

/* Creates, migrates. `why`: one line for the operator. */
int control_open(struct control **ret, const char *path, struct buf *why);
void control_close(struct control *); /* NULL accepted */
sqlite3 *control_database(struct control *);

int control_begin(struct control *);
int control_commit(struct control *);
void control_rollback(struct control *);

/* The number of a sensor, given to it (outside of any transaction: at once) when it is new; -ERR_LIMIT above 65,535 of them. */
int control_sensor(struct control *, struct span name, int64_t *ret_number);
/* A day file says what a number means: taken over when the control database lost it. */
int control_learn_sensor(struct control *, int64_t number, struct span name);

struct control_day {
    usec_t day;
    int64_t applied, bytes;
    bool sealed;
};
/* 0, or -ERR_NOT_FOUND. */
int control_day(struct control *, usec_t day, struct control_day *ret);
/* All of them, oldest first; the array is the caller's to free. */
int control_days(struct control *, struct control_day **ret, size_t *ret_count);
int control_seal(struct control *, usec_t day, bool sealed, int64_t bytes);
/* Forgets a day: its row and place; with `rollups` also what names sources, users and commands of it. */
int control_forget_day(struct control *, usec_t day, bool rollups);

/* How far the analysis has followed a day; days it has not seen have row 0. */
int control_place(struct control *, usec_t day, int64_t *ret_row);
int control_set_place(struct control *, usec_t day, int64_t row);
int control_rule_state(struct control *, struct buf *out); /* nothing is appended when there is none */
int control_set_rule_state(struct control *, struct span state);

struct pipeline_row {
    const char *stream, *writer; /* schema.h */
    unsigned number;
    bool current;
    uint64_t appended, committed, waiting, rejected;
    uint64_t records;                        /* of a journal: all; of others: since the last row, added */
    uint64_t duplicates;                     /* since the last row: added */
    const struct journal_counters *counters; /* NULL: a writer without a journal file */
    usec_t now;
};
int control_pipeline(struct control *, const struct pipeline_row *);
/* Streams of that writer other than `stream` are over. */
int control_pipeline_replaced(struct control *, const char *writer, unsigned number, const char *stream);
/* What the table says of a stream; zeroes when it is not there. */
int control_pipeline_read(struct control *, const char *stream, uint64_t *ret_committed, uint64_t *ret_rejected);
