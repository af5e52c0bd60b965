/* The files behind the paths of a command line. */
#pragma once

#include "observe/import/import.h"

struct walk_file {
    char *path;
    uint64_t size; /* 0 when not known */
    bool inner;    /* found in a folder: must not be a link */
};

struct walk {
    struct walk_file *files;
    size_t count, size;
    uint64_t bytes; /* of all; 0 when one is not known */
};

/* Lists the files in reading order; what can't be listed is told to `failed`. 0, -ENOMEM, -ERR_LIMIT (too many files). */
int walk_list(struct walk *ret, const char *const *paths, size_t count, void (*failed)(void *user, const char *path, int error), void *user);
void walk_done(struct walk *);
