#include "contact/remark.h"
#include "base/err.h"
#include "contact/whois_tables.h"

/* How far a word may be from what it is about, and how often a line may look like an address. */
enum { CLAUSE_MAX = 200, TRIES_MAX = 8 };

/* What the words of a clause say of the address after it. */
enum sense { SENSE_NONE, SENSE_REFUSED, SENSE_ABUSE, SENSE_OTHER, SENSE_SECURITY, SENSE_NOC };

/* The first that stands in the clause decides; a word ends where its letters end when it is written with a blank. */
static const struct {
    const char *word;
    enum sense sense;
} words[] = {
    {"do not", SENSE_REFUSED},
    {"don't ", SENSE_REFUSED},
    {"not be used", SENSE_REFUSED},
    {"will be ignored", SENSE_REFUSED},
    {"not accept", SENSE_REFUSED},
    {"correction", SENSE_OTHER},
    {"whois information", SENSE_OTHER},
    {"invalid contact", SENSE_OTHER},
    {"delist", SENSE_OTHER},
    {"de-list", SENSE_OTHER},
    {"abuse", SENSE_ABUSE},
    {"spam", SENSE_ABUSE},
    {"phish", SENSE_ABUSE},
    {"hack", SENSE_ABUSE},
    {"attack", SENSE_ABUSE},
    {"intrusion", SENSE_ABUSE},
    {"portscan", SENSE_ABUSE},
    {"scanning", SENSE_ABUSE},
    {"malware", SENSE_ABUSE},
    {"virus", SENSE_ABUSE},
    {"unsolicited", SENSE_ABUSE},
    {"security", SENSE_SECURITY},
    {"incident", SENSE_SECURITY},
    {"csirt", SENSE_SECURITY},
    {"vulnerabilit", SENSE_SECURITY},
    {"peering", SENSE_OTHER},
    {"law enforcement", SENSE_OTHER},
    {"legal", SENSE_OTHER},
    {"subpoena", SENSE_OTHER},
    {"geofeed", SENSE_OTHER},
    {"geolocation", SENSE_OTHER},
    {"sales", SENSE_OTHER},
    {"noc ", SENSE_NOC},
    {"noc:", SENSE_NOC},
    {"network operation", SENSE_NOC},
    {"outage", SENSE_NOC},
    {"operational", SENSE_NOC},
    {"routing", SENSE_NOC},
    {"complaint", SENSE_ABUSE},
    {"report", SENSE_ABUSE},
};

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool holds(struct span text, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= text.len; i++) {
        size_t k = 0;
        while (k < len && lower(text.at[i + k]) == (uint8_t)word[k])
            k++;
        if (k == len)
            return true;
    }
    return false;
}

static enum sense sense_of(struct span clause)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (holds(clause, words[i].word))
            return words[i].sense;
    }
    return SENSE_NONE;
}

static enum sense sense_of_local(struct span local)
{
    if (holds(local, "abuse") || holds(local, "spam"))
        return SENSE_ABUSE;
    if (holds(local, "security") || holds(local, "csirt") || holds(local, "cert"))
        return SENSE_SECURITY;
    return span_is(local, "noc") ? SENSE_NOC : SENSE_NONE;
}

static bool ends_with(struct span text, const char *what)
{
    size_t len = strlen(what);
    return text.len >= len && memcmp(text.at + text.len - len, what, len) == 0;
}

/* RFC 2606, RFC 6761, and hosts that nobody else can reach. */
static bool is_placeholder(struct span domain)
{
    static const char *const names[] = {"example.com", "example.net", "example.org",  ".invalid",       ".example",        ".test",
                                        ".localhost",  ".local",      ".localdomain", "domain.invalid", "your-domain.com", "yourdomain.com"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (span_is(domain, names[i]) || (names[i][0] == '.' && ends_with(domain, names[i])))
            return true;
        if (names[i][0] != '.' && ends_with(domain, names[i]) && domain.at[domain.len - strlen(names[i]) - 1] == '.')
            return true;
    }
    return false;
}

/* The target itself is the registry's: its domain was looked up. */
static bool is_of_registry(struct span domain, struct span mail)
{
    struct span a = domain_registrable(domain), b = domain_registrable(mail);
    return a.len > 0 && span_equal(a, b);
}

/* A registry's mailbox, and the registry is not the holder; a national CSIRT's. */
static void object(struct quest *q, struct finding *f)
{
    const struct mailboxes *boxes = quest_book(q) != NULL ? book_part(quest_book(q), BOOK_mailboxes) : NULL;
    const struct mailbox_entry *box = mailboxes_find(boxes, f->value);
    if (is_placeholder(mail_domain(f->value))) {
        f->objection = OBJECTION_PLACEHOLDER;
    } else if (box != NULL && !mailbox_owner_is(boxes, box, f->holder) && !is_of_registry(f->domain, mail_domain(f->value))) {
        f->objection = box->national ? OBJECTION_NATIONAL : OBJECTION_REGISTRY;
        f->role = box->national ? CONTACT_ROLE_NATIONAL : f->role;
    }
}

struct finding *remark_mail(struct quest *q, const struct finding *like, struct span text)
{
    struct finding f = *like;
    if (mail_normalise(quest_arena(q), text, &f.value) != 0)
        return NULL;
    f.kind = CONTACT_MAIL;
    if (f.objection == OBJECTION_NONE)
        object(q, &f);
    return findings_add(quest_findings(q), &f);
}

/* ---- free text ---- */

static bool parts(uint8_t c)
{
    return c <= ' ' || (c < 0x80 && strchr("<>()[],;:\"'|/\\", c) != NULL);
}

/* The sense of what stands before, else after an address or page on its line; when nothing stands before it, of the line above, too. */
static enum sense sense_around(struct span line, size_t from, size_t begin, size_t end, struct span above)
{
    size_t near = begin - from < CLAUSE_MAX ? from : begin - CLAUSE_MAX;
    struct span before = span_part(line, near, begin - near), after = span_part(line, end, CLAUSE_MAX);
    size_t letters = 0;
    enum sense sense = sense_of(before);
    if (sense != SENSE_NONE)
        return sense;
    for (size_t i = 0; i < before.len; i++)
        letters += lower(before.at[i]) >= 'a' && lower(before.at[i]) <= 'z';
    if (letters < 3 && from == 0)
        sense = sense_of(span_part(above, 0, CLAUSE_MAX));
    for (size_t i = 0; i < after.len && sense == SENSE_NONE; i++) {
        if (after.at[i] == '@' || i + 1 == after.len)
            return sense_of(span_part(after, 0, i + 1));
    }
    return sense;
}

static void say(struct finding *f, enum sense sense)
{
    switch (sense) {
    case SENSE_REFUSED:
        f->objection = f->objection == OBJECTION_NONE ? OBJECTION_REFUSED : f->objection;
        break;
    case SENSE_OTHER:
        f->objection = f->objection == OBJECTION_NONE ? OBJECTION_NOT_FOR_US : f->objection;
        break;
    case SENSE_ABUSE:
        f->role = CONTACT_ROLE_ABUSE;
        break;
    case SENSE_SECURITY:
        f->role = CONTACT_ROLE_SECURITY;
        f->rank += 1;
        break;
    case SENSE_NOC:
        f->role = CONTACT_ROLE_NOC;
        f->rank += 2;
        break;
    case SENSE_NONE:
        f->rank += 5;
        break;
    }
}

static bool starts_page(struct span text)
{
    return span_starts(text, "http://") || span_starts(text, "https://");
}

/* A page that takes reports: its words or its URL say so. */
static bool page(struct quest *q, const struct finding *like, struct span url, enum sense sense)
{
    struct finding f = *like;
    while (url.len > 0 && strchr(".,;:)>]*!'\"", url.at[url.len - 1]) != NULL)
        url.len--;
    url = span_part(url, 0, span_find(url, '#'));
    for (size_t i = 0; i < url.len; i++) {
        if (url.at[i] <= ' ' || url.at[i] >= 0x7f)
            return false;
    }
    if (sense == SENSE_NONE && holds(url, "abuse"))
        sense = SENSE_ABUSE;
    if (url.len < sizeof "http://a.b" - 1 || (sense != SENSE_ABUSE && sense != SENSE_SECURITY))
        return false;
    f.kind = CONTACT_FORM;
    f.value = url;
    say(&f, sense);
    return findings_add(quest_findings(q), &f) != NULL;
}

static bool mail(struct quest *q, const struct finding *like, struct span text, enum sense sense)
{
    struct finding f = *like;
    say(&f, sense != SENSE_NONE ? sense : sense_of_local(mail_local(text)));
    return remark_mail(q, &f, text) != NULL;
}

/* One line; returns how many were found. */
static size_t read_line(struct quest *q, const struct finding *like, struct span line, struct span above)
{
    size_t found = 0, clause = 0, tries = 0;
    for (size_t at = 0; at < line.len && tries < TRIES_MAX;) {
        struct span left = span_part(line, at, line.len);
        size_t len = 0;
        bool url = starts_page(left);
        while (len < left.len && (url ? left.at[len] > ' ' && left.at[len] != '<' && left.at[len] != '"' : !parts(left.at[len])))
            len++;
        struct span word = span_part(left, 0, len);
        while (word.len > 0 && !url && strchr(".!?*", word.at[word.len - 1]) != NULL)
            word.len--;
        if (url || span_find(word, '@') < word.len) {
            tries++;
            enum sense sense = sense_around(line, clause, at, at + len, above);
            if (url ? page(q, like, word, sense) : mail(q, like, word, sense)) {
                found++;
                clause = at + len;
            }
        }
        at += len > 0 ? len : 1;
    }
    return found;
}

void remark_read(struct quest *q, const struct finding *like, const struct span *lines, size_t count)
{
    size_t found = 0;
    struct span above = {0};
    struct finding f = *like;
    for (size_t i = 0; i < count && i < REMARK_LINES_MAX && found < REMARK_FOUND_MAX; i++) {
        struct span line = span_part(lines[i], 0, REMARK_LINE_MAX);
        f.evidence = line;
        found += read_line(q, &f, line, above);
        above = line;
    }
}
