/* The time of day in which connections are made: outside.hours in report.timezone. */
#pragma once

#include "base/usec.h"

struct hours {
    bool always;
    usec_t from, until; /* since local midnight; until may lie before from: over midnight. From included, until not */
    usec_t zone;
};

/* "" (always), "09:00-17:30", "22:00-06:00"; until may be 24:00. -ERR_MALFORMED. */
int hours_parse(struct span text, struct span zone, struct hours *ret);
/* 0: within; else the time at which the next hours begin. */
usec_t hours_wait(const struct hours *, usec_t now);
