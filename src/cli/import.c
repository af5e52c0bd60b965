#include "observe/import/import.h"

#include "base/err.h"
#include "base/text.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/usage.h"
#include "cli/when.h"
#include "store/client.h"

#include <errno.h>
#include <unistd.h>

enum { IMPORT_FORMAT, IMPORT_TIMEZONE, IMPORT_JSON };
enum { LINES_SHOWN = 10 };

extern const struct verb verb_import;

static const struct verb_option options[] = {
    [IMPORT_FORMAT] = {"format", 'f', "NAME", "what the files hold (`noroshi readers`); without it the first bytes tell"},
    [IMPORT_TIMEZONE] = {"timezone", 0, "OFFSET", "of times that name none, e.g. +09:00 (default +00:00); the records say that it was assumed"},
    [IMPORT_JSON] = {"json", 'j', NULL, "print {\"files\",\"records\",\"duplicates\",\"skipped\"}"},
};

struct importing {
    struct store_client *client;
    bool quiet;
    struct progress progress;
    uint64_t shown, held; /* lines that could not be read: told, not told */
};

static int on_record(void *user, const struct record *record)
{
    struct importing *im = user;
    return store_client_put(im->client, record);
}

static void on_skipped(void *user, const char *file, uint64_t line, const char *why)
{
    struct importing *im = user;
    if (im->quiet || im->shown == LINES_SHOWN) {
        im->held++;
        return;
    }
    im->shown++;
    progress_say(&im->progress, file, line, why);
}

static void on_failed(void *user, const char *file, const char *why)
{
    struct importing *im = user;
    progress_say(&im->progress, file, 0, why);
}

static void on_progress(void *user, const char *file, uint64_t bytes, uint64_t total)
{
    struct importing *im = user;
    const char *slash = strrchr(file, '/');
    progress_draw_bytes(&im->progress, bytes, total, slash != NULL ? slash + 1 : file);
}

static const char *reader_name_at(size_t index, const void *user)
{
    (void)user;
    size_t count = 0;
    const struct reader *const *readers = readers_all(&count);
    return index < count ? readers[index]->name : NULL;
}

static int check_format(const char *format)
{
    const char *name = NULL;
    if (format == NULL)
        return 0;
    for (size_t i = 0; (name = reader_name_at(i, NULL)) != NULL; i++)
        if (strcmp(name, format) == 0)
            return 0;
    const char *near = nearest_name(format, reader_name_at, NULL);
    return usage_error(&verb_import, "--format: expected a format (`noroshi readers` lists them), got \"%.40s\"%s%s%s", format,
                       near != NULL ? " (perhaps " : "", near != NULL ? near : "", near != NULL ? ")" : "");
}

/* Before a store is made for them: is any of the paths there? */
static bool any_there(char **paths, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(paths[i], "-") == 0 || access(paths[i], F_OK) == 0)
            return true;
    return false;
}

static void print_totals(const struct import_totals *read, const struct store_totals *stored, bool as_json)
{
    if (!as_json) {
        printf("%llu file%s: %llu new records, %llu known already, %llu lines skipped\n", (unsigned long long)read->files,
               read->files == 1 ? "" : "s", (unsigned long long)stored->records, (unsigned long long)stored->duplicates,
               (unsigned long long)read->skipped);
        return;
    }
    struct buf out;
    struct json json;
    buf_init(&out, 0);
    json_init(&json, &out, true);
    json_begin_object(&json);
    json_key(&json, "files");
    json_int(&json, (int64_t)read->files);
    json_key(&json, "records");
    json_int(&json, (int64_t)stored->records);
    json_key(&json, "duplicates");
    json_int(&json, (int64_t)stored->duplicates);
    json_key(&json, "skipped");
    json_int(&json, (int64_t)read->skipped);
    json_end_object(&json);
    printf("%s\n", buf_cstr(&out));
    buf_done(&out);
}

static int status_of(const struct import_totals *read)
{
    if (read->files == 0 && read->failed > 0)
        return EXIT_FAILED;
    if (read->failed > 0 || read->skipped > 0)
        return EXIT_PARTLY;
    return read->records == 0 ? EXIT_NOTHING : EXIT_OK;
}

static int import(const struct invocation *i, const struct options *o, struct importing *im, int zone)
{
    struct import_totals read = {0};
    struct store_totals stored = {0};
    const struct import_options wanted = {.format = o->values[IMPORT_FORMAT],
                                          .zone_minutes = zone,
                                          .user = im,
                                          .put = on_record,
                                          .progress = on_progress,
                                          .skipped = on_skipped,
                                          .failed = on_failed};
    int error = import_run(&wanted, (const char *const *)o->words, (size_t)o->word_count, &read);
    progress_clear(&im->progress);
    /* What was read before something failed is kept. */
    int finished = store_client_finish(im->client, &stored);
    if (im->held > 0)
        note(i, "%llu more lines that could not be read", (unsigned long long)im->held);
    if (error != 0 || finished != 0)
        return failed("the import broke off: %s", err_text(error != 0 ? error : finished));
    print_totals(&read, &stored, o->values[IMPORT_JSON] != NULL);
    int status = status_of(&read);
    if (status == EXIT_NOTHING)
        note(i, "nothing to import was found there");
    return status;
}

static int run(const struct invocation *i, const struct options *o)
{
    int zone = 0;
    if (o->word_count == 0)
        return usage_error(&verb_import, "expected files or folders, or - for standard input");
    int status = check_format(o->values[IMPORT_FORMAT]);
    if (status != 0)
        return status;
    if (o->values[IMPORT_TIMEZONE] != NULL && zone_parse(span_text(o->values[IMPORT_TIMEZONE]), &zone) != 0)
        return usage_error(&verb_import, "--timezone: expected an offset from UTC such as +09:00, got \"%.40s\"", o->values[IMPORT_TIMEZONE]);
    if (!any_there(o->words, o->word_count))
        return failed("%s: %s", o->words[0], strerror(errno));
    struct importing im = {.quiet = i->quiet};
    progress_init(&im.progress, i);
    struct buf why;
    buf_init(&why, 0);
    int error = store_client_open(&im.client, i->settings, &why);
    if (error != 0)
        status = failed("%s", why.len > 0 ? buf_cstr(&why) : err_text(error));
    else
        status = import(i, o, &im, zone);
    buf_done(&why);
    store_client_close(im.client);
    return status;
}

const struct verb verb_import = {
    .name = "import",
    .arguments = "PATH… [--format NAME] [--timezone OFFSET] [--json]",
    .help = "read other honeypots' logs: files, folders, - for standard input",
    .text = "gzip, xz and zstd are read as they are. Importing the same lines again changes nothing, from whatever file they come: they are counted\n"
            "as known already. A line that can't be read is told as file:line: why (the first ten) and skipped; the exit status is then 4.\n"
            "\n"
            "Works beside a running `noroshi run` of the same data folder, and without one.",
    .examples = "noroshi import cowrie.json\n"
                "noroshi import /var/log/cowrie/            # a folder of rotated logs\n"
                "zcat cowrie.json.gz | noroshi import --format cowrie -\n"
                "noroshi import --timezone +09:00 old-logs/",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .needs_settings = true,
    .run = run,
};
