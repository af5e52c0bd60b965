#include "cli/manual.h"
#include "cli/verb.h"

static int run(const struct invocation *i, const struct options *o)
{
    (void)i;
    (void)o;
    return manual_print(manual_page);
}

const struct verb verb_man = {
    .name = "man",
    .arguments = "",
    .help = "print the manual page (troff)",
    .examples = "noroshi man | man -l -",
    .run = run,
};
