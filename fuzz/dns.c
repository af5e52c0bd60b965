/*
 * What the resolver sends: one byte that says how the rest is to be read (bit 0: of an IPv6 address; bit 1: a whole message, else what comes
 * behind the question of an answer that fits, whose counts are then the next two bytes), and the rest. A name is what a name may be.
 */
#include "outside/dns.h"
#include "base/err.h"

#include "target.h"

#include <string.h>

enum { HEADER = 12, OPT = 11 };

static void one(struct span query, struct span message)
{
    char name[DNS_NAME_MAX + 1], again[DNS_NAME_MAX + 1];
    int r = dns_decode(query, message, name);
    size_t len = strlen(name);
    MUST(r == 1 || r == 0 || r == -ERR_MALFORMED);
    MUST((r == 1) == (len > 0) && len <= DNS_NAME_MAX);
    for (size_t i = 0; i < len; i++)
        MUST(name[i] > ' ' && name[i] <= '~' && (name[i] < 'A' || name[i] > 'Z'));
    MUST(dns_decode(query, message, again) == r && strcmp(name, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct addr v4 = {{[10] = 255, [11] = 255, [12] = 192, [14] = 2, [15] = 1}}, v6 = {{0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
    uint8_t query[DNS_QUERY_MAX];
    if (len < 3)
        return 0;
    int made = dns_encode((data[0] & 1) != 0 ? v6 : v4, 0x1234, 0x5a5a5a5a5a5a5a5a, query);
    MUST(made > HEADER + OPT && made <= DNS_QUERY_MAX);
    struct span question = span_of(query, (size_t)made);
    if ((data[0] & 2) != 0) {
        one(question, span_of(data + 1, len - 1));
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
    one(question, buf_as_span(&answer));
    buf_done(&answer);
    return 0;
}
