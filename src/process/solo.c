#include "process/solo.h"

#include "base/err.h"
#include "process/child.h"
#include "process/equipment.h"
#include "process/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REAP_EVERY_MSEC = 5, SLOTS_MAX = 256 };

struct solo {
    uv_loop_t loop;
    uv_timer_t reaper; /* a verb's process has no handler for SIGCHLD */
    struct folder folder;
    struct equipment equipment;
    int program_fd, channel_fd;
    struct child *child;
    const struct conf *settings;
    struct buf yaml, *why;
    bool ready, ended;
    int status;
};

static void grant(struct solo *s, const char *name, int fd)
{
    child_tell(s->child, MESSAGE_GRANT, span_text(name), fd);
}

/* The journals of edges and of reach, which don't run now: their counters belong to the pipeline's report all the same. */
static void grant_rings(struct solo *s)
{
    for (unsigned index = 0; index <= SLOTS_MAX; index++) {
        char file[32], name[32];
        int fd;
        bool reach = index == STATION_REACH_RING;
        (void)snprintf(file, sizeof file, "journal/%s-%u.ring", reach ? "reach" : "edge", reach ? 0 : index);
        (void)snprintf(name, sizeof name, "ring.%u", index);
        if (folder_view(&s->folder, file, &fd) != 0)
            continue;
        grant(s, name, fd);
        (void)close(fd);
    }
}

static void on_started(struct child *child, void *user)
{
    struct solo *s = user;
    child_tell(child, MESSAGE_SETTINGS, buf_as_span(&s->yaml), -1);
    grant(s, "lock", s->folder.lock_fd);
    grant_rings(s);
    for (size_t i = 0; i < s->equipment.count; i++)
        grant(s, s->equipment.items[i].name, s->equipment.items[i].fd);
    int fds[2];
    if (channel_pair(fds) == 0) {
        child_tell(child, MESSAGE_PEER, span_text("client.0"), fds[1]);
        (void)close(fds[1]);
        s->channel_fd = fds[0];
    }
    child_tell(child, MESSAGE_START, (struct span){0}, -1);
}

static void on_ready(struct child *child, void *user)
{
    (void)child;
    ((struct solo *)user)->ready = true;
}

static void on_failed(struct child *child, void *user, struct span line)
{
    struct solo *s = user;
    if (s->why != NULL && s->why->len == 0)
        buf_printf(s->why, "%s: %.*s", child_name(child), (int)line.len, (const char *)line.at);
}

static void on_accused(struct child *child, void *user, struct span name)
{
    (void)child, (void)user, (void)name; /* the only peer is the caller, who notices by the end of his channel */
}

static void on_ended(struct child *child, void *user, int status)
{
    (void)child;
    struct solo *s = user;
    s->ended = true;
    s->status = status;
}

static void on_reap(uv_timer_t *timer)
{
    child_reap(((struct solo *)timer->data)->child);
}

static void run_until(struct solo *s, const bool *what)
{
    (void)uv_timer_start(&s->reaper, on_reap, REAP_EVERY_MSEC, REAP_EVERY_MSEC);
    while (!*what && !s->ended)
        (void)uv_run(&s->loop, UV_RUN_ONCE);
    (void)uv_timer_stop(&s->reaper);
}

/* Everything but the loop, which is closed last. */
static void release(struct solo *s)
{
    child_free(s->child);
    uv_close((uv_handle_t *)&s->reaper, NULL);
    (void)uv_run(&s->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&s->loop);
    if (s->channel_fd >= 0)
        (void)close(s->channel_fd);
    if (s->program_fd >= 0)
        (void)close(s->program_fd);
    equipment_done(&s->equipment);
    folder_close(&s->folder);
    buf_done(&s->yaml);
    free(s);
}

/* What the store's role wants made of the operator's files. */
static int equip(struct solo *s, const struct role *role)
{
    struct conf_error error = {{0}};
    if (role->equip == NULL)
        return 0;
    int r = role->equip(s->settings, &s->equipment, &error);
    if (r != 0)
        buf_text(s->why, error.text);
    return r;
}

static int start(struct solo *s, const char *program)
{
    static const struct child_events events = {
        .started = on_started, .ready = on_ready, .failed = on_failed, .accused = on_accused, .ended = on_ended};
    const struct role *role = role_by_name(span_text("store"));
    s->program_fd = open(program != NULL ? program : "/proc/self/exe", O_PATH | O_CLOEXEC);
    int r = role == NULL ? -ERR_UNKNOWN : s->program_fd < 0 ? -errno : 0;
    if (r == 0)
        r = conf_dump(s->settings, &s->yaml);
    if (r == 0)
        r = equip(s, role);
    if (r == 0)
        r = child_new(&s->child, &s->loop, role, 0, s->program_fd, &events, s);
    if (r == 0)
        r = child_start(s->child);
    if (r == 0) {
        run_until(s, &s->ready);
        if (!s->ready)
            r = -ERR_STORE;
    }
    if (r != 0 && s->why->len == 0)
        buf_printf(s->why, "the store can't be started: %s", err_text(r));
    return r;
}

int solo_start_store(struct solo **ret, const struct conf *settings, const char *program, struct buf *why)
{
    struct solo *s = calloc(1, sizeof *s);
    int r = s != NULL ? uv_loop_init(&s->loop) : -ENOMEM;
    if (r != 0) {
        free(s);
        buf_printf(why, "the store can't be started: %s", err_text(r));
        return r;
    }
    (void)uv_timer_init(&s->loop, &s->reaper);
    s->reaper.data = s;
    s->settings = settings;
    s->why = why;
    s->program_fd = s->channel_fd = -1;
    s->folder.lock_fd = -1;
    buf_init(&s->yaml, 0);
    r = folder_open(&s->folder, settings, why);
    if (r == 0)
        r = start(s, program);
    s->why = NULL; /* the caller's line lives no longer than this call */
    if (r != 0) {
        release(s);
        return r;
    }
    *ret = s;
    return 0;
}

int solo_take_channel(struct solo *s)
{
    int fd = s->channel_fd;
    s->channel_fd = -1;
    return fd;
}

int solo_stop(struct solo *s, struct buf *why)
{
    if (s == NULL)
        return 0;
    s->why = why;
    bool never = false;
    /* What it said meanwhile comes first. */
    (void)uv_run(&s->loop, UV_RUN_NOWAIT);
    if (!s->ended) {
        child_stop(s->child, (uint64_t)(conf_int(s->settings, "process.stop_timeout") / USEC_PER_MSEC));
        run_until(s, &never);
    }
    int r = s->status == 0 ? 0 : -ERR_STORE;
    if (r != 0 && why != NULL && why->len == 0)
        buf_printf(why, "the store did not end cleanly (wait status %#x)", (unsigned)s->status);
    release(s);
    return r;
}
