#include "observe/import/resolution.h"

#include "base/err.h"
#include "observe/import/listing.h"

#include <stdio.h>

enum { NAME_LIMIT = 253 };

/* Those that tie a name to an address, or to another name. */
static const char *const types[] = {"A", "AAAA", "NS", "CNAME", "PTR", "MX"};

static int skip(struct source *source, struct emit *emit, const char *what, struct span got)
{
    emit_skip(emit, source, "%s, got \"%.*s\"", what, (int)(got.len < 80 ? got.len : 80), got.at != NULL ? (const char *)got.at : "");
    return -ERR_MALFORMED;
}

/* A name of host or domain: letters, digits, '-', '_', '*', labels of 1 to 63. */
static int read_name(struct span text, char room[static NAME_LIMIT + 1], struct span *ret)
{
    size_t label = 0;
    text = span_trim(text);
    if (text.len > 1 && text.at[text.len - 1] == '.')
        text.len--;
    if (text.len == 0 || text.len > NAME_LIMIT)
        return -ERR_MALFORMED;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        uint8_t lower = c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
        bool dot = lower == '.';
        if (!dot && !((lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') || lower == '-' || lower == '_' || lower == '*'))
            return -ERR_MALFORMED;
        if (dot ? label == 0 : label == 63)
            return -ERR_MALFORMED;
        label = dot ? 0 : label + 1;
        room[i] = (char)lower;
    }
    *ret = span_of(room, text.len);
    return label > 0 ? 0 : -ERR_MALFORMED;
}

static const char *type_of(struct span text)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (text.len == strlen(types[i]) && strncasecmp((const char *)text.at, types[i], text.len) == 0)
            return types[i];
    }
    return NULL;
}

/* "10 mx.site.example." -> the host. */
static struct span without_preference(struct span data)
{
    data = span_trim(data);
    size_t digits = 0;
    while (digits < data.len && data.at[digits] >= '0' && data.at[digits] <= '9')
        digits++;
    return digits > 0 && digits < data.len && data.at[digits] <= ' ' ? span_part(data, digits, data.len) : data;
}

int resolution_emit(struct source *source, struct emit *emit, const struct resolution *row, struct span data, struct span text, unsigned ordinal)
{
    char name_room[NAME_LIMIT + 1], data_room[NAME_LIMIT + 1], addr_room[ADDR_TEXT_SIZE];
    struct record record = {.kind = KIND_RESOLUTION, .time = row->last, .sensor = emit_sensor(emit)};
    struct fact facts[8];
    struct span name, value;
    const char *type = type_of(span_trim(row->type));
    if (type == NULL)
        return skip(source, emit, "type: expected one of A, AAAA, NS, CNAME, PTR, MX", row->type);
    if (read_name(row->name, name_room, &name) != 0)
        return skip(source, emit, "name: expected that of a host or domain", row->name);
    if (row->first < 0 || row->last < row->first)
        return skip(source, emit, "times: expected the first sight before the last, from 1970 on", row->name);
    bool v4 = strcmp(type, "A") == 0, v6 = strcmp(type, "AAAA") == 0;
    if (v4 || v6) {
        if (addr_parse(span_trim(data), &record.destination.addr) != 0 || addr_is_v4(record.destination.addr) != v4)
            return skip(source, emit, v4 ? "data: expected an IPv4 address" : "data: expected an IPv6 address", data);
        value = span_text(addr_print(record.destination.addr, addr_room));
    } else if (read_name(strcmp(type, "MX") == 0 ? without_preference(data) : data, data_room, &value) != 0) {
        return skip(source, emit, "data: expected the name of a host", data);
    }
    size_t count = 0;
    facts[count++] = fact_text(FACT_LIST_SOURCE, span_text(row->list));
    facts[count++] = fact_text(FACT_HOST_NAME, name);
    facts[count++] = fact_text(FACT_DNS_TYPE, span_text(type));
    facts[count++] = fact_text(FACT_EVIDENCE, value);
    if (row->count >= 0)
        facts[count++] = fact_int(FACT_COUNT, row->count);
    facts[count++] = fact_int(FACT_FIRST_SEEN, row->first);
    facts[count++] = fact_int(FACT_LAST_SEEN, row->last);
    record.facts = facts;
    record.fact_count = count;
    record.id = emit_id(emit, record.time, text, ordinal);
    return emit_record(emit, &record);
}

/* ---- times ---- */

static int scaled(double seconds, usec_t *ret)
{
    if (!(seconds >= 0 && seconds <= 253402300799.0)) /* up to the year 9999 */
        return -ERR_MALFORMED;
    *ret = (usec_t)(seconds * 1e6);
    return 0;
}

int resolution_time(struct span text, usec_t *ret)
{
    text = span_trim(text);
    usec_t value = 0, unit = USEC_PER_SEC;
    size_t i = 0;
    for (; i < text.len && i < 12 && text.at[i] >= '0' && text.at[i] <= '9'; i++)
        value = value * 10 + (text.at[i] - '0') * USEC_PER_SEC;
    if (i > 0 && i < text.len && text.at[i] == '.') {
        for (i++; i < text.len && text.at[i] >= '0' && text.at[i] <= '9'; i++) {
            unit /= 10;
            value += (text.at[i] - '0') * unit;
        }
    }
    if (i > 0 && i == text.len)
        return scaled((double)value / 1e6, ret);
    usec_t parsed;
    if (usec_parse(text, 0, &parsed, NULL) != 0 || parsed < 0)
        return -ERR_MALFORMED;
    *ret = parsed;
    return 0;
}

static int time_of(const json_t *value, double unit, usec_t *ret)
{
    if (json_is_integer(value))
        return scaled((double)json_integer_value(value) / unit, ret);
    if (json_is_real(value))
        return scaled(json_real_value(value) / unit, ret);
    return json_is_string(value) ? resolution_time(listing_text(value), ret) : -ERR_MALFORMED;
}

/* Sensors' sights, else those of zone files. */
static int time_at(const json_t *row, const char *which, usec_t *ret)
{
    char key[32];
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(key, sizeof key, i == 0 ? "time_%s" : i == 1 ? "time_%s_ms" : "zone_time_%s", which);
        const json_t *value = listing_at(row, key);
        if (value != NULL)
            return time_of(value, i == 1 ? 1e3 : 1, ret);
    }
    return -ERR_MALFORMED;
}

/* ---- JSON ---- */

int resolution_object(struct listing *l, const json_t *root)
{
    const json_t *data = listing_at(root, "rdata"), *count = listing_at(root, "count");
    struct resolution row = {
        .list = l->list, .name = listing_text(listing_at(root, "rrname")), .type = listing_text(listing_at(root, "rrtype")), .count = -1};
    if (json_is_integer(count) && json_integer_value(count) >= 0)
        row.count = json_integer_value(count);
    if (data == NULL || row.name.len == 0) {
        emit_skip(l->emit, l->source, "expected rrname and rdata: without both it ties no name to an address");
        return -ERR_MALFORMED;
    }
    if (time_at(root, "first", &row.first) != 0 || time_at(root, "last", &row.last) != 0) {
        emit_skip(l->emit, l->source, "time_first and time_last: expected seconds since 1970, or a date and time");
        return -ERR_MALFORMED;
    }
    if (json_is_string(data))
        return resolution_emit(l->source, l->emit, &row, listing_text(data), l->text, l->ordinal++);
    size_t i;
    const json_t *item;
    json_array_foreach(data, i, item)
    {
        int r = i < RESOLUTION_DATA_MAX ? resolution_emit(l->source, l->emit, &row, listing_text(item), l->text, l->ordinal++) : 0;
        if (r != 0 && r != -ERR_MALFORMED)
            return r;
    }
    return 0;
}
