/* hexdump and hd. Every layout is a format as -e takes it, so there is one interpreter. */
#include "observe/honeypot/shell/applets/common.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

enum { UNITS_MAX = 24, FORMATS_MAX = 6, BLOCK_MAX = 1024, REPEAT_MAX = 256 };

struct unit {
    unsigned repeat, bytes; /* bytes 0: as the conversions say */
    struct span format;     /* escapes not yet resolved */
};

struct format {
    struct unit units[UNITS_MAX];
    size_t count;
};

struct dump {
    struct run *run;
    struct format formats[FORMATS_MAX];
    size_t count;
    bool big_endian;
    uint64_t offset;
};

static bool bad_format(struct dump *d, struct span text)
{
    run_error(d->run, "hexdump: bad format {%.*s}\n", TEXT(text));
    return false;
}

static unsigned read_count(struct span *text, unsigned otherwise)
{
    unsigned value = 0;
    bool any = false;
    for (; text->len > 0 && isdigit(text->at[0]); *text = span_part(*text, 1, SIZE_MAX)) {
        value = value < REPEAT_MAX ? value * 10 + (unsigned)(text->at[0] - '0') : value;
        any = true;
    }
    return any ? (value < REPEAT_MAX ? value : REPEAT_MAX) : otherwise;
}

static bool parse_format(struct dump *d, struct span text)
{
    struct span whole = text;
    if (d->count >= FORMATS_MAX)
        return true;
    struct format *f = &d->formats[d->count++];
    f->count = 0;
    for (;;) {
        while (text.len > 0 && isspace(text.at[0]))
            text = span_part(text, 1, SIZE_MAX);
        if (text.len == 0)
            return true;
        if (f->count >= UNITS_MAX)
            return bad_format(d, whole);
        struct unit *u = &f->units[f->count++];
        *u = (struct unit){.repeat = read_count(&text, 1)};
        while (text.len > 0 && isspace(text.at[0]))
            text = span_part(text, 1, SIZE_MAX);
        if (text.len > 0 && text.at[0] == '/') {
            text = span_part(text, 1, SIZE_MAX);
            u->bytes = read_count(&text, 0);
        }
        while (text.len > 0 && isspace(text.at[0]))
            text = span_part(text, 1, SIZE_MAX);
        if (text.len == 0 || text.at[0] != '"')
            return bad_format(d, whole);
        text = span_part(text, 1, SIZE_MAX);
        size_t len = span_find(text, '"');
        if (len == text.len)
            return bad_format(d, whole);
        u->format = span_part(text, 0, len);
        text = span_part(text, len + 1, SIZE_MAX);
    }
}

struct conversion {
    char letter, kind; /* kind behind "_": a c p u; letter the radix of _a */
    bool zero, left;
    unsigned width;
    int precision;
    size_t end; /* behind it in the format */
};

/* At the '%'. */
static bool read_conversion(struct span format, size_t at, struct conversion *ret)
{
    struct span rest = span_part(format, at + 1, SIZE_MAX);
    *ret = (struct conversion){.precision = -1};
    for (; rest.len > 0 && memchr("-+0# ", rest.at[0], 5) != NULL; rest = span_part(rest, 1, SIZE_MAX)) {
        ret->zero = ret->zero || rest.at[0] == '0';
        ret->left = ret->left || rest.at[0] == '-';
    }
    ret->width = read_count(&rest, 0);
    if (rest.len > 0 && rest.at[0] == '.') {
        rest = span_part(rest, 1, SIZE_MAX);
        ret->precision = (int)read_count(&rest, 0);
    }
    if (rest.len > 1 && rest.at[0] == '_') {
        ret->kind = (char)rest.at[1];
        rest = span_part(rest, 2, SIZE_MAX);
        if (ret->kind == 'a' || ret->kind == 'A') {
            if (rest.len == 0)
                return false;
            ret->letter = (char)rest.at[0];
            rest = span_part(rest, 1, SIZE_MAX);
        }
    } else if (rest.len > 0) {
        ret->letter = (char)rest.at[0];
        rest = span_part(rest, 1, SIZE_MAX);
    }
    ret->end = format.len - rest.len;
    return ret->kind != 0 ? memchr("aAcpu", ret->kind, 5) != NULL : ret->letter != 0 && strchr("dioxXucs%", ret->letter) != NULL;
}

static unsigned conversion_bytes(const struct unit *u, const struct conversion *c)
{
    if (c->kind == 'a' || c->kind == 'A' || c->letter == '%')
        return 0;
    if (u->bytes > 0)
        return u->bytes;
    return c->kind != 0 || c->letter == 'c' ? 1 : c->letter == 's' ? (c->precision > 0 ? (unsigned)c->precision : 1) : 4;
}

static unsigned unit_bytes(const struct unit *u)
{
    unsigned bytes = 0;
    for (size_t i = 0; i < u->format.len; i++) {
        struct conversion c;
        if (u->format.at[i] == '%' && read_conversion(u->format, i, &c)) {
            bytes += conversion_bytes(u, &c);
            i = c.end - 1;
        }
    }
    return bytes > BLOCK_MAX ? BLOCK_MAX : bytes;
}

static size_t format_bytes(const struct format *f)
{
    size_t bytes = 0;
    for (size_t i = 0; i < f->count; i++)
        bytes += (size_t)f->units[i].repeat * unit_bytes(&f->units[i]);
    return bytes > BLOCK_MAX ? BLOCK_MAX : bytes;
}

static void put_padded(struct buf *out, const struct conversion *c, const char *text, size_t len)
{
    for (size_t i = len; i < c->width && !c->left; i++)
        buf_byte(out, ' ');
    buf_put(out, text, len);
    for (size_t i = len; i < c->width && c->left; i++)
        buf_byte(out, ' ');
}

static void put_number(struct buf *out, const struct conversion *c, uint64_t value, unsigned size)
{
    char text[80];
    int digits = c->precision > 0 ? (c->precision < 60 ? c->precision : 60) : c->zero && !c->left ? (int)(c->width < 60 ? c->width : 60) : 1, len;
    if (c->letter == 'd' || c->letter == 'i') {
        int64_t sign = size >= 8 || size == 0 ? (int64_t)value : (int64_t)(value << (64 - 8 * size)) >> (64 - 8 * size);
        len = snprintf(text, sizeof text, "%.*" PRId64, digits, sign);
    } else if (c->letter == 'u') {
        len = snprintf(text, sizeof text, "%.*" PRIu64, digits, value);
    } else if (c->letter == 'o') {
        len = snprintf(text, sizeof text, "%.*" PRIo64, digits, value);
    } else {
        len = snprintf(text, sizeof text, c->letter == 'X' ? "%.*" PRIX64 : "%.*" PRIx64, digits, value);
    }
    put_padded(out, c, text, (size_t)len);
}

static void put_character(struct buf *out, const struct conversion *c, uint8_t byte)
{
    static const char plain[] = "\a\b\f\n\r\t\v", letters[] = "abfnrtv";
    char text[8] = {(char)byte, '\0'};
    size_t len = 1;
    if (c->kind == 'p') {
        text[0] = byte >= 32 && byte < 127 ? (char)byte : '.';
    } else if (c->kind == 'c' || c->kind == 'u') {
        const char *hit = byte != 0 ? strchr(plain, byte) : NULL;
        if (byte == 0 && c->kind == 'c')
            len = (size_t)snprintf(text, sizeof text, "\\0");
        else if (hit != NULL && byte < 128)
            len = (size_t)snprintf(text, sizeof text, "\\%c", letters[hit - plain]);
        else if (byte < 32 || byte > 126)
            len = (size_t)snprintf(text, sizeof text, "%03o", byte);
    }
    put_padded(out, c, text, len);
}

static size_t put_escape(struct buf *out, struct span format, size_t at)
{
    static const char letters[] = "abfnrtv\\", bytes[] = "\a\b\f\n\r\t\v\\";
    const char *hit = at + 1 < format.len && format.at[at + 1] != 0 ? strchr(letters, format.at[at + 1]) : NULL;
    if (hit == NULL) {
        buf_byte(out, '\\');
        return at;
    }
    buf_byte(out, (uint8_t)bytes[hit - letters]);
    return at + 1;
}

/* One unit once, at `at` of the block; what lies behind the end of the data is blank. */
static void put_unit(struct dump *d, const struct unit *u, struct span block, size_t *at, bool last, struct buf *out)
{
    size_t end = u->format.len;
    /* Blanks at the end of a repeated format separate: there are none behind the last. */
    while (last && u->repeat > 1 && end > 0 && u->format.at[end - 1] == ' ')
        end--;
    for (size_t i = 0; i < end; i++) {
        uint8_t byte = u->format.at[i];
        struct conversion c;
        if (byte == '\\') {
            i = put_escape(out, u->format, i);
            continue;
        }
        if (byte != '%' || !read_conversion(u->format, i, &c)) {
            buf_byte(out, byte);
            continue;
        }
        i = c.end - 1;
        unsigned size = conversion_bytes(u, &c);
        struct span data = span_part(block, *at, size);
        if (c.letter == '%' && c.kind == 0) {
            buf_byte(out, '%');
        } else if (size == 0) {
            if (c.kind == 'a')
                put_number(out, &c, d->offset + *at, 8);
        } else if (data.len == 0) {
            size_t blank = c.precision > 0 && (unsigned)c.precision > c.width ? (size_t)c.precision : c.width;
            for (size_t k = 0; k < blank; k++)
                buf_byte(out, ' ');
        } else if (c.letter == 's') {
            size_t len = 0;
            while (len < data.len && data.at[len] != 0)
                len++;
            put_padded(out, &c, (const char *)data.at, len);
        } else if (c.kind != 0 || c.letter == 'c') {
            put_character(out, &c, data.at[0]);
        } else {
            uint64_t value = 0;
            for (size_t k = 0; k < size && k < 8; k++)
                value |= (uint64_t)(k < data.len ? data.at[k] : 0) << 8 * (d->big_endian ? (size < 8 ? size : 8) - 1 - k : k);
            put_number(out, &c, value, size);
        }
        *at += size;
    }
}

static void put_block(struct dump *d, const struct format *f, struct span block, struct buf *out)
{
    size_t at = 0;
    for (size_t i = 0; i < f->count; i++)
        for (unsigned n = 0; n < f->units[i].repeat && out->error == 0; n++)
            put_unit(d, &f->units[i], block, &at, n + 1 == f->units[i].repeat, out);
}

static void put_all(struct dump *d, struct span bytes, bool fold, const char *last_line)
{
    size_t size = 1;
    for (size_t i = 0; i < d->count; i++)
        size = format_bytes(&d->formats[i]) > size ? format_bytes(&d->formats[i]) : size;
    /* A unit without a count fills the block others ask for. */
    for (size_t i = 0; i < d->count; i++) {
        struct format *f = &d->formats[i];
        size_t have = format_bytes(f);
        unsigned one = f->count > 0 ? unit_bytes(&f->units[f->count - 1]) : 0;
        if (have < size && one > 0 && f->units[f->count - 1].repeat == 1)
            f->units[f->count - 1].repeat += (unsigned)((size - have) / one);
    }
    struct buf out;
    buf_init(&out, 16 * LOAD_MAX);
    bool folded = false;
    uint64_t start = d->offset;
    for (size_t at = 0; at < bytes.len; at += size) {
        struct span block = span_part(bytes, at, size);
        if (fold && at >= size && block.len == size && memcmp(block.at, block.at - size, size) == 0) {
            if (!folded)
                buf_text(&out, "*\n");
            folded = true;
            continue;
        }
        folded = false;
        d->offset = start + at;
        for (size_t i = 0; i < d->count; i++)
            put_block(d, &d->formats[i], block, &out);
        if (out.len >= CHUNK) {
            bool go = out_paid(d->run, buf_as_span(&out));
            buf_clear(&out);
            if (!go)
                break;
        }
    }
    if (last_line != NULL && bytes.len > 0)
        buf_printf(&out, *last_line == '8' ? "%08" PRIx64 "\n" : "%07" PRIx64 "\n", start + bytes.len);
    (void)out_paid(d->run, buf_as_span(&out));
    buf_done(&out);
}

static const struct {
    char letter;
    const char *first, *second, *last;
} layouts[] = {
    {'b', "\"%07.7_ax \" 16/1 \"%03o \" \"\\n\"", NULL, "7"},
    {'c', "\"%07.7_ax \" 16/1 \"%3_c \" \"\\n\"", NULL, "7"},
    {'d', "\"%07.7_ax \" 8/2 \"  %05u \" \"\\n\"", NULL, "7"},
    {'o', "\"%07.7_ax \" 8/2 \" %06o \" \"\\n\"", NULL, "7"},
    {'x', "\"%07.7_ax \" 8/2 \"   %04x \" \"\\n\"", NULL, "7"},
    {'C', "\"%08.8_ax  \" 8/1 \"%02x \" \"  \" 8/1 \"%02x \"", "\"  |\" 16/1 \"%_p\" \"|\\n\"", "8"},
    {'\0', "\"%07.7_ax \" 8/2 \"%04x \" \"\\n\"", NULL, "7"},
};

static bool choose_formats(struct dump *d, const struct options *o, bool canonical, const char **ret_last)
{
    bool any = false;
    for (size_t i = 1; i < d->run->argc; i++) {
        struct span word = d->run->argv[i];
        if (!option(o, 'e') || word.len < 2 || word.at[0] != '-' || span_find(word, 'e') == word.len)
            continue;
        struct span text = span_part(word, span_find(word, 'e') + 1, SIZE_MAX);
        if (text.len == 0 && i + 1 < d->run->argc)
            text = d->run->argv[++i];
        if (!parse_format(d, text))
            return false;
        any = true;
    }
    for (size_t i = 0; !any && i < sizeof layouts / sizeof layouts[0]; i++) {
        bool wanted = layouts[i].letter == '\0' || (layouts[i].letter == 'C' && canonical) || option(o, layouts[i].letter);
        if (!wanted)
            continue;
        (void)parse_format(d, span_text(layouts[i].first));
        if (layouts[i].second != NULL)
            (void)parse_format(d, span_text(layouts[i].second));
        *ret_last = layouts[i].last;
        break;
    }
    return true;
}

static bool size_of(struct run *run, const struct options *o, char letter, uint64_t *ret)
{
    return !option(o, letter) || number_suffixed(option_value(o, letter), false, ret) || number_fail(run, option_value(o, letter)) == 0;
}

static int hexdump(struct run *run)
{
    struct options o;
    uint64_t most = UINT64_MAX, skip = 0;
    if (!options_parse(run, &o, "bcdoxCe:f:n:s:v", NULL))
        return o.status;
    struct dump *d = arena_alloc(run_scratch(run), sizeof *d);
    if (d == NULL)
        return 1;
    d->run = run;
    d->big_endian = machine_info(run_profile(run)->machine)->big_endian;
    const char *last = NULL;
    if (!size_of(run, &o, 'n', &most) || !size_of(run, &o, 's', &skip) || !choose_formats(d, &o, span_is(name_of(run), "hd"), &last))
        return 1;
    if (input_is_typed(run, o.args, o.arg_count))
        return run_await_input(run, false);
    struct buf all;
    buf_init(&all, LOAD_MAX);
    int status = 0;
    size_t opened = 0;
    for (size_t i = 0; i < (o.arg_count > 0 ? o.arg_count : 1) && run_step(run, 1); i++) {
        struct input in;
        int error = input_open(run, o.arg_count > 0 ? o.args[i] : span_text("-"), &in);
        if (error < 0)
            (void)run_fail(run, o.args[i], error);
        opened += error == 0 || error == -EISDIR;
        buf_span(&all, in.bytes);
        input_close(&in);
    }
    status = opened == 0;
    buf_consume(&all, skip < all.len ? (size_t)skip : all.len);
    if (most < all.len)
        all.len = (size_t)most;
    d->offset = skip;
    put_all(d, buf_as_span(&all), !option(&o, 'v'), last);
    buf_done(&all);
    return status;
}

const struct applet applet_hexdump = {
    .name = "hexdump",
    .run = hexdump,
    .usage = "hexdump [-bcdoxCv] [-e FMT] [-f FMT_FILE] [-n LEN] [-s OFS] [FILE]...\n\nDisplay FILEs (or stdin) in a user specified "
             "format\n\n\t-b\t\t1-byte octal display\n\t-c\t\t1-byte character display\n\t-d\t\t2-byte decimal display\n\t-o\t\t2-byte octal "
             "display\n\t-x\t\t2-byte hex display\n\t-C\t\thex+ASCII 16 bytes per line\n\t-v\t\tShow all (no dup folding)\n\t-e FORMAT_STR\tExample: "
             "'16/1 \"%02x|\"\"\\n\"'\n\t-n LENGTH\tShow only first LENGTH bytes\n\t-s OFFSET\tSkip OFFSET bytes"};
const struct applet applet_hd = {.name = "hd", .run = hexdump, .usage = "hd FILE...\n\nhd is an alias for hexdump -C"};
