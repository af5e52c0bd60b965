/* The maker of a device whose own page was met (part `makers` of the book): not who runs it, but who can mend it. Nothing is asked. */
#include "contact/channel.h"
#include "contact/makers.h"

extern const struct channel channel_maker;

static void ask(struct quest *q)
{
    const struct makers *makers = quest_book(q) != NULL ? book_part(quest_book(q), BOOK_makers) : NULL;
    const struct maker *m = makers_find(makers, quest_maker(q));
    for (size_t i = 0; m != NULL && i < m->contact_count; i++) {
        bool page = span_starts(m->contacts[i], "http");
        struct finding f = {.channel = &channel_maker,
                            .kind = page ? CONTACT_FORM : CONTACT_MAIL,
                            .role = CONTACT_ROLE_MAKER,
                            .rank = (unsigned)i,
                            .value = m->contacts[i],
                            .attribute = m->names[0],
                            .evidence = m->line,
                            .origin = span_text("makers"),
                            .holder = m->names[0]};
        (void)findings_add(quest_findings(q), &f);
    }
}

const struct channel channel_maker = {
    .name = "maker",
    .trust = 300,
    .help = "whom the maker wants told, where the page at the address is a device's own",
    .wants = CHANNEL_MAKER,
    .ask = ask,
};
