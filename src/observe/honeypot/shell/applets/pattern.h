/*
 * Regular expressions, POSIX basic and extended, for patterns an attacker writes: a Thompson automaton with captures, so that time is bounded by
 * pattern × text and never exponential; patterns are capped. Back references are not known (an error, as an unsupported one would be).
 */
#pragma once

#include "observe/honeypot/shell/applets/common.h"

enum { PATTERN_GROUPS = 10, PATTERN_TEXT_MAX = 4096 };

enum pattern_flags { PATTERN_EXTENDED = 1, PATTERN_FOLD = 2, PATTERN_FIXED = 4, PATTERN_WORD = 8, PATTERN_LINE = 16 };

struct pattern;

/* Returns 0, -ENOMEM or -EINVAL; *ret_message is then what regerror would say. */
int pattern_new(struct pattern **ret, struct span text, unsigned flags, const char **ret_message);
void pattern_free(struct pattern *);

/* The leftmost longest match at or after `from`. groups[0] is the whole; a group that took no part has a NULL `at`. Spends steps. */
bool pattern_find(struct run *, struct pattern *, struct span text, size_t from, struct span groups[static PATTERN_GROUPS]);
