/*
 * A sink gives records away in a form that others read: one file, one line in sinks.def. It is fed in the order of ids; a receiver may see
 * a record again after a break, never miss one. Sinks make bytes; where these go is the caller's business.
 */
#pragma once

#include "base/buf.h"
#include "record/types.h"

struct sink_options {
    bool content; /* with the bytes of samples (noroshi.content), where the form has a place for them */
};

/* What a sink works with: it appends to `out` and keeps its own in `state`. */
struct sink_stream {
    struct buf out;
    void *state; /* state_size bytes, zeroed at first */
    struct sink_options options;
};

struct sink {
    const char *name, *help;
    size_t state_size;
    int (*open)(struct sink_stream *);                       /* what stands before the first record; may be NULL */
    int (*put)(struct sink_stream *, const struct record *); /* 0 or a negative code */
    int (*flush)(struct sink_stream *);                      /* what was held back; may be NULL */
    void (*close)(struct sink_stream *);                     /* frees what the state points to; may be NULL */
};

const struct sink *const *sinks_all(size_t *ret_count);
const struct sink *sink_by_name(const char *name); /* NULL when there is none */

/* One export. `write` gets whole lines, in pieces of some 64 KiB; what it returns but 0 ends the export. */
struct export;
int export_open(struct export **ret, const struct sink *, const struct sink_options *, int (*write)(void *user, struct span bytes), void *user);
int export_put(struct export *, const struct record *); /* 0, `write`'s code, -ERR_LIMIT, -ENOMEM */
int export_flush(struct export *);
void export_close(struct export *); /* does not flush; NULL accepted */
