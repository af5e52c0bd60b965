#include "base/text.h"
#include "cli/load.h"
#include "cli/options.h"
#include "cli/usage.h"
#include "process/supervisor.h"
#include "process/walls.h"

#include <unistd.h>

enum { RUN_PUBLIC };

static const struct verb_option options[] = {
    [RUN_PUBLIC] = {"public", 0, NULL, "listen where the services' `public` settings say, so that others reach them"},
};

static int reload(void *user, struct conf **ret, struct conf_error *error)
{
    bool absent = false;
    return load_settings(user, ret, &absent, error);
}

/* Where to look, before the roles start to speak. */
static void say_where(const struct invocation *i, bool public)
{
    char text[ENDPOINT_TEXT_SIZE];
    for (size_t n = 0; n < conf_count(i->settings, "services"); n++) {
        const struct conf_node *service = conf_item(i->settings, "services", n);
        struct endpoint at = public && node_given(service, "public") ? node_endpoint(service, "public") : node_endpoint(service, "listen");
        note(i, "%s on %s, profile %s", node_text(service, "service"), endpoint_print(at, text), node_text(service, "profile"));
    }
    note(i, "settings %s%s; data in %s", i->config, i->config_absent ? " (not there: the built-in ones hold)" : "", i->data);
    if (geteuid() == 0 && identity_choose(i->settings)[0] == '\0')
        note(i, "the roles stay root, without capabilities; a data folder that others can reach (--data DIR) lets them be nobody");
    note(i, "see what comes with: %s --data %s report attackers", i->program, i->data);
}

static int run(const struct invocation *i, const struct options *o)
{
    if (o->word_count > 0)
        return usage_error(NULL, "run: expected no argument, got \"%.80s\"", o->words[0]);
    if (conf_count(i->settings, "services") == 0) {
        fprintf(
            stderr,
            "noroshi: %s: services: expected at least one service to run; for example services: [{service: telnet, listen: \"127.0.0.1:2323\"}]\n",
            i->config);
        return EXIT_USAGE;
    }
    bool public = o->values[RUN_PUBLIC] != NULL;
    say_where(i, public);
    struct loading loading = *i->loading;
    const struct supervision supervision = {
        .settings = i->settings, .program = i->program, .listening = public ? LISTENING_PUBLIC : LISTENING_LOCAL, .reload = reload, .user = &loading};
    return supervise(&supervision);
}

const struct verb verb_run = {
    .name = "run",
    .arguments = "[--public]",
    .help = "start the honeypots and the store, until SIGTERM or Ctrl-C",
    .text = "Starts what the configuration's `services` name, on loopback unless --public is given, and keeps what is seen in the data folder.\n"
            "The line `ready` on stderr says that every listener and the store are open; under systemd it is told so as well.\n"
            "\n"
            "SIGHUP reads the configuration again: when it is good, new edges start and the old ones end with their last conversation;\n"
            "when it is not, a line says why and all goes on as before. SIGTERM ends everything in order: what was seen is stored first.",
    .examples = "noroshi run                      # honeypots on loopback\n"
                "noroshi run --public             # where the world reaches them\n"
                "noroshi -o process.edges=4 run   # four processes share the connections",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .needs_settings = true,
    .run = run,
};
