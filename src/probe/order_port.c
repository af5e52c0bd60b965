/* Apart from order.c, since it needs the registry of probes, and with it whatever drives them. */
#include "base/err.h"
#include "probe/order.h"
#include "probe/probe.h"

#include <stdio.h>

int order_port_parse(struct span text, struct order_port *ret)
{
    struct order_port port = {.transport = TRANSPORT_TCP};
    size_t at = 0;
    unsigned number = 0;
    while (at < text.len && at < 6 && text.at[at] >= '0' && text.at[at] <= '9')
        number = number * 10 + (unsigned)(text.at[at++] - '0');
    if (at == 0 || number == 0 || number > UINT16_MAX)
        return -ERR_MALFORMED;
    port.port = (uint16_t)number;
    struct span rest = span_part(text, at, text.len);
    if (span_starts(rest, "/tcp") || span_starts(rest, "/udp")) {
        port.transport = rest.at[1] == 'u' ? TRANSPORT_UDP : TRANSPORT_TCP;
        rest = span_part(rest, 4, rest.len);
    }
    const struct probe *probe;
    if (rest.len == 0)
        probe = probe_for_port(port.port, port.transport);
    else if (rest.at[0] == ':')
        probe = probe_by_name(span_part(rest, 1, rest.len));
    else
        return -ERR_MALFORMED;
    if (probe == NULL)
        return -ERR_UNKNOWN;
    port.transport = probe->over;
    (void)snprintf(port.probe, sizeof port.probe, "%s", probe->name);
    *ret = port;
    return 0;
}
