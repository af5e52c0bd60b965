#include "reach/budgets.h"

#define HOUR (INT64_C(3600) * 1000)

int64_t budget_clock(usec_t wall, int64_t speed)
{
    return wall / 1000 * speed + wall % 1000 * speed / 1000;
}

usec_t budget_wall(int64_t clock, int64_t speed)
{
    usec_t wall = clock / speed * 1000 + (clock % speed * 1000 + speed - 1) / speed;
    while (budget_clock(wall, speed) < clock)
        wall++;
    return wall;
}

void budget_init(struct budget *b, const struct whois_server *server)
{
    *b = (struct budget){.per_day = server->per_day, .personal_per_day = server->personal_per_day, .at_once = server->at_once};
    if (server->per_second_milli > 0)
        b->pace = (INT64_C(1000000) + server->per_second_milli - 1) / server->per_second_milli;
    if (b->at_once == 0)
        b->at_once = 1;
    b->back_off = server->back_off > 0 ? server->back_off / 1000 : HOUR;
}

static bool counts(const struct budget *b, size_t i, int64_t now)
{
    return b->hours[i].hour > now / HOUR - BUDGET_HOURS_KEPT;
}

uint64_t budget_questions(const struct budget *b, int64_t now)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < BUDGET_HOURS; i++)
        sum += counts(b, i, now) ? b->hours[i].questions : 0;
    return sum;
}

uint64_t budget_personal(const struct budget *b, int64_t now)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < BUDGET_HOURS; i++)
        sum += counts(b, i, now) ? b->hours[i].personal : 0;
    return sum;
}

/* How many personal data sets are kept free for each answer that is under way. */
static uint64_t reserve(const struct budget *b)
{
    uint64_t part = b->personal_per_day / 4;
    return part > BUDGET_RESERVE ? BUDGET_RESERVE : part > 0 ? part : 1;
}

static bool day_has_room(const struct budget *b, int64_t now)
{
    if (b->per_day > 0 && budget_questions(b, now) >= b->per_day)
        return false;
    return b->personal_per_day == 0 || budget_personal(b, now) + reserve(b) * (b->under_way + UINT64_C(1)) <= b->personal_per_day;
}

/* When enough hours will no longer count. */
static int64_t day_when(const struct budget *b, int64_t now)
{
    int64_t when = now;
    for (unsigned i = 0; i < BUDGET_HOURS && !day_has_room(b, when); i++) {
        int64_t oldest = INT64_MAX;
        for (size_t k = 0; k < BUDGET_HOURS; k++) {
            if (counts(b, k, when) && b->hours[k].questions + b->hours[k].personal > 0 && b->hours[k].hour < oldest)
                oldest = b->hours[k].hour;
        }
        if (oldest == INT64_MAX)
            break;
        when = (oldest + BUDGET_HOURS_KEPT) * HOUR;
    }
    return when > now ? when : now + HOUR; /* what is under way holds all of it */
}

enum budget_verdict budget_ask(const struct budget *b, int64_t now, int64_t *ret_when)
{
    if (b->banned)
        return BUDGET_NEVER;
    if (b->under_way >= b->at_once)
        return BUDGET_BUSY;
    int64_t when = b->away > b->next ? b->away : b->next;
    if (!day_has_room(b, now)) {
        if (b->under_way > 0)
            return BUDGET_BUSY; /* their answers may leave room */
        int64_t day = day_when(b, now);
        when = day > when ? day : when;
    }
    if (when <= now)
        return BUDGET_OK;
    *ret_when = when;
    return BUDGET_LATER;
}

static size_t place_of(struct budget *b, int64_t hour)
{
    size_t place = (size_t)((uint64_t)hour % BUDGET_HOURS);
    if (b->hours[place].hour < hour) {
        b->hours[place].hour = hour;
        b->hours[place].questions = b->hours[place].personal = 0;
    }
    return place;
}

static uint32_t sum(uint32_t a, uint32_t b)
{
    return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

void budget_add(struct budget *b, int64_t hour, uint32_t questions, uint32_t personal)
{
    size_t place = place_of(b, hour);
    b->hours[place].questions = sum(b->hours[place].questions, questions);
    b->hours[place].personal = sum(b->hours[place].personal, personal);
}

static void delay(struct budget *b, int64_t now)
{
    if (now + b->pace > b->next)
        b->next = now + b->pace;
}

void budget_take(struct budget *b, int64_t now)
{
    b->under_way++;
    budget_add(b, now / HOUR, 1, 0);
    delay(b, now);
}

static void take_out(struct budget *b, int64_t taken)
{
    size_t place = (size_t)((uint64_t)(taken / HOUR) % BUDGET_HOURS);
    if (b->hours[place].hour == taken / HOUR && b->hours[place].questions > 0)
        b->hours[place].questions--;
}

void budget_end(struct budget *b, int64_t taken, int64_t now, unsigned personal)
{
    b->under_way -= b->under_way > 0;
    if (taken / HOUR < now / HOUR) {
        take_out(b, taken); /* the server may have counted it in either hour: the later one is kept longer */
        budget_add(b, now / HOUR, 1, personal);
    } else {
        budget_add(b, now / HOUR, 0, personal);
    }
    delay(b, now);
}

void budget_limited(struct budget *b, int64_t now)
{
    int64_t wait = b->away_for > 0 ? b->away_for * 2 : b->back_off;
    if (b->away > now)
        return; /* said by an answer to an earlier question: we are away already */
    b->away_for = wait < BUDGET_BACK_OFF_MAX || wait <= b->back_off ? wait : BUDGET_BACK_OFF_MAX;
    b->away = now + b->away_for;
}

void budget_good(struct budget *b)
{
    b->away_for = 0;
}

bool budget_forgettable(const struct budget *b, int64_t now)
{
    if (b->banned || b->under_way > 0 || b->next > now || b->away > now || b->away_for > 0)
        return false;
    return (b->per_day == 0 && b->personal_per_day == 0) || (budget_questions(b, now) == 0 && budget_personal(b, now) == 0);
}

/* ---- message REGISTRIES ---- */

static int read_one(struct cursor *c, struct registry_count *ret)
{
    ret->server = cursor_take(c, cursor_u8(c));
    ret->banned = cursor_u8(c) != 0;
    ret->away_from = (usec_t)cursor_be64(c);
    ret->away_until = (usec_t)cursor_be64(c);
    ret->hour_count = cursor_u8(c);
    if (c->error != 0 || ret->server.len == 0 || ret->server.len > WHOIS_SERVER_MAX || ret->hour_count > REGISTRIES_HOURS_MAX || ret->away_from < 0 ||
        ret->away_until < ret->away_from)
        return -ERR_MALFORMED;
    for (size_t i = 0; i < ret->hour_count; i++) {
        uint64_t hour = cursor_be64(c);
        ret->hours[i].hour = (int64_t)hour;
        ret->hours[i].questions = cursor_be32(c);
        ret->hours[i].personal = cursor_be32(c);
        if (hour > INT64_MAX / HOUR / 2)
            return -ERR_MALFORMED;
    }
    return c->error != 0 ? -ERR_MALFORMED : 0;
}

int registries_read(struct span body, void (*each)(void *user, const struct registry_count *), void *user, bool *ret_end)
{
    struct registry_count one;
    for (unsigned round = 0; round < 2; round++) { /* checked whole, then told */
        struct cursor c = cursor_of(body);
        uint32_t count = cursor_be32(&c);
        for (uint32_t i = 0; i < count; i++) {
            if (read_one(&c, &one) != 0)
                return -ERR_MALFORMED;
            if (round == 1)
                each(user, &one);
        }
        if (c.error != 0 || cursor_left(&c) != 0)
            return -ERR_MALFORMED;
        *ret_end = count == 0;
    }
    return 0;
}
