/*
 * Elastic Common Schema, one document a line: nested objects made from the dotted names of facts.def, and the fields every record has.
 * A name's parts become objects because the names are sorted: those with one beginning stand side by side.
 */
#include "base/text.h"
#include "share/sink.h"

#include <stdlib.h>

enum { FIELDS_MAX = RECORD_FACTS_MAX + 24, PARTS_MAX = 8 };

enum field_type { FIELD_TEXT, FIELD_WORDS, FIELD_INT, FIELD_BYTES }; /* WORDS: a list of one text */

struct field {
    const char *path;
    enum field_type type;
    struct span text;
    int64_t number;
};

struct document {
    struct field fields[FIELDS_MAX];
    size_t count;
    char time[USEC_TEXT_SIZE], id[ID_TEXT_SIZE], session[ID_TEXT_SIZE], source[ADDR_TEXT_SIZE], destination[ADDR_TEXT_SIZE];
    char dataset[64];
    char addrs[RECORD_FACTS_MAX][ADDR_TEXT_SIZE];
};

static void add(struct document *d, const char *path, enum field_type type, struct span text, int64_t number)
{
    d->fields[d->count++] = (struct field){.path = path, .type = type, .text = text, .number = number};
}

static void add_text(struct document *d, const char *path, const char *text)
{
    add(d, path, FIELD_TEXT, span_text(text), 0);
}

static bool is_known(struct addr a)
{
    return !addr_equal(a, (struct addr){0});
}

static void add_endpoint(struct document *d, struct endpoint e, const char *ip, const char *port, char *text)
{
    if (!is_known(e.addr))
        return;
    add_text(d, ip, addr_print(e.addr, text));
    if (e.port != 0)
        add(d, port, FIELD_INT, (struct span){0}, e.port);
}

static void add_common(struct document *d, const struct record *r)
{
    const struct kind_info *kind = kind_info(r->kind);
    struct buf dataset;
    buf_init(&dataset, sizeof d->dataset - 1);
    buf_printf(&dataset, "noroshi.%s", kind->name);
    size_t len = dataset.len < sizeof d->dataset ? dataset.len : 0;
    if (len > 0)
        memcpy(d->dataset, dataset.data, len);
    d->dataset[len] = '\0';
    buf_done(&dataset);
    add_text(d, "@timestamp", usec_print(r->time, d->time));
    add_text(d, "ecs.version", "8.11.0");
    add_text(d, "event.id", id_print(r->id, d->id));
    add_text(d, "event.kind", r->kind == KIND_FINDING ? "alert" : "event");
    add_text(d, "event.module", "noroshi");
    add_text(d, "event.dataset", d->dataset);
    add(d, "event.category", FIELD_WORDS, span_text(kind->category), 0);
    add(d, "observer.name", FIELD_TEXT, r->sensor, 0);
    if (r->transport != TRANSPORT_NONE)
        add_text(d, "network.transport", transport_name(r->transport));
    if (!id_is_zero(r->session))
        add_text(d, "noroshi.session.id", id_print(r->session, d->session));
    add_endpoint(d, r->source, "source.ip", "source.port", d->source);
    add_endpoint(d, r->destination, "destination.ip", "destination.port", d->destination);
}

static void add_facts(struct document *d, const struct record *r, bool content)
{
    for (size_t i = 0; i < r->fact_count && i < RECORD_FACTS_MAX; i++) {
        const struct fact *fact = &r->facts[i];
        const struct fact_info *info = fact_info(fact->name);
        if (info == NULL || (fact->name == FACT_CONTENT && !content))
            continue;
        switch (info->type) {
        case FACT_TYPE_TEXT:
            add(d, info->text, FIELD_TEXT, fact->text, 0);
            break;
        case FACT_TYPE_BYTES:
            add(d, info->text, FIELD_BYTES, fact->text, 0);
            break;
        case FACT_TYPE_INT:
            add(d, info->text, FIELD_INT, (struct span){0}, fact->number);
            break;
        case FACT_TYPE_ADDR:
            add_text(d, info->text, addr_print(fact->addr, d->addrs[i]));
            break;
        }
    }
}

static int by_path(const void *a, const void *b)
{
    const struct field *left = a, *right = b;
    return strcmp(left->path, right->path);
}

static void put_value(struct json *j, const struct field *field)
{
    switch (field->type) {
    case FIELD_TEXT:
        json_span(j, field->text);
        break;
    case FIELD_WORDS:
        json_begin_array(j);
        json_span(j, field->text);
        json_end_array(j);
        break;
    case FIELD_INT:
        json_int(j, field->number);
        break;
    case FIELD_BYTES: {
        struct buf text;
        buf_init(&text, 0);
        text_base64(&text, field->text);
        json_span(j, buf_as_span(&text));
        if (text.error != 0 && j->out->error == 0)
            j->out->error = text.error;
        buf_done(&text);
    }
    }
}

/* Splits a path at its dots; returns how many parts. */
static size_t split(const char *path, struct span parts[static PARTS_MAX])
{
    size_t count = 0;
    for (struct span left = span_text(path); count < PARTS_MAX; count++) {
        size_t dot = count == PARTS_MAX - 1 ? left.len : span_find(left, '.');
        parts[count] = span_part(left, 0, dot);
        if (dot == left.len)
            return count + 1;
        left = span_part(left, dot + 1, left.len);
    }
    return count;
}

static void put_key(struct json *j, struct span name)
{
    char key[64];
    size_t len = name.len < sizeof key ? name.len : sizeof key - 1;
    if (len > 0)
        memcpy(key, name.at, len);
    key[len] = '\0';
    json_key(j, key);
}

static int ecs_put(struct sink_stream *stream, const struct record *record)
{
    struct document d = {.count = 0};
    add_common(&d, record);
    add_facts(&d, record, stream->options.content);
    qsort(d.fields, d.count, sizeof d.fields[0], by_path);
    struct json j;
    struct span open[PARTS_MAX], parts[PARTS_MAX];
    size_t depth = 0; /* objects that are open below the document */
    json_init(&j, &stream->out, false);
    json_begin_object(&j);
    for (size_t i = 0; i < d.count; i++) {
        size_t count = split(d.fields[i].path, parts), same = 0;
        while (same < depth && same + 1 < count && span_equal(open[same], parts[same]))
            same++;
        for (; depth > same; depth--)
            json_end_object(&j);
        for (; depth + 1 < count; depth++) {
            put_key(&j, parts[depth]);
            json_begin_object(&j);
            open[depth] = parts[depth];
        }
        put_key(&j, parts[count - 1]);
        put_value(&j, &d.fields[i]);
    }
    for (; depth > 0; depth--)
        json_end_object(&j);
    json_end_object(&j);
    buf_byte(&stream->out, '\n');
    return stream->out.error;
}

extern const struct sink sink_ecs;
const struct sink sink_ecs = {
    .name = "ecs",
    .help = "Elastic Common Schema 8.11, one JSON document a line",
    .put = ecs_put,
};
