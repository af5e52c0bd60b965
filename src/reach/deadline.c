/* Deadlines of all visits, and one timer for them, the names and the quests. A deadline that moved back is found out when it comes due. */
#include "reach/parts.h"

int visit_deadline_set(struct visit *v, usec_t due)
{
    return alarm_set_lazily(&v->reach->deadlines, &v->alarm, due);
}

void visit_deadline_drop(struct visit *v)
{
    alarm_drop(&v->reach->deadlines, &v->alarm);
}

static void on_timer(uv_timer_t *timer)
{
    struct reach *r = timer->data;
    r->armed = 0;
    visit_deadline_run(r);
}

void visit_deadline_arm(struct reach *r)
{
    usec_t first = alarms_first(&r->deadlines);
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
    alarms_run(&r->deadlines, r->now);
    visit_deadline_arm(r);
}
