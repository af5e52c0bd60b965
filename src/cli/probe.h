/* The parts of the verb `probe`. */
#pragma once

#include "cli/reading.h"
#include "cli/verb.h"
#include "probe/order.h"

enum { PROBE_PORTS, PROBE_FILE, PROBE_DRY_RUN, PROBE_WAIT, PROBE_JSON };
enum { PROBE_TARGETS_MAX = 4096, PROBE_KEY_SIZE = ORDER_KEY_SIZE + 40 };

struct probe_target {
    struct addr addr;
    uint32_t asn; /* as the store knows it; 0 */
    char key[PROBE_KEY_SIZE];
    bool ended; /* its task is done, or failed */
};

struct probing {
    const struct invocation *invocation;
    bool json;
    usec_t began;
    usec_t wait;
    struct probe_target *targets; /* ordered by address, each once */
    size_t count;
    struct order_port ports[ORDER_PORTS_MAX]; /* none: those of probe.ports */
    size_t port_count;
};

struct probe_target *probing_find(const struct probing *, struct addr); /* NULL */
/* What policy would say; sends nothing. An exit status. */
int probe_dry(struct probing *);
/* What the visits brought, from the store. An exit status. */
int probe_view(struct probing *);
