/* The loop: sockets, the store's channel, the journal, the beginning and the end. */
#include "base/err.h"
#include "base/log.h"
#include "outside/attribution.h"
#include "reach/parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define PUSH_EVERY_MSEC 2 /* records wait this long for company on their way to the store */
enum { PUSH_NOW_RECORDS = 256, INPUT_SIZE = 64 * 1024, EVENTS = 512, BAD_LINES = 5 };

void reach_clock(struct reach *r)
{
    r->wall = usec_now();
    r->now = usec_monotonic();
}

/* ---- the store ---- */

static void put_number(uint8_t to[static 4], size_t number)
{
    for (size_t i = 0; i < 4; i++)
        to[i] = (uint8_t)(number >> (8 * (3 - i)));
}

/* Work for as many hosts, or quests, again when what was asked for has come and half of it is done. */
static void want(struct reach *r)
{
    uint8_t body[8];
    if (r->store == NULL || r->stopping)
        return;
    size_t room = r->seek != NULL ? seek_room(r->seek) : 0, held = r->seek != NULL ? seek_state(r->seek).quests : 0;
    size_t more = r->wanted == 0 && r->visits <= r->capacity / 2 ? r->capacity - r->visits : 0;
    size_t quests = r->wanted_quests == 0 && held <= room ? room : 0;
    if (more == 0 && quests == 0)
        return;
    put_number(body, more);
    put_number(body + 4, quests);
    if (channel_send(r->store, MESSAGE_WANT, span_of(body, sizeof body), NULL, 0) != 0)
        return;
    r->wanted += more;
    r->wanted_quests += quests;
}

static void on_message(struct channel *channel, void *user, enum message message, struct span body, int *fds, size_t fd_count)
{
    struct reach *r = user;
    int e = 0;
    (void)channel;
    (void)fds;
    (void)fd_count;
    reach_clock(r);
    switch (message) {
    case MESSAGE_ACK:
        e = journal_acknowledge(r->config.journal, body);
        if (e == 0)
            visits_acknowledged(r);
        if (e == 0 && r->seek != NULL)
            seek_acknowledged(r->seek);
        break;
    case MESSAGE_SPENT:
        e = spent_take(r, body);
        break;
    case MESSAGE_REGISTRIES:
        e = r->seek != NULL ? seek_registries(r->seek, body) : 0;
        break;
    case MESSAGE_LEASE:
        if (!r->stopping)
            e = lease_take(r, body);
        break;
    default:
        break;
    }
    if (e != 0)
        log_warning("a message %s of the store could not be taken: %s", message_name(message), err_text(e));
}

static void on_store_closed(struct channel *channel, void *user, int error)
{
    struct reach *r = user;
    if (error != 0)
        log_warning("the channel to the store broke: %s", err_text(error));
    if (r->store == channel) {
        journal_attach(r->config.journal, NULL);
        r->store = NULL;
    }
    channel_free(channel);
}

static void on_writable(struct channel *channel, void *user)
{
    struct reach *r = user;
    (void)channel;
    journal_push(r->config.journal);
}

void reach_store(struct reach *r, int fd)
{
    static const struct channel_events events = {.message = on_message, .closed = on_store_closed, .writable = on_writable};
    struct channel *channel;
    if (r->store != NULL) {
        journal_attach(r->config.journal, NULL);
        channel_free(r->store);
        r->store = NULL;
    }
    int e = channel_new(&channel, r->config.loop, fd, PARTY_REACH, PARTY_STORE, &events, r);
    if (e != 0) {
        log_error("no channel to the store: %s", err_text(e));
        return;
    }
    r->store = channel;
    r->wanted = r->wanted_quests = 0;
    journal_attach(r->config.journal, channel);
    want(r);
}

static void push(struct reach *r)
{
    r->pushed = journal_counters(r->config.journal)->appended;
    journal_push(r->config.journal);
}

static void on_push(uv_timer_t *timer)
{
    struct reach *r = timer->data;
    r->push_soon = false;
    push(r);
}

/* Before the loop sleeps: new connections are asked for; a record alone waits a moment for others, many go at once. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct reach *r = prepare->data;
    reach_clock(r);
    bool more = visits_pump(r);
    if (r->seek != NULL && seek_pump(r->seek))
        more = true;
    want(r);
    uint64_t waiting = journal_counters(r->config.journal)->appended - r->pushed;
    if (waiting >= PUSH_NOW_RECORDS || (waiting > 0 && r->stopping)) {
        push(r);
    } else if (waiting > 0 && !r->push_soon) {
        r->push_soon = true;
        (void)uv_timer_start(&r->push_timer, on_push, PUSH_EVERY_MSEC, 0);
    }
    if (more)
        visit_deadline_now(r);
    else
        visit_deadline_arm(r);
    if (!r->stopping || r->stopped)
        return;
    if (r->visits > 0 && r->now >= r->stop_by)
        visits_stop(r);
    if (r->visits == 0) {
        r->stopped = true;
        if (r->config.stopped != NULL)
            r->config.stopped(r->config.user);
    }
}

/* ---- sockets ---- */

static void on_sockets(uv_poll_t *poll, int status, int what)
{
    struct reach *r = poll->data;
    struct epoll_event ready[EVENTS];
    (void)status;
    (void)what;
    int count = epoll_pwait(r->epoll_fd, ready, EVENTS, 0, NULL);
    reach_clock(r);
    if (count > 0 && r->tap != NULL)
        tap_read(r->tap);
    for (int i = 0; i < count; i++) {
        if (ready[i].data.ptr == r->dns)
            dns_read(r->dns, r->now);
        else if (ready[i].data.ptr == r->seek)
            seek_events(r->seek);
        else
            talk_event(ready[i].data.ptr, ready[i].events);
    }
    visit_deadline_run(r);
}

/* ---- what the operator set ---- */

static int read_ports(const struct conf *conf, const char *path, const char *presets, struct order_port **ret, size_t *ret_count,
                      struct conf_error *error)
{
    size_t given = conf_count(conf, path), count = 0;
    struct order_port *ports = calloc(given > ORDER_PORTS_MAX ? given : ORDER_PORTS_MAX, sizeof *ports);
    struct span rest = span_text(given == 0 ? presets : "");
    int r = ports == NULL ? -ENOMEM : 0;
    for (size_t i = 0; i < given && r == 0; i++) {
        const char *text = conf_texts(conf, path, i);
        r = i < ORDER_PORTS_MAX ? order_port_parse(span_text(text), &ports[count++]) : -ERR_LIMIT;
        if (r == -ERR_LIMIT)
            (void)conf_refuse(conf, path, error, "expected at most %d ports", ORDER_PORTS_MAX);
        else if (r != 0)
            (void)conf_refuse(conf, path, error, "\"%.40s\" is no port with a probe; for example 8080:http; `noroshi probes` lists them", text);
    }
    while (rest.len > 0 && r == 0) {
        size_t len = span_find(rest, ' ');
        if (order_port_parse(span_part(rest, 0, len), &ports[count]) == 0)
            count++;
        rest = span_part(rest, len + 1, rest.len);
    }
    if (r != 0) {
        free(ports);
        return r == -ENOMEM ? r : -ERR_CONFIG;
    }
    *ret = ports;
    *ret_count = count;
    return 0;
}

static int read_settings(struct reach *r, struct conf_error *error)
{
    const struct conf *conf = r->config.settings;
    r->sensor = span_text(conf_text(conf, "sensor.name"));
    r->connect_timeout = conf_int(conf, "probe.connect_timeout");
    r->deadline = conf_int(conf, "probe.deadline");
    r->quiet = conf_int(conf, "probe.quiet");
    r->first_byte = conf_int(conf, "probe.first_byte");
    r->interval = conf_int(conf, "probe.interval");
    r->age_max = conf_int(conf, "probe.age_max");
    r->answer_max = (size_t)conf_int(conf, "probe.answer_max");
    r->in_flight = (size_t)conf_int(conf, "outside.in_flight");
    r->ics = conf_bool(conf, "probe.ics");
    /* Enough to have work while some wait for their turn, few enough to be done before their leases run out. */
    r->capacity = r->in_flight * 2 > VISITS_LEAST ? r->in_flight * 2 : VISITS_LEAST;
    buf_init(&r->agent_text, 1024);
    if (operator_named(conf))
        attribution_agent(conf, &r->agent_text);
    r->agent = buf_as_span(&r->agent_text);
    int e = read_ports(conf, "probe.ports", "21 23 80 443 8080", &r->ports, &r->port_count, error);
    if (e == 0)
        e = read_ports(conf, "probe.ics_ports", "", &r->ics_ports, &r->ics_port_count, error);
    return e != 0 ? e : dial_new(&r->dial, conf, error);
}

static int check_extra(const struct conf *conf, struct conf_error *error)
{
    for (size_t i = 0; i < conf_count(conf, "probe.extra"); i++) {
        const char *name = conf_texts(conf, "probe.extra", i);
        const struct probe *probe = probe_by_name(span_text(name));
        if (probe != NULL && probe->care == CARE_ASKED)
            continue;
        return conf_refuse(conf, "probe.extra", error,
                           "\"%.40s\" is no probe that is off unless named; for example snmp; `noroshi probes` lists them", name);
    }
    return 0;
}

int reach_check(const struct conf *conf, struct conf_error *error)
{
    struct order_port *ports = NULL, *ics_ports = NULL;
    struct dial *dial = NULL;
    struct endpoint resolver;
    size_t count;
    error->text[0] = '\0';
    int e = read_ports(conf, "probe.ports", "", &ports, &count, error);
    if (e == 0)
        e = read_ports(conf, "probe.ics_ports", "", &ics_ports, &count, error);
    if (e == 0)
        e = check_extra(conf, error);
    if (e == 0)
        e = dns_resolver(conf, &resolver, error);
    if (e == 0)
        e = dial_new(&dial, conf, error);
    dial_free(dial);
    free(ports);
    free(ics_ports);
    return e;
}

void reach_lists(struct reach *r, struct span blocklist, struct span optout)
{
    struct list_error bad[BAD_LINES];
    size_t bad_count = 0;
    reach_clock(r);
    int e = dial_lists(r->dial, blocklist, optout, &bad_count, bad, BAD_LINES);
    if (e != 0)
        log_error("the lists of networks not to connect to can't be read: %s; nothing is connected to until they can", err_text(e));
    for (size_t i = 0; i < bad_count && i < BAD_LINES; i++)
        log_warning("%s, line %u: \"%s\" is no network; the line is left out", bad[i].list, bad[i].line, bad[i].text);
    if (bad_count > BAD_LINES)
        log_warning("%zu more lines of the lists are no networks", bad_count - BAD_LINES);
    r->lists_known = e == 0;
    visits_listed(r);
    if (r->seek != NULL)
        seek_listed(r->seek, r->lists_known);
}

/* ---- life ---- */

static void on_closed(uv_handle_t *handle)
{
    struct reach *r = handle->data;
    r->handles--;
    if (r->handles > 0)
        return;
    if (r->epoll_fd >= 0)
        (void)close(r->epoll_fd);
    free(r);
}

static void done(struct reach *r)
{
    seek_free(r->seek);
    visits_free(r);
    talks_free(r);
    tap_free(r->tap);
    tls_context_free(r->tls);
    dns_free(r->dns);
    dial_free(r->dial);
    free(r->ports);
    free(r->ics_ports);
    free(r->input);
    alarms_free(&r->deadlines);
    buf_done(&r->agent_text);
}

void reach_free(struct reach *r)
{
    if (r == NULL)
        return;
    journal_attach(r->config.journal, NULL);
    channel_free(r->store);
    done(r);
    uv_close((uv_handle_t *)&r->poll, on_closed);
    uv_close((uv_handle_t *)&r->timer, on_closed);
    uv_close((uv_handle_t *)&r->push_timer, on_closed);
    uv_close((uv_handle_t *)&r->prepare, on_closed);
}

static int make_dns(struct reach *r, struct conf_error *error)
{
    struct endpoint resolver;
    int e = dns_resolver(r->config.settings, &resolver, error);
    if (e != 0 || resolver.port == 0)
        return e;
    e = dns_new(&r->dns, resolver, visit_named, r);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = r->dns};
    if (e != 0)
        return e;
    return epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, dns_fd(r->dns), &event) == 0 ? 0 : -errno;
}

static int make_seek(struct reach *r, struct conf_error *error)
{
    const struct seek_config config = {.settings = r->config.settings,
                                       .book = r->config.book,
                                       .channels = r->config.channels,
                                       .ca = r->config.ca,
                                       .journal = r->config.journal,
                                       .dial = r->dial};
    if (r->config.book == NULL)
        return 0;
    int e = seek_new(&r->seek, &config, error);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = r->seek};
    if (e != 0)
        return e;
    return epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, seek_fd(r->seek), &event) == 0 ? 0 : -errno;
}

static int make(struct reach *r, struct conf_error *error)
{
    int e = read_settings(r, error);
    if (e != 0)
        return e;
    size_t buckets = 1024;
    while (buckets < r->capacity)
        buckets *= 2;
    r->table = calloc(buckets, sizeof(struct visit *));
    r->table_mask = buckets - 1;
    r->input = malloc(INPUT_SIZE);
    if (r->table == NULL || r->input == NULL)
        return -ENOMEM;
    if (r->config.tap_fd >= 0 && (e = tap_new(&r->tap, r->config.tap_fd)) != 0)
        return e;
    e = tls_context_new(&r->tls);
    if (e != 0)
        return e;
    r->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (r->epoll_fd < 0)
        return -errno;
    e = make_dns(r, error);
    return e == 0 ? make_seek(r, error) : e;
}

int reach_new(struct reach **ret, const struct reach_config *config, struct conf_error *error)
{
    struct reach *r = calloc(1, sizeof *r);
    error->text[0] = '\0';
    if (r == NULL)
        return -ENOMEM;
    r->config = *config;
    r->epoll_fd = -1;
    reach_clock(r);
    int e = make(r, error);
    r->poll.data = r->timer.data = r->push_timer.data = r->prepare.data = r;
    if (e == 0)
        e = uv_poll_init(config->loop, &r->poll, r->epoll_fd);
    if (e != 0) {
        if (error->text[0] == '\0')
            (void)snprintf(error->text, sizeof error->text, "%s", err_text(e));
        done(r);
        if (r->epoll_fd >= 0)
            (void)close(r->epoll_fd);
        free(r);
        return e;
    }
    (void)uv_timer_init(config->loop, &r->timer);
    (void)uv_timer_init(config->loop, &r->push_timer);
    (void)uv_prepare_init(config->loop, &r->prepare);
    r->handles = 4;
    (void)uv_poll_start(&r->poll, UV_READABLE, on_sockets);
    (void)uv_prepare_start(&r->prepare, on_prepare);
    r->pushed = journal_counters(config->journal)->acknowledged;
    *ret = r;
    return 0;
}

static void on_stop_time(uv_timer_t *timer)
{
    (void)timer; /* the loop wakes, and its prepare sees what time it is */
}

void reach_stop(struct reach *r, usec_t patience)
{
    if (r->stopping)
        return;
    reach_clock(r);
    r->stop_by = r->now + patience;
    visits_stop(r);
    if (r->seek != NULL)
        seek_stop(r->seek);
    (void)uv_timer_start(&r->push_timer, on_stop_time, (uint64_t)(patience / USEC_PER_MSEC) + 1, 0);
}

struct reach_state reach_state(const struct reach *r)
{
    struct reach_state state = r->counts;
    state.visits = r->visits;
    state.in_flight = r->open;
    state.quests = r->seek != NULL ? seek_state(r->seek).quests : 0;
    return state;
}
