/* What `show` shows: one session, one host, one sample, contacts. Each returns an exit_status. */
#pragma once

#include "cli/reading.h"

enum { SHOW_REPLAY, SHOW_SPEED, SHOW_JSON, SHOW_OPTIONS };

extern const struct verb verb_show;

int show_session(const struct invocation *, const struct options *, struct query *, const char *id);
int show_host(const struct invocation *, const struct options *, struct query *, const char *address);
int show_contact(const struct invocation *, const struct options *, struct query *, const char *what);
int show_sample(const struct invocation *, const struct options *, struct query *, const char *sha256);

/* What active observation tells of a host: device, ports, their history, the rules' evidence, others' lists. 0, or a negative code. */
struct device_view;
int device_view_new(struct device_view **ret, struct query *, struct addr);
void device_view_free(struct device_view *); /* NULL accepted */
bool device_view_empty(const struct device_view *);
int device_view_print(const struct invocation *, const struct device_view *); /* an exit_status */
void device_view_json(const struct device_view *, struct json *);             /* members of the object that is open */

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
