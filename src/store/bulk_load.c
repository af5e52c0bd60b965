/*
 * Gathering: contacts in memory (those that say something, a few hundred bytes each), of networks 48 bytes in memory and their text in a file
 * without name in the data folder.
 */
#include "store/bulk_parts.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SPILL_HELD = 1 << 20, PROGRESS_EVERY = 1024 };

struct named_file {
    char *name;
    usec_t date;
};

struct bulk_load {
    const struct book *book;
    char folder[PATH_MAX];
    int lock_fd, spill_fd;
    struct bulk_contacts *contacts;
    struct bulk_entry *entries;
    size_t count, room;
    struct buf held; /* of the spill, not yet written */
    uint64_t spilled;
    struct named_file *files;
    size_t file_count;
    bool seen[BULK_REGISTRIES][BULK_FILES_MAX]; /* which files have objects of which registry */
    void (*progress)(void *user, uint64_t done, uint64_t all);
    void *user;
    uint64_t done;
};

static int make_folder(const char *path, const char *data_folder, struct buf *why)
{
    struct stat st;
    if (mkdir(data_folder, 0750) != 0 && errno != EEXIST) {
        buf_printf(why, "%s: %s", data_folder, err_text(-errno));
        return -errno;
    }
    if (mkdir(path, 0750) != 0) {
        if (errno == EEXIST)
            return 0;
        buf_printf(why, "%s: %s", path, err_text(-errno));
        return -errno;
    }
    /* The roles read what their user may read: the owner of the data folder. */
    if (geteuid() == 0 && stat(data_folder, &st) == 0 && chown(path, st.st_uid, st.st_gid) != 0) {
        buf_printf(why, "%s: %s", path, err_text(-errno));
        return -errno;
    }
    return 0;
}

static int open_files(struct bulk_load *load, struct buf *why)
{
    char path[PATH_MAX + 32];
    (void)snprintf(path, sizeof path, "%s/" BULK_FOLDER, load->folder);
    int r = make_folder(path, load->folder, why);
    if (r != 0)
        return r;
    load->spill_fd = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    load->lock_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (load->spill_fd < 0 || load->lock_fd < 0) {
        r = -errno;
        buf_printf(why, "%s: %s", path, err_text(r));
        return r;
    }
    if (flock(load->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        buf_printf(why, "%s: bulk files are being loaded already", load->folder);
        return -ERR_BUSY;
    }
    return 0;
}

int bulk_load_new(struct bulk_load **ret, const struct book *book, const char *data_folder, struct buf *why)
{
    struct bulk_load *load = calloc(1, sizeof *load);
    struct hash_key key;
    if (load == NULL)
        return -ENOMEM;
    load->book = book;
    load->lock_fd = load->spill_fd = -1;
    buf_init(&load->held, SPILL_HELD + 2 * BULK_OBJECT_MAX);
    int r = getrandom(&key, sizeof key, 0) == sizeof key ? bulk_contacts_new(&load->contacts, &key) : -EIO;
    if (r == 0 && (size_t)snprintf(load->folder, sizeof load->folder, "%s", data_folder) >= sizeof load->folder)
        r = -ENAMETOOLONG;
    if (r == 0)
        r = open_files(load, why);
    if (r != 0) {
        bulk_load_free(load);
        return r;
    }
    *ret = load;
    return 0;
}

void bulk_load_free(struct bulk_load *load)
{
    if (load == NULL)
        return;
    if (load->spill_fd >= 0)
        (void)close(load->spill_fd);
    if (load->lock_fd >= 0)
        (void)close(load->lock_fd);
    for (size_t i = 0; i < load->file_count; i++)
        free(load->files[i].name);
    free(load->files);
    free(load->entries);
    bulk_contacts_free(load->contacts);
    buf_done(&load->held);
    free(load);
}

size_t bulk_load_contacts(const struct bulk_load *load)
{
    return bulk_contacts_count(load->contacts);
}

size_t bulk_load_networks(const struct bulk_load *load)
{
    return load->count;
}

int bulk_load_file(struct bulk_load *load, const char *name, usec_t date)
{
    if (load->file_count == BULK_FILES_MAX)
        return -ERR_LIMIT;
    struct named_file *files = reallocarray(load->files, load->file_count + 1, sizeof *files);
    if (files == NULL)
        return -ENOMEM;
    load->files = files;
    files[load->file_count] = (struct named_file){.name = strdup(name), .date = date};
    if (files[load->file_count].name == NULL)
        return -ENOMEM;
    load->file_count++;
    return 0;
}

static int write_held(struct bulk_load *load)
{
    for (size_t at = 0; at < load->held.len;) {
        ssize_t n = write(load->spill_fd, load->held.data + at, load->held.len - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        at += (size_t)n;
    }
    load->spilled += load->held.len;
    buf_clear(&load->held);
    return 0;
}

static int add_network(struct bulk_load *load, const struct bulk_object *object)
{
    if (load->count == BULK_NETWORKS_MAX)
        return -ERR_LIMIT;
    if (load->count == load->room) {
        size_t room = load->room == 0 ? 4096 : load->room * 2;
        struct bulk_entry *entries = reallocarray(load->entries, room, sizeof *entries);
        if (entries == NULL)
            return -ENOMEM;
        load->entries = entries;
        load->room = room;
    }
    load->entries[load->count++] = (struct bulk_entry){.range = object->range,
                                                       .at = load->spilled + load->held.len,
                                                       .len = (uint32_t)object->text.len,
                                                       .file = (uint16_t)(load->file_count - 1),
                                                       .registry = (uint8_t)object->registry};
    buf_span(&load->held, object->text);
    if (load->held.error != 0)
        return load->held.error;
    return load->held.len >= SPILL_HELD ? write_held(load) : 0;
}

int bulk_load_object(struct bulk_load *load, const struct bulk_object *object)
{
    if (load->file_count == 0)
        return -EINVAL;
    load->seen[object->registry][load->file_count - 1] = true;
    return object->class == BULK_NETWORK ? add_network(load, object) : bulk_contacts_add(load->contacts, object);
}

/* ---- tables ---- */

static int compare(const void *a, const void *b, void *user)
{
    const struct bulk_entry *entries = user, *x = &entries[*(const uint32_t *)a], *y = &entries[*(const uint32_t *)b];
    int order = memcmp(x->range.first.bytes, y->range.first.bytes, sizeof x->range.first.bytes);
    if (order == 0)
        order = memcmp(y->range.last.bytes, x->range.last.bytes, sizeof x->range.last.bytes);
    return order != 0 ? order : (x > y) - (x < y);
}

/* A range from IPv4 into IPv6 is neither's. */
static bool is_of(const struct bulk_entry *e, enum bulk_registry registry, bool v6)
{
    return e->registry == (uint8_t)registry && addr_is_v4(e->range.first) == !v6 && addr_is_v4(e->range.last) == !v6;
}

static void progressed(void *user)
{
    struct bulk_load *load = user;
    if (++load->done % PROGRESS_EVERY == 0 && load->progress != NULL)
        load->progress(load->user, load->done, load->count);
}

/* Durable under its own name, or gone. */
static int put_in_place(const char *fresh, const char *path, const char *data_folder, struct buf *why)
{
    struct stat st;
    int fd = open(fresh, O_RDWR | O_CLOEXEC), r = fd < 0 ? -errno : 0;
    if (r == 0 && geteuid() == 0 && stat(data_folder, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) != 0)
        r = -errno;
    if (r == 0 && (fsync(fd) != 0 || rename(fresh, path) != 0))
        r = -errno;
    if (fd >= 0)
        (void)close(fd);
    char folder[PATH_MAX + 32];
    (void)snprintf(folder, sizeof folder, "%s/" BULK_FOLDER, data_folder);
    fd = r == 0 ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        if (fsync(fd) != 0)
            r = -errno;
        (void)close(fd);
    }
    if (r != 0)
        buf_printf(why, "%s: %s", fresh, err_text(r));
    return r;
}

/* The oldest of the files with objects of the registry; the first with its networks gives the name. */
static usec_t date_of(const struct bulk_load *load, enum bulk_registry registry)
{
    usec_t date = INT64_MAX;
    for (size_t i = 0; i < load->file_count; i++) {
        if (load->seen[registry][i] && load->files[i].date < date)
            date = load->files[i].date;
    }
    return date;
}

static int make_table(struct bulk_load *load, enum bulk_registry registry, bool v6, struct span spill, uint32_t *order, struct bulk_totals *totals,
                      struct buf *why)
{
    char path[PATH_MAX], fresh[PATH_MAX];
    size_t count = 0;
    for (size_t i = 0; i < load->count; i++) {
        if (is_of(&load->entries[i], registry, v6))
            order[count++] = (uint32_t)i;
    }
    if (count == 0)
        return 0;
    if (!bulk_path(path, sizeof path, load->folder, registry, v6, "") || !bulk_path(fresh, sizeof fresh, load->folder, registry, v6, ".new"))
        return -ENAMETOOLONG;
    const struct bulk_table table = {.book = load->book,
                                     .contacts = load->contacts,
                                     .entries = load->entries,
                                     .order = order,
                                     .count = count,
                                     .spill = spill,
                                     .path = fresh,
                                     .registry = registry,
                                     .v6 = v6,
                                     .date = date_of(load, registry),
                                     .file = load->files[load->entries[order[0]].file].name,
                                     .progress = progressed,
                                     .user = load};
    qsort_r(order, count, sizeof *order, compare, load->entries);
    (void)unlink(fresh); /* of a load that was killed */
    int r = bulk_table_write(&table, totals, why);
    if (r == 0)
        r = put_in_place(fresh, path, load->folder, why);
    if (r != 0)
        (void)unlink(fresh);
    return r == 0 ? 1 : r;
}

int bulk_load_finish(struct bulk_load *load, void (*told)(void *user, const struct bulk_totals *),
                     void (*progress)(void *user, uint64_t done, uint64_t all), void *user, struct buf *why)
{
    struct bulk_totals totals;
    uint32_t *order = reallocarray(NULL, load->count + 1, sizeof *order);
    int r = order != NULL ? write_held(load) : -ENOMEM;
    void *spill = MAP_FAILED;
    load->progress = progress;
    load->user = user;
    load->done = 0;
    if (r == 0 && load->spilled > 0) {
        spill = mmap(NULL, load->spilled, PROT_READ, MAP_SHARED, load->spill_fd, 0);
        r = spill == MAP_FAILED ? -errno : 0;
    }
    for (unsigned i = 0; i < 2 * BULK_REGISTRIES && r == 0 && load->spilled > 0; i++) {
        r = make_table(load, (enum bulk_registry)(i / 2), i % 2 != 0, span_of(spill, load->spilled), order, &totals, why);
        if (r == 1)
            told(user, &totals);
        r = r < 0 ? r : 0;
    }
    if (spill != MAP_FAILED)
        (void)munmap(spill, load->spilled);
    free(order);
    return r;
}
