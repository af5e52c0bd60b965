#include "analyse/device/rules.h"
#include "base/text.h"

enum { MATCHED_MAX = 128 };

/* The part that matched, as text: shared, or a copy when it is not UTF-8. */
static struct span matched_text(struct span part, struct arena *arena)
{
    struct span text;
    part = span_part(part, 0, MATCHED_MAX);
    return value_clean(part, arena, &text) == 0 ? text : (struct span){0};
}

/* Evidence of one hit; false when it was none after all, or memory is short. */
static bool testify(const struct field_rules *f, enum device_field field, struct pattern_hit hit, struct span text, struct pattern_budget *budget,
                    struct arena *arena, struct evidence *ret)
{
    const struct rule_view *rule = &f->rules[hit.index];
    struct span captures[PATTERN_CAPTURES], values[VALUE_COUNT];
    bool unsure = pattern_unsure(f->patterns, hit.index);
    int r = rule->captures || unsure ? patterns_capture(f->patterns, hit, text, budget, captures) : -ERR_LIMIT;
    if (r != 0 && unsure)
        return false;
    if (r != 0) { /* it matches: where it ends is enough, or all that could be had */
        memset(captures, 0, sizeof captures);
        size_t from = hit.end > MATCHED_MAX ? hit.end - MATCHED_MAX : 0;
        captures[0] = span_part(text, from, hit.end - from);
    }
    if (rule_values(rule, captures, arena, values) != 0)
        return false;
    *ret = (struct evidence){.rule = rule->name,
                             .class_ = values[VALUE_CLASS],
                             .maker = values[VALUE_MAKER],
                             .model = values[VALUE_MODEL],
                             .firmware = values[VALUE_FIRMWARE],
                             .ics = values[VALUE_ICS],
                             .residue = values[VALUE_RESIDUE],
                             .honeypot = values[VALUE_HONEYPOT],
                             .matched = matched_text(captures[0], arena),
                             .field = field,
                             .certainty = rule->certainty,
                             .own = rule->own};
    return true;
}

/* All of our own rules that match, and the first of another source: their files are written to be read so. */
size_t rules_match(const struct device_rules *rules, enum device_field field, int service, struct span value, struct arena *arena,
                   struct evidence *ret, size_t room)
{
    const struct field_rules *f = &rules->fields[field];
    const struct pattern_hit *hits;
    struct pattern_budget budget = {.steps = PATTERN_BUDGET};
    size_t count = 0;
    if (f->count == 0)
        return 0;
    value = span_part(value, 0, DEVICE_FIELD_MAX);
    size_t found = patterns_scan(f->patterns, value, &hits);
    for (size_t i = 0; i < found && count < room; i++) {
        const struct rule_view *rule = &f->rules[hits[i].index];
        if (rule->left_out || (service >= 0 && rule->services != 0 && (rule->services >> service & 1) == 0))
            continue;
        bool silent = !rule->says && !pattern_unsure(f->patterns, hits[i].index);
        bool there = silent || testify(f, field, hits[i], value, &budget, arena, &ret[count]);
        if (there && rule->says)
            count++;
        if (there && !rule->own)
            break;
    }
    return count;
}

size_t device_match(const struct device_rules *rules, enum device_field field, struct span value, struct arena *arena, struct evidence *ret,
                    size_t room)
{
    return rules_match(rules, field, -1, value, arena, ret, room);
}
