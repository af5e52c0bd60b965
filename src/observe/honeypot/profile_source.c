#include "base/text.h"
#include "observe/honeypot/profile_draft.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIELD(name, what, sample)                                             \
    {                                                                         \
        .path = (name), .type = CONF_ANY, .help = (what), .example = (sample) \
    }

/* Every field is kept as written: which file of the chain gives it matters, and texts are filled in only when all files are known. */
static const struct conf_rule schema[] = {
    FIELD("extends", "a base in the same folder", "_broadcom"),
    FIELD("maker", "who makes the device", "Example Networks"),
    FIELD("model", "its model", "R-100"),
    FIELD("class", "its class", "router"),
    FIELD("machine", "CPU architecture", "mipsel"),
    FIELD("hostname", "host name", "router"),
    FIELD("uname", "uname -m", "mips"),
    FIELD("values", "texts for @{…}", "{mac: 02:00:00:aa:bb:cc}"),
    FIELD("kernel.release", "uname -r", "2.6.30"),
    FIELD("kernel.number", "uname -v without the date", "\"#1 SMP PREEMPT\""),
    FIELD("kernel.built", "date of the kernel", "2012-03-05 14:02:51 CST"),
    FIELD("kernel.builder", "who built it", "root@build"),
    FIELD("kernel.compiler", "with what", "gcc version 4.4.2 (Buildroot 2010.02)"),
    FIELD("kernel.command", "the kernel's command line", "console=ttyS0,115200 root=/dev/mtdblock2"),
    FIELD("kernel.threads", "kernel threads in order", "[kthreadd, ksoftirqd/0]"),
    FIELD("kernel.thread_state", "their state in ps", "SW<"),
    FIELD("kernel.modules", "lines of /proc/modules", "[]"),
    FIELD("busybox.version", "version of BusyBox", "1.16.1"),
    FIELD("busybox.built", "its date", "2012-03-05 14:00:11 CST"),
    FIELD("busybox.size", "size of /bin/busybox", "421K"),
    FIELD("libc", "C library and version", "uClibc 0.9.33"),
    FIELD("libraries", "further files of /lib", "[libcrypt.so.0]"),
    FIELD("memory", "main memory", "64M"),
    FIELD("cpuinfo", "/proc/cpuinfo", "|"),
    FIELD("installed", "date of the file system", "2012-03-05"),
    FIELD("telnet.options", "what is sent first", "[DO TTYPE, WILL ECHO, WILL SGA, DO NAWS]"),
    FIELD("telnet.will", "options it agrees to do", "[ECHO, SGA]"),
    FIELD("telnet.do", "options it lets the client do", "[TTYPE, NAWS]"),
    FIELD("banner", "before the prompt", "\"\\r\\n\""),
    FIELD("login", "prompt for the user", "\"login: \""),
    FIELD("password", "prompt for the password", "\"Password: \""),
    FIELD("failed", "after a wrong login", "\"Login incorrect\\r\\n\""),
    FIELD("motd", "after a good login", "\"\""),
    FIELD("prompt", "prompt of the shell", "\"# \""),
    FIELD("cli_prompt", "prompt of the command line in front of the shell", "\"> \""),
    FIELD("shell", "ash or cli", "ash"),
    FIELD("greeting", "ash prints BusyBox's greeting", "true"),
    FIELD("delays.banner", "before the banner", "200ms"),
    FIELD("delays.password", "before the prompt for the password", "50ms"),
    FIELD("delays.shell", "before the shell", "300ms"),
    FIELD("delays.failed", "after a wrong login", "3s"),
    FIELD("auth", "any, list, never, after N", "any"),
    FIELD("logins", "user:password of `auth: list`", "[\"admin:admin\"]"),
    FIELD("tries", "logins until it hangs up", "3"),
    FIELD("home", "working directory after login", "/"),
    FIELD("applets", "@set, NAME, -NAME", "[\"@core\", \"@text\", -vi]"),
    FIELD("environment", "variables of the login shell", "{TERM: vt102}"),
    FIELD("mounts", "lines of /proc/mounts", "[\"tmpfs /tmp tmpfs rw 0 0\"]"),
    FIELD("flash", "lines of /proc/mtd", "[\"00040000 00010000 boot\"]"),
    FIELD("processes", "PID USER VSZ STAT COMMAND", "[\"1 root 1284 S init\"]"),
    FIELD("interfaces", "NAME MAC ADDRESS/BITS", "[\"eth0 02:00:00:aa:bb:cc 192.168.1.1/24\"]"),
    FIELD("gateway", "default route", "192.168.1.254"),
    FIELD("listening", "open TCP ports", "[23, 80]"),
    FIELD("listening_udp", "open UDP ports", "[53, 67]"),
    FIELD("users", "lines of /etc/passwd, * for a password", "[\"root:*:0:0:root:/root:/bin/sh\"]"),
    FIELD("shadow", "passwords are in /etc/shadow", "false"),
    FIELD("restarts", "days between restarts", "40"),
    FIELD("answers", "commands of the device", "[{command: version, output: \"1.0\\n\"}]"),
    FIELD("files", "changes to the file tree", "{/etc/version: \"1.0\\n\"}"),
    FIELD("tree", "folder of real files", "router.tree"),
    {0},
};

int source_read_file(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return -errno;
    buf_init(out, PROFILE_TEXT_MAX * 4);
    int error = 0;
    for (;;) {
        uint8_t *room = buf_reserve(out, 4096);
        if (room == NULL) {
            error = out->error;
            break;
        }
        size_t got = fread(room, 1, 4096, file);
        out->len += got;
        if (got == 0) {
            error = ferror(file) ? -EIO : 0;
            break;
        }
    }
    fclose(file);
    if (error != 0)
        buf_done(out);
    return error;
}

int draft_error(struct source *s, const char *format, ...)
{
    struct buf text, shown;
    buf_init(&text, 4096);
    buf_init(&shown, 4096);
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    text_escape(&shown, buf_as_span(&text));
    snprintf(s->error->text, sizeof s->error->text, "%.80s:1: %.400s", s->name, buf_cstr(&shown));
    buf_done(&text);
    buf_done(&shown);
    return -ERR_CONFIG;
}

/* A name of `extends`: a base's own file in the same folder, never a path. */
static bool base_name_fits(struct span name)
{
    if (name.len < 2 || name.len > 64 || name.at[0] != '_')
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!isalnum(name.at[i]) && name.at[i] != '_' && name.at[i] != '-' && name.at[i] != '.')
            return false;
    return true;
}

static int open_base(struct source *s, const char *folder, const struct conf_node *extends, char names[][72])
{
    struct span base = node_scalar(extends);
    if (node_kind(extends) != NODE_SCALAR || !base_name_fits(base))
        return node_error(extends, s->error, "expected the name of a base, which begins with _; for example _broadcom");
    if (folder == NULL)
        return node_error(extends, s->error, "a text alone has no bases");
    char name[72];
    snprintf(name, sizeof name, "%.*s", (int)base.len, (const char *)base.at);
    for (size_t i = 1; i < s->count; i++)
        if (strcmp(names[i], name) == 0)
            return node_error(extends, s->error, "%s extends itself", name);
    if (s->count == PROFILE_EXTENDS_MAX)
        return node_error(extends, s->error, "expected at most %d bases in a row", PROFILE_EXTENDS_MAX - 1);
    char path[4096], shown[80];
    int len = snprintf(path, sizeof path, "%s/%s.yaml", folder, name);
    if (len < 0 || (size_t)len >= sizeof path)
        return -ENAMETOOLONG;
    snprintf(shown, sizeof shown, "%s.yaml", name);
    struct buf text = {0};
    int error = source_read_file(path, &text);
    if (error != 0)
        return node_error(extends, s->error, "%s cannot be read: %s", shown, err_text(error));
    error = conf_parse(&s->confs[s->count], shown, buf_as_span(&text), schema, s->error);
    buf_done(&text);
    if (error == 0)
        memcpy(names[s->count++], name, sizeof name);
    return error;
}

int source_open(struct source *s, const char *folder, const char *file, struct span text)
{
    char names[PROFILE_EXTENDS_MAX][72] = {{0}};
    s->name = file;
    int error = conf_parse(&s->confs[0], file, text, schema, s->error);
    if (error != 0)
        return error;
    s->count = 1;
    for (;;) {
        const struct conf_node *extends = conf_any(s->confs[s->count - 1], "extends");
        if (extends == NULL)
            return 0;
        error = open_base(s, folder, extends, names);
        if (error != 0)
            return error;
    }
}

void source_release(struct source *s)
{
    for (size_t i = 0; i < s->count; i++)
        conf_free(s->confs[i]);
    s->count = 0;
}

const struct conf_node *source_find_in(const struct source *s, size_t index, const char *path)
{
    return conf_any(s->confs[index], path);
}

const struct conf_node *source_find(const struct source *s, const char *path)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct conf_node *node = conf_any(s->confs[i], path);
        if (node != NULL)
            return node;
    }
    return NULL;
}

struct span text_word(struct span *rest)
{
    while (rest->len > 0 && (rest->at[0] == ' ' || rest->at[0] == '\t'))
        *rest = span_part(*rest, 1, SIZE_MAX);
    size_t len = 0;
    while (len < rest->len && rest->at[len] != ' ' && rest->at[len] != '\t')
        len++;
    struct span word = span_part(*rest, 0, len);
    *rest = span_part(*rest, len, SIZE_MAX);
    return word;
}

const struct conf_node *source_item(const struct source *s, const char *path, size_t index)
{
    return node_at(source_find(s, path), index);
}

static const struct conf_rule *rule_of(const char *path)
{
    for (const struct conf_rule *rule = schema; rule->path != NULL; rule++)
        if (strcmp(rule->path, path) == 0)
            return rule;
    return NULL;
}

int source_missing(struct source *s, const char *path)
{
    const struct conf_rule *rule = rule_of(path);
    return draft_error(s, "%s: expected %s, nothing is given; for example %s", path, rule->help, rule->example);
}

/* What a name in @{…} stands for: a text of `values`, nearest file first, else a field. */
static const struct conf_node *value_node(const struct source *s, struct span name)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct conf_node *values = conf_any(s->confs[i], "values");
        if (values == NULL || node_kind(values) != NODE_MAP)
            continue;
        for (size_t k = 0; k < node_size(values); k++)
            if (span_is(name, node_key_at(values, k)))
                return node_at(values, k);
    }
    for (const struct conf_rule *rule = schema; rule->path != NULL; rule++)
        if (span_is(name, rule->path))
            return source_find(s, rule->path);
    return NULL;
}

static int fill_in(struct source *s, const struct conf_node *where, struct span text, struct buf *out, unsigned depth)
{
    for (size_t at = 0; at < text.len;) {
        struct span rest = span_part(text, at, SIZE_MAX);
        const uint8_t *open = memmem(rest.at, rest.len, "@{", 2);
        if (open == NULL) {
            buf_span(out, rest);
            break;
        }
        size_t before = (size_t)(open - rest.at);
        buf_span(out, span_part(rest, 0, before));
        struct span inner = span_part(rest, before + 2, SIZE_MAX);
        struct span name = span_part(inner, 0, span_find(inner, '}'));
        const struct conf_node *value = name.len < inner.len ? value_node(s, name) : NULL;
        if (value == NULL || node_kind(value) != NODE_SCALAR)
            return node_error(where, s->error, "expected the name of a value or field between @{ and }, got \"%.*s\"",
                              (int)(name.len < 40 ? name.len : 40), (const char *)name.at);
        if (depth == 4)
            return node_error(where, s->error, "expected values nested at most 4 deep");
        int error = fill_in(s, value, node_scalar(value), out, depth + 1);
        if (error != 0)
            return error;
        at += before + 2 + name.len + 1;
    }
    return 0;
}

int source_node_text(struct source *s, const struct conf_node *node, struct span *ret)
{
    if (node_kind(node) != NODE_SCALAR)
        return node_error(node, s->error, "expected a text");
    struct span raw = node_scalar(node);
    struct buf out;
    buf_init(&out, PROFILE_TEXT_MAX);
    int error = fill_in(s, node, raw, &out, 0);
    if (error == 0 && out.error == -ERR_LIMIT)
        error = node_error(node, s->error, "expected a text of at most %d bytes", PROFILE_TEXT_MAX);
    else if (error == 0)
        error = out.error;
    if (error == 0) {
        char *copy = arena_copy(s->arena, buf_as_span(&out));
        if (copy == NULL)
            error = -ENOMEM;
        else
            *ret = span_of(copy, out.len);
    }
    buf_done(&out);
    return error;
}

int source_text(struct source *s, const char *path, const char *preset, struct span *ret)
{
    const struct conf_node *node = source_find(s, path);
    if (node != NULL)
        return source_node_text(s, node, ret);
    if (preset == NULL)
        return source_missing(s, path);
    *ret = span_text(preset);
    return 0;
}

/* Digits and a unit out of a table; -ERR_MALFORMED. */
static int parse_unit(struct span text, const char *const units[], const int64_t factors[], int64_t *ret)
{
    int64_t value = 0;
    size_t i = 0;
    for (; i < text.len && isdigit(text.at[i]); i++) {
        if (value > INT64_C(1000000000000))
            return -ERR_MALFORMED;
        value = value * 10 + (text.at[i] - '0');
    }
    if (i == 0)
        return -ERR_MALFORMED;
    struct span unit = span_part(text, i, SIZE_MAX);
    for (size_t k = 0; units[k] != NULL; k++)
        if (span_is(unit, units[k])) {
            *ret = value * factors[k];
            return 0;
        }
    return -ERR_MALFORMED;
}

int parse_size(struct span text, int64_t *ret)
{
    static const char *const units[] = {"", "K", "M", NULL};
    static const int64_t factors[] = {1, 1024, 1024 * 1024};
    return parse_unit(text, units, factors, ret);
}

static int number_of(struct source *s, const char *path, int64_t preset, int64_t min, int64_t max, int (*parse)(struct span, int64_t *), int64_t *ret)
{
    const struct conf_node *node = source_find(s, path);
    if (node == NULL && preset < 0)
        return source_missing(s, path);
    if (node == NULL) {
        *ret = preset;
        return 0;
    }
    struct span text = {0};
    int error = source_node_text(s, node, &text);
    if (error != 0)
        return error;
    int64_t value;
    if (parse(text, &value) != 0 || value < min || value > max)
        return node_error(node, s->error, "expected %s from %lld to %lld, got \"%.*s\"; for example %s", rule_of(path)->help, (long long)min,
                          (long long)max, (int)(text.len < 40 ? text.len : 40), (const char *)text.at, rule_of(path)->example);
    *ret = value;
    return 0;
}

static int parse_number(struct span text, int64_t *ret)
{
    static const char *const units[] = {"", NULL};
    static const int64_t factors[] = {1};
    return parse_unit(text, units, factors, ret);
}

static int parse_duration(struct span text, int64_t *ret)
{
    static const char *const units[] = {"ms", "s", NULL};
    static const int64_t factors[] = {USEC_PER_MSEC, USEC_PER_SEC};
    if (span_is(text, "0")) {
        *ret = 0;
        return 0;
    }
    return parse_unit(text, units, factors, ret);
}

int source_number(struct source *s, const char *path, int64_t preset, int64_t min, int64_t max, int64_t *ret)
{
    return number_of(s, path, preset, min, max, parse_number, ret);
}

int source_size(struct source *s, const char *path, int64_t preset, int64_t min, int64_t max, int64_t *ret)
{
    return number_of(s, path, preset, min, max, parse_size, ret);
}

int source_duration(struct source *s, const char *path, usec_t preset, usec_t *ret)
{
    return number_of(s, path, preset, 0, 20 * USEC_PER_SEC, parse_duration, ret);
}

int source_flag(struct source *s, const char *path, bool preset, bool *ret)
{
    const struct conf_node *node = source_find(s, path);
    if (node == NULL) {
        *ret = preset;
        return 0;
    }
    struct span text = node_kind(node) == NODE_SCALAR ? node_scalar(node) : (struct span){0};
    if (!span_is(text, "true") && !span_is(text, "false"))
        return node_error(node, s->error, "expected true or false");
    *ret = span_is(text, "true");
    return 0;
}

int source_list(struct source *s, const char *path, struct span **ret, size_t *ret_count)
{
    const struct conf_node *node = source_find(s, path);
    *ret = NULL;
    *ret_count = 0;
    if (node == NULL)
        return 0;
    if (node_kind(node) != NODE_LIST || node_size(node) > PROFILE_LIST_MAX)
        return node_error(node, s->error, "expected a list of %s, at most %d; for example %s", rule_of(path)->help, PROFILE_LIST_MAX,
                          rule_of(path)->example);
    size_t count = node_size(node);
    struct span *list = arena_alloc(s->arena, (count + 1) * sizeof *list);
    if (list == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        int error = source_node_text(s, node_at(node, i), &list[i]);
        if (error != 0)
            return error;
    }
    *ret = list;
    *ret_count = count;
    return 0;
}
