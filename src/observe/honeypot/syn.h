/*
 * The SYN that opened a connection, as Linux keeps it on a listener with TCP_SAVE_SYN: IP header (RFC 791, RFC 8200) and TCP header
 * (RFC 9293) as they arrived. Tells scanners' stacks apart.
 */
#pragma once

#include "base/span.h"

enum { SYN_OPTIONS_SIZE = 192, SYN_EXTENSIONS_MAX = 8 };

struct syn {
    uint8_t ttl; /* or hop limit */
    uint16_t window;
    uint32_t length; /* of the IP packet, as its header says */
    bool has_mss, has_scale;
    uint16_t mss;
    uint8_t scale;
    /* In order: "mss,sok,ts,nop,ws,eol"; another kind as its number; "bad" ends a list whose lengths do not fit. */
    char options[SYN_OPTIONS_SIZE];
};

/* 0, -ERR_TRUNCATED, -ERR_MALFORMED. */
int syn_parse(struct span packet, struct syn *ret);
