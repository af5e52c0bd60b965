/* TLS under a talk: the handshake with devices new and old, cut at every byte, and what is refused. */
#include "reach/tls.h"

#include "base/err.h"
#include "certificate.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A device at the other end, over memory. */
struct pair {
    struct tls_context *context;
    struct tls *tls;
    SSL *device;
    BIO *to, *from; /* the device's own */
    struct buf facts;
};

static void pair_up(struct pair *p, SSL_CTX *device)
{
    *p = (struct pair){0};
    assert_int_equal(tls_context_new(&p->context), 0);
    assert_int_equal(tls_new(&p->tls, p->context), 0);
    p->device = SSL_new(device);
    p->to = BIO_new(BIO_s_mem());
    p->from = BIO_new(BIO_s_mem());
    assert_true(p->device != NULL && p->to != NULL && p->from != NULL);
    (void)BIO_set_mem_eof_return(p->to, -1);
    SSL_set_bio(p->device, p->to, p->from);
    SSL_set_accept_state(p->device);
    buf_init(&p->facts, 0);
}

static void pair_done(struct pair *p)
{
    tls_free(p->tls);
    tls_context_free(p->context);
    SSL_free(p->device);
    buf_done(&p->facts);
}

static void to_device(struct pair *p)
{
    struct buf out;
    buf_init(&out, 0);
    tls_out(p->tls, &out);
    if (out.len > 0)
        assert_int_equal(BIO_write(p->to, out.data, (int)out.len), (int)out.len);
    buf_done(&out);
}

/* What the device has to say, in pieces of `cut` bytes. */
static enum tls_progress to_us(struct pair *p, size_t cut)
{
    enum tls_progress progress = TLS_MORE;
    char *bytes = NULL;
    long len = BIO_get_mem_data(p->from, &bytes);
    struct span left = span_of(bytes, len > 0 ? (size_t)len : 0);
    while (left.len > 0 && progress != TLS_BROKEN) {
        struct span piece = span_part(left, 0, cut);
        progress = tls_feed(p->tls, piece);
        left = span_part(left, piece.len, left.len);
    }
    (void)BIO_reset(p->from);
    return progress;
}

static enum tls_progress shake_hands(struct pair *p, size_t cut)
{
    enum tls_progress progress = TLS_MORE;
    for (unsigned i = 0; i < 10 && progress == TLS_MORE; i++) {
        to_device(p);
        ERR_clear_error();
        (void)SSL_do_handshake(p->device);
        progress = to_us(p, cut);
    }
    return progress;
}

static void on_fact(void *user, struct fact fact)
{
    struct buf *facts = user;
    buf_printf(facts, " %s=%.*s ", fact_info((unsigned)fact.name)->text, (int)fact.text.len, (const char *)fact.text.at);
}

static const char *facts_of(struct pair *p)
{
    buf_clear(&p->facts);
    tls_facts(p->tls, on_fact, &p->facts);
    return buf_cstr(&p->facts);
}

static void assert_fact(struct pair *p, const char *text)
{
    if (strstr(facts_of(p), text) == NULL)
        fail_msg("no \"%s\" in %s", text, facts_of(p));
}

static void a_device_is_shaken_hands_with_however_it_is_cut(void **state)
{
    (void)state;
    SSL_CTX *device = device_context(0);
    char digest[2 * EVP_MAX_MD_SIZE + 1];
    for (size_t cut = 1; cut < 2000; cut = cut < 8 ? cut + 1 : cut * 3) {
        struct pair p;
        uint8_t bytes[64];
        bool end;
        pair_up(&p, device);
        assert_int_equal(tls_read(p.tls, bytes, sizeof bytes, &end), 0);
        assert_false(end);
        assert_int_equal(tls_write(p.tls, span_text("too early")), -ERR_CLOSED);
        assert_string_equal(facts_of(&p), "");
        assert_int_equal(shake_hands(&p, cut), TLS_READY);
        to_device(&p);
        assert_int_equal(SSL_do_handshake(p.device), 1);
        assert_fact(&p, " tls.version=1.3 ");
        assert_fact(&p, "=TLS_AES_256_GCM_SHA384 ");
        assert_fact(&p, "=CN=camera.example,O=Example Cameras ");
        assert_fact(&p, context_digest(device, digest));
        assert_fact(&p, "=2031-02-03T04:05:06Z ");
        assert_int_equal(tls_write(p.tls, span_text("GET /")), 0);
        to_device(&p);
        assert_int_equal(SSL_read(p.device, bytes, sizeof bytes), 5);
        assert_memory_equal(bytes, "GET /", 5);
        assert_int_equal(SSL_write(p.device, "hello", 5), 5);
        (void)SSL_shutdown(p.device);
        assert_int_equal(to_us(&p, cut), TLS_READY);
        assert_int_equal(tls_read(p.tls, bytes, 3, &end), 3);
        assert_int_equal(tls_read(p.tls, bytes + 3, 32, &end), 2);
        assert_memory_equal(bytes, "hello", 5);
        assert_false(end);
        assert_int_equal(tls_read(p.tls, bytes, sizeof bytes, &end), 0);
        assert_true(end);
        tls_close(p.tls);
        pair_done(&p);
    }
    SSL_CTX_free(device);
}

static void our_farewell_reaches_the_device(void **state)
{
    (void)state;
    SSL_CTX *device = device_context(0);
    struct pair p;
    uint8_t bytes[8];
    pair_up(&p, device);
    assert_int_equal(shake_hands(&p, 4096), TLS_READY);
    tls_close(p.tls);
    to_device(&p);
    int got = SSL_read(p.device, bytes, sizeof bytes);
    assert_int_equal(SSL_get_error(p.device, got), SSL_ERROR_ZERO_RETURN);
    pair_done(&p);
    SSL_CTX_free(device);
}

static void old_versions_are_spoken(void **state)
{
    (void)state;
    static const struct {
        int version;
        const char *text;
    } versions[] = {{TLS1_VERSION, " tls.version=1.0 "}, {TLS1_1_VERSION, " tls.version=1.1 "}, {TLS1_2_VERSION, " tls.version=1.2 "}};
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        SSL_CTX *device = device_context(0);
        struct pair p;
        assert_int_equal(SSL_CTX_set_min_proto_version(device, versions[i].version), 1);
        assert_int_equal(SSL_CTX_set_max_proto_version(device, versions[i].version), 1);
        assert_int_equal(SSL_CTX_set_cipher_list(device, "ALL:@SECLEVEL=0"), 1);
        pair_up(&p, device);
        assert_int_equal(shake_hands(&p, 700), TLS_READY);
        assert_fact(&p, versions[i].text);
        assert_fact(&p, "camera.example");
        pair_done(&p);
        SSL_CTX_free(device);
    }
}

static void what_is_no_tls_breaks_it(void **state)
{
    (void)state;
    static const char *const texts[] = {"HTTP/1.0 400 Bad Request\r\n\r\n", "SSH-2.0-device\r\n", "\x15\x03\x01\x00\x02\x02\x28",
                                        "\x16\x03\x01\xff\xff!"};
    SSL_CTX *device = device_context(0);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct pair p;
        struct buf out;
        uint8_t bytes[8];
        bool end;
        size_t len = i == 2 ? 7 : i == 3 ? 6 : strlen(texts[i]);
        pair_up(&p, device);
        assert_int_equal(tls_feed(p.tls, span_of(texts[i], len)), TLS_BROKEN);
        assert_int_equal(tls_feed(p.tls, span_text("more")), TLS_BROKEN);
        assert_int_equal(tls_read(p.tls, bytes, sizeof bytes, &end), 0);
        assert_true(end);
        assert_int_equal(tls_write(p.tls, span_text("x")), -ERR_CLOSED);
        tls_close(p.tls);
        buf_init(&out, 0);
        tls_out(p.tls, &out);
        assert_int_equal(out.error, 0);
        buf_done(&out);
        assert_string_equal(facts_of(&p), "");
        pair_done(&p);
    }
    SSL_CTX_free(device);
}

/* A byte of the handshake is another: it ends or waits, but never is ready with another certificate. */
static void a_bent_handshake_is_survived(void **state)
{
    (void)state;
    SSL_CTX *device = device_context(0);
    assert_int_equal(SSL_CTX_set_max_proto_version(device, TLS1_2_VERSION), 1); /* its certificate is readable on the way */
    char digest[2 * EVP_MAX_MD_SIZE + 1];
    (void)context_digest(device, digest);
    for (size_t at = 0; at < 700; at += 3) {
        struct pair p;
        char *bytes = NULL;
        pair_up(&p, device);
        to_device(&p);
        (void)SSL_do_handshake(p.device);
        long len = BIO_get_mem_data(p.from, &bytes);
        assert_true(len > 0);
        uint8_t *bent = malloc((size_t)len);
        assert_non_null(bent);
        memcpy(bent, bytes, (size_t)len);
        if (at < (size_t)len)
            bent[at] ^= 0x41;
        enum tls_progress progress = tls_feed(p.tls, span_of(bent, (size_t)len));
        assert_true(progress != TLS_READY || strstr(facts_of(&p), digest) != NULL);
        (void)facts_of(&p);
        free(bent);
        pair_done(&p);
    }
    ERR_clear_error();
    SSL_CTX_free(device);
}

static void long_chains_are_refused(void **state)
{
    (void)state;
    static const struct {
        size_t padding;
        bool taken;
    } chains[] = {{48 * 1024, true}, {80 * 1024, false}};
    for (size_t i = 0; i < 2; i++) {
        SSL_CTX *device = device_context(chains[i].padding);
        struct pair p;
        pair_up(&p, device);
        assert_int_equal(shake_hands(&p, 5000), chains[i].taken ? TLS_READY : TLS_BROKEN);
        assert_int_equal(strstr(facts_of(&p), "camera.example") != NULL, chains[i].taken);
        pair_done(&p);
        SSL_CTX_free(device);
    }
}

/* A key of so many bits that no prime was looked for: nothing is ever computed with it. */
static EVP_PKEY *huge_key(int bits)
{
    BIGNUM *n = BN_new(), *e = BN_new(), *d = BN_new();
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;
    assert_int_equal(BN_rand(n, bits, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD), 1);
    assert_int_equal(BN_set_word(e, 65537), 1);
    assert_int_equal(BN_rand(d, bits - 1, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD), 1);
    assert_int_equal(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n), 1);
    assert_int_equal(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e), 1);
    assert_int_equal(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_D, d), 1);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
    assert_int_equal(EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params), 1);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    BN_free(d);
    return key;
}

static void huge_keys_are_refused(void **state)
{
    (void)state;
    static const struct {
        int bits;
        bool taken;
    } keys[] = {{8192, true}, {10240, false}};
    for (size_t i = 0; i < 2; i++) {
        EVP_PKEY *key = huge_key(keys[i].bits), *signer = EVP_EC_gen("P-256");
        SSL_CTX *device = SSL_CTX_new(TLS_server_method());
        X509 *x = certificate_for(key, signer, 0);
        SSL_CTX_set_security_level(device, 0);
        assert_int_equal(SSL_CTX_set_max_proto_version(device, TLS1_2_VERSION), 1);
        assert_int_equal(SSL_CTX_set_cipher_list(device, "kRSA"), 1); /* the device signs nothing: we encrypt with its key */
        assert_int_equal(SSL_CTX_use_certificate(device, x), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(device, key), 1);
        struct pair p;
        pair_up(&p, device);
        to_device(&p);
        (void)SSL_do_handshake(p.device);
        assert_int_equal(to_us(&p, 5000), keys[i].taken ? TLS_MORE : TLS_BROKEN);
        assert_fact(&p, "camera.example"); /* what it showed is stated all the same */
        pair_done(&p);
        SSL_CTX_free(device);
        X509_free(x);
        EVP_PKEY_free(key);
        EVP_PKEY_free(signer);
    }
    ERR_clear_error();
}

static EVP_PKEY *group(const char *name)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
    assert_int_equal(EVP_PKEY_paramgen_init(context), 1);
    assert_int_equal(EVP_PKEY_CTX_set_group_name(context, name), 1);
    assert_int_equal(EVP_PKEY_paramgen(context, &key), 1);
    EVP_PKEY_CTX_free(context);
    return key;
}

static void huge_groups_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool taken;
    } groups[] = {{"ffdhe2048", true}, {"ffdhe8192", false}};
    for (size_t i = 0; i < 2; i++) {
        EVP_PKEY *key = EVP_RSA_gen(2048);
        SSL_CTX *device = SSL_CTX_new(TLS_server_method());
        X509 *x = certificate_for(key, key, 0);
        SSL_CTX_set_security_level(device, 0);
        assert_int_equal(SSL_CTX_set_max_proto_version(device, TLS1_2_VERSION), 1);
        assert_int_equal(SSL_CTX_set_cipher_list(device, "kDHE"), 1);
        assert_int_equal(SSL_CTX_set0_tmp_dh_pkey(device, group(groups[i].name)), 1);
        assert_int_equal(SSL_CTX_use_certificate(device, x), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(device, key), 1);
        struct pair p;
        pair_up(&p, device);
        assert_int_equal(shake_hands(&p, 5000), groups[i].taken ? TLS_READY : TLS_BROKEN);
        assert_fact(&p, "camera.example");
        pair_done(&p);
        SSL_CTX_free(device);
        X509_free(x);
        EVP_PKEY_free(key);
    }
    ERR_clear_error();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_is_shaken_hands_with_however_it_is_cut),
        cmocka_unit_test(our_farewell_reaches_the_device),
        cmocka_unit_test(old_versions_are_spoken),
        cmocka_unit_test(what_is_no_tls_breaks_it),
        cmocka_unit_test(a_bent_handshake_is_survived),
        cmocka_unit_test(long_chains_are_refused),
        cmocka_unit_test(huge_keys_are_refused),
        cmocka_unit_test(huge_groups_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
