#include "contact/robots.h"

#include <errno.h>

enum { PATH_MAX_LEN = 4096 };

static bool is_word(struct span text, const char *word)
{
    return text.len == strlen(word) && strncasecmp((const char *)text.at, word, text.len) == 0;
}

/* ---- one form of a path: %61 is a, %c3 is %C3, what is not ASCII is escaped (RFC 9309 §2.2.2) ---- */

static int hex_value(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool is_unreserved(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

static size_t put_escaped(uint8_t *out, uint8_t c)
{
    static const char digits[] = "0123456789ABCDEF";
    out[0] = '%';
    out[1] = (uint8_t)digits[c >> 4];
    out[2] = (uint8_t)digits[c & 15];
    return 3;
}

static struct span one_form(struct span text, uint8_t *room, size_t size)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len && len + 3 <= size; i++) {
        uint8_t c = text.at[i];
        int high = c == '%' && i + 2 < text.len ? hex_value(text.at[i + 1]) : -1;
        int low = high >= 0 ? hex_value(text.at[i + 2]) : -1;
        if (low >= 0) {
            uint8_t byte = (uint8_t)(high << 4 | low);
            i += 2;
            if (is_unreserved(byte))
                room[len++] = byte;
            else
                len += put_escaped(room + len, byte);
        } else if (c >= 0x80 || c <= ' ') {
            len += put_escaped(room + len, c);
        } else {
            room[len++] = c;
        }
    }
    return span_of(room, len);
}

/* ---- groups ---- */

struct line {
    struct span key, value;
};

static bool next_line(struct span *rest, struct line *ret)
{
    while (rest->len > 0) {
        size_t end = 0;
        while (end < rest->len && rest->at[end] != '\n' && rest->at[end] != '\r')
            end++;
        struct span text = span_part(*rest, 0, end);
        *rest = span_part(*rest, end + 1, rest->len);
        text = span_part(text, 0, span_find(text, '#'));
        size_t colon = span_find(text, ':');
        if (colon == text.len)
            continue;
        *ret = (struct line){.key = span_trim(span_part(text, 0, colon)), .value = span_trim(span_part(text, colon + 1, text.len))};
        return true;
    }
    return false;
}

/* The product token: what stands before a '/' or a blank. */
static bool is_agent(struct span value, struct span agent)
{
    size_t len = 0;
    while (len < value.len && !span_is_blank(value.at[len]) && value.at[len] != '/')
        len++;
    return len == agent.len && len > 0 && strncasecmp((const char *)value.at, (const char *)agent.at, len) == 0;
}

static bool names_agent(struct span text, struct span agent)
{
    struct line line;
    while (next_line(&text, &line)) {
        if (is_word(line.key, "user-agent") && is_agent(line.value, agent))
            return true;
    }
    return false;
}

static int add_rule(struct arena *arena, struct robots_rule *rules, size_t *count, struct span value, bool allow)
{
    uint8_t room[ROBOTS_PATTERN_MAX];
    if (value.len == 0 || *count >= ROBOTS_RULES_MAX) /* an empty Disallow allows all */
        return 0;
    struct span pattern = one_form(span_part(value, 0, ROBOTS_PATTERN_MAX / 3), room, sizeof room);
    char *copy = arena_copy(arena, pattern);
    if (copy == NULL)
        return -ENOMEM;
    rules[(*count)++] = (struct robots_rule){.pattern = span_of(copy, pattern.len), .allow = allow};
    return 0;
}

static size_t count_rules(struct span text)
{
    size_t count = 0;
    struct line line;
    while (next_line(&text, &line) && count < ROBOTS_RULES_MAX)
        count += is_word(line.key, "allow") || is_word(line.key, "disallow");
    return count;
}

int robots_read(struct arena *arena, struct span agent, struct span text, struct robots *ret)
{
    text = span_part(text, 0, ROBOTS_SIZE_MAX);
    if (text.len >= 3 && memcmp(text.at, "\xef\xbb\xbf", 3) == 0)
        text = span_part(text, 3, text.len);
    struct span wanted = names_agent(text, agent) ? agent : span_text("*");
    struct robots_rule *rules = arena_alloc(arena, (count_rules(text) + 1) * sizeof *rules);
    struct line line;
    size_t count = 0;
    bool ours = false, in_agents = false;
    if (rules == NULL)
        return -ENOMEM;
    while (next_line(&text, &line)) {
        bool allow = is_word(line.key, "allow");
        if (is_word(line.key, "user-agent")) {
            ours = (in_agents && ours) || is_agent(line.value, wanted);
            in_agents = true;
        } else if (allow || is_word(line.key, "disallow")) {
            in_agents = false;
            if (ours && add_rule(arena, rules, &count, line.value, allow) != 0)
                return -ENOMEM;
        }
    }
    *ret = (struct robots){.rules = rules, .count = count};
    return 0;
}

int robots_by_status(struct arena *arena, struct span agent, int status, struct span text, struct robots *ret)
{
    if (status >= 200 && status < 300)
        return robots_read(arena, agent, text, ret);
    *ret = (struct robots){.none = !(status >= 300 && status < 500) || status == 429};
    return 0;
}

/* ---- matching ---- */

/* The parts between '*' are looked for one after another: linear in both lengths. */
static bool matches(struct span pattern, struct span path)
{
    bool anchored = pattern.len > 0 && pattern.at[pattern.len - 1] == '$';
    bool first = true;
    if (anchored)
        pattern.len--;
    for (;;) {
        size_t star = span_find(pattern, '*');
        struct span part = span_part(pattern, 0, star);
        bool last = star == pattern.len;
        if (last && anchored) {
            bool fits = path.len >= part.len && span_equal(span_part(path, path.len - part.len, part.len), part);
            return fits && (!first || path.len == part.len);
        }
        if (part.len > 0) {
            const uint8_t *hit = path.len >= part.len ? memmem(path.at, path.len, part.at, part.len) : NULL;
            if (first)
                hit = path.len >= part.len && memcmp(path.at, part.at, part.len) == 0 ? path.at : NULL;
            if (hit == NULL)
                return false;
            path = span_part(path, (size_t)(hit - path.at) + part.len, path.len);
        }
        if (last)
            return true;
        pattern = span_part(pattern, star + 1, pattern.len);
        first = false;
    }
}

bool robots_allow(const struct robots *robots, struct span path)
{
    uint8_t room[PATH_MAX_LEN];
    size_t longest = 0;
    bool allow = true, any = false;
    if (robots->none)
        return false;
    path = one_form(path.len > 0 ? path : span_text("/"), room, sizeof room);
    for (size_t i = 0; i < robots->count; i++) {
        const struct robots_rule *rule = &robots->rules[i];
        bool counts = !any || rule->pattern.len > longest || (rule->pattern.len == longest && rule->allow);
        if (!counts || !matches(rule->pattern, path))
            continue;
        longest = rule->pattern.len;
        allow = rule->allow;
        any = true;
    }
    return allow;
}
