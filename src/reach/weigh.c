/* The end of a quest: is each contact any good (who takes mail for its domain, asked of the resolver), and which is chosen. */
#include "reach/seek_parts.h"

#include "base/err.h"
#include "base/text.h"

#include <stdlib.h>

enum { CHOSEN_MAX = 16, OF_TARGET_MAX = QUEST_DOMAINS_MAX + 4 };

static void weigh_next(struct weighing *w);

static void over(struct weighing *w, enum known exists)
{
    w->host->exists = exists;
    w->quest->open--;
    quest_ready(w->quest);
}

static bool is_sure(const struct dns_answer *answer)
{
    return answer->rcode == 0 || answer->rcode == 3;
}

/* Does a mail host have an address? */
static void told_host(struct naming *naming, const struct dns_answer *answer)
{
    struct weighing *w = (struct weighing *)naming;
    if (answer->count > 0) {
        w->host->host = w->tried[w->at];
        over(w, KNOWN_YES);
        return;
    }
    w->unsure = w->unsure || !is_sure(answer) || answer->cut;
    if (w->aaaa)
        w->at++;
    w->aaaa = !w->aaaa;
    weigh_next(w);
}

static void weigh_next(struct weighing *w)
{
    struct seek *s = w->quest->seek;
    for (; w->at < w->tried_count; w->at++, w->aaaa = false) {
        w->naming.told = told_host;
        if (dns_ask(s->dns, &w->naming.dns, w->aaaa ? DNS_AAAA : DNS_A, w->tried[w->at], s->now) == 0)
            return;
    }
    over(w, w->unsure ? KNOWN_NOT : KNOWN_NO);
}

/* RFC 5321 §5.1: by preference; the domain itself where there is no MX. RFC 7505: one MX without a name takes no mail. */
static void told_mx(struct naming *naming, const struct dns_answer *answer)
{
    struct weighing *w = (struct weighing *)naming;
    struct quest *q = w->quest;
    if (!is_sure(answer)) {
        over(w, KNOWN_NOT);
        return;
    }
    if (answer->count == 1 && answer->records[0].text.len == 0) {
        w->host->null_mx = true;
        over(w, KNOWN_NO);
        return;
    }
    uint32_t least = 0; /* a preference and a place in the answer, both ascending */
    while (w->tried_count < MAIL_HOSTS_TRIED) {
        const struct dns_record *best = NULL;
        uint32_t best_at = UINT32_MAX;
        for (size_t i = 0; i < answer->count; i++) {
            uint32_t at = (uint32_t)answer->records[i].preference << 8 | (uint32_t)(i & 0xff);
            if (at >= least && at < best_at && answer->records[i].text.len > 0) {
                best = &answer->records[i];
                best_at = at;
            }
        }
        const char *copy = best != NULL ? arena_copy(&q->arena, best->text) : NULL;
        if (copy == NULL)
            break;
        w->tried[w->tried_count++] = span_of(copy, best->text.len);
        least = best_at + 1;
    }
    w->unsure = answer->cut || answer->count > MAIL_HOSTS_TRIED;
    if (answer->count == 0)
        w->tried[w->tried_count++] = w->host->domain;
    weigh_next(w);
}

static void weigh_domain(struct quest *q, struct span domain)
{
    struct seek *s = q->seek;
    for (size_t i = 0; i < q->host_count; i++) {
        if (span_equal(q->hosts[i].domain, domain))
            return;
    }
    if (domain.len == 0 || q->host_count == QUEST_MAIL_DOMAINS_MAX)
        return;
    struct mail_host *host = &q->hosts[q->host_count];
    struct weighing *w = arena_alloc(&q->arena, sizeof *w);
    *host = (struct mail_host){.domain = domain, .exists = KNOWN_NOT};
    q->weighings[q->host_count++] = w;
    if (w == NULL || s->dns == NULL)
        return;
    w->quest = q;
    w->host = host;
    w->naming.told = told_mx;
    q->open++;
    if (dns_ask(s->dns, &w->naming.dns, DNS_MX, domain, s->now) != 0)
        over(w, KNOWN_NO); /* what can't be a name has no mail host */
}

void quest_weigh(struct quest *q)
{
    for (const struct finding *f = q->findings.first; f != NULL; f = f->next) {
        if (f->kind == CONTACT_MAIL)
            weigh_domain(q, mail_domain(f->value));
    }
}

/* Domains that are the target's: those known to be; of an address without any, that of its name. */
static size_t of_target(const struct quest *q, struct span list[static OF_TARGET_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < q->domain_count && count < OF_TARGET_MAX; i++)
        list[count++] = q->domains[i].name;
    /* All of it: a survey's hosts are told by names such as scan.labs.site.example. */
    struct span named = span_text(q->host_name);
    if (count == 0 && domain_registrable(named).len > 0)
        list[count++] = named;
    return count;
}

/* An operator's entry without a value: nobody is to be told, whatever was found. */
static void keep_silent(struct quest *q)
{
    for (size_t i = 0; i < q->order.manual_count; i++) {
        const struct contact_manual *m = &q->order.manuals[i];
        struct buf reason;
        if (m->value.len > 0 || (m->expires != 0 && m->expires <= q->seek->wall))
            continue;
        q->chosen_count = 0;
        buf_init(&reason, 0);
        buf_text(&reason, "an operator entered that nobody is to be told");
        if (m->note.len > 0) {
            buf_text(&reason, ": ");
            buf_span(&reason, span_part(m->note, 0, text_utf8_valid(span_part(m->note, 0, 400))));
        }
        const char *kept = reason.error == 0 ? arena_copy(&q->arena, buf_as_span(&reason)) : NULL;
        q->reason = kept != NULL ? span_text(kept) : (struct span){0};
        buf_done(&reason);
        return;
    }
}

void quest_choose(struct quest *q)
{
    const struct book *book = q->seek->config.book;
    struct span domains[OF_TARGET_MAX];
    size_t domain_count = of_target(q, domains), i = 0;
    q->verdicts = arena_alloc(&q->arena, (q->findings.count + 1) * sizeof *q->verdicts);
    q->chosen = arena_alloc(&q->arena, CHOSEN_MAX * sizeof *q->chosen);
    q->say_at = q->findings.first;
    if (q->verdicts == NULL || q->chosen == NULL) {
        q->verdicts = NULL;
        return;
    }
    for (const struct finding *f = q->findings.first; f != NULL; f = f->next, i++) {
        struct target target = {.addr = q->addr, .domain = f->domain, .when = q->order.when};
        if (contact_evaluate(book, &q->arena, f, &target, domains, domain_count, q->hosts, q->host_count, &q->verdicts[i]) != 0)
            q->verdicts[i] = (struct verdict_of_contact){.exists = KNOWN_NOT, .valid = KNOWN_NOT};
        for (size_t k = 0; k < q->order.check_count; k++) {
            if (f->kind == CONTACT_ACCOUNT && span_equal(q->order.checks[k].url, f->value))
                (void)contact_evaluate_account(&q->arena, f, q->order.checks[k].check, &q->verdicts[i]);
        }
    }
    if (contact_choose(book, &q->arena, &q->target, &q->findings, q->verdicts, q->chosen, CHOSEN_MAX, &q->chosen_count, &q->reason) != 0)
        q->chosen_count = 0;
    keep_silent(q);
    seek_held(q->seek, &q->held, q->arena.used);
}
