#include "reach/tls.h"

#include "base/err.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    RSA_BITS_MAX = 8192,
    DH_BITS_MAX = 4096,
    CHAIN_MAX = 64 * 1024, /* bytes of certificates */
    NAME_MAX_LEN = 1024    /* bytes of a subject or issuer that are kept */
};

struct tls_context {
    SSL_CTX *ssl;
};

struct tls {
    SSL *ssl;
    BIO *in, *out; /* the SSL's own */
    bool ready, broken;
    bool has_certificate;
    uint8_t sha256[32];
    struct buf subject, issuer;
    char not_after[32];
};

/* ---- what the host shows ---- */

static void print_name(const X509_NAME *name, struct buf *out)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *text = NULL;
    if (memory == NULL)
        return;
    /* RFC 2253 with UTF-8 as it is; control bytes are escaped. */
    (void)X509_NAME_print_ex(memory, name, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
    long len = BIO_get_mem_data(memory, &text);
    if (len > 0)
        buf_span(out, span_part(span_of(text, (size_t)len), 0, NAME_MAX_LEN));
    BIO_free(memory);
}

static void keep_certificate(struct tls *tls, X509 *certificate)
{
    struct tm end;
    unsigned len = 0;
    if (tls->has_certificate || X509_digest(certificate, EVP_sha256(), tls->sha256, &len) != 1)
        return;
    tls->has_certificate = true;
    print_name(X509_get_subject_name(certificate), &tls->subject);
    print_name(X509_get_issuer_name(certificate), &tls->issuer);
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) == 1)
        (void)strftime(tls->not_after, sizeof tls->not_after, "%Y-%m-%dT%H:%M:%SZ", &end);
}

static int ssl_index(void)
{
    static int index = -1;
    if (index < 0)
        index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    return index;
}

/* Instead of a verification. What costs too much to work with ends the handshake. */
static int look(X509_STORE_CTX *store, void *user)
{
    (void)user;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls *tls = SSL_get_ex_data(ssl, ssl_index());
    X509 *certificate = X509_STORE_CTX_get0_cert(store);
    if (certificate == NULL)
        return 1;
    keep_certificate(tls, certificate);
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    return key == NULL || EVP_PKEY_get_bits(key) <= RSA_BITS_MAX;
}

/* Anything goes, but for a group whose arithmetic would take long. */
static int allow(const SSL *ssl, const SSL_CTX *context, int operation, int bits, int nid, void *other, void *user)
{
    (void)ssl;
    (void)context;
    (void)bits;
    (void)nid;
    (void)user;
    if (operation == SSL_SECOP_TMP_DH && other != NULL)
        return EVP_PKEY_get_bits(other) <= DH_BITS_MAX;
    return 1;
}

/* ---- life ---- */

int tls_context_new(struct tls_context **ret)
{
    struct tls_context *context = calloc(1, sizeof *context);
    if (context == NULL)
        return -ENOMEM;
    (void)OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    SSL_CTX *ssl = context->ssl = SSL_CTX_new(TLS_client_method());
    if (ssl == NULL || ssl_index() < 0) {
        tls_context_free(context);
        return -ENOMEM;
    }
    (void)SSL_CTX_set_min_proto_version(ssl, TLS1_VERSION);
    (void)SSL_CTX_set_cipher_list(ssl, "ALL:!eNULL:@SECLEVEL=0");
    SSL_CTX_set_security_level(ssl, 0);
    SSL_CTX_set_security_callback(ssl, allow);
    (void)SSL_CTX_set_options(ssl, SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                       SSL_OP_NO_TICKET);
    (void)SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    (void)SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(ssl, CHAIN_MAX);
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ssl, look, NULL);
    *ret = context;
    return 0;
}

void tls_context_free(struct tls_context *context)
{
    if (context == NULL)
        return;
    SSL_CTX_free(context->ssl);
    free(context);
}

static enum tls_progress handshake(struct tls *tls)
{
    ERR_clear_error();
    int r = SSL_do_handshake(tls->ssl);
    if (r == 1)
        tls->ready = true;
    else if (SSL_get_error(tls->ssl, r) != SSL_ERROR_WANT_READ)
        tls->broken = true;
    ERR_clear_error();
    return tls->ready ? TLS_READY : tls->broken ? TLS_BROKEN : TLS_MORE;
}

int tls_new(struct tls **ret, struct tls_context *context)
{
    struct tls *tls = calloc(1, sizeof *tls);
    if (tls == NULL)
        return -ENOMEM;
    buf_init(&tls->subject, NAME_MAX_LEN);
    buf_init(&tls->issuer, NAME_MAX_LEN);
    tls->ssl = SSL_new(context->ssl);
    tls->in = BIO_new(BIO_s_mem());
    tls->out = BIO_new(BIO_s_mem());
    if (tls->ssl == NULL || tls->in == NULL || tls->out == NULL || SSL_set_ex_data(tls->ssl, ssl_index(), tls) != 1) {
        BIO_free(tls->in);
        BIO_free(tls->out);
        SSL_free(tls->ssl);
        free(tls);
        return -ENOMEM;
    }
    (void)BIO_set_mem_eof_return(tls->in, -1);
    SSL_set_bio(tls->ssl, tls->in, tls->out);
    SSL_set_connect_state(tls->ssl);
    (void)handshake(tls);
    *ret = tls;
    return 0;
}

void tls_free(struct tls *tls)
{
    if (tls == NULL)
        return;
    SSL_free(tls->ssl);
    buf_done(&tls->subject);
    buf_done(&tls->issuer);
    free(tls);
}

/* ---- bytes ---- */

enum tls_progress tls_feed(struct tls *tls, struct span bytes)
{
    if (tls->broken)
        return TLS_BROKEN;
    if (bytes.len > 0 && BIO_write(tls->in, bytes.at, (int)bytes.len) != (int)bytes.len) {
        tls->broken = true;
        return TLS_BROKEN;
    }
    return tls->ready ? TLS_READY : handshake(tls);
}

size_t tls_read(struct tls *tls, uint8_t *to, size_t room, bool *ret_end)
{
    *ret_end = tls->broken;
    if (tls->broken || !tls->ready)
        return 0;
    ERR_clear_error();
    int got = SSL_read(tls->ssl, to, room < INT32_MAX ? (int)room : INT32_MAX);
    if (got > 0)
        return (size_t)got;
    int error = SSL_get_error(tls->ssl, got);
    ERR_clear_error();
    tls->broken = error != SSL_ERROR_WANT_READ;
    *ret_end = tls->broken;
    return 0;
}

int tls_write(struct tls *tls, struct span bytes)
{
    if (bytes.len == 0)
        return 0;
    if (tls->broken || !tls->ready)
        return -ERR_CLOSED;
    ERR_clear_error();
    int wrote = SSL_write(tls->ssl, bytes.at, (int)bytes.len);
    ERR_clear_error();
    return wrote == (int)bytes.len ? 0 : -ERR_CLOSED;
}

void tls_close(struct tls *tls)
{
    if (!tls->ready || tls->broken)
        return;
    (void)SSL_shutdown(tls->ssl);
    ERR_clear_error();
}

void tls_out(struct tls *tls, struct buf *out)
{
    char *bytes = NULL;
    long len = BIO_get_mem_data(tls->out, &bytes);
    if (len > 0)
        buf_put(out, bytes, (size_t)len);
    (void)BIO_reset(tls->out);
}

void tls_facts(struct tls *tls, void (*fact)(void *user, struct fact), void *user)
{
    char digest[2 * sizeof tls->sha256 + 1];
    const char *version = SSL_get_version(tls->ssl);
    const SSL_CIPHER *cipher = SSL_get_current_cipher(tls->ssl);
    if (tls->ready && strncmp(version, "TLSv", 4) == 0) /* "TLSv1" is 1.0 */
        fact(user, fact_text(FACT_TLS_VERSION, span_text(strcmp(version, "TLSv1") == 0 ? "1.0" : version + 4)));
    if (cipher != NULL && SSL_CIPHER_standard_name(cipher) != NULL)
        fact(user, fact_text(FACT_TLS_CIPHER, span_text(SSL_CIPHER_standard_name(cipher))));
    if (!tls->has_certificate)
        return;
    for (size_t i = 0; i < sizeof tls->sha256; i++)
        (void)snprintf(digest + 2 * i, 3, "%02x", tls->sha256[i]);
    fact(user, fact_text(FACT_TLS_SHA256, span_text(digest)));
    if (tls->subject.len > 0)
        fact(user, fact_text(FACT_TLS_SUBJECT, buf_as_span(&tls->subject)));
    if (tls->issuer.len > 0)
        fact(user, fact_text(FACT_TLS_ISSUER, buf_as_span(&tls->issuer)));
    if (tls->not_after[0] != '\0')
        fact(user, fact_text(FACT_TLS_NOT_AFTER, span_text(tls->not_after)));
}
