/*
 * Whom to write to. Within a channel its own ranks hold; between channels the better score goes first: so the heads of the channels' lists are
 * compared, again and again, until a primary and two fallbacks are found. What is not fit is passed over, and named when it would have been taken.
 */
#include "contact/evaluate.h"

#include <errno.h>
#include <stdlib.h>

enum { FALLBACKS_MAX = 2, COPIES_MAX = 2, REASON_MAX = 512, VALUE_SHOWN = 80, PASSED_SHOWN = 2 };

struct candidate {
    const struct finding *finding;
    const struct verdict_of_contact *verdict;
    const char *unfit; /* why it can't be chosen; NULL: it can */
    bool weak;         /* only where nothing else is */
    bool taken;
};

struct choosing {
    struct arena *arena;
    const struct target *target;
    struct candidate *list; /* by channel, then rank, then score */
    size_t count;
    struct chosen *ret;
    size_t room, chosen;
};

static const struct addr no_addr;

/* ---- who is fit ---- */

static bool is_manual(const struct finding *finding)
{
    return finding->channel != NULL && strcmp(finding->channel->name, "manual") == 0;
}

static const char *unfit_for_writing(const struct finding *finding, const struct verdict_of_contact *v, bool for_address)
{
    if (finding->objection != OBJECTION_NONE)
        return objection_text(finding->objection);
    if (finding->role == CONTACT_ROLE_NATIONAL)
        return "a national CSIRT gets a copy at most";
    if (finding->role == CONTACT_ROLE_MAKER || (v->flags & FLAG_VENDOR) != 0)
        return "the maker's, not the one of who runs it";
    if (finding->role == CONTACT_ROLE_REGISTRAR && for_address)
        return "the registrar's, for its own duties";
    if ((v->flags & FLAG_DEFAULT_PAGE) != 0)
        return "an address of default pages";
    if ((v->flags & FLAG_DISPOSABLE) != 0)
        return "disposable mail";
    if ((v->flags & FLAG_NULL_MX) != 0)
        return "its domain takes no mail";
    if (v->exists == KNOWN_NO)
        return finding->kind == CONTACT_MAIL ? "its domain has no mail host" : "it does not exist";
    if (finding->kind == CONTACT_FORM && v->valid == KNOWN_NO)
        return "the form gives no way to be answered";
    if (finding->kind == CONTACT_ACCOUNT && v->valid != KNOWN_YES)
        return "nobody has checked that the account is the owner's and takes messages";
    return v->score == 0 ? "its score is 0" : NULL;
}

static void judge(struct candidate *c, bool for_address)
{
    c->unfit = is_manual(c->finding) ? NULL : unfit_for_writing(c->finding, c->verdict, for_address);
    c->weak = (c->verdict->flags & (FLAG_PRIVACY_PROXY | FLAG_GUESS)) != 0 || c->finding->role == CONTACT_ROLE_REGISTRAR;
}

static const char *channel_name(const struct candidate *c)
{
    return c->finding->channel != NULL ? c->finding->channel->name : "";
}

static int by_channel_and_rank(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    int order = strcmp(channel_name(x), channel_name(y));
    if (order == 0)
        order = (x->finding->rank > y->finding->rank) - (x->finding->rank < y->finding->rank);
    if (order == 0)
        order = (x->verdict->score < y->verdict->score) - (x->verdict->score > y->verdict->score);
    return order != 0 ? order : span_compare(x->finding->value, y->finding->value);
}

static int gather(struct choosing *c, const struct findings *findings, const struct verdict_of_contact *list)
{
    bool for_address = !addr_equal(c->target->addr, no_addr);
    c->list = arena_alloc(c->arena, (findings->count + 1) * sizeof c->list[0]);
    if (c->list == NULL)
        return -ENOMEM;
    for (const struct finding *f = findings->first; f != NULL && c->count < findings->count; f = f->next, c->count++) {
        c->list[c->count] = (struct candidate){.finding = f, .verdict = &list[c->count]};
        judge(&c->list[c->count], for_address);
    }
    qsort(c->list, c->count, sizeof c->list[0], by_channel_and_rank);
    return 0;
}

/* ---- order ---- */

static bool same_value(struct span a, struct span b)
{
    return a.len == b.len && strncasecmp((const char *)a.at, (const char *)b.at, a.len) == 0;
}

static bool is_chosen(const struct choosing *c, struct span value)
{
    for (size_t i = 0; i < c->chosen; i++) {
        if (same_value(c->ret[i].finding->value, value))
            return true;
    }
    return false;
}

static bool goes_before(const struct candidate *a, const struct candidate *b)
{
    if (b == NULL || is_manual(a->finding) != is_manual(b->finding))
        return b == NULL || is_manual(a->finding);
    return a->verdict->score > b->verdict->score;
}

/* The best of the channels' heads: the first of each that is fit and not yet taken. */
static struct candidate *next_best(const struct choosing *c, bool weak)
{
    struct candidate *best = NULL;
    const struct channel *done = NULL;
    bool any_done = false;
    for (size_t i = 0; i < c->count; i++) {
        struct candidate *one = &c->list[i];
        if (one->unfit != NULL || one->taken || (one->weak && !weak) || (any_done && one->finding->channel == done))
            continue;
        done = one->finding->channel;
        any_done = true;
        if (goes_before(one, best))
            best = one;
    }
    return best;
}

/* ---- in words ---- */

static void say_value(struct buf *out, const struct finding *finding)
{
    struct span value = finding->value;
    buf_span(out, span_part(value, 0, value.len < VALUE_SHOWN ? value.len : VALUE_SHOWN));
}

/* Those that would have gone before this one, had they been fit: of its own channel with a better rank, of others with the role of a desk. */
static void say_passed(struct buf *out, const struct choosing *c, const struct candidate *taken)
{
    unsigned shown = 0;
    for (size_t i = 0; i < c->count && shown < PASSED_SHOWN; i++) {
        const struct candidate *one = &c->list[i];
        if (one->unfit == NULL || same_value(one->finding->value, taken->finding->value))
            continue;
        bool own = one->finding->channel == taken->finding->channel;
        if (own ? one->finding->rank >= taken->finding->rank && one->finding->role >= taken->finding->role : one->finding->role >= CONTACT_ROLE_NOC)
            continue;
        buf_text(out, shown++ == 0 ? "; not " : ", not ");
        say_value(out, one->finding);
        buf_printf(out, " (%s)", one->unfit);
    }
}

static int keep_text(struct arena *arena, struct buf *out, struct span *ret)
{
    int r = out->error;
    struct span text = span_part(buf_as_span(out), 0, REASON_MAX);
    while (text.len > 0 && text.len < out->len && (out->data[text.len] & 0xc0) == 0x80)
        text.len--;
    char *copy = r == 0 ? arena_copy(arena, text) : NULL;
    buf_done(out);
    if (copy == NULL)
        return -ENOMEM;
    *ret = span_of(copy, text.len);
    return 0;
}

static int choose_one(struct choosing *c, struct candidate *one, enum choice choice, const char *why)
{
    if (c->chosen >= c->room)
        return 0;
    struct chosen *chosen = &c->ret[c->chosen];
    struct buf out;
    buf_init(&out, 4 * REASON_MAX);
    buf_printf(&out, "%s: %s contact of %s, score %d", why, contact_role_text(one->finding->role),
               one->finding->channel != NULL ? one->finding->channel->name : "a saved answer", one->verdict->score);
    if (choice == CHOICE_PRIMARY)
        say_passed(&out, c, one);
    *chosen = (struct chosen){.finding = one->finding, .verdict = one->verdict, .choice = choice};
    one->taken = true;
    c->chosen++;
    return keep_text(c->arena, &out, &chosen->reason);
}

/* ---- primary, fallbacks, copies ---- */

static int choose_for_writing(struct choosing *c, bool weak)
{
    int r = 0;
    struct candidate *one;
    while (r == 0 && c->chosen <= FALLBACKS_MAX && (one = next_best(c, weak)) != NULL) {
        one->taken = true;
        if (is_chosen(c, one->finding->value))
            continue;
        const char *why = is_manual(one->finding) ? "entered by an operator" : one->weak ? "nothing better is known" : "the best that is fit";
        r = choose_one(c, one, c->chosen == 0 ? CHOICE_PRIMARY : CHOICE_FALLBACK, c->chosen == 0 ? why : "the next best");
    }
    return r;
}

static const char *copy_reason(const struct candidate *one)
{
    const struct finding *f = one->finding;
    bool stands = f->objection == OBJECTION_NONE || f->objection == OBJECTION_NATIONAL;
    if (!stands || one->verdict->exists == KNOWN_NO || (one->verdict->flags & (FLAG_DEFAULT_PAGE | FLAG_NULL_MX)) != 0)
        return NULL;
    if (f->kind == CONTACT_ACCOUNT || (f->kind == CONTACT_FORM && one->verdict->valid == KNOWN_NO))
        return NULL;
    if (f->role == CONTACT_ROLE_NATIONAL || f->objection == OBJECTION_NATIONAL)
        return "the national CSIRT";
    return f->role == CONTACT_ROLE_MAKER ? "the page is a device's own, and this its maker" : NULL;
}

/* The best of those not yet chosen; NULL: there is none. */
static struct candidate *next_copy(struct choosing *c, enum contact_role role)
{
    struct candidate *best = NULL;
    for (size_t i = 0; i < c->count; i++) {
        struct candidate *one = &c->list[i];
        bool wanted = (one->finding->role == CONTACT_ROLE_MAKER) == (role == CONTACT_ROLE_MAKER);
        if (one->taken || !wanted || copy_reason(one) == NULL || is_chosen(c, one->finding->value))
            continue;
        if (best == NULL || one->verdict->score > best->verdict->score)
            best = one;
    }
    return best;
}

static int choose_copies(struct choosing *c, enum contact_role role)
{
    struct candidate *one;
    int r = 0;
    for (size_t copies = 0; copies < COPIES_MAX && r == 0 && (one = next_copy(c, role)) != NULL; copies++)
        r = choose_one(c, one, CHOICE_COPY, copy_reason(one));
    return r;
}

static bool is_survey(const struct choosing *c)
{
    for (size_t i = 0; i < c->count; i++) {
        if ((c->list[i].verdict->flags & FLAG_SURVEY) != 0)
            return true;
    }
    return false;
}

/* Nobody: of all that was found, why not. */
static int say_nobody(struct choosing *c, struct span *ret)
{
    struct buf out;
    buf_init(&out, 4 * REASON_MAX);
    buf_printf(&out, c->count == 0 ? "nothing was found" : "none of %zu is fit", c->count);
    for (size_t i = 0; i < c->count && out.len < REASON_MAX; i++) {
        if (c->list[i].unfit == NULL)
            continue;
        buf_text(&out, "; ");
        say_value(&out, c->list[i].finding);
        buf_printf(&out, ": %s", c->list[i].unfit);
    }
    return keep_text(c->arena, &out, ret);
}

static int keep_c(struct arena *arena, const char *text, struct span *ret)
{
    struct buf out;
    buf_init(&out, REASON_MAX);
    buf_text(&out, text);
    return keep_text(arena, &out, ret);
}

static void only_manual(struct choosing *c)
{
    for (size_t i = 0; i < c->count; i++) {
        if (!is_manual(c->list[i].finding))
            c->list[i].unfit = "the target belongs to a project that surveys the Internet";
    }
}

int contact_choose(const struct book *book, struct arena *arena, const struct target *target, const struct findings *findings,
                   const struct verdict_of_contact *list, struct chosen *ret, size_t room, size_t *ret_count, struct span *ret_reason)
{
    (void)book;
    struct choosing c = {.arena = arena, .target = target, .ret = ret, .room = room};
    int r = gather(&c, findings, list);
    bool survey = r == 0 && is_survey(&c);
    if (survey)
        only_manual(&c);
    if (r == 0)
        r = choose_for_writing(&c, false);
    if (r == 0 && c.chosen == 0)
        r = choose_for_writing(&c, true);
    bool anybody = c.chosen > 0;
    if (r == 0 && !survey)
        r = choose_copies(&c, CONTACT_ROLE_NATIONAL);
    if (r == 0 && !survey)
        r = choose_copies(&c, CONTACT_ROLE_MAKER);
    if (r == 0 && anybody)
        r = keep_c(arena,
                   is_manual(ret[0].finding) ? "an operator's entry wins over all that was found"
                                             : "by rank within each channel, by score between them",
                   ret_reason);
    else if (r == 0 && survey)
        r = keep_c(arena, "the target belongs to a project that surveys the Internet: it is no victim, and nobody is told", ret_reason);
    else if (r == 0)
        r = say_nobody(&c, ret_reason);
    if (r == 0)
        *ret_count = c.chosen;
    return r;
}
