/* How far a long work is, on stderr, where that is a terminal. */
#pragma once

#include "base/usec.h"
#include "cli/verb.h"

struct progress {
    bool wanted, shown;
    usec_t next; /* monotonic */
};

void progress_init(struct progress *, const struct invocation *);
/* Is it time to draw? A few times a second at the most. */
bool progress_due(const struct progress *);
/* A bar for `done` of `all` (0: not known, no bar), then the text, whose foreign bytes are escaped. */
void progress_draw(struct progress *, uint64_t done, uint64_t all, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Before anything else is written to the terminal. */
void progress_clear(struct progress *);
