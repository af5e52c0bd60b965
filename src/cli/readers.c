#include "cli/listing.h"
#include "observe/import/reader.h"

static const struct column columns[] = {
    {.name = "name", .title = "reader", .help = "as --format of import names it"},
    {.name = "help", .title = "what it reads", .help = "what it reads"},
};

static int run(const struct invocation *i, const struct options *o)
{
    struct table *table = NULL;
    int error = table_new(&table, columns, sizeof columns / sizeof columns[0]);
    size_t count = 0;
    const struct reader *const *readers = readers_all(&count);
    for (size_t n = 0; n < count && error == 0; n++)
        error = listing_row(table, (const char *const[]){readers[n]->name, readers[n]->help}, 2);
    return listing_print(i, o, table, error);
}

const struct verb verb_readers = {
    .name = "readers",
    .arguments = "[--json]",
    .help = "list the formats that import reads",
    .examples = "noroshi readers\n"
                "noroshi readers --json",
    .options = listing_options,
    .option_count = LISTING_OPTIONS,
    .needs_settings = false,
    .run = run,
};
