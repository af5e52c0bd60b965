#include "analyse/rule.h"

#include "cli/listing.h"

static const struct column columns[] = {
    {.name = "name", .title = "rule", .help = "as findings name it"},
    {.name = "kinds", .title = "looks at", .help = "kinds of records it looks at"},
    {.name = "help", .title = "what it finds", .help = "what it finds"},
};

static int run(const struct invocation *i, const struct options *o)
{
    struct table *table = NULL;
    struct buf kinds;
    size_t count = 0;
    buf_init(&kinds, 0);
    int error = table_new(&table, columns, sizeof columns / sizeof columns[0]);
    const struct rule *const *rules = rules_all(&count);
    for (size_t n = 0; n < count && error == 0; n++) {
        buf_clear(&kinds);
        for (unsigned k = 0; k < KIND_LIMIT; k++)
            if ((rules[n]->wants >> k & 1) != 0 && kind_info(k) != NULL)
                buf_printf(&kinds, "%s%s", kinds.len > 0 ? ", " : "", kind_info(k)->name);
        error = listing_row(table, (const char *const[]){rules[n]->name, buf_cstr(&kinds), rules[n]->help}, 3);
    }
    buf_done(&kinds);
    return listing_print(i, o, table, error);
}

const struct verb verb_rules = {
    .name = "rules",
    .arguments = "[--json]",
    .help = "list the rules of the analysis",
    .examples = "noroshi rules\n"
                "noroshi rules --json",
    .options = listing_options,
    .option_count = LISTING_OPTIONS,
    .run = run,
};
