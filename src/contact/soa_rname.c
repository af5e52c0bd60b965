/*
 * The mailbox of whoever runs the zone (RFC 1035 §3.3.13), of the domain and of the address's reverse zone: one question of DNS that costs no
 * registry's patience. The first label is the local part, with \. for a dot in it (RFC 1035 §8, RFC 1912 §2.2).
 */
#include "base/buf.h"
#include "base/err.h"
#include "contact/note.h"

enum { REVERSE_ZONES = 8 };

struct soa {
    unsigned step; /* of the reverse zones: how many were asked */
};

/* Reverse zones that a holder is given, the smallest first, in bits; those above belong to the registries. */
static const uint8_t v4_bits[] = {24, 16}, v6_bits[] = {64, 56, 48, 44, 40, 36, 32};

static void reverse_name(struct addr addr, unsigned bits, struct buf *name)
{
    if (addr_is_v4(addr)) {
        for (unsigned i = bits / 8; i-- > 0;)
            buf_printf(name, "%u.", addr.bytes[12 + i]);
        buf_text(name, "in-addr.arpa");
        return;
    }
    for (unsigned i = bits / 4; i-- > 0;)
        buf_printf(name, "%x.", i % 2 == 0 ? addr.bytes[i / 2] >> 4 : addr.bytes[i / 2] & 15);
    buf_text(name, "ip6.arpa");
}

static void ask_reverse(struct quest *q)
{
    struct soa *s = quest_state(q);
    struct addr addr = quest_target(q)->addr;
    size_t count = addr_is_v4(addr) ? sizeof v4_bits : sizeof v6_bits;
    struct buf name;
    if (s->step >= count)
        return;
    unsigned bits = addr_is_v4(addr) ? v4_bits[s->step] : v6_bits[s->step];
    s->step++;
    buf_init(&name, 254);
    reverse_name(addr, bits, &name);
    quest_because(q, "the mailbox of the reverse zone /%u", bits);
    if (name.error != 0 || quest_dns(q, DNS_SOA, buf_as_span(&name), 0) != 0)
        quest_debt(q, "SOA of the reverse zone was not asked");
    buf_done(&name);
}

static void ask(struct quest *q)
{
    const struct target *target = quest_target(q);
    if (target->domain.len == 0) {
        ask_reverse(q);
        return;
    }
    struct span registrable = domain_registrable(target->domain);
    quest_because(q, "the mailbox of the domain's zone");
    int r = quest_dns(q, DNS_SOA, target->domain, 1);
    if (r == 0 && registrable.len > 0 && !span_equal(registrable, target->domain)) {
        quest_because(q, "the mailbox of the zone above");
        r = quest_dns(q, DNS_SOA, registrable, 1);
    }
    if (r != 0)
        quest_debt(q, "SOA was not asked");
}

/* \DDD at the start of the text: the byte, or -1. */
static int escaped(struct span text)
{
    int value = 0;
    if (text.len < 4 || text.at[0] != '\\')
        return -1;
    for (size_t i = 1; i < 4; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return -1;
        value = value * 10 + text.at[i] - '0';
    }
    return value <= UINT8_MAX ? value : -1;
}

/* Presentation form to an address: the first dot that has no backslash before it is the @. */
static void to_mail(struct span rname, struct buf *mail)
{
    bool at = false;
    for (size_t i = 0; i < rname.len && mail->error == 0; i++) {
        uint8_t c = rname.at[i];
        int byte = escaped(span_part(rname, i, 4));
        if (byte >= 0) {
            buf_byte(mail, (uint8_t)byte);
            i += 3;
        } else if (c == '\\' && i + 1 < rname.len) {
            buf_byte(mail, rname.at[++i]);
        } else if (c == '.' && !at) {
            buf_byte(mail, '@');
            at = true;
        } else {
            buf_byte(mail, c);
        }
    }
}

extern const struct channel channel_soa_rname;

static void hear(struct quest *q, const struct answer *a)
{
    const struct target *target = quest_target(q);
    const struct dns_record *soa = NULL;
    struct buf mail;
    if (a->outcome != OUTCOME_ANSWERED) {
        quest_debt(q, "SOA of %.*s: %s", (int)a->question.len, (const char *)a->question.at, outcome_text(a->outcome));
        return;
    }
    for (size_t i = 0; i < a->record_count && soa == NULL; i++) {
        if (a->records[i].type == DNS_SOA && a->records[i].text.len > 0)
            soa = &a->records[i];
    }
    if (soa == NULL) {
        if (target->domain.len == 0)
            ask_reverse(q); /* the zone is a larger one */
        return;
    }
    struct finding f = {.channel = &channel_soa_rname,
                        .kind = CONTACT_MAIL,
                        .role = CONTACT_ROLE_TECHNICAL,
                        .attribute = span_text("SOA RNAME"),
                        .evidence = soa->text,
                        .origin = a->question,
                        .domain = target->domain};
    buf_init(&mail, 1024);
    to_mail(soa->text, &mail);
    if (mail.error == 0)
        (void)note_mail(q, &f, buf_as_span(&mail));
    buf_done(&mail);
}

const struct channel channel_soa_rname = {
    .name = "soa_rname",
    .trust = 230,
    .help = "the mailbox in the SOA record of the domain, and of the address's reverse zone",
    .wants = CHANNEL_ADDRESS | CHANNEL_DOMAIN,
    .state_size = sizeof(struct soa),
    .ask = ask,
    .hear = hear,
};
