/* Arguments made to cost much: every line comes to an end within its caps. */
#include "applets_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

static const char *const lines[] = {
    "seq 1 1000000000 | tail -n 1",
    "seq 1 1000000000 > /tmp/x",
    "seq 1 0 2 | head -c 10",
    "seq 1 1e-9 2 | wc -c",
    "head -c 10G /dev/zero | wc -c",
    "head -c 99999999999999999999 /dev/zero",
    "dd if=/dev/zero bs=1G count=1G of=/dev/null",
    "dd if=/dev/zero bs=1G count=1G of=/tmp/x",
    "dd if=/dev/zero bs=1G count=1G | wc -c",
    "dd if=/dev/zero of=/tmp/x seek=99999999999999 bs=99999999999 count=1",
    "yes | head -n 3",
    "yes | wc -c",
    "yes > /tmp/x",
    "printf '%1000000d' 1 | wc -c",
    "printf '%.99999999f' 1 | wc -c",
    "printf '%*d' 2147483647 1 | wc -c",
    "printf '%-2147483648d|' 1 | wc -c",
    "printf '%s%s%s%s%s%s%s%s' | wc -c",
    "cat /dev/zero | wc -c",
    "cat /dev/zero > /tmp/x",
    "cat /dev/zero | tr '\\0' 'a' | sort | uniq -c | wc -c",
    "expr 9223372036854775807 + 1",
    "expr 9223372036854775807 \\* 9223372036854775807",
    "expr 9223372036854775808 + 1",
    "expr -9223372036854775807 - 2",
    "expr -9223372036854775807 / -1",
    "[ 99999999999999999999 -gt 1 ]",
    "echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | grep -E '(a*)*b'",
    "echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | grep -E '((((a?){20}){20}){20}){20}b'",
    "echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | sed -r 's/((((((((((a*)*)*)*)*)*)*)*)*)*)c/x/g'",
    "echo aaaa | sed ':a;s/a/aa/;ta' | wc -c",
    "echo a | sed ':a;ba'",
    "echo a | sed ':a;s/$/a/;H;G;ba' | wc -c",
    "grep '\\(\\(\\(\\(\\(\\(\\(\\(\\(\\(\\(\\(\\(\\(\\(\\(\\(\\(\\(\\(\\(\\(\\(\\(\\(\\(\\(\\(a' /etc/passwd",
    "head -c 60000 /dev/zero | tr '\\0' a | grep -E 'a{255}b|a{200}c|(a|aa)*d' | wc -c",
    "head -c 300000 /dev/zero | tr '\\0' a | sed 's/a/bbbbbbbb/g' | wc -c",
    "find / -exec find / \\; | wc -c",
    "find / -exec sh -c 'find / -exec echo {} \\;' \\; | wc -c",
    "yes 'sh -c \"yes | head -n 1000\"' | head -n 100 | xargs -n 1 sh -c | wc -c",
    "yes | xargs echo | wc -c",
    "yes | xargs -n 1 xargs",
    "yes | head -n 20000 | xargs -n 1 echo | wc -c",
    "busybox busybox busybox busybox busybox busybox busybox busybox echo deep",
    "hexdump -e '999999999/999999999 \"%x\"' /bin/busybox | wc -c",
    "hexdump -e '256/4 \"%4096x\"' /bin/busybox | wc -c",
    "od -w99999999 -j 99999999999 /bin/busybox",
    "xxd -c 999999999 -g 99999 /bin/busybox | wc -c",
    "cut -c 1-99999999999 /etc/passwd",
    "cut -f 1,2,3,4,5,6,7,8,9,0 /etc/passwd",
    "tr '\\0-\\377' 'x' < /bin/busybox | wc -c",
    "fold -w 1 /bin/busybox | wc -l",
    "awk '{print $99999999999}' /etc/passwd",
    "awk '{{{{{{{{{{' /etc/passwd",
    "split -b 1 /bin/busybox",
    "strings -n 1 /bin/busybox | sort -u | wc -c",
    "md5sum /dev/zero",
    "base64 /dev/zero | wc -c",
    "sleep 99999999999",
    "usleep 99999999999999999999",
    "ping -c 4000000000 192.0.2.1 | wc -l",
    "rm -rf /* 2>/dev/null; ls",
    "mkdir -p a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/u/v/w/x/y/z/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/u/v/w/x/y/z; rm -rf a; ls a",
    "ln -s /tmp/l /tmp/l; cat /tmp/l; ls -R /tmp; rm -rf /tmp/l",
    "chmod -R 777 /; chown -R root /; du / | wc -l",
    "cp -r / /tmp/copy 2>/dev/null; ls /tmp",
    "cp -r /tmp /tmp/inside 2>/dev/null; ls /tmp/inside",
    "truncate -s 99999999999 /tmp/x; wc -c /tmp/x",
    "for i in $(seq 1 300); do echo $i > /tmp/f$i; done; ls /tmp | wc -l",
    "watch watch watch watch watch ps",
    "env env env env env env env env env env env env env env env env env env env env env env env env env env env env env env env env env env env env "
    "echo",
    "wget http://198.51.100.7/a http://198.51.100.7/a http://198.51.100.7/b; ls",
    "date '+%9999999999Y' | wc -c",
    "date -d @99999999999999999",
    "stat -c '%%%%%n%n%n%n' / /tmp",
    "sort -k 99999999999 /etc/passwd",
    "sort -k 1.99999999,2.99999999 /etc/passwd",
    "head -n 99999999999999999999999 /etc/passwd",
    "tail -c +99999999999 /etc/passwd",
    "test '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' "
    "'(' a ')'",
    "expr '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' '(' 1",
    "vi /bin/busybox | wc -c",
    "tar czf /tmp/t.tgz / ; tar xzf /tmp/t.tgz; gzip /tmp/t.tgz; ls /tmp",
};

static void every_line_ends(void **state)
{
    (void)state;
    struct profile profile = whole_profile();
    struct timespec before, after;
    double slowest = 0;
    size_t worked = 0;
    const char *name = "";
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct stage s;
        assert_int_equal(stage_open(&s, &profile), 0);
        s.now = INT64_C(1795220000) * USEC_PER_SEC;
        (void)stage_lines(&s, "cd /tmp/w");
        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
        (void)stage_lines(&s, lines[i]);
        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
        double seconds = (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
        if (seconds > slowest) {
            slowest = seconds;
            name = lines[i];
        }
        worked += s.ended == REASON_WORK;
        if (s.ended != REASON_NONE)
            print_message("    ended with %d: %s\n", (int)s.ended, lines[i]);
        if (s.ended != REASON_NONE && s.ended != REASON_WORK && s.ended != REASON_OUTPUT && s.ended != REASON_MEMORY)
            fail_msg("%s: ended with %d", lines[i], (int)s.ended);
        assert_int_equal(s.said.error, 0);
        stage_close(&s);
    }
    print_message("%zu lines, %zu used up their budget; the slowest took %.3f s: %s\n", sizeof lines / sizeof lines[0], worked, slowest, name);
#ifndef NOROSHI_SANITIZED
    assert_true(slowest < 2.0);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_line_ends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
