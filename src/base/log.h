/*
 * Log lines to stderr: "2026-11-20T21:41:04.082989Z edge.0 warning: text". Programs (roles, verbs) log; libraries return codes.
 * What is formatted is escaped as a whole (text_escape), so foreign bytes can forge neither a line nor a terminal sequence.
 * A line is one write(2) of at most 4 KiB. At most 100 lines a second per level; what was held back is counted in the next line.
 */
#pragma once

#include "base/span.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

void log_open(const char *who, enum log_level least); /* `who` is copied; at most 31 characters */
/* On a terminal lines have no time and no role, unless the level is debug. */
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
