/* What the program says of its own use: errors of one line, help of verbs, the overview. */
#pragma once

#include "cli/verb.h"

/* Writes "noroshi VERB: what was wrong; for example COMMAND" to stderr (escaped, one line); verb NULL: the program itself.
 * Returns EXIT_USAGE. */
int usage_error(const struct verb *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "noroshi: text" to stderr, escaped, one line. Returns EXIT_FAILED. */
int failed(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same, unless --quiet. */
void note(const struct invocation *, const char *format, ...) __attribute__((format(printf, 2, 3)));

void usage_verb(const struct verb *, FILE *);
void usage_overview(FILE *);

/* The exit status of what was printed: stdout may have failed (a full disk, a closed pipe). */
int output_done(int status);
