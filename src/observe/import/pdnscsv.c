/*
 * Passive DNS as CSV (RFC 4180, also with ';' or tabs between the fields): the first line names the columns, in any order. Needed are a name, its
 * data and the two times; the type is told from the data when it is not there.
 */
#include "base/err.h"
#include "observe/import/resolution.h"

enum { COLUMNS_MAX = 64 };

enum column { COLUMN_NAME, COLUMN_TYPE, COLUMN_DATA, COLUMN_COUNT, COLUMN_FIRST, COLUMN_LAST, COLUMN_OTHER };

static const struct {
    const char *name;
    enum column column;
} titles[] = {
    {"rrname", COLUMN_NAME},      {"name", COLUMN_NAME},       {"fqdn", COLUMN_NAME},   {"domain", COLUMN_NAME},    {"hostname", COLUMN_NAME},
    {"query", COLUMN_NAME},       {"rrtype", COLUMN_TYPE},     {"type", COLUMN_TYPE},   {"rtype", COLUMN_TYPE},     {"record_type", COLUMN_TYPE},
    {"rdata", COLUMN_DATA},       {"data", COLUMN_DATA},       {"value", COLUMN_DATA},  {"answer", COLUMN_DATA},    {"address", COLUMN_DATA},
    {"ip", COLUMN_DATA},          {"count", COLUMN_COUNT},     {"hits", COLUMN_COUNT},  {"times", COLUMN_COUNT},    {"time_first", COLUMN_FIRST},
    {"first_seen", COLUMN_FIRST}, {"firstseen", COLUMN_FIRST}, {"first", COLUMN_FIRST}, {"time_last", COLUMN_LAST}, {"last_seen", COLUMN_LAST},
    {"lastseen", COLUMN_LAST},    {"last", COLUMN_LAST},
};

struct table {
    uint8_t separator;
    enum column columns[COLUMNS_MAX];
    size_t count;
    struct buf room; /* unquoted fields of the line in hand */
};

/* ---- fields ---- */

/* The next field: quoted ones without their quotes, "" as one ". */
static struct span next_field(struct table *t, struct span *rest, bool *more)
{
    size_t start = t->room.len, at = 0;
    if (rest->len == 0 || rest->at[0] != '"') {
        struct span field = span_part(*rest, 0, span_find(*rest, t->separator));
        *more = field.len < rest->len;
        *rest = span_part(*rest, field.len + 1, rest->len);
        return field;
    }
    for (at = 1; at < rest->len; at++) {
        if (rest->at[at] == '"' && !(at + 1 < rest->len && rest->at[at + 1] == '"'))
            break;
        at += rest->at[at] == '"';
        buf_byte(&t->room, rest->at[at]);
    }
    struct span behind = span_part(*rest, at + 1, rest->len);
    size_t skip = span_find(behind, t->separator);
    *more = skip < behind.len;
    *rest = span_part(behind, skip + 1, behind.len);
    return t->room.error == 0 ? span_part(buf_as_span(&t->room), start, t->room.len) : (struct span){0};
}

static size_t split(struct table *t, struct span line, struct span fields[static COLUMNS_MAX])
{
    size_t count = 0;
    bool more = true;
    buf_clear(&t->room);
    (void)buf_reserve(&t->room, line.len + 1); /* so that it does not move under the fields */
    while (more && count < COLUMNS_MAX)
        fields[count++] = next_field(t, &line, &more);
    return count;
}

/* ---- the first line ---- */

static uint8_t separator_of(struct span line)
{
    static const uint8_t separators[] = {',', ';', '\t'};
    uint8_t best = ',';
    size_t most = 0;
    for (size_t i = 0; i < sizeof separators; i++) {
        size_t count = 0;
        for (size_t at = 0; at < line.len; at++)
            count += line.at[at] == separators[i];
        if (count > most) {
            most = count;
            best = separators[i];
        }
    }
    return best;
}

static enum column column_of(struct span title)
{
    while (title.len > 0 && title.at[0] <= ' ')
        title = span_part(title, 1, title.len);
    while (title.len > 0 && title.at[title.len - 1] <= ' ')
        title.len--;
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++) {
        if (title.len > 0 && title.len == strlen(titles[i].name) && strncasecmp((const char *)title.at, titles[i].name, title.len) == 0)
            return titles[i].column;
    }
    return COLUMN_OTHER;
}

/* Which column is what; the first of two with one meaning counts. False: what is needed is not there. */
static bool read_titles(struct table *t, struct span line)
{
    struct span fields[COLUMNS_MAX];
    bool seen[COLUMN_OTHER + 1] = {false};
    if (line.len >= 3 && memcmp(line.at, "\xef\xbb\xbf", 3) == 0)
        line = span_part(line, 3, line.len);
    t->separator = separator_of(line);
    t->count = split(t, line, fields);
    for (size_t i = 0; i < t->count; i++) {
        enum column column = column_of(fields[i]);
        t->columns[i] = seen[column] ? COLUMN_OTHER : column;
        seen[column] = true;
    }
    return seen[COLUMN_NAME] && seen[COLUMN_DATA] && seen[COLUMN_FIRST] && seen[COLUMN_LAST];
}

/* ---- rows ---- */

static int64_t read_count(struct span text)
{
    int64_t value = 0;
    size_t i = 0;
    for (; i < text.len && i < 18 && text.at[i] >= '0' && text.at[i] <= '9'; i++)
        value = value * 10 + (text.at[i] - '0');
    return i > 0 && i == text.len ? value : -1;
}

static struct span type_by_data(struct span data)
{
    struct addr addr;
    if (addr_parse(data, &addr) != 0)
        return span_text("CNAME");
    return span_text(addr_is_v4(addr) ? "A" : "AAAA");
}

static int read_row(struct table *t, struct source *source, struct emit *emit, struct span line)
{
    struct span fields[COLUMNS_MAX], by[COLUMN_OTHER + 1] = {{0}};
    size_t count = split(t, line, fields);
    for (size_t i = 0; i < count && i < t->count; i++)
        by[t->columns[i]] = fields[i];
    struct resolution row = {.list = "csv", .name = by[COLUMN_NAME], .type = by[COLUMN_TYPE], .count = read_count(by[COLUMN_COUNT])};
    if (row.type.len == 0)
        row.type = type_by_data(by[COLUMN_DATA]);
    if (resolution_time(by[COLUMN_FIRST], &row.first) != 0 || resolution_time(by[COLUMN_LAST], &row.last) != 0) {
        emit_skip(emit, source, "times: expected seconds since 1970, or a date and time");
        return -ERR_MALFORMED;
    }
    return resolution_emit(source, emit, &row, by[COLUMN_DATA], line, 0);
}

static int pdnscsv_read(struct source *source, struct emit *emit)
{
    struct table table = {.count = 0};
    struct span line;
    bool titled = false;
    int r;
    buf_init(&table.room, 0);
    while ((r = source_line(source, &line)) > 0) {
        if (line.len == 0 || line.at[0] == '#')
            continue;
        if (!titled) {
            titled = read_titles(&table, line);
            if (!titled)
                emit_skip(emit, source, "expected columns such as rrname,rrtype,rdata,count,time_first,time_last");
            if (!titled)
                break;
            continue;
        }
        r = read_row(&table, source, emit, line);
        if (r != 0 && r != -ERR_MALFORMED)
            break;
    }
    buf_done(&table.room);
    return r == -ERR_MALFORMED || r > 0 ? 0 : r;
}

static int pdnscsv_sniff(struct span head)
{
    struct table table = {.count = 0};
    buf_init(&table.room, SOURCE_HEAD_MAX);
    while (head.len > 0 && head.at[0] == '#')
        head = span_part(head, span_find(head, '\n') + 1, head.len);
    struct span line = span_part(head, 0, span_find(head, '\n'));
    bool titled = line.len < 1024 && line.len > 0 && line.at[0] != '{' && line.at[0] != '[' && read_titles(&table, line);
    buf_done(&table.room);
    return titled ? 75 : 0;
}

extern const struct reader reader_pdnscsv;
const struct reader reader_pdnscsv = {
    .name = "pdnscsv",
    .help = "passive DNS as CSV with a line of titles (rrname, rrtype, rdata, count, time_first, time_last, or the like)",
    .sniff = pdnscsv_sniff,
    .read = pdnscsv_read,
};
