/* Records. One that finds no room in the journal is not appended: who states it waits and tries again. */
#include "reach/parts.h"

#include <stdio.h>

enum { HEAD_MOST = 256 /* of a record without its facts */ };

static struct span port_name(const struct visit_port *port, char text[static 16])
{
    int len = snprintf(text, 16, "%u/%s", port->port, transport_name(port->probe->over));
    return span_of(text, len > 0 && len < 16 ? (size_t)len : 0);
}

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

static bool say(struct visit *v, enum kind kind, struct id id, struct endpoint source, const struct fact *facts, size_t count)
{
    struct reach *r = v->reach;
    const struct visit_port *port = kind != KIND_VISIT ? &v->ports[v->at] : NULL;
    if (!journal_fits(r->config.journal, size_most(facts, count)))
        return false;
    const struct record record = {.id = id,
                                  .time = r->wall,
                                  .sensor = r->sensor,
                                  .kind = kind,
                                  .transport = port != NULL ? port->probe->over : TRANSPORT_NONE,
                                  .source = source,
                                  .destination = {.addr = v->addr, .port = port != NULL ? port->port : 0},
                                  .session = v->session,
                                  .facts = facts,
                                  .fact_count = count};
    return journal_append(r->config.journal, &record) == 0;
}

static struct fact outcome(bool success)
{
    return fact_text(FACT_EVENT_OUTCOME, span_text(success ? "success" : "failure"));
}

bool say_dial(struct visit *v, bool allowed, enum denial why)
{
    const struct probe *probe = v->ports[v->at].probe;
    struct fact facts[8];
    size_t count = 0;
    facts[count++] = outcome(allowed);
    if (!allowed)
        facts[count++] = fact_text(FACT_EVENT_REASON, span_text(denial_text(why)));
    facts[count++] = fact_text(FACT_NETWORK_PROTOCOL, span_text(probe->name));
    facts[count++] = fact_text(FACT_PROBE, span_text(probe->name));
    facts[count++] = fact_text(FACT_CAUSE, v->cause);
    facts[count++] = fact_text(FACT_TASK, v->key);
    if (v->asn != 0)
        facts[count++] = fact_int(FACT_ASN, v->asn);
    struct id id = id_new(v->reach->wall), before = v->session;
    if (id_is_zero(v->session))
        v->session = id;
    bool said = say(v, KIND_DIAL, id, (struct endpoint){0}, facts, count);
    if (!said)
        v->session = before;
    return said;
}

/* What the driver knows itself comes behind what the probe stated, and never replaces it. */
static void add(struct fact *facts, size_t *count, struct fact fact)
{
    for (size_t i = 0; i < *count; i++) {
        if (facts[i].name == fact.name)
            return;
    }
    if (*count < RECORD_FACTS_MAX)
        facts[(*count)++] = fact;
}

static void add_reply(struct fact *facts, size_t *count, const struct talk *t)
{
    if (t->wait.seen) {
        add(facts, count, fact_int(FACT_REPLY_TTL, t->wait.ttl));
        add(facts, count, fact_int(FACT_REPLY_WINDOW, t->wait.window));
        add(facts, count, fact_text(FACT_REPLY_OPTIONS, span_text(t->wait.options)));
    } else if (t->has_ttl) {
        add(facts, count, fact_int(FACT_REPLY_TTL, t->ttl));
    }
}

bool say_answer(struct visit *v, const struct talk *t)
{
    struct fact facts[RECORD_FACTS_MAX];
    /* Room is kept for what is stated here. */
    size_t count = t->fact_count < RECORD_FACTS_MAX - 16 ? t->fact_count : RECORD_FACTS_MAX - 16;
    if (count > 0)
        memcpy(facts, t->facts, count * sizeof *facts);
    struct span heard = buf_as_span(t->first.len > 0 ? &t->first : &t->heard);
    add(facts, &count, outcome(heard.len > 0 || t->fact_count > 0));
    add(facts, &count, fact_text(FACT_EVENT_REASON, span_text(ending_text(t->ending))));
    add(facts, &count, fact_int(FACT_EVENT_DURATION, (v->reach->now - t->began) * 1000));
    add(facts, &count, fact_text(FACT_NETWORK_PROTOCOL, span_text(t->probe->name)));
    add(facts, &count, fact_text(FACT_PROBE, span_text(t->probe->name)));
    add(facts, &count, fact_text(FACT_CAUSE, v->cause));
    add(facts, &count, fact_text(FACT_TASK, v->key));
    add(facts, &count, fact_int(FACT_SOURCE_BYTES, (int64_t)t->bytes_out));
    add(facts, &count, fact_int(FACT_DESTINATION_BYTES, (int64_t)t->bytes_in));
    add_reply(facts, &count, t);
    if (t->ending == ENDING_POLICY)
        add(facts, &count, fact_text(FACT_DETAIL, span_text(denial_text(v->why))));
    if (heard.len > 0)
        add(facts, &count, fact_text(FACT_BANNER, heard));
    if (t->cut > 0)
        add(facts, &count, fact_int(FACT_BANNER_CUT, (int64_t)t->cut));
    if (!say(v, KIND_ANSWER, id_new(v->reach->wall), t->local, facts, count))
        return false;
    v->reach->counts.answered += heard.len > 0;
    return true;
}

static void list_ports(const struct visit *v, struct buf *out)
{
    char name[16];
    for (size_t i = 0; i < v->port_count; i++) {
        if (!v->ports[i].asked)
            continue;
        if (out->len > 0)
            buf_byte(out, ',');
        buf_span(out, port_name(&v->ports[i], name));
    }
}

bool say_visit(struct visit *v)
{
    const char *reason = v->dialled > 0 ? "visited" : v->why != DENIAL_NONE ? denial_text(v->why) : v->again ? "visited" : "nothing to ask";
    struct buf ports;
    buf_init(&ports, VISIT_PORTS_MAX * 16);
    list_ports(v, &ports);
    const struct fact facts[] = {
        fact_text(FACT_HOST_NAME, span_text(v->name)), /* first, so that it can be left out */
        outcome(v->answered > 0),
        fact_text(FACT_EVENT_REASON, span_text(reason)),
        fact_int(FACT_EVENT_DURATION, (v->reach->now - v->began) * 1000),
        fact_text(FACT_CAUSE, v->cause),
        fact_text(FACT_TASK, v->key),
        fact_text(FACT_PORTS, buf_as_span(&ports)),
        fact_int(FACT_COUNT, v->answered),
    };
    size_t from = v->name == NULL;
    bool said = say(v, KIND_VISIT, id_new(v->reach->wall), (struct endpoint){0}, facts + from, sizeof facts / sizeof facts[0] - from);
    buf_done(&ports);
    return said;
}
