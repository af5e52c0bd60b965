#include "outside/fetch_tls.h"

#include "base/err.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

enum { DH_BITS_MAX = 4096, CHAIN_MAX = 64 * 1024 };

int fetch_tls_trust(struct span pem, X509_STORE **ret)
{
    X509_STORE *store = X509_STORE_new();
    BIO *bio = pem.len > 0 && pem.len <= INT_MAX ? BIO_new_mem_buf(pem.at, (int)pem.len) : NULL;
    X509 *certificate;
    size_t count = 0;
    int r = store == NULL || (pem.len > 0 && bio == NULL) ? -ENOMEM : 0;
    while (r == 0 && bio != NULL && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        if (X509_STORE_add_cert(store, certificate) == 1)
            count++;
        X509_free(certificate);
    }
    ERR_clear_error();
    BIO_free(bio);
    if (r == 0 && pem.len > 0 && count == 0)
        r = -ERR_MALFORMED;
    if (r != 0) {
        X509_STORE_free(store);
        return r;
    }
    *ret = store;
    return 0;
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

void fetch_tls_prepare(SSL_CTX *context, X509_STORE *trusted)
{
    (void)SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384:P-521");
    (void)SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
    (void)SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(context, CHAIN_MAX);
    if (trusted != NULL) {
        SSL_CTX_set1_cert_store(context, trusted);
        (void)SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
        (void)SSL_CTX_set_cipher_list(context, "HIGH:!aNULL:!eNULL:!kDHE:!kRSA");
        return;
    }
    (void)SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    (void)SSL_CTX_set_cipher_list(context, "ALL:!eNULL:@SECLEVEL=0");
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_security_callback(context, allow);
    (void)SSL_CTX_set_options(context, SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_IGNORE_UNEXPECTED_EOF);
}

static int look(X509_STORE_CTX *store, void *user)
{
    struct buf *leaf = user;
    X509 *certificate = X509_STORE_CTX_get0_cert(store);
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    uint8_t *der = NULL;
    int len = certificate != NULL && leaf->len == 0 ? i2d_X509(certificate, &der) : 0;
    if (len > 0 && (size_t)len <= leaf->max)
        buf_put(leaf, der, (size_t)len);
    OPENSSL_free(der);
    return ssl != NULL && SSL_get_verify_mode(ssl) == SSL_VERIFY_NONE ? 1 : X509_verify_cert(store);
}

void fetch_tls_keep_leaf(SSL_CTX *context, struct buf *leaf)
{
    SSL_CTX_set_cert_verify_callback(context, look, leaf);
}
