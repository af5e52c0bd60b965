/* The supervisor: binds ports, makes the journal files, compiles profiles, starts and restarts roles, reads no network byte. */
#pragma once

#include "base/conf.h"

/* Runs until SIGTERM or SIGINT; returns the exit status (0 stopped cleanly, 1 failed, 2 configuration). Writes the line `ready` to
 * stderr and tells systemd when every listener and the store are open. `program` is the binary to execute for roles. */
int supervise(const struct conf *settings, const char *program);

/* main() gives a process started with --role to this; never returns to the verbs. */
int role_main(const char *name_and_index);
