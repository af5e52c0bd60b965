/* Walking the tree: names first, so that what is done to them may change it. */
#pragma once

#include "observe/honeypot/shell/applets/common.h"

enum { WALK_DEPTH_MAX = 64 };

/* The names of a folder, each followed by a NUL, sorted. Returns 0 or a negative errno value; buf_done them. */
int folder_names(struct run *, struct span path, struct buf *ret);
/* The next one; false at the end. */
bool folder_next(struct span *rest, struct span *ret_name);
/* Removes a path and all below it: 0, or the first error, which is at *ret_path (scratch memory). */
int remove_all(struct run *, struct span path, unsigned depth, struct span *ret_path);
/* Octal, or letters as chmod takes them; false: invalid. */
bool mode_parse(struct span text, uint16_t old, bool directory, uint16_t *ret);
