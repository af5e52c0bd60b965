/* The store role: the only writer. Messages in, commits, acknowledgements out; now and then the pipeline's counters and tidying. */
#include "process/role.h"
#include "base/err.h"
#include "base/log.h"
#include "store/geo.h"
#include "store/ingest.h"
#include "store/lease.h"
#include "store/marks.h"
#include "store/streams.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CLIENTS_MAX = 64, PULSE_MSEC = 1000, TIDY_PULSES = 60 };

struct keeper {
    struct station *station;
    struct store *store;
    struct ingest *ingest;
    struct lease *lease;
    struct streams streams;
    struct peer *peers;
    size_t clients;
    struct channel *analyse;
    struct marks marks;
    uv_timer_t commit, pulse;
    uv_poll_t control;
    int control_fd;
    uint64_t commit_msec;
    unsigned pulses;
    struct peer *reach; /* among the peers; NULL: there is none */
    bool reach_fresh;   /* what its predecessor left in the journal may still come in */
    bool failing, stopped;
    int status;
};

/* An edge, reach, or a verb that writes. */
struct peer {
    struct keeper *keeper;
    struct channel *channel;
    struct ingest_writer *writer;
    enum party party;
    unsigned index; /* of an edge; a verb's is a number of its own */
    struct peer *next;
};

static void end(struct keeper *k, int status)
{
    if (k->stopped)
        return;
    k->stopped = true;
    k->status = status;
    uv_stop(station_loop(k->station));
}

/* ---- commit ---- */

static void tell_analysis(struct keeper *k)
{
    struct store_day days[64];
    size_t count;
    while ((count = store_touched(k->store, days, sizeof days / sizeof days[0])) > 0) {
        for (size_t i = 0; i < count && k->analyse != NULL; i++)
            (void)marks_add(&k->marks, days[i]);
    }
    if (k->analyse != NULL)
        marks_send(&k->marks, k->analyse);
}

static void on_commit(uv_timer_t *timer);

/* Reach gets what is due; before its first leases the rollups know what its predecessor had done. */
static void serve_reach(struct keeper *k)
{
    if (!lease_hungry(k->lease) || ingest_retry_at(k->ingest) != 0)
        return;
    int r = k->reach_fresh ? store_flush(k->store) : 0;
    if (r == 0) {
        k->reach_fresh = false;
        r = lease_serve(k->lease, usec_now());
    }
    if (r != 0 && r != -ERR_CLOSED)
        log_warning("tasks can't be given to reach: %s", err_text(r));
}

static void commit(struct keeper *k)
{
    (void)uv_timer_stop(&k->commit);
    /* Tasks first: the place of the analysis that asked for them comes later, never before. */
    int r = lease_put(k->lease, usec_now());
    if (r != 0 && !k->failing)
        log_error("%s: tasks can't be written: %s; trying again until it works", store_folder(k->store), err_text(r));
    if (r != 0) {
        k->failing = true;
        (void)uv_timer_start(&k->commit, on_commit, PULSE_MSEC, 0);
        return;
    }
    r = ingest_commit(k->ingest, usec_monotonic());
    if (r != 0) {
        if (!k->failing)
            log_error("%s: %s; nothing is acknowledged, trying again until it works", store_folder(k->store), err_text(r));
        k->failing = true;
        usec_t wait = ingest_retry_at(k->ingest) - usec_monotonic();
        (void)uv_timer_start(&k->commit, on_commit, wait > 0 ? (uint64_t)(wait / USEC_PER_MSEC) + 1 : 1, 0);
        return;
    }
    if (k->failing)
        log_info("%s: the store works again", store_folder(k->store));
    k->failing = false;
    tell_analysis(k);
    serve_reach(k);
}

static void on_commit(uv_timer_t *timer)
{
    commit(timer->data);
}

/* After a message was taken: now, soon, or, when the store fails, at its time. */
static void commit_due(struct keeper *k, int taken)
{
    usec_t retry_at = ingest_retry_at(k->ingest);
    if (taken == 1 && retry_at == 0)
        commit(k);
    else if (!uv_is_active((uv_handle_t *)&k->commit))
        (void)uv_timer_start(&k->commit, on_commit, k->commit_msec, 0);
}

static void on_found(void *user, usec_t day, int64_t row)
{
    struct keeper *k = user;
    if (k->analyse == NULL)
        return;
    struct buf body;
    buf_init(&body, 64);
    buf_be(&body, (uint64_t)(day / USEC_PER_DAY), 4);
    buf_be(&body, (uint64_t)row, 8);
    /* One outstanding message: its answer always has room, but for a peer that does not read and is ended for it. */
    if (channel_send(k->analyse, MESSAGE_FOUND, buf_as_span(&body), NULL, 0) == -EAGAIN)
        station_accuse(k->station, "analyse", 0);
    buf_done(&body);
}

/* ---- edges, reach and verbs ---- */

static const char *word(const struct peer *peer)
{
    return peer->party == PARTY_EDGE ? "edge" : peer->party == PARTY_REACH ? "reach" : "client";
}

static enum stream_writer writer_of(const struct peer *peer)
{
    return peer->party == PARTY_EDGE ? STREAM_EDGE : peer->party == PARTY_REACH ? STREAM_REACH : STREAM_CLIENT;
}

static void reach_left(struct keeper *k)
{
    k->reach = NULL;
    int r = lease_join(k->lease, NULL, usec_now());
    if (r != 0)
        log_warning("what reach had taken can't be given back yet: %s", err_text(r));
}

static void drop(struct peer *peer, bool accuse)
{
    struct keeper *k = peer->keeper;
    if (k->reach == peer)
        reach_left(k);
    struct peer **link = &k->peers;
    while (*link != peer)
        link = &(*link)->next;
    *link = peer->next;
    if (peer->writer != NULL)
        streams_take(&k->streams, writer_of(peer), peer->index, ingest_count(peer->writer), true);
    if (peer->party == PARTY_CLIENT)
        k->clients--;
    if (accuse && peer->party != PARTY_CLIENT)
        station_accuse(k->station, word(peer), peer->index);
    ingest_leave(peer->writer);
    channel_free(peer->channel);
    free(peer);
}

static void on_acknowledge(void *writer_user, uint64_t seq, uint64_t records, uint64_t duplicates, bool broken)
{
    struct peer *peer = writer_user;
    struct buf body;
    buf_init(&body, 64);
    buf_be(&body, seq, 8);
    buf_be(&body, records, 8);
    buf_be(&body, duplicates, 8);
    int r = channel_send(peer->channel, MESSAGE_ACK, buf_as_span(&body), NULL, 0);
    buf_done(&body);
    if (broken)
        log_warning("%s.%u sent what is not a record; it is left out, and the sender ended", word(peer), peer->index);
    /* A peer that does not read its acknowledgements would stand still: it starts anew and sends again. */
    if (broken || r == -EAGAIN)
        drop(peer, true);
}

static void on_message(struct channel *channel, void *user, enum message message, struct span body, int *fds, size_t fd_count)
{
    (void)channel;
    (void)fds;
    (void)fd_count;
    struct peer *peer = user;
    struct keeper *k = peer->keeper;
    int r = 0;
    if (message == MESSAGE_RECORDS)
        r = ingest_records(peer->writer, body);
    else if (message == MESSAGE_SEAL)
        ingest_seal(peer->writer);
    else if (message == MESSAGE_TASKS)
        r = lease_tasks(k->lease, body);
    else if (message == MESSAGE_ENTRIES)
        r = lease_entries(k->lease, body);
    else if (message == MESSAGE_WANT)
        r = k->reach == peer ? lease_want(k->lease, body) : 0;
    if (r >= 0 && message == MESSAGE_WANT && !ingest_waiting(k->ingest)) {
        serve_reach(k);
    } else if (r >= 0) {
        commit_due(k, message == MESSAGE_SEAL ? 1 : r);
    } else if (r == -ERR_MALFORMED) {
        log_warning("%s.%u broke the rules of its channel and is ended", word(peer), peer->index);
        drop(peer, true);
    } else {
        log_error("the store can't go on: %s", err_text(r));
        end(k, 1);
    }
}

static void on_closed(struct channel *channel, void *user, int error)
{
    (void)channel;
    drop(user, error < 0 && error != -ERR_CLOSED);
}

static void on_writable(struct channel *channel, void *user)
{
    (void)channel;
    struct peer *peer = user;
    if (peer->keeper->reach != peer)
        return;
    (void)lease_push(peer->keeper->lease);
    serve_reach(peer->keeper);
}

/* Another reach than before: it is told what was spent today, and gets what its predecessor left. */
static void join_reach(struct keeper *k, struct peer *peer)
{
    k->reach = peer;
    k->reach_fresh = true;
    bool works = ingest_retry_at(k->ingest) == 0;
    if (works && ingest_waiting(k->ingest))
        commit(k);
    int r = works ? store_flush(k->store) : -ERR_STORE;
    /* Without what was spent the budgets would not hold: it starts anew until the store works. */
    if (r == 0 && k->reach == peer)
        r = lease_join(k->lease, peer->channel, usec_now());
    if (r == -ERR_CLOSED) {
        drop(peer, false); /* it has ended meanwhile, as at a reload: its successor comes */
    } else if (r != 0) {
        log_warning("reach can't be served yet: %s", err_text(r));
        drop(peer, true);
    }
}

static void join(struct keeper *k, enum party party, unsigned index, int fd)
{
    static const struct channel_events events = {.message = on_message, .closed = on_closed, .writable = on_writable};
    struct peer *peer = calloc(1, sizeof *peer);
    if (peer == NULL) {
        (void)close(fd);
        return;
    }
    peer->keeper = k;
    peer->party = party;
    peer->index = index;
    peer->next = k->peers;
    k->peers = peer;
    if (party == PARTY_CLIENT)
        k->clients++;
    int r = channel_new(&peer->channel, station_loop(k->station), fd, PARTY_STORE, party, &events, peer);
    if (r == 0)
        r = ingest_join(k->ingest, &peer->writer, peer);
    if (r != 0) {
        log_error("%s.%u can't be served: %s", word(peer), index, err_text(r));
        drop(peer, false);
    } else if (party == PARTY_REACH) {
        join_reach(k, peer);
    }
}

static void on_control(uv_poll_t *poll, int status, int what)
{
    (void)what;
    struct keeper *k = poll->data;
    static unsigned number;
    if (status < 0)
        return;
    int fd;
    while ((fd = accept4(k->control_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        if (k->clients >= CLIENTS_MAX)
            (void)close(fd);
        else
            join(k, PARTY_CLIENT, ++number, fd);
    }
}

/* ---- the analysis ---- */

static void on_analyse_message(struct channel *channel, void *user, enum message message, struct span body, int *fds, size_t fd_count)
{
    (void)channel;
    (void)fds;
    (void)fd_count;
    struct keeper *k = user;
    int r = 0;
    if (message == MESSAGE_FINDINGS)
        r = ingest_findings(k->ingest, body);
    else if (message == MESSAGE_TASKS)
        r = lease_tasks(k->lease, body);
    if (r >= 0) {
        commit_due(k, r);
    } else if (r == -ERR_MALFORMED) {
        log_warning("analyse.0 broke the rules of its channel and is ended");
        station_accuse(k->station, "analyse", 0);
    } else {
        log_error("the store can't go on: %s", err_text(r));
        end(k, 1);
    }
}

static void on_analyse_closed(struct channel *channel, void *user, int error)
{
    struct keeper *k = user;
    if (error < 0 && error != -ERR_CLOSED)
        station_accuse(k->station, "analyse", 0);
    channel_free(channel);
    if (k->analyse == channel)
        k->analyse = NULL;
}

static void on_analyse_writable(struct channel *channel, void *user)
{
    struct keeper *k = user;
    if (k->analyse == channel)
        marks_send(&k->marks, channel);
}

static void join_analysis(struct keeper *k, int fd)
{
    static const struct channel_events events = {.message = on_analyse_message, .closed = on_analyse_closed, .writable = on_analyse_writable};
    struct channel *channel = NULL;
    int r = channel_new(&channel, station_loop(k->station), fd, PARTY_STORE, PARTY_ANALYSE, &events, k);
    if (r == 0) {
        channel_free(k->analyse);
        k->analyse = channel;
        /* Its places are in the control database; rows still on their way to the rollups are told of with their commit. */
        if (ingest_retry_at(k->ingest) == 0 && !ingest_waiting(k->ingest))
            (void)store_flush(k->store);
        r = marks_begin(&k->marks, k->store, channel);
    }
    if (r != 0 && r != -ERR_CLOSED) /* closed: it has ended meanwhile, as at a reload */
        log_error("the analysis can't be served: %s", err_text(r));
}

static void on_peer(struct station *station, const char *name, unsigned index, int fd)
{
    struct keeper *k = station_user(station);
    if (strcmp(name, "edge") == 0)
        join(k, PARTY_EDGE, index, fd);
    else if (strcmp(name, "client") == 0)
        join(k, PARTY_CLIENT, index, fd);
    else if (strcmp(name, "reach") == 0)
        join(k, PARTY_REACH, index, fd);
    else if (strcmp(name, "analyse") == 0)
        join_analysis(k, fd);
    else
        (void)close(fd);
}

/* ---- about once a second ---- */

static int ring_of(void *user, unsigned index)
{
    char name[32];
    (void)snprintf(name, sizeof name, "ring.%u", index);
    return station_grant(user, name);
}

static void write_streams(struct keeper *k)
{
    for (struct peer *peer = k->peers; peer != NULL; peer = peer->next)
        streams_take(&k->streams, writer_of(peer), peer->index, ingest_count(peer->writer), false);
    streams_take_findings(&k->streams, ingest_count_findings(k->ingest));
    int r = streams_write(&k->streams, store_control(k->store), ring_of, k->station, usec_now());
    if (r != 0 && !k->failing)
        log_warning("the pipeline's counters can't be written: %s", err_text(r));
}

/* What has become due, and the leases are renewed. */
static void serve_pulse(struct keeper *k)
{
    if (lease_hungry(k->lease)) {
        serve_reach(k);
        return;
    }
    int r = lease_serve(k->lease, usec_now());
    if (r != 0 && r != -ERR_CLOSED)
        log_warning("leases can't be renewed: %s", err_text(r));
}

static void on_pulse(uv_timer_t *timer)
{
    struct keeper *k = timer->data;
    if ((ingest_waiting(k->ingest) || lease_waiting(k->lease)) && ingest_retry_at(k->ingest) == 0)
        commit(k);
    if (ingest_retry_at(k->ingest) != 0)
        return;
    write_streams(k);
    if (k->reach != NULL)
        serve_pulse(k);
    int r = store_flush(k->store);
    if (r == 0 && ++k->pulses % TIDY_PULSES == 1)
        r = store_tidy(k->store, usec_now(), false);
    if (r != 0)
        log_warning("%s: %s", store_folder(k->store), err_text(r));
}

static void on_stop(struct station *station)
{
    struct keeper *k = station_user(station);
    commit(k);
    if (ingest_retry_at(k->ingest) == 0)
        write_streams(k);
    else
        log_warning("the store stops while it can't write; what is not committed stays in the edges' journals");
    end(k, 0);
}

/* ---- start ---- */

static int listen_control(struct keeper *k)
{
    k->control_fd = station_grant(k->station, "control");
    if (k->control_fd < 0)
        return 0;
    int r = uv_poll_init(station_loop(k->station), &k->control, k->control_fd);
    k->control.data = k;
    return r == 0 ? uv_poll_start(&k->control, UV_READABLE, on_control) : r;
}

static int serve(struct keeper *k)
{
    static const struct station_events events = {.peer = on_peer, .stop = on_stop};
    uv_loop_t *loop = station_loop(k->station);
    const struct conf *settings = station_settings(k->station);
    static const struct ingest_events ingest_events = {.acknowledge = on_acknowledge, .found = on_found};
    k->commit_msec = (uint64_t)(conf_int(settings, "store.commit_every") / USEC_PER_MSEC);
    int r = ingest_new(&k->ingest, k->store, (size_t)conf_int(settings, "store.batch"), &ingest_events, k);
    if (r == 0)
        r = lease_new(&k->lease, k->store, conf_int(settings, "probe.interval"));
    if (r == 0)
        r = streams_init(&k->streams, store_control(k->store));
    if (r == 0)
        r = uv_timer_init(loop, &k->commit);
    if (r == 0)
        r = uv_timer_init(loop, &k->pulse);
    if (r == 0)
        r = listen_control(k);
    if (r != 0)
        return station_failed(k->station, "the store can't start: %s", err_text(r));
    k->commit.data = k->pulse.data = k;
    (void)uv_timer_start(&k->pulse, on_pulse, PULSE_MSEC, PULSE_MSEC);
    station_events(k->station, &events, k);
    r = station_ready(k->station);
    if (r != 0)
        return 1;
    (void)uv_run(loop, UV_RUN_DEFAULT);
    for (struct peer *peer = k->peers, *next; peer != NULL; peer = next) {
        next = peer->next;
        drop(peer, false);
    }
    channel_free(k->analyse);
    return k->status;
}

/* The operator's databases of addresses: without them the fields stay empty, with a broken one nothing starts. */
static int open_geo(struct station *station, struct geo **ret, struct buf *why)
{
    const char *bad = "";
    int r = geo_open(ret, station_grant(station, "country"), station_grant(station, "asn"), &bad);
    if (r != 0)
        buf_printf(why, "geo.%s: %s: %s", bad, conf_text(station_settings(station), strcmp(bad, "asn") == 0 ? "geo.asn" : "geo.country"),
                   r == -ERR_MALFORMED ? "expected a database in MaxMind's format (.mmdb)" : err_text(r));
    return r;
}

static int equip(const struct conf *settings, struct equipment *equipment, struct conf_error *error)
{
    int r = equipment_add_file(equipment, "country", "geo.country", conf_text(settings, "geo.country"), error);
    return r == 0 ? equipment_add_file(equipment, "asn", "geo.asn", conf_text(settings, "geo.asn"), error) : r;
}

static int run(struct station *station)
{
    struct geo *geo = NULL;
    struct keeper k = {.station = station, .control_fd = -1};
    struct buf why;
    buf_init(&why, 1000);
    (void)umask(0027); /* SQLite would let everyone read */
    int status;
    if (open_geo(station, &geo, &why) != 0 || store_open_with(&k.store, station_settings(station), geo, &why) != 0)
        status = station_failed(station, "%s", buf_cstr(&why));
    else
        status = serve(&k);
    ingest_free(k.ingest);
    lease_free(k.lease);
    store_close(k.store);
    geo_close(geo);
    marks_done(&k.marks);
    buf_done(&why);
    return status;
}

const struct role role_store = {
    .name = "store",
    .help = "keeps the records; the only writer of the data folder",
    .party = PARTY_STORE,
    .wall = {.write_data = true,
             .read_data = true,
             .accept = true,
             .receive_fds = true,
             .memory_max = UINT64_C(2) << 30,
             .file_max = UINT64_C(1) << 44,
             .open_files_max = 1024},
    .equip = equip,
    .run = run,
};
