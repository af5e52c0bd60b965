/*
 * Output: what a service says in one turn is gathered and sent by one system call. What the socket doesn't take, or what a delay holds
 * back, waits in the conversation's own queue; marks in it say from which byte on it may leave when.
 */
#include "observe/honeypot/conversation.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

static size_t queued(const struct conn *c)
{
    return c->queue.len - c->queue_gone;
}

void conn_say(struct conn *c, struct span bytes)
{
    struct converse *cv = c->owner;
    if (c->stage != STAGE_OPEN || c->broken || bytes.len == 0)
        return;
    uint64_t room = cv->config.limits.output_max - c->output_bytes;
    bool over = bytes.len > room;
    if (over)
        bytes.len = (size_t)room;
    c->output_bytes += bytes.len;
    c->said = true;
    struct buf *to = cv->talking == c && queued(c) == 0 && c->mark_count == 0 ? &cv->turn : &c->queue;
    buf_span(to, bytes);
    if (over)
        conn_hangup(c, REASON_OUTPUT);
    if (to->error == 0)
        return;
    /* Neither more memory nor a longer queue for who doesn't read. */
    c->reason = to->error == -ERR_LIMIT ? REASON_OUTPUT : REASON_MEMORY;
    c->broken = true;
}

size_t conn_unsent(const struct conn *c)
{
    return queued(c) + (c->owner->talking == c ? c->owner->turn.len : 0);
}

void conn_delay(struct conn *c, usec_t wait)
{
    if (wait <= 0 || c->stage != STAGE_OPEN)
        return;
    usec_t now = c->owner->now;
    struct buf *turn = c->owner->talking == c ? &c->owner->turn : NULL;
    struct buf late = {0};
    if (turn != NULL && turn->len > 0 && turn->len <= TOGETHER_MAX && wait <= TOGETHER && c->input_bytes > 0 && flow_empty(c)) {
        /* A short wait: the echo of a line and the prompt after it leave together at its end, in one packet, as they do on a slow device. A
         * packet costs more than all else here. Not what comes first: scanners look for the options in a packet of their own. */
        buf_span(&late, buf_as_span(turn));
        buf_clear(turn);
    } else if (turn != NULL) {
        flow_end(c);
        flow_begin(c);
    }
    c->hold = (c->hold > now ? c->hold : now) + (wait < DELAY_MAX ? wait : DELAY_MAX);
    uint64_t place = c->queue_start + c->queue.len;
    if (c->mark_count > 0) {
        struct mark *last = &c->marks[c->mark_first + c->mark_count - 1];
        if (last->place == place || c->mark_count >= MARKS_MAX) {
            last->when = c->hold;
            return; /* nothing is late: there was a mark */
        }
    }
    if (c->mark_first > 0) {
        memmove(c->marks, c->marks + c->mark_first, c->mark_count * sizeof *c->marks);
        c->mark_first = 0;
    }
    if (c->mark_count >= c->mark_size) {
        uint16_t size = c->mark_size == 0 ? 4 : (uint16_t)(c->mark_size * 2);
        struct mark *marks = reallocarray(c->marks, size, sizeof *marks);
        if (marks == NULL) {
            c->broken = true;
            c->reason = REASON_MEMORY;
            buf_done(&late);
            return;
        }
        c->marks = marks;
        c->mark_size = size;
    }
    c->marks[c->mark_count] = (struct mark){.place = place, .when = c->hold};
    c->mark_count++;
    buf_span(&c->queue, buf_as_span(&late));
    buf_done(&late);
}

/* Sends once; returns how many bytes left, and notes a full or failed socket. */
static size_t put(struct conn *c, struct span bytes)
{
    ssize_t sent;
    do {
        sent = send(c->fd, bytes.at, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0) {
        transcript_add(&c->transcript, c->owner->wall, TRANSCRIPT_SENT, span_part(bytes, 0, (size_t)sent));
        c->active = c->owner->now;
    } else if (errno != EAGAIN && errno != ENOBUFS) {
        c->broken = true;
        if (c->reason == REASON_NONE)
            c->reason = c->at_end ? REASON_PEER_CLOSED : REASON_PEER_RESET;
        return 0;
    }
    size_t left = sent >= 0 ? (size_t)sent : 0;
    if (left < bytes.len) {
        c->blocked = true;
        struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLOUT | EPOLLET, .data.ptr = c};
        /* Asked for again even when it was before: with EPOLLET that makes room gained in between an event. */
        if (epoll_ctl(c->owner->epoll_fd, EPOLL_CTL_MOD, c->fd, &event) != 0)
            c->broken = true;
        c->polls_out = true;
    }
    return left;
}

void flow_begin(struct conn *c)
{
    c->owner->talking = c;
    buf_clear(&c->owner->turn);
}

void flow_end(struct conn *c)
{
    struct converse *cv = c->owner;
    if (cv->talking != c)
        return;
    cv->talking = NULL;
    struct span said = buf_as_span(&cv->turn);
    if (said.len > 0 && !c->broken) {
        size_t left = c->blocked ? 0 : put(c, said);
        buf_span(&c->queue, span_part(said, left, said.len));
        if (c->queue.error != 0) {
            c->broken = true;
            c->reason = REASON_OUTPUT;
        }
    } else {
        c->output_bytes -= said.len; /* none of it leaves */
    }
    buf_clear(&cv->turn);
    if (cv->turn.size > QUEUE_HIGH * 4)
        buf_done(&cv->turn);
}

static void queue_shorten(struct conn *c)
{
    if (c->queue_gone == c->queue.len) {
        c->queue_start += c->queue.len;
        c->queue_gone = 0;
        buf_done(&c->queue);
    } else if (c->queue_gone > QUEUE_HIGH && c->queue_gone > c->queue.len / 2) {
        c->queue_start += c->queue_gone;
        buf_consume(&c->queue, c->queue_gone);
        c->queue_gone = 0;
    }
}

void flow_flush(struct conn *c)
{
    while (!c->blocked && !c->broken) {
        while (c->mark_count > 0 && c->marks[c->mark_first].when <= c->owner->now) {
            c->mark_first++;
            c->mark_count--;
        }
        if (c->mark_count == 0 && c->marks != NULL) {
            free(c->marks);
            c->marks = NULL;
            c->mark_first = c->mark_size = 0;
        }
        size_t limit = c->queue.len;
        if (c->mark_count > 0)
            limit = (size_t)(c->marks[c->mark_first].place - c->queue_start);
        if (c->queue_gone >= limit)
            break;
        c->queue_gone += put(c, span_part(buf_as_span(&c->queue), c->queue_gone, limit - c->queue_gone));
    }
    if (c->queue_gone > 0)
        queue_shorten(c);
}

bool flow_empty(const struct conn *c)
{
    return queued(c) == 0 && c->mark_count == 0;
}

bool flow_held(const struct conn *c)
{
    return c->hold > c->owner->now || queued(c) > QUEUE_HIGH;
}

usec_t flow_due(const struct conn *c)
{
    return c->mark_count > 0 && !c->blocked ? c->marks[c->mark_first].when : 0;
}

void flow_free(struct conn *c)
{
    buf_done(&c->queue);
    c->queue_gone = 0;
    free(c->marks);
    c->marks = NULL;
    c->mark_count = c->mark_first = c->mark_size = 0;
}
