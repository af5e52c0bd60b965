#include "store/blob.h"

#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int blob_hash(struct span bytes, uint8_t ret_sha256[static BLOB_HASH_LEN])
{
    static const uint8_t nothing[1];
    unsigned len = 0;
    if (EVP_Digest(bytes.len > 0 ? bytes.at : nothing, bytes.len, ret_sha256, &len, EVP_sha256(), NULL) != 1 || len != BLOB_HASH_LEN)
        return -ERR_STORE;
    return 0;
}

/* What a file needs: its folder's path and its own. */
struct place {
    char folder[PATH_MAX], file[PATH_MAX], part[PATH_MAX];
};

static int place_of(const char *data_folder, const uint8_t *sha256, struct place *ret)
{
    char hex[BLOB_HEX_SIZE];
    text_hex(span_of(sha256, BLOB_HASH_LEN), hex);
    int a = snprintf(ret->folder, sizeof ret->folder, "%s/blobs/%.2s/%.2s", data_folder, hex, hex + 2);
    int b = snprintf(ret->file, sizeof ret->file, "%s/blobs/%.2s/%.2s/%s", data_folder, hex, hex + 2, hex);
    int c = snprintf(ret->part, sizeof ret->part, "%s/blobs/%.2s/%.2s/.%s.part", data_folder, hex, hex + 2, hex);
    if (a < 0 || b < 0 || c < 0 || (size_t)c >= sizeof ret->part)
        return -ENAMETOOLONG;
    return 0;
}

static int sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = fsync(fd) != 0 ? -errno : 0;
    (void)close(fd);
    return r;
}

/* Makes the folder and those above it up to blobs/, syncing each parent that got a new entry. */
static int make_folders(const char *data_folder, const char *folder)
{
    char path[PATH_MAX], parent[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s", folder);
    (void)snprintf(parent, sizeof parent, "%s", data_folder);
    for (size_t at = strlen(data_folder) + 1;; at++) {
        char c = folder[at];
        if (c != '/' && c != '\0')
            continue;
        path[at] = '\0';
        if (mkdir(path, 0750) == 0) {
            int r = sync_folder(parent);
            if (r != 0)
                return r;
        } else if (errno != EEXIST) {
            return -errno;
        }
        (void)snprintf(parent, sizeof parent, "%s", path);
        path[at] = '/';
        if (c == '\0')
            return 0;
    }
}

static int write_file(const char *path, struct span bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (fd < 0)
        return -errno;
    int r = 0;
    while (bytes.len > 0 && r == 0) {
        ssize_t put = write(fd, bytes.at, bytes.len);
        if (put > 0)
            bytes = span_part(bytes, (size_t)put, bytes.len);
        else if (put == 0 || errno != EINTR)
            r = put == 0 || errno == ENOSPC || errno == EDQUOT ? -ERR_FULL : -errno;
    }
    if (r == 0 && fchmod(fd, 0440) != 0)
        r = -errno;
    if (r == 0 && fsync(fd) != 0)
        r = errno == ENOSPC || errno == EDQUOT ? -ERR_FULL : -errno;
    if (close(fd) != 0 && r == 0)
        r = -errno;
    return r;
}

int blob_put(const char *data_folder, struct span bytes, const uint8_t sha256[static BLOB_HASH_LEN])
{
    struct place place;
    int r = place_of(data_folder, sha256, &place);
    if (r != 0)
        return r;
    struct stat st;
    if (stat(place.file, &st) == 0 && (uint64_t)st.st_size == bytes.len)
        return 0;
    r = make_folders(data_folder, place.folder);
    if (r == 0) {
        (void)unlink(place.part); /* left by a crash, and not writable */
        r = write_file(place.part, bytes);
    }
    if (r == 0 && rename(place.part, place.file) != 0)
        r = -errno;
    if (r == 0)
        r = sync_folder(place.folder);
    if (r != 0)
        (void)unlink(place.part);
    return r == -ENOSPC || r == -EDQUOT ? -ERR_FULL : r;
}

int blob_get(const char *data_folder, const uint8_t sha256[static BLOB_HASH_LEN], struct buf *out)
{
    struct place place;
    int r = place_of(data_folder, sha256, &place);
    if (r != 0)
        return r;
    int fd = open(place.file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -ERR_NOT_FOUND : -errno;
    for (;;) {
        uint8_t *room = buf_reserve(out, 65536);
        ssize_t got = room != NULL ? read(fd, room, 65536) : 0;
        if (room == NULL)
            r = out->error;
        else if (got < 0 && errno == EINTR)
            continue;
        else if (got < 0)
            r = -errno;
        else
            out->len += (size_t)got;
        if (r != 0 || got == 0)
            break;
    }
    (void)close(fd);
    return r;
}

int blob_remove(const char *data_folder, const uint8_t sha256[static BLOB_HASH_LEN])
{
    struct place place;
    int r = place_of(data_folder, sha256, &place);
    if (r == 0 && unlink(place.file) != 0 && errno != ENOENT)
        r = -errno;
    return r;
}
