#include <jansson.h>

#include "share/cowrie_line.h"

struct span cowrie_fact(const struct record *record, enum fact_name name)
{
    const struct fact *fact = record_fact(record, name);
    return fact != NULL ? fact->text : (struct span){0};
}

static bool is_known(struct addr a)
{
    return !addr_equal(a, (struct addr){0});
}

void cowrie_line_text(struct cowrie_line *line, const char *key, struct span value)
{
    json_key(&line->json, key);
    json_span(&line->json, value);
}

void cowrie_line_int(struct cowrie_line *line, const char *key, int64_t value)
{
    json_key(&line->json, key);
    json_int(&line->json, value);
}

/* Cowrie's own number when it came from there, else the end of ours. */
static void put_session(struct cowrie_line *line)
{
    struct span session = cowrie_fact(line->record, FACT_COWRIE_SESSION);
    char hex[13];
    if (session.len == 0 && id_is_zero(line->record->session))
        return;
    if (session.len == 0)
        session = span_text(text_hex(span_of(line->record->session.bytes + 10, 6), hex));
    cowrie_line_text(line, "session", session);
}

void cowrie_line_begin(struct cowrie_line *line, struct buf *out, const struct record *record, const char *uuid, const struct span *host,
                       int64_t port)
{
    char text[ADDR_TEXT_SIZE];
    *line = (struct cowrie_line){.record = record, .uuid = uuid};
    json_init(&line->json, out, false);
    json_begin_object(&line->json);
    put_session(line);
    struct span protocol = cowrie_fact(record, FACT_NETWORK_PROTOCOL);
    if (protocol.len > 0)
        cowrie_line_text(line, "protocol", protocol);
    if (is_known(record->source.addr))
        cowrie_line_text(line, "src_ip", span_text(addr_print(record->source.addr, text)));
    if (record->source.port != 0)
        cowrie_line_int(line, "src_port", record->source.port);
    if (host != NULL)
        cowrie_line_text(line, "dst_ip", *host);
    else if (is_known(record->destination.addr))
        cowrie_line_text(line, "dst_ip", span_text(addr_print(record->destination.addr, text)));
    if (host != NULL ? port >= 0 : record->destination.port != 0)
        cowrie_line_int(line, "dst_port", host != NULL ? port : record->destination.port);
}

void cowrie_line_end(struct cowrie_line *line, struct span eventid, struct span message)
{
    char time[USEC_TEXT_SIZE];
    struct span uuid = cowrie_fact(line->record, FACT_COWRIE_UUID);
    cowrie_line_text(line, "eventid", eventid);
    cowrie_line_text(line, "sensor", line->record->sensor);
    cowrie_line_text(line, "uuid", uuid.len > 0 ? uuid : span_text(line->uuid));
    cowrie_line_text(line, "timestamp", span_text(usec_print(line->record->time, time)));
    cowrie_line_text(line, "message", message);
    json_end_object(&line->json);
    buf_byte(line->json.out, '\n');
}

void cowrie_line_endf(struct cowrie_line *line, const char *eventid, const char *format, ...)
{
    struct buf message;
    buf_init(&message, 0);
    va_list args;
    va_start(args, format);
    buf_vprintf(&message, format, args);
    va_end(args);
    if (message.error != 0 && line->json.out->error == 0)
        line->json.out->error = message.error;
    cowrie_line_end(line, span_text(eventid), buf_as_span(&message));
    buf_done(&message);
}

/* Keys that stand elsewhere in today's dialect, or no longer. */
static bool is_own(const char *key)
{
    static const char *const others[] = {"session", "protocol",  "src_ip",  "src_port", "dst_ip", "dst_port", "eventid",
                                         "sensor",  "timestamp", "message", "uuid",     "system", "isError",  "unique"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (strcmp(key, others[i]) == 0)
            return false;
    }
    return true;
}

static void put_value(struct cowrie_line *line, const char *key, const json_t *value)
{
    if (strcmp(key, "duration") == 0 && json_is_number(value) && json_number_value(value) >= 0 && json_number_value(value) <= 1e9) {
        cowrie_line_int(line, "duration_ms", (int64_t)(json_number_value(value) * 1000));
        return;
    }
    json_key(&line->json, key);
    if (json_is_string(value)) {
        json_span(&line->json, span_of(json_string_value(value), json_string_length(value)));
    } else if (json_is_integer(value)) {
        json_int(&line->json, json_integer_value(value));
    } else if (json_is_boolean(value)) {
        json_bool(&line->json, json_is_true(value));
    } else if (json_is_real(value)) {
        json_decimal(&line->json, json_real_value(value));
    } else {
        char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY); /* lists and objects, however deep */
        json_raw(&line->json, span_text(text != NULL ? text : "null"));
        free(text);
    }
}

bool cowrie_line_original(struct buf *out, const struct record *record, const char *uuid, struct span eventid, struct span original)
{
    json_error_t error;
    json_t *root = json_loadb((const char *)original.at, original.len, JSON_ALLOW_NUL, &error);
    if (!json_is_object(root)) {
        json_decref(root);
        return false;
    }
    struct cowrie_line line;
    struct span host = {0};
    int64_t port = -1;
    const json_t *named = span_starts(eventid, "cowrie.direct-tcpip.") ? json_object_get(root, "dst_ip") : NULL;
    if (json_is_string(named)) {
        const json_t *number = json_object_get(root, "dst_port");
        host = span_of(json_string_value(named), json_string_length(named));
        port = json_is_integer(number) ? json_integer_value(number) : -1;
    }
    cowrie_line_begin(&line, out, record, uuid, json_is_string(named) ? &host : NULL, port);
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value)
    {
        bool twice = strcmp(key, "duration") == 0 && json_object_get(root, "duration_ms") != NULL;
        if (is_own(key) && !twice)
            put_value(&line, key, value);
    }
    const json_t *message = json_object_get(root, "message");
    cowrie_line_end(&line, eventid, json_is_string(message) ? span_of(json_string_value(message), json_string_length(message)) : (struct span){0});
    json_decref(root);
    return true;
}
