/* Questions for names: the socket, who is under way, who waits. c-ares makes and reads the messages, and does nothing else. */
#include "outside/dns.h"
#include "base/cursor.h"

#include <ares.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORT = 53 };
enum { HEADER_SIZE = 12, OPT_SIZE = 11 /* the record of EDNS behind the question */, READ_MOST = 1024 /* datagrams at once */ };
enum { ANSWER_BITS = 0xf8, ANSWER = 0x80 /* QR 1, opcode 0, in the third byte */, CODE_BITS = 0x0f /* in the fourth */, TYPE_PTR = 12, CLASS_IN = 1 };

struct slot {
    struct dns_question *question; /* NULL: free */
    usec_t sent;
    bool again;
    uint8_t query[DNS_QUERY_MAX];
    size_t query_len;
};

struct list {
    struct dns_question *first, *last;
};

struct dns {
    int fd;
    bool connected;
    usec_t connected_at;
    struct endpoint resolver;
    usec_t heard; /* the last answer */
    dns_done *done;
    void *user;
    struct dns_counters counters;
    struct list waiting, under_way; /* under way: in the order in which they were sent */
    uint16_t free_count, free_slots[DNS_UNDER_WAY_MAX];
    struct slot slots[DNS_UNDER_WAY_MAX];
};

/* ---- messages ---- */

static void reverse_name(struct addr addr, char name[static 80])
{
    const uint8_t *b = addr.bytes;
    if (addr_is_v4(addr)) {
        (void)snprintf(name, 80, "%u.%u.%u.%u.in-addr.arpa", b[15], b[14], b[13], b[12]);
        return;
    }
    char *at = name;
    for (size_t i = sizeof addr.bytes; i > 0; i--, at += 4)
        (void)snprintf(at, 5, "%x.%x.", b[i - 1] & 15U, b[i - 1] >> 4U);
    (void)snprintf(at, 9, "ip6.arpa");
}

int dns_encode(struct addr addr, uint16_t id, uint64_t cases, uint8_t query[static DNS_QUERY_MAX])
{
    char name[80];
    unsigned char *made = NULL;
    int len = 0;
    unsigned letter = 0;
    reverse_name(addr, name);
    for (char *c = name; *c != '\0'; c++) {
        if (*c >= 'a' && *c <= 'z' && (cases >> letter++ % 64 & 1) != 0)
            *c = (char)(*c - 'a' + 'A');
    }
    int status = ares_create_query(name, CLASS_IN, TYPE_PTR, id, 1, &made, &len, DNS_MESSAGE_MAX);
    if (status != ARES_SUCCESS || len < HEADER_SIZE + OPT_SIZE || len > DNS_QUERY_MAX) {
        ares_free_string(made);
        return -ENOMEM; /* the names are ours: nothing else goes wrong */
    }
    memcpy(query, made, (size_t)len);
    ares_free_string(made);
    return len;
}

/* Id, kind and question as they went out? */
static bool answers(struct span query, struct span message)
{
    if (query.len < HEADER_SIZE + OPT_SIZE)
        return false;
    struct span asked = span_part(query, HEADER_SIZE, query.len - OPT_SIZE - HEADER_SIZE);
    struct cursor c = cursor_of(message), q = cursor_of(query);
    uint16_t id = cursor_be16(&c);
    uint8_t kind = cursor_u8(&c);
    (void)cursor_u8(&c);
    uint16_t questions = cursor_be16(&c);
    (void)cursor_take(&c, HEADER_SIZE - 6);
    struct span told = cursor_take(&c, asked.len);
    return c.error == 0 && id == cursor_be16(&q) && (kind & ANSWER_BITS) == ANSWER && questions == 1 && span_equal(told, asked);
}

/* Into `name` when it is a name, and before the one that is there. */
static void take_name(const char *told, char name[static DNS_NAME_MAX + 1])
{
    char lower[DNS_NAME_MAX + 1];
    size_t len = strnlen(told, DNS_NAME_MAX + 2);
    if (len > 0 && told[len - 1] == '.')
        len--;
    if (len == 0 || len > DNS_NAME_MAX)
        return;
    for (size_t i = 0; i < len; i++) {
        if (told[i] <= ' ' || told[i] > '~')
            return;
        lower[i] = (char)(told[i] >= 'A' && told[i] <= 'Z' ? told[i] - 'A' + 'a' : told[i]);
    }
    lower[len] = '\0';
    if (name[0] == '\0' || strcmp(lower, name) < 0)
        memcpy(name, lower, len + 1);
}

int dns_decode(struct span query, struct span message, char name[static DNS_NAME_MAX + 1])
{
    struct hostent *host = NULL;
    struct in_addr any = {0}; /* c-ares wants an address to put into its answer */
    name[0] = '\0';
    if (!answers(query, message))
        return -ERR_MALFORMED;
    if (message.len > DNS_MESSAGE_MAX || (message.at[3] & CODE_BITS) != 0)
        return 0;
    if (ares_parse_ptr_reply(message.at, (int)message.len, &any, (int)sizeof any, AF_INET, &host) != ARES_SUCCESS)
        return 0;
    for (char **alias = host->h_aliases; alias != NULL && *alias != NULL; alias++)
        take_name(*alias, name);
    ares_free_hostent(host);
    return name[0] != '\0';
}

/* ---- lists ---- */

static void list_put(struct list *list, struct dns_question *q)
{
    q->next = NULL;
    q->before = list->last;
    if (list->last != NULL)
        list->last->next = q;
    else
        list->first = q;
    list->last = q;
}

static void list_drop(struct list *list, struct dns_question *q)
{
    *(q->before != NULL ? &q->before->next : &list->first) = q->next;
    *(q->next != NULL ? &q->next->before : &list->last) = q->before;
    q->next = q->before = NULL;
}

/* ---- the socket ---- */

static void connect_if_needed(struct dns *d, usec_t now)
{
    struct sockaddr_storage sa;
    if (d->connected)
        return;
    socklen_t len = endpoint_to_sockaddr(d->resolver, &sa);
    d->connected = connect(d->fd, (struct sockaddr *)&sa, len) == 0;
    d->connected_at = now;
}

/* Our own address may be another by now: the kernel chooses address and port anew. */
static void disconnect(struct dns *d)
{
    const struct sockaddr none = {.sa_family = AF_UNSPEC};
    if (d->connected)
        (void)connect(d->fd, &none, sizeof none);
    d->connected = false;
}

/* One that can't be made or sent is as one that was lost. */
static void send_slot(struct dns *d, struct slot *s, usec_t now)
{
    s->sent = now;
    connect_if_needed(d, now);
    if (!d->connected || s->query_len == 0)
        return;
    if (send(d->fd, s->query, s->query_len, MSG_NOSIGNAL) < 0 && errno != EAGAIN)
        (void)send(d->fd, s->query, s->query_len, MSG_NOSIGNAL); /* it was said of an earlier one */
}

/* ---- questions ---- */

static void leave(struct dns *d, struct dns_question *q)
{
    if (q->stage == DNS_WAITING) {
        list_drop(&d->waiting, q);
    } else {
        list_drop(&d->under_way, q);
        d->slots[q->slot].question = NULL;
        d->free_slots[d->free_count++] = q->slot;
    }
    q->stage = DNS_OVER;
}

static bool id_taken(const struct dns *d, const uint8_t id[static 2])
{
    for (size_t i = 0; i < DNS_UNDER_WAY_MAX; i++) {
        if (d->slots[i].question != NULL && memcmp(d->slots[i].query, id, 2) == 0)
            return true;
    }
    return false;
}

/* A question that no one can guess. */
static void make_query(const struct dns *d, struct slot *s, struct addr addr)
{
    struct {
        uint64_t cases;
        uint8_t id[2];
    } chance;
    s->query_len = 0;
    do {
        if (getrandom(&chance, sizeof chance, 0) != (ssize_t)sizeof chance)
            return;
    } while (id_taken(d, chance.id));
    int len = dns_encode(addr, (uint16_t)(chance.id[0] << 8 | chance.id[1]), chance.cases, s->query);
    s->query_len = len > 0 ? (size_t)len : 0;
}

static void finish(struct dns *d, struct dns_question *q, const char *name)
{
    leave(d, q);
    d->done(d->user, q, span_text(name));
}

/* Who waits goes, as far as there is room. */
static void pump(struct dns *d, usec_t now)
{
    while (d->free_count > 0 && d->waiting.first != NULL) {
        struct dns_question *q = d->waiting.first;
        uint16_t at = d->free_slots[d->free_count - 1];
        struct slot *s = &d->slots[at];
        make_query(d, s, q->addr);
        list_drop(&d->waiting, q);
        list_put(&d->under_way, q);
        d->free_count--;
        q->stage = DNS_UNDER_WAY;
        q->slot = at;
        s->question = q;
        s->again = false;
        d->counters.asked++;
        send_slot(d, s, now);
    }
}

void dns_ask(struct dns *d, struct dns_question *q, struct addr addr, usec_t now)
{
    q->addr = addr;
    q->stage = DNS_WAITING;
    list_put(&d->waiting, q);
    pump(d, now);
}

void dns_drop(struct dns *d, struct dns_question *q, usec_t now)
{
    if (q->stage == DNS_OVER)
        return;
    leave(d, q);
    pump(d, now);
}

static void take(struct dns *d, struct span message, usec_t now)
{
    char name[DNS_NAME_MAX + 1];
    for (size_t i = 0; i < DNS_UNDER_WAY_MAX && message.len >= HEADER_SIZE; i++) {
        const struct slot *s = &d->slots[i];
        if (s->question == NULL || memcmp(s->query, message.at, 2) != 0)
            continue;
        int r = dns_decode(span_of(s->query, s->query_len), message, name);
        if (r < 0)
            break;
        d->heard = now;
        *(r > 0 ? &d->counters.named : &d->counters.nameless) += 1;
        finish(d, s->question, name);
        return;
    }
    d->counters.strange++;
}

void dns_read(struct dns *d, usec_t now)
{
    uint8_t message[DNS_MESSAGE_MAX];
    for (unsigned left = READ_MOST; left > 0; left--) {
        ssize_t got = recv(d->fd, message, sizeof message, MSG_DONTWAIT | MSG_TRUNC);
        if (got < 0 && errno == EAGAIN)
            break;
        if (got < 0)
            continue; /* the resolver is not there: that is silence */
        if ((size_t)got > sizeof message)
            d->counters.strange++;
        else
            take(d, span_of(message, (size_t)got), now);
    }
    pump(d, now);
}

void dns_run(struct dns *d, usec_t now)
{
    /* Bounded, though one that is asked again goes to the end. */
    for (unsigned left = DNS_UNDER_WAY_MAX; left > 0 && d->under_way.first != NULL; left--) {
        struct dns_question *q = d->under_way.first;
        struct slot *s = &d->slots[q->slot];
        if (s->sent + DNS_TIMEOUT > now)
            break;
        /* Nothing was heard since, and others were not sent by a newer connection. */
        if (d->heard < s->sent && d->connected_at <= s->sent)
            disconnect(d);
        if (s->again) {
            d->counters.silent++;
            finish(d, q, "");
            continue;
        }
        s->again = true;
        list_drop(&d->under_way, q);
        list_put(&d->under_way, q);
        send_slot(d, s, now);
    }
    pump(d, now);
}

usec_t dns_due(const struct dns *d)
{
    return d->under_way.first != NULL ? d->slots[d->under_way.first->slot].sent + DNS_TIMEOUT : 0;
}

/* ---- life ---- */

int dns_resolver(const struct conf *conf, struct endpoint *ret, struct conf_error *error)
{
    const char *text = conf_text(conf, "outside.resolver");
    struct endpoint resolver = {.port = PORT};
    if (text[0] == '\0')
        resolver.port = 0;
    else if (addr_parse(span_text(text), &resolver.addr) != 0 && (endpoint_parse(span_text(text), &resolver) != 0 || resolver.port == 0))
        return conf_refuse(conf, "outside.resolver", error, "expected the address of a resolver, such as 192.0.2.53 or 192.0.2.53:53, got \"%.64s\"",
                           text);
    *ret = resolver;
    return 0;
}

int dns_new(struct dns **ret, struct endpoint resolver, dns_done *done, void *user)
{
    struct dns *d = calloc(1, sizeof *d);
    if (d == NULL)
        return -ENOMEM;
    d->fd = socket(addr_is_v4(resolver.addr) ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (d->fd < 0) {
        int e = -errno;
        free(d);
        return e;
    }
    d->resolver = resolver;
    d->done = done;
    d->user = user;
    for (size_t i = 0; i < DNS_UNDER_WAY_MAX; i++)
        d->free_slots[d->free_count++] = (uint16_t)(DNS_UNDER_WAY_MAX - 1 - i);
    *ret = d;
    return 0;
}

void dns_free(struct dns *d)
{
    if (d == NULL)
        return;
    (void)close(d->fd);
    free(d);
}

int dns_fd(const struct dns *d)
{
    return d->fd;
}

const struct dns_counters *dns_counters(const struct dns *d)
{
    return &d->counters;
}
