/* Inside the tree: the layer of one session over the profile's nodes, shared by tree.c (reading) and change.c (writing). */
#pragma once

#include "observe/honeypot/shell/tree.h"

/* Bytes of a file, shared by its copies. */
struct content {
    uint32_t refs;
    bool attacker; /* the attacker wrote at least one of these bytes */
    size_t len, size;
    uint8_t *data;
    struct profile_node made; /* a placeholder: no data, generated from this node (its path lies behind the struct) */
};

/* A path that differs from the profile: made, changed, or gone. */
struct entry {
    char *path;
    uint16_t path_len;
    uint16_t mode;
    uint8_t type; /* enum tree_type */
    bool gone;
    struct content *content;         /* NULL: the node's, or none */
    const struct profile_node *node; /* whose content it shows while it has none of its own */
    usec_t changed;
};

struct tree {
    const struct profile *profile;
    struct entry *entries; /* sorted by path; the array is on the heap */
    uint16_t count, room;
    size_t bytes; /* of all contents */
    size_t work;  /* bytes generated or copied since tree_work */
    usec_t started, now;
    void (*lost)(void *user, struct span path, struct span content);
    void *lost_user;
};

/* What stands at one path: an entry, else a node, else nothing. */
struct place {
    struct entry *entry;
    const struct profile_node *node;
    bool creatable; /* nothing there, but its directory is */
};

struct path {
    size_t len;
    char text[TREE_PATH_MAX];
};

static inline struct span path_span(const struct path *p)
{
    return span_of(p->text, p->len);
}

static inline bool place_found(const struct place *p)
{
    return p->entry != NULL || p->node != NULL;
}

/* Index of the first entry whose path is not below `path`. */
size_t layer_search(const struct tree *, struct span path);
/* What lies under the layer at a path, or NULL. */
const struct profile_node *tree_under(const struct tree *, struct span absolute);
struct place tree_place(const struct tree *, struct span absolute);
enum tree_type place_type(const struct place *);
/* Links resolved; `ret` is the path even when nothing is there (-ENOENT; place.creatable tells whether it could be made). */
int tree_resolve(const struct tree *, struct span cwd, struct span path, bool follow, struct path *ret, struct place *ret_place);
/* Where reading an APPLET leads: the busybox it links to. */
int tree_busybox(const struct tree *, struct path *path, struct place *place);
size_t place_size(const struct place *);
/* The next path at or after `from` that starts with `prefix`; false: none. */
bool tree_next(const struct tree *, struct span from, struct span prefix, struct path *ret, struct place *ret_place);
size_t place_read(struct tree *, const struct place *, size_t offset, uint8_t *to, size_t len);
void content_unref(struct tree *, struct content *);
