#include "observe/honeypot/shell/applets/common.h"
#include "base/hash.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

/* ---- options */

static bool complain(struct run *run, struct options *o, const char *what, struct span rest)
{
    run_error(run, "%.*s: %s%.*s'\n", TEXT(name_of(run)), what, TEXT(rest));
    o->status = run_usage(run);
    return false;
}

static void note_option(struct options *o, unsigned char letter, struct span value)
{
    if (o->count[letter] < UINT16_MAX)
        o->count[letter]++;
    o->value[letter] = value;
}

/* The letter of a long option, 0 when there is none. *ret_len is the length of the name as given. */
static char long_letter(const char *longs, struct span word, size_t *ret_len)
{
    size_t len = span_find(word, '=');
    *ret_len = len;
    for (const char *at = longs; at != NULL && *at != '\0';) {
        const char *end = strchrnul(at, ' ');
        const char *equal = memchr(at, '=', (size_t)(end - at));
        if (equal != NULL && (size_t)(equal - at) == len && memcmp(at, word.at, len) == 0)
            return equal[1];
        at = *end == ' ' ? end + 1 : end;
    }
    return '\0';
}

static bool parse_long(struct run *run, struct options *o, const char *spec, const char *longs, size_t *i)
{
    struct span word = span_part(run->argv[*i], 2, SIZE_MAX);
    size_t len;
    char letter = long_letter(longs, word, &len);
    if (letter == '\0')
        return complain(run, o, longs == NULL ? "invalid option -- '" : "unrecognized option '", longs == NULL ? span_text("-") : run->argv[*i]);
    const char *at = strchr(spec, letter);
    bool wants = at != NULL && at[1] == ':';
    struct span value = {0};
    if (wants && len < word.len)
        value = span_part(word, len + 1, SIZE_MAX);
    else if (wants && *i + 1 < run->argc)
        value = run->argv[++*i];
    else if (wants)
        return complain(run, o, "option requires an argument -- '", span_of(&letter, 1));
    note_option(o, (unsigned char)letter, value);
    return true;
}

static bool parse_short(struct run *run, struct options *o, const char *spec, size_t *i)
{
    struct span word = run->argv[*i];
    for (size_t k = 1; k < word.len; k++) {
        char letter = (char)word.at[k];
        const char *at = letter > 0 && letter != ':' && letter != '+' ? strchr(spec, letter) : NULL;
        if (at == NULL)
            return complain(run, o, "invalid option -- '", span_part(word, k, 1));
        if (at[1] != ':') {
            note_option(o, (unsigned char)letter, (struct span){0});
            continue;
        }
        struct span value = span_part(word, k + 1, SIZE_MAX);
        if (value.len == 0) {
            if (*i + 1 >= run->argc)
                return complain(run, o, "option requires an argument -- '", span_part(word, k, 1));
            value = run->argv[++*i];
        }
        note_option(o, (unsigned char)letter, value);
        break;
    }
    return true;
}

bool options_parse(struct run *run, struct options *o, const char *spec, const char *longs)
{
    *o = (struct options){.status = 1};
    if (run->argc == 2 && span_is(run->argv[1], "--help")) {
        (void)run_usage(run);
        o->status = 0;
        return false;
    }
    struct span *args = arena_alloc(run_scratch(run), (run->argc + 1) * sizeof *args);
    if (args == NULL)
        return false;
    bool all_arguments = false;
    for (size_t i = 1; i < run->argc; i++) {
        struct span word = run->argv[i];
        bool is_option = !all_arguments && word.len > 1 && word.at[0] == '-';
        if (is_option && span_is(word, "--")) {
            all_arguments = true;
        } else if (!is_option) {
            args[o->arg_count++] = word;
            all_arguments = all_arguments || spec[0] == '+';
        } else if (word.at[1] == '-' ? !parse_long(run, o, spec, longs, &i) : !parse_short(run, o, spec, &i)) {
            return false;
        }
    }
    o->args = args;
    return true;
}

/* ---- input */

int input_open(struct run *run, struct span path, struct input *in)
{
    *in = (struct input){0};
    if (span_is(path, "-")) {
        in->bytes = run_input(run);
        return 0;
    }
    struct tree_stat stat;
    int error = tree_stat(run_tree(run), run_cwd(run), path, true, &stat);
    if (error < 0)
        return error;
    if (stat.type == TREE_DIRECTORY)
        return -EISDIR;
    buf_init(&in->held, LOAD_MAX);
    /* Devices never end: what a terminal would be shown is enough of them. */
    size_t max = stat.type == TREE_DEVICE ? SHELL_PIPE_MAX : LOAD_MAX;
    while (in->held.len < max && run_step(run, 1)) {
        uint8_t *room = buf_reserve(&in->held, CHUNK);
        ssize_t got = room != NULL ? tree_read(run_tree(run), run_cwd(run), path, in->held.len, room, CHUNK) : 0;
        if (got < 0) {
            buf_done(&in->held);
            return (int)got;
        }
        if (got == 0)
            break;
        in->held.len += (size_t)got;
    }
    in->bytes = buf_as_span(&in->held);
    return 0;
}

bool input_open_warn(struct run *run, struct span path, bool quoted, struct input *in)
{
    int error = input_open(run, path, in);
    if (error == 0)
        return true;
    const char *text = errno_text(error);
    if (quoted)
        run_error(run, "%.*s: can't open '%.*s': %s\n", TEXT(name_of(run)), TEXT(path), text);
    else
        run_error(run, "%.*s: %.*s: %s\n", TEXT(name_of(run)), TEXT(path), text);
    return false;
}

bool input_is_typed(const struct run *run, const struct span *files, size_t count)
{
    bool reads = count == 0;
    for (size_t i = 0; i < count; i++)
        reads = reads || span_is(files[i], "-");
    return reads && run->input_is_terminal;
}

void input_close(struct input *in)
{
    buf_done(&in->held);
    *in = (struct input){0};
}

bool line_next(struct span *rest, struct span *ret_line, bool *ret_ended)
{
    if (rest->len == 0)
        return false;
    size_t len = span_find(*rest, '\n');
    *ret_ended = len < rest->len;
    *ret_line = span_part(*rest, 0, len);
    *rest = span_part(*rest, len + 1, SIZE_MAX);
    return true;
}

/* ---- numbers and names */

bool number_parse(struct span text, uint64_t *ret)
{
    uint64_t value = 0;
    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        unsigned digit = (unsigned)(text.at[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *ret = value;
    return true;
}

bool number_signed(struct span text, int64_t *ret)
{
    bool negative = text.len > 0 && text.at[0] == '-';
    if (text.len > 0 && (negative || text.at[0] == '+'))
        text = span_part(text, 1, SIZE_MAX);
    uint64_t value;
    if (!number_parse(text, &value) || value > (uint64_t)INT64_MAX)
        return false;
    *ret = negative ? -(int64_t)value : (int64_t)value;
    return true;
}

bool number_suffixed(struct span text, bool dd_suffixes, uint64_t *ret)
{
    static const struct {
        const char *suffix;
        uint64_t factor;
        bool dd_only;
    } suffixes[] = {{"b", 512, false},
                    {"k", 1024, false},
                    {"K", 1024, true},
                    {"m", 1024 * 1024, false},
                    {"c", 1, true},
                    {"w", 2, true},
                    {"kB", 1000, true},
                    {"KB", 1000, true},
                    {"M", 1024 * 1024, true},
                    {"kD", 1000, true},
                    {"MB", 1000 * 1000, true},
                    {"MD", 1000 * 1000, true},
                    {"G", 1024UL << 20, true},
                    {"GB", 1000000000UL, true},
                    {"GD", 1000000000UL, true},
                    {"g", 1024UL << 20, true}};
    size_t digits = 0;
    while (digits < text.len && text.at[digits] >= '0' && text.at[digits] <= '9')
        digits++;
    uint64_t value, factor = 1;
    if (!number_parse(span_part(text, 0, digits), &value))
        return false;
    struct span suffix = span_part(text, digits, SIZE_MAX);
    if (suffix.len > 0) {
        factor = 0;
        for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
            if (span_is(suffix, suffixes[i].suffix) && (dd_suffixes || !suffixes[i].dd_only))
                factor = suffixes[i].factor;
        if (factor == 0)
            return false;
    }
    if (value > (uint64_t)INT64_MAX / factor)
        return false;
    *ret = value * factor;
    return true;
}

int number_fail(struct run *run, struct span text)
{
    run_error(run, "%.*s: invalid number '%.*s'\n", TEXT(name_of(run)), TEXT(text));
    return 1;
}

struct span path_base(struct span path)
{
    size_t at = path.len;
    while (at > 0 && path.at[at - 1] != '/')
        at--;
    return span_part(path, at, SIZE_MAX);
}

struct span name_of(const struct run *run)
{
    /* A builtin speaks for the shell it is part of. */
    if (run->self != NULL && run->self->where != APPLET_BUSYBOX)
        return span_text("sh");
    return path_base(run->argv[0]);
}

const char *errno_text(int error)
{
    const char *text = strerrordesc_np(error < 0 ? -error : error);
    return text != NULL ? text : "Input/output error";
}

struct span scratch_copy(struct run *run, struct span bytes)
{
    char *copy = arena_copy(run_scratch(run), bytes);
    return copy != NULL ? span_of(copy, bytes.len) : (struct span){0};
}

struct span path_join(struct run *run, struct span folder, struct span name)
{
    bool slash = folder.len > 0 && folder.at[folder.len - 1] != '/';
    size_t len = folder.len + slash + name.len;
    char *path = arena_alloc(run_scratch(run), len + 1);
    if (path == NULL)
        return (struct span){0};
    if (folder.len > 0)
        memcpy(path, folder.at, folder.len);
    if (slash)
        path[folder.len] = '/';
    if (name.len > 0)
        memcpy(path + folder.len + slash, name.at, name.len);
    return span_of(path, len);
}

struct span field(struct span text, size_t n, const char *separators)
{
    size_t at = 0;
    for (;;) {
        while (at < text.len && strchr(separators, text.at[at]) != NULL)
            at++;
        size_t start = at;
        while (at < text.len && strchr(separators, text.at[at]) == NULL)
            at++;
        if (n == 0 || at == start)
            return span_part(text, start, at - start);
        n--;
    }
}

const uint8_t *text_in(struct span text, const char *part)
{
    return text.len > 0 ? memmem(text.at, text.len, part, strlen(part)) : NULL;
}

/* [...] at `at` (after the bracket): whether `byte` is in it; *at moves behind it. False and unmoved: no closing bracket. */
static bool glob_set(struct span pattern, size_t *at, uint8_t byte, bool fold, bool *ret_closed)
{
    size_t i = *at;
    bool invert = i < pattern.len && (pattern.at[i] == '!' || pattern.at[i] == '^');
    bool in = false, first = true;
    for (i += invert; i < pattern.len && (pattern.at[i] != ']' || first); i++, first = false) {
        uint8_t low = pattern.at[i], high = low;
        if (i + 2 < pattern.len && pattern.at[i + 1] == '-' && pattern.at[i + 2] != ']') {
            high = pattern.at[i + 2];
            i += 2;
        }
        in = in || (byte >= low && byte <= high);
        if (fold)
            in = in || (tolower(byte) >= tolower(low) && tolower(byte) <= tolower(high));
    }
    *ret_closed = i < pattern.len;
    if (*ret_closed)
        *at = i + 1;
    return in != invert;
}

/* One element of the pattern against one byte; *p moves behind the element. */
static bool glob_one(struct span pattern, size_t *p, uint8_t byte, bool fold)
{
    uint8_t want = pattern.at[*p];
    ++*p;
    if (want == '?')
        return true;
    if (want == '[') {
        bool closed;
        bool in = glob_set(pattern, p, byte, fold, &closed);
        if (closed)
            return in;
    } else if (want == '\\' && *p < pattern.len) {
        want = pattern.at[*p];
        ++*p;
    }
    return want == byte || (fold && tolower(want) == tolower(byte));
}

bool glob_match(struct span pattern, struct span text, bool fold)
{
    size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;
    while (t < text.len) {
        if (p < pattern.len && pattern.at[p] == '*') {
            star = ++p;
            mark = t;
            continue;
        }
        if (p < pattern.len && glob_one(pattern, &p, text.at[t], fold)) {
            t++;
            continue;
        }
        if (star == SIZE_MAX)
            return false;
        p = star;
        t = ++mark;
    }
    while (p < pattern.len && pattern.at[p] == '*')
        p++;
    return p == pattern.len;
}

/* ---- files, users, time */

char *mode_print(enum tree_type type, uint16_t mode, struct span device, char text[static 11])
{
    char kind = type == TREE_DIRECTORY ? 'd' : type == TREE_LINK || type == TREE_APPLET ? 'l' : '-';
    if (type == TREE_DEVICE)
        kind = device.len > 0 && (device.at[0] == 'b' || device.at[0] == 'p') ? (char)device.at[0] : 'c';
    text[0] = kind;
    for (unsigned i = 0; i < 9; i++)
        text[1 + i] = (mode >> (8 - i)) & 1 ? "rwx"[i % 3] : '-';
    if (mode & 04000)
        text[3] = text[3] == 'x' ? 's' : 'S';
    if (mode & 02000)
        text[6] = text[6] == 'x' ? 's' : 'S';
    if (mode & 01000)
        text[9] = text[9] == 'x' ? 't' : 'T';
    text[10] = '\0';
    return text;
}

static uint32_t hash_of(struct span bytes)
{
    return (uint32_t)hash_seeded(0, bytes);
}

void host_address(struct span host, char text[static ADDR_TEXT_SIZE])
{
    struct addr address;
    /* 198.18.0.0/15 is for benchmarks and routed nowhere: RFC 2544. */
    if (addr_parse(host, &address) != 0)
        address = addr_v4(0xc6120000U | (hash_of(host) & 0x1ffff));
    (void)addr_print(address, text);
}

uint32_t path_number(struct run *run, struct span path)
{
    return (uint32_t)(hash_seeded(hash_of(run_profile(run)->name), path) % 20000 + 12);
}

uint32_t seed_of(struct run *run, const char *purpose)
{
    uint64_t seed = run_host(run)->seed;
    uint32_t hash = (uint32_t)hash_seeded(hash_of(run_profile(run)->name), span_text(purpose));
    return (uint32_t)hash_mix(hash ^ seed);
}

struct span file_text(struct run *run, const char *path, size_t max)
{
    uint8_t *bytes = arena_alloc(run_scratch(run), max + 1);
    size_t len = 0;
    while (bytes != NULL && len < max) {
        ssize_t got = tree_read(run_tree(run), span_text("/"), span_text(path), len, bytes + len, max - len);
        if (got <= 0)
            break;
        len += (size_t)got;
    }
    return span_of(bytes, len);
}

struct span user_name(struct run *run, unsigned uid)
{
    struct span rest = file_text(run, "/etc/passwd", 4096), line;
    bool ended;
    while (line_next(&rest, &line, &ended)) {
        size_t colon = span_find(line, ':');
        struct span after = span_part(line, colon + 1, SIZE_MAX);
        struct span number = span_part(after, span_find(after, ':') + 1, SIZE_MAX);
        uint64_t value;
        if (number_parse(span_part(number, 0, span_find(number, ':')), &value) && value == uid)
            return span_part(line, 0, colon);
    }
    return uid == 0 ? span_text("root") : (struct span){0};
}

usec_t now_of(struct run *run)
{
    return run_host(run)->now(run_host(run)->user);
}

usec_t uptime_of(struct run *run)
{
    return (usec_t)profile_uptime(run_profile(run), now_of(run)) * USEC_PER_SEC;
}

void time_split(usec_t time, struct tm *ret)
{
    time_t seconds = (time_t)(time / USEC_PER_SEC);
    if (gmtime_r(&seconds, ret) == NULL)
        *ret = (struct tm){.tm_mday = 1, .tm_year = 70};
}

bool out_paid(struct run *run, struct span bytes)
{
    while (bytes.len > 0) {
        if (!run_step(run, 1))
            return false;
        struct span part = span_part(bytes, 0, CHUNK);
        run_out(run, part);
        bytes = span_part(bytes, part.len, SIZE_MAX);
    }
    return true;
}

unsigned busybox_minor(struct run *run)
{
    struct span version = run_profile(run)->busybox_version, minor = field(version, 1, ". ");
    uint64_t value;
    return number_parse(minor, &value) && value < 1000 ? (unsigned)value : 20;
}

static bool can_run(struct run *run, struct span path)
{
    struct tree_stat stat;
    return tree_stat(run_tree(run), run_cwd(run), path, true, &stat) == 0 && stat.type != TREE_DIRECTORY && stat.type != TREE_DEVICE &&
           (stat.type == TREE_APPLET || (stat.mode & 0111) != 0);
}

struct span command_path(struct run *run, struct span name)
{
    if (name.len == 0)
        return (struct span){0};
    if (span_find(name, '/') < name.len)
        return can_run(run, name) ? name : (struct span){0};
    struct span rest = run_variable(run, span_text("PATH"));
    if (rest.len == 0)
        rest = span_text("/sbin:/usr/sbin:/bin:/usr/bin");
    for (unsigned i = 0; rest.len > 0 && i < 64; i++) {
        size_t len = span_find(rest, ':');
        struct span path = path_join(run, len > 0 ? span_part(rest, 0, len) : span_text("."), name);
        if (can_run(run, path))
            return path;
        rest = span_part(rest, len + 1, SIZE_MAX);
    }
    return (struct span){0};
}

bool command_exists(struct run *run, struct span name)
{
    const struct applet *applet = applet_by_name(name);
    return command_path(run, name).len > 0 || (applet != NULL && (applet->where != APPLET_BUSYBOX || profile_has_applet(run_profile(run), name)));
}

int run_program(struct run *run, size_t argc, const struct span *argv)
{
    if (argc > 0 && command_exists(run, argv[0]))
        return run_command(run, argc, argv);
    if (argc > 0)
        run_error(run, "%.*s: can't execute '%.*s': No such file or directory\n", TEXT(name_of(run)), TEXT(argv[0]));
    return 127;
}
