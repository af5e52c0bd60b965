/* BER of whatever shape. */
#include "probe.h"

FUZZ_PROBE(snmp)
