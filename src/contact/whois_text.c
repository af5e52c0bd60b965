/* Text of replies: lines, pairs, addresses, ranges. */
#include "contact/whois_reading.h"

#include "base/err.h"

#include <errno.h>
#include <strings.h>

enum { MAIL_TEXT_MAX = 320 };

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool is_alnum(uint8_t c)
{
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9');
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v' || c == 0;
}

struct span whois_trim(struct span text)
{
    while (text.len > 0 && is_blank(text.at[0]))
        text = span_part(text, 1, text.len);
    while (text.len > 0 && is_blank(text.at[text.len - 1]))
        text.len--;
    return text;
}

bool whois_same_span(struct span a, struct span b)
{
    if (a.len != b.len || a.len == 0)
        return a.len == b.len;
    return lower(a.at[0]) == lower(b.at[0]) && strncasecmp((const char *)a.at, (const char *)b.at, a.len) == 0;
}

bool whois_same(struct span text, const char *word)
{
    return whois_same_span(text, span_text(word));
}

bool whois_has(struct span text, const char *word)
{
    size_t len = strlen(word);
    uint8_t first = lower((uint8_t)word[0]);
    for (size_t i = 0; i + len <= text.len; i++) {
        if (lower(text.at[i]) == first && strncasecmp((const char *)&text.at[i], word, len) == 0)
            return true;
    }
    return false;
}

bool whois_line(struct span *left, struct span *ret)
{
    if (left->len == 0)
        return false;
    struct span line = span_part(*left, 0, span_find(*left, '\n'));
    *left = span_part(*left, line.len + 1, left->len);
    while (line.len > 0 && line.at[line.len - 1] == '\r')
        line.len--;
    *ret = line;
    return true;
}

bool whois_pair(struct span line, struct span *ret_key, struct span *ret_value)
{
    size_t colon = span_find(line, ':');
    struct span key = whois_trim(span_part(line, 0, colon));
    while (key.len > 0 && key.at[key.len - 1] == '.') /* "Domain Name................: x" */
        key.len--;
    if (colon == line.len || key.len == 0 || key.len > 60)
        return false;
    *ret_key = whois_trim(key);
    *ret_value = whois_trim(span_part(line, colon + 1, line.len));
    return true;
}

/* ---- mail addresses ---- */

static bool is_local(uint8_t c)
{
    return is_alnum(c) || c >= 0x80 || (c != 0 && strchr("._%+-&/=~!#$*?^{}|", c) != NULL);
}

static bool is_host(uint8_t c)
{
    return is_alnum(c) || c >= 0x80 || c == '.' || c == '-' || c == '_';
}

bool whois_mail(struct span *left, struct span *ret_mail, struct span *ret_before)
{
    struct span text = *left;
    for (size_t from = 0, at; (at = from + span_find(span_part(text, from, text.len), '@')) < text.len; from = at + 1) {
        size_t begin = at, end = at + 1;
        while (begin > from && is_local(text.at[begin - 1]) && at - begin < 64)
            begin--;
        while (begin < at && (text.at[begin] == '.' || text.at[begin] == '/' || text.at[begin] == '=' || text.at[begin] == '-'))
            begin++;
        while (end < text.len && is_host(text.at[end]) && end - at <= 253)
            end++;
        while (end > at + 1 && !is_alnum(text.at[end - 1]) && text.at[end - 1] < 0x80)
            end--;
        struct span host = span_part(text, at + 1, end - at - 1);
        if (begin == at || span_find(host, '.') == host.len)
            continue;
        *ret_mail = span_part(text, begin, end - begin);
        *ret_before = span_part(text, 0, begin);
        *left = span_part(text, end, text.len);
        return true;
    }
    return false;
}

/* Where the word for @ stands between its blanks, and how long it is; 0: there is none. */
static size_t find_at(struct span text, size_t *ret_len)
{
    static const char *const words[] = {" at ", " (at) ", " [at] ", "(at)", "[at]"};
    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
        size_t len = strlen(words[k]);
        for (size_t i = 1; i + len < text.len; i++) {
            if (strncasecmp((const char *)&text.at[i], words[k], len) == 0) {
                *ret_len = len;
                return i;
            }
        }
    }
    return 0;
}

bool whois_spelled(struct span text)
{
    size_t len, at;
    text = whois_trim(text);
    at = text.len <= MAIL_TEXT_MAX ? find_at(text, &len) : 0;
    for (size_t i = 0; at > 0 && i < text.len; i++) {
        if (i < at ? !is_local(text.at[i]) : i >= at + len && !is_host(text.at[i]))
            return false;
    }
    return at > 0 && span_find(span_part(text, at + len, text.len), '.') < text.len - at - len;
}

struct span whois_unspell(struct arena *arena, struct span text)
{
    size_t len = 0, at;
    text = whois_trim(text);
    at = whois_spelled(text) ? find_at(text, &len) : 0;
    uint8_t *copy = at > 0 ? arena_alloc(arena, text.len) : NULL;
    if (copy == NULL)
        return text;
    memcpy(copy, text.at, at);
    copy[at] = '@';
    memcpy(&copy[at + 1], &text.at[at + len], text.len - at - len);
    return span_of(copy, text.len - len + 1);
}

/* ---- ranges ---- */

/* "177.224": what LACNIC leaves out is zero. */
static int short_address(struct span text, struct addr *ret)
{
    uint32_t value = 0;
    unsigned parts = 0;
    while (parts < 4) {
        struct span digits = span_part(text, 0, span_find(text, '.'));
        uint32_t part = 0;
        if (digits.len == 0 || digits.len > 3)
            return -ERR_MALFORMED;
        for (size_t i = 0; i < digits.len; i++) {
            if (digits.at[i] < '0' || digits.at[i] > '9')
                return -ERR_MALFORMED;
            part = part * 10 + (uint32_t)(digits.at[i] - '0');
        }
        if (part > 255)
            return -ERR_MALFORMED;
        value |= part << (8 * (3 - parts++));
        if (digits.len == text.len)
            break;
        text = span_part(text, digits.len + 1, text.len);
        if (parts == 4)
            return -ERR_MALFORMED;
    }
    *ret = addr_v4(value);
    return 0;
}

static int read_address(struct span text, struct addr *ret)
{
    text = whois_trim(text);
    return addr_parse(text, ret) == 0 || short_address(text, ret) == 0 ? 0 : -ERR_MALFORMED;
}

static struct addr fill(struct addr a, unsigned bits, bool ones)
{
    for (unsigned bit = bits; bit < 128; bit++) {
        uint8_t mask = (uint8_t)(0x80U >> bit % 8);
        a.bytes[bit / 8] = (uint8_t)(ones ? a.bytes[bit / 8] | mask : a.bytes[bit / 8] & ~mask);
    }
    return a;
}

static int read_prefix(struct span address, struct span digits, struct range *ret)
{
    struct addr a;
    unsigned bits = 0, most;
    if (read_address(address, &a) != 0 || digits.len == 0 || digits.len > 3)
        return -ERR_MALFORMED;
    most = addr_is_v4(a) && span_find(address, ':') == address.len ? 32 : 128;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9')
            return -ERR_MALFORMED;
        bits = bits * 10 + (unsigned)(digits.at[i] - '0');
    }
    if (bits > most)
        return -ERR_MALFORMED;
    bits += 128 - most;
    *ret = (struct range){.first = fill(a, bits, false), .last = fill(a, bits, true)};
    return 0;
}

int whois_range(struct span text, struct range *ret)
{
    text = whois_trim(text);
    size_t slash = span_find(text, '/'), dash = span_find(text, '-');
    struct range r;
    if (slash < text.len && dash == text.len) {
        struct span digits = span_part(text, slash + 1, text.len);
        for (size_t i = 0; i < digits.len; i++) {
            if (digits.at[i] == ' ' || digits.at[i] == ',' || digits.at[i] == '\t')
                digits.len = i;
        }
        return read_prefix(span_part(text, 0, slash), digits, ret);
    }
    if (dash == text.len) {
        if (read_address(text, &r.first) != 0)
            return -ERR_MALFORMED;
        *ret = (struct range){.first = r.first, .last = r.first};
        return 0;
    }
    struct span second = whois_trim(span_part(text, dash + 1, text.len));
    second = span_part(second, 0, span_find(second, ' ')); /* KRNIC writes "(/13)" behind it */
    if (read_address(span_part(text, 0, dash), &r.first) != 0 || read_address(second, &r.last) != 0 ||
        memcmp(r.first.bytes, r.last.bytes, sizeof r.first.bytes) > 0)
        return -ERR_MALFORMED;
    *ret = r;
    return 0;
}

struct addr whois_as_addr(uint32_t as)
{
    struct addr addr = {.bytes = {0}};
    for (unsigned i = 0; i < 4; i++)
        addr.bytes[12 + i] = (uint8_t)(as >> (24 - 8 * i));
    return addr;
}

/* "AS64500", "64500" */
static int read_as(struct span text, struct addr *ret)
{
    uint64_t as = 0;
    text = whois_trim(text);
    if (text.len > 2 && strncasecmp((const char *)text.at, "AS", 2) == 0)
        text = span_part(text, 2, text.len);
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9' || as > UINT32_MAX)
            return -ERR_MALFORMED;
        as = as * 10 + (uint64_t)(text.at[i] - '0');
    }
    if (text.len == 0 || as > UINT32_MAX)
        return -ERR_MALFORMED;
    *ret = whois_as_addr((uint32_t)as);
    return 0;
}

int whois_reading_range(const struct reading *r, struct span text, struct range *ret)
{
    if (r->as == 0)
        return whois_range(text, ret);
    text = whois_trim(span_part(text, 0, span_find(text, '#')));
    size_t dash = span_find(text, '-');
    struct range found;
    if (read_as(span_part(text, 0, dash), &found.first) != 0 ||
        read_as(dash < text.len ? span_part(text, dash + 1, text.len) : text, &found.last) != 0 ||
        memcmp(found.first.bytes, found.last.bytes, sizeof found.first.bytes) > 0)
        return -ERR_MALFORMED;
    *ret = found;
    return 0;
}

static bool not_after(struct addr a, struct addr b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes) <= 0;
}

bool whois_range_holds(const struct range *r, struct addr a)
{
    return not_after(r->first, a) && not_after(a, r->last);
}

bool whois_range_inside(const struct range *a, const struct range *b)
{
    return not_after(b->first, a->first) && not_after(a->last, b->last);
}

struct prefix whois_range_around(const struct range *r)
{
    unsigned bits = 0;
    while (bits < 128 && ((r->first.bytes[bits / 8] ^ r->last.bytes[bits / 8]) & (0x80U >> bits % 8)) == 0)
        bits++;
    return (struct prefix){.addr = fill(r->first, bits, false), .bits = (uint8_t)bits};
}

struct prefix whois_range_within(const struct range *r, struct addr inner)
{
    unsigned bits = 128;
    while (bits > 0 && not_after(r->first, fill(inner, bits - 1, false)) && not_after(fill(inner, bits - 1, true), r->last))
        bits--;
    return (struct prefix){.addr = fill(inner, bits, false), .bits = (uint8_t)bits};
}

/* ---- attributes ---- */

struct attribute *whois_attributes(struct reading *r, size_t *ret_count)
{
    size_t lines = 0, count = 0;
    unsigned object = 0;
    bool in_object = false;
    for (struct span left = r->text, line; whois_line(&left, &line) && lines < READING_ATTRIBUTES_MAX;)
        lines++;
    struct attribute *list = arena_alloc(r->arena, (lines + 1) * sizeof *list);
    if (list == NULL) {
        r->error = -ENOMEM;
        *ret_count = 0;
        return NULL;
    }
    for (struct span left = r->text, line; count < lines && whois_line(&left, &line);) {
        struct span text = whois_trim(line), key, value;
        if (text.len == 0 || line.at[0] == '%' || line.at[0] == '#') {
            object += in_object && text.len == 0;
            in_object = in_object && text.len > 0;
            continue;
        }
        bool continued = (line.at[0] == ' ' || line.at[0] == '\t' || line.at[0] == '+') && in_object && count > 0 && list[count - 1].object == object;
        if (!continued && whois_pair(text, &key, &value)) {
            list[count++] = (struct attribute){.key = key, .value = value, .line = text, .object = object};
            in_object = true;
        } else if (in_object && count > 0) {
            if (text.at[0] == '+')
                text = whois_trim(span_part(text, 1, text.len));
            list[count] = (struct attribute){.key = list[count - 1].key, .value = text, .line = text, .object = object};
            count++;
        }
    }
    *ret_count = count;
    return list;
}
