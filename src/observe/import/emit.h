/* What stands behind a reader's emit: one run of one reader. Not a reader's business: readers use reader.h. */
#pragma once

#include "observe/import/import.h"

struct emit;

int emit_new(struct emit **ret, const struct import_options *, const struct reader *);
void emit_free(struct emit *); /* ends the reader's state too; NULL accepted */

/* Before each file: where totals are kept, and how many lines may still be shown. */
void emit_begin(struct emit *, struct import_totals *);
/* A line that the source itself skipped. */
void emit_skip_text(struct emit *, const char *file, uint64_t line, const char *why);
/* The code that `put` gave, or 0. */
int emit_error(const struct emit *);
