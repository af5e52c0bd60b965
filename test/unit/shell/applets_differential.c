/* The same lines, given to the shell and to a real BusyBox where one is installed: output, errors and status must agree. */
#include "applets_stage.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const lines[] = {
#include "applets_differential.def"
};

enum { ANSWER_MAX = 256 * 1024 };

/* Both run this in an empty folder. */
static const char *const prepare =
    "mkdir d d/e; printf 'one\\ntwo\\nthree\\n' > f; printf 'b 2\\na 10\\nc 1\\na 3\\n' > t; printf 'x:y:z\\nplain\\n1:2:3\\n' > c;"
    " printf 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\\001\\377b' > r; printf 'a\\ttab\\000nul' > n; echo '#!/bin/sh' > d/s; ln -s f l;"
    " printf 'dup\\ndup\\nUP\\nup\\n' > u; : > empty; chmod 755 d/s";

static void script_of(struct buf *script, const char *line)
{
    buf_printf(script, "(%s) </dev/null >/dev/null 2>&1; (%s ; echo \"=$?\") </dev/null 2>&1 | cat", prepare, line);
}

static int real(const char *folder, const char *line, struct buf *answer)
{
    struct buf script;
    int ends[2];
    buf_init(&script, 64 * 1024);
    script_of(&script, line);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (chdir(folder) < 0 || dup2(ends[1], 1) < 0 || dup2(ends[1], 2) < 0)
            _exit(126);
        close(ends[0]);
        close(ends[1]);
        /* No program but BusyBox itself shall be found. */
        char *const environment[] = {"PATH=/nowhere", "TZ=UTC", "HOME=/", NULL};
        execle(access("/bin/busybox", X_OK) == 0 ? "/bin/busybox" : "/usr/bin/busybox", "sh", "-c", buf_cstr(&script), (char *)NULL, environment);
        _exit(127);
    }
    close(ends[1]);
    for (;;) {
        uint8_t *room = buf_reserve(answer, 4096);
        ssize_t got = room != NULL ? read(ends[0], room, 4096) : 0;
        if (got <= 0)
            break;
        answer->len += (size_t)got;
    }
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    buf_done(&script);
    return WEXITSTATUS(status);
}

static void ours(const struct profile *profile, const char *line, struct buf *answer)
{
    struct stage s;
    struct buf script;
    assert_int_equal(stage_open(&s, profile), 0);
    buf_init(&script, 64 * 1024);
    script_of(&script, line);
    (void)stage_lines(&s, "cd /tmp/w");
    buf_clear(&s.said);
    const char *said = stage_lines(&s, buf_cstr(&script));
    size_t len = s.said.len;
    if (len >= 2 && memcmp(said + len - 2, "# ", 2) == 0)
        len -= 2;
    buf_put(answer, s.said.data, len);
    buf_done(&script);
    stage_close(&s);
}

/* Usage texts are told in words of our own: only that there is one is compared. */
static void forget_usage(struct buf *answer)
{
    const uint8_t *from = memmem(answer->data, answer->len, "BusyBox v", 9);
    const uint8_t *to = from != NULL ? memrchr(answer->data, '=', answer->len) : NULL;
    if (from == NULL || to == NULL || to < from)
        return;
    size_t start = (size_t)(from - answer->data), end = (size_t)(to - answer->data);
    memmove(answer->data + start, answer->data + end, answer->len - end);
    answer->len -= end - start;
}

static void agrees_with_busybox(void **state)
{
    (void)state;
    if (access("/usr/bin/busybox", X_OK) < 0 && access("/bin/busybox", X_OK) < 0) {
        print_message("SKIPPED: no busybox is installed\n");
        skip();
    }
    struct profile profile = whole_profile();
    profile.busybox_version = span_text("v1.35.0 (Debian)");
    profile.machine = MACHINE_X86_64;
    size_t differ = 0, count = sizeof lines / sizeof lines[0];
    for (size_t i = 0; i < count; i++) {
        char folder[] = "/tmp/noroshi-applets-XXXXXX";
        struct buf a, b;
        assert_non_null(mkdtemp(folder));
        buf_init(&a, ANSWER_MAX);
        buf_init(&b, ANSWER_MAX);
        (void)real(folder, lines[i], &a);
        ours(&profile, lines[i], &b);
        forget_usage(&a);
        forget_usage(&b);
        if (a.len != b.len || (a.len > 0 && memcmp(a.data, b.data, a.len) != 0)) {
            differ++;
            print_message("--- %s\n    busybox: %s\n    here:    %s\n", lines[i], buf_cstr(&a), buf_cstr(&b));
        }
        buf_done(&a);
        buf_done(&b);
        char command[64];
        (void)snprintf(command, sizeof command, "rm -rf %s", folder);
        assert_int_equal(system(command), 0);
    }
    print_message("%zu of %zu lines answered as BusyBox does\n", count - differ, count);
    assert_int_equal(differ, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(agrees_with_busybox)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
