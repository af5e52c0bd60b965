/*
 * A packet tap for what a connected socket can't tell: the TTL, window and TCP options of a SYN-ACK. A packet socket with a locked filter
 * that passes nothing but arriving SYN-ACKs writes into a ring of memory; no system call reads it.
 *
 * Only answers to connections of ours are looked at: one waits from its connect() on, and is found when its packet is read. Strangers'
 * packets are dropped without a trace.
 */
#pragma once

#include "base/addr.h"
#include "base/buf.h"
#include "observe/honeypot/syn.h"

/* Makes the socket, its filter and its ring: needs CAP_NET_RAW, so the supervisor calls it. -errno with one line. */
int tap_open(int *ret_fd, struct buf *why);

struct tap;
/* Maps the ring of tap_open's descriptor, which must outlive it. */
int tap_new(struct tap **ret, int fd);
void tap_free(struct tap *); /* NULL accepted */

/* A connection whose SYN-ACK is wanted; the caller's memory until tap_forget. */
struct tap_wait {
    struct tap_wait *next;
    struct endpoint remote;
    uint16_t local_port;
    bool waits, seen;
    uint8_t ttl;
    uint16_t window;
    char options[SYN_OPTIONS_SIZE / 2];
};
void tap_expect(struct tap *, struct tap_wait *); /* remote and local_port are set */
void tap_forget(struct tap *, struct tap_wait *); /* one that does not wait is accepted */
/* Reads what came; marks who was waiting for it. */
void tap_read(struct tap *);

/* An IP packet with a SYN-ACK: who sent it to which port of ours, and what it says. 0, -ERR_TRUNCATED, -ERR_MALFORMED. */
int tap_parse(struct span packet, struct endpoint *ret_remote, uint16_t *ret_local_port, struct syn *ret);
