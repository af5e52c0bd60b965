/*
 * The file tree an attacker sees: the profile's nodes, shared and unchanged, under a copy-on-write layer of one session with caps
 * (files, bytes, path length, depth). Costs nothing until the session writes.
 */
#pragma once

#include "base/arena.h"
#include "observe/honeypot/profile.h"

struct tree;

enum {
    TREE_FILES_MAX = 256,                   /* entries of the layer */
    TREE_BYTES_MAX = 4 * 1024 * 1024,       /* content of the layer, all files */
    TREE_ALL_BYTES_MAX = 256 * 1024 * 1024, /* … of all sessions of a process */
    TREE_FILE_MAX = 2 * 1024 * 1024,
    TREE_PATH_MAX = 512,
    TREE_LINKS_MAX = 8 /* symbolic links followed */
};

/* What one path is. Spans are valid until the tree changes. An APPLET is a link to busybox: it keeps its type when followed, then with the
 * size and mode of the busybox it leads to; not followed it is what `ls -l` shows of a symbolic link. */
struct tree_stat {
    enum tree_type type; /* links are followed unless asked otherwise; LINK only then */
    uint16_t mode;
    size_t size;
    usec_t changed;
    struct span target;                   /* of a LINK or APPLET ("" of an APPLET: /bin/busybox); "c 1 3" of a DEVICE */
    struct span path;                     /* absolute, links resolved */
    bool by_attacker;                     /* in the layer: written or changed in this session */
    uint32_t links;                       /* hard link count to show */
    const struct profile_node *generated; /* the content is generated, from this node: a BINARY, its copies, a placeholder; else NULL */
};

int tree_new(struct tree **ret, const struct profile *, struct arena *, usec_t now); /* the struct in the arena, contents on the heap */
void tree_free(struct tree *);

/* Path arguments may be relative to `cwd`, hold "." and "..", and repeated slashes. Errors are negative errno values as Linux gives them:
 * -ENOENT, -ENOTDIR, -EISDIR, -EEXIST, -EROFS (not on a rw mount), -EACCES, -ENOSPC (a cap), -ENAMETOOLONG, -ELOOP, -ENOTEMPTY, -EBUSY. */
int tree_stat(struct tree *, struct span cwd, struct span path, bool follow, struct tree_stat *ret);
/* Reads [offset, offset + len) into `to`; returns the count, 0 at the end. /dev/zero, /dev/urandom give bytes, /dev/null none. Generated
 * files (ELF, /proc entries that vary) work at any offset. */
ssize_t tree_read(struct tree *, struct span cwd, struct span path, size_t offset, uint8_t *to, size_t len);
/* Writes at `offset` (SIZE_MAX: appends), creating the file with 0644 when it is not there; grows with zero bytes. */
int tree_write(struct tree *, struct span cwd, struct span path, size_t offset, struct span bytes);
int tree_truncate(struct tree *, struct span cwd, struct span path, size_t size); /* creates too: what ">" does */
int tree_mkdir(struct tree *, struct span cwd, struct span path, uint16_t mode);
int tree_remove(struct tree *, struct span cwd, struct span path); /* a file, link or empty directory */
int tree_rename(struct tree *, struct span cwd, struct span from, struct span to);
int tree_copy(struct tree *, struct span cwd, struct span from, struct span to); /* cheap for generated content: a reference */
/* A placeholder for a download that is not made: a file (mode 0644) whose content is a generated ELF of the profile's machine. Replaces
 * what was there. It is no sample, and runs silently. */
int tree_generate(struct tree *, struct span cwd, struct span path, size_t size);
int tree_link(struct tree *, struct span cwd, struct span target, struct span path, bool symbolic);
int tree_chmod(struct tree *, struct span cwd, struct span path, uint16_t mode);
/* Entries of a directory, sorted; return non-zero from `each` to stop. */
int tree_list(struct tree *, struct span cwd, struct span path, int (*each)(void *user, struct span name, const struct tree_stat *), void *user);

/* Absolute path with ".", ".." and double slashes resolved textually; -ENAMETOOLONG. */
int tree_absolute(struct span cwd, struct span path, char to[static TREE_PATH_MAX]);

void tree_clock(struct tree *, usec_t now); /* the time of changes from here on */
/* Bytes generated or copied since the last call: what reading and writing cost, for the reader's budget. */
size_t tree_work(struct tree *);

/* Called with what the attacker wrote before it is lost: removed, truncated, replaced. */
void tree_on_loss(struct tree *, void (*lost)(void *user, struct span path, struct span content), void *user);
/* Files whose content the attacker wrote (at least one byte), for samples: called for each with its whole content. */
int tree_written(struct tree *, int (*each)(void *user, struct span path, struct span content), void *user);
