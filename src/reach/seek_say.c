/* Records of quests. One that finds no room in the journal is not appended: who states it waits and tries again. */
#include "reach/seek_parts.h"

#include "base/text.h"

#include <stdio.h>

enum { HEAD_MOST = 256, FACTS_MAX = 32, DOMAINS_TEXT_MAX = 16 * 1024 };

/* An upper bound of its length: text that is no UTF-8 becomes four times as long. */
static size_t size_most(const struct fact *facts, size_t count)
{
    size_t size = HEAD_MOST;
    for (size_t i = 0; i < count; i++) {
        enum fact_type type = fact_info((unsigned)facts[i].name)->type;
        size += 24 + (type == FACT_TYPE_TEXT ? facts[i].text.len * 4 : type == FACT_TYPE_BYTES ? facts[i].text.len : 0);
    }
    return size < RECORD_SIZE_MAX ? size : RECORD_SIZE_MAX;
}

struct facts {
    struct fact list[FACTS_MAX];
    size_t count;
};

static void add(struct facts *facts, struct fact fact)
{
    facts->list[facts->count++] = fact;
}

static void add_text(struct facts *facts, enum fact_name name, struct span text)
{
    if (text.len > 0)
        add(facts, fact_text(name, span_part(text, 0, RECORD_TEXT_MAX / 4)));
}

static bool say(struct seek *s, enum kind kind, struct id id, struct id session, struct endpoint to, const struct facts *facts)
{
    if (!journal_fits(s->config.journal, size_most(facts->list, facts->count)))
        return false;
    const struct record record = {.id = id,
                                  .time = s->wall,
                                  .sensor = s->sensor,
                                  .kind = kind,
                                  .transport = kind == KIND_DIAL ? TRANSPORT_TCP : TRANSPORT_NONE,
                                  .destination = to,
                                  .session = session,
                                  .facts = facts->list,
                                  .fact_count = facts->count};
    return journal_append(s->config.journal, &record) == 0;
}

static struct fact outcome(bool success)
{
    return fact_text(FACT_EVENT_OUTCOME, span_text(success ? "success" : "failure"));
}

static struct span protocol_of(const struct question *q)
{
    if (q->kind == QUESTION_FETCH)
        return span_text(q->url->https ? "https" : "http");
    return span_text(q->kind == QUESTION_DNS ? "dns" : q->port == 4321 ? "rwhois" : "whois");
}

/* Of whom it speaks, and its id: the quest's own when it is that one's first. */
static struct quest *first_of(const struct question *q)
{
    struct quest *quest = q->listeners != NULL ? q->listeners->call->quest : NULL;
    return quest != NULL && id_equal(quest->id, q->session) ? quest : NULL;
}

/* Says it with such an id, which is used only when it could be said. */
static bool say_of(struct question *q, enum kind kind, struct endpoint to, const struct facts *facts, struct id *ret_id)
{
    struct quest *quest = first_of(q);
    bool used = quest == NULL || quest->id_used;
    struct id id = quest_record_id(quest);
    if (!say(q->seek, kind, id, q->session, to, facts)) {
        if (quest != NULL)
            quest->id_used = used;
        return false;
    }
    *ret_id = id;
    return true;
}

bool say_question_dial(struct question *q, bool allowed, enum denial why)
{
    struct facts facts = {.count = 0};
    struct id id;
    add(&facts, outcome(allowed));
    if (!allowed)
        add_text(&facts, FACT_EVENT_REASON, span_text(denial_text(why)));
    add_text(&facts, FACT_NETWORK_PROTOCOL, protocol_of(q));
    add_text(&facts, FACT_CAUSE, q->cause);
    add_text(&facts, FACT_TASK, q->task);
    add_text(&facts, FACT_LOOKUP_SERVER, span_of(q->server->name, q->server->name_len));
    return say_of(q, KIND_DIAL, q->request.to, &facts, &id);
}

static void list_channels(const struct question *q, struct buf *out)
{
    buf_text(out, q->channel);
    for (const struct listener *l = q->listeners; l != NULL; l = l->next) {
        const char *name = l->call->channel->name;
        if (strstr(buf_cstr(out), name) == NULL)
            buf_printf(out, ",%s", name);
    }
}

/* The question as it was put; of one that holds a key, what stands before it. */
static void describe(const struct question *q, struct buf *query, struct buf *server)
{
    if (q->kind == QUESTION_DNS) {
        static const struct {
            enum dns_type type;
            const char *name;
        } types[] = {{DNS_A, "A"}, {DNS_NS, "NS"}, {DNS_SOA, "SOA"}, {DNS_PTR, "PTR"}, {DNS_MX, "MX"}, {DNS_TXT, "TXT"}, {DNS_AAAA, "AAAA"}};
        text_to_utf8(query, q->query);
        for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
            if (types[i].type == q->type)
                buf_printf(query, " %s", types[i].name);
        }
        buf_text(server, "resolver");
        return;
    }
    struct span asked = q->query, answered = q->kind == QUESTION_FETCH ? span_text(q->url->text) : span_of(q->server->name, q->server->name_len);
    if (q->secret) {
        asked = span_part(asked, 0, span_find(asked, '?'));
        answered = span_part(answered, 0, span_find(answered, '?'));
    }
    text_to_utf8(query, asked);
    text_to_utf8(server, answered);
}

static void add_reply(struct facts *facts, const struct question *q, char block[static PREFIX_TEXT_SIZE])
{
    add_text(facts, FACT_LOOKUP_NEXT, q->next_server);
    if (q->kind == QUESTION_WHOIS)
        add(facts, fact_int(FACT_PERSONAL, q->personal));
    if (q->block.bits > 0)
        add_text(facts, FACT_BLOCK, span_text(prefix_print(q->block, block)));
    add_text(facts, FACT_HOLDER, q->holder);
    if (q->kind == QUESTION_FETCH && q->status > 0)
        add(facts, fact_int(FACT_HTTP_STATUS, q->status));
    if (q->not_before != 0)
        add(facts, fact_int(FACT_NOT_BEFORE, q->not_before));
    if (q->bytes.len > 0 && !q->secret)
        add(facts, fact_text(FACT_CONTENT, span_part(buf_as_span(&q->bytes), 0, SEEK_CONTENT_MAX)));
}

bool say_lookup(struct question *q)
{
    struct seek *s = q->seek;
    struct facts facts = {.count = 0};
    struct buf channels, query, server;
    char block[PREFIX_TEXT_SIZE];
    buf_init(&channels, 1024);
    buf_init(&query, 4 * QUESTION_MAX);
    buf_init(&server, 4 * QUESTION_MAX);
    list_channels(q, &channels);
    describe(q, &query, &server);
    add(&facts, outcome(q->outcome == OUTCOME_ANSWERED || q->outcome == OUTCOME_CUT));
    add_text(&facts, FACT_EVENT_REASON, span_text(q->because));
    add(&facts, fact_int(FACT_EVENT_DURATION, (s->now - q->began) * 1000));
    add_text(&facts, FACT_NETWORK_PROTOCOL, protocol_of(q));
    add_text(&facts, FACT_CAUSE, q->cause);
    add_text(&facts, FACT_TASK, q->task);
    add_text(&facts, FACT_CHANNEL, buf_as_span(&channels));
    add_text(&facts, FACT_LOOKUP_SERVER, buf_as_span(&server));
    add_text(&facts, FACT_LOOKUP_QUERY, buf_as_span(&query));
    add_text(&facts, FACT_LOOKUP_STATE, span_text(q->state));
    add_reply(&facts, q, block);
    bool said = say_of(q, KIND_LOOKUP, (struct endpoint){.addr = q->target}, &facts, &q->lookup);
    buf_done(&channels);
    buf_done(&query);
    buf_done(&server);
    return said;
}

/* ---- what was found ---- */

static struct span known_text(enum known known)
{
    return span_text(known == KNOWN_YES ? "yes" : known == KNOWN_NO ? "no" : "unknown");
}

static void add_flags(struct facts *facts, unsigned flags, char text[static 128])
{
    static const struct {
        unsigned flag;
        const char *name;
    } names[] = {{FLAG_PRIVACY_PROXY, "privacy-proxy"},
                 {FLAG_FREE_MAIL, "free-mail"},
                 {FLAG_DISPOSABLE, "disposable"},
                 {FLAG_DEFAULT_PAGE, "default-page"},
                 {FLAG_VENDOR, "vendor"},
                 {FLAG_SURVEY, "survey"},
                 {FLAG_GUESS, "guess"},
                 {FLAG_NULL_MX, "null-mx"}};
    size_t len = 0;
    text[0] = '\0';
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if ((flags & names[i].flag) != 0)
            len += (size_t)snprintf(text + len, 128 - len, "%s%s", len > 0 ? "," : "", names[i].name);
    }
    add_text(facts, FACT_CONTACT_FLAGS, span_of(text, len));
}

static void add_verdict(struct facts *facts, const struct finding *f, const struct verdict_of_contact *v, char flags[static 128])
{
    static const char *const matches[MATCH_COUNT] = {
        [MATCH_NONE] = "none", [MATCH_EXACT] = "exact", [MATCH_REGISTRABLE] = "registrable", [MATCH_NAME] = "name"};
    add_text(facts, FACT_CONTACT_EXISTS, known_text(f->kind == CONTACT_ACCOUNT ? v->account.exists : v->exists));
    add_text(facts, FACT_CONTACT_MATCH, span_text(matches[v->match]));
    add(facts, fact_int(FACT_CONTACT_RFC2142, v->rfc2142));
    add(facts, fact_int(FACT_CONTACT_WORD, v->word));
    add_text(facts, FACT_CONTACT_VALID, known_text(v->valid));
    add_flags(facts, v->flags, flags);
    add(facts, fact_int(FACT_CONTACT_SCORE, v->score));
}

static const struct chosen *chosen_of(const struct quest *q, const struct finding *f)
{
    for (size_t i = 0; i < q->chosen_count; i++) {
        if (q->chosen[i].finding == f)
            return &q->chosen[i];
    }
    return NULL;
}

static const struct origin *origin_of(const struct quest *q, struct span server)
{
    for (const struct origin *o = q->origins; o != NULL; o = o->next) {
        if (span_equal(o->server, server))
            return o;
    }
    return NULL;
}

/* Why it is chosen, or how good it is. */
static void add_reason(struct facts *facts, const struct chosen *chosen, const struct verdict_of_contact *v, struct buf *text)
{
    if (chosen != NULL)
        text_to_utf8(text, chosen->reason);
    if (chosen != NULL && v != NULL && text->len > 0 && v->reason.len > 0)
        buf_text(text, "; ");
    if (v != NULL)
        text_to_utf8(text, v->reason);
    add_text(facts, FACT_EVENT_REASON, buf_as_span(text));
}

static bool say_contact(struct quest *q, const struct finding *f, const struct verdict_of_contact *v)
{
    struct facts facts = {.count = 0};
    char block[PREFIX_TEXT_SIZE], lookup[ID_TEXT_SIZE], flags[128];
    struct buf reason;
    const struct chosen *chosen = chosen_of(q, f);
    const struct origin *origin = origin_of(q, f->origin);
    bool used = q->id_used;
    buf_init(&reason, 8192);
    add_reason(&facts, chosen, v, &reason);
    add_text(&facts, FACT_CAUSE, q->order.cause);
    add_text(&facts, FACT_TASK, q->key);
    add_text(&facts, FACT_CHANNEL, span_text(f->channel->name));
    add_text(&facts, FACT_CONTACT_KIND, span_text(contact_kind_text(f->kind)));
    add_text(&facts, FACT_CONTACT_VALUE, f->value);
    add_text(&facts, FACT_CONTACT_ROLE, span_text(contact_role_text(f->role)));
    add_text(&facts, FACT_CONTACT_ATTRIBUTE, f->attribute);
    add_text(&facts, FACT_CONTACT_OBJECTION, span_text(objection_text(f->objection)));
    add(&facts, fact_int(FACT_CONTACT_RANK, f->rank));
    add_text(&facts, FACT_CONTACT_DOMAIN, f->domain.len > 0 ? f->domain : q->order.domain);
    if (v != NULL)
        add_verdict(&facts, f, v, flags);
    if (chosen != NULL)
        add_text(&facts, FACT_CONTACT_CHOICE, span_text(choice_text(chosen->choice)));
    if (f->block.bits > 0)
        add_text(&facts, FACT_BLOCK, span_text(prefix_print(f->block, block)));
    add_text(&facts, FACT_HOLDER, f->holder);
    add_text(&facts, FACT_LOOKUP_SERVER, f->origin);
    if (origin != NULL)
        add_text(&facts, FACT_LOOKUP, span_text(id_print(origin->lookup, lookup)));
    add_text(&facts, FACT_EVIDENCE, f->evidence);
    bool said = say(q->seek, KIND_CONTACT, quest_record_id(q), q->id, (struct endpoint){.addr = q->target.addr}, &facts);
    if (!said)
        q->id_used = used;
    buf_done(&reason);
    return said;
}

bool say_contacts(struct quest *q)
{
    for (; q->say_at != NULL; q->say_at = q->say_at->next) {
        if (!say_contact(q, q->say_at, q->verdicts != NULL ? &q->verdicts[q->said] : NULL))
            return false;
        q->said++;
    }
    return true;
}

static void list_names(const struct quest *q, struct buf *domains, struct buf *channels)
{
    for (size_t i = 0; i < q->domain_count; i++) {
        buf_text(domains, domains->len > 0 ? "," : "");
        buf_span(domains, q->domains[i].name);
    }
    for (const struct call *call = q->calls; call != NULL; call = call->next) {
        bool told = false;
        for (const struct call *before = q->calls; before != call; before = before->next)
            told = told || before->channel == call->channel;
        if (!told)
            buf_printf(channels, "%s%s", channels->len > 0 ? "," : "", call->channel->name);
    }
}

/* The smallest block that an answer spoke of, and its holder. */
static void add_block(struct facts *facts, const struct quest *q, char text[static PREFIX_TEXT_SIZE])
{
    struct prefix block = {.bits = 0};
    struct span holder = {0};
    for (const struct call *call = q->calls; call != NULL; call = call->next) {
        if (call->covers.bits > block.bits)
            block = call->covers;
    }
    for (const struct finding *f = q->findings.first; f != NULL; f = f->next) {
        if (f->domain.len == 0 && f->holder.len > 0 && (holder.len == 0 || f->block.bits == block.bits))
            holder = f->holder;
    }
    if (block.bits > 0)
        add_text(facts, FACT_BLOCK, span_text(prefix_print(block, text)));
    add_text(facts, FACT_HOLDER, holder);
}

bool say_quest(struct quest *q)
{
    struct seek *s = q->seek;
    bool done = !q->has_limited && !q->has_failed, used = q->id_used;
    struct facts facts = {.count = 0};
    struct buf domains, channels, reason;
    char block[PREFIX_TEXT_SIZE];
    buf_init(&domains, DOMAINS_TEXT_MAX);
    buf_init(&channels, 4096);
    buf_init(&reason, 8192);
    list_names(q, &domains, &channels);
    text_to_utf8(&reason, q->reason);
    add(&facts, outcome(done));
    add_text(&facts, FACT_EVENT_REASON, buf_as_span(&reason));
    add(&facts, fact_int(FACT_EVENT_DURATION, (s->now - q->began) * 1000));
    add_text(&facts, FACT_CAUSE, q->order.cause);
    add_text(&facts, FACT_TASK, q->key);
    add_text(&facts, FACT_CHANNEL, buf_as_span(&channels));
    add(&facts, fact_int(FACT_COUNT, (int64_t)q->said));
    add_text(&facts, FACT_CONTACT_DOMAIN, q->order.domain);
    add_text(&facts, FACT_DOMAINS, buf_as_span(&domains));
    add_text(&facts, FACT_DEBTS, buf_as_span(&q->debts));
    add_block(&facts, q, block);
    add_text(&facts, FACT_HOST_NAME, span_text(q->host_name));
    if (!done && q->not_before != 0)
        add(&facts, fact_int(FACT_NOT_BEFORE, q->not_before));
    bool said = say(s, KIND_QUEST, quest_record_id(q), q->id, (struct endpoint){.addr = q->target.addr}, &facts);
    if (!said)
        q->id_used = used;
    buf_done(&domains);
    buf_done(&channels);
    buf_done(&reason);
    return said;
}
