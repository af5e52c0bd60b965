#include "site.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct site {
    int fd;
    struct endpoint at;
    SSL_CTX *tls;
    site_scenario *scenario;
    void *user;
    pthread_t thread;
    atomic_bool stopping;
};

struct site_peer {
    int fd;
    SSL *ssl;
    char heard[16384];
    size_t len;
};

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "test web server: %s: %s\n", what, strerror(errno));
    ERR_print_errors_fp(stderr);
    abort();
}

/* ---- certificates ---- */

static struct {
    EVP_PKEY *key;
    X509 *certificate;
    struct buf pem;
} ca;
static pthread_once_t ca_once = PTHREAD_ONCE_INIT;

static void extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    require(extension != NULL && X509_add_ext(certificate, extension, -1) == 1, "certificate extension");
    X509_EXTENSION_free(extension);
}

/* `issuer` NULL: signed by its own key. */
static X509 *certify(EVP_PKEY *key, const char *name, long from, long until, X509 *issuer, EVP_PKEY *signer)
{
    static long serial = 1;
    char names[300];
    X509 *x = X509_new();
    require(x != NULL && X509_set_version(x, 2) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(x), serial++) == 1, "certificate");
    (void)X509_gmtime_adj(X509_getm_notBefore(x), from);
    (void)X509_gmtime_adj(X509_getm_notAfter(x), until);
    (void)X509_set_pubkey(x, key);
    X509_NAME *subject = X509_get_subject_name(x);
    (void)X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    (void)X509_set_issuer_name(x, issuer != NULL ? X509_get_subject_name(issuer) : subject);
    if (issuer == NULL && strchr(name, '.') == NULL) {
        extend(x, x, NID_basic_constraints, "critical,CA:TRUE");
        extend(x, x, NID_key_usage, "critical,keyCertSign,cRLSign");
    } else {
        (void)snprintf(names, sizeof names, "DNS:%s", name);
        extend(x, issuer != NULL ? issuer : x, NID_subject_alt_name, names);
    }
    require(X509_sign(x, signer != NULL ? signer : key, EVP_sha256()) > 0, "signature");
    return x;
}

static void make_ca(void)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    ca.key = EVP_EC_gen("P-256");
    require(ca.key != NULL && bio != NULL, "key");
    ca.certificate = certify(ca.key, "Test CA", -86400, 86400, NULL, NULL);
    require(PEM_write_bio_X509(bio, ca.certificate) == 1, "PEM");
    long len = BIO_get_mem_data(bio, &text);
    buf_init(&ca.pem, 0);
    buf_put(&ca.pem, text, (size_t)len);
    BIO_free(bio);
}

struct span site_ca(void)
{
    (void)pthread_once(&ca_once, make_ca);
    return buf_as_span(&ca.pem);
}

static SSL_CTX *make_tls(enum site_certificate kind)
{
    (void)site_ca();
    EVP_PKEY *key = kind == SITE_SMALL ? EVP_RSA_gen(1024) : EVP_EC_gen("P-256");
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    require(key != NULL && tls != NULL, "TLS");
    bool own = kind == SITE_SELF || kind == SITE_SMALL;
    X509 *x = certify(key, kind == SITE_OTHER ? "other.example" : "site.example", -86400, kind == SITE_EXPIRED ? -3600 : 86400,
                      own ? NULL : ca.certificate, own ? NULL : ca.key);
    if (kind == SITE_SMALL) {
        SSL_CTX_set_security_level(tls, 0);
        (void)SSL_CTX_set_cipher_list(tls, "AES128-SHA:@SECLEVEL=0");
        (void)SSL_CTX_set_min_proto_version(tls, TLS1_VERSION);
        (void)SSL_CTX_set_max_proto_version(tls, TLS1_VERSION);
    }
    require(SSL_CTX_use_certificate(tls, x) == 1 && SSL_CTX_use_PrivateKey(tls, key) == 1, "certificate of the server");
    X509_free(x);
    EVP_PKEY_free(key);
    return tls;
}

/* ---- connections ---- */

bool site_put(struct site_peer *p, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    while (len > 0) {
        size_t part = len < 65536 ? len : 65536;
        ssize_t done = p->ssl != NULL ? SSL_write(p->ssl, at, (int)part) : send(p->fd, at, part, MSG_NOSIGNAL);
        if (done <= 0)
            return false;
        at += done;
        len -= (size_t)done;
    }
    return true;
}

void site_say(struct site_peer *p, struct span bytes)
{
    (void)site_put(p, bytes.at, bytes.len);
}

void site_text(struct site_peer *p, const char *text)
{
    (void)site_put(p, text, strlen(text));
}

struct span site_hear(struct site_peer *p)
{
    p->len = 0;
    while (p->len < sizeof p->heard - 1) {
        size_t room = sizeof p->heard - 1 - p->len;
        ssize_t got = p->ssl != NULL ? SSL_read(p->ssl, p->heard + p->len, (int)room) : recv(p->fd, p->heard + p->len, room, 0);
        if (got <= 0)
            break;
        p->len += (size_t)got;
        p->heard[p->len] = '\0';
        if (strstr(p->heard, "\r\n\r\n") != NULL)
            break;
    }
    return span_of((const uint8_t *)p->heard, p->len);
}

void site_pause(unsigned msec)
{
    const struct timespec wait = {.tv_sec = msec / 1000, .tv_nsec = (long)(msec % 1000) * 1000000};
    (void)nanosleep(&wait, NULL);
}

static void serve(struct site *w, int fd)
{
    static _Thread_local struct site_peer p;
    const struct timeval most = {.tv_sec = 10};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
    p = (struct site_peer){.fd = fd, .ssl = w->tls != NULL ? SSL_new(w->tls) : NULL};
    if (p.ssl == NULL || (SSL_set_fd(p.ssl, fd) == 1 && SSL_accept(p.ssl) == 1)) {
        w->scenario(&p, w->user);
        if (p.ssl != NULL)
            (void)SSL_shutdown(p.ssl);
    }
    SSL_free(p.ssl);
    ERR_clear_error();
    (void)shutdown(fd, SHUT_WR);
    (void)close(fd);
}

static void *run(void *user)
{
    struct site *w = user;
    struct pollfd wanted = {.fd = w->fd, .events = POLLIN};
    while (!atomic_load(&w->stopping)) {
        int fd = poll(&wanted, 1, 20) > 0 ? accept(w->fd, NULL, NULL) : -1;
        if (fd >= 0)
            serve(w, fd);
    }
    return NULL;
}

struct site *site_start(enum site_certificate kind, site_scenario *scenario, void *user)
{
    struct site *w = calloc(1, sizeof *w);
    struct endpoint at = {.addr = addr_v4(0x7f000001)};
    struct sockaddr_storage sa;
    socklen_t len = endpoint_to_sockaddr(at, &sa);
    (void)signal(SIGPIPE, SIG_IGN);
    require(w != NULL, "memory");
    w->scenario = scenario;
    w->user = user;
    w->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(w->fd >= 0 && bind(w->fd, (struct sockaddr *)&sa, len) == 0 && listen(w->fd, 256) == 0, "listen");
    require(getsockname(w->fd, (struct sockaddr *)&sa, &len) == 0 && endpoint_from_sockaddr((struct sockaddr *)&sa, &w->at) == 0, "address");
    w->tls = kind != SITE_PLAIN ? make_tls(kind) : NULL;
    require(pthread_create(&w->thread, NULL, run, w) == 0, "thread");
    return w;
}

struct endpoint site_endpoint(const struct site *w)
{
    return w->at;
}

void site_stop(struct site *w)
{
    atomic_store(&w->stopping, true);
    (void)pthread_join(w->thread, NULL);
    (void)close(w->fd);
    SSL_CTX_free(w->tls);
    free(w);
}
