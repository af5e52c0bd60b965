/* Times as people give them: --since and --until. */
#pragma once

#include "base/usec.h"

/*
 * "2026-11-20" (the start of that day, `zone_minutes` east of UTC), a date and time (RFC 3339; without a zone it is taken as in
 * zone_minutes), "now", "today", "yesterday" (their starts), or an age: "90s", "15m", "12h", "7d", "2w". 0 or -ERR_MALFORMED.
 */
int when_parse(struct span text, usec_t now, int zone_minutes, usec_t *ret);
