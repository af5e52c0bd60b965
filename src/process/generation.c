#include "process/generation.h"

#include "base/err.h"
#include "process/equipment.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int equip(struct generation *g, struct conf_error *error)
{
    size_t count;
    const struct role *const *roles = roles_all(&count);
    assert(count <= GENERATION_ROLES_MAX);
    error->text[0] = '\0';
    int r = 0;
    for (size_t i = 0; i < count && r == 0; i++) {
        if (roles[i]->check != NULL)
            r = roles[i]->check(g->settings, error);
        if (r == 0 && roles[i]->equip != NULL)
            r = roles[i]->equip(g->settings, &g->equipment[i], error);
        if (r != 0 && error->text[0] == '\0')
            (void)snprintf(error->text, sizeof error->text, "%s can't be equipped: %s", roles[i]->name, err_text(r));
    }
    return r;
}

const struct equipment *generation_equipment(const struct generation *g, const struct role *role)
{
    size_t count, i = 0;
    const struct role *const *roles = roles_all(&count);
    while (i < count && roles[i] != role)
        i++;
    return &g->equipment[i < count ? i : 0];
}

static int fill(struct generation *g, enum listening how, const struct generation *old, struct conf_error *error)
{
    int r = conf_dump(g->settings, &g->yaml);
    if (r == 0)
        r = g->yaml.error;
    if (r != 0) {
        (void)snprintf(error->text, sizeof error->text, "the settings can't be handed on: %s", err_text(r));
        return r;
    }
    r = equip(g, error);
    return r != 0 ? r : listeners_open(&g->listeners, g->settings, how, old != NULL ? &old->listeners : NULL, error);
}

int generation_new(struct generation **ret, const struct conf *settings, struct conf *own, enum listening how, const struct generation *old,
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
    buf_init(&g->yaml, 0);
    int r = fill(g, how, old, error);
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
    for (size_t i = 0; i < GENERATION_ROLES_MAX; i++)
        equipment_done(&g->equipment[i]);
    buf_done(&g->yaml);
    conf_free(g->own_settings);
    free(g);
}

bool generation_same_settings(const struct generation *a, const struct generation *b)
{
    return span_equal(buf_as_span(&a->yaml), buf_as_span(&b->yaml));
}

static bool same_bytes(int a, int b)
{
    enum { PIECE = 16 * 1024 };
    uint8_t x[PIECE], y[PIECE];
    struct stat of_a, of_b;
    if (fstat(a, &of_a) != 0 || fstat(b, &of_b) != 0 || of_a.st_size != of_b.st_size)
        return false;
    for (off_t at = 0; at < of_a.st_size;) {
        ssize_t got = pread(a, x, sizeof x, at);
        if (got <= 0 || pread(b, y, (size_t)got, at) != got || memcmp(x, y, (size_t)got) != 0)
            return false;
        at += got;
    }
    return true;
}

static bool is_file(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

bool generation_same_files(const struct generation *a, const struct generation *b, const struct role *role)
{
    const struct equipment *x = generation_equipment(a, role), *y = generation_equipment(b, role);
    if (x->count != y->count)
        return false;
    for (size_t i = 0; i < x->count; i++) {
        bool file = is_file(x->items[i].fd);
        if (strcmp(x->items[i].name, y->items[i].name) != 0 || file != is_file(y->items[i].fd) ||
            (file && !same_bytes(x->items[i].fd, y->items[i].fd)))
            return false;
    }
    return true;
}
