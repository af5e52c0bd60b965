#include "report/cell.h"

#include <wchar.h>

void column_json(struct json *json, const struct column *column)
{
    json_begin_object(json);
    json_key(json, "name");
    json_text(json, column->name);
    json_key(json, "unit");
    json_text(json, column->unit != NULL ? column->unit : "");
    json_key(json, "help");
    json_text(json, column->help != NULL ? column->help : "");
    json_end_object(json);
}

/* Types whose values have one text form everywhere; false when the value is plain. */
static bool canonical(const struct column *column, const struct query_value *v, char text[static 64])
{
    if (column->type == COLUMN_ADDR && v->type == QUERY_BYTES && v->bytes.len == 16) {
        struct addr addr;
        memcpy(addr.bytes, v->bytes.at, 16);
        addr_print(addr, text);
        return true;
    }
    if (column->type == COLUMN_ID && v->type == QUERY_BYTES && v->bytes.len == 16) {
        struct id id;
        memcpy(id.bytes, v->bytes.at, 16);
        id_print(id, text);
        return true;
    }
    if (column->type == COLUMN_TIME && v->type == QUERY_INT) {
        usec_print(v->number, text);
        return true;
    }
    if (column->type == COLUMN_DAY && v->type == QUERY_INT) {
        usec_print_day(v->number, text);
        return true;
    }
    return false;
}

void cell_json(struct json *json, const struct column *column, const struct query_value *v)
{
    char text[USEC_TEXT_SIZE];
    if (v->type == QUERY_NULL)
        json_nil(json);
    else if (canonical(column, v, text))
        json_text(json, text);
    else if (v->type == QUERY_INT)
        json_int(json, v->number);
    else if (v->type == QUERY_REAL)
        json_decimal(json, v->real);
    else
        json_span(json, v->bytes);
}

static void plain(struct buf *out, const struct column *column, const struct query_value *v)
{
    char text[USEC_TEXT_SIZE];
    if (v->type == QUERY_NULL)
        return;
    if (canonical(column, v, text))
        buf_text(out, text);
    else if (v->type == QUERY_INT)
        buf_printf(out, "%lld", (long long)v->number);
    else if (v->type == QUERY_REAL)
        buf_printf(out, "%.6g", v->real);
    else
        text_escape(out, v->bytes);
}

void cell_csv(struct buf *out, const struct column *column, const struct query_value *v)
{
    struct buf cell;
    buf_init(&cell, 0);
    plain(&cell, column, v);
    struct span text = buf_as_span(&cell);
    bool foreign = v->type == QUERY_TEXT || v->type == QUERY_BYTES;
    bool formula = foreign && text.len > 0 && memchr("=+-@", text.at[0], 4) != NULL;
    bool quoted = formula;
    for (size_t i = 0; i < text.len; i++)
        quoted = quoted || memchr(",\";", text.at[i], 3) != NULL;
    if (quoted)
        buf_byte(out, '"');
    if (formula)
        buf_byte(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '"')
            buf_byte(out, '"');
        buf_byte(out, text.at[i]);
    }
    if (quoted)
        buf_byte(out, '"');
    if (cell.error != 0 && out->error == 0)
        out->error = cell.error;
    buf_done(&cell);
}

/* Nanoseconds, as event.duration is counted, in a form for people. */
static void print_duration(struct buf *out, int64_t ns)
{
    double seconds = (double)ns / 1e9;
    if (seconds < 10)
        buf_printf(out, "%.2f s", seconds);
    else if (seconds < 120)
        buf_printf(out, "%.1f s", seconds);
    else
        buf_printf(out, "%lldm%02llds", (long long)(ns / INT64_C(60000000000)), (long long)(ns / INT64_C(1000000000) % 60));
}

void cell_terminal(struct buf *out, const struct column *column, const struct query_value *v)
{
    if (column->type == COLUMN_DURATION && v->type == QUERY_INT) {
        print_duration(out, v->number);
        return;
    }
    if (column->type == COLUMN_TIME && v->type == QUERY_INT) {
        char text[USEC_TEXT_SIZE];
        usec_print(v->number, text);
        /* "2026-11-20 21:41:04Z": whole seconds are enough for the eye. */
        buf_printf(out, "%.10s %.8sZ", text, text + 11);
        return;
    }
    if (v->type == QUERY_REAL && column->unit != NULL && strcmp(column->unit, "%") == 0)
        buf_printf(out, "%.1f", v->real);
    else
        plain(out, column, v);
}

/* Length in bytes of the character at text[at], which is valid UTF-8 because it was escaped, and its columns on the terminal. */
static size_t character(struct span text, size_t at, size_t *ret_columns)
{
    uint8_t b = text.at[at];
    size_t len = b < 0x80 ? 1 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
    if (len > text.len - at)
        len = 1;
    uint32_t code = len == 1 ? b : b & (0x7fu >> len);
    for (size_t i = 1; i < len; i++)
        code = code << 6 | (text.at[at + i] & 0x3fu);
    int columns = len == 1 ? 1 : wcwidth((wchar_t)code);
    *ret_columns = columns < 0 ? 1 : (size_t)columns;
    return len;
}

size_t cell_width(struct span text)
{
    size_t width = 0, columns = 0;
    for (size_t at = 0; at < text.len; width += columns)
        at += character(text, at, &columns);
    return width;
}

void cell_cut(struct buf *cell, size_t limit)
{
    struct span text = buf_as_span(cell);
    if (cell->error != 0 || cell_width(text) <= limit)
        return;
    size_t width = 0, at = 0, columns = 0;
    while (at < text.len) {
        size_t len = character(text, at, &columns);
        if (width + columns + 1 > limit)
            break;
        width += columns;
        at += len;
    }
    cell->len = at;
    buf_text(cell, "…");
}
