/*
 * Zones of the DNS whose TXT records name the abuse contacts of an address (setting contact.abuse_zones): 192.0.2.1 is 1.2.0.192.ZONE, an IPv6
 * address its 32 digits from the last on, as block lists do it (RFC 5782 §2.1, §2.4).
 */
#include "base/buf.h"
#include "base/conf.h"
#include "contact/note.h"

enum { ZONES_MAX = 16, CONTACTS_MAX = 20 };

extern const struct channel channel_abuse_zone;

static void ask(struct quest *q)
{
    const struct conf *settings = quest_settings(q);
    struct addr addr = quest_target(q)->addr;
    size_t zones = conf_count(settings, "contact.abuse_zones");
    for (size_t z = 0; z < zones && z < ZONES_MAX; z++) {
        struct span zone = span_text(conf_texts(settings, "contact.abuse_zones", z));
        struct buf name;
        while (zone.len > 0 && zone.at[0] == '.')
            zone = span_part(zone, 1, zone.len);
        while (zone.len > 0 && zone.at[zone.len - 1] == '.')
            zone.len--;
        if (zone.len == 0)
            continue;
        buf_init(&name, 253);
        for (unsigned i = addr_is_v4(addr) ? 4 : 0; i-- > 0;)
            buf_printf(&name, "%u.", addr.bytes[12 + i]);
        for (unsigned i = addr_is_v4(addr) ? 0 : 32; i-- > 0;)
            buf_printf(&name, "%x.", i % 2 == 0 ? addr.bytes[i / 2] >> 4 : addr.bytes[i / 2] & 15);
        buf_span(&name, zone);
        quest_because(q, "abuse zone of the settings");
        if (name.error != 0 || quest_dns(q, DNS_TXT, buf_as_span(&name), (unsigned)z) != 0)
            quest_debt(q, "zone %.*s was not asked", (int)zone.len, (const char *)zone.at);
        buf_done(&name);
    }
}

static bool parts(uint8_t c)
{
    return c <= ' ' || c == ',' || c == ';' || c == '|' || c == '"';
}

static void hear(struct quest *q, const struct answer *a)
{
    struct finding f = {
        .channel = &channel_abuse_zone, .kind = CONTACT_MAIL, .role = CONTACT_ROLE_ABUSE, .attribute = span_text("TXT"), .origin = a->question};
    if (a->outcome != OUTCOME_ANSWERED) {
        quest_debt(q, "TXT of %.*s: %s", (int)a->question.len, (const char *)a->question.at, outcome_text(a->outcome));
        return;
    }
    for (size_t r = 0; r < a->record_count; r++) {
        struct span left = a->records[r].text;
        if (a->records[r].type != DNS_TXT)
            continue;
        f.evidence = left;
        while (left.len > 0 && f.rank < CONTACTS_MAX) {
            size_t len = 0;
            while (len < left.len && !parts(left.at[len]))
                len++;
            if (len > 0 && note_mail(q, &f, span_part(left, 0, len)) != NULL)
                f.rank++;
            left = span_part(left, len + 1, left.len);
        }
    }
}

const struct channel channel_abuse_zone = {
    .name = "abuse_zone",
    .trust = 280,
    .help = "TXT records of the zones in contact.abuse_zones, by reversed address",
    .wants = CHANNEL_ADDRESS,
    .needs = "contact.abuse_zones",
    .ask = ask,
    .hear = hear,
};
