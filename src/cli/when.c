#include "cli/when.h"

#include "base/err.h"

static int age_parse(struct span text, usec_t *ret)
{
    static const struct {
        char letter;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};
    if (text.len < 2 || text.len > 8)
        return -ERR_MALFORMED;
    int64_t number = 0;
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return -ERR_MALFORMED;
        number = number * 10 + (text.at[i] - '0');
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (text.at[text.len - 1] != (uint8_t)units[i].letter)
            continue;
        *ret = number * units[i].seconds * USEC_PER_SEC;
        return 0;
    }
    return -ERR_MALFORMED;
}

int when_parse(struct span text, usec_t now, int zone_minutes, usec_t *ret)
{
    usec_t zone = zone_minutes * 60 * USEC_PER_SEC, age = 0;
    usec_t today = usec_day(now + zone) * USEC_PER_DAY - zone;
    if (span_is(text, "now")) {
        *ret = now;
        return 0;
    }
    if (span_is(text, "today") || span_is(text, "yesterday")) {
        *ret = span_is(text, "today") ? today : today - USEC_PER_DAY;
        return 0;
    }
    if (age_parse(text, &age) == 0) {
        *ret = now - age;
        return 0;
    }
    return usec_parse(text, zone_minutes, ret, NULL);
}
