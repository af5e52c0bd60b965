/* What `check` and `probe --dry-run` look at without sending anything: the policy of probes with its lists and the day's counts. */
#pragma once

#include "base/buf.h"
#include "cli/usage.h"
#include "outside/dial.h"
#include "probe/order.h"

enum { POLICY_BAD_TOLD = 5 };

struct policy_list {
    char path[4096];      /* "": none is set */
    const char *trouble;  /* why it can't be read; NULL */
    bool missing_is_fine; /* the opt-out file of the data folder, before the first opted out */
    size_t networks;
};

struct policy {
    struct dial *dial;
    struct policy_list blocklist, optout;
    size_t bad_count; /* lines of both that are no network */
    struct list_error bad[POLICY_BAD_TOLD];
};

/* 0, or EXIT_USAGE or EXIT_FAILED after saying why on stderr. A list that can't be read is told in its member, and nothing is allowed then. */
int policy_open(const struct invocation *, struct policy *);
void policy_close(struct policy *);
const char *policy_bad_path(const struct policy *, size_t index); /* the file of bad[index] */
/* The day's connections so far, from the store when there is one. */
void policy_count(const struct invocation *, struct policy *);
/* Is this probe switched on (probe.extra)? */
bool policy_probe_on(const struct invocation *, const struct probe *);
/* The ports of a visit that names none: probe.ports, probe.ics_ports; at most `room`. -ERR_CONFIG with a line in `why`. */
int policy_ports(const struct invocation *, struct order_port *ret, size_t room, size_t *ret_count, struct buf *why);
