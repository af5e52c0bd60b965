/* What the files of this folder share. */
#pragma once

#include "base/alarm.h"
#include "outside/dial.h"
#include "outside/dns.h"
#include "probe/order.h"
#include "process/channel.h"
#include "reach/reach.h"
#include "reach/seek.h"
#include "reach/tap.h"
#include "reach/tls.h"

enum {
    TALK_SAID_MAX = 4096,
    TALK_STATE_INLINE = 256,      /* bytes of a probe's state that need no memory of their own */
    TALK_ARENA_MAX = 1024 * 1024, /* a talk's facts and what a probe keeps */
    TALK_KEEP = 4096,             /* a buffer up to this size stays with its talk for the next one */
    DISCARD_MAX = 256 * 1024,     /* read and thrown away while we wait for the host's FIN */
    HELD_MAX = 192 * 1024 * 1024, /* bytes heard by all talks together */
    JOURNAL_SPARE = 1024 * 1024,  /* no connection is asked for while the journal has less room */
    VISIT_PORTS_MAX = ORDER_PORTS_MAX * 2,
    VISITS_LEAST = 256
};
#define PAUSE (10 * USEC_PER_MSEC)     /* nothing is asked for so long when the rate of all is used up */
#define AGAIN_WAIT (60 * USEC_PER_SEC) /* a second connection that policy puts off for longer is given up */
#define LINGER (1 * USEC_PER_SEC)      /* how long the host's FIN is waited for */

struct visit_port {
    const struct probe *probe;
    uint16_t port;
    bool asked; /* a DIAL record was written, of whatever outcome */
};

enum stage {
    STAGE_READY,  /* in the ready queue */
    STAGE_LATER,  /* policy said when */
    STAGE_INTENT, /* the DIAL record is on its way to the store */
    STAGE_TALK,
    STAGE_BEHIND, /* another visit to this address goes first */
    STAGE_NAME,   /* all is done, but the name of the host may still come */
    STAGE_FULL    /* its last record waits for room in the journal */
};

struct visit {
    struct reach *reach;
    struct alarm alarm;
    enum stage stage;
    struct visit *next;        /* in the queue of its stage */
    struct visit *behind;      /* the next visit to this address */
    struct visit *bucket_next; /* in the table of addresses */
    struct addr addr;
    uint32_t asn;
    uint8_t flags;
    bool over, again; /* all ports are done; (again:) this lease goes on where an earlier one stopped */
    enum denial why;  /* the last refusal */
    struct id session;
    usec_t began;    /* monotonic */
    usec_t asked;    /* wall clock, of dial_ask */
    uint64_t intent; /* sequence number of the DIAL record */
    uint16_t at, port_count, dialled, answered;
    struct talk *talk;
    struct dns_question question;
    bool name_asked;
    char *name;             /* of the host, told by the resolver; NULL: none */
    struct span key, cause; /* behind the ports */
    struct visit_port ports[];
};

enum talk_stage { TALK_FREE, TALK_CONNECTING, TALK_HANDSHAKE, TALK_OPEN, TALK_CLOSING, TALK_BETWEEN };

struct talk {
    struct reach *reach;
    struct visit *visit;
    const struct probe *probe;
    struct talk *next; /* in the pool */
    int fd;
    enum talk_stage stage;
    enum ending ending;
    bool over, in_end, again, peer_closed, memory_short;
    unsigned round;
    struct endpoint target, local;
    usec_t began, deadline, wake_after, wake_at; /* monotonic; wake_at 0: none */
    usec_t connected;
    uint64_t bytes_in, bytes_out, cut;
    size_t said, discarded, raw; /* of this round */
    struct buf heard, first;     /* of this round; of round 0 when there is a second */
    struct buf out;
    struct arena arena;
    struct fact *facts; /* RECORD_FACTS_MAX, in the arena, made with the first */
    size_t fact_count;
    void *state, *kept; /* kept: for the second connection */
    struct tls *tls;
    struct tap_wait wait;
    bool has_ttl; /* of a datagram */
    uint8_t ttl;
    max_align_t inline_state[TALK_STATE_INLINE / sizeof(max_align_t)];
};

struct queue {
    struct visit *first, *last;
};

struct reach {
    struct reach_config config;
    struct span sensor, agent;
    struct buf agent_text;
    struct dial *dial;
    struct channel *store;
    struct tap *tap;
    struct dns *dns;   /* NULL: no names are asked for */
    struct seek *seek; /* NULL: no quests */
    struct tls_context *tls;
    usec_t now, wall; /* of this turn */
    /* settings */
    usec_t connect_timeout, deadline, quiet, first_byte, interval, age_max;
    size_t answer_max, in_flight, capacity;
    bool ics;
    struct order_port *ports, *ics_ports;
    size_t port_count, ics_port_count;
    /* work */
    struct queue ready, intents, full;
    struct visit **table; /* by address, chained */
    size_t table_mask, visits;
    size_t open;                  /* connections: intents, talks */
    size_t wanted, wanted_quests; /* leases that were asked for and have not come */
    size_t held;                  /* bytes */
    struct reach_state counts;
    bool spent_known, lists_known, stopping, stopped;
    usec_t stop_by, pause_until;
    struct talk *pool;
    /* the loop */
    int epoll_fd;
    uint8_t *input;
    uv_poll_t poll;
    uv_timer_t timer, push_timer;
    uv_prepare_t prepare;
    unsigned handles;
    usec_t armed;
    uint64_t pushed;
    bool push_soon;
    struct alarms deadlines;
};

/* loop.c */
void reach_clock(struct reach *);

/* deadline.c, which also turns the resolver's deadlines: one heap and one timer for all; a deadline that moved back is found out when it comes due */
int visit_deadline_set(struct visit *, usec_t due); /* -ENOMEM */
void visit_deadline_drop(struct visit *);
void visit_deadline_run(struct reach *);
void visit_deadline_arm(struct reach *);
void visit_deadline_now(struct reach *); /* the loop does not sleep: there is more to do */

/* lease.c */
int lease_take(struct reach *, struct span body); /* of a visit or a quest; -ERR_… for what can't be one */
int spent_take(struct reach *, struct span body);
/* Is it too late for a visit, or too soon after the last? NONE: neither. */
enum denial lease_look(const struct visit *);

/* visit.c */
void queue_put(struct queue *, struct visit *);
struct visit *queue_take(struct queue *);
struct visit *visit_find(const struct reach *, struct addr);
void visit_put(struct visit *);   /* into the table, and the ready queue when no other of its address goes first */
bool visits_pump(struct reach *); /* asks for as many connections as may be; true: it was long enough, there is more */
void visits_acknowledged(struct reach *);
void visits_stop(struct reach *);
void visits_listed(struct reach *);
void visit_rings(struct alarm *);
void visit_ready(struct visit *);
struct dial_request visit_request(const struct visit *);
/* The talk of a visit has ended with `ending` in all its connections, or was never opened (talk NULL, `why` says it when policy did). */
void visit_answered(struct visit *);
void visit_ask_name(struct visit *); /* once; of a host that was connected to */
void visit_named(void *reach, struct dns_question *, const struct dns_answer *);
void visits_free(struct reach *);

/* say.c: records. false: no room in the journal, nothing was appended */
bool say_dial(struct visit *, bool allowed, enum denial why);
bool say_answer(struct visit *, const struct talk *);
bool say_visit(struct visit *);

/* driver.c */
int talk_new(struct visit *, struct talk **ret);
void talk_open(struct talk *);
void talk_event(struct talk *, uint32_t events);
void talk_due(struct talk *);
void talk_stop(struct talk *, enum ending); /* at once, without waiting for the host */
void talk_over(struct talk *);              /* the second connection is not to be: what the first learned is all */
void talk_release(struct talk *);
void talks_free(struct reach *);
/* talk.c */
void talk_finish(struct talk *, enum ending); /* the first ending holds */
