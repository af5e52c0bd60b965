/* Addresses that are no host on the Internet to probe (special.def). */
#pragma once

#include "base/addr.h"

struct special {
    const char *prefix, *name, *source;
};

/* The entry that holds this address, or NULL: a unicast address somebody was given. */
const struct special *special_find(struct addr);

/* The IPv4 address inside a 6to4 (RFC 3056 §2), Teredo (RFC 4380 §4: the client's) or NAT64 (RFC 6052 §2.1) address. */
bool special_embedded(struct addr, struct addr *ret);
