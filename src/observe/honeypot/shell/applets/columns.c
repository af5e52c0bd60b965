/* Commands on the characters of lines: cut, tr, paste, fold, expand, unexpand. */
#include "observe/honeypot/shell/applets/common.h"

#include <ctype.h>

/* ---- cut */

enum { RANGES_MAX = 64 };

struct range {
    uint32_t first, last; /* from 1, inclusive */
};

struct cutting {
    struct range ranges[RANGES_MAX];
    size_t count;
    uint8_t delimiter;
    bool fields, only_delimited;
    struct span joint;
};

static bool read_ranges(struct run *run, struct span list, struct cutting *c)
{
    while (list.len > 0) {
        struct span item = span_part(list, 0, span_find(list, ','));
        list = span_part(list, item.len + 1, SIZE_MAX);
        size_t dash = span_find(item, '-');
        struct span low = span_part(item, 0, dash), high = span_part(item, dash + 1, SIZE_MAX);
        uint64_t first = 1, last = UINT32_MAX;
        if ((low.len > 0 && !number_parse(low, &first)) || (high.len > 0 && !number_parse(high, &last))) {
            (void)number_fail(run, low.len > 0 && !number_parse(low, &first) ? low : high);
            return false;
        }
        if (dash == item.len)
            last = first;
        if (item.len == 0 || first == 0 || last < first || c->count >= RANGES_MAX) {
            run_error(run, "cut: invalid range %.*s\n", TEXT(item));
            return false;
        }
        c->ranges[c->count++] =
            (struct range){(uint32_t)(first < UINT32_MAX ? first : UINT32_MAX), (uint32_t)(last < UINT32_MAX ? last : UINT32_MAX)};
    }
    return true;
}

static bool in_ranges(const struct cutting *c, size_t place)
{
    for (size_t i = 0; i < c->count; i++)
        if (place >= c->ranges[i].first && place <= c->ranges[i].last)
            return true;
    return false;
}

static void cut_line(const struct cutting *c, struct span line, struct buf *out)
{
    if (!c->fields) {
        for (size_t i = 0; i < line.len; i++)
            if (in_ranges(c, i + 1))
                buf_byte(out, line.at[i]);
        buf_byte(out, '\n');
        return;
    }
    if (span_find(line, c->delimiter) == line.len) {
        if (!c->only_delimited) {
            buf_span(out, line);
            buf_byte(out, '\n');
        }
        return;
    }
    bool first = true;
    for (size_t n = 1;; n++) {
        size_t len = span_find(line, c->delimiter);
        if (in_ranges(c, n)) {
            if (!first)
                buf_span(out, c->joint);
            first = false;
            buf_span(out, span_part(line, 0, len));
        }
        if (len == line.len)
            break;
        line = span_part(line, len + 1, SIZE_MAX);
    }
    buf_byte(out, '\n');
}

/* Calls `each` with every line of the files, or of standard input; what it writes is put out, each line with its line feed. */
static int each_line(struct run *run, const struct options *o, void (*each)(const void *how, struct span line, struct buf *out), const void *how,
                     bool keep_end)
{
    static const struct span dash = {.at = (const uint8_t *)"-", .len = 1};
    int status = 0;
    for (size_t i = 0; i < (o->arg_count > 0 ? o->arg_count : 1) && run_step(run, 1); i++) {
        struct input in;
        int error = input_open(run, o->arg_count > 0 ? o->args[i] : dash, &in);
        if (error == -EISDIR)
            continue;
        if (error < 0) {
            status = run_fail(run, o->args[i], error);
            continue;
        }
        struct buf out;
        buf_init(&out, 8 * LOAD_MAX);
        struct span rest = in.bytes, line;
        bool ended = true;
        while (line_next(&rest, &line, &ended) && out.error == 0)
            each(how, line, &out);
        /* A last line without a line feed stays without. */
        if (keep_end && in.bytes.len > 0 && !ended && out.len > 0)
            out.len--;
        (void)out_paid(run, buf_as_span(&out));
        buf_done(&out);
        input_close(&in);
    }
    return status;
}

static void cut_each(const void *how, struct span line, struct buf *out)
{
    cut_line(how, line, out);
}

static int cut(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "b:c:f:d:O:sn", "output-delimiter=O"))
        return o.status;
    bool fields = option(&o, 'f');
    if (!fields && !option(&o, 'b') && !option(&o, 'c')) {
        run_error(run, "cut: expected a list of bytes, characters, or fields\n");
        return 1;
    }
    struct cutting c = {.fields = fields, .delimiter = '\t', .only_delimited = option(&o, 's')};
    struct span delimiter = option_value(&o, 'd');
    if (delimiter.len > 0)
        c.delimiter = delimiter.at[0];
    c.joint = option(&o, 'O') ? option_value(&o, 'O') : span_of(&c.delimiter, 1);
    if (!read_ranges(run, fields ? option_value(&o, 'f') : option(&o, 'b') ? option_value(&o, 'b') : option_value(&o, 'c'), &c))
        return 1;
    if (input_is_typed(run, o.args, o.arg_count))
        return run_await_input(run, true);
    return each_line(run, &o, cut_each, &c, false);
}

const struct applet applet_cut = {
    .name = "cut",
    .run = cut,
    .usage =
        "cut [OPTIONS] [FILE]...\n\nPrint selected fields from FILEs to stdout\n\n\t-b LIST\tOutput only bytes from LIST\n\t-c LIST\tOutput only "
        "characters from LIST\n\t-d SEP\tField delimiter\n\t-f LIST\tPrint only these fields\n\t-s\tOutput only lines containing delimiter"};

/* ---- tr */

enum { TR_SET_MAX = 1024 };

struct tr_set {
    uint8_t bytes[TR_SET_MAX];
    size_t count;
};

static void tr_add(struct tr_set *set, unsigned byte)
{
    if (set->count < TR_SET_MAX)
        set->bytes[set->count++] = (uint8_t)byte;
}

/* One character of a set, with its escapes; moves *at. */
static unsigned tr_character(struct span text, size_t *at)
{
    unsigned byte = text.at[(*at)++];
    if (byte != '\\' || *at >= text.len)
        return byte;
    byte = text.at[*at];
    static const char letters[] = "abfnrtv\\", bytes[] = "\a\b\f\n\r\t\v\\";
    if (byte >= '0' && byte <= '7') {
        unsigned value = 0;
        for (unsigned i = 0; i < 3 && *at < text.len && text.at[*at] >= '0' && text.at[*at] <= '7' && value * 8 + text.at[*at] - '0' < 256; i++)
            value = value * 8 + text.at[(*at)++] - '0';
        return value;
    }
    ++*at;
    const char *hit = byte != 0 ? strchr(letters, (int)byte) : NULL;
    return hit != NULL ? (unsigned char)bytes[hit - letters] : byte;
}

static bool tr_class(struct span text, size_t *at, struct tr_set *set)
{
    static const struct {
        const char *name;
        int (*is)(int);
    } classes[] = {{"[:alpha:]", isalpha}, {"[:digit:]", isdigit}, {"[:alnum:]", isalnum},   {"[:upper:]", isupper},
                   {"[:lower:]", islower}, {"[:space:]", isspace}, {"[:punct:]", ispunct},   {"[:print:]", isprint},
                   {"[:graph:]", isgraph}, {"[:cntrl:]", iscntrl}, {"[:xdigit:]", isxdigit}, {"[:blank:]", isblank}};
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        if (!span_starts(span_part(text, *at, SIZE_MAX), classes[i].name))
            continue;
        for (unsigned byte = 0; byte < 256; byte++)
            if (byte < 128 && classes[i].is((int)byte))
                tr_add(set, byte);
        *at += strlen(classes[i].name);
        return true;
    }
    return false;
}

static void tr_expand(struct span text, struct tr_set *set)
{
    for (size_t at = 0; at < text.len;) {
        if (text.at[at] == '[' && tr_class(text, &at, set))
            continue;
        /* [a-z]: the brackets are as if not there. */
        bool bracket = text.at[at] == '[' && at + 4 < text.len && text.at[at + 2] == '-' && text.at[at + 4] == ']';
        at += bracket;
        unsigned low = tr_character(text, &at);
        if (at + 1 < text.len && text.at[at] == '-') {
            at++;
            unsigned high = tr_character(text, &at);
            for (unsigned byte = low; byte <= high; byte++)
                tr_add(set, byte);
        } else {
            tr_add(set, low);
        }
        at += bracket;
    }
}

static void tr_complement(struct tr_set *set)
{
    bool in[256] = {false};
    for (size_t i = 0; i < set->count; i++)
        in[set->bytes[i]] = true;
    set->count = 0;
    for (unsigned byte = 0; byte < 256; byte++)
        if (!in[byte])
            tr_add(set, byte);
}

static int tr(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "+Ccdst", NULL))
        return o.status;
    bool drop = option(&o, 'd'), squeeze = option(&o, 's');
    if (o.arg_count < 1 || o.arg_count > 2)
        return run_usage(run);
    if (run->input_is_terminal)
        return run_await_input(run, true);
    struct tr_set from = {.count = 0}, to = {.count = 0};
    tr_expand(o.args[0], &from);
    if (option(&o, 'c') || option(&o, 'C'))
        tr_complement(&from);
    if (o.arg_count > 1)
        tr_expand(o.args[1], &to);
    int map[256];
    bool dropped[256] = {false}, squeezed[256] = {false};
    for (int byte = 0; byte < 256; byte++)
        map[byte] = byte;
    for (size_t i = 0; i < from.count; i++) {
        if (drop)
            dropped[from.bytes[i]] = true;
        else if (to.count > 0)
            map[from.bytes[i]] = to.bytes[i < to.count ? i : to.count - 1];
    }
    const struct tr_set *once = o.arg_count > 1 ? &to : &from;
    for (size_t i = 0; squeeze && i < once->count; i++)
        squeezed[once->bytes[i]] = true;
    struct buf out;
    buf_init(&out, LOAD_MAX);
    struct span bytes = run_input(run);
    int last = -1;
    for (size_t i = 0; i < bytes.len; i++) {
        int byte = map[bytes.at[i]];
        if (dropped[bytes.at[i]] || (squeezed[byte] && byte == last))
            continue;
        buf_byte(&out, (uint8_t)byte);
        last = byte;
    }
    (void)out_paid(run, buf_as_span(&out));
    buf_done(&out);
    return 0;
}

const struct applet applet_tr = {
    .name = "tr",
    .run = tr,
    .usage = "tr [-cds] STRING1 [STRING2]\n\nTranslate, squeeze, or delete characters from stdin, writing to stdout\n\n\t-c\tTake complement of "
             "STRING1\n\t-d\tDelete input characters coded STRING1\n\t-s\tSqueeze repeated characters of the last STRING"};

/* ---- paste, fold, expand, unexpand */

enum { PASTE_FILES_MAX = 16 };

static int paste_serial(struct run *run, const struct options *o, struct span joints)
{
    for (size_t i = 0; i < o->arg_count && run_step(run, 1); i++) {
        struct input in;
        if (!input_open_warn(run, o->args[i], false, &in))
            return 1;
        struct span rest = in.bytes, line;
        bool ended;
        for (size_t n = 0; line_next(&rest, &line, &ended); n++) {
            if (n > 0)
                run_out(run, span_part(joints, (n - 1) % joints.len, 1));
            (void)out_paid(run, line);
        }
        run_text(run, "\n");
        input_close(&in);
    }
    return 0;
}

static int paste(struct run *run)
{
    static const struct span dash = {.at = (const uint8_t *)"-", .len = 1};
    struct options o;
    if (!options_parse(run, &o, "d:s", NULL))
        return o.status;
    if (input_is_typed(run, o.args, o.arg_count))
        return run_await_input(run, false);
    if (o.arg_count == 0) {
        o.args = &dash;
        o.arg_count = 1;
    }
    struct span joints = option_value(&o, 'd').len > 0 ? option_value(&o, 'd') : span_text("\t");
    if (span_is(joints, "\\n"))
        joints = span_text("\n");
    if (option(&o, 's'))
        return paste_serial(run, &o, joints);
    struct input in[PASTE_FILES_MAX] = {0};
    struct span rest[PASTE_FILES_MAX];
    size_t count = o.arg_count < PASTE_FILES_MAX ? o.arg_count : PASTE_FILES_MAX, opened = 0;
    for (; opened < count && input_open_warn(run, o.args[opened], false, &in[opened]); opened++)
        rest[opened] = in[opened].bytes;
    bool more = opened == count;
    while (more && run_step(run, 1)) {
        more = false;
        for (size_t i = 0; i < count; i++)
            more = more || rest[i].len > 0;
        /* A file that has ended leaves no gap. */
        size_t shown = 0;
        for (size_t i = 0; more && i < count; i++) {
            struct span line;
            bool ended;
            if (!line_next(&rest[i], &line, &ended))
                continue;
            if (shown > 0)
                run_out(run, span_part(joints, (shown - 1) % joints.len, 1));
            run_out(run, line);
            shown++;
        }
        if (shown > 0)
            run_text(run, "\n");
    }
    for (size_t i = 0; i < opened; i++)
        input_close(&in[i]);
    return opened == count ? 0 : 1;
}

const struct applet applet_paste = {
    .name = "paste", .run = paste, .usage = "paste [-d LIST] [-s] [FILE]...\n\nPaste lines from each input file together"};

static void fold_each(const void *how, struct span line, struct buf *out)
{
    const size_t *width = how;
    do {
        buf_span(out, span_part(line, 0, *width));
        buf_byte(out, '\n');
        line = span_part(line, *width, SIZE_MAX);
    } while (line.len > 0);
}

static int fold(struct run *run)
{
    struct options o;
    uint64_t width = 80;
    if (!options_parse(run, &o, "bsw:", NULL))
        return o.status;
    if (option(&o, 'w') && !number_parse(option_value(&o, 'w'), &width))
        return number_fail(run, option_value(&o, 'w'));
    if (width == 0 || width > 10000) {
        run_error(run, "fold: number %.*s is not in 1..10000 range\n", TEXT(option_value(&o, 'w')));
        return 1;
    }
    if (input_is_typed(run, o.args, o.arg_count))
        return run_await_input(run, true);
    size_t columns = (size_t)width;
    return each_line(run, &o, fold_each, &columns, true);
}

const struct applet applet_fold = {.name = "fold", .run = fold, .usage = "fold [-bs] [-w WIDTH] [FILE]...\n\nWrap input lines in FILEs"};

static void expand_each(const void *how, struct span line, struct buf *out)
{
    (void)how;
    size_t column = 0;
    for (size_t i = 0; i < line.len; i++) {
        if (line.at[i] != '\t') {
            buf_byte(out, line.at[i]);
            column++;
            continue;
        }
        do {
            buf_byte(out, ' ');
            column++;
        } while (column % 8 != 0);
    }
    buf_byte(out, '\n');
}

static int expand(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "it:a", NULL))
        return o.status;
    if (input_is_typed(run, o.args, o.arg_count))
        return run_await_input(run, true);
    return each_line(run, &o, expand_each, NULL, true);
}

const struct applet applet_expand = {
    .name = "expand", .run = expand, .usage = "expand [-i] [-t N] [FILE]...\n\nConvert tabs to spaces, writing to stdout"};
