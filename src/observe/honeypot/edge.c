/* The role that meets attackers: listeners and profiles in, records out. It has no files and can't open a socket. */
#include "base/err.h"
#include "base/log.h"
#include "observe/honeypot/converse.h"
#include "observe/honeypot/profile.h"
#include "process/channel.h"
#include "process/memfd.h"
#include "process/role.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PUSH_EVERY_MSEC 2        /* records wait this long for company on their way to the store */
#define LAST_PUSH_MSEC 20        /* how often the end looks whether all was acknowledged */
enum { PUSH_NOW_RECORDS = 256 }; /* … or until so many came */

/* The addresses, ports and devices of one line of `services` in the settings. */
struct place {
    struct edge *edge;
    const struct conf_node *item;
    struct prefix *relays;
};

struct edge {
    struct station *station;
    struct profiles *profiles;
    void *image;
    size_t image_size;
    struct journal *journal;
    struct channel *store;
    struct converse *converse;
    struct place *places;
    size_t place_count;
    uv_prepare_t prepare;
    uv_timer_t push_timer, end_timer;
    uint64_t pushed; /* sequence number of the last record when it was pushed */
    bool push_soon, ending;
    usec_t end_by;
};

/* ---- which device ---- */

static const struct profile *by_text(const struct edge *edge, const char *text, struct addr source)
{
    return profiles_by_hash(edge->profiles, source, strcmp(text, "any") == 0 ? NULL : text);
}

static bool rule_holds(const struct conf_node *rule, struct endpoint destination)
{
    if (node_given(rule, "address") && !prefix_holds(node_prefix(rule, "address"), destination.addr))
        return false;
    return !node_given(rule, "port") || node_int(rule, "port") == destination.port;
}

static const struct profile *pick(void *user, struct endpoint source, struct endpoint destination)
{
    const struct place *place = user;
    for (size_t i = 0; i < node_count(place->item, "profiles"); i++) {
        const struct conf_node *rule = node_item(place->item, "profiles", i);
        if (rule_holds(rule, destination))
            return by_text(place->edge, node_text(rule, "profile"), source.addr);
    }
    return by_text(place->edge, node_text(place->item, "profile"), source.addr);
}

/* Every name of a list is a profile, so that pick can't fail later. */
static int check_names(struct edge *edge, const char *text)
{
    struct span rest = span_text(text);
    if (strcmp(text, "any") == 0)
        return 0;
    while (rest.len > 0) {
        size_t len = span_find(rest, ',');
        struct span name = span_part(rest, 0, len);
        if (profiles_by_name(edge->profiles, name) == NULL)
            return station_failed(edge->station, "no profile is named \"%.*s\"; `noroshi profiles` lists them", (int)name.len, (const char *)name.at);
        rest = span_part(rest, len + 1, rest.len);
    }
    return 0;
}

/* ---- the store ---- */

static void on_message(struct channel *channel, void *user, enum message message, struct span body, int *fds, size_t fd_count)
{
    struct edge *edge = user;
    (void)channel;
    (void)fds;
    (void)fd_count;
    if (message == MESSAGE_ACK && journal_acknowledge(edge->journal, body) != 0)
        log_warning("an acknowledgement could not be read");
}

static void on_closed(struct channel *channel, void *user, int error)
{
    struct edge *edge = user;
    if (error != 0)
        log_warning("the channel to the store broke: %s", err_text(error));
    if (edge->store == channel) {
        journal_attach(edge->journal, NULL);
        edge->store = NULL;
    }
    channel_free(channel);
}

static void on_writable(struct channel *channel, void *user)
{
    struct edge *edge = user;
    (void)channel;
    journal_push(edge->journal);
}

static const struct channel_events store_events = {.message = on_message, .closed = on_closed, .writable = on_writable};

static void on_peer(struct station *station, const char *name, unsigned index, int fd)
{
    struct edge *edge = station_user(station);
    struct channel *channel;
    (void)index;
    if (strcmp(name, "store") != 0) {
        (void)close(fd);
        return;
    }
    if (edge->store != NULL) {
        journal_attach(edge->journal, NULL);
        channel_free(edge->store);
        edge->store = NULL;
    }
    int r = channel_new(&channel, station_loop(station), fd, PARTY_EDGE, PARTY_STORE, &store_events, edge);
    if (r != 0) {
        log_error("no channel to the store: %s", err_text(r));
        return;
    }
    edge->store = channel;
    journal_attach(edge->journal, channel);
    journal_push(edge->journal);
}

static void push(struct edge *edge)
{
    edge->pushed = journal_counters(edge->journal)->appended;
    journal_push(edge->journal);
}

static void on_push(uv_timer_t *timer)
{
    struct edge *edge = timer->data;
    edge->push_soon = false;
    push(edge);
}

/* Before the loop sleeps: a record alone waits a moment, many go at once. One message for each record would cost more than the record. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct edge *edge = prepare->data;
    uint64_t waiting = journal_counters(edge->journal)->appended - edge->pushed;
    if (waiting >= PUSH_NOW_RECORDS) {
        push(edge);
    } else if (waiting > 0 && !edge->push_soon) {
        edge->push_soon = true;
        (void)uv_timer_start(&edge->push_timer, on_push, PUSH_EVERY_MSEC, 0);
    }
}

/* ---- the end ---- */

static void finish(struct edge *edge)
{
    (void)uv_timer_stop(&edge->end_timer);
    uv_stop(station_loop(edge->station));
}

static void on_end(uv_timer_t *timer)
{
    struct edge *edge = timer->data;
    journal_push(edge->journal);
    if (journal_empty(edge->journal) || usec_monotonic() >= edge->end_by)
        finish(edge);
}

/* All conversations are over: what they left goes to the store, or stays in the journal for the next edge. */
static void wind_down(struct edge *edge)
{
    if (edge->ending)
        return;
    edge->ending = true;
    /* A little less than what the supervisor waits before it kills. */
    edge->end_by = usec_monotonic() + conf_int(station_settings(edge->station), "process.stop_timeout") * 9 / 10;
    (void)uv_timer_start(&edge->end_timer, on_end, 0, LAST_PUSH_MSEC);
}

static void on_stop(struct station *station)
{
    struct edge *edge = station_user(station);
    if (edge->ending)
        return;
    converse_drain(edge->converse);
    converse_end_all(edge->converse, REASON_STOPPED);
    wind_down(edge);
}

static void on_drained(void *user)
{
    wind_down(user);
}

static void on_drain(struct station *station)
{
    struct edge *edge = station_user(station);
    converse_drain(edge->converse);
}

/* ---- the beginning ---- */

static int open_profiles(struct edge *edge)
{
    struct stat st;
    int fd = station_grant(edge->station, "profiles");
    if (fd < 0 || fstat(fd, &st) != 0 || st.st_size <= 0)
        return station_failed(edge->station, "the device profiles were not handed over");
    edge->image_size = (size_t)st.st_size;
    edge->image = mmap(NULL, edge->image_size, PROT_READ, MAP_SHARED, fd, 0);
    if (edge->image == MAP_FAILED) {
        edge->image = NULL;
        return station_failed(edge->station, "the device profiles can't be mapped: %s", err_text(-errno));
    }
    int r = profiles_open(&edge->profiles, span_of(edge->image, edge->image_size));
    if (r != 0)
        return station_failed(edge->station, "the device profiles can't be read: %s", err_text(r));
    if (profiles_count(edge->profiles) == 0)
        return station_failed(edge->station, "there is no device profile");
    return 0;
}

static int open_journal(struct edge *edge)
{
    int r = journal_open(&edge->journal, station_grant(edge->station, "journal"), station_grant(edge->station, "spool"),
                         (uint64_t)conf_int(station_settings(edge->station), "journal.spool"));
    if (r != 0)
        return station_failed(edge->station, "the journal can't be opened: %s", err_text(r));
    edge->pushed = journal_counters(edge->journal)->acknowledged;
    return 0;
}

static int read_relays(struct edge *edge, struct place *place, size_t *ret_count)
{
    size_t count = node_count(place->item, "relays");
    place->relays = calloc(count > 0 ? count : 1, sizeof *place->relays);
    if (place->relays == NULL)
        return station_failed(edge->station, "memory is short");
    for (size_t i = 0; i < count; i++) {
        const char *text = node_texts(place->item, "relays", i);
        if (prefix_parse(span_text(text), &place->relays[i]) != 0)
            return station_failed(edge->station, "relays: \"%s\" is no prefix; for example 192.0.2.0/24", text);
    }
    *ret_count = count;
    return 0;
}

static int check_profiles(struct edge *edge, const struct conf_node *item)
{
    int r = check_names(edge, node_text(item, "profile"));
    for (size_t i = 0; i < node_count(item, "profiles") && r == 0; i++)
        r = check_names(edge, node_text(node_item(item, "profiles", i), "profile"));
    return r;
}

static int open_place(struct edge *edge, size_t index)
{
    struct place *place = &edge->places[index];
    char grant[32];
    size_t relay_count = 0;
    (void)snprintf(grant, sizeof grant, "listen.%zu", index);
    place->edge = edge;
    place->item = conf_item(station_settings(edge->station), "services", index);
    const char *name = node_text(place->item, "service");
    const struct service *service = service_by_name(span_text(name));
    int fd = station_grant(edge->station, grant);
    if (service == NULL)
        return station_failed(edge->station, "no service is named \"%s\"; `noroshi services` lists them", name);
    if (fd < 0)
        return station_failed(edge->station, "the listener of services[%zu] was not handed over", index);
    int r = read_relays(edge, place, &relay_count);
    if (r == 0)
        r = check_profiles(edge, place->item);
    if (r != 0)
        return r;
    const struct converse_listener listener = {.service = service, .relays = place->relays, .relay_count = relay_count, .pick = pick, .user = place};
    r = converse_listen(edge->converse, fd, &listener);
    return r == 0 ? 0 : station_failed(edge->station, "services[%zu] can't be served: %s", index, err_text(r));
}

static int open_places(struct edge *edge)
{
    const struct conf *conf = station_settings(edge->station);
    const struct converse_config config = {.loop = station_loop(edge->station),
                                           .journal = edge->journal,
                                           .sensor = span_text(conf_text(conf, "sensor.name")),
                                           .limits = converse_limits(conf),
                                           .user = edge,
                                           .drained = on_drained};
    int r = converse_new(&edge->converse, &config);
    if (r != 0)
        return station_failed(edge->station, "the sockets can't be watched: %s", err_text(r));
    edge->place_count = conf_count(conf, "services");
    edge->places = calloc(edge->place_count + 1, sizeof *edge->places);
    if (edge->places == NULL)
        return station_failed(edge->station, "memory is short");
    for (size_t i = 0; i < edge->place_count && r == 0; i++)
        r = open_place(edge, i);
    return r;
}

static void close_all(struct edge *edge)
{
    uv_loop_t *loop = station_loop(edge->station);
    converse_free(edge->converse);
    uv_close((uv_handle_t *)&edge->prepare, NULL);
    uv_close((uv_handle_t *)&edge->push_timer, NULL);
    uv_close((uv_handle_t *)&edge->end_timer, NULL);
    (void)uv_run(loop, UV_RUN_NOWAIT);
    if (edge->journal != NULL)
        journal_attach(edge->journal, NULL);
    channel_free(edge->store);
    journal_free(edge->journal);
    for (size_t i = 0; i < edge->place_count; i++)
        free(edge->places[i].relays);
    free(edge->places);
    profiles_close(edge->profiles);
    if (edge->image != NULL)
        (void)munmap(edge->image, edge->image_size);
}

static int edge_run(struct station *station)
{
    static const struct station_events events = {.peer = on_peer, .stop = on_stop, .drain = on_drain};
    struct edge edge = {.station = station};
    uv_loop_t *loop = station_loop(station);
    edge.prepare.data = edge.push_timer.data = edge.end_timer.data = &edge;
    (void)uv_prepare_init(loop, &edge.prepare);
    (void)uv_timer_init(loop, &edge.push_timer);
    (void)uv_timer_init(loop, &edge.end_timer);
    int r = open_profiles(&edge);
    if (r == 0)
        r = open_journal(&edge);
    if (r == 0)
        r = open_places(&edge);
    if (r == 0) {
        (void)uv_prepare_start(&edge.prepare, on_prepare);
        station_events(station, &events, &edge);
        r = station_ready(station);
    }
    if (r == 0)
        (void)uv_run(loop, UV_RUN_DEFAULT);
    close_all(&edge);
    return r < 0 ? 1 : r;
}

static int edge_equip(const struct conf *settings, struct equipment *equipment, struct conf_error *error)
{
    const char *folder = conf_text(settings, "honeypot.profiles");
    struct buf image;
    buf_init(&image, 0);
    int fd, r = profiles_compile(folder, &image, error);
    if (r == 0)
        r = memfd_sealed("profiles", buf_as_span(&image), &fd);
    if (r == 0)
        equipment_add(equipment, "profiles", fd);
    else if (error->text[0] == '\0')
        (void)snprintf(error->text, sizeof error->text, "honeypot.profiles: %s: %s", folder, err_text(r));
    buf_done(&image);
    return r;
}

const struct role role_edge = {
    .name = "edge",
    .help = "honeypots: meets attackers, has no files, opens no connection",
    .party = PARTY_EDGE,
    .wall = {.accept = true, .receive_fds = true, .open_files_max = 1024 * 1024},
    .equip = edge_equip,
    .run = edge_run,
};
