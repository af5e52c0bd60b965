/* Certificates as hosts show them (DER), then answers of the DNS for their names (0xff 0xfe between them), of an address (first byte even) or a
 * domain. */
#include "harness.h"

#include "target.h"

extern const struct channel channel_certificate;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct target target = {.when = 1};
    if (len > 0 && data[0] % 2 != 0)
        target.domain = span_text("www.example.com");
    else
        target.addr = addr_v4(0xc0000207);
    harness_fuzz(&channel_certificate, target, NULL, data, len);
    return 0;
}
