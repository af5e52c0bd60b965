/*
 * The analyse role: reads committed rows, judges them by the rules, sends findings to the store. One message is under way at a time.
 *
 *   COMMITTED ─► rows judged ─► findings: sent at once, the place stays ─► FOUND ─► more rows
 *                     └───────► nothing left, or a while passed: place and rule states are sent ─► FOUND
 *
 * When it dies, it begins at the place that was saved last; findings it states again have the same ids.
 */
#include "process/role.h"
#include "analyse/follow.h"
#include "base/cursor.h"
#include "base/log.h"

#include <errno.h>
#include <unistd.h>

enum { ROWS_PER_STEP = 5000, TICK_MSEC = 1000 };

static const usec_t save_every = 5 * USEC_PER_SEC;

struct analyst {
    struct station *station;
    struct channel *store;
    struct follow follow;
    struct buf frames, message;
    uv_idle_t idle;
    uv_timer_t tick;
    bool placed;                      /* PLACE came: where to begin is known */
    bool waiting;                     /* for FOUND */
    bool saving;                      /* what is under way is a place */
    struct follow_day save, found_in; /* the place under way; where the findings were met */
    usec_t saved_at;
    bool failing;
};

static void on_idle(uv_idle_t *idle);

static void go_on(struct analyst *a)
{
    if (!uv_is_active((uv_handle_t *)&a->idle))
        (void)uv_idle_start(&a->idle, on_idle);
}

static void send_findings(struct analyst *a, const struct follow_day *day, int64_t row, bool with_state)
{
    buf_clear(&a->message);
    buf_be(&a->message, (uint64_t)(day->day / USEC_PER_DAY), 4);
    buf_be(&a->message, (uint64_t)row, 8);
    size_t length_at = a->message.len;
    buf_be(&a->message, 0, 4);
    if (with_state)
        engine_save(a->follow.engine, &a->message);
    uint32_t length = (uint32_t)(a->message.len - length_at - 4);
    for (size_t i = 0; i < 4 && a->message.error == 0; i++)
        a->message.data[length_at + i] = (uint8_t)(length >> (8 * (3 - i)));
    buf_span(&a->message, buf_as_span(&a->frames));
    int r = a->message.error != 0 ? a->message.error : channel_send(a->store, MESSAGE_FINDINGS, buf_as_span(&a->message), NULL, 0);
    if (r == 0) {
        buf_clear(&a->frames);
        a->waiting = true;
        a->saving = with_state;
        a->save = *day;
    } else if (r != -EAGAIN && r != -ERR_CLOSED) {
        log_error("findings can't be sent: %s", err_text(r));
        buf_clear(&a->frames);
    }
}

/* One step: rows, findings, or a place. A day's place is saved before another day is begun, since the states are of both. */
static void step(struct analyst *a)
{
    if (a->frames.len > 0) {
        send_findings(a, &a->found_in, a->found_in.saved, false);
        if (!a->waiting)
            (void)uv_idle_stop(&a->idle); /* no room at the moment: the tick tries again */
        return;
    }
    const struct follow_day *unsaved = follow_unsaved(&a->follow), *next = follow_next(&a->follow);
    if (unsaved != NULL && (usec_monotonic() - a->saved_at >= save_every || (next != NULL && next->day != unsaved->day))) {
        send_findings(a, unsaved, unsaved->followed, true);
        if (!a->waiting)
            (void)uv_idle_stop(&a->idle);
        return;
    }
    size_t findings = 0;
    struct follow_day *day = NULL;
    int r = follow_step(&a->follow, ROWS_PER_STEP, &a->frames, &findings, &day);
    if (r < 0 && !a->failing)
        log_warning("committed records can't be read: %s; trying again", err_text(r));
    a->failing = r < 0;
    if (r == 1)
        a->found_in = *day;
    else
        (void)uv_idle_stop(&a->idle); /* the next COMMITTED, or the tick, wakes it */
}

static void on_idle(uv_idle_t *idle)
{
    struct analyst *a = idle->data;
    if (a->store == NULL || !a->placed || a->waiting)
        (void)uv_idle_stop(idle);
    else
        step(a);
}

static void on_tick(uv_timer_t *timer)
{
    struct analyst *a = timer->data;
    if (uv_is_active((uv_handle_t *)&a->idle))
        return;
    follow_close(&a->follow); /* nothing was left to read */
    go_on(a);
}

static void on_found(struct analyst *a)
{
    a->waiting = false;
    for (size_t i = 0; i < a->follow.count && a->saving; i++) {
        struct follow_day *day = &a->follow.days[i];
        if (day->day == a->save.day)
            day->saved = a->save.followed;
    }
    if (a->saving && follow_unsaved(&a->follow) == NULL)
        a->saved_at = usec_monotonic();
    a->saving = false;
    go_on(a);
}

static void on_message(struct channel *channel, void *user, enum message message, struct span body, int *fds, size_t fd_count)
{
    (void)channel;
    (void)fds;
    (void)fd_count;
    struct analyst *a = user;
    struct cursor c = cursor_of(body);
    int r = 0;
    if (message == MESSAGE_PLACE) {
        r = follow_place(&a->follow, body);
        a->placed = r == 0;
        a->waiting = a->saving = false;
        buf_clear(&a->frames);
    } else if (message == MESSAGE_COMMITTED) {
        usec_t day = (usec_t)cursor_be32(&c) * USEC_PER_DAY;
        r = follow_committed(&a->follow, day, (int64_t)cursor_be64(&c));
    } else if (message == MESSAGE_FOUND) {
        on_found(a);
    }
    if (r != 0)
        log_error("a message of the store can't be followed: %s", err_text(r));
    go_on(a);
}

static void on_closed(struct channel *channel, void *user, int error)
{
    struct analyst *a = user;
    if (error < 0 && error != -ERR_CLOSED)
        log_warning("the store's channel broke: %s", err_text(error));
    channel_free(channel);
    if (a->store == channel)
        a->store = NULL;
    a->placed = a->waiting = false;
    follow_close(&a->follow);
}

static void on_peer(struct station *station, const char *name, unsigned index, int fd)
{
    static const struct channel_events events = {.message = on_message, .closed = on_closed};
    struct analyst *a = station_user(station);
    (void)index;
    if (strcmp(name, "store") != 0) {
        (void)close(fd);
        return;
    }
    channel_free(a->store);
    a->store = NULL;
    a->placed = a->waiting = false;
    int r = channel_new(&a->store, station_loop(station), fd, PARTY_ANALYSE, PARTY_STORE, &events, a);
    if (r != 0)
        log_error("the store can't be reached: %s", err_text(r));
}

static void on_stop(struct station *station)
{
    uv_stop(station_loop(station)); /* what is not saved is judged again at the next start */
}

static int serve(struct analyst *a)
{
    static const struct station_events events = {.peer = on_peer, .stop = on_stop};
    uv_loop_t *loop = station_loop(a->station);
    int r = uv_idle_init(loop, &a->idle);
    if (r == 0)
        r = uv_timer_init(loop, &a->tick);
    if (r != 0)
        return station_failed(a->station, "the analysis can't start: %s", err_text(r));
    a->idle.data = a->tick.data = a;
    a->saved_at = usec_monotonic();
    (void)uv_timer_start(&a->tick, on_tick, TICK_MSEC, TICK_MSEC);
    station_events(a->station, &events, a);
    if (station_ready(a->station) != 0)
        return 1;
    (void)uv_run(loop, UV_RUN_DEFAULT);
    channel_free(a->store);
    return 0;
}

static int run(struct station *station)
{
    struct analyst a = {.station = station};
    size_t count;
    const struct rule *const *rules = rules_all(&count);
    struct engine *engine = NULL;
    int r = engine_new(&engine, rules, count);
    if (r != 0)
        return station_failed(station, "the analysis can't start: %s", err_text(r));
    buf_init(&a.frames, 0);
    buf_init(&a.message, 8 * 1024 * 1024);
    follow_init(&a.follow, conf_text(station_settings(station), "store.folder"), engine);
    int status = serve(&a);
    follow_done(&a.follow);
    engine_free(engine);
    buf_done(&a.frames);
    buf_done(&a.message);
    return status;
}

const struct role role_analyse = {
    .name = "analyse",
    .help = "judges committed records by the rules and states findings; reads, never writes",
    .party = PARTY_ANALYSE,
    .wall = {.read_data = true, .receive_fds = true, .memory_max = UINT64_C(512) << 20, .open_files_max = 128},
    .run = run,
};
