/*
 * Recorded attackers: everything typed in a collection of terminal logs is given to the shell, in lines and cut as it came. None may end it in a
 * way but its own, and no command that the device has is answered "not found".
 */
#include "stage.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { LOGS_MAX = 1024, LOG_HEADER = 24, LOG_WRITE = 3, LOG_INPUT = 1 };

static uint32_t little(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* What was typed: the log's records are op, tty, length, direction, seconds, microseconds, all little-endian, then the bytes. */
static void typed(struct span log, struct buf *ret)
{
    while (log.len >= LOG_HEADER) {
        uint32_t op = little(log.at), len = little(log.at + 8), direction = little(log.at + 12);
        struct span bytes = span_part(log, LOG_HEADER, len);
        log = span_part(log, LOG_HEADER + bytes.len, log.len);
        if (op == LOG_WRITE && direction == LOG_INPUT)
            buf_span(ret, bytes);
    }
}

static bool read_file(const char *path, struct buf *ret)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return false;
    uint8_t bytes[4096];
    for (size_t got; (got = fread(bytes, 1, sizeof bytes, file)) > 0;)
        buf_put(ret, bytes, got);
    (void)fclose(file);
    return true;
}

/* The words before ": not found" and ": applet not found" of what the shell said. */
static unsigned count_missing(struct span said, const struct profile *profile)
{
    unsigned wrong = 0;
    while (said.len > 0) {
        struct span line = span_part(said, 0, span_find(said, '\n'));
        said = span_part(said, line.len + 1, said.len);
        static const char *const ends[] = {": applet not found", ": not found"};
        for (size_t i = 0; i < 2; i++) {
            size_t len = strlen(ends[i]);
            if (line.len <= len || memcmp(line.at + line.len - len, ends[i], len) != 0)
                continue;
            struct span name = span_part(line, 0, line.len - len);
            for (size_t k = name.len; k > 0; k--) {
                if (name.at[k - 1] == ' ') {
                    name = span_part(name, k, name.len);
                    break;
                }
            }
            if (profile_has_applet(profile, name)) {
                print_error("not found, though there: %.*s\n", (int)line.len, (const char *)line.at);
                wrong++;
            }
            break;
        }
    }
    return wrong;
}

static int by_span(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    size_t least = x->len < y->len ? x->len : y->len;
    int order = memcmp(x->at, y->at, least);
    return order != 0 ? order : x->len < y->len ? -1 : x->len > y->len;
}

static void recorded_attackers_are_answered(void **state)
{
    (void)state;
    char folder[1024], path[2048];
    const char *shared = getenv("NOROSHI_SHARED");
    (void)snprintf(folder, sizeof folder, "%s/data/honeypot/emansih-2021/tty", shared != NULL ? shared : ".");
    DIR *logs = opendir(folder);
    if (logs == NULL) {
        print_message("skipped: no recorded terminals at %s\n", folder);
        skip();
    }
    /* A device with every applet there is. */
    static struct span names[1024];
    size_t count = 0;
    const struct applet *const *all = applets_all(&count);
    assert_true(count < sizeof names / sizeof names[0]);
    for (size_t i = 0; i < count; i++)
        names[i] = span_text(all[i]->name);
    qsort(names, count, sizeof names[0], by_span);
    struct profile profile = stage_profile;
    profile.applets = names;
    profile.applet_count = count;
    unsigned replayed = 0, wrong = 0, lines = 0;
    for (struct dirent *entry; (entry = readdir(logs)) != NULL && replayed < LOGS_MAX;) {
        struct buf log, input;
        buf_init(&log, 64 << 20);
        buf_init(&input, 64 << 20);
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.' && read_file(path, &log))
            typed(buf_as_span(&log), &input);
        struct stage s;
        assert_int_equal(stage_open(&s, &profile), 0);
        struct span rest = buf_as_span(&input);
        while (rest.len > 0) {
            size_t len = 0;
            while (len < rest.len && rest.at[len] != '\n' && rest.at[len] != '\r')
                len++;
            buf_clear(&s.said);
            shell_line(s.shell, span_part(rest, 0, len));
            wrong += count_missing(buf_as_span(&s.said), &profile);
            rest = span_part(rest, len + 1, rest.len);
            lines++;
        }
        if (s.ended != REASON_NONE && s.ended != REASON_LOGOUT) {
            print_error("%s ended with %d\n", entry->d_name, (int)s.ended);
            wrong++;
        }
        replayed += input.len > 0;
        stage_close(&s);
        buf_done(&input);
        buf_done(&log);
    }
    (void)closedir(logs);
    print_message("%u recorded terminals, %u lines\n", replayed, lines);
    assert_true(replayed > 0);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_attackers_are_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
