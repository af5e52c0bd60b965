#include "base/err.h"
#include "base/log.h"
#include "process/team.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Edges and reach write journals. */
static bool has_slot(const struct member *m)
{
    enum party party = child_role(m->child)->party;
    return party == PARTY_EDGE || party == PARTY_REACH;
}

bool member_is_edge(const struct member *m)
{
    return child_role(m->child)->party == PARTY_EDGE;
}

struct member *member_of(const struct team *t, enum party party)
{
    for (struct member *m = t->members; m != NULL; m = m->next) {
        if (child_role(m->child)->party == party && !m->leaving)
            return m;
    }
    return NULL;
}

unsigned slot_free(const struct team *t)
{
    unsigned index = 0;
    while (index < SLOTS_MAX && t->slots[index].taken)
        index++;
    return index;
}

int slot_open(struct team *t, unsigned index, struct buf *why)
{
    struct slot *slot = &t->slots[index];
    if (slot->open)
        return 0;
    *slot = (struct slot){.ring_fd = -1, .ring_view_fd = -1, .spool_fd = -1, .taken = slot->taken};
    char ring[32], spool[32];
    const char *who = index == STATION_REACH_RING ? "reach" : "edge";
    unsigned number = index == STATION_REACH_RING ? 0 : index;
    (void)snprintf(ring, sizeof ring, "journal/%s-%u.ring", who, number);
    (void)snprintf(spool, sizeof spool, "journal/%s-%u.spool", who, number);
    uint64_t size = (uint64_t)conf_int(t->now->settings, "journal.ring");
    int r = folder_file(&t->folder, ring, size, &slot->ring_fd, why);
    if (r == 0)
        r = folder_file(&t->folder, spool, 0, &slot->spool_fd, why);
    if (r == 0 && (r = folder_view(&t->folder, ring, &slot->ring_view_fd)) != 0)
        buf_printf(why, "data folder %s: %s: %s", t->folder.path, ring, err_text(r));
    slot->open = r == 0;
    if (r != 0) {
        const int fds[] = {slot->ring_fd, slot->ring_view_fd, slot->spool_fd};
        for (size_t i = 0; i < 3; i++) {
            if (fds[i] >= 0)
                (void)close(fds[i]);
        }
    }
    return r;
}

static void grant(struct member *m, const char *name, int fd)
{
    if (fd >= 0)
        child_tell(m->child, MESSAGE_GRANT, span_text(name), fd);
}

static void grant_ring(struct member *store, unsigned index)
{
    char name[32];
    (void)snprintf(name, sizeof name, "ring.%u", index);
    grant(store, name, store->team->slots[index].ring_view_fd);
}

static void grant_edge(struct member *m)
{
    const struct listeners *listeners = &m->generation->listeners;
    for (size_t i = 0; i < listeners->services; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "listen.%zu", i);
        grant(m, name, listeners_fd(listeners, i, m->position % listeners->edges));
    }
}

static void grant_journal(struct member *m)
{
    const struct slot *slot = &m->team->slots[m->slot];
    grant(m, "journal", slot->ring_fd);
    grant(m, "spool", slot->spool_fd);
}

static void grant_equipment(struct member *m)
{
    const struct equipment *equipment = generation_equipment(m->generation, child_role(m->child));
    for (size_t i = 0; i < equipment->count; i++)
        grant(m, equipment->items[i].name, equipment->items[i].fd);
}

static void tell_lists(struct member *m)
{
    struct buf body;
    buf_init(&body, 0);
    lists_message(&m->team->lists, &body);
    child_tell(m->child, MESSAGE_LISTS, buf_as_span(&body), -1);
    buf_done(&body);
}

void reach_tell_lists(struct team *t)
{
    struct member *m = member_of(t, PARTY_REACH);
    if (m != NULL && child_pid(m->child) > 0)
        tell_lists(m);
}

static void grant_store(struct member *m)
{
    grant(m, "control", m->team->control_fd);
    for (unsigned i = 0; i <= SLOTS_MAX; i++) {
        if (m->team->slots[i].open)
            grant_ring(m, i);
    }
}

static void join(struct member *a, struct member *b)
{
    int fds[2];
    int r = channel_pair(fds);
    if (r != 0) {
        log_error("%s and %s can't be joined: %s", child_name(a->child), child_name(b->child), err_text(r));
        child_kill(a->child); /* it starts anew, and is joined anew */
        return;
    }
    child_tell(a->child, MESSAGE_PEER, span_text(child_name(b->child)), fds[0]);
    child_tell(b->child, MESSAGE_PEER, span_text(child_name(a->child)), fds[1]);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

/* Everyone talks to the store, and to nobody else. */
static void join_all(struct member *m)
{
    bool is_store = child_role(m->child)->party == PARTY_STORE;
    for (struct member *other = m->team->members; other != NULL; other = other->next) {
        if (other == m || child_pid(other->child) <= 0)
            continue;
        if (is_store || child_role(other->child)->party == PARTY_STORE)
            join(m, other);
    }
}

static void on_started(struct child *child, void *user)
{
    struct member *m = user;
    child_tell(child, MESSAGE_SETTINGS, buf_as_span(&m->generation->yaml), -1);
    grant(m, "lock", m->team->folder.lock_fd);
    if (has_slot(m))
        grant_journal(m);
    if (member_is_edge(m))
        grant_edge(m);
    else if (child_role(child)->party == PARTY_STORE)
        grant_store(m);
    else if (child_role(child)->party == PARTY_REACH)
        tell_lists(m);
    grant_equipment(m);
    join_all(m);
    child_tell(child, MESSAGE_START, (struct span){0}, -1);
    if (m->draining)
        child_tell(child, MESSAGE_RELOAD, (struct span){0}, -1);
}

static void on_ready(struct child *child, void *user)
{
    struct member *m = user;
    log_debug("%s is ready (process %d)", child_name(child), (int)child_pid(child));
    team_ready(m->team, m);
}

static void on_failed(struct child *child, void *user, struct span line)
{
    struct member *m = user;
    char text[1200];
    m->explained = true;
    (void)snprintf(text, sizeof text, "%s: %.*s", child_name(child), (int)line.len, (const char *)line.at);
    if (m->team->next != NULL && m->generation == m->team->next) {
        reload_undo(m->team, text);
        return;
    }
    log_error("%s", text);
    if (m->team->phase == PHASE_STARTING)
        team_end(m->team, 1);
}

static void on_accused(struct child *child, void *user, struct span name)
{
    struct member *m = user;
    for (struct member *other = m->team->members; other != NULL; other = other->next) {
        if (other != m && span_is(name, child_name(other->child))) {
            log_error("%s broke the rules of its channel to %s: it is ended and starts anew", child_name(other->child), child_name(child));
            child_kill(other->child);
        }
    }
}

static void describe(int status, char text[static 128])
{
    if (WIFEXITED(status))
        (void)snprintf(text, 128, "ended with status %d", WEXITSTATUS(status));
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        (void)snprintf(text, 128, "killed by its walls: it tried a system call that it may not make");
    else
        (void)snprintf(text, 128, "killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
}

void member_forget(struct member *m)
{
    struct team *t = m->team;
    for (struct member **place = &t->members; *place != NULL; place = &(*place)->next) {
        if (*place == m) {
            *place = m->next;
            break;
        }
    }
    if (has_slot(m))
        t->slots[m->slot].taken = false;
    generation_drop(m->generation);
    child_free(m->child);
    free(m);
}

static void ended_while_ending(struct member *m, int status)
{
    struct team *t = m->team;
    char how[128];
    describe(status, how);
    if (child_overdue(m->child))
        (void)snprintf(how, sizeof how, "did not end in time (process.stop_timeout) and was killed");
    bool is_store = child_role(m->child)->party == PARTY_STORE;
    if (is_store && t->phase < PHASE_ENDING_STORE && t->status == 0) {
        /* The edges' last records still need it. */
        log_warning("%s %s; starting it again", child_name(m->child), how);
        child_again(m->child);
        return;
    }
    if (status != 0 && !m->explained) {
        log_error("%s %s", child_name(m->child), how);
        t->status = 1;
    }
    member_forget(m);
    team_advance(t);
}

static void on_ended(struct child *child, void *user, int status)
{
    struct member *m = user;
    struct team *t = m->team;
    char how[128];
    describe(status, how);
    if (t->phase >= PHASE_ENDING_EDGES) {
        ended_while_ending(m, status);
    } else if (m->leaving || (m->draining && status == 0)) {
        log_debug("%s %s", child_name(child), how);
        member_forget(m);
    } else if (m->renewing) {
        m->renewing = false;
        if (child_start(child) != 0)
            child_again(child);
    } else if (t->next != NULL && m->generation == t->next) {
        reload_undo(t, how);
    } else if (t->phase == PHASE_STARTING && child_early_deaths(child) >= EARLY_DEATHS_MAX) {
        log_error("%s can't be started: it %s, %u times", child_name(child), how, child_early_deaths(child));
        team_end(t, 1);
    } else if (m->draining && child_early_deaths(child) >= EARLY_DEATHS_MAX) {
        log_error("%s can't be started to empty its journal: it %s; it is tried again at the next start", child_name(child), how);
        member_forget(m);
    } else {
        log_warning("%s %s; starting it again", child_name(child), how);
        m->explained = false;
        child_again(child);
    }
}

int member_add(struct team *t, const char *name, unsigned index, unsigned position, struct generation *generation, struct member **ret)
{
    static const struct child_events events = {
        .started = on_started, .ready = on_ready, .failed = on_failed, .accused = on_accused, .ended = on_ended};
    const struct role *role = role_by_name(span_text(name));
    struct member *m = role != NULL ? calloc(1, sizeof *m) : NULL;
    int r = role == NULL ? -ERR_UNKNOWN : m == NULL ? -ENOMEM : child_new(&m->child, &t->loop, role, index, t->program_fd, &events, m);
    if (r != 0) {
        free(m);
        return r;
    }
    m->team = t;
    m->slot = role->party == PARTY_REACH ? STATION_REACH_RING : index;
    m->position = position;
    m->generation = generation_hold(generation);
    m->next = t->members;
    t->members = m;
    if (has_slot(m))
        t->slots[m->slot].taken = true;
    *ret = m;
    return 0;
}

static int edge_add(struct team *t, struct generation *g, unsigned position, struct buf *why)
{
    unsigned index = slot_free(t);
    if (index == SLOTS_MAX) {
        buf_printf(why, "too many edges are still draining; try again later");
        return -ERR_LIMIT;
    }
    bool known = t->slots[index].open;
    int r = slot_open(t, index, why);
    if (r != 0)
        return r;
    struct member *store = member_of(t, PARTY_STORE), *m;
    if (!known && store != NULL)
        grant_ring(store, index);
    r = member_add(t, "edge", index, position, g, &m);
    if (r == 0)
        r = child_start(m->child);
    if (r != 0)
        buf_printf(why, "edge.%u can't be started: %s", index, err_text(r));
    return r;
}

int edges_add(struct team *t, struct generation *g, struct buf *why)
{
    int r = 0;
    for (unsigned i = 0; r == 0 && i < g->listeners.edges; i++)
        r = edge_add(t, g, i, why);
    return r;
}

/* Stopped and started again with the settings of now. */
static void renew(struct team *t, struct member *m)
{
    generation_drop(m->generation);
    m->generation = generation_hold(t->now);
    m->renewing = child_pid(m->child) > 0;
    child_stop(m->child, team_stop_msec(t));
    if (!m->renewing)
        child_again(m->child);
}

static void dismiss(struct team *t, struct member *m)
{
    m->leaving = true;
    child_stop(m->child, team_stop_msec(t));
    if (child_pid(m->child) <= 0)
        member_forget(m);
}

static int single_start(struct team *t, const struct role *role, struct buf *why)
{
    struct member *m, *store = member_of(t, PARTY_STORE);
    if (role->party == PARTY_REACH && !t->slots[STATION_REACH_RING].open) {
        int r = slot_open(t, STATION_REACH_RING, why);
        if (r != 0)
            return r;
        if (store != NULL)
            grant_ring(store, STATION_REACH_RING);
    }
    int r = member_add(t, role->name, 0, 0, t->now, &m);
    if (r == 0)
        r = child_start(m->child);
    if (r != 0)
        buf_printf(why, "%s can't be started: %s", role->name, err_text(r));
    return r;
}

int singles_settle(struct team *t, const struct generation *old, struct buf *why)
{
    static const char *const names[] = {"analyse", "reach", "store"};
    int r = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct role *role = role_by_name(span_text(names[i]));
        if (role == NULL)
            continue;
        struct member *m = member_of(t, role->party);
        bool want = role->wanted == NULL || role->wanted(t->now->settings);
        if (m != NULL && !want)
            dismiss(t, m);
        else if (m != NULL && old != NULL && !(generation_same_settings(old, t->now) && generation_same_files(old, t->now, role)))
            renew(t, m);
        else if (m == NULL && want)
            r = single_start(t, role, why);
        if (r != 0)
            return r;
    }
    return r;
}

bool edges_ready(const struct team *t, const struct generation *g)
{
    unsigned ready = 0;
    for (const struct member *m = t->members; m != NULL; m = m->next)
        ready += member_is_edge(m) && m->generation == g && !m->draining && child_state(m->child) == CHILD_READY;
    return ready == g->listeners.edges;
}
