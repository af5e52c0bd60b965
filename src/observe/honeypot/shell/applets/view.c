/* Commands that show files: cat, head, tail, tac, rev, nl, wc, tee, more, less. */
#include "observe/honeypot/shell/applets/common.h"

#include <ctype.h>

static const struct span standard_input = {.at = (const uint8_t *)"-", .len = 1};

/* The files of a command, or standard input alone. */
static void default_input(struct options *o)
{
    if (o->arg_count == 0) {
        o->args = &standard_input;
        o->arg_count = 1;
    }
}

/* ---- cat */

struct numbering {
    bool all, filled, visible, ends, tabs;
    unsigned line;
    bool at_start;
};

static void put_visible(struct buf *out, uint8_t byte, const struct numbering *n)
{
    if (byte == '\n') {
        if (n->ends)
            buf_byte(out, '$');
        buf_byte(out, '\n');
        return;
    }
    if (byte == '\t' && !n->tabs) {
        buf_byte(out, '\t');
        return;
    }
    if (n->visible && byte >= 128) {
        buf_text(out, "M-");
        byte = byte & 0x7f;
    }
    if (n->visible && (byte < 32 || byte == 127)) {
        buf_byte(out, '^');
        byte ^= 0x40;
    }
    buf_byte(out, byte);
}

static void cat_numbered(struct run *run, struct span bytes, struct numbering *n)
{
    struct buf out;
    buf_init(&out, 4 * LOAD_MAX);
    for (size_t i = 0; i < bytes.len; i++) {
        if (n->at_start && (n->all || (n->filled && bytes.at[i] != '\n')))
            buf_printf(&out, "%6u\t", ++n->line);
        n->at_start = bytes.at[i] == '\n';
        put_visible(&out, bytes.at[i], n);
    }
    (void)out_paid(run, buf_as_span(&out));
    buf_done(&out);
}

static int cat_one(struct run *run, struct span path, struct numbering *n)
{
    bool plain = !n->all && !n->filled && !n->visible && !n->ends && !n->tabs;
    int error = 0;
    if (span_is(path, "-")) {
        if (plain)
            (void)out_paid(run, run_input(run));
        else
            cat_numbered(run, run_input(run), n);
    } else if (plain) {
        error = run_cat(run, path);
    } else {
        struct input in;
        error = input_open(run, path, &in);
        if (error == 0)
            cat_numbered(run, in.bytes, n);
        input_close(&in);
    }
    if (error == -EISDIR)
        run_error(run, "cat: read error: %s\n", errno_text(error));
    else if (error < 0)
        run_error(run, "cat: can't open '%.*s': %s\n", TEXT(path), errno_text(error));
    return error < 0 ? 1 : 0;
}

static int cat(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "nbvteAsu", "number=n"))
        return o.status;
    if (input_is_typed(run, o.args, o.arg_count))
        return run_await_input(run, true);
    default_input(&o);
    struct numbering n = {.all = option(&o, 'n') && !option(&o, 'b'),
                          .filled = option(&o, 'b'),
                          .visible = option(&o, 'v') || option(&o, 't') || option(&o, 'e') || option(&o, 'A'),
                          .ends = option(&o, 'e') || option(&o, 'A'),
                          .tabs = option(&o, 't') || option(&o, 'A'),
                          .at_start = true};
    int status = 0;
    for (size_t i = 0; i < o.arg_count && run_step(run, 1); i++)
        status |= cat_one(run, o.args[i], &n);
    return status;
}

const struct applet applet_cat = {.name = "cat",
                                  .run = cat,
                                  .usage = "cat [-nbvteA] [FILE]...\n\nPrint FILEs to stdout\n\n\t-n\tNumber lines\n\t-b\tNumber lines that aren't "
                                           "empty\n\t-v\tShow characters as ^x or M-x"};

/* ---- head and tail */

/* `head -5`: an option of digits alone stands for -n. False: no memory. */
static bool expand_count(struct run *run)
{
    struct span word = run->argc > 1 ? run->argv[1] : (struct span){0};
    if (word.len < 2 || (word.at[0] != '-' && word.at[0] != '+') || !isdigit(word.at[1]))
        return true;
    struct span *argv = arena_alloc(run_scratch(run), (run->argc + 2) * sizeof *argv);
    if (argv == NULL)
        return false;
    argv[0] = run->argv[0];
    argv[1] = span_text("-n");
    argv[2] = word.at[0] == '-' ? span_part(word, 1, SIZE_MAX) : word;
    for (size_t i = 2; i < run->argc; i++)
        argv[i + 1] = run->argv[i];
    run->argv = argv;
    run->argc++;
    return true;
}

struct cut {
    uint64_t count;
    bool bytes, from_other_end; /* head -n -5, tail -n +5 */
    bool headers;
};

static bool read_cut(struct run *run, const struct options *o, char other_end, struct cut *ret)
{
    *ret = (struct cut){.count = 10, .bytes = option(o, 'c')};
    struct span text = ret->bytes ? option_value(o, 'c') : option(o, 'n') ? option_value(o, 'n') : span_text("10");
    ret->from_other_end = text.len > 0 && text.at[0] == (uint8_t)other_end;
    struct span digits = text.len > 0 && (text.at[0] == '-' || text.at[0] == '+') ? span_part(text, 1, SIZE_MAX) : text;
    if (!number_suffixed(digits, false, &ret->count)) {
        (void)number_fail(run, text);
        return false;
    }
    ret->headers = option(o, 'v') || (o->arg_count > 1 && !option(o, 'q'));
    return true;
}

/* Where the first `count` lines (or bytes) end. */
static size_t behind_first(struct span bytes, uint64_t count, bool by_bytes)
{
    if (by_bytes)
        return count < bytes.len ? (size_t)count : bytes.len;
    size_t at = 0;
    for (; count > 0 && at < bytes.len; count--)
        at += span_find(span_part(bytes, at, SIZE_MAX), '\n') + 1;
    return at < bytes.len ? at : bytes.len;
}

/* Where the last `count` lines (or bytes) start. */
static size_t before_last(struct span bytes, uint64_t count, bool by_bytes)
{
    if (by_bytes)
        return count < bytes.len ? bytes.len - (size_t)count : 0;
    size_t at = bytes.len;
    if (count == 0)
        return at;
    at -= at > 0 && bytes.at[at - 1] == '\n';
    for (; at > 0; at--)
        if (bytes.at[at - 1] == '\n' && --count == 0)
            break;
    return at;
}

static int show_part(struct run *run, const struct options *o, const struct cut *cut, bool head, size_t *ret_opened)
{
    int status = 0;
    bool first = true;
    for (size_t i = 0; i < o->arg_count && run_step(run, 1); i++) {
        struct span path = o->args[i];
        struct input in;
        int error = input_open(run, path, &in);
        if (error == -EISDIR && head)
            run_error(run, "head: %.*s: Input/output error\n", TEXT(path));
        else if (error == -EISDIR)
            run_error(run, "tail: read error: Is a directory\n");
        else if (error < 0)
            run_error(run, head ? "%s: %.*s: %s\n" : "%s: can't open '%.*s': %s\n", head ? "head" : "tail", TEXT(path), errno_text(error));
        *ret_opened += error == 0 || error == -EISDIR;
        status |= error < 0;
        if (error < 0)
            continue;
        if (cut->headers)
            run_printf(run, "%s==> %.*s <==\n", first ? "" : "\n", TEXT(span_is(path, "-") ? span_text("standard input") : path));
        first = false;
        struct span part;
        if (head) {
            part = span_part(in.bytes, 0,
                             cut->from_other_end ? before_last(in.bytes, cut->count, cut->bytes) : behind_first(in.bytes, cut->count, cut->bytes));
        } else {
            uint64_t skip = cut->count > 0 ? cut->count - 1 : 0;
            part = span_part(in.bytes, cut->from_other_end ? behind_first(in.bytes, skip, cut->bytes) : before_last(in.bytes, cut->count, cut->bytes),
                             SIZE_MAX);
        }
        (void)out_paid(run, part);
        input_close(&in);
    }
    return status;
}

static int head_or_tail(struct run *run, bool head)
{
    struct options o;
    struct cut cut;
    if (!expand_count(run))
        return 1;
    if (!options_parse(run, &o, head ? "n:c:qv" : "n:c:fFs:qv", head ? NULL : "follow=f"))
        return o.status;
    if (!read_cut(run, &o, head ? '-' : '+', &cut))
        return 1;
    if (input_is_typed(run, o.args, o.arg_count))
        return run_await_input(run, false);
    default_input(&o);
    size_t opened = 0;
    int status = show_part(run, &o, &cut, head, &opened);
    if (!head && opened == 0 && status != 0)
        run_error(run, "tail: no files\n");
    return status;
}

static int head(struct run *run)
{
    return head_or_tail(run, true);
}

static int tail(struct run *run)
{
    return head_or_tail(run, false);
}

const struct applet applet_head = {
    .name = "head",
    .run = head,
    .usage = "head [OPTIONS] [FILE]...\n\nPrint first 10 lines of FILEs\n\n\t-n N[bkm]\tPrint first N lines\n\t-n -N[bkm]\tPrint all except N last "
             "lines\n\t-c [-]N[bkm]\tPrint first N bytes\n\t-q\t\tNever print headers\n\t-v\t\tAlways print headers"};
const struct applet applet_tail = {
    .name = "tail",
    .run = tail,
    .usage =
        "tail [OPTIONS] [FILE]...\n\nPrint last 10 lines of FILEs\n\n\t-c [+]N[bkm]\tPrint last N bytes\n\t-n N[bkm]\tPrint last N lines\n\t-n "
        "+N[bkm]\tStart on Nth line and print the rest\n\t-q\t\tNever print headers\n\t-v\t\tAlways print headers\n\t-f\t\tPrint data as file grows"};

/* ---- lines, turned and counted */

enum turn { TURN_TAC, TURN_REV, TURN_NL };

static void turn(struct span bytes, enum turn how, struct buf *out, unsigned *line_number)
{
    struct span rest = bytes, line;
    bool ended;
    if (how == TURN_TAC) {
        size_t end = bytes.len;
        while (end > 0) {
            size_t start = end - 1;
            while (start > 0 && bytes.at[start - 1] != '\n')
                start--;
            buf_span(out, span_part(bytes, start, end - start));
            end = start;
        }
        return;
    }
    while (line_next(&rest, &line, &ended)) {
        if (how == TURN_REV)
            for (size_t i = line.len; i > 0; i--)
                buf_byte(out, line.at[i - 1]);
        else if (line.len > 0)
            buf_printf(out, "%6u\t", ++*line_number);
        else
            buf_text(out, "       ");
        if (how == TURN_NL)
            buf_span(out, line);
        if (ended || how == TURN_NL)
            buf_byte(out, '\n');
    }
}

static int turn_files(struct run *run, enum turn how)
{
    struct options o;
    if (!options_parse(run, &o, how == TURN_NL ? "b:f:h:i:l:n:s:v:w:p" : "", NULL))
        return o.status;
    if (input_is_typed(run, o.args, o.arg_count))
        return run_await_input(run, how != TURN_TAC);
    default_input(&o);
    int status = 0;
    unsigned line_number = 0;
    for (size_t i = 0; i < o.arg_count && run_step(run, 1); i++) {
        struct input in;
        if (!input_open_warn(run, o.args[i], false, &in)) {
            status = 1;
            continue;
        }
        struct buf out;
        buf_init(&out, 8 * LOAD_MAX);
        turn(in.bytes, how, &out, &line_number);
        (void)out_paid(run, buf_as_span(&out));
        buf_done(&out);
        input_close(&in);
    }
    return status;
}

static int tac(struct run *run)
{
    return turn_files(run, TURN_TAC);
}

static int rev(struct run *run)
{
    return turn_files(run, TURN_REV);
}

static int nl(struct run *run)
{
    return turn_files(run, TURN_NL);
}

const struct applet applet_tac = {.name = "tac", .run = tac, .usage = "tac [FILE]...\n\nPrint FILEs, last line first"};
const struct applet applet_rev = {.name = "rev", .run = rev, .usage = "rev [FILE]...\n\nReverse the lines of FILE"};
const struct applet applet_nl = {.name = "nl", .run = nl, .usage = "nl [OPTIONS] [FILE]...\n\nPrint FILEs with numbered lines"};

struct counts {
    uint64_t lines, words, characters, bytes, longest;
};

static void count(struct span bytes, struct counts *c)
{
    bool in_word = false;
    uint64_t column = 0;
    c->bytes += bytes.len;
    for (size_t i = 0; i < bytes.len; i++) {
        uint8_t byte = bytes.at[i];
        c->characters += (byte & 0xc0) != 0x80;
        if (byte == '\n') {
            c->lines++;
            column = 0;
        } else if (byte == '\t') {
            column = (column | 7) + 1;
        } else if (isprint(byte)) {
            column++;
        }
        if (column > c->longest)
            c->longest = column;
        bool blank = isspace(byte) != 0;
        if (!blank && (isprint(byte) || byte >= 128)) {
            c->words += !in_word;
            in_word = true;
        } else if (blank) {
            in_word = false;
        }
    }
}

static void print_counts(struct run *run, const struct options *o, const struct counts *c, struct span name)
{
    const uint64_t values[] = {c->lines, c->words, c->characters, c->bytes, c->longest};
    const char letters[] = "lwmcL";
    unsigned shown = 0;
    for (size_t i = 0; i < 5; i++)
        shown += option(o, letters[i]);
    bool first = true;
    for (size_t i = 0; i < 5; i++) {
        if (shown > 0 ? !option(o, letters[i]) : i == 2 || i == 4)
            continue;
        run_printf(run, first ? "%*llu" : " %*llu", shown == 1 ? 0 : 9, (unsigned long long)values[i]);
        first = false;
    }
    if (name.len > 0 && !span_is(name, "-"))
        run_printf(run, " %.*s", TEXT(name));
    run_text(run, "\n");
}

static int wc(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "cmlwL", NULL))
        return o.status;
    if (input_is_typed(run, o.args, o.arg_count))
        return run_await_input(run, false);
    bool named = o.arg_count > 0;
    default_input(&o);
    struct counts total = {0};
    int status = 0;
    for (size_t i = 0; i < o.arg_count && run_step(run, 1); i++) {
        struct input in;
        struct counts one = {0};
        int error = input_open(run, o.args[i], &in);
        if (error < 0) {
            status = run_fail(run, o.args[i], error);
            if (error != -EISDIR)
                continue;
        }
        count(in.bytes, &one);
        print_counts(run, &o, &one, named ? o.args[i] : (struct span){0});
        total.lines += one.lines;
        total.words += one.words;
        total.characters += one.characters;
        total.bytes += one.bytes;
        total.longest = one.longest > total.longest ? one.longest : total.longest;
        input_close(&in);
    }
    if (o.arg_count > 1)
        print_counts(run, &o, &total, span_text("total"));
    return status;
}

const struct applet applet_wc = {.name = "wc",
                                 .run = wc,
                                 .usage = "wc [-cmlwL] [FILE]...\n\nCount lines, words, and bytes for FILEs\n\n\t-c\tCount bytes\n\t-m\tCount "
                                          "characters\n\t-l\tCount newlines\n\t-w\tCount words\n\t-L\tPrint longest line length"};

static int tee(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "ia", NULL))
        return o.status;
    if (run->input_is_terminal)
        return run_await_input(run, false);
    int status = 0;
    struct span bytes = run_input(run);
    for (size_t i = 0; i < o.arg_count && run_step(run, 1); i++) {
        int error = option(&o, 'a') ? 0 : tree_truncate(run_tree(run), run_cwd(run), o.args[i], 0);
        if (error == 0)
            error = tree_write(run_tree(run), run_cwd(run), o.args[i], SIZE_MAX, bytes);
        if (error < 0)
            status = run_fail(run, o.args[i], error);
    }
    (void)out_paid(run, bytes);
    return status;
}

const struct applet applet_tee = {
    .name = "tee",
    .run = tee,
    .usage = "tee [-ai] [FILE]...\n\nCopy stdin to each FILE, and also to stdout\n\n\t-a\tAppend to the given FILEs, don't overwrite"};

/* Nobody pages a honeypot: the text is shown as into a pipe. */
static int more(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "EIMmNSRFh~", NULL))
        return o.status;
    if (o.arg_count == 0 && run->input_is_terminal) {
        if (span_is(name_of(run), "less"))
            run_error(run, "less: missing filename\n");
        return span_is(name_of(run), "less") ? 1 : run_usage(run);
    }
    default_input(&o);
    int status = 0;
    struct numbering n = {0};
    for (size_t i = 0; i < o.arg_count && run_step(run, 1); i++) {
        int error = span_is(o.args[i], "-") ? 0 : run_cat(run, o.args[i]);
        if (span_is(o.args[i], "-"))
            status |= cat_one(run, o.args[i], &n);
        else if (error == -EISDIR)
            run_error(run, "%.*s: read error: Is a directory\n", TEXT(name_of(run)));
        else if (error < 0)
            run_error(run, "%.*s: can't open '%.*s': %s\n", TEXT(name_of(run)), TEXT(o.args[i]), errno_text(error));
        status |= error < 0;
    }
    return status;
}

const struct applet applet_more = {.name = "more", .run = more, .usage = "more [FILE]...\n\nView FILE (or stdin) one screenful at a time"};
const struct applet applet_less = {
    .name = "less", .run = more, .usage = "less [-EFIMmNSRh~] [FILE]...\n\nView FILE (or stdin) one screenful at a time"};
