/* Mailboxes that RFC 2142 wants a domain to have, made up from its rule: nobody said that they are there. */
#include "base/buf.h"
#include "contact/note.h"

/* Best first; §4 (network operations) and §5 (services); postmaster is RFC 5321's, too. */
static const struct {
    const char *local;
    enum contact_role role;
} mailboxes[] = {
    {"abuse", CONTACT_ROLE_ABUSE},          {"security", CONTACT_ROLE_SECURITY},    {"noc", CONTACT_ROLE_NOC},
    {"postmaster", CONTACT_ROLE_TECHNICAL}, {"hostmaster", CONTACT_ROLE_TECHNICAL}, {"webmaster", CONTACT_ROLE_TECHNICAL},
};

extern const struct channel channel_rfc2142_guess;

static void ask(struct quest *q)
{
    const struct target *target = quest_target(q);
    struct span domain = domain_registrable(target->domain);
    struct finding f = {.channel = &channel_rfc2142_guess,
                        .kind = CONTACT_MAIL,
                        .attribute = span_text("RFC 2142"),
                        .evidence = span_text("made up from the rule, not found anywhere"),
                        .origin = span_text("RFC 2142"),
                        .domain = target->domain,
                        .guess = true};
    if (domain.len == 0)
        return;
    for (unsigned i = 0; i < sizeof mailboxes / sizeof mailboxes[0]; i++) {
        struct buf mail;
        buf_init(&mail, 512);
        buf_printf(&mail, "%s@", mailboxes[i].local);
        buf_span(&mail, domain);
        f.role = mailboxes[i].role;
        f.rank = i;
        if (mail.error == 0)
            (void)note_mail(q, &f, buf_as_span(&mail));
        buf_done(&mail);
    }
}

const struct channel channel_rfc2142_guess = {
    .name = "rfc2142_guess",
    .trust = 150,
    .help = "abuse@, security@, noc@ … of the registrable domain: guesses, marked as such",
    .wants = CHANNEL_DOMAIN,
    .ask = ask,
};
