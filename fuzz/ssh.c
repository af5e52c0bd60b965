/* Versions and key exchange of SSH servers. */
#include "probe.h"

FUZZ_PROBE(ssh)
