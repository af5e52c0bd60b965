/* Questions that go out: WHOIS over TCP (RFC 3912: the query, a line break, all until the server closes), and GET by outside/fetch.h. */
#include "reach/seek_parts.h"

#include "base/err.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { INPUT_SIZE = 64 * 1024, READS_MAX = 16 };

void question_close(struct question *q)
{
    if (q->fetch != NULL)
        fetch_drop(q->fetch);
    q->fetch = NULL;
    if (q->fd >= 0)
        (void)close(q->fd);
    q->fd = -1;
}

/* No connection: the server's next address, if there is one, is for the next question. */
static void unreachable(struct question *q)
{
    if (q->server->addr_count > 1)
        q->server->addr_at++;
    question_over(q, OUTCOME_FAILED, NULL);
}

static void open_whois(struct question *q)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = q};
    buf_clear(&q->line);
    buf_span(&q->line, q->query);
    buf_text(&q->line, "\r\n");
    q->bytes.max = WHOIS_REPLY_MAX + 1;
    if (q->line.error != 0 || epoll_ctl(q->seek->epoll_fd, EPOLL_CTL_ADD, q->fd, &event) != 0 ||
        alarm_set(&q->seek->alarms, &q->alarm, q->seek->now + q->seek->timeout) != 0)
        question_over(q, OUTCOME_FAILED, NULL);
}

static void open_fetch(struct question *q)
{
    struct fetch_request request = {.url = q->url,
                                    .to = q->request.to,
                                    .fd = q->fd,
                                    .verify = q->verify,
                                    .accept = q->strict ? "application/rdap+json, application/json" : NULL,
                                    .limits = fetch_limits_usual,
                                    .user = q};
    if (request.limits.total > q->seek->timeout)
        request.limits.total = q->seek->timeout;
    q->fd = -1; /* fetch's now */
    q->status = 0;
    buf_clear(&q->bytes);
    if (fetch_start(q->seek->fetch, &request, &q->fetch) != 0) {
        q->fetch = NULL;
        question_over(q, OUTCOME_FAILED, NULL);
    }
}

/* Its DIAL record is committed. */
void question_open(struct question *q)
{
    struct seek *s = q->seek;
    enum denial why = DENIAL_NONE;
    q->stage = QUESTION_OPEN;
    q->sent = 0;
    int e = dial_open(s->config.dial, &q->request, s->wall, &q->fd, &why);
    if (e == -ERR_DENIED) {
        q->fd = -1;
        dial_give_back(s->config.dial, &q->request, q->asked);
        question_over(q, OUTCOME_DENIED, denial_text(why));
    } else if (e != 0) {
        q->fd = -1;
        unreachable(q);
    } else if (q->kind == QUESTION_WHOIS) {
        open_whois(q);
    } else {
        open_fetch(q);
    }
}

/* ---- WHOIS ---- */

/* false: it is over */
static bool send_line(struct question *q)
{
    while (q->sent < q->line.len) {
        ssize_t sent = send(q->fd, q->line.data + q->sent, q->line.len - q->sent, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == ENOTCONN))
            return true;
        if (sent < 0 && q->sent == 0) {
            unreachable(q);
            return false;
        }
        if (sent < 0)
            return true; /* it may have answered all the same */
        q->sent += (size_t)sent;
        q->connected = true;
    }
    return true;
}

/* What came is all there is to come. */
static void replied(struct question *q, bool whole)
{
    bool cut = q->bytes.len > WHOIS_REPLY_MAX || q->bytes.error != 0;
    if (cut)
        q->bytes.len = q->bytes.len < WHOIS_REPLY_MAX ? q->bytes.len : WHOIS_REPLY_MAX;
    question_over(q, q->bytes.len == 0 ? OUTCOME_FAILED : cut || !whole ? OUTCOME_CUT : OUTCOME_ANSWERED, NULL);
}

static void receive(struct question *q)
{
    struct seek *s = q->seek;
    for (;;) {
        ssize_t got = recv(q->fd, s->input, INPUT_SIZE, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got < 0 && q->bytes.len == 0) {
            unreachable(q);
            return;
        }
        if (got <= 0) {
            replied(q, got == 0);
            return;
        }
        size_t room = WHOIS_REPLY_MAX + 1 - q->bytes.len;
        buf_put(&q->bytes, s->input, (size_t)got < room ? (size_t)got : room);
        if (q->bytes.error != 0 || q->bytes.len > WHOIS_REPLY_MAX) {
            replied(q, false);
            return;
        }
    }
}

void question_event(struct question *q, uint32_t events)
{
    if (q->stage != QUESTION_OPEN || q->fd < 0)
        return; /* it ended in this very turn */
    if (q->sent < q->line.len && !send_line(q))
        return;
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        receive(q);
}

void question_rings(struct alarm *a)
{
    struct question *q = ALARM_OF(a, struct question, alarm);
    if (!q->connected)
        unreachable(q);
    else
        replied(q, false);
}

/* ---- HTTP ---- */

/* Once more, to another server or without verification: another connection, asked for anew. */
static bool once_more(struct question *q)
{
    question_end_budget(q);
    return question_queue(q, span_text(q->url->host)) == 0;
}

static bool follow(struct question *q, const struct fetch_head *head)
{
    struct fetch_url from = *q->url;
    if (fetch_follow(&q->trail, &from, head->status, span_text(head->location), q->strict, q->url) != 0) {
        *q->url = from;
        return false;
    }
    if (once_more(q))
        return true;
    *q->url = from;
    return false;
}

static void too_much(struct question *q, const struct fetch_head *head)
{
    struct seek *s = q->seek;
    struct budget *budget = &q->server->budget;
    budget_limited(budget, budget_clock(s->wall, s->speed));
    q->not_before = budget_wall(budget->away, s->speed);
    if (head->retry_after > 0 && s->wall + head->retry_after > q->not_before)
        q->not_before = s->wall + head->retry_after;
    question_over(q, OUTCOME_LIMITED, NULL);
}

static enum outcome outcome_of(const struct fetch_result *result)
{
    bool came = result->head->status != 0;
    switch (result->ending) {
    case FETCH_WHOLE:
        return OUTCOME_ANSWERED;
    case FETCH_TOO_MUCH:
    case FETCH_SLOW:
    case FETCH_SHORT:
        return came ? OUTCOME_CUT : OUTCOME_FAILED;
    case FETCH_MEMORY:
        return OUTCOME_LIMITED;
    default:
        return OUTCOME_FAILED;
    }
}

void question_fetched(void *seek, void *question, const struct fetch_result *result)
{
    struct seek *s = seek;
    struct question *q = question;
    enum fetch_ending ending = result->ending;
    seek_clock(s);
    q->fetch = NULL;
    if (result->certificate.len > 0 && q->certificate.len == 0 && q->trail.hops == 0) {
        const char *copy = arena_copy(&q->arena, result->certificate);
        q->certificate = span_of(copy, copy != NULL ? result->certificate.len : 0);
    }
    if ((ending == FETCH_UNTRUSTED || ending == FETCH_TLS) && q->verify && !q->strict) {
        q->verify = false;
        if (once_more(q))
            return;
    }
    q->status = result->head->status;
    if (ending == FETCH_WHOLE && q->status >= 300 && q->status < 400 && follow(q, result->head))
        return;
    if (q->status == 429) {
        too_much(q, result->head);
        return;
    }
    q->type_text = arena_copy(&q->arena, span_text(result->head->type));
    buf_span(&q->bytes, result->body);
    if (q->bytes.error != 0)
        buf_clear(&q->bytes);
    if ((ending == FETCH_REFUSED || ending == FETCH_UNREACHABLE) && q->server->addr_count > 1)
        q->server->addr_at++;
    bool plain = outcome_of(result) == OUTCOME_ANSWERED && q->verify;
    question_over(q, outcome_of(result), plain ? NULL : ending == FETCH_WHOLE ? "unverified" : fetch_ending_text(ending));
}
