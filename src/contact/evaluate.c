#include "contact/evaluate.h"

#include "contact/crawl.h"
#include "contact/maildomains.h"
#include "contact/surveys.h"
#include "contact/words.h"

#include <errno.h>

enum { REASON_MAX = 512, SCORE_MAX = 1000 };

/* RFC 2142 §2 to §5. */
static const char *const mailboxes[] = {"info",       "marketing", "sales", "support",   "abuse", "noc",  "security", "postmaster",
                                        "hostmaster", "usenet",    "news",  "webmaster", "www",   "uucp", "ftp"};

/* Who can stop it. */
static const int role_weights[CONTACT_ROLE_COUNT] = {
    [CONTACT_ROLE_ABUSE] = 250,          [CONTACT_ROLE_SECURITY] = 240, [CONTACT_ROLE_NOC] = 180,      [CONTACT_ROLE_TECHNICAL] = 150,
    [CONTACT_ROLE_ADMINISTRATIVE] = 120, [CONTACT_ROLE_OWNER] = 120,    [CONTACT_ROLE_REGISTRAR] = 20, [CONTACT_ROLE_NATIONAL] = 20,
    [CONTACT_ROLE_MAKER] = 10,           [CONTACT_ROLE_NONE] = 60,
};

/* ---- the mail address ---- */

static struct span lowered(char *room, size_t size, struct span text)
{
    size_t len = text.len < size ? text.len : size;
    for (size_t i = 0; i < len; i++)
        room[i] = (char)(text.at[i] >= 'A' && text.at[i] <= 'Z' ? text.at[i] + ('a' - 'A') : text.at[i]);
    return span_of(room, len);
}

static bool is_rfc2142(struct span local)
{
    for (size_t i = 0; i < sizeof mailboxes / sizeof mailboxes[0]; i++) {
        if (span_is(local, mailboxes[i]))
            return true;
    }
    return false;
}

/* The registrable domain without its public suffix: "example" of example.co.jp. */
static struct span own_name(struct span domain)
{
    struct span registrable = domain_registrable(domain);
    return span_part(registrable, 0, span_find(registrable, '.'));
}

static enum match match_one(struct span mail, struct span domain)
{
    if (mail.len == 0 || domain.len == 0)
        return MATCH_NONE;
    struct span ours = domain_registrable(mail), theirs = domain_registrable(domain);
    if (span_equal(mail, domain) || (theirs.len > 0 && span_equal(mail, theirs)))
        return MATCH_EXACT;
    if (ours.len == 0 || theirs.len == 0)
        return MATCH_NONE;
    if (span_equal(ours, theirs))
        return MATCH_REGISTRABLE;
    return span_equal(own_name(mail), own_name(domain)) ? MATCH_NAME : MATCH_NONE;
}

static enum match better(enum match a, enum match b)
{
    if (a == MATCH_NONE || b == MATCH_NONE)
        return a == MATCH_NONE ? b : a;
    return a < b ? a : b;
}

/* The host of an http(s) URL, without port and user. */
static struct span url_host(struct span url)
{
    static const char mark[] = "://";
    const uint8_t *at = url.len > 0 ? memmem(url.at, url.len, mark, 3) : NULL;
    struct span host = at != NULL ? span_part(url, (size_t)(at - url.at) + 3, url.len) : (struct span){0};
    host = span_part(host, 0, span_find(host, '/'));
    host = span_part(host, 0, span_find(host, '?'));
    size_t user = span_find(host, '@');
    if (user < host.len)
        host = span_part(host, user + 1, host.len);
    if (host.len > 0 && host.at[0] == '[')
        return (struct span){0};
    return span_part(host, 0, span_find(host, ':'));
}

static enum match match_of(const struct finding *finding, const struct target *target, const struct span *domains, size_t domain_count)
{
    struct span own = finding->kind == CONTACT_MAIL   ? mail_domain(finding->value)
                      : finding->kind == CONTACT_FORM ? url_host(finding->value)
                                                      : (struct span){0};
    enum match match = better(match_one(own, finding->domain), match_one(own, target->domain));
    for (size_t i = 0; i < domain_count; i++)
        match = better(match, match_one(own, domains[i]));
    return match;
}

/* ---- flags ---- */

static bool is_from(const struct finding *finding, const char *channel)
{
    return finding->channel != NULL && strcmp(finding->channel->name, channel) == 0;
}

static bool is_from_page(const struct finding *finding)
{
    return is_from(finding, "ip_web") || is_from(finding, "domain_web");
}

/* The target is a survey's: by its address, by a name of its, or because its network's own contact is the project's. */
static bool is_survey(const struct book *book, const struct finding *finding, const struct target *target, const struct span *domains,
                      size_t domain_count)
{
    const struct surveys *surveys = book_part(book, BOOK_surveys);
    if (surveys_by_addr(surveys, target->addr).len > 0 || surveys_by_name(surveys, target->domain).len > 0)
        return true;
    for (size_t i = 0; i < domain_count; i++) {
        if (surveys_by_name(surveys, domains[i]).len > 0)
            return true;
    }
    bool registry = is_from(finding, "ip_whois") || is_from(finding, "rdap");
    return registry && finding->kind == CONTACT_MAIL && finding->objection == OBJECTION_NONE &&
           surveys_by_name(surveys, mail_domain(finding->value)).len > 0;
}

static unsigned flags_of(const struct book *book, const struct finding *finding, const struct target *target, const struct span *domains,
                         size_t domain_count, const struct verdict_of_contact *v, struct span *ret_name)
{
    unsigned flags = 0;
    if (finding->kind == CONTACT_MAIL)
        flags = maildomains_flags(book_part(book, BOOK_maildomains), finding->value, ret_name);
    /* On a page of the maker's own site, or in the registry's entry of its network, it is the maker itself. So with names of templates that exist. */
    if (v->match == MATCH_EXACT || v->match == MATCH_REGISTRABLE)
        flags &= ~(unsigned)(FLAG_VENDOR | FLAG_DEFAULT_PAGE);
    if (!is_from_page(finding))
        flags &= ~(unsigned)FLAG_VENDOR;
    if (finding->role == CONTACT_ROLE_MAKER)
        flags |= FLAG_VENDOR;
    if (finding->objection == OBJECTION_PLACEHOLDER)
        flags |= FLAG_DEFAULT_PAGE;
    if (finding->guess)
        flags |= FLAG_GUESS;
    if (is_survey(book, finding, target, domains, domain_count))
        flags |= FLAG_SURVEY;
    return flags;
}

/* ---- (1), (3) and the rule ---- */

static const struct mail_host *host_of(struct span domain, const struct mail_host *hosts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equal(hosts[i].domain, domain))
            return &hosts[i];
    }
    return NULL;
}

static void judge_mail(const struct book *book, const struct finding *finding, const struct mail_host *host, struct verdict_of_contact *v)
{
    char room[FINDING_VALUE_MAX];
    struct span local = lowered(room, sizeof room, mail_local(finding->value));
    v->exists = host == NULL ? KNOWN_NOT : host->null_mx ? KNOWN_NO : host->exists;
    v->rfc2142 = is_rfc2142(local);
    v->word = v->rfc2142 || words_in(book_part(book, BOOK_words), WORD_LOCAL, local) != NULL;
    bool related = v->match == MATCH_EXACT || v->rfc2142 || v->word;
    v->valid = !related ? KNOWN_NO : v->exists;
}

/* A form of a page that was read says what it has; of one that somebody names (a registry, a desk) it is not known. */
static void judge_form(const struct finding *finding, struct verdict_of_contact *v)
{
    bool answerable = span_is(finding->attribute, CRAWL_FORM);
    v->exists = is_from_page(finding) ? KNOWN_YES : KNOWN_NOT;
    v->valid = !is_from_page(finding) ? KNOWN_NOT : answerable ? KNOWN_YES : KNOWN_NO;
}

static enum known all_of(struct account_check check)
{
    if (check.exists == KNOWN_NO || check.takes_messages == KNOWN_NO || check.owner_matches == KNOWN_NO)
        return KNOWN_NO;
    return check.exists == KNOWN_YES && check.takes_messages == KNOWN_YES && check.owner_matches == KNOWN_YES ? KNOWN_YES : KNOWN_NOT;
}

/* ---- our score ---- */

static int clamp(int score)
{
    return score < 0 ? 0 : score > SCORE_MAX ? SCORE_MAX : score;
}

static int score_of(const struct finding *finding, const struct verdict_of_contact *v)
{
    if (is_from(finding, "manual"))
        return SCORE_MAX;
    if (finding->objection != OBJECTION_NONE || (v->flags & (FLAG_DEFAULT_PAGE | FLAG_SURVEY)) != 0)
        return 0;
    if (v->exists == KNOWN_NO || v->valid == KNOWN_NO)
        return v->exists == KNOWN_NO ? 0 : clamp((finding->channel != NULL ? finding->channel->trust : 0) / 2 + role_weights[finding->role] / 2);
    static const int matches[MATCH_COUNT] = {[MATCH_EXACT] = 100, [MATCH_REGISTRABLE] = 80, [MATCH_NAME] = 40};
    int score = (finding->channel != NULL ? finding->channel->trust : 0) + role_weights[finding->role] + matches[v->match];
    score += v->exists == KNOWN_YES ? 150 : 60;
    score += v->word ? 70 : 0;
    score += v->rfc2142 ? 30 : 0;
    score -= (int)(finding->rank < 5 ? finding->rank : 5) * 30;
    score -= finding->kind == CONTACT_FORM ? 60 : finding->kind == CONTACT_ACCOUNT ? 200 : 0;
    score -= (v->flags & FLAG_PRIVACY_PROXY) != 0 ? 250 : 0;
    score -= (v->flags & FLAG_DISPOSABLE) != 0 ? 400 : 0;
    score -= (v->flags & FLAG_VENDOR) != 0 ? 300 : 0;
    score -= (v->flags & FLAG_GUESS) != 0 ? 100 : 0;
    score -= (v->flags & FLAG_FREE_MAIL) != 0 && !v->rfc2142 ? 60 : 0; /* abuse@ of a provider of mail is that provider's desk */
    return clamp(score);
}

/* ---- in words ---- */

static void say_mail(struct buf *out, const struct mail_host *host, const struct verdict_of_contact *v)
{
    if (v->exists == KNOWN_YES && host != NULL && host->host.len > 0)
        buf_printf(out, "its mail host is %.*s", (int)(host->host.len < 120 ? host->host.len : 120), (const char *)host->host.at);
    else if (v->exists == KNOWN_YES)
        buf_text(out, "its domain has a mail host");
    else if ((v->flags & FLAG_NULL_MX) != 0)
        buf_text(out, "its domain takes no mail (null MX)");
    else
        buf_text(out, v->exists == KNOWN_NO ? "its domain has no mail host with an address" : "its mail host was not looked up");
    static const char *const matches[MATCH_COUNT] = {"its domain is not the target's", "its domain is the target's",
                                                     "its domain is one of the target's owner",
                                                     "its domain has the target's name and another suffix"};
    buf_printf(out, "; %s; %s", matches[v->match],
               v->rfc2142 ? "a mailbox of RFC 2142"
               : v->word  ? "its local part says what it is for"
                          : "its local part says nothing of its purpose");
}

static void say_account(struct buf *out, struct account_check check)
{
    static const char *const known[] = {"no", "yes", "not known"};
    buf_printf(out, "the account exists: %s; takes messages: %s; is the owner's: %s", known[check.exists], known[check.takes_messages],
               known[check.owner_matches]);
}

static void say_flags(struct buf *out, unsigned flags, struct span name)
{
    static const struct {
        unsigned flag;
        const char *text;
    } texts[] = {{FLAG_PRIVACY_PROXY, "a service that hides the owner"},
                 {FLAG_FREE_MAIL, "free mail"},
                 {FLAG_DISPOSABLE, "disposable mail"},
                 {FLAG_DEFAULT_PAGE, "an address of default pages"},
                 {FLAG_VENDOR, "the maker's"},
                 {FLAG_SURVEY, "the target belongs to a project that surveys the Internet"},
                 {FLAG_GUESS, "made up by RFC 2142, found nowhere"}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if ((flags & texts[i].flag) != 0)
            buf_printf(out, "; %s", texts[i].text);
    }
    if (name.len > 0)
        buf_printf(out, " (%.*s)", (int)(name.len < 60 ? name.len : 60), (const char *)name.at);
}

static int say(struct arena *arena, const struct finding *finding, const struct mail_host *host, struct span name, struct verdict_of_contact *v)
{
    static const char *const valid[] = {"not valid", "valid", "not known to be valid"};
    struct buf out;
    buf_init(&out, 4 * REASON_MAX);
    if (finding->objection != OBJECTION_NONE)
        buf_printf(&out, "no contact: %s; ", objection_text(finding->objection));
    if (finding->kind == CONTACT_MAIL)
        say_mail(&out, host, v);
    else if (finding->kind == CONTACT_FORM)
        buf_text(&out, v->valid == KNOWN_YES  ? "the page has a field for a message and a way to be answered"
                       : v->valid == KNOWN_NO ? "the page's form gives no way to be answered"
                                              : "the page was named, its form was not read");
    else
        say_account(&out, v->account);
    say_flags(&out, v->flags, name);
    buf_printf(&out, "; by the rule %s; score %d: %s contact of %s", valid[v->valid], v->score, contact_role_text(finding->role),
               finding->channel != NULL ? finding->channel->name : "a saved answer");
    int r = out.error;
    struct span text = span_part(buf_as_span(&out), 0, REASON_MAX);
    while (text.len > 0 && text.len < out.len && (out.data[text.len] & 0xc0) == 0x80)
        text.len--; /* at a character's border */
    v->reason = r == 0 ? span_of(arena_copy(arena, text), text.len) : (struct span){0};
    buf_done(&out);
    return r != 0 || v->reason.at == NULL ? -ENOMEM : 0;
}

int contact_evaluate(const struct book *book, struct arena *arena, const struct finding *finding, const struct target *target,
                     const struct span *domains, size_t domain_count, const struct mail_host *hosts, size_t host_count,
                     struct verdict_of_contact *ret)
{
    struct verdict_of_contact v = {.exists = KNOWN_NOT, .valid = KNOWN_NOT, .account = {KNOWN_NOT, KNOWN_NOT, KNOWN_NOT}};
    const struct mail_host *host = finding->kind == CONTACT_MAIL ? host_of(mail_domain(finding->value), hosts, host_count) : NULL;
    struct span name = {0};
    v.match = match_of(finding, target, domains, domain_count);
    if (finding->kind == CONTACT_MAIL)
        judge_mail(book, finding, host, &v);
    else if (finding->kind == CONTACT_FORM)
        judge_form(finding, &v);
    v.flags = flags_of(book, finding, target, domains, domain_count, &v, &name);
    if (host != NULL && host->null_mx)
        v.flags |= FLAG_NULL_MX;
    v.score = score_of(finding, &v);
    int r = say(arena, finding, host, name, &v);
    if (r == 0)
        *ret = v;
    return r;
}

int contact_evaluate_account(struct arena *arena, const struct finding *finding, struct account_check check, struct verdict_of_contact *v)
{
    struct verdict_of_contact checked = *v;
    checked.account = check;
    checked.exists = check.exists;
    checked.valid = all_of(check);
    checked.score = score_of(finding, &checked);
    int r = say(arena, finding, NULL, (struct span){0}, &checked);
    if (r == 0)
        *v = checked;
    return r;
}
