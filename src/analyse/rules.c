#include "analyse/rule.h"
#include "base/text.h"

#include <stdio.h>

#define RULE(name) extern const struct rule rule_##name;
#include "analyse/rules.def"
#undef RULE

static const struct rule *const rules[] = {
#define RULE(name) &rule_##name,
#include "analyse/rules.def"
#undef RULE
};

const struct rule *const *rules_all(size_t *ret_count)
{
    *ret_count = sizeof rules / sizeof rules[0];
    return rules;
}

void verdict_evidence(struct verdict *verdict, const char *before, struct span text)
{
    int len = snprintf(verdict->evidence, sizeof verdict->evidence, "%s", before);
    size_t at = len > 0 ? (size_t)len : 0;
    if (at >= sizeof verdict->evidence)
        return;
    text = span_part(text, 0, sizeof verdict->evidence - 1 - at);
    text = span_part(text, 0, text_utf8_valid(text));
    if (text.len > 0)
        memcpy(verdict->evidence + at, text.at, text.len);
    verdict->evidence[at + text.len] = '\0';
}
