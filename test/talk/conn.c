#include "conn.h"

#include "base/text.h"

#include <openssl/evp.h>
#include <stdlib.h>

enum { UNSENT_AT_ONCE = 4096, MORE_MAX = 200000, SUMS_MAX = 16, MEMORY = 2 * 1024 * 1024 };

struct conn {
    struct talk *talk;
    const struct service *service;
    const struct profile *profile;
    struct endpoint source, destination;
    struct arena arena;
    struct fact sums[SUMS_MAX];
    size_t sum_count;
    size_t unsent;
    bool said, woken, ending, closed;
    _Alignas(16) uint8_t state[];
};

void *conn_state(struct conn *c)
{
    return c->state;
}

struct arena *conn_arena(struct conn *c)
{
    return &c->arena;
}

const struct profile *conn_profile(struct conn *c)
{
    return c->profile;
}

struct endpoint conn_source(const struct conn *c)
{
    return c->source;
}

struct endpoint conn_destination(const struct conn *c)
{
    return c->destination;
}

usec_t conn_now(const struct conn *c)
{
    (void)c;
    return INT64_C(1795000000) * USEC_PER_SEC;
}

uint64_t conn_seed(const struct conn *c)
{
    return c->source.addr.bytes[15];
}

void conn_say(struct conn *c, struct span bytes)
{
    if (c->ending)
        return;
    if (c->talk->output_max != 0 && c->talk->output.len + bytes.len > c->talk->output_max) {
        conn_hangup(c, REASON_OUTPUT);
        return;
    }
    buf_span(&c->talk->output, bytes);
    c->unsent += bytes.len;
    c->said = true;
}

size_t conn_unsent(const struct conn *c)
{
    return c->unsent;
}

void conn_delay(struct conn *c, usec_t wait)
{
    c->talk->delayed += wait > 0 ? wait : 0;
}

void conn_wake(struct conn *c, usec_t after)
{
    c->woken = after > 0;
}

/* Long contents by length and digest, so that two runs compare. */
static void put_bytes(struct buf *out, struct span bytes)
{
    uint8_t digest[32];
    char hex[65];
    if (EVP_Digest(bytes.at, bytes.len, digest, NULL, EVP_sha256(), NULL) == 1)
        buf_printf(out, "%zu:%s", bytes.len, text_hex(span_of(digest, sizeof digest), hex));
}

static void put_fact(struct buf *out, const struct fact *fact)
{
    const struct fact_info *info = fact_info(fact->name);
    char text[ADDR_TEXT_SIZE];
    buf_printf(out, " %s=", info->text);
    switch (info->type) {
    case FACT_TYPE_TEXT:
        text_escape(out, fact->text);
        break;
    case FACT_TYPE_BYTES:
        put_bytes(out, fact->text);
        break;
    case FACT_TYPE_INT:
        buf_printf(out, "%lld", (long long)fact->number);
        break;
    case FACT_TYPE_ADDR:
        buf_text(out, addr_print(fact->addr, text));
        break;
    }
}

void conn_fact(struct conn *c, enum kind kind, const struct fact *facts, size_t count)
{
    struct buf *out = &c->talk->facts;
    buf_text(out, kind_info(kind)->name);
    for (size_t i = 0; i < count; i++) {
        if (!kind_has(kind, facts[i].name))
            abort();
        put_fact(out, &facts[i]);
    }
    buf_byte(out, '\n');
}

void conn_sum(struct conn *c, struct fact fact)
{
    const struct fact_info *info = fact_info(fact.name);
    if (!kind_has(KIND_SESSION, fact.name))
        abort();
    if (info->type == FACT_TYPE_TEXT || info->type == FACT_TYPE_BYTES) {
        const char *copy = arena_copy(&c->arena, fact.text);
        fact.text = span_of(copy, copy != NULL ? fact.text.len : 0);
    }
    size_t at = 0;
    while (at < c->sum_count && c->sums[at].name != fact.name)
        at++;
    if (at == SUMS_MAX)
        abort();
    c->sums[at] = fact;
    if (at == c->sum_count)
        c->sum_count++;
}

void conn_hangup(struct conn *c, enum reason reason)
{
    if (c->ending)
        return;
    c->ending = true;
    c->talk->reason = reason;
}

bool conn_ending(const struct conn *c)
{
    return c->ending;
}

/* The peer takes everything at once; a long answer, or what was put off, goes on until it is through. */
static void drain(struct conn *c)
{
    for (unsigned i = 0; i < MORE_MAX && (c->said || c->woken) && !c->ending; i++) {
        c->unsent = 0;
        if (c->woken) {
            c->woken = false;
            c->service->idle(c);
            continue;
        }
        c->said = false;
        if (c->service->more != NULL)
            c->service->more(c);
    }
    c->unsent = 0;
    c->said = false;
}

struct talk *talk_new(const struct service *service, const struct profile *profile, struct endpoint source)
{
    struct talk *talk = calloc(1, sizeof *talk);
    struct conn *c = calloc(1, sizeof *c + service->state_size);
    if (talk == NULL || c == NULL)
        abort();
    talk->conn = c;
    c->talk = talk;
    c->service = service;
    c->profile = profile;
    c->source = source;
    c->destination = (struct endpoint){.addr = addr_v4(0xc6336401), .port = service->port}; /* 198.51.100.1 */
    arena_init(&c->arena, MEMORY);
    service->open(c);
    drain(c);
    return talk;
}

void talk_input(struct talk *talk, struct span bytes)
{
    struct conn *c = talk->conn;
    if (c->ending || bytes.len == 0)
        return;
    c->service->input(c, bytes);
    drain(c);
}

void talk_close(struct talk *talk)
{
    struct conn *c = talk->conn;
    if (c->closed)
        return;
    c->closed = c->ending = true;
    c->service->close(c);
    buf_text(&talk->facts, "session");
    for (size_t i = 0; i < c->sum_count; i++)
        put_fact(&talk->facts, &c->sums[i]);
    buf_byte(&talk->facts, '\n');
    arena_done(&c->arena);
}

void talk_free(struct talk *talk)
{
    if (talk == NULL)
        return;
    talk_close(talk);
    buf_done(&talk->output);
    buf_done(&talk->facts);
    free(talk->conn);
    free(talk);
}

bool talk_over(const struct talk *talk)
{
    return talk->conn->ending;
}
