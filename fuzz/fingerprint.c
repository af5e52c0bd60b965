/*
 * Answers of hosts through the whole judge: the first byte says which service, or a record's fact; the rest is what the host sent. The rules are a
 * few of every kind of expression; evidence is merged, and must be what a record may hold.
 */
#include "analyse/device/compile.h"
#include "base/text.h"

#include "target.h"

static const char rules_text[] =
    "rules:\n"
    "  - {name: a, on: banner, match: '(\\w+)[ -]v?([\\d.]+)', maker: $1, firmware: $2, examples: [a 1]}\n"
    "  - {name: b, on: telnet.banner, match: '(?:\\r|\\n|^)(.*?) login: *$', maker: $1, examples: ['x login: ']}\n"
    "  - {name: c, on: ftp.banner, match: '^(\\S+) FTP', maker: $1, examples: [a FTP]}\n"
    "  - {name: d, on: ssh.banner, match: '^dropbear_(.*)', class: embedded, firmware: $1, examples: [dropbear_1]}\n"
    "  - {name: e, on: http.server, match: '^(.+?)/(.*)$', maker: $1, firmware: $2, examples: [a/1]}\n"
    "  - {name: f, on: http.title, match: '(\\w) (\\1)', maker: $1, examples: [a a]}\n"
    "  - {name: g, on: http.title, match: 'DVR(?!x)', class: dvr, examples: [DVR]}\n"
    "  - {name: h, on: http.realm, match: 'realm=\"([^\"]*)', maker: $1, examples: ['realm=\"a\"']}\n"
    "  - {name: i, on: http.cookie, match: '^(\\w*)=', maker: $1, examples: [a=]}\n"
    "  - {name: j, on: http.header, match: '^X-(\\S+): (.*)$', maker: $1, model: $2, examples: ['X-A: b']}\n"
    "  - {name: k, on: http.body, match: '<(\\w+)>.*</(\\w+)>', maker: $1, model: $2, examples: ['<a>x</b>']}\n"
    "  - {name: l, on: rtsp.server, match: '(.*)', maker: $1, examples: [a]}\n"
    "  - {name: m, on: upnp.server, match: '(.*) UPnP', maker: $1, examples: [a UPnP]}\n"
    "  - {name: n, on: snmp.sysdescr, match: '(.*) (.*) (.*)', maker: $1, model: '$2 $3 $1 $2 $3', examples: [a b c]}\n"
    "  - {name: o, on: snmp.sysobjectid, match: '^1[.]3[.]6[.]1[.]4[.]1[.](\\d+)', maker: $1, examples: [1.3.6.1.4.1.9]}\n"
    "  - {name: p, on: ics, match: '^maker: (.*)$', class: plc, maker: $1, examples: ['maker: A']}\n"
    "  - {name: q, on: telnet.banner, match: 'Wifatch', residue: wifatch, examples: [Wifatch]}\n"
    "  - {name: r, on: tls.subject, match: 'CN=([^,]+)', maker: $1, examples: [CN=a]}\n";

static const char *const services[] = {"banner", "telnet", "ftp",    "ssh", "http", "https", "rtsp", "upnp",
                                       "snmp",   "modbus", "bacnet", "s7",  "fox",  "enip",  "dnp3", "other"};
enum { SERVICES = sizeof services / sizeof services[0] };

static const struct device_rules *open_rules(void)
{
    static struct device_rules *rules;
    static struct buf image;
    struct device_compiled compiled;
    struct conf_error error;
    if (rules == NULL) {
        MUST(device_compile_text("rules.yaml", span_text(rules_text), &image, &compiled, &error) == 0);
        MUST(device_open(&rules, buf_as_span(&image)) == 0);
    }
    return rules;
}

static void look_at(const struct evidence *list, size_t count)
{
    struct fact facts[RECORD_FACTS_MAX];
    struct device d;
    for (size_t i = 0; i < count; i++) {
        size_t facts_count = device_facts(&list[i], facts);
        for (size_t k = 0; k < facts_count; k++) {
            MUST(kind_has(KIND_DEVICE, facts[k].name));
            if (facts[k].name == FACT_CERTAINTY)
                continue;
            struct span text = facts[k].text;
            MUST(text.len <= DEVICE_TEXT_MAX && text_utf8_valid(text) == text.len && span_find(text, 0) == text.len);
        }
    }
    device_merge(list, count, &d);
    MUST(d.conflict_count <= sizeof d.conflicts / sizeof d.conflicts[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct evidence evidence[DEVICE_EVIDENCE_MAX];
    struct arena arena;
    size_t count = 0;
    if (len == 0)
        return 0;
    const struct device_rules *rules = open_rules();
    struct span bytes = span_of(data + 1, len - 1), service = span_text(services[data[0] % SERVICES]);
    arena_init(&arena, 4 * 1024 * 1024);
    if (data[0] < 0x80) {
        int r = device_judge_bytes(rules, service, bytes, &arena, evidence, DEVICE_EVIDENCE_MAX, &count);
        MUST(r == 0 || (span_is(service, "other") && count == 0));
    } else {
        /* Facts are valid UTF-8 by the time a record is judged. */
        struct buf text;
        buf_init(&text, RECORD_TEXT_MAX);
        text_to_utf8(&text, span_part(bytes, 0, RECORD_TEXT_MAX / 4));
        const struct fact facts[] = {fact_text(FACT_NETWORK_PROTOCOL, service),
                                     fact_text(FACT_HTTP_TITLE, buf_as_span(&text)),
                                     fact_text(FACT_TLS_SUBJECT, buf_as_span(&text)),
                                     fact_text(FACT_DEVICE_MAKER, buf_as_span(&text)),
                                     fact_text(FACT_BANNER, bytes),
                                     fact_text(FACT_ICS_PROTOCOL, span_text("modbus"))};
        const struct record record = {.kind = KIND_ANSWER, .transport = TRANSPORT_TCP, .facts = facts, .fact_count = data[0] % 2 == 0 ? 6 : 5};
        MUST(device_judge_record(rules, &record, &arena, evidence, DEVICE_EVIDENCE_MAX, &count) == 0);
        look_at(evidence, count);
        buf_done(&text);
        arena_done(&arena);
        return 0;
    }
    look_at(evidence, count);
    arena_done(&arena);
    return 0;
}
