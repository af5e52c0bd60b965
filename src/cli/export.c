#include "base/err.h"
#include "cli/options.h"
#include "cli/reading.h"
#include "share/sink.h"

#include <errno.h>

enum { EXPORT_SINCE, EXPORT_UNTIL, EXPORT_SESSION, EXPORT_SOURCE, EXPORT_OUTPUT, EXPORT_CONTENT };

extern const struct verb verb_export;

static const struct verb_option options[] = {
    [EXPORT_SINCE] = {"since", 's', "TIME", "only what was seen from this time on (as for report)"},
    [EXPORT_UNTIL] = {"until", 'u', "TIME", "only what was seen before this time"},
    [EXPORT_SESSION] = {"session", 0, "ID", "only one session"},
    [EXPORT_SOURCE] = {"source", 0, "ADDRESS", "only what came from this address"},
    [EXPORT_OUTPUT] = {"output", 'O', "FILE", "write there instead of to standard output"},
    [EXPORT_CONTENT] = {"content", 0, NULL, "with the bytes of samples, where the form has a place for them"},
};

struct exporting {
    struct export *export;
    FILE *out;
    uint64_t records;
    int error;
};

static int write_out(void *user, struct span bytes)
{
    struct exporting *e = user;
    return fwrite(bytes.at, 1, bytes.len, e->out) == bytes.len ? 0 : errno != 0 ? -errno : -EIO;
}

static int put(void *user, const struct record *record)
{
    struct exporting *e = user;
    e->records++;
    e->error = export_put(e->export, record);
    return e->error;
}

static const char *sink_name_at(size_t index, const void *user)
{
    (void)user;
    size_t count = 0;
    const struct sink *const *sinks = sinks_all(&count);
    return index < count ? sinks[index]->name : NULL;
}

static int find(const struct options *o, const struct sink **ret)
{
    if (o->word_count != 1)
        return usage_error(&verb_export, "expected one form: ecs or cowrie");
    *ret = sink_by_name(o->words[0]);
    if (*ret != NULL)
        return 0;
    const char *near = nearest_name(o->words[0], sink_name_at, NULL);
    return usage_error(&verb_export, "expected a form: ecs or cowrie, got \"%.40s\"%s%s%s", o->words[0], near != NULL ? " (perhaps " : "",
                       near != NULL ? near : "", near != NULL ? ")" : "");
}

static int read_filter(const struct invocation *i, const struct options *o, struct query *query, struct query_filter *ret)
{
    struct query_range range = {0};
    int status = reading_range(i, &verb_export, o->values[EXPORT_SINCE], o->values[EXPORT_UNTIL], &range);
    *ret = (struct query_filter){.since = range.since, .until = range.until};
    if (status == 0 && o->values[EXPORT_SOURCE] != NULL) {
        ret->by_source = true;
        if (addr_parse(span_text(o->values[EXPORT_SOURCE]), &ret->source) != 0)
            return usage_error(&verb_export, "--source: expected an IPv4 or IPv6 address, got \"%.60s\"", o->values[EXPORT_SOURCE]);
    }
    if (status != 0 || o->values[EXPORT_SESSION] == NULL)
        return status;
    status = reading_session(&verb_export, query, o->values[EXPORT_SESSION], &ret->session);
    if (status != 0)
        return status;
    usec_t since = 0, until = 0;
    if (id_is_zero(ret->session)) {
        note(i, "no session %s", o->values[EXPORT_SESSION]);
        return EXIT_NOTHING;
    }
    reading_session_range(ret->session, &since, &until);
    ret->since = since > ret->since ? since : ret->since;
    ret->until = until < ret->until ? until : ret->until;
    return 0;
}

static int walk(const struct invocation *i, struct query *query, const struct query_filter *filter, struct exporting *e)
{
    errno = 0;
    int error = query_records(query, filter, put, e);
    if (e->error == 0 && error >= 0)
        e->error = export_flush(e->export);
    if (e->error == 0 && error >= 0 && fflush(e->out) != 0)
        e->error = -errno;
    if (e->error == -EPIPE)
        return EXIT_OK; /* the reader has seen enough */
    if (e->error != 0 || error < 0)
        return failed("export: %s", err_text(e->error != 0 ? e->error : error));
    if (e->records > 0)
        return EXIT_OK;
    note(i, "nothing to export was found");
    return EXIT_NOTHING;
}

static int run(const struct invocation *i, const struct options *o)
{
    const struct sink *sink = NULL;
    struct query *query = NULL;
    struct query_filter filter = {0};
    struct exporting e = {.out = stdout};
    int status = find(o, &sink);
    if (status == 0)
        status = reading_open(i, &query);
    if (status == 0)
        status = read_filter(i, o, query, &filter);
    const char *file = o->values[EXPORT_OUTPUT];
    if (status == 0 && file != NULL && strcmp(file, "-") != 0) {
        e.out = fopen(file, "we");
        if (e.out == NULL)
            status = failed("%s: %s", file, strerror(errno));
    }
    const struct sink_options sink_options = {.content = o->values[EXPORT_CONTENT] != NULL};
    if (status == 0) {
        int error = export_open(&e.export, sink, &sink_options, write_out, &e);
        status = error == 0 ? walk(i, query, &filter, &e) : failed("export: %s", err_text(error));
    }
    export_close(e.export);
    if (e.out != NULL && e.out != stdout && fclose(e.out) != 0 && status == EXIT_OK)
        status = failed("%s: %s", file, strerror(errno));
    query_close(query);
    return status;
}

const struct verb verb_export = {
    .name = "export",
    .arguments = "ecs | cowrie [--since TIME] [--until TIME] [--session ID] [--source ADDRESS] [--output FILE]",
    .help = "write records as JSON lines in a form that other programs read",
    .text = "ecs: Elastic Common Schema, every record and fact. cowrie: Cowrie's JSON log, key for key as its 2026 versions write it, so that what\n"
            "reads Cowrie reads Noroshi. Lines come in the order of time.",
    .examples = "noroshi export ecs --since yesterday --until today --output yesterday.ndjson\n"
                "noroshi export cowrie --source 192.0.2.17\n"
                "noroshi export ecs --session 01JH6D3ZK0S9T4W5X7Y8Z9ABCD",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .needs_settings = true,
    .run = run,
};
