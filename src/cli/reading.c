#include "cli/reading.h"

#include "base/err.h"
#include "cli/when.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

int reading_open(const struct invocation *i, struct query **ret)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/control.db", i->data) < (int)sizeof path && access(path, F_OK) != 0 &&
        (errno == ENOENT || errno == ENOTDIR)) {
        failed("nothing has been recorded in %s yet: `noroshi run` or `noroshi import` fills it, --data DIR names another folder", i->data);
        return EXIT_NOTHING;
    }
    struct buf why;
    buf_init(&why, 0);
    int error = query_open(ret, i->data, &why), status = 0;
    if (error != 0)
        status = failed("%s", why.len > 0 ? buf_cstr(&why) : err_text(error));
    buf_done(&why);
    return status;
}

static int read_time(const struct verb *verb, const char *option, const char *text, int zone, usec_t *ret)
{
    if (when_parse(span_text(text), usec_now(), zone, ret) == 0)
        return 0;
    return usage_error(verb, "--%s: expected a date, an RFC 3339 time, an age such as 7d, today or yesterday, got \"%.60s\"", option, text);
}

int reading_range(const struct invocation *i, const struct verb *verb, const char *since, const char *until, struct query_range *ret)
{
    int zone = 0;
    const char *text = conf_text(i->settings, "report.timezone");
    if (zone_parse(span_text(text), &zone) != 0) {
        fprintf(stderr, "noroshi: %s: report.timezone: expected an offset from UTC, got something else; for example +09:00\n", i->config);
        return EXIT_USAGE;
    }
    *ret = (struct query_range){.since = REPORT_SINCE_ALL, .until = REPORT_UNTIL_ALL, .offset_usec = zone * 60 * USEC_PER_SEC};
    int status = since != NULL ? read_time(verb, "since", since, zone, &ret->since) : 0;
    if (status == 0 && until != NULL)
        status = read_time(verb, "until", until, zone, &ret->until);
    if (status == 0 && ret->since >= ret->until)
        status = usage_error(verb, "--since must be before --until");
    return status;
}

struct table_look reading_look(const struct invocation *i, bool title)
{
    return (struct table_look){.color = i->color, .title = title && i->width > 0, .width = i->width};
}

int reading_printed(int error)
{
    return error == 0 || error == -EPIPE ? EXIT_OK : failed("writing the output: %s", err_text(error));
}

static void json_endpoint(struct json *json, const char *ip, const char *port, struct endpoint at)
{
    static const struct addr none;
    char text[ADDR_TEXT_SIZE];
    if (addr_equal(at.addr, none))
        return;
    json_key(json, ip);
    json_text(json, addr_print(at.addr, text));
    if (at.port > 0) {
        json_key(json, port);
        json_int(json, at.port);
    }
}

static void json_fact(struct json *json, const struct fact *f)
{
    const struct fact_info *info = fact_info(f->name);
    char text[ADDR_TEXT_SIZE];
    if (info == NULL)
        return;
    json_key(json, info->text);
    switch (info->type) {
    case FACT_TYPE_TEXT:
        json_span(json, f->text);
        break;
    case FACT_TYPE_INT:
        json_int(json, f->number);
        break;
    case FACT_TYPE_ADDR:
        json_text(json, addr_print(f->addr, text));
        break;
    case FACT_TYPE_BYTES:
        json_int(json, (int64_t)f->text.len);
        break;
    }
}

void reading_json_record(struct json *json, const struct record *r)
{
    char text[USEC_TEXT_SIZE];
    json_begin_object(json);
    json_key(json, "event.id");
    json_text(json, id_print(r->id, text));
    json_key(json, "@timestamp");
    json_text(json, usec_print(r->time, text));
    json_key(json, "noroshi.kind");
    json_text(json, kind_info(r->kind) != NULL ? kind_info(r->kind)->name : "");
    json_key(json, "observer.name");
    json_span(json, r->sensor);
    json_key(json, "network.transport");
    json_text(json, transport_name(r->transport));
    json_endpoint(json, "source.ip", "source.port", r->source);
    json_endpoint(json, "destination.ip", "destination.port", r->destination);
    if (!id_is_zero(r->session)) {
        json_key(json, "noroshi.session");
        json_text(json, id_print(r->session, text));
    }
    for (size_t i = 0; i < r->fact_count; i++)
        json_fact(json, &r->facts[i]);
    json_end_object(json);
}

/* Cowrie's own id: told by the first record that carries it. */
struct search {
    struct span wanted;
    struct id found;
};

static int look_for(void *user, const struct record *r)
{
    struct search *s = user;
    const struct fact *cowrie = record_fact(r, FACT_COWRIE_SESSION);
    if (cowrie == NULL || !span_equal(cowrie->text, s->wanted))
        return 0;
    s->found = r->session;
    return 1;
}

int reading_session(const struct verb *verb, struct query *query, const char *text, struct id *ret)
{
    if (id_parse(span_text(text), ret) == 0)
        return 0;
    struct search search = {.wanted = span_text(text)};
    const struct query_filter filter = {.kinds = UINT64_C(1) << KIND_SESSION | UINT64_C(1) << KIND_CONNECTION, .newest_first = true};
    size_t length = strspn(text, "0123456789abcdef");
    if (length < 8 || text[length] != '\0')
        return usage_error(verb, "session: expected an id of 26 characters as `report sessions` shows it, got \"%.40s\"", text);
    int error = query_records(query, &filter, look_for, &search);
    if (error < 0)
        return failed("looking for the session: %s", err_text(error));
    *ret = search.found;
    return 0;
}

void reading_session_range(struct id id, usec_t *ret_since, usec_t *ret_until)
{
    *ret_since = id_time(id) - USEC_PER_SEC;
    *ret_until = id_time(id) + 40 * USEC_PER_DAY;
}
