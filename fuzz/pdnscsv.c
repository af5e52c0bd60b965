/* The pdnscsv reader on any bytes. */
#include "resolutions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    return fuzz_resolutions("pdnscsv", data, len);
}
