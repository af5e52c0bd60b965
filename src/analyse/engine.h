/* Drives the rules over records in the order of their rows and keeps their states, bounded, to be saved and loaded as one piece. */
#pragma once

#include "analyse/rule.h"
#include "base/buf.h"

enum { ENGINE_SAVED_MAX = 3 * 1024 * 1024 };

struct engine;

/* The background (NULL: an empty one) must outlive the engine. */
int engine_new(struct engine **ret, const struct rule *const *rules, size_t count, const struct background *);
void engine_free(struct engine *);

uint64_t engine_wants(const struct engine *); /* kinds any rule wants */

/* What the rules say of a record: each finding is appended to `frames` (record/wire.h) and counted, each task to `tasks` (entries of a TASKS
 * message, process/messages.def). 0, -ENOMEM, or a buf's error. */
int engine_judge(struct engine *, const struct record *, struct buf *frames, struct buf *tasks, size_t *ret_findings);

/* All states; of too many, the newest. */
void engine_save(const struct engine *, struct buf *out);
/* Takes up what was saved; of a rule that has changed its state's size since, nothing. -ERR_MALFORMED: as new. */
int engine_load(struct engine *, struct span saved);
