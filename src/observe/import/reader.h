/*
 * A reader turns a foreign log into records: one file, one line in readers.def. It gets lines, states records, and says what it skipped.
 */
#pragma once

#include "base/buf.h"
#include "record/types.h"

struct source; /* an opened, decompressed input; where it is, for messages */
struct emit;   /* where records go */

struct reader {
    const char *name, *help;
    int (*sniff)(struct span head);              /* 0 to 100: how sure it is that this is its format; head is up to 64 KiB */
    int (*read)(struct source *, struct emit *); /* 0, or a negative code that ended the file (what was read stays) */
    size_t state_size;                           /* zeroed memory it keeps over all files of one run: emit_state */
    void (*done)(void *state);                   /* frees what the state points to; may be NULL */
};

enum { SOURCE_LINE_MAX = 1024 * 1024, SOURCE_HEAD_MAX = 64 * 1024 };

/* The next line without its end ('\n' or "\r\n"); valid until the next call. 1, 0 at the end, negative: reading or decompressing failed.
 * A line over 1 MiB is skipped and counted by the source itself. What stands behind the last line break of a damaged file is not given. */
int source_line(struct source *, struct span *ret);
uint64_t source_line_number(const struct source *); /* of the last line, from 1 */
const char *source_name(const struct source *);

/* A record; its id must come from the content: emit_id. TEXT facts are cleaned (UTF-8 without NUL) and cut here. 0, or a negative code that
 * ends the run. */
int emit_record(struct emit *, const struct record *);
/* id = time + SHA-256(reader, ordinal, line), so that importing the same line again, from whatever file, changes nothing. */
struct id emit_id(struct emit *, usec_t time, struct span line, unsigned ordinal);
/* A line that could not be read: counted; the first ones are shown as file:line: why. */
void emit_skip(struct emit *, const struct source *, const char *format, ...) __attribute__((format(printf, 3, 4)));
int emit_zone_minutes(const struct emit *);   /* --timezone for times without one */
const char *emit_zone(const struct emit *);   /* the same as text: "+09:00" */
struct span emit_sensor(const struct emit *); /* the sensor of records whose source names none */
void *emit_state(struct emit *);              /* the reader's own, state_size bytes; NULL when memory is short */

const struct reader *const *readers_all(size_t *ret_count);
const struct reader *reader_by_name(const char *name); /* NULL when there is none */
