#include "cli/listing.h"

static const struct column columns[] = {
    {.name = "name", .title = "kind", .help = "kind of record; the table of the day files"},
    {.name = "category", .title = "event.category", .help = "Elastic Common Schema's category"},
    {.name = "help", .title = "what it is", .help = "what it is"},
    {.name = "facts", .title = "facts it may state", .help = "facts it may state"},
};

static int run(const struct invocation *i, const struct options *o)
{
    struct table *table = NULL;
    struct buf facts;
    buf_init(&facts, 0);
    int error = table_new(&table, columns, sizeof columns / sizeof columns[0]);
    for (unsigned n = 0; n < KIND_LIMIT && error == 0; n++) {
        const struct kind_info *k = kind_info(n);
        if (k == NULL)
            continue;
        buf_clear(&facts);
        for (size_t f = 0; f < k->fact_count; f++)
            buf_printf(&facts, "%s%s", f > 0 ? ", " : "", fact_info(k->facts[f])->text);
        error = listing_row(table, (const char *const[]){k->name, k->category, k->help, buf_cstr(&facts)}, 4);
    }
    buf_done(&facts);
    return listing_print(i, o, table, error);
}

const struct verb verb_kinds = {
    .name = "kinds",
    .arguments = "[--json]",
    .help = "list the kinds of records",
    .examples = "noroshi kinds\n"
                "noroshi kinds --json",
    .options = listing_options,
    .option_count = LISTING_OPTIONS,
    .needs_settings = false,
    .run = run,
};
