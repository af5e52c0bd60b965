#include "cli/manual.h"
#include "cli/usage.h"

extern const struct verb verb_completion;

static int run(const struct invocation *i, const struct options *o)
{
    (void)i;
    if (o->word_count != 1 || strcmp(o->words[0], "bash") != 0)
        return usage_error(&verb_completion, "expected the shell's name: bash");
    return manual_print(manual_completion);
}

const struct verb verb_completion = {
    .name = "completion",
    .arguments = "bash",
    .help = "print a completion script for the shell",
    .examples = "noroshi completion bash > ~/.local/share/bash-completion/completions/noroshi",
    .run = run,
};
