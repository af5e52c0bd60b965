#include "base/addr.h"

#include "base/err.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct addr addr_v4(uint32_t host_order)
{
    struct addr a;
    memcpy(a.bytes, mapped, sizeof mapped);
    for (size_t i = 0; i < 4; i++)
        a.bytes[12 + i] = (uint8_t)(host_order >> (8 * (3 - i)));
    return a;
}

bool addr_is_v4(struct addr a)
{
    return memcmp(a.bytes, mapped, sizeof mapped) == 0;
}

bool addr_equal(struct addr a, struct addr b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

char *addr_print(struct addr a, char text[static ADDR_TEXT_SIZE])
{
    bool v4 = addr_is_v4(a);
    if (inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a.bytes + 12 : a.bytes, text, ADDR_TEXT_SIZE) == NULL)
        text[0] = '\0';
    return text;
}

int addr_parse(struct span text, struct addr *ret)
{
    char copy[ADDR_TEXT_SIZE];
    if (text.len == 0 || text.len >= sizeof copy || memchr(text.at, '\0', text.len) != NULL)
        return -ERR_MALFORMED;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    struct addr a;
    memcpy(a.bytes, mapped, sizeof mapped);
    if (inet_pton(AF_INET, copy, a.bytes + 12) != 1 && inet_pton(AF_INET6, copy, a.bytes) != 1)
        return -ERR_MALFORMED;
    *ret = a;
    return 0;
}

char *endpoint_print(struct endpoint e, char text[static ENDPOINT_TEXT_SIZE])
{
    char addr[ADDR_TEXT_SIZE];
    (void)snprintf(text, ENDPOINT_TEXT_SIZE, addr_is_v4(e.addr) ? "%s:%u" : "[%s]:%u", addr_print(e.addr, addr), e.port);
    return text;
}

static int number_parse(struct span text, unsigned most, unsigned *ret)
{
    if (text.len == 0 || text.len > 5)
        return -ERR_MALFORMED;
    unsigned value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return -ERR_MALFORMED;
        value = value * 10 + (unsigned)(text.at[i] - '0');
    }
    if (value > most)
        return -ERR_MALFORMED;
    *ret = value;
    return 0;
}

int endpoint_parse(struct span text, struct endpoint *ret)
{
    struct endpoint e;
    size_t colon;
    unsigned port;
    int r;
    if (text.len > 0 && text.at[0] == '[') {
        size_t close = span_find(text, ']');
        colon = close + 1;
        r = close < text.len ? addr_parse(span_part(text, 1, close - 1), &e.addr) : -ERR_MALFORMED;
    } else {
        colon = span_find(text, ':');
        r = addr_parse(span_part(text, 0, colon), &e.addr);
    }
    if (r != 0 || colon >= text.len || text.at[colon] != ':' || number_parse(span_part(text, colon + 1, text.len), 65535, &port) != 0)
        return -ERR_MALFORMED;
    e.port = (uint16_t)port;
    *ret = e;
    return 0;
}

static struct addr masked(struct addr a, unsigned bits)
{
    for (size_t i = 0; i < sizeof a.bytes; i++) {
        unsigned from = (unsigned)i * 8;
        if (bits <= from)
            a.bytes[i] = 0;
        else if (bits < from + 8)
            a.bytes[i] &= (uint8_t)(0xff << (from + 8 - bits));
    }
    return a;
}

int prefix_parse(struct span text, struct prefix *ret)
{
    size_t slash = span_find(text, '/');
    struct prefix p;
    if (addr_parse(span_part(text, 0, slash), &p.addr) != 0)
        return -ERR_MALFORMED;
    unsigned most = addr_is_v4(p.addr) ? 32 : 128, bits = most;
    if (slash < text.len && number_parse(span_part(text, slash + 1, text.len), most, &bits) != 0)
        return -ERR_MALFORMED;
    p.bits = (uint8_t)(bits + 128 - most);
    if (!addr_equal(masked(p.addr, p.bits), p.addr))
        return -ERR_MALFORMED;
    *ret = p;
    return 0;
}

char *prefix_print(struct prefix p, char text[static PREFIX_TEXT_SIZE])
{
    char addr[ADDR_TEXT_SIZE];
    bool v4 = addr_is_v4(p.addr) && p.bits >= 96;
    (void)snprintf(text, PREFIX_TEXT_SIZE, "%s/%u", addr_print(p.addr, addr), v4 ? p.bits - 96U : p.bits);
    return text;
}

bool prefix_holds(struct prefix p, struct addr a)
{
    return addr_equal(masked(a, p.bits), p.addr);
}

int endpoint_from_sockaddr(const struct sockaddr *sa, struct endpoint *ret)
{
    struct endpoint e;
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, sa, sizeof in);
        e.addr = addr_v4(ntohl(in.sin_addr.s_addr));
        e.port = ntohs(in.sin_port);
    } else if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, sa, sizeof in6);
        memcpy(e.addr.bytes, &in6.sin6_addr, sizeof e.addr.bytes);
        e.port = ntohs(in6.sin6_port);
    } else {
        return -ERR_MALFORMED;
    }
    *ret = e;
    return 0;
}

socklen_t endpoint_to_sockaddr(struct endpoint e, struct sockaddr_storage *ret)
{
    memset(ret, 0, sizeof *ret);
    if (addr_is_v4(e.addr)) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(e.port)};
        memcpy(&in.sin_addr, e.addr.bytes + 12, 4);
        memcpy(ret, &in, sizeof in);
        return sizeof in;
    }
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(e.port)};
    memcpy(&in6.sin6_addr, e.addr.bytes, 16);
    memcpy(ret, &in6, sizeof in6);
    return sizeof in6;
}

/* A binary trie with one node per bit of the paths in use: at most 129 steps per look-up, which blocklists of some thousand prefixes
 * can afford; memory is one node of 24 bytes per bit not shared. */
struct trie_node {
    struct trie_node *child[2];
    void *value;
};

struct trie {
    struct trie_node root;
};

int trie_new(struct trie **ret)
{
    struct trie *t = calloc(1, sizeof *t);
    if (t == NULL)
        return -ENOMEM;
    *ret = t;
    return 0;
}

/* Depth is bounded by 128. */
static void node_free(struct trie_node *node)
{
    for (size_t i = 0; i < 2; i++) {
        if (node->child[i] != NULL)
            node_free(node->child[i]);
        free(node->child[i]);
    }
}

void trie_free(struct trie *t)
{
    if (t == NULL)
        return;
    node_free(&t->root);
    free(t);
}

static unsigned bit_at(struct addr a, unsigned bit)
{
    return (unsigned)a.bytes[bit / 8] >> (7 - bit % 8) & 1U;
}

int trie_put(struct trie *t, struct prefix p, void *value)
{
    struct trie_node *node = &t->root;
    for (unsigned bit = 0; bit < p.bits; bit++) {
        struct trie_node **next = &node->child[bit_at(p.addr, bit)];
        if (*next == NULL)
            *next = calloc(1, sizeof **next);
        if (*next == NULL)
            return -ENOMEM;
        node = *next;
    }
    node->value = value;
    return 0;
}

bool trie_drop(struct trie *t, struct prefix p)
{
    struct trie_node *node = &t->root;
    for (unsigned bit = 0; bit < p.bits && node != NULL; bit++)
        node = node->child[bit_at(p.addr, bit)];
    if (node == NULL || node->value == NULL)
        return false;
    node->value = NULL;
    return true;
}

void *trie_find(const struct trie *t, struct addr a, struct prefix *ret_prefix)
{
    void *value = NULL;
    unsigned bits = 0;
    const struct trie_node *node = &t->root;
    for (unsigned bit = 0; node != NULL; bit++) {
        if (node->value != NULL) {
            value = node->value;
            bits = bit;
        }
        node = bit < 128 ? node->child[bit_at(a, bit)] : NULL;
    }
    if (value != NULL && ret_prefix != NULL)
        *ret_prefix = (struct prefix){.addr = masked(a, bits), .bits = (uint8_t)bits};
    return value;
}
