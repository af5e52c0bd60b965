/*
 * Channel certificate: what the host's TLS certificate at port 443 says of whoever had it made: mail addresses in its subject and among its other
 * names, trusted or not. The names of hosts in it are domains of the address where the DNS says so, too: a name is anybody's to write. A certificate
 * of many names is a content network's or a provider's, and speaks of its customers: none of them is taken.
 */
#include "base/err.h"
#include "contact/note.h"
#include "contact/pdns.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <limits.h>

enum { CERTIFICATE_MAX = 32 * 1024, MAILS_MAX = 20, NAMES_MAX = 20, NAMES_READ_MAX = 1000, TEXT_MAX = 300, RANK_ALT_NAME = 0, RANK_SUBJECT = 1 };

struct certificate {
    struct span names[NAMES_MAX], domains[NAMES_MAX]; /* that are asked for; that were told */
    size_t name_count, domain_count;
    size_t mails;
    bool many;
};

extern const struct channel channel_certificate;

static void ask(struct quest *q)
{
    const struct target *target = quest_target(q);
    struct buf url;
    buf_init(&url, 512);
    if (target->domain.len > 0) {
        buf_text(&url, "https://");
        buf_span(&url, target->domain);
        buf_byte(&url, '/');
    } else {
        char text[ADDR_TEXT_SIZE];
        buf_printf(&url, addr_is_v4(target->addr) ? "https://%s/" : "https://[%s]/", addr_print(target->addr, text));
    }
    quest_because(q, "the certificate that the host shows");
    if (url.error != 0 || quest_fetch(q, buf_as_span(&url), 0) != 0)
        quest_debt(q, "the host was not asked for its certificate");
    buf_done(&url);
}

/* ---- texts of the certificate: whoever made it wrote them ---- */

static bool same(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp((const char *)a.at, (const char *)b.at, a.len) == 0);
}

/* As UTF-8 in the quest's memory; empty: none, too long, or with a NUL in it ("bank.example\0.evil.example"). */
static struct span text_of(struct quest *q, const ASN1_STRING *string)
{
    uint8_t *utf8 = NULL;
    struct span text = {0};
    int len = string != NULL && ASN1_STRING_length(string) <= FINDING_VALUE_MAX ? ASN1_STRING_to_UTF8(&utf8, string) : -1;
    if (len > 0 && memchr(utf8, 0, (size_t)len) == NULL) {
        const char *copy = arena_copy(quest_arena(q), span_of(utf8, (size_t)len));
        text = span_of(copy, copy != NULL ? (size_t)len : 0);
    }
    OPENSSL_free(utf8);
    return text;
}

static struct span first_of(struct quest *q, const X509_NAME *subject, int nid)
{
    int at = X509_NAME_get_index_by_NID(subject, nid, -1);
    return at >= 0 ? text_of(q, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))) : (struct span){0};
}

/* Which certificate it was: its fingerprint, and what it calls its host. */
static struct span evidence_of(struct quest *q, X509 *x, struct span holder)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    struct buf out;
    struct span name = first_of(q, X509_get_subject_name(x), NID_commonName);
    if (X509_digest(x, EVP_sha256(), digest, &len) != 1)
        len = 0;
    buf_init(&out, 0);
    buf_text(&out, "certificate ");
    for (unsigned i = 0; i < len; i++)
        buf_printf(&out, "%02x", digest[i]);
    buf_text(&out, name.len > 0 ? " CN=" : "");
    buf_span(&out, span_part(name, 0, TEXT_MAX / 2));
    buf_text(&out, holder.len > 0 ? " O=" : "");
    buf_span(&out, span_part(holder, 0, TEXT_MAX / 2));
    const char *copy = out.error == 0 ? arena_copy(quest_arena(q), buf_as_span(&out)) : NULL;
    struct span ret = span_of(copy, copy != NULL ? out.len : 0);
    buf_done(&out);
    return ret;
}

static void add_mail(struct quest *q, const struct finding *like, unsigned rank, const char *attribute, struct span text)
{
    struct certificate *c = quest_state(q);
    struct finding f = *like;
    if (text.len == 0 || c->mails == MAILS_MAX)
        return;
    f.rank = rank;
    f.attribute = span_text(attribute);
    c->mails += note_mail(q, &f, text) != NULL;
}

static void add_name(struct quest *q, struct span text)
{
    struct certificate *c = quest_state(q);
    struct span name;
    if (span_starts(text, "*."))
        text = span_part(text, 2, text.len);
    if (text.len == 0 || domain_normalise(quest_arena(q), text, &name) != 0 || domain_registrable(name).len == 0)
        return;
    for (size_t i = 0; i < c->name_count; i++) {
        if (same(c->names[i], name))
            return;
    }
    if (c->name_count == NAMES_MAX)
        c->many = true;
    else
        c->names[c->name_count++] = name;
}

static void read_alt_names(struct quest *q, X509 *x, const struct finding *like)
{
    GENERAL_NAMES *list = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    struct certificate *c = quest_state(q);
    int count = list != NULL ? sk_GENERAL_NAME_num(list) : 0;
    c->many = c->many || count > NAMES_READ_MAX;
    for (int i = 0; i < count && i < NAMES_READ_MAX; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(list, i);
        if (name->type == GEN_EMAIL)
            add_mail(q, like, RANK_ALT_NAME, "certificate subjectAltName rfc822Name", text_of(q, name->d.rfc822Name));
        else if (name->type == GEN_DNS && !c->many)
            add_name(q, text_of(q, name->d.dNSName));
    }
    GENERAL_NAMES_free(list);
}

static void read_subject(struct quest *q, X509 *x, const struct finding *like)
{
    const X509_NAME *subject = X509_get_subject_name(x);
    int at = -1;
    for (int tries = 0; tries < MAILS_MAX && (at = X509_NAME_get_index_by_NID(subject, NID_pkcs9_emailAddress, at)) >= 0; tries++)
        add_mail(q, like, RANK_SUBJECT, "certificate subject emailAddress", text_of(q, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
    add_name(q, first_of(q, subject, NID_commonName)); /* older ones have no other place for it */
}

/* ---- answers ---- */

/* Only those of an address are domains that are new; a name that spells the address is the provider's. */
static void ask_names(struct quest *q)
{
    const struct target *target = quest_target(q);
    struct certificate *c = quest_state(q);
    if (target->domain.len > 0 || c->many)
        return;
    for (size_t i = 0; i < c->name_count; i++) {
        if (pdns_holds_address(c->names[i], target->addr))
            continue;
        quest_because(q, "does the name of the certificate lead to the address?");
        if (quest_dns(q, addr_is_v4(target->addr) ? DNS_A : DNS_AAAA, c->names[i], (unsigned)i) != 0)
            quest_debt(q, "%.*s, a name of the certificate, was not looked up", (int)c->names[i].len, (const char *)c->names[i].at);
    }
}

static void hear_page(struct quest *q, const struct answer *a)
{
    const uint8_t *at = a->certificate.at;
    if (a->certificate.len == 0 && (a->outcome == OUTCOME_LIMITED || a->outcome == OUTCOME_DENIED)) {
        quest_debt(q, "%.*s: %s", (int)a->question.len, (const char *)a->question.at, outcome_text(a->outcome));
        return;
    }
    if (a->certificate.len == 0 || a->certificate.len > CERTIFICATE_MAX)
        return;
    X509 *x = d2i_X509(NULL, &at, (long)a->certificate.len);
    if (x != NULL) {
        struct finding like = {.channel = &channel_certificate, .role = CONTACT_ROLE_OWNER, .origin = a->question, .domain = quest_target(q)->domain};
        like.holder = first_of(q, X509_get_subject_name(x), NID_organizationName);
        like.evidence = evidence_of(q, x, like.holder);
        read_alt_names(q, x, &like);
        read_subject(q, x, &like);
        X509_free(x);
        ask_names(q);
    }
    ERR_clear_error();
}

static void hear_name(struct quest *q, const struct answer *a)
{
    struct certificate *c = quest_state(q);
    bool leads_here = false;
    if (a->tag >= c->name_count)
        return;
    struct span name = c->names[a->tag], domain = domain_registrable(name);
    if (a->outcome != OUTCOME_ANSWERED && a->outcome != OUTCOME_CUT) {
        quest_debt(q, "%.*s, a name of the certificate: %s", (int)name.len, (const char *)name.at, outcome_text(a->outcome));
        return;
    }
    for (size_t i = 0; i < a->record_count; i++)
        leads_here =
            leads_here || ((a->records[i].type == DNS_A || a->records[i].type == DNS_AAAA) && addr_equal(a->records[i].addr, quest_target(q)->addr));
    for (size_t i = 0; i < c->domain_count; i++)
        leads_here = leads_here && !same(c->domains[i], domain);
    if (!leads_here)
        return;
    c->domains[c->domain_count++] = domain;
    quest_domain(q, domain, false);
}

static void hear(struct quest *q, const struct answer *a)
{
    if (a->kind == QUESTION_FETCH)
        hear_page(q, a);
    else if (a->kind == QUESTION_DNS)
        hear_name(q, a);
}

const struct channel channel_certificate = {
    .name = "certificate",
    .trust = 190,
    .help = "mail addresses and names in the TLS certificate that the host shows at port 443",
    .wants = CHANNEL_ADDRESS | CHANNEL_DOMAIN,
    .state_size = sizeof(struct certificate),
    .ask = ask,
    .hear = hear,
};
