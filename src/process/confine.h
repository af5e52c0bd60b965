/*
 * Walls around a process: no new privileges, rlimits, uid change, Landlock (files), seccomp (system calls; sockets, since Debian 12's
 * Landlock header has no network rights). Everything or nothing: a wall that can't be raised is an error, and the caller must not go on.
 */
#pragma once

#include "base/buf.h"
#include "process/role.h"

/* `data` is the data folder (absolute). `user` a name to become when running as root ("" keeps root's uid but drops all capabilities).
 * On failure one line for the operator in `why`. */
int confine(const struct wall *, const char *data, const char *user, struct buf *why);
