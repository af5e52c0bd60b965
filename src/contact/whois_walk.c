#include "contact/whois_walk.h"

#include "base/err.h"
#include "base/text.h"
#include "contact/whois_tables.h"

#include <inttypes.h>
#include <strings.h>

enum { AT_ONCE = 2, REASON_MAX = 160 };

static int print_len(struct span text)
{
    return (int)(text.len < REASON_MAX ? text.len : REASON_MAX);
}

static bool same(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp((const char *)a.at, (const char *)b.at, a.len) == 0);
}

static struct span keep(struct quest *q, struct span text)
{
    char *copy = arena_copy(quest_arena(q), text);
    return span_of(copy, copy != NULL ? text.len : 0);
}

static void owe(struct quest *q, struct walk *w, struct span server, const char *what)
{
    w->debt = true;
    quest_debt(q, "%.*s: %s", print_len(server), (const char *)server.at, what);
}

static bool known(const struct walk *w, struct span server, struct span query)
{
    for (size_t i = 0; i < w->step_count; i++) {
        if (same(w->steps[i].server, server) && same(w->steps[i].query, query))
            return true;
    }
    return false;
}

/* Puts a question, unless it was put before. Whether it is under way now. */
static bool put(struct quest *q, struct walk *w, struct walk_step step, uint16_t port)
{
    struct buf query;
    bool put = false;
    const struct book *book = quest_book(q);
    if (w->step_count == WALK_QUESTIONS_MAX || (step.handle.len == 0 && w->hops == WHOIS_HOPS_MAX)) {
        owe(q, w, step.server, "not asked any more: too many hops");
        return false;
    }
    buf_init(&query, 0);
    int r = step.handle.len > 0 ? whois_query_handle(book, step.server, step.handle, &query)
            : w->domain.len > 0 ? whois_query_domain(book, step.server, w->domain, &query)
            : w->as != 0        ? whois_query_as(book, step.server, w->as, &query)
                                : whois_query_address(book, step.server, w->addr, &query);
    step.server = keep(q, step.server);
    step.handle = keep(q, step.handle);
    step.query = keep(q, buf_as_span(&query));
    if (r == 0 && step.server.len > 0 && !known(w, step.server, step.query)) {
        r = quest_whois(q, step.server, port != 0 ? port : whois_server(book, step.server)->port, step.query, (unsigned)w->step_count);
        w->steps[w->step_count] = step;
        put = r == 0;
        if (put) {
            w->step_count++;
            w->open++;
            w->hops += step.handle.len == 0;
        } else {
            owe(q, w, step.server, "the question was refused");
        }
    }
    buf_done(&query);
    return put;
}

void walk_begin(struct quest *q, struct walk *w, const struct channel *channel, struct span server, const char *because)
{
    w->channel = channel;
    quest_because(q, "%s", because);
    (void)put(q, w, (struct walk_step){.server = server}, 0);
}

/* ---- handles ---- */

static bool has_contact(const struct findings *found)
{
    for (const struct finding *f = found->first; f != NULL; f = f->next) {
        if (f->objection == OBJECTION_NONE && f->kind == CONTACT_MAIL)
            return true;
    }
    return false;
}

/* An RWhois server names contacts by their handles at the registry: "ABUSE1-ARIN". */
static struct span server_of_handle(const struct book *book, struct span server, struct span handle)
{
    static const struct {
        const char *ending, *registry;
    } endings[] = {{"-ARIN", "ARIN"}, {"-RIPE", "RIPE"}, {"-AP", "APNIC"}, {"-AFRINIC", "AFRINIC"}};
    if (whois_server(book, server)->registry.len > 0)
        return server;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t len = strlen(endings[i].ending);
        if (handle.len <= len || !same(span_part(handle, handle.len - len, len), span_text(endings[i].ending)))
            continue;
        struct span name = servers_of_registry(book_part(book, BOOK_servers), span_text(endings[i].registry));
        return name.len > 0 ? name : server;
    }
    return server;
}

static void wait_for(struct quest *q, struct walk *w, const struct walk_step *step, const struct whois_reply *reply)
{
    for (size_t i = 0; i < reply->handle_count && w->waiting_count < WALK_WAITING_MAX; i++) {
        w->waiting[w->waiting_count].server = server_of_handle(quest_book(q), step->server, reply->handles[i]);
        w->waiting[w->waiting_count].handle = keep(q, reply->handles[i]);
        w->waiting[w->waiting_count].role = reply->handle_roles[i];
        w->waiting[w->waiting_count++].depth = step->depth;
    }
}

/* The next handles, when nothing is under way and the holder's entry gave no contact. A few at a time; one, where persons are counted. */
static void ask_handles(struct quest *q, struct walk *w)
{
    unsigned deepest = 0;
    for (size_t i = 0; i < w->step_count; i++)
        deepest = w->steps[i].answered && w->steps[i].depth > deepest ? w->steps[i].depth : deepest;
    for (size_t i = 0; i < w->step_count; i++) {
        if (w->steps[i].contact && w->steps[i].depth >= deepest)
            return;
    }
    while (w->open < AT_ONCE && w->waiting_next < w->waiting_count) {
        size_t at = w->waiting_next++;
        bool network = whois_handle_is_network(w->waiting[at].handle);
        if (network && w->open > 0) {
            w->waiting_next--;
            return; /* the block above only when the handles gave nothing */
        }
        quest_because(q, network ? "the network %.*s" : "contact %.*s of the entry", print_len(w->waiting[at].handle),
                      (const char *)w->waiting[at].handle.at);
        unsigned depth = w->waiting[at].depth;
        if (put(q, w,
                (struct walk_step){.server = w->waiting[at].server, .handle = w->waiting[at].handle, .role = w->waiting[at].role, .depth = depth},
                0) &&
            whois_server(quest_book(q), w->waiting[at].server)->personal_per_day > 0)
            return;
    }
}

/* ---- replies ---- */

static int read_reply(struct quest *q, struct walk *w, struct walk_step *step, struct span bytes, struct whois_reply *reply)
{
    const struct book *book = quest_book(q);
    step->found = arena_alloc(quest_arena(q), sizeof *step->found);
    if (step->found == NULL)
        return -ERR_LIMIT;
    findings_init(step->found, quest_arena(q));
    if (step->handle.len > 0 && !whois_handle_is_network(step->handle))
        return whois_read_handle(book, step->server, step->handle, step->role, 0, bytes, step->found, reply);
    if (w->domain.len > 0)
        return whois_read_domain(book, step->server, w->domain, bytes, step->found, reply);
    if (w->as != 0)
        return whois_read_as(book, step->server, w->as, bytes, step->found, reply);
    return whois_read(book, step->server, w->addr, bytes, step->found, reply);
}

static bool any_contact(const struct walk *w)
{
    for (size_t i = 0; i < w->step_count; i++) {
        if (w->steps[i].contact)
            return true;
    }
    return false;
}

/* A registry that does not know the address: ARIN refers to whoever does. A provider's own server that does not know its customer leaves the
 * provider. */
static void nobody_here(struct quest *q, struct walk *w, const struct walk_step *step)
{
    static const char arin[] = "whois.arin.net";
    if (step->handle.len > 0 || (whois_server(quest_book(q), step->server)->registry.len == 0 && any_contact(w)))
        return;
    const char *what = w->as != 0 ? "does not know the AS" : "does not know the address";
    if (w->domain.len > 0 || span_is(step->server, arin)) {
        if (w->domain.len == 0)
            owe(q, w, step->server, what);
        return;
    }
    quest_because(q, "%.*s %s", print_len(step->server), (const char *)step->server.at, what);
    if (!put(q, w, (struct walk_step){.server = span_text(arin), .depth = step->depth + 1}, 0))
        owe(q, w, step->server, what);
}

static void follow(struct quest *q, struct walk *w, struct walk_step *step, const struct whois_reply *reply, bool cut)
{
    /* What did not come may have been the entry. */
    if (cut && (reply->state == WHOIS_BROKEN || (reply->state == WHOIS_EMPTY && reply->next.len == 0))) {
        owe(q, w, step->server, "its reply was cut");
        return;
    }
    switch (reply->state) {
    case WHOIS_LIMITED:
        owe(q, w, step->server, "says that it was asked too much");
        return;
    case WHOIS_BANNED:
        owe(q, w, step->server, "does not serve us any more");
        return;
    case WHOIS_BROKEN:
        owe(q, w, step->server, "answered with an error");
        return;
    case WHOIS_REDUCED:
        owe(q, w, step->server, "answered with less than it knows, because it was asked too much");
        break;
    case WHOIS_EMPTY:
        if (reply->next.len == 0) {
            nobody_here(q, w, step);
            return;
        }
        break;
    case WHOIS_GOOD:
    default:
        break;
    }
    step->answered = true;
    step->contact = has_contact(step->found);
    step->cover = reply->cover;
    if (cut)
        owe(q, w, step->server, "its reply was cut");
    if (reply->next.len > 0 && !same(reply->next, step->server)) {
        quest_because(q, "%.*s: %.*s", print_len(step->server), (const char *)step->server.at, print_len(reply->next_reason),
                      (const char *)reply->next_reason.at);
        if (!put(q, w, (struct walk_step){.server = reply->next, .depth = step->depth + 1}, reply->next_port))
            w->circle = step->server;
    }
    if (reply->state != WHOIS_REDUCED)
        wait_for(q, w, step, reply);
}

void walk_hear(struct quest *q, struct walk *w, const struct answer *answer)
{
    struct whois_reply reply;
    if (answer->tag >= w->step_count || answer->kind != QUESTION_WHOIS)
        return;
    struct walk_step *step = &w->steps[answer->tag];
    bool bytes = answer->outcome == OUTCOME_ANSWERED || answer->outcome == OUTCOME_CUT;
    w->open -= w->open > 0;
    if (!bytes)
        owe(q, w, step->server,
            answer->outcome == OUTCOME_LIMITED  ? "was asked as much as it allows"
            : answer->outcome == OUTCOME_DENIED ? "not asked: policy"
                                                : "did not answer");
    else if (read_reply(q, w, step, answer->bytes, &reply) != 0)
        owe(q, w, step->server, "its reply could not be read");
    else
        follow(q, w, step, &reply, answer->outcome == OUTCOME_CUT);
    if (w->open == 0)
        ask_handles(q, w);
}

/* ---- the end ---- */

static const struct finding *taken(const struct findings *list, const struct channel *channel, const struct finding *like)
{
    for (const struct finding *f = list->first; f != NULL; f = f->next) {
        if (f->channel == channel && f->kind == like->kind && same(f->value, like->value) && same(f->domain, like->domain))
            return f;
    }
    return NULL;
}

/* "AS64500 OrgAbuseEmail": whose contact it is. */
static struct span of_as(struct quest *q, uint32_t as, struct span attribute)
{
    struct buf text;
    buf_init(&text, FINDING_EVIDENCE_MAX);
    buf_printf(&text, "AS%" PRIu32 " ", as);
    buf_span(&text, attribute);
    struct span ret = text.error == 0 ? keep(q, buf_as_span(&text)) : attribute;
    buf_done(&text);
    return ret;
}

/* What deeper entries say of an address holds. */
static unsigned add_step(struct quest *q, const struct walk *w, const struct walk_step *step, unsigned rank)
{
    unsigned next = rank;
    for (const struct finding *f = step->found != NULL ? step->found->first : NULL; f != NULL; f = f->next) {
        struct finding copy = *f;
        const struct finding *before = taken(quest_findings(q), w->channel, f);
        if (before != NULL && (before->objection == OBJECTION_NONE || f->objection != OBJECTION_NONE))
            continue;
        copy.channel = w->channel;
        copy.origin = step->server;
        copy.domain = w->domain;
        if (w->as != 0)
            copy.attribute = of_as(q, w->as, f->attribute);
        copy.rank += rank;
        if (f->objection == OBJECTION_NONE && copy.rank >= next)
            next = copy.rank + 1;
        (void)findings_add(quest_findings(q), &copy);
    }
    return next;
}

void walk_end(struct quest *q, struct walk *w, struct prefix *ret_cover)
{
    unsigned deepest = 0, rank = w->as != 0 ? WALK_RANK_OF_AS : 0;
    struct prefix cover = {.bits = 0};
    for (size_t i = 0; i < w->step_count; i++)
        deepest = w->steps[i].depth > deepest ? w->steps[i].depth : deepest;
    for (unsigned depth = deepest + 1; depth-- > 0;) {
        for (size_t i = 0; i < w->step_count; i++) {
            if (w->steps[i].depth != depth)
                continue;
            rank = add_step(q, w, &w->steps[i], rank);
            if (w->steps[i].answered && w->steps[i].cover.bits > cover.bits)
                cover = w->steps[i].cover;
        }
    }
    *ret_cover = (struct prefix){.bits = 0};
    /* Of registries, one may have answered before; a provider's own servers should know who is meant. */
    if (!w->debt && w->circle.len > 0 && (!has_contact(quest_findings(q)) || whois_server(quest_book(q), w->circle)->registry.len == 0))
        owe(q, w, w->circle, "refers to who was asked already");
    if (!w->debt)
        *ret_cover = cover;
}
