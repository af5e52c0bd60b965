#include "cli/manual.h"
#include "cli/usage.h"

static int run(const struct invocation *i, const struct options *o)
{
    (void)i;
    (void)o;
    struct buf page;
    buf_init(&page, 0);
    manual_page(&page);
    int status = page.error == 0 ? EXIT_OK : failed("out of memory");
    if (status == EXIT_OK)
        fwrite(page.data, 1, page.len, stdout);
    buf_done(&page);
    return status;
}

const struct verb verb_man = {
    .name = "man",
    .arguments = "",
    .help = "print the manual page (troff)",
    .examples = "noroshi man | man -l -",
    .run = run,
};
