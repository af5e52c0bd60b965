#include "analyse/rule.h"
#include "base/text.h"
#include "probe/order.h"

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

void verdict_task(struct verdict *verdict, struct span key, const char *kind, usec_t due, struct span input)
{
    struct buf *out = verdict->tasks;
    buf_be(out, key.len, 2);
    buf_span(out, key);
    buf_be(out, strlen(kind), 2);
    buf_text(out, kind);
    buf_be(out, (uint64_t)due, 8);
    buf_be(out, input.len, 4);
    buf_span(out, input);
    verdict->task_count++;
}

void verdict_visit(struct verdict *verdict, const struct order *order, usec_t due)
{
    char key[ORDER_KEY_SIZE];
    struct buf input;
    buf_init(&input, 0);
    order_encode(&input, order);
    if (input.error == 0)
        verdict_task(verdict, span_text(order_key(order, key)), ORDER_TASK_KIND, due, buf_as_span(&input));
    else if (verdict->tasks->error == 0)
        verdict->tasks->error = input.error;
    buf_done(&input);
}

void background_settings(struct background *background, const struct conf *settings)
{
    bool named = conf_text(settings, "operator.organisation")[0] != '\0' && conf_text(settings, "operator.mail")[0] != '\0' &&
                 conf_text(settings, "operator.page")[0] != '\0';
    background->attackers = named && conf_bool(settings, "probe.attackers");
    background->neighbours = named && conf_bool(settings, "probe.neighbours");
    background->delay = conf_int(settings, "probe.delay");
    background->jitter = conf_int(settings, "probe.jitter");
    background->interval = conf_int(settings, "probe.interval");
    background->neighbours_max = conf_int(settings, "probe.neighbours_max");
    background->neighbours_stop = conf_int(settings, "probe.neighbours_stop");
}
