/* The supervisor with roles that only pretend (fakes.h): start, stop, deaths, reload. */
#include "process/supervisor.h"

#include "fakes.h"
#include "process/child.h"
#include "process/solo.h"
#include "settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- a supervisor under test, in a process of its own ---- */

struct run {
    char root[48], data[96], file[96];
    unsigned port;
    pid_t pid;
    int log_fd;
    char log[65536];
    size_t log_len;
};

/* A free port, one after the other below the ephemeral range. */
static unsigned next_port(void)
{
    static unsigned port;
    if (port == 0)
        port = 20000 + (unsigned)getpid() % 9000;
    return port++;
}

static void write_settings(struct run *r, const char *name, const char *more)
{
    FILE *file = fopen(r->file, "we");
    assert_non_null(file);
    assert_true(fprintf(file, "sensor: {name: %s}\nservices:\n  - {service: telnet, listen: \"127.0.0.1:%u\"}\n%s", name, r->port, more) > 0);
    assert_int_equal(fclose(file), 0);
}

static int read_settings(void *user, struct conf **ret, struct conf_error *error)
{
    struct run *r = user;
    int code = conf_load(ret, r->file, settings_schema(), error);
    if (code != 0)
        return code;
    char assignment[128];
    (void)snprintf(assignment, sizeof assignment, "store.folder=%s", r->data);
    return conf_override(*ret, assignment, error);
}

static void prepare(struct run *r, const char *name, const char *more)
{
    *r = (struct run){.port = next_port()};
    (void)snprintf(r->root, sizeof r->root, "/tmp/noroshi-supervisor-XXXXXX");
    assert_non_null(mkdtemp(r->root));
    assert_int_equal(chmod(r->root, 0755), 0);
    (void)snprintf(r->data, sizeof r->data, "%s/data", r->root);
    (void)snprintf(r->file, sizeof r->file, "%s/noroshi.yaml", r->root);
    write_settings(r, name, more);
}

static void launch(struct run *r)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    r->log_len = 0;
    r->pid = fork();
    assert_true(r->pid >= 0);
    if (r->pid == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        log_open("noroshi", LOG_LEVEL_INFO);
        struct conf *settings;
        struct conf_error error;
        if (read_settings(r, &settings, &error) != 0) {
            log_error("%s", error.text);
            _exit(99);
        }
        struct supervision how = {.settings = settings, .reload = read_settings, .user = r};
        int status = supervise(&how);
        conf_free(settings);
        _exit(status);
    }
    assert_int_equal(close(ends[1]), 0);
    r->log_fd = ends[0];
}

/* Reads the log until `text` came `count` times in it. */
static bool await(struct run *r, const char *text, unsigned count)
{
    for (unsigned turn = 0; turn < 1000; turn++) {
        unsigned seen = 0;
        for (const char *at = r->log; (at = strstr(at, text)) != NULL; at++)
            seen++;
        if (seen >= count)
            return true;
        struct pollfd p = {.fd = r->log_fd, .events = POLLIN};
        if (poll(&p, 1, 10) != 1)
            continue;
        ssize_t n = read(r->log_fd, r->log + r->log_len, sizeof r->log - 1 - r->log_len);
        if (n <= 0)
            return false;
        r->log_len += (size_t)n;
        r->log[r->log_len] = '\0';
    }
    return false;
}

static void must(struct run *r, const char *text, unsigned count)
{
    if (!await(r, text, count))
        fail_msg("\"%s\" did not come %u times; the log:\n%s", text, count, r->log);
}

static void start(struct run *r, const char *name, const char *more)
{
    prepare(r, name, more);
    launch(r);
    must(r, "ready\n", 1);
}

/* Lines that tell of trouble; that a role ends in order is none. */
static unsigned lines(const struct run *r)
{
    unsigned count = 0;
    for (size_t i = 0; i < r->log_len; i++)
        count += r->log[i] == '\n';
    for (const char *at = r->log; (at = strstr(at, " info: ends\n")) != NULL; at++)
        count--;
    return count;
}

static int finish(struct run *r)
{
    int status;
    (void)await(r, "never said", 1); /* to the end of the log */
    assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
    assert_int_equal(close(r->log_fd), 0);
    char command[96];
    (void)snprintf(command, sizeof command, "rm -rf %s", r->root);
    assert_int_equal(system(command), 0); /* a name made by mkdtemp */
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int stop(struct run *r)
{
    assert_int_equal(kill(r->pid, SIGTERM), 0);
    int status = finish(r);
    if (status != 0)
        (void)printf("%s", r->log);
    return status;
}

static int connect_to(unsigned port)
{
    const struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (const struct sockaddr *)&at, sizeof at) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

struct answer {
    unsigned edge;
    int edge_pid, store_pid;
};

/* Tries until an answer comes: what died meanwhile is started again. */
static struct answer ask(unsigned port)
{
    for (unsigned turn = 0; turn < 200; turn++) {
        char text[64] = "";
        struct answer answer;
        int fd = connect_to(port);
        struct timeval patience = {.tv_sec = 2};
        if (fd >= 0) {
            (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
            ssize_t n = read(fd, text, sizeof text - 1);
            (void)close(fd);
            if (n > 0 && sscanf(text, "%u %d %d", &answer.edge, &answer.edge_pid, &answer.store_pid) == 3)
                return answer;
        }
        (void)poll(NULL, 0, 20);
    }
    fail_msg("no answer on port %u", port);
    return (struct answer){0};
}

/* ---- the tests ---- */

static void back_off_doubles_and_forgets(void **state)
{
    (void)state;
    uint64_t wait = 0;
    const uint64_t expected[] = {100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_int_equal(wait = child_backoff(wait, USEC_PER_SEC), expected[i]);
    assert_int_equal(child_backoff(wait, 59 * USEC_PER_SEC), 10000);
    assert_int_equal(child_backoff(wait, 60 * USEC_PER_SEC), 100);
}

static void starts_serves_and_stops_in_order(void **state)
{
    (void)state;
    struct run r;
    start(&r, "plain", "process: {edges: 2}\n");
    struct answer answer = ask(r.port);
    assert_true(answer.edge_pid != answer.store_pid);
    assert_int_equal(stop(&r), 0);
    assert_non_null(strstr(r.log, "edge.0 info: ends"));
    const char *edge = strstr(r.log, "edge.1 info: ends"), *analyse = strstr(r.log, "analyse.0 info: ends");
    const char *store = strstr(r.log, "store.0 info: ends");
    assert_true(edge != NULL && analyse != NULL && store != NULL);
    assert_true(edge < analyse && strstr(r.log, "edge.0 info: ends") < analyse && analyse < store);
    assert_int_equal(kill(answer.store_pid, 0), -1);
}

static void journals_are_made_and_allocated(void **state)
{
    (void)state;
    struct run r;
    start(&r, "plain", "journal: {ring: 6M}\n");
    char path[160];
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/journal/edge-0.ring", r.data);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 6 * 1024 * 1024);
    assert_true(st.st_blocks * 512 >= 6 * 1024 * 1024);
    (void)snprintf(path, sizeof path, "%s/journal/edge-0.spool", r.data);
    assert_int_equal(stat(path, &st), 0);
    (void)snprintf(path, sizeof path, "%s/control", r.data);
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stop(&r), 0);
}

static void any_role_may_die(void **state)
{
    (void)state;
    struct run r;
    start(&r, "plain", "");
    struct answer before = ask(r.port);
    assert_int_equal(kill(before.edge_pid, SIGKILL), 0);
    must(&r, "edge.0 killed by signal 9 (Killed); starting it again", 1);
    struct answer after = ask(r.port);
    assert_true(after.edge_pid != before.edge_pid);
    assert_int_equal(after.store_pid, before.store_pid);
    assert_int_equal(kill(before.store_pid, SIGKILL), 0);
    must(&r, "store.0 killed by signal 9 (Killed); starting it again", 1);
    struct answer last = ask(r.port);
    assert_int_equal(last.edge_pid, after.edge_pid);
    assert_true(last.store_pid != after.store_pid);
    assert_int_equal(stop(&r), 0);
    const char *first = strstr(r.log, "ready\n");
    assert_null(strstr(first + 1, "ready\n"));
}

static void a_waiting_connection_survives_the_edge(void **state)
{
    (void)state;
    struct run r;
    start(&r, "plain", "");
    struct answer before = ask(r.port);
    assert_int_equal(kill(before.edge_pid, SIGSTOP), 0);
    int fd = connect_to(r.port); /* accepted by the kernel, by no edge */
    assert_true(fd >= 0);
    assert_int_equal(kill(before.edge_pid, SIGKILL), 0);
    char text[64] = "";
    assert_true(read(fd, text, sizeof text - 1) > 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(stop(&r), 0);
}

static void a_peer_that_breaks_the_rules_is_ended(void **state)
{
    (void)state;
    struct run r;
    prepare(&r, "accuses", "");
    launch(&r);
    must(&r, "edge.0 broke the rules of its channel to store.0", 2);
    (void)stop(&r);
    assert_non_null(strstr(r.log, "edge.0 killed by signal 9 (Killed)"));
}

/* One line, this status. */
static void expect_failure(const char *name, const char *more, int status, const char *line)
{
    struct run r;
    prepare(&r, name, more);
    launch(&r);
    int got = finish(&r);
    if (got != status || lines(&r) != 1 || strstr(r.log, line) == NULL)
        fail_msg("expected status %d and \"%s\", got %d and:\n%s", status, line, got, r.log);
}

static void failures_at_the_start_are_one_line(void **state)
{
    (void)state;
    expect_failure("store-fails", "", 1, "store.0: control.db is not a database");
    expect_failure("edge-fails", "", 1, "edge.0: no device profile");
    expect_failure("plain", "honeypot: {profiles: broken}\n", 2, "broken/a.yaml:3: hostname: expected text");
    expect_failure("plain", "  - {service: gopher, listen: \"127.0.0.1:70\"}\n", 2, "got \"gopher\"");
    if (geteuid() == 0)
        expect_failure("plain", "process: {user: no-such-user}\n", 2, "no user \"no-such-user\"");
    else
        expect_failure("plain", "  - {service: telnet, listen: \"127.0.0.1:23\"}\n", 1, "Permission denied; ports below 1024 need root");
}

static void a_port_in_use_is_one_line(void **state)
{
    (void)state;
    struct run r, other;
    prepare(&r, "plain", "");
    prepare(&other, "plain", "");
    other.port = r.port;
    write_settings(&other, "plain", "");
    launch(&r);
    must(&r, "ready\n", 1);
    launch(&other);
    assert_int_equal(finish(&other), 1);
    assert_int_equal(lines(&other), 1);
    assert_non_null(strstr(other.log, "Address already in use; stop the program that uses it or listen elsewhere"));
    assert_int_equal(stop(&r), 0);
}

static void a_folder_in_use_is_one_line(void **state)
{
    (void)state;
    struct run r, other;
    start(&r, "plain", "");
    other = r;
    other.port = next_port();
    launch(&other);
    int status;
    must(&other, "in use by another process", 1);
    assert_int_equal(waitpid(other.pid, &status, 0), other.pid);
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_int_equal(lines(&other), 1);
    assert_int_equal(close(other.log_fd), 0);
    assert_int_equal(stop(&r), 0);
}

static void a_folder_that_is_none_is_one_line(void **state)
{
    (void)state;
    struct run r;
    prepare(&r, "plain", "");
    (void)snprintf(r.data, sizeof r.data, "%s/noroshi.yaml/data", r.root);
    launch(&r);
    assert_int_equal(finish(&r), 1);
    assert_int_equal(lines(&r), 1);
    assert_non_null(strstr(r.log, "can't be made: Not a directory; choose another with --data DIR"));
}

static void a_strange_folder_is_not_taken_over(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    struct run r;
    prepare(&r, "plain", "");
    (void)snprintf(r.data, sizeof r.data, "%s", r.root); /* root's, and holds noroshi.yaml */
    launch(&r);
    assert_int_equal(finish(&r), 1);
    assert_non_null(strstr(r.log, "holds \"noroshi.yaml\", which is not Noroshi's"));
}

static void a_role_that_keeps_dying_ends_the_start(void **state)
{
    (void)state;
    struct run r;
    prepare(&r, "crashes", "");
    launch(&r);
    assert_int_equal(finish(&r), 1);
    assert_non_null(strstr(r.log, "store.0 can't be started"));
}

static void a_role_that_hangs_is_killed(void **state)
{
    (void)state;
    struct run r;
    start(&r, "hangs", "process: {stop_timeout: 1s}\n");
    assert_int_equal(stop(&r), 1);
    assert_non_null(strstr(r.log, "edge.0 did not end in time"));
    assert_non_null(strstr(r.log, "store.0 info: ends"));
}

static void a_second_signal_kills(void **state)
{
    (void)state;
    struct run r;
    start(&r, "hangs", "process: {stop_timeout: 60s}\n");
    assert_int_equal(kill(r.pid, SIGINT), 0);
    must(&r, "stopping", 1);
    assert_int_equal(kill(r.pid, SIGTERM), 0); /* the same wish, delivered twice: nothing happens */
    usleep(1100 * 1000);
    assert_null(strstr(r.log, "a second time"));
    assert_int_equal(stop(&r), 1);
    assert_non_null(strstr(r.log, "a second time"));
}

static void roles_end_with_their_supervisor(void **state)
{
    (void)state;
    struct run r;
    start(&r, "plain", "process: {stop_timeout: 1s}\n");
    struct answer answer = ask(r.port);
    assert_int_equal(kill(r.pid, SIGKILL), 0);
    int status;
    assert_int_equal(waitpid(r.pid, &status, 0), r.pid);
    must(&r, "edge.0 info: ends", 1);
    must(&r, "store.0 info: ends", 1);
    /* The next one takes over, be the lock held by a dying store or not. */
    assert_int_equal(close(r.log_fd), 0);
    r.log[0] = '\0';
    launch(&r);
    must(&r, "ready\n", 1);
    assert_true(ask(r.port).store_pid != answer.store_pid);
    assert_int_equal(stop(&r), 0);
}

static void reload_starts_new_edges_and_drains_the_old(void **state)
{
    (void)state;
    struct run r;
    start(&r, "plain", "");
    struct answer before = ask(r.port);
    unsigned old_port = r.port;
    r.port = next_port();
    write_settings(&r, "other", "");
    assert_int_equal(kill(r.pid, SIGHUP), 0);
    must(&r, "info: reloaded", 1);
    must(&r, "edge.0 info: drains", 1);
    struct answer after = ask(r.port);
    assert_true(after.edge_pid != before.edge_pid);
    assert_int_equal(after.edge, 1);
    int fd = connect_to(old_port);
    for (unsigned turn = 0; turn < 100 && fd >= 0; turn++) {
        (void)close(fd);
        (void)poll(NULL, 0, 20);
        fd = connect_to(old_port);
    }
    assert_int_equal(fd, -1);
    /* And back, on the slot that became free. */
    r.port = old_port;
    write_settings(&r, "plain", "process: {edges: 2}\n");
    assert_int_equal(kill(r.pid, SIGHUP), 0);
    must(&r, "info: reloaded", 2);
    (void)ask(r.port);
    assert_int_equal(stop(&r), 0);
}

static void journals_of_an_earlier_run_are_emptied(void **state)
{
    (void)state;
    struct run r;
    start(&r, "plain", "process: {edges: 3}\n");
    assert_int_equal(kill(r.pid, SIGKILL), 0);
    int status;
    assert_int_equal(waitpid(r.pid, &status, 0), r.pid);
    must(&r, "edge.2 info: ends", 1);
    assert_int_equal(close(r.log_fd), 0);
    r.log[0] = '\0';
    write_settings(&r, "plain", "");
    launch(&r);
    must(&r, "ready\n", 1);
    must(&r, "edge.1 info: drains", 1);
    must(&r, "edge.2 info: drains", 1);
    (void)ask(r.port);
    assert_int_equal(stop(&r), 0);
    assert_null(strstr(r.log, "edge.0 info: drains"));
}

static void a_bad_reload_changes_nothing(void **state)
{
    (void)state;
    struct run r;
    start(&r, "plain", "");
    struct answer before = ask(r.port);
    write_settings(&r, "plain", "process: {edges: many}\n");
    assert_int_equal(kill(r.pid, SIGHUP), 0);
    must(&r, "error: not reloaded: ", 1);
    write_settings(&r, "plain", "honeypot: {profiles: broken}\n");
    assert_int_equal(kill(r.pid, SIGHUP), 0);
    must(&r, "not reloaded: broken/a.yaml:3", 1);
    write_settings(&r, "edge-fails", "");
    assert_int_equal(kill(r.pid, SIGHUP), 0);
    must(&r, "not reloaded: edge.1: no device profile", 1);
    struct answer after = ask(r.port);
    assert_int_equal(after.edge_pid, before.edge_pid);
    assert_int_equal(after.store_pid, before.store_pid);
    assert_int_equal(stop(&r), 0);
}

static void systemd_is_told(void **state)
{
    (void)state;
    struct run r;
    prepare(&r, "plain", "");
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    (void)snprintf(at.sun_path, sizeof at.sun_path, "%s/notify", r.root);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", at.sun_path, 1), 0);
    launch(&r);
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
    char text[128] = "";
    assert_true(recv(fd, text, sizeof text - 1, 0) > 0);
    assert_non_null(strstr(text, "READY=1"));
    must(&r, "ready\n", 1);
    assert_int_equal(stop(&r), 0);
    memset(text, 0, sizeof text);
    assert_true(recv(fd, text, sizeof text - 1, 0) > 0);
    assert_non_null(strstr(text, "STOPPING=1"));
    assert_int_equal(close(fd), 0);
}

static void ignore_message(struct channel *c, void *user, enum message message, struct span body, int *fds, size_t fd_count)
{
    (void)c, (void)body, (void)fds, (void)fd_count;
    *(unsigned *)user += message == MESSAGE_ACK;
}

static void a_store_alone_serves_one_writer(void **state)
{
    (void)state;
    static const struct channel_events events = {.message = ignore_message};
    struct run r;
    prepare(&r, "plain", "");
    struct conf *settings;
    struct conf_error error;
    assert_int_equal(read_settings(&r, &settings, &error), 0);
    struct buf why;
    buf_init(&why, 512);
    struct solo *solo = NULL, *second = NULL;
    int code = solo_start_store(&solo, settings, NULL, &why);
    if (code != 0)
        fail_msg("%s", buf_cstr(&why));
    struct channel *c;
    unsigned acks = 0;
    assert_int_equal(channel_new(&c, NULL, solo_take_channel(solo), PARTY_CLIENT, PARTY_STORE, &events, &acks), 0);
    assert_int_equal(solo_take_channel(solo), -1);
    assert_int_equal(channel_send(c, MESSAGE_RECORDS, span_of("123456789", 9), NULL, 0), 0);
    assert_int_equal(channel_receive(c, 5000), 0);
    assert_int_equal(acks, 1);
    assert_int_equal(solo_start_store(&second, settings, NULL, &why), -ERR_BUSY);
    assert_non_null(strstr(buf_cstr(&why), "in use by another process"));
    channel_free(c);
    buf_clear(&why);
    assert_int_equal(solo_stop(solo, &why), 0);
    /* And the lock is free again. */
    launch(&r);
    must(&r, "ready\n", 1);
    assert_int_equal(solo_start_store(&second, settings, NULL, &why), -ERR_BUSY);
    assert_int_equal(stop(&r), 0);
    buf_done(&why);
    conf_free(settings);
}

static void a_store_alone_says_why_it_fails(void **state)
{
    (void)state;
    struct run r;
    prepare(&r, "store-fails", "");
    struct conf *settings;
    struct conf_error error;
    assert_int_equal(read_settings(&r, &settings, &error), 0);
    struct buf why;
    buf_init(&why, 512);
    struct solo *solo = NULL;
    assert_int_equal(solo_start_store(&solo, settings, NULL, &why), -ERR_STORE);
    assert_string_equal(buf_cstr(&why), "store.0: control.db is not a database");
    assert_int_equal(solo_stop(solo, NULL), 0);
    buf_done(&why);
    conf_free(settings);
    char command[96];
    (void)snprintf(command, sizeof command, "rm -rf %s", r.root);
    assert_int_equal(system(command), 0);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--role") == 0)
        return role_main(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(back_off_doubles_and_forgets),
        cmocka_unit_test(starts_serves_and_stops_in_order),
        cmocka_unit_test(journals_are_made_and_allocated),
        cmocka_unit_test(any_role_may_die),
        cmocka_unit_test(a_waiting_connection_survives_the_edge),
        cmocka_unit_test(a_peer_that_breaks_the_rules_is_ended),
        cmocka_unit_test(failures_at_the_start_are_one_line),
        cmocka_unit_test(a_port_in_use_is_one_line),
        cmocka_unit_test(a_folder_in_use_is_one_line),
        cmocka_unit_test(a_folder_that_is_none_is_one_line),
        cmocka_unit_test(a_strange_folder_is_not_taken_over),
        cmocka_unit_test(a_role_that_keeps_dying_ends_the_start),
        cmocka_unit_test(a_role_that_hangs_is_killed),
        cmocka_unit_test(a_second_signal_kills),
        cmocka_unit_test(roles_end_with_their_supervisor),
        cmocka_unit_test(reload_starts_new_edges_and_drains_the_old),
        cmocka_unit_test(journals_of_an_earlier_run_are_emptied),
        cmocka_unit_test(a_bad_reload_changes_nothing),
        cmocka_unit_test(systemd_is_told),
        cmocka_unit_test(a_store_alone_serves_one_writer),
        cmocka_unit_test(a_store_alone_says_why_it_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
