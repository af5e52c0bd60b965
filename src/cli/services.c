#include "cli/listing.h"
#include "observe/honeypot/service.h"

static const struct column columns[] = {
    {.name = "name", .title = "service", .help = "as `services` of the configuration names it"},
    {.name = "transport", .title = "over", .help = "tcp or udp"},
    {.name = "port", .title = "port", .type = COLUMN_COUNT, .help = "where it is usually met"},
    {.name = "help", .title = "what it is", .help = "what it is"},
};

static int run(const struct invocation *i, const struct options *o)
{
    struct table *table = NULL;
    int error = table_new(&table, columns, sizeof columns / sizeof columns[0]);
    size_t count = 0;
    const struct service *const *services = services_all(&count);
    for (size_t n = 0; n < count && error == 0; n++) {
        const struct query_value row[] = {value_text(span_text(services[n]->name)), value_text(span_text(transport_name(services[n]->over))),
                                          value_int(services[n]->port), value_text(span_text(services[n]->help))};
        error = table_row(table, row, 4);
    }
    return listing_print(i, o, table, error);
}

const struct verb verb_services = {
    .name = "services",
    .arguments = "[--json]",
    .help = "list the services a honeypot can imitate",
    .examples = "noroshi services\n"
                "noroshi services --json",
    .options = listing_options,
    .option_count = LISTING_OPTIONS,
    .needs_settings = false,
    .run = run,
};
