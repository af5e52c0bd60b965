/*
 * The analyse role: reads committed rows, judges them by the rules and the fingerprints, sends tasks, findings and what devices they are
 * to the store. One message that is answered is under way at a time.
 *
 *   COMMITTED ─► rows judged ─► tasks: sent first, so that no place can overtake them
 *                     ├───────► findings: sent at once, the place stays ─► FOUND ─► more rows
 *                     └───────► nothing left, or a while passed: place and rule states are sent ─► FOUND
 *
 * When it dies, it begins at the place that was saved last; findings it states again have the same ids, tasks the same keys.
 */
#include "process/role.h"
#include "analyse/device/compile.h"
#include "analyse/follow.h"
#include "analyse/identify.h"
#include "analyse/scanners.h"
#include "base/cursor.h"
#include "base/log.h"
#include "process/memfd.h"
#include "store/geo.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROWS_PER_STEP = 5000, TICK_MSEC = 1000 };

static const usec_t save_every = 5 * USEC_PER_SEC;

struct analyst {
    struct station *station;
    struct channel *store;
    struct follow follow;
    struct background background;
    struct scanners *scanners;
    struct identify *identify;
    struct span image; /* of the fingerprints, mapped */
    struct buf frames, tasks, message;
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

/* Their keys say what they are, so that a repeated one does no harm; they go out before the findings and the place that follow them. */
static bool send_tasks(struct analyst *a)
{
    int r = channel_send(a->store, MESSAGE_TASKS, buf_as_span(&a->tasks), NULL, 0);
    if (r == -EAGAIN || r == -ERR_CLOSED)
        return false;
    if (r != 0)
        log_error("tasks can't be sent: %s", err_text(r));
    buf_clear(&a->tasks);
    return true;
}

/* One step: rows, tasks, findings, or a place. A day's place is saved before another day is begun, since the states are of both. */
static void step(struct analyst *a)
{
    if (a->tasks.len > 0 && !send_tasks(a)) {
        (void)uv_idle_stop(&a->idle); /* no room at the moment: the tick tries again */
        return;
    }
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
    int r = follow_step(&a->follow, ROWS_PER_STEP, &a->frames, &a->tasks, &findings, &day);
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
        buf_clear(&a->tasks);
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

/* ---- what it is equipped with ---- */

/* Opened before the walls, since its library opens files by name. */
static struct geo *places;

/* The rules, compiled; nothing where there are none, so that a sensor may do without. */
static int add_fingerprints(const struct conf *settings, struct equipment *equipment, struct conf_error *error)
{
    const char *folder = conf_text(settings, "fingerprint.rules");
    struct device_compiled compiled;
    struct buf image;
    char cache[PATH_MAX];
    int fd = -1;
    if (folder[0] == '\0' || (access(folder, F_OK) != 0 && errno == ENOENT))
        return 0; /* the role says so */
    buf_init(&image, 0);
    int r = device_compile(settings, device_cache_path(cache, sizeof cache), &image, &compiled, error);
    if (r == 0)
        r = memfd_sealed("fingerprints", buf_as_span(&image), &fd);
    if (r == 0)
        equipment_add(equipment, "fingerprints", fd);
    buf_done(&image);
    return r;
}

static int equip(const struct conf *settings, struct equipment *equipment, struct conf_error *error)
{
    if (!conf_bool(settings, "store.analyse"))
        return 0;
    int r = equipment_add_file(equipment, "country", "geo.country", conf_text(settings, "geo.country"), error);
    if (r == 0)
        r = equipment_add_file(equipment, "asn", "geo.asn", conf_text(settings, "geo.asn"), error);
    if (r == 0)
        r = equipment_add_file(equipment, "scanners", "analyse.scanners", conf_text(settings, "analyse.scanners"), error);
    return r == 0 ? add_fingerprints(settings, equipment, error) : r;
}

static int prepare(struct station *station)
{
    const char *bad = "";
    int country = station_grant(station, "country"), asn = station_grant(station, "asn");
    if (country < 0 && asn < 0)
        return 0;
    int r = geo_open(&places, country, asn, &bad);
    return r == 0 ? 0 : station_failed(station, "geo.%s is no database that can be read: %s", bad, err_text(r));
}

static uint32_t asn_of(const void *geo, struct addr addr)
{
    struct geo_place place;
    geo_find(geo, addr, &place);
    return place.asn;
}

static void country_of(const void *geo, struct addr addr, char ret[static COUNTRY_SIZE])
{
    struct geo_place place;
    geo_find(geo, addr, &place);
    (void)snprintf(ret, COUNTRY_SIZE, "%s", place.country);
}

static int read_scanners(struct analyst *a)
{
    int fd = station_grant(a->station, "scanners");
    if (fd < 0)
        return 0;
    uint8_t *bytes = NULL;
    size_t len = 0, bad = 0;
    int r = memfd_read(fd, 0, SCANNERS_FILE_MAX, &bytes, &len);
    if (r == 0)
        r = scanners_parse(&a->scanners, span_of(bytes, len), &bad);
    free(bytes);
    if (r == 0 && bad > 0)
        log_warning("analyse.scanners: %zu lines are no prefix and are left out", bad);
    if (r == 0)
        a->background.scanners = scanners_trie(a->scanners);
    return r;
}

static int open_fingerprints(struct analyst *a)
{
    int fd = station_grant(a->station, "fingerprints");
    struct stat st;
    if (fd < 0)
        return 0;
    if (fstat(fd, &st) != 0 || st.st_size <= 0)
        return -ERR_MALFORMED;
    void *at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED)
        return -errno;
    a->image = span_of(at, (size_t)st.st_size);
    return identify_new(&a->identify, a->image);
}

static int look(void *user, const struct record *record, struct buf *frames, size_t *ret_count)
{
    return identify_record(user, record, frames, ret_count);
}

static int set_up(struct analyst *a, struct engine **ret)
{
    const struct conf *settings = station_settings(a->station);
    size_t count;
    const struct rule *const *rules = rules_all(&count);
    background_settings(&a->background, settings);
    a->background.geo = places;
    a->background.asn = asn_of;
    a->background.country = country_of;
    int r = read_scanners(a);
    if (r == 0)
        r = open_fingerprints(a);
    if (r == 0)
        r = engine_new(ret, rules, count, &a->background);
    if (r != 0)
        return r;
    follow_init(&a->follow, conf_text(settings, "store.folder"), *ret);
    if (a->identify != NULL)
        follow_looks(&a->follow, look, a->identify, IDENTIFY_KINDS);
    else
        log_info("devices are not named: there is no folder of fingerprint rules at %s", conf_text(settings, "fingerprint.rules"));
    return 0;
}

static int run(struct station *station)
{
    struct analyst a = {.station = station};
    struct engine *engine = NULL;
    buf_init(&a.frames, 0);
    buf_init(&a.tasks, 0);
    buf_init(&a.message, 8 * 1024 * 1024);
    int r = set_up(&a, &engine);
    int status = r == 0 ? serve(&a) : station_failed(station, "the analysis can't start: %s", err_text(r));
    follow_done(&a.follow);
    engine_free(engine);
    identify_free(a.identify);
    if (a.image.len > 0)
        (void)munmap((void *)(uintptr_t)a.image.at, a.image.len);
    scanners_free(a.scanners);
    geo_close(places);
    places = NULL;
    buf_done(&a.frames);
    buf_done(&a.tasks);
    buf_done(&a.message);
    return status;
}

static bool wanted(const struct conf *settings)
{
    return conf_bool(settings, "store.analyse");
}

const struct role role_analyse = {
    .name = "analyse",
    .help = "judges committed records by rules and fingerprints, states findings and devices, asks for visits; reads, never writes",
    .party = PARTY_ANALYSE,
    .wall = {.read_data = true, .receive_fds = true, .memory_max = UINT64_C(512) << 20, .open_files_max = 128},
    .wanted = wanted,
    .equip = equip,
    .prepare = prepare,
    .run = run,
};
