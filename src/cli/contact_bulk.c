/*
 * `contact --bulk`: registries' bulk files into DATA/bulk. All files are read once: contacts are kept, networks set aside; then each network is
 * answered. A file that can't be read to its end ends it, and what was there stays.
 */
#include "base/err.h"
#include "base/text.h"
#include "cli/contact.h"
#include "cli/progress.h"
#include "observe/import/source.h"
#include "observe/import/walk.h"
#include "store/bulk.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BROKEN_SHOWN = 10, TABLES_MAX = 2 * BULK_REGISTRIES, GZIP_HEAD = 8 };

struct loading {
    const struct invocation *invocation;
    struct bulk_load *load;
    struct progress progress;
    const char *file;
    uint64_t before, total; /* bytes of the files before this one, and of all */
    uint64_t files, failed, broken;
    struct bulk_totals tables[TABLES_MAX];
    size_t table_count;
};

/* ---- what is told meanwhile ---- */

static void on_taken(void *user, uint64_t taken)
{
    struct loading *l = user;
    const char *slash = strrchr(l->file, '/');
    progress_draw_bytes(&l->progress, l->before + taken, l->total, slash != NULL ? slash + 1 : l->file);
}

static void on_networks(void *user, uint64_t done, uint64_t all)
{
    struct loading *l = user;
    progress_draw_bytes(&l->progress, done, all, "networks");
}

static void on_failed(void *user, const char *path, int error)
{
    struct loading *l = user;
    l->failed++;
    progress_say(&l->progress, path, 0, error == -ERR_LIMIT ? "folders are nested too deeply" : err_text(error));
}

static void on_table(void *user, const struct bulk_totals *totals)
{
    struct loading *l = user;
    if (l->table_count < TABLES_MAX)
        l->tables[l->table_count++] = *totals;
}

/* ---- reading ---- */

/* When the registry made it: gzip's own time (RFC 1952 §2.3.1), else the file's. */
static usec_t date_of(int fd)
{
    struct stat st;
    uint8_t head[GZIP_HEAD];
    usec_t now = usec_now(), date = now;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        date = (usec_t)st.st_mtim.tv_sec * USEC_PER_SEC;
    if (date != now && pread(fd, head, sizeof head, 0) == sizeof head && inflate_sniff(span_of(head, sizeof head)) == INFLATE_GZIP) {
        usec_t made = (usec_t)((uint32_t)head[7] << 24 | (uint32_t)head[6] << 16 | (uint32_t)head[5] << 8 | head[4]) * USEC_PER_SEC;
        if (made > 0 && made < date)
            date = made;
    }
    return date < now ? date : now;
}

/* An object, or one that is none. */
static int took(struct loading *l, int r, const struct bulk_object *object, const char *why)
{
    if (r == -ERR_MALFORMED) {
        if (l->broken++ < BROKEN_SHOWN && !l->invocation->quiet)
            progress_say(&l->progress, l->file, object->line, why);
        r = object->class == BULK_NETWORK;
    }
    return r == 1 ? bulk_load_object(l->load, object) : r;
}

static int read_objects(struct loading *l, struct source *source)
{
    struct bulk_reader reader;
    struct bulk_object object;
    struct span line;
    const char *why = NULL;
    int r = 0, more = 0;
    bulk_reader_init(&reader);
    while (r == 0 && (more = source_line(source, &line)) == 1) {
        r = bulk_reader_line(&reader, line, source_line_number(source), &object, &why);
        r = took(l, r, &object, why);
    }
    if (r == 0) {
        r = bulk_reader_end(&reader, &object, &why);
        r = took(l, r, &object, why);
    }
    bulk_reader_done(&reader);
    if (r == 0 && more < 0) {
        l->failed++;
        progress_say(&l->progress, l->file, source_line_number(source), source_error(source));
    }
    for (uint64_t n = source_long_lines(source); n > 0; n--)
        l->broken++;
    return r;
}

static int read_file(struct loading *l, const struct walk_file *file)
{
    bool input = strcmp(file->path, "-") == 0;
    int fd = input ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(file->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (file->inner ? O_NOFOLLOW : 0));
    if (fd < 0) {
        on_failed(l, file->path, -errno);
        return 0;
    }
    const char *slash = strrchr(file->path, '/');
    struct source *source;
    usec_t date = date_of(fd);
    int r = source_open_fd(&source, file->path, fd);
    if (r != 0)
        return r;
    l->file = file->path;
    l->files++;
    source_on_progress(source, on_taken, l);
    r = bulk_load_file(l->load, slash != NULL ? slash + 1 : file->path, date);
    if (r == 0)
        r = read_objects(l, source);
    source_close(source);
    l->before += file->size;
    return r;
}

static int read_files(struct loading *l, const struct options *o)
{
    struct walk walk;
    int r = walk_list(&walk, (const char *const *)o->words, (size_t)o->word_count, on_failed, l);
    l->total = walk.bytes;
    for (size_t i = 0; i < walk.count && r == 0; i++)
        r = read_file(l, &walk.files[i]);
    walk_done(&walk);
    return r;
}

/* ---- output ---- */

static void put_table(struct json *json, const struct bulk_totals *t)
{
    const struct {
        const char *key;
        uint64_t number;
    } numbers[] = {{"networks", t->networks},       {"answered", t->answered}, {"twice", t->twice},
                   {"overlapping", t->overlapping}, {"segments", t->segments}, {"contact_sets", t->sets}};
    char day[USEC_TEXT_SIZE];
    json_begin_object(json);
    json_key(json, "registry");
    json_text(json, bulk_registry_text(t->registry));
    json_key(json, "ip_version");
    json_int(json, t->v6 ? 6 : 4);
    json_key(json, "date");
    json_text(json, usec_print_day(t->date, day));
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        json_key(json, numbers[i].key);
        json_int(json, (int64_t)numbers[i].number);
    }
    json_end_object(json);
}

static int print_json(const struct loading *l, size_t contacts)
{
    struct buf out;
    struct json json;
    buf_init(&out, 0);
    json_init(&json, &out, true);
    json_begin_object(&json);
    json_key(&json, "files");
    json_int(&json, (int64_t)l->files);
    json_key(&json, "contacts");
    json_int(&json, (int64_t)contacts);
    json_key(&json, "broken");
    json_int(&json, (int64_t)l->broken);
    json_key(&json, "tables");
    json_begin_array(&json);
    for (size_t i = 0; i < l->table_count; i++)
        put_table(&json, &l->tables[i]);
    json_end_array(&json);
    json_end_object(&json);
    printf("%s\n", buf_cstr(&out));
    buf_done(&out);
    return output_done(EXIT_OK);
}

static int print_text(const struct loading *l, size_t contacts)
{
    char day[USEC_TEXT_SIZE];
    printf("%llu file%s, %zu contacts, %llu broken objects left out\n", (unsigned long long)l->files, l->files == 1 ? "" : "s", contacts,
           (unsigned long long)l->broken);
    for (size_t i = 0; i < l->table_count; i++) {
        const struct bulk_totals *t = &l->tables[i];
        printf("%s IPv%d of %s: %llu networks, %llu of them answered by %llu sets of contacts\n", bulk_registry_text(t->registry), t->v6 ? 6 : 4,
               usec_print_day(t->date, day), (unsigned long long)t->networks, (unsigned long long)t->answered, (unsigned long long)t->sets);
        if (t->twice + t->overlapping > 0)
            printf("  left out: %llu networks that are there twice, %llu that cut others\n", (unsigned long long)t->twice,
                   (unsigned long long)t->overlapping);
    }
    return output_done(EXIT_OK);
}

static void warn_of_age(const struct loading *l)
{
    usec_t holds = conf_int(l->invocation->settings, "contact.bulk_days") * USEC_PER_DAY;
    char day[USEC_TEXT_SIZE];
    for (size_t i = 0; i < l->table_count; i++) {
        const struct bulk_totals *t = &l->tables[i];
        if (t->date + holds <= usec_now())
            fprintf(stderr, "noroshi: %s IPv%d is of %s: older than contact.bulk_days, so it answers nothing\n", bulk_registry_text(t->registry),
                    t->v6 ? 6 : 4, usec_print_day(t->date, day));
    }
}

/* ---- the verb's part ---- */

static int load_all(struct loading *l, const struct options *o, struct buf *why)
{
    int r = read_files(l, o);
    progress_clear(&l->progress);
    if (r != 0)
        return failed("the load broke off, nothing was replaced: %s", err_text(r));
    if (l->broken > BROKEN_SHOWN)
        note(l->invocation, "%llu more broken objects", (unsigned long long)(l->broken - BROKEN_SHOWN));
    if (l->failed > 0)
        return failed("not every file could be read to its end: nothing was replaced");
    if (bulk_load_networks(l->load) == 0) {
        note(l->invocation, "no networks of RIPE, APNIC or AFRINIC are in there; give the files of networks and of contacts together");
        return EXIT_NOTHING;
    }
    r = bulk_load_finish(l->load, on_table, on_networks, l, why);
    progress_clear(&l->progress);
    if (r != 0)
        return failed("%s", why->len > 0 ? buf_cstr(why) : err_text(r));
    size_t contacts = bulk_load_contacts(l->load);
    int status = o->values[CONTACT_JSON] != NULL ? print_json(l, contacts) : print_text(l, contacts);
    warn_of_age(l);
    return status == EXIT_OK && l->broken > 0 ? EXIT_PARTLY : status;
}

int contact_bulk(const struct invocation *i, const struct options *o)
{
    struct loading l = {.invocation = i};
    struct conf_error error = {0};
    struct book *book = NULL;
    struct buf image, why;
    progress_init(&l.progress, i);
    if (o->word_count == 0)
        return usage_error(&verb_contact, "--bulk: expected files, such as ripe.db.inetnum.gz ripe.db.role.gz ripe.db.organisation.gz");
    buf_init(&image, BOOK_IMAGE_MAX);
    buf_init(&why, 0);
    int r = book_pack_settings(i->settings, &image, &error), status = EXIT_USAGE;
    if (r == 0)
        r = book_open(&book, buf_as_span(&image), &error);
    if (r != 0) {
        fprintf(stderr, "noroshi: %s\n", error.text[0] != '\0' ? error.text : err_text(r));
    } else {
        r = bulk_load_new(&l.load, book, i->data, &why);
        status = r != 0 ? failed("%s", why.len > 0 ? buf_cstr(&why) : err_text(r)) : load_all(&l, o, &why);
    }
    bulk_load_free(l.load);
    book_close(book);
    buf_done(&image);
    buf_done(&why);
    return status;
}
