#include "process/listen.h"

#include "base/err.h"
#include "observe/honeypot/service.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0 ? 0 : -errno;
}

static int bare_socket(struct endpoint at, bool stream, struct sockaddr_storage *ret_sa, socklen_t *ret_len)
{
    *ret_len = endpoint_to_sockaddr(at, ret_sa);
    int fd = socket(ret_sa->ss_family, (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    /* [::] means IPv4, too. */
    int r = ret_sa->ss_family == AF_INET6 ? set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0) : 0;
    if (r == 0 && stream)
        r = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (r != 0) {
        (void)close(fd);
        return r;
    }
    return fd;
}

/* Sockets that share a port don't notice another program (or another Noroshi) sharing it, too: one that does not share asks first. */
static int ask_for_port(struct endpoint at, bool stream)
{
    struct sockaddr_storage sa;
    socklen_t len;
    int fd = bare_socket(at, stream, &sa, &len);
    if (fd < 0)
        return fd;
    int r = bind(fd, (struct sockaddr *)&sa, len) == 0 ? 0 : -errno;
    if (r == 0 && stream && listen(fd, 1) != 0)
        r = -errno;
    (void)close(fd);
    return r;
}

static int open_shared(struct endpoint at, bool stream, int *ret_fd)
{
    struct sockaddr_storage sa;
    socklen_t len;
    int fd = bare_socket(at, stream, &sa, &len);
    if (fd < 0)
        return fd;
    int r = set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (r == 0 && bind(fd, (struct sockaddr *)&sa, len) != 0)
        r = -errno;
    /* The attacker's SYN becomes facts of his connection. */
    if (r == 0 && stream)
        r = set(fd, IPPROTO_TCP, TCP_SAVE_SYN, 1);
    if (r == 0 && !stream)
        r = sa.ss_family == AF_INET6 ? set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) : set(fd, IPPROTO_IP, IP_PKTINFO, 1);
    if (r != 0) {
        (void)close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

static int failed(const struct conf_node *node, size_t index, struct endpoint at, int r, struct conf_error *error)
{
    char text[ENDPOINT_TEXT_SIZE];
    const char *advice = "check services[].listen";
    if (r == -EADDRINUSE)
        advice = "stop the program that uses it or listen elsewhere";
    else if (r == -EACCES)
        advice = "ports below 1024 need root or CAP_NET_BIND_SERVICE; listen above or start it so";
    else if (r == -EADDRNOTAVAIL)
        advice = "no interface of this machine has the address";
    (void)snprintf(error->text, sizeof error->text, "services[%zu]: %s can't listen on %s: %s; %s", index, node_text(node, "service"),
                   endpoint_print(at, text), err_text(r), advice);
    return r;
}

/* An endpoint named twice would share its connections at random. */
static int check_twice(const struct listeners *l, const struct conf_node *node, size_t index, struct conf_error *error)
{
    for (size_t i = 0; i < index; i++) {
        if (addr_equal(l->at[i].addr, l->at[index].addr) && l->at[i].port == l->at[index].port)
            return node_error(node, error, "services[%zu]: expected an address and port of its own, got that of services[%zu]", index, i);
    }
    return 0;
}

static int held_already(const struct listeners *old, struct endpoint at, unsigned edge)
{
    for (size_t i = 0; old != NULL && i < old->services; i++) {
        if (addr_equal(old->at[i].addr, at.addr) && old->at[i].port == at.port)
            return listeners_fd(old, i, edge);
    }
    return -1;
}

static int open_service(struct listeners *l, const struct conf *settings, size_t index, const struct listeners *old, struct conf_error *error)
{
    const struct conf_node *node = conf_item(settings, "services", index);
    const struct service *service = service_by_name(span_text(node_text(node, "service")));
    if (service == NULL)
        return node_error(node, error, "services[%zu].service: expected one of `noroshi services`, got \"%s\"; for example telnet", index,
                          node_text(node, "service"));
    struct endpoint at = l->at[index];
    int r = check_twice(l, node, index, error);
    if (r != 0)
        return r;
    bool stream = service->over != TRANSPORT_UDP;
    if (held_already(old, at, 0) < 0 && (r = ask_for_port(at, stream)) != 0)
        return failed(node, index, at, r, error);
    for (unsigned edge = 0; edge < l->edges; edge++) {
        int *place = &l->fds[index * l->edges + edge];
        int held = held_already(old, at, edge);
        if (held >= 0)
            r = (*place = fcntl(held, F_DUPFD_CLOEXEC, 3)) >= 0 ? 0 : -errno;
        else
            r = open_shared(at, stream, place);
        if (r == 0 && stream && listen(*place, (int)conf_int(settings, "honeypot.backlog")) != 0)
            r = -errno;
        if (r != 0)
            return failed(node, index, at, r, error);
    }
    return 0;
}

int listeners_open(struct listeners *l, const struct conf *settings, enum listening how, const struct listeners *old, struct conf_error *error)
{
    *l = (struct listeners){.services = conf_count(settings, "services"), .edges = (unsigned)conf_int(settings, "process.edges")};
    if (how == LISTENING_NOT)
        *l = (struct listeners){.services = 0};
    l->fds = calloc(l->services * l->edges + 1, sizeof *l->fds);
    l->at = calloc(l->services + 1, sizeof *l->at);
    for (size_t i = 0; l->fds != NULL && i < l->services * l->edges; i++)
        l->fds[i] = -1;
    int r = l->fds != NULL && l->at != NULL ? 0 : -ENOMEM;
    if (r != 0)
        (void)snprintf(error->text, sizeof error->text, "%s", err_text(r));
    for (size_t i = 0; r == 0 && i < l->services; i++) {
        const struct conf_node *node = conf_item(settings, "services", i);
        l->at[i] = node_endpoint(node, how == LISTENING_PUBLIC && node_given(node, "public") ? "public" : "listen");
        r = open_service(l, settings, i, old, error);
    }
    if (r != 0)
        listeners_close(l);
    return r;
}

int listeners_fd(const struct listeners *l, size_t service, unsigned edge)
{
    return service < l->services && edge < l->edges ? l->fds[service * l->edges + edge] : -1;
}

void listeners_end(const struct listeners *old, const struct listeners *kept)
{
    for (size_t i = 0; i < old->services; i++) {
        for (unsigned edge = 0; edge < old->edges; edge++) {
            if (held_already(kept, old->at[i], edge) < 0)
                (void)shutdown(listeners_fd(old, i, edge), SHUT_RDWR);
        }
    }
}

void listeners_close(struct listeners *l)
{
    for (size_t i = 0; l->fds != NULL && i < l->services * l->edges; i++) {
        if (l->fds[i] >= 0)
            (void)close(l->fds[i]);
    }
    free(l->fds);
    free(l->at);
    *l = (struct listeners){0};
}
