/*
 * A crowd of telnet clients on the loopback, in one process: logs in and gives one command, plays Mirai's scanner, holds sessions idle, or
 * connects all at once. Peers come from 250 addresses of 127.1.0.0/16, so that neither ports nor limits per peer run out.
 *
 *   bench-telnet MODE HOST PORT COUNT AT_ONCE
 *     login    login and one command, COUNT times
 *     mirai    the scanner's dialogue, COUNT times
 *     idle     COUNT sessions logged in; prints "ready", holds them until standard input ends
 *     burst    COUNT connects at once; how many were served a byte
 * Prints one line: sessions, failed, seconds, p50, p99 (of one session, ms).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

enum { ADDRESSES = 250, HEARD_MAX = 512, PATIENCE_SEC = 40 };
enum mode { LOGIN, MIRAI, IDLE, BURST };

struct peer {
    int fd; /* -1: free */
    unsigned step;
    double began;
    bool greeted; /* at least one IAC triple came */
    size_t heard_len;
    uint8_t heard[HEARD_MAX]; /* the end of what came since the last line sent, without telnet's commands */
    uint8_t iac[4];           /* a command that is not whole yet */
    size_t iac_len;
    size_t sub; /* inside a subnegotiation */
};

static enum mode mode;
static struct sockaddr_in at;
static unsigned target, started, done, failed, ready;
static double *times;
static struct peer *peers;
static unsigned at_once;
static int epoll_fd;
static bool holding;

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void peer_start(struct peer *p)
{
    int on = 1;
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f010001U + started % ADDRESSES)};
    *p = (struct peer){.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), .began = now()};
    started++;
    if (p->fd < 0) {
        failed++;
        return;
    }
    (void)setsockopt(p->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    (void)setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET | EPOLLRDHUP, .data.ptr = p};
    if (bind(p->fd, (struct sockaddr *)&from, sizeof from) != 0 || (connect(p->fd, (struct sockaddr *)&at, sizeof at) != 0 && errno != EINPROGRESS) ||
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, p->fd, &event) != 0) {
        (void)close(p->fd);
        p->fd = -1;
        failed++;
    }
}

static void peer_end(struct peer *p, bool good)
{
    (void)close(p->fd);
    p->fd = -1;
    if (good) {
        times[done] = now() - p->began;
        done++;
    } else {
        failed++;
    }
    if (started < target)
        peer_start(p);
}

static void say(struct peer *p, const char *text)
{
    p->heard_len = 0;
    (void)send(p->fd, text, strlen(text), MSG_NOSIGNAL);
}

/* Mirai answers WILL by DONT and DO by WONT, but says its window's size. Others do not answer: a device must not wait for it. */
static void command(struct peer *p, uint8_t verb, uint8_t option)
{
    uint8_t answer[12] = {255, 0, option, 255, 250, 31, 0, 80, 0, 24, 255, 240};
    p->greeted = true;
    if (mode != MIRAI || (verb != 251 && verb != 253))
        return;
    bool window = verb == 253 && option == 31;
    answer[1] = window ? 251 : verb == 253 ? 252 : 254;
    (void)send(p->fd, answer, window ? sizeof answer : 3, MSG_NOSIGNAL);
}

static void hear(struct peer *p, uint8_t byte)
{
    if (p->iac_len > 0 || byte == 255) {
        p->iac[p->iac_len] = byte;
        p->iac_len++;
        if (p->iac_len == 1 || (p->iac_len == 2 && byte >= 251 && byte <= 254))
            return;
        if (p->iac_len == 3)
            command(p, p->iac[1], p->iac[2]);
        p->sub = p->iac_len == 2 && byte == 250;
        p->iac_len = 0;
        return;
    }
    if (p->sub != 0)
        return;
    if (p->heard_len == HEARD_MAX) {
        memmove(p->heard, p->heard + HEARD_MAX / 2, HEARD_MAX / 2);
        p->heard_len = HEARD_MAX / 2;
    }
    p->heard[p->heard_len] = byte;
    p->heard_len++;
}

static bool heard(const struct peer *p, const char *text)
{
    return memmem(p->heard, p->heard_len, text, strlen(text)) != NULL;
}

/* As Mirai's scanner sees a prompt: ends with one of these signs, a space more is allowed. */
static bool prompt(const struct peer *p, const char *signs)
{
    size_t len = p->heard_len;
    while (len > 0 && (p->heard[len - 1] == ' ' || p->heard[len - 1] == 0))
        len--;
    return len > 0 && strchr(signs, p->heard[len - 1]) != NULL;
}

/* One step of the dialogue, when its time has come; true: go on looking. */
static bool step(struct peer *p)
{
    static const char *const lines[] = {"enable\r\n", "system\r\n", "shell\r\n", "sh\r\n", "/bin/busybox MIRAI\r\n"};
    if (mode == BURST) {
        if (!p->greeted && p->heard_len == 0)
            return false;
        peer_end(p, true);
        return false;
    }
    if (p->step == 0) {
        if (!prompt(p, ":>") || (mode == MIRAI && !p->greeted))
            return false;
        say(p, "root\r\n");
    } else if (p->step == 1) {
        if (!prompt(p, ":") || !heard(p, "assword"))
            return false;
        say(p, "xc3511\r\n");
    } else if (p->step >= 2 && p->step < (mode == MIRAI ? 7U : 3U)) {
        if (!prompt(p, "#$>"))
            return false;
        if (mode == IDLE) {
            ready++;
            p->step = 100;
            return false;
        }
        say(p, mode == MIRAI ? lines[p->step - 2] : lines[4]);
    } else {
        if (p->step < 100 && heard(p, "MIRAI: applet not found"))
            peer_end(p, true);
        return false;
    }
    p->step++;
    return true;
}

static void peer_event(struct peer *p, uint32_t events)
{
    static uint8_t bytes[16384];
    for (;;) {
        ssize_t got = recv(p->fd, bytes, sizeof bytes, 0);
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0) {
            peer_end(p, false);
            return;
        }
        for (ssize_t i = 0; i < got; i++)
            hear(p, bytes[i]);
        int fd = p->fd;
        unsigned before = done + failed;
        (void)step(p);
        if (p->fd != fd || done + failed != before)
            return; /* over; another may have taken its place */
        if ((size_t)got < sizeof bytes && (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0)
            return;
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void run(void)
{
    struct epoll_event events[512];
    double last = now();
    unsigned seen = 0;
    for (unsigned i = 0; i < at_once && started < target; i++)
        peer_start(&peers[i]);
    while (done + failed + (mode == IDLE ? ready : 0) < target) {
        int count = epoll_wait(epoll_fd, events, 512, 1000);
        for (int i = 0; i < count; i++) {
            struct peer *p = events[i].data.ptr;
            if (p->fd >= 0)
                peer_event(p, events[i].events);
        }
        /* Idle sessions stay where they are; others take the next places. */
        for (; mode == IDLE && started < target && started - ready - failed < at_once;)
            peer_start(&peers[started]);
        unsigned progress = done + failed + ready;
        if (progress != seen) {
            seen = progress;
            last = now();
        } else if (now() - last > PATIENCE_SEC) {
            failed += target - done - failed - (mode == IDLE ? ready : 0);
        }
    }
    holding = mode == IDLE;
}

int main(int argc, char **argv)
{
    static const char *const modes[] = {"login", "mirai", "idle", "burst"};
    if (argc != 6) {
        (void)fprintf(stderr, "usage: bench-telnet login|mirai|idle|burst HOST PORT COUNT AT_ONCE\n");
        return 2;
    }
    while ((unsigned)mode < 3 && strcmp(argv[1], modes[mode]) != 0)
        mode = (enum mode)(mode + 1);
    at = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[3]))};
    target = (unsigned)atoi(argv[4]);
    at_once = (unsigned)atoi(argv[5]);
    if (inet_pton(AF_INET, argv[2], &at.sin_addr) != 1 || target == 0 || target > 10000000 || at_once == 0)
        return 2;
    at_once = at_once < target ? at_once : target;
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    peers = calloc(mode == IDLE ? target : at_once, sizeof *peers);
    times = calloc(target, sizeof *times);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (peers == NULL || times == NULL || epoll_fd < 0)
        return 1;
    double began = now();
    run();
    double took = now() - began;
    qsort(times, done, sizeof *times, compare);
    (void)printf("%s: sessions %u failed %u seconds %.3f p50 %.1f p99 %.1f\n", holding ? "ready" : argv[1], holding ? ready : done, failed, took,
                 done > 0 ? times[done / 2] * 1000 : 0, done > 0 ? times[(size_t)done * 99 / 100] * 1000 : 0);
    (void)fflush(stdout);
    while (holding && getchar() != EOF) {
    }
    return failed > 0 ? 1 : 0;
}
