#include "cli/listing.h"
#include "contact/channel.h"

static const struct column columns[] = {
    {.name = "name", .title = "channel", .help = "as `contact.channels` of the configuration and `contact --channels` name it"},
    {.name = "wants", .title = "for", .help = "what it is asked about: an address, a domain, or both; device: the maker that a device's page names"},
    {.name = "needs", .title = "needs", .help = "the setting without which it is not asked"},
    {.name = "help", .title = "what it does", .help = "what it does"},
};

static const char *wanted(const struct channel *channel)
{
    if (channel->wants == (CHANNEL_ADDRESS | CHANNEL_DOMAIN))
        return "address, domain";
    if (channel->wants == CHANNEL_MAKER)
        return "device";
    return channel->wants == CHANNEL_DOMAIN ? "domain" : "address";
}

static int run(const struct invocation *i, const struct options *o)
{
    struct table *table = NULL;
    int error = table_new(&table, columns, sizeof columns / sizeof columns[0]);
    size_t count = 0;
    const struct channel *const *channels = channels_all(&count);
    for (size_t n = 0; n < count && error == 0; n++) {
        const char *const row[] = {channels[n]->name, wanted(channels[n]), channels[n]->needs != NULL ? channels[n]->needs : "", channels[n]->help};
        error = listing_row(table, row, sizeof row / sizeof row[0]);
    }
    return listing_print(i, o, table, error);
}

const struct verb verb_channels = {
    .name = "channels",
    .arguments = "[--json]",
    .help = "list the ways in which contacts are looked for",
    .examples = "noroshi channels\n"
                "noroshi channels --json",
    .options = listing_options,
    .option_count = LISTING_OPTIONS,
    .needs_settings = false,
    .run = run,
};
