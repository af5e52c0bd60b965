#include "base/usec.h"

#include "base/cursor.h"

#include <stdio.h>
#include <time.h>

static usec_t clock_usec(clockid_t clock)
{
    struct timespec now;
    if (clock_gettime(clock, &now) != 0)
        return 0;
    return (usec_t)now.tv_sec * USEC_PER_SEC + now.tv_nsec / 1000;
}

usec_t usec_now(void)
{
    return clock_usec(CLOCK_REALTIME);
}

usec_t usec_monotonic(void)
{
    return clock_usec(CLOCK_MONOTONIC);
}

/* Proleptic Gregorian calendar, days since 1970-01-01 (Howard Hinnant's days_from_civil, public domain algorithm). */
static int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    unsigned of_era = (unsigned)(year - era * 400);
    unsigned of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    unsigned day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    return era * 146097 + (int64_t)day_of_era - 719468;
}

static void civil_from_days(int64_t days, int *year, unsigned *month, unsigned *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned of_era = (unsigned)(days - era * 146097);
    unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted = (5 * of_year + 2) / 153;
    *day = of_year - (153 * shifted + 2) / 5 + 1;
    *month = shifted < 10 ? shifted + 3 : shifted - 9;
    *year = (int)((int64_t)year_of_era + era * 400 + (*month <= 2));
}

static usec_t clamp(usec_t t)
{
    const usec_t least = INT64_C(-62167219200) * USEC_PER_SEC;                     /* 0000-01-01 */
    const usec_t most = INT64_C(253402300799) * USEC_PER_SEC + (USEC_PER_SEC - 1); /* 9999-12-31 */
    return t < least ? least : t > most ? most : t;
}

char *usec_print(usec_t t, char text[static USEC_TEXT_SIZE])
{
    t = clamp(t);
    int64_t days = usec_day(t);
    int64_t left = t - days * USEC_PER_DAY;
    int year;
    unsigned month, day;
    civil_from_days(days, &year, &month, &day);
    unsigned seconds = (unsigned)(left / USEC_PER_SEC);
    (void)snprintf(text, USEC_TEXT_SIZE, "%04d-%02u-%02uT%02u:%02u:%02u.%06uZ", year, month, day, seconds / 3600, seconds / 60 % 60, seconds % 60,
                   (unsigned)(left % USEC_PER_SEC));
    return text;
}

char *usec_print_day(usec_t t, char text[static USEC_TEXT_SIZE])
{
    usec_print(t, text);
    text[10] = '\0';
    return text;
}

static unsigned digits(struct cursor *c, size_t count)
{
    struct span text = cursor_take(c, count);
    unsigned value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            cursor_fail(c, -ERR_MALFORMED);
        else
            value = value * 10 + (unsigned)(text.at[i] - '0');
    }
    return value;
}

static bool next_is(const struct cursor *c, uint8_t byte)
{
    return cursor_left(c) > 0 && *c->at == byte;
}

static void expect(struct cursor *c, uint8_t byte)
{
    if (cursor_u8(c) != byte)
        cursor_fail(c, -ERR_MALFORMED);
}

static unsigned fraction(struct cursor *c)
{
    unsigned usec = 0, weight = 100000;
    bool any = false;
    while (cursor_left(c) > 0 && *c->at >= '0' && *c->at <= '9') {
        usec += weight * (unsigned)(*c->at - '0');
        weight /= 10;
        c->at++;
        any = true;
    }
    if (!any)
        cursor_fail(c, -ERR_MALFORMED);
    return usec;
}

/* Minutes east of UTC. */
static int zone(struct cursor *c, int assumed, bool *ret_zoned)
{
    *ret_zoned = true;
    if (next_is(c, 'Z') || next_is(c, 'z')) {
        c->at++;
        return 0;
    }
    if (!next_is(c, '+') && !next_is(c, '-')) {
        *ret_zoned = false;
        return assumed;
    }
    int sign = *c->at == '-' ? -1 : 1;
    c->at++;
    unsigned hours = digits(c, 2);
    if (next_is(c, ':'))
        c->at++;
    unsigned minutes = digits(c, 2);
    if (hours > 23 || minutes > 59)
        cursor_fail(c, -ERR_MALFORMED);
    return sign * (int)(hours * 60 + minutes);
}

int usec_parse(struct span text, int zone_minutes, usec_t *ret, bool *ret_zoned)
{
    static const unsigned char lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    struct cursor c = cursor_of(text);
    unsigned year = digits(&c, 4);
    expect(&c, '-');
    unsigned month = digits(&c, 2);
    expect(&c, '-');
    unsigned day = digits(&c, 2);
    if (c.error != 0 || year < 1 || month < 1 || month > 12)
        return -ERR_MALFORMED;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day < 1 || day > lengths[month - 1] + (unsigned)(month == 2 && leap))
        return -ERR_MALFORMED;
    unsigned hour = 0, minute = 0, second = 0, usec = 0;
    bool zoned = false;
    int east = zone_minutes;
    if (cursor_left(&c) > 0) {
        uint8_t between = cursor_u8(&c);
        if (between != 'T' && between != 't' && between != ' ')
            return -ERR_MALFORMED;
        hour = digits(&c, 2);
        expect(&c, ':');
        minute = digits(&c, 2);
        if (next_is(&c, ':')) {
            c.at++;
            second = digits(&c, 2);
            if (next_is(&c, '.') || next_is(&c, ',')) {
                c.at++;
                usec = fraction(&c);
            }
        }
        east = zone(&c, zone_minutes, &zoned);
    }
    /* 60 is a leap second; it is read as the next second's start. */
    if (c.error != 0 || cursor_left(&c) > 0 || hour > 23 || minute > 59 || second > 60)
        return -ERR_MALFORMED;
    int64_t seconds = days_from_civil((int64_t)year, month, day) * 86400 + (int64_t)(hour * 3600 + minute * 60 + second) - (int64_t)east * 60;
    *ret = seconds * USEC_PER_SEC + usec;
    if (ret_zoned != NULL)
        *ret_zoned = zoned;
    return 0;
}

static bool two_digits(const uint8_t *at, int *ret)
{
    if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9')
        return false;
    *ret = (at[0] - '0') * 10 + (at[1] - '0');
    return true;
}

int zone_parse(struct span text, int *ret_minutes)
{
    if (span_is(text, "Z") || span_is(text, "UTC")) {
        *ret_minutes = 0;
        return 0;
    }
    bool colon = text.len == 6 && text.at[3] == ':';
    int hours = 0, minutes = 0;
    if ((text.len != 5 && !colon) || (text.at[0] != '+' && text.at[0] != '-') || !two_digits(text.at + 1, &hours) ||
        !two_digits(text.at + (colon ? 4 : 3), &minutes) || minutes > 59 || hours * 60 + minutes > 14 * 60)
        return -ERR_MALFORMED;
    *ret_minutes = (text.at[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
    return 0;
}
