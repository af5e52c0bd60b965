/* Many different credentials from one source within an hour: a list is being worked through. */
#include "analyse/rule.h"

#include <stdio.h>

enum { CREDENTIALS = 10 };

struct state {
    uint32_t count;               /* different ones; CREDENTIALS: said already */
    uint32_t hashes[CREDENTIALS]; /* of each */
};

static struct span text_of(const struct record *record, enum fact_name name)
{
    const struct fact *fact = record_fact(record, name);
    return fact != NULL ? fact->text : (struct span){0};
}

static void judge(const struct view *view, const struct record *record, struct verdict *verdict)
{
    struct state *state = view->state;
    if (state->count >= CREDENTIALS || record_fact(record, FACT_PASSWORD) == NULL)
        return;
    struct span user = text_of(record, FACT_USER_NAME), password = text_of(record, FACT_PASSWORD);
    uint64_t parts[2] = {view->hash(view, user), view->hash(view, password)};
    uint32_t hash = (uint32_t)view->hash(view, span_of(parts, sizeof parts));
    for (uint32_t i = 0; i < state->count; i++) {
        if (state->hashes[i] == hash)
            return;
    }
    state->hashes[state->count++] = hash;
    if (state->count < CREDENTIALS)
        return;
    char before[96];
    (void)snprintf(before, sizeof before, "%d different credentials within an hour, the last for the user ", CREDENTIALS);
    verdict->finding = "dictionary";
    verdict->count = CREDENTIALS;
    verdict_evidence(verdict, before, user);
}

const struct rule rule_dictionary = {
    .name = "dictionary",
    .help = "ten or more different credentials from one source within an hour: a dictionary attack",
    .wants = UINT64_C(1) << KIND_LOGIN,
    .by = RULE_BY_SOURCE,
    .window = USEC_PER_HOUR,
    .state_size = sizeof(struct state),
    .states_max = 16384,
    .judge = judge,
};
