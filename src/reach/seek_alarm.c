/* Deadlines of quests: a binary heap. */
#include "reach/seek_parts.h"

#include <errno.h>
#include <stdlib.h>

static void place(struct alarms *all, uint32_t at, struct alarm *a)
{
    all->heap[at] = a;
    a->place = at;
}

static void sift_up(struct alarms *all, uint32_t at)
{
    struct alarm *a = all->heap[at];
    while (at > 1 && all->heap[at / 2]->due > a->due) {
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
        if (child < all->count && all->heap[child + 1]->due < all->heap[child]->due)
            child++;
        if (all->heap[child]->due >= a->due)
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
            uint32_t size = all->size == 0 ? 256 : all->size * 2;
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
