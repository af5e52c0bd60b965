#include "observe/honeypot/profile_draft.h"

#include <ctype.h>
#include <stdlib.h>

struct span draft_copy(struct draft *d, struct span text)
{
    char *copy = arena_copy(d->arena, text);
    if (copy == NULL && d->failed == 0)
        d->failed = -ENOMEM;
    return copy != NULL ? span_of(copy, text.len) : (struct span){0};
}

struct span draft_printf(struct draft *d, const char *format, ...)
{
    struct buf out;
    buf_init(&out, PROFILE_TEXT_MAX);
    va_list args;
    va_start(args, format);
    buf_vprintf(&out, format, args);
    va_end(args);
    if (out.error != 0 && d->failed == 0)
        d->failed = out.error;
    struct span text = draft_copy(d, buf_as_span(&out));
    buf_done(&out);
    return text;
}

void draft_done(struct draft *d)
{
    free(d->nodes);
    d->nodes = NULL;
    d->node_count = d->node_size = 0;
}

uint64_t draft_random(const struct draft *d, const char *what, uint64_t index)
{
    return hash_mix(hash_seeded(hash_seeded(5, d->p.name), span_text(what)) + index);
}

/* ---- telnet options ---- */

struct option_name {
    const char *name;
    uint8_t code;
};

/* The registry of telnet options (IANA), as far as devices use them. */
static const struct option_name option_names[] = {
    {"BINARY", 0},  {"ECHO", 1},   {"SGA", 3},       {"STATUS", 5},    {"TM", 6},           {"TTYPE", 24}, {"EOR", 25},         {"NAWS", 31},
    {"TSPEED", 32}, {"LFLOW", 33}, {"LINEMODE", 34}, {"XDISPLOC", 35}, {"OLD-ENVIRON", 36}, {"AUTH", 37},  {"NEW-ENVIRON", 39}, {"MSSP", 70},
};

static int option_code(struct span name, uint8_t *ret)
{
    for (size_t i = 0; i < sizeof option_names / sizeof option_names[0]; i++)
        if (span_is(name, option_names[i].name)) {
            *ret = option_names[i].code;
            return 0;
        }
    return -ERR_UNKNOWN;
}

/* "DO TTYPE", "WILL ECHO", "SB TTYPE SEND" as bytes (RFC 854, RFC 1091). */
static int put_option(struct span text, struct buf *out, struct buf *will, struct buf *agreed)
{
    static const struct option_name verbs[] = {{"WILL", 251}, {"WONT", 252}, {"DO", 253}, {"DONT", 254}, {"SB", 250}};
    struct span rest = text, verb = text_word(&rest), name = text_word(&rest), more = text_word(&rest);
    uint8_t option;
    if (option_code(name, &option) != 0)
        return -ERR_UNKNOWN;
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (!span_is(verb, verbs[i].name))
            continue;
        bool part = verbs[i].code == 250;
        if (part != span_is(more, "SEND") || (!part && more.len > 0) || text_word(&rest).len > 0)
            return -ERR_UNKNOWN;
        buf_byte(out, 255);
        buf_byte(out, verbs[i].code);
        buf_byte(out, option);
        if (part)
            buf_put(out, "\x01\xff\xf0", 3);
        if (verbs[i].code == 251)
            buf_byte(will, option);
        if (verbs[i].code == 253)
            buf_byte(agreed, option);
        return 0;
    }
    return -ERR_UNKNOWN;
}

static int read_option_codes(struct draft *d, const char *path, struct buf *codes)
{
    struct span *names;
    size_t count;
    int error = source_list(d->source, path, &names, &count);
    for (size_t i = 0; error == 0 && i < count; i++) {
        uint8_t code;
        if (option_code(names[i], &code) != 0)
            return node_error(source_item(d->source, path, i), d->error, "expected the name of a telnet option, as TTYPE");
        if (codes->len == 0 || memchr(codes->data, code, codes->len) == NULL)
            buf_byte(codes, code);
    }
    return error;
}

static int read_options(struct draft *d, struct buf *out, struct buf *will, struct buf *agreed)
{
    struct span *lines;
    size_t count;
    int error = source_list(d->source, "telnet.options", &lines, &count);
    if (error != 0)
        return error;
    if (count == 0 || count > 32)
        return source_missing(d->source, "telnet.options");
    for (size_t i = 0; i < count; i++)
        if (put_option(lines[i], out, will, agreed) != 0)
            return node_error(source_item(d->source, "telnet.options", i), d->error,
                              "expected WILL, WONT, DO or DONT and a telnet option, or SB TTYPE SEND; for example WILL ECHO");
    error = read_option_codes(d, "telnet.will", will);
    return error != 0 ? error : read_option_codes(d, "telnet.do", agreed);
}

static int read_telnet(struct draft *d)
{
    struct buf out, will, agreed;
    buf_init(&out, 256);
    buf_init(&will, 64);
    buf_init(&agreed, 64);
    int error = read_options(d, &out, &will, &agreed);
    if (error == 0)
        error = out.error != 0 ? out.error : will.error != 0 ? will.error : agreed.error;
    if (error == 0) {
        d->p.telnet_options = draft_copy(d, buf_as_span(&out));
        d->p.telnet_will = draft_copy(d, buf_as_span(&will));
        d->p.telnet_do = draft_copy(d, buf_as_span(&agreed));
    }
    buf_done(&out);
    buf_done(&will);
    buf_done(&agreed);
    return error;
}

/* ---- dates and versions ---- */

static const char *const month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* "2013-05-17 14:02:51 CST": the clock as shown (its zone is a name only), and the kernel's way of writing it. */
static int read_date(struct draft *d, const char *path, const char *preset, usec_t *ret, struct span *ret_zone)
{
    struct span text;
    int error = source_text(d->source, path, preset, &text);
    if (error != 0)
        return error;
    struct span clock = span_part(text, 0, text.len > 19 ? 19 : text.len), zone = span_part(text, 20, SIZE_MAX);
    if (usec_parse(clock, 0, ret, NULL) != 0 || *ret < 0 || zone.len > 6 || (ret_zone != NULL && clock.len != 19)) {
        const struct conf_node *node = source_find(d->source, path);
        return node_error(node, d->error, "expected a date as 2013-05-17 14:02:51 CST");
    }
    if (ret_zone != NULL)
        *ret_zone = zone;
    return 0;
}

static struct span kernel_date(struct draft *d, struct span number, struct span zone)
{
    static const char *const day_names[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"}; /* 1970-01-01 was a Thursday */
    char text[USEC_TEXT_SIZE];
    usec_print(d->kernel_built, text);
    int64_t day = usec_day(d->kernel_built);
    unsigned month = (unsigned)(text[5] - '0') * 10 + (unsigned)(text[6] - '0');
    return draft_printf(d, "%.*s %s %s %c%c %.8s %.*s%s%.4s", (int)number.len, (const char *)number.at, day_names[day % 7],
                        month_names[(month - 1) % 12], text[8] == '0' ? ' ' : text[8], text[9], text + 11, (int)zone.len, (const char *)zone.at,
                        zone.len > 0 ? " " : "", text);
}

/* 2.6.18-x as 20618. */
static unsigned version_code(struct span text)
{
    unsigned parts[3] = {0}, part = 0;
    for (size_t i = 0; i < text.len && part < 3; i++) {
        if (isdigit(text.at[i]) && parts[part] < 1000)
            parts[part] = parts[part] * 10 + (unsigned)(text.at[i] - '0');
        else if (text.at[i] == '.')
            part++;
        else
            break;
    }
    for (size_t i = 0; i < 3; i++)
        if (parts[i] > 99)
            parts[i] = 99;
    return parts[0] * 10000 + parts[1] * 100 + parts[2];
}

static int read_kernel(struct draft *d)
{
    struct span number = {0}, zone = {0};
    int error = source_text(d->source, "kernel.release", NULL, &d->p.kernel_release);
    if (error == 0)
        error = source_text(d->source, "kernel.number", NULL, &number);
    if (error == 0)
        error = read_date(d, "kernel.built", NULL, &d->kernel_built, &zone);
    if (error == 0)
        error = source_text(d->source, "kernel.builder", NULL, &d->builder);
    if (error == 0)
        error = source_text(d->source, "kernel.compiler", NULL, &d->compiler);
    if (error == 0)
        error = source_text(d->source, "kernel.command", NULL, &d->command_line);
    if (error == 0)
        error = source_list(d->source, "kernel.modules", &d->modules, &d->module_count);
    if (error != 0)
        return error;
    d->p.kernel_version = kernel_date(d, number, zone);
    d->kernel = version_code(d->p.kernel_release);
    if (d->kernel < 20400 || d->kernel > 69999)
        return node_error(source_find(d->source, "kernel.release"), d->error, "expected a kernel from 2.4 on; for example 2.6.30");
    return 0;
}

static int read_busybox(struct draft *d)
{
    struct span version = {0}, zone = {0};
    int64_t size = 0;
    int error = source_text(d->source, "busybox.version", NULL, &version);
    if (error == 0)
        error = read_date(d, "busybox.built", NULL, &d->busybox_built, &zone);
    if (error == 0)
        error = source_size(d->source, "busybox.size", -1, 100 * 1024, 4 * 1024 * 1024, &size);
    if (error != 0)
        return error;
    d->busybox_size = (uint32_t)size;
    char text[USEC_TEXT_SIZE];
    usec_print(d->busybox_built, text);
    int len = (int)version.len;
    const char *digits = (const char *)version.at;
    if (version_code(version) < 10500) /* before 1.5 the build date was written as in CVS */
        d->p.busybox_version = draft_printf(d, "v%.*s (%.4s.%.2s.%.2s-%.5s+0000)", len, digits, text, text + 5, text + 8, text + 11);
    else
        d->p.busybox_version =
            draft_printf(d, "v%.*s (%.10s %.8s%s%.*s)", len, digits, text, text + 11, zone.len > 0 ? " " : "", (int)zone.len, (const char *)zone.at);
    usec_t later = d->busybox_built > d->kernel_built ? d->busybox_built : d->kernel_built;
    error = source_find(d->source, "installed") != NULL ? read_date(d, "installed", NULL, &d->installed, NULL) : 0;
    if (error == 0 && d->installed < later)
        d->installed = later + (usec_t)(draft_random(d, "installed", 0) % 7200) * USEC_PER_SEC;
    return error;
}

/* ---- what uname -m says on each machine ---- */

static bool machine_text_fits(enum machine machine, struct span text)
{
    static const char *const starts[MACHINE_COUNT] = {
        [MACHINE_ARM] = "armv",    [MACHINE_ARMEB] = "armv",    [MACHINE_AARCH64] = "aarch64", [MACHINE_MIPS] = "mips",
        [MACHINE_MIPSEL] = "mips", [MACHINE_MIPS64] = "mips64", [MACHINE_PPC] = "ppc",         [MACHINE_SPARC] = "sparc",
        [MACHINE_SH4] = "sh4",     [MACHINE_X86] = "i",         [MACHINE_X86_64] = "x86_64",   [MACHINE_M68K] = "m68k",
    };
    if (!span_starts(text, starts[machine]))
        return false;
    bool big = text.len > 0 && text.at[text.len - 1] == 'b';
    if (machine == MACHINE_ARM || machine == MACHINE_ARMEB)
        return big == (machine == MACHINE_ARMEB);
    if (machine == MACHINE_MIPS || machine == MACHINE_MIPSEL)
        return text.len == 4;
    return machine != MACHINE_X86 || (text.len == 4 && span_is(span_part(text, 2, 2), "86"));
}

static int read_machine(struct draft *d)
{
    struct span name;
    int error = source_text(d->source, "machine", NULL, &name);
    if (error != 0)
        return error;
    if (machine_by_name(name, &d->p.machine) != 0) {
        struct buf known;
        buf_init(&known, 256);
        for (size_t i = 0; i < MACHINE_COUNT; i++)
            buf_printf(&known, "%s%s", i > 0 ? ", " : "", machine_info((enum machine)i)->name);
        error = node_error(source_find(d->source, "machine"), d->error, "expected one of %s", buf_cstr(&known));
        buf_done(&known);
        return error;
    }
    error = source_text(d->source, "uname", NULL, &d->p.machine_text);
    if (error == 0 && !machine_text_fits(d->p.machine, d->p.machine_text))
        error = node_error(source_find(d->source, "uname"), d->error, "expected what uname -m says on %s", machine_info(d->p.machine)->name);
    return error;
}

/* ---- login ---- */

static int read_logins(struct draft *d)
{
    struct span *lines;
    size_t count;
    int error = source_list(d->source, "logins", &lines, &count);
    if (error != 0)
        return error;
    struct profile_pair *logins = arena_alloc(d->arena, (count + 1) * sizeof *logins);
    if (logins == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        size_t colon = span_find(lines[i], ':');
        if (colon == lines[i].len)
            return node_error(source_item(d->source, "logins", i), d->error, "expected user:password");
        logins[i] = (struct profile_pair){.name = span_part(lines[i], 0, colon), .value = span_part(lines[i], colon + 1, SIZE_MAX)};
    }
    if (d->p.auth == AUTH_LIST && count == 0)
        return source_missing(d->source, "logins");
    d->p.logins = logins;
    d->p.login_count = count;
    return 0;
}

static int read_auth(struct draft *d)
{
    struct span text;
    int error = source_text(d->source, "auth", "any", &text);
    if (error != 0)
        return error;
    struct span rest = text, rule = text_word(&rest), number = text_word(&rest);
    if (span_is(text, "any"))
        d->p.auth = AUTH_ANY;
    else if (span_is(text, "list"))
        d->p.auth = AUTH_LIST;
    else if (span_is(text, "never"))
        d->p.auth = AUTH_NEVER;
    else if (span_is(rule, "after") && number.len == 1 && number.at[0] >= '1' && number.at[0] <= '9' && text_word(&rest).len == 0) {
        d->p.auth = AUTH_AFTER;
        d->p.auth_after = (uint32_t)(number.at[0] - '0') + 1;
    } else {
        return node_error(source_find(d->source, "auth"), d->error, "expected any, list, never or after N (1 to 9 failed logins)");
    }
    int64_t tries;
    error = source_number(d->source, "tries", 3, 1, 20, &tries);
    d->p.tries_max = (uint32_t)tries;
    if (error == 0 && d->p.auth == AUTH_AFTER && d->p.tries_max < d->p.auth_after)
        d->p.tries_max = d->p.auth_after;
    return error != 0 ? error : read_logins(d);
}

/* The last character that is not a space: what bots wait for. */
static bool ends_as_prompt(struct span text, const char *marks)
{
    while (text.len > 0 && text.at[text.len - 1] == ' ')
        text.len--;
    return text.len > 0 && text.at[text.len - 1] != '\0' && strchr(marks, text.at[text.len - 1]) != NULL;
}

static int read_texts(struct draft *d)
{
    struct span shell;
    const struct {
        const char *path, *preset;
        struct span *to;
    } fields[] = {
        {"maker", NULL, &d->p.maker},
        {"model", NULL, &d->p.model},
        {"class", NULL, &d->p.class},
        {"hostname", NULL, &d->p.hostname},
        {"libc", NULL, &d->p.libc},
        {"cpuinfo", NULL, &d->cpuinfo},
        {"banner", "", &d->p.banner},
        {"login", NULL, &d->p.login_prompt},
        {"password", "Password: ", &d->p.password_prompt},
        {"failed", "Login incorrect\r\n", &d->p.failed},
        {"motd", "", &d->p.motd},
        {"prompt", "# ", &d->p.prompt},
        {"cli_prompt", "> ", &d->p.cli_prompt},
        {"home", "/", &d->p.login_home},
        {"shell", "ash", &shell},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        int error = source_text(d->source, fields[i].path, fields[i].preset, fields[i].to);
        if (error != 0)
            return error;
    }
    if (!span_is(shell, "ash") && !span_is(shell, "cli"))
        return node_error(source_find(d->source, "shell"), d->error, "expected ash or cli");
    d->p.shell = span_is(shell, "cli") ? LOGIN_SHELL_CLI : LOGIN_SHELL_ASH;
    if (d->p.login_home.len == 0 || d->p.login_home.at[0] != '/')
        return node_error(source_find(d->source, "home"), d->error, "expected an absolute path");
    const struct {
        const char *path;
        struct span text;
    } prompts[] = {{"login", d->p.login_prompt}, {"password", d->p.password_prompt}, {"prompt", d->p.prompt}, {"cli_prompt", d->p.cli_prompt}};
    for (size_t i = 0; i < 4; i++)
        if (!ends_as_prompt(prompts[i].text, i < 2 ? ":>" : ":>$#%"))
            return node_error(source_find(d->source, prompts[i].path), d->error, "expected a text that ends in %s; for example \"%s\"",
                              i < 2 ? ": or >" : "> $ # % or :", i < 2 ? "login: " : "# ");
    return 0;
}

static int read_small(struct draft *d)
{
    int64_t memory, days;
    int error = source_flag(d->source, "greeting", true, &d->p.greeting);
    if (error == 0)
        error = source_flag(d->source, "shadow", false, &d->shadow);
    if (error == 0)
        error = source_duration(d->source, "delays.banner", 0, &d->p.banner_delay);
    if (error == 0)
        error = source_duration(d->source, "delays.password", 0, &d->p.password_delay);
    if (error == 0)
        error = source_duration(d->source, "delays.shell", 0, &d->p.shell_delay);
    if (error == 0)
        error = source_duration(d->source, "delays.failed", 2 * USEC_PER_SEC, &d->p.failed_delay);
    if (error == 0)
        error = source_size(d->source, "memory", -1, 4 * 1024 * 1024, INT64_C(64) << 30, &memory);
    if (error == 0)
        error = source_number(d->source, "restarts", 10 + (int64_t)(draft_random(d, "restarts", 0) % 80), 1, 2000, &days);
    if (error != 0)
        return error;
    /* The kernel's own share is not in MemTotal. */
    d->p.memory_kib = (uint32_t)(memory / 1024 - memory / 1024 / 20 - (int64_t)(draft_random(d, "memory", 0) % 512) * 4);
    d->p.period = (uint32_t)(days * 86400 + (int64_t)(draft_random(d, "period", 0) % 86400));
    return 0;
}

static int read_lists(struct draft *d)
{
    const struct {
        const char *path;
        struct span **list;
        size_t *count;
    } lists[] = {
        {"mounts", &d->mounts, &d->mount_count},
        {"flash", &d->flash, &d->flash_count},
        {"users", &d->users, &d->user_count},
        {"libraries", &d->libraries, &d->library_count},
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        int error = source_list(d->source, lists[i].path, lists[i].list, lists[i].count);
        if (error != 0)
            return error;
    }
    return d->mount_count == 0 ? source_missing(d->source, "mounts") : 0;
}

int draft_read(struct draft *d, struct source *s, const char *folder, struct span name)
{
    static int (*const steps[])(struct draft *) = {
        read_texts,         read_telnet,        read_machine, read_kernel,        read_busybox,         read_auth,
        read_small,         draft_read_applets, read_lists,   draft_read_network, draft_read_processes, draft_read_environment,
        draft_read_answers, draft_system,       draft_proc};
    d->source = s;
    d->arena = s->arena;
    d->error = s->error;
    d->p.name = name;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        int error = steps[i](d);
        if (error != 0)
            return error;
    }
    int error = draft_overrides(d, folder);
    if (error == 0)
        error = draft_settle(d);
    return error != 0 ? error : d->failed;
}
