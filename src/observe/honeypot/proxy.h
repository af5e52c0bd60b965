/*
 * HAProxy's PROXY protocol, versions 1 and 2: the header with which a relay says whom it speaks for. Bytes in, answer out; the caller
 * keeps what came and asks again with more.
 */
#pragma once

#include "base/addr.h"

enum {
    PROXY_V1_MAX = 107,  /* CR LF included */
    PROXY_V2_MAX = 4096, /* header, addresses and TLVs; the protocol allows more, no relay sends it */
    PROXY_SIGNATURE_MAX = 13
};

struct proxy_header {
    size_t len;      /* bytes of the stream it took */
    bool has_source; /* false: LOCAL or UNKNOWN, the socket's own addresses hold */
    struct endpoint source, destination;
};

/* `stream` is the connection's first bytes, at least one more than last time. 0: done; -ERR_TRUNCATED: more is needed;
 * -ERR_NOT_FOUND: no header; -ERR_MALFORMED: a bad one; -ERR_LIMIT: too long. */
int proxy_parse(struct span stream, struct proxy_header *ret);

/* Does a stream that begins so certainly carry a header: 1 yes, 0 no, -ERR_TRUNCATED not known yet. Where none is expected. */
int proxy_signature(struct span stream);
