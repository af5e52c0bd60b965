#include "cli/listing.h"

static const struct column columns[] = {
    {.name = "name", .title = "fact", .help = "JSON key and column of exports"},
    {.name = "type", .title = "type", .help = "text, bytes, int or addr"},
    {.name = "unit", .title = "unit", .help = "unit of a number"},
    {.name = "column", .title = "column", .help = "column of the day files"},
    {.name = "help", .title = "what it says", .help = "what it says"},
};

static int run(const struct invocation *i, const struct options *o)
{
    static const char *const types[] = {[FACT_TYPE_TEXT] = "text", [FACT_TYPE_BYTES] = "bytes", [FACT_TYPE_INT] = "int", [FACT_TYPE_ADDR] = "addr"};
    struct table *table = NULL;
    int error = table_new(&table, columns, sizeof columns / sizeof columns[0]);
    for (unsigned n = 0; n < FACT_LIMIT && error == 0; n++) {
        const struct fact_info *f = fact_info(n);
        if (f != NULL)
            error = listing_row(table, (const char *const[]){f->text, types[f->type], f->unit, f->column, f->help}, 5);
    }
    return listing_print(i, o, table, error);
}

const struct verb verb_facts = {
    .name = "facts",
    .arguments = "[--json]",
    .help = "list the facts that records state",
    .examples = "noroshi facts\n"
                "noroshi facts --json",
    .options = listing_options,
    .option_count = LISTING_OPTIONS,
    .needs_settings = false,
    .run = run,
};
