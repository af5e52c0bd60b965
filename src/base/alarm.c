#include "base/alarm.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

enum { SIZE_FIRST = 64 };

static bool before(const struct alarm *a, const struct alarm *b)
{
    return a->due != b->due ? a->due < b->due : (int32_t)(a->turn - b->turn) < 0;
}

static void place(struct alarms *all, uint32_t at, struct alarm *a)
{
    all->heap[at] = a;
    a->place = at;
}

static void sift_up(struct alarms *all, uint32_t at)
{
    struct alarm *a = all->heap[at];
    while (at > 1 && before(a, all->heap[at / 2])) {
        place(all, at, all->heap[at / 2]);
        at /= 2;
    }
    place(all, at, a);
}

static void sift_down(struct alarms *all, uint32_t at)
{
    struct alarm *a = all->heap[at];
    for (;;) {
        uint32_t child = at * 2;
        if (child > all->count)
            break;
        if (child < all->count && before(all->heap[child + 1], all->heap[child]))
            child++;
        if (before(a, all->heap[child]))
            break;
        place(all, at, all->heap[child]);
        at = child;
    }
    place(all, at, a);
}

int alarm_set(struct alarms *all, struct alarm *a, usec_t due)
{
    if (a->place == 0) {
        if (all->count + 1 >= all->size) {
            uint32_t size = all->size == 0 ? SIZE_FIRST : all->size * 2;
            struct alarm **heap = reallocarray(all->heap, size, sizeof(struct alarm *));
            if (heap == NULL)
                return -ENOMEM;
            all->heap = heap;
            all->size = size;
        }
        all->count++;
        place(all, all->count, a);
    }
    a->due = due;
    a->turn = all->turns++;
    sift_up(all, a->place);
    sift_down(all, a->place);
    return 0;
}

void alarm_drop(struct alarms *all, struct alarm *a)
{
    uint32_t at = a->place;
    if (at == 0)
        return;
    struct alarm *last = all->heap[all->count];
    a->place = 0;
    all->count--;
    if (last == a)
        return;
    place(all, at, last);
    sift_up(all, at);
    sift_down(all, last->place);
}

int alarm_set_lazily(struct alarms *all, struct alarm *a, usec_t due)
{
    return a->place != 0 && a->due <= due ? 0 : alarm_set(all, a, due);
}

usec_t alarms_first(const struct alarms *all)
{
    return all->count > 0 ? all->heap[1]->due : 0;
}

void alarms_run(struct alarms *all, usec_t now)
{
    for (uint32_t left = all->count; left > 0 && all->count > 0 && all->heap[1]->due <= now; left--) {
        struct alarm *a = all->heap[1];
        alarm_drop(all, a);
        a->ring(a);
    }
}

void alarms_free(struct alarms *all)
{
    free(all->heap);
    *all = (struct alarms){.heap = NULL};
}
