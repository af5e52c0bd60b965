/* Certificates of devices, made by OpenSSL for a test. */
#pragma once

#include "base/span.h"
#include "base/text.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* For that key, signed by `signer`, valid until 2031-02-03T04:05:06Z; `padding` bytes of a comment make it long. */
static inline X509 *certificate_for(EVP_PKEY *key, EVP_PKEY *signer, size_t padding)
{
    X509 *x = X509_new();
    assert_non_null(x);
    X509_NAME *name = X509_get_subject_name(x);
    assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 4711), 1);
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const uint8_t *)"Example Cameras", -1, -1, 0), 1);
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"camera.example", -1, -1, 0), 1);
    assert_int_equal(X509_set_issuer_name(x, name), 1);
    assert_int_equal(ASN1_TIME_set_string(X509_getm_notBefore(x), "20110203040506Z"), 1);
    assert_int_equal(ASN1_TIME_set_string(X509_getm_notAfter(x), "20310203040506Z"), 1);
    assert_int_equal(X509_set_pubkey(x, key), 1);
    if (padding > 0) {
        uint8_t *bytes = OPENSSL_zalloc(padding);
        ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
        ASN1_OBJECT *object = OBJ_txt2obj("1.3.6.1.4.1.32473.1", 1); /* RFC 5612: for documentation */
        assert_non_null(bytes);
        assert_int_equal(ASN1_OCTET_STRING_set(data, bytes, (int)padding), 1);
        X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, object, 0, data);
        assert_int_equal(X509_add_ext(x, extension, -1), 1);
        X509_EXTENSION_free(extension);
        ASN1_OBJECT_free(object);
        ASN1_OCTET_STRING_free(data);
        OPENSSL_free(bytes);
    }
    assert_true(X509_sign(x, signer, EVP_sha256()) > 0);
    return x;
}

/* A device's own, self-signed. */
static inline SSL_CTX *device_context(size_t padding)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    assert_non_null(key);
    assert_non_null(context);
    X509 *x = certificate_for(key, key, padding);
    SSL_CTX_set_security_level(context, 0);
    assert_int_equal(SSL_CTX_use_certificate(context, x), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
    X509_free(x);
    EVP_PKEY_free(key);
    return context;
}

/* The hash a fact states. */
static inline char *context_digest(const SSL_CTX *context, char text[static 2 * EVP_MAX_MD_SIZE + 1])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    assert_int_equal(X509_digest(SSL_CTX_get0_certificate(context), EVP_sha256(), digest, &len), 1);
    return text_hex(span_of(digest, len), text);
}
