/* sed: addresses and ranges, s p d q = y a i c n N h H g G x b t, -n -e -f -i -r. */
#include "observe/honeypot/shell/applets/common.h"
#include "observe/honeypot/shell/applets/pattern.h"

#include <ctype.h>

enum { COMMANDS_MAX = 64, SPACE_MAX = SHELL_WORD_MAX, TURNS_MAX = 4096 };

struct address {
    enum { ADDRESS_NONE, ADDRESS_LINE, ADDRESS_LAST, ADDRESS_PATTERN, ADDRESS_MORE } type;
    uint64_t line;
    struct pattern *pattern;
};

struct command {
    struct address from, to;
    bool invert, inside; /* inside: the range goes on */
    uint64_t ends;       /* ADDRESS_MORE: the line it ends at */
    char letter;
    struct pattern *pattern;
    struct span text; /* replacement; text of a i c; label; file of w r */
    bool global, print;
    uint64_t which;
    uint8_t map[256];
    size_t other; /* '{': its '}' */
};

struct sed {
    struct run *run;
    struct command commands[COMMANDS_MAX];
    size_t count;
    bool quiet, extended, failed;
    struct buf space, hold, out, after; /* after: appended text, put out behind the line */
    struct span rest;                   /* of the input */
    struct span all;                    /* the scripts joined */
    uint64_t line;
    bool quit, ended; /* ended: the line had its line feed */
};

static bool complain(struct sed *s, const char *what, struct span about)
{
    if (!s->failed)
        run_error(s->run, "sed: %s%.*s\n", what, TEXT(about));
    s->failed = true;
    return false;
}

static void skip_blanks(struct span *text)
{
    while (text->len > 0 && isspace(text->at[0]))
        *text = span_part(*text, 1, SIZE_MAX);
}

static uint8_t first_of(struct span text)
{
    return text.len > 0 ? text.at[0] : 0;
}

/* Up to an unescaped delimiter, which is skipped; in a pattern, one inside brackets does not count. "\DELIMITER" becomes the delimiter. */
static bool delimited(struct sed *s, struct span *text, uint8_t delimiter, bool pattern, struct span *ret)
{
    struct buf part;
    buf_init(&part, PATTERN_TEXT_MAX);
    bool bracket = false;
    size_t i = 0;
    for (; i < text->len && (text->at[i] != delimiter || bracket); i++) {
        uint8_t byte = text->at[i];
        if (byte == '\\' && i + 1 < text->len && !bracket) {
            i++;
            if (text->at[i] != delimiter || delimiter == '&')
                buf_byte(&part, '\\');
            buf_byte(&part, text->at[i]);
            continue;
        }
        if (pattern && byte == '[' && !bracket) {
            bracket = true;
            buf_byte(&part, byte);
            if (i + 1 < text->len && text->at[i + 1] == '^')
                buf_byte(&part, text->at[++i]);
            if (i + 1 < text->len && text->at[i + 1] == ']')
                buf_byte(&part, text->at[++i]);
            continue;
        }
        bracket = bracket && byte != ']';
        buf_byte(&part, byte);
    }
    *ret = scratch_copy(s->run, buf_as_span(&part));
    bool ok = part.error == 0;
    buf_done(&part);
    if (i >= text->len || !ok) {
        char quoted[] = {'\'', (char)delimiter, '\'', '\0'};
        return complain(s, "unmatched ", span_text(quoted));
    }
    *text = span_part(*text, i + 1, SIZE_MAX);
    return true;
}

static bool compile_pattern(struct sed *s, struct span text, bool fold, struct pattern **ret)
{
    const char *message;
    if (pattern_new(ret, text, (s->extended ? PATTERN_EXTENDED : 0) | (fold ? PATTERN_FOLD : 0), &message) < 0) {
        run_error(s->run, "sed: bad regex '%.*s': %s\n", TEXT(text), message);
        s->failed = true;
        return false;
    }
    return true;
}

static uint64_t read_number(struct span *text)
{
    uint64_t value = 0;
    while (text->len > 0 && isdigit(text->at[0])) {
        value = value < UINT32_MAX ? value * 10 + (uint64_t)(text->at[0] - '0') : value;
        *text = span_part(*text, 1, SIZE_MAX);
    }
    return value;
}

static bool parse_address(struct sed *s, struct span *text, struct address *a, bool second)
{
    uint8_t byte = first_of(*text);
    if (isdigit(byte)) {
        a->type = ADDRESS_LINE;
        a->line = read_number(text);
    } else if (byte == '$') {
        a->type = ADDRESS_LAST;
        *text = span_part(*text, 1, SIZE_MAX);
    } else if (byte == '+' && second) {
        *text = span_part(*text, 1, SIZE_MAX);
        a->type = ADDRESS_MORE;
        a->line = read_number(text);
    } else if (byte == '/' || (byte == '\\' && text->len > 1)) {
        uint8_t delimiter = byte == '/' ? byte : text->at[1];
        *text = span_part(*text, byte == '/' ? 1 : 2, SIZE_MAX);
        struct span pattern;
        if (!delimited(s, text, delimiter, true, &pattern))
            return false;
        bool fold = first_of(*text) == 'I';
        *text = span_part(*text, fold, SIZE_MAX);
        if (!compile_pattern(s, pattern, fold, &a->pattern))
            return false;
        a->type = ADDRESS_PATTERN;
    }
    return true;
}

static bool parse_substitution(struct sed *s, struct span *text, struct command *c)
{
    uint8_t delimiter = first_of(*text);
    struct span pattern;
    *text = span_part(*text, 1, SIZE_MAX);
    if (!delimited(s, text, delimiter, true, &pattern) || !delimited(s, text, delimiter, false, &c->text))
        return false;
    bool fold = false;
    c->which = 1;
    for (; text->len > 0; *text = span_part(*text, 1, SIZE_MAX)) {
        uint8_t flag = text->at[0];
        if (isdigit(flag)) {
            c->which = read_number(text);
            if (text->len == 0)
                break;
            flag = text->at[0];
        }
        if (flag == 'g')
            c->global = true;
        else if (flag == 'p')
            c->print = true;
        else if (flag == 'i' || flag == 'I')
            fold = true;
        else if (flag == ';' || flag == '\n' || flag == '}' || flag == '#')
            break;
        else if (!isspace(flag))
            return complain(s, "bad option in substitution expression", (struct span){0});
    }
    return compile_pattern(s, pattern, fold, &c->pattern);
}

static bool parse_map(struct sed *s, struct span *text, struct command *c)
{
    uint8_t delimiter = first_of(*text);
    struct span from, to;
    *text = span_part(*text, 1, SIZE_MAX);
    if (!delimited(s, text, delimiter, false, &from) || !delimited(s, text, delimiter, false, &to))
        return false;
    if (from.len != to.len)
        return complain(s, "strings for y command have different lengths", (struct span){0});
    for (unsigned i = 0; i < 256; i++)
        c->map[i] = (uint8_t)i;
    for (size_t i = 0; i < from.len; i++)
        c->map[from.at[i]] = to.at[i];
    return true;
}

/* Text of a, i, c, up to a line end that is not escaped. */
static void parse_text(struct sed *s, struct span *text, struct command *c)
{
    skip_blanks(text);
    if (first_of(*text) == '\\') {
        *text = span_part(*text, 1, SIZE_MAX);
        if (first_of(*text) == '\n')
            *text = span_part(*text, 1, SIZE_MAX);
        else
            skip_blanks(text);
    }
    struct buf line;
    buf_init(&line, PATTERN_TEXT_MAX);
    size_t i = 0;
    for (; i < text->len && text->at[i] != '\n'; i++) {
        if (text->at[i] == '\\' && i + 1 < text->len)
            i++;
        buf_byte(&line, text->at[i]);
    }
    buf_byte(&line, '\n');
    c->text = scratch_copy(s->run, buf_as_span(&line));
    buf_done(&line);
    *text = span_part(*text, i, SIZE_MAX);
}

static void parse_word(struct span *text, struct span *ret)
{
    while (text->len > 0 && (text->at[0] == ' ' || text->at[0] == '\t'))
        *text = span_part(*text, 1, SIZE_MAX);
    size_t len = 0;
    while (len < text->len && text->at[len] != '\n' && text->at[len] != ';' && text->at[len] != '}')
        len++;
    *ret = span_part(*text, 0, len);
    *text = span_part(*text, len, SIZE_MAX);
}

static bool parse_command(struct sed *s, struct span *text)
{
    if (s->count >= COMMANDS_MAX)
        return complain(s, "too many commands", (struct span){0});
    struct command *c = &s->commands[s->count++];
    *c = (struct command){0};
    if (!parse_address(s, text, &c->from, false))
        return false;
    if (c->from.type != ADDRESS_NONE) {
        skip_blanks(text);
        if (first_of(*text) == ',') {
            *text = span_part(*text, 1, SIZE_MAX);
            skip_blanks(text);
            if (!parse_address(s, text, &c->to, true))
                return false;
            if (c->to.type == ADDRESS_NONE)
                return complain(s, "no address after comma", (struct span){0});
        }
    }
    skip_blanks(text);
    while (first_of(*text) == '!') {
        c->invert = true;
        *text = span_part(*text, 1, SIZE_MAX);
        skip_blanks(text);
    }
    if (text->len == 0)
        return complain(s, "missing command", (struct span){0});
    c->letter = (char)text->at[0];
    *text = span_part(*text, 1, SIZE_MAX);
    switch (c->letter) {
    case 's':
        return parse_substitution(s, text, c);
    case 'y':
        return parse_map(s, text, c);
    case 'a':
    case 'i':
    case 'c':
        parse_text(s, text, c);
        return true;
    case 'b':
    case 't':
    case 'T':
    case ':':
    case 'w':
    case 'r':
    case 'q':
        parse_word(text, &c->text);
        return true;
    default:
        if (strchr("{}=dDpPnNhHgGxl", c->letter) == NULL) {
            run_error(s->run, "sed: unsupported command %c\n", isprint(c->letter) ? c->letter : '?');
            s->failed = true;
        }
        return !s->failed;
    }
}

static bool parse_script(struct sed *s, struct span text)
{
    for (;;) {
        while (text.len > 0 && (isspace(text.at[0]) || text.at[0] == ';'))
            text = span_part(text, 1, SIZE_MAX);
        if (text.len == 0)
            return true;
        if (text.at[0] == '#') {
            text = span_part(text, span_find(text, '\n'), SIZE_MAX);
            continue;
        }
        if (!parse_command(s, &text))
            return false;
    }
}

/* Pairs the braces. */
static bool link_blocks(struct sed *s)
{
    size_t open[COMMANDS_MAX], depth = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (s->commands[i].letter == '{') {
            open[depth++] = i;
        } else if (s->commands[i].letter == '}') {
            if (depth == 0)
                return complain(s, "unexpected '}'", (struct span){0});
            s->commands[open[--depth]].other = i;
        }
    }
    return depth == 0 || complain(s, "unmatched '{'", (struct span){0});
}

static bool address_holds(struct sed *s, const struct address *a)
{
    struct span groups[PATTERN_GROUPS];
    switch (a->type) {
    case ADDRESS_LINE:
        return s->line == a->line;
    case ADDRESS_LAST:
        return s->rest.len == 0;
    case ADDRESS_PATTERN:
        return pattern_find(s->run, a->pattern, buf_as_span(&s->space), 0, groups);
    default:
        return false;
    }
}

static bool selected(struct sed *s, struct command *c)
{
    if (c->from.type == ADDRESS_NONE)
        return !c->invert;
    if (c->to.type == ADDRESS_NONE)
        return address_holds(s, &c->from) != c->invert;
    if (!c->inside) {
        c->inside = address_holds(s, &c->from);
        if (!c->inside)
            return c->invert;
        c->ends = s->line + c->to.line;
        if ((c->to.type == ADDRESS_LINE && c->to.line <= s->line) || (c->to.type == ADDRESS_MORE && c->to.line == 0))
            c->inside = false;
        return !c->invert;
    }
    bool last = c->to.type == ADDRESS_MORE ? s->line >= c->ends : c->to.type == ADDRESS_LINE ? s->line >= c->to.line : address_holds(s, &c->to);
    c->inside = !last;
    return !c->invert;
}

static void put_space(struct sed *s, struct span text)
{
    buf_span(&s->out, text);
    if (s->ended || s->rest.len > 0)
        buf_byte(&s->out, '\n');
}

static void put_replacement(const struct command *c, const struct span *groups, struct buf *to)
{
    for (size_t i = 0; i < c->text.len; i++) {
        uint8_t byte = c->text.at[i];
        if (byte == '&') {
            buf_span(to, groups[0]);
        } else if (byte == '\\' && i + 1 < c->text.len) {
            byte = c->text.at[++i];
            if (isdigit(byte))
                buf_span(to, groups[byte - '0']);
            else
                buf_byte(to, byte == 'n' ? '\n' : byte == 't' ? '\t' : byte);
        } else {
            buf_byte(to, byte);
        }
    }
}

static bool substitute(struct sed *s, const struct command *c)
{
    struct span text = buf_as_span(&s->space), groups[PATTERN_GROUPS];
    struct buf to;
    buf_init(&to, SPACE_MAX);
    size_t from = 0, copied = 0, last = 0;
    bool changed = false;
    for (uint64_t n = 1; from <= text.len && pattern_find(s->run, c->pattern, text, from, groups); n++) {
        size_t start = groups[0].at != NULL ? (size_t)(groups[0].at - text.at) : from, end = start + groups[0].len;
        /* Nothing is matched right behind a match. */
        if (groups[0].len == 0 && start > 0 && start == last) {
            from = end + 1;
            n--;
            continue;
        }
        last = end;
        if (n >= c->which) {
            buf_span(&to, span_part(text, copied, start - copied));
            put_replacement(c, groups, &to);
            copied = end;
            changed = true;
            if (!c->global)
                break;
        }
        from = end;
        if (groups[0].len == 0) {
            from++;
        }
    }
    if (changed) {
        buf_span(&to, span_part(text, copied, SIZE_MAX));
        buf_clear(&s->space);
        buf_span(&s->space, buf_as_span(&to));
        if (c->print)
            put_space(s, buf_as_span(&s->space));
    }
    buf_done(&to);
    return changed;
}

static bool next_line(struct sed *s, bool append)
{
    struct span line;
    if (!line_next(&s->rest, &line, &s->ended))
        return false;
    s->line++;
    if (append)
        buf_byte(&s->space, '\n');
    else
        buf_clear(&s->space);
    buf_span(&s->space, line);
    return true;
}

static void flush_after(struct sed *s)
{
    buf_span(&s->out, buf_as_span(&s->after));
    buf_clear(&s->after);
}

static size_t label_place(const struct sed *s, struct span label)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->commands[i].letter == ':' && span_equal(s->commands[i].text, label))
            return i;
    return s->count;
}

static void copy_buf(struct buf *to, const struct buf *from, bool append)
{
    if (append)
        buf_byte(to, '\n');
    else
        buf_clear(to);
    buf_span(to, buf_as_span(from));
}

enum { NEXT_COMMAND, NEXT_LINE, NEXT_LINE_SILENT };

/* The commands on the spaces alone. */
static void exchange(struct sed *s, char letter)
{
    struct buf swap = s->space;
    if (letter == 'x') {
        s->space = s->hold;
        s->hold = swap;
    } else if (letter == 'h' || letter == 'H') {
        copy_buf(&s->hold, &s->space, letter == 'H');
    } else {
        copy_buf(&s->space, &s->hold, letter == 'G');
    }
}

static int change(struct sed *s, const struct command *c)
{
    /* Of a range the text comes once, at its end. */
    if (c->to.type == ADDRESS_NONE || !c->inside)
        buf_span(&s->out, c->text);
    return NEXT_LINE_SILENT;
}

static int run_one(struct sed *s, struct command *c, size_t *place, bool *substituted)
{
    struct span space = buf_as_span(&s->space);
    switch (c->letter) {
    case 's':
        *substituted = substitute(s, c) || *substituted;
        break;
    case 'y':
        for (size_t i = 0; i < s->space.len; i++)
            s->space.data[i] = c->map[s->space.data[i]];
        break;
    case 'd':
    case 'D':
        return NEXT_LINE_SILENT;
    case 'p':
        put_space(s, space);
        break;
    case 'P':
        buf_span(&s->out, span_part(space, 0, span_find(space, '\n')));
        buf_byte(&s->out, '\n');
        break;
    case '=':
        buf_printf(&s->out, "%llu\n", (unsigned long long)s->line);
        break;
    case 'q':
        s->quit = true;
        return NEXT_LINE;
    case 'n':
        if (s->rest.len == 0)
            return NEXT_LINE;
        if (!s->quiet)
            put_space(s, space);
        (void)next_line(s, false);
        break;
    case 'N':
        return s->rest.len > 0 && next_line(s, true) ? NEXT_COMMAND : NEXT_LINE;
    case 'x':
    case 'h':
    case 'H':
    case 'g':
    case 'G':
        exchange(s, c->letter);
        break;
    case 'a':
        buf_span(&s->after, c->text);
        break;
    case 'i':
        buf_span(&s->out, c->text);
        break;
    case 'c':
        return change(s, c);
    case 'b':
        *place = c->text.len > 0 ? label_place(s, c->text) : s->count;
        break;
    case 't':
        if (*substituted)
            *place = c->text.len > 0 ? label_place(s, c->text) : s->count;
        *substituted = false;
        break;
    default:
        break;
    }
    return NEXT_COMMAND;
}

static void run_line(struct sed *s)
{
    int next = NEXT_COMMAND;
    bool substituted = false;
    unsigned turns = 0;
    for (size_t i = 0; i < s->count && next == NEXT_COMMAND && turns < TURNS_MAX; i++, turns++) {
        struct command *c = &s->commands[i];
        bool chosen = selected(s, c);
        if (c->letter == '{' && !chosen)
            i = c->other;
        else if (chosen && strchr("{}:", c->letter) == NULL)
            next = run_one(s, c, &i, &substituted);
        if (turns % 64 == 63 && !run_step(s->run, 1))
            return;
    }
    if (next != NEXT_LINE_SILENT && !s->quiet)
        put_space(s, buf_as_span(&s->space));
    flush_after(s);
}

static void run_bytes(struct sed *s, struct span bytes)
{
    s->rest = bytes;
    for (unsigned n = 0; !s->quit && next_line(s, false); n++) {
        if (n % 64 == 63 && !run_step(s->run, 1))
            return;
        run_line(s);
    }
}

static int edit_file(struct sed *s, struct span path)
{
    struct input in;
    if (!input_open_warn(s->run, path, false, &in))
        return 1;
    s->line = 0;
    run_bytes(s, in.bytes);
    input_close(&in);
    struct tree_stat stat;
    int error = tree_stat(run_tree(s->run), run_cwd(s->run), path, true, &stat);
    error = error < 0 ? error : tree_truncate(run_tree(s->run), run_cwd(s->run), path, 0);
    error = error < 0 ? error : tree_write(run_tree(s->run), run_cwd(s->run), path, 0, buf_as_span(&s->out));
    buf_clear(&s->out);
    return error < 0 ? run_fail(s->run, path, error) : 0;
}

static int edit_stream(struct sed *s, const struct options *o)
{
    /* One stream of all the files, so that $ is the last line of the last. */
    struct buf all;
    buf_init(&all, LOAD_MAX);
    int status = 0;
    for (size_t i = 0; i < (o->arg_count > 0 ? o->arg_count : 1) && run_step(s->run, 1); i++) {
        struct input in;
        int error = input_open(s->run, o->arg_count > 0 ? o->args[i] : span_text("-"), &in);
        if (error < 0 && error != -EISDIR)
            status = run_fail(s->run, o->args[i], error);
        if (in.bytes.len > 0 && all.len > 0 && all.data[all.len - 1] != '\n')
            buf_byte(&all, '\n');
        buf_span(&all, in.bytes);
        input_close(&in);
    }
    run_bytes(s, buf_as_span(&all));
    (void)out_paid(s->run, buf_as_span(&s->out));
    buf_done(&all);
    return status;
}

static bool read_scripts(struct sed *s, struct options *o)
{
    if (option(o, 'f')) {
        struct input in;
        if (!input_open_warn(s->run, option_value(o, 'f'), false, &in))
            return false;
        struct span text = scratch_copy(s->run, in.bytes);
        input_close(&in);
        return parse_script(s, text);
    }
    if (!option(o, 'e')) {
        o->args++;
        o->arg_count--;
        return parse_script(s, o->args[-1]);
    }
    for (size_t i = 1; i < s->run->argc; i++) {
        struct span word = s->run->argv[i];
        if (word.len < 2 || word.at[0] != '-' || word.at[1] == '-' || word.at[word.len - 1] != 'e' || i + 1 >= s->run->argc)
            continue;
        if (!parse_script(s, s->run->argv[++i]))
            return false;
    }
    return s->count > 0 || parse_script(s, option_value(o, 'e'));
}

static int sed(struct run *run)
{
    struct options o;
    bool in_place = false;
    for (size_t i = 1; i < run->argc; i++)
        in_place = in_place || span_starts(run->argv[i], "-i");
    if (!options_parse(run, &o, "inrEe:f:s", "regexp-extended=r quiet=n silent=n expression=e in-place=i"))
        return o.status;
    if (o.arg_count == 0 && !option(&o, 'e') && !option(&o, 'f'))
        return run_usage(run);
    size_t files = o.arg_count - (option(&o, 'e') || option(&o, 'f') ? 0 : 1);
    if (input_is_typed(run, o.args + o.arg_count - files, files))
        return run_await_input(run, true);
    struct sed *s = arena_alloc(run_scratch(run), sizeof *s);
    if (s == NULL)
        return 1;
    *s = (struct sed){.run = run, .quiet = option(&o, 'n'), .extended = option(&o, 'r') || option(&o, 'E')};
    buf_init(&s->space, SPACE_MAX);
    buf_init(&s->hold, SPACE_MAX);
    buf_init(&s->after, SPACE_MAX);
    buf_init(&s->out, LOAD_MAX);
    int status = 1;
    if (read_scripts(s, &o) && link_blocks(s)) {
        status = 0;
        for (size_t i = 0; in_place && i < o.arg_count && run_step(run, 1); i++)
            status |= edit_file(s, o.args[i]);
        if (!in_place)
            status = edit_stream(s, &o);
    }
    for (size_t i = 0; i < s->count; i++) {
        pattern_free(s->commands[i].pattern);
        pattern_free(s->commands[i].from.pattern);
        pattern_free(s->commands[i].to.pattern);
    }
    buf_done(&s->space);
    buf_done(&s->hold);
    buf_done(&s->after);
    buf_done(&s->out);
    return status;
}

const struct applet applet_sed = {
    .name = "sed",
    .run = sed,
    .usage = "sed [-inrE] [-f FILE]... [-e CMD]... [FILE]...\nor: sed [-inrE] CMD [FILE]...\n\n\t-e CMD\tAdd CMD to sed commands to be "
             "executed\n\t-f FILE\tAdd FILE contents to sed commands to be executed\n\t-i\tEdit files in-place (otherwise write to "
             "stdout)\n\t-n\tSuppress automatic printing of pattern space\n\t-r,-E\tUse extended regex syntax"};
