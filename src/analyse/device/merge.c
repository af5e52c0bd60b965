/*
 * One device of much evidence.
 *
 *   silenced: evidence of an answer that holds residue (but the residue)
 *   superseded, value by value: the same port says something else later
 *   class: evidence adds up per word, coarser words count for the finer ones they cover; the highest sum is the class
 *   maker: the same, first among evidence whose class does not contradict; model, firmware: the best evidence with that maker
 */
#include "analyse/device/classes.h"
#include "analyse/device/device.h"

enum { SEEN_MAX = 256 };

/* The evidence that is looked at; of more than SEEN_MAX the newest. */
struct view {
    const struct evidence *seen[SEEN_MAX];
    bool silenced[SEEN_MAX];
    size_t count;
};

static bool same_word(struct span a, struct span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        uint8_t x = a.at[i], y = b.at[i];
        x |= x >= 'A' && x <= 'Z' ? 0x20 : 0;
        y |= y >= 'A' && y <= 'Z' ? 0x20 : 0;
        if (x != y)
            return false;
    }
    return true;
}

static bool same_port(const struct evidence *a, const struct evidence *b)
{
    return a->at.port == b->at.port && a->transport == b->transport && addr_equal(a->at.addr, b->at.addr);
}

static bool same_answer(const struct evidence *a, const struct evidence *b)
{
    return same_port(a, b) && a->time == b->time;
}

/* Newest first. */
static void view_init(struct view *v, const struct evidence *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = v->count < SEEN_MAX ? v->count++ : SEEN_MAX;
        if (at == SEEN_MAX && v->seen[--at]->time >= list[i].time)
            continue;
        for (; at > 0 && v->seen[at - 1]->time < list[i].time; at--)
            v->seen[at] = v->seen[at - 1];
        v->seen[at] = &list[i];
    }
    for (size_t i = 0; i < v->count; i++) {
        for (size_t k = 0; k < v->count && !v->silenced[i]; k++)
            v->silenced[i] = v->seen[k]->residue.len > 0 && same_answer(v->seen[i], v->seen[k]);
    }
}

typedef struct span (*value_of)(const struct evidence *);

static struct span class_of(const struct evidence *e)
{
    return e->class_;
}

static struct span maker_of(const struct evidence *e)
{
    return e->maker;
}

static struct span model_of(const struct evidence *e)
{
    return e->model;
}

static struct span firmware_of(const struct evidence *e)
{
    return e->firmware;
}

static struct span ics_of(const struct evidence *e)
{
    return e->ics;
}

static struct span residue_of(const struct evidence *e)
{
    return e->residue;
}

static struct span honeypot_of(const struct evidence *e)
{
    return e->honeypot;
}

/* Does evidence that says `said` support `value`? */
static bool supports(value_of of, struct span said, struct span value)
{
    return of == class_of ? class_covers(said, value) : same_word(said, value);
}

/* The same port says otherwise by now. Where the port is not known nothing can be replaced. */
static bool superseded(const struct view *v, size_t index, value_of of)
{
    const struct evidence *e = v->seen[index];
    for (size_t i = 0; i < index && e->at.port != 0; i++) {
        const struct evidence *newer = v->seen[i];
        if (newer->time == e->time || v->silenced[i] || !same_port(newer, e) || of(newer).len == 0)
            continue;
        if (!supports(of, of(newer), of(e)) && !supports(of, of(e), of(newer)))
            return true;
    }
    return false;
}

static bool counts(const struct view *v, size_t index, value_of of)
{
    return of(v->seen[index]).len > 0 && !v->silenced[index] && !superseded(v, index, of);
}

/* One rule is one voice, however often it was heard. */
static bool heard_before(const struct view *v, size_t index, value_of of)
{
    for (size_t i = 0; i < index; i++) {
        if (span_equal(v->seen[i]->rule, v->seen[index]->rule) && v->seen[i]->field == v->seen[index]->field && counts(v, i, of) &&
            same_word(of(v->seen[i]), of(v->seen[index])))
            return true;
    }
    return false;
}

/* Of two pieces of evidence for the same: the surer, ours before recog's, the finer class, the newer. */
static bool better(const struct evidence *a, const struct evidence *b)
{
    if (a->certainty != b->certainty)
        return a->certainty > b->certainty;
    if (a->own != b->own)
        return a->own;
    int fine = class_rank(a->class_) - class_rank(b->class_);
    return fine != 0 ? fine > 0 : a->time > b->time;
}

struct choice {
    struct device_value value;
    unsigned doubt; /* in 1/10000: what is left after all voices */
};

/* All that is said for the value of one piece of evidence. */
static struct choice sum_up(const struct view *v, size_t index, value_of of)
{
    struct span value = of(v->seen[index]);
    struct choice c = {.value = {.text = value, .why = v->seen[index]}, .doubt = 10000};
    for (size_t i = 0; i < v->count; i++) {
        struct span said = of(v->seen[i]);
        if (!counts(v, i, of) || !supports(of, said, value))
            continue;
        bool same = same_word(said, value);
        if (same)
            c.value.votes++;
        if (!heard_before(v, i, of))
            c.doubt = c.doubt * (100U - v->seen[i]->certainty) / 100;
        if (same && better(v->seen[i], c.value.why))
            c.value.why = v->seen[i];
    }
    c.value.text = of(c.value.why);
    c.value.certainty = 100 - (c.doubt + 99) / 100;
    if (c.value.certainty < c.value.why->certainty)
        c.value.certainty = c.value.why->certainty;
    return c;
}

/* May this evidence speak for the value that is being chosen? */
struct filter {
    struct span maker;  /* it names this maker (or none, when the maker is empty) */
    struct span class_; /* its class does not contradict this one */
    bool by_maker, by_class;
};

static bool passes(const struct filter *f, const struct evidence *e)
{
    if (f->by_maker && f->maker.len > 0 && !same_word(e->maker, f->maker))
        return false;
    if (f->by_class && f->class_.len > 0 && e->class_.len > 0 && !class_covers(e->class_, f->class_) && !class_covers(f->class_, e->class_))
        return false;
    return true;
}

static bool precedes(const struct choice *a, const struct choice *b, value_of of)
{
    if (b->value.why == NULL || a->doubt != b->doubt)
        return b->value.why == NULL || a->doubt < b->doubt;
    if (a->value.why->own != b->value.why->own)
        return a->value.why->own;
    int fine = of == class_of ? class_rank(a->value.text) - class_rank(b->value.text) : 0;
    return fine != 0 ? fine > 0 : better(a->value.why, b->value.why);
}

static struct device_value choose(const struct view *v, value_of of, const struct filter *filter)
{
    struct choice best = {0};
    for (size_t i = 0; i < v->count; i++) {
        if (!counts(v, i, of) || !passes(filter, v->seen[i]) || heard_before(v, i, of))
            continue;
        struct choice c = sum_up(v, i, of);
        if (precedes(&c, &best, of))
            best = c;
    }
    return best.value;
}

/* Residue is read of every answer, silenced or not: the newest. */
static struct device_value choose_residue(const struct view *v)
{
    struct device_value value = {0};
    for (size_t i = 0; i < v->count; i++) {
        const struct evidence *e = v->seen[i];
        if (residue_of(e).len == 0)
            continue;
        if (value.why == NULL)
            value = (struct device_value){.text = residue_of(e), .why = e, .certainty = e->certainty};
        value.votes += same_word(value.text, residue_of(e));
    }
    return value;
}

static bool contradicts(const struct view *v, size_t index, const struct device *d)
{
    const struct evidence *e = v->seen[index];
    bool class_ =
        counts(v, index, class_of) && d->class_.text.len > 0 && !class_covers(e->class_, d->class_.text) && !class_covers(d->class_.text, e->class_);
    return class_ || (counts(v, index, maker_of) && d->maker.text.len > 0 && !same_word(e->maker, d->maker.text));
}

static void find_conflicts(const struct view *v, struct device *d)
{
    enum { MOST = sizeof d->conflicts / sizeof d->conflicts[0] };
    for (size_t i = 0; i < v->count; i++) {
        if (!contradicts(v, i, d))
            continue;
        size_t at = d->conflict_count < MOST ? d->conflict_count++ : MOST;
        if (at == MOST && !better(v->seen[i], d->conflicts[--at]))
            continue;
        for (; at > 0 && better(v->seen[i], d->conflicts[at - 1]); at--)
            d->conflicts[at] = d->conflicts[at - 1];
        d->conflicts[at] = v->seen[i];
    }
}

void device_merge(const struct evidence *list, size_t count, struct device *ret)
{
    struct view v = {0};
    view_init(&v, list, count);
    *ret = (struct device){0};
    struct filter filter = {0};
    ret->class_ = choose(&v, class_of, &filter);
    filter.class_ = ret->class_.text;
    filter.by_class = true;
    ret->maker = choose(&v, maker_of, &filter);
    filter.by_class = false;
    if (ret->maker.why == NULL)
        ret->maker = choose(&v, maker_of, &filter);
    filter.by_maker = true;
    filter.maker = ret->maker.text;
    ret->model = choose(&v, model_of, &filter);
    ret->firmware = choose(&v, firmware_of, &filter);
    filter.by_maker = false;
    ret->ics = choose(&v, ics_of, &filter);
    ret->honeypot = choose(&v, honeypot_of, &filter);
    ret->residue = choose_residue(&v);
    find_conflicts(&v, ret);
}
