/* The verb `whois` on live registries: a search for contacts by WHOIS channels alone, and its look-ups printed as hops. */
#include "cli/whois.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "cli/reading.h"
#include "cli/when.h"
#include "contact/order.h"
#include "outside/attribution.h"
#include "process/aside.h"
#include "process/role.h"
#include "store/client.h"
#include "store/task.h"

#include <time.h>

enum { TARGETS_MAX = 64, POLL_MSEC = 100, MEMORY_MAX = 1024 * 1024, EVIDENCE_SHOWN = 120 };
#define WAIT_USUAL (600 * USEC_PER_SEC)

struct whois_target {
    struct addr addr;
    struct span domain; /* empty: the address */
    char key[TASK_KEY_MAX + 1];
    bool ended;
};

struct live {
    const struct invocation *invocation;
    bool json, trace;
    struct arena arena;
    struct whois_target targets[TARGETS_MAX];
    size_t count;
    usec_t began, wait;
};

static int add_target(struct live *l, const char *word)
{
    struct whois_target *t = &l->targets[l->count];
    if (l->count == TARGETS_MAX)
        return usage_error(&verb_whois, "expected at most %d targets; `contact` takes files of them", TARGETS_MAX);
    if (addr_parse(span_text(word), &t->addr) != 0 && domain_normalise(&l->arena, span_text(word), &t->domain) != 0)
        return usage_error(&verb_whois, "expected an address or a domain, got \"%.60s\"", word);
    l->count++;
    return 0;
}

/* What was asked today is the same task, and is not asked again; with --trace it is asked, so that there are hops to print. */
static void name_task(const struct live *l, struct whois_target *t)
{
    char addr[ADDR_TEXT_SIZE], when[USEC_TEXT_SIZE];
    const char *time = l->trace ? usec_print(l->began, when) : usec_print_day(l->began, when);
    if (t->domain.len > 0)
        (void)snprintf(t->key, sizeof t->key, "whois %.*s %s", (int)(t->domain.len < 150 ? t->domain.len : 150), (const char *)t->domain.at, time);
    else
        (void)snprintf(t->key, sizeof t->key, "whois %s %s", addr_print(t->addr, addr), time);
}

static void put_task(struct buf *body, const struct live *l, const struct whois_target *t)
{
    struct contact_order order = {.addr = t->addr,
                                  .domain = t->domain,
                                  .when = l->began,
                                  .flags = CONTACT_ORDER_BY_HAND | (l->trace ? CONTACT_ORDER_FRESH : 0),
                                  .cause = span_text("operator"),
                                  .channels = {span_text(t->domain.len > 0 ? "domain_whois" : "ip_whois")},
                                  .channel_count = 1};
    struct buf input;
    buf_init(&input, 0);
    contact_order_encode(&input, &order);
    buf_be(body, strlen(t->key), 2);
    buf_text(body, t->key);
    buf_be(body, sizeof CONTACT_TASK_KIND - 1, 2);
    buf_text(body, CONTACT_TASK_KIND);
    buf_be(body, (uint64_t)l->began, 8);
    buf_be(body, input.len, 4);
    buf_span(body, buf_as_span(&input));
    if (input.error != 0 && body->error == 0)
        body->error = input.error;
    buf_done(&input);
}

static int send_tasks(struct live *l)
{
    struct store_client *client = NULL;
    struct store_totals totals;
    struct buf why, body;
    int status = 0;
    buf_init(&why, 0);
    buf_init(&body, 0);
    for (size_t i = 0; i < l->count; i++) {
        name_task(l, &l->targets[i]);
        put_task(&body, l, &l->targets[i]);
    }
    int r = body.error != 0 ? body.error : store_client_open(&client, l->invocation->settings, &why);
    if (r == 0)
        r = store_client_tasks(client, buf_as_span(&body));
    if (r == 0)
        r = store_client_finish(client, &totals);
    if (r != 0)
        status = failed("asking: %s", why.len > 0 ? buf_cstr(&why) : err_text(r));
    store_client_close(client);
    buf_done(&why);
    buf_done(&body);
    return status;
}

/* ---- waiting ---- */

static int on_task(void *user, const struct query_value *v, size_t count)
{
    bool *ended = user;
    *ended = count == 1 && (span_is(v[0].bytes, "done") || span_is(v[0].bytes, "failed"));
    return 1;
}

/* How many searches are over. */
static size_t look(struct live *l)
{
    struct query *query = NULL;
    struct buf why;
    size_t ended = 0;
    const struct query_range all = {.until = INT64_MAX};
    buf_init(&why, 0);
    bool open = query_open(&query, l->invocation->data, &why) == 0;
    for (size_t i = 0; open && i < l->count; i++) {
        const struct query_value key = value_text(span_text(l->targets[i].key));
        if (!l->targets[i].ended)
            (void)query_rows_with(query, "SELECT state FROM task WHERE key = ?1", &all, &key, 1, on_task, &l->targets[i].ended);
        ended += l->targets[i].ended;
    }
    query_close(query);
    buf_done(&why);
    return ended;
}

static void await(struct live *l)
{
    const struct timespec pause = {.tv_nsec = POLL_MSEC * 1000000L};
    usec_t begin = usec_monotonic();
    while (look(l) < l->count && usec_monotonic() - begin < l->wait)
        (void)nanosleep(&pause, NULL);
}

/* ---- what came of it ---- */

struct view {
    const struct live *live;
    const struct whois_target *target;
    struct buf out;
    struct json *hops, *contacts, *rejected;
    size_t hop_count, contact_count;
    bool earlier; /* look-ups of other searches for the target, since this one found their answers at hand */
    struct buf outcome, debts;
};

static struct span text_of(const struct record *r, enum fact_name name)
{
    const struct fact *fact = record_fact(r, name);
    return fact != NULL ? fact->text : (struct span){0};
}

static void json_member(struct json *json, const char *key, struct span value)
{
    json_key(json, key);
    json_span(json, value);
}

static void hop_json(struct json *json, const struct record *r)
{
    json_begin_object(json);
    json_member(json, "noroshi.lookup.server", text_of(r, FACT_LOOKUP_SERVER));
    json_member(json, "noroshi.lookup.query", text_of(r, FACT_LOOKUP_QUERY));
    json_member(json, "event.reason", text_of(r, FACT_EVENT_REASON));
    json_member(json, "noroshi.lookup.state", text_of(r, FACT_LOOKUP_STATE));
    json_member(json, "noroshi.lookup.next", text_of(r, FACT_LOOKUP_NEXT));
    json_end_object(json);
}

static void on_hop(struct view *v, const struct record *r)
{
    v->hop_count++;
    if (v->hops != NULL) {
        hop_json(v->hops, r);
        return;
    }
    if (!v->live->trace)
        return;
    buf_printf(&v->out, "%2zu  ", v->hop_count);
    text_escape(&v->out, text_of(r, FACT_LOOKUP_SERVER));
    buf_text(&v->out, "  \"");
    text_escape(&v->out, text_of(r, FACT_LOOKUP_QUERY));
    buf_text(&v->out, "\"  ");
    text_escape(&v->out, text_of(r, FACT_LOOKUP_STATE));
    buf_text(&v->out, "\n      because ");
    text_escape(&v->out, text_of(r, FACT_EVENT_REASON));
    buf_byte(&v->out, '\n');
}

static void on_contact(struct view *v, const struct record *r)
{
    struct span objection = text_of(r, FACT_CONTACT_OBJECTION);
    bool contact = objection.len == 0;
    struct json *json = contact ? v->contacts : v->rejected;
    v->contact_count += contact;
    if (json != NULL) {
        json_begin_object(json);
        json_member(json, "noroshi.contact.value", text_of(r, FACT_CONTACT_VALUE));
        if (contact)
            json_member(json, "noroshi.contact.role", text_of(r, FACT_CONTACT_ROLE));
        else
            json_member(json, "noroshi.contact.objection", objection);
        json_member(json, "noroshi.contact.attribute", text_of(r, FACT_CONTACT_ATTRIBUTE));
        json_member(json, "noroshi.lookup.server", text_of(r, FACT_LOOKUP_SERVER));
        json_member(json, "noroshi.evidence", text_of(r, FACT_EVIDENCE));
        json_end_object(json);
        return;
    }
    buf_text(&v->out, contact ? "    + " : "    - ");
    text_escape(&v->out, text_of(r, FACT_CONTACT_VALUE));
    buf_text(&v->out, "  ");
    text_escape(&v->out, contact ? text_of(r, FACT_CONTACT_ROLE) : objection);
    buf_text(&v->out, "  from ");
    text_escape(&v->out, text_of(r, FACT_LOOKUP_SERVER));
    buf_text(&v->out, ": ");
    text_escape(&v->out, span_part(text_of(r, FACT_EVIDENCE), 0, EVIDENCE_SHOWN));
    buf_byte(&v->out, '\n');
}

static int on_record(void *user, const struct record *r)
{
    struct view *v = user;
    if (v->earlier) {
        struct span channel = text_of(r, FACT_CHANNEL);
        if (r->kind == KIND_LOOKUP && channel.len > 0 && memmem(channel.at, channel.len, "ip_whois", strlen("ip_whois")) != NULL)
            on_hop(v, r);
        return 0;
    }
    if (!span_is(text_of(r, FACT_TASK), v->target->key))
        return 0;
    if (r->kind == KIND_LOOKUP && !span_is(text_of(r, FACT_NETWORK_PROTOCOL), "dns"))
        on_hop(v, r);
    else if (r->kind == KIND_CONTACT)
        on_contact(v, r);
    else if (r->kind == KIND_QUEST) {
        buf_clear(&v->outcome);
        buf_clear(&v->debts);
        buf_span(&v->outcome, text_of(r, FACT_EVENT_OUTCOME));
        buf_span(&v->debts, text_of(r, FACT_DEBTS));
    }
    return 0;
}

/* The records of the search; when it put no question because the answers were at hand, the questions that they are from. */
static int read_records(struct view *v, struct query *query)
{
    const struct live *l = v->live;
    const struct query_filter filter = {.since = l->began - USEC_PER_DAY,
                                        .until = INT64_MAX,
                                        .by_destination = true,
                                        .destination = v->target->addr,
                                        .kinds = UINT64_C(1) << KIND_LOOKUP | UINT64_C(1) << KIND_CONTACT | UINT64_C(1) << KIND_QUEST};
    int r = query_records(query, &filter, on_record, v);
    if (r != 0 || !l->trace || !v->target->ended || v->hop_count > 0 || v->target->domain.len > 0)
        return r;
    v->earlier = true;
    if (v->hops == NULL)
        buf_text(&v->out, "    answers that were at hand, from these questions:\n");
    return query_records(query, &filter, on_record, v);
}

static void print_end(struct view *v)
{
    if (v->debts.len > 0) {
        buf_text(&v->out, "    not known: ");
        text_escape(&v->out, buf_as_span(&v->debts));
        buf_byte(&v->out, '\n');
    }
    if (!v->target->ended)
        buf_text(&v->out, "    not over yet: `noroshi contact` shows it later\n");
    (void)fwrite(v->out.data, 1, v->out.len, stdout);
}

static int show_target(struct live *l, const struct whois_target *t, struct query *query, struct json *json)
{
    enum { LISTS = 3 };
    static const char *const names[LISTS] = {"hops", "contacts", "not_contacts"};
    struct buf parts[LISTS];
    struct json lists[LISTS];
    char text[ADDR_TEXT_SIZE];
    struct view v = {.live = l, .target = t};
    struct span name = t->domain.len > 0 ? t->domain : span_text(addr_print(t->addr, text));
    struct buf *const bufs[] = {&v.out, &v.outcome, &v.debts, &parts[0], &parts[1], &parts[2]};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++)
        buf_init(bufs[i], 0);
    for (size_t i = 0; i < LISTS; i++) {
        json_init(&lists[i], &parts[i], false);
        json_begin_array(&lists[i]);
    }
    v.hops = json != NULL ? &lists[0] : NULL;
    v.contacts = json != NULL ? &lists[1] : NULL;
    v.rejected = json != NULL ? &lists[2] : NULL;
    text_escape(&v.out, name);
    buf_byte(&v.out, '\n');
    int r = read_records(&v, query);
    if (json != NULL) {
        json_begin_object(json);
        json_member(json, "target", name);
        json_member(json, "event.outcome", t->ended ? buf_as_span(&v.outcome) : span_text("unknown"));
        for (size_t i = 0; i < LISTS; i++) {
            json_end_array(&lists[i]);
            json_key(json, names[i]);
            json_raw(json, buf_as_span(&parts[i]));
        }
        json_member(json, "noroshi.debts", buf_as_span(&v.debts));
        json_end_object(json);
    } else {
        print_end(&v);
    }
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++)
        buf_done(bufs[i]);
    if (r != 0)
        return failed("reading the store: %s", err_text(r));
    return v.contact_count > 0 ? EXIT_OK : EXIT_NOTHING;
}

static int show(struct live *l)
{
    struct query *query = NULL;
    struct buf out;
    struct json json;
    int status = reading_open(l->invocation, &query);
    if (status != 0)
        return status;
    buf_init(&out, 0);
    json_init(&json, &out, true);
    if (l->json)
        json_begin_array(&json);
    for (size_t i = 0; i < l->count; i++) {
        int one = show_target(l, &l->targets[i], query, l->json ? &json : NULL);
        status = i == 0 || one == status ? one : EXIT_PARTLY;
    }
    if (l->json) {
        json_end_array(&json);
        buf_byte(&out, '\n');
        (void)fwrite(out.data, 1, out.len, stdout);
    }
    query_close(query);
    buf_done(&out);
    return output_done(status);
}

static int ask(struct live *l)
{
    struct conf_error error = {0};
    struct aside *aside = NULL;
    const struct invocation *i = l->invocation;
    if (operator_check(i->settings, &error) != 0 || roles_check(i->settings, &error) != 0) {
        fprintf(stderr, "noroshi: %s\n", error.text);
        return EXIT_USAGE;
    }
    if (!operator_named(i->settings)) {
        fprintf(stderr,
                "noroshi: %s: operator.organisation, operator.mail and operator.page must be filled in first: registries must be able to find out "
                "who asks\n",
                i->config);
        return EXIT_USAGE;
    }
    int r = aside_start(&aside, i->settings);
    if (r != 0 && r != -ERR_BUSY)
        return EXIT_FAILED; /* the supervisor has said why */
    l->began = usec_now();
    int status = send_tasks(l);
    if (status == 0) {
        await(l);
        status = show(l);
    }
    if (aside_stop(aside) != 0 && status == EXIT_OK)
        status = EXIT_FAILED;
    return status;
}

int whois_live(const struct invocation *i, const struct options *o)
{
    struct live live = {.invocation = i, .json = o->values[WHOIS_JSON] != NULL, .trace = o->values[WHOIS_TRACE] != NULL, .wait = WAIT_USUAL};
    usec_t age;
    int status = 0;
    if (o->values[WHOIS_WAIT] != NULL) {
        if (when_parse(span_text(o->values[WHOIS_WAIT]), 0, 0, &age) != 0 || age > 0)
            return usage_error(&verb_whois, "--wait: expected a duration such as 90s or 10m, got \"%.40s\"", o->values[WHOIS_WAIT]);
        live.wait = -age;
    }
    arena_init(&live.arena, MEMORY_MAX);
    for (int n = 0; n < o->word_count && status == 0; n++)
        status = add_target(&live, o->words[n]);
    if (status == 0)
        status = ask(&live);
    arena_done(&live.arena);
    return status;
}
