/* Commands that only write: echo, printf, yes, seq, basename, dirname, and those that do nothing. */
#include "observe/honeypot/shell/applets/common.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * One escape sequence behind the backslash at `at`: its byte in *ret, the place behind it returned. `at` itself when it is none: the backslash is
 * then an ordinary character. At most two hexadecimal or three octal digits, as long as the value fits a byte.
 */
static size_t escape(struct span text, size_t at, uint8_t *ret)
{
    static const char letters[] = "abefnrtv\\", bytes[] = "\a\b\033\f\n\r\t\v\\";
    unsigned base = 8, digits = 0, value = 0;
    size_t i = at;
    if (i < text.len && text.at[i] == 'x') {
        base = 16;
        i++;
    }
    for (; i < text.len && digits < (base == 16 ? 2U : 3U); i++, digits++) {
        unsigned c = text.at[i] | 0x20U;
        unsigned digit = c >= '0' && c <= '9' && text.at[i] < ':' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
        if (digit >= base || value * base + digit > 255)
            break;
        value = value * base + digit;
    }
    if (digits > 0) {
        *ret = (uint8_t)value;
        return i;
    }
    const char *hit = base == 8 && at < text.len && text.at[at] != '\0' ? strchr(letters, text.at[at]) : NULL;
    if (hit == NULL)
        return at;
    *ret = (uint8_t)bytes[hit - letters];
    return at + 1;
}

/* `text` with its escapes resolved; false when \c ended all output. `long_octal`: \0 may be followed by three digits. */
static bool put_escaped(struct buf *out, struct span text, bool long_octal)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] != '\\') {
            buf_byte(out, text.at[i]);
            continue;
        }
        if (i + 1 < text.len && text.at[i + 1] == 'c')
            return false;
        size_t at = i + 1;
        if (long_octal && at + 1 < text.len && text.at[at] == '0' && text.at[at + 1] >= '0' && text.at[at + 1] <= '7')
            at++;
        uint8_t byte = '\\';
        size_t behind = escape(text, at, &byte);
        buf_byte(out, byte);
        if (behind > at)
            i = behind - 1;
    }
    return true;
}

static int flush(struct run *run, struct buf *out, int status)
{
    if (out->len > 0)
        run_out(run, buf_as_span(out));
    buf_done(out);
    return status;
}

static int echo(struct run *run)
{
    bool line_feed = true, escapes = false;
    size_t i = 1;
    for (; i < run->argc; i++) {
        struct span word = run->argv[i];
        bool flags = word.len > 1 && word.at[0] == '-';
        for (size_t k = 1; flags && k < word.len; k++)
            flags = word.at[k] == 'n' || word.at[k] == 'e' || word.at[k] == 'E';
        if (!flags)
            break;
        for (size_t k = 1; k < word.len; k++) {
            line_feed = line_feed && word.at[k] != 'n';
            /* -E is known, and takes nothing back. */
            escapes = escapes || word.at[k] == 'e';
        }
    }
    struct buf out;
    buf_init(&out, SHELL_PIPE_MAX);
    bool first = true;
    for (; i < run->argc; i++) {
        if (!first)
            buf_byte(&out, ' ');
        first = false;
        if (!escapes)
            buf_span(&out, run->argv[i]);
        else if (!put_escaped(&out, run->argv[i], true))
            return flush(run, &out, 0);
    }
    if (line_feed)
        buf_byte(&out, '\n');
    return flush(run, &out, 0);
}

const struct applet applet_echo = {.name = "echo", .where = APPLET_BOTH, .run = echo};

/* ---- printf */

enum { PRINTF_WIDTH_MAX = 4096 };

struct format {
    char flags[8];
    int width, precision; /* -1: none */
    char conversion;
};

/* A number as printf's arguments are: decimal, 0x, octal, 'c'. Complains and gives what could be read. */
static int64_t argument_number(struct run *run, struct span text, int *status)
{
    char digits[64] = {0};
    if (text.len > 1 && (text.at[0] == '\'' || text.at[0] == '"'))
        return text.at[1];
    size_t len = text.len < sizeof digits - 1 ? text.len : sizeof digits - 1;
    if (len > 0)
        memcpy(digits, text.at, len);
    char *end = digits;
    errno = 0;
    int64_t value = digits[0] == '-' || digits[0] == '+' ? strtoll(digits, &end, 0) : (int64_t)strtoull(digits, &end, 0);
    if (end == digits || *end != '\0' || errno != 0 || len < text.len) {
        *status = number_fail(run, text);
        return 0;
    }
    return value;
}

static double argument_real(struct run *run, struct span text, int *status)
{
    char digits[64] = {0};
    size_t len = text.len < sizeof digits - 1 ? text.len : sizeof digits - 1;
    if (len > 0)
        memcpy(digits, text.at, len);
    char *end = digits;
    double value = strtod(digits, &end);
    if (end == digits || *end != '\0') {
        *status = number_fail(run, text);
        return 0;
    }
    return value;
}

static void put_padded(struct buf *out, struct span text, const struct format *f)
{
    if (f->precision >= 0)
        text = span_part(text, 0, (size_t)f->precision);
    size_t pad = f->width > 0 && (size_t)f->width > text.len ? (size_t)f->width - text.len : 0;
    bool left = strchr(f->flags, '-') != NULL;
    for (size_t i = 0; i < pad && !left; i++)
        buf_byte(out, ' ');
    buf_span(out, text);
    for (size_t i = 0; i < pad && left; i++)
        buf_byte(out, ' ');
}

static void put_number(struct buf *out, const struct format *f, int64_t number, double real)
{
    /* The format is made here of checked parts: flags, bounded width and precision, a known conversion. */
    char format[32];
    bool is_real = strchr("eEfFgGaA", f->conversion) != NULL;
    (void)snprintf(format, sizeof format, "%%%s*.*%s%c", f->flags, is_real ? "" : "l", f->conversion);
    char text[PRINTF_WIDTH_MAX + 512];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    int len = is_real ? snprintf(text, sizeof text, format, f->width, f->precision, real)
                      : snprintf(text, sizeof text, format, f->width, f->precision, (long)number);
#pragma GCC diagnostic pop
    if (len > 0)
        buf_put(out, text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1);
}

static int bounded(int64_t value, int least)
{
    return value < least ? least : value > PRINTF_WIDTH_MAX ? PRINTF_WIDTH_MAX : (int)value;
}

struct printing {
    struct run *run;
    struct buf out;
    struct span format;
    size_t at;
    const struct span *args;
    size_t arg, arg_count;
    int status;
    bool stopped;
};

static struct span next_argument(struct printing *p)
{
    return p->arg < p->arg_count ? p->args[p->arg++] : (struct span){0};
}

/* Width or precision: digits or '*'. */
static int read_size(struct printing *p, int none)
{
    if (p->at < p->format.len && p->format.at[p->at] == '*') {
        p->at++;
        return bounded(argument_number(p->run, next_argument(p), &p->status), -PRINTF_WIDTH_MAX);
    }
    int64_t value = 0;
    bool any = false;
    while (p->at < p->format.len && p->format.at[p->at] >= '0' && p->format.at[p->at] <= '9') {
        value = bounded(value * 10 + (p->format.at[p->at++] - '0'), 0);
        any = true;
    }
    return any ? (int)value : none;
}

/* At the character behind '%'. False: an invalid format, all ends. */
static bool convert(struct printing *p)
{
    struct format f = {.precision = -1};
    size_t flags = 0, start = p->at;
    while (p->at < p->format.len && memchr("+-#0 ", p->format.at[p->at], 5) != NULL && p->format.at[p->at] != '\0') {
        if (flags < sizeof f.flags - 1 && strchr(f.flags, p->format.at[p->at]) == NULL)
            f.flags[flags++] = (char)p->format.at[p->at];
        p->at++;
    }
    f.width = read_size(p, 0);
    if (p->at < p->format.len && p->format.at[p->at] == '.') {
        p->at++;
        f.precision = read_size(p, 0);
    }
    while (p->at < p->format.len && memchr("hlLqjzt", p->format.at[p->at], 4) != NULL)
        p->at++;
    f.conversion = p->at < p->format.len ? (char)p->format.at[p->at] : '\0';
    p->at++;
    if (f.conversion == '\0' || strchr("diouxXcsbeEfFgG", f.conversion) == NULL) {
        run_error(p->run, "%.*s: %%%.*s: invalid format\n", TEXT(name_of(p->run)), TEXT(span_part(p->format, start, 0)));
        p->status = 1;
        return false;
    }
    struct span argument = next_argument(p);
    if (f.conversion == 's') {
        put_padded(&p->out, argument, &f);
    } else if (f.conversion == 'c') {
        f.precision = 1;
        put_padded(&p->out, argument, &f);
    } else if (f.conversion == 'b') {
        p->stopped = !put_escaped(&p->out, argument, true);
    } else if (strchr("eEfFgG", f.conversion) != NULL) {
        put_number(&p->out, &f, 0, argument_real(p->run, argument, &p->status));
    } else {
        put_number(&p->out, &f, argument_number(p->run, argument, &p->status), 0);
    }
    return true;
}

static bool format_once(struct printing *p)
{
    for (p->at = 0; p->at < p->format.len && !p->stopped;) {
        uint8_t byte = p->format.at[p->at++];
        if (byte == '%' && p->at < p->format.len && p->format.at[p->at] == '%') {
            p->at++;
            buf_byte(&p->out, '%');
        } else if (byte == '%') {
            if (!convert(p))
                return false;
        } else if (byte == '\\') {
            if (p->at < p->format.len && p->format.at[p->at] == 'c') {
                p->stopped = true;
                return true;
            }
            uint8_t escaped = '\\';
            p->at = escape(p->format, p->at, &escaped);
            buf_byte(&p->out, escaped);
        } else {
            buf_byte(&p->out, byte);
        }
    }
    return true;
}

static int print(struct run *run)
{
    size_t first = run->argc > 1 && span_is(run->argv[1], "--") ? 2 : 1;
    if (run->argc <= first && span_is(name_of(run), "sh")) {
        run_error(run, "sh: usage: printf FORMAT [ARGUMENT...]\n");
        return 2;
    }
    if (run->argc <= first)
        return run_usage(run);
    struct printing p = {.run = run, .format = run->argv[first], .args = run->argv + first + 1, .arg_count = run->argc - first - 1};
    buf_init(&p.out, SHELL_PIPE_MAX);
    size_t before;
    do {
        before = p.arg;
    } while (format_once(&p) && !p.stopped && p.arg < p.arg_count && p.arg > before && run_step(run, 1));
    return flush(run, &p.out, p.status);
}

const struct applet applet_printf = {
    .name = "printf", .where = APPLET_BOTH, .run = print, .usage = "printf FORMAT [ARG]...\n\nPrint ARGs by FORMAT, as C's printf does"};

/* ---- repetition */

static int yes(struct run *run)
{
    struct buf block;
    buf_init(&block, 2 * CHUNK);
    while (block.len < CHUNK && block.error == 0) {
        for (size_t i = 1; i < run->argc; i++) {
            buf_span(&block, run->argv[i]);
            buf_byte(&block, i + 1 < run->argc ? ' ' : '\n');
        }
        if (run->argc < 2)
            buf_text(&block, "y\n");
    }
    /* A pipe's reader stops it soon; a terminal sees it until the conversation's limit on output. */
    for (size_t sent = 0; run->output_is_terminal || sent < FLOOD_MAX; sent += block.len)
        if (block.len == 0 || !out_paid(run, buf_as_span(&block)))
            break;
    buf_done(&block);
    return 1;
}

const struct applet applet_yes = {.name = "yes", .run = yes, .usage = "yes [STRING]\n\nRepeat a line with STRING, or 'y'"};

static bool real_of(struct span text, double *ret, unsigned *ret_fraction)
{
    char digits[64] = {0};
    if (text.len == 0 || text.len >= sizeof digits)
        return false;
    memcpy(digits, text.at, text.len);
    char *end;
    *ret = strtod(digits, &end);
    size_t point = span_find(text, '.');
    *ret_fraction = point < text.len ? (unsigned)(text.len - point - 1) : 0;
    return *end == '\0' && *ret < 1e15 && *ret > -1e15;
}

static int seq(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "+ws:", NULL))
        return o.status;
    bool pad = option(&o, 'w');
    struct span separator = option(&o, 's') ? option_value(&o, 's') : span_text("\n");
    size_t count = o.arg_count;
    double first = 1, step = 1, last = 0;
    unsigned precision = 0, more = 0;
    bool ok = count >= 1 && count <= 3 && real_of(o.args[count - 1], &last, &more);
    unsigned last_digits = more;
    if (ok && count > 1)
        ok = real_of(o.args[0], &first, &precision);
    if (ok && count > 2)
        ok = real_of(o.args[1], &step, &more);
    if (!ok)
        return run_usage(run);
    if (count > 2 && more > precision)
        precision = more;
    precision = precision > 12 ? 12 : precision;
    int width = 0;
    if (pad) {
        char text[64];
        int a = snprintf(text, sizeof text, "%.*f", (int)precision, first), b = snprintf(text, sizeof text, "%.*f", (int)last_digits % 13, last);
        width = a > b ? a : b;
    }
    size_t sent = 0;
    for (size_t n = 0;; n++) {
        double value = first + (double)n * step;
        if (step >= 0 ? value > last : value < last)
            break;
        char text[96];
        int len = snprintf(text, sizeof text, "%0*.*f", width, (int)precision, value);
        if (sent > 0)
            run_out(run, separator);
        run_out(run, span_of(text, (size_t)len));
        sent += (size_t)len + separator.len;
        if (step == 0 || !run_step(run, n % 64 == 63) || (!run->output_is_terminal && sent > FLOOD_MAX))
            break;
    }
    if (sent > 0)
        run_text(run, "\n");
    return 0;
}

const struct applet applet_seq = {.name = "seq", .run = seq, .usage = "seq [-w] [-s SEP] [FIRST [INC]] LAST\n\nPrint the numbers from FIRST to LAST"};

/* ---- names */

static struct span trim_slashes(struct span path)
{
    while (path.len > 1 && path.at[path.len - 1] == '/')
        path.len--;
    return path;
}

static int basename_of(struct run *run)
{
    if (run->argc < 2 || run->argc > 3)
        return run_usage(run);
    struct span path = trim_slashes(run->argv[1]);
    struct span base = path.len == 1 && path.at[0] == '/' ? path : path_base(path);
    struct span suffix = run->argc > 2 ? run->argv[2] : (struct span){0};
    if (suffix.len > 0 && suffix.len < base.len && span_equal(span_part(base, base.len - suffix.len, SIZE_MAX), suffix))
        base.len -= suffix.len;
    run_out(run, base);
    run_text(run, "\n");
    return 0;
}

const struct applet applet_basename = {
    .name = "basename", .run = basename_of, .usage = "basename FILE [SUFFIX]\n\nStrip the folder, and SUFFIX, from FILE"};

static int dirname_of(struct run *run)
{
    if (run->argc != 2)
        return run_usage(run);
    struct span path = trim_slashes(run->argv[1]);
    size_t len = path.len - path_base(path).len;
    if (len == 0) {
        run_text(run, path.len == 1 && path.at[0] == '/' ? "/\n" : ".\n");
        return 0;
    }
    run_out(run, trim_slashes(span_part(path, 0, len)));
    run_text(run, "\n");
    return 0;
}

const struct applet applet_dirname = {.name = "dirname", .run = dirname_of, .usage = "dirname FILENAME\n\nStrip the last part of FILENAME"};

/* ---- nothing, sooner or later */

static int succeed(struct run *run)
{
    (void)run;
    return 0;
}

static int fail(struct run *run)
{
    (void)run;
    return 1;
}

const struct applet applet_true = {.name = "true", .where = APPLET_BOTH, .run = succeed};
const struct applet applet_false = {.name = "false", .where = APPLET_BOTH, .run = fail};

static int sleep_for(struct run *run)
{
    double total = 0;
    if (run->argc < 2)
        return run_usage(run);
    for (size_t i = 1; i < run->argc; i++) {
        struct span text = run->argv[i];
        char last = text.len > 0 ? (char)text.at[text.len - 1] : '\0';
        double unit = last == 'm' ? 60 : last == 'h' ? 3600 : last == 'd' ? 86400 : 1;
        unsigned fraction;
        double value;
        bool suffixed = unit > 1 || last == 's';
        if (!real_of(span_part(text, 0, text.len - suffixed), &value, &fraction) || value < 0)
            return number_fail(run, text);
        total += value * unit;
    }
    run_sleep(run, (usec_t)((total < 1e6 ? total : 1e6) * (double)USEC_PER_SEC));
    return 0;
}

const struct applet applet_sleep = {
    .name = "sleep", .run = sleep_for, .usage = "sleep [N]...\n\nPause for the sum of the times: N seconds, or Nm, Nh, Nd"};

static int usleep_for(struct run *run)
{
    uint64_t usec;
    if (run->argc < 2)
        return run_usage(run);
    if (!number_parse(run->argv[1], &usec))
        return number_fail(run, run->argv[1]);
    run_sleep(run, (usec_t)(usec < UINT32_MAX ? usec : UINT32_MAX));
    return 0;
}

const struct applet applet_usleep = {.name = "usleep", .run = usleep_for, .usage = "usleep N\n\nPause for N microseconds"};
