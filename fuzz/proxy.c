/* The PROXY header of a relay: any bytes, any cut. The whole and the growing prefix must agree. */
#include "observe/honeypot/proxy.h"

#include "base/err.h"

#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct proxy_header whole, header;
    struct span stream = span_of(data, len);
    int r = proxy_parse(stream, &whole);
    (void)proxy_signature(stream);
    if (r == 0 && (whole.len > len || whole.len > PROXY_V2_MAX))
        abort();
    for (size_t cut = 0; cut < len && cut < 256; cut++) {
        int part = proxy_parse(span_part(stream, 0, cut), &header);
        if (part == 0 && (r != 0 || header.len != whole.len || header.has_source != whole.has_source || cut < header.len))
            abort();
        if (part != 0 && part != -ERR_TRUNCATED && r == 0)
            abort();
        if (part == -ERR_NOT_FOUND && r != -ERR_NOT_FOUND)
            abort();
    }
    return 0;
}
