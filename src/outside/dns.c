/* Questions: the socket, who is under way, who waits, who is told. */
#include "outside/dns.h"
#include "base/err.h"
#include "outside/dns_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORT = 53, HEADER_SIZE = 12, READ_MOST = 1024 /* datagrams at once */, RCODE_NAME = 3 };

struct list {
    struct dns_question *first, *last;
};

struct slot {
    struct slot *next, *before; /* of those under way, in the order in which they were sent */
    struct list askers;         /* none: free */
    usec_t sent;
    bool again;
    uint8_t query[DNS_QUERY_MAX];
    size_t query_len;
};

struct dns {
    int fd;
    bool connected;
    usec_t connected_at;
    struct endpoint resolver;
    usec_t heard; /* the last answer */
    dns_done *done;
    void *user;
    struct dns_cache *cache;
    struct dns_counters counters;
    struct list waiting, ready, telling;
    struct slot *first, *last; /* under way */
    uint16_t free_count, free_slots[DNS_UNDER_WAY_MAX];
    struct slot slots[DNS_UNDER_WAY_MAX];
    uint8_t message[DNS_MESSAGE_MAX]; /* that is being told, and what it says */
    struct dns_message said;
};

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

static void slot_put(struct dns *d, struct slot *s)
{
    s->next = NULL;
    s->before = d->last;
    *(d->last != NULL ? &d->last->next : &d->first) = s;
    d->last = s;
}

static void slot_drop(struct dns *d, struct slot *s)
{
    *(s->before != NULL ? &s->before->next : &d->first) = s->next;
    *(s->next != NULL ? &s->next->before : &d->last) = s->before;
    s->next = s->before = NULL;
}

static void slot_free(struct dns *d, struct slot *s)
{
    slot_drop(d, s);
    d->free_slots[d->free_count++] = (uint16_t)(s - d->slots);
}

static struct span name_of(const struct dns_question *q)
{
    return span_text(q->name);
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
    struct slot *s = &d->slots[q->slot];
    switch (q->stage) {
    case DNS_OVER:
        return;
    case DNS_WAITING:
        list_drop(&d->waiting, q);
        break;
    case DNS_READY:
        list_drop(&d->ready, q);
        break;
    case DNS_TELLING:
        list_drop(&d->telling, q);
        break;
    case DNS_UNDER_WAY:
        list_drop(&s->askers, q);
        if (s->askers.first == NULL)
            slot_free(d, s);
        break;
    }
    q->stage = DNS_OVER;
}

static bool id_taken(const struct dns *d, const uint8_t id[static 2])
{
    for (const struct slot *s = d->first; s != NULL; s = s->next) {
        if (memcmp(s->query, id, 2) == 0)
            return true;
    }
    return false;
}

/* A question that no one can guess. */
static void make_query(const struct dns *d, struct slot *s, const struct dns_question *q)
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
    int len = dns_encode(q->name, (enum dns_type)q->type, (uint16_t)(chance.id[0] << 8 | chance.id[1]), chance.cases, s->query);
    s->query_len = len > 0 ? (size_t)len : 0;
}

static void move(struct list *from, struct list *to, struct dns_question *q, int stage)
{
    list_drop(from, q);
    list_put(to, q);
    q->stage = (uint8_t)stage;
}

static struct slot *same_under_way(const struct dns *d, const struct dns_question *q)
{
    struct slot *s = d->first;
    while (s != NULL && (s->askers.first->type != q->type || strcmp(s->askers.first->name, q->name) != 0))
        s = s->next;
    return s;
}

/* Who waits goes, as far as there is room. */
static void pump(struct dns *d, usec_t now)
{
    struct span known;
    for (struct dns_question *q = d->waiting.first; q != NULL; q = d->waiting.first) {
        struct slot *s;
        if (dns_cache_get(d->cache, q->type, name_of(q), now, &known)) {
            move(&d->waiting, &d->ready, q, DNS_READY);
            continue;
        }
        if ((s = same_under_way(d, q)) != NULL) {
            d->counters.joined++;
            q->slot = (uint16_t)(s - d->slots);
            move(&d->waiting, &s->askers, q, DNS_UNDER_WAY);
            continue;
        }
        if (d->free_count == 0)
            return;
        q->slot = d->free_slots[--d->free_count];
        s = &d->slots[q->slot];
        make_query(d, s, q);
        move(&d->waiting, &s->askers, q, DNS_UNDER_WAY);
        slot_put(d, s);
        s->again = false;
        d->counters.asked++;
        send_slot(d, s, now);
    }
}

int dns_ask(struct dns *d, struct dns_question *q, enum dns_type type, struct span name, usec_t now)
{
    int r = dns_name(name, q->name);
    if (r != 0)
        return r;
    q->type = (uint16_t)type;
    q->stage = DNS_WAITING;
    list_put(&d->waiting, q);
    pump(d, now);
    return 0;
}

void dns_ask_name(struct dns *d, struct dns_question *q, struct addr addr, usec_t now)
{
    char name[DNS_REVERSE_SIZE];
    (void)dns_ask(d, q, DNS_PTR, span_text(dns_reverse(addr, name)), now);
}

void dns_drop(struct dns *d, struct dns_question *q, usec_t now)
{
    if (q->stage == DNS_OVER)
        return;
    leave(d, q);
    pump(d, now);
}

/* ---- answers ---- */

static void tell(struct dns *d, const struct dns_answer *answer)
{
    while (d->telling.first != NULL) {
        struct dns_question *q = d->telling.first;
        leave(d, q);
        d->done(d->user, q, answer);
    }
}

/* All who asked this hear what is in d->said, or silence. */
static void finish(struct dns *d, struct slot *s, const struct dns_answer *answer)
{
    while (s->askers.first != NULL)
        move(&s->askers, &d->telling, s->askers.first, DNS_TELLING);
    slot_free(d, s);
    tell(d, answer);
}

static struct dns_answer answer_of(const struct dns *d, size_t message_len)
{
    return (struct dns_answer){
        .rcode = d->said.rcode, .cut = d->said.cut, .records = d->said.records, .count = d->said.count, .message = span_of(d->message, message_len)};
}

/* The message in d->message. */
static void take(struct dns *d, struct span message, usec_t now)
{
    struct slot *s = message.len >= HEADER_SIZE ? d->first : NULL;
    while (s != NULL && memcmp(s->query, message.at, 2) != 0)
        s = s->next;
    if (s == NULL || !dns_answers(span_of(s->query, s->query_len), message) || dns_decode(message, &d->said) != 0) {
        d->counters.strange++;
        return;
    }
    d->heard = now;
    const struct dns_question *q = s->askers.first;
    struct dns_answer answer = answer_of(d, message.len);
    bool certain = answer.rcode == 0 || answer.rcode == RCODE_NAME;
    *(answer.count > 0 ? &d->counters.answered : certain ? &d->counters.empty : &d->counters.failed) += 1;
    if (d->said.ttl > 0)
        dns_cache_put(d->cache, q->type, name_of(q), message, now + (usec_t)d->said.ttl * USEC_PER_SEC);
    finish(d, s, &answer);
}

void dns_read(struct dns *d, usec_t now)
{
    for (unsigned left = READ_MOST; left > 0; left--) {
        ssize_t got = recv(d->fd, d->message, sizeof d->message, MSG_DONTWAIT | MSG_TRUNC);
        if (got < 0 && errno == EAGAIN)
            break;
        if (got < 0)
            continue; /* the resolver is not there: that is silence */
        if ((size_t)got > sizeof d->message)
            d->counters.strange++;
        else
            take(d, span_of(d->message, (size_t)got), now);
    }
    pump(d, now);
}

/* Those whose answer was known when they asked; it may have grown too old since. */
static void run_ready(struct dns *d, usec_t now)
{
    struct span known;
    for (unsigned left = READ_MOST; left > 0 && d->ready.first != NULL; left--) {
        struct dns_question *q = d->ready.first;
        if (!dns_cache_get(d->cache, q->type, name_of(q), now, &known)) {
            move(&d->ready, &d->waiting, q, DNS_WAITING);
            continue;
        }
        memcpy(d->message, known.at, known.len);
        move(&d->ready, &d->telling, q, DNS_TELLING);
        if (dns_decode(span_of(d->message, known.len), &d->said) != 0)
            d->said.cut = true; /* it was read before: it can be read again */
        struct dns_answer answer = answer_of(d, known.len);
        answer.cached = true;
        d->counters.cached++;
        tell(d, &answer);
    }
}

void dns_run(struct dns *d, usec_t now)
{
    static const struct dns_answer silence = {.rcode = DNS_SILENT};
    run_ready(d, now);
    /* Bounded, though one that is asked again goes to the end. */
    for (unsigned left = DNS_UNDER_WAY_MAX; left > 0 && d->first != NULL; left--) {
        struct slot *s = d->first;
        if (s->sent + DNS_TIMEOUT > now)
            break;
        /* Nothing was heard since, and others were not sent by a newer connection. */
        if (d->heard < s->sent && d->connected_at <= s->sent)
            disconnect(d);
        if (s->again) {
            d->counters.silent++;
            finish(d, s, &silence);
            continue;
        }
        s->again = true;
        slot_drop(d, s);
        slot_put(d, s);
        send_slot(d, s, now);
    }
    pump(d, now);
}

usec_t dns_due(const struct dns *d)
{
    if (d->ready.first != NULL)
        return 1;
    return d->first != NULL ? d->first->sent + DNS_TIMEOUT : 0;
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
    int r = dns_cache_new(&d->cache);
    if (r != 0) {
        free(d);
        return r;
    }
    d->fd = socket(addr_is_v4(resolver.addr) ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (d->fd < 0) {
        r = -errno;
        dns_cache_free(d->cache);
        free(d);
        return r;
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
    dns_cache_free(d->cache);
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
