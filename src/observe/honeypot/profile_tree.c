#include "observe/honeypot/profile_draft.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TREE_FILE_BYTES_MAX = PROFILE_TEXT_MAX * 4, TREE_FOLDER_DEPTH = 12 };

static int node_add(struct draft *d, struct span path, const struct profile_node *node, bool removed)
{
    if (path.at == NULL)
        return -ENOMEM;
    if (path.len == 0 || path.at[0] != '/' || path.len > PROFILE_PATH_MAX)
        return -ERR_MALFORMED;
    if (d->node_count == PROFILE_NODES_MAX)
        return -ERR_LIMIT;
    if (d->node_count == d->node_size) {
        size_t size = d->node_size == 0 ? 512 : d->node_size * 2;
        struct draft_node *nodes = realloc(d->nodes, size * sizeof *nodes);
        if (nodes == NULL)
            return -ENOMEM;
        d->nodes = nodes;
        d->node_size = size;
    }
    struct draft_node *to = &d->nodes[d->node_count];
    *to = (struct draft_node){.order = (uint32_t)d->node_count, .removed = removed};
    if (node != NULL)
        to->node = *node;
    to->node.path = path;
    d->node_count++;
    return 0;
}

int draft_put(struct draft *d, struct span path, enum tree_type type, uint16_t mode, struct span content, usec_t changed)
{
    struct profile_node node = {.type = type, .mode = mode, .content = content, .size = (uint32_t)content.len, .changed = changed};
    return node_add(d, path, &node, false);
}

int draft_put_binary(struct draft *d, struct span path, uint32_t size)
{
    struct profile_node node = {.type = TREE_BINARY, .mode = 0755, .size = size < 8192 ? 8192 : size & ~UINT32_C(7), .changed = d->installed};
    return node_add(d, path, &node, false);
}

int draft_put_text(struct draft *d, const char *path, uint16_t mode, struct span content)
{
    return draft_put(d, span_text(path), TREE_FILE, mode, content, d->installed);
}

int draft_put_dir(struct draft *d, const char *path)
{
    return draft_put(d, draft_copy(d, span_text(path)), TREE_DIRECTORY, 0755, (struct span){0}, d->installed);
}

int draft_put_link(struct draft *d, const char *path, const char *target)
{
    return draft_put(d, draft_copy(d, span_text(path)), TREE_LINK, 0777, draft_copy(d, span_text(target)), d->installed);
}

int draft_remove(struct draft *d, struct span path)
{
    return node_add(d, path, NULL, true);
}

bool draft_has(const struct draft *d, struct span path)
{
    for (size_t i = d->node_count; i-- > 0;)
        if (span_equal(d->nodes[i].node.path, path))
            return !d->nodes[i].removed;
    return false;
}

/* ---- overrides ---- */

/* An absolute path without "." and "..", double or trailing slashes. */
static bool path_is_plain(struct span path)
{
    if (path.len == 0 || path.at[0] != '/' || path.len > PROFILE_PATH_MAX)
        return false;
    for (size_t start = 1; start < path.len || path.len == 1;) {
        if (path.len == 1)
            return true;
        size_t len = 0;
        while (start + len < path.len && path.at[start + len] != '/')
            len++;
        struct span part = span_part(path, start, len);
        if (len == 0 || span_is(part, ".") || span_is(part, ".."))
            return false;
        start += len + 1;
        if (start == path.len)
            return path.at[path.len - 1] != '/';
    }
    return path.at[path.len - 1] != '/';
}

/* Permission bits as three or four octal digits. */
static int parse_mode(struct span text, uint16_t *ret)
{
    unsigned mode = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '7' || i == 4)
            return -ERR_MALFORMED;
        mode = mode * 8 + (unsigned)(text.at[i] - '0');
    }
    *ret = (uint16_t)mode;
    return text.len < 3 ? -ERR_MALFORMED : 0;
}

/* /path: {text: "…", mode: 755} | {link: TARGET} | {binary: 120K} | {device: "c 1 3"} | {dir: 755} | {remove: true} */
static int override_map(struct draft *d, struct span path, const struct conf_node *map)
{
    struct span text = {0}, kind = {0};
    uint16_t mode = 0;
    for (size_t i = 0; i < node_size(map); i++) {
        struct span key = span_text(node_key_at(map, i)), value;
        int error = source_node_text(d->source, node_at(map, i), &value);
        if (error != 0)
            return error;
        if (span_is(key, "mode")) {
            if (parse_mode(value, &mode) != 0)
                return node_error(node_at(map, i), d->error, "expected permissions as 755");
        } else {
            if (kind.len > 0)
                return node_error(node_at(map, i), d->error, "expected one of text, link, binary, device, dir, remove");
            kind = span_text(node_key_at(map, i));
            text = value;
        }
    }
    int64_t size;
    if (span_is(kind, "text"))
        return draft_put(d, path, TREE_FILE, mode != 0 ? mode : 0644, text, d->installed);
    if (span_is(kind, "link") && text.len > 0 && text.len <= PROFILE_PATH_MAX)
        return draft_put(d, path, TREE_LINK, 0777, text, d->installed);
    if (span_is(kind, "device") && text.len > 4 && (text.at[0] == 'c' || text.at[0] == 'b'))
        return draft_put(d, path, TREE_DEVICE, mode != 0 ? mode : 0660, text, 0);
    if (span_is(kind, "dir") && parse_mode(text, &mode) == 0)
        return draft_put(d, path, TREE_DIRECTORY, mode, (struct span){0}, d->installed);
    if (span_is(kind, "remove"))
        return draft_remove(d, path);
    if (span_is(kind, "binary") && parse_size(text, &size) == 0 && size >= 4096 && size <= PROFILE_BINARY_MAX)
        return draft_put_binary(d, path, (uint32_t)size);
    return node_error(map, d->error, "expected {text: …}, {link: …}, {binary: 120K}, {device: c 1 3}, {dir: 755} or {remove: true}");
}

static int override_files(struct draft *d, const struct conf_node *files)
{
    if (node_kind(files) != NODE_MAP)
        return node_error(files, d->error, "expected paths and what they are; for example {/etc/version: \"1.0\\n\"}");
    for (size_t i = 0; i < node_size(files); i++) {
        const struct conf_node *item = node_at(files, i);
        struct span path = draft_copy(d, span_text(node_key_at(files, i))), text;
        if (!path_is_plain(path))
            return node_error(item, d->error, "expected an absolute path of at most %d bytes without . and ..", PROFILE_PATH_MAX);
        int error;
        if (node_kind(item) == NODE_MAP) {
            error = override_map(d, path, item);
        } else {
            error = source_node_text(d->source, item, &text);
            if (error == 0)
                error = draft_put(d, path, TREE_FILE, 0644, text, d->installed);
        }
        if (error == -ERR_LIMIT)
            return node_error(item, d->error, "expected at most %d files in all", PROFILE_NODES_MAX);
        if (error != 0)
            return error;
    }
    return 0;
}

static int tree_folder(struct draft *d, int parent, const char *name, const char *inside, unsigned depth);

static int tree_entry(struct draft *d, int dir, const char *name, const char *path, unsigned depth)
{
    struct stat st;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return -errno;
    if (S_ISDIR(st.st_mode)) {
        int error = draft_put_dir(d, path);
        return error != 0 ? error : tree_folder(d, dir, name, path, depth + 1);
    }
    if (S_ISLNK(st.st_mode)) {
        char target[PROFILE_PATH_MAX + 1];
        ssize_t len = readlinkat(dir, name, target, PROFILE_PATH_MAX);
        if (len < 0)
            return -errno;
        target[len] = '\0';
        return draft_put_link(d, path, target);
    }
    if (!S_ISREG(st.st_mode) || st.st_size > TREE_FILE_BYTES_MAX)
        return -ERR_LIMIT;
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    size_t size = (size_t)st.st_size;
    uint8_t *content = arena_alloc(d->arena, size + 1);
    ssize_t got = content != NULL ? read(fd, content, size) : -1;
    int error = content == NULL ? -ENOMEM : got < 0 ? -errno : 0;
    close(fd);
    if (error == 0)
        error = draft_put(d, draft_copy(d, span_text(path)), TREE_FILE, (st.st_mode & 0100) != 0 ? 0755 : 0644, span_of(content, (size_t)got),
                          d->installed);
    return error;
}

static int tree_folder(struct draft *d, int parent, const char *name, const char *inside, unsigned depth)
{
    if (depth > TREE_FOLDER_DEPTH)
        return -ERR_LIMIT;
    int fd = openat(parent, name, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    if (fd < 0)
        return -errno;
    DIR *folder = fdopendir(fd);
    if (folder == NULL) {
        close(fd);
        return -ENOMEM;
    }
    int error = 0;
    for (struct dirent *entry; error == 0 && (entry = readdir(folder)) != NULL;) {
        char path[PROFILE_PATH_MAX + 2];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        int len = snprintf(path, sizeof path, "%s/%s", inside, entry->d_name);
        error = len < 0 || len > PROFILE_PATH_MAX ? -ENAMETOOLONG : tree_entry(d, dirfd(folder), entry->d_name, path, depth);
    }
    closedir(folder);
    return error;
}

/* `tree: DIR` names a folder beside the profile, never a path out of it. */
static int override_tree(struct draft *d, const char *folder, const struct conf_node *node)
{
    struct span name = node_kind(node) == NODE_SCALAR ? node_scalar(node) : (struct span){0};
    if (folder == NULL || name.len == 0 || name.len > 64 || name.at[0] == '.' || span_find(name, '/') < name.len)
        return node_error(node, d->error, "expected the name of a folder beside the profile");
    char path[4096];
    int len = snprintf(path, sizeof path, "%s/%.*s", folder, (int)name.len, (const char *)name.at);
    int error = len < 0 || (size_t)len >= sizeof path ? -ENAMETOOLONG : tree_folder(d, AT_FDCWD, path, "", 0);
    if (error != 0)
        return node_error(node, d->error, "the folder cannot be taken over: %s", err_text(error));
    return 0;
}

int draft_overrides(struct draft *d, const char *folder)
{
    for (size_t i = d->source->count; i-- > 0;) {
        const struct conf_node *files = source_find_in(d->source, i, "files");
        const struct conf_node *tree = source_find_in(d->source, i, "tree");
        int error = files != NULL ? override_files(d, files) : 0;
        if (error == 0 && tree != NULL)
            error = override_tree(d, folder, tree);
        if (error != 0)
            return error;
    }
    return 0;
}

/* ---- settling ---- */

static int compare_nodes(const void *a, const void *b)
{
    const struct draft_node *left = a, *right = b;
    int order = span_compare(left->node.path, right->node.path);
    return order != 0 ? order : (left->order > right->order) - (left->order < right->order);
}

static bool lies_in(struct span path, struct span folder)
{
    if (folder.len == 1)
        return true;
    return path.len >= folder.len && memcmp(path.at, folder.at, folder.len) == 0 && (path.len == folder.len || path.at[folder.len] == '/');
}

/* A put is gone when something at its path or above it was removed later. */
static bool is_removed(const struct draft *d, const size_t *removals, size_t removal_count, const struct draft_node *node)
{
    for (size_t i = 0; i < removal_count; i++) {
        const struct draft_node *removal = &d->nodes[removals[i]];
        if (removal->order > node->order && lies_in(node->node.path, removal->node.path))
            return true;
    }
    return false;
}

static int drop_overridden(struct draft *d)
{
    size_t removals[256], removal_count = 0, kept = 0;
    for (size_t i = 0; i < d->node_count; i++)
        if (d->nodes[i].removed) {
            if (removal_count == 256)
                return -ERR_LIMIT;
            removals[removal_count++] = i;
        }
    bool *keep = calloc(d->node_count + 1, sizeof *keep);
    if (keep == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < d->node_count; i++) {
        bool last = i + 1 == d->node_count || !span_equal(d->nodes[i].node.path, d->nodes[i + 1].node.path);
        keep[i] = last && !d->nodes[i].removed && !is_removed(d, removals, removal_count, &d->nodes[i]);
    }
    for (size_t i = 0; i < d->node_count; i++)
        if (keep[i])
            d->nodes[kept++] = d->nodes[i];
    d->node_count = kept;
    free(keep);
    return 0;
}

static struct span parent_of(struct span path)
{
    size_t len = path.len;
    while (len > 1 && path.at[len - 1] != '/')
        len--;
    return span_part(path, 0, len > 1 ? len - 1 : 1);
}

/* Sorted order puts a folder before what it holds, so the open chain of folders is a stack. */
static int add_missing_folders(struct draft *d)
{
    size_t count = d->node_count;
    for (size_t i = 0; i < count; i++) {
        struct span path = d->nodes[i].node.path;
        while (path.len > 1) {
            path = parent_of(path);
            struct draft_node key = {.node = {.path = path}}, *found = NULL;
            size_t low = 0, high = count;
            while (low < high) {
                size_t middle = low + (high - low) / 2;
                key.order = d->nodes[middle].order;
                int order = compare_nodes(&d->nodes[middle], &key);
                if (order == 0) {
                    found = &d->nodes[middle];
                    break;
                }
                if (order < 0)
                    low = middle + 1;
                else
                    high = middle;
            }
            if (found != NULL && found->node.type != TREE_DIRECTORY)
                return draft_error(d->source, "files: %.*s lies in %.*s, which is not a folder", (int)d->nodes[i].node.path.len,
                                   (const char *)d->nodes[i].node.path.at, (int)path.len, (const char *)path.at);
            if (found != NULL)
                break;
            int error = draft_put(d, path, TREE_DIRECTORY, 0755, (struct span){0}, d->nodes[i].node.changed);
            if (error != 0)
                return error;
        }
    }
    if (d->node_count == count)
        return 0;
    qsort(d->nodes, d->node_count, sizeof *d->nodes, compare_nodes);
    return drop_overridden(d);
}

struct mount {
    struct span path;
    bool writable;
};

static bool is_storage(struct span type)
{
    static const char *const types[] = {"rootfs", "tmpfs", "ramfs", "jffs2",    "yaffs",   "yaffs2",  "ubifs",    "ext2",  "ext3",
                                        "ext4",   "vfat",  "xfs",   "devtmpfs", "overlay", "mini_fo", "reiserfs", "minix", "lfs"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (span_is(type, types[i]))
            return true;
    return false;
}

static int read_mounts(struct draft *d, struct mount *mounts)
{
    for (size_t i = 0; i < d->mount_count; i++) {
        struct span rest = d->mounts[i];
        (void)text_word(&rest);
        struct span path = text_word(&rest), type = text_word(&rest), options = text_word(&rest);
        if (!path_is_plain(path) || options.len < 2 || text_word(&rest).len == 0 || text_word(&rest).len == 0)
            return node_error(source_item(d->source, "mounts", i), d->error,
                              "expected a line of /proc/mounts; for example \"tmpfs /tmp tmpfs rw 0 0\"");
        mounts[i] = (struct mount){.path = path, .writable = is_storage(type) && span_starts(options, "rw")};
        int error = draft_has(d, path) ? 0 : draft_put(d, path, TREE_DIRECTORY, 0755, (struct span){0}, 0);
        if (error != 0)
            return error;
    }
    return 0;
}

static void mark_writable(struct draft *d, const struct mount *mounts)
{
    for (size_t i = 0; i < d->node_count; i++) {
        size_t longest = 0;
        for (size_t k = 0; k < d->mount_count; k++)
            if (mounts[k].path.len >= longest && lies_in(d->nodes[i].node.path, mounts[k].path)) {
                longest = mounts[k].path.len; /* of two mounts at one place the later one counts */
                d->nodes[i].node.writable = mounts[k].writable;
            }
    }
}

int draft_settle(struct draft *d)
{
    struct mount *mounts = arena_alloc(d->arena, (d->mount_count + 1) * sizeof *mounts);
    if (mounts == NULL)
        return -ENOMEM;
    int error = read_mounts(d, mounts);
    if (error == 0)
        error = draft_put_dir(d, "/");
    if (error != 0)
        return error;
    qsort(d->nodes, d->node_count, sizeof *d->nodes, compare_nodes);
    error = drop_overridden(d);
    if (error == 0)
        error = add_missing_folders(d);
    if (error != 0)
        return error;
    mark_writable(d, mounts);
    struct profile_node *nodes = arena_alloc(d->arena, (d->node_count + 1) * sizeof *nodes);
    if (nodes == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < d->node_count; i++)
        nodes[i] = d->nodes[i].node;
    d->p.nodes = nodes;
    d->p.node_count = d->node_count;
    return 0;
}
