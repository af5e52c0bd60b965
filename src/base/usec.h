/* Time: microseconds since 1970-01-01T00:00:00Z, as int64_t. Stored in UTC always. */
#pragma once

#include "base/span.h"

typedef int64_t usec_t;

#define USEC_PER_MSEC INT64_C(1000)
#define USEC_PER_SEC INT64_C(1000000)
#define USEC_PER_HOUR (INT64_C(3600) * USEC_PER_SEC)
#define USEC_PER_DAY (INT64_C(86400) * USEC_PER_SEC)

enum { USEC_TEXT_SIZE = 64 };

usec_t usec_now(void);       /* wall clock */
usec_t usec_monotonic(void); /* for durations and deadlines */

/* RFC 3339 in UTC with six decimals and Z, "2026-11-20T21:41:04.082989Z"; returns `text`. Years outside 0 to 9999 are clamped. */
char *usec_print(usec_t, char text[static USEC_TEXT_SIZE]);
/* "2026-11-20", the UTC day. */
char *usec_print_day(usec_t, char text[static USEC_TEXT_SIZE]);

/*
 * Reads a date, "YYYY-MM-DD", or a date and time in RFC 3339 / ISO 8601 form: 'T', 't' or a space between; optional seconds and
 * fraction (any number of digits, cut at µs); 'Z', "+hh:mm", "+hhmm", or no zone, which is read as `zone_minutes` east of UTC and
 * reported in *ret_zoned as false. Years 1 to 9999. Returns 0 or -ERR_MALFORMED. ret_zoned may be NULL.
 */
int usec_parse(struct span text, int zone_minutes, usec_t *ret, bool *ret_zoned);

/* "+09:00", "-03:30", "+0900", "Z", "UTC": an offset in minutes east of UTC, at most 14 hours. 0 or -ERR_MALFORMED. */
int zone_parse(struct span text, int *ret_minutes);

/* Days since 1970-01-01 of a time (floor), and its start. */
static inline int64_t usec_day(usec_t t)
{
    return t / USEC_PER_DAY - (t % USEC_PER_DAY < 0);
}
