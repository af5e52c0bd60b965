/*
 * Attack, survey or stray packet: said once a day of each source, an attack also when a survey or a stray was said before. The first attack
 * makes a task: visit the source, a while later, so that the visit does not tell which sensor was attacked; again only after
 * probe.interval. Acknowledged scanners are never visited, and their logins are surveys.
 */
#include "analyse/rule.h"
#include "analyse/traffic.h"
#include "probe/order.h"

#include <stdio.h>

enum { STRAYS_OF_A_SURVEY = 5 /* connections without a byte that look for open ports */ };

struct state {
    usec_t visited;                    /* the attack that caused the last visit; 0: none */
    uint32_t attacks, surveys, strays; /* records so far */
    int32_t day;                       /* of `said` */
    uint32_t said;                     /* bit per enum traffic */
};

static void add(uint32_t *count)
{
    if (*count < UINT32_MAX)
        ++*count;
}

/* When is chance, but of the record's id alone: judged again, the task is the same. */
static void visit(const struct view *view, const struct record *record, struct verdict *verdict)
{
    const struct background *b = view->background;
    struct state *state = view->state;
    if (!b->attackers || (state->visited != 0 && record->time < state->visited + b->interval))
        return;
    struct order order = {.addr = record->source.addr};
    (void)id_print(record->id, order.cause);
    if (b->asn != NULL)
        order.asn = b->asn(b->geo, order.addr);
    uint64_t chance = view->hash(view, span_of(record->id.bytes, sizeof record->id.bytes));
    usec_t due = record->time + b->delay + (b->jitter > 0 ? (usec_t)(chance % ((uint64_t)b->jitter + 1)) : 0);
    verdict_visit(verdict, &order, due);
    state->visited = record->time;
}

static void say(const struct view *view, const struct record *record, struct verdict *verdict, enum traffic what, const char *why, struct span words)
{
    static const char *const names[] = {[TRAFFIC_STRAY] = "stray", [TRAFFIC_SURVEY] = "survey", [TRAFFIC_ATTACK] = "attack"};
    struct state *state = view->state;
    int64_t day = record->time / USEC_PER_DAY;
    if (state->day != (int32_t)day) {
        state->day = (int32_t)day;
        state->said = 0;
    }
    /* What is said already, and whatever is less than that. */
    if (state->said >> (unsigned)what != 0)
        return;
    state->said |= 1U << (unsigned)what;
    verdict->finding = names[what];
    verdict->about = (uint64_t)day;
    verdict->count = what == TRAFFIC_ATTACK ? state->attacks : what == TRAFFIC_SURVEY ? state->surveys + state->strays : state->strays;
    verdict_evidence(verdict, why, words);
}

static void judge(const struct view *view, const struct record *record, struct verdict *verdict)
{
    struct state *state = view->state;
    const char *why = "";
    struct span words = {0};
    enum traffic what = traffic_of(record, &why, &words);
    if (what == TRAFFIC_UNKNOWN)
        return;
    const char *scanner = view->background->scanners != NULL ? trie_find(view->background->scanners, record->source.addr, NULL) : NULL;
    if (scanner != NULL && (what != TRAFFIC_ATTACK || record->kind == KIND_LOGIN)) {
        what = TRAFFIC_SURVEY;
        why = "an acknowledged scanner: ";
        words = span_text(scanner);
    }
    if (what == TRAFFIC_STRAY) {
        add(&state->strays);
        if (state->strays >= STRAYS_OF_A_SURVEY) {
            what = TRAFFIC_SURVEY;
            why = "connections without a byte, one after the other";
        }
    } else {
        add(what == TRAFFIC_ATTACK ? &state->attacks : &state->surveys);
    }
    say(view, record, verdict, what, why, words);
    if (what == TRAFFIC_ATTACK && scanner == NULL)
        visit(view, record, verdict);
}

const struct rule rule_attack = {
    .name = "attack",
    .help = "attack, survey or stray packet: what a source's records amount to, once a day; an attack makes a visit to its source",
    .wants = UINT64_C(1) << KIND_CONNECTION | UINT64_C(1) << KIND_SESSION | UINT64_C(1) << KIND_LOGIN | UINT64_C(1) << KIND_COMMAND |
             UINT64_C(1) << KIND_DOWNLOAD | UINT64_C(1) << KIND_SAMPLE | UINT64_C(1) << KIND_CLIENT | UINT64_C(1) << KIND_EXPLOIT |
             UINT64_C(1) << KIND_FORWARD,
    .by = RULE_BY_SOURCE,
    .state_size = sizeof(struct state),
    .states_max = 65536,
    .judge = judge,
};
