#include "observe/honeypot/profile_draft.h"

#include <ctype.h>
#include <stdlib.h>

/* ---- applets ---- */

struct applets {
    struct draft *draft;
    bool *wanted; /* per line of busybox.def, by order of sorted names */
    bool value;
};

static const char *const applet_names[] = {
#define BUSYBOX(name, folder, set) name,
#include "observe/honeypot/busybox.def"
#undef BUSYBOX
};

enum { APPLET_NAMES = sizeof applet_names / sizeof applet_names[0] };

static size_t applet_index(struct span name)
{
    for (size_t i = 0; i < APPLET_NAMES; i++)
        if (span_is(name, applet_names[i]))
            return i;
    return APPLET_NAMES;
}

static int want_applet(void *user, const char *applet)
{
    struct applets *a = user;
    a->wanted[applet_index(span_text(applet))] = true;
    return 0;
}

/* One file's list: sets and names add, -NAME takes away; a name alone may stand once in a list. */
static int read_applet_list(struct draft *d, const struct conf_node *list, struct applets *a)
{
    bool seen[APPLET_NAMES] = {false};
    if (node_kind(list) != NODE_LIST)
        return node_error(list, d->error, "expected a list; for example [\"@core\", \"@text\", -vi]");
    for (size_t i = 0; i < node_size(list); i++) {
        const struct conf_node *item = node_at(list, i);
        struct span text;
        int error = source_node_text(d->source, item, &text);
        if (error != 0)
            return error;
        if (text.len > 0 && text.at[0] == '@') {
            if (busybox_set(span_part(text, 1, SIZE_MAX), want_applet, a) != 0)
                return node_error(item, d->error, "expected @core, @text, @net, @server, @transfer, @admin, @archive, @files or @all");
            continue;
        }
        bool minus = text.len > 0 && text.at[0] == '-';
        size_t index = applet_index(minus ? span_part(text, 1, SIZE_MAX) : text);
        if (index == APPLET_NAMES)
            return node_error(item, d->error, "expected the name of a BusyBox applet, got \"%.*s\"", (int)(text.len < 40 ? text.len : 40),
                              (const char *)text.at);
        if (seen[index])
            return node_error(item, d->error, "%s stands here twice", applet_names[index]);
        seen[index] = true;
        a->wanted[index] = !minus;
    }
    return 0;
}

int draft_read_applets(struct draft *d)
{
    bool wanted[APPLET_NAMES] = {false};
    struct applets a = {.draft = d, .wanted = wanted};
    bool given = false;
    for (size_t i = d->source->count; i-- > 0;) {
        const struct conf_node *list = source_find_in(d->source, i, "applets");
        if (list == NULL)
            continue;
        given = true;
        int error = read_applet_list(d, list, &a);
        if (error != 0)
            return error;
    }
    if (!given)
        return source_missing(d->source, "applets");
    wanted[applet_index(span_text("busybox"))] = true;
    wanted[applet_index(span_text("sh"))] = true;
    struct span *applets = arena_alloc(d->arena, APPLET_NAMES * sizeof *applets);
    if (applets == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < APPLET_NAMES; i++) /* busybox.def is sorted */
        if (wanted[i])
            applets[d->p.applet_count++] = span_text(applet_names[i]);
    d->p.applets = applets;
    return 0;
}

/* ---- environment, answers ---- */

static int put_variable(struct draft *d, struct profile_pair *list, struct span name, struct span value)
{
    size_t at = 0;
    while (at < d->p.variable_count && !span_equal(list[at].name, name))
        at++;
    if (at == d->p.variable_count) {
        if (at == 64)
            return -ERR_LIMIT;
        d->p.variable_count++;
    }
    list[at] = (struct profile_pair){.name = draft_copy(d, name), .value = value};
    return 0;
}

int draft_read_environment(struct draft *d)
{
    struct profile_pair *list = arena_alloc(d->arena, 64 * sizeof *list);
    if (list == NULL)
        return -ENOMEM;
    const char *const presets[][2] = {
        {"USER", "root"}, {"HOME", NULL}, {"PATH", "/sbin:/usr/sbin:/bin:/usr/bin"}, {"SHELL", "/bin/sh"}, {"TERM", "vt102"}};
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++)
        (void)put_variable(d, list, span_text(presets[i][0]), presets[i][1] != NULL ? span_text(presets[i][1]) : d->p.login_home);
    for (size_t i = d->source->count; i-- > 0;) {
        const struct conf_node *map = source_find_in(d->source, i, "environment");
        if (map == NULL)
            continue;
        if (node_kind(map) != NODE_MAP)
            return node_error(map, d->error, "expected names and values; for example {TERM: vt102}");
        for (size_t k = 0; k < node_size(map); k++) {
            struct span value;
            int error = source_node_text(d->source, node_at(map, k), &value);
            if (error != 0)
                return error;
            if (put_variable(d, list, span_text(node_key_at(map, k)), value) != 0)
                return node_error(map, d->error, "expected at most 64 variables");
        }
    }
    d->p.variables = list;
    return 0;
}

static int read_answer(struct draft *d, const struct conf_node *item, struct profile_answer *ret)
{
    const struct conf_node *command = NULL, *output = NULL, *status = NULL;
    if (node_kind(item) == NODE_MAP)
        for (size_t i = 0; i < node_size(item); i++) {
            const char *key = node_key_at(item, i);
            const struct conf_node **to = strcmp(key, "command") == 0  ? &command
                                          : strcmp(key, "output") == 0 ? &output
                                          : strcmp(key, "status") == 0 ? &status
                                                                       : NULL;
            if (to == NULL)
                return node_error(node_at(item, i), d->error, "expected command, output or status");
            *to = node_at(item, i);
        }
    if (command == NULL || output == NULL)
        return node_error(item, d->error, "expected a command and its output; for example {command: version, output: \"1.0\\n\"}");
    int error = source_node_text(d->source, command, &ret->command);
    if (error == 0)
        error = source_node_text(d->source, output, &ret->output);
    struct span number = span_text("0");
    if (error == 0 && status != NULL)
        error = source_node_text(d->source, status, &number);
    int64_t value = 0;
    if (error == 0 && (parse_size(number, &value) != 0 || value > 255))
        return node_error(status, d->error, "expected a status from 0 to 255");
    ret->status = (int32_t)value;
    return error;
}

/* A nearer file's answer to the same command comes first and hides the base's. */
int draft_read_answers(struct draft *d)
{
    struct profile_answer *answers = arena_alloc(d->arena, PROFILE_LIST_MAX * sizeof *answers);
    if (answers == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < d->source->count; i++) {
        const struct conf_node *list = source_find_in(d->source, i, "answers");
        if (list == NULL)
            continue;
        if (node_kind(list) != NODE_LIST)
            return node_error(list, d->error, "expected a list of commands; for example [{command: version, output: \"1.0\\n\"}]");
        for (size_t k = 0; k < node_size(list); k++) {
            struct profile_answer answer = {0};
            int error = read_answer(d, node_at(list, k), &answer);
            if (error != 0)
                return error;
            bool hidden = false;
            for (size_t n = 0; n < d->p.answer_count; n++)
                hidden = hidden || span_equal(answers[n].command, answer.command);
            if (hidden)
                continue;
            if (d->p.answer_count == PROFILE_LIST_MAX)
                return node_error(list, d->error, "expected at most %d answers", PROFILE_LIST_MAX);
            answers[d->p.answer_count++] = answer;
        }
    }
    d->p.answers = answers;
    return 0;
}

/* ---- processes, interfaces, ports ---- */

static int parse_u32(struct span text, uint32_t *ret)
{
    int64_t value;
    if (parse_size(text, &value) != 0 || value > UINT32_MAX)
        return -ERR_MALFORMED;
    *ret = (uint32_t)value;
    return 0;
}

/* The file behind a command: what runs a busybox applet is busybox, "-sh" a login shell, a bare name lies where the files say or in /usr/bin. */
static struct span executable_of(struct draft *d, struct span command)
{
    struct span rest = command, word = text_word(&rest);
    if (word.len > 0 && word.at[word.len - 1] == ':')
        word.len--;
    if (word.len > 0 && word.at[0] == '-')
        word = span_part(word, 1, SIZE_MAX);
    if (word.len > 2 && span_starts(word, "./"))
        word = span_part(word, 2, SIZE_MAX);
    size_t slash = word.len;
    while (slash > 0 && word.at[slash - 1] != '/')
        slash--;
    if (profile_has_applet(&d->p, span_part(word, slash, SIZE_MAX)))
        return span_text("/bin/busybox");
    if (word.len > 0 && word.at[0] == '/')
        return word;
    return draft_printf(d, "/usr/bin/%.*s", (int)word.len, (const char *)word.at);
}

static int compare_processes(const void *a, const void *b)
{
    const struct profile_process *left = a, *right = b;
    return (left->pid > right->pid) - (left->pid < right->pid);
}

/* Kernel threads get the numbers after init's, the first dozen or so in a row, the later ones with gaps, as at a boot. */
static int read_threads(struct draft *d, struct profile_process *list, size_t *count)
{
    struct span *names, state;
    size_t name_count;
    int error = source_list(d->source, "kernel.threads", &names, &name_count);
    if (error == 0)
        error = source_text(d->source, "kernel.thread_state", "SW", &state);
    uint32_t pid = 2;
    bool has_parent = name_count > 0 && span_is(names[0], "kthreadd");
    for (size_t i = 0; error == 0 && i < name_count && *count < PROFILE_LIST_MAX; i++) {
        list[(*count)++] = (struct profile_process){.pid = pid,
                                                    .parent = i == 0       ? 0
                                                              : has_parent ? 2
                                                                           : 1,
                                                    .user = span_text("root"),
                                                    .state = state,
                                                    .command = draft_printf(d, "[%.*s]", (int)names[i].len, (const char *)names[i].at)};
        pid += i < 8 ? 1 : 1 + (uint32_t)(draft_random(d, "thread", i) % 5);
    }
    return error;
}

static int read_process(struct draft *d, struct span line, const struct conf_node *where, struct profile_process *ret)
{
    struct span rest = line, pid = text_word(&rest), user = text_word(&rest), size = text_word(&rest), state = text_word(&rest);
    while (rest.len > 0 && rest.at[0] == ' ')
        rest = span_part(rest, 1, SIZE_MAX);
    *ret = (struct profile_process){.parent = 1, .user = user, .state = state, .command = rest};
    if (parse_u32(pid, &ret->pid) != 0 || ret->pid == 0 || ret->pid > 32767 || parse_u32(size, &ret->size_kib) != 0 || rest.len == 0 ||
        rest.len > 512 || user.len == 0 || state.len == 0 || state.len > 4)
        return node_error(where, d->error, "expected PID USER VSZ STAT COMMAND; for example \"1 root 1284 S init\"");
    if (ret->pid == 1)
        ret->parent = 0;
    ret->executable = executable_of(d, rest);
    return 0;
}

int draft_read_processes(struct draft *d)
{
    struct span *lines, first_user = span_text("root");
    size_t line_count, count = 0;
    int error = source_list(d->source, "processes", &lines, &line_count);
    if (error != 0)
        return error;
    if (line_count == 0)
        return source_missing(d->source, "processes");
    struct profile_process *list = arena_alloc(d->arena, (PROFILE_LIST_MAX + line_count + 1) * sizeof *list);
    if (list == NULL)
        return -ENOMEM;
    error = read_threads(d, list, &count);
    uint32_t last = 0, telnet_server = 1;
    for (size_t i = 0; error == 0 && i < line_count; i++) {
        struct profile_process *process = &list[count];
        error = read_process(d, lines[i], source_item(d->source, "processes", i), process);
        if (error != 0)
            return error;
        for (size_t k = 0; k < count; k++)
            if (list[k].pid == process->pid)
                return node_error(source_item(d->source, "processes", i), d->error, "another process has number %u", (unsigned)process->pid);
        last = process->pid > last ? process->pid : last;
        if (memmem(process->command.at, process->command.len, "telnetd", 7) != NULL)
            telnet_server = process->pid;
        count++;
    }
    if (error != 0)
        return error;
    d->p.shell_pid = last + 30 + (uint32_t)(draft_random(d, "shell", 0) % 300);
    list[count++] = (struct profile_process){.pid = d->p.shell_pid,
                                             .parent = telnet_server,
                                             .size_kib = 0,
                                             .user = first_user,
                                             .state = span_text("S"),
                                             .command = span_text("-sh"),
                                             .executable = span_text("/bin/busybox")};
    for (size_t i = 0; i + 1 < count; i++) /* a shell is as large as the other busybox processes */
        if (span_is(list[i].executable, "/bin/busybox") && list[i].size_kib > list[count - 1].size_kib)
            list[count - 1].size_kib = list[i].size_kib;
    if (list[count - 1].size_kib == 0)
        list[count - 1].size_kib = 1100 + (uint32_t)(draft_random(d, "shell", 1) % 300) * 4;
    qsort(list, count, sizeof *list, compare_processes);
    d->p.processes = list;
    d->p.process_count = count;
    return 0;
}

static int read_interface(struct span line, struct profile_interface *ret)
{
    struct span rest = line, name = text_word(&rest), mac = text_word(&rest), address = text_word(&rest);
    *ret = (struct profile_interface){.name = name};
    if (name.len == 0 || name.len > 15 || mac.len != 17 || text_word(&rest).len > 0)
        return -ERR_MALFORMED;
    for (size_t i = 0; i < 6; i++) {
        unsigned value = 0;
        for (size_t k = 0; k < 2; k++) {
            uint8_t digit = mac.at[3 * i + k];
            if (!isxdigit(digit))
                return -ERR_MALFORMED;
            value = value * 16 + (unsigned)(isdigit(digit) ? digit - '0' : tolower(digit) - 'a' + 10);
        }
        ret->mac[i] = (uint8_t)value;
    }
    if (address.len == 0)
        return 0;
    size_t slash = span_find(address, '/');
    uint32_t bits;
    if (addr_parse(span_part(address, 0, slash), &ret->address) != 0 || parse_u32(span_part(address, slash + 1, SIZE_MAX), &bits) != 0 || bits > 32 ||
        !addr_is_v4(ret->address))
        return -ERR_MALFORMED;
    ret->bits = (uint8_t)bits;
    return 0;
}

static int read_ports(struct draft *d, const char *path, uint16_t *ports, size_t *ret_count)
{
    struct span *texts;
    size_t count;
    int error = source_list(d->source, path, &texts, &count);
    for (size_t i = 0; error == 0 && i < count; i++) {
        uint32_t port;
        if (i == 32 || parse_u32(texts[i], &port) != 0 || port == 0 || port > 65535)
            return node_error(source_item(d->source, path, i), d->error, "expected at most 32 ports from 1 to 65535");
        ports[i] = (uint16_t)port;
    }
    *ret_count = error == 0 ? count : 0;
    return error;
}

int draft_read_network(struct draft *d)
{
    struct span *lines, gateway;
    size_t count;
    int error = source_list(d->source, "interfaces", &lines, &count);
    if (error == 0 && count == 0)
        return source_missing(d->source, "interfaces");
    if (error == 0)
        error = source_text(d->source, "gateway", "", &gateway);
    if (error != 0)
        return error;
    struct profile_interface *list = arena_alloc(d->arena, (count + 1) * sizeof *list);
    if (list == NULL)
        return -ENOMEM;
    list[0] = (struct profile_interface){.name = span_text("lo"), .address = addr_v4(0x7f000001), .bits = 8};
    for (size_t i = 0; i < count; i++)
        if (read_interface(lines[i], &list[i + 1]) != 0)
            return node_error(source_item(d->source, "interfaces", i), d->error,
                              "expected NAME MAC and perhaps ADDRESS/BITS; for example \"eth0 02:00:00:aa:bb:cc "
                              "192.168.1.1/24\"");
    if (gateway.len > 0 && (addr_parse(gateway, &d->p.gateway) != 0 || !addr_is_v4(d->p.gateway)))
        return node_error(source_find(d->source, "gateway"), d->error, "expected an IPv4 address");
    d->p.interfaces = list;
    d->p.interface_count = count + 1;
    error = read_ports(d, "listening", d->tcp_ports, &d->tcp_count);
    return error != 0 ? error : read_ports(d, "listening_udp", d->udp_ports, &d->udp_count);
}
