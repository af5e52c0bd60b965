/* The tree's layer: what a session makes, changes and removes. */
#include "observe/honeypot/shell/layer.h"

#include <errno.h>
#include <stdlib.h>

enum { NEW_FILE_MODE = 0644 };

/* Content of all sessions of this process: many at their own cap at once are told that there is no space. */
static size_t all_bytes;

void content_unref(struct tree *t, struct content *c)
{
    if (c == NULL || --c->refs > 0)
        return;
    t->bytes -= c->size;
    all_bytes -= c->size;
    free(c->data);
    free(c);
}

static struct content *content_new(void)
{
    struct content *c = calloc(1, sizeof *c);
    if (c != NULL)
        c->refs = 1;
    return c;
}

/* Makes room for `len` bytes; growth is by half, so that appending byte by byte stays linear. */
static int content_grow(struct tree *t, struct content *c, size_t len)
{
    if (len <= c->size)
        return 0;
    if (len > TREE_FILE_MAX)
        return -ENOSPC;
    size_t size = c->size + c->size / 2;
    if (size < len)
        size = len;
    if (size - c->size > TREE_BYTES_MAX - t->bytes)
        size = len;
    if (size - c->size > TREE_BYTES_MAX - t->bytes || size - c->size > TREE_ALL_BYTES_MAX - all_bytes)
        return -ENOSPC;
    uint8_t *data = realloc(c->data, size);
    if (data == NULL)
        return -ENOSPC;
    t->bytes += size - c->size;
    all_bytes += size - c->size;
    c->data = data;
    c->size = size;
    return 0;
}

/* States what is about to be lost, unless another path still shows it. */
static void losing(struct tree *t, const struct entry *e)
{
    const struct content *c = e->content;
    if (c == NULL || !c->attacker || c->refs > 1 || c->len == 0 || e->type != TREE_FILE || t->lost == NULL)
        return;
    t->lost(t->lost_user, span_of(e->path, e->path_len), span_of(c->data, c->len));
}

static void entry_empty(struct tree *t, struct entry *e)
{
    losing(t, e);
    content_unref(t, e->content);
    e->content = NULL;
    e->node = NULL;
}

/* The entry of a path, made when there is none: gone, with nothing in it. NULL: no room. */
static struct entry *entry_at(struct tree *t, struct span path)
{
    size_t i = layer_search(t, path);
    if (i < t->count && span_equal(span_of(t->entries[i].path, t->entries[i].path_len), path))
        return &t->entries[i];
    if (t->count >= TREE_FILES_MAX)
        return NULL;
    if (t->count == t->room) {
        size_t room = t->room == 0 ? 4 : (size_t)t->room * 2;
        struct entry *entries = realloc(t->entries, room * sizeof *entries);
        if (entries == NULL)
            return NULL;
        t->entries = entries;
        t->room = (uint16_t)room;
    }
    char *copy = malloc(path.len + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, path.at, path.len);
    copy[path.len] = '\0';
    memmove(&t->entries[i + 1], &t->entries[i], (t->count - i) * sizeof t->entries[0]);
    t->count++;
    t->entries[i] = (struct entry){.path = copy, .path_len = (uint16_t)path.len, .gone = true, .changed = t->now};
    return &t->entries[i];
}

static void entry_drop(struct tree *t, struct entry *e)
{
    size_t i = (size_t)(e - t->entries);
    free(e->path);
    t->count--;
    memmove(&t->entries[i], &t->entries[i + 1], (t->count - i) * sizeof t->entries[0]);
}

/* The entry over a place, made from its node when it has none yet. */
static struct entry *entry_over(struct tree *t, const struct path *path, const struct place *place)
{
    if (place->entry != NULL)
        return place->entry;
    struct entry *e = entry_at(t, path_span(path));
    if (e == NULL || place->node == NULL)
        return e;
    e->gone = false;
    e->type = (uint8_t)place->node->type;
    e->mode = place->node->mode;
    e->changed = place->node->changed;
    e->node = place->node;
    return e;
}

/* A path that is not there becomes a thing of this type. */
static struct entry *entry_make(struct tree *t, const struct path *path, enum tree_type type, uint16_t mode)
{
    struct entry *e = entry_at(t, path_span(path));
    if (e == NULL)
        return NULL;
    entry_empty(t, e);
    e->gone = false;
    e->type = (uint8_t)type;
    e->mode = mode;
    e->changed = t->now;
    return e;
}

static size_t parent_len(struct span path)
{
    size_t len = path.len;
    while (len > 1 && path.at[len - 1] != '/')
        len--;
    return len > 1 ? len - 1 : 1;
}

static bool below(struct span path, const char *dir)
{
    return span_starts(path, dir) && (path.len == strlen(dir) || path.at[strlen(dir)] == '/');
}

/* May something be made, changed or removed here? The nearest mount point above decides; the kernel's own trees take nothing new. */
static int writable(const struct tree *t, struct span path)
{
    if (below(path, "/proc") || below(path, "/sys"))
        return -EACCES;
    for (struct span at = path;;) {
        const struct profile_node *node = tree_under(t, at);
        if (node != NULL && node->type == TREE_DIRECTORY && node->writable)
            return 0;
        if (at.len <= 1)
            return -EROFS;
        at = span_part(at, 0, parent_len(at));
    }
}

/* Gives the entry bytes of its own, as many as it shows now but at most `keep`. */
static int materialise(struct tree *t, struct entry *e, size_t keep)
{
    struct content *old = e->content;
    if (old != NULL && old->refs == 1 && old->made.path.len == 0)
        return 0;
    struct place place = {.entry = e};
    size_t len = place_size(&place);
    if (len > keep)
        len = keep;
    struct content *c = content_new();
    if (c == NULL)
        return -ENOSPC;
    int r = content_grow(t, c, len);
    if (r < 0) {
        content_unref(t, c);
        return r;
    }
    t->work += len;
    c->len = len > 0 ? place_read(t, &place, 0, c->data, len) : 0;
    c->attacker = old != NULL && old->attacker && c->len > 0;
    content_unref(t, old);
    e->content = c;
    e->node = NULL;
    e->type = TREE_FILE;
    return 0;
}

/* The entry that a write to `path` goes to; NULL with 0 for what swallows writes (devices, files of /proc). */
static int open_for_write(struct tree *t, struct span cwd, struct span name, struct entry **ret)
{
    struct path path;
    struct place place;
    *ret = NULL;
    int r = tree_resolve(t, cwd, name, true, &path, &place);
    if (r == 0)
        r = tree_busybox(t, &path, &place);
    if (r == -ENOENT && place.creatable) {
        if (below(path_span(&path), "/proc") || below(path_span(&path), "/sys"))
            return -ENOENT;
        r = writable(t, path_span(&path));
        if (r < 0)
            return r;
        *ret = entry_make(t, &path, TREE_FILE, NEW_FILE_MODE);
        return *ret != NULL ? 0 : -ENOSPC;
    }
    if (r < 0)
        return r;
    enum tree_type type = place_type(&place);
    if (type == TREE_DIRECTORY)
        return -EISDIR;
    if (type == TREE_DEVICE)
        return 0;
    r = writable(t, path_span(&path));
    if (r == -EACCES)
        return ((place.entry != NULL ? place.entry->mode : place.node->mode) & 0222) != 0 ? 0 : -EACCES;
    if (r < 0)
        return r;
    *ret = entry_over(t, &path, &place);
    return *ret != NULL ? 0 : -ENOSPC;
}

int tree_write(struct tree *t, struct span cwd, struct span path, size_t offset, struct span bytes)
{
    struct entry *e;
    int r = open_for_write(t, cwd, path, &e);
    if (r < 0 || e == NULL)
        return r;
    r = materialise(t, e, TREE_FILE_MAX);
    if (r < 0)
        return r;
    struct content *c = e->content;
    if (c == NULL) {
        c = e->content = content_new();
        if (c == NULL)
            return -ENOSPC;
    }
    if (offset == SIZE_MAX)
        offset = c->len;
    e->changed = t->now;
    if (bytes.len == 0)
        return 0;
    if (offset > TREE_FILE_MAX || bytes.len > TREE_FILE_MAX - offset)
        return -ENOSPC;
    r = content_grow(t, c, offset + bytes.len);
    if (r < 0)
        return r;
    if (offset > c->len)
        memset(c->data + c->len, 0, offset - c->len);
    memcpy(c->data + offset, bytes.at, bytes.len);
    if (c->len < offset + bytes.len)
        c->len = offset + bytes.len;
    c->attacker = true;
    return 0;
}

int tree_truncate(struct tree *t, struct span cwd, struct span path, size_t size)
{
    struct entry *e;
    int r = open_for_write(t, cwd, path, &e);
    if (r < 0 || e == NULL)
        return r;
    e->changed = t->now;
    if (size == 0) {
        entry_empty(t, e);
        e->type = TREE_FILE;
        return 0;
    }
    struct place place = {.entry = e};
    if (size < place_size(&place))
        losing(t, e);
    r = materialise(t, e, size);
    if (r < 0)
        return r;
    struct content *c = e->content;
    if (size > c->len) {
        r = content_grow(t, c, size);
        if (r < 0)
            return r;
        memset(c->data + c->len, 0, size - c->len);
    }
    c->len = size;
    return 0;
}

int tree_mkdir(struct tree *t, struct span cwd, struct span name, uint16_t mode)
{
    struct path path;
    struct place place;
    int r = tree_resolve(t, cwd, name, false, &path, &place);
    if (r == 0)
        return -EEXIST;
    if (r != -ENOENT || !place.creatable)
        return r;
    r = writable(t, path_span(&path));
    if (r < 0)
        return r;
    return entry_make(t, &path, TREE_DIRECTORY, mode) != NULL ? 0 : -ENOSPC;
}

/* Takes a path away: its entry goes, or stays as a mark over the profile's node. */
static int vanish(struct tree *t, const struct path *path)
{
    struct entry *e = entry_at(t, path_span(path));
    if (e == NULL)
        return -ENOSPC;
    e->gone = true;
    e->content = NULL;
    e->node = NULL;
    if (tree_under(t, path_span(path)) == NULL)
        entry_drop(t, e);
    return 0;
}

static bool has_entries(const struct tree *t, const struct path *dir)
{
    struct path prefix = *dir, at;
    struct place place;
    if (prefix.len > 1) {
        if (prefix.len + 1 >= TREE_PATH_MAX)
            return false;
        prefix.text[prefix.len++] = '/';
    }
    return tree_next(t, path_span(&prefix), path_span(&prefix), &at, &place);
}

static bool is_mount(const struct tree *t, const struct path *path)
{
    const struct profile_node *node = tree_under(t, path_span(path));
    return path->len == 1 || (node != NULL && node->type == TREE_DIRECTORY && node->writable);
}

int tree_remove(struct tree *t, struct span cwd, struct span name)
{
    struct path path;
    struct place place;
    int r = tree_resolve(t, cwd, name, false, &path, &place);
    if (r < 0)
        return r;
    bool directory = place_type(&place) == TREE_DIRECTORY;
    if (directory && is_mount(t, &path))
        return -EBUSY;
    r = writable(t, path_span(&path));
    if (r < 0)
        return r == -EACCES ? -EPERM : r;
    if (directory && has_entries(t, &path))
        return -ENOTEMPTY;
    if (place.entry == NULL && t->count >= TREE_FILES_MAX)
        return -ENOSPC;
    if (place.entry != NULL)
        entry_empty(t, place.entry);
    return vanish(t, &path);
}

/* What may stand at the target of a rename, copy or link; on success the path is free or an entry or node to be replaced. */
static int target(struct tree *t, struct span cwd, struct span name, bool follow, struct path *path, struct place *place)
{
    int r = tree_resolve(t, cwd, name, follow, path, place);
    if (r < 0 && !(r == -ENOENT && place->creatable))
        return r;
    if (r == 0 && place_type(place) == TREE_DIRECTORY)
        return -EISDIR;
    if (r == 0 && place_type(place) == TREE_DEVICE)
        return 0;
    r = writable(t, path_span(path));
    return r == -EACCES && !place_found(place) ? -ENOENT : r;
}

/* Moves what stands at `from` to `to`, where nothing worth keeping is. */
static int move_one(struct tree *t, const struct path *from, const struct path *to)
{
    struct place place = tree_place(t, path_span(from));
    if (!place_found(&place))
        return 0;
    struct entry e = {0};
    if (place.entry != NULL)
        e = *place.entry;
    else
        e = (struct entry){.type = (uint8_t)place.node->type, .mode = place.node->mode, .changed = place.node->changed, .node = place.node};
    if (t->count + 2 > TREE_FILES_MAX)
        return -ENOSPC;
    struct entry *made = entry_make(t, to, (enum tree_type)e.type, e.mode);
    if (made == NULL)
        return -ENOSPC;
    made->content = e.content;
    made->node = e.node;
    made->changed = e.changed;
    return vanish(t, from);
}

/* Everything below `from`, one path after the other; directories come before what they hold, and leave after it. */
static int move_below(struct tree *t, const struct path *from, const struct path *to)
{
    struct path prefix = *from, at;
    struct place place;
    if (prefix.len + 1 >= TREE_PATH_MAX)
        return -ENAMETOOLONG;
    prefix.text[prefix.len++] = '/';
    while (tree_next(t, path_span(&prefix), path_span(&prefix), &at, &place)) {
        struct path next = *to;
        size_t rest = at.len - from->len;
        if (rest >= TREE_PATH_MAX - next.len)
            return -ENAMETOOLONG;
        memcpy(next.text + next.len, at.text + from->len, rest);
        next.len += rest;
        int r = move_one(t, &at, &next);
        if (r < 0)
            return r;
    }
    return 0;
}

int tree_rename(struct tree *t, struct span cwd, struct span from, struct span to)
{
    struct path source, sink;
    struct place place, old;
    int r = tree_resolve(t, cwd, from, false, &source, &place);
    if (r < 0)
        return r;
    r = writable(t, path_span(&source));
    if (r < 0)
        return r == -EACCES ? -EPERM : r;
    r = target(t, cwd, to, false, &sink, &old);
    if (r < 0)
        return r;
    if (span_equal(path_span(&source), path_span(&sink)))
        return 0;
    bool directory = place_type(&place) == TREE_DIRECTORY;
    if (directory && is_mount(t, &source))
        return -EBUSY;
    if (directory && place_found(&old))
        return -ENOTDIR;
    source.text[source.len] = '\0';
    if (directory && sink.len > source.len && below(path_span(&sink), source.text))
        return -EINVAL;
    r = move_one(t, &source, &sink);
    if (r == 0 && directory)
        r = move_below(t, &source, &sink);
    return r;
}

int tree_copy(struct tree *t, struct span cwd, struct span from, struct span to)
{
    struct path source, sink;
    struct place place, old;
    int r = tree_resolve(t, cwd, from, true, &source, &place);
    if (r == 0)
        r = tree_busybox(t, &source, &place);
    if (r < 0)
        return r;
    if (place_type(&place) == TREE_DIRECTORY)
        return -EISDIR;
    r = target(t, cwd, to, true, &sink, &old);
    if (r == 0 && place_found(&old))
        r = tree_busybox(t, &sink, &old);
    if (r < 0 || (place_found(&old) && place_type(&old) == TREE_DEVICE) || span_equal(path_span(&source), path_span(&sink)))
        return r;
    enum tree_type type = place_type(&place) == TREE_DEVICE ? TREE_FILE : place_type(&place);
    uint16_t mode = place.entry != NULL ? place.entry->mode : place.node->mode;
    struct content *content = place.entry != NULL ? place.entry->content : NULL;
    const struct profile_node *node = place.entry != NULL ? place.entry->node : place.node;
    if (place_type(&place) == TREE_DEVICE)
        node = NULL;
    if (place_found(&old)) /* an existing file keeps its mode */
        mode = old.entry != NULL ? old.entry->mode : old.node->mode;
    if (content != NULL)
        content->refs++;
    struct entry *e = entry_make(t, &sink, type, mode);
    if (e == NULL) {
        content_unref(t, content);
        return -ENOSPC;
    }
    e->content = content;
    e->node = node;
    return 0;
}

int tree_generate(struct tree *t, struct span cwd, struct span name, size_t size)
{
    struct path path;
    struct place old;
    int r = target(t, cwd, name, true, &path, &old);
    if (r < 0 || (place_found(&old) && place_type(&old) == TREE_DEVICE))
        return r;
    struct content *c = calloc(1, sizeof *c + path.len);
    if (c == NULL)
        return -ENOSPC;
    uint8_t *copy = (uint8_t *)(c + 1);
    memcpy(copy, path.text, path.len);
    c->refs = 1;
    c->made = (struct profile_node){.path = span_of(copy, path.len),
                                    .type = TREE_BINARY,
                                    .mode = NEW_FILE_MODE,
                                    .size = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size,
                                    .changed = t->now};
    struct entry *e = entry_make(t, &path, TREE_BINARY, NEW_FILE_MODE);
    if (e == NULL) {
        content_unref(t, c);
        return -ENOSPC;
    }
    e->content = c;
    return 0;
}

int tree_link(struct tree *t, struct span cwd, struct span target_name, struct span name, bool symbolic)
{
    struct path path;
    struct place place;
    int r = tree_resolve(t, cwd, name, false, &path, &place);
    if (r == 0)
        return -EEXIST;
    if (r != -ENOENT || !place.creatable)
        return r;
    if (!symbolic)
        return tree_copy(t, cwd, target_name, name);
    r = writable(t, path_span(&path));
    if (r < 0)
        return r;
    if (target_name.len >= TREE_PATH_MAX)
        return -ENAMETOOLONG;
    struct content *c = content_new();
    if (c == NULL || content_grow(t, c, target_name.len) < 0) {
        content_unref(t, c);
        return -ENOSPC;
    }
    if (target_name.len > 0)
        memcpy(c->data, target_name.at, target_name.len);
    c->len = target_name.len;
    struct entry *e = entry_make(t, &path, TREE_LINK, 0777);
    if (e == NULL) {
        content_unref(t, c);
        return -ENOSPC;
    }
    e->content = c;
    return 0;
}

int tree_chmod(struct tree *t, struct span cwd, struct span name, uint16_t mode)
{
    struct path path;
    struct place place;
    int r = tree_resolve(t, cwd, name, true, &path, &place);
    if (r == 0 && place_type(&place) == TREE_APPLET)
        r = tree_busybox(t, &path, &place);
    if (r < 0)
        return r;
    r = writable(t, path_span(&path));
    if (r < 0)
        return r == -EACCES ? -EPERM : r;
    if (((place.entry != NULL ? place.entry->mode : place.node->mode) & 07777) == (mode & 07777))
        return 0;
    struct entry *e = entry_over(t, &path, &place);
    if (e == NULL)
        return -ENOSPC;
    e->mode = mode & 07777;
    return 0;
}
