/* Whatever speaks first. */
#include "probe.h"

FUZZ_PROBE(banner)
