/* The operator's blocklist and the opt-outs, watched: the supervisor reads the files when they change and hands them to reach whole. */
#pragma once

#include "process/folder.h"

struct lists_file {
    char *path;      /* NULL: none is set */
    bool may_lack;   /* the default opt-out file: made when the first one opts out */
    bool missing;    /* it was there, or should be, and can't be read: what was read last goes on to hold */
    int64_t seen[4]; /* device, inode, size, time of the last reading; zeroes: none yet */
    struct buf text;
};

struct lists {
    const struct folder *folder;
    struct lists_file blocklist, optout;
};

/* Reads both for the first time. A file that was named and can't be read is -ERR_CONFIG with one line: nothing may go out without it. */
int lists_open(struct lists *, const struct conf *settings, const struct folder *, struct buf *why);
void lists_close(struct lists *); /* safe on zeroes */

/* Reads what has changed since. True when the lists did; one line in `why` when one of them can't be read, said once. */
bool lists_watch(struct lists *, struct buf *why);

/* The body of MESSAGE_LISTS. */
void lists_message(const struct lists *, struct buf *out);
