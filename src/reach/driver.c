/*
 * Sockets <-> probes.
 *
 *   CONNECTING ─► HANDSHAKE (TLS) ─► OPEN ──done, fail, limits──► CLOSING: FIN sent, the host's is waited for ─► ended
 *        │             │              └── the host closed, reset ───────────────────────────────────────────────▲
 *        └── refused, unreachable, timeout, no handshake ───────────────────────────────────────────────────────┘
 *   ended ─ talk_again ─► BETWEEN (policy is asked once more) ─► CONNECTING
 *
 * A connection ends with a FIN of ours, and what still comes is read and thrown away until the host's FIN, a second, or a bound: a device
 * with few sessions must not be left with a half-open one.
 */
#include "base/err.h"
#include "reach/parts.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { INPUT_SIZE = 64 * 1024 };

static void connected(struct talk *);
static void pump(struct talk *);

/* ---- life ---- */

int talk_new(struct visit *v, struct talk **ret)
{
    struct reach *r = v->reach;
    struct talk *t = r->pool;
    if (t != NULL) {
        r->pool = t->next;
    } else {
        t = calloc(1, sizeof *t);
        if (t == NULL)
            return -ENOMEM;
        buf_init(&t->heard, 0);
        buf_init(&t->first, 0);
        buf_init(&t->out, 0);
        arena_init(&t->arena, TALK_ARENA_MAX);
    }
    t->reach = r;
    t->visit = v;
    t->probe = v->ports[v->at].probe;
    t->fd = -1;
    t->stage = TALK_BETWEEN;
    t->ending = ENDING_STOPPED;
    t->target = (struct endpoint){.addr = v->addr, .port = v->ports[v->at].port};
    t->began = r->now;
    *ret = t;
    return 0;
}

/* Empties a buffer; a large one is given back. */
static void shrink(struct buf *b)
{
    if (b->size > TALK_KEEP)
        buf_done(b);
    else
        buf_clear(b);
}

static void unhear(struct talk *t, struct buf *b)
{
    t->reach->held -= b->len;
    shrink(b);
}

static void unplug(struct talk *t)
{
    if (t->reach->tap != NULL)
        tap_forget(t->reach->tap, &t->wait);
    if (t->fd >= 0)
        (void)close(t->fd);
    t->fd = -1;
    tls_free(t->tls);
    t->tls = NULL;
}

void talk_release(struct talk *t)
{
    struct reach *r = t->reach;
    unplug(t);
    unhear(t, &t->heard);
    unhear(t, &t->first);
    shrink(&t->out);
    if (t->arena.used > 0)
        arena_done(&t->arena);
    struct talk empty = {.stage = TALK_FREE, .fd = -1, .heard = t->heard, .first = t->first, .out = t->out, .arena = t->arena};
    *t = empty;
    t->next = r->pool;
    r->pool = t;
}

void talks_free(struct reach *r)
{
    while (r->pool != NULL) {
        struct talk *t = r->pool;
        r->pool = t->next;
        buf_done(&t->heard);
        buf_done(&t->first);
        buf_done(&t->out);
        arena_done(&t->arena);
        free(t);
    }
}

/* ---- the end of a connection ---- */

static void keep_fact(void *user, struct fact fact)
{
    talk_fact(user, fact);
}

/* The probe's last word on this connection, then the next or the record. */
static void ended(struct talk *t)
{
    struct reach *r = t->reach;
    if (r->tap != NULL && t->wait.waits && !t->wait.seen)
        tap_read(r->tap);
    if (t->state != NULL) {
        t->in_end = true;
        if (t->tls != NULL)
            tls_facts(t->tls, keep_fact, t);
        if (t->probe->end != NULL)
            t->probe->end(t);
        t->in_end = false;
    }
    if (t->memory_short && t->round == 0)
        t->ending = ENDING_MEMORY;
    unplug(t);
    visit_deadline_drop(t->visit);
    bool again = t->again && t->round == 0 && t->state != NULL && !r->stopping && t->ending != ENDING_POLICY;
    t->kept = t->state;
    t->state = NULL;
    if (!again) {
        visit_answered(t->visit);
        return;
    }
    struct buf swap = t->first;
    t->first = t->heard;
    t->heard = swap;
    buf_clear(&t->heard);
    buf_clear(&t->out);
    t->again = t->over = t->peer_closed = false;
    t->said = t->discarded = t->raw = 0;
    t->wake_at = t->wake_after = 0;
    t->round = 1;
    t->stage = TALK_BETWEEN;
    r->open--;
    visit_ready(t->visit);
}

void talk_over(struct talk *t)
{
    t->reach->open++;
    visit_answered(t->visit);
}

void talk_stop(struct talk *t, enum ending ending)
{
    /* A conversation that is only being closed was whole. */
    if (t->stage != TALK_CLOSING) {
        t->over = false;
        talk_finish(t, ending);
    }
    ended(t);
}

/* The conversation is over: takes leave of the host. */
static void leave(struct talk *t)
{
    if (t->probe->over == TRANSPORT_UDP || t->stage == TALK_CONNECTING || t->peer_closed) {
        ended(t);
        return;
    }
    if (t->tls != NULL) {
        tls_close(t->tls);
        tls_out(t->tls, &t->out);
        if (t->out.len > 0)
            (void)send(t->fd, t->out.data, t->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    t->stage = TALK_CLOSING;
    if (shutdown(t->fd, SHUT_WR) != 0) {
        ended(t);
        return;
    }
    t->deadline = t->reach->now + LINGER;
    if (visit_deadline_set(t->visit, t->deadline) != 0)
        ended(t);
}

static enum ending ending_of_error(int error)
{
    switch (error) {
    case ECONNREFUSED:
        return ENDING_REFUSED;
    case ECONNRESET:
    case EPIPE:
        return ENDING_RESET;
    case ETIMEDOUT:
        return ENDING_TIMEOUT;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EAGAIN:
    case EADDRNOTAVAIL:
        return ENDING_MEMORY;
    default:
        return ENDING_UNREACHABLE;
    }
}

/* ---- bytes ---- */

/* Sends what waits; what the socket does not take stays. */
static void flush(struct talk *t)
{
    if (t->out.error != 0)
        t->memory_short = true;
    while (t->out.len > 0) {
        ssize_t sent = send(t->fd, t->out.data, t->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0) {
            if (errno != EAGAIN && errno != ENOBUFS)
                talk_finish(t, ending_of_error(errno));
            return;
        }
        t->bytes_out += (uint64_t)sent;
        buf_consume(&t->out, (size_t)sent);
    }
}

/* Plain bytes of the host, to the probe. */
static void hear(struct talk *t, struct span bytes)
{
    struct reach *r = t->reach;
    if (t->over) {
        t->cut += t->ending == ENDING_TOO_MUCH ? bytes.len : 0;
        return;
    }
    size_t room = r->answer_max - t->heard.len;
    struct span taken = span_part(bytes, 0, room);
    if (r->held + taken.len > HELD_MAX) {
        talk_finish(t, ENDING_MEMORY);
        return;
    }
    buf_span(&t->heard, taken);
    if (t->heard.error != 0) {
        talk_finish(t, ENDING_MEMORY);
        return;
    }
    r->held += taken.len;
    if (t->wake_after > 0)
        t->wake_at = r->now + t->wake_after;
    if (taken.len > 0)
        t->probe->hear(t, taken);
    if (taken.len < bytes.len) {
        t->cut += bytes.len - taken.len;
        talk_finish(t, ENDING_TOO_MUCH);
    }
}

static void hear_tls(struct talk *t, struct span bytes)
{
    uint8_t plain[4096];
    bool end = false;
    switch (tls_feed(t->tls, bytes)) {
    case TLS_MORE:
        tls_out(t->tls, &t->out);
        return;
    case TLS_BROKEN:
        tls_out(t->tls, &t->out); /* an alert that says why */
        if (t->stage == TALK_HANDSHAKE)
            talk_finish(t, ENDING_TLS_FAILED);
        else
            talk_finish(t, t->heard.len > 0 ? ENDING_CLOSED : ENDING_SILENT);
        return;
    case TLS_READY:
        break;
    }
    if (t->stage == TALK_HANDSHAKE) {
        t->stage = TALK_OPEN;
        t->wake_at = t->wake_after = 0;
        t->probe->ask(t);
    }
    for (;;) {
        size_t got = tls_read(t->tls, plain, sizeof plain, &end);
        if (got == 0)
            break;
        hear(t, span_of(plain, got));
    }
    tls_out(t->tls, &t->out);
    if (end)
        talk_finish(t, t->heard.len > 0 ? ENDING_CLOSED : ENDING_SILENT);
}

/* What the socket has, until it is empty: 0, or the end of the stream (1), or -errno. */
static int read_stream(struct talk *t)
{
    struct reach *r = t->reach;
    for (;;) {
        ssize_t got = recv(t->fd, r->input, INPUT_SIZE, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno == EAGAIN ? 0 : -errno;
        if (got == 0)
            return 1;
        struct span bytes = span_of(r->input, (size_t)got);
        t->bytes_in += bytes.len;
        t->raw += bytes.len;
        if (t->stage == TALK_CLOSING || t->over) {
            t->discarded += bytes.len;
            t->cut += t->ending == ENDING_TOO_MUCH ? bytes.len : 0;
            if (t->discarded > DISCARD_MAX)
                return -EFBIG;
        } else if (t->tls != NULL) {
            hear_tls(t, bytes);
            if (t->raw > 2 * r->answer_max + INPUT_SIZE)
                talk_finish(t, t->stage == TALK_HANDSHAKE ? ENDING_TLS_FAILED : ENDING_TOO_MUCH);
        } else {
            hear(t, bytes);
        }
        /* Less than there was room for: the socket is empty, and says so when there is more, or its end. */
        if (bytes.len < INPUT_SIZE && !t->peer_closed)
            return 0;
    }
}

static void take_ttl(struct talk *t, struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL && !t->has_ttl; c = CMSG_NXTHDR(message, c)) {
        bool v4 = c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL;
        bool v6 = c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT;
        int ttl = 0;
        if ((!v4 && !v6) || c->cmsg_len < CMSG_LEN(sizeof ttl))
            continue;
        memcpy(&ttl, CMSG_DATA(c), sizeof ttl);
        t->has_ttl = ttl >= 0 && ttl <= UINT8_MAX;
        t->ttl = (uint8_t)ttl;
    }
}

/* Datagrams, each one hear(). */
static int read_datagrams(struct talk *t)
{
    struct reach *r = t->reach;
    for (unsigned i = 0; i < 64 && !t->over; i++) {
        union {
            struct cmsghdr align;
            uint8_t bytes[256];
        } control;
        struct iovec part = {.iov_base = r->input, .iov_len = INPUT_SIZE};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
        ssize_t got = recvmsg(t->fd, &message, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno == EAGAIN ? 0 : -errno;
        take_ttl(t, &message);
        t->bytes_in += (uint64_t)got;
        if (got > 0)
            hear(t, span_of(r->input, (size_t)got));
    }
    return 0;
}

static void read_some(struct talk *t)
{
    int e = t->probe->over == TRANSPORT_UDP ? read_datagrams(t) : read_stream(t);
    if (e == 0)
        return;
    if (e > 0) {
        t->peer_closed = true;
        if (t->stage == TALK_HANDSHAKE)
            talk_finish(t, ENDING_TLS_FAILED);
        else
            talk_finish(t, t->heard.len > 0 ? ENDING_CLOSED : ENDING_SILENT);
        return;
    }
    t->peer_closed = true; /* there is nothing to wait for */
    talk_finish(t, ending_of_error(-e));
}

/* ---- connecting ---- */

static void failed(struct talk *t, enum ending ending)
{
    t->over = false;
    talk_finish(t, ending);
    ended(t);
}

static bool watch(struct talk *t)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = t};
    return epoll_ctl(t->reach->epoll_fd, EPOLL_CTL_ADD, t->fd, &event) == 0;
}

static void learn_local(struct talk *t)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    if (getsockname(t->fd, (struct sockaddr *)&sa, &len) != 0 || endpoint_from_sockaddr((struct sockaddr *)&sa, &t->local) != 0)
        return;
    if (t->reach->tap == NULL || t->probe->over != TRANSPORT_TCP || t->wait.seen)
        return;
    t->wait.remote = t->target;
    t->wait.local_port = t->local.port;
    tap_expect(t->reach->tap, &t->wait);
}

static void prepare_datagrams(const struct talk *t)
{
    int on = 1;
    bool v4 = addr_is_v4(t->target.addr);
    (void)setsockopt(t->fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_RECVTTL : IPV6_RECVHOPLIMIT, &on, sizeof on);
    /* ICMP's "unreachable" is an answer, too. */
    (void)setsockopt(t->fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_RECVERR : IPV6_RECVERR, &on, sizeof on);
}

void talk_open(struct talk *t)
{
    struct visit *v = t->visit;
    struct reach *r = t->reach;
    const struct dial_request request = visit_request(v);
    enum denial why = DENIAL_NONE;
    int e = dial_open(r->dial, &request, r->wall, &t->fd, &why);
    if (e != 0) {
        t->fd = -1;
        if (e == -ERR_DENIED)
            v->why = why;
        if (e != -ECONNREFUSED)
            dial_give_back(r->dial, &request, v->asked);
        failed(t, e == -ERR_DENIED ? ENDING_POLICY : ending_of_error(-e));
        return;
    }
    t->stage = TALK_CONNECTING;
    t->deadline = r->now + r->connect_timeout;
    visit_ask_name(v);
    learn_local(t);
    if (!watch(t) || visit_deadline_set(v, t->deadline) != 0)
        failed(t, ENDING_MEMORY);
    else if (t->probe->over == TRANSPORT_UDP) {
        prepare_datagrams(t);
        connected(t);
        pump(t);
    }
}

static void connected(struct talk *t)
{
    struct reach *r = t->reach;
    t->connected = r->now;
    t->deadline = r->now + r->deadline;
    t->state = t->round == 1 ? t->kept : t->inline_state; /* a second connection goes on with what the first left */
    if (t->round == 0 && t->probe->state_size > sizeof t->inline_state)
        t->state = arena_alloc(&t->arena, t->probe->state_size);
    else if (t->round == 0)
        memset(t->inline_state, 0, t->probe->state_size);
    if (t->state == NULL || (t->probe->tls && r->tls == NULL)) {
        talk_finish(t, t->state == NULL ? ENDING_MEMORY : ENDING_TLS_FAILED);
        t->stage = TALK_OPEN;
        return;
    }
    if (t->probe->tls) {
        t->stage = TALK_HANDSHAKE;
        if (tls_new(&t->tls, r->tls) == 0)
            tls_out(t->tls, &t->out);
        else
            talk_finish(t, ENDING_MEMORY);
        return;
    }
    t->stage = TALK_OPEN;
    t->probe->ask(t);
}

/* After anything that happened to an open talk: what was said leaves, and its end or its next deadline is seen to. */
static void pump(struct talk *t)
{
    if (t->out.len > 0)
        flush(t);
    if (t->over) {
        leave(t);
        return;
    }
    usec_t due = t->wake_at != 0 && t->wake_at < t->deadline ? t->wake_at : t->deadline;
    if (visit_deadline_set(t->visit, due) != 0) {
        talk_finish(t, ENDING_MEMORY);
        leave(t);
    }
}

void talk_event(struct talk *t, uint32_t events)
{
    int error = 0;
    socklen_t len = sizeof error;
    if (t->stage == TALK_FREE || t->stage == TALK_BETWEEN)
        return; /* ended earlier in this turn */
    if ((events & EPOLLERR) != 0 && t->probe->over != TRANSPORT_UDP && t->stage == TALK_CONNECTING) {
        if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0) {
            failed(t, ending_of_error(error));
            return;
        }
    }
    if (t->stage == TALK_CONNECTING) {
        if ((events & (EPOLLOUT | EPOLLIN)) == 0)
            return;
        connected(t);
    }
    /* Both ends of the stream are over: what is left is read to its end at once. */
    bool hung_up = (events & (EPOLLRDHUP | EPOLLHUP)) != 0;
    if (t->stage == TALK_CLOSING) {
        int e = read_stream(t);
        if (e == 0 && hung_up)
            e = read_stream(t);
        if (e != 0)
            ended(t);
        return;
    }
    if ((events & (EPOLLIN | EPOLLERR)) != 0 || hung_up) {
        read_some(t);
        if (hung_up && !t->over)
            read_some(t);
    }
    pump(t);
}

void talk_due(struct talk *t)
{
    struct reach *r = t->reach;
    if (t->stage == TALK_CLOSING) {
        if (r->now >= t->deadline || visit_deadline_set(t->visit, t->deadline) != 0)
            ended(t);
        return;
    }
    if (r->now >= t->deadline) {
        if (t->stage == TALK_CONNECTING)
            failed(t, ENDING_TIMEOUT);
        else {
            talk_finish(t, t->stage == TALK_HANDSHAKE ? ENDING_TLS_FAILED : t->heard.len == 0 ? ENDING_SILENT : ENDING_DEADLINE);
            leave(t);
        }
        return;
    }
    if (t->wake_at != 0 && r->now >= t->wake_at) {
        t->wake_at = t->wake_after = 0;
        t->probe->quiet(t);
    }
    if (t->stage == TALK_CONNECTING)
        (void)visit_deadline_set(t->visit, t->deadline);
    else
        pump(t);
}
