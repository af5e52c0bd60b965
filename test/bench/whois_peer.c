/*
 * The servers of test/bench/whois.py: a WHOIS server, and a resolver.
 *
 *   bench-whois WHOIS_PORT DNS_PORT
 *     On 127.0.0.1. Whoever sends a line is told, in RIPE's form, of the /24 around the address at its end; then the connection is closed.
 *     Every name has the address 127.0.0.1 and itself as mail host; addresses have no names. Prints "ready"; ends with its standard input.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256, BACKLOG = 4096, LINE_MAX_LEN = 512, TYPE_A = 1, TYPE_PTR = 12, TYPE_MX = 15 };

static int listening(int type, uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int on = 1, fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 ||
        (type == SOCK_STREAM && listen(fd, BACKLOG) != 0)) {
        perror("bench-whois");
        exit(1);
    }
    return fd;
}

static void answer(int fd, const char *line)
{
    const char *address = strrchr(line, ' ') != NULL ? strrchr(line, ' ') + 1 : line;
    char block[32], text[2048];
    (void)snprintf(block, sizeof block, "%.16s", address);
    char *dot = strrchr(block, '.');
    if (dot != NULL)
        *dot = '\0';
    int len = snprintf(text, sizeof text,
                       "%% This is a database query service, as registries have one.\n%%\n%% The objects are in RPSL format.\n\n"
                       "%% Information related to '%s.0 - %s.255'\n\n%% Abuse contact for '%s.0 - %s.255' is 'abuse@net.bench.example'\n\n"
                       "inetnum:        %s.0 - %s.255\nnetname:        BENCH-%s\ndescr:          Example network of a measurement\n"
                       "country:        NL\norg:            ORG-BE1-RIPE\nadmin-c:        BE1-RIPE\ntech-c:         BE1-RIPE\n"
                       "status:         ASSIGNED PA\nmnt-by:         BENCH-MNT\ncreated:        2012-02-10T10:28:07Z\n"
                       "last-modified:  2020-11-03T14:05:31Z\nsource:         RIPE\n\n"
                       "organisation:   ORG-BE1-RIPE\norg-name:       Bench Example B.V.\norg-type:       LIR\naddress:        Street 1\n"
                       "address:        1000 AA Town\naddress:        NETHERLANDS\nabuse-c:        BE2-RIPE\n"
                       "mnt-ref:        BENCH-MNT\ncreated:        2012-01-01T00:00:00Z\nlast-modified:  2020-01-01T00:00:00Z\n"
                       "source:         RIPE # Filtered\n\n"
                       "route:          %s.0/24\ndescr:          Bench\norigin:         AS64500\nmnt-by:         BENCH-MNT\n"
                       "created:        2012-02-10T10:28:07Z\nlast-modified:  2012-02-10T10:28:07Z\nsource:         RIPE\n\n"
                       "%% This query was served by the database\n\n\n",
                       block, block, block, block, block, block, block, block);
    (void)!send(fd, text, (size_t)len, MSG_NOSIGNAL);
}

static void serve(int fd)
{
    char line[LINE_MAX_LEN + 1];
    ssize_t got = recv(fd, line, LINE_MAX_LEN, 0);
    if (got > 0) {
        line[got] = '\0';
        line[strcspn(line, "\r\n")] = '\0';
        answer(fd, line);
    }
    (void)close(fd);
}

static void resolve(int fd)
{
    uint8_t m[600];
    struct sockaddr_in from;
    socklen_t from_len = sizeof from;
    for (;;) {
        ssize_t got = recvfrom(fd, m, 512, 0, (struct sockaddr *)&from, &from_len);
        if (got < 17)
            return;
        size_t at = 12;
        while (at < (size_t)got && m[at] != 0)
            at += m[at] + 1U;
        at += 5;
        if (at > (size_t)got)
            continue;
        unsigned type = m[at - 3];
        bool known = type == TYPE_A || type == TYPE_MX;
        m[2] = 0x81;
        m[3] = type == TYPE_PTR ? 0x83 : 0x80;
        m[7] = known;
        m[9] = m[11] = 0;
        if (known) {
            static const uint8_t head[] = {0xc0, 12, 0, 0, 0, 1, 0, 0, 14, 16, 0, 4}, mx[] = {0, 10, 0xc0, 12}, a[] = {127, 0, 0, 1};
            memcpy(m + at, head, sizeof head);
            m[at + 3] = (uint8_t)type;
            memcpy(m + at + sizeof head, type == TYPE_MX ? mx : a, 4);
            at += sizeof head + 4;
        }
        (void)!sendto(fd, m, at, 0, (struct sockaddr *)&from, from_len);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    int whois = listening(SOCK_STREAM, (uint16_t)atoi(argv[1])), dns = listening(SOCK_DGRAM, (uint16_t)atoi(argv[2]));
    int epoll = epoll_create1(EPOLL_CLOEXEC), fds[] = {whois, dns, STDIN_FILENO};
    for (size_t i = 0; i < 3; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fds[i]};
        (void)epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event);
    }
    (void)puts("ready");
    (void)fflush(stdout);
    for (;;) {
        struct epoll_event ready[EVENTS];
        int count = epoll_wait(epoll, ready, EVENTS, -1), fd;
        for (int i = 0; i < count; i++) {
            if (ready[i].data.fd == STDIN_FILENO)
                return 0;
            if (ready[i].data.fd == dns) {
                resolve(dns);
            } else if (ready[i].data.fd == whois) {
                while ((fd = accept4(whois, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
                    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
                    (void)epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
                }
            } else {
                serve(ready[i].data.fd);
            }
        }
    }
}
