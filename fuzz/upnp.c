/* Answers to a search. */
#include "probe.h"

FUZZ_PROBE(upnp)
