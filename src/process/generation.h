/* What one reading of the configuration gives to roles. A reload makes a second one beside the first, whole or not at all. */
#pragma once

#include "process/listen.h"
#include "process/role.h"

enum { GENERATION_ROLES_MAX = 16 };

struct generation {
    unsigned holders; /* members of it, and the supervisor's own hold */
    const struct conf *settings;
    struct conf *own_settings;                        /* settings, when they were read for this one */
    struct buf yaml;                                  /* as roles get them */
    struct equipment equipment[GENERATION_ROLES_MAX]; /* by the role's place in the table */
    struct listeners listeners;
};

/* `own` tells whether the settings are freed with it (also after a failure). -ERR_CONFIG or -errno with one line in `error`. */
int generation_new(struct generation **ret, const struct conf *settings, struct conf *own, enum listening how, const struct generation *old,
                   struct conf_error *error);
/* What was made for that role. */
const struct equipment *generation_equipment(const struct generation *, const struct role *);
struct generation *generation_hold(struct generation *);
void generation_drop(struct generation *); /* NULL accepted */

/* Do roles get the same settings from both? */
bool generation_same_settings(const struct generation *, const struct generation *);
/* Is what this role reads from files (tables, rules, certificates) the same in both? Sockets are not looked at. */
bool generation_same_files(const struct generation *, const struct generation *, const struct role *);
