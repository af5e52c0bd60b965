/* The censys reader on any bytes. */
#include "listing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    return fuzz_listing("censys", data, len);
}
