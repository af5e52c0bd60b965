#include "process/supervisor.h"

#include "base/err.h"
#include "base/log.h"
#include "process/team.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum { STATUS_FAILED = 1, STATUS_CONFIG = 2, LISTS_EVERY_MSEC = 300 };

/*
 * What root's supervisor keeps: SETUID and SETGID so that roles become process.user, KILL to end them then, NET_BIND_SERVICE for the
 * ports and DAC_READ_SEARCH for the files of a reload, NET_RAW for captures, SETPCAP to take more away. Files in the data folder
 * are made with the user's own rights, so that neither CHOWN nor DAC_OVERRIDE is needed after the start.
 */
#define KEPT_CAPABILITIES                                                                                           \
    (UINT64_C(1) << CAP_SETUID | UINT64_C(1) << CAP_SETGID | UINT64_C(1) << CAP_SETPCAP | UINT64_C(1) << CAP_KILL | \
     UINT64_C(1) << CAP_NET_BIND_SERVICE | UINT64_C(1) << CAP_NET_RAW | UINT64_C(1) << CAP_DAC_READ_SEARCH)

uint64_t team_stop_msec(const struct team *t)
{
    return (uint64_t)(conf_int(t->now->settings, "process.stop_timeout") / USEC_PER_MSEC);
}

static void announce(struct team *t)
{
    t->phase = PHASE_RUNNING;
    (void)!write(t->how->ready_fd > 0 ? t->how->ready_fd : STDERR_FILENO, "ready\n", 6);
    (void)sd_notify(0, "READY=1");
}

/* Edges of an earlier run that no edge of this one follows: their journals still hold what was not acknowledged. */
static void drain_predecessors(struct team *t)
{
    for (unsigned index = t->now->listeners.edges; index < SLOTS_MAX; index++) {
        char ring[32];
        (void)snprintf(ring, sizeof ring, "journal/edge-%u.ring", index);
        if (t->slots[index].taken || !folder_has(&t->folder, ring))
            continue;
        struct buf why;
        buf_init(&why, 512);
        struct member *m;
        int r = slot_open(t, index, &why);
        if (r == 0)
            r = member_add(t, "edge", index, 0, t->now, &m);
        if (r == 0) {
            m->draining = true;
            r = child_start(m->child);
        }
        if (r != 0)
            log_warning("the journal of an earlier edge.%u can't be emptied: %s", index, why.len > 0 ? buf_cstr(&why) : err_text(r));
        buf_done(&why);
    }
}

/* The store serves: the others may come. */
static void start_others(struct team *t)
{
    struct buf why;
    buf_init(&why, 512);
    int r = singles_settle(t, NULL, &why);
    if (r == 0)
        r = edges_add(t, t->now, &why);
    if (r != 0) {
        log_error("%s", why.len > 0 ? buf_cstr(&why) : err_text(r));
        team_end(t, STATUS_FAILED);
    }
    buf_done(&why);
}

static bool all_ready(const struct team *t)
{
    for (const struct member *m = t->members; m != NULL; m = m->next) {
        if (!m->draining && child_state(m->child) != CHILD_READY)
            return false;
    }
    return edges_ready(t, t->now);
}

void team_ready(struct team *t, struct member *m)
{
    if (t->phase == PHASE_STARTING) {
        if (child_role(m->child)->party == PARTY_STORE && member_of(t, PARTY_EDGE) == NULL)
            start_others(t);
        if (t->phase == PHASE_STARTING && all_ready(t)) {
            announce(t);
            drain_predecessors(t);
        }
    } else if (t->phase == PHASE_RUNNING) {
        reload_ready(t);
    }
}

/* Stops the running members of a party; false when there are none. */
static bool stop_party(struct team *t, enum party party)
{
    bool any = false;
    for (struct member *m = t->members, *next; m != NULL; m = next) {
        next = m->next;
        if (child_role(m->child)->party != party)
            continue;
        m->leaving = true;
        child_stop(m->child, team_stop_msec(t));
        any = any || child_pid(m->child) > 0;
    }
    return any;
}

static bool any_running(const struct team *t, enum party party)
{
    for (const struct member *m = t->members; m != NULL; m = m->next) {
        if (child_role(m->child)->party == party && child_pid(m->child) > 0)
            return true;
    }
    return false;
}

static void close_signals(struct team *t)
{
    if (uv_is_closing((uv_handle_t *)&t->lists_timer) == 0)
        uv_close((uv_handle_t *)&t->lists_timer, NULL);
    for (size_t i = 0; i < sizeof t->signals / sizeof t->signals[0]; i++) {
        if (uv_is_closing((uv_handle_t *)&t->signals[i]) == 0)
            uv_close((uv_handle_t *)&t->signals[i], NULL);
    }
}

/* Those whose journals the store must still empty end together, then analysis, then the store. */
static const enum party ending_order[][2] = {[PHASE_ENDING_EDGES] = {PARTY_EDGE, PARTY_REACH},
                                             [PHASE_ENDING_ANALYSIS] = {PARTY_ANALYSE, PARTY_ANALYSE},
                                             [PHASE_ENDING_STORE] = {PARTY_STORE, PARTY_STORE}};

static bool stop_phase(struct team *t)
{
    bool first = stop_party(t, ending_order[t->phase][0]);
    return stop_party(t, ending_order[t->phase][1]) || first;
}

void team_advance(struct team *t)
{
    while (t->phase >= PHASE_ENDING_EDGES && t->phase < PHASE_OVER) {
        if (any_running(t, ending_order[t->phase][0]) || any_running(t, ending_order[t->phase][1]))
            return;
        t->phase++;
        if (t->phase < PHASE_OVER && stop_phase(t))
            return;
    }
    if (t->phase == PHASE_OVER)
        close_signals(t);
}

void team_end(struct team *t, int status)
{
    if (status != 0)
        t->status = status;
    if (t->phase >= PHASE_ENDING_EDGES)
        return;
    (void)sd_notify(0, "STOPPING=1");
    t->phase = PHASE_ENDING_EDGES;
    (void)stop_phase(t);
    team_advance(t);
}

static void kill_all(struct team *t)
{
    t->status = STATUS_FAILED;
    for (struct member *m = t->members; m != NULL; m = m->next) {
        m->leaving = true;
        child_kill(m->child);
    }
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct team *t = handle->data;
    if (number == SIGCHLD) {
        /* A member's end may take itself, and nobody else, off the list. */
        for (struct member *m = t->members, *next; m != NULL; m = next) {
            next = m->next;
            child_reap(m->child);
        }
    } else if (number == SIGHUP) {
        reload_begin(t);
    } else if (t->asked_to_stop != 0) {
        /* A terminal or a process group may deliver the same wish twice. */
        if (usec_monotonic() - t->asked_to_stop < USEC_PER_SEC)
            return;
        log_warning("asked to stop a second time: ending at once");
        kill_all(t);
    } else {
        t->asked_to_stop = usec_monotonic();
        log_info("stopping");
        team_end(t, 0);
    }
}

/* Whoever opts out is left alone within a second, without a reload. A verb that was killed leaves nobody behind: a signal for that (prctl
 * PR_SET_PDEATHSIG) would not survive our changes of user. */
static void on_lists_time(uv_timer_t *timer)
{
    struct team *t = timer->data;
    struct buf why;
    if (t->how->parent != 0 && getppid() != t->how->parent && t->asked_to_stop == 0) {
        t->asked_to_stop = usec_monotonic();
        team_end(t, 0);
        return;
    }
    buf_init(&why, 8192);
    if (lists_watch(&t->lists, &why))
        reach_tell_lists(t);
    if (why.len > 0)
        log_error("%s", buf_cstr(&why));
    buf_done(&why);
}

static int watch_signals(struct team *t)
{
    static const int numbers[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP};
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof numbers / sizeof numbers[0]; i++) {
        r = uv_signal_init(&t->loop, &t->signals[i]);
        t->signals[i].data = t;
        if (r == 0)
            r = uv_signal_start(&t->signals[i], on_signal, numbers[i]);
    }
    if (r == 0)
        r = uv_timer_init(&t->loop, &t->lists_timer);
    t->lists_timer.data = t;
    if (r == 0)
        r = uv_timer_start(&t->lists_timer, on_lists_time, LISTS_EVERY_MSEC, LISTS_EVERY_MSEC);
    (void)signal(SIGPIPE, SIG_IGN);
    return r;
}

/* Edges hold a descriptor per conversation; their walls lower this again. */
static void raise_open_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    const rlim_t wanted = 1 << 20;
    if (geteuid() == 0 && limit.rlim_max < wanted) {
        struct rlimit more = {.rlim_cur = wanted, .rlim_max = wanted};
        if (setrlimit(RLIMIT_NOFILE, &more) == 0)
            return;
    }
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Everything that needs more than the roles may: what goes wrong here is told in one line and ends the start. */
static int prepare(struct team *t)
{
    struct buf why;
    struct conf_error error = {.text = ""};
    buf_init(&why, 1024);
    raise_open_files();
    const char *program = t->how->program != NULL ? t->how->program : "/proc/self/exe";
    t->program_fd = open(program, O_PATH | O_CLOEXEC);
    int r = t->program_fd >= 0 ? 0 : -errno;
    if (r != 0)
        buf_printf(&why, "%s: %s", program, err_text(r));
    if (r == 0)
        r = folder_open(&t->folder, t->how->settings, &why);
    if (r == 0 && (r = generation_new(&t->now, t->how->settings, NULL, t->how->listening, NULL, &error)) != 0)
        buf_text(&why, error.text);
    if (r == 0)
        r = lists_open(&t->lists, t->how->settings, &t->folder, &why);
    if (r == 0)
        r = folder_control(&t->folder, &t->control_fd, &why);
    for (unsigned i = 0; r == 0 && i < t->now->listeners.edges; i++)
        r = slot_open(t, i, &why);
    if (r == 0 && geteuid() == 0)
        r = capabilities_reduce(KEPT_CAPABILITIES, KEPT_CAPABILITIES, &why);
    if (r != 0)
        log_error("%s", why.len > 0 ? buf_cstr(&why) : err_text(r));
    buf_done(&why);
    return r;
}

static int start(struct team *t)
{
    int r = uv_loop_init(&t->loop);
    if (r == 0)
        r = watch_signals(t);
    struct member *store;
    if (r == 0)
        r = member_add(t, "store", 0, 0, t->now, &store);
    if (r == 0)
        r = child_start(store->child);
    if (r != 0)
        log_error("the store can't be started: %s", err_text(r));
    return r;
}

static void done(struct team *t)
{
    if (t->control_fd >= 0) {
        (void)close(t->control_fd);
        folder_forget_control(&t->folder);
    }
    lists_close(&t->lists);
    for (unsigned i = 0; i <= SLOTS_MAX; i++) {
        if (t->slots[i].open) {
            (void)close(t->slots[i].ring_fd);
            (void)close(t->slots[i].ring_view_fd);
            (void)close(t->slots[i].spool_fd);
        }
    }
    generation_drop(t->next);
    generation_drop(t->now);
    folder_close(&t->folder);
    if (t->program_fd >= 0)
        (void)close(t->program_fd);
}

int supervise(const struct supervision *how)
{
    static struct team team; /* 16 KiB of slots */
    struct team *t = &team;
    *t = (struct team){.how = how, .program_fd = -1, .control_fd = -1, .folder = {.lock_fd = -1}};
    int r = prepare(t);
    if (r == 0) {
        r = start(t);
        if (r == 0)
            (void)uv_run(&t->loop, UV_RUN_DEFAULT);
        while (t->members != NULL)
            member_forget(t->members);
        close_signals(t);
        (void)uv_run(&t->loop, UV_RUN_DEFAULT);
        (void)uv_loop_close(&t->loop);
    }
    done(t);
    if (r != 0)
        return r == -ERR_CONFIG ? STATUS_CONFIG : STATUS_FAILED;
    return t->status;
}
