/* security.txt as sites serve it, at both places (0xff 0xfe between the two), and the SOA's mailbox, which is the same kind of text. */
#include "harness.h"

#include "target.h"

extern const struct channel channel_security_txt, channel_soa_rname;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct target target = {.domain = span_text("www.example.com"), .when = INT64_C(1767225600) * USEC_PER_SEC};
    harness_fuzz(&channel_security_txt, target, NULL, data, len);
    harness_fuzz(&channel_soa_rname, target, NULL, data, len);
    return 0;
}
