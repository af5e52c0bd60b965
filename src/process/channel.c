#include "process/channel.h"

#include "base/err.h"
#include "process/memfd.h"
#include "process/message.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    NUMBER_SIZE = 2,
    TURN_MAX = 64, /* messages taken in one turn of the loop, so that one busy peer can't starve the others */
    SNDBUF = 1024 * 1024
};

struct channel {
    uv_poll_t poll; /* first: its close callback frees the channel */
    int fd;
    bool on_loop;
    bool freed;      /* channel_free was called: no event any more */
    bool ended;      /* the closed event was given */
    bool want_write; /* a send was refused: tell when there is room */
    unsigned busy;   /* inside an event of a channel without a loop */
    enum party me, peer;
    const struct channel_events *events;
    void *user;
    uint8_t datagram[NUMBER_SIZE + CHANNEL_BODY_MAX + 1]; /* one more, so that a longer one shows */
};

/* A datagram as it came. */
struct arrival {
    size_t len;
    int fds[CHANNEL_FDS_MAX];
    size_t fd_count;
};

static void on_poll(uv_poll_t *, int status, int what);

static void release(struct channel *c)
{
    if (c->fd >= 0)
        (void)close(c->fd);
    free(c);
}

static void on_handle_closed(uv_handle_t *handle)
{
    release((struct channel *)handle->data);
}

int channel_pair(int ret_fds[static 2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_fds) == 0 ? 0 : -errno;
}

static int watch(struct channel *c)
{
    return uv_poll_start(&c->poll, c->want_write ? UV_READABLE | UV_WRITABLE : UV_READABLE, on_poll);
}

int channel_new(struct channel **ret, uv_loop_t *loop, int fd, enum party me, enum party peer, const struct channel_events *events, void *user)
{
    struct channel *c = malloc(sizeof *c);
    if (c == NULL) {
        (void)close(fd);
        return -ENOMEM;
    }
    /* The datagram's memory stays untouched, so that an idle channel costs no page of it. */
    memset(c, 0, offsetof(struct channel, datagram));
    c->fd = fd;
    c->me = me;
    c->peer = peer;
    c->events = events;
    c->user = user;
    /* Best effort: the default holds three of the largest datagrams. */
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){SNDBUF}, sizeof(int));
    if (loop == NULL) {
        *ret = c;
        return 0;
    }
    int r = uv_poll_init(loop, &c->poll, fd);
    if (r != 0) {
        release(c);
        return r;
    }
    c->on_loop = true;
    c->poll.data = c;
    r = watch(c);
    if (r != 0) {
        channel_free(c);
        return r;
    }
    *ret = c;
    return 0;
}

void channel_free(struct channel *c)
{
    if (c == NULL || c->freed)
        return;
    c->freed = true;
    if (c->on_loop) {
        /* The descriptor goes now, so that the peer sees the end; the memory when the loop has let go of the handle. */
        uv_close((uv_handle_t *)&c->poll, on_handle_closed);
        (void)close(c->fd);
        c->fd = -1;
    } else if (c->busy == 0) {
        release(c);
    }
}

static bool has_room(const struct channel *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLOUT};
    return poll(&p, 1, 0) == 1 && (p.revents & (POLLOUT | POLLERR | POLLHUP)) != 0;
}

static int refuse_for_now(struct channel *c)
{
    c->want_write = true;
    if (c->on_loop) {
        int r = watch(c);
        if (r != 0)
            return r;
    }
    return -EAGAIN;
}

static int send_datagram(struct channel *c, enum message message, struct span body, const int *fds, size_t fd_count)
{
    uint8_t number[NUMBER_SIZE] = {(uint8_t)((unsigned)message >> 8), (uint8_t)((unsigned)message & 0xff)};
    struct iovec parts[2] = {{.iov_base = number, .iov_len = sizeof number}};
    /* iovec is for reading and writing alike and so takes no const; sendmsg only reads. */
    memcpy(&parts[1].iov_base, &body.at, sizeof body.at);
    parts[1].iov_len = body.len;
    struct msghdr header = {.msg_iov = parts, .msg_iovlen = body.len > 0 ? 2 : 1};
    union {
        struct cmsghdr align;
        uint8_t bytes[CMSG_SPACE(CHANNEL_FDS_MAX * sizeof(int))];
    } control = {0};
    if (fd_count > 0) {
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&header);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
        memcpy(CMSG_DATA(cmsg), fds, fd_count * sizeof(int));
    }
    for (;;) {
        if (sendmsg(c->fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
            return 0;
        if (errno == EAGAIN || errno == ENOBUFS)
            return refuse_for_now(c);
        if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
            return -ERR_CLOSED;
        if (errno != EINTR)
            return -errno;
    }
}

int channel_send(struct channel *c, enum message message, struct span body, const int *fds, size_t fd_count)
{
    assert(!c->freed);
    int r = message_check((unsigned)message, c->me, c->peer, body.len, fd_count);
    assert(r != -ERR_UNKNOWN && r != -ERR_DENIED);
    if (r != 0)
        return r;
    if (c->ended)
        return -ERR_CLOSED;
    if (body.len <= CHANNEL_BODY_MAX)
        return send_datagram(c, message, body, fds, fd_count);
    /* Asked first: a large body is not copied into a memfd only to be refused. */
    if (!has_room(c))
        return refuse_for_now(c);
    int memfd = -1;
    r = memfd_sealed(message_name(message), body, &memfd);
    if (r != 0)
        return r;
    r = send_datagram(c, message, (struct span){0}, &memfd, 1);
    (void)close(memfd);
    return r;
}

static void close_fds(int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (fds[i] >= 0)
            (void)close(fds[i]);
        fds[i] = -1;
    }
}

static void take_fds(struct msghdr *header, struct arrival *a)
{
    for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(header); cmsg != NULL; cmsg = CMSG_NXTHDR(header, cmsg)) {
        if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS || cmsg->cmsg_len < CMSG_LEN(0))
            continue;
        size_t count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof fd, sizeof fd);
            if (a->fd_count < CHANNEL_FDS_MAX)
                a->fds[a->fd_count++] = fd;
            else
                (void)close(fd);
        }
    }
}

/* One datagram into c->datagram. 0; -EAGAIN none is there; -ERR_CLOSED the peer went; -ERR_… it is none a peer may send. */
static int receive_datagram(struct channel *c, struct arrival *a)
{
    struct iovec part = {.iov_base = c->datagram, .iov_len = sizeof c->datagram};
    union {
        struct cmsghdr align;
        uint8_t bytes[CMSG_SPACE(CHANNEL_FDS_MAX * sizeof(int))];
    } control = {0};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ssize_t n;
    do {
        n = recvmsg(c->fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        /* A peer that went before it read all reports a reset first; what it had sent is still there after it. */
    } while (n < 0 && (errno == EINTR || errno == ECONNRESET));
    if (n < 0)
        return errno == EAGAIN ? -EAGAIN : -errno;
    *a = (struct arrival){.len = (size_t)n, .fd_count = 0};
    take_fds(&header, a);
    if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        close_fds(a->fds, a->fd_count);
        return -ERR_LIMIT;
    }
    if (n == 0) {
        close_fds(a->fds, a->fd_count);
        return -ERR_CLOSED;
    }
    return 0;
}

static void give(struct channel *c, unsigned number, struct span body, struct arrival *a)
{
    c->busy++;
    c->events->message(c, c->user, (enum message)number, body, a->fds, a->fd_count);
    c->busy--;
}

static int give_large(struct channel *c, const struct message_spec *spec, struct arrival *a)
{
    int r = message_check(spec->code, c->peer, c->me, spec->most, 0);
    if (r != 0)
        return r;
    uint8_t *bytes;
    size_t len;
    r = memfd_read(a->fds[0], CHANNEL_BODY_MAX + 1, spec->most, &bytes, &len);
    if (r != 0)
        return r;
    struct arrival none = {0};
    give(c, spec->code, span_of(bytes, len), &none);
    free(bytes);
    return 0;
}

/* Checks what came against the table and gives it to the owner. */
static int judge(struct channel *c, struct arrival *a)
{
    if (a->len < NUMBER_SIZE)
        return -ERR_TRUNCATED;
    unsigned number = (unsigned)c->datagram[0] << 8 | c->datagram[1];
    struct span body = span_of(c->datagram + NUMBER_SIZE, a->len - NUMBER_SIZE);
    const struct message_spec *spec = message_spec(number);
    if (spec != NULL && spec->most > CHANNEL_BODY_MAX && spec->fds == 0 && body.len == 0 && a->fd_count == 1)
        return give_large(c, spec, a);
    int r = message_check(number, c->peer, c->me, body.len, a->fd_count);
    if (r == 0)
        give(c, number, body, a);
    return r;
}

static void end(struct channel *c, int error)
{
    if (c->freed || c->ended)
        return;
    c->ended = true;
    if (c->on_loop)
        (void)uv_poll_stop(&c->poll);
    c->busy++;
    if (c->events->closed != NULL)
        c->events->closed(c, c->user, error);
    c->busy--;
}

/* One message. 0, -EAGAIN, or the code the channel ended with (-ERR_CLOSED for an orderly end). */
static int receive_one(struct channel *c)
{
    struct arrival a = {0};
    int r = receive_datagram(c, &a);
    if (r == 0) {
        r = judge(c, &a);
        close_fds(a.fds, a.fd_count);
    }
    if (r != 0 && r != -EAGAIN)
        end(c, r == -ERR_CLOSED ? 0 : r);
    return r;
}

static void tell_writable(struct channel *c)
{
    c->want_write = false;
    if (c->on_loop)
        (void)watch(c);
    c->busy++;
    if (c->events->writable != NULL)
        c->events->writable(c, c->user);
    c->busy--;
}

static void on_poll(uv_poll_t *poll, int status, int what)
{
    struct channel *c = poll->data;
    if (status < 0) {
        /* So libuv tells of a peer that went before it read all; what it had sent is still there, then comes its end. */
        while (!c->freed && !c->ended && receive_one(c) == 0)
            ;
        end(c, status);
        return;
    }
    if ((what & UV_WRITABLE) != 0 && c->want_write)
        tell_writable(c);
    for (unsigned i = 0; i < TURN_MAX && !c->freed && !c->ended; i++) {
        if (receive_one(c) != 0)
            break;
    }
}

static int wait_and_receive(struct channel *c, int timeout_msec)
{
    struct pollfd p = {.fd = c->fd, .events = (short)(c->want_write ? POLLIN | POLLOUT : POLLIN)};
    int n;
    do {
        n = poll(&p, 1, timeout_msec);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    if (n == 0)
        return -ETIMEDOUT;
    if ((p.revents & POLLOUT) != 0 && c->want_write) {
        tell_writable(c);
        return 0;
    }
    return receive_one(c);
}

int channel_receive(struct channel *c, int timeout_msec)
{
    assert(!c->on_loop && !c->freed);
    if (c->ended)
        return -ERR_CLOSED;
    c->busy++; /* keeps the channel's memory when an event frees it */
    int r;
    do {
        r = wait_and_receive(c, timeout_msec);
    } while (r == -EAGAIN && !c->freed);
    c->busy--;
    if (c->freed && c->busy == 0)
        release(c);
    return r;
}
