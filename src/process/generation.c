#include "process/generation.h"

#include "base/err.h"
#include "observe/honeypot/profile.h"
#include "process/memfd.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int make_profiles(struct generation *g, struct conf_error *error)
{
    struct buf image;
    buf_init(&image, 0);
    error->text[0] = '\0';
    int r = profiles_compile(conf_text(g->settings, "honeypot.profiles"), &image, error);
    if (r == 0)
        r = memfd_sealed("profiles", buf_as_span(&image), &g->profiles_fd);
    if (r != 0 && error->text[0] == '\0')
        (void)snprintf(error->text, sizeof error->text, "honeypot.profiles: %s: %s", conf_text(g->settings, "honeypot.profiles"), err_text(r));
    buf_done(&image);
    return r;
}

static int fill(struct generation *g, bool use_public, const struct generation *old, struct conf_error *error)
{
    int r = conf_dump(g->settings, &g->yaml);
    if (r == 0)
        r = g->yaml.error;
    if (r != 0) {
        (void)snprintf(error->text, sizeof error->text, "the settings can't be handed on: %s", err_text(r));
        return r;
    }
    r = make_profiles(g, error);
    return r != 0 ? r : listeners_open(&g->listeners, g->settings, use_public, old != NULL ? &old->listeners : NULL, error);
}

int generation_new(struct generation **ret, const struct conf *settings, struct conf *own, bool use_public, const struct generation *old,
                   struct conf_error *error)
{
    struct generation *g = calloc(1, sizeof *g);
    if (g == NULL) {
        conf_free(own);
        (void)snprintf(error->text, sizeof error->text, "%s", err_text(-ENOMEM));
        return -ENOMEM;
    }
    g->holders = 1;
    g->settings = settings;
    g->own_settings = own;
    g->profiles_fd = -1;
    buf_init(&g->yaml, 0);
    int r = fill(g, use_public, old, error);
    if (r != 0) {
        generation_drop(g);
        return r;
    }
    *ret = g;
    return 0;
}

struct generation *generation_hold(struct generation *g)
{
    g->holders++;
    return g;
}

void generation_drop(struct generation *g)
{
    if (g == NULL)
        return;
    assert(g->holders > 0);
    if (--g->holders > 0)
        return;
    listeners_close(&g->listeners);
    if (g->profiles_fd >= 0)
        (void)close(g->profiles_fd);
    buf_done(&g->yaml);
    conf_free(g->own_settings);
    free(g);
}

bool generation_same_settings(const struct generation *a, const struct generation *b)
{
    return span_equal(buf_as_span(&a->yaml), buf_as_span(&b->yaml));
}
