#include "share/sink.h"

#include <errno.h>
#include <stdlib.h>

enum { PIECE = 64 * 1024, OUT_MAX = 64 * 1024 * 1024 };

#define SINK(name) extern const struct sink sink_##name;
#include "share/sinks.def"
#undef SINK

static const struct sink *const sinks[] = {
#define SINK(name) &sink_##name,
#include "share/sinks.def"
#undef SINK
};

const struct sink *const *sinks_all(size_t *ret_count)
{
    *ret_count = sizeof sinks / sizeof sinks[0];
    return sinks;
}

const struct sink *sink_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof sinks / sizeof sinks[0]; i++) {
        if (strcmp(sinks[i]->name, name) == 0)
            return sinks[i];
    }
    return NULL;
}

struct export
{
    const struct sink *sink;
    struct sink_stream stream;
    int (*write)(void *user, struct span bytes);
    void *user;
};

int export_open(struct export **ret, const struct sink *sink, const struct sink_options *options, int (*write)(void *user, struct span bytes),
                void *user)
{
    struct export *e = calloc(1, sizeof *e);
    if (e == NULL)
        return -ENOMEM;
    e->sink = sink;
    e->write = write;
    e->user = user;
    e->stream.options = *options;
    buf_init(&e->stream.out, OUT_MAX);
    e->stream.state = calloc(1, sink->state_size > 0 ? sink->state_size : 1);
    int r = e->stream.state == NULL ? -ENOMEM : sink->open != NULL ? sink->open(&e->stream) : 0;
    if (r != 0) {
        export_close(e);
        return r;
    }
    *ret = e;
    return 0;
}

static int drain(struct export *e, size_t least)
{
    if (e->stream.out.error != 0)
        return e->stream.out.error;
    if (e->stream.out.len < least)
        return 0;
    int r = e->stream.out.len > 0 ? e->write(e->user, buf_as_span(&e->stream.out)) : 0;
    buf_clear(&e->stream.out);
    return r;
}

int export_put(struct export *e, const struct record *record)
{
    int r = e->sink->put(&e->stream, record);
    return r != 0 ? r : drain(e, PIECE);
}

int export_flush(struct export *e)
{
    int r = e->sink->flush != NULL ? e->sink->flush(&e->stream) : 0;
    return r != 0 ? r : drain(e, 0);
}

void export_close(struct export *e)
{
    if (e == NULL)
        return;
    if (e->sink->close != NULL && e->stream.state != NULL)
        e->sink->close(&e->stream);
    buf_done(&e->stream.out);
    free(e->stream.state);
    free(e);
}
