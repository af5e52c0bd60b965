/* Certificates that hosts show: whose mail addresses count, and which of their names are domains of the address. */
#include "../base/check.h"
#include "harness.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>

extern const struct channel channel_certificate;

enum { NAMES_ROOM = 8192 };

static void extend(X509 *x, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, x, x, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(x, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

/* Self-signed; `mail` and `names` may be NULL, `names` is in OpenSSL's notation. */
static void make(struct buf *der, const char *cn, const char *mail, const char *names)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    uint8_t *bytes = NULL;
    assert_true(key != NULL && x != NULL);
    (void)X509_set_version(x, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
    (void)X509_gmtime_adj(X509_getm_notBefore(x), 0);
    (void)X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    X509_NAME *subject = X509_get_subject_name(x);
    (void)X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, (const unsigned char *)"One K\xc3\xbchl GmbH", -1, -1, 0);
    (void)X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0);
    if (mail != NULL)
        (void)X509_NAME_add_entry_by_txt(subject, "emailAddress", MBSTRING_ASC, (const unsigned char *)mail, -1, -1, 0);
    (void)X509_set_issuer_name(x, subject);
    (void)X509_set_pubkey(x, key);
    if (names != NULL)
        extend(x, NID_subject_alt_name, names);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    int len = i2d_X509(x, &bytes);
    assert_true(len > 0);
    buf_init(der, 0);
    buf_put(der, bytes, (size_t)len);
    OPENSSL_free(bytes);
    X509_free(x);
    EVP_PKEY_free(key);
}

static struct quest *for_address(const char *text)
{
    struct target target = {.when = 1};
    assert_int_equal(addr_parse(span_text(text), &target.addr), 0);
    return harness_quest(&channel_certificate, target, NULL);
}

static void shows(struct quest *q, const char *url, const struct buf *der)
{
    harness_page(q, url, 200, "text/html", NULL, span_text("a page"));
    harness_certificate(q, buf_as_span(der));
}

static void comes_to(struct quest *q, const char *expected)
{
    harness_run(q);
    assert_string_equal(harness_summary(q), expected);
    harness_free(q);
}

static void mail_addresses_and_names_that_lead_here(void **state)
{
    (void)state;
    struct buf der;
    make(&der, "www.one.de", "root@one.de",
         "DNS:www.one.de,DNS:*.one.de,DNS:other.nl,DNS:host-192-0-2-7.provider.net,email:webmaster@one.de,IP:192.0.2.7");
    struct quest *q = for_address("192.0.2.7");
    shows(q, "https://192.0.2.7/", &der);
    harness_dns_text(q, DNS_A, "www.one.de", "192.0.2.7");
    harness_dns_text(q, DNS_A, "one.de", "192.0.2.7");
    harness_dns_text(q, DNS_A, "other.nl", "198.51.100.1");
    harness_run(q);
    const struct finding *f = harness_found(q, "root@one.de");
    assert_non_null(f);
    assert_true(span_starts(f->evidence, "certificate "));
    assert_non_null(memmem(f->evidence.at, f->evidence.len, " CN=www.one.de O=One K\xc3\xbchl GmbH", 31));
    assert_true(span_is(f->holder, "One K\xc3\xbchl GmbH"));
    assert_true(span_is(f->origin, "https://192.0.2.7/"));
    assert_string_equal(harness_summary(q), "ask fetch https://192.0.2.7/ -> answered (the certificate that the host shows)\n"
                                            "ask dns 1 www.one.de -> answered (does the name of the certificate lead to the address?)\n"
                                            "ask dns 1 one.de -> answered (does the name of the certificate lead to the address?)\n"
                                            "ask dns 1 other.nl -> answered (does the name of the certificate lead to the address?)\n"
                                            "found mail webmaster@one.de owner rank=0 [certificate subjectAltName rfc822Name]\n"
                                            "found mail root@one.de owner rank=1 [certificate subject emailAddress]\n"
                                            "domain one.de\n");
    harness_free(q);
    buf_done(&der);
}

static void many_names_are_a_providers(void **state)
{
    (void)state;
    struct buf der;
    char names[NAMES_ROOM];
    size_t len = 0;
    for (int i = 0; i < 21; i++)
        len += (size_t)snprintf(names + len, sizeof names - len, "%sDNS:site%d.de", i > 0 ? "," : "", i);
    make(&der, "site0.de", "admin@cdn.net", names);
    struct quest *q = for_address("192.0.2.7");
    shows(q, "https://192.0.2.7/", &der);
    harness_run(q);
    assert_int_equal(q->asked_count, 1);
    assert_non_null(harness_found(q, "admin@cdn.net"));
    harness_free(q);
    buf_done(&der);
}

static void of_a_domain_the_mail_addresses_alone(void **state)
{
    (void)state;
    struct buf der;
    make(&der, "www.one.de", "root@localhost.localdomain", "DNS:two.de,email:hostmaster@one.de");
    struct quest *q = harness_quest(&channel_certificate, (struct target){.domain = span_text("one.de"), .when = 1}, NULL);
    shows(q, "https://one.de/", &der);
    comes_to(q, "ask fetch https://one.de/ -> answered (the certificate that the host shows)\n"
                "found mail hostmaster@one.de owner rank=0 [certificate subjectAltName rfc822Name]\n"
                "found mail root@localhost.localdomain owner rank=1 objection=placeholder [certificate subject emailAddress]\n");
    buf_done(&der);
}

static void a_certificate_without_a_page_counts(void **state)
{
    (void)state;
    struct buf der;
    make(&der, "fw.one.de", NULL, NULL);
    struct quest *q = for_address("2001:db8::7");
    harness_fetch_outcome(q, "https://[2001:db8::7]/", OUTCOME_FAILED, 0);
    harness_certificate(q, buf_as_span(&der));
    harness_dns_text(q, DNS_AAAA, "fw.one.de", "2001:db8::7");
    comes_to(q, "ask fetch https://[2001:db8::7]/ -> failed (the certificate that the host shows)\n"
                "ask dns 28 fw.one.de -> answered (does the name of the certificate lead to the address?)\n"
                "domain one.de\n");
    buf_done(&der);
}

static void what_is_none_and_what_is_owed(void **state)
{
    (void)state;
    struct buf der;
    struct quest *q = for_address("192.0.2.7"); /* most hosts have none */
    harness_run(q);
    assert_int_equal(q->debt_count, 0);
    harness_free(q);
    q = for_address("192.0.2.7");
    harness_fetch_outcome(q, "https://192.0.2.7/", OUTCOME_DENIED, 0);
    harness_run(q);
    assert_int_equal(q->debt_count, 1);
    harness_free(q);
    make(&der, "localhost", NULL, "DNS:one.de");
    q = for_address("192.0.2.7"); /* a name that could not be looked up */
    shows(q, "https://192.0.2.7/", &der);
    harness_run(q);
    assert_int_equal(q->debt_count, 1);
    assert_int_equal(q->domain_count, 0);
    harness_free(q);
    for (size_t cut = 0; cut < der.len; cut += 7) {
        const struct buf part = {.data = der.data, .len = cut};
        q = for_address("192.0.2.7");
        shows(q, "https://192.0.2.7/", &part);
        harness_run(q);
        assert_int_equal(q->asked_count, 1);
        harness_free(q);
    }
    buf_done(&der);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mail_addresses_and_names_that_lead_here), cmocka_unit_test(many_names_are_a_providers),
        cmocka_unit_test(of_a_domain_the_mail_addresses_alone),    cmocka_unit_test(a_certificate_without_a_page_counts),
        cmocka_unit_test(what_is_none_and_what_is_owed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
