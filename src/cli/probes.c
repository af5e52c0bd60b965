#include "cli/listing.h"
#include "probe/probe.h"

static const struct column columns[] = {
    {.name = "name", .title = "probe", .help = "as --ports and probe.ports name it"},
    {.name = "transport", .title = "over", .help = "tcp or udp, tls when it speaks TLS"},
    {.name = "ports", .title = "ports", .help = "where it is used unless told otherwise"},
    {.name = "care", .title = "when", .help = "always, when probe.extra names it, when probe.ics is on"},
    {.name = "help", .title = "what it asks", .help = "what it asks"},
};

static void print_ports(const struct probe *probe, struct buf *out)
{
    size_t most = sizeof probe->ports / sizeof probe->ports[0];
    buf_clear(out);
    for (size_t i = 0; i < most && probe->ports[i] != 0; i++)
        buf_printf(out, "%s%u", i > 0 ? ", " : "", probe->ports[i]);
}

static int run(const struct invocation *i, const struct options *o)
{
    static const char *const cares[] = {[CARE_POLITE] = "always", [CARE_ASKED] = "in probe.extra", [CARE_ICS] = "probe.ics"};
    struct table *table = NULL;
    struct buf ports;
    size_t count = 0;
    const struct probe *const *probes = probes_all(&count);
    int error = table_new(&table, columns, sizeof columns / sizeof columns[0]);
    buf_init(&ports, 0);
    for (size_t n = 0; n < count && error == 0; n++) {
        const struct probe *p = probes[n];
        print_ports(p, &ports);
        const char *over = p->tls ? "tls" : transport_name(p->over);
        error = listing_row(table, (const char *const[]){p->name, over, buf_cstr(&ports), cares[p->care], p->help}, 5);
    }
    buf_done(&ports);
    return listing_print(i, o, table, error);
}

const struct verb verb_probes = {
    .name = "probes",
    .arguments = "[--json]",
    .help = "list what a probed host can be asked",
    .examples = "noroshi probes\n"
                "noroshi probes --json",
    .options = listing_options,
    .option_count = LISTING_OPTIONS,
    .needs_settings = false,
    .run = run,
};
