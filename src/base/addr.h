/*
 * Addresses: IPv4 and IPv6 as one 16-byte type, IPv4 in its mapped form ::ffff:a.b.c.d (RFC 4291 §2.5.5.2), and prefixes counted
 * in those 128 bits (10.0.0.0/8 is 104 bits).
 */
#pragma once

#include "base/span.h"

#include <netinet/in.h>
#include <sys/socket.h>

struct addr {
    uint8_t bytes[16];
};

struct endpoint {
    struct addr addr;
    uint16_t port; /* host order; 0 when there is none */
};

struct prefix {
    struct addr addr; /* host bits are zero */
    uint8_t bits;     /* 0 to 128 */
};

enum { ADDR_TEXT_SIZE = 46, ENDPOINT_TEXT_SIZE = 56, PREFIX_TEXT_SIZE = 52 };

struct addr addr_v4(uint32_t host_order);
bool addr_is_v4(struct addr);
bool addr_equal(struct addr, struct addr);
char *addr_print(struct addr, char text[static ADDR_TEXT_SIZE]);             /* "192.0.2.1", "2001:db8::1" (RFC 5952) */
int addr_parse(struct span text, struct addr *ret);                          /* no zone index; 0 or -ERR_MALFORMED */
char *endpoint_print(struct endpoint, char text[static ENDPOINT_TEXT_SIZE]); /* "192.0.2.1:23", "[2001:db8::1]:23" */
int endpoint_parse(struct span text, struct endpoint *ret);                  /* as printed */
int prefix_parse(struct span text, struct prefix *ret);                      /* "192.0.2.0/24" or one address; host bits must be zero */
char *prefix_print(struct prefix, char text[static PREFIX_TEXT_SIZE]);
bool prefix_holds(struct prefix, struct addr);

/* From and to the socket API; to_sockaddr returns the length used, IPv4 as AF_INET. -ERR_MALFORMED for other families. */
int endpoint_from_sockaddr(const struct sockaddr *, struct endpoint *ret);
socklen_t endpoint_to_sockaddr(struct endpoint, struct sockaddr_storage *ret);

/* Longest-prefix match. Values are the caller's; the trie keeps the pointers and frees only itself. */
struct trie;
int trie_new(struct trie **ret);
void trie_free(struct trie *);
int trie_put(struct trie *, struct prefix, void *value);                      /* replaces; value not NULL; 0 or -ENOMEM */
bool trie_drop(struct trie *, struct prefix);                                 /* false when it was not there */
void *trie_find(const struct trie *, struct addr, struct prefix *ret_prefix); /* NULL when no prefix holds it; ret_prefix may be NULL */
