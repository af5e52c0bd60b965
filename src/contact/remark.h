/*
 * Remarks and comments of a registry's entry: text for people that often says best who takes reports, and which of the addresses beside it does not.
 * The words nearest to an address decide: before it on its line, behind it when the line begins with an address, on the lines above when it stands
 * alone. "If related with spam, send mail to … security to …; only for corrections of this entry …". Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/span.h"

#include <stdbool.h>

enum remark_purpose {
    REMARK_FOR_NOBODY, /* no word is about it */
    REMARK_ABUSE,
    REMARK_SECURITY,
    REMARK_NOC,
    REMARK_OTHERS, /* for something else: billing, corrections of the entry, the police … */
    REMARK_REFUSES /* reports are not wanted there */
};

struct remark {
    struct span what; /* a mail address as it was meant ("a (at) b" is "a@b"), or a URL */
    bool page;        /* a URL: it takes reports */
    enum remark_purpose purpose;
    struct span line;
};

/* `hear` for each in order; views are of the lines or the arena. Whether the text says that complaints sent to other contacts are ignored. */
bool remark_read(struct arena *, const struct span *lines, size_t count, void (*hear)(void *user, const struct remark *), void *user);
