#include "base/err.h"
#include "cli/listing.h"
#include "observe/honeypot/profile.h"

static const struct column columns[] = {
    {.name = "name", .title = "profile", .help = "as `profile` of a service names it"},
    {.name = "maker", .title = "maker", .help = "who makes the device"},
    {.name = "model", .title = "model", .help = "the device"},
    {.name = "class", .title = "class", .help = "what kind of device"},
    {.name = "machine", .title = "CPU", .help = "CPU architecture and byte order"},
    {.name = "kernel", .title = "kernel", .help = "kernel it shows"},
    {.name = "busybox", .title = "busybox", .help = "busybox it shows"},
};

static int fill(struct table *table, struct span image)
{
    struct profiles *profiles = NULL;
    int error = profiles_open(&profiles, image);
    for (size_t n = 0; error == 0 && n < profiles_count(profiles); n++) {
        const struct profile *p = profiles_at(profiles, n);
        const struct query_value row[] = {value_text(p->name),
                                          value_text(p->maker),
                                          value_text(p->model),
                                          value_text(p->class),
                                          value_text(span_text(machine_info(p->machine)->name)),
                                          value_text(p->kernel_release),
                                          value_text(p->busybox_version)};
        error = table_row(table, row, sizeof row / sizeof row[0]);
    }
    if (profiles != NULL)
        profiles_close(profiles);
    return error;
}

static int run(const struct invocation *i, const struct options *o)
{
    struct buf image;
    struct table *table = NULL;
    struct conf_error why = {0};
    buf_init(&image, 0);
    int error = profiles_compile(conf_text(i->settings, "honeypot.profiles"), &image, &why);
    if (error != 0 && why.text[0] != '\0') {
        fprintf(stderr, "noroshi: %s\n", why.text);
        buf_done(&image);
        return EXIT_USAGE;
    }
    if (error == 0)
        error = table_new(&table, columns, sizeof columns / sizeof columns[0]);
    if (error == 0)
        error = fill(table, buf_as_span(&image));
    int status = listing_print(i, o, table, error);
    buf_done(&image);
    return status;
}

const struct verb verb_profiles = {
    .name = "profiles",
    .arguments = "[--json]",
    .help = "list the device profiles",
    .examples = "noroshi profiles\n"
                "noroshi profiles --json",
    .options = listing_options,
    .option_count = LISTING_OPTIONS,
    .needs_settings = true,
    .run = run,
};
