/*
 * Raw datagrams with any bytes and descriptors into a channel: whatever passes was allowed by the table, nothing else is given out, and no
 * descriptor stays open.
 *
 *   input: u8 who talks to whom · then per datagram: u8 descriptors (low 3 bits) and their kind (next 2), u16 length, bytes
 */
#include "process/channel.h"
#include "base/cursor.h"
#include "base/err.h"
#include "process/memfd.h"

#include "target.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct {
    enum party me, peer;
} pairs[] = {
    {PARTY_EDGE, PARTY_SUPERVISOR}, {PARTY_SUPERVISOR, PARTY_EDGE}, {PARTY_STORE, PARTY_EDGE},       {PARTY_EDGE, PARTY_STORE},
    {PARTY_STORE, PARTY_ANALYSE},   {PARTY_ANALYSE, PARTY_STORE},   {PARTY_STORE, PARTY_SUPERVISOR}, {PARTY_STORE, PARTY_CLIENT},
};

enum kind { KIND_PLAIN, KIND_UNSEALED, KIND_SEALED, KIND_LARGE };

struct judge {
    enum party me, peer;
    bool ended;
};

static void on_message(struct channel *c, void *user, enum message message, struct span body, int *fds, size_t fd_count)
{
    (void)c;
    const struct judge *judge = user;
    if (judge->ended || message_check((unsigned)message, judge->peer, judge->me, body.len, fd_count) != 0)
        abort();
    for (size_t i = 0; i < fd_count; i++) {
        if (fcntl(fds[i], F_GETFD) < 0)
            abort();
    }
    /* Every byte is there to be read. */
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < body.len; i++)
        sum = (uint8_t)(sum + body.at[i]);
}

static void on_closed(struct channel *c, void *user, int error)
{
    (void)c, (void)error;
    struct judge *judge = user;
    if (judge->ended)
        abort();
    judge->ended = true;
}

static int make_fd(enum kind kind, struct span bytes)
{
    int fd = -1;
    if (kind == KIND_PLAIN)
        return open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (kind == KIND_SEALED)
        return memfd_sealed("fuzz", bytes, &fd) == 0 ? fd : -1;
    fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || kind == KIND_UNSEALED)
        return fd;
    if (ftruncate(fd, CHANNEL_BODY_MAX + 1 + (off_t)bytes.len) != 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        abort();
    return fd;
}

static void send_datagram(int to, struct span bytes, unsigned flags)
{
    uint8_t copy[UINT16_MAX];
    if (bytes.len > 0)
        memcpy(copy, bytes.at, bytes.len);
    struct iovec part = {.iov_base = copy, .iov_len = bytes.len};
    union {
        struct cmsghdr align;
        uint8_t bytes[CMSG_SPACE(8 * sizeof(int))];
    } control = {0};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    int fds[8];
    size_t count = 0;
    for (; count < (flags & 7U); count++) {
        fds[count] = make_fd((enum kind)(flags >> 3 & 3U), bytes);
        if (fds[count] < 0)
            abort();
    }
    if (count > 0) {
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&header);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(cmsg), fds, count * sizeof(int));
    }
    (void)!sendmsg(to, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
    for (size_t i = 0; i < count; i++)
        (void)close(fds[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct channel_events events = {.message = on_message, .closed = on_closed};
    struct cursor in = cursor_of(span_of(data, len));
    unsigned who = cursor_u8(&in) % (sizeof pairs / sizeof pairs[0]);
    struct judge judge = {.me = pairs[who].me, .peer = pairs[who].peer};
    struct channel *c;
    int fds[2];
    if (channel_pair(fds) != 0)
        return 0;
    int lowest = fcntl(0, F_DUPFD_CLOEXEC, 3);
    if (channel_new(&c, NULL, fds[0], judge.me, judge.peer, &events, &judge) != 0)
        abort();
    for (unsigned i = 0; i < 64 && cursor_left(&in) > 0 && !judge.ended; i++) {
        unsigned flags = cursor_u8(&in);
        size_t want = cursor_be16(&in), left = cursor_left(&in);
        send_datagram(fds[1], cursor_take(&in, want < left ? want : left), flags);
        (void)channel_receive(c, 0);
    }
    (void)close(fds[1]);
    while (!judge.ended)
        (void)channel_receive(c, 0);
    channel_free(c);
    (void)close(lowest);
    /* The same descriptor is free again: none was left behind below it, nor above. */
    int again = fcntl(0, F_DUPFD_CLOEXEC, 3);
    if (again != fds[0])
        abort();
    (void)close(again);
    return 0;
}
