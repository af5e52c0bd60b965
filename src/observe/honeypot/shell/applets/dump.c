/* Bytes made visible: od, xxd, strings. hexdump.c has hexdump and hd. */
#include "base/text.h"
#include "observe/honeypot/shell/applets/common.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

/* The wanted part of the files joined: -N or -n bytes behind -j or -s. */
static bool load_part(struct run *run, const struct options *o, uint64_t skip, uint64_t most, struct buf *all, int *ret_status)
{
    bool opened = false;
    buf_init(all, LOAD_MAX);
    for (size_t i = 0; i < (o->arg_count > 0 ? o->arg_count : 1) && run_step(run, 1); i++) {
        struct input in;
        int error = input_open(run, o->arg_count > 0 ? o->args[i] : span_text("-"), &in);
        if (error < 0) {
            *ret_status = run_fail(run, o->args[i], error);
            continue;
        }
        opened = true;
        buf_span(all, in.bytes);
        input_close(&in);
    }
    buf_consume(all, skip < all->len ? (size_t)skip : all->len);
    if (most < all->len)
        all->len = (size_t)most;
    return opened;
}

static bool count_of(struct run *run, const struct options *o, char letter, uint64_t *ret)
{
    struct span text = option_value(o, letter);
    if (!option(o, letter))
        return true;
    if (span_starts(text, "0x") || span_starts(text, "0X")) {
        uint64_t value = 0;
        bool ok = text.len > 2 && text.len < 18;
        for (size_t i = 2; i < text.len && ok; i++) {
            ok = isxdigit(text.at[i]) != 0;
            value = value * 16 + (uint64_t)(isdigit(text.at[i]) ? text.at[i] - '0' : (text.at[i] | 0x20) - 'a' + 10);
        }
        *ret = value;
        return ok || number_fail(run, text) == 0;
    }
    return number_suffixed(text, false, ret) || number_fail(run, text) == 0;
}

/* ---- od */

enum { OD_TYPES_MAX = 8 };

struct od_type {
    char letter; /* o x u d c a */
    unsigned size;
};

static void od_cell(struct buf *out, const struct od_type *t, struct span unit, bool big_endian)
{
    static const char *const names[] = {"nul", "soh", "stx", "etx", "eot", "enq", "ack", "bel", "bs",  "ht",  "nl",
                                        "vt",  "ff",  "cr",  "so",  "si",  "dle", "dc1", "dc2", "dc3", "dc4", "nak",
                                        "syn", "etb", "can", "em",  "sub", "esc", "fs",  "gs",  "rs",  "us",  "sp"};
    assert(t->size >= 1 && t->size <= 8);
    uint64_t value = 0;
    for (size_t i = 0; i < t->size; i++) {
        uint8_t byte = i < unit.len ? unit.at[i] : 0;
        value |= (uint64_t)byte << 8 * (big_endian ? t->size - 1 - i : i);
    }
    static const uint8_t octal[] = {0, 3, 6, 0, 11, 0, 0, 0, 22}, decimal[] = {0, 3, 5, 0, 10, 0, 0, 0, 20};
    if (t->letter == 'c') {
        static const char plain[] = "\a\b\f\n\r\t\v", letters[] = "abfnrtv";
        const char *hit = value != 0 ? strchr(plain, (int)value) : NULL;
        if (value == 0)
            buf_text(out, "  \\0");
        else if (hit != NULL && value < 128)
            buf_printf(out, "  \\%c", letters[hit - plain]);
        else if (value >= 32 && value < 127)
            buf_printf(out, "   %c", (int)value);
        else
            buf_printf(out, " %03" PRIo64, value);
    } else if (t->letter == 'a') {
        value &= 0x7f;
        if (value <= 32)
            buf_printf(out, " %3s", names[value]);
        else if (value == 127)
            buf_text(out, " del");
        else
            buf_printf(out, "   %c", (int)value);
    } else if (t->letter == 'x') {
        buf_printf(out, " %0*" PRIx64, (int)(2 * t->size), value);
    } else if (t->letter == 'o') {
        buf_printf(out, " %0*" PRIo64, octal[t->size], value);
    } else if (t->letter == 'u') {
        buf_printf(out, " %*" PRIu64, decimal[t->size], value);
    } else {
        int64_t sign = t->size == 8 ? (int64_t)value : (int64_t)(value << (64 - 8 * t->size)) >> (64 - 8 * t->size);
        buf_printf(out, " %*" PRId64, decimal[t->size] + 1, sign);
    }
}

static bool od_types(struct run *run, const struct options *o, struct od_type *types, size_t *count)
{
    static const struct {
        char option;
        struct od_type type;
    } shorthands[] = {{'a', {'a', 1}}, {'b', {'o', 1}}, {'c', {'c', 1}}, {'d', {'u', 2}}, {'o', {'o', 2}}, {'x', {'x', 2}},
                      {'h', {'x', 2}}, {'i', {'d', 4}}, {'l', {'d', 8}}, {'s', {'d', 2}}, {'X', {'x', 4}}, {'O', {'o', 4}}};
    for (size_t i = 0; i < sizeof shorthands / sizeof shorthands[0]; i++)
        if (option(o, shorthands[i].option) && *count < OD_TYPES_MAX)
            types[(*count)++] = shorthands[i].type;
    for (size_t i = 1; i < run->argc; i++) {
        struct span word = run->argv[i];
        size_t at = word.len > 2 && word.at[0] == '-' ? span_find(word, 't') : word.len;
        struct span text = at + 1 < word.len ? span_part(word, at + 1, SIZE_MAX) : (struct span){0};
        if (word.len >= 2 && word.at[0] == '-' && word.at[word.len - 1] == 't' && i + 1 < run->argc)
            text = run->argv[++i];
        if (word.len < 2 || word.at[0] != '-' || word.at[1] == '-' || text.len == 0)
            continue;
        for (size_t k = 0; k < text.len && *count < OD_TYPES_MAX; k++) {
            struct od_type type = {(char)text.at[k], strchr("ac", text.at[k]) != NULL ? 1 : 4};
            if (strchr("acdoux", type.letter) == NULL) {
                run_error(run, "od: invalid character '%c' in type string '%.*s'\n", isprint(type.letter) ? type.letter : '?', TEXT(text));
                return false;
            }
            uint8_t next = k + 1 < text.len ? text.at[k + 1] : 0;
            const char *sizes = "CSIL", *hit = next != 0 ? strchr(sizes, next) : NULL;
            if (next == '1' || next == '2' || next == '4' || next == '8')
                type.size = (unsigned)(next - '0');
            else if (hit != NULL)
                type.size = 1U << (hit - sizes);
            else
                next = 0;
            k += next != 0;
            types[(*count)++] = type;
        }
    }
    if (*count == 0)
        types[(*count)++] = (struct od_type){'o', 2};
    return true;
}

static void od_address(struct buf *out, char radix, uint64_t at)
{
    if (radix == 'd')
        buf_printf(out, "%07" PRIu64, at);
    else if (radix == 'x')
        buf_printf(out, "%06" PRIx64, at);
    else if (radix != 'n')
        buf_printf(out, "%07" PRIo64, at);
}

static int od(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "abcdfhilovxsXOt:A:N:j:S:w:", NULL))
        return o.status;
    struct od_type types[OD_TYPES_MAX];
    size_t type_count = 0, width = 16;
    uint64_t skip = 0, most = UINT64_MAX, wide = 16;
    if (!od_types(run, &o, types, &type_count) || !count_of(run, &o, 'j', &skip) || !count_of(run, &o, 'N', &most) || !count_of(run, &o, 'w', &wide))
        return 1;
    width = wide >= 1 && wide <= 256 ? (size_t)wide : 16;
    if (input_is_typed(run, o.args, o.arg_count))
        return run_await_input(run, false);
    char radix = option_value(&o, 'A').len > 0 ? (char)option_value(&o, 'A').at[0] : 'o';
    bool big_endian = machine_info(run_profile(run)->machine)->big_endian, folded = false;
    struct buf all, out;
    int status = 0;
    bool opened = load_part(run, &o, skip, most, &all, &status);
    buf_init(&out, 0);
    struct span bytes = buf_as_span(&all);
    for (size_t at = 0; at < bytes.len; at += width) {
        struct span block = span_part(bytes, at, width);
        if (!option(&o, 'v') && at >= width && block.len == width && memcmp(block.at, block.at - width, width) == 0) {
            if (!folded)
                buf_text(&out, "*\n");
            folded = true;
            continue;
        }
        folded = false;
        for (size_t t = 0; t < type_count; t++) {
            if (t == 0)
                od_address(&out, radix, skip + at);
            else
                buf_printf(&out, "%*s", radix == 'n' ? 0 : radix == 'x' ? 6 : 7, "");
            for (size_t i = 0; i < block.len; i += types[t].size)
                od_cell(&out, &types[t], span_part(block, i, types[t].size), big_endian);
            buf_byte(&out, '\n');
        }
        if (out.len >= CHUNK) {
            bool go = out_paid(run, buf_as_span(&out));
            buf_clear(&out);
            if (!go)
                break;
        }
    }
    if (opened && radix != 'n') {
        od_address(&out, radix, skip + bytes.len);
        buf_byte(&out, '\n');
    }
    (void)out_paid(run, buf_as_span(&out));
    buf_done(&out);
    buf_done(&all);
    return status;
}

const struct applet applet_od = {.name = "od",
                                 .run = od,
                                 .usage = "od [-abcdfhilovxs] [-t TYPE] [-A RADIX] [-N SIZE] [-j SKIP] [-S MINSTR] [-w WIDTH] [FILE]...\n\nPrint "
                                          "FILEs (or stdin) unambiguously, as octal bytes by default"};

/* ---- xxd */

static void xxd_plain(struct buf *out, struct span bytes, size_t columns)
{
    for (size_t i = 0; i < bytes.len; i++) {
        buf_printf(out, "%02x", bytes.at[i]);
        if ((i + 1) % columns == 0 || i + 1 == bytes.len)
            buf_byte(out, '\n');
    }
}

static void xxd_lines(struct buf *out, struct span bytes, uint64_t offset, size_t columns, size_t group)
{
    for (size_t at = 0; at < bytes.len; at += columns) {
        struct span line = span_part(bytes, at, columns);
        buf_printf(out, "%08" PRIx64 ": ", offset + at);
        for (size_t i = 0; i < columns; i++) {
            if (i < line.len)
                buf_printf(out, "%02x", line.at[i]);
            else
                buf_text(out, "  ");
            if (group > 0 && ((i + 1) % group == 0 || i + 1 == columns))
                buf_byte(out, ' ');
        }
        buf_byte(out, ' ');
        for (size_t i = 0; i < line.len; i++)
            buf_byte(out, line.at[i] >= 32 && line.at[i] < 127 ? line.at[i] : '.');
        buf_byte(out, '\n');
    }
}

static void xxd_include(struct buf *out, struct span bytes, struct span name)
{
    struct span label = span_is(name, "-") ? span_of(NULL, 0) : name;
    char text[128];
    size_t len = 0;
    for (; len < label.len && len < sizeof text - 1; len++)
        text[len] = isalnum(label.at[len]) ? (char)label.at[len] : '_';
    text[len] = '\0';
    if (len > 0)
        buf_printf(out, "unsigned char %s[] = {\n", text);
    for (size_t i = 0; i < bytes.len; i++)
        buf_printf(out, "%s0x%02x,%s", i % 12 == 0 ? "  " : " ", bytes.at[i], i % 12 == 11 || i + 1 == bytes.len ? "\n" : "");
    if (len > 0)
        buf_printf(out, "};\nunsigned int %s_len = %zu;\n", text, bytes.len);
}

static void xxd_reverse(struct buf *out, struct span text, bool plain)
{
    struct span line;
    bool ended;
    while (line_next(&text, &line, &ended)) {
        size_t at = plain ? 0 : span_find(line, ':') + 1;
        int half = -1;
        for (; at < line.len; at++) {
            if (!plain && at + 1 < line.len && line.at[at] == ' ' && line.at[at + 1] == ' ' && half < 0 && at > 12)
                break;
            if (!isxdigit(line.at[at]))
                continue;
            int digit = isdigit(line.at[at]) ? line.at[at] - '0' : (line.at[at] | 0x20) - 'a' + 10;
            if (half >= 0)
                buf_byte(out, (uint8_t)(half << 4 | digit));
            half = half < 0 ? digit : -1;
        }
    }
}

static int xxd(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "l:s:c:g:o:n:pri", NULL))
        return o.status;
    uint64_t most = UINT64_MAX, skip = 0, columns = 16, group = 2;
    if (!count_of(run, &o, 'l', &most) || !count_of(run, &o, 'n', &most) || !count_of(run, &o, 's', &skip) || !count_of(run, &o, 'c', &columns) ||
        !count_of(run, &o, 'g', &group))
        return 1;
    if (!option(&o, 'c'))
        columns = option(&o, 'p') ? 30 : 16;
    columns = columns == 0 || columns > 256 ? 16 : columns;
    if (input_is_typed(run, o.args, o.arg_count))
        return run_await_input(run, false);
    struct buf all, out;
    int status = 0;
    buf_init(&out, 8 * LOAD_MAX);
    o.arg_count = o.arg_count > 1 ? 1 : o.arg_count;
    if (load_part(run, &o, skip, most, &all, &status)) {
        struct span bytes = buf_as_span(&all);
        if (option(&o, 'r'))
            xxd_reverse(&out, bytes, option(&o, 'p'));
        else if (option(&o, 'p'))
            xxd_plain(&out, bytes, (size_t)columns);
        else if (option(&o, 'i'))
            xxd_include(&out, bytes, o.arg_count > 0 ? o.args[0] : span_text("-"));
        else
            xxd_lines(&out, bytes, skip, (size_t)columns, group < 256 ? (size_t)group : 256);
    }
    (void)out_paid(run, buf_as_span(&out));
    buf_done(&out);
    buf_done(&all);
    return status;
}

const struct applet applet_xxd = {
    .name = "xxd", .run = xxd, .usage = "xxd [-pri] [-g N] [-c N] [-n LEN] [-s OFS] [-o OFS] [FILE]\n\nHex dump FILE (or stdin)"};

/* ---- strings */

static void strings_of(struct buf *out, struct span bytes, struct span name, size_t least, const char *radix)
{
    for (size_t at = 0; at < bytes.len; at++) {
        size_t end = at;
        while (end < bytes.len && (isprint(bytes.at[end]) || bytes.at[end] == '\t'))
            end++;
        if (end - at >= least) {
            if (name.len > 0)
                buf_printf(out, "%.*s: ", TEXT(name));
            if (*radix == 'd')
                buf_printf(out, "%7zu ", at);
            else if (*radix == 'x')
                buf_printf(out, "%7zx ", at);
            else if (*radix == 'o')
                buf_printf(out, "%7zo ", at);
            buf_span(out, span_part(bytes, at, end - at));
            buf_byte(out, '\n');
        }
        at = end;
    }
}

static int strings(struct run *run)
{
    struct options o;
    uint64_t least = 4;
    if (!options_parse(run, &o, "fon:t:a", NULL))
        return o.status;
    if (option(&o, 'n') && (!number_parse(option_value(&o, 'n'), &least) || least == 0))
        return number_fail(run, option_value(&o, 'n'));
    if (input_is_typed(run, o.args, o.arg_count))
        return run_await_input(run, false);
    const char *radix = option(&o, 'o')                       ? "o"
                        : span_is(option_value(&o, 't'), "x") ? "x"
                        : span_is(option_value(&o, 't'), "d") ? "d"
                        : span_is(option_value(&o, 't'), "o") ? "o"
                                                              : "";
    int status = 0;
    for (size_t i = 0; i < (o.arg_count > 0 ? o.arg_count : 1) && run_step(run, 1); i++) {
        struct span path = o.arg_count > 0 ? o.args[i] : span_text("-");
        struct input in;
        int error = input_open(run, path, &in);
        if (error == -EISDIR)
            continue;
        if (error < 0) {
            status = run_fail(run, path, error);
            continue;
        }
        struct buf out;
        buf_init(&out, 4 * LOAD_MAX);
        strings_of(&out, in.bytes, option(&o, 'f') ? path : (struct span){0}, least < LOAD_MAX ? (size_t)least : LOAD_MAX, radix);
        (void)out_paid(run, buf_as_span(&out));
        buf_done(&out);
        input_close(&in);
    }
    return status;
}

const struct applet applet_strings = {
    .name = "strings", .run = strings, .usage = "strings [-fo] [-t o|d|x] [-n LEN] [FILE]...\n\nDisplay printable strings in a binary file"};
