#include "base/err.h"
#include "cli/show.h"
#include "record/transcript.h"

#include <stdlib.h>

enum { RECORDS_MAX = 20000 };

static const struct column event_columns[] = {
    {.name = "after", .title = "after", .type = COLUMN_DURATION, .unit = "ns", .help = "time since the session's start"},
    {.name = "kind", .title = "kind", .type = COLUMN_TEXT, .help = "kind of record"},
    {.name = "what", .title = "what", .type = COLUMN_TEXT, .help = "what it states"},
};

struct session {
    struct id id;
    bool any, ended;
    usec_t start;
    struct endpoint source, destination;
    struct buf transcript; /* the closing record's bytes */
    struct table *events;
    bool telnet;
    struct buf records; /* JSON array */
    struct json json;
    int error;
};

static void append_fact(struct buf *out, const struct fact *f)
{
    const struct fact_info *info = fact_info(f->name);
    char text[ADDR_TEXT_SIZE];
    if (info == NULL || info->type == FACT_TYPE_BYTES || f->name == FACT_NETWORK_PROTOCOL || f->name == FACT_OBSERVER_PRODUCT ||
        f->name == FACT_EVENT_ACTION || f->name == FACT_COWRIE_UUID)
        return;
    buf_printf(out, "%s%s=", out->len > 0 ? " " : "", info->text);
    if (info->type == FACT_TYPE_INT)
        buf_printf(out, "%lld", (long long)f->number);
    else if (info->type == FACT_TYPE_ADDR)
        buf_text(out, addr_print(f->addr, text));
    else
        buf_span(out, f->text);
}

/* What matters of a record, in one line: the command, the credentials; else all it states. */
static void describe(struct buf *out, const struct record *r)
{
    const struct fact *command = record_fact(r, FACT_COMMAND_LINE), *user = record_fact(r, FACT_USER_NAME);
    const struct fact *password = record_fact(r, FACT_PASSWORD), *outcome = record_fact(r, FACT_EVENT_OUTCOME);
    if (r->kind == KIND_COMMAND && command != NULL) {
        buf_span(out, command->text);
    } else if (r->kind == KIND_LOGIN && user != NULL) {
        buf_span(out, user->text);
        buf_text(out, " / ");
        if (password != NULL)
            buf_span(out, password->text);
        buf_text(out, outcome != NULL && span_is(outcome->text, "success") ? "  accepted" : "  refused");
    } else {
        for (size_t i = 0; i < r->fact_count; i++)
            append_fact(out, &r->facts[i]);
    }
}

static int collect(void *user, const struct record *r)
{
    struct session *s = user;
    const struct fact *duration = record_fact(r, FACT_EVENT_DURATION), *bytes = record_fact(r, FACT_TRANSCRIPT);
    usec_t begins = r->time - (r->kind == KIND_SESSION && duration != NULL ? duration->number / 1000 : 0);
    if (!s->any || begins < s->start)
        s->start = begins;
    if (!s->any || r->kind == KIND_CONNECTION) {
        s->source = r->source;
        s->destination = r->destination;
    }
    const struct fact *protocol = record_fact(r, FACT_NETWORK_PROTOCOL);
    s->telnet = s->telnet || (protocol != NULL && span_is(protocol->text, "telnet"));
    s->any = true;
    s->ended = s->ended || r->kind == KIND_SESSION;
    if (bytes != NULL && s->transcript.len == 0)
        buf_span(&s->transcript, bytes->text);
    struct buf text;
    buf_init(&text, 0);
    describe(&text, r);
    const struct query_value row[] = {value_int(r->time), value_text(span_text(kind_info(r->kind)->name)), value_text(buf_as_span(&text))};
    s->error = text.error != 0 ? text.error : table_row(s->events, row, 3);
    buf_done(&text);
    reading_json_record(&s->json, r);
    return s->error != 0 || table_rows(s->events) >= RECORDS_MAX;
}

static int print_json(const struct session *s)
{
    struct buf out, base64;
    struct json json;
    char text[USEC_TEXT_SIZE];
    buf_init(&out, 0);
    buf_init(&base64, 0);
    json_init(&json, &out, true);
    json_begin_object(&json);
    json_key(&json, "noroshi.session");
    json_text(&json, id_print(s->id, text));
    json_key(&json, "event.start");
    json_text(&json, usec_print(s->start, text));
    json_key(&json, "source.ip");
    json_text(&json, addr_print(s->source.addr, text));
    json_key(&json, "source.port");
    json_int(&json, s->source.port);
    json_key(&json, "transcript");
    json_begin_array(&json);
    struct cursor cursor = cursor_of(buf_as_span(&s->transcript));
    struct transcript_piece piece;
    usec_t at = s->start;
    while (transcript_next(&cursor, &piece) > 0) {
        at += piece.after;
        json_begin_object(&json);
        json_key(&json, "@timestamp");
        json_text(&json, usec_print(at, text));
        json_key(&json, "direction");
        json_text(&json, piece.direction == TRANSCRIPT_RECEIVED ? "received" : "sent");
        json_key(&json, "text");
        json_span(&json, piece.bytes);
        buf_clear(&base64);
        text_base64(&base64, piece.bytes);
        json_key(&json, "base64");
        json_span(&json, buf_as_span(&base64));
        json_end_object(&json);
    }
    json_end_array(&json);
    json_key(&json, "records");
    json_raw(&json, buf_as_span(&s->records));
    json_end_object(&json);
    int error = out.error != 0 ? out.error : s->records.error;
    if (error == 0)
        printf("%s\n", buf_cstr(&out));
    buf_done(&out);
    buf_done(&base64);
    return error == 0 ? EXIT_OK : failed("%s", err_text(error));
}

/* Ids order records to the millisecond only; the session's end comes last of its time. */
static int by_time(const struct query_value *a, const struct query_value *b)
{
    if (a[0].number != b[0].number)
        return a[0].number < b[0].number ? -1 : 1;
    return span_is(a[1].bytes, "session") - span_is(b[1].bytes, "session");
}

static int print_text(const struct invocation *i, struct session *s)
{
    char text[ENDPOINT_TEXT_SIZE], id[ID_TEXT_SIZE];
    printf("session %s\n", id_print(s->id, id));
    show_time("start", s->start);
    show_line("source", "%s", endpoint_print(s->source, text));
    show_line("destination", "%s", endpoint_print(s->destination, text));
    if (!s->ended)
        show_line("state", "no closing record: still open, or cut short");
    table_sort(s->events, by_time);
    struct table *events = NULL;
    int error = table_new(&events, event_columns, 3);
    for (size_t n = 0; n < table_rows(s->events) && error == 0; n++) {
        const struct query_value row[] = {value_int((table_value(s->events, n, 0)->number - s->start) * 1000), *table_value(s->events, n, 1),
                                          *table_value(s->events, n, 2)};
        error = table_row(events, row, 3);
    }
    int status = error == 0 ? show_table(i, "records", events) : failed("%s", err_text(error));
    table_free(events);
    if (status == EXIT_OK && s->transcript.len > 0)
        status = show_transcript(i, buf_as_span(&s->transcript), s->telnet);
    return status;
}

static int show(const struct invocation *i, const struct options *o, struct session *s, double speed)
{
    if (o->values[SHOW_JSON] != NULL)
        return print_json(s);
    if (o->values[SHOW_REPLAY] == NULL)
        return print_text(i, s);
    if (s->transcript.len > 0)
        return show_replay(i, buf_as_span(&s->transcript), s->telnet, speed);
    (void)failed("this session has no transcript: %s", s->ended ? "its source did not keep one" : "it has not ended");
    return EXIT_NOTHING;
}

int show_session(const struct invocation *i, const struct options *o, struct query *query, const char *id)
{
    struct session s = {0};
    double speed = 1;
    if (o->values[SHOW_SPEED] != NULL) {
        char *end = NULL;
        speed = strtod(o->values[SHOW_SPEED], &end);
        if (*end != '\0' || !(speed >= 0.1 && speed <= 1000))
            return usage_error(&verb_show, "--speed: expected a factor from 0.1 to 1000, got \"%.20s\"", o->values[SHOW_SPEED]);
    }
    int status = reading_session(&verb_show, query, id, &s.id);
    if (status != 0)
        return status;
    if (table_new(&s.events, event_columns, 3) != 0)
        return failed("out of memory");
    buf_init(&s.transcript, 0);
    buf_init(&s.records, 0);
    json_init(&s.json, &s.records, false);
    json_begin_array(&s.json);
    struct query_filter filter = {.session = s.id};
    reading_session_range(s.id, &filter.since, &filter.until);
    int error = id_is_zero(s.id) ? 0 : query_records(query, &filter, collect, &s);
    json_end_array(&s.json);
    if (error < 0 || s.error != 0) {
        status = failed("show session: %s", err_text(s.error != 0 ? s.error : error));
    } else if (!s.any) {
        note(i, "no session %s", id);
        status = EXIT_NOTHING;
    } else {
        status = show(i, o, &s, speed);
    }
    buf_done(&s.transcript);
    buf_done(&s.records);
    table_free(s.events);
    return status;
}
