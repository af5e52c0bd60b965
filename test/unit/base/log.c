/* What reaches stderr: captured through a pipe. */
#include "check.h"

#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct buf got;
static int real_stderr = -1, captured = -1;

static void capture(void)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    captured = dup(fileno(file));
    (void)fclose(file);
    real_stderr = dup(STDERR_FILENO);
    assert_true(captured >= 0 && real_stderr >= 0);
    assert_true(dup2(captured, STDERR_FILENO) >= 0);
}

/* Ends the capture and leaves what was written in `got`. */
static void release(void)
{
    assert_true(dup2(real_stderr, STDERR_FILENO) >= 0);
    (void)close(real_stderr);
    assert_true(lseek(captured, 0, SEEK_SET) == 0);
    buf_clear(&got);
    for (ssize_t n = 1; n > 0;) {
        uint8_t *room = buf_reserve(&got, 65536);
        assert_non_null(room);
        n = read(captured, room, 65536);
        got.len += n > 0 ? (size_t)n : 0;
    }
    (void)close(captured);
}

static size_t lines(void)
{
    size_t count = 0;
    for (size_t i = 0; i < got.len; i++)
        count += got.data[i] == '\n';
    return count;
}

static void a_line_has_time_role_level_and_text(void **state)
{
    (void)state;
    log_open("edge.0", LOG_LEVEL_INFO);
    capture();
    log_debug("not shown");
    errno = ENOSPC;
    log_warning("disk is %d %% full", 93);
    assert_int_equal(errno, ENOSPC);
    release();
    const char *text = buf_cstr(&got);
    assert_int_equal(lines(), 1);
    assert_int_equal(strlen(text), strlen("2026-11-20T21:41:04.082989Z edge.0 warning: disk is 93 % full\n"));
    assert_string_equal(text + 27, " edge.0 warning: disk is 93 % full\n");
    assert_int_equal(text[26], 'Z');
}

static void foreign_bytes_forge_neither_line_nor_sequence(void **state)
{
    (void)state;
    log_open("edge.0", LOG_LEVEL_INFO);
    capture();
    log_error("login as %s", "root\n2026-11-20T21:41:04.082989Z store error: all lost\r\x1b[2J\xc2\x9b"
                             "1m\xff\xe2\x80\xae");
    release();
    assert_int_equal(lines(), 1);
    assert_non_null(
        strstr(buf_cstr(&got), "error: login as root\\n2026-11-20T21:41:04.082989Z store error: all lost\\r\\x1b[2J\\u{9B}1m\\xff\\u{202E}\n"));
    assert_null(memchr(got.data, 0x1b, got.len));
}

static void a_name_is_cut_and_escaped(void **state)
{
    (void)state;
    log_open("a\nb0123456789012345678901234567890123456789", LOG_LEVEL_INFO);
    capture();
    log_info("x");
    release();
    assert_string_equal(buf_cstr(&got) + 27, " a\\nb0123456789012345678901234567 info: x\n");
}

static void a_long_line_is_cut(void **state)
{
    (void)state;
    char *text = malloc(100001);
    assert_non_null(text);
    memset(text, 0x01, 100000); /* each byte is four when escaped */
    text[100000] = '\0';
    log_open("edge.0", LOG_LEVEL_INFO);
    capture();
    log_info("%s", text);
    release();
    assert_int_equal(lines(), 1);
    assert_int_equal(got.len, 4096);
    assert_string_equal(buf_cstr(&got) + 4096 - 5, " ...\n");
    free(text);
}

static void floods_are_held_back_and_counted(void **state)
{
    (void)state;
    log_open("edge.0", LOG_LEVEL_INFO);
    (void)usleep(1100000); /* a fresh second */
    capture();
    for (int i = 0; i < 1000; i++)
        log_info("line %d", i);
    log_error("another level is not held back");
    (void)usleep(1100000);
    log_info("after");
    log_info("and again");
    release();
    assert_in_range(lines(), 103, 203); /* the loop may fall into two seconds */
    const char *note = strstr(buf_cstr(&got), " lines held back) after\n");
    assert_non_null(note);
    assert_non_null(strstr(buf_cstr(&got), "info: and again\n"));
    assert_non_null(strstr(buf_cstr(&got), "error: another level is not held back\n"));
}

int main(void)
{
    buf_init(&got, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_time_role_level_and_text), cmocka_unit_test(foreign_bytes_forge_neither_line_nor_sequence),
        cmocka_unit_test(a_name_is_cut_and_escaped),           cmocka_unit_test(a_long_line_is_cut),
        cmocka_unit_test(floods_are_held_back_and_counted),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_done(&got);
    return failed;
}
