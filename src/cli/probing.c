#include "base/err.h"
#include "cli/usage.h"
#include "outside/attribution.h"

enum { PROBING_AGENT, PROBING_URL };

static const struct verb_option options[] = {
    [PROBING_AGENT] = {"user-agent", 0, NULL, "print the User-Agent of HTTP probes instead"},
    [PROBING_URL] = {"url", 0, NULL, "print where the text must be found instead"},
};

static int run(const struct invocation *i, const struct options *o)
{
    struct conf_error error = {0};
    struct buf out;
    if (o->word_count > 0)
        return usage_error(NULL, "probing: expected no argument, got \"%.80s\"", o->words[0]);
    if (operator_check(i->settings, &error) != 0) {
        fprintf(stderr, "noroshi: %s\n", error.text);
        return EXIT_USAGE;
    }
    if (!operator_named(i->settings)) {
        fprintf(stderr, "noroshi: %s: operator.organisation, operator.mail and operator.page must be filled in first: nothing is sent without them\n",
                i->config);
        return EXIT_USAGE;
    }
    buf_init(&out, 0);
    if (o->values[PROBING_AGENT] != NULL)
        attribution_agent(i->settings, &out);
    else if (o->values[PROBING_URL] != NULL)
        attribution_canonical(i->settings, &out);
    else
        attribution_text(i->settings, usec_now(), &out);
    bool line = out.len > 0 && out.data[out.len - 1] != '\n';
    printf("%s%s", buf_cstr(&out), line ? "\n" : "");
    buf_done(&out);
    return output_done(EXIT_OK);
}

const struct verb verb_probing = {
    .name = "probing",
    .arguments = "[--user-agent | --url]",
    .help = "print what says who probes and why: probing.txt (RFC 9511)",
    .text = "A host that is probed can find out who does it: serve this text as /.well-known/probing.txt on the web server of operator.page, and,\n"
            "when it has one, on the address that probes. It is made of operator.* and good for half a year: print it anew before.",
    .examples = "noroshi probing\n"
                "noroshi probing > /var/www/html/.well-known/probing.txt\n"
                "noroshi probing --user-agent        # what HTTP probes call themselves",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .needs_settings = true,
    .run = run,
};
