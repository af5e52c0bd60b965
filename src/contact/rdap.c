/*
 * RDAP (RFC 7480–7484, 9082, 9083): of an address at the registry that IANA gave its block to, of a domain at its top level's registry and at the
 * registrar that it names. Entities without a card are asked for by their own URL, at the server that named them.
 */
#include "contact/rdap.h"
#include "base/buf.h"
#include "base/err.h"
#include "contact/order.h"
#include "contact/rdap_bootstrap.h"
#include "contact/whois_tables.h"

enum { TAG_OBJECT, TAG_RELATED, TAG_AS, TAG_ENTITY };

struct rdap {
    struct rdap_wanted wanted[RDAP_WANTED_MAX];
    unsigned wanted_count;
    bool as_asked;
    bool owing; /* a part of the answer is missing: it does not hold for the whole block */
    struct prefix block;
    struct span holder;
};

extern const struct channel channel_rdap;

static void fetch(struct quest *q, struct span url, unsigned tag)
{
    struct rdap *state = quest_state(q);
    if (quest_fetch(q, url, tag) == 0)
        return;
    state->owing = true;
    quest_debt(q, "%.*s was not asked for", (int)url.len, (const char *)url.at);
}

static void fetch_below(struct quest *q, struct span base, const char *path, struct span what, unsigned tag)
{
    struct buf url;
    buf_init(&url, RDAP_URL_MAX);
    buf_span(&url, base);
    buf_text(&url, path);
    buf_span(&url, what);
    if (url.error == 0)
        fetch(q, buf_as_span(&url), tag);
    buf_done(&url);
}

static void ask_address(struct quest *q)
{
    const struct book *book = quest_book(q);
    char text[ADDR_TEXT_SIZE];
    struct span server;
    struct addr asked;
    if (whois_first(book, quest_target(q)->addr, &server, &asked) != 0)
        return; /* special-purpose, or nobody's */
    struct span base = bootstrap_of_address(book, asked);
    if (base.len == 0)
        base = whois_server(book, server)->rdap;
    if (base.len == 0)
        return;
    quest_because(q, "RDAP of the registry of %.*s", (int)server.len, (const char *)server.at);
    fetch_below(q, base, "ip/", span_text(addr_print(asked, text)), TAG_OBJECT);
}

static void ask_domain(struct quest *q)
{
    struct span domain = domain_registrable(quest_target(q)->domain);
    const struct tld_entry *tld = domain.len > 0 ? tlds_find(book_part(quest_book(q), BOOK_tlds), domain) : NULL;
    struct span base = bootstrap_of_domain(quest_book(q), domain);
    if (base.len == 0 && tld != NULL)
        base = tld->rdap;
    if (base.len == 0 || domain.len == 0)
        return;
    quest_because(q, "RDAP of the top-level domain");
    fetch_below(q, base, "domain/", domain, TAG_OBJECT);
}

static void ask(struct quest *q)
{
    if (quest_book(q) == NULL)
        return;
    if (quest_target(q)->domain.len > 0)
        ask_domain(q);
    else
        ask_address(q);
}

/* The network named nobody: its autonomous system may. */
static void ask_as(struct quest *q)
{
    struct rdap *state = quest_state(q);
    uint32_t as = quest_order(q)->as;
    struct span server;
    char text[16];
    if (as == 0 || state->as_asked || quest_target(q)->domain.len > 0 || whois_first_as(quest_book(q), as, &server) != 0)
        return;
    struct span base = bootstrap_of_as(quest_book(q), as);
    if (base.len == 0)
        base = whois_server(quest_book(q), server)->rdap;
    state->as_asked = true;
    if (base.len == 0)
        return;
    quest_because(q, "no contact of the network: its autonomous system");
    (void)snprintf(text, sizeof text, "%lu", (unsigned long)as);
    fetch_below(q, base, "autnum/", span_text(text), TAG_AS);
}

static void ask_further(struct quest *q, const struct rdap_answer *answer, unsigned tag)
{
    struct rdap *state = quest_state(q);
    for (size_t i = 0; i < answer->wanted_count && state->wanted_count < RDAP_WANTED_MAX; i++) {
        const struct rdap_wanted *w = &answer->wanted[i];
        bool known = false;
        for (size_t k = 0; k < state->wanted_count; k++)
            known = known || span_equal(state->wanted[k].url, w->url);
        /* Who takes reports of abuse is known: others are not worth a question. */
        if (known || (answer->contacts > 0 && w->role != CONTACT_ROLE_ABUSE))
            continue;
        state->wanted[state->wanted_count++] = *w;
        quest_because(q, "%s entity %.*s was named without its mail", contact_role_text(w->role), (int)w->handle.len, (const char *)w->handle.at);
        fetch(q, w->url, TAG_ENTITY + state->wanted_count - 1);
    }
    if (tag == TAG_OBJECT && answer->related.len > 0) {
        quest_because(q, "the registrar's own answer");
        fetch(q, answer->related, TAG_RELATED);
    }
    if (tag == TAG_OBJECT && answer->contacts == 0 && answer->wanted_count == 0)
        ask_as(q);
}

static struct finding like_for(struct quest *q, const struct answer *a)
{
    struct rdap *state = quest_state(q);
    struct finding like = {.channel = &channel_rdap,
                           .role = CONTACT_ROLE_NONE,
                           .rank = 10, /* remarks of the network: after its abuse entity, before the others */
                           .origin = a->server.len > 0 ? a->server : a->question,
                           .domain = quest_target(q)->domain};
    if (a->tag >= TAG_ENTITY && a->tag - TAG_ENTITY < state->wanted_count) {
        like.role = state->wanted[a->tag - TAG_ENTITY].role;
        like.rank = state->wanted[a->tag - TAG_ENTITY].rank;
        like.block = state->block;
        like.holder = state->holder;
    } else if (a->tag == TAG_AS) {
        like.rank = 100;
    }
    return like;
}

static void read_answer(struct quest *q, const struct answer *a, json_t *root)
{
    struct rdap *state = quest_state(q);
    struct rdap_answer answer;
    struct finding like = like_for(q, a);
    rdap_read(q, root, &like, like.origin, &answer);
    if (answer.error_code != 0 && answer.error_code != 404)
        quest_debt(q, "%.*s: error %d", (int)like.origin.len, (const char *)like.origin.at, answer.error_code);
    if (answer.error_code != 0)
        return;
    if (answer.unmanaged) {
        quest_debt(q, "%.*s says that the block is another registry's", (int)like.origin.len, (const char *)like.origin.at);
        return;
    }
    if (a->tag == TAG_OBJECT) {
        state->block = answer.block;
        state->holder = answer.holder;
    }
    if (a->tag <= TAG_RELATED)
        ask_further(q, &answer, a->tag);
}

static void hear_answer(struct quest *q, const struct answer *a)
{
    int url_len = (int)a->question.len;
    const char *url = (const char *)a->question.at;
    json_t *root;
    if (a->outcome != OUTCOME_ANSWERED) {
        quest_debt(q, "%.*s: %s", url_len, url, outcome_text(a->outcome));
        return;
    }
    if (a->status == 404) { /* RFC 7480 §5.3: it knows nothing of it */
        if (a->tag == TAG_OBJECT)
            ask_as(q);
        return;
    }
    if (a->status != 200) {
        quest_debt(q, a->status == 429 ? "%.*s: asked too much (HTTP %d)" : "%.*s: HTTP %d", url_len, url, a->status);
        return;
    }
    int r = rdap_load(a->bytes, &root);
    if (r != 0) {
        struct rdap *state = quest_state(q);
        state->owing = true;
        quest_debt(q, "%.*s: no RDAP answer: %s", url_len, url, err_text(r));
        return;
    }
    read_answer(q, a, root);
    json_decref(root);
}

static void hear(struct quest *q, const struct answer *a)
{
    struct rdap *state = quest_state(q);
    if (a->outcome != OUTCOME_ANSWERED || (a->status != 200 && a->status != 404))
        state->owing = true;
    hear_answer(q, a);
}

/* Only now: what entities said later belongs to the block, too. */
static void end(struct quest *q)
{
    const struct rdap *state = quest_state(q);
    if (state->block.bits > 0 && !state->owing && quest_target(q)->domain.len == 0)
        quest_covers(q, state->block);
}

const struct channel channel_rdap = {
    .name = "rdap",
    .trust = 320,
    .help = "RDAP of the address's registry, of its autonomous system, of the domain's registry and registrar",
    .wants = CHANNEL_ADDRESS | CHANNEL_DOMAIN,
    .verified = true,
    .serves = CHANNEL_SERVES_BLOCK,
    .state_size = sizeof(struct rdap),
    .ask = ask,
    .hear = hear,
    .end = end,
};
