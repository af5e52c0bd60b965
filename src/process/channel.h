/*
 * Messages between processes over SOCK_SEQPACKET: u16 number, then the body. A body of more than CHANNEL_BODY_MAX bytes is sent
 * as u16 number + a sealed memfd holding it; the receiver gets it as if it had come inline. Both ends check each message against messages.def.
 */
#pragma once

#include "base/span.h"

#include <uv.h>

enum message {
#define MESSAGE(number, name, from, to, least, most, fds, help) MESSAGE_##name = (number),
#include "process/messages.def"
#undef MESSAGE
};

enum party { PARTY_SUPERVISOR, PARTY_EDGE, PARTY_STORE, PARTY_ANALYSE, PARTY_CLIENT, PARTY_REACH };
/* WRITER stands for EDGE, CLIENT or REACH, ASKER for ANALYSE or CLIENT, ANY for every role. */

enum { CHANNEL_BODY_MAX = 60 * 1024, CHANNEL_FDS_MAX = 4 };

struct channel;

struct channel_events {
    /* One valid message. `body` and the descriptors are valid during the call; take a descriptor by setting its place to -1. */
    void (*message)(struct channel *, void *user, enum message, struct span body, int *fds, size_t fd_count);
    /* The peer went (0), or broke the rules or the socket failed (negative code). Called once; free the channel in it or later. */
    void (*closed)(struct channel *, void *user, int error);
    /* The socket takes messages again after channel_send returned -EAGAIN. May be NULL. */
    void (*writable)(struct channel *, void *user);
};

/* Takes over `fd`. `me` and `peer` say which messages may go which way. loop NULL: blocking use by channel_receive. */
int channel_new(struct channel **ret, uv_loop_t *loop, int fd, enum party me, enum party peer, const struct channel_events *, void *user);
void channel_free(struct channel *); /* closes; NULL accepted; allowed inside its events */

/*
 * Sends at once or not at all: 0, -EAGAIN (the peer's queue is full; events.writable follows), -ERR_CLOSED (the closed event comes by
 * the loop, not in this call), -ERR_LIMIT (body too long for the message). A message that `me` may not send to `peer` is a
 * programmer's mistake (assert). Descriptors are duplicated to the peer, not taken.
 */
int channel_send(struct channel *, enum message, struct span body, const int *fds, size_t fd_count);

/*
 * Blocking: waits up to timeout_msec (-1: for ever) for one message; events.message is called for it. Also returns, after
 * events.writable, when a send was refused with -EAGAIN and there is room again. 0, -ETIMEDOUT, -ERR_CLOSED, …; on an end
 * events.closed is called first.
 */
int channel_receive(struct channel *, int timeout_msec);

/* A connected SOCK_SEQPACKET pair for two channels: close-on-exec, non-blocking, with room for several large datagrams. */
int channel_pair(int ret_fds[static 2]);

const char *message_name(enum message);
/* May `from` send this number to `to` with that many bytes and descriptors? 0 or -ERR_DENIED, -ERR_UNKNOWN, -ERR_LIMIT, -ERR_TRUNCATED. */
int message_check(unsigned number, enum party from, enum party to, size_t body_len, size_t fd_count);
