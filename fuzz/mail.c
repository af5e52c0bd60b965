/* The grammar of mail addresses and domains: what comes out is one form, which is its own. The list of findings takes it as one. */
#include "base/err.h"
#include "base/text.h"
#include "contact/finding.h"

#include "target.h"

static void check_domain(struct arena *arena, struct span domain)
{
    struct span again, registrable = domain_registrable(domain);
    MUST(domain.len > 0 && domain.len <= 253 && span_find(domain, '.') < domain.len);
    for (size_t i = 0; i < domain.len; i++)
        MUST(domain.at[i] > ' ' && domain.at[i] < 0x7f && (domain.at[i] < 'A' || domain.at[i] > 'Z'));
    MUST(domain_normalise(arena, domain, &again) == 0 && span_equal(domain, again));
    MUST(registrable.len <= domain.len);
    MUST(registrable.len == 0 || span_equal(registrable, span_part(domain, domain.len - registrable.len, registrable.len)));
    (void)domain_suffix_known(domain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct arena arena;
    struct findings list;
    struct span text = span_of(data, len), mail, again, domain;
    arena_init(&arena, 4 * 1024 * 1024);
    int r = mail_normalise(&arena, text, &mail);
    MUST(r == 0 || r == -ERR_MALFORMED);
    if (r == 0) {
        MUST(mail_local(mail).len > 0 && mail_local(mail).len <= 64 && text_utf8_valid(mail) == mail.len);
        check_domain(&arena, mail_domain(mail));
        MUST(mail_normalise(&arena, mail, &again) == 0 && span_equal(mail, again));
        findings_init(&list, &arena);
        struct finding f = {.kind = CONTACT_MAIL, .value = mail, .evidence = text, .domain = mail_domain(mail)};
        struct finding *first = findings_add(&list, &f);
        MUST(first != NULL && findings_add(&list, &f) == first && list.count == 1);
        MUST(first->evidence.len <= FINDING_EVIDENCE_MAX && text_utf8_valid(first->evidence) == first->evidence.len);
    }
    r = domain_normalise(&arena, text, &domain);
    MUST(r == 0 || r == -ERR_MALFORMED);
    if (r == 0)
        check_domain(&arena, domain);
    arena_done(&arena);
    return 0;
}
