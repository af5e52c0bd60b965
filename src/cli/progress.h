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
/* The same of bytes read from a file, of which a name that is foreign stands beside; `all` less than `done`: not known. */
void progress_draw_bytes(struct progress *, uint64_t done, uint64_t all, const char *name);
/* A line about a file, on stderr: "noroshi: FILE:LINE: why"; 0: no line. The bar gives way. */
void progress_say(struct progress *, const char *file, uint64_t line, const char *why);
/* Before anything else is written to the terminal. */
void progress_clear(struct progress *);
