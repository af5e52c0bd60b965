/* What `show` shows: one session, one host, one sample. Each returns an exit_status. */
#pragma once

#include "cli/reading.h"

enum { SHOW_REPLAY, SHOW_SPEED, SHOW_JSON, SHOW_OPTIONS };

extern const struct verb verb_show;

int show_session(const struct invocation *, const struct options *, struct query *, const char *id);
int show_host(const struct invocation *, const struct options *, struct query *, const char *address);
int show_sample(const struct invocation *, const struct options *, struct query *, const char *sha256);

/* A session's transcript (record/transcript.h): as text, or with its timing. `telnet`: its negotiations are shown by name, or in a replay left out.
 */
int show_transcript(const struct invocation *, struct span transcript, bool telnet);
int show_replay(const struct invocation *, struct span transcript, bool telnet, double speed);

/* "  name          value" of a summary; foreign text is escaped. */
void show_line(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
void show_span(const char *name, struct span text);
void show_time(const char *name, usec_t);
/* A table under a heading, when it has rows. */
int show_table(const struct invocation *, const char *heading, struct table *);
