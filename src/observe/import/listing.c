#include "observe/import/listing.h"

#include "base/err.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

static const struct {
    const char *listed, *service, *ics;
} services[] = {
#define LISTED_SERVICE(listed, service, ics) {(listed), (service), (ics)},
#define LISTED_PORT(port, service)
#define LISTED_CLASS(listed, word)
#include "observe/import/listing_words.def"
#undef LISTED_SERVICE
#undef LISTED_PORT
#undef LISTED_CLASS
};

static const struct {
    uint16_t port;
    const char *service;
} ports[] = {
#define LISTED_SERVICE(listed, service, ics)
#define LISTED_PORT(port, service) {(port), (service)},
#define LISTED_CLASS(listed, word)
#include "observe/import/listing_words.def"
#undef LISTED_SERVICE
#undef LISTED_PORT
#undef LISTED_CLASS
};

static const struct {
    const char *listed, *word;
} classes[] = {
#define LISTED_SERVICE(listed, service, ics)
#define LISTED_PORT(port, service)
#define LISTED_CLASS(listed, word) {(listed), (word)},
#include "observe/import/listing_words.def"
#undef LISTED_SERVICE
#undef LISTED_PORT
#undef LISTED_CLASS
#define CLASS(word, title, help) {(word), (word)},
#include "analyse/device/classes.def"
#undef CLASS
};

/* ---- values ---- */

const json_t *listing_at(const json_t *value, const char *path)
{
    while (value != NULL && *path != '\0') {
        size_t len = strcspn(path, ".");
        value = json_object_getn(value, path, len);
        path += path[len] == '.' ? len + 1 : len;
    }
    return json_is_null(value) ? NULL : value;
}

struct span listing_text(const json_t *value)
{
    return json_is_string(value) ? span_of(json_string_value(value), json_string_length(value)) : (struct span){0};
}

static struct span trim(struct span s)
{
    while (s.len > 0 && (s.at[0] <= ' ' || s.at[0] == 0x7f))
        s = span_part(s, 1, s.len);
    while (s.len > 0 && (s.at[s.len - 1] <= ' ' || s.at[s.len - 1] == 0x7f))
        s.len--;
    return s;
}

/* ---- a record ---- */

static int skip(struct listing *l, const char *what, const char *expected)
{
    emit_skip(l->emit, l->source, "%s: expected %s", what, expected);
    return -ERR_MALFORMED;
}

int listing_begin(struct listing *l, const json_t *time, const json_t *addr, const json_t *port, struct span transport)
{
    bool zoned;
    struct record record = {.kind = KIND_LISTING, .sensor = emit_sensor(l->emit), .facts = l->facts};
    if (!json_is_string(addr) || addr_parse(listing_text(addr), &record.destination.addr) != 0)
        return skip(l, "address", "an IP address");
    if (!json_is_integer(port) || json_integer_value(port) < 0 || json_integer_value(port) > UINT16_MAX)
        return skip(l, "port", "a port from 0 to 65535");
    if (!json_is_string(time) || usec_parse(listing_text(time), 0, &record.time, &zoned) != 0 || record.time < 0)
        return skip(l, "time", "a date and time from 1970 on");
    record.destination.port = (uint16_t)json_integer_value(port);
    bool udp = transport.len == 3 && strncasecmp((const char *)transport.at, "udp", 3) == 0;
    bool quic = transport.len == 4 && strncasecmp((const char *)transport.at, "quic", 4) == 0;
    record.transport = udp || quic ? TRANSPORT_UDP : TRANSPORT_TCP;
    l->record = record;
    buf_clear(&l->detail);
    buf_clear(&l->bytes);
    l->service[0] = '\0';
    listing_fact(l, FACT_LIST_SOURCE, span_text(l->list));
    return 0;
}

static void add(struct listing *l, struct fact fact)
{
    if (record_fact(&l->record, fact.name) == NULL && l->record.fact_count < RECORD_FACTS_MAX)
        l->facts[l->record.fact_count++] = fact;
}

void listing_fact(struct listing *l, enum fact_name name, struct span text)
{
    if (fact_info(name)->type == FACT_TYPE_TEXT)
        text = trim(text);
    if (text.len > 0)
        add(l, fact_text(name, text));
}

void listing_detail(struct listing *l, const char *name, struct span value)
{
    value = trim(value);
    if (value.len == 0 || value.len + strlen(name) + 3 > LISTING_DETAIL_MAX - l->detail.len)
        return;
    buf_printf(&l->detail, "%s: ", name);
    for (size_t i = 0; i < value.len; i++)
        buf_byte(&l->detail, value.at[i] == '\n' || value.at[i] == '\r' ? ' ' : value.at[i]);
    buf_byte(&l->detail, '\n');
}

void listing_asn(struct listing *l, const json_t *value)
{
    int64_t number = json_is_integer(value) ? json_integer_value(value) : 0;
    struct span text = listing_text(value);
    if (span_starts(text, "AS") || span_starts(text, "as"))
        text = span_part(text, 2, text.len);
    for (size_t i = 0; i < text.len && i < 10 && text.at[i] >= '0' && text.at[i] <= '9'; i++)
        number = number * 10 + (text.at[i] - '0');
    if (number > 0 && number <= UINT32_MAX)
        add(l, fact_int(FACT_ASN, number));
}

/* ---- words ---- */

static bool begins(const char *name, const char *listed)
{
    size_t len = strlen(listed);
    return strncmp(name, listed, len) == 0 && (name[len] == '\0' || name[len] == '-' || name[len] == '_');
}

static void set_service(struct listing *l, const char *service, const char *ics)
{
    listing_fact(l, FACT_NETWORK_PROTOCOL, span_text(service));
    listing_fact(l, FACT_ICS_PROTOCOL, span_text(ics));
}

static const char *service_of_port(const struct listing *l)
{
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
        if (ports[i].port == l->record.destination.port)
            return ports[i].service;
    }
    return NULL;
}

void listing_service(struct listing *l, struct span name, bool tagged)
{
    name = trim(name);
    size_t len = 0;
    for (; len < name.len && len + 1 < sizeof l->service; len++)
        l->service[len] = (char)tolower(name.at[len]);
    l->service[len] = '\0';
    /* The longest of our beginnings: "https-simple-new" is no "http". */
    const char *service = NULL, *ics = NULL;
    size_t longest = 0;
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
        if (begins(l->service, services[i].listed) && strlen(services[i].listed) > longest) {
            longest = strlen(services[i].listed);
            service = services[i].service;
            ics = services[i].ics;
        }
    }
    bool unknown = len == 0 || strcmp(l->service, "unknown") == 0;
    const char *by_port = service_of_port(l);
    if (service != NULL)
        set_service(l, service, ics);
    else if (by_port != NULL && (unknown || tagged))
        set_service(l, by_port, by_port);
    else if (!unknown)
        set_service(l, l->service, tagged ? l->service : "");
}

bool listing_is_ics(const struct listing *l)
{
    return record_fact(&l->record, FACT_ICS_PROTOCOL) != NULL;
}

void listing_class(struct listing *l, struct span word)
{
    word = trim(word);
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        if (word.len == strlen(classes[i].listed) && strncasecmp((const char *)word.at, classes[i].listed, word.len) == 0)
            listing_fact(l, FACT_DEVICE_CLASS, span_text(classes[i].word));
    }
}

/* Protocols that one maker's devices speak. */
static void add_maker(struct listing *l)
{
    const struct fact *ics = record_fact(&l->record, FACT_ICS_PROTOCOL);
    if (ics != NULL && span_is(ics->text, "s7"))
        listing_fact(l, FACT_DEVICE_MAKER, span_text("Siemens"));
    else if (ics != NULL && span_is(ics->text, "fox"))
        listing_fact(l, FACT_DEVICE_MAKER, span_text("Tridium"));
}

int listing_end(struct listing *l)
{
    add_maker(l);
    listing_fact(l, FACT_DETAIL, buf_as_span(&l->detail));
    if (l->detail.error == -ENOMEM || l->bytes.error == -ENOMEM)
        return -ENOMEM;
    l->record.id = emit_id(l->emit, l->record.time, l->text, l->ordinal++);
    return emit_record(l->emit, &l->record);
}

bool listing_has_key(struct span head, const char *key)
{
    char quoted[64];
    int len = snprintf(quoted, sizeof quoted, "\"%s\"", key);
    return head.len > 0 && memmem(head.at, head.len, quoted, (size_t)len) != NULL;
}

/* ---- objects of an input ---- */

/* A document over several lines, or an array: its outermost objects. */
struct splitter {
    struct buf object;
    unsigned depth;
    bool in_text, escaped, too_long;
};

typedef int object_reader(struct listing *, const json_t *);

static int read_object(struct listing *l, struct span text, object_reader *object)
{
    json_error_t error;
    json_t *root = json_loadb((const char *)text.at, text.len, JSON_ALLOW_NUL, &error);
    int r = 0;
    if (root == NULL) {
        emit_skip(l->emit, l->source, "not JSON: %s", error.text);
    } else if (!json_is_object(root)) {
        emit_skip(l->emit, l->source, "expected an object");
    } else {
        l->text = text;
        l->ordinal = 0;
        r = object(l, root);
    }
    json_decref(root);
    return r == -ERR_MALFORMED ? 0 : r;
}

static int object_is_whole(struct splitter *s, struct listing *l, object_reader *object)
{
    int r = 0;
    if (s->too_long)
        emit_skip(l->emit, l->source, "an object over 1 MiB");
    else
        r = read_object(l, buf_as_span(&s->object), object);
    buf_clear(&s->object);
    s->too_long = false;
    return r;
}

static void keep(struct splitter *s, uint8_t byte)
{
    if (s->object.len < SOURCE_LINE_MAX)
        buf_byte(&s->object, byte);
    else
        s->too_long = true;
}

static int split_line(struct splitter *s, struct listing *l, struct span line, object_reader *object)
{
    bool strange = false;
    int r = 0;
    for (size_t i = 0; i <= line.len && r == 0; i++) {
        uint8_t byte = i < line.len ? line.at[i] : '\n';
        if (s->depth == 0 && byte != '{') {
            strange = strange || strchr(" \t\r\n[],", byte) == NULL || byte == '\0';
            continue;
        }
        keep(s, byte);
        if (s->in_text) {
            s->in_text = s->escaped || byte != '"';
            s->escaped = !s->escaped && byte == '\\';
        } else if (byte == '"') {
            s->in_text = true;
        } else if (byte == '{') {
            s->depth++;
        } else if (byte == '}' && --s->depth == 0) {
            r = object_is_whole(s, l, object);
        }
    }
    if (strange)
        emit_skip(l->emit, l->source, "expected an object");
    return s->object.error == -ENOMEM ? -ENOMEM : r;
}

/* Whether a line is an object by itself, or tries to be one. */
static bool stands_alone(struct span line)
{
    line = trim(line);
    return line.len > 1 && line.at[0] == '{' && line.at[line.len - 1] == '}';
}

int listing_read(struct source *source, struct emit *emit, const char *list, object_reader *object)
{
    struct listing l = {.list = list, .source = source, .emit = emit};
    struct splitter s = {.depth = 0};
    buf_init(&l.detail, 0);
    buf_init(&l.bytes, SOURCE_LINE_MAX);
    buf_init(&s.object, 0);
    bool first = true, lines = true;
    struct span line;
    int r;
    while ((r = source_line(source, &line)) > 0) {
        if (trim(line).len == 0)
            continue;
        if (first)
            lines = stands_alone(line);
        first = false;
        r = lines ? read_object(&l, line, object) : split_line(&s, &l, line, object);
        if (r != 0)
            break;
    }
    if (r == 0 && s.depth > 0)
        emit_skip(emit, source, "the last object has no end");
    buf_done(&l.detail);
    buf_done(&l.bytes);
    buf_done(&s.object);
    return r;
}
