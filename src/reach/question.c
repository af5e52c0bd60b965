/* Questions: put once for all who ask the same, answered to all of them, and kept a while. */
#include "reach/seek_parts.h"

#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    QUESTION_ARENA_MAX = 1024 * 1024,
    READ_ARENA_MAX = 8 * 1024 * 1024,
    WHOIS_PORT = 43,
    PORT_FREE = 1024 /* from here on, ports are nobody's */
};

/* ---- lists ---- */

void question_put_in(struct question_list *list, struct question *q)
{
    q->list = list;
    q->next = NULL;
    q->before = list->last;
    if (list->last != NULL)
        list->last->next = q;
    else
        list->first = q;
    list->last = q;
    list->count++;
}

struct question *question_take_out(struct question *q)
{
    struct question_list *list = q->list;
    if (list == NULL)
        return q;
    if (q->before != NULL)
        q->before->next = q->next;
    else
        list->first = q->next;
    if (q->next != NULL)
        q->next->before = q->before;
    else
        list->last = q->before;
    list->count--;
    q->list = NULL;
    q->next = q->before = NULL;
    return q;
}

static struct question **place_of(struct seek *s, uint64_t hash, struct span key)
{
    struct question **place = &s->questions[hash & s->question_mask];
    while (*place != NULL && ((*place)->hash != hash || !span_equal((*place)->key, key)))
        place = &(*place)->bucket_next;
    return place;
}

bool question_wanted(const struct question *q)
{
    return q->listeners != NULL;
}

void question_free(struct question *q)
{
    struct seek *s = q->seek;
    if (q->stage == QUESTION_KEPT && q->list == &s->kept)
        s->kept_bytes -= q->held;
    (void)question_take_out(q);
    question_end_budget(q);
    struct question **place = &s->questions[q->hash & s->question_mask];
    while (*place != q)
        place = &(*place)->bucket_next;
    *place = q->bucket_next;
    while (q->listeners != NULL) {
        q->listeners->question = NULL;
        q->listeners = q->listeners->next;
    }
    question_close(q);
    alarm_drop(&s->alarms, &q->alarm);
    if (s->dns != NULL)
        dns_drop(s->dns, &q->naming.dns, s->now);
    if (q->server != NULL)
        q->server->users--;
    seek_held(s, &q->held, 0);
    arena_done(&q->arena);
    buf_done(&q->bytes);
    buf_done(&q->line);
    free(q->url);
    free(q);
}

/* Answers that are kept go when they are old, or too many. */
void questions_trim(struct seek *s)
{
    while (s->kept.first != NULL && (s->kept_bytes > SEEK_ANSWERS_MAX || s->kept.first->over + SEEK_ANSWER_AGE < s->now))
        question_free(s->kept.first);
}

/* ---- asking ---- */

static bool is_plain(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < ' ' || text.at[i] == 0x7f)
            return false;
    }
    return text.len > 0;
}

/* An answer that can't be trusted is none for these: what they hand on is taken as the registry's word, or a key goes out with the question. */
static bool is_strict(const struct channel *channel)
{
    return channel->secret || channel->verified;
}

static bool keep(struct question *q, struct span *text)
{
    const char *copy = arena_copy(&q->arena, *text);
    *text = span_of(copy, copy != NULL ? text->len : 0);
    return copy != NULL;
}

static struct question *make(struct call *call, enum question_kind kind, struct span key, size_t query_at)
{
    const struct quest *quest = call->quest;
    struct question *q = calloc(1, sizeof *q);
    if (q == NULL)
        return NULL;
    q->seek = quest->seek;
    q->kind = kind;
    q->fd = -1;
    q->last_listener = &q->listeners;
    q->alarm.ring = question_rings;
    q->secret = call->channel->secret;
    q->strict = is_strict(call->channel);
    q->verify = true;
    q->channel = call->channel->name;
    q->session = quest->id;
    q->target = quest->target.addr;
    q->domain = call->target.domain;
    q->as = call->channel->serves == CHANNEL_SERVES_AS ? quest->order.as : 0;
    q->task = quest->key;
    q->cause = quest->order.cause;
    q->key = key;
    arena_init(&q->arena, QUESTION_ARENA_MAX);
    buf_init(&q->bytes, 0);
    buf_init(&q->line, WHOIS_QUERY_MAX + 2);
    if (!keep(q, &q->key) || !keep(q, &q->domain) || !keep(q, &q->task) || !keep(q, &q->cause)) {
        arena_done(&q->arena);
        free(q);
        return NULL;
    }
    q->query = span_part(q->key, query_at, q->key.len);
    (void)snprintf(q->because, sizeof q->because, "%s", quest->because);
    return q;
}

int question_queue(struct question *q, struct span server)
{
    struct server *v = server_get(q->seek, server, whois_server(q->seek->config.book, server));
    if (v == NULL)
        return -ERR_LIMIT;
    v->users++;
    if (q->server != NULL)
        q->server->users--;
    q->server = v;
    q->stage = QUESTION_QUEUED;
    question_put_in(&v->queue, q);
    server_due(v);
    return 0;
}

static const char *rcode_state(const struct dns_answer *answer)
{
    if (answer->rcode == DNS_SILENT)
        return "silent";
    return answer->rcode != 0 && answer->rcode != 3 ? "broken" : answer->cut ? "cut" : answer->count > 0 ? "good" : "empty";
}

static void dns_told(struct naming *naming, const struct dns_answer *answer)
{
    struct question *q = (struct question *)((char *)naming - offsetof(struct question, naming));
    enum outcome outcome = answer->rcode == 0 || answer->rcode == 3 ? answer->cut ? OUTCOME_CUT : OUTCOME_ANSWERED : OUTCOME_FAILED;
    q->status = answer->rcode;
    q->put = !answer->cached;
    buf_span(&q->bytes, answer->message);
    q->records = answer->count > 0 ? arena_alloc(&q->arena, answer->count * sizeof *q->records) : NULL;
    for (size_t i = 0; i < answer->count && q->records != NULL; i++) {
        struct dns_record *record = &q->records[q->record_count];
        *record = answer->records[i];
        if (keep(q, &record->text))
            q->record_count++;
    }
    if (q->record_count < answer->count)
        outcome = OUTCOME_CUT;
    question_over(q, outcome, rcode_state(answer));
}

static int route_dns(struct question *q)
{
    struct seek *s = q->seek;
    q->naming.told = dns_told;
    q->stage = QUESTION_NAME;
    if (s->dns == NULL) {
        question_over(q, OUTCOME_FAILED, "no resolver");
        return 0;
    }
    return dns_ask(s->dns, &q->naming.dns, q->type, q->query, s->now);
}

static int route_fetch(struct question *q)
{
    q->url = malloc(sizeof *q->url);
    if (q->url == NULL)
        return -ENOMEM;
    int e = fetch_url_read(q->query, q->url);
    return e == 0 ? question_queue(q, span_text(q->url->host)) : e;
}

static int route(struct question *q)
{
    q->began = q->seek->now;
    switch (q->kind) {
    case QUESTION_WHOIS:
        return question_queue(q, q->server_name);
    case QUESTION_DNS:
        return route_dns(q);
    case QUESTION_FETCH:
        return route_fetch(q);
    default:
        return -ERR_UNKNOWN;
    }
}

static int join(struct call *call, struct question *q, unsigned tag)
{
    struct listener *l = arena_alloc(&call->quest->arena, sizeof *l);
    if (l == NULL)
        return -ENOMEM;
    *l = (struct listener){.question = q, .call = call, .tag = tag, .call_next = call->listeners};
    call->listeners = l;
    *q->last_listener = l;
    q->last_listener = &l->next;
    call->open++;
    call->quest->open++;
    call->quest->asked++;
    return 0;
}

/* What is known already is heard in the next pump. */
static void again(struct question *q)
{
    struct seek *s = q->seek;
    s->counts.shared++;
    if (q->stage != QUESTION_KEPT || q->list != &s->kept)
        return;
    (void)question_take_out(q);
    s->kept_bytes -= q->held;
    question_put_in(&s->answered, q);
}

static int ask_new(struct call *call, enum question_kind kind, enum dns_type type, uint16_t port, struct span key, size_t server_len, size_t query_at,
                   uint64_t hash, unsigned tag)
{
    struct seek *s = call->quest->seek;
    struct question *q = make(call, kind, key, query_at);
    if (q == NULL)
        return -ENOMEM;
    q->hash = hash;
    q->type = type;
    q->port = port;
    q->server_name = span_part(q->key, 1, server_len);
    struct question **place = place_of(s, hash, q->key);
    q->bucket_next = *place;
    *place = q;
    int e = join(call, q, tag);
    if (e != 0) {
        question_free(q);
        return e;
    }
    e = route(q);
    if (e == 0)
        return 0;
    call->listeners = call->listeners->call_next;
    call->open--;
    call->quest->open--;
    question_free(q);
    return e;
}

/* The key: a letter, the server, what distinguishes it, the query. */
static size_t make_key(struct buf *key, const struct call *call, enum question_kind kind, enum dns_type type, struct span server, uint16_t port,
                       struct span query)
{
    static const char letters[QUESTION_KIND_COUNT] = {[QUESTION_WHOIS] = 'w', [QUESTION_DNS] = 'd', [QUESTION_FETCH] = 'f'};
    buf_byte(key, (uint8_t)letters[kind]);
    for (size_t i = 0; i < server.len; i++)
        buf_byte(key, (uint8_t)(server.at[i] >= 'A' && server.at[i] <= 'Z' ? server.at[i] + ('a' - 'A') : server.at[i]));
    buf_byte(key, ' ');
    buf_be(key, port, 2);
    buf_be(key, (unsigned)type, 2);
    buf_byte(key, is_strict(call->channel));
    size_t at = key->len;
    buf_span(key, query);
    return at;
}

int question_ask(struct call *call, enum question_kind kind, enum dns_type type, struct span server, uint16_t port, struct span query, unsigned tag)
{
    struct quest *quest = call->quest;
    struct seek *s = quest->seek;
    struct buf key;
    if (s->stopping || call->over)
        return -ERR_CLOSED;
    if (quest->asked >= QUEST_QUESTIONS_MAX) {
        quest->too_much = true;
        return -ERR_LIMIT;
    }
    if (kind == QUESTION_WHOIS && port != WHOIS_PORT && port < PORT_FREE)
        return -ERR_DENIED; /* a reply named it: what is there speaks another protocol */
    if (!is_plain(query) || (kind == QUESTION_WHOIS && (!is_plain(server) || server.len > WHOIS_SERVER_MAX || query.len > WHOIS_QUERY_MAX)))
        return -ERR_MALFORMED;
    buf_init(&key, QUESTION_MAX);
    size_t query_at = make_key(&key, call, kind, type, server, port, query);
    int e = key.error;
    if (e == 0) {
        uint64_t hash = hash_bytes(&s->hash_key, buf_as_span(&key));
        struct question *known = *place_of(s, hash, buf_as_span(&key));
        e = known == NULL ? ask_new(call, kind, type, port, buf_as_span(&key), server.len, query_at, hash, tag) : join(call, known, tag);
        if (known != NULL && e == 0)
            again(known);
    }
    buf_done(&key);
    quest->because[0] = '\0';
    return e;
}

/* ---- it is over ---- */

void question_end_budget(struct question *q)
{
    struct seek *s = q->seek;
    if (!q->counted)
        return;
    q->counted = false;
    s->open--;
    budget_end(&q->server->budget, q->taken, budget_clock(s->wall, s->speed), q->personal);
    server_due(q->server);
}

/* What a WHOIS server said beside the contents: the channel reads it for itself. */
static void read_reply(struct question *q)
{
    static const char *const states[] = {[WHOIS_GOOD] = "good",     [WHOIS_EMPTY] = "empty",     [WHOIS_LIMITED] = "limited",
                                         [WHOIS_BANNED] = "banned", [WHOIS_REDUCED] = "reduced", [WHOIS_BROKEN] = "broken"};
    const struct book *book = q->seek->config.book;
    struct arena arena;
    struct findings findings;
    struct whois_reply reply;
    arena_init(&arena, READ_ARENA_MAX);
    findings_init(&findings, &arena);
    bool of_domain = addr_equal(q->target, (struct addr){.bytes = {0}}) || q->domain.len > 0;
    struct span name = span_of(q->server->name, q->server->name_len), bytes = buf_as_span(&q->bytes);
    int e = q->as != 0  ? whois_read_as(book, name, q->as, bytes, &findings, &reply)
            : of_domain ? whois_read_domain(book, name, q->domain, bytes, &findings, &reply)
                        : whois_read(book, name, q->target, bytes, &findings, &reply);
    if (e == 0) {
        struct budget *budget = &q->server->budget;
        int64_t clock = budget_clock(q->seek->wall, q->seek->speed);
        q->personal = reply.personal;
        q->block = reply.block;
        q->holder = reply.holder;
        q->next_server = reply.next;
        if (!keep(q, &q->holder) || !keep(q, &q->next_server))
            q->holder = q->next_server = (struct span){0};
        if (q->outcome == OUTCOME_ANSWERED)
            q->state = states[reply.state];
        if (reply.state == WHOIS_LIMITED || reply.state == WHOIS_REDUCED)
            budget_limited(budget, clock);
        else if (reply.state == WHOIS_BANNED)
            budget->banned = true;
        else if (reply.state != WHOIS_BROKEN)
            budget_good(budget);
        if (reply.state == WHOIS_LIMITED || reply.state == WHOIS_BANNED)
            q->outcome = OUTCOME_LIMITED;
        if (reply.state == WHOIS_LIMITED || reply.state == WHOIS_REDUCED)
            q->not_before = budget_wall(budget->away, q->seek->speed);
    }
    arena_done(&arena);
}

void question_over(struct question *q, enum outcome outcome, const char *state)
{
    static const char *const states[OUTCOME_COUNT] = {
        [OUTCOME_ANSWERED] = "good", [OUTCOME_CUT] = "cut", [OUTCOME_FAILED] = "failed", [OUTCOME_LIMITED] = "limited", [OUTCOME_DENIED] = "denied"};
    struct seek *s = q->seek;
    q->outcome = outcome;
    q->state = state != NULL ? state : states[outcome];
    q->over = s->now;
    if (q->kind == QUESTION_WHOIS && q->bytes.len > 0)
        read_reply(q);
    question_close(q);
    alarm_drop(&s->alarms, &q->alarm);
    question_end_budget(q);
    s->counts.questions += q->put;
    seek_held(s, &q->held, sizeof *q + q->bytes.len + q->arena.used);
    (void)question_take_out(q);
    if (q->put) {
        question_say(q);
        return;
    }
    q->stage = QUESTION_KEPT;
    question_put_in(&s->answered, q);
}

void question_say(struct question *q)
{
    struct seek *s = q->seek;
    if (!say_lookup(q)) {
        q->stage = QUESTION_SAYING;
        question_put_in(&s->saying, q);
        return;
    }
    q->stage = QUESTION_KEPT;
    question_put_in(&s->answered, q);
}

static struct answer answer_of(const struct question *q, unsigned tag)
{
    return (struct answer){.kind = q->kind,
                           .tag = tag,
                           .outcome = q->outcome,
                           .question = q->query,
                           .server = q->kind == QUESTION_WHOIS                     ? q->server_name
                                     : q->kind == QUESTION_FETCH && q->url != NULL ? span_text(q->url->text)
                                                                                   : (struct span){0},
                           .bytes = buf_as_span(&q->bytes),
                           .type = span_text(q->type_text),
                           .certificate = q->certificate,
                           .status = q->status,
                           .records = q->records,
                           .record_count = q->record_count};
}

/* Worth keeping for who asks the same a little later. */
static bool is_keepable(const struct question *q)
{
    return q->outcome == OUTCOME_ANSWERED && !q->secret && q->kind != QUESTION_DNS && q->held < SEEK_ANSWERS_MAX / 8;
}

void question_hear(struct question *q)
{
    struct seek *s = q->seek;
    while (q->listeners != NULL) {
        struct listener *l = q->listeners;
        const struct answer answer = answer_of(q, l->tag);
        q->listeners = l->next;
        if (q->listeners == NULL)
            q->last_listener = &q->listeners;
        l->question = NULL;
        call_hear(l, q, &answer);
    }
    if (!is_keepable(q)) {
        question_free(q);
        return;
    }
    question_put_in(&s->kept, q);
    s->kept_bytes += q->held;
}
