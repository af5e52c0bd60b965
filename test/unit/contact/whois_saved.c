/* Replies as people keep them: web pages, quotations, chains of servers, what is no text; and domains' replies by objects. */
#include "../base/check.h"
#include "shipped.h"

#include "base/arena.h"
#include "base/text.h"
#include "contact/whois.h"

enum { ARENA_MAX = 64 * 1024 * 1024 };

static const char *const states[] = {"good", "empty", "limited", "banned", "reduced", "broken"};

/* The registry, the state, then every contact and, with a minus, every other address. `domain` NULL: about 203.0.113.5. */
static void reads_bytes(const char *domain, struct span bytes, const char *expected)
{
    struct arena arena;
    struct findings found;
    struct whois_reply reply;
    struct addr addr;
    struct buf out;
    assert_int_equal(addr_parse(span_text("203.0.113.5"), &addr), 0);
    arena_init(&arena, ARENA_MAX);
    findings_init(&found, &arena);
    buf_init(&out, 0);
    assert_int_equal(domain != NULL ? whois_read_domain(book, (struct span){0}, span_text(domain), bytes, &found, &reply)
                                    : whois_read(book, (struct span){0}, addr, bytes, &found, &reply),
                     0);
    buf_span(&out, reply.authority);
    buf_printf(&out, " %s", states[reply.state]);
    for (const struct finding *f = found.first; f != NULL; f = f->next) {
        buf_text(&out, f->objection == OBJECTION_NONE ? " " : " -");
        buf_printf(&out, "%s:%.*s", contact_role_text(f->role), (int)f->value.len, (const char *)f->value.at);
    }
    for (size_t i = 0; i < reply.handle_count; i++)
        buf_printf(&out, " ask:%.*s", (int)reply.handles[i].len, (const char *)reply.handles[i].at);
    if (reply.next.len > 0)
        buf_printf(&out, " next:%.*s", (int)reply.next.len, (const char *)reply.next.at);
    check_text(&out, expected);
    buf_done(&out);
    arena_done(&arena);
}

static void reads(const char *text, const char *expected)
{
    reads_bytes(NULL, span_text(text), expected);
}

#define NETWORK                                                                                                                                     \
    "inetnum:        203.0.113.0 - 203.0.113.255\nnetname:        ONE-NET\ndescr:          One\ntech-c:         TT1-RIPE\nsource:         RIPE\n\n" \
    "role:           One\nnic-hdl:        TT1-RIPE\nabuse-mailbox:  abuse@one.example.net\nsource:         RIPE\n"
static const char told[] = "RIPE good abuse:abuse@one.example.net";

static void indented_or_quoted(void **state)
{
    (void)state;
    static const char *const margins[] = {"    ", "\t", "> ", ">", "> > "};
    reads(NETWORK, told);
    for (size_t i = 0; i < sizeof margins / sizeof margins[0]; i++) {
        struct buf text;
        buf_init(&text, 0);
        for (struct span left = span_text(NETWORK); left.len > 0;) {
            struct span line = span_part(left, 0, span_find(left, '\n'));
            left = span_part(left, line.len + 1, left.len);
            buf_text(&text, margins[i]);
            buf_span(&text, line);
            buf_byte(&text, '\n');
        }
        reads_bytes(NULL, buf_as_span(&text), told);
        buf_done(&text);
    }
}

static void a_command_before_a_listing(void **state)
{
    (void)state;
    reads("$ whois 203.0.113.5\n\n    inetnum:        203.0.113.0 - 203.0.113.255\n    netname:        ONE-NET\n    tech-c:         TT1-RIPE\n"
          "    source:         RIPE\n\n    role:           One\n    nic-hdl:        TT1-RIPE\n    abuse-mailbox:  abuse@one.example.net\n",
          told);
    /* Continued lines are no listing. */
    reads("inetnum: 203.0.113.0 - 203.0.113.255\nremarks: a\n   b\n   c\n   d\n   e\n   f\n   report abuse to abuse@one.example.net\n",
          "APNIC good abuse:abuse@one.example.net");
}

static void byte_order_marks(void **state)
{
    (void)state;
    static const char plain[] = NETWORK;
    reads("\xef\xbb\xbf" NETWORK, told);
    for (unsigned big = 0; big < 2; big++) {
        struct buf text;
        buf_init(&text, 0);
        buf_text(&text, big ? "\xfe\xff" : "\xff\xfe");
        for (size_t i = 0; i + 1 < sizeof plain; i++) {
            const uint8_t unit[2] = {big ? 0 : (uint8_t)plain[i], big ? (uint8_t)plain[i] : 0};
            buf_put(&text, unit, sizeof unit);
        }
        reads_bytes(NULL, buf_as_span(&text), told);
        buf_byte(&text, 0xd8); /* cut within a character */
        reads_bytes(NULL, buf_as_span(&text), told);
        buf_done(&text);
    }
}

static void pages_of_gateways(void **state)
{
    (void)state;
    reads("<!DOCTYPE html><HTML><head><title>Gateway</title><script>var a = \"script@one.example.net\";</script></head>\n<body><form><input "
          "name=\"key\"></form><PRE>\n[ JPNIC database provides information regarding IP address and ASN. ]\n\nNetwork Information:\n"
          "a. [Network Number]             <A HREF=\"/gw?key=203.0.113.0/24\">203.0.113.0/24</A>\n"
          "g. [Organization]               One &amp; Two\nn. [Technical Contact]          <A HREF=\"/gw?key=AB1JP\">AB1JP</A>\n</PRE></body></HTML>",
          "JPNIC good ask:AB1JP");
    reads("<html><body><table><tr><td>NetRange: 203.0.113.0 - 203.0.113.255</td></tr><tr><td>OrgAbuseEmail: abuse&#64;one.example.net</td></tr>",
          "ARIN good abuse:abuse@one.example.net");
    reads("<html><body>Please log in: <form><input type=password></form></body></html>", " broken");
    reads("{\"errorCode\": 429, \"title\": \"Too many requests\"}", " broken");
}

static void an_address_in_angle_brackets_is_no_tag(void **state)
{
    (void)state;
    reads("<pre>\n" NETWORK "remarks: Report abuse: <spam@one.example.net>\n</pre>",
          "RIPE good abuse:abuse@one.example.net abuse:spam@one.example.net");
}

/* The last server that knows anything has the word; what those before it name comes behind. */
static void a_chain_of_servers_in_one_file(void **state)
{
    (void)state;
    static const char arin[] =
        "NetRange: 203.0.112.0 - 203.0.115.255\nOrgName: One\nOrgId: ONE\n\nReferralServer: rwhois://rwhois.one.example.net:4321\n\n"
        "OrgAbuseEmail: abuse@one.example.net\n\n\nFound a referral to rwhois.one.example.net:4321.\n\n"
        "%rwhois V-1.5:003fff:00 rwhois.one.example.net\n";
    struct buf text;
    buf_init(&text, 0);
    reads("% IANA WHOIS server\n\nrefer: whois.ripe.net\n\ninetnum: 203.0.0.0 - 203.255.255.255\nstatus: ALLOCATED\n\n# whois.ripe.net\n\n" NETWORK,
          told);
    buf_printf(&text, "%snetwork:IP-Network:203.0.113.0/28\nnetwork:Org-Name:Two\nnetwork:Tech-Contact:tech@two.example.net\n%%ok\n", arin);
    reads_bytes(NULL, buf_as_span(&text), "RWHOIS good technical:tech@two.example.net abuse:abuse@one.example.net");
    buf_clear(&text);
    buf_printf(&text, "%s%%error 230 No Objects Found\n", arin);
    reads_bytes(NULL, buf_as_span(&text), "ARIN good abuse:abuse@one.example.net next:rwhois.one.example.net");
    buf_clear(&text);
    buf_text(&text, "[Querying whois.arin.net]\n[Redirected to whois.ripe.net]\n[Querying whois.ripe.net]\n[whois.ripe.net]\n" NETWORK);
    reads_bytes(NULL, buf_as_span(&text), told);
    buf_done(&text);
}

static void banners_are_marks_too(void **state)
{
    (void)state;
    static const char lacnic[] = "% Joint Whois - whois.lacnic.net\n\n% LACNIC resource: whois.lacnic.net\n\ninetnum: 203.0.113/24\nowner: One\n"
                                 "abuse-c: AB1\n\nnic-hdl: AB1\ne-mail: abuse@one.example.net\n";
    struct buf text;
    buf_init(&text, 0);
    reads("$ whois 203.0.113.5\n% IANA WHOIS server\n\nrefer: whois.ripe.net\nstatus: ALLOCATED\n\n% This is the RIPE Database query "
          "service.\n\n" NETWORK,
          told);
    buf_printf(&text, "NetRange: 203.0.113.0 - 203.0.113.255\nNetType: Transferred to LACNIC\nOrgId: LACNIC\nOrgAbuseEmail: abuse@lacnic.net\n\n%s",
               lacnic);
    reads_bytes(NULL, buf_as_span(&text), "LACNIC good abuse:abuse@one.example.net -abuse:abuse@lacnic.net");
    buf_clear(&text);
    /* What a program wrote around it is nobody's reply. */
    buf_printf(&text, "From: Guard <root@guard.example.net>\nSubject: banned\n\nMore about 203.0.113.5:\n%% IP Client: 192.0.2.1\n\n%s", lacnic);
    reads_bytes(NULL, buf_as_span(&text), "LACNIC good abuse:abuse@one.example.net");
    buf_done(&text);
}

static void a_server_speaks_for_itself_alone(void **state)
{
    (void)state;
    struct arena arena;
    struct findings found;
    struct whois_reply reply;
    arena_init(&arena, ARENA_MAX);
    findings_init(&found, &arena);
    assert_int_equal(
        whois_read(book, span_text("rwhois.one.example"), addr_v4(0xcb007105),
                   span_text("%rwhois V-1.5\nnetwork:IP-Network:203.0.113.0/28\nnetwork:Tech-Contact:t@one.example.net\n# whois.ripe.net\n"
                             "% This is the RIPE Database query service.\n" NETWORK),
                   &found, &reply),
        0);
    assert_true(span_is(reply.authority, "RWHOIS"));
    assert_true(span_is(found.first->value, "t@one.example.net"));
    arena_done(&arena);
}

/* An AS's entry, saved for an address in it. */
static void about_the_autonomous_system(void **state)
{
    (void)state;
    reads("% This is the RIPE Database query service.\n\n% Abuse contact for 'AS64500' is 'abuse@one.example.net'\n\naut-num:        AS64500\n"
          "as-name:        ONE\ntech-c:         TT1-RIPE\nsource:         RIPE\n",
          "RIPE good abuse:abuse@one.example.net");
    reads("ASNumber:       64500\nASName:         ONE\n\nOrgName:        One\nOrgId:          ONE\n\nOrgAbuseEmail:  abuse@one.example.net\n",
          "ARIN good abuse:abuse@one.example.net");
}

static void marks_without_end(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 0);
    for (int i = 0; i < 20000; i++)
        buf_text(&text, i % 2 == 0 ? "# whois.a.b\nx\n" : "%rwhois V-\n");
    reads_bytes(NULL, buf_as_span(&text), "RWHOIS broken");
    buf_done(&text);
}

static void what_is_no_text(void **state)
{
    (void)state;
    uint8_t bytes[6000];
    uint32_t x = 88172645;
    for (unsigned round = 0; round < 20; round++) {
        for (size_t i = 0; i < sizeof bytes; i++) {
            x = x * 1664525 + 1013904223;
            bytes[i] = (uint8_t)(x >> 24);
        }
        reads_bytes(NULL, span_of(bytes, sizeof bytes), " broken");
        reads_bytes("example.net", span_of(bytes, sizeof bytes), " broken");
    }
    reads_bytes(NULL, span_of(bytes, 0), " broken");
}

/* ---- domains ---- */

static void objects_that_name_their_handle_last(void **state)
{
    (void)state;
    reads_bytes("one.example",
                span_text("domain:       one.example\nadmin-c:      AD1-X\ntech-c:       TE1-X\nregistrar:    Reg\ncreated:      2002\n\n"
                          "registrar:    Reg\ne-mail:       support@reg.example.net\n\nperson:       T\ne-mail:       tech@one.example\n"
                          "nic-hdl:      TE1-X\n\nrole:         A\ne-mail:       admin@one.example\nremarks:      Spam: mailto:abuse@one.example\n"
                          "nic-hdl:      AD1-X\n"),
                " good abuse:abuse@one.example technical:tech@one.example administrative:admin@one.example registrar:support@reg.example.net");
}

static void keys_with_dots_and_the_word_handle(void **state)
{
    (void)state;
    reads_bytes(
        "one.example",
        span_text("REG Handle.................: DOM1-REG\nDomain Name................: one.example\nDomain Holder Handle.......: HO1-REG\n"
                  "Name Server Handle.........: NS1-REG\n\nREG Handle.................: HO1-REG\nEmail Address..............: boss@one.example\n"),
        " good owner:boss@one.example");
}

static void what_an_object_begins_with(void **state)
{
    (void)state;
    reads_bytes("one.example",
                span_text("domain:      one.example\nregistrant:  G1\ncreated:     2001\n\n% Registrant\nregistrant:  G1\nname:        One\n"
                          "email:       boss@one.example\n\n% Tech contact\ntech-c:      T1\nemail:       tech@one.example\n"),
                " good technical:tech@one.example owner:boss@one.example");
    reads_bytes("one.example",
                span_text("Domain Name............: one.example\n\nAdministrative Contact/Agent\nEmail Address..........: adm@one.example\n"),
                " good administrative:adm@one.example");
}

static void addresses_spelled_out(void **state)
{
    (void)state;
    reads_bytes("one.example",
                span_text("domain:    one.example\ne-mail:    boss AT one.example\nadmin-c:   A1\ncreated:   2001\n\nperson:    A\n"
                          "e-mail:    adm (at) one.example\nnic-hdl:   A1\nchanged:   reg AT registry.example 20000522\n"
                          "address:   look at one.example\n"),
                " good administrative:adm@one.example owner:boss@one.example");
}

static void a_record_without_contacts_is_a_record(void **state)
{
    (void)state;
    reads_bytes("one.example", span_text("Domain name: one.example.\nDomain status: Locked\nRegistration date: 10.03.2008\n"), " good");
    reads_bytes("one.example", span_text("Domain name: one.example\tStatus: Active\nExpires:     28th April 2014\n"), " good");
    reads_bytes("one.example", span_text("   Domain Name: ONE.EXAMPLE\n   Status: ACTIVE\n"), " good");
    reads_bytes("one.example", span_text("   Domain Name: TWO.EXAMPLE\n   Status: ACTIVE\n"), " empty");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(indented_or_quoted),
        cmocka_unit_test(a_command_before_a_listing),
        cmocka_unit_test(byte_order_marks),
        cmocka_unit_test(pages_of_gateways),
        cmocka_unit_test(an_address_in_angle_brackets_is_no_tag),
        cmocka_unit_test(a_chain_of_servers_in_one_file),
        cmocka_unit_test(banners_are_marks_too),
        cmocka_unit_test(a_server_speaks_for_itself_alone),
        cmocka_unit_test(about_the_autonomous_system),
        cmocka_unit_test(marks_without_end),
        cmocka_unit_test(what_is_no_text),
        cmocka_unit_test(objects_that_name_their_handle_last),
        cmocka_unit_test(keys_with_dots_and_the_word_handle),
        cmocka_unit_test(what_an_object_begins_with),
        cmocka_unit_test(addresses_spelled_out),
        cmocka_unit_test(a_record_without_contacts_is_a_record),
    };
    return cmocka_run_group_tests(tests, open_book, close_book);
}
