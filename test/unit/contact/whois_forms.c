/* The forms in which registries answer, in replies made up for this: who is a contact, who is none and why, whom to ask next. */
#include "../base/check.h"
#include "shipped.h"

#include "base/arena.h"
#include "base/text.h"
#include "contact/whois.h"

enum { ARENA_MAX = 64 * 1024 * 1024 };

static const char *const states[] = {"good", "empty", "limited", "banned", "reduced", "broken"};

/* One line for the reply, one for each finding, one for each handle. */
static void summary(const struct whois_reply *reply, const struct findings *found, struct buf *out)
{
    buf_span(out, reply->authority);
    buf_printf(out, " %s", states[reply->state]);
    if (reply->next.len > 0)
        buf_printf(out, " next=%.*s", (int)reply->next.len, (const char *)reply->next.at);
    if (reply->next.len > 0 && reply->next_port != 43)
        buf_printf(out, ":%u", reply->next_port);
    buf_text(out, reply->final ? " final\n" : "\n");
    for (const struct finding *f = found->first; f != NULL; f = f->next) {
        if (f->objection == OBJECTION_NONE)
            buf_printf(out, "%u %s %.*s\n", f->rank, contact_role_text(f->role), (int)f->value.len, (const char *)f->value.at);
        else
            buf_printf(out, "- %s %.*s\n", objection_text(f->objection), (int)f->value.len, (const char *)f->value.at);
    }
    for (size_t i = 0; i < reply->handle_count; i++)
        buf_printf(out, "ask %.*s\n", (int)reply->handles[i].len, (const char *)reply->handles[i].at);
}

static void reads(const char *server, const char *address, const char *text, const char *expected)
{
    struct arena arena;
    struct findings found;
    struct whois_reply reply;
    struct addr addr;
    struct buf out;
    assert_int_equal(addr_parse(span_text(address), &addr), 0);
    arena_init(&arena, ARENA_MAX);
    findings_init(&found, &arena);
    buf_init(&out, 0);
    assert_int_equal(whois_read(book, span_text(server), addr, span_text(text), &found, &reply), 0);
    summary(&reply, &found, &out);
    check_text(&out, expected);
    buf_done(&out);
    arena_done(&arena);
}

/* ---- RPSL ---- */

static void the_registry_in_the_abuse_line_is_not_the_holder(void **state)
{
    (void)state;
    reads("whois.apnic.net", "1.52.34.175",
          "% [whois.apnic.net]\n% Whois data copyright terms    http://www.apnic.net/db/dbcopyright.html\n\n"
          "% Information related to '1.52.0.0 - 1.52.255.255'\n\n% Abuse contact for '1.52.0.0 - 1.52.255.255' is 'hm-changed@vnnic.vn'\n\n"
          "inetnum:        1.52.0.0 - 1.52.255.255\nnetname:        DYNAMIC-NET\ndescr:          One Telecom\ncountry:        VN\n"
          "admin-c:        AA1-AP\ntech-c:         BB2-AP\nremarks:        For spamming matters, mail to abuse@one.vn\n"
          "mnt-by:         MAINT-VN-VNNIC\nmnt-irt:        IRT-VNNIC-AP\nstatus:         ALLOCATED PORTABLE\nsource:         APNIC\n\n"
          "irt:            IRT-VNNIC-AP\naddress:        Ha Noi\ne-mail:         hm-changed@vnnic.vn\nabuse-mailbox:  hm-changed@vnnic.vn\n"
          "auth:           # Filtered\nmnt-by:         MAINT-VN-VNNIC\nsource:         APNIC\n\n"
          "person:         An Administrator\ne-mail:         admin@one.vn\nnic-hdl:        AA1-AP\nnotify:         hm-changed@vnnic.vn\n"
          "changed:        hm-changed@vnnic.vn 20100101\nsource:         APNIC\n\n"
          "person:         A Technician\ne-mail:         tech@one.vn\nnic-hdl:        BB2-AP\nsource:         APNIC\n",
          "APNIC good final\n0 abuse abuse@one.vn\n1 technical tech@one.vn\n2 administrative admin@one.vn\n- registry hm-changed@vnnic.vn\n");
}

static void except_where_it_is(void **state)
{
    (void)state;
    reads(
        "whois.apnic.net", "1.1.1.1",
        "% [whois.apnic.net]\n\n% Abuse contact for '1.1.1.0 - 1.1.1.255' is 'helpdesk@apnic.net'\n\n"
        "inetnum:        1.1.1.0 - 1.1.1.255\nnetname:        APNIC-LABS\ndescr:          APNIC and a partner\ncountry:        AU\n"
        "org:            ORG-ARAD1-AP\nadmin-c:        AR1-AP\ntech-c:         AR1-AP\nmnt-irt:        IRT-APNICRANDNET-AU\nsource:         APNIC\n\n"
        "irt:            IRT-APNICRANDNET-AU\ne-mail:         helpdesk@apnic.net\nabuse-mailbox:  helpdesk@apnic.net\nsource:         APNIC\n\n"
        "organisation:   ORG-ARAD1-AP\norg-name:       APNIC Research and Development\ne-mail:         helpdesk@apnic.net\nsource: APNIC\n",
        "APNIC good final\n0 abuse helpdesk@apnic.net\n");
}

/* The regional registry's entry for a national one's whole share: the national registry is asked, and is not the holder. */
static void a_whole_share_is_nobodys_network(void **state)
{
    (void)state;
    reads("whois.apnic.net", "202.12.200.1",
          "% [whois.apnic.net]\n\ninetnum:        202.12.0.0 - 202.15.255.255\nnetname:        JPNIC-NET-JP\ndescr:          Japan Network "
          "Information Center\ncountry:        JP\nadmin-c:        JNIC1-AP\ntech-c:         JNIC1-AP\nmnt-by:         APNIC-HM\n"
          "mnt-lower:      MAINT-JPNIC\nsource:         APNIC\n\nrole:           Japan Network Information Center\n"
          "e-mail:         hostmaster@nic.ad.jp\nnic-hdl:        JNIC1-AP\nsource:         APNIC\n",
          "APNIC good next=whois.nic.ad.jp\n- registry hostmaster@nic.ad.jp\n");
    reads("whois.apnic.net", "203.0.113.1",
          "% [whois.apnic.net]\n\ninetnum:        203.0.0.0 - 203.1.255.255\nnetname:        CNNIC-CN\ndescr:          China Internet Network "
          "Information Center\ntech-c:         IP1-AP\nmnt-by:         MAINT-CNNIC-AP\nsource:         APNIC\n\n"
          "role:           CNNIC\ne-mail:         ipas@cnnic.cn\nnic-hdl:        IP1-AP\nsource:         APNIC\n",
          "APNIC good\n- registry ipas@cnnic.cn\n");
}

static void a_national_registry_is_asked_next(void **state)
{
    (void)state;
    reads("whois.apnic.net", "210.107.73.73",
          "% [whois.apnic.net]\n\n% Abuse contact for '210.104.0.0 - 210.107.127.255' is 'hostmaster@nic.or.kr'\n\n"
          "inetnum:        210.104.0.0 - 210.107.127.255\nnetname:        ONENET\ndescr:          One Corp\ncountry:        KR\n"
          "admin-c:        IM1-AP\ntech-c:         IM1-AP\nmnt-by:         MNT-KRNIC-AP\nmnt-irt:        IRT-KRNIC-KR\nsource:         APNIC\n\n"
          "irt:            IRT-KRNIC-KR\ne-mail:         hostmaster@nic.or.kr\nabuse-mailbox:  hostmaster@nic.or.kr\nsource:         APNIC\n\n"
          "person:         IP Manager\ne-mail:         ip@one.co.kr\nnic-hdl:        IM1-AP\n"
          "remarks:        If related with spam, please send mail to abuse@one.co.kr\nremarks:        security to security@one.co.kr\n"
          "remarks:        ip@one.co.kr is only for whois corrections\nsource:         APNIC\n\n"
          "% Information related to '210.104.0.0 - 210.107.127.255'\n\n"
          "inetnum:        210.104.0.0 - 210.107.127.255\nnetname:        ONENET-KR\ndescr:          One Corp\ncountry:        KR\n"
          "admin-c:        IM1-KR\ntech-c:         IM1-KR\nstatus:         ALLOCATED PORTABLE\nmnt-by:         MNT-KRNIC-AP\n"
          "remarks:        This information has been partially mirrored by APNIC from\nremarks:        KRNIC. To obtain more specific information, "
          "please use the\n"
          "remarks:        KRNIC whois server at whois.krnic.net.\nchanged:        hostmaster@nic.or.kr\nsource:         KRNIC\n",
          "APNIC/KRNIC good next=whois.krnic.net\n0 abuse abuse@one.co.kr\n1 security security@one.co.kr\n- registry hostmaster@nic.or.kr\n"
          "- other-purpose ip@one.co.kr\n");
    reads("whois.apnic.net", "101.203.70.90",
          "% [whois.apnic.net]\n\n% Abuse contact for '101.203.64.0 - 101.203.95.255' is 'hostmaster@nic.ad.jp'\n\n"
          "inetnum:        101.203.64.0 - 101.203.95.255\nnetname:        ONE\ndescr:          One KK\ncountry:        JP\nadmin-c:        JNIC1-AP\n"
          "tech-c:         JNIC1-AP\nmnt-by:         MAINT-JPNIC\nmnt-irt:        IRT-JPNIC-JP\nsource:         APNIC\n\n"
          "role:           Japan Network Information Center\ne-mail:         hostmaster@nic.ad.jp\nnic-hdl:        JNIC1-AP\n"
          "mnt-by:         MAINT-JPNIC\nsource:         APNIC\n",
          "APNIC good next=whois.nic.ad.jp\n- registry hostmaster@nic.ad.jp\n");
}

static void what_a_registry_does_not_have(void **state)
{
    (void)state;
    reads(
        "whois.ripe.net", "192.5.1.1",
        "% This is the RIPE Database query service.\n\ninetnum:        192.0.0.0 - 192.33.4.255\nnetname:        NON-RIPE-NCC-MANAGED-ADDRESS-BLOCK\n"
        "descr:          IPv4 address block not managed by the RIPE NCC\nremarks:        For registration information, you can consult: "
        "hostmaster@ripe.net\n"
        "source:         RIPE\n",
        "RIPE good next=whois.arin.net\n- registry hostmaster@ripe.net\n");
    reads("whois.apnic.net", "203.0.112.1",
          "% [whois.apnic.net]\n\ninetnum:        203.0.112.0 - 203.0.112.255\nnetname:        ONE\ndescr:          Transferred to the RIPE region "
          "on 2018-01-01\n"
          "mnt-by:         APNIC-STUB\nmnt-irt:        IRT-ONE\ne-mail:         a@one.net.au\nsource:         APNIC\n",
          "APNIC good next=whois.ripe.net\n- registry a@one.net.au\n");
    reads("whois.afrinic.net", "41.0.0.1",
          "% This is the AfriNIC Whois server.\n\ninetnum:        0.0.0.0 - 255.255.255.255\nnetname:        IANA-BLK\ndescr:          The whole "
          "IPv4 address space\n"
          "source:         AFRINIC\n",
          "AFRINIC good next=whois.arin.net\n");
    reads("whois.arin.net", "192.5.1.1",
          "#\n# ARIN WHOIS data and services are subject to the Terms of Use\n#\n\nNo match found for n + 192.5.1.1.\n", "ARIN empty\n");
}

static void what_people_write_in_remarks(void **state)
{
    (void)state;
    static const char head[] =
        "% This is the RIPE Database query service.\n\ninetnum:        193.1.1.0 - 193.1.1.255\nnetname:        ONE\ndescr:          One\n";
    static const struct {
        const char *remarks, *expected;
    } cases[] = {
        {"remarks: -----\nremarks: Abuse reports:\nremarks:   abuse (at) one.ie\nremarks: -----\nremarks: Peering: peering@one.ie\n",
         "RIPE good final\n0 abuse abuse@one.ie\n- other-purpose peering@one.ie\n"},
        {"remarks: abuse@one.ie (spam, attacks), noc@one.ie (network problems)\n", "RIPE good final\n0 abuse abuse@one.ie\n1 noc noc@one.ie\n"},
        {"remarks: abuse@one.ie was validated on 2020-01-01\nremarks: old@one.ie is invalid\n", "RIPE good\n- refused old@one.ie\n"},
        {"remarks: Report attacks at https://one.ie/report.\nremarks: legal matters: https://one.ie/legal\n",
         "RIPE good\n0 abuse https://one.ie/report\n"},
        {"remarks: SECURITY INCIDENTS: csirt@one.ie\nnotify: changes@one.ie\nchanged: who@one.ie 20010101\n",
         "RIPE good final\n0 security csirt@one.ie\n- notify changes@one.ie\n- updater who@one.ie\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf text;
        buf_init(&text, 0);
        buf_printf(&text, "%s%ssource: RIPE\n", head, cases[i].remarks);
        reads("whois.ripe.net", "193.1.1.7", buf_cstr(&text), cases[i].expected);
        buf_done(&text);
    }
}

static void handles_are_asked_for_when_no_address_is_there(void **state)
{
    (void)state;
    reads("whois.ripe.net", "193.1.1.7",
          "% This is the RIPE Database query service.\n\ninetnum:        193.1.1.0 - 193.1.1.255\nnetname:        ONE\norg: ORG-1-RIPE\nadmin-c: "
          "AD1-RIPE\n"
          "tech-c: TE1-RIPE\nsource: RIPE\n\norganisation: ORG-1-RIPE\norg-name: One Ltd\nabuse-c: AB1-RIPE\nsource: RIPE\n",
          "RIPE good\nask AB1-RIPE\nask TE1-RIPE\nask AD1-RIPE\n");
}

/* ---- ARIN ---- */

static void the_last_network_of_arin_is_the_narrowest(void **state)
{
    (void)state;
    reads("whois.arin.net", "198.18.5.9",
          "NetRange:       198.18.0.0 - 198.18.255.255\nNetName: UP\nOrgName: Up Inc\nOrgId: UP\nOrgAbuseEmail:  abuse@up.net\n"
          "OrgTechEmail:  tech@up.net\n\nNetRange:       198.18.5.0 - 198.18.5.255\nNetName: DOWN\nCustName: Down LLC\nCountry: US\n"
          "Comment: Abuse: report@down.net\n",
          "ARIN good final\n0 abuse report@down.net\n1 abuse abuse@up.net\n2 technical tech@up.net\n");
}

static void arin_lists_networks_or_helps(void **state)
{
    (void)state;
    reads("whois.arin.net", "198.18.5.9",
          "#\n# Query terms are ambiguous.  The query is assumed to be:\n#     \"n 198.18.5.9\"\n#\n\n"
          "Up Inc. (a company) UP-NET (NET-198-18-0-0-1) 198.18.0.0 - 198.18.255.255\nDown LLC DOWN (NET-198-18-5-0-1) 198.18.5.0 - 198.18.5.255\n",
          "ARIN good\nask NET-198-18-5-0-1\n");
    reads("whois.arin.net", "198.18.5.9", "How to ask:\n  n + address\n\nQuestions: hostmaster@arin.net\n",
          "ARIN empty\n- registry hostmaster@arin.net\n");
}

static void a_list_without_its_banner(void **state)
{
    (void)state;
    reads("", "198.18.5.9", "Up Inc. UP-NET (NET-198-18-0-0-1) 198.18.0.0 - 198.18.255.255\nDown LLC (NET-198-18-5-0-1) 198.18.5.0 - 198.18.5.255\n",
          "ARIN good\nask NET-198-18-5-0-1\n");
}

static void moved_to_another_region(void **state)
{
    (void)state;
    reads("whois.afrinic.net", "203.0.113.1",
          "% This is the AfriNIC Whois server.\n\ninetnum:        203.0.112.0 - 203.0.115.255\nnetname:        MOVED\n"
          "descr:          Transferred to the RIPE region on 2020-12-08.\nmnt-by:         AFRINIC-HM-MNT\nsource:         AFRINIC # Filtered\n",
          "AFRINIC good next=whois.ripe.net\n");
}

static void arin_refers(void **state)
{
    (void)state;
    static const struct {
        const char *line, *expected;
    } cases[] = {
        {"ReferralServer: rwhois://rwhois.one.net:4321/", "ARIN good next=rwhois.one.net:4321\n0 abuse abuse@one.net\n"},
        {"ReferralServer: rwhois://rwhois.one.net", "ARIN good next=rwhois.one.net:4321\n0 abuse abuse@one.net\n"},
        {"ReferralServer: whois://whois.one.net:4343", "ARIN good next=whois.one.net:4343\n0 abuse abuse@one.net\n"},
        {"ReferralServer: whois.one.net", "ARIN good next=whois.one.net\n0 abuse abuse@one.net\n"},
        {"ReferralServer: http://[evil]/", "ARIN good final\n0 abuse abuse@one.net\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf text;
        buf_init(&text, 0);
        buf_printf(&text, "NetRange: 198.18.0.0 - 198.18.255.255\nOrgName: One\nOrgId: ONE\n\n%s\n\nOrgAbuseEmail: abuse@one.net\n", cases[i].line);
        reads("whois.arin.net", "198.18.5.9", buf_cstr(&text), cases[i].expected);
        buf_done(&text);
    }
    reads("whois.arin.net", "202.1.2.3",
          "NetRange: 202.0.0.0 - 203.255.255.255\nNetName: APNIC-CIDR-BLK\nNetType: Allocated to APNIC\nOrgName: Asia Pacific Network Information "
          "Centre\n"
          "OrgId: APNIC\nOrgAbuseEmail: search-apnic-not-arin@apnic.net\n",
          "ARIN good next=whois.apnic.net\n- registry search-apnic-not-arin@apnic.net\n");
}

/* ---- LACNIC, NIC.br ---- */

static void nic_br_with_and_without_addresses(void **state)
{
    (void)state;
    static const char footer[] =
        "\n% Security and mail abuse issues should also be addressed to\n% cert.br, http://www.cert.br/, respectivelly to cert@cert.br\n"
        "% and mail-abuse@cert.br\n";
    struct buf text;
    buf_init(&text, 0);
    buf_printf(
        &text,
        "%% Copyright (c) Nic.br\n\ninetnum:     177.37.160.0/20\naut-num:     AS1\nabuse-c:     ABC1\nowner:       One Ltda\nownerid:     00.000\n"
        "owner-c:     OWN1\ntech-c:      TEC1\n\nnic-hdl-br:  ABC1\nperson:      A\ne-mail:      abuse@one.com.br\n\nnic-hdl-br:  TEC1\n"
        "person:      T\ne-mail:      tech@one.com.br\n%s",
        footer);
    reads("whois.registro.br", "177.37.164.71", buf_cstr(&text),
          "NIC.br good final\n0 abuse abuse@one.com.br\n1 technical tech@one.com.br\n- national-csirt cert@cert.br\n- national-csirt "
          "mail-abuse@cert.br\n");
    buf_clear(&text);
    buf_printf(&text,
               "%% Copyright (c) Nic.br\n\n%% Query rate limit exceeded. Reduced information.\n\ninetnum:     177.37.160.0/20\nabuse-c:     ABC1\n"
               "owner:       One Ltda\n%s",
               footer);
    reads("whois.registro.br", "177.37.164.71", buf_cstr(&text),
          "NIC.br reduced\n- national-csirt cert@cert.br\n- national-csirt mail-abuse@cert.br\nask ABC1\n");
    buf_done(&text);
}

static void lacnic_asks_others_itself(void **state)
{
    (void)state;
    reads("whois.lacnic.net", "177.37.164.71",
          "% Joint Whois - whois.lacnic.net\n%  This server accepts single ASN, IPv4 or IPv6 queries\n\n% Brazilian resource: whois.registro.br\n\n"
          "% IP Client: 192.0.2.1\n \n % Copyright (c) Nic.br\n \n inetnum:     177.37.160.0/20\n abuse-c:     ABC1\n owner:       One\n \n"
          " nic-hdl-br:  ABC1\n e-mail:      abuse@one.com.br\n",
          "NIC.br good final\n0 abuse abuse@one.com.br\n");
}

/* ---- JPNIC, KRNIC, TWNIC, RWhois ---- */

static const char jpnic_head[] = "[ JPNIC database provides information regarding IP address and ASN. Its use   ]\n"
                                 "[ is restricted to network administration purposes. For further information,  ]\n"
                                 "[ use 'whois -h whois.nic.ad.jp help'. To only display English output,        ]\n"
                                 "[ add '/e' at the end of command, e.g. 'whois -h whois.nic.ad.jp xxx/e'.      ]\n\n";

static void jpnic_reads(const char *body, const char *expected)
{
    struct buf text;
    buf_init(&text, 0);
    buf_printf(&text, "%s%s", jpnic_head, body);
    reads("whois.nic.ad.jp", "202.218.223.232", buf_cstr(&text), expected);
    buf_done(&text);
}

static void jpnic_gives_handles(void **state)
{
    (void)state;
    jpnic_reads("Network Information:\na. [Network Number]             202.218.223.0/24\nb. [Network Name]               ONE-NET\n"
                "g. [Organization]               One KK\nm. [Administrative Contact]     JP00010080\nn. [Technical Contact]          JP00010081\n"
                "n. [Technical Contact]          AB123JP\np. [Nameserver]                 ns.one.ad.jp\n[Assigned Date]                 2010/01/01\n"
                "[Last Update]                   2010/01/01 10:00:00(JST)\n\nLess Specific Info.\n----------\n"
                "One Provider [Allocation]                          202.218.0.0/16\n"
                "One Branch [Sub Allocation]                          202.218.192.0/18\n\n"
                "More Specific Info.\n----------\nNo match!!\n",
                "JPNIC good\nask JP00010081\nask AB123JP\nask JP00010080\nask 202.218.192.0/18\n");
    jpnic_reads(
        "Network Information:\na. [Network Number]             202.218.0.0/16\nb. [Network Name]\ng. [Organization]               One Provider\n"
        "m. [Administrative Contact]     JP00010080\nn. [Technical Contact]          JP00010081\no. [Abuse]                      abuse@one.ad.jp\n",
        "JPNIC good final\n0 abuse abuse@one.ad.jp\n");
    jpnic_reads("No match!!\n\nReference: WHOIS servers at RIRs are,\n\nARIN           whois.arin.net\nAPNIC          whois.apnic.net\n",
                "JPNIC empty next=whois.apnic.net\n");
}

static void jpnic_lists_wider_and_narrower_networks(void **state)
{
    (void)state;
    jpnic_reads("Network Information:\na. [Network Number]             202.218.192.0/19\nn. [Technical Contact]          TT1JP\n\n"
                "Less Specific Info.\n----------\nUp Inc.\n          [Allocation]         202.218.0.0/16\n\nMore Specific Info.\n----------\n"
                "Other\n   SUBA-1 [Sub Allocation]  202.218.200.0/24\nOne\n   SUBA-2 [Sub Allocation]  202.218.223.0/24\n",
                "JPNIC good\nask 202.218.223.0/24\nask TT1JP\nask 202.218.0.0/16\n");
    /* The same in Japanese. */
    jpnic_reads("a. [IP\xe3\x83\x8d\xe3\x83\x83\xe3\x83\x88\xe3\x83\xaf\xe3\x83\xbc\xe3\x82\xaf\xe3\x82\xa2\xe3\x83\x89\xe3\x83\xac\xe3\x82\xb9] "
                "202.218.192.0/19\nn. [\xe6\x8a\x80\xe8\xa1\x93\xe9\x80\xa3\xe7\xb5\xa1\xe6\x8b\x85\xe5\xbd\x93\xe8\x80\x85] TT1JP\n\n"
                "\xe4\xb8\x8a\xe4\xbd\x8d\xe6\x83\x85\xe5\xa0\xb1\n----------\n[x]  202.218.0.0/16\n\n"
                "\xe4\xb8\x8b\xe4\xbd\x8d\xe6\x83\x85\xe5\xa0\xb1\n----------\n[x]  202.218.200.0/24\n",
                "JPNIC good\nask TT1JP\nask 202.218.0.0/16\n");
}

static void a_handle_of_jpnic(void **state)
{
    (void)state;
    struct arena arena;
    struct findings found;
    struct whois_reply reply;
    struct buf text, out;
    buf_init(&text, 0);
    buf_init(&out, 0);
    arena_init(&arena, ARENA_MAX);
    findings_init(&found, &arena);
    buf_printf(
        &text,
        "%sGroup Contact Information:\n[Group Handle]                  JP00010081\n[Group Name]                    \033$B4IM}<T\033(B\n"
        "[E-Mail]                        tech@one.ad.jp\n[Organization]                  One KK\n[Reply Mail]                    form@one.ad.jp\n"
        "[Last Update]                   2010/01/01 10:00:00(JST)\n                                 update@one.ad.jp\n",
        jpnic_head);
    assert_int_equal(
        whois_read_handle(book, span_text("whois.nic.ad.jp"), span_text("JP00010081"), CONTACT_ROLE_TECHNICAL, 3, buf_as_span(&text), &found, &reply),
        0);
    summary(&reply, &found, &out);
    check_text(&out, "JPNIC good final\n3 technical tech@one.ad.jp\n- notify form@one.ad.jp\n- updater update@one.ad.jp\n");
    assert_int_equal(text_utf8_valid(reply.text), reply.text.len);
    arena_done(&arena);
    buf_done(&text);
    buf_done(&out);
}

static void krnic_names_the_provider_alone(void **state)
{
    (void)state;
    reads("", "203.0.113.9",
          "# ENGLISH\n\nKRNIC is not an ISP but a National Internet Registry similar to APNIC.\n\n[ ISP Organization Information ]\n"
          "Org Name      : One\n\n[ ISP IPv4 Admin Contact Information ]\nE-Mail        : adm@one.example.kr\n\n"
          "[ ISP Network Abuse Contact Information ]\nE-mail        : abuse@one.example.kr\n",
          "KRNIC good final\n0 abuse abuse@one.example.kr\n1 administrative adm@one.example.kr\n");
}

static void krnic_in_its_old_character_set(void **state)
{
    (void)state;
    reads("whois.krnic.net", "112.220.69.50",
          "query : 112.220.69.50\n\n# KOREAN\n\n[ \xb3\xd7\xc6\xae\xbf\xf6\xc5\xa9 ]\nIPv4\xc1\xd6\xbc\xd2           : 112.216.0.0 - 112.223.255.255 "
          "(/13)\n"
          "\xc0\xfc\xc0\xda\xbf\xec\xc6\xed           : up@one.co.kr\n\nIPv4\xc1\xd6\xbc\xd2           : 112.220.69.48 - 112.220.69.55 (/29)\n"
          "\xc0\xfc\xc0\xda\xbf\xec\xc6\xed           : user@two.co.kr\n",
          "KRNIC good final\n0 technical user@two.co.kr\n1 technical up@one.co.kr\n");
}

static void rwhois_of_several_networks(void **state)
{
    (void)state;
    reads("rwhois.one.example", "198.51.100.70",
          "%rwhois V-1.5:003fff:00 rwhois.one.example\nnetwork:Class-Name:network\nnetwork:IP-Network:198.51.100.0/24\n"
          "network:Organization;I:One Hosting\nnetwork:Abuse-Contact;I:abuse@one.example.net\n\nnetwork:Class-Name:network\n"
          "network:IP-Network:198.51.100.64/28\nnetwork:Organization;I:Two\nnetwork:Tech-Contact;I:tech@two.example.net\n\n"
          "network:Class-Name:network\nnetwork:IP-Network:198.51.100.128/28\nnetwork:Abuse-Contact;I:abuse@three.example.net\n%ok\n",
          "RWHOIS good final\n0 technical tech@two.example.net\n1 abuse abuse@one.example.net\n2 abuse abuse@three.example.net\n");
}

static void rwhois_refers_to_whom_has_a_part(void **state)
{
    (void)state;
    reads("rwhois.one.example", "198.51.100.70",
          "%rwhois V-1.5\nnetwork:IP-Network:198.51.100.0/24\nnetwork:Tech-Contact:t@one.example.net\n"
          "%referral rwhois://rwhois.three.example.net:4321/auth-area=198.51.100.128/26\n"
          "%referral rwhois://rwhois.two.example.net:4322/auth-area=198.51.100.64/26\n%referral rwhois://root.rwhois.net:4321/auth-area=.\n%ok\n",
          "RWHOIS good next=rwhois.two.example.net:4322\n0 technical t@one.example.net\n");
}

static void twnic_in_both_forms(void **state)
{
    (void)state;
    static const char expected[] = "TWNIC good final\n0 technical adm@one.example.tw\n- registry hostmaster@twnic.net.tw\n";
    reads(
        "whois.twnic.net", "203.0.113.30",
        "inetnum:        203.0.112.0 - 203.0.127.255\nnetname:        ONE-NET\ncountry:        TW\ntech-c:         AB1-TW\nsource:         TWNIC\n\n"
        "person:         One\ne-mail:         adm@one.example.tw\nnic-hdl:        AB1-TW\nchanged:        hostmaster@twnic.net.tw 20200820\n",
        expected);
    reads("", "203.0.113.30",
          "Netname: ONE-NET\nNetblock: 203.0.112.0/20\n\nTechnical contact:\n  adm@one.example.tw\n\nUpdated by:\n  hostmaster@twnic.net.tw\n",
          expected);
}

static void rwhois_knows_nothing(void **state)
{
    (void)state;
    reads("rwhois.one.net", "184.154.1.1",
          "%rwhois V-1.5:003fff:00 rwhois.one.net (by Network Solutions, Inc. V-1.5.9.5)\n%error 230 No Objects Found\n", "RWHOIS empty\n");
    reads("rwhois.one.net", "184.154.1.1",
          "%rwhois V-1.5:003fff:00 rwhois.one.net\nnetwork:Class-Name:network\n%referral rwhois://two.net:4321/auth-area=.\n%ok\n",
          "RWHOIS broken\n");
}

static void too_much(void **state)
{
    (void)state;
    reads("whois.ripe.net", "193.1.1.1",
          "% This is the RIPE Database query service.\n\n%ERROR:201: access denied for 192.0.2.1\n%\n% Queries from your IP address have passed the "
          "daily limit of "
          "controlled objects.\n% Access from your host has been temporarily denied.\n",
          "RIPE limited\n");
    reads("whois.ripe.net", "193.1.1.1",
          "% This is the RIPE Database query service.\n\n%ERROR:201: access control limit reached\n%\n% Access from your host has been permanently "
          "denied.\n",
          "RIPE banned\n");
    reads("whois.lacnic.net", "200.1.1.1", "% Joint Whois - whois.lacnic.net\n\n% Query rate limit exceeded\n", "LACNIC limited\n");
    reads(
        "whois.lacnic.net", "200.1.1.1",
        "% Joint Whois - whois.lacnic.net\n\n% Brazilian resource: whois.registro.br\n\n% Copyright (c) Nic.br\n\n% You don't have permission to use "
        "this service\n",
        "NIC.br limited\n");
    reads("whois.kisa.or.kr", "203.0.113.1", "query : 203.0.113.1\n\nYour request has exceeded the query limit.\n", "KRNIC limited\n");
    reads("whois.nic.ad.jp", "203.0.113.1", "[ Connection from your host is temporarily refused because of excessive queries. ]\n",
          "JPNIC limited\n");
    reads("whois.one.net", "193.1.1.1", "", " broken\n");
}

/* The RIPE database's own numbers: 1xx is about the question, 2xx about who asks, 3xx about the connection. */
static void errors_with_a_number(void **state)
{
    (void)state;
    static const struct {
        const char *error, *expected;
    } cases[] = {
        {"%ERROR:101: no entries found\n%\n% No entries found in source RIPE.", "RIPE empty\n"},
        {"%ERROR:100: internal software error\n%\n% Please contact ripe-dbm@ripe.net if the problem persists.",
         "RIPE broken\n- registry ripe-dbm@ripe.net\n"},
        {"%ERROR:108: bad character in input", "RIPE broken\n"},
        {"%ERROR:111: invalid option supplied\n%\n% Use help query to see the valid options.", "RIPE broken\n"},
        {"%ERROR:202: access control limit reached\n%\n% Continued attempts to return excessive amounts of contact\n% information will result in "
         "permanent denial of service.",
         "RIPE limited\n"},
        {"%ERROR:203: you are not allowed to act as a proxy", "RIPE broken\n"},
        {"%ERROR:305: connection has been closed\n%\n% The connection has been closed after a period of inactivity.", "RIPE broken\n"},
        {"%ERROR:306: connections exceeded\n%\n% Number of connections from a single IP address\n% has exceeded the maximum number allowed (3).",
         "RIPE limited\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf text;
        buf_init(&text, 0);
        buf_printf(&text, "%% This is the RIPE Database query service.\n\n%s\n", cases[i].error);
        reads("whois.ripe.net", "193.1.1.1", buf_cstr(&text), cases[i].expected);
        buf_done(&text);
    }
}

/* ---- who is asked first, and how ---- */

static void first_is(const char *address, int r, const char *server, const char *asked)
{
    struct addr addr, look;
    struct span name;
    char text[ADDR_TEXT_SIZE];
    assert_int_equal(addr_parse(span_text(address), &addr), 0);
    assert_int_equal(whois_first(book, addr, &name, &look), r);
    if (r != 0)
        return;
    assert_true(span_is(name, server));
    assert_string_equal(addr_print(look, text), asked);
}

static void first_servers(void **state)
{
    (void)state;
    struct span name;
    first_is("43.0.0.1", 0, "whois.apnic.net", "43.0.0.1");
    first_is("193.0.0.1", 0, "whois.ripe.net", "193.0.0.1");
    first_is("2001:4200::1", 0, "whois.afrinic.net", "2001:4200::1");
    first_is("2a10::1", 0, "whois.ripe.net", "2a10::1");
    first_is("2002:c100:1::1", 0, "whois.ripe.net", "193.0.0.1");           /* 6to4 */
    first_is("2001:0:1:2:3:4:3eff:fffe", 0, "whois.ripe.net", "193.0.0.1"); /* Teredo: c1000001 turned round */
    first_is("192.168.1.1", -ERR_DENIED, "", "");
    first_is("100.64.0.1", -ERR_DENIED, "", "");
    first_is("2002:a00:1::1", -ERR_DENIED, "", ""); /* 10.0.0.1 in 6to4 */
    first_is("fe80::1", -ERR_DENIED, "", "");
    first_is("4000::1", -ERR_NOT_FOUND, "", "");
    assert_int_equal(whois_first_domain(book, span_text("www.one.co.jp"), &name), 0);
    assert_true(span_is(name, "whois.jprs.jp"));
    assert_int_equal(whois_first_domain(book, span_text("one.uk.com"), &name), 0);
    assert_true(span_is(name, "whois.centralnic.com"));
    assert_int_equal(whois_first_domain(book, span_text("one.unheard"), &name), 0);
    assert_true(span_is(name, "whois.iana.org"));
    assert_int_equal(whois_first_as(book, 2515, &name), 0);
    assert_true(span_is(name, "whois.apnic.net"));
}

static void query_is(const char *server, const char *address, const char *handle, const char *domain, const char *expected)
{
    struct buf query;
    struct addr addr = {{0}};
    buf_init(&query, 0);
    if (address != NULL) {
        assert_int_equal(addr_parse(span_text(address), &addr), 0);
        assert_int_equal(whois_query_address(book, span_text(server), addr, &query), 0);
    } else if (handle != NULL) {
        assert_int_equal(whois_query_handle(book, span_text(server), span_text(handle), &query), 0);
    } else {
        assert_int_equal(whois_query_domain(book, span_text(server), span_text(domain), &query), 0);
    }
    check_text(&query, expected);
    buf_done(&query);
}

static void questions(void **state)
{
    (void)state;
    struct buf query;
    query_is("whois.arin.net", "8.8.8.8", NULL, NULL, "n + 8.8.8.8");
    query_is("whois.ripe.net", "193.0.0.1", NULL, NULL, "-r --charset UTF-8 193.0.0.1");
    query_is("WHOIS.AFRINIC.NET", "41.0.0.1", NULL, NULL, "-B 41.0.0.1");
    query_is("whois.nic.ad.jp", "43.0.0.1", NULL, NULL, "43.0.0.1/e");
    query_is("whois.nic.ad.jp", NULL, "JP00010081", NULL, "JP00010081/e");
    query_is("whois.nic.ad.jp", NULL, "202.218.0.0/16", NULL, "NET 202.218.0.0/16/e");
    query_is("whois.jprs.jp", NULL, NULL, "one.co.jp", "one.co.jp/e");
    query_is("whois.jprs.jp", NULL, "AB123JP", NULL, "CONTACT AB123JP/e");
    query_is("whois.denic.de", NULL, NULL, "one.de", "-T dn,ace one.de");
    query_is("whois.verisign-grs.com", NULL, NULL, "one.com", "domain one.com");
    query_is("rwhois.one.net", "198.18.5.9", NULL, NULL, "198.18.5.9");
    buf_init(&query, 0);
    assert_int_equal(whois_query_handle(book, span_text("whois.ripe.net"), span_text("AB\r\n-k"), &query), -ERR_MALFORMED);
    buf_done(&query);
    assert_int_equal(whois_server(book, span_text("whois.krnic.net"))->per_day, whois_server(book, span_text("whois.kisa.or.kr"))->per_day);
    assert_int_equal(whois_server(book, span_text("whois.ripe.net"))->personal_per_day, 1000);
    assert_int_equal(whois_server(NULL, span_text("whois.one.net"))->at_once, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_registry_in_the_abuse_line_is_not_the_holder),
        cmocka_unit_test(except_where_it_is),
        cmocka_unit_test(a_whole_share_is_nobodys_network),
        cmocka_unit_test(a_national_registry_is_asked_next),
        cmocka_unit_test(what_a_registry_does_not_have),
        cmocka_unit_test(what_people_write_in_remarks),
        cmocka_unit_test(handles_are_asked_for_when_no_address_is_there),
        cmocka_unit_test(the_last_network_of_arin_is_the_narrowest),
        cmocka_unit_test(arin_lists_networks_or_helps),
        cmocka_unit_test(a_list_without_its_banner),
        cmocka_unit_test(moved_to_another_region),
        cmocka_unit_test(arin_refers),
        cmocka_unit_test(nic_br_with_and_without_addresses),
        cmocka_unit_test(lacnic_asks_others_itself),
        cmocka_unit_test(jpnic_gives_handles),
        cmocka_unit_test(jpnic_lists_wider_and_narrower_networks),
        cmocka_unit_test(a_handle_of_jpnic),
        cmocka_unit_test(krnic_names_the_provider_alone),
        cmocka_unit_test(krnic_in_its_old_character_set),
        cmocka_unit_test(rwhois_of_several_networks),
        cmocka_unit_test(rwhois_refers_to_whom_has_a_part),
        cmocka_unit_test(twnic_in_both_forms),
        cmocka_unit_test(rwhois_knows_nothing),
        cmocka_unit_test(errors_with_a_number),
        cmocka_unit_test(too_much),
        cmocka_unit_test(first_servers),
        cmocka_unit_test(questions),
    };
    return cmocka_run_group_tests(tests, open_book, close_book);
}
