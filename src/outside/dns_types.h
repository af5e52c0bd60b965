/* What the DNS says, as it is handed on: no socket, no library. */
#pragma once

#include "base/addr.h"

/* RFC 1035 numbers. */
enum dns_type { DNS_A = 1, DNS_NS = 2, DNS_SOA = 6, DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28 };

struct dns_record {
    uint16_t type;
    uint16_t preference; /* MX */
    struct span text;    /* name in lower case without the last dot (NS, PTR, MX; empty for the root: a null MX); TXT's strings joined; SOA: the
                            RNAME as written, of dots and backslashes inside its first label those escaped by a backslash (RFC 1035 §8) */
    struct addr addr;    /* A, AAAA */
};
