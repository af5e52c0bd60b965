#include "harness.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

#define REQUIRE(condition, why)                                                                              \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            (void)fprintf(stderr, "probe harness: %s: %s (%s:%d)\n", #condition, (why), __FILE__, __LINE__); \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

/* ---- what a probe may call ---- */

void *talk_state(struct talk *t)
{
    return t->state;
}

struct arena *talk_arena(struct talk *t)
{
    return &t->arena;
}

struct endpoint talk_target(const struct talk *t)
{
    return t->target;
}

struct span talk_agent(const struct talk *t)
{
    (void)t;
    return span_text("noroshi (+https://research.example/probing)");
}

unsigned talk_round(const struct talk *t)
{
    return t->round;
}

void talk_say(struct talk *t, struct span bytes)
{
    REQUIRE(!t->ended, "said after the end");
    if (t->over || bytes.len == 0)
        return;
    t->says++;
    if (bytes.len > HARNESS_SAID_MAX - t->said.len)
        t->said_too_much = true;
    else
        buf_span(&t->said, bytes);
}

struct span talk_heard(const struct talk *t)
{
    return buf_as_span(&t->heard);
}

void talk_wake(struct talk *t, usec_t after)
{
    REQUIRE(after >= 0, "a time before now");
    REQUIRE(after == 0 || t->probe->quiet != NULL, "there is nothing to wake");
    t->wake = after;
}

usec_t talk_first_byte(const struct talk *t)
{
    (void)t;
    return 6 * USEC_PER_SEC;
}

usec_t talk_quiet(const struct talk *t)
{
    (void)t;
    return USEC_PER_SEC;
}

static void check_fact(struct fact fact)
{
    const struct fact_info *info = fact_info(fact.name);
    REQUIRE(info != NULL && kind_has(KIND_ANSWER, fact.name), "no ANSWER record has such a fact");
    if (info->type == FACT_TYPE_INT || info->type == FACT_TYPE_ADDR)
        return;
    REQUIRE(fact.text.len <= RECORD_TEXT_MAX, "a fact that is too long");
    if (info->type == FACT_TYPE_TEXT) {
        REQUIRE(text_utf8_valid(fact.text) == fact.text.len, "text that is not UTF-8");
        REQUIRE(fact.text.len == 0 || memchr(fact.text.at, 0, fact.text.len) == NULL, "text with a NUL");
    }
}

static bool has_bytes(enum fact_name name)
{
    enum fact_type type = fact_info(name)->type;
    return type == FACT_TYPE_TEXT || type == FACT_TYPE_BYTES;
}

void talk_fact(struct talk *t, struct fact fact)
{
    REQUIRE(!t->ended, "a fact after the end");
    check_fact(fact);
    struct fact *place = NULL;
    for (size_t i = 0; i < t->fact_count; i++) {
        if (t->facts[i].name == fact.name)
            place = &t->facts[i];
    }
    if (place == NULL) {
        REQUIRE(t->fact_count < RECORD_FACTS_MAX, "too many facts");
        place = &t->facts[t->fact_count++];
    } else if (has_bytes(place->name)) {
        free((void *)(uintptr_t)place->text.at);
    }
    *place = fact;
    if (has_bytes(fact.name)) {
        uint8_t *copy = malloc(fact.text.len + 1);
        REQUIRE(copy != NULL, "memory");
        if (fact.text.len > 0)
            memcpy(copy, fact.text.at, fact.text.len);
        place->text = span_of(copy, fact.text.len);
    }
}

static void over(struct talk *t, enum ending ending)
{
    if (!t->over)
        t->ending = ending;
    t->over = true;
}

void talk_done(struct talk *t)
{
    if (t->ending == ENDING_CLOSED)
        t->ending = ENDING_ANSWERED; /* called in `end`: what came before the host's close was whole */
    over(t, ENDING_ANSWERED);
}

void talk_fail(struct talk *t, enum ending ending)
{
    REQUIRE((unsigned)ending < ENDING_COUNT, "no such ending");
    over(t, ending);
}

void talk_again(struct talk *t)
{
    REQUIRE(t->probe->care != CARE_ICS, "an industrial device is asked once");
    REQUIRE(t->round == 0, "a third connection");
    t->again = true;
}

/* ---- the host's side ---- */

static struct talk *open_with(const struct probe *probe, unsigned round, const void *state)
{
    struct talk *t = calloc(1, sizeof *t);
    REQUIRE(t != NULL, "memory");
    t->probe = probe;
    t->round = round;
    t->ending = ENDING_COUNT;
    t->state = calloc(1, probe->state_size > 0 ? probe->state_size : 1);
    REQUIRE(t->state != NULL, "memory");
    if (state != NULL && probe->state_size > 0)
        memcpy(t->state, state, probe->state_size);
    arena_init(&t->arena, HARNESS_ARENA_MAX);
    buf_init(&t->said, 0);
    buf_init(&t->heard, 0);
    buf_init(&t->summary, 0);
    REQUIRE(addr_parse(span_text("192.0.2.77"), &t->target.addr) == 0, "address");
    t->target.port = probe->ports[0];
    if (probe->ask != NULL)
        probe->ask(t);
    return t;
}

struct talk *harness_open(const struct probe *probe, unsigned round)
{
    return open_with(probe, round, NULL);
}

struct talk *harness_again(const struct talk *first)
{
    REQUIRE(first->ended && first->again, "no second connection was asked for");
    return open_with(first->probe, 1, first->state);
}

void harness_hear(struct talk *t, struct span bytes)
{
    if (t->over || bytes.len == 0)
        return;
    bool too_much = bytes.len > HARNESS_HEARD_MAX - t->heard.len;
    bytes = span_part(bytes, 0, HARNESS_HEARD_MAX - t->heard.len);
    buf_span(&t->heard, bytes);
    REQUIRE(t->heard.error == 0, "memory");
    /* A copy of just this size, so that reading past it is noticed. */
    uint8_t *copy = malloc(bytes.len > 0 ? bytes.len : 1);
    REQUIRE(copy != NULL, "memory");
    memcpy(copy, bytes.at, bytes.len);
    if (bytes.len > 0 && t->probe->hear != NULL)
        t->probe->hear(t, span_of(copy, bytes.len));
    free(copy);
    if (too_much)
        over(t, ENDING_TOO_MUCH);
}

bool harness_silence(struct talk *t)
{
    if (t->over || t->wake == 0)
        return false;
    t->wake = 0;
    t->probe->quiet(t);
    return true;
}

void harness_close(struct talk *t)
{
    if (t->ended)
        return;
    over(t, t->heard.len == 0 ? ENDING_SILENT : t->probe->over == TRANSPORT_UDP ? ENDING_DEADLINE : ENDING_CLOSED);
    t->ending_now = true;
    if (t->probe->end != NULL)
        t->probe->end(t);
    t->ended = true;
}

void harness_free(struct talk *t)
{
    if (t == NULL)
        return;
    harness_close(t);
    for (size_t i = 0; i < t->fact_count; i++) {
        if (has_bytes(t->facts[i].name))
            free((void *)(uintptr_t)t->facts[i].text.at);
    }
    arena_done(&t->arena);
    buf_done(&t->said);
    buf_done(&t->heard);
    buf_done(&t->summary);
    free(t->state);
    free(t);
}

static void finish(struct talk *t)
{
    for (unsigned i = 0; i < 8 && harness_silence(t); i++)
        ;
    harness_close(t);
}

static void hear_all(struct talk *t, struct span bytes, size_t piece)
{
    if (piece == 0)
        piece = bytes.len;
    for (size_t at = 0; at < bytes.len; at += piece)
        harness_hear(t, span_part(bytes, at, piece));
    finish(t);
}

struct talk *harness_talk(const struct probe *probe, unsigned round, struct span bytes, size_t piece)
{
    struct talk *t = harness_open(probe, round);
    hear_all(t, bytes, piece);
    return t;
}

const struct fact *harness_fact(const struct talk *t, enum fact_name name)
{
    for (size_t i = 0; i < t->fact_count; i++) {
        if (t->facts[i].name == name)
            return &t->facts[i];
    }
    return NULL;
}

const char *harness_summary(struct talk *t)
{
    buf_clear(&t->summary);
    buf_printf(&t->summary, "ending=%s\n", t->ending < ENDING_COUNT ? ending_text(t->ending) : "");
    if (t->again)
        buf_text(&t->summary, "again=1\n");
    for (unsigned name = 1; name < FACT_LIMIT; name++) {
        const struct fact *fact = harness_fact(t, (enum fact_name)name);
        if (fact == NULL)
            continue;
        buf_printf(&t->summary, "%s=", fact_info(name)->text);
        if (has_bytes(fact->name))
            text_escape(&t->summary, fact->text);
        else
            buf_printf(&t->summary, "%lld", (long long)fact->number);
        buf_byte(&t->summary, '\n');
    }
    return buf_cstr(&t->summary);
}

/* ---- the same stream in other pieces ---- */

static void require_same(struct talk *whole, struct talk *cut, size_t at)
{
    const char *expected = harness_summary(whole), *got = harness_summary(cut);
    if (strcmp(expected, got) == 0 && span_equal(buf_as_span(&whole->said), buf_as_span(&cut->said)))
        return;
    (void)fprintf(stderr, "probe harness: %s cut at %zu: said %zu bytes, learned\n%s\nas a whole: said %zu bytes, learned\n%s\n", whole->probe->name,
                  at, cut->said.len, got, whole->said.len, expected);
    abort();
}

struct talk *harness_every_cut(const struct probe *probe, unsigned round, struct span bytes)
{
    REQUIRE(probe->over == TRANSPORT_TCP, "datagrams are not cut");
    struct talk *whole = harness_talk(probe, round, bytes, 0);
    struct talk *bytewise = harness_talk(probe, round, bytes, 1);
    require_same(whole, bytewise, 1);
    harness_free(bytewise);
    for (size_t cut = 1; cut < bytes.len; cut++) {
        struct talk *t = harness_open(probe, round);
        harness_hear(t, span_part(bytes, 0, cut));
        harness_hear(t, span_part(bytes, cut, bytes.len));
        finish(t);
        require_same(whole, t, cut);
        harness_free(t);
        harness_free(harness_talk(probe, round, span_part(bytes, 0, cut), 0));
    }
    return whole;
}

void harness_fuzz(const struct probe *probe, const uint8_t *data, size_t len)
{
    size_t piece = len > 0 ? data[0] : 0;
    struct span bytes = len > 1 ? span_of(data + 1, len - 1) : (struct span){0};
    struct talk *t = harness_talk(probe, 0, bytes, piece);
    REQUIRE(t->ending < ENDING_COUNT, "no ending");
    (void)harness_summary(t);
    if (t->again) {
        struct talk *second = harness_again(t);
        hear_all(second, bytes, piece);
        harness_free(second);
    }
    harness_free(t);
}
