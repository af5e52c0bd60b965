/*
 * robots.txt (RFC 9309): which paths of a site a program like ours may fetch. The group for our own name counts, else that for all ("*"); of its
 * rules the longest that matches wins, and allow wins over disallow of the same length. `*` stands for anything, `$` for the end.
 */
#pragma once

#include "base/arena.h"

enum { ROBOTS_SIZE_MAX = 500 * 1024 /* RFC 9309 §2.5 */, ROBOTS_RULES_MAX = 2000, ROBOTS_PATTERN_MAX = 1024 };

struct robots_rule {
    struct span pattern;
    bool allow;
};

struct robots {
    const struct robots_rule *rules; /* of the group that is ours */
    size_t count;
    bool none; /* nothing may be fetched: the site could not say (RFC 9309 §2.3.1.4) */
};

/* `agent`: our name, as in User-Agent up to '/'. Views into the arena. 0, -ENOMEM. */
int robots_read(struct arena *, struct span agent, struct span text, struct robots *ret);
/* By the answer: 2xx: its text; 4xx: everything is allowed; 5xx or none: nothing is (§2.3.1). */
int robots_by_status(struct arena *, struct span agent, int status, struct span text, struct robots *ret);
/* `path`: from '/' on, with query. */
bool robots_allow(const struct robots *, struct span path);
