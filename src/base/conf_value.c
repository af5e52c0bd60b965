#include "base/conf_tree.h"

#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

struct unit {
    const char *name;
    int64_t factor;
};

/* The largest first: values are printed in the largest unit that holds them without a rest. */
static const struct unit sizes[] = {{"T", INT64_C(1) << 40}, {"G", INT64_C(1) << 30}, {"M", INT64_C(1) << 20}, {"K", INT64_C(1) << 10}, {"", 1}};
static const struct unit durations[] = {{"d", USEC_PER_DAY}, {"h", USEC_PER_HOUR},  {"m", 60 * USEC_PER_SEC},
                                        {"s", USEC_PER_SEC}, {"ms", USEC_PER_MSEC}, {"us", 1}};

static int parse_number(struct span text, int64_t *ret, size_t *ret_used)
{
    bool negative = text.len > 0 && text.at[0] == '-';
    size_t at = negative ? 1 : 0;
    size_t start = at;
    int64_t value = 0;
    for (; at < text.len && text.at[at] >= '0' && text.at[at] <= '9'; at++) {
        int64_t digit = text.at[at] - '0';
        if (__builtin_mul_overflow(value, INT64_C(10), &value) || __builtin_sub_overflow(value, digit, &value))
            return -ERR_CONFIG; /* gathered as a negative number, so that INT64_MIN can be read */
    }
    if (at == start || (!negative && __builtin_sub_overflow(INT64_C(0), value, &value)))
        return -ERR_CONFIG;
    *ret = value;
    *ret_used = at;
    return 0;
}

/* "64M": `bare` says whether a number other than 0 may go without a unit. */
static int parse_quantity(struct span text, const struct unit *units, size_t count, bool bare, int64_t *ret)
{
    int64_t number;
    size_t used;
    if (parse_number(text, &number, &used) != 0 || number < 0)
        return -ERR_CONFIG;
    struct span unit = span_part(text, used, text.len);
    if (unit.len == 0 && (bare || number == 0)) {
        *ret = number;
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (span_is(unit, units[i].name))
            return __builtin_mul_overflow(number, units[i].factor, ret) ? -ERR_CONFIG : 0;
    }
    return -ERR_CONFIG;
}

static void print_quantity(struct buf *out, const struct unit *units, size_t count, int64_t value)
{
    if (value == 0) {
        buf_byte(out, '0');
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (value % units[i].factor == 0) {
            buf_printf(out, "%" PRId64 "%s", value / units[i].factor, units[i].name);
            return;
        }
    }
}

static void print_number(struct buf *out, enum conf_type type, int64_t value)
{
    if (type == CONF_SIZE)
        print_quantity(out, sizes, sizeof sizes / sizeof sizes[0], value);
    else if (type == CONF_DURATION)
        print_quantity(out, durations, sizeof durations / sizeof durations[0], value);
    else
        buf_printf(out, "%" PRId64, value);
}

static bool is_bounded(const struct conf_rule *rule)
{
    return rule->min != 0 || rule->max != 0;
}

static int in_range(const struct conf_rule *rule, int64_t value)
{
    return is_bounded(rule) && (value < rule->min || value > rule->max) ? -ERR_CONFIG : 0;
}

static int parse_bool(struct span text, int64_t *ret)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (span_is(text, words[i])) {
            *ret = (int64_t)(i % 2);
            return 0;
        }
    }
    return -ERR_CONFIG;
}

static bool is_choice(const char *choices, struct span text)
{
    for (struct span left = span_text(choices); left.len > 0;) {
        size_t bar = span_find(left, '|');
        if (text.len > 0 && span_equal(span_part(left, 0, bar), text))
            return true;
        left = span_part(left, bar + 1, left.len);
    }
    return false;
}

static int copy_text(struct arena *arena, struct span text, struct conf_value *value)
{
    if (text.len > 0 && memchr(text.at, '\0', text.len) != NULL)
        return -ERR_CONFIG;
    value->text = arena_copy(arena, text);
    return value->text != NULL ? 0 : -ENOMEM;
}

static int parse_path(struct arena *arena, struct span text, const char *folder, struct conf_value *value)
{
    struct buf path;
    buf_init(&path, CONF_PATH_MAX);
    if (text.len > 0 && text.at[0] != '/' && folder[0] != '\0') {
        buf_text(&path, folder);
        if (path.len == 0 || path.data[path.len - 1] != '/')
            buf_byte(&path, '/');
    }
    buf_span(&path, text);
    int r = path.error == -ERR_LIMIT ? -ERR_CONFIG : path.error != 0 ? path.error : copy_text(arena, buf_as_span(&path), value);
    buf_done(&path);
    return r;
}

int conf_value_parse(struct arena *arena, const struct conf_rule *rule, struct span text, const char *folder, struct conf_value *ret)
{
    struct conf_value value = {.set = true};
    size_t used;
    int r = -ERR_CONFIG;
    switch (rule->type) {
    case CONF_BOOL:
        r = parse_bool(text, &value.number);
        break;
    case CONF_INT:
        r = parse_number(text, &value.number, &used);
        if (r == 0)
            r = used == text.len ? in_range(rule, value.number) : -ERR_CONFIG;
        break;
    case CONF_SIZE:
        r = parse_quantity(text, sizes, sizeof sizes / sizeof sizes[0], true, &value.number);
        if (r == 0)
            r = in_range(rule, value.number);
        break;
    case CONF_DURATION:
        r = parse_quantity(text, durations, sizeof durations / sizeof durations[0], false, &value.number);
        if (r == 0)
            r = in_range(rule, value.number);
        break;
    case CONF_TEXT:
        r = in_range(rule, (int64_t)text.len);
        if (r == 0)
            r = copy_text(arena, text, &value);
        break;
    case CONF_CHOICE:
        r = is_choice(rule->choices, text) ? copy_text(arena, text, &value) : -ERR_CONFIG;
        break;
    case CONF_ADDR:
        r = addr_parse(text, &value.endpoint.addr) == 0 ? 0 : -ERR_CONFIG;
        break;
    case CONF_ENDPOINT:
        r = endpoint_parse(text, &value.endpoint) == 0 ? 0 : -ERR_CONFIG;
        break;
    case CONF_PREFIX:
        r = prefix_parse(text, &value.prefix) == 0 ? 0 : -ERR_CONFIG;
        break;
    case CONF_PATH:
        r = parse_path(arena, text, folder, &value);
        break;
    case CONF_TEXTS:
    case CONF_ITEMS:
    case CONF_ANY:
        break; /* not scalars: conf.c */
    }
    if (r == 0)
        *ret = value;
    return r;
}

static void put_range(const struct conf_rule *rule, struct buf *out)
{
    if (!is_bounded(rule))
        return;
    if (rule->max == INT64_MAX) {
        buf_text(out, " of ");
        print_number(out, rule->type, rule->min);
        buf_text(out, " or more");
        return;
    }
    buf_text(out, rule->type == CONF_TEXT ? " of " : " from ");
    print_number(out, rule->type, rule->min);
    buf_text(out, " to ");
    print_number(out, rule->type, rule->max);
    if (rule->type == CONF_TEXT)
        buf_text(out, " bytes");
}

void conf_value_expected(const struct conf_rule *rule, struct buf *out)
{
    static const char *const texts[] = {
        [CONF_BOOL] = "true or false",  [CONF_INT] = "a number",          [CONF_SIZE] = "a size",
        [CONF_DURATION] = "a duration", [CONF_TEXT] = "a text",           [CONF_CHOICE] = "one of ",
        [CONF_ADDR] = "an address",     [CONF_ENDPOINT] = "address:port", [CONF_PREFIX] = "an address or a prefix",
        [CONF_PATH] = "a path",         [CONF_TEXTS] = "a list of texts", [CONF_ITEMS] = "a list of mappings",
        [CONF_ANY] = "a value",
    };
    buf_text(out, texts[rule->type]);
    if (rule->type == CONF_CHOICE) {
        for (const char *at = rule->choices; *at != '\0'; at++) {
            if (*at == '|')
                buf_text(out, ", ");
            else
                buf_byte(out, (uint8_t)*at);
        }
    }
    if (rule->type == CONF_INT || rule->type == CONF_SIZE || rule->type == CONF_DURATION || rule->type == CONF_TEXT)
        put_range(rule, out);
}

void conf_value_example(const struct conf_rule *rule, struct buf *out)
{
    static const char *const texts[] = {
        [CONF_BOOL] = "true",           [CONF_INT] = "1",       [CONF_SIZE] = "64M",         [CONF_DURATION] = "30s",
        [CONF_TEXT] = "text",           [CONF_CHOICE] = "",     [CONF_ADDR] = "192.0.2.1",   [CONF_ENDPOINT] = "127.0.0.1:2323",
        [CONF_PREFIX] = "192.0.2.0/24", [CONF_PATH] = "folder", [CONF_TEXTS] = "[one, two]", [CONF_ITEMS] = "[{key: value}]",
        [CONF_ANY] = "value",
    };
    if (rule->example != NULL)
        buf_text(out, rule->example);
    else if (rule->preset != NULL && rule->preset[0] != '\0')
        buf_text(out, rule->preset);
    else if (rule->type == CONF_CHOICE)
        buf_span(out, span_part(span_text(rule->choices), 0, span_find(span_text(rule->choices), '|')));
    else if (is_bounded(rule) && (rule->type == CONF_INT || rule->type == CONF_SIZE || rule->type == CONF_DURATION))
        print_number(out, rule->type, rule->min);
    else
        buf_text(out, texts[rule->type]);
}

void conf_value_print(const struct conf_rule *rule, const struct conf_value *value, struct buf *out)
{
    char text[64];
    switch (rule->type) {
    case CONF_BOOL:
        buf_text(out, value->number != 0 ? "true" : "false");
        break;
    case CONF_INT:
    case CONF_SIZE:
    case CONF_DURATION:
        print_number(out, rule->type, value->number);
        break;
    case CONF_TEXT:
    case CONF_CHOICE:
    case CONF_PATH:
        buf_text(out, value->text);
        break;
    case CONF_ADDR:
        buf_text(out, addr_print(value->endpoint.addr, text));
        break;
    case CONF_ENDPOINT:
        buf_text(out, endpoint_print(value->endpoint, text));
        break;
    case CONF_PREFIX:
        buf_text(out, prefix_print(value->prefix, text));
        break;
    case CONF_TEXTS:
    case CONF_ITEMS:
    case CONF_ANY:
        break; /* not scalars: conf.c */
    }
}
