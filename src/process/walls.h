/* The single walls confine.c raises, and what the supervisor needs of them. Each returns 0 or a negative code with one line in `why`. */
#pragma once

#include "base/buf.h"
#include "process/role.h"

#include <sys/types.h>

/* Files (Landlock): nothing at all, or the data folder as far as the wall says. Needs no_new_privs. */
int landlock_raise(const struct wall *, const char *data, struct buf *why);

/* System calls (seccomp). The last wall: after it nothing else can be raised. */
int filter_raise(const struct wall *, struct buf *why);

/* Who a process started by root becomes. */
struct identity {
    bool change; /* this process is root's and a user was named */
    uid_t uid;
    gid_t gid;
    char name[33];
};
/* The user of process.user. "auto": nobody, or "" where nobody can't get to the data folder, such as below /root. */
const char *identity_choose(const struct conf *settings);
/* Looks `user` up; "" or not being root: no change. -ERR_CONFIG for a user that does not exist. */
int identity_find(const char *user, struct identity *ret, struct buf *why);
/* For good: groups, gid and uid in all their forms; checked by trying to come back. */
int identity_become(const struct identity *, struct buf *why);
/* For file work of the supervisor in a folder that is the user's, with his rights only. No-ops when there is no change. */
int identity_borrow(const struct identity *);
void identity_give_back(const struct identity *);

/* Keeps only the capabilities in `keep` (bit per CAP_…), and in the bounding set only those in `bounding`. */
int capabilities_reduce(uint64_t keep, uint64_t bounding, struct buf *why);
