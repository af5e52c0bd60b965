/* Answers of the resolver for as long as they hold: at most DNS_CACHE_ENTRIES and DNS_CACHE_BYTES; who was not asked for longest gives way. */
#pragma once

#include "base/usec.h"
#include "outside/dns_types.h"

enum { DNS_CACHE_ENTRIES = 32768, DNS_CACHE_BYTES = 12 * 1024 * 1024 };

struct dns_cache;

/* Names are others' choice: the table's order is keyed by chance. -ENOMEM. */
int dns_cache_new(struct dns_cache **ret);
void dns_cache_free(struct dns_cache *); /* NULL accepted */
/* The message, until the next put; false when there is none that still holds. */
bool dns_cache_get(struct dns_cache *, uint16_t type, struct span name, usec_t now, struct span *ret_message);
/* Replaces. What there is no memory for is not kept. */
void dns_cache_put(struct dns_cache *, uint16_t type, struct span name, struct span message, usec_t until);
size_t dns_cache_count(const struct dns_cache *);
size_t dns_cache_bytes(const struct dns_cache *);
