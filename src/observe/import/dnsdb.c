/*
 * DNSDB's answers (Farsight, DomainTools): JSON lines. Version 1 of its API gives a row a line, version 2 wraps it ({"obj": …}) between lines
 * {"cond": "begin"} and {"cond": "succeeded"}. Rows of Flex searches have the same keys, as far as they have them.
 */
#include "base/err.h"
#include "observe/import/listing.h"
#include "observe/import/resolution.h"

static int read_object(struct listing *l, const json_t *root)
{
    const json_t *wrapped = listing_at(root, "obj");
    const json_t *condition = listing_at(root, "cond");
    if (json_is_object(wrapped))
        return resolution_object(l, wrapped);
    if (json_is_string(condition) && listing_at(root, "rrtype") == NULL) {
        struct span state = listing_text(condition);
        if (span_is(state, "limited") || span_is(state, "failed"))
            emit_skip(l->emit, l->source, "the answer is not complete: %.*s", (int)(state.len < 20 ? state.len : 20), (const char *)state.at);
        return 0;
    }
    return resolution_object(l, root);
}

static int dnsdb_read(struct source *source, struct emit *emit)
{
    return listing_read(source, emit, "dnsdb", read_object);
}

static int dnsdb_sniff(struct span head)
{
    if (!listing_has_key(head, "rrname") && !listing_has_key(head, "cond"))
        return 0;
    bool row = listing_has_key(head, "rrtype") && listing_has_key(head, "rdata");
    if (listing_has_key(head, "obj") || listing_has_key(head, "cond"))
        return row || listing_has_key(head, "cond") ? 85 : 0;
    return row && listing_has_key(head, "bailiwick") ? 80 : row ? 50 : 0;
}

extern const struct reader reader_dnsdb;
const struct reader reader_dnsdb = {
    .name = "dnsdb",
    .help = "DNSDB's answers as JSON lines, of version 1 and 2 of its API, Flex included: which names resolved to which addresses",
    .sniff = dnsdb_sniff,
    .read = dnsdb_read,
};
