#include "observe/honeypot/service.h"

#include "record/journal.h"

#include <assert.h>

_Static_assert(REFUSAL_COUNT <= sizeof((struct journal_counters){0}.refused) / sizeof(uint64_t), "every refusal has its counter");

static const char *const reason_texts[REASON_COUNT] = {
#define REASON(name, text, help) [REASON_##name] = (text),
#include "observe/honeypot/reasons.def"
#undef REASON
};

const char *reason_text(enum reason reason)
{
    assert((unsigned)reason < REASON_COUNT);
    return reason_texts[reason];
}

enum reason refusal_reason(enum refusal refusal)
{
    static const enum reason reasons[REFUSAL_COUNT] = {
        [REFUSAL_PEER_LIMIT] = REASON_PEER_LIMIT,
        [REFUSAL_SERVICE_LIMIT] = REASON_SERVICE_LIMIT,
        [REFUSAL_GLOBAL_LIMIT] = REASON_GLOBAL_LIMIT,
        [REFUSAL_DESCRIPTORS] = REASON_DESCRIPTORS,
        [REFUSAL_PROXY_MISSING] = REASON_PROXY_MISSING,
        [REFUSAL_PROXY_BAD] = REASON_PROXY_BAD,
        [REFUSAL_PROXY_UNEXPECTED] = REASON_PROXY_UNEXPECTED,
        [REFUSAL_PROXY_STRANGER] = REASON_PROXY_STRANGER,
    };
    assert((unsigned)refusal < REFUSAL_COUNT);
    return reasons[refusal];
}

#define SERVICE(name) extern const struct service service_##name;
#include "observe/honeypot/services.def"
#undef SERVICE

static const struct service *const services[] = {
#define SERVICE(name) &service_##name,
#include "observe/honeypot/services.def"
#undef SERVICE
};

const struct service *const *services_all(size_t *ret_count)
{
    *ret_count = sizeof services / sizeof services[0];
    return services;
}

const struct service *service_by_name(struct span name)
{
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
        if (span_is(name, services[i]->name))
            return services[i];
    }
    return NULL;
}
