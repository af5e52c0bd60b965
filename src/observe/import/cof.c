/* The common output format of passive DNS (draft-dulaunoy-dnsop-passive-dns-cof), as CIRCL and others give it: a JSON object a line. */
#include "observe/import/listing.h"
#include "observe/import/resolution.h"

static int cof_read(struct source *source, struct emit *emit)
{
    return listing_read(source, emit, "cof", resolution_object);
}

static int cof_sniff(struct span head)
{
    if (!listing_has_key(head, "rrname") || !listing_has_key(head, "rrtype") || !listing_has_key(head, "rdata"))
        return 0;
    return listing_has_key(head, "origin") || listing_has_key(head, "sensor_id") ? 83 : 60;
}

extern const struct reader reader_cof;
const struct reader reader_cof = {
    .name = "cof",
    .help = "passive DNS in the common output format (CIRCL and others): which names resolved to which addresses",
    .sniff = cof_sniff,
    .read = cof_read,
};
