/*
 * SIGHUP: the configuration is read again and checked; new edges start beside the old ones on the same sockets; when all are ready the
 * old ones drain. Until then nothing has changed, so that a mistake costs a line in the log and no more.
 */
#include "base/err.h"
#include "base/log.h"
#include "process/team.h"

#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

static void over(struct team *t)
{
    (void)sd_notify(0, "READY=1");
    if (t->reload_again && t->phase == PHASE_RUNNING) {
        t->reload_again = false;
        reload_begin(t);
    }
}

/* What can't change under a running store. */
static int check_fixed(const struct conf *old, const struct conf *new, struct conf_error *error)
{
    static const char *const paths[] = {"store.folder", "process.user"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (strcmp(conf_text(old, paths[i]), conf_text(new, paths[i])) != 0) {
            (void)snprintf(error->text, sizeof error->text, "%s: can't change while running; stop and start instead", paths[i]);
            return -ERR_CONFIG;
        }
    }
    return 0;
}

static int read_again(struct team *t, struct generation **ret, struct conf_error *error)
{
    struct conf *settings;
    int r = t->how->reload(t->how->user, &settings, error);
    if (r != 0)
        return r;
    r = check_fixed(t->now->settings, settings, error);
    if (r != 0) {
        conf_free(settings);
        return r;
    }
    return generation_new(ret, settings, settings, t->how->listening, t->now, error);
}

void reload_begin(struct team *t)
{
    if (t->how->reload == NULL || t->phase >= PHASE_ENDING_EDGES)
        return;
    if (t->phase == PHASE_STARTING || t->next != NULL) {
        t->reload_again = t->next != NULL;
        return;
    }
    char state[64];
    (void)snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)usec_monotonic());
    (void)sd_notify(0, state);
    struct conf_error error = {.text = ""};
    struct buf why;
    buf_init(&why, 512);
    int r = read_again(t, &t->next, &error);
    if (r != 0) {
        log_error("not reloaded: %s", error.text);
        over(t);
    } else if ((r = edges_add(t, t->next, &why)) != 0) {
        reload_undo(t, why.len > 0 ? buf_cstr(&why) : err_text(r));
    }
    buf_done(&why);
}

void reload_undo(struct team *t, const char *line)
{
    struct generation *failed = t->next;
    log_error("not reloaded: %s", line);
    t->next = NULL;
    for (struct member *m = t->members; m != NULL; m = m->next) {
        if (m->generation != failed)
            continue;
        /* What it may already have taken in is acknowledged by a successor that only drains. */
        m->draining = true;
        if (child_pid(m->child) > 0)
            child_tell(m->child, MESSAGE_RELOAD, (struct span){0}, -1);
        else
            child_again(m->child);
        generation_drop(m->generation);
        m->generation = generation_hold(t->now);
    }
    generation_drop(failed);
    over(t);
}

/* The lists may be other files now. When those can't be read, the earlier ones go on to hold. */
static void settle_lists(struct team *t)
{
    struct lists fresh;
    struct buf why;
    buf_init(&why, 8192);
    if (lists_open(&fresh, t->now->settings, &t->folder, &why) == 0) {
        lists_close(&t->lists);
        t->lists = fresh;
    } else {
        lists_close(&fresh);
        log_error("%s; the lists read before go on to hold", buf_cstr(&why));
    }
    buf_done(&why);
}

void reload_ready(struct team *t)
{
    if (t->next == NULL || !edges_ready(t, t->next))
        return;
    struct generation *old = t->now;
    t->now = t->next;
    t->next = NULL;
    for (struct member *m = t->members; m != NULL; m = m->next) {
        if (!member_is_edge(m) || m->generation == t->now)
            continue;
        if (!m->draining && child_pid(m->child) > 0)
            child_tell(m->child, MESSAGE_RELOAD, (struct span){0}, -1);
        m->draining = true;
        generation_drop(m->generation);
        m->generation = generation_hold(t->now);
    }
    /* A draining edge may have them open for long; nobody would answer there. */
    listeners_end(&old->listeners, &t->now->listeners);
    if (!generation_same_settings(old, t->now))
        settle_lists(t);
    struct buf why;
    buf_init(&why, 512);
    if (singles_settle(t, old, &why) != 0)
        log_error("%s", buf_cstr(&why));
    buf_done(&why);
    generation_drop(old);
    log_info("reloaded");
    over(t);
}
