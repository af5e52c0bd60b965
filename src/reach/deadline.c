/* Deadlines of all visits: a binary heap and one timer. A deadline that moved back is found out when it comes due. */
#include "reach/parts.h"

#include <errno.h>
#include <stdlib.h>

static void place(struct reach *r, uint32_t at, struct visit *v)
{
    r->deadlines.heap[at] = v;
    v->heap_place = at;
}

static void sift_up(struct reach *r, uint32_t at)
{
    struct visit **heap = r->deadlines.heap, *v = heap[at];
    while (at > 1 && heap[at / 2]->due > v->due) {
        place(r, at, heap[at / 2]);
        at /= 2;
    }
    place(r, at, v);
}

static void sift_down(struct reach *r, uint32_t at)
{
    struct visit **heap = r->deadlines.heap, *v = heap[at];
    for (;;) {
        uint32_t child = at * 2;
        if (child > r->deadlines.count)
            break;
        if (child < r->deadlines.count && heap[child + 1]->due < heap[child]->due)
            child++;
        if (heap[child]->due >= v->due)
            break;
        place(r, at, heap[child]);
        at = child;
    }
    place(r, at, v);
}

static bool grow(struct reach *r)
{
    if (r->deadlines.count + 1 < r->deadlines.size)
        return true;
    uint32_t size = r->deadlines.size == 0 ? 256 : r->deadlines.size * 2;
    struct visit **heap = reallocarray(r->deadlines.heap, size, sizeof(struct visit *));
    if (heap == NULL)
        return false;
    r->deadlines.heap = heap;
    r->deadlines.size = size;
    return true;
}

int visit_deadline_set(struct visit *v, usec_t due)
{
    struct reach *r = v->reach;
    if (v->heap_place != 0) {
        if (due < v->due) {
            v->due = due;
            sift_up(r, v->heap_place);
        }
        return 0; /* a later one: found out when the old one comes */
    }
    if (!grow(r))
        return -ENOMEM;
    v->due = due;
    r->deadlines.count++;
    place(r, r->deadlines.count, v);
    sift_up(r, r->deadlines.count);
    return 0;
}

void visit_deadline_drop(struct visit *v)
{
    struct reach *r = v->reach;
    uint32_t at = v->heap_place;
    if (at == 0)
        return;
    v->heap_place = 0;
    struct visit *last = r->deadlines.heap[r->deadlines.count];
    r->deadlines.count--;
    if (last == v)
        return;
    place(r, at, last);
    sift_up(r, at);
    sift_down(r, last->heap_place);
}

static void on_timer(uv_timer_t *timer)
{
    struct reach *r = timer->data;
    r->armed = 0;
    visit_deadline_run(r);
}

void visit_deadline_arm(struct reach *r)
{
    usec_t first = r->deadlines.count > 0 ? r->deadlines.heap[1]->due : 0;
    if (r->ready.first != NULL && r->pause_until > r->now && (first == 0 || r->pause_until < first))
        first = r->pause_until;
    usec_t name = r->dns != NULL ? dns_due(r->dns) : 0;
    if (name != 0 && (first == 0 || name < first))
        first = name;
    usec_t quest = r->seek != NULL ? seek_due(r->seek) : 0;
    if (quest != 0 && (first == 0 || quest < first))
        first = quest;
    if (first == 0 || (r->armed != 0 && r->armed <= first))
        return; /* a timer that fires too early finds nothing due and is armed anew */
    uint64_t wait = first > r->now ? (uint64_t)(first - r->now + USEC_PER_MSEC - 1) / USEC_PER_MSEC : 0;
    r->armed = first;
    uv_update_time(r->config.loop);
    (void)uv_timer_start(&r->timer, on_timer, wait, 0);
}

void visit_deadline_now(struct reach *r)
{
    r->armed = r->now;
    (void)uv_timer_start(&r->timer, on_timer, 0, 0);
}

void visit_deadline_run(struct reach *r)
{
    reach_clock(r);
    if (r->dns != NULL)
        dns_run(r->dns, r->now);
    if (r->seek != NULL)
        seek_run(r->seek);
    /* One that is due at once again gets its turn after the others. */
    for (uint32_t left = r->deadlines.count; left > 0 && r->deadlines.count > 0 && r->deadlines.heap[1]->due <= r->now; left--) {
        struct visit *v = r->deadlines.heap[1];
        visit_deadline_drop(v);
        visit_due(v);
    }
    visit_deadline_arm(r);
}
