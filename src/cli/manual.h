/* The manual page and its parts, made from the tables: verbs, reports, settings, exit statuses. */
#pragma once

#include "base/buf.h"

void manual_page(struct buf *out);       /* troff, man(7) macros */
void manual_completion(struct buf *out); /* bash */

/* Writes one of these to stdout; the verb's exit status. */
int manual_print(void (*make)(struct buf *out));

/* Text as troff reads it back unchanged: backslashes, hyphens, and a dot or apostrophe at the start of a line. */
void manual_escape(struct buf *out, const char *text);
