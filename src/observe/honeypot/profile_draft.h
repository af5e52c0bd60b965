/*
 * The inside of profile compilation. One profile goes through these steps, each a file:
 *   profile_source.c   the YAML file and the bases it extends: fields by name, texts with @{…} filled in
 *   profile_fields.c   fields -> struct draft, checks; profile_lists.c: applets, processes, interfaces …
 *   profile_tree.c     the node list: putting, overriding, sorting, which mount is writable
 *   profile_system.c   /bin /etc /dev /lib … generated from the draft
 *   profile_proc.c     /proc and /sys generated from the draft
 *   profile_image.c    drafts -> image, image -> profiles
 *   profile_compile.c  the whole way for a folder of files
 *   profile_elf.c      what reading a binary gives
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "observe/honeypot/profile.h"

#include <errno.h>

enum {
    PROFILE_COUNT_MAX = 1024,
    PROFILE_TEXT_MAX = 64 * 1024,
    PROFILE_NODES_MAX = 8192,
    PROFILE_LIST_MAX = 1024, /* processes, answers, variables … of one profile */
    PROFILE_PATH_MAX = 255,
    PROFILE_EXTENDS_MAX = 6,
    PROFILE_BINARY_MAX = 16 * 1024 * 1024,
    PROFILE_IMAGE_MAX = 32 * 1024 * 1024,
    PROFILE_DRAFT_MEMORY = 32 * 1024 * 1024
};

/* ---- profile_source.c ---- */

/* A profile's file and its bases, nearest first. */
struct source {
    struct conf *confs[PROFILE_EXTENDS_MAX];
    size_t count;
    const char *name; /* of the profile's file, for messages */
    struct arena *arena;
    struct conf_error *error;
};

/* Reads `text`, then each base named by `extends` from the folder (NULL: none can be read). source_release in any case. */
int source_open(struct source *, const char *folder, const char *file, struct span text);
void source_release(struct source *);

/* The nearest file's value; NULL when no file gives it. From a single file: source_find_in. */
const struct conf_node *source_find(const struct source *, const char *path);
const struct conf_node *source_find_in(const struct source *, size_t index, const char *path);

/* A field's text with @{…} filled in; `preset` NULL: must be given. Errors as conf_error's one line. */
int source_text(struct source *, const char *path, const char *preset, struct span *ret);
int source_node_text(struct source *, const struct conf_node *, struct span *ret);
int source_number(struct source *, const char *path, int64_t preset, int64_t min, int64_t max, int64_t *ret); /* preset < 0: must be given */
int source_size(struct source *, const char *path, int64_t preset, int64_t min, int64_t max, int64_t *ret);   /* "421K", bytes */
int source_duration(struct source *, const char *path, usec_t preset, usec_t *ret);
int source_flag(struct source *, const char *path, bool preset, bool *ret);
/* A list of texts from the nearest file that gives it; none: an empty list. */
int source_list(struct source *, const char *path, struct span **ret, size_t *ret_count);
int parse_size(struct span text, int64_t *ret);
/* The item a text of source_list came from, for errors. */
const struct conf_node *source_item(const struct source *, const char *path, size_t index);
/* Takes the next word off a line; empty at its end. */
struct span text_word(struct span *rest);
/* A whole file of at most 256 KiB; `out` is to be freed only after success. */
int source_read_file(const char *path, struct buf *out);
/* What a field is for and an example, out of the schema. */
int source_missing(struct source *, const char *path);

/* ---- the draft ---- */

struct draft_node {
    struct profile_node node;
    uint32_t order;
    bool removed; /* takes this path and all below away */
};

struct draft {
    struct profile p;
    struct source *source;
    struct arena *arena;
    struct conf_error *error;
    int failed; /* 0 or the first code of a copy that could not be made */

    struct span compiler, builder; /* of /proc/version */
    unsigned kernel;               /* 2.6.18 as 20618, 3.10.49 as 31049, 5.4.61 as 50461 */
    usec_t kernel_built, busybox_built, installed;
    uint32_t busybox_size;
    struct span command_line, cpuinfo;
    struct span *mounts, *flash, *users, *modules, *libraries;
    size_t mount_count, flash_count, user_count, module_count, library_count;
    uint16_t tcp_ports[32], udp_ports[32];
    size_t tcp_count, udp_count;
    bool shadow;

    struct draft_node *nodes; /* heap */
    size_t node_count, node_size;
};

void draft_done(struct draft *);
/* What stays the same for this profile and differs between profiles: numbers for generated details. */
uint64_t draft_random(const struct draft *, const char *what, uint64_t index);

/* An error without a node: "FILE:1: text". Returns -ERR_CONFIG. */
int draft_error(struct source *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Copies into the arena. When that fails the span is empty and `failed` says why: draft_read ends with it. */
struct span draft_copy(struct draft *, struct span);
struct span draft_printf(struct draft *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- profile_tree.c ---- */

/* The last put wins. `path` and `content` must live as long as the draft. */
int draft_put(struct draft *, struct span path, enum tree_type, uint16_t mode, struct span content, usec_t changed);
int draft_put_binary(struct draft *, struct span path, uint32_t size);
int draft_put_text(struct draft *, const char *path, uint16_t mode, struct span content);
int draft_put_dir(struct draft *, const char *path);
int draft_put_link(struct draft *, const char *path, const char *target);
int draft_remove(struct draft *, struct span path);
bool draft_has(const struct draft *, struct span path);
/* `files:` of the profile and its bases, then the folder of `tree:`. */
int draft_overrides(struct draft *, const char *folder);
/* Sorts, drops what was overridden, adds missing folders, marks what is writable. */
int draft_settle(struct draft *);

/* ---- profile_system.c, profile_proc.c ---- */

int draft_system(struct draft *);
int draft_proc(struct draft *);

/* The folder an applet is installed in, or NULL when no such applet exists. */
const char *busybox_folder(struct span applet);
/* Appends the names of a set ("core") to `each`; -ERR_UNKNOWN when there is none. */
int busybox_set(struct span name, int (*each)(void *user, const char *applet), void *user);

/* The program interpreter of a machine and libc, "/lib/ld-uClibc.so.0". */
const char *elf_interpreter(enum machine, struct span libc);

/* ---- profile_fields.c, profile_lists.c ---- */

int draft_read_applets(struct draft *);
int draft_read_environment(struct draft *);
int draft_read_answers(struct draft *);
int draft_read_processes(struct draft *);
int draft_read_network(struct draft *);
/* All of it: fields, generated files, overrides. */
int draft_read(struct draft *, struct source *, const char *folder, struct span name);

/* ---- profile_image.c ---- */

/* Collects profiles into an image. */
struct image_writer;
int image_writer_new(struct image_writer **ret);
void image_writer_free(struct image_writer *);
int image_writer_add(struct image_writer *, const struct profile *);
int image_writer_finish(struct image_writer *, struct buf *image);

/* One profile out of a text, without bases: what the fuzzer drives. `file` is its name in messages, NAME.yaml. */
int profiles_compile_text(const char *file, struct span yaml, struct buf *image, struct conf_error *error);
