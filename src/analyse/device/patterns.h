/*
 * Many regular expressions at once: Hyperscan says which of them match, in one pass whose time is linear in the text, and PCRE2 then finds
 * the captures of those alone, inside a budget. PCRE2's syntax with Ruby's lines: ^ and $ match at each line; only \n ends a line.
 *
 * A set is used by one thread at a time. Nothing here maps executable memory (PCRE2's JIT is not used) or opens a file.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

struct pattern {
    struct span regex;
    bool nocase;
    bool dotall;   /* a dot matches \n, too */
    bool whole;    /* ^ and $ match at the text's ends alone */
    bool optional; /* left out of the set when it can't be had */
};

struct pattern_set;

enum { PATTERN_CAPTURES = 10, PATTERN_HITS_MAX = 256, PATTERN_REGEX_MAX = 8192, PATTERN_SET_MAX = 16384 };

/* Is it a regular expression that a set may hold? 0, or -ERR_MALFORMED and why in `why`. */
int pattern_check(const struct pattern *, char *why, size_t size);

/* Appends the compiled set to `out`. -ERR_MALFORMED: *ret_bad is the pattern that is at fault, `why` says why. Takes seconds for thousands. */
int patterns_compile(const struct pattern *, size_t count, struct buf *out, size_t *ret_bad, char *why, size_t size);
/* `compiled` as made of the same patterns by the same library; copied. -ERR_VERSION when it was made by another or for another processor. */
int patterns_open(struct pattern_set **ret, const struct pattern *, size_t count, struct span compiled);
void patterns_close(struct pattern_set *); /* NULL accepted */

/* What decides whether a compiled set can be used: the library, its version, the processor's kind. */
void patterns_platform(struct buf *out);

struct pattern_hit {
    uint32_t index;
    uint32_t end; /* where a match ends: the first end that was found */
};

/* Which patterns match, lowest index first, at most PATTERN_HITS_MAX; *ret holds until the next scan. Returns how many. Some may need
 * patterns_capture to be sure (pattern_unsure). */
size_t patterns_scan(struct pattern_set *, struct span text, const struct pattern_hit **ret);
bool pattern_unsure(const struct pattern_set *, size_t index);
bool pattern_left_out(const struct pattern_set *, size_t index);

/* Steps that the captures of one text may take together. */
struct pattern_budget {
    size_t steps;
};
enum { PATTERN_BUDGET = 200000 };

/* The captures of a hit; captures[0] is the whole match; empty ones are those that took no part. 0, -ERR_NOT_FOUND when there is no match,
 * -ERR_LIMIT when the budget was too small to find it: Hyperscan's word then stands without captures. */
int patterns_capture(struct pattern_set *, struct pattern_hit, struct span text, struct pattern_budget *,
                     struct span captures[static PATTERN_CAPTURES]);
