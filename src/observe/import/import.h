/*
 * Importing: files, folders and standard input become records. A folder is walked in the order of its names; links inside it are not
 * followed, other things than files are passed over. One reader keeps its state over all files of a run, so a session may go on in the
 * next (rotated) file.
 */
#pragma once

#include "observe/import/reader.h"

struct import_totals {
    uint64_t files;  /* read, in part at least */
    uint64_t failed; /* files that could not be opened, have no known format, or ended in an error */
    uint64_t lines;
    uint64_t records; /* given to `put` */
    uint64_t skipped; /* lines, those over 1 MiB included */
};

/* Any call may be NULL but `put`. Texts are foreign: escape them before they are shown. */
struct import_options {
    const char *format; /* a reader's name; NULL: the first bytes of each file tell */
    const char *sensor; /* of records whose source names none; NULL: "import" */
    int zone_minutes;   /* of times without a zone, east of UTC */
    void *user;
    int (*put)(void *user, const struct record *);                                  /* non-zero ends the run */
    void (*progress)(void *user, const char *file, uint64_t bytes, uint64_t total); /* over all files; total 0: not known */
    void (*skipped)(void *user, const char *file, uint64_t line, const char *why);  /* the first IMPORT_SHOWN of a file; line 0: not known */
    void (*failed)(void *user, const char *file, const char *why);                  /* the file is done with, others follow */
};

enum { IMPORT_SHOWN = 20, IMPORT_FILES_MAX = 1000000, IMPORT_DEPTH_MAX = 16 };

/* "-" is standard input. 0 (also when files failed: see the totals), `put`'s code, -ERR_UNKNOWN (no such format), -ENOMEM. The totals are
 * filled in each case. */
int import_run(const struct import_options *, const char *const *paths, size_t count, struct import_totals *ret);

/* One input in memory, for tests and fuzzing; the reader is told by name or sniffed, as above. */
int import_bytes(const struct import_options *, const char *name, struct span bytes, struct import_totals *ret);
