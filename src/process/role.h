/*
 * Roles: one program, several processes, each with the least it needs. The supervisor forks and executes this binary again as
 * `noroshi --role NAME.INDEX` with its channel as descriptor 3, hands it settings and descriptors, and says START; the role raises its
 * walls and begins. A role that dies is started again (back-off 0.1 s doubling to 10 s, forgotten after a minute's life) and joined
 * to its peers anew. A new role = one struct role and one line in roles.def.
 *
 *   supervisor                         role
 *      │ fork, exec                      │
 *      │ SETTINGS, GRANT …, PEER …, START│
 *      ├────────────────────────────────►│ confine(wall)
 *      │◄──────────────────────── READY ─┤ or FAILED + one line
 *      │ PEER (a peer was started anew) ►│ …
 *      │ STOP ──────────────────────────►│ ends, exit 0; SIGKILL after process.stop_timeout
 */
#pragma once

#include "base/conf.h"
#include "process/channel.h"

/* What a role may do; enforced by Landlock, seccomp, rlimits and, when started by root, a change of uid. */
struct wall {
    bool read_data;      /* the data folder: read. SQLite's WAL: the shared-memory file is read-only too, which SQLite falls back to */
    bool write_data;     /* the data folder: create, write, rename, remove */
    bool accept;         /* accept() on listeners it was handed, plain socket I/O on them */
    bool connect;        /* make sockets of its own and connect them: reach alone */
    bool receive_fds;    /* descriptors on its channels (all roles need it for PEER) */
    uint64_t memory_max; /* RLIMIT_DATA-like bound in bytes, 0: none */
    uint64_t file_max;   /* RLIMIT_FSIZE in bytes, 0: none; standard error and large messages (memfd) count, too */
    uint32_t open_files_max;
};

struct station; /* what a role was given; lives as long as the process */

/* Descriptors the supervisor makes for a role with its own rights: at the start, and again at a reload. */
enum { EQUIPMENT_MAX = 8 };
struct equipment {
    struct {
        char name[32];
        int fd;
    } items[EQUIPMENT_MAX];
    size_t count;
};
void equipment_add(struct equipment *, const char *name, int fd); /* the descriptor is its now; granted by that name */
/* A sealed memfd with the file's bytes; nothing when `path` is "". -ERR_CONFIG with one line that names `setting`. */
int equipment_add_file(struct equipment *, const char *name, const char *setting, const char *path, struct conf_error *);

struct role {
    const char *name, *help;
    enum party party;
    struct wall wall;
    /* Can it work with these settings? Looks at nothing else. May be NULL. 0, or -ERR_CONFIG or -errno with one line. */
    int (*check)(const struct conf *, struct conf_error *);
    bool (*wanted)(const struct conf *); /* does this configuration need the role at all? NULL: always */
    /* In the supervisor, before it gives up rights; reads files and sockets of the operator's own, never a network byte. May be NULL. 0, or
     * -ERR_CONFIG or -errno with one line. */
    int (*equip)(const struct conf *, struct equipment *, struct conf_error *);
    /* In the role, before its walls: for a library that must open by path what was granted (/proc/self/fd/N). May be NULL. 0 or the exit status. */
    int (*prepare)(struct station *);
    int (*run)(struct station *); /* returns the exit status; call station_ready when serving */
};

/* The table of roles.def (src/roles.c); NULL when there is none of that name. Tests bring their own. */
const struct role *role_by_name(struct span name);
const struct role *const *roles_all(size_t *ret_count);
int roles_check(const struct conf *, struct conf_error *); /* every role's `check`, wanted or not */

const struct conf *station_settings(const struct station *);
unsigned station_index(const struct station *);
uv_loop_t *station_loop(struct station *);
/*
 * A granted descriptor by name, or -1. Still the station's own: do not close. A role gets
 *   edge     listen.N (N: index in `services`), journal, spool, profiles (sealed memfd)
 *   store    control (listening SOCK_SEQPACKET), ring.K (each edge's journal, read-only; more may come while it runs; ring.256 is reach's)
 *   reach    journal, spool, and what its `equip` makes: tap (AF_PACKET socket whose locked filter passes SYN-ACKs only; absent without CAP_NET_RAW)
 *   analyse  what its `equip` makes: fingerprints (sealed memfd: the image of device_compile), country, asn (sealed memfds: the operator's mmdb
 * files) all      lock (the data folder stays locked until the last role of a dead supervisor has ended)
 */
int station_grant(const struct station *, const char *name);
enum { STATION_REACH_RING = 256 }; /* the K of reach's ring */

/* Called on the loop, never inside station_events; set before station_ready (what came earlier is kept until then). Any may be NULL: then a
 * peer's descriptor is closed, stop ends the loop, and drain is the same as stop. When the supervisor is gone, stop is called. */
struct station_events {
    /* A peer's channel, e.g. name "store" index 0. Make a channel of `fd` (yours now) with channel_new. */
    void (*peer)(struct station *, const char *name, unsigned index, int fd);
    void (*stop)(struct station *);                                             /* wind down, then uv_stop(station_loop()) */
    void (*lists)(struct station *, struct span blocklist, struct span optout); /* reach: the lists as they are now */
    void (*drain)(struct station *);                                            /* reload: take no new connections, end when the last is done */
};
void station_events(struct station *, const struct station_events *, void *user);
void *station_user(struct station *);
int station_ready(struct station *);
/* The peer of that name broke the rules: the supervisor ends it and starts another. Only the store may. */
void station_accuse(struct station *, const char *name, unsigned index);
/* Tells the supervisor why this role can't start, as one line; returns the exit status to leave with. */
int station_failed(struct station *, const char *format, ...) __attribute__((format(printf, 2, 3)));
