#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { STEP = 1 << 16 };

int file_read_all(int fd, struct buf *out)
{
    for (;;) {
        uint8_t *room = buf_reserve(out, STEP);
        if (room == NULL)
            return out->error;
        ssize_t n = read(fd, room, STEP);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        out->len += (size_t)n;
    }
}

int file_read(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -errno;
    int r = file_read_all(fd, out);
    (void)close(fd);
    return r;
}
