/*
 * What the tests of reach share: a reach on a loop with a real journal, a store at the other end of its channel that grants leases and
 * acknowledges when the test wants it, and hosts on the loopback that behave as the test says. All of it in one thread, turned by turn().
 */
#pragma once

#include "base/err.h"
#include "probe/order.h"
#include "process/channel.h"
#include "reach/reach.h"
#include "record/wire.h"
#include "settings.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { HOSTS_MAX = 16, GUESTS_MAX = 64, SAID_MAX = 4096, HEARD_MAX = 4096, PATIENCE_MSEC = 20000 };

struct scene;
struct host;

/* A connection at its host. */
struct guest {
    int fd;
    unsigned step; /* of the host's behaviour */
    usec_t since;  /* of the step */
    size_t sent;
    char heard[HEARD_MAX + 1]; /* what the probe said; a string */
    size_t heard_len;
    bool over, reset; /* the probe closed; by an RST */
    void *user;
};

struct host {
    struct endpoint at;
    int fd;
    enum transport transport;
    void (*serve)(struct host *, struct guest *); /* each turn; closes guest->fd and sets it to -1 when it is done */
    void *user;
    struct guest guests[GUESTS_MAX];
    size_t guest_count, datagrams;
};

/* A record as it came to the store. */
struct said {
    enum kind kind;
    struct id id, session;
    struct endpoint source, destination;
    struct buf text; /* "KIND HOST:PORT/TRANSPORT fact=value …" */
};

struct scene {
    uv_loop_t loop;
    struct conf *conf;
    struct journal *journal;
    struct reach *reach;
    struct channel *store;
    int ring;
    bool withhold; /* acknowledges nothing */
    bool stopped;
    uint64_t last, acknowledged;
    uint32_t wanted, wanted_quests; /* of the last WANT */
    size_t wants, said_count, most_open;
    struct said said[SAID_MAX];
    struct host *hosts[HOSTS_MAX];
    size_t host_count;
};

static const char scene_settings[] =
    "sensor: {name: sensor}\n"
    "operator: {organisation: Example CSIRT, mail: abuse@csirt.example, page: \"https://csirt.example/probing\"}\n"
    "outside: {test_network: [127.0.0.0/8, \"::1/128\"], rate: 100000, rate_per_address: 100000, rate_per_network: 100000,\n"
    "  rate_per_as: 100000, rate_ics: 100000, daily_per_address: 100000}\n"
    "probe: {ics: true, connect_timeout: 500ms, deadline: 1s, quiet: 100ms, first_byte: 250ms, interval: 1h, age_max: 1h}\n";

/* Of quests; without a book none are taken. */
static const struct book *scene_book;
static const struct channel *const *scene_channels;

/* ---- the store ---- */

static inline void log_fact(struct buf *text, const struct fact *fact)
{
    const struct fact_info *info = fact_info((unsigned)fact->name);
    char addr[ADDR_TEXT_SIZE];
    if (info->type == FACT_TYPE_INT)
        buf_printf(text, " %s=%lld", info->text, (long long)fact->number);
    else if (info->type == FACT_TYPE_ADDR)
        buf_printf(text, " %s=%s", info->text, addr_print(fact->addr, addr));
    else if (fact->name == FACT_BANNER || fact->name == FACT_CONTENT)
        buf_printf(text, " %s=%zu:%.*s", info->text, fact->text.len, fact->text.len < 200 ? (int)fact->text.len : 200, (const char *)fact->text.at);
    else
        buf_printf(text, " %s=%.*s", info->text, (int)fact->text.len, (const char *)fact->text.at);
}

static inline void log_record(struct scene *s, const struct record *record)
{
    char host[ENDPOINT_TEXT_SIZE];
    assert_true(s->said_count < SAID_MAX);
    struct said *said = &s->said[s->said_count++];
    said->kind = record->kind;
    said->id = record->id;
    said->session = record->session;
    said->source = record->source;
    said->destination = record->destination;
    buf_init(&said->text, 0);
    buf_printf(&said->text, "%s %s/%s", kind_info((unsigned)record->kind)->name, endpoint_print(record->destination, host),
               transport_name(record->transport));
    for (size_t i = 0; i < record->fact_count; i++)
        log_fact(&said->text, &record->facts[i]);
    buf_byte(&said->text, ' '); /* so that " fact=value " is found at the end, too */
}

/* Acknowledges what came up to `seq`. */
static inline void acknowledge(struct scene *s, uint64_t seq)
{
    struct buf ack;
    buf_init(&ack, 0);
    buf_be(&ack, seq, 8);
    buf_be(&ack, seq - s->acknowledged, 8);
    buf_be(&ack, 0, 8);
    assert_int_equal(channel_send(s->store, MESSAGE_ACK, buf_as_span(&ack), NULL, 0), 0);
    buf_done(&ack);
    s->acknowledged = seq;
}

static inline void store_records(struct scene *s, struct span body)
{
    struct cursor c = cursor_of(body);
    uint64_t seq = cursor_be64(&c);
    while (cursor_left(&c) > 0) {
        struct record record;
        struct fact facts[RECORD_FACTS_MAX];
        assert_int_equal(wire_decode(&c, &record, facts), 0);
        if (seq > s->last && record.kind != KIND_NOTE) /* notes are a test's filling of the journal */
            log_record(s, &record);
        s->last = seq > s->last ? seq : s->last;
        seq++;
    }
    if (!s->withhold)
        acknowledge(s, s->last);
}

static inline void store_message(struct channel *channel, void *user, enum message message, struct span body, int *fds, size_t fd_count)
{
    struct scene *s = user;
    (void)channel;
    (void)fds;
    (void)fd_count;
    if (message == MESSAGE_RECORDS) {
        store_records(s, body);
        return;
    }
    assert_int_equal(message, MESSAGE_WANT);
    struct cursor c = cursor_of(body);
    s->wanted = cursor_be32(&c);
    s->wanted_quests = cursor_be32(&c);
    s->wants++;
}

static inline void store_closed(struct channel *channel, void *user, int error)
{
    (void)channel;
    (void)user;
    assert_int_equal(error, 0); /* reach keeps the rules */
}

static inline void store_send(struct scene *s, enum message message, const struct buf *body)
{
    assert_int_equal(body->error, 0);
    assert_int_equal(channel_send(s->store, message, buf_as_span(body), NULL, 0), 0);
}

/* The store comes (again): a new channel. */
static inline void store_comes(struct scene *s)
{
    static const struct channel_events events = {.message = store_message, .closed = store_closed};
    int fds[2];
    assert_int_equal(channel_pair(fds), 0);
    assert_int_equal(channel_new(&s->store, &s->loop, fds[1], PARTY_STORE, PARTY_REACH, &events, s), 0);
    reach_store(s->reach, fds[0]);
}

static inline void store_goes(struct scene *s)
{
    channel_free(s->store);
    s->store = NULL;
}

/* No count of the day, which ends them. */
static inline void spent_nothing(struct scene *s)
{
    struct buf body;
    buf_init(&body, 0);
    buf_be(&body, 0, 4);
    store_send(s, MESSAGE_SPENT, &body);
    buf_done(&body);
}

/* ---- orders and leases ---- */

static inline struct addr ip(const char *text)
{
    struct addr a = {.bytes = {0}};
    if (addr_parse(span_text(text), &a) != 0)
        fail_msg("%s is no address", text);
    return a;
}

/* A visit the operator asked for. */
static inline struct order order_for(const char *addr)
{
    return (struct order){.addr = ip(addr), .flags = ORDER_BY_HAND, .cause = "operator"};
}

static inline void order_ask(struct order *order, const struct host *host, const char *probe)
{
    struct order_port *port = &order->ports[order->count++];
    port->port = host->at.port;
    port->transport = host->transport;
    (void)snprintf(port->probe, sizeof port->probe, "%s", probe);
}

static inline void lease_encode(struct buf *body, const struct order *order, const struct order_port *dialled, size_t dialled_count)
{
    char key[ORDER_KEY_SIZE];
    struct buf input;
    buf_init(&input, 0);
    order_encode(&input, order);
    (void)order_key(order, key);
    buf_be(body, 7, 8);
    buf_be(body, 1, 4);
    buf_be(body, strlen(ORDER_TASK_KIND), 2);
    buf_text(body, ORDER_TASK_KIND);
    buf_be(body, strlen(key), 2);
    buf_text(body, key);
    buf_be(body, input.len, 4);
    buf_span(body, buf_as_span(&input));
    buf_be(body, dialled_count, 2);
    for (size_t i = 0; i < dialled_count; i++) {
        buf_be(body, dialled[i].port, 2);
        buf_be(body, (uint64_t)dialled[i].transport, 1);
    }
    buf_done(&input);
}

static inline void lease_again(struct scene *s, const struct order *order, const struct order_port *dialled, size_t dialled_count)
{
    struct buf body;
    buf_init(&body, 0);
    lease_encode(&body, order, dialled, dialled_count);
    store_send(s, MESSAGE_LEASE, &body);
    buf_done(&body);
}

static inline void lease(struct scene *s, const struct order *order)
{
    lease_again(s, order, NULL, 0);
}

/* A visit of one port. */
static inline void lease_one(struct scene *s, const struct host *host, const char *probe)
{
    char addr[ADDR_TEXT_SIZE];
    struct order order = order_for(addr_print(host->at.addr, addr));
    order_ask(&order, host, probe);
    lease(s, &order);
}

/* ---- hosts ---- */

static inline struct host *host_new(struct scene *s, const char *addr, enum transport transport, void (*serve)(struct host *, struct guest *))
{
    struct host *h = calloc(1, sizeof *h);
    struct sockaddr_storage sa;
    int on = 1, type = transport == TRANSPORT_UDP ? SOCK_DGRAM : SOCK_STREAM;
    assert_non_null(h);
    assert_true(s->host_count < HOSTS_MAX);
    h->at.addr = ip(addr);
    h->transport = transport;
    h->serve = serve;
    socklen_t len = endpoint_to_sockaddr(h->at, &sa);
    h->fd = socket(sa.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(h->fd >= 0);
    assert_int_equal(setsockopt(h->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    assert_int_equal(bind(h->fd, (struct sockaddr *)&sa, len), 0);
    if (transport == TRANSPORT_TCP)
        assert_int_equal(listen(h->fd, 64), 0);
    len = sizeof sa;
    assert_int_equal(getsockname(h->fd, (struct sockaddr *)&sa, &len), 0);
    assert_int_equal(endpoint_from_sockaddr((struct sockaddr *)&sa, &h->at), 0);
    s->hosts[s->host_count++] = h;
    return h;
}

static inline struct host *tcp_host(struct scene *s, const char *addr, void (*serve)(struct host *, struct guest *))
{
    return host_new(s, addr, TRANSPORT_TCP, serve);
}

/* A port that nobody listens on. */
static inline struct host *closed_port(struct scene *s, const char *addr, enum transport transport)
{
    struct host *h = host_new(s, addr, transport, NULL);
    (void)close(h->fd);
    h->fd = -1;
    return h;
}

static inline void guest_leaves(struct guest *g)
{
    if (g->fd >= 0)
        (void)close(g->fd);
    g->fd = -1;
}

static inline void guest_step(struct guest *g)
{
    g->step++;
    g->since = usec_monotonic();
}

static inline void guest_say(struct guest *g, struct span bytes)
{
    ssize_t sent = send(g->fd, bytes.at, bytes.len, MSG_NOSIGNAL);
    g->sent += sent > 0 ? (size_t)sent : 0;
}

/* What the probe said so far; its FIN or RST. */
static inline void guest_hear(struct guest *g)
{
    char dropped[1024];
    for (;;) {
        size_t room = HEARD_MAX - g->heard_len;
        ssize_t got = recv(g->fd, room > 0 ? g->heard + g->heard_len : dropped, room > 0 ? room : sizeof dropped, MSG_DONTWAIT);
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0) {
            g->over = true;
            g->reset = got < 0;
            return;
        }
        g->heard_len += room > 0 ? (size_t)got : 0;
    }
}

static inline void host_turn(struct host *h)
{
    for (size_t i = 0; i < h->guest_count; i++) {
        if (h->guests[i].fd >= 0)
            h->serve(h, &h->guests[i]);
    }
    while (h->fd >= 0 && h->serve != NULL && h->transport == TRANSPORT_TCP && h->guest_count < GUESTS_MAX) {
        int fd = accept4(h->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            break;
        h->guests[h->guest_count++] = (struct guest){.fd = fd, .since = usec_monotonic()};
        h->serve(h, &h->guests[h->guest_count - 1]);
    }
}

/* Connections open at all hosts, as they see it. */
static inline size_t guests_open(const struct scene *s)
{
    size_t open = 0;
    for (size_t i = 0; i < s->host_count; i++) {
        for (size_t k = 0; k < s->hosts[i]->guest_count; k++)
            open += s->hosts[i]->guests[k].fd >= 0;
    }
    return open;
}

static inline size_t guests_seen(const struct scene *s)
{
    size_t seen = 0;
    for (size_t i = 0; i < s->host_count; i++)
        seen += s->hosts[i]->guest_count;
    return seen;
}

/* Says nothing, closes when the probe does. */
static inline void serve_silence(struct host *h, struct guest *g)
{
    (void)h;
    guest_hear(g);
    if (g->over)
        guest_leaves(g);
}

/* Says what `user` points to, and then nothing. */
static inline void serve_text(struct host *h, struct guest *g)
{
    if (g->step == 0) {
        guest_say(g, span_text(h->user));
        guest_step(g);
    }
    serve_silence(h, g);
}

/* Says it and closes. */
static inline void serve_and_close(struct host *h, struct guest *g)
{
    guest_say(g, span_text(h->user));
    guest_leaves(g);
}

/* ---- life ---- */

static inline void turn(struct scene *s)
{
    (void)uv_run(&s->loop, UV_RUN_NOWAIT);
    for (size_t i = 0; i < s->host_count; i++)
        host_turn(s->hosts[i]);
    size_t open = guests_open(s);
    s->most_open = open > s->most_open ? open : s->most_open;
    (void)usleep(100);
}

static inline void run(struct scene *s, unsigned msec)
{
    usec_t until = usec_monotonic() + msec * USEC_PER_MSEC;
    do
        turn(s);
    while (usec_monotonic() < until);
}

static inline bool is_said(const struct said *said, enum kind kind, const struct host *host, const char *text)
{
    const struct endpoint to = said->destination;
    return said->kind == kind && (host == NULL || (addr_equal(to.addr, host->at.addr) && to.port == host->at.port)) &&
           memmem(said->text.data, said->text.len, text, strlen(text)) != NULL;
}

static inline const struct said *find_said(const struct scene *s, enum kind kind, const struct host *host, const char *text)
{
    for (size_t i = 0; i < s->said_count; i++) {
        if (is_said(&s->said[i], kind, host, text))
            return &s->said[i];
    }
    return NULL;
}

static inline size_t count_said(const struct scene *s, enum kind kind, const struct host *host, const char *text)
{
    size_t count = 0;
    for (size_t i = 0; i < s->said_count; i++)
        count += is_said(&s->said[i], kind, host, text);
    return count;
}

static inline void print_said(const struct scene *s)
{
    for (size_t i = 0; i < s->said_count; i++)
        (void)fprintf(stderr, "%.*s\n", (int)s->said[i].text.len, (const char *)s->said[i].text.data);
}

/* Turns until a record of that kind, of that host (NULL: any), has such a text. */
static inline const struct said *await(struct scene *s, enum kind kind, const struct host *host, const char *text)
{
    usec_t until = usec_monotonic() + PATIENCE_MSEC * USEC_PER_MSEC;
    const struct said *said = NULL;
    while ((said = find_said(s, kind, host, text)) == NULL && usec_monotonic() < until)
        turn(s);
    if (said == NULL) {
        print_said(s);
        fail_msg("no %s with \"%s\"", kind_info((unsigned)kind)->name, text);
    }
    return said;
}

/* Turns until so many visits are over. */
static inline void await_visits(struct scene *s, size_t count)
{
    usec_t until = usec_monotonic() + PATIENCE_MSEC * USEC_PER_MSEC;
    while (count_said(s, KIND_VISIT, NULL, "") < count && usec_monotonic() < until)
        turn(s);
    if (count_said(s, KIND_VISIT, NULL, "") != count) {
        print_said(s);
        fail_msg("%zu visits, not %zu", count_said(s, KIND_VISIT, NULL, ""), count);
    }
}

static inline void assert_said(const struct scene *s, enum kind kind, const struct host *host, const char *text)
{
    if (find_said(s, kind, host, text) != NULL)
        return;
    print_said(s);
    fail_msg("no %s with \"%s\"", kind_info((unsigned)kind)->name, text);
}

static inline void lists(struct scene *s, const char *blocklist, const char *optout)
{
    reach_lists(s->reach, span_text(blocklist), span_text(optout));
}

static inline void on_stopped(void *user)
{
    struct scene *s = user;
    assert_false(s->stopped);
    s->stopped = true;
}

/* `changes`: settings as for conf_override, ended by NULL. `tap`: -1, or a packet tap, which stays the caller's. Without a store and lists. */
static inline struct scene *set_up_bare(const char *const *changes, int tap)
{
    struct scene *s = calloc(1, sizeof *s);
    struct conf_error error;
    assert_non_null(s);
    assert_int_equal(uv_loop_init(&s->loop), 0);
    if (conf_parse(&s->conf, "test", span_text(scene_settings), settings_schema(), &error) != 0)
        fail_msg("%s", error.text);
    for (; changes != NULL && *changes != NULL; changes++) {
        if (conf_override(s->conf, *changes, &error) != 0)
            fail_msg("%s", error.text);
    }
    s->ring = memfd_create("journal", MFD_CLOEXEC);
    assert_true(s->ring >= 0);
    assert_int_equal(ftruncate(s->ring, JOURNAL_RING_LEAST + 4096), 0);
    assert_int_equal(journal_open(&s->journal, s->ring, -1, 0), 0);
    const struct reach_config config = {.loop = &s->loop,
                                        .settings = s->conf,
                                        .journal = s->journal,
                                        .book = scene_book,
                                        .channels = scene_channels,
                                        .tap_fd = tap,
                                        .user = s,
                                        .stopped = on_stopped};
    if (reach_new(&s->reach, &config, &error) != 0)
        fail_msg("%s", error.text);
    return s;
}

static inline struct scene *set_up(const char *const *changes)
{
    struct scene *s = set_up_bare(changes, -1);
    lists(s, "", "");
    store_comes(s);
    spent_nothing(s);
    return s;
}

static inline void tear_down(struct scene *s)
{
    reach_free(s->reach);
    (void)uv_run(&s->loop, UV_RUN_NOWAIT);
    channel_free(s->store);
    (void)uv_run(&s->loop, UV_RUN_NOWAIT);
    (void)uv_run(&s->loop, UV_RUN_NOWAIT);
    assert_int_equal(uv_loop_close(&s->loop), 0);
    assert_int_equal(journal_counters(s->journal)->dropped, 0);
    journal_free(s->journal);
    (void)close(s->ring);
    conf_free(s->conf);
    for (size_t i = 0; i < s->host_count; i++) {
        for (size_t k = 0; k < s->hosts[i]->guest_count; k++)
            guest_leaves(&s->hosts[i]->guests[k]);
        if (s->hosts[i]->fd >= 0)
            (void)close(s->hosts[i]->fd);
        free(s->hosts[i]);
    }
    for (size_t i = 0; i < s->said_count; i++)
        buf_done(&s->said[i].text);
    free(s);
}
