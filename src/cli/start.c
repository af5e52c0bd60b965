/* From the command line to the verb: options before it, where the configuration and the data are, the nearest verb of a mistyped one. */
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/load.h"
#include "cli/options.h"
#include "cli/usage.h"

#include <locale.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum global { GLOBAL_CONFIG, GLOBAL_DATA, GLOBAL_SETTING, GLOBAL_QUIET, GLOBAL_NO_COLOR, GLOBAL_VERSION };

const struct verb_option global_options[] = {
    [GLOBAL_CONFIG] = {"config", 'c', "FILE", "configuration (default: conf/noroshi.yaml of the checkout, or /etc/noroshi/noroshi.yaml)"},
    [GLOBAL_DATA] = {"data", 'd', "DIR", "data folder (default: ./noroshi-data from a checkout, or /var/lib/noroshi)"},
    [GLOBAL_SETTING] = {"set", 'o', "section.key=value", "override one setting; may be repeated"},
    [GLOBAL_QUIET] = {"quiet", 'q', NULL, "say nothing on stderr but errors"},
    [GLOBAL_NO_COLOR] = {"no-color", 0, NULL, "no colours, as with the variable NO_COLOR"},
    [GLOBAL_VERSION] = {"version", 'V', NULL, "print the version"},
};
const size_t global_option_count = sizeof global_options / sizeof global_options[0];

struct globals {
    bool quiet, no_color;
};

static int read_globals(struct option_reader *reader, struct globals *g, struct loading *l, const char **ret_verb)
{
    struct buf why;
    buf_init(&why, 0);
    int status = -1;
    while (status < 0 && *ret_verb == NULL) {
        size_t index = 0;
        const char *value = NULL;
        enum option_event event = options_next(reader, &index, &value, &why);
        if (event == OPTION_END)
            status = usage_error(NULL, "expected a verb, such as run, import, report or help");
        else if (event == OPTION_BAD)
            status = usage_error(NULL, "%s", buf_cstr(&why));
        else if (event == OPTION_WORD)
            *ret_verb = value;
        else if (event == OPTION_HELP) {
            usage_overview(stdout);
            status = output_done(EXIT_OK);
        } else if (index == GLOBAL_CONFIG)
            l->given_config = value;
        else if (index == GLOBAL_DATA)
            l->given_data = value;
        else if (index == GLOBAL_QUIET)
            g->quiet = true;
        else if (index == GLOBAL_NO_COLOR)
            g->no_color = true;
        else if (index == GLOBAL_VERSION) {
            puts("noroshi " NOROSHI_VERSION);
            status = output_done(EXIT_OK);
        } else if (l->override_count == OVERRIDES_MAX)
            status = usage_error(NULL, "expected at most %d settings with -o", OVERRIDES_MAX);
        else
            l->overrides[l->override_count++] = value;
    }
    buf_done(&why);
    return status;
}

static enum log_level least_level(const struct conf *conf, bool quiet)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    enum log_level level = LOG_LEVEL_INFO;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(conf_text(conf, "log.level"), names[i]) == 0)
            level = (enum log_level)i;
    return quiet && level < LOG_LEVEL_WARNING ? LOG_LEVEL_WARNING : level;
}

static const char *verb_name_at(size_t index, const void *user)
{
    (void)user;
    size_t count = 0;
    const struct verb *const *verbs = verbs_all(&count);
    return index < count ? verbs[index]->name : NULL;
}

static int unknown_verb(const char *word)
{
    const char *near = nearest_name(word, verb_name_at, NULL);
    if (near != NULL)
        return usage_error(NULL, "expected a verb, got \"%.40s\" (perhaps %s)", word, near);
    return usage_error(NULL, "expected a verb, got \"%.40s\"", word);
}

static void look_at_terminal(struct invocation *i, bool no_color)
{
    const char *variable = getenv("NO_COLOR");
    bool terminal = isatty(STDOUT_FILENO) == 1;
    i->color = terminal && !no_color && (variable == NULL || variable[0] == '\0');
    struct winsize size;
    if (terminal)
        i->width = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static int run_verb(const struct verb *verb, const struct globals *g, struct loading *l, const struct options *options)
{
    struct conf_error error = {0};
    struct invocation i = {.quiet = g->quiet, .loading = l};
    look_at_terminal(&i, g->no_color);
    if (verb->needs_settings) {
        if (load_find(l, &error) != 0 || load_settings(l, &i.settings, &i.config_absent, &error) != 0) {
            fprintf(stderr, "noroshi: %s\n", error.text);
            return EXIT_USAGE;
        }
        i.program = l->program;
        i.config = l->config;
        i.data = conf_text(i.settings, "store.folder");
        log_open("noroshi", least_level(i.settings, g->quiet));
    }
    int status = output_done(verb->run(&i, options));
    conf_free(i.settings);
    return status;
}

/* An option that belongs before the verb, among those after it; NULL when there is none. */
static const char *misplaced(char **arguments, int count)
{
    for (int n = 0; n < count; n++) {
        for (size_t i = 0; i < global_option_count; i++) {
            const char *name = global_options[i].name;
            size_t length = strlen(name);
            if (strncmp(arguments[n], "--", 2) == 0 && strncmp(arguments[n] + 2, name, length) == 0 &&
                (arguments[n][2 + length] == '\0' || arguments[n][2 + length] == '='))
                return name;
        }
    }
    return NULL;
}

int cli_main(int argc, char **argv)
{
    /* Names and texts of ours are UTF-8 whatever the environment says; foreign bytes are escaped. */
    setlocale(LC_CTYPE, "C.UTF-8");
    static struct loading loading;
    struct globals g = {0};
    struct option_reader reader;
    const char *name = NULL;
    options_begin(&reader, global_options, global_option_count, argc - 1, argv + 1);
    int status = read_globals(&reader, &g, &loading, &name);
    if (status >= 0)
        return status;
    const struct verb *verb = verb_by_name(name);
    if (verb == NULL)
        return unknown_verb(name);
    struct buf why;
    struct options options;
    buf_init(&why, 0);
    int parsed = options_read(verb, argc - 1 - reader.at, argv + 1 + reader.at, &options, &why);
    if (parsed > 0) {
        usage_verb(verb, stdout);
        status = output_done(EXIT_OK);
    } else if (parsed < 0) {
        const char *global = misplaced(argv + 1 + reader.at, argc - 1 - reader.at);
        status = global != NULL ? usage_error(NULL, "--%s stands before the verb: noroshi --%s … %s", global, global, verb->name)
                                : usage_error(verb, "%s", buf_cstr(&why));
    } else
        status = run_verb(verb, &g, &loading, &options);
    buf_done(&why);
    return status;
}
