/* One conversation: from the accepted socket to its closing record. */
#include "observe/honeypot/conversation.h"
#include "base/hash.h"
#include "observe/honeypot/profile.h"
#include "observe/honeypot/proxy.h"
#include "observe/honeypot/syn.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

void *conn_state(struct conn *c)
{
    return c->state;
}

struct arena *conn_arena(struct conn *c)
{
    return &c->arena;
}

const struct profile *conn_profile(struct conn *c)
{
    return c->profile;
}

struct endpoint conn_source(const struct conn *c)
{
    return c->source;
}

struct endpoint conn_destination(const struct conn *c)
{
    return c->destination;
}

usec_t conn_now(const struct conn *c)
{
    return c->owner->wall;
}

uint64_t conn_seed(const struct conn *c)
{
    return hash_seeded(0, span_of(c->source.addr.bytes, sizeof c->source.addr.bytes));
}

void conn_wake(struct conn *c, usec_t after)
{
    c->wake = after > 0 ? c->owner->now + after : 0;
}

bool conn_ending(const struct conn *c)
{
    return c->stage != STAGE_OPEN || c->broken;
}

void conn_hangup(struct conn *c, enum reason reason)
{
    if (c->stage != STAGE_OPEN)
        return;
    c->stage = STAGE_ENDING;
    if (c->reason == REASON_NONE) /* what broke it came first */
        c->reason = (uint8_t)reason;
}

void conn_fact(struct conn *c, enum kind kind, const struct fact *facts, size_t count)
{
    struct fact all[RECORD_FACTS_MAX];
    bool named = !kind_has(kind, FACT_NETWORK_PROTOCOL);
    assert(count < RECORD_FACTS_MAX);
    for (size_t i = 0; i < count; i++) {
        all[i] = facts[i];
        named = named || facts[i].name == FACT_NETWORK_PROTOCOL;
    }
    if (!named) {
        all[count] = fact_text(FACT_NETWORK_PROTOCOL, span_text(c->listener->is.service->name));
        count++;
    }
    const struct record record = {.kind = kind,
                                  .transport = TRANSPORT_TCP,
                                  .source = c->source,
                                  .destination = c->destination,
                                  .session = c->session,
                                  .facts = all,
                                  .fact_count = count};
    (void)converse_append(c->owner, &record);
}

/* Room for one more. Few are kept while the conversation lasts, so the array begins small. */
static bool sums_grow(struct conn *c)
{
    bool full = (c->sum_count & (c->sum_count - 1)) == 0; /* it doubles at 0, 1, 2, 4 … */
    assert(c->sum_count < SUMS_MAX);
    if (full) {
        struct fact *sums = arena_alloc(&c->arena, (c->sum_count > 0 ? c->sum_count * 2U : 1U) * sizeof *sums);
        if (sums == NULL)
            return false;
        if (c->sum_count > 0)
            memcpy(sums, c->sums, c->sum_count * sizeof *sums);
        c->sums = sums;
    }
    c->sum_count++;
    return true;
}

void conn_sum(struct conn *c, struct fact fact)
{
    const struct fact_info *info = fact_info(fact.name);
    assert(info != NULL && kind_has(KIND_SESSION, fact.name));
    if (fact.name == FACT_LOGGED_IN)
        c->logged_in = fact.number != 0;
    if (info->type == FACT_TYPE_TEXT || info->type == FACT_TYPE_BYTES) {
        const char *copy = arena_copy(&c->arena, fact.text);
        if (copy == NULL)
            return;
        fact.text = span_of(copy, fact.text.len);
    }
    size_t at = 0;
    while (at < c->sum_count && c->sums[at].name != fact.name)
        at++;
    if (at == c->sum_count && !sums_grow(c))
        return;
    c->sums[at] = fact;
}

static void count_one(uint64_t *counter)
{
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
}

static size_t syn_facts(const struct conn *c, struct syn *syn, struct fact *facts)
{
    uint8_t packet[256];
    socklen_t len = sizeof packet;
    if (getsockopt(c->fd, IPPROTO_TCP, TCP_SAVED_SYN, packet, &len) != 0 || len == 0 || syn_parse(span_of(packet, len), syn) != 0)
        return 0;
    size_t n = 0;
    facts[n++] = fact_int(FACT_SYN_TTL, syn->ttl);
    facts[n++] = fact_int(FACT_SYN_WINDOW, syn->window);
    facts[n++] = fact_int(FACT_SYN_LENGTH, syn->length);
    if (syn->has_mss)
        facts[n++] = fact_int(FACT_SYN_MSS, syn->mss);
    if (syn->has_scale)
        facts[n++] = fact_int(FACT_SYN_SCALE, syn->scale);
    facts[n++] = fact_text(FACT_SYN_OPTIONS, span_text(syn->options));
    return n;
}

static void state_connection(struct conn *c)
{
    struct fact facts[12];
    struct syn syn;
    size_t n = 0;
    facts[n++] = fact_text(FACT_NETWORK_PROTOCOL, span_text(c->listener->is.service->name));
    facts[n++] = fact_text(FACT_PROFILE, c->profile->name);
    if (c->relayed) {
        facts[n++] = fact_addr(FACT_RELAY_IP, c->relay.addr);
        facts[n++] = fact_int(FACT_RELAY_PORT, c->relay.port);
    } else {
        n += syn_facts(c, &syn, facts + n); /* a relay's SYN says nothing of who is behind it */
    }
    const struct record record = {.id = c->session,
                                  .kind = KIND_CONNECTION,
                                  .transport = TRANSPORT_TCP,
                                  .source = c->source,
                                  .destination = c->destination,
                                  .session = c->session,
                                  .facts = facts,
                                  .fact_count = n};
    (void)converse_append(c->owner, &record);
}

static void state_session(struct conn *c)
{
    struct fact facts[12 + SUMS_MAX];
    uint64_t unsent = conn_unsent(c);
    size_t n = 0;
    facts[n++] = fact_text(FACT_EVENT_REASON, span_text(reason_text((enum reason)c->reason)));
    facts[n++] = fact_int(FACT_EVENT_DURATION, (c->owner->now - c->opened) * 1000);
    facts[n++] = fact_text(FACT_NETWORK_PROTOCOL, span_text(c->listener->is.service->name));
    facts[n++] = fact_text(FACT_PROFILE, c->profile->name);
    facts[n++] = fact_text(FACT_ARCHITECTURE, span_text(machine_info(c->profile->machine)->name));
    facts[n++] = fact_int(FACT_SOURCE_BYTES, (int64_t)c->input_bytes);
    facts[n++] = fact_int(FACT_DESTINATION_BYTES, (int64_t)(c->output_bytes - unsent));
    if (c->transcript.bytes.len > 0)
        facts[n++] = fact_text(FACT_TRANSCRIPT, buf_as_span(&c->transcript.bytes));
    if (c->transcript.cut > 0)
        facts[n++] = fact_int(FACT_TRANSCRIPT_CUT, (int64_t)c->transcript.cut);
    for (size_t i = 0; i < c->sum_count; i++)
        facts[n++] = c->sums[i];
    const struct record record = {.kind = KIND_SESSION,
                                  .transport = TRANSPORT_TCP,
                                  .source = c->source,
                                  .destination = c->destination,
                                  .session = c->session,
                                  .facts = facts,
                                  .fact_count = n};
    /* A conversation whose closing record found no room counts as cut: accepted = ended + cut + open stays true. */
    count_one(converse_append(c->owner, &record) ? &c->owner->counters->ended : &c->owner->counters->cut);
}

/* The service's end and the closing record; the socket stays. */
static void finish(struct conn *c)
{
    c->stage = STAGE_LINGER;
    if (!c->opened_service)
        return;
    c->listener->is.service->close(c);
    state_session(c);
    flow_free(c);
    buf_done(&c->transcript.bytes);
    arena_done(&c->arena);
    c->sums = NULL;
    c->sum_count = 0;
}

void conn_end(struct conn *c, enum reason reason)
{
    if (c->reason == REASON_NONE)
        c->reason = (uint8_t)reason;
    if (c->stage != STAGE_LINGER)
        finish(c);
    converse_gone(c);
}

static usec_t earlier(usec_t a, usec_t b)
{
    return b != 0 && (a == 0 || b < a) ? b : a;
}

static void schedule(struct conn *c)
{
    const struct converse_limits *limits = &c->owner->config.limits;
    usec_t due;
    if (c->stage == STAGE_HEADER) {
        due = c->opened + HEADER_TIMEOUT;
    } else if (c->stage == STAGE_LINGER) {
        due = c->active + LINGER_TIMEOUT;
    } else {
        due = earlier(c->opened + limits->session_timeout, c->active + limits->idle_timeout);
        if (!c->logged_in)
            due = earlier(due, c->opened + limits->login_timeout);
        due = earlier(due, c->wake);
        due = earlier(due, flow_due(c));
        if (c->hold > c->owner->now && c->readable)
            due = earlier(due, c->hold);
    }
    if (c->again)
        due = c->owner->now;
    if (alarm_set_lazily(&c->owner->deadlines, &c->alarm, due) != 0)
        c->broken = true;
}

/* After every turn: sends, lets a long answer go on, and sees whether it is over. */
static void settle(struct conn *c)
{
    const struct service *service = c->listener->is.service;
    for (unsigned turn = 0; c->stage != STAGE_HEADER; turn++) {
        flow_flush(c);
        if (c->stage != STAGE_OPEN || c->broken || !c->said || !flow_empty(c) || service->more == NULL)
            break;
        if (turn == MORE_PER_TURN) {
            c->again = true;
            break;
        }
        c->said = false;
        flow_begin(c);
        service->more(c);
        flow_end(c);
    }
    if (c->broken || (c->hung && c->at_end && c->stage != STAGE_HEADER)) {
        conn_end(c, c->at_end ? REASON_PEER_CLOSED : REASON_PEER_RESET);
    } else if (c->stage == STAGE_ENDING && flow_empty(c)) {
        finish(c);
        c->active = c->owner->now;
        if (c->at_end || c->peer_done || shutdown(c->fd, SHUT_WR) != 0)
            converse_gone(c);
        else
            schedule(c);
    } else if (c->stage == STAGE_OPEN && c->at_end && !c->again && c->wake == 0 && flow_empty(c)) {
        conn_end(c, REASON_PEER_CLOSED);
    } else {
        c->again = c->again || (c->readable && c->stage == STAGE_OPEN && !flow_held(c));
        schedule(c);
    }
}

static void open_service(struct conn *c)
{
    struct converse *cv = c->owner;
    c->stage = STAGE_OPEN;
    c->profile = c->listener->is.pick(c->listener->is.user, c->source, c->destination);
    c->opened = c->active = cv->now;
    c->session = id_new(cv->wall);
    arena_init(&c->arena, cv->config.limits.memory);
    buf_init(&c->queue, QUEUE_MAX);
    buf_init(&c->transcript.bytes, cv->config.limits.transcript_max);
    c->transcript.last = cv->wall;
    count_one(&cv->counters->accepted);
    state_connection(c);
    c->opened_service = true;
    flow_begin(c);
    c->listener->is.service->open(c);
    flow_end(c);
}

static void give(struct conn *c, struct span bytes)
{
    const struct converse_limits *limits = &c->owner->config.limits;
    if (bytes.len == 0)
        return;
    c->input_bytes += bytes.len;
    transcript_add(&c->transcript, c->owner->wall, TRANSCRIPT_RECEIVED, bytes);
    if (c->input_bytes > limits->input_max) {
        conn_hangup(c, REASON_INPUT);
        return;
    }
    flow_begin(c);
    c->listener->is.service->input(c, bytes);
    flow_end(c);
}

/* Where no relay is expected a header is somebody trying to speak for another: true when it was one. */
static bool unexpected_header(struct conn *c, struct span bytes)
{
    if (c->looked_at >= sizeof c->look || c->listener->is.relay_count > 0)
        return false;
    struct span part = span_part(bytes, 0, sizeof c->look - c->looked_at);
    memcpy(c->look + c->looked_at, part.at, part.len);
    c->looked_at = (uint8_t)(c->looked_at + part.len);
    int r = proxy_signature(span_of(c->look, c->looked_at));
    if (r == 0)
        c->looked_at = sizeof c->look;
    if (r != 1)
        return false;
    c->input_bytes += bytes.len;
    transcript_add(&c->transcript, c->owner->wall, TRANSCRIPT_RECEIVED, bytes);
    refuse(c->owner, c->listener, c->source.addr, REFUSAL_PROXY_UNEXPECTED);
    conn_hangup(c, REASON_PROXY_UNEXPECTED);
    return true;
}

static void refuse_header(struct conn *c, enum refusal why)
{
    refuse(c->owner, c->listener, c->source.addr, why);
    c->reason = (uint8_t)refusal_reason(why);
    c->broken = true;
}

static void header_input(struct conn *c, struct span bytes)
{
    struct proxy_header header;
    c->queue.max = PROXY_V2_MAX + INPUT_SIZE;
    buf_span(&c->queue, bytes);
    int r = c->queue.error != 0 ? -ERR_MALFORMED : proxy_parse(buf_as_span(&c->queue), &header);
    if (r == -ERR_TRUNCATED)
        return;
    if (r != 0) {
        refuse_header(c, r == -ERR_NOT_FOUND ? REFUSAL_PROXY_MISSING : REFUSAL_PROXY_BAD);
        return;
    }
    c->relayed = true;
    c->relay = c->source;
    if (header.has_source) {
        c->source = header.source;
        c->destination = header.destination;
    }
    enum refusal why;
    c->peer = peers_take(&c->owner->peers, c->source.addr, c->owner->config.limits.per_peer, &why);
    if (c->peer == NULL) {
        refuse_header(c, why);
        return;
    }
    struct buf came = c->queue;
    c->queue = (struct buf){0};
    open_service(c);
    if (c->stage == STAGE_OPEN && !c->broken)
        give(c, span_part(buf_as_span(&came), header.len, came.len));
    buf_done(&came);
}

static void discard(struct conn *c)
{
    for (unsigned i = 0; i < READS_PER_TURN; i++) {
        ssize_t got = recv(c->fd, c->owner->input, INPUT_SIZE, MSG_DONTWAIT);
        if (got > 0)
            continue;
        if (got == 0 || (errno != EAGAIN && errno != EINTR))
            converse_gone(c);
        return;
    }
    c->again = true;
    schedule(c);
}

static void read_some(struct conn *c)
{
    for (unsigned i = 0; c->readable && i < READS_PER_TURN; i++) {
        if (c->stage > STAGE_OPEN || c->broken || (!c->hung && flow_held(c)))
            return;
        ssize_t got = recv(c->fd, c->owner->input, INPUT_SIZE, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno != EAGAIN) {
            c->broken = true;
            return;
        }
        /* A short read emptied the socket: the next byte makes an event. A FIN that came with it has made its own already. */
        if (got < INPUT_SIZE && !c->peer_done)
            c->readable = false;
        if (got <= 0) {
            c->readable = false;
            c->at_end = c->at_end || got == 0;
            break;
        }
        c->active = c->owner->now;
        struct span bytes = span_of(c->owner->input, (size_t)got);
        if (c->stage == STAGE_HEADER)
            header_input(c, bytes);
        else if (!unexpected_header(c, bytes))
            give(c, bytes);
    }
    c->again = c->readable && c->stage <= STAGE_OPEN && !flow_held(c);
}

/* A relay that left before its header was whole. */
static void header_missing(struct conn *c)
{
    if (c->stage == STAGE_HEADER && (c->at_end || c->broken) && c->reason == REASON_NONE)
        refuse_header(c, REFUSAL_PROXY_MISSING);
}

/* What the service put off comes before new input. */
static void wake_up(struct conn *c)
{
    if (c->wake == 0 || c->wake > c->owner->now || c->stage != STAGE_OPEN)
        return;
    c->wake = 0;
    flow_begin(c);
    c->listener->is.service->idle(c);
    flow_end(c);
}

void conn_event(struct conn *c, uint32_t events)
{
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        c->readable = true;
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        c->peer_done = true;
    if ((events & (EPOLLHUP | EPOLLERR)) != 0)
        c->hung = true;
    if ((events & EPOLLOUT) != 0)
        c->blocked = false;
    if (c->stage == STAGE_LINGER) {
        discard(c);
        return;
    }
    wake_up(c);
    if (c->stage != STAGE_HEADER)
        flow_flush(c);
    read_some(c);
    header_missing(c);
    settle(c);
}

/* The time-out that has come, or REASON_NONE. */
static enum reason timed_out(const struct conn *c)
{
    const struct converse_limits *limits = &c->owner->config.limits;
    usec_t now = c->owner->now;
    if (now >= c->opened + limits->session_timeout)
        return REASON_TOO_LONG;
    if (!c->logged_in && now >= c->opened + limits->login_timeout)
        return REASON_LOGIN_TIMEOUT;
    return now >= c->active + limits->idle_timeout ? REASON_IDLE : REASON_NONE;
}

void conn_rings(struct alarm *alarm)
{
    struct conn *c = ALARM_OF(alarm, struct conn, alarm);
    usec_t now = c->owner->now;
    bool again = c->again;
    c->again = false;
    if (c->stage == STAGE_LINGER) {
        if (now >= c->active + LINGER_TIMEOUT)
            converse_gone(c);
        else if (again)
            discard(c);
        else
            schedule(c);
        return;
    }
    if (c->stage == STAGE_HEADER) {
        if (now >= c->opened + HEADER_TIMEOUT)
            refuse_header(c, REFUSAL_PROXY_MISSING);
        settle(c);
        return;
    }
    enum reason why = timed_out(c);
    if (why != REASON_NONE) {
        conn_end(c, why);
        return;
    }
    wake_up(c);
    flow_flush(c);
    read_some(c);
    settle(c);
}

int conn_start(struct converse *cv, struct listener *listener, int fd, struct peer *peer, struct endpoint source, struct endpoint destination)
{
    struct conn *c = calloc(1, sizeof *c + listener->is.service->state_size);
    if (c == NULL)
        return -ENOMEM;
    c->watched = WATCHED_CONN;
    c->fd = fd;
    c->owner = cv;
    c->alarm.ring = conn_rings;
    c->listener = listener;
    c->peer = peer;
    c->source = source;
    c->destination = destination;
    c->opened = c->active = cv->now;
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = c};
    if (epoll_ctl(cv->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        int r = -errno;
        free(c);
        return r;
    }
    c->next = cv->conns;
    if (c->next != NULL)
        c->next->previous = c;
    cv->conns = c;
    cv->open++;
    listener->open++;
    if (listener->is.relay_count > 0)
        c->stage = STAGE_HEADER;
    else
        open_service(c);
    settle(c);
    return 0;
}
