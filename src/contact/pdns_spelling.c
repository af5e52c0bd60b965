/* An address in a host's name: how access providers name their customers' lines. */
#include "contact/pdns.h"

#include <stdio.h>

enum { NAME_MAX_LEN = 253, GAP_MAX = 3, TOKENS_MAX = 127, SPELLING_MAX = 64 };

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static int hex_value(uint8_t c)
{
    return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_separator(uint8_t c)
{
    return c == '-' || c == '.' || c == '_';
}

/* ---- runs of digits: 192-0-2-1, host192x0x2x1, 001.002.000.192, 3221225985 ---- */

struct run {
    size_t at, len;
    uint64_t value; /* of at most 10 digits; else UINT64_MAX */
};

static size_t find_runs(struct span name, struct run runs[static TOKENS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < name.len && count < TOKENS_MAX;) {
        if (!is_digit(name.at[i])) {
            i++;
            continue;
        }
        struct run run = {.at = i};
        for (; i < name.len && is_digit(name.at[i]); i++, run.len++)
            run.value = run.len < 10 ? run.value * 10 + (uint64_t)(name.at[i] - '0') : UINT64_MAX;
        runs[count++] = run;
    }
    return count;
}

static bool four_runs(const struct run *runs, const uint8_t *octets, bool backwards)
{
    for (size_t i = 0; i < 4; i++) {
        if (runs[i].len > 3 || runs[i].value != octets[backwards ? 3 - i : i])
            return false;
        if (i > 0 && runs[i].at - runs[i - 1].at - runs[i - 1].len > GAP_MAX)
            return false;
    }
    return true;
}

static uint64_t number_of(const uint8_t *octets, bool backwards)
{
    uint64_t value = 0;
    for (size_t i = 0; i < 4; i++)
        value = value << 8 | octets[backwards ? 3 - i : i];
    return value;
}

static bool holds_decimal(struct span name, const uint8_t *octets)
{
    struct run runs[TOKENS_MAX];
    size_t count = find_runs(name, runs);
    for (size_t i = 0; i < count; i++) {
        if (i + 4 <= count && (four_runs(runs + i, octets, false) || four_runs(runs + i, octets, true)))
            return true;
        bool number = runs[i].value == number_of(octets, false) || runs[i].value == number_of(octets, true);
        if (runs[i].len >= 8 && number)
            return true;
    }
    return false;
}

/* ---- words between separators, each an octet in hexadecimal: c0-0-2-1 ---- */

static int octet_at(struct span name, size_t *at)
{
    int value = 0;
    size_t start = *at;
    while (*at < name.len && !is_separator(name.at[*at])) {
        int digit = hex_value(name.at[(*at)++]);
        if (digit < 0 || *at - start > 2)
            value = -1;
        else if (value >= 0)
            value = value * 16 + digit;
    }
    return *at > start ? value : -1;
}

static bool holds_hex_words(struct span name, const uint8_t *octets)
{
    int last[4] = {-1, -1, -1, -1};
    for (size_t at = 0; at < name.len; at++) { /* past the separator */
        memmove(last, last + 1, 3 * sizeof last[0]);
        last[3] = octet_at(name, &at);
        bool forwards = true, backwards = true;
        for (size_t i = 0; i < 4; i++) {
            forwards = forwards && last[i] == octets[i];
            backwards = backwards && last[i] == octets[3 - i];
        }
        if (forwards || backwards)
            return true;
    }
    return false;
}

/* ---- run together: 192000002001, c0000201, 20010db8… ---- */

static bool holds(struct span name, const char *spelling)
{
    size_t len = strlen(spelling);
    return name.len >= len && memmem(name.at, name.len, spelling, len) != NULL;
}

static bool holds_run_together(struct span name, const uint8_t *o)
{
    char text[4][SPELLING_MAX];
    (void)snprintf(text[0], sizeof text[0], "%03u%03u%03u%03u", o[0], o[1], o[2], o[3]);
    (void)snprintf(text[1], sizeof text[1], "%03u%03u%03u%03u", o[3], o[2], o[1], o[0]);
    (void)snprintf(text[2], sizeof text[2], "%02x%02x%02x%02x", o[0], o[1], o[2], o[3]);
    (void)snprintf(text[3], sizeof text[3], "%02x%02x%02x%02x", o[3], o[2], o[1], o[0]);
    return holds(name, text[0]) || holds(name, text[1]) || holds(name, text[2]) || holds(name, text[3]);
}

static bool holds_nibbles(struct span name, struct addr addr)
{
    static const char digits[] = "0123456789abcdef";
    char forwards[33] = "", backwards[33] = "";
    for (size_t i = 0; i < 32; i++) {
        char digit = digits[addr.bytes[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15];
        forwards[i] = digit;
        backwards[31 - i] = digit;
    }
    return holds(name, forwards) || holds(name, backwards);
}

/* ---- as IPv6 is written, with another separator: 2001-db8--7, 2001.db8.0.0.0.0.0.7 ---- */

static bool holds_groups(struct span name, struct addr wanted)
{
    uint8_t text[NAME_MAX_LEN];
    for (size_t i = 0; i < name.len; i++)
        text[i] = is_separator(name.at[i]) ? ':' : name.at[i];
    for (size_t start = 0; start < name.len; start++) {
        if (start > 0 && text[start - 1] != ':' && hex_value(text[start - 1]) >= 0)
            continue; /* within a group */
        size_t groups = 0;
        for (size_t end = start; end < name.len && end - start < ADDR_TEXT_SIZE && groups < 9; end++) {
            bool group_ends = text[end] != ':' && (end + 1 == name.len || text[end + 1] == ':' || hex_value(text[end + 1]) < 0);
            bool gap_ends = text[end] == ':' && end > start && text[end - 1] == ':';
            struct addr addr;
            if (text[end] != ':' && hex_value(text[end]) < 0)
                break;
            groups += group_ends;
            if ((group_ends || gap_ends) && groups > 1 && addr_parse(span_of(text + start, end - start + 1), &addr) == 0 && addr_equal(addr, wanted))
                return true;
        }
    }
    return false;
}

bool pdns_holds_address(struct span name, struct addr addr)
{
    uint8_t joined[NAME_MAX_LEN];
    size_t len = 0;
    name = span_part(name, 0, NAME_MAX_LEN);
    for (size_t i = 0; i < name.len; i++) {
        if (!is_separator(name.at[i]))
            joined[len++] = name.at[i];
    }
    if (!addr_is_v4(addr))
        return holds_nibbles(span_of(joined, len), addr) || holds_groups(name, addr);
    const uint8_t *octets = addr.bytes + 12;
    return holds_decimal(name, octets) || holds_hex_words(name, octets) || holds_run_together(span_of(joined, len), octets);
}
