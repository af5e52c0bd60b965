/* The supervisor: binds ports, makes the journal files, compiles profiles, starts and restarts roles, reads no network byte. */
#pragma once

#include "process/listen.h"

#include <sys/types.h>

struct supervision {
    const struct conf *settings; /* store.folder must be the data folder to use */
    const char *program;         /* the binary to execute for roles; NULL: this one */
    int ready_fd;                /* where `ready` is written; 0: standard error */
    enum listening listening;    /* where services listen */
    pid_t parent;                /* it stops when this process, its parent, has ended; 0: it does not matter */
    /* Reads the configuration again for SIGHUP, with the same overrides; 0 or negative with `error`. NULL: SIGHUP changes nothing. */
    int (*reload)(void *user, struct conf **ret, struct conf_error *error);
    void *user;
};

/* Runs until SIGTERM or SIGINT; returns the exit status (0 stopped cleanly, 1 failed, 2 configuration). Writes the line `ready` to
 * stderr and tells systemd when every listener and the store are open. What stops the start is one line on stderr (log_error). */
int supervise(const struct supervision *);

/* main() gives a process started with --role to this; never returns to the verbs. */
int role_main(const char *name_and_index);
