/* Records of look-ups, made of little. */
#pragma once

#include "make.h"

enum { CONTACT_FACTS_MAX = 24 };

struct told_facts {
    struct fact list[CONTACT_FACTS_MAX];
    size_t count;
};

static inline void tell_text(struct told_facts *f, enum fact_name name, const char *value)
{
    if (value != NULL)
        f->list[f->count++] = fact_text(name, span_text(value));
}

static inline void tell_number(struct told_facts *f, enum fact_name name, int64_t value)
{
    f->list[f->count++] = fact_int(name, value);
}

static inline struct id quest_id(uint64_t quest)
{
    return id_of(DAY_ZERO, 9000000 + quest);
}

/* Of 192.0.2.HOST, or of no address at all. */
static inline void put_told(struct store *store, enum kind kind, usec_t time, unsigned host, uint64_t quest, const struct told_facts *f)
{
    static uint64_t next = 5000000;
    struct record record = record_of(kind, time, next++);
    record.source = record.destination = (struct endpoint){0};
    if (host != 0)
        record.destination.addr = addr_v4(0xc0000200U + host);
    record.session = quest_id(quest);
    record.facts = f->list;
    record.fact_count = f->count;
    int r = store_put(store, &record);
    if (r != 0)
        fail_msg("%s", err_text(r));
}

struct look {
    const char *protocol, *channel, *server, *state, *block;
    int64_t personal;
    usec_t not_before;
};

static inline void put_lookup(struct store *store, usec_t time, unsigned host, uint64_t quest, const struct look *look)
{
    struct told_facts f = {.count = 0};
    tell_text(&f, FACT_NETWORK_PROTOCOL, look->protocol);
    tell_text(&f, FACT_CHANNEL, look->channel);
    tell_text(&f, FACT_LOOKUP_SERVER, look->server);
    tell_text(&f, FACT_LOOKUP_STATE, look->state);
    tell_text(&f, FACT_BLOCK, look->block);
    if (look->personal > 0)
        tell_number(&f, FACT_PERSONAL, look->personal);
    if (look->not_before > 0)
        tell_number(&f, FACT_NOT_BEFORE, look->not_before);
    put_told(store, KIND_LOOKUP, time, host, quest, &f);
}

struct told {
    const char *channel, *kind, *value, *role, *objection, *domain, *choice, *valid, *exists, *match, *block, *flags;
    int64_t rank, score, rfc2142, word;
};

static inline void put_found(struct store *store, usec_t time, unsigned host, uint64_t quest, const struct told *told)
{
    struct told_facts f = {.count = 0};
    tell_text(&f, FACT_CHANNEL, told->channel);
    tell_text(&f, FACT_CONTACT_KIND, told->kind != NULL ? told->kind : "mail");
    tell_text(&f, FACT_CONTACT_VALUE, told->value);
    tell_text(&f, FACT_CONTACT_ROLE, told->role != NULL ? told->role : "abuse");
    tell_text(&f, FACT_CONTACT_OBJECTION, told->objection);
    tell_text(&f, FACT_CONTACT_DOMAIN, told->domain);
    tell_text(&f, FACT_CONTACT_CHOICE, told->choice);
    tell_text(&f, FACT_CONTACT_VALID, told->valid != NULL ? told->valid : "yes");
    tell_text(&f, FACT_CONTACT_EXISTS, told->exists != NULL ? told->exists : "yes");
    tell_text(&f, FACT_CONTACT_MATCH, told->match != NULL ? told->match : "none");
    tell_text(&f, FACT_BLOCK, told->block);
    tell_text(&f, FACT_CONTACT_FLAGS, told->flags);
    tell_text(&f, FACT_EVENT_REASON, "its registry says so");
    tell_text(&f, FACT_HOLDER, "Example Networks");
    tell_number(&f, FACT_CONTACT_RANK, told->rank);
    tell_number(&f, FACT_CONTACT_SCORE, told->score);
    tell_number(&f, FACT_CONTACT_RFC2142, told->rfc2142);
    tell_number(&f, FACT_CONTACT_WORD, told->word);
    put_told(store, KIND_CONTACT, time, host, quest, &f);
}

struct ended {
    const char *outcome, *task, *domain, *channels, *block;
    usec_t not_before;
};

static inline void put_ended(struct store *store, usec_t time, unsigned host, uint64_t quest, const struct ended *ended)
{
    struct told_facts f = {.count = 0};
    bool good = strcmp(ended->outcome, "success") == 0;
    tell_text(&f, FACT_EVENT_OUTCOME, ended->outcome);
    tell_text(&f, FACT_EVENT_REASON, good ? "found" : "limited");
    tell_text(&f, FACT_TASK, ended->task);
    tell_text(&f, FACT_CHANNEL, ended->channels != NULL ? ended->channels : "ip_whois,domain_web");
    tell_text(&f, FACT_DEBTS, good ? NULL : "ip_whois: whois.ripe.example is not asked before tomorrow");
    tell_text(&f, FACT_CONTACT_DOMAIN, ended->domain);
    tell_text(&f, FACT_BLOCK, ended->block);
    if (ended->not_before > 0)
        tell_number(&f, FACT_NOT_BEFORE, ended->not_before);
    put_told(store, KIND_QUEST, time, host, quest, &f);
}
