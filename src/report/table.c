#include "report/table.h"

#include "base/arena.h"
#include "report/cell.h"

#include <assert.h>
#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <wchar.h>

enum {
    CELL_WIDTH_MAX = 400,  /* characters of one cell when the output is not a terminal */
    CELL_WIDTH_LEAST = 12, /* a text column is not made narrower than this */
    COLUMNS_MAX = 64,
    GAP = 2,
    FLUSH_BYTES = 64 * 1024,
};

struct table {
    const struct column *columns;
    size_t column_count;
    struct query_value **rows; /* each column_count long, in the arena */
    size_t row_count, row_space;
    struct arena arena;
};

/* How wide each column is on the terminal; 0: not shown. */
struct layout {
    size_t *widths, hidden;
};

int table_new(struct table **ret, const struct column *columns, size_t count)
{
    assert(count <= COLUMNS_MAX);
    struct table *t = calloc(1, sizeof *t);
    if (t == NULL)
        return -ENOMEM;
    t->columns = columns;
    t->column_count = count;
    arena_init(&t->arena, SIZE_MAX);
    *ret = t;
    return 0;
}

void table_free(struct table *t)
{
    if (t == NULL)
        return;
    arena_done(&t->arena);
    free(t->rows);
    free(t);
}

int table_row(struct table *t, const struct query_value *values, size_t count)
{
    if (t->row_count == t->row_space) {
        size_t space = t->row_space > 0 ? t->row_space * 2 : 64;
        struct query_value **rows = reallocarray(t->rows, space, sizeof *rows);
        if (rows == NULL)
            return -ENOMEM;
        t->rows = rows;
        t->row_space = space;
    }
    struct query_value *row = arena_alloc(&t->arena, (t->column_count + 1) * sizeof *row);
    if (row == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count && i < t->column_count; i++) {
        row[i] = values[i];
        if (values[i].type != QUERY_TEXT && values[i].type != QUERY_BYTES)
            continue;
        char *copy = arena_copy(&t->arena, values[i].bytes);
        if (copy == NULL)
            return -ENOMEM;
        row[i].bytes = span_of(copy, values[i].bytes.len);
    }
    t->rows[t->row_count++] = row;
    return 0;
}

size_t table_rows(const struct table *t)
{
    return t->row_count;
}

void table_clip(struct table *t, size_t rows)
{
    if (rows < t->row_count)
        t->row_count = rows;
}

const struct query_value *table_value(const struct table *t, size_t row, size_t column)
{
    return &t->rows[row][column];
}

/* A merge sort, because qsort is not stable and has no room for the comparison's argument. */
static void merge_rows(struct query_value **rows, struct query_value **spare, size_t count,
                       int (*compare)(const struct query_value *, const struct query_value *))
{
    if (count < 2)
        return;
    size_t half = count / 2;
    merge_rows(rows, spare, half, compare);
    merge_rows(rows + half, spare, count - half, compare);
    for (size_t i = 0; i < count; i++)
        spare[i] = rows[i];
    size_t a = 0, b = half;
    for (size_t i = 0; i < count; i++) {
        bool left = b == count || (a < half && compare(spare[a], spare[b]) <= 0);
        rows[i] = left ? spare[a++] : spare[b++];
    }
}

void table_sort(struct table *t, int (*compare)(const struct query_value *, const struct query_value *))
{
    struct query_value **spare = arena_alloc(&t->arena, (t->row_count + 1) * sizeof(struct query_value *));
    if (spare != NULL)
        merge_rows(t->rows, spare, t->row_count, compare);
}

static int flush(struct buf *out, FILE *file)
{
    if (out->error != 0)
        return out->error;
    if (out->len > 0 && fwrite(out->data, 1, out->len, file) != out->len)
        return errno != 0 ? -errno : -EIO;
    buf_clear(out);
    return 0;
}

void table_json_row(const struct table *t, struct json *json, size_t row)
{
    json_begin_object(json);
    for (size_t c = 0; c < t->column_count; c++) {
        json_key(json, t->columns[c].name);
        cell_json(json, &t->columns[c], &t->rows[row][c]);
    }
    json_end_object(json);
}

void table_json_rows(const struct table *t, struct json *json)
{
    json_begin_array(json);
    for (size_t r = 0; r < t->row_count; r++)
        table_json_row(t, json, r);
    json_end_array(json);
}

static int print_json(const struct table *t, const char *name, FILE *file, bool bare)
{
    struct buf out;
    buf_init(&out, 0);
    struct json json;
    json_init(&json, &out, true);
    if (!bare) {
        json_begin_object(&json);
        json_key(&json, "report");
        json_text(&json, name);
        json_key(&json, "columns");
        json_begin_array(&json);
        for (size_t c = 0; c < t->column_count; c++)
            column_json(&json, &t->columns[c]);
        json_end_array(&json);
        json_key(&json, "rows");
    }
    json_begin_array(&json);
    int error = 0;
    for (size_t r = 0; r < t->row_count && error == 0; r++) {
        table_json_row(t, &json, r);
        if (out.len >= FLUSH_BYTES)
            error = flush(&out, file);
    }
    json_end_array(&json);
    if (!bare)
        json_end_object(&json);
    buf_byte(&out, '\n');
    if (error == 0)
        error = flush(&out, file);
    buf_done(&out);
    return error;
}

static int print_csv(const struct table *t, FILE *file)
{
    struct buf out;
    buf_init(&out, 0);
    for (size_t c = 0; c < t->column_count; c++) {
        if (c > 0)
            buf_byte(&out, ',');
        buf_text(&out, t->columns[c].name);
    }
    buf_text(&out, "\r\n");
    int error = 0;
    for (size_t r = 0; r < t->row_count && error == 0; r++) {
        for (size_t c = 0; c < t->column_count; c++) {
            if (c > 0)
                buf_byte(&out, ',');
            cell_csv(&out, &t->columns[c], &t->rows[r][c]);
        }
        buf_text(&out, "\r\n");
        if (out.len >= FLUSH_BYTES)
            error = flush(&out, file);
    }
    if (error == 0)
        error = flush(&out, file);
    buf_done(&out);
    return error;
}

static bool is_wide(const struct column *c)
{
    return c->type == COLUMN_TEXT;
}

static bool is_right(const struct column *c)
{
    return c->type == COLUMN_COUNT || c->type == COLUMN_REAL || c->type == COLUMN_DURATION;
}

static size_t total_width(const struct table *t, const size_t *widths)
{
    size_t sum = 0;
    for (size_t c = 0; c < t->column_count; c++)
        sum += widths[c] > 0 ? widths[c] + (sum > 0 ? GAP : 0) : 0;
    return sum;
}

/* The widest text columns give up characters until all fit; a column never gets narrower than its heading or the least width. */
static void narrow(const struct table *t, size_t *widths, unsigned total)
{
    for (size_t sum = total_width(t, widths); sum > total; sum--) {
        size_t widest = 0, found = 0;
        for (size_t c = 0; c < t->column_count; c++) {
            size_t title = strlen(t->columns[c].title), least = title > CELL_WIDTH_LEAST ? title : (size_t)CELL_WIDTH_LEAST;
            if (is_wide(&t->columns[c]) && widths[c] > least && widths[c] > found) {
                found = widths[c];
                widest = c;
            }
        }
        if (found == 0)
            return;
        widths[widest]--;
    }
}

/* Columns that can be spared go, until the others fit at their least width; then the text columns share what is left. */
static void fit(const struct table *t, struct layout *layout, unsigned total)
{
    size_t natural[COLUMNS_MAX];
    memcpy(natural, layout->widths, t->column_count * sizeof natural[0]);
    narrow(t, layout->widths, total);
    while (total_width(t, layout->widths) > total) {
        size_t most = t->column_count;
        for (size_t c = 0; c < t->column_count; c++)
            if (natural[c] > 0 && t->columns[c].spare > (most < t->column_count ? t->columns[most].spare : 0))
                most = c;
        if (most == t->column_count)
            return;
        natural[most] = 0;
        layout->hidden++;
        memcpy(layout->widths, natural, t->column_count * sizeof natural[0]);
        narrow(t, layout->widths, total);
    }
}

static int measure(const struct table *t, struct layout *layout, const struct table_look *look)
{
    struct buf cell;
    buf_init(&cell, 0);
    for (size_t c = 0; c < t->column_count; c++) {
        size_t widest = strlen(t->columns[c].title);
        for (size_t r = 0; r < t->row_count; r++) {
            buf_clear(&cell);
            cell_terminal(&cell, &t->columns[c], &t->rows[r][c]);
            size_t width = cell_width(buf_as_span(&cell));
            widest = width > widest ? width : widest;
        }
        layout->widths[c] = widest > CELL_WIDTH_MAX ? (size_t)CELL_WIDTH_MAX : widest;
    }
    if (look->width > 0)
        fit(t, layout, look->width);
    int error = cell.error;
    buf_done(&cell);
    return error;
}

static int add_columns(const struct table *t, const struct layout *layout, struct libscols_table *tb, const struct table_look *look)
{
    for (size_t c = 0; c < t->column_count; c++) {
        if (layout->widths[c] == 0)
            continue;
        struct libscols_column *column = scols_table_new_column(tb, t->columns[c].title, 0, is_right(&t->columns[c]) ? SCOLS_FL_RIGHT : 0);
        if (column == NULL)
            return -ENOMEM;
        if (look->color && scols_cell_set_color(scols_column_get_header(column), "bold") != 0)
            return -ENOMEM;
    }
    return 0;
}

static int add_rows(const struct table *t, const struct layout *layout, struct libscols_table *tb)
{
    struct buf cell;
    buf_init(&cell, 0);
    int error = 0;
    for (size_t r = 0; r < t->row_count && error == 0; r++) {
        struct libscols_line *line = scols_table_new_line(tb, NULL);
        size_t place = 0;
        for (size_t c = 0; c < t->column_count && line != NULL && error == 0; c++) {
            if (layout->widths[c] == 0)
                continue;
            buf_clear(&cell);
            cell_terminal(&cell, &t->columns[c], &t->rows[r][c]);
            cell_cut(&cell, layout->widths[c]);
            error = cell.error != 0 || scols_line_set_data(line, place++, buf_cstr(&cell)) != 0 ? -ENOMEM : 0;
        }
        error = line == NULL ? -ENOMEM : error;
    }
    buf_done(&cell);
    return error;
}

static int print_terminal(const struct table *t, const char *title, struct table_look *look, FILE *file)
{
    if (look->title)
        fprintf(file, "%s%s%s\n", look->color ? "\033[1m" : "", title, look->color ? "\033[0m" : "");
    struct layout layout = {.widths = calloc(t->column_count + 1, sizeof *layout.widths)};
    struct libscols_table *tb = scols_new_table();
    int error = layout.widths == NULL || tb == NULL ? -ENOMEM : measure(t, &layout, look);
    if (error == 0) {
        /* The cells are escaped already; smartcols' own escaping would double the backslashes. */
        scols_table_enable_noencoding(tb, 1);
        scols_table_enable_colors(tb, look->color);
        scols_table_enable_minout(tb, 1);
        scols_table_set_column_separator(tb, "  ");
        scols_table_set_termforce(tb, SCOLS_TERMFORCE_NEVER);
        scols_table_set_stream(tb, file);
        error = add_columns(t, &layout, tb, look);
    }
    if (error == 0)
        error = add_rows(t, &layout, tb);
    if (error == 0)
        error = scols_print_table(tb);
    look->hidden = layout.hidden;
    scols_unref_table(tb);
    free(layout.widths);
    return error;
}

int table_print(struct table *t, const char *name, const char *title, enum table_form form, struct table_look *look, FILE *out)
{
    struct table_look plain = {0};
    errno = 0;
    int error = 0;
    if (form == TABLE_JSON || form == TABLE_JSON_ROWS)
        error = print_json(t, name, out, form == TABLE_JSON_ROWS);
    else if (form == TABLE_CSV)
        error = print_csv(t, out);
    else if (t->row_count > 0)
        error = print_terminal(t, title, look != NULL ? look : &plain, out);
    if (error == 0 && fflush(out) != 0)
        error = errno != 0 ? -errno : -EIO;
    return error;
}
