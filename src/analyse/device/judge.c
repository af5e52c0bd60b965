/* Whole answers: fields by service, industrial identities, records and their facts. */
#include "analyse/device/fields.h"
#include "analyse/device/rules.h"
#include "probe/ics.h"

#include <errno.h>
#include <stdio.h>

enum { ICS_CERTAINTY = 95, LIST_CERTAINTY = 50 };

struct bench {
    const struct device_rules *rules;
    struct arena *arena;
    struct evidence *ret;
    size_t room, count;
};

/* A rule that says it twice of one answer (two cookies, two forms of a title) has said it once. */
static void keep_new(struct bench *b, size_t found)
{
    size_t first = b->count;
    for (size_t i = first; i < first + found; i++) {
        bool known = false;
        for (size_t k = 0; k < b->count && !known; k++)
            known = b->ret[k].field == b->ret[i].field && span_equal(b->ret[k].rule, b->ret[i].rule);
        if (!known)
            b->ret[b->count++] = b->ret[i];
    }
}

static void judge_fields(struct bench *b, const struct field_list *fields)
{
    for (size_t i = 0; i < fields->count && b->count < b->room; i++) {
        size_t found = device_match(b->rules, fields->list[i].field, fields->list[i].value, b->arena, b->ret + b->count, b->room - b->count);
        keep_new(b, found);
    }
}

/* The whole answer. What spoke without its protocol being known may be anything. */
static void judge_raw(struct bench *b, struct span service, struct span data)
{
    int known = fields_service(service);
    if (data.len > 0 && b->count < b->room)
        keep_new(b, rules_match(b->rules, DEVICE_FIELD_RAW, known >= 0 ? known : fields_service(span_text("banner")), data, b->arena,
                                b->ret + b->count, b->room - b->count));
}

/* ---- industrial ---- */

struct identity {
    struct span protocol, maker, model, firmware, detail;
};

static void line(struct buf *text, const char *name, struct span value)
{
    if (value.len == 0)
        return;
    buf_text(text, name);
    buf_text(text, ": ");
    buf_span(text, value);
    buf_byte(text, '\n');
}

/* What the probe decoded is evidence itself, and text that rules look at. */
static int judge_identity(struct bench *b, const struct identity *id)
{
    struct field_list *fields = arena_alloc(b->arena, sizeof *fields);
    struct buf text;
    buf_init(&text, DEVICE_FIELD_MAX);
    line(&text, "protocol", id->protocol);
    line(&text, "maker", id->maker);
    line(&text, "model", id->model);
    line(&text, "firmware", id->firmware);
    buf_span(&text, id->detail);
    const char *copy = arena_copy(b->arena, buf_as_span(&text));
    buf_done(&text);
    if (copy == NULL || fields == NULL)
        return -ENOMEM;
    struct evidence own = {.rule = id->protocol, .ics = id->protocol, .field = DEVICE_FIELD_ICS, .certainty = ICS_CERTAINTY, .own = true};
    int r = value_clean(id->maker, b->arena, &own.maker);
    if (r == 0)
        r = value_clean(id->model, b->arena, &own.model);
    if (r == 0)
        r = value_clean(id->firmware, b->arena, &own.firmware);
    if (r == 0)
        r = value_clean(span_text(copy), b->arena, &own.matched);
    if (r != 0)
        return r;
    if (b->count < b->room)
        b->ret[b->count++] = own;
    fields->arena = b->arena;
    fields_add(fields, DEVICE_FIELD_ICS, span_text(copy));
    judge_fields(b, fields);
    return 0;
}

static int judge_ics(struct bench *b, struct span service, struct span data)
{
    struct ics_identity *id = arena_alloc(b->arena, sizeof *id);
    if (id == NULL)
        return -ENOMEM;
    int r = ics_decode(service, data, id);
    if (r == -ERR_UNKNOWN || id->protocol == NULL)
        return r == -ERR_UNKNOWN ? r : 0; /* not this protocol: nothing is said */
    const struct identity said = {.protocol = span_text(id->protocol),
                                  .maker = span_text(id->maker),
                                  .model = span_text(id->model),
                                  .firmware = span_text(id->firmware),
                                  .detail = span_text(id->detail)};
    return judge_identity(b, &said);
}

static int judge_bytes(struct bench *b, struct field_list *fields, struct span service, struct span data)
{
    return fields_of_bytes(fields, service, data) ? 0 : judge_ics(b, service, data);
}

int device_judge_bytes(const struct device_rules *rules, struct span service, struct span data, struct arena *arena, struct evidence *ret,
                       size_t room, size_t *ret_count)
{
    struct bench b = {.rules = rules, .arena = arena, .ret = ret, .room = room};
    struct field_list *fields = arena_alloc(arena, sizeof *fields);
    if (fields == NULL)
        return -ENOMEM;
    fields->arena = arena;
    int r = judge_bytes(&b, fields, service, data);
    if (r == 0) {
        judge_fields(&b, fields);
        if (fields_service(service) >= 0)
            judge_raw(&b, service, data);
        *ret_count = b.count;
    }
    return r;
}

/* ---- records ---- */

static struct span text_of(const struct record *r, enum fact_name name)
{
    const struct fact *f = record_fact(r, name);
    return f != NULL ? f->text : (struct span){0};
}

/* Facts that are fields; those of which the banner holds the original are not looked at twice. */
static void add_facts(struct field_list *fields, const struct record *r)
{
    static const struct {
        enum fact_name fact;
        enum device_field field;
    } facts[] = {
        {FACT_HTTP_SERVER, DEVICE_FIELD_HTTP_SERVER},     {FACT_HTTP_TITLE, DEVICE_FIELD_HTTP_TITLE},
        {FACT_HTTP_REALM, DEVICE_FIELD_HTTP_REALM},       {FACT_HTTP_HEADERS, DEVICE_FIELD_HTTP_HEADER},
        {FACT_HTTP_FAVICON, DEVICE_FIELD_HTTP_FAVICON},   {FACT_TLS_SUBJECT, DEVICE_FIELD_TLS_SUBJECT},
        {FACT_TLS_ISSUER, DEVICE_FIELD_TLS_ISSUER},       {FACT_SNMP_SYSDESCR, DEVICE_FIELD_SNMP_SYSDESCR},
        {FACT_SNMP_SYSOBJID, DEVICE_FIELD_SNMP_SYSOBJID},
    };
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        if (!fields_has(fields, facts[i].field))
            fields_add(fields, facts[i].field, text_of(r, facts[i].fact));
    }
}

/* What another project's list says of a host is evidence of that list. */
static void judge_listing(struct bench *b, const struct record *r)
{
    struct evidence e = {.rule = text_of(r, FACT_LIST_SOURCE),
                         .class_ = text_of(r, FACT_DEVICE_CLASS),
                         .maker = text_of(r, FACT_DEVICE_MAKER),
                         .model = text_of(r, FACT_DEVICE_MODEL),
                         .firmware = text_of(r, FACT_DEVICE_FIRMWARE),
                         .ics = text_of(r, FACT_ICS_PROTOCOL),
                         .field = DEVICE_FIELD_BANNER,
                         .certainty = LIST_CERTAINTY};
    if (class_rank(e.class_) == 0)
        e.class_ = (struct span){0};
    if (e.rule.len > 0 && e.class_.len + e.maker.len + e.model.len + e.firmware.len + e.ics.len > 0 && b->count < b->room)
        b->ret[b->count++] = e;
}

int device_judge_record(const struct device_rules *rules, const struct record *r, struct arena *arena, struct evidence *ret, size_t room,
                        size_t *ret_count)
{
    struct bench b = {.rules = rules, .arena = arena, .ret = ret, .room = room};
    struct field_list *fields = arena_alloc(arena, sizeof *fields);
    int result = 0;
    if (fields == NULL)
        return -ENOMEM;
    fields->arena = arena;
    struct span banner = text_of(r, FACT_BANNER), service = text_of(r, FACT_NETWORK_PROTOCOL), ics = text_of(r, FACT_ICS_PROTOCOL);
    if (banner.len > 0 && !fields_of_bytes(fields, service, banner) && ics.len == 0)
        fields_add(fields, DEVICE_FIELD_BANNER, banner);
    add_facts(fields, r);
    judge_fields(&b, fields);
    if (ics.len == 0)
        judge_raw(&b, service, banner);
    if (r->kind == KIND_LISTING)
        judge_listing(&b, r);
    else if (ics.len > 0)
        result = judge_identity(&b, &(struct identity){.protocol = ics,
                                                       .maker = text_of(r, FACT_DEVICE_MAKER),
                                                       .model = text_of(r, FACT_DEVICE_MODEL),
                                                       .firmware = text_of(r, FACT_DEVICE_FIRMWARE),
                                                       .detail = text_of(r, FACT_DETAIL)});
    for (size_t i = 0; i < b.count; i++) {
        ret[i].at = r->destination;
        ret[i].transport = r->transport;
        ret[i].time = r->time;
    }
    if (result == 0)
        *ret_count = b.count;
    return result;
}

static const enum fact_name fact_of[VALUE_COUNT] = {
    [VALUE_CLASS] = FACT_DEVICE_CLASS, [VALUE_MAKER] = FACT_DEVICE_MAKER, [VALUE_MODEL] = FACT_DEVICE_MODEL, [VALUE_FIRMWARE] = FACT_DEVICE_FIRMWARE,
    [VALUE_ICS] = FACT_ICS_PROTOCOL,   [VALUE_RESIDUE] = FACT_RESIDUE,    [VALUE_HONEYPOT] = FACT_HONEYPOT,
};

size_t device_facts(const struct evidence *e, struct fact facts[static RECORD_FACTS_MAX])
{
    const struct span values[VALUE_COUNT] = {e->class_, e->maker, e->model, e->firmware, e->ics, e->residue, e->honeypot};
    size_t count = 0;
    facts[count++] = fact_text(FACT_RULE, e->rule);
    facts[count++] = fact_text(FACT_MATCHED, span_text(field_text(e->field)));
    if (e->matched.len > 0)
        facts[count++] = fact_text(FACT_EVIDENCE, e->matched);
    facts[count++] = fact_int(FACT_CERTAINTY, e->certainty);
    for (int v = 0; v < VALUE_COUNT; v++) {
        if (values[v].len > 0)
            facts[count++] = fact_text(fact_of[v], values[v]);
    }
    return count;
}

void device_from_record(const struct record *r, struct evidence *ret)
{
    const struct fact *certainty = record_fact(r, FACT_CERTAINTY);
    enum device_field field = field_by_text(text_of(r, FACT_MATCHED));
    *ret = (struct evidence){.at = r->destination,
                             .transport = r->transport,
                             .time = r->time,
                             .rule = text_of(r, FACT_RULE),
                             .class_ = text_of(r, fact_of[VALUE_CLASS]),
                             .maker = text_of(r, fact_of[VALUE_MAKER]),
                             .model = text_of(r, fact_of[VALUE_MODEL]),
                             .firmware = text_of(r, fact_of[VALUE_FIRMWARE]),
                             .ics = text_of(r, fact_of[VALUE_ICS]),
                             .residue = text_of(r, fact_of[VALUE_RESIDUE]),
                             .honeypot = text_of(r, fact_of[VALUE_HONEYPOT]),
                             .matched = text_of(r, FACT_EVIDENCE),
                             .field = field < DEVICE_FIELD_COUNT ? field : DEVICE_FIELD_BANNER,
                             .certainty = certainty != NULL && certainty->number >= 1 && certainty->number <= 100 ? (uint8_t)certainty->number : 1,
                             .own = device_rule_own(text_of(r, FACT_RULE))};
}
