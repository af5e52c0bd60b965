/*
 * Replies of WHOIS servers. The first byte: which server answers, and whether it was asked for an address, a domain, a handle or an AS; a high one: a
 * whole walk, replies one after the other (0xff 0xfe between them).
 */
#include "harness.h"

#include "base/file.h"
#include "base/text.h"
#include "contact/whois.h"

#include "lists.h"
#include "target.h"

#include <stdio.h>

extern const struct channel channel_ip_whois, channel_domain_whois;

enum { ARENA_MAX = 64 * 1024 * 1024, WALKS_FROM = 240, AS_FROM = 12 };

static struct book *book;

static void check(const struct findings *found, const struct whois_reply *reply)
{
    unsigned rank = 0;
    MUST(text_utf8_valid(reply->text) == reply->text.len);
    MUST(reply->handle_count <= WHOIS_HANDLES_MAX && reply->next.len <= WHOIS_SERVER_MAX);
    MUST(reply->block.bits <= 128 && reply->cover.bits <= 128);
    for (const struct finding *f = found->first; f != NULL; f = f->next) {
        MUST(f->value.len > 0 && text_utf8_valid(f->value) == f->value.len);
        MUST(text_utf8_valid(f->evidence) == f->evidence.len && f->evidence.len <= FINDING_EVIDENCE_MAX);
        MUST(f->kind != CONTACT_MAIL || span_find(f->value, '@') < f->value.len);
        if (f->objection == OBJECTION_NONE) {
            MUST(f->rank >= rank);
            rank = f->rank;
        }
    }
}

static void read_one(uint8_t how, struct span bytes)
{
    static const char *const servers[] = {"",
                                          "whois.ripe.net",
                                          "whois.apnic.net",
                                          "whois.afrinic.net",
                                          "whois.arin.net",
                                          "whois.lacnic.net",
                                          "whois.registro.br",
                                          "whois.nic.ad.jp",
                                          "whois.kisa.or.kr",
                                          "whois.twnic.net",
                                          "whois.iana.org",
                                          "whois.jprs.jp",
                                          "rwhois.one.net"};
    enum { SERVERS = sizeof servers / sizeof servers[0] };
    struct arena arena;
    struct findings found;
    struct whois_reply reply;
    struct span server = span_text(servers[how % SERVERS]);
    arena_init(&arena, ARENA_MAX);
    findings_init(&found, &arena);
    int r = how / SERVERS >= AS_FROM ? whois_read_as(book, server, 3333, bytes, &found, &reply)
            : how / SERVERS % 3 == 0 ? whois_read(book, server, addr_v4(0xc1001109), bytes, &found, &reply)
            : how / SERVERS % 3 == 1 ? whois_read_domain(book, server, span_text("one.com"), bytes, &found, &reply)
                                     : whois_read_handle(book, server, span_text("AB1"), CONTACT_ROLE_TECHNICAL, 0, bytes, &found, &reply);
    MUST(r == 0);
    check(&found, &reply);
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (book == NULL)
        book = shipped_book();
    if (len == 0)
        return 0;
    if (data[0] < WALKS_FROM) {
        read_one(data[0], span_of(data + 1, len - 1));
        return 0;
    }
    struct target target = {.when = 1};
    if (data[0] % 2 != 0)
        target.domain = span_text("www.one.com");
    else
        target.addr = addr_v4(0xc1001109);
    harness_fuzz(data[0] % 2 != 0 ? &channel_domain_whois : &channel_ip_whois, target, book, data, len);
    return 0;
}
