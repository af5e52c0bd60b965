/*
 * Roles that only pretend, for tests of the supervisor, and what the executable brings otherwise. The edge answers each connection, after the
 * store has acknowledged a record, with both processes' numbers. The setting sensor.name chooses how they misbehave.
 */
#pragma once

#include "base/err.h"
#include "base/log.h"
#include "observe/honeypot/profile.h"
#include "observe/honeypot/service.h"
#include "process/memfd.h"
#include "process/role.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- what the executable brings otherwise ---- */

const struct service *service_by_name(struct span name)
{
    static const struct service telnet = {.name = "telnet", .over = TRANSPORT_TCP, .port = 23};
    return span_is(name, "telnet") ? &telnet : NULL;
}

static int edge_equip(const struct conf *settings, struct equipment *equipment, struct conf_error *error)
{
    if (strstr(conf_text(settings, "honeypot.profiles"), "broken") != NULL) {
        (void)snprintf(error->text, sizeof error->text, "broken/a.yaml:3: hostname: expected text");
        return -ERR_CONFIG;
    }
    int fd;
    if (memfd_sealed("profiles", span_text("profiles"), &fd) != 0)
        return -ENOMEM;
    equipment_add(equipment, "profiles", fd);
    return 0;
}

static bool told(struct station *s, const char *behaviour)
{
    return strstr(conf_text(station_settings(s), "sensor.name"), behaviour) != NULL;
}

/* ---- the roles ---- */

struct fake {
    struct station *station;
    struct channel *store; /* of an edge */
    uv_poll_t listener;
    int listener_fd, waiting_fd;
};

static void fake_stop(struct station *s)
{
    struct fake *f = station_user(s);
    if (f != NULL && told(s, "hangs"))
        return;
    log_info("ends");
    uv_stop(station_loop(s));
}

static int fake_run(struct station *s, const struct station_events *events, void *user)
{
    if (told(s, "crashes"))
        abort();
    station_events(s, events, user);
    if (station_ready(s) != 0)
        return 1;
    (void)uv_run(station_loop(s), UV_RUN_DEFAULT);
    return 0;
}

static void end_channel(struct channel *c, void *user, int error)
{
    (void)error;
    struct fake *f = user;
    if (f != NULL && f->store == c)
        f->store = NULL;
    channel_free(c);
}

static void store_message(struct channel *c, void *user, enum message message, struct span body, int *fds, size_t fd_count)
{
    (void)fds, (void)fd_count;
    struct station *s = user;
    if (message != MESSAGE_RECORDS)
        return;
    if (told(s, "accuses") && body.len == 10)
        station_accuse(s, "edge", 0);
    struct buf ack;
    buf_init(&ack, 0);
    buf_span(&ack, span_part(body, 0, 8));
    buf_be(&ack, (uint64_t)getpid(), 8);
    buf_be(&ack, 0, 8);
    assert(channel_send(c, MESSAGE_ACK, buf_as_span(&ack), NULL, 0) == 0);
    buf_done(&ack);
}

static void store_closed(struct channel *c, void *user, int error)
{
    (void)user, (void)error;
    channel_free(c);
}

static void store_peer(struct station *s, const char *name, unsigned index, int fd)
{
    static const struct channel_events events = {.message = store_message, .closed = store_closed};
    (void)index;
    struct channel *c;
    enum party party = strcmp(name, "edge") == 0 ? PARTY_EDGE : strcmp(name, "client") == 0 ? PARTY_CLIENT : PARTY_ANALYSE;
    assert(channel_new(&c, station_loop(s), fd, PARTY_STORE, party, &events, s) == 0);
}

static int store_run(struct station *s)
{
    static const struct station_events events = {.peer = store_peer, .stop = fake_stop};
    if (told(s, "store-fails"))
        return station_failed(s, "control.db is not a database");
    if (station_grant(s, "lock") < 0)
        return station_failed(s, "no lock");
    return fake_run(s, &events, NULL);
}

static void edge_answer(struct fake *f, uint64_t store)
{
    char text[64];
    int len = snprintf(text, sizeof text, "%u %d %llu\n", station_index(f->station), (int)getpid(), (unsigned long long)store);
    if (f->waiting_fd >= 0) {
        (void)!write(f->waiting_fd, text, (size_t)len);
        (void)close(f->waiting_fd);
    }
    f->waiting_fd = -1;
}

static void edge_message(struct channel *c, void *user, enum message message, struct span body, int *fds, size_t fd_count)
{
    (void)c, (void)fds, (void)fd_count;
    uint64_t store = 0;
    for (size_t i = 8; message == MESSAGE_ACK && i < 16; i++)
        store = store << 8 | body.at[i];
    edge_answer(user, store);
}

static void edge_ask(struct fake *f)
{
    if (f->store != NULL && f->waiting_fd >= 0)
        (void)channel_send(f->store, MESSAGE_RECORDS, span_of("123456789", 9), NULL, 0);
}

static void edge_peer(struct station *s, const char *name, unsigned index, int fd)
{
    static const struct channel_events events = {.message = edge_message, .closed = end_channel};
    (void)name, (void)index;
    struct fake *f = station_user(s);
    channel_free(f->store);
    assert(channel_new(&f->store, station_loop(s), fd, PARTY_EDGE, PARTY_STORE, &events, f) == 0);
    if (told(s, "accuses"))
        (void)channel_send(f->store, MESSAGE_RECORDS, span_of("1234567890", 10), NULL, 0);
    edge_ask(f);
}

static void edge_accept(uv_poll_t *poll, int status, int what)
{
    (void)status, (void)what;
    struct fake *f = poll->data;
    int fd = accept4(f->listener_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    if (f->waiting_fd >= 0)
        (void)close(f->waiting_fd);
    f->waiting_fd = fd;
    edge_ask(f);
}

static void edge_drain(struct station *s)
{
    log_info("drains");
    uv_stop(station_loop(s));
}

static int edge_run(struct station *s)
{
    static const struct station_events events = {.peer = edge_peer, .stop = fake_stop, .drain = edge_drain};
    struct fake f = {.station = s, .waiting_fd = -1, .listener_fd = station_grant(s, "listen.0")};
    if (told(s, "edge-fails"))
        return station_failed(s, "no device profile");
    if (f.listener_fd < 0 || station_grant(s, "journal") < 0 || station_grant(s, "spool") < 0 || station_grant(s, "profiles") < 0)
        return station_failed(s, "a grant is missing");
    if (uv_poll_init(station_loop(s), &f.listener, f.listener_fd) != 0)
        return 1;
    f.listener.data = &f;
    (void)uv_poll_start(&f.listener, UV_READABLE, edge_accept);
    return fake_run(s, &events, &f);
}

static int analyse_run(struct station *s)
{
    static const struct station_events events = {.stop = fake_stop};
    return fake_run(s, &events, NULL);
}

static const struct role fake_roles[] = {
    {.name = "store", .party = PARTY_STORE, .wall = {.read_data = true, .write_data = true, .accept = true, .receive_fds = true}, .run = store_run},
    {.name = "analyse", .party = PARTY_ANALYSE, .wall = {.read_data = true, .receive_fds = true}, .run = analyse_run},
    {.name = "edge",
     .party = PARTY_EDGE,
     .wall = {.accept = true, .receive_fds = true, .open_files_max = 4096},
     .equip = edge_equip,
     .run = edge_run},
};

const struct role *const *roles_all(size_t *ret_count)
{
    static const struct role *const roles[] = {&fake_roles[0], &fake_roles[1], &fake_roles[2]};
    *ret_count = 3;
    return roles;
}

const struct role *role_by_name(struct span name)
{
    for (size_t i = 0; i < 3; i++) {
        if (span_is(name, fake_roles[i].name))
            return &fake_roles[i];
    }
    return NULL;
}
