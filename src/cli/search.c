#include "base/err.h"
#include "cli/options.h"
#include "cli/reading.h"
#include "cli/when.h"

#include <stdlib.h>

enum { SEARCH_LIMIT, SEARCH_JSON, SEARCH_CSV };
enum { VALUES_MAX = 48, TERM_MAX = 200, ROWS_SHOWN = 100 };

extern const struct verb verb_search;

static const struct verb_option options[] = {
    [SEARCH_LIMIT] = {"limit", 'n', "HOSTS", "at most so many; 0: all (default: 100 on a terminal, all as JSON or CSV)"},
    [SEARCH_JSON] = {"json", 'j', NULL, "one JSON document: {\"report\",\"columns\",\"rows\"}"},
    [SEARCH_CSV] = {"csv", 0, NULL, "CSV (RFC 4180)"},
};

static const struct column columns[] = {
    {.name = "host.ip", .title = "host", .type = COLUMN_ADDR, .help = "its address"},
    {.name = "host.geo.country_iso_code", .title = "country", .type = COLUMN_TEXT, .help = "by the operator's database"},
    {.name = "host.as.number", .title = "AS", .type = COLUMN_COUNT, .help = "by the operator's database", .spare = 7},
    {.name = "noroshi.device.class", .title = "class", .type = COLUMN_TEXT, .help = "class of the device"},
    {.name = "device.manufacturer", .title = "maker", .type = COLUMN_TEXT, .help = "its maker"},
    {.name = "device.model.name", .title = "model", .type = COLUMN_TEXT, .help = "its model"},
    {.name = "noroshi.device.firmware", .title = "firmware", .type = COLUMN_TEXT, .help = "its firmware", .spare = 6},
    {.name = "noroshi.ics.protocol", .title = "ICS", .type = COLUMN_TEXT, .help = "industrial protocol", .spare = 3},
    {.name = "noroshi.residue", .title = "residue", .type = COLUMN_TEXT, .help = "malware whose trace it shows", .spare = 4},
    {.name = "noroshi.honeypot", .title = "honeypot", .type = COLUMN_TEXT, .help = "honeypot it gives itself away as", .spare = 5},
    {.name = "ports", .title = "open ports", .type = COLUMN_TEXT, .help = "ports that were open when last asked"},
    {.name = "hosts_at_least", .title = "hosts", .type = COLUMN_COUNT, .help = "how many hosts seem to be behind the address", .spare = 8},
    {.name = "first_attack", .title = "first attack", .type = COLUMN_TIME, .help = "", .spare = 9},
    {.name = "last_attack", .title = "last attack", .type = COLUMN_TIME, .help = "", .spare = 1},
    {.name = "last_probe", .title = "last probe", .type = COLUMN_TIME, .help = "when it last answered, or did not", .spare = 2},
};

/* What a term becomes: conditions in SQL of our own, values bound. */
struct search {
    const struct invocation *invocation;
    struct buf where;
    struct buf texts; /* NUL-terminated values, kept at their place */
    struct query_value values[VALUES_MAX];
    size_t count;
    struct addr addrs[VALUES_MAX]; /* behind values of addresses */
    usec_t since, until;
};

static int too_long(void)
{
    return usage_error(&verb_search, "too many terms");
}

/* A value's number for ?N, or 0 when there is no room. */
static size_t add_value(struct search *s, struct query_value value)
{
    if (s->count == VALUES_MAX)
        return 0;
    s->values[s->count++] = value;
    return s->count;
}

static size_t add_text(struct search *s, struct span text)
{
    size_t at = s->texts.len;
    uint8_t *room = buf_reserve(&s->texts, text.len);
    if (room == NULL)
        return 0;
    memcpy(room, text.at, text.len);
    s->texts.len += text.len;
    return add_value(s, value_text(span_of(s->texts.data + at, text.len)));
}

/* ---- terms: one function each; `n`: the number of its value ---- */

static int put(struct search *s, size_t n, const char *format)
{
    if (n == 0)
        return too_long();
    buf_text(&s->where, " AND ");
    for (const char *c = format; *c != '\0'; c++) {
        if (*c == '#')
            buf_printf(&s->where, "?%zu", n);
        else
            buf_byte(&s->where, (uint8_t)*c);
    }
    return 0;
}

#define OPEN "EXISTS (SELECT 1 FROM host_port AS p WHERE p.address = h.source_ip AND p.state = 'open' AND "
#define LIKE(column) "instr(lower(" column "), lower(#)) > 0"

static int term_class(struct search *s, struct span value)
{
    return put(s, add_text(s, value), "lower(h.class) = lower(#)");
}

static int term_maker(struct search *s, struct span value)
{
    return put(s, add_text(s, value), LIKE("h.maker"));
}

static int term_model(struct search *s, struct span value)
{
    return put(s, add_text(s, value), LIKE("h.model"));
}

static int term_firmware(struct search *s, struct span value)
{
    return put(s, add_text(s, value), LIKE("h.firmware"));
}

static int term_name(struct search *s, struct span value)
{
    return put(s, add_text(s, value), LIKE("h.ptr"));
}

static int term_country(struct search *s, struct span value)
{
    return put(s, add_text(s, value), "lower(h.country) = lower(#)");
}

static int term_protocol(struct search *s, struct span value)
{
    return put(s, add_text(s, value), OPEN "lower(p.protocol) = lower(#))");
}

static int yes_or_word(struct search *s, struct span value, const char *yes, const char *no, const char *word)
{
    if (span_is(value, "yes") || span_is(value, "no")) {
        buf_printf(&s->where, " AND %s", span_is(value, "yes") ? yes : no);
        return 0;
    }
    return put(s, add_text(s, value), word);
}

#define LISTED "EXISTS (SELECT 1 FROM host_listing AS l WHERE l.address = h.source_ip AND "

static int term_ics(struct search *s, struct span value)
{
    return yes_or_word(s, value, "(h.ics IS NOT NULL OR " LISTED "l.ics IS NOT NULL))", "(h.ics IS NULL AND NOT " LISTED "l.ics IS NOT NULL))",
                       "(lower(h.ics) = lower(#) OR " LISTED "lower(l.ics) = lower(#)))");
}

static int term_residue(struct search *s, struct span value)
{
    return yes_or_word(s, value, "h.residue IS NOT NULL", "h.residue IS NULL", "lower(h.residue) = lower(#)");
}

static int term_honeypot(struct search *s, struct span value)
{
    return yes_or_word(s, value, "h.honeypot IS NOT NULL", "h.honeypot IS NULL", "lower(h.honeypot) = lower(#)");
}

static int term_attacked(struct search *s, struct span value)
{
    if (!span_is(value, "yes") && !span_is(value, "no"))
        return usage_error(&verb_search, "attacked: expected yes or no, got \"%.*s\"", (int)value.len, (const char *)value.at);
    buf_printf(&s->where, " AND h.first_attack IS %sNULL", span_is(value, "yes") ? "NOT " : "");
    return 0;
}

static int number_of(struct span value, int64_t least, int64_t most, int64_t *ret)
{
    char text[24];
    if (value.len == 0 || value.len >= sizeof text)
        return -ERR_MALFORMED;
    memcpy(text, value.at, value.len);
    text[value.len] = '\0';
    return option_number(text, least, most, ret);
}

static int term_as(struct search *s, struct span value)
{
    int64_t number = 0;
    bool named = span_starts(value, "AS") || span_starts(value, "as");
    if (number_of(span_part(value, named ? 2 : 0, value.len), 1, UINT32_MAX, &number) != 0)
        return usage_error(&verb_search, "as: expected a number such as 64500, got \"%.*s\"", (int)value.len, (const char *)value.at);
    return put(s, add_value(s, value_int(number)), "h.asn = #");
}

static int term_port(struct search *s, struct span value)
{
    int64_t number = 0;
    size_t slash = span_find(value, '/');
    struct span transport = span_part(value, slash, value.len);
    if (number_of(span_part(value, 0, slash), 1, UINT16_MAX, &number) != 0 ||
        (transport.len > 0 && !span_is(transport, "/tcp") && !span_is(transport, "/udp")))
        return usage_error(&verb_search, "port: expected a port such as 23, 23/tcp or 161/udp, got \"%.*s\"", (int)value.len, (const char *)value.at);
    const char *condition = transport.len == 0           ? OPEN "p.port = #)"
                            : span_is(transport, "/udp") ? OPEN "p.port = # AND p.transport = 2)"
                                                         : OPEN "p.port = # AND p.transport = 1)";
    return put(s, add_value(s, value_int(number)), condition);
}

static int term_ip(struct search *s, struct span value)
{
    struct prefix prefix;
    if (s->count + 2 > VALUES_MAX)
        return too_long();
    if (prefix_parse(value, &prefix) != 0)
        return usage_error(&verb_search, "ip: expected an address or a prefix such as 192.0.2.0/24, got \"%.*s\"", (int)value.len,
                           (const char *)value.at);
    struct addr *first = &s->addrs[s->count], *last = &s->addrs[s->count + 1];
    *first = *last = prefix.addr;
    for (unsigned bit = prefix.bits; bit < 128; bit++)
        last->bytes[bit / 8] |= (uint8_t)(0x80U >> bit % 8);
    int status = put(s, add_value(s, value_bytes(span_of(first->bytes, 16))), "h.source_ip >= #");
    return status != 0 ? status : put(s, add_value(s, value_bytes(span_of(last->bytes, 16))), "h.source_ip <= #");
}

static int time_of(struct search *s, const char *name, struct span value, usec_t *ret)
{
    int zone = 0;
    (void)zone_parse(span_text(conf_text(s->invocation->settings, "report.timezone")), &zone);
    if (when_parse(value, usec_now(), zone, ret) == 0)
        return 0;
    return usage_error(&verb_search, "%s: expected a date, an RFC 3339 time or an age such as 7d, got \"%.*s\"", name, (int)value.len,
                       (const char *)value.at);
}

/* Seen, as a source or by a probe, since then; days are whole. */
static int term_since(struct search *s, struct span value)
{
    int status = time_of(s, "since", value, &s->since);
    if (status != 0)
        return status;
    return put(s, add_value(s, value_int(s->since)), "(h.last_attack >= # OR h.last_probe >= # OR h.last_day > # - 86400000000)");
}

static int term_until(struct search *s, struct span value)
{
    int status = time_of(s, "until", value, &s->until);
    return status != 0 ? status : put(s, add_value(s, value_int(s->until)), "h.first < #");
}

/* In what a port shows now, or has shown. */
static int term_text(struct search *s, struct span value)
{
    return put(s, add_text(s, value),
               "(EXISTS (SELECT 1 FROM host_banner AS b WHERE b.address = h.source_ip AND (instr(lower(b.summary), lower(#)) > 0"
               " OR instr(lower(CAST(b.excerpt AS TEXT)), lower(#)) > 0)) OR " LISTED "instr(lower(l.summary), lower(#)) > 0))");
}

static const struct {
    const char *name;
    int (*add)(struct search *, struct span value);
    const char *example;
} terms[] = {
    {"class", term_class, "class:dvr"},
    {"maker", term_maker, "maker:example"},
    {"model", term_model, "model:x100"},
    {"firmware", term_firmware, "firmware:1.2"},
    {"country", term_country, "country:jp"},
    {"as", term_as, "as:64500"},
    {"port", term_port, "port:23"},
    {"protocol", term_protocol, "protocol:telnet"},
    {"ics", term_ics, "ics:modbus"},
    {"residue", term_residue, "residue:wifatch"},
    {"honeypot", term_honeypot, "honeypot:no"},
    {"attacked", term_attacked, "attacked:yes"},
    {"ip", term_ip, "ip:192.0.2.0/24"},
    {"name", term_name, "name:example.net"},
    {"since", term_since, "since:7d"},
    {"until", term_until, "until:2026-11-20"},
    {"text", term_text, "text:\"login:\""},
};

static const char *term_at(size_t index, const void *user)
{
    (void)user;
    return index < sizeof terms / sizeof terms[0] ? terms[index].name : NULL;
}

static bool is_name(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < 'a' || text.at[i] > 'z')
            return false;
    }
    return text.len > 0;
}

static int add_term(struct search *s, struct span name, struct span value)
{
    for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++) {
        if (!span_is(name, terms[i].name))
            continue;
        if (value.len == 0)
            return usage_error(&verb_search, "%s: expected a value, as in %s", terms[i].name, terms[i].example);
        return terms[i].add(s, value);
    }
    char text[TERM_MAX + 1] = {0};
    memcpy(text, name.at, name.len < TERM_MAX ? name.len : TERM_MAX);
    const char *near = nearest_name(text, term_at, NULL);
    if (near != NULL)
        return usage_error(&verb_search, "there is no term \"%.40s\" (perhaps %s)", text, near);
    return usage_error(&verb_search, "there is no term \"%.40s\"; put text that holds a colon in quotes", text);
}

/* One term from the front: name:value, name:"value with spaces", a word or "some words" of a banner. */
static int take_term(struct search *s, struct span *rest)
{
    struct buf value;
    struct span name = {0};
    bool quoted = false, name_open = true;
    size_t at = 0;
    buf_init(&value, TERM_MAX);
    for (; at < rest->len; at++) {
        uint8_t c = rest->at[at];
        if (c == '"') {
            quoted = !quoted;
            name_open = false;
        } else if (!quoted && (c == ' ' || c == '\t')) {
            break;
        } else if (c == ':' && name_open && is_name(buf_as_span(&value))) {
            name = span_part(*rest, 0, at);
            name_open = false;
            buf_clear(&value);
        } else {
            buf_byte(&value, c);
        }
    }
    *rest = span_part(*rest, at, rest->len);
    int status;
    if (quoted)
        status = usage_error(&verb_search, "a quotation mark is not closed");
    else if (value.error != 0)
        status = usage_error(&verb_search, "a term is too long");
    else
        status = add_term(s, name.len > 0 ? name : span_text("text"), buf_as_span(&value));
    buf_done(&value);
    return status;
}

static int take_words(struct search *s, const struct options *o)
{
    for (int i = 0; i < o->word_count; i++) {
        struct span rest = span_text(o->words[i]);
        for (;;) {
            while (rest.len > 0 && (rest.at[0] == ' ' || rest.at[0] == '\t'))
                rest = span_part(rest, 1, rest.len);
            if (rest.len == 0)
                break;
            int status = take_term(s, &rest);
            if (status != 0)
                return status;
        }
    }
    return s->where.len > 0 ? 0 : usage_error(&verb_search, "expected what to look for");
}

struct rows {
    struct table *table;
    int error;
};

static int each(void *user, const struct query_value *values, size_t count)
{
    struct rows *rows = user;
    rows->error = table_row(rows->table, values, count);
    return rows->error;
}

static int fetch(struct search *s, struct query *query, struct table *table, int64_t limit)
{
    static const char head[] =
        "SELECT h.source_ip, h.country, h.asn, h.class, h.maker, h.model, h.firmware, h.ics, h.residue, h.honeypot,"
        " (SELECT group_concat(port || CASE transport WHEN 2 THEN '/udp' ELSE '' END, ', ') FROM (SELECT port, transport FROM host_port AS o"
        " WHERE o.address = h.source_ip AND o.state = 'open' ORDER BY transport, port)),"
        " h.hosts_at_least, h.first_attack, h.last_attack, h.last_probe FROM host AS h WHERE 1";
    struct buf sql;
    const struct query_range range = {.limit = limit};
    struct rows rows = {.table = table};
    buf_init(&sql, 0);
    buf_text(&sql, head);
    buf_span(&sql, buf_as_span(&s->where));
    buf_text(&sql, " ORDER BY coalesce(h.last_attack, 0) DESC, h.source_ip LIMIT :limit");
    int error = sql.error != 0 ? sql.error : query_rows_with(query, buf_cstr(&sql), &range, s->values, s->count, each, &rows);
    buf_done(&sql);
    return rows.error != 0 ? rows.error : error;
}

static int show(const struct invocation *i, struct table *table, enum table_form form, int64_t limit)
{
    bool more = limit > 0 && table_rows(table) > (size_t)limit;
    if (more)
        table_clip(table, (size_t)limit);
    struct table_look look = reading_look(i, false);
    int status = reading_printed(table_print(table, "search", "", form, &look, stdout));
    if (status == EXIT_OK && table_rows(table) == 0) {
        note(i, "no host is like that");
        return EXIT_NOTHING;
    }
    if (status == EXIT_OK && look.hidden > 0)
        note(i, "%zu columns do not fit this terminal; --json and --csv have all", look.hidden);
    if (status == EXIT_OK && more)
        note(i, "the first %lld hosts; --limit 0 shows all", (long long)limit);
    return status;
}

static int run(const struct invocation *i, const struct options *o)
{
    struct search *s = calloc(1, sizeof *s);
    struct table *table = NULL;
    struct query *query = NULL;
    if (s == NULL || table_new(&table, columns, sizeof columns / sizeof columns[0]) != 0) {
        free(s);
        return failed("out of memory");
    }
    s->invocation = i;
    buf_init(&s->where, 64 * 1024);
    buf_init(&s->texts, 0);
    /* Values point into it: it never moves. */
    bool roomy = buf_reserve(&s->texts, (size_t)VALUES_MAX * TERM_MAX) != NULL;
    enum table_form form = o->values[SEARCH_JSON] != NULL ? TABLE_JSON : o->values[SEARCH_CSV] != NULL ? TABLE_CSV : TABLE_TERMINAL;
    int64_t limit = form == TABLE_TERMINAL ? ROWS_SHOWN : 0;
    int status = roomy ? take_words(s, o) : failed("out of memory");
    if (status == 0 && o->values[SEARCH_JSON] != NULL && o->values[SEARCH_CSV] != NULL)
        status = usage_error(&verb_search, "expected one of --json and --csv");
    if (status == 0 && o->values[SEARCH_LIMIT] != NULL && option_number(o->values[SEARCH_LIMIT], 0, INT64_C(1) << 40, &limit) != 0)
        status = usage_error(&verb_search, "--limit: expected a number of hosts, 0 for all, got \"%.40s\"", o->values[SEARCH_LIMIT]);
    if (status == 0)
        status = reading_open(i, &query);
    if (query != NULL) {
        int error = fetch(s, query, table, limit > 0 ? limit + 1 : 0);
        status = error == 0 ? show(i, table, form, limit) : failed("search: %s", err_text(error));
    } else if (status == EXIT_NOTHING && form != TABLE_TERMINAL) {
        (void)table_print(table, "search", "", form, NULL, stdout);
    }
    query_close(query);
    table_free(table);
    buf_done(&s->where);
    buf_done(&s->texts);
    free(s);
    return status;
}

const struct verb verb_search = {
    .name = "search",
    .arguments = "TERM… [--limit HOSTS] [--json | --csv]",
    .help = "find hosts by what is known of them",
    .text = "A TERM is NAME:VALUE, or a word that a banner of the host holds or held; all terms must hold. Values with spaces are put in quotes.\n"
            "\n"
            "class maker model firmware   the device; maker, model and firmware are found by a part\n"
            "country as name ip           where it is: JP, 64500, part of its name, an address or a prefix\n"
            "port protocol                what is open: 23, 161/udp, telnet\n"
            "ics residue honeypot         a word, or yes or no\n"
            "attacked                     yes or no\n"
            "since until                  when it was seen or probed: a date, a time, an age such as 7d\n"
            "text                         what a banner holds\n"
            "\n"
            "Without a host the exit status is 3, and --json still prints its document.",
    .examples = "noroshi search 'class:dvr country:jp port:23 since:7d'\n"
                "noroshi search 'ics:yes attacked:yes' --json\n"
                "noroshi search 'ip:192.0.2.0/24 \"residential gateway\"'",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .needs_settings = true,
    .run = run,
};
