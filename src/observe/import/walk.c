#include "observe/import/walk.h"

#include "base/err.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct walker {
    struct walk *walk;
    void (*failed)(void *user, const char *path, int error);
    void *user;
    bool unknown_size;
};

static int add(struct walker *w, const char *path, uint64_t size, bool inner)
{
    struct walk *walk = w->walk;
    if (walk->count == IMPORT_FILES_MAX)
        return -ERR_LIMIT;
    if (walk->count == walk->size) {
        size_t more = walk->size == 0 ? 16 : walk->size * 2;
        struct walk_file *files = reallocarray(walk->files, more, sizeof *files);
        if (files == NULL)
            return -ENOMEM;
        walk->files = files;
        walk->size = more;
    }
    char *copy = strdup(path);
    if (copy == NULL)
        return -ENOMEM;
    walk->files[walk->count++] = (struct walk_file){.path = copy, .size = size, .inner = inner};
    walk->bytes += size;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void names_free(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

/* The sorted names in a folder, without those that begin with a dot. */
static int list_names(DIR *folder, char ***ret, size_t *ret_count)
{
    char **names = NULL;
    size_t count = 0, size = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        if (count == size) {
            size = size == 0 ? 64 : size * 2;
            char **more = reallocarray(names, size, sizeof *more);
            if (more == NULL || count >= IMPORT_FILES_MAX) {
                names_free(more != NULL ? more : names, count);
                return more != NULL ? -ERR_LIMIT : -ENOMEM;
            }
            names = more;
        }
        names[count] = strdup(entry->d_name);
        if (names[count] == NULL) {
            names_free(names, count);
            return -ENOMEM;
        }
        count++;
    }
    if (count > 1)
        qsort(names, count, sizeof *names, by_name);
    *ret = names;
    *ret_count = count;
    return 0;
}

static int walk_folder(struct walker *w, int fd, const char *path, unsigned depth);

/* A thing inside a folder, not followed when it is a link. */
static int walk_inner(struct walker *w, int folder, const char *name, const char *path, unsigned depth)
{
    struct stat st;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        w->failed(w->user, path, -errno);
        return 0;
    }
    if (S_ISREG(st.st_mode))
        return add(w, path, (uint64_t)st.st_size, true);
    if (!S_ISDIR(st.st_mode))
        return 0;
    if (depth == IMPORT_DEPTH_MAX) {
        w->failed(w->user, path, -ERR_LIMIT);
        return 0;
    }
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        w->failed(w->user, path, -errno);
        return 0;
    }
    return walk_folder(w, fd, path, depth + 1);
}

/* Takes over `fd`. Depth is bounded by IMPORT_DEPTH_MAX. */
static int walk_folder(struct walker *w, int fd, const char *path, unsigned depth)
{
    DIR *folder = fdopendir(fd);
    if (folder == NULL) {
        w->failed(w->user, path, -errno);
        (void)close(fd);
        return 0;
    }
    char **names = NULL;
    size_t count = 0;
    int r = list_names(folder, &names, &count);
    for (size_t i = 0; i < count && r == 0; i++) {
        struct buf inner;
        buf_init(&inner, 16 * 1024);
        size_t len = strlen(path);
        buf_printf(&inner, "%s%s%s", path, len > 0 && path[len - 1] == '/' ? "" : "/", names[i]);
        const char *text = buf_cstr(&inner);
        r = inner.error != 0 ? inner.error : walk_inner(w, dirfd(folder), names[i], text, depth);
        buf_done(&inner);
    }
    names_free(names, count);
    (void)closedir(folder);
    return r;
}

/* A path the operator named: links are followed, pipes are read. */
static int walk_path(struct walker *w, const char *path)
{
    if (strcmp(path, "-") == 0) {
        w->unknown_size = true;
        return add(w, path, 0, false);
    }
    struct stat st;
    if (stat(path, &st) != 0) {
        w->failed(w->user, path, -errno);
        return 0;
    }
    if (!S_ISDIR(st.st_mode)) {
        w->unknown_size = w->unknown_size || !S_ISREG(st.st_mode);
        return add(w, path, S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0, false);
    }
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        w->failed(w->user, path, -errno);
        return 0;
    }
    return walk_folder(w, fd, path, 1);
}

int walk_list(struct walk *ret, const char *const *paths, size_t count, void (*failed)(void *user, const char *path, int error), void *user)
{
    *ret = (struct walk){0};
    struct walker w = {.walk = ret, .failed = failed, .user = user};
    int r = 0;
    for (size_t i = 0; i < count && r == 0; i++)
        r = walk_path(&w, paths[i]);
    if (w.unknown_size)
        ret->bytes = 0;
    return r;
}

void walk_done(struct walk *walk)
{
    for (size_t i = 0; i < walk->count; i++)
        free(walk->files[i].path);
    free(walk->files);
    *walk = (struct walk){0};
}
