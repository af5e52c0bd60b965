#include "observe/honeypot/profile_draft.h"

static const struct machine_info machines[] = {
#define MACHINE(id, text, number, class, big, about) \
    {.machine = MACHINE_##id, .name = (text), .e_machine = (number), .elf_class = (class), .big_endian = (big), .help = (about)},
#include "observe/honeypot/machines.def"
#undef MACHINE
};

const struct machine_info *machine_info(enum machine machine)
{
    return machine < MACHINE_COUNT ? &machines[machine] : NULL;
}

int machine_by_name(struct span name, enum machine *ret)
{
    for (size_t i = 0; i < MACHINE_COUNT; i++)
        if (span_is(name, machines[i].name)) {
            *ret = machines[i].machine;
            return 0;
        }
    return -ERR_UNKNOWN;
}

bool profile_has_applet(const struct profile *p, struct span name)
{
    size_t low = 0, high = p->applet_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = span_compare(p->applets[middle], name);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

const struct profile_node *profile_node(const struct profile *p, struct span path)
{
    size_t low = 0, high = p->node_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = span_compare(p->nodes[middle].path, path);
        if (order == 0)
            return &p->nodes[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

uint64_t profile_uptime(const struct profile *p, usec_t now)
{
    uint64_t seconds = now > 0 ? (uint64_t)(now / USEC_PER_SEC) : 0;
    uint64_t period = p->period > 3600 ? p->period : 3600;
    /* Not in the first minutes after a start: the processes shown have been there for a while. */
    return (seconds + hash_seeded(1, p->name) % period) % period + 600;
}
