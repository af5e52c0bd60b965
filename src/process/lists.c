#include "process/lists.h"

#include "base/err.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIST_SIZE_MAX = 32 * 1024 * 1024 };

/* 1: read anew, 0: as before, negative: it can't be read, and the text is as before. */
static int look(struct lists_file *file)
{
    if (file->path == NULL)
        return 0;
    int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT && file->may_lack && file->seen[1] == 0 ? 0 : -errno;
    struct stat st;
    int r = fstat(fd, &st) == 0 ? 0 : -errno;
    if (r == 0 && !S_ISREG(st.st_mode))
        r = -ERR_MALFORMED;
    const int64_t now[4] = {(int64_t)st.st_dev, (int64_t)st.st_ino, st.st_size, st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec};
    if (r == 0 && memcmp(now, file->seen, sizeof now) != 0) {
        struct buf fresh;
        buf_init(&fresh, LIST_SIZE_MAX);
        r = file_read_all(fd, &fresh);
        if (r == 0) {
            buf_done(&file->text);
            file->text = fresh;
            memcpy(file->seen, now, sizeof now);
            r = 1;
        } else {
            buf_done(&fresh);
        }
    }
    (void)close(fd);
    return r;
}

static int open_file(struct lists_file *file, const char *path, const char *setting, struct buf *why)
{
    buf_init(&file->text, LIST_SIZE_MAX);
    if (path[0] == '\0')
        return 0;
    file->path = strdup(path);
    if (file->path == NULL)
        return -ENOMEM;
    int r = look(file);
    if (r >= 0)
        return 0;
    buf_printf(why, "%s: %s: %s; it must be there, and may be empty", setting, path, err_text(r));
    return -ERR_CONFIG;
}

int lists_open(struct lists *lists, const struct conf *settings, const struct folder *folder, struct buf *why)
{
    *lists = (struct lists){.folder = folder};
    const char *optout = conf_text(settings, "outside.optout");
    struct buf standard;
    buf_init(&standard, 8192);
    buf_printf(&standard, "%s/optout.conf", folder->path);
    lists->optout.may_lack = optout[0] == '\0';
    int r = open_file(&lists->blocklist, conf_text(settings, "outside.blocklist"), "outside.blocklist", why);
    if (r == 0)
        r = open_file(&lists->optout, optout[0] != '\0' ? optout : buf_cstr(&standard), "outside.optout", why);
    buf_done(&standard);
    return r;
}

static void close_file(struct lists_file *file)
{
    free(file->path);
    buf_done(&file->text);
    *file = (struct lists_file){.path = NULL};
}

void lists_close(struct lists *lists)
{
    close_file(&lists->blocklist);
    close_file(&lists->optout);
}

static bool watch(struct lists_file *file, struct buf *why)
{
    int r = look(file);
    if (r < 0 && !file->missing)
        buf_printf(why, "%s: %s; the list read last goes on to hold", file->path, err_text(r));
    file->missing = r < 0;
    return r > 0;
}

bool lists_watch(struct lists *lists, struct buf *why)
{
    bool blocklist = watch(&lists->blocklist, why);
    return watch(&lists->optout, why) || blocklist;
}

void lists_message(const struct lists *lists, struct buf *out)
{
    buf_be(out, lists->blocklist.text.len, 4);
    buf_span(out, buf_as_span(&lists->blocklist.text));
    buf_be(out, lists->optout.text.len, 4);
    buf_span(out, buf_as_span(&lists->optout.text));
}
