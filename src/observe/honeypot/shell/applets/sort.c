/* Order and difference: sort, uniq, cmp, diff. */
#include "observe/honeypot/shell/applets/common.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINES_MAX = 65536, KEYS_MAX = 8 };

/* ---- sort */

struct key {
    uint32_t first, first_offset, last, last_offset; /* from 1; 0: none */
    bool numeric, reverse, fold, blanks, version;
};

struct sorting {
    struct key keys[KEYS_MAX];
    size_t key_count;
    int separator; /* -1: blanks */
    bool unique, stable, reverse;
};

struct line {
    struct span text;
    size_t place;
};

static void key_flags(struct key *k, struct span letters)
{
    for (size_t i = 0; i < letters.len; i++) {
        k->numeric = k->numeric || letters.at[i] == 'n' || letters.at[i] == 'g' || letters.at[i] == 'h';
        k->reverse = k->reverse || letters.at[i] == 'r';
        k->fold = k->fold || letters.at[i] == 'f';
        k->blanks = k->blanks || letters.at[i] == 'b';
        k->version = k->version || letters.at[i] == 'V';
    }
}

/* "N.M" then flags; returns what follows the comma. */
static bool key_part(struct span *text, struct key *k, uint32_t *ret_field, uint32_t *ret_offset)
{
    uint32_t numbers[2] = {0, 0};
    size_t i = 0;
    for (unsigned n = 0; n < 2; n++) {
        while (i < text->len && isdigit(text->at[i]) && numbers[n] < 100000)
            numbers[n] = numbers[n] * 10 + (uint32_t)(text->at[i++] - '0');
        if (i >= text->len || text->at[i] != '.')
            break;
        i++;
    }
    size_t comma = span_find(*text, ',');
    if (comma < i || numbers[0] == 0)
        return false;
    key_flags(k, span_part(*text, i, comma - i));
    *ret_field = numbers[0];
    *ret_offset = numbers[1];
    *text = span_part(*text, comma + 1, SIZE_MAX);
    return true;
}

static bool key_read(struct run *run, struct span text, struct sorting *s)
{
    struct key key = {0};
    bool ok = s->key_count < KEYS_MAX && key_part(&text, &key, &key.first, &key.first_offset);
    if (ok && text.len > 0)
        ok = key_part(&text, &key, &key.last, &key.last_offset);
    if (!ok)
        run_error(run, "sort: bad field specification\n");
    else
        s->keys[s->key_count++] = key;
    return ok;
}

/* Where field n (from 1) of a line starts and ends. */
static void field_bounds(struct span line, int separator, uint32_t n, size_t *ret_start, size_t *ret_end)
{
    size_t at = 0, start = 0;
    for (uint32_t i = 1;; i++) {
        start = at;
        if (separator < 0) {
            while (at < line.len && isspace(line.at[at]))
                at++;
            while (at < line.len && !isspace(line.at[at]))
                at++;
        } else {
            at += span_find(span_part(line, at, SIZE_MAX), (uint8_t)separator);
        }
        if (i == n || at >= line.len)
            break;
        at += separator >= 0;
        if (i + 1 == n + 1)
            break;
    }
    *ret_start = start;
    *ret_end = at;
}

static struct span key_of(struct span line, const struct key *k, int separator)
{
    if (k->first == 0)
        return line;
    size_t start, end, last_start, last_end = line.len, fields = 1;
    /* A field that isn't there is empty. */
    if (separator >= 0) {
        for (size_t i = 0; i < line.len; i++)
            fields += line.at[i] == separator;
        if (fields < k->first)
            return (struct span){0};
    }
    field_bounds(line, separator, k->first, &start, &end);
    if (k->last > 0) {
        field_bounds(line, separator, k->last, &last_start, &last_end);
        if (k->last_offset > 0)
            last_end = last_start + k->last_offset < line.len ? last_start + k->last_offset : line.len;
    }
    if (k->blanks)
        while (start < line.len && isspace(line.at[start]))
            start++;
    if (k->first_offset > 1)
        start += k->first_offset - 1;
    return start < last_end ? span_part(line, start, last_end - start) : (struct span){0};
}

static double number_of(struct span text)
{
    char digits[64] = {0};
    size_t i = 0;
    while (text.len > 0 && isspace(text.at[0]))
        text = span_part(text, 1, SIZE_MAX);
    while (i < text.len && i < sizeof digits - 1 && (isdigit(text.at[i]) || text.at[i] == '.' || (i == 0 && text.at[i] == '-'))) {
        digits[i] = (char)text.at[i];
        i++;
    }
    return strtod(digits, NULL);
}

static int compare_text(struct span a, struct span b, bool fold)
{
    size_t len = a.len < b.len ? a.len : b.len;
    for (size_t i = 0; i < len; i++) {
        int x = fold ? toupper(a.at[i]) : a.at[i], y = fold ? toupper(b.at[i]) : b.at[i];
        if (x != y)
            return x - y;
    }
    return a.len < b.len ? -1 : a.len > b.len;
}

static int compare_keys(const struct sorting *s, const struct line *a, const struct line *b)
{
    for (size_t i = 0; i < s->key_count; i++) {
        const struct key *k = &s->keys[i];
        struct span x = key_of(a->text, k, s->separator), y = key_of(b->text, k, s->separator);
        int order;
        if (k->numeric) {
            double m = number_of(x), n = number_of(y);
            order = (m > n) - (m < n);
        } else {
            order = compare_text(x, y, k->fold);
        }
        if (order != 0)
            return k->reverse ? -order : order;
    }
    return 0;
}

static int compare_lines(const void *a, const void *b, void *user)
{
    const struct sorting *s = user;
    const struct line *x = a, *y = b;
    int order = compare_keys(s, x, y);
    if (order == 0 && !s->stable && !s->unique) {
        order = compare_text(x->text, y->text, false);
        order = s->reverse ? -order : order;
    }
    return order != 0 ? order : (x->place > y->place) - (x->place < y->place);
}

static int sort_lines(struct run *run, const struct options *o, struct sorting *s, struct span bytes)
{
    struct span rest = bytes, text;
    bool ended;
    size_t count = 0;
    struct line *lines = calloc(LINES_MAX, sizeof *lines);
    if (lines == NULL)
        return 2;
    for (; count < LINES_MAX && line_next(&rest, &text, &ended); count++)
        lines[count] = (struct line){.text = text, .place = count};
    bool sorted = run_step(run, 1 + count / 256);
    if (option(o, 'c')) {
        for (size_t i = 1; sorted && i < count; i++) {
            sorted = compare_keys(s, &lines[i - 1], &lines[i]) < (s->unique ? 0 : 1);
            if (!sorted)
                run_error(run, "Check line %zu\n", i);
        }
        free(lines);
        return sorted ? 0 : 1;
    }
    if (sorted)
        qsort_r(lines, count, sizeof *lines, compare_lines, s);
    struct buf out;
    buf_init(&out, 2 * LOAD_MAX);
    for (size_t i = 0; i < count; i++) {
        if (s->unique && i > 0 && compare_keys(s, &lines[i - 1], &lines[i]) == 0)
            continue;
        buf_span(&out, lines[i].text);
        buf_byte(&out, '\n');
    }
    int error = 0;
    if (option(o, 'o')) {
        error = tree_truncate(run_tree(run), run_cwd(run), option_value(o, 'o'), 0);
        error = error < 0 ? error : tree_write(run_tree(run), run_cwd(run), option_value(o, 'o'), 0, buf_as_span(&out));
        if (error < 0)
            (void)run_fail(run, option_value(o, 'o'), error);
    } else {
        (void)out_paid(run, buf_as_span(&out));
    }
    buf_done(&out);
    free(lines);
    return error < 0 ? 2 : 0;
}

static int sort(struct run *run)
{
    struct options o;
    struct sorting s = {.separator = -1};
    if (!options_parse(run, &o, "nrugMcszbdfiVhk:t:o:T:S:", NULL)) {
        return o.status == 0 ? 0 : 2;
    }
    /* Every -k counts, not the last one alone. */
    for (size_t i = 1; i < run->argc; i++) {
        if (!span_starts(run->argv[i], "-k"))
            continue;
        struct span text = run->argv[i].len > 2 ? span_part(run->argv[i], 2, SIZE_MAX) : i + 1 < run->argc ? run->argv[i + 1] : (struct span){0};
        if (!key_read(run, text, &s))
            return 2;
    }
    struct key whole = {.numeric = option(&o, 'n') || option(&o, 'g') || option(&o, 'h'),
                        .reverse = option(&o, 'r'),
                        .fold = option(&o, 'f'),
                        .blanks = option(&o, 'b')};
    for (size_t i = 0; i < s.key_count; i++) {
        struct key *k = &s.keys[i];
        if (!k->numeric && !k->reverse && !k->fold && !k->blanks) {
            k->numeric = whole.numeric;
            k->reverse = whole.reverse;
            k->fold = whole.fold;
            k->blanks = whole.blanks;
        }
    }
    if (s.key_count == 0)
        s.keys[s.key_count++] = whole;
    s.unique = option(&o, 'u');
    s.stable = option(&o, 's');
    s.reverse = option(&o, 'r');
    if (option_value(&o, 't').len > 0)
        s.separator = option_value(&o, 't').at[0];
    if (input_is_typed(run, o.args, o.arg_count))
        return run_await_input(run, false);
    struct buf all;
    buf_init(&all, LOAD_MAX);
    int status = 0;
    for (size_t i = 0; i < (o.arg_count > 0 ? o.arg_count : 1) && status == 0 && run_step(run, 1); i++) {
        struct input in;
        int error = input_open(run, o.arg_count > 0 ? o.args[i] : span_text("-"), &in);
        if (error < 0 && error != -EISDIR) {
            (void)run_fail(run, o.args[i], error);
            status = 2;
        }
        buf_span(&all, in.bytes);
        if (in.bytes.len > 0 && in.bytes.at[in.bytes.len - 1] != '\n')
            buf_byte(&all, '\n');
        input_close(&in);
    }
    if (status == 0)
        status = sort_lines(run, &o, &s, buf_as_span(&all));
    buf_done(&all);
    return status;
}

const struct applet applet_sort = {
    .name = "sort",
    .run = sort,
    .usage = "sort [-nrugcsbfk] [-o FILE] [-k START[.OFS][OPTS][,END[.OFS][OPTS]] [-t CHAR] [FILE]...\n\nSort lines of text"};

/* ---- uniq */

static struct span uniq_part(const struct options *o, struct span line)
{
    uint64_t n;
    if (option(o, 'f') && number_parse(option_value(o, 'f'), &n)) {
        size_t at = 0;
        for (; n > 0 && at < line.len; n--) {
            while (at < line.len && isblank(line.at[at]))
                at++;
            while (at < line.len && !isblank(line.at[at]))
                at++;
        }
        line = span_part(line, at, SIZE_MAX);
    }
    if (option(o, 's') && number_parse(option_value(o, 's'), &n))
        line = span_part(line, n < line.len ? (size_t)n : line.len, SIZE_MAX);
    if (option(o, 'w') && number_parse(option_value(o, 'w'), &n))
        line = span_part(line, 0, n < line.len ? (size_t)n : line.len);
    return line;
}

static void uniq_put(const struct options *o, struct span line, uint64_t times, struct buf *out)
{
    if (times == 0 || (option(o, 'd') && times < 2) || (option(o, 'u') && times > 1))
        return;
    if (option(o, 'c'))
        buf_printf(out, "%7" PRIu64 " ", times);
    buf_span(out, line);
    buf_byte(out, '\n');
}

static int uniq(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "cduf:s:w:iz", NULL))
        return o.status;
    if (o.arg_count > 2)
        return run_usage(run);
    if (input_is_typed(run, o.args, o.arg_count > 0))
        return run_await_input(run, false);
    struct input in;
    if (!input_open_warn(run, o.arg_count > 0 ? o.args[0] : span_text("-"), true, &in))
        return 1;
    struct buf out;
    buf_init(&out, 4 * LOAD_MAX);
    struct span rest = in.bytes, line, last = {0};
    bool ended;
    uint64_t times = 0;
    while (line_next(&rest, &line, &ended)) {
        if (times > 0 && compare_text(uniq_part(&o, last), uniq_part(&o, line), option(&o, 'i')) == 0) {
            times++;
            continue;
        }
        uniq_put(&o, last, times, &out);
        last = line;
        times = 1;
    }
    uniq_put(&o, last, times, &out);
    (void)out_paid(run, buf_as_span(&out));
    buf_done(&out);
    input_close(&in);
    return 0;
}

const struct applet applet_uniq = {.name = "uniq",
                                   .run = uniq,
                                   .usage =
                                       "uniq [-cduiz] [-f,s,w N] [FILE [OUTFILE]]\n\nDiscard duplicate lines\n\n\t-c\tPrefix lines by the number of "
                                       "occurrences\n\t-d\tOnly print duplicate lines\n\t-u\tOnly print unique lines\n\t-i\tIgnore case"};

/* ---- cmp and diff */

static int cmp(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "lsn:", NULL))
        return o.status == 0 ? 0 : 2;
    if (o.arg_count < 1 || o.arg_count > 4)
        return run_usage(run);
    struct span second = o.arg_count > 1 ? o.args[1] : span_text("-");
    struct input a, b;
    if (!input_open_warn(run, o.args[0], false, &a))
        return 2;
    if (!input_open_warn(run, second, false, &b)) {
        input_close(&a);
        return 2;
    }
    size_t len = a.bytes.len < b.bytes.len ? a.bytes.len : b.bytes.len, at = 0, line = 1;
    while (at < len && a.bytes.at[at] == b.bytes.at[at])
        line += a.bytes.at[at++] == '\n';
    int status = at < len || a.bytes.len != b.bytes.len;
    if (status != 0 && !option(&o, 's')) {
        if (at < len)
            run_printf(run, "%.*s %.*s differ: char %zu, line %zu\n", TEXT(o.args[0]), TEXT(second), at + 1, line);
        else
            run_error(run, "cmp: EOF on %.*s\n", TEXT(a.bytes.len < b.bytes.len ? o.args[0] : second));
    }
    input_close(&a);
    input_close(&b);
    return status;
}

const struct applet applet_cmp = {
    .name = "cmp", .run = cmp, .usage = "cmp [-ls] [-n NUM] FILE1 [FILE2 [SKIP1 [SKIP2]]]\n\nCompare FILE1 with FILE2 (or stdin)"};

static size_t line_count(struct span bytes)
{
    size_t count = 0;
    struct span line;
    bool ended;
    while (line_next(&bytes, &line, &ended))
        count++;
    return count;
}

static struct span line_at(struct span bytes, size_t n, bool *ret_ended)
{
    struct span line = {0};
    for (size_t i = 0; i <= n && line_next(&bytes, &line, ret_ended); i++)
        ;
    return line;
}

static void diff_lines(struct run *run, char sign, struct span bytes, size_t from, size_t to)
{
    struct span line;
    bool ended = true;
    for (size_t i = 0; line_next(&bytes, &line, &ended) && i < to; i++) {
        if (i < from)
            continue;
        run_printf(run, "%c%.*s\n%s", sign, TEXT(line), ended ? "" : "\\ No newline at end of file\n");
        if (!run_step(run, 1))
            return;
    }
}

static void diff_range(struct run *run, char sign, size_t from, size_t to)
{
    size_t count = to - from;
    run_printf(run, count == 1 ? "%c%zu" : "%c%zu,%zu", sign, count == 0 ? from : from + 1, count);
}

/* What lies between the lines both start and end with, as one hunk. */
static void diff_texts(struct run *run, const struct options *o, struct span a, struct span b)
{
    size_t count_a = line_count(a), count_b = line_count(b), first = 0, last = 0;
    struct span rest_a = a, rest_b = b, x, y;
    bool ended_a, ended_b;
    while (line_next(&rest_a, &x, &ended_a) && line_next(&rest_b, &y, &ended_b) && span_equal(x, y) && ended_a == ended_b)
        first++;
    while (last < count_a - first && last < count_b - first && last < 1000 && run_step(run, 1)) {
        x = line_at(a, count_a - last - 1, &ended_a);
        y = line_at(b, count_b - last - 1, &ended_b);
        if (!span_equal(x, y) || ended_a != ended_b)
            break;
        last++;
    }
    size_t context = 3, start = first > context ? first - context : 0;
    size_t tail_a = count_a - last, tail_b = count_b - last;
    size_t end_a = tail_a + (last < context ? last : context), end_b = tail_b + (last < context ? last : context);
    run_printf(run, "--- %.*s\n+++ %.*s\n@@ ", TEXT(o->args[0]), TEXT(o->args[1]));
    diff_range(run, '-', start, end_a);
    run_text(run, " ");
    diff_range(run, '+', start, end_b);
    run_text(run, " @@\n");
    diff_lines(run, ' ', a, start, first);
    diff_lines(run, '-', a, first, tail_a);
    diff_lines(run, '+', b, first, tail_b);
    diff_lines(run, ' ', a, tail_a, end_a);
}

static int diff(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "abBdiL:NqrsS:tTU:wu", NULL))
        return o.status == 0 ? 0 : 2;
    if (o.arg_count != 2)
        return run_usage(run);
    struct input in[2];
    for (size_t i = 0; i < 2; i++) {
        int error = input_open(run, o.args[i], &in[i]);
        if (error == 0)
            continue;
        if (i == 1)
            input_close(&in[0]);
        if (error == -EISDIR)
            return 0;
        run_error(run, "diff: can't stat '%.*s': %s\n", TEXT(o.args[i]), errno_text(error));
        return 2;
    }
    int status = span_equal(in[0].bytes, in[1].bytes) ? 0 : 1;
    if (status != 0 && option(&o, 'q'))
        run_printf(run, "Files %.*s and %.*s differ\n", TEXT(o.args[0]), TEXT(o.args[1]));
    else if (status != 0)
        diff_texts(run, &o, in[0].bytes, in[1].bytes);
    input_close(&in[0]);
    input_close(&in[1]);
    return status;
}

const struct applet applet_diff = {
    .name = "diff",
    .run = diff,
    .usage =
        "diff [-abBdiNqrTstw] [-L LABEL] [-S FILE] [-U LINES] FILE1 FILE2\n\nCompare files line by line and output the differences between them"};
