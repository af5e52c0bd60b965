/*
 * The image: magic, the number of rules, each rule (field, flags, certainty, services, name, regex, values), then for each field the length of its
 * compiled patterns and those.
 */
#include "analyse/device/rules.h"
#include "base/cursor.h"

#include <errno.h>
#include <stdlib.h>

static const char magic[8] = "noroFP02";

enum { FLAG_OWN = 1, FLAG_NOCASE = 2, FLAG_DOTALL = 4, FLAG_LEFT_OUT = 8, FLAG_WHOLE = 16, FLAG_ALL = 31 };

static void put(struct buf *out, struct span bytes)
{
    buf_varint(out, bytes.len);
    buf_span(out, bytes);
}

int image_write(const struct drafts *d, const struct buf patterns[static DEVICE_FIELD_COUNT], struct buf *image)
{
    buf_put(image, magic, sizeof magic);
    buf_varint(image, DEVICE_FIELD_COUNT);
    buf_varint(image, d->count);
    for (size_t i = 0; i < d->count; i++) {
        const struct draft *draft = &d->list[i];
        buf_byte(image, (uint8_t)draft->field);
        buf_byte(image,
                 (uint8_t)((draft->own ? FLAG_OWN : 0) | (draft->pattern.nocase ? FLAG_NOCASE : 0) | (draft->pattern.dotall ? FLAG_DOTALL : 0) |
                           (draft->left_out ? FLAG_LEFT_OUT : 0) | (draft->pattern.whole ? FLAG_WHOLE : 0)));
        buf_byte(image, draft->certainty);
        buf_varint(image, draft->services);
        put(image, draft->name);
        put(image, draft->pattern.regex);
        for (int v = 0; v < VALUE_COUNT; v++)
            put(image, draft->values[v]);
    }
    for (int field = 0; field < DEVICE_FIELD_COUNT; field++)
        put(image, buf_as_span(&patterns[field]));
    return image->error;
}

static struct span take(struct cursor *c, size_t max)
{
    uint64_t len = cursor_varint(c);
    if (len > max)
        cursor_fail(c, -ERR_MALFORMED);
    return cursor_take(c, c->error == 0 ? (size_t)len : 0);
}

static int read_rule(struct cursor *c, struct rule_view *rule, struct pattern *pattern, unsigned *ret_field)
{
    *ret_field = cursor_u8(c);
    uint8_t flags = cursor_u8(c);
    rule->certainty = cursor_u8(c);
    uint64_t services = cursor_varint(c);
    rule->services = (uint16_t)services;
    rule->name = take(c, DEVICE_TEXT_MAX);
    *pattern = (struct pattern){.regex = take(c, PATTERN_REGEX_MAX),
                                .nocase = (flags & FLAG_NOCASE) != 0,
                                .dotall = (flags & FLAG_DOTALL) != 0,
                                .whole = (flags & FLAG_WHOLE) != 0};
    rule->own = (flags & FLAG_OWN) != 0;
    rule->left_out = (flags & FLAG_LEFT_OUT) != 0;
    for (int v = 0; v < VALUE_COUNT; v++) {
        rule->values[v] = take(c, TEMPLATE_MAX);
        rule->says = rule->says || rule->values[v].len > 0;
        if (!template_has_captures(rule->values[v]))
            continue;
        const struct span value = rule->values[v];
        bool only = value.len == 2 && value.at[1] > 0 && value.at[1] < PATTERN_CAPTURES && value.at[0] == CAPTURE_MARK;
        rule->only[v] = only ? value.at[1] : 0;
        rule->mixed |= (uint8_t)((only ? 0 : 1) << v);
        rule->captures = true;
    }
    if (c->error == 0 &&
        (flags > FLAG_ALL || services > UINT16_MAX || *ret_field >= DEVICE_FIELD_COUNT || rule->certainty < 1 || rule->certainty > 100))
        cursor_fail(c, -ERR_MALFORMED);
    return c->error;
}

static int read_rules(struct device_rules *rules, struct cursor *c, size_t count)
{
    unsigned last = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned field = 0;
        int r = read_rule(c, &rules->rules[i], &rules->patterns[i], &field);
        if (r != 0)
            return r;
        struct field_rules *f = &rules->fields[field];
        if (field < last || (rules->rules[i].own && f->own_count < f->count))
            return -ERR_MALFORMED;
        if (f->count == 0)
            f->rules = &rules->rules[i];
        f->count++;
        f->own_count += rules->rules[i].own;
        last = field;
    }
    return 0;
}

static int open_image(struct device_rules *rules, struct span image)
{
    struct cursor c = cursor_of(image);
    struct span start = cursor_take(&c, sizeof magic);
    uint64_t fields = cursor_varint(&c), count = cursor_varint(&c);
    if (c.error != 0 || !span_equal(start, span_of((const uint8_t *)magic, sizeof magic)) || fields != DEVICE_FIELD_COUNT ||
        count > SOURCES_MAX * (uint64_t)RULES_MAX)
        return -ERR_VERSION;
    rules->rules = calloc(count + 1, sizeof *rules->rules);
    rules->patterns = calloc(count + 1, sizeof *rules->patterns);
    if (rules->rules == NULL || rules->patterns == NULL)
        return -ENOMEM;
    int r = read_rules(rules, &c, count);
    size_t first = 0;
    for (int field = 0; field < DEVICE_FIELD_COUNT && r == 0; field++) {
        struct field_rules *f = &rules->fields[field];
        struct span compiled = take(&c, image.len);
        r = c.error;
        if (r == 0)
            r = patterns_open(&f->patterns, rules->patterns + first, f->count, compiled);
        first += f->count;
    }
    return r;
}

int device_open(struct device_rules **ret, struct span image)
{
    struct device_rules *rules = calloc(1, sizeof *rules);
    if (rules == NULL)
        return -ENOMEM;
    int r = open_image(rules, image);
    if (r != 0)
        device_close(rules);
    else
        *ret = rules;
    return r;
}

void device_close(struct device_rules *rules)
{
    if (rules == NULL)
        return;
    for (int field = 0; field < DEVICE_FIELD_COUNT; field++)
        patterns_close(rules->fields[field].patterns);
    free(rules->rules);
    free(rules->patterns);
    free(rules);
}
