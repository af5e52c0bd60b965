#include "contact/note.h"

#include "base/err.h"
#include "contact/remark.h"
#include "contact/whois_tables.h"

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

struct finding *note_mail(struct quest *q, const struct finding *like, struct span text)
{
    struct finding f = *like;
    if (mail_normalise(quest_arena(q), text, &f.value) != 0)
        return NULL;
    f.kind = CONTACT_MAIL;
    if (f.objection == OBJECTION_NONE)
        object(q, &f);
    return findings_add(quest_findings(q), &f);
}

/* ---- remarks ---- */

struct noting {
    struct quest *quest;
    const struct finding *like;
    size_t found;
};

static void place(struct finding *f, enum remark_purpose purpose)
{
    switch (purpose) {
    case REMARK_ABUSE:
        f->role = CONTACT_ROLE_ABUSE;
        break;
    case REMARK_SECURITY:
        f->role = CONTACT_ROLE_SECURITY;
        f->rank += 1;
        break;
    case REMARK_NOC:
        f->role = CONTACT_ROLE_NOC;
        f->rank += 2;
        break;
    case REMARK_OTHERS:
    case REMARK_REFUSES:
        if (f->objection == OBJECTION_NONE)
            f->objection = purpose == REMARK_REFUSES ? OBJECTION_REFUSED : OBJECTION_NOT_FOR_US;
        break;
    case REMARK_FOR_NOBODY:
    default:
        f->rank += 5;
        break;
    }
}

static void hear(void *user, const struct remark *remark)
{
    struct noting *n = user;
    struct finding f = *n->like;
    if (n->found == NOTE_FOUND_MAX)
        return;
    f.evidence = remark->line;
    place(&f, remark->purpose);
    if (remark->page) {
        f.kind = CONTACT_FORM;
        f.value = span_part(remark->what, 0, span_find(remark->what, '#'));
        n->found += findings_add(quest_findings(n->quest), &f) != NULL;
    } else {
        n->found += note_mail(n->quest, &f, remark->what) != NULL;
    }
}

void note_remarks(struct quest *q, const struct finding *like, const struct span *lines, size_t count)
{
    struct noting noting = {.quest = q, .like = like};
    (void)remark_read(quest_arena(q), lines, count < NOTE_LINES_MAX ? count : NOTE_LINES_MAX, hear, &noting);
}
