/* What a packet tap hands over: any bytes. What is taken for a SYN-ACK is one by the other reader of such packets, too, and states the ports
 * and the address that stand in it. */
#include "reach/tap.h"

#include "base/err.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct endpoint remote = {.port = 0}, again = {.port = 0};
    struct syn syn, same;
    uint16_t port = 0, port_again = 0;
    int r = tap_parse(span_of(data, len), &remote, &port, &syn);
    MUST(r == 0 || r == -ERR_TRUNCATED || r == -ERR_MALFORMED);
    if (r != 0)
        return 0;
    MUST(memchr(syn.options, 0, sizeof syn.options) != NULL);
    MUST(syn_parse(span_of(data, len), &same) == 0);
    MUST(same.ttl == syn.ttl && same.window == syn.window && strcmp(same.options, syn.options) == 0);
    bool v4 = data[0] >> 4 == 4;
    size_t header = v4 ? (data[0] & 15U) * 4U : 40;
    MUST(addr_is_v4(remote.addr) || !v4);
    MUST(memcmp(remote.addr.bytes + (v4 ? 12 : 0), data + (v4 ? 12 : 8), v4 ? 4 : 16) == 0);
    MUST(len >= header + 20 && remote.port == (data[header] << 8 | data[header + 1]) && port == (data[header + 2] << 8 | data[header + 3]));
    /* Cut by a byte it is the same, where that byte was behind the headers, or nothing. */
    uint8_t *cut = malloc(len - 1);
    MUST(cut != NULL);
    memcpy(cut, data, len - 1);
    r = tap_parse(span_of(cut, len - 1), &again, &port_again, &same);
    MUST(r == -ERR_TRUNCATED || (r == 0 && port_again == port && again.port == remote.port && strcmp(same.options, syn.options) == 0));
    free(cut);
    return 0;
}
