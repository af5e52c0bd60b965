/*
 * What the resolver sends: one byte that says how the rest is to be read (bit 0: of an IPv6 address's name; bit 1: a whole message, else what comes
 * behind the question of an answer that fits, whose counts are then the next two bytes; bits 2 to 4: the type, 0 PTR, and then the name is one
 * of the usual kind), and the rest. A name is what a name may be.
 */
#include "outside/dns.h"
#include "base/err.h"

#include "target.h"

#include <string.h>

enum { HEADER = 12, OPT = 11 };

static struct dns_message said, again;

static void check_host(struct span text)
{
    char name[DNS_NAME_MAX + 1];
    MUST(dns_name(text, name) == 0 && memcmp(name, text.at, text.len) == 0);
}

static void check_record(const struct dns_record *r, enum dns_type type)
{
    MUST(r->type == type && r->text.len <= DNS_MESSAGE_MAX);
    MUST(r->text.len == 0 || (r->text.at >= said.text && r->text.at + r->text.len <= said.text + said.text_len));
    if (type == DNS_PTR || type == DNS_NS || (type == DNS_MX && r->text.len > 0))
        check_host(r->text);
    if (type == DNS_SOA)
        MUST(r->text.len > 0 && r->text.len <= DNS_NAME_MAX);
    for (size_t i = 0; i < r->text.len && type != DNS_TXT; i++)
        MUST(r->text.at[i] > ' ' && r->text.at[i] <= '~');
}

static void one(struct span query, struct span message, enum dns_type type)
{
    if (!dns_answers(query, message))
        return;
    int r = dns_decode(message, &said);
    MUST(r == 0 || r == -ERR_MALFORMED);
    if (r != 0)
        return;
    MUST(said.count <= DNS_RECORDS_MAX && said.text_len <= sizeof said.text && said.rcode >= 0 && said.rcode <= 15);
    MUST(said.count == 0 || said.rcode == 0);
    MUST(!said.cut || said.ttl == 0);
    for (size_t i = 0; i < said.count; i++)
        check_record(&said.records[i], type);
    const struct dns_answer answer = {.records = said.records, .count = said.count};
    MUST(dns_first_name(&answer).len <= DNS_MESSAGE_MAX);
    MUST(dns_decode(message, &again) == 0 && again.count == said.count && again.ttl == said.ttl && again.text_len == said.text_len);
    MUST(said.text_len == 0 || memcmp(said.text, again.text, said.text_len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct addr v4 = {{[10] = 255, [11] = 255, [12] = 192, [14] = 2, [15] = 1}}, v6 = {{0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
    static const enum dns_type types[] = {DNS_PTR, DNS_A, DNS_AAAA, DNS_NS, DNS_SOA, DNS_MX, DNS_TXT, DNS_PTR};
    uint8_t query[DNS_QUERY_MAX];
    char name[DNS_REVERSE_SIZE];
    if (len < 3)
        return 0;
    enum dns_type type = types[data[0] >> 2 & 7];
    const char *asked = type == DNS_PTR ? dns_reverse((data[0] & 1) != 0 ? v6 : v4, name) : "mail.example";
    int made = dns_encode(asked, type, 0x1234, 0x5a5a5a5a5a5a5a5a, query);
    MUST(made > HEADER + OPT && made <= DNS_QUERY_MAX);
    struct span question = span_of(query, (size_t)made);
    if ((data[0] & 2) != 0) {
        one(question, span_of(data + 1, len - 1), type);
        return 0;
    }
    struct buf answer;
    buf_init(&answer, 0);
    buf_put(&answer, query, (size_t)made - OPT);
    answer.data[2] = 0x81;
    answer.data[3] = 0x80;
    answer.data[7] = data[1];
    answer.data[9] = data[2];
    answer.data[11] = 0;
    buf_put(&answer, data + 3, len - 3);
    MUST(answer.error == 0);
    one(question, buf_as_span(&answer), type);
    buf_done(&answer);
    return 0;
}
