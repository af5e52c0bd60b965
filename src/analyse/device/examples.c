#include "analyse/device/rules.h"

#include <errno.h>
#include <stdio.h>

/* What a rule says of a text: 0, -ERR_NOT_FOUND when it does not match, -ERR_LIMIT when captures cost too much. */
static int judge(struct field_rules *f, size_t index, struct span text, struct arena *arena, struct span captures[static PATTERN_CAPTURES],
                 struct span values[static VALUE_COUNT])
{
    const struct pattern_hit *hits;
    struct pattern_budget budget = {.steps = PATTERN_BUDGET};
    size_t count = patterns_scan(f->patterns, text, &hits), at = 0;
    while (at < count && hits[at].index != index)
        at++;
    if (at == count)
        return -ERR_NOT_FOUND;
    memset(captures, 0, PATTERN_CAPTURES * sizeof captures[0]);
    int r = patterns_capture(f->patterns, hits[at], text, &budget, captures);
    return r == 0 ? rule_values(&f->rules[index], captures, arena, values) : r;
}

static int complain(const struct draft *d, const struct example *e, const char *what, struct conf_error *error)
{
    snprintf(error->text, sizeof error->text, "%.200s:%u: %.*s: %s", d->file, e->line, (int)d->name.len, (const char *)d->name.at, what);
    return -ERR_CONFIG;
}

static int try_own(struct field_rules *f, size_t index, const struct draft *d, const struct example *e, struct arena *arena, struct conf_error *error)
{
    char what[300];
    struct span captures[PATTERN_CAPTURES], values[VALUE_COUNT];
    int r = judge(f, index, e->text, arena, captures, values);
    if (r == -ENOMEM)
        return r;
    if (!e->must_match)
        return r == -ERR_NOT_FOUND ? 0 : complain(d, e, "this counterexample matches", error);
    if (r == -ERR_NOT_FOUND)
        return complain(d, e, "this example does not match", error);
    if (r != 0)
        return complain(d, e, "this example takes too many steps to match: make the expression simpler", error);
    for (int v = 0; v < VALUE_COUNT; v++) {
        if (!e->given[v] || span_equal(e->expected[v], values[v]))
            continue;
        snprintf(what, sizeof what, "%s: the example expects \"%.*s\", the rule says \"%.*s\"", value_names[v],
                 (int)(e->expected[v].len < 80 ? e->expected[v].len : 80), (const char *)e->expected[v].at,
                 (int)(values[v].len < 80 ? values[v].len : 80), (const char *)values[v].at);
        return complain(d, e, what, error);
    }
    return 0;
}

/* Whether recog's example holds. */
static bool try_recog(struct field_rules *f, size_t index, const struct example *e, struct arena *arena)
{
    struct span captures[PATTERN_CAPTURES], values[VALUE_COUNT];
    if (e->text.len > DEVICE_FIELD_MAX || judge(f, index, e->text, arena, captures, values) != 0)
        return false;
    for (size_t i = 0; i < e->captured_count; i++) {
        if (!span_equal(captures[e->captured[i].capture], e->captured[i].text))
            return false;
    }
    return true;
}

static int try_rule(struct field_rules *f, size_t index, struct draft *d, size_t *ret_tried, struct conf_error *error)
{
    struct arena arena;
    int r = 0;
    arena_init(&arena, 1024 * 1024);
    for (size_t i = 0; i < d->example_count && r == 0 && !d->left_out; i++, ++*ret_tried) {
        if (d->own)
            r = try_own(f, index, d, &d->examples[i], &arena, error);
        else
            d->left_out = !try_recog(f, index, &d->examples[i], &arena);
    }
    arena_done(&arena);
    return r;
}

int examples_try(struct drafts *drafts, const struct device_rules *rules, size_t *ret_tried, size_t *ret_left_out, struct conf_error *error)
{
    size_t at = 0;
    for (int field = 0; field < DEVICE_FIELD_COUNT; field++) {
        struct field_rules f = rules->fields[field];
        for (size_t i = 0; i < f.count; i++, at++) {
            int r = try_rule(&f, i, &drafts->list[at], ret_tried, error);
            if (r != 0)
                return r;
            *ret_left_out += drafts->list[at].left_out;
        }
    }
    return 0;
}
