/*
 * TLS under a talk, over memory: nothing is verified, because what a device shows is what is wanted; old versions and ciphers are taken
 * (TLS 1.0 on, any strength). What would cost much is refused: RSA keys above 8192 bits, DH groups above 4096 bits, long chains.
 *
 *   bytes from the host ─► tls_feed ─► tls_read ─► probe        probe ─► tls_write ─► tls_out ─► to the host
 */
#pragma once

#include "base/buf.h"
#include "record/types.h"

struct tls_context;
struct tls;

/* Needs no file: OpenSSL's configuration is not read. */
int tls_context_new(struct tls_context **ret);
void tls_context_free(struct tls_context *);

/* Begins the handshake: tls_out has its first bytes. -ENOMEM. */
int tls_new(struct tls **ret, struct tls_context *);
void tls_free(struct tls *); /* NULL accepted */

enum tls_progress { TLS_MORE, TLS_READY, TLS_BROKEN };
/* Bytes from the host. READY: the handshake is done, tls_read may give something. Nothing is taken once it is broken. */
enum tls_progress tls_feed(struct tls *, struct span);
/* The next plain bytes: how many, 0 when there are none now; *ret_end: the host said there are no more, or broke the rules. */
size_t tls_read(struct tls *, uint8_t *to, size_t room, bool *ret_end);
int tls_write(struct tls *, struct span); /* -ERR_CLOSED */
void tls_close(struct tls *);             /* says that we say no more */
/* What is to be sent, moved to the end of `out`. */
void tls_out(struct tls *, struct buf *out);

/* What the host showed, as far as the handshake came: version, cipher, certificate. `fact` is called for each; text is valid during the call. */
void tls_facts(struct tls *, void (*fact)(void *user, struct fact), void *user);
