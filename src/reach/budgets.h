/*
 * How much a server may still be asked, as it counts itself (book's part `servers`): questions a second and in 24 hours, personal data sets in 24
 * hours; and how long we stay away from one that said it was too much. Pure: the clock is given, in milliseconds of the budgets' clock, which
 * is the wall clock times contact.clock_speed.
 *
 * Always on the safe side: the pace counts from the end of the last question on, 24 hours are 26 whole ones, the personal data sets that an answer
 * under way may hold are kept free for it, and a clock set back never makes room.
 */
#pragma once

#include "base/cursor.h"
#include "contact/whois.h"

enum { BUDGET_HOURS = 28, BUDGET_HOURS_KEPT = 26, BUDGET_RESERVE = 20, REGISTRIES_HOURS_MAX = 64 };
#define BUDGET_BACK_OFF_MAX (INT64_C(86400) * 1000) /* of the budgets' clock */

struct budget {
    /* limits; 0: none */
    int64_t pace, back_off;
    unsigned per_day, personal_per_day, at_once;
    /* state */
    bool banned;
    int64_t next;     /* no question before */
    int64_t away;     /* because it was too much: until; 0: we are not */
    int64_t away_for; /* how long the last such time was */
    unsigned under_way;
    struct {
        int64_t hour;
        uint32_t questions, personal;
    } hours[BUDGET_HOURS];
};

enum budget_verdict { BUDGET_OK, BUDGET_LATER, BUDGET_BUSY /* until one under way ends */, BUDGET_NEVER };

int64_t budget_clock(usec_t wall, int64_t speed);
usec_t budget_wall(int64_t clock, int64_t speed); /* the first µs at which the clock has come so far */

void budget_init(struct budget *, const struct whois_server *);
/* May a question go out? LATER: *ret_when says when. */
enum budget_verdict budget_ask(const struct budget *, int64_t now, int64_t *ret_when);
void budget_take(struct budget *, int64_t now);                                  /* it goes out */
void budget_end(struct budget *, int64_t taken, int64_t now, unsigned personal); /* it is over: an answer, or none */
void budget_limited(struct budget *, int64_t now);           /* the server said that it was too much: twice as long as the last time */
void budget_good(struct budget *);                           /* it answered as it should */
bool budget_forgettable(const struct budget *, int64_t now); /* nothing in it matters any more */
/* What was counted before: of that hour (since 1970, of the clock). */
void budget_add(struct budget *, int64_t hour, uint32_t questions, uint32_t personal);
uint64_t budget_questions(const struct budget *, int64_t now); /* of the hours that count */
uint64_t budget_personal(const struct budget *, int64_t now);

/* ---- message REGISTRIES ---- */
struct registry_count {
    struct span server;
    bool banned;
    usec_t away_from, away_until; /* wall clock; 0: not away */
    size_t hour_count;
    struct {
        int64_t hour;
        uint32_t questions, personal;
    } hours[REGISTRIES_HOURS_MAX];
};
/* Calls `each` for every server; *ret_end: the message ends them. -ERR_MALFORMED: nothing was told. */
int registries_read(struct span body, void (*each)(void *user, const struct registry_count *), void *user, bool *ret_end);
