/* What converse.c, conversation.c, deadline.c and refuse.c share. Not for services. */
#pragma once

#include "base/alarm.h"
#include "observe/honeypot/converse.h"
#include "record/transcript.h"

enum {
    INPUT_SIZE = 64 * 1024,      /* the loop's one read buffer */
    READS_PER_TURN = 8,          /* then others have their turn */
    QUEUE_HIGH = 64 * 1024,      /* unsent bytes above which input is not read */
    QUEUE_MAX = 2 * 1024 * 1024, /* unsent bytes above which the conversation ends */
    MORE_PER_TURN = 32,
    MARKS_MAX = 1024,
    SUMS_MAX = 16,
    ACCEPTS_PER_TURN = 256,
    TOGETHER_MAX = 256 /* bytes that may wait for what follows a short delay */
};
#define HEADER_TIMEOUT (10 * USEC_PER_SEC)
#define LINGER_TIMEOUT (2 * USEC_PER_SEC)
#define DELAY_MAX (60 * USEC_PER_SEC)
#define TOGETHER (50 * USEC_PER_MSEC) /* a delay short enough for what was said before it to wait, too */

/* First member of what the epoll descriptor points at. */
enum watched { WATCHED_LISTENER, WATCHED_CONN };

struct listener {
    enum watched watched;
    int fd;
    bool wildcard; /* the local address differs per connection */
    struct converse_listener is;
    struct endpoint local;
    uint32_t open;
    struct listener *next;
};

/* How many connections one address (IPv6: one /64) holds. */
struct peer {
    struct addr addr;
    uint32_t open;
    struct peer *next;
};

struct peers {
    struct peer **buckets;
    size_t size, count; /* size is a power of 2 */
    uint64_t seed;
};

/* What is queued from `place` on (counted over the conversation) leaves at `when`. */
struct mark {
    uint64_t place;
    usec_t when;
};

enum stage { STAGE_HEADER, STAGE_OPEN, STAGE_ENDING, STAGE_LINGER };

struct conn {
    enum watched watched;
    int fd;
    struct converse *owner;
    struct listener *listener;
    struct peer *peer;
    struct conn *next, *previous;
    const struct profile *profile;
    struct arena arena;
    struct transcript transcript;
    struct buf queue; /* unsent output; before that a PROXY header's bytes */
    size_t queue_gone;
    uint64_t queue_start; /* bytes that left the queue before queue.data[0] */
    struct mark *marks;
    struct fact *sums;
    struct endpoint source, destination, relay;
    struct id session;
    usec_t opened, active, wake, hold; /* monotonic; 0: none */
    uint64_t input_bytes, output_bytes;
    struct alarm alarm;
    uint16_t mark_first, mark_count, mark_size;
    uint8_t sum_count;
    uint8_t stage;
    uint8_t reason;
    uint8_t looked_at;   /* first bytes of the stream that could still be a PROXY header's signature */
    uint8_t look[13];    /* … and those bytes */
    bool relayed;        /* source, destination are a relay's word */
    bool opened_service; /* open was called: close must be */
    bool logged_in;
    bool readable, blocked, peer_done, at_end; /* may be read; the socket is full; FIN or RST came; its end was read */
    bool hung;                                 /* both ways are shut */
    bool polls_out;                            /* EPOLLOUT is asked for */
    bool said;                                 /* since `more` was called */
    bool again;                                /* wants another turn at once */
    bool broken;                               /* the socket failed, or a limit was hit: no output any more */
    _Alignas(16) uint8_t state[];
};

enum { REFUSALS_SIZE = 2048 };

struct refusals {
    struct refused {
        const struct listener *listener; /* NULL: free */
        struct addr source;
        enum refusal refusal;
        uint32_t count;
    } * table;
    size_t count;
    usec_t flush_at; /* monotonic; 0: nothing is in it */
};

struct converse {
    uv_loop_t *loop;
    uv_poll_t poll;
    uv_timer_t timer;
    int epoll_fd, reserve_fd;
    unsigned handles; /* open libuv handles: freed with the last */
    usec_t armed;     /* the timer's time, 0: not armed */
    struct journal *journal;
    struct journal_counters *counters;
    struct converse_config config;
    struct listener *listeners;
    struct conn *conns;
    size_t open;
    struct peers peers;
    struct alarms deadlines;
    struct refusals refusals;
    usec_t wall, now;     /* of this turn: wall clock, monotonic */
    struct conn *talking; /* whose output goes to `turn` */
    struct buf turn;
    bool draining;
    uint8_t *input;
};

/* conversation.c */
int conn_start(struct converse *, struct listener *, int fd, struct peer *, struct endpoint source, struct endpoint destination);
void conn_event(struct conn *, uint32_t events);
void conn_rings(struct alarm *);
void conn_end(struct conn *, enum reason); /* now, without sending what waits */

/* flow.c: bytes out, in order and in time */
void flow_begin(struct conn *); /* output of this turn is gathered … */
void flow_end(struct conn *);   /* … and sent at once */
void flow_flush(struct conn *); /* sends what is due */
bool flow_empty(const struct conn *);
bool flow_held(const struct conn *); /* a delay is running or the peer reads slowly: input waits */
usec_t flow_due(const struct conn *);
void flow_free(struct conn *);

/* deadline.c */
void deadline_arm(struct converse *); /* the timer for the first of all */
void deadline_run(struct converse *);

/* refuse.c */
int peers_init(struct peers *);
void peers_done(struct peers *);
/* The peer's entry with one more open, or NULL and the refusal. */
struct peer *peers_take(struct peers *, struct addr, uint32_t most, enum refusal *ret_why);
void peers_give(struct peers *, struct peer *);
void refuse(struct converse *, const struct listener *, struct addr source, enum refusal);
void refusals_flush(struct converse *);

void converse_clock(struct converse *);
bool converse_append(struct converse *, const struct record *);
void converse_gone(struct conn *); /* takes it off every list and frees it */
