/* The engine of quests: life, leases, what the loop calls. */
#include "reach/seek_parts.h"

#include "base/err.h"
#include "base/log.h"
#include "outside/attribution.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

enum { EVENTS = 256, INPUT_SIZE = 64 * 1024, TURN_ANSWERS = 256, TURN_QUESTS = 64, TURN_SERVERS = 512, KEY_MAX = 512 };

void seek_clock(struct seek *s)
{
    s->wall = usec_now();
    s->now = usec_monotonic();
}

void seek_held(struct seek *s, size_t *held, size_t now)
{
    s->held += now - *held;
    *held = now;
}

/* ---- quests that are held ---- */

static struct quest **place_of(struct seek *s, uint64_t hash, struct span key)
{
    struct quest **place = &s->quests[hash & s->quest_mask];
    while (*place != NULL && ((*place)->hash != hash || !span_equal((*place)->key, key)))
        place = &(*place)->bucket_next;
    return place;
}

static void put_last(struct quest_list *list, struct quest *q)
{
    q->is_queued = true;
    q->next = NULL;
    if (list->last != NULL)
        list->last->next = q;
    else
        list->first = q;
    list->last = q;
}

void quest_ready(struct quest *q)
{
    if (!q->is_queued)
        put_last(&q->seek->ready, q);
}

static struct quest *quest_take(struct quest_list *list)
{
    struct quest *q = list->first;
    if (q == NULL)
        return NULL;
    list->first = q->next;
    if (list->first == NULL)
        list->last = NULL;
    q->next = NULL;
    q->is_queued = false;
    return q;
}

/* It is over. */
void quest_gone(struct quest *q)
{
    struct quest **place = place_of(q->seek, q->hash, q->key);
    *place = q->bucket_next;
    q->seek->counts.quests--;
    q->seek->counts.ended++;
    q->seek->begun--;
    quest_free(q);
}

/* What earlier answers said of the blocks around the target, as the store kept it. */
static void take_blocks(struct quest *q)
{
    struct seek *s = q->seek;
    for (size_t i = 0; i < q->order.block_count; i++) {
        const struct contact_block *b = &q->order.blocks[i];
        struct finding *list = NULL;
        for (size_t k = b->finding_count; k > 0; k--) {
            b->findings[k - 1].next = list;
            list = &b->findings[k - 1];
        }
        for (size_t k = 0; s->channels[k] != NULL && b->expires > s->wall; k++) {
            if (span_is(b->channel, s->channels[k]->name) && netblocks_find(s->blocks, s->channels[k]->name, b->block.addr, s->wall) == NULL)
                (void)netblocks_put(s->blocks, s->channels[k]->name, b->block, b->expires, list);
        }
    }
}

static int quest_make(struct seek *s, struct span key, struct span input, struct quest **ret)
{
    struct quest *q = calloc(1, sizeof *q);
    if (q == NULL)
        return -ENOMEM;
    q->seek = s;
    arena_init(&q->arena, QUEST_ARENA_MAX);
    buf_init(&q->debts, QUEST_DEBTS_MAX);
    const char *copy = arena_copy(&q->arena, input), *name = arena_copy(&q->arena, key);
    int e = copy != NULL && name != NULL ? contact_order_decode(&q->arena, span_of(copy, input.len), &q->order) : -ENOMEM;
    if (e != 0) {
        arena_done(&q->arena);
        free(q);
        return e;
    }
    q->key = span_of(name, key.len);
    q->target = (struct target){.addr = q->order.addr, .domain = q->order.domain, .when = q->order.when};
    q->addr = q->order.addr;
    q->last_call = &q->calls;
    q->began = s->now;
    q->id = id_new(s->wall);
    findings_init(&q->findings, &q->arena);
    *ret = q;
    return 0;
}

int seek_lease(struct seek *s, struct span key, uint32_t attempt, struct span input)
{
    struct quest *q;
    if (key.len == 0 || key.len > KEY_MAX)
        return -ERR_LIMIT;
    seek_clock(s);
    uint64_t hash = hash_bytes(&s->hash_key, key);
    struct quest **place = place_of(s, hash, key);
    if (*place != NULL || s->stopping)
        return 0; /* it took long, and was leased again: it goes on */
    int e = quest_make(s, key, input, &q);
    if (e != 0)
        return e;
    q->hash = hash;
    q->attempt = attempt;
    q->bucket_next = *place;
    *place = q;
    s->counts.leased++;
    s->counts.quests++;
    take_blocks(q);
    seek_held(s, &q->held, q->arena.used);
    put_last(&s->fresh, q);
    return 0;
}

size_t seek_room(const struct seek *s)
{
    return s->counts.quests < s->capacity ? s->capacity - s->counts.quests : 0;
}

struct seek_state seek_state(const struct seek *s)
{
    struct seek_state state = s->counts;
    state.open = s->open;
    return state;
}

/* ---- what the store and the supervisor say ---- */

static void take_registry(void *user, const struct registry_count *one)
{
    struct seek *s = user;
    struct server *server = server_get(s, one->server, whois_server(s->config.book, one->server));
    if (server == NULL)
        return;
    server->told = true;
    server->budget.banned = one->banned;
    if (s->registries_known)
        return; /* told again: we have counted ourselves since */
    for (size_t i = 0; i < one->hour_count; i++)
        budget_add(&server->budget, one->hours[i].hour, one->hours[i].questions, one->hours[i].personal);
    if (one->away_until > one->away_from) {
        server->budget.away = budget_clock(one->away_until, s->speed);
        server->budget.away_for = server->budget.away - budget_clock(one->away_from, s->speed);
    }
}

/* All were told: who was not named bans us no more. */
static void end_registries(struct seek *s)
{
    for (size_t i = 0; i <= s->server_mask; i++) {
        for (struct server *v = s->servers[i]; v != NULL; v = v->bucket_next) {
            v->budget.banned = v->budget.banned && v->told;
            v->told = false;
        }
    }
    s->registries_known = true;
}

int seek_registries(struct seek *s, struct span body)
{
    bool end = false;
    seek_clock(s);
    int e = registries_read(body, take_registry, s, &end);
    if (e == 0 && end)
        end_registries(s);
    return e;
}

void seek_listed(struct seek *s, bool known)
{
    seek_clock(s);
    s->lists_known = known;
    for (size_t i = 0; i <= s->question_mask; i++) {
        for (struct question *q = s->questions[i]; q != NULL; q = q->bucket_next) {
            if (q->stage != QUESTION_OPEN)
                continue;
            struct dial_answer answer = dial_ask(s->config.dial, &q->request, s->wall, true);
            if (answer.verdict == DIAL_NEVER && (answer.why == DENIAL_OPTOUT || answer.why == DENIAL_BLOCKLIST))
                question_over(q, OUTCOME_DENIED, NULL);
        }
    }
}

void seek_acknowledged(struct seek *s)
{
    uint64_t committed = journal_counters(s->config.journal)->acknowledged;
    seek_clock(s);
    /* Each is tried once: a long record may find no room yet where a short one does. */
    for (size_t left = s->saying.count; left > 0 && journal_fits(s->config.journal, SEEK_JOURNAL_SPARE); left--)
        question_say(question_take_out(s->saying.first));
    struct quest_list full = s->full;
    s->full = (struct quest_list){0};
    while (full.first != NULL)
        quest_ready(quest_take(&full));
    while (s->intents.first != NULL && s->intents.first->intent <= committed)
        question_open(question_take_out(s->intents.first));
}

/* ---- the loop ---- */

int seek_fd(const struct seek *s)
{
    return s->epoll_fd;
}

void seek_events(struct seek *s)
{
    struct epoll_event ready[EVENTS];
    int count = epoll_pwait(s->epoll_fd, ready, EVENTS, 0, NULL);
    seek_clock(s);
    /* Nothing is freed here: what is over is heard in the next pump. */
    for (int i = 0; i < count; i++) {
        if (ready[i].data.ptr == s->dns)
            dns_read(s->dns, s->now);
        else if (ready[i].data.ptr == s->fetch)
            fetch_run(s->fetch);
        else
            question_event(ready[i].data.ptr, ready[i].events);
    }
}

void seek_run(struct seek *s)
{
    seek_clock(s);
    if (s->dns != NULL)
        dns_run(s->dns, s->now);
    usec_t due = fetch_due(s->fetch);
    if (due != 0 && due <= s->now)
        fetch_run(s->fetch);
    alarms_run(&s->alarms, s->now);
}

static void earlier(usec_t *first, usec_t due)
{
    if (due != 0 && (*first == 0 || due < *first))
        *first = due;
}

usec_t seek_due(const struct seek *s)
{
    usec_t first = alarms_first(&s->alarms);
    if (s->dns != NULL)
        earlier(&first, dns_due(s->dns));
    earlier(&first, fetch_due(s->fetch));
    if (s->due != NULL && s->pause_until > s->now)
        earlier(&first, s->pause_until);
    return first;
}

/* May questions be put at all? */
static bool may_put(const struct seek *s)
{
    bool has_memory = s->held < SEEK_HELD_MAX || s->open == 0; /* one at a time always comes to an end */
    return s->registries_known && s->lists_known && !s->stopping && s->now >= s->pause_until && has_memory &&
           journal_fits(s->config.journal, SEEK_JOURNAL_SPARE);
}

static void pump_servers(struct seek *s)
{
    for (unsigned left = TURN_SERVERS; left > 0 && s->due != NULL && may_put(s); left--) {
        struct server *server = s->due;
        s->due = server->next_due;
        if (s->due == NULL)
            s->last_due = &s->due;
        server->is_due = false;
        server_pump(server);
    }
}

/* Is there memory for one more? */
static bool may_begin(const struct seek *s)
{
    return s->fresh.first != NULL && (s->held < SEEK_BEGIN_MAX || s->begun == 0);
}

bool seek_pump(struct seek *s)
{
    seek_clock(s);
    for (unsigned left = TURN_ANSWERS; left > 0 && s->answered.first != NULL; left--)
        question_hear(question_take_out(s->answered.first));
    for (unsigned left = TURN_QUESTS; left > 0 && s->ready.first != NULL; left--)
        quest_step(quest_take(&s->ready));
    for (unsigned left = TURN_QUESTS; left > 0 && may_begin(s); left--) {
        s->begun++;
        quest_step(quest_take(&s->fresh));
    }
    pump_servers(s);
    questions_trim(s);
    return s->answered.first != NULL || s->ready.first != NULL || may_begin(s) || (s->due != NULL && may_put(s));
}

/* ---- life ---- */

static void forget_work(struct seek *s)
{
    for (size_t i = 0; s->questions != NULL && i <= s->question_mask; i++) {
        while (s->questions[i] != NULL) {
            struct question *q = s->questions[i];
            if (q->stage == QUESTION_INTENT)
                dial_give_back(s->config.dial, &q->request, q->asked);
            question_free(q);
        }
    }
    for (size_t i = 0; s->quests != NULL && i <= s->quest_mask; i++) {
        while (s->quests[i] != NULL) {
            struct quest *q = s->quests[i];
            s->quests[i] = q->bucket_next;
            s->counts.quests--;
            quest_free(q);
        }
    }
    s->fresh = s->ready = s->full = (struct quest_list){0};
    s->begun = 0;
}

void seek_stop(struct seek *s)
{
    seek_clock(s);
    s->stopping = true;
    /* What went out is answered for in the audit. */
    for (size_t i = 0; i <= s->question_mask; i++) {
        for (struct question *q = s->questions[i]; q != NULL; q = q->bucket_next) {
            if (q->put && (q->stage == QUESTION_INTENT || q->stage == QUESTION_OPEN)) {
                q->outcome = OUTCOME_FAILED;
                q->state = "stopped";
                (void)say_lookup(q);
            }
        }
    }
    forget_work(s);
}

void seek_free(struct seek *s)
{
    if (s == NULL)
        return;
    forget_work(s);
    servers_free(s);
    fetch_client_free(s->fetch);
    dns_free(s->dns);
    netblocks_free(s->blocks);
    if (s->epoll_fd >= 0)
        (void)close(s->epoll_fd);
    free(s->quests);
    free(s->questions);
    free(s->servers);
    alarms_free(&s->alarms);
    free(s->input);
    free(s);
}

static void on_name(void *user, struct dns_question *question, const struct dns_answer *answer)
{
    struct naming *naming = (struct naming *)question;
    (void)user;
    naming->told(naming, answer);
}

static int watch(const struct seek *s, int fd, void *what)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
    return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

static int make_outside(struct seek *s, struct conf_error *error)
{
    struct endpoint resolver;
    struct buf agent;
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (s->epoll_fd < 0)
        return -errno;
    int e = dns_resolver(s->config.settings, &resolver, error);
    if (e == 0 && resolver.port != 0) {
        e = dns_new(&s->dns, resolver, on_name, s);
        if (e == 0)
            e = watch(s, dns_fd(s->dns), s->dns);
    }
    if (e != 0)
        return e;
    buf_init(&agent, 1024);
    if (operator_named(s->config.settings))
        attribution_agent(s->config.settings, &agent);
    e = fetch_client_new(&s->fetch, buf_cstr(&agent), s->config.ca, question_fetched, s);
    if (e == -ERR_MALFORMED)
        e = conf_refuse(s->config.settings, "outside.ca_file", error, "it holds no certificate in PEM form");
    buf_done(&agent);
    return e == 0 ? watch(s, fetch_fd(s->fetch), s->fetch) : e;
}

static int make_tables(struct seek *s)
{
    s->quest_mask = 4096 - 1;
    s->question_mask = 16384 - 1;
    s->server_mask = 16384 - 1;
    s->quests = calloc(s->quest_mask + 1, sizeof(struct quest *));
    s->questions = calloc(s->question_mask + 1, sizeof(struct question *));
    s->servers = calloc(s->server_mask + 1, sizeof(struct server *));
    s->input = malloc(INPUT_SIZE);
    if (s->quests == NULL || s->questions == NULL || s->servers == NULL || s->input == NULL)
        return -ENOMEM;
    return getrandom(&s->hash_key, sizeof s->hash_key, 0) == sizeof s->hash_key ? netblocks_new(&s->blocks) : -EIO;
}

static void read_settings(struct seek *s)
{
    const struct conf *c = s->config.settings;
    s->sensor = span_text(conf_text(c, "sensor.name"));
    s->speed = conf_int(c, "contact.clock_speed");
    s->timeout = conf_int(c, "contact.timeout");
    s->patience = conf_int(c, "contact.patience");
    s->cache = conf_int(c, "contact.cache_days") * USEC_PER_DAY;
    s->capacity = (size_t)conf_int(c, "contact.in_flight");
    if (conf_count(c, "outside.test_network") == 0)
        s->speed = 1; /* outside a laboratory nothing passes faster than it does */
}

int seek_new(struct seek **ret, const struct seek_config *config, struct conf_error *error)
{
    size_t count;
    struct seek *s = calloc(1, sizeof *s);
    error->text[0] = '\0';
    if (s == NULL)
        return -ENOMEM;
    s->config = *config;
    s->channels = config->channels != NULL ? config->channels : channels_all(&count);
    s->epoll_fd = -1;
    s->last_due = &s->due;
    seek_clock(s);
    read_settings(s);
    int e = make_tables(s);
    if (e == 0)
        e = make_outside(s, error);
    if (e != 0) {
        seek_free(s);
        return e;
    }
    *ret = s;
    return 0;
}
