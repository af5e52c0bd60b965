#include "observe/import/cowrie.h"

#include "base/err.h"
#include "base/text.h"
#include "observe/import/reader.h"

#include <errno.h>
#include <jansson.h>

/* How a key of Cowrie's becomes a fact. */
enum form {
    FORM_TEXT,
    FORM_INT,
    FORM_FLAG,   /* true, false, 0, 1 */
    FORM_SHA256, /* 64 hexadecimal digits */
    FORM_PORT,
};

struct field {
    const char *key;
    enum fact_name fact;
    enum form form;
};

enum { FIELDS_MAX = 8 };

struct event {
    const char *name; /* behind "cowrie." */
    enum kind kind;
    const char *outcome, *origin;
    struct field fields[FIELDS_MAX];
    bool keeps_line; /* event.original always: there is more in it than the facts say */
};

static const struct event events[] = {
    {"session.connect", KIND_CONNECTION, NULL, NULL, {{0}}, false},
    {"session.closed", KIND_SESSION, NULL, NULL, {{0}}, false},
    {"session.params", KIND_CLIENT, NULL, NULL, {{"arch", FACT_ARCHITECTURE, FORM_TEXT}}, false},
    {"login.success",
     KIND_LOGIN,
     "success",
     NULL,
     {{"username", FACT_USER_NAME, FORM_TEXT},
      {"password", FACT_PASSWORD, FORM_TEXT},
      {"fingerprint", FACT_KEY_FINGERPRINT, FORM_TEXT},
      {"key", FACT_KEY, FORM_TEXT},
      {"type", FACT_KEY_TYPE, FORM_TEXT}},
     false},
    {"login.failed",
     KIND_LOGIN,
     "failure",
     NULL,
     {{"username", FACT_USER_NAME, FORM_TEXT},
      {"password", FACT_PASSWORD, FORM_TEXT},
      {"fingerprint", FACT_KEY_FINGERPRINT, FORM_TEXT},
      {"key", FACT_KEY, FORM_TEXT},
      {"type", FACT_KEY_TYPE, FORM_TEXT}},
     false},
    {"command.input", KIND_COMMAND, NULL, NULL, {{"input", FACT_COMMAND_LINE, FORM_TEXT}}, false},
    {"client.version", KIND_CLIENT, NULL, NULL, {{"version", FACT_CLIENT_VERSION, FORM_TEXT}}, false},
    {"client.kex",
     KIND_CLIENT,
     NULL,
     NULL,
     {{"hassh", FACT_CLIENT_HASSH, FORM_TEXT}, {"hasshAlgorithms", FACT_CLIENT_HASSH_ALGORITHMS, FORM_TEXT}},
     false},
    {"client.fingerprint",
     KIND_CLIENT,
     NULL,
     NULL,
     {{"username", FACT_USER_NAME, FORM_TEXT},
      {"fingerprint", FACT_KEY_FINGERPRINT, FORM_TEXT},
      {"key", FACT_KEY, FORM_TEXT},
      {"type", FACT_KEY_TYPE, FORM_TEXT}},
     true},
    {"client.size", KIND_CLIENT, NULL, NULL, {{"width", FACT_TERMINAL_COLUMNS, FORM_INT}, {"height", FACT_TERMINAL_ROWS, FORM_INT}}, false},
    {"client.var", KIND_CLIENT, NULL, NULL, {{"name", FACT_VARIABLE_NAME, FORM_TEXT}, {"value", FACT_VARIABLE_VALUE, FORM_TEXT}}, false},
    {"telnet.option", KIND_CLIENT, NULL, NULL, {{0}}, false},
    {"session.file_download",
     KIND_SAMPLE,
     NULL,
     "written",
     {{"url", FACT_URL_FULL, FORM_TEXT},
      {"shasum", FACT_FILE_SHA256, FORM_SHA256},
      {"destfile", FACT_FILE_PATH, FORM_TEXT},
      {"duplicate", FACT_DUPLICATE, FORM_FLAG}},
     true},
    {"session.file_upload",
     KIND_SAMPLE,
     NULL,
     "upload",
     {{"shasum", FACT_FILE_SHA256, FORM_SHA256}, {"filename", FACT_FILE_PATH, FORM_TEXT}, {"duplicate", FACT_DUPLICATE, FORM_FLAG}},
     true},
    {"session.file_download.failed",
     KIND_DOWNLOAD,
     "failure",
     NULL,
     {{"url", FACT_URL_FULL, FORM_TEXT}, {"error", FACT_EVENT_REASON, FORM_TEXT}},
     true},
    {"direct-tcpip.request", KIND_FORWARD, NULL, NULL, {{"dst_ip", FACT_FORWARD_HOST, FORM_TEXT}, {"dst_port", FACT_FORWARD_PORT, FORM_PORT}}, true},
    {"direct-tcpip.data",
     KIND_FORWARD,
     NULL,
     NULL,
     {{"dst_ip", FACT_FORWARD_HOST, FORM_TEXT}, {"dst_port", FACT_FORWARD_PORT, FORM_PORT}, {"data", FACT_FORWARD_DATA, FORM_TEXT}},
     true},
    {"telnet.exploit_attempt",
     KIND_EXPLOIT,
     NULL,
     NULL,
     {{"cve", FACT_VULNERABILITY_ID, FORM_TEXT}, {"name", FACT_VARIABLE_NAME, FORM_TEXT}, {"value", FACT_VARIABLE_VALUE, FORM_TEXT}},
     true},
    {"telnet.exploit_success",
     KIND_EXPLOIT,
     "success",
     NULL,
     {{"cve", FACT_VULNERABILITY_ID, FORM_TEXT}, {"username", FACT_USER_NAME, FORM_TEXT}, {"attempted_command", FACT_COMMAND_LINE, FORM_TEXT}},
     true},
};

static const struct event note = {.name = "", .kind = KIND_NOTE, .keeps_line = true};

/* Keys of every event, and the noise of the oldest dialect: no reason to keep a line. */
static const char *const common_keys[] = {"eventid",  "message", "sensor",   "uuid",   "timestamp", "session",  "protocol",   "src_ip",
                                          "src_port", "dst_ip",  "dst_port", "system", "isError",   "duration", "duration_ms"};

static const char *const option_keys[] = {"command", "option_name", "option_byte"};

static const char *const option_names[256] = {
#define TELNET_OPTION(number, name) [(number)] = (name),
#include "record/telnet_options.def"
#undef TELNET_OPTION
};

/* One line being read. */
struct reading {
    struct source *source;
    struct emit *emit;
    struct span line;
    json_t *root;
    const struct event *event;
    struct cowrie_session *session; /* NULL: the event names none */
    struct record record;
    struct fact facts[RECORD_FACTS_MAX];
    bool option_known;    /* an option's name and number are those of record/telnet_options.def */
    bool own_destination; /* dst_ip and dst_port are not the honeypot's */
    char option[96];
};

static void add(struct reading *r, struct fact fact)
{
    r->facts[r->record.fact_count++] = fact;
}

static struct span text_of(const json_t *value)
{
    return span_of(json_string_value(value), json_string_length(value));
}

/* The value of a key; NULL when it is missing or null. */
static json_t *value_of(const struct reading *r, const char *key)
{
    json_t *value = json_object_get(r->root, key);
    return json_is_null(value) ? NULL : value;
}

static int skip(struct reading *r, const char *key, const char *expected)
{
    emit_skip(r->emit, r->source, "%s: expected %s", key, expected);
    return -ERR_MALFORMED;
}

static int read_port(struct reading *r, const char *key, uint16_t *ret)
{
    const json_t *value = value_of(r, key);
    if (value == NULL)
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > 65535)
        return skip(r, key, "a port from 0 to 65535");
    *ret = (uint16_t)json_integer_value(value);
    return 0;
}

static int read_addr(struct reading *r, const char *key, struct addr *ret)
{
    const json_t *value = value_of(r, key);
    if (value == NULL)
        return 0;
    if (!json_is_string(value) || addr_parse(text_of(value), ret) != 0)
        return skip(r, key, "an IP address");
    return 0;
}

static int read_time(struct reading *r)
{
    const json_t *value = value_of(r, "timestamp");
    bool zoned = true;
    if (!json_is_string(value) || usec_parse(text_of(value), emit_zone_minutes(r->emit), &r->record.time, &zoned) != 0 || r->record.time < 0)
        return skip(r, "timestamp", "a date and time from 1970 on");
    if (!zoned)
        add(r, fact_text(FACT_ZONE_ASSUMED, span_text(emit_zone(r->emit))));
    return 0;
}

/* A text of at most `max` bytes that may be missing. */
static int read_short(struct reading *r, const char *key, size_t max, struct span *ret)
{
    const json_t *value = value_of(r, key);
    if (value == NULL)
        return 0;
    struct span text = json_is_string(value) ? text_of(value) : (struct span){0};
    if (!json_is_string(value) || text.len > max || text_utf8_valid(text) != text.len || (text.len > 0 && memchr(text.at, '\0', text.len) != NULL)) {
        char expected[48];
        (void)snprintf(expected, sizeof expected, "a text of at most %zu bytes", max);
        return skip(r, key, expected);
    }
    *ret = text;
    return 0;
}

/* Who, where and when: into the record, and into the session's memory. */
static int read_common(struct reading *r)
{
    struct span sensor = {0}, session = {0}, protocol = {0}, uuid = {0};
    struct endpoint source = {0}, destination = {0};
    if (read_time(r) != 0 || read_short(r, "sensor", RECORD_SENSOR_MAX, &sensor) != 0 ||
        read_short(r, "session", COWRIE_SESSION_TEXT_MAX, &session) != 0 || read_short(r, "protocol", COWRIE_PROTOCOL_MAX, &protocol) != 0 ||
        read_short(r, "uuid", COWRIE_UUID_MAX, &uuid) != 0 || read_addr(r, "src_ip", &source.addr) != 0 ||
        read_port(r, "src_port", &source.port) != 0)
        return -ERR_MALFORMED;
    if (!r->own_destination && (read_addr(r, "dst_ip", &destination.addr) != 0 || read_port(r, "dst_port", &destination.port) != 0))
        return -ERR_MALFORMED;
    if (r->event->kind == KIND_CONNECTION && (session.len == 0 || value_of(r, "src_ip") == NULL))
        return skip(r, "session.connect", "session and src_ip");
    r->record.sensor = sensor.len > 0 ? sensor : emit_sensor(r->emit);
    if (session.len > 0) {
        struct cowrie_session *s = cowrie_session_get(emit_state(r->emit), r->record.sensor, session);
        if (s == NULL)
            return -ENOMEM;
        if (r->event->kind == KIND_CONNECTION && s->connected)
            cowrie_session_reset(s);
        s->connected = s->connected || r->event->kind == KIND_CONNECTION;
        if (value_of(r, "src_ip") != NULL)
            s->source.addr = source.addr;
        if (source.port != 0)
            s->source.port = source.port;
        if (!r->own_destination && value_of(r, "dst_ip") != NULL)
            s->destination.addr = destination.addr;
        if (destination.port != 0)
            s->destination.port = destination.port;
        if (protocol.len > 0) {
            memcpy(s->protocol, protocol.at, protocol.len);
            s->protocol[protocol.len] = '\0';
        }
        r->session = s;
        source = s->source;
        destination = s->destination;
        protocol = span_text(s->protocol);
        r->record.transport = TRANSPORT_TCP; /* all that Cowrie serves */
        add(r, fact_text(FACT_COWRIE_SESSION, session));
    }
    r->record.source = source;
    r->record.destination = destination;
    if (protocol.len > 0)
        add(r, fact_text(FACT_NETWORK_PROTOCOL, protocol));
    if (uuid.len > 0)
        add(r, fact_text(FACT_COWRIE_UUID, uuid));
    return 0;
}

static int read_field(struct reading *r, const struct field *field)
{
    const json_t *value = value_of(r, field->key);
    if (value == NULL)
        return 0;
    uint8_t sha256[32];
    switch (field->form) {
    case FORM_TEXT:
        if (!json_is_string(value))
            return skip(r, field->key, "a text");
        add(r, fact_text(field->fact, text_of(value)));
        return 0;
    case FORM_INT:
        if (!json_is_integer(value))
            return skip(r, field->key, "a whole number");
        add(r, fact_int(field->fact, json_integer_value(value)));
        return 0;
    case FORM_FLAG:
        if (!json_is_boolean(value) && !json_is_integer(value))
            return skip(r, field->key, "true or false");
        add(r, fact_int(field->fact, json_is_true(value) || (json_is_integer(value) && json_integer_value(value) != 0)));
        return 0;
    case FORM_SHA256:
        if (!json_is_string(value) || text_unhex(text_of(value), sha256, sizeof sha256) != 0)
            return skip(r, field->key, "64 hexadecimal digits");
        add(r, fact_text(field->fact, text_of(value)));
        return 0;
    case FORM_PORT:
        if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > 65535)
            return skip(r, field->key, "a port from 0 to 65535");
        add(r, fact_int(field->fact, json_integer_value(value)));
        return 0;
    }
    return 0;
}

static bool is_among(const char *key, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(key, keys[i]) == 0)
            return true;
    }
    return false;
}

/* Whether the line says more than the facts do. */
static bool has_more(const struct reading *r)
{
    const char *key;
    json_t *value;
    if (r->event->keeps_line)
        return true;
    json_object_foreach(r->root, key, value)
    {
        bool known = is_among(key, common_keys, sizeof common_keys / sizeof common_keys[0]) ||
                     (r->option_known && is_among(key, option_keys, sizeof option_keys / sizeof option_keys[0]));
        for (size_t i = 0; i < FIELDS_MAX && r->event->fields[i].key != NULL && !known; i++)
            known = strcmp(key, r->event->fields[i].key) == 0;
        if (!known || strcmp(key, "fingerprint") == 0)
            return true;
    }
    return false;
}

/* Milliseconds (2026), or seconds as a number or as text. */
static int read_duration(struct reading *r)
{
    const json_t *msec = value_of(r, "duration_ms"), *seconds = value_of(r, "duration");
    double value = 0;
    if (msec != NULL) {
        if (!json_is_integer(msec) || json_integer_value(msec) < 0 || json_integer_value(msec) > INT64_MAX / 1000000)
            return skip(r, "duration_ms", "a whole number of milliseconds");
        add(r, fact_int(FACT_EVENT_DURATION, json_integer_value(msec) * 1000000));
        return 0;
    }
    if (seconds == NULL)
        return 0;
    char *end = NULL;
    if (json_is_string(seconds)) {
        value = strtod(json_string_value(seconds), &end);
        if (end == json_string_value(seconds) || *end != '\0')
            value = -1;
    } else {
        value = json_is_number(seconds) ? json_number_value(seconds) : -1;
    }
    if (!(value >= 0 && value <= 1e9)) /* also when it is not a number */
        return skip(r, "duration", "a number of seconds");
    add(r, fact_int(FACT_EVENT_DURATION, (int64_t)(value * 1e9 + 0.5)));
    return 0;
}

static int read_closed(struct reading *r)
{
    const struct cowrie_session *s = r->session;
    if (read_duration(r) != 0)
        return -ERR_MALFORMED;
    if (s == NULL || !s->connected)
        return 0; /* its beginning was not seen: counts would be too low */
    add(r, fact_int(FACT_LOGINS, s->logins));
    add(r, fact_int(FACT_COMMANDS, s->commands));
    add(r, fact_int(FACT_DOWNLOADS, s->downloads));
    add(r, fact_int(FACT_SAMPLES, s->samples));
    add(r, fact_int(FACT_LOGGED_IN, s->logged_in));
    return 0;
}

static int read_option(struct reading *r)
{
    struct span command = {0}, name = {0};
    if (read_short(r, "command", 8, &command) != 0 || read_short(r, "option_name", 64, &name) != 0)
        return -ERR_MALFORMED;
    if (command.len == 0 || name.len == 0)
        return skip(r, "telnet.option", "command and option_name");
    int len = snprintf(r->option, sizeof r->option, "%.*s %.*s", (int)command.len, (const char *)command.at, (int)name.len, (const char *)name.at);
    add(r, fact_text(FACT_TELNET_OPTIONS, span_of(r->option, (size_t)len)));
    const json_t *byte = value_of(r, "option_byte");
    json_int_t number = json_is_integer(byte) ? json_integer_value(byte) : -1;
    r->option_known = number >= 0 && number < 256 && option_names[number] != NULL && span_is(name, option_names[number]);
    return 0;
}

static void count(const struct reading *r, bool has_url)
{
    struct cowrie_session *s = r->session;
    if (s == NULL)
        return;
    s->logins += r->event->kind == KIND_LOGIN;
    s->logged_in = s->logged_in || (r->event->kind == KIND_LOGIN && strcmp(r->event->outcome, "success") == 0);
    s->commands += r->event->kind == KIND_COMMAND;
    s->samples += r->event->kind == KIND_SAMPLE;
    s->downloads += r->event->kind == KIND_DOWNLOAD || (r->event->kind == KIND_SAMPLE && has_url);
}

/* The host of an URL: between "://" (and what ends with '@') and the next of ":/?#". */
static struct span host_of(struct span url)
{
    size_t at = 0;
    while (at < url.len && url.at[at] != ':')
        at++;
    struct span rest = span_part(url, at, url.len);
    if (!span_starts(rest, "://"))
        return (struct span){0};
    rest = span_part(rest, 3, rest.len);
    size_t end = 0;
    while (end < rest.len && strchr("/?#", rest.at[end]) == NULL)
        end++;
    rest = span_part(rest, 0, end);
    size_t user = span_find(rest, '@');
    if (user < rest.len)
        rest = span_part(rest, user + 1, rest.len);
    if (rest.len > 0 && rest.at[0] == '[')
        return span_part(rest, 1, span_find(rest, ']') > 0 ? span_find(rest, ']') - 1 : 0);
    return span_part(rest, 0, span_find(rest, ':'));
}

/* What an url adds: the host, and to a sample a record of its download. */
static int emit_download(struct reading *r, struct span url)
{
    struct fact facts[12];
    size_t n = 0;
    for (size_t i = 0; i < r->record.fact_count && n < 10; i++) {
        enum fact_name name = r->facts[i].name;
        if (name == FACT_URL_FULL || name == FACT_FILE_SHA256 || name == FACT_FILE_PATH || name == FACT_EVENT_ACTION ||
            name == FACT_NETWORK_PROTOCOL || name == FACT_COWRIE_SESSION || name == FACT_COWRIE_UUID || name == FACT_OBSERVER_PRODUCT ||
            name == FACT_ZONE_ASSUMED)
            facts[n++] = r->facts[i];
    }
    if (host_of(url).len > 0)
        facts[n++] = fact_text(FACT_URL_DOMAIN, host_of(url));
    facts[n++] = fact_text(FACT_EVENT_OUTCOME, span_text("success"));
    struct record record = r->record;
    record.id = emit_id(r->emit, record.time, r->line, 1);
    record.kind = KIND_DOWNLOAD;
    record.facts = facts;
    record.fact_count = n;
    return emit_record(r->emit, &record);
}

static int read_own(struct reading *r)
{
    const struct event *event = r->event;
    for (size_t i = 0; i < FIELDS_MAX && event->fields[i].key != NULL; i++) {
        if (read_field(r, &event->fields[i]) != 0)
            return -ERR_MALFORMED;
    }
    if (event->kind == KIND_SESSION && read_closed(r) != 0)
        return -ERR_MALFORMED;
    if (strcmp(event->name, "telnet.option") == 0 && read_option(r) != 0)
        return -ERR_MALFORMED;
    return 0;
}

static int read_event(struct reading *r, struct span eventid)
{
    struct span name = span_part(eventid, strlen("cowrie."), eventid.len);
    r->event = &note;
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        if (span_is(name, events[i].name))
            r->event = &events[i];
    }
    r->own_destination = span_starts(name, "direct-tcpip.");
    r->record = (struct record){.kind = r->event->kind, .facts = r->facts};
    add(r, fact_text(FACT_OBSERVER_PRODUCT, span_text("cowrie")));
    add(r, fact_text(FACT_EVENT_ACTION, eventid));
    int code = read_common(r);
    if (code == 0)
        code = read_own(r);
    if (code != 0)
        return code == -ERR_MALFORMED ? 0 : code;
    const struct fact *url = record_fact(&r->record, FACT_URL_FULL);
    struct span address = url != NULL ? url->text : (struct span){0};
    if (r->event->outcome != NULL)
        add(r, fact_text(FACT_EVENT_OUTCOME, span_text(r->event->outcome)));
    if (r->event->origin != NULL)
        add(r, fact_text(FACT_SAMPLE_ORIGIN, span_text(address.len > 0 ? "download" : r->event->origin)));
    if (r->event->kind == KIND_DOWNLOAD && host_of(address).len > 0)
        add(r, fact_text(FACT_URL_DOMAIN, host_of(address)));
    if (has_more(r))
        add(r, fact_text(FACT_EVENT_ORIGINAL, r->line));
    r->record.id = emit_id(r->emit, r->record.time, r->line, 0);
    if (r->session != NULL) {
        if (id_is_zero(r->session->id))
            r->session->id = r->record.id;
        r->record.session = r->session->id;
    }
    count(r, address.len > 0);
    code = emit_record(r->emit, &r->record);
    return code == 0 && r->event->kind == KIND_SAMPLE && address.len > 0 ? emit_download(r, address) : code;
}

static int read_line(struct source *source, struct emit *emit, struct span line)
{
    json_error_t error;
    struct reading r = {.source = source, .emit = emit, .line = line};
    r.root = json_loadb((const char *)line.at, line.len, JSON_ALLOW_NUL, &error);
    if (r.root == NULL) {
        emit_skip(emit, source, "not JSON: %s", error.text);
        return 0;
    }
    int code = 0;
    const json_t *eventid = json_object_get(r.root, "eventid");
    struct span name = json_is_string(eventid) ? text_of(eventid) : (struct span){0};
    if (!json_is_object(r.root))
        emit_skip(emit, source, "expected an object");
    else if (!span_starts(name, "cowrie.") || name.len > 128)
        emit_skip(emit, source, "eventid: expected a text that starts with \"cowrie.\"");
    else
        code = read_event(&r, name);
    json_decref(r.root);
    return code;
}

static bool is_blank(struct span line)
{
    for (size_t i = 0; i < line.len; i++) {
        if (line.at[i] != ' ' && line.at[i] != '\t')
            return false;
    }
    return true;
}

static int cowrie_read(struct source *source, struct emit *emit)
{
    for (;;) {
        struct span line;
        int r = source_line(source, &line);
        if (r <= 0)
            return r;
        r = is_blank(line) ? 0 : read_line(source, emit, line);
        if (r != 0)
            return r;
    }
}

static int cowrie_sniff(struct span head)
{
    const char *text = (const char *)head.at;
    if (head.len == 0 || memmem(text, head.len, "\"eventid\"", 9) == NULL || memmem(text, head.len, "\"cowrie.", 8) == NULL)
        return 0;
    return head.at[0] == '{' ? 90 : 50;
}

static void cowrie_done(void *state)
{
    cowrie_map_done(state);
}

extern const struct reader reader_cowrie;
const struct reader reader_cowrie = {
    .name = "cowrie",
    .help = "Cowrie's JSON lines (2018 to 2026), also T-Pot's cowrie.json",
    .sniff = cowrie_sniff,
    .read = cowrie_read,
    .state_size = sizeof(struct cowrie_map),
    .done = cowrie_done,
};
