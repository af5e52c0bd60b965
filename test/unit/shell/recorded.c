/*
 * Attackers' recorded input, given to the shell on several devices: nothing crashes, every session stays inside its caps, and nothing that a device
 * has is answered "not found". The recordings lie outside the project; without them this says so and skips.
 */
#include "applets_stage.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

enum { RECORDING_MAX = 4 * 1024 * 1024, LINES_MAX = 4096, OUTPUT_MAX = 4 * 1024 * 1024, SESSIONS_PER_PROFILE = 400 };

struct sums {
    size_t sessions, lines, not_found, ended, longest;
};

/* Applets of BusyBox that no device here needs to know: none. A name put here is a deliberate absence. */
static const char *const absent[] = {NULL};

static const char *data_path(const char *name, char *to, size_t size)
{
    const char *shared = getenv("NOROSHI_SHARED");
    (void)snprintf(to, size, "%s/data/honeypot/emansih-2021/%s", shared != NULL ? shared : "../shared", name);
    return to;
}

static bool read_whole(const char *path, struct buf *to)
{
    FILE *f = fopen(path, "rb");
    buf_init(to, RECORDING_MAX);
    while (f != NULL) {
        uint8_t *room = buf_reserve(to, 65536);
        size_t got = room != NULL ? fread(room, 1, 65536, f) : 0;
        if (got == 0)
            break;
        to->len += got;
    }
    if (f != NULL)
        (void)fclose(f);
    return f != NULL;
}

static uint32_t little(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* The attacker's bytes of one recording: records of six 32-bit numbers (operation, terminal, length, direction, seconds, microseconds) and data. */
static void attacker_input(struct span log, struct buf *to)
{
    buf_init(to, RECORDING_MAX);
    while (log.len >= 24) {
        uint32_t operation = little(log.at), len = little(log.at + 8), direction = little(log.at + 12);
        struct span data = span_part(log, 24, len);
        if (operation == 3 && direction != 2)
            buf_span(to, data);
        log = span_part(log, 24 + data.len, SIZE_MAX);
    }
}

/* "-sh: NAME: not found", "NAME: applet not found": a device must not say so of what it has. */
static size_t wrongly_missing(const struct profile *profile, struct span said)
{
    size_t wrong = 0;
    while (said.len > 0) {
        size_t len = span_find(said, '\n');
        struct span line = span_part(said, 0, len);
        said = span_part(said, len + 1, SIZE_MAX);
        static const char *const ends[] = {": applet not found", ": not found"};
        for (size_t i = 0; i < 2; i++) {
            size_t tail = strlen(ends[i]);
            if (line.len <= tail || !span_is(span_part(line, line.len - tail, tail), ends[i]))
                continue;
            struct span name = span_part(line, 0, line.len - tail);
            size_t at = name.len;
            while (at > 0 && name.at[at - 1] != ' ' && name.at[at - 1] != '/')
                at--;
            /* A path is another matter: /ip is no applet. */
            bool path = at > 0 && name.at[at - 1] == '/';
            name = span_part(name, at, SIZE_MAX);
            if (!path && profile_has_applet(profile, name)) {
                print_message("%.*s has %.*s, but says: %.*s\n", (int)profile->name.len, (const char *)profile->name.at, (int)name.len,
                              (const char *)name.at, (int)line.len, (const char *)line.at);
                wrong++;
            }
            break;
        }
    }
    return wrong;
}

static void drive(struct stage *s, struct span input, struct sums *sums)
{
    size_t count = 0;
    shell_greet(s->shell);
    while (input.len > 0 && s->ended == REASON_NONE && count < LINES_MAX) {
        size_t len = 0;
        while (len < input.len && input.at[len] != '\n' && input.at[len] != '\r')
            len++;
        struct span line = span_part(input, 0, len);
        input = span_part(input, len + 1, SIZE_MAX);
        count++;
        if (line.len == 1 && line.at[0] == 4)
            shell_end_of_file(s->shell);
        else if (line.len > 0 && line.at[0] == 3)
            shell_interrupt(s->shell);
        else if (line.len <= SHELL_LINE_MAX)
            shell_line(s->shell, line);
        for (unsigned turns = 0; turns < 4096 && s->ended == REASON_NONE; turns++) {
            size_t before = s->said.len;
            shell_more(s->shell);
            if (s->said.len == before)
                break;
        }
    }
    sums->lines += count;
}

static size_t session(const struct profile *profile, struct span input, struct sums *sums)
{
    struct stage s;
    assert_int_equal(stage_open(&s, profile), 0);
    s.now = INT64_C(1795220000) * USEC_PER_SEC;
    drive(&s, input, sums);
    assert_true(s.said.len < OUTPUT_MAX);
    assert_int_equal(s.said.error, 0);
    assert_true(s.ended == REASON_NONE || s.ended == REASON_LOGOUT);
    size_t wrong = wrongly_missing(profile, buf_as_span(&s.said));
    sums->sessions++;
    sums->ended += s.ended != REASON_NONE;
    sums->longest = s.said.len > sums->longest ? s.said.len : sums->longest;
    stage_close(&s);
    return wrong;
}

/* The device of the tests, and some of those shipped. */
struct devices {
    struct buf image;
    struct profiles *profiles;
    struct profile whole;
};

static void devices_open(struct devices *d)
{
    const char *source = getenv("NOROSHI_SOURCE");
    char folder[512];
    struct conf_error error = {0};
    *d = (struct devices){.whole = whole_profile()};
    buf_init(&d->image, 0);
    (void)snprintf(folder, sizeof folder, "%s/conf/profiles", source != NULL ? source : ".");
    if (profiles_compile(folder, &d->image, &error) < 0)
        print_message("no shipped profiles: %s\n", error.text);
    else
        assert_int_equal(profiles_open(&d->profiles, buf_as_span(&d->image)), 0);
}

static void devices_close(struct devices *d)
{
    if (d->profiles != NULL)
        profiles_close(d->profiles);
    buf_done(&d->image);
}

/* The n-th device: the tests' own, then every eighth of those shipped. */
static const struct profile *device(const struct devices *d, size_t n)
{
    if (n == 0)
        return &d->whole;
    return d->profiles != NULL && (n - 1) * 8 < profiles_count(d->profiles) ? profiles_at(d->profiles, (n - 1) * 8) : NULL;
}

static void recorded_sessions(void **state)
{
    (void)state;
    char path[1024];
    DIR *folder = opendir(data_path("tty", path, sizeof path));
    if (folder == NULL) {
        print_message("SKIPPED: no recordings at %s\n", path);
        skip();
    }
    struct devices devices;
    struct sums sums = {0};
    size_t wrong = 0, recordings = 0, profiles = 0;
    devices_open(&devices);
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char file[1400];
        struct buf log, input;
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        if (!read_whole(file, &log))
            continue;
        attacker_input(buf_as_span(&log), &input);
        recordings++;
        for (profiles = 0; device(&devices, profiles) != NULL; profiles++)
            wrong += session(device(&devices, profiles), buf_as_span(&input), &sums);
        buf_done(&log);
        buf_done(&input);
    }
    (void)closedir(folder);
    devices_close(&devices);
    print_message(
        "%zu recordings on %zu devices: %zu sessions, %zu lines, %zu left by the attacker, longest answer %zu bytes, %zu wrongly not found\n",
        recordings, profiles, sums.sessions, sums.lines, sums.ended, sums.longest, wrong);
    assert_true(recordings >= 264);
    assert_int_equal(wrong, 0);
}

/* The command of a line `"CMD: …"`, escapes of the log resolved; false when it is none. */
static bool logged_command(struct span line, struct buf *to)
{
    static const char mark[] = "\"CMD: ";
    buf_init(to, SHELL_LINE_MAX);
    if (line.len < sizeof mark || !span_starts(line, mark))
        return false;
    struct span text = span_part(line, sizeof mark - 1, line.len - sizeof mark);
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '\\' && i + 1 < text.len)
            i++;
        buf_byte(to, text.at[i]);
    }
    return true;
}

static int compare_lines(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    size_t len = x->len < y->len ? x->len : y->len;
    int order = len > 0 ? memcmp(x->at, y->at, len) : 0;
    return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

static void recorded_commands(void **state)
{
    (void)state;
    char path[1024];
    struct buf log;
    if (!read_whole(data_path("cowrie_cmd.txt", path, sizeof path), &log)) {
        print_message("SKIPPED: no commands at %s\n", path);
        skip();
    }
    enum { LOG_LINES_MAX = 200000 };
    struct span rest = buf_as_span(&log), *all = calloc(LOG_LINES_MAX, sizeof *all);
    assert_non_null(all);
    size_t count = 0, wrong = 0, distinct = 0;
    for (; rest.len > 0 && count < LOG_LINES_MAX; count++) {
        size_t len = span_find(rest, '\n');
        all[count] = span_part(rest, 0, len);
        rest = span_part(rest, len + 1, SIZE_MAX);
    }
    qsort(all, count, sizeof *all, compare_lines);
    struct devices devices;
    struct sums sums = {0};
    devices_open(&devices);
    for (size_t i = 0; i < count; i++) {
        struct buf command;
        if (i > 0 && span_equal(all[i], all[i - 1]))
            continue;
        if (logged_command(all[i], &command)) {
            distinct++;
            for (size_t n = 0; n < 3 && device(&devices, n) != NULL; n++)
                wrong += session(device(&devices, n), buf_as_span(&command), &sums);
        }
        buf_done(&command);
    }
    print_message("%zu distinct of %zu lines: %zu sessions, longest answer %zu bytes, %zu wrongly not found\n", distinct, count, sums.sessions,
                  sums.longest, wrong);
    devices_close(&devices);
    free(all);
    buf_done(&log);
    assert_true(distinct > 500);
    assert_int_equal(wrong, 0);
}

static bool is_absent(const char *name)
{
    for (size_t i = 0; absent[i] != NULL; i++)
        if (strcmp(absent[i], name) == 0)
            return true;
    return false;
}

static void all_of_busybox_is_known(void **state)
{
    (void)state;
    FILE *list = access("/usr/bin/busybox", X_OK) == 0 || access("/bin/busybox", X_OK) == 0 ? popen("busybox --list", "r") : NULL;
    if (list == NULL) {
        print_message("SKIPPED: no busybox is installed\n");
        skip();
    }
    char name[128];
    size_t count = 0, missing = 0;
    while (fgets(name, sizeof name, list) != NULL) {
        name[strcspn(name, "\n")] = '\0';
        count++;
        const struct applet *applet = applet_by_name(span_text(name));
        if (applet == NULL && !is_absent(name)) {
            print_message("not known: %s\n", name);
            missing++;
        }
    }
    (void)pclose(list);
    print_message("%zu applets of BusyBox, %zu not known\n", count, missing);
    assert_true(count > 200);
    assert_int_equal(missing, 0);
}

static void every_listed_applet_answers(void **state)
{
    (void)state;
    /* What a shipped device lists is known too, and can be called without arguments, with --help and with nonsense. */
    struct devices devices;
    devices_open(&devices);
    size_t called = 0;
    const struct profile *p = &devices.whole;
    for (size_t i = 0; i < p->applet_count; i++) {
        static const char *const forms[] = {"/bin/busybox %.*s </dev/null", "/bin/busybox %.*s --help </dev/null",
                                            "/bin/busybox %.*s -a nowhere x </dev/null", "echo true | /bin/busybox %.*s | /bin/busybox %.*s -"};
        for (size_t f = 0; f < 4; f++) {
            struct stage s;
            struct buf line;
            buf_init(&line, 4096);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            buf_printf(&line, forms[f], (int)p->applets[i].len, (const char *)p->applets[i].at, (int)p->applets[i].len,
                       (const char *)p->applets[i].at);
#pragma GCC diagnostic pop
            assert_int_equal(stage_open(&s, p), 0);
            const char *said = stage_lines(&s, buf_cstr(&line));
            if (wrongly_missing(p, span_text(said)) > 0)
                fail_msg("%s: %s", buf_cstr(&line), said);
            called++;
            stage_close(&s);
            buf_done(&line);
        }
    }
    for (size_t n = 0; devices.profiles != NULL && n < profiles_count(devices.profiles); n++)
        for (size_t i = 0; i < profiles_at(devices.profiles, n)->applet_count; i++) {
            struct span name = profiles_at(devices.profiles, n)->applets[i];
            if (applet_by_name(name) == NULL)
                fail_msg("%.*s is listed but not known", (int)name.len, (const char *)name.at);
        }
    print_message("%zu calls\n", called);
    devices_close(&devices);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(recorded_sessions), cmocka_unit_test(recorded_commands),
                                       cmocka_unit_test(all_of_busybox_is_known), cmocka_unit_test(every_listed_applet_answers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
