/*
 * Replies of WHOIS servers. The first byte: which server answers, and whether it was asked for an address, a domain, a handle or an AS; a high one: a
 * whole walk, replies one after the other (0xff 0xfe between them).
 */
#include "harness.h"

#include "base/file.h"
#include "base/text.h"
#include "contact/book.h"
#include "contact/whois.h"

#include "target.h"

#include <stdio.h>

extern const struct channel channel_ip_whois, channel_domain_whois;

enum { ARENA_MAX = 64 * 1024 * 1024, WALKS_FROM = 240, AS_FROM = 12 };

/* The shipped tables of the engine, in one image. */
static struct book *open_book(void)
{
    static struct book *book;
    static const char *const files[] = {"blocks", "servers", "tlds", "mailboxes"};
    struct conf_error error;
    struct buf image, text;
    const char *source = getenv("NOROSHI_SOURCE");
    char path[4096];
    if (book != NULL)
        return book;
    buf_init(&image, 0);
    buf_put(&image, "nrsbook", 8);
    buf_byte(&image, 1);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/conf/lists/contact/%s", source != NULL ? source : ".", files[i]);
        buf_init(&text, 0);
        MUST(file_read(path, &text) == 0);
        buf_varint(&image, strlen(files[i]));
        buf_text(&image, files[i]);
        buf_varint(&image, text.len);
        buf_span(&image, buf_as_span(&text));
        buf_done(&text);
    }
    MUST(book_open(&book, buf_as_span(&image), &error) == 0);
    buf_done(&image);
    return book;
}

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

static void read_one(struct book *book, uint8_t how, struct span bytes)
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
    struct book *book = open_book();
    if (len == 0)
        return 0;
    if (data[0] < WALKS_FROM) {
        read_one(book, data[0], span_of(data + 1, len - 1));
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
