#include "probe/probe.h"

#include <stdio.h>

#define PROBE(name) extern const struct probe probe_##name;
#include "probe/probes.def"
#undef PROBE

static const struct probe *const probes[] = {
#define PROBE(name) &probe_##name,
#include "probe/probes.def"
#undef PROBE
};

enum { PROBE_COUNT = sizeof probes / sizeof probes[0] };

const struct probe *const *probes_all(size_t *ret_count)
{
    *ret_count = PROBE_COUNT;
    return probes;
}

const struct probe *probe_by_name(struct span name)
{
    for (size_t i = 0; i < PROBE_COUNT; i++) {
        if (span_is(name, probes[i]->name))
            return probes[i];
    }
    return NULL;
}

const struct probe *probe_for_port(uint16_t port, enum transport transport)
{
    for (size_t i = 0; i < PROBE_COUNT; i++) {
        for (const uint16_t *at = probes[i]->ports; *at != 0; at++) {
            if (*at == port && probes[i]->over == transport)
                return probes[i];
        }
    }
    return transport == TRANSPORT_TCP ? probe_by_name(span_text("banner")) : NULL;
}

const char *ending_text(enum ending ending)
{
    static const char *const texts[] = {
#define ENDING(name, text, help) [ENDING_##name] = (text),
#include "probe/endings.def"
#undef ENDING
    };
    return texts[ending];
}
