#include "cli/listing.h"
#include "report/cell.h"

static const struct column columns[] = {
    {.name = "name", .title = "report", .help = "as `report` takes it"},
    {.name = "help", .title = "what it shows", .help = "what it shows"},
};

/* With their columns, on which scripts rely. */
static int print_json(void)
{
    size_t count = 0;
    const struct report *const *reports = reports_all(&count);
    struct buf out;
    struct json json;
    buf_init(&out, 0);
    json_init(&json, &out, true);
    json_begin_array(&json);
    for (size_t n = 0; n < count; n++) {
        const struct report *r = reports[n];
        json_begin_object(&json);
        json_key(&json, "name");
        json_text(&json, r->name);
        json_key(&json, "title");
        json_text(&json, r->title);
        json_key(&json, "help");
        json_text(&json, r->help);
        json_key(&json, "limit");
        json_int(&json, r->limit);
        json_key(&json, "columns");
        json_begin_array(&json);
        for (size_t c = 0; c < r->column_count; c++)
            column_json(&json, &r->columns[c]);
        json_end_array(&json);
        json_end_object(&json);
    }
    json_end_array(&json);
    int status = out.error == 0 ? EXIT_OK : failed("out of memory");
    if (status == EXIT_OK)
        printf("%s\n", buf_cstr(&out));
    buf_done(&out);
    return status;
}

static int run(const struct invocation *i, const struct options *o)
{
    if (o->values[LISTING_JSON] != NULL)
        return print_json();
    struct table *table = NULL;
    int error = table_new(&table, columns, sizeof columns / sizeof columns[0]);
    size_t count = 0;
    const struct report *const *reports = reports_all(&count);
    for (size_t n = 0; n < count && error == 0; n++)
        error = listing_row(table, (const char *const[]){reports[n]->name, reports[n]->help}, 2);
    return listing_print(i, o, table, error);
}

const struct verb verb_reports = {
    .name = "reports",
    .arguments = "[--json]",
    .help = "list the reports; with --json their columns, units and help",
    .examples = "noroshi reports\n"
                "noroshi reports --json",
    .options = listing_options,
    .option_count = LISTING_OPTIONS,
    .needs_settings = false,
    .run = run,
};
