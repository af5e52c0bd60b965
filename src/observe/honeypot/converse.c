#include "observe/honeypot/converse.h"

#include "base/conf.h"
#include "observe/honeypot/conversation.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

struct converse_limits converse_limits(const struct conf *conf)
{
    return (struct converse_limits){
        .connections = (uint32_t)conf_int(conf, "honeypot.connections"),
        .per_service = (uint32_t)conf_int(conf, "honeypot.connections_per_service"),
        .per_peer = (uint32_t)conf_int(conf, "honeypot.connections_per_peer"),
        .login_timeout = conf_int(conf, "honeypot.login_timeout"),
        .idle_timeout = conf_int(conf, "honeypot.idle_timeout"),
        .session_timeout = conf_int(conf, "honeypot.session_timeout"),
        .input_max = (uint64_t)conf_int(conf, "honeypot.input_max"),
        .output_max = (uint64_t)conf_int(conf, "honeypot.output_max"),
        .memory = (size_t)conf_int(conf, "honeypot.memory_per_session"),
        .transcript_max = (size_t)conf_int(conf, "honeypot.transcript_max"),
    };
}

void converse_clock(struct converse *cv)
{
    cv->wall = usec_now();
    cv->now = usec_monotonic();
}

bool converse_append(struct converse *cv, const struct record *from)
{
    struct record record = *from;
    record.time = cv->wall;
    if (id_is_zero(record.id))
        record.id = id_new(cv->wall);
    record.sensor = cv->config.sensor;
    return journal_append(cv->journal, &record) == 0;
}

void converse_gone(struct conn *c)
{
    struct converse *cv = c->owner;
    alarm_drop(&cv->deadlines, &c->alarm);
    flow_free(c);
    if (c->previous != NULL)
        c->previous->next = c->next;
    else
        cv->conns = c->next;
    if (c->next != NULL)
        c->next->previous = c->previous;
    (void)close(c->fd);
    c->listener->open--;
    cv->open--;
    peers_give(&cv->peers, c->peer);
    free(c);
}

static void turn_done(struct converse *cv)
{
    if (!cv->draining || cv->open > 0)
        return;
    refusals_flush(cv); /* while what is stated still reaches the store */
    if (cv->config.drained != NULL)
        cv->config.drained(cv->config.user);
}

/* Out of descriptors a waiting connection would wake the loop for ever: the reserve is spent to take it and close it. */
static bool refuse_by_reserve(struct converse *cv, struct listener *listener)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    struct endpoint source = {0};
    if (cv->reserve_fd >= 0)
        (void)close(cv->reserve_fd);
    int fd = accept4(listener->fd, (struct sockaddr *)&sa, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
        (void)endpoint_from_sockaddr((struct sockaddr *)&sa, &source);
        refuse(cv, listener, source.addr, REFUSAL_DESCRIPTORS);
        (void)close(fd);
    }
    cv->reserve_fd = fcntl(listener->fd, F_DUPFD_CLOEXEC, 3);
    return fd >= 0;
}

static bool is_relay(const struct listener *listener, struct addr source)
{
    for (size_t i = 0; i < listener->is.relay_count; i++) {
        if (prefix_holds(listener->is.relays[i], source))
            return true;
    }
    return false;
}

static void take(struct converse *cv, struct listener *listener, int fd, struct endpoint source)
{
    const struct converse_limits *limits = &cv->config.limits;
    bool relays = listener->is.relay_count > 0;
    struct endpoint destination = listener->local;
    struct peer *peer = NULL;
    enum refusal why = REFUSAL_DESCRIPTORS;
    if (cv->open >= limits->connections) {
        why = REFUSAL_GLOBAL_LIMIT;
        goto refused;
    }
    if (listener->open >= limits->per_service) {
        why = REFUSAL_SERVICE_LIMIT;
        goto refused;
    }
    if (relays && !is_relay(listener, source.addr)) {
        why = REFUSAL_PROXY_STRANGER;
        goto refused;
    }
    if (!relays) {
        peer = peers_take(&cv->peers, source.addr, limits->per_peer, &why);
        if (peer == NULL)
            goto refused;
    }
    if (listener->wildcard) {
        struct sockaddr_storage sa;
        socklen_t len = sizeof sa;
        if (getsockname(fd, (struct sockaddr *)&sa, &len) == 0)
            (void)endpoint_from_sockaddr((struct sockaddr *)&sa, &destination);
    }
    if (conn_start(cv, listener, fd, peer, source, destination) == 0)
        return;
    peers_give(&cv->peers, peer);
refused:
    refuse(cv, listener, source.addr, why);
    (void)close(fd);
}

static void accept_some(struct converse *cv, struct listener *listener)
{
    for (unsigned i = 0; i < ACCEPTS_PER_TURN && !cv->draining; i++) {
        struct sockaddr_storage sa;
        socklen_t len = sizeof sa;
        struct endpoint source;
        int fd = accept4(listener->fd, (struct sockaddr *)&sa, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            if (errno == EINTR || errno == ECONNABORTED)
                continue;
            if ((errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) && refuse_by_reserve(cv, listener))
                continue;
            return;
        }
        if (endpoint_from_sockaddr((struct sockaddr *)&sa, &source) != 0) {
            (void)close(fd);
            continue;
        }
        converse_clock(cv);
        take(cv, listener, fd, source);
    }
}

static void on_sockets(uv_poll_t *poll, int status, int events)
{
    struct converse *cv = poll->data;
    struct epoll_event ready[256];
    (void)status;
    (void)events;
    int count = epoll_pwait(cv->epoll_fd, ready, sizeof ready / sizeof ready[0], 0, NULL);
    for (int i = 0; i < count; i++) {
        converse_clock(cv);
        if (*(enum watched *)ready[i].data.ptr == WATCHED_LISTENER)
            accept_some(cv, ready[i].data.ptr);
        else
            conn_event(ready[i].data.ptr, ready[i].events);
    }
    deadline_run(cv);
    turn_done(cv);
}

static void on_closed(uv_handle_t *handle)
{
    struct converse *cv = handle->data;
    cv->handles--;
    if (cv->handles > 0)
        return;
    if (cv->epoll_fd >= 0)
        (void)close(cv->epoll_fd);
    if (cv->reserve_fd >= 0)
        (void)close(cv->reserve_fd);
    while (cv->listeners != NULL) {
        struct listener *next = cv->listeners->next;
        free(cv->listeners);
        cv->listeners = next;
    }
    alarms_free(&cv->deadlines);
    peers_done(&cv->peers);
    buf_done(&cv->turn);
    free(cv->refusals.table);
    free(cv->input);
    free(cv);
}

void converse_free(struct converse *cv)
{
    if (cv == NULL)
        return;
    converse_end_all(cv, REASON_STOPPED);
    uv_close((uv_handle_t *)&cv->poll, on_closed);
    uv_close((uv_handle_t *)&cv->timer, on_closed);
}

int converse_new(struct converse **ret, const struct converse_config *config)
{
    int r = -ENOMEM;
    struct converse *cv = calloc(1, sizeof *cv);
    if (cv == NULL)
        return r;
    cv->loop = config->loop;
    cv->journal = config->journal;
    cv->counters = journal_counters(config->journal);
    cv->config = *config;
    cv->reserve_fd = -1;
    buf_init(&cv->turn, QUEUE_MAX);
    converse_clock(cv);
    cv->input = malloc(INPUT_SIZE);
    cv->refusals.table = calloc(REFUSALS_SIZE, sizeof *cv->refusals.table);
    if (cv->input == NULL || cv->refusals.table == NULL || peers_init(&cv->peers) != 0)
        goto failed;
    cv->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (cv->epoll_fd < 0) {
        r = -errno;
        goto failed;
    }
    cv->poll.data = cv->timer.data = cv;
    r = uv_poll_init(cv->loop, &cv->poll, cv->epoll_fd);
    if (r != 0)
        goto failed_epoll;
    (void)uv_timer_init(cv->loop, &cv->timer);
    cv->handles = 2;
    (void)uv_poll_start(&cv->poll, UV_READABLE, on_sockets);
    *ret = cv;
    return 0;
failed_epoll:
    (void)close(cv->epoll_fd);
failed:
    peers_done(&cv->peers);
    free(cv->refusals.table);
    free(cv->input);
    free(cv);
    return r;
}

static bool is_wildcard(struct endpoint local)
{
    struct addr any6 = {0}, any4 = addr_v4(0);
    return addr_equal(local.addr, any6) || addr_equal(local.addr, any4);
}

int converse_listen(struct converse *cv, int fd, const struct converse_listener *is)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    int on = 1;
    struct listener *listener = calloc(1, sizeof *listener);
    if (listener == NULL)
        return -ENOMEM;
    listener->watched = WATCHED_LISTENER;
    listener->fd = fd;
    listener->is = *is;
    int r = getsockname(fd, (struct sockaddr *)&sa, &len) != 0 ? -errno : endpoint_from_sockaddr((struct sockaddr *)&sa, &listener->local);
    if (r != 0)
        goto failed;
    listener->wildcard = is_wildcard(listener->local);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* accepted sockets inherit it */
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = listener};
    if (epoll_ctl(cv->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        r = -errno;
        goto failed;
    }
    if (cv->reserve_fd < 0)
        cv->reserve_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    listener->next = cv->listeners;
    cv->listeners = listener;
    return 0;
failed:
    free(listener);
    return r;
}

void converse_drain(struct converse *cv)
{
    cv->draining = true;
    for (const struct listener *listener = cv->listeners; listener != NULL; listener = listener->next)
        (void)epoll_ctl(cv->epoll_fd, EPOLL_CTL_DEL, listener->fd, NULL);
    if (cv->open == 0)
        turn_done(cv);
}

void converse_end_all(struct converse *cv, enum reason reason)
{
    converse_clock(cv);
    for (struct conn *c = cv->conns; c != NULL;) {
        struct conn *next = c->next;
        conn_end(c, reason);
        c = next;
    }
    refusals_flush(cv);
}

size_t converse_count(const struct converse *cv)
{
    return cv->open;
}
