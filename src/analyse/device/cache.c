/*
 * Where compiled patterns are kept between starts. What is read there becomes part of a supervisor's memory before it has given up its rights, so
 * no role may be able to write it: it never lies in the data folder, and a file that is not our own, or that others can write, is not read.
 */
#include "analyse/device/compile.h"
#include "base/err.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_folder(const char *path)
{
    struct stat st;
    (void)mkdir(path, 0700);
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 022) == 0;
}

/* The user's own; for root /var/cache, as systemd's CacheDirectory= makes it. */
const char *device_cache_path(char *path, size_t size)
{
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int len;
    if (base != NULL && base[0] == '/')
        len = snprintf(path, size, "%s/noroshi", base);
    else if (geteuid() == 0)
        len = snprintf(path, size, "/var/cache/noroshi");
    else if (home != NULL && home[0] == '/')
        len = snprintf(path, size, "%s/.cache/noroshi", home);
    else
        return NULL;
    static const char name[] = "/fingerprints.cache";
    if (len < 0 || (size_t)len + sizeof name > size || !is_folder(path))
        return NULL;
    memcpy(path + len, name, sizeof name);
    return path;
}

int device_cache_read(const char *path, struct buf *out)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -errno;
    int r = fstat(fd, &st) == 0 ? 0 : -errno;
    if (r == 0 && (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022) != 0))
        r = -ERR_DENIED;
    if (r == 0)
        r = file_read_all(fd, out);
    (void)close(fd);
    return r;
}
