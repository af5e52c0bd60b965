/* Requests under way: sockets, clocks, bounds. libcurl speaks; nothing of it makes a socket, looks up a name or reads a file. */
#include "outside/fetch.h"
#include "base/err.h"
#include "outside/fetch_tls.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS = 64, READ_SIZE = 16 * 1024, RAW_SPARE = 64 * 1024 };

struct fetch {
    struct fetch *next, *before; /* under way; then next: those to be freed */
    struct fetch_client *client;
    CURL *easy;
    struct curl_slist *connect_to, *headers;
    int fd, theirs; /* libcurl has a duplicate, which is its own: when and how it closes one differs between versions */
    bool on_its_way, handed, running, in_body, over, brotli;
    void *user;
    bool verify;
    struct fetch_limits limits;
    usec_t began, connected, window; /* window: where the pace is measured from */
    uint64_t bytes_in, window_bytes;
    enum fetch_ending why; /* found out in a callback; FETCH_WHOLE: nothing yet */
    struct fetch_url url;
    struct fetch_head head;
    struct buf body, certificate;
    char detail[CURL_ERROR_SIZE];
};

struct fetch_client {
    int epoll_fd;
    CURLM *multi;
    X509_STORE *trusted;
    char *agent;
    fetch_done *done;
    void *user;
    struct fetch *first, *gone;
    usec_t curl_due; /* 0: never */
    unsigned brotlis;
    bool turning; /* inside fetch_run */
    struct fetch_counters counters;
};

const struct fetch_limits fetch_limits_usual = {.connect = 10 * USEC_PER_SEC,
                                                .first_byte = 15 * USEC_PER_SEC,
                                                .total = 60 * USEC_PER_SEC,
                                                .pace = 10 * USEC_PER_SEC,
                                                .pace_bytes = 1000,
                                                .body_max = FETCH_BODY_MAX};

const char *fetch_ending_text(enum fetch_ending ending)
{
    static const char *const texts[FETCH_ENDING_COUNT] = {
        [FETCH_WHOLE] = "answered",        [FETCH_TOO_MUCH] = "too much", [FETCH_SLOW] = "too slow",
        [FETCH_SHORT] = "ended early",     [FETCH_REFUSED] = "refused",   [FETCH_UNREACHABLE] = "unreachable",
        [FETCH_SILENT] = "silent",         [FETCH_TLS] = "no TLS",        [FETCH_UNTRUSTED] = "certificate not trusted",
        [FETCH_BROKEN] = "not understood", [FETCH_MEMORY] = "no room",
    };
    return ending < FETCH_ENDING_COUNT ? texts[ending] : "";
}

/* ---- what libcurl calls ---- */

static curl_socket_t on_open(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct fetch *f = user;
    (void)address;
    if (purpose != CURLSOCKTYPE_IPCXN || f->handed || f->fd < 0)
        return CURL_SOCKET_BAD;
    f->handed = true;
    f->theirs = fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
    return f->theirs >= 0 ? f->theirs : CURL_SOCKET_BAD;
}

/* libcurl 7.88 connects once more all the same, to the address it was given: the kernel says that it is done. */
static int on_opened(void *user, curl_socket_t fd, curlsocktype purpose)
{
    (void)user;
    (void)fd;
    (void)purpose;
    return CURL_SOCKOPT_ALREADY_CONNECTED;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *of_socket)
{
    struct fetch_client *client = user;
    struct fetch *f = NULL;
    (void)of_socket;
    if (what == CURL_POLL_REMOVE) {
        (void)epoll_ctl(client->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&f) != CURLE_OK || f == NULL)
        return -1;
    struct epoll_event event = {.data.ptr = f};
    event.events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0U) | (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0U);
    if (epoll_ctl(client->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0)
        return 0;
    return errno == ENOENT && epoll_ctl(client->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -1;
}

static int on_timer(CURLM *multi, long wait_msec, void *user)
{
    struct fetch_client *client = user;
    (void)multi;
    /* Never too early: libcurl would find nothing due, and not ask again. */
    client->curl_due = wait_msec < 0 ? 0 : usec_monotonic() + (wait_msec > 0 ? (wait_msec + 1) * USEC_PER_MSEC : 0);
    return 0;
}

static size_t on_head(char *at, size_t one, size_t len, void *user)
{
    struct fetch *f = user;
    size_t bytes = one * len;
    f->bytes_in += bytes;
    if (f->in_body) { /* a trailer */
        f->head.bytes += bytes;
        if (f->head.bytes <= FETCH_HEAD_MAX)
            return bytes;
    } else if (fetch_head_line(&f->head, span_of((uint8_t *)at, bytes)) == 0) {
        if (!f->head.brotli || f->brotli)
            return bytes;
        f->brotli = f->client->brotlis < FETCH_BROTLI_MAX;
        f->client->brotlis += f->brotli;
        if (f->brotli)
            return bytes;
        f->why = FETCH_MEMORY;
        return 0;
    }
    f->why = FETCH_BROKEN;
    return 0;
}

static size_t on_body(char *at, size_t one, size_t len, void *user)
{
    struct fetch *f = user;
    struct fetch_counters *counters = &f->client->counters;
    size_t bytes = one * len, room = f->limits.body_max - f->body.len;
    f->in_body = true;
    if (counters->held + bytes > FETCH_HELD_MAX) {
        f->why = FETCH_MEMORY;
        return 0;
    }
    size_t before = f->body.len;
    buf_put(&f->body, at, bytes < room ? bytes : room);
    counters->held += f->body.len - before;
    if (f->body.error != 0 || bytes > room) {
        f->why = f->body.error != 0 ? FETCH_MEMORY : FETCH_TOO_MUCH;
        return 0;
    }
    return bytes;
}

/* A body that decompresses to nothing for ever counts as it comes. */
static int on_progress(void *user, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
    struct fetch *f = user;
    (void)total;
    (void)up_total;
    (void)up;
    uint64_t bytes = f->head.bytes + (uint64_t)now;
    if (bytes > f->bytes_in)
        f->bytes_in = bytes;
    if ((uint64_t)now <= f->limits.body_max + RAW_SPARE)
        return 0;
    f->why = FETCH_TOO_MUCH;
    return 1;
}

static CURLcode on_tls(CURL *easy, void *context, void *user)
{
    struct fetch *f = user;
    (void)easy;
    fetch_tls_prepare(context, f->verify ? f->client->trusted : NULL);
    fetch_tls_keep_leaf(context, &f->certificate);
    return CURLE_OK;
}

/* ---- one request ---- */

static void list_put(struct fetch_client *client, struct fetch *f)
{
    f->before = NULL;
    f->next = client->first;
    if (client->first != NULL)
        client->first->before = f;
    client->first = f;
    client->counters.under_way++;
}

/* Out of everything but memory: events of this turn may still lead here. */
static void unplug(struct fetch *f)
{
    struct fetch_client *client = f->client;
    *(f->before != NULL ? &f->before->next : &client->first) = f->next;
    if (f->next != NULL)
        f->next->before = f->before;
    client->counters.under_way--;
    f->over = true;
    if (f->running)
        (void)curl_multi_remove_handle(client->multi, f->easy);
    curl_easy_cleanup(f->easy);
    f->easy = NULL;
    if (f->fd >= 0)
        (void)close(f->fd);
    f->fd = -1;
    client->brotlis -= f->brotli;
    f->next = client->gone;
    client->gone = f;
}

static void release(struct fetch *f)
{
    curl_easy_cleanup(f->easy);
    curl_slist_free_all(f->connect_to);
    curl_slist_free_all(f->headers);
    if (f->fd >= 0)
        (void)close(f->fd);
    buf_done(&f->body);
    buf_done(&f->certificate);
    free(f);
}

static void bury(struct fetch_client *client)
{
    while (client->gone != NULL) {
        struct fetch *f = client->gone;
        client->gone = f->next;
        client->counters.held -= f->body.len;
        release(f);
    }
}

static void finish(struct fetch *f, enum fetch_ending ending)
{
    struct fetch_client *client = f->client;
    unplug(f);
    client->counters.ended[ending]++;
    const struct fetch_result result = {.ending = ending,
                                        .head = &f->head,
                                        .body = buf_as_span(&f->body),
                                        .certificate = buf_as_span(&f->certificate),
                                        .bytes_in = f->bytes_in,
                                        .detail = f->detail};
    client->done(client->user, f->user, &result);
}

static int prepare_texts(struct fetch *f, const struct fetch_request *request)
{
    char text[ADDR_TEXT_SIZE], to[ADDR_TEXT_SIZE + 16];
    bool v4 = addr_is_v4(request->to.addr);
    (void)addr_print(request->to.addr, text);
    (void)snprintf(to, sizeof to, v4 ? "::%s:%u" : "::[%s]:%u", text, request->to.port);
    f->connect_to = curl_slist_append(NULL, to);
    struct curl_slist *headers = curl_slist_append(NULL, "Connection: close"), *more = NULL;
    f->headers = headers;
    if (headers != NULL && request->accept != NULL) {
        struct buf accept;
        buf_init(&accept, 512);
        buf_printf(&accept, "Accept: %s", request->accept);
        more = accept.error == 0 ? curl_slist_append(headers, buf_cstr(&accept)) : NULL;
        buf_done(&accept);
    }
    return f->connect_to != NULL && headers != NULL && (request->accept == NULL || more != NULL) ? 0 : -ENOMEM;
}

#define SET(option, value) r = r == CURLE_OK ? curl_easy_setopt(e, option, value) : r

/* Whatever could make it remember, ask elsewhere or read a file is off. */
static CURLcode prepare_bounds(CURL *e)
{
    CURLcode r = CURLE_OK;
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_NOPROXY, "*");
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_FORBID_REUSE, 1L);
    SET(CURLOPT_FRESH_CONNECT, 1L);
    SET(CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_HTTP09_ALLOWED, 0L);
    SET(CURLOPT_SSL_ENABLE_ALPN, 0L);
    SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
    SET(CURLOPT_CAINFO, NULL);
    SET(CURLOPT_CAPATH, NULL);
    SET(CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
    SET(CURLOPT_BUFFERSIZE, (long)READ_SIZE);
    SET(CURLOPT_NOPROGRESS, 0L);
    return r;
}

static CURLcode prepare_request(struct fetch *f)
{
    CURL *e = f->easy;
    CURLcode r = prepare_bounds(e);
    SET(CURLOPT_URL, f->url.text);
    SET(CURLOPT_CONNECT_TO, f->connect_to);
    SET(CURLOPT_HTTPHEADER, f->headers);
    SET(CURLOPT_USERAGENT, f->client->agent);
    SET(CURLOPT_SSL_VERIFYPEER, f->verify ? 1L : 0L);
    SET(CURLOPT_SSL_VERIFYHOST, f->verify ? 2L : 0L);
    SET(CURLOPT_SSL_CTX_FUNCTION, on_tls);
    SET(CURLOPT_SSL_CTX_DATA, f);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(f->limits.total / USEC_PER_MSEC + 1000)); /* our own clock is earlier */
    SET(CURLOPT_OPENSOCKETFUNCTION, on_open);
    SET(CURLOPT_OPENSOCKETDATA, f);
    SET(CURLOPT_SOCKOPTFUNCTION, on_opened);
    SET(CURLOPT_HEADERFUNCTION, on_head);
    SET(CURLOPT_HEADERDATA, f);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, f);
    SET(CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(CURLOPT_XFERINFODATA, f);
    SET(CURLOPT_ERRORBUFFER, f->detail);
    SET(CURLOPT_PRIVATE, f);
    return r;
}

int fetch_start(struct fetch_client *client, const struct fetch_request *request, struct fetch **ret)
{
    struct fetch *f = calloc(1, sizeof *f);
    if (f == NULL) {
        (void)close(request->fd);
        return -ENOMEM;
    }
    f->client = client;
    f->fd = request->fd;
    f->user = request->user;
    f->verify = request->verify;
    f->url = *request->url;
    f->limits = request->limits;
    if (f->limits.body_max == 0 || f->limits.body_max > FETCH_BODY_MAX)
        f->limits.body_max = FETCH_BODY_MAX;
    f->began = usec_monotonic();
    f->on_its_way = true;
    buf_init(&f->body, FETCH_BODY_MAX);
    buf_init(&f->certificate, FETCH_CERTIFICATE_MAX);
    f->easy = curl_easy_init();
    int r = f->easy != NULL ? prepare_texts(f, request) : -ENOMEM;
    CURLcode code = r == 0 ? prepare_request(f) : CURLE_OK;
    if (code != CURLE_OK)
        r = code == CURLE_OUT_OF_MEMORY ? -ENOMEM : -ERR_MALFORMED;
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = f};
    if (r == 0 && epoll_ctl(client->epoll_fd, EPOLL_CTL_ADD, f->fd, &event) != 0)
        r = -errno;
    if (r != 0) {
        release(f);
        return r;
    }
    list_put(client, f);
    client->counters.started++;
    if (ret != NULL)
        *ret = f;
    return 0;
}

void fetch_drop(struct fetch *f)
{
    struct fetch_client *client = f->client;
    assert(!f->over);
    unplug(f);
    if (!client->turning)
        bury(client);
}

/* ---- what happens to it ---- */

static void came_through(struct fetch *f)
{
    int error = 0;
    socklen_t len = sizeof error;
    if (getsockopt(f->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    if (error != 0) {
        (void)snprintf(f->detail, sizeof f->detail, "%s", err_text(-error));
        finish(f, error == ECONNREFUSED ? FETCH_REFUSED : FETCH_UNREACHABLE);
        return;
    }
    (void)epoll_ctl(f->client->epoll_fd, EPOLL_CTL_DEL, f->fd, NULL);
    f->on_its_way = false;
    f->connected = usec_monotonic();
    f->running = curl_multi_add_handle(f->client->multi, f->easy) == CURLM_OK;
    if (!f->running)
        finish(f, FETCH_MEMORY);
}

static bool is_tls(CURLcode code)
{
    switch (code) {
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_SHUTDOWN_FAILED:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return true;
    default:
        return false;
    }
}

static enum fetch_ending ending_of(const struct fetch *f, CURLcode code)
{
    if (f->why != FETCH_WHOLE)
        return f->why;
    if (code == CURLE_OUT_OF_MEMORY) /* so libcurl calls a line of the head that is too long, too */
        return f->running && !f->in_body ? FETCH_BROKEN : FETCH_MEMORY;
    if (is_tls(code))
        return FETCH_TLS;
    switch (code) {
    case CURLE_OK:
        return FETCH_WHOLE;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        return FETCH_UNTRUSTED;
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
        return f->head.bytes > 0 ? FETCH_SHORT : FETCH_SILENT;
    case CURLE_OPERATION_TIMEDOUT:
        return FETCH_SLOW;
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
        return FETCH_UNREACHABLE;
    default:
        return FETCH_BROKEN;
    }
}

static void take_messages(struct fetch_client *client)
{
    CURLMsg *message;
    int left = 0;
    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        struct fetch *f = NULL;
        CURLcode code = message->data.result;
        if (message->msg != CURLMSG_DONE || curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&f) != CURLE_OK || f == NULL)
            continue;
        if (f->detail[0] == '\0' && code != CURLE_OK)
            (void)snprintf(f->detail, sizeof f->detail, "%s", curl_easy_strerror(code));
        finish(f, ending_of(f, code));
    }
}

/* When something about it is decided by the clock. */
static usec_t due_of(const struct fetch *f)
{
    const struct fetch_limits *l = &f->limits;
    usec_t due = f->began + l->total, other = due;
    if (f->on_its_way)
        other = f->began + l->connect;
    else if (f->head.bytes == 0)
        other = f->connected + l->first_byte;
    else if (l->pace > 0)
        other = (f->window > 0 ? f->window : f->connected) + l->pace;
    return other < due ? other : due;
}

static void check_clock(struct fetch *f, usec_t now)
{
    const struct fetch_limits *l = &f->limits;
    if (now < due_of(f))
        return;
    bool in_all = now >= f->began + l->total;
    if (!in_all && !f->on_its_way && f->head.bytes > 0) {
        bool fast = f->window == 0 || f->bytes_in - f->window_bytes >= l->pace_bytes;
        f->window = now;
        f->window_bytes = f->bytes_in;
        if (fast)
            return;
    }
    (void)snprintf(f->detail, sizeof f->detail, "%s", in_all ? "the time is used up" : "no progress");
    finish(f, f->on_its_way ? FETCH_UNREACHABLE : f->head.bytes == 0 ? FETCH_SILENT : FETCH_SLOW);
}

/* Callbacks may drop any other: begun anew after each end. */
static void check_clocks(struct fetch_client *client, usec_t now)
{
    struct fetch *f = client->first;
    while (f != NULL) {
        struct fetch *next = f->next;
        check_clock(f, now);
        f = f->over ? client->first : next;
    }
}

static void take_event(struct fetch_client *client, const struct epoll_event *event)
{
    struct fetch *f = event->data.ptr;
    int running = 0, what = 0;
    if (f->over)
        return;
    if (f->on_its_way) {
        came_through(f);
        return;
    }
    what |= (event->events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0;
    what |= (event->events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0;
    what |= (event->events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0;
    (void)curl_multi_socket_action(client->multi, f->theirs, what, &running);
}

void fetch_run(struct fetch_client *client)
{
    struct epoll_event events[EVENTS];
    int running = 0;
    client->turning = true;
    int count = epoll_pwait(client->epoll_fd, events, EVENTS, 0, NULL);
    for (int i = 0; i < count; i++)
        take_event(client, &events[i]);
    usec_t now = usec_monotonic();
    if (client->curl_due != 0 && client->curl_due <= now) {
        client->curl_due = 0;
        (void)curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    take_messages(client);
    check_clocks(client, now);
    client->turning = false;
    bury(client);
}

usec_t fetch_due(const struct fetch_client *client)
{
    usec_t due = client->curl_due;
    for (const struct fetch *f = client->first; f != NULL; f = f->next) {
        usec_t own = due_of(f);
        if (due == 0 || own < due)
            due = own;
    }
    return due;
}

/* ---- life ---- */

static int make(struct fetch_client *client, const char *agent, struct span ca)
{
    client->agent = strdup(agent);
    client->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (client->agent == NULL || client->epoll_fd < 0)
        return client->agent == NULL ? -ENOMEM : -errno;
    (void)OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL); /* first: libcurl would have it read */
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return -ENOMEM;
    client->multi = curl_multi_init();
    if (client->multi == NULL || curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_socket) != CURLM_OK ||
        curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client) != CURLM_OK ||
        curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_timer) != CURLM_OK ||
        curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client) != CURLM_OK ||
        curl_multi_setopt(client->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING) != CURLM_OK)
        return -ENOMEM;
    return fetch_tls_trust(ca, &client->trusted);
}

int fetch_client_new(struct fetch_client **ret, const char *agent, struct span ca, fetch_done *done, void *user)
{
    struct fetch_client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return -ENOMEM;
    client->epoll_fd = -1;
    client->done = done;
    client->user = user;
    int r = make(client, agent, ca);
    if (r != 0) {
        fetch_client_free(client);
        return r;
    }
    *ret = client;
    return 0;
}

void fetch_client_free(struct fetch_client *client)
{
    if (client == NULL)
        return;
    while (client->first != NULL)
        unplug(client->first);
    bury(client);
    if (client->multi != NULL)
        (void)curl_multi_cleanup(client->multi);
    X509_STORE_free(client->trusted);
    if (client->epoll_fd >= 0)
        (void)close(client->epoll_fd);
    free(client->agent);
    free(client);
}

int fetch_fd(const struct fetch_client *client)
{
    return client->epoll_fd;
}

const struct fetch_counters *fetch_counters(const struct fetch_client *client)
{
    return &client->counters;
}
