/* What verbs that read the store share: opening it, ranges, forms of output. */
#pragma once

#include "cli/usage.h"
#include "report/table.h"

/* Opens the store for reading. 0, or the exit status after saying why on stderr: EXIT_NOTHING when nothing has been recorded yet. */
int reading_open(const struct invocation *, struct query **ret);

/* --since and --until as options of a verb (NULL: not given), read in report.timezone; offset_usec is set too. 0 or EXIT_USAGE. */
int reading_range(const struct invocation *, const struct verb *, const char *since, const char *until, struct query_range *ret);

/* A session's id from what was given: an id, or Cowrie's own id of an imported session (looked for; zero when there is none). 0 or an
 * exit status after saying why. */
int reading_session(const struct verb *, struct query *, const char *text, struct id *ret);
/* The time in which all records of a session lie: its id begins with its first record's time. */
void reading_session_range(struct id, usec_t *ret_since, usec_t *ret_until);

/* How a table looks on this stdout. */
struct table_look reading_look(const struct invocation *, bool title);

/* What table_print and the like returned, as an exit status; says what failed. */
int reading_printed(int error);

/* One record as a JSON object: its members and facts by name; bytes by their number only. */
void reading_json_record(struct json *, const struct record *);
