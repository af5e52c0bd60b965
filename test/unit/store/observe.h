/* Records of active observation, made of little. */
#pragma once

#include "make.h"

/* 192.0.2.HOST */
static inline struct endpoint host_at(uint8_t host, uint16_t port)
{
    return (struct endpoint){addr_v4(0xc0000200U + host), port};
}

static inline void put_observed(struct store *store, enum kind kind, usec_t time, struct endpoint host, const struct fact *facts, size_t count)
{
    static uint64_t number = 1000000;
    struct record record = record_of(kind, time, number++);
    record.source = (struct endpoint){0};
    record.destination = host;
    record.facts = facts;
    record.fact_count = count;
    int r = store_put(store, &record);
    if (r != 0)
        fail_msg("%s", err_text(r));
}

static inline void put_answer(struct store *store, usec_t time, struct endpoint host, const char *probe, const char *ending, int64_t ttl,
                              const char *title, const char *banner)
{
    struct fact facts[8] = {fact_text(FACT_PROBE, span_text(probe)), fact_text(FACT_NETWORK_PROTOCOL, span_text(probe)),
                            fact_text(FACT_EVENT_REASON, span_text(ending))};
    size_t count = 3;
    if (ttl > 0)
        facts[count++] = fact_int(FACT_REPLY_TTL, ttl);
    if (title != NULL)
        facts[count++] = fact_text(FACT_HTTP_TITLE, span_text(title));
    if (banner != NULL)
        facts[count++] = fact_text(FACT_BANNER, span_text(banner));
    put_observed(store, KIND_ANSWER, time, host, facts, count);
}

struct said {
    const char *rule, *field, *class, *maker, *model, *ics, *residue, *honeypot;
    int64_t certainty;
};

static inline void put_device(struct store *store, usec_t time, struct endpoint host, const struct said *said)
{
    const struct {
        enum fact_name name;
        const char *text;
    } texts[] = {{FACT_RULE, said->rule},          {FACT_MATCHED, said->field},    {FACT_DEVICE_CLASS, said->class}, {FACT_DEVICE_MAKER, said->maker},
                 {FACT_DEVICE_MODEL, said->model}, {FACT_ICS_PROTOCOL, said->ics}, {FACT_RESIDUE, said->residue},    {FACT_HONEYPOT, said->honeypot}};
    struct fact facts[10];
    size_t count = 0;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].text != NULL)
            facts[count++] = fact_text(texts[i].name, span_text(texts[i].text));
    }
    facts[count++] = fact_int(FACT_CERTAINTY, said->certainty > 0 ? said->certainty : 80);
    put_observed(store, KIND_DEVICE, time, host, facts, count);
}

/* A source connects to a port of ours with that TTL, and, when `user` is given, tries to log in. */
static inline void put_attack(struct store *store, usec_t time, uint8_t host, uint16_t port, int64_t ttl, const char *user)
{
    static uint64_t number = 1;
    struct fact facts[] = {fact_int(FACT_SYN_TTL, ttl)};
    struct record record = record_of(KIND_CONNECTION, time, number++);
    record.source = host_at(host, 40000);
    record.destination.port = port;
    record.facts = facts;
    record.fact_count = ttl > 0 ? 1 : 0;
    assert_int_equal(store_put(store, &record), 0);
    if (user == NULL)
        return;
    struct fact login[] = {fact_text(FACT_USER_NAME, span_text(user)), fact_text(FACT_PASSWORD, span_text("secret"))};
    record.kind = KIND_LOGIN;
    record.id = id_of(time, number++);
    record.facts = login;
    record.fact_count = 2;
    assert_int_equal(store_put(store, &record), 0);
}
