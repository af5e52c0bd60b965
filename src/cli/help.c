#include "cli/options.h"
#include "cli/usage.h"
#include "settings.h"

extern const struct verb verb_help, verb_facts, verb_kinds;

static int settings(void)
{
    struct buf text;
    buf_init(&text, 0);
    conf_describe(settings_schema(), &text);
    int status = text.error == 0 ? EXIT_OK : failed("out of memory");
    if (status == EXIT_OK)
        fwrite(text.data, 1, text.len, stdout);
    buf_done(&text);
    return status;
}

static const char *topic_at(size_t index, const void *user)
{
    (void)user;
    static const char *const topics[] = {"facts", "kinds", "settings"};
    size_t count = 0;
    const struct verb *const *verbs = verbs_all(&count);
    return index < 3 ? topics[index] : index - 3 < count ? verbs[index - 3]->name : NULL;
}

static int run(const struct invocation *i, const struct options *o)
{
    if (o->word_count > 1)
        return usage_error(&verb_help, "expected one topic, got \"%.40s\" too", o->words[1]);
    if (o->word_count == 0) {
        usage_overview(stdout);
        return EXIT_OK;
    }
    const char *topic = o->words[0];
    static const struct options none = {0};
    if (strcmp(topic, "facts") == 0)
        return verb_facts.run(i, &none);
    if (strcmp(topic, "kinds") == 0)
        return verb_kinds.run(i, &none);
    if (strcmp(topic, "settings") == 0)
        return settings();
    const struct verb *verb = verb_by_name(topic);
    if (verb == NULL) {
        const char *near = nearest_name(topic, topic_at, NULL);
        return usage_error(&verb_help, "expected facts, kinds, settings or a verb, got \"%.40s\"%s%s%s", topic, near != NULL ? " (perhaps " : "",
                           near != NULL ? near : "", near != NULL ? ")" : "");
    }
    usage_verb(verb, stdout);
    return EXIT_OK;
}

const struct verb verb_help = {
    .name = "help",
    .arguments = "[facts | kinds | settings | VERB]",
    .help = "explain a verb, or what is recorded and what can be set",
    .examples = "noroshi help\n"
                "noroshi help report      # a verb\n"
                "noroshi help facts       # every fact a record may state\n"
                "noroshi help settings    # every setting with its default",
    .run = run,
};
