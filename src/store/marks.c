#include "store/marks.h"

#include "base/buf.h"
#include "base/err.h"

#include <errno.h>
#include <stdlib.h>

enum { PLACES_MAX = 20000, PLACE_BODY_MAX = 4 * 1024 * 1024 };

void marks_done(struct marks *marks)
{
    free(marks->days);
    *marks = (struct marks){0};
}

int marks_add(struct marks *marks, struct store_day day)
{
    for (size_t i = 0; i < marks->count; i++) {
        if (marks->days[i].day == day.day) {
            marks->days[i].row = day.row;
            return 0;
        }
    }
    if (marks->count == marks->room) {
        size_t room = marks->room == 0 ? 16 : marks->room * 2;
        struct store_day *more = realloc(marks->days, room * sizeof *more);
        if (more == NULL)
            return -ENOMEM;
        marks->days = more;
        marks->room = room;
    }
    marks->days[marks->count++] = day;
    return 0;
}

static void put_place(struct buf *body, usec_t day, int64_t row)
{
    buf_be(body, (uint64_t)(day / USEC_PER_DAY), 4);
    buf_be(body, (uint64_t)row, 8);
}

void marks_send(struct marks *marks, struct channel *channel)
{
    size_t sent = 0;
    for (; sent < marks->count; sent++) {
        struct buf body;
        buf_init(&body, 64);
        put_place(&body, marks->days[sent].day, marks->days[sent].row);
        int r = body.error != 0 ? body.error : channel_send(channel, MESSAGE_COMMITTED, buf_as_span(&body), NULL, 0);
        buf_done(&body);
        if (r != 0)
            break;
    }
    marks->count -= sent;
    if (sent > 0)
        memmove(marks->days, marks->days + sent, marks->count * sizeof *marks->days);
}

int marks_begin(struct marks *marks, struct store *store, struct channel *channel)
{
    struct store_place *places = NULL;
    size_t count = 0;
    struct buf body;
    buf_init(&body, PLACE_BODY_MAX);
    int r = store_places(store, &places, &count);
    size_t from = count > PLACES_MAX ? count - PLACES_MAX : 0;
    buf_be(&body, count - from, 4);
    marks->count = 0;
    for (size_t i = from; i < count && r == 0; i++) {
        put_place(&body, places[i].day, places[i].followed);
        if (places[i].last > places[i].followed)
            r = marks_add(marks, (struct store_day){.day = places[i].day, .row = places[i].last});
    }
    free(places);
    if (r == 0)
        r = store_rule_state(store, &body);
    if (r == 0)
        r = body.error != 0 ? body.error : channel_send(channel, MESSAGE_PLACE, buf_as_span(&body), NULL, 0);
    buf_done(&body);
    if (r == 0)
        marks_send(marks, channel);
    return r;
}
