/* Deadlines of all conversations, and one timer. A deadline that moved back is found out when it comes due. */
#include "observe/honeypot/conversation.h"

static void on_timer(uv_timer_t *timer)
{
    struct converse *cv = timer->data;
    cv->armed = 0;
    deadline_run(cv);
}

void deadline_arm(struct converse *cv)
{
    usec_t first = alarms_first(&cv->deadlines);
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
    alarms_run(&cv->deadlines, cv->now);
    if (cv->refusals.flush_at != 0 && cv->refusals.flush_at <= cv->now)
        refusals_flush(cv);
    deadline_arm(cv);
}
