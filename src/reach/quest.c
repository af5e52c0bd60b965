/* A quest: its channels, what they may do (contact/channel.h), and when it is over. */
#include "reach/seek_parts.h"

#include "base/err.h"
#include "base/text.h"
#include "contact/pdns.h"
#include "settings.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    FAILED_ATTEMPTS = 3, /* a registry that can't be reached is tried in so many attempts; then its debt stands */
    WIDE_V4 = 96 + 16,
    WIDE_V6 = 32,
    PART_V4 = 96 + 24,
    PART_V6 = 48
};

static const struct addr no_addr = {.bytes = {0}};

/* ---- what a channel may do ---- */

int quest_whois(struct quest *q, struct span server, uint16_t port, struct span query, unsigned tag)
{
    return question_ask(q->current, QUESTION_WHOIS, 0, server, port, query, tag);
}

int quest_dns(struct quest *q, enum dns_type type, struct span name, unsigned tag)
{
    return question_ask(q->current, QUESTION_DNS, type, (struct span){0}, 0, name, tag);
}

int quest_fetch(struct quest *q, struct span url, unsigned tag)
{
    return question_ask(q->current, QUESTION_FETCH, 0, (struct span){0}, 0, url, tag);
}

void *quest_state(struct quest *q)
{
    return q->current->state;
}

struct arena *quest_arena(struct quest *q)
{
    return &q->arena;
}

const struct target *quest_target(const struct quest *q)
{
    return &q->current->target;
}

struct findings *quest_findings(struct quest *q)
{
    return &q->current->findings;
}

const struct book *quest_book(const struct quest *q)
{
    return q->seek->config.book;
}

const struct conf *quest_settings(const struct quest *q)
{
    return q->seek->config.settings;
}

const struct contact_order *quest_order(const struct quest *q)
{
    return &q->order;
}

void quest_because(struct quest *q, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(q->because, sizeof q->because, format, args);
    va_end(args);
}

static void __attribute__((format(printf, 3, 0))) owe(struct quest *q, const char *who, const char *format, va_list args)
{
    char text[512];
    (void)vsnprintf(text, sizeof text, format, args);
    if (q->debts.len + strlen(text) + 64 > QUEST_DEBTS_MAX)
        return;
    if (q->debts.len > 0)
        buf_byte(&q->debts, '\n');
    buf_printf(&q->debts, "%s: ", who);
    text_to_utf8(&q->debts, span_text(text));
}

void quest_debt(struct quest *q, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    q->current->owes = true;
    owe(q, q->current->channel->name, format, args);
    va_end(args);
}

static void __attribute__((format(printf, 2, 3))) own_debt(struct quest *q, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    owe(q, "quest", format, args);
    va_end(args);
}

/* A block as wide as that is an allocation: parts of it are assigned to others, with entries of their own, which an answer about one address of it
 * does not show. It serves the addresses beside that one. */
static struct prefix served(struct prefix block, struct addr addr)
{
    bool v4 = block.bits >= 96 && addr_is_v4(addr);
    if (block.bits >= (v4 ? WIDE_V4 : WIDE_V6))
        return block;
    block = (struct prefix){.addr = addr, .bits = v4 ? PART_V4 : PART_V6};
    memset(block.addr.bytes + block.bits / 8, 0, sizeof block.addr.bytes - block.bits / 8);
    return block;
}

void quest_covers(struct quest *q, struct prefix block)
{
    struct seek *s = q->seek;
    struct call *call = q->current;
    if (block.bits == 0 || !prefix_holds(block, call->target.addr))
        return;
    block = served(block, call->target.addr);
    call->covers = block;
    if (s->cache > 0)
        (void)netblocks_put(s->blocks, call->channel->name, block, s->wall + s->cache, call->findings.first);
}

static void add_domain(struct quest *q, struct span domain, bool web_only)
{
    for (size_t i = 0; i < q->domain_count; i++) {
        if (span_equal(q->domains[i].name, domain))
            return;
    }
    if (domain.len == 0 || q->domain_count == QUEST_DOMAINS_MAX) {
        q->domains_left_out += domain.len > 0;
        return;
    }
    const char *copy = arena_copy(&q->arena, domain);
    if (copy == NULL)
        return;
    q->domains[q->domain_count++] = (struct quest_domain_of){.name = span_of(copy, domain.len), .web_only = web_only};
    quest_ready(q);
}

void quest_domain(struct quest *q, struct span domain, bool web_only)
{
    add_domain(q, domain, web_only);
}

void quest_is_device(struct quest *q, struct span maker)
{
    const char *copy = q->maker.len == 0 && maker.len > 0 ? arena_copy(&q->arena, maker) : NULL;
    if (copy == NULL)
        return;
    q->maker = span_of(copy, maker.len);
    quest_ready(q);
}

struct span quest_maker(const struct quest *q)
{
    return q->maker;
}

/* ---- calls ---- */

static bool is_given(const struct conf *conf, const char *path)
{
    for (const struct conf_rule *rule = settings_schema(); rule->path != NULL; rule++) {
        if (strcmp(rule->path, path) != 0)
            continue;
        switch (rule->type) {
        case CONF_BOOL:
            return conf_bool(conf, path);
        case CONF_TEXT:
        case CONF_CHOICE:
        case CONF_PATH:
            return conf_text(conf, path)[0] != '\0';
        case CONF_TEXTS:
        case CONF_ITEMS:
            return conf_count(conf, path) > 0;
        default:
            return true;
        }
    }
    return false;
}

static bool is_enabled(const struct quest *q, const struct channel *channel)
{
    const struct conf *conf = q->seek->config.settings;
    size_t listed = conf_count(conf, "contact.channels");
    bool named = q->order.channel_count == 0, wanted = listed == 0;
    for (size_t i = 0; i < q->order.channel_count; i++)
        named = named || span_is(q->order.channels[i], channel->name);
    for (size_t i = 0; i < listed; i++)
        wanted = wanted || strcmp(conf_texts(conf, "contact.channels", i), channel->name) == 0;
    return named && wanted && (channel->needs == NULL || is_given(conf, channel->needs));
}

bool call_walks(const struct call *call)
{
    return call->target.domain.len == 0 && call->channel->serves == CHANNEL_SERVES_BLOCK;
}

/* What is kept for every address of an AS: under the AS's number as if it were an address. Not of one that is a block's. */
static bool is_of_as(const struct call *call, struct prefix *ret)
{
    uint32_t as = call->quest->order.as;
    if (as == 0 || call->channel->serves != CHANNEL_SERVES_AS)
        return false;
    *ret = (struct prefix){.bits = 128};
    for (unsigned i = 0; i < 4; i++)
        ret->addr.bytes[12 + i] = (uint8_t)(as >> (24 - 8 * i));
    return true;
}

/* Its walk is over: who waited behind it looks anew. */
void call_unwalk(struct call *call)
{
    struct seek *s = call->quest->seek;
    struct call **place = &s->walks;
    if (!call->walking)
        return;
    call->walking = false;
    while (*place != call)
        place = &(*place)->walk_next;
    *place = call->walk_next;
    while (call->behind.first != NULL) {
        struct question *waiting = question_take_out(call->behind.first);
        waiting->stage = QUESTION_QUEUED;
        question_put_in(&waiting->server->queue, waiting);
        server_due(waiting->server);
    }
}

static void over(struct call *call)
{
    struct quest *q = call->quest;
    call->over = true;
    q->calls_open--;
    call_unwalk(call);
    seek_held(q->seek, &q->held, q->arena.used);
    quest_ready(q);
}

static void end_if_heard(struct call *call)
{
    if (call->open > 0 || call->over || call->asking)
        return;
    struct quest *q = call->quest;
    struct call *before = q->current;
    q->current = call;
    if (call->channel->end != NULL)
        call->channel->end(q);
    q->current = before;
    struct seek *s = q->seek;
    struct prefix as;
    if (is_of_as(call, &as) && !call->owes && call->findings.count > 0 && s->cache > 0)
        (void)netblocks_put(s->blocks, call->channel->name, as, s->wall + s->cache, call->findings.first);
    over(call);
}

void call_serve(struct call *call, const struct netblock *block)
{
    for (const struct finding *f = block->findings; f != NULL; f = f->next)
        (void)findings_add(&call->findings, f);
    call->covers = call_walks(call) ? block->prefix : (struct prefix){.bits = 0};
    call->cached = true;
    for (struct listener *l = call->listeners; l != NULL; l = l->call_next) {
        struct question *q = l->question;
        if (q == NULL)
            continue;
        struct listener **place = &q->listeners;
        while (*place != l)
            place = &(*place)->next;
        *place = l->next;
        if (q->last_listener == &l->next)
            q->last_listener = place;
    }
    call->listeners = NULL;
    call->quest->open -= call->open;
    call->open = 0;
    over(call);
}

static void note(struct quest *q, const struct question *question)
{
    if (question->not_before > q->not_before)
        q->not_before = question->not_before;
    if (question->outcome == OUTCOME_LIMITED)
        q->has_limited = true;
    if (question->outcome == OUTCOME_FAILED && question->kind == QUESTION_WHOIS) {
        q->has_failed = true;
        if (q->seek->wall + SEEK_RETRY > q->not_before)
            q->not_before = q->seek->wall + SEEK_RETRY;
    }
    if (id_is_zero(question->lookup) || q->origin_count >= QUEST_ORIGINS_MAX)
        return;
    struct span server = question->kind == QUESTION_WHOIS   ? question->server_name
                         : question->kind == QUESTION_FETCH ? span_text(question->url->text)
                                                            : question->query;
    struct origin *origin = arena_alloc(&q->arena, sizeof *origin);
    const char *copy = arena_copy(&q->arena, server);
    if (origin == NULL || copy == NULL)
        return;
    *origin = (struct origin){.next = q->origins, .server = span_of(copy, server.len), .lookup = question->lookup};
    q->origins = origin;
    q->origin_count++;
}

void call_hear(struct listener *l, const struct question *question, const struct answer *answer)
{
    struct call *call = l->call;
    struct quest *q = call->quest;
    struct listener **place = &call->listeners;
    while (*place != l)
        place = &(*place)->call_next;
    *place = l->call_next;
    note(q, question);
    q->current = call;
    call->asking = true;
    call->channel->hear(q, answer);
    call->asking = false;
    q->current = NULL;
    call->open--;
    q->open--;
    end_if_heard(call);
    quest_ready(q);
}

static void call_begin(struct quest *q, const struct channel *channel, struct addr addr, struct span domain)
{
    struct seek *s = q->seek;
    struct call *call = arena_alloc(&q->arena, sizeof *call);
    void *state = arena_alloc(&q->arena, channel->state_size > 0 ? channel->state_size : 1);
    if (call == NULL || state == NULL) {
        own_debt(q, "%s was not asked: memory is used up", channel->name);
        return;
    }
    call->quest = q;
    call->channel = channel;
    call->target = (struct target){.addr = addr, .domain = domain, .when = q->order.when};
    call->state = state;
    findings_init(&call->findings, &q->arena);
    *q->last_call = call;
    q->last_call = &call->next;
    q->calls_open++;
    const struct netblock *block = NULL;
    struct prefix as;
    bool fresh = (q->order.flags & CONTACT_ORDER_FRESH) != 0;
    if (!fresh && call_walks(call))
        block = netblocks_find(s->blocks, channel->name, addr, s->wall);
    else if (!fresh && is_of_as(call, &as))
        block = netblocks_find(s->blocks, channel->name, as.addr, s->wall);
    if (block != NULL) {
        s->counts.from_blocks++;
        call_serve(call, block);
        return;
    }
    q->current = call;
    call->asking = true;
    channel->ask(q);
    call->asking = false;
    q->current = NULL;
    end_if_heard(call);
}

static void begin_address(struct quest *q)
{
    for (size_t i = 0; q->seek->channels[i] != NULL; i++) {
        const struct channel *channel = q->seek->channels[i];
        if ((channel->wants & CHANNEL_ADDRESS) != 0 && is_enabled(q, channel))
            call_begin(q, channel, q->addr, (struct span){0});
    }
}

static void begin_domain(struct quest *q, const struct quest_domain_of *domain)
{
    for (size_t i = 0; q->seek->channels[i] != NULL; i++) {
        const struct channel *channel = q->seek->channels[i];
        if ((channel->wants & CHANNEL_DOMAIN) == 0 || !is_enabled(q, channel))
            continue;
        if (!domain->web_only || strcmp(channel->name, "domain_web") == 0)
            call_begin(q, channel, q->addr, domain->name);
    }
}

static void begin_maker(struct quest *q)
{
    q->maker_begun = true;
    for (size_t i = 0; q->seek->channels[i] != NULL; i++) {
        if ((q->seek->channels[i]->wants & CHANNEL_MAKER) != 0 && is_enabled(q, q->seek->channels[i]))
            call_begin(q, q->seek->channels[i], q->addr, (struct span){0});
    }
}

/* ---- the target's name and addresses ---- */

static void told_name(struct naming *naming, const struct dns_answer *answer)
{
    struct quest *q = (struct quest *)((char *)naming - offsetof(struct quest, naming));
    struct span name = dns_first_name(answer);
    q->host_name = name.len > 0 ? arena_copy(&q->arena, name) : NULL;
    q->open--;
    quest_ready(q);
}

static void told_address(struct naming *naming, const struct dns_answer *answer)
{
    struct quest *q = (struct quest *)((char *)naming - offsetof(struct quest, naming));
    q->open--;
    quest_ready(q);
    if (answer->count > 0) {
        q->addr = answer->records[0].addr;
        begin_address(q);
    } else if (naming->dns.type == DNS_A && dns_ask(q->seek->dns, &naming->dns, DNS_AAAA, q->order.domain, q->seek->now) == 0) {
        q->open++;
    } else {
        own_debt(q, "the domain has no address");
    }
}

static void ask_names(struct quest *q)
{
    struct seek *s = q->seek;
    bool has_addr = !addr_equal(q->addr, no_addr);
    if (s->dns == NULL)
        return;
    q->naming.told = has_addr ? told_name : told_address;
    if (has_addr)
        dns_ask_name(s->dns, &q->naming.dns, q->addr, s->now);
    else if (dns_ask(s->dns, &q->naming.dns, DNS_A, q->order.domain, s->now) != 0)
        return;
    q->open++;
}

static void take_passive(struct quest *q)
{
    struct pdns pdns;
    if (q->order.resolution_count == 0 || addr_equal(q->addr, no_addr))
        return;
    if (pdns_domains(&q->arena, q->addr, q->order.when, q->order.resolutions, q->order.resolution_count, &pdns) != 0) {
        own_debt(q, "passive DNS was not used: memory is used up");
        return;
    }
    for (size_t i = 0; i < pdns.domain_count; i++)
        add_domain(q, pdns.domains[i].domain, pdns.domains[i].web_only);
    q->domains_left_out += pdns.domains_left_out;
}

static void begin(struct quest *q)
{
    q->stage = QUEST_ASKING;
    ask_names(q);
    add_domain(q, q->order.domain, false);
    take_passive(q);
    if (!addr_equal(q->addr, no_addr))
        begin_address(q);
}

/* ---- its stages ---- */

static void gather(struct quest *q)
{
    for (struct call *call = q->calls; call != NULL; call = call->next) {
        for (const struct finding *f = call->findings.first; f != NULL; f = f->next) {
            struct finding all = *f;
            all.channel = call->channel;
            if (all.domain.len == 0)
                all.domain = call->target.domain;
            if (all.block.bits == 0)
                all.block = call->covers;
            (void)findings_add(&q->findings, &all);
        }
        if (call->findings.error != 0)
            own_debt(q, "%s found more than could be kept", call->channel->name);
    }
    if (q->findings.error != 0)
        own_debt(q, "more was found than could be kept");
    if (q->too_much)
        own_debt(q, "more questions were wanted than %d", QUEST_QUESTIONS_MAX);
    if (q->domains_left_out > 0)
        own_debt(q, "%zu domains more were left out", q->domains_left_out);
    if (q->attempt >= FAILED_ATTEMPTS)
        q->has_failed = false;
}

void quest_step(struct quest *q)
{
    struct seek *s = q->seek;
    if (q->stage == QUEST_FRESH)
        begin(q);
    while (q->stage == QUEST_ASKING && q->domains_begun < q->domain_count)
        begin_domain(q, &q->domains[q->domains_begun++]);
    if (q->stage == QUEST_ASKING && q->maker.len > 0 && !q->maker_begun)
        begin_maker(q);
    seek_held(s, &q->held, q->arena.used);
    if (q->is_queued) /* it made itself ready: it goes on in a further turn */
        return;
    if (q->open > 0)
        return;
    if (q->stage == QUEST_ASKING && q->calls_open == 0) {
        gather(q);
        q->stage = QUEST_WEIGHING;
        quest_weigh(q);
        if (q->open > 0 || q->is_queued)
            return;
    }
    if (q->stage == QUEST_WEIGHING) {
        quest_choose(q);
        q->stage = QUEST_SAYING;
    }
    if (q->stage != QUEST_SAYING)
        return;
    if (say_contacts(q) && say_quest(q)) {
        quest_gone(q);
        return;
    }
    q->next = NULL;
    if (s->full.last != NULL)
        s->full.last->next = q;
    else
        s->full.first = q;
    s->full.last = q;
}

void quest_free(struct quest *q)
{
    struct seek *s = q->seek;
    for (struct call *call = q->calls; call != NULL; call = call->next)
        call_unwalk(call);
    if (s->dns != NULL) {
        dns_drop(s->dns, &q->naming.dns, s->now);
        for (size_t i = 0; i < q->host_count; i++) {
            if (q->weighings[i] != NULL)
                dns_drop(s->dns, &q->weighings[i]->naming.dns, s->now);
        }
    }
    seek_held(s, &q->held, 0);
    arena_done(&q->arena);
    buf_done(&q->debts);
    free(q);
}

struct id quest_record_id(struct quest *q)
{
    if (q == NULL || q->id_used)
        return id_new(usec_now());
    q->id_used = true;
    return q->id;
}
