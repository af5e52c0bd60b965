/*
 * Requests inside the walls of the role that goes out: no file, no thread, no socket but the one it was given. The servers run outside; what
 * the walled child fetches, over HTTP and TLS, is told by its exit status.
 */
#include "outside/fetch.h"
#include "base/err.h"
#include "process/confine.h"
#include "site.h"

#include <errno.h>
#include <linux/landlock.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern const struct role role_reach; /* its own walls */

/* The table of roles has this one alone. */
const struct role *role_by_name(struct span name)
{
    return span_is(name, role_reach.name) ? &role_reach : NULL;
}

const struct role *const *roles_all(size_t *ret_count)
{
    static const struct role *const all[] = {&role_reach};
    *ret_count = 1;
    return all;
}

enum { WALL_FAILED = 90, NO_CLIENT = 91, NO_START = 92, NOT_WHOLE = 100 };

struct got {
    bool over;
    enum fetch_ending ending;
    size_t len;
    char detail[256];
};

static void on_done(void *client_user, void *request_user, const struct fetch_result *result)
{
    struct got *got = request_user;
    (void)client_user;
    got->over = true;
    got->ending = result->ending;
    got->len = result->body.len;
    (void)snprintf(got->detail, sizeof got->detail, "%s", result->detail);
}

static void say_page(struct site_peer *p, void *user)
{
    (void)user;
    (void)site_hear(p);
    site_text(p, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello");
}

static void fetch_one(struct fetch_client *client, const char *text, struct endpoint to, bool verify, struct got *got)
{
    struct fetch_url url;
    struct sockaddr_storage sa;
    socklen_t len = endpoint_to_sockaddr(to, &sa);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || (connect(fd, (struct sockaddr *)&sa, len) != 0 && errno != EINPROGRESS) || fetch_url_read(span_text(text), &url) != 0)
        _exit(NO_START);
    const struct fetch_request request = {.url = &url, .to = to, .fd = fd, .verify = verify, .limits = fetch_limits_usual, .user = got};
    memset(got, 0, sizeof *got);
    if (fetch_start(client, &request, NULL) != 0)
        _exit(NO_START);
    while (!got->over) {
        struct pollfd readable = {.fd = fetch_fd(client), .events = POLLIN};
        (void)poll(&readable, 1, 20);
        fetch_run(client);
    }
}

static void walled(const char *user, const char *data, const struct endpoint *at)
{
    struct buf why;
    struct fetch_client *client = NULL;
    struct got got;
    buf_init(&why, 512);
    if (confine(&role_reach.wall, data, user, &why) != 0) {
        (void)fprintf(stderr, "confine: %s\n", buf_cstr(&why));
        _exit(WALL_FAILED);
    }
    if (fetch_client_new(&client, "Test/1", site_ca(), on_done, NULL) != 0)
        _exit(NO_CLIENT);
    static const struct {
        const char *url;
        size_t server;
        bool verify;
        enum fetch_ending ending;
    } cases[] = {{"http://site.example/", 0, false, FETCH_WHOLE},  {"https://site.example/", 1, true, FETCH_WHOLE},
                 {"https://site.example/", 1, false, FETCH_WHOLE}, {"https://site.example/", 2, true, FETCH_UNTRUSTED},
                 {"https://site.example/", 2, false, FETCH_WHOLE}, {"https://m\xc3\xbcller.example/", 1, true, FETCH_UNTRUSTED},
                 {"http://127.0.0.1/", 0, false, FETCH_WHOLE}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fetch_one(client, cases[i].url, at[cases[i].server], cases[i].verify, &got);
        if (got.ending == cases[i].ending && (got.ending != FETCH_WHOLE || got.len == 5))
            continue;
        (void)fprintf(stderr, "case %zu: %s (%s)\n", i, fetch_ending_text(got.ending), got.detail);
        _exit(NOT_WHOLE + (int)i);
    }
    fetch_client_free(client);
    _exit(0);
}

int main(void)
{
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 1) {
        (void)printf("skipped: this kernel offers no Landlock\n");
        return 77;
    }
    struct site *servers[] = {site_start(SITE_PLAIN, say_page, NULL), site_start(SITE_GOOD, say_page, NULL),
                              site_start(SITE_EXPIRED, say_page, NULL)};
    struct endpoint at[3];
    char data[] = "/tmp/noroshi-wall-fetch-XXXXXX";
    int faults = 0;
    if (mkdtemp(data) == NULL || chdir("/") != 0)
        return 99;
    for (size_t i = 0; i < 3; i++)
        at[i] = site_endpoint(servers[i]);
    const char *users[] = {"", "nobody"};
    for (size_t u = 0; u < (geteuid() == 0 ? 2 : 1); u++) {
        int status = 0;
        pid_t pid = fork();
        if (pid == 0)
            walled(users[u], data, at);
        if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
            (void)printf("not ok: as \"%s\": wait status %#x\n", users[u], (unsigned)status);
            faults++;
        }
    }
    for (size_t i = 0; i < 3; i++)
        site_stop(servers[i]);
    (void)rmdir(data);
    (void)printf("%d faults\n", faults);
    return faults == 0 ? 0 : 1;
}
