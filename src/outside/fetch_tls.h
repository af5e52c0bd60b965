/* TLS of requests: whom to trust, from memory, and what to speak with whom nobody can trust. */
#pragma once

#include "base/buf.h"

#include <openssl/ssl.h>

/* PEM certificates; none when `pem` is empty. -ERR_MALFORMED: there are none in it; -ENOMEM. X509_STORE_free. */
int fetch_tls_trust(struct span pem, X509_STORE **ret);
/* Before a handshake: with `trusted`, modern TLS and nobody else's certificates; with NULL whatever the host speaks, unverified. */
void fetch_tls_prepare(SSL_CTX *, X509_STORE *trusted);
/* As well: the first leaf certificate goes to `leaf` as DER, as far as that has room for it, before it is verified (or not). */
void fetch_tls_keep_leaf(SSL_CTX *, struct buf *leaf);
