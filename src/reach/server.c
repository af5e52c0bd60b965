/* Servers that are asked: whose turn it is, by their budget, by policy, and by what is known already. */
#include "reach/seek_parts.h"

#include "base/err.h"

#include <stdlib.h>

static struct server **place_of(struct seek *s, const char *name, size_t len)
{
    struct server **place = &s->servers[hash_bytes(&s->hash_key, span_of(name, len)) & s->server_mask];
    while (*place != NULL && ((*place)->name_len != len || memcmp((*place)->name, name, len) != 0))
        place = &(*place)->bucket_next;
    return place;
}

static void server_free(struct server *v)
{
    struct seek *s = v->seek;
    if (s->dns != NULL)
        dns_drop(s->dns, &v->naming.dns, s->now);
    alarm_drop(&s->alarms, &v->alarm);
    free(v);
}

/* Those that nobody waits for, and of which nothing has to be remembered. */
static void sweep(struct seek *s)
{
    int64_t clock = budget_clock(s->wall, s->speed);
    for (size_t i = 0; i <= s->server_mask; i++) {
        for (struct server **place = &s->servers[i]; *place != NULL;) {
            struct server *v = *place;
            if (v->users > 0 || v->is_due || !budget_forgettable(&v->budget, clock)) {
                place = &v->bucket_next;
                continue;
            }
            *place = v->bucket_next;
            s->server_count--;
            server_free(v);
        }
    }
}

struct server *server_get(struct seek *s, struct span name, const struct whois_server *facts)
{
    char lower[FETCH_HOST_MAX + 1];
    if (name.len == 0 || name.len >= sizeof lower)
        return NULL;
    for (size_t i = 0; i < name.len; i++)
        lower[i] = (char)(name.at[i] >= 'A' && name.at[i] <= 'Z' ? name.at[i] + ('a' - 'A') : name.at[i]);
    lower[name.len] = '\0';
    struct server **place = place_of(s, lower, name.len);
    if (*place != NULL)
        return *place;
    if (s->server_count >= SERVERS_MAX || (s->server_count > 0 && s->server_count % 8192 == 0)) {
        sweep(s);
        if (s->server_count >= SERVERS_MAX)
            return NULL;
        place = place_of(s, lower, name.len);
    }
    struct server *v = calloc(1, sizeof *v + name.len + 1);
    if (v == NULL)
        return NULL;
    v->seek = s;
    v->facts = facts;
    budget_init(&v->budget, facts);
    v->naming.told = server_named;
    v->alarm.ring = server_rings;
    v->name_len = name.len;
    memcpy(v->name, lower, name.len + 1);
    struct addr literal;
    if (addr_parse(span_of(lower, name.len), &literal) == 0) {
        v->addrs[v->addr_count++] = literal;
        v->names = SERVER_KNOWN;
        v->named = INT64_MAX / 2; /* for ever */
    }
    *place = v;
    s->server_count++;
    return v;
}

void servers_free(struct seek *s)
{
    for (size_t i = 0; s->servers != NULL && i <= s->server_mask; i++) {
        while (s->servers[i] != NULL) {
            struct server *v = s->servers[i];
            s->servers[i] = v->bucket_next;
            server_free(v);
        }
    }
}

void server_due(struct server *v)
{
    if (v->is_due)
        return;
    v->is_due = true;
    v->next_due = NULL;
    *v->seek->last_due = v;
    v->seek->last_due = &v->next_due;
}

void server_rings(struct alarm *a)
{
    server_due(ALARM_OF(a, struct server, alarm));
}

/* ---- its addresses ---- */

static void ask_name(struct server *v, enum dns_type type)
{
    struct seek *s = v->seek;
    v->names = type == DNS_A ? SERVER_ASKED_A : SERVER_ASKED_AAAA;
    if (s->dns != NULL && dns_ask(s->dns, &v->naming.dns, type, span_of(v->name, v->name_len), s->now) == 0)
        return;
    v->names = SERVER_NAMELESS;
    v->named = s->now;
    server_due(v);
}

void server_named(struct naming *naming, const struct dns_answer *answer)
{
    struct server *v = (struct server *)((char *)naming - offsetof(struct server, naming));
    v->addr_count = 0;
    for (size_t i = 0; i < answer->count && v->addr_count < SERVER_ADDRS_MAX; i++)
        v->addrs[v->addr_count++] = answer->records[i].addr;
    if (v->addr_count == 0 && v->names == SERVER_ASKED_A) {
        ask_name(v, DNS_AAAA);
        return;
    }
    v->names = v->addr_count > 0 ? SERVER_KNOWN : SERVER_NAMELESS;
    v->named = v->seek->now;
    v->addr_at = 0;
    server_due(v);
}

/* Are the addresses known? false: they are asked for now. */
static bool is_named(struct server *v)
{
    struct seek *s = v->seek;
    if (v->names == SERVER_ASKED_A || v->names == SERVER_ASKED_AAAA)
        return false;
    if (v->names == SERVER_UNASKED || s->now - v->named > SERVER_ADDRS_AGE) {
        ask_name(v, DNS_A);
        return v->names == SERVER_NAMELESS;
    }
    return true;
}

/* ---- turns ---- */

/* All that wait end, unasked. */
static void end_all(struct server *v, enum outcome outcome, const char *state, usec_t not_before)
{
    while (v->queue.first != NULL) {
        struct question *q = question_take_out(v->queue.first);
        q->not_before = not_before;
        question_over(q, outcome, state);
    }
}

/* What is known by now serves those who wait for it. */
static void serve_from_blocks(struct question *q)
{
    struct seek *s = q->seek;
    for (struct listener *l = q->listeners, *next; l != NULL; l = next) {
        struct call *call = l->call;
        next = l->next;
        if (!call_walks(call) || call->covers.bits != 0 || (call->quest->order.flags & CONTACT_ORDER_FRESH) != 0)
            continue;
        const struct netblock *block = netblocks_find(s->blocks, call->channel->name, call->target.addr, s->wall);
        if (block == NULL)
            continue;
        s->counts.from_blocks++;
        call_serve(call, block);
        next = q->listeners; /* others of this call may be gone, too */
    }
}

/* Is another of the same channel on its way to what may be the same block? Then it goes first: a thousand addresses of a block cost one walk. */
static struct call *goes_first(const struct question *q)
{
    const struct call *mine = q->listeners->call;
    struct addr addr = mine->target.addr;
    size_t same = addr_is_v4(addr) ? 14 : 4; /* a /16, a /32 */
    if (!call_walks(mine) || mine->walking)
        return NULL;
    for (struct call *c = q->seek->walks; c != NULL; c = c->walk_next) {
        if (c->channel == mine->channel && memcmp(c->target.addr.bytes, addr.bytes, same) == 0)
            return c;
    }
    return NULL;
}

static void walk(struct question *q)
{
    for (struct listener *l = q->listeners; l != NULL; l = l->next) {
        struct call *c = l->call;
        if (!call_walks(c) || c->walking)
            continue;
        c->walking = true;
        c->walk_next = q->seek->walks;
        q->seek->walks = c;
    }
}

/* The next that is still wanted and may go; NULL: none. */
static struct question *next_of(struct server *v)
{
    for (;;) {
        struct question *q = v->queue.first;
        if (q == NULL)
            return NULL;
        serve_from_blocks(q);
        if (!question_wanted(q)) {
            question_free(q);
            continue;
        }
        struct call *first = goes_first(q);
        if (first == NULL)
            return q;
        (void)question_take_out(q);
        q->stage = QUESTION_BEHIND;
        question_put_in(&first->behind, q);
    }
}

/* Wall clock. true: it is a while, and they wait for it. */
static bool wait_until(struct server *v, usec_t when)
{
    struct seek *s = v->seek;
    if (when - s->wall > s->patience) {
        end_all(v, OUTCOME_LIMITED, NULL, when);
        return false;
    }
    return alarm_set(&s->alarms, &v->alarm, s->now + (when > s->wall ? when - s->wall : USEC_PER_MSEC)) == 0;
}

/* true: the budget has room now */
static bool may_afford(struct server *v)
{
    struct seek *s = v->seek;
    int64_t when = 0;
    switch (budget_ask(&v->budget, budget_clock(s->wall, s->speed), &when)) {
    case BUDGET_OK:
        return true;
    case BUDGET_BUSY:
        return false; /* the end of one that is under way makes it due */
    case BUDGET_LATER:
        (void)wait_until(v, budget_wall(when, s->speed));
        return false;
    case BUDGET_NEVER:
        end_all(v, OUTCOME_LIMITED, "banned", 0);
        return false;
    }
    return false;
}

static bool is_for_all(enum denial why)
{
    return why == DENIAL_RATE || why == DENIAL_LISTS;
}

/* Policy is asked; true: there may be another. */
static bool put(struct server *v, struct question *q)
{
    struct seek *s = v->seek;
    uint16_t port = q->kind == QUESTION_FETCH ? q->url->port : q->port;
    q->request =
        (struct dial_request){.to = {.addr = v->addrs[v->addr_at % v->addr_count], .port = port}, .transport = TRANSPORT_TCP, .care = CARE_LOOKUP};
    struct dial_answer answer = dial_ask(s->config.dial, &q->request, s->wall, false);
    q->asked = s->wall;
    if (answer.verdict == DIAL_LATER) {
        if (answer.not_before - s->wall <= USEC_PER_SEC) {
            if (is_for_all(answer.why))
                s->pause_until = s->now + SEEK_PAUSE;
            server_due(v);
            return false;
        }
        (void)wait_until(v, answer.not_before);
        return false;
    }
    bool allowed = answer.verdict == DIAL_OK;
    if (!say_question_dial(q, allowed, answer.why)) {
        if (allowed)
            dial_give_back(s->config.dial, &q->request, q->asked);
        server_due(v);
        return false;
    }
    (void)question_take_out(q);
    if (!allowed) {
        s->counts.refused++;
        question_over(q, OUTCOME_DENIED, denial_text(answer.why));
        return true;
    }
    walk(q);
    q->put = q->counted = true;
    q->taken = budget_clock(s->wall, s->speed);
    budget_take(&v->budget, q->taken);
    q->intent = journal_counters(s->config.journal)->appended;
    q->stage = QUESTION_INTENT;
    question_put_in(&s->intents, q);
    s->open++;
    s->counts.dialled++;
    return true;
}

void server_pump(struct server *v)
{
    struct question *q;
    unsigned left = 64;
    while ((q = next_of(v)) != NULL) {
        if (!is_named(v))
            return; /* due again when the resolver has answered */
        if (v->names == SERVER_NAMELESS) {
            end_all(v, OUTCOME_FAILED, "its server has no address", 0);
            return;
        }
        if (left-- == 0) {
            server_due(v);
            return;
        }
        if (!may_afford(v) || !put(v, q))
            return;
    }
}
