/* What a probe may do (probe/probe.h), over a real connection. */
#include "base/err.h"
#include "reach/parts.h"

#include <assert.h>

void *talk_state(struct talk *t)
{
    return t->state;
}

struct arena *talk_arena(struct talk *t)
{
    return &t->arena;
}

struct endpoint talk_target(const struct talk *t)
{
    return t->target;
}

struct span talk_agent(const struct talk *t)
{
    return t->reach->agent;
}

unsigned talk_round(const struct talk *t)
{
    return t->round;
}

usec_t talk_first_byte(const struct talk *t)
{
    return t->reach->first_byte;
}

usec_t talk_quiet(const struct talk *t)
{
    return t->reach->quiet;
}

struct span talk_heard(const struct talk *t)
{
    return buf_as_span(&t->heard);
}

void talk_finish(struct talk *t, enum ending ending)
{
    if (t->over)
        return;
    t->over = true;
    t->wake_at = t->wake_after = 0;
    /* What the second connection came to does not change what the first was. */
    if (t->round == 0)
        t->ending = ending;
}

void talk_say(struct talk *t, struct span bytes)
{
    if (t->over || t->in_end || bytes.len == 0)
        return;
    if (bytes.len > TALK_SAID_MAX - t->said)
        return;
    t->said += bytes.len;
    if (t->tls != NULL) {
        if (tls_write(t->tls, bytes) == 0)
            tls_out(t->tls, &t->out);
        return;
    }
    buf_span(&t->out, bytes);
}

void talk_wake(struct talk *t, usec_t after)
{
    assert(after >= 0 && (after == 0 || t->probe->quiet != NULL));
    if (t->over || t->in_end)
        return;
    t->wake_after = after;
    t->wake_at = after > 0 ? t->reach->now + after : 0;
}

void talk_fact(struct talk *t, struct fact fact)
{
    const struct fact_info *info = fact_info((unsigned)fact.name);
    assert(info != NULL && kind_has(KIND_ANSWER, fact.name));
    if (t->facts == NULL)
        t->facts = arena_alloc(&t->arena, RECORD_FACTS_MAX * sizeof *t->facts);
    if (t->facts == NULL) {
        t->memory_short = true;
        return;
    }
    if (info->type == FACT_TYPE_TEXT || info->type == FACT_TYPE_BYTES) {
        fact.text = span_part(fact.text, 0, RECORD_TEXT_MAX);
        char *copy = arena_copy(&t->arena, fact.text);
        if (copy == NULL) {
            t->memory_short = true;
            return;
        }
        fact.text = span_of(copy, fact.text.len);
    }
    size_t at = 0;
    while (at < t->fact_count && t->facts[at].name != fact.name)
        at++;
    if (at >= RECORD_FACTS_MAX)
        return;
    t->facts[at] = fact;
    t->fact_count += at == t->fact_count;
}

void talk_done(struct talk *t)
{
    if (!t->in_end)
        talk_finish(t, ENDING_ANSWERED);
    else if (t->round == 0 && t->ending == ENDING_CLOSED)
        t->ending = ENDING_ANSWERED;
}

void talk_fail(struct talk *t, enum ending ending)
{
    talk_finish(t, ending);
}

void talk_again(struct talk *t)
{
    assert(t->probe->care != CARE_ICS && t->round == 0);
    t->again = true;
}
