/* Deadlines of all conversations: a binary heap and one timer. A deadline that moved back is found out when it comes due. */
#include "observe/honeypot/conversation.h"

#include <stdlib.h>

static void place(struct deadlines *d, uint32_t at, struct conn *c)
{
    d->heap[at] = c;
    c->heap_place = at;
}

static void sift_up(struct deadlines *d, uint32_t at)
{
    struct conn *c = d->heap[at];
    while (at > 1 && d->heap[at / 2]->due > c->due) {
        place(d, at, d->heap[at / 2]);
        at /= 2;
    }
    place(d, at, c);
}

static void sift_down(struct deadlines *d, uint32_t at)
{
    struct conn *c = d->heap[at];
    for (;;) {
        uint32_t child = at * 2;
        if (child > d->count)
            break;
        if (child < d->count && d->heap[child + 1]->due < d->heap[child]->due)
            child++;
        if (d->heap[child]->due >= c->due)
            break;
        place(d, at, d->heap[child]);
        at = child;
    }
    place(d, at, c);
}

static bool grow(struct deadlines *d)
{
    if (d->count + 1 < d->size)
        return true;
    uint32_t size = d->size == 0 ? 64 : d->size * 2;
    struct conn **heap = reallocarray(d->heap, size, sizeof(struct conn *));
    if (heap == NULL)
        return false;
    d->heap = heap;
    d->size = size;
    return true;
}

void deadline_set(struct conn *c, usec_t due)
{
    struct deadlines *d = &c->owner->deadlines;
    if (c->heap_place != 0) {
        if (due >= c->due)
            return; /* found out when the old one comes */
        c->due = due;
        sift_up(d, c->heap_place);
        return;
    }
    if (!grow(d)) {
        c->broken = true;
        return;
    }
    c->due = due;
    d->count++;
    place(d, d->count, c);
    sift_up(d, d->count);
}

void deadline_drop(struct conn *c)
{
    struct deadlines *d = &c->owner->deadlines;
    uint32_t at = c->heap_place;
    if (at == 0)
        return;
    c->heap_place = 0;
    struct conn *last = d->heap[d->count];
    d->count--;
    if (last == c)
        return;
    place(d, at, last);
    sift_up(d, at);
    sift_down(d, last->heap_place);
}

static void on_timer(uv_timer_t *timer)
{
    struct converse *cv = timer->data;
    cv->armed = 0;
    deadline_run(cv);
}

void deadline_arm(struct converse *cv)
{
    usec_t first = cv->deadlines.count > 0 ? cv->deadlines.heap[1]->due : 0;
    if (cv->refusals.flush_at != 0 && (first == 0 || cv->refusals.flush_at < first))
        first = cv->refusals.flush_at;
    if (first == 0 || (cv->armed != 0 && cv->armed <= first))
        return; /* a timer that fires too early finds nothing due and is armed anew */
    uint64_t wait = first > cv->now ? (uint64_t)(first - cv->now + USEC_PER_MSEC - 1) / USEC_PER_MSEC : 0;
    cv->armed = first;
    uv_update_time(cv->loop);
    (void)uv_timer_start(&cv->timer, on_timer, wait, 0);
}

void deadline_run(struct converse *cv)
{
    converse_clock(cv);
    struct deadlines *d = &cv->deadlines;
    /* One that wants another turn is due at once again: it gets it after the others and the sockets. */
    for (uint32_t left = d->count; left > 0 && d->count > 0 && d->heap[1]->due <= cv->now; left--) {
        struct conn *c = d->heap[1];
        deadline_drop(c);
        conn_due(c);
    }
    if (cv->refusals.flush_at != 0 && cv->refusals.flush_at <= cv->now)
        refusals_flush(cv);
    deadline_arm(cv);
}

void deadline_free(struct converse *cv)
{
    free(cv->deadlines.heap);
    cv->deadlines = (struct deadlines){0};
}
