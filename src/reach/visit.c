/* Visits: what is asked next, of whom, and when. */
#include "base/err.h"
#include "reach/parts.h"

#include <stdlib.h>

/* ---- queues and the table of addresses ---- */

void queue_put(struct queue *q, struct visit *v)
{
    v->next = NULL;
    if (q->last != NULL)
        q->last->next = v;
    else
        q->first = v;
    q->last = v;
}

struct visit *queue_take(struct queue *q)
{
    struct visit *v = q->first;
    if (v == NULL)
        return NULL;
    q->first = v->next;
    if (q->first == NULL)
        q->last = NULL;
    v->next = NULL;
    return v;
}

static struct visit **bucket_of(const struct reach *r, struct addr addr)
{
    uint64_t a, b;
    memcpy(&a, addr.bytes, sizeof a);
    memcpy(&b, addr.bytes + sizeof a, sizeof b);
    a ^= b; /* neighbours differ in the highest bits: they are brought down first */
    a = (a ^ a >> 32) * UINT64_C(0xff51afd7ed558ccd);
    return &r->table[(a >> 32) & r->table_mask];
}

struct visit *visit_find(const struct reach *r, struct addr addr)
{
    struct visit *v = *bucket_of(r, addr);
    while (v != NULL && !addr_equal(v->addr, addr))
        v = v->bucket_next;
    return v;
}

void visit_ready(struct visit *v)
{
    v->stage = STAGE_READY;
    queue_put(&v->reach->ready, v);
}

void visit_put(struct visit *v)
{
    struct reach *r = v->reach;
    struct visit *first = visit_find(r, v->addr);
    r->visits++;
    if (first != NULL) {
        while (first->behind != NULL)
            first = first->behind;
        first->behind = v;
        v->stage = STAGE_BEHIND;
        return;
    }
    struct visit **bucket = bucket_of(r, v->addr);
    v->bucket_next = *bucket;
    *bucket = v;
    visit_ready(v);
}

static void visit_free(struct visit *v)
{
    if (v->reach->dns != NULL)
        dns_drop(v->reach->dns, &v->question, v->reach->now);
    free(v->name);
    free(v);
}

/* It is over, or left to a later lease; in no queue any more. Who waited behind it goes on. */
static void visit_gone(struct visit *v)
{
    struct reach *r = v->reach;
    struct visit **place = bucket_of(r, v->addr), *behind = v->behind;
    visit_deadline_drop(v);
    while (*place != v)
        place = &(*place)->bucket_next;
    *place = v->bucket_next;
    r->visits--;
    visit_free(v);
    if (behind == NULL)
        return;
    behind->bucket_next = *place;
    *place = behind;
    visit_ready(behind);
}

/* ---- asking ---- */

struct dial_request visit_request(const struct visit *v)
{
    const struct visit_port *port = &v->ports[v->at];
    return (struct dial_request){.to = {.addr = v->addr, .port = port->port},
                                 .transport = port->probe->over,
                                 .care = port->probe->care,
                                 .asn = v->asn,
                                 .neighbour = (v->flags & ORDER_NEIGHBOUR) != 0};
}

static bool is_extra(const struct reach *r, const struct probe *probe)
{
    for (size_t i = 0; i < conf_count(r->config.settings, "probe.extra"); i++) {
        if (strcmp(conf_texts(r->config.settings, "probe.extra", i), probe->name) == 0)
            return true;
    }
    return false;
}

/* A reason that holds for every port of the host, today: it is stated once. */
static bool holds_for_host(enum denial why)
{
    switch (why) {
    case DENIAL_OPERATOR:
    case DENIAL_SPECIAL:
    case DENIAL_OPTOUT:
    case DENIAL_BLOCKLIST:
    case DENIAL_NEIGHBOURS:
    case DENIAL_FULL:
    case DENIAL_DAILY:
    case DENIAL_DAILY_ADDRESS:
    case DENIAL_DAILY_NETWORK:
    case DENIAL_DAILY_AS:
    case DENIAL_DAILY_NEIGHBOURS:
        return true;
    default:
        return false;
    }
}

static void park(struct visit *v)
{
    v->stage = STAGE_FULL;
    queue_put(&v->reach->full, v);
}

/* The name is still under way: is there time to wait for it? */
static bool wait_for_name(struct visit *v)
{
    struct reach *r = v->reach;
    if (v->over || v->question.stage == DNS_OVER || r->stopping)
        return false;
    visit_deadline_drop(v); /* of its last talk */
    if (visit_deadline_set(v, r->now + DNS_TIMEOUT) != 0)
        return false;
    v->over = true;
    v->stage = STAGE_NAME;
    return true;
}

/* The end of a visit: the record that ends its task. */
static void visit_over(struct visit *v)
{
    if (wait_for_name(v))
        return;
    v->over = true;
    if (say_visit(v))
        visit_gone(v);
    else
        park(v);
}

static void next_port(struct visit *v)
{
    v->at++;
    visit_ready(v);
}

/* Policy says no to this connection. */
static void refused(struct visit *v, enum denial why)
{
    v->why = why;
    if (!say_dial(v, false, why)) {
        visit_ready(v); /* asked again when there is room */
        return;
    }
    v->reach->counts.refused++;
    v->ports[v->at].asked = true;
    if (v->talk != NULL) {
        talk_over(v->talk);
        return;
    }
    if (holds_for_host(why))
        v->at = v->port_count;
    else
        v->at++;
    visit_ready(v);
}

static void later(struct visit *v, usec_t not_before)
{
    struct reach *r = v->reach;
    usec_t wait = not_before > r->wall ? not_before - r->wall : USEC_PER_MSEC;
    if (v->talk != NULL && wait > AGAIN_WAIT) {
        talk_over(v->talk);
        return;
    }
    v->stage = STAGE_LATER;
    if (visit_deadline_set(v, r->now + wait) != 0)
        visit_ready(v);
}

static void intend(struct visit *v)
{
    struct reach *r = v->reach;
    struct dial_request request = visit_request(v);
    if (!say_dial(v, true, DENIAL_NONE)) {
        dial_give_back(r->dial, &request, v->asked);
        visit_ready(v);
        return;
    }
    if (v->talk == NULL)
        v->dialled++;
    v->ports[v->at].asked = true;
    v->intent = journal_counters(r->config.journal)->appended;
    v->stage = STAGE_INTENT;
    r->open++;
    r->counts.dialled++;
    queue_put(&r->intents, v);
}

static void step(struct visit *v)
{
    struct reach *r = v->reach;
    if (v->at == 0 && v->dialled == 0 && v->why == DENIAL_NONE && (v->why = lease_look(v)) != DENIAL_NONE)
        v->at = v->port_count;
    if (v->at >= v->port_count) {
        visit_over(v);
        return;
    }
    const struct probe *probe = v->ports[v->at].probe;
    if (probe->care == CARE_ASKED && !is_extra(r, probe)) {
        refused(v, DENIAL_EXTRA);
        return;
    }
    const struct dial_request request = visit_request(v);
    struct dial_answer answer = dial_ask(r->dial, &request, r->wall, false);
    v->asked = r->wall;
    switch (answer.verdict) {
    case DIAL_OK:
        intend(v);
        break;
    case DIAL_LATER:
        later(v, answer.not_before);
        /* What holds for all: no use asking for each of the others at once. */
        if (answer.why == DENIAL_RATE || answer.why == DENIAL_HOURS || answer.why == DENIAL_LISTS)
            r->pause_until = r->now + PAUSE;
        break;
    case DIAL_NEVER:
        refused(v, answer.why);
        break;
    }
}

/* Is there work, and room for what comes of it? */
static bool may_ask(const struct reach *r)
{
    return r->ready.first != NULL && r->open < r->in_flight && r->full.first == NULL && r->lists_known && r->spent_known && !r->stopping &&
           r->now >= r->pause_until && journal_fits(r->config.journal, JOURNAL_SPARE);
}

bool visits_pump(struct reach *r)
{
    /* Bounded, so that sockets get their turn; what is left goes on in the next. */
    for (unsigned left = 4096; left > 0 && may_ask(r); left--)
        step(queue_take(&r->ready));
    return may_ask(r);
}

/* ---- what came of it ---- */

void visit_answered(struct visit *v)
{
    struct reach *r = v->reach;
    struct talk *t = v->talk;
    if (!say_answer(v, t)) {
        park(v); /* its place among those in flight is kept: no new one begins meanwhile */
        return;
    }
    if (t->heard.len > 0 || t->first.len > 0)
        v->answered++;
    bool cut_off = t->ending == ENDING_STOPPED;
    talk_release(t);
    v->talk = NULL;
    r->open--;
    if (cut_off || (r->stopping && v->at + 1 < v->port_count))
        visit_gone(v); /* without a VISIT record: leased again */
    else if (r->stopping)
        v->at++, visit_over(v);
    else
        next_port(v);
}

/* The journal took records: those whose intent is committed connect. */
void visits_acknowledged(struct reach *r)
{
    uint64_t committed = journal_counters(r->config.journal)->acknowledged;
    /* Each is tried once: a long record may find no room yet where a short one does, and waits for the next acknowledgement. */
    const struct visit *last = r->full.last;
    for (bool more = r->full.first != NULL; more && journal_fits(r->config.journal, JOURNAL_SPARE);) {
        struct visit *v = queue_take(&r->full);
        more = v != last;
        if (v->over)
            visit_over(v);
        else
            visit_answered(v);
    }
    while (r->intents.first != NULL && r->intents.first->intent <= committed) {
        struct visit *v = queue_take(&r->intents);
        v->stage = STAGE_TALK;
        if (v->talk == NULL && talk_new(v, &v->talk) != 0) {
            const struct dial_request request = visit_request(v);
            dial_give_back(r->dial, &request, v->asked);
            r->open--;
            visit_gone(v); /* memory is short: the task is leased again */
            continue;
        }
        talk_open(v->talk);
    }
}

void visit_rings(struct alarm *alarm)
{
    struct visit *v = ALARM_OF(alarm, struct visit, alarm);
    if (v->stage == STAGE_LATER)
        visit_ready(v);
    else if (v->stage == STAGE_NAME)
        visit_over(v); /* it has waited long enough */
    else if (v->stage == STAGE_TALK)
        talk_due(v->talk);
}

/* ---- the name ---- */

void visit_ask_name(struct visit *v)
{
    struct reach *r = v->reach;
    if (r->dns == NULL || v->name_asked)
        return;
    v->name_asked = true;
    dns_ask_name(r->dns, &v->question, v->addr, r->now);
}

void visit_named(void *reach, struct dns_question *question, const struct dns_answer *answer)
{
    struct visit *v = (struct visit *)((char *)question - offsetof(struct visit, question));
    struct span name = dns_first_name(answer);
    (void)reach;
    v->name = name.len > 0 ? strndup((const char *)name.at, name.len) : NULL;
    if (v->stage == STAGE_NAME)
        visit_over(v);
}

/* ---- for all ---- */

static void for_each(struct reach *r, void (*what)(struct visit *))
{
    for (size_t i = 0; i <= r->table_mask; i++) {
        for (struct visit *v = r->table[i]; v != NULL;) {
            struct visit *next = v->bucket_next;
            what(v);
            v = next;
        }
    }
}

static void check_listed(struct visit *v)
{
    if (v->stage != STAGE_TALK || v->talk->stage == TALK_CLOSING)
        return;
    const struct dial_request request = visit_request(v);
    struct dial_answer answer = dial_ask(v->reach->dial, &request, v->reach->wall, true);
    if (answer.verdict != DIAL_NEVER || (answer.why != DENIAL_OPTOUT && answer.why != DENIAL_BLOCKLIST))
        return;
    v->why = answer.why;
    talk_stop(v->talk, ENDING_POLICY);
}

void visits_listed(struct reach *r)
{
    for_each(r, check_listed);
}

static void free_behind(struct visit *v)
{
    while (v->behind != NULL) {
        struct visit *gone = v->behind;
        v->behind = gone->behind;
        v->reach->visits--;
        visit_free(gone);
    }
}

/* What is not talking goes, and is leased again. An intent that was written is answered. */
static void stop_one(struct visit *v)
{
    struct reach *r = v->reach;
    free_behind(v);
    switch (v->stage) {
    case STAGE_READY:
    case STAGE_LATER:
        visit_deadline_drop(v);
        if (v->talk != NULL)
            talk_over(v->talk);
        else
            visit_gone(v);
        break;
    case STAGE_INTENT: {
        const struct dial_request request = visit_request(v);
        dial_give_back(r->dial, &request, v->asked);
        v->stage = STAGE_TALK;
        if (v->talk == NULL && talk_new(v, &v->talk) != 0) {
            r->open--;
            visit_gone(v);
            break;
        }
        talk_stop(v->talk, ENDING_STOPPED);
        break;
    }
    case STAGE_NAME:
        visit_over(v); /* without the name */
        break;
    case STAGE_TALK:
    case STAGE_BEHIND:
    case STAGE_FULL:
        break;
    }
}

static void stop_talk(struct visit *v)
{
    if (v->stage == STAGE_TALK)
        talk_stop(v->talk, ENDING_STOPPED);
}

void visits_stop(struct reach *r)
{
    if (!r->stopping) {
        r->stopping = true;
        r->ready = r->intents = (struct queue){0};
        for_each(r, stop_one);
    } else {
        for_each(r, stop_talk);
    }
}

static void free_one(struct visit *v)
{
    free_behind(v);
    if (v->talk != NULL)
        talk_release(v->talk);
    visit_free(v);
}

void visits_free(struct reach *r)
{
    if (r->table != NULL)
        for_each(r, free_one);
    free(r->table);
    r->table = NULL;
}
