#include "observe/import/import.h"

#include "base/err.h"
#include "observe/import/emit.h"
#include "observe/import/source.h"
#include "observe/import/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define READER(name) extern const struct reader reader_##name;
#include "observe/import/readers.def"
#undef READER

static const struct reader *const readers[] = {
#define READER(name) &reader_##name,
#include "observe/import/readers.def"
#undef READER
};

enum { READERS = sizeof readers / sizeof readers[0] };

const struct reader *const *readers_all(size_t *ret_count)
{
    *ret_count = READERS;
    return readers;
}

const struct reader *reader_by_name(const char *name)
{
    for (size_t i = 0; i < READERS; i++) {
        if (strcmp(readers[i]->name, name) == 0)
            return readers[i];
    }
    return NULL;
}

struct run {
    const struct import_options *options;
    struct import_totals *totals;
    struct emit *emits[READERS]; /* made when its reader is first needed */
    const char *file;
    uint64_t before, total; /* bytes of the files before this one, and of all */
};

static void failed(struct run *run, const char *file, const char *why)
{
    run->totals->failed++;
    if (run->options->failed != NULL)
        run->options->failed(run->options->user, file, why);
}

static void walk_failed(void *user, const char *path, int error)
{
    failed(user, path, error == -ERR_LIMIT ? "folders are nested too deeply" : err_text(error));
}

static void progressed(void *user, uint64_t taken)
{
    const struct run *run = user;
    run->options->progress(run->options->user, run->file, run->before + taken, run->total);
}

static size_t choose(const struct run *run, struct span head)
{
    size_t best = READERS;
    int sure = 0;
    for (size_t i = 0; i < READERS; i++) {
        if (run->options->format != NULL) {
            if (strcmp(readers[i]->name, run->options->format) == 0)
                return i;
            continue;
        }
        int score = readers[i]->sniff(head);
        if (score > sure) {
            sure = score;
            best = i;
        }
    }
    return best;
}

static int read_source(struct run *run, struct source *source, const char *name)
{
    struct span head = source_head(source);
    size_t which = choose(run, head);
    if (which == READERS) {
        bool unreadable = head.len == 0 && strcmp(source_error(source), err_text(0)) != 0;
        if (head.len == 0 && !unreadable)
            run->totals->files++; /* an empty file is nothing to complain of */
        else
            failed(run, name, unreadable ? source_error(source) : "no reader knows this format");
        return 0;
    }
    if (run->emits[which] == NULL) {
        int r = emit_new(&run->emits[which], run->options, readers[which]);
        if (r != 0)
            return r;
    }
    struct emit *emit = run->emits[which];
    emit_begin(emit, run->totals);
    run->totals->files++;
    int r = readers[which]->read(source, emit);
    run->totals->lines += source_line_number(source);
    for (uint64_t i = 0; i < source_long_lines(source); i++)
        emit_skip_text(emit, name, 0, "lines over 1 MiB");
    if (emit_error(emit) != 0)
        return emit_error(emit);
    if (r == -ENOMEM)
        return r;
    if (r != 0)
        failed(run, name, source_error(source));
    return 0;
}

static int open_file(const struct walk_file *file)
{
    if (strcmp(file->path, "-") == 0)
        return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    return open(file->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (file->inner ? O_NOFOLLOW : 0));
}

static int read_file(struct run *run, const struct walk_file *file)
{
    int fd = open_file(file);
    if (fd < 0) {
        failed(run, file->path, err_text(-errno));
        return 0;
    }
    struct source *source;
    int r = source_open_fd(&source, file->path, fd);
    if (r != 0)
        return r;
    run->file = file->path;
    if (run->options->progress != NULL)
        source_on_progress(source, progressed, run);
    r = read_source(run, source, file->path);
    source_close(source);
    run->before += file->size;
    return r;
}

static void run_done(struct run *run)
{
    for (size_t i = 0; i < READERS; i++)
        emit_free(run->emits[i]);
}

int import_run(const struct import_options *options, const char *const *paths, size_t count, struct import_totals *ret)
{
    *ret = (struct import_totals){0};
    struct run run = {.options = options, .totals = ret};
    if (options->format != NULL && reader_by_name(options->format) == NULL)
        return -ERR_UNKNOWN;
    struct walk walk;
    int r = walk_list(&walk, paths, count, walk_failed, &run);
    run.total = walk.bytes;
    for (size_t i = 0; i < walk.count && r == 0; i++)
        r = read_file(&run, &walk.files[i]);
    walk_done(&walk);
    run_done(&run);
    return r;
}

int import_bytes(const struct import_options *options, const char *name, struct span bytes, struct import_totals *ret)
{
    *ret = (struct import_totals){0};
    struct run run = {.options = options, .totals = ret, .file = name, .total = bytes.len};
    if (options->format != NULL && reader_by_name(options->format) == NULL)
        return -ERR_UNKNOWN;
    struct source *source;
    int r = source_open_bytes(&source, name, bytes);
    if (r != 0)
        return r;
    if (options->progress != NULL)
        source_on_progress(source, progressed, &run);
    r = read_source(&run, source, name);
    source_close(source);
    run_done(&run);
    return r;
}
