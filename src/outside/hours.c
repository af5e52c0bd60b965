#include "outside/hours.h"

#include "base/err.h"

static int time_parse(struct span text, usec_t *ret)
{
    unsigned digits[4];
    if (text.len != 5 || text.at[2] != ':')
        return -ERR_MALFORMED;
    for (size_t i = 0; i < 4; i++) {
        uint8_t c = text.at[i < 2 ? i : i + 1];
        if (c < '0' || c > '9')
            return -ERR_MALFORMED;
        digits[i] = (unsigned)(c - '0');
    }
    unsigned hour = digits[0] * 10 + digits[1], minute = digits[2] * 10 + digits[3];
    if (minute > 59 || hour > 24 || (hour == 24 && minute > 0))
        return -ERR_MALFORMED;
    *ret = (usec_t)(hour * 60 + minute) * 60 * USEC_PER_SEC;
    return 0;
}

int hours_parse(struct span text, struct span zone, struct hours *ret)
{
    struct hours h = {.always = text.len == 0};
    int minutes = 0;
    if (zone_parse(zone, &minutes) != 0)
        return -ERR_MALFORMED;
    h.zone = (usec_t)minutes * 60 * USEC_PER_SEC;
    size_t dash = span_find(text, '-');
    if (!h.always && (dash == text.len || time_parse(span_part(text, 0, dash), &h.from) != 0 ||
                      time_parse(span_part(text, dash + 1, text.len), &h.until) != 0 || h.from == h.until || h.from == USEC_PER_DAY))
        return -ERR_MALFORMED;
    *ret = h;
    return 0;
}

usec_t hours_wait(const struct hours *h, usec_t now)
{
    if (h->always)
        return 0;
    usec_t midnight = usec_day(now + h->zone) * USEC_PER_DAY, local = now + h->zone - midnight;
    bool within = h->from < h->until ? local >= h->from && local < h->until : local >= h->from || local < h->until;
    if (within)
        return 0;
    return midnight - h->zone + h->from + (local < h->from ? 0 : USEC_PER_DAY);
}
