#include "harness.h"

#include "base/text.h"
#include "contact/order.h"
#include "contact/whois.h"
#include "settings.h"

#include <stdio.h>
#include <stdlib.h>

#define REQUIRE(condition, why)                                                                                \
    do {                                                                                                       \
        if (!(condition)) {                                                                                    \
            (void)fprintf(stderr, "contact harness: %s: %s (%s:%d)\n", #condition, (why), __FILE__, __LINE__); \
            abort();                                                                                           \
        }                                                                                                      \
    } while (0)

enum { DNS_RECORDS_MAX = 32, URL_MAX = 2048, NAME_MAX_BYTES = 253, FUZZ_ANSWERS_MAX = 40 };

struct harness_reply {
    struct harness_reply *next;
    enum question_kind kind;
    enum dns_type type;
    bool any_server, any_text;
    struct span server, text;
    struct answer answer;
};

static struct span keep(struct quest *q, struct span text)
{
    char *copy = arena_copy(&q->arena, text);
    REQUIRE(copy != NULL, "memory");
    return span_of(copy, text.len);
}

static void *room(struct quest *q, size_t len)
{
    void *p = arena_alloc(&q->arena, len);
    REQUIRE(p != NULL, "memory");
    return p;
}

/* ---- what a channel may call ---- */

static int ask(struct quest *q, struct harness_question question)
{
    REQUIRE(!q->ended, "a question after the end");
    if (q->asked_count == HARNESS_ASKED_MAX || q->asked_count >= q->refuse_after)
        return -ERR_LIMIT;
    question.server = keep(q, question.server);
    question.text = keep(q, question.text);
    question.because = keep(q, buf_as_span(&q->because));
    buf_clear(&q->because);
    q->asked[q->asked_count++] = question;
    return 0;
}

int quest_whois(struct quest *q, struct span server, uint16_t port, struct span query, unsigned tag)
{
    if (server.len == 0 || server.len > WHOIS_SERVER_MAX || query.len == 0 || query.len > WHOIS_QUERY_MAX)
        return -ERR_LIMIT;
    REQUIRE(port != 0, "a port");
    REQUIRE(memchr(query.at, '\n', query.len) == NULL && memchr(query.at, '\r', query.len) == NULL, "a query is one line");
    return ask(q, (struct harness_question){.kind = QUESTION_WHOIS, .server = server, .port = port, .text = query, .tag = tag});
}

int quest_dns(struct quest *q, enum dns_type type, struct span name, unsigned tag)
{
    if (name.len == 0 || name.len > NAME_MAX_BYTES)
        return -ERR_LIMIT;
    return ask(q, (struct harness_question){.kind = QUESTION_DNS, .type = type, .text = name, .tag = tag});
}

int quest_fetch(struct quest *q, struct span url, unsigned tag)
{
    if (url.len > URL_MAX)
        return -ERR_LIMIT;
    if (!span_starts(url, "http://") && !span_starts(url, "https://"))
        return -ERR_MALFORMED;
    return ask(q, (struct harness_question){.kind = QUESTION_FETCH, .text = url, .tag = tag});
}

void *quest_state(struct quest *q)
{
    return q->state;
}

struct arena *quest_arena(struct quest *q)
{
    return &q->arena;
}

const struct target *quest_target(const struct quest *q)
{
    return &q->target;
}

struct findings *quest_findings(struct quest *q)
{
    return &q->findings;
}

const struct book *quest_book(const struct quest *q)
{
    return q->book;
}

const struct conf *quest_settings(const struct quest *q)
{
    return q->settings;
}

const struct contact_order *quest_order(const struct quest *q)
{
    return q->order;
}

void quest_because(struct quest *q, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_clear(&q->because);
    buf_vprintf(&q->because, format, args);
    va_end(args);
}

void quest_debt(struct quest *q, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vprintf(&q->debts, format, args);
    buf_byte(&q->debts, '\n');
    va_end(args);
    q->debt_count++;
}

void quest_covers(struct quest *q, struct prefix block)
{
    if (q->covers_count < HARNESS_DOMAINS_MAX)
        q->covers[q->covers_count++] = block;
}

void quest_domain(struct quest *q, struct span domain, bool web_only)
{
    REQUIRE(domain.len > 0 && domain.len <= NAME_MAX_BYTES, "a domain");
    if (q->domain_count < HARNESS_DOMAINS_MAX)
        q->domains[q->domain_count++] = (struct harness_domain){.name = keep(q, domain), .web_only = web_only};
}

void quest_is_device(struct quest *q, struct span maker)
{
    REQUIRE(maker.len > 0, "a maker's name");
    if (q->maker.len == 0)
        q->maker = keep(q, maker);
}

struct span quest_maker(const struct quest *q)
{
    return q->maker;
}

/* ---- the table ---- */

struct quest *harness_quest(const struct channel *channel, struct target target, const struct book *book)
{
    struct quest *q = calloc(1, sizeof *q);
    REQUIRE(q != NULL && channel != NULL, "memory");
    arena_init(&q->arena, HARNESS_ARENA_MAX);
    q->channel = channel;
    q->target = target;
    q->target.domain = keep(q, target.domain);
    q->book = book;
    q->order = room(q, sizeof *q->order);
    harness_settings(q, "");
    q->refuse_after = HARNESS_ASKED_MAX;
    q->state = room(q, channel->state_size > 0 ? channel->state_size : 1);
    findings_init(&q->findings, &q->arena);
    buf_init(&q->debts, 0);
    buf_init(&q->because, 0);
    buf_init(&q->summary, 0);
    return q;
}

void harness_settings(struct quest *q, const char *yaml)
{
    struct conf_error error;
    conf_free(q->settings);
    q->settings = NULL;
    int r = conf_parse(&q->settings, "harness.yaml", span_text(yaml), settings_schema(), &error);
    REQUIRE(r == 0, error.text);
}

void harness_free(struct quest *q)
{
    if (q == NULL)
        return;
    conf_free(q->settings);
    buf_done(&q->debts);
    buf_done(&q->because);
    buf_done(&q->summary);
    arena_done(&q->arena);
    free(q);
}

static struct harness_reply *add_reply(struct quest *q, enum question_kind kind, const char *server, const char *text)
{
    struct harness_reply *r = room(q, sizeof *r), **end = &q->table;
    while (*end != NULL)
        end = &(*end)->next;
    *end = r;
    r->kind = kind;
    r->any_server = server == NULL;
    r->any_text = text == NULL;
    r->server = keep(q, span_text(server));
    r->text = keep(q, span_text(text));
    r->answer.kind = kind;
    return r;
}

void harness_whois(struct quest *q, const char *server, const char *query, enum outcome outcome, struct span bytes)
{
    struct harness_reply *r = add_reply(q, QUESTION_WHOIS, server, query);
    r->answer.outcome = outcome;
    r->answer.bytes = keep(q, bytes);
}

void harness_dns(struct quest *q, enum dns_type type, const char *name, int rcode, const struct dns_record *records, size_t count)
{
    struct harness_reply *r = add_reply(q, QUESTION_DNS, NULL, name);
    struct dns_record *copy = room(q, (count + 1) * sizeof *copy);
    r->type = type;
    for (size_t i = 0; i < count; i++) {
        copy[i] = records[i];
        copy[i].text = keep(q, records[i].text);
    }
    r->answer.status = rcode;
    r->answer.outcome = rcode == 0 || rcode == 3 ? OUTCOME_ANSWERED : OUTCOME_FAILED;
    r->answer.records = copy;
    r->answer.record_count = count;
}

void harness_dns_text(struct quest *q, enum dns_type type, const char *name, const char *text)
{
    struct dns_record record = {.type = (uint16_t)type, .text = span_text(text)};
    if (type == DNS_A || type == DNS_AAAA)
        REQUIRE(addr_parse(span_text(text), &record.addr) == 0, "an address");
    size_t blank = span_find(record.text, ' ');
    if (type == DNS_MX && blank < record.text.len) {
        record.preference = (uint16_t)strtoul(text, NULL, 10);
        record.text = span_part(record.text, blank + 1, record.text.len);
    }
    harness_dns(q, type, name, 0, &record, 1);
}

void harness_page(struct quest *q, const char *url, int status, const char *content_type, const char *answered_by, struct span body)
{
    struct harness_reply *r = add_reply(q, QUESTION_FETCH, NULL, url);
    r->answer.outcome = OUTCOME_ANSWERED;
    r->answer.status = status;
    r->answer.type = keep(q, span_text(content_type));
    r->answer.server = keep(q, span_text(answered_by != NULL ? answered_by : url));
    r->answer.bytes = keep(q, body);
}

void harness_fetch_outcome(struct quest *q, const char *url, enum outcome outcome, int status)
{
    struct harness_reply *r = add_reply(q, QUESTION_FETCH, NULL, url);
    r->answer.outcome = outcome;
    r->answer.status = status;
    r->answer.server = keep(q, span_text(url));
}

void harness_certificate(struct quest *q, struct span der)
{
    struct harness_reply *last = q->table;
    while (last != NULL && last->next != NULL)
        last = last->next;
    REQUIRE(last != NULL && last->kind == QUESTION_FETCH, "a page");
    last->answer.certificate = keep(q, der);
}

static const struct harness_reply *find_reply(const struct quest *q, const struct harness_question *question)
{
    for (const struct harness_reply *r = q->table; r != NULL; r = r->next) {
        if (r->kind != question->kind || (r->kind == QUESTION_DNS && r->type != question->type))
            continue;
        if ((r->any_server || r->kind != QUESTION_WHOIS || span_equal(r->server, question->server)) &&
            (r->any_text || span_equal(r->text, question->text)))
            return r;
    }
    return NULL;
}

/* ---- the run ---- */

/* The channel sees copies of just their size that are gone afterwards, so that reading past them or keeping them is noticed. */
static struct span lend(struct span bytes, void **ret)
{
    *ret = malloc(bytes.len > 0 ? bytes.len : 1);
    REQUIRE(*ret != NULL, "memory");
    if (bytes.len > 0)
        memcpy(*ret, bytes.at, bytes.len);
    return span_of(*ret, bytes.len);
}

static void tell(struct quest *q, struct harness_question *question, struct answer answer)
{
    void *bytes, *text, *server, *certificate;
    answer.kind = question->kind;
    answer.tag = question->tag;
    answer.question = lend(question->text, &text);
    answer.server = lend(question->kind == QUESTION_FETCH ? answer.server : question->server, &server);
    answer.bytes = lend(answer.bytes, &bytes);
    answer.certificate = lend(answer.certificate, &certificate);
    question->outcome = answer.outcome;
    q->channel->hear(q, &answer);
    free(bytes);
    free(text);
    free(server);
    free(certificate);
}

static void answer_all(struct quest *q)
{
    while (q->heard_count < q->asked_count) {
        size_t from = q->heard_count, until = q->asked_count;
        for (size_t i = from; i < until; i++) {
            struct harness_question *question = &q->asked[q->latest_first ? from + until - 1 - i : i];
            const struct harness_reply *r = find_reply(q, question);
            tell(q, question, r != NULL ? r->answer : (struct answer){.outcome = OUTCOME_FAILED});
        }
        q->heard_count = until;
    }
}

static void check_findings(const struct quest *q)
{
    for (const struct finding *f = q->findings.first; f != NULL; f = f->next) {
        REQUIRE((unsigned)f->kind < CONTACT_KIND_COUNT && (unsigned)f->role < CONTACT_ROLE_COUNT, "a finding of no kind");
        REQUIRE((unsigned)f->objection < OBJECTION_COUNT && f->value.len > 0 && f->value.len <= FINDING_VALUE_MAX, "a finding without value");
        REQUIRE(f->evidence.len <= FINDING_EVIDENCE_MAX && text_utf8_valid(f->evidence) == f->evidence.len, "evidence that is not UTF-8");
        REQUIRE(text_utf8_valid(f->value) == f->value.len, "a value that is not UTF-8");
    }
}

static void finish(struct quest *q)
{
    if (q->channel->end != NULL)
        q->channel->end(q);
    q->ended = true;
    check_findings(q);
}

void harness_run(struct quest *q)
{
    REQUIRE(!q->ended, "a quest is run once");
    q->channel->ask(q);
    answer_all(q);
    finish(q);
}

void harness_fuzz(const struct channel *channel, struct target target, const struct book *book, const uint8_t *data, size_t len)
{
    static const uint8_t mark[2] = {0xff, 0xfe};
    struct quest *q = harness_quest(channel, target, book);
    uint8_t first = len > 0 ? data[0] : 0;
    struct span left = span_part(span_of(data, len), 1, len);
    q->refuse_after = FUZZ_ANSWERS_MAX;
    channel->ask(q);
    for (size_t i = 0; i < q->asked_count; i++) {
        const uint8_t *hit = left.len >= sizeof mark ? memmem(left.at, left.len, mark, sizeof mark) : NULL;
        struct span piece = span_part(left, 0, hit != NULL ? (size_t)(hit - left.at) : left.len);
        struct answer answer = {.outcome = i == 0 ? OUTCOME_ANSWERED : (enum outcome)(first % OUTCOME_COUNT),
                                .bytes = piece,
                                .certificate = q->asked[i].kind == QUESTION_FETCH ? piece : (struct span){0},
                                .status = q->asked[i].kind == QUESTION_FETCH ? 200 : 0,
                                .server = q->asked[i].kind == QUESTION_FETCH ? q->asked[i].text : (struct span){0}};
        struct dns_record record = {.type = (uint16_t)q->asked[i].type, .text = piece, .addr = target.addr};
        if (q->asked[i].kind == QUESTION_DNS && piece.len > 0 && text_utf8_valid(piece) == piece.len) {
            answer.records = &record;
            answer.record_count = 1;
        }
        left = span_part(left, piece.len + (hit != NULL ? sizeof mark : 0), left.len);
        tell(q, &q->asked[i], answer);
    }
    finish(q);
    harness_free(q);
}

/* ---- looking at it ---- */

static void print_question(struct buf *out, const struct harness_question *a)
{
    static const char *const kinds[] = {"whois", "dns", "fetch"};
    buf_printf(out, "ask %s ", kinds[a->kind]);
    if (a->kind == QUESTION_WHOIS) {
        text_escape(out, a->server);
        buf_printf(out, ":%u ", a->port);
    }
    if (a->kind == QUESTION_DNS)
        buf_printf(out, "%d ", (int)a->type);
    text_escape(out, a->text);
    buf_printf(out, " -> %s", outcome_text(a->outcome));
    if (a->because.len > 0) {
        buf_text(out, " (");
        text_escape(out, a->because);
        buf_byte(out, ')');
    }
    buf_byte(out, '\n');
}

static void print_finding(struct buf *out, const struct finding *f)
{
    buf_printf(out, "found %s ", contact_kind_text(f->kind));
    text_escape(out, f->value);
    buf_printf(out, " %s rank=%u", contact_role_text(f->role), f->rank);
    if (f->objection != OBJECTION_NONE)
        buf_printf(out, " objection=%s", objection_text(f->objection));
    buf_text(out, " [");
    text_escape(out, f->attribute);
    buf_text(out, "]\n");
}

const char *harness_summary(struct quest *q)
{
    char block[PREFIX_TEXT_SIZE];
    buf_clear(&q->summary);
    for (size_t i = 0; i < q->asked_count; i++)
        print_question(&q->summary, &q->asked[i]);
    for (const struct finding *f = q->findings.first; f != NULL; f = f->next)
        print_finding(&q->summary, f);
    for (struct span left = buf_as_span(&q->debts); left.len > 0;) {
        struct span line = span_part(left, 0, span_find(left, '\n'));
        left = span_part(left, line.len + 1, left.len);
        buf_text(&q->summary, "debt ");
        text_escape(&q->summary, line);
        buf_byte(&q->summary, '\n');
    }
    for (size_t i = 0; i < q->domain_count; i++) {
        buf_text(&q->summary, q->domains[i].web_only ? "domain-web " : "domain ");
        text_escape(&q->summary, q->domains[i].name);
        buf_byte(&q->summary, '\n');
    }
    for (size_t i = 0; i < q->covers_count; i++)
        buf_printf(&q->summary, "covers %s\n", prefix_print(q->covers[i], block));
    return buf_cstr(&q->summary);
}

const struct finding *harness_found(const struct quest *q, const char *value)
{
    for (const struct finding *f = q->findings.first; f != NULL; f = f->next) {
        if (span_is(f->value, value))
            return f;
    }
    return NULL;
}

size_t harness_contacts(const struct quest *q)
{
    size_t count = 0;
    for (const struct finding *f = q->findings.first; f != NULL; f = f->next)
        count += f->objection == OBJECTION_NONE;
    return count;
}
