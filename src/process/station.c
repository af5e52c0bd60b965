/* The role's side of role.h: receives what the supervisor gives, raises the walls, runs the role. */
#include "base/cursor.h"
#include "base/err.h"
#include "base/log.h"
#include "process/confine.h"
#include "process/role.h"
#include "process/supervisor.h"
#include "process/walls.h"
#include "settings.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { CHANNEL_FD = 3, NAME_MAX_LEN = 64, HELD_MAX = 4096, EXIT_FAILURE_STATUS = 1, WHY_MAX = 1000 };

/* A descriptor with its name: a grant, or a peer that came before the role said what to do with peers. */
struct held {
    char name[NAME_MAX_LEN + 1];
    int fd;
};

struct held_list {
    struct held *items;
    size_t count, size;
};

struct station {
    const struct role *role;
    unsigned index;
    char name[NAME_MAX_LEN + 1]; /* edge.0 */
    struct conf *settings;
    uv_loop_t loop;
    uv_timer_t deferred; /* gives what came before station_events */
    struct channel *channel;
    struct held_list grants, peers;
    struct buf lists; /* u32 length + text, twice, as they came */
    const struct station_events *events;
    void *user;
    bool started, orphaned, lists_due, stop_due, drain_due;
    char why[WHY_MAX];
};

/* Set when the supervisor dies: how long the role may take to end. */
static unsigned grace_sec = 20;

static void on_orphaned(int signal_number)
{
    (void)signal_number;
    (void)alarm(grace_sec); /* whose default is death, should the role hang */
}

static int hold(struct held_list *list, struct span name, int fd)
{
    if (name.len > NAME_MAX_LEN || list->count >= HELD_MAX)
        return -ERR_LIMIT;
    for (size_t i = 0; i < list->count; i++) {
        if (span_is(name, list->items[i].name)) {
            (void)close(list->items[i].fd);
            list->items[i].fd = fd;
            return 0;
        }
    }
    if (list->count == list->size) {
        size_t size = list->size == 0 ? 16 : list->size * 2;
        struct held *more = reallocarray(list->items, size, sizeof *more);
        if (more == NULL)
            return -ENOMEM;
        list->items = more;
        list->size = size;
    }
    struct held *item = &list->items[list->count++];
    *item = (struct held){.fd = fd};
    memcpy(item->name, name.at, name.len);
    return 0;
}

static void held_done(struct held_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        (void)close(list->items[i].fd);
    free(list->items);
    *list = (struct held_list){0};
}

/* "edge.12" into its parts. */
static int split_name(const char *text, char name[static NAME_MAX_LEN + 1], unsigned *ret_index)
{
    const char *dot = strrchr(text, '.');
    if (dot == NULL || dot == text || dot - text > NAME_MAX_LEN || dot[1] < '0' || dot[1] > '9')
        return -ERR_MALFORMED;
    char *end;
    errno = 0;
    unsigned long index = strtoul(dot + 1, &end, 10);
    if (*end != '\0' || errno != 0 || index > 100000)
        return -ERR_MALFORMED;
    memcpy(name, text, (size_t)(dot - text));
    name[dot - text] = '\0';
    *ret_index = (unsigned)index;
    return 0;
}

static void give_peer(struct station *s, const struct held *peer)
{
    char name[NAME_MAX_LEN + 1];
    unsigned index;
    if (s->events->peer == NULL || split_name(peer->name, name, &index) != 0)
        (void)close(peer->fd);
    else
        s->events->peer(s, name, index, peer->fd);
}

static void give_stop(struct station *s)
{
    if (s->events->stop != NULL)
        s->events->stop(s);
    else
        uv_stop(&s->loop);
}

static void give_lists(struct station *s)
{
    struct cursor c = cursor_of(buf_as_span(&s->lists));
    struct span blocklist = cursor_take(&c, cursor_be32(&c));
    struct span optout = cursor_take(&c, cursor_be32(&c));
    s->lists_due = false;
    if (c.error == 0 && s->events->lists != NULL)
        s->events->lists(s, blocklist, optout);
}

/* What came while the role had not yet said what to do with it, and what comes since. */
static void give_due(struct station *s)
{
    if (s->lists_due)
        give_lists(s);
    for (size_t i = 0; i < s->peers.count; i++) {
        struct held peer = s->peers.items[i];
        give_peer(s, &peer);
    }
    s->peers.count = 0;
    if (s->drain_due) {
        s->drain_due = false;
        if (s->events->drain != NULL)
            s->events->drain(s);
        else
            give_stop(s);
    }
    if (s->stop_due) {
        s->stop_due = false;
        give_stop(s);
    }
}

static void on_deferred(uv_timer_t *timer)
{
    give_due(timer->data);
}

static void take_settings(struct station *s, struct span yaml)
{
    struct conf_error error;
    struct conf *settings;
    if (conf_parse(&settings, "settings", yaml, settings_schema(), &error) != 0) {
        (void)snprintf(s->why, sizeof s->why, "%s", error.text);
        return;
    }
    conf_free(s->settings);
    s->settings = settings;
    grace_sec = (unsigned)(conf_int(settings, "process.stop_timeout") / USEC_PER_SEC) + 1;
}

/* The last ones that came are those that hold. */
static void take_lists(struct station *s, struct span body)
{
    buf_clear(&s->lists);
    buf_span(&s->lists, body);
    s->lists_due = s->lists.error == 0;
}

static void on_message(struct channel *channel, void *user, enum message message, struct span body, int *fds, size_t fd_count)
{
    (void)channel;
    struct station *s = user;
    switch (message) {
    case MESSAGE_SETTINGS:
        if (!s->started)
            take_settings(s, body);
        return;
    case MESSAGE_GRANT:
        if (fd_count == 1 && hold(&s->grants, body, fds[0]) == 0)
            fds[0] = -1;
        return;
    case MESSAGE_PEER:
        if (fd_count == 1 && hold(&s->peers, body, fds[0]) == 0)
            fds[0] = -1;
        break;
    case MESSAGE_START:
        s->started = true;
        return;
    case MESSAGE_LISTS:
        take_lists(s, body);
        break;
    case MESSAGE_STOP:
        s->stop_due = true;
        break;
    case MESSAGE_RELOAD:
        s->drain_due = true;
        break;
    default:
        return;
    }
    if (s->events != NULL)
        give_due(s);
}

static void on_closed(struct channel *channel, void *user, int error)
{
    (void)channel;
    struct station *s = user;
    s->orphaned = s->stop_due = true;
    on_orphaned(0);
    if (error != 0)
        log_error("the supervisor's channel broke: %s", err_text(error));
    if (s->events != NULL)
        give_due(s);
}

const struct conf *station_settings(const struct station *s)
{
    return s->settings;
}

unsigned station_index(const struct station *s)
{
    return s->index;
}

uv_loop_t *station_loop(struct station *s)
{
    return &s->loop;
}

int station_grant(const struct station *s, const char *name)
{
    for (size_t i = 0; i < s->grants.count; i++) {
        if (strcmp(s->grants.items[i].name, name) == 0)
            return s->grants.items[i].fd;
    }
    return -1;
}

void station_events(struct station *s, const struct station_events *events, void *user)
{
    s->events = events;
    s->user = user;
    (void)uv_timer_start(&s->deferred, on_deferred, 0, 0);
}

void *station_user(struct station *s)
{
    return s->user;
}

int station_ready(struct station *s)
{
    return channel_send(s->channel, MESSAGE_READY, (struct span){0}, NULL, 0);
}

void station_accuse(struct station *s, const char *name, unsigned index)
{
    char text[NAME_MAX_LEN + 1];
    int len = snprintf(text, sizeof text, "%s.%u", name, index);
    if (len > 0 && (size_t)len < sizeof text)
        (void)channel_send(s->channel, MESSAGE_ACCUSE, span_of(text, (size_t)len), NULL, 0);
}

int station_failed(struct station *s, const char *format, ...)
{
    struct buf line;
    buf_init(&line, 0);
    va_list arguments;
    va_start(arguments, format);
    buf_vprintf(&line, format, arguments);
    va_end(arguments);
    struct span text = span_part(buf_as_span(&line), 0, WHY_MAX);
    if (text.len == 0)
        text = span_text("it gave no reason");
    if (channel_send(s->channel, MESSAGE_FAILED, text, NULL, 0) != 0)
        log_error("%.*s", (int)text.len, (const char *)text.at);
    buf_done(&line);
    return EXIT_FAILURE_STATUS;
}

static void open_log(const struct station *s)
{
    static const char *const levels[] = {"debug", "info", "warning", "error"};
    enum log_level least = LOG_LEVEL_INFO;
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        if (strcmp(levels[i], conf_text(s->settings, "log.level")) == 0)
            least = (enum log_level)i;
    }
    log_open(s->name, least);
}

/* Signals of a terminal or a service manager reach the whole group; it is the supervisor that says when to end. */
static void set_signals(void)
{
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    struct sigaction orphaned = {.sa_handler = on_orphaned, .sa_flags = SA_RESTART};
    (void)sigaction(SIGUSR1, &orphaned, NULL);
    (void)prctl(PR_SET_PDEATHSIG, SIGUSR1, 0, 0, 0);
}

static int open_station(struct station *s, const char *name_and_index)
{
    char name[NAME_MAX_LEN + 1];
    if (split_name(name_and_index, name, &s->index) != 0)
        return -ERR_MALFORMED;
    s->role = role_by_name(span_text(name));
    if (s->role == NULL)
        return -ERR_UNKNOWN;
    (void)snprintf(s->name, sizeof s->name, "%s.%u", name, s->index);
    (void)prctl(PR_SET_NAME, s->name, 0, 0, 0);
    log_open(s->name, LOG_LEVEL_INFO);
    /* An io_uring would walk around the system-call filter. */
    (void)setenv("UV_USE_IO_URING", "0", 1);
    buf_init(&s->lists, 0);
    int r = uv_loop_init(&s->loop);
    if (r == 0)
        r = uv_timer_init(&s->loop, &s->deferred);
    static const struct channel_events events = {.message = on_message, .closed = on_closed};
    if (r == 0)
        r = channel_new(&s->channel, &s->loop, CHANNEL_FD, s->role->party, PARTY_SUPERVISOR, &events, s);
    s->deferred.data = s;
    uv_unref((uv_handle_t *)&s->deferred);
    return r;
}

static void on_touched(uv_handle_t *handle)
{
    (void)handle;
}

/* libuv opens /dev/null for its first stream; it must do so before the walls. */
static void touch_streams(struct station *s)
{
    static uv_tcp_t stream;
    if (uv_tcp_init(&s->loop, &stream) == 0)
        uv_close((uv_handle_t *)&stream, on_touched);
}

static int run(struct station *s)
{
    while (!s->started && !s->orphaned)
        (void)uv_run(&s->loop, UV_RUN_ONCE);
    if (s->orphaned)
        return EXIT_FAILURE_STATUS;
    if (s->settings == NULL)
        return station_failed(s, "its settings are not usable: %s", s->why);
    open_log(s);
    touch_streams(s);
    int status = s->role->prepare != NULL ? s->role->prepare(s) : 0;
    if (status != 0)
        return status;
    struct buf why;
    buf_init(&why, WHY_MAX);
    int r = confine(&s->role->wall, conf_text(s->settings, "store.folder"), identity_choose(s->settings), &why);
    if (r != 0)
        (void)snprintf(s->why, sizeof s->why, "%s", why.len > 0 ? buf_cstr(&why) : err_text(r));
    buf_done(&why);
    if (r != 0)
        return station_failed(s, "%s", s->why);
    /* A change of user forgets it. */
    (void)prctl(PR_SET_PDEATHSIG, SIGUSR1, 0, 0, 0);
    return s->role->run(s);
}

int role_main(const char *name_and_index)
{
    static struct station station;
    set_signals();
    int status = open_station(&station, name_and_index);
    if (status != 0) {
        log_error("--role %s: %s; roles are started by the supervisor", name_and_index, err_text(status));
        return 2;
    }
    status = run(&station);
    /* The loop is not run again: what the role left on it may be gone with its stack. */
    held_done(&station.grants);
    held_done(&station.peers);
    buf_done(&station.lists);
    conf_free(station.settings);
#ifdef NOROSHI_SANITIZED
    _exit(status); /* the leak checker starts a thread and traces, which the walls forbid */
#endif
    return status;
}
