/*
 * What an operator entered for the target (it came with the task): it wins over all that is found, for as long as it has not expired. Whether an
 * entry's scope holds the target is the store's business; whether it still holds at the time of the attack, and what it is, is looked at here.
 */
#include "base/buf.h"
#include "contact/note.h"
#include "contact/order.h"

extern const struct channel channel_manual;

static void print_evidence(struct buf *out, const struct contact_manual *m)
{
    char day[USEC_TEXT_SIZE];
    buf_text(out, "entered by ");
    buf_span(out, m->who.len > 0 ? m->who : span_text("an operator"));
    if (m->entered != 0)
        buf_printf(out, " on %s", usec_print_day(m->entered, day));
    if (m->scope.len > 0) {
        buf_text(out, " for ");
        buf_span(out, m->scope);
    }
    if (m->expires != 0)
        buf_printf(out, ", until %s", usec_print_day(m->expires, day));
    if (m->note.len > 0) {
        buf_text(out, ": ");
        buf_span(out, m->note);
    }
}

static void take(struct quest *q, const struct contact_manual *m, unsigned rank)
{
    struct finding f = {.channel = &channel_manual,
                        .kind = m->kind,
                        .role = m->role,
                        .rank = rank,
                        .value = m->value,
                        .attribute = span_text("manual entry"),
                        .origin = m->who,
                        .domain = quest_target(q)->domain};
    struct buf evidence;
    struct span mail;
    buf_init(&evidence, 16 * 1024);
    print_evidence(&evidence, m);
    f.evidence = buf_as_span(&evidence);
    /* As it was entered, without objections: the operator knows better. */
    if (m->kind == CONTACT_MAIL) {
        if (mail_normalise(quest_arena(q), m->value, &mail) == 0) {
            f.value = mail;
            (void)findings_add(quest_findings(q), &f);
        } else {
            quest_debt(q, "a manual entry is no mail address");
        }
    } else {
        (void)findings_add(quest_findings(q), &f);
    }
    buf_done(&evidence);
}

static void ask(struct quest *q)
{
    const struct contact_order *order = quest_order(q);
    const struct target *target = quest_target(q);
    static const struct addr none;
    unsigned rank = 0;
    if (target->domain.len > 0 && !addr_equal(target->addr, none)) /* they were taken when the address itself was asked for */
        return;
    for (size_t i = 0; i < order->manual_count; i++) {
        const struct contact_manual *m = &order->manuals[i];
        if (m->value.len == 0) /* nobody is to be told: that is for the choice */
            continue;
        if (m->expires != 0 && m->expires <= target->when)
            quest_debt(q, "a manual entry has expired: %.*s", (int)(m->value.len < 200 ? m->value.len : 200), (const char *)m->value.at);
        else
            take(q, m, rank++);
    }
}

const struct channel channel_manual = {
    .name = "manual",
    .trust = 400,
    .help = "what an operator entered; wins over all the others until it expires",
    .wants = CHANNEL_ADDRESS | CHANNEL_DOMAIN,
    .ask = ask,
};
