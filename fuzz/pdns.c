/* Passive DNS of a target: its order's bytes; and any name against any address. */
#include "contact/pdns.h"

#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct arena arena;
    struct contact_order order;
    struct pdns pdns;
    arena_init(&arena, 16 * 1024 * 1024);
    if (contact_order_decode(&arena, span_of(data, len), &order) == 0 &&
        pdns_domains(&arena, order.addr, order.when, order.resolutions, order.resolution_count, &pdns) == 0) {
        MUST(pdns.kept <= pdns.name_count && pdns.name_count <= order.resolution_count && pdns.domain_count <= PDNS_DOMAINS_MAX);
        for (size_t i = 0; i < pdns.domain_count; i++)
            MUST(pdns.domains[i].domain.len > 0 && pdns.domains[i].fqdn.len > 0);
        for (size_t i = 0; i < pdns.name_count; i++)
            MUST(pdns.names[i].drop != PDNS_KEPT || pdns.names[i].count >= PDNS_COUNT_LEAST);
    }
    if (len > 16) {
        struct addr addr;
        memcpy(addr.bytes, data, sizeof addr.bytes);
        (void)pdns_holds_address(span_of(data + 16, len - 16), addr);
        (void)pdns_holds_address(span_of(data + 16, len - 16),
                                 addr_v4((uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3]));
    }
    arena_done(&arena);
    return 0;
}
