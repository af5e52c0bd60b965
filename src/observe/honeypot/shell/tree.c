#include "observe/honeypot/shell/tree.h"

#include "observe/honeypot/shell/layer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Devices every Linux has, for trees that do not list them. */
#define DEVICE(name, numbers)                                                                                \
    {                                                                                                        \
        .path = {(const uint8_t *)(name), sizeof(name) - 1}, .type = TREE_DEVICE, .mode = 0666, .content = { \
            (const uint8_t *)(numbers),                                                                      \
            sizeof(numbers) - 1                                                                              \
        }                                                                                                    \
    }
static const struct profile_node devices[] = {
    DEVICE("/dev/null", "c 1 3"),    DEVICE("/dev/zero", "c 1 5"), DEVICE("/dev/random", "c 1 8"),
    DEVICE("/dev/urandom", "c 1 9"), DEVICE("/dev/tty", "c 5 0"),
};
enum { DEVICES = sizeof devices / sizeof devices[0], NAME_LONGEST = 255 };

size_t layer_search(const struct tree *t, struct span path)
{
    size_t low = 0, high = t->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (span_compare(span_of(t->entries[middle].path, t->entries[middle].path_len), path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static size_t node_search(const struct tree *t, struct span path)
{
    size_t low = 0, high = t->profile->node_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (span_compare(t->profile->nodes[middle].path, path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct profile_node *device_node(struct span path)
{
    if (!span_starts(path, "/dev/"))
        return NULL;
    for (size_t i = 0; i < DEVICES; i++) {
        if (span_equal(path, devices[i].path))
            return &devices[i];
    }
    return NULL;
}

const struct profile_node *tree_under(const struct tree *t, struct span absolute)
{
    size_t i = node_search(t, absolute);
    if (i < t->profile->node_count && span_equal(t->profile->nodes[i].path, absolute))
        return &t->profile->nodes[i];
    return device_node(absolute);
}

struct place tree_place(const struct tree *t, struct span absolute)
{
    struct place place = {0};
    if (t->count > 0) {
        size_t i = layer_search(t, absolute);
        if (i < t->count && span_equal(span_of(t->entries[i].path, t->entries[i].path_len), absolute)) {
            if (!t->entries[i].gone)
                place.entry = &t->entries[i];
            return place;
        }
    }
    place.node = tree_under(t, absolute);
    return place;
}

enum tree_type place_type(const struct place *p)
{
    return p->entry != NULL ? (enum tree_type)p->entry->type : p->node->type;
}

static struct span place_target(const struct place *p)
{
    if (p->entry != NULL && p->entry->content != NULL)
        return span_of(p->entry->content->data, p->entry->content->len);
    const struct profile_node *node = p->entry != NULL ? p->entry->node : p->node;
    return node != NULL ? node->content : (struct span){0};
}

static const struct profile_node *place_generated(const struct place *p)
{
    const struct profile_node *node = p->node;
    if (p->entry != NULL) {
        if (p->entry->content != NULL)
            return p->entry->content->made.path.len > 0 ? &p->entry->content->made : NULL;
        node = p->entry->node;
    }
    return node != NULL && node->type == TREE_BINARY ? node : NULL;
}

static int absolute(struct span cwd, struct span path, struct path *ret)
{
    size_t len = 0;
    if (span_find(path, '\0') != path.len)
        return -ENOENT;
    for (unsigned part = path.len > 0 && path.at[0] == '/' ? 1 : 0; part < 2; part++) {
        struct span rest = part == 0 ? cwd : path;
        while (rest.len > 0) {
            struct span name = span_part(rest, 0, span_find(rest, '/'));
            rest = span_part(rest, name.len + 1, rest.len);
            if (name.len == 0 || span_is(name, "."))
                continue;
            if (span_is(name, "..")) {
                while (len > 0 && ret->text[--len] != '/')
                    ;
                continue;
            }
            if (name.len > NAME_LONGEST || name.len + 1 >= TREE_PATH_MAX - len)
                return -ENAMETOOLONG;
            ret->text[len++] = '/';
            memcpy(ret->text + len, name.at, name.len);
            len += name.len;
        }
    }
    if (len == 0)
        ret->text[len++] = '/';
    ret->text[len] = '\0';
    ret->len = len;
    return 0;
}

int tree_absolute(struct span cwd, struct span path, char to[static TREE_PATH_MAX])
{
    struct path p;
    int r = absolute(cwd, path, &p);
    if (r < 0)
        return r;
    memcpy(to, p.text, p.len + 1);
    return 0;
}

/* The path a link leads to, with what follows it: DIR/TARGET/REST. */
static int through_link(const struct path *at, size_t link_len, struct span target, struct path *ret)
{
    size_t dir_len = link_len;
    while (dir_len > 1 && at->text[dir_len - 1] != '/')
        dir_len--;
    struct path base;
    int r = absolute(span_of(at->text, dir_len), target, &base);
    if (r < 0)
        return r;
    return absolute(path_span(&base), span_of(at->text + link_len + 1, at->len > link_len ? at->len - link_len - 1 : 0), ret);
}

/* Walks from the root until a link or the end; `from` may become the path behind a link, then 1 is returned. */
static int walk(const struct tree *t, struct path *at, bool follow, struct place *ret)
{
    for (size_t end = 1; end <= at->len; end++) {
        if (end < at->len && at->text[end] != '/')
            continue;
        bool last = end == at->len;
        struct place place = tree_place(t, span_of(at->text, end));
        if (!place_found(&place)) {
            ret->creatable = last;
            return -ENOENT;
        }
        enum tree_type type = place_type(&place);
        if (type == TREE_LINK && (!last || follow)) {
            struct path next;
            int r = through_link(at, end, place_target(&place), &next);
            if (r < 0)
                return r;
            memcpy(at->text, next.text, next.len + 1);
            at->len = next.len;
            return 1;
        }
        if (!last && type != TREE_DIRECTORY)
            return -ENOTDIR;
        if (last) {
            *ret = place;
            return 0;
        }
    }
    return -ENOENT;
}

int tree_resolve(const struct tree *t, struct span cwd, struct span path, bool follow, struct path *ret, struct place *ret_place)
{
    *ret_place = (struct place){0};
    ret->len = 0;
    if (path.len == 0)
        return -ENOENT;
    int r = absolute(cwd, path, ret);
    if (r < 0)
        return r;
    for (unsigned links = 0; links <= TREE_LINKS_MAX; links++) {
        /* No path of the profile leads through a link, so a hit needs no walk. */
        struct place place = tree_place(t, path_span(ret));
        if (place_found(&place) && (!follow || place_type(&place) != TREE_LINK)) {
            *ret_place = place;
            return 0;
        }
        *ret_place = (struct place){0};
        r = walk(t, ret, follow, ret_place);
        if (r <= 0)
            return r;
    }
    return -ELOOP;
}

int tree_busybox(const struct tree *t, struct path *path, struct place *place)
{
    for (unsigned links = 0; links < TREE_LINKS_MAX; links++) {
        if (place_type(place) != TREE_APPLET)
            return place_type(place) == TREE_DIRECTORY ? -EISDIR : 0;
        struct span target = place_target(place);
        if (target.len == 0)
            target = span_text("/bin/busybox");
        struct path from = *path;
        size_t dir = from.len;
        while (dir > 1 && from.text[dir - 1] != '/')
            dir--;
        int r = tree_resolve(t, span_of(from.text, dir), target, true, path, place);
        if (r < 0)
            return r;
    }
    return -ELOOP;
}

size_t place_size(const struct place *p)
{
    const struct profile_node *generated = place_generated(p);
    if (generated != NULL)
        return generated->size;
    if (p->entry != NULL && p->entry->content != NULL)
        return p->entry->content->len;
    const struct profile_node *node = p->entry != NULL ? p->entry->node : p->node;
    return node != NULL && node->type != TREE_DEVICE && node->type != TREE_DIRECTORY ? node->content.len : 0;
}

static void fill_stat(const struct place *place, struct tree_stat *ret)
{
    *ret = (struct tree_stat){
        .type = place_type(place),
        .mode = place->entry != NULL ? place->entry->mode : place->node->mode,
        .size = place_size(place),
        .changed = place->entry != NULL ? place->entry->changed : place->node->changed,
        .by_attacker = place->entry != NULL,
        .links = place_type(place) == TREE_DIRECTORY ? 2 : 1,
        .generated = place_generated(place),
    };
    /* The path as the tree keeps it, so that the span outlives this call; equal to the one asked for once links are resolved. */
    if (place->entry != NULL)
        ret->path = span_of(place->entry->path, place->entry->path_len);
    else
        ret->path = place->node->path;
    if (ret->type == TREE_LINK || ret->type == TREE_APPLET || ret->type == TREE_DEVICE)
        ret->target = place_target(place);
}

int tree_stat(struct tree *t, struct span cwd, struct span path, bool follow, struct tree_stat *ret)
{
    struct path at;
    struct place place;
    int r = tree_resolve(t, cwd, path, follow, &at, &place);
    if (r < 0)
        return r;
    fill_stat(&place, ret);
    if (ret->type != TREE_APPLET)
        return 0;
    if (!follow) {
        ret->mode = 0777;
        ret->size = ret->target.len > 0 ? ret->target.len : strlen("/bin/busybox");
        return 0;
    }
    r = tree_busybox(t, &at, &place);
    if (r < 0)
        return r;
    ret->mode = place.entry != NULL ? place.entry->mode : place.node->mode;
    ret->size = place_size(&place);
    ret->generated = place_generated(&place);
    return 0;
}

static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static size_t device_read(const struct tree *t, struct span device, size_t offset, uint8_t *to, size_t len)
{
    if (span_is(device, "c 1 5")) {
        memset(to, 0, len);
        return len;
    }
    if (!span_is(device, "c 1 8") && !span_is(device, "c 1 9"))
        return 0;
    for (size_t i = 0; i < len; i++)
        to[i] = (uint8_t)mix((uint64_t)t->now ^ ((uint64_t)offset + i) * UINT64_C(0x2545f4914f6cdd1d));
    return len;
}

/* "12345.67 11000.00": both clocks of /proc/uptime go on while the session lasts. */
static struct span uptime(const struct tree *t, struct span text, char line[static 64])
{
    uint64_t hundredths[2] = {0, 0};
    unsigned which = 0;
    for (size_t i = 0; i < text.len && i < 40 && which < 2; i++) {
        if (text.at[i] >= '0' && text.at[i] <= '9')
            hundredths[which] = hundredths[which] * 10 + (uint64_t)(text.at[i] - '0');
        else if (text.at[i] != '.')
            which++;
    }
    uint64_t passed = t->now > t->started ? (uint64_t)(t->now - t->started) / 10000 : 0;
    hundredths[0] += passed;
    hundredths[1] += passed * 97 / 100;
    int len = snprintf(line, 64, "%llu.%02u %llu.%02u\n", (unsigned long long)(hundredths[0] / 100), (unsigned)(hundredths[0] % 100),
                       (unsigned long long)(hundredths[1] / 100), (unsigned)(hundredths[1] % 100));
    return span_of(line, len > 0 ? (size_t)len : 0);
}

static size_t copy_part(struct span from, size_t offset, uint8_t *to, size_t len)
{
    struct span part = span_part(from, offset, len);
    if (part.len > 0)
        memcpy(to, part.at, part.len);
    return part.len;
}

size_t place_read(struct tree *t, const struct place *p, size_t offset, uint8_t *to, size_t len)
{
    const struct profile_node *generated = place_generated(p);
    if (generated != NULL) {
        t->work += len;
        return profile_binary(t->profile, generated, offset, to, len);
    }
    if (p->entry != NULL && p->entry->content != NULL)
        return copy_part(span_of(p->entry->content->data, p->entry->content->len), offset, to, len);
    const struct profile_node *node = p->entry != NULL ? p->entry->node : p->node;
    if (node == NULL || node->type == TREE_DIRECTORY)
        return 0;
    if (node->type == TREE_DEVICE)
        return device_read(t, node->content, offset, to, len);
    if (span_is(node->path, "/proc/uptime")) {
        char line[64];
        return copy_part(uptime(t, node->content, line), offset, to, len);
    }
    return copy_part(node->content, offset, to, len);
}

ssize_t tree_read(struct tree *t, struct span cwd, struct span path, size_t offset, uint8_t *to, size_t len)
{
    struct path at;
    struct place place;
    int r = tree_resolve(t, cwd, path, true, &at, &place);
    if (r == 0)
        r = tree_busybox(t, &at, &place);
    if (r < 0)
        return r;
    if (place_type(&place) == TREE_DIRECTORY)
        return -EISDIR;
    return (ssize_t)place_read(t, &place, offset, to, len);
}

static bool starts_with(struct span path, struct span prefix)
{
    return path.len > prefix.len && memcmp(path.at, prefix.at, prefix.len) == 0;
}

bool tree_next(const struct tree *t, struct span from, struct span prefix, struct path *ret, struct place *ret_place)
{
    size_t e = layer_search(t, from), n = node_search(t, from);
    for (;;) {
        struct span entry = {0}, node = {0};
        if (e < t->count)
            entry = span_of(t->entries[e].path, t->entries[e].path_len);
        if (n < t->profile->node_count)
            node = t->profile->nodes[n].path;
        if (!starts_with(entry, prefix))
            entry = (struct span){0};
        if (!starts_with(node, prefix))
            node = (struct span){0};
        if (entry.len == 0 && node.len == 0)
            return false;
        int order = entry.len == 0 ? 1 : node.len == 0 ? -1 : span_compare(entry, node);
        struct span path = order <= 0 ? entry : node;
        bool gone = order <= 0 && t->entries[e].gone;
        *ret_place = (struct place){0};
        if (order <= 0)
            ret_place->entry = &t->entries[e++];
        if (order >= 0) {
            if (order > 0)
                ret_place->node = &t->profile->nodes[n];
            n++;
        }
        if (gone || path.len >= TREE_PATH_MAX)
            continue;
        ret->len = path.len;
        memcpy(ret->text, path.at, path.len);
        ret->text[path.len] = '\0';
        return true;
    }
}

int tree_list(struct tree *t, struct span cwd, struct span path, int (*each)(void *user, struct span name, const struct tree_stat *), void *user)
{
    struct path dir, at;
    struct place place;
    int r = tree_resolve(t, cwd, path, true, &dir, &place);
    if (r < 0)
        return r;
    if (place_type(&place) != TREE_DIRECTORY)
        return -ENOTDIR;
    if (dir.len > 1) {
        if (dir.len + 1 >= TREE_PATH_MAX)
            return -ENAMETOOLONG;
        dir.text[dir.len++] = '/';
    }
    struct span prefix = path_span(&dir);
    /* The search starts anew for every entry, so `each` may change the tree. */
    struct path from = dir;
    if (dir.len == 1)
        from.text[from.len++] = '\0'; /* the root stands before its entries */
    while (tree_next(t, path_span(&from), prefix, &at, &place)) {
        struct span name = span_part(path_span(&at), prefix.len, at.len);
        size_t slash = span_find(name, '/');
        from = at;
        if (slash < name.len) {
            /* Below a child: on to the first path behind that child's directory. */
            from.len = prefix.len + slash + 1;
            from.text[from.len - 1] = '/' + 1;
            continue;
        }
        struct tree_stat st;
        fill_stat(&place, &st);
        if (st.type == TREE_APPLET) {
            st.mode = 0777;
            st.size = st.target.len > 0 ? st.target.len : strlen("/bin/busybox");
        }
        r = each(user, name, &st);
        if (r != 0)
            return r;
        from.text[from.len++] = '\0'; /* the first text behind this path */
    }
    return 0;
}

int tree_new(struct tree **ret, const struct profile *profile, struct arena *arena, usec_t now)
{
    struct tree *t = arena_alloc(arena, sizeof *t);
    if (t == NULL)
        return -ENOMEM;
    *t = (struct tree){.profile = profile, .started = now, .now = now};
    *ret = t;
    return 0;
}

void tree_free(struct tree *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < t->count; i++) {
        content_unref(t, t->entries[i].content);
        free(t->entries[i].path);
    }
    free(t->entries);
    t->entries = NULL;
    t->count = t->room = 0;
}

void tree_clock(struct tree *t, usec_t now)
{
    t->now = now;
}

size_t tree_work(struct tree *t)
{
    size_t work = t->work;
    t->work = 0;
    return work;
}

void tree_on_loss(struct tree *t, void (*lost)(void *user, struct span path, struct span content), void *user)
{
    t->lost = lost;
    t->lost_user = user;
}

int tree_written(struct tree *t, int (*each)(void *user, struct span path, struct span content), void *user)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct entry *e = &t->entries[i];
        if (e->gone || e->type != TREE_FILE || e->content == NULL || !e->content->attacker || e->content->len == 0)
            continue;
        int r = each(user, span_of(e->path, e->path_len), span_of(e->content->data, e->content->len));
        if (r != 0)
            return r;
    }
    return 0;
}
