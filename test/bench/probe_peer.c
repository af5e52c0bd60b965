/*
 * The two ends of test/bench/probe.py: the hosts that are probed, and the least a program can do to grab their banners.
 *
 *   bench-probe serve CLOSING_PORT KEEPING_PORT SILENT_PORT PORTS
 *     Listens on all addresses, on PORTS ports from each of the three on. Whoever connects is sent a banner; then the first kind closes, and the
 *     second keeps open, as a device does, until the client closes; the third keeps open, too, and says nothing. Prints "ready"; ends with its
 *     standard input.
 *   bench-probe grab PORT PORTS COUNT AT_ONCE QUIET_MSEC
 *     COUNT grabs from addresses of 127.20.0.0/14, AT_ONCE at a time: socket, connect, read until the host closes or was quiet for so long,
 *     close. No policy, no record, no waiting for the host's FIN. Prints: grabs, failed, CPU seconds of this process, seconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 512, PORTS_MAX = 16, BACKLOG = 4096, PATIENCE_MSEC = 10000 };

static const char banner[] =
    "\xff\xfd\x18\xff\xfd\x20\xff\xfb\x01\xff\xfb\x03\r\nDS-7204HI-SV embedded DVR, firmware V3.1.2 build 140926\r\n\r\nlogin: ";

static int64_t now_msec(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool watch(int epoll_fd, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event event = {.events = events, .data.u64 = data};
    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* ---- the hosts ---- */

enum { CLOSING = 1, KEEPING, SILENT, TALK }; /* what a descriptor is; in the upper half of an event's data */

static int listen_at(unsigned port)
{
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof at) != 0 || listen(fd, BACKLOG) != 0) {
        perror("bench-probe: listen");
        exit(1);
    }
    return fd;
}

static void greet_all(int epoll_fd, int listener, unsigned kind)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (kind != SILENT)
            (void)send(fd, banner, sizeof banner - 1, MSG_NOSIGNAL);
        if (kind == CLOSING || !watch(epoll_fd, fd, EPOLLIN | EPOLLRDHUP | EPOLLET, (uint64_t)TALK << 32 | (unsigned)fd))
            (void)close(fd);
    }
}

static void listen_to(int fd)
{
    char bytes[512];
    ssize_t got;
    while ((got = recv(fd, bytes, sizeof bytes, 0)) > 0) {
    }
    if (got == 0 || errno != EAGAIN)
        (void)close(fd);
}

static int serve(const unsigned first_ports[static SILENT], unsigned ports)
{
    struct epoll_event events[EVENTS];
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; i < ports * SILENT; i++) {
        unsigned kind = CLOSING + i / ports;
        int fd = listen_at(first_ports[kind - CLOSING] + i % ports);
        if (!watch(epoll_fd, fd, EPOLLIN, (uint64_t)kind << 32 | (unsigned)fd))
            return 1;
    }
    if (!watch(epoll_fd, STDIN_FILENO, EPOLLIN, 0))
        return 1;
    (void)puts("ready");
    (void)fflush(stdout);
    for (;;) {
        int count = epoll_wait(epoll_fd, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            unsigned kind = (unsigned)(events[i].data.u64 >> 32);
            int fd = (int)(events[i].data.u64 & UINT32_MAX);
            if (kind == 0)
                return 0;
            if (kind == TALK)
                listen_to(fd);
            else
                greet_all(epoll_fd, fd, kind);
        }
    }
}

/* ---- the client ---- */

struct grab {
    int fd; /* -1: none */
    bool heard;
    int64_t quiet_at; /* 0: not waiting */
    struct grab *next;
};

static struct {
    unsigned port, ports, count, started, done, failed;
    int64_t quiet;
    int epoll_fd;
    struct grab *first, *last; /* those that wait for quiet, soonest first */
} run;

static void begin(struct grab *g)
{
    while (run.started < run.count) {
        unsigned n = run.started++;
        const struct sockaddr_in to = {
            .sin_family = AF_INET, .sin_port = htons((uint16_t)(run.port + n % run.ports)), .sin_addr.s_addr = htonl(0x7f140001U + n / run.ports)};
        *g = (struct grab){.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), .next = g->next, .quiet_at = g->quiet_at};
        struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = g};
        if (g->fd >= 0 && (connect(g->fd, (const struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS) &&
            epoll_ctl(run.epoll_fd, EPOLL_CTL_ADD, g->fd, &event) == 0)
            return;
        if (g->fd >= 0)
            (void)close(g->fd);
        g->fd = -1;
        run.failed++;
    }
}

static void end(struct grab *g)
{
    (void)close(g->fd);
    g->fd = -1;
    run.done += g->heard;
    run.failed += !g->heard;
    /* One that is still in the list of those that wait begins anew when it has left it. */
    if (g->quiet_at == 0)
        begin(g);
}

static void hear(struct grab *g, uint32_t events, int64_t now)
{
    static char bytes[65536];
    if (g->fd < 0)
        return;
    ssize_t got = recv(g->fd, bytes, sizeof bytes, 0);
    g->heard |= got > 0;
    if (got > 0 && (events & EPOLLRDHUP) != 0)
        got = recv(g->fd, bytes, sizeof bytes, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        end(g);
        return;
    }
    if (g->quiet_at != 0)
        return;
    g->quiet_at = now + run.quiet;
    g->next = NULL;
    if (run.last != NULL)
        run.last->next = g;
    else
        run.first = g;
    run.last = g;
}

static void end_quiet(int64_t now)
{
    while (run.first != NULL && run.first->quiet_at <= now) {
        struct grab *g = run.first;
        run.first = g->next;
        if (run.first == NULL)
            run.last = NULL;
        g->quiet_at = 0;
        g->next = NULL;
        if (g->fd >= 0)
            end(g);
        else
            begin(g);
    }
}

static int grab(unsigned at_once)
{
    struct epoll_event events[EVENTS];
    struct grab *grabs = calloc(at_once, sizeof *grabs);
    run.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (grabs == NULL || run.epoll_fd < 0)
        return 1;
    int64_t began = now_msec(), last = began;
    for (unsigned i = 0; i < at_once; i++)
        begin(&grabs[i]);
    while (run.done + run.failed < run.count) {
        int64_t now = now_msec(), wait = run.first != NULL ? run.first->quiet_at - now : PATIENCE_MSEC;
        int count = epoll_wait(run.epoll_fd, events, EVENTS, wait > 0 ? (int)wait : 0);
        now = now_msec();
        for (int i = 0; i < count; i++)
            hear(events[i].data.ptr, events[i].events, now);
        end_quiet(now);
        if (count > 0)
            last = now;
        else if (now - last > PATIENCE_MSEC)
            run.failed = run.count - run.done;
    }
    struct rusage used;
    (void)getrusage(RUSAGE_SELF, &used);
    double cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    (void)printf("grabs %u failed %u cpu %.3f seconds %.3f\n", run.done, run.failed, cpu, (double)(now_msec() - began) / 1000);
    free(grabs);
    return run.failed > 0 ? 1 : 0;
}

static unsigned number(const char *text, unsigned most)
{
    char *end_of = NULL;
    unsigned long n = strtoul(text, &end_of, 10);
    if (*end_of != '\0' || n == 0 || n > most) {
        (void)fprintf(stderr, "bench-probe: expected a number up to %u, got \"%s\"\n", most, text);
        exit(2);
    }
    return (unsigned)n;
}

int main(int argc, char **argv)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    if (argc == 6 && strcmp(argv[1], "serve") == 0) {
        const unsigned first_ports[SILENT] = {number(argv[2], 65000), number(argv[3], 65000), number(argv[4], 65000)};
        return serve(first_ports, number(argv[5], PORTS_MAX));
    }
    if (argc == 7 && strcmp(argv[1], "grab") == 0) {
        run.port = number(argv[2], 65000);
        run.ports = number(argv[3], PORTS_MAX);
        run.count = number(argv[4], 10000000);
        run.quiet = number(argv[6], 60000);
        return grab(number(argv[5], 20000));
    }
    (void)fprintf(stderr, "usage: bench-probe serve CLOSING_PORT KEEPING_PORT SILENT_PORT PORTS | grab PORT PORTS COUNT AT_ONCE QUIET_MSEC\n");
    return 2;
}
